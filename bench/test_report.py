"""The benchmark's report, from a small synthetic run: what it says, and what it needs."""

import random
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from surroundings import need

from bench import markdown, report, several
from bench.report_figures import Ratio, compare, duration, number
from bench.report_words import answer, noise

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

_MICROSECONDS = {
    "raw futex, C program": 20,
    "SystemEvent, C program": 20,
    "raw futex, Python process": 26,
    "SystemEvent": 27,
    "multiprocessing.Event": 60,
    "pipe": 30,
    "file polled every 10 ms": 5000,
}


def _rounds(source, microseconds, count=40):
    return [int(microseconds * 1000 * source.lognormvariate(0, 0.05)) for _ in range(count)]


def _results():
    """A run as python -m bench hands it over, with every part, small."""
    source = random.Random(4)

    def all_of(count=40):
        return {title: _rounds(source, each, count) for title, each in _MICROSECONDS.items()}

    def broadcast(waiters):
        return {
            title: [sorted(_rounds(source, each, waiters)) for _ in range(9)]
            for title, each in _MICROSECONDS.items()
        }

    ours, theirs = "SystemEvent", "threading.Event"
    return {
        "environment": {"CPU": "a <fast> one", "cores": "2"},
        "options": {"quick": True},
        "skipped": {"inotify": "no <inotify> here"},
        "latency": [
            {"title": "1", "idle_s": 0.01, "placement": "free", "load": "idle", "rounds": all_of()},
            {"title": "2", "idle_s": 1.0, "placement": "same core", "load": "busy"}
            | {"rounds": all_of(7)},
        ],
        "broadcast": [
            {"waiters": count, "kept": "all", "rounds": broadcast(count)} for count in (1, 10)
        ],
        "strip": {
            "contender": "SystemEvent",
            "set": [1000, 90000],
            "waiters": [[31000, 42000], [None, 55000]],
        },
        "throughput": [
            {"title": "ping-pong", "unit": "round trips/s"}
            | {"rounds": {title: [1e6 / each] * 9 for title, each in _MICROSECONDS.items()}}
        ],
        "calls": {"is_set()": {ours: [30.0] * 9, theirs: [28.0] * 9}},
        "commands": {"evt_set NAME": {"seconds": [0.002] * 9, "peak_kib": [1800] * 9}},
        "crowd": {"programs": 100, "evt_wait_memory_kib": 4096, "tmux_memory_kib": 9216},
        "scale": {"events": 10000, "waiters_start_s": 3.5, "c_waiters_start_s": 4.5},
        "timeouts": [{"asked_s": 0.01, "late_ns": {ours: [60000] * 9, "time.sleep": [58000] * 9}}],
    }


def _tree(results):
    """The page, parsed strictly."""
    page = report.page(results)
    assert page.startswith("<!DOCTYPE html>")
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))


def _drawn(results):
    return [each.get("aria-label") for each in _tree(results).iterfind(".//{*}figure/{*}svg")]


@pytest.fixture
def _has_matplotlib():
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        need("matplotlib is not installed")


@pytest.mark.usefixtures("_has_matplotlib")
def test_has_every_part():
    """There is a picture for each measurement, each with its reading, and a table for the rest."""
    tree = _tree(_results())
    pictures = [each.get("aria-label") for each in tree.iterfind(".//{*}figure/{*}svg")]
    assert pictures == [
        "Percentile curves of the wake-up latency of each contender",
        "The wake-up latency of each contender: median, spans, maximum",
        "Percentile curves of the wake-up in other surroundings",
        "Time until the last of N waiting processes runs again, against N",
        "Timeline of one broadcast, a row for each waiting process",
        "How late timeouts end, every measurement a dot",
        "What each call costs, SystemEvent and threading.Event",
        "Throughput of each contender",
        "Time and memory of whole commands",
    ]
    assert len(list(tree.iterfind(".//{*}figcaption"))) == len(pictures)
    words = " ".join(tree.itertext())
    for part in (
        "Skipped: inotify (no <inotify> here)",
        "a <fast> one",
        "evt_wait",
        "4.0 MiB",
        "10000",
        "3.5 s",
    ):
        assert part in words
    for title in _MICROSECONDS:
        assert title in words


