/* tail.c - the calibrator: how often would a series in order show something like this?
 *
 * A detector's raw statistic is a number of deviations, or something of the kind, and what
 * is rare for one series happens daily to another.  This stage learns, for each series,
 * how high the statistic reaches by itself and turns it into a rate: the expected number
 * of exceedance clusters per point, whose -log10 is the score.  A cluster is a run of
 * exceedances with gaps shorter than the alarm's dead time; it is what somebody is called
 * for.
 *
 * Model
 * -----
 * Everything is done on the level u = log(1 + statistic), where tails of all kinds are
 * tame.  The history is cut into blocks of L points; a ring keeps the maxima of the last
 * 32 (state/maxima.h).  L starts at 8 points and doubles, neighbours joined, whenever the
 * ring is full, until a block is an eighth of the return period T of the most frequent
 * budget: then the ring spans two to four T, so that the limit for T is interpolated
 * between things that happened, and not extrapolated.  Rarer levels come from the tail
 * fitted to the top quarter.  The oldest blocks go whenever neighbours are joined: what a model
 * said while it was young it will not say again, and would raise the limit for months (the burn-in of
 * simulations).  Of the sixteen two go, since a tail needs all there is; but half of them as long as
 * the ring spans two days to eight, in which a model gets to know the day and the week.
 *
 * The curve from levels to rates is a short table of knots, drawn anew when a block ends:
 *
 *     level                                           expected clusters per block
 *     the median of the blocks                        log 2
 *     the threshold, a quarter of the blocks above    of blocks that reach it; of clusters above
 *     the j-th largest cluster, j = 6, 4, 3, 2        j / blocks
 *     what the fit says happens once in the ring      1 / blocks
 *
 * In between, level and log of the rate are interpolated linearly; below, linearly towards
 * 1 per point at level 0; above, by the generalised Pareto law.  Limits are read off the
 * same curve backwards, so score and limit always agree.
 *
 * The curve depends on nothing but ring, block length, step and history, and so it need not
 * be kept: banks draw it again for the few points above the median block (tail.h).
 *
 * A history shorter than the return period asked for is a reason to be careful: the fit is
 * right only on average, and a limit that is too low rings more often than one that is too
 * high saves.  A return period P beyond the history H is therefore drawn from the curve at
 * P (P/H)^0.5.  There is no limit, hence no alarm, while H < P / 100.
 *
 * A maximum enters the ring clipped at the level that three rings would hold once, so that
 * an outage raises the limit by a step per block and does not deafen the bell for weeks.
 * The step is at least a tenth: a statistic that drifts must not outrun its ring.
 *
 * Limits are at least 1, on the statistic's own scale: detectors measure in deviations
 * above their floor, and one floor is nothing to ring for.  Where three quarters of the blocks
 * have not moved at all the floor is all there is of a scale, and it takes 3 of them.
 *
 * Several channels: the largest statistic speaks, as if all were on one scale.
 *
 * Time is measured, not assumed: T and H are durations, the mean step is that of the
 * recent blocks, and a gap longer than 8 steps counts as 8: it adds no history.
 *
 * Pools (bank/classes.c).  The statistic is in deviations, each series divided by its own scale,
 * and that is where series of one class are alike: hydrologists pool the block maxima of a
 * region's rivers the same way (Hosking and Wallis 1997).  A pool holds the maxima of 256 blocks,
 * each put together from what members learnt until it is as long as a member's longest block, an
 * eighth of T: a life of six hours is a part of one.  A new member's ring is filled with the pool's
 * quantiles at the plotting positions j/33 of 32 blocks.  So it begins as a series would that had
 * learnt for four T, with the class's noise averaged over eight times as much, and goes on as any
 * series does: its own blocks push the class's out.
 *
 * A large class fills 256 blocks in minutes, of one time of the day.  So the pool's blocks are
 * thinned, one in 2, 4, 8 ... being kept, until they look back a day and T at least.  What is
 * taught comes clipped as in a ring; and since the 31st of 256 blocks is the limit at T, a
 * few members gone mad do not move it: it takes a share of the blocks that would break the budget.
 *
 * Cost: learning a point is a maximum and a comparison; the fit costs a tenth of a microsecond
 * per block.  Scoring takes two multiplications and, for the few points above the median
 * block, a logarithm, in a bank the curve drawn again; a return period takes an exponential.
 *
 * How it fails.  What changes more slowly than the ring is long (a season the detector
 * does not model, a random walk read as deviations from a slow mean) makes the blocks
 * unlike each other, and the rate is then an average over good times and bad.  Two return
 * periods far apart share one block length, so the rarer one is extrapolated.
 */
#include "tail.h"

#define TAIL_BLOCK_MIN 4u           /* points */
#define TAIL_BLOCK_START 8u
#define TAIL_BLOCKS_PER_PERIOD 8.0  /* at least so many blocks in the shortest return period */
#define TAIL_BLOCKS_READY 8u        /* no score before */
#define TAIL_BLOCKS_BURNT 2u        /* the oldest, whenever blocks are joined ... */
#define TAIL_BLOCKS_BURNT_YOUNG 8u  /* the same while seasons are new: while the ring spans ... */
#define TAIL_SEASONS_BEGIN (2 * (double)TOCSIN_DAY) /* ... at least this ... */
#define TAIL_SEASONS_END (8 * (double)TOCSIN_DAY)   /* ... and less than this */
#define TAIL_HISTORY 100.0          /* a budget rings once 1/100 of its return period is known */
#define TAIL_LOG_CLIP TAIL_LN3      /* log of the rings that would hold the clipping level once: 3 */
#define TAIL_CLIP_STEP 0.1          /* a maximum may exceed the ring's at least by this */
#define TAIL_LEVEL_FLOOR TAIL_LN2   /* smallest limit: a statistic of 1 */
#define TAIL_LEVEL_FLOOR_STILL (2 * TAIL_LN2)   /* the same for a series that hardly ever moved: of 3 */
#define TAIL_LEVEL_STILL 0.048790164169432003   /* ... as far as this: of 0.05 */
#define TAIL_STATISTIC_MAX TOCSIN__STATISTIC_MAX     /* levels end at 64 */
#define TAIL_ELAPSED_MAX 4e18       /* of a block, ns: 127 years */
#define TAIL_ELAPSED_MOST UINT64_C(4000000000000000000)
#define TAIL_HISTORY_MAX 1e30       /* steps */
#define TAIL_STEP_MAX 1e11          /* seconds */
#define TAIL_STEP_BLOCKS 32.0       /* memory of the mean step, in blocks */
#define TAIL_SCORE_MAX 300.0        /* so that the return period stays a finite number */
#define TAIL_DEFAULT_PERIOD ((double)TOCSIN_WEEK)   /* where no alarm names one */

