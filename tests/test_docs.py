"""What README.md and docs/ show works when it is pasted. (How blocks are marked: pages.py.)"""

import importlib.util
import re
import shlex
import stat
import subprocess
import sys

import processes
import pytest
from pages import BLOCKS, ROOT, Block, sections
from paste import NAMES, URL, Paste, with_values_checked
from surroundings import need

import systemevent
from systemevent import SystemEvent
from systemevent import _word as word

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture
def paste(scripts, new_name, tmp_path):
    """A Paste. `python` and `pytest` are those of the tests."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for command in sorted(scripts.glob("evt_*")):
        (bin_folder / command.name).symlink_to(command)
    pytest_here = f" -m pytest --basetemp {shlex.quote(str(tmp_path / 'pytest'))}"
    for name, words in {"python": "", "pytest": pytest_here}.items():
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{words} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    folder = tmp_path / "section"
    folder.mkdir()
    return Paste(folder, bin_folder, new_name)


def need_all(block):
    """Skip the test if the block needs another interpreter or kernel, or packages (CI has them)."""
    for needs in [mark.partition(": ")[2] for mark in block.marks if mark.startswith("needs: ")]:
        if needs.startswith("python "):
            if sys.version_info < tuple(map(int, needs.split()[1].split("."))):
                pytest.skip(f"needs {needs}")
            continue
        for name in needs.split():
            if name == "futex_waitv":
                if not word.sleeps_on_both_halves():
                    pytest.skip("needs Linux 5.16")
            elif name == "unshare":
                words = "unshare", "--user", "--map-root-user", "--mount", "--uts", "true"
                if subprocess.run(words, capture_output=True).returncode:
                    pytest.skip("needs permission for user namespaces")
            elif importlib.util.find_spec(name) is None:
                need(f"needs {name}: pip install -e '.[test]'")


def objects():
    """The names of all events with the usual prefix."""
    return set(systemevent.list_events())


@pytest.mark.parametrize(
    "blocks", sections().values(), ids=[f"{page}: {title}" for page, title in sections()]
)
def test_section(request, monkeypatch, paste, blocks):
    """The blocks of a section work, one after the other, and write what stands below them."""
    for block in blocks:
        need_all(block)
    if any(URL in block.text for block in blocks):
        server = request.getfixturevalue("redis_server")
        paste.url = server.url
        monkeypatch.setattr(processes, "server", server)
    before = objects()
    paste.play(blocks)
    text = "".join(block.text for block in blocks)
    strays = {name for name in objects() - before if re.search(rf"\b{re.escape(name)}\b", text)}
    assert strays == set(), "names that are missing in NAMES"
    assert [name for name in objects() if name.startswith(f"{paste.own('test')}.")] == []


def test_values_in_comments_are_checked():
    """A wrong value behind an expression is found, and nothing else is changed."""
    right = with_values_checked("x = [1]\nx == [1]  # True, at once\nprint(x)  # all\n")
    assert right.splitlines()[1:] == ["x = [1]", "_is(x == [1], True)  # True, at once"] + [
        "print(x)  # all"
    ]
    with pytest.raises(AssertionError):
        exec(with_values_checked("if 1:\n    2 == 3  # True\n"), {})
    tour = next(block.text for block in BLOCKS if "build.done" in block.text)
    assert with_values_checked(tour).count("_is(") >= 4


@pytest.mark.parametrize(
    ("language", "text", "output"),
    [
        ("sh", "exit 3", ""),
        ("sh", "echo oops >&2", ""),
        ("sh", "echo this", "that\n"),
        ("python", "1 == 2  # True", ""),
        ("c", "int main(void) { return 1; }", ""),
    ],
)
def test_what_does_not_work_is_found(paste, language, text, output):
    """A block that fails, complains, or writes something else than what stands below it."""
    block = Block(ROOT / "README.md", 1, "", language, (), text)
    with pytest.raises(AssertionError):
        paste.play([block, block._replace(language="text", marks=("output",), text=output)])


def test_commands_in_files_of_other_programs(paste):
    """evt_* lines of the systemd unit and of the crontab wait for the event."""
    files = [block for block in BLOCKS if block.mark("file") in ("app.service", "crontab")]
    assert len(files) == 2
    for block in files:
        (line,) = re.findall(r"/usr/local/bin/(evt_wait [^&\n]+)", block.text)
        line = block._replace(language="sh", text=line, marks=())
        for name in NAMES:
            if name in line.text:
                SystemEvent(paste.own(name)).set()
        paste.play([line])
