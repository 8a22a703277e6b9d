/* ewma_template.h - the kernel of lib/detect/ewma.c: a template, included once per instance,
 * after its lanes and residual_template.h.
 *
 * A group is lane_width neighbouring series.  Two ways lead through it.
 *
 * The exact way does all that ewma_score and ewma_learn do, under masks: warm-up, missing values,
 * crossings of the limit, and lanes that are not to be touched.
 *
 * The quick way is for groups in which every lane has an ordinary value, has its final gain and
 * stays within the clip.  It looks first, and has changed nothing where a group is
 * not one of those.  When nobody asks for statistics it takes no square root and no division, the
 * only operations that wide processors do slowly:
 *
 *     |d| <= limit deviation    if    d^2 <= limit^2 w (1 - margin),  w = max(variance, floor^2)
 *
 * where the margin outweighs all roundings on both sides.  So it is told for the clip (with the
 * variance alone, which is less), for a calibrator's bar and for its largest statistic so far.
 *
 * Cost: bound by memory without statistics, with them by the processor's divider.
 */
#include "kernels.h"
#include "mathx.h"

#define ewma_lanes LANES_NAME(ewma_lanes)
#define ewma_tile LANES_NAME(ewma_tile)
#define ewma_lanes_set LANES_NAME(ewma_lanes_set)
#define ewma_tile_at LANES_NAME(ewma_tile_at)
#define ewma_values LANES_NAME(ewma_values)
#define ewma_next_variance LANES_NAME(ewma_next_variance)
#define ewma_is_full LANES_NAME(ewma_is_full)
#define ewma_is_below LANES_NAME(ewma_is_below)
#define ewma_exact LANES_NAME(ewma_exact)
#define ewma_quick LANES_NAME(ewma_quick)
#define ewma_run LANES_NAME(ewma_run)
#define ewma_kernel LANES_NAME(ewma_kernel)

#ifndef EWMA_MARGIN
#define EWMA_MARGIN 1e-12           /* of a squared limit */
#define EWMA_CLIP_SQUARED_MAX 1e36  /* no residual within is beyond the largest reach */
#define EWMA_BAR_MIN 1e-9           /* below lower ones squares might underflow */
/* What became of a tile's lanes.  Bit k is lane k. */
typedef struct {
    uint64_t learnt, left;
    uint64_t full, calm;            /* they are so now; see TOCSIN__TILE_* */
} ewma_marks;
#endif

/* A job's constants, each in all lanes. */
typedef struct {
    lane_residual rules;
    lane_f64 gain, rest;            /* rest: 1 - gain */
    lane_f64 variance_min, variance_max, reach_max;
    lane_f64 clip_squared;
    lane_f64 value_max, statistic_max, warmup;
} ewma_lanes;

/* Where a tile's columns are. */
typedef struct {
    double *mean;
    float *variance, *reach, *maximum;
    const float *bar;
    uint16_t *count, *habit, *outside;
    const char *values;
    double *statistics;
    int is_float;
} ewma_tile;

static TOCSIN__INLINE ewma_lanes ewma_lanes_set(const tocsin__ewma_job *job)
{
    ewma_lanes c;

    c.rules = lane_residual_set(job->floor, job->floor_relative, job->floor_history, job->clip,
                                job->per_window, job->fade, job->window);
    c.gain = lane_set(job->gain);
    c.rest = lane_set(1 - job->gain);
    c.variance_min = lane_set(job->variance_min);
    c.variance_max = lane_set(job->variance_max);
    c.reach_max = lane_set(job->reach_max);
    c.clip_squared = lane_set(tocsin__min(job->clip * job->clip, EWMA_CLIP_SQUARED_MAX) *
                              (1 - EWMA_MARGIN));
    c.value_max = lane_set(TOCSIN__VALUE_MAX);
    c.statistic_max = lane_set(TOCSIN__STATISTIC_MAX);
    c.warmup = lane_set(job->warmup);
    return c;
}