#define TAIL_BODY_MIN 1e-30         /* of a series that stands still */
#define TAIL_LN2 0.693147180559945309
#define TAIL_LN3 1.098612288668109691
#define TAIL_LN_LN2 (-0.366512920581664327)

typedef struct {
    double period[2];               /* return periods of the alarm's tiers, ns */
    double block;                   /* the longest block, ns */
    double step;                    /* nominal, ns; 0: nobody said */
    double threshold;               /* score the alarm rings above, without tiers; 0: none */
    uint32_t tiers;
    uint32_t reserved;
} tail_constants;

typedef tocsin__tail_state tail_state;

static const tocsin__field tail_fields[] = {
    TOCSIN__FIELD(tail_state, maximum, REAL, 0, TAIL_STATISTIC_MAX),
    TOCSIN__FIELD(tail_state, elapsed, I64, 0, 9.3e18),
    TOCSIN__FIELD(tail_state, history, REAL, 0, 1.1 * TAIL_HISTORY_MAX),
    TOCSIN__FIELD(tail_state, step, REAL, 0, TAIL_STEP_MAX),
    TOCSIN__FIELD(tail_state, points, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(tail_state, length, U32, TAIL_BLOCK_MIN, UINT32_MAX),
    TOCSIN__FIELD(tail_state, maxima.level, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_state, maxima.first, U16, 0, TOCSIN__MAXIMA - 1),
    TOCSIN__FIELD(tail_state, maxima.count, U16, 0, TOCSIN__MAXIMA),
    TOCSIN__FIELD(tail_state, knot_level, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_state, knot_rarity, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_state, knots, U16, 0, TOCSIN__TAIL_KNOTS),
    TOCSIN__FIELD(tail_state, clip, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_state, horizon, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_state, spare, U16, 0, 0),
    TOCSIN__FIELD(tail_state, body, REAL, 0, 1e38),
    TOCSIN__FIELD(tail_state, slope, REAL, 0, 1e38),
    TOCSIN__FIELD_NAN(tail_state, limit[0], REAL, 0, INFINITY),
    TOCSIN__FIELD_NAN(tail_state, limit[1], REAL, 0, INFINITY),
    TOCSIN__FIELD(tail_state, scale, REAL, 1e-6, 1e6),
    TOCSIN__FIELD(tail_state, shape, REAL, -1, 1),
};

static int tail_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    tail_constants *k = constants;

    (void)values;
    (void)complaint;
    shape->precision = TOCSIN__MIXED;   /* levels are kept in 16 bits: a float says more */
    k->tiers = context->tier_count;
    k->threshold = context->threshold;
    for (uint32_t t = 0; t < k->tiers; t++)
        k->period[t] = (double)context->period[t];
    k->block = (k->tiers > 0 ? k->period[0] : TAIL_DEFAULT_PERIOD) / TAIL_BLOCKS_PER_PERIOD;
    k->step = (double)context->step;
    return TOCSIN_OK;
}

static size_t tail_warmup(const void *constants)
{
    (void)constants;
    return TAIL_BLOCKS_READY * TAIL_BLOCK_START;
}

static double tail_keep(double value)
{
    return tocsin__keep(TOCSIN__MIXED, value);
}

void tocsin__tail_forget(tocsin__tail_state *s)
{
    memset(s->knot_level, 0, sizeof s->knot_level);
    memset(s->knot_rarity, 0, sizeof s->knot_rarity);
    s->knots = 0;
    s->clip = UINT16_MAX;
    s->horizon = 0;
    s->body = s->slope = 0;
    s->limit[0] = s->limit[1] = tocsin__nan();
    s->scale = 1;
    s->shape = 0;
}

static void tail_init(const void *constants, void *state)
{
    const tail_constants *k = constants;
    tail_state *s = state;

    s->step = tail_keep(k->step / 1e9);
    s->length = TAIL_BLOCK_MIN;
    tocsin__tail_forget(s);
}

/* ---- The curve ------------------------------------------------------------- */

/* There is a curve, be it drawn or not. */
static inline int tail_is_ready(const tail_state *s)
{
    return s->maxima.count >= TAIL_BLOCKS_READY && s->step > 0;
}

/* Rounded down, so that the quiet part never lies above its end. */
static double tail_coarse(double value)
{
    return (double)tocsin__tail_coarse_of(tocsin__tail_coarse_code(value));
}

static uint16_t tail_rarity_code(double rarity)
{
    return (uint16_t)(tocsin__clamp(rarity * TOCSIN__RARITY_UNIT, 0, 65535) + 0.5);
}

/* The careful reading of a rarity beyond the history. */
static double tail_caution(double rarity, double horizon)
{
    return rarity <= horizon ? rarity : rarity + TOCSIN__TAIL_CAUTION * (rarity - horizon);
}

/* Level and statistic.  1 + x rather than log1p and expm1: a level's unit is 1/1024. */
static double tail_level(double statistic)
{
    return tocsin__log(1 + statistic);
}

static double tail_statistic(double level)
{
    return tocsin__exp(level) - 1;
}

