/* rows.h - what the detectors of rows have in common: many metrics on one scale, lags, three views.
 *
 * A forest compares what cannot be compared: milliseconds with shares of a processor.  So each
 * metric is put on its own scale first, and with `shingle=` a point is put together with those
 * before it.  What comes out is a vector of 16-bit codes, one for each lag of each metric, that
 * all forests work on: 32,768 is the metric's centre, and a deviation is 2,047 codes.  Beyond 4
 * deviations codes grow with the logarithm, so that they reach to 80 deviations, where they end.
 * Integers make trees exact: a range is a difference, and a cut is a draw of a whole number.
 *
 * Scale.  The centre is an exponentially weighted mean, the deviation 1.2533 times the mean
 * absolute residual, both with weights that halve every `half-life`, arithmetic ones at the start.
 * A residual teaches no more than 8 deviations; a level that moved for good is relearnt
 * nevertheless, for at that limit each point raises the deviation by a constant factor.  The
 * deviation is never taken for less than 0.5% of the centre or 1% of the reach, the largest
 * residual that was learnt, which fades over 16 half-lives: a metric that stands still would
 * otherwise call its next ripple infinitely strange.  One that never moved has no scale; its first
 * ripple is one deviation.
 *
 * Missing.  A metric that is missing is at its centre, and so says nothing; it is not learnt.
 *
 * Views.  A cut looks at one metric and a forest is bounded: how far out a point is, or that many
 * metrics move at once, a little each, it hardly tells.  So a row is looked at in three ways, each of
 * which finds a number:
 *
 *     forest      what the detector's own trees find
 *     distance    mean over the metrics of the distance from the centre, as codes count it
 *     change      mean over the metrics of |x_t - x_(t-1)| in units of its own mean, at most 80
 *
 * With m and s the exponentially weighted means of what was found and of how far that was from m,
 *
 *     channel = max(0, (found - m) / s)
 *
 * for each, and the largest speaks.  A residual teaches s no more than 8 times s.  The forest's s
 * begins at 1, its trees' own unit, and is at least 0.05; the means of n metrics are never taken to
 * vary by less than those of n metrics that go their own ways, 0.4 / sqrt(n).  These two learn while
 * the forest still warms up.
 *
 * Of one metric and its lags only the forest speaks, in its own unit: found - m.  How far out a
 * single value is, other detectors know better.
 *
 * Lags.  The codes of the last points learnt are kept as they were coded then.  Before there are
 * any, they are centres.
 *
 * State: the views stand first in a detector's struct, and the four arrays below are its first; its
 * own follow.
 *
 * Cost: two divisions per metric to judge and a few multiplications to learn; a logarithm for what
 * is beyond 4 deviations.
 */
#ifndef TOCSIN__ROWS_H
#define TOCSIN__ROWS_H

#include "../pipeline/stage.h"

#define TOCSIN__ROW_METRICS_MAX 256
#define TOCSIN__ROW_LAGS_MAX 64
#define TOCSIN__ROW_CODES_MAX 1024

#define TOCSIN__CODE_CENTRE 32768
#define TOCSIN__CODE_DEVIATION 2047.0

/* Parameters that stand first, in this order. */
enum { TOCSIN__ROWS_METRICS, TOCSIN__ROWS_SHINGLE, TOCSIN__ROWS_HALF_LIFE, TOCSIN__ROWS_PARAMS };

#define TOCSIN__ROWS_PARAMETERS(shingle_, half_life_)                                             \
    {"metrics", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "1", 1, TOCSIN__ROW_METRICS_MAX, "",           \
     "values per point: with more than one, points are rows"},                                   \
    {"shingle", TOCSIN_TYPE_INTEGER, 1, 1, 0, "points", shingle_, 1, TOCSIN__ROW_LAGS_MAX, "",   \
     "points judged together: each with those before it; 1024 values at most in all"},          \
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", half_life_, 1, 1e9, "",                         \
     "points, or time where clock step= is given, after which what was learnt counts half"}

enum {
    TOCSIN__ROWS_CENTRE,        /* F64, per metric: the mean, and the last value */
    TOCSIN__ROWS_SPREAD,        /* F64, per metric: mean absolute residual, reach, mean change */
    TOCSIN__ROWS_SEEN,          /* U16, per metric: values learnt, up to 65,535 */
    TOCSIN__ROWS_RECENT,        /* U16, per lag but 0 and metric: codes */
    TOCSIN__ROWS_ARRAYS
};

#define TOCSIN__ROWS_FIELDS                                                                       \
    TOCSIN__ARRAY("centre", F64, TOCSIN__ROWS_CENTRE, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),    \
    TOCSIN__ARRAY("spread", F64, TOCSIN__ROWS_SPREAD, 0, 2 * TOCSIN__VALUE_MAX),                 \
    TOCSIN__ARRAY("seen", U16, TOCSIN__ROWS_SEEN, 0, UINT16_MAX),                                \
    TOCSIN__ARRAY("recent", U16, TOCSIN__ROWS_RECENT, 0, UINT16_MAX)

