/* SPDX-License-Identifier: MIT */
/*
 * Reads /proc/stat, /proc/PID/stat and /proc/interrupts (proc(5)) and takes differences. Processes that began
 * and ended between the marks have no name: they are in the machine's sum, and in that of the parent that
 * waited for them.
 */
#include "record/load.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record/clean.h"
#include "record/files.h"
#include "record/machine.h"
#include "record/monotonic.h"
#include "record/process_stat.h"

enum { PROCESSES_MAX = 65536, INTERRUPTS_FILE_MAX = 8 * 1024 * 1024 };

struct process {
    pid_t pid, parent;
    uint64_t start, ticks, children_ticks; /* of children that it has waited for */
    char name[TARE_LOAD_NAME];
};

struct tare_load_mark {
    double wall_s, own_s; /* own: processor time of this process */
    bool known;           /* of the next two */
    double busy_ticks, steal_ticks;
    double throttled, throttles;
    struct process *processes; /* ascending by pid */
    size_t process_count;
};

/* Of the processor, that this process has taken. */
static double own_seconds(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0 ? (double)now.tv_sec + (double)now.tv_nsec / 1e9
                                                              : NAN;
}

static bool parse_process(const char *text, struct process *process)
{
    struct tare__process_stat stat;
    if (tare__process_stat_parse(text, &stat) != 0) {
        return false;
    }
    process->parent = stat.parent;
    process->ticks = stat.ticks;
    process->children_ticks = stat.children_ticks;
    process->start = stat.start_time_jiffies;
    snprintf(process->name, sizeof process->name, "%.*s", (int)stat.name_length, stat.name);
    tare__clean_text(process->name);
    return true;
}

static int read_processes(struct tare_load_mark *mark, const char *root)
{
    unsigned *pids = malloc(PROCESSES_MAX * sizeof *pids);
    if (pids == NULL) {
        return -ENOMEM;
    }
    size_t count = tare__file_numbered(root, "/proc", "", pids, PROCESSES_MAX);
    mark->processes = calloc(count > 0 ? count : 1, sizeof *mark->processes);
    for (size_t i = 0; i < count && mark->processes != NULL; i++) {
        char name[64], text[TARE__PROCESS_STAT_BYTES];
        struct process *process = &mark->processes[mark->process_count];
        snprintf(name, sizeof name, "/proc/%u/stat", pids[i]);
        process->pid = (pid_t)pids[i];
        if (process->pid != getpid() && tare__file_read(root, name, text, sizeof text) > 0 &&
            parse_process(text, process)) {
            mark->process_count++;
        }
    }
    free(pids);
    return mark->processes != NULL ? 0 : -ENOMEM;
}

static void read_totals(struct tare_load_mark *mark, const char *root)
{
    char text[512];
    unsigned long long user, nice, system, idle, waiting, irq, softirq, steal;
    if (tare__file_line(root, "/proc/stat", text, sizeof text) == 0 &&
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting,
               &irq, &softirq, &steal) == 8) {
        mark->known = true;
        mark->busy_ticks = (double)user + (double)nice + (double)system + (double)irq + (double)softirq;
        mark->steal_ticks = (double)steal;
    }
}

struct tare_load_mark *tare_load_mark(const char *root)
{
    struct tare_load_mark *mark = calloc(1, sizeof *mark);
    if (mark == NULL || read_processes(mark, root) != 0) {
        tare_load_mark_free(mark);
        return NULL;
    }
    struct tare_quota quota;
    tare_quota_read(&quota, root);
    mark->throttled = quota.throttled;
    struct tare_heat heat;
    tare_heat_read(&heat, root);
    mark->throttles = heat.throttles;
    /* Last and together, so that reading the rest is on the same side of both. */
    read_totals(mark, root);
    mark->own_s = own_seconds();
    mark->wall_s = (double)tare__monotonic_ns() / 1e9;
    return mark;
}

void tare_load_mark_free(struct tare_load_mark *mark)
{
    if (mark != NULL) {
        free(mark->processes);
        free(mark);
    }
}

