"""rediss://: TLS with certificates that are checked, unless the URL says otherwise."""

import re

import pytest
from certificates import lock, make_authority, make_certificate, no_openssl
from redis_server import PATIENT, VOLATILE, Server, free_port, no_server
from redis_users import told_by, user_of
from surroundings import need

from systemevent import SystemEvent, wait_all

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

SECRET = "Tr0ub4dor"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the certificates: of ca for the server and a client, of another for one."""
    need(no_server() or no_openssl())
    folder = tmp_path_factory.mktemp("certificates")
    for authority in "ca", "other":
        make_authority(folder, authority)
    make_certificate(folder, "server", "ca", "IP:127.0.0.1")
    make_certificate(folder, "client", "ca", "DNS:client")
    make_certificate(folder, "foreign", "other", "DNS:client")
    lock(folder, "client", "open")
    return folder


def started(folder, wants_certificates):
    """A server with TLS on .tls_port. wants_certificates: "yes" or "no"."""
    port = free_port()
    files = {"cert": "server.crt", "key": "server.key", "ca-cert": "ca.crt"}
    words = [word for name, file in files.items() for word in (f"--tls-{name}-file", folder / file)]
    words += ["--tls-port", port, "--tls-auth-clients", wants_certificates]
    server = Server(*VOLATILE, *words)
    server.tls_port = port
    return server


@pytest.fixture(scope="module")
def server(folder):
    """A server with TLS that asks its clients for no certificates."""
    with started(folder, "no") as server:
        yield server


@pytest.fixture(scope="module")
def strict_server(folder):
    """A server with TLS that does."""
    with started(folder, "yes") as server:
        yield server


@pytest.fixture
def url(folder):
    """A function: the URL of a server with these options; a file is written as FOLDER/name."""

    def url(server, options, host="127.0.0.1"):
        where = f"rediss://ann:{SECRET}@{host}:{server.tls_port}/0"
        return f"{where}{PATIENT}&{options.replace('FOLDER', str(folder))}"

    return url


def refusal(server, url):
    """What the ConnectionError says, behind the event and the server."""
    rules = {"name": "ann", "password": SECRET}
    with user_of(server, "~*", "+@all", **rules), pytest.raises(ConnectionError) as caught:
        SystemEvent("a", url=url)
    assert SECRET not in told_by(caught.value)
    shown = url.replace(f"ann:{SECRET}@", "").partition("?")[0]
    return str(caught.value).partition(f"cannot open event 'a' on {shown}: TLS: ")[2]


GOOD = "ssl_ca_certs=FOLDER/ca.crt"
CLIENT = f"{GOOD}&ssl_certfile=FOLDER/client.crt&ssl_keyfile=FOLDER/client.key"
LOCKED = CLIENT.replace("client.key", "client.locked")


@pytest.mark.parametrize(
    ("options", "host"),
    [
        (GOOD, "127.0.0.1"),
        (f"{GOOD}&ssl_check_hostname=no", "localhost"),
        ("ssl_cert_reqs=none", "127.0.0.1"),
        ("ssl_cert_reqs=none", "localhost"),
        (CLIENT, "127.0.0.1"),
        (f"{LOCKED}&ssl_password=open", "127.0.0.1"),
    ],
)
def test_trusted(server, url, options, host):
    """A certificate of the authority that is named is good, or any one if the URL says so."""
    place = url(server, options, host)
    with user_of(server, "~*", "+@all", name="ann", password=SECRET):
        one, other = (SystemEvent(name, url=place) for name in "ab")
        one.set()
        other.set()
        assert one.wait(0)
        assert wait_all([one, other], 0)
        other.clear()
        assert not other.wait(0.01)


@pytest.mark.parametrize(
    ("options", "host", "words"),
    [
        ("ssl_cert_reqs=required", "127.0.0.1", "certificate verify failed: .*certificate.*"),
        ("ssl_check_hostname=no", "127.0.0.1", "certificate verify failed: .*certificate.*"),
        (
            "ssl_ca_certs=FOLDER/other.crt",
            "127.0.0.1",
            "certificate verify failed: .*certificate.*",
        ),
        (GOOD, "localhost", "certificate verify failed: Hostname mismatch, .* 'localhost'."),
        (
            "ssl_ca_certs=FOLDER/ca.key",
            "127.0.0.1",
            r"no certificate or crl found; is a file or password in the URL .* a wrong one\?",
        ),
        (
            f"{GOOD}&ssl_certfile=FOLDER/client.crt&ssl_keyfile=FOLDER/foreign.key",
            "127.0.0.1",
            "key values mismatch",
        ),
        (LOCKED, "127.0.0.1", ".+"),
        (f"{LOCKED}&ssl_password={SECRET}", "127.0.0.1", ".+"),
        ("ssl_ca_data=nothing", "127.0.0.1", ".+"),
    ],
)
def test_not_trusted(server, url, options, host, words):
    """By default, authority and host are verified; what is wrong is a ConnectionError."""
    assert re.fullmatch(words, refusal(server, url(server, options, host)))


def test_own_certificate(strict_server, url):
    """A server that wants certificates gets that of the URL."""
    with user_of(strict_server, "~*", "+@all", name="ann", password=SECRET):
        assert not SystemEvent("a", url=url(strict_server, CLIENT)).is_set()


@pytest.mark.parametrize(
    "options", [GOOD, f"{GOOD}&ssl_certfile=FOLDER/foreign.crt&ssl_keyfile=FOLDER/foreign.key"]
)
def test_no_own_certificate(strict_server, url, options):
    """Without one, or with one of a stranger, it is a ConnectionError."""
    place = url(strict_server, options)
    start = "cannot open event 'a' on rediss://"
    with pytest.raises(ConnectionError, match=start) as caught:
        SystemEvent("a", url=place)
    assert SECRET not in told_by(caught.value)


def test_no_tls(server):
    """A port with TLS says nothing to who speaks without: a ConnectionError."""
    with pytest.raises(ConnectionError, match="cannot open event 'a' on redis://127.0.0.1:"):
        SystemEvent("a", url=f"redis://127.0.0.1:{server.tls_port}")
