"""A model of a Redis server and of one waiter, for tests/test_redis_protocol.py.

A schedule is a string of one-letter actions, of the world and of the waiter:

    s S  set() event 0, 1          c C  clear() or unlink() event 0, 1
    x X  event 0, 1 was unlinked long ago, and its key is deleted
    l    the server loses its last change: it comes back as it was before
    n    it loses the last two at once
    b    what it has lost comes back, if nothing has changed since, and the waiter has seen it
         before (else nobody can tell that it is old)
    t    the deadline passes
    a    the waiter's step is answered          o    it ends in an outage
    r    its look is read by the server, and the answer is on its way

The model knows what was true at every instant, and checks what the waiter does against it.
"""

import itertools
import types
from pathlib import Path

from systemevent import _redis_waits

LETTERS = "sScCxX"
SOURCE = Path(_redis_waits.__file__).read_text()


class Violation(Exception):
    """The waiter has said what is not true, or waits for what has happened."""


def protocol(*replaced):
    """The module of the protocol, another copy each time; with pairs of texts replaced in it."""
    source = SOURCE
    for old, new in replaced:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    module = types.ModuleType("protocol")
    module.__package__ = "systemevent"
    exec(compile(source, "protocol", "exec"), module.__dict__)
    module.uniform = lambda low, high: high
    return module


class Interval:
    """What has happened since a look."""

    def __init__(self, states):
        #: By set() calls that nothing has undone but clear().
        self.were_set = list(states)
        self.were_all_set = all(states)
        self.changed = set()

    def change(self, changed, action, states):
        """Take note of a change of events."""
        self.changed |= changed
        if action in "xlnb":  # what is deleted, or was lost, leaves no trace
            self.were_all_set = False
            for i in changed:
                self.were_set[i] = False
        elif action == "s":
            for i in changed:
                self.were_set[i] = True
            self.were_all_set |= all(states)


