/* SPDX-License-Identifier: MIT */
/*
 * Rates what machine.c read and gaps.c and load.c measured, and puts it into words. One function for each
 * finding; what a rating rests on stands beside it. Bounds are shares of the time, chosen against what tare
 * claims of its own figures, which is about a percent: what takes more than that harms, what takes a tenth of
 * it is to be known.
 */
#include "record/findings.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HARMS_SHARE 0.01
#define NOTE_SHARE 0.001

#define CPU "/sys/devices/system/cpu/"

/* What all of the functions below are given. */
struct subject {
    const struct tare_machine *machine;
    const struct tare_counters *counters;
    const struct tare_measured *measured; /* NULL: left out */
    bool virtual_machine;
};

static void say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends. What does not fit is cut between characters. */
static void say(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length >= size - used) {
        size_t end = size - 1;
        while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80) {
            end--;
        }
        text[end > 0 && (unsigned char)text[end - 1] >= 0xc0 ? end - 1 : end] = '\0';
    }
}

#define VALUE(...) say(finding->value, sizeof finding->value, __VA_ARGS__)
#define EFFECT(...) say(finding->effect, sizeof finding->effect, __VA_ARGS__)
#define ADVICE(...) say(finding->advice, sizeof finding->advice, __VA_ARGS__)
#define COMMAND(...) say(finding->command, sizeof finding->command, __VA_ARGS__)

static void figure(struct tare_finding *finding, const char *name, double value)
{
    if (finding->figure_count < sizeof finding->figures / sizeof finding->figures[0]) {
        finding->figures[finding->figure_count++] = (struct tare_figure){name, value};
    }
}

/* "850 ns", "1.2 µs", "34 ms". */
static const char *time_text(char text[32], double ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    size_t unit = 0;
    while (unit < 3 && ns >= 999.5) {
        ns /= 1000;
        unit++;
    }
    snprintf(text, 32, ns < 9.95 ? "%.1f %s" : "%.0f %s", ns, units[unit]);
    return text;
}

/* A share as a percentage, with as many digits as say something. */
static const char *share_text(char text[32], double share)
{
    double percent = share * 100;
    snprintf(text, 32,
             percent == 0            ? "%.0f %%"
             : fabs(percent) < 0.095 ? "%.2g %%"
             : fabs(percent) < 9.95  ? "%.1f %%"
                                     : "%.0f %%",
             percent);
    return text;
}

static enum tare_rating rate_share(double share)
{
    return isnan(share)          ? TARE_RATING_UNKNOWN
           : share > HARMS_SHARE ? TARE_RATING_HARMS
           : share > NOTE_SHARE  ? TARE_RATING_NOTE
                                 : TARE_RATING_FINE;
}

static enum tare_rating worse(enum tare_rating a, enum tare_rating b)
{
    if (a == TARE_RATING_UNKNOWN || b == TARE_RATING_UNKNOWN) {
        return a == TARE_RATING_UNKNOWN ? b : a;
    }
    return a > b ? a : b;
}

/* The value of what was to be measured and was not. */
static void not_measured(struct tare_finding *finding, const struct subject *subject)
{
    finding->rating = TARE_RATING_UNKNOWN;
    VALUE("%s", subject->measured == NULL ? "not measured (--quick)" : "not measured: it was interrupted");
}

static void find_virtualization(struct tare_finding *finding, const struct subject *subject)
{
    const char *name = subject->machine->environment.virtualization;
    finding->rating = name == NULL               ? TARE_RATING_UNKNOWN
                      : subject->virtual_machine ? TARE_RATING_NOTE
                                                 : TARE_RATING_FINE;
    VALUE("%s%s", name != NULL ? name : "not to be told on this processor",
          subject->machine->container ? ", in a container" : "");
    if (subject->virtual_machine) {
        EFFECT("The host takes processors away, changes their clock rate and shares caches and memory with "
               "others; "
               "only a part of it can be seen from here.");
        ADVICE("Cannot be set from within: compare what was measured close together, not days apart.");
    } else {
        EFFECT("A hypervisor would take processors away and share caches unseen.");
    }
}

