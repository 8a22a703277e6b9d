/* pipeline.h - one point through the whole pipe, over one series' state. */
#ifndef TOCSIN__PIPELINE_H
#define TOCSIN__PIPELINE_H

#include "compiled.h"

/* A point on its way, and in the end all that was said of it. */
typedef struct tocsin__outcome {
    tocsin__point point;
    tocsin__reading reading;
    tocsin__rarity rarity;
    tocsin_verdict verdict;
    uint32_t is_unjudged;       /* of the verdict only the score is filled in */
    uint32_t reserved;
} tocsin__outcome;

/* The initial state of a series: spec->state_size bytes. */
void tocsin__pipeline_init(const tocsin_spec *spec, void *state);

/* An outcome that says nothing yet: all NaN, warming. */
void tocsin__outcome_init(tocsin__outcome *outcome);

/* Push a point.  `arrays` says where the detector's arrays are; NULL: where a row has them.
 * `outcome->point` comes with time, value, count and is_count (where it
 * is one, value is the count as a double); the rest of the outcome is filled in.  The
 * verdict is complete if `wants_verdict`; else only its score is.
 * TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__pipeline_push(const tocsin_spec *spec, void *state, const tocsin__arrays *arrays,
                          int mode, int wants_verdict, tocsin__outcome *outcome);

/* The whole verdict, also after a push that wanted the score alone. */
void tocsin__outcome_verdict(const tocsin_spec *spec, const tocsin__outcome *outcome,
                             tocsin_verdict *verdict);

/* Time has passed and nothing came.  TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__pipeline_tick(const tocsin_spec *spec, void *state, int64_t now,
                          tocsin__outcome *outcome);

#endif