static TOCSIN__INLINE ewma_tile ewma_tile_at(const tocsin__ewma_job *job, size_t index)
{
    const size_t lanes = index * TOCSIN__LANES;
    char *base = job->tiles.first + index * job->tiles.size;
    ewma_tile t;

    t.mean = (double *)(void *)(base + job->mean);
    t.variance = (float *)(void *)(base + job->variance);
    t.reach = (float *)(void *)(base + job->reach);
    t.count = (uint16_t *)(void *)(base + job->count);
    t.habit = (uint16_t *)(void *)(base + job->habit);
    t.outside = (uint16_t *)(void *)(base + job->outside);
    t.maximum = job->maximum ? (float *)(void *)(base + job->maximum) : NULL;
    t.bar = job->bar ? (const float *)(const void *)(base + job->bar) : NULL;
    t.is_float = job->tiles.is_float != 0;
    t.values = (const char *)job->tiles.values +
               lanes * (t.is_float ? sizeof(float) : sizeof(double));
    t.statistics = job->tiles.statistics ? job->tiles.statistics + lanes : NULL;
    return t;
}

static TOCSIN__INLINE lane_f64 ewma_values(const ewma_tile *t, size_t lane)
{
    return t->is_float ? lane_load_f32((const float *)(const void *)t->values + lane)
                       : lane_load((const double *)(const void *)t->values + lane);
}

/* But for its upper bound. */
static TOCSIN__INLINE lane_f64 ewma_next_variance(const ewma_lanes *c, lane_f64 gain,
                                                  lane_f64 rest, lane_f64 variance,
                                                  lane_f64 square)
{
    const lane_f64 more = lane_sub(lane_mul(rest, square), variance);
    const lane_f64 next = lane_add(variance, lane_mul(gain, more));

    return lane_blend(lane_lt(next, c->variance_min), lane_set(0), next);
}

/* Past warm-up, and with the final gain. */
static TOCSIN__INLINE lane_mask ewma_is_full(const ewma_lanes *c, lane_f64 count)
{
    const lane_f64 one = lane_set(1);

    return lane_and(lane_ge(count, c->warmup),
                    lane_ge(lane_mul(lane_add(count, one), c->gain), one));
}

/* Surely no statistic is above the bar, nor above the largest so far. */
static TOCSIN__INLINE int ewma_is_below(const ewma_tile *t, size_t lane, lane_f64 square,
                                        lane_f64 variance, lane_f64 floor)
{
    const lane_f64 margin = lane_set(1 - EWMA_MARGIN);
    const lane_f64 w = lane_mul(margin, lane_max(variance, lane_mul(floor, floor)));
    uint32_t above = 0;

    if (t->maximum) {
        const lane_f64 maximum = lane_load_f32(t->maximum + lane);

        above |= lane_bits(lane_gt(square, lane_mul(lane_mul(maximum, maximum), w)));
    }
    if (t->bar) {
        const lane_f64 bar = lane_load_f32(t->bar + lane);

        above |= lane_bits(lane_or(lane_gt(square, lane_mul(lane_mul(bar, bar), w)),
                                   lane_lt(bar, lane_set(EWMA_BAR_MIN))));
    }
    return above == 0;
}

