/* SPDX-License-Identifier: MIT */
/*
 * What tare/frame.h leaves in the page: the ring of the last frames, slow ones, parts, late parts, sums and the
 * histogram; what is dropped, abandoned, reset, disabled, forked.
 */
#include <math.h>
#include <pthread.h>
#include <sys/resource.h>

#include <tare/frame.h>

#include "tests/behaviour/own_page.h"

TARE_MODULE("test");
TARE_FRAMES(plain, 100, "cpu", "gpu", "io");
TARE_FRAMES(slow, 64, "cpu", "gpu");
TARE_FRAMES(late, 64, "gpu");
static const char *const odd_parts[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"};
/* As by a header that lets sizes pass that cannot be: this one does not, see sizes_are_checked.sh. */
TARE__DECLARE(frames, 7, odd, "odd", TARE__MODULE_HERE, 0, 0, 0, odd_parts, 10, 0);
TARE_FRAMES(switched, 64, "cpu");
TARE_FRAMES(raced, 64, "cpu", "late");
TARE__DECLARE(frames, 7, largest, "largest", TARE__MODULE_HERE, 0, 0, 0, odd_parts, 1, 1 << 30);
TARE_FRAMES(spoilt, 64, "cpu", "gpu", "io");

#define UNKNOWN UINT64_MAX

static const struct tare_frame_ring *ring_seen(const char *name)
{
    uint64_t offset = SEEN(cell_seen(index_seen(name))->extra_offset);
    return offset != 0 ? seen_at(offset) : NULL;
}

static const void *in_ring(const struct tare_frame_ring *ring, uint64_t offset)
{
    return (const unsigned char *)ring + offset;
}

/* The record of a frame, as far as it is in the ring and stands still. */
static bool record_read(const struct tare_frame_ring *ring, uint32_t offset, uint64_t place, uint64_t number,
                        struct tare_frame_record *out)
{
    const struct tare_frame_record *record = in_ring(ring, offset + place * ring->record_stride);
    uint64_t sequence = SEEN(record->sequence);
    out->sequence = sequence;
    out->start_ticks = SEEN(record->start_ticks);
    out->ticks = SEEN(record->ticks);
    out->flags = SEEN(record->flags);
    for (int i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        out->part_ticks[i] = SEEN(record->part_ticks[i]);
    }
    return sequence == 2 * (number + 1) && __atomic_load_n(&record->sequence, __ATOMIC_RELAXED) == sequence;
}

static bool frame_read(const struct tare_frame_ring *ring, uint64_t number, struct tare_frame_record *out)
{
    return record_read(ring, ring->records_offset, (number - SEEN(ring->base)) % ring->capacity, number, out);
}

static bool slow_read(const struct tare_frame_ring *ring, uint64_t place, uint64_t number,
                      struct tare_frame_record *out)
{
    return record_read(ring, ring->slow_offset, place % ring->slow_capacity, number, out);
}

static uint64_t in_histogram(const struct tare_frame_ring *ring)
{
    const uint64_t *buckets = in_ring(ring, ring->buckets_offset);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < TARE_BUCKET_COUNT; i++) {
        sum += SEEN(buckets[i]);
    }
    return sum;
}

static double ticks_of(double ns)
{
    const struct tare_page *page = seen_at(0);
    return ns * (double)page->rate_hz / 1e9;
}

static void spin_ns(uint64_t ns)
{
    for (uint64_t until = monotonic_ns() + ns; monotonic_ns() < until;) {
    }
}

