/* mapped.c - a bank whose tiles live in memory that outlives the process: a mapped file.
 *
 * The caller maps a file MAP_SHARED and hands over the memory; no line here knows of files.
 * Whatever a process had stored there when it was killed, the next one finds: a kill stops a
 * process between two instructions, and all stores before are there while none behind is.  (A power
 * failure is another matter: which pages reach the disk then, nobody knows.)
 *
 * The memory
 * ----------
 *     head       what it is: layout, options, capacity; the spec's full text; a sum of both
 *     words      slots and the first free one, and counts of series
 *     records    round, clock, newest time and counts, which change together: two copies, written
 *                by turns, each with a number and a sum, so that one of them is always whole
 *     undo       a log for each lane
 *     rounds     for each tile the last round whose points it has had
 *     tiles
 *
 * Nothing in it is a pointer.  The table of ids, the directory of tiles and the lanes are the
 * process' own and are built anew from the tiles' ids and `used` bits.
 *
 * Undo
 * ----
 * Before a tile is worked on, what the work will change is copied into the lane's log, which is in
 * the memory too; when it is done, the tile's round is noted and the log is emptied.  At opening,
 * logs that are not empty are copied back, last entry first (a physical undo log: Gray and Reuter
 * 1993, chapter 10).  So each tile either has had a round or has not, and no state is ever lost.
 * Redoing would need the values that came, which nobody keeps.
 *
 * A kernel changes a few columns of a run of up to 16 tiles, and only these are copied: some
 * bytes per series, out of a cache into a cache.  For a series by itself it is its fields, and of
 * its seasons the slots of the point's time, or all of them when a season comes into use.
 *
 * A series that is added is there once its `used` bit is, which comes last; one that is removed
 * loses the bit first.
 *
 * An interrupted tick of a shared clock has happened, as far as it came: whoever had no point has
 * missed it.  The round is ended at opening as it would have been.
 *
 * Damage
 * ------
 * The memory may hold any bytes.  The head has a sum, lengths are held against the memory's, every
 * state against its stages' field tables, as when a snapshot is loaded, and what says no more
 * than the states themselves (the kernels' short cuts) is not believed but set back.  A series
 * whose state cannot be one starts anew, and its tile is reported as torn.
 *
 * Cost: a copy of what changes; see bench/README.md.  Opening reads all states once.
 *
 * How it fails.  Two processes that map the same memory at a time destroy it: to keep them apart is
 * the caller's.
 */
#include "mapped.h"

#include "../alarm/alarm.h"
#include "../calibrate/tail.h"
#include "../core/alloc.h"
#include "../core/text.h"
#include "../detect/kernel_jobs.h"
#include "../pipeline/compile.h"

#define MAPPED_MAGIC UINT64_C(0x6b6e61626e636f74)       /* "tocnbank" where bytes go upwards */
#define MAPPED_SWAPPED UINT64_C(0x746f636e62616e6b)
#define MAPPED_UNMADE UINT64_C(0x656b616d6e636f74)      /* a bank is being made here */
#define MAPPED_VERSION 1u
#define MAPPED_UNDO_MOST (UINT64_C(1) << 20)            /* bytes of a log, if one tile needs less */
#define MAPPED_RUN_MOST 16u
#define MAPPED_TORN UINT64_MAX                          /* in the place of a tile's round */

typedef struct mapped_head {
    uint64_t magic;
    uint32_t version;
    uint32_t text_size;
    uint64_t size;                  /* of the memory that is used */
    uint64_t tile_size;
    uint64_t format;                /* a sum over the tiles' layout */
    uint32_t tiles, lanes, clock, ids;
    uint64_t undo_size;             /* of one lane's */
    uint64_t sum;                   /* of all this and the text */
} mapped_head;

/* Each by itself. */
typedef struct mapped_words {
    uint32_t slots, free_slot;
    uint64_t added, removed, evicted, refused;
} mapped_words;

enum { MAPPED_AT_REST, MAPPED_IN_TICK, MAPPED_IN_PUSH };

typedef struct mapped_record {
    uint64_t number;                /* of the record: the larger is the newer */
    uint64_t round;
    uint32_t phase;                 /* MAPPED_* */
    int32_t mode;                   /* of the tick that is under way */
    int64_t time;
    int64_t latest;
    tocsin_bank_counts total;
    tocsin__clock_state clock, clock_before;
    uint64_t sum;
} mapped_record;

