/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a file, which is read as a page with its histograms, and if it begins like a set,
 * as the pages of that set. Everything that comes out is looked at, so that a sanitizer sees what it points to,
 * and the promises of record/reader.h are checked: a broken one aborts.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tare/page.h>

#include "record/page_check.h"
#include "record/reader.h"
#include "stats/quantile.h"

enum { SET_PAGES = 8 }; /* read of one set at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition, const char *promise)
{
    if (!condition) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void check_timer(const struct tare_page_timer *timer, const struct tare_cost_model *model)
{
    const struct tare_timer_sums *sums = &timer->sums;
    must(timer->kind == TARE_KIND_TIMER, "timers are of a known kind");
    must(strlen(timer->module) + strlen(timer->name) + strlen(timer->file) < SIZE_MAX, "strings have an end");
    must(sums->outermost <= sums->calls, "outermost <= calls");
    must(sums->outermost == 0 || sums->min_ticks <= sums->max_ticks, "min <= max");
    if (timer->buckets != NULL) {
        double error;
        double median = tare_histogram_quantile(timer->buckets, TARE_BUCKET_COUNT, 0.5, sums->min_ticks,
                                                sums->max_ticks, &error);
        must(isnan(median) || (isfinite(median) && error >= 0.0), "a quantile is a number or NAN");
    }
    struct tare_estimate estimate = tare_estimate_timer(model, sums);
    for (int part = 0; part < TARE_ERROR_PARTS; part++) {
        must(!(estimate.error_ns[part] < 0.0), "an error is not negative");
    }
    must(!(tare_estimate_avg_error_ns(&estimate, sums->outermost) < 0.0), "nor is that of an average");
    must(!(tare_estimate_avg_limit_ns(&estimate, sums->outermost) < 0.0), "nor is its limit");
}

static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static void check_keys(const struct tare_page_instrument *topk)
{
    must(topk->key_count <= topk->size && topk->key_count <= TARE_TOPK_MAX, "no more keys than asked for");
    for (size_t i = 0; i < topk->key_count; i++) {
        must(topk->keys[i].weight >= topk->keys[i].error, "weight >= error");
        must(
            i == 0 || topk->keys[i].weight < topk->keys[i - 1].weight ||
                (topk->keys[i].weight == topk->keys[i - 1].weight && topk->keys[i].key > topk->keys[i - 1].key),
            "the heaviest comes first, of one weight the smallest key");
        for (size_t k = 0; i < 64 && k < i; k++) {
            must(topk->keys[k].key != topk->keys[i].key, "a key comes once");
        }
    }
}

static void check_frames(const struct tare_page_frame *frames, size_t count, uint64_t ended)
{
    must(count <= TARE_FRAMES_MAX && count <= ended, "no more frames than there were");
    for (size_t i = 1; i < count; i++) {
        must(frames[i - 1].number < frames[i].number, "the oldest frame comes first");
    }
}

static void check_instrument(const struct tare_page_instrument *it)
{
    must(it->kind >= TARE_KIND_COUNTER && it->kind <= TARE_KIND_FRAMES, "instruments are of a known kind");
    must(printable(it->module) && printable(it->name) && printable(it->file) && printable(it->unit) &&
             printable(it->labels) && printable(it->help),
         "strings are printable");
    must(tare__labels_valid(it->labels), "labels are labels");
    must(it->name_count <= TARE_STATES_MAX, "states are not more than that");
    for (uint32_t i = 0; i < it->name_count; i++) {
        must(printable(it->names[i]), "names are printable");
    }
    must(!isinf(it->value) && !isinf(it->peak) && !(it->value > it->peak), "a peak is not below the value");
    must(it->kind != TARE_KIND_COUNTER || it->total <= INT64_MAX || it->total == TARE_PAGE_COUNT_UNKNOWN,
         "a count is known or not");
    const struct tare_timer_sums *sums = &it->sums;
    must(sums->outermost <= sums->calls, "outermost <= calls");
    must(sums->outermost == 0 || sums->min_ticks <= sums->max_ticks, "min <= max");
    if (it->buckets != NULL) {
        double error;
        double median = tare_histogram_quantile(it->buckets, TARE_BUCKET_COUNT, 0.5, sums->min_ticks,
                                                sums->max_ticks, &error);
        must(isnan(median) || (isfinite(median) && error >= 0.0), "a quantile is a number or NAN");
    }
    check_keys(it);
    must(it->kind == TARE_KIND_STATE || it->stay_count == 0, "only threads' states are stays");
    for (size_t i = 0; i < it->stay_count; i++) {
        must(!it->stays[i].known || it->stays[i].current <= it->name_count, "a state that is known has a name");
    }
    if (it->kind == TARE_KIND_FRAMES) {
        must(it->frames.slow <= it->frames.frames, "slow frames are frames");
        check_frames(it->frames.last, it->frames.last_count, it->frames.frames);
        check_frames(it->frames.slowest, it->frames.slowest_count, it->frames.slow);
    }
}

/* The same page by a reader that is used twice, and through a mapping, as it is sealed: it says the same. */
static void read_again(const struct tare_page_source *source, const struct tare_page_view *view, int error)
{
    struct tare_page_reader *reader = tare_page_reader_open(source);
    must(reader != NULL, "there is memory");
    for (int i = 0; i < 2; i++) {
        struct tare_page_view again;
        int found = tare_page_reader_read(reader, TARE_READ_HISTOGRAMS | TARE_READ_STAYS, &again, NULL, 0);
        must(found == error, "each way gives the same error");
        must(again.timer_count == view->timer_count && again.instrument_count == view->instrument_count,
             "each way finds the same");
        for (size_t k = 0; k < again.timer_count; k++) {
            must(memcmp(&again.timers[k].sums, &view->timers[k].sums, sizeof(view->timers[k].sums)) == 0,
                 "each way counts the same");
        }
        for (size_t k = 0; k < again.instrument_count; k++) {
            const struct tare_page_instrument *a = &again.instruments[k], *b = &view->instruments[k];
            must(a->kind == b->kind && a->total == b->total && a->hits == b->hits &&
                     a->key_count == b->key_count && a->least_weight == b->least_weight &&
                     (a->kind != TARE_KIND_STATE || a->state_changes == b->state_changes) &&
                     (a->kind != TARE_KIND_FRAMES || a->frames.last_count == b->frames.last_count) &&
                     strcmp(a->name, b->name) == 0,
                 "each way counts the same");
            check_instrument(a);
        }
        tare_page_view_release(&again);
    }
    tare_page_reader_close(reader);
}

