/* SPDX-License-Identifier: MIT */
#include "view/metric_names.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result/utf8.h"

/* ---- text ---- */

void tare__metric_escaped(struct tare__grown *text, const char *string, bool quotes)
{
    while (*string != '\0') {
        uint32_t code_point;
        size_t taken = tare__utf8_decode(string, &code_point);
        if (taken == 0) {
            tare__grow(text, "\xef\xbf\xbd");
            string++;
            continue;
        }
        if (*string == '\n') {
            tare__grow(text, "\\n");
        } else if (*string == '\\' || (*string == '"' && quotes)) {
            tare__grow_bytes(text, "\\", 1);
            tare__grow_bytes(text, string, 1);
        } else {
            tare__grow_bytes(text, string, taken);
        }
        string += taken;
    }
}

/* ---- units ---- */

static const struct {
    const char *from, *to;
    double factor;
    int decimals;
} known_units[] = {
    {"ns", "seconds", 1, 9},
    {"nanoseconds", "seconds", 1, 9},
    {"us", "seconds", 1, 6},
    {"\xc2\xb5s", "seconds", 1, 6}, /* the micro sign */
    {"\xce\xbcs", "seconds", 1, 6}, /* the letter mu */
    {"microseconds", "seconds", 1, 6},
    {"ms", "seconds", 1, 3},
    {"milliseconds", "seconds", 1, 3},
    {"s", "seconds", 1, 0},
    {"sec", "seconds", 1, 0},
    {"second", "seconds", 1, 0},
    {"seconds", "seconds", 1, 0},
    {"minutes", "seconds", 60, 0},
    {"hours", "seconds", 3600, 0},
    {"B", "bytes", 1, 0},
    {"byte", "bytes", 1, 0},
    {"bytes", "bytes", 1, 0},
    {"kB", "bytes", 1e3, 0},
    {"KB", "bytes", 1e3, 0},
    {"KiB", "bytes", 1024, 0},
    {"MB", "bytes", 1e6, 0},
    {"MiB", "bytes", 1048576, 0},
    {"GB", "bytes", 1e9, 0},
    {"GiB", "bytes", 1073741824, 0},
    {"%", "ratio", 1, 2},
    {"percent", "ratio", 1, 2},
    {"ratio", "ratio", 1, 0},
    {"Hz", "hertz", 1, 0},
    {"kHz", "hertz", 1e3, 0},
    {"MHz", "hertz", 1e6, 0},
    {"GHz", "hertz", 1e9, 0},
    {"MIPS", "instructions_per_second", 1e6, 0},
};

/* What samples of some type end in: no unit is called so, or ends so. */
static const char *const reserved_units[] = {"total",  "created", "count", "sum",
                                             "bucket", "info",    "gsum",  "gcount"};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* One unit, without "per". */
static struct tare__unit plain_unit(const char *name, size_t size)
{
    struct tare__unit unit = {.factor = 1};
    for (size_t i = 0; i < sizeof(known_units) / sizeof(known_units[0]); i++) {
        if (strlen(known_units[i].from) == size && memcmp(known_units[i].from, name, size) == 0) {
            snprintf(unit.name, sizeof(unit.name), "%s", known_units[i].to);
            unit.factor = known_units[i].factor;
            unit.decimals = known_units[i].decimals;
            return unit;
        }
    }
    size_t length = 0;
    for (size_t i = 0; i < size && length < 24; i++) {
        bool fits = is_name_char(name[i]);
        if (fits || (length > 0 && unit.name[length - 1] != '_')) {
            unit.name[length++] = fits ? (char)tolower((unsigned char)name[i]) : '_';
        }
    }
    while (length > 0 && unit.name[length - 1] == '_') {
        length--;
    }
    unit.name[length] = '\0';
    for (size_t i = 0; i < sizeof(reserved_units) / sizeof(reserved_units[0]); i++) {
        size_t size_reserved = strlen(reserved_units[i]);
        if (length >= size_reserved && strcmp(unit.name + length - size_reserved, reserved_units[i]) == 0) {
            unit.name[0] = '\0';
        }
    }
    return strcmp(unit.name, "1") == 0 ? (struct tare__unit){.factor = 1} : unit;
}

