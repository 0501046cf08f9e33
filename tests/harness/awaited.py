"""wait_async under stress: a wait() that awaits the event, in a loop of its worker."""

import asyncio
import os
import threading

from systemevent import SystemEvent


class AwaitedEvent(SystemEvent):
    """A SystemEvent whose wait() is wait_async()."""

    _own = threading.local()

    def wait(self, timeout=None):
        """As SystemEvent.wait(), in asyncio."""
        own = self._own
        if getattr(own, "pid", None) != os.getpid():  # a forked worker has inherited another loop
            own.pid, own.loop = os.getpid(), asyncio.new_event_loop()
        return own.loop.run_until_complete(self.wait_async(timeout))
