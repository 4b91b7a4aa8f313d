/* SPDX-License-Identifier: MIT */
/* The spool of tare serve --push: what was taken is there, in order, across crashes, full disks and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/spool.h"
#include "small_disk.h"

static char *folder; /* of the test that runs */

static int make_folder(void **state)
{
    (void)state;
    char template[] = "/tmp/tare-spool-XXXXXX";
    folder = mkdtemp(template) != NULL ? strdup(template) : NULL;
    small_disk_folder = folder;
    small_disk_max = 0;
    return folder == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    int result = system(command);
    free(folder);
    return result;
}

static void open_spool(struct tare_spool *spool, uint64_t max_bytes)
{
    char message[256] = "";
    int failure = tare_spool_open(spool, folder, max_bytes, message, sizeof(message));
    assert_string_equal(message, "");
    assert_int_equal(failure, 0);
}

static void count_dropped(void *data, uint64_t number)
{
    uint64_t *dropped = data;
    assert_true(number > 0);
    ++*dropped;
}

static void add(struct tare_spool *spool, const char *text)
{
    uint64_t dropped = 0;
    assert_int_equal(tare_spool_add(spool, 1000 + spool->next, text, strlen(text), count_dropped, &dropped), 0);
    assert_int_equal(dropped, 0);
}

static void expect_batch(struct tare_spool *spool, size_t i, uint64_t number, const char *text)
{
    assert_true(i < spool->count);
    char *bytes;
    assert_int_equal(spool->batches[i].number, number);
    assert_int_equal(spool->batches[i].unix_ms, 1000 + number);
    assert_int_equal(tare_spool_read(spool, &spool->batches[i], &bytes), 0);
    assert_int_equal(spool->batches[i].size, strlen(text));
    assert_string_equal(bytes, text);
    free(bytes);
}

static void a_spool_keeps_order_and_what_is_not_settled(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    add(&spool, "one");
    add(&spool, "two");
    add(&spool, "");
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 3);
    expect_batch(&spool, 0, 1, "one");
    expect_batch(&spool, 2, 3, "");
    add(&spool, "four");
    assert_int_equal(tare_spool_settle(&spool, 2), 0);
    assert_int_equal(spool.count, 2);
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 2);
    expect_batch(&spool, 0, 3, "");
    expect_batch(&spool, 1, 4, "four");
    assert_int_equal(tare_spool_settle(&spool, 4), 0);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.bytes, 0);
    tare_spool_close(&spool);
    /* Numbers go on: one that was used is never used again. */
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.next, 5);
    add(&spool, "five");
    expect_batch(&spool, 0, 5, "five");
    tare_spool_close(&spool);
}

static void path_of(uint64_t segment, char path[256])
{
    snprintf(path, 256, "%s/%020llu.spool", folder, (unsigned long long)segment);
}

static void a_batch_that_was_cut_off_is_cut_away(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    add(&spool, "one");
    add(&spool, "two");
    uint64_t whole = spool.bytes;
    add(&spool, "three");
    uint64_t all = spool.bytes;
    tare_spool_close(&spool);
    char path[256];
    path_of(1, path);
    char *bytes = malloc(all);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, all, file), all);
    fclose(file);
    for (uint64_t size = whole; size < all; size++) {
        file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        open_spool(&spool, 1 << 20);
        assert_int_equal(spool.count, 2);
        assert_int_equal(spool.damaged, size > whole);
        assert_int_equal(spool.next, 3);
        add(&spool, "new");
        expect_batch(&spool, 2, 3, "new");
        tare_spool_close(&spool);
        path_of(3, path); /* what was added went into a segment of its own */
        assert_int_equal(unlink(path), 0);
        path_of(1, path);
    }
    free(bytes);
}

static void a_full_spool_gives_up_the_oldest(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 4096);
    char text[200];
    memset(text, 'x', sizeof(text));
    uint64_t dropped = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tare_spool_add(&spool, 0, text, sizeof(text), count_dropped, &dropped), 0);
        assert_true(spool.bytes <= 4096);
        assert_int_equal(spool.count + dropped, i + 1);
        assert_int_equal(spool.batches[spool.count - 1].number, i + 1);
    }
    assert_true(dropped > 0);
    assert_int_equal(tare_spool_add(&spool, 0, text, 5000, count_dropped, &dropped), -EFBIG);
    tare_spool_close(&spool);
    open_spool(&spool, 4096);
    assert_int_equal(spool.count + dropped, 100);
    tare_spool_close(&spool);
}

