"""Strips: where the times of a timeline are on the paper.

Places on the axis keep the order of times and make room for words; their distances are not to
scale. What is too long for a sheet goes on in another strip below, as music does.
"""

from typing import NamedTuple

from .timeline import layout

LEFT, RIGHT, LEAD = 88, 40, 44  # room for names, for pending bars, for the time before
_NARROWEST, _WIDEST = 620, 740  # of the axis of a strip
#: No less than the mean width of a letter.
LETTER = 7.6


class Strip(NamedTuple):
    """A part of the axis: from one of the line's times to another, in one go."""

    times: list[int]
    places: dict[int, float]
    is_first: bool
    is_last: bool

    @property
    def begin(self):
        return self.times[0]

    @property
    def end(self):
        return self.times[-1]

    @property
    def left(self):
        """Where bars begin that began before."""
        return LEFT + LEAD * 0.3

    @property
    def right(self):
        return self.x(self.end) + RIGHT

    def x(self, time):
        """Where a time is; before and after the strip: at its edges."""
        return LEFT + LEAD + self.places[min(max(time, self.begin), self.end)]

    def covers(self, begin, end):
        """Is any of this to be drawn here?"""
        if end is not None and end < self.end and end <= self.begin and not self.is_first:
            return False
        return begin < self.end or (self.is_last and begin <= self.end)


def strips(line, widest=_WIDEST):
    """The axis, cut where it would be too long for paper."""
    for narrowest in (34, 24, 16, 34):  # closer together, if one strip is then enough
        places = layout(line, narrowest, LETTER, 22)
        total = max(places.values())
        if total <= widest:
            break
    count = -(-total // widest)
    # From the end, so that the last strip, which matters most, is not what is left over.
    cuts = [line.times[-1]]
    for time, earlier in zip(line.times[-2:0:-1], line.times[-3::-1], strict=False):
        if places[cuts[0]] - places[earlier] > max(total / count * 1.1, widest * 0.5):
            cuts.insert(0, time)
    cuts.insert(0, line.times[0])
    ends = list(zip(cuts, cuts[1:], strict=False))
    longest = max(places[b] - places[a] for a, b in ends)
    found = []
    for a, b in ends:
        times = [time for time in line.times if a <= time <= b]
        stretch = max(1, min(2, max(_NARROWEST, longest) / max(1, places[b] - places[a])))
        if len(ends) == 1:
            stretch = max(1, _NARROWEST / max(1, longest))
        own = {time: (places[time] - places[a]) * stretch for time in times}
        found.append(Strip(times, own, a == cuts[0], b == cuts[-1]))
    return found
