/* SPDX-License-Identifier: MIT */
/*
 * Who is called what. Items of one name and type, of whichever process, are one family; names that are given
 * twice nevertheless are found here, and items of a family with the same labels are told apart.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/metrics_parts.h"

const char *const tare__metric_samples[TARE__TYPES][4] = {
    [TARE__TYPE_GAUGE] = {"", NULL},
    [TARE__TYPE_INFO] = {"_info", NULL},
    [TARE__TYPE_SUMMARY] = {"", "_sum", "_count", NULL},
    [TARE__TYPE_HISTOGRAM] = {"_bucket", "_sum", "_count", NULL},
    [TARE__TYPE_COUNTER] = {"_total", NULL},
};

/* What no other family may be called, or call a sample, by OpenMetrics. */
static const char *const type_suffixes[][6] = {
    [TARE__TYPE_GAUGE] = {"", NULL},
    [TARE__TYPE_INFO] = {"", "_info", NULL},
    [TARE__TYPE_SUMMARY] = {"", "_count", "_sum", "_created", NULL},
    [TARE__TYPE_HISTOGRAM] = {"", "_bucket", "_count", "_sum", "_created", NULL},
    [TARE__TYPE_COUNTER] = {"", "_total", "_created", NULL},
};

static int by_family(const void *a, const void *b)
{
    const struct tare__metric_item *one = a, *two = b;
    int order = (int)one->type - (int)two->type;
    order = order != 0 ? order : strcmp(one->name, two->name);
    order = order != 0 ? order : (int)one->what - (int)two->what;
    return order != 0 ? order : (one->order > two->order) - (one->order < two->order);
}

/* As they are shown. */
static int by_name(const void *a, const void *b)
{
    const struct tare__metric_item *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order != 0 ? order : by_family(a, b);
}

static bool same_family(const struct tare__metric_item *one, const struct tare__metric_item *two)
{
    return one->type == two->type && strcmp(one->name, two->name) == 0;
}

size_t tare__metrics_family_end(const struct tare__metrics *m, size_t first)
{
    size_t end = first + 1;
    while (end < m->item_count && same_family(&m->items[first], &m->items[end])) {
        end++;
    }
    return end;
}

static size_t hash(const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (; *name != '\0'; name++) {
        h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
    }
    return (size_t)(h ^ h >> 32);
}

