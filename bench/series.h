/* series.h - banks to measure: many warm series, the values that they get, the kernels that
 * there are, and threads that share a tick.
 */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "tocsin.h"

/* ---- Values ------------------------------------------------------------------- */

/* One value per series and tick: Gaussian noise about 100, a window of which begins somewhere
 * else at each tick, so that nothing has to be written between ticks. */
typedef struct noise_values {
    float *values;
    size_t size;
    size_t chunk;           /* series that get their values at once; 0: all */
} noise_values;

/* `missing`: the share of NaNs. */
void noise_init(noise_values *values, size_t series, double missing);

/* Half a megabyte that stays in a cache, for each chunk of the series anew, as if they had just
 * been decoded: for more series than there is memory for values. */
void noise_init_chunk(noise_values *values);
void noise_free(noise_values *values);

/* The values of a tick, aligned to 64 bytes, readable up to the next multiple of 64. */
const float *noise_at(const noise_values *values, size_t tick);

/* ---- Warm series ---------------------------------------------------------------- */

/* Series of a spec that have honestly lived long enough to be past everything that only the
 * young do: warm-up, the first cycles of a season, the calibrator's first weeks.  They began one
 * after the other, so that what happens to a series now and then happens at each tick to some.
 * Their noise never repeats: a limit learnt from a few values over and over would be theirs, and
 * ring ten times as often as it promises at any other ones. */
typedef struct donors {
    tocsin_spec *spec;
    tocsin_detector **detectors;
    size_t count;
    int64_t time, step;     /* of their last points; between points */
} donors;

void donors_init(donors *d, const char *spec, int64_t step, int is_quick);
void donors_free(donors *d);

/* A bank of warm series. */
typedef struct series_bank {
    tocsin_bank *bank;
    size_t n;
    int64_t time, step;
    size_t ticks;
} series_bank;

/* What the bank of such a series will take, bytes. */
uint64_t series_size(const donors *d, const tocsin_bank_options *options, size_t n);

void series_init(series_bank *s, const donors *d, const tocsin_bank_options *options, size_t n);

/* One of series that have seen nothing yet, and get a point a minute. */
void series_init_new(series_bank *s, const tocsin_spec *spec, const tocsin_bank_options *options,
                     size_t n);
void series_free(series_bank *s);

/* Bytes that the bank has, per series. */
double series_bytes(const series_bank *s);

/* The id of the series in a slot. */
uint64_t series_id(size_t slot);

/* Fill in the next tick's time and length; the rest is 0 but for values, which are floats. */
void series_next(series_bank *s, tocsin_tick *tick, const float *values);

/* Memory for banks: on huge pages, and counted by nobody. */
extern const tocsin_allocator series_allocator;

/* ---- Kernels --------------------------------------------------------------------- */

/* The kernels that this machine has, best last; how many. */
enum { KERNELS_MAX = 8 };
size_t kernels_list(const char *names[KERNELS_MAX]);

/* Have banks use one of them. */
void kernels_force(const char *name);

/* ---- Threads ---------------------------------------------------------------------- */

/* Threads that do one thing together, again and again.  The caller is one of them. */
typedef struct crew crew;

crew *crew_create(size_t threads);
void crew_free(crew *c);

/* work(context, lane) for each lane, at the same time; back when all are done. */
void crew_run(crew *c, void (*work)(void *context, size_t lane), void *context);

#endif