/* Though the spool could take more: what comes is kept, and as much of what was there as there is room for. */
static void a_full_disk_gives_up_the_oldest(void **state)
{
    (void)state;
    enum { DISK = 4096, ALL = 100, SIZE = 200, WHOLE = SIZE + TARE_SPOOL_HEADER, ROOM = DISK / WHOLE };
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    small_disk_max = DISK;
    char text[SIZE];
    memset(text, 'x', sizeof(text));
    uint64_t dropped = 0, before;
    for (unsigned i = 1; i <= ALL; i++) {
        before = dropped;
        assert_int_equal(tare_spool_add(&spool, 0, text, sizeof(text), count_dropped, &dropped), 0);
        assert_int_equal(spool.count + dropped, i);
        assert_int_equal(dropped - before, i > ROOM);
        assert_int_equal(spool.bytes, spool.count * WHOLE);
    }
    assert_int_equal(spool.count, ROOM);
    uint64_t last = spool.batches[ROOM - 1].number;
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, ROOM);
    assert_int_equal(spool.damaged, 0);
    assert_int_equal(spool.batches[ROOM - 1].number, last);
    /* Somebody else fills the disk: it takes no more of what is there than what comes would need. */
    small_disk_max = 1;
    for (unsigned i = 1; i <= 3; i++) {
        dropped = 0;
        assert_int_equal(tare_spool_add(&spool, 0, text, sizeof(text), count_dropped, &dropped), -ENOSPC);
        assert_int_equal(dropped, 1);
        assert_int_equal(spool.count, ROOM - i);
    }
    small_disk_max = 0;
    tare_spool_close(&spool);
}

static void what_is_done_with_goes_from_a_full_disk(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    small_disk_max = 150; /* a segment for each; and then not even for the number of what is done with */
    for (size_t i = 0; i < 4; i++) {
        add(&spool, "four");
    }
    small_disk_max = (unsigned long)spool.bytes;
    assert_int_equal(tare_spool_settle(&spool, 3), 0);
    assert_int_equal(spool.count, 1);
    assert_int_equal(spool.settled, 3);
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.settled, 3);
    assert_int_equal(spool.count, 1);
    expect_batch(&spool, 0, 4, "four");
    tare_spool_close(&spool);
}

/* Not even the number of what is done with can be written, and nothing needs it. */
static void what_had_to_go_from_a_full_disk_is_done_with(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    small_disk_max = 4 * 36;
    for (size_t i = 0; i < 3; i++) {
        add(&spool, "four");
    }
    small_disk_max = 1;
    uint64_t dropped = 0;
    assert_int_equal(tare_spool_add(&spool, 0, "five", 4, count_dropped, &dropped), -ENOSPC);
    assert_int_equal(dropped, 1);
    assert_int_equal(tare_spool_settle(&spool, 1), 0);
    assert_int_equal(spool.count, 2);
    assert_int_equal(tare_spool_settle(&spool, 3), 0);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.bytes, 0);
    small_disk_max = 0;
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.damaged, 0);
    add(&spool, "six");
    tare_spool_close(&spool);
}

static void a_spool_has_one_user(void **state)
{
    (void)state;
    struct tare_spool spool, other;
    open_spool(&spool, 4096);
    char message[256] = "";
    assert_int_equal(tare_spool_open(&other, folder, 4096, message, sizeof(message)), -EBUSY);
    assert_non_null(strstr(message, "is used by another tare"));
    tare_spool_close(&spool);
    assert_int_equal(tare_spool_open(&other, folder, 4096, message, sizeof(message)), 0);
    tare_spool_close(&other);
}

