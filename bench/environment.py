"""What the figures depend on."""

import os
import platform
import sys
from pathlib import Path

import systemevent
from systemevent import _word


def environment() -> dict[str, str]:
    """CPU, cores, kernel, Python, governor, load: in words."""
    cores = len(os.sched_getaffinity(0))
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    waits = "futex_waitv" if _word.sleeps_on_both_halves() else "futex on value only (older kernel)"
    return {
        "CPU": _cpu(),
        "cores": f"{cores} of {os.cpu_count()}" if cores != os.cpu_count() else str(cores),
        "memory": _memory(),
        "kernel": f"{platform.system()} {_release()} {platform.machine()}",
        "C library": " ".join(platform.libc_ver()),
        "Python": f"{platform.python_implementation()} {platform.python_version()}"
        + ("" if getattr(sys, "_is_gil_enabled", lambda: True)() else ", free-threaded"),
        "SystemEvent": f"{systemevent.__version__}, {waits}",
        "governor": governor or "not readable",
        "load": load(),
    }


def load() -> str:
    """The load averages: of 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _release() -> str:
    """The kernel's version, without what its maker calls it."""
    return platform.release().partition("-")[0]


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _cpu() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor() or "unknown"


def _memory() -> str:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal"):
            return f"{int(line.split()[1]) / 2**20:.1f} GiB"
    return "unknown"
