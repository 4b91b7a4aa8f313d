/* SPDX-License-Identifier: MIT */
/*
 * Pushing against a store of our own that stalls, answers byte by byte, or goes away; and on a disk that
 * stalls. fdatasync() is ours here: it waits while `disk_stalls`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/arrived.h"
#include "serve/push.h"
#include "small_disk.h"

enum { ARRIVALS_MAX = 400, LINES_MAX = 32, PATIENCE_MS = 50000 };

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_changed = PTHREAD_COND_INITIALIZER;
static bool disk_stalls;
static unsigned disk_waits, disk_calls;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    pthread_mutex_lock(&disk_lock);
    disk_calls++;
    disk_waits += disk_stalls;
    while (disk_stalls) {
        pthread_cond_wait(&disk_changed, &disk_lock);
    }
    pthread_mutex_unlock(&disk_lock);
    return __real_fdatasync(fd);
}

static void set_disk(bool stalls)
{
    pthread_mutex_lock(&disk_lock);
    disk_stalls = stalls;
    disk_waits = 0;
    pthread_cond_broadcast(&disk_changed);
    pthread_mutex_unlock(&disk_lock);
}

static bool disk_is_waited_for(void *data)
{
    (void)data;
    pthread_mutex_lock(&disk_lock);
    bool waits = disk_waits > 0;
    pthread_mutex_unlock(&disk_lock);
    return waits;
}

static bool disk_was_asked(void *data)
{
    pthread_mutex_lock(&disk_lock);
    bool asked = disk_calls >= *(unsigned *)data;
    pthread_mutex_unlock(&disk_lock);
    return asked;
}

enum way { ANSWER, STALL, BYTEWISE, HANG_UP };

/* The store. Batches are numbers in decimal. */
static struct {
    int listener;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    enum way way;
    int status_at,
        status; /* what the batch with that place in the order of all requests gets, instead of 204 */
    bool stop;
    unsigned requests; /* that were read */
    unsigned hung_up;  /* of them, those whose sender did not wait for the answer */
    int arrived[ARRIVALS_MAX];
    unsigned count; /* that were answered with 204 */
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_over(void)
{
    pthread_mutex_lock(&store.lock);
    bool stop = store.stop;
    pthread_mutex_unlock(&store.lock);
    return stop;
}

/* False: it did not come in time to be read, or the store ends. */
static bool is_readable(int fd)
{
    while (!is_over()) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) > 0) {
            return true;
        }
    }
    return false;
}

