/* SPDX-License-Identifier: MIT */
/* suites/syscalls/layers/rawposix.h: each call does what it says, with a file, a pipe, a directory, the time. */
#include "cage_calls.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static void a_file_is_written_and_read(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    int64_t fd = open_in(cage, "/file", LIND_O_CREAT | LIND_O_EXCL | 2);
    assert_int_equal(fd, 0);
    assert_int_equal(open_in(cage, "file", LIND_O_CREAT | LIND_O_EXCL | 2), -EEXIST);
    assert_int_equal(call(cage, LIND_WRITE, 0, text_in(cage, 2, "0123456789"), 10), 10);
    assert_int_equal(call(cage, LIND_PWRITE, 0, text_in(cage, 2, "ab"), 2, 4), 2);
    assert_int_equal(call(cage, LIND_LSEEK, 0, ARG(-9), SEEK_END), 1);
    assert_int_equal(call(cage, LIND_READ, 0, area(3), 100), 9);
    assert_memory_equal(area_at(cage, 3), "123ab6789", 9);
    assert_int_equal(call(cage, LIND_PREAD, 0, area(3), 3, 3), 3);
    assert_memory_equal(area_at(cage, 3), "3ab", 3);
    assert_int_equal(call(cage, LIND_READ, 0, area(3), 1), 0);
    assert_int_equal(call(cage, LIND_PREAD, 0, area(3), 3, ARG(-1)), -EINVAL);
    assert_int_equal(call(cage, LIND_LSEEK, 0, 0, 99), -EINVAL);
    assert_int_equal(call(cage, LIND_FTRUNCATE, 0, 4), 0);
    assert_int_equal(call(cage, LIND_FSYNC, 0), 0);
    assert_int_equal(call(cage, LIND_FDATASYNC, 0), 0);

    struct lind_stat stat;
    assert_int_equal(call(cage, LIND_FSTAT, 0, area(4) + 3), 0); /* unaligned */
    memcpy(&stat, (char *)area_at(cage, 4) + 3, sizeof stat);
    assert_int_equal(stat.size_bytes, 4);
    assert_int_equal(stat.mode & S_IFMT, S_IFREG);
    assert_int_equal(stat.links, 1);
    assert_int_equal(call(cage, LIND_FDMODE, 0), stat.mode);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    assert_in_range(stat.modified_ns / NS_PER_S, now.tv_sec - 100, now.tv_sec + 1);
    assert_int_equal(call(cage, LIND_STAT, text_in(cage, 1, "/./file"), area(4)), 0);
    assert_int_equal(((struct lind_stat *)area_at(cage, 4))->inode, stat.inode);

    assert_int_equal(close_in(cage, 0), 0);
    assert_int_equal(close_in(cage, 0), -EBADF);
    assert_int_equal(call(cage, LIND_READ, 0, area(3), 1), -EBADF);
    assert_int_equal(call(cage, LIND_READ, ARG(-1), area(3), 1), -EBADF);
    assert_int_equal(call(cage, LIND_FSTAT, 1023, area(3)), -EBADF);
    fd = open_in(cage, "file", 0);
    assert_int_equal(call(cage, LIND_WRITE, (uint64_t)fd, area(2), 1),
                     -EBADF); /* the kernel's: not for writing */
}

static void vectors(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    int64_t fd = open_in(cage, "file", LIND_O_CREAT | 2);
    struct lind_iovec *vector = area_at(cage, 4);
    vector[0] = (struct lind_iovec){(uint32_t)text_in(cage, 2, "hello "), 6};
    vector[1] = (struct lind_iovec){0, 0};
    vector[2] = (struct lind_iovec){(uint32_t)text_in(cage, 3, "world"), 5};
    assert_int_equal(call(cage, LIND_WRITEV, (uint64_t)fd, area(4), 3), 11);
    assert_int_equal(call(cage, LIND_PWRITEV, (uint64_t)fd, area(4), 1, 11), 6);
    vector[0] = (struct lind_iovec){(uint32_t)area(5), 8};
    vector[1] = (struct lind_iovec){(uint32_t)area(6), 100};
    assert_int_equal(call(cage, LIND_PREADV, (uint64_t)fd, area(4), 2, 0), 17);
    assert_memory_equal(area_at(cage, 5), "hello wo", 8);
    assert_memory_equal(area_at(cage, 6), "rldhello ", 9);
    assert_int_equal(call(cage, LIND_LSEEK, (uint64_t)fd, 15, SEEK_SET), 15);
    assert_int_equal(call(cage, LIND_READV, (uint64_t)fd, area(4), 2), 2);
    assert_int_equal(call(cage, LIND_READV, (uint64_t)fd, area(4), 0), 0);
    assert_int_equal(call(cage, LIND_READV, (uint64_t)fd, area(4), LIND_IOV_MAX + 1), -EINVAL);
    assert_int_equal(call(cage, LIND_PREADV, (uint64_t)fd, area(4), 2, ARG(-1)), -EINVAL);
    vector[1] = (struct lind_iovec){CAGE_BYTES - 10, 11};
    assert_int_equal(call(cage, LIND_READV, (uint64_t)fd, area(4), 2), -EFAULT);
    vector[1] = (struct lind_iovec){UINT32_MAX, UINT32_MAX};
    assert_int_equal(call(cage, LIND_WRITEV, (uint64_t)fd, area(4), 2), -EFAULT);
}

