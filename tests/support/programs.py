"""Programs of the system that some tests use, and the pages and certificates for them."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def program(name: str) -> str:
    """The path of a program. Without it the test is skipped: `make programs` installs what they use."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: `make programs` does it")
    return found


def certificate(folder: Path) -> tuple[Path, Path]:
    """A new certificate of 127.0.0.1, and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    options = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    options += ["-addext", "subjectAltName=IP:127.0.0.1"]
    files: list[str | Path] = [program("openssl"), *options, "-keyout", key, "-out", made]
    subprocess.run(files, check=True, capture_output=True)
    return made, key


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """The files of a folder on a port of their own: its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
