/* SPDX-License-Identifier: MIT */
/*
 * Reads what identifies the machine from uname, small files of /proc, /sys and /etc, CPUID and git. Each item
 * stands alone: one that is missing or odd leaves its field unknown and does not disturb the others. Reads are
 * bounded, because in containers and under emulators these files are whatever somebody made them.
 */
#include "record/environment.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "record/ci.h"
#include "record/clean.h"
#include "record/files.h"
#include "record/git.h"

enum {
    FILE_MAX = 64 * 1024, /* of a file; the first processor's part of /proc/cpuinfo takes under 4 KiB */
    TEXT_MAX = 256,       /* of a field */
    GIT_LIMIT_MS = 2000,  /* for each of two runs: as long as a user waits for a result without wondering */
    PARTS_MAX = 4,        /* kinds of processor in one machine; two or three are seen in telephones */
};

/*
 * Sets *field to a cleaned copy of the text, of TEXT_MAX bytes at most and without blanks at its ends, if any
 * is left.
 */
static int set_text(char **field, const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    size_t length = strcspn(text, "\n");
    if (length > TEXT_MAX) {
        length = TEXT_MAX;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) { /* not within a UTF-8 sequence */
            length--;
        }
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r')) {
        length--;
    }
    if (length == 0) {
        return 0;
    }
    *field = strndup(text, length);
    if (*field == NULL) {
        return -ENOMEM;
    }
    tare__clean_text(*field);
    return 0;
}

/* The value of the first line "key<blanks>:value" of a file like /proc/cpuinfo, from `text` on; NULL: none. */
static const char *find_value(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, length) == 0) {
            const char *after = line + length + strspn(line + length, " \t");
            if (*after == ':') {
                return after + 1;
            }
        }
        line = strchr(line, '\n');
        if (line != NULL) {
            line++;
        }
    }
    return NULL;
}

/* Designs of aarch64 processors, by the implementer and part of MIDR_EL1. */
static const struct part {
    unsigned implementer;
    unsigned part;
    const char *name;
} parts[] = {
    {0x41, 0xd03, "Cortex-A53"},
    {0x41, 0xd04, "Cortex-A35"},
    {0x41, 0xd05, "Cortex-A55"},
    {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},
    {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},
    {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd0d, "Cortex-A77"},
    {0x41, 0xd40, "Neoverse-V1"},
    {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd44, "Cortex-X1"},
    {0x41, 0xd46, "Cortex-A510"},
    {0x41, 0xd47, "Cortex-A710"},
    {0x41, 0xd48, "Cortex-X2"},
    {0x41, 0xd49, "Neoverse-N2"},
    {0x41, 0xd4a, "Neoverse-E1"},
    {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},
    {0x41, 0xd4f, "Neoverse-V2"},
    {0x41, 0xd80, "Cortex-A520"},
    {0x41, 0xd81, "Cortex-A720"},
    {0x43, 0x0af, "ThunderX2"},
    {0x46, 0x001, "A64FX"},
    {0x48, 0xd01, "Kunpeng-920"},
    {0x61, 0x022, "Apple M1 Icestorm"},
    {0x61, 0x023, "Apple M1 Firestorm"},
    {0x61, 0x032, "Apple M2 Blizzard"},
    {0x61, 0x033, "Apple M2 Avalanche"},
    {0xc0, 0xac3, "Ampere-1"},
};

/* Appends the name of a part to `text`, unless it is there already. */
static void append_part(char *text, size_t size, unsigned implementer, unsigned part)
{
    char name[64];
    snprintf(name, sizeof name, "implementer 0x%02x part 0x%03x", implementer, part);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].implementer == implementer && parts[i].part == part) {
            snprintf(name, sizeof name, "%s", parts[i].name);
        }
    }
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used > 0 ? " + " : "", name);
}

/* "CPU implementer" and "CPU part" of each processor; those that occur, each once. */
static int read_arm_model(char **field, const char *cpuinfo)
{
    struct part seen[PARTS_MAX];
    size_t seen_count = 0;
    char text[PARTS_MAX * 72] = "";
    const char *at = cpuinfo;
    while (seen_count < PARTS_MAX && (at = find_value(at, "CPU implementer")) != NULL) {
        /* The part belongs to the same processor only if the next implementer comes after it. */
        const char *part_at = find_value(at, "CPU part");
        const char *next = find_value(at, "CPU implementer");
        if (part_at == NULL || (next != NULL && next < part_at)) {
            continue;
        }
        char *end;
        char *part_end;
        unsigned long implementer = strtoul(at, &end, 0);
        unsigned long part = strtoul(part_at, &part_end, 0);
        if (end == at || part_end == part_at || implementer > 0xff || part > 0xfff) {
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < seen_count; i++) {
            known = known || (seen[i].implementer == implementer && seen[i].part == part);
        }
        if (!known) {
            seen[seen_count++] = (struct part){(unsigned)implementer, (unsigned)part, NULL};
            append_part(text, sizeof text, (unsigned)implementer, (unsigned)part);
        }
    }
    return set_text(field, text);
}

