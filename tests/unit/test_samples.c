/* SPDX-License-Identifier: MIT */
/*
 * record/samples_reader.h and record/raw_stacks.h, with a writer that follows preload/samples.h, or does not:
 * what comes out of the ring, in which order; what is mapped where when a stack is taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/raw_stacks.h"
#include "record/samples_reader.h"

enum { SECOND = 1000000000 };

static struct tare_samples_slot *slot(const struct tare_samples_reader *reader, uint64_t number)
{
    char *slots = (char *)reader->shared + reader->slots_offset;
    return (struct tare_samples_slot *)(void *)(slots + number % reader->slot_count * reader->slot_size);
}

/* Claims a slot, as a writer does; NULL: there is none. */
static struct tare_samples_slot *claim(struct tare_samples_reader *reader)
{
    struct tare_samples *shared = reader->shared;
    if (shared->head - shared->tail >= shared->slot_count) {
        shared->lost++;
        return NULL;
    }
    struct tare_samples_slot *claimed = slot(reader, shared->head++);
    memset((char *)claimed + sizeof(claimed->sequence), 0, reader->slot_size - sizeof(claimed->sequence));
    return claimed;
}

static void complete(struct tare_samples_reader *reader, struct tare_samples_slot *claimed)
{
    uint64_t number = reader->shared->head;
    do {
        number--;
    } while (slot(reader, number) != claimed);
    claimed->sequence = number + 1;
}

static struct tare_samples_slot *begin(struct tare_samples_reader *reader, uint32_t kind, uint32_t pid)
{
    struct tare_samples_slot *claimed = claim(reader);
    assert_non_null(claimed);
    claimed->kind = kind;
    claimed->pid = claimed->tid = pid;
    return claimed;
}

static void write_sample(struct tare_samples_reader *reader, uint32_t pid, uint64_t time_ns,
                         const uint64_t *addresses, uint32_t count)
{
    struct tare_samples_slot *claimed = begin(reader, TARE_SAMPLES_SAMPLE, pid);
    claimed->time_ns = time_ns;
    claimed->count = count;
    claimed->sample.weight = 1;
    memcpy(claimed->sample.addresses, addresses, count * sizeof(*addresses));
    complete(reader, claimed);
}

static void write_module(struct tare_samples_reader *reader, uint32_t pid, uint64_t address, uint64_t size,
                         const char *path)
{
    struct tare_samples_slot *claimed = begin(reader, TARE_SAMPLES_MODULE, pid);
    claimed->module.address = address;
    claimed->module.size = size;
    strcpy(claimed->module.path, path);
    complete(reader, claimed);
}

static void write_text(struct tare_samples_reader *reader, uint32_t kind, uint32_t pid, uint32_t parent,
                       const char *text)
{
    struct tare_samples_slot *claimed = begin(reader, kind, pid);
    claimed->parent_pid = parent;
    claimed->flags = parent != 0 ? TARE_SAMPLES_FORKED : 0;
    strcpy(claimed->text, text);
    complete(reader, claimed);
}

static int set_up(void **state)
{
    struct tare_samples_reader *reader = malloc(sizeof(*reader));
    *state = reader;
    return reader != NULL ? tare_samples_make(reader, TARE_SAMPLES_WALL, 1000) : -1;
}

static int tear_down(void **state)
{
    tare_samples_close(*state);
    free(*state);
    return 0;
}

static void the_memory_is_as_the_header_says(void **state)
{
    struct tare_samples_reader *reader = *state;
    const struct tare_samples *shared = reader->shared;
    assert_memory_equal(shared->magic, TARE_SAMPLES_MAGIC, sizeof(shared->magic));
    assert_int_equal(shared->version, TARE_SAMPLES_VERSION);
    assert_int_equal(shared->flags, TARE_SAMPLES_WALL);
    assert_int_equal(shared->interval_ns, 1000);
    assert_int_equal(shared->size, shared->slots_offset + (uint64_t)shared->slot_size * shared->slot_count);
    assert_int_equal(lseek(reader->fd, 0, SEEK_END), shared->size);
    size_t frames =
        offsetof(struct tare_samples_slot, sample.addresses) + shared->frames_max * sizeof(uint64_t);
    assert_true(frames <= shared->slot_size && shared->frames_max > 200);
    char address[TARE_SAMPLES_ADDRESS];
    tare_samples_address(reader, address);
    int fd = open(address, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), -1); /* nobody can pull it away from under us */
    close(fd);
}