static void what_a_killed_process_was_told_is_there(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct tare_spool spool;
            char message[256];
            uint64_t dropped = 0;
            if (tare_spool_open(&spool, folder, 1 << 20, message, sizeof(message)) != 0) {
                _exit(1);
            }
            for (;;) {
                uint64_t number = spool.next;
                if (tare_spool_add(&spool, 0, &number, sizeof(number), count_dropped, &dropped) != 0 ||
                    write(pipes[1], &number, sizeof(number)) != sizeof(number)) {
                    _exit(1);
                }
            }
        }
        close(pipes[1]);
        uint64_t last = 0, number;
        for (int i = 0; i <= round; i++) {
            assert_int_equal(read(pipes[0], &number, sizeof(number)), sizeof(number));
            last = number;
        }
        kill(child, SIGKILL);
        while (read(pipes[0], &number, sizeof(number)) == sizeof(number)) {
            last = number;
        }
        close(pipes[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct tare_spool spool;
        open_spool(&spool, 1 << 20);
        assert_true(spool.next > last);
        for (size_t i = 0; i < spool.count; i++) {
            char *bytes;
            assert_int_equal(spool.batches[i].number, i + 1);
            assert_int_equal(tare_spool_read(&spool, &spool.batches[i], &bytes), 0);
            memcpy(&number, bytes, sizeof(number));
            assert_int_equal(number, i + 1);
            free(bytes);
        }
        tare_spool_close(&spool);
    }
}

/* A segment as a writer leaves it whose last batch could not be cut away. */
static void write_segment(uint64_t segment, const char *const *texts, size_t count)
{
    char path[256];
    path_of(segment, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = segment + i, unix_ms = 1000 + number;
        uint32_t size = (uint32_t)strlen(texts[i]), crc = tare__crc32(texts[i], size);
        unsigned char header[TARE_SPOOL_HEADER] = "TSP1";
        memcpy(header + 4, &size, 4);
        memcpy(header + 8, &number, 8);
        memcpy(header + 16, &unix_ms, 8);
        memcpy(header + 24, &crc, 4);
        crc = tare__crc32(header, 28);
        memcpy(header + 28, &crc, 4);
        assert_int_equal(fwrite(header, 1, sizeof(header), file), sizeof(header));
        assert_int_equal(fwrite(texts[i], 1, size, file), size);
    }
    assert_int_equal(fclose(file), 0);
}

static void no_number_is_there_twice(void **state)
{
    (void)state;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        skip(); /* the segments are written as this machine has numbers */
    }
    write_segment(1, (const char *const[]){"one", "two", "three"}, 3);
    write_segment(3, (const char *const[]){"three again", "four"}, 2);
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 4);
    expect_batch(&spool, 2, 3, "three");
    expect_batch(&spool, 3, 4, "four");
    assert_int_equal(spool.next, 5);
    tare_spool_close(&spool);
}

static void what_could_not_be_written_leaves_its_number_unused(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    add(&spool, "one");
    uint64_t bytes = spool.bytes, dropped = 0;
    int fd = spool.write_fd;
    spool.write_fd = open("/dev/null", O_RDONLY); /* it takes nothing, and cannot be cut */
    assert_true(spool.write_fd >= 0);
    assert_int_equal(tare_spool_add(&spool, 0, "two", 3, count_dropped, &dropped), -EBADF);
    assert_int_equal(dropped, 0);
    close(fd);
    assert_int_equal(spool.count, 1);
    assert_int_equal(spool.bytes, bytes);
    add(&spool, "three");
    expect_batch(&spool, 1, 3, "three");
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.count, 2);
    expect_batch(&spool, 0, 1, "one");
    expect_batch(&spool, 1, 3, "three");
    tare_spool_close(&spool);
}

static void a_segment_that_cannot_be_removed_is_tried_again(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    add(&spool, "one");
    uint64_t bytes = spool.bytes;
    char path[256], aside[300];
    path_of(1, path);
    snprintf(aside, sizeof(aside), "%s.aside", path);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(tare_spool_settle(&spool, 1) < 0);
    assert_int_equal(spool.bytes, bytes);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(tare_spool_settle(&spool, 1), 0);
    assert_int_equal(spool.bytes, 0);
    assert_int_equal(spool.count, 0);
    assert_int_not_equal(access(path, F_OK), 0);
    tare_spool_close(&spool);
}

