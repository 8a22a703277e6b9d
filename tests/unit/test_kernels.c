/* The kernels: which there are, and that each gives the bits of the detector itself, point by
 * point, whatever the values, the state it starts from and the lanes it may touch. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "detect/kernel_jobs.h"
#include "num/kernels.h"
#include "pipeline/compiled.h"
#include "tocsin.h"
#include "../support/rng.h"
#include "../support/specs.h"
#include "../support/suite.h"

/* ---- Choosing --------------------------------------------------------------- */

START_TEST(the_best_is_in_use_and_each_can_be_forced)
{
    const size_t count = tocsin_kernel_count();

    ck_assert_uint_ge(count, 1);
    ck_assert_str_eq(tocsin_kernel_name(0), "scalar");
    ck_assert_ptr_null(tocsin_kernel_name(count));
    ck_assert_ptr_null(tocsin_kernel_name(SIZE_MAX));
    ck_assert_str_eq(tocsin_kernel_in_use(), tocsin_kernel_name(count - 1));
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(tocsin_kernel_force(tocsin_kernel_name(i)), TOCSIN_OK);
        ck_assert_str_eq(tocsin_kernel_in_use(), tocsin_kernel_name(i));
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(tocsin_kernel_name(k), tocsin_kernel_name(i));
    }
    ck_assert_int_eq(tocsin_kernel_force("scalar"), TOCSIN_OK);
    ck_assert_int_eq(tocsin_kernel_force("abacus"), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_kernel_force(""), TOCSIN_ERROR_ARGUMENT);
    ck_assert_str_eq(tocsin_kernel_in_use(), "scalar");
    ck_assert_int_eq(tocsin_kernel_force(NULL), TOCSIN_OK);
    ck_assert_str_eq(tocsin_kernel_in_use(), tocsin_kernel_name(count - 1));
}
END_TEST

START_TEST(kernels_of_other_processors_are_refused)
{
    static const char *const names[] = {"sse2", "avx2", "avx512", "neon"};
    const size_t count = tocsin_kernel_count();

    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        int is_listed = 0;

        for (size_t i = 0; i < count; i++)
            is_listed |= strcmp(tocsin_kernel_name(i), names[n]) == 0;
        ck_assert_int_eq(tocsin_kernel_force(names[n]),
                         is_listed ? TOCSIN_OK : TOCSIN_ERROR_ARGUMENT);
    }
#if defined(__x86_64__) || defined(__i386__)
    ck_assert_str_eq(tocsin_kernel_name(1), "sse2");
#elif defined(__aarch64__)
    ck_assert_str_eq(tocsin_kernel_name(1), "neon");
#endif
}
END_TEST

/* ---- A tile beside rows ------------------------------------------------------ */

#define TILES 3
#define SERIES (TILES * TOCSIN__LANES)

typedef struct {
    double mean[TOCSIN__LANES];
    float variance[TOCSIN__LANES], reach[TOCSIN__LANES];
    float maximum[TOCSIN__LANES], bar[TOCSIN__LANES];
    uint16_t count[TOCSIN__LANES], habit[TOCSIN__LANES], outside[TOCSIN__LANES];
} columns;

typedef union {
    struct {
        tocsin__tile_head head;
        columns columns;
    } is;
    char room[2304];            /* a multiple of 64, more than it takes */
} tile;

/* A detector's state, wherever its fields are. */
typedef struct {
    tocsin_spec *spec;
    const void *constants;
    size_t mean, variance, reach, count, habit, outside, size;
} model;

static size_t offset_of(const tocsin__layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->field_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0)
            return layout->fields[i].offset;
    ck_abort_msg("ewma's state has no '%s'", name);
    return 0;
}

static model model_open(const char *text)
{
    model m;

    m.spec = specs_compile(text);
    m.constants = m.spec->detect->constants;
    m.size = m.spec->detect->state_size;

    const tocsin__layout *layout = &m.spec->detect->stage->layout;

    m.mean = offset_of(layout, "mean");
    m.variance = offset_of(layout, "variance");
    m.reach = offset_of(layout, "reach");
    m.count = offset_of(layout, "count");
    m.habit = offset_of(layout, "habit");
    m.outside = offset_of(layout, "outside");
    require(m.size <= 64 && tocsin__ewma_has_kernel(m.constants), "%s: not for a kernel", text);
    return m;
}

