"""Object files of events on Linux: create, open, unlink, list.

The object file of an event is the file behind a named semaphore. It is created by the C library,
through posix_ipc, so that every program which knows semaphores finds a valid one.

An object is never visible half-made or with other permissions than the caller's: it is made under a
private name, gets its mode, and is then linked into place. Its maker holds a lock on it meanwhile.
The kernel drops the lock when the maker dies, so whoever can take the lock may sweep the object up.
"""

import errno
import os
import stat
import time

from ._names import NEW_PREFIX

FOLDER = "/dev/shm"
FILE_PREFIX = "sem."
#: The longest semaphore name, in bytes: NAME_MAX less what the C library puts in front.
LONGEST_NAME = 251
#: sizeof(sem_t): a shorter object file would end in SIGBUS.
SIZE = 32

#: How often a creation is begun anew before it gives up. Once is rare.
_ATTEMPTS = 100

_swept_by = 0


def path_of(semaphore: str) -> str:
    """The path of the object file of the semaphore."""
    return f"{FOLDER}/{FILE_PREFIX}{semaphore}"


def explained(error: OSError, what: str, semaphore: str) -> OSError:
    """The builtin exception for error.errno that says what failed, for which object, and why."""
    path = path_of(semaphore)
    reason = error.strerror or str(error)
    if error.errno == errno.ENOENT and not os.path.isdir(FOLDER):
        reason = f"there is no {FOLDER} (mount a tmpfs there)"
    elif error.errno == errno.ELOOP:
        reason = "its object file is a symbolic link, which is not followed"
    elif error.errno == errno.EISDIR:
        reason = "its object file is a directory, not a semaphore"
    elif error.errno == errno.ENXIO:
        reason = "its object file is a socket or a device, not a semaphore"
    elif error.errno in (errno.EACCES, errno.EPERM):
        try:
            status = os.stat(path, follow_symlinks=False)
        except OSError:
            pass
        else:
            mode = stat.S_IMODE(status.st_mode)
            reason += f" (it belongs to uid {status.st_uid} and has mode {mode:03o})"
    return OSError(error.errno, f"{what}: {reason}", path)


def open_object(semaphore: str, mode: int) -> int:
    """Open the object file, or create it with exactly that mode; return the descriptor.

    Raises OSError (FileNotFoundError, PermissionError, ...).
    """
    path = path_of(semaphore)
    while True:
        try:
            # Without O_CREAT: in a sticky folder, fs.protected_regular refuses it even to root.
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            try:
                return _create(path, mode)
            except FileExistsError:
                continue  # somebody else was first (or even has unlinked it again)
        try:
            _check(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _check(descriptor: int) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "its object file is not a regular file, so no semaphore")
    if status.st_size < SIZE:
        raise OSError(
            errno.EINVAL,
            f"its object file is no semaphore: it has {status.st_size} bytes, not {SIZE} or more",
        )


def _create(path: str, mode: int) -> int:
    """Put a new object at path; return its descriptor. Raises FileExistsError if there is one."""
    import fcntl

    _sweep()
    attempts = 0
    while True:
        attempts += 1
        semaphore = f"{NEW_PREFIX}{os.getpid()}.{time.monotonic_ns()}"
        private = path_of(semaphore)
        descriptor = -1
        try:
            _create_semaphore(semaphore)
            os.chmod(private, 0o600)  # the umask may have taken our own permission
            descriptor = os.open(private, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(descriptor, mode)
            os.link(private, path)
        except BaseException as error:
            if descriptor >= 0:
                os.close(descriptor)
            swept = isinstance(error, (FileNotFoundError, BlockingIOError))
            if not (swept and os.path.isdir(FOLDER)):
                raise
            # By another process, between its creation and the lock: make another one.
            if attempts == _ATTEMPTS:
                reason = f"the C library's new semaphores do not appear in {FOLDER}"
                raise OSError(errno.ENOENT, reason) from error
        else:
            return descriptor
        finally:
            try:
                os.unlink(private)
            except OSError:
                pass  # gone; or the next sweep gets it


def _create_semaphore(name: str) -> None:
    """Create a clear semaphore of that name, with posix_ipc; raise the builtin exceptions."""
    import posix_ipc

    try:
        posix_ipc.Semaphore(f"/{name}", posix_ipc.O_CREX, 0o600).close()
    except posix_ipc.ExistentialError:
        # There is no folder (else this name of a process and an instant would be taken).
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    except posix_ipc.PermissionsError:
        raise PermissionError(errno.EACCES, f"{FOLDER} is not writable") from None
    except MemoryError:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None
    except OSError as error:
        if error.errno is not None:
            raise
        # posix_ipc says these two in words only.
        number = errno.ENFILE if "system limit" in str(error) else errno.EMFILE
        raise OSError(number, os.strerror(number)) from None


def _sweep() -> None:
    """Remove what makers left behind that were killed; once in a process."""
    import fcntl

    global _swept_by
    if _swept_by == os.getpid():
        return
    _swept_by = os.getpid()
    start = FILE_PREFIX + NEW_PREFIX
    try:
        names = os.listdir(FOLDER)
    except OSError:  # not readable: there is nothing to sweep for us
        return
    for name in names:
        if not name.startswith(start):
            continue
        path = f"{FOLDER}/{name}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # gone, or somebody else's
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        except OSError:
            pass  # its maker is alive, or it is gone, or somebody else's
        finally:
            os.close(descriptor)


def unlink_object(semaphore: str) -> None:
    """Remove the semaphore's name. Raises OSError (FileNotFoundError, PermissionError)."""
    os.unlink(path_of(semaphore))


def inode_of(semaphore: str) -> int | None:
    """The inode number of the object file; None if there is none."""
    try:
        return os.stat(path_of(semaphore), follow_symlinks=False).st_ino
    except OSError:
        return None


def list_semaphores(prefix: str) -> list[str]:
    """The names of all semaphores that begin with the prefix, sorted; without the prefix.

    Raises OSError if the folder cannot be read; if there is none, there are no semaphores.
    """
    start = FILE_PREFIX + prefix
    try:
        names = os.listdir(FOLDER)
    except FileNotFoundError:
        return []
    return sorted(
        name[len(start) :]
        for name in names
        if name.startswith(start)
        and len(name) > len(start)
        and not name.startswith(FILE_PREFIX + NEW_PREFIX)
    )