static TOCSIN__APART void ewma_exact(const tocsin__ewma_job *job, size_t index, uint64_t taken,
                                     size_t lane, ewma_marks *marks)
{
    const ewma_lanes c = ewma_lanes_set(job);
    const ewma_tile t = ewma_tile_at(job, index);
    const lane_f64 zero = lane_set(0), one = lane_set(1), none = lane_set(tocsin__nan());
    const lane_mask take = lane_where((uint32_t)(taken >> lane & 0xff));
    const lane_f64 x = ewma_values(&t, lane);
    const lane_f64 gain = job->gains ? lane_load(job->gains + lane) : c.gain;
    const lane_f64 mean = lane_load(t.mean + lane);
    const lane_f64 variance = lane_load_f32(t.variance + lane);
    const lane_f64 reach = job->is_plain ? zero : lane_load_f32(t.reach + lane);
    const lane_f64 count = lane_load_u16(t.count + lane);
    lane_mask learns = lane_and(take, lane_le(lane_abs(x), c.value_max));
    lane_mask left = lane_and(take, lane_gt(lane_abs(x), c.value_max));
    lane_f64 d = lane_sub(x, mean);

    /* Score. */
    const lane_mask is_warm = lane_ge(count, c.warmup);
    const lane_f64 floor = lane_residual_floor(&c.rules, mean, reach);
    const lane_f64 size = lane_abs(d);
    const lane_f64 deviation = lane_blend(
        is_warm, lane_residual_deviation(lane_sqrt(variance), floor, size), none);
    const lane_f64 statistic = lane_blend(is_warm, lane_div(size, deviation), none);

    if (t.bar) {
        const lane_mask rings = lane_and(learns, lane_gt(statistic, lane_load_f32(t.bar + lane)));

        learns = lane_and_not(learns, rings);
        left = lane_or(left, rings);
    }
    if (t.maximum)
        lane_store_f32_where(t.maximum + lane, learns,
                             lane_max(lane_min(c.statistic_max, statistic),
                                      lane_load_f32(t.maximum + lane)));
    if (t.statistics)
        lane_store(t.statistics + lane,
                   lane_blend(lane_and(learns, is_warm), statistic, none));
    marks->learnt |= (uint64_t)lane_bits(learns) << lane;
    marks->left |= (uint64_t)lane_bits(left) << lane;

    /* Learn. */
    if (!job->is_plain) {
        const lane_f64 old_habit = lane_load_u16(t.habit + lane);
        const lane_f64 old_outside = lane_load_u16(t.outside + lane);
        lane_f64 habit = old_habit, outside = old_outside;

        d = lane_residual_winsorise(&c.rules, d, deviation, &habit, &outside);
        habit = lane_blend(learns, habit, old_habit);
        outside = lane_blend(learns, outside, old_outside);
        lane_store_u16(t.habit + lane, habit);
        lane_store_u16(t.outside + lane, outside);
        marks->calm |= (uint64_t)lane_bits(lane_eq(lane_add(habit, outside), zero)) << lane;

        const lane_f64 next = lane_residual_reach(&c.rules, reach, lane_abs(d));

        lane_store_f32_where(t.reach + lane, learns,
                             lane_min(c.reach_max, lane_blend(lane_gt(count, zero), next, zero)));
    }

    const lane_f64 n = lane_add(count, one);
    const lane_mask is_young = lane_lt(lane_mul(n, gain), one);
    const lane_mask counts = lane_and(learns, lane_or(is_young, lane_lt(count, c.warmup)));
    const lane_f64 counted = lane_blend(counts, lane_min(n, lane_set(UINT16_MAX)), count);
    const lane_f64 g = lane_blend(is_young, lane_div(one, n), gain);

    lane_store_u16(t.count + lane, counted);
    lane_store_where(t.mean + lane, learns, lane_add(mean, lane_mul(g, d)));
    lane_store_f32_where(t.variance + lane, learns,
                         lane_min(c.variance_max,
                                  ewma_next_variance(&c, g, lane_sub(one, g), variance,
                                                     lane_mul(d, d))));
    marks->full |= (uint64_t)lane_bits(ewma_is_full(&c, counted)) << lane;
}

/* The point of a group that is to be taken whole; 0, and nothing has changed, if it is not for the
 * quick way.  What `is_plain`, `has_statistics` and `has_limits` (a bar or a maximum) say is known
 * when this is compiled. */
static TOCSIN__INLINE int ewma_quick(const ewma_lanes *c, const ewma_tile *t, size_t lane,
                                     int is_plain, int has_statistics, int has_limits,
                                     int is_full, int is_calm, uint32_t *calm)
{
    const uint32_t all = (1u << lane_width) - 1;
    const lane_f64 zero = lane_set(0);
    const lane_f64 x = ewma_values(t, lane);
    const lane_f64 mean = lane_load(t->mean + lane);
    const lane_f64 variance = lane_load_f32(t->variance + lane);
    const lane_f64 reach = is_plain ? zero : lane_load_f32(t->reach + lane);
    const lane_f64 d = lane_sub(x, mean);
    const lane_f64 square = lane_mul(d, d);
    const lane_f64 size = is_plain && !has_statistics && !has_limits ? zero : lane_abs(d);
    const lane_f64 next = ewma_next_variance(c, c->gain, c->rest, variance, square);
    /* Neither missing nor infinite nor beyond +-1e150 is what leaves the variance in bounds. */
    lane_mask fits = lane_le(next, c->variance_max);

    if (!is_plain)
        fits = lane_and(fits, lane_le(square, lane_mul(c->clip_squared, variance)));
    if (!is_full)
        fits = lane_and(fits, ewma_is_full(c, lane_load_u16(t->count + lane)));
    if (lane_bits(fits) != all)
        return 0;

    if (has_statistics || has_limits) {
        const lane_f64 least = is_plain ? c->rules.floor
                                        : lane_max(c->rules.floor,
                                                   lane_mul(c->rules.floor_history, reach));
        const lane_f64 floor = lane_max(least, lane_mul(c->rules.floor_relative, lane_abs(mean)));

        if (has_statistics || !ewma_is_below(t, lane, square, variance, floor)) {
            const lane_f64 deviation = lane_residual_deviation(lane_sqrt(variance), floor, size);
            const lane_f64 statistic = lane_div(size, deviation);

            if (has_limits && t->bar && lane_any(lane_gt(statistic, lane_load_f32(t->bar + lane))))
                return 0;
            if (has_limits && t->maximum)
                lane_store_f32(t->maximum + lane,
                               lane_max(lane_min(c->statistic_max, statistic),
                                        lane_load_f32(t->maximum + lane)));
            if (has_statistics)
                lane_store(t->statistics + lane, statistic);
        }
    }
    if (!is_plain) {
        lane_store_f32(t->reach + lane, lane_residual_reach(&c->rules, reach, size));
        if (!is_calm) {
            const lane_f64 habit = lane_residual_drain(lane_load_u16(t->habit + lane));

            lane_store_u16(t->habit + lane, habit);
            lane_store_u16(t->outside + lane, zero);
            *calm = lane_bits(lane_eq(habit, zero));
        }
    }
    lane_store(t->mean + lane, lane_add(mean, lane_mul(c->gain, d)));
    lane_store_f32(t->variance + lane, next);
    return 1;
}