typedef struct {
    _Alignas(8) char bytes[64];
} row;

static double row_real(const row *r, size_t offset)
{
    double value;

    memcpy(&value, r->bytes + offset, sizeof value);
    return value;
}

static uint16_t row_word(const row *r, size_t offset)
{
    uint16_t value;

    memcpy(&value, r->bytes + offset, sizeof value);
    return value;
}

static void row_get(const model *m, const columns *c, size_t lane, row *r)
{
    const double variance = c->variance[lane], reach = c->reach[lane];

    memset(r, 0, sizeof *r);
    memcpy(r->bytes + m->mean, &c->mean[lane], 8);
    memcpy(r->bytes + m->variance, &variance, 8);
    memcpy(r->bytes + m->reach, &reach, 8);
    memcpy(r->bytes + m->count, &c->count[lane], 2);
    memcpy(r->bytes + m->habit, &c->habit[lane], 2);
    memcpy(r->bytes + m->outside, &c->outside[lane], 2);
}

static void row_put(const model *m, columns *c, size_t lane, const row *r)
{
    c->mean[lane] = row_real(r, m->mean);
    c->variance[lane] = (float)row_real(r, m->variance);
    c->reach[lane] = (float)row_real(r, m->reach);
    c->count[lane] = row_word(r, m->count);
    c->habit[lane] = row_word(r, m->habit);
    c->outside[lane] = row_word(r, m->outside);
}

/* ---- Input ------------------------------------------------------------------ */

enum {
    KIND_NOISE,
    KIND_WALK,
    KIND_TAILS,
    KIND_HOLES,
    KIND_CONSTANT,
    KIND_ZERO,
    KIND_STEP,
    KIND_RIPPLE,
    KIND_TINY,
    KIND_HUGE,
    KIND_SPIKES,
    KIND_BITS,
    KINDS
};

static double input_value(rng *r, size_t series, size_t tick, double *level)
{
    const double noise = rng_normal(r);

    switch (series % KINDS) {
    case KIND_WALK:
        return *level += noise;
    case KIND_TAILS:
        return 5 + noise / (rng_uniform(r) + 1e-4);
    case KIND_HOLES:
        return rng_below(r, 3) ? 1e6 + noise : NAN;
    case KIND_CONSTANT:
        return 42;
    case KIND_ZERO:
        return rng_below(r, 500) ? 0 : 1e-170 * noise;
    case KIND_STEP:
        return (tick / 97 % 2 ? 1000 : -1000) + noise;
    case KIND_RIPPLE:
        return tick % 61 == 60 ? 42.000001 : 42;
    case KIND_TINY:
        return tick / 50 % 2 ? DBL_MIN * noise : 1e-32 * noise;
    case KIND_HUGE:
        switch (rng_below(r, 12)) {
        case 0: return INFINITY;
        case 1: return -INFINITY;
        case 2: return 1e150;
        case 3: return -1e150;
        case 4: return nextafter(1e150, 1e200);
        case 5: return -1e200;
        case 6: return FLT_MAX;
        default: return 1e20 * noise;
        }
    case KIND_SPIKES:
        return rng_below(r, 40) ? 10 + 0.1 * noise : 500 * noise;
    case KIND_BITS: {
        const uint64_t bits = rng_u64(r);
        double value;

        memcpy(&value, &bits, sizeof value);
        return rng_below(r, 8) ? noise : value;
    }
    default:
        return 100 + 10 * noise;
    }
}

