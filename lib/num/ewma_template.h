/* ewma_template.h - the kernel of lib/detect/ewma.c: a template, included once per instance,
 * after its lanes and residual_template.h.
 *
 * A group is lane_width neighbouring series.  Three ways lead through it.
 *
 * The quick way is for tiles in which every lane is to be taken and has its final gain.  It takes a
 * bundle of groups at a time, in which every lane has an ordinary value and stays within the
 * clip: it looks first, and has changed nothing where that is not so.  It takes roots and divides
 * only where statistics are wanted, or where one may be above a calibrator's bar or its largest
 * statistic so far (residual_template.h says how it knows).  Habits are left to drain (kernels.h).
 *
 * The patchy way does the same for a group with gaps: lanes whose value is missing, or that are
 * not to be touched, keep what they have.
 *
 * The exact way does all that ewma_score and ewma_learn do, under masks: warm-up, crossings of
 * the limit, sizes that a float does not hold.
 *
 * Cost: bound by memory; in the cache by arithmetic, with statistics by the processor's divider.
 */
#include "kernels.h"
#include "mathx.h"

#define ewma_lanes LANES_NAME(ewma_lanes)
#define ewma_tile LANES_NAME(ewma_tile)
#define ewma_lanes_set LANES_NAME(ewma_lanes_set)
#define ewma_tile_at LANES_NAME(ewma_tile_at)
#define ewma_head LANES_NAME(ewma_head)
#define ewma_values LANES_NAME(ewma_values)
#define ewma_next LANES_NAME(ewma_next)
#define ewma_is_full LANES_NAME(ewma_is_full)
#define ewma_exact LANES_NAME(ewma_exact)
#define ewma_is_above LANES_NAME(ewma_is_above)
#define ewma_is_notable LANES_NAME(ewma_is_notable)
#define ewma_quick LANES_NAME(ewma_quick)
#define ewma_patchy LANES_NAME(ewma_patchy)
#define ewma_drain_group LANES_NAME(ewma_drain_group)
#define ewma_rest LANES_NAME(ewma_rest)
#define ewma_run LANES_NAME(ewma_run)
#define ewma_kernel LANES_NAME(ewma_kernel)

#ifndef EWMA_MARKS
#define EWMA_MARKS
/* What became of a tile's lanes.  Bit k is lane k. */
typedef struct {
    uint64_t learnt, left;
    uint64_t full, calm;            /* they are so now; see TOCSIN__TILE_* */
} ewma_marks;
#endif

/* A job's constants, each in all lanes. */
typedef struct {
    lane_residual rules;
    lane_f64 gain;
    lane_f32 gainf, rest;           /* rest: 1 - gain */
    lane_f32 variance_min, residual_min, residual_max;
    lane_f32 statistic_max, warmup;
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
                                job->per_window, job->fade, job->window, job->has_relative,
                                job->has_reach);
    c.gain = lane_set(job->gain);
    c.gainf = lane_setf((float)job->gain);
    c.rest = lane_setf((float)(1 - job->gain));
    c.variance_min = lane_setf((float)job->variance_min);
    c.residual_min = lane_setf((float)job->residual_min);
    c.residual_max = lane_setf((float)job->residual_max);
    c.statistic_max = lane_setf((float)TOCSIN__STATISTIC_MAX);
    c.warmup = lane_setf((float)job->warmup);
    return c;
}

static TOCSIN__INLINE ewma_tile ewma_tile_at(const tocsin__ewma_job *job, size_t index)
{
    const size_t lanes = index * TOCSIN__LANES;
    char *base = job->tiles.first + index * job->tiles.size;
    const tocsin__tile_head *head = (const tocsin__tile_head *)(const void *)base;
    ewma_tile t;

    t.mean = (double *)(void *)(base + job->mean);
    t.variance = (float *)(void *)(base + job->variance);
    t.reach = (float *)(void *)(base + job->reach);
    t.count = tocsin__tile_column(head, job->count);
    t.habit = tocsin__tile_column(head, job->habit);
    t.outside = tocsin__tile_column(head, job->outside);
    t.maximum = job->maximum ? (float *)(void *)(base + job->maximum) : NULL;
    t.bar = job->bar ? (const float *)(const void *)(base + job->bar) : NULL;
    t.is_float = job->tiles.is_float != 0;
    t.values = (const char *)job->tiles.values +
               lanes * (t.is_float ? sizeof(float) : sizeof(double));
    t.statistics = job->tiles.statistics ? job->tiles.statistics + lanes : NULL;
    return t;
}

