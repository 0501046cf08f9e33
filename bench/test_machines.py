"""bench.machines: a small run over a cable; nothing is left, also on Ctrl-C; why it cannot run."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from processes import until
from surroundings import STRANGER, need, needs_root

from bench import machines, machines_words
from bench.child import Child
from bench.contenders import BARE_SOCKET, ON_REDIS, OURS, PUB_SUB
from bench.network import Network, network, no_network

ROOT = Path(__file__).parents[1]
TITLES = [each.title for each in (OURS, ON_REDIS, PUB_SUB, BARE_SOCKET)]
#: So many children of a run at once: a server and the members of a team.
SOME = 10


def run(tmp_path, *words, **options):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "bench.machines", "--quick", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        **options,
    )


@needs_root
def test_a_small_run(tmp_path):
    """Everybody is measured with 1 and 5 waiters; the server had connections of all of them."""
    need(machines.unable())
    with run(tmp_path, "--waiters", "1", "5", "--json", str(tmp_path / "results.json")) as process:
        out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["skipped"] == {}
    for broadcast in results["broadcast"]:
        assert list(broadcast["rounds"]) == TITLES
        for rows in broadcast["rounds"].values():
            assert len(rows) == machines.ROUNDS["quick"][0]
            assert all(0 < first <= last for first, last in rows)
    crowd = results["crowd"]
    assert [crowd[title]["blocked"] for title in TITLES[1:3]] == [5, 0]
    assert all(crowd[title]["connections"] >= 5 for title in TITLES[1:3])
    assert "The last of 5 waiting processes:" in out
    assert list((tmp_path / "temporary").iterdir()) == []


def programs(pids):
    """What those of the processes that still exist run: `ip` and `cc` end while one looks."""
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield Path(f"/proc/{pid}/comm").read_text().strip()


@needs_root
def test_interrupted_it_leaves_nothing(tmp_path):
    """Ctrl-C while waiters wait at the other end: no process, no server, no folder, no namespace.

    A namespace without a name ends with its last process.
    """
    need(machines.unable())
    with run(tmp_path, "--waiters", "20", start_new_session=True) as process:
        path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 60
        while time.monotonic() < end:
            children = path.read_text().split()
            if len(children) > SOME and "redis-server" in programs(children):
                break
            time.sleep(0.01)
        else:
            raise AssertionError("no team and no server at work")
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted; nothing is left behind." in errors
    assert "Traceback" not in errors
    # One that was just being forked is killed by the kernel, after the end of its parent.
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "all have ended")
    assert list((tmp_path / "temporary").iterdir()) == []


def namespace():
    return os.readlink("/proc/thread-self/ns/net")


@needs_root
def test_one_comes_home_from_a_network():
    """Also when something fails in it; and there are two ends."""
    need(no_network())
    home = namespace()

    def both():
        with network() as made:
            here = namespace()
            made.move()
            return here, namespace()

    with Child(both) as child:
        assert len({home, *child.result()}) == 3
    with contextlib.suppress(ZeroDivisionError), network():
        assert namespace() != home
        raise ZeroDivisionError
    assert namespace() == home


@needs_root
def test_who_may_not_is_told():
    """Without root, the reason."""

    def reason():
        os.setuid(STRANGER)
        return no_network()

    with Child(reason) as child:
        assert child.result() == "needs root: to make network namespaces"


def test_without_ip_the_reason(monkeypatch):
    """The package is named."""
    monkeypatch.setenv("PATH", "/no/such/folder")
    assert no_network() == "no network namespaces: no ip (Debian's package iproute2)"


def test_skipped_as_a_whole(monkeypatch, capsys):
    """Status 1, and a line: nothing was measured."""
    monkeypatch.setattr(machines, "no_server", lambda: "no redis-server")
    monkeypatch.setattr(sys, "argv", ["machines"])
    assert machines.main() == 1
    assert capsys.readouterr().err == "skipped: bench.machines: no redis-server\n"


def test_tables():
    """Ratios are to SystemEvent on Redis; what somebody has not is a dash."""
    rounds = {ON_REDIS.title: [[1, 3000]] * 6, PUB_SUB.title: [[1, 1500]] * 6}
    crowd = {
        OURS.title: {"connect_s": 0.5, "memory_kib_each": 1536, "idle_s": 2},
        ON_REDIS.title: {"connect_s": 2, "memory_kib_each": 2048, "idle_s": 2, "connections": 1003},
    }
    results = {
        "environment": {"CPU": "a fast one", "governor": ""},
        "options": " --quick",
        "broadcast": [{"waiters": 1000, "rounds": rounds}],
        "crowd": crowd,
        "skipped": {"this": "for that reason"},
    }
    text = machines_words.markdown(results)
    assert "`python -m bench.machines --quick` (CPU a fast one)." in text
    assert "| **SystemEvent on Redis** | 3.0 µs | 3.0 µs | 1 |" in text
    assert "| redis-py pub/sub | 1.5 µs | 1.5 µs | 2.00 [2.00 2.00] |" in text
    assert "| connections of the server | – | 1\u202f003 |" in text
    assert "| memory of a waiting process (PSS) | 1.5 MiB | 2.0 MiB |" in text
    assert text.endswith("Skipped: this (for that reason).")


def test_what_the_readme_shows_was_measured():
    """Between its markers stands a full run."""
    text = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    found = text.partition("<!-- machines -->\n")[2].partition("<!-- end of machines -->")[0]
    assert found.startswith("One run of `python -m bench.machines --full` (")
    assert "The last of 1\u202f000 waiting processes:" in found
    assert Network.here not in found
