"""Completion in bash, zsh and fish: typed into real shells, on a terminal."""

import re
from pathlib import Path

import pytest
from harness.requirements import missing
from processes import until
from redis_troubles import TROUBLES
from shells import FILES, SHELLS, arguments_after
from surroundings import need

from systemevent import SystemEvent, unlink
from systemevent._usage import USAGE

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: What shells act upon, each behind a start of its own.
ENDS = (
    " plain",
    "'quote",
    '"quotes',
    "$HOME",
    "ünï日",
    ":colon:x",
    "=equals",
    "\\back\\nslash",
    "!history",
    "*?[a]",
    "~#{a,b}",
    "`x`<>|&;()",
    "@at,%",
)
QUOTES = {"": "not quoted", "'": "in quotes", '"': "in double quotes"}


@pytest.fixture(params=SHELLS)
def shell(request):
    """Each of the shells."""
    need(missing(request.param))
    return request.param


@pytest.fixture
def typed(shell, scripts, tmp_path):
    """A function: the arguments of the command whose line is typed."""

    def typed(keys, path=scripts, **options):
        return arguments_after(shell, keys, tmp_path, path, **options)

    return typed


@pytest.fixture
def create(prefix):
    """A function that creates events with that prefix."""

    def create(*names):
        for name in names:
            SystemEvent(name, prefix).close()

    return create


@pytest.mark.parametrize("quote", QUOTES, ids=QUOTES.values())
def test_any_name(typed, create, prefix, quote):
    """A name is completed as it has to be quoted where it stands, whatever it consists of."""
    names = [f"{chr(ord('a') + i)}x{end}" for i, end in enumerate(ENDS)]
    create(*names)
    keys = "".join(f"{quote}{name[:2]}\t" for name in names)
    assert typed(f"evt_unlink --prefix {prefix} {keys}") == ["--prefix", prefix, *names]


@pytest.mark.parametrize("quote", QUOTES, ids=QUOTES.values())
@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)
def test_control_characters(typed, create, prefix, quote):
    """So are names with tabs, new lines and escapes; but fish would take them for two."""
    create("a\n\tb\033")
    assert typed(f"evt_set --prefix={prefix} {quote}a\t") == [f"--prefix={prefix}", "a\n\tb\033"]


@pytest.mark.parametrize("end", ["\tx", "\nx", "\udcffx"])
@pytest.mark.parametrize("shell", ["fish"], indirect=True)
def test_not_in_fish(typed, create, prefix, end):
    """A name that fish cannot complete rightly is left out."""
    create("a" + end)
    assert typed(f"evt_set --prefix={prefix} a\t") == [f"--prefix={prefix}", "a"]


@pytest.mark.parametrize("start", ["ab", "a\\ b", "'a b", '"a b'])
def test_common_start(typed, create, prefix, start):
    """What several names have in common is completed up to where they differ."""
    text = re.sub(r"[\\'\"]", "", start)
    create(f"{text} one", f"{text} other")
    (end,) = start[:1] if start[0] in "'\"" else ("",)
    done = typed(f"evt_set --prefix={prefix} {start}\tne{end}")
    assert done == [f"--prefix={prefix}", f"{text} one"]


@pytest.mark.parametrize("option", ["--prefix {}", "--prefix={}"])
def test_prefix(typed, create, prefix, option):
    """The names are those with the prefix that was typed."""
    create("one")
    words = option.format(prefix)
    assert typed(f"evt_set {words} o\t") == [*words.split(), "one"]


@pytest.mark.parametrize("start", ["", "--any ", "--timeout 5 --all ", "-t 5 --any "])
def test_default_prefix(typed, event, start):
    """Without one, the names are those of evt_list; for evt_wait also behind its options."""
    assert typed(f"evt_wait {start}{event.name[:-1]}\t") == [*start.split(), event.name]


@pytest.mark.parametrize("before", ["other", "-t", "--timeout", "--any -t", "--prefix"])
def test_nothing_to_offer(typed, event, before):
    """Where a number or a prefix is expected, nothing is completed."""
    start = event.name[:-1]
    assert typed(f"evt_wait {before} {start}\t") == [*before.split(), start]


