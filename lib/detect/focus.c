/* focus.c - FOCuS: has the level moved, at any time since it last did, by any amount?
 *
 * Model
 * -----
 * The series stands at a level, with a spread about it, until at some time tau it moves to another
 * one.  With S the cumulative sums, the likelihood ratio of a change after point tau against none,
 * maximised over both levels, is the square of
 *
 *     |n S_tau - tau S_n| / sqrt(n tau (n - tau)),        the level before unknown, or
 *     |S_n - S_tau| / sqrt(n - tau)                       where `mean=` says it, S being of x - mean,
 *
 * in standard deviations.  The statistic, channel 0 "level", is its maximum over all tau: that of a
 * window of any length, or of a CUSUM tuned to any size of change, at once.  It is told before a
 * point is learnt, as if the point had been.
 *
 * What is pruned.  For given levels the likelihood is linear in (tau, S_tau).  So its maximum over tau
 * is at a vertex of the convex hull of these points: of the lower one for a rise, of the upper one
 * for a fall.  Points come in order of tau, and the hull is kept by looking at its end alone
 * (Andrew 1979): an expected log n vertices, whatever the distribution of an exchangeable series
 * (Sparre Andersen 1954).  Nothing is lost, and no grid of change sizes is needed.
 *
 * Bounded memory.  At most `candidates` vertices are kept for each direction.  Stationary
 * series of a million points have 14 on average, but along a trend the sums are convex and each
 * point is a vertex.  One vertex too many: the one whose own change, judged between its neighbours,
 * has the smallest likelihood ratio goes.  The hull becomes a polygon within it, so the statistic
 * can only be too small, and hardly is.
 *
 * Which deviation.  Neighbours that are alike make sums wander farther than the spread tells.  So the
 * statistic is counted in the larger of two deviations: the exponentially weighted one of residuals
 * from the level, and that of sums over blocks of `block` points, from the differences of
 * neighbouring blocks (per point; what von Neumann 1941 is for points).  Autocorrelation that
 * dies out within a block is allowed for, and a change of the level is in one difference only.
 *
 * Outliers.  Values count as if they lay at most `clip` deviations from the level.  One spike reads
 * `clip`, and ten neighbouring ones `clip` sqrt(10).  Deviation, floors and winsorising are
 * those of residual.h; a point never counts for more than `clip` deviations as they are once it was
 * learnt, which a series at rest needs: its first ripple sets its deviation.
 *
 * A change is accepted when the statistic is beyond `accept` and the most likely change is `settle`
 * points old.  From there on the level is that of the last `settle` points, of which the median
 * is taken; their sums are what is known of it, and changes before that point are done with.  So an
 * alarm rings once per change, clears by itself, and the next change is told from the new level.
 * The old deviation counts for three times `settle` points then, their own for one.  With `mean=`
 * the sums begin anew instead, so a series that stays away from its target keeps ringing.
 *
 * References: Romano, Eckley, Fearnhead, Rigaill, "Fast online changepoint detection via functional
 * pruning CUSUM statistics", JMLR 2023; Page 1954.
 *
 * Precision: doubles; sums are of differences from a reference, the first value of the stretch or its
 * median, so that a large level costs no digits.
 *
 * Cost: a division per vertex to score, amortised constant to learn.  16 bytes per candidate and
 * direction, 1.4 KB per series by default.
 *
 * How it fails.  A season is a change of level each morning: the alarm's budget then counts
 * mornings.  A trend is accepted as a staircase.  Autocorrelation over longer times than a block
 * reads too high; the calibration that follows allows for what is habit.  Gaps are not seen: points
 * are counted, not time.  A change much smaller than the deviation is found late: evidence
 * never fades, but of a change of d deviations it takes about (6/d)^2 points.
 */
#include "residual.h"

enum {
    FOCUS_MEAN,
    FOCUS_DEVIATION,
    FOCUS_MEMORY,
    FOCUS_BLOCK,
    FOCUS_CLIP,
    FOCUS_ACCEPT,
    FOCUS_SETTLE,
    FOCUS_CANDIDATES,
    FOCUS_FLOOR,
    FOCUS_FLOOR_RELATIVE,
    FOCUS_FLOOR_HISTORY,
    FOCUS_WARMUP
};

