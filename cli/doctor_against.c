/* SPDX-License-Identifier: MIT */
/*
 * `tare doctor --against RESULT`: whether this machine, as it is set now, is the one that the result was
 * measured on. Of the fingerprint only what the machine is and how it is set is compared: this command
 * measures nothing, so it has no settings of a measurement, and another version of tare does not make another
 * machine.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <tare/version.h>

#include "cli/cli.h"
#include "record/environment.h"
#include "record/fingerprint.h"
#include "result/json.h"

/* Bits of those that are looked at. */
static uint32_t machine_parts(void)
{
    uint32_t parts = 0;
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        parts |= tare_fingerprint_kind(part) != TARE_FINGERPRINT_MEASUREMENT ? UINT32_C(1) << part : 0;
    }
    return parts;
}

static unsigned count_bits(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

/* NULL after an error was printed. */
static struct tare_result *read_result(const char *path)
{
    struct tare_result *result = NULL;
    char message[256];
    bool standard = strcmp(path, "-") == 0;
    FILE *in = standard ? stdin : fopen(path, "re");
    int failure = in != NULL ? 0 : -errno;
    if (failure == 0) {
        failure = tare_result_read_json(in, &result, message, sizeof(message));
    } else {
        snprintf(message, sizeof(message), "%s", strerror(-failure));
    }
    if (in != NULL && !standard) {
        fclose(in);
    }
    if (failure != 0) {
        error("cannot read '%s': %s", path, message);
        return NULL;
    }
    if (result->fingerprint.hash[0] == '\0') {
        error("'%s' has no fingerprint: it is older than those, or was made from a page file; measure again",
              path);
        tare_result_free(result);
        return NULL;
    }
    return result;
}

static bool read_here(struct tare_fingerprint *here)
{
    struct tare_environment environment;
    int failure = tare_environment_read(&environment, NULL);
    if (failure == 0) {
        failure = tare_fingerprint_read(here, &environment, TARE_VERSION, NULL);
        tare_environment_release(&environment);
    }
    if (failure != 0) {
        error("out of memory");
    }
    return failure == 0;
}

/* What a part is on one side: the text of a file, which a terminal is not to obey. */
static void print_side(const char *side, const char *value)
{
    char *shown = printable(value != NULL ? value : "unknown");
    printf("    %s %s\n", side, shown != NULL ? shown : "-");
    free(shown);
}

/* The names of the parts in `bits`, if there are any, behind `what`. */
static void print_names(const char *what, uint32_t bits)
{
    const char *before = what;
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        if ((bits >> part & 1) != 0) {
            printf("%s %s", before, tare_fingerprint_name(part));
            before = ",";
        }
    }
    fputs(bits != 0 ? "\n" : "", stdout);
}

static void print_text(const char *path, const struct tare_fingerprint *there,
                       const struct tare_fingerprint *here, uint32_t different, uint32_t unknown)
{
    unsigned compared = count_bits(machine_parts() & ~unknown);
    if (different == 0) {
        printf("same machine as that of '%s': all %u parts of the fingerprint agree\n", path, compared);
    } else {
        printf("not the machine of '%s', or set otherwise: %u of %u parts of the fingerprint differ\n\n", path,
               count_bits(different), compared);
    }
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        if ((different >> part & 1) != 0) {
            printf("%s%s\n", tare_fingerprint_name(part),
                   tare_fingerprint_kind(part) == TARE_FINGERPRINT_SETTING ? ", which is a setting" : "");
            print_side("there:", there->parts[part]);
            print_side("here: ", here->parts[part]);
        }
    }
    fputs(different != 0 && unknown != 0 ? "\n" : "", stdout);
    print_names("unknown on both sides, and not compared:", unknown);
}

static json_t *string_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static bool print_json(const char *path, const struct tare_fingerprint *there,
                       const struct tare_fingerprint *here, uint32_t different)
{
    json_t *parts = json_array();
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        enum tare_fingerprint_kind kind = tare_fingerprint_kind(part);
        if (kind == TARE_FINGERPRINT_MEASUREMENT) {
            continue;
        }
        json_array_append_new(
            parts, json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", tare_fingerprint_name(part), "kind",
                             kind == TARE_FINGERPRINT_SETTING ? "setting" : "identity", "there",
                             string_or_null(there->parts[part]), "here", string_or_null(here->parts[part]),
                             "same", (different >> part & 1) == 0));
    }
    bool whole = json_array_size(parts) == count_bits(machine_parts());
    /* A name of a file may be anything; JSON is UTF-8. */
    char *shown = printable(path);
    json_t *root = json_pack("{s:s, s:i, s:s, s:b, s:o}", "schema", "tare-doctor-against", "schema_version", 1,
                             "result", shown != NULL ? shown : "", "same", different == 0, "parts", parts);
    free(shown);
    whole = whole && root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0;
    putchar('\n');
    json_decref(root);
    return whole;
}

int doctor_against(const char *path, bool json)
{
    struct tare_fingerprint here = {0};
    struct tare_result *result = read_result(path);
    int code = EXIT_TROUBLE;
    if (result == NULL || !read_here(&here)) {
        goto out;
    }
    const struct tare_fingerprint *there = &result->fingerprint;
    uint32_t different = tare_fingerprint_compare(there, &here) & machine_parts();
    uint32_t unknown = 0;
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        bool known = there->parts[part] != NULL || here.parts[part] != NULL;
        unknown |= known ? 0 : UINT32_C(1) << part;
    }
    unknown &= machine_parts();
    bool fine = true;
    if (json) {
        fine = print_json(path, there, &here, different);
    } else {
        print_text(path, there, &here, different, unknown);
    }
    /* Here, as the exit code would be an answer that nobody has seen. */
    if (fflush(stdout) != 0 || ferror(stdout) || !fine) {
        error("cannot write to standard output");
        goto out;
    }
    code = different != 0 ? EXIT_DIFFERENT : EXIT_FINE;
out:
    tare_fingerprint_release(&here);
    tare_result_free(result);
    return code;
}
