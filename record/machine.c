/* SPDX-License-Identifier: MIT */
/*
 * Reads how the machine is set from /proc and /sys. What each item does to measurements, and what would be
 * better, is findings.c's to say.
 */
#include "record/machine.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "record/clean.h"
#include "record/files.h"

#define CPU "/sys/devices/system/cpu/"
#define KERNEL "/proc/sys/kernel/"

enum { PROCESSORS_MAX = 8192, STATUS_MAX = 64 * 1024 };

static int read_flag(const char *root, const char *name)
{
    long long value;
    return tare__file_number(root, name, &value) == 0 && value >= 0 && value <= 1000 ? (int)value : -1;
}

/* Appends a word to a list with commas between, unless it is there already or does not fit. */
static void append_word(char *list, size_t size, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        bool begins = at == list || at[-1] == ' ', ends = at[length] == ',' || at[length] == '\0';
        if (begins && ends) {
            return;
        }
    }
    size_t used = strlen(list);
    if (used + length + 3 <= size) {
        snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", word);
    }
}

static void read_processors(struct tare_machine *machine, const char *root)
{
    tare__file_line(root, CPU "online", machine->online, sizeof machine->online);
    machine->online_count = tare__list_count(machine->online);
    char *status = tare__file_load(root, "/proc/self/status", STATUS_MAX);
    static const char key[] = "\nCpus_allowed_list:";
    const char *line = status != NULL ? strstr(status, key) : NULL;
    if (line != NULL) {
        line += sizeof key - 1;
        line += strspn(line, " \t");
        snprintf(machine->allowed, sizeof machine->allowed, "%.*s", (int)strcspn(line, "\n"), line);
        tare__clean_text(machine->allowed);
        machine->allowed_count = tare__list_count(machine->allowed);
    }
    free(status);
    /* Both are empty, or "(null)", where nothing is isolated. */
    int result = tare__file_line(root, CPU "isolated", machine->isolated, sizeof machine->isolated);
    machine->isolated_known = result == 0 || result == -ENODATA;
    tare__file_line(root, CPU "nohz_full", machine->tickless, sizeof machine->tickless);
    if (tare__list_count(machine->isolated) == 0) {
        machine->isolated[0] = '\0';
    }
    if (tare__list_count(machine->tickless) == 0) {
        machine->tickless[0] = '\0';
    }
    machine->smt = read_flag(root, CPU "smt/active");
    tare__file_line(root, CPU "smt/control", machine->smt_control, sizeof machine->smt_control);
}

static void read_frequency(struct tare_machine *machine, const char *root)
{
    unsigned *policies = calloc(PROCESSORS_MAX, sizeof *policies);
    size_t count =
        policies != NULL ? tare__file_numbered(root, CPU "cpufreq", "policy", policies, PROCESSORS_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        char name[128], governor[64];
        snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_governor", policies[i]);
        if (tare__file_line(root, name, governor, sizeof governor) == 0) {
            append_word(machine->governors, sizeof machine->governors, governor);
        }
        snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_available_governors", policies[i]);
        machine->performance_governor =
            machine->performance_governor || tare__file_has_word(root, name, "performance");
        if (machine->frequency_driver[0] == '\0') {
            snprintf(name, sizeof name, CPU "cpufreq/policy%u/scaling_driver", policies[i]);
            tare__file_line(root, name, machine->frequency_driver, sizeof machine->frequency_driver);
        }
    }
    free(policies);
    /* What the drivers of Intel's processors have, and what all others have. */
    static const struct {
        const char *file;
        bool inverted;
    } turbos[] = {{CPU "intel_pstate/no_turbo", true}, {CPU "cpufreq/boost", false}};
    for (size_t i = 0; i < sizeof turbos / sizeof turbos[0] && machine->turbo < 0; i++) {
        int value = read_flag(root, turbos[i].file);
        if (value >= 0) {
            machine->turbo = (value != 0) != turbos[i].inverted;
            machine->turbo_inverted = turbos[i].inverted;
            snprintf(machine->turbo_file, sizeof machine->turbo_file, "%s", turbos[i].file);
        }
    }
}

static int is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strlen(entry->d_name) < 64;
}