/* The channels of any detector of rows, and how it looks at a row. */
enum { TOCSIN__ROWS_FOREST, TOCSIN__ROWS_DISTANCE, TOCSIN__ROWS_CHANGE, TOCSIN__ROWS_VIEWS };

/* The first fields of a detector's state: what each view usually finds. */
typedef struct tocsin__rows_views {
    double usual[TOCSIN__ROWS_VIEWS];       /* mean of what was found */
    double spread[TOCSIN__ROWS_VIEWS];      /* mean absolute residual of that */
    uint32_t judged[TOCSIN__ROWS_VIEWS];    /* how often */
    uint32_t spare;
} tocsin__rows_views;

#define TOCSIN__ROWS_FOUND_MAX 4096.0

#define TOCSIN__ROWS_VIEW_FIELDS(state)                                                           \
    TOCSIN__FIELD(state, views.usual[0], F64, -TOCSIN__ROWS_FOUND_MAX, TOCSIN__ROWS_FOUND_MAX),  \
    TOCSIN__FIELD(state, views.usual[1], F64, 0, TOCSIN__ROWS_FOUND_MAX),                        \
    TOCSIN__FIELD(state, views.usual[2], F64, 0, TOCSIN__ROWS_FOUND_MAX),                        \
    TOCSIN__FIELD(state, views.spread[0], F64, 0, TOCSIN__ROWS_FOUND_MAX),                       \
    TOCSIN__FIELD(state, views.spread[1], F64, 0, TOCSIN__ROWS_FOUND_MAX),                       \
    TOCSIN__FIELD(state, views.spread[2], F64, 0, TOCSIN__ROWS_FOUND_MAX),                       \
    TOCSIN__FIELD(state, views.judged[0], U32, 0, UINT32_MAX),                                   \
    TOCSIN__FIELD(state, views.judged[1], U32, 0, UINT32_MAX),                                   \
    TOCSIN__FIELD(state, views.judged[2], U32, 0, UINT32_MAX),                                   \
    TOCSIN__FIELD(state, views.spare, U32, 0, 0)

/* Part of a detector's constants. */
typedef struct tocsin__rows {
    double gain;
    double fade;                /* of the reach, per point */
    double half_life;           /* points */
    uint32_t metrics, lags;
    uint32_t codes;             /* metrics * lags */
    uint32_t reserved;
    double steady;              /* the least spread of a mean over the metrics */
    size_t array[TOCSIN__MAX_ARRAYS];   /* offsets in the state */
} tocsin__rows;

/* The parameters above, and the lengths of the arrays above. */
int tocsin__rows_resolve(const tocsin__values *values, const tocsin__context *context,
                         tocsin__rows *rows, tocsin__shape *shape, tocsin__complaint *complaint);

/* Once the detector has set the lengths of its own: where all of them are. */
void tocsin__rows_place(tocsin__rows *rows, const tocsin__layout *layout,
                        const tocsin__shape *shape);

static inline void *tocsin__rows_array(const tocsin__rows *rows, void *state, uint32_t array)
{
    return (char *)state + rows->array[array];
}

static inline const void *tocsin__rows_const_array(const tocsin__rows *rows, const void *state,
                                                   uint32_t array)
{
    return (const char *)state + rows->array[array];
}

/* A state that has seen nothing; the rest comes zeroed. */
void tocsin__rows_init(const tocsin__rows *rows, void *state);

/* What the point is to the forest: rows->codes of them, lag by lag. */
void tocsin__rows_code(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                       uint16_t *codes);

/* The three channels, from the codes and what the forest found in them (NaN: it is still warming
 * up, and so is the detector).  The reading becomes that of the metric farthest from its centre. */
void tocsin__rows_judge(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double found, tocsin__reading *reading);

/* Learn the point, whose codes these are, and what was found in it. */
void tocsin__rows_learn(const tocsin__rows *rows, void *state, const tocsin__point *point,
                        const uint16_t *codes, const tocsin__reading *reading);

/* `parts`, one >= 0 for each code, are in proportion to what they are to blame for in what the forest
 * found; where another view speaks, its own take their place.  They are made to add up to the
 * statistic; the reading becomes that of the metric that has most of it; both go to the point's
 * shares, with `normal` (codes of the nearest normal point; NULL: the centres). */
void tocsin__rows_share(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double *parts, const uint16_t *normal,
                        tocsin__reading *reading);

/* There is no band: whether a row is strange is not a matter of one value. */
void tocsin__rows_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                       double limit, double *lower, double *upper);

/* ---- Random numbers: a counter mixed (Steele, Lea and Flood 2014, splitmix64) ---------------- */

static inline uint64_t tocsin__rows_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t tocsin__rows_draw(uint64_t *random)
{
    *random += UINT64_C(0x9e3779b97f4a7c15);
    return tocsin__rows_mix(*random);
}

/* A whole number 0 <= n < below, of 32 bits that are drawn. */
static inline uint32_t tocsin__rows_below(uint64_t draw, uint32_t below)
{
    return (uint32_t)((draw >> 32) * below >> 32);
}

#endif