/* -log of the clusters per point that exceed `statistic`. */
static double tail_rarity_at(const tail_state *s, double statistic)
{
    double low_rarity = tocsin__rarity_of(s->knot_rarity[0]);

    if (statistic <= s->body)
        return s->slope * statistic;

    const double level = tail_level(statistic);
    double low_level = tocsin__level_of(s->knot_level[0]);

    for (size_t i = 1; i < s->knots; i++) {
        const double high_level = tocsin__level_of(s->knot_level[i]);
        const double high_rarity = tocsin__rarity_of(s->knot_rarity[i]);

        if (level <= high_level)
            /* Two knots may share a level: then 0/0, which the maximum turns into 0. */
            return low_rarity + (high_rarity - low_rarity) *
                                    tocsin__max((level - low_level) / (high_level - low_level), 0);
        low_level = high_level;
        low_rarity = high_rarity;
    }
    return low_rarity +
           tocsin__excess_rarity(s->scale, s->shape, tocsin__max(0, level - low_level));
}

/* The level that clusters of a rarity beyond the first knot's reach. */
static double tail_level_at(const tail_state *s, double rarity)
{
    double low_rarity = tocsin__rarity_of(s->knot_rarity[0]);
    double low_level = tocsin__level_of(s->knot_level[0]);

    for (size_t i = 1; i < s->knots; i++) {
        const double high_level = tocsin__level_of(s->knot_level[i]);
        const double high_rarity = tocsin__rarity_of(s->knot_rarity[i]);

        if (rarity <= high_rarity)
            return low_level +
                   (high_level - low_level) * ((rarity - low_rarity) / (high_rarity - low_rarity));
        low_level = high_level;
        low_rarity = high_rarity;
    }
    return low_level + tocsin__excess_of(s->scale, s->shape, rarity - low_rarity);
}

/* The statistic that clusters of that rarity reach. */
static double tail_statistic_at(const tail_state *s, double rarity)
{
    if (rarity <= tocsin__rarity_of(s->knot_rarity[0]))
        return s->slope > 0 ? tocsin__min(s->body, rarity / s->slope) : s->body;
    return tail_statistic(tail_level_at(s, rarity));
}

/* A knot is never below the one before it. */
static void tail_knot(tail_state *s, double level, double rarity)
{
    uint16_t level_code = tocsin__level_code(level);
    uint16_t rarity_code = tail_rarity_code(rarity);

    if (s->knots > 0) {
        const uint16_t before_level = s->knot_level[s->knots - 1];
        const uint16_t before_rarity = s->knot_rarity[s->knots - 1];

        level_code = level_code > before_level ? level_code : before_level;
        rarity_code = rarity_code > before_rarity ? rarity_code : before_rarity;
    }
    s->knot_level[s->knots] = level_code;
    s->knot_rarity[s->knots] = rarity_code;
    s->knots++;
}

/* The clusters that become knots, by rank. */
static const struct {
    uint32_t rank;
    double log;
} tail_ranks[] = {{6, TAIL_LN2 + TAIL_LN3}, {4, 2 * TAIL_LN2}, {3, TAIL_LN3}, {2, TAIL_LN2}};

static double tail_draw_curve(tail_state *s)
{
    const double length = (double)s->length;
    tocsin__tail tail;

    tocsin__tail_forget(s);
    tocsin__maxima_fit(&s->maxima, length, s->history / length, &tail);

    const int is_still = tail.threshold <= TAIL_LEVEL_STILL;
    const double floor = is_still ? TAIL_LEVEL_FLOOR_STILL : TAIL_LEVEL_FLOOR;
    const double per_block = tocsin__log(length);
    const double blocks = (double)tail.blocks;
    const double once = per_block + tocsin__log(blocks);
    const double rate = tail.clusters > 0 ? tail.rate : 1 / blocks;

    if (tail.median < tail.threshold)
        tail_knot(s, tail.median, per_block - TAIL_LN_LN2);
    tail_knot(s, tocsin__max(floor, tail.threshold), per_block - tocsin__log(tail.reach));
    tail_knot(s, tail.threshold, per_block - tocsin__log(rate));
    for (size_t i = 0; i < TOCSIN__COUNT(tail_ranks); i++)
        if (tail_ranks[i].rank < tail.clusters)
            tail_knot(s, tail.cluster[tail_ranks[i].rank - 1], once - tail_ranks[i].log);

    const double beyond = tocsin__log(rate * blocks);

    tail_knot(s, tail.threshold + tocsin__excess_of(tail.scale, tail.shape, beyond), once);
    s->scale = tail_keep(tail.scale * tocsin__exp(-tail.shape * beyond));
    s->shape = tail_keep(tail.shape);
    s->body = tail_coarse(tail_statistic(tocsin__level_of(s->knot_level[0])));
    s->slope = tail_coarse(tocsin__rarity_of(s->knot_rarity[0]) /
                           tocsin__max(s->body, TAIL_BODY_MIN));

    /* What half of the blocks reach is no rarity to be careful about. */
    s->horizon = tail_rarity_code(tocsin__log(s->history));
    if (s->horizon < s->knot_rarity[0])
        s->horizon = s->knot_rarity[0];
    return once;
}

/* The curve, and what is read off it. */
static void tail_draw(const tail_constants *k, tail_state *s)
{
    const double once = tail_draw_curve(s), step = tocsin__tail_step(s);

    s->clip = tocsin__level_code(
        tocsin__max(tail_level_at(s, once + TAIL_LOG_CLIP),
                    tocsin__level_of(s->knot_level[s->knots - 1]) + TAIL_CLIP_STEP));
    for (uint32_t t = 0; t < k->tiers; t++) {
        const double rarity = tocsin__log(tocsin__max(1, k->period[t] / step));

        if (s->history * step * TAIL_HISTORY >= k->period[t])
            s->limit[t] = tail_keep(tail_statistic_at(
                s, tail_caution(rarity, tocsin__rarity_of(s->horizon))));
        if (t > 0 && s->limit[t] < s->limit[t - 1])     /* by a rounding */
            s->limit[t] = s->limit[t - 1];
    }
    if (k->threshold > 0)
        s->limit[0] = tail_keep(tail_statistic_at(
            s, tail_caution(k->threshold * TOCSIN__LN10, tocsin__rarity_of(s->horizon))));
}

