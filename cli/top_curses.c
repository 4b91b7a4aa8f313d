/* SPDX-License-Identifier: MIT */
/*
 * The screen of `tare top` on a terminal, by ncursesw: it knows terminals, and sends what has changed. What is
 * on it is made by view/screen.h.
 *
 * Signals come through a descriptor, so that nothing runs in the middle of ncurses: those that end us, those
 * that stop us, and a new size. Whichever way it ends, the terminal gets back its modes, its cursor and what was
 * on it; a crash, and an exit() from within a library, do that with what was prepared for them.
 */
#include "cli/top.h"

#include "cli/cli.h"

#if !TARE_HAVE_NCURSESW

int top_screen(struct top *top)
{
    (void)top;
    error("no screen: this tare was built without ncursesw (libncurses-dev); --once and --format json work");
    return EXIT_TROUBLE;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

enum {
    PAIR_ACCENT = 1,
    PAIR_WARN,
    PAIR_BAD,
    ESCAPE_MS =
        100, /* what a lone Esc waits for the rest of a key; over ssh that may come later than at once */
};

/* For a crash: what puts the terminal back, and where it is. */
static struct termios modes_before;
static char last_bytes[512];
static volatile sig_atomic_t last_size;
static int terminal_in = -1, terminal_out = -1; /* the latter is standard output's, whatever that is made */
static volatile sig_atomic_t screen_is_on;

static char *kept_to; /* tputs() hands nothing through */
static size_t kept, kept_room;

static int keep_byte(int byte)
{
    if (kept < kept_room) {
        kept_to[kept++] = (char)byte;
    }
    return byte;
}

static void keep_text(const char *text)
{
    if (text != NULL && text != (const char *)-1) {
        tputs(text, 1, keep_byte);
    }
}

/*
 * What a crash writes. A terminal without a second screen gets the cursor in its last line, so that what the
 * shell writes does not come to stand in the middle of ours.
 */
static void keep_last_bytes(int height)
{
    static const char *const names[] = {"sgr0", "cnorm", "rmkx"};
    const char *leave = tigetstr("rmcup");
    last_size = 0; /* a crash meanwhile sets the modes alone */
    kept_to = last_bytes;
    kept = 0;
    kept_room = sizeof(last_bytes);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        keep_text(tigetstr(names[i]));
    }
    if (leave != NULL && leave != (const char *)-1) {
        keep_text(leave);
    } else {
        keep_text(tiparm(tigetstr("cup"), height > 0 ? height - 1 : 0, 0));
        keep_text("\r\n");
    }
    last_size = (sig_atomic_t)kept;
}

/* Safe in a handler. */
static void put_back_at_once(void)
{
    if (screen_is_on) {
        screen_is_on = 0;
        ssize_t ignored = write(terminal_out, last_bytes, (size_t)last_size);
        (void)ignored;
        tcsetattr(terminal_in, TCSANOW, &modes_before);
    }
}

static void on_crash(int number)
{
    put_back_at_once();
    raise(number); /* the handler was for once */
}

