"""The command evt_unlink."""

from ._commands import Failures, names_in, run
from ._event import unlink
from ._names import checked_prefix

TYPE_CHECKING = False  # as in `typing`, which is not imported for this
if TYPE_CHECKING:
    from typing import NoReturn


def _unlink(options: dict[str, str], operands: list[str]) -> tuple[int, str]:
    prefix = checked_prefix(options["--prefix"])
    failures = []
    for name in names_in(operands):
        try:
            unlink(name, prefix)
        except (OSError, ValueError) as error:
            failures.append(str(error))
            if isinstance(error, (ConnectionError, TimeoutError)):
                break  # the server is away: for all of them
    if failures:
        raise Failures(*failures)
    return 0, ""


def evt_unlink() -> "NoReturn":
    """The command evt_unlink."""
    run("evt_unlink", _unlink, most=None)
