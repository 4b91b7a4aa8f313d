/* SPDX-License-Identifier: MIT */
/*
 * The thread works on a copy of the capture, which takes some milliseconds to make, so nothing is shared while it
 * runs but the descriptor that it ends with. What it wrote is read after it was joined.
 */
#include "serve/maker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "record/monotonic.h"

enum { NICE = 10 }; /* who downloads can wait; who watches sees samples */

static void *make(void *data)
{
    struct tare__maker *maker = data;
    uint64_t begin_ns = tare__monotonic_ns();
    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread alone, on Linux */
    maker->text = tare_capture_json(maker->copy, &maker->size);
    tare_capture_free(maker->copy);
    maker->copy = NULL;
    maker->took_ns = tare__monotonic_ns() - begin_ns;
    eventfd_write(maker->ready_fd, 1);
    return NULL;
}

int tare__maker_open(struct tare__maker *maker)
{
    *maker = (struct tare__maker){.ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return maker->ready_fd >= 0 ? 0 : -errno;
}

int tare__maker_begin(struct tare__maker *maker, const struct tare_capture *capture)
{
    maker->copy = tare_capture_copy(capture);
    if (maker->copy == NULL) {
        return -ENOMEM;
    }
    maker->text = NULL;
    maker->size = 0;
    int failure = pthread_create(&maker->thread, NULL, make, maker);
    if (failure != 0) {
        tare_capture_free(maker->copy);
        maker->copy = NULL;
        return -failure;
    }
    maker->running = true;
    return 0;
}

char *tare__maker_end(struct tare__maker *maker, size_t *size, uint64_t *took_ns)
{
    eventfd_t ignored;
    pthread_join(maker->thread, NULL);
    maker->running = false;
    eventfd_read(maker->ready_fd, &ignored);
    *size = maker->size;
    *took_ns = maker->took_ns;
    char *text = maker->text;
    maker->text = NULL;
    return text;
}

void tare__maker_close(struct tare__maker *maker)
{
    size_t size;
    uint64_t took_ns;
    if (maker->running) {
        free(tare__maker_end(maker, &size, &took_ns));
    }
    if (maker->ready_fd >= 0) {
        close(maker->ready_fd);
    }
    maker->ready_fd = -1;
}
