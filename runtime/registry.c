/* SPDX-License-Identifier: MIT */
/*
 * Which instruments there are, and which of them are enabled. Objects enrol their instruments when they are
 * loaded, and withdraw them when they are unloaded; the directory in the page only grows, so what a library
 * counted stays after dlclose, and the same one gets the same slot when it comes back.
 *
 * A small hash table (open addressing, in memory of its own) finds an instrument by kind, module, name and
 * labels; rules remember what was asked for by pattern, for those that come later.
 */
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include <tare/set.h>

#include "runtime/internal.h"
#include "runtime/labels.h"

#define INDEX_NONE UINT32_MAX       /* not in the directory */
#define INDEX_LOST (UINT32_MAX - 1) /* in a timer: there was no room for it */

enum {
    RULES_BYTES = 16384,
    TEXT_MAX_BYTES = 4 * NAME_MAX_BYTES, /* of a file's name, labels, help */
};
_Static_assert((int)TARE__LABELS_BYTES == (int)TEXT_MAX_BYTES, "labels are texts like others");
_Static_assert((int)TARE__NAME_BYTES == (int)NAME_MAX_BYTES && TARE_STATES_MAX >= TARE_FRAME_PARTS_MAX,
               "names of states and parts are names like others");

const unsigned char tare__never = 0;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t *table; /* entry index + 1; 0: free */
static uint32_t table_mask;

/*
 * Rules, in the order given: '+' or '-' ('!': for timers only), then the pattern, then NUL. The last one that
 * matches decides.
 */
static char rules[RULES_BYTES];
static size_t rules_used;

static sigset_t mask_before; /* of the thread that holds the lock */

/* Signals wait while the lock is held: a handler may fork, exit or load a library, and so come here again. */
HIDDEN void tare__registry_lock(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&lock);
    mask_before = before;
}

HIDDEN void tare__registry_unlock(void)
{
    sigset_t before = mask_before;
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static const char *entry_module(const struct tare_entry *entry)
{
    return tare__rt.strings + entry->module_string;
}

static const char *entry_name(const struct tare_entry *entry)
{
    return tare__rt.strings + entry->name_string;
}

/* A name as patterns see it, in buffers that hold the longest module and name. */
enum { FULL_NAME = 2 * NAME_MAX_BYTES + 3 };
struct full_name {
    char colons[FULL_NAME]; /* "module::name" */
    char dotted[FULL_NAME]; /* "module.name" */
};

static struct full_name full_name(const char *module, const char *name)
{
    struct full_name full;
    size_t m = strlen(module), n = strlen(name);
    memcpy(full.colons, module, m);
    memcpy(full.colons + m, "::", 2);
    memcpy(full.colons + m + 2, name, n + 1);
    memcpy(full.dotted, module, m);
    full.dotted[m] = '.';
    memcpy(full.dotted + m + 1, name, n + 1);
    return full;
}

static bool matches_one(const char *pattern, const struct full_name *full)
{
    return fnmatch(pattern, full->colons, 0) == 0 || fnmatch(pattern, full->dotted, 0) == 0;
}

/* What makes an instrument the one it is; texts are cut to what the directory holds, labels in their one form. */
struct identity {
    uint32_t kind;
    char module[NAME_MAX_BYTES + 1];
    char name[NAME_MAX_BYTES + 1];
    char labels[TEXT_MAX_BYTES + 1];
};

/* FNV-1a, 32 bits (Fowler, Noll, Vo): short strings, and nobody chooses them to collide. */
static uint32_t hash_text(uint32_t h, const char *text)
{
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 16777619u;
    }
    return (h ^ 0xffu) * 16777619u;
}

static uint32_t hash(const struct identity *id)
{
    return hash_text(hash_text(hash_text(2166136261u ^ id->kind, id->module), id->name), id->labels);
}

/* Returns the entry's index, or INDEX_NONE and in *place where it belongs. */
static uint32_t find(const struct identity *id, uint32_t *place)
{
    uint32_t at = hash(id) & table_mask;
    while (table[at] != 0) {
        const struct tare_entry *entry = &tare__rt.entries[table[at] - 1];
        if (entry->kind == id->kind && strcmp(entry_module(entry), id->module) == 0 &&
            strcmp(entry_name(entry), id->name) == 0 &&
            strcmp(tare__rt.strings + entry->labels_string, id->labels) == 0) {
            return table[at] - 1;
        }
        at = (at + 1) & table_mask;
    }
    *place = at;
    return INDEX_NONE;
}

