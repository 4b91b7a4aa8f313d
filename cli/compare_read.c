/* SPDX-License-Identifier: MIT */
/*
 * Results for `tare compare`: reading them, and refusing those that say nothing of each other. Two that were
 * not measured on the same machine, set and measured alike, are refused, and so are those of which nobody
 * knows: what is unknown is no agreement.
 */
#include "cli/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "result/compare.h"
#include "result/json.h"

/* Of a file that can be read again; leaves it at its beginning. */
static void hash_content(FILE *in, char hex[TARE_SHA256_HEX + 1])
{
    struct tare_sha256 hash;
    char block[16384];
    size_t got;
    hex[0] = '\0';
    if (fseeko(in, 0, SEEK_CUR) != 0) {
        return;
    }
    tare_sha256_init(&hash);
    while ((got = fread(block, 1, sizeof(block), in)) > 0) {
        tare_sha256_add(&hash, block, got);
    }
    bool whole = !ferror(in);
    if (fseeko(in, 0, SEEK_SET) == 0 && whole) {
        tare_sha256_finish_hex(&hash, hex);
    }
    clearerr(in); /* what is wrong with it, the next reader says */
}

bool compare_read(struct compare_file *file, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    char message[256];
    FILE *in = standard ? stdin : fopen(path, "re");
    int failure = in != NULL ? 0 : -errno;
    *file = (struct compare_file){.label = standard ? "standard input" : path};
    if (failure != 0) {
        snprintf(message, sizeof(message), "%s", strerror(-failure));
    } else {
        hash_content(in, file->content);
        failure = tare_result_read_json(in, &file->result, message, sizeof(message));
    }
    if (in != NULL && !standard) {
        fclose(in);
    }
    if (failure != 0) {
        error("cannot read '%s': %s", file->label, message);
    }
    return failure == 0;
}

bool compare_same(const struct compare_file *a, const struct compare_file *b)
{
    if (strcmp(a->label, b->label) == 0) {
        error("'%s' is given twice: compare two results", a->label);
        return true;
    }
    if (a->content[0] != '\0' && strcmp(a->content, b->content) == 0) {
        error("'%s' and '%s' are the same: compare two results", a->label, b->label);
        return true;
    }
    return false;
}

static const char *kind_of(const struct compare_file *file)
{
    return file->result->kind != NULL ? file->result->kind : "unknown";
}

bool compare_kinds(const struct compare_file *old, const struct compare_file *file)
{
    enum tare_compared_kind kind = tare_compared_kind_of(file->result);
    if (kind == TARE_COMPARED_NOTHING) {
        error("'%s' is a result of kind '%s': results of run, attach, page and bench can be compared",
              file->label, kind_of(file));
        return false;
    }
    if (kind != tare_compared_kind_of(old->result)) {
        bool timers = kind == TARE_COMPARED_TIMERS;
        error("'%s' has %s and '%s' has %s: results of one kind can be compared", old->label,
              timers ? "benchmarks" : "timers", file->label, timers ? "timers" : "benchmarks");
        return false;
    }
    return true;
}

/* What a part is on one side: the text of a file, which a terminal is not to obey. */
static void print_side(const char *label, const char *value)
{
    char *name = printable(label), *shown = printable(value != NULL ? value : "unknown");
    fprintf(stderr, "    %s: %s\n", name != NULL ? name : "-", shown != NULL ? shown : "-");
    free(name);
    free(shown);
}

static void print_parts(const struct compare_file *old, const struct tare_compare_source *source)
{
    for (unsigned part = 0; part < TARE_FINGERPRINT_PARTS; part++) {
        if ((source->different >> part & 1) != 0) {
            fprintf(stderr, "%s\n", tare_fingerprint_name(part));
            print_side(old->label, old->result->fingerprint.parts[part]);
            print_side(source->label, source->result->fingerprint.parts[part]);
        }
    }
}

bool compare_fingerprints(const struct compare_file *old, struct tare_compare_source *source, bool force)
{
    const struct tare_fingerprint *a = &old->result->fingerprint, *b = &source->result->fingerprint;
    source->unknown = a->hash[0] == '\0' || b->hash[0] == '\0';
    source->different = source->unknown ? 0 : tare_fingerprint_compare(a, b);
    if (force || (!source->unknown && source->different == 0)) {
        return true;
    }
    if (source->unknown) {
        error(
            "'%s' has no fingerprint, so whether '%s' was measured alike is unknown: measure again, or --force",
            b->hash[0] == '\0' ? source->label : old->label, b->hash[0] == '\0' ? old->label : source->label);
    } else if (source->different == TARE_FINGERPRINT_OTHER) {
        error("'%s' and '%s' were not measured alike, in a part that this version does not know: --force "
              "compares "
              "them all the same",
              old->label, source->label);
    } else {
        int count = __builtin_popcount(source->different);
        error("'%s' and '%s' were not measured alike: %d part%s of the fingerprint differ%s; --force compares "
              "them "
              "all the same",
              old->label, source->label, count, count == 1 ? "" : "s", count == 1 ? "s" : "");
        print_parts(old, source);
    }
    return false;
}