static TOCSIN__INLINE tocsin__tile_head *ewma_head(const tocsin__ewma_job *job, size_t index)
{
    return (tocsin__tile_head *)(void *)(job->tiles.first + index * job->tiles.size);
}

static TOCSIN__INLINE lane_f64 ewma_values(const ewma_tile *t, size_t lane)
{
    return t->is_float ? lane_load_f32((const float *)(const void *)t->values + lane)
                       : lane_load((const double *)(const void *)t->values + lane);
}

/* ewma_next_variance(), of a size that is at most residual_max. */
static TOCSIN__INLINE lane_f32 ewma_next(const ewma_lanes *c, lane_f32 gain, lane_f32 rest,
                                         lane_f32 variance, lane_f32 size)
{
    const lane_f32 zero = lane_setf(0);
    const lane_f32 seen = lane_blendf(lane_gef(size, c->residual_min), size, zero);
    const lane_f32 more = lane_subf(lane_mulf(rest, lane_mulf(seen, seen)), variance);
    const lane_f32 next = lane_addf(variance, lane_mulf(gain, more));

    return lane_blendf(lane_gef(next, c->variance_min), next, zero);
}

/* Past warm-up, and with the final gain. */
static TOCSIN__INLINE lane_mask ewma_is_full(const ewma_lanes *c, lane_f32 count)
{
    const lane_f64 one = lane_set(1), n = lane_add(lane_widen(count), one);

    return lane_and(lane_gef(count, c->warmup), lane_ge(lane_mul(n, c->gain), one));
}

static TOCSIN__APART void ewma_exact(const tocsin__ewma_job *job, size_t index, uint64_t taken,
                                     size_t lane, ewma_marks *marks)
{
    const ewma_lanes c = ewma_lanes_set(job);
    const ewma_tile t = ewma_tile_at(job, index);
    const lane_f32 zero = lane_setf(0), none = lane_setf((float)tocsin__nan());
    const lane_f64 one = lane_set(1), value_max = lane_set(TOCSIN__VALUE_MAX);
    const lane_mask take = lane_where((uint32_t)(taken >> lane & 0xffff));
    const lane_f64 x = ewma_values(&t, lane);
    const lane_f64 gain = job->gains ? lane_load(job->gains + lane) : c.gain;
    const lane_f64 mean = lane_load(t.mean + lane);
    const lane_f32 variance = lane_loadf(t.variance + lane);
    const lane_f32 reach = job->is_plain ? zero : lane_loadf(t.reach + lane);
    const lane_f32 count = lane_loadf_u16(t.count + lane);
    lane_mask learns = lane_and(take, lane_le(lane_abs(x), value_max));
    lane_mask left = lane_and(take, lane_gt(lane_abs(x), value_max));
    lane_f64 d = lane_sub(x, mean);

    /* Score. */
    const lane_mask is_warm = lane_gef(count, c.warmup);
    const lane_f32 floor = lane_residual_floor(&c.rules, mean, reach);
    const lane_f32 size = lane_residual_round(lane_narrow(lane_abs(d)));
    const lane_f32 deviation = lane_blendf(
        is_warm, lane_residual_deviation(lane_sqrtf(variance), floor, size), none);
    const lane_f32 statistic = lane_blendf(is_warm, lane_residual_statistic(size, deviation), none);

    if (t.bar) {
        const lane_mask rings = lane_and(learns, lane_gtf(statistic, lane_loadf(t.bar + lane)));

        learns = lane_and_not(learns, rings);
        left = lane_or(left, rings);
    }
    if (t.maximum)
        lane_storef_where(t.maximum + lane, learns,
                          lane_maxf(lane_minf(c.statistic_max, statistic),
                                    lane_loadf(t.maximum + lane)));
    if (t.statistics)
        lane_store(t.statistics + lane,
                   lane_blend(lane_and(learns, is_warm), lane_widen(statistic),
                              lane_set(tocsin__nan())));
    marks->learnt |= (uint64_t)lane_bits(learns) << lane;
    marks->left |= (uint64_t)lane_bits(left) << lane;

    /* Learn. */
    if (!job->is_plain) {
        const lane_f32 old_habit = lane_loadf_u16(t.habit + lane);
        const lane_f32 old_outside = lane_loadf_u16(t.outside + lane);
        lane_f32 habit = old_habit, outside = old_outside;

        d = lane_residual_winsorise(&c.rules, d, deviation, &habit, &outside);
        habit = lane_blendf(learns, habit, old_habit);
        outside = lane_blendf(learns, outside, old_outside);
        lane_storef_u16(t.habit + lane, habit);
        lane_storef_u16(t.outside + lane, outside);
        marks->calm |= (uint64_t)lane_bits(lane_eqf(lane_addf(habit, outside), zero)) << lane;
    }

    const lane_f32 learnt = lane_residual_round(lane_narrow(lane_abs(d)));
    const lane_f64 n = lane_add(lane_widen(count), one);
    const lane_mask is_young = lane_lt(lane_mul(n, gain), one);
    const lane_mask counts = lane_and(learns, lane_or(is_young, lane_ltf(count, c.warmup)));
    const lane_f32 counted =
        lane_blendf(counts, lane_minf(lane_narrow(n), lane_setf(UINT16_MAX)), count);
    const lane_f64 g = lane_blend(is_young, lane_div(one, n), gain);

    if (!job->is_plain) {
        const lane_f32 next = lane_residual_reach(&c.rules, reach, learnt);

        lane_storef_where(t.reach + lane, learns,
                          lane_blendf(lane_gtf(count, zero), next, zero));
    }
    lane_storef_u16(t.count + lane, counted);
    lane_store_where(t.mean + lane, learns, lane_add(mean, lane_mul(g, d)));
    lane_storef_where(t.variance + lane, learns,
                      ewma_next(&c, lane_narrow(g), lane_narrow(lane_sub(one, g)), variance,
                                lane_minf(learnt, c.residual_max)));
    marks->full |= (uint64_t)lane_bits(ewma_is_full(&c, counted)) << lane;
}

