/* SPDX-License-Identifier: MIT */
/*
 * Terminals: a pair of pseudo-terminals in raw mode, of which this process is the program (the slave) for throughput, and
 * the terminal (the master) for round trips. What is written lies in a queue until a thread of the kernel hands it over.
 * about_pty.c has the definitions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <tare/tare.h>

#include "suites/os/ipc.h"
#include "suites/os/place.h"

TARE_MODULE("os");
TARE_TIMER(pty_round);
TARE_TIMER(pty_throughput);

enum { DEAD = '!' };

struct terminal {
    int master, slave;
};

static void open_terminal(struct terminal *terminal)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) {
        tare_skip("there are no pseudo-terminals (/dev/ptmx)");
    }
    terminal->master = place_keep(master);
    char name[128];
    tare_require(grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, name, sizeof(name)) == 0);
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        tare_skip("the pseudo-terminal cannot be opened (/dev/pts)");
    }
    terminal->slave = place_keep(slave);
    struct termios settings;
    tare_require(tcgetattr(slave, &settings) == 0);
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    tare_require(tcsetattr(slave, TCSANOW, &settings) == 0);
}

static void echo(void *data, unsigned number)
{
    const struct terminal *terminal = data;
    char byte;
    (void)number;
    while (read(terminal->slave, &byte, 1) == 1 && write(terminal->slave, &byte, 1) == 1) {
    }
}

static void tell_death(void *data)
{
    const struct terminal *terminal = data;
    const char dead = DEAD;
    ssize_t told = write(terminal->slave, &dead, 1);
    (void)told;
}

static inline bool round_trip(int master)
{
    char byte = 'x';
    return write(master, &byte, 1) == 1 && read(master, &byte, 1) == 1 && byte == 'x';
}

static void pty_round(tare_bench *b, enum place place)
{
    static struct terminal terminal;
    place_begin(place);
    open_terminal(&terminal);
    place_on_death(tell_death, &terminal);
    place_start(echo, &terminal);
    tare_require(round_trip(terminal.master));
    TARE_EACH(b)
    {
        TARE_SCOPE(pty_round);
        tare_require(round_trip(terminal.master));
    }
    place_end();
}
PLACED_BENCH(pty_round);

static void pty_throughput(tare_bench *b, enum place place)
{
    static struct flow flow;
    struct terminal terminal;
    place_begin(place);
    open_terminal(&terminal);
    flow = (struct flow){.in = terminal.master, .closed_by_reader = terminal.slave};
    flow_begin(&flow, (size_t)b->arg[0]);
    place_close(&terminal.master);
    FLOW_MEASURE(b, &flow, terminal.slave, pty_throughput);
    place_end();
}
PLACED_BENCH(pty_throughput);
PLACED_ARGS(pty_throughput, 64, 4096, 65536);