static void find_steal(struct tare_finding *finding, const struct subject *subject)
{
    char now_text[32], boot_text[32];
    double now = subject->measured != NULL && subject->measured->load.seconds > 0
                     ? subject->measured->load.steal_share
                     : NAN;
    double boot = subject->machine->steal_share;
    if (!isnan(now)) {
        finding->rating = rate_share(now);
        VALUE("%s while measured, ", share_text(now_text, now));
    } else {
        finding->rating = boot > NOTE_SHARE ? TARE_RATING_NOTE
                          : isnan(boot)     ? TARE_RATING_UNKNOWN
                                            : TARE_RATING_FINE;
    }
    if (isnan(boot)) {
        VALUE("unknown since boot");
    } else {
        VALUE("%s since boot", share_text(boot_text, boot));
    }
    EFFECT(
        "Time in which the host ran somebody else in our place; a scope that it falls into is longer by it.");
    if (finding->rating != TARE_RATING_FINE) {
        ADVICE("Cannot be set from within: ask for processors of your own, or measure at another time.");
    }
    figure(finding, "steal_share", now);
    figure(finding, "steal_share_since_boot", boot);
}

static void find_governor(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("What sets the clock rate: one that follows the load runs short passes slower than long ones.");
    if (machine->governors[0] == '\0') {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("none is shown here");
        ADVICE("%s", subject->virtual_machine
                         ? "Cannot be set in a virtual machine: the clock rate is the host's; "
                           "'frequency' tells how steady it is."
                         : "Nothing to set: the kernel has no driver for the clock rate.");
        return;
    }
    bool steady =
        strcmp(machine->governors, "performance") == 0 || strcmp(machine->governors, "userspace") == 0;
    finding->rating = steady ? TARE_RATING_FINE : TARE_RATING_HARMS;
    VALUE("%s%s%s%s", machine->governors, machine->frequency_driver[0] != '\0' ? " (driver " : "",
          machine->frequency_driver, machine->frequency_driver[0] != '\0' ? ")" : "");
    if (!steady && machine->performance_governor) {
        COMMAND("echo performance | sudo tee " CPU "cpufreq/policy*/scaling_governor");
    } else if (!steady) {
        ADVICE("The driver has no governor 'performance': let the program warm up, and repeat passes.");
    }
}

static void find_turbo(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("With it the clock rate depends on how warm the processor is and how many of its cores are busy.");
    if (machine->turbo < 0) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("no switch is shown here");
        ADVICE("%s", subject->virtual_machine
                         ? "Cannot be set in a virtual machine: it is the host's."
                         : "If the processor has it, the firmware's setup can switch it off.");
        return;
    }
    finding->rating = machine->turbo ? TARE_RATING_NOTE : TARE_RATING_FINE;
    VALUE("%s", machine->turbo ? "on" : "off");
    if (machine->turbo) {
        COMMAND("echo %d | sudo tee %s", machine->turbo_inverted, machine->turbo_file);
    }
}

/*
 * A spread of 1 % is what a steady clock shows under a timer that is good to some nanoseconds in 20 µs; over 5
 * %, differences that people look for drown.
 */
static void find_frequency(struct tare_finding *finding, const struct subject *subject)
{
    EFFECT("The time of one fixed chain of multiplications, over and over; what it varies by, all figures do.");
    const struct tare_wander *wander = subject->measured != NULL ? &subject->measured->wander : NULL;
    if (wander == NULL || isnan(wander->spread)) {
        not_measured(finding, subject);
        return;
    }
    char spread[32], start[32], seconds[32];
    finding->rating = wander->spread > 0.05 || fabs(wander->start) > 0.05   ? TARE_RATING_HARMS
                      : wander->spread > 0.01 || fabs(wander->start) > 0.01 ? TARE_RATING_NOTE
                                                                            : TARE_RATING_FINE;
    VALUE("wanders by %s (the middle 80 of 100) over %s", share_text(spread, wander->spread),
          time_text(seconds, wander->seconds * 1e9));
    if (fabs(wander->start) > 0.01) {
        VALUE(", first tenth %s %s", share_text(start, fabs(wander->start)),
              wander->start > 0 ? "slower" : "faster");
    }
    if (finding->rating != TARE_RATING_FINE) {
        ADVICE("Set the governor and turbo if they can be; else repeat passes and compare interleaved ones.");
    }
    figure(finding, "spread", wander->spread);
    figure(finding, "start", wander->start);
    figure(finding, "chain_median_ns", wander->median_ns);
    figure(finding, "chains", (double)wander->count);
}

