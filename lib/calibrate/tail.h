/* tail.h - the calibrator's state, as banks see it that keep it field by field.
 *
 * What it means, and all that is done with it, stands in tail.c.
 */
#ifndef TOCSIN__TAIL_H
#define TOCSIN__TAIL_H

#include "../num/mathx.h"
#include "../pipeline/stage.h"
#include "../state/maxima.h"

#define TOCSIN__TAIL_KNOTS 8    /* median, threshold twice, four clusters, once in the ring */

typedef struct tocsin__tail_state {
    double maximum;                 /* largest statistic in the block under way */
    int64_t elapsed;                /* that block's time, ns */
    double history;                 /* all blocks' time, ns */
    double step;                    /* mean time between points, ns; 0: not known */
    double body;                    /* statistic at the first knot; no logarithm below it */
    double slope;                   /* rarity per statistic, below the body */
    double limit[2];                /* statistic above which a tier rings; NaN: not yet */
    double scale;                   /* of the law above the last knot */
    double shape;
    uint32_t points;                /* in the block under way */
    uint32_t length;                /* of a block, points */
    tocsin__maxima maxima;
    uint16_t knot_level[TOCSIN__TAIL_KNOTS];
    uint16_t knot_rarity[TOCSIN__TAIL_KNOTS];
    uint16_t knots;
    uint16_t clip;                  /* level code no maximum exceeds */
    uint16_t horizon;               /* rarity of what happens once in the history */
    uint16_t spare[3];
} tocsin__tail_state;

/* Rarities, -log of a rate per point, are kept in 16 bits: multiples of 1/2048 up to 32. */
#define TOCSIN__RARITY_UNIT 2048.0

static inline double tocsin__rarity_of(uint16_t code)
{
    return (double)code / TOCSIN__RARITY_UNIT;
}

/* Return periods beyond the history are drawn from the curve at P (P/H)^caution. */
#define TOCSIN__TAIL_CAUTION 0.3

/* The score of a rarity, as the curve has it. */
static inline double tocsin__tail_score_of_rarity(double rarity, double horizon)
{
    const double careful =
        rarity <= horizon ? rarity
                          : horizon + (rarity - horizon) / (1 + TOCSIN__TAIL_CAUTION);

    return careful * (1 / TOCSIN__LN10);
}

/* Gaps longer than so many mean steps count for no more. */
#define TOCSIN__TAIL_GAP 8.0

/* The longest gap that counts in full, ns; 0 while the step is not known. */
static inline double tocsin__tail_gap(const tocsin__tail_state *state)
{
    return state->step > 0 ? TOCSIN__TAIL_GAP * state->step : 0;
}

/* The score of a statistic: what rank_point says of it.  NaN while warming. */
double tocsin__tail_score(const tocsin__tail_state *state, double statistic);

#endif
