/* SPDX-License-Identifier: MIT */
/*
 * record/lock.h, between processes: who has it, who waits, and what frees it; and what in the place of its
 * file is not taken for a lock. Forks and no threads, so every process is told what to do through pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/lock.h"

static char folder[64], path[128]; /* new for each test */

/* A process that has the lock, until its standard input ends. */
struct other {
    pid_t pid;
    int input; /* what we write to, or close */
    int output;
};

static char read_byte(int fd)
{
    char byte = 0;
    ssize_t got;
    do {
        got = read(fd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? byte : 0;
}

static void write_byte(int fd, char byte)
{
    assert_int_equal(write(fd, &byte, 1), 1);
}

/* Runs `work` in another process, with pipes to and from it. */
static struct other start(void (*work)(int input, int output))
{
    int to[2], from[2];
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    struct other other = {.pid = fork(), .input = to[1], .output = from[0]};
    assert_true(other.pid >= 0);
    if (other.pid == 0) {
        alarm(50); /* a test that fails leaves nobody behind */
        close(to[1]);
        close(from[0]);
        work(to[0], from[1]);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    return other;
}

static int finish(struct other *other)
{
    int status;
    close(other->input);
    close(other->output);
    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    return status;
}

static int take(struct tare_lock *lock, const char *mark)
{
    return tare_lock_take(lock, path, "tare test", mark, false, NULL, NULL);
}

/*
 * Says 'h' when it has the lock, and gives it back when it is told something; ends without that at the end of
 * input.
 */
static void hold(int input, int output)
{
    struct tare_lock lock;
    int error = tare_lock_take(&lock, path, "tare run ./a\x1b\nb", NULL, false, NULL, NULL);
    if (error != 0) {
        _exit(1);
    }
    write_byte(output, 'h');
    if (read_byte(input) != 0) {
        tare_lock_release(&lock);
        write_byte(output, 'r');
        read_byte(input);
    }
}

static struct other start_holder(void)
{
    struct other holder = start(hold);
    assert_int_equal(read_byte(holder.output), 'h');
    return holder;
}

/* Whether the lock is free for somebody who knows nothing of us. */
static bool is_free(void)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    bool is = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is;
}

/* What the one who waits hears. */
struct heard {
    unsigned times;
    struct tare_lock_holder holder;
    struct other *other;
    void (*act)(struct other *other);
    double waited_s;
};

static void listen(void *data, const struct tare_lock_holder *holder, double waited_s)
{
    struct heard *heard = data;
    heard->times++;
    heard->holder = *holder;
    heard->waited_s = waited_s;
    if (heard->act != NULL) {
        heard->act(heard->other);
    }
}

static void test_taken_and_given_back(void **state)
{
    (void)state;
    struct tare_lock lock;
    assert_int_equal(take(&lock, NULL), 0);
    assert_true(lock.held);
    assert_false(lock.nested);
    assert_string_equal(lock.path, path);
    assert_int_equal(strspn(lock.mark, "0123456789abcdef"), TARE_LOCK_MARK - 1);
    assert_false(is_free());
    struct tare_lock second;
    assert_int_equal(take(&second, NULL), -EBUSY);
    tare_lock_release(&second);
    tare_lock_release(&lock);
    assert_false(lock.held);
    assert_true(is_free());
    tare_lock_release(&lock);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void test_all_users_may_use_the_file(void **state)
{
    (void)state;
    struct tare_lock lock;
    struct stat status;
    mode_t before = umask(077);
    assert_int_equal(take(&lock, NULL), 0);
    assert_int_equal(umask(before), 077); /* as it was */
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    tare_lock_release(&lock);
}

static void let_go(struct other *other)
{
    write_byte(other->input, 'x');
}

static void kill_it(struct other *other)
{
    kill(other->pid, SIGKILL);
}

static void check_wait(void (*act)(struct other *other))
{
    struct other holder = start_holder();
    struct heard heard = {.other = &holder, .act = act};
    struct tare_lock lock;
    assert_int_equal(tare_lock_take(&lock, path, "tare test", NULL, false, listen, &heard), 0);
    assert_int_equal(heard.times, 1);
    assert_int_equal(heard.holder.pid, holder.pid);
    assert_string_equal(heard.holder.command, "tare run ./a?"); /* one line, and nothing a terminal obeys */
    assert_true(lock.held);
    tare_lock_release(&lock);
    finish(&holder);
}

static void test_the_next_gets_it_when_it_is_given_back(void **state)
{
    (void)state;
    check_wait(let_go);
}

static void test_the_next_gets_it_when_the_holder_is_killed(void **state)
{
    (void)state;
    check_wait(kill_it);
}

/* Lets go when it has heard twice, so that a second must have gone by. */
static void let_go_later(void *data, const struct tare_lock_holder *holder, double waited_s)
{
    struct heard *heard = data;
    listen(data, holder, waited_s);
    if (heard->times == 2) {
        let_go(heard->other);
    }
}

static void test_word_each_second(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    print_message("skipped: tsan runs handlers only when the interrupted call has returned\n");
    skip();
#endif
    struct other holder = start_holder();
    struct heard heard = {.other = &holder};
    struct tare_lock lock;
    struct sigaction ignored = {.sa_handler = SIG_IGN}, before, after;
    sigset_t blocked, mask_before, mask_after;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM); /* as somebody might have left it to us */
    sigprocmask(SIG_BLOCK, &blocked, &mask_before);
    sigaction(SIGALRM, &ignored, &before);
    assert_int_equal(tare_lock_take(&lock, path, "tare test", NULL, true, let_go_later, &heard), 0);
    sigaction(SIGALRM, &before, &after);
    sigprocmask(SIG_SETMASK, &mask_before, &mask_after);
    assert_true(heard.times >= 2);
    assert_true(heard.waited_s >= 0.9);
    assert_true(after.sa_handler == SIG_IGN);
    assert_true(sigismember(&mask_after, SIGALRM));
    tare_lock_release(&lock);
    finish(&holder);
}

static void do_nothing(int signal)
{
    (void)signal;
}

static void alarm_us(void *data, const struct tare_lock_holder *holder, double waited_s)
{
    (void)data;
    (void)holder;
    (void)waited_s;
    const struct sigaction action = {.sa_handler = do_nothing};
    sigaction(SIGUSR1, &action, NULL);
    pid_t self = getpid();
    if (fork() == 0) { /* again and again: the first may come before the wait */
        while (getppid() == self && kill(self, SIGUSR1) == 0) {
            usleep(1000);
        }
        _exit(0);
    }
}

static void wait_and_be_interrupted(int input, int output)
{
    (void)input;
    struct tare_lock lock;
    int error = tare_lock_take(&lock, path, "tare test", NULL, false, alarm_us, NULL);
    write_byte(output, error == -EINTR && !lock.held ? 'i' : '?');
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct other holder = start_holder();
    struct other waiting = start(wait_and_be_interrupted);
    assert_int_equal(read_byte(waiting.output), 'i');
    finish(&waiting);
    finish(&holder);
}

/* Ends at once; its child, which calls no exec, ends with the input. */
static void leave_a_child(int input, int output)
{
    struct tare_lock lock;
    if (tare_lock_take(&lock, path, "tare test", NULL, false, NULL, NULL) != 0) {
        _exit(1);
    }
    if (fork() == 0) {
        setsid();
        write_byte(output, 'h');
        read_byte(input);
        _exit(0);
    }
    kill(getpid(), SIGKILL);
}

static void test_a_child_that_lives_on_does_not_keep_it(void **state)
{
    (void)state;
    struct other other = start(leave_a_child);
    assert_int_equal(read_byte(other.output), 'h');
    int status;
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
    assert_true(WIFSIGNALED(status));
    assert_true(is_free());
    close(other.input);
    close(other.output);
}

static void test_who_is_measured_by_the_holder_does_not_wait(void **state)
{
    (void)state;
    struct tare_lock lock;
    struct other holder = start_holder();
    char line[64] = "", mark[TARE_LOCK_MARK];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, line, sizeof line - 1) > TARE_LOCK_MARK);
    close(fd);
    snprintf(mark, sizeof mark, "%.16s", line);
    assert_int_equal(take(&lock, mark), 0);
    assert_true(lock.nested);
    assert_false(lock.held);
    assert_false(is_free());
    tare_lock_release(&lock);
    assert_false(is_free());
    /* A mark of somebody else, and none at all, wait. */
    struct heard heard = {.other = &holder, .act = let_go};
    assert_int_equal(tare_lock_take(&lock, path, "x", "0123456789abcdef", false, listen, &heard), 0);
    assert_int_equal(heard.times, 1);
    assert_true(lock.held);
    tare_lock_release(&lock);
    finish(&holder);
    /* The mark of one who has ended is as good as none. */
    assert_int_equal(take(&lock, mark), 0);
    assert_true(lock.held);
    tare_lock_release(&lock);
}

