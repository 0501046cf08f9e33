"""The C worker, compiled once for each mutant, into a folder that is gone when the process ends.

Compiled by whoever runs the harness, with their compiler and their C library: what a distribution's
binary does says little of what this header does here.
"""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .copies import ROOT, replace

_SOURCE = Path(__file__).with_name("player.c")
MULTI = "systemevent_multi.h"
_FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]


@functools.cache
def _folder(owner):
    folder = Path(tempfile.mkdtemp(prefix="player."))

    def remove():
        if os.getpid() == owner:  # and not a forked child
            shutil.rmtree(folder)

    atexit.register(remove)
    return folder


@functools.cache
def player(mutant=None):
    """The path of player.c, compiled, with that mutant or none.

    A mutant is the name of one of probe.c, or a tuple of Edits (copies.py) of systemevent_multi.h.
    """
    folder = Path(tempfile.mkdtemp(dir=_folder(os.getpid())))
    path = folder / "player"
    flags = []
    if isinstance(mutant, tuple):
        header = shutil.copy(ROOT / "systemevent" / MULTI, folder)
        for edit in mutant:
            replace(folder, edit)
        flags = [f'-DMULTI_HEADER="{header}"', f"-I{ROOT / 'systemevent'}"]
    elif mutant:
        flags = [f"-DMUTANT_{mutant}"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *_FLAGS, *flags, _SOURCE, "-o", path], check=True)
    return path