void tocsin__tail_complete(const void *constants, tocsin__tail_state *s)
{
    tocsin__tail_forget(s);
    if (tail_is_ready(s))
        tail_draw(constants, s);
}

/* ---- Learning -------------------------------------------------------------- */

/* A level that so many blocks reach lies below the threshold, and so below the clipping level. */
static int tail_is_common(const tail_state *s, uint16_t code)
{
    const uint32_t top = s->maxima.count / 4 > 4 ? s->maxima.count / 4 : 4;
    uint32_t reach = 0;

    for (size_t i = 0; i < s->maxima.count; i++)
        reach += s->maxima.level[(s->maxima.first + i) % TOCSIN__MAXIMA] >= code;
    return reach > top;
}

static double tail_history(double steps)
{
    return tail_keep(tocsin__min(steps, TAIL_HISTORY_MAX));
}

/* How many of the oldest blocks go when blocks of that length are joined. */
static uint16_t tail_burnt(double length, double step)
{
    const double span = TOCSIN__MAXIMA * length * step;

    return span >= TAIL_SEASONS_BEGIN && span < TAIL_SEASONS_END ? TAIL_BLOCKS_BURNT_YOUNG
                                                                 : TAIL_BLOCKS_BURNT;
}

/* A block that goes on with another step or length goes on in their units. */
static void tail_round_elapsed(tail_state *s)
{
    const uint32_t shift = tocsin__tail_shift(s);

    s->elapsed = (int64_t)((uint64_t)s->elapsed >> shift << shift);
}

TOCSIN__APART void tocsin__tail_end_block(const void *constants, tocsin__tail_state *s)
{
    const tail_constants *k = constants;
    const double memory = tocsin__min(TAIL_STEP_BLOCKS, (double)s->maxima.count + 1);
    const uint16_t code = tocsin__level_code(tail_level(s->maximum));

    if (s->knots == 0 && tail_is_ready(s) && !tail_is_common(s, code))
        tail_draw(k, s);
    const double mean = tocsin__max(1, (double)s->elapsed / (double)s->points) / 1e9;
    const double before = s->step;

    s->step = tail_keep(before + (mean - before) / memory);
    s->history = tail_history(s->history * (before / s->step));     /* the same time */

    /* The longest block, in points of the step now known. */
    const double longest = k->block / tocsin__tail_step(s);

    if (s->maxima.count == 0 && s->length < TAIL_BLOCK_START && longest >= TAIL_BLOCK_START) {
        s->length = TAIL_BLOCK_START;
        tail_round_elapsed(s);
        return;
    }
    if (s->maxima.count == TOCSIN__MAXIMA && 2 * (double)s->length <= longest &&
        s->length <= UINT32_MAX / 2) {
        tocsin__maxima_join(&s->maxima);
        tocsin__maxima_drop(&s->maxima, tail_burnt((double)s->length, tocsin__tail_step(s)));
        s->length *= 2;
        tail_round_elapsed(s);
        tail_draw(k, s);
        return;
    }

    tocsin__maxima_push(&s->maxima, code < s->clip ? code : s->clip);
    s->history = tail_history(s->history + (double)s->points);
    s->maximum = 0;
    s->elapsed = 0;
    s->points = 0;
    if ((double)s->length > 2 * longest && s->length >= 2 * TAIL_BLOCK_MIN)
        s->length /= 2;
    if (s->maxima.count >= TAIL_BLOCKS_READY)
        tail_draw(k, s);
}

/* A gap counts for no more than some steps; none, before the first point, for one. */
static inline int64_t tail_gap(double step, int64_t elapsed)
{
    if (TOCSIN__RARELY(elapsed <= 0))
        return (int64_t)tocsin__min(step, TAIL_ELAPSED_MAX);
    return (double)elapsed <= TOCSIN__TAIL_GAP * step
               ? elapsed
               : (int64_t)tocsin__min(TOCSIN__TAIL_GAP * step, TAIL_ELAPSED_MAX);
}

/* The block's time with a point more, that came at `time` and `gap` after the one before. */
static inline int64_t tail_elapsed(const tail_state *s, int64_t time, int64_t gap)
{
    if (TOCSIN__RARELY(!(s->step > 0)))     /* as long as not even a step is known: a float's */
        return (int64_t)(float)((double)s->elapsed + tocsin__min((double)gap, TAIL_ELAPSED_MAX));

    const uint32_t shift = tocsin__tail_shift(s);
    const uint64_t now = tocsin__tail_units(time, 0);
    const uint64_t before = now > (uint64_t)gap ? now - (uint64_t)gap : 0;
    const uint64_t units =
        ((uint64_t)s->elapsed >> shift) + (now >> shift) - (before >> shift);

    return (int64_t)(units < TAIL_ELAPSED_MOST >> shift ? units << shift
                                                        : TAIL_ELAPSED_MOST >> shift << shift);
}

/* The speaking channel's statistic, kept to what a level can say; NaN if none speaks. */
static inline double tail_speaker(const tocsin__reading *reading, uint32_t channel_count,
                                  uint32_t *speaker)
{
    const double largest = tocsin__speaker(reading, channel_count, speaker);

    return largest > TAIL_STATISTIC_MAX ? TAIL_STATISTIC_MAX : largest;
}

static inline void tail_learn(const void *constants, void *state, const tocsin__point *point,
                              const tocsin__reading *reading, uint32_t channel_count,
                              const tocsin__rarity *rarity)
{
    const tail_constants *k = constants;
    tail_state *s = state;
    uint32_t speaker;
    const double statistic = tail_speaker(reading, channel_count, &speaker);
    int64_t elapsed = point->elapsed;

    (void)rarity;
    if (tocsin__is_nan(statistic))
        return;
    if (s->step > 0)
        elapsed = tail_gap(tocsin__tail_step(s), elapsed);
    s->elapsed = tail_elapsed(s, point->time, elapsed);
    s->maximum = tocsin__max(s->maximum, tail_keep(statistic));
    if (++s->points >= s->length)
        tocsin__tail_end_block(k, s);
}

