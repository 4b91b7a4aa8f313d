/* SPDX-License-Identifier: MIT */
/*
 * Captures of programs that run: frames lie where they were, also those of a forked child, whose page counts from
 * when its parent's was made; a program that executes another one is two processes, and the first one's series
 * end; a state that is switched off and on again within a window says nothing of it; a counter below 0 is a gap.
 */
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include <tare/frame.h>

#include "result/capture.h"
#include "tests/behaviour/behaviour.h"

TARE_MODULE("kept");
TARE_COUNTER(steps);
TARE_STATE(doing, "this", "that");
TARE_FRAMES(view, 64, "cpu");

/* A frame for every byte that it is sent, unless that says otherwise; and it says when it is done. */
static int do_as_told(void)
{
    char byte;
    TARE_ENTER(doing, 1);
    while (read(0, &byte, 1) == 1) {
        if (byte == 'x') { /* the answer is the next program's */
            execl("/proc/self/exe", "self", "work", "again", (char *)NULL);
            return 1;
        }
        tare_frame_begin(view);
        TARE_ADD(steps, byte == '-' ? -10 : 1);
        usleep(2000);
        tare_frame_end(view);
        MUST(write(1, &byte, 1) == 1);
    }
    return 0;
}

struct child {
    pid_t pid;
    int to, from;
};

/* `anew`: by exec, else it goes on from here. */
static struct child start_child(bool anew)
{
    int down[2], up[2];
    MUST(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        MUST(dup2(down[0], 0) == 0 && dup2(up[1], 1) == 1);
        close(down[1]);
        close(up[0]);
        if (anew) {
            execl("/proc/self/exe", "self", "work", (char *)NULL);
            _exit(127);
        }
        _exit(do_as_told());
    }
    close(down[0]);
    close(up[1]);
    return (struct child){pid, down[1], up[0]};
}

static void tell(const struct child *child, char what, int times)
{
    for (int i = 0; i < times; i++) {
        char byte = what;
        MUST(write(child->to, &byte, 1) == 1 && read(child->from, &byte, 1) == 1);
    }
}

static void end_child(const struct child *child)
{
    close(child->to);
    close(child->from);
    status_of(child->pid);
}

static struct tare_live *watch(const struct child *child)
{
    struct tare_live *live = tare_live_new(&(struct tare_live_options){
        .pids = &child->pid, .pid_count = 1, .window_ns = 0.3e9, .stays = true, .keep_ended = true});
    MUST(live != NULL);
    return live;
}

static const struct tare_telemetry *poll_once(struct tare_live *live)
{
    const struct tare_telemetry *snapshot = NULL;
    char message[256];
    MUST(tare_live_poll(live, &snapshot, message, sizeof(message)) == 0);
    return snapshot;
}

/* Of the last process that there is. */
static const struct tare_instrument_figures *find(const struct tare_telemetry *snapshot, const char *name)
{
    const struct tare_process_figures *process =
        snapshot->process_count != 0 ? &snapshot->processes[snapshot->process_count - 1] : NULL;
    for (size_t i = 0; process != NULL && i < process->instrument_count; i++) {
        if (strcmp(process->instruments[i].name, name) == 0) {
            return &process->instruments[i];
        }
    }
    return NULL;
}

static const struct tare_capture_instrument *captured(const struct tare_capture_process *process,
                                                      const char *name)
{
    for (size_t i = 0; i < process->instrument_count; i++) {
        if (strcmp(process->instruments[i].name, name) == 0) {
            return &process->instruments[i];
        }
    }
    return NULL;
}

static void check_times_of_frames(bool anew)
{
    /* Clocks are read one after the other, and a busy machine may come in between. */
    static const double slack_ns = 0.3e9;
    struct child child = start_child(anew);
    struct tare_live *live = watch(&child);
    struct tare_capture *capture = tare_capture_new(NULL);
    MUST(capture != NULL);
    tell(&child, 'f', 1);
    EVENTUALLY(find(poll_once(live), "view") != NULL);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    tell(&child, 'f', 20);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    const struct tare_capture_instrument *view = captured(&capture->processes[0], "view");
    CHECK_EQ(view->frame_count, 20);
    for (size_t i = 0; i < view->frame_count; i++) {
        CHECK_BETWEEN(-slack_ns, view->frames[i].start_ns, capture->at_ns[1] + slack_ns);
        CHECK(i == 0 || view->frames[i].start_ns > view->frames[i - 1].start_ns);
    }
    tare_capture_free(capture);
    tare_live_free(live);
    end_child(&child);
}

