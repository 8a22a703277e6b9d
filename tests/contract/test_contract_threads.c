/* A tick that several threads work on says what one thread says, bit for bit: ranges and parts of
 * it are taken by whoever comes first, each thread on its own lane, while yet another one keeps
 * switching the kernel.  Compiled with -Db_sanitize=thread it also shows that they do not race. */
#define _POSIX_C_SOURCE 200112L

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../support/banks.h"
#include "../support/shards.h"
#include "../support/specs.h"
#include "../support/suite.h"

#define SERIES 1130         /* 18 tiles, the last one not full */
#define TILES ((SERIES + TOCSIN_BANK_TILE - 1) / TOCSIN_BANK_TILE)
#define TICKS 120
#define MOST_THREADS 4

/* What a tick writes. */
typedef struct outputs {
    double scores[SERIES];
    uint64_t alarms[TILES];
    tocsin_verdict verdicts[SERIES];
} outputs;

typedef struct crew {
    tocsin_bank *bank;
    uint32_t threads;
    pthread_barrier_t begun, done;
    atomic_uint next_tile;
    atomic_int is_over, failures;
    int by_parts;
    const void *values;
    size_t value_size;
    outputs *out;
} crew;

typedef struct worker {
    crew *crew;
    uint32_t lane;
    rng r;
} worker;

/* Take tiles until there are none left. */
static void work(worker *w)
{
    crew *c = w->crew;

    for (;;) {
        const uint32_t wanted = 1 + (uint32_t)rng_below(&w->r, 3);
        const uint32_t tile = atomic_fetch_add(&c->next_tile, wanted);
        const uint32_t begin = tile * TOCSIN_BANK_TILE;
        const uint32_t end = begin + wanted * TOCSIN_BANK_TILE < SERIES
                                 ? begin + wanted * TOCSIN_BANK_TILE
                                 : SERIES;
        int status;

        if (tile >= TILES)
            return;
        status = c->by_parts
                     ? tocsin_bank_tick_part(c->bank, w->lane, begin, end,
                                             (const char *)c->values + begin * c->value_size,
                                             c->out->scores + begin,
                                             c->out->alarms + begin / TOCSIN_BANK_TILE)
                     : tocsin_bank_tick_range(c->bank, w->lane, begin, end);
        if (status != TOCSIN_OK)
            atomic_fetch_add(&c->failures, 1);
    }
}

static void *worker_main(void *given)
{
    worker *w = given;

    for (;;) {
        pthread_barrier_wait(&w->crew->begun);
        if (atomic_load(&w->crew->is_over))
            return NULL;
        work(w);
        pthread_barrier_wait(&w->crew->done);
    }
}

static void *switch_kernels(void *given)
{
    crew *c = given;
    const size_t count = tocsin_kernel_count();

    for (size_t i = 0; !atomic_load(&c->is_over); i++) {
        if (tocsin_kernel_force(tocsin_kernel_name(i % count)) != TOCSIN_OK ||
            !tocsin_kernel_in_use())
            atomic_fetch_add(&c->failures, 1);
        sched_yield();
    }
    return NULL;
}

/* Calm for the most part; then a third of all ring at once. */
static double value_at(rng *r, uint32_t slot, size_t tick)
{
    if (rng_below(r, 500) == 0)
        return rng_below(r, 2) ? NAN : 1e200;
    return slot + rng_normal(r) + (tick % 90 > 84 && slot % 3 == 0 ? 25 : 0);
}

static void check_tick(const tocsin_bank *one, const tocsin_bank *many, const outputs *a,
                       const outputs *b, int has_verdicts, const char *text)
{
    static tocsin_alarm alarms_a[64], alarms_b[64];
    const tocsin_bank_counts counts_a = banks_last(one), counts_b = banks_last(many);
    const size_t listed = tocsin_bank_alarms(one, alarms_a, sizeof alarms_a[0], 64);

    require(memcmp(a->scores, b->scores, sizeof a->scores) == 0, "%s: other scores", text);
    require(memcmp(a->alarms, b->alarms, sizeof a->alarms) == 0, "%s: other alarm bits", text);
    require(!has_verdicts || memcmp(a->verdicts, b->verdicts, sizeof a->verdicts) == 0,
            "%s: other verdicts", text);
    require(memcmp(&counts_a, &counts_b, sizeof counts_a) == 0, "%s: other counts", text);
    require(tocsin_bank_alarms(many, alarms_b, sizeof alarms_b[0], 64) == listed &&
                memcmp(alarms_a, alarms_b, listed * sizeof alarms_a[0]) == 0,
            "%s: other alarms", text);
}

static tocsin_bank *bank_with(const tocsin_spec *spec, uint32_t clock, uint32_t lanes)
{
    tocsin_bank_options options = banks_options();
    tocsin_bank *bank;

    options.clock = clock;
    options.lanes = lanes;
    options.alarms_per_round = 20;
    bank = banks_create(spec, &options);
    for (uint64_t i = 0; i < SERIES; i++)
        banks_add(bank, banks_id(i));
    for (uint32_t slot = 7; slot < SERIES; slot += 100)
        tocsin_bank_remove(bank, slot);
    return bank;
}

