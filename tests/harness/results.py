"""Results of a campaign: a table, a JSON summary, JUnit XML, and an exit status that says it all.

"Passed" must mean that everything was done. A sweep that was skipped because ptrace is forbidden in
somebody's container would otherwise be a green light for something that nobody looked at.
"""

import json
from typing import NamedTuple
from xml.etree import ElementTree

PASSED, FAILED, UNKNOWN, SKIPPED = "passed", "failed", "unknown", "skipped"
#: Exit statuses. 2: nothing failed, but not everything is known.
STATUSES = {PASSED: 0, FAILED: 1, UNKNOWN: 2, SKIPPED: 2}


class Result(NamedTuple):
    """What came of one part of a campaign."""

    part: str  # "sweep", "mutant", "large", "stress"
    name: str
    verdict: str
    seconds: float
    text: str = ""  # what was done; or the failure, whole
    measures: dict = {}  # never changed


def verdict(results):
    """The worst of them all; of none at all: unknown, for nothing was looked at."""
    found = {result.verdict for result in results}
    return next((each for each in (FAILED, UNKNOWN, SKIPPED) if each in found), None) or (
        PASSED if found else UNKNOWN
    )


def status(results):
    """The exit status."""
    return STATUSES[verdict(results)]


def summary(results):
    """One line that says it all."""
    counts = [
        f"{count} {kind}"
        for kind in (PASSED, FAILED, UNKNOWN, SKIPPED)
        if (count := sum(result.verdict == kind for result in results))
    ]
    word = {PASSED: "PASSED", FAILED: "FAILED"}.get(verdict(results), "INCOMPLETE")
    return f"{word}: {', '.join(counts) or 'nothing was done'}"


def table(results):
    """The results as lines for people."""
    width = max((len(result.name) for result in results), default=0)
    return "\n".join(
        f"{result.part:<7} {result.name:<{width}} {result.verdict:<8}{result.seconds:8.1f} s  "
        + result.text.partition("\n")[0]
        for result in results
    )


def write_json(results, path, **about):
    """Write a summary for programs; `about`: the seed, the machine, ..."""
    whole = {
        "verdict": verdict(results),
        **about,
        "results": [
            {key: value for key, value in result._asdict().items() if key != "measures"}
            | result.measures
            for result in results
        ],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1)
        file.write("\n")


def write_junit(results, path):
    """Write JUnit's XML, which CI servers show."""
    suite = ElementTree.Element(
        "testsuite",
        name="tests.harness",
        tests=str(len(results)),
        failures=str(sum(result.verdict == FAILED for result in results)),
        errors=str(sum(result.verdict == UNKNOWN for result in results)),
        skipped=str(sum(result.verdict == SKIPPED for result in results)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"tests.harness.{result.part}",
            name=result.name,
            time=f"{result.seconds:.3f}",
        )
        tag = {FAILED: "failure", UNKNOWN: "error", SKIPPED: "skipped"}.get(result.verdict)
        if tag:
            first = result.text.partition("\n")[0]
            ElementTree.SubElement(case, tag, message=first).text = result.text
        else:
            ElementTree.SubElement(case, "system-out").text = result.text
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
