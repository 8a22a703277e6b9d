/* changes.c - does tocsin_changes_find() keep its promise, and what does it find?
 *
 *     changes [--histories 2000] [--values 400] [--seed 1] [--json]       simulations
 *     changes FILE.csv ...                                               real histories: the last
 *                                                                       but one column, or `value`
 *
 * Simulated histories without a change: the share in which one is reported, which is promised to be
 * .05 at most.  With changes: the share in which exactly these are found, each within five values of its
 * place, and the share in which anything is; a fifth as many histories do.
 *
 * Exit: 0 the promises hold within three standard errors, 1 not, 64 usage.
 */
#define _POSIX_C_SOURCE 200809L

#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../random.h"
#include "tocsin.h"

#define VALUES_MAX 1048576

typedef struct {
    const char *name;
    double rho;             /* of neighbours */
    int heavy, tied, spikes;
    double at[3];           /* where it changes, as a share; 0: nowhere */
    double level[3];        /* and to what, relative */
    double power;           /* promised share with something found; 0: none is */
} scene;

/* Noise of 2 % about a level of 1. */
static const scene scenes[] = {
    {"independent", 0, 0, 0, 0, {0}, {0}, 0},
    {"AR .2", .2, 0, 0, 0, {0}, {0}, 0},
    {"AR .5", .5, 0, 0, 0, {0}, {0}, 0},
    {"AR .8", .8, 0, 0, 0, {0}, {0}, 0},
    {"heavy tails", 0, 1, 0, 0, {0}, {0}, 0},
    {"ties", 0, 0, 1, 0, {0}, {0}, 0},
    {"spikes", 0, 0, 0, 1, {0}, {0}, 0},
    {"spikes, AR .5", .5, 0, 0, 1, {0}, {0}, 0},
    {"5 % step", 0, 0, 0, 0, {.5}, {1.05}, .95},
    {"5 % step at the end", 0, 0, 0, 0, {.95}, {1.05}, .95},
    {"5 % step, AR .5", .5, 0, 0, 0, {.5}, {1.05}, .95},
    {"5 % step, spikes", 0, 0, 0, 1, {.5}, {1.05}, .95},
    {"2 % step", 0, 0, 0, 0, {.5}, {1.02}, .95},
    {"1 % step", 0, 0, 0, 0, {.5}, {1.01}, 0},
    {"up and down again", 0, 0, 0, 0, {.4, .5}, {1.05, 1}, .95},
    {"three steps", 0, 0, 0, 0, {.2, .45, .8}, {1.05, .98, 1.02}, .95},
};

static void history(const scene *s, rng *r, double *value, size_t n)
{
    double x = rng_normal(r), level = 1;
    size_t next = 0;

    for (size_t i = 0; i < n; i++) {
        if (next < 3 && s->at[next] > 0 && i >= (size_t)(s->at[next] * (double)n))
            level = s->level[next++];
        x = s->rho * x + sqrt(1 - s->rho * s->rho) * rng_normal(r);
        value[i] = level + 0.02 * x;
        if (s->heavy)           /* Student's t with 2 degrees of freedom */
            value[i] = level + 0.02 * rng_normal(r) / sqrt(-log(rng_uniform(r)));
        if (s->tied)
            value[i] = level + 0.02 * floor(x);
        if (s->spikes && rng_uniform(r) < 0.02)
            value[i] *= 1 + rng_uniform(r);
    }
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int simulate(size_t histories, size_t n, uint64_t seed)
{
    double *value = malloc(n * sizeof *value);
    int kept = 1;

    if (!value)
        return 0;
    printf("| histories of %zu values | reported | exactly | changes | ms |\n|---|--:|--:|--:|--:|\n", n);
    for (size_t k = 0; k < sizeof scenes / sizeof scenes[0]; k++) {
        const scene *s = &scenes[k];
        size_t alarmed = 0, exact = 0, changes = 0, expected = 0, runs = histories;
        const double begin = seconds();

        while (expected < 3 && s->at[expected] > 0)
            expected++;
        if (expected)
            runs = (histories + 4) / 5;
        for (size_t h = 0; h < runs; h++) {
            rng r = rng_seeded(seed * 1000003 + h * 97 + k);
            tocsin_change change[64];
            uint64_t count = 0;
            size_t right = 0;

            history(s, &r, value, n);
            if (tocsin_changes_find(change, sizeof change[0], 64, &count, value, n, NULL, NULL) < 0)
                return 0;
            for (size_t i = 0; i < expected && count == expected; i++)
                right += fabs((double)change[i].index - floor(s->at[i] * (double)n)) <= 5;
            alarmed += count > 0;
            changes += count;
            exact += count == expected && right == expected;
        }

        const double share = (double)alarmed / (double)runs;
        const double target = expected ? s->power : 0.05;
        const double error = 3 * sqrt(target * (1 - target) / (double)runs);

        printf("| %s | %.3f | %.3f | %.2f | %.0f |\n", s->name, share,
               (double)exact / (double)runs, (double)changes / (double)runs,
               1e3 * (seconds() - begin) / (double)runs);
        fflush(stdout);
        kept &= expected ? share >= target - error : share <= target + error;
    }
    free(value);
    return kept;
}

static size_t read_values(const char *path, double *value)
{
    char line[4096];
    FILE *file = fopen(path, "r");
    size_t n = 0;

    if (!file)
        return 0;
    while (n < VALUES_MAX && fgets(line, sizeof line, file)) {
        const char *comma = strchr(line, ',');
        char *end;
        const double x = comma ? strtod(comma + 1, &end) : NAN;

        if (comma && end != comma + 1)
            value[n++] = x;
    }
    fclose(file);
    return n;
}

static int real(char **paths, size_t count)
{
    static double value[VALUES_MAX];
    size_t alarmed = 0, all = 0;

    for (size_t k = 0; k < count; k++) {
        tocsin_change change[256];
        const char *name = strrchr(paths[k], '/');
        const size_t n = read_values(paths[k], value);
        uint64_t found = 0;

        if (n == 0 || tocsin_changes_find(change, sizeof change[0], 256, &found, value, n, NULL,
                                          NULL) < 0) {
            fprintf(stderr, "changes: %s: no values, or too many changes\n", paths[k]);
            return 0;
        }
        alarmed += found > 0;
        all += found;
        printf("%s, %zu values: %d\n", name ? name + 1 : paths[k], n, (int)found);
        for (uint64_t i = 0; i < found; i++)
            printf("    %4d  %12.6g -> %-12.6g %+7.1f %%  (%+.1f .. %+.1f)  p %.2g  autocorrelation %.2f\n",
                   (int)change[i].index, change[i].before, change[i].after, 100 * change[i].effect,
                   100 * change[i].shift_lower / fabs(change[i].before),
                   100 * change[i].shift_upper / fabs(change[i].before), change[i].p,
                   change[i].autocorrelation);
    }
    printf("%zu of %zu histories changed, %zu changes\n", alarmed, count, all);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"histories", required_argument, NULL, 'h'},
        {"values", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    size_t histories = 2000, n = 400;
    uint64_t seed = 1;
    int option;

    while ((option = getopt_long(argc, argv, "h:n:s:", longs, NULL)) != -1) {
        if (option == 'h')
            histories = (size_t)strtoull(optarg, NULL, 10);
        else if (option == 'n')
            n = (size_t)strtoull(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 64;
    }
    if (histories == 0 || n < 20 || n > VALUES_MAX)
        return 64;
    if (optind < argc)
        return real(argv + optind, (size_t)(argc - optind)) ? 0 : 1;
    return simulate(histories, n, seed) ? 0 : 1;
}