static void crew_run(const char *text, uint32_t clock, uint32_t threads)
{
    static outputs out_one, out_many;
    static double values[SERIES];
    static float floats[SERIES];
    tocsin_spec *spec = specs_compile(text);
    tocsin_bank *one = bank_with(spec, clock, 1);
    pthread_t thread[MOST_THREADS], switcher;
    worker workers[MOST_THREADS];
    uint64_t started = 0;
    rng r = rng_seeded(threads);
    shard of_one, of_many;
    crew c;

    memset(&c, 0, sizeof c);
    c.bank = bank_with(spec, clock, threads);
    c.threads = threads;
    c.out = &out_many;
    ck_assert_int_eq(pthread_barrier_init(&c.begun, NULL, threads + 1), 0);
    ck_assert_int_eq(pthread_barrier_init(&c.done, NULL, threads + 1), 0);
    for (uint32_t i = 0; i < threads; i++) {
        workers[i].crew = &c;
        workers[i].lane = i;
        workers[i].r = rng_seeded(100 + i);
        ck_assert_int_eq(pthread_create(&thread[i], NULL, worker_main, &workers[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&switcher, NULL, switch_kernels, &c), 0);

    for (size_t i = 0; i < TICKS; i++) {
        const int is_float = i % 2 != 0, has_verdicts = i % 16 == 9;
        tocsin_tick tick =
            banks_tick(one, (int64_t)(i + 1 + i / 100) * TOCSIN_MINUTE, values);

        for (uint32_t slot = 0; slot < SERIES; slot++) {
            values[slot] = value_at(&r, slot, i);
            floats[slot] = (float)values[slot];
        }
        if (is_float) {
            tick.values = floats;
            tick.value_type = TOCSIN_VALUES_FLOAT;
        }
        tick.scores = out_one.scores;
        tick.alarms = out_one.alarms;
        tick.verdicts = has_verdicts ? out_one.verdicts : NULL;
        require(tocsin_bank_tick(one, &tick) == TOCSIN_OK, "no tick");

        c.by_parts = !has_verdicts && i % 3 == 0;
        c.values = tick.values;
        c.value_size = is_float ? sizeof(float) : sizeof(double);
        tick.scores = out_many.scores;
        tick.alarms = out_many.alarms;
        tick.verdicts = has_verdicts ? out_many.verdicts : NULL;
        require(tocsin_bank_tick_begin(c.bank, &tick) == TOCSIN_OK, "no tick");
        atomic_store(&c.next_tile, 0);
        pthread_barrier_wait(&c.begun);
        pthread_barrier_wait(&c.done);
        require(tocsin_bank_tick_end(c.bank) == TOCSIN_OK, "no end");
        check_tick(one, c.bank, &out_one, &out_many, has_verdicts, text);
        started += banks_last(one).started;
    }

    atomic_store(&c.is_over, 1);
    pthread_barrier_wait(&c.begun);
    for (uint32_t i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    pthread_join(switcher, NULL);
    ck_assert_int_eq(atomic_load(&c.failures), 0);
    require(strstr(text, "alarm") == NULL || started > 100, "%s: too calm", text);

    /* The whole of both states. */
    tocsin_kernel_force(NULL);
    of_one = shard_of(one, NULL);
    of_many = shard_of(c.bank, NULL);
    require(of_one.size == of_many.size && memcmp(of_one.bytes, of_many.bytes, of_one.size) == 0,
            "%s: other states", text);
    shard_free(&of_one);
    shard_free(&of_many);
    pthread_barrier_destroy(&c.begun);
    pthread_barrier_destroy(&c.done);
    tocsin_bank_free(one);
    tocsin_bank_free(c.bank);
    tocsin_spec_free(spec);
}

static const struct {
    const char *text;
    uint32_t clock;
} banks[] = {
    {"ewma half-life=20p | raw", TOCSIN_CLOCK_SHARED},
    {"ewma half-life=20p warmup=4 | tail | alarm budget=1/10m clear=3p", TOCSIN_CLOCK_SHARED},
    {"holt-winters season=20m step=1m warmup=10 gamma=0.3 | tail | alarm budget=1/10m",
     TOCSIN_CLOCK_SHARED},
    {"ewma state=double half-life=20p warmup=4 | tail | alarm threshold=1.5", TOCSIN_CLOCK_SHARED},
    {"ewma half-life=20p warmup=4 | tail | alarm threshold=1.5", TOCSIN_CLOCK_OWN},
};

START_TEST(two_threads_say_what_one_says)
{
    crew_run(banks[_i].text, banks[_i].clock, 2);
}
END_TEST

START_TEST(four_threads_say_what_one_says)
{
    crew_run(banks[_i].text, banks[_i].clock, 4);
}
END_TEST

static Suite *suite(void)
{
    const int count = sizeof banks / sizeof banks[0];
    Suite *s = suite_create("contract_threads");

    tcase_add_loop_test(suite_case(s, "two"), two_threads_say_what_one_says, 0, count);
    tcase_add_loop_test(suite_case(s, "four"), four_threads_say_what_one_says, 0, count);
    return s;
}

TOCSIN_TEST_MAIN(suite)