/* Somewhere in its life, and as strange as a snapshot could have it. */
static void columns_shake(columns *c, rng *r, int is_plain, uint32_t window)
{
    static const float sizes[] = {0, FLT_TRUE_MIN, 1e-37f, 1e-20f, 0.5f, 3, 1e6f, 1e30f, 1e38f};
    static const uint16_t counts[] = {0, 1, 2, 30, 31, 32, 33, 1000, 65533, 65534, 65535};

    for (size_t i = 0; i < TOCSIN__LANES; i++) {
        c->mean[i] = rng_below(r, 10) ? 1000 * rng_normal(r) : 1e150 * (2 * rng_uniform(r) - 1);
        c->variance[i] = sizes[rng_below(r, 9)];
        c->count[i] = counts[rng_below(r, 11)];
        if (is_plain)
            continue;
        c->reach[i] = sizes[rng_below(r, 9)];
        if (rng_below(r, 4) == 0) {
            c->habit[i] = (uint16_t)rng_below(r, 16 * window + 1);
            c->outside[i] = (uint16_t)rng_below(r, 2);
        }
    }
}

/* ---- One tick, both ways ----------------------------------------------------- */

typedef struct {
    model m;
    tocsin__ewma_job job;
    _Alignas(64) tile tiles[TILES];
    columns expected[TILES];
    double values[SERIES], statistics[SERIES], wanted[SERIES];
    float floats[SERIES];
    int64_t elapsed[SERIES];
    double level[SERIES];
    uint64_t learnt[TILES], left[TILES];
} world;

/* A tile's columns, with nothing left to drain. */
static columns world_columns(const world *w, size_t t)
{
    tocsin__tile_head head = w->tiles[t].is.head;
    columns c = w->tiles[t].is.columns;

    tocsin__tile_settle(&head, c.habit, c.outside);
    return c;
}

/* What the detector makes of it, into `expected`, `wanted`, `learnt` and `left`. */
static void world_expect(world *w, int has_maximum, int has_bar)
{
    for (size_t t = 0; t < TILES; t++) {
        columns *c = &w->expected[t];

        *c = world_columns(w, t);
        w->learnt[t] = w->left[t] = 0;
        for (size_t lane = 0; lane < TOCSIN__LANES; lane++) {
            const size_t series = t * TOCSIN__LANES + lane;
            const double value = w->job.tiles.is_float ? (double)w->floats[series]
                                                       : w->values[series];
            const uint64_t bit = UINT64_C(1) << lane;
            tocsin__point point;
            tocsin__reading reading;
            row r;

            w->wanted[series] = tocsin__nan();
            if (!(w->tiles[t].is.head.take & bit) || isnan(value))
                continue;
            if (fabs(value) > 1e150) {
                w->left[t] |= bit;
                continue;
            }
            memset(&point, 0, sizeof point);
            memset(&reading, 0, sizeof reading);
            point.value = value;
            point.elapsed = w->elapsed[series];
            row_get(&w->m, c, lane, &r);
            tocsin__stage_ewma.push(w->m.constants, r.bytes, NULL, &point, &reading);
            if (has_bar && reading.channel[0] > (double)c->bar[lane]) {
                w->left[t] |= bit;
                continue;
            }
            w->learnt[t] |= bit;
            w->wanted[series] = reading.channel[0];
            row_put(&w->m, c, lane, &r);
            if (has_maximum && !isnan(reading.channel[0])) {
                const float statistic = (float)fmin(reading.channel[0], 1e27);

                c->maximum[lane] = statistic > c->maximum[lane] ? statistic : c->maximum[lane];
            }
        }
    }
}

#define CHECK_COLUMN(member)                                                                 \
    require(memcmp(&c->member[lane], &e->member[lane], sizeof c->member[lane]) == 0,         \
            "%s: " #member " of series %zu is %.17g and should be %.17g, tick %zu", name,    \
            series, (double)c->member[lane], (double)e->member[lane], tick)

