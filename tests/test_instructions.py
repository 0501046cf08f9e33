"""Kill, or pause, at every machine instruction of set, clear, wait, is_set, wait_any, wait_all.

The sweeps are harness/instructions.py; the mutants, which must be caught, harness/probe.c.
"""

import functools

import pytest
from harness.compiled import Library, Probe
from harness.instructions import kill_sweep, mutant_is_caught, pause_sweep
from harness.requirements import no_tracing
from harness.scenes import BRIEF, KILLED, KILLED_SEVERAL, MUTANTS, PAUSED, PAUSED_SEVERAL, Scene
from harness.stage import stage
from surroundings import need

pytestmark = pytest.mark.one_python

#: The glue knows nothing of the sleeping mode: two scenes in the second mode suffice.
IN_EITHER_MODE = [
    Scene("wait", asleep=("A.wait B.wait set",), result=True),
    Scene("wait", asleep=("victim.SIGUSR1", "A.wait B.wait set"), result=True),
]


@pytest.fixture(scope="module", autouse=True)
def tracer():
    """Says that processes can be traced here."""
    need(no_tracing())


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where probes are compiled to."""
    return tmp_path_factory.mktemp("probes")


@pytest.fixture
def on(folder, sleeping_mode):
    """A function that returns a stage for an implementation."""
    return lambda implement, **options: stage(
        functools.partial(implement, folder=folder, **options), sleeping_mode == "futex_wait"
    )


def test_killed_in_c(on):
    """SIGKILL at any instruction of systemevent.h loses no state and leaves nobody asleep."""
    with on(Probe) as one:
        points = {scene: kill_sweep(one, scene) for scene in KILLED}
    assert sum(points.values()) > 500


@pytest.mark.parametrize("part", range(2))
def test_killed_in_the_library(on, part, sleeping_mode):
    """SIGKILL at any instruction of the extension type's methods, glue included, does neither."""
    scenes = KILLED if sleeping_mode == "futex_waitv" else IN_EITHER_MODE
    with on(Library) as one:
        points = {scene: kill_sweep(one, scene) for scene in scenes[part::2]}
    assert sum(points.values()) > 100


def paused(on, implementation, part):
    """How many points there are in the scenes of that part, none of which goes wrong."""
    with on(implementation) as one:
        return sum(pause_sweep(one, scene) for scene in PAUSED[part::2])


@pytest.mark.parametrize("part", range(2))
def test_paused_in_c(on, part):
    """Paused at any instruction, while others carry out whole operations, nobody goes wrong.

    In particular, a wait that has begun is released by a pulse, wherever it is. In systemevent.h.
    """
    assert paused(on, Probe, part) > 500


@pytest.mark.one_mode
@pytest.mark.parametrize("part", range(2))
def test_paused_in_the_library(on, part):
    """The same in the extension type's methods, glue included, which both modes share."""
    assert paused(on, Library, part) > 500


@pytest.mark.parametrize("implementation", [Probe, Library])
def test_several(on, implementation, sleeping_mode):
    """Killed or paused at any instruction of wait_any and wait_all, nothing goes wrong either."""

    def played(scenes):
        return [scene for scene in scenes[:BRIEF] if scene.is_possible(sleeping_mode)]

    with on(implementation) as one:
        points = [kill_sweep(one, scene) for scene in played(KILLED_SEVERAL)]
        points += [pause_sweep(one, scene) for scene in played(PAUSED_SEVERAL)]
    assert sum(points) > 300


@pytest.mark.one_mode
def test_paused_in_a_sleep_for_all(on):
    """Paused at any instruction, a wait for all is released by a pulse of the last event."""
    scene = Scene("wait_all", before="set", asleep=("set2",), paused="set2 clear2", result=1)
    with on(Probe) as one:
        assert pause_sweep(one, scene) > 300


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_caught(folder, mutant, sleeping_mode):
    """An event with one mistake is caught by the sweep, and in the scene, that is named for it."""
    mutant_is_caught(mutant, folder, sleeping_mode)