#define MAPPED_RECORD_SIZE                                                              \
    ((sizeof(mapped_record) + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE)

/* A lane's log: entries one behind the other, each with its data before its end. */
typedef struct tocsin__undo {
    uint32_t used;                  /* bytes of entries */
    uint32_t reserved[15];
} tocsin__undo;

enum {
    MAPPED_BYTES = 1,       /* data: what stood at `offset` */
    MAPPED_ZEROS = 2,       /* no data: it was all zero */
    MAPPED_SLOTS = 3,       /* data: floats of one lane, `count` columns apart, from `offset` on */
    MAPPED_PLACES = 4       /* data: of `count` series all that kernels change; `offset` is a set of
                               moves */
};

typedef struct mapped_end {
    uint64_t offset;                /* in the memory */
    uint32_t size;                  /* bytes in the memory, or of the data */
    uint16_t kind;
    uint16_t count;
} mapped_end;

typedef struct tocsin__mapped {
    char *memory;
    mapped_words *words;
    char *records;
    uint64_t *rounds;
    uint64_t undo_limit;            /* bytes of entries */
    uint64_t rounds_at, size;       /* what a log may change lies between */
    uint64_t number, round;
    uint64_t interrupted;           /* round; until the next one begins */
    uint32_t is_fresh;              /* since opening no round has begun */
    uint32_t is_open;               /* the memory is a bank's, and this one's */
    double per_tile, per_block;     /* 1 / a tile's bytes, 1 / a block's */
    uint64_t block_size;
    uint32_t run;
    uint32_t phase, column_count, spare;
    struct {
        size_t place, size;
    } columns[8];                   /* that a kernel changes in each tile */
} tocsin__mapped;

/* ---- Layout ------------------------------------------------------------------------ */

typedef struct mapped_plan {
    uint64_t words, records, undo, undo_size, rounds, tiles, size;
    uint32_t text_size, run;
} mapped_plan;

static uint64_t mapped_round_up(uint64_t size)
{
    return (size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

static uint64_t mapped_entry(uint64_t size)
{
    return (size + 7) / 8 * 8 + sizeof(mapped_end);
}

/* The most that a log of one series' fields takes. */
static uint64_t mapped_series_log(const tocsin_spec *spec, const tocsin__format *format)
{
    uint64_t size = mapped_entry(sizeof(int64_t)) + 3 * mapped_entry(TOCSIN__CACHE_LINE);

    if (format->kind == TOCSIN__NO_KERNEL)
        return size + mapped_entry(format->row_size);
    for (uint32_t m = 0; m < format->move_count; m++)
        size += mapped_entry(format->moves[m].size);
    size += 8 * mapped_entry(sizeof(int64_t)) + mapped_entry(format->record_size);
    for (uint32_t a = 0; a < TOCSIN__MAX_ARRAYS; a++)
        size += mapped_entry(spec->detect->shape.length[a] * sizeof(float));
    return size;
}

/* Bytes of a tile but for what is series by series. */
static uint64_t mapped_columns(const tocsin__format *format)
{
    return format->tile_size + format->cold_size - TOCSIN__LANES * format->record_size;
}

static void mapped_plan_for(const tocsin_spec *spec, const tocsin_bank_options *options,
                            const tocsin__format *format, uint32_t tiles, mapped_plan *plan)
{
    const uint64_t columns =
        format->kind == TOCSIN__NO_KERNEL
            ? 0
            : mapped_columns(format) + 16 * (sizeof(mapped_end) + TOCSIN__LANES * 4);
    const uint64_t tile = TOCSIN__LANES * mapped_series_log(spec, format) + columns;
    tocsin__text text;

    tocsin__text_start(&text, NULL, 0);
    tocsin__spec_write(spec, TOCSIN_TEXT_FULL, &text);
    plan->text_size = (uint32_t)text.length;
    plan->run = MAPPED_RUN_MOST * tile <= MAPPED_UNDO_MOST ? MAPPED_RUN_MOST
                : tile < MAPPED_UNDO_MOST                  ? (uint32_t)(MAPPED_UNDO_MOST / tile)
                                                           : 1;
    plan->undo_size = mapped_round_up(sizeof(tocsin__undo) + plan->run * tile);
    plan->words = mapped_round_up(sizeof(mapped_head) + text.length + 1);
    plan->records = plan->words + mapped_round_up(sizeof(mapped_words));
    plan->undo = plan->records + 2 * MAPPED_RECORD_SIZE;
    plan->rounds = plan->undo + options->lanes * plan->undo_size;
    plan->tiles = mapped_round_up(plan->rounds + (uint64_t)tiles * sizeof(uint64_t));
    plan->size = plan->tiles + (uint64_t)tiles * tocsin__format_bytes(format);
}

/* Can such a bank be mapped? */
static int mapped_is_possible(const tocsin_bank_options *options, const mapped_plan *plan,
                              const tocsin__format *format)
{
    return options->max_classes == 0 && plan->undo_size < UINT32_MAX &&
           tocsin__format_bytes(format) < UINT32_MAX;
}

uint64_t tocsin__mapped_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                             uint32_t tiles)
{
    tocsin__format format;
    mapped_plan plan;

    tocsin__format_init(&format, spec, options);
    mapped_plan_for(spec, options, &format, tiles, &plan);
    return mapped_is_possible(options, &plan, &format) ? plan.size : 0;
}

/* A sum that no accident preserves: each word is mixed in by a multiplication. */
static uint64_t mapped_sum(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    while (size > 0) {
        const size_t part = size < sizeof sum ? size : sizeof sum;
        uint64_t word = 0;

        memcpy(&word, at, part);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
        at += part;
        size -= part;
    }
    return sum;
}

static uint64_t mapped_head_sum(const mapped_head *head)
{
    return mapped_sum(mapped_sum(1, &head->version,
                                 offsetof(mapped_head, sum) - offsetof(mapped_head, version)),
                      head + 1, head->text_size);
}

/* Of the tiles' layout, and of what a lane's log holds. */
static uint64_t mapped_format_sum(const tocsin__format *format)
{
    const uint64_t sizes[] = {format->tile_size, format->cold_size, format->ids,
                              format->times,     format->heard,     format->rows,
                              format->row_size,  format->more,      format->begin,
                              format->end,       format->maximum,   format->bar,
                              format->body,      format->slope,     format->records,
                              format->record_size, format->record_alarm,
                              format->array[0],  format->array[1],  format->array[2],
                              format->array[3],  format->slots,     TOCSIN__BLOCK,
                              format->kind,      sizeof(mapped_record)};
    uint64_t sum = mapped_sum(2, sizes, sizeof sizes);

    for (uint32_t m = 0; m < format->move_count; m++) {
        const uint64_t move[] = {format->moves[m].row, format->moves[m].size,
                                 format->moves[m].is_real, format->moves[m].place};

        sum = mapped_sum(sum, move, sizeof move);
    }
    return sum;
}

/* ---- Records --------------------------------------------------------------------- */

static mapped_record *mapped_record_at(const tocsin__mapped *mapped, uint64_t number)
{
    return (mapped_record *)(void *)(mapped->records + (size_t)(number & 1) * MAPPED_RECORD_SIZE);
}

static uint64_t mapped_record_sum(const mapped_record *record)
{
    return mapped_sum(3, record, offsetof(mapped_record, sum));
}

void tocsin__mapped_save(tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;
    mapped_record *there = mapped_record_at(mapped, mapped->number + 1), record;

    memset(&record, 0, sizeof record);
    record.number = ++mapped->number;
    record.round = mapped->round;
    record.phase = mapped->phase;
    record.mode = bank->tick.mode;
    record.time = bank->tick.time;
    record.latest = bank->latest;
    record.total = bank->total;
    record.clock = bank->clock;
    record.clock_before = bank->clock_before;
    record.sum = mapped_record_sum(&record);
    tocsin__tile_fence();
    *there = record;
    tocsin__tile_fence();
}

void tocsin__mapped_note_slots(tocsin_bank *bank)
{
    mapped_words *words = bank->mapped->words;

    tocsin__tile_fence();
    words->slots = bank->slots;
    words->free_slot = bank->free_slot;
    words->added = bank->added;
    words->removed = bank->removed;
    words->evicted = bank->evicted;
    words->refused = bank->refused;
    tocsin__tile_fence();
}

/* What a kernel changes in every tile, neighbours joined. */
static void mapped_add_column(tocsin__mapped *mapped, size_t place, size_t element)
{
    const uint32_t n = mapped->column_count;

    if (place == 0)
        return;
    if (n > 0 && mapped->columns[n - 1].place + mapped->columns[n - 1].size == place) {
        mapped->columns[n - 1].size += element * TOCSIN__LANES;
        return;
    }
    mapped->columns[n].place = place;
    mapped->columns[n].size = element * TOCSIN__LANES;
    mapped->column_count++;
}

static void mapped_prepare(const tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;

    mapped->column_count = 0;
    if (!bank->by_kernel)
        return;
    if (bank->format.kind == TOCSIN__EWMA_KERNEL) {
        const tocsin__ewma_job *job = &bank->job.ewma;

        mapped_add_column(mapped, job->mean, sizeof(double));
        mapped_add_column(mapped, job->variance, sizeof(float));
        mapped_add_column(mapped, job->reach, sizeof(float));
        mapped_add_column(mapped, job->maximum, sizeof(float));
    } else {
        const tocsin__holt_job *job = &bank->job.holt;

        mapped_add_column(mapped, job->level, sizeof(double));
        mapped_add_column(mapped, job->trend, sizeof(float));
        mapped_add_column(mapped, job->spread, sizeof(float));
        mapped_add_column(mapped, job->reach, sizeof(float));
        mapped_add_column(mapped, job->maximum, sizeof(float));
    }
}

void tocsin__mapped_begin(tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;

    mapped->round++;
    mapped->phase = bank->is_ticking ? MAPPED_IN_TICK : MAPPED_IN_PUSH;
    mapped->is_fresh = 0;
    mapped_prepare(bank);
    tocsin__mapped_save(bank);
}

void tocsin__mapped_end(tocsin_bank *bank)
{
    bank->mapped->phase = MAPPED_AT_REST;
    tocsin__mapped_save(bank);
}

uint32_t tocsin__mapped_run(const tocsin_bank *bank)
{
    return bank->mapped->run;
}

/* ---- Logging ------------------------------------------------------------------------- */

/* Entries are written behind those that count already; they count once `used` says so. */
typedef struct mapped_log {
    tocsin__undo *undo;
    char *memory;
    char *at;
} mapped_log;

static inline mapped_log mapped_log_open(const tocsin_bank *bank, tocsin__lane *lane)
{
    const mapped_log log = {lane->undo, bank->mapped->memory,
                            (char *)(lane->undo + 1) + lane->undo->used};

    return log;
}

static inline void mapped_log_close(const mapped_log *log)
{
    tocsin__tile_fence();
    log->undo->used = (uint32_t)(log->at - (char *)(log->undo + 1));
    tocsin__tile_fence();
}

/* An entry's data is written; `size` bytes of it. */
static inline void mapped_finish(mapped_log *log, uint64_t offset, size_t size, size_t data,
                                 uint16_t kind, uint16_t count)
{
    const mapped_end end = {offset, (uint32_t)size, kind, count};

    log->at += (data + 7) / 8 * 8;
    memcpy(log->at, &end, sizeof end);
    log->at += sizeof end;
}

static inline void mapped_log_bytes(mapped_log *log, const void *from, size_t size)
{
    memcpy(log->at, from, size);
    mapped_finish(log, (uint64_t)((const char *)from - log->memory), size, size, MAPPED_BYTES, 0);
}

/* Pairs of columns that say nothing as long as the tile is calm. */
static inline void mapped_log_column(mapped_log *log, const tocsin__tile_head *tile, size_t place,
                                     size_t size, int is_zero)
{
    const char *column = tocsin__tile_column(tile, place);

    if (place == 0)
        return;
    if (is_zero)
        mapped_finish(log, (uint64_t)(column - log->memory), size, 0, MAPPED_ZEROS, 0);
    else
        mapped_log_bytes(log, column, size);
}

static void mapped_log_heads(const tocsin_bank *bank, mapped_log *log, uint32_t t)
{
    const char *tile = (const char *)bank->tiles[t];

    mapped_log_bytes(log, &bank->mapped->rounds[t], sizeof(uint64_t));
    mapped_log_bytes(log, tile, sizeof(tocsin__tile_head));
    if (bank->format.more)
        mapped_log_bytes(log, tile + bank->format.more, sizeof(tocsin__tile_more));
}

/* The tick's slots of a run of tiles, which stand side by side. */
static void mapped_log_seasons(const tocsin_bank *bank, mapped_log *log, uint32_t first,
                               uint32_t count)
{
    const tocsin__format *format = &bank->format;
    const tocsin__holt_job *job = &bank->job.holt;
    const size_t size = count * TOCSIN__SLOT_SIZE;

    for (uint32_t i = 0; i < job->season_count; i++)
        mapped_log_bytes(log, tocsin__tile_slot(format, bank->tiles[first],
                                                format->array[i] + (size_t)job->slot[i]), size);
    if (job->season_count)
        mapped_log_bytes(log, tocsin__tile_slot(format, bank->tiles[first],
                                                format->array[2] + (size_t)job->slot[0]), size);
}

void tocsin__mapped_log_run(const tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                            uint32_t count)
{
    const tocsin__mapped *mapped = bank->mapped;
    const tocsin__format *format = &bank->format;
    const int is_ewma = format->kind == TOCSIN__EWMA_KERNEL;
    const int varies = is_ewma ? (int)bank->job.ewma.gain_varies : (int)bank->job.holt.gain_varies;
    const int is_plain = is_ewma && bank->job.ewma.is_plain;
    const size_t counts = TOCSIN__LANES * (is_ewma ? sizeof(uint16_t) : sizeof(uint32_t));
    mapped_log log = mapped_log_open(bank, lane);

    for (uint32_t t = first; t < first + count; t++) {
        const char *tile = (const char *)bank->tiles[t];
        const tocsin__tile_head *head = bank->tiles[t];
        const int is_calm = (head->flags & TOCSIN__TILE_CALM) != 0;

        mapped_log_heads(bank, &log, t);
        if (format->more && !(head->state & TOCSIN__TILE_EVEN))
            mapped_log_column(&log, head, format->times, TOCSIN__LANES * sizeof(int64_t), 0);
        for (uint32_t i = 0; i < mapped->column_count; i++)
            mapped_log_bytes(&log, tile + mapped->columns[i].place, mapped->columns[i].size);
        if (varies || !(head->flags & TOCSIN__TILE_FULL))
            mapped_log_column(&log, head, format->count, counts, 0);
        if (!is_plain) {
            mapped_log_column(&log, head, format->habit, TOCSIN__LANES * sizeof(uint16_t), is_calm);
            mapped_log_column(&log, head, format->outside, TOCSIN__LANES * sizeof(uint16_t),
                              is_calm);
        }
    }
    if (!is_ewma)
        mapped_log_seasons(bank, &log, first, count);
    mapped_log_close(&log);
}

static void mapped_log_element(mapped_log *log, const tocsin__tile_head *tile, size_t place,
                               uint32_t k, size_t size)
{
    if (place)
        mapped_log_bytes(log, (const char *)tocsin__tile_column(tile, place) + k * size, size);
}

/* Elements of an array of lane k, from one slot on. */
static void mapped_log_slots(const tocsin__format *format, mapped_log *log,
                             tocsin__tile_head *tile, uint32_t array, uint32_t k, size_t slot,
                             uint32_t length)
{
    const uint32_t neighbours = tocsin__tile_more_of(format, tile)->neighbours;
    const float *from = tocsin__tile_slot(format, tile, format->array[array] + slot) + k;

    for (size_t i = 0; i < length; i++)
        memcpy(log->at + i * sizeof(float), from + i * neighbours * TOCSIN__LANES, sizeof(float));
    mapped_finish(log, (uint64_t)((const char *)from - log->memory), length * sizeof(float),
                  length * sizeof(float), MAPPED_SLOTS, (uint16_t)neighbours);
}

static void mapped_log_arrays(const tocsin_bank *bank, tocsin__lane *lane, mapped_log *log,
                              tocsin__tile_head *tile, uint32_t k)
{
    const tocsin__compiled_stage *detect = bank->spec->detect;
    size_t slot[TOCSIN__MAX_ARRAYS] = {0};
    int is_any = 1;

    if (bank->format.kind != TOCSIN__HOLT_KERNEL)
        return;
    if (bank->is_ticking) {
        tocsin__tile_gather_detector(&bank->format, tile, k, lane->row);
        is_any = tocsin__holt_reach(detect->constants,
                                    tocsin__const_state_of(detect, lane->row), bank->tick.time,
                                    slot);
    }
    for (uint32_t a = 0; a < TOCSIN__MAX_ARRAYS; a++)
        if (detect->shape.length[a])
            mapped_log_slots(&bank->format, log, tile, a, k, is_any ? 0 : slot[a],
                             is_any ? detect->shape.length[a] : 1);
}

/* All that a push, or a new state, changes of lane k but its tile's head. */
static void mapped_log_lane(const tocsin_bank *bank, tocsin__lane *lane, mapped_log *log,
                            uint32_t t, uint32_t k)
{
    const tocsin__format *format = &bank->format;
    const tocsin__tile_head *tile = bank->tiles[t];

    mapped_log_element(log, tile, format->times, k, sizeof(int64_t));
    mapped_log_element(log, tile, format->heard, k, sizeof(int64_t));
    if (format->kind == TOCSIN__NO_KERNEL) {
        mapped_log_bytes(log, tocsin__tile_row(format, bank->tiles[t], k), format->row_size);
        return;
    }
    for (uint32_t m = 0; m < format->move_count; m++)
        mapped_log_element(log, tile, format->moves[m].place, k, format->moves[m].size);
    mapped_log_element(log, tile, format->begin, k, sizeof(uint32_t));
    mapped_log_element(log, tile, format->end, k, sizeof(uint32_t));
    mapped_log_element(log, tile, format->maximum, k, sizeof(float));
    mapped_log_element(log, tile, format->bar, k, sizeof(float));
    mapped_log_element(log, tile, format->body, k, sizeof(uint16_t));
    mapped_log_element(log, tile, format->slope, k, sizeof(uint16_t));
    mapped_log_element(log, tile, format->records, k, format->record_size);
    mapped_log_arrays(bank, lane, log, bank->tiles[t], k);
}

void tocsin__mapped_log_rest(const tocsin_bank *bank, tocsin__lane *lane, uint32_t tile,
                             uint64_t others)
{
    mapped_log log = mapped_log_open(bank, lane);

    if (bank->format.end)
        mapped_log_column(&log, bank->tiles[tile], bank->format.end,
                          TOCSIN__LANES * sizeof(uint32_t), 0);
    for (uint32_t k = 0; k < TOCSIN__LANES; k++)
        if (others >> k & 1)
            mapped_log_lane(bank, lane, &log, tile, k);
    mapped_log_close(&log);
}

void tocsin__mapped_log_part(const tocsin_bank *bank, tocsin__lane *lane, uint32_t tile,
                             uint32_t first)
{
    const tocsin__format *format = &bank->format;
    const uint64_t used = bank->tiles[tile]->used;
    mapped_log log = mapped_log_open(bank, lane);

    if (first == 0) {
        mapped_log_heads(bank, &log, tile);
        if (format->times)
            mapped_log_column(&log, bank->tiles[tile], format->times,
                              TOCSIN__LANES * sizeof(int64_t), 0);
    }
    if (format->kind == TOCSIN__NO_KERNEL)
        mapped_log_bytes(&log, tocsin__tile_row(format, bank->tiles[tile], first),
                         TOCSIN__MAPPED_PART * format->row_size);
    else
        for (uint32_t k = first; k < first + TOCSIN__MAPPED_PART; k++)
            if (used >> k & 1)
                mapped_log_lane(bank, lane, &log, tile, k);
    mapped_log_close(&log);
}

static inline void mapped_empty(tocsin__lane *lane)
{
    tocsin__tile_fence();
    lane->undo->used = 0;
    tocsin__tile_fence();
}

void tocsin__mapped_commit(const tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                           uint32_t count)
{
    for (uint32_t t = first; t < first + count; t++)
        bank->mapped->rounds[t] = bank->mapped->round;
    mapped_empty(lane);
}

void tocsin__mapped_log_slots(const tocsin_bank *bank, tocsin__lane *lane, const uint32_t *slots,
                              size_t count)
{
    mapped_log log = mapped_log_open(bank, lane);

    for (size_t i = 0; i < count; i++)
        if (slots[i] != TOCSIN_SLOT_NONE) {
            mapped_log_heads(bank, &log, slots[i] / TOCSIN_BANK_TILE);
            mapped_log_lane(bank, lane, &log, slots[i] / TOCSIN_BANK_TILE,
                            slots[i] % TOCSIN_BANK_TILE);
        }
    mapped_log_close(&log);
}

void tocsin__mapped_commit_slots(const tocsin_bank *bank, tocsin__lane *lane,
                                 const uint32_t *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i] != TOCSIN_SLOT_NONE)
            bank->mapped->rounds[slots[i] / TOCSIN_BANK_TILE] = bank->mapped->round;
    mapped_empty(lane);
}

