/* prepare.h - the two stages that every point passes, clock and gaps, as the
 * pipeline sees them.
 *
 * They cost less than calling them would, so what happens per point is inline;
 * what they are, their parameters and why, stands in clock.c and gaps.c.
 */
#ifndef TOCSIN__PREPARE_H
#define TOCSIN__PREPARE_H

#include "../num/mathx.h"
#include "../pipeline/stage.h"

/* ---- Clock ----------------------------------------------------------------- */

typedef struct tocsin__clock_constants {
    int64_t step;           /* between points without a time */
    int64_t is_nominal;     /* somebody gave the step; else a measured one is better */
    int64_t absence;        /* 0: never */
    double gap;             /* mean steps */
} tocsin__clock_constants;

typedef struct tocsin__clock_state {
    int64_t time;           /* of the last accepted point */
    int64_t learnt;         /* of the last point that was learnt */
    int64_t waiting;        /* since when nothing has come at all: the first tick */
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
    uint16_t is_waiting;    /* `waiting` is a time */
} tocsin__clock_state;

/* later - earlier, and never an overflow. */
static inline int64_t tocsin__time_between(int64_t earlier, int64_t later)
{
    const uint64_t difference = (uint64_t)later - (uint64_t)earlier;

    return difference > INT64_MAX ? INT64_MAX : (int64_t)difference;
}

/* The TOCSIN_FLAG_MUTED and _HELD that the last window puts on this time. */
static inline uint32_t tocsin__clock_window(const tocsin__clock_state *clock, int64_t time)
{
    if (clock->window_options == 0 || time < clock->window_begin)
        return 0;
    if (clock->window_end != TOCSIN_TIME_NONE && time > clock->window_end)
        return 0;
    return (clock->window_options & TOCSIN_MARK_MUTE ? TOCSIN_FLAG_MUTED : 0u) |
           (clock->window_options & TOCSIN_MARK_NO_LEARN ? TOCSIN_FLAG_HELD : 0u);
}

/* The mean step forgets after so many points. */
#define TOCSIN__CLOCK_MEMORY 100

/* On to a point that is newer than all before it. */
static inline void tocsin__clock_advance(const tocsin__clock_constants *k,
                                         tocsin__clock_state *clock, tocsin__point *point)
{
    const uint64_t n = clock->points;

    point->pause = 0;
    if (n > 0) {
        double step;

        point->pause = tocsin__time_between(clock->time, point->time);
        step = (double)point->pause;

        if (step != clock->step) {
            if (n > 1 && step > k->gap * clock->step) {     /* an outage is no step */
                point->flags |= TOCSIN_FLAG_GAP;
                step = k->gap * clock->step;
            }
            clock->step += (step - clock->step) /
                           (double)(n < TOCSIN__CLOCK_MEMORY ? n : TOCSIN__CLOCK_MEMORY);
        }
    }
    point->elapsed = clock->has_learnt ? tocsin__time_between(clock->learnt, point->time) : 0;
    clock->time = point->time;
    clock->points = n + 1;
}

/* Give the point its place in time.  TOCSIN_INFO_IGNORED: it has none, being late
 * or repeated. */
static inline int tocsin__clock_accept(const tocsin__clock_constants *k,
                                       tocsin__clock_state *clock, tocsin__point *point)
{
    const uint64_t n = clock->points;

    if (TOCSIN__RARELY(point->time == TOCSIN_TIME_NONE)) {
        int64_t step = k->step;

        if (!k->is_nominal && n > 1)
            step = (int64_t)tocsin__clamp(clock->step, 1, 9e18);
        if (n == 0)
            point->time = 0;
        else if (clock->time > INT64_MAX - step)
            point->time = INT64_MAX;
        else
            point->time = clock->time + step;
    }
    if (n > 0 && TOCSIN__RARELY(point->time <= clock->time)) {
        if (point->time < clock->time) {
            clock->late++;
            point->flags |= TOCSIN_FLAG_LATE;
        } else {
            clock->repeated++;
            point->flags |= TOCSIN_FLAG_REPEATED;
        }
        return TOCSIN_INFO_IGNORED;
    }
    tocsin__clock_advance(k, clock, point);
    point->flags |= tocsin__clock_window(clock, point->time);
    return TOCSIN_OK;
}

/* The point was learnt. */
static inline void tocsin__clock_learnt(tocsin__clock_state *clock, int64_t time)
{
    clock->learnt = time;
    clock->has_learnt = 1;
}

/* Time has passed and nothing came: TOCSIN_INFO_IGNORED if that is no news, else
 * whether the series is absent. */
int tocsin__clock_tick(const tocsin__clock_constants *k, tocsin__clock_state *clock, int64_t now,
                       int *absent);

/* Remember a mark. */
void tocsin__clock_mark(tocsin__clock_state *clock, int kind, uint32_t options, int64_t begin,
                        int64_t end);

/* ---- Counter --------------------------------------------------------------- */

/* Turn a reading into a rate; NaN where there is none. */
void tocsin__counter_convert(const void *constants, void *state, tocsin__point *point);

/* ---- Gaps ------------------------------------------------------------------ */

enum { TOCSIN__GAPS_SKIP, TOCSIN__GAPS_HOLD, TOCSIN__GAPS_EXPECTED };

typedef struct tocsin__gaps_constants {
    uint32_t policy;
    uint32_t limit;         /* points in a row */
} tocsin__gaps_constants;

typedef struct tocsin__gaps_state {
    double previous;        /* the last value that was not missing; NaN before the first */
    uint64_t missing;       /* in all */
    uint32_t run;           /* in a row, up to the limit and one more */
    uint32_t spare;
} tocsin__gaps_state;

/* A value that is missing, or beyond all bounds. */
void tocsin__gaps_fill(const tocsin__gaps_constants *k, tocsin__gaps_state *gaps,
                       tocsin__point *point);

static inline void tocsin__gaps_accept(const tocsin__gaps_constants *k, tocsin__gaps_state *gaps,
                                       tocsin__point *point)
{
    if (TOCSIN__RARELY(!(tocsin__abs(point->value) <= TOCSIN__VALUE_MAX))) {
        tocsin__gaps_fill(k, gaps, point);
    } else if (k->policy != TOCSIN__GAPS_SKIP) {
        gaps->previous = point->value;
        gaps->run = 0;
    }
}

#endif
