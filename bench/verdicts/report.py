# SPDX-License-Identifier: MIT
"""From tries to docs/verdicts.md. Every figure in it is counted from the tries; what was missed, it says."""

import math
import os
import textwrap
from dataclasses import dataclass
from typing import Callable, Optional

import rates

VERDICTS = ("faster", "slower", "same", "unresolved")
ALPHA = 0.002  # of `tare bench`, for a whole call; Welch's test on hyperfine's times gets the same
DASH = "-"


def is_false(record):
    """Faster or slower, and not so in truth."""
    return record["verdict"] == "faster" and record["truth"] >= 1 or \
        record["verdict"] == "slower" and record["truth"] <= 1


def is_found(record):
    """A true difference, the right way around."""
    return record["verdict"] == ("slower" if record["truth"] > 1 else "faster") and record["truth"] != 1


def is_right(record):
    return is_found(record) if record["truth"] != 1 else not is_false(record)


@dataclass
class Figure:
    title: str
    tries: int
    most_s: float  # a try at most, for the time left
    claim: Optional[str] = None
    counts: Optional[Callable] = None  # what of a try is counted
    reached: Optional[Callable] = None  # (count, n)


FIGURES = {
    "1": Figure("false verdicts, the same program twice, default settings", 200, 11, "at most 2 of 200", is_false,
                lambda count, n: count <= 2 * n / 200),
    "2": Figure("a true difference of 1 %, found within 10 s", 50, 11, "at least 95 %",
                lambda record: is_found(record) and record["spent_s"] <= 10, lambda count, n: count >= 0.95 * n),
    "3": Figure("a true difference of 0.5 %, found with `--time 60`", 20, 61, "at least 90 %", is_found,
                lambda count, n: count >= 0.9 * n),
    "4": Figure("false verdicts, the same program twice, with a load going on and off on one processor", 200, 12,
                "at most 4 of 200", is_false, lambda count, n: count <= 4 * n / 200),
    "copies": Figure("the same program under two names", 40, 11),
    "peer-same": Figure("the same command twice: tare, and hyperfine", 20, 22),
    "peer-1%": Figure("commands that differ by 1 %: tare, and hyperfine", 20, 22),
}
CLAIMS = [key for key, figure in FIGURES.items() if figure.claim is not None]


def number(value, form):
    return DASH if value is None or math.isnan(value) else format(value, form)


def percent(share, digits=0):
    return DASH if math.isnan(share) else f"{100 * share:.{digits}f} %"


def change(ratio, digits=2):
    """A ratio as a change: 1.0098 is +0.98 %."""
    return DASH if ratio is None or math.isnan(ratio) else f"{100 * (ratio - 1):+.{digits}f} %"


def known(records, name):
    return [record[name] for record in records if record.get(name) is not None]


def fill(text):
    """A paragraph, in lines as those around it."""
    return textwrap.fill(text, 128, break_long_words=False, break_on_hyphens=False)


