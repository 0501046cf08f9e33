"""The live line: what is measured now, and for how long the run has been going."""

import sys
import time

_begin = time.monotonic()
_shown = 0.0
_part = ""


def part(title: str) -> None:
    """A new part of the run begins."""
    global _part, _shown
    _part, _shown = title, 0.0
    if not sys.stderr.isatty():
        print(f"[{_elapsed()}] {title}", file=sys.stderr, flush=True)
    step(0, 0)


def step(number: int, of: int) -> None:
    """Round `number` of `of` begins. Redraws at most five times a second."""
    global _shown
    now = time.monotonic()
    if not sys.stderr.isatty() or (now < _shown + 0.2 and number < of):
        return
    _shown = now
    counted = f": {number} of {of}" if of else ""
    sys.stderr.write(f"\r\x1b[K[{_elapsed()}] {_part}{counted}")
    sys.stderr.flush()


def clear() -> None:
    """Take the line away."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _elapsed() -> str:
    seconds = int(time.monotonic() - _begin)
    return f"{seconds // 60}:{seconds % 60:02}"