static void find_heat(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_heat *heat = &subject->machine->heat;
    double throttled = subject->measured != NULL && subject->measured->load.seconds > 0
                           ? subject->measured->load.throttles
                           : NAN;
    EFFECT("At its limit the processor slows down, so what is measured later seems slower.");
    finding->rating = isnan(heat->celsius) && isnan(heat->throttles) ? TARE_RATING_UNKNOWN : TARE_RATING_FINE;
    if (isnan(heat->celsius)) {
        VALUE("no sensor is shown here");
    } else {
        VALUE("%.0f °C (%s)", heat->celsius, heat->sensor);
        if (!isnan(heat->limit_celsius)) {
            VALUE(", limit %.0f °C", heat->limit_celsius);
        }
        /* Sensors are good to a few degrees, and a busy processor gains ten within seconds. */
        if (heat->limit_celsius - heat->celsius < 10) {
            finding->rating = TARE_RATING_NOTE;
        }
    }
    if (heat->throttles > 0) {
        VALUE("; slowed down for heat %.0f times since boot", heat->throttles);
    }
    if (throttled > 0) {
        VALUE(", %.0f of them just now", throttled);
        finding->rating = TARE_RATING_HARMS;
    }
    if (finding->rating == TARE_RATING_UNKNOWN) {
        ADVICE("%s", subject->virtual_machine ? "Cannot be read in a virtual machine." : "");
    } else if (finding->rating != TARE_RATING_FINE) {
        ADVICE("Let it cool down, switch turbo off, or see to its cooling.");
    }
    figure(finding, "celsius", heat->celsius);
    figure(finding, "limit_celsius", heat->limit_celsius);
    figure(finding, "throttled_since_boot", heat->throttles);
    figure(finding, "throttled", throttled);
}

static void find_smt(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("Two processors of one core share its units and caches: each is slower while the other works.");
    if (machine->smt < 0) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
    } else if (machine->smt == 1) {
        finding->rating = TARE_RATING_NOTE;
        VALUE("on");
        ADVICE("Leave the other processor of the core idle (lscpu -e shows them), or for a while:");
        COMMAND("echo off | sudo tee " CPU "smt/control");
    } else {
        finding->rating = subject->virtual_machine ? TARE_RATING_UNKNOWN : TARE_RATING_FINE;
        VALUE("%s", subject->virtual_machine ? "none is shown here; the host may have it"
                    : strcmp(machine->smt_control, "notsupported") == 0 ? "the processor has none"
                                                                        : "off");
    }
}

static void find_isolated(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("Processors that the scheduler keeps free: on the others any thread may come in between.");
    if (!machine->isolated_known) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    bool some = machine->isolated[0] != '\0' || machine->tickless[0] != '\0';
    finding->rating = some ? TARE_RATING_FINE : TARE_RATING_NOTE;
    VALUE("%s", machine->isolated[0] != '\0' ? machine->isolated : "none");
    if (machine->tickless[0] != '\0') {
        VALUE(", without timer interrupts: %s", machine->tickless);
    }
    if (machine->isolated[0] != '\0') {
        ADVICE("Use them: tare run --pin N, with N one of these.");
    } else if (machine->online_count > 1) {
        ADVICE(
            "On the kernel's command line, for processor N: isolcpus=N nohz_full=N rcu_nocbs=N; then tare run "
            "--pin N.");
    } else {
        ADVICE("There is but one processor.");
    }
}

static void find_processors(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("Threads beyond their number wait for each other, and tare needs a little of one, too.");
    figure(finding, "online", machine->online_count > 0 ? machine->online_count : NAN);
    figure(finding, "allowed", machine->allowed_count > 0 ? machine->allowed_count : NAN);
    if (machine->online_count == 0 || machine->allowed_count == 0) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    finding->rating = machine->allowed_count == 1                      ? TARE_RATING_HARMS
                      : machine->allowed_count < machine->online_count ? TARE_RATING_NOTE
                                                                       : TARE_RATING_FINE;
    VALUE("%s allowed of %s", machine->allowed, machine->online);
    if (machine->allowed_count < machine->online_count) {
        ADVICE("Set by taskset, the cpuset of a cgroup or the container (docker run --cpuset-cpus).");
    }
}

