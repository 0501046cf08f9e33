"""Kill, or pause, at every machine instruction of set, clear, wait and is_set.

A scene is a small play around one operation of one process, the victim: what was before, what
others do when the victim has fallen asleep, what it returns. A sweep plays a scene once for each
instruction of the victim, and there

- *kills* it: afterwards the word must be as before or as after the operation, nobody may sleep
  while the event is set, and set, clear and wait must work for others; or
- *pauses* it, lets others carry out whole operations, and lets it go on: afterwards nobody may have
  slept through a set, and the recorded history must be legal.

Others are long-lived processes, the actors. "Asleep" always means that the kernel says so, and
"nobody is woken any more" that nobody runs: no deadline decides what is right.

The counterexamples that it exists for are the mutants at the end. A pulse is lost, for example, if
the generation is not counted, and set and clear of another process fall between two certain
instructions of a waiter; they are there for two nanoseconds in a wait of a second.
"""

import collections
import contextlib
import ctypes
import dataclasses
import itertools
import mmap
import os
import select
import signal
import struct
import subprocess
import time
from pathlib import Path

from .history import Operation
from .tracing import ASLEEP, RETURNED, STEPPED, code_of, traced

try:
    from processes import is_asleep, receive, until, until_stopped, worker
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..processes import is_asleep, receive, until, until_stopped, worker

Call = collections.namedtuple("Call", "who kind timeout invoked returned result")

#: The event at the beginning of each scene: clear, and at the last generation before the wrap.
CLEAR = 0xFFFF << 48
_ONE_GENERATION = 1 << 49
_SIZE = 4096
_ENDLESS_LOOP = 5000
#: Seconds of a wait that times out: long enough to be seen asleep, in one of a few attempts.
_SHORT = 0.005
_ATTEMPTS = 100


class Wrong(AssertionError):
    """The event did what no event may do."""


# ---- implementations: what is swept --------------------------------------------------------------


class Memory:
    """An event without a name: the 32 bytes that processes forked from here share."""

    def __init__(self):
        self.descriptor = os.memfd_create("event")
        os.ftruncate(self.descriptor, _SIZE)
        self._map = mmap.mmap(self.descriptor, _SIZE)
        self._word = ctypes.c_uint64.from_buffer(self._map)
        self.address = ctypes.addressof(self._word)

    @property
    def word(self):
        """The word. Set it only while nobody runs."""
        return self._word.value

    @word.setter
    def word(self, value):
        self._word.value = value

    def close(self):
        """Give it back."""
        del self._word
        self._map.close()
        os.close(self.descriptor)


class Probe:
    """The functions of systemevent.h, or one of the mutants, compiled from probe.c."""

    code = None

    def __init__(self, memory, older_kernel, folder, mutant=None):
        path = Path(folder) / f"probe-{mutant}.so"
        if not path.exists():
            flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
            if os.uname().machine == "aarch64":
                flags += ["-march=armv8.1-a"]  # compare-and-swap in one instruction
            if mutant:
                flags.append(f"-DMUTANT_{mutant}")
            source = Path(__file__).with_name("probe.c")
            compiler = os.environ.get("CC", "cc")
            subprocess.run([compiler, *flags, source, "-o", path, "-pthread"], check=True)
        self._library = ctypes.CDLL(str(path), use_errno=True)
        self._library.probe_sleep_on_value_only(older_kernel)
        self._pointer = ctypes.c_void_p(memory.address)
        self._event = ctypes.byref(self._pointer)
        assert self._library.probe_create(self._pointer) == 0

    def function(self, kind):
        return getattr(self._library, f"probe_{kind}")

    def entry(self, kind):
        """The address of the operation's first instruction."""
        return ctypes.cast(self.function(kind), ctypes.c_void_p).value

    def bound(self, kind, timeout=None):
        """The operation with its arguments, ready to be called."""
        arguments = [self._event]
        if kind == "wait":
            deadline = None
            if timeout is not None:
                when = time.monotonic_ns() + int(timeout * 1e9)
                deadline = (ctypes.c_long * 2)(*divmod(when, 10**9))
            arguments.append(deadline)
        function = self.function(kind)
        return lambda: function(*arguments)

    def call(self, kind, timeout=None):
        """Carry out the operation; return what it returns, True or False for wait and is_set."""
        result = self.bound(kind, timeout)()
        if result < 0:
            raise OSError(ctypes.get_errno(), f"{kind}: {os.strerror(ctypes.get_errno())}")
        return bool(result)

    def handlers(self):
        """Install the victim's signal handlers."""
        assert self._library.probe_handlers(self._event) == 0

    def away_on_signal(self, entered, leave):
        """Install the actors' signal handler."""
        assert self._library.probe_away_on_signal(entered, leave) == 0

    @staticmethod
    def outcome(register):
        """What the victim returned, from the register."""
        return bool(register & 0xFFFFFFFF)


