/* SPDX-License-Identifier: MIT */
/*
 * A page file whose bytes were changed, or that was cut short, is read, or refused with one line: the reader
 * neither crashes, nor loops, nor prints. Each byte of the header, of the control bytes, of the directory, of
 * the strings and of the blocks' headers and first slots of a small real page becomes 0, 255, another sign,
 * and something random. `tare report` says the same of a page, by its exit code and one line at most.
 */
#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(one);
TARE_TIMER(two);
TARE_TIMER(three);

static int be_child(void)
{
    for (int i = 0; i < 1000; i++) {
        TARE_SCOPE(one);
        TARE_SCOPE(two);
        TARE_SCOPE(two);
    }
    return 0;
}

static struct {
    int fd; /* the page, in memory */
    uint8_t *bytes;
    size_t size;
    struct tare_page header; /* undamaged */
    size_t read, refused;
} victim;

static void take_page(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0 && fstat(fd, &st) == 0);
    victim.size = (size_t)st.st_size;
    victim.fd = memfd_create("victim", MFD_CLOEXEC);
    MUST(victim.fd >= 0 && ftruncate(victim.fd, st.st_size) == 0);
    victim.bytes = mmap(NULL, victim.size, PROT_READ | PROT_WRITE, MAP_SHARED, victim.fd, 0);
    MUST(victim.bytes != MAP_FAILED && pread(fd, victim.bytes, victim.size, 0) == st.st_size);
    memcpy(&victim.header, victim.bytes, sizeof(victim.header));
    close(fd);
}

/* What the reader promises of whatever it reads. */
static void check_view(const struct tare_page_view *view)
{
    for (size_t i = 0; i < view->timer_count; i++) {
        const struct tare_page_timer *timer = &view->timers[i];
        CHECK(timer->sums.outermost <= timer->sums.calls);
        CHECK(timer->sums.outermost == 0 || timer->sums.min_ticks <= timer->sums.max_ticks);
        CHECK(strlen(timer->module) < 70000 && strlen(timer->name) < 70000 && strlen(timer->file) < 70000);
    }
    CHECK(strlen(view->executable) < 70000);
}

static void read_victim(uint64_t limit)
{
    struct tare_page_view view;
    char message[256];
    memset(message, 1, sizeof(message));
    struct tare_page_source source = {.fd = victim.fd, .limit = limit};
    int error = tare_page_read(&source, TARE_READ_HISTOGRAMS, &view, message, sizeof(message));
    if (error == 0) {
        victim.read++;
        check_view(&view);
    } else {
        victim.refused++;
        size_t length = strnlen(message, sizeof(message));
        CHECK(error < 0 && length > 0 && length < sizeof(message) && strcspn(message, "\n\r\033") == length);
    }
    tare_page_view_release(&view);
}

static void damage(size_t first, size_t size, uint64_t *random)
{
    for (size_t at = first; at < first + size && at < victim.size && failed_checks < 20; at++) {
        uint8_t good = victim.bytes[at];
        const uint8_t values[] = {0, 255, (uint8_t)(good ^ 0x80), (uint8_t)next_random(random)};
        for (size_t i = 0; i < sizeof(values); i++) {
            if (values[i] != good) {
                victim.bytes[at] = values[i];
                read_victim(victim.size);
            }
        }
        victim.bytes[at] = good;
    }
}

/* Several at once, so that one check passes what another one counts on. */
static void damage_many(size_t size, unsigned times, uint64_t *random)
{
    enum { AT_ONCE = 6 };
    for (unsigned i = 0; i < times && failed_checks < 20; i++) {
        size_t at[AT_ONCE];
        uint8_t good[AT_ONCE];
        for (int k = 0; k < AT_ONCE; k++) {
            at[k] = next_random(random) % size;
            good[k] = victim.bytes[at[k]];
            victim.bytes[at[k]] = (uint8_t)(next_random(random) % 3 == 0 ? 255 : next_random(random));
        }
        read_victim(victim.size);
        for (int k = AT_ONCE - 1; k >= 0; k--) {
            victim.bytes[at[k]] = good[k];
        }
    }
}

