/* stage.h - the one internal interface: what a stage is.
 *
 * Every stage, whatever its kind, is one constant tocsin__stage: its row in the
 * catalog, its parameters, its state's field table and its functions.  A stage
 * knows nothing of the others.  What it needs to know of a point, it finds in
 * tocsin__point; what it says, it writes into the next struct down the pipe:
 *
 *     prepare    changes the point
 *     detect     point            -> reading   (raw statistics, an expectation)
 *     calibrate  point, reading   -> rarity    (one score with a unit)
 *     alarm      all of the above -> decision  (state, transition, tier)
 *
 * A verdict is all of these put together, and is so only where somebody wants one.
 * Scoring never changes a state and learning never changes what was said: each stage
 * has a `score` side, which sees its state as const, and a `learn` side, which sees
 * what was said as const.  The pipeline lets a point be scored first, and learnt only
 * where it is to be learnt.
 *
 * A spec gives a stage an array of typed values, one entry per parameter; the
 * stage's `resolve` checks what a row's bounds cannot say and derives the struct
 * of constants that all its other functions get.  A state holds no parameters.
 */
#ifndef TOCSIN__STAGE_H
#define TOCSIN__STAGE_H

#include "../core/common.h"
#include "../core/fields.h"
#include "../core/zone.h"
#include "../num/bounds.h"
#include "../num/mathx.h"
#include "tocsin/catalog.h"
#include "tocsin/detector.h"
#include "tocsin/spec.h"

/* ---- Parameters ---------------------------------------------------------- */

#define TOCSIN__MAX_LIST 4

typedef struct tocsin__param {
    const char *name;
    uint8_t type;           /* TOCSIN_TYPE_* */
    uint8_t max_count;      /* 1, or more for a list (at most TOCSIN__MAX_LIST) */
    uint8_t shapes_state;   /* changes the shape, so snapshots must agree on it */
    uint8_t reserved;
    const char *unit;       /* for people; "" where there is none */
    const char *fallback;   /* the default, as a spec would write it; "" for none */
    /* Inclusive.  Durations in seconds, rates in events per second; of a SPAN, seconds or
     * points, as it is given; of a SMOOTHING, the fraction: half-lives are only > 0. */
    double min, max;
    const char *choices;    /* the words accepted: "skip|hold"; beside a type one, like "auto"; or "" */
    const char *summary;
} tocsin__param;

/* The resolved values of one parameter. */
typedef struct tocsin__values {
    uint32_t count;         /* 0: not set and no default */
    uint32_t is_given;      /* it differs from the default, or there is none and it is set */
    tocsin_value item[TOCSIN__MAX_LIST];
} tocsin__values;

/* The zone that a parameter's values are; NULL, or why they are none. */
static inline const char *tocsin__values_zone(const tocsin__values *values, tocsin__zone *zone)
{
    int64_t parts[TOCSIN__MAX_LIST];

    for (uint32_t i = 0; i < values->count; i++)
        parts[i] = values->item[i].duration;
    return tocsin__zone_join(parts, values->count, zone);
}

/* What a stage may know of the rest of the pipe when its constants are derived. */
typedef struct tocsin__context {
    int64_t step;           /* nominal time between points, 0 if nobody said */
    uint32_t tier_count;    /* how many budgets the alarm has: 0 (raw, or a threshold) .. 2 */
    uint32_t is_raw;        /* scores are the detector's statistic: there are no rates */
    int64_t period[2];      /* their return periods, ascending: the ticket's, then the page's */
    int64_t cooldown;       /* the alarm's dead time, 0 if unknown */
    double threshold;       /* the score it rings above, where it has no budgets; 0: none */
    uint32_t metrics;       /* values per point, as the detector's parameter `metrics` says; or 1 */
    uint32_t spare;
    tocsin__zone zone;      /* the clock's, where its rule is one: seasons are of civil time */
} tocsin__context;

/* How `resolve` says no. */
typedef struct tocsin__complaint {
    int status;             /* TOCSIN_ERROR_RANGE or _CONFLICT */
    uint32_t param;         /* index of the parameter at fault */
    char message[160];      /* what is wrong and what would be right */
} tocsin__complaint;