static void records_come_once_and_in_order(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_samples_record record;
    const uint64_t addresses[] = {11, 22, 33};
    assert_false(tare_samples_next(reader, 1, false, &record));
    /* More than there are slots, so that they are used again. */
    for (uint64_t i = 0; i < 3 * TARE_SAMPLES_SLOTS; i++) {
        write_sample(reader, 7, i, addresses, 1 + (uint32_t)(i % 3));
        if (i % 1000 == 999 || i + 1 == 3 * TARE_SAMPLES_SLOTS) {
            for (uint64_t k = i - i % 1000; k <= i; k++) {
                assert_true(tare_samples_next(reader, 1, false, &record));
                assert_int_equal(record.kind, TARE_SAMPLES_SAMPLE);
                assert_int_equal(record.time_ns, k);
                assert_int_equal(record.address_count, 1 + k % 3);
                assert_int_equal(record.addresses[k % 3], addresses[k % 3]);
            }
            assert_false(tare_samples_next(reader, 1, false, &record));
        }
    }
    assert_int_equal(reader->torn, 0);
}

static void a_full_ring_is_read_to_its_end(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_samples_record record;
    const uint64_t address = 1;
    for (uint64_t i = 0; i < TARE_SAMPLES_SLOTS; i++) {
        write_sample(reader, 7, i, &address, 1);
    }
    assert_null(claim(reader));
    assert_int_equal(tare_samples_waiting(reader), TARE_SAMPLES_SLOTS);
    for (uint64_t i = 0; i < TARE_SAMPLES_SLOTS; i++) {
        assert_true(tare_samples_next(reader, 1, false, &record));
    }
    assert_false(tare_samples_next(reader, 1, false, &record));
    assert_non_null(claim(reader));
}

static void a_slot_that_is_not_complete_is_waited_for(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_samples_record record;
    struct tare_samples_slot *slow = begin(reader, TARE_SAMPLES_THREAD, 1);
    assert_false(tare_samples_next(reader, 1, false, &record));
    assert_false(tare_samples_next(reader, 5 * (uint64_t)SECOND, false, &record)); /* nobody is behind it */
    write_text(reader, TARE_SAMPLES_THREAD, 2, 0, "later");
    assert_false(tare_samples_next(reader, 6 * (uint64_t)SECOND, false, &record));
    complete(reader, slow);
    assert_true(tare_samples_next(reader, 6 * (uint64_t)SECOND + 1, false, &record));
    assert_int_equal(record.pid, 1);
    assert_true(tare_samples_next(reader, 6 * (uint64_t)SECOND + 1, false, &record));
    assert_string_equal(record.text, "later");
    assert_int_equal(reader->torn, 0);
}

static void that_of_a_writer_that_died_is_passed_over(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_samples_record record;
    begin(reader, TARE_SAMPLES_SAMPLE, 1);
    write_text(reader, TARE_SAMPLES_THREAD, 2, 0, "later");
    begin(reader, TARE_SAMPLES_SAMPLE, 3);
    write_text(reader, TARE_SAMPLES_THREAD, 4, 0, "last");
    begin(reader, TARE_SAMPLES_SAMPLE, 5);
    assert_false(tare_samples_next(reader, 10, false, &record));
    assert_false(tare_samples_next(reader, 9 + (uint64_t)SECOND, false, &record));
    assert_true(tare_samples_next(reader, 10 + (uint64_t)SECOND, false, &record));
    assert_int_equal(record.pid, 2);
    assert_int_equal(reader->torn, 1);
    assert_false(tare_samples_next(reader, 11 + (uint64_t)SECOND, false, &record)); /* a second of its own */
    assert_true(tare_samples_next(reader, 11 + (uint64_t)SECOND, true, &record));   /* unless all have ended */
    assert_int_equal(record.pid, 4);
    assert_false(tare_samples_next(reader, 11 + (uint64_t)SECOND, true, &record));
    assert_int_equal(reader->torn, 3);
}

static void damage_ends_the_reading(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_samples_record record;
    write_text(reader, TARE_SAMPLES_THREAD, 2, 0, "there");
    const uint64_t heads[] = {TARE_SAMPLES_SLOTS + 1, UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        reader->shared->head = heads[i];
        assert_true(tare_samples_damaged(reader));
        assert_int_equal(tare_samples_waiting(reader), 0);
        assert_false(tare_samples_next(reader, 1, true, &record));
    }
    reader->shared->head = 1;
    /* What we know of the slots is ours. */
    reader->shared->slots_offset = UINT64_MAX - 100;
    reader->shared->slot_size = reader->shared->slot_count = UINT32_MAX;
    assert_true(tare_samples_next(reader, 1, true, &record));
}

