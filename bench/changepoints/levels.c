/* SPDX-License-Identifier: MIT */
/*
 * Makes stats/changepoint_levels.h: quantiles of the change point statistic of n independent values, by simulation.
 * They are the same for every distribution, as the statistic is one of ranks. bench-changepoint-levels
 * [REPETITIONS]; equal seeds, equal levels. Some 30 minutes of processor time.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/changepoint_parts.h"
#include "stats/random.h"
#include "stats/values.h"

static const size_t sizes[] = {10, 11, 12,  13,  14,  16,  18,  20,  23,  26,  30,  35,   40,   50,
                               64, 80, 100, 130, 160, 200, 250, 320, 400, 520, 700, 1000, 1500, 2500};
static const double chances[] = {0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), CHANCES = sizeof(chances) / sizeof(chances[0]) };

int main(int argc, char **argv)
{
    size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    double *statistics = calloc(most, sizeof(*statistics)), values[2500];
    struct tare__change_work work;
    if (most < 100000 || statistics == NULL || tare__change_work_init(&work, 2500) != 0) {
        fprintf(stderr, "levels: give at least 100000 repetitions\n");
        return 2;
    }
    printf("/* SPDX-License-Identifier: MIT */\n"
           "/*\n"
           " * Made by bench/changepoints/levels.c: the statistic of changepoint.c for n independent values is "
           "below\n"
           " * `statistic` with the chances `level_chances`; at most %zu simulated series for each n, fewer of "
           "more\n"
           " * values.\n"
           " */\n"
           "#ifndef TARE_STATS_CHANGEPOINT_LEVELS_H\n"
           "#define TARE_STATS_CHANGEPOINT_LEVELS_H\n\n"
           "#include <stddef.h>\n\n"
           "enum { LEVELS = %d, LEVEL_CHANCES = %d };\n\n"
           "static const double level_chances[LEVEL_CHANCES] = {",
           most, SIZES, CHANCES);
    for (size_t c = 0; c < CHANCES; c++) {
        printf("%s%g", c > 0 ? ", " : "", chances[c]);
    }
    printf("};\n\nstatic const struct {\n    size_t n;\n    double statistic[LEVEL_CHANCES];\n} levels[LEVELS] "
           "= {\n");
    for (size_t s = 0; s < SIZES; s++) {
        size_t n = sizes[s], repetitions = n <= 100 ? most : most * 100 / n;
        repetitions = repetitions < 100000 ? 100000 : repetitions;
        struct tare_random random;
        tare_random_seed(&random, n);
        for (size_t r = 0; r < repetitions; r++) {
            for (size_t i = 0; i < n; i++) {
                values[i] = tare_random_uniform(&random);
            }
            statistics[r] = tare__change_statistic(values, n, false, &work);
        }
        tare_values_sort(statistics, repetitions);
        printf("    {%zu, {", n);
        for (size_t c = 0; c < CHANCES; c++) {
            printf("%s%.4g", c > 0 ? ", " : "", statistics[(size_t)(chances[c] * (double)repetitions)]);
        }
        printf("}},\n");
        fflush(stdout);
        fprintf(stderr, "\r%zu of %d", s + 1, SIZES);
    }
    printf("};\n\n#endif\n");
    fprintf(stderr, "\n");
    tare__change_work_release(&work);
    free(statistics);
    return 0;
}
