"""An event in the words of a Redis server: its key, its scripts, questions and answers."""

from ._names import DEFAULT_PREFIX, object_name
from ._platform import objects
from ._redis_errors import NoEvent
from ._redis_waits import KEPT, NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from ._redis_waits import Block, Entry

    #: What is sent.
    Command: TypeAlias = "tuple[object, ...]"

#: What the key of an event is called before the name, unless the caller says otherwise.
KEY_PREFIX = "systemevent:"

# Scripts: one instant of the server each. Somebody else's stream is not touched: it would lose its
# entries. That there are two shows one, too.
_LAST = """
local found = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 2)
local last = found[1]
if last then
  local entry = last[2]
  if found[2] or #entry ~= 2 or entry[1] ~= 's' or (entry[2] ~= '0' and entry[2] ~= '1') then
    return redis.error_reply('NOEVENT there is something else')
  end
end
"""
#: Makes the event ARGV[1], if it is not that already; one that was never set is clear. A replica
#: refuses in any case, as it may not write: that the event is set there says nothing about the
#: master. An event that was unlinked is one again (PERSIST).
CHANGE = (
    _LAST
    + """
if (last and last[2][2] or '0') ~= ARGV[1] then
  redis.call('XADD', KEYS[1], 'MAXLEN', '1', '*', 's', ARGV[1])
end
redis.call('PERSIST', KEYS[1])
return 1
"""
)
#: Clears the event, if there is one, and has its key deleted in a while.
UNLINK = (
    _LAST
    + f"""
if last then
  if last[2][2] == '1' then
    redis.call('XADD', KEYS[1], 'MAXLEN', '1', '*', 's', '0')
  end
  redis.call('PEXPIRE', KEYS[1], {KEPT * 1000})
end
return 1
"""
)


def key_of(name: str, prefix: str) -> bytes:
    """The key of an event. Raises TypeError or ValueError as for an event of this machine."""
    object_name(name, prefix, objects.LONGEST_NAME)
    return encoded(prefix) + name.encode("utf-8", "surrogateescape")


def encoded(prefix: str) -> bytes:
    """What the keys of events of that prefix begin with."""
    if prefix == DEFAULT_PREFIX:
        prefix = KEY_PREFIX
    return prefix.encode("utf-8", "surrogateescape")


def entry_of(answer: "Any") -> "Entry":
    """The entry in an answer of XREVRANGE. Raises NoEvent if there is another one."""
    if answer == []:
        return NEVER
    try:
        ((identity, (field, value)),) = answer
        milliseconds, number = identity.split(b"-")
        if field == b"s" and value in (b"0", b"1"):
            return (int(milliseconds), int(number)), value == b"1"
    except (TypeError, ValueError):
        pass
    raise NoEvent


def look_at(key: bytes) -> "Command":
    """The command that reads the event's entry."""
    return "XREVRANGE", key, "+", "-", "COUNT", 2  # one more than an event has


def block_on(keys: "Sequence[bytes]", step: "Block") -> "Command":
    """The command that waits for a newer entry of one of the keys."""
    ids = [f"{milliseconds}-{number}" for milliseconds, number in step.ids]
    milliseconds = max(1, -int(-step.seconds * 1000 // 1))
    return "XREAD", "BLOCK", milliseconds, "STREAMS", *keys, *ids


def looks_at(keys: "Sequence[bytes]") -> "list[Command]":
    """The commands that read the events' entries, of several at one instant."""
    looks = [look_at(key) for key in keys]
    return looks if len(keys) == 1 else [("MULTI",), *looks, ("EXEC",)]


def entries_of(answers: "Sequence[Any]", count: int) -> "list[Entry]":
    """The entries in the answers to looks_at() of that many keys."""
    found = answers if count == 1 else answers[-1]
    return [entry_of(answer) for answer in found]


def heard(answer: "Any", keys: "Sequence[bytes]") -> list[int]:
    """The indices of the keys of which an answer of XREAD has newer entries."""
    numbers = {key: i for i, key in enumerate(keys)}
    return [numbers[key] for key, _ in answer or ()]


def packed(commands: "Sequence[Sequence[object]]") -> bytes:
    """What is sent, in one piece: redis-py takes three times as long to pack a script."""
    parts = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for word in command:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def slot_of(key: bytes) -> int:
    """Where a cluster keeps the key."""
    from redis.crc import key_slot

    return key_slot(key)  # type: ignore[no-any-return]
