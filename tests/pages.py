"""The pages of the documentation, and their fenced blocks.

Every fenced block of Python, shell and C is run as it stands, with event names of its own. The
blocks of a section (from a heading to the next) run in their order, in one folder. A comment
directly before a block says what is special about it:

    <!-- not run: REASON -->    it is not run
    <!-- meanwhile -->          it waits for an event while the blocks behind it run
    <!-- file: NAME -->         it is only written, to a file of that name
    <!-- needs: NAMES -->       it needs these packages, "python 3.11", "unshare", or "futex_waitv"
    <!-- output -->             a text block: what the block before it writes to standard output
    <!-- output, in any order -->
    <!-- output, for example -->        numbers, and names of the kernel's functions, may be others
    <!-- output, of the block that waits -->    of the last one that goes on meanwhile

A block has to end with status 0, and to write nothing to standard error. In Python, a comment that
begins with a value, behind an expression, says what the expression is.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"python", "sh", "c"}
#: Fences that are no code: output, and files of other programs.
OTHERS = {"text", "ini"}
ANY_ORDER, EXAMPLE, WAITS = "in any order", "for example", "of the block that waits"


class Block(NamedTuple):
    """A fenced block: its page, line, section, language, the comments before it, and its text."""

    page: Path
    line: int
    section: str
    language: str
    marks: tuple
    text: str

    def mark(self, start):
        """What stands behind `start` in its comment that begins so; None if it has none."""
        for mark in self.marks:
            if mark == start or mark.startswith((f"{start}:", f"{start},")):
                return mark[len(start) + 2 :]
        return None


def blocks_of(page):
    """All fenced blocks of a page."""
    found, marks, section, fence = [], [], "", None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if fence:
            if line == "```\n":
                found.append(Block(page, *fence[:-1], "".join(fence[-1])))
                fence, marks = None, []
            else:
                fence[-1].append(line)
        elif line.startswith("```"):
            fence = [number, section, line[3:].strip(), tuple(marks), []]
        elif match := re.fullmatch(r"<!-- (.*) -->\n", line):
            marks.append(match[1])
        elif line.strip():
            marks = []
            if line.startswith("#"):
                section = line.lstrip("#").strip()
    assert fence is None, f"{page}: a block is not closed"
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def sections():
    """The sections that have something to run: their blocks."""
    found = {}
    for block in BLOCKS:
        if block.language in LANGUAGES | OTHERS:
            found.setdefault((block.page.name, block.section), []).append(block)
    return {
        key: blocks
        for key, blocks in found.items()
        if any(block.language in LANGUAGES and not is_left_out(block) for block in blocks)
    }


def is_left_out(block):
    """Is it not run, with a reason? (.ci/run runs the two commands.)"""
    return block.mark("not run") is not None or block.mark("two commands") is not None
