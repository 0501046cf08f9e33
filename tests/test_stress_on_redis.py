"""Stress of events on a Redis server: nothing that threading.Event could not show, also there."""

import pytest
from harness import stress
from harness.perturbations import why_not
from harness.scenarios import SCENARIOS
from harness.scenarios_of_several import SEVERAL
from redis_server import no_server
from surroundings import need
from test_stress import legal

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


PLAYED = [each for each in [*SCENARIOS, *SEVERAL] if stress.is_possible("remote", each, "none")]
DISTURBED = ["chaos", "lighthouse", "metronome", "any-pulses", "all-relay"]


@pytest.fixture(autouse=True)
def logs_here(tmp_path, monkeypatch):
    """The logs of failures are kept where pytest keeps such things; a server is needed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    need(no_server())


@pytest.mark.parametrize("scenario", PLAYED)
def test_every_scenario(scenario):
    """One event, or several, in processes whose threads share an object."""
    legal("remote", scenario)


@pytest.mark.parametrize("perturbation", ["handlers", "stops", "kills", "storm"])
@pytest.mark.parametrize("scenario", DISTURBED)
def test_disturbed(scenario, perturbation):
    """Workers in handlers, stopped and killed, all at once in a storm."""
    need(why_not(perturbation))
    legal("remote", scenario, perturbation, seconds=1.0)
