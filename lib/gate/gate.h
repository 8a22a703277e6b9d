/* gate.h - the release gate's parts: what a compiled gate spec, a metric's state and a
 * metric's evidence are.
 *
 *     levels.c      how high is a value? running quantiles of both arms together
 *     labels.c      bets on the arm of an observation, from its level
 *     latencies.c   a latency or histogram: levels and labels over a grid of effects
 *     rates.c       errors and events: bets on the arm of each
 *     gauges.c      differences of blocks in time: t-tests by mixture
 *     pods.c        a permutation test of few units
 *     shares.c      is the traffic split as declared?
 *     sessions.c    which sessions have been counted
 *     histories.c   one run among many (histories.h)
 *     gate.c        which of these a metric is made of, and what all say together
 *
 * Every state is a flat struct under a field table (fields.h), and what of it becomes evidence
 * is integer: counts, and logarithms in units of 2^-24 that were rounded down.  So states add up
 * in any order to the same bits.
 *
 * All of them work in the *direction of harm*: a metric with worse=down has its values' logarithms
 * turned around, or its arms exchanged, before anything else sees them.
 */
#ifndef TOCSIN__GATE_H
#define TOCSIN__GATE_H

#include "../core/fields.h"
#include "../core/text.h"
#include "../num/mathx.h"
#include "../num/ranks.h"
#include "../pipeline/values.h"
#include "tocsin/gate.h"

/* ---- Specs ------------------------------------------------------------------ */

enum { TOCSIN__UNIT_REQUEST, TOCSIN__UNIT_SESSION, TOCSIN__UNIT_POD };
enum { TOCSIN__ROUTED_RANDOM, TOCSIN__ROUTED_TURNS, TOCSIN__ROUTED_STICKY, TOCSIN__ROUTED_BEFORE };

#define TOCSIN__PODS_MAX 1024

/* The grid of changes: the logarithm of the change that is the margin, times these. */
#define TOCSIN__EFFECTS 10
#define TOCSIN__EFFECT_NONE 2       /* no change */
#define TOCSIN__EFFECT_MARGIN 6     /* the margin */
extern const double tocsin__effect_multiples[TOCSIN__EFFECTS];

#define TOCSIN__GUARDS 4            /* of the tail: q90, q99, q99.5, q99.9 */

#define TOCSIN__GATE_PARAMS 8
#define TOCSIN__METRIC_PARAMS 5
#define TOCSIN__METRIC_NAME 64

typedef struct tocsin__metric {
    uint32_t kind;                  /* TOCSIN_METRIC_* */
    int32_t worse;                  /* +1, -1 */
    uint32_t guards;                /* how many of the tail are asked for; 0: none can pass */
    uint32_t is_pods;
    double margin;
    double shift[TOCSIN__EFFECTS];  /* ln of the change, in the direction of harm, ascending */
    int32_t step[TOCSIN__RANKED];   /* the same as levels.c has logarithms; then 0 */
    double guard[TOCSIN__GUARDS];   /* the ratio of exceedances that would be harm */
    int64_t block;                  /* ns; gauges */
    tocsin__shape shape;
    const tocsin__layout *layout;
    size_t offset;                  /* of the state, from the gate's beginning */
    tocsin__values values[TOCSIN__METRIC_PARAMS];
    char name[TOCSIN__METRIC_NAME];
} tocsin__metric;

struct tocsin_gate_spec {
    tocsin_allocator allocator;
    size_t bytes;
    uint32_t unit, routing, ramps, metric_count;
    double share;                   /* 0: not known */
    double alpha;
    int64_t budget;                 /* ns; 0: none */
    uint32_t sessions, pods;
    size_t gate_bytes, head_offset;
    tocsin__shape shape;            /* of the gate's own state */
    tocsin__values values[TOCSIN__GATE_PARAMS];
    tocsin__metric *metrics;        /* in the same block */
    struct tocsin__bets *bets;      /* likewise; for the declared share */
};

/* The longest text, in bytes. */
#define TOCSIN__GATE_TEXT_MAX 1048575u

int tocsin__gate_spec_compile(tocsin_gate_spec **out, const char *text, size_t length,
                              const tocsin_allocator *allocator, tocsin_error *error);
