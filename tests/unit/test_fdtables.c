/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/layers/fdtables.h: numbers as POSIX gives them, checked against a plain model, too; and that each file
 * is closed once, when its last number has gone and nobody holds it, also where 16 threads work on one table.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suites/syscalls/layers/fdtables.h"

enum { KIND = 5, OTHER_KIND = 6, FILES = 400000, THREADS = 16 };

static unsigned char closed[FILES]; /* by `data`: how often (atomic) */
static uint64_t closed_count;       /* atomic */

static void count_closed(int under_fd, uint64_t data)
{
    (void)under_fd;
    __atomic_add_fetch(&closed[data], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&closed_count, 1, __ATOMIC_RELAXED);
}

static int set_up(void **state)
{
    struct fd_table *table = fd_table_new();
    assert_non_null(table);
    assert_int_equal(fdtables_register_close_handler(KIND, count_closed), 0);
    memset(closed, 0, sizeof closed);
    closed_count = 0;
    *state = table;
    return 0;
}

static int tear_down(void **state)
{
    fd_table_free(*state);
    return 0;
}

static int take(struct fd_table *table, uint64_t data)
{
    return fdtables_get_unused_virtual_fd(table, KIND, (int)data + 1000, data, false, 0);
}

/* What a number leads to; -1: it is not open. */
static int64_t data_of(struct fd_table *table, int fd)
{
    struct fd_file *file = fdtables_translate_virtual_fd(table, fd);
    if (file == NULL) {
        return -1;
    }
    int64_t data = (int64_t)file->data;
    assert_int_equal(file->kind, KIND);
    assert_int_equal(file->under_fd, data + 1000);
    fd_file_put(file);
    return data;
}

static void the_lowest_number_is_given(void **state)
{
    struct fd_table *table = *state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(take(table, (uint64_t)i), i);
    }
    assert_int_equal(fdtables_close_virtualfd(table, 130), 0);
    assert_int_equal(fdtables_close_virtualfd(table, 7), 0);
    assert_int_equal(fdtables_close_virtualfd(table, 64), 0);
    assert_int_equal(fdtables_count(table), 197);
    assert_int_equal(take(table, 300), 7);
    assert_int_equal(take(table, 301), 64);
    assert_int_equal(take(table, 302), 130);
    assert_int_equal(take(table, 303), 200);
    assert_int_equal(data_of(table, 64), 301);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, 1400, 400, false, 700), 700);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, 1401, 401, false, 640), 640);
    assert_int_equal(take(table, 304), 201);
}

static void numbers_run_out(void **state)
{
    struct fd_table *table = *state;
    for (int i = 0; i < LIND_FDS_MAX; i++) {
        assert_int_equal(take(table, (uint64_t)i), i);
    }
    assert_int_equal(take(table, 2000), -EMFILE);
    assert_int_equal(fdtables_dup_virtual_fd(table, 5, 0, false), -EMFILE);
    assert_int_equal(closed_count, 0); /* what got no number is the caller's */
    assert_int_equal(fdtables_close_virtualfd(table, LIND_FDS_MAX - 1), 0);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, 3000, 2000, false, LIND_FDS_MAX - 1),
                     LIND_FDS_MAX - 1);
    assert_int_equal(fdtables_close_virtualfd(table, 0), 0);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, 3001, 2001, false, 1), -EMFILE);
    assert_int_equal(fdtables_dup_virtual_fd(table, 5, 0, false), 0);
    assert_int_equal(closed_count, 2);
}

static void numbers_that_are_none(void **state)
{
    struct fd_table *table = *state;
    int none[] = {-1, INT32_MIN, 0, 3, LIND_FDS_MAX - 1, LIND_FDS_MAX, INT32_MAX};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_null(fdtables_translate_virtual_fd(table, none[i]));
        assert_int_equal(fdtables_close_virtualfd(table, none[i]), -EBADF);
        assert_int_equal(fdtables_dup_virtual_fd(table, none[i], 0, false), -EBADF);
        assert_int_equal(fdtables_dup2_virtual_fd(table, none[i], 9, false), -EBADF);
        assert_int_equal(fdtables_dup2_virtual_fd(table, none[i], none[i], false), -EBADF);
        assert_int_equal(fdtables_renumber_virtual_fd(table, none[i], 9), -EBADF);
        assert_int_equal(fdtables_set_cloexec(table, none[i], true), -EBADF);
        assert_int_equal(fdtables_get_cloexec(table, none[i]), -EBADF);
    }
    assert_int_equal(take(table, 0), 0);
    assert_int_equal(fdtables_dup2_virtual_fd(table, 0, LIND_FDS_MAX, false), -EBADF);
    assert_int_equal(fdtables_dup2_virtual_fd(table, 0, -1, false), -EBADF);
    assert_int_equal(fdtables_dup_virtual_fd(table, 0, LIND_FDS_MAX, false), -EINVAL);
    assert_int_equal(fdtables_dup_virtual_fd(table, 0, -1, false), -EINVAL);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, 1, 1, false, LIND_FDS_MAX), -EINVAL);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, FDTABLES_KINDS, 1, 1, false, 0), -EINVAL);
    assert_int_equal(fdtables_get_specific_virtual_fd(table, LIND_FDS_MAX, KIND, 1, 1, false), -EBADF);
    assert_int_equal(fdtables_get_specific_virtual_fd(table, 1, FDTABLES_KINDS, 1, 1, false), -EINVAL);
    assert_int_equal(fdtables_register_close_handler(FDTABLES_KINDS, NULL), -EINVAL);
    assert_int_equal(closed_count, 0);
}

