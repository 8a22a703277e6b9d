/* test_kernels_holt.c - every instance of holt-winters' kernel gives the bits of the detector.
 *
 * One reference: rows, each pushed through the stage by itself.  Beside them, for each kernel of
 * this processor, the same series in tiles, column by column.  A kernel gets all lanes that it may
 * take, or some of them; the others, and those it leaves, are pushed one by one with their struct
 * gathered from the columns and their slots where they are, as a bank does it.  After each
 * tick everything that the tick may have touched is compared, and all the rest from time to time.
 *
 * The first tile holds calm series, so that whole tiles go the quick way; in the second
 * neighbours are as different as they can be; in the third eight neighbours are alike, and it is
 * not full.
 */
#include "../support/suite.h"

#include <float.h>
#include <math.h>

#include "../support/rng.h"
#include "detect/kernel_jobs.h"
#include "num/mathx.h"
#include "pipeline/compiled.h"
#include "tocsin.h"

enum { TILES = 3, SERIES = TILES * TOCSIN__LANES, KERNELS_MAX = 5, UNUSED = 5, FIELDS_MAX = 16 };

#define MINUTE (60 * TOCSIN_SECOND)
#define STEP (5 * MINUTE)

/* ---- Columns ------------------------------------------------------------------- */

typedef struct {
    const tocsin_spec *spec;
    const tocsin__compiled_stage *detect;
    const tocsin__layout *layout;
    size_t column[FIELDS_MAX];      /* offset in a tile, by field; of arrays in the memory */
    size_t maximum, bar;
    size_t size;                    /* of a tile */
    size_t memory;                  /* tiles, then arrays: slot by slot, each of all tiles */
} plan;

static const tocsin__field *plan_field(const plan *p, const char *name, size_t *index)
{
    for (*index = 0; *index < p->layout->field_count; ++*index)
        if (strcmp(p->layout->fields[*index].name, name) == 0)
            return &p->layout->fields[*index];
    ck_abort_msg("the state has no field '%s'", name);
    return NULL;
}

static size_t plan_column(const plan *p, const char *name)
{
    size_t index;

    plan_field(p, name, &index);
    return p->column[index];
}

/* Bytes of an element in a column. */
static size_t element_size(uint8_t type)
{
    switch (type) {
    case TOCSIN__REAL:
    case TOCSIN__U32:
        return 4;
    case TOCSIN__U16:
        return 2;
    case TOCSIN__U8:
        return 1;
    default:
        return 8;
    }
}

static plan plan_make(const tocsin_spec *spec)
{
    plan p;
    size_t at = sizeof(tocsin__tile_head);

    p.spec = spec;
    p.detect = spec->detect;
    p.layout = &spec->detect->stage->layout;
    ck_assert_uint_le(p.layout->field_count, FIELDS_MAX);
    for (size_t i = 0; i < p.layout->field_count; i++) {
        const tocsin__field *field = &p.layout->fields[i];

        p.column[i] = at;
        if (!field->is_array)
            at += element_size(field->type) * TOCSIN__LANES;
    }
    p.maximum = at;
    p.bar = at + 4 * TOCSIN__LANES;
    p.size = at + 8 * TOCSIN__LANES;
    p.memory = TILES * p.size;
    for (size_t i = 0; i < p.layout->field_count; i++)
        if (p.layout->fields[i].is_array) {
            p.column[i] = p.memory;
            p.memory += 4 * SERIES * p.detect->shape.length[p.layout->fields[i].array];
        }
    return p;
}

/* A slot of an array, by its field. */
static float *slot_at(const plan *p, char *tiles, size_t field, size_t slot, size_t series)
{
    return (float *)(void *)(tiles + p->column[field]) + slot * SERIES + series;
}

static float *slot_of(const plan *p, char *tiles, const char *name, uint64_t slot)
{
    size_t field;

    plan_field(p, name, &field);
    return slot_at(p, tiles, field, (size_t)slot, 0);
}

static void gather(const plan *p, const char *tile, size_t lane, char *row)
{
    for (size_t i = 0; i < p->layout->field_count; i++) {
        const tocsin__field *field = &p->layout->fields[i];
        const size_t size = element_size(field->type);
        const char *from = tile + p->column[i] + lane * size;

        if (field->is_array)
            continue;
        if (field->type == TOCSIN__REAL) {
            float kept;
            double value;

            memcpy(&kept, from, sizeof kept);
            value = kept;
            memcpy(row + field->offset, &value, sizeof value);
        } else {
            memcpy(row + field->offset, from, size);
        }
    }
}

