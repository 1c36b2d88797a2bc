"""No list reads a whole usage table or sorts what is more than a page, whoever asks for it, and however."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from tests.benchmarks.shape import uuid_for
from tests.conftest import database
from tests.plans.real.asking import Question, questions
from tests.plans.real.exceptions import EXCEPTIONS
from tests.plans.real.explained import OPTIONS, Explained
from tests.plans.real.million import NOW, TOKENS, make
from tests.world import settings_of
from web import create_app
from web.runtime.database import conninfo_of, open_ledger, projector_of

SELECT_OBJECTS = """
SELECT
    u.uuid AS usage, u.resource_uuid AS resource, uu.uuid AS user_usage, uu.username,
    (SELECT position FROM read_models.read_position) AS head,
    (SELECT uuid FROM read_models.user_usage_limit LIMIT 1) AS limit,
    (SELECT uuid FROM read_models.offering_user LIMIT 1) AS offering_user,
    (SELECT uuid FROM read_models.service_provider LIMIT 1) AS service_provider
FROM read_models.component_usage u JOIN read_models.user_usage uu ON uu.component_usage_uuid = u.uuid
WHERE u.project_uuid = %(project)s AND u.provider_uuid = %(provider)s ORDER BY u.id DESC LIMIT 1"""

PROJECT, CUSTOMER, PROVIDER, OFFERING = (
    uuid_for(kind, 0) for kind in ("project", "customer", "provider", "offering")
)


class Objects(NamedTuple):
    """What is asked about: values of parameters, and objects of paths by the collection that they are in."""

    values: dict[str, str]
    of_paths: dict[str, str]


@pytest.fixture(scope="module", name="million")
def database_of_a_million(server: str) -> Iterator[str]:
    with database(server) as url:
        make(url)
        yield url


def objects_in(url: str) -> Objects:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = connection.execute(SELECT_OBJECTS, {"project": PROJECT, "provider": PROVIDER}).fetchone()
    assert found is not None
    head = found["head"]
    values = {
        "as_of": head - 200_000,  # the middle of a month
        "from": head - 1_000,
        "to": head,
        "after": head - 100,
        "resource_uuid": found["resource"].hex,
        "resource": f"/api/marketplace-resources/{found['resource'].hex}/",
        "username": found["username"],
        **{
            f"{kind}_uuid": uuid_for(kind, 0).hex
            for kind in ("project", "customer", "provider", "offering", "plan")
        },
        **{f"parent_{kind}uuid": OFFERING.hex for kind in ("", "offering_")},
        "category_uuid": uuid_for("category").hex,
        "user_uuid": uuid_for("user", 20).hex,
        "user_username": "user-20",
    }
    of_paths = {
        "marketplace-component-usages": found["usage"].hex,
        "marketplace-component-user-usages": found["user_usage"].hex,
        "component-user-usage-limits": found["limit"].hex,
        "marketplace-offering-users": found["offering_user"].hex,
        "marketplace-service-providers": found["service_provider"].hex,
        "marketplace-provider-offerings": OFFERING.hex,
        "marketplace-project-usage": PROJECT.hex,
        "marketplace-customer-usage": CUSTOMER.hex,
        "marketplace-resources": found["resource"].hex,
        "marketplace-provider-resources": found["resource"].hex,
    }
    return Objects({name: str(value) for name, value in values.items()}, of_paths)


def test_no_list_reads_or_sorts_more_than_it_has_to(million: str) -> None:
    wrong, needed = defaultdict[str, list[str]](list), set[int]()
    for question, who, faults in asked(million):
        for fault in sorted(faults):
            known = [at for at, each in enumerate(EXCEPTIONS) if each.is_of(question, who, fault)]
            needed.update(known[:1])
            if not known:
                wrong[f"{question.route} {fault}"].append(f"{question} ({who})")
    told = "\n".join(f"{where}: {len(which)}\n    " + "\n    ".join(which) for where, which in wrong.items())
    assert not wrong, f"these are no exceptions:\n{told}"
    assert needed == {*range(len(EXCEPTIONS))}, [
        each for at, each in enumerate(EXCEPTIONS) if at not in needed
    ]


def asked(url: str) -> Iterator[tuple[Question, str, set[str]]]:
    """Ask everything as everybody, and yield what was wrong with how it was answered."""
    objects = objects_in(url)
    conninfo = conninfo_of(make_conninfo(url, options=OPTIONS))
    with closing(open_ledger(conninfo, settings_of(url), connections=1)) as ledger:
        app = create_app(ledger, projector_of(ledger), clock=lambda: NOW, max_body_bytes=100_000)
        client, explained = app.test_client(), Explained(ledger)
        for question in questions(app, objects.values):
            of_path = objects.of_paths.get(question.route.split("/")[2], objects.values["offering_uuid"])
            path = re.sub("{uuid}", of_path, question.route).replace("{position}", objects.values["to"])
            for who, token in TOKENS.items():
                explained.faults.clear()
                answer = client.get(
                    path, query_string=dict(question.query), headers={"Authorization": f"Token {token}"}
                )
                assert explained.faults or answer.status_code in (200, 403, 404), f"{question}: {answer.text}"
                yield question, who, {*explained.faults}
