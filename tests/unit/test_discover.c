/* SPDX-License-Identifier: MIT */
/*
 * record/discover.h: finds the pages of processes that this test starts. They write no more of a page than its
 * header. A child says through a pipe that it is ready, and ends when it gets a byte through the other (or the
 * test ends).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tare/page.h>

#include "record/discover.h"
#include "record/process_name.h"

/* What a child does before it is ready; what it returns is sent to the test. */
typedef int child_function(void *argument);

struct child {
    pid_t pid;
    int end; /* a byte ends the child: closing would not, as later children have it open, too */
    int said;
};

static void child_main(child_function *function, void *argument, int ready, int end)
{
    int said = function(argument);
    char byte;
    if (write(ready, &said, sizeof said) != (ssize_t)sizeof said) {
        _exit(1);
    }
    while (read(end, &byte, 1) < 0 && errno == EINTR) {
    }
    _exit(0);
}

static struct child start(child_function *function, void *argument)
{
    int ready[2];
    int end[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    struct child child = {.pid = fork(), .end = end[1]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        close(ready[0]);
        close(end[1]);
        child_main(function, argument, ready[1], end[0]);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &child.said, sizeof child.said), sizeof child.said);
    close(ready[0]);
    assert_true(child.said >= 0);
    return child;
}

static void tell_to_end(struct child *child)
{
    assert_int_equal(write(child->end, "", 1), 1);
    close(child->end);
}

static void stop(struct child *child)
{
    int status;
    tell_to_end(child);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_int_equal(status, 0);
}

/* As much of a header as makes a page known as that of a process. */
static int write_header(int fd, off_t offset, pid_t pid)
{
    struct tare_page header = {
        .version = TARE_PAGE_VERSION, .byte_order = TARE_BYTE_ORDER, .state = TARE_PAGE_LIVE};
    memcpy(header.magic, TARE_PAGE_MAGIC, sizeof header.magic);
    header.pid = (uint32_t)pid;
    if (tare_process_start_time(pid, &header.start_time_jiffies) != 0) {
        return -1;
    }
    return pwrite(fd, &header, sizeof header, offset) == (ssize_t)sizeof header ? 0 : -1;
}

static int make_page(void *argument)
{
    (void)argument;
    int fd = memfd_create(TARE_PAGE_MEMFD, MFD_CLOEXEC);
    return fd >= 0 && ftruncate(fd, 8192) == 0 && write_header(fd, 0, getpid()) == 0 ? fd : -1;
}

static int make_page_twice(void *argument)
{
    int fd = make_page(argument);
    return fd >= 0 && fcntl(fd, F_DUPFD_CLOEXEC, 100) >= 0 ? fd : -1;
}

static int make_nothing(void *argument)
{
    (void)argument;
    return 0;
}

static struct tare_found_page only_page(pid_t pid)
{
    struct tare_found_page *pages;
    size_t count;
    size_t denied;
    assert_int_equal(tare_discover(pid, &pages, &count, &denied), 0);
    assert_int_equal(count, 1);
    assert_int_equal(denied, 0);
    struct tare_found_page page = pages[0];
    assert_int_equal(page.pid, pid);
    free(pages);
    return page;
}

static size_t count_pages(pid_t pid)
{
    struct tare_found_page *pages;
    size_t count;
    assert_int_equal(tare_discover(pid, &pages, &count, NULL), 0);
    free(pages);
    return count;
}

/* The path that is handed out can be opened, and leads to the header of that process. */
static void check_opens(const struct tare_found_page *page)
{
    struct tare_page header;
    int fd = open(page->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &header, sizeof header, (off_t)page->offset), sizeof header);
    assert_int_equal(header.pid, page->pid);
    close(fd);
}

static void test_finds_a_page(void **state)
{
    (void)state;
    struct child child = start(make_page, NULL);
    struct tare_found_page page = only_page(child.pid);
    char expected[64];
    snprintf(expected, sizeof expected, "/proc/%d/fd/%d", (int)child.pid, child.said);
    assert_string_equal(page.path, expected);
    assert_int_equal(page.offset, 0);
    assert_int_equal(page.limit, 8192);
    assert_false(page.in_set);
    check_opens(&page);
    stop(&child);
}

