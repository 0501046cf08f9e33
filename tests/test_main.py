"""python -m systemevent: what it says of the machine, and when it fails."""

import os
import re
import subprocess

import pytest
from redis_server import PATIENT
from redis_troubles import SECRET, TROUBLES
from redis_users import user_of

from systemevent import SystemEvent, list_events


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
def test_output_that_nobody_reads(python):
    """If its output is a pipe that is closed (`| head`), it ends with 2 and says nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [*python, "-m", "systemevent"]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60, cwd="/")
    os.close(writer)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.one_mode
def test_output_that_cannot_be_written(python):
    """If its output is full, it ends with 2 and one line that says so."""
    with open("/dev/full", "w") as full:
        words = [*python, "-m", "systemevent"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=60, cwd="/")
    said = b"cannot write to standard output: [Errno 28] No space left on device"
    assert (done.returncode, done.stderr) == (2, b"systemevent: %b\n" % said)


@pytest.mark.one_mode
def test_words_that_it_does_not_know(python):
    """An unknown word is wrong usage: 2."""
    done = run(python, "demo")
    assert done.returncode == 2
    assert "unrecognized arguments: demo" in done.stderr


@pytest.mark.one_mode
def test_reports_the_server(python, redis_server, monkeypatch):
    """With SYSTEMEVENT_URL, it says which server that is; its demonstration is here."""
    monkeypatch.setenv("SYSTEMEVENT_URL", redis_server.url)
    SystemEvent("only.there").set()
    before = list_events()
    done = run(python)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.escape(redis_server.shown)
    assert re.search(rf"^  server       {shown}: reachable, \w+ \d+\.\d\S*$", done.stdout, re.M)
    assert re.search(r"set\(\)\+clear\(\) +released", done.stdout)
    assert list_events() == before
    assert done.stdout.endswith("All of it worked.\n")


@pytest.mark.one_mode
def test_server_that_keeps_its_version(python, redis_server, monkeypatch):
    """Who may use events, but not ask for the version, gets all but that."""
    with user_of(redis_server, "%R~systemevent:*", "+xrevrange") as url:
        monkeypatch.setenv("SYSTEMEVENT_URL", f"{url}{PATIENT}")
        done = run(python)
    line = f"  server       {redis_server.shown}: reachable, but it does not tell its version\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert line in done.stdout


@pytest.mark.one_mode
@pytest.mark.parametrize("name", ["refused", "wrong_password", "no_permission"])
def test_fails_without_the_server(python, redis_server, monkeypatch, name):
    """If the server cannot be used, it ends with 1 and one line that says why."""
    with TROUBLES[name](redis_server) as (url, _, words):
        monkeypatch.setenv("SYSTEMEVENT_URL", f"{url}{PATIENT}")
        done = run(python)
    assert done.returncode == 1
    assert re.fullmatch(f"systemevent: it does not work here: {words}\n", done.stderr)
    assert "set()+clear()" in done.stdout
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.one_mode
def test_wrong_url(python, monkeypatch):
    """So it does for a wrong URL."""
    monkeypatch.setenv("SYSTEMEVENT_URL", f"http://{SECRET}")
    done = run(python)
    start = "systemevent: it does not work here: the URL of events must begin with one of redis://"
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(start)