struct tare__unit tare__metric_unit(const char *name)
{
    if (name == NULL || *name == '\0') {
        return (struct tare__unit){.factor = 1};
    }
    const char *slash = strchr(name, '/');
    if (slash == NULL) {
        return plain_unit(name, strlen(name));
    }
    struct tare__unit above = plain_unit(name, (size_t)(slash - name)),
                      below = plain_unit(slash + 1, strlen(slash + 1));
    struct tare__unit unit = {.factor = above.factor / below.factor,
                              .decimals = above.decimals - below.decimals};
    if (unit.decimals < 0) {
        unit.factor *= pow(10, -unit.decimals);
        unit.decimals = 0;
    }
    size_t size = strlen(below.name);
    if (size > 1 && below.name[size - 1] == 's') { /* per second */
        size--;
    }
    snprintf(unit.name, sizeof(unit.name), "%.24s%s%.*s", above.name, above.name[0] != '\0' ? "_per_" : "per_",
             size < 24 ? (int)size : 24, below.name);
    return below.name[0] != '\0' ? unit : above;
}

double tare__metric_in_unit(const struct tare__unit *unit, double value)
{
    return unit->decimals > 0 ? value * unit->factor / pow(10, unit->decimals) : value * unit->factor;
}

/* ---- names ---- */

static void sanitize(struct tare__grown *text, const char *name)
{
    if (text->size == 0 && *name >= '0' && *name <= '9') {
        tare__grow_bytes(text, "_", 1);
    }
    for (; *name != '\0'; name++) {
        tare__grow_bytes(text, is_name_char(*name) ? name : "_", 1);
    }
}

bool tare__metric_ends(const char *name, const char *word)
{
    size_t size = strlen(name), length = strlen(word);
    return length > 0 && size >= length + 2 && name[size - length - 1] == '_' &&
           strcasecmp(name + size - length, word) == 0;
}

bool tare__metric_cut(char *name, const char *word)
{
    bool there = tare__metric_ends(name, word);
    if (there) {
        name[strlen(name) - strlen(word) - 1] = '\0';
    }
    return there;
}

/* The same, unless of what begins at `first`, the instrument's own name, nothing would be left. */
static bool cut_from(char *name, const char *word, size_t first)
{
    return strlen(name) > first + strlen(word) + 1 && tare__metric_cut(name, word);
}

char *tare__metric_base(const char *module, const char *name, const char *own, const struct tare__unit *unit)
{
    struct tare__grown text = {0}, word = {0}, whole = {0};
    sanitize(&text, module);
    tare__grow(&text, "_");
    const size_t first = text.size; /* where the instrument's own name begins */
    sanitize(&text, name);
    /* As the program spells it: "ns", "ms_per_s"; of "1/s", "per_s". */
    own = own != NULL && strncmp(own, "1/", 2) == 0 ? own + 1 : own;
    for (const char *p = own != NULL ? own : ""; *p != '\0'; p++) {
        tare__grow(&word, *p == '/'          ? (p == own ? "per_" : "_per_")
                          : is_name_char(*p) ? (char[]){*p, '\0'}
                                             : "_");
    }
    char *base = tare__grown_steal(&text), *spelled = tare__grown_steal(&word);
    if (base != NULL && spelled != NULL) {
        while (tare__metric_cut(base, "total")) {
        }
        /* `MODULE.mb` in MB is not `MODULE.mib` in MiB; `MODULE.bytes` needs no word to say so. */
        bool whole_name = strlen(base) >= first && strcmp(base + first, unit->name) == 0;
        if (whole_name) {
            tare__metric_cut(base, unit->name);
        } else if (!cut_from(base, spelled, first)) {
            cut_from(base, unit->name, first);
        }
        const char *rest = base;
        while (strncmp(rest, "app_", 4) == 0) {
            rest += 4;
        }
        /* What is called as ours are, or as that which is called so. */
        tare__grow(&whole, strncmp(rest, "tare_", 5) == 0 ? "app_" : "");
        tare__grow(&whole, base[strspn(base, "_")] != '\0' ? base : "unnamed");
    } else {
        whole.failed = true;
    }
    free(base);
    free(spelled);
    return tare__grown_steal(&whole);
}

