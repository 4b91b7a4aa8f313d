/* SPDX-License-Identifier: MIT */
#include "cli/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "build-config.h"
#include "cli/cli.h"
#include "record/elf.h"
#include "record/functions.h"
#include "runtime/clock.h"

const char *const start_unset[] = {"TARE", NULL};

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

int start_find(const char *name, char **path)
{
    int failure = tare_find_program(name, path);
    if (failure != 0) {
        error("cannot run '%s': %s", name, strerror(-failure));
        return failure == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_NOT_EXECUTABLE;
    }
    return 0;
}

int start_failed(const char *name, int failure, bool not_started)
{
    bool interpreter = not_started && failure == -ENOENT; /* the file itself was found before */
    error("cannot run '%s': %s", name, interpreter ? "its interpreter was not found" : strerror(-failure));
    return !not_started ? EXIT_RUN_FAILURE : failure == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_NOT_EXECUTABLE;
}

#if TARE_HAVE_PRELOAD
static char *find_preload(const char *name, const char *option)
{
    (void)option;
    char *path = tool_path(TARE_LIBDIR_RELATIVE, name);
    if (path != NULL && strpbrk(path, " :") != NULL) {
        error("'%s' has a space or a colon in its path, where LD_PRELOAD is split: install tare elsewhere",
              path);
        free(path);
        path = NULL;
    }
    return path;
}

#else
static char *find_preload(const char *name, const char *option)
{
    error("this build of tare has no %s, which %s needs: it was left out, or the C library is not glibc", name,
          option);
    return NULL;
}
#endif

bool start_add_preload(char **preload, const char *name, const char *option)
{
    char *path = find_preload(name, option), *joined = NULL;
    if (path != NULL && *preload != NULL && asprintf(&joined, "%s:%s", *preload, path) >= 0) {
        free(path);
        free(*preload);
        path = joined;
    }
    *preload = path != NULL ? path : *preload;
    return path != NULL;
}

bool start_can_preload(const char *path, const char *what, const char *option)
{
    struct tare_elf_info info;
    char message[256];
    bool fine = true;
    if (tare_elf_inspect(path, &info, message, sizeof(message)) != 0) {
        return true; /* exec will say what is wrong */
    }
    if (info.is_script && info.interpreter != NULL && strcmp(info.interpreter, path) != 0) {
        fine = start_can_preload(info.interpreter, what, option);
    } else if (info.is_elf && info.is_static) {
        error("'%s' is statically linked: its calls of %s cannot be intercepted; run it without %s", path, what,
              option);
        fine = false;
    } else if (info.is_elf && ((info.is_setuid && info.owner_uid != getuid()) ||
                               (info.is_setgid && info.owner_gid != getgid()) || info.has_capabilities)) {
        error("'%s' runs with another user's or group's rights: the dynamic linker ignores LD_PRELOAD; run it "
              "as that user",
              path);
        fine = false;
    } else if (info.is_elf && info.interpreter != NULL && strstr(info.interpreter, "ld-musl") != NULL) {
        error("'%s' uses musl, and %s is for glibc: run it without %s", path,
              strcmp(option, "--libc") == 0 ? "libtare-libc.so" : "libtare-functions.so", option);
        fine = false;
    } else if (info.is_elf && !info.native) {
        error("'%s' is not a program for this machine's %s: %s cannot be loaded into it", path,
              sizeof(void *) == 8 ? "64-bit processor" : "processor",
              strcmp(option, "--libc") == 0 ? "libtare-libc.so" : "libtare-functions.so");
        fine = false;
    }
    tare_elf_info_release(&info);
    return fine;
}

/* The runtime is silent about what it does not understand; we need not be. */
void start_check_clock_variable(void)
{
    const char *name = getenv("TARE_CLOCK");
    if (name == NULL || *name == '\0') {
        return;
    }
    uint32_t kind = tare__clock_parse(name);
    if (kind == TARE_CLOCK_NONE) {
        warning("unknown clock '%s' in TARE_CLOCK is ignored: one of tsc-ordered, tsc, clock", name);
    } else if (!tare__clock_usable(kind)) {
        warning("clock '%s' in TARE_CLOCK is ignored: it cannot be read on this machine", name);
    }
}

bool start_clock_is_fine(const char *name)
{
    uint32_t kind = tare__clock_parse(name);
    if (kind == TARE_CLOCK_NONE) {
        error("unknown clock '%s': one of tsc-ordered, tsc, clock", name);
        return false;
    }
    if (!tare__clock_usable(kind)) {
        error("clock '%s' cannot be read on this machine: use 'clock'", name);
        return false;
    }
    return true;
}

