"""Corrections on pages: proposed on a figure's page or of many, seen by two people, applied, and put back."""

from io import BytesIO
from typing import Any

import pytest

from ledger.events import CorrectionProposed
from tests.billing.correcting import PROPOSER, SECOND, WRONG, applied, item, proposed, take
from tests.billing.correcting import shown as told
from tests.dashboard.reading import Page, Reader, reader, shown
from tests.dashboard.writing import AUDITOR, CLUSTER, add_auditor, done, head
from tests.world import BASIC, OFFERING, PREMIUM, PROVIDER, RESOURCE, SECOND_RESOURCE, World, uid
from web.dashboard.errors import FOREIGN
from web.dashboard.formats import DASH
from web.dashboard.pages.billing import corrections
from web.dashboard.pages.billing.proposing import EITHER, OTHERWISE
from web.dashboard.writing.items import NONE

CORRECTIONS = "/dashboard/corrections/"
PROPOSE = f"{CORRECTIONS}propose/"

TITLE, REASON = "<b>Minutes</b>", "Counted in minutes <script>alert(1)</script>"

NOTHING_YET = "You proposed it. Nothing has changed yet: somebody else is to approve it."

WORDS = {"step": "propose", "title": TITLE, "reason": REASON, "ticket": "BILL-7", "key": "a-key"}

DATED = {"date": "2026-10-20"}

SEES = ("staff", "support", PROPOSER, SECOND, AUDITOR)
REPORTS = ("staff", PROPOSER, SECOND)


def figure(world: World, **query: str) -> str:
    """The page of RESOURCE's CPU in October, which is 231.50."""
    wanted = {"resource_uuid": RESOURCE, "type": "cpu", "billing_period": "2026-10-01"} | query
    (found,) = world.usages(**wanted)
    return f"/dashboard/figures/{found['uuid']}/"


def page_of(uuid: str) -> str:
    return f"{CORRECTIONS}{uuid}/"


def place_of(answer: Page) -> str:
    return answer.response.headers["Location"].partition("#")[0]


def buttons(page: Page) -> list[str]:
    return [str(each["value"]) for each in page.html.select("#steps button")]


def stands(world: World) -> str:
    (found,) = world.usages(resource_uuid=RESOURCE, type="cpu", billing_period="2026-10-01")
    return str(found["usage"])


def steps_of(page: Page) -> list[str]:
    return [shown(each).partition(", 2026")[0] for each in page.html.select("#timeline li")]


@pytest.fixture
def people(shown_world: World) -> tuple[Reader, Reader]:
    """PROPOSER and SECOND, signed in."""
    return reader(shown_world, PROPOSER), reader(shown_world, SECOND)


def test_a_figure_is_corrected_by_two_people(shown_world: World, people: tuple[Reader, Reader]) -> None:
    ann, ben = people
    place = figure(shown_world)
    answer = ann.post(place, **WORDS, amount="230")
    page = done(ann, answer)
    assert (page.status, page.heading, shown(page.one(".done"))) == (200, TITLE, NOTHING_YET)
    assert (shown(page.one("#reason")), shown(page.one("#ticket"))) == (REASON, "BILL-7")
    assert shown(page.one("#state")) == "proposed"
    assert page.rows("#items") == [
        {
            "Month": "October 2026",
            "Resource": "Resource",
            "Component": "cpu",
            "User": DASH,
            "Before": "231.50 hours",
            "Now": "231.50 hours",
            "After": "230.00 hours",
            "Change": "−1.50 hours",  # noqa: RUF001 - as people read it
            "Of note": DASH,
            "Position": DASH,
        }
    ]
    assert page.values("#sums", "Change") == ["-1.50"]
    assert page.link("October 2026", "#items") == place
    assert (stands(shown_world), buttons(page)) == ("231.50", ["reject"])
    assert "somebody else who may report all of it is to approve it" in shown(page.one("#waits"))

    own = ann.post(place_of(answer), step="approve")
    assert (own.status, shown(own.one("#step-refusal"))) == (403, WRONG["detail"])

    assert buttons(ben.open(place_of(answer))) == ["approve", "reject"]
    page = done(ben, ben.post(place_of(answer), step="approve"))
    assert shown(page.one(".done")) == "You approved it. Nothing has changed yet: it is to be applied."
    assert (buttons(page), stands(shown_world)) == (["apply", "reject"], "231.50")
    page = done(ben, ben.post(place_of(answer), step="apply"))
    assert shown(page.one(".done")) == "You applied it: 1 of 1 figures were changed."
    assert (buttons(page), stands(shown_world)) == (["revert"], "230.00")
    assert steps_of(page) == [f"proposed by {PROPOSER}", f"approved by {SECOND}", f"applied by {SECOND}"]

    revision = ann.open(place).rows("#history")[0]
    people_of = f"(proposed by {PROPOSER}, approved by {SECOND})"
    assert revision["Correction"] == f"{TITLE} {people_of}"
    assert ann.open(place).link(f"{TITLE} {people_of}", "#history") == place_of(answer)
    for each in (page, ann.open(place)):
        assert [script["src"] for script in each.html.select("script")] == ["/dashboard/static/script.js"]
        assert each.html.select("main b") == []


