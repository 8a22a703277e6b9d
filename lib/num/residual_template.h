/* residual_template.h - lib/detect/residual.h over lanes, at its mixed precision: what the kernels
 * of models that predict a value have in common.
 *
 * A template: included once per instance, after its lanes.  Each function gives the bits of
 * the one it is named after.
 *
 * Whether a residual is within so many deviations can be told without a division: surely so if
 *
 *     size <= limit deviation (1 - margin)
 *
 * where the margin outweighs the roundings of both sides (each 6e-8) and the statistic's own; and,
 * as a deviation is never below its floor nor DEVIATION_MIN, without a square root if
 *
 *     size <= limit (1 - margin) floor     or     size^2 <= (limit (1 - margin))^2 variance
 *
 * as long as no product is denormal or infinite.
 */
#include "bounds.h"
#include "lanes.h"

#ifndef LANE_RESIDUAL_MARGIN
#define LANE_RESIDUAL_MARGIN 1e-6
#define LANE_RESIDUAL_LIMIT_MIN 1e-7    /* below lower ones the product might be denormal */
#define LANE_RESIDUAL_LIMIT_MAX 1e18    /* the square of higher ones might be infinite */
#define LANE_RESIDUAL_SQUARE_MIN 1e-30  /* smaller squares count as this */
#endif

#define lane_residual LANES_NAME(lane_residual)
#define lane_residual_set LANES_NAME(lane_residual_set)
#define lane_residual_round LANES_NAME(lane_residual_round)
#define lane_residual_floor LANES_NAME(lane_residual_floor)
#define lane_residual_deviation LANES_NAME(lane_residual_deviation)
#define lane_residual_statistic LANES_NAME(lane_residual_statistic)
#define lane_residual_is_within LANES_NAME(lane_residual_is_within)
#define lane_residual_is_small LANES_NAME(lane_residual_is_small)
#define lane_residual_reach LANES_NAME(lane_residual_reach)
#define lane_residual_drain LANES_NAME(lane_residual_drain)
#define lane_residual_winsorise LANES_NAME(lane_residual_winsorise)

/* tocsin__residual_rules, each in all lanes. */
typedef struct {
    lane_f32 floor, floor_relative, floor_history, fade;
    lane_f32 surely;            /* within clip, less the margin */
    lane_f32 margin;            /* 1 less it */
    lane_f64 clip, per_window;
    lane_f64 window, most;      /* what a crossing adds to the habit, and the most it can be */
    uint32_t has_relative, has_reach;
} lane_residual;

static TOCSIN__INLINE lane_residual lane_residual_set(double floor, double floor_relative,
                                                      double floor_history, double clip,
                                                      double per_window, double fade,
                                                      uint32_t window, uint32_t has_relative,
                                                      uint32_t has_reach)
{
    lane_residual r;

    r.floor = lane_setf((float)floor);
    r.floor_relative = lane_setf((float)floor_relative);
    r.floor_history = lane_setf((float)floor_history);
    r.fade = lane_setf((float)fade);
    r.surely = lane_setf((float)((clip < TOCSIN__REAL_MAX ? clip : TOCSIN__REAL_MAX) *
                                 (1 - LANE_RESIDUAL_MARGIN)));
    r.margin = lane_setf((float)(1 - LANE_RESIDUAL_MARGIN));
    r.clip = lane_set(clip);
    r.per_window = lane_set(per_window);
    r.window = lane_set(window);
    r.most = lane_set(TOCSIN__HABIT_WINDOWS * (double)window);
    r.has_relative = has_relative;
    r.has_reach = has_reach;
    return r;
}

/* A size, which may be infinite. */
static TOCSIN__INLINE lane_f32 lane_residual_round(lane_f32 size)
{
    return lane_minf(size, lane_setf((float)TOCSIN__REAL_MAX));
}

static TOCSIN__INLINE lane_f32 lane_residual_floor(const lane_residual *r, lane_f64 expected,
                                                   lane_f32 reach)
{
    lane_f32 floor = r->floor;

    if (r->has_reach)
        floor = lane_maxf(floor, lane_mulf(r->floor_history, reach));
    if (r->has_relative) {
        const lane_f32 size = lane_residual_round(lane_absf(lane_narrow(expected)));

        floor = lane_maxf(floor, lane_mulf(r->floor_relative, size));
    }
    return floor;
}

