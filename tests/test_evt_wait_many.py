"""evt_wait --any and --all, and its option --timeout."""

import os
import signal

import pytest
from processes import DEADLINE, command, until_asleep, worker
from surroundings import STRANGER, USER, as_user, needs_root, path_of

from systemevent import SystemEvent, list_events

pytestmark = pytest.mark.one_mode


@pytest.fixture
def three(new_name):
    """Three events, clear."""
    events = [SystemEvent(new_name()) for _ in range(3)]
    yield events
    for event in events:
        event.close()


def names(events):
    """Their names: the words of a command line."""
    return [event.name for event in events]


@pytest.mark.parametrize("option", ["--any", "--all"])
def test_waits(scripts, run, three, option):
    """It sleeps until the last event that it needs is set, and says which ones were."""
    if option == "--all":
        three[0].set()
        three[1].set()
    with command(scripts / "evt_wait", option, *names(three)) as process:
        until_asleep(process.pid)
        assert run("evt_set", three[2].name) == (0, "", "")
        output = process.communicate(timeout=DEADLINE)
    expected = three if option == "--all" else three[2:]
    assert (process.returncode, *output) == (0, "".join(f"{n}\n" for n in names(expected)), "")


def test_pulse(scripts, run, three):
    """A pulse, `evt_set x; evt_clear x`, is one of any, although the event is clear again."""
    with command(scripts / "evt_wait", "--any", *names(three)) as process:
        until_asleep(process.pid)
        script = f'"{scripts}/evt_set" "$0"; "{scripts}/evt_clear" "$0"'
        with command("sh", "-c", script, three[1].name) as shell:
            assert shell.communicate(timeout=DEADLINE) == ("", "")
        assert process.communicate(timeout=DEADLINE) == (f"{three[1].name}\n", "")
        assert process.returncode == 0


def test_order(run, three):
    """Of --any, all that are set are named, in the order given."""
    three[2].set()
    three[0].set()
    words = [three[2].name, three[1].name, three[0].name]
    expected = f"{three[2].name}\n{three[0].name}\n"
    assert run("evt_wait", *words, "--any") == (0, expected, "")


@pytest.mark.parametrize("option", ["--any", "--all"])
@pytest.mark.parametrize(
    "limit", [["-t", "0"], ["-t0.01"], ["--timeout", "-1"], ["--timeout=nan"], ["-t", "-inf"]]
)
def test_time_out(run, three, option, limit):
    """When the time is over (negative, NaN: at once): status 1, and not a word."""
    if option == "--all":
        three[0].set()
    assert run("evt_wait", option, *limit, *names(three)) == (1, "", "")
    assert run("evt_wait", *names(three), *limit, option) == (1, "", "")


@pytest.mark.parametrize("limit", [["-t", "0"], ["-t0"], ["--timeout", "0"], ["--timeout=0"]])
def test_timeout_of_one(run, event, limit):
    """`evt_wait NAME -t SECONDS` is `evt_wait NAME SECONDS`."""
    assert run("evt_wait", event.name, *limit) == (1, "", "")
    event.set()
    assert run("evt_wait", *limit, event.name) == (0, "", "")


@pytest.mark.parametrize("option", ["--any", "--all"])
def test_many_events(scripts, run, new_name, option):
    """More events than one sleep can hold are waited for as well."""
    events = [SystemEvent(new_name()) for _ in range(130)]
    late = events if option == "--all" else events[-1:]
    for event in late[:-1]:
        event.set()
    with command(scripts / "evt_wait", option, *names(events)) as process:
        until_asleep(process.pid)
        late[-1].set()
        output = process.communicate(timeout=DEADLINE)
    assert (process.returncode, *output) == (0, "".join(f"{n}\n" for n in names(late)), "")
    for event in events:
        event.close()


@pytest.mark.parametrize("end", ["\udcff\udcfe", "ä€🙂", " '\\"])
@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=str)
def test_any_bytes(run, new_name, end, locale):
    """The bytes of a name are written as they are on the command line."""
    with SystemEvent(new_name(end)) as event:
        event.set()
        name = os.fsencode(event.name)
        said = run("evt_wait", "--any", name, env=locale, text=False)
    assert said == (0, name + b"\n", b"")