/* ---- Excluding ------------------------------------------------------------- */

/* A block's place in time is known by how many came after it, all of one length: to half a block, if
 * no points were missing. */
#define TAIL_EXCLUDE_MARGIN 0.5

/* The lower median of the blocks that are no members of a set. */
static uint16_t tail_median_without(const tail_state *s, uint32_t set, uint32_t others)
{
    for (uint32_t i = 0; i < s->maxima.count; i++) {
        const uint16_t code = s->maxima.level[(s->maxima.first + i) % TOCSIN__MAXIMA];
        uint32_t below = 0, reach = 0;

        for (uint32_t j = 0; j < s->maxima.count; j++)
            if (!(set >> j & 1)) {
                const uint16_t other = s->maxima.level[(s->maxima.first + j) % TOCSIN__MAXIMA];

                below += other < code;
                reach += other <= code;
            }
        if (!(set >> i & 1) && 2 * below < others && 2 * reach >= others)
            return code;
    }
    return 0;
}

/* An excluded block is made a median one, and not taken out: so the older ones keep their place in
 * time, and to exclude twice is to exclude once.  When too few are left the ring begins anew. */
static int tail_exclude(const void *constants, void *state, int64_t now, int64_t from, int64_t to)
{
    tail_state *s = state;
    const double block = (double)s->length * tocsin__tail_step(s);
    const double margin = TAIL_EXCLUDE_MARGIN * block;
    const double near = (double)now - (double)to, far = (double)now - (double)from;
    double ago = (double)s->elapsed;
    const int is_under_way = s->points > 0 && near <= ago;
    uint32_t set = 0, left = s->maxima.count;

    if (far < 0)
        return 0;
    for (uint32_t i = s->maxima.count; i-- > 0; ago += block)
        if (near < ago + block + margin && far > ago - margin) {
            set |= UINT32_C(1) << i;
            left--;
        }
    if (set && left < TAIL_BLOCKS_READY) {
        memset(s, 0, sizeof *s);
        tail_init(constants, s);
        return 1;
    }

    const uint16_t median = tail_median_without(s, set, left);

    if (is_under_way)
        s->maximum = tail_keep(tail_statistic(tocsin__level_of(median)));
    for (uint32_t i = 0; i < s->maxima.count; i++)
        if (set >> i & 1)
            s->maxima.level[(s->maxima.first + i) % TOCSIN__MAXIMA] = median;
    if (set)
        tocsin__tail_complete(constants, s);
    return is_under_way || set;
}

/* ---- Scoring --------------------------------------------------------------- */

/* Of a statistic above the body.  `is_beyond`: and beyond the last knot. */
static TOCSIN__APART double tail_score_at(const tail_state *s, double statistic, int *is_beyond)
{
    tail_state drawn;
    double rarity;

    if (s->knots == 0) {
        drawn = *s;
        tail_draw_curve(&drawn);
        s = &drawn;
    }
    rarity = tail_rarity_at(s, statistic);
    *is_beyond = rarity > tocsin__rarity_of(s->knot_rarity[s->knots - 1]);
    return tocsin__min(TAIL_SCORE_MAX, tocsin__tail_score_of_rarity(
                                           rarity, tocsin__rarity_of(s->horizon)));
}

static inline double tail_score(const tail_state *s, double statistic, int *is_beyond)
{
    *is_beyond = 0;
    return statistic <= s->body ? tocsin__tail_quiet_score(s->slope, statistic)
                                : tail_score_at(s, statistic, is_beyond);
}

static inline void tail_rank(const void *constants, const void *state, const tocsin__point *point,
                      const tocsin__reading *reading, uint32_t channel_count,
                      tocsin__rarity *out)
{
    const tail_constants *k = constants;
    const tail_state *s = state;
    const double statistic = tail_speaker(reading, channel_count, &out->channel);
    int is_beyond;

    (void)point;
    out->limit[0] = s->limit[0];
    out->limit[1] = s->limit[1];
    out->step = s->step;
    out->exceeds = 0;
    if (!tail_is_ready(s) || tocsin__is_nan(statistic)) {
        out->score = tocsin__nan();
        out->flags |= TOCSIN_FLAG_WARMING;
        return;
    }
    out->score = tail_score(s, statistic, &is_beyond);
    if (is_beyond)
        out->flags |= TOCSIN_FLAG_EXTRAPOLATED;
    if (k->tiers > 0 && tocsin__is_nan(s->limit[0]))
        out->flags |= TOCSIN_FLAG_SHORT_HISTORY;
    for (uint32_t t = 0; t < k->tiers; t++)
        if (statistic > s->limit[t])
            out->exceeds |= 1u << t;
}

static void tail_push(const void *constants, void *state, const tocsin__point *point,
                      const tocsin__reading *reading, uint32_t channel_count,
                      tocsin__rarity *rarity)
{
    tail_rank(constants, state, point, reading, channel_count, rarity);
    tail_learn(constants, state, point, reading, channel_count, rarity);
}

double tocsin__tail_score(const tocsin__tail_state *state, double statistic)
{
    int is_beyond;

    if (!tail_is_ready(state) || tocsin__is_nan(statistic))
        return tocsin__nan();
    return tail_score(state, tocsin__min(statistic, TAIL_STATISTIC_MAX), &is_beyond);
}

static double tail_score_of(const void *constants, const void *state, uint32_t channel,
                            double value)
{
    (void)constants;
    (void)channel;
    return tocsin__tail_score(state, value);
}

/* ---- Packed ---------------------------------------------------------------- */

/* Lengths of up to 6 binary digits as they are, longer ones by their first 6: doubled or halved,
 * they remain so.  That takes 10 bits; below them stands where the ring begins: in 6, as long as it
 * is not full how many blocks it has, for then its first one is the oldest. */
