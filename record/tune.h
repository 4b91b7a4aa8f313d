/* SPDX-License-Identifier: MIT */
/*
 * Sets a machine up for measuring, and puts it back. What was there is written to a file before anything is
 * changed, so that a crash at any moment leaves enough to restore from; the file lies where a restart removes
 * it, or knows by the boot's id that it is of an earlier boot, for then the settings are gone as well.
 *
 *   tare-tuned 1
 *   boot 2f1c...-...
 *   set /sys/devices/system/cpu/cpufreq/policy0/scaling_governor powersave performance
 *   keep /sys/devices/system/cpu/cpufreq/policy0/energy_performance_preference balance_performance performance
 *   end 2
 *
 * "set": what was there, and what was set. "keep": what the kernel may change along with a setting and does not
 * change back (the drivers of AMD's and Intel's processors do): what was there, and what it was afterwards, "-"
 * while that is not known.
 *
 * Only what a running machine can take back is set: never the clock source, the mitigations, processors that
 * are offline, or ASLR, which setarch(8) gives to one program.
 */
#ifndef TARE_RECORD_TUNE_H
#define TARE_RECORD_TUNE_H

#include <stdbool.h>
#include <stddef.h>

enum { TARE_TUNE_PATH = 128, TARE_TUNE_VALUE = 64 };

/* One file to be set. */
struct tare_setting {
    char path[TARE_TUNE_PATH]; /* without the root */
    char now[TARE_TUNE_VALUE], want[TARE_TUNE_VALUE];
    bool keep; /* not set, only kept an eye on; `want` is "" */
};

struct tare_tune_plan {
    struct tare_setting *settings;
    size_t count;
};

/* What is to be set on this machine, in order, and what may change along. 0 or -ENOMEM. */
int tare_tune_plan(struct tare_tune_plan *plan, const char *root);
void tare_tune_plan_release(struct tare_tune_plan *plan);

enum tare_tune_outcome {
    TARE_TUNE_SET,     /* from -> to */
    TARE_TUNE_SAME,    /* is as it was saved: nothing to do */
    TARE_TUNE_FOREIGN, /* somebody else has changed it (from): left alone; what was saved is `to` */
    TARE_TUNE_FAILED,  /* error; it is `from` */
    TARE_TUNE_UNDONE,  /* was set, and put back, because another failed */
    TARE_TUNE_STUCK,   /* was set, another failed, and it could not be put back: error */
};

struct tare_tune_line {
    char path[TARE_TUNE_PATH];
    char from[TARE_TUNE_VALUE], to[TARE_TUNE_VALUE];
    enum tare_tune_outcome outcome;
    int error; /* errno; 0 where a value was taken and then did not stand there */
    bool keep;
};

/* How far it came, if it failed. */
enum tare_tune_stage {
    TARE_TUNE_STATE, /* the file of what is saved: nothing was changed */
    TARE_TUNE_CHECK, /* `subject` may not be written: nothing was changed */
    TARE_TUNE_WRITE, /* `subject` did not take its value */
};

struct tare_tune_report {
    struct tare_tune_line *lines;
    size_t count;
    enum tare_tune_stage stage;
    char subject[TARE_TUNE_PATH];
    bool folder;     /* -EPERM is for the folder of the state file */
    bool other_boot; /* restore: what is saved is of an earlier boot, and was dropped */
    bool nothing;    /* restore: nothing is saved; apply: nothing was to be set */
};

/*
 * Sets what the plan has, all or nothing: if one fails, those before it are put back. What an earlier apply has
 * saved stays saved. Returns 0, or -errno with report->stage and subject (-EBADMSG: the state file is damaged,
 * -EBUSY: somebody else is at it, -EPERM: the state file or its folder is another user's, or others may
 * write it). Signals are held back meanwhile. `state` is the file's whole name, and its folder is made if
 * that is missing. The report is filled in either case; tare_tune_report_release() frees it.
 */
int tare_tune_apply(const char *root, const char *state, struct tare_tune_report *report);

/*
 * Puts back what is saved. What is neither as it was saved nor as it was set belongs to somebody else by now:
 * it is left alone, told, and forgotten. What could not be put back stays saved. Returns 0 (also if nothing is
 * saved, or what is, is of an earlier boot), or -errno as above; -EIO: some could not be put back, see the
 * lines.
 */
int tare_tune_restore(const char *root, const char *state, struct tare_tune_report *report);

void tare_tune_report_release(struct tare_tune_report *report);

#endif
