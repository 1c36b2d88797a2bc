"""Reads what reports are decided on, for a whole batch of them at a time."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.decisions.state import DecisionState, records_of
from ledger.domain.metering import MeteredResource, VersionedResources
from ledger.domain.records import NO_RECORD, Record, RecordKey, UsageRow, UserRow
from ledger.domain.reports import ReadableReport, UserUsageReport
from ledger.journal.digests import FACT_DIGEST
from projections.fast.cache import VersionedCache
from projections.fast.position import BeingReplaced
from projections.lookups import catalogue
from projections.projector import Projector
from projections.read_position import SELECT_HEAD
from projections.rows import as_json

# One statement and one snapshot. As JSON, because so it is typed at once, and quicker than row by row.
SELECT_STATE = (
    SQL("""
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(wanted)s)
        AS n(resource_uuid uuid, component_uuid uuid, month date, with_users boolean)
)
SELECT json_build_object(
    'position', p.position,
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
                'reported_by', u.reported_by)) ORDER BY u.id), '[]')
        FROM wanted n
        JOIN component_usage u ON u.resource_uuid = n.resource_uuid
            AND u.component_uuid = n.component_uuid AND u.billing_period = n.month
    ),
    'users', (
        SELECT coalesce(json_agg(json_build_array(
            u.resource_uuid, u.component_uuid, u.billing_period, s.users)), '[]')
        FROM wanted n
        JOIN component_usage u ON u.resource_uuid = n.resource_uuid
            AND u.component_uuid = n.component_uuid AND u.billing_period = n.month
        CROSS JOIN LATERAL (
            SELECT json_agg(json_build_object(
                'usage_uuid', u.uuid, 'user_usage_uuid', uu.uuid, 'person', uu.person, 'amount', uu.usage,
                'offering_user_uuid', uu.offering_user_uuid)) AS users
            FROM user_usage uu
            WHERE uu.resource_uuid = u.resource_uuid AND uu.component_usage_uuid = u.uuid) s
        WHERE n.with_users AND s.users IS NOT NULL
    ),
    'limits', (
        SELECT coalesce(json_agg(json_build_array(
            l.resource_uuid, l.component_uuid, l.offering_user_uuid, l."limit")), '[]')
        FROM user_usage_limit l
        WHERE (l.resource_uuid, l.component_uuid) IN (
            SELECT resource_uuid, component_uuid FROM wanted WHERE with_users)
    )
)::text AS state
FROM read_position p""")
    .format(head=SQL(SELECT_HEAD), digest=FACT_DIGEST)
    .as_string()
)

SELECT_USAGES = """
SELECT
    uuid, resource_uuid, component_uuid, component_type, billing_period, project_uuid, customer_uuid,
    offering_uuid, provider_uuid
FROM component_usage WHERE uuid = ANY(%(uuids)s)"""


class StateRow(msgspec.Struct):
    """The answer of SELECT_STATE."""

    position: int
    described: int
    head: int
    follows: bool
    usages: list[tuple[UUID, UUID, date, int, UsageRow]]
    users: list[tuple[UUID, UUID, date, list[UserRow]]]
    limits: list[tuple[UUID, UUID, UUID, Decimal]]


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
            row = _row(cursor, _wanted(reports, resources, zone))
            if not row.follows:
                self._projector.reached()  # raises, unless they were just rebuilt
            elif row.position < known.end.position or row.described < known.described:
                self._projector.shared_position.forget(known.generation)
            elif row.position < row.head:
                self._projector.catch_up()
            elif row.described == known.described:
                return _state(resources, row)
            else:
                self._projector.shared_position.advance(known._replace(described=row.described))

    def _resources(
        self,
        cursor: Cursor[DictRow],
        version: tuple[int, int],
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


def _wanted(
    reports: Sequence[tuple[ReadableReport, datetime]],
    resources: Mapping[UUID, MeteredResource],
    zone: tzinfo,
) -> dict[RecordKey, bool]:
    """Return the records that reports are decided on, and of each whether its users are needed, too."""
    wanted: dict[RecordKey, bool] = {}
    for report, now in reports:
        with_users = isinstance(report, UserUsageReport)
        for key in records_of(report, resources[report.resource_uuid], now, zone):
            wanted[key] = with_users or wanted.get(key, False)
    return wanted


def _row(cursor: Cursor[DictRow], wanted: Mapping[RecordKey, bool]) -> StateRow:
    rows = as_json(
        {"resource_uuid": resource, "component_uuid": component, "month": month, "with_users": with_users}
        for (resource, component, month), with_users in wanted.items()
    )
    row = cursor.execute(SELECT_STATE, {"wanted": rows}).fetchone()
    if row is None:
        raise BeingReplaced
    return msgspec.json.decode(row["state"], type=StateRow)


def _state(resources: dict[UUID, MeteredResource], row: StateRow) -> DecisionState:
    records: dict[RecordKey, Record] = {}
    users: dict[RecordKey, dict[tuple[UUID, UUID], UserRow]] = {}
    limits: dict[tuple[UUID, UUID], dict[UUID, Decimal]] = {}
    for resource, component, month, version, usage in row.usages:
        key = (resource, component, month)
        record = records.get(key, NO_RECORD)
        records[key] = Record(version=max(version, record.version), rows=(*record.rows, usage))
    for resource, component, month, of_usage in row.users:
        of_record = users.setdefault((resource, component, month), {})
        of_record.update({(user.usage_uuid, user.person): user for user in of_usage})
    for resource, component, offering_user, limit in row.limits:
        limits.setdefault((resource, component), {})[offering_user] = limit
    for key, of_record in users.items():
        records[key] = structs.replace(records[key], users=of_record)
    return DecisionState(resources=resources, records=records, user_limits=limits)


def usages(cursor: Cursor[DictRow], uuids: Collection[UUID]) -> dict[UUID, DictRow]:
    """Return the component usages that there are, by uuid: what they are of, and whose."""
    rows = cursor.execute(SELECT_USAGES, {"uuids": list(uuids)}) if uuids else ()
    return {row["uuid"]: row for row in rows}
