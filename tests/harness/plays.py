"""Plays for the deterministic scheduler: waits in asyncio, and for many events.

The code in them is the package's own (_aio.py, _many.py), loaded by simulated_loop.load. A play
takes it and a scheduler, sets up its threads, and returns the check of the end.
"""

import asyncio

from .simulated_loop import Loop
from .simulation import ANY_MAX, Event, Machine, Watch


class Waits:
    """Waits of one loop, and what must be true of them in the end."""

    def __init__(self, module, scheduler):
        self.module = module
        self.machine = Machine(scheduler)
        self.loop = Loop()
        self.tasks = []
        self.scheduler = scheduler

    async def begin(self, event, timeout=None):
        """Begin a wait; return its task once it has looked at the event."""
        task = self.make(event, timeout)
        await asyncio.sleep(0)
        return task

    def make(self, event, timeout=None):
        """The task of a wait, which begins in the next turn of the loop."""

        async def wait():
            self.machine.step("begin a wait")  # others may do something before
            begin = self.machine.steps
            result = await self.module.wait(event, timeout)
            what = f"wait -> {result}, steps {begin} to {self.machine.steps}"
            assert not result or event.was_set(begin, self.machine.steps), what
            return result

        task = asyncio.Task(wait(), loop=self.loop)
        self.tasks.append(task)
        return task

    def start(self, *acts):
        """Another thread does these things, one after the other."""

        def run():
            for act in acts:
                act()

        self.scheduler.start("other", run)

    def run(self, main):
        """Run the coroutine function in the loop; return the check of the end."""
        self.scheduler.start("loop", lambda: self.loop.run(main))

        def check(left):
            assert [each.name for each in left] == ["loop"], "a thread is left, or one is missing"
            assert [task.done() for task in self.tasks] == [True] * len(self.tasks), "one sleeps on"
            for task in self.tasks:
                if not task.cancelled():
                    task.result()
            assert self.loop.errors == []

        return check


def pulse(event):
    """What a thread does for a pulse."""
    return event.set, event.clear


def one_pulse(module, scheduler):
    """A pulse releases two waits that have looked; a third, which begins later, may be too late."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        await waits.begin(event)
        waits.start(*pulse(event))
        await waits.begin(event)
        third = await waits.begin(event)
        waits.start(*pulse(event))
        await third

    return waits.run(main)


def same_turn(module, scheduler):
    """Two waits begin in one turn of the loop; a pulse comes before, between or behind them."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        waits.start(*pulse(event))
        first, second = waits.make(event), waits.make(event)
        await asyncio.sleep(0)
        waits.start(*pulse(event))
        await first
        await second

    return waits.run(main)


def two_events(module, scheduler):
    """A pulse of the event that was added later releases its wait, while the other goes on."""
    waits, first, second = Waits(module, scheduler), Event(), Event()

    async def main():
        await waits.begin(first)
        task = await waits.begin(second)
        waits.start(*pulse(second))
        await task
        waits.start(*pulse(first))

    return waits.run(main)


def later_event(module, scheduler):
    """A wait for another event begins while the thread sleeps, or reports, or is on its way."""
    waits, first, second = Waits(module, scheduler), Event(), Event()

    async def main():
        await waits.begin(first)
        waits.start(first.set)
        await waits.begin(second)
        waits.start(*pulse(second))

    return waits.run(main)


def again_and_again(module, scheduler):
    """Waits one after the other: the thread goes on, or ends and is started anew."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        for _ in range(2):
            task = await waits.begin(event)
            waits.start(event.set)
            assert await task
            event.clear()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    return waits.run(main)


def cancelled(module, scheduler):
    """A wait is cancelled while its event is set, and another one goes on."""
    waits, event, other = Waits(module, scheduler), Event(), Event()

    async def main():
        task = await waits.begin(event)
        await waits.begin(other)
        await asyncio.sleep(0)
        waits.start(*pulse(event), *pulse(other))
        await asyncio.sleep(0)
        task.cancel()

    return waits.run(main)


def all_cancelled(module, scheduler):
    """The last wait is cancelled, and nothing ever happens: no thread is left."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        task = await waits.begin(event)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()

    return waits.run(main)


