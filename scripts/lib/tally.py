"""Adds up test results: tally.py DIRECTORY…  prints "N passed, N failed[, N skipped]".

A directory is one that scripts/test wrote: ctest.xml (a JUnit report with one case per test
program), gtest/*.xml (the cases inside those programs) and, if Python tests ran, pytest.xml.
A program that left no report of its own counts as one test; one that failed although its own
report says that all passed (it crashed afterwards, or leaked) counts one failure more.
Exits 1 if anything failed or nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """passed, failed or skipped: how one <testcase> of any of the three writers ended."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("result") == "skipped":
        return "skipped"
    if case.get("status") in ("disabled", "notrun"):  # ctest's and GoogleTest's words for it
        return "skipped"
    return "passed"


def cases(report):
    return ElementTree.parse(report).getroot().iter("testcase")


def tally(directory):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    ctest = directory / "ctest.xml"
    for program in cases(ctest) if ctest.exists() else []:
        of_program = outcome(program)
        own_report = directory / "gtest" / (program.get("name") + ".xml")
        try:
            inside = [outcome(case) for case in cases(own_report)]
        except (FileNotFoundError, ElementTree.ParseError):
            counts[of_program] += 1
            continue
        for each in inside:
            counts[each] += 1
        if of_program == "failed" and "failed" not in inside:
            counts["failed"] += 1
    pytest = directory / "pytest.xml"
    for case in cases(pytest) if pytest.exists() else []:
        counts[outcome(case)] += 1
    return counts


def main(directories):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for directory in directories:
        for what, number in tally(pathlib.Path(directory)).items():
            totals[what] += number
    line = f"{totals['passed']} passed, {totals['failed']} failed"
    if totals["skipped"]:
        line += f", {totals['skipped']} skipped"
    print(line)
    return 0 if totals["passed"] and not totals["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