/* Faults cannot wait for their turn, as the other signals do. */
static void prepare_for_crashes(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        struct sigaction before;
        if (sigaction(crashes[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
            sigaction(crashes[i], &action, NULL); /* a sanitizer's handler stays */
        }
    }
    atexit(put_back_at_once); /* ncurses ends us where it finds no memory */
}

/* What is known of the terminal, before anything is sent to it. False after an error was printed. */
static bool check_terminal(const char *term)
{
    int found = 0;
    if (term == NULL || *term == '\0') {
        error("TERM is not set: set it to what your terminal is, or use --once");
        return false;
    }
    if (setupterm(term, STDOUT_FILENO, &found) != OK) {
        if (found < 0) {
            error("no descriptions of terminals found (package ncurses-base): use --once");
        } else {
            error("terminal '%s' is not known here: set TERM to one that is (xterm, vt100), or use --once",
                  term);
        }
        return false;
    }
    const char *move = tigetstr("cup");
    bool fine = move != NULL && move != (const char *)-1;
    if (!fine) {
        error("terminal '%s' has no cursor to move: set TERM to what it is, or use --once", term);
    }
    if (fine) {
        keep_last_bytes(tigetnum("lines"));
    }
    del_curterm(cur_term);
    return fine;
}

/* Colours that can be read on light and on dark: no yellow, no plain blue, no cyan. */
static void choose_colors(void)
{
    const char *no_color = getenv("NO_COLOR");
    if ((no_color != NULL && *no_color != '\0') || !has_colors() || start_color() != OK) {
        return;
    }
    bool own = use_default_colors() == OK, many = COLORS >= 256;
    short background = own ? -1 : COLOR_BLACK;
    init_pair(PAIR_ACCENT, many ? 33 : COLOR_MAGENTA, background);
    init_pair(PAIR_WARN, many ? 166 : COLOR_RED, background);
    init_pair(PAIR_BAD, many ? 160 : COLOR_RED, background);
}

static attr_t attributes_of(uint32_t attributes, short *pair)
{
    *pair = 0;
    if (COLOR_PAIRS > PAIR_BAD && (attributes & TARE_SCREEN_REVERSE) == 0) {
        *pair = (attributes & TARE_SCREEN_BAD) != 0      ? PAIR_BAD
                : (attributes & TARE_SCREEN_WARN) != 0   ? PAIR_WARN
                : (attributes & TARE_SCREEN_ACCENT) != 0 ? PAIR_ACCENT
                                                         : 0;
    }
    return (
        attr_t)(((attributes & TARE_SCREEN_BOLD) != 0 ? A_BOLD : 0) |
                ((attributes & TARE_SCREEN_DIM) != 0 && (attributes & TARE_SCREEN_REVERSE) == 0 ? A_DIM : 0) |
                ((attributes & TARE_SCREEN_REVERSE) != 0 ? A_REVERSE : 0) |
                ((attributes & TARE_SCREEN_UNDERLINE) != 0 ? A_UNDERLINE : 0));
}

static void show_row(const struct tare_screen *screen, int y)
{
    const struct tare_screen_cell *cells = &screen->cells[(size_t)y * (size_t)screen->width];
    for (int x = 0; x < screen->width; x++) {
        if (cells[x].character == 0) {
            continue; /* covered by the one before */
        }
        int wide = x + 1 < screen->width && cells[x + 1].character == 0 ? 2 : 1;
        wchar_t text[2] = {(wchar_t)cells[x].character, L'\0'};
        if (wcwidth(text[0]) != wide) { /* this locale sees it otherwise */
            text[0] = L'?';
        }
        short pair;
        attr_t attributes = attributes_of(cells[x].attributes, &pair);
        cchar_t cell;
        if (setcchar(&cell, text, attributes, pair, NULL) == OK) {
            mvadd_wch(y, x, &cell); /* in the last corner it says that it cannot go on, which nobody wants */
        }
    }
}

static void show(const struct tare_screen *screen)
{
    erase();
    for (int y = 0; y < screen->height; y++) {
        show_row(screen, y);
    }
    bool typing = screen->cursor_x >= 0;
    int hidden = curs_set(typing ? 1 : 0);
    if (typing) {
        move(screen->cursor_y, screen->cursor_x);
    } else if (hidden == ERR) {
        move(screen->height - 1, screen->width - 1);
    }
}

/*
 * Where output is stopped (Ctrl-S, a line that has gone dead), who writes waits, and ncurses goes on where a signal
 * ends the waiting. Then, and only then, a signal that ends us has a handler: it lets the rest go nowhere.
 */
static int nowhere = -1;
static volatile sig_atomic_t ended_by;

static void on_end(int number, siginfo_t *info, void *context)
{
    int before = errno;
    (void)context;
    if (top_is_own(number, info->si_pid)) {
        return;
    }
    ended_by = number;
    dup2(nowhere, STDOUT_FILENO);
    errno = before;
}

static void prepare_for_ends(const sigset_t *ends)
{
    struct sigaction action = {.sa_sigaction = on_end, .sa_mask = *ends, .sa_flags = SA_SIGINFO};
    for (int i = 1; i <= SIGRTMAX; i++) {
        if (sigismember(ends, i) == 1) {
            sigaction(i, &action, NULL);
        }
    }
}

/* Whether what is written goes anywhere now. */
static bool takes_output(int wait_ms)
{
    struct pollfd fd = {.fd = terminal_out, .events = POLLOUT};
    return poll(&fd, 1, wait_ms) == 1 && (fd.revents & POLLOUT) != 0;
}

/* What does not go now is `*unsent`, and drawn once it goes. Returns whether a signal came that ends us. */
static bool send(struct top *top, const struct tare_screen *screen, bool *unsent)
{
    sigset_t mask;
    *unsent = !takes_output(0);
    if (*unsent) {
        return false;
    }
    show(screen);
    sigprocmask(SIG_UNBLOCK, &top->ends, &mask);
    refresh();
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (ended_by != 0) {
        top_end(top, ended_by);
    }
    return ended_by != 0;
}

static uint32_t key_of(int kind, wint_t key)
{
    if (kind == KEY_CODE_YES) {
        switch (key) {
        case KEY_UP:
            return TARE_SCREEN_KEY_UP;
        case KEY_DOWN:
            return TARE_SCREEN_KEY_DOWN;
        case KEY_PPAGE:
            return TARE_SCREEN_KEY_PAGE_UP;
        case KEY_NPAGE:
            return TARE_SCREEN_KEY_PAGE_DOWN;
        case KEY_HOME:
        case KEY_FIND:
            return TARE_SCREEN_KEY_HOME;
        case KEY_END:
        case KEY_SELECT:
            return TARE_SCREEN_KEY_END;
        case KEY_LEFT:
            return TARE_SCREEN_KEY_LEFT;
        case KEY_RIGHT:
            return TARE_SCREEN_KEY_RIGHT;
        case KEY_ENTER:
            return TARE_SCREEN_KEY_ENTER;
        case KEY_BACKSPACE:
        case KEY_DC:
            return TARE_SCREEN_KEY_BACKSPACE;
        case KEY_BTAB:
            return TARE_SCREEN_KEY_BACK_TAB;
        case KEY_F(1):
            return '?';
        default:
            return TARE_SCREEN_KEY_OTHER;
        }
    }
    switch (key) {
    case '\n':
    case '\r':
        return TARE_SCREEN_KEY_ENTER;
    case 033:
        return TARE_SCREEN_KEY_ESCAPE;
    case 0177:
    case '\b':
        return TARE_SCREEN_KEY_BACKSPACE;
    default:
        return (uint32_t)key;
    }
}

static int match_size(struct tare_screen *screen)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        resizeterm(size.ws_row, size.ws_col);
    }
    clearok(curscr, TRUE);
    keep_last_bytes(LINES);
    return tare_screen_resize(screen, COLS, LINES);
}

