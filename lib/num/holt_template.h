/* holt_template.h - holt_winters.c's push for many series at once, over the operations of lanes.h.
 *
 * A template: included once per instance, after its lanes and residual_template.h.  Bit for bit
 * it does what holt_score() and holt_learn() do for the lanes a job may take.
 *
 * Most points of most series need the same few dozen operations: `lane_holt_group`, which
 * notices before it stores anything that one of its lanes needs more (a residual to be
 * winsorised, a slot that was never seen, a number that comes near a bound), and
 * leaves all of them to `lane_holt_some`, which does everything by masks.  Lanes whose value is
 * missing, or that are not to be taken, make a group patchy: it is done again with gaps.  Where
 * the numbers are as small as LANE_HOLT_USUAL the bounds of holt_winters.c cannot be reached, and
 * are not looked at.
 *
 * What depends on a lane's age (the slot's gains, 1/n in its n-th cycle, and the weight of its
 * deviation) is worked out once for all lanes that started together: once a job for those that
 * are mature, and hardly ever more than once a job for the others.  A series older than the
 * point where its gains stop changing is mature.
 *
 * Habits of tiles that cross nothing are left to drain (kernels.h).
 *
 * Cost: some seventy operations, most of them on floats, and a division where statistics are wanted
 * for every `lane_width` series, which is what it takes while the tiles are in the cache; beyond,
 * 40 bytes read and 40 written per series, the value and its statistic included, with two seasons
 * and a trend.
 */
#include "bounds.h"
#include "kernels.h"
#include "lanes.h"

#ifndef LANE_HOLT_USUAL
#define LANE_HOLT_USUAL 1e37        /* with room for sums below TOCSIN__REAL_MAX */
#define LANE_HOLT_NEVER 5e9         /* more points than a count can say */
#define LANE_HOLT_CYCLES_MAX 1e18
#endif

#define lane_holt_age LANES_NAME(lane_holt_age)
#define lane_holt_rules LANES_NAME(lane_holt_rules)
#define lane_holt_done LANES_NAME(lane_holt_done)
#define lane_holt_grow_old LANES_NAME(lane_holt_grow_old)
#define lane_holt_age_of LANES_NAME(lane_holt_age_of)
#define lane_holt_age_uniform LANES_NAME(lane_holt_age_uniform)
#define lane_holt_age_each LANES_NAME(lane_holt_age_each)
#define lane_holt_full_count LANES_NAME(lane_holt_full_count)
#define lane_holt_is_full LANES_NAME(lane_holt_is_full)
#define lane_holt_is_calm LANES_NAME(lane_holt_is_calm)
#define lane_holt_value LANES_NAME(lane_holt_value)
#define lane_holt_within LANES_NAME(lane_holt_within)
#define lane_holt_columns LANES_NAME(lane_holt_columns)
#define lane_holt_columns_of LANES_NAME(lane_holt_columns_of)
#define lane_holt_spread LANES_NAME(lane_holt_spread)
#define lane_holt_rules_of LANES_NAME(lane_holt_rules_of)
#define lane_holt_group LANES_NAME(lane_holt_group)
#define lane_holt_patchy LANES_NAME(lane_holt_patchy)
#define lane_holt_standard LANES_NAME(lane_holt_standard)
#define lane_holt_approach LANES_NAME(lane_holt_approach)
#define lane_holt_bounded LANES_NAME(lane_holt_bounded)
#define lane_holt_some LANES_NAME(lane_holt_some)
#define lane_holt_drain_group LANES_NAME(lane_holt_drain_group)
#define lane_holt_rest LANES_NAME(lane_holt_rest)
#define lane_holt_tile LANES_NAME(lane_holt_tile)
#define lane_holt_tiles LANES_NAME(lane_holt_tiles)
#define lane_holt LANES_NAME(lane_holt)

/* ---- Age ------------------------------------------------------------------- */

/* What follows from the start of each lane: of lane i in element i * stride. */
typedef struct {
    size_t stride;              /* 1; 0: all started together, and the first elements serve all */
    int64_t start;              /* then */
    uint32_t is_known, is_mature;
    float weight[TOCSIN__LANES];        /* of the slot's own deviation beside the common one */
    float approach[TOCSIN__LANES];      /* gain of that deviation */
    float share[2][TOCSIN__LANES];      /* of a residual, once the level has had alpha of it */
    double gain[2][TOCSIN__LANES];      /* of the slots' values */
} lane_holt_age;

