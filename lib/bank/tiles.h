/* tiles.h - how the states of 64 series stand in memory, and the way to one of them.
 *
 * A tile has no pointers and begins at a cache line.  There are two layouts:
 *
 *     rows      one state after the other, as a single detector holds its own
 *     columns   field by field, for the kernels: what a tick touches in columns of 64
 *               numbers, what it hardly ever touches (a calibrator's ring, an alarm's
 *               episode) packed into a record per series
 *
 * Tiles in columns stand in blocks of TOCSIN__BLOCK, and there apart from what they have of columns
 * that are cold and of arrays (the slots of a season).  A tick touches some columns of each tile
 * and one slot of hundreds; it finds all of them side by side, whereas in tiles of their own
 * there would be gaps, and slots pages apart.  First come the tiles, then their cold parts, then of
 * each array each slot, and of each slot the columns of all the tiles.
 *
 * Columns need a shared clock and a spec that has a kernel; everything else is kept in rows.
 * A row is the definition of a state.  tocsin__tile_gather() builds one out of columns
 * and tocsin__tile_scatter() puts it back, so that whatever can be done to a row can be
 * done to any series of a bank.
 */
#ifndef TOCSIN__TILES_H
#define TOCSIN__TILES_H

#include <stdatomic.h>

#include "../num/kernels.h"
#include "../pipeline/pipeline.h"
#include "../prepare/prepare.h"
#include "tocsin/bank.h"

#define TOCSIN__CACHE_LINE 64

/* Tiles in a block.  Were it even, a series' slots would all fall into a few sets of a cache. */
#define TOCSIN__BLOCK 255

/* Bytes of one slot of a tile. */
#define TOCSIN__SLOT_SIZE (TOCSIN__LANES * sizeof(float))

/* Bits of a tile's `state`. */
enum {
    TOCSIN__TILE_EVEN = 1,      /* all series in use were last learnt at `learnt_time`, or are pending;
                                   none is fresh */
    TOCSIN__TILE_SEASONED = 2,  /* holt-winters: all are past warm-up, with all their seasons */
    TOCSIN__TILE_WAITS = 4      /* of an even tile: some may be pending */
};

/* Stands behind the head of a tile in columns that keeps times. */
typedef struct tocsin__tile_more {
    uint64_t fresh;         /* lanes that have not learnt anything: their time is that of adding */
    double gap;             /* no calibrator cuts a gap up to this, ns */
    uint32_t ticks;         /* the tile's clock for blocks; see `end` */
    uint32_t until;         /* no block ends before so many more points */
    uint32_t place;         /* the tile's in its block of tiles */
    uint32_t neighbours;    /* tiles there, with this one */
    uint64_t pending;       /* lanes of an even tile that have not learnt since ... */
    int64_t before;         /* ... this */
    uint64_t reserved[2];
} tocsin__tile_more;

