"""The command lines of evt_set, evt_clear and evt_wait: words, options, and wrong usage."""

import importlib.metadata
import os
import re
from pathlib import Path

import pytest
from surroundings import every_command

import systemevent
from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode
ROOT = Path(__file__).parent.parent

MISSING = "which event? Its name is missing; see {} --help"
CHARACTERS = "an event's name must not contain '/' or NUL: "
USAGE_ERRORS = {
    "nothing": ([], MISSING),
    "only --": (["--"], MISSING),
    "only a prefix": (["--prefix=x"], MISSING),
    "no prefix": (["{name}", "--prefix"], "--prefix needs a value; see {} --help"),
    "no option": (
        ["--verbose", "{name}"],
        "no option '--verbose' (a name that begins with a dash goes behind --); see {} --help",
    ),
    "number first": (
        ["-1", "{name}"],
        "no option '-1' (a name that begins with a dash goes behind --); see {} --help",
    ),
    "strange option": (
        ["-\n\udcff", "{name}"],
        "no option '-\\n\\udcff' (a name that begins with a dash goes behind --); see {} --help",
    ),
    "too many": (["{name}", "1", "2", "3"], "too many words: {most!r}; see {} --help"),
    "no name": ([""], "an event's name must not be empty"),
    "slash": (["a/b"], CHARACTERS + "'a/b'"),
    "two lines": (["a\nb/"], CHARACTERS + "'a\\nb/'"),
    "bytes": (["\udcff/"], CHARACTERS + "'\\udcff/'"),
    "slash in prefix": (
        ["--prefix", "/x", "{name}"],
        "an event's prefix must not contain '/' or NUL: '/x'",
    ),
    "reserved": (
        ["--prefix=.System", "Event-new.1"],
        "names that begin with '.SystemEvent-new.' are reserved: '.SystemEvent-new.1'",
    ),
    "too long": (
        ["x" * 240],
        "an event's name and prefix must not be longer than 251 bytes together, "
        f"these are 252: '{'SystemEvent.' + 'x' * 240}'",
    ),
}


@every_command
@pytest.mark.parametrize(("words", "message"), USAGE_ERRORS.values(), ids=USAGE_ERRORS)
def test_wrong_usage(run, name, program, words, message):
    """Wrong usage: exit status 2, one line that says what is wrong, no event created."""
    message = message.format(program, most="2" if program == "evt_wait" else "1")
    words = [word.replace("{name}", name) for word in words]
    assert run(program, *words) == (2, "", f"{program}: {message}\n")
    assert name not in list_events()


@pytest.mark.parametrize("text", ["10s", "", "ten", "0x1", "1,5", "1 2"])
def test_no_number(run, name, text):
    """A timeout that is no number: exit status 2, and no event created."""
    assert run("evt_wait", name, text) == (
        2,
        "",
        f"evt_wait: timeout_s must be a number of seconds, not {text!r}; see evt_wait --help\n",
    )
    assert name not in list_events()


@pytest.mark.parametrize("text", ["-1", "-0.5", "-inf", "nan", "1e-3", "+0", ".01", "-1e3"])
def test_timeout(run, event, text):
    """timeout_s is any number; when it is over (negative, NaN: at once) the status is 1."""
    assert run("evt_wait", event.name, text) == (1, "", "")
    event.set()
    assert run("evt_wait", event.name, text) == (0, "", "")


@pytest.mark.parametrize("text", ["inf", "1e10", "1e400", "99999999999"])
def test_timeout_too_large(run, event, text):
    """A timeout that the clock cannot hold is an error, not for ever: exit status 2."""
    assert run("evt_wait", event.name, text) == (2, "", "evt_wait: timeout value is too large\n")


@every_command
@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--prefix", "x", "a", "b", "c", "--help"]])
def test_help(run, program, words):
    """--help shows on standard output what README promises, in 80 columns; exit status 0."""
    status, text, errors = run(program, *words)
    assert (status, errors) == (0, "")
    readme = (ROOT / "README.md").read_text()
    (operands,) = re.findall(rf"^{program} +\[--prefix PREFIX\] (.*?) {{2,}}0", readme, re.M)
    assert text.startswith(f"Usage: {program} [options] {operands}\n")
    for word in "--prefix PREFIX", "(default: SystemEvent.)", "--help", "--version", "Exit status:":
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


@every_command
def test_version(run, program):
    """--version shows the version of the module, of pyproject.toml and of the installed package."""
    assert run(program, "--version") == (0, f"SystemEvent {systemevent.__version__}\n", "")
    assert importlib.metadata.version("SystemEvent") == systemevent.__version__
    assert f'\nversion = "{systemevent.__version__}"\n' in (ROOT / "pyproject.toml").read_text()


@every_command
@pytest.mark.parametrize("prefix", ["", "other."])
@pytest.mark.parametrize("spelling", [["--prefix={}"], ["--prefix", "{}"]], ids=["=", " "])
def test_prefix(run, name, program, prefix, spelling):
    """--prefix PREFIX and --prefix=PREFIX name the semaphore, wherever they stand."""
    words = [word.format(prefix) for word in spelling]
    with SystemEvent(name, prefix) as event:
        event.set()
        assert run(program, *words, name) == (0, "", "")
        assert run(program, name, *words) == (0, "", "")
        assert event.is_set() == (program != "evt_clear")
    unlink(name, prefix)
    assert name not in list_events()


@pytest.mark.parametrize("start", ["-", "-1", "--help", "--", "--prefix=a"])
def test_names_with_dashes(run, new_name, start):
    """What follows `--` is no option: names that begin with a dash go behind it."""
    with SystemEvent(new_name(start)) as event:
        assert run("evt_set", "--", event.name) == (0, "", "")
        assert event.is_set()
        assert run("evt_clear", "--", event.name) == (0, "", "")
        assert run("evt_wait", "--", event.name, "-1") == (1, "", "")


def test_name_that_is_a_dash(run, name):
    """A single dash is a name."""
    assert run("evt_set", f"--prefix=SystemEvent.{name}", "-") == (0, "", "")
    unlink("-", f"SystemEvent.{name}")


LOCALES = [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C.UTF-8"}, *LOCALES], ids=str)
@pytest.mark.parametrize("end", [b"\xff\xfe", "ä€🙂".encode(), b" \n\t"])
def test_any_bytes(run, new_name, environment, end):
    """The bytes of the name on the command line are the object's, in every locale."""
    with SystemEvent(new_name("x") + os.fsdecode(end)) as event:
        assert run("evt_set", os.fsencode(event.name), env=environment) == (0, "", "")
        assert event.is_set()
    unlink(event.name)