static void numbers_of_descriptors(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(open_in(cage, "a", LIND_O_CREAT | LIND_O_CLOEXEC | LIND_O_APPEND | 1), 0);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 1), 1);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 3), LIND_O_APPEND | 1);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 4, LIND_O_NONBLOCK), 0);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 3), LIND_O_NONBLOCK | 1);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 2, 0), 0);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 1), 0);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 1030, 10), 10);
    assert_int_equal(call(cage, LIND_FCNTL, 10, 1), 1);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 0, 10), 11);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 0, 1024), -EINVAL);
    assert_int_equal(call(cage, LIND_FCNTL, 0, 1031), -EINVAL);
    assert_int_equal(call(cage, LIND_FCNTL, 5, 1031), -EBADF);
    assert_int_equal(call(cage, LIND_DUP, 0), 1);
    assert_int_equal(call(cage, LIND_DUP2, 0, 0), 0);
    assert_int_equal(call(cage, LIND_DUP2, 0, 1), 1);
    assert_int_equal(call(cage, LIND_DUP3, 0, 0, 0), -EINVAL);
    assert_int_equal(call(cage, LIND_DUP3, 0, 2, LIND_O_CLOEXEC), 2);
    assert_int_equal(call(cage, LIND_DUP3, 0, 2, 1), -EINVAL);
    assert_int_equal(call(cage, LIND_FCNTL, 2, 1), 1);
    assert_int_equal(call(cage, LIND_RENUMBER, 0, 2), 0);
    assert_int_equal(close_in(cage, 0), -EBADF);
    assert_int_equal(call(cage, LIND_DUP2, 2, 1024), -EBADF);
    for (int i = 0; i < LIND_FDS_MAX; i++) {
        call(cage, LIND_DUP, 2);
    }
    assert_int_equal(call(cage, LIND_DUP, 2), -EMFILE);
    assert_int_equal(open_in(cage, "a", 0), -EMFILE);
    assert_int_equal(call(cage, LIND_PIPE, area(2)), -EMFILE);
    close_in(cage, 500);
    assert_int_equal(call(cage, LIND_PIPE, area(2)), -EMFILE); /* half a pipe is none */
    assert_int_equal(call(cage, LIND_DUP, 2), 500);
}

static void a_pipe(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_PIPE2, area(2) + 1, LIND_O_NONBLOCK | LIND_O_CLOEXEC), 0);
    int32_t fds[2];
    memcpy(fds, (char *)area_at(cage, 2) + 1, sizeof fds);
    assert_int_equal(fds[0], 0);
    assert_int_equal(fds[1], 1);
    assert_int_equal(call(cage, LIND_READ, 0, area(3), 10), -EAGAIN);

    struct lind_pollfd *polled = area_at(cage, 4);
    polled[0] = (struct lind_pollfd){.fd = 0, .events = 1};
    polled[1] = (struct lind_pollfd){.fd = 1, .events = 4};
    polled[2] = (struct lind_pollfd){.fd = -5, .events = 1};
    assert_int_equal(call(cage, LIND_POLL, area(4), 3, ARG(-1)), 1);
    assert_int_equal(polled[0].revents, 0);
    assert_int_equal(polled[1].revents, 4);
    assert_int_equal(call(cage, LIND_POLL, area(4), 1, 1), 0);
    assert_int_equal(call(cage, LIND_POLL_NS, area(4), 1, 1000), 0);
    polled[2].fd = 77;
    assert_int_equal(call(cage, LIND_POLL_NS, area(4), 3, ARG(-1)), 2);
    assert_int_equal(polled[2].revents, 32);
    assert_int_equal(call(cage, LIND_POLL, area(4), LIND_FDS_MAX + 1, 0), -EINVAL);
    assert_int_equal(call(cage, LIND_POLL, UINT64_MAX, 0, 0), 0); /* nothing is read there */
    assert_int_equal(call(cage, LIND_POLL, 0, 0, 0), 0);

    assert_int_equal(call(cage, LIND_WRITE, 1, text_in(cage, 3, "x"), 1), 1);
    assert_int_equal(call(cage, LIND_POLL, area(4), 1, ARG(-1)), 1);
    assert_int_equal(polled[0].revents, 1);
    assert_int_equal(close_in(cage, 0), 0);
    assert_int_equal(call(cage, LIND_WRITE, 1, area(3), 1), -EPIPE); /* and we live */
    assert_int_equal(call(cage, LIND_PIPE2, area(2), LIND_O_APPEND), -EINVAL);
}