/* The process of that id at a mark; NULL: none. */
static const struct process *find_process(const struct tare_load_mark *mark, pid_t pid)
{
    size_t low = 0, high = mark->process_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mark->processes[middle].pid < pid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < mark->process_count && mark->processes[low].pid == pid ? &mark->processes[low] : NULL;
}

/* The same process at another mark, not one that has got its id since. */
static const struct process *find_same(const struct tare_load_mark *mark, const struct process *process)
{
    const struct process *found = find_process(mark, process->pid);
    return found != NULL && found->start == process->start ? found : NULL;
}

/*
 * A parent gets all of a child's time when the child has ended, also what was before the first mark. So of
 * those that have ended since, that is taken off again: `before` of each process of the last mark, in its
 * order.
 */
static void count_ended(const struct tare_load_mark *first, const struct tare_load_mark *last, uint64_t *before)
{
    enum { GENERATIONS = 64 };
    for (size_t i = 0; i < first->process_count; i++) {
        const struct process *ended = &first->processes[i], *heir = ended;
        if (find_same(last, ended) != NULL) {
            continue;
        }
        for (int generation = 0; generation < GENERATIONS && heir != NULL; generation++) {
            const struct process *parent = find_process(last, heir->parent);
            if (parent != NULL) {
                before[parent - last->processes] += ended->ticks + ended->children_ticks;
                break;
            }
            heir = find_process(first, heir->parent);
        }
    }
}

static double all_cpus(const struct tare_load_process *process)
{
    return process->cpus + process->children_cpus;
}

/* Inserts a process among the first few, most busy first. */
static void insert(struct tare_load *load, const struct tare_load_process *process)
{
    size_t at = load->top_count;
    while (at > 0 && all_cpus(&load->top[at - 1]) < all_cpus(process)) {
        at--;
    }
    if (at == TARE_LOAD_TOP) {
        return;
    }
    size_t moved = load->top_count - at;
    if (load->top_count < TARE_LOAD_TOP) {
        load->top_count++;
    } else {
        moved--;
    }
    memmove(&load->top[at + 1], &load->top[at], moved * sizeof load->top[0]);
    load->top[at] = *process;
}

void tare_load_between(const struct tare_load_mark *first, const struct tare_load_mark *last,
                       struct tare_load *load)
{
    double per_second = (double)sysconf(_SC_CLK_TCK);
    *load = (struct tare_load){.others_cpus = NAN, .resolution_cpus = NAN, .steal_share = NAN};
    load->seconds = last->wall_s - first->wall_s;
    load->throttled = last->throttled - first->throttled;
    load->throttles = last->throttles - first->throttles;
    if (!(load->seconds > 0)) {
        return;
    }
    if (first->known && last->known) {
        double busy_s = (last->busy_ticks - first->busy_ticks) / per_second;
        double steal_s = (last->steal_ticks - first->steal_ticks) / per_second;
        load->others_cpus = (busy_s - (last->own_s - first->own_s)) / load->seconds;
        /* A tick at each end, in each of a few fields that are rounded for themselves: user, system, softirq. */
        load->resolution_cpus = 3 / per_second / load->seconds;
        load->steal_share = busy_s + steal_s > 0 ? steal_s / (busy_s + steal_s) : 0;
    }
    uint64_t *ended = calloc(last->process_count + 1, sizeof *ended);
    if (ended == NULL) {
        return; /* then nobody has a name */
    }
    count_ended(first, last, ended);
    for (size_t i = 0; i < last->process_count; i++) {
        const struct process *process = &last->processes[i], *before = find_same(first, process);
        double ticks = (double)process->ticks - (before != NULL ? (double)before->ticks : 0);
        double children =
            (double)process->children_ticks - (before != NULL ? (double)before->children_ticks : 0);
        struct tare_load_process busy = {.pid = process->pid};
        busy.cpus = fmax(ticks, 0) / per_second / load->seconds;
        busy.children_cpus = fmax(children - (double)ended[i], 0) / per_second / load->seconds;
        /* More than the whole machine did: time of one that was left to it meanwhile. */
        if (busy.children_cpus > load->others_cpus + load->resolution_cpus) {
            busy.children_cpus = 0;
        }
        snprintf(busy.name, sizeof busy.name, "%s", process->name);
        if (all_cpus(&busy) > 0) {
            load->named_cpus += all_cpus(&busy);
            insert(load, &busy);
        }
    }
    free(ended);
}

