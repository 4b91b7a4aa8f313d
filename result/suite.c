/* SPDX-License-Identifier: MIT */
/* What `tare suite` adds to a result, in memory: making, growing and freeing it. Arrays grow as result/grow.h says. */
#include "result/suite.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "result/grow.h"

const char *const tare_suite_unit_names[TARE_SUITE_UNITS] = {
    [TARE_SUITE_NS] = "ns",
    [TARE_SUITE_RATIO] = "ratio",
    [TARE_SUITE_SHARE] = "share",
    [TARE_SUITE_COUNT] = "count",
};

const char *const tare_suite_answer_names[TARE_SUITE_ANSWERS] = {
    [TARE_SUITE_SUPPORTED] = "supported",
    [TARE_SUITE_NOT_SUPPORTED] = "not supported",
    [TARE_SUITE_UNRESOLVED] = "unresolved",
};

struct tare_result_suite *tare_result_suite_new(const char *name, bool quick)
{
    struct tare_result_suite *suite = calloc(1, sizeof *suite);
    if (suite != NULL) {
        suite->quick = quick;
        suite->name = name != NULL ? strdup(name) : NULL;
        if (name != NULL && suite->name == NULL) {
            free(suite);
            suite = NULL;
        }
    }
    return suite;
}

static void side_release(struct tare_suite_side *side)
{
    free(side->label);
    free(side->about);
    free(side->skipped);
    free(side->arm);
}

static void item_release(struct tare_suite_item *item)
{
    free(item->benchmark);
    free(item->group);
    free(item->about);
    free(item->skipped);
}

static void fact_release(struct tare_suite_fact *fact)
{
    free(fact->name);
    free(fact->value);
}

static void figure_release(struct tare_suite_figure *figure)
{
    free(figure->kind);
    free(figure->benchmark);
    free(figure->side);
    free(figure->part);
    free(figure->note);
}

static void hypothesis_release(struct tare_suite_hypothesis *hypothesis)
{
    free(hypothesis->text);
    free(hypothesis->quantity);
    free(hypothesis->reason);
}

void tare_result_suite_free(struct tare_result_suite *suite)
{
    if (suite == NULL) {
        return;
    }
    for (size_t i = 0; i < suite->side_count; i++) {
        side_release(&suite->sides[i]);
    }
    for (size_t i = 0; i < suite->item_count; i++) {
        item_release(&suite->items[i]);
    }
    for (size_t i = 0; i < suite->fact_count; i++) {
        fact_release(&suite->facts[i]);
    }
    for (size_t i = 0; i < suite->figure_count; i++) {
        figure_release(&suite->figures[i]);
    }
    for (size_t i = 0; i < suite->hypothesis_count; i++) {
        hypothesis_release(&suite->hypotheses[i]);
    }
    free(suite->sides);
    free(suite->items);
    free(suite->facts);
    free(suite->figures);
    free(suite->hypotheses);
    free(suite->name);
    free(suite);
}

/* A copy, or NULL of NULL; *fine becomes false without memory. */
static char *copy(const char *text, bool *fine)
{
    char *made = text != NULL ? strdup(text) : NULL;
    *fine = *fine && (text == NULL || made != NULL);
    return made;
}

/* Room for one more; NULL without memory, the array is then as before. */
#define GROW(array, count)                                                                                     \
    (__extension__({                                                                                           \
        void *grown_ = tare__result_grow(array, count, sizeof *(array));                                       \
        (array) = grown_ != NULL ? grown_ : (array);                                                           \
        grown_ != NULL ? &(array)[count] : NULL;                                                               \
    }))

int tare_suite_add_side(struct tare_result_suite *suite, const struct tare_suite_side *side)
{
    struct tare_suite_side *to = GROW(suite->sides, suite->side_count);
    if (to == NULL) {
        return -ENOMEM;
    }
    bool fine = true;
    *to = (struct tare_suite_side){
        .label = copy(side->label, &fine),
        .about = copy(side->about, &fine),
        .skipped = copy(side->skipped, &fine),
        .arm = copy(side->arm, &fine),
    };
    suite->side_count++;
    return fine ? 0 : -ENOMEM;
}

int tare_suite_add_item(struct tare_result_suite *suite, const struct tare_suite_item *item)
{
    struct tare_suite_item *to = GROW(suite->items, suite->item_count);
    if (to == NULL) {
        return -ENOMEM;
    }
    bool fine = true;
    *to = (struct tare_suite_item){
        .benchmark = copy(item->benchmark, &fine),
        .group = copy(item->group, &fine),
        .about = copy(item->about, &fine),
        .skipped = copy(item->skipped, &fine),
    };
    suite->item_count++;
    return fine ? 0 : -ENOMEM;
}

int tare_suite_add_fact(struct tare_result_suite *suite, const char *name, const char *value)
{
    struct tare_suite_fact *to = GROW(suite->facts, suite->fact_count);
    if (to == NULL) {
        return -ENOMEM;
    }
    bool fine = true;
    *to = (struct tare_suite_fact){.name = copy(name, &fine), .value = copy(value, &fine)};
    suite->fact_count++;
    return fine ? 0 : -ENOMEM;
}

int tare_suite_add_figure(struct tare_result_suite *suite, const struct tare_suite_figure *figure)
{
    struct tare_suite_figure *to = GROW(suite->figures, suite->figure_count);
    if (to == NULL) {
        return -ENOMEM;
    }
    bool fine = true;
    *to = *figure;
    to->kind = copy(figure->kind, &fine);
    to->benchmark = copy(figure->benchmark, &fine);
    to->side = copy(figure->side, &fine);
    to->part = copy(figure->part, &fine);
    to->note = copy(figure->note, &fine);
    suite->figure_count++;
    return fine ? 0 : -ENOMEM;
}

int tare_suite_add_hypothesis(struct tare_result_suite *suite, const struct tare_suite_hypothesis *hypothesis)
{
    struct tare_suite_hypothesis *to = GROW(suite->hypotheses, suite->hypothesis_count);
    if (to == NULL) {
        return -ENOMEM;
    }
    bool fine = true;
    *to = *hypothesis;
    to->text = copy(hypothesis->text, &fine);
    to->quantity = copy(hypothesis->quantity, &fine);
    to->reason = copy(hypothesis->reason, &fine);
    suite->hypothesis_count++;
    return fine ? 0 : -ENOMEM;
}

const struct tare_suite_side *tare_suite_side_of_arm(const struct tare_result_suite *suite, const char *arm)
{
    for (size_t i = 0; i < suite->side_count; i++) {
        if (suite->sides[i].arm != NULL && strcmp(suite->sides[i].arm, arm) == 0) {
            return &suite->sides[i];
        }
    }
    return NULL;
}

const struct tare_suite_side *tare_suite_find_side(const struct tare_result_suite *suite, const char *label)
{
    for (size_t i = 0; i < suite->side_count; i++) {
        if (strcmp(suite->sides[i].label, label) == 0) {
            return &suite->sides[i];
        }
    }
    return NULL;
}
