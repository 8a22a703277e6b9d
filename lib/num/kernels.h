/* kernels.h - the recursions that run over many series at once, the walk of points down a
 * forest, and which of their instances is in use.
 *
 * A bank keeps series in tiles of 64, field by field (lib/bank/columns.c).  A kernel gives
 * every series of some tiles one point each, in one pass over memory: it reads the value,
 * judges it and learns it.  Each recursion is written once, as a template over a handful of
 * lane operations (lanes_*.h), and compiled per instruction set; the scalar functions
 * of the detector's own file are the definition, and every instance gives their bits.
 *
 * Kernels do what most points of most series need, and say what they leave: the driver in
 * lib/bank gives those lanes their point by the way of a single series.
 */
#ifndef TOCSIN__KERNELS_H
#define TOCSIN__KERNELS_H

#include "../core/common.h"

/* Series in a tile, and tiles that a kernel is given at once at most. */
#define TOCSIN__LANES 64
#define TOCSIN__RUN_MAX 64

/* What all lanes of a tile in use have in common; a kernel may set and clear these. */
enum {
    TOCSIN__TILE_FULL = 1,  /* past warm-up and with the final gain: counts need not be read */
    TOCSIN__TILE_CALM = 2,  /* habit and outside are 0 (lib/detect/residual.h), and nothing drains */
    TOCSIN__TILE_MATURE = 4 /* holt-winters: slots' gains and weights no longer depend on age */
};

/* What stands at the beginning of every tile.  Bit k is lane k. */
typedef struct tocsin__tile_head {
    uint64_t used;          /* a series lives there */
    uint64_t take;          /* the kernel may work on it; a part of `used` */
    uint64_t learnt;        /* out: of those, what the kernel has judged and learnt */
    uint64_t left;          /* out: of those, what has a value that the kernel leaves to others,
                               unchanged: beyond +-1e150, or with a statistic above its bar */
    uint32_t flags;         /* TOCSIN__TILE_* */
    uint32_t state;         /* this and what follows is the driver's: see lib/bank/bank.h */
    int64_t learnt_time;
    uint64_t busy;
    uint16_t drains;        /* see below */
    uint16_t most;          /* no habit nor outside is larger; 0: who knows */
    uint32_t cold;          /* from here to the tile's cold columns, bytes */
} tocsin__tile_head;

/* Columns stand in the tile, or if their places have this bit among its cold ones: those that most
 * ticks do not touch.  A gap of a few lines between those they do costs more time than all the
 * arithmetic. */
#define TOCSIN__COLD ((size_t)1 << 31)

static inline void *tocsin__tile_column(const tocsin__tile_head *head, size_t place)
{
    const size_t is_cold = place >> 31;

    return (char *)(uintptr_t)head + (place & (TOCSIN__COLD - 1)) + is_cold * head->cold;
}

/* Habits drain by one at each point that crosses nothing, and outside is 0 then: most ticks change
 * all habits of a tile alike.  So these need not be written.  They may be left to drain: the
 * tile's habits are those in memory less `drains`, at least 0, and if that is not 0, outside is.
 * Brings memory up to date; whoever makes one of them larger does that first, and sets `most`
 * to 0 after. */
void tocsin__tile_settle(tocsin__tile_head *head, uint16_t *habit, uint16_t *outside);

/* All lanes of a tile that is not calm have learnt a point that crossed nothing.  Lazily, memory is
 * brought up to date only when nobody knows what is the most, and when all have drained. */
static inline void tocsin__tile_drain_by_one(tocsin__tile_head *head, uint16_t *habit,
                                             uint16_t *outside, uint32_t is_lazy)
{
    if (is_lazy && head->most == 0)
        tocsin__tile_settle(head, habit, outside);
    head->drains++;
    if (is_lazy && head->drains < head->most)
        return;
    tocsin__tile_settle(head, habit, outside);
    if (head->most == 0)
        head->flags |= TOCSIN__TILE_CALM;
}

/* Where a job's tiles and values are.  Values, scores and tiles advance together: 64
 * values belong to each tile, all of them readable. */
typedef struct tocsin__tiles {
    char *first;            /* the first tile; aligned to 64 bytes, as is every column */
    size_t size;            /* from one tile to the next, bytes */
    size_t count;           /* how many */
    const void *values;     /* double or float; NaN: missing */
    uint32_t is_float;
    uint16_t is_lazy;       /* habits may be left to drain */
    uint16_t is_near;       /* they are in a cache: ewma's kernel asks for nothing ahead */
    double *statistics;     /* out, may be NULL: channel 0 of each lane; the canonical NaN for lanes
                               that were not learnt or are warming up.  They cost a division
                               and a wide store per point, which hardly any point needs otherwise. */
} tocsin__tiles;

