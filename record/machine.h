/* SPDX-License-Identifier: MIT */
/*
 * How the machine is set, as far as it bears on measurements: `tare doctor` asks here. Each item stands alone:
 * one that cannot be read stays unknown and does not disturb the others; nothing is guessed.
 */
#ifndef TARE_RECORD_MACHINE_H
#define TARE_RECORD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/environment.h"

enum {
    TARE_MACHINE_TEXT = 256,
    TARE_UNKNOWN = -1000, /* of a number that may be negative; a plain flag has -1 */
};

/* What the kernel has of the cgroups that this process is in. */
struct tare_quota {
    bool known;       /* a cgroup with a processor controller was found */
    double cpus;      /* the smallest quota over period on the way up; NAN: none is set */
    double period_s;  /* of that quota; NAN without */
    char file[1056];  /* that says so, to be written to; "" without */
    bool is_v2;       /* file is cpu.max ("max" for none), else cpu.cfs_quota_us (-1 for none) */
    double throttled; /* periods in which the cgroup had to wait, so far; NAN: unknown */
};

/* The hottest sensor of the processor, by the distance to its limit where that is known. */
struct tare_heat {
    double celsius;       /* NAN: no sensor */
    double limit_celsius; /* at which the processor is slowed down or switched off; NAN: not told */
    char sensor[64];
    double throttles; /* times that it was slowed down since boot, all processors together; NAN: not told */
};

/* Text is "" where unknown, flags are -1, counts 0. */
struct tare_machine {
    struct tare_environment environment;
    bool container;
    char mitigations[TARE_MACHINE_TEXT];  /* value of mitigations= on the kernel's command line */
    char mitigated[TARE_MACHINE_TEXT];    /* weaknesses that the kernel works around, by name */
    char open_to[TARE_MACHINE_TEXT];      /* weaknesses that it has and does not work around */
    unsigned weaknesses, mitigated_count; /* that the kernel knows of; that it works around */

    uint32_t online_count, allowed_count;
    char online[TARE_MACHINE_TEXT], allowed[TARE_MACHINE_TEXT]; /* lists like "0-3,6" */
    int isolated_known;                                         /* then "" in the next two is none */
    char isolated[TARE_MACHINE_TEXT], tickless[TARE_MACHINE_TEXT];
    int smt;              /* 1: processors share cores */
    char smt_control[32]; /* on, off, forceoff, notsupported, notimplemented */

    char governors[TARE_MACHINE_TEXT]; /* those in use, each once, with commas between */
    bool performance_governor;         /* there is one to be had */
    char frequency_driver[64];
    int turbo;
    char turbo_file[64]; /* that switches it */
    bool turbo_inverted; /* 1 in the file is off */
    struct tare_heat heat;
    double steal_share; /* of the time that this machine wanted to run since boot; NAN: unknown */

    int aslr;      /* kernel.randomize_va_space: 0, 1, 2 */
    int aslr_here; /* whether it is in force for this process, and so for what it starts */
    char huge_pages[32];
    int nmi_watchdog, numa_balancing;
    uint32_t nodes;
    int perf_event_paranoid;              /* TARE_UNKNOWN */
    char clocksources[TARE_MACHINE_TEXT]; /* that there are */
    struct tare_quota quota;
};

/*
 * Fills `machine`, whose earlier content is overwritten; tare_machine_release() frees it. `root` stands before
 * the names of all files of /proc, /sys, /run and /etc; "" is the real root. Returns 0 or -ENOMEM. Thread-safe.
 */
int tare_machine_read(struct tare_machine *machine, const char *root);
void tare_machine_release(struct tare_machine *machine);

/* The cgroups of /proc/self/cgroup, versions 1 and 2, below `root`. (quota.c) */
void tare_quota_read(struct tare_quota *quota, const char *root);

/* thermal_zone*, hwmon* and thermal_throttle, below `root`. (heat.c) */
void tare_heat_read(struct tare_heat *heat, const char *root);

/*
 * What perf_event_open(2) gives to this process, tried: 0, or -errno. A counter that opens and stays at 0 while
 * the program works is -ENODATA; -ENOSYS: the kernel has none, or we were built without its header.
 * (counters.c)
 */
struct tare_counters {
    int cycles, instructions;      /* of the program's own code */
    int kernel_cycles;             /* of what the kernel does for it */
    int branch_stack;              /* LBR, or what other processors have in its place */
    char units[TARE_MACHINE_TEXT]; /* names of the hardware's counting units, as /sys has them; "": none */
};
void tare_counters_try(struct tare_counters *counters, const char *root);

#endif