static TOCSIN__INLINE void ewma_run(const tocsin__ewma_job *job, int is_plain,
                                    int has_statistics, int has_limits)
{
    const ewma_lanes c = ewma_lanes_set(job);
    const uint64_t group = (UINT64_C(1) << lane_width) - 1;
    const size_t count = job->tiles.count;
    const int has_gains = job->gains != NULL;
    const int trusts = !has_gains && !job->gain_varies;

    for (size_t i = 0; i < count; i++) {
        tocsin__tile_head *head =
            (tocsin__tile_head *)(void *)(job->tiles.first + i * job->tiles.size);
        const ewma_tile t = ewma_tile_at(job, i);
        const uint64_t take = head->take;
        const uint32_t flags = head->flags;
        const int is_full = trusts && (flags & TOCSIN__TILE_FULL);
        const int is_calm = is_plain || (flags & TOCSIN__TILE_CALM);
        uint64_t others = 0, calm = 0;

        if (take == UINT64_MAX && is_full && is_calm) {
            for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_width)
                if (!ewma_quick(&c, &t, lane, is_plain, has_statistics, has_limits, 1, 1, NULL))
                    others |= group << lane;
            if (!others) {
                head->learnt = UINT64_MAX;
                head->left = 0;
                continue;
            }
            calm = ~others;
        } else {
            for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_width) {
                uint32_t quiet = (uint32_t)group;

                if (has_gains || (~take >> lane & group) ||
                    !ewma_quick(&c, &t, lane, is_plain, has_statistics, has_limits, is_full,
                                is_calm, &quiet))
                    others |= group << lane;
                else
                    calm |= (uint64_t)quiet << lane;
            }
        }

        ewma_marks marks = {~others, 0, ~others, calm};

        for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_width)
            if (others >> lane & 1)
                ewma_exact(job, i, take, lane, &marks);
        head->learnt = marks.learnt;
        head->left = marks.left;
        head->flags = flags & ~(uint32_t)(TOCSIN__TILE_FULL | TOCSIN__TILE_CALM);
        if (trusts ? (head->used & ~marks.full) == 0 : (flags & TOCSIN__TILE_FULL) != 0)
            head->flags |= TOCSIN__TILE_FULL;
        if (is_plain || (head->used & ~marks.calm) == 0)
            head->flags |= TOCSIN__TILE_CALM;
    }
}

static void ewma_kernel(const tocsin__ewma_job *job)
{
    const int has_limits = job->bar || job->maximum;

    if (job->is_plain) {
        if (job->tiles.statistics)
            ewma_run(job, 1, 1, 1);
        else if (has_limits)
            ewma_run(job, 1, 0, 1);
        else
            ewma_run(job, 1, 0, 0);
    } else {
        if (job->tiles.statistics)
            ewma_run(job, 0, 1, 1);
        else if (has_limits)
            ewma_run(job, 0, 0, 1);
        else
            ewma_run(job, 0, 0, 0);
    }
}