@pytest.mark.usefixtures("_has_matplotlib")
def test_fetches_nothing(tmp_path):
    """The file refers to nothing but itself, and its colours follow the page."""
    report.write(_results(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    namespaces = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\"'\s]*", page)) == namespaces
    assert not re.findall(r"<(?:script|link|img|iframe)\b|@import|\bsrc=", page)
    assert all(each.startswith("#") for each in re.findall(r'href="([^"]*)"', page))
    assert all(each.startswith("#") for each in re.findall(r"url\(([^)]*)\)", page))
    names = re.findall(r'\bid="([^"]*)"', page)
    assert len(names) == len(set(names))
    body = page.partition("<body>")[2]
    assert not re.findall(r"#[0-9a-fA-F]{6}\b", body), "a colour that does not follow the page"


@pytest.mark.usefixtures("_has_matplotlib")
@pytest.mark.parametrize("part", sorted(_results()))
def test_survives_a_missing_part(part):
    """Any part may be missing, and any may be there alone."""
    results = _results()
    alone = {part: results.pop(part)}
    for each in (results, alone, {part: type(alone[part])()}):
        _tree(each)
        assert report.table(each)


@pytest.mark.usefixtures("_has_matplotlib")
def test_survives_few_and_missing_rounds():
    """One round, a contender without any, and zeros, are drawn or left out."""
    results = _results()
    for scene in results["latency"]:
        scene["rounds"] = {title: row[:1] for title, row in scene["rounds"].items()}
        scene["rounds"]["eventfd"] = []
    results["latency"][0]["rounds"]["pipe"] = [0]
    results["broadcast"][0]["rounds"]["eventfd"] = []
    results["throughput"][0]["rounds"]["eventfd"] = []
    results["calls"]["set()"] = {"SystemEvent": [], "threading.Event": []}
    results["commands"]["evt_wait NAME"] = {"seconds": [], "peak_kib": []}
    results["timeouts"][0]["late_ns"] |= {"threading.Event": [], "multiprocessing.Event": [-5000]}
    assert len(_drawn(results)) == 9
    assert "too few rounds" in report.table(results)
    del results["latency"][0]["rounds"]["SystemEvent"], results["latency"][1:]
    assert answer(results)[0].startswith("SystemEvent was not among the contenders")
    _tree(results)


def test_says_what_is_missing_without_matplotlib(monkeypatch):
    """Without matplotlib the page has everything but pictures, and says so."""
    for name in ("bench.pictures", "bench.report_ink", "matplotlib"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr("bench.pictures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = " ".join(_tree(_results()).itertext())
    assert "No pictures: matplotlib is not installed" in words
    assert "SystemEvent against" in words


def test_answer():
    """The answer has the median, and says what each ratio means."""
    said = " ".join(answer(_results()))
    assert re.match(r"A process that waits for a SystemEvent runs again \*\*2\d µs after set", said)
    assert "It takes less time than multiprocessing.Event and pipe." in said
    assert re.search(r"Against a file polled every 10 ms: \*\*1\d\d × as fast\*\*", said)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (Ratio(0.9, 0.8, 1.0, 50), "cannot be told apart"),
        (Ratio(1.2, 1.0, 1.3, 50), "cannot be told apart"),
        (Ratio(0.75, 0.7, 0.8, 50), "25 % less time"),
        (Ratio(1.25, 1.2, 1.3, 50), "25 % more time"),
        (Ratio(0.1, 0.09, 0.11, 50), "10 × as fast"),
        (Ratio(3.0, 2.9, 3.1, 50), "3.0 × the time"),
        (Ratio(3.0, 2.9, 3.1, 4), "too few rounds"),
    ],
)
def test_verdict(ratio, words):
    """Only what the interval allows is said."""
    assert ratio.words == words


