/* inputs.h - the kinds of series that every stage has to live with.
 *
 * Each kind is a name and a rule for one point; all are deterministic.  Some are
 * what monitoring sees every day, most are what it sees on its worst day.
 */
#ifndef TOCSIN_TEST_INPUTS_H
#define TOCSIN_TEST_INPUTS_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "rng.h"
#include "tocsin.h"

#define INPUT_POINTS 400

typedef struct input {
    const char *name;
    int64_t time[INPUT_POINTS];
    double value[INPUT_POINTS];
} input;

enum {
    INPUT_NOISE,
    INPUT_ALL_NAN,
    INPUT_HOLES,
    INPUT_CONSTANT,
    INPUT_RIPPLE,
    INPUT_STEP,
    INPUT_HUGE,
    INPUT_DENORMAL,
    INPUT_ALTERNATING,
    INPUT_BACKWARDS,
    INPUT_EQUAL_TIMES,
    INPUT_YEAR_GAP,
    INPUT_IRREGULAR,
    INPUT_EXTREME_TIMES,
    INPUT_WALK,
    INPUT_NO_TIMES,
    INPUT_COUNTER,
    INPUT_SEASONAL,
    INPUT_RANDOM_BITS,
    INPUT_KINDS
};

/* 2026-01-01, a plausible moment to begin at. */
#define INPUT_START (INT64_C(1767225600) * TOCSIN_SECOND)

static inline double input_from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline const char *input_name(int kind)
{
    static const char *const names[INPUT_KINDS] = {
        "noise",       "all-nan",    "holes",         "constant",  "ripple",
        "step",        "huge",       "denormal",      "alternating", "backwards",
        "equal-times", "year-gap",   "irregular",     "extreme-times", "walk",
        "no-times",    "counter",    "seasonal",      "random-bits",
    };

    return names[kind];
}

static inline void input_make(input *in, int kind, uint64_t seed)
{
    rng r = rng_seeded(seed * INPUT_KINDS + (uint64_t)kind);
    double level = 100;

    in->name = input_name(kind);
    for (size_t i = 0; i < INPUT_POINTS; i++) {
        const size_t third = i * 3 / INPUT_POINTS;
        int64_t time = INPUT_START + (int64_t)i * TOCSIN_MINUTE;
        double value = 100 + 10 * rng_normal(&r);

        switch (kind) {
        case INPUT_ALL_NAN:
            value = NAN;
            break;
        case INPUT_HOLES:
            switch (rng_below(&r, 6)) {
            case 0: value = NAN; break;
            case 1: value = INFINITY; break;
            case 2: value = -INFINITY; break;
            }
            break;
        case INPUT_CONSTANT:
            value = 42;
            break;
        case INPUT_RIPPLE:
            value = i % 50 == 49 ? 42.000001 : 42;
            break;
        case INPUT_STEP:
            value += third == 1 ? 1000 : 0;
            break;
        case INPUT_HUGE:
            switch (rng_below(&r, 5)) {
            case 0: value = 1e308; break;
            case 1: value = -1e308; break;
            case 2: value = DBL_MAX; break;
            case 3: value = -DBL_MAX; break;
            }
            break;
        case INPUT_DENORMAL:
            value = third == 1 ? DBL_MIN * rng_uniform(&r) : 5e-324 * (double)(i % 3);
            break;
        case INPUT_ALTERNATING:
            value = i % 2 ? 1 : -1;
            break;
        case INPUT_BACKWARDS:
            if (i % 7 == 6)
                time -= (int64_t)(1 + rng_below(&r, 20)) * TOCSIN_MINUTE;
            break;
        case INPUT_EQUAL_TIMES:
            time = INPUT_START + (int64_t)(i / 3) * TOCSIN_MINUTE;
            break;
        case INPUT_YEAR_GAP:
            time += (int64_t)third * 365 * TOCSIN_DAY;
            break;
        case INPUT_IRREGULAR:
            time += (int64_t)rng_below(&r, (size_t)TOCSIN_MINUTE);
            break;
        case INPUT_EXTREME_TIMES:
            if (i < 3)
                time = INT64_MIN + 1 + (int64_t)i;
            else if (i + 100 > INPUT_POINTS)
                time = INT64_MAX - (int64_t)(INPUT_POINTS - i);
            break;
        case INPUT_WALK:
            level += rng_normal(&r);
            value = level + (rng_below(&r, 60) == 0 ? 50 : 0);
            break;
        case INPUT_NO_TIMES:
            time = TOCSIN_TIME_NONE;
            break;
        case INPUT_COUNTER:
            level = rng_below(&r, 90) == 0 ? 0 : level + (double)rng_below(&r, 1000);
            value = level;
            break;
        case INPUT_SEASONAL:
            value += (double)(i % 24) * (double)(24 - i % 24);
            break;
        case INPUT_RANDOM_BITS:
            value = input_from_bits(rng_u64(&r));
            time = rng_below(&r, 200) ? time : (int64_t)rng_u64(&r);
            break;
        }
        in->time[i] = time;
        in->value[i] = value;
    }
}

#endif
