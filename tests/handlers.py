"""What the tests of signals share: waits with a signal handler, and the ways to be interrupted."""

import signal

import pytest

TIMEOUTS = pytest.mark.parametrize("timeout", [None, 1000], ids=["endless", "timed"])
RESTART = pytest.mark.parametrize("restart", [False, True], ids=["", "SA_RESTART"])


def wait_with_handler(event, timeout, handler, restart=False):
    """Wait; meanwhile SIGUSR1 calls handler()."""
    signal.signal(signal.SIGUSR1, lambda *_: handler())
    signal.siginterrupt(signal.SIGUSR1, not restart)
    return event.wait(timeout)


def pulse(event):
    event.set()
    event.clear()
