/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/cage.h: cages by number, thousands of them, that come and go while others look for them; and the bounds of
 * their memory.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suites/syscalls/cage.h"
#include "suites/syscalls/layers/fdtables.h"

enum { KIND = 5 };

static uint64_t released; /* cages; atomic */
static uint64_t closed;   /* files; atomic */

static void count_released(struct cage *cage)
{
    (void)cage;
    __atomic_add_fetch(&released, 1, __ATOMIC_RELAXED);
}

static void count_closed(int under_fd, uint64_t data)
{
    (void)under_fd;
    (void)data;
    __atomic_add_fetch(&closed, 1, __ATOMIC_RELAXED);
}

static int set_up(void **state)
{
    (void)state;
    released = closed = 0;
    return fdtables_register_close_handler(KIND, count_closed);
}

static int take(struct cage *cage)
{
    return fdtables_get_unused_virtual_fd(cage->fds, KIND, -1, 0, false, 0);
}

static void a_cage_lives_until_it_is_put(void **state)
{
    (void)state;
    struct cage *cage = cage_new(0);
    assert_non_null(cage);
    assert_int_not_equal(cage->id, 0);
    assert_int_equal(cage->root_fd, -1);
    assert_int_equal(cage_count(), 1);
    cage->release = count_released;
    uint32_t id = cage->id;
    assert_int_equal(take(cage), 0);

    struct cage *again = cage_get(id);
    assert_ptr_equal(again, cage);
    cage_hold(again);
    cage_end(cage);
    cage_end(again); /* has no effect */
    assert_null(cage_get(id));
    assert_int_equal(closed, 1);
    assert_int_equal(take(again) < 0, 1);
    assert_int_equal(released, 0);
    cage_put(again);
    assert_int_equal(released, 0);
    assert_int_equal(cage_count(), 1);
    cage_put(again);
    assert_int_equal(released, 1);
    assert_int_equal(cage_count(), 0);

    /* The number is not given to the next one at once. */
    struct cage *next = cage_new(0);
    assert_int_not_equal(next->id, id);
    cage_end(next);
}

static void the_cage_that_a_thread_runs(void **state)
{
    (void)state;
    struct cage *cage = cage_new(0), *other = cage_new(0);
    uint32_t id = cage->id;
    cage->release = count_released;
    cage_hold(cage);
    assert_null(cage_enter(cage));
    assert_ptr_equal(cage_enter(other), cage);
    assert_ptr_equal(cage_enter(cage), other);
    bool held = true;
    assert_ptr_equal(cage_borrow(id, &held), cage);
    assert_false(held);
    assert_ptr_equal(cage_borrow(other->id, &held), other);
    assert_true(held);
    cage_put(other);
    cage_end(cage);
    assert_null(cage_borrow(id, &held)); /* it is held, but has ended */
    assert_int_equal(released, 0);
    assert_ptr_equal(cage_enter(NULL), cage);
    cage_put(cage);
    assert_int_equal(released, 1);
    cage_end(other);
}

static void numbers_that_are_none(void **state)
{
    (void)state;
    assert_null(cage_get(0));
    assert_null(cage_get(LIND_CAGES_MAX));
    assert_null(cage_get(UINT32_MAX));
    assert_null(cage_get(LIND_CAGES_MAX - 1));
}

static void memory_has_bounds(void **state)
{
    (void)state;
    struct cage *cage = cage_new(0);
    uint8_t memory[65536];
    assert_null(cage_at(cage, 0, 1));
    cage->memory = memory;
    assert_null(cage_at(cage, 0, 1));
    cage_set_size(cage, sizeof memory);
    const uint64_t end = sizeof memory;
    assert_ptr_equal(cage_at(cage, 0, end), memory);
    assert_ptr_equal(cage_at(cage, 0, 0), memory);
    assert_ptr_equal(cage_at(cage, end, 0), memory + end);
    assert_ptr_equal(cage_at(cage, end - 1, 1), memory + end - 1);
    const struct {
        uint64_t address, size;
    } outside[] = {
        {0, end + 1},
        {1, end},
        {end, 1},
        {end + 1, 0},
        {UINT64_MAX, 0},
        {UINT64_MAX, 1},
        {UINT64_MAX, 2},
        {0, UINT64_MAX},
        {1, UINT64_MAX},
        {end, UINT64_MAX},
        {UINT64_MAX, UINT64_MAX},
        {UINT64_MAX - end + 1, end},
        {UINT32_MAX, 1},
        {UINT64_C(1) << 63, UINT64_C(1) << 63},
    };
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_null(cage_at(cage, outside[i].address, outside[i].size));
    }
    cage_end(cage);
}

