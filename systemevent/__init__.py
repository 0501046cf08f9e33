"""A named event that any process can set, clear, test and wait for, as threading.Event.

>>> from systemevent import SystemEvent
>>> event = SystemEvent("my_event")
>>> event.set()                     # in whatever process
>>> event.wait(timeout=10)          # in whatever process
True
"""

from ._event import SystemEvent, list_events, unlink
from ._multi import wait_all, wait_any

__version__ = "2.2.0"
__all__ = ["SystemEvent", "get_include", "list_events", "unlink", "wait_all", "wait_any"]


def get_include() -> str:
    """Return the folder of systemevent.h, for ``cc -I``: C programs take part with all promises."""
    return __path__[0]