static void find_quota(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    const struct tare_quota *quota = &machine->quota;
    double throttled = subject->measured != NULL && subject->measured->load.seconds > 0
                           ? subject->measured->load.throttled
                           : NAN;
    EFFECT("A cgroup that has used its quota stands still until the period is over: a gap in whatever is "
           "measured.");
    figure(finding, "quota_cpus", quota->cpus);
    figure(finding, "period_s", quota->period_s);
    figure(finding, "throttled", throttled);
    if (isnan(quota->cpus)) {
        finding->rating = quota->known ? TARE_RATING_FINE : TARE_RATING_UNKNOWN;
        VALUE("%s", quota->known ? "none" : "no cgroup is shown here that could have one");
        return;
    }
    char period[32];
    finding->rating = quota->cpus < 1 || throttled > 0                                      ? TARE_RATING_HARMS
                      : machine->allowed_count > 0 && quota->cpus >= machine->allowed_count ? TARE_RATING_FINE
                                                                                            : TARE_RATING_NOTE;
    VALUE("%.4g processors in periods of %s", quota->cpus, time_text(period, quota->period_s * 1e9));
    if (throttled > 0) {
        VALUE("; held back %.0f times just now", throttled);
    }
    if (finding->rating != TARE_RATING_FINE) {
        ADVICE("A container's is set from outside (docker run --cpus); a cgroup's of your own:");
        COMMAND("echo %s | sudo tee %s", quota->is_v2 ? "max" : "-1", quota->file);
    }
}

/*
 * With less than a processor idle, the measured program competes from its first thread on; a tenth of a machine
 * busy is caches and memory that are shared with strangers.
 */
static void find_load(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_load *load = subject->measured != NULL ? &subject->measured->load : NULL;
    EFFECT("Others take processors, caches, memory and clock rate, and differ from one minute to the next.");
    if (load == NULL || !(load->seconds > 0)) {
        not_measured(finding, subject);
        return;
    }
    double count = subject->machine->online_count;
    figure(finding, "others_cpus", load->others_cpus);
    figure(finding, "resolution_cpus", load->resolution_cpus);
    figure(finding, "seconds", load->seconds);
    if (isnan(load->others_cpus) || count == 0) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    double busy = load->others_cpus;
    finding->rating = busy <= load->resolution_cpus               ? TARE_RATING_FINE
                      : busy > 0.1 * count || count - busy < 0.95 ? TARE_RATING_HARMS
                      : busy > 0.02 * count                       ? TARE_RATING_NOTE
                                                                  : TARE_RATING_FINE;
    if (busy <= load->resolution_cpus) {
        VALUE("none seen (within %.2g of %.0f processors)", load->resolution_cpus, count);
    } else {
        VALUE("%.2f (± %.2g) of %.0f processors", busy, load->resolution_cpus, count);
    }
    for (size_t i = 0; i < load->top_count && finding->rating != TARE_RATING_FINE; i++) {
        const struct tare_load_process *process = &load->top[i];
        VALUE("%s%s (%d) %.2f%s", i == 0 ? ": " : ", ", process->name, (int)process->pid,
              process->cpus + process->children_cpus,
              process->children_cpus > process->cpus ? " with children" : "");
    }
    double unnamed = busy - load->named_cpus;
    if (finding->rating != TARE_RATING_FINE && unnamed > load->resolution_cpus) {
        VALUE("%s%.2f by interrupts and by what began and ended meanwhile", load->top_count > 0 ? ", " : ": ",
              unnamed);
    }
    if (finding->rating != TARE_RATING_FINE) {
        ADVICE("End what need not run, or measure when it does not.");
    }
}

static void describe_gaps(struct tare_finding *finding, const struct tare_gaps *gaps)
{
    char p99[32], longest[32], lost[32];
    if (gaps->count == 0) {
        VALUE("none");
    } else {
        VALUE("p99 %s, max %s, %s of the time (%.0f/s)", time_text(p99, gaps->p99_ns),
              time_text(longest, gaps->max_ns), share_text(lost, gaps->lost_share),
              (double)gaps->count / gaps->seconds);
    }
}

