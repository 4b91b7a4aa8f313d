/* SPDX-License-Identifier: MIT */
/*
 * The page: the memory in which a measured process keeps what its instruments count, laid out for readers.
 *
 *     +--------+---------+-----------+-------+---------+---------+-- - - --+--------+
 *     | header | control | directory | cells | strings | block 0 |   ...   | extras |
 *     +--------+---------+-----------+-------+---------+---------+-- - - --+--------+
 *                                                       one for each thread at a time:
 *                                                      +--------+---------+-------+------------+
 *                                                      | header | pending | slots | histograms |
 *                                                      +--------+---------+-------+------------+
 *
 * What threads count lies in the slots of their blocks, and readers add it up. What belongs to the process as a
 * whole, a gauge's value, lies in the instrument's cell. What is larger than a slot, tables of top-k and rings
 * of frames, lies in the extras, and slots and cells say where.
 *
 * docs/page-format.md is the contract in words, with an offset table and a worked example; this header is the
 * same for C. All integers are in the byte order of the process that wrote them. Everything is an offset: from
 * the start of the page, or of the block where it says so. A reader checks each of them before it uses it.
 *
 * Written by one thread each and read by others at any time, so single fields are read and written with relaxed
 * atomic accesses of their size. Four stores publish: `state` and `instrument_count` of the header, `state` of
 * a block and `generation` of a slot are stored with release order after what they announce, and are read with
 * acquire order.
 */
#ifndef TARE_PAGE_H
#define TARE_PAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARE_PAGE_MAGIC "TAREPAGE" /* 8 bytes, no terminator */
#define TARE_SET_MAGIC "TARESETS"
#define TARE_PAGE_VERSION 3
#define TARE_BYTE_ORDER 0x01020304u

/* Name of the memfd, as /proc/PID/fd shows it behind "/memfd:". */
#define TARE_PAGE_MEMFD "tare-page"
#define TARE_SET_MEMFD "tare-set"

enum tare_page_state {
    TARE_PAGE_BUILDING = 0, /* not to be read yet */
    TARE_PAGE_LIVE = 1,
    TARE_PAGE_EXITED = 2, /* the process came to its end by itself; the last words have been written */
};

enum tare_clock {
    TARE_CLOCK_NONE = 0,
    TARE_CLOCK_TSC_ORDERED =
        1,                /* the processor's counter, waiting for what comes before, and holding what follows */
    TARE_CLOCK_TSC = 2,   /* the processor's counter, read out of order */
    TARE_CLOCK_CLOCK = 3, /* CLOCK_MONOTONIC_RAW; a tick is a nanosecond */
};

enum tare_arch {
    TARE_ARCH_GENERIC = 0,
    TARE_ARCH_X86_64 = 1,
    TARE_ARCH_AARCH64 = 2,
};

enum tare_kind {
    TARE_KIND_TIMER = 1,
    TARE_KIND_COUNTER = 2,   /* a sum that only grows */
    TARE_KIND_GAUGE = 3,     /* a value that goes up and down, or is unknown */
    TARE_KIND_HISTOGRAM = 4, /* a distribution of values */
    TARE_KIND_STATE = 5,     /* each thread is in one of some named states, or in none */
    TARE_KIND_TOPK = 6,      /* the heaviest of many keys */
    TARE_KIND_FRAMES = 7,    /* frames one after the other, with parts */
};

enum tare_page_flags {
    TARE_PAGE_INVARIANT_TSC = 1u << 0, /* the processor states that its counter runs at one rate */
    TARE_PAGE_HISTOGRAMS = 1u << 1,    /* scopes are entered in histograms, too */
    TARE_PAGE_FORKED = 1u << 2,        /* made by fork: a child of a process with a page */
    TARE_PAGE_FILE = 1u << 3,          /* asked for with TARE_PAGE=FILE */
    TARE_PAGE_ON_DISK = 1u << 4,       /* and that file is not on a tmpfs: writeback may stall its writers */
    TARE_PAGE_CALIBRATED = 1u << 5,    /* `cost` at start is valid */
    TARE_PAGE_CALIBRATED_AT_EXIT = 1u << 6,
    TARE_PAGE_COUNTER_TRAPS = 1u << 7, /* a reading of the counter costs far more than the instruction */
};

