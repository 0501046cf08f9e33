"""A simulated event loop; and the package's code on the simulated machine."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import systemevent

from .scheduler import Simulated
from .simulation import (
    ANY_MAX,
    Control,
    Lock,
    Machine,
    Thread,
    Watch,
    deadline_of,
    monotonic_ns,
    wait_since,
)


class Loop(asyncio.AbstractEventLoop):
    """The part of an event loop that tasks, futures and _aio need; in one simulated thread."""

    running: "Loop"

    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._sleeper: Simulated | None = None
        self.errors: list[dict[str, Any]] = []
        Machine.now.loops.append(self)

    def run(self, main: Callable[[], Any]) -> None:
        """Run the coroutine function, and go on until nobody wants anything of the loop."""
        Loop.running = self
        asyncio.Task(main(), loop=self)
        while True:
            now = self.time()
            due = [timer for timer in self._timers if timer.when() <= now]
            self._timers = [timer for timer in self._timers if timer.when() > now]
            self._ready.extend(due)
            if self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
            else:
                self._sleeper = Machine.now.scheduler.current
                Machine.now.scheduler.block()

    def wake(self) -> None:
        if self._sleeper:
            self._sleeper.is_blocked = False
            self._sleeper = None

    def time(self) -> float:
        return Machine.now.clock / 1e9

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def call_soon(
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        Machine.now.step("call into the loop")
        handle = self.call_soon(callback, *args, context=context)
        self.wake()
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(self.time() + delay, callback, args, self, context)
        self._timers.append(timer)
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass


def load(name: str, *replaced: tuple[str, str]) -> Any:
    """A copy of systemevent/<name>.py that runs on the newest Machine, with texts replaced."""
    path = Path(systemevent.__file__).parent / f"{name}.py"
    source = path.read_text(encoding="utf-8")
    for old, new in replaced:
        assert source.count(old) == 1, f"{old!r} is {source.count(old)} times in {name}.py"
        source = source.replace(old, new)
    module = ModuleType(f"systemevent.{name}")
    module.__package__ = "systemevent"
    exec(compile(source, str(path), "exec"), module.__dict__)
    for substitute in (Control, Lock, Thread, Watch, deadline_of, monotonic_ns, wait_since):
        if substitute.__name__ in module.__dict__:
            module.__dict__[substitute.__name__] = substitute
    module.__dict__["ANY_MAX"] = ANY_MAX
    if "get_running_loop" in module.__dict__:
        module.__dict__["get_running_loop"] = lambda: Loop.running
    return module
