"""As of a position every GET answers what a ledger does whose journal ends there.

The paths and their parameters are those of the application: a new one is asked, or the tests fail.
"""

import random
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from projections.rebuild import Rebuilt
from tests.audit.asking import OF_NOW, ROLES, Asked, Question, questions, replayed, rules, told
from tests.audit.happenings import EVERYTHING, Step, earlier, steps
from tests.projections.rebuilding import rebuild_of
from tests.world import World, open_world
from web.wire.declared.parameters import TAKEN

WorldDatabase = Callable[[], AbstractContextManager[str]]

IN_A_HISTORY = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_get_takes_a_position_but_those_of_now(world: World) -> None:
    paths = {rule.rule for rule in world.app.url_map.iter_rules()}
    assert paths >= OF_NOW.keys()
    assert [rule for rule, names, _ in rules(world.app) if "as_of" not in names] == []
    for rule in world.app.url_map.iter_rules():
        if rule.rule in OF_NOW:
            assert "as_of" not in TAKEN[world.app.view_functions[rule.endpoint]].names


def told_since(world: World, start: int) -> list[int]:
    """Positions of all facts behind one."""
    return [position for position, _ in world.ledger.facts_after(start, 1_000_000)]


def assert_past(
    server: str,
    empty_template: str,
    world: World,
    positions: Iterable[int],
    chosen: Callable[[int, str], list[Question]],
    roles: Collection[str] = ROLES,
) -> dict[tuple[int, str, Question], str]:
    """Compare the answers to `chosen` questions, by position and user. Returns the tags that they had."""
    moments = {position: fact.recorded_at for position, fact in world.ledger.facts_after(0, 1_000_000)}
    here, tags, wrong = Asked(world.app, world), {}, []
    with replayed(server, empty_template, world) as then:
        for position in sorted(positions):
            then.forward(position, moments[position])
            for by in roles:
                for question in chosen(position, by):
                    answer = here.get(question, by, as_of=position)
                    expected = then.asked.get(question, by)
                    if answer.status_code == 200:
                        tags[position, by, question] = answer.headers["ETag"]
                    if told(answer) != told(expected):
                        wrong.append((position, by, question, told(answer), told(expected)))
    assert not wrong, f"{len(wrong)} answers are others, the first: {wrong[:3]}"
    return tags


def test_every_answer_about_the_past_is_that_of_then(
    server: str, empty_template: str, world_database: WorldDatabase
) -> None:
    with world_database() as url, open_world(url) as world:
        start = world.projector.catch_up()
        for step in EVERYTHING:
            step(world)
        positions = told_since(world, start)
        choice = random.Random(13)  # noqa: S311 - no secret
        known = questions(world, positions[:: len(positions) // 5])
        whole = positions[len(positions) // 2]
        looked_at = {start, whole, positions[-1], *choice.sample(positions, 12)}

        def chosen(position: int, by: str) -> list[Question]:
            if by == "staff" and position == whole:
                return known
            return choice.sample(known, 15 if by == "staff" else 4)

        tags = assert_past(server, empty_template, world, looked_at, chosen)
        assert len(tags) > 500
        again = choice.sample(sorted(tags), 40)
        assert rebuild_of(world).run(accept=True).is_live
        earlier(world)
        asked = Asked(world.app, world)
        for position, by, question in again:
            answer = asked.get(question, by, as_of=position)
            assert answer.headers["ETag"] == tags[position, by, question]
        expected = assert_past(
            server, empty_template, world, choice.sample(positions, 2), lambda *_: choice.sample(known, 5)
        )
        assert expected


@IN_A_HISTORY
@given(st.lists(steps, min_size=6, max_size=14), st.randoms(use_true_random=False))
def test_a_random_past_is_that_of_then(
    server: str,
    empty_template: str,
    world_database: WorldDatabase,
    history: list[Step],
    choice: random.Random,
) -> None:
    with world_database() as url, open_world(url) as world:
        for step in EVERYTHING[:10]:
            step(world)
        start = world.projector.catch_up()
        for step in history:
            step(world)
        if not (positions := told_since(world, start)):
            return
        known = questions(world, [start, positions[-1]])
        asked = choice.sample(positions, min(4, len(positions)))
        roles = ["staff", *choice.sample(ROLES[1:], 3)]
        assert_past(server, empty_template, world, asked, lambda *_: choice.sample(known, 20), roles)
        assert rebuild_of(world).run() == Rebuilt(is_live=True)
