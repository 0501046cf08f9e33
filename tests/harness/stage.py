"""Where a scene is played: an implementation, its events, the actors; and what a script can say.

"Asleep" always means that the kernel says so, and "nobody is woken any more" that nobody runs: no
deadline decides what is right.
"""

import collections
import contextlib
import signal
import time

from processes import until

from .actors import Actor
from .compiled import Memory

#: The event at the beginning of each scene: clear, and at the last generation before the wrap.
CLEAR = 0xFFFF << 48


class Wrong(AssertionError):
    """The event did what no event may do."""


#: A script: did the victim know then which events were set (it slept, say)? These, and those that
#: were set after each word, as bits.
Play = collections.namedtuple("Play", "victim_knows states ended")


class Stage:
    """An implementation, its two events, and the actors: Other, A and B."""

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
        self.memory.word = self.memory.second.word = CLEAR
        self.left = self.words()
        self.victim, self.plays = None, []
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
        A.end: until A has answered. victim.SIGNAL: the sleeping victim gets that signal. With a 2
        behind it (set2, A.wait2): of the second event.
        """
        states = [self.are_set()]
        knows = self.victim is not None and self.victim.knows
        for word in script.split():
            who, _, what = word.rpartition(".")
            if who == "victim":
                self.victim.signal(signal.Signals[what])
            elif not who:
                self.ask(*("wait", 0.0) if what == "poll" else (what,))
            elif what in ("wait", "wait2", "timed"):
                timeout = 0.03 if what == "timed" else None
                self.actors[who].begin("wait" if timeout else what, timeout)
                self.actors[who].settle()
            elif what == "end":
                until(self.actors[who].has_answered, f"actor {who} answers")
            elif self.actors[who].pending:
                getattr(self.actors[who], what)()
            states.append(self.are_set())
        self.plays.append(Play(knows, states, time.monotonic_ns()))
        self.left = self.words()

    def words(self):
        """The words of the two events."""
        return self.memory.word, self.memory.second.word

    def are_set(self):
        """Which of the two events are set, as bits."""
        first, second = (word & 0xFFFFFFFF != 0 for word in self.words())
        return first | second << 1

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
            if actor.kind == "wait_all":
                if self.are_set() == 3:
                    raise Wrong(f"{actor.name} sleeps although both events are set")
                if self.misses_a_set_of_the_last():
                    raise Wrong(f"{actor.name} sleeps on although the last has been set")
                continue
            events = {"wait": 1, "wait2": 2, "wait_any": 3}[actor.kind]
            if self.are_set() & events:
                raise Wrong(f"{actor.name} sleeps although the event is set")
            sets = {"set"} if events == 1 else {"set2"} if events == 2 else {"set", "set2"}
            for done in self.history():
                if done.kind in sets and done.invoked > actor.waits_since:
                    raise Wrong(f"{actor.name} waited, was not released by a set, and sleeps on")

    def misses_a_set_of_the_last(self, deadline=None):
        """Was one event set while the other was, from before, as the victim knew, until now?"""
        for i, play in enumerate(self.plays):
            stays = play.states[0]
            later = [state for one in self.plays[i:] for state in one.states]
            if (
                play.victim_knows
                and (deadline is None or play.ended < deadline)
                and stays in (1, 2)
                and 3 in play.states
                and all(state & stays for state in later)
            ):
                return True
        return False

    def history(self):
        """All completed operations of the actors."""
        return [done for actor in self.actors.values() for done in actor.done]

    def dismiss(self):
        """Have everybody end their wait."""
        for actor in self.waiters:
            actor.return_to_wait()
        self.play("set set2 A.end B.end")

    def others_work(self):
        """Set, clear, wait and is_set do for others what they should."""
        self.play("clear clear2")
        self.dismiss()
        self.play("clear2")
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
        self.play("clear2 set2")
        if (self.ask("is_set2"), self.ask("wait2", 0.0)) != (True, True):
            raise Wrong("the second event does not work any more")


@contextlib.contextmanager
def stage(implement, older_kernel):
    """A stage for what implement(memory, older_kernel) makes; older_kernel: how waiters sleep."""
    with contextlib.ExitStack() as stack:
        yield Stage(stack, implement, older_kernel)
