"""wait_async() on a Redis server that is cancelled, and loops and processes that end."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import warnings
import weakref

import pytest
from loops import LOOPS, begin, run, serve_one
from processes import DEADLINE, command, worker
from redis_loops import blocked, events_on, pulse, runner
from redis_server import ports_of

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(autouse=True)
def server(redis_server, monkeypatch):
    """The server of the events; nobody is left blocking there."""
    with events_on(redis_server, monkeypatch) as one:
        yield one


@pytest.fixture(params=LOOPS)
def in_loop(request):
    """A function that runs a coroutine function in a loop; no connection is left behind."""
    return runner(request.param)


# ---- ends ------------------------------------------------------------------------------------


def test_cancel(in_loop, event, server):
    """Of those who wait for one event some are cancelled; the others go on."""

    async def main():
        tasks = await begin(*(event.wait_async() for _ in range(20)))
        await blocked(server, 1)
        for task in tasks[::2]:
            task.cancel()
        event.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in results[::2]] == [asyncio.CancelledError] * 10
        assert results[1::2] == [True] * 10

    in_loop(main)


def test_cancel_anywhere(in_loop, event):
    """Cancelled after however many turns of the loop, it leaves nothing; later waits work."""

    async def main():
        for turns in range(40):
            (task,) = await begin(event.wait_async())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        (task,) = await begin(event.wait_async())
        event.set()
        assert await task is True

    in_loop(main)


def test_all_tasks_are_cancelled(in_loop, event, server):
    """Who cancels all tasks there are, but one that waits: that one goes on."""

    async def main():
        (task,) = await begin(event.wait_async())
        for _ in range(3):
            await blocked(server, 1)
            for other in asyncio.all_tasks() - {task, asyncio.current_task()}:
                if "_Shared" in repr(other):
                    other.cancel()
            await asyncio.sleep(0.02)
        pulse(event)
        assert await task is True

    in_loop(main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout() is of 3.11")
def test_timeout_context(in_loop, event):
    """asyncio.timeout() ends it with TimeoutError."""

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await event.wait_async()

    in_loop(main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is of 3.11")
def test_task_group(in_loop, event, server):
    """A task that fails cancels the waits of its group."""

    async def fail():
        await blocked(server, 1)
        raise LookupError

    async def main():
        waits = []

        async def in_group():
            async with asyncio.TaskGroup() as group:
                waits.extend(group.create_task(event.wait_async()) for _ in range(3))
                group.create_task(fail())

        with pytest.raises(ExceptionGroup):  # noqa: F821 - of 3.11
            await in_group()
        assert [wait.cancelled() for wait in waits] == [True] * 3

    in_loop(main)


def test_loop_after_loop(in_loop, event, server):
    """One loop after the other, each with waits that its end cancels."""

    async def main():
        asyncio.ensure_future(event.wait_async())  # nobody keeps it
        (task,) = await begin(event.wait_async())
        await blocked(server, 1)
        pulse(event)
        assert await task
        await begin(event.wait_async())

    for _ in range(3):
        in_loop(main)


def test_end_without_tidying_up(event):
    """A loop that is closed when the wait is over has no connection left."""
    for new_loop in LOOPS.values():
        loop = new_loop()
        assert loop.run_until_complete(event.wait_async(0.01)) is False
        loop.close()
        gc.collect()  # with warnings as errors


def test_loop_closed_with_waits(event, server):
    """A loop that is closed although somebody waits is collected, with its connections."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(event.wait_async())
    loop.run_until_complete(blocked(server, 1))
    loop.set_exception_handler(lambda loop, context: None)  # the task was pending: so it was
    loop.close()
    reference = weakref.ref(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's, of what was open
        del loop, task
        gc.collect()
    assert reference() is None


# ---- processes -------------------------------------------------------------------------------

PROGRAM = """
import asyncio, sys
from systemevent import SystemEvent
async def main():
    task = asyncio.ensure_future(SystemEvent(sys.argv[1]).wait_async())
    await asyncio.sleep(0.1)
    print("waiting", flush=True)
    {}
asyncio.run(main())
"""


def program(then, name):
    return command(sys.executable, "-W", "error", "-c", PROGRAM.format(then), name)


def test_ctrl_c(event):
    """Ctrl-C ends asyncio.run(), with KeyboardInterrupt and nothing else."""
    with program("await task", event.name) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == (2 if sys.version_info >= (3, 11) else 1)
    assert errors.endswith("KeyboardInterrupt\n")


def test_exit_is_silent(event):
    """A program that ends while it waits says nothing about it."""
    with program("pass", event.name) as process:
        assert process.communicate(timeout=DEADLINE) == ("waiting\n", "")
    assert process.returncode == 0


def test_fork(in_loop, event, server):
    """A child that is forked while somebody awaits has a loop and connections of its own."""

    def in_child():
        mine = ports_of(os.getpid()) & server.blocked_ports()

        async def main():
            (task,) = await begin(event.wait_async(DEADLINE))
            await blocked(server, 2)
            event.set()
            return await task

        return not mine and run(asyncio.new_event_loop, main)

    async def main():
        (task,) = await begin(event.wait_async())
        await blocked(server, 1)
        with worker(in_child) as child:
            assert await task is True
            assert child.result() is True
        with contextlib.suppress(asyncio.CancelledError):
            await task

    in_loop(main)


def test_imports():
    """Opening an event imports nothing of ours for asyncio."""
    code = (
        "import sys\nfrom systemevent import SystemEvent\nSystemEvent('warm').is_set()\n"
        "print([name for name in sys.modules if name.startswith('systemevent') and 'aio' in name])"
    )
    with command(sys.executable, "-c", code) as process:
        assert process.communicate(timeout=DEADLINE) == ("[]\n", "")


def test_keeps_no_context(in_loop, event):
    """The variables of the task that waits first end with the task, also if others wait on."""

    async def main():
        first = asyncio.create_task(serve_one(event, 0.1))
        (other,) = await begin(event.wait_async())
        one = await first
        del first
        await asyncio.sleep(0)  # in this turn, the loop has it still
        gc.collect()
        assert one() is None
        event.set()
        assert await other

    in_loop(main)