/* The canonical text, and its parts: 0 is the gate's, then the metrics'. */
void tocsin__gate_spec_write(const tocsin_gate_spec *spec, tocsin__text *text);
void tocsin__gate_spec_write_part(const tocsin_gate_spec *spec, uint32_t part,
                                  tocsin__text *text);
#define TOCSIN__GATE_PIECE 512      /* bytes that a part takes at most */

/* ---- What every metric counts --------------------------------------------------- */

/* A logarithm of evidence, in 2^-24, rounded down. */
#define TOCSIN__EVIDENCE_UNIT 16777216.0

int64_t tocsin__evidence_round(double log_e);

/* Sums of evidence stop at its ends instead of wrapping. */
static inline int64_t tocsin__evidence_add(int64_t a, int64_t b)
{
    const int64_t most = INT64_C(1) << 61;
    const int64_t sum = a + b;

    return sum > most ? most : sum < -most ? -most : sum;
}

static inline double tocsin__evidence_log(int64_t evidence)
{
    return (double)evidence / TOCSIN__EVIDENCE_UNIT;
}

/* By arm: baseline, candidate. */
typedef struct tocsin__tally {
    uint64_t units[2];              /* since the share is what it is */
    uint64_t before[2];             /* under earlier shares */
    uint64_t ignored[2];
    int64_t share_evidence;         /* against the earlier shares */
} tocsin__tally;

/* The largest count a state may hold, and so read from a snapshot. */
#define TOCSIN__COUNT_MAX 4294967295.0
/* Sums of many machines' evidence, likewise. */
#define TOCSIN__EVIDENCE_MAX 2305843009213693952.0

#define TOCSIN__TALLY_FIELDS(state)                                                         \
    { "units", TOCSIN__U64, 0, 0, 0, (uint32_t)offsetof(state, tally.units), 2, 0,          \
      TOCSIN__COUNT_MAX },                                                                  \
    { "before", TOCSIN__U64, 0, 0, 0, (uint32_t)offsetof(state, tally.before), 2, 0,        \
      TOCSIN__COUNT_MAX },                                                                  \
    { "ignored", TOCSIN__U64, 0, 0, 0, (uint32_t)offsetof(state, tally.ignored), 2, 0,      \
      TOCSIN__COUNT_MAX },                                                                  \
    { "share_evidence", TOCSIN__I64, 0, 0, 0, (uint32_t)offsetof(state, tally.share_evidence), \
      1, -TOCSIN__EVIDENCE_MAX, TOCSIN__EVIDENCE_MAX }

static inline uint64_t tocsin__tally_all(const tocsin__tally *tally)
{
    return tally->units[0] + tally->units[1] + tally->before[0] + tally->before[1];
}

/* So many more that were no measurements; from 2^32 - 1 on they are not counted. */
static inline void tocsin__tally_ignore(tocsin__tally *tally, size_t arm, uint64_t more)
{
    tally->ignored[arm] += more;
    if (tally->ignored[arm] > UINT32_MAX)
        tally->ignored[arm] = UINT32_MAX;
}

/* What a metric's state says. */
typedef struct tocsin__evidence {
    double less[TOCSIN__EFFECTS];   /* log e against "the change is at most this" */
    double more[TOCSIN__EFFECTS];   /* against "at least this" */
    double harm;                    /* against "not worse" */
    double guard[TOCSIN__GUARDS];   /* against "this much more of the tail" */
    double shift;                   /* estimate, ln, in the direction of harm; NaN: none */
    double share;                   /* log e against the declared share; NaN: there is none */
    uint64_t units[2];              /* what counts as evidence */
    double pod_p;                   /* of pods; else NaN */
    uint32_t few_pods;              /* no verdict can come */
    uint32_t needed_pods;
} tocsin__evidence;

/* ---- levels.c --------------------------------------------------------------------- */

#define TOCSIN__TAUS 17
#define TOCSIN__LEVELS 18
#define TOCSIN__CELLS 19            /* levels, and one for timeouts */
#define TOCSIN__CELL_LANES 20       /* of doubles, in fours */
#define TOCSIN__TIMEOUT 18
#define TOCSIN__FIRST_RANKED 16     /* observations before the first bet */
#define TOCSIN__START 64            /* observations that are kept to begin with */

