/* The calibrator: the ring of block maxima, the law fitted to it, and the stage that turns
 * statistics into rates with them. */
#include <float.h>
#include <math.h>

#include "calibrate/tail.h"
#include "pipeline/stage.h"
#include "state/maxima.h"
#include "../support/rng.h"
#include "../support/suite.h"

extern const tocsin__stage tocsin__stage_tail, tocsin__stage_raw;

#define expect(condition) require(condition, "expected: %s", #condition)

/* ---- The ring --------------------------------------------------------------- */

START_TEST(levels_roundupwards)
{
    rng r = rng_seeded(1);

    ck_assert_uint_eq(tocsin__level_code(0), 0);
    ck_assert_uint_eq(tocsin__level_code(-1), 0);
    ck_assert_uint_eq(tocsin__level_code(NAN), 0);
    ck_assert_uint_eq(tocsin__level_code(DBL_TRUE_MIN), 1);
    ck_assert_uint_eq(tocsin__level_code(INFINITY), UINT16_MAX);
    ck_assert_uint_eq(tocsin__level_code(1e308), UINT16_MAX);
    for (int round = 0; round < 100000; round++) {
        const double level = 63.9 * rng_uniform(&r) * rng_uniform(&r);
        const double kept = tocsin__level_of(tocsin__level_code(level));

        expect(kept >= level && kept - level < 1.0 / TOCSIN__LEVEL_UNIT);
        expect(tocsin__level_code(kept) == tocsin__level_code(level));
    }
}
END_TEST

/* Against a plain list that shifts its elements. */
START_TEST(ring_is_a_list_that_forgets)
{
    rng r = rng_seeded(2);
    tocsin__maxima ring = {{0}, 0, 0};
    uint16_t list[TOCSIN__MAXIMA + 1];
    size_t count = 0;

    for (int round = 0; round < 20000; round++) {
        if (count == TOCSIN__MAXIMA && rng_below(&r, 20) == 0) {
            tocsin__maxima_join(&ring);
            count /= 2;
            for (size_t k = 0; k < count; k++)
                list[k] = list[2 * k] > list[2 * k + 1] ? list[2 * k] : list[2 * k + 1];
        } else {
            const uint16_t code = (uint16_t)rng_u64(&r);

            tocsin__maxima_push(&ring, code);
            list[count++] = code;
            if (count > TOCSIN__MAXIMA) {
                memmove(list, list + 1, TOCSIN__MAXIMA * sizeof list[0]);
                count = TOCSIN__MAXIMA;
            }
        }
        expect(ring.count == count);
        for (size_t k = 0; k < count; k++)
            expect(ring.level[(ring.first + k) % TOCSIN__MAXIMA] == list[k]);
    }
}
END_TEST

static int compare_descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* The fit's definition, written down a second time: clusters by a scan over a list of doubles,
 * the second moment as half the mean of the smaller of two excesses, over all pairs. */