class Model:
    """A server with `count` events, some actions old, and a waiter who begins.

    deletes: unlink() is not a clear(), but deletes the key at once (x).
    """

    def __init__(self, module, kind, count, timeout, before, deletes=False):
        self._module = module
        self._kind = kind
        self._deletes = deletes
        self._ids = itertools.count(1)
        self._entries = [module.NEVER] * count
        self._history = []
        self._lost = None
        #: The greatest ids that the waiter has seen.
        self._newest = [identity for identity, _ in self._entries]
        self.now = 0
        for action in before:
            self._change(action)
        states = self._states()
        self._ever_set = states
        self._ever_all_set = all(states)
        #: Since the last look that was answered, and since one whose answer is on its way.
        self._interval = self._next = None
        #: Of which the waiter has been told.
        self._heard = set()
        self.is_over = False
        #: What came of the wait.
        self.outcome = None
        module.monotonic_ns = lambda: self.now
        module.deadline_of = lambda timeout: timeout and self.now + int(timeout * 1e9)
        self._timeout = timeout and int(timeout * 1e9)
        self._deadline = self._timeout
        self._is_counting = False
        self._seen = module.Any(count) if kind == "any" else module.All()
        self._steps = module.waiting(self._seen, timeout)
        self._begin_step(next(self._steps))

    def _states(self):
        return [is_set for _, is_set in self._entries]

    # ---- the world ---------------------------------------------------------------------------

    def do(self, action):
        """Do it; False if nothing comes of it, so that the schedule need not be looked at."""
        if action == "t":
            is_ahead = self._deadline is not None and self.now < self._deadline
            self.now = self._deadline if is_ahead else self.now
            return is_ahead
        if action in "aor":
            return self._do_step(action)
        before = list(self._entries)
        self._lose_or_change(action)
        pairs = enumerate(zip(self._entries, before, strict=True))
        changed = {i for i, (now, then) in pairs if now != then}
        if not changed:
            return False
        noted = "c" if self._deletes and action in "xX" else action.lower()
        states = self._states()
        self._ever_set = [ever or now for ever, now in zip(self._ever_set, states, strict=True)]
        self._ever_all_set |= all(states)
        for interval in (self._interval, self._next):
            if interval:
                interval.change(changed, noted, states)
        self._wake()
        return True

    def _lose_or_change(self, action):
        if action in "ln":
            self._lost = self._lost or (self._entries, list(self._history))
            for _ in range("ln".index(action) + 1):
                self._entries = self._history.pop() if self._history else self._entries
        elif action != "b":
            self._lost = None
            self._change(action)
        elif self._lost:
            entries, history = self._lost
            both = zip(entries, self._newest, strict=True)
            if all(identity <= newest for (identity, _), newest in both):
                self._entries, self._history, self._lost = list(entries), history, None

    def _change(self, action):
        i, what = LETTERS.index(action) % 2, action.lower()
        entry = self._entries[i]
        _, is_set = entry
        if what == "x":
            if self._deletes:
                entry = self._module.NEVER
            elif not is_set:
                self._history.clear()  # a server does not lose that much
                self._entries[i] = self._module.NEVER
                return
        elif is_set != (what == "s"):
            entry = (next(self._ids), 0), what == "s"
        if entry != self._entries[i]:
            self._history.append(list(self._entries))
            self._entries[i] = entry

    # ---- the waiter's step -------------------------------------------------------------------

    def _begin_step(self, step):
        self._step = step
        self._answer = None
        self._next = None
        self._wake()

    def _wake(self):
        """A server answers an XREAD at the instant of the change."""
        if isinstance(self._step, self._module.Block) and self._answer is None:
            both = zip(self._entries, self._step.ids, strict=True)
            self._answer = [i for i, (entry, last) in enumerate(both) if entry[0] > last] or None

    def _read(self):
        """A server reads the entries at this instant."""
        self._answer = list(self._entries)
        self._read_at = self.now
        states = self._states()
        self._owed = self._owed_now(states)
        self._next = Interval(states)

    def _owed_now(self, states):
        """Of which events must this look tell? If all are waited for: must it end the wait?"""
        since = self._interval
        if self._kind == "all":
            pulse = since and since.were_all_set and len(since.changed) == 1
            return all(states) or bool(pulse)
        were_set = since.were_set if since else states
        both = enumerate(zip(states, were_set, strict=True))
        return {i for i, each in both if any(each)} | self._heard

    def _do_step(self, action):
        step = self._step
        if action == "r":
            if not isinstance(step, self._module.Look) or self._answer is not None:
                return False
            self._read()
        elif isinstance(step, self._module.Pause):
            if action == "o":
                return False
            self.now += int(step.seconds * 1e9)
            self._go_on(None)
        elif action == "o":
            self._next = None
            self._go_on(None, ConnectionError("away"))
        elif isinstance(step, self._module.Look):
            if self._answer is None:
                self._read()
            self._interval = self._next
            ids = [identity for identity, _ in self._answer]
            self._newest = list(map(max, self._newest, ids))
            self._begin_to_count()
            self._go_on(self._answer, must_end=bool(self._owed))
        elif self._answer is None:
            self.now += int(step.seconds * 1e9)
            self._go_on([])
        else:
            # What is newer than an older state may be what was lost, and has come back.
            news = {i for i in self._answer if step.ids[i] == self._newest[i]}
            self._heard |= news
            is_one = self._kind == "any" and len(self._entries) == 1
            self._go_on(self._answer, must_end=is_one and bool(news))
        return True

    def _begin_to_count(self):
        """False means that the event was clear for all of the timeout: behind the first answer."""
        if self._timeout and not self._is_counting:
            self._is_counting = True
            self._deadline = self.now + self._timeout

    def _go_on(self, answer, error=None, must_end=False):
        try:
            self._begin_step(
                self._steps.throw(self._module.Outage(error)) if error else self._steps.send(answer)
            )
        except StopIteration:
            self.is_over, self.outcome = True, self._seen.result()
            self._check(self.outcome, must_end)
        except ConnectionError:
            self.is_over, self.outcome = True, ConnectionError
            if self._deadline is None or self.now < self._deadline:
                raise Violation("raises before the deadline") from None
            if self._kind == "any" and self._heard:
                raise Violation("raises, and knows what has happened") from None
        else:
            if must_end:
                raise Violation("waits for what has happened")

    def _check(self, result, must_end):
        if self._kind == "any":
            told = {i for i, each in enumerate(result) if each}
            if not all(self._ever_set[i] for i in told):
                raise Violation("True of an event that was not set")
            if must_end and isinstance(self._step, self._module.Look) and not self._owed <= told:
                raise Violation("does not tell of all that were set")
        elif result and not self._ever_all_set:
            raise Violation("True of events that were not set at once")
        if result is True or result is not False and any(result):
            return
        if must_end:
            raise Violation("False of what has happened")
        if self._deadline is None or self._read_at < self._deadline:
            raise Violation("False before the deadline")
