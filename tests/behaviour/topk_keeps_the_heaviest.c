/* SPDX-License-Identifier: MIT */
/*
 * What TARE_HIT leaves in the page: sums and tables of each thread, through resets, switching, fork, the ends of
 * threads, signal handlers, and where there is no room for a table.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "stats/heavy.h"
#include "tests/behaviour/own_page.h"

TARE_MODULE("test");
TARE_TOPK(blocks, 256, "bytes", "tier=0", "Blocks that were run");
TARE_TOPK(threads, 64);
TARE_TOPK(reset, 64);
TARE_TOPK(switched, 64);
/* As by a header that lets sizes pass that cannot be: this one does not, see sizes_are_checked.sh. */
TARE__DECLARE(topk, 6, one, "one", TARE__MODULE_HERE, 0, 0, 0, 0, 0, 0);
TARE__DECLARE(topk, 6, most, "most", TARE__MODULE_HERE, 0, 0, 0, 0, 0, 1000000);
TARE_TOPK(interrupted, 32);
TARE_TOPK(watched, 16);

/* What the page says of one of them, over all blocks. */
struct seen {
    uint64_t weight, hits, least, sizes;
    size_t tables, count;
    struct tare_heavy_key keys[256];
};

static const struct tare_topk *table_seen(const struct tare_topk_slot *slot)
{
    uint64_t offset = SEEN(slot->table_offset);
    return offset != 0 ? seen_at(offset) : NULL;
}

/* An entry that does not change meanwhile; false if it never stood still. */
static bool entry_read(const struct tare_topk_entry *entry, struct tare_heavy_key *key)
{
    for (int tries = 0; tries < 1000000; tries++) {
        uint32_t sequence = SEEN(entry->sequence);
        *key = (struct tare_heavy_key){SEEN(entry->key), SEEN(entry->weight), SEEN(entry->error), 0};
        key->hits = SEEN(entry->hits);
        if ((sequence & 1) == 0 && __atomic_load_n(&entry->sequence, __ATOMIC_RELAXED) == sequence) {
            return true;
        }
    }
    return false;
}

static struct seen look(const char *name)
{
    enum { TABLES = 32 };
    struct seen seen = {0};
    struct tare_heavy_table tables[TABLES];
    const struct tare_page *page = seen_at(0);
    uint32_t index = index_seen(name);
    for (uint32_t block = 0; block < SEEN(page->block_count); block++) {
        const struct tare_topk_slot *slot = slot_seen(block, index);
        if (SEEN(slot->generation) != control_seen(index)->generation) {
            continue;
        }
        seen.weight += SEEN(slot->weight);
        seen.hits += SEEN(slot->hits);
        const struct tare_topk *table = table_seen(slot);
        if (table == NULL) {
            continue;
        }
        MUST(seen.tables < TABLES);
        uint32_t used = SEEN(table->used);
        struct tare_heavy_key *keys = calloc(used + 1, sizeof(*keys));
        MUST(keys != NULL);
        for (uint32_t i = 0; i < used; i++) {
            CHECK(entry_read(
                seen_at(slot->table_offset + TARE_TOPK_ENTRIES + (uint64_t)i * table->entry_stride), &keys[i]));
        }
        seen.sizes += table->capacity;
        tables[seen.tables++] =
            (struct tare_heavy_table){keys, used, tare_heavy_least(keys, used, SEEN(table->least))};
    }
    MUST(tare_heavy_merge(tables, seen.tables, 256, seen.keys, &seen.count, &seen.least) == 0);
    for (size_t i = 0; i < seen.tables; i++) {
        free((void *)(uintptr_t)tables[i].keys);
    }
    return seen;
}

static void few_keys_are_exact(void)
{
    begin_case("the weights of few keys are exact");
    for (uint64_t i = 0; i < 1000; i++) {
        TARE_HIT(blocks, i % 100, i % 100 + 1);
    }
    TARE_HIT(blocks, UINT64_MAX, 1000000);
    TARE_HIT(blocks, 0, 0);
    struct seen seen = look("blocks");
    CHECK_EQ(seen.tables, 1);
    CHECK_EQ(seen.sizes, 256);
    CHECK_EQ(seen.count, 101);
    CHECK_EQ(seen.weight, 10 * 5050 + 1000000);
    CHECK_EQ(seen.hits, 1002);
    CHECK_EQ(seen.least, 0);
    CHECK_EQ(seen.keys[0].key, UINT64_MAX);
    for (size_t i = 1; i < seen.count; i++) {
        CHECK_EQ(seen.keys[i].key, 100 - i);
        CHECK_EQ(seen.keys[i].weight, 10 * (101 - i));
        CHECK_EQ(seen.keys[i].error, 0);
        CHECK_EQ(seen.keys[i].hits, i == 100 ? 11 : 10);
    }
}

