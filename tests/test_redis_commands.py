"""The evt_* commands with SYSTEMEVENT_URL: what they do, and one clear line if they cannot."""

import json
import os
import re
import sys

import pytest
from processes import DEADLINE, command, until
from redis_troubles import LOGIN, SECRET, TROUBLES
from redis_users import user_of

from systemevent import SystemEvent
from systemevent._usage import USAGE

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

every_program = pytest.mark.parametrize("program", USAGE)


@pytest.fixture
def url(redis_server, monkeypatch):
    """The URL of a server without events, which is in the environment."""
    monkeypatch.setenv("SYSTEMEVENT_URL", redis_server.url)
    return redis_server.url


def failure(run, program):
    """The one line that a command says before it ends with 2."""
    status, output, errors = run(program, "a")
    assert (status, output) == (2, "")
    assert re.fullmatch(rf"{program}: [^\n]+\n", errors), errors
    assert "Traceback" not in errors
    assert SECRET not in errors
    return errors.removeprefix(f"{program}: ").rstrip("\n")


@every_program
@pytest.mark.parametrize("name", ["wrong_password", "no_permission", "refused", "too_old"])
def test_troubles(redis_server, monkeypatch, run, program, name):
    """What is wrong with the server is one line on standard error, exit status 2."""
    with TROUBLES[name](redis_server) as (url, _, words):
        monkeypatch.setenv("SYSTEMEVENT_URL", url)
        assert re.fullmatch(words, failure(run, program))


@pytest.mark.parametrize("name", TROUBLES)
def test_any_trouble(redis_server, monkeypatch, run, name):
    """So is every other trouble."""
    with TROUBLES[name](redis_server) as (url, _, words):
        monkeypatch.setenv("SYSTEMEVENT_URL", url)
        assert re.fullmatch(words, failure(run, "evt_set"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"ann:{SECRET}@host", "the URL of events must begin with one of redis://, .*"),
        (f"redis://ann:{SECRET}", r"a wrong host or port in the URL of events \(.*\)"),
        (f"redis://{LOGIN}host?x={SECRET}", "an unknown option in the URL of events; there are .*"),
        (f"redis://ann:{SECRET}\udcff@host", "in the URL of events, spaces, .*"),
    ],
)
def test_wrong_urls(monkeypatch, run, url, message):
    """So is a wrong URL."""
    monkeypatch.setenv("SYSTEMEVENT_URL", url)
    assert re.fullmatch(message, failure(run, "evt_wait"))


@pytest.mark.parametrize("program", ["evt_set", "evt_clear", "evt_wait", "evt_unlink"])
def test_wrong_type(redis_server, url, run, program):
    """So is a key that holds something else."""
    with redis_server.client() as client:
        client.rpush("systemevent:a", "x")
        assert failure(run, program).endswith(": its key holds something else, which is no event")
        assert client.lrange("systemevent:a", 0, -1) == [b"x"]


@every_program
def test_without_redis_py(scripts, monkeypatch, event, program):
    """So is a redis-py that is not installed; for events of this machine, none is needed."""
    event.set()
    code = "import sys; sys.modules['redis'] = None; exec(open(sys.argv.pop(1)).read())"
    words = [sys.executable, "-c", code, scripts / program, event.name]
    monkeypatch.setenv("SYSTEMEVENT_URL", f"redis://{LOGIN}127.0.0.1:1")
    with command(*words) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    message = "events on a server need redis-py: pip install 'SystemEvent[redis]'"
    assert (process.returncode, output, errors) == (2, "", f"{program}: {message}\n")
    monkeypatch.setenv("SYSTEMEVENT_URL", "")
    with command(*words) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, "")


def test_set_clear_wait(url, run):
    """evt_set, evt_clear and evt_wait are about the events of the server."""
    event = SystemEvent("a", url=url)
    assert run("evt_wait", "a", "0") == (1, "", "")
    assert run("evt_set", "a") == (0, "", "")
    assert event.is_set()
    assert run("evt_wait", "a") == (0, "", "")
    assert run("evt_clear", "a") == (0, "", "")
    assert not event.is_set()
    assert run("evt_set", "--prefix", "p.", "a") == (0, "", "")
    assert SystemEvent("a", "p.", url=url).is_set()