void start_explain_nothing(const char *name, const char *path, const struct start_nothing *nothing)
{
    struct tare_elf_info info;
    char message[256];
    bool known = tare_elf_inspect(path, &info, message, sizeof(message)) == 0;
    struct rlimit space;
    bool limited = getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
    char unknown[96];
    snprintf(unknown, sizeof(unknown), ": it does not use libtare; 'tare %s --libc' times its calls of libc",
             nothing->command);
    const char *why = unknown;
    if (nothing->functions) {
        why = ", and libtare-functions.so was not loaded into it";
    } else if (nothing->libc) {
        why = ", and libtare-libc.so was not loaded into it";
    } else if (known && (info.has_timers || info.needs_tare || info.contains_tare)) {
        why = info.is_setuid || info.is_setgid || info.has_capabilities
                  ? " that count: a program with rights of its own gets no page"
                  : " that count, although it uses libtare: did it start, and does it keep TARE_PAGE in its "
                    "environment?";
    } else if (known && info.is_static) {
        why = ": it does not use libtare, and its calls of libc cannot be timed, as it is statically linked";
    }
    error("'%s' has no %s%s%s", name, nothing->what, why,
          limited ? "; or 'ulimit -v' left no room for them: set TARE_TIMERS lower" : "");
    tare_elf_info_release(&info);
}

sigset_t start_interrupts(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++) {
        struct sigaction action;
        if (sigaction(interrupts[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&set, interrupts[i]);
        }
    }
    return set;
}

void start_hold_signals(sigset_t *before)
{
    sigset_t set = start_interrupts();
    sigprocmask(SIG_BLOCK, &set, before);
}

int start_release_signals(const sigset_t *before)
{
    sigset_t set = start_interrupts();
    int last = 0;
    for (int got = 1; got > 0;) {
        got = sigtimedwait(&set, NULL, &(struct timespec){0, 0});
        last = got > 0 ? got : last;
    }
    sigprocmask(SIG_SETMASK, before, NULL);
    return last;
}

/*
 * A variable as the runtime understands it (runtime/config.c); 0: it takes its default. What it cannot be is said,
 * once, however many passes there are.
 */
static uint32_t room_from_environment(const char *name, uint32_t limit, bool *said)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0') {
        return 0;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && *end == '\0' && value != 0;
    if ((!good || value > limit) && !*said) {
        *said = true;
        if (good) {
            warning("'%s' in %s is more than there can be: there is room for %u", text, name, (unsigned)limit);
        } else {
            warning("'%s' in %s is ignored: it is no number from 1 to %u", text, name, (unsigned)limit);
        }
    }
    return !good ? 0 : value > limit ? limit : (uint32_t)value;
}

bool start_make_pages(struct tare_page_set *set, uint32_t timers)
{
    static bool timers_said, threads_said;
    if (timers == 0) {
        timers = room_from_environment("TARE_TIMERS", TARE_SET_TIMERS_LIMIT, &timers_said);
    }
    int failure = tare_page_set_make(
        set, timers, room_from_environment("TARE_THREADS", TARE_SET_THREADS_LIMIT, &threads_said));
    if (failure != 0) {
        error("cannot make the pages of the run: %s%s", strerror(-failure),
              failure == -EFBIG ? " (see 'ulimit -f': it is not for us to lift)" : "");
    }
    return failure == 0;
}

bool start_variables(const struct start *start, char *set[START_VARIABLES_MAX])
{
    size_t at = 0;
    bool fine = asprintf(&set[at++], "TARE_PAGE=%s", start->page) >= 0;
    fine = fine && asprintf(&set[at++], "TARE_ENABLE=%s", start->enable) >= 0;
    fine = fine && (start->clock == NULL || asprintf(&set[at++], "TARE_CLOCK=%s", start->clock) >= 0);
    fine = fine && (start->lock == NULL || asprintf(&set[at++], "TARE_LOCK=%s", start->lock) >= 0);
    fine = fine && (!start->no_histogram || asprintf(&set[at++], "TARE_HISTOGRAM=off") >= 0);
    if (fine && start->preload != NULL) {
        const char *before = getenv("LD_PRELOAD");
        bool any = before != NULL && *before != '\0';
        fine =
            asprintf(&set[at++], "LD_PRELOAD=%s%s%s", start->preload, any ? ":" : "", any ? before : "") >= 0;
    }
    fine = fine && (start->functions == NULL ||
                    asprintf(&set[at++], "%s=%s", TARE_FUNCTIONS_VARIABLE, start->functions) >= 0);
    return fine && (start->timers == 0 || asprintf(&set[at++], "TARE_TIMERS=%u", (unsigned)start->timers) >= 0);
}

void start_variables_free(char *set[START_VARIABLES_MAX])
{
    for (size_t i = 0; i < START_VARIABLES_MAX; i++) {
        free(set[i]);
        set[i] = NULL;
    }
}