/* `ewma`: ewma.c's push, with state=mixed.  Columns are given by their offset in the tile. */
typedef struct tocsin__ewma_job {
    tocsin__tiles tiles;
    /* Constants; see ewma_constants and tocsin__residual_rules. */
    double gain;            /* of this tick */
    const double *gains;    /* or one per lane; then there is one tile.  NULL: `gain` */
    double clip, floor, floor_relative, floor_history, per_window, fade;
    double variance_min, residual_min, residual_max;
    uint32_t has_relative, has_reach;   /* floor_relative, floor_history are not 0 */
    uint32_t window, warmup;
    uint32_t is_plain;      /* clip=inf floor-history=0: no columns reach, habit and outside */
    uint32_t gain_varies;   /* FULL means nothing for this gain: neither trust nor touch it */
    /* Columns of 64: mean f64, variance and reach f32, count, habit and outside u16 (these three
     * may be cold). */
    size_t mean, variance, reach, count, habit, outside;
    /* For a calibrator behind it, else 0: the largest statistic so far, and the bar above which a
     * point is left to others, both f32 and >= 0 (a bar may be NaN: none).  Statistics beyond
     * TOCSIN__STATISTIC_MAX count as that for the maximum. */
    size_t maximum, bar;
} tocsin__ewma_job;

/* `holt-winters`: holt_winters.c's push, with state=mixed form=additive, for series that are
 * past warm-up with all their seasons in use, and last learnt at the same time.
 * tocsin__holt_job_prepare() fills in all but tiles and columns.
 *
 * Of a lane's state the kernel leaves alone what such series no longer use (origin, pace, seasons),
 * `start`, and the time last learnt, which is the same for all: of the lanes in `learnt` it is
 * job->time afterwards, and it is for the driver to note that.  `outside` and `habit` are in memory
 * also where CALM says that they are 0. */
typedef struct tocsin__holt_job {
    tocsin__tiles tiles;
    double clip, floor, floor_relative, floor_history, per_window, fade;
    uint32_t has_relative, has_reach;
    uint32_t window, has_trend, season_count;
    uint32_t gain_varies;       /* FULL means nothing for these gains */
    /* Of this tick: see holt_look() and holt_learn(). */
    double damping_left, damping_sum;
    double alpha, beta, delta;  /* gains over the steps since the last point */
    double widening;            /* of the deviation, as a factor; 1 after a single step */
    double visit;
    int64_t time;               /* model time */
    double cycles_per_unit[2], gamma[2], slot_memory;
    uint64_t slot[2];           /* of each season, that the tick hits; the first's deviation too */
    /* Columns: level f64, trend, spread, reach f32, start i64, count u32, habit, outside u16 (the
     * last four may be cold). */
    size_t level, trend, spread, reach, start, count, habit, outside;
    /* This tick's slots of the first tile; those of the next tiles stand behind them. */
    float *season[2], *deviation;
    size_t maximum, bar;        /* as above */
} tocsin__holt_job;

/* Points that a forest's kernel takes at once. */
#define TOCSIN__FOREST_POINTS 128

/* Levels that a forest's heaps have at least, and metrics that a narrow one tells apart. */
#define TOCSIN__FOREST_DEPTH 8u
#define TOCSIN__FOREST_FEATURE_BITS 6u

/* Metrics that a cut may go through at once. */
#define TOCSIN__FOREST_MIX_MAX 8u

/* The largest standardised value. */
#define TOCSIN__FOREST_Z_MAX 0x1p100

/* A value as forests see it: its distance from what is typical of the metric, as a float whose unit
 * is a power of two not far from the metric's spread.  No value lies at the centre. */
static inline float tocsin__forest_z(double value, double scale, double shift)
{
    double z = value * scale - shift;

    z = z < TOCSIN__FOREST_Z_MAX ? z : TOCSIN__FOREST_Z_MAX;
    z = z > -TOCSIN__FOREST_Z_MAX ? z : -TOCSIN__FOREST_Z_MAX;
    return (float)(value != value ? 0 : z);
}

/* Values are standardised so many at a time. */
#define TOCSIN__FOREST_STEP 16u

/* Numbers, from the least to the largest of them. */
typedef struct tocsin__forest_range {
    float low, high;
} tocsin__forest_range;

/* How values of a metric become codes.  The code of a value is the number of the metric's
 * thresholds that are not above it, shifted.  A grid of equal cells says how many of them lie in
 * the cells before the value's own; only that one's are searched.  Rounding is monotonous, and so
 * the cell of a value is never above that of a larger one: the result is exact. */
typedef struct tocsin__forest_metric {
    const float *threshold;     /* ascending and distinct, and window + 1 NaNs behind them */
    const uint16_t *cell;       /* per cell, the thresholds in those before it */
    float low, step, last;      /* a value's cell is (z - low) * step, from 0 to last */
    uint32_t count;             /* thresholds */
    uint32_t window;            /* 2^k - 1, at least 15 and as many as any cell has */
    uint32_t column;
    uint32_t shift;
    uint32_t reserved;
} tocsin__forest_metric;