void tocsin__mapped_guard(tocsin_bank *bank, uint32_t slot)
{
    tocsin__lane *lane = tocsin__fleet_lane(bank, 0);

    tocsin__mapped_log_slots(bank, lane, &slot, 1);
}

void tocsin__mapped_done(tocsin_bank *bank)
{
    mapped_empty(tocsin__fleet_lane(bank, 0));
}

/* ---- Batches ----------------------------------------------------------------------------
 *
 * The data of such an entry: for each series its place, as an offset in the memory plus its lane,
 * and its tile's round; if the tile keeps times, those, and a set of the series that have never
 * learnt; then for each move of the set the elements. */

/* The number of a place's tile, without a division: half a tile is further off than any rounding. */
static inline size_t mapped_batch_tile(const tocsin_bank *bank, uintptr_t place)
{
    const tocsin__mapped *mapped = bank->mapped;
    const size_t half = bank->format.tile_size / 2;
    const uintptr_t offset = (place - place % TOCSIN__CACHE_LINE) - (uintptr_t)bank->tiles[0];
    const size_t block = (size_t)((double)(offset + half) * mapped->per_block);
    const size_t rest = (size_t)(offset - block * mapped->block_size);

    return block * TOCSIN__BLOCK + (size_t)((double)(rest + half) * mapped->per_tile);
}