static void a_number_is_copied_to_another(void **state)
{
    struct fd_table *table = *state;
    assert_int_equal(take(table, 0), 0);
    assert_int_equal(take(table, 1), 1);
    assert_int_equal(fdtables_dup2_virtual_fd(table, 0, 1, false), 1); /* 1 is closed */
    assert_int_equal(closed[1], 1);
    assert_int_equal(data_of(table, 1), 0);
    assert_int_equal(fdtables_dup2_virtual_fd(table, 0, 1023, false), 1023);
    assert_int_equal(fdtables_close_virtualfd(table, 0), 0);
    assert_int_equal(fdtables_close_virtualfd(table, 1), 0);
    assert_int_equal(closed[0], 0);
    assert_int_equal(fdtables_close_virtualfd(table, 1023), 0);
    assert_int_equal(closed[0], 1);
    /* The number that it leads to already. */
    assert_int_equal(fdtables_dup2_virtual_fd(table, take(table, 2), 5, false), 5);
    assert_int_equal(fdtables_dup2_virtual_fd(table, 0, 5, false), 5);
    assert_int_equal(closed[2], 0);
    assert_int_equal(fdtables_get_specific_virtual_fd(table, 5, KIND, 1003, 3, true), 5);
    assert_int_equal(data_of(table, 5), 3);
    assert_int_equal(fdtables_close_virtualfd(table, 0), 0);
    assert_int_equal(closed[2], 1);
}

static void a_copy_onto_itself_changes_nothing(void **state)
{
    struct fd_table *table = *state;
    int fd = take(table, 0);
    assert_int_equal(fdtables_set_cloexec(table, fd, true), 0);
    assert_int_equal(fdtables_dup2_virtual_fd(table, fd, fd, false), fd);
    assert_int_equal(fdtables_get_cloexec(table, fd), 1);
    assert_int_equal(fdtables_renumber_virtual_fd(table, fd, fd), 0);
    assert_int_equal(data_of(table, fd), 0);
    assert_int_equal(closed_count, 0);
}

static void a_number_is_moved(void **state)
{
    struct fd_table *table = *state;
    assert_int_equal(take(table, 0), 0);
    assert_int_equal(fdtables_renumber_virtual_fd(table, 0, 1), -EBADF); /* both have to be open */
    assert_int_equal(take(table, 1), 1);
    assert_int_equal(fdtables_renumber_virtual_fd(table, 0, 1), 0);
    assert_int_equal(data_of(table, 0), -1);
    assert_int_equal(data_of(table, 1), 0);
    assert_int_equal(closed[1], 1);
    assert_int_equal(fdtables_count(table), 1);
}

static void close_on_exec_belongs_to_the_number(void **state)
{
    struct fd_table *table = *state;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, i + 1000, (uint64_t)i, i % 3 == 0, 0), i);
    }
    int copy = fdtables_dup_virtual_fd(table, 0, 0, false);
    assert_int_equal(copy, 300);
    assert_int_equal(fdtables_get_cloexec(table, 0), 1);
    assert_int_equal(fdtables_get_cloexec(table, copy), 0);
    assert_int_equal(fdtables_dup_virtual_fd(table, 1, 0, true), 301);
    assert_int_equal(fdtables_set_cloexec(table, 1, true), 0);
    assert_int_equal(fdtables_set_cloexec(table, 3, false), 0);
    /* A number that is given again does not remember. */
    assert_int_equal(fdtables_close_virtualfd(table, 6), 0);
    assert_int_equal(take(table, 306), 6);

    fdtables_empty_fds_for_exec(table);
    for (int i = 0; i < 302; i++) {
        bool remains = i == 3 || i == 6 || i == 300 || (i % 3 != 0 && i != 1 && i != 301);
        assert_int_equal(data_of(table, i) >= 0, remains);
    }
    assert_int_equal(closed[0], 0); /* its copy is open */
    assert_int_equal(closed[1], 1);
    assert_int_equal(closed[9], 1);
}