/* Say no. */
static inline int tocsin__complain(tocsin__complaint *complaint, int status, uint32_t param,
                                   const char *message)
{
    size_t length = strlen(message);

    if (length >= sizeof complaint->message)
        length = sizeof complaint->message - 1;
    complaint->status = status;
    complaint->param = param;
    memcpy(complaint->message, message, length);
    complaint->message[length] = '\0';
    return status;
}

/* ---- What flows ------------------------------------------------------------ */

typedef struct tocsin__point {
    int64_t time;           /* always a time: the clock makes one where the caller has none */
    int64_t elapsed;        /* ns since the last point that was learnt; 0 before the first */
    int64_t pause;          /* ns since the last point, learnt or not; 0 before the first */
    double value;           /* NaN: missing; else within +-TOCSIN__VALUE_MAX */
    uint64_t count;         /* the exact integer, where is_count */
    uint32_t is_count;
    uint32_t flags;         /* TOCSIN_FLAG_* collected on the way */
    uint32_t fill_expected; /* a missing value that the model's own expectation shall replace */
    uint32_t is_limited;    /* the value lay beyond TOCSIN__VALUE_MAX; `given` is what it was */
    uint32_t is_tick;       /* no point at all: time has passed */
    uint32_t is_brief;      /* shares are wanted only of what is strange */
    double given;
    /* Where the spec has several metrics: one value of each, as they were given; `value` is then
     * the first that is not missing.  NULL: `value` is all there is. */
    const double *row;
    double *shares;         /* where the shares of the statistic go: see `share`; or NULL */
} tocsin__point;

/* A point's value of one metric, within bounds; NaN where it is missing. */
static inline double tocsin__metric_of(const tocsin__point *point, uint32_t metric)
{
    const double value = point->row ? point->row[metric] : point->value;

    return tocsin__is_finite(value)
               ? tocsin__clamp(value, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX)
               : tocsin__nan();
}

/* The first value of a row that is not missing, within bounds; NaN: there is none. */
static inline double tocsin__first_of_row(const double *row, uint32_t metrics)
{
    for (uint32_t i = 0; i < metrics; i++)
        if (tocsin__is_finite(row[i]))
            return tocsin__clamp(row[i], -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX);
    return tocsin__nan();
}

typedef struct tocsin__reading {
    /* Raw statistics >= 0, larger is stranger; NaN: none.  Those behind the detector's own count
     * are its notes to its own `learn` and `band`: nobody else looks at them. */
    double channel[TOCSIN_CHANNELS];
    uint8_t reason[TOCSIN_CHANNELS];    /* TOCSIN_REASON_* of each, should it be what speaks */
    uint32_t flags;                     /* WARMING, FLOORED ... */
    int32_t direction;                  /* +1, -1, 0 */
    uint32_t metric;                    /* of several, the one all of this is about */
    uint32_t reserved;
    double expected, deviation, confidence;
} tocsin__reading;

/* The channel that speaks, the largest, and its statistic; NaN if none has anything to say. */
static inline double tocsin__speaker(const tocsin__reading *reading, uint32_t channel_count,
                                     uint32_t *speaker)
{
    double largest = reading->channel[0];

    *speaker = 0;
    if (TOCSIN__RARELY(tocsin__is_nan(largest))) {
        for (uint32_t i = 1; i < channel_count; i++)
            if (reading->channel[i] > largest || tocsin__is_nan(largest)) {
                largest = reading->channel[i];
                *speaker = i;
            }
        return largest;
    }

    /* Which one it is nobody can foretell: first a maximum, then who reached it, without a branch. */
    for (uint32_t i = 1; i < channel_count; i++)
        largest = tocsin__max(reading->channel[i], largest);
    for (uint32_t i = channel_count; i-- > 0;)
        *speaker = reading->channel[i] == largest ? i : *speaker;
    return largest;
}

typedef struct tocsin__rarity {
    double score;           /* -log10 expected clusters per point; NaN while warming */
    double limit[2];        /* per tier: the raw statistic above which it rings; NaN: not yet.  With
                               a threshold in the place of budgets, the first is that one's */
    double step;            /* mean seconds between points; NaN: the score has no unit of time */
    uint32_t channel;       /* the one that speaks */
    uint32_t exceeds;       /* bit t: rarer than tier t's budget allows */
    uint32_t flags;         /* WARMING, EXTRAPOLATED, SHORT_HISTORY */
    uint32_t reserved;
} tocsin__rarity;

