/* compiled.h - what is inside a tocsin_spec: the compiled pipe.
 *
 * One block of memory: this struct, then every stage's constants.  A series'
 * state is one block too, the stages' states one after the other; the compiled
 * pipe says where each begins.
 */
#ifndef TOCSIN__COMPILED_H
#define TOCSIN__COMPILED_H

#include "stage.h"

#define TOCSIN__MAX_PARAMS 24       /* of one stage */

typedef struct tocsin__compiled_stage {
    const tocsin__stage *stage;
    const void *constants;          /* inside the spec's block */
    size_t state_offset;            /* in a series' state */
    size_t state_size;
    uint32_t revision;              /* the one in force */
    uint32_t value_index;           /* of its first parameter in tocsin_spec.values */
    tocsin__shape shape;
} tocsin__compiled_stage;

struct tocsin_spec {
    tocsin_allocator allocator;
    size_t block_size;              /* bytes of this allocation */
    size_t stage_count;
    tocsin__compiled_stage stages[TOCSIN__RANKS];
    /* The same by role; NULL where the pipe has none (counter, or after `raw`). */
    const tocsin__compiled_stage *clock, *counter, *gaps, *detect, *calibrate, *alarm;
    size_t state_size;              /* of one series, a multiple of 8 */
    size_t warmup;
    uint32_t metrics;               /* values per point */
    uint32_t share_count;           /* what a detector of rows writes to a point's shares; else 0 */
    tocsin__context context;
    tocsin__values *values;         /* every stage's parameters, inside the block */
};

/* A stage's part of a series' state. */
static inline void *tocsin__state_of(const tocsin__compiled_stage *stage, void *state)
{
    return (char *)state + stage->state_offset;
}

static inline const void *tocsin__const_state_of(const tocsin__compiled_stage *stage,
                                                 const void *state)
{
    return (const char *)state + stage->state_offset;
}

/* The initial state of a stage. */
static inline void tocsin__stage_init(const tocsin__compiled_stage *stage, void *state)
{
    memset(tocsin__state_of(stage, state), 0, stage->state_size);
    if (stage->stage->init)
        stage->stage->init(stage->constants, tocsin__state_of(stage, state));
}

/* Whether the state of a stage, whose fields are within their bounds, holds together. */
static inline int tocsin__state_holds(const tocsin__compiled_stage *stage, const void *state)
{
    return !stage->stage->holds ||
           stage->stage->holds(stage->constants, tocsin__const_state_of(stage, state));
}

#endif