static void a_fork_copies(void **state)
{
    struct fd_table *table = *state;
    for (int i = 0; i < 100; i++) {
        take(table, (uint64_t)i);
    }
    fdtables_set_cloexec(table, 40, true);
    fdtables_close_virtualfd(table, 50);
    struct fd_table *child = fdtables_copy_fdtable_for_cage(table);
    assert_non_null(child);
    assert_int_equal(fdtables_count(child), 99);
    assert_int_equal(fdtables_get_cloexec(child, 40), 1);
    assert_int_equal(fdtables_get_cloexec(child, 41), 0);
    assert_int_equal(data_of(child, 50), -1);
    assert_int_equal(take(child, 200), 50); /* and each goes its own way */
    assert_int_equal(data_of(table, 50), -1);
    assert_int_equal(closed[50], 1);
    fdtables_close_virtualfd(table, 10);
    assert_int_equal(closed[10], 0);
    fdtables_close_virtualfd(child, 10);
    assert_int_equal(closed[10], 1);
    fdtables_remove_cage_from_fdtable(child);
    assert_int_equal(fdtables_count(child), 0);
    assert_int_equal(closed_count, 3); /* 50, 10, 200: the rest is the parent's still */
    assert_int_equal(take(child, 201), -EBADF);
    assert_int_equal(fdtables_get_specific_virtual_fd(child, 3, KIND, 1201, 201, false), -EBADF);
    fd_table_free(child);
    assert_int_equal(data_of(table, 99), 99);
    fdtables_remove_cage_from_fdtable(table);
    assert_int_equal(closed_count, 101);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(closed[i], 1);
    }
}

static void what_is_held_is_not_closed(void **state)
{
    struct fd_table *table = *state;
    int fd = take(table, 0);
    struct fd_file *file = fdtables_translate_virtual_fd(table, fd);
    assert_int_equal(fdtables_close_virtualfd(table, fd), 0);
    assert_int_equal(take(table, 1), fd); /* the number is free at once */
    assert_int_equal(closed[0], 0);
    assert_int_equal(file->data, 0);
    fd_file_put(file);
    assert_int_equal(closed[0], 1);
    assert_int_equal(fdtables_get_unused_virtual_fd(table, OTHER_KIND, 9, 9, false, 0),
                     fd + 1); /* no handler */
    assert_int_equal(fdtables_close_virtualfd(table, fd + 1), 0);
}

/* A table as simple as can be, which does the same. */
struct model {
    int64_t data[LIND_FDS_MAX]; /* -1: free */
    bool cloexec[LIND_FDS_MAX];
};

static int model_lowest(const struct model *model, int least)
{
    for (int fd = least; fd < LIND_FDS_MAX; fd++) {
        if (model->data[fd] < 0) {
            return fd;
        }
    }
    return -EMFILE;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *state >> 33;
}

static void agrees_with_a_model(void **state)
{
    struct fd_table *table = *state;
    static struct model model;
    memset(model.data, 0xff, sizeof model.data);
    memset(model.cloexec, 0, sizeof model.cloexec);
    uint64_t random = 7, made = 0;
    for (int i = 0; i < 60000; i++) {
        /* Phases of filling and of emptying, so that the end of the table is reached. */
        bool filling = i / 4000 % 2 == 0;
        int fd = (int)(next_random(&random) % (LIND_FDS_MAX + 2)) - 1;
        int to = (int)(next_random(&random) % (LIND_FDS_MAX + 2)) - 1;
        bool valid = fd >= 0 && fd < LIND_FDS_MAX && model.data[fd] >= 0;
        bool cloexec = next_random(&random) % 2 == 0;
        unsigned kind = (unsigned)(next_random(&random) % 10);
        if (kind < (filling ? 6U : 2U)) {
            int expected = model_lowest(&model, 0);
            assert_int_equal(fdtables_get_unused_virtual_fd(table, KIND, (int)made + 1000, made, cloexec, 0),
                             expected);
            if (expected >= 0) {
                model.data[expected] = (int64_t)made;
                model.cloexec[expected] = cloexec;
                made++;
            }
        } else if (kind == 6) {
            int least = to < 0 ? 0 : to % LIND_FDS_MAX;
            int expected = valid ? model_lowest(&model, least) : -EBADF;
            assert_int_equal(fdtables_dup_virtual_fd(table, fd, least, cloexec), expected);
            if (expected >= 0) {
                model.data[expected] = model.data[fd];
                model.cloexec[expected] = cloexec;
            }
        } else if (kind == 7) {
            bool fine = valid && to >= 0 && to < LIND_FDS_MAX;
            assert_int_equal(fdtables_dup2_virtual_fd(table, fd, to, cloexec), fine ? to : -EBADF);
            if (fine && fd != to) {
                model.data[to] = model.data[fd];
                model.cloexec[to] = cloexec;
            }
        } else {
            assert_int_equal(fdtables_close_virtualfd(table, fd), valid ? 0 : -EBADF);
            if (valid) {
                model.data[fd] = -1;
            }
        }
        assert_int_equal(data_of(table, to), to >= 0 && to < LIND_FDS_MAX ? model.data[to] : -1);
    }
    static bool open[60000];
    memset(open, 0, sizeof open);
    for (int fd = 0; fd < LIND_FDS_MAX; fd++) {
        assert_int_equal(data_of(table, fd), model.data[fd]);
        if (model.data[fd] >= 0) {
            assert_int_equal(fdtables_get_cloexec(table, fd), model.cloexec[fd]);
            open[model.data[fd]] = true;
        }
    }
    for (uint64_t i = 0; i < made; i++) {
        assert_int_equal(closed[i], !open[i]);
    }
}