static void last_frames_are_in_the_ring(void)
{
    begin_case("the last frames are in the ring, and all of them in the sums");
    CHECK(ring_seen("plain") == NULL);
    uint64_t begun = monotonic_ns();
    for (uint64_t i = 0; i < 300; i++) {
        tare_frame_begin(plain);
        if (i % 2 == 0) {
            tare_frame_part_ns(plain, 1, 1000 * i);
        }
        tare_frame_part_ns(plain, 2, 300);
        tare_frame_part_ns(plain, 2, 700);
        tare_frame_part_ns(plain, 3, 1); /* there is no such part */
        CHECK_EQ(tare_frame_end(plain), i);
    }
    double lasted = ticks_of((double)(monotonic_ns() - begun));
    const struct tare_frame_ring *ring = ring_seen("plain");
    MUST(ring != NULL);
    CHECK_EQ(ring->capacity, 128);
    CHECK_EQ(ring->part_count, 3);
    CHECK_EQ(ring->generation, control_seen(index_seen("plain"))->generation);
    CHECK_EQ(SEEN(ring->frames), 300);
    CHECK_EQ(in_histogram(ring), 300);
    CHECK_EQ(ring->dropped + ring->slow + ring->abandoned + ring->open_ticks, 0);
    CHECK_EQ(ring->part_frames[0], 0);
    CHECK_EQ(ring->part_frames[1], 150);
    CHECK_EQ(ring->part_frames[2], 300);
    CHECK_BETWEEN(ticks_of(22350e3) - 150, ring->part_ticks[1], ticks_of(22350e3) + 1);
    struct tare_frame_record record, before = {0};
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t i = 300 - 128; i < 300; i++) {
        CHECK(frame_read(ring, i, &record));
        CHECK(record.start_ticks >= before.start_ticks + before.ticks);
        CHECK_EQ(record.flags, 0);
        CHECK_EQ(record.part_ticks[0], UNKNOWN);
        CHECK_BETWEEN(ticks_of(1000) - 2, record.part_ticks[2], ticks_of(1000));
        CHECK_EQ(record.part_ticks[3], UNKNOWN);
        if (i % 2 == 0) {
            CHECK_BETWEEN(ticks_of(1000.0 * (double)i) - 1, record.part_ticks[1], ticks_of(1000.0 * (double)i));
        } else {
            CHECK_EQ(record.part_ticks[1], UNKNOWN);
        }
        least = record.ticks < least ? record.ticks : least;
        most = record.ticks > most ? record.ticks : most;
        before = record;
    }
    CHECK(!frame_read(ring, 300 - 129, &record));
    CHECK(ring->min_ticks <= least && ring->max_ticks >= most);
    CHECK_BETWEEN(300.0 * (double)ring->min_ticks, ring->total_ticks, lasted * 1.01 + 1000);
}

static void part_scope(void)
{
    TARE_FRAME_PART(slow, 0);
    spin_ns(200000);
}

static void slow_frames_are_kept(void)
{
    begin_case("slow frames are kept apart, with their parts, however many fast ones follow");
    tare_frame_slow_ns(slow, 150000);
    for (uint64_t i = 0; i < 300; i++) {
        tare_frame_begin(slow);
        if (i == 10 || i == 20) {
            part_scope();
            part_scope();
        }
        tare_frame_end(slow);
    }
    const struct tare_frame_ring *ring = ring_seen("slow");
    CHECK_BETWEEN(ticks_of(150000) - 1, ring->slow_ticks, ticks_of(150000));
    CHECK(ring->slow >= 2); /* a busy machine makes more */
    CHECK_EQ(ring->frames, 300);
    struct tare_frame_record record;
    unsigned found = 0;
    for (uint64_t k = ring->slow > TARE_FRAME_SLOW ? ring->slow - TARE_FRAME_SLOW : 0; k < ring->slow; k++) {
        for (uint64_t number = 10; number <= 20; number += 10) {
            if (slow_read(ring, k, number, &record)) {
                found++;
                CHECK(record.ticks > ring->slow_ticks);
                CHECK_EQ(record.flags, TARE_FRAME_IS_SLOW);
                CHECK(record.part_ticks[0] >= (uint64_t)ticks_of(390000) &&
                      record.part_ticks[0] <= record.ticks);
                CHECK_EQ(record.part_ticks[1], UNKNOWN);
            }
        }
    }
    CHECK(found == 2 || ring->slow > TARE_FRAME_SLOW);
    CHECK_EQ(ring->part_frames[0], 2);

    begin_case("without a threshold no frame is slow; a reset leaves the threshold alone");
    tare_reset("test.slow");
    CHECK_BETWEEN(ticks_of(150000) - 1, ring->slow_ticks, ticks_of(150000));
    tare_frame_slow_ns(slow, 0);
    tare_frame_begin(slow);
    part_scope();
    tare_frame_end(slow);
    CHECK_EQ(ring->frames, 1);
    CHECK_EQ(ring->slow, 0);
}

