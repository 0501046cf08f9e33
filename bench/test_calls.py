"""What a call costs in this process when nobody has to be woken.

Each figure includes a constant share of pytest-benchmark's own loop (some 20 ns), so ratios are
nearer to 1 than they really are; ``python -m bench`` and ``bench.instructions`` have them right.
"""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from .conftest import IN_A_PROCESS

#: {group: (the state before, the method, its arguments)}
CALLS: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "is_set()": ("set", "is_set", ()),
    "wait(), set": ("set", "wait", ()),
    "set(), set": ("set", "set", ()),
    "clear(), clear": ("clear", "clear", ()),
    "wait(0), clear": ("clear", "wait", (0,)),
}


#: Many calls in each round: the clock's steps are as long as a call.
pytestmark = pytest.mark.benchmark(min_time=0.0001)


@pytest.fixture(params=IN_A_PROCESS)
def event(request: pytest.FixtureRequest) -> Any:
    """An event of each contender, clear."""
    return IN_A_PROCESS[request.param]()


@pytest.mark.parametrize("call", CALLS)
def test_call(benchmark: BenchmarkFixture, event: Any, call: str) -> None:
    """One call that changes nothing."""
    benchmark.group = call
    before, method, arguments = CALLS[call]
    getattr(event, before)()
    benchmark(getattr(event, method), *arguments)


def test_set_and_clear(benchmark: BenchmarkFixture, event: Any) -> None:
    """A pulse that nobody waits for."""
    benchmark.group = "set() + clear()"

    def pulse() -> None:
        event.set()
        event.clear()

    benchmark(pulse)
