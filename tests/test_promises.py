"""Every promise has a test that fails if this promise alone is broken (harness/promises.py)."""

from pathlib import Path

import pytest
from harness import promises
from harness.promises import PROMISES
from surroundings import need

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

PAGE = Path(__file__).parent.parent / "docs" / "promises.md"


def objections(folder, promise=None):
    """What is wrong with a row of the matrix; where a test was skipped, so is this one."""
    results = promises.row(folder / "copy", promise, modes=[promises.first_mode()])
    skipped = [number for number, result in results.items() if result.outcome == "skipped"]
    need(f"the tests of {', '.join(skipped)} cannot run here" if skipped else "")
    return promises.objections(results, promise)


def test_the_package_keeps_every_promise(tmp_path):
    """The copy without a mistake passes all nine tests: it is not the build that they fail on."""
    assert objections(tmp_path) == []


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.number)
def test_a_broken_promise_is_caught_by_its_test_alone(tmp_path, promise):
    """Its mutant fails the promise's own test, and passes the others (but maybe P8's)."""
    assert objections(tmp_path, promise) == []


def test_the_documentation_has_the_table():
    """docs/promises.md has the rows of the harness; their times are of somebody's run."""
    text = PAGE.read_text(encoding="utf-8").partition(promises.BEGIN)[2].partition(promises.END)[0]
    rows = [tuple(line[2:-2].split(" | ")) for line in text.splitlines()[2:]]
    assert [row[:3] for row in rows] == [promises.cells(promise) for promise in PROMISES]
    assert all(row[3].partition(" s")[0] for row in rows)