static void scatter(const plan *p, char *tile, size_t lane, const char *row)
{
    for (size_t i = 0; i < p->layout->field_count; i++) {
        const tocsin__field *field = &p->layout->fields[i];
        const size_t size = element_size(field->type);
        char *to = tile + p->column[i] + lane * size;

        if (field->is_array)
            continue;
        if (field->type == TOCSIN__REAL) {
            double value;
            float kept;

            memcpy(&value, row + field->offset, sizeof value);
            kept = (float)value;
            require((double)kept == value, "%s is no float", field->name);
            memcpy(to, &kept, sizeof kept);
        } else {
            memcpy(to, row + field->offset, size);
        }
    }
}

static tocsin__arrays arrays_of(const plan *p, char *tiles, size_t series)
{
    tocsin__arrays arrays;

    memset(&arrays, 0, sizeof arrays);
    arrays.stride = SERIES;
    for (size_t i = 0; i < p->layout->field_count; i++)
        if (p->layout->fields[i].is_array)
            arrays.base[p->layout->fields[i].array] = slot_at(p, tiles, i, 0, series);
    return arrays;
}

/* The slots that `slot` names, all where it is NULL, of a series against a row's. */
static void compare_slots(const plan *p, char *tiles, size_t series, const char *row,
                          const int64_t *slot)
{
    for (size_t i = 0; i < p->layout->field_count; i++) {
        const tocsin__field *field = &p->layout->fields[i];
        const char *own;

        if (!field->is_array)
            continue;
        own = row + tocsin__layout_array(p->layout, &p->detect->shape, field->array);
        for (int64_t k = 0; k < (int64_t)p->detect->shape.length[field->array]; k++)
            if (!slot || slot[field->array] == k)
                require(memcmp(slot_at(p, tiles, i, (size_t)k, series), own + 4 * k, 4) == 0,
                        "series %zu: %s[%d]", series, field->name, (int)k);
    }
}

/* ---- Series ---------------------------------------------------------------------- */

enum { CALM, NOISY, PATCHY, WALK, HEAVY, CONSTANT, ZERO, HOLES, HUGE_, TINY, KINDS };

static uint32_t kind_of(size_t series)
{
    if (series < TOCSIN__LANES)
        return series % 16 == 3 ? CONSTANT : CALM;
    return (uint32_t)(series < 2 * TOCSIN__LANES ? series : series / 8) % KINDS;
}

static double value_of(rng *r, uint32_t kind, int64_t number, double *walk)
{
    const double season = (double)(number % 12) + 3 * (double)(number / 12 % 4);
    const double noise = rng_normal(r);

    switch (kind) {
    case CALM:      /* never out of bounds once the slots are known */
        return 100 + season + (rng_uniform(r) - 0.5) * 4;
    case NOISY:
        return 100 + season + noise;
    case PATCHY:    /* slots far quieter than others */
        return 20 + season + noise * (number % 12 < 5 ? 1e-3 : 5);
    case WALK:
        return *walk += noise;
    case HEAVY:
        return 10 * noise / (rng_uniform(r) + 1e-3);
    case CONSTANT:
        return 42.5;
    case ZERO:
        return rng_below(r, 400) == 0 ? 1 : rng_below(r, 7) == 0 ? -0.0 : 0;
    case HOLES:
        switch (rng_below(r, 25)) {
        case 0:
            return NAN;
        case 1:
            return rng_below(r, 2) ? INFINITY : -INFINITY;
        default:
            return -5 + season + noise;
        }
    case HUGE_: {
        static const double sizes[] = {1, 1e30, 1e36, 1e37, 4e37, 1e38, 1e40, 1e149, 1e150, 1e200,
                                       DBL_MAX};

        return noise * sizes[rng_below(r, rng_below(r, 50) ? 6 : TOCSIN__COUNT(sizes))];
    }
    default: {
        static const double sizes[] = {5e-324, 1e-310, 1e-60, 1e-45, 1e-40, 1e-37, 2e-37, 1e-30,
                                       1e-28};

        return noise * sizes[rng_below(r, TOCSIN__COUNT(sizes))];
    }
    }
}

/* ---- The trial --------------------------------------------------------------------- */