static int read_cpu_model(char **field, const char *root)
{
    char *text = malloc(FILE_MAX);
    if (text == NULL) {
        return -ENOMEM;
    }
    int result = 0;
    if (tare__file_read(root, "/proc/cpuinfo", text, FILE_MAX) > 0) {
        const char *model = find_value(text, "model name");
        result = model != NULL ? set_text(field, model) : read_arm_model(field, text);
    }
    free(text);
    return result;
}

static uint32_t read_cpu_count(const char *root)
{
    char text[4096];
    if (tare__file_read(root, "/sys/devices/system/cpu/online", text, sizeof text) > 0) {
        return tare__list_count(text);
    }
    long online = root[0] == '\0' ? sysconf(_SC_NPROCESSORS_ONLN) : 0;
    return online > 0 ? (uint32_t)online : 0;
}

static double read_memory_bytes(const char *root)
{
    char text[4096];
    if (tare__file_read(root, "/proc/meminfo", text, sizeof text) <= 0) {
        return NAN;
    }
    const char *value = find_value(text, "MemTotal");
    if (value == NULL) {
        return NAN;
    }
    value += strspn(value, " \t");
    char *end;
    unsigned long long kibibytes = *value >= '0' && *value <= '9' ? strtoull(value, &end, 10) : 0;
    if (kibibytes == 0 || strncmp(end, " kB", 3) != 0) {
        return NAN;
    }
    return (double)kibibytes * 1024;
}

/* Undoes the quotes of a shell assignment, up to the end of the line, in place. */
static void unquote(char *text)
{
    char *out = text;
    char quote = '\0';
    for (const char *at = text; *at != '\0' && *at != '\n'; at++) {
        if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (quote != '\0' && *at == quote) {
            quote = '\0';
        } else if (*at == '\\' && quote != '\'' && at[1] != '\0' && at[1] != '\n') {
            *out++ = *++at;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
}

static int read_os(char **field, const char *root)
{
    char text[8192];
    ssize_t got = tare__file_read(root, "/etc/os-release", text, sizeof text);
    if (got <= 0) {
        got = tare__file_read(root, "/usr/lib/os-release", text, sizeof text);
    }
    for (char *line = got > 0 ? text : NULL; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "PRETTY_NAME=", 12) == 0) {
            unquote(line + 12);
            return set_text(field, line + 12);
        }
    }
    return 0;
}

/* The one that this command itself runs with. */
static int read_libc(char **field)
{
#if defined(__GLIBC__)
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
    return set_text(field, text);
#elif defined(__linux__) && !defined(__UCLIBC__) && !defined(__BIONIC__)
    return set_text(field, "musl"); /* which has no macro of its own, on purpose */
#else
    (void)field;
    return 0;
#endif
}

static int read_line(char **field, const char *root, const char *name)
{
    char text[TEXT_MAX];
    if (tare__file_read(root, name, text, sizeof text) <= 0) {
        return 0;
    }
    return set_text(field, text);
}

#if defined(__x86_64__) || defined(__i386__)
/* What hypervisors write into CPUID leaf 0x40000000. */
static const struct hypervisor {
    char vendor[13];
    const char *name;
} hypervisors[] = {
    {"KVMKVMKVM\0\0\0", "KVM"}, {"Linux KVM Hv", "KVM"},        {"VMwareVMware", "VMware"},
    {"XenVMMXenVMM", "Xen"},    {"VBoxVBoxVBox", "VirtualBox"}, {"TCGTCGTCGTCG", "QEMU"},
    {"bhyve bhyve ", "bhyve"},  {" lrpepyh  vr", "Parallels"},  {"prl hyperv  ", "Parallels"},
    {"ACRNACRNACRN", "ACRN"},   {"Microsoft Hv", "Hyper-V"},
};

