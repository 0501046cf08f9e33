"""Scenes: small plays around one operation of one process, the victim; and the lists of them.

There are two events. An operation is of the first one, or, as "set2", of the second; wait_any and
wait_all are of both.

MUTANTS names for each deliberately wrong event of probe.c the scene that must give it away.
"""

import dataclasses

#: Seconds of a wait that times out; doubled by traces.py where it is over before it is seen asleep.
_SHORT = 0.005


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is played around one operation of the victim. Scripts are for Stage.play().

    before: before the victim begins. asleep: one script for each time that the victim has fallen
    asleep. paused: while it is paused. result: what it returns when nobody disturbs it; of
    wait_any: 1, 2, or 3 if both were set.
    """

    operation: str
    before: str = ""
    asleep: tuple = ()
    paused: str = ""
    timeout: float | None = None
    result: int = 0

    def is_possible(self, mode):
        """Can it be played in this sleeping mode?"""
        return mode == "futex_waitv" or self.operation != "wait_any"

    def __str__(self):
        parts = [self.before and f"[{self.before}]", self.operation]
        if self.timeout is not None:
            parts.append(f"{self.timeout} s")
        parts += [f"asleep[{script}]" for script in self.asleep]
        parts.append(self.paused and f"paused[{self.paused}]")
        return " ".join(filter(None, parts))


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

#: So many of the following lists, from their beginning, are swept by pytest; all by the long run.
BRIEF = 2

KILLED_SEVERAL = [
    Scene("wait_any", asleep=(_BOTH + "set2 clear2",), result=2),
    Scene("wait_all", before="set set2", result=1),
    Scene("wait_any", asleep=("A.wait B.wait2 post post2",), result=3),
    Scene("wait_all", before="set2", asleep=(_BOTH + "victim.SIGUSR2",), result=1),
    Scene("wait_any", before="set2", result=2),
    Scene("wait_any", asleep=(_BOTH + "set",), result=1),
    Scene("wait_any", asleep=("victim.SIGUSR1", "A.wait B.wait2 set2"), result=2),
    Scene("wait_any", asleep=(_BOTH + "victim.SIGUSR2",), result=1),
    Scene("wait_any", asleep=("victim.SIGSTOP", _BOTH + "set2 clear2"), result=2),
    Scene("wait_any", timeout=_SHORT),
    Scene("wait_all", before="set2", asleep=(_BOTH + "set",), result=1),
    Scene("wait_all", asleep=("set", "A.wait2 B.wait set2 clear2"), result=1),
    Scene("wait_all", before="set2", asleep=(_BOTH + "post",), result=1),
    Scene("wait_all", before="set2", asleep=("victim.SIGUSR1", _BOTH + "set"), result=1),
    Scene("wait_all", before="set2", timeout=_SHORT),
]

PAUSED_SEVERAL = [
    Scene("wait_any", asleep=("set clear",), paused="set2 clear2", result=1),
    Scene("wait_all", before="set set2", paused="clear clear2 set", result=1),
    Scene("wait_any", asleep=("A.wait post",), paused="B.wait2 set2 clear2", result=1),
    Scene("wait_all", before="set", asleep=("set2",), paused="set2 clear2", result=1),
    Scene("wait_any", asleep=("set2",), paused="set clear", result=2),
    Scene("wait_any", asleep=("set",), paused="A.wait2 set2 clear2 B.wait", result=1),
    Scene("wait_any", asleep=("A.wait B.wait2 post post2",), result=3),
    Scene("wait_any", asleep=("victim.SIGUSR1", "set2"), paused="set", result=2),
    Scene("wait_any", timeout=_SHORT, paused="set2"),
    Scene("wait_any", timeout=_SHORT, paused="set clear"),
    Scene("wait_all", before="set", asleep=("set2",), paused="clear set2", result=1),
    Scene("wait_all", before="set", asleep=("set2",), paused="clear set2 clear2 set", result=1),
    Scene("wait_all", before="set2", asleep=("set",), paused="clear2 set clear set2", result=1),
    Scene("wait_all", before="set2", asleep=("set",), paused="set clear", result=1),
    Scene("wait_all", asleep=("set", "set2 clear2"), paused="set2 clear2", result=1),
    Scene("wait_all", asleep=("set2 set",), paused="A.wait set clear", result=1),
    Scene("wait_all", before="set2", asleep=("A.wait post",), paused="clear2 set2", result=1),
    Scene("wait_all", before="set", timeout=_SHORT, paused="set2 clear2"),
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
    "ANY_NO_GENERATIONS": (
        "pause",
        Scene("wait_any", asleep=("set clear",), paused="set2 clear2", result=1),
        True,
    ),
    "ANY_NO_PASS_ON": ("pause", Scene("wait_any", asleep=("A.wait post",), result=1), True),
    "ALL_IN_ONE_PASS": (
        "pause",
        Scene("wait_all", before="set", asleep=("set2",), paused="clear set2", result=1),
        True,
    ),
}