/* How many lanes a set has. */
static inline uint32_t tocsin__lanes_count(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* The lowest lane of a set that is not empty, taken out of it. */
static inline uint32_t tocsin__lanes_next(uint64_t *lanes)
{
    const uint64_t lowest = *lanes & (~*lanes + 1);

#if defined(__GNUC__)
    const uint32_t lane = (uint32_t)__builtin_ctzll(*lanes);
#else
    const uint32_t lane = tocsin__lanes_count(lowest - 1);
#endif
    *lanes ^= lowest;
    return lane;
}

/* A field of a row and its column. */
typedef struct tocsin__move {
    uint32_t row;           /* offset in the row */
    uint32_t size;          /* of an element of the column */
    uint32_t is_real;       /* a double in the row, a float in the tile */
    uint32_t reserved;
    size_t place;           /* of the column */
} tocsin__move;

#define TOCSIN__MOVES 16

typedef enum { TOCSIN__NO_KERNEL, TOCSIN__EWMA_KERNEL, TOCSIN__HOLT_KERNEL } tocsin__kernel_kind;

/* The layout of a bank's tiles.  Places are offsets in a tile; 0 is the head's, so it stands for
 * "there is none". */
typedef struct tocsin__format {
    size_t tile_size;               /* a multiple of a cache line */
    size_t cold_size;               /* likewise: of a tile's cold columns */
    size_t ids;                     /* u64 */
    size_t times;                   /* i64: of the last value, in columns of the last one that was
                                       learnt; at first of being added */
    size_t heard;                   /* i64: of the last value that was not learnt, where it matters
                                       who is idle; before any TOCSIN_TIME_NONE */
    size_t rows, row_size;          /* rows */
    tocsin__kernel_kind kind;       /* TOCSIN__NO_KERNEL: rows */

    /* Columns. */
    size_t more;
    size_t begin, end;              /* the calibrator's block: u32 learnt time minus `elapsed`, in its
                                       units; u32 `ticks` at which it is over */
    size_t maximum, bar;            /* f32: its maximum; its first limit */
    size_t body, slope;             /* u16: its curve up to the first knot */
    size_t records, record_size;    /* calibrator and alarm, packed */
    size_t record_alarm;            /* where the alarm begins in a record */
    size_t count, habit, outside;   /* of the detector */
    size_t habit_row, outside_row;  /* in the row */
    size_t model_time;              /* in the row: holt-winters' time, which is the clock's */
    size_t array[TOCSIN__MAX_ARRAYS];   /* the first slot of each array */
    size_t slots;                   /* of all of them */
    uint32_t needs_times;           /* what comes of a point depends on when the last one was learnt */
    uint32_t is_plain;              /* ewma that neither clips nor remembers its reach */
    uint32_t move_count;
    uint32_t reserved;
    tocsin__move moves[TOCSIN__MOVES];      /* the detector's fields */
} tocsin__format;

void tocsin__format_init(tocsin__format *format, const tocsin_spec *spec,
                         const tocsin_bank_options *options);

/* The column of a stage's field; 0 if it has none. */
size_t tocsin__format_column(const tocsin__format *format, const tocsin__compiled_stage *stage,
                             const char *name);

static inline tocsin__tile_more *tocsin__tile_more_of(const tocsin__format *format,
                                                      tocsin__tile_head *tile)
{
    return (tocsin__tile_more *)(void *)((char *)tile + format->more);
}

static inline uint64_t *tocsin__tile_ids(const tocsin__format *format, tocsin__tile_head *tile)
{
    return tocsin__tile_column(tile, format->ids);
}

static inline int64_t *tocsin__tile_times(const tocsin__format *format, tocsin__tile_head *tile)
{
    return tocsin__tile_column(tile, format->times);
}

static inline void *tocsin__tile_row(const tocsin__format *format, tocsin__tile_head *tile,
                                     uint32_t k)
{
    return (char *)tile + format->rows + k * format->row_size;
}

/* Bytes of a tile with its cold columns and its part of the arrays. */
static inline size_t tocsin__format_bytes(const tocsin__format *format)
{
    return format->tile_size + format->cold_size + format->slots * TOCSIN__SLOT_SIZE;
}

/* Where tile number `index` stands behind the first one. */
static inline size_t tocsin__format_tile(const tocsin__format *format, uint32_t index)
{
    const size_t place = index % TOCSIN__BLOCK;

    return (index - place) * tocsin__format_bytes(format) + place * format->tile_size;
}

/* From a tile at a place of a block with so many tiles to its cold columns. */
static inline size_t tocsin__format_cold(const tocsin__format *format, size_t place,
                                         size_t neighbours)
{
    return (neighbours - place) * format->tile_size + place * format->cold_size;
}

/* A slot of a tile; of its neighbours the slots stand around it. */
static inline float *tocsin__tile_slot(const tocsin__format *format, tocsin__tile_head *tile,
                                       size_t slot)
{
    const tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    const size_t place = more->place, neighbours = more->neighbours;

    return (float *)(void *)((char *)tile + (neighbours - place) * format->tile_size +
                             neighbours * format->cold_size +
                             (slot * neighbours + place) * TOCSIN__SLOT_SIZE);
}

/* When the series was last learnt, or added. */
static inline int64_t tocsin__tile_time(const tocsin__format *format, tocsin__tile_head *tile,
                                        uint32_t k)
{
    const tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

    if (!(tile->state & TOCSIN__TILE_EVEN))
        return tocsin__tile_times(format, tile)[k];
    return more->pending >> k & 1 ? more->before : tile->learnt_time;
}

/* Since when the series is idle: the time of its last value, learnt or not, or of being added. */
static inline int64_t tocsin__tile_active(const tocsin__format *format, tocsin__tile_head *tile,
                                          uint32_t k)
{
    const int64_t time = tocsin__tile_time(format, tile, k);
    const int64_t *heard = tocsin__tile_column(tile, format->heard);

    return format->heard && heard[k] > time ? heard[k] : time;
}

/* Lane k had a value at `time` that was not learnt; TOCSIN_TIME_NONE: it has had none. */
static inline void tocsin__tile_hear(const tocsin__format *format, tocsin__tile_head *tile,
                                     uint32_t k, int64_t time)
{
    if (format->heard)
        ((int64_t *)tocsin__tile_column(tile, format->heard))[k] = time;
}

/* The tile is at a place of a block with so many tiles. */
void tocsin__tile_place(const tocsin__format *format, tocsin__tile_head *tile, uint32_t place,
                        uint32_t neighbours);

/* A tile without series, there. */
void tocsin__tile_open(const tocsin__format *format, tocsin__tile_head *tile, uint32_t place,
                       uint32_t neighbours);

/* What stands before this in a function is stored before what stands behind it: whoever maps the
 * memory of a process that was killed finds the one without the other, but never the other way. */
static inline void tocsin__tile_fence(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Write the times out, so that each series has its own. */
void tocsin__tile_part(const tocsin__format *format, tocsin__tile_head *tile);

/* Nothing of it is left to drain (num/kernels.h). */
void tocsin__tile_drain(const tocsin__format *format, tocsin__tile_head *tile);

/* Where the arrays of lane k's detector are. */
void tocsin__tile_arrays(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                         tocsin__arrays *arrays);

static inline uint8_t *tocsin__tile_record(const tocsin__format *format, tocsin__tile_head *tile,
                                           uint32_t k)
{
    return (uint8_t *)tocsin__tile_column(tile, format->records) + k * format->record_size;
}

/* Lane k of a tile in columns as a row, but for its arrays and the calibrator's curve: see
 * tocsin__tail_complete().  `row` has been a row of this spec before: at first a new series'. */
void tocsin__tile_gather(const tocsin__format *format, const tocsin_spec *spec,
                         tocsin__tile_head *tile, uint32_t k, const tocsin__clock_state *clock,
                         void *row);

/* And back. */
void tocsin__tile_scatter(const tocsin__format *format, const tocsin_spec *spec,
                          tocsin__tile_head *tile, uint32_t k, const void *row);

/* Only the detector's, which has learnt at `time`; of a tile that keeps times.  Then, with that time
 * noted, the calibrator's. */
void tocsin__tile_scatter_learnt(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                                 int64_t time, const void *row);
void tocsin__tile_scatter_calibrator(const tocsin__format *format, const tocsin_spec *spec,
                                     tocsin__tile_head *tile, uint32_t k, const void *row);

/* Only the detector's, or the calibrator's state. */
void tocsin__tile_gather_detector(const tocsin__format *format, tocsin__tile_head *tile,
                                  uint32_t k, void *row);
void tocsin__tile_gather_calibrator(const tocsin__format *format, const tocsin_spec *spec,
                                    tocsin__tile_head *tile, uint32_t k, void *row);

/* The arrays of lane k, from the tile into a row and back. */
void tocsin__tile_gather_arrays(const tocsin__format *format, const tocsin_spec *spec,
                                tocsin__tile_head *tile, uint32_t k, void *row);
void tocsin__tile_scatter_arrays(const tocsin__format *format, const tocsin_spec *spec,
                                 tocsin__tile_head *tile, uint32_t k, const void *row);

#endif