static void fit_slowly(const tocsin__maxima *ring, double length, double seen, tocsin__tail *tail)
{
    double block[TOCSIN__MAXIMA], sorted[TOCSIN__MAXIMA], peak[TOCSIN__MAXIMA];
    const size_t n = ring->count, top = n < 16 ? 4 : n / 4;
    size_t above = 0, m = 0, reach = 0;
    double sum = 0, pairs = 0, a0, a1, shape = 0;
    const double weight = seen < 128 ? 1.5 * (1 - seen / 128) : 0;

    for (size_t i = 0; i < n; i++)
        sorted[i] = block[i] = ring->level[(ring->first + i) % TOCSIN__MAXIMA] / 1024.0;
    qsort(sorted, n, sizeof sorted[0], compare_descending);
    tail->threshold = (sorted[top - 1] + sorted[top]) / 2;
    for (size_t i = 0; i < n; i++) {
        reach += block[i] >= tail->threshold;
        if (block[i] <= tail->threshold)
            continue;
        above++;
        if (i > 0 && block[i - 1] > tail->threshold)
            peak[m - 1] = fmax(peak[m - 1], block[i]);
        else
            peak[m++] = block[i];
    }
    tail->blocks = (uint32_t)n;
    tail->clusters = (uint32_t)m;
    qsort(peak, m, sizeof peak[0], compare_descending);
    for (size_t i = 0; i < m; i++) {
        tail->cluster[i] = peak[i];
        sum += peak[i] - tail->threshold;
        for (size_t k = 0; k < m; k++)
            if (k != i)
                pairs += fmin(peak[i], peak[k]) - tail->threshold;
    }
    tail->scale = weight > 0 ? 0.3 : 0.005;
    tail->median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;

    /* From 128 points on the prior goes over, doubling by doubling, to what Gumbel's law has for
     * so wide a middle. */
    const double middle = fmin(0.5, fmax(0.03, (tail->threshold - tail->median) / 0.87939));
    const double doublings = fmin(3, fmax(0, log2(length) - 7));
    const double prior = (0.12 * (3 - doublings) + middle * doublings) / 3;

    if (m > 0) {
        a0 = sum / (double)m;
        if (m > 1) {
            a1 = pairs / (double)(m * (m - 1)) / 2;
            shape = a0 - 2 * a1 < 1e-9 ? 100 : fmin(100, a0 / (a0 - 2 * a1) - 2);
            shape = shape * (double)m / ((double)m + 15);
            shape = fmax(-0.5, fmin(0.4, shape));
        }
        tail->scale = (1 + 1 / (double)m) * (a0 * (1 + shape) + prior * weight) /
                      (1 + weight);
        tail->scale = fmax(0.005, tail->scale);
    }
    tail->shape = shape;
    tail->rate = m > 0 ? -log(1 - (double)above / (double)n) * (double)m / (double)above : 0;
    tail->reach = -log(1 - fmin((double)reach, (double)n - 0.5) / (double)n);
}

START_TEST(fit_agrees_with_its_definition)
{
    rng r = rng_seeded(3);

    for (int round = 0; round < 20000; round++) {
        tocsin__maxima ring = {{0}, 0, 0};
        const size_t count = 8 + rng_below(&r, 40);
        /* From nearly continuous to heavily tied. */
        const double grain = pow(2, -(double)rng_below(&r, 11));
        const double seen = (double)rng_below(&r, 100);
        const double length = pow(2, 2 + (double)rng_below(&r, 12));
        tocsin__tail fast, slow;

        for (size_t k = 0; k < count; k++)
            tocsin__maxima_push(&ring, tocsin__level_code(
                                           grain * floor(-log(1 - rng_uniform(&r)) / grain)));
        tocsin__maxima_fit(&ring, length, seen, &fast);
        fit_slowly(&ring, length, seen, &slow);
        expect(fast.blocks == slow.blocks && fast.clusters == slow.clusters);
        for (size_t k = 0; k < fast.clusters; k++)
            expect(fast.cluster[k] == slow.cluster[k]);
        expect(fast.threshold == slow.threshold && fast.median == slow.median);
        expect(fabs(fast.scale - slow.scale) < 1e-9);
        expect(fabs(fast.shape - slow.shape) < 1e-6);
        expect(fabs(fast.rate - slow.rate) < 1e-12);
        expect(fabs(fast.reach - slow.reach) < 1e-12);
    }
}
END_TEST

/* The law is the generalised Pareto law where that is not near its end, goes on without a step or a
 * kink, and its inverse is its inverse. */
