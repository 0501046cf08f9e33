"""A function in a forked process of its own, which is gone at the end: what it allocates, and the
modes that it sets, are nobody else's."""

import ctypes
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any


class Child:
    """``with Child(function) as child: child.result()``; the result is anything JSON can carry."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends it
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
                try:
                    outcome = [True, function()]
                except Exception as error:
                    outcome = [False, f"{type(error).__name__}: {error}"]
                with open(writer, "w") as pipe:
                    json.dump(outcome, pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(writer)

    def result(self) -> Any:
        """What the function returned. Raises RuntimeError for what went wrong in it."""
        with open(self._reader, closefd=False) as pipe:
            text = pipe.read()
        well, what = json.loads(text) if text else (False, "it died")
        if not well:
            raise RuntimeError(what)
        return what

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._reader)


def memory_of(pids: list[int]) -> int:
    """KiB of memory that these processes take in all: what several share is counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended: a shell's `sleep`
        total += sum(int(each.split()[1]) for each in text.splitlines() if each[:4] == "Pss:")
    return total
