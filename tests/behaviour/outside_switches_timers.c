/* SPDX-License-Identifier: MIT */
/*
 * A byte written into the page of a live process switches a timer: the next scope sees it. The page is found
 * through /proc, as `tare ps` finds it; generation + 1 in the next two bytes resets the timer.
 */
#include <signal.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(call);
TARE_TIMER(other);

static _Noreturn void be_child(const char *path)
{
    uint64_t *own = shared_memory(path, 4096);
    for (;;) {
        {
            TARE_SCOPE(call);
            TARE_SCOPE(other);
        }
        __atomic_store_n(own, *own + 1, __ATOMIC_RELEASE);
    }
}

static struct tare_timer_sums read_sums(pid_t pid, const char *name)
{
    struct tare_page_view view = read_page(page_of_process(pid));
    struct tare_timer_sums sums = sums_of(&view, name);
    tare_page_view_release(&view);
    return sums;
}

/* Waits until the child has gone through its loop some more times, and so seen what we did. */
static uint64_t loop_on(const uint64_t *own)
{
    uint64_t before = __atomic_load_n(own, __ATOMIC_ACQUIRE);
    EVENTUALLY(__atomic_load_n(own, __ATOMIC_ACQUIRE) > before + 100);
    return __atomic_load_n(own, __ATOMIC_ACQUIRE);
}

static void store(pid_t pid, const char *name, size_t member, const void *value, size_t size)
{
    const char *path = page_of_process(pid);
    struct tare_page_view view = read_page(path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    MUST(fd >= 0 && timer_of(&view, name) != NULL);
    uint64_t control = view.header.control_offset + timer_of(&view, name)->index * view.header.control_stride;
    MUST(pwrite(fd, value, size, (off_t)(control + member)) == (ssize_t)size);
    close(fd);
    tare_page_view_release(&view);
}

static void switch_timer(pid_t pid, const char *name, uint8_t enabled)
{
    store(pid, name, offsetof(struct tare_control, enabled), &enabled, 1);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        be_child(argv[2]);
    }
    const char *path = scratch("own");
    const uint64_t *own = shared_memory(path, 4096);
    pid_t pid = start_self("child", NULL, path);
    begin_case("everything is disabled at first");
    EVENTUALLY(__atomic_load_n(own, __ATOMIC_ACQUIRE) > 100);
    CHECK_EQ(read_sums(pid, "call").calls, 0);

    begin_case("a byte from outside enables a timer");
    switch_timer(pid, "call", 1);
    uint64_t enabled_at = __atomic_load_n(own, __ATOMIC_ACQUIRE);
    uint64_t first = loop_on(own);
    uint64_t calls = read_sums(pid, "call").calls;
    uint64_t last = __atomic_load_n(own, __ATOMIC_ACQUIRE);
    CHECK_BETWEEN(first - enabled_at - 1, calls, last + 1);
    CHECK_EQ(read_sums(pid, "other").calls, 0);
    uint64_t more = loop_on(own);
    CHECK(read_sums(pid, "call").calls >= calls + (more - last) - 2);

    begin_case("a byte from outside disables it");
    switch_timer(pid, "call", 0);
    loop_on(own);
    calls = read_sums(pid, "call").calls;
    loop_on(own);
    CHECK_EQ(read_sums(pid, "call").calls, calls);
    CHECK_EQ(read_sums(pid, "call").outermost, calls);

    begin_case("a new generation from outside resets it");
    const uint16_t generation = 2;
    store(pid, "call", offsetof(struct tare_control, generation), &generation, sizeof(generation));
    CHECK_EQ(read_sums(pid, "call").calls, 0);
    switch_timer(pid, "call", 1);
    loop_on(own);
    switch_timer(pid, "call", 0);
    uint64_t again = loop_on(own);
    CHECK_BETWEEN(50, read_sums(pid, "call").calls, again);
    kill(pid, SIGKILL);
    status_of(pid);
    return finish();
}
