/* maxima.h - a ring of block maxima and the tail fitted to it.
 *
 * Statistics only: what a block is, how long history must be and what is done
 * with a level is for those who use it.
 */
#ifndef TOCSIN__MAXIMA_H
#define TOCSIN__MAXIMA_H

#include "../core/common.h"

#define TOCSIN__MAXIMA 32           /* blocks the ring holds */
#define TOCSIN__MAXIMA_TOP 8        /* the largest of them, which the tail is fitted to */

/* Levels are kept in 16 bits: multiples of 1/1024 up to 64, rounded upwards, so
 * that the limit drawn through a value that comes again and again lies on or above
 * it and never just below. */
#define TOCSIN__LEVEL_UNIT 1024
#define TOCSIN__LEVEL_MAX (65535.0 / TOCSIN__LEVEL_UNIT)

typedef struct tocsin__maxima {
    uint16_t level[TOCSIN__MAXIMA];
    uint16_t first;                 /* index of the oldest */
    uint16_t count;
} tocsin__maxima;

uint16_t tocsin__level_code(double level);

static inline double tocsin__level_of(uint16_t code)
{
    return (double)code / TOCSIN__LEVEL_UNIT;
}

/* Append a block; a full ring drops its oldest. */
void tocsin__maxima_push(tocsin__maxima *maxima, uint16_t code);

/* Join neighbours by their maximum: half the blocks, each twice as long.  The
 * ring must hold an even number. */
void tocsin__maxima_join(tocsin__maxima *maxima);

/* Drop the oldest blocks, of which there are more; the oldest that is left is the ring's first. */
void tocsin__maxima_drop(tocsin__maxima *maxima, uint16_t blocks);

/* The distribution of the ring's blocks: its order statistics, and above
 * `threshold` a generalised Pareto law for the excess of clusters.
 *
 *     rate(u) = rate * (1 - shape (u - threshold) / scale) ^ (1 / shape)
 *
 * is the expected number of clusters per block that exceed the level u. */
typedef struct tocsin__tail {
    double threshold;
    double scale;                   /* of the excess; > 0 */
    double shape;                   /* > 0: bounded, 0: exponential, < 0: heavy */
    double rate;                    /* clusters per block above the threshold; 0: none */
    double reach;                   /* blocks per block, as a rate, that reach the threshold */
    uint32_t blocks;                /* in the ring */
    uint32_t clusters;              /* above the threshold */
    double cluster[TOCSIN__MAXIMA_TOP]; /* their maxima, largest first */
    double median;                  /* of the blocks */
} tocsin__tail;

/* Fit.  The ring must hold at least 8 blocks of `length` points; `seen` is how many blocks there
 * have been altogether, those that left the ring included. */
void tocsin__maxima_fit(const tocsin__maxima *maxima, double length, double seen,
                        tocsin__tail *tail);

/* The law's excess over its threshold that `ratio` of the clusters exceed, and
 * back: -log of the part that exceeds it.  Past nine tenths of the way to a bounded law's end
 * both go on as an exponential with the slope reached there: that nothing
 * at all could lie beyond an end guessed from a few blocks is never claimed. */
double tocsin__excess_of(double scale, double shape, double minus_log);
double tocsin__excess_rarity(double scale, double shape, double excess);

#endif
