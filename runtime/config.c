/* SPDX-License-Identifier: MIT */
/*
 * The environment, read once. What cannot be understood is ignored: the runtime has no business printing into,
 * or ending, a program that it lives in. `tare run` checks the same words before it sets them, and complains.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "runtime/internal.h"

static uint32_t number(const char *name, uint32_t otherwise, uint32_t limit)
{
    const char *text = getenv(name);
    if (text == NULL || *text < '0' || *text > '9') {
        return otherwise;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value == 0) {
        return otherwise;
    }
    return value > limit ? limit : (uint32_t)value;
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
    config->instrument_max = number("TARE_TIMERS", INSTRUMENT_MAX_DEFAULT, INSTRUMENT_MAX_LIMIT);
    config->block_max = number("TARE_THREADS", BLOCK_MAX_DEFAULT, BLOCK_MAX_LIMIT);
    config->report = text_of("TARE_REPORT");
    config->page = text_of("TARE_PAGE");
    config->enable = text_of("TARE_ENABLE");
    if (config->enable == NULL && (config->report != NULL || config->page != NULL)) {
        config->enable = "*";
    }
}
