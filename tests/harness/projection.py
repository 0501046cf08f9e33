"""Projections: a history of several events, as each of them alone has seen it.

- wait_any → R: of an event in R, a wait → True; of another one, "is it set?" → False, at an instant
  of its own. wait_any → []: a wait → False, of each.
- wait_all → True: of each, a wait → True. That is necessary and not sufficient: see joint.py. From
  wait_all → False nothing follows for any of them alone.
"""


def events_in(operations):
    """The events of a history, as bits."""
    return sorted({1 << i for each in operations for i in range(8) if each.asked >> i & 1})


def projected(operations, event):
    """What the event has seen; the calls still say of which events they were."""
    found = []
    for each in operations:
        if not each.asked & event:
            continue
        if each.kind == "wait_any":
            if each.returned is None:
                continue
            if each.answer and not each.answer & event:
                each = each._replace(kind="is_set", result=False, timeout=None)
            else:
                each = each._replace(kind="wait")
        elif each.kind == "wait_all":
            if not each.result:
                continue
            each = each._replace(kind="wait")
        found.append(each)
    return found


def waiting(operations, event):
    """The same for liveness: a wait_any must end with a set of any of its events."""
    return [
        each._replace(kind="wait", answer=each.answer or 0) if each.kind == "wait_any" else each
        for each in operations
        if each.asked & event and each.kind != "wait_all"
    ]
