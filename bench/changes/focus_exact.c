/* focus_exact.c - is focus what it says, on a million points?
 *
 *     focus_exact [--points 1000000] [--every 1] [--seed 1]
 *
 * At each point, or at eight of every 8 `every`, the statistic is compared with the largest of all splits
 * of what has come so far: half a million times a million of them.  The levels before and after are unknown, the deviation is 1;
 * the series stands still, or moves each fifth of it.  Prints the largest relative difference.
 *
 * Exit: 0 equal to 1e-9, 1 not, 64 usage.
 */
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../random.h"
#include "tocsin.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define EXACT_FAST __attribute__((optimize("O3", "fast-math"), target_clones("avx512f", "avx2", "default")))
#else
#define EXACT_FAST
#endif

#define AT_ONCE 8       /* points whose splits are walked together */

/* Largest of |n S_t - t S_n|^2 / (t (n - t)) over 1 <= t < first, for n = first .. first + AT_ONCE - 1. */
EXACT_FAST static void splits(const double *sum, const double *inverse, const double *backward,
                              size_t points, size_t first, double *best)
{
    for (size_t k = 0; k < AT_ONCE; k++) {
        const double n = (double)(first + k), all = sum[first + k];
        const double *after = backward + (points - (first + k));
        double largest = 0;

        for (size_t t = 1; t < first; t++) {
            const double a = n * sum[t] - (double)t * all;
            const double ratio = a * a * inverse[t] * after[t];

            largest = ratio > largest ? ratio : largest;
        }
        best[k] = largest;
    }
}

static double one_split(const double *sum, size_t t, size_t n)
{
    const double a = (double)n * sum[t] - (double)t * sum[n];

    return a * a / ((double)t * (double)(n - t));
}

static int check(size_t points, size_t every, uint64_t seed, int moves)
{
    double *sum = malloc((points + 1) * sizeof *sum), *raw = malloc((points + 1) * sizeof *raw);
    double *inverse = malloc((points + 1) * sizeof *inverse);
    double *backward = malloc((points + 1) * sizeof *backward);
    rng r = rng_seeded(seed);
    tocsin_spec *spec;
    tocsin_detector *detector;
    double worst = 0;

    if (!sum || !raw || !inverse || !backward ||
        tocsin_spec_compile(&spec, "focus deviation=1 clip=inf accept=inf candidates=64 | raw",
                            TOCSIN_NUL_TERMINATED, NULL, NULL) < 0 ||
        tocsin_detector_create(&detector, spec, NULL) < 0) {
        fputs("focus_exact: out of memory\n", stderr);
        exit(70);
    }
    sum[0] = 0;
    for (size_t i = 1; i <= points; i++) {
        const double level = moves ? (double)(5 * (i - 1) / points % 2) * 0.01 : 0;
        const double x = level + rng_normal(&r);
        tocsin_verdict verdict;

        tocsin_detector_push(detector, (int64_t)i * TOCSIN_SECOND, x, TOCSIN_LEARN_AND_SCORE,
                             &verdict, sizeof verdict);
        sum[i] = sum[i - 1] + x;
        raw[i] = verdict.raw;
        inverse[i] = 1 / (double)i;
        backward[points - i] = 1 / (double)i;
    }
    inverse[0] = backward[points] = 0;
    for (size_t first = 40; first + AT_ONCE <= points; first += AT_ONCE * every) {
        double best[AT_ONCE];

        splits(sum, inverse, backward, points, first, best);
        for (size_t k = 0; k < AT_ONCE; k++) {
            const size_t n = first + k;
            double expected;

            for (size_t t = first; t < n; t++)
                best[k] = fmax(best[k], one_split(sum, t, n));
            expected = sqrt(best[k] / (double)n);
            worst = fmax(worst, fabs(raw[n] - expected) / (1 + expected));
        }
    }
    printf("%-16s %zu points, one in %zu compared with every split: largest relative difference %.2g\n",
           moves ? "a level moves" : "nothing changes", points, every, worst);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    free(sum);
    free(raw);
    free(inverse);
    free(backward);
    return worst <= 1e-9;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"points", required_argument, NULL, 'p'},
        {"every", required_argument, NULL, 'e'},
        {"seed", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    size_t points = 1000000, every = 1;
    uint64_t seed = 1;
    int option;

    while ((option = getopt_long(argc, argv, "p:e:s:", longs, NULL)) != -1) {
        if (option == 'p')
            points = (size_t)strtoull(optarg, NULL, 10);
        else if (option == 'e')
            every = (size_t)strtoull(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 64;
    }
    if (points < 100 || every == 0)
        return 64;
    return check(points, every, seed, 0) & check(points, every, seed + 1, 1) ? 0 : 1;
}