START_TEST(law_is_continuous_and_inverts)
{
    static const double shapes[] = {-0.5, -0.2, -1e-5, 0, 1e-5, 0.01, 0.2, 0.4};

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const double shape = shapes[i], scale = 0.7;
        double before = -1, slope = 0;

        for (double x = 0; x < 60; x += 0.01) {
            const double rarity = tocsin__excess_rarity(scale, shape, x);
            const double left = 1 - shape * x / scale;

            expect(isfinite(rarity) && rarity > before);
            expect(fabs(tocsin__excess_of(scale, shape, rarity) - x) < 1e-9 * (1 + x));
            if (fabs(shape) < 1e-9)
                expect(fabs(rarity - x / scale) < 1e-12 * (1 + rarity));
            else if (fabs(shape) > 1e-3 && left > 0.1)
                expect(fabs(rarity + log(left) / shape) < 1e-9 * (1 + rarity));
            if (x > 0.02)
                expect(fabs(rarity - before - slope) < 0.12 * slope + 1e-12);
            slope = x > 0 ? rarity - before : 0;
            before = rarity;
        }
    }
}
END_TEST

/* ---- The stage ---------------------------------------------------------------- */

/* The stage by itself: fed statistics directly, at regular steps. */
typedef struct {
    uint64_t constants[32];
    uint64_t state[64];
    tocsin__context context;
    int64_t step;
} calibrator;

static void calibrator_start(calibrator *c, int64_t step, uint32_t tiers, int64_t first,
                             int64_t second)
{
    tocsin__complaint complaint;
    tocsin__shape shape;

    memset(c, 0, sizeof *c);
    memset(&shape, 0, sizeof shape);
    c->step = step;
    c->context.tier_count = tiers;
    c->context.period[0] = first;
    c->context.period[1] = second;
    ck_assert_uint_le(tocsin__stage_tail.constants_size, sizeof c->constants);
    ck_assert_uint_le(tocsin__stage_tail.layout.size, sizeof c->state);
    ck_assert_int_eq(tocsin__stage_tail.resolve(NULL, &c->context, c->constants, &shape,
                                                &complaint), TOCSIN_OK);
    tocsin__stage_tail.init(c->constants, c->state);
}

static tocsin__rarity calibrator_rank(const calibrator *c, double statistic)
{
    tocsin__point point = {0};
    tocsin__reading reading = {.channel = {statistic}};
    tocsin__rarity rarity = {0};

    point.elapsed = c->step;
    tocsin__stage_tail.rank_point(c->constants, c->state, &point, &reading, 1, &rarity);
    return rarity;
}

/* Seconds that count as history. */
static double calibrator_history(const calibrator *c)
{
    tocsin_explanation explanation = {.struct_size = sizeof explanation};
    const tocsin__reading reading = {.channel = {0}};

    tocsin__stage_tail.explain(c->constants, c->state, &reading, &explanation);
    return explanation.history;
}

static void calibrator_learn(calibrator *c, int64_t elapsed, double statistic)
{
    tocsin__point point = {0};
    tocsin__reading reading = {.channel = {statistic}};
    const tocsin__rarity rarity = {0};

    point.elapsed = elapsed;
    tocsin__stage_tail.learn_rank(c->constants, c->state, &point, &reading, 1, &rarity);
}

static tocsin__rarity calibrator_push(calibrator *c, double statistic)
{
    const tocsin__rarity rarity = calibrator_rank(c, statistic);

    calibrator_learn(c, c->step, statistic);
    return rarity;
}

START_TEST(nothing_is_said_before_there_is_something_to_say)
{
    calibrator c;
    rng r = rng_seeded(4);
    size_t silent = 0;

    calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
    for (;; silent++) {
        const tocsin__rarity rarity = calibrator_push(&c, fabs(rng_normal(&r)));

        if (!isnan(rarity.score))
            break;
        ck_assert(isnan(tocsin__period(&rarity)) && isnan(rarity.limit[0]));
        ck_assert_uint_eq(rarity.flags, TOCSIN_FLAG_WARMING);
        ck_assert_uint_eq(rarity.exceeds, 0);
    }
    ck_assert_uint_eq(silent, 64);
    ck_assert_uint_eq(tocsin__stage_tail.warmup(c.constants), silent);

    const tocsin__rarity missing = calibrator_rank(&c, NAN);

    ck_assert(isnan(missing.score) && isnan(tocsin__period(&missing)));
    ck_assert_uint_eq(missing.flags & TOCSIN_FLAG_WARMING, TOCSIN_FLAG_WARMING);
}
END_TEST

