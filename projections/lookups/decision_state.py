"""Reads what reports are decided on, for a whole batch of them at a time."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.decisions.state import DecisionState, records_of
from ledger.domain.metering import MeteredResource, VersionedResources
from ledger.domain.people import Person
from ledger.domain.records import NO_RECORD, Record, RecordKey, UsageRow, UserRow
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.journal.digests import FACT_DIGEST
from projections.fast.cache import VersionedCache
from projections.fast.position import BeingReplaced, End, KnownPosition
from projections.lookups import catalogue
from projections.projector import Projector
from projections.read_position import SELECT_HEAD
from projections.rows import as_json

# One statement and one snapshot. As JSON, because so it is typed at once, and quicker than row by row.
# Records are looked up one by one (OFFSET 0 keeps it so): a join would be planned for a hundred of them, and
# read all of a table of thousands.
SELECT = """
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s)
        AS n(resource_uuid uuid, component_uuid uuid, month date, has_users boolean, is_reported boolean)
){named}
SELECT json_build_object(
    'position', p.position,
    'digest', p.digest,
    'described', p.described,
    'head', ({head}),
    'follows', p.digest = coalesce((
        SELECT {digest} FROM journal.ledger_events WHERE notification_id = p.position), 0),
    'usages', (
        SELECT coalesce(json_agg(json_build_array(
            u.resource_uuid, u.component_uuid, u.billing_period, u.version, json_build_object(
                'usage_uuid', u.uuid, 'amount', u.usage, 'measured_at', u.measured_at,
                'plan_uuid', u.plan_uuid, 'plan_period_uuid', u.plan_period_uuid,
                'missing_usage_policy', u.missing_usage_policy, 'description', u.description,
                'reported_by', u.reported_by)
            {total}) ORDER BY u.id), '[]')
        FROM wanted n CROSS JOIN LATERAL {usage} u
    ){users}
)::text AS state
FROM read_position p"""

USAGE = """(
            SELECT * FROM component_usage WHERE resource_uuid = n.resource_uuid
            AND component_uuid = n.component_uuid AND billing_period = n.month OFFSET 0)"""

NAMED = """, named AS (
    SELECT n.*, p.uuid AS person, p.salt
    FROM json_to_recordset(%(named)s)
        AS n(resource_uuid uuid, component_uuid uuid, month date, username text, offering_user_uuid uuid)
    LEFT JOIN LATERAL (
        SELECT uuid, salt FROM journal.person WHERE username = n.username OFFSET 0) p ON true
)"""

# Only needed of a usage that stands at zero, or may come to stand there by another report of the batch.
# Price: where a usage is at zero, all of its users are added up.
TOTAL = """, CASE WHEN n.has_users AND (n.is_reported OR u.usage = 0) THEN (
                SELECT coalesce(sum(usage), 0) FROM user_usage uu
                WHERE uu.resource_uuid = u.resource_uuid AND uu.component_usage_uuid = u.uuid) END"""

# Of a usage's users those who are named, and those who share a limit with them: it may have thousands.
USERS = f""",
    'users', (
        SELECT coalesce(json_agg(json_build_array(
            n.resource_uuid, n.component_uuid, n.month, json_build_object(
                'usage_uuid', u.uuid, 'user_usage_uuid', uu.uuid, 'person', uu.person, 'amount', uu.usage,
                'offering_user_uuid', uu.offering_user_uuid))), '[]')
        FROM named n CROSS JOIN LATERAL {USAGE} u CROSS JOIN LATERAL (
            SELECT * FROM user_usage WHERE component_usage_uuid = u.uuid AND person = n.person
            UNION ALL
            SELECT * FROM user_usage
            WHERE component_usage_uuid = u.uuid AND offering_user_uuid = n.offering_user_uuid AND EXISTS (
                SELECT FROM user_usage_limit l WHERE l.offering_user_uuid = n.offering_user_uuid
                AND l.resource_uuid = n.resource_uuid AND l.component_uuid = n.component_uuid)
            OFFSET 0
        ) uu
    ),
    'limits', (
        SELECT coalesce(json_agg(json_build_array(
            n.resource_uuid, n.component_uuid, n.offering_user_uuid, l."limit")), '[]')
        FROM named n CROSS JOIN LATERAL (
            SELECT "limit" FROM user_usage_limit
            WHERE offering_user_uuid = n.offering_user_uuid
            AND resource_uuid = n.resource_uuid AND component_uuid = n.component_uuid OFFSET 0) l
    ),
    'people', (
        SELECT coalesce(json_agg(json_build_object(
            'uuid', person, 'username', username, 'salt', encode(salt, 'base64'))), '[]')
        FROM (SELECT DISTINCT person, username, salt FROM named WHERE person IS NOT NULL) p
    )"""  # noqa: S608 - of constants


def _select(named: LiteralString, total: LiteralString, users: LiteralString) -> str:
    parts = {"named": named, "total": total, "users": users, "head": SELECT_HEAD, "usage": USAGE}
    texts = {name: SQL(part) for name, part in parts.items()}
    return SQL(SELECT).format(**texts, digest=FACT_DIGEST).as_string()


SELECT_STATE = _select("", "", "")
SELECT_STATE_WITH_USERS = _select(NAMED, TOTAL, USERS)

SELECT_USAGES = """
SELECT
    uuid, resource_uuid, component_uuid, component_type, billing_period, project_uuid, customer_uuid,
    offering_uuid, provider_uuid
