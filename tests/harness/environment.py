"""What results depend on: the machine, its kernel, its C library, the interpreter.

A history that is legal on one kernel says nothing of the next; so every report says where it is
from.
"""

import os
import platform

from .implementations import MODES, available


def modes():
    """The sleeping modes that this kernel has."""
    return [mode for mode in MODES if f"processes/{mode}" in available()]


def environment():
    """What the results depend on."""
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return {
        "machine": f"{len(os.sched_getaffinity(0))} x {model}",
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "modes": modes(),
    }
