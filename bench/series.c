/* series.c - see series.h. */
#define _GNU_SOURCE     /* madvise */

#include "series.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

enum {
    NOISE_STEP = 16,            /* floats in a cache line */
    NOISE_WINDOWS = 1024,
    NOISE_CHUNK = 1 << 17,      /* series that get their values at once */
    DONORS = 1024,
    DONORS_QUICK = 128,
    DONOR_TICKS = 40000
};

/* ---- Values ------------------------------------------------------------------- */

static void fill(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(100 + bench_gaussian());
}

void noise_init(noise_values *values, size_t series, double missing)
{
    const size_t count = (series + 63) / 64 * 64 + (size_t)NOISE_WINDOWS * NOISE_STEP;
    const double limit = missing * 0x1p64;

    values->chunk = 0;
    values->size = count * sizeof *values->values;
    values->values = bench_memory(values->size);
    fill(values->values, count);
    for (size_t i = 0; limit > 0 && i < count; i++)
        if ((double)bench_random() < limit)
            values->values[i] = NAN;
}

void noise_init_chunk(noise_values *values)
{
    noise_init(values, NOISE_CHUNK, 0);
    values->chunk = NOISE_CHUNK;
}

void noise_free(noise_values *values)
{
    bench_release(values->values, values->size);
}

const float *noise_at(const noise_values *values, size_t tick)
{
    return values->values + tick * 389 % NOISE_WINDOWS * NOISE_STEP;
}

/* ---- Memory ---------------------------------------------------------------------- */

static void *series_alloc(void *user, size_t size, size_t align)
{
    (void)user;
    (void)align;
    return bench_memory(size);
}

static void series_release(void *user, void *memory, size_t size)
{
    (void)user;
    bench_release(memory, size);
}

const tocsin_allocator series_allocator = {sizeof(tocsin_allocator), 0, NULL, series_alloc,
                                           series_release};

/* ---- Warm series ---------------------------------------------------------------- */

void donors_init(donors *d, const char *text, int64_t step, int is_quick)
{
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_bank *bank;
    float *values;

    memset(d, 0, sizeof *d);
    d->count = is_quick ? DONORS_QUICK : DONORS;
    d->step = step;
    if (tocsin_spec_compile(&d->spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) < 0)
        bench_fail("%s: %s", text, error.message);
    bench_check(tocsin_bank_create(&bank, d->spec, NULL, NULL), "a bank of donors");
    values = bench_memory(d->count * sizeof *values);
    for (size_t t = 0; t < DONOR_TICKS + d->count; t++) {
        tocsin_tick tick;

        if (t < d->count)
            bench_check(tocsin_bank_add(bank, t, NULL), "a donor");
        memset(&tick, 0, sizeof tick);
        tick.struct_size = sizeof tick;
        tick.time = d->time += step;
        tick.count = tocsin_bank_slots(bank);
        tick.value_type = TOCSIN_VALUES_FLOAT;
        tick.values = values;
        fill(values, d->count);
        bench_check(tocsin_bank_tick(bank, &tick), "a tick of donors");
    }
    d->detectors = calloc(d->count, sizeof *d->detectors);
    if (!d->detectors)
        bench_fail("out of memory");
    for (size_t i = 0; i < d->count; i++) {
        bench_check(tocsin_detector_create(&d->detectors[i], d->spec, NULL), "a detector");
        bench_check(tocsin_bank_copy_out(bank, (uint32_t)i, d->detectors[i]), "copying a donor");
    }
    bench_release(values, d->count * sizeof *values);
    tocsin_bank_free(bank);
}

void donors_free(donors *d)
{
    for (size_t i = 0; i < d->count; i++)
        tocsin_detector_free(d->detectors[i]);
    free(d->detectors);
    tocsin_spec_free(d->spec);
}

uint64_t series_id(size_t slot)
{
    uint64_t id = (uint64_t)slot + 0x9e3779b97f4a7c15u;

    id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9u;
    id = (id ^ id >> 27) * 0x94d049bb133111ebu;
    return id ^ id >> 31;
}

uint64_t series_size(const donors *d, const tocsin_bank_options *options, size_t n)
{
    return tocsin_bank_size(d->spec, options, n);
}

