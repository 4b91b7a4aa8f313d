/* SPDX-License-Identifier: MIT */
/* threei: chains of who answers, who may act on whom, and copies between memories of cages. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "suites/syscalls/boot/threei.h"
#include "suites/syscalls/cage.h"

struct answerer { /* adds to what who is behind it says */
    int64_t adds;
    bool passes_on;
};

static int64_t add(const struct lind_request *request, void *data)
{
    const struct answerer *self = data;
    return self->adds + (self->passes_on ? threei_make_syscall_behind(request, data) : 0);
}

static uint32_t new_cage(struct cage **cage)
{
    *cage = cage_new(0);
    assert_non_null(*cage);
    assert_int_equal(threei_cage_add((*cage)->id), 0);
    return (*cage)->id;
}

static void end_cage(struct cage *cage)
{
    threei_cage_remove(cage->id);
    cage_end(cage);
}

static int64_t call(uint32_t cage, uint32_t number)
{
    struct lind_request request = {.number = number, .caller = cage};
    return threei_make_syscall(&request);
}

static void without_handlers_rawposix_answers(void **state)
{
    (void)state;
    struct cage *cage;
    uint32_t id = new_cage(&cage);
    assert_int_equal(threei_cage_add(id), -EEXIST);
    assert_int_equal(call(id, LIND_GETPID), id);
    assert_int_equal(call(id, LIND_CALLS_MAX - 1), -ENOSYS);
    assert_int_equal(call(id, LIND_CALLS_MAX), -ENOSYS);
    assert_int_equal(call(id, UINT32_MAX), -ENOSYS);
    end_cage(cage);
    assert_int_equal(call(id, LIND_GETPID), -ESRCH);
    assert_int_equal(call(LIND_CAGES_MAX, LIND_GETPID), -ESRCH);
    assert_int_equal(threei_cage_add(LIND_CAGES_MAX), -EINVAL);
}

static void the_newest_handler_is_asked_first_and_passes_on_to_the_one_before(void **state)
{
    (void)state;
    struct answerer one = {100, true}, two = {1000, true}, last = {10000, false};
    struct cage *cage;
    uint32_t id = new_cage(&cage);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, true), 0);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, true), -EEXIST);
    assert_int_equal(call(id, LIND_GETPID), 100 + id);
    assert_int_equal(call(id, LIND_CLOSE), -EBADF); /* of the other calls nothing has changed */
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, true), 0);
    assert_int_equal(call(id, LIND_GETPID), 1100 + id);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &last, true), 0);
    assert_int_equal(call(id, LIND_GETPID), 10000);
    /* Taken out of the middle, and out of the front. */
    last.passes_on = true;
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, false), 0);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, false), -ENOENT);
    assert_int_equal(call(id, LIND_GETPID), 10100 + id);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &last, false), 0);
    assert_int_equal(call(id, LIND_GETPID), 100 + id);
    threei_deregister_handlers(id, &one);
    assert_int_equal(call(id, LIND_GETPID), id);
    assert_int_equal(threei_register_handler(id, LIND_CALLS_MAX, add, &one, true), -EINVAL);
    end_cage(cage);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, true), -ESRCH);
}

static void a_cage_of_the_same_number_begins_anew(void **state)
{
    (void)state;
    struct answerer one = {100, true};
    struct cage *cage;
    uint32_t id = new_cage(&cage);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, true), 0);
    threei_cage_remove(id);
    assert_int_equal(threei_cage_add(id), 0);
    assert_int_equal(call(id, LIND_GETPID), id);
    end_cage(cage);
}

static void copies_need_a_guardian_and_memory(void **state)
{
    (void)state;
    static uint8_t memory[2][64];
    struct cage *cages[3];
    uint32_t ids[3];
    for (int i = 0; i < 3; i++) {
        ids[i] = new_cage(&cages[i]);
        if (i < 2) {
            cages[i]->memory = memory[i];
            cage_set_size(cages[i], sizeof(memory[i]));
        }
    }
    memcpy(memory[0], "abcdef", 6);
    assert_int_equal(threei_copy_data_between_cages(ids[0], ids[0], 0, ids[1], 0, 6), -EPERM);
    assert_int_equal(threei_guard(ids[1], ids[0]), 0);
    assert_true(threei_may_act(ids[1], ids[0]));
    assert_false(threei_may_act(ids[0], ids[1]));
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], 0, ids[1], 58, 6), 0);
    assert_memory_equal(memory[1] + 58, "abcdef", 6);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[1], 58, ids[0], 10, 6), 0);
    assert_memory_equal(memory[0] + 10, "abcdef", 6);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[1], 58, ids[1], 57, 6), 0); /* they overlap */
    assert_memory_equal(memory[1] + 57, "abcdef", 6);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], 0, ids[1], 59, 6), -EFAULT);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], 60, ids[1], 0, 6), -EFAULT);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], UINT64_MAX - 2, ids[1], 0, 6), -EFAULT);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], 8, ids[1], 0, UINT64_MAX - 4), -EFAULT);
    assert_int_equal(threei_copy_data_between_cages(ids[1], ids[0], 64, ids[1], 64, 0), 0);
    assert_int_equal(threei_copy_data_between_cages(ids[2], ids[2], 0, ids[2], 0, 1),
                     -EFAULT); /* has no memory */
    end_cage(cages[1]);
    assert_false(threei_may_act(ids[1], ids[0])); /* the next one of that number is another */
    assert_int_equal(threei_guard(ids[1], ids[0]), -ESRCH);
    end_cage(cages[0]);
    end_cage(cages[2]);
}