/* The same instant on the clock of the page and on CLOCK_MONOTONIC_RAW. */
struct tare_anchor {
    uint64_t ticks;
    uint64_t raw_ns;
    uint64_t bracket_ns; /* the two readings lie at most this far apart */
};

/* A cost of measuring in thousandths of a tick, over n calibration blocks. n 0: unknown. */
struct tare_cost {
    int64_t median_mticks; /* negative where the clock hides some of the work */
    int64_t mad_mticks;    /* median absolute deviation, unscaled */
    uint64_t n;
};

/*
 * What one scope costs. `inner` lies within its own interval, `inner_empty` in that of a scope with nothing in
 * it. The next three are what it adds to the interval of the scope around it: where scopes follow each other
 * closely, where they lie in each other closely, and where there is work between them, with which the recording
 * overlaps. Which of it was the case can be told from the closeness: if less than `begin_cap_ticks` lie between
 * the second reading of a scope and the first one of the next, or less than `end_cap_ticks` up to the second
 * one of the scope around it, what is missing is added up. That is `close` on average where nothing lies
 * between them, and `knee` where just as much does as the recording takes. Caps of 0: not counted.
 */
struct tare_scope_cost {
    struct tare_cost inner;
    struct tare_cost inner_empty;
    struct tare_cost outer;
    struct tare_cost outer_nested;
    struct tare_cost outer_apart;
    struct tare_cost close;
    struct tare_cost knee;
};
enum tare_scope_costs { /* the same by number */
                        TARE_COST_INNER,
                        TARE_COST_INNER_EMPTY,
                        TARE_COST_OUTER,
                        TARE_COST_OUTER_NESTED,
                        TARE_COST_OUTER_APART,
                        TARE_COST_CLOSE,
                        TARE_COST_KNEE,
                        TARE_SCOPE_COSTS,
};

/*
 * Calibrations while the program ran: `n` of them, and what some found, in the order above. The first ones fill
 * the samples one by one; each later one takes a random place or none, so that all had the same chance to be
 * kept.
 */
#define TARE_RUN_SAMPLES 32
struct tare_run_cost {
    uint64_t n;
    int64_t mticks[TARE_RUN_SAMPLES][TARE_SCOPE_COSTS];
};