/* Each thread has its own heavy key, and all share one; each comes and goes, so that blocks are adopted. */
enum { THREADS = 4, ROUNDS = 3 };
static void *hit_many(void *argument)
{
    uint64_t own = (uint64_t)(uintptr_t)argument, random = own + 1;
    for (int i = 0; i < TIMES(100000); i++) {
        TARE_HIT(threads, 1000000 + next_random(&random) % 50000, 1);
        TARE_HIT(threads, own % THREADS, 2);
        TARE_HIT(threads, THREADS, 1);
    }
    return NULL;
}

static void threads_are_merged(void)
{
    begin_case("tables of threads are merged, and adopted with their blocks");
    pthread_t threads[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        for (uintptr_t i = 0; i < THREADS; i++) {
            MUST(pthread_create(&threads[i], NULL, hit_many, (void *)(i + (uintptr_t)(THREADS * round))) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    struct seen seen = look("threads");
    uint64_t each = TIMES(100000), all = each * THREADS * ROUNDS;
    CHECK_EQ(seen.weight, all * 4);
    CHECK_EQ(seen.hits, all * 3);
    CHECK_BETWEEN(1, seen.tables, THREADS);
    CHECK(seen.least <= seen.weight / 64);
    MUST(seen.count > THREADS);
    CHECK_EQ(seen.keys[0].key, THREADS);
    for (int i = 0; i <= THREADS; i++) {
        uint64_t exact = seen.keys[i].key == THREADS ? all : each * 2 * ROUNDS;
        CHECK(seen.keys[i].key <= THREADS);
        CHECK_BETWEEN(exact, seen.keys[i].weight, exact + seen.keys[i].error);
        CHECK(seen.keys[i].error <= seen.weight / 64);
    }
}

static void reset_begins_anew(void)
{
    begin_case("a reset empties the table, and nothing of before comes back");
    for (uint64_t i = 0; i < 1000; i++) {
        TARE_HIT(reset, i, 3);
    }
    CHECK_EQ(look("reset").hits, 1000);
    CHECK(look("reset").least > 0);
    CHECK_EQ(tare_reset("test.reset"), 1);
    CHECK_EQ(look("reset").hits, 0);
    CHECK_EQ(look("reset").count, 0);
    TARE_HIT(reset, 5000, 7);
    struct seen seen = look("reset");
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.tables, 1);
    CHECK_EQ(seen.hits, 1);
    CHECK_EQ(seen.least, 0);
    CHECK_EQ(seen.keys[0].key, 5000);
    CHECK_EQ(seen.keys[0].weight, 7);
}

static void disabled_counts_nothing(void)
{
    begin_case("disabled, nothing is counted, and no table is made");
    tare_disable("test.switched");
    TARE_HIT(switched, 1, 1);
    CHECK_EQ(look("switched").tables, 0);
    tare_enable("test.switched");
    TARE_HIT(switched, 2, 1);
    tare_disable("test.switched");
    TARE_HIT(switched, 3, 1);
    struct seen seen = look("switched");
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.hits, 1);
    CHECK_EQ(seen.keys[0].key, 2);
}

static void capacities_are_limited(void)
{
    begin_case("a table has from 1 to 4096 keys");
    for (uint64_t i = 0; i < 10000; i++) {
        TARE_HIT(one, i % 3, 1);
        TARE_HIT(most, i, 1);
    }
    CHECK_EQ(look("one").sizes, 1);
    CHECK_EQ(look("one").weight, 10000);
    CHECK_EQ(look("one").count, 1);
    CHECK_EQ(look("most").sizes, TARE_TOPK_MAX);
    CHECK_EQ(look("most").hits, 10000);
}

static void fork_begins_anew(void)
{
    begin_case("a child of fork begins with nothing, and leaves its parent's alone");
    uint64_t before = look("blocks").hits;
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        const unsigned char *parents = page_seen;
        see_page();
        CHECK_EQ(look("blocks").tables, 0);
        TARE_HIT(blocks, 77, 5);
        struct seen seen = look("blocks");
        CHECK_EQ(seen.hits, 1);
        CHECK_EQ(seen.count, 1);
        CHECK_EQ(seen.keys[0].key, 77);
        page_seen = parents;
        _exit(failed_checks != 0);
    }
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(look("blocks").hits, before);
}

/* Handlers: one that hits what it interrupts, one that leaves by siglongjmp. */
static volatile uint64_t handled;
static void hit_in_handler(int signal)
{
    (void)signal;
    TARE_HIT(interrupted, 1000000 + handled % 40, 1);
    handled++;
}

static sigjmp_buf out;
static void jump_in_handler(int signal)
{
    (void)signal;
    handled++;
    siglongjmp(out, 1);
}

