"""Filters of the lists of registrations.

What tells whether an agent lives is not kept, so there are no filters by it: `orphaned`, `stale`, `last_run`
and `last_run_before` are ignored.
"""

from marshmallow import EXCLUDE, Schema

from web.wire.parameters import ChoicesFilter, MomentFilter, TextFilter, UuidFilter


class IdentityQuery(Schema):
    class Meta:
        unknown = EXCLUDE

    name = TextFilter()
    version = TextFilter()
    offering_uuid = UuidFilter()
    last_restarted = MomentFilter()


class ServiceQuery(Schema):
    """`state` is a number: 1 is active, as all services are."""

    class Meta:
        unknown = EXCLUDE

    identity_uuid = UuidFilter()
    mode = TextFilter()
    modified_after = MomentFilter(attribute="modified_from")
    modified_before = MomentFilter(attribute="modified_until")
    state = ChoicesFilter(("1", "2", "3"), attribute="states")


class ProcessorQuery(Schema):
    class Meta:
        unknown = EXCLUDE

    service_uuid = UuidFilter()
    backend_type = TextFilter()
    backend_version = TextFilter()


# Made once: to make a schema takes longer than to load with it.
IDENTITY_QUERY, SERVICE_QUERY, PROCESSOR_QUERY = IdentityQuery(), ServiceQuery(), ProcessorQuery()
