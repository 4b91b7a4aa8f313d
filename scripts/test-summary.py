#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums up a run of ctest, from the file that its --output-junit wrote.

    scripts/test-summary.py RESULTS.xml CTEST-EXIT-CODE

A test that is a collection counts as its cases: a bats file by its TAP lines, a cmocka program by its own. Any other test
counts as one. A case that was skipped is printed with its reason. The last line reads "N passed, N failed, N skipped";
the exit code is 1 if anything failed, or if ctest itself did.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

TAP_PLAN = re.compile(r"^1\.\.(\d+)", re.M)
TAP_LINE = re.compile(r"^(not )?ok \d+ ?(.*)$", re.M)
TAP_SKIP = re.compile(r"# skip\S*\s*(.*)$", re.I)
CMOCKA_RUN = re.compile(r"^\[ RUN      \] (.*)$", re.M)
CMOCKA_END = re.compile(r"^\[ *(OK|FAILED|SKIPPED|ERROR) *\] (.*)$")


def tap_cases(text):
    """(name, state, reason) of each line of a TAP report, or None if the text is none."""
    plan = TAP_PLAN.search(text)
    if plan is None:
        return None
    cases = []
    for negation, rest in TAP_LINE.findall(text):
        skip = TAP_SKIP.search(rest)
        if negation:
            cases.append((rest, "failed", ""))
        elif skip:
            cases.append((rest[: skip.start()].strip(), "skipped", skip.group(1) or "no reason given"))
        else:
            cases.append((rest, "passed", ""))
    cases += [("(did not run)", "failed", "")] * (int(plan.group(1)) - len(cases))
    return cases


def cmocka_cases(text):
    """The same for a cmocka program. What a case printed last before it was skipped is its reason."""
    if CMOCKA_RUN.search(text) is None:
        return None
    cases, name, last = [], None, ""
    for line in text.splitlines():
        start, end = CMOCKA_RUN.match(line), CMOCKA_END.match(line)
        if start:
            if name is not None:
                cases.append((name, "failed", ""))
            name, last = start.group(1), ""
        elif end and name is not None and end.group(2) == name:
            state = {"OK": "passed", "SKIPPED": "skipped"}.get(end.group(1), "failed")
            cases.append((name, state, last or "no reason given"))
            name = None
        elif line.strip():
            last = line.strip()
    if name is not None:
        cases.append((name, "failed", ""))
    return cases


def cases_of(test):
    output = test.findtext("system-out") or ""
    status = test.get("status", "run")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    skipped = test.find("skipped")
    if skipped is not None or status in ("notrun", "disabled"):
        # ctest also calls a test skipped whose program it could not start; that one failed.
        message = skipped.get("message", "") if skipped is not None else ""
        if status == "disabled":
            return [("", "skipped", "disabled")]
        if not message.startswith("SKIP_"):
            return [("(did not start)", "failed", "")]
        return [("", "skipped", lines[-1] if lines else "no reason given")]
    failed = test.find("failure") is not None or status == "fail"
    cases = tap_cases(output) or cmocka_cases(output) or [("", "failed" if failed else "passed", "")]
    if failed and all(state != "failed" for _, state, _ in cases):
        cases.append(("(as a whole)", "failed", ""))
    return cases


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    notes = []
    try:
        tests = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
        for test in tests:
            for case, state, reason in cases_of(test):
                counts[state] += 1
                name = f"{test.get('name')}: {case}" if case else test.get("name")
                if state == "skipped":
                    notes.append(f"skipped: {name}: {reason}")
                elif state == "failed":
                    notes.append(f"FAILED:  {name}")
    except (OSError, ElementTree.ParseError) as error:
        notes.append(f"FAILED:  no results from ctest: {error}")
        counts["failed"] += 1
    if int(sys.argv[2]) != 0 and counts["failed"] == 0:
        notes.append(f"FAILED:  ctest ended with code {sys.argv[2]}")
        counts["failed"] = 1
    print()
    for note in sorted(notes):
        print(note)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
