"""Small histories of several events: drawn by hypothesis, played on flags, or written by hand."""

from harness.history import LETTERS
from histories import numbered, op
from hypothesis import strategies as st

KINDS = ("set", "set", "clear", "is_set", "wait_any", "wait_all", "wait_all")


def bits(letters):
    """The bits of these events."""
    return sum(1 << LETTERS.index(letter) for letter in letters)


def of(letters, *call, answer=None, **about):
    """A call of one event, or of several; `answer`: of wait_any, the letters of those returned."""
    one = op(*call, **about)._replace(asked=bits(letters))
    if one.kind == "wait_any" and one.returned is not None:
        one = one._replace(answer=bits(answer or ""), result=bool(answer))
    return one


@st.composite
def _calls(draw, timed):
    kind = draw(st.sampled_from(KINDS))
    invoked = draw(st.integers(0, 9))
    returned = draw(st.integers(invoked, 12))
    asked = draw(st.sampled_from("AB" if kind in ("set", "clear", "is_set") else ["A", "AB", "AB"]))
    if draw(st.integers(0, 11)) == 0:
        return of(asked, kind, invoked, None, died=draw(st.sampled_from([None, returned])))
    if kind == "wait_any":
        answer = "".join(letter for letter in asked if draw(st.booleans()))
        limits = [0, -1, 2, 4, returned - invoked] if timed else [0, -1]
        limit = draw(st.sampled_from([None, *limits] if answer else limits))
        return of(asked, kind, invoked, returned, timeout=limit, answer=answer)
    result = None if kind in ("set", "clear") else draw(st.booleans())
    limit = None
    if kind == "wait_all":
        limit = draw(st.sampled_from([None, None, 3] if result else [0, -1, 2, 4, None]))
    return of(asked, kind, invoked, returned, result, limit)


#: `point_histories`: without a wait_any that timed out, whose stretch the joint checker leaves out.
histories_of_several = st.lists(_calls(True), min_size=2, max_size=6).map(numbered)
point_histories = st.lists(_calls(False), min_size=2, max_size=6).map(numbered)


def simulated(source, events="ABC", calls=9):
    """A legal history: the calls act on flags at instants that are known."""
    flags, history = 0, []
    for now in sorted(source.sample(range(2, 40), calls)):
        kind = source.choice(KINDS)
        asked = source.sample(events, 1 if kind[0] != "w" else source.randint(2, len(events)))
        mask = bits(asked)
        when = now - source.randint(0, 3), now + source.randint(0, 3)
        if kind == "set":
            flags |= mask
            history.append(of(asked, kind, *when))
        elif kind == "clear":
            flags &= ~mask
            history.append(of(asked, kind, *when))
        elif kind == "wait_any":
            answer = [letter for letter in asked if bits(letter) & flags]
            history.append(of(asked, kind, *when, timeout=0, answer=answer))
        else:
            history.append(of(asked, kind, *when, flags & mask == mask, timeout=0))
            if kind == "is_set":
                history[-1] = history[-1]._replace(timeout=None)
    return numbered(history)
