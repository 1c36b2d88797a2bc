"""How fields of ours are written as JSON Schema: what requests may have there, and what answers have."""

from decimal import Decimal
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema
from marshmallow.fields import Constant, Field

from web.wire import fields, parameters
from web.wire.agents.bodies import MOST_DEPENDENCIES, Dependencies
from web.wire.audit import feed, history, proofs, reasons
from web.wire.billing import bodies as billing
from web.wire.billing import completeness, manifests, months
from web.wire.bounds import MOST_ITEMS
from web.wire.figures import filters as figures
from web.wire.requests import COMPONENT_REPORT, USER_REPORT, UserLimit
from web.wire.responses import audit, columns
from web.wire.urls import Url

Json = dict[str, Any]

UUID_TEXT: Json = {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$",
    "description": "A uuid, with or without dashes.",
}
HEX: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
MOMENT_TEXT: Json = {
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date"}],
    "description": "A day, with or without a time; without an offset in the ledger's time zone.",
}
POSITION: Json = {"type": "integer", "minimum": 0, "maximum": 10**fields.MOST_DIGITS - 1}
URL: Json = {"type": "string", "format": "uri-reference"}
AMOUNT: Json = {"type": ["string", "number"], "pattern": r"^-?[0-9]{1,18}(\.[0-9]{1,2})?$"}

FIXED: dict[type[Field[Any]], Json] = {
    parameters.UuidFilter: UUID_TEXT,
    parameters.TextFilter: {"type": "string"},
    parameters.DateFilter: {"type": "string", "format": "date"},
    parameters.MomentFilter: MOMENT_TEXT,
    parameters.MonthFilter: {
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{1,2}(-[0-9]{1,2})?$",
        "description": "A month, or any of its days.",
    },
    parameters.PlainMonthFilter: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{1,2}$"},
    parameters.NumberFilter: {"type": "number", "description": "Decimals are cut off."},
    parameters.BooleanFilter: {"type": "boolean"},
    parameters.ResourceUrlFilter: {
        "type": "string",
        "description": "The URL of a resource; anything else finds nothing.",
    },
    feed.After: POSITION,
    feed.Limit: {"type": "integer", "minimum": 1, "maximum": feed.MOST_EVENTS},
    feed.Wait: {"type": "number", "minimum": 0, "maximum": feed.LONGEST_WAIT},
    figures.GroupFilter: {"type": "string", "enum": list(figures.GROUPINGS), "default": "component"},
    figures.MostFilter: {
        "type": "integer",
        "minimum": 1,
        "maximum": figures.MOST_GROUPS,
        "default": figures.GROUPS,
    },
    completeness.JumpFilter: {
        "type": "number",
        "exclusiveMinimum": 1,
        "maximum": completeness.LARGEST_JUMP,
        "default": completeness.JUMP,
    },
    completeness.SuspectFilter: {"type": "string", "enum": list(completeness.SUSPECT_KINDS)},
    months.Month: {
        "type": "string",
        "pattern": f"^{months.WRITTEN}$",
        "description": "A month, or its first day.",
    },
    manifests.Count: POSITION,
    manifests.Totals: {"type": "object", "additionalProperties": AMOUNT},
    history.Time: {"type": "string", "format": "date-time"},
    proofs.Size: POSITION,
    fields.Amount: AMOUNT,
    UserLimit: AMOUNT | {"pattern": AMOUNT["pattern"].replace("-?", ""), "minimum": 0},
    fields.NullableBoolean: {"type": "boolean"},
    fields.Moment: MOMENT_TEXT,
    fields.Reference: UUID_TEXT,
    Url: URL | {"description": "The URL of an object, of which only the path counts."},
    fields.Position: POSITION,
    columns.Hex: HEX,
    columns.Month: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
    columns.Decimal: {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"},
    columns.Number: {"type": "number"},
    columns.Link: {"type": "string", "format": "uri"},
}
"""Of the kinds of a field the most special one counts."""


class Converter(OpenAPIConverter):
    """apispec's, which knows the fields of ours, and tells what the docstrings of schemas say."""

    def field2type_and_format(self, field: Field[Any], **kwargs: Any) -> Json:
        """Return the type of a field of ours, and of any other what apispec makes of it."""
        for kind in type(field).__mro__:
            if kind in FIXED:
                return dict(FIXED[kind])
        return self._of_value(field) or super().field2type_and_format(field, **kwargs)

    def field2default(self, field: Field[Any], **kwargs: Any) -> Json:
        """Return the default of a field, if it has one that says something."""
        default = field.load_default
        if default is None or isinstance(field, Constant):
            return {}
        if isinstance(default, Decimal):
            return {"default": float(default)}
        told: Json = super().field2default(field, **kwargs)
        return told

    def schema2jsonschema(self, schema: Schema) -> Json:
        """Return a schema, described by what its class says."""
        made: Json = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        if told := type(schema).__dict__.get("__doc__"):
            made["description"] = " ".join(told.split())
        return made

    def _of_value(self, field: Field[Any]) -> Json:
        """Return the type of a field that says itself what it may be."""
        match field:
            case fields.Items():
                most = MOST_DEPENDENCIES if isinstance(field, Dependencies) else MOST_ITEMS
                items = self.resolve_nested_schema(field.schema)  # type: ignore[no-untyped-call]
                return {"type": "array", "items": items, "maxItems": most}
            case billing.CorrectionItems():
                kinds = [self.resolve_nested_schema(each) for each in (COMPONENT_REPORT, USER_REPORT)]  # type: ignore[no-untyped-call]
                return {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": MOST_ITEMS}
            case reasons.Reason():
                shortest = {} if field.allow_blank else {"minLength": 1}
                return {"type": "string", **shortest, "maxLength": reasons.LONGEST_REASON}
            case fields.Text():
                shortest = {} if field.allow_blank else {"minLength": 1}
                longest = {} if field.max_length is None else {"maxLength": field.max_length}
                return {"type": "string", **shortest, **longest}
            case fields.Choice():
                return {"type": "string", "enum": list(field.choices)}
            case parameters.ChoicesFilter():
                return {"type": "array", "items": {"type": "string", "enum": list(field.choices)}}
            case parameters.AnyFilter():
                return {"type": "array", "items": self.field2property(field.inner)}
            case parameters.LenientOrdering():
                told = f"{ordering(field)['description']} Others are dropped."
                return {"type": "string", "description": told}
            case parameters.Ordering():
                return ordering(field)
            case Constant():
                return {"const": field.constant}
            case audit.Row():
                return dict(self.resolve_nested_schema(field.row))  # type: ignore[no-untyped-call]
        return {}


def ordering(field: parameters.Ordering) -> Json:
    """Return what an order may be: some of the keys, each with a minus to descend."""
    keys = "|".join(sorted(field.keys))
    one = f"-?({keys})"
    told = f"Keys with commas between them, each with a minus to descend: {', '.join(sorted(field.keys))}."
    return {"type": "string", "pattern": f"^{one}(,{one})*$", "description": told}


class Plugin(MarshmallowPlugin):
    """apispec's plugin with our converter."""

    Converter = Converter