/* A year's budget after a day: scored, but no verdict can ring. */
START_TEST(short_history_scores_but_does_not_ring)
{
    calibrator c;
    rng r = rng_seeded(5);
    const double needed = 365 * 86400.0 / 100;
    int rang = 0;

    calibrator_start(&c, TOCSIN_MINUTE, 1, 365 * TOCSIN_DAY, 0);
    for (int i = 0; i < 6000; i++) {
        const tocsin__rarity huge = calibrator_rank(&c, 1e9);
        const double history = calibrator_history(&c);

        calibrator_push(&c, fabs(rng_normal(&r)));
        if (isnan(huge.score))
            continue;
        if (huge.flags & TOCSIN_FLAG_SHORT_HISTORY) {
            ck_assert(isnan(huge.limit[0]));
            ck_assert_uint_eq(huge.exceeds, 0);
            /* Limits are drawn at the end of a block, by then of 256 points at most. */
            ck_assert_double_lt(history, needed + 256 * 60);
        } else {
            ck_assert_double_ge(history, needed);
            ck_assert_uint_eq(huge.exceeds, 1);
            rang = 1;
        }
    }
    ck_assert(rang);
}
END_TEST

/* For whatever has been learnt: the score is a number >= 0 that never falls as the statistic
 * rises, the limits are the points where it passes the budgets, the return period is its other
 * face. */
static void check_curve(const calibrator *c)
{
    double before = 0;

    for (double x = 0; x < 1e308; x = x < 1e-3 ? x + 1e-4 : x * 1.003) {
        const tocsin__rarity rarity = calibrator_rank(c, x);

        expect(isfinite(rarity.score) && rarity.score >= before - 1e-9);
        before = rarity.score;
        expect(isfinite(tocsin__period(&rarity)));
        expect(fabs(tocsin__period(&rarity) / (rarity.step * pow(10, rarity.score)) - 1) < 1e-9);
        for (uint32_t t = 0; t < c->context.tier_count; t++) {
            const double budget = (double)c->context.period[t] * 1e-9;

            expect((rarity.exceeds >> t & 1) == (x > rarity.limit[t] && rarity.limit[t] < 9e26));
            if (x > rarity.limit[t] && rarity.limit[t] < 9e26)
                expect(tocsin__period(&rarity) >= budget * (1 - 1e-6));
            else if (x <= rarity.limit[t])
                expect(tocsin__period(&rarity) <= budget * (1 + 1e-6));
        }
    }
    ck_assert(isfinite(calibrator_rank(c, INFINITY).score));
    for (uint32_t t = 0; t < c->context.tier_count; t++) {
        const double limit = calibrator_rank(c, 1).limit[t];

        if (!isnan(limit))
            ck_assert_uint_eq(calibrator_rank(c, limit).exceeds >> t & 1, 0);
    }
}

enum { GAUSSIAN, HEAVY, COUNTS, CONSTANT, STILL, HUGE_ONES, STATISTICS };

static double draw(rng *r, int kind)
{
    switch (kind) {
    case GAUSSIAN: return fabs(rng_normal(r));
    case HEAVY: return pow(1 - rng_uniform(r), -0.5) - 1;
    case COUNTS: return floor(-2 * log(1 - rng_uniform(r)));
    case CONSTANT: return 0.7;
    case HUGE_ONES: return 1e300 * rng_uniform(r);
    default: return 0;
    }
}

START_TEST(score_and_limits_are_one_curve)
{
    calibrator c;
    rng r = rng_seeded(6 + (uint64_t)_i);

    calibrator_start(&c, TOCSIN_MINUTE, 2, TOCSIN_DAY, TOCSIN_WEEK);
    for (int i = 0; i < 40000; i++) {
        calibrator_push(&c, draw(&r, _i));
        if (i == 100 || i == 300 || i == 2000 || i == 39999)
            check_curve(&c);
    }
}
END_TEST