class Library(Probe):
    """The methods of the installed extension type. The interpreter's own code does not count."""

    def __init__(self, memory, older_kernel, folder):
        from systemevent import _word

        super().__init__(memory, older_kernel, folder)
        _word.sleep_on_value_only(older_kernel)
        self._word = _word.Word(os.dup(memory.descriptor))
        for kind in ("clear", "is_set", "set", "wait", "clear"):
            self.call(kind)  # so that all symbols are bound
        self.code = code_of("/_word.", "/libc.so")

    def entry(self, kind):
        function = ctypes.pythonapi.PyCFunction_GetFunction
        function.argtypes, function.restype = [ctypes.py_object], ctypes.c_void_p
        return function(getattr(self._word, kind))

    def bound(self, kind, timeout=None):
        if kind == "post":
            return super().bound(kind)
        method = getattr(self._word, kind)
        return (lambda: method(timeout)) if kind == "wait" else method

    def call(self, kind, timeout=None):
        return bool(self.bound(kind, timeout)())

    def handlers(self):
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.signal(signal.SIGUSR2, lambda *_: (self._word.set(), self._word.clear()))

    @staticmethod
    def outcome(register):
        return register == id(True)


# ---- actors: everybody but the victim ------------------------------------------------------------


class Actor:
    """A process that carries out one operation after the other, and says when and with what result.

    SIGUSR1 takes it away into a signal handler until back() is called.
    """

    _ask, _tell = struct.Struct("8sd"), struct.Struct("qq?")

    def __init__(self, name, implementation, stack):
        self.name = name
        self._pipes = [os.pipe() for _ in range(4)]
        for descriptor in itertools.chain(*self._pipes):
            stack.callback(os.close, descriptor)
        (orders, self._orders), (self._answers, answers) = self._pipes[:2]
        (self._entered, entered), (leave, self._leave) = self._pipes[2:]
        self.pid = stack.enter_context(
            worker(self._play, implementation, orders, answers, entered, leave)
        ).pid
        self.reset()

    def reset(self):
        """Forget what was played."""
        self.pending = None
        self.waits_since = None
        self.is_away = self.is_stopped = False
        self.done = []

    def _play(self, implementation, orders, answers, entered, leave):
        implementation.away_on_signal(entered, leave)
        while True:
            kind, timeout = self._ask.unpack(os.read(orders, self._ask.size))
            kind, timeout = kind.rstrip(b"\0").decode(), None if timeout < 0 else timeout
            begin = time.monotonic_ns()
            result = implementation.call(kind, timeout)
            os.write(answers, self._tell.pack(begin, time.monotonic_ns(), result))

    def begin(self, kind, timeout=None):
        """Let it begin an operation."""
        assert self.pending is None
        self.pending = kind, timeout
        os.write(self._orders, self._ask.pack(kind.encode(), -1 if timeout is None else timeout))

    def has_answered(self):
        """Has it no operation left to complete?"""
        if self.pending and select.select([self._answers], [], [], 0)[0]:
            self.end()
        return self.pending is None

    def end(self):
        """Return the result of its operation."""
        begin, end, result = self._tell.unpack(receive(self._answers, self._tell.size))
        self.done.append(Call(self.name, *self.pending, begin, end, result))
        self.pending = self.waits_since = None
        return result

    def is_settled(self):
        """Has it answered, or does it sleep (or is it held)?"""
        if self.has_answered() or self.is_away or self.is_stopped:
            return True
        if not is_asleep(self.pid):
            return False
        if self.waits_since is None:
            self.waits_since = time.monotonic_ns()
        return True

    def settle(self):
        """Return when it has answered or sleeps."""
        until(self.is_settled, f"actor {self.name} answers or sleeps")

    def away(self):
        """Take it out of its operation into a signal handler."""
        os.kill(self.pid, signal.SIGUSR1)
        receive(self._entered, 1)
        self.is_away = True

    def back(self):
        """Let the handler return."""
        os.write(self._leave, b".")
        self.is_away = False
        self.settle()

    def stop(self):
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)
        until_stopped(self.pid)
        self.is_stopped = True

    def go_on(self):
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)
        self.is_stopped = False
        self.settle()

    def return_to_wait(self):
        """Be neither away nor stopped."""
        if self.is_away:
            self.back()
        if self.is_stopped:
            self.go_on()


