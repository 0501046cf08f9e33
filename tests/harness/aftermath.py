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
    if on.implementation.outcome(victim.process) != scene.result:
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

    excused: it was to pass on a foreign post, after which others may sleep on (see docs/c.md).
    """
    before, after = on.left, on.words()
    if after[0] not in _words(scene, before[0]) or after[1] != before[1]:
        raise Wrong("the words were {:#x} {:#x} and are {:#x} {:#x}".format(*before, *after))
    asleep = [] if excused else on.asleep()
    on.nobody_overslept(asleep)
    if after != before and [actor for actor in asleep if actor.kind == "wait"]:
        raise Wrong("the victim has set the event, and others sleep on")
    done = {(one.kind, one.result) for one in on.history()}
    for event in ("", "2"):
        sets = {f"set{event}", f"post{event}"}
        if after == before and (f"wait{event}", True) in done and not sets & {k for k, _ in done}:
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
    plays = on.plays.copy()
    on.dismiss()
    if sleeping:
        plays = on.plays
        victim.state = victim.process.finish()
        while victim.state != RETURNED and victim.go_on():
            pass
        if victim.state != RETURNED:
            raise Wrong("the victim sleeps although the event is set")
    result = on.implementation.outcome(victim.process)
    timeout = scene.timeout
    if scene.operation == "wait_all":
        _all_were_set(on, plays, result, victim.invoked + int((scene.timeout or 0) * 1e9))
    if timeout is not None and on.implementation.deadline_is_the_callers:
        # It comes nearer before the wait begins. (If nobody saw that, it was over when it did.)
        late = (victim.waits_since - victim.invoked) / 1e9 if victim.waits_since else timeout
        timeout = max(0.0, timeout - late)
    whole = Call(victim.name, scene.operation, timeout, victim.invoked, time.monotonic_ns(), result)
    for event in (1, 2):
        calls = [part for call in [*on.history(), whole] for part in _of_event(event, call)]
        verdict = judge([_operation(number, call) for number, call in enumerate(calls)]).kind
        if verdict != "legal":
            calls.sort(key=lambda call: call.invoked)
            raise Wrong(f"{verdict}: " + "; ".join(map(str, calls)))


def _all_were_set(on, plays, result, deadline):
    """What wait_all has said of both events together: they are changed by scripts only."""
    before, *later = plays
    states = before.states[-1:] + [state for play in later for state in play.states]
    if result and 3 not in states:
        raise Wrong("wait_all said True although both were never set at once")
    if not result and on.misses_a_set_of_the_last(deadline):
        raise Wrong("wait_all said False although the last was set")


def _of_event(event, call):
    """What the call says of that one event: no call, or one."""
    kind, is_of_second = call.kind.rstrip("2"), call.kind.endswith("2")
    if kind == "wait_any":
        was_set = bool(call.result & event)
        kind = "is_set" if call.result and not was_set else "wait"
        return [call._replace(kind=kind, result=was_set)]
    if kind == "wait_all":
        return [call._replace(kind="is_set", result=True)] if call.result else []
    return [call._replace(kind=kind)] if is_of_second == (event == 2) else []


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
        result=bool(call.result) if known else None,
    )