extern const double tocsin__tau[TOCSIN__TAUS];
extern const double tocsin__level_z[TOCSIN__CELLS]; /* of each level's middle */

typedef struct tocsin__levels {
    double scale;
    double deviation;               /* sum over the present batch */
    int32_t q[TOCSIN__TAUS];        /* ascending logarithms, in TOCSIN__LOG_UNIT */
    uint32_t seen;                  /* observations learnt; below TOCSIN__FIRST_RANKED: none stands */
    uint8_t batch[20];              /* of the present batch, how many in each level; then all */
    uint32_t reserved;
} tocsin__levels;

#define TOCSIN__BATCH_COUNT 18      /* the index of all in a batch */

#define TOCSIN__LEVELS_FIELDS(state)                                                          \
    { "scale", TOCSIN__F64, 0, 0, 0, (uint32_t)offsetof(state, levels.scale), 1, 0, 1e6 },    \
    { "deviation", TOCSIN__F64, 0, 0, 0, (uint32_t)offsetof(state, levels.deviation), 1, 0,   \
      1e8 },                                                                                  \
    { "q", TOCSIN__U32, 0, 0, 0, (uint32_t)offsetof(state, levels.q), TOCSIN__TAUS, 0,        \
      TOCSIN__COUNT_MAX },                                                                    \
    { "seen", TOCSIN__U32, 0, 0, 0, (uint32_t)offsetof(state, levels.seen), 1, 0,             \
      TOCSIN__COUNT_MAX },                                                                    \
    { "batch", TOCSIN__U8, 0, 0, 0, (uint32_t)offsetof(state, levels.batch), 20, 0, 16 },     \
    { "levels_reserved", TOCSIN__U32, 0, 0, 0, (uint32_t)offsetof(state, levels.reserved), 1, \
      0, 0 }

/* Logarithms as integers: as fine as a change of 5e-7, and wide enough for any double's. */
#define TOCSIN__LOG_UNIT (1.0 / 2097152)
#define TOCSIN__LOG_LARGEST 1000.0

static inline int32_t tocsin__fixed_log(double v)
{
    const double within =
        tocsin__max(tocsin__min(v, TOCSIN__LOG_LARGEST), -TOCSIN__LOG_LARGEST);

    return (int32_t)(within / TOCSIN__LOG_UNIT);
}

/* While the levels begin: the value's place among the first ones. */
void tocsin__levels_start(tocsin__levels *levels, int32_t start[TOCSIN__START], int32_t v);
void tocsin__levels_step(tocsin__levels *levels);

/* How many quantiles are below: all are compared, for which are is a toss of coins. */
static inline uint32_t tocsin__levels_find(const int32_t q[TOCSIN__TAUS], int32_t v)
{
    uint32_t level = q[TOCSIN__TAUS - 1] < v;

    for (size_t j = 0; j < TOCSIN__TAUS - 1; j++)
        level += q[j] < v;
    return level;
}

/* Is there a level to bet on? */
static inline int tocsin__levels_stand(const tocsin__levels *levels)
{
    return levels->seen >= TOCSIN__FIRST_RANKED;
}

/* Learn a value, whose level is known if they stand. */
static inline void tocsin__levels_learn(tocsin__levels *levels, int32_t start[TOCSIN__START],
                                        int32_t v, uint32_t level)
{
    if (TOCSIN__RARELY(levels->seen < TOCSIN__START)) {
        tocsin__levels_start(levels, start, v);
        return;
    }
    const double far = 3 * levels->scale;
    const double away = tocsin__abs((double)v - levels->q[7]) * TOCSIN__LOG_UNIT;

    levels->deviation += away < far ? away : far;
    levels->batch[level]++;
    if (++levels->batch[TOCSIN__BATCH_COUNT] == 16)
        tocsin__levels_step(levels);
}

/* ---- labels.c --------------------------------------------------------------------- */

#define TOCSIN__STEPS 8             /* sizes of a bet on a shift */
#define TOCSIN__HARM_BETS 22        /* shifts up, the tail, timeouts */
#define TOCSIN__GUARD_BETS 3
#define TOCSIN__RATE_BETS 8

