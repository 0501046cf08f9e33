"""Small histories: drawn by hypothesis, played on a flag, or written by hand."""

from harness.history import Operation
from hypothesis import strategies as st


def op(kind, invoked, returned, result=None, timeout=None, worker=0, died=None, looked=None):
    """A call; `returned` None: pending."""
    return Operation(worker, 0, kind, invoked, returned, died, timeout, result, looked)


@st.composite
def operations(draw):
    """One call with small integers as times."""
    kind = draw(st.sampled_from(["set", "clear", "is_set", "wait", "wait"]))
    invoked = draw(st.integers(0, 9))
    returned = draw(st.integers(invoked, 12))
    if draw(st.integers(0, 11)) == 0:
        return op(kind, invoked, None, died=draw(st.sampled_from([None, returned])))
    result = None if kind in ("set", "clear") else draw(st.booleans())
    timeout = None
    if kind == "wait":
        timeout = draw(st.sampled_from([None, -1, 0, 1, 2, 3, 4, 6, returned - invoked]))
    return op(kind, invoked, returned, result, timeout)


def numbered(calls):
    """The calls as those of one worker each."""
    return [call._replace(worker=i) for i, call in enumerate(calls)]


histories = st.lists(operations(), min_size=1, max_size=7).map(numbered)


def simulated(source, processes=4, calls=8):
    """A legal history: the calls act on a flag at instants that are known."""
    flag, edges, history = False, [], []
    instants = sorted(source.sample(range(2, 60), calls))
    for i, now in enumerate(instants):
        kind = source.choice(["set", "clear", "is_set", "wait"])
        if kind in ("set", "clear"):
            flag = kind == "set"
            edges.append((now, flag))
        invoked, returned = now - source.randint(0, 2), now + source.randint(0, 2)
        result = flag if kind in ("is_set", "wait") else None
        timeout = source.choice([0, -3]) if kind == "wait" and not flag else None
        history.append(Operation(i % processes, i, kind, invoked, returned, None, timeout, result))
    return history


@st.composite
def legal_histories(draw):
    """A legal history with time-outs: each call acts at instants that are drawn with it."""
    edges = sorted(draw(st.lists(st.integers(1, 12), max_size=4)))  # rise, fall, rise, ...
    source = draw(st.randoms(use_true_random=False))
    calls = []
    for i, at in enumerate(edges):
        calls.append(op("clear" if i % 2 else "set", at - source.randint(0, 2), at))
        calls[-1] = calls[-1]._replace(returned=at + source.randint(0, 2))
        if source.random() < 0.1:  # killed after it took effect
            calls[-1] = calls[-1]._replace(died=calls[-1].returned, returned=None)
    bounds = [0, *edges, 14]
    while len(calls) < 7:
        i = source.randrange(len(bounds) - 1)
        begin, end = sorted(source.randint(*bounds[i : i + 2]) for _ in range(2))
        kind = source.choice(["is_set", "wait"])
        timeout = source.choice([None, 3] if i % 2 else [0, -1, end - begin])
        if kind == "is_set" or (i % 2 == 0 and timeout == end - begin <= 0):
            timeout = None if kind == "is_set" else 0
        invoked, returned = begin - source.randint(0, 1), end + source.randint(0, 1)
        calls.append(op(kind, invoked, returned, i % 2 == 1, timeout))
    return numbered(calls)


@st.composite
def overlapping_time_outs(draw):
    """Several waits that time out, with time to spare or none, a pulse or two, and other calls.

    Some stretches are over while others can begin anew, and the calls that lie between return.
    """
    small = st.integers(0, 3)
    calls = []
    for _ in range(draw(st.integers(2, 4))):
        invoked = draw(small)
        length, spare = draw(st.integers(1, 6)), draw(st.sampled_from([0, 0, 1, 3, 9]))
        calls.append(op("wait", invoked, invoked + length + spare, False, length))
    for _ in range(draw(st.integers(1, 2))):
        at, length = draw(st.integers(0, 9)), draw(small)
        calls.append(op("set", at, at + length))
        calls.append(op("clear", at + draw(small), at + length + 3))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, 9))
        end = at + draw(small)
        kind = draw(st.sampled_from(["set", "clear", "is_set"]))
        result = True if kind == "is_set" else None
        dies = result is None and draw(st.booleans())
        calls.append(op(kind, at, None if dies else end, result, died=end if dies else None))
    return numbered(calls)
