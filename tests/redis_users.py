"""Users of a Redis server, for tests; and what an error says of them, to whomever."""

import contextlib
import itertools
import traceback
from urllib.parse import quote

_numbers = itertools.count()

#: All that a URL has signs for.
SIGNS = "@:/?#%&=+ [],ä€日"


def url_of(server, user="", password="", behind="/0"):
    """The server's URL for that user."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""
    return f"redis://{login}{server.host}:{server.port}{behind}"


@contextlib.contextmanager
def user_of(server, *rules, name=None, password=None):
    """A user who may do what these rules of ACL SETUSER say, and nothing else: the URL."""
    name = name or f"user{next(_numbers)}"
    password = password or f"secret{next(_numbers)}.of.{name}"
    with server.client() as client:
        words = [f">{password}", "on", "resetchannels", *rules]
        client.execute_command("ACL", "SETUSER", name, "reset", *words)
        try:
            yield url_of(server, name, password)
        finally:
            client.execute_command("ACL", "DELUSER", name)


def told_by(error):
    """All that somebody who has the error could print of it, and of what it came from."""
    texts = ["".join(traceback.format_exception(error))]
    seen, errors = set(), [error]
    while errors:
        one = errors.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            texts += [str(one), repr(one), repr(one.args)]
            errors += [one.__cause__, one.__context__]
    return "\n".join(texts)
