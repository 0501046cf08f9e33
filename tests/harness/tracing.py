"""One process under ptrace: run to a function, step through it instruction by instruction, kill it.

A child that asks to be traced (PTRACE_TRACEME) needs no permission for others' processes, and a
forked child has the same addresses as we have, so that no symbols have to be looked up.

What a step is. A system call is one step. A call that leaves the code of interest (into the
interpreter, the vDSO) is one step too: a breakpoint at its return address. A step into a system
call that blocks does not end by itself: step() then returns ASLEEP as soon as the process *is*
asleep in a wait for an event, so that others can act in the right order, and finish() ends it.

The counterexample that it exists for: a setter that stores 1 and then makes the wake-up call leaves
sleepers asleep if it dies between two certain instructions out of about thirty. A million kills at
random moments do not find that; thirty kills, one at each instruction, do.
"""

import contextlib
import ctypes
import os
import platform
import signal

try:
    from processes import is_asleep, until
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..processes import is_asleep, until

STEPPED, ASLEEP, RETURNED = "stepped", "asleep", "returned"

_TRACEME, _PEEK, _POKE, _CONT, _SINGLESTEP, _SETOPTIONS = 0, 1, 4, 7, 9, 0x4200
_GETREGSET, _SETREGSET, _GENERAL_REGISTERS = 0x4204, 0x4205, 1
_EXITKILL = 0x100000


class _X86_64:
    registers, pc, sp, result = 27, 16, 19, 10
    breakpoint, after_breakpoint = b"\xcc", 1
    system_call = b"\x0f\x05"
    general = (*range(15),)

    @staticmethod
    def return_address(process, registers):
        return process.peek(registers[19])


class _AArch64:
    """Compare-and-swap must be one instruction (LSE): between a load-linked and a store-conditional
    each step's exception clears the monitor, so that the pair would be tried again for ever."""

    registers, pc, sp, result = 34, 32, 31, 0
    breakpoint, after_breakpoint = b"\x00\x00\x20\xd4", 0
    system_call = b"\x01\x00\x00\xd4"
    general = (*range(31),)

    @staticmethod
    def return_address(process, registers):
        return registers[30]


_MACHINE = {"x86_64": _X86_64, "aarch64": _AArch64}.get(platform.machine())

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


#: Address: is there a system call? Forked children have our addresses, and code does not change.
_is_system_call = {}


class TracingError(Exception):
    """A traced process did what it should not have done: it died, or got an odd signal."""


