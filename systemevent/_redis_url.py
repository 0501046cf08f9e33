"""The URL of a server: what it says, and what of it may be shown.

Schemes: redis, rediss (TLS) and unix, with the options below behind the "?";
redis+sentinel://host[:port],.../service[/database] and redis+cluster://host[:port],..., with
rediss+... for TLS.

What is wrong is never shown: it may be a password that somebody has written at a wrong place.
"""

from urllib.parse import parse_qsl, unquote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

SCHEMES = (
    *("redis", "rediss", "unix"),
    *("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"),
)

_PORTS = {"sentinel": 26379}


def _database(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ValueError("a database of Redis is a number")


def _seconds(text: str) -> float:
    seconds = float(text)
    if 0 < seconds <= 1_000_000:  # poll(2) counts the milliseconds in an int
        return seconds
    raise ValueError("a limit is a positive number of seconds")


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[
        text.lower()
    ]


def _file(path: str) -> str:
    """A file that is needed later, and whose absence would look like that of the server."""
    with open(path, "rb"):
        return path


def _requirement(text: str) -> str:
    return {each: each for each in ("none", "optional", "required")}[text]


#: redis-py's options that make sense here, and one of our own (grace); what reads their values.
_OPTIONS: "dict[str, Callable[[str], object]]" = {
    "username": str,
    "password": str,
    "db": _database,
    "client_name": str,
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "grace": _seconds,
}
_OF_TCP: "dict[str, Callable[[str], object]]" = {"socket_keepalive": _yes_or_no}
_OF_SENTINELS: "dict[str, Callable[[str], object]]" = {
    "sentinel_username": str,
    "sentinel_password": str,
}
_OF_TLS: "dict[str, Callable[[str], object]]" = {
    "ssl_ca_certs": _file,
    "ssl_ca_path": str,
    "ssl_ca_data": str,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_password": str,
    "ssl_cert_reqs": _requirement,
    "ssl_check_hostname": _yes_or_no,
}


class Place:
    """Where events are kept.

    shown: the URL without user, password and options: for people.
    kind: "" (one server), "sentinel" or "cluster".
    hosts: what to connect to first: keyword arguments for redis-py's connections.
    service: what the Sentinels call it.
    """

    def __init__(self, url: str) -> None:
        """Take the URL apart. Raises ValueError, which never shows a secret."""
        if not isinstance(url, str):
            raise TypeError(f"an event's URL must be a str, not {type(url).__name__}")
        if not url.isprintable() or " " in url:
            raise ValueError(
                "in the URL of events, spaces, line ends, other control characters and bytes that "
                "are no UTF-8 have to be written as %20, %0A, ..."
            )
        parts = _tried(urlsplit, url)
        if parts is None:
            raise ValueError("the URL of events cannot be understood")
        start = f"{parts.scheme}://"
        if parts.scheme not in SCHEMES or not url.lower().startswith(start):
            # What stands there may be a secret: a URL without its scheme.
            schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            raise ValueError(f"the URL of events must begin with one of {schemes}")
        if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
            raise ValueError(
                "in the URL of events, '@', '/', '?', '#' and '%' in a user's name or password "
                "have to be written as %40, %2F, %3F, %23 and %25"
            )
        transport, _, self.kind = parts.scheme.partition("+")
        user, _, hosts = parts.netloc.rpartition("@")
        self.shown = f"{start}{hosts}{parts.path}"
        options = self._options(transport, parts.query)
        name, _, password = user.partition(":")
        if name:
            options["username"] = unquote(name)
        if password:
            options["password"] = unquote(password)
        self.service = ""
        self.hosts: list[dict[str, object]]
        if transport == "unix":
            if hosts or parts.path in ("", "/"):
                raise ValueError("the URL of events on a socket is unix:///, then its path")
            self.hosts = [options | _socket(unquote(parts.path))]
            return
        path = parts.path.strip("/").split("/")
        if self.kind == "sentinel":
            self.service = unquote(path.pop(0))
            if not self.service:
                raise ValueError("no service behind the hosts of the Sentinels in the URL")
        if len(path) > 1:
            raise ValueError("too many slashes in the URL of events")
        if path and path[0]:
            if "db" in options:
                raise ValueError("two databases in the URL of events")
            options["db"] = _read("db", _database, unquote(path[0]))
        if self.kind == "cluster" and options.get("db"):
            raise ValueError("a Redis cluster has database 0 only")
        if not self.kind and "," in hosts:
            raise ValueError("only redis+sentinel:// and redis+cluster:// have several hosts")
        self.hosts = [options | self._host(host) for host in hosts.split(",")]

    def _options(self, transport: str, query: str) -> dict[str, object]:
        known = dict(_OPTIONS)
        known.update(_OF_TCP if transport != "unix" else {})
        known.update(_OF_SENTINELS if self.kind == "sentinel" else {})
        known.update(_OF_TLS if transport == "rediss" else {})
        pairs = _tried(lambda: parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        if pairs is None:
            raise ValueError(f"an option of the URL of events has no value; {_of(known)}")
        given = dict(pairs)
        if not given.keys() <= known.keys():
            raise ValueError(f"an unknown option in the URL of events; {_of(known)}")
        if len(given) < len(pairs):
            raise ValueError("an option is given twice in the URL of events")
        options = {name: _read(name, known[name], text) for name, text in given.items()}
        if transport == "rediss":
            from redis.connection import SSLConnection

            options["connection_class"] = SSLConnection
            # redis-py before 6 does not do that of its own accord.
            options.setdefault("ssl_check_hostname", options.get("ssl_cert_reqs") != "none")
            options.setdefault("ssl_password", "")  # OpenSSL would ask on the terminal
        elif transport == "unix":
            from redis.connection import UnixDomainSocketConnection

            options["connection_class"] = UnixDomainSocketConnection
        return options

    def _host(self, text: str) -> dict[str, object]:
        """The arguments for a host and its port."""
        found = _tried(_host_and_port, text)
        if found is None or found[1] == 0:
            raise ValueError(
                "a wrong host or port in the URL of events (it is user:password@host:port)"
            )
        name, port = found
        if self.kind == "sentinel" and not name:
            raise ValueError("no host in the URL of events")
        return {"host": name or "localhost", "port": port or _PORTS.get(self.kind, 6379)}


def _host_and_port(text: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{text}")
    name = unquote(parts.hostname or "")
    name.encode("idna")  # as the look-up will
    return name, parts.port


def _tried(function: "Callable[..., T]", *args: object) -> "T | None":
    """What it returns; None if it raises ValueError, of which nothing is kept: it may say too much.

    Also as an exception's __context__.
    """
    try:
        return function(*args)
    except ValueError:
        return None


def _socket(path: str) -> dict[str, object]:
    if len(path.encode()) > 107 or "\0" in path:  # unix(7)
        raise ValueError("the path of a socket has at most 107 bytes, none of them NUL")
    return {"path": path}


def _of(known: "Mapping[str, object]") -> str:
    return f"there are {', '.join(known)}"


def _read(name: str, reader: "Callable[[str], object]", text: str) -> object:
    """The value of an option."""
    problem = f"a wrong value of {name} in the URL of events"
    try:
        if text:
            return reader(text)
    except OSError as error:
        problem = f"{name} in the URL of events: cannot read that file: {error.strerror}"
    except (ValueError, KeyError):
        pass
    raise ValueError(problem)