static void a_directory_is_listed(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    enum { ENTRIES = 500 };
    for (int i = 0; i < ENTRIES; i++) {
        char name[32];
        snprintf(name, sizeof name, "entry-%03d", i);
        assert_int_equal(close_in(cage, open_in(cage, name, LIND_O_CREAT | 1)), 0);
    }
    int64_t fd = open_in(cage, "/", LIND_O_DIRECTORY);
    assert_int_equal(fd, 0);
    bool seen[ENTRIES] = {false};
    int dots = 0;
    uint64_t cookie = 0;
    for (;;) {
        enum { SIZE = 1000 };
        int64_t got = call(cage, LIND_READDIR, 0, area(2), SIZE, cookie);
        assert_in_range(got, 0, SIZE);
        const char *at = area_at(cage, 2);
        const char *end = at + got;
        struct lind_dirent entry;
        while ((size_t)(end - at) >= sizeof entry) {
            memcpy(&entry, at, sizeof entry);
            at += sizeof entry;
            if (entry.name_bytes > (size_t)(end - at)) {
                break; /* cut */
            }
            char name[16] = "";
            memcpy(name, at, entry.name_bytes < sizeof name ? entry.name_bytes : 0);
            at += entry.name_bytes;
            cookie = entry.next;
            int number;
            if (sscanf(name, "entry-%d", &number) == 1) {
                assert_false(seen[number]);
                assert_int_equal(entry.type, DT_REG);
                seen[number] = true;
            } else {
                dots++;
                assert_int_equal(entry.type, DT_DIR);
            }
        }
        if (got < SIZE) {
            break;
        }
    }
    assert_int_equal(dots, 2);
    for (int i = 0; i < ENTRIES; i++) {
        assert_true(seen[i]);
    }
    assert_int_equal(call(cage, LIND_LSEEK, 0, 0, 0), 0);
    int total = 0;
    int64_t got;
    while ((got = call(cage, LIND_GETDENTS, 0, area(2), 4096)) > 0) {
        for (int64_t at = 0; at < got; total++) {
            uint16_t length;
            memcpy(&length, (char *)area_at(cage, 2) + at + 16, sizeof length);
            at += length;
        }
    }
    assert_int_equal(got, 0);
    assert_int_equal(total, ENTRIES + 2);
    assert_int_equal(call(cage, LIND_LSEEK, 0, 0, 0), 0);
    assert_int_equal(call(cage, LIND_GETDENTS, 0, area(2), 4), -EINVAL);
    int64_t file = open_in(cage, "entry-001", 0);
    assert_int_equal(call(cage, LIND_READDIR, (uint64_t)file, area(2), 100, 0), -ENOTDIR);
}

static void times_are_set(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    int64_t fd = open_in(cage, "file", LIND_O_CREAT | 2);
    struct lind_stat *stat = area_at(cage, 4);
    assert_int_equal(call(cage, LIND_FUTIMENS, (uint64_t)fd, 1500000000, ARG(-1)), 0);
    assert_int_equal(call(cage, LIND_FSTAT, (uint64_t)fd, area(4)), 0);
    assert_int_equal(stat->accessed_ns, 1500000000);
    assert_int_equal(stat->modified_ns, -1);
    text_in(cage, 1, "file");
    assert_int_equal(
        call(cage, LIND_PATH_UTIMENS, ARG(LIND_AT_ROOT), area(1), 4, (uint64_t)LIND_TIME_OMIT, 3 * NS_PER_S, 0),
        0);
    assert_int_equal(call(cage, LIND_FSTAT, (uint64_t)fd, area(4)), 0);
    assert_int_equal(stat->accessed_ns, 1500000000);
    assert_int_equal(stat->modified_ns, 3 * NS_PER_S);
    struct lind_timespec *times = area_at(cage, 3);
    times[0] = (struct lind_timespec){.seconds = 5, .nanoseconds = 6, .unused = 0xdeadbeef};
    times[1] = (struct lind_timespec){.seconds = 1, .nanoseconds = UTIME_NOW};
    assert_int_equal(call(cage, LIND_UTIMENSAT, ARG(LIND_AT_ROOT), area(1), area(3), 0), 0);
    assert_int_equal(call(cage, LIND_FSTAT, (uint64_t)fd, area(4)), 0);
    assert_int_equal(stat->accessed_ns, 5 * NS_PER_S + 6);
    assert_true(stat->modified_ns > 1000000000 * NS_PER_S);
    assert_int_equal(call(cage, LIND_UTIMENSAT, (uint64_t)fd, 0, area(3), 0), 0);
    times[0].nanoseconds = 1000000000;
    assert_int_equal(call(cage, LIND_UTIMENSAT, (uint64_t)fd, 0, area(3), 0), -EINVAL);
    times[0] = (struct lind_timespec){.seconds = INT64_MAX};
    assert_int_equal(call(cage, LIND_UTIMENSAT, (uint64_t)fd, 0, area(3), 0), -EINVAL);
}

