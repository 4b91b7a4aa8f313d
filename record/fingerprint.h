/* SPDX-License-Identifier: MIT */
/*
 * The fingerprint: what two results have to have in common for their figures to be compared. One hash that is
 * the same or not, and the parts that it is made of, which say why not. docs/fingerprint.md lists them.
 *
 * What changes without changing a figure is not in it (the name of the host, the commit, a process id), nor
 * what changes all the time (frequency, temperature, load).
 */
#ifndef TARE_RECORD_FINGERPRINT_H
#define TARE_RECORD_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "record/environment.h"
#include "record/sha256.h"

/* In the order in which they are hashed. A new part changes every hash: it goes to the end, with a reason. */
enum tare_fingerprint_part {
    TARE_FINGERPRINT_MACHINE, /* x86_64, aarch64 */
    TARE_FINGERPRINT_CPU_MODEL,
    TARE_FINGERPRINT_MICROCODE,
    TARE_FINGERPRINT_CPU_COUNT,      /* online */
    TARE_FINGERPRINT_SMT,            /* on, off: whether a core runs more than one thread */
    TARE_FINGERPRINT_KERNEL,         /* release, and which build of it */
    TARE_FINGERPRINT_MITIGATIONS,    /* of the processor's vulnerabilities */
    TARE_FINGERPRINT_GOVERNOR,       /* of all processors, with what energy is to be preferred to */
    TARE_FINGERPRINT_TURBO,          /* on, off */
    TARE_FINGERPRINT_VIRTUALIZATION, /* KVM, none */
    TARE_FINGERPRINT_MEMORY,         /* rounded up, so that the kernel's own share does not show */
    TARE_FINGERPRINT_LIBC,           /* of the command tare */
    TARE_FINGERPRINT_CLOCKSOURCE,
    TARE_FINGERPRINT_TARE_VERSION,
    TARE_FINGERPRINT_SETTINGS, /* of the measurement: "clock=tsc-ordered histograms=on ..." */
    TARE_FINGERPRINT_PARTS,
};

/* What it takes to change a part. */
enum tare_fingerprint_kind {
    TARE_FINGERPRINT_IDENTITY,    /* another machine, kernel or libc */
    TARE_FINGERPRINT_SETTING,     /* a switch of this machine */
    TARE_FINGERPRINT_MEASUREMENT, /* another tare, or another command line */
};

struct tare_fingerprint {
    char *parts[TARE_FINGERPRINT_PARTS]; /* its own; NULL: unknown */
    char hash[TARE_SHA256_HEX + 1];      /* hexadecimal; "": there is no fingerprint */
};

enum {
    TARE_FINGERPRINT_SHORT = 16, /* digits of the hash that people are shown: enough to tell machines apart */
    /*
     * Of tare_fingerprint_compare(): all parts are the same and the hashes are not. One of the two has parts
     * that this version does not know, or was changed by hand.
     */
    TARE_FINGERPRINT_OTHER = 1 << TARE_FINGERPRINT_PARTS,
};

/* The name of a part, as it is hashed and as it stands in JSON: lower case, with '_'. */
const char *tare_fingerprint_name(enum tare_fingerprint_part part);
enum tare_fingerprint_kind tare_fingerprint_kind(enum tare_fingerprint_part part);

/*
 * Fills `fingerprint`, whose earlier content is overwritten and not freed, from `environment` and from files of
 * /proc and /sys; what cannot be found out stays unknown. `version`: of tare. `settings`: what of the command
 * line decides on the figures, NULL where unknown; control characters and broken UTF-8 in it become '?'.
 * Returns 0 or -ENOMEM (then everything is released). Not bound to a thread; the structure belongs to one.
 */
int tare_fingerprint_read(struct tare_fingerprint *fingerprint, const struct tare_environment *environment,
                          const char *version, const char *settings);

/* The same with `root` before the names of all files; for tests. "" is the real root. */
int tare_fingerprint_read_at(struct tare_fingerprint *fingerprint, const struct tare_environment *environment,
                             const char *root, const char *version, const char *settings);

/*
 * Sets the hash from the parts: SHA-256 over a line "name=value\n" for each part, in order; a part that is not
 * known counts as "unknown".
 */
void tare_fingerprint_hash(struct tare_fingerprint *fingerprint);

/*
 * The parts that differ, as bits 1 << part; or TARE_FINGERPRINT_OTHER; or 0. Two that are both unknown are the
 * same, as their hashes are; one that is known on one side only differs. Both sides have to have a hash.
 */
uint32_t tare_fingerprint_compare(const struct tare_fingerprint *a, const struct tare_fingerprint *b);

/* Frees the parts; there is no fingerprint then. */
void tare_fingerprint_release(struct tare_fingerprint *fingerprint);

#endif
