/* bars.h - how high a statistic reaches by itself, and how far above that a value is.
 *
 * A channel of a detector says |z|, or something of the kind, and what is high for one series is
 * daily bread for another.  A bar learns it from block maxima: of each block of so many points the
 * largest statistic is kept as u = log(1 + f), and a bar remembers the mean and the variance of
 * these, with weights that halve every 80 blocks.  A value then stands
 *
 *     (u - mean) / sqrt(variance + 0.15^2)
 *
 * above the bar: 0 is what the highest point of a usual block reads.  The 0.15 keeps a series whose
 * blocks are all alike from calling a slightly higher one strange.  A bar begins with the belief of
 * a few blocks, that maxima are 2 deviations give or take a factor of 1.4, so that it can speak from
 * the first point; a block far above it moves it no more than one 2 spreads above would.  It never
 * sinks below one deviation, log 2: the blocks of a series at rest lie below and count as spread.
 *
 * The mean and the variance are those of the block maximum's level, and so depend on the length of the
 * block.  Two bars over blocks of different lengths are more careful than one: the smaller of
 * both excesses counts, which is high only if the value is unlike a short past and a longer one.
 *
 * References: Gumbel 1958 (block maxima); Lavin and Ahmad 2015 on what a calibration of this kind is
 * worth.
 *
 * The highest statistic of the block under way is the caller's to keep: many channels stand side by
 * side there, and two bars over blocks of which one is the other's half share it.
 *
 * Cost: per point a comparison and, above the bar only, a logarithm, a square root and a division;
 * per block a logarithm and a square root.  8 bytes.
 */
#ifndef TOCSIN__BARS_H
#define TOCSIN__BARS_H

#include "../num/mathx.h"

#define TOCSIN__BAR_STATISTIC_MAX 200.0 /* what is beyond is all alike */

/* Floats, for there are many; none is ever negative. */
typedef struct tocsin__bar {
    float mean, variance;       /* of the blocks' u */
} tocsin__bar;

#define TOCSIN__BAR_FLOATS 2    /* a bar is that many */
#define TOCSIN__BAR_SPREAD_MIN 0.15

void tocsin__bar_init(tocsin__bar *bar);

/* A block of the bar is over, the blocks-th, counted from 0, with this for its highest statistic,
 * >= 0 and at most TOCSIN__BAR_STATISTIC_MAX. */
void tocsin__bar_end_block(tocsin__bar *bar, double highest, uint32_t blocks);

static inline double tocsin__bar_spread(const tocsin__bar *bar)
{
    return tocsin__sqrt((double)bar->variance + TOCSIN__BAR_SPREAD_MIN * TOCSIN__BAR_SPREAD_MIN);
}

/* How far the level u = log(1 + statistic) stands above the bar. */
static inline double tocsin__bar_excess(const tocsin__bar *bar, double u)
{
    return (u - (double)bar->mean) / tocsin__bar_spread(bar);
}

/* The statistic that stands so far above it. */
static inline double tocsin__bar_statistic(const tocsin__bar *bar, double excess)
{
    return tocsin__exp((double)bar->mean + excess * tocsin__bar_spread(bar)) - 1;
}

#endif
