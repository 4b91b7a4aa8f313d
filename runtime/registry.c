/* SPDX-License-Identifier: MIT */
/*
 * Which instruments there are, and which of them are enabled. Objects enrol their timers when they are loaded,
 * and withdraw them when they are unloaded; the directory in the page only grows, so what a library counted
 * stays after dlclose, and the same name gets the same slot when it comes back.
 *
 * A small hash table (open addressing, in memory of its own) finds a name; rules remember what was asked for by
 * pattern, for timers that come later.
 */
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/internal.h"

#define INDEX_NONE UINT32_MAX       /* not in the directory */
#define INDEX_LOST (UINT32_MAX - 1) /* in a timer: there was no room for it */

enum {
    RULES_BYTES = 16384,
};

const unsigned char tare__never = 0;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t *table; /* entry index + 1; 0: free */
static uint32_t table_mask;

/* Rules, in the order given: '+' or '-', then the pattern, then NUL. The last one that matches decides. */
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

/* "module::name" into a buffer that holds the longest of both. */
enum { FULL_NAME = 2 * NAME_MAX_BYTES + 3 };
static void full_name(char out[FULL_NAME], const char *module, const char *name)
{
    size_t m = strlen(module), n = strlen(name);
    memcpy(out, module, m);
    memcpy(out + m, "::", 2);
    memcpy(out + m + 2, name, n + 1);
}

/* FNV-1a, 32 bits (Fowler, Noll, Vo): short strings, and nobody chooses them to collide. */
static uint32_t hash(const char *module, const char *name)
{
    uint32_t h = 2166136261u;
    for (const char *p = module; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 16777619u;
    }
    h = (h ^ 0xffu) * 16777619u;
    for (const char *p = name; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 16777619u;
    }
    return h;
}