static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

static sigset_t set_of(const int *signals, size_t count)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        sigaddset(&set, signals[i]);
    }
    return set;
}

/* Our modes again. In the background that is no business of ours: the kernel stops us there until we may. */
static void take_terminal(void)
{
    sigset_t set = set_of(stops, sizeof(stops) / sizeof(stops[0])), mask;
    sigprocmask(SIG_UNBLOCK, &set, &mask);
    reset_prog_mode();
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* Stopped by Ctrl-Z, or in the background: the terminal is the shell's until we go on. */
static int stop(struct tare_screen *screen, int number)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, before;
    sigset_t set = set_of(&number, 1), mask;
    endwin();
    screen_is_on = 0;
    sigemptyset(&plain.sa_mask);
    sigaction(number, &plain, &before);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, &mask); /* here it stops */
    sigprocmask(SIG_SETMASK, &mask, NULL);
    take_terminal();
    sigaction(number, &before, NULL);
    screen_is_on = 1;
    return match_size(screen);
}

struct loop {
    struct top *top;
    struct tare_screen screen;
    int window_signals; /* stopping, size, continuing */
    uint64_t next_ns;   /* when to read again */
    unsigned long readings;
    unsigned silent; /* times that there was something to read, and no key came of it */
    bool ended;
};

/* Does what a key asks for. */
static int act(struct loop *loop, uint32_t key)
{
    struct top *top = loop->top;
    struct tare_screen_action action;
    bool was_frozen = top->state.frozen;
    double window_s = top->state.window_s;
    int failure = tare_screen_key(&top->state, top->snapshot, key, &action);
    if (failure != 0) {
        return failure;
    }
    switch (action.what) {
    case TARE_SCREEN_QUIT:
        loop->ended = true;
        break;
    case TARE_SCREEN_SWITCH:
        top_switch(top, &action);
        loop->next_ns = 0;
        break;
    case TARE_SCREEN_VOID:
        top_reset(top, &action);
        loop->next_ns = 0;
        break;
    case TARE_SCREEN_EXPORT:
        top_export(top);
        break;
    case TARE_SCREEN_WINDOW:
        if (!top_set_window(top)) {
            top->state.window_s = window_s;
        }
        break;
    case TARE_SCREEN_REDRAW:
        clearok(curscr, TRUE);
        break;
    default:
        break;
    }
    loop->next_ns = was_frozen && !top->state.frozen ? 0 : loop->next_ns;
    free(action.ids);
    return 0;
}

