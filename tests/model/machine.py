"""Drives a ledger and its model side by side: what one of them answers, the other has to answer too."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import note
from werkzeug.test import TestResponse

from projections.rebuild import Rebuilt
from tests.conftest import Worlds
from tests.model.ledger_model import Fact, Model, Refused, Row, month_of
from tests.projections.rebuilding import rebuild_of
from tests.world import CATALOGUE, USAGES, Client, World
from web.commands import tokens

KINDS = {
    "structure.customer": "customer",
    "structure.project": "project",
    "marketplace.offering": "offering",
    "marketplace.serviceprovider": "provider",
}
UNTOLD = {"RequestDecided", "RequestAnswered", "TokenIssued", "TokenRevoked"}
"""Kinds of facts that the model has no idea of."""

Apply = Callable[[Model], list[Fact]]
Answer = tuple[int, Any]


def model_of(catalogue: Mapping[str, list[dict[str, Any]]]) -> Model:
    """Return the model of a catalogue in the structure format."""
    users = {user["uuid"]: user["username"] for user in catalogue["users"]}
    owners = {each["uuid"]: each["customer_uuid"] for each in catalogue["service_providers"]}
    names = {each["uuid"]: each["name"] for each in catalogue["customers"]}
    people = {
        each["username"]: (each.get("is_staff", False), each.get("is_support", False))
        for each in catalogue["users"]
    }
    components: dict[tuple[str, str], tuple[str, str, str, Decimal | None]] = {
        (each["offering_uuid"], each["type"]): (
            each["name"],
            each.get("measured_unit", ""),
            each.get("billing_type", "usage"),
            None,
        )
        for each in catalogue["offering_components"]
    }
    resources = {
        each["uuid"]: {
            "name": each["name"],
            "project": each["project_uuid"],
            "offering": each["offering_uuid"],
            "plan": each["plan_uuid"],
            "state": 2,
            "limits": {},
            "created": datetime.fromisoformat(each["created"]),
        }
        for each in catalogue["resources"]
    }
    roles = {
        (users[each["user_uuid"]], each["role_name"], KINDS[each["scope_type"]], each["scope_uuid"])
        for each in catalogue["user_roles"]
        if each.get("is_active", True)
    }
    return Model(
        people=people,
        customers=names,
        projects={each["uuid"]: (each["name"], each["customer_uuid"]) for each in catalogue["projects"]},
        offerings={each["uuid"]: (each["name"], each["customer_uuid"]) for each in catalogue["offerings"]},
        components=components,
        resources=resources,
        roles={(who, role, kind, owners.get(scope, scope)) for who, role, kind, scope in roles},
    )


class Pair:
    """A ledger and its model, with what both have come to."""

    def __init__(self, worlds: Worlds) -> None:
        self._stack = ExitStack()
        self.world: World = self._stack.enter_context(worlds.lend()).world()
        self.model = model_of(CATALOGUE)
        self.head = self.position()
        self.past = [(self.head, self.world.now, deepcopy(self.model))]
        self.uuids: dict[int, str] = {}
        self.shares: dict[int, str] = {}
        self.reporters: dict[str, int] = {}
        self.revisions: dict[int, list[tuple[dict[str, str], dict[str, Any]]]] = {}
        self.changed: dict[tuple[Any, ...], int] = {}
        self._asked: dict[tuple[str, str, str], tuple[str, Any]] = {}
        self._clients: dict[str, Client | None] = {}
        self._keys: dict[str, tuple[Any, Answer]] = {}

    def close(self) -> None:
        self._stack.close()

    @property
    def now(self) -> datetime:
        return self.world.now

    def position(self) -> int:
        return int(self.world.as_("staff").get(USAGES, page_size=1).headers["Ledger-Position"])

    # who asks

    def client(self, who: str) -> Client:
        return self._clients.get(who) or self.world.as_(who)

    def is_known(self, who: str) -> bool:
        """Return whether the token that this person uses is valid."""
        return who not in self._clients or self._clients[who] is not None

    def new_token(self, who: str) -> None:
        self._clients[who] = self.world.client(self.world.token_of(who))
        self._took([])

    def revoke_tokens(self, who: str) -> None:
        """End all tokens of somebody, who goes on to use the last one."""
        uuid = tokens.user_named(self.world.services, who)
        last = self.client(who)
        for token in tokens.listed(self.world.services):
            if token["user_uuid"] == uuid and token["revoked_at"] is None:
                tokens.revoke(self.world.services, token["token_uuid"])
        self._clients[who] = None
        assert last.get(USAGES).status_code == 401
        self._took([])

    # what is written

    def send(self, who: str, path: str, body: Any, apply: Apply, **headers: str) -> None:
        """Report, and have the model answer and change alike. A key or an expectation is a header."""
        draft, facts, expected = deepcopy(self.model), list[Fact](), None
        key, at = headers.get("Idempotency-Key"), headers.get("Ledger-Expect")
        try:
            facts = apply(draft)
            if at is not None and self._has_changed(int(at), draft, body):
                raise Refused(412, {"expect": [f"The figure does not stand as it did at position {at}."]})
        except Refused as refusal:
            facts, draft, expected = [], deepcopy(self.model), (refusal.status, refusal.body)
        if not self.is_known(who):
            facts, draft, expected = [], deepcopy(self.model), (401, {"detail": "Invalid token."})
        elif key in self._keys:
            facts, draft = [], deepcopy(self.model)
            same, answered = self._keys[key]
            expected = answered if same == (who, path, body) else (422, None)
        client = self.client(who) if self.is_known(who) else self.world.client("0" * 40)
        response = client.send("POST", path, json=body, headers=headers)
        answer = (response.status_code, response.get_json(silent=True))
        note(f"{who} {path} {body} {headers} -> {answer}")
        if expected is None or (expected[0] == 201 and key):
            assert answer == (201, None), answer
        elif expected[1] is None:
            assert answer[0] == expected[0], answer
        else:
            assert answer == expected, (answer, expected)
        if key and key not in self._keys and answer[0] != 401:
            self._keys[key] = ((who, path, body), answer)
        self._took(facts, draft)

    def _has_changed(self, at: int, draft: Model, body: Any) -> bool:
        month = month_of(datetime.fromisoformat(body["date"]) if "date" in body else self.now)
        keys = [(body["resource"], item["type"], month) for item in body["usages"]]
        return at > self.head or any(self.changed.get(key, 0) > at for key in keys)

    def send_bulk(self, who: str, items: list[tuple[dict[str, Any], Apply]], *, is_atomic: bool) -> None:
        """Send a bulk. Each item comes with what it does to a model."""
        draft, facts, results = deepcopy(self.model), list[Fact](), list[str]()
        for _, apply in items:
            branch = deepcopy(draft)
            try:
                found = apply(branch)
            except Refused:
                results.append("refused")
                continue
            # The model's facts name rows of the branch: they are told by number from here on.
            last = found[-1] if found else None
            figures = [each for each in found if each[0] not in ("PlanPeriodDescribed", "")]
            results.append(
                "unchanged" if last is None else "changed" if figures[-1][3] is not None else "created"
            )
            draft, facts = branch, facts + found
        is_refused = is_atomic and "refused" in results
        if is_refused or not self.is_known(who):
            draft, facts = deepcopy(self.model), []
        client = self.client(who) if self.is_known(who) else self.world.client("0" * 40)
        path = f"/api/ledger/reports/?atomic={str(is_atomic).lower()}"
        response = client.post(path, [item for item, _ in items])
        note(f"{who} {path} {[item for item, _ in items]} -> {response.status_code} {response.get_json()}")
        if not self.is_known(who):
            assert response.status_code == 401
        else:
            told = [each["result"] for each in response.get_json()["results"]]
            if is_refused:
                assert [each == "refused" for each in told] == [each == "refused" for each in results]
                assert all(each.get("position") is None for each in response.get_json()["results"])
            else:
                assert told == results
            stored = 201 if facts else 400 if "refused" in results and len(set(results)) == 1 else 200
            assert response.status_code == (400 if is_refused else stored)
        self._took(facts, draft)

    def describe(self, change: Callable[[Model], None], **lists: list[dict[str, Any]]) -> None:
        """Import descriptions, and change the model accordingly."""
        note(f"describe {lists}")
        self.world.describe(**lists)
        change(self.model)
        self._took(None, self.model)

    def after(self, facts: list[Fact] | None, draft: Model | None = None) -> None:
        """Take note of what was done to both."""
        self._took(facts, draft)

    def _took(self, facts: list[Fact] | None, draft: Model | None = None) -> None:
        """Compare what was appended with the model's facts, where it knows them, and go on to the draft."""
        response = self.client("staff").get("/api/ledger/events/", after=self.head, limit=1000)
        events = [(int(each["id"]), each["type"]) for each in response.get_json()]
        if facts is not None:
            told = [each for each in events if each[1] not in UNTOLD]
            assert [kind for _, kind in told] == [each[0] for each in facts if each[0]], (told, facts)
            positions = iter(told)
            position = 0
            for kind, row, amount, before, after in facts:
                position = next(positions)[0] if kind else position
                if row is not None and after is not None:
                    revision = {
                        "id": position,
                        "amount": amount,
                        "usage_before": before,
                        "usage_after": after,
                    }
                    place = draft.place(row) if draft and isinstance(row, Row) else {}
                    self.revisions.setdefault(row.number, []).append((place, revision))
                if isinstance(row, Row):
                    self.changed[row.resource, row.kind, row.month] = position
        self.model = draft if draft is not None else self.model
        self.head = events[-1][0] if events else self.head
        assert self.position() == self.head
        self.past.append((self.head, self.now, deepcopy(self.model)))

    def forget_name(self, name: str) -> None:
        """Have nobody be named so, in the past neither."""
        for model in (self.model, *(model for _, _, model in self.past)):
            for row in model.rows:
                for share in row.shares:
                    share.name = "" if share.name == name else share.name

    def go_on(self, days: int) -> None:
        self.world.now += timedelta(days=days)

    def rebuild(self) -> None:
        assert rebuild_of(self.world).run() == Rebuilt(is_live=True)

    # what is read

    def get(self, who: str, path: str, query: Mapping[str, Any], expected: Any) -> TestResponse | None:
        """Ask, with the tag of the last answer. A 304 is right where the model answers as it did then.

        Returns the answer, None for a 304 or a 401.
        """
        if not self.is_known(who):
            assert self.world.client("0" * 40).get(path, **query).status_code == 401
            return None
        key = (who, path, repr(sorted(query.items())))
        tag, had = self._asked.get(key, ("", None))
        headers = {"If-None-Match": tag} if tag else {}
        response = self.client(who).send("GET", path, query_string=dict(query), headers=headers)
        if response.status_code == 304:
            assert had == expected, f"{who} {path} {query}: a 304, and it was {had}, and is {expected}"
            return None
        if response.status_code == 200:
            self._asked[key] = (response.headers["ETag"], deepcopy(expected))
        return response

    def then(self, past: int | None) -> tuple[Model, dict[str, Any]]:
        """Return the model of one of the moments that were, for whoever may see it now, and its query."""
        if past is None:
            return self.model, {}
        position, _, model = self.past[past % len(self.past)]
        model = deepcopy(model)
        model.roles, model.people = self.model.roles, self.model.people
        return model, {"as_of": position}