static void remove_it(struct other *other)
{
    assert_int_equal(unlink(path), 0);
    let_go(other);
}

static void test_a_file_that_was_removed_locks_nobody_out(void **state)
{
    (void)state;
    struct other holder = start_holder();
    struct heard heard = {.other = &holder, .act = remove_it};
    struct tare_lock lock;
    assert_int_equal(tare_lock_take(&lock, path, "tare test", NULL, false, listen, &heard), 0);
    assert_false(is_free()); /* that of this name */
    tare_lock_release(&lock);
    finish(&holder);
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void assert_untouched(const char *name, const char *text)
{
    char found[64] = "";
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, found, sizeof found - 1) >= 0);
    close(fd);
    assert_string_equal(found, text);
}

static void test_what_is_no_lock_is_left_alone(void **state)
{
    (void)state;
    struct tare_lock lock;
    char victim[128];
    snprintf(victim, sizeof victim, "%s/victim", folder);
    put(victim, "dear data");
    assert_int_equal(symlink(victim, path), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_string_equal(lock.path, path); /* for the message */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(victim, path), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_int_equal(unlink(path), 0);
    assert_untouched(victim, "dear data");
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_int_equal(rmdir(path), 0);
    put(path, "");
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/nonexistent/file", path), 0);
    assert_int_equal(take(&lock, NULL), -EPERM);
    assert_false(lock.held);
    assert_int_equal(unlink(path), 0);
}

static void test_odd_lines_in_the_file(void **state)
{
    (void)state;
    static const char *const lines[] = {"",
                                        "\n",
                                        "0123456789abcdef\n",
                                        "0123456789abcdef x y\n",
                                        "0123456789abcdef -1 y\n",
                                        "not ours at all\n",
                                        "0123456789abcdef 99999999999999999999 y\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct other holder = start_holder();
        put(path, lines[i]);
        struct heard heard = {.other = &holder, .act = let_go};
        struct tare_lock lock;
        assert_int_equal(tare_lock_take(&lock, path, "x", "", false, listen, &heard), 0);
        assert_true(lock.held && !lock.nested);
        assert_true(heard.holder.pid >= 0);
        tare_lock_release(&lock);
        finish(&holder);
    }
}

static void test_the_default_is_where_all_users_can_write(void **state)
{
    (void)state;
    static const char *const folders[] = {"/run/lock", "/var/lock", "/tmp"};
    char found[TARE_LOCK_PATH], expected[TARE_LOCK_PATH] = "";
    struct stat status;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && expected[0] == '\0'; i++) {
        if (stat(folders[i], &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & 01003) == 01003) {
            snprintf(expected, sizeof expected, "%s/tare.lock", folders[i]);
        }
    }
    if (expected[0] == '\0') {
        assert_int_equal(tare_lock_default_path(found), -ENOENT);
    } else {
        assert_int_equal(tare_lock_default_path(found), 0);
        assert_string_equal(found, expected);
    }
}