/* Lane `at`'s; 1 if its gains and weights will stay. */
static uint32_t lane_holt_age_of(const tocsin__holt_job *job, int64_t start, lane_holt_age *age,
                                 size_t at)
{
    const double passed = (double)((uint64_t)job->time - (uint64_t)start);
    const double first = passed * job->cycles_per_unit[0];
    const double n = first < job->slot_memory ? first : job->slot_memory;
    uint32_t is_mature = first >= job->slot_memory;

    age->weight[at] = (float)(n / (n + TOCSIN__HOLT_SHRINKAGE));
    for (uint32_t i = 0; i < job->season_count; i++) {
        const double cycles = passed * job->cycles_per_unit[i];
        const double whole = (double)(uint64_t)(cycles < LANE_HOLT_CYCLES_MAX
                                                    ? cycles
                                                    : LANE_HOLT_CYCLES_MAX);
        const double mean = 1 / (1 + whole);

        is_mature &= mean <= job->gamma[i];
        age->gain[i][at] = job->visit * (job->gamma[i] > mean ? job->gamma[i] : mean);
        age->share[i][at] = (float)(age->gain[i][at] * (1 - job->alpha));
    }
    age->approach[at] = (float)age->gain[0][at];
    return is_mature;
}

/* All lanes have the age of element 0. */
static void lane_holt_age_uniform(lane_holt_age *age)
{
    age->stride = 0;
    for (size_t at = 1; at < lane_width; at++) {
        age->weight[at] = age->weight[0];
        age->approach[at] = age->approach[0];
        for (uint32_t i = 0; i < 2; i++) {
            age->gain[i][at] = age->gain[i][0];
            age->share[i][at] = age->share[i][0];
        }
    }
}

/* The age of mature lanes, which does not matter. */
static void lane_holt_grow_old(const tocsin__holt_job *job, lane_holt_age *age)
{
    memset(age, 0, sizeof *age);
    age->weight[0] = (float)(job->slot_memory / (job->slot_memory + TOCSIN__HOLT_SHRINKAGE));
    for (uint32_t i = 0; i < job->season_count; i++) {
        age->gain[i][0] = job->visit * job->gamma[i];
        age->share[i][0] = (float)(age->gain[i][0] * (1 - job->alpha));
    }
    age->approach[0] = (float)age->gain[0][0];
    lane_holt_age_uniform(age);
    age->is_mature = 1;
}

/* The ages of a tile's lanes. */
static void lane_holt_age_each(const tocsin__holt_job *job, const int64_t *start, uint64_t used,
                               lane_holt_age *age)
{
    int64_t first = start[0];
    uint64_t differs = 0;

    for (size_t i = 0; i < TOCSIN__LANES; i++)
        differs |= (uint64_t)start[i] ^ (uint64_t)first;
    if (!differs) {
        if (age->is_known && age->stride == 0 && age->start == first)
            return;
        age->is_mature = lane_holt_age_of(job, first, age, 0);
        age->start = first;
        age->is_known = 1;
        lane_holt_age_uniform(age);
        return;
    }
    age->is_known = 0;
    age->stride = 1;
    age->is_mature = 1;
    for (size_t i = 0; i < TOCSIN__LANES; i++) {
        const uint32_t is_mature = lane_holt_age_of(job, start[i], age, i);

        age->is_mature &= is_mature | !(used >> i & 1);
    }
}

/* ---- What a tile has in common ----------------------------------------------- */

/* From this many points on a job's gains are alpha and delta, and the count stands still. */
static double lane_holt_full_count(const tocsin__holt_job *job)
{
    double count = 1 / job->alpha > 1 / job->delta ? 1 / job->alpha : 1 / job->delta;

    if (!(count < LANE_HOLT_NEVER))
        return LANE_HOLT_NEVER;
    count = count < 4 ? 1 : (double)(uint64_t)count - 2;
    while ((count + 1) * job->alpha < 1 || count * job->delta < 1 ||
           1 / (count + 1) > job->alpha || 1 / count > job->delta)
        count++;
    return count;
}

