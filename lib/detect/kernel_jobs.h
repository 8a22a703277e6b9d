/* kernel_jobs.h - what a kernel of num/kernels.h needs to know of a detector's constants and of a
 * tick's time.  Where the columns are, the bank says; it fills in the rest of a job.
 */
#ifndef TOCSIN__KERNEL_JOBS_H
#define TOCSIN__KERNEL_JOBS_H

#include "../num/kernels.h"

/* Does the kernel do what the detector does with these constants? */
int tocsin__ewma_has_kernel(const void *constants);
int tocsin__holt_has_kernel(const void *constants);

/* Is this state, a row's, one that the kernel may `take`: past warm-up and with all its seasons
 * in use?  It remains so for good.  (ewma's kernel takes any.) */
int tocsin__holt_is_settled(const void *constants, const void *state);

/* Of a state that the kernel's constants belong to: may a point at that time bring another season
 * into use, and so write to any of its slots?  If not, `slot` is the one of each array that it may
 * write to. */
int tocsin__holt_reach(const void *constants, const void *state, int64_t time, size_t slot[3]);

/* Constants and gains of a tick `elapsed` ns after the last that was learnt; 0: there was none.
 * Fills in all but the tiles, `gains` and the columns. */
void tocsin__ewma_job_prepare(const void *constants, int64_t elapsed, tocsin__ewma_job *job);

/* The gain alone: for job->gains, where lanes were last learnt at different times. */
double tocsin__ewma_job_gain(const void *constants, int64_t elapsed);

/* The same for a tick at `time`, where all lanes learnt last at `last`.  Fills in all but the
 * tiles and the columns; those of the slots follow from job->slot. */
void tocsin__holt_job_prepare(const void *constants, int64_t time, int64_t last,
                              tocsin__holt_job *job);

#endif