static void a_thousand_cages_and_their_forks(void **state)
{
    (void)state;
    enum { CAGES = 1000 };
    static struct cage *cages[2 * CAGES];
    for (int i = 0; i < CAGES; i++) {
        cages[i] = cage_new(0);
        assert_non_null(cages[i]);
        for (int j = 0; j < 3 + i % 5; j++) {
            assert_int_equal(take(cages[i]), j);
        }
    }
    for (int i = 0; i < CAGES; i++) {
        struct cage *fork = cages[CAGES + i] = cage_fork(cages[i]);
        assert_non_null(fork);
        assert_int_equal(fork->parent, cages[i]->id);
        assert_null(fork->memory);
        assert_int_equal(fdtables_count(fork->fds), 3 + i % 5);
    }
    for (int i = 0; i < 2 * CAGES; i++) {
        struct cage *found = cage_get(cages[i]->id);
        assert_ptr_equal(found, cages[i]);
        cage_put(found);
    }
    assert_int_equal(cage_count(), 2 * CAGES);
    for (int i = 0; i < CAGES; i++) {
        cage_end(cages[i]);
    }
    assert_int_equal(closed, 0); /* the forks have them */
    for (int i = CAGES; i < 2 * CAGES; i++) {
        cage_end(cages[i]);
    }
    assert_int_equal(closed, 5 * CAGES);
    assert_int_equal(cage_count(), 0);
}

static void there_is_an_end_to_numbers(void **state)
{
    (void)state;
    static struct cage *cages[LIND_CAGES_MAX];
    int made = 0;
    for (; made < LIND_CAGES_MAX; made++) {
        cages[made] = cage_new(0);
        if (cages[made] == NULL) {
            break;
        }
    }
    assert_int_equal(made, LIND_CAGES_MAX - 1);
    uint32_t id = cages[777]->id;
    cage_end(cages[777]);
    cages[777] = cage_new(0);
    assert_non_null(cages[777]);
    assert_int_equal(cages[777]->id, id); /* the only one that is free */
    for (int i = 0; i < made; i++) {
        cage_end(cages[i]);
    }
    assert_int_equal(cage_count(), 0);
}

struct race {
    uint32_t id; /* of the newest cage; atomic */
    bool done;   /* atomic */
    uint64_t wrong, found;
};

/* Finds a cage that is about to go; while it is held it has to be whole. */
static void *look(void *argument)
{
    struct race *race = argument;
    uint64_t found = 0, wrong = 0;
    while (!__atomic_load_n(&race->done, __ATOMIC_ACQUIRE)) {
        uint32_t id = __atomic_load_n(&race->id, __ATOMIC_ACQUIRE);
        struct cage *cage = cage_get(id);
        if (cage != NULL) {
            found++;
            wrong += cage->id != id || cage->fds == NULL || cage->parent != 0;
            struct fd_file *file = fdtables_translate_virtual_fd(cage->fds, 0);
            if (file != NULL) {
                wrong += file->kind != KIND;
                fd_file_put(file);
            }
            cage_put(cage);
        }
    }
    __atomic_add_fetch(&race->wrong, wrong, __ATOMIC_RELAXED);
    __atomic_add_fetch(&race->found, found, __ATOMIC_RELAXED);
    return NULL;
}

static void cages_go_while_others_look(void **state)
{
    (void)state;
    enum { LOOKING = 8, MADE = 5000 };
    static struct race race;
    pthread_t threads[LOOKING];
    for (int i = 0; i < LOOKING; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, look, &race), 0);
    }
    for (int i = 0; i < MADE; i++) {
        struct cage *cage = cage_new(0);
        assert_non_null(cage);
        cage->release = count_released;
        take(cage);
        __atomic_store_n(&race.id, cage->id, __ATOMIC_RELEASE);
        cage_end(cage);
    }
    __atomic_store_n(&race.done, true, __ATOMIC_RELEASE);
    for (int i = 0; i < LOOKING; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(race.wrong, 0);
    assert_int_equal(released, MADE);
    assert_int_equal(closed, MADE);
    assert_int_equal(cage_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_cage_lives_until_it_is_put, set_up),
        cmocka_unit_test_setup(the_cage_that_a_thread_runs, set_up),
        cmocka_unit_test_setup(numbers_that_are_none, set_up),
        cmocka_unit_test_setup(memory_has_bounds, set_up),
        cmocka_unit_test_setup(a_thousand_cages_and_their_forks, set_up),
        cmocka_unit_test_setup(there_is_an_end_to_numbers, set_up),
        cmocka_unit_test_setup(cages_go_while_others_look, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