static int lane_holt_is_full(const uint32_t *count, uint64_t used, double least)
{
    uint32_t smallest = UINT32_MAX;

    for (size_t i = 0; i < TOCSIN__LANES; i++) {
        const uint32_t it = used >> i & 1 ? count[i] : UINT32_MAX;

        smallest = it < smallest ? it : smallest;
    }
    return smallest >= least;
}

static int lane_holt_is_calm(const uint16_t *habit, const uint16_t *outside, uint64_t used)
{
    uint32_t any = 0;

    for (size_t i = 0; i < TOCSIN__LANES; i++)
        any |= used >> i & 1 ? (uint32_t)habit[i] | outside[i] : 0u;
    return !any;
}

/* ---- A few lanes ------------------------------------------------------------- */

/* The job's constants, each in all lanes. */
typedef struct {
    lane_residual residual;
    lane_f64 damping_sum, alpha;
    lane_f32 damping_left, turn, delta, widening;
    lane_f32 usual, usual_size;
    uint32_t has_trend, has_reach, widens;
} lane_holt_rules;

/* A tile's columns. */
typedef struct {
    double *level;
    float *trend, *spread, *reach, *season[2], *own, *maximum;
    const float *bar;
    uint16_t *habit, *outside;
    double *statistics;
} lane_holt_columns;

static TOCSIN__INLINE lane_holt_rules lane_holt_rules_of(const tocsin__holt_job *job)
{
    lane_holt_rules r;

    r.residual = lane_residual_set(job->floor, job->floor_relative, job->floor_history, job->clip,
                                   job->per_window, job->fade, job->window, job->has_relative,
                                   job->has_reach);
    const double turn = job->beta * job->alpha / job->damping_sum;
    const double known = turn < TOCSIN__REAL_MAX ? turn : TOCSIN__REAL_MAX;

    r.damping_sum = lane_set(job->damping_sum);
    r.alpha = lane_set(job->alpha);
    r.damping_left = lane_setf((float)job->damping_left);
    r.turn = lane_setf((float)known);
    r.delta = lane_setf((float)job->delta);
    r.widening = lane_setf((float)(job->widening < TOCSIN__REAL_MAX ? job->widening
                                                                    : TOCSIN__REAL_MAX));
    r.usual = lane_setf((float)LANE_HOLT_USUAL);
    r.usual_size = lane_setf((float)(LANE_HOLT_USUAL / (known > 1 ? known : 1)));
    r.has_trend = job->has_trend;
    r.has_reach = job->has_reach;
    r.widens = job->widening != 1;
    return r;
}

static TOCSIN__INLINE lane_holt_columns lane_holt_columns_of(const tocsin__holt_job *job,
                                                             char *tile, size_t first)
{
    const tocsin__tile_head *head = (const tocsin__tile_head *)(const void *)tile;
    lane_holt_columns c;

    c.level = (double *)(void *)(tile + job->level);
    c.trend = (float *)(void *)(tile + job->trend);
    c.spread = (float *)(void *)(tile + job->spread);
    c.reach = (float *)(void *)(tile + job->reach);
    c.season[0] = job->season_count > 0 ? job->season[0] + first : NULL;
    c.season[1] = job->season_count > 1 ? job->season[1] + first : NULL;
    c.own = job->season_count > 0 ? job->deviation + first : NULL;
    c.maximum = job->maximum ? (float *)(void *)(tile + job->maximum) : NULL;
    c.bar = (const float *)(const void *)(tile + job->bar);
    c.habit = tocsin__tile_column(head, job->habit);
    c.outside = tocsin__tile_column(head, job->outside);
    c.statistics = job->tiles.statistics ? job->tiles.statistics + first : NULL;
    return c;
}

static TOCSIN__INLINE lane_f64 lane_holt_value(const void *values, uint32_t is_float, size_t at)
{
    return is_float ? lane_load_f32((const float *)values + at)
                    : lane_load((const double *)values + at);
}

static TOCSIN__INLINE lane_f64 lane_holt_bounded(lane_f64 v)
{
    return lane_min(lane_max(v, lane_set(-TOCSIN__VALUE_MAX)), lane_set(TOCSIN__VALUE_MAX));
}

/* holt_round() */
static TOCSIN__INLINE lane_f32 lane_holt_within(lane_f32 v)
{
    return lane_minf(lane_maxf(v, lane_setf((float)-TOCSIN__REAL_MAX)),
                     lane_setf((float)TOCSIN__REAL_MAX));
}