static void late_parts_arrive(void)
{
    begin_case("a late part is added to its frame, and to its slow copy, while it is in the ring");
    struct tare_frame_record record;
    tare_frame_slow_ns(late, 1);
    uint64_t numbers[100];
    for (int i = 0; i < 100; i++) {
        tare_frame_begin(late);
        spin_ns(1000);
        numbers[i] = tare_frame_end(late);
    }
    const struct tare_frame_ring *ring = ring_seen("late");
    CHECK_EQ(ring->slow, 100);
    tare_frame_part_late_ns(late, numbers[99], 0, 5000);
    tare_frame_part_late_ns(late, numbers[99], 0, 3000);
    tare_frame_part_late_ns(late, numbers[36], 0, 7000); /* the oldest in the ring */
    tare_frame_part_late_ns(late, numbers[35], 0, 7000); /* gone */
    tare_frame_part_late_ns(late, 100, 0, 7000);         /* not yet there */
    tare_frame_part_late_ns(late, TARE_FRAME_NONE, 0, 7000);
    tare_frame_part_late_ns(late, numbers[99], 1, 7000); /* no such part */
    CHECK_EQ(ring->part_frames[0], 2);
    CHECK_BETWEEN(ticks_of(15000) - 3, ring->part_ticks[0], ticks_of(15000));
    CHECK(frame_read(ring, 99, &record));
    CHECK_BETWEEN(ticks_of(8000) - 2, record.part_ticks[0], ticks_of(8000));
    CHECK(slow_read(ring, 99, 99, &record));
    CHECK_BETWEEN(ticks_of(8000) - 2, record.part_ticks[0], ticks_of(8000));
    CHECK(frame_read(ring, 36, &record));
    CHECK_BETWEEN(ticks_of(7000) - 1, record.part_ticks[0], ticks_of(7000));
    CHECK(frame_read(ring, 37, &record));
    CHECK_EQ(record.part_ticks[0], UNKNOWN);

    begin_case("numbers go on after a reset, so that a late part finds no other frame");
    tare_reset("test.late");
    tare_frame_part_late_ns(late, numbers[99], 0, 5000);
    tare_frame_begin(late);
    uint64_t number = tare_frame_end(late);
    CHECK_EQ(number, 100);
    tare_frame_part_late_ns(late, 0, 0, 5000);
    tare_frame_part_late_ns(late, numbers[99], 0, 5000);
    CHECK_EQ(ring->frames, 1);
    CHECK_EQ(ring->part_frames[0], 0);
    tare_frame_part_late_ns(late, number, 0, 5000);
    CHECK(frame_read(ring, number, &record)); /* by the number that the program has, too */
    CHECK_BETWEEN(ticks_of(5000) - 1, record.part_ticks[0], ticks_of(5000));
}

