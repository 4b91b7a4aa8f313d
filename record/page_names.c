/* SPDX-License-Identifier: MIT */
/*
 * Strings and directory of a page. Both only grow, and what is there does not change (but for `objects` of an
 * entry, which is read elsewhere), so they are read anew only when something has come in addition.
 *
 * A string that lies outside of the strings, or more names than there can be, is damage, and gives an error.
 * Labels are brought into one form, and names of states and parts are made different, as the runtime does: what is
 * no list of labels is one label.
 */
#include "record/page_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/labels.h"

enum {
    COMMAND_LIMIT = 4096,
    TEXT_LIMIT = 4096, /* of what is gone through at each reading, so that a page cannot make that long */
};

/* The string at `offset`, or NULL: outside, or without a beginning or an end. */
static const char *string_at(const struct tare__page_names *names, uint32_t offset)
{
    if (offset >= names->string_end) {
        return NULL;
    }
    const char *string = names->strings + offset;
    return ((unsigned char)string[0] & 0xc0) == 0x80 ? NULL : string; /* the rest of a character */
}

/* The same, where 0 is none, even if there are no strings. */
static const char *optional_string_at(const struct tare__page_names *names, uint32_t offset)
{
    return offset == 0 ? "" : string_at(names, offset);
}

static int strings_read(struct tare__page_file *file, struct tare__page_names *names)
{
    const struct tare_page *h = &names->header;
    size_t used = (size_t)h->strings_used;
    names->strings = malloc(used + 1);
    if (names->strings == NULL) {
        return tare__page_fail_memory(file);
    }
    int error = tare__page_copy(file, h->strings_offset, names->strings, used);
    if (error != 0) {
        return error;
    }
    names->strings[used] = '\0';
    tare__make_printable(names->strings, used);
    const char *last = memrchr(names->strings, '\0', used);
    names->string_end = last != NULL ? (size_t)(last - names->strings) + 1 : 0;

    names->executable = used == 0 && h->executable_string == 0 ? "" : string_at(names, h->executable_string);
    if (names->executable == NULL) {
        return tare__page_fail(file, -EINVAL,
                               "page is damaged: its executable's name is outside of its strings");
    }
    if (h->command_size > COMMAND_LIMIT || h->command_string > used ||
        h->command_size > used - h->command_string) {
        return tare__page_fail(file, -EINVAL, "page is damaged: its command line is outside of its strings");
    }
    names->command = calloc(1, (size_t)h->command_size + 1); /* ends with NUL, whatever the page says */
    if (names->command == NULL) {
        return tare__page_fail_memory(file);
    }
    memcpy(names->command, names->strings + h->command_string, h->command_size);
    tare__make_printable(names->command, h->command_size); /* once more: it may be cut within a character */
    return 0;
}

static bool is_known(const struct tare_entry *entry)
{
    return entry->kind >= TARE_KIND_TIMER && entry->kind <= TARE_KIND_FRAMES;
}

static uint32_t most_names(const struct tare_entry *entry)
{
    return entry->kind == TARE_KIND_STATE    ? TARE_STATES_MAX
           : entry->kind == TARE_KIND_FRAMES ? TARE_FRAME_PARTS_MAX
                                             : 0;
}

static uint32_t size_of(const struct tare_entry *entry)
{
    uint32_t most = entry->kind == TARE_KIND_TOPK     ? TARE_TOPK_MAX
                    : entry->kind == TARE_KIND_FRAMES ? TARE_FRAMES_MAX
                                                      : 0;
    return entry->size < most ? entry->size : most;
}

/* A text that the page does not have, for as long as the names; NULL without memory. */
static const char *text_keep(struct tare__page_names *names, const char *text)
{
    size_t size = strlen(text) + 1;
    struct tare__page_labels *made = malloc(sizeof(*made) + size);
    if (made == NULL) {
        return NULL;
    }
    made->next = names->labels;
    names->labels = made;
    return memcpy(made->text, text, size);
}

/* A state's or part's name: `name`, unless that is empty, or one before it has it; NULL without memory. */
static const char *name_of(struct tare__page_names *names, const char *name, const char *const *before,
                           uint32_t count)
{
    bool fine = *name != '\0';
    for (uint32_t i = 0; i < count && fine; i++) {
        fine = strcmp(name, before[i]) != 0;
    }
    char distinct[TARE__NAME_BYTES + 1];
    if (fine) {
        return name;
    }
    tare__name_distinct(distinct, name, before, count);
    return text_keep(names, distinct);
}

/* The names of states or parts, in a row. */
static int names_fill(struct tare__page_file *file, struct tare__page_names *names,
                      struct tare__page_instrument_names *instrument, const struct tare_entry *entry)
{
    uint32_t most = most_names(entry);
    uint64_t offset = entry->names_string;
    if (most == 0) {
        return 0; /* whatever it says there */
    }
    if (entry->name_count > most) {
        return tare__page_fail(file, -EINVAL, "page is damaged: instrument %u has %u names", instrument->index,
                               entry->name_count);
    }
    instrument->names = names->names + names->name_count;
    for (uint32_t i = 0; i < entry->name_count; i++) {
        const char *name = offset <= UINT32_MAX ? string_at(names, (uint32_t)offset) : NULL;
        size_t length = name != NULL ? strnlen(name, TEXT_LIMIT) : TEXT_LIMIT;
        if (length == TEXT_LIMIT) {
            return tare__page_fail(file, -EINVAL,
                                   "page is damaged: instrument %u has a name outside of its strings",
                                   instrument->index);
        }
        offset += length + 1;
        name = name_of(names, name, instrument->names, i);
        if (name == NULL) {
            return tare__page_fail_memory(file);
        }
        names->names[names->name_count++] = name;
    }
    instrument->name_count = entry->name_count;
    return 0;
}

