"""Whole commands, from their start to their end, against an interpreter that does nothing."""

import sys
import sysconfig
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from systemevent import SystemEvent

from .conftest import run


@pytest.mark.benchmark(group="a whole command")
@pytest.mark.parametrize("command", ["evt_set", "evt_clear", "evt_wait", "python -c pass"])
def test_command(benchmark: BenchmarkFixture, command: str, name: str) -> None:
    """One command on an event that exists; evt_wait on one that is set."""
    words = [str(Path(sysconfig.get_path("scripts")) / command), name]
    if command == "python -c pass":
        words = [sys.executable, "-c", "pass"]
    with SystemEvent(name) as event:
        event.set()
    benchmark(run, words)