extern const double tocsin__step_weights[TOCSIN__STEPS];
extern const double tocsin__harm_weights[TOCSIN__HARM_BETS];
extern const double tocsin__rate_bets[TOCSIN__RATE_BETS];
extern const double tocsin__rate_weights[TOCSIN__RATE_BETS];
extern const double tocsin__guard_bets[TOCSIN__GUARD_BETS];     /* times ln of the guard's ratio */
extern const double tocsin__guard_weights[TOCSIN__GUARD_BETS];

/* All bets for one share.  Bets 0 to 7 are the shifts up; after those that are against harm
 * come the shifts down. */
#define TOCSIN__BETS (TOCSIN__HARM_BETS + TOCSIN__STEPS)

typedef struct tocsin__bets {
    double share;                           /* 0: not known */
    /* By cell, and 0 for the lane that is left over. */
    double log_odds[TOCSIN__BETS][TOCSIN__CELL_LANES];  /* u */
    double stake[TOCSIN__BETS][TOCSIN__CELL_LANES];     /* ln(1 + share (e^u - 1)); not known:
                                                           e^u - 1 */
} tocsin__bets;

void tocsin__bets_init(tocsin__bets *bets, double share);

/* The logarithm of what bet number `bet` has made of 1: from how many of the candidate, and of all,
 * are in each cell. */
double tocsin__bet_log_e(const tocsin__bets *bets, size_t bet,
                         const double candidate[TOCSIN__CELL_LANES],
                         const double all[TOCSIN__CELL_LANES]);

/* ln of the weighted mean of e^logs; the weights sum to 1. */
double tocsin__mix(const double *logs, const double *weights, size_t count);

/* ---- shares.c ---------------------------------------------------------------------- */

/* log e against the share, from how the units fell. */
double tocsin__share_log_e(double share, const uint64_t units[2]);

/* ln of the beta function. */
double tocsin__log_beta(double a, double b);

/* ---- rates.c ----------------------------------------------------------------------- */

/* Events by arm, and the units among which they happened. */
typedef struct tocsin__split {
    uint64_t events[2], units[2];
    double share;                   /* 0: not known */
} tocsin__split;

/* The logarithm of what bets of these sizes, up or down, have made of 1, against "events are
 * e^shift times as frequent in the candidate, or less (more)". */
void tocsin__rates_log_e(const tocsin__split *split, double shift, int is_up, const double *bets,
                         size_t count, double *log_e);

typedef struct tocsin__rate_state {
    tocsin__tally tally;
    uint64_t events[2], earlier[2]; /* since the share is what it is, and under earlier ones */
} tocsin__rate_state;

extern const tocsin__layout tocsin__rate_layout;
#define TOCSIN__RATE_EVIDENCE (2 * TOCSIN__EFFECTS * TOCSIN__RATE_BETS)

/* ---- latencies.c ------------------------------------------------------------------- */

typedef struct tocsin__cells {
    uint32_t baseline[TOCSIN__CELLS];
    uint32_t timeouts;              /* the candidate's: the same whatever they are divided by */
    uint32_t candidate[TOCSIN__EFFECTS][TOCSIN__LEVELS];    /* divided by each change of the grid */
} tocsin__cells;

typedef struct tocsin__latency_state {
    tocsin__tally tally;
    tocsin__levels levels;
    int32_t start[TOCSIN__START];   /* the first values */
    tocsin__cells cells;
} tocsin__latency_state;

typedef struct tocsin__histogram_state {
    tocsin__tally tally;
    double bounds[TOCSIN_GATE_BUCKETS_MAX];
    uint64_t pooled[TOCSIN_GATE_BUCKETS_MAX];   /* both arms, all intervals */
    uint64_t rounding;              /* state of the generator that rounds counts */
    uint32_t buckets;               /* 0: none seen yet */
    uint32_t reserved;
    tocsin__cells cells;
} tocsin__histogram_state;

extern const tocsin__layout tocsin__latency_layout, tocsin__histogram_layout;
#define TOCSIN__LATENCY_EVIDENCE                                                       \
    (TOCSIN__HARM_BETS + 2 * TOCSIN__EFFECTS * TOCSIN__STEPS + TOCSIN__GUARDS * TOCSIN__GUARD_BETS)

/* The logarithm of a latency in the direction of harm; 0: it is no latency. */
int tocsin__latency_log(double value, int32_t worse, double *v);

