"""Ping-pong between two processes: set, the other one wakes and sets back, wake."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from .conftest import BETWEEN_PROCESSES, forked


@pytest.mark.benchmark(group="round trip between 2 processes")
@pytest.mark.parametrize("contender", BETWEEN_PROCESSES)
def test_round_trip(benchmark: BenchmarkFixture, contender: str) -> None:
    """Two wake-ups, two set(), two clear()."""
    ping, pong = BETWEEN_PROCESSES[contender](), BETWEEN_PROCESSES[contender]()

    def send_back() -> None:
        while True:
            ping.wait()
            ping.clear()
            pong.set()

    def round_trip() -> None:
        ping.set()
        pong.wait()
        pong.clear()

    with forked(send_back):
        benchmark(round_trip)