static void test_finds_it_among_all(void **state)
{
    (void)state;
    struct child first = start(make_page, NULL);
    struct child second = start(make_page, NULL);
    struct tare_found_page *pages;
    size_t count;
    size_t denied;
    assert_int_equal(tare_discover(0, &pages, &count, &denied), 0);
    size_t seen_first = 0;
    size_t seen_second = 0;
    for (size_t i = 0; i < count; i++) {
        seen_first += pages[i].pid == first.pid;
        seen_second += pages[i].pid == second.pid;
        assert_true(i == 0 || pages[i - 1].pid <= pages[i].pid);
    }
    assert_int_equal(seen_first, 1);
    assert_int_equal(seen_second, 1);
    free(pages);
    stop(&first);
    stop(&second);
}

static void test_a_duplicated_descriptor_is_one_page(void **state)
{
    (void)state;
    struct child child = start(make_page_twice, NULL);
    only_page(child.pid);
    stop(&child);
}

static void test_an_inherited_page_is_not_the_childs(void **state)
{
    (void)state;
    int fd = make_page(NULL);
    assert_true(fd >= 0);
    struct child child = start(make_nothing, NULL);
    assert_int_equal(count_pages(child.pid), 0);
    struct tare_found_page page = only_page(getpid());
    check_opens(&page);
    stop(&child);
    close(fd);
}

static void test_no_such_process(void **state)
{
    (void)state;
    struct child child = start(make_page, NULL);
    struct tare_found_page *pages;
    size_t count;
    uint64_t jiffies;
    stop(&child);
    assert_int_equal(tare_discover(child.pid, &pages, &count, NULL), -ESRCH);
    assert_null(pages);
    assert_int_equal(count, 0);
    assert_int_equal(tare_process_start_time(child.pid, &jiffies), -ESRCH);
    assert_false(tare_process_alive(child.pid, 0));
}

enum { UNIT = 65536 }; /* of the sets here: what can be mapped on its own, with any size of pages */

/* Maps one unit, for this process and the children it starts from now on. */
static void *map_unit(int fd, int number)
{
    void *at = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)number * UNIT);
    assert_true(at != MAP_FAILED);
    return at;
}

/* A set in `fd`, with `max` pages of which `next` are claimed. */
static void write_set(int fd, uint64_t stride, uint64_t max, uint64_t next)
{
    struct tare_set set = {.version = TARE_PAGE_VERSION,
                           .byte_order = TARE_BYTE_ORDER,
                           .first_offset = UNIT,
                           .stride = stride,
                           .max = max,
                           .next = next};
    memcpy(set.magic, TARE_SET_MAGIC, sizeof set.magic);
    assert_int_equal(pwrite(fd, &set, sizeof set, 0), sizeof set);
}

/* Whatever we lack, a process that is there is not told to be gone, nor to have no page. */
static void test_want_of_descriptors_is_said(void **state)
{
    (void)state;
    struct child child = start(make_page, NULL);
    struct rlimit before, few;
    uint64_t jiffies;
    bool found = false, lacked = false;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(tare_process_start_time(child.pid, &jiffies), 0);
    int next = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    assert_true(next >= 0);
    close(next);
    few = before;
    for (few.rlim_cur = (rlim_t)next; few.rlim_cur <= (rlim_t)next + 8; few.rlim_cur++) {
        struct tare_found_page *pages = NULL;
        size_t count = 0;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int result = tare_discover(child.pid, &pages, &count, NULL);
        bool alive = tare_process_alive(child.pid, jiffies);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        free(pages);
        assert_true(result == -EMFILE || (result == 0 && count == 1));
        assert_true(alive);
        lacked |= result == -EMFILE;
        found |= result == 0;
    }
    assert_true(lacked && found);
    stop(&child);
    few.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool alive = tare_process_alive(child.pid, jiffies);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(alive);
}