/* Every file in vulnerabilities/ is a weakness: "Not affected", "Mitigation: how", "Vulnerable..." or "KVM: ...". */
static void read_weaknesses(struct tare_machine *machine, const char *root)
{
    char folder[TARE__FILE_PATH];
    struct dirent **names = NULL;
    int length = snprintf(folder, sizeof folder, "%s" CPU "vulnerabilities", root);
    int count = length > 0 && (size_t)length < sizeof folder ? scandir(folder, &names, is_name, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        char path[sizeof CPU + 300], text[512];
        snprintf(path, sizeof path, CPU "vulnerabilities/%s", names[i]->d_name);
        tare__clean_text(names[i]->d_name);
        if (tare__file_line(root, path, text, sizeof text) == 0) {
            machine->weaknesses++;
            if (strstr(text, "Mitigation:") != NULL) {
                machine->mitigated_count++;
                append_word(machine->mitigated, sizeof machine->mitigated, names[i]->d_name);
            } else if (strstr(text, "Vulnerable") != NULL) {
                append_word(machine->open_to, sizeof machine->open_to, names[i]->d_name);
            }
        }
        free(names[i]);
    }
    free(names);
    char *line = tare__file_load(root, "/proc/cmdline", 65536);
    char *rest = line;
    for (char *word = strsep(&rest, " \t\n"); word != NULL; word = strsep(&rest, " \t\n")) {
        if (strncmp(word, "mitigations=", 12) == 0) { /* the last one counts */
            snprintf(machine->mitigations, sizeof machine->mitigations, "%s", word + 12);
            tare__clean_text(machine->mitigations);
        }
    }
    free(line);
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice": steal against all that was not idle. */
static double read_steal_share(const char *root)
{
    char text[512];
    unsigned long long user, nice, system, idle, waiting, irq, softirq, steal;
    if (tare__file_line(root, "/proc/stat", text, sizeof text) != 0 ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting,
               &irq, &softirq, &steal) != 8) {
        return NAN;
    }
    double wanted =
        (double)user + (double)nice + (double)system + (double)irq + (double)softirq + (double)steal;
    return wanted > 0 ? (double)steal / wanted : NAN;
}

static void read_kernel(struct tare_machine *machine, const char *root)
{
    machine->aslr = read_flag(root, KERNEL "randomize_va_space");
    int own = personality(0xffffffff); /* asks, and changes nothing: personality(2) */
    machine->aslr_here =
        machine->aslr < 0 ? -1 : machine->aslr > 0 && (own < 0 || (own & ADDR_NO_RANDOMIZE) == 0);
    tare__file_choice(root, "/sys/kernel/mm/transparent_hugepage/enabled", machine->huge_pages,
                      sizeof machine->huge_pages);
    machine->nmi_watchdog = read_flag(root, KERNEL "nmi_watchdog");
    machine->numa_balancing = read_flag(root, KERNEL "numa_balancing");
    char nodes[TARE_MACHINE_TEXT];
    if (tare__file_line(root, "/sys/devices/system/node/online", nodes, sizeof nodes) == 0) {
        machine->nodes = tare__list_count(nodes);
    }
    long long paranoid;
    if (tare__file_number(root, KERNEL "perf_event_paranoid", &paranoid) == 0 && paranoid >= -100 &&
        paranoid <= 100) {
        machine->perf_event_paranoid = (int)paranoid;
    }
    tare__file_line(root, "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                    machine->clocksources, sizeof machine->clocksources);
}

int tare_machine_read(struct tare_machine *machine, const char *root)
{
    memset(machine, 0, sizeof *machine);
    machine->smt = machine->turbo = machine->aslr = machine->aslr_here = -1;
    machine->nmi_watchdog = machine->numa_balancing = -1;
    machine->perf_event_paranoid = TARE_UNKNOWN;
    int result = tare_environment_read_at(&machine->environment, root, NULL);
    if (result != 0) {
        return result;
    }
    machine->container = tare__file_exists(root, "/.dockerenv") ||
                         tare__file_exists(root, "/run/.containerenv") ||
                         tare__file_exists(root, "/run/systemd/container");
    read_processors(machine, root);
    read_frequency(machine, root);
    read_weaknesses(machine, root);
    read_kernel(machine, root);
    machine->steal_share = read_steal_share(root);
    tare_heat_read(&machine->heat, root);
    tare_quota_read(&machine->quota, root);
    return 0;
}

void tare_machine_release(struct tare_machine *machine)
{
    tare_environment_release(&machine->environment);
    memset(machine, 0, sizeof *machine);
}
