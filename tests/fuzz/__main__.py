"""Fuzzes every parser for some minutes, led by the coverage of the code: `make fuzz MINUTES=10 SEED=7`.

Each has a process of its own, as libFuzzer ends with it. What one fails with is kept below `.fuzz/`, and
named, for a test. Inputs that reach further stay there, too, for the next time.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from random import SystemRandom

from web.runtime.postgres.embedded import embedded_postgres

REQUESTS = "requests"
FOLDER = Path(".fuzz")


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a database with the catalogue of `tests/world.py`."""
    from tests.world import CATALOGUE, open_world

    directory = Path(tempfile.mkdtemp(prefix="usage-ledger-"))
    directory.chmod(0o755)
    try:
        with embedded_postgres(directory) as url:
            with open_world(url) as world:
                world.describe(**CATALOGUE)
            yield url
    finally:
        shutil.rmtree(directory)


def fuzz(name: str, seconds: int, seed: int, url: str) -> None:
    """Fuzz in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["ledger", "projections", "web"]):
        from tests.fuzz.asking import Service
        from tests.fuzz.parsers import PARSERS
        from tests.world import open_world
    corpus = FOLDER / name.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    parse: Callable[[bytes], object]
    with ExitStack() as stack:
        if name == REQUESTS:
            service = stack.enter_context(Service(stack.enter_context(open_world(url))))
            parse = service.ask
            seeds = [
                number.to_bytes(2, "big") + b"\0" + each.body for number, each in enumerate(service.requests)
            ]
        else:
            parse, seeds = PARSERS[name]
        for each in seeds:
            (corpus / sha256(each).hexdigest()).write_bytes(each)

        def once(data: bytes) -> None:
            parse(data)

        options = [f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=60", "-max_len=20000"]
        options += [f"-artifact_prefix={FOLDER}/{corpus.name}-", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, str(corpus)], once)
        atheris.Fuzz()


def main() -> int:
    """Fuzz each in turn, requests for half of the time. Return 1 if one failed."""
    from tests.fuzz.parsers import PARSERS

    parser = argparse.ArgumentParser("fuzz")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1, 2**31))
    parser.add_argument("--only", choices=[REQUESTS, *PARSERS])
    parser.add_argument("--run", nargs=2, metavar=("SECONDS", "URL"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        fuzz(chosen.only, int(chosen.run[0]), chosen.seed, chosen.run[1])
    names, seconds, failed = [chosen.only] if chosen.only else [REQUESTS, *PARSERS], 60 * chosen.minutes, []
    print(f"SEED={chosen.seed}", flush=True)  # noqa: T201
    with database() as url:
        for name in names:
            share = seconds if len(names) == 1 else seconds / 2 / (1 if name == REQUESTS else len(PARSERS))
            command = [sys.executable, "-m", "tests.fuzz", "--only", name, "--seed", str(chosen.seed)]
            done = subprocess.run(
                [*command, "--run", str(max(1, round(share))), url], capture_output=True, text=True
            )
            told = [line for line in done.stderr.splitlines() if line.startswith(("stat::number", "#"))]
            print(f"{name}: {told[-1] if told else ''} exit {done.returncode}", flush=True)  # noqa: T201
            if done.returncode:
                failed.append(name)
                print(done.stdout[-6000:], done.stderr[-3000:], flush=True)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