/* holt_standard(), but for its bound */
static TOCSIN__INLINE lane_f32 lane_holt_standard(lane_f32 spread)
{
    return lane_mulf(lane_setf((float)TOCSIN__HOLT_DEVIATION), spread);
}

/* holt_approach(), of numbers that are not below 0, and but for its bound */
static TOCSIN__INLINE lane_f32 lane_holt_approach(lane_f32 mean, lane_f32 value, lane_f32 gain)
{
    return lane_addf(mean, lane_mulf(gain, lane_subf(value, mean)));
}

/* A spread as small as that is 0. */
static TOCSIN__INLINE lane_f32 lane_holt_spread(lane_f32 spread)
{
    return lane_blendf(lane_gef(spread, lane_setf((float)TOCSIN__HOLT_SEEN)), spread,
                       lane_setf(0));
}

/* Lanes at..at+lane_width-1 have their final gains and the usual kind of point; 0 if they have
 * not, and then nothing has happened.  Not a number fails every comparison here.  All of them are
 * to be taken, or else the group is patchy, and those in `take` with a value are. */
static TOCSIN__INLINE int lane_holt_group(const lane_holt_rules *r, const lane_holt_age *age,
                                          uint32_t seasons, const lane_holt_columns *c,
                                          size_t at, lane_f64 value, int is_patchy, uint32_t take,
                                          uint32_t *learnt)
{
    const uint32_t all = (1u << lane_width) - 1;
    const size_t aged = at * age->stride;
    const lane_f32 zero = lane_setf(0);
    const lane_f32 spread = lane_loadf(c->spread + at);
    const lane_f32 trend = r->has_trend ? lane_loadf(c->trend + at) : zero;
    lane_f32 season[2] = {zero, zero}, own = zero, reach = zero;
    lane_f64 base = lane_load(c->level + at), expected;

    /* Look ahead. */
    if (r->has_trend)
        base = lane_add(base, lane_mul(lane_widen(trend), r->damping_sum));
    expected = base;
    for (uint32_t i = 0; i < seasons; i++)
        season[i] = lane_loadf(c->season[i] + at);
    if (seasons > 0)
        expected = lane_add(base, lane_widen(seasons > 1 ? lane_addf(season[0], season[1])
                                                         : season[0]));

    /* Read. */
    const lane_f64 residual = lane_sub(value, expected);
    const lane_f32 e = lane_narrow(residual), size = lane_absf(e);
    const lane_f32 common = lane_holt_standard(spread);
    lane_f32 deviation = common;
    lane_mask is_usual = lane_lef(lane_absf(lane_narrow(expected)), r->usual);

    if (seasons > 0) {
        own = lane_loadf(c->own + at);
        deviation = lane_maxf(
            lane_holt_standard(lane_holt_approach(spread, own, lane_loadf(age->weight + aged))),
            lane_mulf(lane_setf((float)TOCSIN__HOLT_QUIETEST), common));
        is_usual = lane_and(is_usual, lane_gtf(own, zero));
    }
    if (r->widens)
        deviation = lane_mulf(deviation, r->widening);
    if (r->has_reach)
        reach = lane_loadf(c->reach + at);
    deviation = lane_residual_deviation(
        deviation, lane_residual_floor(&r->residual, expected, reach), size);

    const lane_f32 scale = lane_maxf(common, deviation);
    const lane_f32 limit = lane_minf(lane_mulf(r->residual.surely, scale), r->usual_size);
    lane_mask learns = is_usual;

    is_usual = lane_and(is_usual, lane_and(lane_lef(scale, r->usual), lane_lef(size, limit)));
    if (is_patchy) {
        learns = lane_and_not(lane_where(take), lane_is_nan(value));
        is_usual = lane_or(is_usual, lane_and_not(lane_where(all), learns));
    }
    if (TOCSIN__RARELY(lane_bits(is_usual) != all))
        return 0;
    if (c->statistics || c->maximum) {
        uint32_t within = c->statistics ? 0 : all;

        if (!c->statistics)
            within = lane_bits(
                lane_and(lane_residual_is_within(&r->residual, size, deviation,
                                                 lane_loadf(c->bar + at)),
                         lane_residual_is_within(&r->residual, size, deviation,
                                                 lane_loadf(c->maximum + at))));
        if (within != all) {
            const lane_f32 statistic = lane_residual_statistic(size, deviation);

            if (c->maximum) {
                const lane_f32 old = lane_loadf(c->maximum + at);
                const lane_f32 most = lane_maxf(
                    old, lane_minf(statistic, lane_setf((float)TOCSIN__STATISTIC_MAX)));
                lane_mask rings = lane_gtf(statistic, lane_loadf(c->bar + at));

                if (is_patchy)
                    rings = lane_and(rings, learns);
                if (TOCSIN__RARELY(lane_bits(rings)))
                    return 0;
                lane_storef(c->maximum + at, is_patchy ? lane_blendf(learns, most, old) : most);
            }
            if (c->statistics) {
                const lane_f64 wide = lane_widen(statistic);

                lane_store(c->statistics + at,
                           is_patchy ? lane_blend(learns, wide, lane_set(tocsin__nan())) : wide);
            }
        }
    }

    /* Learn. */
    const lane_f64 level = lane_add(base, lane_mul(r->alpha, residual));
    const lane_f32 next_trend =
        lane_mulf(r->damping_left, lane_holt_within(lane_addf(trend, lane_mulf(r->turn, e))));
    const lane_f32 next_spread =
        lane_holt_spread(lane_holt_approach(spread, size, r->delta));
    const lane_f32 next_reach = lane_residual_reach(&r->residual, reach, size);
    const lane_f32 next_own =
        lane_maxf(lane_holt_approach(own, size, lane_loadf(age->approach + aged)),
                  lane_setf((float)TOCSIN__HOLT_SEEN));

    for (uint32_t i = 0; i < seasons; i++)
        season[i] = lane_holt_within(
            lane_addf(season[i], lane_mulf(lane_loadf(age->share[i] + aged), e)));
    if (is_patchy) {
        *learnt = lane_bits(learns);
        lane_store_where(c->level + at, learns, level);
        if (r->has_trend)
            lane_storef_where(c->trend + at, learns, next_trend);
        for (uint32_t i = 0; i < seasons; i++)
            lane_storef_where(c->season[i] + at, learns, season[i]);
        if (seasons > 0)
            lane_storef_where(c->own + at, learns, next_own);
        lane_storef_where(c->spread + at, learns, next_spread);
        lane_storef_where(c->reach + at, learns, next_reach);
    } else {
        lane_store(c->level + at, level);
        if (r->has_trend)
            lane_storef(c->trend + at, next_trend);
        for (uint32_t i = 0; i < seasons; i++)
            lane_storef(c->season[i] + at, season[i]);
        if (seasons > 0)
            lane_storef(c->own + at, next_own);
        lane_storef(c->spread + at, next_spread);
        lane_storef(c->reach + at, next_reach);
    }
    return 1;
}

