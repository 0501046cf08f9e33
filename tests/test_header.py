"""systemevent.h for C and C++ programs: it compiles, keeps its contracts, refuses what it must."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from processes import DEADLINE, command, peer
from surroundings import compile_with

from systemevent import SystemEvent, get_include

pytestmark = pytest.mark.one_python
one_mode = pytest.mark.one_mode
HERE = Path(__file__).parent
HEADER = Path(get_include()) / "systemevent.h"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
C, CPP = ("gcc", "clang"), ("g++", "clang++")
STANDARDS = [(one, f"-std={std}") for one in C for std in ("c99", "c11", "c17", "gnu17")]
STANDARDS += [(one, f"-std={std}") for one in CPP for std in ("c++17", "c++20", "gnu++17")]
EMPTY = ["-include", HEADER, os.devnull]


@one_mode
@pytest.mark.parametrize("source", [EMPTY, [HERE / "header_check.c"]], ids=["alone", "program"])
@pytest.mark.parametrize(("compiler", "standard"), STANDARDS)
def test_compiles(compiler, standard, source):
    """The header alone, and a program that calls all of it, compile without one warning."""
    language = "c++" if compiler in CPP else "c"
    for level in "-O0", "-O3":
        compile_with(
            compiler, standard, level, *STRICT, "-x", language, "-c", *source, "-o", os.devnull
        )


@one_mode
@pytest.mark.parametrize("compiler", C)
def test_extension_compiles(compiler):
    """_word.c compiles without one warning."""
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", f"-I{sysconfig.get_path('include')}"]
    compile_with(compiler, *flags, "-c", HEADER.with_name("_word.c"), "-o", os.devnull)


@one_mode
@pytest.mark.parametrize("compilers", [C[:1] * 2, C, CPP, ("g++", "gcc"), ("clang++", "gcc")])
def test_two_translation_units(tmp_path, name, compilers):
    """Two files of a program may include the header, also one in C and one in C++."""
    body = f'#include "{HEADER}"\n'
    other = '#ifdef __cplusplus\nextern "C"\n#endif\nint other(void)'
    opening = f'systemevent_t e;\nif (systemevent_open(&e, SYSTEMEVENT_NAME("{name}"), 0600))'
    first = f"{body}{other};\nint main(void) {{ {opening} return 2;\nsystemevent_set(&e);"
    first += "return other(); }\n"
    second = f"{body}{other} {{ {opening} return 3;\nreturn systemevent_wait(&e, NULL) - 1; }}\n"
    for source, text, compiler in zip("ab", (first, second), compilers, strict=True):
        path = tmp_path / (source + (".cpp" if compiler in CPP else ".c"))
        path.write_text(text)
        compile_with(compiler, *STRICT, "-c", path, "-o", tmp_path / f"{source}.o")
    program = tmp_path / "program"
    compile_with(compilers[0], tmp_path / "a.o", tmp_path / "b.o", "-o", program)
    with command(program) as process:
        assert process.wait(DEADLINE) == 0
    with SystemEvent(name) as event:
        assert event.is_set()


@one_mode
def test_names_are_its_own():
    """All that the header defines is called systemevent..., but for two names of the system."""
    text = HEADER.read_text()
    macros = set(re.findall(r"^#define (\w+)", text, re.M))
    functions = set(re.findall(r"^static inline .*?(\w+)\(", text, re.M))
    assert {name for name in macros if not name.startswith("SYSTEMEVENT")} == {
        "_GNU_SOURCE",
        "SYS_futex_waitv",
    }
    assert len(functions) > 15
    assert all(name.startswith("systemevent_") for name in functions)


# ---- contracts --------------------------------------------------------------------------------

SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
BUILDS = [(C[0], ["-O3"]), (C[0], ["-O0"]), (C[1], ["-O2"]), (C[0], SANITIZED), (C[1], SANITIZED)]


@pytest.mark.parametrize(
    ("compiler", "flags"), BUILDS, ids=lambda value: value[0] if isinstance(value, list) else value
)
def test_contracts(tmp_path, name, compiler, flags):
    """Every function returns what its contract says, also with sanitizers, and none complains."""
    program = tmp_path / "header_check"
    compile_with(compiler, "-std=c99", *flags, HERE / "header_check.c", "-o", program)
    for umask in 0o022, 0o077:
        with command(program, f"/SystemEvent.{name}", umask=umask) as process:
            assert process.communicate(timeout=DEADLINE) == ("", "")
            assert process.returncode == 0


MUTATIONS = {
    "errno": ("errno = ENAMETOOLONG;", "errno = EINVAL;"),
    "links": ("O_RDWR | O_CLOEXEC | O_NOFOLLOW", "O_RDWR | O_CLOEXEC"),
    "size": ("status.st_size < SYSTEMEVENT_SIZE", "status.st_size < 1"),
    "mode": ("fchmod(fd, mode) == 0", "1"),
    "NULL": ("event->word = NULL;\n}", "}"),
    "giving up": ("errno = EINTR;", "errno = EAGAIN;"),
}


@one_mode
@pytest.mark.parametrize(("right", "wrong"), MUTATIONS.values(), ids=MUTATIONS)
def test_broken_contracts_are_found(tmp_path, name, right, wrong):
    """The checks above fail with a header that breaks a contract."""
    text = HEADER.read_text()
    assert right in text
    for path in "systemevent/systemevent.h", "tests/header_check.c":
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text((HERE.parent / path).read_text())
    (tmp_path / "systemevent/systemevent.h").write_text(text.replace(right, wrong))
    program = tmp_path / "broken"
    compile_with("gcc", "-std=c99", tmp_path / "tests/header_check.c", "-o", program)
    with command(program, f"/SystemEvent.{name}") as process:
        process.communicate(timeout=DEADLINE)
    assert process.returncode != 0


def test_peer_of_clang(tmp_path, event):
    """A program of another compiler takes part."""
    program = tmp_path / "peer"
    compile_with("clang", "-std=c99", "-O2", HERE / "peer.c", "-o", program, "-pthread")
    with peer(program, "ours", event.name) as one:
        assert one.ask("wait:0") == 0
        one.tell("wait")
        event.set()
        assert one.answer() == 1
        assert one.ask("clear") == 0
        assert not event.is_set()


# ---- ThreadSanitizer --------------------------------------------------------------------------


@pytest.fixture(scope="module", params=C)
def race_check(request, tmp_path_factory):
    """tests/race_check.c with ThreadSanitizer, as the first words of a command line."""
    program = tmp_path_factory.mktemp("race") / "race_check"
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=thread", "-Wno-tsan", "-pthread"]
    flags += ["-Wno-unknown-warning-option"]
    compile_with(request.param, *flags, HERE / "race_check.c", "-o", program)
    # Older versions of it cannot bear addresses as random as some kernels make them.
    steady = ["setarch", "-R"]
    allowed = subprocess.run([*steady, "true"], capture_output=True).returncode == 0
    return [*(steady if allowed else []), program]


def test_no_data_race(race_check, name):
    """Threads that call everything at once, and hand plain data over, have no data race."""
    with command(*race_check, f"/SystemEvent.{name}") as process:
        assert process.communicate(timeout=DEADLINE) == ("", "")
        assert process.returncode == 0


@one_mode
def test_data_race_is_found(race_check, name):
    """ThreadSanitizer sees a plain read of the word among the header's own accesses."""
    with command(*race_check, f"/SystemEvent.{name}", "--race") as process:
        _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 66
    assert "WARNING: ThreadSanitizer: data race" in errors


