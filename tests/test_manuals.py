"""The manual pages: made from --help, well-formed, and with examples that work."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import pytest
from harness.requirements import missing
from processes import DEADLINE, command
from surroundings import need

from systemevent._usage import USAGE

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

SCRIPTS = Path(__file__).parent.parent / "scripts"
_spec = importlib.util.spec_from_file_location("make_manuals", SCRIPTS / "make_manuals.py")
make_manuals = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_manuals)

every_page = pytest.mark.parametrize("program", USAGE)
EXAMPLES = [(name, *one) for name, some in make_manuals.EXAMPLES.items() for one in some]


def path(program):
    """The page's file."""
    return SCRIPTS / "man" / f"{program}.1"


def said(*words):
    """What a program says, on both outputs."""
    need(missing(words[0]))
    with command(*words, env={**os.environ, "LC_ALL": "C.UTF-8"}) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    return output, errors


@every_page
def test_up_to_date(program):
    """Each page is what scripts/make_manuals.py makes of --help."""
    assert path(program).read_text() == make_manuals.page(program), (
        "run scripts/make_manuals.py, and commit what it writes"
    )


def test_one_page_each():
    """There is a page for every command, installed where man looks, and no other."""
    assert {file.name for file in (SCRIPTS / "man").iterdir()} == {f"{name}.1" for name in USAGE}
    project = (SCRIPTS.parent / "pyproject.toml").read_text()
    assert '\n"share/man/man1" = ["scripts/man/*.1"]\n' in project
    assert {name for name in USAGE if f'"scripts/{name}",\n' in project} == set(USAGE)


@every_page
def test_groff(program):
    """groff has no warning about a page."""
    _, errors = said("groff", "-man", "-ww", "-Tutf8", path(program))
    assert errors == ""


@every_page
def test_mandoc(program):
    """mandoc has no warning about a page but that it has no date: pages change with --help only."""
    need(missing("mandoc"))
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", path(program)], capture_output=True, text=True
    )
    lines = (lint.stdout + lint.stderr).splitlines()
    assert [line for line in lines if "missing date" not in line] == []


@every_page
def test_man(program):
    """man shows the page, without a warning, with all of the words of --help in their order."""
    need(missing("groff"))
    output, errors = said("man", "--warnings", "-l", "-E", "ascii", path(program))
    assert errors == ""
    page = re.sub(r".\x08|\x1b\[\d+m", "", output)
    words = re.sub(r"\b(Usage|Options|Exit status):", "", USAGE[program]).split()
    shown = iter(page.split())
    assert [word for word in words if word not in shown] == []  # each is looked for behind the last
    sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
    assert re.findall(r"^([A-Z][A-Z ]+)$", page, re.M) == sections


@every_page
def test_options(program):
    """Every option of --help is a tagged paragraph of the page."""
    options = re.findall(r"(?:^  |, )(--?\w*)", USAGE[program].split("Options:\n")[1], re.M)
    tags = re.findall(r"^\.TP\n(.*)", path(program).read_text(), re.M)
    tagged = re.findall(r"\\fB(.*?)\\fR", "\n".join(tags))
    assert [option.replace("-", r"\-") for option in options] == tagged


@pytest.mark.parametrize(("program", "what", "commands", "output"), EXAMPLES)
def test_example(scripts, new_name, program, what, commands, output):
    """What an example says happens, without an error."""
    page = path(program).read_text()
    assert make_manuals.roff(what) in page
    assert make_manuals.roff(commands) in page
    script, start = commands, new_name("manual")
    for name in sorted(set(re.findall(r"\b(?:db|web|tests)\.\w+|\bgate\b", commands))):
        new_name_of = new_name(f"{start}.{name}")
        script = re.sub(rf"(?<![\w.]){re.escape(name)}\b", new_name_of, script)
        output = output.replace(name, new_name_of)
    script = script.replace("'db.*'", f"'{start}.db.*'")
    environment = {"PATH": f"{scripts}:{os.environ['PATH']}"}
    with command("sh", "-c", script, env=environment) as shell:
        assert shell.communicate(timeout=DEADLINE) == (output, "")


@every_page
def test_as_text(run, program):
    """--help says what the pages are made from."""
    assert run(program, "--help") == (0, USAGE[program], "")
