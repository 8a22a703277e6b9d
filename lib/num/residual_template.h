/* residual_template.h - lib/detect/residual.h over lanes: what the kernels of models that
 * predict a value have in common.
 *
 * A template: included once per instance, after its lanes.  Each function gives the bits of
 * the one it is named after.
 */
#include "bounds.h"
#include "lanes.h"

#define lane_residual LANES_NAME(lane_residual)
#define lane_residual_set LANES_NAME(lane_residual_set)
#define lane_residual_floor LANES_NAME(lane_residual_floor)
#define lane_residual_deviation LANES_NAME(lane_residual_deviation)
#define lane_residual_reach LANES_NAME(lane_residual_reach)
#define lane_residual_drain LANES_NAME(lane_residual_drain)
#define lane_residual_winsorise LANES_NAME(lane_residual_winsorise)

/* tocsin__residual_rules, each in all lanes. */
typedef struct {
    lane_f64 floor, floor_relative, floor_history, clip, per_window, fade;
    lane_f64 window, most;      /* what a crossing adds to the habit, and the most it can be */
    int has_reach;
} lane_residual;

static TOCSIN__INLINE lane_residual lane_residual_set(double floor, double floor_relative,
                                                      double floor_history, double clip,
                                                      double per_window, double fade,
                                                      uint32_t window)
{
    lane_residual r;

    r.floor = lane_set(floor);
    r.floor_relative = lane_set(floor_relative);
    r.floor_history = lane_set(floor_history);
    r.clip = lane_set(clip);
    r.per_window = lane_set(per_window);
    r.fade = lane_set(fade);
    r.window = lane_set(window);
    r.most = lane_set(TOCSIN__HABIT_WINDOWS * (double)window);
    r.has_reach = floor_history != 0;
    return r;
}

static TOCSIN__INLINE lane_f64 lane_residual_floor(const lane_residual *r, lane_f64 expected,
                                                   lane_f64 reach)
{
    return lane_max(lane_max(r->floor, lane_mul(r->floor_history, reach)),
                    lane_mul(r->floor_relative, lane_abs(expected)));
}

/* The deviation that a residual is read in: never below the floor, nor nothing. */
static TOCSIN__INLINE lane_f64 lane_residual_deviation(lane_f64 deviation, lane_f64 floor,
                                                       lane_f64 size)
{
    const lane_f64 least = lane_set(TOCSIN__DEVIATION_MIN);
    const lane_f64 known = lane_max(deviation, floor);

    return lane_blend(lane_lt(known, least), lane_max(size, least), known);
}

static TOCSIN__INLINE lane_f64 lane_residual_reach(const lane_residual *r, lane_f64 reach,
                                                   lane_f64 size)
{
    if (!r->has_reach)
        return lane_set(0);

    const lane_mask moves = lane_gt(size, lane_mul(lane_set(TOCSIN__REST), reach));
    const lane_f64 faded = lane_sub(reach, lane_mul(r->fade, reach));

    return lane_blend(lane_gt(size, reach), size, lane_blend(moves, faded, reach));
}

/* A habit after a point that crossed nothing. */
static TOCSIN__INLINE lane_f64 lane_residual_drain(lane_f64 habit)
{
    return lane_max(lane_sub(habit, lane_set(1)), lane_set(0));
}

/* What of a residual may be learnt.  The deviation is NaN while warming. */
static TOCSIN__INLINE lane_f64 lane_residual_winsorise(const lane_residual *r, lane_f64 residual,
                                                       lane_f64 deviation, lane_f64 *habit,
                                                       lane_f64 *outside)
{
    const lane_f64 zero = lane_set(0), one = lane_set(1);
    const lane_f64 size = lane_abs(residual);
    const lane_f64 drained = lane_residual_drain(*habit);
    const lane_f64 crossings = lane_mul(drained, r->per_window);
    const lane_f64 least = lane_mul(r->clip, deviation);
    const lane_f64 limit =
        lane_mul(least, lane_sqrt(lane_add(one, lane_mul(crossings, crossings))));
    const lane_mask beyond = lane_and(lane_gt(size, least), lane_gt(size, limit));
    const lane_mask first = lane_and(beyond, lane_eq(*outside, zero));
    const lane_f64 level = lane_min(lane_add(drained, r->window), r->most);

    *habit = lane_blend(first, level, drained);
    *outside = lane_blend(beyond, one, zero);
    return lane_blend(beyond,
                      lane_blend(lane_lt(residual, zero), lane_negate(limit), limit), residual);
}