/* The first 4096 bytes of a page. Reserved bytes are zero. */
struct tare_page {
    /*   0 */ char magic[8];
    /*   8 */ uint32_t version;
    /*  12 */ uint32_t byte_order;
    /*  16 */ uint64_t page_size; /* bytes, all of it; what was never touched takes no memory */
    /*  24 */ uint32_t header_size;
    /*  28 */ uint32_t state; /* enum tare_page_state */
    /*  32 */ uint64_t control_offset;
    /*  40 */ uint64_t directory_offset;
    /*  48 */ uint64_t strings_offset;
    /*  56 */ uint64_t strings_size;
    /*  64 */ uint64_t blocks_offset;
    /*  72 */ uint64_t block_stride;
    /*  80 */ uint32_t instrument_max;
    /*  84 */ uint32_t block_max;
    /*  88 */ uint32_t control_stride;
    /*  92 */ uint32_t entry_stride;
    /*  96 */ uint32_t slot_stride;
    /* 100 */ uint32_t histogram_stride;
    /* 104 */ uint32_t slots_offset;      /* from the start of a block */
    /* 108 */ uint32_t histograms_offset; /* from the start of a block */
    /* 112 */ uint32_t bucket_count;
    /* 116 */ uint32_t bucket_bits; /* 2^bits buckets to each power of two */
    /* 120 */ uint64_t cells_offset;
    /* 128 */ uint32_t instrument_count; /* entries of the directory that are valid */
    /* 132 */ uint32_t block_count;      /* blocks that were ever used: 0 … block_count - 1 */
    /* 136 */ uint64_t strings_used;     /* bytes */
    /* 144 */ uint64_t lost_instruments; /* declared when the directory or the strings were full */
    /* 152 */ uint64_t lost_threads;     /* threads that found no block, each counted once */
    /* 160 */ uint64_t lost_scopes;      /* scopes begun on such threads, and counts made there: not recorded */
    /* 168 */ uint64_t
        dropped_scopes; /* in signal handlers that interrupted a recording: scopes after 64 others, and values */
    /* 176 */ uint32_t cell_stride;
    /* 180 */ uint32_t reserved0;
    /* 184 */ uint64_t
        lost_extras;        /* tables and rings that found no room: what they were to hold is not kept */
    /* 192 */ uint32_t pid; /* as the process sees itself */
    /* 196 */ uint32_t parent_pid;
    /* 200 */ uint32_t uid;
    /* 204 */ uint32_t flags;               /* enum tare_page_flags */
    /* 208 */ uint64_t start_time_jiffies;  /* field 22 of /proc/PID/stat: with pid, names the process */
    /* 216 */ uint64_t started_realtime_ns; /* since 1970 */
    /* 224 */ uint8_t boot_id[16];          /* of /proc/sys/kernel/random/boot_id; zero if unknown */
    /* 240 */ uint32_t executable_string;   /* path of the executable: offset in the strings */
    /* 244 */ uint32_t command_string;      /* command line, arguments separated by NUL, cut at 4096 bytes */
    /* 248 */ uint32_t command_size;
    /* 252 */ uint32_t reserved2;
    /* 256 */ uint32_t clock;   /* enum tare_clock */
    /* 260 */ uint32_t arch;    /* enum tare_arch */
    /* 264 */ uint64_t rate_hz; /* ticks in a second, from the two anchors or better */
    /* 272 */ uint64_t rate_error_ppb;
    /* 280 */ struct tare_anchor first;            /* when the page was made */
    /* 304 */ struct tare_anchor last;             /* after start-up's calibration, and again at exit */
    /* 328 */ struct tare_scope_cost cost;         /* calibrated at start, for the page's clock and mode */
    /* 496 */ struct tare_scope_cost cost_at_exit; /* and at exit */
    /* 664 */ struct tare_run_cost cost_in_run;    /* and in between, where a reader asked for it */
    /* 2464 */ uint32_t begin_cap_ticks;
    /* 2468 */ uint32_t end_cap_ticks;
    /* 2472 */ uint64_t calibration_ns;  /* time that start-up's calibration took */
    /* 2480 */ uint32_t runtime_version; /* major << 16 | minor << 8 | patch */
    /* 2484 */ uint32_t reserved3;
    /* 2488 */ uint64_t
        origin_ticks; /* when a forked child's page was made; 0 in others. Scopes open then are not recorded here */
    /* 2496 */ uint64_t
        pid_namespace; /* inode of /proc/self/ns/pid, in which pid and parent_pid mean something; 0: unknown */
    /* 2504 */ uint64_t grain_ticks; /* the counter moves in steps of about this many ticks; 0: unknown */
    /* 2512 */ uint64_t extras_offset;
    /* 2520 */ uint64_t extras_size; /* bytes; sparse */
    /* 2528 */ uint64_t extras_used; /* bytes, handed out from the start; never given back */
    /* 2536 */ uint8_t reserved4[1560];
};

/*
 * One for each instrument, at control_offset. Readers outside may write all but the reserved byte.
 *
 * `switched` tells what lasts, a stay in a state or a frame, that it was switched off in between: it is another
 * number then. So it counts before `enabled` becomes 1, and after it has become 0.
 */
struct tare_control {
    /* 0 */ uint8_t enabled; /* 0 or 1 */
    /* 1 */ uint8_t reserved;
    /* 2 */ uint16_t switched;   /* add 1, modulo 2^16, each time that `enabled` changes */
    /* 4 */ uint32_t generation; /* add 1, passing over 0, to reset: counts of another generation are void */
};

/*
 * One for each instrument, at directory_offset. Never changes once instrument_count covers it, but for
 * `objects`.
 */
struct tare_entry {
    /*  0 */ uint32_t kind;          /* enum tare_kind */
    /*  4 */ uint32_t objects;       /* declarations that are loaded now; 0 after dlclose */
    /*  8 */ uint32_t module_string; /* offsets in the strings; each string ends with NUL */
    /* 12 */ uint32_t name_string;
    /* 16 */ uint32_t file_string;
    /* 20 */ uint32_t line;
    /* The rest is 0 for timers. A string of 0 is none. */
    /* 24 */ uint32_t unit_string;   /* "bytes", "seconds", "ns", ...; none: a pure number */
    /* 28 */ uint32_t labels_string; /* "key=value,key=value", by key; part of the instrument's identity */
    /* 32 */ uint32_t help_string;   /* a sentence */
    /* 36 */ uint32_t size;          /* top-k: keys kept by each thread; frames: records in the ring */
    /* 40 */ uint32_t names_string;  /* states, parts of frames: the first of `name_count` names in a row */
    /* 44 */ uint32_t name_count;
    /* 48 */ uint32_t reserved[4];
};

