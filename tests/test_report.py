"""The report of an illegal history: it can be understood, and asked for again."""

import io
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest
from harness import picture, report
from harness.checker import judge
from harness.history import Operation, from_json, save
from harness.timeline import timeline

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
            "must have been set during",
            [Operation(0, 0, "set", 5, 10), Operation(1, 0, "wait", 20, 130, None, 100, False)],
        ),
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
                Operation(0, 0, "set", 5, 60),
                Operation(0, 1, "clear", 60, 60),
                Operation(1, 0, "wait", 10, 111, None, 100, False),
            ],
        ),
    ],
)
def test_it_says_what_is_wrong(says, history):
    """A sentence for every kind of contradiction."""
    assert says in report.text(judge(history))


def test_the_stretches_that_were_too_short_are_shown():
    """A wait → False that had no clear stretch as long as its time-out: how long they were."""
    calls = [
        Operation(0, 0, "set", 150_000, 160_000),
        Operation(0, 1, "clear", 160_000, 165_000),
        Operation(1, 0, "wait", 100_000, 201_000, None, 100_000, False),
    ]
    shown = report.text(judge(calls)).splitlines()
    assert shown[0].endswith("100 µs without a break during the call: 60 µs at most.")
    assert shown[6:8] == [
        "clear for   ◂─ 60 µs at most ──▸",
        "clear for         ◂─ 51 µs at most ─▸",
    ]


def pictures(page):
    """The SVG elements of a page, well-formed."""
    return [
        xml.etree.ElementTree.fromstring(each) for each in re.findall("<svg.*?</svg>", page, re.S)
    ]


# Ten sets and ten clears under way, and 21 reads between which the flag changes: once too often.
TOO_MANY_CHANGES = [
    *[Operation(i, 0, ("clear", "set")[i % 2], 10 + i, 5_000 + i) for i in range(20)],
    *[
        Operation(30 + i % 10, i, "is_set", 100 * i, 100 * i + 60, None, None, i % 2 == 1)
        for i in range(1, 22)
    ],
]
# One pulse after the other, none of them long enough after the one before.
MANY_PULSES = [
    *[Operation(i, 0, "set", 100 * i, 100 * i + 9) for i in range(1, 21)],
    *[Operation(i, 1, "clear", 100 * i + 10, 100 * i + 20) for i in range(1, 21)],
    Operation(99, 0, "wait", 50, 2_100, None, 150, False),
]


@pytest.mark.parametrize("history", [TOO_MANY_CHANGES, MANY_PULSES])
def test_what_is_too_long_for_paper_goes_on_below(history):
    """Strips, none wider than a page can show; each call is in one, the cross in the last."""
    verdict = judge(history)
    page = report.html(verdict)
    drawn = pictures(page)
    assert len(verdict.window.operations) >= 20
    assert len(drawn) > 1
    assert all(float(each.get("width")) <= 1000 for each in drawn)
    assert page.count('class="cross"') == 1
    assert 'class="cross"' in page.rpartition("<svg")[2]
    for operation in verdict.window.operations:
        assert f"worker {operation.worker}, call {operation.number}:" in page


