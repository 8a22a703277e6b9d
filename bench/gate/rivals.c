/* rivals.c - what else is done to compare a candidate with its baseline, on the same laws.
 *
 *     gate_rivals [RUNS]
 *
 * Mann-Whitney with a number of requests that was fixed beforehand, for 90 % power; the same test
 * looked at whenever the gate is; a confidence band for both distribution functions that holds at
 * any time; and a judge as Kayenta's is described, once and again every five minutes.
 *
 * Run r of every simulation draws from its own generator, seeded by r: the same numbers anywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "laws.h"

typedef struct harm {
    const char *name;
    int law;
    double factor, slow, slow_factor, timeouts[2];
} harm;

static const harm harms[] = {
    {"lognormal +10 %", LAW_LOGNORMAL, 1.1, 0, 1, {0, 0}},
    {"gamma(2) +10 %", LAW_GAMMA, 1.1, 0, 1, {0, 0}},
    {"bimodal +10 %", LAW_BIMODAL, 1.1, 0, 1, {0, 0}},
    {"Pareto(2.5) +10 %", LAW_PARETO, 1.1, 0, 1, {0, 0}},
    {".5 % 20 times slower", LAW_LOGNORMAL, 1, .005, 20, {0, 0}},
    {"2 % 5 times slower", LAW_LOGNORMAL, 1, .02, 5, {0, 0}},
    {"timeouts .1 -> .5 %", LAW_LOGNORMAL, 1, 0, 1, {.001, .005}},
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double normal_tail(double z)
{
    return .5 * erfc(z / sqrt(2));
}

/* ---- Mann-Whitney, the number of requests fixed beforehand ---------------------------- */

/* P(Y > X) - 1/2 of a candidate's Y and a baseline's X.  Of rare slow requests the common part is 0,
 * and is left out: what remains is estimated as finely as everything else. */
static double advantage(const harm *h)
{
    enum { PAIRS = 20000000 };
    const double factor = h->slow > 0 ? h->slow_factor : h->factor;
    rng s = rng_seeded(1);
    uint64_t above = 0;

    if (h->timeouts[1] > 0)
        return (h->timeouts[1] - h->timeouts[0]) / 2;
    for (int i = 0; i < PAIRS; i++) {
        const double x = law_draw(&s, h->law), y = factor * law_draw(&s, h->law);

        above += y > x;
    }
    return ((double)above / PAIRS - .5) * (h->slow > 0 ? h->slow : 1);
}

static void fixed_size(void)
{
    const double z = 1.6448536 + 1.2815516;

    printf("| harm, one-sided .05, share 50 %% | requests for 90 %% power |\n|---|--:|\n");
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        const double p = advantage(&harms[i]);

        printf("| %s | %.0f |\n", harms[i].name, z * z / (12 * .25 * p * p));
    }
    printf("\n");
}

/* ---- Mann-Whitney, looked at again and again ------------------------------------------- */

/* Counts by rank, with sums of all below: a Fenwick tree. */
static void tree_add(uint32_t *tree, size_t size, size_t at)
{
    for (at++; at <= size; at += at & (~at + 1))
        tree[at]++;
}

static uint32_t tree_below(const uint32_t *tree, size_t at)
{
    uint32_t sum = 0;

    for (; at > 0; at -= at & (~at + 1))
        sum += tree[at];
    return sum;
}

typedef struct ranked {
    double value;
    uint32_t at;
} ranked;

static int by_value(const void *a, const void *b)
{
    const double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;

    return (x > y) - (x < y);
}

static void peeking(uint64_t runs)
{
    enum { MOST = 40000 };
    static const uint64_t horizons[] = {1000, 4000, 10000, 40000};
    static ranked sorted[MOST];
    static uint32_t rank[MOST], tree[2][MOST + 1];
    uint64_t alarms[4] = {0, 0, 0, 0};

    for (uint64_t r = 0; r < runs; r++) {
        rng s = rng_seeded(r + 1);
        uint64_t next = 10, count[2] = {0, 0}, first = UINT64_MAX;
        double u = 0;       /* pairs in which the candidate's is the larger */

        for (uint32_t i = 0; i < MOST; i++)
            sorted[i] = (ranked){law_draw(&s, LAW_LOGNORMAL), i};
        qsort(sorted, MOST, sizeof *sorted, by_value);
        for (uint32_t i = 0; i < MOST; i++)
            rank[sorted[i].at] = i;
        memset(tree, 0, sizeof tree);
        for (uint64_t n = 1; n <= MOST && first == UINT64_MAX; n++) {
            const size_t at = rank[n - 1];
            const int arm = rng_uniform(&s) < .5;

            u += arm ? tree_below(tree[0], at) : (double)count[1] - tree_below(tree[1], at);
            tree_add(tree[arm], MOST, at);
            count[arm]++;
            if (n < next || count[0] == 0 || count[1] == 0)
                continue;
            next = n < 1000 ? n + 10 : n + n / 100;
            const double b = (double)count[0], c = (double)count[1];
            if (normal_tail((u - b * c / 2) / sqrt(b * c * (b + c + 1) / 12)) < .05)
                first = n;
        }
        for (size_t i = 0; i < 4; i++)
            alarms[i] += first <= horizons[i];
    }
    printf("| no change, Mann-Whitney at .05 whenever the gate is looked at | ever alarms |\n"
           "|---|--:|\n");
    for (size_t i = 0; i < 4; i++)
        printf("| up to %llu requests | %.3f |\n", (unsigned long long)horizons[i],
               (double)alarms[i] / (double)runs);
    printf("\n");
}

/* ---- A band for the distribution functions ----------------------------------------------- */