static void take_all(struct tare_samples_reader *reader, struct tare_raw_stacks *stacks)
{
    struct tare_samples_record record;
    while (tare_samples_next(reader, 1, true, &record)) {
        assert_int_equal(tare_raw_stacks_take(stacks, &record), 0);
    }
}

/* The object of the innermost frame of a sample; "" if it is none. */
static const char *object_of(const struct tare_profile *profile, size_t sample)
{
    uint32_t node = profile->samples[sample].node;
    assert_true(node < profile->node_count);
    uint32_t object = profile->frames[profile->nodes[node].frame].object;
    return object != TARE_PROFILE_NONE ? profile->objects[object].path : "";
}

static bool at_once(void *data)
{
    (void)data;
    return true;
}

static struct tare_profile *finish_with(struct tare_samples_reader *reader, struct tare_raw_stacks *stacks,
                                        bool (*stopped)(void *), uint64_t *unnamed)
{
    take_all(reader, stacks);
    struct tare_symbols *symbols = tare_symbols_new(NULL);
    struct tare_profile *profile = tare_profile_new();
    assert_non_null(symbols);
    assert_non_null(profile);
    const struct tare_raw_finish how = {
        .start_ns = 100, .interval_ns = 1000, .stopped = stopped, .unnamed = unnamed};
    assert_int_equal(tare_raw_stacks_finish(stacks, &how, symbols, profile), 0);
    tare_symbols_free(symbols);
    return profile;
}

static struct tare_profile *finish(struct tare_samples_reader *reader, struct tare_raw_stacks *stacks)
{
    return finish_with(reader, stacks, NULL, NULL);
}

static void addresses_mean_what_was_mapped_when_they_were_taken(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    assert_non_null(stacks);
    const uint64_t there = 0x5000;
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/first");
    write_module(reader, 20, 0x4000, 0x4000, "/nowhere/first");
    write_sample(reader, 20, 101, &there, 1);
    write_text(reader, TARE_SAMPLES_PROCESS, 21, 20, ""); /* fork */
    write_sample(reader, 21, 102, &there, 1);
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/second"); /* exec */
    write_module(reader, 20, 0x4000, 0x4000, "/nowhere/second");
    write_sample(reader, 20, 103, &there, 1);
    write_sample(reader, 21, 104, &there, 1);
    write_module(reader, 21, 0x4000, 0x2000, "/nowhere/loaded_over_it");
    write_sample(reader, 21, 105, &there, 1);
    write_text(reader, TARE_SAMPLES_PROCESS, 22, 21, ""); /* a fork of the fork */
    write_text(reader, TARE_SAMPLES_PROCESS, 23, 22, "");
    write_sample(reader, 23, 106, &there, 1);
    struct tare_profile *profile = finish(reader, stacks);
    assert_int_equal(profile->sample_count, 6);
    assert_string_equal(object_of(profile, 0), "/nowhere/first");
    assert_string_equal(object_of(profile, 1), "/nowhere/first");
    assert_string_equal(object_of(profile, 2), "/nowhere/second");
    assert_string_equal(object_of(profile, 3), "/nowhere/first");
    assert_string_equal(object_of(profile, 4), "/nowhere/loaded_over_it");
    assert_string_equal(object_of(profile, 5), "/nowhere/loaded_over_it");
    assert_int_equal(profile->process_count, 4);
    assert_string_equal(profile->processes[0].command, "second");
    assert_string_equal(profile->processes[3].command, "first"); /* inherited */
    tare_profile_free(profile);
    tare_raw_stacks_free(stacks);
}

static void modules_cover_parts_of_others(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    assert_non_null(stacks);
    const uint64_t places[] = {0x4100, 0x6100, 0x8100, 0x9100};
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/first");
    write_sample(reader, 20, 101, &places[0], 1); /* a constructor's: its module comes behind it */
    write_module(reader, 20, 0x4000, 0x5000, "/nowhere/wide");
    write_module(reader, 20, 0x6000, 0x1000, "/nowhere/inside");
    write_text(reader, TARE_SAMPLES_PROCESS, 21, 20, ""); /* fork */
    write_module(reader, 21, 0x4000, 0x1000, "/nowhere/of_the_child");
    for (size_t i = 0; i < 4; i++) {
        write_sample(reader, 20, 102 + i, &places[i], 1);
    }
    write_sample(reader, 21, 106, &places[0], 1);
    write_module(reader, 20, 0x8000, 0x2000, "/nowhere/behind");
    write_sample(reader, 20, 107, &places[2], 1);
    struct tare_profile *profile = finish(reader, stacks);
    static const char *const expected[] = {
        "/nowhere/wide",         "/nowhere/wide",   "/nowhere/inside",
        "/nowhere/wide",         "/nowhere/behind", /* as of the one in front of its module */
        "/nowhere/of_the_child", "/nowhere/behind"};
    assert_int_equal(profile->sample_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(object_of(profile, i), expected[i]);
    }
    tare_profile_free(profile);
    tare_raw_stacks_free(stacks);
}