class Stage:
    """An implementation, its event, and the actors: Other, A and B."""

    def __init__(self, stack, implement, older_kernel):
        self.memory = Memory()
        stack.callback(self.memory.close)
        self.older_kernel = older_kernel
        self.implementation = implement(self.memory, older_kernel)
        self.actors = {
            name: Actor(name, self.implementation, stack) for name in ("Other", "A", "B")
        }
        self.waiters = [self.actors["A"], self.actors["B"]]
        self.victim = None

    def reset(self):
        """Everything as at the beginning. Nobody may be in an operation."""
        self.memory.word = self.left = CLEAR
        for actor in self.actors.values():
            assert actor.pending is None
            actor.reset()

    def ask(self, kind, timeout=None):
        """Return the result of an operation of Other."""
        other = self.actors["Other"]
        other.begin(kind, timeout)
        return other.end()

    def play(self, script):
        """Carry out a script, word by word, each to its end.

        set, clear, is_set, poll (wait without sleeping), post: Other does it. A.wait, A.timed: A
        begins to wait, and is asleep or has answered. A.away, A.back, A.stop, A.go_on, as Actor.
        A.end: until A has answered. victim.SIGNAL: the sleeping victim gets that signal.
        """
        for word in script.split():
            who, _, what = word.rpartition(".")
            if who == "victim":
                self.victim.signal(signal.Signals[what])
            elif not who:
                self.ask(*("wait", 0.0) if what == "poll" else (what,))
            elif what in ("wait", "timed"):
                self.actors[who].begin("wait", 0.03 if what == "timed" else None)
                self.actors[who].settle()
            elif what == "end":
                until(self.actors[who].has_answered, f"actor {who} answers")
            elif self.actors[who].pending:
                getattr(self.actors[who], what)()
        self.left = self.memory.word

    def asleep(self):
        """The waiters that sleep when nobody runs any more."""

        def look():
            return [actor.is_settled() and actor.pending for actor in self.waiters]

        def quiet():
            before = look()
            return False not in before and before == look() and [before]

        (pending,) = until(quiet, "the actors answer or sleep")
        return [
            actor
            for actor, still in zip(self.waiters, pending, strict=True)
            if still and not actor.is_away and not actor.is_stopped
        ]

    def nobody_overslept(self, actors):
        """Nobody sleeps while the event is set, and nobody has slept through a whole set."""
        for actor in actors:
            if self.memory.word & 0xFFFFFFFF:
                raise Wrong(f"{actor.name} sleeps although the event is set")
            for done in self.history():
                if done.kind == "set" and done.invoked > actor.waits_since:
                    raise Wrong(f"{actor.name} waited, was not released by a set, and sleeps on")

    def history(self):
        """All completed operations of the actors."""
        return [done for actor in self.actors.values() for done in actor.done]

    def dismiss(self):
        """Have everybody end their wait."""
        for actor in self.waiters:
            actor.return_to_wait()
        self.play("set A.end B.end")

    def others_work(self):
        """Set, clear, wait and is_set do for others what they should."""
        self.play("clear")
        self.dismiss()
        for actor in self.actors.values():
            actor.reset()
        expected = {"clear": (False, False), "set": (True, True)}
        for kind, (is_set, waited) in expected.items():
            self.play("clear A.wait B.wait" if kind == "clear" else "set A.end B.end")
            if (self.ask("is_set"), self.ask("wait", 0.0)) != (is_set, waited):
                raise Wrong(f"is_set or wait is wrong after {kind}")
            if kind == "clear" and len(self.asleep()) != 2:
                raise Wrong("a wait of another process ended although the event is clear")
        if [actor.done[-1].result for actor in self.waiters] != [True, True]:
            raise Wrong("a wait of another process did not say True after set")
        self.play("clear")
        if self.ask("is_set"):
            raise Wrong("clear does not work any more")


