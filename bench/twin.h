/* twin.h - the bandwidth twin of a bank: what a tick would cost if it only moved memory.
 *
 * A twin keeps the columns that a kernel reads and writes, tile by tile of 64 series and nothing
 * between them, and its tick reads each value, adds it to each of them and writes
 * a score.  An addition per number is all the arithmetic there is; the compiler vectorises it for
 * the instruction set of the kernel that it stands beside.
 *
 * Not among a twin's columns: what a bank may store in a tile and not touch in a usual tick
 * (counts, marks of unusual residuals), and a tile's head.  A bank pays for these, its twin does
 * not.
 */
#ifndef BENCH_TWIN_H
#define BENCH_TWIN_H

#include <stddef.h>
#include <stdint.h>

/* What a tick touches of each series. */
typedef enum twin_shape {
    TWIN_PLAIN,         /* mean, variance */
    TWIN_EWMA,          /* and reach */
    TWIN_EWMA_TAIL,     /* and a maximum; a bar is read */
    TWIN_HOLT,          /* level, trend, spread, reach; season and deviation of the tick's slot */
    TWIN_HOLT_TAIL,     /* and a maximum; a bar is read */
    TWIN_SHAPES
} twin_shape;

typedef struct twin_bank {
    twin_shape shape;
    size_t tiles;
    char *columns;          /* by tile */
    size_t columns_size;
    char *slots;            /* seasonal slots, each of them by tile */
    size_t slots_size;
    size_t slot_count;
    size_t ticks;
} twin_bank;

/* `slots`: of the season, where the shape has one.  Where they are many more than any cache
 * holds, the twin makes do with some of them. */
void twin_init(twin_bank *t, twin_shape shape, size_t series, size_t slots);
void twin_free(twin_bank *t);

/* One tick of the tiles begin <= tile < end, as the instruction set of `kernel` does it (what
 * the program itself was compiled for, if it is none that is known).  `values` and `scores`
 * are those of the first of these tiles; scores may be NULL.  After the last range: twin_end(). */
void twin_tick(const twin_bank *t, const char *kernel, size_t begin, size_t end,
               const float *values, double *scores);
void twin_end(twin_bank *t);

/* Bytes that a twin of this shape moves per point, both ways. */
double twin_traffic(twin_shape shape, int has_scores);

#endif
