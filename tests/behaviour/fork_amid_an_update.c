/* SPDX-License-Identifier: MIT */
/*
 * A signal handler that comes amid the update of a top-k, or amid a frame, forks. In the child the update goes
 * on when the handler returns, while the table that it was in was the parent's: the child survives that, and
 * counts for itself from then on.
 */
#include <signal.h>
#include <sys/time.h>

#include <tare/frame.h>

#include "tests/behaviour/own_page.h"

TARE_MODULE("test");
TARE_TOPK(keys, 256);
TARE_FRAMES(loop, 64, "cpu");

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER
#endif
#endif

enum { FORKS = 200, LEFT = 5000 };

static volatile int forks, is_child;
static volatile int failed_children;

static void every_ms(bool on)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, on ? &often : &never, NULL);
}

static void fork_here(int signal)
{
    (void)signal;
    if (is_child || forks >= TIMES(FORKS)) {
        return;
    }
    forks++;
    pid_t pid = fork();
    if (pid == 0) {
        is_child = 1;
        every_ms(false);
    } else if (pid > 0) {
        failed_children += status_of(pid) != 0;
    }
}

static void hit(uint64_t key)
{
    TARE_HIT(keys, key, 1);
}

static void frame(uint64_t key)
{
    tare_frame_begin(loop);
    tare_frame_part_ns(loop, 0, key);
    tare_frame_end(loop);
}

/* In a child, ends it: what it did since is in its page. */
static void go_round(void (*work)(uint64_t))
{
    uint64_t random = 1, left = LEFT;
    forks = 0;
    every_ms(true);
    while (is_child || forks < TIMES(FORKS)) {
        work(next_random(&random) % 1000);
        if (is_child && --left == 0) {
            see_page();
            uint32_t index = index_seen("keys");
            const struct tare_topk_slot *slot = slot_seen(0, index);
            uint64_t ring = cell_seen(index_seen("loop"))->extra_offset;
            bool counted =
                work == hit ? slot->hits >= LEFT - 1 && slot->hits <= LEFT && slot->table_offset != 0
                            : ring != 0 && ((const struct tare_frame_ring *)seen_at(ring))->frames >= LEFT - 1;
            _exit(!counted);
        }
    }
    every_ms(false);
}

int main(void)
{
#ifdef THREAD_SANITIZER
    skip_all("the thread sanitizer allocates in a fork, which it does not allow in a handler");
#endif
    if (own_page() == NULL) {
        skip_all("no page");
    }
    signal(SIGALRM, fork_here);
    begin_case("amid the update of a top-k");
    go_round(hit);
    CHECK_EQ(failed_children, 0);
    begin_case("amid a frame");
    go_round(frame);
    CHECK_EQ(failed_children, 0);
    return finish();
}
