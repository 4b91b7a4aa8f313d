/* SPDX-License-Identifier: MIT */
/*
 * result/live.c with programs that run: totals and what came in the window, a process that comes and one that
 * ends, switching and putting back, and a reset, after which the window says nothing rather than something
 * wrong.
 */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "result/telemetry.h"
#include "tests/behaviour/behaviour.h"

TARE_MODULE("live");
TARE_COUNTER(steps, "bytes", "kind=step");
TARE_GAUGE(depth);
TARE_GAUGE(never_set);
TARE_HISTOGRAM(sizes);
TARE_TIMER(work);
TARE_STATE(doing, "this", "that");
TARE_TOPK(keys, 16);

/* Counts for every byte that it is sent, and says when it has. */
static int count_when_told(void)
{
    char step;
    tare_enable("live::work");
    while (read(0, &step, 1) == 1) {
        {
            TARE_SCOPE(work);
            TARE_ADD(steps, 5);
            TARE_SET(depth, 7.5);
            TARE_RECORD(sizes, 100);
            TARE_ENTER(doing, 1);
            TARE_HIT(keys, 0xabc, 10);
        }
        MUST(write(1, &step, 1) == 1);
    }
    return 0;
}

struct child {
    pid_t pid;
    int to, from;
};

static struct child start_child(void)
{
    int down[2], up[2];
    MUST(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0);
    int in = dup(0), out = dup(1);
    fflush(stdout);
    MUST(dup2(down[0], 0) == 0 && dup2(up[1], 1) == 1);
    pid_t pid = start_self("count", NULL, NULL);
    MUST(dup2(in, 0) == 0 && dup2(out, 1) == 1);
    close(in);
    close(out);
    close(down[0]);
    close(up[1]);
    return (struct child){pid, down[1], up[0]};
}

static void step(const struct child *child, int times)
{
    for (int i = 0; i < times; i++) {
        char byte = 'x';
        MUST(write(child->to, &byte, 1) == 1 && read(child->from, &byte, 1) == 1);
    }
}

static void end_child(const struct child *child)
{
    close(child->to);
    close(child->from);
    status_of(child->pid);
}

static const struct tare_telemetry *poll_once(struct tare_live *live)
{
    const struct tare_telemetry *snapshot = NULL;
    char message[256];
    MUST(tare_live_poll(live, &snapshot, message, sizeof(message)) == 0);
    return snapshot;
}

static const struct tare_process_figures *process_of(const struct tare_telemetry *snapshot, pid_t pid)
{
    for (size_t i = 0; i < snapshot->process_count; i++) {
        if (snapshot->processes[i].pid == pid) {
            return &snapshot->processes[i];
        }
    }
    return NULL;
}

static const struct tare_instrument_figures *find(const struct tare_process_figures *process, const char *name)
{
    for (size_t i = 0; process != NULL && i < process->instrument_count; i++) {
        if (strcmp(process->instruments[i].module, "live") == 0 &&
            strcmp(process->instruments[i].name, name) == 0) {
            return &process->instruments[i];
        }
    }
    return NULL;
}

/* Polls until the process is there with its instruments: it may still be starting. */
static const struct tare_process_figures *wait_for(struct tare_live *live, pid_t pid)
{
    const struct tare_process_figures *process = NULL;
    EVENTUALLY(find(process = process_of(poll_once(live), pid), "keys") != NULL);
    MUST(process != NULL);
    return process;
}

/* Long enough that a reading does not take the place of the one before (it is then kept for the window). */
static void pass_time(void)
{
    usleep(150000);
}