typedef struct {
    plan plan;
    char *row[SERIES];                  /* the reference */
    tocsin__reading reading[SERIES];
    int64_t learnt_at[SERIES];
    double walk[SERIES];
    float maximum[SERIES];
    char *tiles[KERNELS_MAX];
    size_t kernels;
    rng rng;
    size_t quick_tiles;                 /* full, calm and mature at the end of a tick */
} trial;

static void *aligned(size_t size)
{
    void *block = aligned_alloc(64, (size + 63) / 64 * 64);

    ck_assert_ptr_nonnull(block);
    return block;
}

static tocsin__point point_at(const trial *t, size_t series, int64_t time, double value)
{
    tocsin__point point;

    memset(&point, 0, sizeof point);
    point.time = time;
    point.elapsed = time - t->learnt_at[series];
    point.value = tocsin__clamp(value, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX);
    return point;
}

static void push_reference(trial *t, size_t series, int64_t time, double value)
{
    const tocsin__compiled_stage *detect = t->plan.detect;
    tocsin__point point = point_at(t, series, time, value);

    memset(&t->reading[series], 0, sizeof t->reading[series]);
    if (!isfinite(value))
        return;
    detect->stage->score(detect->constants, t->row[series], NULL, &point, &t->reading[series]);
    detect->stage->learn(detect->constants, t->row[series], NULL, &point, &t->reading[series]);
}

/* A lane by itself, where it is. */
static void push_lane(const trial *t, char *tiles, size_t series, int64_t time, double value)
{
    const tocsin__compiled_stage *detect = t->plan.detect;
    const size_t lane = series % TOCSIN__LANES;
    char *tile = tiles + series / TOCSIN__LANES * t->plan.size;
    tocsin__arrays arrays = arrays_of(&t->plan, tiles, series);
    tocsin__point point = point_at(t, series, time, value);
    double row[32];
    tocsin__reading reading;

    ck_assert_uint_le(t->plan.layout->size, sizeof row);
    memset(row, 0, sizeof row);
    memset(&reading, 0, sizeof reading);
    gather(&t->plan, tile, lane, (char *)row);
    detect->stage->push(detect->constants, row, &arrays, &point, &reading);
    scatter(&t->plan, tile, lane, (const char *)row);
    assert_same_bits(reading.channel[0], t->reading[series].channel[0]);
}

static int is_used(size_t series)
{
    return series < SERIES - UNUSED;
}

static void fill_columns(tocsin__holt_job *job, const plan *p, char *tiles)
{
    job->level = plan_column(p, "level");
    job->trend = plan_column(p, "trend");
    job->spread = plan_column(p, "spread");
    job->reach = plan_column(p, "reach");
    job->start = plan_column(p, "start");
    job->count = plan_column(p, "count");
    job->habit = plan_column(p, "habit");
    job->outside = plan_column(p, "outside");
    job->season[0] = slot_of(p, tiles, "first-season", job->slot[0]);
    job->season[1] = slot_of(p, tiles, "second-season", job->slot[1]);
    job->deviation = slot_of(p, tiles, "slot-deviation", job->slot[0]);
}