static void drop_word(char *name, const char *word)
{
    size_t size = strlen(word);
    for (char *at = name; (at = strcasestr(at, word)) != NULL;) {
        bool begins = at == name || at[-1] == '_', whole = at[size] == '_' || at[size] == '\0';
        if (begins && whole) {
            char *from = at + size + (at[size] == '_');
            memmove(at, from, strlen(from) + 1);
        } else {
            at++;
        }
    }
    for (size_t length = strlen(name); length > 0 && name[length - 1] == '_'; length--) {
        name[length - 1] = '\0';
    }
}

char *tare__metric_derived(const struct tare_derived *derived)
{
    static const struct {
        const char *unit, *words[4];
    } said[] = {
        {"1/s", {"per_s"}},
        {"ms/s", {"ms_per_s"}},
        {"MIPS", {"mips"}},
        {"ns", {"ns"}},
        {"ratio", {"rate", "share", "ratio"}},
        {"bytes", {"bytes"}},
    };
    struct tare__grown text = {0};
    tare__grow(&text, "tare_derived_");
    sanitize(&text, derived->name);
    if (!text.failed && tare__metric_ends(text.data, "fps")) {
        text.size -= strlen("fps"); /* frames per second per second they are not */
        tare__grow(&text, "rate");
    }
    char *name = tare__grown_steal(&text);
    for (size_t i = 0; name != NULL && i < sizeof(said) / sizeof(said[0]); i++) {
        for (size_t k = 0; derived->unit != NULL && strcmp(said[i].unit, derived->unit) == 0 && k < 4; k++) {
            if (said[i].words[k] != NULL) {
                drop_word(name, said[i].words[k]);
            }
        }
    }
    return name;
}

/* Labels that we give ourselves, and those that mean something to readers. */
static const char *const our_labels[] = {"pid",    "process",  "module", "timer",     "instrument",
                                         "state",  "part",     "key",    "what",      "le",
                                         "figure", "quantile", "clock",  "executable"};

static bool is_our_label(const char *name)
{
    for (size_t i = 0; i < sizeof(our_labels) / sizeof(our_labels[0]); i++) {
        if (strcmp(our_labels[i], name) == 0) {
            return true;
        }
    }
    return strncmp(name, "__", 2) == 0;
}

void tare__metric_label(struct tare__grown *text, const char *name, const char *value)
{
    if (value == NULL || *value == '\0') {
        return; /* which means the same as a label without text */
    }
    tare__grow(text, text->size > 0 && text->data[text->size - 1] != '{' ? "," : "");
    tare__grow(text, name);
    tare__grow(text, "=\"");
    tare__metric_escaped(text, value, true);
    tare__grow(text, "\"");
}

/* Whether there seems to be a label of this name in `text`. */
static bool has_label(const struct tare__grown *text, const char *name)
{
    size_t size = strlen(name);
    for (size_t at = 0; !text->failed && at + size + 1 < text->size; at++) {
        bool begins = at == 0 || text->data[at - 1] == ',';
        if (begins && memcmp(text->data + at, name, size) == 0 && text->data[at + size] == '=') {
            return true;
        }
    }
    return false;
}

void tare__metric_labels(struct tare__grown *text, const char *labels)
{
    while (labels != NULL && *labels != '\0') {
        size_t size = strcspn(labels, ","), split = strcspn(labels, "=,");
        char *key = strndup(labels, split);
        char *value = strndup(split < size ? labels + split + 1 : "", split < size ? size - split - 1 : 0);
        struct tare__grown name = {0};
        if (key != NULL && value != NULL) {
            sanitize(&name, *key != '\0' ? key : "label");
            if (!name.failed && is_our_label(name.data)) {
                name.size = 0;
                tare__grow(&name, "label_");
                sanitize(&name, key);
            }
            while (!name.failed && has_label(text, name.data)) {
                tare__grow(&name, "_2");
            }
        }
        if (key == NULL || value == NULL || name.failed) {
            text->failed = true;
        } else {
            tare__metric_label(text, name.data, value);
        }
        free(key);
        free(value);
        free(name.data);
        labels += size + (labels[size] == ',');
    }
}