/* Lanes of a group that may have a statistic above the bar, or above the largest so far; none only
 * if surely none has. */
static TOCSIN__INLINE uint32_t ewma_is_above(const ewma_lanes *c, const ewma_tile *t, size_t lane,
                                             lane_f32 size, lane_f32 deviation)
{
    const lane_mask all = lane_where((uint32_t)((UINT64_C(1) << lane_width) - 1));
    lane_mask within = all;

    if (t->bar)
        within = lane_and(within, lane_residual_is_within(&c->rules, size, deviation,
                                                          lane_loadf(t->bar + lane)));
    if (t->maximum)
        within = lane_and(within, lane_residual_is_within(&c->rules, size, deviation,
                                                          lane_loadf(t->maximum + lane)));
    return lane_bits(lane_and_not(all, within));
}

/* The same before the deviation is known, and also if one may be beyond the clip or is not
 * ordinary. */
static TOCSIN__INLINE uint32_t ewma_is_notable(const ewma_lanes *c, const ewma_tile *t, size_t lane,
                                               int is_plain, int has_limits, lane_f32 size,
                                               lane_f32 variance, lane_f32 floor)
{
    const lane_mask all = lane_where((uint32_t)((UINT64_C(1) << lane_width) - 1));
    lane_f32 limit = is_plain ? lane_setf((float)TOCSIN__REAL_MAX) : c->rules.surely;

    if (has_limits && t->bar)       /* if it is NaN there is none */
        limit = lane_minf(lane_loadf(t->bar + lane), limit);
    if (has_limits && t->maximum)
        limit = lane_minf(lane_loadf(t->maximum + lane), limit);
    return lane_bits(lane_and_not(
        all, lane_and(lane_lef(size, c->residual_max),
                      lane_residual_is_small(&c->rules, size, variance, floor, limit))));
}

