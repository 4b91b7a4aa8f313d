/* SPDX-License-Identifier: MIT */
/*
 * Where threads run and how often they moved: of processes in a /proc that is made up, line by line as Linux
 * 6.1 writes it; and of this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/migrations.h"

static char root[] = "/tmp/tare-migrations-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    strcpy(root + sizeof(root) - 7, "XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

struct thread {
    int pid, tid;
    const char *name;
    unsigned long start;
    int cpu;
    unsigned long moves;
    const char *allowed;
};

static void folder_of(char folder[200], const struct thread *thread)
{
    int length = snprintf(folder, 200, "%s/proc", root);
    mkdir(folder, 0700);
    length += snprintf(folder + length, 200 - (size_t)length, "/%d", thread->pid);
    mkdir(folder, 0700);
    length += snprintf(folder + length, 200 - (size_t)length, "/task");
    mkdir(folder, 0700);
    snprintf(folder + length, 200 - (size_t)length, "/%d", thread->tid);
    mkdir(folder, 0700);
}

static void put(struct thread thread)
{
    char folder[200], text[2048];
    folder_of(folder, &thread);
    snprintf(
        text, sizeof text,
        "%d (%s) S 1 %d 1 0 -1 4194304 100 0 0 0 5 6 0 0 20 0 1 0 %lu 1000 200 18446744073709551615 1 1 0 0 0 "
        "0 0 0 0 0 0 0 17 %d 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        thread.tid, thread.name, thread.pid, thread.start, thread.cpu);
    write_file(folder, "stat", text);
    snprintf(text, sizeof text,
             "%s (%d, #threads: 1)\n-----------\nse.exec_start                 :       1188.17\n"
             "se.nr_migrations             :      %11lu\nnr_switches                  :            7\n"
             "numa_pages_migrated          :            9\n",
             thread.name, thread.tid, thread.moves);
    write_file(folder, "sched", text);
    snprintf(text, sizeof text, "Name:\t%s\nState:\tS (sleeping)\nCpus_allowed:\t1\nCpus_allowed_list:\t%s\n",
             thread.name, thread.allowed);
    write_file(folder, "status", text);
}

static void take_away(int pid, int tid)
{
    char folder[200];
    folder_of(folder, &(struct thread){.pid = pid, .tid = tid});
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct tare_migrations make(int pin)
{
    struct tare_migrations migrations;
    assert_int_equal(tare_migrations_init(&migrations, pin), 0);
    migrations.root = root;
    return migrations;
}

/* Each a second after the last. */
static void look_at(struct tare_migrations *migrations, const pid_t *pids, size_t count)
{
    static uint64_t now_ns;
    tare_migrations_look(migrations, pids, count, now_ns += 1000000000, false);
}

static void look(struct tare_migrations *migrations, pid_t pid)
{
    look_at(migrations, &pid, 1);
}

static void moves_count_from_the_beginning(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    put((struct thread){100, 100, "a b) (c", 555, 3, 4, "0-3"});
    tare_migrations_begin(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), 0);
    put((struct thread){100, 100, "a b) (c", 555, 2, 6, "0-3"});
    put((struct thread){100, 101, "worker", 560, 1, 3, "0-3"}); /* all of these are its own */
    look(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), 5);
    look(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), 5);
    assert_int_equal(migrations.looks, 5);
    assert_int_equal(migrations.elsewhere, 0);
    tare_migrations_release(&migrations);
}

static void threads_that_end_stay_counted(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    const pid_t both[] = {100, 200};
    put((struct thread){100, 100, "one", 555, 0, 2, "0-3"});
    put((struct thread){200, 200, "two", 556, 0, 7, "0-3"});
    look_at(&migrations, both, 2);
    assert_int_equal(tare_migrations_count(&migrations), 9);
    take_away(200, 200);
    look_at(&migrations, both, 2);
    assert_int_equal(tare_migrations_count(&migrations), 9);
    put((struct thread){200, 200, "two", 999, 0, 1, "0-3"}); /* another of that number */
    look_at(&migrations, both, 2);
    assert_int_equal(tare_migrations_count(&migrations), 10);
    tare_migrations_release(&migrations);
}

static void a_kernel_that_does_not_tell(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    look(&migrations, 100);
    assert_true(tare_migrations_count(&migrations) == UINT64_MAX);
    assert_int_equal(migrations.looks, 0);
    put((struct thread){100, 100, "one", 555, 0, 2, "0-3"});
    char folder[200], path[256];
    folder_of(folder, &(struct thread){.pid = 100, .tid = 100});
    snprintf(path, sizeof path, "%s/sched", folder);
    static const char *const others[] = {"",
                                         "nothing\n",
                                         "nr_migrations : 3\n",
                                         "se.nr_migrations\n",
                                         "se.nr_migrations : -\n",
                                         "se.nr_migrations",
                                         "se.nr_migrations:"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        write_file(folder, "sched", others[i]);
        look(&migrations, 100);
        assert_true(tare_migrations_count(&migrations) == UINT64_MAX);
    }
    remove(path);
    look(&migrations, 100);
    assert_true(tare_migrations_count(&migrations) == UINT64_MAX);
    assert_true(migrations.looks > 0);
    write_file(folder, "stat", "100 (cut off) S 1 2 3");
    look(&migrations, 100);
    write_file(folder, "stat", ")");
    look(&migrations, 100);
    write_file(folder, "stat", "");
    look(&migrations, 100);
    tare_migrations_release(&migrations);
}

static void a_name_is_not_taken_for_a_count(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    put((struct thread){100, 100, "nr_migrations:9", 555, 0, 2, "0-3"});
    look(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), 2);
    tare_migrations_release(&migrations);
}