@contextlib.contextmanager
def stage(implement, older_kernel):
    """A stage for what implement(memory, older_kernel) makes; older_kernel: how waiters sleep."""
    with contextlib.ExitStack() as stack:
        yield Stage(stack, implement, older_kernel)


# ---- scenes and the victim -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is played around one operation of the victim. Scripts are for Stage.play().

    before: before the victim begins. asleep: one script for each time that the victim has fallen
    asleep. paused: while it is paused. result: what it returns when nobody disturbs it.
    """

    operation: str
    before: str = ""
    asleep: tuple = ()
    paused: str = ""
    timeout: float | None = None
    result: bool = False

    def __str__(self):
        parts = [self.before and f"[{self.before}]", self.operation]
        if self.timeout is not None:
            parts.append(f"{self.timeout} s")
        parts += [f"asleep[{script}]" for script in self.asleep]
        parts.append(self.paused and f"paused[{self.paused}]")
        return " ".join(filter(None, parts))


class Victim:
    """The traced process of a scene, from one point to the next.

    A point is in front of an instruction, or in the sleep of a system call.
    """

    name = "victim"

    def __init__(self, process, scene, play):
        self.process = process
        self.pid = process.pid
        self._scene = scene
        self._scripts = list(scene.asleep)
        self._play = play
        self.state = STEPPED
        self.point = 0
        self.runs = False
        self.waits_since = None

    def signal(self, number):
        """Send it a signal."""
        os.kill(self.pid, number)

    def go_on(self):
        """Go on to the next point; False: there is none, it returned or sleeps without end."""
        if self.state == RETURNED:
            return False
        if self.state != ASLEEP:
            self.state = self.process.run() if self.runs else self.process.step()
        elif self._scripts:
            self._play(self._scripts.pop(0))
            self.state = self.process.settle()
        elif self._scene.timeout is not None:
            self.state = self.process.finish()
        else:
            return False
        # An instruction is a point, and a sleep one more; whether a sleep that ends by itself is
        # seen must not change the numbers of the others.
        self.point += self.state != ASLEEP
        if self.point > _ENDLESS_LOOP:
            raise Wrong(f"no end after {_ENDLESS_LOOP} instructions")
        return self.state != RETURNED

    def where(self):
        """The point: how many instructions are over, and whether it is asleep in the next one."""
        return self.point, self.state == ASLEEP

    def reach(self, where, trace, passed=lambda: None):
        """Go to this point of a scene that was traced, calling passed() at least once behind each
        load of the word; straight on to where an instruction is not met again before."""
        while self.where() != where:
            goal = trace.straight(self.point, where[0]) if self.state == STEPPED else None
            if goal is not None:
                self.process.run_to(trace.addresses[goal])
                self.point = goal
                more = True
            else:
                more = self.go_on()
            passed()
            if not more or self.point > where[0]:
                return False
        return True

    def leave_the_queue(self):
        """Be as stopped by SIGSTOP: out of the kernel's queue. The call will be restarted."""
        self.signal(signal.SIGSTOP)
        self.state = self.process.finish()


@contextlib.contextmanager
def playing(on, scene):
    """The victim of the scene, in front of its first instruction."""
    on.reset()
    on.play(scene.before)
    implementation = on.implementation

    def live():
        implementation.handlers()
        implementation.bound(scene.operation, scene.timeout)()

    with traced(live, implementation.code) as process:
        on.victim = Victim(process, scene, on.play)
        on.victim.invoked = time.monotonic_ns()
        process.enter(implementation.entry(scene.operation))
        yield on.victim


