"""The judge of whole histories: of one event, or of several.

Of several, each event's history is judged alone (projection.py), and if there is a wait_all, all of
them together (joint.py). Illegal is what is so in any of these; legal, what is so in all of them.
"""

from . import joint, joint_liveness, liveness
from .checker import EPSILON_NS, Verdict
from .checker import judge as judge_one
from .history import end_of, letters
from .joint_window import find_window
from .projection import events_in, projected, waiting


def judge(operations, epsilon_ns=EPSILON_NS, explain=True):
    """Judge a history: a Verdict (see checker.py)."""
    events = events_in(operations)
    if not events:
        return judge_one(operations, epsilon_ns, explain=explain)
    verdicts = [
        judge_one(projected(operations, event), epsilon_ns, explain=explain)._replace(
            about=f"event {letters(event)}"
        )
        for event in events
    ]
    if any(each.kind == "wait_all" for each in operations):
        verdicts.append(judge_together(operations, epsilon_ns, explain))
    order = "illegal", "unknown", "legal"
    worst = min(verdicts, key=lambda each: order.index(each.kind))
    return worst._replace(peak=max(each.peak for each in verdicts))


def judge_together(operations, epsilon_ns=EPSILON_NS, explain=True):
    """Could all flags together have been like this? (Whatever each of them shows alone.)"""
    wanted, owners = [], []
    for operation in operations:
        for each in joint.demands(operation, epsilon_ns):
            wanted.append(each)
            owners.append(operation)
    outcome = joint.sweep(wanted)
    at = None if outcome.at is None else owners[outcome.at]
    window = None
    if outcome.verdict == "illegal" and explain:
        window = find_window(wanted, owners, outcome.time)
        at = window.culprit
    return Verdict(outcome.verdict, at, window, outcome.peak, "all events together")


def delays(operations, bound_ns, end=None, set_at_end=None, pulses_count=True):
    """As liveness.delays(), of one event or of several."""
    events = events_in(operations)
    if not events:
        return liveness.delays(operations, bound_ns, end, set_at_end, pulses_count)
    if end is None:
        end = end_of(operations)
    found = []
    for event in events:
        own = waiting(operations, event)
        found += liveness.delays(own, bound_ns, end, set_at_end, pulses_count)
    return found + joint_liveness.delays(operations, bound_ns, end, pulses_count)


def complaints(operations, bound_ns, *args, **kwargs):
    """Those of delays() that are longer than the bound, one of each wait."""
    return liveness.too_long(delays(operations, bound_ns, *args, **kwargs), bound_ns)