static void test_a_set_newest_first(void **state)
{
    (void)state;
    int fd = memfd_create(TARE_SET_MEMFD, MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 7 * UNIT), 0);
    write_set(fd, UNIT, 6, 5);
    void *mapped[] = {map_unit(fd, 1), map_unit(fd, 2), map_unit(fd, 3), map_unit(fd, 6)};
    struct child child = start(make_nothing, NULL);
    assert_int_equal(write_header(fd, 1 * UNIT, child.pid), 0);
    assert_int_equal(write_header(fd, 2 * UNIT, getpid()), 0);
    assert_int_equal(write_header(fd, 3 * UNIT, child.pid), 0);
    assert_int_equal(write_header(fd, 4 * UNIT, child.pid), 0); /* which it does not map, as after an exec */
    assert_int_equal(write_header(fd, 6 * UNIT, child.pid), 0); /* which nobody has claimed */
    struct tare_found_page *pages;
    size_t count;
    assert_int_equal(tare_discover(child.pid, &pages, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(pages[0].index, 2);
    assert_int_equal(pages[0].offset, 3 * UNIT);
    assert_int_equal(pages[0].limit, UNIT);
    assert_int_equal(pages[1].index, 0);
    assert_true(pages[0].in_set && pages[1].in_set);
    check_opens(&pages[0]);
    check_opens(&pages[1]);
    free(pages);

    /* Another process had this id before: its page is not that of the child. */
    uint64_t earlier = 1;
    assert_int_equal(
        pwrite(fd, &earlier, sizeof earlier, 3 * UNIT + (off_t)offsetof(struct tare_page, start_time_jiffies)),
        sizeof earlier);
    assert_int_equal(only_page(child.pid).index, 0);

    assert_true(tare_process_maps(child.pid, fd, 3 * UNIT));
    assert_false(tare_process_maps(child.pid, fd, 4 * UNIT));
    assert_true(tare_process_maps(child.pid, fd, TARE_MAPS_ANYWHERE));
    int other = memfd_create(TARE_SET_MEMFD, MFD_CLOEXEC);
    assert_true(other >= 0);
    assert_false(tare_process_maps(child.pid, other, TARE_MAPS_ANYWHERE));
    close(other);
    stop(&child);
    assert_false(tare_process_maps(child.pid, fd, TARE_MAPS_ANYWHERE));
    for (size_t i = 0; i < sizeof mapped / sizeof mapped[0]; i++) {
        munmap(mapped[i], UNIT);
    }
    close(fd);
}

static void test_a_damaged_set_is_passed_over(void **state)
{
    (void)state;
    int fd = memfd_create(TARE_SET_MEMFD, MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(count_pages(getpid()), 0); /* empty */
    assert_int_equal(ftruncate(fd, 3 * UNIT), 0);
    void *mapped = map_unit(fd, 1);
    assert_int_equal(write_header(fd, UNIT, getpid()), 0);
    assert_int_equal(count_pages(getpid()), 0); /* no header of a set */
    write_set(fd, 0, 2, 2);
    assert_int_equal(count_pages(getpid()), 0);
    write_set(fd, UNIT, UINT64_MAX, UINT64_MAX); /* bounded by its size */
    assert_int_equal(count_pages(getpid()), 1);
    write_set(fd, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_int_equal(count_pages(getpid()), 0);
    munmap(mapped, UNIT);
    close(fd);
}

/* Runs this program again as "hold FILE", with TARE_PAGE as given: only then it stands in /proc/PID/environ. */
struct hold {
    const char *file;
    char *environment;
};

static int hold_file(const char *file)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    return fd >= 0 && write_header(fd, 0, getpid()) == 0 ? 0 : 1;
}

static struct child start_hold(const struct hold *hold)
{
    int ready[2];
    int end[2];
    char numbers[2][16];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    struct child child = {.pid = fork(), .end = end[1]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        close(end[1]);
        snprintf(numbers[0], sizeof numbers[0], "%d", ready[1]);
        snprintf(numbers[1], sizeof numbers[1], "%d", end[0]);
        char before[] = "BEFORE=1";
        char *const environment[] = {before, hold->environment, NULL};
        execle("/proc/self/exe", "hold", hold->file, numbers[0], numbers[1], (char *)NULL, environment);
        _exit(1);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &child.said, sizeof child.said), sizeof child.said);
    close(ready[0]);
    return child;
}

static void test_a_page_in_a_file(void **state)
{
    (void)state;
    char file[] = "/tmp/tare-test-page-XXXXXX";
    char environment[64];
    int fd = mkostemp(file, O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 4096), 0);
    snprintf(environment, sizeof environment, "TARE_PAGE=%.*s%%p", 15, file);
    struct hold named = {file, environment};
    struct child child = start_hold(&named);
    struct tare_found_page page = only_page(child.pid);
    assert_int_equal(page.limit, 4096);
    check_opens(&page);
    stop(&child);

    char another[] = "TARE_PAGE=/tmp/another-name";
    struct hold other = {file, another};
    child = start_hold(&other);
    assert_int_equal(count_pages(child.pid), 0);
    stop(&child);

    char similar[] = "TARE_PAGES=x";
    struct hold none = {file, similar};
    child = start_hold(&none);
    assert_int_equal(count_pages(child.pid), 0);
    stop(&child);
    close(fd);
    unlink(file);
}