static void a_pinned_program_that_stays(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(2);
    put((struct thread){100, 100, "pinned", 555, 2, 1, "2"});
    tare_migrations_begin(&migrations, 100);
    put((struct thread){100, 101, "worker", 560, 2, 0, "2"});
    look(&migrations, 100);
    assert_int_equal(migrations.elsewhere, 0);
    assert_int_equal(tare_migrations_count(&migrations), 0);
    tare_migrations_release(&migrations);
}

static void a_pinned_program_that_does_not(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(2);
    put((struct thread){100, 100, "pinned", 555, 2, 1, "2"});
    tare_migrations_begin(&migrations, 100);
    put((struct thread){100, 100, "pinned", 555, 2, 1, "0-3"});
    look(&migrations, 100);
    assert_int_equal(migrations.elsewhere, 1); /* it may go, and has not */
    assert_int_equal(migrations.elsewhere_cpu, -1);
    put((struct thread){100, 101, "worker", 560, 3, 0, "3"});
    look(&migrations, 100);
    assert_int_equal(migrations.elsewhere, 3);
    assert_int_equal(migrations.elsewhere_tid, 101);
    assert_int_equal(migrations.elsewhere_cpu, 3);
    tare_migrations_release(&migrations);
}

/* Where a thread may run is read once a second, and at the last look; where it is, at each. */
static void where_it_may_run_is_read_now_and_then(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(2);
    const pid_t pid = 100;
    put((struct thread){100, 100, "pinned", 555, 2, 1, "2"});
    tare_migrations_begin(&migrations, pid);
    tare_migrations_look(&migrations, &pid, 1, 5000000000, false);
    put((struct thread){100, 100, "pinned", 555, 2, 1, "0-3"});
    tare_migrations_look(&migrations, &pid, 1, 5999999999, false);
    assert_int_equal(migrations.elsewhere, 0);
    tare_migrations_look(&migrations, &pid, 1, 6000000000, false);
    assert_int_equal(migrations.elsewhere, 1);
    put((struct thread){100, 100, "pinned", 555, 2, 1, "2"});
    tare_migrations_look(&migrations, &pid, 1, 7000000000, false);
    assert_int_equal(migrations.elsewhere, 1);
    put((struct thread){100, 100, "pinned", 555, 3, 2, "2"}); /* it was there */
    tare_migrations_look(&migrations, &pid, 1, 7000000001, false);
    assert_int_equal(migrations.elsewhere, 2);
    assert_int_equal(migrations.elsewhere_cpu, 3);
    put((struct thread){100, 100, "pinned", 555, 2, 3, "0-3"});
    tare_migrations_look(&migrations, &pid, 1, 7000000002, true);
    assert_int_equal(migrations.elsewhere, 3);
    assert_int_equal(tare_migrations_count(&migrations), 2);
    tare_migrations_release(&migrations);
}

static void more_threads_than_one_look_takes(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    enum { THREADS = TARE_MIGRATIONS_LOOK * 5 / 2 };
    for (int i = 0; i < THREADS; i++) {
        put((struct thread){100, 100 + i, "many", 555, 0, 1, "0-3"});
    }
    look(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), TARE_MIGRATIONS_LOOK);
    look(&migrations, 100);
    look(&migrations, 100);
    assert_int_equal(tare_migrations_count(&migrations), THREADS);
    look(&migrations, 100); /* from the first again */
    assert_int_equal(migrations.looks, THREADS + TARE_MIGRATIONS_LOOK);
    assert_int_equal(tare_migrations_count(&migrations), THREADS);
    tare_migrations_release(&migrations);
}

static void more_threads_than_are_kept_in_mind(void **state)
{
    (void)state;
    struct tare_migrations migrations = make(-1);
    for (int i = 0; i < TARE_MIGRATIONS_THREADS + 10; i++) {
        put((struct thread){100 + i, 100 + i, "brief", 555, 0, 1, "0-3"});
        look(&migrations, 100 + i);
        take_away(100 + i, 100 + i);
    }
    assert_int_equal(tare_migrations_count(&migrations), TARE_MIGRATIONS_THREADS + 10);
    assert_true(migrations.count <= TARE_MIGRATIONS_THREADS);
    tare_migrations_release(&migrations);
}

static void this_process(void **state)
{
    (void)state;
    cpu_set_t before, one;
    if (access("/proc/self/sched", R_OK) != 0 || sched_getaffinity(0, sizeof before, &before) != 0 ||
        CPU_COUNT(&before) < 2) {
        print_message("skipped: no /proc/self/sched here, or one processor only\n");
        skip();
    }
    struct tare_migrations migrations;
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &before)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(tare_migrations_init(&migrations, (int)cpu), 0);
    tare_migrations_begin(&migrations, getpid());
    look(&migrations, getpid());
    assert_int_equal(tare_migrations_count(&migrations), 0);
    assert_int_equal(migrations.elsewhere, 0);
    size_t other = cpu + 1;
    while (!CPU_ISSET(other, &before)) {
        other++;
    }
    CPU_ZERO(&one);
    CPU_SET(other, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    look(&migrations, getpid());
    assert_true(tare_migrations_count(&migrations) >= 1);
    assert_true(migrations.elsewhere >= 1);
    assert_int_equal(migrations.elsewhere_cpu, other);
    tare_migrations_release(&migrations);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(moves_count_from_the_beginning),        TEST(threads_that_end_stay_counted),
        TEST(a_kernel_that_does_not_tell),           TEST(a_name_is_not_taken_for_a_count),
        TEST(a_pinned_program_that_stays),           TEST(a_pinned_program_that_does_not),
        TEST(where_it_may_run_is_read_now_and_then), TEST(more_threads_than_one_look_takes),
        TEST(more_threads_than_are_kept_in_mind),    TEST(this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
