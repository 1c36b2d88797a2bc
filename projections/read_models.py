"""Every read model, in the order in which a step of a batch enters them: a new one is listed here only.

The order follows from what each model says that it `reads` and `reads_before`; a test holds it to that.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.events import Fact
from projections.history.moments import MOMENTS
from projections.writers.accounts import ACCOUNTS
from projections.writers.audit.forgotten_people import FORGOTTEN_PEOPLE
from projections.writers.audit.lowered import LOWERED
from projections.writers.audit.verifications import VERIFICATIONS
from projections.writers.billing.corrections import CORRECTIONS
from projections.writers.billing.manifests import MANIFESTS
from projections.writers.carry_over import CARRIED_MONTHS
from projections.writers.catalogue import CATALOGUE
from projections.writers.component_usage import COMPONENT_USAGES, USAGE_OWNERS
from projections.writers.limits.allocation import COMPONENT_LIMITS, RESOURCE_LIMITS
from projections.writers.limits.user_usage_limits import LIMIT_OWNERS, USER_USAGE_LIMITS
from projections.writers.provided import PROVIDED
from projections.writers.read_model import ReadModel
from projections.writers.scope_position import SCOPE_POSITIONS
from projections.writers.statistics.silence import SILENCE
from projections.writers.user_usage import USER_USAGES

ReadModels = tuple[ReadModel[Any], ...]

READ_MODELS: ReadModels = (
    RESOURCE_LIMITS,
    CATALOGUE,
    PROVIDED,
    SILENCE,
    ACCOUNTS,
    COMPONENT_LIMITS,
    LOWERED,
    USAGE_OWNERS,
    COMPONENT_USAGES,
    USER_USAGES,
    LIMIT_OWNERS,
    USER_USAGE_LIMITS,
    CARRIED_MONTHS,
    FORGOTTEN_PEOPLE,
    MOMENTS,
    SCOPE_POSITIONS,
    VERIFICATIONS,
    CORRECTIONS,
    MANIFESTS,
)

Kinds = frozenset[type[Fact]]


class Route(NamedTuple):
    """The models that handle some kinds of facts, each with those of the kinds that it handles.

    `cached` are the kinds that change rows which processes keep.
    """

    models: tuple[tuple[ReadModel[Any], Kinds], ...]
    cached: Kinds


def dispatch(cursor: Cursor[DictRow], facts: Sequence[tuple[int, Fact]], models: ReadModels) -> int:
    """Hand facts to the models that handle them, with their positions and in order.

    Returns the position of the last fact that changed rows which processes keep, 0 if none did.
    """
    kinds = frozenset([type(fact) for _, fact in facts])
    route = _route(models, kinds)
    for model, handled in route.models:
        theirs = facts if handled == kinds else [each for each in facts if type(each[1]) in handled]
        model.project(cursor, theirs)
    return next((position for position, fact in reversed(facts) if type(fact) in route.cached), 0)


@lru_cache(maxsize=1024)
def _route(models: ReadModels, kinds: Kinds) -> Route:
    handled = [
        (model, frozenset(kind for kind in kinds if issubclass(kind, model.handles))) for model in models
    ]
    return Route(
        tuple((model, theirs) for model, theirs in handled if theirs),
        frozenset().union(*(theirs for model, theirs in handled if model.is_cached)),
    )
