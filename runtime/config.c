/* SPDX-License-Identifier: MIT */
/*
 * The environment, read once. What cannot be understood is ignored: the runtime has no business printing into,
 * or ending, a program that it lives in. `tare run` checks the same words before it sets them, and complains;
 * where the program prints the table anyway, what became of its sizes is said below it. A file that was asked for and
 * cannot be had is another matter: see source.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "runtime/internal.h"

/* What the environment said of a size. */
struct size_setting {
    const char *name;
    uint32_t otherwise, limit;
    bool no_number, too_large;
};

static struct size_setting timers = {
    .name = "TARE_TIMERS", .otherwise = INSTRUMENT_MAX_DEFAULT, .limit = INSTRUMENT_MAX_LIMIT};
static struct size_setting threads = {
    .name = "TARE_THREADS", .otherwise = BLOCK_MAX_DEFAULT, .limit = BLOCK_MAX_LIMIT};

static uint32_t size_of(struct size_setting *setting)
{
    const char *text = getenv(setting->name);
    if (text == NULL || *text == '\0') {
        return setting->otherwise;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10); /* ULONG_MAX for more */
    if (*text < '0' || *text > '9' || *end != '\0' || value == 0) {
        setting->no_number = true;
        return setting->otherwise;
    }
    setting->too_large = value > setting->limit;
    return setting->too_large ? setting->limit : (uint32_t)value;
}

static void complain(FILE *out, const struct size_setting *setting)
{
    if (setting->too_large) {
        fprintf(out, "note: %s asks for more than there can be, %u, and gets that\n", setting->name,
                setting->limit);
    } else if (setting->no_number) {
        fprintf(out, "note: %s is no number from 1 to %u, and is taken for %u\n", setting->name, setting->limit,
                setting->otherwise);
    }
}

HIDDEN void tare__config_complain(FILE *out)
{
    complain(out, &timers);
    complain(out, &threads);
}

static bool is_off(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && (strcmp(text, "off") == 0 || strcmp(text, "0") == 0);
}

static const char *text_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : NULL;
}

HIDDEN void tare__config_read(struct config *config)
{
    *config = (struct config){
        .histograms = true,
        .instrument_max = INSTRUMENT_MAX_DEFAULT,
        .block_max = BLOCK_MAX_DEFAULT,
    };
    if (is_off("TARE") || getauxval(AT_SECURE) != 0) {
        config->off = true;
        return;
    }
    const char *clock = text_of("TARE_CLOCK");
    if (clock != NULL) {
        config->clock = tare__clock_parse(clock);
    }
    config->histograms = !is_off("TARE_HISTOGRAM");
    config->instrument_max = size_of(&timers);
    config->block_max = size_of(&threads);
    config->extras_size = config->block_max * EXTRAS_BYTES_PER_BLOCK;
    if (config->extras_size < EXTRAS_BYTES_MIN) {
        config->extras_size = EXTRAS_BYTES_MIN;
    }
    config->report = text_of("TARE_REPORT");
    config->page = text_of("TARE_PAGE");
    config->enable = text_of("TARE_ENABLE");
    if (config->enable == NULL && (config->report != NULL || config->page != NULL)) {
        config->enable = "*";
    }
}
