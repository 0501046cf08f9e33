"""The installed commands evt_set, evt_clear and evt_wait: what they do and return, wherever."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import DEADLINE, command, is_asleep, until, until_asleep, worker
from surroundings import STRANGER, USER, as_user, every_command, needs_root, path_of

from systemevent import SystemEvent, list_events

pytestmark = pytest.mark.one_mode


def test_exit_status(run, event):
    """0 when done, 1 when the time is over; and not a word."""
    assert run("evt_wait", event.name, "0") == (1, "", "")
    assert run("evt_set", event.name) == (0, "", "")
    assert event.is_set()
    assert run("evt_set", event.name) == (0, "", "")
    assert run("evt_wait", event.name, "0") == (0, "", "")
    assert run("evt_wait", event.name) == (0, "", "")
    assert run("evt_clear", event.name) == (0, "", "")
    assert not event.is_set()
    assert run("evt_wait", event.name, "0.01") == (1, "", "")


@pytest.mark.parametrize(
    ("words", "status"), [(["evt_set"], 0), (["evt_clear"], 0), (["evt_wait", "0"], 1)]
)
def test_creates(run, name, words, status):
    """Every command creates the event if there is none."""
    assert run(words[0], name, *words[1:]) == (status, "", "")
    assert name in list_events()


@every_command
def test_system_error(run, name, program):
    """What the system refuses: exit status 2, one line with event and reason, no traceback."""
    os.symlink("nowhere", path_of(name))
    assert run(program, name) == (
        2,
        "",
        f"{program}: [Errno 40] cannot open event {name!r}: its object file is a symbolic link, "
        f"which is not followed: {path_of(name)!r}\n",
    )


def run_as(uid, program, name, errors):
    """Run the command as another user (who may be unable to start an interpreter of root's)."""
    from systemevent import _commands

    os.dup2(os.open(errors, os.O_WRONLY), 2)
    sys.argv = [program, name]
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - it ends with the process
    as_user(uid, getattr(_commands, program))


@needs_root
@every_command
def test_no_permission(tmp_path, name, program):
    """Without permission: exit status 2, and one line with the event's owner and mode."""
    with worker(as_user, USER, SystemEvent, name, "SystemEvent.", 0o600) as owner:
        owner.reap()
    errors = tmp_path / "errors"
    errors.touch()
    with worker(run_as, STRANGER, program, name, errors) as stranger:
        assert stranger.reap() == 2
    assert errors.read_text() == (
        f"{program}: [Errno 13] cannot open event {name!r}: Permission denied "
        f"(it belongs to uid {USER} and has mode 600): {path_of(name)!r}\n"
    )


@every_command
def test_bare_surroundings(run, event, program, tmp_path):
    """The commands need no environment, and take nothing from the working directory."""
    for module in "systemevent", "os", "sys", "posix_ipc", "_commands", "errno":
        (tmp_path / f"{module}.py").write_text("raise SystemExit('taken from here')")
    event.set()
    assert run(program, event.name, env={}, cwd=tmp_path) == (0, "", "")


@every_command
@pytest.mark.parametrize(
    "setting",
    ["PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "PYTHONOPTIMIZE=2", "PYTHONWARNINGS=error"],
)
def test_settings_of_python(run, event, program, setting):
    """Settings for Python in the environment change nothing."""
    environment = dict([setting.split("=")])
    event.set()
    assert run(program, event.name, env=environment) == (0, "", "")
    assert run(program, "--help", env=environment)[1].startswith(f"Usage: {program} [options]")
    assert run(program, env=environment)[0] == 2


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams(scripts, event, closed):
    """With standard streams closed the exit status is right, also after an error."""
    lines = ["evt_wait $0 0", "evt_set $0", "evt_wait $0", "evt_set a/b", "evt_wait a/b", "evt_set"]
    script = "".join(f"{line} {closed}; echo $?\n" for line in lines)
    environment = {"PATH": f"{scripts}:{os.environ['PATH']}"}
    with command("sh", "-c", script, event.name, env=environment) as shell:
        output, _ = shell.communicate(timeout=DEADLINE)
    assert output.split() == ["1", "0", "0", "2", "2", "2"]


@every_command
@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("output", [">&-", ">/dev/full"])
def test_nowhere_to_write(scripts, program, option, output):
    """When what was asked for cannot be written, the exit status is 2, without a traceback."""
    with command("sh", "-c", f'"$0" {option} {output}', scripts / program) as shell:
        output, errors = shell.communicate(timeout=DEADLINE)
    assert (shell.returncode, output) == (2, "")
    assert errors.count("\n") <= 1
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_kill(scripts, event, number):
    """A waiting evt_wait dies silently of the signal that is sent to it."""

    def unignore():  # what the tests themselves may ignore, as background jobs of scripts do
        signal.signal(number, signal.SIG_DFL)

    with command(scripts / "evt_wait", event.name, preexec_fn=unignore) as process:
        until_asleep(process.pid)
        process.send_signal(number)
        assert process.communicate(timeout=DEADLINE) == ("", "")
        assert process.returncode == -number


def test_shell(scripts, run, event):
    """`evt_wait NAME 60 && echo go` goes when another process sets the event."""
    environment = {"PATH": f"{scripts}:{os.environ['PATH']}"}
    script = 'evt_wait "$0" 0 || echo late; evt_wait "$0" 60 && echo go; echo end'
    with command("sh", "-c", script, event.name, env=environment) as shell:
        children = Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        assert shell.stdout.readline() == "late\n"
        waiter = until(lambda: children.read_text(), "the shell starts evt_wait")
        until(lambda: is_asleep(int(waiter)), "evt_wait waits")
        assert run("evt_set", event.name) == (0, "", "")
        assert shell.communicate(timeout=DEADLINE) == ("go\nend\n", "")
