"""What whole programs cost: the commands, the import, and what people write in their place.

Programs are started by floor.c (`floor run`), a small process: what Linux reports as a program's
peak memory is never less than that of who started it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from systemevent import SystemEvent, unlink

from . import progress
from .child import memory_of
from .contenders import QUICK, no_compiler, unused_name
from .servers import Server, no_server
from .teams import Workshop

SCRIPTS = Path(sysconfig.get_path("scripts"))
TMUX = "tmux wait-for"
ROUNDS = {"quick": 10, "default": 60, "full": 200}
CROWD = 100
DEADLINE = 20.0


class Programs:
    """{title: its words}, and what has to be run before each, unmeasured."""

    def __init__(
        self, name: str, folder: Path, skipped: dict[str, str], tmux: list[str], url: str
    ) -> None:
        there = folder / f"{name}there"
        there.touch()
        self.words = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "evt_set NAME": [str(SCRIPTS / "evt_set"), name],
            "evt_clear NAME": [str(SCRIPTS / "evt_clear"), name],
            "evt_wait NAME (set)": [str(SCRIPTS / "evt_wait"), name],
            # -I: what is installed (with its bytecode), not the sources in this folder.
            "import systemevent": [sys.executable, "-I", "-c", "import systemevent"],
            "shell loop (file is there)": polling_loop(there),
        }
        self.before: dict[str, Callable[[], object]] = {
            "evt_wait NAME (set)": SystemEvent(name).set
        }
        for title, words in list(self.words.items()):
            if not os.access(words[0], os.X_OK):
                skipped[title] = f"{words[0]} is not installed"
                del self.words[title]
        if url:
            on_redis = ["/usr/bin/env", f"SYSTEMEVENT_URL={url}", str(SCRIPTS / "evt_set"), name]
            self.words["import redis"] = [sys.executable, "-I", "-c", "import redis"]
            self.words["evt_set NAME, on Redis"] = on_redis
        if tmux:
            # In this order: a signal is kept for the next who waits.
            self.words["tmux wait-for -S NAME"] = [*tmux, "wait-for", "-S", "once"]
            self.words["tmux wait-for NAME (set)"] = [*tmux, "wait-for", "once"]


def polling_loop(path: Path) -> list[str]:
    """What people write in shell scripts."""
    return ["/bin/sh", "-c", f"until [ -e '{path}' ]; do sleep 0.1; done"]


def measure(size: str, workshop: Workshop, skipped: dict[str, str]) -> dict[str, Any]:
    """{title: {"seconds": [...], "peak_kib": [...]}}."""
    if not workshop.program:
        skipped["whole commands"] = no_compiler()
        return {}
    progress.part("whole commands")
    name = unused_name()
    results: dict[str, dict[str, list[float]]] = {}
    with (
        tmux_server(workshop.folder, skipped) as tmux,
        _redis_server(size, workshop.folder, skipped) as url,
        _removed(name),
    ):
        programs = Programs(name, workshop.folder, skipped, tmux, url)
        results = {title: {"seconds": [], "peak_kib": []} for title in programs.words}
        rounds = ROUNDS[size]
        for number in range(-2, rounds):
            progress.step(max(0, number), rounds)
            for title, words in programs.words.items():
                programs.before.get(title, lambda: None)()
                seconds, peak = run(words, workshop)
                if number >= 0:
                    results[title]["seconds"].append(seconds)
                    results[title]["peak_kib"].append(peak)
    return results


def measure_crowds(workshop: Workshop, skipped: dict[str, str]) -> dict[str, float]:
    """Numbers, with their unit at the end of their name."""
    name = unused_name()
    with tmux_server(workshop.folder, skipped) as tmux, _removed(name):
        return _crowds(name, workshop.folder, tmux, skipped)


def run(words: Sequence[str], workshop: Workshop) -> tuple[float, int]:
    """Seconds from starting a program to its end, and its peak memory in KiB. It must succeed."""
    done = subprocess.run(
        [workshop.program, "run", *words], stdout=subprocess.PIPE, text=True, check=True
    )
    nanoseconds, peak, status = map(int, done.stdout.split()[-3:])
    if status:
        raise RuntimeError(f"{words} ended with status {status}")
    return nanoseconds / 1e9, peak


@contextlib.contextmanager
def _redis_server(size: str, folder: Path, skipped: dict[str, str]) -> Iterator[str]:
    """Its URL, or nothing."""
    if reason := QUICK if size == "quick" else no_server():
        skipped["evt_set NAME, on Redis"] = reason
        yield ""
        return
    server = Server.shared("commands", folder)
    try:
        yield server.url
    finally:
        server.release()


@contextlib.contextmanager
def _removed(name: str) -> Iterator[None]:
    SystemEvent(name).close()
    try:
        yield
    finally:
        unlink(name)


@contextlib.contextmanager
def tmux_server(folder: Path, skipped: dict[str, str]) -> Iterator[list[str]]:
    """A tmux server of our own: how to call it; nothing if that cannot be."""
    program = shutil.which("tmux")
    if not program:
        skipped[TMUX] = "tmux is not installed"
        yield []
        return
    socket = str(folder / unused_name())  # an old one may take a moment to end
    tmux = [program, "-S", socket, "-f", "/dev/null"]
    start = [*tmux, "new-session", "-d", "-x", "80", "-y", "24", "sleep 86400"]
    done = subprocess.run(start, capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            skipped[TMUX] = f"tmux: {done.stderr.strip()}"
        yield [] if done.returncode else tmux
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)


def _crowds(name: str, folder: Path, tmux: list[str], skipped: dict[str, str]) -> dict[str, float]:
    """CROWD programs that wait at once: their memory in all, and the time to release them all."""
    event = SystemEvent(name)
    event.clear()
    there = folder / f"{name}later"
    crowds: dict[str, tuple[list[str], Callable[[], object]]] = {
        "evt_wait": ([str(SCRIPTS / "evt_wait"), name], event.set),
        "shell_loop": (polling_loop(there), there.touch),
    }
    if tmux:
        signal = [*tmux, "wait-for", "-S", "crowd"]
        crowds["tmux"] = ([*tmux, "wait-for", "crowd"], lambda: subprocess.run(signal, check=True))
    results: dict[str, float] = {"programs": CROWD}
    for title, (words, release) in crowds.items():
        progress.part(f"{CROWD} times {title} at once")
        try:
            numbers = _crowd(words, release)
            results |= {f"{title}_{key}": value for key, value in numbers.items()}
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            skipped[f"{CROWD} times {title} at once"] = str(error)
    event.close()
    return results


def _crowd(words: list[str], release: Callable[[], object]) -> dict[str, float]:
    waiting: list[subprocess.Popen[bytes]] = []
    try:
        start = time.monotonic()
        for _ in range(CROWD):
            waiting.append(subprocess.Popen(words))
        for each in waiting:
            while not _settled(each.pid) and time.monotonic() < start + DEADLINE:
                time.sleep(0.005)
        started = time.monotonic() - start
        time.sleep(0.3)
        memory = memory_of([pid for each in waiting for pid in (each.pid, *_children(each.pid))])
        start = time.monotonic()
        release()
        for each in waiting:
            if each.wait(DEADLINE):
                raise RuntimeError(f"{words} ended with status {each.returncode}")
        released = time.monotonic() - start
    finally:
        for each in waiting:
            each.kill()
            each.wait()
    return {"start_s": started, "memory_kib": memory, "release_s": released}


def _children(pid: int) -> list[int]:
    """A shell's `sleep`."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _settled(pid: int) -> bool:
    """Is it blocked in a system call in which programs wait (futex, poll, epoll, wait4)?"""
    words = Path(f"/proc/{pid}/syscall").read_text().split()
    return words[0] in {"202", "449", "98", "232", "281", "22", "7", "271", "73", "61", "260"}
