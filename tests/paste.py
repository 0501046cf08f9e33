"""Blocks of the documentation that run: in a folder of their own, on events of their own."""

import ast
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tokenize

from pages import ANY_ORDER, EXAMPLE, LANGUAGES, WAITS, is_left_out
from processes import DEADLINE, WorkerError, end_session, is_asleep, session, until

import systemevent

#: The event names in the documentation; each becomes one that nobody else has.
NAMES = """
    alarm alice.backup.done backup.done backup.failed build.done cache.ready cache.up data.ready
    db.ready db.up deploy.go first.event gate index.ready job.done mail.ready mail.sent my_event
    never nightly.done page.saved program.go program.ready proxy.reload proxy.stop reload
    report.done report.failed scan.done server.stop stop tests.done tick web.ready web.up
    worker.stop
""".split()  # noqa: SIM905  # a list would have a line for each

#: The server in the documentation; the tests have one of their own.
URL = "redis://localhost:6379/0"


def with_values_checked(code):
    """The Python code, in which an expression with a value in its comment is compared with it."""
    lines = code.splitlines(keepends=True)
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(iter(lines).__next__)
        if token.type == tokenize.COMMENT
    }
    for node in ast.walk(ast.parse(code)):
        value = re.match(r"# (True|False|None|\[.*?\])(?:,|$)", comments.get(node_line(node), ""))
        if isinstance(node, ast.Expr) and value:
            line = lines[node.lineno - 1].encode()
            start, end = node.col_offset, node.end_col_offset
            checked = b"_is(%b, %b)" % (line[start:end], value[1].encode())
            lines[node.lineno - 1] = (line[:start] + checked + line[end:]).decode()
    return "def _is(this, that): assert this == that, (this, that)\n" + "".join(lines)


def node_line(node):
    """The line on which it ends, if it is a node of one line."""
    line = getattr(node, "lineno", None)
    return line if line == getattr(node, "end_lineno", None) else None


class Paste:
    """A section that runs: in a folder of its own, with event names of its own."""

    def __init__(self, folder, bin_folder, new_name):
        self.folder = folder
        self.url = URL
        self.names = {}
        self._new_name = new_name
        self._environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
        self._count = 0

    def own(self, name):
        """The event's name here."""
        if name not in self.names:
            self.names[name] = self._new_name(name)
        return self.names[name]

    def with_own_names(self, block):
        """The block's text, with them."""
        text = block.text
        for name in NAMES:
            word = re.escape(name)
            if block.language == "sh":
                pattern = rf"(?:(?<![\w.$-])|(?<=/sem\.SystemEvent\.)){word}(?![\w.])"
            else:
                pattern = rf'(?:(?<=")|(?<="/SystemEvent\.)){word}(?=")'
            text = re.sub(pattern, lambda _, name=name: self.own(name), text)
        text = text.replace(URL, shlex.quote(self.url) if block.language == "sh" else self.url)
        # A name of which only the start is the documentation's.
        return text.replace('f"test.{', f'f"{self.own("test")}.{{')

    def with_documented_names(self, text):
        """What a program has written, as the documentation shows it."""
        for name, own in self.names.items():
            text = text.replace(own, name)
        return text

    def write(self, name, text):
        """Put a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def _command(self, block):
        text, self._count = self.with_own_names(block), self._count + 1
        if block.language == "sh":
            return ["sh", "-c", text]
        if block.language == "python":
            path = self.write(f"block{self._count}.py", with_values_checked(text))
            return [sys.executable, path]
        program = self.folder / f"block{self._count}"
        self.compile(self.write(f"{program.name}.c", text), program)
        return [program]

    def compile(self, source, program):
        """Compile a C program; a warning is an error."""
        compiler = os.environ.get("CC", "cc")
        flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
        include = f"-I{systemevent.get_include()}"
        subprocess.run([compiler, *flags, include, source, "-o", program], check=True)

    @contextlib.contextmanager
    def started(self, block):
        """The block's process; killed if it still runs at the end, with all that it started."""
        with subprocess.Popen(
            self._command(block),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                end_session(process.pid, self.folder.parent)

    def ended(self, block, process):
        """What it has written; fail if it has failed, or complained."""
        output, errors = process.communicate(timeout=DEADLINE)
        where = f"{block.page.name}, line {block.line}"
        assert (process.returncode, errors) == (0, ""), f"{where}:\n{errors}"
        return self.with_documented_names(output)

    def play(self, blocks):
        """Run a section's blocks."""
        outputs, expected = {}, {}
        with contextlib.ExitStack() as stack:
            last, waiting = None, []
            for block in blocks:
                if (which := block.mark("output")) is not None:
                    expected[waiting[-1][0] if which == WAITS else last] = block
                elif is_left_out(block):
                    continue
                elif name := block.mark("file"):
                    self.write(name, self.with_own_names(block))
                elif block.language in LANGUAGES:
                    process, last = stack.enter_context(self.started(block)), block
                    if block.mark("meanwhile") is not None:
                        waiting.append((block, process))
                        until(
                            lambda process=process: process.poll() is not None or waits(process),
                            f"{block.page.name}, line {block.line} waits",
                        )
                        continue
                    outputs[block] = self.ended(block, process)
            for block, process in waiting:
                outputs[block] = self.ended(block, process)
        for block, text in expected.items():
            said, shown = outputs[block], text.text
            if text.mark("output") == EXAMPLE:
                said, shown = (re.sub(r"futex_\w+|\d+", "0", each) for each in (said, shown))
            arranged = sorted if text.mark("output") == ANY_ORDER else list
            assert arranged(said.splitlines()) == arranged(shown.splitlines())


def waits(process):
    """Does a thread of the process, or of what it has started, sleep in a wait for an event?"""
    for pid in session(process.pid):
        with contextlib.suppress(OSError, WorkerError):
            if any(is_asleep(pid, int(tid)) for tid in os.listdir(f"/proc/{pid}/task")):
                return True
    return False
