/* detector_handle.h - what is inside a tocsin_detector.
 *
 * One block: this struct, then the series' state, then, of a detector of rows, the last point's
 * shares.  The state is flat and holds
 * no pointers; everything that does not belong into a snapshot is up here.
 */
#ifndef TOCSIN__DETECTOR_HANDLE_H
#define TOCSIN__DETECTOR_HANDLE_H

#include "../pipeline/pipeline.h"

struct tocsin_detector {
    const tocsin_spec *spec;
    tocsin_allocator allocator;
    size_t block_size;          /* to free; 0: the memory is the caller's */
    tocsin__outcome last;       /* the last point and all that was said of it */
};

/* The state follows the struct at the next cache line. */
#define TOCSIN__STATE_ALIGNMENT 64
#define TOCSIN__STATE_OFFSET                                                     \
    ((sizeof(struct tocsin_detector) + (TOCSIN__STATE_ALIGNMENT - 1)) /          \
     TOCSIN__STATE_ALIGNMENT * TOCSIN__STATE_ALIGNMENT)

static inline void *tocsin__detector_state(tocsin_detector *detector)
{
    return (char *)detector + TOCSIN__STATE_OFFSET;
}

static inline const void *tocsin__detector_const_state(const tocsin_detector *detector)
{
    return (const char *)detector + TOCSIN__STATE_OFFSET;
}

/* The last point's shares: spec->share_count of them. */
static inline double *tocsin__detector_shares(tocsin_detector *detector)
{
    return (double *)(void *)((char *)tocsin__detector_state(detector) +
                              detector->spec->state_size);
}

/* There is no last point. */
static inline void tocsin__detector_forget(tocsin_detector *detector)
{
    tocsin__outcome_init(&detector->last);
    for (size_t i = 0; i < detector->spec->share_count; i++)
        tocsin__detector_shares(detector)[i] = tocsin__nan();
}

/* Bytes behind the struct. */
static inline size_t tocsin__detector_rest(const tocsin_spec *spec)
{
    return spec->state_size + spec->share_count * sizeof(double);
}

#endif