void tocsin__mapped_log_batch(const tocsin_bank *bank, tocsin__lane *lane,
                              const tocsin__tile_head *scratch, const uintptr_t *places,
                              uint32_t count, int has_counts)
{
    const tocsin__format *format = &bank->format;
    mapped_log log = mapped_log_open(bank, lane);
    char *const data = log.at;
    char *at = data;
    uint64_t moves = 0;

    for (uint32_t i = 0; i < count; i++, at += 2 * sizeof(uint64_t)) {
        const uint64_t entry[2] = {places[i] - (uintptr_t)log.memory,
                                   bank->mapped->rounds[mapped_batch_tile(bank, places[i])]};

        memcpy(at, entry, sizeof entry);
    }
    if (format->more) {
        uint64_t fresh = 0;

        for (uint32_t i = 0; i < count; i++, at += sizeof(int64_t)) {
            const uint32_t k = (uint32_t)(places[i] % TOCSIN__CACHE_LINE);
            tocsin__tile_head *tile = (tocsin__tile_head *)(places[i] - k);
            const int64_t time = tocsin__tile_time(format, tile, k);

            fresh |= (tocsin__tile_more_of(format, tile)->fresh >> k & 1) << i;
            memcpy(at, &time, sizeof time);
        }
        memcpy(at, &fresh, sizeof fresh);
        at += sizeof fresh;
    }
    for (uint32_t m = 0; m < format->move_count; m++) {
        const tocsin__move *move = &format->moves[m];

        if (move->place == format->count && !has_counts)
            continue;
        memcpy(at, tocsin__tile_column(scratch, move->place), count * move->size);
        at += count * move->size;
        moves |= UINT64_C(1) << m;
    }
    mapped_finish(&log, moves, (size_t)(at - data), (size_t)(at - data), MAPPED_PLACES,
                  (uint16_t)count);
    mapped_log_close(&log);
}

