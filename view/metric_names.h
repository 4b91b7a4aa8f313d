/* SPDX-License-Identifier: MIT */
/* Names, units and labels of metrics, from those of instruments; docs/metrics.md has the rules. Private to view/. */
#ifndef TARE_VIEW_METRIC_NAMES_H
#define TARE_VIEW_METRIC_NAMES_H

#include <stdbool.h>

#include "result/telemetry.h"
#include "view/text.h"

/* What values in the program's unit are in the exported one: value x factor / 10^decimals. */
struct tare__unit {
    char name[64]; /* "": none */
    double factor;
    int decimals;
};

/* "ms/s" is seconds per second, "1/s" per second; NULL: none. */
struct tare__unit tare__metric_unit(const char *name);
double tare__metric_in_unit(const struct tare__unit *unit, double value);

/* Whether `name` ends with "_WORD", and there is something before it. */
bool tare__metric_ends(const char *name, const char *word);
/* Cuts "_WORD" off the end. */
bool tare__metric_cut(char *name, const char *word);
/*
 * "jit", "cache.used_bytes" with the unit "bytes" is "jit_cache_used": unit and "_total" come back behind what
 * says which of the instrument's figures it is. `own`: the unit as the program has it. NULL: no memory.
 */
char *tare__metric_base(const char *module, const char *name, const char *own, const struct tare__unit *unit);
/*
 * "jit.compile.ns_per_block" in ns is "tare_derived_jit_compile_per_block": the unit follows, in its base unit,
 * and no word says it a second time. NULL: no memory.
 */
char *tare__metric_derived(const struct tare_derived *derived);

/* Text between quotes, or (`quotes` false) to the end of a line where quotes mean nothing. */
void tare__metric_escaped(struct tare__grown *text, const char *string, bool quotes);
/* `,name="value"`, if there is a value. */
void tare__metric_label(struct tare__grown *text, const char *name, const char *value);
/* Those of a program, "key=value,key=value"; one that is called as one of ours gets "label_". */
void tare__metric_labels(struct tare__grown *text, const char *labels);

#endif