static inline uint32_t tocsin__forest_cell(const tocsin__forest_metric *metric, float z)
{
    float cell = (z - metric->low) * metric->step;

    cell = cell > 0 ? cell : 0;
    return (uint32_t)(int32_t)(cell < metric->last ? cell : metric->last);
}

/* The code of a value whose cell begins after `before` thresholds. */
static inline uint16_t tocsin__forest_code(const tocsin__forest_metric *metric, uint32_t before,
                                           float z)
{
    for (uint32_t half = (metric->window + 1) / 2; half > 0; half /= 2)
        before += (0u - (metric->threshold[before + half - 1] <= z)) & half;
    return (uint16_t)(before << metric->shift);
}

/* Isolation forest: lead points down every tree and add up what stands at its leaves (see
 * lib/forest/forest.h).  From node i, whose word is w, a point goes to node 2i + (code > w), where
 * code is that of the metric which w names by its lowest bits. */
typedef struct tocsin__forest_job {
    const uint16_t *words;      /* of each tree 2^depth; the first of them is not used */
    const uint16_t *leaves;     /* of each tree 2^depth */
    const uint64_t *marks;      /* which nodes are cuts, of each tree 2^depth bits */
    uint32_t trees, depth;
    uint32_t feature_bits;
    uint32_t flush;             /* leaves of so many trees add up to 65535 at most */
    const uint16_t *codes;      /* of metric f and point p: [f * TOCSIN__FOREST_POINTS + p], all of
                                   2^feature_bits metrics readable, at a multiple of 64 bytes; a
                                   single point's: [f] */
    uint32_t *sums;             /* out: of each point; of a single one: one */
} tocsin__forest_job;

/* The same for cuts through several metrics at once.  From node i a point goes to node 2i + 1 if
 *
 *     z[column 0] + weight 1 * z[column 1] + weight 2 * z[column 2] + ...  >=  threshold
 *
 * and else to 2i.  What the nodes have stands in planes of 2^depth: weight j of a tree's node i is
 * weights[(tree * (mix - 1) + j - 1) << depth | i], and columns likewise with mix. */
typedef struct tocsin__forest_mixed_job {
    const float *thresholds;
    const float *weights;
    const uint16_t *columns;
    const uint16_t *leaves;
    const uint64_t *marks;
    uint32_t trees, depth;
    uint32_t mix;               /* metrics of each cut, 2 .. TOCSIN__FOREST_MIX_MAX */
    uint32_t metrics;           /* that there are */
    const float *z;             /* of metric f and point p: [f * TOCSIN__FOREST_POINTS + p], at a
                                   multiple of 64 bytes; a single point's: [f] */
    uint32_t *sums;
} tocsin__forest_mixed_job;

typedef struct tocsin__kernels {
    const char *name;           /* "scalar", "sse2", "avx2", "avx512", "neon" */
    /* These say of which tiles not all lanes have learnt; the first is bit 0. */
    uint64_t (*ewma)(const tocsin__ewma_job *job);
    uint64_t (*holt)(const tocsin__holt_job *job);
    /* Of TOCSIN__LANES moments of a clock of 32 bits: those that are `now` or one step later, and in
     * how many steps the first of the others will be; UINT32_MAX if there are none. */
    uint64_t (*due)(const uint32_t *due, uint32_t now, uint32_t *until);
    /* Standardise values, a multiple of TOCSIN__FOREST_STEP of them and 1 or more, and say between
     * what they lie then. */
    tocsin__forest_range (*forest_z)(double scale, double shift, const double *value, size_t count,
                                     float *z);
    /* Number TOCSIN__FOREST_POINTS values among a metric's thresholds. */
    void (*forest_encode)(const tocsin__forest_metric *metric, const float *z, uint16_t *codes);
    /* The same of one point, whose metrics are numbered each among its own. */
    void (*forest_encode_point)(const tocsin__forest_metric *metrics, size_t count, const float *z,
                                uint16_t *codes);
    void (*forest)(const tocsin__forest_job *job);          /* TOCSIN__FOREST_POINTS points */
    void (*forest_point)(const tocsin__forest_job *job);    /* one */
    void (*forest_mixed)(const tocsin__forest_mixed_job *job);
    void (*forest_mixed_point)(const tocsin__forest_mixed_job *job);
} tocsin__kernels;

extern const tocsin__kernels tocsin__kernels_scalar;
#if defined(__x86_64__) || defined(__i386__)
extern const tocsin__kernels tocsin__kernels_sse2, tocsin__kernels_avx2, tocsin__kernels_avx512;
#elif defined(__aarch64__)
extern const tocsin__kernels tocsin__kernels_neon;
#endif

/* The instances that this processor can run, the worst first. */
size_t tocsin__kernels_count(void);
const tocsin__kernels *tocsin__kernels_at(size_t index);

/* The instance in use: the best one, unless another was forced. */
const tocsin__kernels *tocsin__kernels_in_use(void);

/* Force one of those; NULL: the best again. */
void tocsin__kernels_use(const tocsin__kernels *kernels);

#endif