/* 2345 as 2300: more digits would be a claim. */
static double two_digits(double value)
{
    double unit = pow(10, floor(log10(value)) - 1);
    return round(value / unit) * unit;
}

/* Gaps of a tenth of a millisecond are more than timer interrupts: somebody else ran. */
static void find_interruptions(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_measured *measured = subject->measured;
    if (measured == NULL || !(measured->bound.seconds > 0 || measured->loose.seconds > 0)) {
        EFFECT(
            "Timer and device interrupts, other threads and the host make a scope that they fall into longer.");
        not_measured(finding, subject);
        return;
    }
    const struct tare_gaps *gaps = measured->bound.seconds > 0 ? &measured->bound : &measured->loose;
    finding->rating = rate_share(gaps->lost_share);
    if (gaps->max_ns > 100000) {
        finding->rating = worse(finding->rating, TARE_RATING_NOTE);
    }
    describe_gaps(finding, gaps);
    if (gaps->cpu >= 0) {
        VALUE(" on processor %d", gaps->cpu);
    }
    if (gaps == &measured->bound && measured->loose.seconds > 0) {
        VALUE("; not bound to it: ");
        describe_gaps(finding, &measured->loose);
        VALUE(", %u moves", measured->loose.migrations);
    }
    if (gaps->count > 0) {
        EFFECT("One scope of 1 µs in about %.0f is longer by a gap: means and maxima suffer, medians do not.",
               two_digits(fmax(1, gaps->seconds * 1e6 / (double)gaps->count)));
    }
    for (size_t i = 0; i < measured->interrupt_count && gaps == &measured->bound; i++) {
        EFFECT("%s%s %.0f/s%s", i == 0 ? " Interrupts: " : ", ", measured->interrupts[i].name,
               (double)measured->interrupts[i].count / gaps->seconds,
               i + 1 == measured->interrupt_count ? "." : "");
    }
    if (finding->rating != TARE_RATING_FINE) {
        ADVICE("Bind the program to a processor that is kept free ('isolated CPUs'), and repeat passes.");
    }
    figure(finding, "gaps", (double)gaps->count);
    figure(finding, "seconds", gaps->seconds);
    figure(finding, "p50_ns", gaps->p50_ns);
    figure(finding, "p99_ns", gaps->p99_ns);
    figure(finding, "max_ns", gaps->max_ns);
    figure(finding, "lost_share", gaps->lost_share);
    figure(finding, "loose_p99_ns",
           gaps == &measured->bound && measured->loose.seconds > 0 ? measured->loose.p99_ns : NAN);
    figure(finding, "loose_max_ns",
           gaps == &measured->bound && measured->loose.seconds > 0 ? measured->loose.max_ns : NAN);
    figure(finding, "loose_lost_share",
           gaps == &measured->bound && measured->loose.seconds > 0 ? measured->loose.lost_share : NAN);
    figure(finding, "threshold_ns", gaps->threshold_ns);
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
        size_t next = strcspn(at, " ");
        if (next == length && strncmp(at, word, length) == 0) {
            return true;
        }
        at += next;
    }
    return false;
}

