"""The command evt_list."""

import os
import stat
import sys

from ._commands import UsageError, run
from ._event import _redis, _url_or_default, list_events

TYPE_CHECKING = False  # as in `typing`, which is not imported for this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from ._inspection import Inspected
    from ._redis_listing import Seen

_HEADING = ("NAME", "STATE", "MODE", "OWNER", "AGE")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escaped(name: str) -> str:
    """The name in one line of printable characters, none of which a terminal acts upon."""
    return "".join(c if c.isprintable() and c != "\\" else _escape(c) for c in name)


def _escape(character: str) -> str:
    number = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if 0xDC80 <= number <= 0xDCFF:  # a byte that could not be decoded
        return f"\\x{number - 0xDC00:02x}"
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def age_for_people(seconds: float) -> str:
    """An age in the greatest unit of which it has one, rounded down."""
    for size, unit in (86400, "d"), (3600, "h"), (60, "min"):
        if seconds >= size:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds)} s"


def _owner(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class _Row:
    """What is said of one event; None is what cannot be known."""

    def __init__(self, name: str, seen: "Inspected | Seen", now: float) -> None:
        self.name, self.state, self.path = name, seen.state, seen.path
        self.mode = self.owner = self.uid = self.age = None
        if seen.status is not None:
            self.mode = f"{stat.S_IMODE(seen.status.st_mode):04o}"
            self.uid = seen.status.st_uid
            self.owner = _owner(self.uid)
        if seen.birth is not None:
            self.age = max(0.0, now - seen.birth)  # the clock may have been set back

    def fields(self, people: bool) -> tuple[str, ...]:
        age = "?"
        if self.age is not None:
            age = age_for_people(self.age) if people else str(int(self.age))
        return escaped(self.name), self.state, self.mode or "?", self.owner or "?", age


def _rows(names: list[str], prefix: str) -> list[_Row]:
    if url := _url_or_default(None):
        return [_Row(name, seen, 0) for name, seen in _redis().seen(names, prefix, url)]

    from time import time

    from ._inspection import Inspected

    rows = []
    for name in names:
        try:
            rows.append(_Row(name, Inspected(prefix + name), time()))
        except FileNotFoundError:
            pass  # unlinked meanwhile
    return rows


def _aligned(rows: "Iterable[tuple[str, ...]]") -> str:
    lines = [_HEADING, *rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _as_json(rows: list[_Row]) -> str:
    import json

    names = ("name", "state", "mode", "owner", "uid", "age", "path")
    return json.dumps([{name: getattr(row, name) for name in names} for row in rows], indent=2)


def _list(options: dict[str, str], operands: list[str]) -> tuple[int, str]:
    if options.keys() >= {"--names", "--json"}:
        raise UsageError("--names or --json, not both")
    prefix = options["--prefix"]
    names = list_events(prefix)
    if operands:
        from fnmatch import fnmatchcase

        names = [name for name in names if fnmatchcase(name, operands[0])]
    if "--names" in options:
        return 1 if operands and not names else 0, "".join(f"{escaped(name)}\n" for name in names)
    rows = _rows(names, prefix)
    status = 1 if operands and not rows else 0
    if "--json" in options:
        return status, _as_json(rows) + "\n"
    people = sys.stdout is not None and os.isatty(1)
    fields = [row.fields(people) for row in rows]
    if people:
        return status, _aligned(fields) if fields else ""
    return status, "".join("\t".join(row) + "\n" for row in fields)


def evt_list() -> "NoReturn":
    """The command evt_list."""
    run("evt_list", _list, 1, ("--names", "--json"))
