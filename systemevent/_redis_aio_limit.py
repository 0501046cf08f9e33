"""A time limit in a loop that may be busy when it ends, for _redis_aio.py.

asyncio's own, which redis-py uses, end in the turn after a stall, in which what has come meanwhile
is read, but not yet handed on.
"""

from asyncio import get_running_loop

from ._redis_waits import GRACE, LATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Limit:
    """Calls `then` when the time is over, unless it is cancelled before.

    What has come while the loop was busy is read first: that takes as long again at most.
    """

    #: Has it called?
    is_over = False

    def __init__(
        self, seconds: float, then: "Callable[..., object]", *args: object, is_exact: bool = False
    ) -> None:
        """is_exact: a loop that is not busy calls at once; nothing is lost by it."""
        self._loop = get_running_loop()
        self._due = self._loop.time() + max(seconds, 0)
        self._then = then
        self._args = args
        self._is_exact = is_exact
        self._timer = self._loop.call_at(self._due, self._check)

    def _check(self) -> None:
        late = self._loop.time() - self._due
        if self._is_exact and late < LATE:
            self._call()
        else:
            self._timer = self._loop.call_later(min(max(late, LATE), GRACE), self._call)

    def _call(self) -> None:
        self.is_over = True
        self._then(*self._args)

    def cancel(self) -> None:
        """Do not call."""
        self._timer.cancel()
