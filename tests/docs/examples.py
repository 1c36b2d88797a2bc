"""Records the examples of the API's description, as answers of the service to its demo catalogue.

`python -m tests.docs.examples` writes them into `web/docs/examples.json`, in half a minute, and says what is
still missing. `tests/docs/test_examples.py` records them again, and compares.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from tests.conftest import database
from tests.docs.demo import (
    CUSTOMER,
    GPU,
    MORE,
    OFFERING,
    OFFERING_USER,
    OWN,
    PARAMETERS,
    PATHS,
    PROJECT,
    RESOURCE,
    TOO_LARGE,
    Demo,
    demo_service,
)
from tests.docs.failures import (
    CORRECTIONS,
    IDENTITIES,
    LIMITS,
    MANIFESTS,
    MONTHS,
    SET_USAGE,
    URL,
    USAGES,
    correction,
    limit_of_user,
    of_requests,
    report,
)
from tests.docs.trouble import READY, behind, of_trouble
from tests.paths import ROOT
from tests.support.everything import record_verification
from tests.world import as_lists
from web.docs.parameters import QUERY, RESPONSE_HEADERS
from web.docs.routes import Route, routes
from web.importer.importer import import_lists
from web.request.reading import LINES
from web.telemetry.requests import Observed
from web.wire.errors import DETAILS
from web.wire.exports.forms import CSV, FORMS, PARQUET
from web.wire.failures.refusals import WORDS
from web.wire.parameters import AnyFilter, ChoicesFilter, Ordering, PlainMonthFilter

FILE = ROOT / "web/docs/examples.json"

Json = dict[str, Any]


class Recorder:
    """Asks the demo's service for everything once, and keeps what it answered."""

    def __init__(self, here: Demo) -> None:
        self.here = here
        self.objects = {
            "marketplace-project-usage": PROJECT,
            "marketplace-customer-usage": CUSTOMER,
            "marketplace-resources": RESOURCE,
            "marketplace-provider-resources": RESOURCE,
            "marketplace-provider-offerings": OFFERING,
            "marketplace-offering-users": OFFERING_USER,
        }
        self.operations: Json = {}
        self.errors: Json = {}
        self.headers: dict[str, str] = {}

    def record(self) -> Json:
        """Everything, as the file has it."""
        self.write()
        self._read()
        self._fail()
        return {
            "parameters": PARAMETERS,
            "operations": self.operations,
            "errors": dict(sorted(self.errors.items())),
            "headers": dict(sorted(self.headers.items())),
        }

    def write(self) -> None:
        """Reports, registers and limits: there is something to read then."""
        self._report()
        self._register()
        self._limit()
        self._close()
        self._send_manifest()
        self._correct()

    def send(
        self, method: str, path: str, body: Any = None, *, uuid: str = "", **headers: str
    ) -> TestResponse:
        """Sends a request of which both ends are kept. `path` is that of the route."""
        sent = {} if body is None else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path.replace("{uuid}", uuid)
        response = self.here.client.open(url, method=method, headers=self.here.headers | named, **sent)
        self._keep_headers(response)
        kept = self.operations.setdefault(f"{method} {path.partition('?')[0]}", {})
        if uuid:
            kept["parameters"] = {"uuid": uuid}
        if body is not None and "request" not in kept:
            kept["request"] = body
        if response.data:
            answers = kept.setdefault("answers", {})
            answers[str(response.status_code)] = response.get_json()
        return response

    def _report(self) -> None:
        for amount, reason in (
            ("230.00", None),
            ("231.50", "jobs that ended after midnight"),
            ("180.00", None),
        ):
            told = {"Ledger_Reason": reason} if reason else {}
            self.send("POST", SET_USAGE, report(amount, date="2026-05-31"), **told)
        self.operations.clear()
        self.send("POST", SET_USAGE, report("12.50"))
        self.send("POST", SET_USAGE, report("13.00"))
        (usage,) = self.here.get(USAGES, billing_period="2026-11-01", resource_uuid=RESOURCE)
        self.objects["marketplace-component-usages"] = usage["uuid"]
        one = {
            "username": "ann",
            "usage": "2.50",
            "user": f"{URL}/marketplace-offering-users/{OFFERING_USER}/",
        }
        path = f"{USAGES}{{uuid}}/"
        self.send("POST", f"{path}set_user_usage/", one, uuid=usage["uuid"])
        many = {"usages": [{"username": "bob", "usage": "4.00"}, {"username": "cleo", "usage": "1.25"}]}
        self.send("POST", f"{path}set_user_usages/", many, uuid=usage["uuid"])
        listed = self.here.get("/api/marketplace-component-user-usages/", username="ann")
        self.objects["marketplace-component-user-usages"] = listed[0]["uuid"]
        items: list[Json] = [
            {"resource": RESOURCE, "type": "gpu", "amount": "40.00", "reason": "the first of this month"},
            {"resource": RESOURCE, "type": "cpu", "username": "dan", "usage": "0.75"},
        ]
        reports = "/api/ledger/reports/"
        for each in (items, items, [*items, {"resource": RESOURCE, "type": "tape", "amount": "1"}]):
            self.send("POST", reports, each)
        self.operations[f"POST {reports}"]["lines"] = self._send_lines(reports, items)

    def _send_lines(self, path: str, items: list[Json]) -> str:
        """Send a body of lines twice, with one key. Return it."""
        lines = "".join(f"{json.dumps(each)}\n" for each in items)
        headers = self.here.headers | {"Content-Type": LINES[0], "Idempotency-Key": "in lines"}
        for status in (200, 200):
            response = self.here.client.post(path, data=lines, headers=headers)
            assert response.status_code == status, response.data
            self._keep_headers(response)
        return lines

    def _register(self) -> None:
        identity = {
            "offering": OFFERING,
            "name": "agent-of-borealis",
            "version": "1.0.7",
            "dependencies": [{"package": "waldur-site-agent-slurm", "version": "1.0.7"}],
            "config_file_path": "/etc/waldur/agent.yaml",
            "last_restarted": "2026-11-15T11:59:58+00:00",
        }
        uuid = self.send("POST", IDENTITIES, identity).get_json()["uuid"]
        self.objects["marketplace-site-agent-identities"] = uuid
        self.send("PUT", f"{IDENTITIES}{{uuid}}/", identity, uuid=uuid)
        self.send("PATCH", f"{IDENTITIES}{{uuid}}/", {"version": "1.0.8"}, uuid=uuid)
        service = {"name": "report", "mode": "report"}
        processor = {"name": "OfferingReportProcessor", "backend_type": "slurm", "backend_version": "23.02"}
        services = "/api/marketplace-site-agent-services/"
        for _ in range(2):
            of_service = self.send("POST", f"{IDENTITIES}{{uuid}}/register_service/", service, uuid=uuid)
            found = of_service.get_json()["uuid"]
            self.objects["marketplace-site-agent-services"] = found
            made = self.send("POST", f"{services}{{uuid}}/register_processor/", processor, uuid=found)
            self.objects["marketplace-site-agent-processors"] = made.get_json()["uuid"]

    def _limit(self) -> None:
        limit = limit_of_user("100.00")
        uuid = self.send("POST", LIMITS, limit).get_json()["uuid"]
        self.objects["component-user-usage-limits"] = uuid
        self.send("PUT", f"{LIMITS}{{uuid}}/", limit | {"limit": "50.00"}, uuid=uuid)
        self.send("PATCH", f"{LIMITS}{{uuid}}/", {"limit": "25.00"}, uuid=uuid)
        other = self.here.client.post(LIMITS, json=limit | {"component": GPU}, headers=self.here.headers)
        self.send("DELETE", f"{LIMITS}{{uuid}}/", uuid=other.get_json()["uuid"])

    def _close(self) -> None:
        month = {"offering": OFFERING, "month": "2026-04", "note": "All agents have reported"}
        for step in ("close", "close", "reopen"):
            self.send("POST", f"{MONTHS}{step}/", month)

    def _send_manifest(self) -> None:
        manifest = {"offering": OFFERING, "month": "2026-11", "note": "sent by hand"}
        for number in (1, 1, 2):
            stated = {"reports": number, "resources": 1, "totals": {"cpu": "18.00"}}
            self.send("POST", MANIFESTS, manifest | stated)

    def _correct(self) -> None:
        provider = {"Authorization": f"Token {self.here.token_of('demo-provider')}"}
        said = correction("175.00", ticket="BILL-7")
        said["items"].append({"resource": RESOURCE, "type": "cpu", "username": "ann", "usage": "20.00"})
        said["items"][1]["date"] = "2026-05-31"
        for _ in range(2):
            done = self.send("POST", CORRECTIONS, said, **provider, Idempotency_Key="BILL-7")
        one, uuid = f"{CORRECTIONS}{{uuid}}/", done.get_json()["uuid"]
        for step in ("approve", "apply"):
            self.send("POST", f"{one}{step}/", {}, uuid=uuid)
        why = {"reason": "they were hours"}
        back = self.send("POST", f"{one}revert/", why, uuid=uuid).get_json()["uuid"]
        self.send("POST", f"{one}reject/", {"reason": "they were minutes"}, uuid=back)

    def _fail(self) -> None:
        """Keep what is answered to all that can go wrong."""
        for name, response in of_requests(self.here, self.objects):
            self._keep_error(name, response)
        with behind(self.here):
            refused = self.here.client.post(SET_USAGE, json=report("18.00"), headers=self.here.headers)
            self._keep_error("ProjectingFailed", refused)
            unready = self.here.client.get(READY)
            self.operations[f"GET {READY}"]["answers"][str(unready.status_code)] = unready.get_json()
        for name, response in of_trouble(self.here):
            self._keep_error(name, response)

    def _keep_error(self, name: str, response: TestResponse) -> None:
        assert response.status_code >= 400, (name, response.data)
        self.errors.setdefault(str(response.status_code), {})[name] = response.get_json()
        self._keep_headers(response)

    def _keep_headers(self, response: TestResponse) -> None:
        for name, value in response.headers:
            if name in RESPONSE_HEADERS:
                self.headers.setdefault(name, value)

    def _read(self) -> None:
        for headers in ({}, {"Prefer": "handling=strict"}):
            path = f"{USAGES}{'' if headers else '?unknown=1'}"
            self._keep_headers(self.here.client.get(path, headers=self.here.headers | headers))
        observed = Client(Observed(self.here.app, self.here.app.url_map, []), TestResponse)
        self._keep_headers(observed.get(USAGES, headers=self.here.headers | {"X-Request-ID": "0b2f7c1e"}))
        for route in routes(self.here.app):
            if route.method == "GET":
                self._read_route(route)
        silent = "/api/marketplace-stats/resources_missing_usage/"
        wrong = self.here.client.get(f"{silent}?billing_period=2026-13", headers=self.here.headers)
        self.operations[f"GET {silent}"]["answers"][str(wrong.status_code)] = wrong.get_json()

    def _read_route(self, route: Route) -> None:
        response, kept = self.ask(route, **self.needed(route)), self.operations.setdefault(_key(route), {})
        assert response.status_code == 200, (route.path, response.data)
        if own := self.own_parameters(route):
            kept["parameters"] = own
        if route.path in TOO_LARGE:
            return
        if response.is_json or str(response.mimetype).endswith("json"):
            shown: Any = response.get_json(force=True)
        elif str(response.mimetype).startswith("text/"):
            shown = response.get_data(as_text=True)
        else:
            shown = response.data.hex()
        kept["answers"] = {"200": shown}
        if route.declared.is_list:
            kept["files"] = {kind: self._first_lines(route, kind) for kind in files_of(route)}

    def _first_lines(self, route: Route, kind: str) -> str:
        """Return the first row of a list as a file, below the line of a CSV that names the columns."""
        needed = {name: value for name, value in self.needed(route).items() if name not in OF_PAGES}
        response = self.ask(route, accept=kind, **needed)
        assert (response.status_code, response.content_type) == (200, kind), (route.path, response.data)
        text = response.get_data(as_text=True).removeprefix("\ufeff")
        return "".join(text.splitlines(keepends=True)[: 2 if kind == CSV.content_type else 1])

    def ask(self, route: Route, accept: str = "*/*", **query: Any) -> TestResponse:
        """The answer to a GET of this route, with the objects of the demo in its path."""
        path = route.path
        for name, value in self.own_parameters(route).items():
            path = path.replace(f"{{{name}}}", str(value))
        headers = self.here.headers | {"Accept": accept}
        response = self.here.client.get(path, query_string=query, headers=headers, buffered=True)
        self._keep_headers(response)
        return response

    def needed(self, route: Route) -> Json:
        """The parameters that a GET is not answered without, and the size of a page: examples are short."""
        size = {"page_size": 1} if "page_size" in route.taken.names else {}
        if "limit" in route.taken.names:
            size = {"limit": 1, "after": 20}
        values = PARAMETERS | self.own_parameters(route)
        return size | {name: values[name] for name in required(route)}

    def own_parameters(self, route: Route) -> Json:
        """The examples of parameters that are this route's, and not those of others by the same name."""
        own: Json = {}
        collection = route.path.split("/")[2] if route.path.count("/") > 2 else ""
        if "{uuid}" in route.path:
            own["uuid"] = self.objects.get(collection) or self._first(route.path.partition("{")[0])
        own |= PATHS.get(route.path, {})
        for schema in route.taken.schemas:
            for name, field in schema.fields.items():
                if isinstance(field, Ordering):
                    own[name] = f"-{min(field.keys)}"
                elif isinstance(field, ChoicesFilter):
                    own[name] = [field.choices[0]]
                elif isinstance(field, PlainMonthFilter):
                    own[name] = "2026-11"
                elif isinstance(field, AnyFilter):
                    own[name] = [PARAMETERS[name]]
        own |= OWN.get(route.path, {})
        if route.taken.columns:
            own["field"] = ["uuid"] if "uuid" in route.taken.columns else [min(route.taken.columns)]
        if "identity_uuid" in route.taken.names:
            own["identity_uuid"] = self.objects["marketplace-site-agent-identities"]
        if "service_uuid" in route.taken.names:
            own["service_uuid"] = self.objects["marketplace-site-agent-services"]
        if "size" in route.taken.names:
            note = self.here.client.get("/api/ledger/checkpoint", headers=self.here.headers)
            own["size"] = int(note.get_data(as_text=True).splitlines()[1])
        return own

    def _first(self, path: str) -> str:
        rows = self.here.get(path, page_size=1)
        return str(rows[0]["uuid"])


