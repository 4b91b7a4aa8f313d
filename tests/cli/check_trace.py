# SPDX-License-Identifier: MIT
"""Checks a trace against the rules of the Trace Event Format ("JSON Object Format") that Perfetto's importer keeps:
check_trace.py TRACE.json [PHASE...]. Prints the number of events of each phase that is named. Ends with 1 and a line where a
rule is broken.

check_trace.py TRACE.json --states LOG [NAME...] compares the spans of states with what the program itself says: the log
of tests/cli/programs/states.c, where the states have these names. Every span has to be one that the thread was in, from
the moment on at which it entered it to the one at which it left it, as far as the trace says that these are known; a span
"several states" has to have as many changes, and as much time in each state. It prints, for each thread, how many spans of
one state it has, how many with a known end, how many of several, and how much of the time there is no span.

Rules: every event has a phase, whole pid and tid >= 0 that an int32_t holds, and (all but metadata) a time in µs that is not negative and not NaN;
complete events have a duration and nest properly on their track; begins and ends are balanced; counters have numbers alone;
instants have a scope; metadata is of a kind that there is, and names are said once for each track.
"""
import collections
import json
import math
import sys

KINDS = {"process_name": "name", "thread_name": "name", "process_labels": "labels", "process_sort_index": "sort_index",
         "thread_sort_index": "sort_index"}


def fail(why):
    sys.exit(why)


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def refuse_constant(name):
    fail(f"{name} is no JSON")


