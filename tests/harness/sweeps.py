"""All exhaustive runs, each as one function, for whoever has minutes: no pytest in them.

Each raises AssertionError if anything is wrong, and returns how many points it has looked at.
"""

import contextlib
import dataclasses
import functools
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from injection import in_private_shm
from processes import WorkerError

from systemevent import _word as word

from . import (
    attempts,
    bytecodes,
    explore,
    failing_calls,
    instructions,
    promises,
    scenes,
    system_calls,
)
from .compiled import Library, Probe
from .requirements import no_injection, no_private_shm, no_spin, no_tracing
from .stage import stage
from .tracing import TracingError

_TESTS = Path(__file__).parents[1]
_NAME = "victim"


@dataclasses.dataclass(frozen=True)
class Sweep:
    """run(progress): sweep, return the number of points; AssertionError: something is wrong.

    progress(points, what): called each time that something is done. why_not(): why it cannot run
    here, or "".
    """

    name: str
    run: Callable[[Callable[[int, str], None]], int]
    why_not: Callable[[], str]


class _Points:
    """How many there have been, for progress()."""

    def __init__(self, progress):
        self._progress = progress
        self.total = 0

    def add(self, points, what):
        self.total += points
        self._progress(self.total, what)


# ---- surroundings --------------------------------------------------------------------------------


@contextlib.contextmanager
def _sleeping(mode):
    """This process, and all that it starts, sleep in that mode."""
    before = os.environ.get("SYSTEMEVENT_SLEEP")
    os.environ["SYSTEMEVENT_SLEEP"] = mode
    word.sleep_on_value_only(mode == "futex_wait")
    try:
        yield mode
    finally:
        word.sleep_on_value_only(before == "futex_wait")
        if before is None:
            del os.environ["SYSTEMEVENT_SLEEP"]
        else:
            os.environ["SYSTEMEVENT_SLEEP"] = before


def _modes():
    """The sleeping modes that this kernel has."""
    return ("futex_waitv", "futex_wait")[not word.sleeps_on_both_halves() :]


# ---- machine instructions ------------------------------------------------------------------------

_KILLED = scenes.KILLED + scenes.KILLED_SEVERAL
_PAUSED = scenes.PAUSED + scenes.PAUSED_SEVERAL
_killed = instructions.kill_sweep
_paused = instructions.pause_sweep


def _instructions(sweep, implementation, plays, progress):
    points = _Points(progress)
    with tempfile.TemporaryDirectory() as folder:
        implement = functools.partial(implementation, folder=folder)
        for mode in _modes():
            with _sleeping(mode), stage(implement, mode == "futex_wait") as on:
                for scene in (play for play in plays if play.is_possible(mode)):
                    points.add(sweep(on, scene), f"{scene} ({mode})")
    return points.total


def _mutants(progress):
    points = _Points(progress)
    with tempfile.TemporaryDirectory() as folder:
        for mode in _modes():
            for mutant in scenes.MUTANTS:
                instructions.mutant_is_caught(mutant, folder, mode)
                points.add(1, f"{mutant} ({mode})")
    return points.total


# ---- bytecodes -----------------------------------------------------------------------------------


def _bytecodes(sweep, progress):
    points = _Points(progress)
    for operation in bytecodes.OPERATIONS:
        points.add(in_private_shm(sweep, operation, _NAME), operation.name)
    return points.total


# ---- system calls --------------------------------------------------------------------------------


def _killed_calls(progress):
    points = _Points(progress)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peer"
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", _TESTS / "peer.c", "-o", program, "-pthread"], check=True)
        for mode in _modes():
            with _sleeping(mode):
                for operation in system_calls.KILLED:
                    if not operation.is_possible(mode):
                        continue
                    calls = system_calls.kill_sweep(operation, folder, program)
                    points.add(sum(calls.values()), f"{operation.name} ({mode})")
    return points.total


def _failing_calls(progress):
    points = _Points(progress)
    with tempfile.TemporaryDirectory() as folder:
        for number, mode in enumerate(_modes()):
            with _sleeping(mode):
                for attempt in attempts.ATTEMPTS:
                    if (attempt.sleeps or not number) and attempt.is_possible(mode):
                        said = failing_calls.failure_sweep(attempt, folder)
                        points.add(len(said), f"{attempt.name} ({mode})")
    return points.total


# ---- the model -----------------------------------------------------------------------------------


def _explored(points, configuration, must_break=False, mutant=None, **options):
    result = explore.explore(configuration, mutant, **options)
    what = f"{configuration.name} ({configuration.sleeping}{', ' + mutant if mutant else ''})"
    if bool(result.errors) != must_break:
        raise AssertionError(f"{what}: {result.trail or 'nothing breaks, but something has to'}")
    points.add(result.states, what)


def _model(progress):
    points = _Points(progress)
    for configuration in explore.PROMISES:
        for sleeping in configuration.modes():
            _explored(points, configuration.slept(sleeping))
    for configuration in explore.GAPS.values():
        _explored(points, configuration, must_break=True)
    for mutant, configuration in explore.MUTANTS.items():
        _explored(points, configuration)
        _explored(points, configuration, must_break=True, mutant=mutant)
    return points.total


def _large_model(progress):
    points = _Points(progress)
    for configuration in explore.PROMISES_LARGE:
        for sleeping in configuration.modes(mixed=True):
            _explored(points, configuration.slept(sleeping), optimize="-O2", timeout=3600)
    return points.total


# ---- the promises --------------------------------------------------------------------------------


def _promises(progress):
    points = _Points(progress)
    with tempfile.TemporaryDirectory() as folder:
        for promise in (None, *promises.PROMISES):
            name = promise.number if promise else "no mutant"
            results = promises.row(Path(folder) / name, promise)
            if wrong := promises.objections(results, promise):
                raise AssertionError("\n".join(wrong))
            points.add(len(results), name)
    return points.total


def _of_instructions(name, sweep, implementation, plays):
    run = functools.partial(_instructions, sweep, implementation, plays)
    return Sweep(name, run, no_tracing)


_ALL = [
    _of_instructions("instructions-killed-c", _killed, Probe, _KILLED),
    _of_instructions("instructions-killed-library", _killed, Library, _KILLED),
    _of_instructions("instructions-paused-c", _paused, Probe, _PAUSED),
    _of_instructions("instructions-paused-library", _paused, Library, _PAUSED),
    Sweep("instruction-mutants", _mutants, no_tracing),
    Sweep("bytecodes-killed", functools.partial(_bytecodes, bytecodes.kill_sweep), no_private_shm),
    Sweep(
        "bytecodes-interrupted",
        functools.partial(_bytecodes, bytecodes.interrupt_sweep),
        no_private_shm,
    ),
    Sweep("system-calls-killed", _killed_calls, no_injection),
    Sweep("system-calls-refused", _failing_calls, no_injection),
    Sweep("promises", _promises, no_injection),
    Sweep("model", _model, no_spin),
    Sweep("model-large", _large_model, no_spin),
]


def _asserted(run, progress):
    """run(progress); what went wrong in another process is raised as AssertionError, too."""
    try:
        return run(progress)
    except (WorkerError, TracingError) as error:
        raise AssertionError(str(error)) from error


SWEEPS: dict[str, Sweep] = {
    sweep.name: dataclasses.replace(sweep, run=functools.partial(_asserted, sweep.run))
    for sweep in _ALL
}
