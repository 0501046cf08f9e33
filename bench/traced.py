"""What the kernel's scheduler does meanwhile, as `perf record` sees it."""

import contextlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_LINE = re.compile(r"(\d+)\.(\d{9}): +sched:(\w+): (.*)", re.ASCII)
#: Seconds until perf has begun.
_START = 5.0


class Trace:
    """Events of the scheduler, in a file; without perf there are none, and `trouble` says why."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "perf.data"
        self.trouble = ""

    @contextlib.contextmanager
    def recorded(self, *events: str) -> Iterator[None]:
        """Record events of this name (sched_wakeup, ...) meanwhile, if that is possible here."""
        self.trouble = ""
        self._data.unlink(missing_ok=True)
        if not shutil.which("perf"):
            self.trouble = "perf is not installed"
            yield
            return
        words = ["perf", "record", "-q", "-a", "-k", "CLOCK_MONOTONIC", "-o", str(self._data)]
        words += ["-e", ",".join(f"sched:{each}" for each in events)]
        log = self._data.with_suffix(".log")
        with log.open("wb") as output:
            perf = subprocess.Popen(words, stdout=output, stderr=output)
        try:
            end = time.monotonic() + _START
            while perf.poll() is None and time.monotonic() < end and not self._data.exists():
                time.sleep(0.01)
            time.sleep(0.3)
            yield
            time.sleep(0.05)
        finally:
            if perf.poll() is None:
                perf.send_signal(signal.SIGINT)
            if perf.wait() not in (0, -signal.SIGINT):
                said = log.read_text(errors="replace").split()
                self.trouble = " ".join(said)[:200] or "perf failed"

    def events(self) -> list[tuple[int, str, str]]:
        """(when, in nanoseconds of CLOCK_MONOTONIC; its name; its fields), in their order."""
        if self.trouble or not self._data.exists():
            return []
        words = ["perf", "script", "--ns", "-F", "trace:time,event,trace", "-i", str(self._data)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found = [
            (int(seconds) * 10**9 + int(nanoseconds), name, fields)
            for seconds, nanoseconds, name, fields in _LINE.findall(done.stdout)
        ]
        if not found:
            self.trouble = " ".join(done.stderr.split())[:200] or "perf saw nothing"
        return sorted(found)


def pid_in(fields: str, name: str = "pid") -> int:
    """The process id that an event's fields give that name, or -1."""
    found = re.search(rf"(?:^|\s){name}=(\d+)", fields)
    return int(found[1]) if found else -1