#define TAIL_LENGTH_DIGITS 6
#define TAIL_RING_BITS 6

static uint16_t tail_length_code(uint32_t length)
{
    uint32_t exponent = 0;

    while (length >> exponent >> TAIL_LENGTH_DIGITS)
        exponent++;
    return (uint16_t)((exponent << (TAIL_LENGTH_DIGITS - 1)) + (length >> exponent));
}

static uint32_t tail_length_of(uint16_t code)
{
    const uint32_t exponent = (uint32_t)code >> TAIL_LENGTH_DIGITS
                                  ? ((uint32_t)code >> (TAIL_LENGTH_DIGITS - 1)) - 1
                                  : 0;

    return (uint32_t)((uint64_t)(code - (exponent << (TAIL_LENGTH_DIGITS - 1))) << (exponent & 31));
}

static uint8_t *tail_put_float(uint8_t *out, double value)
{
    const float narrow = (float)value;

    memcpy(out, &narrow, sizeof narrow);
    return out + sizeof narrow;
}

static const uint8_t *tail_get_float(const uint8_t *in, double *value)
{
    float narrow;

    memcpy(&narrow, in, sizeof narrow);
    *value = (double)narrow;
    return in + sizeof narrow;
}

void tocsin__tail_pack(const tocsin__tail_state *state, uint32_t tiers, uint8_t *record)
{
    const uint32_t ring = state->maxima.count < TOCSIN__MAXIMA
                              ? state->maxima.count
                              : TOCSIN__MAXIMA + (uint32_t)state->maxima.first;
    const uint16_t word =
        (uint16_t)((uint32_t)tail_length_code(state->length) << TAIL_RING_BITS | ring);

    record = tail_put_float(record, state->step);
    record = tail_put_float(record, state->history);
    if (tiers > 1)
        record = tail_put_float(record, state->limit[1]);
    memcpy(record, &word, sizeof word);
    memcpy(record + sizeof word, state->maxima.level, sizeof state->maxima.level);
}

void tocsin__tail_unpack(const uint8_t *record, uint32_t tiers, tocsin__tail_state *state)
{
    uint32_t ring;
    uint16_t word;

    record = tail_get_float(record, &state->step);
    record = tail_get_float(record, &state->history);
    state->limit[1] = tocsin__nan();
    if (tiers > 1)
        record = tail_get_float(record, &state->limit[1]);
    memcpy(&word, record, sizeof word);
    memcpy(state->maxima.level, record + sizeof word, sizeof state->maxima.level);
    state->length = tail_length_of((uint16_t)(word >> TAIL_RING_BITS));
    ring = word & ((1u << TAIL_RING_BITS) - 1);
    state->maxima.count = (uint16_t)(ring < TOCSIN__MAXIMA ? ring : TOCSIN__MAXIMA);
    state->maxima.first = (uint16_t)(ring < TOCSIN__MAXIMA ? 0 : ring % TOCSIN__MAXIMA);
    state->knots = 0;
    state->clip = UINT16_MAX;
}

/* ---- Pools ----------------------------------------------------------------- */

#define TAIL_POOL 256               /* blocks a pool holds */
#define TAIL_POOL_FULL 0.75         /* of a block's time: it has ended */
#define TAIL_POOL_LONG 1.5          /* blocks: what is longer calls for longer ones */
#define TAIL_POOL_CLIP 16u          /* blocks from one look at the clipping level to the next */
#define TAIL_POOL_MEMORY 32.0       /* blocks that a mean remembers */
#define TAIL_POOL_SPAN ((double)TOCSIN_DAY)     /* a pool looks back at least as far */
#define TAIL_POOL_STRIDE_MAX (UINT32_C(1) << 20)
#define TAIL_POOL_TIME_MAX 1e30     /* ns */

typedef struct {
    double history;                 /* time taught, ns */
    double block;                   /* how long a block shall be, ns; 0: nothing was taught yet */
    double length;                  /* and is on average */
    double elapsed;                 /* of the block under way */
    double step;                    /* mean time between points, ns */
    double interval;                /* mean time between two blocks that were kept, ns */
    int64_t kept;                   /* when the last one was; TOCSIN_TIME_NONE: not known */
    uint32_t stride;                /* one in so many blocks is kept: a power of two */
    uint32_t blocks;                /* ended so far, modulo 2^32 */
    uint16_t level[TAIL_POOL];
    uint16_t first;                 /* index of the oldest */
    uint16_t count;
    uint16_t maximum;               /* in the block under way */
    uint16_t clip;                  /* level code no maximum exceeds */
} tail_pool;

