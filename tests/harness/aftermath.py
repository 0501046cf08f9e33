"""The end of a scene: what a victim may have left that was killed, or has seen that was paused.

Killed: the word is as before or as after its operation, and nobody sleeps while the event is set.
Paused: nobody has slept through a set, and the history of all is legal.
"""

import time

from .actors import Call
from .checker import judge
from .history import Operation
from .stage import Wrong
from .tracing import ASLEEP, RETURNED

_ONE_GENERATION = 1 << 49


def undisturbed(on, scene, victim):
    """Judge a victim that nobody killed or paused: it must have returned what the scene says."""
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


def left(on, scene, excused):
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


def judged(on, scene, victim):
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
    if timeout is not None and on.implementation.deadline_is_the_callers:
        # It comes nearer before the wait begins. (If nobody saw that, it was over when it did.)
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
