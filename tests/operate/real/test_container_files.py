"""Container files, read by others' programs."""

import subprocess

from tests.paths import ROOT

PROGRAMS = ROOT / ".venv-packages" / "bin"
FOLDER = ROOT / "web/operate/container"
COMPOSE = "import sys; from compose_spec import PyCompose as C; C.from_yaml(sys.stdin.read()).validate()"


def test_hadolint_finds_nothing_in_the_container_file() -> None:
    done = subprocess.run([PROGRAMS / "hadolint", FOLDER / "Containerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_compose_file_is_of_the_compose_specification() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    words = [str(PROGRAMS / "python"), "-c", COMPOSE]
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wrong = text.replace("read_only", "readonly")
    assert subprocess.run(words, input=wrong, capture_output=True, text=True).returncode == 1