static void what_does_not_fit_together(void)
{
    begin_case("a frame that is begun again is abandoned; an end alone is none; parts outside count nowhere");
    CHECK_EQ(tare_frame_end(odd), TARE_FRAME_NONE);
    tare_frame_part_ns(odd, 0, 1000);
    tare_frame_dropped(odd, 3);
    tare_frame_begin(odd);
    tare_frame_part_ns(odd, 7, 1000);
    {
        TARE_FRAME_PART(odd, 6); /* of the frame that is abandoned: ends in another */
        tare_frame_begin(odd);
    }
    {
        TARE_FRAME_PART(odd, 5); /* ends after its frame */
        CHECK_EQ(tare_frame_end(odd), 0);
    }
    CHECK_EQ(tare_frame_end(odd), TARE_FRAME_NONE);
    tare_frame_dropped(odd, 4);
    const struct tare_frame_ring *ring = ring_seen("odd");
    CHECK_EQ(ring->capacity, 64);
    CHECK_EQ(ring->part_count, TARE_FRAME_PARTS_MAX);
    CHECK_EQ(ring->frames, 1);
    CHECK_EQ(ring->abandoned, 1);
    CHECK_EQ(ring->dropped, 7);
    struct tare_frame_record record;
    CHECK(frame_read(ring, 0, &record));
    for (int i = 0; i < TARE_FRAME_PARTS_MAX; i++) {
        CHECK_EQ(record.part_ticks[i], UNKNOWN);
        CHECK_EQ(ring->part_frames[i], 0);
    }

    begin_case("a frame that a reset falls into is dropped");
    tare_frame_begin(odd);
    CHECK(SEEN(ring->open_ticks) != 0);
    tare_reset("test.odd");
    CHECK_EQ(tare_frame_end(odd), TARE_FRAME_NONE);
    tare_frame_begin(odd);
    tare_frame_end(odd);
    CHECK_EQ(ring->frames, 1);
    CHECK_EQ(ring->abandoned, 0);
    CHECK_EQ(ring->dropped, 0);
    CHECK_EQ(in_histogram(ring), 1);
}

static void disabled_counts_nothing(void)
{
    begin_case("disabled, nothing is counted, and no ring is made");
    tare_disable("test.switched");
    tare_frame_begin(switched);
    CHECK_EQ(tare_frame_end(switched), TARE_FRAME_NONE);
    tare_frame_dropped(switched, 1);
    CHECK(ring_seen("switched") == NULL);
    tare_frame_slow_ns(switched, 1000); /* but a threshold is for later, too */
    tare_enable("test.switched");
    tare_frame_begin(switched);
    spin_ns(5000);
    CHECK_EQ(tare_frame_end(switched), 0);
    const struct tare_frame_ring *ring = ring_seen("switched");
    CHECK_EQ(ring->slow, 1);

    begin_case("a frame in which they were disabled is abandoned, whether they are enabled again or not");
    tare_frame_begin(switched);
    tare_disable("test.switched");
    tare_enable("test.switched");
    tare_frame_part_ns(switched, 0, 1000);
    CHECK_EQ(tare_frame_end(switched), TARE_FRAME_NONE);
    CHECK_EQ(ring->abandoned, 1);
    CHECK_EQ(ring->open_ticks, 0);
    tare_frame_begin(switched);
    tare_disable("test.switched");
    CHECK_EQ(tare_frame_end(switched), TARE_FRAME_NONE);
    tare_frame_begin(switched);
    tare_enable("test.switched");
    CHECK_EQ(tare_frame_end(switched), TARE_FRAME_NONE); /* its begin was not seen */
    CHECK_EQ(ring->abandoned, 2);
    tare_frame_begin(switched);
    CHECK_EQ(tare_frame_end(switched), 1);
    CHECK_EQ(ring->frames, 2);
    CHECK_EQ(ring->part_frames[0], 0);
    CHECK_EQ(in_histogram(ring), 2);
}

static void ends_are_bounded(void)
{
    begin_case("a ring has 65536 frames at most");
    for (int i = 0; i < 70000; i++) {
        tare_frame_begin(largest);
        tare_frame_part_ns(largest, 0, UINT64_MAX / 8);
        tare_frame_end(largest);
    }
    const struct tare_frame_ring *ring = ring_seen("largest");
    CHECK_EQ(ring->capacity, TARE_FRAMES_MAX);
    struct tare_frame_record record;
    CHECK(frame_read(ring, 70000 - 65536, &record));
    CHECK(frame_read(ring, 69999, &record));
    CHECK(record.part_ticks[0] != UNKNOWN);
}

/* What `part` of the frame is in the page, where the frame is kept twice if it was slow. */
static uint64_t spoilt_part(uint64_t number, int part)
{
    const struct tare_frame_ring *ring = ring_seen("spoilt");
    struct tare_frame_record record = {.part_ticks[0] = 1};
    CHECK(frame_read(ring, number, &record));
    return record.part_ticks[part];
}