/* Habits of a group of which these lanes have crossed nothing. */
static TOCSIN__INLINE void ewma_drain_group(const ewma_tile *t, size_t lane, lane_mask drains,
                                            ewma_marks *marks)
{
    const lane_f32 zero = lane_setf(0);
    lane_f32 habit = lane_loadf_u16(t->habit + lane), outside = lane_loadf_u16(t->outside + lane);

    habit = lane_blendf(drains, lane_residual_drain(habit), habit);
    outside = lane_blendf(drains, zero, outside);
    lane_storef_u16(t->habit + lane, habit);
    lane_storef_u16(t->outside + lane, outside);
    marks->calm |= (uint64_t)lane_bits(lane_eqf(lane_addf(habit, outside), zero)) << lane;
}

/* The point of a bundle of groups, each lane of which is to be taken and has its final gain; or 0,
 * and nothing has changed, if it is not for this way.  All of it is loaded before anything is
 * waited for: a square root and a division take as long as a tile from memory.  All flags are
 * known when this is compiled; `has_limits`: a bar or a maximum. */
static TOCSIN__INLINE int ewma_quick(const ewma_lanes *c, const ewma_tile *t, size_t lane,
                                     int is_plain, int has_statistics, int has_limits)
{
    const uint32_t all = (uint32_t)((UINT64_C(1) << lane_width) - 1);
    const int has_deviation = !is_plain || has_statistics || has_limits;
    const int looks = has_deviation && !has_statistics;     /* at what is notable, and only there */
    const lane_f32 zero = lane_setf(0);
    lane_f64 d[lane_bundle];
    lane_f32 size[lane_bundle], variance[lane_bundle], reach[lane_bundle];
    lane_f32 deviation[lane_bundle];
    uint32_t is_notable[lane_bundle], notable = 0;
    lane_mask fits = lane_where(all);

    LANES_UNROLL
    for (size_t g = 0; g < lane_bundle; g++) {
        const size_t at = lane + g * lane_width;
        const lane_f64 mean = lane_load(t->mean + at);

        d[g] = lane_sub(ewma_values(t, at), mean);
        size[g] = lane_absf(lane_narrow(d[g]));
        variance[g] = lane_loadf(t->variance + at);
        reach[g] = is_plain ? zero : lane_loadf(t->reach + at);
        deviation[g] = has_deviation ? lane_residual_floor(&c->rules, mean, reach[g]) : zero;
        if (looks)
            notable |= is_notable[g] = ewma_is_notable(c, t, at, is_plain, has_limits, size[g],
                                                       variance[g], deviation[g]);
    }
    LANES_UNROLL
    for (size_t g = 0; g < lane_bundle; g++) {
        if (looks && !is_notable[g])
            continue;
        if (has_deviation)
            deviation[g] = lane_residual_deviation(lane_sqrtf(variance[g]), deviation[g], size[g]);
        /* Neither missing nor infinite nor beyond +-1e150 is what is no larger than that. */
        fits = lane_and(fits, lane_lef(size[g], c->residual_max));
        if (!is_plain)
            fits = lane_and(fits, lane_lef(size[g], lane_mulf(c->rules.surely, deviation[g])));
    }
    if (TOCSIN__RARELY(lane_bits(fits) != all))
        return 0;
    if (has_statistics || (has_limits && notable)) {
        lane_f32 statistic[lane_bundle];
        uint32_t is_above[lane_bundle], rings = 0;

        LANES_UNROLL
        for (size_t g = 0; g < lane_bundle; g++) {
            const size_t at = lane + g * lane_width;

            is_above[g] = 0;
            if (looks && is_notable[g])
                is_above[g] = ewma_is_above(c, t, at, size[g], deviation[g]);
            if (has_statistics || is_above[g]) {
                statistic[g] = lane_residual_statistic(size[g], deviation[g]);
                if (t->bar)
                    rings |= lane_bits(lane_gtf(statistic[g], lane_loadf(t->bar + at)));
            } else {
                statistic[g] = zero;
            }
        }
        if (TOCSIN__RARELY(rings))
            return 0;
        LANES_UNROLL
        for (size_t g = 0; g < lane_bundle; g++) {
            const size_t at = lane + g * lane_width;

            if (has_limits && t->maximum && (has_statistics || is_above[g]))
                lane_storef(t->maximum + at,
                            lane_maxf(lane_minf(c->statistic_max, statistic[g]),
                                      lane_loadf(t->maximum + at)));
            if (has_statistics)
                lane_store(t->statistics + at, lane_widen(statistic[g]));
        }
    }
    LANES_UNROLL
    for (size_t g = 0; g < lane_bundle; g++) {
        const size_t at = lane + g * lane_width;

        lane_store(t->mean + at, lane_add(lane_load(t->mean + at), lane_mul(c->gain, d[g])));
        lane_storef(t->variance + at, ewma_next(c, c->gainf, c->rest, variance[g], size[g]));
        if (!is_plain)
            lane_storef(t->reach + at, lane_residual_reach(&c->rules, reach[g], size[g]));
    }
    return 1;
}

