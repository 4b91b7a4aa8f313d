/* SPDX-License-Identifier: MIT */
/*
 * The memory through which libtare-profile.so, in the profiled processes, hands samples to `tare profile`: a
 * header and a ring of slots of equal size, in a memfd that `tare profile` makes and names to its children as
 * TARE_PROFILE=/proc/PID/fd/FD. All processes of the tree and all of their threads write, in signal handlers;
 * one reader reads.
 *
 * A writer claims slot number n = head with a compare-and-exchange of head, only if n - tail < slot_count (else
 * it counts `lost` or `lost_records`), writes it, and stores sequence = n + 1 with release order. The reader takes
 * slots in order; one that is not complete though a later one has been for a second was of a writer that
 * died: it counts `torn` and goes on (a writer that was only stopped may still write into the slot, over
 * what another has in it then: numbers and counts are to be checked). It then stores tail. Slots are
 * claimed and written with relaxed and release accesses; nobody waits for anybody, in a handler; outside of
 * one (PROCESS, MODULE, BROKEN), a tenth of a second for room.
 *
 * A library's MODULE comes behind its dlopen, and so behind samples of its constructors.
 *
 * Both sides are of one build: there is a version, but no promise that it is read by another.
 */
#ifndef TARE_PRELOAD_SAMPLES_H
#define TARE_PRELOAD_SAMPLES_H

#include <stdint.h>

#define TARE_SAMPLES_MAGIC "TARESAMP"
#define TARE_SAMPLES_VERSION 1
#define TARE_SAMPLES_VARIABLE "TARE_PROFILE"
#define TARE_SAMPLES_MEMFD "tare-samples"

enum tare_samples_flags {
    TARE_SAMPLES_WALL = 1u << 0,      /* by CLOCK_MONOTONIC, running or not; else by each thread's CPU clock */
    TARE_SAMPLES_BY_TIMER = 1u << 1,  /* look for the innermost open scope, in the set of pages of TARE_PAGE */
    TARE_SAMPLES_FP_ONLY = 1u << 2,   /* unwind by frame pointers alone; else by .eh_frame where there is one */
    TARE_SAMPLES_MAIN_ONLY = 1u << 3, /* the first thread of each process alone */
};

/* The first 4096 bytes. Reserved bytes are zero. */
struct tare_samples {
    char magic[8];
    uint32_t version;
    uint32_t flags; /* enum tare_samples_flags */
    uint64_t size;  /* bytes, all of it */
    uint64_t slots_offset;
    uint32_t slot_size;
    uint32_t slot_count;
    uint64_t interval_ns; /* between samples */
    uint32_t frames_max;  /* of one stack; no more than fit into a slot */
    uint32_t stopped;     /* the reader stores 1: take no more samples */
    uint64_t reserved0[8];
    /* Written by the processes; each on its own line. */
    uint64_t head; /* slots ever claimed */
    uint64_t reserved1[7];
    uint64_t lost;           /* samples for which there was no slot */
    uint64_t missed_threads; /* no timer could be had for them */
    /*
     * Expirations in no sample: of threads that ended before the kernel's tick had looked at their clock again.
     * With the weights of all samples (and the lost ones), they add up to the time that threads took.
     */
    uint64_t missed_expirations;
    uint64_t cut_unwinding; /* stacks that end where no frame was found further out */
    uint64_t signal_taken;  /* processes that took our signal for themselves: no samples of them since */
    uint64_t broken;        /* processes in which sampling could not start; each once */
    uint64_t sandboxed;      /* processes that filter their system calls: no samples of them since */
    uint64_t lost_weight;    /* expirations that the lost samples stand for */
    uint64_t lost_records;   /* others than samples for which there was no slot: names may be missing */
    uint64_t reserved2[7];
    uint64_t tail; /* slots that the reader has taken */
    uint64_t torn; /* that it has passed over */
};

enum tare_samples_kind {
    TARE_SAMPLES_SAMPLE = 1,
    TARE_SAMPLES_MODULE = 2, /* an object that is loaded: text: path, NUL */
    TARE_SAMPLES_PROCESS =
        3, /* a process begins (start, exec, fork): forget its modules. text: executable, NUL */
    TARE_SAMPLES_THREAD = 4, /* a thread's name, when it is first sampled or has changed. text: name, NUL */
    TARE_SAMPLES_BROKEN = 5, /* sampling could not start here. text: why, NUL */
};

enum tare_samples_sample_flags {
    TARE_SAMPLES_TRUNCATED = 1u << 0, /* more frames than frames_max */
    TARE_SAMPLES_CUT = 1u << 1,       /* unwinding came to an end before the outermost frame */
    TARE_SAMPLES_TIMER = 1u << 2,     /* `timer` is valid, TARE_SAMPLES_NO_TIMER too */
    TARE_SAMPLES_FORKED = 1u << 3,    /* of PROCESS: a fork, whose modules are its parent's */
};
#define TARE_SAMPLES_NO_TIMER UINT32_MAX

struct tare_samples_slot {
    uint64_t sequence; /* number + 1 when complete */
    uint32_t kind;
    uint32_t flags;
    uint32_t pid, tid;   /* as in the initial namespace of the process itself */
    uint32_t parent_pid; /* of PROCESS */
    uint32_t count;      /* addresses of SAMPLE; bytes of text */
    uint64_t time_ns;    /* CLOCK_MONOTONIC */
    union {
        struct {
            uint64_t weight; /* expirations of the timer that it stands for: 1 and more */
            uint32_t timer;  /* index of an instrument in the process's page */
            uint32_t page;   /* number of that page in its set */
            /*
             * The innermost first. All but it are to be looked up one byte in front, as return addresses
             * are; where a frame was interrupted by a signal, there is one byte more than where it was, so
             * that this is right. Frames of libtare-profile.so itself are left out.
             */
            uint64_t addresses[];
        } sample;
        struct {
            uint64_t address, size; /* of its executable segments, in memory */
            uint64_t offset;        /* of them in the file */
            uint32_t build_id_size;
            uint8_t build_id[20];
            char path[];
        } module;
        char text[1]; /* the rest of the slot */
    };
};

#endif