/* Returns the entry's index, or INDEX_NONE and in *place where it belongs. */
static uint32_t find(const char *module, const char *name, uint32_t *place)
{
    uint32_t at = hash(module, name) & table_mask;
    while (table[at] != 0) {
        const struct tare_entry *entry = &tare__rt.entries[table[at] - 1];
        if (strcmp(entry_module(entry), module) == 0 && strcmp(entry_name(entry), name) == 0) {
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

static void cut(char out[NAME_MAX_BYTES + 1], const char *text)
{
    size_t length = cut_length(text, NAME_MAX_BYTES);
    memcpy(out, text, length);
    out[length] = '\0';
}

static bool rules_enable(const char *name)
{
    bool enabled = false;
    for (size_t at = 0; at < rules_used; at += strlen(rules + at) + 1) {
        if (fnmatch(rules + at + 1, name, 0) == 0) {
            enabled = rules[at] == '+';
        }
    }
    return enabled;
}

/* Adds a directory entry; INDEX_LOST without room. */
static uint32_t add_entry(const tare_timer *timer, const char *module, const char *name, uint32_t place)
{
    struct tare_page *page = tare__rt.page;
    uint32_t index = page->instrument_count;
    if (index >= page->instrument_max) {
        return INDEX_LOST;
    }
    uint64_t used = page->strings_used;
    struct tare_entry *entry = &tare__rt.entries[index];
    uint32_t module_string = 0;
    if (index > 0 && strcmp(entry_module(entry - 1), module) == 0) {
        module_string = entry[-1].module_string; /* most timers come in groups */
    } else {
        module_string = put_string(module, NAME_MAX_BYTES);
    }
    uint32_t name_string = put_string(name, NAME_MAX_BYTES);
    uint32_t file_string = put_string(timer->file, NAME_MAX_BYTES * 4);
    if (module_string == 0 || name_string == 0 || file_string == 0) {
        store_relaxed(&page->strings_used, used);
        return INDEX_LOST;
    }
    *entry = (struct tare_entry){
        .kind = timer->kind,
        .module_string = module_string,
        .name_string = name_string,
        .file_string = file_string,
        .line = timer->line,
    };
    char full[FULL_NAME];
    full_name(full, module, name);
    struct tare_control *control = &tare__rt.controls[index];
    store_relaxed(&control->generation, 1);
    store_relaxed(&control->enabled, rules_enable(full));
    table[place] = index + 1;
    store_release(&page->instrument_count, index + 1); /* pairs with the readers' acquire */
    return index;
}

static void enroll_timer(tare_timer *timer)
{
    if (timer == NULL || timer->abi != TARE_ABI || timer->enabled != &tare__never ||
        timer->index == INDEX_LOST) {
        return; /* padding, another version's, or a second constructor of the same object */
    }
    char module[NAME_MAX_BYTES + 1], name[NAME_MAX_BYTES + 1];
    if (timer->module->name != NULL) {
        cut(module, timer->module->name);
    } else {
        stem(module, timer->file);
    }
    cut(name, timer->name);
    uint32_t place = 0;
    uint32_t index = find(module, name, &place);
    if (index == INDEX_NONE) {
        index = add_entry(timer, module, name, place);
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

static bool is_before(const tare_timer *a, const tare_timer *b)
{
    int order = a == NULL || b == NULL ? 0 : strcmp(a->file, b->file);
    return a != NULL && b != NULL && (order < 0 || (order == 0 && a->line < b->line));
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

void tare__enroll(tare_timer **first, tare_timer **end)
{
    tare__init();
    if (tare__rt.page == NULL) {
        return;
    }
    tare__registry_lock();
    sort_timers(first, (size_t)(end - first));
    for (tare_timer **timer = first; timer < end; timer++) {
        enroll_timer(*timer);
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
        /* Another thread may have seen it enabled and be about to begin a scope: that goes where nobody looks. */
        store_release((const volatile unsigned char **)&(*timer)->enabled, &nobodys->enabled);
    }
    tare__registry_unlock();
}

/* Whether one of the comma-separated patterns matches. */
static bool matches(const char *globs, const char *name)
{
    char pattern[FULL_NAME];
    for (const char *p = globs; *p != '\0';) {
        size_t length = strcspn(p, ",");
        if (length > 0 && length < sizeof(pattern)) {
            memcpy(pattern, p, length);
            pattern[length] = '\0';
            if (fnmatch(pattern, name, 0) == 0) {
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
    char full[FULL_NAME];
    full_name(full, module, name);
    return matches(globs, full);
}

/* Takes out the rule with this pattern, if there is one: another with it comes, and decides. */
static void forget(const char *pattern, size_t length)
{
    for (size_t at = 0; at < rules_used; at += strlen(rules + at) + 1) {
        if (strlen(rules + at + 1) == length && memcmp(rules + at + 1, pattern, length) == 0) {
            memmove(rules + at, rules + at + length + 2, rules_used - at - (length + 2));
            rules_used -= length + 2;
            return;
        }
    }
}

/*
 * Remembers the patterns for timers to come. `*` makes all earlier rules idle, so they go; so does an earlier
 * rule with the same pattern, lest a program that switches back and forth fills the memory. All of them, or
 * -ENOSPC and none.
 */
static int remember(const char *globs, char sign)
{
    static char before[RULES_BYTES];
    size_t used_before = rules_used;
    memcpy(before, rules, rules_used);
    for (const char *p = globs; *p != '\0';) {
        size_t length = strcspn(p, ",");
        if (length == 1 && *p == '*') {
            rules_used = 0;
        }
        if (length > 0) {
            forget(p, length);
            if (rules_used + length + 2 > sizeof(rules)) {
                memcpy(rules, before, used_before);
                rules_used = used_before;
                return -ENOSPC;
            }
            rules[rules_used] = sign;
            memcpy(rules + rules_used + 1, p, length);
            rules[rules_used + 1 + length] = '\0';
            rules_used += length + 2;
        }
        p += length;
        p += *p == ',';
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
    if (what == ENABLE_ONLY) {
        remember("*", '-');
    }
    int error = what == RESET ? 0 : remember(globs, what == DISABLE ? '-' : '+');
    for (uint32_t i = 0; error == 0 && i < tare__rt.page->instrument_count; i++) {
        const struct tare_entry *entry = &tare__rt.entries[i];
        bool match = tare__name_matches(globs, entry_module(entry), entry_name(entry));
        struct tare_control *control = &tare__rt.controls[i];
        count += match;
        if (what == RESET && match) {
            tare__control_reset(control);
        } else if (what == ENABLE_ONLY || (what != RESET && match)) {
            store_relaxed(&control->enabled, match && what != DISABLE);
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
    return config->enable != NULL ? remember(config->enable, '+') : 0;
}
