"""Every interleaving of a few processes, as a model: the protocol keeps its promises in all,
and each of its mutants breaks one. (Needs spin and gcc.)
"""

import pytest
from harness.explore import GAPS, MUTANTS, PROMISES, Configuration, explore
from harness.requirements import no_spin
from surroundings import need

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(scope="module", autouse=True)
def _spin():
    """Says that spin and gcc are here."""
    need(no_spin())


@pytest.mark.parametrize(
    "configuration",
    [one.slept(sleeping) for one in PROMISES for sleeping in one.modes()],
    ids=lambda one: f"{one.name}-{one.sleeping}",
)
def test_the_protocol_keeps_its_promises(configuration):
    """No interleaving breaks a promise, in either sleeping mode."""
    result = explore(configuration)
    assert result.errors == 0, result.trail


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_mutant_is_caught(mutant):
    """Every deliberately wrong protocol has an interleaving that breaks a promise ..."""
    assert explore(MUTANTS[mutant], mutant).errors


@pytest.mark.parametrize("configuration", dict.fromkeys(MUTANTS.values()), ids=lambda one: one.name)
def test_where_a_mutant_is_caught_the_protocol_is_right(configuration):
    """... where the protocol itself breaks none."""
    result = explore(configuration)
    assert result.errors == 0, result.trail


@pytest.mark.parametrize("sentence", GAPS)
def test_what_is_not_promised_can_happen(sentence):
    """Each restriction that the documentation names is real."""
    assert explore(GAPS[sentence]).errors


def test_a_counterexample_is_told_step_by_step():
    """The trail names who does what, and ends with the promise that is broken."""
    lines = explore(MUTANTS["NO_COMPARE"], "NO_COMPARE").trail.splitlines()
    assert lines[-1] == "BROKEN: sleeper"
    assert "setter: set: value = 1, wakes" in lines
    assert "waiter: wait: in the queue of value" in lines


def test_a_counterexample_of_several_events_is_told_too():
    """The same, of who waits for several events: what it waits for is its name."""
    lines = explore(MUTANTS["ALL_SLEEPS_ON_ONE"], "ALL_SLEEPS_ON_ONE").trail.splitlines()
    assert lines[-1] == "BROKEN: pulse"
    assert "all AB: wait_all begins" in lines
    assert "set A set B clear B: clear B: clears" in lines


def test_the_model_is_not_empty():
    """A waiter can return True, and False: what is said of it is said of something."""
    both = Configuration("both", "WAITERS=1 TIMED=1 SETTERS=1")
    alone = Configuration("alone", "WAITERS=1 TIMED=1")
    assert explore(both).states > explore(alone).states > 5
