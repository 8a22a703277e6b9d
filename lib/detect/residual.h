/* residual.h - what the detectors that predict a value have in common: how a residual is read,
 * and how far it may move the model.
 *
 * Reading
 * -------
 * A residual is told in deviations: |value - expected| / deviation.  The deviation never falls
 * below a floor, the largest of three: an absolute one, in the metric's unit; a share of the
 * expected value; a share of the largest residual that is remembered ("reach").  Otherwise a
 * series that stands still would call its next ripple infinitely strange, and one that rests at
 * 0 for weeks between bursts nearly so.  A series that has never left 0 has no scale at all:
 * its first ripple sets it, and reads as one deviation.
 *
 * The reach is that of residuals as they are learnt, so an accident hardly moves it (auto.c keeps
 * one of another kind).  It fades over 16 windows of points that move; while a series rests it does
 * not fade.
 *
 * Winsorising
 * -----------
 * What a point may teach is limited to `clip` deviations, so that an incident is not learnt as
 * normal.  A fixed limit has a trap: events rarer than 1/clip^2 that are habit, not accident
 * (an hourly job, a sparse counter), pull the deviation down, for each is cut to fewer
 * deviations than it would take to keep it up, until it has collapsed to the floor.  So the
 * limit adapts to how often it is crossed.  A leaky bucket holds `window` for each crossing and
 * loses one per point: crossings more frequent than one per window fill it, rarer ones drain.
 * With b crossings in the bucket (16 at most) the limit is clip sqrt(1 + b^2) deviations.  A
 * run of neighbouring crossings counts once: an outage does not open the limit.
 *
 * A level that moved for good is relearnt nevertheless: at the limit each point raises the
 * deviation by a constant factor, so that the time taken grows with the logarithm of the shift
 * only.
 *
 * Bounds and precision
 * --------------------
 * Values come limited to +-1e150 (TOCSIN__VALUE_MAX), so that no sum or square overflows;
 * deviations below 1e-30 count as none.
 *
 * With state=mixed all that a residual is measured in is a float: its size, the deviation with
 * its floors, the reach, and their quotient, the statistic.  They have 7 digits, and 1e38 stands
 * for all that is beyond; of what is expected, and of a residual as it moves a level, nothing is
 * lost.  Each operation is rounded by itself.  (Doubles that hold floats are added, multiplied,
 * divided and rooted as doubles and then rounded: that is the float's own operation, for a double
 * has more than twice its digits.)
 */
#ifndef TOCSIN__RESIDUAL_H
#define TOCSIN__RESIDUAL_H

#include "../num/mathx.h"
#include "../pipeline/stage.h"

#define TOCSIN__HABIT_WINDOW_MIN 32
#define TOCSIN__HABIT_WINDOW_MAX 4095
#define TOCSIN__REACH_WINDOWS 16    /* over which the reach fades */

/* The constants behind both. */
typedef struct tocsin__residual_rules {
    double floor;               /* the metric's unit */
    double floor_relative;      /* share of |expected| */
    double floor_history;       /* share of the reach */
    double clip;                /* deviations; infinite: never */
    double per_window;          /* 1 / window */
    double fade;                /* of the reach, per point */
    double rest;                /* TOCSIN__REST and TOCSIN__DEVIATION_MIN at the precision */
    double least;
    float narrow_floor, narrow_relative, narrow_history, narrow_least;     /* the same as floats */
    uint32_t window;            /* points */
    uint32_t precision;
} tocsin__residual_rules;

/* A residual, or what it is measured in, as a float. */
static inline float tocsin__residual_narrow(double value)
{
    const float most = (float)TOCSIN__REAL_MAX, rounded = (float)value;

    if (TOCSIN__RARELY(rounded > most))
        return most;
    if (TOCSIN__RARELY(rounded < -most))
        return -most;
    return rounded;
}

/* And at a precision. */
static inline double tocsin__residual_round(uint32_t precision, double value)
{
    return precision == TOCSIN__MIXED ? tocsin__residual_narrow(value) : value;
}

/* `memory`: points the model remembers, 1/gain. */
static inline void tocsin__residual_rules_init(tocsin__residual_rules *rules, double clip,
                                               double floor, double floor_relative,
                                               double floor_history, double memory,
                                               uint32_t precision)
{
    rules->precision = precision;
    rules->floor = tocsin__residual_round(precision, floor);
    rules->floor_relative = tocsin__keep(precision, floor_relative);
    rules->floor_history = tocsin__keep(precision, floor_history);
    rules->rest = tocsin__keep(precision, TOCSIN__REST);
    rules->least = tocsin__keep(precision, TOCSIN__DEVIATION_MIN);
    rules->narrow_floor = (float)rules->floor;
    rules->narrow_relative = (float)rules->floor_relative;
    rules->narrow_history = (float)rules->floor_history;
    rules->narrow_least = (float)rules->least;
    rules->clip = clip;
    rules->window = (uint32_t)tocsin__clamp(memory, TOCSIN__HABIT_WINDOW_MIN,
                                            TOCSIN__HABIT_WINDOW_MAX);
    rules->per_window = 1.0 / rules->window;
    rules->fade = tocsin__keep(precision, rules->per_window / TOCSIN__REACH_WINDOWS);
}