def _ptrace(request, pid, address=0, data=0):
    ctypes.set_errno(0)
    value = _libc.ptrace(request, pid, address, data)
    if ctypes.get_errno():
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace request {request:#x}: {os.strerror(error)}")
    return value & (2**64 - 1)


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Traced:
    """function() in a forked child, held by us; created stopped, before the function's first line.

    code: [(start, end), ...], the instructions that count; a call that leaves them is one step.
        None: everything counts.
    """

    def __init__(self, function, code=None):
        self._code = code
        self._deliver = 0
        self._returns_to = None
        self._restarting = False
        self._runs = False
        self._registers = (ctypes.c_uint64 * _MACHINE.registers)()
        self._vector = _Iovec(ctypes.addressof(self._registers), ctypes.sizeof(self._registers))
        self._vector_address = ctypes.addressof(self._vector)
        self.alive = True
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
                _libc.ptrace(_TRACEME, 0, 0, 0)
                os.kill(os.getpid(), signal.SIGSTOP)
                function()
            finally:
                os._exit(70)
        self._wait_for(signal.SIGSTOP)
        try:
            _ptrace(_SETOPTIONS, self.pid, 0, _EXITKILL)
        except OSError:
            self.kill()
            raise

    # ---- memory and registers ----

    def peek(self, address):
        """The 8 bytes at the address, as an unsigned integer."""
        return _ptrace(_PEEK, self.pid, address)

    def registers(self):
        """All general registers, in the kernel's order; good until it runs again."""
        _ptrace(_GETREGSET, self.pid, _GENERAL_REGISTERS, self._vector_address)
        return self._registers

    def holds(self, value):
        """Does a general register hold this 64-bit value?"""
        registers = self.registers()
        return any(registers[i] == value for i in _MACHINE.general)

    def result(self):
        """The register with what the function has returned."""
        return self.registers()[_MACHINE.result]

    # ---- running ----

    def _wait_for(self, wanted):
        _, status = os.waitpid(self.pid, 0)
        self._ended(status)
        if os.WSTOPSIG(status) != wanted:
            raise TracingError(f"stopped by signal {os.WSTOPSIG(status)}, not {wanted}")

    def _ended(self, status):
        if not os.WIFSTOPPED(status):
            self.alive = False
            raise TracingError(f"the traced process has ended: wait status {status:#x}")

    def _patch(self, address):
        original = self.peek(address)
        text = original.to_bytes(8, "little")
        patched = _MACHINE.breakpoint + text[len(_MACHINE.breakpoint) :]
        _ptrace(_POKE, self.pid, address, int.from_bytes(patched, "little"))
        return original

    def run_to(self, address):
        """Run until the instruction at the address is the next one."""
        original = self._patch(address)
        _ptrace(_CONT, self.pid, 0, self._deliver)
        self._deliver = 0
        self._wait_for(signal.SIGTRAP)
        _ptrace(_POKE, self.pid, address, original)
        registers = self.registers()
        registers[_MACHINE.pc] -= _MACHINE.after_breakpoint
        if registers[_MACHINE.pc] != address:
            raise TracingError(f"stopped at {registers[_MACHINE.pc]:#x}, not at {address:#x}")
        _ptrace(_SETREGSET, self.pid, _GENERAL_REGISTERS, self._vector_address)

    def enter(self, address):
        """Run to the function at the address: the steps of that call are to follow."""
        self.run_to(address)
        registers = self.registers()
        self._returns_to = _MACHINE.return_address(self, registers), registers[_MACHINE.sp]

    def _at_system_call(self):
        call, pc = _MACHINE.system_call, self.registers()[_MACHINE.pc]
        if pc not in _is_system_call:
            _is_system_call[pc] = self.peek(pc).to_bytes(8, "little").startswith(call)
        return _is_system_call[pc]

    def step(self):
        """Run one instruction; return STEPPED, RETURNED (from the function), or ASLEEP."""
        may_sleep = self._restarting or self._at_system_call()
        self._restarting = False
        _ptrace(_SINGLESTEP, self.pid, 0, self._deliver)
        self._deliver = 0
        if may_sleep:
            return until(self._stopped_or_asleep, f"process {self.pid} makes its system call")
        return self._after(os.waitpid(self.pid, 0)[1])

    def run(self):
        """Run to the function's end; return RETURNED, or ASLEEP or STEPPED (a signal) before that.

        From then on, settle() and finish() go on to the end, too.
        """
        if not self._runs:
            self._runs = True
            self._patch(self._returns_to[0])
        _ptrace(_CONT, self.pid, 0, self._deliver)
        self._deliver = 0
        return until(self._stopped_or_asleep, f"process {self.pid} returns or sleeps")

    def _stopped_or_asleep(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return self._after(status)
        return ASLEEP if is_asleep(self.pid) else None

    @property
    def is_disturbed(self):
        """Is the next step the entry into a signal handler, or the restart of a system call?"""
        return self._restarting

    def pc(self):
        """The address of the next instruction."""
        return self.registers()[_MACHINE.pc]

    def settle(self):
        """After ASLEEP: has it been woken? Return as step(), ASLEEP if it has not."""
        return until(self._stopped_or_asleep, f"process {self.pid} is awake or asleep")

    def finish(self):
        """End the step that returned ASLEEP: wait until the process is awake; return as step()."""
        return until(self._stopped, f"process {self.pid} is awake")

    def _stopped(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return self._after(status) if pid else None

    def _after(self, status):
        self._ended(status)
        number = os.WSTOPSIG(status)
        if number == signal.SIGSTOP:  # has left the kernel's queue; what stop() is for
            self._restarting = True
            return STEPPED
        if number != signal.SIGTRAP:
            self._deliver = number  # its handler is entered by the next step
            self._restarting = True
            return STEPPED
        if self._runs or self._has_returned():
            return RETURNED
        pc = self._registers[_MACHINE.pc]
        if self._code and not any(start <= pc < end for start, end in self._code):
            self.run_to(_MACHINE.return_address(self, self._registers))
            if self._has_returned():  # that was a call in tail position
                return RETURNED
        return STEPPED

    def _has_returned(self):
        registers = self.registers()
        address, entered_with = self._returns_to
        return registers[_MACHINE.pc] == address and registers[_MACHINE.sp] >= entered_with

    def signal(self, number):
        """Send a signal. SIGSTOP takes it out of its sleep, and is not delivered."""
        os.kill(self.pid, number)

    def kill(self):
        """SIGKILL, and reap: when this returns, every effect that it had is over."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            while self.alive:
                _, status = os.waitpid(self.pid, 0)
                self.alive = os.WIFSTOPPED(status)


@contextlib.contextmanager
def traced(function, code=None):
    """Traced(function, code), killed at the end."""
    process = Traced(function, code)
    try:
        yield process
    finally:
        process.kill()


def code_of(*parts):
    """The executable mappings of this process whose path contains one of the parts."""
    with open("/proc/self/maps") as file:
        lines = [line.split() for line in file]
    return [
        tuple(int(end, 16) for end in words[0].split("-"))
        for words in lines
        if "x" in words[1] and len(words) > 5 and any(part in words[5] for part in parts)
    ]


def why_not():
    """Why processes cannot be traced here; None if they can."""
    if _MACHINE is None:
        return f"no tracer for {platform.machine()}"
    try:
        with traced(lambda: None):
            return None
    except (OSError, TracingError) as error:
        return str(error)