/* How much of a text fits into `max` bytes, without cutting within a UTF-8 sequence. */
static size_t cut_length(const char *text, size_t max)
{
    size_t length = strnlen(text, max + 1);
    if (length > max) {
        length = max;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return length;
}

/* Copies at most `max` bytes; a name that is cut is not cut within a UTF-8 sequence. */
static uint32_t put_string(const char *text, size_t max)
{
    struct tare_page *page = tare__rt.page;
    size_t length = cut_length(text, max);
    if (page->strings_used + length + 1 > page->strings_size) {
        return 0;
    }
    uint32_t offset = (uint32_t)page->strings_used;
    memcpy(tare__rt.strings + offset, text, length);
    tare__rt.strings[offset + length] = '\0';
    store_relaxed(&page->strings_used, page->strings_used + length + 1);
    return offset;
}

/* The same for one that its neighbour in the directory may have already: most come in groups. */
static uint32_t put_shared(const char *text, size_t max, uint32_t neighbours)
{
    const char *other = tare__rt.strings + neighbours;
    size_t length = cut_length(text, max);
    if (neighbours != 0 && strncmp(other, text, length) == 0 && other[length] == '\0') {
        return neighbours;
    }
    return put_string(text, max);
}

/*
 * The name that a file without TARE_MODULE gives its timers: the last part of its path, without what follows
 * the last dot.
 */
static void stem(char out[NAME_MAX_BYTES + 1], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t length = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    if (length > NAME_MAX_BYTES) {
        length = NAME_MAX_BYTES;
    }
    memcpy(out, base, length);
    out[length] = '\0';
}

/* `out` has room for `max` bytes and a NUL; NULL is the empty text. */
static void cut(char *out, const char *text, size_t max)
{
    size_t length = text != NULL ? cut_length(text, max) : 0;
    memcpy(out, text != NULL ? text : "", length);
    out[length] = '\0';
}

/* Timers are off, and everything else is on, until a rule says otherwise. */
static bool rules_enable(uint32_t kind, const struct full_name *full)
{
    bool enabled = kind != TARE_KIND_TIMER;
    for (size_t at = 0; at < rules_used; at += strlen(rules + at) + 1) {
        if ((rules[at] != '!' || kind == TARE_KIND_TIMER) && matches_one(rules + at + 1, full)) {
            enabled = rules[at] == '+';
        }
    }
    return enabled;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many names, keys or records of an instrument there is room for, if it asks for so many. */
static uint32_t names_within(const tare_instrument *instrument)
{
    uint32_t kind = instrument->timer.kind;
    return kind == TARE_KIND_STATE    ? least(instrument->name_count, TARE_STATES_MAX)
           : kind == TARE_KIND_FRAMES ? least(instrument->name_count, TARE_FRAME_PARTS_MAX)
                                      : 0;
}

static uint32_t size_within(const tare_instrument *instrument)
{
    uint32_t size = 64;
    switch (instrument->timer.kind) {
    case TARE_KIND_TOPK:
        return instrument->size == 0 ? 1 : least(instrument->size, TARE_TOPK_MAX);
    case TARE_KIND_FRAMES: /* a power of two */
        while (size < instrument->size && size < TARE_FRAMES_MAX) {
            size *= 2;
        }
        return size;
    default:
        return 0;
    }
}

/* What only instruments have that are no timers. False: no room for the texts. */
static bool fill_entry(struct tare_entry *entry, const tare_instrument *instrument, const struct identity *id)
{
    static const struct tare_entry none;
    const struct tare_entry *before = entry != tare__rt.entries ? entry - 1 : &none;
    const char *unit = instrument->unit, *help = instrument->help;
    bool fits = true;
    if (unit != NULL && *unit != '\0') {
        entry->unit_string = put_shared(unit, NAME_MAX_BYTES, before->unit_string);
        fits &= entry->unit_string != 0;
    }
    if (id->labels[0] != '\0') {
        entry->labels_string = put_shared(id->labels, TEXT_MAX_BYTES, before->labels_string);
        fits &= entry->labels_string != 0;
    }
    if (help != NULL && *help != '\0') {
        entry->help_string = put_shared(help, TEXT_MAX_BYTES, before->help_string);
        fits &= entry->help_string != 0;
    }
    entry->name_count = names_within(instrument);
    const char *names[TARE_STATES_MAX];
    for (uint32_t i = 0; i < entry->name_count && fits; i++) { /* one behind the other */
        char name[NAME_MAX_BYTES + 1];
        tare__name_distinct(name, instrument->names[i] != NULL ? instrument->names[i] : "", names, i);
        uint32_t string = put_string(name, NAME_MAX_BYTES);
        names[i] = tare__rt.strings + string;
        entry->names_string = i == 0 ? string : entry->names_string;
        fits = string != 0;
    }
    entry->size = size_within(instrument);
    return fits;
}

/* A state's stays end with their threads: those look for states among these. */
static void note_state(uint32_t index)
{
    if (tare__rt.states_end == 0) {
        store_relaxed(&tare__rt.states_first, index);
    }
    store_release(&tare__rt.states_end, index + 1); /* pairs with tare__states_leave */
}

/* Adds a directory entry; INDEX_LOST without room. */
static uint32_t add_entry(const tare_timer *timer, const struct identity *id, uint32_t place)
{
    struct tare_page *page = tare__rt.page;
    uint32_t index = page->instrument_count;
    if (index >= page->instrument_max) {
        return INDEX_LOST;
    }
    uint64_t used = page->strings_used;
    struct tare_entry *entry = &tare__rt.entries[index];
    *entry = (struct tare_entry){
        .kind = timer->kind,
        .module_string = put_shared(id->module, NAME_MAX_BYTES, index > 0 ? entry[-1].module_string : 0),
        .name_string = put_string(id->name, NAME_MAX_BYTES),
        .file_string = put_shared(timer->file, TEXT_MAX_BYTES, index > 0 ? entry[-1].file_string : 0),
        .line = timer->line,
    };
    if (entry->module_string == 0 || entry->name_string == 0 || entry->file_string == 0 ||
        (timer->kind != TARE_KIND_TIMER &&
         !fill_entry(entry, (const tare_instrument *)(const void *)timer, id))) {
        store_relaxed(&page->strings_used, used);
        *entry = (struct tare_entry){0};
        return INDEX_LOST;
    }
    struct full_name full = full_name(id->module, id->name);
    struct tare_control *control = &tare__rt.controls[index];
    store_relaxed(&control->generation, 1);
    store_relaxed(&control->enabled, rules_enable(timer->kind, &full));
    if (timer->kind == TARE_KIND_STATE) {
        note_state(index);
    }
    table[place] = index + 1;
    store_release(&page->instrument_count, index + 1); /* pairs with the readers' acquire */
    return index;
}

/*
 * What is enabled from the start is counted by the first thread, which may not be allowed any system call then.
 */
static void open_first_block(void)
{
    if (load_relaxed(&tare__rt.open_blocks) == 0 && tare__block_open(0)) {
        store_relaxed(&tare__rt.open_blocks, 1);
    }
}

static struct identity identity_of(const tare_timer *timer)
{
    struct identity id = {.kind = timer->kind};
    if (timer->module->name != NULL) {
        cut(id.module, timer->module->name, NAME_MAX_BYTES);
    } else {
        stem(id.module, timer->file);
    }
    cut(id.name, timer->name, NAME_MAX_BYTES);
    if (timer->kind != TARE_KIND_TIMER) {
        const char *labels = ((const tare_instrument *)(const void *)timer)->labels;
        if (labels != NULL) {
            tare__labels_normal(id.labels, labels, strlen(labels), true);
        }
    }
    return id;
}

static void enroll_timer(tare_timer *timer)
{
    if (timer == NULL || timer->abi != TARE_ABI || timer->enabled != &tare__never ||
        timer->index == INDEX_LOST || timer->kind < TARE_KIND_TIMER || timer->kind > TARE_KIND_FRAMES) {
        return; /* padding, another version's, or a second constructor of the same object */
    }
    struct identity id = identity_of(timer);
    if (timer->kind != TARE_KIND_TIMER) {
        open_first_block();
    }
    uint32_t place = 0;
    uint32_t index = find(&id, &place);
    if (index == INDEX_NONE) {
        index = add_entry(timer, &id, place);
    }
    timer->index = index;
    if (index == INDEX_LOST) {
        fetch_add_relaxed(&tare__rt.page->lost_instruments, 1);
        return;
    }
    fetch_add_relaxed(&tare__rt.entries[index].objects, 1);
    /* Last: from here on scopes of this timer may begin. */
    store_release((const volatile unsigned char **)&timer->enabled, &tare__rt.controls[index].enabled);
}

/* By file, module and line: what the header of a set declares has lines of another file. */
static bool is_before(const tare_timer *a, const tare_timer *b)
{
    if (a == NULL || b == NULL) {
        return false;
    }
    const char *module_a = a->module->name, *module_b = b->module->name;
    int order = strcmp(a->file, b->file);
    if (order == 0) {
        order = strcmp(module_a != NULL ? module_a : "", module_b != NULL ? module_b : "");
    }
    return order < 0 || (order == 0 && a->line < b->line);
}

/*
 * Into the order of the source, whatever the compiler made of it: gcc lays variables down backwards. Shell's
 * sort.
 */
static void sort_timers(tare_timer **timers, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            tare_timer *timer = timers[i];
            size_t at = i;
            for (; at >= gap && is_before(timer, timers[at - gap]); at -= gap) {
                timers[at] = timers[at - gap];
            }
            timers[at] = timer;
        }
    }
}