static void check_totals_and_window(struct tare_live *live, const struct child *child)
{
    step(child, 10);
    const struct tare_process_figures *process = wait_for(live, child->pid);
    CHECK(!find(process, "steps")->rolling.known || process->window_ns > 0);
    CHECK_EQ(find(process, "steps")->total.total, 50);
    pass_time();
    process = process_of(poll_once(live), child->pid);
    pass_time();
    step(child, 4);
    process = process_of(poll_once(live), child->pid);
    const struct tare_instrument_figures *steps = find(process, "steps");
    CHECK_EQ(steps->total.total, 70);
    CHECK(steps->rolling.known && steps->rolling.total >= 20 && steps->rolling.total <= 70);
    CHECK(fabs(steps->rolling.per_s - (double)steps->rolling.total / (process->window_ns / 1e9)) < 1e-3);
    CHECK(strcmp(steps->unit, "bytes") == 0 && strcmp(steps->labels, "kind=step") == 0);
    CHECK(find(process, "depth")->total.value == 7.5);
    CHECK(isnan(find(process, "never_set")->total.value));
    const struct tare_readings *sizes = &find(process, "sizes")->total;
    CHECK_EQ(sizes->distribution.count, 14);
    CHECK(sizes->distribution.p50 == 100 && sizes->distribution.max == 100);
    CHECK_EQ(find(process, "work")->total.total, 14);
    CHECK(find(process, "work")->total.net_total_ns <= find(process, "work")->total.distribution.sum);
    const struct tare_readings *doing = &find(process, "doing")->total;
    CHECK_EQ(doing->state_count, 2);
    CHECK(doing->states[0].ns == 0 && doing->states[1].ns > 0 && doing->states[1].share == 1);
    CHECK_EQ(doing->states[1].threads, 1);
    const struct tare_readings *keys = &find(process, "keys")->total;
    CHECK(keys->key_count == 1 && keys->keys[0].key == 0xabc && keys->keys[0].weight == 140);
    CHECK(process->alive && process->resident_bytes > 0 && process->cpu_total_ns > 0);
    CHECK_EQ(process->threads, 1);
}

static bool is_enabled(struct tare_live *live, pid_t pid)
{
    return find(process_of(poll_once(live), pid), "steps")->enabled;
}

static void check_switching(struct tare_live *live, const struct child *child)
{
    const struct tare_telemetry *snapshot = poll_once(live);
    uint64_t id = find(process_of(snapshot, child->pid), "steps")->id, shape = snapshot->shape;
    CHECK_EQ(tare_live_switch(live, id, false), 0);
    step(child, 3);
    snapshot = poll_once(live);
    CHECK(snapshot->shape != shape);
    CHECK(!find(process_of(snapshot, child->pid), "steps")->enabled);
    CHECK_EQ(find(process_of(snapshot, child->pid), "steps")->total.total, 70);
    CHECK_EQ(find(process_of(snapshot, child->pid), "sizes")->total.distribution.count, 17);
    tare_live_restore(live);
    CHECK(is_enabled(live, child->pid));
    step(child, 1);
    CHECK_EQ(find(process_of(poll_once(live), child->pid), "steps")->total.total, 75);
    CHECK(tare_live_switch(live, UINT64_MAX, false) == -ENOENT);
    CHECK(tare_live_reset(live, 0) == -ENOENT);
}

static void check_reset(struct tare_live *live, const struct child *child)
{
    uint64_t id = find(process_of(poll_once(live), child->pid), "steps")->id;
    pass_time();
    CHECK_EQ(tare_live_reset(live, id), 0);
    step(child, 2);
    const struct tare_process_figures *process = process_of(poll_once(live), child->pid);
    const struct tare_instrument_figures *steps = find(process, "steps"), *sizes = find(process, "sizes");
    CHECK_EQ(steps->total.total, 10);
    CHECK(!steps->rolling.known && isnan(steps->rolling.per_s));
    CHECK(sizes->rolling.known); /* nobody else's window is lost */
    /* Once the window lies behind the reset, it is known again. */
    EVENTUALLY(find(process_of(poll_once(live), child->pid), "steps")->rolling.known);
}

static void check_coming_and_going(struct tare_live *all)
{
    struct child child = start_child();
    step(&child, 1);
    const struct tare_process_figures *process = wait_for(all, child.pid);
    uint64_t id = process->id;
    step(&child, 1);
    end_child(&child);
    const struct tare_telemetry *snapshot = poll_once(all);
    process = process_of(snapshot, child.pid);
    CHECK(process != NULL && !process->alive && process->id == id);
    CHECK_EQ(find(process, "steps")->total.total, 10); /* the last step, too */
    CHECK_EQ(process->threads, 0);
    process = process_of(poll_once(all), child.pid);
    CHECK(process != NULL && !find(process, "steps")->rolling.known);
    CHECK_EQ(find(process, "steps")->total.total, 10);
    CHECK(tare_live_switch(all, find(process, "steps")->id, false) == -ENOENT);
}