def markdown(head, rows):
    """The first column to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) + " |" for row in [head, *rows]]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def turned(record):
    """Estimate and interval of the slower to the faster one, whichever was A; None where there are none."""
    ends = [record["ratio"], record["low"], record["high"]]
    if any(end is None for end in ends):
        return None
    return ends if record["truth"] >= 1 else [1 / ends[0], 1 / ends[2], 1 / ends[1]]


class Count:
    """The tries of one figure that came to a verdict, counted."""

    def __init__(self, key, records):
        self.figure = FIGURES[key]
        # A try that failed and was made again later counts as it came out later; that it failed is told.
        last = {record["try"]: record for record in records if "skipped" not in record}
        self.tries = [record for record in last.values() if "failed" not in record]
        self.failed = [record for record in last.values() if "failed" in record]
        self.repeated = sum("failed" in record for record in records) - len(self.failed)
        self.skipped = next((record["skipped"] for record in records if "skipped" in record), None)
        self.n = len(self.tries)
        self.count = sum(map(self.figure.counts, self.tries)) if self.figure.counts else None
        self.complete = self.n >= self.figure.tries and not self.failed
        self.reached = self.n > 0 and self.figure.reached is not None and self.figure.reached(self.count, self.n)

    def verdicts(self):
        return {verdict: sum(record["verdict"] == verdict for record in self.tries) for verdict in VERDICTS}

    def row(self):
        """Of the first table."""
        if self.n == 0:
            return [self.figure.title, self.figure.claim, "not measured", DASH, DASH]
        low, high = rates.rate_interval(self.count, self.n)
        outcome = "reached" if self.reached else "**missed**"
        if not self.complete:
            outcome = f"{'so far' if self.reached else '**missed** so far'}, of {self.figure.tries}"
        share = f" ({percent(self.count / self.n)})" if "%" in self.figure.claim else ""
        return [self.figure.title, self.figure.claim, f"{self.count} of {self.n}{share}",
                f"{percent(low, 1)} to {percent(high, 1)}", outcome]


class Summary:
    def __init__(self, records):
        self.setup = next((record for record in records if record["figure"] == "setup"), None)
        self.truth = next((record for record in records if record["figure"] == "truth"), None)
        self.counts = {key: Count(key, [record for record in records if record["figure"] == key]) for key in FIGURES}
        self.complete = self.truth is not None and all(self.counts[key].complete for key in CLAIMS)
        self.reached = all(self.counts[key].reached for key in CLAIMS)

    def table(self):
        return markdown(["what", "wanted", "counted", "95 % interval of the rate", ""],
                        [self.counts[key].row() for key in CLAIMS])

    # ---- the parts of the document

    def shortfall(self):
        """Sentences on what was missed or is missing, first of all."""
        lines = []
        for key in CLAIMS:
            count = self.counts[key]
            if count.n and not count.reached:
                lines.append(f"- Missed: {count.figure.title}. Wanted: {count.figure.claim}; "
                             f"counted: {count.count} of {count.n}.")
            if not count.complete:
                lines.append(f"- Not measured to its end: {count.figure.title}: "
                             f"{count.n} of {count.figure.tries} tries.")
        for count in self.counts.values():
            if count.failed:
                lines.append(f"- {len(count.failed)} tries failed of: {count.figure.title}. "
                             f"The first: {count.failed[0]['failed']}.")
            if count.repeated:
                lines.append(f"- {count.repeated} tries failed, and were made again, of: {count.figure.title}.")
            if count.skipped is not None:
                lines.append(f"- Skipped: {count.figure.title}: {count.skipped}.")
        return "\n".join(lines) + "\n" if lines else ""

    def by_case(self):
        """(Name, tries) of each figure and each program in it."""
        for key, count in self.counts.items():
            for case in sorted({record["case"] for record in count.tries}):
                yield key, case, [record for record in count.tries if record["case"] == case]

    def verdict_table(self):
        rows = []
        for key, case, tries in self.by_case():
            row = [f"{key}: {case}", len(tries)]
            row += [sum(record["verdict"] == verdict for record in tries) or DASH for verdict in VERDICTS]
            row += [sum(map(is_false, tries)), sum(bool(record["control_differs"]) for record in tries)]
            rows.append(row)
        return markdown(["figure: program", "tries", *VERDICTS, "of them false", "control differs"], rows)

    def time_table(self):
        rows = []
        for key, case, tries in self.by_case():
            spent, rounds = known(tries, "spent_s"), known(tries, "rounds")
            dropped, measured = sum(known(tries, "dropped")), sum(rounds)
            rows.append([f"{key}: {case}", number(rates.quantile(spent, 0.5), ".1f"),
                         number(rates.quantile(spent, 0.9), ".1f"), number(max(spent, default=math.nan), ".1f"),
                         number(max(known(tries, "wall_s"), default=math.nan), ".1f"),
                         sum(bool(record["decided_early"]) for record in tries),
                         number(rates.quantile(rounds, 0.5), ".0f"),
                         percent(dropped / measured if measured else math.nan, 1),
                         sum(bool(record["rule_suspended"]) for record in tries)])
        return markdown(["figure: program", "median s", "p90", "max", "call, max", "stopped early", "rounds",
                         "dropped", "rule suspended"], rows)

    def estimate_table(self):
        rows = []
        for key, case, tries in self.by_case():
            seen = [(turned(record), record) for record in tries]
            seen = [(ends, record) for ends, record in seen if ends is not None]
            ratios = [ends[0] for ends, _ in seen]
            low, high = rates.median_interval(ratios)
            covered = sum(record["low"] <= record["truth"] <= record["high"] for _, record in seen)
            cover_low, _ = rates.rate_interval(covered, len(seen))
            halves = [(ends[2] - ends[1]) / 2 for ends, _ in seen]
            true = max(tries[0]["truth"], 1 / tries[0]["truth"])
            rows.append([f"{key}: {case}", change(true), change(rates.quantile(ratios, 0.5), 3),
                         f"{change(low, 3)} to {change(high, 3)}" if ratios and not math.isnan(low) else DASH,
                         f"{change(min(ratios))} to {change(max(ratios))}" if ratios else DASH,
                         percent(rates.quantile(halves, 0.5), 2), f"{covered} of {len(seen)}",
                         percent(cover_low, 1) if seen else DASH])
        return markdown(["figure: program", "truth", "median estimate", "95 % interval of it", "all estimates",
                         "half an interval", "hold the truth", "at least"], rows)

    def truth_part(self):
        if self.truth is None:
            return "The chains were not calibrated."
        rows = []
        for steps in ("1000", "1005", "1010"):
            ratio = self.truth["ratios"].get(steps)
            rows.append([steps, number(self.truth["instructions"].get(steps), ".0f"),
                         number(self.truth["ns"].get(steps), ".2f"), change(int(steps) / 1000, 1),
                         f"{change(ratio[0], 3)} ({change(ratio[1], 3)} to {change(ratio[2], 3)})" if ratio else DASH])
        text = markdown(["steps", "instructions a call", "ns a call", "more, by construction",
                         "by the clock, 99 % interval"], rows)
        rounds = max((ratio[3] for ratio in self.truth["ratios"].values()), default=0)
        counted = "Instructions by callgrind." if self.truth["no_instructions"] is None else \
            f"Instructions were not counted: {self.truth['no_instructions']}."
        return text + "\n\n" + fill(f"Timed by `clock_gettime(CLOCK_MONOTONIC_RAW)` in one process, {rounds} rounds "
                                    f"of all three in turns, without tare. {counted}")

    def spoilt_part(self):
        """What the machine did meanwhile."""
        rows = []
        for key, count in self.counts.items():
            if not count.tries:
                continue
            measured = sum(known(count.tries, "measured_ns"))
            wall = sum(known(count.tries, "spent_s"))
            row = [f"{key}: {count.figure.title}"]
            row += [percent(sum(known(count.tries, "wait_ns")) / measured, 2) if measured else DASH,
                    percent(sum(known(count.tries, "steal_ns")) / 1e9 / wall, 2) if wall else DASH]
            row += [number(sum(known(count.tries, name)) / wall if wall else math.nan, ".1f")
                    for name in ("involuntary", "migrations")]
            rows.append(row)
        return markdown(["figure", "waited for a processor", "stolen", "involuntary switches a second",
                         "migrations a second"], rows)

    def load_part(self):
        tries = [record for record in self.counts["4"].tries if "load_had" in record]
        if not tries:
            return "There was no load."
        meant = [record["load_meant"] for record in tries]
        had = [record["load_had"] for record in tries]
        return fill("The load is one process that is pinned to a processor (each in turn) and busy for 0.5 to 2 s, then "
                    f"idle for as long, at random (seed {self.setup['seed']} + number of the try). It meant to be busy for "
                    f"{percent(sum(meant) / len(meant))} of the time (single tries {percent(min(meant))} to "
                    f"{percent(max(meant))}), and had the processor for {percent(sum(had) / len(had))} "
                    f"({percent(min(had))} to {percent(max(had))}).")

    def peer_part(self):
        rows = []
        for key in ("peer-same", "peer-1%"):
            tries = [record for record in self.counts[key].tries if "peer_ratio" in record]
            if not tries:
                continue
            off = [record["peer_ratio"] if record["truth"] >= 1 else 1 / record["peer_ratio"] for record in tries]
            rows.append([FIGURES[key].title.split(":")[0], len(tries),
                         sum(record["verdict"] in ("faster", "slower") for record in tries),
                         *(sum(record[name] for record in tries)
                           for name in ("peer_welch", "peer_errors", "peer_sigma")),
                         f"{change(min(off))} to {change(max(off))}",
                         number(rates.quantile(known(tries, "spent_s"), 0.5), ".1f"),
                         number(rates.quantile(known(tries, "peer_wall_s"), 0.5), ".1f")])
        if not rows:
            return "Not measured.\n"
        table = markdown(["pairs", "tries", "`tare bench`", "Welch's test", "standard errors", "its own ±",
                          "its ratios", "tare, s", "hyperfine, s"], rows)
        text = ("How many of the tries were called different. hyperfine measures one command to its end, then the other: "
                "what the machine does meanwhile is in the difference, and no test on its times can tell. *Welch's test* "
                f"is at tare's own level, {ALPHA:g}; *standard errors*: the means lie further apart than the sum of "
                "theirs; *its own ±*: the ratio that it prints is further from 1 than its ±, which is made of standard "
                "deviations, and so does not get narrower by measuring longer.")
        return f"{table}\n\n{fill(text)}\n"

    def document(self):
        setup = self.setup or {}
        settings = next((record["settings"] for count in self.counts.values() for record in count.tries), {})
        parts = {name: DASH if setup.get(name) is None else setup[name]
                 for name in ("commit", "started", "processor", "processors", "kernel", "info")}
        if setup.get("changed"):
            parts["commit"] += " and changes since"
        parts.update(table=self.table(), shortfall=self.shortfall(), verdicts=self.verdict_table(),
                     times=self.time_table(), estimates=self.estimate_table(), truth=self.truth_part(),
                     spoilt=self.spoilt_part(), load=self.load_part(), peer=self.peer_part(),
                     info="\n".join(("    " + line).rstrip() for line in parts["info"].splitlines()),
                     alpha=number(settings.get("alpha"), "g"),
                     margin=percent(settings.get("margin") or math.nan),
                     control_alpha=number(settings.get("control_alpha"), "g"))
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "verdicts.md.in")
        with open(path, encoding="utf-8") as file:
            return file.read().format_map(parts)
