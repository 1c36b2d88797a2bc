"""The statistics, as tests read them."""

from typing import Any

from tests.world import World

STATISTICS = "/api/marketplace-stats/"
PROVIDER_OFFERINGS = "/api/marketplace-provider-offerings/"


def rows(world: World, name: str, *, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    """The rows of a list that is not paged."""
    response = world.as_(by).get(f"{STATISTICS}{name}/", **query)
    assert response.status_code == 200, response.data
    found: list[dict[str, Any]] = response.get_json()
    assert response.headers["X-Result-Count"] == str(len(found))
    return found


def figures(world: World, name: str, *columns: str, **query: Any) -> list[tuple[Any, ...]]:
    """Some columns of each row."""
    return [tuple(row[column] for column in columns) for row in rows(world, name, **query)]


def report(world: World, resource: str, date: str, **amounts: Any) -> None:
    """Reports amounts by type of component."""
    usages = [{"type": name, "amount": amount} for name, amount in amounts.items()]
    response = world.report(resource=resource, date=date, usages=usages)
    assert response.status_code == 201, response.data
