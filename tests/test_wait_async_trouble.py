"""wait_async() where something goes wrong: exits, Ctrl-C, forks, no thread, no memory."""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading

import pytest
from loops import LOOPS, begin, is_asleep_now, run, threads, until, until_asleep
from processes import DEADLINE, command, until_sleeping_in_epoll, worker
from processes import until as until_in_test

from systemevent import _aio

pytestmark = pytest.mark.one_mode


@pytest.fixture(params=LOOPS)
def new_loop(request):
    """A function that makes an event loop; no thread is left behind."""
    yield LOOPS[request.param]
    until_in_test(lambda: threads() == [], "all threads have ended")


PROGRAM = """
import asyncio, sys
{imports}
from systemevent import SystemEvent
async def main():
    task = asyncio.ensure_future(SystemEvent(sys.argv[1]).wait_async())
    await asyncio.sleep(0)
    print("waiting", flush=True)
    {then}
{run}
"""
RUN = {
    "asyncio": ("", "asyncio.run(main())"),
    "uvloop": ("import uvloop", "uvloop.new_event_loop().run_until_complete(main())"),
}


def program(loop, then, name, **options):
    """A program that waits for the event in that loop, and then does this."""
    imports, start = RUN[loop]
    code = PROGRAM.format(imports=imports, then=then, run=start)
    return command(sys.executable, "-W", "error", "-c", code, name, **options)


def test_ctrl_c(event):
    """Ctrl-C ends asyncio.run(), with KeyboardInterrupt and nothing else."""
    with program("asyncio", "await task", event.name) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == (2 if sys.version_info >= (3, 11) else 1)
    assert errors.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("loop", RUN)
@pytest.mark.parametrize(
    ("then", "status"),
    [
        ("sys.exit(3)", 3),
        ("await asyncio.sleep(0.01); sys.exit(3)", 3),
        ("import os; os._exit(3)", 3),
    ],
)
def test_exit(event, loop, then, status):
    """A program that ends while it waits ends at once."""
    with program(loop, then, event.name, stderr=subprocess.DEVNULL) as process:
        process.communicate(timeout=DEADLINE)
    assert process.returncode == status


def test_exit_is_silent(event):
    """And with not a word, if asyncio.run() tidied up."""
    with program("asyncio", "await asyncio.sleep(0.01)", event.name) as process:
        assert process.communicate(timeout=DEADLINE) == ("waiting\n", "")
    assert process.returncode == 0


def test_no_thread(new_loop, event, monkeypatch):
    """If no thread can be started, every wait raises it; later ones try again."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    async def main():
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            tasks = await begin(event.wait_async(), event.wait_async())
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [str(each) for each in results] == ["can't start new thread"] * 2
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        event.set()
        assert await task is True

    run(new_loop, main)


def test_no_memory(new_loop, event, monkeypatch):
    """What the thread cannot do is raised in the wait; later ones work."""
    wait_since = _aio.wait_since
    lacks = [1]

    def without_memory(watches, *others):
        if watches and lacks:
            lacks.pop()
            raise MemoryError("out of memory")
        return wait_since(watches, *others)

    async def main():
        with monkeypatch.context() as patch:
            patch.setattr(_aio, "wait_since", without_memory)
            with pytest.raises(MemoryError, match="out of memory"):
                await event.wait_async()
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        event.set()
        assert await task is True

    run(new_loop, main)


def test_fork(new_loop, event):
    """A child that is forked while somebody awaits has a loop of its own, and ends; so does the
    parent's wait."""

    def in_child():
        async def main():
            (task,) = await begin(event.wait_async(DEADLINE))
            await until_asleep(1)
            event.set()
            return await task

        return run(new_loop, main)

    async def main():
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        with worker(in_child) as child:
            assert await task is True
            assert child.result() is True

    run(new_loop, main)


def test_fork_and_go_on(event):
    """A forked child that goes on with the same loop gets a thread of its own."""

    async def main():
        (task,) = await begin(event.wait_async(DEADLINE))
        await until_asleep(1)
        child = os.fork()
        if child == 0:
            asyncio._set_running_loop(task.get_loop())  # which a child is not, as asyncio sees it
            task.get_loop().call_later(0.01, event.set)
            try:
                await task
            finally:
                os._exit(0 if task.done() and not task.cancelled() and task.result() else 1)
        # Both have the pipe that wakes the loop: one at a time, or they take each other's wake-ups.
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert await task is True

    run(asyncio.new_event_loop, main)


