"""``python -m systemevent``: look at this machine, and show the event at work on it.

Exit status 0 only if all of it worked.
"""

import argparse
import contextlib
import os
import platform
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import SystemEvent, __version__, unlink
from ._event import _redis, _url_or_default
from ._platform import objects, sleeps_on_both_halves

WAITERS = 3
#: Seconds after which the demonstration counts as failed.
DEADLINE = 30.0

_WAITER = """\
import sys, time
from systemevent import SystemEvent
event = SystemEvent(sys.argv[1], url="")
for line in sys.stdin:
    print("waiting", flush=True)
    happened = event.wait(float(line))
    print(time.monotonic_ns(), happened, flush=True)
"""


class Failure(Exception):
    """What did not work, in one sentence."""


class Unwritable(Exception):
    """Nobody can be told anything, for the reason in its cause."""


def write(line: str) -> None:
    """Print a line. Raises Unwritable."""
    try:
        print(line, flush=True)
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # for what is in the buffer still, at the exit
        os.close(nowhere)
        raise Unwritable from error


def say(label: str, text: str) -> None:
    """Print one line of the report."""
    write(f"  {label:<12} {text}")


# ---- the machine ---------------------------------------------------------------------------------


def look_at_machine() -> None:
    """Report what the event meets here; raise Failure if it cannot work."""
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    uname = os.uname()
    say("system", f"{uname.sysname} {uname.release} {uname.machine}, {libc}")
    say("Python", f"{platform.python_implementation()} {platform.python_version()}")
    if sleeps_on_both_halves():
        say("sleeping", "futex_waitv: no pulse is missed, also not by a process that is stopped")
    else:
        say("sleeping", "futex_wait (Linux before 5.16, or a sandbox): a pulse is missed by who")
        say("", "is not asleep during it (stopped: SIGSTOP, debugger, frozen container)")
    look_at_folder()
    say("RemoveIPC", remove_ipc())
    say("container", container())


def look_at_folder() -> None:
    """Report the folder of the object files; raise Failure if events cannot be made there."""
    folder = objects.FOLDER
    try:
        status = os.stat(folder)
    except OSError as error:
        raise Failure(f"{folder}: {error.strerror}; mount a tmpfs there") from None
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize / 2**20
    sticky = ", sticky" if status.st_mode & stat.S_ISVTX else ""
    mode = stat.S_IMODE(status.st_mode)
    say(
        "objects", f"{folder}/{objects.FILE_PREFIX}*: mode {mode:04o}{sticky}, {free:,.0f} MiB free"
    )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise Failure(f"{folder} is not readable and writable for uid {os.geteuid()}")


def remove_ipc() -> str:
    """Does systemd-logind delete a user's objects when the user logs out?"""
    if not Path("/run/systemd/seats").is_dir():
        return "no systemd-logind runs here: nothing deletes objects at logout"
    setting = "yes"  # systemd's default
    folders = [Path(f"{root}/systemd") for root in ("/usr/lib", "/run", "/etc")]
    files = [folder / "logind.conf" for folder in folders]
    dropins = {
        path.name: path for folder in folders for path in folder.glob("logind.conf.d/*.conf")
    }
    for path in [*files, *(dropins[name] for name in sorted(dropins))]:
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            key, equals, value = line.partition("=")
            if equals and key.strip() == "RemoveIPC":
                setting = value.strip()
    if setting.lower() in ("no", "false", "0", "off"):
        return "off: objects survive a logout"
    if os.geteuid() < 1000:
        return "on for normal users; objects of system users (like this one) survive a logout"
    return "on: systemd-logind deletes this user's events when the user logs out completely"


def container() -> str:
    """Is this a container, and with whom does it share events?"""
    kind = os.environ.get("container", "")  # noqa: SIM112 - systemd's and podman's spelling
    if not kind and Path("/run/systemd/container").exists():
        kind = Path("/run/systemd/container").read_text().strip()
    if not kind and Path("/run/.containerenv").exists():
        kind = "podman"
    if not kind and Path("/.dockerenv").exists():
        kind = "docker"
    if kind:
        return f"{kind}: it shares events with whom it shares {objects.FOLDER} (--ipc=...)"
    return "none found"


