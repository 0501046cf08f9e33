"""Copies of the package with a mistake in them, and what its tests say of that.

A copy is compiled and tested as the package is: with its header, its extension type, its commands
and the C programs of the tests. The counterexample: a test on a mutant that was imported from the
wrong folder passes, and says nothing. So a copy asks Python first what it imports.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
NEEDED = ("systemevent", "SystemEvent.py", "scripts", "tests", "pyproject.toml")
#: Seconds after which a run of tests is killed because one hangs in spite of its deadlines. Minutes
#: more than they take: on a machine with 300 busy processes some of them do take minutes.
LIMIT = 1200
#: What comes of a test that does not pass.
CAUGHT = ("failed", "hangs")


class Edit(NamedTuple):
    """Another text instead of one that occurs once in that file."""

    file: str
    old: str
    new: str


class Result(NamedTuple):
    """What came of a test: "passed", "failed", "hangs" or "skipped", and after how many seconds."""

    outcome: str
    seconds: float


def replace(folder, edit):
    """Carry out the edit in the copy in that folder."""
    path = folder / edit.file
    text = path.read_text()
    if text.count(edit.old) != 1:
        raise ValueError(f"{text.count(edit.old)} times, not once, in {edit.file}:\n{edit.old}")
    path.write_text(text.replace(edit.old, edit.new))


def surroundings(folder):
    """The environment in which Python finds the package of that folder, and no other run's."""
    others = ("PYTEST_", "SYSTEMEVENT_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return own | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def build(folder, *edits):
    """Make a copy of the package and its tests there, with these edits, and compile it."""
    left_out = shutil.ignore_patterns("__pycache__", "*.so")
    folder.mkdir(parents=True)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, folder / name)
    for edit in edits:
        replace(folder, edit)
    package = folder / "systemevent"
    library = package / f"_word{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = {f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude")}
    compiler = os.environ.get("CC", "cc")
    words = [compiler, "-O2", "-shared", "-fPIC", *include, package / "_word.c", "-o", library]
    subprocess.run(words, check=True)
    ask = "from systemevent import __file__, _word; print(__file__, _word.__file__, sep='\\n')"
    words = [sys.executable, "-c", ask]
    options = {"cwd": folder, "env": surroundings(folder), "text": True, "timeout": LIMIT}
    found = subprocess.run(words, check=True, stdout=subprocess.PIPE, **options).stdout.splitlines()
    if found != [str(package / "__init__.py"), str(library)]:
        raise RuntimeError(f"Python imports {found}, not the copy in {folder}")


def _end(process):
    """Kill the tests and what they started, and unlink the events that they leave."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for left in Path("/dev/shm").glob(f"sem.*.{process.pid}.*"):
        left.unlink()


def run(folder, tests, *options):
    """Run these tests of the copy in that folder: {test: Result}."""
    report, log = folder / "report.xml", folder / "pytest.log"
    report.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *tests]
    words += ["--basetemp", folder / "tmp", "--junitxml", report]
    words += ["-o", "junit_duration_report=call"]
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    own = {"cwd": folder, "env": surroundings(folder), "start_new_session": True}
    with open(log, "w") as output, subprocess.Popen(words, stdout=output, **streams, **own) as them:
        try:
            them.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return dict.fromkeys(tests, Result("hangs", LIMIT))
        finally:
            if them.poll() is None:
                _end(them)
    cases = ElementTree.parse(report).findall(".//testcase") if report.exists() else []
    results = {test: result_of(test, cases) for test in tests}
    if None in results.values():
        raise RuntimeError(f"not all of {tests} were run:\n{log.read_text()}")
    return results


def result_of(test, cases):
    """What came of all cases (sleeping modes, parameters) of a test; None: there are none."""
    own = [case for case in cases if name_of(case) == test]
    for outcome, elements in ("failed", {"failure", "error"}), ("skipped", {"skipped"}):
        for case in own:
            if elements & {child.tag for child in case}:
                return Result(outcome, float(case.get("time")))
    return Result("passed", sum(float(case.get("time")) for case in own)) if own else None


def name_of(case):
    """The node id of a case, without its parameters."""
    file, function = case.get("classname").replace(".", "/"), case.get("name").partition("[")[0]
    return f"{file}.py::{function}"