#define TOCSIN__LN10 2.302585092994045684

/* The return period, seconds; NaN where there is none.  Only few ask for it: it takes an
 * exponential. */
static inline double tocsin__period(const tocsin__rarity *rarity)
{
    if (tocsin__is_nan(rarity->score) || tocsin__is_nan(rarity->step))
        return tocsin__nan();
    return rarity->step * tocsin__exp(rarity->score * TOCSIN__LN10);
}

/* The verdict's fields of these names, as the alarm has them. */
typedef struct tocsin__decision {
    int64_t since;
    uint32_t flags;         /* MUTED, COOLING, TRIVIAL */
    uint8_t alarm, transition, tier;
    uint8_t reason;         /* NONE: that of the channel that speaks */
} tocsin__decision;

/* Nothing rings. */
static inline void tocsin__decide_nothing(tocsin__decision *decision)
{
    decision->since = TOCSIN_TIME_NONE;
    decision->flags = 0;
    decision->alarm = TOCSIN_ALARM_OFF;
    decision->transition = TOCSIN_TRANSITION_NONE;
    decision->tier = TOCSIN_TIER_NONE;
    decision->reason = TOCSIN_REASON_NONE;
}

/* ---- Stages ---------------------------------------------------------------- */

typedef struct tocsin__stage {
    const char *name;
    const char *summary;
    const char *reference;
    uint8_t kind;               /* TOCSIN_STAGE_* */
    uint8_t rank;               /* position in the pipe; ranks ascend, detectors share one */
    uint8_t is_default;         /* put in where the spec leaves its rank empty */
    uint8_t channel_count;      /* detectors: how many raw statistics */
    uint32_t revision;
    uint32_t oldest_revision;

    const tocsin__param *params;
    size_t param_count;
    size_t constants_size;      /* of the struct `resolve` fills in; a multiple of 8 */
    tocsin__layout layout;      /* the state */

    /* Check the values and derive the constants and the state's shape.  `constants`
     * and `shape` come zeroed.  0, or the complaint's status. */
    int (*resolve)(const tocsin__values *values, const tocsin__context *context, void *constants,
                   tocsin__shape *shape, tocsin__complaint *complaint);
    /* Points without a verdict; NULL: none. */
    size_t (*warmup)(const void *constants);
    /* The initial state; it comes zeroed.  NULL: zero is right. */
    void (*init)(const void *constants, void *state);
    /* Add what the stage knows to an explanation; NULL: nothing. */
    void (*explain)(const void *constants, const void *state, const tocsin__reading *reading,
                    tocsin_explanation *explanation);

    /* Detect.  `arrays` says where the state's arrays are; NULL: behind the struct. */
    const char *const *channel_names;
    void (*score)(const void *constants, const void *state, const tocsin__arrays *arrays,
                  const tocsin__point *point, tocsin__reading *reading);
    void (*learn)(const void *constants, void *state, const tocsin__arrays *arrays,
                  const tocsin__point *point, const tocsin__reading *reading);
    /* score and then learn, in one go, for the point that is both. */
    void (*push)(const void *constants, void *state, const tocsin__arrays *arrays,
                 const tocsin__point *point, tocsin__reading *reading);
    /* Detectors of rows, whose points have several metrics or lags: which of them the statistic
     * comes from.  Called before the point is learnt, where it is strange or somebody wants to
     * know; makes the reading that of the metric to blame and writes to point->shares, if that is
     * not NULL, a number >= 0 for each lag of each metric, lag by lag, that add up to the statistic,
     * and behind them for each metric the nearest normal value, NaN where there is none.  A detector
     * that has this has parameters `metrics` and `shingle`, the number of lags; its spec's points
     * are rows, and are scored and learnt in two steps. */
    void (*share)(const void *constants, const void *state, const tocsin__arrays *arrays,
                  const tocsin__point *point, tocsin__reading *reading);
    /* Whether a state whose fields are all within their bounds holds together: what is an index
     * into another of its arrays leads there.  NULL: any does. */
    int (*holds)(const void *constants, const void *state);
    /* The values at which channel `channel` would read `limit`; NULL: expected -+ limit *
     * deviation. */
    void (*band)(const void *constants, const tocsin__reading *reading, uint32_t channel,
                 double limit, double *lower, double *upper);
    /* Forecast `steps` mean steps ahead of the last point, each `step` ns: mean and standard
     * deviation.  That point came `since` ns after the last one that was learnt.  Returns 0
     * while warming.  NULL: the model does not forecast. */
    int (*forecast)(const void *constants, const void *state, int64_t since, int64_t step,
                    uint64_t steps, double *expected, double *deviation);

    /* Calibrate. */
    void (*rank_point)(const void *constants, const void *state, const tocsin__point *point,
                       const tocsin__reading *reading, uint32_t channel_count,
                       tocsin__rarity *rarity);
    void (*learn_rank)(const void *constants, void *state, const tocsin__point *point,
                       const tocsin__reading *reading, uint32_t channel_count,
                       const tocsin__rarity *rarity);
    /* rank_point and then learn_rank, in one go. */
    void (*push_rank)(const void *constants, void *state, const tocsin__point *point,
                      const tocsin__reading *reading, uint32_t channel_count,
                      tocsin__rarity *rarity);
    /* Undo what was learnt of points from `from` to `to`, as far as that is possible; the last one
     * that was learnt came at `now`.  1: something was undone, or 0.  NULL: it never is. */
    int (*exclude)(const void *constants, void *state, int64_t now, int64_t from, int64_t to);
    /* The score channel `channel` alone would have with the statistic `value`. */
    double (*score_of)(const void *constants, const void *state, uint32_t channel, double value);

    /* Alarm: the budgets it will ask for, read before anything is resolved ... */
    void (*budgets)(const tocsin__values *values, tocsin__context *context);
    /* ... and the decision. */
    void (*decide)(const void *constants, void *state, const tocsin__point *point,
                   const tocsin__reading *reading, const tocsin__rarity *rarity,
                   tocsin__decision *decision);

    /* Pools: what the members of a class teach it and a new member starts with.  A pool is a
     * struct of doubles and integers with a field table, like a state without arrays.  Size 0:
     * this stage has none, and a new member starts as any series does. */
    tocsin__layout pool;
    /* The initial pool; it comes zeroed.  NULL: zero is right. */
    void (*pool_init)(const void *constants, void *pool);
    /* How far a series has come, so that nothing is taught twice; NULL: needs no such thing. */
    uint16_t (*pool_mark)(const void *constants, const void *state);
    /* Teach what is new since `mark`; all of it if the series leaves.  `now` is the bank's time, or
     * TOCSIN_TIME_NONE. */
    void (*pool_teach)(const void *constants, void *pool, const void *state, uint16_t mark,
                       int64_t now, int leaves);
    /* Begin a state that holds its initial values. */
    void (*pool_start)(const void *constants, const void *pool, void *state);
} tocsin__stage;

