"""What --help says; the manual pages are made from it (scripts/make_manuals.py)."""

from ._names import DEFAULT_PREFIX

#: The options of every command, in --help.
_OPTIONS = f"""\
  --prefix PREFIX  what the semaphore is called before the event's name
                   (default: {DEFAULT_PREFIX})
  --help           show this text
  --version        show the version
  --               what follows is no option: for names that begin with a dash
"""

#: Where the events are, in --help of every command.
_SERVER = """\
If SYSTEMEVENT_URL is in the environment, the events are kept on that Redis
server, for all machines that reach it. It is redis://host:port/database, or
rediss:// for TLS, with user:password@ before the host, or unix:///path. The
default prefix is systemevent: there.
"""

_SET = f"""\
Usage: evt_set [options] <event_name>

Set the event: everybody who waits for it goes on, and nobody blocks on it until
evt_clear. The event is created if there is none.

{_SERVER}
Options:
{_OPTIONS}
Exit status: 0, or 2 on wrong usage or an error.
"""

_CLEAR = f"""\
Usage: evt_clear [options] <event_name>

Clear the event: who waits for it blocks until the next evt_set. The event is
created if there is none.

{_SERVER}
Options:
{_OPTIONS}
Exit status: 0, or 2 on wrong usage or an error.
"""

_WAIT = f"""\
Usage: evt_wait [options] <event_name> [timeout_s]
       evt_wait [options] --any <event_name>...
       evt_wait [options] --all <event_name>...

Wait until the event is set, at the most timeout_s seconds (10, 0.5; 0 only
looks; no limit if it is not given). The event is created if there is none.

With --any or --all, wait for several events, and then write the names of those
that were set to standard output, one per line, in the order given; nothing if
the time is over. Every word is a name then: the limit is given with --timeout.

{_SERVER}
Options:
  --any            wait until at least one of the events is set
  --all            wait until all of the events are set at the same time
  -t, --timeout SECONDS
                   wait at the most that long, as with timeout_s
{_OPTIONS}
Exit status: 0 if the event was set, 1 if it was not within the time limit,
2 on wrong usage or an error.
"""

_LIST = f"""\
Usage: evt_list [options] [pattern]

List the events: name, state (set, clear; ? if we may not read it; invalid if it
is no semaphore), mode (permission bits), owner, and age (since the creation;
? if the system does not tell, as of events on a server).

With a pattern (*, ?, [abc]; in quotes, lest the shell replaces it), list only
the events whose whole name matches it.

On a terminal, columns are aligned and ages are rounded. Otherwise, a line is
five fields with a tab between them, without a heading, and ages are in seconds.

In names, a backslash is written as \\\\, what cannot be printed as \\n, \\t, \\x1b
or \\u202e, a byte that belongs to no character as \\xff. (printf %b undoes that.)

{_SERVER}
Options:
  --names          list the names only
  --json           write an array of objects with name, state, mode, owner, uid,
                   age (in seconds, with fractions), path (or key); what is not
                   known is null, a byte that belongs to no character is \\udcff
{_OPTIONS}
Exit status: 0; 1 if no event matches the pattern; 2 on wrong usage or an error.
"""

_UNLINK = f"""\
Usage: evt_unlink [options] <event_name>...

Remove the events. Who has one open, because it waits for it, keeps that one;
who opens the name next gets a new event, which is clear.

{_SERVER}
Options:
{_OPTIONS}
Exit status: 0, or 2 on wrong usage or if an event could not be removed; the
others are removed all the same.
"""

USAGE = {
    "evt_set": _SET,
    "evt_clear": _CLEAR,
    "evt_wait": _WAIT,
    "evt_list": _LIST,
    "evt_unlink": _UNLINK,
}