/* Whether it waits for tare__late_tell(). */
static bool is_late(const tare_timer *timer)
{
    return timer != NULL && timer->abi == TARE_ABI && timer->kind == TARE_KIND_HISTOGRAM &&
           load_relaxed(&((const tare_instrument *)(const void *)timer)->size) == TARE__LATE;
}

void tare__enroll(tare_timer **first, tare_timer **end)
{
    tare__init();
    if (tare__rt.page == NULL) {
        return;
    }
    tare__registry_lock();
    sort_timers(first, (size_t)(end - first));
    for (tare_timer **timer = first; timer < end; timer++) {
        if (!is_late(*timer)) {
            enroll_timer(*timer);
        }
    }
    tare__registry_unlock();
}

/*
 * The one late instrument that there is, gfx.gpu_ns: each object that includes tare/gfx.h has it, and all of them
 * are one entry. `off` is what the program said last; `paused`, that we switched the entry off for it, and so have
 * to switch it on again: somebody else may have switched it off before.
 */
void tare__late_tell(tare_instrument *histogram, int what)
{
    static bool off, paused;
    tare__init();
    if (tare__rt.page == NULL ||
        (what == TARE__LATE_VALUE &&
         (load_relaxed(&off) || load_relaxed(&histogram->timer.enabled) != &tare__never))) {
        return; /* values come often, and mostly where that is settled */
    }
    tare__registry_lock();
    store_relaxed(&off, what == TARE__LATE_VALUE ? off : what == TARE__LATE_OFF);
    if (!off && (what == TARE__LATE_ON || what == TARE__LATE_VALUE)) {
        enroll_timer(&histogram->timer);
    }
    const struct identity id = identity_of(&histogram->timer);
    uint32_t place = 0, index = find(&id, &place);
    if (index < INDEX_LOST && paused != off) {
        struct tare_control *control = &tare__rt.controls[index];
        if (off ? load_relaxed(&control->enabled) != 0 : paused) {
            control_switch(control, !off);
            paused = off;
        }
    }
    tare__registry_unlock();
}