/* 1: taken; 0: it is no latency. */
int tocsin__latency_observe(tocsin__latency_state *state, const tocsin__metric *metric,
                            uint32_t arm, double value, int is_learnt);

/* Positive and ascending, but for the last, which is not looked at. */
int tocsin__bounds_hold(const double *bounds, size_t buckets);
void tocsin__histogram_observe(tocsin__histogram_state *state, const tocsin__metric *metric,
                               const double *bounds, const uint64_t *const counts[2],
                               size_t buckets);
/* How high each bucket is, in the direction of harm. */
void tocsin__histogram_levels(const tocsin__histogram_state *state, int32_t worse,
                              uint32_t level[TOCSIN_GATE_BUCKETS_MAX]);

/* What every bet has made of 1: TOCSIN__LATENCY_EVIDENCE logarithms. */
void tocsin__cells_logs(const tocsin__cells *cells, const tocsin__tally *tally,
                        const tocsin__metric *metric, const tocsin__bets *bets, double *logs);
void tocsin__cells_evidence(const tocsin__cells *cells, const double *logs,
                            const tocsin__metric *metric, tocsin__evidence *evidence);

/* Where the statistic that falls along the grid is 0; NaN if it does not say. */
double tocsin__effect_where(const double shift[TOCSIN__EFFECTS],
                            const double statistic[TOCSIN__EFFECTS]);

/* ---- gauges.c ----------------------------------------------------------------------- */

#define TOCSIN__GAUGE_EVIDENCE (3 * TOCSIN__EFFECTS)

typedef struct tocsin__gauge_state {
    tocsin__tally tally;            /* in blocks; `before` are other machines' */
    int64_t block;                  /* the present one's number */
    uint64_t readings[2];           /* in it */
    double sum[2];
    double origin[2];               /* the first block's means */
    double moments[5];              /* over blocks, about those: b, c, bb, cc, bc */
    int64_t merged[TOCSIN__GAUGE_EVIDENCE];     /* other machines' */
} tocsin__gauge_state;

extern const tocsin__layout tocsin__gauge_layout;

/* 1: taken; 0: too late, or no number. */
int tocsin__gauge_observe(tocsin__gauge_state *state, const tocsin__metric *metric, uint32_t arm,
                          int64_t time, double value);
/* This machine's own: less, more and the statistic, over the grid. */
void tocsin__gauge_own(const tocsin__gauge_state *state, const tocsin__metric *metric,
                       int64_t own[TOCSIN__GAUGE_EVIDENCE]);
void tocsin__gauge_evidence(const tocsin__gauge_state *state, const tocsin__metric *metric,
                            tocsin__evidence *evidence);

/* ---- pods.c ------------------------------------------------------------------------- */

#define TOCSIN__PERMUTATIONS 1000
#define TOCSIN__POD_TESTS 5         /* harm, the margin, and three guards */
#define TOCSIN__POD_LOOKS 8
#define TOCSIN__POD_SUMS 4          /* of each pod: values, how often beyond q90, q99 and q99.5 */

typedef struct tocsin__pod_state {
    tocsin__tally tally;            /* units: observations */
    tocsin__levels levels;          /* latencies */
    int32_t start[TOCSIN__START];
    uint64_t next_look;             /* at so many observations */
    uint32_t looks, pods;
    uint32_t p[TOCSIN__POD_TESTS];  /* of the strongest look, in thousandths; 0: none yet */
    uint8_t crossed[TOCSIN__POD_TESTS * TOCSIN__PERMUTATIONS / 8];
    uint8_t reserved[3];
} tocsin__pod_state;

/* Arrays behind it: pods in the order of their ids, baseline before candidate. */
enum { TOCSIN__POD_IDS, TOCSIN__POD_COUNTS, TOCSIN__POD_VALUES, TOCSIN__POD_MARKS };

extern const tocsin__layout tocsin__pod_layout;

typedef struct tocsin__pod_array {
    uint64_t *id, *count;
    int64_t *sums;                  /* TOCSIN__POD_SUMS of each */
    uint32_t *mark;                 /* arm + 2 * how many looks there were when it came */
    uint32_t capacity;
} tocsin__pod_array;

tocsin__pod_array tocsin__pods_of(const tocsin__metric *metric, void *state);