def unique(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        fail(f"a name twice in an object: {names}")
    return dict(pairs)


def check_event(event, tracks, named, open_begins):
    for key in ("ph", "name"):
        if not isinstance(event.get(key), str):
            fail(f"no {key}: {event}")
    for key in ("pid", "tid"):
        if type(event.get(key)) is not int or not 0 <= event[key] < 2**31:
            fail(f"{key} is no number of one: {event}")
    phase, track = event["ph"], (event["pid"], event["tid"])
    if phase == "M":
        argument = KINDS.get(event["name"])
        if argument is None or argument not in event.get("args", {}):
            fail(f"metadata of no known kind: {event}")
        if (event["name"], track) in named:
            fail(f"named twice: {event}")
        named[event["name"], track] = event["args"][argument]
        return
    if not number(event.get("ts")) or event["ts"] < 0:
        fail(f"no time: {event}")
    if phase == "X":
        if not number(event.get("dur")) or event["dur"] < 0:
            fail(f"no duration: {event}")
        tracks[track].append((event["ts"], event["ts"] + event["dur"]))
    elif phase == "C":
        args = event.get("args")
        if not args or not all(number(value) for value in args.values()):
            fail(f"a counter without numbers: {event}")
    elif phase in ("i", "I"):
        if event.get("s", "t") not in ("g", "p", "t"):
            fail(f"an instant without a scope: {event}")
    elif phase in ("B", "E"):
        open_begins[track] += 1 if phase == "B" else -1
        if open_begins[track] < 0:
            fail(f"an end without a begin: {event}")
    else:
        fail(f"no phase that is used here: {event}")


# Of times that the program took itself: its clock is read before and behind the call, and its rate is known to the page
# and to the trace to some parts in 100,000.
ERROR_US, ERROR_SHARE = 150, 1e-4


def read_log(path):
    """The difference between the time of day and the log's clock in ns, and the changes of each thread."""
    changes = collections.defaultdict(list)
    with open(path, encoding="utf-8") as log:
        _, unix, raw = log.readline().split()
        for line in log:
            thread, state, before, after = line.split()
            changes[thread].append((int(before), int(after), int(state)))
    return int(unix) - int(raw), changes


def entered(changes, state, at_us, within_us):
    """The place of the change to that state which is closest; None: none is."""
    best = min((place for place, change in enumerate(changes) if change[2] == state),
               key=lambda place: distance(changes[place], at_us), default=None)
    return best if best is not None and distance(changes[best], at_us) <= within_us else None


def distance(change, at_us):
    return max(change[0] / 1e3 - at_us, at_us - change[1] / 1e3, 0)


def check_stay(event, names, changes, shift_us):
    begin = event["ts"] + shift_us
    end = begin + event["dur"]
    args = event["args"]
    if event["name"] == "several states":
        inside = [c for c in changes if begin - ERROR_US < c[1] / 1e3 and c[0] / 1e3 < end + ERROR_US]
        surely = [c for c in changes if begin + ERROR_US < c[0] / 1e3 and c[1] / 1e3 < end - ERROR_US]
        if not len(surely) <= args["changes"] <= len(inside):
            fail(f"{args['changes']} changes, and the program had {len(surely)} to {len(inside)}: {event}")
        for number, name in enumerate(names):
            spent = time_in(changes, number, begin, end)
            if abs(spent - args[f"{name} (ms)"] * 1e3) > ERROR_US + sum(c[1] - c[0] for c in inside) / 1e3:
                fail(f"{spent} us in {name}: {event}")
            if abs(args[f"{name} (ms)"] / event["dur"] * 1e5 - args[f"{name} (%)"]) > 0.01:
                fail(f"a share that is none of the time: {event}")
        return
    state = names.index(event["name"])
    if "began before this (ms)" in args:
        begin -= args["began before this (ms)"] * 1e3
    place = entered(changes, state, begin, ERROR_US + ERROR_SHARE * event["dur"])
    if place is None:
        fail(f"the thread did not enter that then: {event}")
    left = changes[place + 1] if place + 1 < len(changes) else None
    if "end" in args:
        if left is not None and left[1] / 1e3 < end - ERROR_US:
            fail(f"the thread had left that {end - left[1] / 1e3} us before: {event}")
    elif left is None or distance(left, end) > ERROR_US + ERROR_SHARE * event["dur"]:
        fail(f"the thread did not leave that then: {event}")


def time_in(changes, state, begin, end):
    """us, as far as the log says."""
    sum_us = 0
    for place, (before, after, to) in enumerate(changes):
        from_us = (before + after) / 2e3
        to_us = (changes[place + 1][0] + changes[place + 1][1]) / 2e3 if place + 1 < len(changes) else end
        if to == state:
            sum_us += max(0, min(to_us, end) - max(from_us, begin))
    return sum_us


def find_shift(trace, spans, names, log_path):
    """What is to be added to times of the trace to have those of the log: about, by the time of day, and then by the stay that
    fits best, which is one for all."""
    unix_less_raw, log = read_log(log_path)
    other = trace["otherData"]
    about_us = other["first_sample_unix_us"] - other["first_sample_us"] - unix_less_raw / 1e3
    found = []
    for thread, events in spans.items():
        for event in events:
            if event["name"] in names and "began before this (ms)" not in event["args"] and event["dur"] > 100e3:
                place = entered(log[thread], names.index(event["name"]), event["ts"] + about_us, 50e3)
                if place is not None:
                    change = log[thread][place]
                    found.append((change[1] - change[0], (change[0] + change[1]) / 2e3 - event["ts"]))
    if not found:
        fail("no span is one that the program had")
    return min(found)[1], log


def check_states(trace, named, log_path, names):
    threads = {track: name for (kind, track), name in named.items() if kind == "thread_name"}
    spans = collections.defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event.get("cat") == "states":
            spans[threads[event["pid"], event["tid"]]].append(event)
    shift_us, log = find_shift(trace, spans, names, log_path)
    for thread in sorted(log):
        events = sorted(spans[thread], key=lambda event: event["ts"])
        if not events:
            fail(f"no span of {thread}")
        for event in events:
            check_stay(event, names, log[thread], shift_us)
        one = [event for event in events if event["name"] in names]
        free = events[-1]["ts"] + events[-1]["dur"] - events[0]["ts"] - sum(event["dur"] for event in events)
        print(thread, len(one), sum("end" not in event["args"] for event in one), len(events) - len(one),
              f"{abs(free) / 1e3:.1f}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trace = json.load(file, parse_constant=refuse_constant, object_pairs_hook=unique)
    tracks, named, open_begins = collections.defaultdict(list), {}, collections.Counter()
    if trace.get("displayTimeUnit") not in ("ms", "ns") or not isinstance(trace.get("otherData"), dict):
        fail("no displayTimeUnit, or no otherData")
    for event in trace["traceEvents"]:
        check_event(event, tracks, named, open_begins)
    if any(open_begins.values()):
        fail("a begin without an end")
    for track, spans in tracks.items():
        if ("thread_name", track) not in named:
            fail(f"the track {track} has no name")
        spans.sort(key=lambda span: (span[0], -span[1]))
        ends = []
        for begin, end in spans:
            while ends and ends[-1] <= begin + 1e-6:
                ends.pop()
            if ends and end > ends[-1] + 1e-6:
                fail(f"spans of {track} that overlap at {begin}")
            ends.append(end)
    if sys.argv[2:3] == ["--states"]:
        check_states(trace, named, sys.argv[3], sys.argv[4:])
        return
    counts = collections.Counter(event["ph"] for event in trace["traceEvents"])
    for phase in sys.argv[2:]:
        print(counts[phase])


main()