static TOCSIN__APART int lane_holt_patchy(const tocsin__holt_job *job, const lane_holt_age *age,
                                          const lane_holt_columns *c, size_t at, size_t value_at,
                                          uint32_t take, uint32_t *learnt)
{
    const lane_holt_rules r = lane_holt_rules_of(job);

    return lane_holt_group(&r, age, job->season_count, c, at,
                           lane_holt_value(job->tiles.values, job->tiles.is_float, value_at), 1,
                           take, learnt);
}

typedef struct {
    uint32_t learnt, left;
} lane_holt_done;

/* Those of the lanes at..at+lane_width-1 whose bit in `take` is set. */
static TOCSIN__APART lane_holt_done lane_holt_some(const tocsin__holt_job *job,
                                                   const lane_holt_age *age, char *tile,
                                                   size_t at, size_t value_at, uint32_t take)
{
    const lane_holt_rules r = lane_holt_rules_of(job);
    const lane_f32 zero = lane_setf(0), real_max = lane_setf((float)TOCSIN__REAL_MAX);
    const lane_f64 one = lane_set(1);
    double *const level_at = (double *)(void *)(tile + job->level) + at;
    float *const trend_at = (float *)(void *)(tile + job->trend) + at;
    float *const spread_at = (float *)(void *)(tile + job->spread) + at;
    float *const reach_at = (float *)(void *)(tile + job->reach) + at;
    const tocsin__tile_head *head = (const tocsin__tile_head *)(const void *)tile;
    uint32_t *const count_at = (uint32_t *)tocsin__tile_column(head, job->count) + at;
    uint16_t *const habit_at = (uint16_t *)tocsin__tile_column(head, job->habit) + at;
    uint16_t *const outside_at = (uint16_t *)tocsin__tile_column(head, job->outside) + at;
    float *const own_at = job->season_count > 0 ? job->deviation + value_at : NULL;
    const size_t aged = at * age->stride;
    const lane_f64 value = lane_holt_value(job->tiles.values, job->tiles.is_float, value_at);
    const lane_mask taken = lane_where(take);
    lane_mask learnt = lane_and(taken, lane_le(lane_abs(value), lane_set(TOCSIN__VALUE_MAX)));
    lane_mask left = lane_and_not(lane_and_not(taken, lane_is_nan(value)), learnt);
    lane_f64 base = lane_load(level_at);
    lane_f32 trend = zero, season[2] = {zero, zero};

    /* Look ahead. */
    if (job->has_trend) {
        trend = lane_loadf(trend_at);
        base = lane_add(base, lane_mul(lane_widen(trend), r.damping_sum));
    }
    for (uint32_t i = 0; i < job->season_count; i++) {
        season[i] = lane_loadf(job->season[i] + value_at);
        season[i] = lane_blendf(lane_is_nanf(season[i]), zero, season[i]);
    }
    const lane_f64 expected =
        lane_holt_bounded(lane_add(base, lane_widen(lane_addf(season[0], season[1]))));
    const lane_f32 spread = lane_loadf(spread_at), reach = lane_loadf(reach_at);
    const lane_f32 common = lane_minf(lane_holt_standard(spread), real_max);
    lane_f32 deviation = common, own = zero;

    /* Read. */
    if (job->season_count > 0) {
        own = lane_loadf(own_at);
        const lane_f32 shrunk = lane_minf(
            lane_holt_approach(spread, own, lane_loadf(age->weight + aged)), real_max);
        const lane_f32 known =
            lane_maxf(lane_minf(lane_holt_standard(shrunk), real_max),
                      lane_mulf(lane_setf((float)TOCSIN__HOLT_QUIETEST), common));
        const lane_f32 guess =
            lane_minf(lane_mulf(common, lane_setf((float)TOCSIN__HOLT_UNSEEN)), real_max);

        deviation = lane_blendf(lane_eqf(own, zero), guess, known);
    }
    if (r.widens)
        deviation = lane_minf(lane_mulf(deviation, r.widening), real_max);
    const lane_f64 residual = lane_sub(value, expected);
    const lane_f32 distance = lane_residual_round(lane_narrow(lane_abs(residual)));
    deviation = lane_residual_deviation(
        deviation, lane_residual_floor(&r.residual, expected, reach), distance);
    const lane_f32 statistic = lane_residual_statistic(distance, deviation);

    if (job->maximum) {
        const float *const bar_at = (const float *)(const void *)(tile + job->bar) + at;
        float *const maximum_at = (float *)(void *)(tile + job->maximum) + at;
        const lane_mask rings = lane_and(learnt, lane_gtf(statistic, lane_loadf(bar_at)));

        left = lane_or(left, rings);
        learnt = lane_and_not(learnt, rings);
        lane_storef_where(
            maximum_at, learnt,
            lane_maxf(lane_loadf(maximum_at),
                      lane_minf(statistic, lane_setf((float)TOCSIN__STATISTIC_MAX))));
    }

    /* Learn. */
    lane_f32 habit = lane_loadf_u16(habit_at), outside = lane_loadf_u16(outside_at);
    const lane_f32 old_habit = habit, old_outside = outside;
    const lane_f64 revision = lane_residual_winsorise(&r.residual, residual,
                                                      lane_maxf(common, deviation), &habit,
                                                      &outside);
    const lane_f32 e = lane_holt_within(lane_narrow(revision)), size = lane_absf(e);
    const lane_f64 before = lane_load_u32(count_at), n = lane_add(before, one);
    const lane_mask grows = lane_or(lane_lt(lane_mul(n, r.alpha), one),
                                    lane_lt(lane_mul(before, lane_set(job->delta)), one));
    const lane_f64 a = lane_max(r.alpha, lane_div(one, n));
    const lane_f64 d = lane_max(lane_set(job->delta), lane_div(one, before));

    lane_storef_u16(habit_at, lane_blendf(learnt, habit, old_habit));
    lane_storef_u16(outside_at, lane_blendf(learnt, outside, old_outside));
    lane_store_u32_where(count_at,
                         lane_and(lane_and(learnt, grows), lane_lt(before, lane_set(UINT32_MAX))),
                         n);
    lane_store_where(level_at, learnt, lane_holt_bounded(lane_add(base, lane_mul(a, revision))));
    if (job->has_trend) {
        const lane_f64 share = lane_div(lane_mul(lane_set(job->beta), a), r.damping_sum);
        const lane_f32 turn =
            lane_holt_within(lane_mulf(lane_holt_within(lane_narrow(share)), e));

        lane_storef_where(trend_at, learnt,
                          lane_mulf(r.damping_left, lane_holt_within(lane_addf(trend, turn))));
    }
    for (uint32_t i = 0; i < job->season_count; i++) {
        const lane_f64 gain = lane_load(age->gain[i] + aged);
        const lane_f32 share = lane_narrow(lane_mul(gain, lane_sub(one, a)));

        lane_storef_where(job->season[i] + value_at, learnt,
                          lane_holt_within(lane_addf(season[i], lane_mulf(share, e))));
        if (i == 0) {
            const lane_f32 smoothed =
                lane_holt_approach(own, size, lane_loadf(age->approach + aged));
            const lane_f32 seen = lane_maxf(lane_blendf(lane_eqf(own, zero), size, smoothed),
                                            lane_setf((float)TOCSIN__HOLT_SEEN));

            lane_storef_where(own_at, learnt, lane_minf(seen, real_max));
        }
    }

    lane_storef_where(spread_at, learnt,
                      lane_holt_spread(lane_minf(
                          lane_holt_approach(spread, size, lane_narrow(d)), real_max)));
    lane_storef_where(reach_at, learnt, lane_residual_reach(&r.residual, reach, size));
    if (job->tiles.statistics)
        lane_store(job->tiles.statistics + value_at,
                   lane_blend(learnt, lane_widen(statistic), lane_set(tocsin__nan())));

    const lane_holt_done done = {lane_bits(learnt), lane_bits(left)};

    return done;
}

