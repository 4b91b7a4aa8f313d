// SPDX-License-Identifier: MIT
// What the charts show of the past: for each instrument of a process a ring of the last figures, and one ring
// of when they were. Bounded: RING points of each series, and SERIES_MOST series; what comes later has a
// history only from when it is asked for.

export const RING = 1200; // 5 minutes at 4 a second
export const SERIES_MOST = 3000;

export class History {
    constructor() {
        this.times = new Float64Array(RING); // seconds since 1970
        this.length = 0;
        this.next = 0;
        this.series = new Map(); // key -> Float64Array, NaN: unknown
    }

    // Begins a point in time. What is not set until the next one is unknown.
    begin(seconds) {
        this.at = this.next;
        this.next = (this.next + 1) % RING;
        this.length = Math.min(this.length + 1, RING);
        this.times[this.at] = seconds;
        for (const values of this.series.values()) {
            values[this.at] = NaN;
        }
    }

    set(key, value, wanted) {
        let values = this.series.get(key);
        if (values === undefined) {
            if (this.series.size >= SERIES_MOST && !wanted) {
                return;
            }
            values = new Float64Array(RING).fill(NaN);
            this.series.set(key, values);
        }
        values[this.at] = typeof value === "number" ? value : NaN;
    }

    // A point without data between two times, so that lines are not drawn across what was not seen.
    gap(seconds) {
        if (this.length > 0) {
            this.begin(seconds);
        }
    }

    // When the last point was; 0: there is none.
    last() {
        return this.length > 0 ? this.times[(this.next - 1 + RING) % RING] : 0;
    }

    // Into `times` and `into` (arrays that are used again) what is from `since` to `until`; unknown is null.
    copy(keys, since, until, times, into) {
        const first = (this.next - this.length + RING) % RING;
        let from = 0;
        while (from < this.length && this.times[(first + from) % RING] < since) {
            from++;
        }
        let to = this.length;
        while (to > from && this.times[(first + to - 1) % RING] > until) {
            to--;
        }
        const n = to - from;
        times.length = n;
        for (let i = 0; i < n; i++) {
            times[i] = this.times[(first + from + i) % RING];
        }
        keys.forEach((key, k) => {
            const values = this.series.get(key);
            const out = into[k];
            out.length = n;
            for (let i = 0; i < n; i++) {
                const value = values === undefined ? NaN : values[(first + from + i) % RING];
                out[i] = Number.isNaN(value) ? null : value;
            }
        });
        return n;
    }
}