static void no_time_spoils_its_frame_only(void)
{
    begin_case("a part that is told what is no time is unknown in that frame, and in no other");
    const struct tare_frame_ring *ring;
    tare_frame_begin(spoilt);
    tare_frame_part_ns(spoilt, 0, 1000);
    tare_frame_part_ns(spoilt, 0, -5);
    tare_frame_part_ns(spoilt, 0, 1000);
    tare_frame_part_ns(spoilt, 1, UINT64_MAX);
    tare_frame_part_ns(spoilt, 2, 1000);
    uint64_t number = tare_frame_end(spoilt);
    ring = ring_seen("spoilt");
    CHECK(spoilt_part(number, 0) == UNKNOWN && spoilt_part(number, 1) == UNKNOWN);
    CHECK_BETWEEN(ticks_of(1000) - 1, spoilt_part(number, 2), ticks_of(1000));
    CHECK(ring->part_frames[0] == 0 && ring->part_frames[1] == 0 && ring->part_frames[2] == 1);
    CHECK(ring->part_ticks[0] == 0 && ring->part_ticks[1] == 0);

    begin_case("so it is late, and what had been counted is taken back");
    tare_frame_part_late_ns(spoilt, number, 0, 1000);
    CHECK(spoilt_part(number, 0) == UNKNOWN && ring->part_frames[0] == 0 && ring->part_ticks[0] == 0);
    tare_frame_part_late_ns(spoilt, number, 2, (uint64_t)INT64_MAX + 1);
    CHECK(spoilt_part(number, 2) == UNKNOWN && ring->part_frames[2] == 0 && ring->part_ticks[2] == 0);
    tare_frame_part_late_ns(spoilt, number, 2, 7);
    CHECK(spoilt_part(number, 2) == UNKNOWN && ring->part_frames[2] == 0);

    begin_case("the next frame has them");
    tare_frame_begin(spoilt);
    tare_frame_part_ns(spoilt, 0, 1000);
    number = tare_frame_end(spoilt);
    tare_frame_part_late_ns(spoilt, number, 1, 1000);
    tare_frame_part_late_ns(spoilt, number, 1, 1000);
    CHECK(spoilt_part(number, 0) != UNKNOWN && spoilt_part(number, 2) == UNKNOWN);
    CHECK_BETWEEN(2 * ticks_of(1000) - 2, spoilt_part(number, 1), 2 * ticks_of(1000));
    CHECK(ring->part_frames[0] == 1 && ring->part_frames[1] == 1 && ring->part_frames[2] == 0);
    CHECK_EQ(ring->part_ticks[1], spoilt_part(number, 1));
}

static void fork_begins_anew(void)
{
    begin_case("a child of fork begins with nothing, and leaves its parent's alone");
    const struct tare_frame_ring *ring = ring_seen("plain");
    uint64_t before = ring->frames;
    tare_frame_begin(plain);
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        see_page();
        CHECK(ring_seen("plain") == NULL);
        CHECK_EQ(tare_frame_end(plain), TARE_FRAME_NONE);
        tare_frame_begin(plain);
        CHECK_EQ(tare_frame_end(plain), 0);
        CHECK_EQ(ring_seen("plain")->frames, 1);
        CHECK_EQ(ring_seen("plain")->abandoned, 0);
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(ring->frames, before);
    CHECK_EQ(tare_frame_end(plain), before);
    CHECK_EQ(ring->frames, before + 1);
}

/*
 * One thread makes frames, two bring late parts, and this one reads from outside: each record is of one frame.
 * The part "cpu" of frame n is n µs, and "late" comes twice, with n µs each time.
 */
static bool stop;
static uint64_t last_number = TARE_FRAME_NONE;
static void *bring_late_parts(void *argument)
{
    (void)argument;
    for (uint64_t done = TARE_FRAME_NONE; !__atomic_load_n(&stop, __ATOMIC_RELAXED);) {
        uint64_t number = __atomic_load_n(&last_number, __ATOMIC_ACQUIRE);
        if (number != done) {
            tare_frame_part_late_ns(raced, number, 1, number * 1000);
            done = number;
        }
    }
    return NULL;
}