/* The labels as everybody shows them: `text` itself if it is so; NULL without memory. */
static const char *labels_of(struct tare__page_names *names, const char *text)
{
    char normal[TARE__LABELS_BYTES + 1];
    if (*text == '\0') {
        return text;
    }
    tare__labels_normal(normal, text, strnlen(text, TEXT_LIMIT), false);
    if (strcmp(normal, text) == 0) {
        return text;
    }
    return text_keep(names, normal);
}

static int instrument_fill(struct tare__page_file *file, struct tare__page_names *names, uint32_t index,
                           const struct tare_entry *entry)
{
    const char *module = string_at(names, entry->module_string);
    const char *name = string_at(names, entry->name_string);
    const char *source = string_at(names, entry->file_string);
    const char *unit = optional_string_at(names, entry->unit_string);
    const char *labels = optional_string_at(names, entry->labels_string);
    const char *help = optional_string_at(names, entry->help_string);
    bool timer = entry->kind == TARE_KIND_TIMER; /* the other strings are not looked at */
    if (module == NULL || name == NULL || source == NULL ||
        (!timer && (unit == NULL || labels == NULL || help == NULL))) {
        return tare__page_fail(file, -EINVAL,
                               "page is damaged: instrument %u has a name outside of its strings", index);
    }
    names->places[index].kind = entry->kind;
    if (timer) {
        names->places[index].index = (uint32_t)names->timer_count;
        names->timers[names->timer_count++] = (struct tare_page_timer){
            .module = module,
            .name = name,
            .file = source,
            .line = entry->line,
            .kind = entry->kind,
            .index = index,
            .sums.min_ticks = UINT64_MAX,
        };
        return 0;
    }
    labels = labels_of(names, labels);
    if (labels == NULL) {
        return tare__page_fail_memory(file);
    }
    names->places[index].index = (uint32_t)names->instrument_count;
    struct tare__page_instrument_names *instrument = &names->instruments[names->instrument_count++];
    *instrument = (struct tare__page_instrument_names){
        .kind = entry->kind,
        .index = index,
        .module = module,
        .name = name,
        .file = source,
        .line = entry->line,
        .unit = unit,
        .labels = labels,
        .help = help,
        .size = size_of(entry),
    };
    return names_fill(file, names, instrument, entry);
}

static int directory_read(struct tare__page_file *file, struct tare__page_names *names)
{
    const struct tare_page *h = &names->header;
    uint32_t count = h->instrument_count;
    size_t timers = 0, instruments = 0, all_names = 0;
    struct tare_entry *entries = malloc(count * sizeof(*entries) + 1);
    if (entries == NULL) {
        return tare__page_fail_memory(file);
    }
    int error =
        tare__page_records(file, h->directory_offset, h->entry_stride, count, sizeof(*entries), entries);
    if (error != 0) {
        goto out;
    }
    for (uint32_t i = 0; i < count; i++) {
        timers += entries[i].kind == TARE_KIND_TIMER;
        instruments += is_known(&entries[i]) && entries[i].kind != TARE_KIND_TIMER;
        all_names += most_names(&entries[i]);
    }
    names->places = calloc(count + (size_t)1, sizeof(*names->places));
    names->timers = calloc(timers + 1, sizeof(*names->timers));
    names->instruments = calloc(instruments + 1, sizeof(*names->instruments));
    names->names = calloc(all_names + 1, sizeof(*names->names));
    if (names->places == NULL || names->timers == NULL || names->instruments == NULL || names->names == NULL) {
        error = tare__page_fail_memory(file);
        goto out;
    }
    for (uint32_t i = 0; i < count && error == 0; i++) {
        if (is_known(&entries[i])) {
            error = instrument_fill(file, names, i, &entries[i]);
        }
    }
out:
    free(entries);
    return error;
}

int tare__page_names_read(struct tare__page_file *file, const struct tare_page *header,
                          struct tare__page_names **result)
{
    struct tare__page_names *names = calloc(1, sizeof(*names));
    *result = NULL;
    if (names == NULL) {
        return tare__page_fail_memory(file);
    }
    names->references = 1;
    names->header = *header;
    int error = strings_read(file, names);
    if (error == 0) {
        error = directory_read(file, names);
    }
    if (error != 0) {
        tare__page_names_release(names);
        return error;
    }
    *result = names;
    return 0;
}

/*
 * Of the header, all that comes before the counts (but for the state), and the identity: a set's memory may be
 * given to another page, and then the directory is another.
 */
bool tare__page_names_current(const struct tare__page_names *names, const struct tare_page *header)
{
    const struct tare_page *old = &names->header;
    enum {
        STATE_END = offsetof(struct tare_page, control_offset),
        IDENTITY = offsetof(struct tare_page, pid),
    };
    return old->instrument_count == header->instrument_count && old->strings_used == header->strings_used &&
           memcmp(old, header, offsetof(struct tare_page, state)) == 0 &&
           memcmp((const char *)old + STATE_END, (const char *)header + STATE_END,
                  offsetof(struct tare_page, instrument_count) - STATE_END) == 0 &&
           memcmp((const char *)old + IDENTITY, (const char *)header + IDENTITY,
                  offsetof(struct tare_page, clock) - IDENTITY) == 0 &&
           memcmp(&old->first, &header->first, sizeof(old->first)) == 0;
}

void tare__page_names_release(struct tare__page_names *names)
{
    if (names == NULL || --names->references > 0) {
        return;
    }
    for (struct tare__page_labels *made = names->labels, *next; made != NULL; made = next) {
        next = made->next;
        free(made);
    }
    free(names->strings);
    free(names->command);
    free(names->names);
    free(names->places);
    free(names->timers);
    free(names->instruments);
    free(names);
}