NO_OPTION = "no option {!r} (a name that begins with a dash goes behind --)"
WRONG = {
    "both": (["--any", "--all", "{name}"], "--any or --all, not both"),
    "two limits": (["{name}", "1", "-t", "2"], "timeout_s or --timeout, not both"),
    "no name": (["--any"], "which event? Its name is missing"),
    "no name of all": (["--all", "-t", "5"], "which event? Its name is missing"),
    "no seconds": (["{name}", "-t"], "-t needs a value"),
    "no seconds either": (["{name}", "--timeout"], "--timeout needs a value"),
    "a word": (["-t", "x", "{name}"], "--timeout must be a number of seconds, not 'x'"),
    "nothing": (["--timeout=", "{name}"], "--timeout must be a number of seconds, not ''"),
    "value": (["--any=1", "{name}"], NO_OPTION.format("--any=1")),
    "number": (["--any", "{name}", "-1"], NO_OPTION.format("-1")),
    "number first": (["{name}", "-1", "--any"], NO_OPTION.format("-1")),
    "three words": (["{name}", "1", "2"], "too many words: '2'"),
    "no option": (["--anyone", "{name}"], NO_OPTION.format("--anyone")),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage(run, name, words, message):
    """Wrong usage: exit status 2, one line that says what is wrong, no event created."""
    words = [word.replace("{name}", name) for word in words]
    said = f"evt_wait: {message}; see evt_wait --help\n"
    assert run("evt_wait", *words) == (2, "", said)
    assert name not in list_events()


@pytest.mark.parametrize("option", ["--any", "--all"])
def test_bad_name(run, name, option):
    """If one of the names is no event's, none of the events is created."""
    said = "evt_wait: an event's name must not contain '/' or NUL: 'a/b'\n"
    assert run("evt_wait", option, name, "a/b") == (2, "", said)
    assert name not in list_events()


@pytest.mark.parametrize("option", [["--any"], ["--all"], []])
@pytest.mark.parametrize("text", ["1e400", "inf", "1e10"])
def test_timeout_too_large(run, event, option, text):
    """A timeout that the clock cannot hold is an error, not for ever: exit status 2."""
    said = "evt_wait: timeout value is too large\n"
    assert run("evt_wait", *option, "-t", text, event.name) == (2, "", said)


@pytest.mark.parametrize(
    ("output", "reason"),
    [(">&-", "it is closed"), (">/dev/full", "[Errno 28] No space left on device")],
)
@pytest.mark.parametrize("setting", [{}, {"PYTHONUNBUFFERED": "1"}], ids=str)
def test_nowhere_to_write(scripts, event, output, reason, setting):
    """When the names cannot be written, the exit status is 2: not 1, which means time-out."""
    event.set()
    script = f'"$0" --any "$1" {output}'
    with command("sh", "-c", script, scripts / "evt_wait", event.name, env=setting) as shell:
        said = shell.communicate(timeout=DEADLINE)
    assert (shell.returncode, *said) == (
        2,
        "",
        f"evt_wait: cannot write to standard output: {reason}\n",
    )


def test_nobody_reads(scripts, event):
    """Who closed the pipe knows: exit status 2, and not a word."""
    reader, writer = os.pipe()
    os.close(reader)
    event.set()
    with command(scripts / "evt_wait", "--any", event.name, stdout=writer) as process:
        os.close(writer)
        assert process.communicate(timeout=DEADLINE) == (None, "")
        assert process.returncode == 2


@pytest.mark.parametrize("option", ["--any", "--all"])
def test_interrupt(scripts, three, option):
    """Ctrl-C kills it the way a shell expects."""

    def unignore():  # as background jobs of scripts do
        signal.signal(signal.SIGINT, signal.default_int_handler)

    words = scripts / "evt_wait", option, *names(three)
    with command(*words, preexec_fn=unignore) as process:
        until_asleep(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=DEADLINE) == ("", "")
        assert process.returncode == -signal.SIGINT


def run_as(uid, name, other, errors):
    """Run evt_wait --any as another user (who may be unable to start root's interpreter)."""
    import sys

    from systemevent import _commands

    os.dup2(os.open(errors, os.O_WRONLY), 2)
    sys.argv = ["evt_wait", "--any", other, name]
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - it ends with the process
    as_user(uid, _commands.evt_wait)


@needs_root
def test_no_permission(tmp_path, event, name, new_name):
    """Without permission for one of them: exit status 2, and one line that names it."""
    private = new_name()
    with worker(as_user, USER, SystemEvent, private, "SystemEvent.", 0o600) as owner:
        owner.reap()
    errors = tmp_path / "errors"
    errors.touch()
    with worker(run_as, STRANGER, private, event.name, errors) as stranger:
        assert stranger.reap() == 2
    assert errors.read_text() == (
        f"evt_wait: [Errno 13] cannot open event {private!r}: Permission denied "
        f"(it belongs to uid {USER} and has mode 600): {path_of(private)!r}\n"
    )