class Trace:
    """Which points an undisturbed victim of a scene comes by."""

    def __init__(self, on, scene):
        for _ in range(_ATTEMPTS):
            self._follow(on, scene)
            if scene.timeout is None or any(asleep for _, asleep in self.points):
                return
        raise Wrong(f"{scene}: never asleep")

    def _follow(self, on, scene):
        self.points = []
        self.addresses = []
        self._disturbed = set()
        with playing(on, scene) as victim, _context(scene, "not disturbed", victim):
            more = True
            while more:
                self.points.append(victim.where())
                if victim.state == STEPPED:
                    self.addresses.append(victim.process.pc())
                if victim.state != STEPPED or victim.process.is_disturbed:
                    self._disturbed.add(victim.point)
                more = victim.go_on()
            _undisturbed(on, scene, victim)
            victim.process.kill()
            _left(on, scene, excused=False)
            on.others_work()

    def straight(self, start, end):
        """The last point up to the end to which it can run at one go; None: step."""
        for goal in range(end, start + 1, -1):
            between = range(start, goal)
            if self._disturbed.isdisjoint(between) and all(
                self.addresses[goal] != self.addresses[point] for point in between
            ):
                return goal
        return None


def _every_point(on, scene, play, trace):
    """Play the scene once for each point; return how many there are."""
    for where in trace.points:
        for attempt in itertools.count():
            if play(where):
                break
            # A sleep that ended by itself before it was seen.
            if attempt > _ATTEMPTS or not (where[1] and scene.timeout is not None):
                raise Wrong(f"{scene}: point {where} is not met again")
    return len(trace.points)


# ---- the kill sweep ------------------------------------------------------------------------------


def kill_sweep(on, scene):
    """Kill the victim at every point of the scene; return how many there are. Raises Wrong."""
    trace = Trace(on, scene)

    def play(where):
        with playing(on, scene) as victim, _context(scene, "killed", victim):
            reached = victim.reach(where, trace)
            victim.process.kill()
            _left(on, scene, excused="post" in " ".join(scene.asleep))
            on.others_work()
        return reached

    return _every_point(on, scene, play, trace)


def _undisturbed(on, scene, victim):
    if victim.state != RETURNED:
        raise Wrong("the victim sleeps on")
    if on.implementation.outcome(victim.process.result()) != scene.result:
        raise Wrong(f"the victim did not return {scene.result}")


def _words(scene, word):
    """What the victim of a scene may make of this word."""
    cleared = ((word & ~0xFFFFFFFF) + _ONE_GENERATION) % 2**64
    is_set = word & 0xFFFFFFFF != 0
    if scene.operation == "clear":
        return {word, cleared if is_set else word}
    if "victim.SIGUSR2" in " ".join(scene.asleep):  # its handler pulses the event
        return {word, word | 1, cleared}
    return {word, word if is_set or scene.operation != "set" else word | 1}


def _left(on, scene, excused):
    """Judge what a victim has left that is dead.

    excused: it was to pass on a foreign post, after which others may sleep on (see README.md).
    """
    before, after = on.left, on.memory.word
    if after not in _words(scene, before):
        raise Wrong(f"the word was {before:#x} and is {after:#x}")
    asleep = [] if excused else on.asleep()
    on.nobody_overslept(asleep)
    if after != before and asleep:
        raise Wrong("the victim has set the event, and others sleep on")
    done = {(one.kind, one.result) for one in on.history()}
    if after == before and ("wait", True) in done and not {"set", "post"} & {k for k, _ in done}:
        raise Wrong("a wait said True although nobody has set the event")


@contextlib.contextmanager
def _context(scene, what, victim):
    """Say in a Wrong where it happened."""
    try:
        yield
    except AssertionError as error:
        where = f"{scene}: {what}, after {victim.point} instructions"
        raise Wrong(f"{where}: {error}") from error


# ---- the pause sweep -----------------------------------------------------------------------------