void tocsin__mapped_commit_batch(const tocsin_bank *bank, tocsin__lane *lane,
                                 const uintptr_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bank->mapped->rounds[mapped_batch_tile(bank, places[i])] = bank->mapped->round;
    mapped_empty(lane);
}

/* The bytes that such an entry has. */
static uint64_t mapped_batch_size(const tocsin__format *format, uint64_t moves, uint32_t count)
{
    uint64_t size = 2 * sizeof(uint64_t) * (uint64_t)count;

    if (format->more)
        size += sizeof(int64_t) * (uint64_t)count + sizeof(uint64_t);
    for (uint32_t m = 0; m < format->move_count; m++)
        if (moves >> m & 1)
            size += (uint64_t)format->moves[m].size * count;
    return size;
}

/* A place, from the first tile on: does a tile begin there, less a lane? */
static int mapped_is_place(const tocsin_bank *bank, uint64_t place)
{
    const uint64_t block_size = bank->mapped->block_size, tile_size = bank->format.tile_size;
    const uint64_t rest = place % block_size;

    return rest / tile_size < TOCSIN__BLOCK && rest % tile_size < TOCSIN__LANES &&
           place / block_size <= bank->tile_count &&
           place / block_size * TOCSIN__BLOCK + rest / tile_size < bank->tile_count;
}

static int mapped_batch_is_sound(const tocsin_bank *bank, const mapped_end *end, const char *data)
{
    const tocsin__format *format = &bank->format;
    const uint64_t tiles = (uint64_t)((char *)bank->tiles[0] - bank->mapped->memory);

    if (format->kind != TOCSIN__EWMA_KERNEL || end->count > TOCSIN__LANES ||
        end->offset >> format->move_count != 0 ||
        end->size != mapped_batch_size(format, end->offset, end->count))
        return 0;
    for (uint32_t i = 0; i < end->count; i++) {
        uint64_t place;

        memcpy(&place, data + i * 2 * sizeof place, sizeof place);
        if (place < tiles || !mapped_is_place(bank, place - tiles))
            return 0;
    }
    return 1;
}

/* Whatever the memory says of it: where the tile stands. */
static void mapped_place_tile(const tocsin_bank *bank, size_t t)
{
    uint32_t place, neighbours;

    tocsin__bank_block(bank, (uint32_t)t, &place, &neighbours);
    tocsin__tile_place(&bank->format, bank->tiles[t], place, neighbours);
}

static void mapped_undo_batch(const tocsin_bank *bank, const mapped_end *end, const char *data)
{
    const tocsin__format *format = &bank->format;
    const uint32_t count = end->count;
    const char *times = data + (size_t)count * 2 * sizeof(uint64_t);
    const char *elements = times + (format->more ? (count + 1) * sizeof(int64_t) : 0);
    uint64_t fresh = 0;

    if (format->more)
        memcpy(&fresh, times + count * sizeof(int64_t), sizeof fresh);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entry[2];

        memcpy(entry, data + i * sizeof entry, sizeof entry);

        const uint32_t k = (uint32_t)(entry[0] % TOCSIN__CACHE_LINE);
        tocsin__tile_head *tile =
            (tocsin__tile_head *)(void *)(bank->mapped->memory + (size_t)(entry[0] - k));
        const char *element = elements;

        mapped_place_tile(bank, mapped_batch_tile(bank, (uintptr_t)tile));
        bank->mapped->rounds[mapped_batch_tile(bank, (uintptr_t)tile)] = entry[1];
        if (format->more) {
            tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

            tocsin__tile_part(format, tile);
            memcpy(&tocsin__tile_times(format, tile)[k], times + i * sizeof(int64_t),
                   sizeof(int64_t));
            more->fresh = (more->fresh & ~(UINT64_C(1) << k)) | (fresh >> i & 1) << k;
        }
        for (uint32_t m = 0; m < format->move_count; m++) {
            const tocsin__move *move = &format->moves[m];

            if (!(end->offset >> m & 1))
                continue;
            memcpy((char *)tocsin__tile_column(tile, move->place) + (size_t)k * move->size,
                   element + (size_t)i * move->size, move->size);
            element += (size_t)count * move->size;
        }
    }
}

/* ---- Undoing --------------------------------------------------------------------------- */

/* May this entry, whose data takes what is `before` its end, be copied back? */
static int mapped_entry_is_sound(const tocsin_bank *bank, const mapped_end *end,
                                 const char *entries, uint32_t before, uint32_t *data)
{
    const tocsin__mapped *mapped = bank->mapped;
    const uint64_t size = ((uint64_t)end->size + 7) / 8 * 8;
    uint64_t reach = end->size;

    if (end->kind == MAPPED_ZEROS) {
        *data = 0;
    } else {
        if (size > before)
            return 0;
        *data = (uint32_t)size;
    }
    if (end->kind == MAPPED_PLACES)
        return mapped_batch_is_sound(bank, end, entries + before - *data);
    if (end->kind == MAPPED_SLOTS) {
        if (end->size % sizeof(float) != 0 || end->size == 0 ||
            end->offset % sizeof(float) != 0 || end->count > TOCSIN__BLOCK)
            return 0;
        reach = (reach - sizeof(float)) * TOCSIN__LANES * end->count + sizeof(float);
    } else if (end->kind != MAPPED_BYTES && end->kind != MAPPED_ZEROS) {
        return 0;
    }
    return end->offset >= mapped->rounds_at && end->offset <= mapped->size &&
           reach <= mapped->size - end->offset;
}

static void mapped_undo_entry(const tocsin_bank *bank, const mapped_end *end, const char *data)
{
    char *to = bank->mapped->memory + (end->kind == MAPPED_PLACES ? 0 : (size_t)end->offset);

    switch (end->kind) {
    case MAPPED_BYTES:
        memcpy(to, data, end->size);
        break;
    case MAPPED_ZEROS:
        memset(to, 0, end->size);
        break;
    case MAPPED_SLOTS:
        for (size_t i = 0; i < end->size / sizeof(float); i++)
            memcpy(to + i * end->count * TOCSIN__SLOT_SIZE, data + i * sizeof(float),
                   sizeof(float));
        break;
    default:
        mapped_undo_batch(bank, end, data);
    }
}