static bool write_bytes(int fd, const char *bytes, size_t size)
{
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* One request's body, a number. False: the connection has ended. */
static bool read_request(int fd, int *number)
{
    char text[4096];
    size_t size = 0;
    for (;;) {
        text[size] = '\0';
        const char *body = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (body != NULL && length != NULL) {
            body += 4;
            if (strlen(body) >= strtoul(length + 16, NULL, 10)) {
                *number = atoi(body);
                return true;
            }
        }
        ssize_t part =
            size < sizeof(text) - 1 && is_readable(fd) ? recv(fd, text + size, sizeof(text) - 1 - size, 0) : 0;
        if (part <= 0) {
            return false;
        }
        size += (size_t)part;
    }
}

static bool answer(int fd, int number)
{
    pthread_mutex_lock(&store.lock);
    int status = (int)++store.requests == store.status_at ? store.status : 204;
    enum way way = store.way;
    pthread_mutex_unlock(&store.lock);
    while (way == STALL) {
        char byte;
        if (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
            pthread_mutex_lock(&store.lock);
            store.hung_up++;
            pthread_mutex_unlock(&store.lock);
            return false;
        }
        if (is_over()) {
            return false;
        }
        usleep(2000);
        pthread_mutex_lock(&store.lock);
        way = store.way;
        pthread_mutex_unlock(&store.lock);
    }
    if (way == HANG_UP) {
        return false;
    }
    char text[100];
    int size = snprintf(text, sizeof(text), "HTTP/1.1 %d What\r\n%s\r\n", status,
                        status == 204 ? "" : "Content-Length: 0\r\n");
    if (status == 204) {
        pthread_mutex_lock(&store.lock);
        if (store.count < ARRIVALS_MAX) {
            store.arrived[store.count++] = number;
        }
        pthread_mutex_unlock(&store.lock);
    }
    for (int i = 0; way == BYTEWISE && i < size - 1; i++) {
        if (!write_bytes(fd, text + i, 1)) {
            return false;
        }
        usleep(1000);
    }
    return way == BYTEWISE ? write_bytes(fd, text + size - 1, 1) : write_bytes(fd, text, (size_t)size);
}

static void *run_store(void *data)
{
    (void)data;
    while (is_readable(store.listener)) {
        int fd = accept(store.listener, NULL, NULL), number;
        while (fd >= 0 && read_request(fd, &number) && answer(fd, number)) {
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return NULL;
}

static void listen_for_them(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    store.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(store.listener >= 0);
    assert_int_equal(bind(store.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(store.listener, 8), 0);
    assert_int_equal(getsockname(store.listener, (struct sockaddr *)&address, &size), 0);
    snprintf(store.url, sizeof(store.url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
}

static void set_way(enum way way)
{
    pthread_mutex_lock(&store.lock);
    store.way = way;
    pthread_mutex_unlock(&store.lock);
}

static void start_store(enum way way)
{
    store.way = way;
    store.stop = false;
    store.requests = store.hung_up = store.count = 0;
    assert_int_equal(pthread_create(&store.thread, NULL, run_store, NULL), 0);
}

static void stop_store(void)
{
    pthread_mutex_lock(&store.lock);
    store.stop = true;
    pthread_mutex_unlock(&store.lock);
    pthread_join(store.thread, NULL);
    close(store.listener);
    store.status_at = 0;
}

static unsigned arrivals(void)
{
    pthread_mutex_lock(&store.lock);
    unsigned count = store.count;
    pthread_mutex_unlock(&store.lock);
    return count;
}

static bool have_arrived(void *data)
{
    return arrivals() >= *(unsigned *)data;
}

static bool have_been_read(void *data)
{
    pthread_mutex_lock(&store.lock);
    bool read = store.requests >= *(unsigned *)data;
    pthread_mutex_unlock(&store.lock);
    return read;
}

static bool have_hung_up(void *data)
{
    pthread_mutex_lock(&store.lock);
    bool hung_up = store.hung_up >= *(unsigned *)data;
    pthread_mutex_unlock(&store.lock);
    return hung_up;
}

static void await(bool (*check)(void *data), void *data)
{
    for (int ms = 0; !check(data); ms += 2) {
        assert_true(ms < PATIENCE_MS);
        usleep(2000);
    }
}

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    char template[] = "/tmp/tare-push-XXXXXX";
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

/* What was said. */
static struct {
    pthread_mutex_t lock;
    char lines[LINES_MAX][300];
    unsigned count;
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void say(void *data, const char *line)
{
    (void)data;
    pthread_mutex_lock(&said.lock);
    if (said.count < LINES_MAX) {
        snprintf(said.lines[said.count++], sizeof(said.lines[0]), "%s", line);
    }
    pthread_mutex_unlock(&said.lock);
}

/* The sum of the numbers before "batch(es) ... lost" in the lines that have the text. */
static unsigned lost_in(const char *text)
{
    unsigned all = 0;
    pthread_mutex_lock(&said.lock);
    for (unsigned i = 0; i < said.count; i++) {
        const char *end =
            strstr(said.lines[i], strstr(said.lines[i], "batches are") ? " batches are" : " batch is");
        if (strstr(said.lines[i], text) != NULL && end != NULL) {
            while (end > said.lines[i] && end[-1] >= '0' && end[-1] <= '9') {
                end--;
            }
            all += (unsigned)atoi(end);
        }
    }
    pthread_mutex_unlock(&said.lock);
    return all;
}

static struct tare_push *open_push(uint64_t spool_bytes)
{
    const struct tare_push_options options = {
        .url = store.url, .folder = folder, .interval_s = 1, .spool_bytes = spool_bytes};
    struct tare_push *push;
    char message[256] = "";
    said.count = 0;
    int failure = tare_push_open(&push, &options, say, NULL, message, sizeof(message));
    assert_string_equal(message, "");
    assert_int_equal(failure, 0);
    return push;
}

static void add(struct tare_push *push, int number)
{
    char *text;
    int size = asprintf(&text, "%d\n", number);
    assert_true(size > 0);
    tare_push_add(push, (uint64_t)number, text, (size_t)size);
}

static bool all_is_taken(void *data)
{
    struct tare_push_figures figures = tare_push_figures(data);
    return figures.backlog == 0 && figures.batches_sent > 0;
}

static void expect_each_once(unsigned count)
{
    assert_int_equal(store.count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(store.arrived[i], (int)i + 1);
    }
}

/* Hands batches over, each when the one before is on disk, and says so. Ends by SIGKILL. */
static void push_until_killed(int to, int count)
{
    const struct tare_push_options options = {.url = store.url, .folder = folder, .interval_s = 1};
    struct tare_push *push;
    char message[256];
    if (tare_push_open(&push, &options, NULL, NULL, message, sizeof(message)) != 0) {
        _exit(1);
    }
    for (int i = 1; i <= count; i++) {
        add(push, i);
        while (tare_push_figures(push).backlog < (uint64_t)i) {
            usleep(500);
        }
        if (write(to, &i, sizeof(i)) != sizeof(i)) {
            _exit(1);
        }
    }
    for (;;) {
        pause();
    }
}

static void a_store_that_stalls_keeps_nothing_off_the_disk(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    int pipes[2], last = 0;
    listen_for_them();
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipes[0]);
        push_until_killed(pipes[1], COUNT);
    }
    close(pipes[1]);
    start_store(STALL);
    while (last < COUNT) {
        assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
    }
    close(pipes[0]);
    await(have_been_read, &(unsigned){1});
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    await(have_hung_up, &(unsigned){1});
    assert_int_equal(arrivals(), 0);
    set_way(BYTEWISE);
    struct tare_push *push = open_push(0);
    await(have_arrived, &(unsigned){10});
    set_way(ANSWER);
    await(all_is_taken, push);
    struct tare_push_figures figures = tare_push_figures(push);
    assert_int_equal(figures.batches_sent, COUNT);
    assert_int_equal(figures.batches_dropped + figures.batches_damaged + figures.batches_refused, 0);
    tare_push_close(push);
    stop_store();
    expect_each_once(COUNT);
}

static void a_disk_that_stalls_holds_nobody_up_and_what_finds_no_room_is_said(void **state)
{
    (void)state;
    listen_for_them();
    start_store(ANSWER);
    struct tare_push *push = open_push(0);
    set_disk(true);
    add(push, 1);
    await(disk_is_waited_for, NULL);
    for (int i = 2; i <= 17; i++) { /* as many as may wait */
        add(push, i);
    }
    assert_int_equal(tare_push_figures(push).batches_dropped, 0);
    for (int i = 0; i < 5; i++) {
        add(push, 1000);
    }
    assert_int_equal(tare_push_figures(push).batches_dropped, 5);
    assert_int_equal(arrivals(), 0);
    set_disk(false);
    await(have_arrived, &(unsigned){17});
    tare_push_close(push);
    stop_store();
    expect_each_once(17);
    assert_int_equal(lost_in("does not keep up"), 5);
}

/* The spool has room for eleven; the first one is on its way while it has to go. */
static void what_is_on_its_way_is_counted_once(enum way then)
{
    listen_for_them();
    start_store(STALL);
    struct tare_push *push = open_push(400);
    add(push, 1);
    await(have_been_read, &(unsigned){1});
    enum { ALL = 60, KEPT = 11 };
    pthread_mutex_lock(&disk_lock);
    disk_calls = 0;
    pthread_mutex_unlock(&disk_lock);
    for (unsigned i = 2; i <= ALL; i++) {
        add(push, (int)i);
        await(disk_was_asked, &(unsigned){i - 1});
    }
    struct tare_push_figures figures;
    do {
        usleep(500);
        figures = tare_push_figures(push);
    } while (figures.batches_dropped + figures.backlog < ALL - 1);
    assert_int_equal(figures.backlog, KEPT);
    uint64_t dropped = figures.batches_dropped;
    set_way(then);
    if (then == HANG_UP) {
        await(have_been_read, &(unsigned){2});
        set_way(ANSWER);
    }
    await(all_is_taken, push);
    figures = tare_push_figures(push);
    assert_int_equal(figures.batches_dropped, dropped + (then == HANG_UP));
    assert_int_equal(figures.batches_sent + figures.batches_dropped, ALL);
    tare_push_close(push);
    assert_int_equal(lost_in("is full"), figures.batches_dropped);
    stop_store();
}

static void what_had_to_go_while_it_was_sent_is_no_loss_if_it_arrived(void **state)
{
    (void)state;
    what_is_on_its_way_is_counted_once(ANSWER);
}

static void what_had_to_go_while_it_was_sent_is_one_if_it_did_not(void **state)
{
    (void)state;
    what_is_on_its_way_is_counted_once(HANG_UP);
}

/* The disk is full before the spool is, while the store is away; then it is back, and pushing goes on. */
static void a_full_disk_keeps_the_latest_and_pushing_goes_on(void **state)
{
    (void)state;
    enum { ALL = 100, DISK = 700 };
    listen_for_them();
    start_store(HANG_UP);
    struct tare_push *push = open_push(0);
    small_disk_max = DISK;
    pthread_mutex_lock(&disk_lock);
    disk_calls = 0;
    pthread_mutex_unlock(&disk_lock);
    for (unsigned i = 1; i <= ALL; i++) {
        add(push, (int)i);
        await(disk_was_asked, &(unsigned){i});
    }
    set_way(ANSWER);
    await(all_is_taken, push);
    struct tare_push_figures figures = tare_push_figures(push);
    assert_true(figures.batches_dropped > 0);
    assert_true(figures.batches_sent >=
                DISK / 34 - 3); /* a batch is of 34 or 35 bytes, and the number of one is kept */
    unsigned before = arrivals();
    for (int i = 1; i <= 10; i++) { /* what was taken is in the way of nothing */
        add(push, ALL + i);
        await(have_arrived, &(unsigned){before + (unsigned)i});
    }
    figures = tare_push_figures(push);
    assert_int_equal(figures.batches_sent + figures.batches_dropped, ALL + 10);
    tare_push_close(push);
    assert_int_equal(lost_in("is full"), figures.batches_dropped);
    assert_int_equal(lost_in("cannot write"), 0);
    stop_store();
    assert_int_equal(store.arrived[store.count - 1], ALL + 10);
    small_disk_max = 0;
}

static void after_a_proxy_that_found_no_store_all_is_sent_again(void **state)
{
    (void)state;
    static const int expected[] = {1, 2, 3, 4, 1, 2, 3, 5};
    for (int status = 502; status <= 504; status++) {
        listen_for_them();
        store.status_at = 4;
        store.status = status;
        start_store(ANSWER);
        struct tare_push *push = open_push(0);
        for (int i = 1; i <= 4; i++) {
            add(push, i);
        }
        await(have_arrived, &(unsigned){7});
        add(push, 5);
        await(have_arrived, &(unsigned){8});
        assert_int_equal(tare_push_figures(push).batches_again, 3);
        tare_push_close(push);
        stop_store();
        assert_int_equal(store.count, 8);
        assert_memory_equal(store.arrived, expected, sizeof(expected));
        assert_int_equal(remove_folder(NULL) + make_folder(NULL), 0);
    }
}

static void what_is_damaged_is_said_and_all_else_arrives(void **state)
{
    (void)state;
    listen_for_them();
    start_store(STALL);
    struct tare_push *push = open_push(0);
    for (int i = 1; i <= 9; i++) {
        add(push, i);
    }
    tare_push_close(push); /* gives up waiting after two seconds */
    await(have_hung_up, &(unsigned){1});
    assert_int_equal(arrivals(), 0);
    char path[256];
    snprintf(path, sizeof(path), "%s/%020d.spool", folder, 1);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    /* 34 bytes each: the second one's bytes, the fifth's and the sixth's headers. */
    const long places[] = {34 + 32, 4 * 34 + 9, 5 * 34 + 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fseek(file, places[i], SEEK_SET), 0);
        assert_int_equal(fputc('x', file), 'x');
    }
    assert_int_equal(fclose(file), 0);
    set_way(ANSWER);
    push = open_push(0);
    assert_int_equal(lost_in("was cut off or damaged"), 3);
    await(all_is_taken, push);
    assert_int_equal(tare_push_figures(push).batches_damaged, 3);
    tare_push_close(push);
    stop_store();
    static const int expected[] = {1, 3, 4, 7, 8, 9};
    assert_int_equal(store.count, 6);
    assert_memory_equal(store.arrived, expected, sizeof(expected));
}

#if TARE_HAVE_CURL
/* Only a store that is asked where batches go shares their connections. */
static void who_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *import, *ask, *url;
        bool elsewhere;
    } cases[] = {
        {"http://vm:8428/api/v1/import/prometheus", NULL, "http://vm:8428/api/v1/export", false},
        {"http://vm/x/api/v1/import/prometheus/?extra_label=a=b+c%26d&e=f", NULL, "http://vm/x/api/v1/export",
         false},
        {"http://vm/write", NULL, NULL, false},
        {"http://vm/write", "http://vm:80/select/0/export", "http://vm:80/select/0/export", false},
        {"http://vminsert:8480/a", "http://vmselect:8480/b", "http://vmselect:8480/b", true},
        {"http://vm:8480/a", "http://vm:8481/a", "http://vm:8481/a", true},
        {"http://vm/a", "https://u:p@vm/a", "https://u:p@vm/a", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tare_arrived arrived;
        assert_int_equal(tare__arrived_init(&arrived, cases[i].import, cases[i].ask), 0);
        assert_int_equal(arrived.url != NULL, cases[i].url != NULL);
        if (cases[i].url != NULL) {
            assert_string_equal(arrived.url, cases[i].url);
        }
        assert_int_equal(arrived.elsewhere, cases[i].elsewhere);
        assert_int_equal(arrived.given != NULL, cases[i].ask != NULL);
        assert_true(arrived.given == NULL || strchr(arrived.given, '@') == NULL);
        if (i == 1) {
            assert_string_equal(arrived.extra[0], "a=b c&d");
            assert_null(arrived.extra[1]);
        }
        tare__arrived_release(&arrived);
    }
}
#endif

int main(void)
{
    if (!tare_push_supported()) {
        puts("built without libcurl: nothing is pushed");
        return 77;
    }
    const struct CMUnitTest tests[] = {
#if TARE_HAVE_CURL
        cmocka_unit_test(who_is_asked),
#endif
        cmocka_unit_test_setup_teardown(a_store_that_stalls_keeps_nothing_off_the_disk, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_disk_that_stalls_holds_nobody_up_and_what_finds_no_room_is_said,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_had_to_go_while_it_was_sent_is_no_loss_if_it_arrived, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_had_to_go_while_it_was_sent_is_one_if_it_did_not, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_latest_and_pushing_goes_on, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(after_a_proxy_that_found_no_store_all_is_sent_again, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_said_and_all_else_arrives, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