def pause_sweep(on, scene, judge):
    """Pause the victim at every point of the scene; return how many there are. Raises Wrong.

    judge(operations): of checker.py.
    """
    trace = Trace(on, scene)
    loads, sleeps = _loads_and_sleeps(on, scene)

    def play(where):
        with playing(on, scene) as victim, _context(scene, f"paused at {where}", victim):

            def note():
                _note(on, victim, loads)

            reached = victim.reach(where, trace, note)
            if reached:
                if victim.state == ASLEEP:
                    victim.leave_the_queue()
                on.play(scene.paused)
                if on.older_kernel and any(_last(loads, s) < where[0] <= s for s in sleeps):
                    # What these kernels cannot do: a pulse between the last look and the sleep, or
                    # in a stop of the sleeper, is missed.
                    victim.waits_since = time.monotonic_ns()
            victim.runs = True
            while victim.go_on():
                note()
            note()
            _judge(on, scene, victim, judge)
        return reached

    return _every_point(on, scene, play, trace)


def _last(points, before):
    return max((point for point in points if point < before), default=before)


def _note(on, victim, loads):
    """Note since when the victim waits; if it sleeps, is that right?"""
    asleep = victim.state == ASLEEP
    if victim.waits_since is None and (asleep or (loads and victim.point > loads[0])):
        victim.waits_since = time.monotonic_ns()
    if asleep:
        on.nobody_overslept([victim])


def _loads_and_sleeps(on, scene):
    """The points at which a waiting victim loads the word, and those at which it is asleep.

    A load is what leaves in a register the word as it was in front of that instruction: it is made
    another one each time, by the count of foreign waiters, that is the C library's business.
    """
    for _ in range(_ATTEMPTS):
        loads, sleeps = _load_and_sleep(on, scene)
        if scene.operation != "wait" or sleeps or not (scene.timeout and on.older_kernel):
            return loads, sleeps
    raise Wrong(f"{scene}: never asleep")


def _load_and_sleep(on, scene):
    loads, sleeps = [], []
    if scene.operation != "wait":
        return loads, sleeps
    with playing(on, scene) as victim:
        more = True
        while more and (on.older_kernel or not loads):
            if victim.state == STEPPED:
                on.memory.word = on.memory.word & ~(0xFFFF << 32) | (victim.point + 1) << 32
            word, point = on.memory.word, victim.point
            more = victim.go_on()
            if victim.state == ASLEEP:
                sleeps.append(victim.point)
            elif more and victim.process.holds(word):
                loads.append(point)
        victim.process.kill()
        on.play("clear")
        on.dismiss()
    return loads, sleeps


def _judge(on, scene, victim, judge):
    """The scene is over: judge it."""
    sleeping = [victim] if victim.state == ASLEEP else []
    on.nobody_overslept(on.asleep() + sleeping)
    for actor in on.waiters:
        actor.return_to_wait()
    for actor in on.asleep():  # whoever sleeps looks once more
        actor.away()
        actor.back()
    on.nobody_overslept(on.asleep() + sleeping)
    on.dismiss()
    if sleeping:
        victim.state = victim.process.finish()
        while victim.state != RETURNED and victim.go_on():
            pass
        if victim.state != RETURNED:
            raise Wrong("the victim sleeps although the event is set")
    result = on.implementation.outcome(victim.process.result())
    timeout = scene.timeout
    if timeout is not None:
        # The deadline is the caller's: it comes nearer before the wait begins. (If nobody saw it
        # begin, it was over when it did.)
        late = (victim.waits_since - victim.invoked) / 1e9 if victim.waits_since else timeout
        timeout = max(0.0, timeout - late)
    mine = victim.name, scene.operation, timeout, victim.invoked, time.monotonic_ns(), result
    calls = [*on.history(), Call(*mine)]
    verdict = judge([_operation(number, call) for number, call in enumerate(calls)]).kind
    if verdict != "legal":
        calls.sort(key=lambda call: call.invoked)
        raise Wrong(f"{verdict}: " + "; ".join(map(str, calls)))


def _operation(number, call):
    """The call as the checker knows it. A foreign post sets the event."""
    known = call.kind in ("is_set", "wait")
    return Operation(
        worker=["Other", "A", "B", "victim"].index(call.who),
        number=number,
        kind="set" if call.kind == "post" else call.kind,
        invoked=call.invoked,
        returned=call.returned,
        timeout=None if call.timeout is None else int(call.timeout * 1e9),
        result=call.result if known else None,
    )


