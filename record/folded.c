/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks, as flame graph scripts exchange them: on each line the names of a stack, the outermost first,
 * separated by semicolons, then a blank and how often it was seen. The marks that such scripts put behind names are
 * understood: "_[k]" of the kernel, "_[i]" inlined, "_[j]" made by the process itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/profiling.h"
#include "record/text_lines.h"

/* Why a line is left out. How deep a stack is has no bound of its own but the line's. */
enum reason {
    NOT_A_STACK,
    NUMBER_TOO_LARGE,
    SUM_TOO_LARGE,
    STACK_TOO_DEEP,
    NAME_TOO_LONG,
    HAS_NUL,
    REASONS,
    FINE = REASONS,
};

enum { DEEP = 512 }; /* names in front of where a line was cut: its stack, not one of its names, is too long */

struct folded {
    struct tare_profile *profile;
    uint32_t kernel, jit; /* objects; TARE_PROFILE_NONE: not needed so far */
    uint64_t sum;
    uint64_t left_out[REASONS], first[REASONS]; /* lines, and the number of the first of them */
    enum reason first_reason;
};

/* "_[x]" at its end, which is cut off; '\0': there is none. */
static char take_mark(char *name)
{
    size_t length = strlen(name);
    if (length <= 4 || name[length - 4] != '_' || name[length - 3] != '[' || name[length - 1] != ']' ||
        strchr("kij", name[length - 2]) == NULL) {
        return '\0';
    }
    char mark = name[length - 2];
    name[length - 4] = '\0';
    return mark;
}

static bool get_object(struct folded *folded, uint32_t *number, const char *path,
                       enum tare_profile_object_kind kind)
{
    if (*number == TARE_PROFILE_NONE) {
        *number = tare_profile_object(folded->profile, path, NULL, kind);
    }
    return *number != TARE_PROFILE_NONE;
}

/* The number of the name's frame, or TARE_PROFILE_NONE without memory. */
static uint32_t get_frame(struct folded *folded, char *name)
{
    char mark = take_mark(name);
    struct tare_profile_frame frame = {.function = name, .object = TARE_PROFILE_NONE};
    if (strcmp(name, "[unknown]") == 0 || name[0] == '\0') {
        frame.function = NULL;
    }
    frame.kernel = mark == 'k';
    frame.inlined = mark == 'i';
    if ((mark == 'k' && !get_object(folded, &folded->kernel, "[kernel]", TARE_OBJECT_KERNEL)) ||
        (mark == 'j' && !get_object(folded, &folded->jit, "[jit]", TARE_OBJECT_JIT))) {
        return TARE_PROFILE_NONE;
    }
    frame.object = mark == 'k' ? folded->kernel : mark == 'j' ? folded->jit : TARE_PROFILE_NONE;
    return tare_profile_frame(folded->profile, &frame);
}

/* The number at the end of the line, which is cut off there. */
static enum reason take_count(char *line, uint64_t *count)
{
    char *blank = strrchr(line, ' '), *end;
    if (blank == NULL || blank == line || blank[1] < '0' || blank[1] > '9') {
        return NOT_A_STACK;
    }
    errno = 0;
    unsigned long long value = strtoull(blank + 1, &end, 10);
    bool too_large = errno != 0 || value > INT64_MAX;
    if (*end == '.') { /* some tools write times with a part */
        end++;
        end += strspn(end, "0123456789");
    }
    while (*end == '\r') {
        end++;
    }
    if (*end != '\0') {
        return NOT_A_STACK;
    }
    *blank = '\0';
    *count = value;
    return too_large ? NUMBER_TOO_LARGE : FINE;
}

/* A line that is longer than we read, as far as it was read. */
static enum reason why_damaged(const char *line, size_t length)
{
    size_t names = 0;
    if (length < TARE__LINE_MAX) {
        return HAS_NUL;
    }
    for (const char *p = line; (p = strchr(p, ';')) != NULL; p++) {
        names++;
    }
    return names >= DEEP ? STACK_TOO_DEEP : NAME_TOO_LONG;
}

/* Returns 0, also for a line that is left out, or -ENOMEM. */
static int take_line(struct folded *folded, char *line, enum reason *reason)
{
    struct tare_profile_sample sample = {.time_ns = __builtin_nan(""),
                                         .node = TARE_PROFILE_NONE,
                                         .thread = TARE_PROFILE_NONE,
                                         .timer = TARE_PROFILE_NONE};
    *reason = take_count(line, &sample.weight);
    if (*reason == FINE && sample.weight > (uint64_t)INT64_MAX - folded->sum) {
        *reason = SUM_TOO_LARGE;
    }
    if (*reason != FINE || sample.weight == 0) {
        return 0;
    }
    char *rest = line;
    for (char *name; (name = strsep(&rest, ";")) != NULL;) {
        uint32_t frame = get_frame(folded, name);
        sample.node = frame != TARE_PROFILE_NONE ? tare_profile_node(folded->profile, sample.node, frame)
                                                 : TARE_PROFILE_NONE;
        if (sample.node == TARE_PROFILE_NONE) {
            return -ENOMEM;
        }
    }
    folded->sum += sample.weight;
    return tare_profile_add(folded->profile, &sample);
}