static void world_check(const world *w, const char *name, size_t tick)
{
    for (size_t t = 0; t < TILES; t++) {
        const tocsin__tile_head *head = &w->tiles[t].is.head;
        const columns settled = world_columns(w, t), *c = &settled, *e = &w->expected[t];

        for (size_t lane = 0; lane < TOCSIN__LANES; lane++) {
            const size_t series = t * TOCSIN__LANES + lane;

            CHECK_COLUMN(mean);
            CHECK_COLUMN(variance);
            CHECK_COLUMN(reach);
            CHECK_COLUMN(count);
            CHECK_COLUMN(habit);
            CHECK_COLUMN(outside);
            CHECK_COLUMN(maximum);
            CHECK_COLUMN(bar);
            if (w->job.tiles.statistics)
                require(double_bits(w->statistics[series]) == double_bits(w->wanted[series]),
                        "%s: the statistic of series %zu is %.17g and should be %.17g, tick %zu",
                        name, series, w->statistics[series], w->wanted[series], tick);
        }
        require(head->learnt == w->learnt[t], "%s: learnt %llx, should be %llx, tick %zu", name,
                (unsigned long long)head->learnt, (unsigned long long)w->learnt[t], tick);
        require(head->left == w->left[t], "%s: left %llx, should be %llx, tick %zu", name,
                (unsigned long long)head->left, (unsigned long long)w->left[t], tick);
    }
}

/* What the flags promise holds, and they are set where it does. */
static void world_check_flags(const world *w, const char *name, const uint32_t *before)
{
    for (size_t t = 0; t < TILES; t++) {
        const tocsin__tile_head *head = &w->tiles[t].is.head;
        const columns settled = world_columns(w, t), *c = &settled;
        uint32_t flags = TOCSIN__TILE_FULL | TOCSIN__TILE_CALM;

        for (size_t lane = 0; lane < TOCSIN__LANES; lane++) {
            if (!(head->used >> lane & 1))
                continue;
            if (c->count[lane] < w->job.warmup || (c->count[lane] + 1) * w->job.gain < 1)
                flags &= ~(uint32_t)TOCSIN__TILE_FULL;
            if (c->habit[lane] || c->outside[lane])
                flags &= ~(uint32_t)TOCSIN__TILE_CALM;
        }
        if (w->job.gain_varies)
            flags = (flags & TOCSIN__TILE_CALM) | (before[t] & TOCSIN__TILE_FULL);
        require(head->flags == flags, "%s: flags %u, should be %u", name, head->flags, flags);
    }
}

/* ---- Many ticks -------------------------------------------------------------- */

typedef struct {
    const char *text;
    int is_shaken;              /* starts from any state */
    int is_partial;             /* some lanes are not used, or not to be taken */
    int is_float, has_statistics, has_maximum, has_bar;
    int is_old;                 /* past warm-up, with noise: all groups go the quick way */
} setting;

static void world_open(world *w, const setting *s, rng *r)
{
    memset(w, 0, sizeof *w);
    w->m = model_open(s->text);
    tocsin__ewma_job_prepare(w->m.constants, TOCSIN_MINUTE, &w->job);
    w->job.tiles.first = (char *)w->tiles;
    w->job.tiles.size = sizeof(tile);
    w->job.tiles.count = TILES;
    w->job.tiles.is_float = (uint32_t)s->is_float;
    w->job.tiles.values = s->is_float ? (const void *)w->floats : (const void *)w->values;
    w->job.tiles.statistics = s->has_statistics ? w->statistics : NULL;

    const size_t at = offsetof(tile, is.columns);

    w->job.mean = at + offsetof(columns, mean);
    w->job.variance = at + offsetof(columns, variance);
    w->job.count = at + offsetof(columns, count);
    if (!w->job.is_plain) {
        w->job.reach = at + offsetof(columns, reach);
        w->job.habit = at + offsetof(columns, habit);
        w->job.outside = at + offsetof(columns, outside);
    }
    w->job.maximum = s->has_maximum ? at + offsetof(columns, maximum) : 0;
    w->job.bar = s->has_bar ? at + offsetof(columns, bar) : 0;
    for (size_t t = 0; t < TILES; t++) {
        static const float bars[] = {NAN, NAN, 0, 1e-20f, 2, 3.5f, 5, 100, 1e26f};
        columns *c = &w->tiles[t].is.columns;

        if (s->is_shaken)
            columns_shake(c, r, (int)w->job.is_plain, w->job.window);
        for (size_t i = 0; i < TOCSIN__LANES; i++) {
            c->bar[i] = bars[rng_below(r, 9)];
            if (s->is_old) {
                c->mean[i] = 100;
                c->variance[i] = 1;
                c->count[i] = UINT16_MAX;
            }
        }
        w->tiles[t].is.head.used = !s->is_partial ? UINT64_MAX : t == 0 ? rng_u64(r)
                                   : t == 1 ? UINT64_C(0xffffffff00ff) : UINT64_MAX;
    }
}

