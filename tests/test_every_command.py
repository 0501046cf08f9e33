"""What all five commands have in common."""

import sys

import pytest
from processes import DEADLINE, command
from test_imports import imports_of, said_by

import systemevent
from systemevent._usage import USAGE

pytestmark = pytest.mark.one_mode
every_command = pytest.mark.parametrize("program", USAGE)


@every_command
@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--prefix", "x", "a", "--help"]], ids=str)
def test_help(run, program, words):
    """--help shows on standard output how the command is used, in 80 columns; exit status 0."""
    status, text, errors = run(program, *words)
    assert (status, errors) == (0, "")
    assert text.startswith(f"Usage: {program} [options] ")
    for word in "--prefix PREFIX", "(default: SystemEvent.)", "--help", "--version", "Exit status:":
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


@every_command
def test_version(run, program):
    """--version shows the package's version."""
    assert run(program, "--version") == (0, f"SystemEvent {systemevent.__version__}\n", "")


@every_command
@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize(
    ("output", "reason"),
    [(">&-", "it is closed"), (">/dev/full", "[Errno 28] No space left on device")],
)
def test_nowhere_to_write(scripts, program, option, output, reason):
    """When what was asked for cannot be written, one line says why, and exit status 2."""
    with command("sh", "-c", f'"$0" {option} {output}', scripts / program) as shell:
        said = shell.communicate(timeout=DEADLINE)
    expected = f"{program}: cannot write to standard output: {reason}\n"
    assert (shell.returncode, *said) == (2, "", expected)


@every_command
def test_bare_surroundings(run, name, program, tmp_path):
    """The commands need no environment, and take nothing from the working directory."""
    for module in "systemevent", "os", "sys", "json", "pwd", "ctypes", "time", "fnmatch", "stat":
        (tmp_path / f"{module}.py").write_text("raise SystemExit('taken from here')")
    systemevent.SystemEvent(name).set()
    status, _, errors = run(program, name, env={}, cwd=tmp_path)
    assert (status, errors) == (0, "")


@every_command
def test_where_unsupported(scripts, program):
    """Where the package does not work, one line says so, exit status 2."""
    code = "import sys; sys.platform = 'darwin'; exec(open(sys.argv.pop(1)).read())"
    with command(sys.executable, "-c", code, scripts / program, "name") as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith(f"{program}: systemevent needs 64-bit Linux")
    assert errors.endswith("; this is darwin\n")
    assert errors.count("\n") == 1


@every_command
def test_no_text_in_vain(scripts, event, program):
    """What only --help, a pattern, or --json needs is not imported without it."""
    event.set()
    words = [] if program == "evt_list" else [event.name]
    in_vain = {"systemevent._usage", "json", "fnmatch", "re"}
    if program != "evt_list":
        in_vain |= {"systemevent._listing", "systemevent._inspection", "ctypes", "pwd"}
    bare = imports_of(sys.executable, "-c", "")
    assert (imports_of(scripts / program, *words) - bare) & in_vain == set()


def test_names_are_light(scripts, event):
    """`evt_list --names`, which completes at every key, looks at no object."""
    imported = imports_of(scripts / "evt_list", "--names")
    assert "systemevent._inspection" not in imported
    assert event.name in said_by(scripts / "evt_list", "--names").split()
