/* pipeline.h - one point through the whole pipe, over one series' state. */
#ifndef TOCSIN__PIPELINE_H
#define TOCSIN__PIPELINE_H

#include "compiled.h"

/* A point on its way, and in the end all that was said of it. */
typedef struct tocsin__outcome {
    tocsin__point point;
    tocsin__reading reading;
    tocsin__rarity rarity;
    tocsin__decision decision;
} tocsin__outcome;

/* The same stages at the same revisions with the same constants: a state of one is a state
 * of the other, and goes on the same way. */
int tocsin__spec_is_same(const tocsin_spec *a, const tocsin_spec *b);

/* Undo what was learnt since an earlier state of the series: detector and calibrator are again what
 * they were. */
void tocsin__pipeline_take_back(const tocsin_spec *spec, void *state, const void *before);

/* The initial state of a series: spec->state_size bytes. */
void tocsin__pipeline_init(const tocsin_spec *spec, void *state);

/* An outcome that says nothing yet: all NaN, warming. */
void tocsin__outcome_init(tocsin__outcome *outcome);

/* Push a point.  `arrays` says where the detector's arrays are; NULL: where a row has them.
 * `outcome->point` comes with time, value, count and is_count (where it
 * is one, value is the count as a double); the rest of the outcome, which was initialised once
 * for this spec, is filled in.  TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__pipeline_push(const tocsin_spec *spec, void *state, const tocsin__arrays *arrays,
                          int mode, tocsin__outcome *outcome);

/* The verdict, to a caller who knows `size` bytes of one, or more. */
void tocsin__outcome_verdict(const tocsin_spec *spec, const tocsin__outcome *outcome, void *to,
                             size_t size);

/* Time has passed and nothing came.  TOCSIN_OK or TOCSIN_INFO_IGNORED. */
int tocsin__pipeline_tick(const tocsin_spec *spec, void *state, int64_t now,
                          tocsin__outcome *outcome);

#endif