static void world_tick(world *w, const setting *s, const tocsin__kernels *kernels, rng *r,
                       size_t tick)
{
    uint32_t before[TILES];

    for (size_t i = 0; i < SERIES; i++) {
        w->values[i] = s->is_old ? 100 + rng_normal(r)
                                          : input_value(r, i, tick, &w->level[i]);
        w->floats[i] = (float)w->values[i];
        w->statistics[i] = 12345;
    }
    for (size_t t = 0; t < TILES; t++) {
        tocsin__tile_head *head = &w->tiles[t].is.head;

        head->take = head->used;
        if (s->is_partial && rng_below(r, 2))
            head->take &= rng_u64(r);
        head->learnt = head->left = rng_u64(r);
        before[t] = head->flags;
        if (tick % 50 == 49 && s->has_maximum)
            memset(w->tiles[t].is.columns.maximum, 0, sizeof w->tiles[t].is.columns.maximum);
    }

    /* Most ticks come in time, some late; and sometimes each series has its own past. */
    const size_t way = rng_below(r, 8);
    const int64_t elapsed = way == 0 ? (int64_t)rng_below(r, 7200) * TOCSIN_SECOND : TOCSIN_MINUTE;

    for (size_t i = 0; i < SERIES; i++)
        w->elapsed[i] = way == 1 ? (int64_t)rng_below(r, 100) * 20 * TOCSIN_SECOND : elapsed;
    tocsin__ewma_job_prepare(w->m.constants, elapsed, &w->job);
    w->job.tiles.is_lazy = (uint32_t)rng_below(r, 2);
    world_expect(w, s->has_maximum, s->has_bar);
    if (way == 1) {
        tocsin__ewma_job one = w->job;
        double gains[TOCSIN__LANES];

        w->job.gain_varies = one.gain_varies = 1;
        one.tiles.count = 1;
        one.gains = gains;
        for (size_t t = 0; t < TILES; t++) {
            const size_t first = t * TOCSIN__LANES;

            for (size_t i = 0; i < TOCSIN__LANES; i++)
                gains[i] = tocsin__ewma_job_gain(w->m.constants, w->elapsed[first + i]);
            one.tiles.first = (char *)&w->tiles[t];
            one.tiles.values = s->is_float ? (const void *)(w->floats + first)
                                           : (const void *)(w->values + first);
            one.tiles.statistics = s->has_statistics ? w->statistics + first : NULL;
            kernels->ewma(&one);
        }
    } else {
        kernels->ewma(&w->job);
    }
    world_check(w, kernels->name, tick);
    world_check_flags(w, kernels->name, before);
}

static const char *const texts[] = {
    "ewma",
    "ewma clip=inf floor-history=0 floor-relative=0",
    "ewma clip=inf floor-history=0 floor-relative=100% floor=1e-40",
    "ewma clip=inf",
    "ewma clip=1",
    "ewma clip=2 floor-history=0 half-life=10p",
    "ewma clip=1e200 half-life=3p warmup=2",
    "ewma half-life=3p warmup=2 clip=3",
    "ewma half-life=400000p",
    "ewma alpha=0.2 step=1m",
    "ewma half-life=10m clip=2.5",
    "clock step=1m | ewma half-life=20m",
    "ewma floor=1e150",
    "ewma floor=3 floor-relative=50% floor-history=100% half-life=30p",
};