/* Sources that are read without a system call (vDSO): arch/x86/entry/vdso, arch/arm64/kernel/vdso. */
static void find_clocksource(struct tare_finding *finding, const struct subject *subject)
{
    const char *name = subject->machine->environment.clocksource;
    const struct tare_measured *measured = subject->measured;
    static const char *const best[] = {"tsc", "arch_sys_counter"};
    static const char *const good[] = {"kvm-clock", "hyperv_clocksource_tsc_page"};
    EFFECT("Each reading costs this. tare subtracts it, but what is much shorter cannot be resolved.");
    finding->rating = name == NULL ? TARE_RATING_UNKNOWN : TARE_RATING_HARMS;
    for (size_t i = 0; i < 2 && name != NULL; i++) {
        finding->rating = strcmp(name, best[i]) == 0   ? TARE_RATING_FINE
                          : strcmp(name, good[i]) == 0 ? TARE_RATING_NOTE
                                                       : finding->rating;
    }
    VALUE("%s", name != NULL ? name : "not told here");
    double clock = NAN, timer = NAN;
    if (measured != NULL && measured->clock.batches > 0) {
        char text[32];
        clock = measured->clock.median_ns;
        VALUE("; clock_gettime %s", time_text(text, clock));
        if (clock > 250) { /* a system call, then, whatever its name: the vDSO takes 20 to 60 ns */
            finding->rating = worse(finding->rating, TARE_RATING_NOTE);
        }
    }
    if (measured != NULL && measured->timer.batches > 0) {
        char text[32];
        timer = measured->timer.median_ns;
        VALUE(", %s %s", measured->timer_name, time_text(text, timer));
    }
    if (finding->rating == TARE_RATING_NOTE || finding->rating == TARE_RATING_HARMS) {
        if (has_word(subject->machine->clocksources, "tsc") && strcmp(name, "tsc") != 0) {
            ADVICE("Where the kernel has left the counter for a reason (see dmesg), leave it at that; else:");
            COMMAND("echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource");
        } else {
            ADVICE("The kernel offers nothing better here; dmesg may tell why.");
        }
    }
    figure(finding, "clock_gettime_ns", clock);
    figure(finding, "timer_ns", timer);
}

static void find_mitigations(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    const struct tare_measured *measured = subject->measured;
    finding->rating = machine->weaknesses == 0       ? TARE_RATING_UNKNOWN
                      : machine->mitigated_count > 0 ? TARE_RATING_NOTE
                                                     : TARE_RATING_FINE;
    if (machine->weaknesses == 0) {
        VALUE("not told here");
    } else {
        VALUE("%u of %u known weaknesses worked around%s%s", machine->mitigated_count, machine->weaknesses,
              machine->mitigated_count > 0 ? ": " : "", machine->mitigated);
    }
    if (machine->open_to[0] != '\0') {
        VALUE("; open: %s", machine->open_to);
    }
    if (machine->mitigations[0] != '\0') {
        VALUE("; mitigations=%s", machine->mitigations);
    }
    double cost = NAN;
    if (measured != NULL && measured->system_call.batches > 0) {
        char text[32];
        cost = measured->system_call.median_ns;
        EFFECT(
            "A system call costs %s here, with them as they are (getppid); they slow down indirect calls, too.",
            time_text(text, cost));
    } else {
        EFFECT("They make system calls and indirect calls slower.");
    }
    if (finding->rating == TARE_RATING_NOTE) {
        ADVICE("Compare only results with the same ones. They go with mitigations=off on the kernel's command "
               "line, "
               "and with them what they protect.");
    }
    figure(finding, "system_call_ns", cost);
}

static void find_aslr(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("Code, stack and heap lie elsewhere in each pass and meet other conflicts in caches and predictors: "
           "passes differ more than within themselves.");
    if (machine->aslr < 0) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    finding->rating = machine->aslr_here ? TARE_RATING_NOTE : TARE_RATING_FINE;
    VALUE("%s", machine->aslr_here  ? "on"
                : machine->aslr > 0 ? "off for this process and what it starts"
                                    : "off");
    if (machine->aslr_here) {
        ADVICE(
            "Many passes (--repeat) average over it. To hold it for one program, and not for all, which would "
            "leave them less safe:");
        COMMAND("setarch -R tare run PROGRAM");
    }
}

