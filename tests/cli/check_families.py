# SPDX-License-Identifier: MIT
"""Whether docs/metrics.md describes what /metrics says: check_families.py METRICS.md [SNAPSHOT TEXT]...

Each SNAPSHOT is what `tare top --once --format json` says of the program that the OpenMetrics TEXT is of. The names and
types of its families have to be those that the tables of the document make of its instruments, no more and no less; and
each name in the document has to be seen in one of the texts. Ends with 1 and a line for each that is not.
"""
import itertools
import json
import re
import sys

UNITS = {"": "", "bytes": "bytes", "ns": "seconds", "ms": "seconds", "celsius": "celsius", "1": ""}


def rows(text):
    """(kind, metric as it is written, types) of the table of kinds."""
    table = text[text.index("## What each kind gives"):]
    table = table[table.index("| --- |"):table.index("\n\n", table.index("| --- |"))]
    kind = None
    for line in table.splitlines()[1:]:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        kind = cells[0] or kind
        types = re.findall(r"counter|gauge|histogram|summary", cells[2])
        for metric in re.findall(r"`([^`]*)`", cells[1]):
            yield kind, re.sub(r"\{.*\}", "", metric), types


def of_others(text):
    """Families that are not of instruments, and their types, which OpenMetrics has at the end of their samples."""
    prose = text[text.index("Of each process: "):]
    prose = prose[:prose.index("\n\n")]
    names = [re.sub(r"\{.*\}", "", name) for name in re.findall(r"`(tare_[^`]*)`", prose)]
    types = {"total": "counter", "info": "info"}
    return {re.sub(r"_(total|info)$", "", name): types.get(name.split("_")[-1], "gauge") for name in names}


def families(text):
    return {name: kind for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)}


def base(instrument):
    """NAME: rules 1 and 2 of the document, for the simple names that programs of the tests have."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", instrument["module"] + "_" + instrument["name"])
    name = re.sub(r"(_total)+$", "", name)
    return re.sub("_" + (instrument["unit"] or "$^") + "$", "", name)


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    table, others = list(rows(text)), of_others(text)
    faults, seen = [], set()
    for snapshot, metrics in itertools.zip_longest(*[iter(sys.argv[2:])] * 2):
        with open(snapshot, encoding="utf-8") as file:
            live = json.loads(file.readline())
        with open(metrics, encoding="utf-8") as file:
            found = families(file.read())
        expected = {name: (kind,) for name, kind in others.items()}
        seen |= others.keys() & found.keys()
        for process in live["processes"]:
            for instrument in process["instruments"]:
                own = instrument["kind"] not in ("state", "frames", "timer")
                own_unit = (instrument["unit"] or "") if own else ""
                unit = UNITS.get(own_unit, own_unit.lower())
                for kind, metric, types in table:
                    if kind.replace("-", "") != instrument["kind"] or "left out" in metric:
                        continue
                    name = metric.replace("NAME", base(instrument)).replace("_UNIT", "_" + unit if unit else "")
                    if metric in ("tare_timer_bytes", "tare_timer_rolling_bytes_per_second") and name not in found:
                        continue  # of timers that have any
                    expected[name] = tuple(types)
                    seen |= {metric} if name in found else set()
        derived = {name for name in found if name.startswith("tare_derived_")}
        for kind, metric, _ in table:
            pattern = metric.replace("NAME", ".+").replace("_UNIT", "(_.+)?")
            matching = {name for name in derived if kind == "derived" and re.fullmatch(pattern, name)}
            seen |= {metric} if matching else set()
            expected.update({name: ("gauge",) for name in matching})
        for name in sorted(found.keys() - expected.keys()):
            faults.append(f"{metrics}: '{name}' is not in the document")
        for name in sorted(expected.keys() - found.keys()):
            faults.append(f"{metrics}: '{name}' is in the document, and not in the text")
        for name in sorted(found.keys() & expected.keys()):
            if found[name] not in expected[name]:
                faults.append(f"{metrics}: '{name}' is a {found[name]}, and in the document a {' or '.join(expected[name])}")
    for metric in sorted(({metric for _, metric, _ in table} | others.keys()) - seen):
        faults.append(f"'{metric}' is in the document, and in no text")
    if faults:
        sys.exit("\n".join(faults))


main()