/*
 * One for each instrument, at cells_offset: what is the process's, not a thread's. Any thread writes.
 *
 * A gauge's value is the bits of a double, exclusive-or TARE_UNKNOWN_BITS, so that zeros, which a fresh page
 * consists of, are a value that is unknown. The peak is the greatest value since `generation` was set; it is
 * void, as counts in slots are, if that is not the control's: then the peak is the value. A reset does not
 * touch the value. What is not finite is unknown, too; see tare_gauge_value().
 */
#define TARE_UNKNOWN_BITS UINT64_C(0x7ff80000756e6b6e)
struct tare_cell {
    /*  0 */ uint64_t value;
    /*  8 */ uint64_t peak;
    /* 16 */ uint64_t extra_offset; /* frames: of the struct tare_frame_ring, from the page's start; 0: none */
    /* 24 */ uint64_t extra_size;   /* bytes there */
    /* 32 */ uint32_t generation;
    /* 36 */ uint32_t reserved0;
    /* 40 */ uint64_t reserved1[3];
};

static inline uint64_t tare_gauge_encode(double value)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits ^ TARE_UNKNOWN_BITS;
}

/* As it was written. */
static inline double tare_gauge_decode(uint64_t encoded)
{
    uint64_t bits = encoded ^ TARE_UNKNOWN_BITS;
    double value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}

/*
 * The same for who shows it: NaN, which is unknown, unless it is finite, and 0 for -0. By the bits, as
 * -ffast-math takes comparisons for granted.
 */
static inline double tare_gauge_value(uint64_t encoded)
{
    const uint64_t exponent = UINT64_C(0x7ff0000000000000), sign = UINT64_C(1) << 63;
    uint64_t bits = encoded ^ TARE_UNKNOWN_BITS;
    bits = (bits & exponent) == exponent ? TARE_UNKNOWN_BITS : bits == sign ? 0 : bits;
    return tare_gauge_decode(bits ^ TARE_UNKNOWN_BITS);
}

/* A histogram's `total_ticks` of values stops here; then, the sum is unknown. */
#define TARE_SUM_UNKNOWN UINT64_MAX

enum tare_block_state {
    TARE_BLOCK_FREE = 0,
    TARE_BLOCK_OWNED = 1,
    TARE_BLOCK_ENDED = 2,  /* its thread has ended; the next thread counts on in it */
    TARE_BLOCK_ENDING = 3, /* its thread has left its destructors behind, and uses it until it is gone */
};

/* The start of a block. The first line belongs to the thread, the second to whoever claims the block. */
struct tare_block {
    /*   0 */ uint64_t ended;        /* scopes that ended in this block */
    /*   8 */ uint64_t token_offset; /* private: a scope that begins is named by `ended` + this */
    /*  16 */ uint64_t busy;         /* private: a recording is under way, by a scope about here in the stack */
    /*  24 */ uint32_t
        pending_first; /* private: recordings that a signal handler put off: a ring, from here ... */
    /*  28 */ uint32_t pending_end; /* private: ... up to here, modulo its size */
    /*  32 */ uint64_t base_token;  /* private: tokens up to this one belong to earlier threads */
    /*  40 */ uint64_t recent;      /* private: low half of the last end's reading; above, sum of closeness */
    /*  48 */ uint8_t pending;      /* private: there is something in the ring */
    /*  49 */ uint8_t calibrate;    /* a reader outside stores 1: calibrate once more when no scope is open */
    /*  50 */ uint8_t put_off;      /* private: how often it was looked in vain whether none is */
    /*  51 */ uint8_t reserved0;
    /*  52 */ uint32_t found_open;  /* private: the instrument whose scope was, then */
    /*  56 */ uint64_t calibrating; /* private: a calibration is under way, from about here in the stack */
    /*  64 */ uint32_t state;       /* enum tare_block_state */
    /*  68 */ uint32_t tid;         /* of the thread that owns it, or owned it last */
    /*  72 */ uint64_t threads;     /* that owned it, one after the other */
    /*  80 */ char thread_name[16];
    /*  96 */ uint64_t reserved1[4];
};

/*
 * One for each instrument and block. One writer: the block's thread. Void if `generation` is not the control's.
 */
