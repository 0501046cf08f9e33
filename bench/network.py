"""Two network namespaces with a cable between them: two machines, as far as TCP can tell.

They have no names. A namespace lives as long as a process or a descriptor needs it, and the cable
(a veth pair) as long as its namespaces: nothing has to be removed, whatever happens.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EHOSTUNREACH

_CLONE_NEWNET = 0x40000000
_CABLE = "cable0"
DEADLINE = 10.0
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """This thread's namespace, another one, and the cable."""

    #: The address of this end.
    here = "10.99.0.1"
    _THERE = "10.99.0.2"

    def __init__(self, there: int) -> None:
        self._there = there

    def move(self) -> None:
        """This process (or thread) goes over to the other namespace."""
        _enter(self._there)


@contextmanager
def network() -> Iterator[Network]:
    """This thread is in a namespace of its own meanwhile.

    Raises OSError or CalledProcessError if it may not be, or the system has no such means.
    """
    if not shutil.which("ip"):
        raise OSError("no ip (Debian's package iproute2)")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    descriptors = [home]
    try:
        there = _new_namespace(descriptors)
        here = _new_namespace(descriptors)
        _ip("link", "set", "lo", "up")
        _ip("link", "add", _CABLE, "type", "veth", "peer", "name", _CABLE, *_netns(there))
        _plug(Network.here)
        _enter(there)
        _ip("link", "set", "lo", "up")
        _plug(Network._THERE)
        _enter(here)
        _wait_for_packets(here, there)
        yield Network(there)
    finally:
        _enter(home)
        for descriptor in descriptors:
            os.close(descriptor)


def no_network() -> str:
    """Why there can be none here, or nothing."""
    try:
        with network():
            return ""
    except PermissionError:
        return "needs root: to make network namespaces"
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None)
        return f"no network namespaces: {said.decode().strip() if said else error}"


def _new_namespace(descriptors: list[int]) -> int:
    if _libc.unshare(_CLONE_NEWNET):
        raise _error("unshare")
    descriptors.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
    return descriptors[-1]


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET):
        raise _error("setns")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _wait_for_packets(here: int, there: int) -> None:
    """It takes the kernel up to a second to notice that the cable is plugged in."""
    end = time.monotonic() + DEADLINE
    with socket.create_server((Network.here, 0)) as server:
        _enter(there)
        try:
            while True:
                try:
                    socket.create_connection(server.getsockname(), 0.02).close()
                    return
                except OSError as error:  # unreachable: nobody has answered for some seconds
                    is_late = isinstance(error, TimeoutError) or error.errno == EHOSTUNREACH
                    if not is_late or time.monotonic() > end:
                        raise
        finally:
            _enter(here)


def _netns(namespace: int) -> tuple[str, str]:
    return "netns", f"/proc/{os.getpid()}/fd/{namespace}"


def _plug(address: str) -> None:
    _ip("address", "add", f"{address}/24", "dev", _CABLE)
    _ip("link", "set", _CABLE, "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