/* Howard & Ramdas 2022, theorem 2, for half of alpha .05: one band for each arm. */
static double band(double t)
{
    return t < 32 ? 1 : .85 * sqrt((log(1 + log(t / 32)) + 8.623) / t);
}

static void bands(uint64_t runs)
{
    enum { MOST = 400000 };
    static ranked sorted[MOST];
    static unsigned char arms[MOST];
    double *const at = malloc(runs * sizeof *at);

    printf("| harm, CDF bands at .05 | runs | median requests |\n|---|--:|--:|\n");
    for (size_t h = 0; h < 4; h++) {
        for (uint64_t r = 0; r < runs; r++) {
            rng s = rng_seeded(r + 1);
            uint64_t n = 0, sorted_count = 0;

            at[r] = INFINITY;
            for (double look = 100; look <= MOST && at[r] > MOST; look *= 1.03) {
                double count[2] = {0, 0}, below[2] = {0, 0}, farthest = 0;

                for (; n < (uint64_t)look; n++) {
                    const int arm = rng_uniform(&s) < .5;

                    arms[n] = (unsigned char)arm;
                    sorted[n] = (ranked){law_draw(&s, harms[h].law) * (arm ? harms[h].factor : 1),
                                         (uint32_t)n};
                }
                if (n > sorted_count)
                    qsort(sorted, n, sizeof *sorted, by_value);
                sorted_count = n;
                for (uint64_t i = 0; i < n; i++)
                    count[arms[i]]++;
                for (uint64_t i = 0; i < n; i++) {
                    below[arms[sorted[i].at]]++;
                    const double gap = below[0] / count[0] - below[1] / count[1];
                    farthest = gap > farthest ? gap : farthest;
                }
                if (farthest > band(count[0]) + band(count[1]))
                    at[r] = (double)n;
            }
        }
        qsort(at, runs, sizeof *at, ascending);
        printf("| %s | %llu | %.0f |\n", harms[h].name, (unsigned long long)runs, at[runs / 2]);
        fflush(stdout);
    }
    printf("\n");
    free(at);
}

/* ---- A judge as Kayenta's is described ---------------------------------------------------- */

#define POINTS 60           /* of each arm, one a minute */

/* The 98 % confidence interval of the shift, from all differences between points (Hodges & Lehmann):
 * high if its lower end is above a quarter of the estimate. */
static int is_high(const double *baseline, const double *candidate, size_t n)
{
    static double differences[POINTS * POINTS];
    const double pairs = (double)n * (double)n;
    const double spread = 2.3263479 * sqrt(pairs * (2 * (double)n + 1) / 12);
    const double lower = floor(pairs / 2 - spread);

    if (lower < 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            differences[i * n + j] = candidate[i] - baseline[j];
    qsort(differences, n * n, sizeof *differences, ascending);
    return differences[(size_t)lower] > .25 * fabs(differences[n * n / 2]);
}

/* Minutes of points, of requests or of an autoregression; judged on the last hour every `every`
 * minutes from the first hour's end, or from `first` on. */
static double judged(uint64_t runs, double memory, double requests, double factor, size_t minutes,
                     size_t first, size_t every)
{
    enum { MOST = 480 };
    static double points[2][MOST];
    uint64_t fails = 0;

    for (uint64_t r = 0; r < runs; r++) {
        rng s = rng_seeded(r + 1);
        int is_failed = 0;

        for (int arm = 0; arm < 2; arm++) {
            double state = rng_normal(&s);

            for (size_t i = 0; i < minutes; i++) {
                double sum = 0;

                state = memory * state + sqrt(1 - memory * memory) * rng_normal(&s);
                for (int k = 0; k < (int)requests; k++)
                    sum += law_draw(&s, LAW_LOGNORMAL);
                points[arm][i] = (requests > 0 ? sum / requests : 100 + 10 * state) *
                                 (arm ? factor : 1);
            }
        }
        for (size_t end = first; end <= minutes && !is_failed; end += every) {
            const size_t n = end < POINTS ? end : POINTS;

            is_failed = is_high(points[0] + end - n, points[1] + end - n, n);
        }
        fails += (uint64_t)is_failed;
    }
    return (double)fails / (double)runs;
}

static void kayenta(uint64_t runs)
{
    printf("| a judge as Kayenta's is described, points of a minute | ever fails |\n|---|--:|\n");
    printf("| no change, independent points, once after an hour | %.3f |\n",
           judged(runs, 0, 0, 1, 60, 60, 5));
    printf("| the same, every 5 minutes of it | %.3f |\n", judged(runs, 0, 0, 1, 60, 10, 5));
    printf("| no change, AR(.8) points, once after an hour | %.3f |\n",
           judged(runs, .8, 0, 1, 60, 60, 5));
    printf("| the same, every 5 minutes of it | %.3f |\n", judged(runs, .8, 0, 1, 60, 10, 5));
    printf("| the same, of 8 hours | %.3f |\n", judged(runs / 4, .8, 0, 1, 480, 10, 5));
    printf("| +10 %% in means of 25 lognormal requests each, once after an hour | %.3f |\n",
           judged(runs / 4, 0, 25, 1.1, 60, 60, 5));
    printf("| +10 %% in means of 100 | %.3f |\n", judged(runs / 4, 0, 100, 1.1, 60, 60, 5));
}

int main(int argc, char **argv)
{
    const uint64_t runs = argc > 1 ? (uint64_t)atoll(argv[1]) : 1000;

    fixed_size();
    peeking(runs);
    kayenta(runs);
    printf("\n");
    bands(runs / 20 + 1);
    return 0;
}
