/* dense.h - ticks of a whole bank and of its twin, as ways of a measurement. */
#ifndef BENCH_DENSE_H
#define BENCH_DENSE_H

#include "series.h"
#include "twin.h"

typedef struct dense {
    series_bank *bank;           /* for dense_run_bank() */
    twin_bank *twin;             /* for dense_run_twin() */
    const char *kernel;
    const noise_values *values;
    double *scores;         /* one per slot; NULL: none wanted */
    uint64_t *alarms;       /* likewise, a bit */
    crew *crew;             /* threads that share each tick, timed by the wall; NULL: only this
                               one, timed by its processor time */
    size_t threads;         /* of the crew, else 1 */
    size_t n;               /* series */
    size_t tick;            /* so far */
} dense;

/* So many ticks with `kernel`; the ns that took. */
double dense_run_bank(void *d, size_t times);
double dense_run_twin(void *d, size_t times);

#endif