def interrupted_at(count, function):
    """function(), with a KeyboardInterrupt at the count-th line of _aio.py that it executes; was
    there such a line?"""
    left = count

    def trace_lines(frame, what, argument):
        nonlocal left
        # In a with statement, the interpreter looks for signals only inside its block.
        if what == "line" and frame.f_lineno not in WITH:
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace_lines

    def trace(frame, what, argument):
        return trace_lines if frame.f_code.co_filename == _aio.__file__ else None

    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    return left <= 0


def _with_lines():
    with open(_aio.__file__) as file:
        return {number for number, line in enumerate(file, 1) if line.lstrip().startswith("with ")}


WITH = _with_lines()


class Started(threading.Event):
    """What Thread.start() waits for, when Ctrl-C ends that wait before the thread has begun."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def wait(self, timeout=None):
        raise KeyboardInterrupt

    def set(self):
        self.go.wait()
        super().set()


def end_after(loop, interrupted):
    """Run the coroutine function in the loop, which Ctrl-C ends, and end all tasks."""
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(interrupted())
    for task in asyncio.all_tasks(loop):
        task.cancel()


def test_interrupted_start(event, monkeypatch):
    """Ctrl-C comes while the thread is being started: it does nothing when it begins after all."""
    start, begun = threading.Thread.start, []

    def start_and_interrupt(self):
        self._started = Started()
        begun.append(self)
        start(self)

    async def later():
        begun[0]._started.go.set()
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        assert begun[0] not in threads()
        event.set()
        assert await asyncio.wait_for(task, DEADLINE) is True

    loop = asyncio.new_event_loop()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start_and_interrupt)
            end_after(loop, event.wait_async)
        assert len(begun) == 1
        loop.run_until_complete(later())
    finally:
        loop.close()
    until_in_test(lambda: threads() == [], "all threads have ended")


def test_interrupted_while_a_thread_ends(event, monkeypatch):
    """Ctrl-C comes when a wait begins, and the thread of an earlier one is slow to end."""
    run_thread, may_end = _aio._Sleeper._run, threading.Event()

    def run_slowly(self, *args):
        run_thread(self, *args)
        may_end.wait()

    async def earlier():
        with monkeypatch.context() as patch:
            patch.setattr(_aio._Sleeper, "_run", run_slowly)
            (task,) = await begin(event.wait_async())
            await until_asleep(1)
        (slow,) = threads()
        event.set()
        assert await task
        event.clear()
        waits = _aio._waits_of[asyncio.get_running_loop()]()
        await until(lambda: waits._threads[0]._orders is None, "the thread is to end")
        return slow

    def interrupt():
        # Not before: there it could hit any line of asyncio, and of the test.
        until_sleeping_in_epoll(os.getpid())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    async def interrupted():
        threading.Thread(target=interrupt, daemon=True).start()
        await event.wait_async()

    async def later():
        (task,) = await begin(event.wait_async())
        await until(lambda: any(map(is_asleep_now, threads())), "a thread sleeps")
        event.set()
        assert await asyncio.wait_for(task, DEADLINE) is True

    loop = asyncio.new_event_loop()
    try:
        slow = loop.run_until_complete(earlier())
        end_after(loop, interrupted)
        assert slow in threads()
        loop.run_until_complete(later())
    finally:
        may_end.set()
        loop.close()
    until_in_test(lambda: threads() == [], "all threads have ended")


def test_interrupted_anywhere(event):
    """After Ctrl-C at any line of it, later waits in the same loop work."""

    async def interrupted():
        event.clear()
        tasks = await begin(event.wait_async(), event.wait_async(0.001))
        await until_asleep(1)
        event.set()
        await asyncio.gather(*tasks)

    async def later():
        event.clear()
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        event.set()
        assert await asyncio.wait_for(task, DEADLINE) is True

    def once(count):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        try:
            there_was = interrupted_at(count, lambda: loop.run_until_complete(interrupted()))
            while tasks := asyncio.all_tasks(loop):
                for task in tasks:
                    task.cancel()
                # What a task has raised is raised once more in the one that awaits it.
                with contextlib.suppress(KeyboardInterrupt):
                    loop.run_until_complete(asyncio.wait(tasks))
            loop.run_until_complete(later())
        finally:
            loop.close()
        return there_was

    count, there_was = 0, True
    while there_was:
        count += 1
        there_was = once(count)
        gc.collect()  # the traceback of the interrupt, and what it refers to
        until_in_test(lambda: threads() == [], "all threads have ended")
    assert count > 50