void tare__withdraw(tare_timer **first, tare_timer **end)
{
    if (tare__rt.page == NULL) {
        return;
    }
    const struct tare_control *nobodys = &tare__rt.controls[tare__rt.page->instrument_max + CALIBRATION_TIMERS];
    tare__registry_lock();
    for (tare_timer **timer = first; timer < end; timer++) {
        if (*timer == NULL || (*timer)->enabled == &tare__never) {
            continue;
        }
        fetch_add_relaxed(&tare__rt.entries[(*timer)->index].objects, UINT32_MAX); /* - 1 */
        /*
         * Another thread may have seen it enabled and be about to begin a scope: that goes where nobody looks.
         */
        store_release((const volatile unsigned char **)&(*timer)->enabled, &nobodys->enabled);
    }
    tare__registry_unlock();
}

/* Whether one of the comma-separated patterns matches. */
static bool matches(const char *globs, const struct full_name *full)
{
    char pattern[FULL_NAME];
    for (const char *p = globs; *p != '\0';) {
        size_t length = strcspn(p, ",");
        if (length > 0 && length < sizeof(pattern)) {
            memcpy(pattern, p, length);
            pattern[length] = '\0';
            if (matches_one(pattern, full)) {
                return true;
            }
        }
        p += length;
        p += *p == ',';
    }
    return false;
}

HIDDEN bool tare__name_matches(const char *globs, const char *module, const char *name)
{
    struct full_name full = full_name(module, name);
    return matches(globs, &full);
}

