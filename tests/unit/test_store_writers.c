/* SPDX-License-Identifier: MIT */
/*
 * Writers in several processes, and writers that are killed: nothing is lost, nothing is doubled. On SQLite,
 * or, with TARE_TEST_POSTGRESQL set, on that server. TARE_TEST_STORES=full: 8 writers of 500 results each and
 * 100 kills, as tests/cli/history_store.bats has it; else fewer, so that each build is tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "history/store.h"
#include "history/store_parts.h"
#include "store_records.h"

enum { SERIES = 5 };

static char folder[] = "/tmp/tare-writers.XXXXXX";
static const char *server;
static unsigned writers = 4, adds = 30, kills = 10;

static char *fresh(const char *name)
{
    char *where;
    if (server == NULL) {
        assert_true(asprintf(&where, "%s/%s.db", folder, name) > 0);
        return where;
    }
    char text[100];
    struct tare__sql *sql;
    assert_int_equal(tare__sql_open(server, TARE_STORE_WRITE, &sql), 0);
    snprintf(text, sizeof text, "CREATE SCHEMA w%s_%d", name, (int)getpid());
    assert_int_equal(tare__sql_run(sql, text, NULL, 0, NULL), 0);
    tare__sql_close(sql);
    assert_true(asprintf(&where, "%s%coptions=-csearch_path%%3Dw%s_%d", server, strchr(server, '?') ? '&' : '?',
                         name, (int)getpid()) > 0);
    return where;
}

/*
 * Adds record after record; says each to `acknowledge` (-1: nobody) when it is kept. How often it was new,
 * or -1.
 */
static long add_many(const char *where, unsigned first, unsigned count, int acknowledge)
{
    struct tare_store *store;
    long added_count = 0;
    int result = tare_store_open(where, TARE_STORE_CREATE, &store);
    for (unsigned i = 0; i < count && result == 0; i++) {
        struct tare_history_record record;
        bool added;
        store_record(&record, "p", first + i, SERIES, NULL);
        result = tare_store_add(store, &record, &added);
        added_count += added;
        tare_history_record_release(&record);
        if (result == 0 && acknowledge >= 0 && write(acknowledge, "+", 1) != 1) {
            result = -EPIPE;
        }
    }
    if (result != 0) {
        fprintf(stderr, "writer: %d: %s\n", result, tare_store_message(store));
    }
    tare_store_close(store);
    return result == 0 ? added_count : -1;
}

static void print_found(void *data, const char *what)
{
    (void)data;
    print_message("fsck: %s\n", what);
}

/* It opens, is clean, and holds whole results alone. */
static struct tare_store_counts checked(const char *where)
{
    struct tare_store *store;
    struct tare_store_counts counts;
    size_t wrong = 99;
    int result = tare_store_open(where, TARE_STORE_CREATE, &store);
    if (result != 0) {
        fail_msg("%d: %s", result, tare_store_message(store));
    }
    assert_int_equal(tare_store_fsck(store, print_found, NULL, &wrong), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(tare_store_count(store, &counts), 0);
    assert_int_equal(counts.points, counts.runs * SERIES);
    assert_int_equal(counts.raws, counts.runs);
    assert_int_equal(counts.commits, counts.runs);
    tare_store_close(store);
    return counts;
}

/* Each writer has half of its results in common with the next one; all make the store at once. */
static void writers_at_once_lose_and_double_nothing(void **state)
{
    (void)state;
    char *where = fresh("many");
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < writers; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            long added = add_many(where, i * (adds / 2), adds, -1);
            _exit(write(ends[1], &added, sizeof added) == sizeof added && added >= 0 ? 0 : 1);
        }
    }
    close(ends[1]);
    long sum = 0;
    for (unsigned i = 0; i < writers; i++) {
        long added = 0;
        assert_int_equal(read(ends[0], &added, sizeof added), sizeof added);
        sum += added;
    }
    close(ends[0]);
    for (unsigned i = 0; i < writers; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    unsigned different = (writers + 1) * (adds / 2);
    assert_int_equal(sum, different); /* each was new to exactly one */
    struct tare_store_counts counts = checked(where);
    assert_int_equal(counts.runs, different);
    assert_int_equal(counts.series, SERIES);
    free(where);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A server ends what a killed client began as soon as it notices; until then it is not known what will be. */
static void wait_for_server(void)
{
    if (server == NULL) {
        return;
    }
    for (int tries = 0; tries < 2000; tries++) {
        struct tare__sql *sql;
        int64_t others = -1;
        assert_int_equal(tare__sql_open(server, TARE_STORE_WRITE, &sql), 0);
        assert_int_equal(
            tare__sql_query(sql, "w",
                            "SELECT count(*) FROM pg_stat_activity WHERE backend_type ="
                            " 'client backend' AND pid <> pg_backend_pid() AND application_name = 'tare'",
                            NULL, 0),
            0);
        while (tare__sql_next(sql) == 1) {
            others = tare__sql_get_whole(sql, 0);
        }
        tare__sql_close(sql);
        if (others == 0) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("the server does not notice that its client is gone");
}

/* Also while the store is made: the first of ten kills hits one that is not there yet. */
static void a_writer_that_is_killed_leaves_what_it_acknowledged(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    char *where = NULL;
    uint64_t kept = 0;
    for (unsigned round = 0; round < kills; round++) {
        if (round % 10 == 0) {
            char name[20];
            free(where);
            snprintf(name, sizeof name, "kill%u", round);
            where = fresh(name);
            kept = 0;
        }
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            add_many(where, (unsigned)kept, 100000, ends[1]);
            _exit(1);
        }
        close(ends[1]);
        /* At a random moment of one of the first adds, or of what is before them. */
        unsigned acknowledged = 0, wanted = (unsigned)(next_random(&seed) % 6);
        char byte;
        while (acknowledged < wanted && read(ends[0], &byte, 1) == 1) {
            acknowledged++;
        }
        assert_int_equal(acknowledged, wanted);
        uint64_t within_ns = wanted == 0 ? 30000000 : 8000000;
        nanosleep(&(struct timespec){.tv_nsec = (long)(next_random(&seed) % within_ns)}, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(ends[0], &byte, 1) == 1) {
            acknowledged++;
        }
        close(ends[0]);
        wait_for_server();
        struct tare_store_counts counts = checked(where);
        if (counts.runs != kept + acknowledged && counts.runs != kept + acknowledged + 1) {
            fail_msg("round %u: %llu results are there, %llu and %u were acknowledged", round,
                     (unsigned long long)counts.runs, (unsigned long long)kept, acknowledged);
        }
        kept = counts.runs;
    }
    free(where);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const char *url = getenv("TARE_TEST_POSTGRESQL"), *how = getenv("TARE_TEST_STORES");
    server = url != NULL && *url != '\0' ? url : NULL;
    if (how != NULL && strcmp(how, "full") == 0) {
        writers = 8;
        adds = 500;
        kills = 100;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_at_once_lose_and_double_nothing),
        cmocka_unit_test(a_writer_that_is_killed_leaves_what_it_acknowledged),
    };
    return cmocka_run_group_tests_name(server != NULL ? "writers, PostgreSQL" : "writers, SQLite", tests,
                                       make_folder, remove_folder);
}