/* ---- Tiles ------------------------------------------------------------------- */

/* Habits of a group of which these lanes have crossed nothing. */
static TOCSIN__INLINE void lane_holt_drain_group(const lane_holt_columns *c, size_t at,
                                                 uint32_t drains)
{
    const lane_mask learnt = lane_where(drains);
    const lane_f32 habit = lane_loadf_u16(c->habit + at), outside = lane_loadf_u16(c->outside + at);

    lane_storef_u16(c->habit + at, lane_blendf(learnt, lane_residual_drain(habit), habit));
    lane_storef_u16(c->outside + at, lane_blendf(learnt, lane_setf(0), outside));
}

/* A tile of which `done`, whole groups, went the quick way, and the others did not. */
static TOCSIN__APART void lane_holt_rest(const tocsin__holt_job *job, const lane_holt_age *age,
                                         char *tile, size_t first, int is_full, uint64_t done)
{
    const uint64_t group = (UINT64_C(1) << lane_width) - 1;
    tocsin__tile_head *head = (tocsin__tile_head *)(void *)tile;
    const lane_holt_columns c = lane_holt_columns_of(job, tile, first);
    const int is_calm = (head->flags & TOCSIN__TILE_CALM) != 0;
    uint64_t learnt = done, left = 0;
    int crosses = 0;            /* or might */

    if (!is_calm) {
        if (head->drains)
            tocsin__tile_settle(head, c.habit, c.outside);
        head->most = 0;
    }
    for (size_t at = 0; at < TOCSIN__LANES; at += lane_width) {
        const uint32_t here = (uint32_t)(head->take >> at & group);
        lane_holt_done some = {0, 0};
        uint32_t drains = (uint32_t)(done >> at & group);

        if (!drains && is_full &&
            lane_holt_patchy(job, age, &c, at, first + at, here, &some.learnt)) {
            drains = some.learnt;
        } else if (!drains) {
            some = lane_holt_some(job, age, tile, at, first + at, here);
            crosses = 1;
        }
        if (!is_calm && drains)
            lane_holt_drain_group(&c, at, drains);
        learnt |= (uint64_t)some.learnt << at;
        left |= (uint64_t)some.left << at;
    }
    head->learnt = learnt;
    head->left = left;
    if (!is_calm || crosses)
        head->flags = lane_holt_is_calm(c.habit, c.outside, head->used)
                          ? head->flags | TOCSIN__TILE_CALM
                          : head->flags & ~(uint32_t)TOCSIN__TILE_CALM;
}

