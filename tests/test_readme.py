"""What README.md shows works when it is pasted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from systemevent import SystemEvent, unlink

pytestmark = pytest.mark.one_mode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    """The fenced code blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def block(language, start):
    """The one block of that language that contains `start`."""
    (one,) = [text for text in blocks(language) if start in text]
    return one


@pytest.fixture
def paste(scripts, new_name, monkeypatch):
    """A function that runs a block with event names of its own; it returns the finished process."""
    names = {}
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"

    def with_own_names(text):
        for name in ("my_event", "db.ready", "gate", "stop", "tests.done", "build.done"):
            if name in text:
                names.setdefault(name, new_name())
                text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w])", names[name], text)
        return text

    def run(language, text, **options):
        words = [sys.executable, "-c"] if language == "python" else ["sh", "-c"]
        return subprocess.run(
            [*words, with_own_names(text)],
            env=os.environ | {"PATH": path},
            text=True,
            capture_output=True,
            timeout=60,
            **options,
        )

    run.names = names
    run.with_own_names = with_own_names
    return run


@pytest.mark.parametrize(
    ("start", "output"),
    [
        ("db.ready", ["the service is up", "go on"]),
        ("gate", ["job 1 runs", "job 2 runs", "job 3 runs"]),
        ("tests.done", ["tests run here"]),
    ],
)
def test_shell_recipe(paste, start, output):
    """A shell recipe does what its text says."""
    done = paste("sh", block("sh", f"evt_clear {start}"))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == sorted(output)


def test_stop_signal(paste):
    """The worker of the recipe ends when the event is set, at the latest after what it is doing."""
    done = paste("sh", block("sh", "evt_clear stop"))
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.splitlines()) <= {"once a minute"}


def test_first_example(paste):
    """The waiter of the first example is released by the command that stands below it."""
    name = paste.with_own_names("my_event")
    command = paste("sh", block("sh", "evt_set my_event"))
    assert (command.returncode, command.stderr) == (0, "")
    done = paste("python", block("python", "event.wait(timeout=10)"))
    assert (done.stdout, done.stderr) == ("it happened\n", "")
    with SystemEvent(name) as event:
        assert event.is_set()


def test_python_tour(paste):
    """The tour of the Python interface runs."""
    done = paste("python", block("python", "list_events"))
    assert (done.returncode, done.stderr) == (0, "")
    assert paste.names["build.done"]
    with pytest.raises(FileNotFoundError):
        unlink(paste.names["build.done"])


def test_c_example(paste, tmp_path, python):
    """The C program compiles with the command below it, and is released by evt_set."""
    text = paste.with_own_names(block("c", "systemevent_wait"))
    (tmp_path / "waiter.c").write_text(text)
    command = block("sh", "waiter.c").replace("python", python[0])
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True)
    with SystemEvent(paste.names["my_event"]) as event:
        event.set()
    done = subprocess.run([tmp_path / "waiter"], stdout=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "it happened\n")


def test_two_commands():
    """The two set-up commands are the README's first code, and .ci/run takes them from there."""
    commands = blocks("sh")[0].splitlines()
    assert [line.split(" && ")[0] for line in commands] == [
        "python3 -m venv .venv",
        "python3 -m venv .venv-test",
    ]
    assert README.index("<!-- two commands -->\n```sh\n" + "\n".join(commands) + "\n```\n") > 0
    assert "<!-- two commands -->" in (ROOT / ".ci/run").read_text()


def test_named_tests_exist():
    """Every test file that the README names as proof exists."""
    named = set(re.findall(r"test_\w+\.py", README))
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()