static void leave_out(struct folded *folded, enum reason reason, uint64_t line)
{
    folded->first_reason = folded->first_reason == FINE ? reason : folded->first_reason;
    folded->first[reason] = folded->left_out[reason]++ == 0 ? line : folded->first[reason];
}

/* There was nothing but such lines: what is wrong with the first of them. */
static void say_first(const struct folded *folded, char *message, size_t size)
{
    static const char *const words[REASONS] = {
        [NOT_A_STACK] = "is no folded stack, as 'a;b;c 12' is one",
        [NUMBER_TOO_LARGE] = "has a number that is too large: up to 9223372036854775807 can be read",
        [SUM_TOO_LARGE] = "has a number with which the sum is too large",
        [STACK_TOO_DEEP] = "has a stack that is too deep: up to 65536 bytes of a line can be read",
        [NAME_TOO_LONG] = "has a name that is too long: up to 65536 bytes of a line can be read",
        [HAS_NUL] = "has a byte 0 in it, and is no folded stack",
    };
    _Static_assert(TARE__LINE_MAX == 65536, "as the words say");
    enum reason reason = folded->first_reason;
    if (reason == FINE) {
        snprintf(message, size, "there are no stacks in it");
    } else {
        snprintf(message, size, "line %llu %s", (unsigned long long)folded->first[reason], words[reason]);
    }
}

/* "3 lines are left out: 2 are no stacks (first: line 4), 1 has ...". "": none. */
static void say_left_out(const struct folded *folded, char *message, size_t size)
{
    static const char *const words[REASONS] = {
        [NOT_A_STACK] = "no stack",
        [NUMBER_TOO_LARGE] = "with a number that is too large",
        [SUM_TOO_LARGE] = "with which the sum of the numbers would be too large",
        [STACK_TOO_DEEP] = "with a stack that is too deep",
        [NAME_TOO_LONG] = "with a name that is too long",
        [HAS_NUL] = "with a byte 0",
    };
    uint64_t all = 0;
    message[0] = '\0';
    for (enum reason reason = 0; reason < REASONS; reason++) {
        all += folded->left_out[reason];
    }
    if (all == 0) {
        return;
    }
    int used =
        snprintf(message, size, "%llu line%s left out", (unsigned long long)all, all == 1 ? " is" : "s are");
    const char *between = ": ";
    for (enum reason reason = 0; reason < REASONS; reason++) {
        if (folded->left_out[reason] != 0 && used >= 0 && (size_t)used < size) {
            int more = snprintf(message + used, size - (size_t)used, "%s%llu %s (%sline %llu)", between,
                                (unsigned long long)folded->left_out[reason], words[reason],
                                folded->left_out[reason] > 1 ? "the first: " : "",
                                (unsigned long long)folded->first[reason]);
            used = more >= 0 ? used + more : used;
            between = ", ";
        }
    }
}

static int describe(struct tare_profile *profile)
{
    profile->mode = strdup("folded");
    profile->event = strdup("unknown");
    profile->unit = strdup("samples");
    profile->lost = profile->threads_missed = TARE_PROFILE_UNKNOWN;
    profile->truncated = TARE_PROFILE_UNKNOWN;
    return profile->mode != NULL && profile->event != NULL && profile->unit != NULL ? 0 : -ENOMEM;
}

int tare_folded_read(FILE *in, struct tare_profile **profile, char *message, size_t message_size)
{
    struct folded folded = {.profile = tare_profile_new(),
                            .kernel = TARE_PROFILE_NONE,
                            .jit = TARE_PROFILE_NONE,
                            .first_reason = FINE};
    struct tare__lines lines = {0};
    size_t length;
    message[0] = '\0';
    int error = folded.profile != NULL ? tare__lines_begin(&lines, in) : -ENOMEM;
    for (char *line; error == 0 && (line = tare__lines_next(&lines, &length)) != NULL;) {
        enum reason reason = FINE;
        if (lines.damaged) {
            reason = why_damaged(line, length);
        } else if (length != 0 && line[0] != '#') {
            error = take_line(&folded, line, &reason);
        }
        if (reason != FINE) {
            leave_out(&folded, reason, lines.number);
        }
    }
    error = error != 0 ? error : describe(folded.profile);
    if (error == -ENOMEM) {
        snprintf(message, message_size, "out of memory");
    } else if (ferror(in)) {
        error = -EIO;
        snprintf(message, message_size, "cannot be read: %s", strerror(EIO));
    } else if (folded.profile->sample_count == 0) {
        error = -EBADMSG;
        say_first(&folded, message, message_size);
    } else {
        say_left_out(&folded, message, message_size);
    }
    if (error != 0) {
        tare_profile_free(folded.profile);
        folded.profile = NULL;
    }
    *profile = folded.profile;
    tare__lines_end(&lines);
    return error;
}