def test_wait_for_several(url, run):
    """evt_wait --any and --all wait for events of the server, and write their names."""
    SystemEvent("b", url=url).set()
    assert run("evt_wait", "--any", "a", "b", "-t", "5") == (0, "b\n", "")
    assert run("evt_wait", "--all", "a", "b", "-t", "0") == (1, "", "")
    SystemEvent("a", url=url).set()
    assert run("evt_wait", "--all", "a", "b", "-t", "5") == (0, "a\nb\n", "")


@pytest.mark.parametrize("words", [["a"], ["--any", "a", "b"], ["--all", "a"]], ids=" ".join)
def test_blocked_wait(redis_server, url, scripts, words):
    """They block there, until somebody sets the event."""
    with redis_server.client() as client, command(scripts / "evt_wait", *words) as waiter:
        until(lambda: client.info("clients")["blocked_clients"], "evt_wait blocks")
        SystemEvent("a", url=url).set()
        assert waiter.communicate(timeout=DEADLINE)[1] == ""
        assert waiter.returncode == 0


def test_list(redis_server, url, run):
    """evt_list tells the state; mode, owner and age are not known: a question mark."""
    for name in "ab":
        SystemEvent(name, url=url).set()
    SystemEvent("b", url=url).clear()
    with redis_server.client() as client:
        client.xadd("systemevent:c", {"x": "y"})
    expected = "a\tset\t?\t?\t?\nb\tclear\t?\t?\t?\nc\tinvalid\t?\t?\t?\n"
    assert run("evt_list") == (0, expected, "")
    assert run("evt_list", "--names", "[ab]") == (0, "a\nb\n", "")
    assert run("evt_list", "x") == (1, "", "")


def test_list_as_json(url, run):
    """In JSON, what is not known is null, and the path is the key."""
    SystemEvent("ä\n", "p.", url=url).set()
    status, output, errors = run("evt_list", "--json", "--prefix", "p.")
    assert (status, errors) == (0, "")
    unknown = dict.fromkeys(("mode", "owner", "uid", "age"))
    expected = {"name": "ä\n", "state": "set", **unknown, "path": "p.ä\n"}
    assert json.loads(output) == [expected]


def test_list_without_permission(redis_server, url, run, monkeypatch):
    """Of an event that we may not read, the state is a question mark, too."""
    SystemEvent("a", url=url).set()
    with user_of(redis_server, "+scan", "+xrevrange") as reader:
        monkeypatch.setenv("SYSTEMEVENT_URL", reader)
        assert run("evt_list") == (0, "a\t?\t?\t?\t?\n", "")


def test_list_of_many(redis_server, url, run):
    """Many events take a few questions, not one each."""
    with redis_server.client() as client, client.pipeline() as pipeline:
        for i in range(2500):
            pipeline.xadd(f"systemevent:{i:04}", {"s": str(i % 2)})
        pipeline.execute()
        client.config_resetstat()
        status, output, errors = run("evt_list")
        assert client.info("stats")["total_reads_processed"] < 250
    states = "clear", "set"
    lines = [f"{i:04}\t{states[i % 2]}\t?\t?\t?" for i in range(2500)]
    assert (status, output.splitlines(), errors) == (0, lines, "")


def test_unlink(url, run):
    """evt_unlink removes what there is; what was never set has left nothing to miss."""
    for name in "ac":
        SystemEvent(name, url=url).set()
    assert run("evt_unlink", "a", "b", "c") == (0, "", "")
    assert run("evt_list") == (0, "", "")


def test_unlink_without_server(monkeypatch, run):
    """If the server is away, evt_unlink says so once, not for each name."""
    monkeypatch.setenv("SYSTEMEVENT_URL", "redis://127.0.0.1:1")
    status, _, errors = run("evt_unlink", "a", "b", "c")
    assert (status, errors.count("\n")) == (2, 1)


@every_program
def test_help(run, program):
    """--help tells of SYSTEMEVENT_URL, and needs no server."""
    environment = {**os.environ, "SYSTEMEVENT_URL": "redis://127.0.0.1:1"}
    status, output, errors = run(program, "--help", env=environment)
    assert (status, errors) == (0, "")
    assert "\nIf SYSTEMEVENT_URL is in the environment, " in output
