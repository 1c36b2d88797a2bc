"""Facts that fill every read table."""

from datetime import date, datetime
from typing import Protocol

from ledger.decisions.audit.verifications import verified
from ledger.decisions.requests import Decision
from ledger.journal.mapper import FactMapper
from ledger.journal.transaction import JournalTransaction
from projections.lookups.verifications import earlier_verifications
from tests.agents.registering import register_all
from tests.api.monthly import entity
from tests.billing.closing import close, reopen
from tests.billing.correcting import applied, item, proposed, reject, revert, reverted
from tests.billing.sending import send
from tests.controls import person_forgotten
from tests.world import BASIC, CPU, OFFERING_USER, RESOURCE, SECOND_PROJECT, World, uid
from web.commands.carry_over import carry_into
from web.request.services import Services


def tell_of_everything(world: World) -> None:
    """Bring facts into the journal that change every table."""
    world.describe(
        plan_components=[{"plan_uuid": BASIC, "component_uuid": CPU, "price": "1"}],
        resources=[entity("resources", RESOURCE, limits={"cpu": 3})],
        resource_plan_periods=[{"uuid": uid(0x98), "resource_uuid": RESOURCE, "plan_uuid": BASIC}],
        component_user_usage_limits=[
            {"uuid": uid(0x97), "resource_uuid": RESOURCE, "component_uuid": CPU}
            | {"offering_user_uuid": OFFERING_USER, "limit": 5}
        ],
    )
    register_all(world)
    cpu = {"type": "cpu", "amount": 7, "missing_usage_policy": "reuse"}
    for amount in (8, 7):
        assert world.report(date="2026-10-05", usages=[cpu | {"amount": amount}]).status_code == 201
    assert world.report(usages=[{"type": "gpu", "amount": 7}]).status_code == 201
    [usage] = world.usages(type="gpu")
    assert world.report_user(usage["uuid"], username="ann", usage=3).status_code == 201
    assert world.report(usages=[{"type": "gpu", "amount": 8}], date="2026-11-02").status_code == 201
    carry_into(date(2026, 11, 1), world.services, lambda _name, _usage: None)
    changes = {"project_uuid": SECOND_PROJECT, "limits": {"cpu": 4}, "state": 3}
    world.describe(resources=[entity("resources", RESOURCE, **changes)])
    for step in (close, reopen, close):
        assert step(world, by="provider-owner", month="2026-10").status_code == 201
    assert send(world, by="provider-owner", note="Sent").status_code == 201
    correct(world)
    record_verification(world)
    forget_where_names_are_known(world)


def correct(world: World) -> None:
    """Propose corrections of what is reported above, of which one is in each state in the end."""
    of_user = {"resource": RESOURCE, "type": "gpu", "username": "ann", "usage": "4", "date": "2026-11-02"}
    applied(world, item("9"), of_user)
    reverted(world, applied(world, item("10")))
    revert(world, applied(world, item("11")))
    reject(world, proposed(world, item("12")))


class Ledgered(Protocol):
    """What has a ledger, and a time."""

    now: datetime
    services: Services


def record_verification(world: Ledgered, to: int = 1, facts: int = 1, differences: int = 0) -> None:
    """Note one that nobody made."""

    def decide(transaction: JournalTransaction) -> Decision[None]:
        earlier = earlier_verifications(transaction.cursor)
        return Decision(None, [verified(to, facts, differences, earlier, world.now)])

    world.services.handler.execute(decide)


def forget_where_names_are_known(world: World) -> None:
    """Append that people were forgotten as a copied journal does, so that a replay has names to erase."""
    with world.ledger.transaction() as transaction:
        people = transaction.people(["ann", "member01", "stranger"]).values()
    mapper = FactMapper()
    facts = [person_forgotten(originator_id=each.uuid, person=each.uuid) for each in people]
    world.ledger.recorder.insert_events([mapper.to_stored_event(fact) for fact in facts])
    world.projector.catch_up()