static inline double tocsin__bounded(double value)
{
    return tocsin__clamp(value, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX);
}

/* The deviation's floor about an expected value. */
static inline double tocsin__residual_floor(const tocsin__residual_rules *rules, double expected,
                                            double reach)
{
    const double size = tocsin__residual_round(rules->precision, tocsin__abs(expected));

    return tocsin__keep(rules->precision,
                        tocsin__max(tocsin__max(rules->floor, rules->floor_history * reach),
                                    rules->floor_relative * size));
}

/* The reach after a residual of that size, rounded, was learnt. */
static inline double tocsin__residual_reach(const tocsin__residual_rules *rules, double reach,
                                            double size)
{
    if (rules->floor_history == 0)      /* nobody asks */
        return 0;
    if (size > reach)
        return size;
    if (size > tocsin__keep(rules->precision, rules->rest * reach))
        return tocsin__keep(rules->precision,
                            reach - tocsin__keep(rules->precision, rules->fade * reach));
    return reach;
}

/* The deviation, no less than its floor, and the statistic: in doubles ... */
static inline void tocsin__residual_measure(const tocsin__residual_rules *rules, double size,
                                            double expected, double deviation, double reach,
                                            tocsin__reading *reading)
{
    const double floor = tocsin__residual_floor(rules, expected, reach);

    if (deviation <= floor || deviation < rules->least) {
        deviation = floor;
        if (deviation < rules->least)
            deviation = tocsin__max(size, rules->least);
        reading->flags |= TOCSIN_FLAG_FLOORED;
    }
    reading->channel[0] = size / deviation;
    reading->deviation = deviation;
}

/* ... and in floats. */
static inline void tocsin__residual_measure_narrow(const tocsin__residual_rules *rules,
                                                   double residual, double expected,
                                                   double wide_deviation, double reach,
                                                   tocsin__reading *reading)
{
    const float size = tocsin__residual_narrow(residual);
    const float by_history = (float)(rules->narrow_history * (float)reach);
    const float by_expected =
        (float)(rules->narrow_relative * tocsin__residual_narrow(tocsin__abs(expected)));
    float floor = rules->narrow_floor, deviation = (float)wide_deviation;

    floor = floor > by_history ? floor : by_history;
    floor = floor > by_expected ? floor : by_expected;
    if (deviation <= floor || deviation < rules->narrow_least) {
        deviation = floor;
        if (deviation < rules->narrow_least)
            deviation = size > rules->narrow_least ? size : rules->narrow_least;
        reading->flags |= TOCSIN_FLAG_FLOORED;
    }
    reading->channel[0] = tocsin__residual_narrow((double)(float)(size / deviation));
    reading->deviation = deviation;
}

/* Fill in a reading's first channel and all that goes with it but its confidence.  Deviation and
 * reach are rounded. */
static inline void tocsin__residual_read(const tocsin__residual_rules *rules, double residual,
                                         double expected, double deviation, double reach,
                                         tocsin__reading *reading)
{
    const double size = tocsin__abs(residual);

    if (rules->precision == TOCSIN__MIXED)
        tocsin__residual_measure_narrow(rules, size, expected, deviation, reach, reading);
    else
        tocsin__residual_measure(rules, size, expected, deviation, reach, reading);
    reading->reason[0] = (uint8_t)(TOCSIN_REASON_SPIKE + (residual < 0));     /* or a drop */
    reading->direction = (residual > 0) - (residual < 0);
    reading->expected = expected;
}

/* What of a residual may be learnt.  `deviation` is what the limit is counted in; NaN while
 * warming, when there is no limit yet. */
static inline double tocsin__residual_winsorise(const tocsin__residual_rules *rules,
                                                double residual, double deviation, uint16_t *habit,
                                                uint16_t *outside)
{
    const double size = tocsin__abs(residual);
    double limit = rules->clip * deviation;

    if (*habit)
        --*habit;
    if (size > limit) {
        const double crossings = *habit * rules->per_window;

        limit *= tocsin__sqrt(1 + crossings * crossings);
        if (size > limit) {
            if (!*outside) {
                const uint32_t level = *habit + rules->window;
                const uint32_t most = TOCSIN__HABIT_WINDOWS * rules->window;

                *habit = (uint16_t)(level < most ? level : most);
            }
            *outside = 1;
            return residual < 0 ? -limit : limit;
        }
    }
    *outside = 0;
    return residual;
}

#endif