/* Have all lanes learnt? */
static TOCSIN__INLINE int lane_holt_tile(const tocsin__holt_job *job, const lane_holt_rules *r,
                                         uint32_t seasons, const lane_holt_age *mature,
                                         lane_holt_age *young, double full_count, char *tile,
                                         size_t first)
{
    tocsin__tile_head *head = (tocsin__tile_head *)(void *)tile;
    const uint32_t *count = tocsin__tile_column(head, job->count);
    const void *const values = job->tiles.values;
    const uint32_t is_float = job->tiles.is_float, flags = head->flags;
    const uint64_t used = head->used, take = head->take;
    const uint64_t group = (UINT64_C(1) << lane_width) - 1;
    const int is_full = (!job->gain_varies && flags & TOCSIN__TILE_FULL) ||
                        lane_holt_is_full(count, used, full_count);
    const size_t columns = TOCSIN__LANES * sizeof(float);
    const size_t value = is_float ? sizeof(float) : sizeof(double);
    const lane_holt_age *age = mature;
    const lane_holt_columns c = lane_holt_columns_of(job, tile, first);
    uint64_t done = 0;

    if (seasons > 0 && !(flags & TOCSIN__TILE_MATURE)) {
        lane_holt_age_each(job, tocsin__tile_column(head, job->start), used, young);
        age = young;
    }
    lanes_ask_to_write(tile + LANES_AHEAD * job->tiles.size, job->tiles.size);
    lanes_ask((const char *)values + (first + LANES_AHEAD * TOCSIN__LANES) * value,
              TOCSIN__LANES * value);
    for (uint32_t i = 0; i < seasons; i++)
        lanes_ask_to_write(c.season[i] + LANES_AHEAD * TOCSIN__LANES, columns);
    if (seasons > 0)
        lanes_ask_to_write(c.own + LANES_AHEAD * TOCSIN__LANES, columns);
    if (is_full)
        for (size_t at = 0; at < TOCSIN__LANES; at += lane_width) {
            if ((take >> at & group) == group &&
                lane_holt_group(r, age, seasons, &c, at,
                                lane_holt_value(values, is_float, first + at), 0, 0, NULL))
                done |= group << at;
        }
    if (TOCSIN__RARELY(done != UINT64_MAX)) {
        lane_holt_rest(job, age, tile, first, is_full, done);
    } else {
        if (head->learnt != UINT64_MAX)     /* a line that is not written is not moved */
            head->learnt = UINT64_MAX;
        if (head->left)
            head->left = 0;
        if (!(flags & TOCSIN__TILE_CALM))
            tocsin__tile_drain_by_one(head, c.habit, c.outside, job->tiles.is_lazy);
    }
    if (used == take) {
        const uint32_t known = (is_full && !job->gain_varies ? (uint32_t)TOCSIN__TILE_FULL : 0u) |
                               (age->is_mature ? (uint32_t)TOCSIN__TILE_MATURE : 0u);

        if (known & ~head->flags)
            head->flags |= known;
    }
    return head->learnt == UINT64_MAX;
}

static TOCSIN__INLINE uint64_t lane_holt_tiles(const tocsin__holt_job *job, uint32_t seasons)
{
    const lane_holt_rules r = lane_holt_rules_of(job);
    const double full_count = lane_holt_full_count(job);
    lane_holt_age mature, young;
    uint64_t rest = 0;

    lane_holt_grow_old(job, &mature);
    young.is_known = 0;
    for (size_t t = 0; t < job->tiles.count; t++) {
        char *tile = job->tiles.first + t * job->tiles.size;

        if (!lane_holt_tile(job, &r, seasons, &mature, &young, full_count, tile,
                            t * TOCSIN__LANES))
            rest |= UINT64_C(1) << t % TOCSIN__RUN_MAX;
    }
    return rest;
}

static uint64_t lane_holt(const tocsin__holt_job *job)
{
    switch (job->season_count) {
    case 0:
        return lane_holt_tiles(job, 0);
    case 1:
        return lane_holt_tiles(job, 1);
    default:
        return lane_holt_tiles(job, 2);
    }
}