/* Walk a lane's log from its end; TOCSIN_ERROR_FORMAT if there is an entry that cannot be one. */
static int mapped_undo_lane(const tocsin_bank *bank, const tocsin__undo *undo, int is_check)
{
    const char *entries = (const char *)(undo + 1);
    uint32_t left = undo->used;

    if (left > bank->mapped->undo_limit || left % 8 != 0)
        return TOCSIN_ERROR_FORMAT;
    while (left > 0) {
        mapped_end end;
        uint32_t data;

        if (left < sizeof end)
            return TOCSIN_ERROR_FORMAT;
        left -= (uint32_t)sizeof end;
        memcpy(&end, entries + left, sizeof end);
        if (!mapped_entry_is_sound(bank, &end, entries, left, &data))
            return TOCSIN_ERROR_FORMAT;
        left -= data;
        if (!is_check)
            mapped_undo_entry(bank, &end, entries + left);
    }
    return TOCSIN_OK;
}

/* Take back what was under way.  The logs stay, so that this can be done again. */
static int mapped_undo(tocsin_bank *bank)
{
    for (int is_check = 1; is_check >= 0; is_check--)
        for (uint32_t i = 0; i < bank->options.lanes; i++)
            if (mapped_undo_lane(bank, tocsin__fleet_lane(bank, i)->undo, is_check) != TOCSIN_OK)
                return TOCSIN_ERROR_FORMAT;
    return TOCSIN_OK;
}

/* ---- Checking ---------------------------------------------------------------------------- */

/* Lanes of a tile in columns whose arrays hold what none can hold. */
static uint64_t mapped_bad_arrays(const tocsin_bank *bank, tocsin__tile_head *tile)
{
    const tocsin__compiled_stage *detect = bank->spec->detect;
    const tocsin__layout *layout = &detect->stage->layout;
    uint64_t bad = 0;

    for (size_t f = 0; f < layout->field_count; f++) {
        const tocsin__field *field = &layout->fields[f];

        if (!field->is_array)
            continue;

        for (size_t i = 0; i < detect->shape.length[field->array]; i++) {
            const float *column =
                tocsin__tile_slot(&bank->format, tile, bank->format.array[field->array] + i);

            for (size_t k = 0; k < TOCSIN__LANES; k++)
                bad |= (uint64_t)!tocsin__field_holds(field, (double)column[k]) << k;
        }
    }
    return bad;
}

/* Can this be a series' state?  Its arrays have been seen to where they are columns. */
static int mapped_is_state(const tocsin_bank *bank, const void *row)
{
    const tocsin_spec *spec = bank->spec;
    const int has_arrays = !tocsin__bank_is_in_columns(bank);

    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (!tocsin__layout_holds(&stage->stage->layout, &stage->shape,
                                  tocsin__const_state_of(stage, row), has_arrays) ||
            !tocsin__state_holds(stage, row))
            return 0;
    }
    return 1;
}

/* A column's entries that a gathered row does not tell of follow from it.  Scattering the row
 * writes them anew, and what kernels may skip is looked up again. */
static void mapped_restore_tile(const tocsin_bank *bank, uint32_t t)
{
    const tocsin__format *format = &bank->format;
    tocsin__tile_head *tile = bank->tiles[t];

    tile->busy &= tile->used;
    tile->take = tile->used;
    if (format->kind == TOCSIN__NO_KERNEL)
        return;
    tile->flags = 0;
    tile->drains = tile->most = 0;
    tile->state &= TOCSIN__TILE_EVEN;
    if (format->more) {
        tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

        more->until = 0;
        more->gap = 0;
        more->pending = 0;
    } else {
        tile->state = 0;
    }
}

/* A series by what it has learnt alone ... */
static void mapped_gather(const tocsin_bank *bank, tocsin__tile_head *tile, uint32_t k, void *row)
{
    const tocsin__format *format = &bank->format;

    tocsin__tile_gather(format, bank->spec, tile, k, &bank->clock, row);
    if (format->bar)
        tocsin__tail_forget(tocsin__state_of(bank->spec->calibrate, row));
}

/* ... and with what follows from it. */
static void mapped_scatter(const tocsin_bank *bank, tocsin__tile_head *tile, uint32_t k, void *row)
{
    const tocsin__format *format = &bank->format;
    const tocsin__compiled_stage *calibrate = bank->spec->calibrate;

    if (format->bar)
        tocsin__tail_complete(calibrate->constants, tocsin__state_of(calibrate, row));
    tocsin__tile_scatter(format, bank->spec, tile, k, row);
}

/* Check a tile's series; those that are damaged start anew.  How many. */
static uint32_t mapped_check_tile(tocsin_bank *bank, uint32_t t)
{
    const tocsin__format *format = &bank->format;
    tocsin__tile_head *tile = bank->tiles[t];
    tocsin__lane *lane = tocsin__fleet_lane(bank, 0);
    const int is_columns = tocsin__bank_is_in_columns(bank);
    uint64_t bad = 0;
    uint32_t count = 0;

    mapped_restore_tile(bank, t);
    if (is_columns)
        bad = mapped_bad_arrays(bank, tile) & tile->used;
    for (uint32_t k = 0; k < TOCSIN__LANES; k++) {
        const void *row = lane->row;

        if (!(tile->used >> k & 1))
            continue;
        if (is_columns)
            mapped_gather(bank, tile, k, lane->row);
        else if (tocsin__bank_is_shared(bank))
            tocsin__bank_read(bank, t * TOCSIN__LANES + k, lane->row);
        else
            row = tocsin__tile_row(format, tile, k);
        if (!(bad >> k & 1) && mapped_is_state(bank, row)) {
            if (is_columns)
                mapped_scatter(bank, tile, k, lane->row);
            continue;
        }
        tocsin__bank_put(bank, t * TOCSIN__LANES + k, tocsin__bank_initial(bank));
        count++;
    }
    return count;
}

static uint32_t mapped_tiles(const tocsin_bank *bank)
{
    return (bank->slots + (TOCSIN_BANK_TILE - 1)) / TOCSIN_BANK_TILE;
}

/* The newest time of a value, after a round that was interrupted. */
static int64_t mapped_newest(const tocsin_bank *bank)
{
    int64_t newest = bank->latest;

    if (!bank->format.times) {
        for (uint32_t t = 0; t < mapped_tiles(bank); t++)
            if (bank->mapped->rounds[t] == bank->mapped->interrupted)
                return bank->clock.time;
        return newest;
    }
    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot) && tocsin__bank_active(bank, slot) > newest)
            newest = tocsin__bank_active(bank, slot);
    return newest;
}