/* What is kept does not grow with how often: else this would take minutes. */
static void libraries_come_and_go_at_the_same_place(void **state)
{
    enum { CYCLES = 30000, LIBRARIES = 3 };
    struct tare_samples_reader *reader = *state;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    assert_non_null(stacks);
    char path[64];
    const uint64_t there = 0x5000;
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/first");
    for (int i = 0; i < CYCLES; i++) {
        snprintf(path, sizeof(path), "/nowhere/%d", i % LIBRARIES);
        write_module(reader, 20, 0x4000, 0x2000 + (uint64_t)(i % LIBRARIES) * 0x1000, path);
        write_sample(reader, 20, 101, &there, 1);
        take_all(reader, stacks);
    }
    struct tare_profile *profile = finish(reader, stacks);
    assert_int_equal(profile->sample_count, CYCLES);
    assert_int_equal(profile->node_count, LIBRARIES);
    for (size_t i = 0; i < CYCLES; i++) {
        snprintf(path, sizeof(path), "/nowhere/%d", (int)(i % LIBRARIES));
        assert_string_equal(object_of(profile, i), path);
    }
    tare_profile_free(profile);
    tare_raw_stacks_free(stacks);
}

static void who_does_not_wait_for_names_gets_the_rest(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    assert_non_null(stacks);
    const uint64_t there = 0x5000, nowhere = 0x50000;
    uint64_t unnamed = 0;
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/first");
    write_module(reader, 20, 0x4000, 0x4000, "/nowhere/first");
    write_sample(reader, 20, 101, &there, 1);
    write_sample(reader, 20, 102, &there, 1);
    write_sample(reader, 20, 103, &nowhere, 1);
    struct tare_profile *profile = finish_with(reader, stacks, at_once, &unnamed);
    assert_int_equal(profile->sample_count, 3);
    assert_int_equal(unnamed, 2);
    assert_string_equal(object_of(profile, 1), "/nowhere/first");
    assert_string_equal(object_of(profile, 2), "");
    assert_int_equal(profile->frames[profile->nodes[profile->samples[0].node].frame].address, 0x1000);
    tare_profile_free(profile);
    tare_raw_stacks_free(stacks);
}

static void stacks_and_threads_are_kept_once(void **state)
{
    struct tare_samples_reader *reader = *state;
    struct tare_raw_stacks *stacks = tare_raw_stacks_new();
    assert_non_null(stacks);
    const uint64_t deep[] = {0x4100, 0x4200, 0x4300}, other[] = {0x4101, 0x4200, 0x4300};
    write_text(reader, TARE_SAMPLES_PROCESS, 20, 0, "/nowhere/first");
    write_module(reader, 20, 0x4000, 0x4000, "/nowhere/first");
    for (uint64_t i = 0; i < 100; i++) {
        write_sample(reader, 20, 200 + i, i % 2 == 0 ? deep : other, 3);
    }
    write_sample(reader, 20, 50, deep, 0); /* from before the beginning, and without a stack */
    write_text(reader, TARE_SAMPLES_THREAD, 20, 0, "worker");
    struct tare_profile *profile = finish(reader, stacks);
    assert_int_equal(profile->sample_count, 101);
    assert_int_equal(profile->node_count, 4);
    assert_int_equal(profile->thread_count, 1);
    assert_string_equal(profile->threads[0].name, "worker");
    assert_int_equal(profile->samples[0].weight, 1000);
    assert_true(profile->samples[0].time_ns == 100);
    assert_true(profile->interval_ns == 1000);
    assert_int_equal(profile->samples[0].node, profile->samples[98].node);
    assert_int_equal(profile->nodes[profile->samples[0].node].parent,
                     profile->nodes[profile->samples[1].node].parent);
    assert_int_equal(profile->samples[100].node, TARE_PROFILE_NONE);
    assert_true(profile->samples[100].time_ns == 0);
    tare_profile_free(profile);
    tare_raw_stacks_free(stacks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_memory_is_as_the_header_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_come_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_ring_is_read_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slot_that_is_not_complete_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(that_of_a_writer_that_died_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_ends_the_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_mean_what_was_mapped_when_they_were_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(modules_cover_parts_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(libraries_come_and_go_at_the_same_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_wait_for_names_gets_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stacks_and_threads_are_kept_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
