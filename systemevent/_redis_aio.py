"""RedisEvent.wait_async: the steps of _redis_waits.py, done in asyncio, by few connections.

Each wait has a generator of its own. What all waits of an event loop on one server share is how
their steps are done (_Shared):

- *Looks* are asked in batches: all that have been wanted since the last one was sent are the next
  one, on one connection. So a look is never older than who wants it.
- *Blocks* for the same event and the same id are one XREAD on a connection of its own. Who joins
  one that was sent before his own look does not believe its news: these may be older than the look
  (the event was set, and its key deleted, before the look). He looks again.

Connections are the loop's, and exist only while somebody waits: the last wait closes them. None of
this refers to the loop from outside, so a loop that is dropped with all its waits is collected.
"""

from asyncio import CancelledError, get_running_loop, sleep, wait
from contextvars import Context
from math import inf
from weakref import WeakValueDictionary

from redis import exceptions

from ._aio import copied
from ._redis_aio_connections import Connections
from ._redis_aio_limit import Limit
from ._redis_entries import block_on, entry_of, look_at
from ._redis_errors import bare, builtin
from ._redis_waits import HEARTBEAT, Any, Block, Look, Outage, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task
    from collections.abc import Callable, Coroutine, Generator
    from typing import TypeAlias

    from ._redis import RedisEvent
    from ._redis_server import Server
    from ._redis_waits import Step

    #: An XREAD: its key, and the id that it waits behind.
    Place: TypeAlias = "tuple[bytes, tuple[int, int]]"
    Waiter: TypeAlias = "Future[object]"


class _Blocked:
    """An XREAD that is under way, and who waits for its end."""

    def __init__(self) -> None:
        #: How many batches of looks were answered when it was sent.
        self.number = 0
        #: With the numbers of their looks.
        self.waiters: dict[Waiter, int] = {}
        self.task: Task[object] | None = None


class _Shared:
    """What the waits of a loop on one server share; on a cluster, those for one slot."""

    def __init__(self, loop: "AbstractEventLoop", server: "Server", slot: int | None) -> None:
        self.place = id(loop), server.url, slot  # as long as it is known, the loop is there
        self._loop = loop
        self._answer = server.answer
        self._waits = 0
        self._tasks: set[Task[object]] = set()
        self._connections = Connections(server, slot)
        #: Who wants to look, by key: in the next batch, and in the one that is asked.
        self._wanted: dict[bytes, list[Waiter]] = {}
        self._asked: dict[bytes, list[Waiter]] = {}
        self._is_asking = False
        self._answered = 0  # batches
        #: Seconds that the next batch may take: what the most patient look allows.
        self._patience = 0.0
        self._blocked: dict[Place, _Blocked] = {}

    def begin(self) -> None:
        """A wait begins."""
        self._waits += 1

    async def end(self) -> None:
        """A wait ends; what the last one has used is closed."""
        self._waits -= 1
        if self._waits:
            return
        _known.pop(self.place, None)
        try:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await wait(self._tasks)
        finally:
            await self._connections.close()

    async def look(self, key: bytes, seconds: float | None) -> "tuple[object, int]":
        """The answer to the step, or an exception; and the number of the batch."""
        self._patience = max(self._patience, self._answer if seconds is None else seconds)
        batches = 2 if self._is_asking else 1  # the one that is asked, and the next one
        if seconds is not None and seconds >= batches * self._answer:
            seconds = None  # they are limited to that
        waiter = self._loop.create_future()
        self._wanted.setdefault(key, []).append(waiter)
        if not self._is_asking:
            self._ask_next()
        outcome = await _outcome(waiter, seconds, _NO_ANSWER)
        if not isinstance(outcome, tuple):
            return outcome, 0
        answer, number = outcome
        try:
            return [entry_of(answer)], number
        except exceptions.RedisError as error:
            return error, number

    async def until_newer(self, key: bytes, step: Block, number: int) -> object:
        """The answer to the step, of who has looked in the batch of that number; an exception."""
        place = key, step.ids[0]
        blocked = self._blocked.get(place)
        if blocked is None:
            blocked = self._blocked[place] = _Blocked()
            blocked.task = self._start(
                lambda: self._block(place, blocked),
                lambda outcome: self._unblock(place, blocked, outcome),
            )
        waiter = self._loop.create_future()
        blocked.waiters[waiter] = number
        try:
            if step.grace == 0:
                return await _outcome(waiter, step.seconds, [])
            seconds = None if step.grace == inf else step.seconds + step.grace
            return await _outcome(waiter, seconds, _NO_ANSWER)
        finally:
            blocked.waiters.pop(waiter, None)
            if not blocked.waiters and self._blocked.get(place) is blocked:
                del self._blocked[place]
                if blocked.task and not self._loop.is_closed():
                    blocked.task.cancel()

    # ---- tasks ---------------------------------------------------------------------------------

    def _start(
        self,
        work: "Callable[[], Coroutine[object, object, object]]",
        then: "Callable[[object], None]",
    ) -> "Task[object]":
        """then(what has come of the work: a result or an exception)."""

        def end(task: "Task[object]") -> None:
            self._tasks.discard(task)
            # Before it has begun; or what the loop has raised already, such as SystemExit.
            gone = task.cancelled() or task.exception()
            then(_CANCELLED if gone else task.result())

        context = Context()  # not with the variables of the task that happens to be the first
        task = context.run(self._loop.create_task, _done(work))
        self._tasks.add(task)
        task.add_done_callback(end, context=context)
        return task

    def _ask_next(self) -> None:
        self._is_asking = True
        self._start(self._ask, self._tell)

    async def _ask(self) -> "list[object]":
        self._asked, self._wanted = self._wanted, {}
        seconds, self._patience = min(self._patience, self._answer), 0.0
        answers = await self._connections.ask([look_at(key) for key in self._asked], seconds)
        self._answered += 1
        return answers

    def _tell(self, outcome: object) -> None:
        """A batch is answered."""
        answers = outcome if isinstance(outcome, list) else [outcome] * len(self._asked)
        for waiters, answer in zip(self._asked.values(), answers, strict=True):
            told = answer if isinstance(answer, BaseException) else (answer, self._answered)
            for waiter in waiters:
                _finish(waiter, told)
        self._asked = {}
        self._is_asking = False
        if self._wanted and self._waits:
            self._ask_next()

    async def _block(self, place: "Place", blocked: _Blocked) -> object:
        key, identity = place
        blocked.number = self._answered
        command = block_on([key], Block([identity], HEARTBEAT, inf))
        answer = await self._connections.block(command, HEARTBEAT)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _unblock(self, place: "Place", blocked: _Blocked, outcome: object) -> None:
        """An XREAD is answered."""
        if self._blocked.get(place) is blocked:  # not one that came after all had left this one
            del self._blocked[place]
        for waiter, number in blocked.waiters.items():
            if isinstance(outcome, BaseException):
                _finish(waiter, outcome)
            else:
                news = [0] if blocked.number >= number else None
                _finish(waiter, news if outcome else [])


