/* SPDX-License-Identifier: MIT */
/*
 * Writes profiles in every form that other viewers open, for exports.test.js, which gives them to those viewers:
 *
 *     web_exports FOLDER        FOLDER/small.folded, small.pb.gz, ... hostile.folded ...
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/export_profiles.h"
#include "view/profile_exports.h"

enum { LARGE = 4000 }; /* samples */

static struct tare_result *large(void)
{
    return export_profile_large(LARGE);
}

static const struct {
    const char *name;
    struct tare_result *(*make)(void);
} profiles[] = {
    {"small", export_profile_small},
    {"hostile", export_profile_hostile},
    {"empty", export_profile_empty},
    {"folded", export_profile_folded},
    {"heavy", export_profile_heavy},
    {"recursive", export_profile_recursive},
    {"large", large},
};

static const struct {
    const char *suffix;
    int (*write)(const struct tare_result *result, FILE *out);
} formats[] = {
    {"folded", tare_view_folded},
    {"pb.gz", tare_view_pprof},
    {"speedscope.json", tare_view_speedscope},
    {"firefox.json", tare_view_firefox},
    {"trace.json", tare_view_chrome},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: web_exports FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        struct tare_result *result = profiles[i].make();
        for (size_t j = 0; j < sizeof formats / sizeof formats[0]; j++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s.%s", argv[1], profiles[i].name, formats[j].suffix);
            FILE *out = fopen(path, "w");
            int failure = out == NULL ? -errno : formats[j].write(result, out);
            if (out != NULL && fclose(out) != 0 && failure == 0) {
                failure = -errno;
            }
            if (failure == -ENOTSUP) {
                remove(path); /* built without zlib: the test says so */
            } else if (failure != 0) {
                fprintf(stderr, "cannot write '%s': %s\n", path, strerror(-failure));
                return 1;
            }
        }
        tare_result_free(result);
    }
    return 0;
}
