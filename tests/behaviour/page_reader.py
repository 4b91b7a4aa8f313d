#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A reader of tare's pages, written from docs/page-format.md alone, to prove that this is enough to write one.

    page_reader.py FILE... [--offset N]

prints what the timers and other instruments of each page counted, as one line of JSON. A page that is damaged,
foreign or not ready gives one line on stderr instead, and exit code 1 in the end.
"""

import argparse
import json
import os
import re
import struct
import sys
import unicodedata

CLOCKS = {0: "none", 1: "tsc-ordered", 2: "tsc", 3: "clock"}
HISTOGRAMS = 1 << 1
BUCKETS = 720
ALL_ONES = (1 << 64) - 1
TIMER, COUNTER, GAUGE, HISTOGRAM, STATE, TOPK, FRAMES = range(1, 8)
UNKNOWN_BITS, MINUS_ZERO = 0x7ff80000756e6b6e, 1 << 63
MOST_NAMES = {STATE: 12, FRAMES: 8}
MOST_SIZE = {TOPK: 4096, FRAMES: 65536}
EXTRAS_MOST = 1 << 28
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^,]*")
LABELS_MOST, LABELS_BYTES, LABELS_KEPT, LABELS_READ = 16, 1020, 1003, 4096

HEADER_FIELDS = {
    # name: (offset, format)
    "magic": (0, "8s"), "version": (8, "I"), "byte_order": (12, "I"), "page_size": (16, "Q"),
    "header_size": (24, "I"), "state": (28, "I"), "control_offset": (32, "Q"), "directory_offset": (40, "Q"),
    "strings_offset": (48, "Q"), "strings_size": (56, "Q"), "blocks_offset": (64, "Q"),
    "block_stride": (72, "Q"), "instrument_max": (80, "I"), "block_max": (84, "I"), "control_stride": (88, "I"),
    "entry_stride": (92, "I"), "slot_stride": (96, "I"), "histogram_stride": (100, "I"),
    "slots_offset": (104, "I"), "histograms_offset": (108, "I"), "bucket_count": (112, "I"),
    "bucket_bits": (116, "I"), "cells_offset": (120, "Q"), "cell_stride": (176, "I"), "extras_offset": (2512, "Q"),
    "extras_size": (2520, "Q"), "last_ticks": (304, "Q"), "instrument_count": (128, "I"), "block_count": (132, "I"),
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
        self.spent = 0
        self.order = "<" if sys.byteorder == "little" else ">"

    def __del__(self):
        os.close(self.fd)

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

    def numbers(self, data, kind, at=0):
        return struct.unpack_from(self.order + kind, data, at)

    def whole_records(self, offset, stride, count, size, at, kind):
        """The same for records with a sequence, None for those that were being written."""
        for _ in range(2):
            before, records, after = (self.read_records(offset, stride, count, size) for _ in range(3))
            sequences = [[self.numbers(record, kind, at)[0] for record in some] for some in (before, after)]
            found = [record if first == last and first % 2 == 0 else None
                     for record, first, last in zip(records, *sequences)]
            if None not in found:
                break
        return found

    def spend(self, h, size):
        """Tables and rings do not overlap, so all of them have no more bytes than the extras."""
        if self.spent + size > min(h["extras_size"], EXTRAS_MOST):
            return False
        self.spent += size
        return True

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
        if header["version"] != 3:
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
    for name, least in (("control", 8), ("entry", 64), ("slot", 128), ("cell", 64)):
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
                 ("cells", h["cells_offset"], n * h["cell_stride"], 8),
                 ("extras", h["extras_offset"], h["extras_size"] // 8 * 8, 8),
                 ("blocks", h["blocks_offset"], h["block_max"] * h["block_stride"], 8)], 4096, h["page_size"])
    block = [("slots", h["slots_offset"], n * h["slot_stride"], 8)]
    if histograms:
        block.append(("histograms", h["histograms_offset"], n * h["histogram_stride"], 8))
    check_areas(block, 128, h["block_stride"])
    if h["instrument_count"] > n or h["block_count"] > h["block_max"] or h["strings_used"] > h["strings_size"]:
        raise Damaged("page counts more than it has room for")
    if (h["instrument_count"] > 1 << 16 or h["block_count"] > 1 << 12 or h["strings_used"] > 65536 * 257 or
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


def in_extras(h, offset, size, least):
    return (size >= least and offset % 8 == 0 and offset >= h["extras_offset"] and
            offset + size <= h["extras_offset"] + h["extras_size"] // 8 * 8)


def normal_labels(labels):
    """A list of labels by key; of other text, one label."""
    if not labels:
        return labels
    parts = labels.split(",")
    keys = [part.split("=")[0] for part in parts]
    if (all(LABEL.fullmatch(part) for part in parts) and len(set(keys)) == len(keys) <= LABELS_MOST and
            len(labels.encode()) <= LABELS_BYTES):
        return ",".join(part for _, part in sorted(zip(keys, parts)))
    text = labels.encode()[:LABELS_READ]
    escaped = [b"%%%02X" % ord(c) if c in ",%" else c.encode() for c in text.decode(errors="ignore")]
    whole = text.decode(errors="ignore").encode()
    escaped += [b"%%%02X" % byte for byte in text[len(whole):]]  # what was cut within
    made = b"labels=" + b"".join(escaped)
    if len(made) > LABELS_BYTES:
        made = b"labels="
        for part in escaped:
            if len(made) + len(part) > LABELS_KEPT:
                break
            made += part
        value = 0xcbf29ce484222325
        for byte in text:
            value = (value ^ byte) * 0x100000001b3 & ALL_ONES
        made += b"~%016X" % value
    return made.decode()


def add(a, b):
    return min(a + b, ALL_ONES)


class Instrument:
    """What all kinds have but timers."""

    def __init__(self, page, h, entry, strings):
        (self.kind, _, module, name, file, _, unit, labels, help_text, size, names,
         count) = page.numbers(entry, "12I")
        self.module, self.name = string_at(strings, module), string_at(strings, name)
        string_at(strings, file)
        self.unit, self.labels, _ = (string_at(strings, at) if at else "" for at in (unit, labels, help_text))
        self.labels = normal_labels(self.labels)
        self.size = min(size, MOST_SIZE.get(self.kind, 0))
        self.names = []
        if self.kind in MOST_NAMES:
            if count > MOST_NAMES[self.kind]:
                raise Damaged("an instrument has %d names" % count)
            for _ in range(count):
                self.names.append(string_at(strings, names))
                if len(self.names[-1].encode()) >= 4096:
                    raise Damaged("a name does not end")
                names = strings.index(b"\0", names) + 1
        self.value = None
        self.clear()

    def clear(self):
        self.total = self.hits = self.changes = 0
        self.peak = self.value
        self.times, self.threads = [0] * len(self.names), [0] * len(self.names)
        self.tables, self.noted = [], []
        self.sums = Timer("", "")
        self.ring = {"frames": 0, "dropped": 0, "slow": 0, "part_ticks": [0] * len(self.names),
                     "part_frames": [0] * len(self.names), "last": [], "slowest": []}

    def figures(self):
        found = {"kind": self.kind, "module": self.module, "name": self.name, "unit": self.unit,
                 "labels": self.labels, "names": self.names}
        if self.kind == COUNTER:
            found["total"] = self.total if self.total < 1 << 63 else ALL_ONES  # unknown
        elif self.kind == GAUGE:
            found.update(value_bits=self.value, peak_bits=self.peak)
        elif self.kind == STATE:
            found.update(ticks=self.times, threads=self.threads, changes=self.changes)
        elif self.kind == TOPK:
            keys, least = self.merged()
            found.update(weight=self.total, hits=self.hits, least=least, keys=keys)
        else:
            sums = self.sums.figures()
            found.update((name, sums[name]) for name in ("outermost", "total_ticks", "min_ticks", "max_ticks",
                                                         "buckets"))
        if self.kind == FRAMES:
            found.update(self.ring)
        return found

    def merged(self):
        """The keys of all tables: one that a table lacks weighs there between nothing and its least."""
        everywhere, sums = 0, {}
        for keys, least in self.tables:
            everywhere = add(everywhere, least)
            for key, (weight, error, hits) in keys.items():
                old = sums.get(key, (0, 0, 0, 0))
                sums[key] = tuple(map(add, old, (weight, error, hits, least)))
        merged = []
        for key, (weight, error, hits, here) in sums.items():
            elsewhere = everywhere if everywhere == ALL_ONES else everywhere - here
            merged.append([key, add(weight, elsewhere), add(error, elsewhere), hits])
        merged.sort(key=lambda one: (-one[1], one[0]))
        beyond = merged[self.size:]
        return merged[:self.size], max(beyond[0][1] if beyond else 0, everywhere)


def read_state(page, h, instrument, at, counts, owned, switch):
    slot = page.whole_records(at, 128, 1, 128, 0, "Q")[0]
    if slot is None or page.numbers(slot, "I", 80)[0] == 0:
        return
    changes, since, current, switched = page.numbers(slot, "2Q2I")
    ticks = page.numbers(slot, "7Q", 24) + page.numbers(slot, "5Q", 88)
    if counts:
        instrument.changes = add(instrument.changes, changes // 2)
        instrument.times = [add(time, more) for time, more in zip(instrument.times, ticks)]
    if owned and switch == (1, switched) and 0 < current <= len(instrument.names):
        instrument.threads[current - 1] += 1
        if counts and h["state"] == 2 and h["last_ticks"] > since:
            instrument.times[current - 1] = add(instrument.times[current - 1], h["last_ticks"] - since)


def read_table(page, h, at, size, weight):
    """Keys, and what any other weighs at most. A table that is not there could have held any."""
    head = page.read(at, 64)
    capacity, used, stride, _, _, told = page.numbers(head, "4I2Q")
    used = min(used, capacity)
    if (capacity > 4096 or not 40 <= stride <= 4096 or stride % 8 or capacity * stride > size - 64 or
            not page.spend(h, used * stride)):
        return {}, weight
    keys, weights, errors = {}, [], []
    records = page.whole_records(at + 64, stride, used, 40, 32, "I")
    for record in records:
        key, weight, error, hits = page.numbers(record, "4Q") if record else (0, 0, 0, 0)
        if weight:
            weights.append(weight)
            errors.append(min(error, weight))
            if key not in keys or weight > keys[key][0]:
                keys[key] = (weight, min(error, weight), hits)
    if not weights:
        return {}, 0
    least = min(max([told] + errors), min(weights))
    return keys, max(least, min(weights)) if len(weights) < used else least


def read_frame_records(page, h, at, stride, capacity, ended, parts, base):
    count = min(ended, capacity)
    if not page.spend(h, count * stride):
        return []
    records = page.whole_records(at, stride, count, 96, 0, "Q")
    frames, above = [], ALL_ONES
    for n in range(ended - 1, ended - count - 1, -1):
        record = records[n % capacity]
        if record is None:
            continue
        sequence, start, ticks, flags = page.numbers(record, "4Q")
        number = (sequence // 2 - 1) & ALL_ONES
        if number < above and (base is None or number == base + n):
            frames.append([number, start, ticks, flags & 1, list(page.numbers(record, "8Q", 32)[:parts])])
            above = number
    return frames[::-1]


def read_frames(page, h, instrument, at, size, generation):
    if not in_extras(h, at, size, 256) or not page.spend(h, 256):
        return
    first, head = page.read(at, 256), page.read(at, 256)
    if generation == 0 or {page.numbers(one, "I", 28)[0] for one in (first, head)} != {generation}:
        return
    capacity, _, stride, slow_capacity, records, slow_at, buckets = page.numbers(head, "7I")
    ended, dropped, slow, _, total, minimum, maximum = page.numbers(head, "7Q", 32)
    areas = [(records, capacity * stride), (slow_at, slow_capacity * stride), (buckets, 8 * BUCKETS)]
    if (not 0 < capacity <= 65536 or capacity & (capacity - 1) or slow_capacity > 65536 or
            not 96 <= stride <= 4096 or stride % 8 or
            any(start % 8 or start < 256 or start + length > size for start, length in areas)):
        return
    parts, base = len(instrument.names), page.numbers(head, "Q", 232)[0]
    if base > ALL_ONES // 4:
        return
    extremes = instrument.sums.add(ended, ended, total, minimum, maximum, 0, 0, 0, 0)
    slow = min(slow, ended)
    instrument.ring.update(
        frames=ended, dropped=dropped, slow=slow, part_ticks=list(page.numbers(head, "8Q", 96)[:parts]),
        part_frames=list(page.numbers(head, "8Q", 160)[:parts]))
    instrument.ring["last"] = read_frame_records(page, h, at + records, stride, capacity, ended, parts, base)
    if slow_capacity:
        instrument.ring["slowest"] = read_frame_records(page, h, at + slow_at, stride, slow_capacity, slow, parts,
                                                        None)
    if extremes:
        add_buckets(page, instrument.sums, at + buckets, extremes)


def read_cells(page, h, controls, instruments):
    """What belongs to the process: gauges and frames."""
    def cells():
        return page.read_records(h["cells_offset"], h["cell_stride"], h["instrument_count"], 64)

    if not any(instrument.kind in (GAUGE, FRAMES) for instrument in instruments.values()):
        return
    before, current = cells(), cells()
    for index, instrument in instruments.items():
        value, peak, at, size, generation = page.numbers(current[index], "4QI")
        if instrument.kind == GAUGE:
            same = generation == page.numbers(before[index], "I", 32)[0] == controls[index] != 0
            value, peak = (bits ^ UNKNOWN_BITS for bits in (value, peak))
            value, peak = (0 if bits == MINUS_ZERO else bits for bits in (value, peak))
            instrument.value = value if is_finite(value) else None
            instrument.peak = peak if same and is_finite(peak) else None
            if instrument.peak is None or (instrument.value is not None and double(value) > double(peak)):
                instrument.peak = instrument.value
        elif instrument.kind == FRAMES and at:
            read_frames(page, h, instrument, at, size, controls[index])


def double(bits):
    return struct.unpack("d", struct.pack("Q", bits))[0]


def is_finite(bits):
    return bits >> 52 & 0x7ff != 0x7ff


def add_buckets(page, timer, at, extremes):
    first, last = map(bucket_of, extremes)
    data = page.read(at + 8 * first, 8 * (last - first + 1))
    for bucket, count in enumerate(page.numbers(data, "%dQ" % (len(data) // 8)), first):
        timer.add_bucket(bucket, count)


def read_generations(page, h):
    controls = page.read_records(h["control_offset"], h["control_stride"], h["instrument_count"], 8)
    return [page.numbers(control, "I", 4)[0] for control in controls]


def read_switches(page, h):
    """Whether each is enabled, and how often that changed."""
    controls = page.read_records(h["control_offset"], h["control_stride"], h["instrument_count"], 8)
    return [(int(control[0] != 0), page.numbers(control, "H", 2)[0]) for control in controls]


def read_directory(page, h):
    """The timers there are, and the other instruments, by index."""
    strings = page.read(h["strings_offset"], h["strings_used"])
    if h["executable_string"] or strings:
        string_at(strings, h["executable_string"])
    if h["command_size"] > 4096 or h["command_string"] + h["command_size"] > len(strings):
        raise Damaged("the command line is outside of the strings")
    timers, instruments = {}, {}
    entries = page.read_records(h["directory_offset"], h["entry_stride"], h["instrument_count"], 64)
    for index, entry in enumerate(entries):
        kind, _, module, name, file = page.numbers(entry, "5I")
        if kind == TIMER:
            string_at(strings, file)
            timers[index] = Timer(string_at(strings, module), string_at(strings, name))
        elif COUNTER <= kind <= FRAMES:
            instruments[index] = Instrument(page, h, entry, strings)
    return timers, instruments


def add_slot(page, h, base, index, slot, timer):
    """What a timer's slot holds, or a histogram's."""
    extremes = timer.add(*page.numbers(slot, "7Q"), *page.numbers(slot, "2Q", 88))
    if extremes and h["flags"] & HISTOGRAMS:
        add_buckets(page, timer, base + h["histograms_offset"] + index * h["histogram_stride"], extremes)


def read_block(page, h, number, generations, switches, timers, instruments):
    base = h["blocks_offset"] + number * h["block_stride"]
    state = page.numbers(page.read(base, 128), "I", 64)[0]
    if state == 0:
        return
    if state > 3:
        raise Damaged("block %d has the state %d" % (number, state))

    def slots():
        return page.read_records(base + h["slots_offset"], h["slot_stride"], h["instrument_count"], 128)

    before = current = slots()
    if any(generation > 1 for generation in generations):
        current = slots()

    def counts(index):
        seen = {page.numbers(some[index], "I", 80)[0] for some in (before, current)}
        return generations[index] != 0 and seen == {generations[index]}

    for index, timer in timers.items():
        if counts(index):
            add_slot(page, h, base, index, current[index], timer)
    for index, instrument in instruments.items():
        at = base + h["slots_offset"] + index * h["slot_stride"]
        if instrument.kind == STATE:
            read_state(page, h, instrument, at, counts(index), state == 1, switches[index])
        elif not counts(index):
            continue
        elif instrument.kind == COUNTER:
            instrument.total = (instrument.total + page.numbers(current[index], "Q")[0]) & ALL_ONES
        elif instrument.kind == HISTOGRAM:
            add_slot(page, h, base, index, current[index], instrument.sums)
        elif instrument.kind == TOPK:
            table, size, weight, hits = page.numbers(current[index], "4Q")
            instrument.total, instrument.hits = add(instrument.total, weight), add(instrument.hits, hits)
            if table and in_extras(h, table, size, 64) and page.spend(h, 64):
                instrument.noted.append((table, size, weight))
            else:
                instrument.tables.append(({}, weight))


def read_page(path, offset):
    page = Page(path, offset)
    counts = page.read_header()
    h = page.read_header()
    h["instrument_count"] = counts["instrument_count"]
    check_geometry(h, offset)
    generations = read_generations(page, h)
    switches = read_switches(page, h)
    timers, instruments = read_directory(page, h)
    for number in range(h["block_count"]):
        read_block(page, h, number, generations, switches, timers, instruments)
    read_cells(page, h, generations, instruments)
    for instrument in instruments.values():
        for table in sorted(instrument.noted):
            instrument.tables.append(read_table(page, h, *table))
    for index, generation in enumerate(read_generations(page, h)):
        if generation != generations[index]:
            for kind in (timers, instruments):
                if index in kind:
                    kind[index].clear()
    return {
        "pid": h["pid"],
        "clock": CLOCKS.get(h["clock"], "none"),
        "costs": {"start": h["cost"], "exit": h["cost_at_exit"], "in_run": h["cost_in_run"],
                  "caps": [h["begin_cap_ticks"], h["end_cap_ticks"]]},
        "timers": [timer.figures() for timer in timers.values()],
        "instruments": [instrument.figures() for instrument in instruments.values()],
        "lost": {"instruments": h["lost_instruments"], "threads": h["lost_threads"],
                 "scopes": h["lost_scopes"], "dropped": h["dropped_scopes"]},
    }


def main():
    parser = argparse.ArgumentParser(description="Prints what the instruments of a tare page counted, as JSON.")
    parser.add_argument("file", nargs="+")
    parser.add_argument("--offset", type=lambda text: int(text, 0), default=0,
                        help="where in the file the page begins")
    arguments = parser.parse_args()
    code = 0
    for file in arguments.file:
        try:
            found = read_page(file, arguments.offset)
        except (Damaged, OSError) as error:
            print("page_reader: %s" % error, file=sys.stderr, flush=True)
            code = 1
        else:
            print(json.dumps(found, ensure_ascii=False, separators=(",", ":")), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