/* The same for a group with gaps: lanes that are not taken or have no value keep what they have. */
static TOCSIN__INLINE int ewma_patchy(const ewma_lanes *c, const ewma_tile *t, size_t lane,
                                      int is_plain, int is_full, int is_calm, uint32_t taken,
                                      ewma_marks *marks)
{
    const uint32_t all = (uint32_t)((UINT64_C(1) << lane_width) - 1);
    const lane_f64 x = ewma_values(t, lane), mean = lane_load(t->mean + lane);
    const lane_f32 variance = lane_loadf(t->variance + lane);
    const lane_f32 reach = is_plain ? lane_setf(0) : lane_loadf(t->reach + lane);
    const lane_f64 d = lane_sub(x, mean);
    const lane_f32 size = lane_absf(lane_narrow(d));
    const lane_f32 deviation = lane_residual_deviation(
        lane_sqrtf(variance), lane_residual_floor(&c->rules, mean, reach), size);
    const lane_mask learns = lane_and_not(lane_where(taken), lane_is_nan(x));
    lane_mask fits = lane_lef(size, c->residual_max), full = lane_where(all);

    if (!is_plain)
        fits = lane_and(fits, lane_lef(size, lane_mulf(c->rules.surely, deviation)));
    if (!is_full) {
        full = ewma_is_full(c, lane_loadf_u16(t->count + lane));
        fits = lane_and(fits, full);
    }
    fits = lane_or(lane_and_not(lane_where(all), learns), fits);
    if (lane_bits(fits) != all)
        return 0;
    if (t->statistics || ewma_is_above(c, t, lane, size, deviation)) {
        const lane_f32 statistic = lane_residual_statistic(size, deviation);

        if (t->bar &&
            lane_bits(lane_and(learns, lane_gtf(statistic, lane_loadf(t->bar + lane)))))
            return 0;
        if (t->maximum)
            lane_storef_where(t->maximum + lane, learns,
                              lane_maxf(lane_minf(c->statistic_max, statistic),
                                        lane_loadf(t->maximum + lane)));
        if (t->statistics)
            lane_store(t->statistics + lane,
                       lane_blend(learns, lane_widen(statistic), lane_set(tocsin__nan())));
    }
    lane_store_where(t->mean + lane, learns, lane_add(mean, lane_mul(c->gain, d)));
    lane_storef_where(t->variance + lane, learns,
                      ewma_next(c, c->gainf, c->rest, variance, size));
    if (!is_plain)
        lane_storef_where(t->reach + lane, learns, lane_residual_reach(&c->rules, reach, size));
    if (is_calm)
        marks->calm |= (uint64_t)all << lane;
    else
        ewma_drain_group(t, lane, learns, marks);
    marks->full |= (uint64_t)lane_bits(full) << lane;
    marks->learnt |= (uint64_t)lane_bits(learns) << lane;
    return 1;
}

/* All that is not the quick way through a tile.  Of `done`, which are groups of a full tile, all
 * lanes have been learnt by it, but for what drains. */