/* What is always the same never rings, nor does less than one deviation, however still it was. */
START_TEST(still_series_are_silent)
{
    static const double constant[] = {0, 0.3, 1, 7.123456, 1e9, 1e307};

    for (size_t i = 0; i < sizeof constant / sizeof constant[0]; i++) {
        calibrator c;

        calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
        for (int round = 0; round < 20000; round++)
            expect(calibrator_push(&c, constant[i]).exceeds == 0);
        ck_assert_uint_eq(calibrator_rank(&c, 0.99).exceeds, 0);
    }
}
END_TEST

/* Clusters per return period, over many periods of independent statistics. */
static double observed_over_promised(int kind, int64_t step, int64_t period, int periods,
                                     uint64_t seed)
{
    calibrator c;
    rng r = rng_seeded(seed);
    const int64_t points = periods * (period / step);
    const int64_t apart = period / 24 / step;
    int64_t last = -apart;
    int clusters = 0;

    calibrator_start(&c, step, 1, period, 0);
    for (int64_t i = 0; i < points; i++) {
        if (!calibrator_push(&c, draw(&r, kind)).exceeds)
            continue;
        clusters += i - last >= apart;
        last = i;
    }
    return (double)clusters / periods;
}

START_TEST(promises_are_kept)
{
    static const int kinds[] = {GAUSSIAN, HEAVY, COUNTS};
    static const int64_t steps[] = {TOCSIN_MINUTE, 5 * TOCSIN_MINUTE, TOCSIN_HOUR};

    for (size_t k = 0; k < 3; k++)
        for (size_t s = 0; s < 3; s++) {
            const double ratio = observed_over_promised(kinds[k], steps[s], TOCSIN_DAY, 400, k);

            ck_assert_msg(ratio > 0.5 && ratio < 2, "kind %d at step %d: %.2f", kinds[k],
                          (int)(steps[s] / TOCSIN_SECOND), ratio);
        }
}
END_TEST

/* Only ratios of times matter, where there is no season: everything a thousand times faster gives the
 * same scores. */
START_TEST(time_has_no_unit)
{
    calibrator slow, fast;
    rng r = rng_seeded(9);

    calibrator_start(&slow, TOCSIN_SECOND, 1, TOCSIN_HOUR, 0);
    calibrator_start(&fast, TOCSIN_MILLISECOND, 1, TOCSIN_HOUR / 1000, 0);
    for (int round = 0; round < 30000; round++) {
        const double statistic = draw(&r, HEAVY);
        const tocsin__rarity a = calibrator_push(&slow, statistic);
        const tocsin__rarity b = calibrator_push(&fast, statistic);

        expect(!isnan(a.score) == !isnan(b.score));
        expect(a.exceeds == b.exceeds);
        if (!isnan(a.score))
            expect(fabs(a.score - b.score) < 1e-9 &&
                   fabs(tocsin__period(&a) - 1000 * tocsin__period(&b)) <
                       1e-6 * tocsin__period(&a));
    }
}
END_TEST

/* A year's gap is no history: it neither lets a budget ring nor spoils the mean step. */
START_TEST(gaps_add_no_history)
{
    calibrator c;
    rng r = rng_seeded(10);

    calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_WEEK, 0);
    for (int i = 0; i < 1000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));

    const double before = calibrator_history(&c);

    calibrator_learn(&c, 365 * TOCSIN_DAY, 1);
    for (int i = 0; i < 1000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));

    const tocsin__rarity after = calibrator_rank(&c, 1);

    ck_assert_double_le(calibrator_history(&c), before + 1010 * 60);
    ck_assert_double_eq_tol(after.step, 60, 5);
}
END_TEST

/* Points that come every second where they came every minute: promises are in time, so the mean
 * step must follow. */
