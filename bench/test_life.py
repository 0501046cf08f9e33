"""What it costs to have an event at all: create, open and close it, and import the package."""

import sys
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from systemevent import SystemEvent, unlink

from .conftest import BETWEEN_PROCESSES, IN_A_PROCESS, run


@pytest.mark.benchmark(group="open and close")
def test_open_and_close(benchmark: BenchmarkFixture, name: str) -> None:
    """Open an event that exists, and close it."""
    SystemEvent(name).close()
    benchmark(lambda: SystemEvent(name).close())


def create_and_unlink(name: str) -> Callable[[], None]:
    """A function that makes an event that did not exist, and removes it."""

    def one_life() -> None:
        SystemEvent(name).close()
        unlink(name)

    return one_life


@pytest.mark.benchmark(group="create and remove")
@pytest.mark.parametrize("contender", ["SystemEvent", "threading.Event", "multiprocessing.Event"])
def test_create_and_remove(benchmark: BenchmarkFixture, contender: str, name: str) -> None:
    """An event's whole life."""
    makers = IN_A_PROCESS | BETWEEN_PROCESSES | {"SystemEvent": create_and_unlink(name)}
    benchmark(makers[contender])


@pytest.mark.benchmark(group="import, in a new interpreter")
@pytest.mark.parametrize("statement", ["pass", "import systemevent", "import threading"])
def test_import(benchmark: BenchmarkFixture, statement: str) -> None:
    """An interpreter that imports the package, against one that does nothing."""
    # -I: what is installed (with its bytecode), not the sources in this folder.
    benchmark(run, [sys.executable, "-I", "-c", statement])