/* The column of "CPU<n>" in the header, which names those that are online, in order; -1: none. */
static int column_of(const char *header, unsigned cpu)
{
    char word[16];
    int column = 0;
    snprintf(word, sizeof word, "CPU%u", cpu);
    for (const char *at = header + strspn(header, " "); *at != '\n' && *at != '\0'; column++) {
        size_t length = strcspn(at, " \n");
        if (length == strlen(word) && strncmp(at, word, length) == 0) {
            return column;
        }
        at += length;
        at += strspn(at, " ");
    }
    return -1;
}

/*
 * " 36:  0  750659 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0": the last word tells most. "LOC: 12 34 Local
 * timer interrupts": all that stands behind the counts does.
 */
static bool parse_interrupt(const char *line, size_t length, int column, struct tare_interrupt *interrupt)
{
    char text[4096 * 11];
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), line);
    char *label = text + strspn(text, " "), *colon = strchr(label, ':');
    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    char *at = colon + 1;
    bool found = false;
    for (int i = 0;; i++) {
        char *end;
        at += strspn(at, " ");
        unsigned long long count = strtoull(at, &end, 10);
        if (end == at || (*end != ' ' && *end != '\0')) {
            break;
        }
        if (i == column) {
            interrupt->count = count;
            found = true;
        }
        at = end;
    }
    for (size_t end = strlen(at); end > 0 && at[end - 1] == ' '; end--) {
        at[end - 1] = '\0';
    }
    bool numbered = label[0] >= '0' && label[0] <= '9';
    const char *last = strrchr(at, ' ');
    const char *name = *at == '\0' ? label : numbered && last != NULL ? last + 1 : at;
    snprintf(interrupt->name, sizeof interrupt->name, "%.*s", TARE_LOAD_NAME - 1, name);
    snprintf(interrupt->label, sizeof interrupt->label, "%s", label);
    tare__clean_text(interrupt->name);
    tare__clean_text(interrupt->label);
    return found;
}

int tare_interrupts_read(struct tare_interrupts *interrupts, unsigned cpu, const char *root)
{
    interrupts->count = 0;
    char *text = tare__file_load(root, "/proc/interrupts", INTERRUPTS_FILE_MAX);
    int column = text != NULL ? column_of(text, cpu) : -1;
    const char *line = column >= 0 ? strchr(text, '\n') : NULL;
    while (line != NULL && interrupts->count < TARE_INTERRUPTS_MAX) {
        line++;
        size_t length = strcspn(line, "\n");
        interrupts->count += parse_interrupt(line, length, column, &interrupts->list[interrupts->count]);
        line = line[length] == '\n' ? line + length : NULL;
    }
    free(text);
    return interrupts->count > 0 ? 0 : -ENODATA;
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t first = ((const struct tare_interrupt *)a)->count,
             second = ((const struct tare_interrupt *)b)->count;
    return (first < second) - (first > second);
}

size_t tare_interrupts_top(const struct tare_interrupts *first, const struct tare_interrupts *last,
                           struct tare_interrupt *top, size_t room)
{
    struct tare_interrupts *between = calloc(1, sizeof *between);
    if (between == NULL) {
        return 0;
    }
    for (size_t i = 0; i < last->count; i++) {
        /* Lines keep their order; new ones may come between. */
        uint64_t before = 0;
        for (size_t j = 0; j < first->count; j++) {
            if (strcmp(first->list[j].label, last->list[i].label) == 0) {
                before = first->list[j].count;
            }
        }
        if (last->list[i].count > before) {
            between->list[between->count] = last->list[i];
            between->list[between->count++].count -= before;
        }
    }
    qsort(between->list, between->count, sizeof between->list[0], compare_counts);
    size_t count = between->count < room ? between->count : room;
    memcpy(top, between->list, count * sizeof *top);
    free(between);
    return count;
}
