/* SPDX-License-Identifier: MIT */
/*
 * Reading the parts of the fingerprint. Each is written such that it stays the same from one boot to the next
 * as long as nothing was changed, and such that a person who is shown two of them sees what was.
 */
#include "record/fingerprint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "record/clean.h"
#include "record/files.h"

#define CPU_FOLDER "/sys/devices/system/cpu/"

enum {
    LINE_BYTES = 512,
    CPUINFO_BYTES = 8 * 1024, /* the first processor's part of /proc/cpuinfo takes under 4 KiB */
    PATH_BYTES = 256,
    POLICIES_MAX = 1024, /* groups of processors with one frequency */
    GOVERNOR_BYTES = 128,
    GOVERNORS_MAX = 8,  /* different ones in one machine */
    MEMORY_STEPS = 8,   /* see set_memory() */
    DETAILS_DIGITS = 8, /* of the hash of what the kernel says of its mitigations */
};

static const struct {
    const char *name;
    enum tare_fingerprint_kind kind;
} parts[TARE_FINGERPRINT_PARTS] = {
    [TARE_FINGERPRINT_MACHINE] = {"machine", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_CPU_MODEL] = {"cpu_model", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_MICROCODE] = {"microcode", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_CPU_COUNT] = {"cpu_count", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_SMT] = {"smt", TARE_FINGERPRINT_SETTING},
    [TARE_FINGERPRINT_KERNEL] = {"kernel", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_MITIGATIONS] = {"mitigations", TARE_FINGERPRINT_SETTING},
    [TARE_FINGERPRINT_GOVERNOR] = {"governor", TARE_FINGERPRINT_SETTING},
    [TARE_FINGERPRINT_TURBO] = {"turbo", TARE_FINGERPRINT_SETTING},
    [TARE_FINGERPRINT_VIRTUALIZATION] = {"virtualization", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_MEMORY] = {"memory", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_LIBC] = {"libc", TARE_FINGERPRINT_IDENTITY},
    [TARE_FINGERPRINT_CLOCKSOURCE] = {"clocksource", TARE_FINGERPRINT_SETTING},
    [TARE_FINGERPRINT_TARE_VERSION] = {"tare_version", TARE_FINGERPRINT_MEASUREMENT},
    [TARE_FINGERPRINT_SETTINGS] = {"settings", TARE_FINGERPRINT_MEASUREMENT},
};

const char *tare_fingerprint_name(enum tare_fingerprint_part part)
{
    return parts[part].name;
}

enum tare_fingerprint_kind tare_fingerprint_kind(enum tare_fingerprint_part part)
{
    return parts[part].kind;
}

/* The one being filled; after an error, nothing more is put in. */
struct filling {
    struct tare_fingerprint *fingerprint;
    const char *root;
    int error;
};

/* NULL and "" leave the part unknown. */
static void set(struct filling *f, enum tare_fingerprint_part part, const char *text)
{
    if (f->error != 0 || text == NULL || *text == '\0') {
        return;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        f->error = -ENOMEM;
        return;
    }
    tare__clean_text(copy);
    f->fingerprint->parts[part] = copy;
}

/* One of two words by whether a file holds 0 or 1. Returns whether it did. */
static bool set_switch(struct filling *f, enum tare_fingerprint_part part, const char *file,
                       const char *at_zero, const char *at_one)
{
    long long value;
    if (tare__file_number(f->root, file, &value) != 0 || value < 0 || value > 1) {
        return false;
    }
    set(f, part, value == 0 ? at_zero : at_one);
    return true;
}

/* What /proc/cpuinfo says of the first processor; they all have to run the same. */
static void set_microcode(struct filling *f)
{
    static const char key[] = "\nmicrocode";
    char text[CPUINFO_BYTES];
    tare__file_read(f->root, "/proc/cpuinfo", text, sizeof text);
    char *line = strstr(text, key);
    char *value = line != NULL ? line + strlen(key) + strspn(line + strlen(key), " \t") : NULL;
    if (value != NULL && *value == ':') {
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, " \t\r\n")] = '\0';
        set(f, TARE_FINGERPRINT_MICROCODE, value);
    }
}

static void set_cpu_count(struct filling *f, uint32_t count)
{
    char text[16];
    snprintf(text, sizeof text, "%u", count);
    set(f, TARE_FINGERPRINT_CPU_COUNT, count != 0 ? text : NULL);
}

/*
 * The release alone can be that of several builds: distributions keep it while the interfaces of modules
 * last.
 */
static void set_kernel(struct filling *f, const char *release)
{
    struct utsname names;
    char text[sizeof names.release + sizeof names.version + 1];
    if (release == NULL || uname(&names) != 0) {
        return;
    }
    snprintf(text, sizeof text, "%s %s", release, names.version);
    set(f, TARE_FINGERPRINT_KERNEL, text);
}