static TOCSIN__APART void ewma_rest(const tocsin__ewma_job *job, size_t index, uint64_t done)
{
    const ewma_lanes c = ewma_lanes_set(job);
    const ewma_tile t = ewma_tile_at(job, index);
    const uint64_t group = (UINT64_C(1) << lane_width) - 1;
    tocsin__tile_head *head = ewma_head(job, index);
    const uint64_t take = head->take;
    const uint32_t flags = head->flags;
    const int is_plain = job->is_plain != 0, has_gains = job->gains != NULL;
    const int trusts = !has_gains && !job->gain_varies;
    const int is_full = trusts && (flags & TOCSIN__TILE_FULL);
    const int is_calm = is_plain || (flags & TOCSIN__TILE_CALM);
    ewma_marks marks = {done, 0, done, is_calm ? done : 0};

    if (!is_calm) {
        if (head->drains)
            tocsin__tile_settle(head, t.habit, t.outside);
        head->most = 0;
    }
    for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_width) {
        if (!(done >> lane & 1)) {
            if (has_gains || !ewma_patchy(&c, &t, lane, is_plain, is_full, is_calm,
                                          (uint32_t)(take >> lane & group), &marks))
                ewma_exact(job, index, take, lane, &marks);
        } else if (!is_calm) {
            ewma_drain_group(&t, lane, lane_where((uint32_t)group), &marks);
        }
    }
    head->learnt = marks.learnt;
    head->left = marks.left;
    head->flags = flags & ~(uint32_t)(TOCSIN__TILE_FULL | TOCSIN__TILE_CALM);
    if (trusts ? (head->used & ~marks.full) == 0 : (flags & TOCSIN__TILE_FULL) != 0)
        head->flags |= TOCSIN__TILE_FULL;
    if (is_plain || (head->used & ~marks.calm) == 0)
        head->flags |= TOCSIN__TILE_CALM;
}

/* Whether all statistics are wanted, or the caller looks only at those above a bar, is known when
 * this is compiled. */
static TOCSIN__INLINE uint64_t ewma_run(const tocsin__ewma_job *job, int is_plain,
                                        int has_statistics, int has_limits)
{
    const ewma_lanes c = ewma_lanes_set(job);
    const int trusts = !job->gains && !job->gain_varies;
    const size_t value = job->tiles.is_float ? sizeof(float) : sizeof(double);
    const int asks = !job->tiles.is_near;
    const uint64_t bundle = UINT64_MAX >> (TOCSIN__LANES - lane_bundle * lane_width);
    const size_t count = job->tiles.count;
    uint64_t rest = 0;

    for (size_t i = 0; i < count; i++) {
        tocsin__tile_head *head = ewma_head(job, i);
        const ewma_tile t = ewma_tile_at(job, i);
        uint64_t done = 0;

        if (asks) {
            lanes_ask_to_write((const char *)head + LANES_AHEAD * job->tiles.size,
                               job->tiles.size);
            lanes_ask(t.values + LANES_AHEAD * TOCSIN__LANES * value, TOCSIN__LANES * value);
        }
        if (trusts && head->take == UINT64_MAX && (head->flags & TOCSIN__TILE_FULL))
            for (size_t lane = 0; lane < TOCSIN__LANES; lane += lane_bundle * lane_width)
                if (ewma_quick(&c, &t, lane, is_plain, has_statistics, has_limits))
                    done |= bundle << lane;
        if (TOCSIN__RARELY(done != UINT64_MAX)) {
            ewma_rest(job, i, done);
            rest |= (uint64_t)(head->learnt != UINT64_MAX) << i % TOCSIN__RUN_MAX;
            continue;
        }
        if (head->learnt != UINT64_MAX)     /* a line that is not written is not moved */
            head->learnt = UINT64_MAX;
        if (head->left)
            head->left = 0;
        if (!is_plain && !(head->flags & TOCSIN__TILE_CALM))
            tocsin__tile_drain_by_one(head, t.habit, t.outside, job->tiles.is_lazy);
    }
    return rest;
}

static uint64_t ewma_kernel(const tocsin__ewma_job *job)
{
    const int has_limits = job->bar || job->maximum;

    if (job->is_plain) {
        if (job->tiles.statistics)
            return ewma_run(job, 1, 1, 1);
        return has_limits ? ewma_run(job, 1, 0, 1) : ewma_run(job, 1, 0, 0);
    }
    if (job->tiles.statistics)
        return ewma_run(job, 0, 1, 1);
    return has_limits ? ewma_run(job, 0, 0, 1) : ewma_run(job, 0, 0, 0);
}
