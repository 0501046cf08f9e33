"""Something done in front of the k-th bytecode of the package: sys.settrace or sys.monitoring.

Between two bytecodes is where signals interrupt Python, and where a kill leaves what the next one
would have tidied up: an object that was opened, but whose descriptor no variable holds yet. Random
kills meet such a place once in a million.
"""

import dis
import os
import sys
import threading

import systemevent

_PACKAGE = os.path.dirname(systemevent.__file__) + os.sep


class Countdown:
    """Calls act() in front of the k-th bytecode of the package in this thread, while it is traced.

    where: that bytecode's place, once it was reached.
    """

    def __init__(self, k, act):
        self._left = k
        self._act = act
        self._before = {}
        self._thread = threading.get_ident()
        self.where = None

    def _step(self, frame, offset):
        """In front of the bytecode at that offset."""
        code, before = frame.f_code, self._before.get(frame)
        self._before[frame] = offset
        if self._left == 0 and self.where is None:
            self.where = f"{code.co_name}:{frame.f_lineno}+{offset}"
            if _lets_signals_in(code, before):
                self.where += " (Ctrl-C)"
            self._act()
        self._left -= 1

    def forget(self):
        """Hold no frames, and so nothing that their variables hold."""
        self._before.clear()

    def during(self, function, *args):
        """function(*args), traced."""
        start, stop = (
            (self._start_monitoring, self._stop_monitoring)
            if sys.version_info >= (3, 12)  # there, settrace() misses opcodes of a first call
            else (lambda: sys.settrace(self._trace), lambda: sys.settrace(None))
        )
        start()
        try:
            return function(*args)
        finally:
            stop()

    def _trace(self, frame, happening, argument):
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if happening == "opcode":
            self._step(frame, frame.f_lasti)
        return self._trace

    def _start_monitoring(self):
        tool = sys.monitoring
        tool.use_tool_id(tool.DEBUGGER_ID, "bytecodes")
        tool.register_callback(tool.DEBUGGER_ID, tool.events.INSTRUCTION, self._instruction)
        tool.set_events(tool.DEBUGGER_ID, tool.events.INSTRUCTION)

    def _stop_monitoring(self):
        sys.monitoring.set_events(sys.monitoring.DEBUGGER_ID, 0)
        sys.monitoring.free_tool_id(sys.monitoring.DEBUGGER_ID)

    def _instruction(self, code, offset):
        if code.co_filename.startswith(_PACKAGE) and threading.get_ident() == self._thread:
            self._step(sys._getframe(1), offset)


def _lets_signals_in(code, offset):
    """Does the interpreter look for signals behind that bytecode? (Elsewhere none can interrupt.)

    CPython 3.11 and later do so when a function begins, behind a call and a jump backward.
    """
    if offset is None or sys.version_info < (3, 11):
        return True
    names = {one.offset: one.opname for one in dis.get_instructions(code)}
    return names[offset].startswith(("RESUME", "CALL", "JUMP_BACKWARD"))
