"""``python -m bench.checker``: how many operations a second the harness's checker judges.

The history is legal by construction: eight processes that always are inside a call act on a
simulated flag, each at a random instant of its call. Some waits run into their time-out, and the
simulated event rests while such a wait lasts, as in the quiet rounds of the harness.

The first run meets most frontiers for the first time (tests/harness/sweep.py remembers them), so it
is the slowest; a session of the harness judges many histories, so the median is what it sees.
"""

import argparse
import gc
import random
import statistics
import tempfile
import time
from pathlib import Path

from tests.harness.checker import judge
from tests.harness.history import Operation, load, save

PROCESSES = 8
OPERATIONS = 200_000
RUNS = 5
KINDS = ("set", "clear", "is_set", "wait")


def history(count, processes=PROCESSES, seed=1, timeouts=True):
    """A legal history of about `count` operations of processes that overlap all the time."""
    source = random.Random(seed)
    flag = False
    now = 1_000_000
    calls = []
    numbers = [0] * processes
    # Of every process: when it was invoked, what it does, whether it has done it, the result.
    doing = [[now, "set", False, None, None] for _ in range(processes)]
    waiting = {}  # who of them waits, and has not been woken
    waits = 0
    quiet_until = 0

    def respond(i):
        nonlocal waits
        invoked, kind, _, result, timeout = doing[i]
        waits -= kind == "wait"
        numbers[i] += 1
        calls.append(Operation(i, numbers[i], kind, invoked, now, None, timeout, result))
        kind = source.choice(KINDS)
        if waits == processes - 1:
            kind = "set"  # or all would wait for ever
        doing[i] = [now + source.randint(50, 500), kind, False, None, None]
        if kind == "wait":
            waits += 1
            waiting[i] = doing[i]

    while len(calls) < count:
        now += source.randint(100, 2000)
        i = source.randrange(processes)
        invoked, kind, done, *_ = doing[i]
        if invoked > now:
            continue
        if done:
            respond(i)
        elif kind == "set":
            if now < quiet_until:
                continue
            flag, doing[i][2] = True, True
            for j, each in list(waiting.items()):  # wakes every waiter
                if each[0] <= now:
                    each[2:] = True, True, each[4]
                    del waiting[j]
        elif kind == "clear":
            flag, doing[i][2] = False, True
        elif kind == "is_set":
            doing[i][2:] = True, flag, None
        elif flag:
            doing[i][2:] = True, True, None
            del waiting[i]
        elif timeouts and now >= quiet_until and source.random() < 0.5:
            timeout = source.randint(5_000, 50_000)
            quiet_until = now + timeout
            doing[i][4] = timeout
            doing[i][0] = now
        elif doing[i][4] is not None and now >= doing[i][0] + doing[i][4]:
            doing[i][2:] = True, False, doing[i][4]
            del waiting[i]
    return calls


def crowd(count, waiters=1000, seed=1, limited=0.3):
    """A legal history of waits that all overlap, and of pulses that wake them all at once.

    `limited`: the share of waits with a time-out. In every other round there is silence before the
    pulse, and they return False, hundreds of overlapping ones, and are called again without limit.
    """
    source = random.Random(seed)
    now = 1_000_000
    calls = []
    numbers = [0] * (waiters + 1)
    free = [now] * waiters

    def call(worker, kind, invoked, returned, result=None, timeout=None):
        numbers[worker] += 1
        calls.append(
            Operation(worker, numbers[worker], kind, invoked, returned, None, timeout, result)
        )

    silent = False
    while len(calls) < count:
        invoked = [each + source.randint(200, 20_000) for each in free]
        limits = [
            source.randint(20_000_000, 40_000_000) if source.random() < limited else None
            for _ in invoked
        ]
        if silent:
            for i, limit in enumerate(limits):
                if limit is not None:
                    returned = invoked[i] + limit + source.randint(100, 2_000_000)
                    call(i + 1, "wait", invoked[i], returned, False, limit)
                    invoked[i], limits[i] = returned + source.randint(200, 20_000), None
        now = max(invoked) + 1_000
        call(0, "set", now, now + 700)
        call(0, "clear", now + 1_000, now + 1_700)
        call(0, "is_set", now + 2_000, now + 2_300, False)
        for i, limit in enumerate(limits):  # late, but in time for the next round
            free[i] = now + 3_000 + source.randint(0, 15_000_000)
            call(i + 1, "wait", invoked[i], free[i], True, limit)
        silent = not silent
    return calls


def measure(name, operations, runs=RUNS):
    """Print how many of these are judged in a second: the median of several runs."""
    rates = []
    for _ in range(runs):
        gc.collect()
        begin = time.process_time()  # of one core, whatever else the machine does
        verdict = judge(operations)
        rates.append(len(operations) / (time.process_time() - begin))
        assert verdict.kind == "legal", verdict
    expired = sum(each.kind == "wait" and each.result is False for each in operations)
    print(
        f"{name}, {len(operations):,} operations "
        f"({100 * expired / len(operations):.1f} % of them time-outs): "
        f"{statistics.median(rates):,.0f} operations a second of CPU time (median of {runs}; "
        f"first {rates[0]:,.0f}, best {max(rates):,.0f}; {verdict.peak} states at the peak)"
    )


def main():
    """Eight processes, and then thousands; and how fast a saved history is read."""
    parser = argparse.ArgumentParser(prog="python -m bench.checker", description=main.__doc__)
    parser.add_argument("count", nargs="?", type=int, default=OPERATIONS, help="operations")
    count = parser.parse_args().count
    operations = history(count)
    measure(f"{PROCESSES} overlapping processes", operations)
    measure(f"{PROCESSES} overlapping processes", history(count, timeouts=False))
    measure("2,000 overlapping workers", history(count // 2, 2000), runs=3)
    measure("1,000 waits woken together", crowd(count // 2, 1000), runs=3)
    with tempfile.TemporaryDirectory() as directory:
        save(Path(directory) / "logs", operations)
        begin = time.process_time()
        loaded = load(Path(directory) / "logs")
        rate = len(loaded) / (time.process_time() - begin)
    print(f"reading logs: {rate:,.0f} operations a second of CPU time")


if __name__ == "__main__":
    main()
