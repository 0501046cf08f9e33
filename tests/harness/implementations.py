"""Events under stress: what is under test, and who uses it.

An implementation makes an event before its workers start, and says in which seats they sit: all in
one process, one in each, a few in each; in Python, in C, as commands; in either sleeping mode. The
mixed ones have all of that around one event: each kind may be right among its own, and still count
generations in another way than its neighbour.
"""

import contextlib
import itertools
import random
import threading

from redis_server import PATIENT, VOLATILE, Server, no_server

from systemevent import SystemEvent, unlink
from systemevent import _word as word

from .awaited import AwaitedEvent
from .commands import CommandEvent, CommandsOfSeveral
from .implementation import BOTH, Implementation, cut, is_loner, new_name, parts
from .programs import player
from .roles import waits_for
from .scenarios import is_foreign
from .seats import CLOSER, Commander, Forked, Program, Served, Spawned
from .several import AmongMany, Meeting, Several

MODES = ("futex_waitv", "futex_wait")
#: How many of a hundred commands are killed, where kills belong to the run.
MORTALITY = 10


class Threading(Implementation):
    """threading.Event: the original, which tests the tester."""

    threads = None
    several = BOTH

    def make(self):
        return threading.Event()

    def make_several(self, count):
        return Meeting(count)


class Named(Implementation):
    """Events with names, in processes that inherited them."""

    kind = SystemEvent
    #: wait_any and wait_all, if they are not those of SystemEvent.
    waits = {}  # never changed

    def __init__(self, count=0):
        super().__init__(count)
        self.names = []

    def make(self):
        self.names.append(new_name())
        return self.kind(self.names[-1])

    def make_several(self, count):
        return Several([self.make() for _ in range(count)], **self.waits)

    def close(self):
        if self.event:
            self.event.close()
        for name in self.names:
            with contextlib.suppress(FileNotFoundError):
                unlink(name)


class Processes(Named):
    """SystemEvent in processes of one thread."""

    survives_kills = True
    mode = MODES[0]
    several = BOTH

    def seat(self, task):
        if is_foreign(task.roles[0]):
            return self.program(task)
        return self.python(Forked, task)

    def python(self, kind, task, mode=None):
        """A Python process, started in one way or another."""
        return kind(task._replace(event=self.event, mode=mode or self.mode))

    def program(self, task, mode=None, mutant=None):
        """A C program."""
        names = self.names[: self.count or 1]
        where = player(mutant), ",".join(f"/SystemEvent.{name}" for name in names)
        return Program(task._replace(event=where, mode=mode or self.mode))


class SharedObjects(Processes):
    """SystemEvent in processes whose threads share an object."""

    threads = 3


class Crowded(Processes):
    """SystemEvents in processes, among 70 others whenever somebody waits for several of them."""

    has_one = False
    _others = ()

    def make_several(self, count):
        several = super().make_several(count)
        self._others = [self.make() for _ in range(140)]
        clear, always_set = self._others[:70], self._others[70:]
        for each in always_set:
            each.set()
        among = AmongMany(clear, always_set)
        several.wait_any, several.wait_all = among.wait_any, among.wait_all
        return several

    def close(self):
        super().close()
        for each in self._others:
            each.close()


class Awaited(Processes):
    """SystemEvent in processes that await it, two threads with a loop each."""

    kind = AwaitedEvent
    threads = 2
    several = None


class Remote(Processes):
    """SystemEvent on a Redis server of its own, in processes whose threads share an object."""

    threads = 2
    has_foreigners = False
    slowness = 4  # a call is a question to a server, which has to be run, too
    server = None

    def make(self):
        if self.server is None:
            self.server = Server(*VOLATILE, "--maxclients", "20000", patience=PATIENT)
            self.server.__enter__()
        return SystemEvent(new_name(), url=self.server.url)

    def close(self):
        if self.event:
            self.event.close()
        if self.server:
            self.server.__exit__()


class ManyThreads(Processes):
    """SystemEvent in processes of 200 threads that share an object."""

    threads = 200


class Programs(Processes):
    """C programs that include systemevent.h, of one or two threads."""

    def seats(self, task, has_kills=False):
        return [self.seat(part) for part in parts(task, itertools.cycle((1, 2)))]

    def seat(self, task):
        if CLOSER in task.roles:
            return super().seat(task)
        return self.program(task)


class Commands(Processes):
    """evt_set, evt_clear and evt_wait."""

    slowness = 20  # a call is a process: an interpreter has to start, and to end

    def seats(self, task, has_kills=False):
        self._mortality = MORTALITY if has_kills else 0
        return super().seats(task)

    def seat(self, task):
        if is_loner(task.roles[0]):
            return super().seat(task)
        return self.commander(task, self.mode)

    def commander(self, task, mode):
        """A process that uses the commands."""
        seed = f"{task.seed}.{task.numbers.start}"
        events = [CommandEvent(name, mode, self._mortality, seed) for name in self.names]
        event = CommandsOfSeveral(events) if self.count else events[0]
        return Commander(task._replace(event=event))


class Mixed(Commands):
    """All of them at once around one event, in both sleeping modes."""

    sees_all_pulses = False
    #: How many workers share a process.
    _SIZES = {
        "forked": 1,
        "threads": 2,
        "spawned": 1,
        "served": 1,
        "C": 1,
        "C threads": 2,
        "command": 1,
    }

    def seats(self, task, has_kills=False):
        self._mortality = MORTALITY if has_kills else 0
        source = random.Random(f"{task.seed}.mix")
        modes = MODES if word.sleeps_on_both_halves() else MODES[1:]
        kinds = itertools.cycle(source.sample(list(self._SIZES), len(self._SIZES)))
        seats = []
        while task.numbers:
            kind = next(kinds)
            part, task = cut(task, self._SIZES[kind])
            if is_loner(part.roles[0]):
                seats.append(Processes.seat(self, part))
            else:
                seats.append(self._seat_of(kind, part, source.choice(modes)))
        return seats

    def _seat_of(self, kind, task, mode):
        if "any" in waits_for(task.roles):
            mode = MODES[0]
        if kind.startswith("C"):
            return self.program(task, mode)
        if kind == "command":
            return self.commander(task, mode)
        return self.python({"spawned": Spawned, "served": Served}.get(kind, Forked), task, mode)


def _in(mode_, kind):
    """An implementation in a sleeping mode."""
    about = {"mode": mode_, "sees_all_pulses": mode_ == MODES[0], "__doc__": kind.__doc__}
    if kind.several and mode_ != MODES[0]:
        about["several"] = BOTH - {"any"}
    return type(kind.__name__, (kind,), about)


_KINDS = {
    "processes": Processes,
    "shared": SharedObjects,
    "threads": ManyThreads,
    "programs": Programs,
    "commands": Commands,
    "crowded": Crowded,
}
IMPLEMENTATIONS = {
    "threading": Threading,
    **{f"{name}/{mode}": _in(mode, kind) for name, kind in _KINDS.items() for mode in MODES},
    f"awaited/{MODES[0]}": _in(MODES[0], Awaited),
    "mixed": Mixed,
    "remote": Remote,
}


def available():
    """The names of those that this kernel can run, and for which there is a server."""
    newer = word.sleeps_on_both_halves()
    names = [name for name in IMPLEMENTATIONS if newer or not name.endswith(MODES[0])]
    return [name for name in names if name != "remote" or not no_server()]