/* The whole file; its size is *size. malloc'ed. */
static char *read_segment(uint64_t segment, size_t *size)
{
    char path[256];
    path_of(segment, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct stat st;
    assert_int_equal(fstat(fileno(file), &st), 0);
    *size = (size_t)st.st_size;
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void put_segment(uint64_t segment, const char *bytes, size_t size)
{
    char path[256];
    path_of(segment, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Opens, expects all but [lost, lost + count), and that it is counted the first time alone. */
static void expect_lost(const char *const *texts, size_t all, size_t lost, size_t count)
{
    for (int round = 0; round < 2; round++) {
        struct tare_spool spool;
        open_spool(&spool, 1 << 20);
        assert_int_equal(spool.damaged, round == 0 ? count : 0);
        assert_int_equal(spool.count, all - count);
        for (size_t i = 0, at = 0; i < all; i++) {
            if (i < lost || i >= lost + count) {
                expect_batch(&spool, at++, i + 1, texts[i]);
            }
        }
        tare_spool_close(&spool);
    }
}

static const char *const five[] = {"one", "the second", "", "TSP1 four, a longer one TSPX", "five"};

static void a_damaged_byte_loses_its_batch_alone(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        add(&spool, five[i]);
    }
    tare_spool_close(&spool);
    size_t size, batch = 0, ends = TARE_SPOOL_HEADER + strlen(five[0]);
    char *bytes = read_segment(1, &size);
    for (size_t at = 0; at < size; at++) {
        if (at == ends) {
            ends += TARE_SPOOL_HEADER + strlen(five[++batch]);
        }
        static const unsigned char changes[] = {0x01, 0x80, 0xff};
        for (size_t i = 0; i < 3; i++) {
            bytes[at] ^= (char)changes[i];
            put_segment(1, bytes, size);
            bytes[at] ^= (char)changes[i];
            expect_lost(five, 5, batch, 1);
        }
    }
    assert_int_equal(batch, 4);
    free(bytes);
}

static void damage_over_several_batches_loses_those(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    size_t starts[6] = {0};
    for (size_t i = 0; i < 5; i++) {
        add(&spool, five[i]);
        starts[i + 1] = starts[i] + TARE_SPOOL_HEADER + strlen(five[i]);
    }
    tare_spool_close(&spool);
    size_t size;
    char *bytes = read_segment(1, &size), *damaged = malloc(size);
    assert_non_null(damaged);
    for (size_t first = 0; first < 4; first++) {
        for (size_t last = first; last < 4; last++) {
            /* From the middle of one header to that of another, as a bad block of the disk is. */
            size_t from = starts[first] + 3, to = starts[last] + 20;
            memcpy(damaged, bytes, size);
            memset(damaged + from, 0, to - from);
            put_segment(1, damaged, size);
            expect_lost(five, 5, first, last - first + 1);
        }
    }
    free(damaged);
    free(bytes);
}

static void what_is_lost_at_a_segments_end_is_known_from_the_next(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    for (size_t i = 0; i < 4; i++) {
        add(&spool, five[i]);
    }
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20); /* what is added now begins a segment */
    add(&spool, five[4]);
    tare_spool_close(&spool);
    size_t size, kept = TARE_SPOOL_HEADER + strlen(five[0]);
    char *bytes = read_segment(1, &size);
    memset(bytes + kept, 'x', size - kept);
    put_segment(1, bytes, size);
    expect_lost(five, 5, 1, 3);
    /* Of the last segment nothing says how many there were. */
    memset(bytes, 'x', size);
    put_segment(5, bytes, size);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.damaged, 1);
    assert_int_equal(spool.count, 1);
    tare_spool_close(&spool);
    free(bytes);
}

static void what_was_settled_is_no_loss(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        add(&spool, five[i]);
    }
    assert_int_equal(tare_spool_settle(&spool, 2), 0);
    tare_spool_close(&spool);
    size_t size;
    char *bytes = read_segment(1, &size);
    bytes[TARE_SPOOL_HEADER] ^= 1; /* the first, and the header of the second and third */
    bytes[TARE_SPOOL_HEADER + 3] ^= 1;
    bytes[2 * TARE_SPOOL_HEADER + 13] ^= 1;
    bytes[3 * TARE_SPOOL_HEADER + 13] ^= 1;
    put_segment(1, bytes, size);
    free(bytes);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.damaged, 2); /* the third and fourth */
    assert_int_equal(spool.count, 1);
    expect_batch(&spool, 0, 5, five[4]);
    tare_spool_close(&spool);
}