/* The tick by one kernel, and what it leaves lane by lane. */
static void tick_kernel(trial *t, size_t which, const tocsin__kernels *kernels, int64_t time,
                        int64_t last, const void *values, int is_float, const uint64_t *take,
                        int has_statistics, int has_bar, double *statistics)
{
    const plan *p = &t->plan;
    tocsin__holt_job job;
    int64_t slots[TOCSIN__MAX_ARRAYS];

    memset(&job, 0, sizeof job);
    tocsin__holt_job_prepare(p->detect->constants, time, last, &job);
    fill_columns(&job, p, t->tiles[which]);
    job.tiles.first = t->tiles[which];
    job.tiles.size = p->size;
    job.tiles.count = TILES;
    job.tiles.values = values;
    job.tiles.is_float = (uint32_t)is_float;
    job.tiles.statistics = has_statistics ? statistics : NULL;
    job.maximum = has_bar ? p->maximum : 0;
    job.bar = has_bar ? p->bar : 0;
    for (size_t i = 0; i < TILES; i++) {
        tocsin__tile_head *head = (tocsin__tile_head *)(void *)(t->tiles[which] + i * p->size);

        head->take = take[i];
        head->learnt = head->left = UINT64_MAX;
    }
    kernels->holt(&job);

    slots[0] = slots[2] = (int64_t)job.slot[0];
    slots[1] = (int64_t)job.slot[1];
    slots[3] = -1;
    for (size_t series = 0; series < SERIES; series++) {
        const size_t lane = series % TOCSIN__LANES;
        char *tile = t->tiles[which] + series / TOCSIN__LANES * p->size;
        tocsin__tile_head *head = (tocsin__tile_head *)(void *)tile;
        const double value = is_float ? (double)((const float *)values)[series]
                                      : ((const double *)values)[series];
        const double statistic = t->reading[series].channel[0];
        const uint64_t bit = UINT64_C(1) << lane;
        const int taken = (head->take & bit) != 0;
        double row[32];
        float bar, maximum;

        if (!is_used(series)) {
            require(!((head->learnt | head->left) & bit), "a lane without a series was touched");
            continue;
        }
        memcpy(&bar, tile + p->bar + 4 * lane, sizeof bar);
        memcpy(&maximum, tile + p->maximum + 4 * lane, sizeof maximum);

        const int rings = has_bar && isfinite(value) && statistic > bar;
        const int learnt = taken && fabs(value) <= TOCSIN__VALUE_MAX && !rings;

        require(((head->learnt & bit) != 0) == learnt, "%s: series %zu, %g", kernels->name, series,
                value);
        require(((head->left & bit) != 0) == (taken && !learnt && !isnan(value)), "%s: series %zu",
                kernels->name, series);
        if (has_statistics)
            require(double_bits(statistics[series]) ==
                        double_bits(learnt ? statistic : tocsin__nan()),
                    "%s: series %zu: %.17g, not %.17g", kernels->name, series, statistics[series],
                    statistic);
        if (learnt) {
            memcpy(tile + plan_column(p, "time") + 8 * lane, &time, sizeof time);
            if (has_bar) {
                const float capped = (float)(statistic < 1e27 ? statistic : 1e27);

                require(maximum == (capped > t->maximum[series] ? capped : t->maximum[series]),
                        "%s: series %zu: maximum", kernels->name, series);
            }
        } else if (isfinite(value)) {
            const uint32_t flags = head->flags;

            push_lane(t, t->tiles[which], series, time, value);
            head->flags = flags & ~(uint32_t)TOCSIN__TILE_CALM;
        }
        maximum = t->maximum[series];
        memcpy(tile + p->maximum + 4 * lane, &maximum, sizeof maximum);

        gather(p, tile, lane, (char *)row);
        for (size_t i = 0; i < p->layout->field_count; i++) {
            const tocsin__field *field = &p->layout->fields[i];
            const size_t size = field->type == TOCSIN__REAL ? 8 : element_size(field->type);

            if (!field->is_array)
                require(memcmp((char *)row + field->offset, t->row[series] + field->offset,
                               size) == 0,
                        "%s: series %zu, kind %u: %s", kernels->name, series, kind_of(series),
                        field->name);
        }
        compare_slots(p, t->tiles[which], series, t->row[series], slots);
    }
    for (size_t i = 0; i < TILES; i++) {
        const tocsin__tile_head *head =
            (const tocsin__tile_head *)(const void *)(t->tiles[which] + i * p->size);

        if (head->flags & TOCSIN__TILE_CALM)
            for (size_t lane = 0; lane < TOCSIN__LANES; lane++)
                if (head->used >> lane & 1) {
                    uint16_t habit, outside;

                    memcpy(&habit, t->tiles[which] + i * p->size + job.habit + 2 * lane, 2);
                    memcpy(&outside, t->tiles[which] + i * p->size + job.outside + 2 * lane, 2);
                    require(habit == 0 && outside == 0, "%s: tile %zu is not calm", kernels->name,
                            i);
                }
        t->quick_tiles += head->flags ==
                          (TOCSIN__TILE_FULL | TOCSIN__TILE_CALM | TOCSIN__TILE_MATURE);
    }
}

static int64_t next_time(rng *r, int64_t time, int is_regular)
{
    if (is_regular)
        return time + STEP;
    switch (rng_below(r, 40)) {
    case 0:
        return time + 3 * STEP;
    case 1:
        return time + STEP / 2;
    case 2:
        return time + STEP + (int64_t)rng_below(r, 1000000000);
    case 3:
        return time + (int64_t)rng_below(r, 300) * STEP + 1;
    default:
        return time + STEP;
    }
}