int tocsin__mapped_condition(const tocsin_bank *bank, uint32_t tile)
{
    const tocsin__mapped *mapped = bank->mapped;

    if (!mapped || !mapped->is_fresh)
        return TOCSIN_TILE_WHOLE;
    if (mapped->rounds[tile] == MAPPED_TORN)
        return TOCSIN_TILE_TORN;
    return mapped->interrupted && mapped->rounds[tile] == mapped->interrupted ? TOCSIN_TILE_AHEAD
                                                                              : TOCSIN_TILE_WHOLE;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* The newer of the records that are whole, or NULL. */
static const mapped_record *mapped_newest_record(const tocsin__mapped *mapped)
{
    const mapped_record *newest = NULL;

    for (uint64_t i = 0; i < 2; i++) {
        const mapped_record *record = mapped_record_at(mapped, i);

        if (record->sum == mapped_record_sum(record) && (record->number & 1) == i &&
            (!newest || record->number > newest->number))
            newest = record;
    }
    return newest;
}

static int mapped_is_clock(const tocsin_bank *bank, const tocsin__clock_state *clock)
{
    const tocsin__compiled_stage *stage = bank->spec->clock;

    return tocsin__layout_holds(&stage->stage->layout, &stage->shape, clock, 0);
}

static int mapped_take_record(tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;
    const mapped_record *record = mapped_newest_record(mapped);

    if (!record)
        return TOCSIN_ERROR_CHECKSUM;
    if (record->phase > MAPPED_IN_PUSH || record->mode < TOCSIN_LEARN_AND_SCORE ||
        record->mode > TOCSIN_HOLD || record->round >= MAPPED_TORN - 1 ||
        !mapped_is_clock(bank, &record->clock) || !mapped_is_clock(bank, &record->clock_before))
        return TOCSIN_ERROR_FORMAT;
    mapped->number = record->number;
    mapped->round = record->round;
    mapped->phase = record->phase;
    mapped->interrupted = record->phase == MAPPED_AT_REST ? 0 : record->round;
    bank->tick.mode = record->mode;
    bank->tick.time = record->time;
    bank->latest = record->latest;
    bank->total = record->total;
    bank->clock = record->clock;
    bank->clock_before = record->clock_before;
    bank->added = mapped->words->added;
    bank->removed = mapped->words->removed;
    bank->evicted = mapped->words->evicted;
    bank->refused = mapped->words->refused;
    return TOCSIN_OK;
}

/* End the round that was interrupted. */
static void mapped_end_round(tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;

    if (mapped->phase == MAPPED_AT_REST)
        return;
    if (mapped->phase == MAPPED_IN_TICK) {
        bank->is_ticking = 1;
        tocsin__rounds_end(bank);
    }
    tocsin__fleet_start(bank);
    bank->total.rounds++;
    bank->latest = mapped_newest(bank);
    mapped->phase = MAPPED_AT_REST;
    tocsin__mapped_save(bank);
}

static void mapped_report(tocsin_bank *bank, uint64_t restarted, tocsin_bank_recovery *recovery)
{
    const tocsin__mapped *mapped = bank->mapped;

    recovery->restarted = restarted;
    for (uint32_t t = 0; t < mapped_tiles(bank); t++)
        switch (tocsin__mapped_condition(bank, t)) {
        case TOCSIN_TILE_WHOLE:
            recovery->whole++;
            break;
        case TOCSIN_TILE_AHEAD:
            recovery->ahead++;
            break;
        default:
            recovery->torn++;
        }
    if (mapped->phase != MAPPED_AT_REST)
        recovery->interrupted =
            mapped->phase == MAPPED_IN_TICK ? TOCSIN_ROUND_TICK : TOCSIN_ROUND_PUSH;
    recovery->time = mapped->phase == MAPPED_IN_TICK ? bank->tick.time : TOCSIN_TIME_NONE;
}

static int mapped_open(tocsin_bank *bank, tocsin_bank_recovery *recovery)
{
    tocsin__mapped *mapped = bank->mapped;
    const uint32_t slots = mapped->words->slots;
    uint64_t restarted = 0;
    int status = mapped_take_record(bank);

    if (status == TOCSIN_OK && slots > (uint64_t)bank->tile_count * TOCSIN_BANK_TILE)
        status = TOCSIN_ERROR_FORMAT;
    if (status == TOCSIN_OK)
        status = mapped_undo(bank);
    for (uint32_t t = 0; status == TOCSIN_OK && (uint64_t)t * TOCSIN_BANK_TILE < slots; t++)
        mapped_place_tile(bank, t);
    if (status == TOCSIN_OK)
        status = tocsin__bank_recount(bank, slots, mapped->words->free_slot);
    if (status != TOCSIN_OK)
        return status;
    for (uint32_t i = 0; i < bank->options.lanes; i++)
        mapped_empty(tocsin__fleet_lane(bank, i));
    for (uint32_t t = 0; t < mapped_tiles(bank); t++) {
        const uint32_t count = mapped_check_tile(bank, t);

        if (count)
            mapped->rounds[t] = MAPPED_TORN;
        else if (mapped->rounds[t] == MAPPED_TORN)
            mapped->rounds[t] = 0;
        restarted += count;
    }
    mapped_report(bank, restarted, recovery);
    mapped_end_round(bank);
    tocsin__mapped_note_slots(bank);
    return restarted ? TOCSIN_INFO_TORN : TOCSIN_OK;
}

static void mapped_make(tocsin_bank *bank, const mapped_plan *plan, tocsin_bank_recovery *recovery)
{
    tocsin__mapped *mapped = bank->mapped;
    mapped_head *head = (mapped_head *)(void *)mapped->memory;
    tocsin__text text;

    head->magic = MAPPED_UNMADE;
    tocsin__tile_fence();
    head->version = MAPPED_VERSION;
    head->text_size = plan->text_size;
    head->size = plan->size;
    head->tile_size = bank->format.tile_size;
    head->format = mapped_format_sum(&bank->format);
    head->tiles = bank->tile_count;
    head->lanes = bank->options.lanes;
    head->clock = bank->options.clock;
    head->ids = bank->options.ids;
    head->undo_size = plan->undo_size;
    tocsin__text_start(&text, (char *)(head + 1), plan->text_size + 1u);
    tocsin__spec_write(bank->spec, TOCSIN_TEXT_FULL, &text);
    head->sum = mapped_head_sum(head);
    memset(mapped->records, 0, 2 * MAPPED_RECORD_SIZE);
    memset(mapped->rounds, 0, bank->tile_count * sizeof *mapped->rounds);
    for (uint32_t i = 0; i < bank->options.lanes; i++)
        tocsin__fleet_lane(bank, i)->undo->used = 0;
    tocsin__mapped_save(bank);
    tocsin__mapped_note_slots(bank);
    head->magic = MAPPED_MAGIC;
    tocsin__tile_fence();
    recovery->is_new = 1;
}

static int mapped_is_zero(const char *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

/* Is there a bank of ours?  TOCSIN_INFO_DIFFERENT: none yet. */
static int mapped_check_head(const mapped_head *head, const tocsin_bank_options *options,
                             const tocsin__format *format, const mapped_plan *least,
                             uint64_t size)
{
    if (size < least->undo)
        return head->magic == 0 || head->magic == MAPPED_UNMADE ? TOCSIN_ERROR_SPACE
                                                                : TOCSIN_ERROR_FORMAT;
    if (head->magic == MAPPED_UNMADE)
        return TOCSIN_INFO_DIFFERENT;
    if (head->magic == 0)
        return mapped_is_zero((const char *)head, least->undo) ? TOCSIN_INFO_DIFFERENT
                                                               : TOCSIN_ERROR_FORMAT;
    if (head->magic == MAPPED_SWAPPED)
        return TOCSIN_ERROR_VERSION;
    if (head->magic != MAPPED_MAGIC)
        return TOCSIN_ERROR_FORMAT;
    if (head->version != MAPPED_VERSION)
        return TOCSIN_ERROR_VERSION;
    if (head->text_size > size - sizeof *head)
        return TOCSIN_ERROR_FORMAT;
    if (head->sum != mapped_head_sum(head))
        return TOCSIN_ERROR_CHECKSUM;
    if (head->clock != options->clock || head->ids != options->ids ||
        head->lanes != options->lanes || head->text_size != least->text_size)
        return TOCSIN_ERROR_MISMATCH;
    return head->tile_size == format->tile_size && head->format == mapped_format_sum(format) &&
                   head->undo_size == least->undo_size
               ? TOCSIN_OK
               : TOCSIN_ERROR_VERSION;
}

/* Is its spec the bank's? */
static int mapped_check_text(const tocsin_bank *bank)
{
    const mapped_head *head = (const mapped_head *)(const void *)bank->mapped->memory;
    const size_t size = (size_t)head->text_size + 1;
    char *ours = tocsin__alloc(&bank->allocator, size, 1);
    tocsin__text text;
    int is_same;

    if (!ours)
        return TOCSIN_ERROR_MEMORY;
    tocsin__text_start(&text, ours, size);
    tocsin__spec_write(bank->spec, TOCSIN_TEXT_FULL, &text);
    is_same = memcmp(ours, head + 1, head->text_size) == 0;
    tocsin__free(&bank->allocator, ours, size);
    return is_same ? TOCSIN_OK : TOCSIN_ERROR_MISMATCH;
}

/* The tiles that there is room for. */
static uint32_t mapped_room(const tocsin_spec *spec, const tocsin_bank_options *options,
                            const tocsin__format *format, uint64_t size)
{
    const uint64_t most = TOCSIN_BANK_SERIES_MAX / TOCSIN_BANK_TILE;
    mapped_plan plan;

    mapped_plan_for(spec, options, format, 0, &plan);
    if (size < plan.rounds)
        return 0;

    const uint64_t fit =
        (size - plan.rounds) / (tocsin__format_bytes(format) + sizeof(uint64_t));
    uint32_t tiles = (uint32_t)(fit < most ? fit : most);

    for (; tiles > 0; tiles--) {
        mapped_plan_for(spec, options, format, tiles, &plan);
        if (plan.size <= size)
            break;
    }
    return tiles;
}

/* A bank over the tiles that the plan says. */
static int mapped_attach(tocsin_bank *bank, char *memory, const mapped_plan *plan, uint32_t tiles)
{
    tocsin__mapped *mapped =
        tocsin__alloc(&bank->allocator, sizeof *mapped, TOCSIN__CACHE_LINE);

    if (!mapped)
        return TOCSIN_ERROR_MEMORY;
    memset(mapped, 0, sizeof *mapped);
    mapped->memory = memory;
    mapped->words = (mapped_words *)(void *)(memory + plan->words);
    mapped->records = memory + plan->records;
    mapped->rounds = (uint64_t *)(void *)(memory + plan->rounds);
    mapped->undo_limit = plan->undo_size - sizeof(tocsin__undo);
    mapped->rounds_at = plan->rounds;
    mapped->size = plan->size;
    mapped->run = plan->run;
    mapped->is_fresh = 1;
    mapped->per_tile = 1 / (double)bank->format.tile_size;
    mapped->block_size = TOCSIN__BLOCK * (uint64_t)tocsin__format_bytes(&bank->format);
    mapped->per_block = 1 / (double)mapped->block_size;
    bank->mapped = mapped;
    bank->bytes += sizeof *mapped;
    for (uint32_t i = 0; i < bank->options.lanes; i++)
        tocsin__fleet_lane(bank, i)->undo =
            (tocsin__undo *)(void *)(memory + plan->undo + i * plan->undo_size);
    return tocsin__bank_adopt(bank, memory + plan->tiles, tiles);
}

int tocsin__mapped_create(tocsin_bank **out, const tocsin_spec *spec,
                          const tocsin_bank_options *options, const tocsin_allocator *allocator,
                          void *memory, uint64_t size, tocsin_bank_recovery *recovery)
{
    const mapped_head *head = memory;
    tocsin_bank_options resolved = *options;
    tocsin__format format;
    tocsin_bank *bank;
    mapped_plan plan;

    if ((uintptr_t)memory % TOCSIN__CACHE_LINE != 0)
        return TOCSIN_ERROR_ALIGNMENT;
    tocsin__format_init(&format, spec, options);
    mapped_plan_for(spec, options, &format, 0, &plan);
    if (!mapped_is_possible(options, &plan, &format))
        return TOCSIN_ERROR_UNSUPPORTED;
    if (size < sizeof *head)
        return TOCSIN_ERROR_SPACE;

    int status = mapped_check_head(head, options, &format, &plan, size);

    if (status < 0)
        return status;

    const int is_new = status == TOCSIN_INFO_DIFFERENT;
    const uint32_t tiles = is_new ? mapped_room(spec, options, &format, size) : head->tiles;

    mapped_plan_for(spec, options, &format, tiles, &plan);
    if (tiles == 0 || plan.size > size)
        return is_new ? TOCSIN_ERROR_SPACE : TOCSIN_ERROR_FORMAT;
    if (!is_new && (plan.size != head->size || tiles > TOCSIN_BANK_SERIES_MAX / TOCSIN_BANK_TILE))
        return TOCSIN_ERROR_FORMAT;
    if (resolved.max_series > (uint64_t)tiles * TOCSIN_BANK_TILE)
        resolved.max_series = (uint64_t)tiles * TOCSIN_BANK_TILE;

    status = tocsin__bank_create(&bank, spec, &resolved, allocator);
    if (status != TOCSIN_OK)
        return status;
    status = mapped_attach(bank, memory, &plan, tiles);
    if (status == TOCSIN_OK && is_new)
        mapped_make(bank, &plan, recovery);
    else if (status == TOCSIN_OK)
        status = mapped_check_text(bank);
    if (status == TOCSIN_OK && !is_new)
        status = mapped_open(bank, recovery);
    if (status < 0) {
        tocsin__bank_free(bank);
        return status;
    }
    bank->mapped->is_open = 1;
    *out = bank;
    return status;
}

void tocsin__mapped_free(tocsin_bank *bank)
{
    tocsin__mapped *mapped = bank->mapped;

    if (!mapped)
        return;
    if (mapped->is_open && mapped->phase == MAPPED_AT_REST) {
        tocsin__mapped_note_slots(bank);
        tocsin__mapped_save(bank);
    }
    tocsin__free(&bank->allocator, mapped, sizeof *mapped);
    bank->mapped = NULL;
}