static int take_an_odd_name(void *argument)
{
    return prctl(PR_SET_NAME, argument);
}

static void test_start_time_with_an_odd_name(void **state)
{
    (void)state;
    char name[] = ") R 1 2 (3 4) Z";
    struct child plain = start(make_nothing, NULL);
    struct child odd = start(take_an_odd_name, name);
    uint64_t before;
    uint64_t after;
    assert_int_equal(tare_process_start_time(plain.pid, &before), 0);
    assert_int_equal(tare_process_start_time(odd.pid, &after), 0);
    assert_true(before > 0 && after >= before && after - before < 1000 * (uint64_t)sysconf(_SC_CLK_TCK));
    assert_true(tare_process_alive(odd.pid, after));
    assert_true(tare_process_alive(odd.pid, 0));
    assert_false(tare_process_alive(odd.pid, after + 1));
    stop(&odd);
    stop(&plain);
}

static void test_a_zombie_has_ended(void **state)
{
    (void)state;
    struct child child = start(make_page, NULL);
    uint64_t jiffies;
    siginfo_t info;
    assert_int_equal(tare_process_start_time(child.pid, &jiffies), 0);
    assert_true(tare_process_alive(child.pid, jiffies));
    tell_to_end(&child);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(tare_process_alive(child.pid, jiffies));
    struct tare_found_page *pages;
    size_t count;
    assert_int_equal(tare_discover(child.pid, &pages, &count, NULL), -ESRCH);
    assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

/* The rest of the process: says so when the main thread is gone, and ends when that has been seen. */
struct survivor {
    int ready, end;
    int said;
};

static void *survive(void *argument)
{
    struct survivor *survivor = argument;
    char path[64];
    char text[512];
    const char *state = NULL;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)getpid());
    while (state == NULL || strncmp(state, ") Z", 3) != 0) { /* main thread: pthread_exit takes a moment */
        FILE *file = fopen(path, "re");
        state = file != NULL && fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
        if (file != NULL) {
            fclose(file);
        }
    }
    char byte;
    if (write(survivor->ready, &survivor->said, sizeof survivor->said) != (ssize_t)sizeof survivor->said) {
        _exit(1);
    }
    while (read(survivor->end, &byte, 1) < 0 && errno == EINTR) {
    }
    _exit(0);
}

static void test_a_process_outlives_its_main_thread(void **state)
{
    (void)state;
    int ready[2];
    int end[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end, O_CLOEXEC), 0);
    struct child child = {.pid = fork(), .end = end[1]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        pthread_t thread;
        static struct survivor survivor;
        survivor = (struct survivor){ready[1], end[0], make_page(NULL)};
        if (survivor.said < 0 || pthread_create(&thread, NULL, survive, &survivor) != 0) {
            _exit(1);
        }
        pthread_exit(NULL);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &child.said, sizeof child.said), sizeof child.said);
    close(ready[0]);
    uint64_t jiffies;
    assert_int_equal(tare_process_start_time(child.pid, &jiffies), 0);
    assert_true(tare_process_alive(child.pid, jiffies));
    assert_false(tare_process_ended(child.pid));
    struct tare_found_page page = only_page(child.pid);
    check_opens(&page);
    tell_to_end(&child);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(tare_process_alive(child.pid, jiffies));
    assert_true(tare_process_ended(child.pid));
    assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

/* What cannot be known is no end: here, as no file can be opened. */
static void test_an_end_must_be_certain(void **state)
{
    (void)state;
    struct child child = start(make_nothing, NULL);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool ended = tare_process_ended(child.pid);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(ended);
    assert_false(tare_process_ended(child.pid));
    assert_false(tare_process_ended(0));
    assert_false(tare_process_ended(-1));
    stop(&child);
    assert_true(tare_process_ended(child.pid));
}

/* Without privileges, processes of others are counted and skipped. */
static int discover_as_nobody(void *argument)
{
    struct tare_found_page *pages;
    size_t count;
    size_t denied;
    pid_t *other = argument;
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) {
        return -1;
    }
    int result = tare_discover(*other, &pages, &count, &denied);
    free(pages);
    return result == 0 && count == 0 && denied == 1 ? 0 : -1;
}