/* What is again as it was found is nothing to put back. */
static void check_lock(struct tare_live *live, const struct child *child)
{
    pid_t pids[] = {child->pid};
    struct tare_live *other = tare_live_new(&(struct tare_live_options){.pids = pids, .pid_count = 1});
    MUST(other != NULL);
    uint64_t id = find(process_of(poll_once(live), child->pid), "steps")->id;
    uint64_t depth = find(process_of(poll_once(live), child->pid), "depth")->id;
    uint64_t other_id = find(wait_for(other, child->pid), "steps")->id;
    CHECK_EQ(tare_live_switch(live, id, false), 0);
    CHECK_EQ(tare_live_switch(live, depth, false), 0);
    CHECK_EQ(tare_live_switch(other, other_id, false), -EBUSY);
    CHECK_EQ(tare_live_switch(live, id, true), 0);
    CHECK_EQ(tare_live_switch(other, other_id, false), -EBUSY);
    CHECK_EQ(tare_live_switch(live, depth, true), 0);
    CHECK_EQ(tare_live_switch(other, other_id, false), 0);
    CHECK_EQ(tare_live_switch(live, id, false), -EBUSY);
    tare_live_restore(other);
    CHECK(is_enabled(live, child->pid));
    tare_live_free(other);
}

/* Readings are kept when the window changes; figures are of the one that was asked for as soon as can be. */
static void check_window(struct tare_live *live, const struct child *child)
{
    tare_live_set_window(live, 0.3e9);
    const struct tare_process_figures *process = process_of(poll_once(live), child->pid);
    CHECK(process->window_ns > 0);
    pass_time();
    EVENTUALLY(fabs(process_of(poll_once(live), child->pid)->window_ns - 0.3e9) < 0.2e9);
    tare_live_set_window(live, 0);
    CHECK(process_of(poll_once(live), child->pid)->window_ns > 0);
}

/* One for which there is no descriptor is not shown, and the message says why. */
static void check_descriptors(void)
{
    enum { CHILDREN = 4 };
    struct child children[CHILDREN];
    struct rlimit limit, low;
    const struct tare_telemetry *snapshot = NULL;
    char message[256] = "";
    MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = limit;
    low.rlim_cur = limit.rlim_cur < 64 ? limit.rlim_cur : 64;
    MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
    struct tare_live *live = tare_live_new(&(struct tare_live_options){.name = "behaviour_live*"});
    MUST(live != NULL && getrlimit(RLIMIT_NOFILE, &low) == 0);
    CHECK_EQ(low.rlim_cur, limit.rlim_max); /* as many as there may be */
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = start_child();
        step(&children[i], 1);
    }
    int fillers[16]; /* of the gaps in between */
    for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++) {
        fillers[i] = dup(0);
    }
    int next = dup(0);
    MUST(next >= 0);
    close(next);
    low.rlim_cur = (rlim_t)next + 8 + 2; /* eight stay free */
    MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
    MUST(tare_live_poll(live, &snapshot, message, sizeof(message)) == 0);
    CHECK(snapshot->process_count < CHILDREN);
    CHECK(strstr(message, "Too many open files") != NULL);
    size_t shown = snapshot->process_count;
    MUST(tare_live_poll(live, &snapshot, message, sizeof(message)) == 0);
    CHECK_EQ(snapshot->process_count, shown); /* those that are there stay */
    low.rlim_cur = limit.rlim_cur;
    MUST(setrlimit(RLIMIT_NOFILE, &low) == 0);
    for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++) {
        close(fillers[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        wait_for(live, children[i].pid);
    }
    tare_live_free(live);
    for (int i = 0; i < CHILDREN; i++) {
        end_child(&children[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "count") == 0) {
        return count_when_told();
    }
    struct child child = start_child();
    pid_t pids[] = {child.pid};
    struct tare_live *live = tare_live_new(
        &(struct tare_live_options){.pids = pids, .pid_count = 1, .window_ns = 1e9, .histograms = true});
    struct tare_live *all = tare_live_new(
        &(struct tare_live_options){.name = "behaviour_live*", .histograms = true, .keep_ended = true});
    MUST(live != NULL && all != NULL);
    begin_case("totals are exact, and the window has what came in it");
    check_totals_and_window(live, &child);
    begin_case("an instrument that is switched off counts nothing until it is put back");
    check_switching(live, &child);
    begin_case("after a reset the window is unknown");
    check_reset(live, &child);
    begin_case("the lock is given up once nothing is switched any more");
    check_lock(live, &child);
    begin_case("the window can be changed on the way");
    check_window(live, &child);
    begin_case("processes for which there is no descriptor are told of");
    check_descriptors();
    begin_case("a process that comes is found, and one that ends is kept with what it last said");
    check_coming_and_going(all);
    begin_case("one process is enough for who asked for one");
    CHECK_EQ(poll_once(live)->process_count, 1);
    end_child(&child);
    CHECK_EQ(poll_once(live)->process_count, 0);
    tare_live_free(live);
    tare_live_free(all);
    return finish();
}