static const tocsin__field tail_pool_fields[] = {
    TOCSIN__FIELD(tail_pool, history, F64, 0, TAIL_POOL_TIME_MAX),
    TOCSIN__FIELD(tail_pool, block, F64, 0, TAIL_POOL_TIME_MAX),
    TOCSIN__FIELD(tail_pool, length, F64, 0, TAIL_POOL_TIME_MAX),
    TOCSIN__FIELD(tail_pool, elapsed, F64, 0, TAIL_POOL_TIME_MAX),
    TOCSIN__FIELD(tail_pool, step, F64, 0, 1e20),
    TOCSIN__FIELD(tail_pool, interval, F64, 0, TAIL_POOL_TIME_MAX),
    TOCSIN__FIELD(tail_pool, kept, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tail_pool, stride, U32, 1, TAIL_POOL_STRIDE_MAX),
    TOCSIN__FIELD(tail_pool, blocks, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(tail_pool, level, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_pool, first, U16, 0, TAIL_POOL - 1),
    TOCSIN__FIELD(tail_pool, count, U16, 0, TAIL_POOL),
    TOCSIN__FIELD(tail_pool, maximum, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(tail_pool, clip, U16, 0, UINT16_MAX),
};

static void tail_pool_init(const void *constants, void *pool)
{
    const tail_constants *k = constants;
    tail_pool *p = pool;

    p->step = k->step;
    p->kept = TOCSIN_TIME_NONE;
    p->stride = 1;
    p->clip = UINT16_MAX;
}

static double tail_pool_time(double time)
{
    return tocsin__min(time, TAIL_POOL_TIME_MAX);
}

static uint16_t tail_pool_at(const tail_pool *p, size_t age)
{
    return p->level[(p->first + age) % TAIL_POOL];
}

/* Shell's sort, largest first. */
static void tail_pool_sort(uint16_t *code, size_t count)
{
    static const uint8_t gaps[] = {132, 57, 23, 10, 4, 1};

    for (size_t g = 0; g < TOCSIN__COUNT(gaps); g++)
        for (size_t gap = gaps[g], i = gap; i < count; i++) {
            const uint16_t moving = code[i];
            size_t at = i;

            for (; at >= gap && code[at - gap] < moving; at -= gap)
                code[at] = code[at - gap];
            code[at] = moving;
        }
}

/* The ring as a member's would typically be: the pool's quantiles at a ring's plotting positions.
 * High blocks stand apart, for what makes runs of them is gone, and the oldest, which a new
 * member forgets first, are a fair sample. */
static void tail_pool_ring(const tail_pool *p, tocsin__maxima *ring)
{
    uint16_t sorted[TAIL_POOL];

    memset(ring, 0, sizeof *ring);
    if (p->count <= TOCSIN__MAXIMA) {
        for (size_t i = 0; i < p->count; i++)
            tocsin__maxima_push(ring, tail_pool_at(p, i));
        return;
    }
    for (size_t i = 0; i < p->count; i++)
        sorted[i] = tail_pool_at(p, i);
    tail_pool_sort(sorted, p->count);
    for (uint32_t i = 0; i < TOCSIN__MAXIMA; i++) {
        const uint32_t rank = (i + 1) * (p->count + 1u);    /* from 1, in 33rds */
        const uint32_t below = rank / (TOCSIN__MAXIMA + 1), part = rank % (TOCSIN__MAXIMA + 1);
        const uint32_t high = sorted[below - 1], low = sorted[below < p->count ? below : below - 1];

        ring->level[(5 * i + 16) % TOCSIN__MAXIMA] =
            (uint16_t)(high - (high - low) * part / (TOCSIN__MAXIMA + 1));
    }
    ring->count = TOCSIN__MAXIMA;
}

/* What a new member starts with; 0 while the pool does not know enough. */
static int tail_pool_draw(const tail_constants *k, const tail_pool *p, tail_state *s)
{
    if (p->count < TAIL_BLOCKS_READY || !(p->step > 0))
        return 0;
    memset(s, 0, sizeof *s);
    tail_init(k, s);
    s->step = tail_keep(tocsin__min(p->step / 1e9, TAIL_STEP_MAX));
    s->length = tail_length_of(tail_length_code(
        (uint32_t)tocsin__clamp(p->length / p->step, TAIL_BLOCK_MIN, 2e9)));
    s->history = tail_history(p->history / p->step);
    tail_pool_ring(p, &s->maxima);
    if (!tail_is_ready(s))
        return 0;
    tail_draw(k, s);
    return 1;
}

/* Neighbours joined: half the blocks, each twice as long.  The oldest of an odd number goes. */
static void tail_pool_join(tail_pool *p)
{
    uint16_t level[TAIL_POOL] = {0};
    const uint16_t half = p->count / 2, odd = p->count % 2;

    for (size_t i = 0; i < half; i++) {
        const uint16_t a = tail_pool_at(p, odd + 2 * i), b = tail_pool_at(p, odd + 2 * i + 1);

        level[i] = a > b ? a : b;
    }
    memcpy(p->level, level, sizeof level);
    p->first = 0;
    p->count = half;
    p->block = tail_pool_time(2 * p->block);
    p->length = tail_pool_time(2 * p->length);
    p->interval = tail_pool_time(2 * p->interval);
}

/* Every other block goes, and from now on as many do not come in. */
static void tail_pool_thin(tail_pool *p)
{
    uint16_t level[TAIL_POOL] = {0};
    const uint16_t half = p->count / 2;

    for (size_t i = 0; i < half; i++)
        level[i] = tail_pool_at(p, 2 * i + 1);
    memcpy(p->level, level, sizeof level);
    p->first = 0;
    p->count = half;
    p->stride *= 2;
    p->interval = tail_pool_time(2 * p->interval);
}

/* Which blocks are kept: one in `stride`, with no rhythm that a class could share
 * (MurmurHash3's finaliser). */
static int tail_pool_keeps(const tail_pool *p)
{
    uint32_t z = p->blocks;

    z = (z ^ z >> 16) * UINT32_C(0x85ebca6b);
    z = (z ^ z >> 13) * UINT32_C(0xc2b2ae35);
    return ((z ^ z >> 16) & (p->stride - 1)) == 0;
}

static void tail_pool_end_block(const tail_constants *k, tail_pool *p, int64_t now)
{
    const uint16_t code = p->maximum < p->clip ? p->maximum : p->clip;
    const double back = tocsin__max(TAIL_POOL_SPAN, TAIL_BLOCKS_PER_PERIOD * k->block);
    tail_state drawn;

    p->length += (p->elapsed - p->length) / tocsin__min(TAIL_POOL_MEMORY, (double)p->count + 1);
    p->elapsed = 0;
    p->maximum = 0;
    p->blocks++;
    if (!tail_pool_keeps(p))
        return;
    if (p->kept != TOCSIN_TIME_NONE && now > p->kept)
        p->interval += ((double)now - (double)p->kept - p->interval) / TAIL_POOL_MEMORY;
    else
        p->interval -= p->interval / TAIL_POOL_MEMORY;
    p->kept = now;
    if (p->count == TAIL_POOL) {
        if (2 * p->block <= k->block)
            tail_pool_join(p);
        else if (p->interval * TAIL_POOL < back && p->stride <= TAIL_POOL_STRIDE_MAX / 2)
            tail_pool_thin(p);
    }
    if (p->count < TAIL_POOL) {
        p->level[(p->first + p->count) % TAIL_POOL] = code;
        p->count++;
    } else {
        p->level[p->first] = code;
        p->first = (uint16_t)((p->first + 1u) % TAIL_POOL);
    }
    if (p->stride > 1 && p->interval * TAIL_POOL > 4 * back) {
        p->stride /= 2;
        p->interval /= 2;
    }
    if ((p->count <= TOCSIN__MAXIMA || (p->first + p->count) % TAIL_POOL_CLIP == 0) &&
        tail_pool_draw(k, p, &drawn))
        p->clip = drawn.clip;
}

/* A maximum over that much time. */
static void tail_pool_learn(const tail_constants *k, tail_pool *p, uint16_t code, double elapsed,
                            int64_t now)
{
    if (!(elapsed > 0))
        return;
    elapsed = tail_pool_time(elapsed);
    if (p->block == 0)
        p->block = elapsed;
    while (elapsed > TAIL_POOL_LONG * p->block && 2 * p->block <= k->block)
        tail_pool_join(p);
    p->history = tail_pool_time(p->history + elapsed);
    p->elapsed = tail_pool_time(p->elapsed + elapsed);
    p->maximum = code > p->maximum ? code : p->maximum;
    if (p->elapsed >= TAIL_POOL_FULL * p->block)
        tail_pool_end_block(k, p, now);
}

/* A mark: how often the block's length has doubled, and how many blocks the ring has taken since. */
#define TAIL_MARK_BLOCKS 64u

static uint16_t tail_pool_mark(const void *constants, const void *state)
{
    const tail_state *s = state;
    uint32_t doublings = 0;

    (void)constants;
    while (s->length >> doublings > 1)
        doublings++;
    return (uint16_t)(doublings * TAIL_MARK_BLOCKS +
                      (s->maxima.count < TOCSIN__MAXIMA ? s->maxima.count
                                                        : TOCSIN__MAXIMA + s->maxima.first));
}

/* Blocks of the ring that came since. */
static uint32_t tail_pool_new(const tail_state *s, uint16_t mark)
{
    const uint32_t here = tail_pool_mark(NULL, s);
    const uint32_t at = here % TAIL_MARK_BLOCKS;
    uint32_t known = mark % TAIL_MARK_BLOCKS;

    if (here / TAIL_MARK_BLOCKS > mark / TAIL_MARK_BLOCKS) {
        known = known < TOCSIN__MAXIMA ? known : TOCSIN__MAXIMA;
        for (uint32_t d = mark / TAIL_MARK_BLOCKS; d < here / TAIL_MARK_BLOCKS; d++) {
            const uint32_t joined = (known + 1) / 2;
            const uint32_t burnt =
                tail_burnt((double)(UINT64_C(1) << (d < 32 ? d : 32)), tocsin__tail_step(s));

            known = joined > burnt ? joined - burnt : 0;
        }
    } else if (known > at && at >= TOCSIN__MAXIMA) {
        known -= TOCSIN__MAXIMA;    /* the ring has gone round */
    }

    const uint32_t fresh = known < at ? at - known : 0;

    return fresh < s->maxima.count ? fresh : s->maxima.count;
}

static void tail_pool_teach(const void *constants, void *pool, const void *state, uint16_t mark,
                            int64_t now, int leaves)
{
    const tail_constants *k = constants;
    const tail_state *s = state;
    tail_pool *p = pool;
    const uint32_t fresh = tail_pool_new(s, mark);
    const double step = tocsin__tail_step(s);

    if (s->step > 0 && (fresh > 0 || leaves))
        p->step += (step - p->step) /
                   (p->step > 0 ? tocsin__min(TAIL_POOL_MEMORY, (double)p->count + 1) : 1);
    for (uint32_t i = fresh; i > 0; i--)
        tail_pool_learn(k, p,
                        s->maxima.level[(s->maxima.first + s->maxima.count - i) % TOCSIN__MAXIMA],
                        (double)s->length * step, now);
    if (leaves && s->points > 0)
        tail_pool_learn(k, p, tocsin__level_code(tail_level(s->maximum)), (double)s->elapsed, now);
}

static void tail_pool_start(const void *constants, const void *pool, void *state)
{
    tail_state drawn;

    if (tail_pool_draw(constants, pool, &drawn))
        memcpy(state, &drawn, sizeof drawn);
}

/* ---- Explaining ------------------------------------------------------------- */

static void tail_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    const tail_state *s = state;

    (void)constants;
    (void)reading;
    explanation->limit = s->limit[0];
    explanation->history = s->history * s->step + (double)s->elapsed * 1e-9;
    explanation->step = s->step;
}

const tocsin__stage tocsin__stage_tail = {
    .name = "tail",
    .summary = "turns statistics into rates: block maxima with a fitted tail",
    .reference = "Pickands 1975; Hosking and Wallis 1987",
    .kind = TOCSIN_STAGE_CALIBRATE,
    .rank = TOCSIN__RANK_CALIBRATE,
    .is_default = 1,
    .revision = 1,
    .oldest_revision = 1,
    .constants_size = sizeof(tail_constants),
    .layout = {sizeof(tail_state), tail_fields, TOCSIN__COUNT(tail_fields)},
    .resolve = tail_resolve,
    .warmup = tail_warmup,
    .init = tail_init,
    .explain = tail_explain,
    .rank_point = tail_rank,
    .learn_rank = tail_learn,
    .push_rank = tail_push,
    .exclude = tail_exclude,
    .score_of = tail_score_of,
    .pool = {sizeof(tail_pool), tail_pool_fields, TOCSIN__COUNT(tail_pool_fields)},
    .pool_init = tail_pool_init,
    .pool_mark = tail_pool_mark,
    .pool_teach = tail_pool_teach,
    .pool_start = tail_pool_start,
};
