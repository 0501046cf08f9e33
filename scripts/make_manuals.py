#!/usr/bin/env python3
"""Make the manual pages, scripts/man/*.1, from what --help says. Run it after each change there.

A page is that text, a one-line name, and examples; nothing is said twice in the sources.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from systemevent import __version__  # noqa: E402 - found there
from systemevent._usage import USAGE  # noqa: E402

SUMMARIES = {
    "evt_set": "set an event, for all processes of the machine",
    "evt_clear": "clear an event, for all processes of the machine",
    "evt_wait": "wait until an event is set by whatever process",
    "evt_list": "list the events of the machine",
    "evt_unlink": "remove events",
}

#: What an example does, its commands, and what they write. All of them are run by the tests.
EXAMPLES = {
    "evt_set": [
        ("Let everybody go on who waits for an event, and who will:", "evt_set db.ready", ""),
        ("Let go on who waits now, and nobody else:", "evt_set gate; evt_clear gate", ""),
    ],
    "evt_clear": [
        (
            "Clear an event before what will set it is started:",
            "evt_clear db.ready\n(sleep 0.1; evt_set db.ready) &\nevt_wait db.ready && echo ready",
            "ready\n",
        ),
    ],
    "evt_wait": [
        (
            "Wait at the most half a second:",
            "evt_wait db.ready 0.5 || echo 'not ready'",
            "not ready\n",
        ),
        (
            "Wait for whatever comes first:",
            "evt_set tests.failed\nevt_wait --any tests.passed tests.failed --timeout 600",
            "tests.failed\n",
        ),
        (
            "Wait for all of several services:",
            "evt_set db.ready; evt_set web.ready\n"
            "evt_wait --all db.ready web.ready >/dev/null && echo go",
            "go\n",
        ),
    ],
    "evt_list": [
        (
            "What is set:",
            "evt_set db.ready; evt_clear db.done\nevt_list 'db.*' | awk '$2 == \"set\" {print $1}'",
            "db.ready\n",
        ),
        (
            "Is there such an event?",
            "evt_set web.ready\nevt_list web.ready >/dev/null && echo yes",
            "yes\n",
        ),
    ],
    "evt_unlink": [
        (
            "Remove two events:",
            "evt_set db.ready; evt_set db.done\nevt_unlink db.ready db.done",
            "",
        ),
    ],
}


def roff(text: str) -> str:
    """The text with nothing in it that troff takes for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"^\.", r"\\&.", text, flags=re.M)


def synopsis(usage: str) -> str:
    """The lines behind 'Usage:'."""
    lines = re.sub(r"^Usage:", "      ", usage).splitlines()
    return "\n.br\n".join(re.sub(r"^(\S+)", r"\\fB\1\\fR", roff(line.strip())) for line in lines)


def options(text: str) -> str:
    """The list of options: tagged paragraphs."""
    items: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        start = re.match(r"  (-\S*(?: ?\S+)*)(?: {2,}(.*))?$", line)
        if start:
            items.append((start[1], [start[2]] if start[2] else []))
        else:
            items[-1][1].append(line.strip())
    return "\n".join(
        ".TP\n"
        + re.sub(r"(\\-[^ ,]+)", r"\\fB\1\\fR", re.sub(r"([A-Z]{2,})", r"\\fI\1\\fR", roff(option)))
        + "\n"
        + roff("\n".join(words))
        for option, words in items
    )


def examples(command: str) -> str:
    """The examples, as they are typed."""
    return "\n.PP\n".join(
        f"{roff(what)}\n.PP\n.RS 4\n.nf\n{roff(commands)}\n.fi\n.RE"
        for what, commands, _ in EXAMPLES[command]
    )


def page(command: str) -> str:
    """The manual page of the command."""
    usage, *description, listed, status = USAGE[command].strip().split("\n\n")
    others = ", ".join(f"\\fB{name}\\fR(1)" for name in sorted(USAGE) if name != command)
    exit_status = status.removeprefix("Exit status: ")
    sections = {
        "NAME": f"{command} \\- {roff(SUMMARIES[command])}",
        "SYNOPSIS": synopsis(usage),
        "DESCRIPTION": "\n.PP\n".join(map(roff, description)),
        "OPTIONS": options(listed.removeprefix("Options:\n")),
        "EXIT STATUS": roff(exit_status[0].upper() + exit_status[1:]),
        "EXAMPLES": examples(command),
        "SEE ALSO": f"{others}, \\fBsem_overview\\fR(7)",
    }
    return (
        '.\\" Made by scripts/make_manuals.py.\n'
        f'.TH {command.upper()} 1 "" "SystemEvent {__version__}" "User Commands"\n'
        ".nh\n"  # words to type are not hyphenated
        + "".join(f".SH {name}\n{text}\n" for name, text in sections.items())
    )


def main() -> None:
    """Write all pages."""
    folder = ROOT / "scripts" / "man"
    folder.mkdir(exist_ok=True)
    for command in USAGE:
        (folder / f"{command}.1").write_text(page(command))


if __name__ == "__main__":
    main()