/* Of a loaded state, keep the pods that stand in order and have room. */
void tocsin__pods_settle(tocsin__pod_state *state, const tocsin__metric *metric);

/* 1: taken; 0: no value of such a metric, or one pod too many. */
int tocsin__pod_observe(tocsin__pod_state *state, const tocsin__metric *metric, uint32_t arm,
                        uint64_t id, double value, double alpha_harm, double alpha);
int tocsin__pods_fit(const tocsin__pod_state *state, const tocsin__pod_state *from,
                     const tocsin__metric *metric);
void tocsin__pod_merge(tocsin__pod_state *state, const tocsin__metric *metric,
                       const tocsin__pod_state *from);
/* Look as often as there are observations for. */
void tocsin__pod_look(tocsin__pod_state *state, const tocsin__metric *metric, double alpha_harm,
                      double alpha);
void tocsin__pod_evidence(const tocsin__pod_state *state, const tocsin__metric *metric,
                          double alpha_harm, double alpha, tocsin__evidence *evidence);

/* ---- sessions.c ----------------------------------------------------------------------- */

#define TOCSIN__SESSION_BITS 16     /* of the filter, for each session of each metric */

/* 1: it is new, and now known. */
int tocsin__session_is_new(uint64_t *filter, size_t words, uint32_t metric, uint64_t session);

/* ---- gate.c ------------------------------------------------------------------------------ */

/* What is not of one metric; behind it, with unit=session, the filter. */
typedef struct tocsin__gate_head {
    double share;                   /* in force; 0: not known */
    int64_t first, last;            /* times; TOCSIN_TIME_NONE: none yet */
} tocsin__gate_head;

extern const tocsin__layout tocsin__gate_layout;

/* Behind it, with ramp=yes, are bets for the share in force; then the states. */
struct tocsin_gate {
    const tocsin_gate_spec *spec;
    tocsin_allocator allocator;
    uint32_t is_owned, reserved;    /* the memory is ours to free */
};

static inline size_t tocsin__gate_own_size(const tocsin_gate_spec *spec)
{
    return sizeof(struct tocsin_gate) + (spec->ramps ? sizeof(tocsin__bets) : 0);
}

static inline const tocsin__bets *tocsin__gate_bets(const tocsin_gate *gate)
{
    return gate->spec->ramps ? (const tocsin__bets *)(const void *)(gate + 1) : gate->spec->bets;
}

tocsin__gate_head *tocsin__gate_head_of(const tocsin_gate *gate);
void *tocsin__gate_state(const tocsin_gate *gate, uint32_t metric);

/* The gate's memory is laid out, and `spec` set: begin. */
void tocsin__gate_init(tocsin_gate *gate);
/* A state was loaded, its fields within their bounds: see to what they cannot say. */
void tocsin__gate_settle(const tocsin__metric *metric, void *state);
/* What follows from the states. */
void tocsin__gate_derive(tocsin_gate *gate);

int tocsin__gate_observe(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                         uint64_t unit, double value);
int tocsin__gate_count(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                       uint64_t events, uint64_t of);
int tocsin__gate_buckets(tocsin_gate *gate, uint32_t metric, int64_t time, const double *bounds,
                         const uint64_t *const counts[2], size_t buckets);
void tocsin__gate_ramp(tocsin_gate *gate, double share);
int tocsin__gate_merge(tocsin_gate *gate, const tocsin_gate *from);
void tocsin__gate_look(tocsin_gate *gate);

void tocsin__gate_evidence(const tocsin_gate *gate, uint32_t metric, tocsin__evidence *evidence);
void tocsin__gate_judge_metric(const tocsin_gate *gate, uint32_t metric,
                               tocsin_gate_verdict *verdict);
void tocsin__gate_judge(const tocsin_gate *gate, tocsin_gate_verdict *verdict);
/* The blamed metrics' numbers into `metrics`, as many as there is room for; how many there are. */
size_t tocsin__gate_blame(const tocsin_gate *gate, uint32_t *metrics, size_t capacity);
/* How often each arm is beyond each quantile, likewise. */
size_t tocsin__gate_levels(const tocsin_gate *gate, uint32_t metric, tocsin_gate_level *levels,
                           size_t capacity);

#endif