struct hammer {
    struct fd_table *table;
    uint64_t first; /* of the `data` of its files */
    uint64_t made;
    uint64_t wrong; /* files that were not what they said */
    pthread_t thread;
};

/* All on a few numbers, so that they meet. */
static void *hammer(void *argument)
{
    struct hammer *own = argument;
    uint64_t random = own->first + 1;
    for (int i = 0; i < 20000; i++) {
        int fd = (int)(next_random(&random) % 8);
        int to = (int)(next_random(&random) % 8);
        switch (next_random(&random) % 6) {
        case 0: {
            uint64_t data = own->first + own->made;
            if (fdtables_get_unused_virtual_fd(own->table, KIND, (int)data + 1000, data, false, 0) >= 0) {
                own->made++;
            }
            break;
        }
        case 1:
            fdtables_close_virtualfd(own->table, fd);
            break;
        case 2:
            fdtables_dup2_virtual_fd(own->table, fd, to, false);
            break;
        case 3:
            fdtables_renumber_virtual_fd(own->table, fd, to);
            break;
        default: {
            struct fd_file *file = fdtables_translate_virtual_fd(own->table, fd);
            if (file != NULL) {
                own->wrong += file->under_fd != (int)file->data + 1000 || file->kind != KIND ||
                              __atomic_load_n(&closed[file->data], __ATOMIC_RELAXED) != 0;
                fd_file_put(file);
            }
        }
        }
    }
    return NULL;
}

static void threads_share_a_table(void **state)
{
    static struct hammer hammers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        hammers[i] = (struct hammer){.table = *state, .first = (uint64_t)i * (FILES / THREADS)};
        assert_int_equal(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
    }
    uint64_t made = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(hammers[i].thread, NULL);
        assert_int_equal(hammers[i].wrong, 0);
        made += hammers[i].made;
    }
    fdtables_remove_cage_from_fdtable(*state);
    assert_int_equal(closed_count, made);
    for (int i = 0; i < THREADS; i++) {
        for (uint64_t j = 0; j < hammers[i].made; j++) {
            assert_int_equal(closed[hammers[i].first + j], 1);
        }
    }
}

/* Forks of a table that changes, and is closed, meanwhile. */
static void *fork_and_free(void *argument)
{
    for (int i = 0; i < 300; i++) {
        struct fd_table *copy = fdtables_copy_fdtable_for_cage(argument);
        if (copy != NULL) {
            fd_table_free(copy);
        }
    }
    return NULL;
}

static void threads_fork_a_table(void **state)
{
    static struct hammer hammers[4];
    pthread_t forks[4];
    for (int i = 0; i < 4; i++) {
        hammers[i] = (struct hammer){.table = *state, .first = (uint64_t)i * (FILES / 4)};
        assert_int_equal(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
        assert_int_equal(pthread_create(&forks[i], NULL, fork_and_free, *state), 0);
    }
    uint64_t made = 0;
    for (int i = 0; i < 4; i++) {
        pthread_join(hammers[i].thread, NULL);
        pthread_join(forks[i], NULL);
        assert_int_equal(hammers[i].wrong, 0);
        made += hammers[i].made;
    }
    fdtables_remove_cage_from_fdtable(*state);
    assert_int_equal(closed_count, made);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_lowest_number_is_given),
        TEST(numbers_run_out),
        TEST(numbers_that_are_none),
        TEST(a_number_is_copied_to_another),
        TEST(a_copy_onto_itself_changes_nothing),
        TEST(a_number_is_moved),
        TEST(close_on_exec_belongs_to_the_number),
        TEST(a_fork_copies),
        TEST(what_is_held_is_not_closed),
        TEST(agrees_with_a_model),
        TEST(threads_share_a_table),
        TEST(threads_fork_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
