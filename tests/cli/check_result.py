#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks into what tare wrote, as another program would.

    check_result.py schema SCHEMA.json RESULT.json...   each result is as the schema says
    check_result.py same RESULT.json RESULT.csv RESULT.md TABLE.txt
                                                        all four say the same of the same timers
    check_result.py width COLUMNS TEXT-FILE             no line of a table takes more columns of a terminal
"""

import csv
import json
import re
import sys
import unicodedata

UNITS = {"ns": 1, "µs": 1e3, "us": 1e3, "ms": 1e6, "s": 1e9}
ESCAPE = re.compile("\033\\[[0-9;?]*[A-Za-z]")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def schema(schema_path, *results):
    import jsonschema

    validator = jsonschema.Draft202012Validator(load(schema_path))
    validator.check_schema(validator.schema)
    for path in results:
        for error in validator.iter_errors(load(path)):
            sys.exit(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message}")


def shown(text):
    """(ns, half the last digit) of "1.234µs"; None for "-"."""
    if text == "-":
        return None
    match = re.fullmatch(r"(-?[0-9]+\.([0-9]{3}))(ns|µs|us|ms|s)", text)
    assert match, f"'{text}' is no time"
    unit = UNITS[match.group(3)]
    return float(match.group(1)) * unit, 0.0011 * unit


def agree(what, text, ns, figures):
    """A text of the table or of Markdown, with the sign before it."""
    sign, text = re.fullmatch("(?:([<>]) )?(.*)", text.replace("&lt;", "<").replace("&gt;", ">")).groups()
    below = figures["net_avg_ns"] is not None and abs(figures["net_avg_ns"]) <= figures["net_avg_limit_ns"] / 2
    assert (sign == "<") == (what.endswith(" net_avg_ns") and below), f"{what}: sign {sign} of {text}"
    if sign == "<":
        ns = figures["net_avg_limit_ns"]
    unsampled = ns is not None and figures["net_avg_error_sampling_ns"] is None
    assert (sign == ">") == (what.endswith(" net_avg_error_ns") and unsampled), f"{what}: sign {sign} of {text}"
    if ns is None:
        assert text == "-", f"{what}: '{text}' instead of -"
        return
    value, slack = shown(text)
    assert abs(value - ns) <= slack + abs(ns) * 1e-9, f"{what}: {text} instead of {ns} ns"


def same(result_path, csv_path, markdown_path, table_path):
    timers = [timer for timer in load(result_path)["timers"] if timer["figures"]["calls"]]
    assert timers, "no timers"
    with open(csv_path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    markdown = [line for line in open(markdown_path, encoding="utf-8") if line.startswith("|")][2:]
    table = [line for line in open(table_path, encoding="utf-8") if "::" in line and not line.startswith("note:")]
    table = [[cell.replace("_", " ", 1) if cell[0] in "<>" else cell for cell in re.sub("([<>]) ", "\\1_", line).split()] for line in table]
    assert len(rows) == len(markdown) == len(table) == len(timers), (len(rows), len(markdown), len(table), len(timers))
    rows = {(row["module"], row["name"]): row for row in rows}
    markdown = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in markdown]
    markdown = {cells[0]: cells for cells in markdown}
    table = {cells[0]: cells for cells in table}
    for timer in timers:
        name, figures = f"{timer['module']}::{timer['name']}", timer["figures"]
        row, cells, line = rows[timer["module"], timer["name"]], markdown[name.replace("_", "\\_")], table[name]
        for field in ("calls", "outermost_calls", "scopes_within", "bytes"):
            assert int(row[field]) == figures[field], (name, field, row[field], figures[field])
        for field in row:
            if field.endswith("_ns") and not field.startswith("exclusive"):
                expected = figures[field]
                assert row[field] == ("" if expected is None else row[field]), (name, field)
                assert expected is None or float(row[field]) == expected, (name, field, row[field], expected)
        assert row["file"] == timer["file"] and int(row["line"]) == timer["line"], name
        assert int(cells[1]) == int(line[1]) == figures["calls"], name
        times = ("raw_total_ns", "raw_avg_ns", "net_avg_ns", "net_avg_error_ns", "net_p50_ns", "net_p99_ns")
        for field, text in zip(times, cells[2:], strict=True):
            agree(f"in Markdown, {name} {field}", text, figures[field], figures)
        for field, text in zip(times, line[2:], strict=True):
            agree(f"in the table, {name} {field}", text, figures[field], figures)


def width(columns, path):
    rows = 0
    for line in open(path, encoding="utf-8"):
        line = ESCAPE.sub("", line).rstrip("\r\n")
        if not ("::" in line or line.startswith("--") or line.startswith("name ")) or line.startswith("note:"):
            continue
        rows += 1
        taken = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
        assert taken <= int(columns), f"{taken} columns: {line}"
    assert rows >= 3, f"only {rows} lines of a table"


def main():
    actions = {"schema": schema, "same": same, "width": width}
    if len(sys.argv) < 3 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    try:
        actions[sys.argv[1]](*sys.argv[2:])
    except AssertionError as error:
        sys.exit(f"check_result.py {sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