@pytest.mark.parametrize("command", ["evt_unlink", "evt_wait --any", "evt_wait --all"])
def test_not_twice(typed, create, prefix, command):
    """Of several names, those that stand there are not offered again."""
    create("o ne", "o nes")
    words = [*command.split()[1:], f"--prefix={prefix}", "o ne", "o nes"]
    assert typed(f"{command} --prefix={prefix} 'o ne' o\t") == words


def test_dashes(typed, create, prefix):
    """A name that begins with a dash is offered behind `--`, where there are no options."""
    create("--pre", "-x")
    words = [f"--prefix={prefix}", "--", "--pre", "-x"]
    assert typed(f"evt_unlink --prefix={prefix} -- --p\t-\t") == words


@pytest.mark.parametrize("command", USAGE)
def test_options(typed, command):
    """Every option of --help is completed."""
    options = re.findall(r"^  .*?(--\w+)", USAGE[command], re.M)
    for option in options:
        done = typed(f"{command} {option[:-1]}\t")
        assert [done[0].rstrip("=")] == [option]  # zsh: what a value follows at once


@pytest.mark.parametrize("command", USAGE)
def test_every_command(typed, event, command):
    """Every command's event is completed."""
    assert typed(f"{command} {event.name[:-1]}\t") == [event.name]


def test_command_with_path(typed, scripts, event, tmp_path):
    """Of a command that was typed with its path, evt_list is taken from where that is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "evt_list").symlink_to(scripts / "evt_list")
    (folder / "evt_set").write_text('#!/bin/sh\nprintf "%s\\0" "$@" >arguments\n')
    (folder / "evt_set").chmod(0o755)
    assert typed(f"bin/evt_set {event.name[:-1]}\t", path="/nowhere") == [event.name]


def test_on_server(typed, scripts, redis_server, tmp_path):
    """With SYSTEMEVENT_URL, the names are those of the server."""
    folder = tmp_path / "patient"  # its timeout is no limit: this is not about busy machines
    folder.mkdir()
    (folder / "timeout").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (folder / "timeout").chmod(0o755)
    with SystemEvent("far away", url=redis_server.url) as event:
        event.set()
        path = f"{folder}:{scripts}"
        assert typed("evt_set far\t", url=redis_server.url, path=path) == ["far away"]
        unlink("far away", url=redis_server.url)


@pytest.mark.parametrize("name", ["refused", "silent", "wrong_password"])
def test_server_away(typed, redis_server, name):
    """If it cannot be asked, nothing is completed, soon, and nothing is said."""
    with TROUBLES[name](redis_server) as (url, _, _):
        url = url.partition("?")[0]  # with its usual time limit
        assert typed("evt_set far\t", url=url) == ["far"]


def test_a_failure_leaves_no_process(scripts, tmp_path):
    """Whatever the shell has started is ended with it; here what is no completion at all."""
    need(missing("bash"))
    with pytest.raises(AssertionError, match="not found"):
        arguments_after("bash", "/bin/sleep 300 & echo $! >pid; no-command", tmp_path, scripts)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not Path(f"/proc/{pid}").exists(), "it has ended")


def test_installed_where_expected():
    """pyproject.toml installs the files where each shell looks, one per command if need be."""
    text = (FILES.parent.parent / "pyproject.toml").read_text()
    folders = dict(re.findall(r'^"(share/.*)" = \["scripts/completions/(\w+)/\*"\]$', text, re.M))
    assert folders == {
        "share/bash-completion/completions": "bash",
        "share/zsh/site-functions": "zsh",
        "share/fish/vendor_completions.d": "fish",
    }
    assert {file.name for file in (FILES / "bash").iterdir()} == set(USAGE)
    assert {file.name for file in (FILES / "fish").iterdir()} == {f"{name}.fish" for name in USAGE}
    (first, *_) = (FILES / "zsh" / "_evt").read_text().splitlines()
    assert set(first.split()) == {"#compdef", *USAGE}