static void find_huge_pages(struct tare_finding *finding, const struct subject *subject)
{
    const char *choice = subject->machine->huge_pages;
    EFFECT(
        "Given to all, they depend on how the memory is cut up at the moment; the kernel also makes them while "
        "programs run.");
    if (choice[0] == '\0') {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    bool always = strcmp(choice, "always") == 0;
    finding->rating = always ? TARE_RATING_NOTE : TARE_RATING_FINE;
    VALUE("%s", choice);
    if (always) {
        COMMAND("echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
    }
}

static void find_nmi_watchdog(struct tare_finding *finding, const struct subject *subject)
{
    int on = subject->machine->nmi_watchdog;
    EFFECT("It takes one of the processor's few counters, and an interrupt every few seconds.");
    finding->rating = on < 0 ? TARE_RATING_UNKNOWN : on > 0 ? TARE_RATING_NOTE : TARE_RATING_FINE;
    VALUE("%s", on < 0 ? "not told here" : on > 0 ? "on" : "off");
    if (on > 0) {
        COMMAND("sudo sysctl kernel.nmi_watchdog=0");
    }
}

static void find_numa_balancing(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_machine *machine = subject->machine;
    EFFECT("The kernel takes pages away to see who uses them, and moves them: page faults that are not the "
           "program's.");
    if (machine->nodes == 1) {
        finding->rating = TARE_RATING_FINE;
        VALUE("one node: nothing to balance");
        return;
    }
    int on = machine->numa_balancing;
    finding->rating = on < 0 ? TARE_RATING_UNKNOWN : on > 0 ? TARE_RATING_NOTE : TARE_RATING_FINE;
    VALUE("%s", on < 0 ? "not told here" : on > 0 ? "on" : "off");
    if (machine->nodes > 1) {
        VALUE(", %u nodes", (unsigned)machine->nodes);
    }
    if (on > 0 && machine->nodes > 1) {
        COMMAND("sudo sysctl kernel.numa_balancing=0");
    }
}

static bool is_refused(int result)
{
    return result == -EACCES || result == -EPERM;
}

/* Why a counter is not to be had. */
static const char *reason(int result)
{
    switch (-result) {
    case 0:
        return "yes";
    case EACCES:
    case EPERM:
        return "not permitted to this user";
    case ENODATA:
        return "opens, and stays at 0";
    case ENOSYS:
        return "no perf_event_open here";
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EOPNOTSUPP:
        return "not on this machine";
    default:
        return strerror(-result);
    }
}

static void find_paranoid(struct tare_finding *finding, const struct subject *subject)
{
    int level = subject->machine->perf_event_paranoid;
    const struct tare_counters *counters = subject->counters;
    EFFECT("%s",
           level > 2 ? "Ordinary users may not count events at all."
           : level == 2
               ? "Ordinary users may count events of their programs, but not of the kernel's part in them."
               : "Who may count events, of what.");
    if (level == TARE_UNKNOWN) {
        finding->rating = TARE_RATING_UNKNOWN;
        VALUE("not told here");
        return;
    }
    finding->rating = is_refused(counters->cycles) ? TARE_RATING_HARMS
                      : level > 1                  ? TARE_RATING_NOTE
                                                   : TARE_RATING_FINE;
    VALUE("%d; this user: %s", level,
          is_refused(counters->cycles)          ? "nothing"
          : is_refused(counters->kernel_cycles) ? "its programs, without the kernel"
                                                : "programs and kernel");
    if (level > 1) {
        COMMAND("sudo sysctl kernel.perf_event_paranoid=1");
    } else if (finding->rating == TARE_RATING_HARMS) {
        ADVICE("A filter refuses it, as containers have them (docker run --security-opt seccomp=...).");
    }
    figure(finding, "level", level);
}

static void find_counters(struct tare_finding *finding, const struct subject *subject)
{
    const struct tare_counters *counters = subject->counters;
    EFFECT(
        "Cycles and instructions tell whether the code or the machine has changed; without them there is time "
        "alone.");
    bool some = counters->cycles == 0 || counters->instructions == 0;
    finding->rating =
        counters->cycles == 0 && counters->instructions == 0 ? TARE_RATING_FINE : TARE_RATING_NOTE;
    if (counters->cycles == counters->instructions) {
        VALUE("cycles, instructions: %s", reason(counters->cycles));
    } else {
        VALUE("cycles: %s, instructions: %s", reason(counters->cycles), reason(counters->instructions));
    }
    if (some && counters->kernel_cycles != 0) {
        VALUE("; the kernel's: %s", reason(counters->kernel_cycles));
    }
    VALUE("; units: %s", counters->units[0] != '\0' ? counters->units : "none");
    if (finding->rating != TARE_RATING_FINE && !is_refused(counters->cycles)) {
        ADVICE("%s", subject->virtual_machine
                         ? "A virtual machine has them if the host passes them on (QEMU: -cpu host,pmu=on)."
                         : "The kernel may lack the driver for this processor.");
    }
}

static void find_branch_stack(struct tare_finding *finding, const struct subject *subject)
{
    int result = subject->counters->branch_stack;
    EFFECT("The last branches before a sample (LBR): call paths and block times without changing the program.");
    finding->rating = result == 0 ? TARE_RATING_FINE : TARE_RATING_NOTE;
    VALUE("%s", reason(result));
    if (result != 0 && !is_refused(result)) {
        ADVICE("%s", subject->virtual_machine
                         ? "Few hosts pass them on; bare metal has them."
                         : "Intel since Nehalem and AMD since Zen 3 have them; the kernel must, too.");
    }
}

static const struct {
    const char *name;
    void (*find)(struct tare_finding *finding, const struct subject *subject);
} finders[] = {
    {"other load", find_load},
    {"interruptions", find_interruptions},
    {"steal", find_steal},
    {"frequency", find_frequency},
    {"governor", find_governor},
    {"turbo", find_turbo},
    {"temperature", find_heat},
    {"virtualization", find_virtualization},
    {"SMT", find_smt},
    {"isolated CPUs", find_isolated},
    {"CPU set", find_processors},
    {"cgroup quota", find_quota},
    {"clocksource", find_clocksource},
    {"mitigations", find_mitigations},
    {"ASLR", find_aslr},
    {"huge pages", find_huge_pages},
    {"NMI watchdog", find_nmi_watchdog},
    {"NUMA balancing", find_numa_balancing},
    {"perf paranoid", find_paranoid},
    {"PMU", find_counters},
    {"LBR", find_branch_stack},
};

/* What harms most stands first: it stops a program for milliseconds, then slows it down, then hides things. */
static const char *const order[] = {
    "cgroup quota", "other load", "steal",     "CPU set",     "interruptions",
    "temperature",  "governor",   "frequency", "clocksource", "perf paranoid",
};

void tare_measured_init(struct tare_measured *measured)
{
    memset(measured, 0, sizeof *measured);
    struct tare_gaps gaps = {.cpu = -1, .p50_ns = NAN, .p99_ns = NAN, .max_ns = NAN, .lost_share = NAN};
    gaps.step_ns = gaps.threshold_ns = NAN;
    measured->bound = measured->loose = gaps;
    measured->wander =
        (struct tare_wander){.p10_ns = NAN, .median_ns = NAN, .p90_ns = NAN, .spread = NAN, .start = NAN};
    measured->system_call = measured->clock = measured->timer = (struct tare_call_cost){NAN, NAN, 0};
    measured->timer_name = "";
    measured->load = (struct tare_load){.others_cpus = NAN, .resolution_cpus = NAN, .steal_share = NAN};
    measured->load.throttled = measured->load.throttles = NAN;
}

void tare_findings_make(struct tare_findings *findings, const struct tare_machine *machine,
                        const struct tare_counters *counters, const struct tare_measured *measured)
{
    const char *virtualization = machine->environment.virtualization;
    const struct subject subject = {
        .machine = machine,
        .counters = counters,
        .measured = measured,
        .virtual_machine = virtualization != NULL && strcmp(virtualization, "none") != 0,
    };
    memset(findings, 0, sizeof *findings);
    _Static_assert(sizeof finders / sizeof finders[0] <= sizeof findings->list / sizeof findings->list[0],
                   "room for all findings");
    for (size_t i = 0; i < sizeof finders / sizeof finders[0]; i++) {
        struct tare_finding *finding = &findings->list[findings->count++];
        finding->name = finders[i].name;
        finders[i].find(finding, &subject);
    }
}

const char *tare_rating_name(enum tare_rating rating)
{
    static const char *const names[] = {"fine", "note", "harms", "unknown"};
    return names[rating];
}

size_t tare_findings_count(const struct tare_findings *findings, enum tare_rating rating)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        count += findings->list[i].rating == rating;
    }
    return count;
}

const struct tare_finding *tare_findings_first(const struct tare_findings *findings)
{
    const struct tare_finding *any = NULL;
    for (size_t place = 0; place < sizeof order / sizeof order[0]; place++) {
        for (size_t i = 0; i < findings->count; i++) {
            if (findings->list[i].rating == TARE_RATING_HARMS) {
                any = any != NULL ? any : &findings->list[i];
                if (strcmp(findings->list[i].name, order[place]) == 0) {
                    return &findings->list[i];
                }
            }
        }
    }
    return any;
}
