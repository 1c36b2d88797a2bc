"""A small catalogue of our own, for a first look at an empty ledger."""

from importlib.resources import as_file, files
from uuid import UUID

from projections.lookups import accounts
from web.commands import tokens
from web.importer.importer import import_lists
from web.importer.reading import read_lists
from web.request.services import Services

STAFF = UUID("00000000-0000-4000-8000-000000000001")
RESOURCE = UUID("00000000-0000-4000-8000-000000000701")


def load_if_empty(services: Services) -> None:
    """Import the demo catalogue unless there is any fact already."""
    if services.projector.catch_up() == 0:
        with as_file(files("web.commands").joinpath("demo.json")) as path:
            lists, _ = read_lists(path)
            import_lists(lists, services)


def greeting(services: Services, address: str) -> str | None:
    """Return words on what to try first, with a token for a day; None without the demo catalogue."""
    with services.deciding() as cursor:
        staff = accounts.accounts_named(cursor, "demo-staff")
    if [account["uuid"] for account in staff] != [STAFF]:
        return None
    token = tokens.create(services, STAFF, days=1)
    url = f"{address}/api/marketplace-component-usages"
    body = f'{{"resource": "{RESOURCE.hex}", "usages": [{{"type": "cpu", "amount": "12.50"}}]}}'
    return f"""\
Staff token, valid for a day: {token}

Report usage:
  curl -i -H 'Authorization: Token {token}' -H 'Content-Type: application/json' -d '{body}' {url}/set_usage/

Read it back:
  curl -H 'Authorization: Token {token}' '{url}/?resource_uuid={RESOURCE.hex}'
"""
