/* levels.c - how high is a value? Running quantiles of both arms together.
 *
 * Model.  17 running quantiles of the logarithm of what was observed cut the line into 18 levels;
 * which one a value falls in is its rank, coarsely.  A bet on a value's arm may use its level, for
 * the quantiles depend on earlier values alone.  They need not be right: a quantile that is off
 * costs power, never validity.
 *
 * Formula.  The first 16 values stand in for the quantiles of the law, then the first 32, then
 * 64, the outer ones (from .99) extrapolated from the median and q90 as if normal.  Of fewer than
 * 64 values the quantiles that 1 of n does not reach are out of reach of all: a first guess at
 * them would be bet on as if it were known.  From then on each quantile takes a step after every
 * 16 values:
 *
 *     q += a s kappa (16 tau - number of the 16 that are not above q)
 *
 * with a = max(1/n, .002), for the outer ones (from .975) max(1/n, .001), where n is how many
 * values were seen; s a running scale, 1.2533 times the mean distance from the median, each at
 * most 3 s; and kappa = sqrt(2 pi) e^(z^2/2), at most 300, what the density of a normal law at that
 * quantile asks for.  Steps that cross are put in order again.
 *
 * Logarithms are whole numbers of 2^-21, half a millionth of a value: integers compare several at
 * a time.
 *
 * Reference.  Robbins & Monro, "A stochastic approximation method", Ann. Math. Stat. 22 (1951).
 *
 * Cost.  Finding a level takes six comparisons, a step some 50 operations every 16 values.
 *
 * How it fails.  Where all values are equal, so are the quantiles, and the levels say nothing.  A
 * jump of the whole law takes some hundred values to follow.
 */
#include "gate.h"

const double tocsin__tau[TOCSIN__TAUS] = {.01, .03, .07, .13, .2, .3, .4, .5, .6,
                                          .7, .8, .9, .95, .975, .99, .995, .999};

/* Of each level's middle; the last is that of a timeout, which ranks with the highest. */
const double tocsin__level_z[TOCSIN__CELLS] = {
    -2.5758293035488999, -2.0537489106318225,  -1.6448536269514726, -1.2815515655446008,
    -0.97411387705930896, -0.67448975019608171, -0.38532046640756762, -0.12566134685507399,
    0.12566134685507399, 0.38532046640756762, 0.67448975019608171, 1.0364333894937903,
    1.4395314709384559, 1.7804643416920243, 2.1083583991691071, 2.4323790585844427,
    2.7477813854449917, 3.2905267314919255, 3.2905267314919255};

/* sqrt(2 pi) e^(z^2 / 2) at each quantile. */
static const double levels_kappa[TOCSIN__TAUS] = {
    37.520436157295130, 14.696815408476850, 7.4477957239505228, 4.7271241760553728,
    3.5719143465773615, 2.8761036592642921, 2.5883766691407439, 2.5066282746310002,
    2.5883766691407439, 2.8761036592642921, 3.5719143465773615, 5.6980598561170055,
    9.6959692727015536, 17.110083080332693, 37.520436157295130, 69.157522242162727,
    296.99235158923068};

/* z of the outer quantiles, over that of q90. */
static const double levels_reach[TOCSIN__TAUS - 14] = {1.8152527, 2.0099300, 2.4113202};

#define LEVELS_FIRST_OUTER 14       /* extrapolated at first */
#define LEVELS_FIRST_SLOW 13
/* Where all values are equal, a scale of nothing would never let go of them. */
#define LEVELS_SMALLEST_SCALE 1e-4

static void levels_order(tocsin__levels *levels)
{
    for (size_t j = 1; j < TOCSIN__TAUS; j++)
        if (levels->q[j] < levels->q[j - 1])
            levels->q[j] = levels->q[j - 1];
}

static void levels_sort(int32_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const int32_t value = values[i];
        size_t at = i;

        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

/* A quantile of n sorted values, between neighbours where it falls between. */
static double levels_sample(const int32_t *sorted, size_t n, double tau)
{
    const double at = tau * (double)(n - 1);
    const size_t below = (size_t)at;
    const size_t above = below + 1 < n ? below + 1 : below;

    return (sorted[below] + (at - (double)below) * ((double)sorted[above] - sorted[below])) *
           TOCSIN__LOG_UNIT;
}

/* All from n sorted values. */
static void levels_begin(tocsin__levels *levels, const int32_t *sorted, size_t n)
{
    const size_t trimmed = 2;
    const double median = levels_sample(sorted, n, .5), q90 = levels_sample(sorted, n, .9);
    double sum = 0, squares = 0, mean, deviation;

    for (size_t j = 0; j < TOCSIN__TAUS; j++) {
        if (n < TOCSIN__START && (1 - tocsin__tau[j]) * (double)n < 1)
            levels->q[j] = INT32_MAX;
        else if (j < LEVELS_FIRST_OUTER)
            levels->q[j] = tocsin__fixed_log(levels_sample(sorted, n, tocsin__tau[j]));
        else
            levels->q[j] = tocsin__fixed_log(
                median + levels_reach[j - LEVELS_FIRST_OUTER] * (q90 - median));
    }
    levels_order(levels);

    for (size_t i = trimmed; i < n - trimmed; i++)
        sum += sorted[i] * TOCSIN__LOG_UNIT;
    mean = sum / (double)(n - 2 * trimmed);
    for (size_t i = trimmed; i < n - trimmed; i++) {
        const double away = sorted[i] * TOCSIN__LOG_UNIT - mean;

        squares += away * away;
    }
    deviation = tocsin__sqrt(squares / (double)(n - 2 * trimmed));
    levels->scale = tocsin__max(
        tocsin__max((levels_sample(sorted, n, .75) - levels_sample(sorted, n, .25)) / 1.349,
                    deviation),
        LEVELS_SMALLEST_SCALE);
    levels->deviation = 0;
    memset(levels->batch, 0, sizeof levels->batch);
}

void tocsin__levels_start(tocsin__levels *levels, int32_t start[TOCSIN__START], int32_t v)
{
    start[levels->seen++] = v;
    /* 16, 32 and 64. */
    if (levels->seen >= TOCSIN__FIRST_RANKED && (levels->seen & (levels->seen - 1)) == 0) {
        int32_t sorted[TOCSIN__START];

        memcpy(sorted, start, levels->seen * sizeof *start);
        levels_sort(sorted, levels->seen);
        levels_begin(levels, sorted, levels->seen);
    }
}

void tocsin__levels_step(tocsin__levels *levels)
{
    const double slowest = 1 / (double)levels->seen;
    const double pace = tocsin__max(slowest, .002), outer = tocsin__max(slowest, .001);
    double below = 0;

    for (size_t j = 0; j < TOCSIN__TAUS; j++) {
        const double a = j < LEVELS_FIRST_SLOW ? pace : outer;

        below += levels->batch[j];
        levels->q[j] = tocsin__fixed_log(
            levels->q[j] * TOCSIN__LOG_UNIT +
            a * levels->scale * levels_kappa[j] * (16 * tocsin__tau[j] - below));
    }
    levels_order(levels);
    levels->scale += 16 * pace * (1.2533 * levels->deviation / 16 - levels->scale);
    levels->scale = tocsin__max(levels->scale, LEVELS_SMALLEST_SCALE);
    levels->deviation = 0;
    levels->seen = levels->seen > UINT32_MAX - 16 ? UINT32_MAX : levels->seen + 16;
    memset(levels->batch, 0, sizeof levels->batch);
}
