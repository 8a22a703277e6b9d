/* tail.h - the calibrator's state, as banks see it that keep it field by field.
 *
 * What it means, and all that is done with it, stands in tail.c.
 *
 * A state holds what was learnt and a curve drawn from it.  A bank keeps the former, packed,
 * and of the curve what most scores and all bars need: its quiet part, below the median block,
 * is two numbers.  The rest is drawn again for the few points beyond.
 */
#ifndef TOCSIN__TAIL_H
#define TOCSIN__TAIL_H

#include "../num/mathx.h"
#include "../pipeline/stage.h"
#include "../state/maxima.h"

#define TOCSIN__TAIL_KNOTS 8    /* median, threshold twice, four clusters, once in the ring */

typedef struct tocsin__tail_state {
    double maximum;                 /* largest statistic in the block under way */
    int64_t elapsed;                /* that block's time, ns; see tocsin__tail_shift() */
    double history;                 /* all blocks' time, in steps */
    double step;                    /* mean time between points, seconds; 0: not known */
    uint32_t points;                /* in the block under way */
    uint32_t length;                /* of a block, points: one that a record keeps */
    tocsin__maxima maxima;

    /* The curve. */
    uint16_t knot_level[TOCSIN__TAIL_KNOTS];
    uint16_t knot_rarity[TOCSIN__TAIL_KNOTS];
    uint16_t knots;                 /* 0: it is not drawn, or there is none yet */
    uint16_t clip;                  /* level code no maximum exceeds */
    uint16_t horizon;               /* rarity of what happens once in the history */
    uint16_t spare[3];
    double body;                    /* statistic at the first knot; no logarithm below it */
    double slope;                   /* rarity per statistic, below the body */
    double limit[2];                /* statistic above which a tier rings; NaN: not yet */
    double scale;                   /* of the law above the last knot */
    double shape;
} tocsin__tail_state;

/* Rarities, -log of a rate per point, are kept in 16 bits: multiples of 1/2048 up to 32. */
#define TOCSIN__RARITY_UNIT 2048.0

static inline double tocsin__rarity_of(uint16_t code)
{
    return (double)code / TOCSIN__RARITY_UNIT;
}

/* Return periods beyond the history are drawn from the curve at P (P/H)^caution. */
#define TOCSIN__TAIL_CAUTION 0.5

/* The score of a rarity, as the curve has it. */
static inline double tocsin__tail_score_of_rarity(double rarity, double horizon)
{
    const double careful =
        rarity <= horizon ? rarity
                          : horizon + (rarity - horizon) / (1 + TOCSIN__TAIL_CAUTION);

    return careful * (1 / TOCSIN__LN10);
}

/* The mean step in ns.  A state has it in seconds, because those are what steps are multiples of,
 * and floats then hold them exactly. */
static inline double tocsin__tail_step(const tocsin__tail_state *state)
{
    return state->step * 1e9;
}

/* Gaps longer than so many mean steps count for no more. */
#define TOCSIN__TAIL_GAP 8.0

/* The longest gap that counts in full, ns; 0 while the step is not known. */
static inline double tocsin__tail_gap(const tocsin__tail_state *state)
{
    return TOCSIN__TAIL_GAP * tocsin__tail_step(state);
}

/* Times of a block are multiples of 2^shift ns, counted from a fixed moment, so that 32 bits hold
 * sixteen times as much as a block has by its length.  Only with a step that is known. */
static inline uint32_t tocsin__tail_shift(const tocsin__tail_state *state)
{
    const double most = 16 * tocsin__tail_step(state) * (double)state->length;
    uint64_t bits;
    int exponent;

    memcpy(&bits, &most, sizeof bits);
    exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    return exponent <= 31 ? 0 : exponent >= 61 ? 30 : (uint32_t)(exponent - 31);
}

/* A time in these units. */
static inline uint64_t tocsin__tail_units(int64_t time, uint32_t shift)
{
    return ((uint64_t)time ^ UINT64_C(1) << 63) >> shift;
}

/* Body and slope have 8 digits of a float: 16 bits hold them. */
static inline uint16_t tocsin__tail_coarse_code(double value)
{
    const float narrow = (float)value;
    uint32_t bits;

    memcpy(&bits, &narrow, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static inline float tocsin__tail_coarse_of(uint16_t code)
{
    const uint32_t bits = (uint32_t)code << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The score of a statistic that is not above the body. */
static inline double tocsin__tail_quiet_score(double slope, double statistic)
{
    return slope * statistic * (1 / TOCSIN__LN10);
}

/* The score of a statistic: what rank_point says of it.  NaN while warming. */
double tocsin__tail_score(const tocsin__tail_state *state, double statistic);

/* The block under way, of `points` and `elapsed`, has had its last point: its maximum goes into the
 * ring, and the curve is drawn anew. */
void tocsin__tail_end_block(const void *constants, tocsin__tail_state *state);

/* ---- Packed ------------------------------------------------------------------------
 *
 * Step and history as floats; with two tiers the second limit, for the first is the bar; length and
 * ring.  Maximum, points, elapsed, body, slope and first limit are left to whoever packs. */
#define TOCSIN__TAIL_RECORD (3 * sizeof(float) + (TOCSIN__MAXIMA + 1) * sizeof(uint16_t))

static inline size_t tocsin__tail_record_size(uint32_t tiers)
{
    return TOCSIN__TAIL_RECORD - (tiers > 1 ? 0 : sizeof(float));
}

void tocsin__tail_pack(const tocsin__tail_state *state, uint32_t tiers, uint8_t *record);

/* The curve is left undrawn. */
void tocsin__tail_unpack(const uint8_t *record, uint32_t tiers, tocsin__tail_state *state);

/* Forget the curve, and draw it from what was learnt: the state as rank_point and learn_rank have
 * it.  Forget first what cannot be believed. */
void tocsin__tail_forget(tocsin__tail_state *state);
void tocsin__tail_complete(const void *constants, tocsin__tail_state *state);

#endif
