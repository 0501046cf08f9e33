"""The report of an illegal history: it can be understood, and asked for again."""

import io
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest
from harness import report
from harness.checker import judge
from harness.history import Operation, save

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

ROOT = Path(__file__).parent.parent

FLICKER = [
    Operation(0, 0, "set", 1_000, 3_000),
    Operation(1, 0, "is_set", 4_000, 6_000, None, None, True),
    Operation(2, 0, "is_set", 8_000, 9_000, None, None, False),
    Operation(3, 0, "clear", 8_500, 20_000),
    Operation(2, 1, "is_set", 9_500, 9_900, None, None, True),
    Operation(1, 1, "is_set", 10_500, 10_900, None, None, False),
]


def test_the_text_shows_calls_flag_and_contradiction():
    """The whole text of a small one."""
    assert report.text(judge(FLICKER), directory="logs").splitlines() == [
        "ILLEGAL  Worker 2 got is_set() → True, "
        "but the flag must have been clear during the whole call.",
        "",
        "time        0 ns                1 µs                 1.9 µs",
        "the flag    ░░░░░░ either ░░░░░░▁▁▁▁▁▁▁▁ clear ▁▁▁▁▁▁",
        "worker 2    ├─ is_set() → False ┤",
        "worker 2                          ├ is_set() → True ─┤  ✗",
        "",
        "the flag: ▔ must be set, ▁ must be clear, ░ either; ┄ may have happened or not",
        "not drawn: 1 more of the sets and clears; they would help at no time",
        "judge it again: python -m tests.harness judge logs",
    ]


@pytest.mark.parametrize(
    ("says", "history"),
    [
        ("before its time-out", [Operation(0, 0, "wait", 5, 100, None, 100, False)]),
        ("without a time-out has no reason", [Operation(0, 0, "wait", 5, 100, None, None, False)]),
        ("must have been clear during", [Operation(0, 0, "wait", 5, 100, None, None, True)]),
        (
            "at most",
            [
                Operation(0, 0, "set", 10, 20),
                Operation(0, 1, "clear", 60, 70),
                Operation(1, 0, "wait", 10, 111, None, 100, False),
            ],
        ),
        (
            "agrees with the others",
            [
                Operation(0, 0, "set", 50, 60),
                Operation(0, 1, "clear", 60, 60),
                Operation(1, 0, "wait", 10, 111, None, 100, False),
            ],
        ),
    ],
)
def test_it_says_what_is_wrong(says, history):
    """A sentence for every kind of contradiction."""
    assert says in report.text(judge(history))


def test_the_page_needs_nothing_else():
    """One file: the picture is well-formed, and nothing is fetched."""
    page = report.html(judge(FLICKER), directory="/logs/<here>")
    begin, end = page.index("<svg"), page.index("</svg>") + len("</svg>")
    xml.etree.ElementTree.fromstring(page[begin:end])
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "python -m tests.harness judge /logs/&lt;here&gt;" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize(
    ("status", "history"),
    [
        (0, FLICKER[:2]),
        (1, FLICKER),
        (1, [Operation(0, 0, "set", 2, 3), Operation(1, 0, "wait", 1, 10**11, None, None, True)]),
    ],
)
def test_a_saved_history_is_judged_again(tmp_path, status, history):
    """The status tells: 0 legal, 1 illegal or somebody slept; the picture lies beside the logs."""
    save(tmp_path / "logs", history)
    out = io.StringIO()
    assert report.judge_directory(tmp_path / "logs", out) == status
    is_illegal = "illegal" in out.getvalue()
    assert (tmp_path / "logs" / "illegal.html").exists() == is_illegal


def test_the_command_that_reports_name(tmp_path, python):
    """The command that a report prints judges the saved history again, from the project's root."""
    directory = tmp_path / "logs"
    save(directory, FLICKER)
    words = report.command(directory).split()[1:]
    done = subprocess.run(
        [*python, *words], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "ILLEGAL" in done.stdout
    assert (directory / "illegal.html").exists()
