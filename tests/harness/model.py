"""The model: what threading.Event could have shown, in words and by brute force.

The event is one flag, clear at first. A history is *legal* if instants can be found, each inside
the interval of its operation, such that

- `set` and `clear` take effect at one instant;
- `is_set` → b: at one instant the flag is b;
- `wait` → True: at one instant the flag is set (a pulse of no length counts);
- `wait(T)` → False, T > 0: there are instants p ≤ q, q - p ≥ T - ε, and the flag is clear
  throughout [p, q]. T ≤ 0: at one instant it is clear. Without a limit: never;
- a pending `set` or `clear` of a killed worker takes effect once, no later than its death, or
  never; a pending `is_set` or `wait` says nothing.

Of several events, each is a flag like this one. In addition:

- `wait_any` → R, not empty: for each event in R at one instant it is set; for each of the others at
  one instant it is clear. These instants need not be the same;
- `wait_any(T)` → []: of each event as a `wait(T)` → False;
- `wait_all` → True: at one instant all are set;
- `wait_all(T)` → False: at one instant not all are set; if T > 0, no earlier than T - ε after the
  invocation.

Several instants may fall on the same nanosecond, in any order. Intervals are closed: on a tie the
invocation comes first, so two operations that touch overlap. (The clock may not have ticked in
between; a half-open rule would call "set [0,5], is_set → True [5,6]" illegal if the store was the
last thing that set did.)

Why a stretch and not an instant for `wait` → False: set [0,1], clear [40,41], wait(100) → False
[10,110] has an instant at which the flag is clear, and yet threading.Event would have said True.
And why not all of [p + T, returned]: between the time-out and the return the event may be set.

The search below tries everything (after Wing and Gong, "Testing and verifying concurrent objects",
1993) and is the oracle for checker.py. It knows none of the ideas that make the checker fast. It
steps through the integers as times: all bounds are integers and all constraints are differences, so
where real instants exist, integer ones do.
"""

from functools import cache


def is_legal_by_brute_force(operations, epsilon_ns=0, from_unknown=False):
    """Is this history legal? For a handful of operations with small integers as times.

    `from_unknown`: it is a part of a history, and the flag may be set or clear at first.
    """
    # What each must do: (first and last instant, must happen, value, stretch or None, of which).
    tasks = []
    for operation in operations:
        last = operation.returned if operation.returned is not None else operation.died
        done = operation.returned is not None
        first, asked = operation.invoked, operation.asked or 1
        if operation.kind in ("set", "clear"):
            tasks.append((first, last, done, operation.kind, None, asked))
        elif done:
            stretch = None
            may_block = operation.timeout is None or operation.timeout > 0
            if operation.kind.startswith("wait") and not operation.result:
                if operation.timeout is None:
                    return False
                stretch = operation.timeout - epsilon_ns if may_block else 0
            if operation.kind == "wait_all" and not operation.result:
                tasks.append((first + max(0, stretch), last, True, "see clear", None, asked))
            elif operation.kind == "wait_any":
                for event in (1 << i for i in range(8) if asked >> i & 1):
                    is_told = bool(event & operation.answer)
                    own = stretch if not operation.result else None
                    kind = "see set" if is_told else "see clear"
                    tasks.append((first, last, True, kind, own, event))
            else:
                kind = "see set" if operation.result else "see clear"
                tasks.append((first, last, True, kind, stretch, asked))
    if any(last is not None and first > last for first, last, *_ in tasks):
        return False
    every = 0
    for task in tasks:
        every |= task[5]
    times = {time for task in tasks for time in task[:2] if time is not None}
    end = max(times, default=0)
    everything = frozenset(i for i, task in enumerate(tasks) if task[2])

    @cache
    def possible(now, flags, done, began):
        """Can the rest be done? `began`: the pairs (stretch, its begin) that are under way."""
        if everything <= done and now >= end:
            return True
        for i, (first, last, _, kind, stretch, asked) in enumerate(tasks):
            if i in done or first > now or (last is not None and last < now):
                continue
            if kind == "set":
                unbroken = frozenset(each for each in began if not tasks[each[0]][5] & asked)
                if possible(now, flags | asked, done | {i}, unbroken):
                    return True
            elif kind == "clear":
                if possible(now, flags & ~asked, done | {i}, began):
                    return True
            elif kind == "see set" or stretch is None:
                if (flags & asked == asked) == (kind == "see set") and possible(
                    now, flags, done | {i}, began
                ):
                    return True
            elif not flags & asked:
                begins = [begin for j, begin in began if j == i]
                if not begins:
                    if possible(now, flags, done, began | {(i, now)}):
                        return True
                elif now - begins[0] >= stretch:
                    less = began - {(i, begins[0])}
                    if possible(now, flags, done | {i}, less):
                        return True
        # Time passes, unless somebody's last instant is now.
        if now >= end or any(
            must and last == now and i not in done for i, (_, last, must, *_) in enumerate(tasks)
        ):
            return False
        return possible(now + 1, flags, done, began)

    begin = min((task[0] for task in tasks), default=0)
    return any(
        possible(begin, flags, frozenset(), frozenset())
        for flags in (range(every + 1) if from_unknown else (0,))
    )
