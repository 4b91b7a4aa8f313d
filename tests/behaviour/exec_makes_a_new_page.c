/* SPDX-License-Identifier: MIT */
/*
 * A program that another became by exec has a page of its own, in the same process: found from outside as the
 * only one, without the counts of the program before, which a page in a file keeps. So has a forked child,
 * whose page says whose child it is.
 */
#include <signal.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(call);

static void count(int times)
{
    for (int i = 0; i < times; i++) {
        TARE_SCOPE(call);
    }
}

static void become(const char *role, const char *argument)
{
    execl("/proc/self/exe", "self", role, argument, (char *)NULL);
    _exit(127);
}

/*
 * Roles: "first" counts 3 and becomes "second", which counts 20, says so, and waits for its end. "fork" has a
 * child.
 */
static int be_child(const char *role, const char *mark)
{
    if (strcmp(role, "first") == 0) {
        count(3);
        become("second", mark);
    }
    if (strcmp(role, "second") == 0) {
        count(20);
        CHECK_EQ(stats_of("test::call").calls, 20);
        CHECK(close(open(mark, O_WRONLY | O_CREAT, 0600)) == 0);
        while (failed_checks == 0) {
            pause();
        }
        return 1;
    }
    count(10);
    pid_t pid = fork();
    if (pid == 0) {
        count(20);
        int fd = open(mark, O_WRONLY | O_CREAT, 0600);
        pid_t self = getpid();
        _exit(write(fd, &self, sizeof(self)) == (ssize_t)sizeof(self) ? 0 : 1);
    }
    return status_of(pid);
}

static uint64_t calls_in(const char *path)
{
    struct tare_page_view view = read_page(path);
    uint64_t calls = sums_of(&view, "call").calls;
    tare_page_view_release(&view);
    return calls;
}

static void check_exec(const char *page)
{
    const char *mark = scratch(page != NULL ? "mark" : "other-mark");
    pid_t pid = start_self(
        "first", page != NULL ? ENVIRONMENT(text("TARE_PAGE=%s", page)) : ENVIRONMENT("TARE_ENABLE=*"), mark);
    EVENTUALLY(access(mark, F_OK) == 0);
    const char *found = page_of_process(pid);
    CHECK(found != NULL);
    if (found != NULL) {
        CHECK_EQ(calls_in(found), 20);
    }
    kill(pid, SIGKILL);
    status_of(pid);
    if (page != NULL) {
        CHECK_EQ(calls_in(page), 3);
        CHECK_EQ(calls_in(text("%s.%d", page, (int)pid)), 20);
    }
}

static void check_fork(void)
{
    const char *page = scratch("family"), *mark = scratch("child");
    pid_t child = 0, parent = start_self("fork", ENVIRONMENT(text("TARE_PAGE=%s", page)), mark);
    CHECK_EQ(status_of(parent), 0);
    int fd = open(mark, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && read(fd, &child, sizeof(child)) == (ssize_t)sizeof(child));
    close(fd);
    CHECK_EQ(calls_in(page), 10);
    struct tare_page_view view = read_page(text("%s.%d", page, (int)child));
    CHECK_EQ(sums_of(&view, "call").calls, 20);
    CHECK((view.header.flags & TARE_PAGE_FORKED) != 0);
    CHECK_EQ(view.header.pid, child);
    CHECK_EQ(view.header.parent_pid, parent);
    CHECK_EQ(view.header.state, TARE_PAGE_LIVE); /* it left by _exit */
    tare_page_view_release(&view);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        return be_child(argv[1], argv[2]);
    }
    begin_case("exec: a new page in memory");
    check_exec(NULL);
    begin_case("exec: a new page in another file");
    check_exec(scratch("page"));
    begin_case("fork: a page that says whose child it is");
    check_fork();
    return finish();
}