static const char *hypervisor_at(unsigned leaf, char vendor[13])
{
    unsigned eax;
    unsigned word[3];
    __cpuid(leaf, eax, word[0], word[1], word[2]);
    (void)eax;
    memcpy(vendor, word, 12);
    vendor[12] = '\0';
    for (size_t i = 0; i < sizeof hypervisors / sizeof hypervisors[0]; i++) {
        if (memcmp(vendor, hypervisors[i].vendor, 12) == 0) {
            return hypervisors[i].name;
        }
    }
    return NULL;
}

static int read_virtualization(char **field, const char *root)
{
    (void)root;
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) {
        return 0;
    }
    if ((ecx >> 31 & 1) == 0) {
        return set_text(field, "none");
    }
    char vendor[13];
    const char *name = hypervisor_at(0x40000000, vendor);
    /* KVM and Xen can show Hyper-V's interface first, for Windows, and then their own 0x100 further. */
    char second[13];
    if (name != NULL && strcmp(name, "Hyper-V") == 0) {
        const char *behind = hypervisor_at(0x40000100, second);
        name = behind != NULL ? behind : name;
    }
    if (name == NULL) {
        name = vendor[strspn(vendor, " ")] != '\0' ? vendor : "unnamed hypervisor";
    }
    return set_text(field, name);
}
#else
/* The device tree names the hypervisor only where there is one, so its absence says nothing. */
static int read_virtualization(char **field, const char *root)
{
    char text[TEXT_MAX];
    if (tare__file_read(root, "/proc/device-tree/hypervisor/compatible", text, sizeof text) <= 0) {
        return 0;
    }
    const char *name = text;
    if (strcmp(text, "linux,kvm") == 0) {
        name = "KVM";
    } else if (strncmp(text, "xen", 3) == 0) {
        name = "Xen";
    } else if (strncmp(text, "vmware", 6) == 0) {
        name = "VMware";
    }
    return set_text(field, name);
}
#endif

static int read_uname(struct tare_environment *env)
{
    struct utsname names;
    if (uname(&names) != 0) {
        return 0;
    }
    int result = set_text(&env->host, names.nodename);
    if (result == 0) {
        result = set_text(&env->machine, names.machine);
    }
    if (result == 0) {
        result = set_text(&env->kernel, names.release);
    }
    return result;
}

static void set_unknown(struct tare_environment *env)
{
    memset(env, 0, sizeof *env);
    env->memory_bytes = NAN;
    env->commit_dirty = -1;
    env->commit_time_s = NAN;
}

/* The commit and the branch, and what a CI service says of these. */
static int read_git(struct tare_environment *env, const char *directory)
{
    struct tare__git_state state;
    int result = tare__git_state(directory, GIT_LIMIT_MS, &state);
    if (result != 0 || state.head.id == NULL) {
        return result;
    }
    env->commit = state.head.id;
    env->commit_dirty = state.dirty;
    env->commit_parents = state.head.parents;
    env->commit_time_s = state.head.time_s != INT64_MIN ? (double)state.head.time_s : NAN;
    env->commit_subject = state.head.subject;
    env->branch = state.branch;
    if (env->branch == NULL) { /* CI services check a commit out, and no branch */
        result = tare__ci_branch(&env->branch);
    }
    return result != 0 ? result : tare__ci_job_link(&env->job_link);
}

int tare_environment_read_at(struct tare_environment *env, const char *root, const char *directory)
{
    set_unknown(env);
    int result = read_uname(env);
    if (result != 0 || (result = read_cpu_model(&env->cpu_model, root)) != 0) {
        goto out;
    }
    env->cpu_count = read_cpu_count(root);
    env->memory_bytes = read_memory_bytes(root);
    if ((result = read_os(&env->os, root)) != 0 || (result = read_libc(&env->libc)) != 0) {
        goto out;
    }
    result =
        read_line(&env->clocksource, root, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (result != 0) {
        goto out;
    }
    result = read_line(&env->governor, root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (result != 0 || (result = read_virtualization(&env->virtualization, root)) != 0) {
        goto out;
    }
    if (directory != NULL) {
        result = read_git(env, directory);
    }
out:
    if (result != 0) {
        tare_environment_release(env);
    }
    return result;
}

int tare_environment_read(struct tare_environment *env, const char *directory)
{
    return tare_environment_read_at(env, "", directory);
}

void tare_environment_release(struct tare_environment *env)
{
    free(env->host);
    free(env->machine);
    free(env->cpu_model);
    free(env->kernel);
    free(env->os);
    free(env->libc);
    free(env->clocksource);
    free(env->governor);
    free(env->virtualization);
    free(env->commit);
    free(env->commit_parents);
    free(env->commit_subject);
    free(env->branch);
    free(env->job_link);
    set_unknown(env);
}
