"""Where a URL leads: each kind on a real server; and what is said of a wrong one."""

import contextlib
import socket

import pytest
from redis_server import VOLATILE, Server, no_server
from redis_users import SIGNS, told_by, url_of, user_of
from surroundings import need

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode

SECRET = "Tr0ub4dor"


def no_ipv6():
    """Why there is no [::1]; None if there is."""
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError as error:
        return f"needs IPv6 on loopback: {error}"
    return None


def is_same(url, other):
    """Do both lead to one event?"""
    with SystemEvent("same", url=url) as one, SystemEvent("same", url=other) as two:
        one.set()
        seen = two.is_set()
        two.clear()
        return seen and not one.is_set()


@pytest.mark.parametrize("end", ["", "/", "/0", "?db=0", "?socket_timeout=60", "/0?client_name=me"])
def test_tcp(redis_server, end):
    """redis://host:port is a server, database 0 of it, whatever harmless stands behind."""
    assert is_same(f"redis://127.0.0.1:{redis_server.port}{end}", redis_server.url)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.1", ""])
def test_names_of_hosts(redis_server, host):
    """A host is a name or an address; without one, it is this machine."""
    assert is_same(f"redis://{host}:{redis_server.port}", redis_server.url)


def test_ipv6():
    """An IPv6 address stands in brackets."""
    need(no_server() or no_ipv6())
    with Server(*VOLATILE, "--bind", "127.0.0.1", "::1") as server:
        url = f"redis://[::1]:{server.port}/0"
        assert is_same(url, server.url)
        assert repr(SystemEvent("a", url=url)) == f"<SystemEvent 'a' on {url}: unset>"


@pytest.mark.parametrize("login", ["", ":word@"])
def test_unix(login):
    """unix:///path is a server's socket; its database is an option."""
    need(no_server())
    with Server(*VOLATILE) as folder, contextlib.ExitStack() as ends:
        path = folder.folder / "a socket ä"
        server = ends.enter_context(Server(*VOLATILE, "--unixsocket", path))
        with server.client() as client:
            client.config_set("requirepass", "word" if login else "")
        url = f"unix://{login}{str(path).replace(' ', '%20')}"
        other = url_of(server, "", "word" if login else "")
        assert is_same(url, other)
        assert not is_same(f"{url}?db=1", f"{url}?db=2")
        shown = f"unix://{str(path).replace(' ', '%20')}"
        assert repr(SystemEvent("a", url=url)) == f"<SystemEvent 'a' on {shown}: unset>"


def test_databases(redis_server):
    """The number behind the slash is the database; there, the same name is another event."""
    urls = [url_of(redis_server, behind=f"/{number}") for number in range(3)]
    events = [SystemEvent("numbered", url=url) for url in urls]
    events[1].set()
    assert [event.is_set() for event in events] == [False, True, False]
    assert [list_events("SystemEvent.", url) for url in urls[1:]] == [["numbered"], []]
    assert is_same(urls[1], url_of(redis_server, behind="?db=1"))
    unlink("numbered", url=urls[1])


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "word"),
        ("ann", SIGNS),
        (SIGNS.replace(" ", ""), "word"),
        ("ann", "%41%%"),
        ("a%", "é"),
    ],
)
def test_users(redis_server, name, password):
    """User and password are percent-encoded, and may consist of whatever there is."""
    with user_of(redis_server, "~*", "+@all", name=name, password=password) as url:
        assert is_same(url, redis_server.url)


def test_login_in_options(redis_server):
    """User and password may be options instead."""
    with user_of(redis_server, "~*", "+@all", name="bob", password="secret") as url:
        assert is_same(url, url_of(redis_server, behind="?username=bob&password=secret"))


def test_user_without_password(redis_server):
    """A user who needs no password has none in the URL."""
    with user_of(redis_server, "~*", "+@all", "nopass", name="bob"):
        assert is_same(f"redis://bob@127.0.0.1:{redis_server.port}", redis_server.url)


def test_password_without_user():
    """A password without a user is that of the server (requirepass)."""
    need(no_server())
    with Server(*VOLATILE, "--requirepass", SIGNS) as server:
        assert is_same(url_of(server, "", SIGNS), url_of(server, "default", SIGNS))


def test_client_name(redis_server):
    """client_name is what the server calls the connection."""
    event = SystemEvent("a", url=url_of(redis_server, behind="/0?client_name=somebody"))
    with redis_server.client() as client:
        assert "somebody" in [one["name"] for one in client.client_list()]
    event.close()