/* All keys that have come. ERR means no more, and POLLHUP that there will be none. */
static int take_keys(struct loop *loop)
{
    enum { SILENT_MOST = 1000 };
    struct termios modes;
    wint_t key;
    int kind, failure = 0;
    loop->silent++;
    while (!loop->ended && failure == 0 && (kind = get_wch(&key)) != ERR) {
        loop->silent = 0;
        if (kind == KEY_CODE_YES && key == KEY_RESIZE) {
            continue;
        }
        failure = act(loop, key_of(kind, key));
    }
    /* One that is gone may be readable for ever. */
    if (loop->silent > SILENT_MOST || (loop->silent > 0 && tcgetattr(terminal_in, &modes) != 0)) {
        loop->ended = true;
    }
    return failure;
}

static int take_window_signals(struct loop *loop)
{
    struct signalfd_siginfo info;
    int failure = 0;
    while (failure == 0 && read(loop->window_signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGWINCH && info.ssi_signo != SIGCONT) {
            failure = stop(&loop->screen, (int)info.ssi_signo);
        } else {
            if (info.ssi_signo == SIGCONT) { /* after a SIGSTOP somebody may have changed its modes */
                take_terminal();
            }
            failure = match_size(&loop->screen);
        }
    }
    return failure;
}

static int read_again(struct loop *loop)
{
    struct top *top = loop->top;
    char message[512];
    uint64_t now_ns = top_now_ns(), interval_ns = (uint64_t)(top->interval_s * 1e9);
    if (now_ns < loop->next_ns || top->state.frozen) {
        return 0;
    }
    int failure = top_poll(top, message, sizeof(message));
    if (failure == 0 && message[0] != '\0' && top->state.message[0] == '\0') {
        tare_screen_say(&top->state, true, "%s", message);
    } else if (failure != 0) {
        tare_screen_say(&top->state, true, "%s", message[0] != '\0' ? message : strerror(-failure));
    }
    loop->readings++;
    loop->next_ns = loop->next_ns + interval_ns > now_ns ? loop->next_ns + interval_ns : now_ns + interval_ns;
    return failure;
}

