"""Commands of operators, beside everything else: they end well, or say why not, and are never wrong."""

import subprocess
import time
from random import Random

import orjson

from tests.torture.agents import SEA_ICE
from tests.torture.service import PROJECT
from tests.torture.target import Target, alone

DEMO = PROJECT / "web" / "commands" / "demo.json"
PROJECTS = [f"0000000000004000800000000000020{number}" for number in (1, 2, 3)]


def rebuild(target: Target, random: Random) -> None:
    """The read models are made anew, and do not differ."""
    with alone(target.commands_guard):
        done = target.service.run("rebuild")
        if "differ" in done.stderr + done.stdout:
            target.findings.say(f"rebuild: {done.stdout[-1_500:]}{done.stderr[-500:]}")
        _judge(target, "rebuild", done)


def verify(target: Target, random: Random) -> None:
    """Nothing is found, if there is a result."""
    with alone(target.commands_guard):
        done = target.service.run("verify")
        if done.returncode == 1 and done.stdout:
            target.findings.say(f"verify found: {done.stdout[-1_500:]}{done.stderr[-500:]}")
        _judge(target, "verify", done)


def carry_over(target: Target, random: Random) -> None:
    """What nobody reported is carried over: nothing, as nobody set a policy."""
    with alone(target.commands_guard):
        _judge(target, "carry-over", target.service.run("carry-over"))


def backup(target: Target, random: Random) -> None:
    """A backup is whole, or there is none."""
    with alone(target.commands_guard):
        began = time.monotonic()
        file = target.folder / f"backup-{target.new_name()}.tar"
        done = target.service.run("backup", str(file))
        if done.returncode == 0:
            target.backups.append((began, file))
        elif file.exists():
            target.findings.say(f"a backup that failed is there: {done.stderr[-500:]}")
        _judge(target, "backup", done)


def move_a_resource(target: Target, random: Random) -> None:
    """A resource that is being reported gets another project: reports name the one that it is of then."""
    with alone(target.commands_guard):
        (resource,) = (
            each for each in orjson.loads(DEMO.read_bytes())["resources"] if each["uuid"] == SEA_ICE
        )
        file = target.folder / f"moved-{target.new_name()}.json"
        file.write_bytes(orjson.dumps({"resources": [resource | {"project_uuid": random.choice(PROJECTS)}]}))
        _judge(target, "import", target.service.run("import", str(file)))


def _judge(target: Target, name: str, done: "subprocess.CompletedProcess[str]") -> None:
    told = (done.stdout + done.stderr).strip()
    if "Traceback" in told or done.returncode not in (0, 1, 3) or (done.returncode and not told):
        target.findings.say(f"{name} ended with {done.returncode}: {told[-1_500:]}")
    result = {0: "ended well", 1: "refused", 3: "had no result"}.get(done.returncode, "broke off")
    why = f": {told.splitlines()[-1][:200]}" if done.returncode else ""
    target.findings.count(f"{name} {result}{why}")