static void nothing(int number)
{
    (void)number;
}

static void time_passes(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    struct lind_timespec *time = area_at(cage, 2);
    memset(time, 0xff, 2 * sizeof(*time));
    assert_int_equal(call(cage, LIND_CLOCK_GETTIME, CLOCK_MONOTONIC, area(2)), 0);
    int64_t before = time->seconds * NS_PER_S + time->nanoseconds;
    assert_int_equal(time->unused, 0);
    int64_t after = call(cage, LIND_CLOCK_NS, CLOCK_MONOTONIC);
    assert_true(after >= before && after < before + 100 * NS_PER_S);
    assert_int_equal(call(cage, LIND_CLOCK_GETRES, CLOCK_REALTIME, area(2)), 0);
    assert_int_equal(call(cage, LIND_CLOCK_GETRES, CLOCK_REALTIME, 0), 0);
    assert_true(call(cage, LIND_CLOCK_RES_NS, CLOCK_REALTIME) > 0);
    const int none[] = {-1, -2, 8, 100, INT32_MIN, (3 << 3) | 3}; /* the last one: of a descriptor, inverted */
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(call(cage, LIND_CLOCK_NS, ARG(none[i])), -EINVAL);
        assert_int_equal(call(cage, LIND_CLOCK_GETTIME, ARG(none[i]), area(2)), -EINVAL);
        assert_int_equal(call(cage, LIND_SLEEP_NS, ARG(none[i]), 0, 0), -EINVAL);
    }

    *time = (struct lind_timespec){.nanoseconds = 2000000};
    before = call(cage, LIND_CLOCK_NS, CLOCK_MONOTONIC);
    assert_int_equal(call(cage, LIND_NANOSLEEP, area(2), 0), 0);
    assert_int_equal(call(cage, LIND_SLEEP_NS, CLOCK_MONOTONIC, 1000000, 0), 0);
    assert_int_equal(call(cage, LIND_SLEEP_NS, CLOCK_MONOTONIC, (uint64_t)before + 4000000, 1), 0);
    after = call(cage, LIND_CLOCK_NS, CLOCK_MONOTONIC);
    assert_true(after - before >= 4000000);
    assert_int_equal(call(cage, LIND_SLEEP_NS, CLOCK_MONOTONIC, ARG(-1), 0), -EINVAL);
    time->nanoseconds = 1000000000;
    assert_int_equal(call(cage, LIND_NANOSLEEP, area(2), 0), -EINVAL);

    /* What would last for ever is ended by a signal. */
    struct sigaction action = {.sa_handler = nothing}, old;
    sigaction(SIGALRM, &action, &old);
    struct itimerval timer = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
    setitimer(ITIMER_REAL, &timer, NULL);
    *time = (struct lind_timespec){.seconds = INT64_MAX};
    assert_int_equal(call(cage, LIND_NANOSLEEP, area(2), area(3)), -EINTR);
    assert_true(((struct lind_timespec *)area_at(cage, 3))->seconds > 1000);
    assert_int_equal(call(cage, LIND_POLL, 0, 0, ARG(-1)), -EINTR);
    assert_int_equal(call(cage, LIND_PIPE, area(2)), 0);
    assert_int_equal(call(cage, LIND_READ, 0, area(3), 1), -EINTR);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    sigaction(SIGALRM, &old, NULL);
}

