"""Event loops for the tests of wait_async, and what sleeps for them."""

import asyncio
import contextvars
import os
import threading
import time
import weakref

import uvloop
from processes import DEADLINE, is_asleep

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def run(new_loop, function, *args):
    """Run the coroutine function in a new loop, as asyncio.run does; return its result."""
    loop = new_loop()

    async def cancel_all():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        return loop.run_until_complete(asyncio.wait_for(function(*args), DEADLINE))
    finally:
        loop.run_until_complete(cancel_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def threads():
    """The threads that sleep for event loops, or are about to begin or end."""
    return [thread for thread in threading.enumerate() if thread.name == "SystemEvent"]


def is_asleep_now(thread):
    """Is that thread of this process asleep in a wait for an event?"""
    return thread.native_id is not None and is_asleep(os.getpid(), thread.native_id)


def are_asleep(count):
    """Are there `count` such threads, all asleep?"""
    there = threads()
    return len(there) == count and all(map(is_asleep_now, there))


async def until(condition, what):
    """As processes.until, while the loop runs."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        await asyncio.sleep(0.001)


async def until_asleep(count):
    """Go on when that many threads sleep for this loop, for all that is awaited."""
    for _ in range(3):  # waits that have just begun look, and give orders
        await asyncio.sleep(0)
    await until(lambda: are_asleep(count), f"{count} threads are asleep")


async def begin(*waits):
    """Tasks for these coroutines, all of which have looked at their events."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.sleep(0)
    return tasks


class Request:
    """What a server's tasks have in their context."""


_request = contextvars.ContextVar("request")


async def serve_one(event, timeout):
    """Wait in the context of a Request; return a weak reference to that."""
    one = Request()
    _request.set(one)
    await event.wait_async(timeout)
    return weakref.ref(one)