@pytest.mark.parametrize(
    ("says", "end", "set_at_end", "history"),
    [
        (
            "Worker 1 got wait() → True only 70 s after set() of worker 0 had returned.",
            None,
            None,
            [
                Operation(0, 0, "set", 10**9, 2 * 10**9),
                Operation(0, 1, "set", 71 * 10**9, 71 * 10**9 + 1),
                Operation(1, 0, "wait", 1, 72 * 10**9, None, None, True, 2),
            ],
        ),
        (
            "Worker 1 is still in wait(), 98 s after set() of worker 0 had returned.",
            10**11,
            None,
            [Operation(0, 0, "set", 10**9, 2 * 10**9), Operation(1, 0, "wait", 1, None, looked=2)],
        ),
        (
            "Worker 1 was killed, still in wait(), 8 s after set() of worker 0 had returned.",
            10**11,
            None,
            [
                Operation(0, 0, "set", 10**9, 2 * 10**9),
                Operation(1, 0, "wait", 1, None, 10**10, looked=2),
            ],
        ),
        (
            "Worker 1 is still in wait(), 50 s after the event was certainly set.",
            10**11,
            5 * 10**10,
            [Operation(1, 0, "wait", 1, None)],
        ),
        (
            "Worker 1 got wait(1 s) → False 9 s after the end of its time-out.",
            None,
            None,
            [Operation(1, 0, "wait", 10**9, 11 * 10**9, None, 10**9, False)],
        ),
    ],
)
def test_a_sleeper_is_drawn(tmp_path, says, end, set_at_end, history):
    """Every kind of complaint: in letters, and as a page beside the logs."""
    directory = tmp_path / "logs"
    save(directory, history, end=end, set_at_end=set_at_end)
    out = io.StringIO()
    assert report.judge_directory(directory, out) == 1
    page = (directory / "slept.html").read_text(encoding="utf-8")
    shade = re.search(r"◂─* (.* too long) ─*▸", out.getvalue())[1]
    assert f"SLEPT  {says} Allowed: 2 s.\n" in out.getvalue()
    assert f"<p>{says} Allowed: 2 s.</p>" in page
    assert f">{shade}</text>" in page
    assert (">must be set</text>" in page) == (set_at_end is not None)
    assert len(pictures(page)) == 1
    assert page.count('class="cross"') == 1


def test_the_worst_sleeper_is_drawn(tmp_path):
    """Of several, the one that slept longest; how many there were is said; all are named."""
    sets = [Operation(0, 0, "set", 155, 160), Operation(0, 1, "set", 10**9, 2 * 10**9)]
    begins = {i: 310 - 10 * i for i in range(1, 31)}
    waits = [Operation(i, 0, "wait", at, None, looked=at) for i, at in begins.items()]
    save(tmp_path / "logs", [*sets, *waits], end=10**10)
    out = io.StringIO()
    assert report.judge_directory(tmp_path / "logs", out) == 1
    lines = out.getvalue().splitlines()
    assert sum("still waits" in line for line in lines) == 20
    assert lines[21:30] == [
        "and 10 more",
        "",
        "SLEPT  Worker 16 is still in wait(), 10 s after set() of worker 0 had returned. "
        "Allowed: 2 s. The worst of 30 waits that took too long.",
        "",
        "time        0 ns       10 ns            10 s",
        "worker 0      ├ set() ─┤",
        "worker 16   ├────── wait() pending ──────›  ✗",
        "                       ◂ 10 s too long ─▸",
        "",
    ]


def test_the_page_needs_nothing_else():
    """One file: the picture is well-formed, and nothing is fetched."""
    page = report.html(judge(FLICKER), directory="/logs/<here>")
    assert len(pictures(page)) == 1
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "python -m tests.harness judge /logs/&lt;here&gt;" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize(
    ("status", "history"),
    [
        (0, FLICKER[:2]),
        (1, FLICKER),
        (
            1,
            [Operation(0, 0, "set", 2, 3), Operation(1, 0, "wait", 1, 10**11, None, None, True, 2)],
        ),
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


def test_the_example_is_what_the_code_draws(python):
    """The picture in the README; if not, the documented command makes it anew."""
    example = ROOT / "tests" / "harness" / "example.json"
    drawn = example.with_suffix(".svg").read_text(encoding="utf-8")
    text = example.read_text(encoding="utf-8")
    assert drawn == picture.svg(timeline(judge(from_json(text)).window)), report.__doc__
    xml.etree.ElementTree.fromstring(drawn)
    assert "(tests/harness/example.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [*python, "-m", "tests.harness.report"],
        input=text.encode(),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.decode() == drawn


# What a machine without the package has: no site-packages, and none of this in the checkout.
ALONE = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
for name in ("systemevent", "systemevent._word", "SystemEvent"):
    sys.modules[name] = None
runpy.run_module("tests.harness", run_name="__main__")
"""


def test_judging_needs_only_the_standard_library(tmp_path):
    """A log from another machine is judged and drawn without the package, built or not."""
    save(tmp_path / "logs", FLICKER)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, ROOT, "judge", tmp_path / "logs"],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 1
    assert (tmp_path / "logs" / "illegal.html").exists()