static int run(struct loop *loop)
{
    struct top *top = loop->top;
    int failure = tare_screen_resize(&loop->screen, COLS, LINES);
    while (failure == 0 && !loop->ended) {
        failure = read_again(loop);
        if (failure == 0) {
            failure = tare_screen_draw(&loop->screen, &top->state, top->snapshot);
        }
        if (failure != 0) {
            break;
        }
        bool unsent;
        if (send(top, &loop->screen, &unsent)) {
            break;
        }
        if (top->count != 0 && loop->readings >= top->count) {
            break;
        }
        uint64_t now_ns = top_now_ns();
        int wait_ms = top->state.frozen        ? -1
                      : now_ns < loop->next_ns ? (int)((loop->next_ns - now_ns) / 1000000) + 1
                                               : 0;
        struct pollfd fds[] = {{.fd = terminal_in, .events = POLLIN},
                               {.fd = top->signals, .events = POLLIN},
                               {.fd = loop->window_signals, .events = POLLIN},
                               {.fd = terminal_out, .events = unsent ? POLLOUT : 0}};
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms) <= 0) {
            continue;
        }
        if ((fds[3].revents & ~POLLOUT) != 0 || (fds[1].revents != 0 && top_is_ended(top))) {
            break;
        }
        if (fds[2].revents != 0) {
            failure = take_window_signals(loop);
        }
        if (failure == 0 && fds[0].revents != 0) {
            failure = take_keys(loop);
            loop->ended = loop->ended || (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
        }
    }
    tare_screen_release(&loop->screen);
    return failure;
}

/*
 * The end. What Ctrl-S has stopped goes on for it; where nothing is taken for a while, nothing is written: nobody
 * is to wait for a terminal that has gone.
 */
static void give_back(void)
{
    enum { PATIENCE_MS = 1000 };
    tcflow(terminal_in, TCOOFF); /* TCOON alone undoes no Ctrl-S on Linux, but what this did */
    tcflow(terminal_in, TCOON);
    if (takes_output(PATIENCE_MS)) {
        dup2(terminal_out, STDOUT_FILENO);
        curs_set(1);
        endwin();
    }
    tcsetattr(terminal_in, TCSANOW, &modes_before);
    screen_is_on = 0;
}

static bool open_keys(void)
{
    terminal_in = isatty(STDIN_FILENO) ? STDIN_FILENO : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal_in < 0 || tcgetattr(terminal_in, &modes_before) != 0) {
        error("no terminal to read keys from: %s; use --once", strerror(errno));
        return false;
    }
    return true;
}

int top_screen(struct top *top)
{
    const char *term = getenv("TERM");
    struct loop loop = {.top = top};
    int code = EXIT_TROUBLE;
    if (!check_terminal(term) || !open_keys()) {
        return EXIT_TROUBLE;
    }
    FILE *keys = terminal_in == STDIN_FILENO ? stdin : fdopen(terminal_in, "r+");
    sigset_t set = set_of(stops, sizeof(stops) / sizeof(stops[0]));
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        struct sigaction action;
        if (sigaction(stops[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigdelset(&set, stops[i]); /* nobody would let it go on */
        }
    }
    sigaddset(&set, SIGCONT);
    sigaddset(&set, SIGWINCH);
    loop.window_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    terminal_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (terminal_out < 0 || nowhere < 0) {
        error("cannot use terminal '%s': %s", term, strerror(errno));
        return EXIT_TROUBLE;
    }
    prepare_for_crashes();
    screen_is_on = 1;
    SCREEN *terminal = keys != NULL && loop.window_signals >= 0 ? newterm(term, stdout, keys) : NULL;
    if (terminal == NULL) {
        put_back_at_once();
        error("cannot use terminal '%s': %s; use --once", term,
              errno != 0 ? strerror(errno) : "ncurses refuses it");
        return EXIT_TROUBLE;
    }
    keep_last_bytes(LINES);
    sigprocmask(SIG_BLOCK, &set, NULL); /* from here on; before, newterm() stops in the background */
    prepare_for_ends(&top->ends);
    choose_colors();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    int failure = run(&loop);
    give_back();
    delscreen(terminal);
    close(loop.window_signals);
    close(terminal_out);
    close(nowhere);
    if (failure != 0) {
        error("%s", top->state.message[0] != '\0' ? top->state.message : strerror(-failure));
    } else {
        code = EXIT_FINE;
    }
    return code;
}

#endif