OF_PAGES = {"page", "page_size"}


def files_of(route: Route) -> list[str]:
    """Return the content types that a list has besides JSON, and that are text."""
    kinds = [*route.declared.forms[1:], *(form.content_type for form in FORMS.values())]
    return [kind for kind in kinds if kind != PARQUET.content_type]


def required(route: Route) -> set[str]:
    """The names of the parameters that a route has to have."""
    fields = {f.data_key or name: f for each in route.taken.schemas for name, f in each.fields.items()}
    return {
        name
        for name in route.taken.names
        if (fields[name].required if name in fields else name in QUERY and QUERY[name].is_required)
    }


def _key(route: Route) -> str:
    return f"{route.method} {route.path}"


def missing(app: Flask, recorded: Json) -> list[str]:
    """List what has no example: answers of routes by status, bodies, parameters, and kinds of errors."""
    found = []
    for route in routes(app):
        kept = recorded["operations"].get(_key(route), {})
        of_route = recorded["parameters"].keys() | kept.get("parameters", {}).keys()
        if route.path not in TOO_LARGE and (route.declared.schema or route.declared.content_type):
            found += [
                f"{_key(route)}: {status}"
                for status in route.declared.statuses
                if str(status) not in kept.get("answers", {})
            ]
        if route.read and "request" not in kept:
            found.append(f"{_key(route)}: request")
        found += [f"{_key(route)}: {name}" for name in sorted(route.taken.names - of_route)]
    kinds = {name for of_status in recorded["errors"].values() for name in of_status}
    found += [kind.__name__ for kind in (*WORDS, *DETAILS) if kind.__name__ not in kinds | NOBODY_CAN.keys()]
    found += [name for name in RESPONSE_HEADERS if name not in recorded["headers"]]
    return found


NOBODY_CAN = {
    "StreamGap": "only who writes into the journal past the service brings it about",
    "SerializationFailure": "a rebuild has to replace rows at the moment at which they are read",
}
"""Errors without an example, and why."""


def prepare(here: Demo) -> None:
    """Gives the demo what its catalogue has not."""
    import_lists(as_lists(MORE), here.services)
    record_verification(here)


def record(url: str, folder: Path) -> tuple[Json, list[str]]:
    """Examples of the service on an empty database, and what has none."""
    with demo_service(url, folder) as here:
        prepare(here)
        recorded = Recorder(here).record()
        return recorded, missing(here.app, recorded)


def main() -> None:
    """Record all examples."""
    from web.runtime.postgres.embedded import embedded_postgres

    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_postgres(Path(folder, "data")) as server,
        database(server) as url,
    ):
        recorded, lacking = record(url, Path(folder))
    FILE.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
    for each in lacking:
        print(f"no example: {each}")  # noqa: T201
    sys.exit(1 if lacking else 0)


if __name__ == "__main__":
    main()