static void test_others_are_counted(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can become somebody else\n");
        skip();
    }
    struct child child = start(make_page, NULL);
    struct child nobody = start(discover_as_nobody, &child.pid);
    stop(&nobody);
    stop(&child);
}

static void test_boot_id(void **state)
{
    (void)state;
    uint8_t id[16];
    char text[64] = "";
    char expected[64];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL) {
        print_message("skipped: no /proc/sys/kernel/random/boot_id\n");
        skip();
    }
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_int_equal(tare_boot_id(id), 0);
    size_t used = 0;
    for (size_t i = 0; i < 16; i++) {
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%02x",
                                 i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    }
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, expected);
}

/* Names, as programs and systems make them: the kernel's, the executable, the arguments, and what it is called. */
static void names_are_those_that_were_started(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *executable, *command;
        size_t size;
        const char *name;
    } cases[] = {
        {"redis-server", "/usr/bin/redis-check-rdb", "redis-server\0--port\0001", 21, "redis-server"},
        {"redis-server", "/usr/bin/redis-check-rdb", "/usr/bin/redis-server *:6379", 29, "redis-server"},
        {"nginx", "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx", 38, "nginx"},
        {"bash", "/usr/bin/bash", "-bash", 6, "bash"},
        {"python3", "/usr/bin/python3.11", "python3\0foo.py", 15, "python3"},
        {"foo.py", "/usr/bin/python3.11", "/usr/bin/python3\0./foo.py", 26, "foo.py"},
        {"foo.py", "/usr/bin/python3.11", "/usr/bin/python3\0-u\0./foo.py", 29, "foo.py"},
        {"a-name-that-is-", "/opt/a-name-that-is-long", "./a-name-that-is-long", 22, "a-name-that-is-long"},
        {"MainThread", "/usr/bin/java", "java\0-jar\0x.jar", 16, "java"},
        {"ls", "/bin/busybox", "ls\0-l", 6, "ls"},
        {"My App", "/opt/My App/My App", "/opt/My App/My App", 19, "My App"},
        {"renamed", "/usr/bin/worker", "worker: idle, for a while", 26, "worker"},
        {"", "/usr/bin/redis-check-rdb", "redis-server", 13, "redis-server"},
        {"", "/usr/bin/thing", "", 0, "thing"},
        {"kernels", "", "", 0, "kernels"},
        {"", "", "", 0, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tare_process_names names;
        tare__process_names_from(cases[i].kernel, cases[i].executable, cases[i].command, cases[i].size, &names);
        assert_string_equal(names.name, cases[i].name);
    }
    struct tare_process_names names;
    tare__process_names_from("redis-server", "/usr/bin/redis-check-rdb", "redis-server", 13, &names);
    assert_true(tare_process_names_match(&names, "redis-s*"));
    assert_true(tare_process_names_match(&names, "redis-check-rdb"));
    assert_false(tare_process_names_match(&names, "redis"));
    tare__process_names_from("", "", "", 0, &names);
    assert_false(tare_process_names_match(&names, "*"));
    tare_process_names_of(getpid(), "/x/y", "y", 2, &names);
    assert_true(names.kernel[0] != '\0' && strchr(names.kernel, '\n') == NULL);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[0], "hold") == 0) {
        int said = hold_file(argv[1]);
        char byte;
        if (said != 0 || write(atoi(argv[2]), &said, sizeof said) != (ssize_t)sizeof said) {
            return 1;
        }
        return read(atoi(argv[3]), &byte, 1) >= 0 ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_that_were_started),
        cmocka_unit_test(test_finds_a_page),
        cmocka_unit_test(test_finds_it_among_all),
        cmocka_unit_test(test_a_duplicated_descriptor_is_one_page),
        cmocka_unit_test(test_an_inherited_page_is_not_the_childs),
        cmocka_unit_test(test_no_such_process),
        cmocka_unit_test(test_want_of_descriptors_is_said),
        cmocka_unit_test(test_a_set_newest_first),
        cmocka_unit_test(test_a_damaged_set_is_passed_over),
        cmocka_unit_test(test_a_page_in_a_file),
        cmocka_unit_test(test_start_time_with_an_odd_name),
        cmocka_unit_test(test_a_zombie_has_ended),
        cmocka_unit_test(test_a_process_outlives_its_main_thread),
        cmocka_unit_test(test_an_end_must_be_certain),
        cmocka_unit_test(test_others_are_counted),
        cmocka_unit_test(test_boot_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