HOST = "127.0.0.1:6379"
SCHEMES = "the URL of events must begin with one of redis://, rediss://, unix://"
ENCODE = "in the URL of events, '@', '/', '?', '#' and '%' in a user's name or password"
PRINTABLE = "in the URL of events, spaces, line ends, other control characters"
HOST_OR_PORT = "a wrong host or port in the URL of events (it is user:password@host:port)"
OPTION = "an unknown option in the URL of events; there are username, password, db, client_name"
VALUE = "a wrong value of {} in the URL of events"
LOGIN = f"ann:{SECRET}@"
WRONG = {
    f"{LOGIN}{HOST}": SCHEMES,
    f"http://{LOGIN}{HOST}": SCHEMES,
    f"redis:{LOGIN}{HOST}": SCHEMES,
    f"redis:/{LOGIN}{HOST}": SCHEMES,
    f"unix:/{SECRET}": SCHEMES,
    f"redis+tls://{LOGIN}{HOST}": SCHEMES,
    f"redis://{LOGIN}[::1": "the URL of events cannot be understood",
    f"redis://ann:{SECRET}℀@{HOST}": "the URL of events cannot be understood",
    f"redis://ann:{SECRET}/@{HOST}": ENCODE,
    f"redis://ann:{SECRET}?@{HOST}": ENCODE,
    f"redis://ann:{SECRET}#@{HOST}": ENCODE,
    f"redis://{HOST}#{SECRET}": ENCODE,
    f"redis://{LOGIN}{HOST}\n": PRINTABLE,
    f" redis://{LOGIN}{HOST}": PRINTABLE,
    f"redis://ann:{SECRET}\udcff@{HOST}": PRINTABLE,
    f"redis://ann:{SECRET} @{HOST}": PRINTABLE,
    f"redis://ann:{SECRET}\0@{HOST}": PRINTABLE,
    f"redis://ann:{SECRET}": HOST_OR_PORT,
    f"redis://{LOGIN}127.0.0.1:65536": HOST_OR_PORT,
    f"redis://{LOGIN}127.0.0.1:0": HOST_OR_PORT,
    f"redis://{LOGIN}127.0.0.1:-1": HOST_OR_PORT,
    f"redis://{LOGIN}{'h' * 64}:1": HOST_OR_PORT,
    f"redis://{LOGIN}a..b:1": HOST_OR_PORT,
    f"redis://{LOGIN}{HOST},{HOST}": "only redis+sentinel:// and redis+cluster:// have several",
    f"redis://{LOGIN}{HOST}/{SECRET}": VALUE.format("db"),
    f"redis://{LOGIN}{HOST}/-1": VALUE.format("db"),
    f"redis://{LOGIN}{HOST}/²": VALUE.format("db"),
    f"redis://{LOGIN}{HOST}/0/{SECRET}": "too many slashes in the URL of events",
    f"redis://{LOGIN}{HOST}/1?db=2": "two databases in the URL of events",
    f"redis://{LOGIN}{HOST}?db=": VALUE.format("db"),
    f"redis://{LOGIN}{HOST}?db=1&db=1": "an option is given twice in the URL of events",
    f"redis://{HOST}?password=a&{SECRET}": "an option of the URL of events has no value; there are",
    f"redis://{HOST}?password=a&{SECRET}=": OPTION,
    f"redis://{LOGIN}{HOST}?sockettimeout=1": OPTION,
    f"redis://{LOGIN}{HOST}?decode_responses=yes": OPTION,
    f"redis://{LOGIN}{HOST}?host=127.0.0.2": OPTION,
    f"redis://{LOGIN}{HOST}?ssl_ca_certs=/ca": OPTION,
    f"redis://{LOGIN}{HOST}?socket_timeout={SECRET}": VALUE.format("socket_timeout"),
    f"redis://{LOGIN}{HOST}?socket_timeout=0": VALUE.format("socket_timeout"),
    f"redis://{LOGIN}{HOST}?socket_timeout=3000000": VALUE.format("socket_timeout"),
    f"redis://{LOGIN}{HOST}?socket_timeout=inf": VALUE.format("socket_timeout"),
    f"redis://{LOGIN}{HOST}?socket_timeout=nan": VALUE.format("socket_timeout"),
    f"redis://{LOGIN}{HOST}?socket_keepalive=maybe": VALUE.format("socket_keepalive"),
    f"rediss://{LOGIN}{HOST}?ssl_cert_reqs={SECRET}": VALUE.format("ssl_cert_reqs"),
    f"rediss://{LOGIN}{HOST}?ssl_check_hostname=": VALUE.format("ssl_check_hostname"),
    f"rediss://{LOGIN}{HOST}?ssl_keyfile=/{SECRET}": (
        "ssl_keyfile in the URL of events: cannot read that file: No such file or directory"
    ),
    f"unix://{LOGIN}host/path": "the URL of events on a socket is unix:///, then its path",
    f"unix://{LOGIN}": "the URL of events on a socket is unix:///, then its path",
    f"unix://{LOGIN}/{'x' * 107}": "the path of a socket has at most 107 bytes, none of them NUL",
    f"unix://{LOGIN}/x?socket_keepalive=yes": OPTION,
    f"redis+sentinel://{LOGIN}{HOST}": "no service behind the hosts of the Sentinels in the URL",
    f"redis+sentinel://{LOGIN},{HOST}/main": "no host in the URL of events",
    f"redis+cluster://{LOGIN}{HOST}/1": "a Redis cluster has database 0 only",
}


@pytest.mark.parametrize(("url", "words"), WRONG.items(), ids=map(ascii, WRONG))
def test_wrong_urls(url, words):
    """A wrong URL is a ValueError at once, in one line that tells the rule and no secret."""
    calls = [
        lambda: SystemEvent("a", url=url),
        lambda: unlink("a", url=url),
        lambda: list_events(url=url),
    ]
    for call in calls:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is looked at
            call()
        assert type(caught.value) is ValueError
        assert str(caught.value).startswith(words)
        assert "\n" not in str(caught.value)
        assert SECRET not in told_by(caught.value)


@pytest.mark.parametrize("url", [0, b"", b"redis://127.0.0.1", 5, False, ["redis://"]], ids=repr)
def test_no_urls(url):
    """What is no str is a TypeError, also if it is false."""
    message = f"^an event's URL must be a str, not {type(url).__name__}$"
    for call in (SystemEvent, unlink, lambda name, url: list_events(url=url)):
        with pytest.raises(TypeError, match=message):
            call("a", url=url)
