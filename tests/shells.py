"""Interactive shells on a terminal of their own: keys in, and what their command line became."""

import contextlib
import fcntl
import os
import pty
import termios
import time
from pathlib import Path

from processes import DEADLINE, command, end_session, is_readable

#: The files as they lie in a checkout. (An editable installation does not install them.)
FILES = Path(__file__).parent.parent / "scripts" / "completions"
_READY = "the-shell-is-ready"

#: What a shell is started with (in a folder of its own), and the file that it reads then. The
#: command that is typed writes down what words it got, and ends the shell.
_FUNCTION = '{name}() {{ printf "%s\\0" "$@" >arguments; exit; }}\n'
_BASH = f"""
PS1=ready; PS1=the-shell-is-$PS1
. {FILES}/bash/{{name}}
{_FUNCTION}"""
_ZSH = f"""
fpath=({FILES}/zsh $fpath)
autoload -Uz compinit; compinit -D -u
PS1=ready; PS1=the-shell-is-$PS1
{_FUNCTION}"""
_FISH = f"""
set -p fish_complete_path {FILES}/fish
function fish_prompt; echo -n the-shell-is-; echo -n ready; end
function fish_greeting; end
function {{name}}; printf '%s\\0' $argv >arguments; exit; end
"""
SHELLS = {
    "bash": (["bash", "--noprofile", "--rcfile", "rc", "-i"], "rc", _BASH),
    "zsh": (["zsh", "-d", "-i"], ".zshrc", _ZSH),
    "fish": (["fish", "-i"], "fish/config.fish", _FISH),
}


#: Where shells keep what is theirs: fish's would be in /tmp, and stay there.
_FOLDERS = "HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"


def arguments_after(shell, keys, folder, path, url=""):
    """The arguments that the command gets whose line was typed with these keys; `\\t` completes.

    If its first word is no path, nothing is started: the arguments are written down.
    url: SYSTEMEVENT_URL in the shell's environment.
    """
    words, file, text = SHELLS[shell]
    name = keys.split()[0].rpartition("/")[2]
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text.format(name=name))
    # Else fish starts to make completions from all manual pages, in the background.
    (folder / "fish" / "generated_completions").mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": f"{path}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm",
        "SYSTEMEVENT_URL": url,
        **dict.fromkeys(_FOLDERS, str(folder)),
    }
    with terminal() as (ours, theirs):
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
        options = {"start_new_session": True, "preexec_fn": _take_terminal, **streams}
        with command(*words, env=environment, cwd=folder, **options) as process:
            try:
                seen = _shown(ours, until=_READY)
                os.write(ours, f"{keys}\nexit\n".encode())
                seen += _shown(ours, until=None, process=process)
                process.wait(DEADLINE)
            finally:  # its jobs, too, each of which is a group of its own
                end_session(process.pid, folder)
    assert (folder / "arguments").exists(), seen
    assert "evt_list:" not in seen  # no error spoils the line that is being typed
    return (folder / "arguments").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]


@contextlib.contextmanager
def terminal():
    """Both ends of a new terminal."""
    ends = pty.openpty()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def _take_terminal():
    """Make standard input the terminal that controls this session: fish insists."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _shown(descriptor, until, process=None):
    """What is shown on the terminal until that text, or until the process has ended."""
    seen, end = b"", time.monotonic() + DEADLINE
    while until is None or until.encode() not in seen:
        if is_readable(descriptor, 0.01):
            seen += os.read(descriptor, 4096)
        elif process and process.poll() is not None:
            break
        assert time.monotonic() < end, seen
    return seen.decode(errors="replace")
