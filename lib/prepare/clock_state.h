/* clock_state.h - the part of the clock that the pipeline drives: it alone knows
 * whether a point was learnt, and that time has passed without one.
 */
#ifndef TOCSIN__CLOCK_STATE_H
#define TOCSIN__CLOCK_STATE_H

#include "../pipeline/stage.h"

typedef struct tocsin__clock {
    int64_t time;           /* of the last accepted point */
    int64_t learnt;         /* of the last point that was learnt */
    int64_t alive;          /* of the last sign of life: a point, or the first tick */
    double step;            /* mean time between points, ns */
    uint64_t points;        /* accepted */
    uint64_t late;
    uint64_t repeated;
    int64_t mark_time;      /* the last mark's begin */
    int64_t window_begin;   /* the last mark that mutes or holds ... */
    int64_t window_end;     /* ... both ends included; TOCSIN_TIME_NONE: open */
    uint32_t mark_kind;     /* TOCSIN_MARK_*, 0: none yet */
    uint32_t window_kind;
    uint32_t window_options;
    uint16_t has_learnt;    /* `learnt` is a time */
    uint16_t has_life;      /* `alive` is a time */
} tocsin__clock;

/* The point was learnt. */
static inline void tocsin__clock_learnt(tocsin__clock *clock, int64_t time)
{
    clock->learnt = time;
    clock->has_learnt = 1;
}

/* Time has passed and nothing came: 1 if that makes the series absent. */
int tocsin__clock_tick(const void *constants, tocsin__clock *clock, int64_t now);

/* Remember a mark. */
void tocsin__clock_mark(tocsin__clock *clock, int kind, uint32_t options, int64_t begin,
                        int64_t end);

/* The TOCSIN_FLAG_MUTED and _HELD that the last window puts on this time. */
uint32_t tocsin__clock_mark_flags(const tocsin__clock *clock, int64_t time);

#endif