static void check_reader(uint64_t *random)
{
    const struct tare_page *h = &victim.header;
    damage(0, offsetof(struct tare_page, reserved4) + 16, random);
    damage(h->control_offset, h->instrument_max * h->control_stride, random);
    damage(h->directory_offset, h->instrument_max * h->entry_stride, random);
    damage(h->strings_offset, h->strings_used, random);
    for (uint32_t b = 0; b < h->block_max; b++) {
        size_t block = h->blocks_offset + b * h->block_stride;
        damage(block, sizeof(struct tare_block), random);
        damage(block + h->slots_offset, 2 * h->slot_stride, random);
    }
    damage_many(offsetof(struct tare_page, reserved4), TIMES(3000), random);
    CHECK(victim.refused > 100 && victim.read > 100);
}

static void check_cut(void)
{
    size_t sizes[] = {0, 1, 7, 8, 12, 100, 4095, 4096, 4097, 8192, 12288, victim.size / 2, victim.size - 1};
    struct tare_page_view view;
    char message[256];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tare_page_source source = {.fd = victim.fd, .limit = sizes[i]};
        CHECK(tare_page_read(&source, 0, &view, message, sizeof(message)) < 0); /* it claims more */
        tare_page_view_release(&view);
    }
    int whole = victim.fd; /* and where the file is shorter than who opened it believes */
    victim.fd = memfd_create("cut", MFD_CLOEXEC);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        MUST(ftruncate(victim.fd, 0) == 0 && pwrite(victim.fd, victim.bytes, sizes[i], 0) == (ssize_t)sizes[i]);
        read_victim(victim.size);
    }
    close(victim.fd);
    victim.fd = whole;
}

static void report_victim(const char *path, const char *out, const char *err)
{
    char said[4096] = "";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, victim.bytes, victim.size) == (ssize_t)victim.size);
    close(fd);
    int status =
        status_of(start_program(ENVIRONMENT("tare", "report", "--format", "json", path), NULL, out, err));
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2));
    fd = open(err, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, said, sizeof(said) - 1);
    close(fd);
    char *newline = strchr(said, '\n');
    CHECK(n == 0 || (newline != NULL && newline[1] == '\0'));
    CHECK((n == 0) == (status == 0));
}

static void check_command(uint64_t *random)
{
    const char *page = scratch("damaged"), *out = scratch("out"), *err = scratch("err");
    const struct tare_page *h = &victim.header;
    if (WEXITSTATUS(status_of(start_program(ENVIRONMENT("tare", "--version"), NULL, out, err))) == 127) {
        skip_case("no 'tare' in PATH");
        return;
    }
    const size_t places[] = {0, offsetof(struct tare_page, instrument_count), h->directory_offset,
                             h->blocks_offset + h->slots_offset};
    for (unsigned i = 0; i < 50 && failed_checks < 20; i++) {
        size_t at = places[i % 4] + next_random(random) % (i % 4 == 0 ? 456 : 64);
        uint8_t good = victim.bytes[at];
        victim.bytes[at] = (uint8_t)next_random(random);
        report_victim(page, out, err);
        victim.bytes[at] = good;
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        return be_child();
    }
    const char *page = scratch("page");
    uint64_t random = 4711;
    MUST(run_self("page", ENVIRONMENT(text("TARE_PAGE=%s", page), "TARE_TIMERS=4", "TARE_THREADS=2"), NULL) ==
         0);
    take_page(page);
    begin_case("the page, undamaged, is read");
    read_victim(victim.size);
    CHECK_EQ(victim.read, 1);
    begin_case("any byte of it may be another");
    check_reader(&random);
    begin_case("it may be cut short");
    check_cut();
    begin_case("tare report says so in one line");
    check_command(&random);
    return finish();
}
