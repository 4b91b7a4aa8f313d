/* SPDX-License-Identifier: MIT */
/*
 * Which live processes have a page. A page is anonymous memory with a descriptor, so it is found through
 * /proc/PID/fd; nothing registers anywhere, and nothing is left behind by a crash.
 */
#ifndef TARE_RECORD_DISCOVER_H
#define TARE_RECORD_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One page of one live process. Open `path`, and put the three together as a struct tare_page_source. */
struct tare_found_page {
    pid_t pid;       /* as we see it; in a container, header.pid is another */
    char path[48];   /* "/proc/PID/fd/N"; where the main thread has ended, "/proc/PID/task/TID/fd/N" */
    uint64_t offset; /* of the page's first byte */
    uint64_t limit;  /* bytes from there that belong to it at most */
    bool in_set;     /* one of several pages in a set, of a `tare run` */
    uint64_t index;  /* in the set; 0 otherwise */
};

/*
 * Finds the pages of the process `only`, or of all processes that we may look into (0). They are ordered by
 * pid; where a process has several in a set, because it has two libtares in it, the newest stands first. Pages
 * of a set that the process left behind by exec are not among them. The caller frees *pages. `denied`
 * (optional) is set to the number of processes that we may not look into. Returns 0, -ESRCH if `only` does not
 * exist or has ended, or what else kept us from looking: -EMFILE, -ENFILE and -ENOMEM where it is we who lack
 * something, or what opening /proc or its files said. Then *pages are those that were found so far.
 */
int tare_discover(pid_t only, struct tare_found_page **pages, size_t *count, size_t *denied);

/* Its parent: field 4 of /proc/PID/stat. 0: gone, or not to be read. */
pid_t tare_process_parent(pid_t pid);

/* How many threads it has: field 20 of the same. 0: gone, or not to be read. */
uint64_t tare_process_threads(pid_t pid);

/*
 * When the process started: field 22 of /proc/PID/stat, in ticks of sysconf(_SC_CLK_TCK) since boot. -ESRCH:
 * gone.
 */
int tare_process_start_time(pid_t pid, uint64_t *jiffies);

/*
 * Whether that very process still runs, as far as can be seen. A zombie has ended, unless it is but the main
 * thread of others that run on; 0 jiffies: any process with that id will do, and so it does for want of
 * descriptors or memory to look closer.
 */
bool tare_process_alive(pid_t pid, uint64_t start_time_jiffies);

/*
 * Whether there is certainly no process of that id that could still write anything: none at all, or a zombie of
 * the same rule. What cannot be known gives false, here as in tare_process_alive().
 */
bool tare_process_ended(pid_t pid);

/*
 * Whether the process maps the file that `fd` has open, from `offset` on: a mapping that begins there. False
 * also if we may not look into it.
 */
#define TARE_MAPS_ANYWHERE UINT64_MAX
bool tare_process_maps(pid_t pid, int fd, uint64_t offset);

/* The id of this boot, 16 bytes in the order in which they are written. Returns 0 or -errno. */
int tare_boot_id(uint8_t id[16]);

#endif