/* By bytes: the locale has no say in what is hashed. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The names in a folder below the root, ascending; 0 if there is none. free_names() frees them. */
static size_t list_names(struct filling *f, const char *folder, struct dirent ***names)
{
    char path[TARE__FILE_PATH];
    *names = NULL;
    int length = snprintf(path, sizeof path, "%s%s", f->root, folder);
    if (length < 0 || (size_t)length >= sizeof path) {
        return 0;
    }
    int count = scandir(path, names, not_hidden, by_name);
    if (count < 0 && errno == ENOMEM) {
        f->error = -ENOMEM;
    }
    return count > 0 ? (size_t)count : 0;
}

static void free_names(struct dirent **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

/* What the kernel says of a vulnerability that the processor has, in a word. */
static const char *answer_of(const char *line)
{
    if (strncmp(line, "Mitigation", 10) == 0 || strncmp(line, "KVM: Mitigation", 15) == 0) {
        return "mitigated";
    }
    return strstr(line, "ulnerable") != NULL ? "vulnerable" : "unclear"; /* also "Processor vulnerable" */
}

/*
 * "mds=vulnerable spectre_v1=mitigated details=0123abcd": those that the processor has. How they are
 * mitigated is told in long sentences, which enter as a hash; the kernel's files show them.
 */
static void set_mitigations(struct filling *f)
{
    struct dirent **names;
    size_t count = list_names(f, CPU_FOLDER "vulnerabilities", &names), read = 0, affected = 0, size = 0;
    char *text = NULL, hex[TARE_SHA256_HEX + 1];
    struct tare_sha256 hash;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        f->error = -ENOMEM;
        goto out;
    }
    tare_sha256_init(&hash);
    for (size_t i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        char file[sizeof CPU_FOLDER + sizeof "vulnerabilities/" + sizeof names[i]->d_name], line[LINE_BYTES];
        snprintf(file, sizeof file, CPU_FOLDER "vulnerabilities/%s", name);
        if (tare__file_line(f->root, file, line, sizeof line) != 0) {
            continue;
        }
        read++;
        if (strcmp(line, "Not affected") != 0) {
            affected++;
            fprintf(out, "%s=%s ", name, answer_of(line));
            tare_sha256_add(&hash, name, strlen(name) + 1);
            tare_sha256_add(&hash, line, strlen(line) + 1);
        }
    }
    tare_sha256_finish_hex(&hash, hex);
    if (affected > 0) {
        fprintf(out, "details=%.*s", DETAILS_DIGITS, hex);
    }
    if (fclose(out) != 0) {
        f->error = -ENOMEM;
    } else {
        set(f, TARE_FINGERPRINT_MITIGATIONS, affected > 0 ? text : read > 0 ? "none needed" : NULL);
    }
out:
    free(text);
    free_names(names, count);
}

/* What governs one group of processors: "performance", "powersave/balance_power"; "" if that is unknown. */
static void governor_of(const struct filling *f, unsigned policy, char text[GOVERNOR_BYTES])
{
    enum { WORD_BYTES = GOVERNOR_BYTES / 2 };
    char file[PATH_BYTES], governor[WORD_BYTES], preference[WORD_BYTES];
    text[0] = '\0';
    snprintf(file, sizeof file, CPU_FOLDER "cpufreq/policy%u/scaling_governor", policy);
    if (tare__file_line(f->root, file, governor, sizeof governor) != 0) {
        return;
    }
    /* Where the processor itself chooses, "powersave" says little, and this says the rest. */
    snprintf(file, sizeof file, CPU_FOLDER "cpufreq/policy%u/energy_performance_preference", policy);
    bool chooses = tare__file_line(f->root, file, preference, sizeof preference) == 0;
    snprintf(text, GOVERNOR_BYTES, "%s%s%s", governor, chooses ? "/" : "", chooses ? preference : "");
}

/* Each that occurs once, ascending. `otherwise`: the first processor's, where the groups are not to be seen. */
static void set_governor(struct filling *f, const char *otherwise)
{
    unsigned policies[POLICIES_MAX];
    size_t count = tare__file_numbered(f->root, CPU_FOLDER "cpufreq", "policy", policies, POLICIES_MAX);
    size_t different = 0, used = 0;
    char found[GOVERNORS_MAX][GOVERNOR_BYTES], governor[GOVERNOR_BYTES], text[sizeof found + GOVERNORS_MAX];
    for (size_t i = 0; i < count && different < GOVERNORS_MAX; i++) {
        governor_of(f, policies[i], governor);
        size_t at = 0;
        while (at < different && strcmp(found[at], governor) < 0) {
            at++;
        }
        if (governor[0] != '\0' && (at == different || strcmp(found[at], governor) != 0)) {
            memmove(found + at + 1, found + at, (different - at) * sizeof found[0]);
            memcpy(found[at], governor, sizeof governor);
            different++;
        }
    }
    for (size_t i = 0; i < different; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", found[i]);
    }
    set(f, TARE_FINGERPRINT_GOVERNOR, different > 0 ? text : otherwise);
}

