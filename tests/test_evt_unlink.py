"""evt_unlink: removes each event, and says of which it could not."""

import os
import sys

import pytest
from processes import DEADLINE, command, until_asleep, worker
from surroundings import STRANGER, USER, as_user, needs_root, own_objects, path_of, sized

from systemevent import SystemEvent, list_events

pytestmark = pytest.mark.one_mode


def absent(name):
    """What is said of an event that is not there."""
    return (
        f"evt_unlink: [Errno 2] cannot unlink event {name!r}: No such file or directory: "
        f"{path_of(name)!r}\n"
    )


def test_removes(run, new_name):
    """All the events that are named are gone: exit status 0, and not a word."""
    names = [new_name() for _ in range(3)]
    for name in names:
        SystemEvent(name).close()
    assert run("evt_unlink", *names[:2]) == (0, "", "")
    assert set(names) & set(list_events()) == {names[2]}


def test_absent(run, new_name):
    """Of one that cannot be removed a line says why, exit status 2; the others are removed."""
    names = [new_name() for _ in range(3)]
    SystemEvent(names[1]).close()
    said = absent(names[0]) + absent(names[2])
    assert run("evt_unlink", *names) == (2, "", said)
    assert names[1] not in list_events()


def test_twice(run, event):
    """A name that is given twice is not there the second time."""
    assert run("evt_unlink", event.name, event.name) == (2, "", absent(event.name))


def test_bad_names(run, event):
    """Names that no event can have: a line each, and the others are removed all the same."""
    rule = "evt_unlink: an event's name must not"
    said = f"{rule} contain '/' or NUL: 'a/b'\n{rule} be empty\n"
    assert run("evt_unlink", "a/b", "", event.name) == (2, "", said)
    assert event.name not in list_events()


@pytest.mark.parametrize("spelling", [["--prefix={}"], ["--prefix", "{}"]], ids=["=", " "])
def test_prefix(run, prefix, name, spelling):
    """--prefix says which events are meant."""
    SystemEvent(name).close()
    SystemEvent(name, prefix).close()
    words = [word.format(prefix) for word in spelling]
    assert run("evt_unlink", name, *words) == (0, "", "")
    assert own_objects(prefix) == []
    assert name in list_events()


def test_dashes(run, new_name):
    """Names that begin with a dash go behind `--`."""
    name = new_name("--help")
    SystemEvent(name).close()
    assert run("evt_unlink", "--", name) == (0, "", "")
    assert name not in list_events()


@pytest.mark.parametrize("make", [sized(0), lambda path: os.symlink("nowhere", path), os.mkfifo])
def test_invalid(run, name, make):
    """What is in the place of an event and is none can be removed as well."""
    make(path_of(name))
    assert run("evt_unlink", name) == (0, "", "")
    assert name not in list_events()


def test_waiter(scripts, run, event):
    """Who waits keeps the event that was removed; who opens the name next gets a new one."""
    with command(scripts / "evt_wait", event.name) as waiter:
        until_asleep(waiter.pid)
        assert run("evt_unlink", event.name) == (0, "", "")
        assert run("evt_set", event.name) == (0, "", "")
        assert run("evt_clear", event.name) == (0, "", "")
        until_asleep(waiter.pid)
        event.set()
        assert waiter.communicate(timeout=DEADLINE) == ("", "")
        assert waiter.returncode == 0


def run_as(uid, errors, *words):
    """Run evt_unlink as another user (who may be unable to start root's interpreter)."""
    from systemevent._unlinking import evt_unlink

    os.dup2(os.open(errors, os.O_WRONLY), 2)
    sys.argv = ["evt_unlink", *words]
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - it ends with the process
    as_user(uid, evt_unlink)


@needs_root
def test_not_ours(tmp_path, new_name):
    """Somebody else's event stays: exit status 2, and one line with its owner and mode."""
    name = new_name()
    with worker(as_user, USER, SystemEvent, name) as owner:
        owner.reap()
    errors = tmp_path / "errors"
    errors.touch()
    with worker(run_as, STRANGER, errors, name) as stranger:
        assert stranger.reap() == 2
    assert errors.read_text() == (
        f"evt_unlink: [Errno 1] cannot unlink event {name!r}: Operation not permitted "
        f"(it belongs to uid {USER} and has mode 666): {path_of(name)!r}\n"
    )
    assert name in list_events()


NO_OPTION = "no option {!r} (a name that begins with a dash goes behind --); see evt_unlink --help"
WRONG = {
    "no name": ([], "which event? Its name is missing; see evt_unlink --help"),
    "no option": (["{name}", "-f"], NO_OPTION.format("-f")),
    "number": (["{name}", "-1"], NO_OPTION.format("-1")),
    "no prefix": (["{name}", "--prefix"], "--prefix needs a value; see evt_unlink --help"),
    "bad prefix": (
        ["--prefix", "/", "{name}", "other"],
        "an event's prefix must not contain '/' or NUL: '/'",
    ),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage(run, event, words, message):
    """Wrong usage: exit status 2, one line that says what is wrong, and nothing is removed."""
    words = [word.replace("{name}", event.name) for word in words]
    assert run("evt_unlink", *words) == (2, "", f"evt_unlink: {message}\n")
    assert event.name in list_events()