struct tare_slot {
    /*   0 */ uint64_t calls;         /* scopes ended */
    /*   8 */ uint64_t outermost;     /* of them, those not inside another of this timer */
    /*  16 */ uint64_t total_ticks;   /* of the outermost */
    /*  24 */ uint64_t min_ticks;     /* of the outermost; UINT64_MAX if there were none */
    /*  32 */ uint64_t max_ticks;     /* of the outermost */
    /*  40 */ uint64_t scopes_within; /* scopes of any timer that ended in the outermost */
    /*  48 */ uint64_t bytes;
    /*  56 */ uint64_t open_token; /* private: names the outermost scope that is open; up to base_token: none */
    /*  64 */ uint64_t open_frame; /* private: how deep in the stack it began */
    /*  72 */ uint64_t open_span;  /* private: where its span lies */
    /*  80 */ uint32_t generation;
    /*  84 */ uint32_t busy; /* private: it is being cleared or changed, by code about here in the stack */
    /*  88 */ uint64_t
        closeness_within; /* of what followed the ends of scopes_within less `uncounted_within` */
    /*  96 */ uint64_t uncounted_within; /* scopes within, for which that was not counted */
    /* 104 */ uint64_t reserved1[3];
};

/*
 * The slots of the other kinds are of the same size, and have their generation at the same place. That of a
 * histogram is a struct tare_slot: calls and outermost are how many values were recorded, total_ticks their
 * sum, which stops at TARE_SUM_UNKNOWN, min_ticks and max_ticks the extremes, in the histogram's unit; its
 * buckets lie where a timer's do. A counter's values are added modulo 2^64, also those of several slots: what is
 * above 2^63 - 1 then is unknown, as somebody has subtracted.
 */
struct tare_counter_slot {
    /*  0 */ uint64_t value;
    /*  8 */ uint64_t late; /* private: added by signal handlers while the slot was being cleared */
    /* 16 */ uint64_t reserved0[8];
    /* 80 */ uint32_t generation;
    /* 84 */ uint32_t busy; /* private, as above */
    /* 88 */ uint64_t reserved1[5];
};

/*
 * The state that this thread is in, and how long it was in each. `changes` is odd while that is being changed,
 * and 2 more afterwards: read it, then the rest (each with acquire order), then it again. A reset makes times
 * and changes void, but not the state: `current` is also right where the generation is not the control's, if it
 * is not 0. A stay that lasts has no end yet in a block that is owned; in others it means nothing. So it does
 * where `enabled` of the control is 0, or its `switched` is another one: nobody knows what came after that.
 */
#define TARE_STATES_MAX 12
struct tare_state_slot {
    /*  0 */ uint64_t changes;
    /*  8 */ uint64_t since_ticks; /* when the current state was entered */
    /* 16 */ uint32_t current;     /* number of the state + 1; 0: none */
    /* 20 */ uint32_t switched;    /* of the control, when it was entered */
    /* 24 */ uint64_t ticks[7];    /* that were spent in states 0 to 6, without the current stay */
    /* 80 */ uint32_t generation;
    /* 84 */ uint32_t busy;                            /* private, as above */
    /* 88 */ uint64_t ticks_more[TARE_STATES_MAX - 7]; /* in states 7 to 11 */
};

struct tare_topk_slot {
    /*  0 */ uint64_t table_offset; /* of this thread's struct tare_topk, from the page's start; 0: none */
    /*  8 */ uint64_t table_size;   /* bytes there */
    /* 16 */ uint64_t weight;       /* of all keys */
    /* 24 */ uint64_t hits;         /* updates */
    /* 32 */ uint64_t reserved0[6];
    /* 80 */ uint32_t generation;
    /* 84 */ uint32_t busy; /* private, as above */
    /* 88 */ uint64_t reserved1[5];
};

/*
 * A thread's heaviest keys by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005) with a filter
 * (Homem, Carvalho 2010): weight is what the key had at most, weight - error what it had at least. A key that
 * is not in the table had at most `least`, which is never above the smallest weight in it. Entries are in no
 * order. `sequence` of an entry is odd while it passes from one key to another: read it, then the rest, then it
 * again. Entries begin TARE_TOPK_ENTRIES bytes into the table; what lies before the table is private.
 */