/*
 * The kernel says what it left over of the memory, a few percent less than there is, and each build of it keeps
 * another share. Rounded up to an eighth of the next power of two, that is 16 GiB where it says 15.4.
 */
static void set_memory(struct filling *f, double bytes)
{
    const uint64_t mebibyte = UINT64_C(1) << 20;
    char text[32];
    if (!(bytes > 0) || bytes > 0x1p60) {
        return;
    }
    uint64_t power = MEMORY_STEPS * mebibyte;
    while ((double)power < bytes) {
        power *= 2;
    }
    uint64_t step = power / MEMORY_STEPS;
    uint64_t size = ((uint64_t)bytes + step - 1) / step * step / mebibyte;
    bool whole = size % 1024 == 0;
    snprintf(text, sizeof text, "%llu %s", (unsigned long long)(whole ? size / 1024 : size),
             whole ? "GiB" : "MiB");
    set(f, TARE_FINGERPRINT_MEMORY, text);
}

int tare_fingerprint_read_at(struct tare_fingerprint *fingerprint, const struct tare_environment *environment,
                             const char *root, const char *version, const char *settings)
{
    struct filling f = {.fingerprint = fingerprint, .root = root};
    *fingerprint = (struct tare_fingerprint){0};
    set(&f, TARE_FINGERPRINT_MACHINE, environment->machine);
    set(&f, TARE_FINGERPRINT_CPU_MODEL, environment->cpu_model);
    set_microcode(&f);
    set_cpu_count(&f, environment->cpu_count);
    set_switch(&f, TARE_FINGERPRINT_SMT, CPU_FOLDER "smt/active", "off", "on");
    set_kernel(&f, environment->kernel);
    set_mitigations(&f);
    set_governor(&f, environment->governor);
    if (!set_switch(&f, TARE_FINGERPRINT_TURBO, CPU_FOLDER "intel_pstate/no_turbo", "on", "off")) {
        set_switch(&f, TARE_FINGERPRINT_TURBO, CPU_FOLDER "cpufreq/boost", "off", "on");
    }
    set(&f, TARE_FINGERPRINT_VIRTUALIZATION, environment->virtualization);
    set_memory(&f, environment->memory_bytes);
    set(&f, TARE_FINGERPRINT_LIBC, environment->libc);
    set(&f, TARE_FINGERPRINT_CLOCKSOURCE, environment->clocksource);
    set(&f, TARE_FINGERPRINT_TARE_VERSION, version);
    set(&f, TARE_FINGERPRINT_SETTINGS, settings);
    if (f.error != 0) {
        tare_fingerprint_release(fingerprint);
        return f.error;
    }
    tare_fingerprint_hash(fingerprint);
    return 0;
}

int tare_fingerprint_read(struct tare_fingerprint *fingerprint, const struct tare_environment *environment,
                          const char *version, const char *settings)
{
    return tare_fingerprint_read_at(fingerprint, environment, "", version, settings);
}

void tare_fingerprint_hash(struct tare_fingerprint *fingerprint)
{
    struct tare_sha256 hash;
    tare_sha256_init(&hash);
    for (size_t i = 0; i < TARE_FINGERPRINT_PARTS; i++) {
        const char *value = fingerprint->parts[i] != NULL ? fingerprint->parts[i] : "unknown";
        tare_sha256_add(&hash, parts[i].name, strlen(parts[i].name));
        tare_sha256_add(&hash, "=", 1);
        tare_sha256_add(&hash, value, strlen(value));
        tare_sha256_add(&hash, "\n", 1);
    }
    tare_sha256_finish_hex(&hash, fingerprint->hash);
}

uint32_t tare_fingerprint_compare(const struct tare_fingerprint *a, const struct tare_fingerprint *b)
{
    uint32_t different = 0;
    for (unsigned i = 0; i < TARE_FINGERPRINT_PARTS; i++) {
        const char *left = a->parts[i], *right = b->parts[i];
        bool same = left != NULL && right != NULL ? strcmp(left, right) == 0 : left == right;
        different |= same ? 0 : UINT32_C(1) << i;
    }
    return different == 0 && strcmp(a->hash, b->hash) != 0 ? TARE_FINGERPRINT_OTHER : different;
}

void tare_fingerprint_release(struct tare_fingerprint *fingerprint)
{
    for (size_t i = 0; i < TARE_FINGERPRINT_PARTS; i++) {
        free(fingerprint->parts[i]);
    }
    *fingerprint = (struct tare_fingerprint){0};
}