async def _done(work: "Callable[[], Coroutine[object, object, object]]") -> object:
    """Its result, or its exception: a task that raised one would keep it, and all its frames."""
    try:
        return await work()
    except CancelledError:  # by whom cancels all there are
        return _CANCELLED
    except Exception as error:
        return bare(error, None)


# ---- waits -------------------------------------------------------------------------------------

_NO_ANSWER = exceptions.TimeoutError("no answer")
_CANCELLED = exceptions.ConnectionError("cancelled")


def _finish(waiter: "Waiter", outcome: object) -> None:
    if not waiter.done():
        waiter.set_result(outcome)


async def _outcome(waiter: "Waiter", seconds: float | None, otherwise: object) -> object:
    """What the waiter is told within so many seconds. Exceptions are told as results: one that
    10,000 raise would collect the tracebacks of all of them."""
    limit = None
    if seconds is not None:
        is_exact = otherwise is not _NO_ANSWER
        limit = Limit(seconds, _finish, waiter, otherwise, is_exact=is_exact)
    try:
        return await waiter
    finally:
        if limit:
            limit.cancel()


_known: "WeakValueDictionary[tuple[int, str, int | None], _Shared]" = WeakValueDictionary()


def _shared(event: "RedisEvent", server: "Server") -> _Shared:
    loop = get_running_loop()
    shared = _known.get((id(loop), server.url, event._slot))
    if shared is None:
        shared = _Shared(loop, server, event._slot)
        _known[shared.place] = shared
    return shared


async def wait_for(event: "RedisEvent", timeout: float | None) -> bool:
    """RedisEvent.wait_async."""
    server = event._checked()
    seen = Any(1)
    shared = _shared(event, server)
    shared.begin()
    try:
        what = f"cannot wait for event {event.name!r} on {server.shown}"
        await _drive(waiting(seen, timeout, server.grace), shared, event._key, what)
    except GeneratorExit:  # the loop is gone, with all that is shared
        raise
    except BaseException:
        await shared.end()
        raise
    await shared.end()
    return seen.happened


async def _drive(
    steps: "Generator[Step, object, None]", shared: _Shared, key: bytes, what: str
) -> None:
    """Do what the steps say, until they end."""
    number = 0
    outcome: object
    error: Exception | None
    try:
        step = next(steps)
        while True:
            outcome = None
            if isinstance(step, Look):
                outcome, number = await shared.look(key, step.seconds)
            elif isinstance(step, Block):
                outcome = await shared.until_newer(key, step, number)
            else:
                await sleep(step.seconds)
            if isinstance(outcome, exceptions.RedisError):
                error = builtin(outcome, what)
                error.__cause__ = outcome
                if not isinstance(error, (ConnectionError, TimeoutError)):
                    raise error
                step = steps.throw(Outage(error))
            elif isinstance(outcome, Exception):
                raise copied(outcome)
            else:
                step = steps.send(outcome)
    except StopIteration:
        pass
    finally:
        error = outcome = None  # or what is raised and this frame would keep each other
