"""Servers that cannot be used, each in its own way: (URL, builtin exception, what it says)."""

import contextlib
import socket
import threading

from redis_server import PATIENT, VOLATILE, Server, free_port
from redis_users import url_of, user_of

#: A password that no message may show.
SECRET = "Tr0ub4dor"
LOGIN = f"ann:{SECRET}@"


@contextlib.contextmanager
def wrong_password(server):
    with user_of(server, "~*", "+@all", name="ann", password="another"):
        words = r"\[Errno 13\] .*: invalid username-password pair or user is disabled\."
        yield url_of(server, "ann", SECRET), PermissionError, words


@contextlib.contextmanager
def unknown_user(server):
    words = r"\[Errno 13\] .*: invalid username-password pair or user is disabled\."
    yield url_of(server, "nobody", SECRET), PermissionError, words


@contextlib.contextmanager
def no_password(server):
    with Server(*VOLATILE, "--requirepass", SECRET) as locked:
        yield locked.url, PermissionError, r"\[Errno 13\] .*: Authentication required\."


@contextlib.contextmanager
def no_permission(server):
    with user_of(server, "+@all", "~other:*", "-scan", name="ann", password=SECRET) as url:
        words = r"\[Errno 13\] .*: this user has no permissions to (access|run) .*"
        yield url, PermissionError, words


@contextlib.contextmanager
def no_database(server):
    with user_of(server, "~*", "+@all", name="ann", password=SECRET):
        url = url_of(server, "ann", SECRET, "/16")
        yield url, ValueError, ".*: it has no database of that number"


@contextlib.contextmanager
def refused(server):
    words = r"\[Errno 111\] .*: Connection refused"
    yield f"redis://{LOGIN}127.0.0.1:{free_port()}", ConnectionError, words


@contextlib.contextmanager
def no_socket(server):
    words = r"\[Errno 2\] .*: No such file or directory"
    yield f"unix://{LOGIN}/nowhere/socket", ConnectionError, words


@contextlib.contextmanager
def unresolvable(server):
    words = ".*: (Name or service not known|Temporary failure in name resolution)"
    yield f"redis://{LOGIN}no-such-host.invalid", ConnectionError, words


@contextlib.contextmanager
def unreachable(server):
    """Nothing answers the first packet: a host that is off, or a firewall that drops it."""
    with contextlib.ExitStack() as ends:
        listener = ends.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # the kernel drops what its queue has no room for
            one = ends.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        url = f"redis://{LOGIN}127.0.0.1:{listener.getsockname()[1]}?socket_connect_timeout=0.2"
        yield url, TimeoutError, r"\[Errno 110\] .*: no answer in time"


@contextlib.contextmanager
def silent(server):
    """The connection is made, and then nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://{LOGIN}127.0.0.1:{listener.getsockname()[1]}?socket_timeout=0.2"
        yield url, TimeoutError, r"\[Errno 110\] .*: no answer in time"


@contextlib.contextmanager
def something_else(server):
    """A server that speaks another language."""

    def answer():
        with contextlib.suppress(OSError):  # at the end
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):  # of who has gone already
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    connection.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        words = r"\[Errno 71\] .*: .*(HTTP/1.1 400|Protocol error, got \"H\").*"  # hiredis'
        yield f"redis://{LOGIN}127.0.0.1:{port}", OSError, words
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def too_old(server):
    """A server without a command that events need."""
    words = []
    for one in "XREVRANGE", "SCAN", "EVAL":
        words += ["--rename-command", one, ""]
    with Server(*VOLATILE, *words) as old:
        text = (
            r"\[Errno 38\] .*: it does not have all that events need, which is Redis 6.2 or newer "
            r"with EVAL, XADD, XREVRANGE and XREAD: unknown command '.*'"
        )
        yield old.url, OSError, text


@contextlib.contextmanager
def without_logins(server):
    """A server that does not know how to log in: its answer repeats what was sent, secrets too."""
    with Server(*VOLATILE, "--rename-command", "AUTH", "") as plain:
        text = r"\[Errno 38\] .*: it does not have all that .*: unknown command 'AUTH'"
        yield url_of(plain, "ann", SECRET), OSError, text


@contextlib.contextmanager
def no_sentinel(server):
    """A Sentinel's URL that leads to a server of events."""
    url = f"redis+sentinel://{LOGIN}{server.host}:{server.port}/main{PATIENT}"
    yield url, OSError, r"\[Errno 38\] .*: it is no Sentinel: unknown command 'SENTINEL'"


TROUBLES = {
    function.__name__: function
    for function in (
        *(wrong_password, unknown_user, no_password, no_permission, no_database),
        *(refused, no_socket, unresolvable, unreachable, silent, something_else, too_old),
        *(without_logins, no_sentinel),
    )
}