/* Takes out the rule that begins there. */
static void forget_at(size_t at)
{
    size_t size = strlen(rules + at) + 1;
    memmove(rules + at, rules + at + size, rules_used - at - size);
    rules_used -= size;
}

/* The same for the rule with this pattern, if there is one: another with it comes, and decides. */
static void forget(const char *pattern, size_t length)
{
    for (size_t at = 0; at < rules_used; at += strlen(rules + at) + 1) {
        if (strlen(rules + at + 1) == length && memcmp(rules + at + 1, pattern, length) == 0) {
            forget_at(at);
            return;
        }
    }
}

/*
 * No timers but those that rules to come name. For everything else, what was asked for so far still holds: of
 * that, what enables is idle without an earlier rule that disables, and goes. True if there was room.
 */
static bool forget_timers(void)
{
    bool disabled = false;
    for (size_t at = 0; at < rules_used;) {
        disabled |= rules[at] == '-';
        if (rules[at] == '!' || !disabled) {
            forget_at(at);
        } else {
            at += strlen(rules + at) + 1;
        }
    }
    if (rules_used + sizeof("!*") > sizeof(rules)) {
        return false;
    }
    memcpy(rules + rules_used, "!*", sizeof("!*"));
    rules_used += sizeof("!*");
    return true;
}

/*
 * Remembers the patterns for instruments to come. `*` makes all earlier rules idle, so they go; so does an
 * earlier rule with the same pattern, lest a program that switches back and forth fills the memory. `only`: no
 * other timers. All of them, or -ENOSPC and none.
 */
static int remember(const char *globs, char sign, bool only)
{
    static char before[RULES_BYTES];
    size_t used_before = rules_used;
    memcpy(before, rules, rules_used);
    bool fits = !only || forget_timers();
    for (const char *p = globs; *p != '\0' && fits;) {
        size_t length = strcspn(p, ",");
        if (length == 1 && *p == '*') {
            rules_used = 0;
        }
        if (length > 0) {
            forget(p, length);
            if (rules_used + length + 2 > sizeof(rules)) {
                fits = false;
                break;
            }
            rules[rules_used] = sign;
            memcpy(rules + rules_used + 1, p, length);
            rules[rules_used + 1 + length] = '\0';
            rules_used += length + 2;
        }
        p += length;
        p += *p == ',';
    }
    if (!fits) {
        memcpy(rules, before, used_before);
        rules_used = used_before;
        return -ENOSPC;
    }
    return 0;
}

enum change { ENABLE, DISABLE, ENABLE_ONLY, RESET };

static int change(const char *globs, enum change what)
{
    if (globs == NULL || *globs == '\0') {
        return -EINVAL;
    }
    tare__init(); /* a program without timers of its own may ask for those of libraries to come */
    if (tare__rt.page == NULL) {
        return -ENODEV;
    }
    tare__registry_lock();
    int count = 0;
    int error = what == RESET ? 0 : remember(globs, what == DISABLE ? '-' : '+', what == ENABLE_ONLY);
    for (uint32_t i = 0; error == 0 && i < tare__rt.page->instrument_count; i++) {
        const struct tare_entry *entry = &tare__rt.entries[i];
        bool match = tare__name_matches(globs, entry_module(entry), entry_name(entry));
        struct tare_control *control = &tare__rt.controls[i];
        count += match;
        if (what == RESET && match) {
            tare__control_reset(control);
        } else if ((what == ENABLE_ONLY && entry->kind == TARE_KIND_TIMER) || (what != RESET && match)) {
            control_switch(control, match && what != DISABLE);
        }
    }
    tare__registry_unlock();
    return error != 0 ? error : count;
}

int tare_enable(const char *globs)
{
    return change(globs, ENABLE);
}

int tare_disable(const char *globs)
{
    return change(globs, DISABLE);
}

int tare_enable_only(const char *globs)
{
    return change(globs, ENABLE_ONLY);
}

int tare_reset(const char *globs)
{
    return change(globs, RESET);
}

HIDDEN int tare__registry_init(const struct config *config)
{
    uint32_t size = 64;
    while (size < 2 * tare__rt.page->instrument_max) {
        size *= 2;
    }
    void *memory =
        mmap(NULL, size * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return -ENOMEM;
    }
    table = memory;
    table_mask = size - 1;
    return config->enable != NULL ? remember(config->enable, '+', false) : 0;
}