static bool has_name(const struct tare__metric_names *names, const char *name)
{
    if (names->capacity == 0) {
        return false;
    }
    for (size_t i = hash(name) % names->capacity; names->names[i] != NULL; i = (i + 1) % names->capacity) {
        if (strcmp(names->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void place_name(char **names, size_t capacity, char *name)
{
    size_t at = hash(name) % capacity;
    while (names[at] != NULL) {
        at = (at + 1) % capacity;
    }
    names[at] = name;
}

/* The name belongs to `names` from now on. False: no memory. */
static bool add_name(struct tare__metric_names *names, char *name)
{
    if (names->count * 2 >= names->capacity) {
        size_t capacity = names->capacity == 0 ? 1024 : names->capacity * 2;
        char **grown = calloc(capacity, sizeof(*grown));
        if (grown == NULL) {
            free(name);
            return false;
        }
        for (size_t i = 0; i < names->capacity; i++) {
            if (names->names[i] != NULL) {
                place_name(grown, capacity, names->names[i]);
            }
        }
        free(names->names);
        names->names = grown;
        names->capacity = capacity;
    }
    place_name(names->names, names->capacity, name);
    names->count++;
    return true;
}

static void free_names(struct tare__metric_names *names)
{
    for (size_t i = 0; i < names->capacity; i++) {
        free(names->names[i]);
    }
    free(names->names);
}

/* Takes `name` with each of the suffixes, or, if one of them is taken, none. */
static bool take_names(struct tare__metrics *m, struct tare__metric_names *names, const char *name,
                       const char *const *suffixes)
{
    for (int take = 0; take < 2; take++) {
        for (const char *const *suffix = suffixes; *suffix != NULL; suffix++) {
            char *whole = NULL;
            if (m->failed || asprintf(&whole, "%s%s", name, *suffix) < 0) {
                m->failed = true;
                return false;
            }
            if (take) {
                m->failed |= !add_name(names, whole);
                continue;
            }
            bool taken = has_name(names, whole);
            free(whole);
            if (taken) {
                return false;
            }
        }
    }
    return true;
}

/*
 * Who may have which name. What the names of samples are is settled before; here is found which of them have two
 * meanings, and which families cannot be announced, as another one has the name.
 */
static void settle_names(struct tare__metrics *m)
{
    for (size_t first = 0, end; first < m->item_count && !m->failed; first = end) {
        end = tare__metrics_family_end(m, first);
        const struct tare__metric_item *head = &m->items[first];
        bool free_to_take = take_names(m, &m->samples, head->name, tare__metric_samples[head->type]);
        for (size_t i = first; i < end; i++) {
            m->items[i].left_out = !free_to_take || m->items[i].what != head->what;
            m->left_out += m->items[i].left_out;
        }
    }
    for (size_t first = 0, end; first < m->item_count && !m->failed; first = end) {
        end = tare__metrics_family_end(m, first);
        const struct tare__metric_item *head = &m->items[first];
        if (!head->left_out && !take_names(m, &m->families, head->name, type_suffixes[head->type])) {
            for (size_t i = first; i < end; i++) {
                m->items[i].undeclared = true;
            }
            /* Each name of its samples is a family now. */
            for (const char *const *suffix = tare__metric_samples[head->type]; *suffix != NULL; suffix++) {
                take_names(m, &m->families, head->name, (const char *const[]){*suffix, NULL});
            }
        }
    }
}

static int by_labels(const void *a, const void *b)
{
    const struct tare__metric_item *one = *(struct tare__metric_item *const *)a,
                                   *two = *(struct tare__metric_item *const *)b;
    int order = strcmp(one->labels, two->labels);
    return order != 0 ? order : (one->order > two->order) - (one->order < two->order);
}

/* Which of the program's instruments it is, where all else is the same. */
static void tell_apart(struct tare__metrics *m, struct tare__metric_item *item, size_t number)
{
    struct tare__grown text = {0};
    char *name = NULL;
    const char *module = item->instrument != NULL ? item->instrument->module : "";
    const char *own = item->instrument != NULL ? item->instrument->name
                      : item->derived != NULL  ? item->derived->name
                                               : "tare";
    if (asprintf(&name, "%s.%s#%zu", module, own, number) < 0) {
        m->failed = true;
        return;
    }
    tare__grow(&text, item->labels);
    tare__metric_label(&text, "instrument", name);
    free(name);
    item->more_labels = tare__grown_steal(&text);
    m->failed |= item->more_labels == NULL;
}

void tare__metrics_tell_apart(struct tare__metrics *m, size_t first, size_t end)
{
    struct tare__metric_item **sorted =
        end - first > 1 ? malloc((end - first) * sizeof(struct tare__metric_item *)) : NULL;
    if (sorted == NULL) {
        m->failed |= end - first > 1;
        return;
    }
    for (size_t i = first; i < end; i++) {
        sorted[i - first] = &m->items[i];
    }
    qsort(sorted, end - first, sizeof(struct tare__metric_item *), by_labels);
    for (size_t i = 1, number = 1; i < end - first && !m->failed; i++) {
        number = strcmp(sorted[i]->labels, sorted[i - 1]->labels) == 0 ? number + 1 : 1;
        if (number > 1) {
            tell_apart(m, sorted[i], number);
        }
    }
    free(sorted);
}

void tare__metrics_settle(struct tare__metrics *m)
{
    if (!m->failed && m->item_count != 0) {
        qsort(m->items, m->item_count, sizeof(*m->items), by_family);
        settle_names(m);
        qsort(m->items, m->item_count, sizeof(*m->items), by_name);
    }
}

void tare__metrics_release_names(struct tare__metrics *m)
{
    free_names(&m->samples);
    free_names(&m->families);
}
