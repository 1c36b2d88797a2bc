"""What proofs are asked for by: sizes of the tree."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from web.wire.fields import position_of

TOO_FAR = "The tree has not got that far."


class Size(fields.Field[int]):
    """How many facts a tree has."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        if (size := position_of(value)) is None:
            raise ValidationError("Must be a number of facts: a whole number from 0 on.")
        return size


class CheckpointQuery(Schema):
    """Which checkpoint is asked for: without a size, the newest."""

    size = Size(load_default=None)


class ConsistencyQuery(Schema):
    """The smaller tree, and the larger one that begins with it."""

    begin = Size(required=True, data_key="from")
    end = Size(required=True, data_key="to")


CHECKPOINT_QUERY, CONSISTENCY_QUERY = CheckpointQuery(), ConsistencyQuery()
