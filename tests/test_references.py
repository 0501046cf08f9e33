"""The extension counts references right, also on another Python than the one it was built for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import DEADLINE
from surroundings import compile_with

pytestmark = pytest.mark.one_mode

HERE = Path(__file__).parent
OTHERS = [f"3.{minor}" for minor in range(10, 15) if minor != sys.version_info[1]]
ABOUT = """
import json, sys, sysconfig
is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print(json.dumps([sysconfig.get_path("include"), is_free_threaded]))
"""


def uneven(*words):
    """What tests/counts.py says; it crashes if None runs out of references."""
    command = [sys.executable, HERE / "counts.py", *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def headers_of(version):
    """The folder of Python.h of that version; skip if it is not installed, as tox does."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    programs = [f"python{version}", *root.glob(f"versions/{version}.*/bin/python{version}")]
    for program in programs:
        try:
            answer = subprocess.run([program, "-c", ABOUT], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):  # a shim of pyenv, of a version not in use
            continue
        folder, is_free_threaded = json.loads(answer.stdout)
        if not is_free_threaded and (Path(folder) / "Python.h").exists():
            return folder
    return pytest.skip(f"needs CPython {version} with its headers")


def test_every_call():
    """No call loses or keeps a reference, however it ends."""
    assert uneven() == []


@pytest.mark.parametrize("version", OTHERS)
def test_built_with_other_headers(tmp_path, version):
    """An extension of the stable ABI may be built by any version, and used by any other.

    The macros of 3.12 and 3.13 count no references of None, True and False, and 3.11 ends with
    "deallocating None" after some thousand calls (CPython gh-134989).
    """
    built = tmp_path / "_word.abi3.so"
    source = HERE.parent / "systemevent" / "_word.c"
    compile_with("cc", "-O2", "-shared", "-fPIC", f"-I{headers_of(version)}", source, "-o", built)
    assert uneven(built) == []