/* Positions in the pipe. */
enum {
    TOCSIN__RANK_CLOCK = 0,
    TOCSIN__RANK_COUNTER = 1,
    TOCSIN__RANK_GAPS = 2,
    TOCSIN__RANK_DETECT = 3,
    TOCSIN__RANK_CALIBRATE = 4,
    TOCSIN__RANK_ALARM = 5,
    TOCSIN__RANKS = 6
};

extern const tocsin__stage tocsin__stage_clock, tocsin__stage_counter, tocsin__stage_gaps;
extern const tocsin__stage tocsin__stage_ewma, tocsin__stage_holt_winters;
extern const tocsin__stage tocsin__stage_focus;
extern const tocsin__stage tocsin__stage_spot;
extern const tocsin__stage tocsin__stage_hstrees, tocsin__stage_rcforest, tocsin__stage_iforest;
extern const tocsin__stage tocsin__stage_cusum;
extern const tocsin__stage tocsin__stage_page_hinkley;
extern const tocsin__stage tocsin__stage_auto;
extern const tocsin__stage tocsin__stage_robust;
extern const tocsin__stage tocsin__stage_counts;
extern const tocsin__stage tocsin__stage_season;
extern const tocsin__stage tocsin__stage_spectral;
extern const tocsin__stage tocsin__stage_tail, tocsin__stage_raw;
extern const tocsin__stage tocsin__stage_alarm;

/* The catalog: all of them. */
extern const tocsin__stage *const tocsin__catalog[];
extern const size_t tocsin__catalog_count;

/* The catalog row of that name, or NULL. */
const tocsin__stage *tocsin__find_stage(const char *name, size_t length);

#endif