#define TARE_TOPK_MAX 4096
#define TARE_TOPK_ENTRIES 64
struct tare_topk {
    /*  0 */ uint32_t capacity;
    /*  4 */ uint32_t used;
    /*  8 */ uint32_t entry_stride;
    /* 12 */ uint32_t reserved0;
    /* 16 */ uint64_t replaced; /* times that a key took the place of another */
    /* 24 */ uint64_t least;    /* 0 while no key was turned away */
    /* 32 */ uint64_t reserved1[4];
};

struct tare_topk_entry {
    /*  0 */ uint64_t key;
    /*  8 */ uint64_t weight;
    /* 16 */ uint64_t error;
    /* 24 */ uint64_t hits; /* updates since the key is in the table */
    /* 32 */ uint32_t sequence;
    /* 36 */ uint32_t reserved0; /* private */
};

/*
 * Frames. One thread at a time begins and ends them. The first has number 0, and numbers go on across resets:
 * since the last one there were `frames` of them, from number `base` on. The last `capacity` are in the ring,
 * number base + n at n modulo capacity; the last `slow_capacity` of those that took longer than `slow_ticks`
 * are kept apart, the k-th of them at k modulo slow_capacity, so that many fast ones do not push them out.
 * Times of all frames are in a histogram of TARE_BUCKET_COUNT buckets. Offsets are from the start of the ring's
 * header.
 *
 * A frame during which they were switched off is abandoned, even if they were switched on again before its end.
 */
#define TARE_FRAME_PARTS_MAX 8
#define TARE_FRAMES_MAX 65536
#define TARE_FRAME_SLOW 64 /* slow frames that are kept */
struct tare_frame_ring {
    /*   0 */ uint32_t capacity; /* a power of two */
    /*   4 */ uint32_t part_count;
    /*   8 */ uint32_t record_stride;
    /*  12 */ uint32_t slow_capacity;
    /*  16 */ uint32_t records_offset;
    /*  20 */ uint32_t slow_offset;
    /*  24 */ uint32_t buckets_offset;
    /*  28 */ uint32_t generation; /* void, as counts in slots, unless it is the control's */
    /*  32 */ uint64_t frames;     /* that ended */
    /*  40 */ uint64_t dropped;    /* that the program says were not shown */
    /*  48 */ uint64_t slow;       /* of those that ended, longer than slow_ticks then */
    /*  56 */ uint64_t slow_ticks; /* 0: none counts as slow */
    /*  64 */ uint64_t total_ticks;
    /*  72 */ uint64_t min_ticks; /* UINT64_MAX if there were none */
    /*  80 */ uint64_t max_ticks;
    /*  88 */ uint64_t open_ticks;                        /* when the frame began that is under way; 0: none */
    /*  96 */ uint64_t part_ticks[TARE_FRAME_PARTS_MAX];  /* of all frames that have the part */
    /* 160 */ uint64_t part_frames[TARE_FRAME_PARTS_MAX]; /* that have it */
    /* 224 */ uint64_t
        abandoned;           /* begun and never ended: another one began instead, or they were switched off */
    /* 232 */ uint64_t base; /* frames that ended before the last reset */
    /* 240 */ uint32_t open_switched; /* of the control, when the frame began that is under way */
    /* 244 */ uint32_t reserved0;
    /* 248 */ uint64_t reserved1;
};

struct tare_frame_record {
    /*  0 */ uint64_t sequence; /* 2 x (number + 1); odd while the record is being written */
    /*  8 */ uint64_t start_ticks;
    /* 16 */ uint64_t ticks; /* that it took */
    /* 24 */ uint64_t flags; /* enum tare_frame_flags */
    /* 32 */ uint64_t
        part_ticks[TARE_FRAME_PARTS_MAX]; /* UINT64_MAX: unknown, as of a GPU that has not said yet */
};

enum tare_frame_flags {
    TARE_FRAME_IS_SLOW = 1 << 0,
    /* Bits 8 to 15, one for each part: it was told what no time is, and stays unknown in this frame. */
    TARE_FRAME_SPOILT_SHIFT = 8,
};

/*
 * Histograms: log-linear. Values below 16 have a bucket each; above, each power of two is cut into 16 equal
 * buckets, so the middle of a bucket is at most 1/32 from any value in it, and no two values in it are farther
 * apart than 1/16 (6.25 %). Values of 2^48 ticks and more (a day at 3 GHz) are counted in the last bucket. A
 * bucket is a uint64_t.
 */
