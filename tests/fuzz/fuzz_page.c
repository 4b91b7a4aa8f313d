/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a file, which is read as a page with its histograms, and if it begins like a set,
 * as the pages of that set. Everything that comes out is looked at, so that a sanitizer sees what it points to,
 * and the promises of record/reader.h are checked: a broken one aborts.
 */
#include <errno.h>
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

static void read_page(int fd, uint64_t offset, uint64_t limit)
{
    char message[160];
    memset(message, 0x7f, sizeof(message));
    struct tare_page_source source = {.fd = fd, .offset = offset, .limit = limit};
    struct tare_page_view view;
    int error = tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message));
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
        for (size_t i = 0; i < view.thread_count; i++) {
            must(memchr(view.threads[i].name, '\0', sizeof(view.threads[i].name)) != NULL, "names have an end");
        }
    }
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
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0, "there are memfds");
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        must(n > 0 || errno == EINTR, "a memfd can be written");
        done += n > 0 ? (size_t)n : 0;
    }
    read_page(fd, 0, size);
    read_page(fd, 0, UINT64_MAX); /* a page may claim more than the file has */
    read_set(fd, data, size);
    close(fd);
    return 0;
}
