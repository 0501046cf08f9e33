"""What `import systemevent` loads, offers, and refuses to run on."""

import os
import sys
from pathlib import Path

import posix_ipc
import pytest
from processes import DEADLINE, command
from surroundings import every_command

import systemevent
from systemevent import SystemEvent
from systemevent._usage import USAGE

pytestmark = pytest.mark.one_mode

ROOT = Path(systemevent.__file__).parent.parent
#: Modules that cost more time than everything that the commands do.
HEAVY = {"re", "typing", "enum", "dataclasses", "argparse", "logging", "asyncio", "threading"}
HEAVY |= {"subprocess", "signal", "collections", "functools", "contextlib", "socket", "ctypes"}
HEAVY |= {"multiprocessing", "pickle", "tempfile", "inspect", "traceback", "weakref", "struct"}
#: Modules that only the creation of an event needs.
FOR_CREATION = {"posix_ipc", "fcntl"}


def said_by(*words, **options):
    """What a command says on standard output; it has to succeed, silent on standard error."""
    with command(*words, **options) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, errors) == (0, "")
    return output


def loaded_by(code):
    """The modules that an interpreter without `site` has loaded after the code."""
    code += "\nimport sys; print(*sys.modules, sep='\\n')"
    path = os.pathsep.join([str(ROOT), str(Path(posix_ipc.__file__).parent)])
    words = sys.executable, "-S", "-c", code
    return set(said_by(*words, env={"PYTHONPATH": path}).split())


def test_import_is_light():
    """`import systemevent` loads nothing that costs, nor what only a creation needs."""
    loaded = loaded_by("import systemevent") - loaded_by("")
    assert "systemevent._event" in loaded
    assert loaded & (HEAVY | FOR_CREATION) == set()


def test_using_is_light(event):
    """Nor does opening and using an event that exists."""
    code = f"import systemevent; e = systemevent.SystemEvent({event.name!r}); e.set(); e.wait(0)"
    loaded = loaded_by(code) - loaded_by("")
    assert loaded & (HEAVY | FOR_CREATION) == set()
    assert event.is_set()


def test_creating_is_light(name):
    """Creating an event loads two small extension modules, and still nothing that costs."""
    loaded = loaded_by(f"import systemevent; systemevent.SystemEvent({name!r})") - loaded_by("")
    assert loaded & (HEAVY | FOR_CREATION) == FOR_CREATION


def imports_of(*words):
    """The modules that a command imports, as `-X importtime` tells."""
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    with command(*words, env=environment) as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    lines = (line.rpartition("|")[2].strip() for line in errors.splitlines())
    return set(lines)


@every_command
def test_commands_are_light(scripts, event, program):
    """A command imports nothing that costs, beyond what the bare interpreter does at its start."""
    event.set()
    imported = imports_of(scripts / program, event.name)
    assert "systemevent._commands" in imported
    assert (imported - imports_of(sys.executable, "-c", "")) & (HEAVY | FOR_CREATION) == set()


@pytest.mark.parametrize("url", [None, ""])
@pytest.mark.parametrize("program", USAGE)
def test_commands_without_server(scripts, event, monkeypatch, program, url):
    """Without SYSTEMEVENT_URL, no command imports redis-py, nor what would use it."""
    if url is not None:
        monkeypatch.setenv("SYSTEMEVENT_URL", url)
    event.set()
    imported = imports_of(scripts / program, event.name)
    assert "systemevent._commands" in imported
    assert {name for name in imported if "redis" in name} == set()


def test_import_without_server(name):
    """Nor does `import systemevent`, with it; only opening an event on the server does."""
    code = "import os; os.environ['SYSTEMEVENT_URL'] = 'redis://127.0.0.1:1'; import systemevent"
    code += f"; import systemevent._commands; systemevent.SystemEvent({name!r}, url='').set()"
    loaded = loaded_by(code)
    assert "systemevent._commands" in loaded
    assert {name for name in loaded if "redis" in name} == set()


def test_first_version(event):
    """The module name of version 1 works: import SystemEvent; SystemEvent.SystemEvent(name)."""
    import SystemEvent as first

    assert first.SystemEvent is SystemEvent
    with first.SystemEvent(event.name) as other:
        other.set()
    assert event.is_set()


def test_public_names():
    """The package offers what its __all__ says; get_include() is the folder of systemevent.h."""
    assert systemevent.__all__ == sorted(systemevent.__all__)
    assert {"SystemEvent", "get_include", "list_events", "unlink"} <= set(systemevent.__all__)
    assert all(hasattr(systemevent, name) for name in systemevent.__all__)
    assert (Path(systemevent.get_include()) / "systemevent.h").is_file()


MACHINE = "os.uname = lambda: type('uname', (), {{'machine': {!r}}})"
LIBC = "os.confstr = lambda name: {!r}"
UNSUPPORTED = {
    "sys.platform = 'darwin'": "this is darwin",
    "sys.platform = 'win32'": "this is win32",
    MACHINE.format("riscv64"): "this is a 64-bit interpreter on riscv64",
    MACHINE.format("i686") + "; sys.maxsize = 2**31 - 1": "this is a 32-bit interpreter on i686",
    MACHINE.format("x86_64")
    + "; sys.maxsize = 2**31 - 1": "this is a 32-bit interpreter on x86_64",
    LIBC.format(None): "this C library is not glibc",
    "def confstr(name): raise ValueError\nos.confstr = confstr": "this C library is not glibc",
    "def confstr(name): raise OSError\nos.confstr = confstr": "this C library is not glibc",
    LIBC.format("glibc 2.20"): "this is glibc 2.20",
    LIBC.format("glibc 2.4.1"): "this is glibc 2.4.1",
}
MESSAGE = (
    "systemevent needs 64-bit Linux (x86-64 or aarch64) with glibc 2.21 or newer, "
    "because it shares the word in which that C library keeps a semaphore; "
)
unsupported = pytest.mark.parametrize(
    ("pretend", "reason"), UNSUPPORTED.items(), ids=UNSUPPORTED.values()
)


@unsupported
def test_unsupported(pretend, reason):
    """Where it cannot work, the import raises ImportError that says why; it never half-works."""
    code = f"""
import os, sys
{pretend}
try:
    import systemevent
except ImportError as error:
    print(error)
"""
    assert said_by(sys.executable, "-c", code) == f"{MESSAGE}{reason}\n"


@pytest.mark.parametrize("libc", ["glibc 2.21", "glibc 2.36.9000", "glibc 3.0"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_supported(libc, machine):
    """Every glibc from 2.21 on is good, on both machines."""
    code = f"import os; {LIBC.format(libc)}; {MACHINE.format(machine)}; import systemevent"
    assert said_by(sys.executable, "-c", code) == ""


@every_command
def test_command_where_unsupported(scripts, program):
    """The commands say so in one line, exit status 2: not 1, which means time-out."""
    code = "import sys; sys.platform = 'darwin'; exec(open(sys.argv.pop(1)).read())"
    with command(sys.executable, "-c", code, scripts / program, "name") as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output) == (2, "")
    assert errors == f"{program}: {MESSAGE}this is darwin\n"