static void a_batch_that_is_damaged_later_is_buried_once(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        add(&spool, five[i]);
    }
    char path[256], *text;
    path_of(1, path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, (off_t)spool.batches[1].offset), 1);
    close(fd);
    assert_int_equal(tare_spool_read(&spool, &spool.batches[1], &text), -EBADMSG);
    tare_spool_bury(&spool, &spool.batches[1]);
    tare_spool_close(&spool);
    open_spool(&spool, 1 << 20);
    assert_int_equal(spool.damaged, 0);
    assert_int_equal(spool.count, 4);
    expect_batch(&spool, 1, 3, five[2]);
    tare_spool_close(&spool);
    /* A grave that is damaged is a loss again, rather than one that nobody hears of. */
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "Y", 1, TARE_SPOOL_HEADER + 3 + 16), 1);
    close(fd);
    expect_lost(five, 5, 1, 1);
}

struct adder {
    struct tare_spool *spool;
    pthread_mutex_t lock;
    uint64_t added, dropped, settled;
    bool done;
};

static void note(void *data, uint64_t number)
{
    struct adder *adder = data;
    pthread_mutex_lock(&adder->lock);
    adder->dropped += number > adder->settled;
    pthread_mutex_unlock(&adder->lock);
}

static void *add_many(void *data)
{
    struct adder *adder = data;
    char text[300];
    memset(text, 'x', sizeof(text));
    for (uint64_t i = 1; i <= 1000; i++) {
        memcpy(text, &i, sizeof(i));
        int failure = tare_spool_add(adder->spool, i, text, 8 + (i * 37) % 290, note, adder);
        pthread_mutex_lock(&adder->lock);
        adder->added += failure == 0;
        adder->done = i == 1000;
        pthread_mutex_unlock(&adder->lock);
    }
    return NULL;
}

/* For the thread sanitizer, too. The spool is so small that both threads remove segments. */
static void one_adds_while_another_sends_and_settles(void **state)
{
    (void)state;
    struct tare_spool spool;
    open_spool(&spool, 20000);
    struct adder adder = {.spool = &spool, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_many, &adder), 0);
    uint64_t next = 1, seen = 0, gone = 0;
    for (bool done = false; !done;) {
        pthread_mutex_lock(&adder.lock);
        done = adder.done;
        pthread_mutex_unlock(&adder.lock);
        struct tare_spool_batch batch;
        while (tare_spool_from(&spool, next, &batch)) {
            char *bytes;
            assert_true(batch.number >= next);
            next = batch.number + 1;
            int failure = tare_spool_read(&spool, &batch, &bytes);
            if (failure == -ENOENT) {
                gone++;
                continue;
            }
            assert_int_equal(failure, 0);
            assert_int_equal(batch.unix_ms, batch.number);
            assert_memory_equal(bytes, &batch.number, sizeof(batch.number));
            free(bytes);
            seen++;
            if (seen % 3 == 0) {
                pthread_mutex_lock(&adder.lock);
                adder.settled = batch.number;
                pthread_mutex_unlock(&adder.lock);
                assert_int_equal(tare_spool_settle(&spool, batch.number), 0);
            }
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(adder.added, 1000);
    assert_true(seen + adder.dropped >= 1000); /* some were seen and had to go before they were settled */
    assert_true(gone <= adder.dropped);
    assert_int_equal(tare_spool_settle(&spool, 1000), 0);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.bytes, 0);
    tare_spool_close(&spool);
    open_spool(&spool, 20000);
    assert_int_equal(spool.count, 0);
    assert_int_equal(spool.damaged, 0);
    assert_int_equal(spool.next, 1001);
    tare_spool_close(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_spool_keeps_order_and_what_is_not_settled, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_batch_that_was_cut_off_is_cut_away, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_spool_gives_up_the_oldest, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_gives_up_the_oldest, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_done_with_goes_from_a_full_disk, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_had_to_go_from_a_full_disk_is_done_with, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_spool_has_one_user, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_a_killed_process_was_told_is_there, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(no_number_is_there_twice, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_could_not_be_written_leaves_its_number_unused, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_segment_that_cannot_be_removed_is_tried_again, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_byte_loses_its_batch_alone, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(damage_over_several_batches_loses_those, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_is_lost_at_a_segments_end_is_known_from_the_next, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_was_settled_is_no_loss, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_batch_that_is_damaged_later_is_buried_once, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(one_adds_while_another_sends_and_settles, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
