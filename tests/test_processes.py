"""What the tests ask of processes: a thread that has ended is no failure, a process is."""

import os
import threading

import pytest
from processes import WorkerError, is_asleep, worker

pytestmark = pytest.mark.one_mode


def test_of_a_thread_that_has_ended():
    """It is not asleep: who looks at all threads of a process meets such."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert is_asleep(os.getpid(), thread.native_id) is False


@pytest.mark.parametrize("thread", [True, False])
def test_of_a_process_that_has_ended(thread):
    """Who waits for it to sleep would wait in vain, and is told."""
    with worker(int) as one:
        one.reap()
        with pytest.raises(WorkerError, match="is gone"):
            is_asleep(one.pid, one.pid if thread else None)
