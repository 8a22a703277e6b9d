/* dense.c - see dense.h. */
#include "dense.h"

#include "harness.h"

/* A lane's slots begin at a multiple of a tile. */
static size_t lane_begin(const dense *d, size_t lane)
{
    return lane == d->threads ? d->n : d->n / d->threads * lane / TOCSIN_BANK_TILE *
                                           TOCSIN_BANK_TILE;
}

/* The end of the chunk of values that begins there. */
static size_t chunk_end(const dense *d, size_t at, size_t end)
{
    return at + d->values->chunk < end ? at + d->values->chunk : end;
}

static void chunks_of_bank(const dense *d, size_t lane)
{
    const size_t end = lane_begin(d, lane + 1);

    for (size_t at = lane_begin(d, lane); at < end; at = chunk_end(d, at, end))
        bench_check(tocsin_bank_tick_part(d->bank->bank, (uint32_t)lane, (uint32_t)at,
                                          (uint32_t)chunk_end(d, at, end),
                                          noise_at(d->values, d->tick - 1), NULL, NULL),
                    "a part");
}

static void range_of_bank(void *context, size_t lane)
{
    const dense *d = context;

    if (d->values->chunk) {
        chunks_of_bank(d, lane);
        return;
    }
    bench_check(tocsin_bank_tick_range(d->bank->bank, (uint32_t)lane,
                                       (uint32_t)lane_begin(d, lane),
                                       (uint32_t)lane_begin(d, lane + 1)),
                "a range");
}

static void range_of_twin(void *context, size_t lane)
{
    const dense *d = context;
    const size_t begin = lane_begin(d, lane), end = lane_begin(d, lane + 1);
    const size_t chunk = d->values->chunk;

    for (size_t at = begin, to; at < end; at = to) {
        to = chunk ? chunk_end(d, at, end) : end;
        twin_tick(d->twin, d->kernel, at / TOCSIN_BANK_TILE,
                  (to + TOCSIN_BANK_TILE - 1) / TOCSIN_BANK_TILE,
                  noise_at(d->values, d->tick) + (chunk ? 0 : at),
                  d->scores ? d->scores + at : NULL);
    }
}

static double now(const dense *d)
{
    return d->crew ? bench_wall_ns() : bench_cpu_ns();
}

double dense_run_bank(void *context, size_t times)
{
    dense *d = context;
    double start;

    kernels_force(d->kernel);
    start = now(d);
    for (size_t k = 0; k < times; k++) {
        tocsin_tick tick;

        series_next(d->bank, &tick, noise_at(d->values, d->tick++));
        tick.scores = d->scores;
        tick.alarms = d->alarms;
        if (d->values->chunk) {
            tick.values = NULL;
            tick.count = 0;
        }
        if (d->crew) {
            bench_check(tocsin_bank_tick_begin(d->bank->bank, &tick), "beginning a tick");
            crew_run(d->crew, range_of_bank, d);
            bench_check(tocsin_bank_tick_end(d->bank->bank), "ending a tick");
        } else {
            bench_check(tocsin_bank_tick(d->bank->bank, &tick), "a tick");
        }
    }
    return now(d) - start;
}

double dense_run_twin(void *context, size_t times)
{
    dense *d = context;
    const double start = now(d);

    for (size_t k = 0; k < times; k++) {
        if (d->crew)
            crew_run(d->crew, range_of_twin, d);
        else
            range_of_twin(d, 0);
        twin_end(d->twin);
        d->tick++;
    }
    return now(d) - start;
}
