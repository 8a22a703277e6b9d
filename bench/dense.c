/* dense.c - see dense.h. */
#include "dense.h"

#include "harness.h"

/* A lane's slots begin at a multiple of a tile. */
static size_t lane_begin(const dense *d, size_t lane)
{
    return lane == d->threads ? d->n : d->n / d->threads * lane / TOCSIN_BANK_TILE *
                                           TOCSIN_BANK_TILE;
}

static void range_of_bank(void *context, size_t lane)
{
    const dense *d = context;

    bench_check(tocsin_bank_tick_range(d->bank->bank, (uint32_t)lane,
                                       (uint32_t)lane_begin(d, lane),
                                       (uint32_t)lane_begin(d, lane + 1)),
                "a range");
}

static void range_of_twin(void *context, size_t lane)
{
    const dense *d = context;
    const size_t begin = lane_begin(d, lane), end = lane_begin(d, lane + 1);

    twin_tick(d->twin, d->kernel, begin / TOCSIN_BANK_TILE,
              (end + TOCSIN_BANK_TILE - 1) / TOCSIN_BANK_TILE,
              noise_at(d->values, d->tick) + begin, d->scores ? d->scores + begin : NULL);
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
