"""Turns: a test that keeps the whole machine busy runs alone, though the others run side by side.

With a thousand processes that run at once, any other process may have to wait for a second. Then
whatever is to be over soon, or a server is to answer in time, is late through nobody's fault.
"""

import contextlib
import fcntl

# Two bytes of a file, locked. Who comes holds the gate until it is on the stage, so that who wants
# the stage alone is not passed by others for ever. (These locks are not inherited by a fork.)
_GATE, _STAGE = 0, 1


class Turns:
    """The turns of all processes that have this file; it is made if it is missing."""

    def __init__(self, path):
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115 # until close()

    @contextlib.contextmanager
    def turn(self, alone=False):
        """Be on the stage, alone or with all others that need not be."""
        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        with contextlib.ExitStack() as there:
            with self._locked(_GATE, fcntl.LOCK_EX):
                there.enter_context(self._locked(_STAGE, how))
            yield

    @contextlib.contextmanager
    def _locked(self, byte, how):
        fcntl.lockf(self._file, how, 1, byte)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def close(self):
        """Take no part any more; the others go on with the file that they have."""
        self._file.close()