void series_next(series_bank *s, tocsin_tick *tick, const float *values)
{
    memset(tick, 0, sizeof *tick);
    tick->struct_size = sizeof *tick;
    tick->time = s->time += s->step;
    tick->count = s->n;
    tick->value_type = TOCSIN_VALUES_FLOAT;
    tick->values = values;
    s->ticks++;
}

void series_init_new(series_bank *s, const tocsin_spec *spec, const tocsin_bank_options *options,
                     size_t n)
{
    *s = (series_bank){NULL, n, 0, TOCSIN_MINUTE, 0};
    bench_check(tocsin_bank_create(&s->bank, spec, options, &series_allocator), "a bank");
    bench_check(tocsin_bank_reserve(s->bank, n), "room for the series");
    for (size_t i = 0; i < n; i++)
        bench_check(tocsin_bank_add(s->bank, series_id(i), NULL), "a series");
}

void series_init(series_bank *s, const donors *d, const tocsin_bank_options *options, size_t n)
{
    series_init_new(s, d->spec, options, n);
    s->step = d->step;
    s->time = d->time - d->step;
    if (options && options->clock == TOCSIN_CLOCK_SHARED) {
        /* The bank's clock has to say what the donors' say. */
        tocsin_tick tick;

        series_next(s, &tick, NULL);
        bench_check(tocsin_bank_tick(s->bank, &tick), "the first tick");
    }
    s->time = d->time;
    for (size_t i = 0; i < n; i++)
        bench_check(tocsin_bank_copy_in(s->bank, (uint32_t)i,
                                        d->detectors[bench_random() % d->count]),
                    "copying a state");
}

void series_free(series_bank *s)
{
    tocsin_bank_free(s->bank);
}

double series_bytes(const series_bank *s)
{
    tocsin_bank_info info = {.struct_size = sizeof info};

    bench_check(tocsin_bank_describe(s->bank, &info), "describing a bank");
    return (double)info.bytes / (double)info.series;
}

/* ---- Kernels --------------------------------------------------------------------- */

size_t kernels_list(const char *names[KERNELS_MAX])
{
    size_t count = tocsin_kernel_count();

    if (count > KERNELS_MAX)
        count = KERNELS_MAX;
    for (size_t i = 0; i < count; i++)
        names[i] = tocsin_kernel_name(i);
    return count;
}

void kernels_force(const char *name)
{
    bench_check(tocsin_kernel_force(name), name);
}

/* ---- Threads ---------------------------------------------------------------------- */

struct crew {
    pthread_barrier_t start, end;
    void (*work)(void *context, size_t lane);   /* NULL: that was all */
    void *context;
    size_t threads;
    struct crew_member {
        crew *of;
        pthread_t thread;
        size_t lane;
    } members[];
};

static void *crew_member_run(void *argument)
{
    const struct crew_member *member = argument;
    crew *c = member->of;

    for (;;) {
        pthread_barrier_wait(&c->start);
        if (!c->work)
            return NULL;
        c->work(c->context, member->lane);
        pthread_barrier_wait(&c->end);
    }
}

crew *crew_create(size_t threads)
{
    crew *c = calloc(1, sizeof *c + threads * sizeof c->members[0]);

    if (!c || pthread_barrier_init(&c->start, NULL, (unsigned)threads) != 0 ||
        pthread_barrier_init(&c->end, NULL, (unsigned)threads) != 0)
        bench_fail("no threads");
    c->threads = threads;
    for (size_t i = 1; i < threads; i++) {
        c->members[i].of = c;
        c->members[i].lane = i;
        if (pthread_create(&c->members[i].thread, NULL, crew_member_run, &c->members[i]) != 0)
            bench_fail("no threads");
    }
    return c;
}

void crew_run(crew *c, void (*work)(void *context, size_t lane), void *context)
{
    c->work = work;
    c->context = context;
    pthread_barrier_wait(&c->start);
    if (work) {
        work(context, 0);
        pthread_barrier_wait(&c->end);
    }
}

void crew_free(crew *c)
{
    crew_run(c, NULL, NULL);
    for (size_t i = 1; i < c->threads; i++)
        pthread_join(c->members[i].thread, NULL);
    pthread_barrier_destroy(&c->start);
    pthread_barrier_destroy(&c->end);
    free(c);
}