static void run(const setting *s, const tocsin__kernels *kernels, size_t ticks, uint64_t seed)
{
    static world w;
    rng r = rng_seeded(seed);

    world_open(&w, s, &r);
    for (size_t tick = 0; tick < ticks; tick++)
        world_tick(&w, s, kernels, &r, tick);
    tocsin_spec_free(w.m.spec);
}

START_TEST(each_kernel_gives_the_bits_of_the_detector)
{
    const setting base = {.text = texts[_i], .has_statistics = 1};

    for (size_t k = 0; k < tocsin__kernels_count(); k++)
        for (int which = 0; which < 16; which++) {
            setting s = base;

            s.is_shaken = which & 1;
            s.is_partial = which >> 1 & 1;
            s.is_float = which >> 2 & 1;
            s.has_statistics = which >> 3 & 1;
            s.has_maximum = s.has_bar = (which ^ which >> 2) & 1;
            run(&s, tocsin__kernels_at(k), 90, (uint64_t)which);
        }
}
END_TEST

/* Where all is as it should be, tiles are full and calm, and the quick way is taken; the
 * occasional crossing, new maximum or ringing lane leaves it. */
START_TEST(each_kernel_gives_the_bits_of_the_detector_for_years)
{
    for (size_t k = 0; k < tocsin__kernels_count(); k++)
        for (int which = 0; which < 8; which++) {
            const setting s = {
                .text = texts[_i],
                .is_float = which & 1,
                .has_statistics = which >> 1 & 1,
                .has_maximum = which >> 2 & 1,
                .has_bar = which >> 2 & 1,
                .is_old = 1,
            };

            run(&s, tocsin__kernels_at(k), 250, 100 + (uint64_t)which);
        }
}
END_TEST

/* Against the definition, with moments near and far, past and to come, and a clock about to turn. */
START_TEST(each_kernel_knows_what_is_due)
{
    static const uint32_t clocks[] = {0, 1, 2, 5, 1000000, INT32_MAX, UINT32_MAX - 2, UINT32_MAX};
    rng r = rng_seeded(17);

    for (int i = 0; i < 4000; i++) {
        const uint32_t now = clocks[rng_below(&r, sizeof clocks / sizeof clocks[0])];
        const int how = (int)rng_below(&r, 4);
        uint32_t due[TOCSIN__LANES], expected = UINT32_MAX;
        uint64_t set = 0;

        for (size_t k = 0; k < TOCSIN__LANES; k++) {
            const uint32_t left = how == 0   ? (uint32_t)rng_u64(&r)
                                  : how == 1 ? (uint32_t)rng_below(&r, 2)
                                  : how == 2 ? UINT32_MAX - (uint32_t)rng_below(&r, 3)
                                             : (uint32_t)rng_below(&r, 100);

            due[k] = now + left;
            if (left <= 1)
                set |= UINT64_C(1) << k;
            else if (left - 1 < expected)
                expected = left - 1;
        }
        for (size_t n = 0; n < tocsin__kernels_count(); n++) {
            const tocsin__kernels *kernels = tocsin__kernels_at(n);
            uint32_t until = 77;
            const uint64_t found = kernels->due(due, now, &until);

            require(found == set && until == expected, "%s: %llx and %u, not %llx and %u",
                    kernels->name, (unsigned long long)found, until, (unsigned long long)set,
                    expected);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kernels");
    TCase *choosing = suite_case(s, "choosing");
    TCase *ewma = suite_case(s, "ewma"), *due = suite_case(s, "due");

    tcase_add_test(choosing, the_best_is_in_use_and_each_can_be_forced);
    tcase_add_test(choosing, kernels_of_other_processors_are_refused);
    tcase_add_test(due, each_kernel_knows_what_is_due);
    tcase_add_loop_test(ewma, each_kernel_gives_the_bits_of_the_detector, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    tcase_add_loop_test(suite_long_case(s, "ewma, years"),
                        each_kernel_gives_the_bits_of_the_detector_for_years, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    return s;
}

TOCSIN_TEST_MAIN(suite)