def test_noise():
    """A quiet run says nothing; one whose rounds scatter says so; who polls does not count."""
    results = _results()
    assert noise(results) == ""
    source = random.Random(5)
    rounds = results["latency"][0]["rounds"]
    rounds["pipe"] = [int(source.lognormvariate(10, 2)) for _ in range(40)]
    assert "ratios of the wake-up have an interval wider than a factor of 1.5" in noise(results)
    rounds["pipe"] = rounds["SystemEvent"]
    rounds["file polled every 10 ms"] = [source.randint(1, 10**7) for _ in range(40)]
    assert noise(results) == ""


def test_compares_the_rounds_that_both_have():
    """A contender with fewer rounds is compared in these; one without, not at all."""
    assert compare([2.0] * 9 + [100.0] * 9, [1.0] * 9) == Ratio(2.0, 2.0, 2.0, 9)
    assert compare([1.0], []) is None
    assert compare(None, [1.0]) is None


def test_terminal_table():
    """A line for each contender, aligned, and the reason for each that is missing."""
    lines = report.table(_results()).splitlines()
    for title in _MICROSECONDS:
        assert title == "SystemEvent, C program" or any(title in line for line in lines)
    assert "skipped: inotify: no <inotify> here" in lines


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [(0, "0 ns"), (38.2, "38 ns"), (1500, "1.5 µs"), (999_999, "1.0 ms"), (2.5e9, "2.5 s")],
)
def test_duration(nanoseconds, words):
    """Times have a unit, and two digits."""
    assert duration(nanoseconds) == words


def test_figures_are_written_between_their_markers(tmp_path):
    """What stands there is replaced, and nothing else; a file without a place is refused."""
    path = tmp_path / "README.md"
    path.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nbehind\n")
    for _ in range(2):
        markdown.write(path, "| new \\1 |")
    marked = "<!-- figures -->\n| new \\1 |\n<!-- end of figures -->"
    assert path.read_text() == f"before\n{marked}\nbehind\n"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="0 places for figures"):
        markdown.write(path, "")


@pytest.mark.parametrize("path", ["README.md", "bench/README.md"])
def test_the_figures_are_of_a_full_run(path):
    """What the repository says was measured."""
    text = (Path(markdown.__file__).parents[1] / path).read_text(encoding="utf-8")
    found = re.findall(r"<!-- figures -->\n(.*?)<!-- end of figures -->", text, re.DOTALL)
    assert [each.startswith("One run of `python -m bench --full` (") for each in found] == [True]


def test_the_figures_of_several_are_of_a_full_run():
    """So are those of several events, which have a command of their own."""
    text = (Path(several.__file__).parent / "README.md").read_text(encoding="utf-8")
    found = text.partition(several.BEGIN)[2].partition(several.END)[0]
    assert found.startswith("One run of `python -m bench.several --full` (")


def test_several_in_words():
    """Each against wait() in the same rounds."""
    results = {
        "environment": {"CPU": "any"},
        "options": "",
        "several": [
            {
                "title": "asleep",
                "rounds": {"SystemEvent": [1000, 2000, 3000], "b": [3000, 4000, 6000]},
            }
        ],
    }
    assert several.markdown(results).splitlines()[-3:] == [
        "| --- | --- | --- | --- | --- |",
        "| SystemEvent | 2.0 µs | 3.0 µs |  |  |",
        "| b | 4.0 µs | 6.0 µs | 2.0 µs | 2.00 [2.00 3.00] |",
    ]


def test_number():
    """Numbers have as many digits as are wanted, or as there are before the point."""
    assert [number(0.0123), number(1785), number(12.34, 3)] == ["0.012", "1\u202f785", "12.3"]
