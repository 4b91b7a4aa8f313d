/* SPDX-License-Identifier: MIT */
/*
 * A library's timers and counters come with dlopen and go with dlclose. What they counted stays, in the same place when
 * the library comes back; meanwhile the page says that they are not loaded. A pattern given earlier applies
 * to a library that is loaded later. Two libraries, or a library and the program, that declare one name share
 * one timer.
 */
#include <dlfcn.h>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("plugin");
TARE_TIMER(shared);        /* the library has this one, too */
TARE_COUNTER(calls_total); /* and this one */

typedef void plugin_work_function(unsigned times);

/* Beside this program: a temporary folder may not allow what lies in it to be executed. */
static const char *beside(const char *name)
{
    char path[256];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    MUST(n > 0);
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return text("%s/%s", path, name);
}

static const char *plugin_path(void)
{
    return beside("plugin.so");
}

static void *load(const char *path, plugin_work_function **work)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        printf("# dlopen: %s\n", dlerror());
        exit(1);
    }
    *work = (plugin_work_function *)dlsym(library, "plugin_work");
    MUST(*work != NULL);
    return library;
}

/* musl's dlclose does nothing. */
static bool unload(void *library, const char *path)
{
    MUST(dlclose(library) == 0);
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (library != NULL) {
        dlclose(library);
    }
    return library == NULL;
}

/* The same library as another file. */
static const char *copy_plugin(void)
{
    static unsigned number;
    const char *from = plugin_path(), *to = beside(text("plugin.%d.%u.so", (int)getpid(), number++));
    char buffer[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    MUST(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, buffer, sizeof(buffer))) > 0;) {
        MUST(write(out, buffer, (size_t)n) == n);
    }
    close(in);
    close(out);
    return to;
}

static void check_page(bool loaded, uint64_t calls)
{
    struct tare_page_view view = read_page(own_page());
    const struct tare_page_timer *timer = timer_in(&view, "plugin", "work");
    CHECK_EQ(view.timer_count, 2);
    CHECK(timer != NULL && timer->loaded == loaded && timer->sums.calls == calls);
    CHECK(timer_in(&view, "plugin", "shared")->loaded);
    tare_page_view_release(&view);
}

static void check_loop(void)
{
    const char *path = plugin_path();
    for (unsigned i = 1; i <= 50; i++) {
        plugin_work_function *work;
        void *library = load(path, &work);
        CHECK_EQ(stats_of("plugin::work").enabled, 1);
        work(10);
        CHECK_EQ(stats_of("plugin::work").calls, i * 10);
        CHECK_EQ(TARE_TOTAL(calls_total), i * 10);
        bool gone = unload(library, path);
        CHECK_EQ(stats_of("plugin::work").calls, i * 10);
        CHECK_EQ(TARE_TOTAL(calls_total), i * 10);
        if (i == 1 || i == 50) {
            check_page(!gone, i * 10);
        }
        if (!gone) {
            skip_case("this libc never unloads a library");
        }
    }
    CHECK_EQ(tare_snapshot(NULL, NULL, 0), 2);
}

static void check_rules(void)
{
    plugin_work_function *work;
    const char *path = copy_plugin();
    tare_reset("*");
    tare_enable("*");
    tare_disable("plugin::w*");
    void *library = load(path, &work);
    work(10);
    CHECK_EQ(stats_of("plugin::work").calls, 0);
    CHECK_EQ(stats_of("plugin::shared").calls, 10);
    tare_enable_only("plugin::work");
    work(10);
    CHECK_EQ(stats_of("plugin::work").calls, 10);
    CHECK_EQ(stats_of("plugin::shared").calls, 10);
    unload(library, path);
    unlink(path);
    tare_enable("*");
}

static void check_sharing(void)
{
    plugin_work_function *work, *other_work;
    const char *path = plugin_path(), *other_path = copy_plugin();
    tare_reset("*");
    void *library = load(path, &work), *other = load(other_path, &other_work);
    CHECK(work != other_work);
    work(10);
    other_work(100);
    for (int i = 0; i < 1000; i++) {
        TARE_SCOPE(shared);
    }
    CHECK_EQ(stats_of("plugin::work").calls, 110);
    CHECK_EQ(stats_of("plugin::shared").calls, 1110);
    CHECK_EQ(TARE_TOTAL(calls_total), 110);
    CHECK_EQ(tare_snapshot(NULL, NULL, 0), 2);
    check_page(true, 110);
    bool gone = unload(library, path);
    check_page(true, 110); /* the other is still there */
    other_work(1);
    CHECK_EQ(stats_of("plugin::work").calls, 111);
    gone = unload(other, other_path) && gone;
    check_page(!gone, 111);
    CHECK_EQ(stats_of("plugin::shared").calls, 1111);
    CHECK_EQ(TARE_TOTAL(calls_total), 111);
    unlink(other_path);
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* the pattern was given before this program, too, was loaded */
        plugin_work_function *work;
        load(argv[2], &work);
        CHECK_EQ(stats_of("plugin::work").enabled, 1);
        CHECK_EQ(stats_of("plugin::shared").enabled, 0);
        return failed_checks != 0;
    }
    MUST(tare_enable("*") == 2);
    begin_case("a library that comes and goes keeps its counts");
    check_loop();
    begin_case("patterns apply to libraries that are loaded later");
    check_rules();
    CHECK_EQ(run_self("later", ENVIRONMENT("TARE_ENABLE=plugin::w*"), plugin_path()), 0);
    begin_case("one name in several libraries is one timer");
    check_sharing();
    return finish();
}