static void *make_frames(void *argument)
{
    (void)argument;
    for (uint64_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        tare_frame_begin(raced);
        tare_frame_part_ns(raced, 0, i * 1000);
        __atomic_store_n(&last_number, tare_frame_end(raced), __ATOMIC_RELEASE);
    }
    return NULL;
}

static void readers_see_whole_records(void)
{
    begin_case("a reader meanwhile sees no record half of one frame and half of another");
    pthread_t maker, late[2];
    for (int i = 0; i < 2; i++) {
        MUST(pthread_create(&late[i], NULL, bring_late_parts, NULL) == 0);
    }
    MUST(pthread_create(&maker, NULL, make_frames, NULL) == 0);
    EVENTUALLY(ring_seen("raced") != NULL);
    const struct tare_frame_ring *ring = ring_seen("raced");
    uint64_t whole = 0, frames = 0;
    while (whole < TIMES(200000) || frames < TIMES(50000)) {
        frames = SEEN(ring->frames);
        for (uint64_t number = frames > 64 ? frames - 64 : 0; number < frames; number++) {
            struct tare_frame_record record;
            if (frame_read(ring, number, &record)) {
                double part = ticks_of((double)number * 1000), share = part / 1e9;
                whole++;
                CHECK_BETWEEN(part - 1 - share, record.part_ticks[0], part + 1 + share);
                uint64_t added = record.part_ticks[1];
                CHECK(added == UNKNOWN || fabs((double)added - part) < 2 + share ||
                      fabs((double)added - 2 * part) < 3 + share);
            }
        }
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(maker, NULL);
    pthread_join(late[0], NULL);
    pthread_join(late[1], NULL);
    CHECK_EQ(in_histogram(ring), ring->frames);
    CHECK_EQ(last_number + 1, ring->frames);
    CHECK(ring->part_frames[1] > 0 && ring->part_frames[1] <= ring->frames);
}

/* In a page of a MiB, where the largest ring does not fit. */
static int be_without_room(void)
{
    const struct tare_page *page = see_page();
    for (int i = 0; i < 100; i++) {
        tare_frame_begin(largest);
        CHECK_EQ(tare_frame_end(largest), TARE_FRAME_NONE);
        tare_frame_begin(plain);
        CHECK_EQ(tare_frame_end(plain), i);
    }
    CHECK_EQ(SEEN(page->lost_extras), 1);
    CHECK(ring_seen("largest") == NULL);
    return failed_checks != 0;
}

static void no_room_is_counted(void)
{
    begin_case("without room for a ring nothing is kept, and the loss is counted once");
    struct rlimit limit, before;
    MUST(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK_EQ(run_self("without-room", ENVIRONMENT("TARE_TIMERS=16", "TARE_THREADS=1"), NULL), 0);
    MUST(setrlimit(RLIMIT_FSIZE, &before) == 0);

    begin_case("without a page there are no frames");
    CHECK_EQ(run_self("without-page", ENVIRONMENT("TARE=off"), NULL), 0);
}

static int be_without_page(void)
{
    tare_frame_slow_ns(plain, 1000);
    tare_frame_begin(plain);
    {
        TARE_FRAME_PART(plain, 0);
    }
    tare_frame_part_ns(plain, 0, 1);
    tare_frame_part_late_ns(plain, 0, 0, 1);
    tare_frame_dropped(plain, 1);
    CHECK_EQ(tare_frame_end(plain), TARE_FRAME_NONE);
    return failed_checks != 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "without-room") == 0 ? be_without_room() : be_without_page();
    }
    if (own_page() == NULL) {
        skip_all("no page");
    }
    see_page();
    last_frames_are_in_the_ring();
    slow_frames_are_kept();
    late_parts_arrive();
    what_does_not_fit_together();
    disabled_counts_nothing();
    ends_are_bounded();
    no_time_spoils_its_frame_only();
    fork_begins_anew();
    readers_see_whole_records();
    no_room_is_counted();
    return finish();
}
