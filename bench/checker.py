"""``python -m bench.checker``: how many operations a second the harness's checker judges.

The history is legal by construction: eight processes that always are inside a call act on a
simulated flag, each at a random instant of its call. Some waits run into their time-out, and the
simulated event rests while such a wait lasts, as in the quiet rounds of the harness.

The first run meets most frontiers for the first time (tests/harness/sweep.py remembers them), so it
is the slowest; a session of the harness judges many histories, so the median is what it sees.
"""

import gc
import random
import statistics
import sys
import time

from tests.harness.checker import judge
from tests.harness.history import Operation

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
    quiet_until = 0

    def respond(i):
        invoked, kind, _, result, timeout = doing[i]
        numbers[i] += 1
        calls.append(Operation(i, numbers[i], kind, invoked, now, None, timeout, result))
        kind = source.choice(KINDS)
        if all(each[1] == "wait" for each in doing if each is not doing[i]):
            kind = "set"  # or all would wait for ever
        doing[i] = [now + source.randint(50, 500), kind, False, None, None]

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
            for each in doing:  # wakes every waiter
                if each[1] == "wait" and not each[2] and each[0] <= now:
                    each[2:] = True, True, each[4]
        elif kind == "clear":
            flag, doing[i][2] = False, True
        elif kind == "is_set":
            doing[i][2:] = True, flag, None
        elif flag:
            doing[i][2:] = True, True, None
        elif timeouts and now >= quiet_until and source.random() < 0.5:
            timeout = source.randint(5_000, 50_000)
            quiet_until = now + timeout
            doing[i][4] = timeout
            doing[i][0] = now
        elif doing[i][4] is not None and now >= doing[i][0] + doing[i][4]:
            doing[i][2:] = True, False, doing[i][4]
    return calls


def main():
    """Print the median of several runs."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    for name, timeouts in (("with time-outs", True), ("without", False)):
        operations = history(count, timeouts=timeouts)
        expired = sum(each.kind == "wait" and each.result is False for each in operations)
        rates = []
        for _ in range(RUNS):
            gc.collect()
            begin = time.process_time()  # of one core, whatever else the machine does
            verdict = judge(operations)
            rates.append(len(operations) / (time.process_time() - begin))
            assert verdict.kind == "legal", verdict
        print(
            f"{PROCESSES} overlapping processes, {len(operations):,} operations, {name:14} "
            f"({100 * expired / len(operations):4.1f} % of the calls): "
            f"{statistics.median(rates):9,.0f} operations a second of CPU time (median of {RUNS}; "
            f"first {rates[0]:,.0f}, best {max(rates):,.0f}; {verdict.peak} states at the peak)"
        )


if __name__ == "__main__":
    main()