START_TEST(mean_step_follows)
{
    calibrator c;
    rng r = rng_seeded(11);

    calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
    for (int i = 0; i < 20000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    ck_assert_double_eq_tol(calibrator_rank(&c, 1).step, 60, 1e-6);
    c.step = TOCSIN_SECOND;
    for (int i = 0; i < 400000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    ck_assert_double_eq_tol(calibrator_rank(&c, 1).step, 1, 0.2);
    c.step = TOCSIN_HOUR;
    for (int i = 0; i < 400000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    ck_assert_double_eq_tol(calibrator_rank(&c, 1).step, 3600, 400);
}
END_TEST

/* An outage of a day, eight blocks of this budget, raises the limit by a factor, not by itself, and
 * only for some days. */
START_TEST(an_outage_does_not_deafen)
{
    calibrator c;
    rng r = rng_seeded(12);
    const int day = 288;
    double before;

    calibrator_start(&c, 5 * TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
    for (int i = 0; i < 60 * day; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    before = calibrator_rank(&c, 1).limit[0];
    for (int i = 0; i < day; i++)
        calibrator_push(&c, 1e6);
    ck_assert_double_lt(calibrator_rank(&c, 1).limit[0], 5 * before);
    for (int i = 0; i < 5 * day; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    ck_assert_double_lt(calibrator_rank(&c, 1).limit[0], 1.3 * before);
}
END_TEST

/* What the history does not reach comes from the tail, and is flagged. */
START_TEST(extrapolation_is_flagged)
{
    calibrator c;
    rng r = rng_seeded(13);
    double largest = 0;

    calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
    for (int i = 0; i < 5000; i++) {
        const double statistic = draw(&r, GAUSSIAN);

        largest = fmax(largest, statistic);
        calibrator_push(&c, statistic);
    }
    ck_assert_uint_eq(calibrator_rank(&c, 1).flags & TOCSIN_FLAG_EXTRAPOLATED, 0);
    ck_assert_uint_ne(calibrator_rank(&c, 3 * largest).flags & TOCSIN_FLAG_EXTRAPOLATED, 0);
}
END_TEST

START_TEST(the_largest_channel_speaks)
{
    static const tocsin__stage *const stages[] = {&tocsin__stage_tail, &tocsin__stage_raw};
    calibrator c;
    rng r = rng_seeded(14);
    tocsin__point point = {0};
    tocsin__reading reading = {.channel = {NAN, 2, 7, 5}};

    calibrator_start(&c, TOCSIN_MINUTE, 1, TOCSIN_DAY, 0);
    for (int i = 0; i < 5000; i++)
        calibrator_push(&c, draw(&r, GAUSSIAN));
    for (size_t i = 0; i < 2; i++) {
        tocsin__rarity rarity = {0};

        stages[i]->rank_point(c.constants, c.state, &point, &reading, 4, &rarity);
        ck_assert_uint_eq(rarity.channel, 2);
        ck_assert_double_eq(rarity.score, stages[i]->score_of(c.constants, c.state, 2, 7));
        stages[i]->rank_point(c.constants, c.state, &point, &reading, 1, &rarity);
        ck_assert(isnan(rarity.score));
        ck_assert_uint_ne(rarity.flags & TOCSIN_FLAG_WARMING, 0);
    }
}
END_TEST

/* What a bank keeps of a state is all of it: the curve is drawn again to the last bit, and what is
 * said without it is the same. */
START_TEST(packing_loses_nothing)
{
    const uint32_t tiers = _i & 1 ? 2 : 1;
    const size_t size = tocsin__tail_record_size(tiers);
    calibrator c;
    rng r = rng_seeded(14 + (uint64_t)_i);
    tocsin__tail_state unpacked;
    uint8_t record[TOCSIN__TAIL_RECORD + 8];

    calibrator_start(&c, TOCSIN_MINUTE, tiers, _i & 2 ? TOCSIN_HOUR : TOCSIN_WEEK, 4 * TOCSIN_WEEK);
    for (int i = 0; i < 20000; i++) {
        const tocsin__tail_state *s = (const void *)c.state;
        const double statistic = draw(&r, i / 5000 % 2 ? HEAVY : GAUSSIAN);

        if (rng_below(&r, 2000) == 0)
            c.step = (int64_t)(1 + rng_below(&r, 600)) * TOCSIN_SECOND / (_i & 4 ? 1000 : 1);
        calibrator_learn(&c, rng_below(&r, 50) ? c.step : c.step * 5, statistic);
        memset(record, 0xa5, sizeof record);
        tocsin__tail_pack(s, tiers, record);
        for (size_t b = size; b < sizeof record; b++)
            ck_assert_uint_eq(record[b], 0xa5);

        memset(&unpacked, 0x5a, sizeof unpacked);
        memset(unpacked.spare, 0, sizeof unpacked.spare);
        tocsin__tail_unpack(record, tiers, &unpacked);
        unpacked.maximum = s->maximum;
        unpacked.elapsed = s->elapsed;
        unpacked.points = s->points;
        unpacked.body = s->body;
        unpacked.slope = s->slope;
        unpacked.limit[0] = s->limit[0];
        if (i % 7 == 0) {
            calibrator undrawn = c;
            const double tried = draw(&r, HEAVY);
            tocsin__rarity said, expected;

            memcpy(undrawn.state, &unpacked, sizeof unpacked);
            said = calibrator_rank(&undrawn, tried);
            expected = calibrator_rank(&c, tried);
            require(memcmp(&said, &expected, sizeof said) == 0, "point %d: %g is %g, not %g", i,
                    tried, said.score, expected.score);
        }
        tocsin__tail_complete(c.constants, &unpacked);
        require(memcmp(&unpacked, s, sizeof unpacked) == 0, "point %d: %s", i,
                tocsin__layout_compare(&tocsin__stage_tail.layout,
                                       &(tocsin__shape){TOCSIN__MIXED, {0}}, s, &unpacked));
    }
}
END_TEST

START_TEST(raw_passes_the_statistic_on)
{
    tocsin__point point = {0};
    tocsin__reading reading = {.channel = {3.25}};
    tocsin__rarity rarity = {0};

    tocsin__stage_raw.rank_point(NULL, NULL, &point, &reading, 1, &rarity);
    ck_assert_double_eq(rarity.score, 3.25);
    ck_assert(isnan(tocsin__period(&rarity)) && isnan(rarity.limit[0]) && isnan(rarity.limit[1]));
    ck_assert_uint_eq(rarity.flags, 0);
    reading.channel[0] = INFINITY;
    tocsin__stage_raw.rank_point(NULL, NULL, &point, &reading, 1, &rarity);
    ck_assert(isfinite(rarity.score));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tail");
    TCase *ring = suite_case(s, "ring");
    TCase *stage = suite_case(s, "stage");

    tcase_add_test(ring, levels_roundupwards);
    tcase_add_test(ring, ring_is_a_list_that_forgets);
    tcase_add_test(ring, fit_agrees_with_its_definition);
    tcase_add_test(ring, law_is_continuous_and_inverts);
    tcase_add_test(stage, nothing_is_said_before_there_is_something_to_say);
    tcase_add_test(stage, short_history_scores_but_does_not_ring);
    tcase_add_loop_test(stage, score_and_limits_are_one_curve, 0, STATISTICS);
    tcase_add_test(stage, still_series_are_silent);
    tcase_add_test(stage, promises_are_kept);
    tcase_add_test(stage, time_has_no_unit);
    tcase_add_test(stage, gaps_add_no_history);
    tcase_add_test(stage, mean_step_follows);
    tcase_add_test(stage, an_outage_does_not_deafen);
    tcase_add_test(stage, extrapolation_is_flagged);
    tcase_add_test(stage, the_largest_channel_speaks);
    tcase_add_test(stage, raw_passes_the_statistic_on);
    tcase_add_loop_test(suite_long_case(s, "packing"), packing_loses_nothing, 0, 8);
    return s;
}

TOCSIN_TEST_MAIN(suite)