#define FOCUS_SETTLE_MAX 64

static const tocsin__param focus_params[] = {
    {"mean", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "", -1e150, 1e150, "",
     "the level before any change, where it is known; not set: it is estimated"},
    {"deviation", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "", 1e-30, 1e150, "",
     "the standard deviation, where it is known; not set: it is estimated"},
    {"memory", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "2000", 32, 1e6, "",
     "points that the deviation remembers"},
    {"block", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 1, 10000, "",
     "neighbours closer than this may be alike; 1: they are independent"},
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, INFINITY, "",
     "what lies farther from the level counts as if it lay there; inf: as it is"},
    {"accept", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "6", 1, INFINITY, "",
     "the statistic beyond which a new level becomes the usual one; inf: never"},
    {"settle", TOCSIN_TYPE_INTEGER, 1, 1, 0, "points", "32", 2, FOCUS_SETTLE_MAX, "",
     "and for so many points it must have lasted"},
    {"candidates", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "32", 4, 1024, "",
     "change points that are kept for each direction"},
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",
     "the deviation is never taken for less"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the level", "0.5%", 0, 1, "",
     "nor for less than this share of the level"},
    {"floor-history", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the largest residual", "0.1%", 0, 1, "",
     "nor for less than this share of the largest residual remembered"},
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 2, 65535, "",
     "points before the first verdict"},
};

#define FOCUS_TRUST 4.0             /* confidence is full after so many warm-ups */
#define FOCUS_OLD 3u                /* what the deviation before a change counts, in settles */
#define FOCUS_MAD 1.4826            /* standard deviation / median absolute deviation */
#define FOCUS_BLOCK_CLIP 4.0        /* deviations of a block's difference */
#define FOCUS_COUNT_MAX 1e15        /* points of a stretch */
#define FOCUS_SUM_MAX 1e166

enum { FOCUS_RISING, FOCUS_FALLING, FOCUS_RECENT, FOCUS_ARRAYS };

typedef struct {
    tocsin__residual_rules rules;
    double mean;                    /* the level; NaN: unknown */
    double deviation;               /* NaN: unknown */
    double gain;                    /* of the variance */
    double block_gain;
    double accept;
    double trust;                   /* confidence per point */
    uint32_t block;
    uint32_t settle;
    uint32_t candidates;
    uint32_t warmup;
    uint64_t array[FOCUS_ARRAYS];   /* offsets in the state */
} focus_constants;

/* A stretch is what has come since the last change that was accepted. */
typedef struct {
    double reference;       /* sums are of values less this */
    double count;           /* points of the stretch */
    double sum;
    double variance;
    double reach;           /* see residual.h */
    double slow_variance;   /* per point, of sums over blocks; 0: not known yet */
    double block_sum, last_block_sum;
    uint32_t learnt;        /* points behind the variance, as far as its gain asks */
    uint32_t blocks;        /* differences behind the slow variance, likewise */
    uint16_t block_count;   /* points in the block under way */
    uint16_t has_block;     /* there is a block before it */
    uint16_t vertices[2];   /* of the lower hull (rises), of the upper one (falls) */
    uint16_t latest;        /* where the last value is among the last ones */
    uint16_t habit;         /* see residual.h */
    uint16_t outside;
    uint16_t spare;
} focus_state;