static void read_page(int fd, uint64_t offset, uint64_t limit)
{
    char message[160];
    memset(message, 0x7f, sizeof(message));
    struct tare_page_source source = {.fd = fd, .offset = offset, .limit = limit};
    struct tare_page_view view;
    int error =
        tare_page_read(&source, TARE_READ_HISTOGRAMS | TARE_READ_STAYS, &view, message, sizeof(message));
    if (error != 0) {
        must(error < 0, "an error is negative");
        const char *end = memchr(message, '\0', sizeof(message));
        must(end != NULL && end != message, "an error has its line");
        must(strchr(message, '\n') == NULL, "and only one");
    } else {
        must(view.command[view.command_size] == '\0', "the command line has an end");
        must(strlen(view.executable) < SIZE_MAX, "the executable's name has an end");
        struct tare_cost_model model = tare_page_cost_model(&view.header, NULL);
        must(!(model.tick_ns <= 0.0), "a tick has a length");
        for (size_t i = 0; i < view.timer_count; i++) {
            check_timer(&view.timers[i], &model);
        }
        for (size_t i = 0; i < view.instrument_count; i++) {
            check_instrument(&view.instruments[i]);
        }
        for (size_t i = 0; i < view.thread_count; i++) {
            must(memchr(view.threads[i].name, '\0', sizeof(view.threads[i].name)) != NULL, "names have an end");
        }
    }
    read_again(&source, &view, error);
    tare_page_view_release(&view);
}

static void read_set(int fd, const uint8_t *data, size_t size)
{
    struct tare_set set;
    if (size < sizeof(set) || memcmp(data, TARE_SET_MAGIC, 8) != 0) {
        return;
    }
    memcpy(&set, data, sizeof(set));
    uint64_t claimed = set.next < set.max ? set.next : set.max;
    for (uint64_t i = 0; i < claimed && i < SET_PAGES; i++) {
        uint64_t offset;
        if (__builtin_mul_overflow(i, set.stride, &offset) ||
            __builtin_add_overflow(offset, set.first_offset, &offset)) {
            return;
        }
        read_page(fd, offset, set.stride);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(fd >= 0, "there are memfds");
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        must(n > 0 || errno == EINTR, "a memfd can be written");
        done += n > 0 ? (size_t)n : 0;
    }
    must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "and sealed");
    read_page(fd, 0, size);
    read_page(fd, 0, UINT64_MAX); /* a page may claim more than the file has */
    read_set(fd, data, size);
    close(fd);
    return 0;
}