static void test_a_path_that_cannot_be(void **state)
{
    (void)state;
    struct tare_lock lock;
    char name[2 * TARE_LOCK_PATH];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(tare_lock_take(&lock, name, "x", NULL, false, NULL, NULL), -ENAMETOOLONG);
    snprintf(name, sizeof name, "%s/none/lock", folder);
    assert_int_equal(tare_lock_take(&lock, name, "x", NULL, false, NULL, NULL), -ENOENT);
    assert_false(lock.held);
    tare_lock_release(&lock);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tare-test-lock-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/lock", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char victim[128];
    snprintf(victim, sizeof victim, "%s/victim", folder);
    unlink(victim);
    unlink(path);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_taken_and_given_back),
        TEST(test_all_users_may_use_the_file),
        TEST(test_the_next_gets_it_when_it_is_given_back),
        TEST(test_the_next_gets_it_when_the_holder_is_killed),
        TEST(test_word_each_second),
        TEST(test_a_signal_ends_the_wait),
        TEST(test_a_child_that_lives_on_does_not_keep_it),
        TEST(test_who_is_measured_by_the_holder_does_not_wait),
        TEST(test_a_file_that_was_removed_locks_nobody_out),
        TEST(test_what_is_no_lock_is_left_alone),
        TEST(test_odd_lines_in_the_file),
        TEST(test_the_default_is_where_all_users_can_write),
        TEST(test_a_path_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