static void every_ms(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, handler != SIG_IGN ? &often : &never, NULL);
}

static uint64_t hit_for_a_while(uint64_t random)
{
    for (int i = 0; i < 1000; i++) {
        TARE_HIT(interrupted, next_random(&random) % 100, 1);
    }
    return random;
}

static void handlers_are_dropped_and_counted(void)
{
    begin_case("what a handler hits in the middle of an update is dropped and counted");
    const struct tare_page *page = seen_at(0);
    uint64_t dropped = SEEN(page->dropped_scopes), rounds = 0, random = 1;
    every_ms(hit_in_handler);
    for (; handled < 200; rounds++) {
        random = hit_for_a_while(random);
    }
    every_ms(SIG_IGN);
    struct seen seen = look("interrupted");
    CHECK_EQ(seen.hits + SEEN(page->dropped_scopes) - dropped, rounds * 1000 + handled);
    CHECK_EQ(seen.weight, seen.hits);

    begin_case("an update that is left by siglongjmp does no lasting harm");
    static volatile uint64_t seed = 7;
    handled = 0;
    sigsetjmp(out, 1);
    every_ms(handled < 200 ? jump_in_handler : SIG_IGN);
    while (handled < 200) {
        seed = hit_for_a_while(seed);
    }
    every_ms(SIG_IGN);
    CHECK_EQ(tare_reset("test.interrupted"), 1);
    dropped = SEEN(page->dropped_scopes);
    for (uint64_t i = 0; i < 1000; i++) {
        TARE_HIT(interrupted, i % 10, i % 10);
    }
    seen = look("interrupted");
    CHECK_EQ(SEEN(page->dropped_scopes), dropped);
    CHECK_EQ(seen.hits, 1000);
    CHECK_EQ(seen.count, 10);
    CHECK_EQ(seen.keys[0].key, 9);
    CHECK_EQ(seen.keys[0].weight, 900);
}

/* A reader from outside never sees a key with another one's weight: keys weigh what they say, times 1000. */
static bool stop;
static void *hit_in_turn(void *argument)
{
    (void)argument;
    for (uint64_t i = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        TARE_HIT(watched, (i << 32) | i * 1000, i * 1000); /* each heavier than all before, so it gets in */
    }
    return NULL;
}

static void readers_see_whole_entries(void)
{
    begin_case("a reader meanwhile sees no entry half of one key and half of another");
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, hit_in_turn, NULL) == 0);
    EVENTUALLY(look("watched").count == 16);
    uint64_t looked = 0, last = 0, changed = 0;
    for (; looked < TIMES(20000) || changed < 10; looked++) {
        struct seen seen = look("watched");
        for (size_t i = 0; i < seen.count; i++) {
            uint64_t own = (uint32_t)seen.keys[i].key;
            CHECK(seen.keys[i].weight - seen.keys[i].error == own);
            CHECK(own == (seen.keys[i].key >> 32) * 1000 % (UINT64_C(1) << 32));
        }
        changed += seen.keys[0].key != last;
        last = seen.keys[0].key;
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
}

/* In a page of a MiB, where no table of 4096 keys fits. */
static int be_without_room(void)
{
    const struct tare_page *page = see_page();
    for (int i = 0; i < 1000; i++) {
        TARE_HIT(most, 1, 2);
        TARE_HIT(one, 1, 1);
    }
    CHECK_EQ(SEEN(page->lost_extras), 1);
    CHECK_EQ(look("most").tables, 0);
    CHECK_EQ(look("most").weight, 2000);
    CHECK_EQ(look("most").hits, 1000);
    CHECK_EQ(look("one").count, 1);
    tare_reset("*");
    TARE_HIT(most, 1, 5);
    CHECK_EQ(SEEN(page->lost_extras), 1);
    CHECK_EQ(look("most").weight, 5);
    return failed_checks != 0;
}

static void no_room_is_counted(void)
{
    begin_case("without room for a table its sums are right, and the loss is counted once");
    struct rlimit limit, before;
    MUST(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    limit.rlim_cur = 1 << 20;
    MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK_EQ(run_self("without-room", ENVIRONMENT("TARE_TIMERS=16", "TARE_THREADS=1"), NULL), 0);
    MUST(setrlimit(RLIMIT_FSIZE, &before) == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "without-room") == 0) {
        return be_without_room();
    }
    if (own_page() == NULL) {
        skip_all("no page");
    }
    see_page();
    few_keys_are_exact();
    threads_are_merged();
    reset_begins_anew();
    disabled_counts_nothing();
    capacities_are_limited();
    fork_begins_anew();
    handlers_are_dropped_and_counted();
    readers_see_whole_entries();
    no_room_is_counted();
    return finish();
}
