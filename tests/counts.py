"""How many references each call loses or keeps: of None, True, False, and of what it is given.

    python counts.py [EXTENSION]

EXTENSION: the file of another build of systemevent._word. Prints the calls that do not come out
even, and what they do in ROUNDS calls; nothing if all is well.

From CPython 3.12 on, None and its like have no count any more; what loses references of them there
does so on older versions, which is where this is to be run.
"""

import gc
import importlib.util
import os
import sys

ROUNDS = 1000


def use(extension):
    """Let systemevent import that build."""
    spec = importlib.util.spec_from_file_location("systemevent._word", extension)
    module = importlib.util.module_from_spec(spec)
    sys.modules["systemevent._word"] = module
    spec.loader.exec_module(module)


def calls_of(event, other, word):
    """Each call of the extension, in each of its outcomes."""

    def refused(call):
        try:
            call()
        except (TypeError, ValueError, OverflowError):
            return
        raise AssertionError("it should have been refused")

    def cleared(call):
        event.clear()
        return call

    def both(change):
        change(event)
        change(other)

    kind = type(event)
    control = word.Control()
    watch = word.Watch(event)

    def changed():
        word.wait_since((watch,), None, control, control.value - 1)

    both(kind.clear)
    yield "is_set, clear", event.is_set
    yield "wait, 0", lambda: event.wait(0)
    yield "wait, a timeout that passes", lambda: event.wait(1e-9)
    yield "wait, by name", lambda: event.wait(timeout=0)
    yield "wait, no timeout", lambda: refused(lambda: event.wait("1"))
    yield "wait, too long", lambda: refused(lambda: event.wait(1e30))
    yield "wait_any, in vain", lambda: word.wait_any((event,), 0)
    yield "wait_any, a timeout that passes", lambda: word.wait_any((event, event), 1e-9)
    yield "wait_all, in vain", lambda: word.wait_all((event,), 0)
    yield "wait_all, a timeout that passes", lambda: word.wait_all((event, event), 1e-9)
    yield "wait_any, what is no event", lambda: refused(lambda: word.wait_any((None,), 0))
    yield "Watch, nothing happened", lambda: watch.happened()
    yield "Watch, anew", lambda: watch.again()
    yield "wait_since, a timeout that passes", lambda: word.wait_since((watch,), 1e-9, control, 0)
    yield "set", event.set
    yield "is_set, set", event.is_set
    yield "wait, set", event.wait
    yield "wait_any, set", lambda: word.wait_any((event,), None)
    yield "wait_any, one of two set", lambda: word.wait_any((event, other), None)
    other.set()
    yield "wait_all, set", lambda: word.wait_all((event, other), None)
    yield "Watch, something happened", lambda: watch.happened()
    yield "wait_since, something happened", lambda: word.wait_since((watch,), None, control, 0)
    yield "wait_since, another control", changed
    yield "Control, change", control.change
    yield "clear", event.clear
    yield "deadline_of, None", lambda: word.deadline_of(None)
    yield "deadline_of, 0", lambda: word.deadline_of(0)
    yield "deadline_of, 1", lambda: word.deadline_of(1.5)
    yield "sleep_on_value_only", lambda: word.sleep_on_value_only(False)
    yield "sleeps_on_both_halves", word.sleeps_on_both_halves
    yield "own_methods", lambda: word.own_methods(kind)
    yield "own_methods, of others", lambda: refused(lambda: word.own_methods(int))
    yield "closed, open", lambda: event.closed
    yield "device, inode", lambda: (event.device, event.inode)
    other.close()
    yield "closed, closed", lambda: other.closed
    yield "close, again", other.close
    yield "use of a closed one", lambda: refused(other.is_set)


def main(extension=None):
    if extension:
        use(extension)
    from systemevent import SystemEvent, unlink
    from systemevent import _word as word

    assert extension in (None, word.__file__)
    names = [f"test.{os.getpid()}.counts.{i}" for i in range(2)]
    event, other = map(SystemEvent, names)
    for name in names:
        unlink(name)
    counted = {"None": None, "True": True, "False": False, "event": event, "type": type(event)}
    for what, call in calls_of(event, other, word):
        for _ in range(10):
            call()  # what is kept for the next time
        gc.collect()
        gc.disable()
        before = [sys.getrefcount(each) for each in counted.values()]
        for _ in range(ROUNDS):
            call()
        after = [sys.getrefcount(each) for each in counted.values()]
        gc.enable()
        for name, one, two in zip(counted, before, after, strict=True):
            # Each round would count; and of None, the interpreter itself drops some at any time.
            if abs(two - one) > ROUNDS / 2:
                print(f"{what}: {name} {two - one:+}")


if __name__ == "__main__":
    main(*sys.argv[1:])
