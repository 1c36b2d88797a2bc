"""`usage-ledger history`: the revisions of a figure, for people."""

import csv
import io
import re
import shlex
import subprocess
from datetime import timedelta

import orjson
import pytest

from tests.audit.test_history import send, usage_of
from tests.support.command import COMMAND, Done, Environment, run
from tests.world import RESOURCE, USAGES, World, uid
from web.commands.audit import history
from web.commands.audit.tables import FORMS


@pytest.fixture(name="told")
def world_with_reports(world: World) -> World:
    path, sent = f"{USAGES}set_usage/", {"User-Agent": "agent/1.0"}
    item = {"type": "cpu", "amount": "230", "description": "nightly", "missing_usage_policy": "reuse"}
    send(world.as_("offering-manager"), path, {"resource": RESOURCE, "usages": [item]}, **sent)
    world.now += timedelta(hours=1)
    item = {"type": "cpu", "amount": "228.5"}
    sent["Ledger-Reason"] = "node 7 counted twice"
    send(world.as_("staff"), path, {"resource": RESOURCE, "usages": [item]}, **sent)
    world.report_user(usage_of(world), username="ann\u202e", usage=1)
    return world


def shown(world: World, environment: Environment, uuid: str, *options: str) -> Done:
    done = run(environment | {"LEDGER_DATABASE_URL": world.conninfo}, "history", uuid, *options)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("at_a_time", [1, 100])
def test_the_revisions_of_a_figure_are_shown_with_names(
    told: World, environment: Environment, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(history, "AT_A_TIME", at_a_time)
    uuid, last = usage_of(told), told.projector.reached().end.position - 1
    done = shown(told, environment, uuid, "--format", "table")
    assert done.stderr == "CPU (hours) in 2026-11: Resource, Cluster, Project, Consumer\n"
    assert [re.split("  +", line.strip()) for line in done.stdout.splitlines()] == [
        [
            *("position", "recorded at", "reported by", "source", "agent", "amount", "usage before"),
            *("usage after", "delta", "measured at", "missing usage policy", "description", "reason"),
            "correction",
        ],
        [
            *(f"{last}", "2026-11-15 13:00:00", "staff", "api", "agent/1.0", "228.50", "230.00"),
            *("228.50", "-1.50", "2026-11-15 13:00:00", "none", "-", "node 7 counted twice", "-"),
        ],
        [
            *(f"{last - 1}", "2026-11-15 12:00:00", "offering-manager", "api", "agent/1.0", "230.00", "-"),
            *("230.00", "230.00", "2026-11-15 12:00:00", "reuse", "nightly", "-", "-"),
        ],
    ]
    rows = list(csv.DictReader(io.StringIO(shown(told, environment, uuid).stdout)))
    assert [row["delta"] for row in rows] == ["-1.50", "230.00"]
    (newest, oldest) = orjson.loads(shown(told, environment, uuid, "--format", "json").stdout)
    assert (oldest["position"], oldest["usage_before"]) == (last - 1, None)
    assert newest["reason"] == "node 7 counted twice"
    assert newest.keys() == rows[0].keys()


def test_what_a_user_used_is_found_by_itself(told: World, environment: Environment) -> None:
    (row,) = told.user_usages()
    done = shown(told, environment, row["uuid"])
    assert done.stderr == "cpu (hours) of ann\\u202e in 2026-11: Resource, Cluster, Project, Consumer\n"
    (revision,) = csv.DictReader(io.StringIO(done.stdout))
    assert (revision["reported_by"], revision["amount"], revision["usage_before"]) == ("staff", "1.00", "")
    assert "description" not in revision


def test_what_there_is_not_is_told(told: World, environment: Environment) -> None:
    done = run(environment | {"LEDGER_DATABASE_URL": told.conninfo}, "history", uid(0xDEAD))
    message = f"Error: no component usage and no user usage has the uuid {uid(0xDEAD)}\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    assert run(environment, "history", "x").returncode == 2


@pytest.mark.parametrize("form", FORMS)
def test_whoever_stops_reading_is_told_of_no_error(told: World, environment: Environment, form: str) -> None:
    line = f"{shlex.quote(str(COMMAND))} history {usage_of(told)} --format {form} | true"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env=environment | {"LEDGER_DATABASE_URL": told.conninfo},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert done.stderr == "CPU (hours) in 2026-11: Resource, Cluster, Project, Consumer\n"
