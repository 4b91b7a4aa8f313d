#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A reader of tare's pages, written from docs/page-format.md alone, to prove that this is enough to write one.

    page_reader.py FILE [--offset N]

prints what the timers of the page counted, as one line of JSON. A page that is damaged, foreign or not ready
gives one line on stderr and exit code 1.
"""

import argparse
import json
import os
import struct
import sys
import unicodedata

CLOCKS = {0: "none", 1: "tsc-ordered", 2: "tsc", 3: "clock"}
HISTOGRAMS = 1 << 1
BUCKETS = 720
ALL_ONES = (1 << 64) - 1

HEADER_FIELDS = {
    # name: (offset, format)
    "magic": (0, "8s"), "version": (8, "I"), "byte_order": (12, "I"), "page_size": (16, "Q"),
    "header_size": (24, "I"), "state": (28, "I"), "control_offset": (32, "Q"), "directory_offset": (40, "Q"),
    "strings_offset": (48, "Q"), "strings_size": (56, "Q"), "blocks_offset": (64, "Q"),
    "block_stride": (72, "Q"), "instrument_max": (80, "I"), "block_max": (84, "I"), "control_stride": (88, "I"),
    "entry_stride": (92, "I"), "slot_stride": (96, "I"), "histogram_stride": (100, "I"),
    "slots_offset": (104, "I"), "histograms_offset": (108, "I"), "bucket_count": (112, "I"),
    "bucket_bits": (116, "I"), "instrument_count": (128, "I"), "block_count": (132, "I"),
    "strings_used": (136, "Q"), "lost_instruments": (144, "Q"), "lost_threads": (152, "Q"),
    "lost_scopes": (160, "Q"), "dropped_scopes": (168, "Q"), "pid": (192, "I"), "flags": (204, "I"),
    "executable_string": (240, "I"), "command_string": (244, "I"), "command_size": (248, "I"),
    "clock": (256, "I"), "begin_cap_ticks": (2464, "I"), "end_cap_ticks": (2468, "I"),
}
COSTS = {
    # name: (offset, integers of 8 bytes): seven medians, MADs and numbers; a number, and 32 times seven costs
    "cost": (328, 7 * "2qQ"), "cost_at_exit": (496, 7 * "2qQ"), "cost_in_run": (664, "Q224q"),
}


class Damaged(Exception):
    """What is wrong with the page, in one line."""


def printable(data):
    """Text that can be shown: each byte of a control character or of what is not UTF-8 becomes '?'."""
    text = ""
    while data:
        try:
            text += data.decode("utf-8")
            break
        except UnicodeDecodeError as error:
            text += data[:error.start].decode("utf-8") + "?"
            data = data[error.start + 1:]
    return "".join("?" * len(c.encode()) if unicodedata.category(c) == "Cc" else c for c in text)


def bucket_of(ticks):
    if ticks < 16:
        return ticks
    if ticks >= 1 << 48:
        return BUCKETS - 1
    shift = ticks.bit_length() - 1 - 4
    return (shift << 4) + (ticks >> shift)


class Page:
    def __init__(self, path, offset):
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.offset = offset
        self.order = "<" if sys.byteorder == "little" else ">"

    def read(self, offset, size):
        data = b""
        while len(data) < size:
            part = os.pread(self.fd, size - len(data), self.offset + offset + len(data))
            if not part:
                raise Damaged("page is cut short at %d bytes" % (offset + len(data)))
            data += part
        return data

    def read_records(self, offset, stride, count, size):
        """`count` records of `size` bytes that lie `stride` apart."""
        if count == 0:
            return []
        data = self.read(offset, (count - 1) * stride + size)
        return [data[i * stride:i * stride + size] for i in range(count)]

    def read_header(self):
        data = self.read(0, 4096)
        header = {name: struct.unpack_from(self.order + kind, data, at)[0]
                  for name, (at, kind) in HEADER_FIELDS.items()}
        for name, (at, kind) in COSTS.items():
            header[name] = struct.unpack_from(self.order + kind, data, at)
        if header["magic"] != b"TAREPAGE":
            raise Damaged("not a tare page")
        if header["byte_order"] != 0x01020304:
            raise Damaged("page is of the other byte order, or damaged")
        if header["state"] == 0:
            raise Damaged("page is still being built")
        if header["version"] != 2:
            raise Damaged("page is of version %d" % header["version"])
        if header["state"] not in (1, 2):
            raise Damaged("page has the state %d" % header["state"])
        return header


def check_areas(areas, low, high):
    """Each (name, offset, size, alignment) lies in [low, high), and no two overlap."""
    for name, offset, size, alignment in areas:
        if offset < low or offset + size > high:
            raise Damaged("%s lie outside of the page" % name)
        if offset % alignment:
            raise Damaged("%s are not aligned" % name)
    filled = sorted((offset, offset + size, name) for name, offset, size, _ in areas if size)
    for (_, end, name), (start, _, other) in zip(filled, filled[1:]):
        if start < end:
            raise Damaged("%s overlap %s" % (name, other))


def check_geometry(h, offset):
    histograms = h["flags"] & HISTOGRAMS
    if h["page_size"] < 4096 or offset + h["page_size"] >= 1 << 63 or h["header_size"] != 4096:
        raise Damaged("page claims %d bytes, of them %d of header" % (h["page_size"], h["header_size"]))
    for name, least in (("control", 8), ("entry", 64), ("slot", 128)):
        stride = h[name + "_stride"]
        if not least <= stride <= 4096 or stride % 8:
            raise Damaged("%s_stride cannot be %d" % (name, stride))
    if h["block_stride"] % 8:
        raise Damaged("block_stride cannot be %d" % h["block_stride"])
    if histograms:
        if h["bucket_count"] != BUCKETS or h["bucket_bits"] != 4:
            raise Damaged("page has other histograms")
        if h["histogram_stride"] < 8 * BUCKETS or h["histogram_stride"] % 8:
            raise Damaged("histogram_stride cannot be %d" % h["histogram_stride"])
    n = h["instrument_max"]
    check_areas([("control bytes", h["control_offset"], n * h["control_stride"], 8),
                 ("directory entries", h["directory_offset"], n * h["entry_stride"], 8),
                 ("strings", h["strings_offset"], h["strings_size"], 1),
                 ("blocks", h["blocks_offset"], h["block_max"] * h["block_stride"], 8)], 4096, h["page_size"])
    block = [("slots", h["slots_offset"], n * h["slot_stride"], 8)]
    if histograms:
        block.append(("histograms", h["histograms_offset"], n * h["histogram_stride"], 8))
    check_areas(block, 128, h["block_stride"])
    if h["instrument_count"] > n or h["block_count"] > h["block_max"] or h["strings_used"] > h["strings_size"]:
        raise Damaged("page counts more than it has room for")
    if (h["instrument_count"] > 1 << 20 or h["block_count"] > 1 << 16 or h["strings_used"] > 1 << 30 or
            h["instrument_count"] * h["block_count"] > 1 << 26):
        raise Damaged("page is larger than this reads")


def string_at(strings, offset):
    end = strings.find(b"\0", offset) if offset < len(strings) else -1
    if end < 0 or strings[offset] & 0xc0 == 0x80:
        raise Damaged("a name is outside of the strings")
    return printable(strings[offset:end])


class Timer:
    def __init__(self, module, name):
        self.module, self.name = module, name
        self.clear()

    def clear(self):
        self.calls = self.outermost = self.total = self.within = self.bytes = self.maximum = 0
        self.closeness = self.uncounted = 0
        self.minimum = ALL_ONES
        self.buckets = {}

    def add(self, calls, outermost, total, minimum, maximum, within, moved, closeness, uncounted):
        """Adds what a slot counted. Returns its extremes, or None if it has no histogram."""
        if outermost == 0:
            self.calls = min(self.calls + calls, ALL_ONES)
            self.bytes = min(self.bytes + moved, ALL_ONES)
            return None
        if minimum > maximum:
            minimum = maximum = maximum if minimum == ALL_ONES else minimum
        self.calls = min(self.calls + max(calls, outermost), ALL_ONES)
        self.outermost = min(self.outermost + outermost, ALL_ONES)
        self.total = min(self.total + total, ALL_ONES)
        self.within = min(self.within + within, ALL_ONES)
        self.closeness = min(self.closeness + closeness, ALL_ONES)
        self.uncounted = min(self.uncounted + uncounted, ALL_ONES)
        self.bytes = min(self.bytes + moved, ALL_ONES)
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
        return minimum, maximum

    def add_bucket(self, index, count):
        if count:
            self.buckets[index] = min(self.buckets.get(index, 0) + count, ALL_ONES)

    def figures(self):
        return {
            "module": self.module, "name": self.name, "calls": self.calls, "outermost": self.outermost,
            "total_ticks": self.total, "min_ticks": self.minimum if self.outermost else 0,
            "max_ticks": self.maximum, "scopes_within": self.within, "closeness_within": self.closeness,
            "uncounted_within": self.uncounted, "bytes": self.bytes,
            "buckets": {str(index): count for index, count in sorted(self.buckets.items())},
        }


def read_generations(page, h):
    controls = page.read_records(h["control_offset"], h["control_stride"], h["instrument_count"], 8)
    return [struct.unpack_from(page.order + "I", control, 4)[0] for control in controls]


def read_timers(page, h):
    """The timers there are, by index."""
    strings = page.read(h["strings_offset"], h["strings_used"])
    if h["executable_string"] or strings:
        string_at(strings, h["executable_string"])
    if h["command_size"] > 4096 or h["command_string"] + h["command_size"] > len(strings):
        raise Damaged("the command line is outside of the strings")
    timers = {}
    entries = page.read_records(h["directory_offset"], h["entry_stride"], h["instrument_count"], 64)
    for index, entry in enumerate(entries):
        kind, _, module, name, file = struct.unpack_from(page.order + "5I", entry)
        if kind == 1:
            string_at(strings, file)
            timers[index] = Timer(string_at(strings, module), string_at(strings, name))
    return timers


def read_block(page, h, number, generations, timers):
    base = h["blocks_offset"] + number * h["block_stride"]
    state = struct.unpack_from(page.order + "I", page.read(base, 128), 64)[0]
    if state == 0:
        return
    if state > 3:
        raise Damaged("block %d has the state %d" % (number, state))

    def slots():
        records = page.read_records(base + h["slots_offset"], h["slot_stride"], h["instrument_count"], 128)
        return [(struct.unpack_from(page.order + "7Q", slot) + struct.unpack_from(page.order + "2Q", slot, 88),
                 struct.unpack_from(page.order + "I", slot, 80)[0])
                for slot in records]

    before = current = slots()
    if any(generation > 1 for generation in generations):
        current = slots()
    for index, timer in timers.items():
        figures, generation = current[index]
        if not generation == before[index][1] == generations[index] or generation == 0:
            continue
        extremes = timer.add(*figures)
        if extremes and h["flags"] & HISTOGRAMS:
            first, last = map(bucket_of, extremes)
            at = base + h["histograms_offset"] + index * h["histogram_stride"] + 8 * first
            data = page.read(at, 8 * (last - first + 1))
            counts = struct.unpack(page.order + "%dQ" % (len(data) // 8), data)
            for bucket, count in enumerate(counts, first):
                timer.add_bucket(bucket, count)


def read_page(path, offset):
    page = Page(path, offset)
    counts = page.read_header()
    h = page.read_header()
    h["instrument_count"] = counts["instrument_count"]
    check_geometry(h, offset)
    generations = read_generations(page, h)
    timers = read_timers(page, h)
    for number in range(h["block_count"]):
        read_block(page, h, number, generations, timers)
    for index, generation in enumerate(read_generations(page, h)):
        if generation != generations[index] and index in timers:
            timers[index].clear()
    return {
        "pid": h["pid"],
        "clock": CLOCKS.get(h["clock"], "none"),
        "costs": {"start": h["cost"], "exit": h["cost_at_exit"], "in_run": h["cost_in_run"],
                  "caps": [h["begin_cap_ticks"], h["end_cap_ticks"]]},
        "timers": [timer.figures() for timer in timers.values()],
        "lost": {"instruments": h["lost_instruments"], "threads": h["lost_threads"],
                 "scopes": h["lost_scopes"], "dropped": h["dropped_scopes"]},
    }


def main():
    parser = argparse.ArgumentParser(description="Prints what the timers of a tare page counted, as JSON.")
    parser.add_argument("file")
    parser.add_argument("--offset", type=lambda text: int(text, 0), default=0,
                        help="where in the file the page begins")
    arguments = parser.parse_args()
    try:
        found = read_page(arguments.file, arguments.offset)
    except (Damaged, OSError) as error:
        print("page_reader: %s" % error, file=sys.stderr)
        return 1
    print(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
