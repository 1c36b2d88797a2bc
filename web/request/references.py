"""Looks up the objects that a request names, before its body is loaded.

Fields tell by their kind which uuids a body names. Those of all items are looked up at once: resources in the
cache, other objects in the database, which is not asked where a body names none of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from marshmallow import ValidationError

from ledger.domain.metering import MeteredResource
from projections.lookups import catalogue, decision_state
from projections.queries.list_query import Scopes
from web.request.authentication import token_sent, visible
from web.request.reading import read_object
from web.request.services import Services, current, services
from web.wire.body import (
    MOST_HINTS,
    MOST_TOLD,
    NON_FIELD,
    TOO_DEEP,
    Body,
    Found,
    LoadContext,
    Loading,
    unknown,
)
from web.wire.bounds import MOST_ITEMS
from web.wire.errors import MalformedBody
from web.wire.fields import Items, Kind, Reference

Objects = Sequence[Mapping[str, Any]]


def load(schema: Body) -> tuple[Any, Found]:
    """Return the request's body as `schema` loads it, with the objects that it names.

    Raises MalformedBody, UnsupportedMediaType, ValidationError, Busy.
    """
    try:
        body = read_object("usages" if "usages" in schema.fields else NON_FIELD)
        if current().is_strict:
            check_keys(schema, body)
        context = context_of({schema: [body]})
        with Loading(context):
            return schema.load(body), context.found
    except RecursionError:
        raise MalformedBody(TOO_DEEP) from None


def check_keys(schema: Body, body: Mapping[str, Any]) -> None:
    """Raise ValidationError, by name, for keys that the schema does not have, those of listed items too."""
    if told := _unknown_keys(schema, body, count()):
        raise ValidationError(told)


def _unknown_keys(schema: Body, item: Mapping[str, Any], place: Iterator[int]) -> dict[str, Any]:
    """Return the errors of unknown keys; `place` counts them, as there may be many in one request."""
    told: dict[str, Any] = {
        name: [unknown("field", name, schema.load_fields, is_hinted=number < MOST_HINTS)]
        for name in item
        if name not in schema.load_fields and (number := next(place)) < MOST_TOLD
    }
    for name, field in schema.load_fields.items():
        if isinstance(field, Items) and isinstance(item.get(name), list):
            of_items = [
                _unknown_keys(field.schema, each, place) if isinstance(each, dict) else {}
                for each in item[name]
            ]
            if any(of_items):
                told[name] = of_items
    return told


def context_of(bodies: Mapping[Body, Objects], *, only_seen: bool = False) -> LoadContext:
    """Return what is needed to load bodies, by their schema: the objects that they name, and more.

    In Waldur whatever exists can be named, and is refused then as not for the caller. With `only_seen` it is
    as if there was nothing but what the caller sees.
    """
    wanted: dict[Kind, set[UUID]] = defaultdict(set)
    for schema, objects in bodies.items():
        for kind, uuid in _references(schema, objects):
            wanted[kind].add(uuid)
    here = services()
    return LoadContext(
        zone=here.ledger.zone,
        now=here.clock(),
        found=_found(wanted, here, None if not only_seen else visible()),
        token=token_sent(),
    )


def _references(schema: Body, objects: Objects) -> Iterator[tuple[Kind, UUID]]:
    for name, field in _references_of(schema):
        if isinstance(field, Items):
            listed = [each for item in objects for each in _items(item.get(name))]
            yield from _references(field.schema, listed)
        else:
            texts = {text for item in objects if isinstance(text := item.get(name), str)}
            yield from ((field.kind, uuid) for text in texts if (uuid := field.uuid_in(text)))


@cache
def _references_of(schema: Body) -> list[tuple[str, Reference | Items]]:
    """Return the fields of a schema that name objects, and its lists whose items do."""
    return [
        (name, field)
        for name, field in schema.load_fields.items()
        if isinstance(field, Reference) or (isinstance(field, Items) and _references_of(field.schema))
    ]


def _items(value: Any) -> Objects:
    """Return the objects in a list. Nothing is looked up for one that is too long: it is refused anyway."""
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        return ()
    return [each for each in value if isinstance(each, dict)]


def _found(wanted: Mapping[Kind, set[UUID]], here: Services, named_by: Scopes) -> Found:
    """Return the objects that are wanted, some kinds only as far as the caller may name them."""
    version, resources = here.resources(wanted.get("resources", ()))
    if named_by is not None:
        resources = {uuid: each for uuid, each in resources.items() if is_visible(_owners(each), named_by)}
    if not wanted.keys() - {"resources"}:
        return Found(resources=resources, version=version)
    with here.reading() as cursor:
        components = catalogue.components(cursor, wanted.get("components", ()))
        usages = decision_state.usages(cursor, wanted.get("usages", ()))
        plan_periods = catalogue.plan_periods(cursor, wanted.get("plan_periods", ()))
        offering_users = catalogue.offering_users(cursor, wanted.get("offering_users", ()))
        offerings = catalogue.offerings(cursor, wanted.get("offerings", ()))
    scopes = visible()
    return Found(
        resources=resources,
        version=version,
        usages={uuid: usage for uuid, usage in usages.items() if is_visible(usage, scopes)},
        components=components,
        plan_periods={
            uuid: period for uuid, (period, owners) in plan_periods.items() if is_visible(owners, named_by)
        },
        offering_users={uuid for uuid, each in offering_users.items() if is_visible(each, named_by)},
        offerings={uuid: each for uuid, each in offerings.items() if is_visible(each, scopes)},
    )


def _owners(resource: MeteredResource) -> Mapping[str, UUID]:
    return {
        "project_uuid": resource.resource.project_uuid,
        "offering_uuid": resource.resource.offering_uuid,
        "customer_uuid": resource.customer_uuid,
        "provider_uuid": resource.provider_uuid,
    }


def is_visible(owned: Mapping[str, Any], scopes: Scopes) -> bool:
    """Return whether the scopes see what belongs to this customer, offering …, as far as it names them."""
    return scopes is None or any(owned.get(f"{kind[:-1]}_uuid") in uuids for kind, uuids in scopes.items())