static void null_calls(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_GETEUID), geteuid());
    assert_int_equal(call(cage, LIND_GETPID), cage->id);
    assert_int_equal(call(cage, LIND_GETPPID), 0);
    struct cage *child = cage_fork(cage);
    assert_int_equal(call(child, LIND_GETPPID), cage->id);
    cage_hold(child);
    cage_end(child);
    assert_int_equal(call(child, LIND_GETPID), -ESRCH);
    cage_put(child);
    assert_int_equal(call(cage, LIND_SCHED_YIELD), 0);
    memset(area_at(cage, 2), 0, 1000);
    assert_int_equal(call(cage, LIND_GETRANDOM, area(2), 1000, 0), 1000);
    int zeros = 0;
    for (int i = 0; i < 1000; i++) {
        zeros += ((char *)area_at(cage, 2))[i] == 0;
    }
    assert_true(zeros < 100);
    assert_int_equal(call(cage, LIND_GETRANDOM, area(2), 10, 64), -EINVAL);
    assert_int_equal(call(cage, LIND_FORK), -ENOSYS);
    assert_int_equal(call(cage, LIND_EXIT), -ENOSYS);
    assert_int_equal(call(cage, 511), -ENOSYS);
    assert_int_equal(call(cage, 512), -ENOSYS);
    assert_int_equal(call(cage, UINT32_MAX), -ENOSYS);
    assert_string_equal(rawposix_call_name(LIND_CLOSE), "close");
    assert_null(rawposix_call_name(LIND_FORK));
    assert_null(rawposix_call_name(UINT32_MAX));
}

/* A grate makes a call for another cage: descriptors are that one's, the buffer is its own. */
static void a_buffer_of_another_cage(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    struct cage *grate = cage_with_memory(0);
    assert_int_equal(open_in(cage, "file", LIND_O_CREAT | 2), 0);
    memcpy(area_at(grate, 5), "grate", 5);
    memcpy(area_at(cage, 5), "cage!", 5);
    struct lind_request request = {.number = LIND_WRITE,
                                   .caller = cage->id,
                                   .args = {0, area(5), 5},
                                   .from = {cage->id, grate->id, cage->id, 0, 0, 0}};
    assert_int_equal(rawposix_call(&request, NULL), 5);
    assert_int_equal(call(cage, LIND_PREAD, 0, area(6), 5, 0), 5);
    assert_memory_equal(area_at(cage, 6), "grate", 5);
    /* Nothing of what was held for it is held still. */
    cage_hold(grate);
    cage_end(grate);
    assert_int_equal(rawposix_call(&request, NULL), -EFAULT);
    assert_int_equal(cage_count(), 2);
    cage_put(grate);
    assert_int_equal(cage_count(), 1);
}

static void descriptors_of_the_host(void **state)
{
    struct cage_test *test = *state;
    struct cage *cage = test->cage;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(rawposix_adopt(cage, ends[1]), 0);
    assert_int_equal(rawposix_lend(cage, ends[1]), 1);
    assert_int_equal(call(cage, LIND_WRITE, 0, text_in(cage, 2, "ab"), 1), 1);
    assert_int_equal(call(cage, LIND_WRITE, 1, area(2) + 1, 1), 1);
    assert_int_equal(close_in(cage, 0), 0);
    assert_int_equal(close_in(cage, 1), 0);
    assert_int_equal(write(ends[1], "c", 1), 1); /* ours is open */
    char text[4] = "";
    assert_int_equal(read(ends[0], text, 3), 3);
    assert_string_equal(text, "abc");
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(rawposix_adopt(cage, ends[0]), -EBADF);
    assert_int_equal(rawposix_open_root(cage), 0);
    assert_int_equal(call(cage, LIND_FDMODE, 0) & S_IFMT, S_IFDIR);
    assert_int_equal(rawposix_set_root(cage, "/nowhere/at/all"), -ENOENT);
    assert_true(cage->root_fd >= 0);
}

static void a_cage_without_files(void **state)
{
    (void)state;
    struct cage *cage = cage_with_memory(0);
    assert_int_equal(open_in(cage, "/", 0), -ENOENT);
    assert_int_equal(rawposix_open_root(cage), -ENOENT);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "/x"), 0755), -ENOENT);
    assert_int_equal(call(cage, LIND_PIPE, area(2)), 0);
    cage_end(cage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cage_test_set_up, cage_test_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_written_and_read),
        TEST(vectors),
        TEST(numbers_of_descriptors),
        TEST(a_pipe),
        TEST(a_directory_is_listed),
        TEST(times_are_set),
        TEST(time_passes),
        TEST(null_calls),
        TEST(a_buffer_of_another_cage),
        TEST(descriptors_of_the_host),
        TEST(a_cage_without_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
