"""Sends forms of pages, and finds what came of it."""

from tests.dashboard.reading import Page, Reader
from tests.world import OFFERING, PROVIDER, World, uid

CLUSTER = f"/dashboard/offerings/{OFFERING}/"

AUDITOR = "stranger"


def add_auditor(world: World) -> None:
    """Have AUDITOR audit PROVIDER."""
    role = {"uuid": uid(0x90), "user_uuid": uid(10), "role_name": "AUDITOR"}
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": PROVIDER}])


def done(somebody: Reader, answer: Page) -> Page:
    """The page that a form led to, which tells what was done."""
    assert answer.status == 303, answer.text
    place, _, fragment = answer.response.headers["Location"].partition("#")
    assert fragment == "main"
    return somebody.open(place)


def head(world: World) -> int:
    """The position of the last fact."""
    return world.ledger.journal.max_notification_id() or 0
