"""On kernels before 5.16, or as there: what wait_any of several events says, and what works."""

import errno

import pytest
from processes import until_asleep, worker
from several import any_names, names, pulse

from systemevent import _word as word
from systemevent import wait_all, wait_any

pytestmark = [
    pytest.mark.one_mode,
    pytest.mark.one_python,
    pytest.mark.usefixtures("as_before_5_16"),
]

MESSAGE = (
    f"[Errno {errno.ENOSYS}] waiting for any of several events needs futex_waitv "
    "(Linux 5.16 or newer, and no sandbox that forbids it)"
)


@pytest.fixture
def as_before_5_16(sleeping_mode, monkeypatch):
    """The sleeping mode of older kernels, in this process and in all that it starts."""
    monkeypatch.setenv("SYSTEMEVENT_SLEEP", "futex_wait")
    word.sleep_on_value_only(True)  # until the end of the fixture sleeping_mode


@pytest.mark.parametrize("timeout", [None, 0, 0.001, 1000])
@pytest.mark.parametrize("count", [2, 3, 63, 64, 130])
@pytest.mark.parametrize("how_many_set", [0, 1, 2])
def test_any_of_several(new_events, count, timeout, how_many_set):
    """wait_any of more than one event raises ENOSYS, also when it would not have to sleep."""
    events = new_events(count)
    for event in events[:how_many_set]:
        event.set()
    with pytest.raises(OSError, match="futex_waitv") as caught:
        wait_any(events, timeout)
    assert (str(caught.value), caught.value.errno) == (MESSAGE, errno.ENOSYS)


def test_any_of_the_same_twice(event):
    """An event that is given twice is several."""
    with pytest.raises(OSError, match="futex_waitv"):
        wait_any([event, event])


@pytest.mark.parametrize("release", ["set", "pulse"])
def test_any_of_one(event, release):
    """wait_any of exactly one event works as its wait() does."""
    assert wait_any([event], 0) == []
    assert wait_any([event], 0.001) == []
    with worker(any_names, [event]) as one:
        until_asleep(one.pid)
        event.set() if release == "set" else pulse(event)
        assert one.result() == names(event)


@pytest.mark.parametrize("count", [2, 63, 64, 500])
def test_all_of_any_number(new_events, count):
    """wait_all works with any number of events."""
    events = new_events(count)
    assert wait_all(events, 0.001) is False
    with worker(wait_all, events) as one:
        for event in events:
            until_asleep(one.pid)
            event.set()
        assert one.result() is True