FROM component_usage WHERE uuid = ANY(%(uuids)s)"""


class OfRecord(NamedTuple):
    """A usage with the record that it is of, and what all of its users have where that may be needed."""

    resource_uuid: UUID
    component_uuid: UUID
    month: date
    version: int
    row: UsageRow
    total: Decimal | None = None

    @property
    def key(self) -> RecordKey:
        return self.resource_uuid, self.component_uuid, self.month


class StateRow(msgspec.Struct):
    """The answer of SELECT_STATE, or of SELECT_STATE_WITH_USERS, which has more."""

    position: int
    digest: int
    described: int
    head: int
    follows: bool
    usages: list[OfRecord]
    users: list[tuple[UUID, UUID, date, UserRow]] = []
    limits: list[tuple[UUID, UUID, UUID, Decimal]] = []
    people: list[Person] = []


class PostgresReadModels:
    """The read models as the ledger needs them: the port `ReadModels` of `ledger/handler.py`.

    Keeps what only descriptions change in `cache`.
    """

    def __init__(self, projector: Projector, cache: VersionedCache) -> None:
        self._projector, self._cache = projector, cache
        self.catch_up = projector.catch_up
        self.project = projector.project_appended
        self.publish = projector.shared_position.advance
        self.recover = projector.recover

    def read(
        self,
        cursor: Cursor[DictRow],
        reports: Sequence[tuple[ReadableReport, datetime]],
        zone: tzinfo,
        looked_up: Iterable[VersionedResources] = (),
    ) -> DecisionState:
        """Return what reports are decided on, each with when it came, up to date with the journal.

        Resources that were looked up before are used where they are still what they were. Raises
        ProjectingFailed.
        """
        while True:
            known = self._projector.shared_position.known()
            before = [each.resources for each in looked_up if each.version == known.version]
            resources = self._resources(cursor, known.version, [report for report, _ in reports], before)
            row = _row(cursor, reports, resources, zone)
            if not row.follows:
                self._projector.reached()  # raises, unless they were just rebuilt
            elif row.position < known.end.position or row.described < known.described:
                self._projector.shared_position.forget(known.generation)
            elif row.position < row.head:
                self._projector.catch_up()
            elif row.described == known.described:
                self._note(known, row)
                return _state(resources, row)
            else:
                self._note(known, row)

    def _note(self, known: KnownPosition, row: StateRow) -> None:
        """Take note of facts whose writer has not told of them yet: answers are to name what they rest on."""
        if (row.position, row.described) != (known.end.position, known.described):
            end = End(row.position, row.digest)
            self._projector.shared_position.advance(KnownPosition(known.generation, end, row.described))

    def _resources(
        self,
        cursor: Cursor[DictRow],
        version: tuple[int, ...],
        reports: Sequence[ReadableReport],
        before: Iterable[Mapping[UUID, MeteredResource]],
    ) -> dict[UUID, MeteredResource]:
        wanted = {report.resource_uuid for report in reports}
        resources = {uuid: each[uuid] for each in before for uuid in wanted & each.keys()}
        if missing := wanted - resources.keys():
            resources |= self._cache.get_many(
                version, missing, lambda uuids: catalogue.metered_resources(cursor, uuids)
            )
        for report in reports:
            if isinstance(report, UserUsageReport):
                resource = resources[report.resource_uuid]
                if all(each.uuid != report.component_uuid for each in resource.components):
                    # It exists, and the resource is of another offering by now.
                    moved = catalogue.components(cursor, [report.component_uuid])
                    components = (*resource.components, *moved.values())
                    resources[report.resource_uuid] = structs.replace(resource, components=components)
        return resources


def _row(
    cursor: Cursor[DictRow],
    reports: Sequence[tuple[ReadableReport, datetime]],
    resources: Mapping[UUID, MeteredResource],
    zone: tzinfo,
) -> StateRow:
    reported: dict[RecordKey, bool] = {}
    of_users: dict[RecordKey, bool] = {}
    named: dict[tuple[RecordKey, str, UUID | None], bool] = {}
    for report, now in reports:
        keys = dict.fromkeys(records_of(report, resources[report.resource_uuid], now, zone), True)
        if isinstance(report, UserUsageReport):
            of_users |= keys
            named |= dict.fromkeys(_named(report, zone), True)
        else:
            reported |= keys
    wanted = [
        {**_columns(key), "has_users": key in of_users, "is_reported": key in reported}
        for key in reported | of_users
    ]
    values = {"wanted": as_json(wanted)}
    if named:
        users = [
            {**_columns(key), "username": username, "offering_user_uuid": offering_user}
            for key, username, offering_user in named
        ]
        values["named"] = as_json(users)
    row = cursor.execute(SELECT_STATE_WITH_USERS if named else SELECT_STATE, values).fetchone()
    if row is None:
        raise BeingReplaced
    return msgspec.json.decode(row["state"], type=StateRow)


def _named(report: UserUsageReport, zone: tzinfo) -> Iterator[tuple[RecordKey, str, UUID | None]]:
    """Yield the users that a report names, in their months, and in its own: limits are compared with that."""
    for item in report.items:
        for month in {report.month, item.month(report.month, zone)}:
            key = (report.resource_uuid, report.component_uuid, month)
            yield key, item.username, item.offering_user_uuid


def _columns(key: RecordKey) -> dict[str, Any]:
    return dict(zip(("resource_uuid", "component_uuid", "month"), key, strict=True))


def _state(resources: dict[UUID, MeteredResource], row: StateRow) -> DecisionState:
    records: dict[RecordKey, Record] = {}
    users: dict[RecordKey, dict[tuple[UUID, UUID], UserRow]] = {}
    limits: dict[tuple[UUID, UUID], dict[UUID, Decimal]] = {}
    for each in row.usages:
        record = records.get(each.key, NO_RECORD)
        records[each.key] = Record(
            version=max(each.version, record.version),
            rows=(*record.rows, each.row),
            totals={**record.totals, each.row.usage_uuid: each.total},
        )
    for resource, component, month, user in row.users:
        users.setdefault((resource, component, month), {})[user.usage_uuid, user.person] = user
    for resource, component, offering_user, limit in row.limits:
        limits.setdefault((resource, component), {})[offering_user] = limit
    for key, of_record in users.items():
        records[key] = structs.replace(records[key], users=of_record)
    people = {person.username: person for person in row.people}
    return DecisionState(
        resources=resources,
        records=records,
        user_limits=limits,
        people=people,
        head=row.position,
        described=row.described,
    )


def usages(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, DictRow]:
    """Return the component usages that there are, by uuid: what they are of, and whose."""
    rows = cursor.execute(SELECT_USAGES, {"uuids": list(uuids)}) if uuids else ()
    return {row["uuid"]: row for row in rows}
