"""Sphinx: what of the documentation is taken from the code, when it is built.

The reference is the docstrings, the commands' own --help, and the contracts in systemevent.h.
Nothing is fetched from anywhere.
"""

import inspect
import re
import subprocess
import sysconfig
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

import systemevent

ROOT = Path(__file__).parent.parent

project = "SystemEvent"
author = "the SystemEvent authors"
version = release = systemevent.__version__
html_title = f"SystemEvent {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # so that links to headings are checked, and are the same as on GitHub
nitpicky = True
smartquotes_action = "D"  # dashes only: what is quoted is code, more often than not
nitpick_ignore_regex = [
    ("py:class", "Word|E"),  # of annotations: an event, of whatever subclass
    ("py:.*", r"(threading|multiprocessing|collections)\..*"),  # of the standard library
    ("c:identifier", r"u?int\d+_t|mode_t|timespec|bool"),  # of the C library
]

html_theme = "furo"
pygments_dark_style = "github-dark"  # underlines nothing that is no link
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}

autodoc_typehints = "signature"


# ---- docstrings ----------------------------------------------------------------------------------


def fields(lines, parameters):
    """The docstring with its lines `name: what it is` as fields, and its code as code."""
    result, open_field = [], False
    for line in lines:
        if line.startswith((">>> ", "    ")) or "".join(result[-1:]).startswith(">>> "):
            result.append(line)
            continue
        line = re.sub(r"(?<![\w`])([\w.]+\(\)|None|True|False)(?!\w)", r"``\1``", line)
        name, colon, text = line.partition(": ")
        if colon and name in parameters:
            result += ([] if open_field else [""]) + [f":param {name}: {text}"]
            open_field = True
        elif open_field and line and not line.startswith("As ``threading."):
            result.append(f"    {line.strip()}")
        else:
            result += ([""] if open_field and line else []) + [line]
            open_field = False
    return result


def process_docstring(app, what, name, thing, options, lines):
    """Called by autodoc for each docstring."""
    try:
        parameters = set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        parameters = set()
    lines[:] = fields(lines, parameters)


def process_signature(app, what, name, thing, options, signature, returns):
    """Called by autodoc for each signature: permissions are octal."""
    return (signature.replace(f"= {0o666}", "= 0o666"), returns) if signature else None


def mark_long_names(app, doctree):
    """Called by Sphinx for each page: names of tests may break, so that they fit into tables."""
    for node in doctree.findall(nodes.literal):
        if "::" in node.astext():
            node["classes"].append("long")


# ---- the commands --------------------------------------------------------------------------------


def commands():
    """The names of the installed commands, in the order of pyproject.toml."""
    return re.findall(r'"scripts/(\w+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))


class CommandHelp(Directive):
    """What each command says when it is asked for --help."""

    def run(self):
        """The texts, as they are."""
        result = []
        for name in commands():
            said = subprocess.run(
                [Path(sysconfig.get_path("scripts"), name), "--help"],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            ).stdout
            result.append(nodes.rubric("", "", nodes.literal(name, name), ids=[f"command-{name}"]))
            result.append(nodes.literal_block(said, said, language="text"))
        return result


# ---- the header ----------------------------------------------------------------------------------


def c_functions():
    """(name, declaration, contract) of each function of the header that is for its users."""
    headers = sorted(Path(systemevent.get_include()).glob("systemevent*.h"))
    text = "".join(path.read_text(encoding="utf-8") for path in headers)
    comment = r"(?:/\*((?:(?!\*/).)*?)\*/\n)?"
    function = r"([\w ]+?[ *](systemevent_(?!_)\w+)\([^{]*?\)) \{"
    found = re.findall(f"^{comment}static inline {function}", text, re.M | re.S)
    for comment, declaration, name in found:
        contract = without_stars(comment) or f"As {name}_interruptible, which nothing interrupts."
        yield name, re.sub(r"\s+", " ", declaration), contract


def without_stars(comment):
    """The text of a comment in C."""
    return re.sub(r"^ \*(?: |$)", "", comment, flags=re.M).strip()


class CFunctions(Directive):
    """The functions of systemevent.h, with their contracts as they stand there."""

    def run(self):
        """A declaration and a contract for each."""
        result = []
        for name, declaration, contract in c_functions():
            result.append(nodes.rubric("", "", nodes.literal(name, name), ids=[f"c-{name}"]))
            result.append(nodes.literal_block(declaration, declaration, language="c"))
            result.append(nodes.literal_block(contract, contract, language="text"))
        return result


class Essay(Directive):
    """The essay at the top of a header, from the words on that are the directive's content."""

    required_arguments = 1
    has_content = True

    def run(self):
        """Its text, as it is."""
        text = (
            (Path(systemevent.get_include()) / self.arguments[0])
            .read_text(encoding="utf-8")
            .partition("*/")[0]
        )
        essay = without_stars(text[text.index(self.content[0]) :])
        return [nodes.literal_block(essay, essay, language="text")]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("autodoc-process-signature", process_signature)
    app.connect("doctree-read", mark_long_names)
    app.add_directive("command-help", CommandHelp)
    app.add_directive("c-functions", CFunctions)
    app.add_directive("essay", Essay)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