/* The deviation that a residual is read in: never below the floor, nor nothing. */
static TOCSIN__INLINE lane_f32 lane_residual_deviation(lane_f32 deviation, lane_f32 floor,
                                                       lane_f32 size)
{
    const lane_f32 least = lane_setf((float)TOCSIN__DEVIATION_MIN);
    const lane_f32 known = lane_maxf(deviation, floor);

    return lane_blendf(lane_ltf(known, least), lane_maxf(size, least), known);
}

static TOCSIN__INLINE lane_f32 lane_residual_statistic(lane_f32 size, lane_f32 deviation)
{
    return lane_residual_round(lane_divf(size, deviation));
}

/* Surely no more than `limit` deviations. */
static TOCSIN__INLINE lane_mask lane_residual_is_within(const lane_residual *r, lane_f32 size,
                                                        lane_f32 deviation, lane_f32 limit)
{
    const lane_mask is_within =
        lane_lef(size, lane_mulf(lane_mulf(limit, r->margin), deviation));

    return lane_and(is_within, lane_gef(limit, lane_setf((float)LANE_RESIDUAL_LIMIT_MIN)));
}

/* Surely no more than `limit` deviations, which may be 0, of a variance, 0 or normal, and a floor. */
static TOCSIN__INLINE lane_mask lane_residual_is_small(const lane_residual *r, lane_f32 size,
                                                       lane_f32 variance, lane_f32 floor,
                                                       lane_f32 limit)
{
    const lane_f32 least = lane_setf((float)TOCSIN__DEVIATION_MIN);
    const lane_f32 square_min = lane_setf((float)LANE_RESIDUAL_SQUARE_MIN);
    const lane_f32 most = lane_minf(limit, lane_setf((float)LANE_RESIDUAL_LIMIT_MAX));
    const lane_f32 bound =
        lane_blendf(lane_gef(most, lane_setf((float)LANE_RESIDUAL_LIMIT_MIN)),
                    lane_mulf(most, r->margin), lane_setf(0));
    const lane_f32 square = lane_maxf(lane_mulf(size, size), square_min);

    return lane_or(lane_lef(size, lane_mulf(bound, lane_maxf(floor, least))),
                   lane_lef(square, lane_mulf(lane_mulf(bound, bound), variance)));
}

static TOCSIN__INLINE lane_f32 lane_residual_reach(const lane_residual *r, lane_f32 reach,
                                                   lane_f32 size)
{
    if (!r->has_reach)
        return lane_setf(0);

    const lane_mask moves = lane_gtf(size, lane_mulf(lane_setf((float)TOCSIN__REST), reach));
    const lane_f32 faded = lane_subf(reach, lane_mulf(r->fade, reach));

    return lane_blendf(lane_gtf(size, reach), size, lane_blendf(moves, faded, reach));
}

/* A habit after a point that crossed nothing. */
static TOCSIN__INLINE lane_f32 lane_residual_drain(lane_f32 habit)
{
    return lane_maxf(lane_subf(habit, lane_setf(1)), lane_setf(0));
}

/* What of a residual may be learnt.  The deviation is NaN while warming. */
static TOCSIN__INLINE lane_f64 lane_residual_winsorise(const lane_residual *r, lane_f64 residual,
                                                       lane_f32 deviation, lane_f32 *habit,
                                                       lane_f32 *outside)
{
    const lane_f32 zero = lane_setf(0), one = lane_setf(1);
    const lane_f64 size = lane_abs(residual);
    const lane_f64 drained = lane_widen(lane_residual_drain(*habit));
    const lane_f64 crossings = lane_mul(drained, r->per_window);
    const lane_f64 least = lane_mul(r->clip, lane_widen(deviation));
    const lane_f64 limit =
        lane_mul(least, lane_sqrt(lane_add(lane_set(1), lane_mul(crossings, crossings))));
    const lane_mask beyond = lane_and(lane_gt(size, least), lane_gt(size, limit));
    const lane_mask first = lane_and(beyond, lane_eqf(*outside, zero));
    const lane_f64 level = lane_min(lane_add(drained, r->window), r->most);

    *habit = lane_narrow(lane_blend(first, level, drained));
    *outside = lane_blendf(beyond, one, zero);
    return lane_blend(beyond,
                      lane_blend(lane_lt(residual, lane_set(0)), lane_negate(limit), limit),
                      residual);
}