# ---- the scenes ----------------------------------------------------------------------------------

_BOTH = "A.wait B.wait "

KILLED = [
    Scene("set", before="A.wait B.wait"),
    Scene("set", before="set"),
    Scene("clear", before="set"),
    Scene("clear"),
    Scene("is_set", before="set", result=True),
    Scene("is_set"),
    Scene("wait", before="set", result=True),
    Scene("wait", asleep=(_BOTH + "set",), result=True),
    Scene("wait", asleep=(_BOTH + "set clear",), result=True),
    Scene("wait", asleep=(_BOTH + "post",), result=True),
    Scene("wait", asleep=("victim.SIGUSR1", _BOTH + "set"), result=True),
    Scene("wait", asleep=(_BOTH + "victim.SIGUSR2",), result=True),
    Scene("wait", asleep=("victim.SIGSTOP", _BOTH + "set clear"), result=True),
    Scene("wait", timeout=_SHORT),
]

PAUSED = [
    *(
        Scene(
            operation,
            before=before,
            paused=paused,
            result=operation == "is_set" and before == "set",
        )
        for operation in ("set", "clear", "is_set")
        for before in ("", "set")
        for paused in ("set", "clear", "set clear", "clear set", "A.wait set clear", "is_set poll")
    ),
    Scene("set", paused="set clear A.wait"),
    Scene("set", before="A.wait B.wait", paused="A.away set clear"),
    Scene("clear", before="set", paused="clear A.wait"),
    Scene("clear", before="set", paused="clear A.wait A.away set"),
    Scene("clear", before="B.wait B.away set", paused="B.back"),
    Scene("wait", asleep=("set",), paused="set", result=True),
    Scene("wait", asleep=("set",), paused="clear", result=True),
    Scene("wait", asleep=("set",), paused="set clear", result=True),
    Scene("wait", asleep=("set",), paused="A.wait set clear B.wait", result=True),
    Scene("wait", asleep=("set clear",), paused="poll is_set", result=True),
    Scene("wait", asleep=("A.wait set",), paused="clear", result=True),
    Scene("wait", asleep=("A.wait post",), result=True),
    Scene("wait", asleep=("B.timed post",), paused="B.end", result=True),
    Scene("wait", asleep=("victim.SIGUSR1", "set"), paused="set clear", result=True),
    Scene("wait", timeout=_SHORT, paused="set"),
    Scene("wait", timeout=_SHORT, paused="set clear"),
]

#: Mutant: (its sweep, the scene that must give it away, whether also on older kernels).
MUTANTS = {
    "STORE_THEN_WAKE": ("kill", Scene("set", before="A.wait B.wait"), True),
    "WAKE_ONE": ("pause", Scene("wait", asleep=("A.wait set",), paused="clear", result=True), True),
    "GENERATION_BEFORE": ("pause", Scene("clear", before="set", paused="clear A.wait"), True),
    "GENERATION_AFTER": (
        "pause",
        Scene("clear", before="B.wait B.away set", paused="B.back"),
        True,
    ),
    "GENERATION_NOT_BUMPED": (
        "pause",
        Scene("wait", asleep=("set",), paused="set clear", result=True),
        True,
    ),
    "PLAIN_CLEAR": (
        "pause",
        Scene("clear", before="set", paused="clear A.wait A.away set"),
        True,
    ),
    "LOOKS_AGAIN": ("pause", Scene("wait", asleep=("set",), paused="clear", result=True), True),
    "NO_COMPARE": ("pause", Scene("wait", asleep=("set",), paused="set", result=True), True),
    "VALUE_ALONE": (
        "pause",
        Scene("wait", asleep=("set",), paused="set clear", result=True),
        False,
    ),
    "SEEN_NOT_FIRST": (
        "pause",
        Scene("wait", asleep=("set",), paused="set clear", result=True),
        True,
    ),
    "NO_RELOAD": (
        "pause",
        Scene("wait", asleep=("B.timed post",), paused="B.end", result=True),
        True,
    ),
    "NO_PASS_ON": ("pause", Scene("wait", asleep=("A.wait post",), result=True), True),
}