static const tocsin__field focus_fields[] = {
    TOCSIN__FIELD(focus_state, reference, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(focus_state, count, F64, 0, FOCUS_COUNT_MAX),
    TOCSIN__FIELD(focus_state, sum, F64, -FOCUS_SUM_MAX, FOCUS_SUM_MAX),
    TOCSIN__FIELD(focus_state, variance, F64, 0, 1e302),
    TOCSIN__FIELD(focus_state, reach, F64, 0, 1e151),
    TOCSIN__FIELD(focus_state, slow_variance, F64, 0, 1e306),
    TOCSIN__FIELD(focus_state, block_sum, F64, -FOCUS_SUM_MAX, FOCUS_SUM_MAX),
    TOCSIN__FIELD(focus_state, last_block_sum, F64, -FOCUS_SUM_MAX, FOCUS_SUM_MAX),
    TOCSIN__FIELD(focus_state, learnt, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(focus_state, blocks, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(focus_state, block_count, U16, 0, 10000),
    TOCSIN__FIELD(focus_state, has_block, U16, 0, 1),
    TOCSIN__FIELD(focus_state, vertices[0], U16, 0, 1024),
    TOCSIN__FIELD(focus_state, vertices[1], U16, 0, 1024),
    TOCSIN__FIELD(focus_state, latest, U16, 0, FOCUS_SETTLE_MAX - 1),
    TOCSIN__FIELD(focus_state, habit, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(focus_state, outside, U16, 0, 1),
    TOCSIN__FIELD(focus_state, spare, U16, 0, 0),
    /* Of each vertex the point after which it stands, and the sum up to there. */
    TOCSIN__ARRAY("rising", F64, FOCUS_RISING, -FOCUS_SUM_MAX, FOCUS_SUM_MAX),
    TOCSIN__ARRAY("falling", F64, FOCUS_FALLING, -FOCUS_SUM_MAX, FOCUS_SUM_MAX),
    TOCSIN__ARRAY("recent", F64, FOCUS_RECENT, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
};

static const tocsin__layout focus_layout = {sizeof(focus_state), focus_fields,
                                            TOCSIN__COUNT(focus_fields)};

static int focus_resolve(const tocsin__values *values, const tocsin__context *context,
                         void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    focus_constants *k = constants;
    const double memory = values[FOCUS_MEMORY].item[0].number;

    (void)context;
    (void)complaint;
    k->mean = values[FOCUS_MEAN].count ? values[FOCUS_MEAN].item[0].number : tocsin__nan();
    k->deviation = values[FOCUS_DEVIATION].count ? values[FOCUS_DEVIATION].item[0].number
                                                 : tocsin__nan();
    k->block = (uint32_t)values[FOCUS_BLOCK].item[0].number;
    k->accept = values[FOCUS_ACCEPT].item[0].number;
    k->settle = (uint32_t)values[FOCUS_SETTLE].item[0].number;
    k->candidates = (uint32_t)values[FOCUS_CANDIDATES].item[0].number;
    k->warmup = (uint32_t)values[FOCUS_WARMUP].item[0].number;
    k->trust = 1 / (FOCUS_TRUST * k->warmup);
    k->gain = 1 / memory;
    k->block_gain = tocsin__min(1, k->block / memory);
    tocsin__residual_rules_init(&k->rules, values[FOCUS_CLIP].item[0].number,
                                values[FOCUS_FLOOR].item[0].number,
                                values[FOCUS_FLOOR_RELATIVE].item[0].number,
                                values[FOCUS_FLOOR_HISTORY].item[0].number, memory,
                                TOCSIN__DOUBLE);
    shape->precision = TOCSIN__DOUBLE;
    shape->length[FOCUS_RISING] = shape->length[FOCUS_FALLING] = 2 * k->candidates;
    shape->length[FOCUS_RECENT] = k->settle;
    for (uint32_t i = 0; i < FOCUS_ARRAYS; i++)
        k->array[i] = tocsin__layout_array(&focus_layout, shape, i);
    return TOCSIN_OK;
}

static size_t focus_warmup(const void *constants)
{
    return ((const focus_constants *)constants)->warmup;
}

/* ---- Hulls ----------------------------------------------------------------- */

/* One direction's vertices: element 2i is where vertex i stands, 2i + 1 the sum there. */
typedef struct {
    double *item;
    size_t stride;
} focus_hull;

typedef struct {
    focus_hull hull[2];
    focus_hull recent;
} focus_arrays;

static inline focus_arrays focus_find(const focus_constants *k, const focus_state *s,
                                      const tocsin__arrays *given)
{
    focus_arrays a;
    void *base[FOCUS_ARRAYS];

    for (uint32_t i = 0; i < FOCUS_ARRAYS; i++)
        base[i] = given ? given->base[i] : (char *)(uintptr_t)s + k->array[i];
    a.hull[0].item = base[FOCUS_RISING];
    a.hull[1].item = base[FOCUS_FALLING];
    a.recent.item = base[FOCUS_RECENT];
    a.hull[0].stride = a.hull[1].stride = a.recent.stride = given ? given->stride : 1;
    return a;
}

static inline double focus_time(const focus_hull *hull, size_t i)
{
    return hull->item[2 * i * hull->stride];
}

static inline double focus_sum(const focus_hull *hull, size_t i)
{
    return hull->item[(2 * i + 1) * hull->stride];
}

static inline void focus_set(const focus_hull *hull, size_t i, double time, double sum)
{
    hull->item[2 * i * hull->stride] = time;
    hull->item[(2 * i + 1) * hull->stride] = sum;
}

/* No more than there is room for: a snapshot's bounds do not know the spec. */
static inline size_t focus_vertices(const focus_constants *k, const focus_state *s, int which)
{
    return s->vertices[which] < k->candidates ? s->vertices[which] : k->candidates;
}

/* The likelihood ratio of a change at vertex i, for `n` points that sum to `sum`, in the metric's unit
 * squared; of an unknown level, times n.  0 where it went the other way. */
static TOCSIN__INLINE double focus_ratio(const focus_constants *k, const focus_hull *hull,
                                         size_t i, double sign, double n, double sum)
{
    const int is_known = !tocsin__is_nan(k->mean);
    const double time = focus_time(hull, i);
    const double a = is_known ? sum - focus_sum(hull, i) : time * sum - n * focus_sum(hull, i);
    const double b = is_known ? n - time : time * (n - time);
    const double ratio = a * a / b;

    return sign * a > 0 ? ratio : 0;
}

/* The largest of one direction.  Two running maxima: neither waits for the other. */
static TOCSIN__INLINE double focus_largest(const focus_constants *k, const focus_state *s,
                                           const focus_arrays *a, int which, double n, double sum)
{
    const size_t vertices = focus_vertices(k, s, which);
    const focus_hull *hull = &a->hull[which];
    const double sign = which ? -1 : 1;
    double even = 0, odd = 0;
    size_t i = 0;

    for (; i + 1 < vertices; i += 2) {
        even = tocsin__max(focus_ratio(k, hull, i, sign, n, sum), even);
        odd = tocsin__max(focus_ratio(k, hull, i + 1, sign, n, sum), odd);
    }
    if (i < vertices)
        even = tocsin__max(focus_ratio(k, hull, i, sign, n, sum), even);
    return tocsin__max(even, odd);
}

/* After which point the most likely change is. */
static double focus_change(const focus_constants *k, const focus_state *s, const focus_arrays *a)
{
    double largest = 0, at = s->count;

    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < focus_vertices(k, s, which); i++) {
            const double ratio = focus_ratio(k, &a->hull[which], i, which ? -1 : 1, s->count,
                                             s->sum);

            if (ratio > largest) {
                largest = ratio;
                at = focus_time(&a->hull[which], i);
            }
        }
    return at;
}

/* Vertex i lies within the hull, or on it, once (time, sum) follows: it is no vertex. */
static inline int focus_is_within(const focus_hull *hull, size_t i, double sign, double time,
                                  double sum)
{
    const double x = focus_time(hull, i), y = focus_sum(hull, i);
    const double before = (y - focus_sum(hull, i - 1)) * (time - x);
    const double after = (sum - y) * (x - focus_time(hull, i - 1));

    return sign * before >= sign * after;
}

/* Make room: the vertex between whose neighbours a change is least likely goes. */
static TOCSIN__APART void focus_thin(const focus_hull *hull, size_t vertices)
{
    double above = tocsin__infinity(), below = 1;
    size_t least = 1;

    for (size_t i = 1; i + 1 < vertices; i++) {
        const double x = focus_time(hull, i), y = focus_sum(hull, i);
        const double l = x - focus_time(hull, i - 1), r = focus_time(hull, i + 1) - x;
        const double a = (y - focus_sum(hull, i - 1)) * r - (focus_sum(hull, i + 1) - y) * l;
        const double b = l * r * (l + r);

        if (a * a * below < above * b) {
            above = a * a;
            below = b;
            least = i;
        }
    }
    for (size_t i = least; i + 1 < vertices; i++)
        focus_set(hull, i, focus_time(hull, i + 1), focus_sum(hull, i + 1));
}

/* A point more: (time, sum) is a vertex until a later one says otherwise. */
static TOCSIN__INLINE void focus_append(const focus_constants *k, focus_state *s,
                                        const focus_arrays *a, int which, double time, double sum)
{
    const focus_hull *hull = &a->hull[which];
    const double sign = which ? -1 : 1;
    size_t vertices = focus_vertices(k, s, which);

    while (vertices > 1 && focus_is_within(hull, vertices - 1, sign, time, sum))
        vertices--;
    /* Away from a known level only: what went the other way first is no beginning. */
    if (!tocsin__is_nan(k->mean) && vertices == 1 && sign * sum <= sign * focus_sum(hull, 0))
        vertices = 0;
    if (TOCSIN__RARELY(vertices == k->candidates)) {
        focus_thin(hull, vertices);
        vertices--;
    }
    focus_set(hull, vertices, time, sum);
    s->vertices[which] = (uint16_t)(vertices + 1);
}

/* ---- Levels and deviations --------------------------------------------------- */

static inline double focus_level(const focus_constants *k, const focus_state *s)
{
    if (!tocsin__is_nan(k->mean))
        return k->mean;
    return s->count > 0 ? tocsin__bounded(s->reference + s->sum / s->count) : s->reference;
}

/* Of a point, as far as it is known, without floors. */
static inline double focus_deviation(const focus_constants *k, const focus_state *s)
{
    return tocsin__is_nan(k->deviation) ? tocsin__sqrt(s->variance) : k->deviation;
}

/* Never less than that of a point. */
static inline double focus_slow_deviation(const focus_constants *k, const focus_state *s,
                                          double deviation)
{
    if (!tocsin__is_nan(k->deviation))
        return k->deviation;
    return tocsin__max(deviation, tocsin__sqrt(s->slow_variance));
}

static TOCSIN__INLINE void focus_score(const void *constants, const void *state,
                                       const tocsin__arrays *arrays, const tocsin__point *point,
                                       tocsin__reading *reading)
{
    const focus_constants *k = constants;
    const focus_state *s = state;

    if (s->learnt < k->warmup) {
        reading->flags |= TOCSIN_FLAG_WARMING;
        reading->channel[0] = reading->expected = reading->deviation = tocsin__nan();
        reading->reason[0] = TOCSIN_REASON_NONE;
        reading->confidence = 0;
        return;
    }

    const focus_arrays a = focus_find(k, s, arrays);
    const double level = focus_level(k, s);

    tocsin__residual_read(&k->rules, point->value - level, level, focus_deviation(k, s), s->reach,
                          reading);
    if (!tocsin__is_nan(k->deviation)) {
        reading->deviation = k->deviation;
        reading->flags &= ~(uint32_t)TOCSIN_FLAG_FLOORED;
    }

    const double limit = k->rules.clip * reading->deviation;
    const double value = tocsin__clamp(point->value, level - limit, level + limit);
    const double n = s->count + 1, sum = s->sum + (value - s->reference);
    const double rise = focus_largest(k, s, &a, 0, n, sum);
    const double fall = focus_largest(k, s, &a, 1, n, sum);
    const double largest = tocsin__max(rise, fall);
    const double ratio = tocsin__is_nan(k->mean) ? largest / n : largest;

    reading->channel[0] =
        tocsin__min(tocsin__sqrt(ratio) / focus_slow_deviation(k, s, reading->deviation),
                    TOCSIN__STATISTIC_MAX);
    reading->reason[0] = TOCSIN_REASON_LEVEL;
    reading->direction = (rise > fall) - (rise < fall);
    reading->confidence = tocsin__min(1, s->learnt * k->trust);
}

/* ---- Learning ---------------------------------------------------------------- */

/* A block is full: what its difference from the one before says of sums. */
static TOCSIN__APART void focus_end_block(const focus_constants *k, focus_state *s)
{
    if (s->has_block) {
        const double half = 0.5 / k->block;
        const double limit = FOCUS_BLOCK_CLIP * FOCUS_BLOCK_CLIP * s->slow_variance;
        const double d = s->block_sum - s->last_block_sum;
        double square = tocsin__min(half * (d * d), 1e305);
        double g = k->block_gain;

        if (s->blocks * g < 1) {
            s->blocks++;
            g = tocsin__max(g, 1.0 / s->blocks);
        }
        if (s->blocks > 4 && square > limit && limit > 0)
            square = limit;
        s->slow_variance += g * (square - s->slow_variance);
    }
    s->last_block_sum = s->block_sum;
    s->block_sum = 0;
    s->block_count = 0;
    s->has_block = 1;
}

/* The middle of `count` values, which are sorted on the way. */
static double focus_median(double *value, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const double moving = value[i];
        size_t at = i;

        for (; at > 0 && value[at - 1] > moving; at--)
            value[at] = value[at - 1];
        value[at] = moving;
    }
    return 0.5 * value[(count - 1) / 2] + 0.5 * value[count / 2];
}

static inline void focus_begin(const focus_constants *k, focus_state *s, const focus_arrays *a)
{
    s->count = s->sum = 0;
    s->block_sum = s->last_block_sum = 0;
    s->block_count = s->has_block = 0;
    s->vertices[0] = s->vertices[1] = 0;
    focus_append(k, s, a, 0, 0, 0);
    focus_append(k, s, a, 1, 0, 0);
}

/* The last values are the usual ones from now on. */
static TOCSIN__APART void focus_accept(const focus_constants *k, focus_state *s,
                                       const focus_arrays *a)
{
    double value[FOCUS_SETTLE_MAX] = {0}, level, spread, limit;

    focus_begin(k, s, a);
    if (!tocsin__is_nan(k->mean))
        return;
    for (uint32_t i = 0; i < k->settle; i++)
        value[i] = a->recent.item[i * a->recent.stride];
    s->reference = level = focus_median(value, k->settle);
    for (uint32_t i = 0; i < k->settle; i++)
        value[i] = tocsin__abs(a->recent.item[i * a->recent.stride] - level);
    spread = FOCUS_MAD * focus_median(value, k->settle);
    s->variance = (FOCUS_OLD * s->variance + spread * spread) / (FOCUS_OLD + 1);
    if (s->learnt > (FOCUS_OLD + 1) * k->settle)
        s->learnt = (FOCUS_OLD + 1) * k->settle;
    limit = k->rules.clip * tocsin__max(focus_deviation(k, s),
                                        tocsin__residual_floor(&k->rules, level, s->reach));
    for (uint32_t i = 0; i < k->settle; i++)
        s->sum += tocsin__clamp(a->recent.item[i * a->recent.stride] - level, -limit, limit);
    s->count = k->settle;
    focus_append(k, s, a, 0, s->count, s->sum);
    focus_append(k, s, a, 1, s->count, s->sum);
}

static TOCSIN__INLINE void focus_learn(const void *constants, void *state,
                                       const tocsin__arrays *arrays, const tocsin__point *point,
                                       const tocsin__reading *reading)
{
    const focus_constants *k = constants;
    focus_state *s = state;
    const focus_arrays a = focus_find(k, s, arrays);

    if (s->vertices[0] == 0) {      /* the very first */
        s->reference = tocsin__is_nan(k->mean) ? point->value : k->mean;
        focus_begin(k, s, &a);
    }

    const double level = focus_level(k, s);
    const double d = tocsin__residual_winsorise(&k->rules, point->value - level,
                                                reading->deviation, &s->habit, &s->outside);
    const double n = (double)s->learnt + 1, size = tocsin__abs(d);
    double g = k->gain, counted = d;

    if (n * g < 1)
        g = 1 / n;
    if (s->learnt < UINT32_MAX)
        s->learnt++;
    s->variance += g * ((1 - g) * (d * d) - s->variance);
    if (s->variance < 1e-300)
        s->variance = 0;
    s->reach = n > 1 ? tocsin__residual_reach(&k->rules, s->reach, size) : 0;
    if (s->learnt > k->warmup) {
        const double limit =
            k->rules.clip * tocsin__max(focus_deviation(k, s),
                                        tocsin__residual_floor(&k->rules, level, s->reach));

        counted = tocsin__clamp(d, -limit, limit);
    }
    if (++s->latest >= k->settle)
        s->latest = 0;
    a.recent.item[s->latest * a.recent.stride] = point->value;

    /* From the level, not the reference: sums of what is farther off would have fewer digits. */
    const double more = (level - s->reference) + counted;

    if (s->count >= FOCUS_COUNT_MAX)
        return;
    s->count += 1;
    s->sum += more;
    focus_append(k, s, &a, 0, s->count, s->sum);
    focus_append(k, s, &a, 1, s->count, s->sum);
    if (k->block > 1) {
        s->block_sum += more;
        if (++s->block_count >= k->block)
            focus_end_block(k, s);
    }
    if (TOCSIN__RARELY(reading->channel[0] > k->accept) &&
        s->count - focus_change(k, s, &a) >= k->settle)
        focus_accept(k, s, &a);
}

static void focus_push(const void *constants, void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, tocsin__reading *reading)
{
    focus_score(constants, state, arrays, point, reading);
    focus_learn(constants, state, arrays, point, reading);
}

/* A lone value reads its own deviations, as many as `clip` at most.  What has added up before it
 * is not in the band. */
static void focus_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                       double limit, double *lower, double *upper)
{
    const focus_constants *k = constants;
    const double reach = limit < k->rules.clip ? limit * reading->deviation : tocsin__infinity();

    (void)channel;
    *lower = reading->expected - reach;
    *upper = reading->expected + reach;
}

static int focus_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                          uint64_t steps, double *expected, double *deviation)
{
    const focus_constants *k = constants;
    const focus_state *s = state;

    (void)since;
    (void)step;
    (void)steps;
    if (s->learnt < k->warmup)
        return 0;
    *expected = focus_level(k, s);
    *deviation = tocsin__is_nan(k->deviation)
                     ? tocsin__max(focus_deviation(k, s),
                                   tocsin__residual_floor(&k->rules, *expected, s->reach))
                     : k->deviation;
    return 1;
}

static void focus_explain(const void *constants, const void *state, const tocsin__reading *reading,
                          tocsin_explanation *explanation)
{
    const focus_constants *k = constants;
    const focus_state *s = state;

    (void)reading;
    explanation->level = s->learnt ? focus_level(k, s) : tocsin__nan();
    explanation->trend = explanation->season = tocsin__nan();
    explanation->floor = tocsin__residual_floor(&k->rules, focus_level(k, s), s->reach);
}

static const char *const focus_channels[] = {"level"};

const tocsin__stage tocsin__stage_focus = {
    .name = "focus",
    .summary = "change in level, of any size and at any time since the last one",
    .reference = "Romano, Eckley, Fearnhead, Rigaill 2023",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = focus_params,
    .param_count = TOCSIN__COUNT(focus_params),
    .constants_size = sizeof(focus_constants),
    .layout = {sizeof(focus_state), focus_fields, TOCSIN__COUNT(focus_fields)},
    .resolve = focus_resolve,
    .warmup = focus_warmup,
    .explain = focus_explain,
    .channel_names = focus_channels,
    .score = focus_score,
    .learn = focus_learn,
    .push = focus_push,
    .band = focus_band,
    .forecast = focus_forecast,
};