/* Rows learn alone until the kernel may take them; some begin later. */
static int64_t train(trial *t)
{
    const tocsin__compiled_stage *detect = t->plan.detect;
    int64_t time = -7 * STEP;   /* across the epoch */

    for (size_t i = 0; i < SERIES; i++) {
        t->row[i] = aligned(detect->state_size);
        memset(t->row[i], 0, detect->state_size);
        detect->stage->init(detect->constants, t->row[i]);
    }
    for (size_t tick = 0;; tick++, time += STEP) {
        int settled = 1;

        for (size_t i = 0; i < SERIES; i++) {
            double value = value_of(&t->rng, kind_of(i), time / STEP, &t->walk[i]);

            if (i >= TOCSIN__LANES && tick < i % 4 * 10)
                continue;
            /* One slot of some series is never seen. */
            if (i % 5 == 1 && i >= TOCSIN__LANES && time / STEP % 12 == 2)
                value = NAN;
            push_reference(t, i, time, value);
            if (isfinite(value))
                t->learnt_at[i] = time;
            settled &= tocsin__holt_is_settled(detect->constants, t->row[i]);
        }
        if (settled)
            break;
        require(tick < 10000, "the series never settle");
    }
    for (size_t which = 0; which < t->kernels; which++) {
        t->tiles[which] = aligned(t->plan.memory);
        memset(t->tiles[which], 0xab, t->plan.memory);
        for (size_t i = 0; i < TILES; i++) {
            tocsin__tile_head *head =
                (tocsin__tile_head *)(void *)(t->tiles[which] + i * t->plan.size);

            memset(head, 0, sizeof *head);
            head->used = i + 1 < TILES ? UINT64_MAX : UINT64_MAX >> UNUSED;
        }
    }
    for (size_t i = 0; i < SERIES; i++) {
        t->maximum[i] = (float)rng_uniform(&t->rng);
        for (size_t which = 0; which < t->kernels && is_used(i); which++) {
            char *tile = t->tiles[which] + i / TOCSIN__LANES * t->plan.size;
            const size_t lane = i % TOCSIN__LANES;

            scatter(&t->plan, tile, lane, t->row[i]);
            memcpy(tile + t->plan.maximum + 4 * lane, &t->maximum[i], 4);
            for (size_t f = 0; f < t->plan.layout->field_count; f++) {
                const tocsin__field *field = &t->plan.layout->fields[f];
                const char *from;

                if (!field->is_array)
                    continue;
                from = t->row[i] + tocsin__layout_array(t->plan.layout, &detect->shape,
                                                        field->array);
                for (size_t k = 0; k < detect->shape.length[field->array]; k++)
                    memcpy(slot_at(&t->plan, t->tiles[which], f, k, i), from + 4 * k, 4);
            }
        }
    }
    return time;
}

static void run(const char *text, size_t ticks, int is_regular, int becomes_quick)
{
    static double values[SERIES], statistics[SERIES];
    static float floats[SERIES];
    tocsin_error error;
    tocsin_spec *spec;
    trial *t = calloc(1, sizeof *t);
    int64_t time, last;

    ck_assert_ptr_nonnull(t);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    ck_assert_msg(tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) == 0,
                  "%s: %s", text, error.message);
    ck_assert(tocsin__holt_has_kernel(spec->detect->constants));
    t->plan = plan_make(spec);
    t->kernels = tocsin__kernels_count();
    ck_assert_uint_le(t->kernels, KERNELS_MAX);
    t->rng = rng_seeded(20 + ticks);
    last = train(t);

    for (size_t tick = 0; tick < ticks; tick++) {
        const int is_float = rng_below(&t->rng, 3) == 0;
        const int has_bar = rng_below(&t->rng, 3) == 0, has_statistics = rng_below(&t->rng, 3) != 0;
        const int all = rng_below(&t->rng, 10) != 0;
        uint64_t take[TILES] = {0};

        time = next_time(&t->rng, last, is_regular);
        for (size_t i = 0; i < SERIES; i++) {
            float bar = rng_below(&t->rng, 4) == 0 ? NAN : 2 + 2 * (float)rng_uniform(&t->rng);

            values[i] = value_of(&t->rng, kind_of(i), time / STEP, &t->walk[i]);
            if (is_float)
                values[i] = floats[i] = (float)values[i];
            push_reference(t, i, time, values[i]);
            if (i < TOCSIN__LANES)
                bar = 100;
            for (size_t which = 0; which < t->kernels && has_bar; which++)
                memcpy(t->tiles[which] + i / TOCSIN__LANES * t->plan.size + t->plan.bar +
                           4 * (i % TOCSIN__LANES),
                       &bar, sizeof bar);
            if (is_used(i) && t->learnt_at[i] == last && (all || rng_below(&t->rng, 2)))
                take[i / TOCSIN__LANES] |= UINT64_C(1) << i % TOCSIN__LANES;
        }
        for (size_t which = 0; which < t->kernels; which++)
            tick_kernel(t, which, tocsin__kernels_at(which), time, last,
                        is_float ? (const void *)floats : (const void *)values, is_float, take,
                        has_statistics, has_bar, statistics);
        for (size_t i = 0; i < SERIES; i++)
            if (isfinite(values[i]))
                t->learnt_at[i] = time;
        last = time;
    }
    for (size_t which = 0; which < t->kernels; which++)
        for (size_t i = 0; i < SERIES; i++)
            if (is_used(i))
                compare_slots(&t->plan, t->tiles[which], i, t->row[i], NULL);
    if (becomes_quick)
        ck_assert_uint_gt(t->quick_tiles, t->kernels * ticks / 20);

    for (size_t which = 0; which < t->kernels; which++)
        free(t->tiles[which]);
    for (size_t i = 0; i < SERIES; i++)
        free(t->row[i]);
    tocsin_spec_free(spec);
    free(t);
}

