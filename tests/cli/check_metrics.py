# SPDX-License-Identifier: MIT
"""Checks metrics as strictly as their specifications: check_metrics.py openmetrics|prometheus [NAME{LABELS}...] <TEXT

OpenMetrics 1.0 (the ABNF and the rules on families in its text), or Prometheus text 0.0.4. Prints the value of each
sample that is named, as it stands there. Ends with 1 and a line where the text breaks a rule.
"""
import math
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|(?:[iI][nN][fF](?:inity)?)|NaN)"
SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("_info",),
    "stateset": ("",),
    "unknown": ("",),
    "untyped": ("",),
}


def fail(number, why):
    sys.exit(f"line {number}: {why}")


def unescape(text, number, openmetrics, quotes):
    out, i = [], 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            following = text[i + 1:i + 2]
            if following not in ("n", "\\") and not (following == '"' and quotes):
                fail(number, f"'\\{following}' is no escape")
            out.append("\n" if following == "n" else following)
            i += 2
            continue
        if c == '"' and quotes:
            fail(number, "a quote without a backslash")
        out.append(c)
        i += 1
    return "".join(out)


def labels_of(text, number, openmetrics):
    labels, at = {}, 0
    if text == "":
        return labels
    pattern = re.compile(rf'({LABEL})="((?:[^"\\\n]|\\.)*)"(,|$)')
    while at < len(text):
        match = pattern.match(text, at)
        if not match:
            fail(number, f"no label at '{text[at:at + 40]}'")
        name, value, comma = match.groups()
        if name in labels:
            fail(number, f"two labels '{name}'")
        if name.startswith("__"):
            fail(number, f"the label '{name}' is reserved")
        labels[name] = unescape(value, number, openmetrics, True)
        at = match.end()
        if comma and at == len(text):
            fail(number, "a comma behind the last label")
    return labels


class Family:
    def __init__(self, name, number):
        self.name, self.number = name, number
        self.type = self.help = self.unit = None
        self.samples = []


def read(text, openmetrics):
    lines = text.split("\n")
    if lines[-1] != "":
        fail(len(lines), "no newline at the end")
    lines.pop()
    if openmetrics:
        if not lines or lines.pop() != "# EOF":
            fail(len(lines) + 1, "does not end with '# EOF'")
    families, current = {}, None
    for number, line in enumerate(lines, 1):
        if line == "":
            fail(number, "an empty line")
        if line.startswith("#"):
            match = re.fullmatch(rf"# (HELP|TYPE{'|UNIT' if openmetrics else ''}) ({NAME})(?: (.*))?", line)
            if not match:
                fail(number, f"no line of metadata: '{line}'")
            what, name, rest = match.groups()
            if current is None or current.name != name:
                if name in families:
                    fail(number, f"the family '{name}' a second time")
                current = families[name] = Family(name, number)
            if current.samples:
                fail(number, f"metadata of '{name}' behind its samples")
            key = what.lower()
            if getattr(current, key) is not None:
                fail(number, f"a second {what} of '{name}'")
            if what == "HELP":
                rest = unescape(rest or "", number, openmetrics, openmetrics)
            if what == "TYPE" and (rest not in SUFFIXES or rest in (("untyped",) if openmetrics else ("info", "stateset", "unknown"))):
                fail(number, f"'{rest}' is no type")
            setattr(current, key, rest)
            continue
        match = re.fullmatch(rf"({NAME})(?:\{{(.*)\}})? ({NUMBER}|\+Inf)(?: ({NUMBER}))?", line)
        if not match:
            fail(number, f"no sample: '{line}'")
        name, label_text, value, time = match.groups()
        if not openmetrics and time is not None and not re.fullmatch(r"-?[0-9]+", time):
            fail(number, f"'{time}' is no time in ms")
        if current is None or not belongs(name, current, openmetrics):
            fail(number, f"'{name}' belongs to no family, or to another than the lines before")
        current.samples.append((number, name, labels_of(label_text or "", number, openmetrics), value, time))
    return families


def belongs(name, family, openmetrics):
    if not openmetrics and family.type in ("counter", "gauge", "untyped"):
        return name == family.name
    suffixes = SUFFIXES[family.type or "unknown"]
    return any(name == family.name + suffix for suffix in suffixes)


