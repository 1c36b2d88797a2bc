"""`usage-ledger history`: who said what of a figure, when, and through what."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import click
import orjson

from web.commands.audit.tables import printable, show, takes_format
from web.request.audit.history import COMPONENT_USAGES, USER_USAGES, Recorded, Version
from web.request.billing.corrections import EVERYBODYS
from web.request.services import Services
from web.runtime.database import open_services

AT_A_TIME = 100

COLUMNS = (
    *("position", "recorded_at", "reported_by", "source", "agent", "amount"),
    *("usage_before", "usage_after", "delta", "measured_at"),
)
OF_COMPONENTS = ("missing_usage_policy", "description")
"""Columns that user usages do not have."""


@click.command("history")
@click.argument("uuid", type=click.UUID)
@takes_format
def history_command(uuid: UUID, form: str | None) -> None:
    """Show the revisions of the component usage or the user usage with UUID, newest first.

    Each is a fact of the journal: who reported what, through what, and what the figure was before and after
    it. `amount` is what was stated; a report of a month that has several plans states the sum of them.
    """
    with open_services(only_reads=True) as services:
        recorded, row = _found(services, uuid)
        click.echo(_heading(row), err=True)
        own = OF_COMPONENTS if recorded is COMPONENT_USAGES else ()
        show((*COLUMNS, *own, "reason", "correction"), map(_row, _versions(services, recorded, uuid)), form)


def _found(services: Services, uuid: UUID) -> tuple[Recorded, dict[str, Any]]:
    """Return what kind of row it is that has this uuid, and the row. Raises ClickException."""
    with services.deciding() as cursor:
        for recorded in (COMPONENT_USAGES, USER_USAGES):
            restrictions = {"uuid": uuid, "root_url": ""}
            found, _ = recorded.history.rows.one(cursor, recorded.row.columns, restrictions, None)
            if found is not None:
                return recorded, orjson.loads(found)
    raise click.ClickException(f"no component usage and no user usage has the uuid {uuid.hex}")


def _heading(row: dict[str, Any]) -> str:
    """Return what the figure is of, in names."""
    what = row["name"] if "name" in row else row["component_type"]
    unit = f" ({row['measured_unit']})" if row["measured_unit"] else ""
    whom = f" of {row['username'] or 'somebody'}" if "username" in row else ""
    where = (row[f"{name}_name"] or "-" for name in ("resource", "offering", "project", "customer"))
    return printable(f"{what}{unit}{whom} in {row['billing_period'][:7]}: {', '.join(where)}")


def _versions(services: Services, recorded: Recorded, uuid: UUID) -> Iterator[Version]:
    """Yield all revisions, some of them at a time."""
    fact_of, last = services.ledger.fact_of, services.projector.reached().end.position
    while True:
        with services.reading() as cursor, cursor.connection.transaction():
            found = recorded.history.page(cursor, uuid, None, EVERYBODYS, last, AT_A_TIME)
            versions = [*recorded.versions(cursor, uuid, found, fact_of, "")]
        yield from versions
        if len(found) < AT_A_TIME:
            return
        last = found[-1].position - 1


def _row(version: Version) -> dict[str, Any]:
    user, row = version["revision_user"], orjson.loads(orjson.dumps(version["serialized_data"]))
    return version | {
        "recorded_at": version["revision_date"],
        "reported_by": user and (user["username"] or user["uuid"]),
        "reason": version["revision_comment"],
        "correction": _correction(version["correction"]),
        "missing_usage_policy": row.get("missing_usage_policy"),
        "description": row.get("description"),
    }


def _correction(correction: dict[str, Any] | None) -> str:
    """Return a correction in words: its title, and who proposed and approved it."""
    if correction is None:
        return ""
    names = (
        f"{step} by {(correction[f'{step}_by'] or {}).get('username') or 'somebody'}"
        for step in ("proposed", "approved")
    )
    return f"{correction['title']} ({', '.join(names)})"
