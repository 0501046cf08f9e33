"""What README.md and docs/ name is there: tests, functions, links; and they say it alike."""

import re

import pytest
from pages import ANY_ORDER, BLOCKS, EXAMPLE, LANGUAGES, OTHERS, PAGES, ROOT, WAITS, sections
from paste import Paste

import systemevent
from systemevent import SystemEvent

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


def test_every_block_has_a_known_language():
    """No block escapes its test because its language is spelled in another way."""
    known = LANGUAGES | OTHERS
    odd = [block for block in BLOCKS if not block.language.startswith("{")]
    assert [block[:4] for block in odd if block.language not in known] == []


def test_marks_are_spelled_right():
    """A comment before a block is one of those above; what is not run says why."""
    starts = {"not run", "meanwhile", "file", "needs", "output", "two commands"}
    wrong = [
        (block.page.name, mark)
        for block in BLOCKS
        for mark in block.marks
        if re.split("[:,]", mark)[0] not in starts or mark.strip() == "not run:"
    ]
    assert wrong == []
    outputs = {block.mark("output") for block in BLOCKS}
    assert outputs <= {None, "", ANY_ORDER, EXAMPLE, WAITS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_tests_exist(page):
    """Every test file, and every test in it, that a page names as proof exists."""
    for file, test in re.findall(
        r"`(?:tests/)?(test_\w+\.py)(?:::(test_\w+))?`", page.read_text(encoding="utf-8")
    ):
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^def {test}\(", source, re.M), f"{file}::{test}"


def test_each_known_bug_has_a_test():
    """Each line of the comparison's last table names a test that shows that we are immune."""
    text = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    rows = text[text.index("| reported in |") :].splitlines()[2:]
    assert len(rows) > 15
    assert [row for row in rows if not re.search(r"`test_\w+\.py::test_\w+`", row)] == []


def test_each_recipe_stands_in_the_list():
    """guide.md leads to every page of the guide."""
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    toctree = (
        (ROOT / "docs" / "index.md").read_text(encoding="utf-8").partition(":caption: Guide")[2]
    )
    pages = toctree.partition("```")[0].split()[2:]
    assert pages[0] == "guide"
    assert [page for page in pages[1:] if f"({page}.md" not in guide] == []


def names_in(blocks):
    """The names of events in blocks that are pasted."""
    found = Paste(None, "", lambda name: name)
    for block in blocks:
        found.with_own_names(block)
    return set(found.names) - {"test"}


def test_nobody_else_has_set_what_a_block_waits_for():
    """Who pastes one section after the other sees the examples wait: each has events of its own."""
    found = sections()
    assert sum(any(block.mark("meanwhile") == "" for block in each) for each in found.values()) > 10
    wrong = [
        (page, section, other, name)
        for (page, section), blocks in found.items()
        for name in names_in([block for block in blocks if block.mark("meanwhile") == ""])
        for other, others in found.items()
        if other != (page, section) and name in names_in(others)
    ]
    assert wrong == []


def header_functions():
    """The functions of the headers that are for their users."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "systemevent").glob("systemevent*.h")
    )
    return set(re.findall(r"^static inline [\w ]+[ *](systemevent_(?!_)\w+)\(", text, re.M))


def test_functions_of_the_header():
    """The table in c.md has each function of the headers, and no other."""
    table = (
        (ROOT / "docs" / "c.md")
        .read_text(encoding="utf-8")
        .partition("| function |")[2]
        .partition("\n\n")[0]
    )
    named = re.findall(r"^\| `(systemevent_\w+)`", table, re.M)
    assert sorted(named) == sorted(header_functions())


def test_the_reference_is_complete():
    """reference.md names all that is public, so that its docstring is shown, and nothing else."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    named = re.findall(
        r"^ *\.\. auto(?:class|function|method|attribute|property):: (\w+)", text, re.M
    )
    public = {name for name in dir(SystemEvent) if not name.startswith("_")}
    assert sorted(named) == sorted(public | set(systemevent.__all__))


def test_synopses_are_those_of_the_commands():
    """README.md and shell.md show the same synopses; test_command_line.py compares README's."""
    found = [
        [line for line in block.text.splitlines() if line.startswith("evt_")]
        for block in BLOCKS
        if block.language == "text" and block.text.startswith("evt_wait  ")
    ]
    assert len(found) == 2
    assert found[0] == found[1]


def linked(page):
    """The relative links of a page, and of its pictures: (path, anchor)."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page), anchor


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links(page):
    """Relative links lead to files, and their anchors to headings, as GitHub spells them."""
    for path, anchor in linked(page):
        assert path.exists(), f"{page.name}: {path}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
            assert anchor in slugs, f"{page.name}: {path.name}#{anchor}"


def test_two_commands():
    """The two set-up commands are the README's first code, and .ci/run takes them from there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(block for block in BLOCKS if block.page.name == "README.md")
    commands = first.text.splitlines()
    assert [line.split(" && ")[0] for line in commands] == [
        "python3 -m venv .venv",
        "python3 -m venv .venv-test",
    ]
    assert "<!-- two commands -->\n```sh\n" + first.text + "```\n<!-- end -->\n" in readme
    assert "<!-- two commands -->" in (ROOT / ".ci/run").read_text(encoding="utf-8")
