"""Histories: what every worker did, when, and what came of it.

Each worker (a process, a thread, a C program) writes every call into a file of its own, mapped into
memory: a record is *begun* directly before the call and *completed* directly after it. So the
interval [invocation, response] encloses the call, and a worker that is killed inside it leaves a
record without a response: a *pending* operation, which may or may not have taken effect.

Why not one shared log, or a pipe? A lock in the log would order the calls that it is to observe (a
lost wake-up disappears when both sides take the log's lock first), and what a killed worker had not
flushed would be missing: "False" of an event that a dead setter had set would look illegal. A store
into a mapped page costs no system call and survives SIGKILL.

A directory of such files, `<worker>.log`, is a history: all that is needed to judge and draw again.
"""

import itertools
import json
import mmap
import os
import struct
import time
from pathlib import Path
from typing import NamedTuple

# The layout, shared with C programs through history.h beside this file. All in native byte order.
#
# A commit is the last store of each half: a record exists once `kind` is not 0, and has its
# response once `returned` is not 0. So nothing that SIGKILL can leave is misread.
MAGIC = b"SE-HIST1"
HEADER = struct.Struct("@8sIIQ40x")  # magic, worker, process id, death (0: alive); 64 bytes
_DEATH = 16
_BEGIN = struct.Struct("@QqIIB")  # invoked, timeout, worker, number, kind
_ASKED_AT = 25  # of which events, as bits; 0: of the only one
_LOOK = struct.Struct("@I")  # nanoseconds from invoked to looked, and 1; 0: unknown
_LOOK_AT, _END_AT = 28, 32
_END = struct.Struct("@BB6xQ")  # result, answer (of wait_any: those that were set), returned
RECORD = struct.Struct("@QqIIBB2xIBB6xQ")

SET, CLEAR, IS_SET, WAIT, WAIT_ANY, WAIT_ALL = 1, 2, 3, 4, 5, 6
KINDS = ("", "set", "clear", "is_set", "wait", "wait_any", "wait_all")
#: Those that wait.
WAITS = KINDS[WAIT:]
#: The events of a run that has several; each is a bit, A is 1.
LETTERS = "ABCDEFGH"
#: Beside False and True: the call returned nothing, or it raised.
NOTHING, RAISED = 2, 3
#: The `timeout` of a wait without one.
NO_LIMIT = 2**63 - 1


def letters(events):
    """The letters of these events: "AB" for 3."""
    return "".join(letter for i, letter in enumerate(LETTERS) if events >> i & 1)


class Operation(NamedTuple):
    """One call. Times are CLOCK_MONOTONIC, in nanoseconds."""

    worker: int
    number: int  # counts the calls of this worker
    kind: str  # one of KINDS
    invoked: int
    returned: int | None = None  # None: pending
    died: int | None = None  # pending: it cannot have taken effect later than this; None: unknown
    timeout: int | None = None  # of a wait; None: no limit
    result: bool | None = None  # of is_set and the waits; of wait_any: was any set?
    looked: int | None = None  # a wait that can tell: since then it misses no set
    asked: int = 0  # of which events, as bits; 0: there is only one
    answer: int | None = None  # of wait_any: those that were set, as bits

    def __str__(self) -> str:
        return self.words("" if self.timeout is None else f"{self.timeout / 1e6:g} ms")

    def words(self, limit: str, pending: str = "…") -> str:
        """The call: wait_all(AB, 3 ms) → True; `limit`: its time-out."""
        kind = self.kind
        if self.answer is not None:
            kind = "wait_any"  # also where it is drawn as what it means for one of its events
        elif kind == "wait" and self.asked & (self.asked - 1):
            kind = "wait_all"
        call = f"{kind}({', '.join(filter(None, (letters(self.asked), limit)))})"
        if self.returned is None:
            return f"{call} {pending}"
        if self.answer is not None:
            return f"{call} → [{', '.join(letters(self.answer))}]"
        return call if self.result is None else f"{call} → {self.result}"


def end_of(operations):
    """The latest time in a history."""
    return max(each.invoked if each.returned is None else each.returned for each in operations)


class LogFull(Exception):
    """The log's file has no room for another record: open it with a larger capacity."""


