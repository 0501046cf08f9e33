"""evt_list: what it says of events, in which form."""

import contextlib
import json
import os
import pty
import pwd
import re
import time

import pytest
from processes import DEADLINE, command

from systemevent import SystemEvent

pytestmark = pytest.mark.one_mode

#: What the kernel dates files by, which `time` has no name for. It stands still between ticks, and
#: with the core that has the ticks.
CLOCK_REALTIME_COARSE = 5

#: An end of a name, and how it is written.
ENDS = {
    " ä€日🙂": " ä€日🙂",
    "\\": "\\\\",
    "\\n": "\\\\n",
    "\n\t\r\x1b\x7f": "\\n\\t\\r\\x1b\\x7f",
    "\udcff\udc80": "\\xff\\x80",
    "\x80\xa0\u2028\u202e": "\\u0080\\u00a0\\u2028\\u202e",
    "\U000e0001": "\\U000e0001",
}


def owner():
    """How our events' owner is called."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def test_fields(listed, prefix):
    """A line is name, state, mode, owner, and age in seconds, with tabs between, sorted."""
    SystemEvent("b", prefix, 0o640).set()
    SystemEvent("a", prefix).close()
    expected = rf"a\tclear\t0666\t{owner()}\t\d+\nb\tset\t0640\t{owner()}\t\d+\n"
    assert re.fullmatch(expected, listed())


def test_nothing(listed):
    """Without events: not a word, exit status 0; in JSON, an empty array."""
    assert listed() == ""
    assert listed("--names") == ""
    assert listed("--json") == "[]\n"


def test_json(listed, prefix):
    """--json writes objects with all that is known."""
    before = time.clock_gettime(CLOCK_REALTIME_COARSE)
    SystemEvent("a\n\udcff", prefix).set()
    (one,) = json.loads(listed("--json"))
    age = one.pop("age")
    assert isinstance(age, float)
    assert 0 <= age <= time.time() - before
    assert one == {
        "name": "a\n\udcff",
        "state": "set",
        "mode": "0666",
        "owner": owner(),
        "uid": os.getuid(),
        "path": f"/dev/shm/sem.{prefix}a\n\udcff",
    }


@pytest.mark.parametrize("words", [[], ["--names"]], ids=str)
@pytest.mark.parametrize(("end", "written"), ENDS.items(), ids=map(ascii, ENDS))
def test_escapes(listed, prefix, words, end, written):
    """A name is one line of printable characters that `printf %b` turns into what it is."""
    SystemEvent(f"x{end}", prefix).close()
    (line,) = listed(*words, env={"LC_ALL": "C.UTF-8"}).split("\n")[:-1]
    assert line.split("\t")[0] == f"x{written}"
    script = 'printf "%b" "$0"'
    with command("bash", "-c", script, f"x{written}", env={"LC_ALL": "C.UTF-8"}, text=False) as it:
        assert it.communicate(timeout=DEADLINE)[0] == os.fsencode(f"x{end}")


def test_any_locale(listed, prefix):
    """In a locale without the characters of a name, its bytes are written as such."""
    SystemEvent("ä", prefix).close()
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert listed("--names", env=environment) == "\\xc3\\xa4\n"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("a*", ["a.b", "aa"]), ("?", ["B", "b"]), ("[!a]*", ["B", "b"]), ("aa", ["aa"]), ("B", ["B"])],
)
def test_pattern(listed, prefix, pattern, names):
    """A pattern is matched with the whole name, as the shell would; upper case is not lower."""
    for name in ("a.b", "aa", "b", "B"):
        SystemEvent(name, prefix).close()
    assert listed("--names", pattern).split() == names
    assert [line.split("\t")[0] for line in listed(pattern).splitlines()] == names


@pytest.mark.parametrize("words", [[], ["--names"], ["--json"]], ids=str)
def test_no_match(listed, words):
    """Exit status 1 if a pattern was given, and nothing matches."""
    assert listed(*words, "x*", status=1) == ("[]\n" if words == ["--json"] else "")


@pytest.mark.parametrize("width", ["", "日本"])
def test_terminal(scripts, prefix, width):
    """On a terminal the columns are aligned under a heading, and ages are rounded."""
    SystemEvent("a" * 10, prefix).close()
    SystemEvent(f"b{width}", prefix, 0o600).set()
    ours, theirs = pty.openpty()
    words = scripts / "evt_list", "--prefix", prefix
    with command(*words, stdout=theirs, env={"LC_ALL": "C.UTF-8"}) as process:
        process.wait(DEADLINE)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: that was all
        while True:  # a terminal hands it over line by line
            shown += os.read(ours, 4096)
    os.close(ours)
    shown = shown.decode().replace("\r\n", "\n")
    spaces = " " * (9 - 2 * len(width))
    pattern = (
        r"NAME        STATE  MODE  OWNER *  AGE\n"
        r"aaaaaaaaaa  clear  0666  \S+ +\d+ s\n"
        rf"b{width}{spaces}  set    0600  \S+ +\d+ s\n"
    )
    assert re.fullmatch(pattern, shown), shown


AGES = {0.4: "0 s", 59.9: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h", 86400 * 4.9: "4 d"}


@pytest.mark.parametrize(("seconds", "text"), AGES.items())
def test_ages(seconds, text):
    """An age for people is in the greatest unit of which it has one, rounded down."""
    from systemevent._listing import age_for_people

    assert age_for_people(seconds) == text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "b"], "too many words: 'b'; see evt_list --help"),
        (["--long"], "no option '--long' (a name that begins with a dash goes behind --)"),
        (["-1"], "no option '-1' (a name that begins with a dash goes behind --)"),
        (["--names", "--json"], "--names or --json, not both; see evt_list --help"),
        (["--prefix"], "--prefix needs a value; see evt_list --help"),
        (["--prefix=/"], "an event's prefix must not contain '/' or NUL: '/'"),
    ],
)
def test_wrong_usage(run, words, message):
    """Wrong usage: exit status 2, and one line that says what is wrong."""
    if message.startswith("no option"):
        message += "; see evt_list --help"
    assert run("evt_list", *words) == (2, "", f"evt_list: {message}\n")