def check_family(family, openmetrics):
    if family.type is None or family.help is None:
        fail(family.number, f"'{family.name}' has no TYPE, or no HELP")
    if family.unit is not None and not (family.name.endswith("_" + family.unit) and family.type not in ("info", "stateset")):
        fail(family.number, f"'{family.name}' does not end with its unit '{family.unit}'")
    if openmetrics and family.type == "counter" and family.name.endswith("_total"):
        fail(family.number, f"the counter '{family.name}' ends with _total already")
    if not openmetrics and family.type == "counter" and not family.name.endswith("_total"):
        fail(family.number, f"the counter '{family.name}' does not end with _total")
    groups = {}
    seen = set()
    for number, name, labels, value, _ in family.samples:
        key = (name, frozenset(labels.items()))
        if key in seen:
            fail(number, f"'{name}' with these labels a second time")
        seen.add(key)
        suffix = name[len(family.name):]
        if family.type == "counter" and not float(value) >= 0:
            fail(number, "a counter that is not 0 or more")
        if family.type == "info" and (float(value) != 1 or not labels):
            fail(number, "an info that is not 1")
        # Buckets of a histogram whose family another one has the name of are samples of unknown type.
        buckets = suffix == "_bucket" or (family.type in ("unknown", "untyped") and name.endswith("_bucket"))
        special = "le" if buckets else "quantile" if family.type == "summary" and suffix == "" else None
        for reserved in ("le", "quantile"):
            if (reserved in labels) != (reserved == special):
                fail(number, f"the label '{reserved}' is not where it belongs")
        group = frozenset((k, v) for k, v in labels.items() if k != special)
        groups.setdefault(group, []).append((number, suffix, labels, value))
    last = None
    for number, name, labels, value, _ in family.samples:
        group = frozenset((k, v) for k, v in labels.items() if k not in ("le", "quantile") or family.type not in ("histogram", "summary"))
        if group != last and group in seen:
            fail(number, "samples of one metric that do not follow each other")
        seen.add(group)
        last = group
    for samples in groups.values():
        if family.type == "histogram":
            check_histogram(samples, openmetrics)
        if family.type == "summary":
            for number, suffix, labels, value in samples:
                if suffix == "" and not 0 <= float(labels["quantile"]) <= 1:
                    fail(number, f"'{labels['quantile']}' is no quantile")


def check_histogram(samples, openmetrics):
    buckets = [(number, labels["le"], float(value)) for number, suffix, labels, value in samples if suffix == "_bucket"]
    number = samples[0][0]
    if not buckets or buckets[-1][1] != "+Inf":
        fail(number, "a histogram whose last bucket is not +Inf")
    for before, after in zip(buckets, buckets[1:]):
        if not float(before[1]) < float(after[1]):
            fail(after[0], "buckets that do not ascend")
        if before[2] > after[2]:
            fail(after[0], "a bucket with less than the one before")
    for number, le, _ in buckets:
        if openmetrics and le != "+Inf" and not re.search(r"[.e]", le):
            fail(number, f"'{le}' is no canonical number for OpenMetrics")
    counts = [float(value) for _, suffix, _, value in samples if suffix == "_count"]
    sums = [float(value) for _, suffix, _, value in samples if suffix == "_sum"]
    # Where the sum is unknown there is neither: OpenMetrics has a count if and only if there is a sum.
    if len(sums) != len(counts) or len(sums) > 1 or any(map(math.isnan, sums)):
        fail(number, "a sum without a count, or a count without a sum, or several")
    if counts and counts != [buckets[-1][2]]:
        fail(number, "the count is not that of the bucket +Inf")


def check_clashes(families, openmetrics):
    """No family may have samples that another's suffixes could give as well."""
    owners = {}
    for family in families.values():
        base = family.name
        if not openmetrics and family.type == "counter":
            base = base[:-len("_total")]
        for suffix in {"", *SUFFIXES[family.type]}:
            owner = owners.setdefault(base + suffix, family)
            if owner is not family:
                fail(family.number, f"'{family.name}' clashes with '{owner.name}' in '{base + suffix}'")


def main():
    openmetrics = sys.argv[1] == "openmetrics"
    families = read(sys.stdin.buffer.read().decode("utf-8"), openmetrics)
    check_clashes(families, openmetrics)
    values = {}
    for family in families.values():
        check_family(family, openmetrics)
        for _, name, labels, value, _ in family.samples:
            values[name + "{" + ",".join(f"{k}={labels[k]}" for k in sorted(labels)) + "}"] = value
    for wanted in sys.argv[2:]:
        print(values.get(wanted, "-"))


main()