def more_than_one_sleep(module, scheduler):
    """Events for two threads; then one is cancelled, and the rest has room in one."""
    waits = Waits(module, scheduler)
    events = [Event() for _ in range(ANY_MAX + 1)]

    async def main():
        tasks = [await waits.begin(event) for event in events]
        await asyncio.sleep(0)
        tasks[0].cancel()
        waits.start(*pulse(events[-1]))
        await asyncio.sleep(0)
        await tasks[-1]
        waits.start(*pulse(events[1]))

    return waits.run(main)


def timeout(module, scheduler):
    """A pulse before the time is over is not missed."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        task = await waits.begin(event, 1.0)
        begun = waits.machine.steps
        over = []
        waits.start(*pulse(event))
        waits.start(lambda: waits.machine.pass_time(0.9))
        waits.start(lambda: (waits.machine.pass_time(0.1), over.append(waits.machine.steps)))
        if not await task:
            assert waits.machine.clock >= 2_000_000_000, "it ended early"
            assert not event.was_set(begun, over[0])

    return waits.run(main)


def foreign(module, scheduler):
    """A foreign pulse releases no wait that began after it."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        first = await waits.begin(event)
        await asyncio.sleep(0)
        waits.start(event.foreign_pulse)
        await waits.begin(event)
        await asyncio.sleep(0)
        waits.start(*pulse(event))
        await first

    return waits.run(main)


def stays(module, scheduler):
    """Of two waits, one came too late for the first pulse, and must not miss the second."""
    waits, event = Waits(module, scheduler), Event()

    async def main():
        first = await waits.begin(event)
        waits.start(*pulse(event))
        await asyncio.sleep(0)
        await waits.begin(event)
        waits.start(*pulse(event))
        await first

    return waits.run(main)


def many(acts):
    """Wait for any of more events than one sleep holds; what another thread does to them, once the
    waiter has looked at all of them, ends it and leaves no thread."""

    def play(module, scheduler):
        machine = Machine(scheduler)
        events = [Event() for _ in range(ANY_MAX + 1)]
        steps = acts(events)
        results = []

        def watch(event):
            made = Watch(event)
            if event is events[-1] and len(scheduler.threads) == 1:
                scheduler.start("other", lambda: [step() for step in steps])
            return made

        module.Watch = watch

        def wait():
            begin = machine.steps
            found = module.wait_any_of_many(tuple(events), None)
            results.append(found)
            assert found, "it returned without an event"
            for event in events:
                was_set = event.was_set(begin, machine.steps)
                assert was_set or event not in found, "an event that was never set"
                stayed = event.is_set and event.rises[-1] <= begin
                assert event in found or not stayed, "an event that was set all the time is missing"

        scheduler.start("waiter", wait)

        def check(left):
            assert not left, f"left: {[each.name for each in left]}"
            assert results

        return check

    return play


#: The play and the most preemptions for a run of a few seconds.
ASYNCIO = {
    one_pulse: 1,
    same_turn: 2,
    two_events: 2,
    later_event: 2,
    again_and_again: 2,
    cancelled: 2,
    all_cancelled: 4,
    more_than_one_sleep: 1,
    timeout: 1,
    foreign: 2,
    stays: 2,
}
MANY = {
    "pulse in a thread's sleep": (many(lambda events: pulse(events[-1])), 3),
    "pulse in the caller's sleep": (many(lambda events: pulse(events[0])), 3),
    "set in both": (many(lambda events: (events[0].set, events[-1].set)), 3),
    "foreign pulse, then set": (many(lambda events: (events[-1].foreign_pulse, events[1].set)), 3),
}