#define TARE_BUCKET_BITS 4
#define TARE_BUCKET_SUB (1u << TARE_BUCKET_BITS)
#define TARE_BUCKET_TOP 48
#define TARE_BUCKET_COUNT (TARE_BUCKET_SUB + (TARE_BUCKET_TOP - TARE_BUCKET_BITS) * TARE_BUCKET_SUB) /* 720 */

static inline uint32_t tare_bucket_of(uint64_t ticks)
{
    if (__builtin_expect(ticks >> TARE_BUCKET_TOP != 0, 0)) {
        return TARE_BUCKET_COUNT - 1;
    }
    /* Below 16 as if it were 16, whose shift is 0: so small values need no branch. */
    uint32_t shift = 63u - TARE_BUCKET_BITS - (uint32_t)__builtin_clzll(ticks | TARE_BUCKET_SUB);
    return (shift << TARE_BUCKET_BITS) + (uint32_t)(ticks >> shift);
}

/* The smallest value that falls into bucket `index` (below TARE_BUCKET_COUNT). */
static inline uint64_t tare_bucket_low(uint32_t index)
{
    if (index < 2 * TARE_BUCKET_SUB) {
        return index;
    }
    uint32_t shift = (index >> TARE_BUCKET_BITS) - 1;
    return (uint64_t)(TARE_BUCKET_SUB + (index & (TARE_BUCKET_SUB - 1))) << shift;
}

/* How many different values fall into it. */
static inline uint64_t tare_bucket_width(uint32_t index)
{
    return index < 2 * TARE_BUCKET_SUB ? 1 : UINT64_C(1) << ((index >> TARE_BUCKET_BITS) - 1);
}

/*
 * A set: several pages in one file, one behind the other, for `tare run`, which makes it and names it to its
 * children as TARE_PAGE=set:/proc/PID/fd/FD. A process claims the next page by adding 1 to `next`; page k lies
 * at first_offset + k * stride. A claim beyond `max` is a process that is lost.
 */
struct tare_set {
    /*  0 */ char magic[8];
    /*  8 */ uint32_t version;
    /* 12 */ uint32_t byte_order;
    /* 16 */ uint64_t first_offset;
    /* 24 */ uint64_t stride;
    /* 32 */ uint64_t max;
    /* 40 */ uint64_t next;
    /* 48 */ uint64_t reserved[2];
};

#ifdef __cplusplus
#define TARE__ASSERT static_assert
#else
#define TARE__ASSERT _Static_assert
#endif
TARE__ASSERT(sizeof(struct tare_page) == 4096, "the header of a page is 4096 bytes");
TARE__ASSERT(sizeof(struct tare_control) == 8, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_control, generation) == 4, "layout");
TARE__ASSERT(sizeof(struct tare_entry) == 64, "layout");
TARE__ASSERT(sizeof(struct tare_block) == 128, "layout");
TARE__ASSERT(sizeof(struct tare_slot) == 128, "layout");
TARE__ASSERT(sizeof(struct tare_set) == 64, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, instrument_count) == 128, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, pid) == 192, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, clock) == 256, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, cost) == 328, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, cost_in_run) == 664, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, grain_ticks) == 2504, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_block, calibrate) == 49, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_page, extras_used) == 2528, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_slot, generation) == 80, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_counter_slot, generation) == 80, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_state_slot, generation) == 80, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_frame_ring, base) == 232, "layout");
TARE__ASSERT(__builtin_offsetof(struct tare_topk_slot, generation) == 80, "layout");
TARE__ASSERT(sizeof(struct tare_cell) == 64, "layout");
TARE__ASSERT(sizeof(struct tare_counter_slot) == 128, "layout");
TARE__ASSERT(sizeof(struct tare_state_slot) == 128, "layout");
TARE__ASSERT(sizeof(struct tare_topk_slot) == 128, "layout");
TARE__ASSERT(sizeof(struct tare_topk) == TARE_TOPK_ENTRIES, "layout");
TARE__ASSERT(sizeof(struct tare_topk_entry) == 40, "layout");
TARE__ASSERT(sizeof(struct tare_frame_ring) == 256, "layout");
TARE__ASSERT(sizeof(struct tare_frame_record) == 96, "layout");

#ifdef __cplusplus
}
#endif

#endif /* TARE_PAGE_H */