static void check_exec(void)
{
    struct child child = start_child(true);
    struct tare_live *live = watch(&child);
    struct tare_capture *capture = tare_capture_new(NULL);
    MUST(capture != NULL);
    tell(&child, 'f', 3);
    EVENTUALLY(find(poll_once(live), "view") != NULL);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    char byte = 'x';
    MUST(write(child.to, &byte, 1) == 1);
    tell(&child, 'f', 5); /* by the next program */
    EVENTUALLY(tare_capture_add(capture, poll_once(live)) == 0 && capture->process_count == 2);
    tell(&child, 'f', 2);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    const struct tare_capture_process *before = &capture->processes[0], *after = &capture->processes[1];
    CHECK_EQ(before->pid, after->pid);
    CHECK(!before->alive && after->alive);
    CHECK(before->series.first + before->series.count < capture->sample_count);
    CHECK_EQ(after->series.first + after->series.count, capture->sample_count);
    const struct tare_capture_series *first = &captured(before, "steps")->series,
                                     *second = &captured(after, "steps")->series;
    CHECK(tare_capture_value(first, tare_capture_column(first, "total"), 0) == 3);
    CHECK(tare_capture_value(second, tare_capture_column(second, "total"), capture->sample_count - 1) == 7);
    tare_capture_free(capture);
    tare_live_free(live);
    end_child(&child);
}

static void check_switched_states(void)
{
    struct child child = start_child(true);
    struct tare_live *live = watch(&child);
    tell(&child, 'f', 1);
    EVENTUALLY(find(poll_once(live), "doing") != NULL && find(poll_once(live), "doing")->rolling.known);
    const struct tare_instrument_figures *doing = find(poll_once(live), "doing");
    CHECK(doing->rolling.states[1].ns > 0);
    CHECK_EQ(tare_live_switch(live, doing->id, false), 0);
    CHECK_EQ(tare_live_switch(live, doing->id, true), 0);
    doing = find(poll_once(live), "doing");
    CHECK(doing->enabled && !doing->rolling.known && doing->rolling.state_count == 0);
    CHECK(doing->names != NULL && strcmp(doing->names[1], "that") == 0 && doing->names[2] == NULL);
    CHECK_EQ(doing->total.states[1].threads, 0);               /* nobody has said since */
    EVENTUALLY(find(poll_once(live), "doing")->rolling.known); /* the window lies behind it */
    tare_live_restore(live);
    tare_live_free(live);
    end_child(&child);
}

static void check_counts_below_0(void)
{
    struct child child = start_child(true);
    struct tare_live *live = watch(&child);
    struct tare_capture *capture = tare_capture_new(NULL);
    MUST(capture != NULL);
    tell(&child, 'f', 4);
    EVENTUALLY(find(poll_once(live), "steps") != NULL);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    tell(&child, '-', 1);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    tell(&child, 'f', 8);
    MUST(tare_capture_add(capture, poll_once(live)) == 0);
    const struct tare_capture_series *steps = &captured(&capture->processes[0], "steps")->series;
    const uint64_t *totals = tare_capture_column(steps, "total")->counts;
    CHECK_EQ(totals[0], 4);
    CHECK_EQ(totals[1], TARE_COUNT_UNKNOWN);
    CHECK_EQ(totals[2], 2);
    struct tare_result *result = tare_capture_result(capture);
    MUST(result != NULL);
    CHECK(result->notes != NULL && strstr(result->notes[0], ": kept.steps") != NULL);
    tare_result_free(result);
    tare_live_free(live);
    end_child(&child);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "work") == 0) {
        return do_as_told();
    }
    begin_case("frames are where they were");
    check_times_of_frames(true);
    begin_case("those of a forked child, too");
    TARE_ADD(steps, 1);
    sleep(1); /* by which they would be displaced */
    check_times_of_frames(false);
    begin_case("a program that executes another is two processes");
    check_exec();
    begin_case("a state that was off in between says nothing of the window");
    check_switched_states();
    begin_case("a counter below 0 is a gap, and a note says so");
    check_counts_below_0();
    return finish();
}