# ---- the event at work ---------------------------------------------------------------------------


@contextlib.contextmanager
def waiting_processes(name: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Some processes that know nothing of each other but the event's name."""
    started: list[subprocess.Popen[str]] = []
    isolated = ["-I"] if sys.flags.isolated else []
    try:
        for _ in range(WAITERS):
            started.append(
                subprocess.Popen(
                    [sys.executable, *isolated, "-c", _WAITER, name],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def until_asleep(process: subprocess.Popen[str]) -> None:
    """Return when the process sleeps in its wait()."""
    assert process.stdout
    if process.stdout.readline() != "waiting\n":
        raise Failure(f"waiting process {process.pid} could not start")
    end = time.monotonic() + DEADLINE
    while True:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        call = Path(f"/proc/{process.pid}/wchan").read_text()  # "0": hidden on this machine
        if state == "S" and ("futex" in call or call == "0"):
            return
        if time.monotonic() > end:
            raise Failure(f"process {process.pid} does not sleep in wait()")
        time.sleep(0.001)


def show(event: SystemEvent, processes: list[subprocess.Popen[str]], pulse: bool) -> None:
    """Let all processes wait, release them by one set(), report how long each took."""
    for process in processes:
        assert process.stdin
        process.stdin.write(f"{DEADLINE}\n")
        process.stdin.flush()
    for process in processes:
        until_asleep(process)
    start = time.monotonic_ns()
    event.set()
    if pulse:
        event.clear()
    times = []
    for process in processes:
        assert process.stdout
        returned, happened = process.stdout.readline().split()
        if happened != "True":
            raise Failure(f"process {process.pid} was not released within {DEADLINE} s")
        times.append((int(returned) - start) / 1000)
    what = "set()+clear()" if pulse else "set()"
    say(what, "released " + ", ".join(f"{time:.0f} µs" for time in sorted(times)) + " later")


def show_event_at_work() -> None:
    """Release waiting processes by a set() and by a pulse; raise Failure if that does not work."""
    name = f"demonstration.{os.getpid()}"
    with SystemEvent(name, mode=0o600, url="") as event:
        try:
            say("start", f"{WAITERS} other processes open SystemEvent({name!r}) and wait() for it")
            with waiting_processes(name) as processes:
                show(event, processes, pulse=False)
                if not event.is_set() or not event.wait(0):
                    raise Failure("the event did not stay set")
                say("is_set()", "True, until somebody calls clear()")
                event.clear()
                if event.is_set() or event.wait(0.001):
                    raise Failure("the event did not stay clear")
                say("clear()", "is_set() is False, wait(0.001) timed out")
                show(event, processes, pulse=True)
        finally:
            unlink(name, url="")
    say("unlink()", "nothing is left behind")


def main() -> None:
    """Do it all."""
    parser = argparse.ArgumentParser(
        prog="python -m systemevent",
        description="Look at this machine and show the event at work on it. "
        "The exit status is 0 only if all of it worked.",
    )
    parser.add_argument("--version", action="version", version=f"SystemEvent {__version__}")
    parser.parse_args()
    try:
        write(f"SystemEvent {__version__} on this machine")
        look_at_machine()
        write("The event at work")
        show_event_at_work()
        if url := _url_or_default(None):
            write("The server of SYSTEMEVENT_URL")
            say("server", _redis().about(url))
        write("All of it worked.")
    except (Failure, OSError, ValueError, ImportError) as error:
        sys.exit(f"systemevent: it does not work here: {error}")
    except Unwritable as error:
        reason = error.__cause__
        if not isinstance(reason, BrokenPipeError):  # as with `| head`: who closed it knows
            print(f"systemevent: cannot write to standard output: {reason}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit("systemevent: interrupted")


if __name__ == "__main__":
    main()