class Log:
    """The log of one worker. Reentrant: a signal handler may log calls inside a logged call.

    log = Log(directory, worker=3)
    at = log.invoke(WAIT, timeout_ns)
    log.respond(at, event.wait(timeout))
    """

    __slots__ = ("_buffer", "_next", "_worker", "path")

    def __init__(self, directory, worker, capacity=1 << 18):
        self.path = Path(directory) / f"{worker}.log"
        size = HEADER.size + capacity * RECORD.size
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            os.ftruncate(descriptor, size)  # sparse: only what is written takes room
            self._buffer = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self._worker = worker
        # A counter hands out each number once, also to a handler that interrupts invoke().
        self._next = itertools.count()
        HEADER.pack_into(self._buffer, 0, MAGIC, worker, os.getpid(), 0)

    def invoke(
        self, kind, timeout=NO_LIMIT, asked=0, _pack=_BEGIN.pack_into, _now=time.monotonic_ns
    ):
        """Begin a record directly before the call; return what respond() needs."""
        number = next(self._next)
        at = number * 48 + 64
        try:
            if asked:
                self._buffer[at + _ASKED_AT] = asked
            _pack(self._buffer, at, _now(), timeout, self._worker, number, kind)
        except (struct.error, IndexError) as error:
            raise LogFull(f"{self.path}: {error}") from None
        return at

    def looked(self, at):
        """Note in the middle of a wait that it has begun: it has read the event once."""
        (invoked,) = struct.unpack_from("@Q", self._buffer, at)
        after = time.monotonic_ns() - invoked
        if after < 2**32 - 1:
            _LOOK.pack_into(self._buffer, at + _LOOK_AT, after + 1)

    def respond(self, at, result=NOTHING, answer=0, _pack=_END.pack_into, _now=time.monotonic_ns):
        """Complete it directly after the call, with True, False, NOTHING or RAISED."""
        now = _now()
        _pack(self._buffer, at + _END_AT, result, answer, now)

    def close(self):
        """Unmap the file; records stay as they are."""
        self._buffer.close()


def mark_dead(directory, worker, died=None):
    """Note when a killed worker was certainly dead: now, unless told. Call it after reaping."""
    with open(Path(directory) / f"{worker}.log", "r+b") as file:
        file.seek(_DEATH)
        file.write(struct.pack("@Q", died or time.monotonic_ns()))


def _read(path):
    """The operations of one log, in the order of their numbers."""
    with open(path, "rb") as file:
        header = file.read(HEADER.size)
        if not any(header[: len(MAGIC)]):
            return  # killed before it had written anything; its death may be noted
        if len(header) < HEADER.size or not header.startswith(MAGIC):
            raise ValueError(f"{path} is not a log of this harness")
        death = HEADER.unpack(header)[3] or None
        # A block without any record is the end: a handler that ran before its outer call was
        # written leaves one hole, not a thousand.
        while any(block := file.read(RECORD.size * 1024)):
            usable = len(block) - len(block) % RECORD.size
            for fields in RECORD.iter_unpack(block[:usable]):
                invoked, timeout, worker, number, kind, asked, look, result, answer, returned = (
                    fields
                )
                if not kind:
                    continue
                died = None
                if not returned:
                    returned, died, result = None, death, NOTHING
                elif result == RAISED:  # it may have taken effect before it raised
                    returned, died, result = None, returned, NOTHING
                limited = kind >= WAIT and timeout != NO_LIMIT
                yield Operation(
                    worker,
                    number,
                    KINDS[kind],
                    invoked,
                    returned,
                    died,
                    timeout if limited else None,
                    bool(result) if result < NOTHING else None,
                    invoked + look - 1 if look else None,
                    asked,
                    answer if kind == WAIT_ANY and result < NOTHING else None,
                )


def load(directory):
    """All operations of the logs in that directory, worker by worker."""
    paths = sorted(Path(directory).glob("*.log"), key=lambda path: (len(path.name), path.name))
    if not paths:
        raise ValueError(f"no logs in {directory}")
    return [operation for path in paths for operation in _read(path)]


def save(directory, operations, **settings):
    """Write a history as logs, with settings such as epsilon_ns, into a new directory."""
    directory = Path(directory)
    directory.mkdir(parents=True)
    by_worker = {}
    for operation in operations:
        if operation.returned == 0:
            raise ValueError(f"a log cannot hold a response at time 0: {operation}")
        by_worker.setdefault(operation.worker, []).append(operation)
    for worker, own in by_worker.items():
        data = bytearray(HEADER.pack(MAGIC, worker, 0, 0))
        for operation in sorted(own, key=lambda operation: operation.number):
            result = NOTHING if operation.result is None else operation.result
            returned = operation.returned
            if returned is None and operation.died is not None:
                result, returned = RAISED, operation.died  # says the same of a single operation
            limit = NO_LIMIT if operation.timeout is None else operation.timeout
            kind = KINDS.index(operation.kind)
            look = 0 if operation.looked is None else operation.looked - operation.invoked + 1
            begin = operation.invoked, limit, worker, operation.number, kind, operation.asked
            data += RECORD.pack(*begin, look, result, operation.answer or 0, returned or 0)
        (directory / f"{worker}.log").write_bytes(data)
    save_settings(directory, **settings)


def save_settings(directory, **settings):
    """Keep with a history what it must be judged by: epsilon_ns, bound_ns, the seed, ..."""
    (Path(directory) / "settings.json").write_text(json.dumps(settings, indent=1) + "\n")


def load_settings(directory):
    """What save_settings() kept; {} if nothing."""
    path = Path(directory) / "settings.json"
    return json.loads(path.read_text()) if path.exists() else {}


def to_json(operations):
    """A small history as JSON: a list of objects without their defaults."""
    defaults = Operation._field_defaults
    rows = [
        {name: value for name, value in row._asdict().items() if value != defaults.get(name, ...)}
        for row in operations
    ]
    return "[\n" + ",\n".join(" " + json.dumps(row) for row in rows) + "\n]"


def from_json(text):
    """The history that to_json() wrote."""
    return [Operation(**row) for row in json.loads(text)]
