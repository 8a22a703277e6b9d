/* rows.h - what the detectors of rows have in common: many metrics on one scale, and lags.
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
 * Lags.  The codes of the last points learnt are kept as they were coded then.  Before there are
 * any, they are centres.
 *
 * Arrays of the state: the four below are the first of any detector of rows; its own follow.
 *
 * Cost: a division per metric to code and a few multiplications to learn; a logarithm for what is
 * beyond 4 deviations.
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
    TOCSIN__ROWS_CENTRE,        /* F64, per metric */
    TOCSIN__ROWS_SPREAD,        /* F64, per metric: mean absolute residual, and reach */
    TOCSIN__ROWS_SEEN,          /* U16, per metric: values learnt, up to 65,535 */
    TOCSIN__ROWS_RECENT,        /* U16, per lag but 0 and metric: codes */
    TOCSIN__ROWS_ARRAYS
};

#define TOCSIN__ROWS_FIELDS                                                                       \
    TOCSIN__ARRAY("centre", F64, TOCSIN__ROWS_CENTRE, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),    \
    TOCSIN__ARRAY("spread", F64, TOCSIN__ROWS_SPREAD, 0, 2 * TOCSIN__VALUE_MAX),                 \
    TOCSIN__ARRAY("seen", U16, TOCSIN__ROWS_SEEN, 0, UINT16_MAX),                                \
    TOCSIN__ARRAY("recent", U16, TOCSIN__ROWS_RECENT, 0, UINT16_MAX)

/* Part of a detector's constants. */
typedef struct tocsin__rows {
    double gain;
    double fade;                /* of the reach, per point */
    double half_life;           /* points */
    uint32_t metrics, lags;
    uint32_t codes;             /* metrics * lags */
    uint32_t reserved;
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

/* What the point is to the forest: rows->codes of them, lag by lag.  The reading becomes that of the
 * metric farthest from its centre. */
void tocsin__rows_code(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                       uint16_t *codes, tocsin__reading *reading);

/* Learn the point, whose codes these are. */
void tocsin__rows_learn(const tocsin__rows *rows, void *state, const tocsin__point *point,
                        const uint16_t *codes);

/* `parts`, one >= 0 for each code, that are in proportion to what they are to blame for: they are
 * made to add up to the statistic; the reading becomes that of the metric that has most of it; both
 * go to the point's shares, with `normal` (codes of the nearest normal point; NULL: the centres). */
void tocsin__rows_share(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double *parts, const uint16_t *normal,
                        tocsin__reading *reading);

/* A warming detector's reading. */
static inline void tocsin__rows_warming(tocsin__reading *reading)
{
    reading->flags |= TOCSIN_FLAG_WARMING;
    reading->channel[0] = reading->expected = reading->deviation = tocsin__nan();
    reading->reason[0] = TOCSIN_REASON_NONE;
    reading->confidence = 0;
}

/* How much more a detector finds than it usually does, as channel 0; what it finds is kept in channel
 * 1 for `learn`. */
static inline void tocsin__rows_say(tocsin__reading *reading, double found, double usual)
{
    reading->channel[0] = tocsin__max(0, found - usual);
    reading->channel[1] = found;
}

/* Learn what it usually finds; `judged` counts how often that was. */
static inline void tocsin__rows_get_used(const tocsin__rows *rows, const tocsin__reading *reading,
                                         double *usual, uint32_t *judged)
{
    if (tocsin__is_nan(reading->channel[0]))
        return;
    *usual += tocsin__max(rows->gain, 1 / (*judged + 1.0)) * (reading->channel[1] - *usual);
    *judged += *judged < UINT32_MAX;
}

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
