"""python -m systemevent: what it says of the machine, and when it fails."""

import os
import re
import subprocess

import pytest

from systemevent import list_events


def run(python, *words, **options):
    """Run ``python -m systemevent`` with these words."""
    return subprocess.run(
        [*python, "-m", "systemevent", *words],
        text=True,
        capture_output=True,
        timeout=60,
        cwd="/",
        **options,
    )


def test_shows_the_event_at_work(python, sleeping_mode):
    """It ends with 0, names the sleeping mode, and shows three measured wake-ups, twice."""
    done = run(python)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"sleeping     {sleeping_mode}" in done.stdout
    times = r"(\d+) µs, (\d+) µs, (\d+) µs later"
    assert re.search(rf"set\(\) +released {times}", done.stdout)
    assert re.search(rf"set\(\)\+clear\(\) +released {times}", done.stdout)
    for label in ("system", "Python", "objects", "RemoveIPC", "container"):
        assert re.search(rf"^  {label} +\S", done.stdout, re.M), label
    assert done.stdout.endswith("All of it worked.\n")


def test_leaves_nothing(python):
    """The event of its demonstration is gone when it has ended."""
    done = run(python)
    (name,) = re.findall(r"SystemEvent\('(demonstration\.\d+)'\)", done.stdout)
    assert name not in list_events()


@pytest.mark.one_mode
def test_fails_where_it_cannot_work(python):
    """Without a usable /dev/shm it ends with 1 and one line that says why."""
    script = 'mount -t tmpfs none /dev && exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", *python, "-m", "systemevent"]
    probe = subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL)
    if probe.returncode and "CI" not in os.environ:
        pytest.skip("needs a mount namespace of its own")
    done = subprocess.run(words, text=True, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        "systemevent: it does not work here: "
        "/dev/shm: No such file or directory; mount a tmpfs there\n"
    )


@pytest.mark.one_mode
def test_words_that_it_does_not_know(python):
    """An unknown word is wrong usage: 2."""
    done = run(python, "demo")
    assert done.returncode == 2
    assert "unrecognized arguments: demo" in done.stderr