def test_what_was_applied_is_put_back_by_two_people(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    ann, ben = people
    uuid = applied(shown_world, item("230", **DATED))
    answer = ben.post(page_of(uuid), step="revert", reason="Hours were right", title="", ticket="BILL-8")
    page = done(ben, answer)
    said = "You proposed to put it back. Nothing has changed yet: somebody else is to approve it."
    assert (page.heading, shown(page.one(".done"))) == ("Revert: Minutes", said)
    assert page.link("another correction") == page_of(uuid)
    first = ann.open(page_of(uuid))
    assert (first.link("another correction"), buttons(first)) == (place_of(answer), [])
    for step in ("approve", "apply"):
        page = done(ann, ann.post(place_of(answer), step=step))
    assert (stands(shown_world), page.values("#items", "After")) == ("231.50", ["231.50"])
    first = ann.open(page_of(uuid))
    assert (shown(first.one("#state")), first.rows("#items")[0]["Of note"]) == ("reverted", DASH)
    assert first.html.select("#moved") == []


def test_a_rejection_says_why(shown_world: World, people: tuple[Reader, Reader]) -> None:
    uuid, (_, ben) = proposed(shown_world, item("230", **DATED)), people
    refused = ben.post(page_of(uuid), step="reject", reason="")
    assert (refused.status, shown(refused.one("#reject-reason-errors"))) == (400, "This field is required.")
    page = done(ben, ben.post(page_of(uuid), step="reject", reason="Hours <i>are</i> right"))
    assert shown(page.one("#state")) == "rejected"
    assert "Hours <i>are</i> right" in shown(page.one("#timeline"))
    assert (buttons(page), stands(shown_world)) == ([], "231.50")


def test_to_put_it_back_twice_is_told_to_be_under_way(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    uuid, (_, ben) = applied(shown_world, item("230", **DATED)), people
    form = {"step": "revert", "reason": "Hours were right"}
    done(ben, ben.post(page_of(uuid), **form))
    before = head(shown_world)
    again = ben.post(page_of(uuid), **form)
    assert (again.status, head(shown_world)) == (409, before)
    assert again.html.select("#step-refusal li")
    assert again.one("#revert-reason")["value"] == "Hours were right"


@pytest.mark.parametrize("step", ["approve", "apply"])
def test_a_step_that_is_sent_twice_is_told_to_be_wrong(
    shown_world: World, people: tuple[Reader, Reader], step: str
) -> None:
    uuid, (_, ben) = proposed(shown_world, item("230", **DATED)), people
    for each in ("approve", "apply"):
        done(ben, ben.post(page_of(uuid), step=each))
        if each == step:
            break
    before = head(shown_world)
    again = ben.post(page_of(uuid), step=step)
    assert (again.status, head(shown_world)) == (409, before)
    can = {"approve": "approved: it can be applied or rejected", "apply": "applied: it can be reverted"}[step]
    assert shown(again.one("#step-refusal")) == f"This correction is {can}."


def test_a_proposal_that_is_sent_twice_is_one(shown_world: World, people: tuple[Reader, Reader]) -> None:
    ann, place = people[0], figure(shown_world)
    key = str(ann.open(place).one("#propose input[name=key]")["value"])
    form = WORDS | {"key": key, "amount": "230"}
    first, again = ann.post(place, **form), ann.post(place, **form)
    assert place_of(first) == place_of(again)
    assert shown(done(ann, again).one(".done")) == "You had proposed it already. Nothing was done."
    assert len(shown_world.facts(CorrectionProposed)) == 1
    other = ann.post(place, **form | {"amount": "229"})
    assert other.status == 422
    assert "needs a new key" in shown(other.one("#propose-refusal"))
    assert other.one("#propose input[name=key]")["value"] != key


@pytest.mark.parametrize(
    ("typed", "name", "message"),
    [
        ({"amount": "12,5"}, "amount", "A valid number is required."),
        ({"amount": ""}, "amount", "A valid number is required."),
        ({"title": ""}, "title", "This field is required."),
        ({"reason": " "}, "reason", "This field is required."),
    ],
)
def test_what_a_proposal_lacks_is_told_beside_it(
    shown_world: World, people: tuple[Reader, Reader], typed: dict[str, str], name: str, message: str
) -> None:
    ann, before = people[0], head(shown_world)
    form = WORDS | {"amount": "230"} | typed
    page = ann.post(figure(shown_world), **form)
    assert (page.status, head(shown_world)) == (400, before)
    assert shown(page.one(f"#propose-{name}-errors")) == message
    for each in ("title", "reason", "ticket", "amount"):
        assert page.one(f"#propose-{each}")["value"] == form[each].strip()


@pytest.mark.parametrize("who", [*SEES, "consumer-owner", "project-member"])
def test_a_correction_is_shown_to_whom_the_api_shows_it(shown_world: World, who: str) -> None:
    add_auditor(shown_world)
    uuid, place = proposed(shown_world, item("230", **DATED)), figure(shown_world)
    somebody = reader(shown_world, who)
    listed = somebody.open(CORRECTIONS)
    assert [row["Correction"] for row in listed.rows("#corrections")] == ["Minutes"] * (who in SEES)
    assert somebody.open(page_of(uuid)).status == (200 if who in SEES else 404)
    assert ("Corrections" in somebody.open().text) == (who in SEES)
    assert bool(somebody.open(place).html.select("#propose")) == (who in REPORTS)
    before = head(shown_world)
    taken = somebody.post(page_of(uuid), step="approve")
    assert taken.status == {SECOND: 303, "staff": 303}.get(who, 403 if who in SEES else 404)
    assert (head(shown_world) > before) == (taken.status == 303)
    if who not in REPORTS:
        refused = somebody.post(place, **WORDS, amount="230")
        assert refused.status in (400, 403)
        assert refused.html.select(".error")


def test_one_person_approves_alone_where_the_operator_says_so(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    shown_world.app.config["LEDGER_FOUR_EYES"] = False
    ann, uuid = people[0], proposed(shown_world, item("230", **DATED))
    assert buttons(ann.open(page_of(uuid))) == ["approve", "reject"]
    page = done(ann, ann.post(page_of(uuid), step="approve"))
    assert "nobody else had to" in shown(page.one("#timeline"))
    done(ann, ann.post(page_of(uuid), step="apply"))
    page = done(ann, ann.post(page_of(uuid), step="revert", reason="Hours, after all"))
    told = "You proposed to put it back. Nothing has changed yet: it is to be approved."
    assert shown(page.one(".done")) == told


def test_what_moved_since_it_was_applied_is_marked_and_not_put_back(shown_world: World) -> None:
    shown_world.app.config["LEDGER_FOUR_EYES"] = False
    ann, uuid = (
        reader(shown_world, PROPOSER),
        applied(shown_world, item("230", **DATED), item("41", type="gpu", **DATED)),
    )
    usages = [{"type": "gpu", "amount": "240"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    page = ann.open(page_of(uuid))
    assert [row["Of note"] for row in page.rows("#items")] == [DASH, corrections.STATED_SINCE]
    assert "somebody has stated them again" in shown(page.one("#moved"))
    page = done(ann, ann.post(page_of(uuid), step="revert", reason="Hours, after all"))
    assert shown(page.one("#left-out")).startswith("1 of the figures")


def test_many_months_are_named_as_a_range(shown_world: World) -> None:
    dates = [{"date": f"2026-{month:02}-01"} for month in range(1, corrections.MOST_MONTHS + 2)]
    uuid = proposed(shown_world, *(item("1", **each) for each in dates))
    page = reader(shown_world, SECOND).open(page_of(uuid))
    assert "7 months, January 2026 to July 2026" in shown(page.one(".kind"))


def test_a_figure_that_moved_since_is_marked(shown_world: World) -> None:
    uuid = proposed(shown_world, item("230", **DATED))
    usages = [{"type": "cpu", "amount": "240"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    page = reader(shown_world, SECOND).open(page_of(uuid))
    (row,) = page.rows("#items")
    assert (row["Before"], row["Now"], row["After"]) == ("231.50 hours", "240.00 hours", "230.00 hours")
    assert row["Of note"] == "Another figure stands now than was seen."
    assert "1 of 1 figures" in shown(page.one("#moved"))


@pytest.mark.parametrize("step", ["approve", "apply"])
def test_a_figure_that_moved_since_the_page_was_opened_is_told_by_name_and_nothing_done(
    shown_world: World, people: tuple[Reader, Reader], step: str
) -> None:
    uuid, (_, ben) = proposed(shown_world, item("230", **DATED), item("41", type="gpu", **DATED)), people
    if step == "apply":
        assert take(shown_world, uuid, "approve").status_code == 200
    opened = str(ben.open(page_of(uuid)).one(f"form[aria-label={step.title()}] input")["value"])
    usages = [{"type": "cpu", "amount": "240"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    before = head(shown_world)
    refused = ben.post(page_of(uuid), step=step, expect=opened)
    assert (refused.status, head(shown_world)) == (412, before)
    assert [shown(each) for each in refused.html.select("#step-refusal li")] == [
        "1 of 2 figures moved since that position. Nothing was done.",
        "October 2026, Resource, cpu: The figure does not stand as it did at position"
        f" {opened}: it was 231.50, and is 240.00.",
    ]
    again = str(refused.one(f"form[aria-label={step.title()}] input")["value"])
    assert ben.post(page_of(uuid), step=step, expect=again).status == 303


def test_a_figure_that_moved_since_the_approval_is_marked_before_and_after(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    uuid, (_, ben) = proposed(shown_world, item("230", **DATED), item("41", type="gpu", **DATED)), people
    page = done(ben, ben.post(page_of(uuid), step="approve", expect=str(head(shown_world))))
    assert f"As it stood at position {head(shown_world) - 1}." in shown(page.one("#timeline"))
    assert page.html.select("#moved-since-approval") == []
    usages = [{"type": "cpu", "amount": "240"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    page = ben.open(page_of(uuid))
    told = "1 of 2 figures: another one stands now than was approved."
    assert shown(page.one("#moved-since-approval")) == told
    noted = "It was 231.50 hours when it was approved."
    assert [row["Of note"] for row in page.rows("#items")] == [
        f"Another figure stands now than was seen. {noted}",
        DASH,
    ]
    page = done(ben, ben.post(page_of(uuid), step="apply", expect=str(head(shown_world))))
    told = "1 of 2 figures: another one stood when it was applied than was approved."
    assert shown(page.one("#moved-since-approval")) == told
    assert [row["Of note"] for row in page.rows("#items")] == [noted, DASH]


def test_the_figure_that_refuses_it_is_named_among_others(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    second = item("41", type="gpu", expect=head(shown_world), **DATED)
    uuid, (_, ben) = proposed(shown_world, item("230", **DATED), second), people
    assert take(shown_world, uuid, "approve").status_code == 200
    usages = [{"type": "gpu", "amount": "40"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    refused = ben.post(page_of(uuid), step="apply", expect=str(head(shown_world)))
    assert (refused.status, len(refused.html.select("#step-refusal li"))) == (400, 1)
    assert shown(refused.one("#step-refusal")).startswith("October 2026, Resource, gpu: The figure does not")


def test_what_would_be_refused_now_is_said_before_and_after(shown_world: World) -> None:
    uuid = proposed(shown_world, item("230", expect=head(shown_world), **DATED))
    assert take(shown_world, uuid, "approve").status_code == 200
    usages = [{"type": "cpu", "amount": "240"}]
    assert shown_world.report(date="2026-10-20", usages=usages).status_code == 201
    somebody = reader(shown_world, SECOND)
    page = somebody.open(page_of(uuid))
    assert "1 of 1 figures could not be changed now" in shown(page.one("#refused"))
    assert "The figure does not stand as it did" in page.rows("#items")[0]["Of note"]
    refused = somebody.post(page_of(uuid), step="apply")
    assert refused.status == 400
    assert "The figure does not stand as it did" in shown(refused.one("#step-refusal"))
    assert stands(shown_world) == "240.00"


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, ["Second", "First"]),
        ({"state": "proposed"}, ["Second"]),
        ({"state": "rejected"}, ["First"]),
        ({"state": "applied"}, []),
        ({"billing_period": "2026-10"}, ["Second", "First"]),
        ({"billing_period": "2026-09"}, []),
        ({"offering_uuid": OFFERING, "provider_uuid": PROVIDER}, ["Second", "First"]),
    ],
)
def test_corrections_are_filtered_as_the_api_does(
    shown_world: World, query: dict[str, str], titles: list[str]
) -> None:
    uuid = proposed(shown_world, item("230", **DATED), title="First")
    take(shown_world, uuid, "reject", reason="No")
    proposed(shown_world, item("229", **DATED), title="Second")
    page = reader(shown_world, "staff").open(CORRECTIONS, **query)
    assert [row["Correction"] for row in page.rows("#corrections")] == titles


def test_corrections_of_an_offering_are_a_click_away(shown_world: World) -> None:
    proposed(shown_world, item("230", **DATED))
    owner = reader(shown_world, PROPOSER)
    page = owner.open(owner.open(CLUSTER).link("Its corrections"))
    assert [row["State"] for row in page.rows("#corrections")] == ["proposed"]


def test_corrections_are_shown_as_they_stood_and_offer_nothing_there(shown_world: World) -> None:
    uuid = proposed(shown_world, item("230", **DATED))
    then = head(shown_world)
    take(shown_world, uuid, "approve")
    page = reader(shown_world, "staff").open(page_of(uuid), as_of=then)
    assert (shown(page.one("#state")), buttons(page)) == ("proposed", [])
    assert reader(shown_world, "staff").open(figure(shown_world), as_of=then).html.select("#propose") == []


def test_many_figures_come_in_pages(shown_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "PAGE_ROWS", 1)
    uuid = proposed(shown_world, item("230", **DATED), item("41", type="gpu", **DATED))
    owner = reader(shown_world, PROPOSER)
    page = owner.open(page_of(uuid))
    assert ([row["Component"] for row in page.rows("#items")], page.link("Next")) == (
        ["cpu"],
        f"{page_of(uuid)}?page=2",
    )
    assert [row["Component"] for row in owner.open(page_of(uuid), page=2).rows("#items")] == ["gpu"]
    assert len(page.rows("#sums")) == 2


CSV = f"resource,type,date,amount\n{RESOURCE},cpu,2026-10-20,230\n{SECOND_RESOURCE},cpu,2026-10-20,7"
JSON = f'[{{"resource": "{RESOURCE}", "type": "cpu", "date": "2026-10-20", "amount": "230"}}]'


@pytest.mark.parametrize(
    ("items", "figures"),
    [(CSV, 2), (CSV.replace(",", ";").replace("230", "230,00"), 2), (JSON, 1), (JSON[1:-1] + "\n", 1)],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_many_figures_are_proposed_by_pasting_them_or_with_a_file(
    shown_world: World, people: tuple[Reader, Reader], items: str, figures: int, *, as_file: bool
) -> None:
    ann = people[0]
    assert ann.open(CORRECTIONS).link("Propose one of many figures") == PROPOSE
    data: dict[str, Any] = {**WORDS, "items": "" if as_file else items}
    if as_file:
        data["file"] = (BytesIO(items.encode()), "items.csv")
    answer = Page(ann.client.post(PROPOSE, data=data, content_type="multipart/form-data"))
    page = done(ann, answer)
    assert (shown(page.one(".done")), len(page.rows("#items"))) == (NOTHING_YET, figures)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("", NONE),
        ("[1", "Can't be read as JSON: "),
        ('{"a": 1}\n{"a"', "Can't be read as JSON: "),
        (
            JSON.replace('"230"', '"230", "amount": "5"'),
            'Can\'t be read as JSON: The key "amount" is there more',
        ),
        (JSON.replace('"230"', "5.0000000000000001"), "place 0: amount: "),
        ("resource,kind,date\nx", "Can't be read as CSV: "),
        (f"{CSV}\n{RESOURCE},cpu,2026-10-20", "line 4: Can't be read: it has 3 cells"),
        (f"{CSV}\n{RESOURCE},cpu,,5", "line 4: date: Is empty"),
        (f"{CSV}\n{RESOURCE},tape,2026-10-20,5", "place 2: These components are invalid: tape."),
        ('["x"]', "place 0: "),
        ("[]", "Between 1 and 10000 items are taken, and these are 0."),
    ],
)
def test_what_is_wrong_with_many_items_is_told_by_line_or_place(
    shown_world: World, people: tuple[Reader, Reader], items: str, message: str
) -> None:
    ann, before = people[0], head(shown_world)
    page = ann.post(PROPOSE, **WORDS, items=items)
    assert (page.status, head(shown_world)) == (400, before)
    assert shown(page.one("#propose-items-errors li")).startswith(message)
    assert page.one("#propose-items").text.strip() == items
    assert page.one("#propose-title")["value"] == TITLE


def test_items_that_are_pasted_beside_a_file_are_not_left_out(
    shown_world: World, people: tuple[Reader, Reader]
) -> None:
    ann, before = people[0], head(shown_world)
    data = {**WORDS, "items": JSON, "file": (BytesIO(CSV.encode()), "items.csv")}
    page = Page(ann.client.post(PROPOSE, data=data, content_type="multipart/form-data"))
    assert (page.status, head(shown_world)) == (400, before)
    assert shown(page.one("#propose-items-errors li")) == EITHER


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_of_another_site_corrects_nothing(shown_world: World, headers: dict[str, str]) -> None:
    uuid, place = proposed(shown_world, item("230", **DATED)), figure(shown_world)
    staff, before = reader(shown_world, "staff"), head(shown_world)
    for path, form in (
        (page_of(uuid), {"step": "approve"}),
        (place, WORDS | {"amount": "1"}),
        (PROPOSE, WORDS | {"items": CSV}),
    ):
        answer = staff.post(path, headers, **form)
        assert (answer.status, answer.messages, head(shown_world)) == (403, [FOREIGN], before)


PERIODS = [
    {"uuid": uid(0x91), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": "{month}-10T00:00:00Z"},
    {"uuid": uid(0x92), "resource_uuid": RESOURCE, "plan_uuid": PREMIUM, "start": "{month}-10T00:00:00Z"},
]


@pytest.mark.parametrize("month", ["2026-10", "2026-11"])
def test_of_a_month_with_two_plans_the_total_is_asked_for_and_that_figure_changed(
    world: World, month: str
) -> None:
    """By the plan period that the API names, as it does of this month, or by when it was measured."""
    periods = [{key: text.format(month=month) for key, text in each.items()} for each in PERIODS]
    world.describe(resource_plan_periods=periods)
    for day, total in (("05", "10"), ("12", "25")):
        usages = [{"type": "cpu", "amount": total}]
        assert world.report(date=f"{month}-{day}", usages=usages).status_code == 201
    ann, rows = reader(world, PROPOSER), world.usages(resource_uuid=RESOURCE, type="cpu")
    assert sorted(row["usage"] for row in rows) == ["10.00", "15.00"]
    for row in rows:
        place = f"/dashboard/figures/{row['uuid']}/"
        assert "in total" in shown(ann.open(place).one("label[for=propose-amount]"))
        answer = ann.post(place, **WORDS | {"key": row["uuid"]}, amount="27")
        (found,) = told(world, place_of(answer).split("/")[-2])["items"]
        other = {"10.00": 15, "15.00": 10}[row["usage"]]
        assert (found["uuid"], found["usage_after"]) == (row["uuid"], f"{27 - other}.00")
        assert shown(done(ann, answer).one(".done")) == OTHERWISE


def test_the_agent_of_a_form_is_told_without_its_browser(shown_world: World) -> None:
    ann, place = reader(shown_world, PROPOSER), figure(shown_world)
    answer = ann.post(place, {"User-Agent": "Mozilla/5.0 (X11; Linux)"}, **WORDS, amount="230")
    uuid = place_of(answer).split("/")[-2]
    for step in ("approve", "apply"):
        reader(shown_world, SECOND).post(page_of(uuid), step=step)
    assert ann.open(place).rows("#history")[0]["Through"] == "usage-ledger-dashboard"