/* ---- Tests ------------------------------------------------------------------------- */

static const struct {
    const char *spec;
    int becomes_quick;      /* a tile of calm series becomes full, calm and mature */
} specs[] = {
    {"clock step=5m | holt-winters step=5m | raw", 1},
    {"clock step=5m | holt-winters step=5m trend=off alpha=0.5 delta=0.01 | raw", 0},
    {"clock step=5m | holt-winters step=5m phi=1 beta=0.1 floor-history=0 | raw", 1},
    {"clock step=5m | holt-winters season=1h step=5m gamma=0.3 | raw", 1},
    {"clock step=5m | holt-winters season=1h step=5m gamma=0.5 trend=off floor=1 floor-relative=0"
     " | raw", 1},
    {"clock step=5m | holt-winters season=1h,4h step=5m gamma=0.3,0.2 | raw", 1},
    {"clock step=5m | holt-winters season=4h,1h step=5m gamma=0.3 delta=30p clip=1 | raw", 0},
    {"clock step=5m | holt-winters season=1h,4h step=5m gamma=0.9 clip=inf phi=0.6 | raw", 1},
    {"clock step=5m | holt-winters season=1h,4h step=10m gamma=0.3 alpha=2h trend=off | raw", 0},
    {"holt-winters season=1h,4h step=10m delta=0.3 alpha=0.3 | raw", 0},
    /* Full before every slot was seen; and with so long a memory of slots that quiet ones are as
     * quiet as they may be. */
    {"clock step=5m | holt-winters season=1h step=5m gamma=0.02 delta=20p alpha=0.1 | raw", 0},
};

START_TEST(regular_steps)
{
    run(specs[_i].spec, 600, 1, specs[_i].becomes_quick);
}
END_TEST

START_TEST(gaps_and_halves)
{
    run(specs[_i].spec, 400, 0, 0);
}
END_TEST

START_TEST(eligible)
{
    static const struct {
        const char *spec;
        int has_kernel;
    } cases[] = {
        {"holt-winters season=1d | raw", 1},
        {"holt-winters season=1d state=double | raw", 0},
        {"holt-winters season=1d form=multiplicative | raw", 0},
        {"holt-winters season=12p | raw", 0},
        {"clock step=1m | holt-winters season=12p | raw", 1},
    };

    for (size_t i = 0; i < TOCSIN__COUNT(cases); i++) {
        tocsin_spec *spec;

        ck_assert_int_eq(tocsin_spec_compile(&spec, cases[i].spec, TOCSIN_NUL_TERMINATED, NULL,
                                             NULL), TOCSIN_OK);
        ck_assert_int_eq(tocsin__holt_has_kernel(spec->detect->constants), cases[i].has_kernel);
        tocsin_spec_free(spec);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kernels-holt");
    TCase *tcase = suite_case(s, "bits");

    tcase_add_loop_test(tcase, regular_steps, 0, (int)TOCSIN__COUNT(specs));
    tcase_add_loop_test(tcase, gaps_and_halves, 0, (int)TOCSIN__COUNT(specs));
    tcase_add_test(tcase, eligible);
    return s;
}

TOCSIN_TEST_MAIN(suite)
