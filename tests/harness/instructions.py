"""Kill, or pause, at every machine instruction of set, clear, wait, is_set, wait_any and wait_all.

A scene is a small play around one operation of one process, the victim: what was before, what
others do when the victim has fallen asleep, what it returns. A sweep plays a scene once for each
instruction of the victim, and there

- *kills* it: afterwards the word must be as before or as after the operation, nobody may sleep
  while the event is set, and set, clear and wait must work for others; or
- *pauses* it, lets others carry out whole operations, and lets it go on: afterwards nobody may have
  slept through a set, and the recorded history must be legal.

The counterexamples that it exists for are the mutants (probe.c, and in scenes.py the scene for
each). A pulse is lost, for example, if the generation is not counted, and set and clear of another
process fall between two certain instructions of a waiter; they are there for two nanoseconds in a
wait of a second.

The scenes are in scenes.py, what is swept in compiled.py, how one is played in stage.py (actors.py)
and victim.py (traces.py), and what is right at its end in aftermath.py.
"""

import dataclasses
import functools
import time

from .aftermath import judged, left
from .compiled import Probe
from .scenes import MUTANTS
from .stage import Wrong, stage
from .traces import LONGEST_TIMEOUT, Trace, every_point
from .tracing import ASLEEP, STEPPED
from .victim import located, playing

#: How many loads of a word a wait begins with, behind which it does not miss anything.
LOADS = {"wait": 1, "wait_any": 2, "wait_all": 4}


def kill_sweep(on, scene):
    """Kill the victim at every point of the scene; return how many there are. Raises Wrong."""
    trace = Trace(on, scene)
    scene = trace.scene

    def play(where):
        with playing(on, scene) as victim, located(scene, "killed", victim):
            reached = victim.reach(where, trace)
            victim.process.kill()
            left(on, scene, excused="post" in " ".join(scene.asleep))
            on.others_work()
        return reached

    return every_point(trace, play)


def pause_sweep(on, scene):
    """Pause the victim at every point of the scene; return how many there are. Raises Wrong."""
    trace = Trace(on, scene)
    scene = trace.scene
    loads, sleeps = _loads_and_sleeps(on, scene)
    first_loads = loads[: LOADS.get(scene.operation, 0)]

    def play(where):
        with playing(on, scene) as victim, located(scene, f"paused at {where}", victim):

            def note():
                _note(on, victim, first_loads)

            reached = victim.reach(where, trace, note)
            if reached:
                asleep = victim.state == ASLEEP
                # It knows what it has looked at twice since it changed. (See rule 11.)
                has_looked = first_loads and where[0] > first_loads[-1]
                has_looked = has_looked and victim.is_before_all_scripts
                victim.knows = not on.older_kernel and (asleep or has_looked)
                if asleep:
                    victim.leave_the_queue()
                on.play(scene.paused)
                victim.knows = False
                if on.older_kernel and any(_last(loads, s) < where[0] <= s for s in sleeps):
                    # What these kernels cannot do: a pulse between the last look and the sleep, or
                    # in a stop of the sleeper, is missed.
                    victim.waits_since = time.monotonic_ns()
            victim.runs = True
            while victim.go_on():
                note()
            note()
            judged(on, scene, victim)
        return reached

    return every_point(trace, play)


def _last(points, before):
    return max((point for point in points if point < before), default=before)


def _note(on, victim, loads):
    """Note since when the victim waits; if it sleeps, is that right?"""
    asleep = victim.state == ASLEEP
    if victim.waits_since is None and (asleep or (loads and victim.point > loads[-1])):
        victim.waits_since = time.monotonic_ns()
    if asleep:
        on.nobody_overslept([victim])


def _loads_and_sleeps(on, scene):
    """The points at which a waiting victim loads the word, and those at which it is asleep.

    A load is what leaves in a register the word as it was in front of that instruction: it is made
    another one each time, by the count of foreign waiters, that is the C library's business.
    """
    while True:
        loads, sleeps = _load_and_sleep(on, scene)
        if scene.operation not in LOADS or sleeps or not (scene.timeout and on.older_kernel):
            return loads, sleeps
        if scene.timeout > LONGEST_TIMEOUT:
            raise Wrong(f"{scene}: never asleep")
        scene = dataclasses.replace(scene, timeout=2 * scene.timeout)


def _load_and_sleep(on, scene):
    loads, sleeps = [], []
    if scene.operation not in LOADS:
        return loads, sleeps
    first, second = on.memory, on.memory.second
    with playing(on, scene) as victim:
        more = True
        while more and (on.older_kernel or len(loads) < LOADS[scene.operation]):
            if victim.state == STEPPED:
                first.word = first.word & ~(0xFFFF << 32) | (victim.point + 1) << 32
                second.word = second.word & ~(0xFFFF << 32) | (victim.point + 1 << 1) << 32
            words, point = on.words(), victim.point
            more = victim.go_on()
            if victim.state == ASLEEP:
                sleeps.append(victim.point)
            elif more and any(victim.process.holds(word) for word in words):
                loads.append(point)
        victim.process.kill()
        on.play("clear clear2")
        on.dismiss()
    return loads, sleeps


def mutant_is_caught(mutant, folder, mode):
    """Sweep the scene that is named for the mutant. Raises AssertionError if it survives."""
    what, scene, on_older_kernels = MUTANTS[mutant]
    sweep = {"kill": kill_sweep, "pause": pause_sweep}[what]
    # What futex_waitv is there for is no mistake on older kernels: the sweep excuses it there.
    is_mistake = on_older_kernels or mode == "futex_waitv"
    if not scene.is_possible(mode):
        return
    with stage(functools.partial(Probe, folder=folder, mutant=mutant), mode == "futex_wait") as on:
        try:
            sweep(on, scene)
            caught = False
        except Wrong:
            caught = True
    assert caught == is_mistake, f"{mutant}: {'caught' if caught else 'not caught'} ({mode})"