# ---- where it cannot work ---------------------------------------------------------------------

NEEDS = "systemevent.h needs 64-bit little-endian Linux (x86-64 or aarch64) with glibc: "
OLDER = "systemevent.h needs glibc 2.21 or newer: older ones keep a semaphore in another layout"
FOREIGN = {
    "musl": ("#undef __GLIBC__", NEEDS),
    "other system": ("#undef __linux__", NEEDS),
    "other machine": ("#undef __x86_64__\n#undef __aarch64__", NEEDS),
    "32 bits": ("#define __ILP32__ 1", NEEDS),
    "big endian": (
        "#undef __BYTE_ORDER__\n#define __BYTE_ORDER__ __ORDER_BIG_ENDIAN__",
        NEEDS,
    ),
    "glibc 2.20": ("#undef __GLIBC_MINOR__\n#define __GLIBC_MINOR__ 20", OLDER),
}


@one_mode
@pytest.mark.parametrize("compiler", C + CPP)
@pytest.mark.parametrize(("change", "message"), FOREIGN.values(), ids=FOREIGN)
def test_refuses(tmp_path, compiler, change, message):
    """Where the header cannot work, compiling it fails, and says which systems it needs."""
    (tmp_path / "unistd.h").write_text(  # the last header that systemevent.h includes
        f"#pragma GCC system_header\n#include_next <unistd.h>\n{change}\n"
    )
    words = [f"-I{tmp_path}", "-fsyntax-only", "-x", "c++" if compiler in CPP else "c", *EMPTY]
    compile_with(compiler, *words[1:])  # without the change it works
    result = subprocess.run([compiler, *words], capture_output=True, text=True, timeout=DEADLINE)
    assert result.returncode != 0
    assert f'error: "{message}' in result.stderr or f'error: #error "{message}' in result.stderr


@one_mode
@pytest.mark.parametrize("compiler", C)
@pytest.mark.parametrize("header", ["systemevent.h", "systemevent_multi.h"])
def test_system_headers_before_it(compiler, header):
    """Behind a system header it says what is to be done, and with _GNU_SOURCE it compiles."""
    words = ["-std=c99", *STRICT, "-fsyntax-only", "-x", "c", "-include", "stdio.h"]
    words += ["-include", HEADER.with_name(header), os.devnull]
    result = subprocess.run([compiler, *words], capture_output=True, text=True, timeout=DEADLINE)
    assert result.returncode != 0
    message = (
        '"include systemevent.h before system headers, or define _GNU_SOURCE before all of them"'
    )
    assert message in result.stderr
    compile_with(compiler, "-D_GNU_SOURCE", *words)