static void a_cage_has_so_many_guardians(void **state)
{
    (void)state;
    struct cage *ward, *guardians[17];
    uint32_t id = new_cage(&ward);
    for (int i = 0; i < 17; i++) {
        assert_int_equal(threei_guard(new_cage(&guardians[i]), id), i < 16 ? 0 : -ENOSPC);
    }
    for (int i = 0; i < 17; i++) {
        end_cage(guardians[i]);
    }
    end_cage(ward);
}

static void a_guardian_is_so_once_and_can_be_none_again(void **state)
{
    (void)state;
    struct cage *ward, *guardian;
    uint32_t id = new_cage(&ward), who = new_cage(&guardian);
    assert_int_equal(threei_guard(who, id), 0);
    assert_int_equal(threei_guard(who, id), -EEXIST);
    threei_unguard(who, id);
    assert_false(threei_may_act(who, id));
    assert_int_equal(threei_guard(who, id), 0);
    threei_unguard(who, LIND_CAGES_MAX);
    assert_true(threei_may_act(who, id));
    assert_false(threei_may_act(who, LIND_CAGES_MAX));
    assert_false(threei_may_act(UINT32_MAX, id));
    end_cage(ward);
    assert_false(threei_may_act(who, id)); /* nor on the next one of that number */
    end_cage(guardian);
}

static void coming_and_going_takes_no_room_but_orders_without_end_are_refused(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static struct answerer many[MANY];
    struct answerer one = {100, true}, two = {1000, true};
    struct cage *cage;
    uint32_t id = new_cage(&cage);
    assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, true), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, true), 0);
        assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, false), 0);
        assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &two, true), 0);
        assert_int_equal(call(id, LIND_GETPID), 1100 + id);
        assert_int_equal(threei_register_handler(id, LIND_GETPID, add, &one, false), 0);
    }
    int result = 0, made = 0;
    while (made < MANY && result == 0) {
        result = threei_register_handler(id, LIND_CLOSE, add, &many[made++], true);
    }
    assert_int_equal(result, -ENOSPC);
    assert_int_equal(call(id, LIND_GETPID), 1000 + id);
    for (int i = 0; i < made - 1; i++) {
        assert_int_equal(threei_register_handler(id, LIND_CLOSE, add, &many[made - 2 - i], false), 0);
    }
    assert_int_equal(call(id, LIND_CLOSE), -EBADF);
    end_cage(cage);
}

/* Anybody may ask about any number, also of a cage that goes meanwhile: a sanitizer sees whether that is safe. */
static void *keep_asking(void *data)
{
    atomic_bool *stop = data;
    unsigned may = 0;
    while (!atomic_load(stop)) {
        for (uint32_t cage = 40000; cage < 40004; cage++) {
            may += threei_may_act(1, cage);
        }
    }
    return may == 0 ? NULL : data;
}

static void cages_go_while_they_are_asked_about(void **state)
{
    (void)state;
    atomic_bool stop = false;
    pthread_t thread;
    void *wrong;
    assert_int_equal(pthread_create(&thread, NULL, keep_asking, &stop), 0);
    for (uint32_t i = 0; i < 8000; i++) {
        assert_int_equal(threei_cage_add(40000 + i % 4), 0);
        threei_cage_remove(40000 + i % 4);
    }
    atomic_store(&stop, true);
    pthread_join(thread, &wrong);
    assert_null(wrong);
}

/* Calls go on while a handler comes and goes: each finds one of the two chains. */

struct shared {
    uint32_t cage;
    atomic_bool stop;
    atomic_uint wrong;
};

static void *keep_calling(void *data)
{
    struct shared *shared = data;
    while (!atomic_load(&shared->stop)) {
        int64_t answer = call(shared->cage, LIND_GETPID);
        if (answer != shared->cage && answer != 100 + (int64_t)shared->cage) {
            atomic_fetch_add(&shared->wrong, 1);
        }
    }
    return NULL;
}

static void tables_change_while_calls_are_on_their_way(void **state)
{
    (void)state;
    struct answerer one = {100, true};
    struct cage *cage;
    struct shared shared = {.cage = new_cage(&cage)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, keep_calling, &shared), 0);
    }
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(threei_register_handler(shared.cage, LIND_GETPID, add, &one, true), 0);
        assert_int_equal(threei_register_handler(shared.cage, LIND_GETPID, add, &one, false), 0);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&shared.wrong), 0);
    end_cage(cage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_handlers_rawposix_answers),
        cmocka_unit_test(the_newest_handler_is_asked_first_and_passes_on_to_the_one_before),
        cmocka_unit_test(a_cage_of_the_same_number_begins_anew),
        cmocka_unit_test(copies_need_a_guardian_and_memory),
        cmocka_unit_test(a_cage_has_so_many_guardians),
        cmocka_unit_test(a_guardian_is_so_once_and_can_be_none_again),
        cmocka_unit_test(coming_and_going_takes_no_room_but_orders_without_end_are_refused),
        cmocka_unit_test(cages_go_while_they_are_asked_about),
        cmocka_unit_test(tables_change_while_calls_are_on_their_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
