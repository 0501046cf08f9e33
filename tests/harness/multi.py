"""What is explored of wait_any and wait_all: who takes part in the model (multi.pml), in words.

    any AB timed, wait A | pulse A, set B | STOPS=1

are two waiters, the first with a time-out; two others, of which the first carries out two
operations, one after the other; and a macro of the model.
"""

from dataclasses import dataclass, replace
from pathlib import Path

MODEL = Path(__file__).with_name("multi.pml")
_EVENTS = "ABC"
_OPERATIONS = {"set": 4, "clear": 8, "post": 12, "trywait": 16, "visit": 20, "change": 24}
_BITS = 5  # an operation


@dataclass(frozen=True)
class Several:
    """Who takes part, as explore.Configuration, and what happens to them."""

    name: str
    scene: str
    sleeping: str = "futex_waitv"
    cycles: bool = False
    model = MODEL

    def slept(self, sleeping):
        """The same, all waiters sleeping like that."""
        return replace(self, sleeping=sleeping)

    def modes(self, mixed=False):
        """How its waiters can sleep: on older kernels nobody waits for any of several."""
        several = [events for kind, events, *_ in self._waiters() if kind == "any" and events[1:]]
        return ("futex_waitv",) if several else ("futex_waitv", "futex_wait")

    def _parts(self):
        waiters, actors, *macros = (part.strip() for part in self.scene.split("|"))
        return waiters, actors, macros[0].split() if macros else []

    def _waiters(self):
        return [waiter.split() for waiter in self._parts()[0].split(",")]

    def _actors(self):
        return [actor.split() for actor in self._parts()[1].split(",") if actor]

    def macros(self):
        """The model's macros by name."""
        waiters, actors = self._waiters(), self._actors()
        text = self._parts()[1]
        macros = {
            "EVENTS": 3 if "C" in self.scene.partition("|")[0] else 2,
            "WAITERS": len(waiters),
            "ACTORS": len(actors),
            "POSTS": int("post" in text),
            "TAKES": int("trywait" in text),
            "CONTROL": int("change" in text),
            "OLDER": int(self.sleeping == "futex_wait"),
        }
        for n, (kind, events, *timed) in enumerate(waiters):
            macros[f"EVENTS_OF_{n}"] = sum(1 << _EVENTS.index(event) for event in events)
            macros[f"ALL_{n}"] = int(kind == "all")
            macros[f"TIMED_{n}"] = len(timed)
        for n, words in enumerate(actors):
            macros[f"PROGRAM_{n}"] = _program(words)
        for name, _, value in (word.partition("=") for word in self._parts()[2]):
            macros[name] = value
        return {name: str(value) for name, value in macros.items()}

    def names(self):
        """What everybody is called in a story."""
        return [" ".join(words) for words in [*self._waiters(), *self._actors()]]


def _program(words):
    """ "set A clear B change" as the model's number."""
    program = shift = 0
    words = iter(words)
    for word in words:
        operation = _OPERATIONS[word]
        if word != "change":
            operation += _EVENTS.index(next(words))
        program |= operation << shift
        shift += _BITS
    return program


PROMISES = [
    Several("any, time-out", "any AB timed | set A clear A, set B"),
    Several("any, stops", "any AB | set A clear A, set B clear B | STOPS=1"),
    Several("any, posts", "any AB, any A | post A, set B"),
    Several("any, posts, kills", "any AB, any A | post A | KILLS=1"),
    Several("any, foreign", "any AB | post A trywait A, set B, visit A"),
    Several("any, three events", "any ABC | set A clear A, set C"),
    Several("any, a control word", "any AB | change, set A clear A"),
    Several("all, pulses", "all AB | set A clear A, set B clear B"),
    Several("all, time-out", "all AB timed | set A clear A, set B"),
    Several("all, stops", "all AB | set A set B clear B | STOPS=1"),
    Several("all, kills", "all AB, any A | post A | KILLS=1"),
    Several("all, three events", "all ABC | set A set B set C clear C"),
    Several("all, foreign", "all AB | post A trywait A, set B, visit B"),
    Several("any, no polling", "any AB | set A clear A, visit B", cycles=True),
    Several("all, no polling", "all AB | set A clear A, visit B", cycles=True),
]

PROMISES_LARGE = [
    Several("any, signals", "any AB | set A clear A, set B clear B | SIGNALS=1"),
    Several("all, signals", "all AB | set A clear A, set B clear B | SIGNALS=1"),
    Several("any, three waiters", "any AB, any A, any B | post A, post B"),
    Several("any, posts, pulses", "any AB, any A | post A clear A, set B clear B"),
    Several("any, posts, kills", "any AB, any A | post A, set B | KILLS=1"),
    Several("any, everybody", "any AB timed, any A | post A, set B clear B, set A"),
    Several("any, stop, signal", "any AB timed | set A clear A, set B clear B | STOPS=1 SIGNALS=1"),
    Several("any and all", "any AB, all AB | set A, set B clear B"),
    Several("any and all, posts", "any AB, all AB | post A, post B"),
    Several("all, posts", "all AB, any A | post A, set B"),
    Several("all, posts, kills", "all AB, any A | post A, set B | KILLS=1"),
    Several("all, stop, signal", "all AB timed | set A clear A, set B clear B | STOPS=1 SIGNALS=1"),
    Several("all, many", "all AB | set A clear A set A clear A, set B clear B set B clear B"),
    Several("all, three events, two at work", "all ABC | set A set B clear B, set C clear C"),
    Several("all, pulses of three", "all ABC | set A clear A, set B clear B, set C clear C"),
]

#: What is not promised, by the sentence that says so.
GAPS = {
    "on one word, the last but one is not noticed": Several(
        "older kernel", "all AB | set A set B clear B | STRICT_OLDER", "futex_wait"
    ),
}

MUTANTS = {
    "ANY_PASSES_NOTHING_ON": Several("a post for two", "any AB, any A | post A"),
    "ANY_PASSES_ON_WHAT_IS_TOLD": Several("posts of both", "any AB, any A | post A, post B"),
    "ANY_LOOKS_AGAIN": Several("a pulse", "any AB | set A clear A"),
    "ANY_NO_RELOAD": Several("a post, a time-out", "any AB timed, any A | post A"),
    "CONTROL_READ_LATE": Several("a change", "any AB | change"),
    "CONTROL_NOT_COMPARED": Several("a change", "any AB | change"),
    "ALL_ONE_PASS": Several("all, one after the other", "all AB | set A clear A set B"),
    "ALL_OUTER_PASSES": Several("a pulse first", "all AB | set A clear A set B"),
    "ALL_SLEEPS_ON_ONE": Several("the last one pulsed", "all AB | set A set B clear B"),
    "ALL_SLEEPS_AFTER_ONE_LOOK": Several("the last one pulsed", "all AB | set A set B clear B"),
    "ALL_SLEEPS_ON_CLEAR_ONLY": Several("set again", "all AB | set A clear A set A set B clear B"),
    "ALL_LOOKS_AGAIN": Several("the last one pulsed", "all AB | set A set B clear B"),
    "ALL_PASSES_NOTHING_ON": Several("a post", "all AB, any A | post A"),
}
