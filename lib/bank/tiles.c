/* tiles.c - how the states of 64 series stand in memory, and the way to one of them.
 *
 * Both layouts come from the stages' field tables.  In columns a detector's fields are
 * columns of 64; of its arrays (the slots of a season) each slot is a column, behind that of
 * the tile before, so that a tick, which is at the same slot for all, walks along a line.
 * Calibrator and alarm have a packed record per series (tail.h, alarm.h), but for what a tick
 * touches:
 *
 *     maximum   a column
 *     points    not kept: the tile counts `ticks`, and a series' block is over when they reach
 *               its `end`, which a tick it misses moves on; points = length - (end - ticks)
 *     elapsed   not kept: the block's time is that since its `begin`, as of the last point
 *               that was learnt; a pause that counts for less moves `begin` on
 *     limit     the `bar`, for the kernel to compare with
 *     curve     of its quiet part two columns; the rest is drawn again where it is needed
 *
 * so that a series that learns a point like any other is not written to but for what it
 * learnt.  The clock is the bank's, and of the last point learnt the tile knows one time as
 * long as it is the same for all.  What a spec never moves from its initial value (an
 * infinite clip's habit, the second tier of an alarm that has one) is not kept either.
 *
 * A REAL is a float in a tile; a row holds the same number as a double (core/fields.h).
 *
 * Cost: a row is gathered in a few dozen loads, 20 to 60 ns; kernels need none.
 */
#include "tiles.h"

#include "../alarm/alarm.h"
#include "../calibrate/tail.h"
#include "../detect/kernel_jobs.h"

/* ---- Layout --------------------------------------------------------------------- */

static size_t tiles_round(size_t size)
{
    return (size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

/* Room for a column behind what there is. */
static size_t tiles_column(tocsin__format *format, size_t element)
{
    const size_t place = format->tile_size;

    format->tile_size += tiles_round(TOCSIN__LANES * element);
    return place;
}

/* And among the cold ones. */
static size_t tiles_cold_column(tocsin__format *format, size_t element)
{
    const size_t place = format->cold_size;

    format->cold_size += tiles_round(TOCSIN__LANES * element);
    return TOCSIN__COLD | place;
}

static size_t tiles_element(uint8_t type)
{
    static const uint8_t size[] = {8, 8, 8, 8, 4, 2, 1};

    return size[type];
}

/* What this spec never moves from where it began, or what the tile knows otherwise. */
static int tiles_is_left_out(const tocsin__format *format, const tocsin__field *field)
{
    static const char *const plain[] = {"reach", "habit", "outside"};

    if (field->is_array || (field->min == 0 && field->max == 0))
        return 1;
    if (format->is_plain)
        for (size_t i = 0; i < TOCSIN__COUNT(plain); i++)
            if (strcmp(field->name, plain[i]) == 0)
                return 1;
    return format->kind == TOCSIN__HOLT_KERNEL && strcmp(field->name, "time") == 0;
}

/* Does a usual tick of a tile that has settled down not touch it? */
static int tiles_is_cold(const tocsin__field *field)
{
    static const char *const moving[] = {"mean", "variance", "level", "trend", "spread", "reach"};

    for (size_t i = 0; i < TOCSIN__COUNT(moving); i++)
        if (strcmp(field->name, moving[i]) == 0)
            return 0;
    return 1;
}

/* A column for each field of the detector; those that move first. */
static void tiles_add_detector(tocsin__format *format, const tocsin__compiled_stage *stage,
                               int is_cold)
{
    const tocsin__layout *layout = &stage->stage->layout;

    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *field = &layout->fields[i];
        tocsin__move *move = &format->moves[format->move_count];

        if (tiles_is_left_out(format, field) || tiles_is_cold(field) != is_cold)
            continue;
        move->row = (uint32_t)stage->state_offset + field->offset;
        move->is_real = field->type == TOCSIN__REAL;
        move->size = move->is_real ? (uint32_t)sizeof(float) : (uint32_t)tiles_element(field->type);
        move->place = is_cold ? tiles_cold_column(format, move->size)
                              : tiles_column(format, move->size);
        format->move_count++;
    }
}

/* The calibrator's records. */
static void tiles_add_records(tocsin__format *format, const tocsin_spec *spec)
{
    format->record_alarm = tocsin__tail_record_size(spec->context.tier_count);
    format->record_size = format->record_alarm;
    if (spec->alarm)
        format->record_size += tocsin__alarm_record_size(spec->alarm->constants);
    format->records = tiles_cold_column(format, format->record_size);
}

static void tiles_add_arrays(tocsin__format *format, const tocsin__compiled_stage *stage)
{
    const tocsin__layout *layout = &stage->stage->layout;

    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *field = &layout->fields[i];

        if (!field->is_array)
            continue;
        format->array[field->array] = format->slots;
        format->slots += stage->shape.length[field->array];
    }
}

/* A field's offset in the row. */
static size_t tiles_row(const tocsin__compiled_stage *stage, const char *name)
{
    const tocsin__field *field = stage->stage->layout.fields;

    while (strcmp(field->name, name) != 0)
        field++;
    return stage->state_offset + field->offset;
}

static void tiles_init_columns(tocsin__format *format, const tocsin_spec *spec,
                               const tocsin_bank_options *options)
{
    const int has_tail = spec->calibrate->stage == &tocsin__stage_tail;
    const int has_ids = options->ids == TOCSIN_IDS_KEPT;

    if (format->needs_times || has_ids)
        format->more = tiles_column(format, 1);
    tiles_add_detector(format, spec->detect, 0);
    if (has_tail) {
        format->maximum = tiles_column(format, sizeof(float));
        format->bar = tiles_column(format, sizeof(float));
    }
    tiles_add_detector(format, spec->detect, 1);
    if (format->more)
        format->times = tiles_cold_column(format, sizeof(int64_t));
    if (has_ids) {
        format->ids = tiles_cold_column(format, sizeof(uint64_t));
        format->heard = tiles_cold_column(format, sizeof(int64_t));
    }
    if (has_tail) {
        format->body = tiles_cold_column(format, sizeof(uint16_t));
        format->slope = tiles_cold_column(format, sizeof(uint16_t));
        format->begin = tiles_cold_column(format, sizeof(uint32_t));
        format->end = tiles_cold_column(format, sizeof(uint32_t));
        tiles_add_records(format, spec);
    }
    tiles_add_arrays(format, spec->detect);
    format->count = tocsin__format_column(format, spec->detect, "count");
    format->habit = tocsin__format_column(format, spec->detect, "habit");
    format->outside = tocsin__format_column(format, spec->detect, "outside");
    format->habit_row = tiles_row(spec->detect, "habit");
    format->outside_row = tiles_row(spec->detect, "outside");
    if (format->kind == TOCSIN__HOLT_KERNEL)
        format->model_time = tiles_row(spec->detect, "time");
}

/* Is there a kernel for all of the pipe? */
static tocsin__kernel_kind tiles_kernel(const tocsin_spec *spec)
{
    const tocsin__gaps_constants *gaps = spec->gaps->constants;
    const int is_tail = spec->calibrate->stage == &tocsin__stage_tail;

    if (spec->counter || gaps->policy != TOCSIN__GAPS_SKIP ||
        (!is_tail && spec->calibrate->stage != &tocsin__stage_raw) ||
        (spec->alarm && (!is_tail || spec->context.tier_count == 0)))
        return TOCSIN__NO_KERNEL;
    if (spec->detect->stage == &tocsin__stage_ewma &&
        tocsin__ewma_has_kernel(spec->detect->constants))
        return TOCSIN__EWMA_KERNEL;
    if (spec->detect->stage == &tocsin__stage_holt_winters &&
        tocsin__holt_has_kernel(spec->detect->constants))
        return TOCSIN__HOLT_KERNEL;
    return TOCSIN__NO_KERNEL;
}

void tocsin__format_init(tocsin__format *format, const tocsin_spec *spec,
                         const tocsin_bank_options *options)
{
    const int is_shared = options->clock == TOCSIN_CLOCK_SHARED;

    memset(format, 0, sizeof *format);
    format->tile_size = tiles_round(sizeof(tocsin__tile_head));
    if (is_shared)
        format->kind = tiles_kernel(spec);
    if (format->kind == TOCSIN__NO_KERNEL) {
        if (options->ids == TOCSIN_IDS_KEPT)
            format->ids = tiles_column(format, sizeof(uint64_t));
        if (options->ids == TOCSIN_IDS_KEPT || !is_shared)
            format->times = tiles_column(format, sizeof(int64_t));
        format->row_size = spec->state_size;
        format->rows = format->tile_size;
        format->tile_size += tiles_round(TOCSIN__LANES * format->row_size);
        return;
    }
    format->needs_times = 1;
    if (format->kind == TOCSIN__EWMA_KERNEL) {
        const void *constants = spec->detect->constants;
        tocsin__ewma_job job;

        tocsin__ewma_job_prepare(constants, 1, &job);
        format->is_plain = job.is_plain;
        format->needs_times = (uint32_t)(spec->calibrate->stage == &tocsin__stage_tail ||
                                         tocsin__ewma_job_gain(constants, 1) !=
                                             tocsin__ewma_job_gain(constants, TOCSIN_WEEK));
    }
    tiles_init_columns(format, spec, options);
}

size_t tocsin__format_column(const tocsin__format *format, const tocsin__compiled_stage *stage,
                             const char *name)
{
    const tocsin__layout *layout = &stage->stage->layout;

    for (size_t i = 0; i < layout->field_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0)
            for (uint32_t m = 0; m < format->move_count; m++)
                if (format->moves[m].row == stage->state_offset + layout->fields[i].offset)
                    return format->moves[m].place;
    return 0;
}

/* ---- One series ------------------------------------------------------------------ */

void tocsin__tile_place(const tocsin__format *format, tocsin__tile_head *tile, uint32_t place,
                        uint32_t neighbours)
{
    if (format->cold_size)
        tile->cold = (uint32_t)tocsin__format_cold(format, place, neighbours);
    if (format->more) {
        tocsin__tile_more_of(format, tile)->place = place;
        tocsin__tile_more_of(format, tile)->neighbours = neighbours;
    }
}

void tocsin__tile_open(const tocsin__format *format, tocsin__tile_head *tile, uint32_t place,
                       uint32_t neighbours)
{
    memset(tile, 0, format->tile_size);
    tocsin__tile_place(format, tile, place, neighbours);
    if (format->cold_size)
        memset(tocsin__tile_column(tile, TOCSIN__COLD), 0, format->cold_size);
    if (format->more) {
        tocsin__tile_more *more = tocsin__tile_more_of(format, tile);

        more->gap = tocsin__infinity();
        more->until = UINT32_MAX;
    }
    for (size_t slot = 0; slot < format->slots; slot++)
        memset(tocsin__tile_slot(format, tile, slot), 0, TOCSIN__SLOT_SIZE);
}

void tocsin__tile_part(const tocsin__format *format, tocsin__tile_head *tile)
{
    tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    int64_t *times = tocsin__tile_times(format, tile);

    if (!(tile->state & TOCSIN__TILE_EVEN))
        return;
    for (uint32_t k = 0; k < TOCSIN__LANES; k++)
        times[k] = tile->learnt_time;
    for (uint64_t lanes = more->pending; lanes;)
        times[tocsin__lanes_next(&lanes)] = more->before;
    tocsin__tile_fence();
    tile->state &= ~(uint32_t)(TOCSIN__TILE_EVEN | TOCSIN__TILE_WAITS);
    more->pending = 0;
}

void tocsin__tile_drain(const tocsin__format *format, tocsin__tile_head *tile)
{
    if (tile->drains)
        tocsin__tile_settle(tile, tocsin__tile_column(tile, format->habit),
                            tocsin__tile_column(tile, format->outside));
}

void tocsin__tile_arrays(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                         tocsin__arrays *arrays)
{
    memset(arrays, 0, sizeof *arrays);
    if (format->slots == 0)
        return;
    for (size_t i = 0; i < TOCSIN__MAX_ARRAYS; i++)
        arrays->base[i] = tocsin__tile_slot(format, tile, format->array[i]) + k;
    arrays->stride = TOCSIN__LANES * (size_t)tocsin__tile_more_of(format, tile)->neighbours;
}

static inline void tiles_copy(void *to, const void *from, size_t size)
{
    switch (size) {
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    default:
        memcpy(to, from, 8);
    }
}

static inline void tiles_gather_moves(const tocsin__format *format, tocsin__tile_head *tile,
                                      uint32_t k, char *row)
{
    for (uint32_t i = 0; i < format->move_count; i++) {
        const tocsin__move *move = &format->moves[i];
        const char *from =
            (const char *)tocsin__tile_column(tile, move->place) + (size_t)k * move->size;

        if (move->is_real) {
            float kept;
            double value;

            memcpy(&kept, from, sizeof kept);
            value = (double)kept;
            memcpy(row + move->row, &value, sizeof value);
        } else {
            tiles_copy(row + move->row, from, move->size);
        }
    }
}

/* The detector's, as it is once what drains has drained. */
static inline void tiles_gather_drained(const tocsin__format *format, tocsin__tile_head *tile,
                                        uint32_t k, char *row)
{
    uint16_t habit, outside = 0;

    tiles_gather_moves(format, tile, k, row);
    if (tile->drains == 0)
        return;
    memcpy(&habit, row + format->habit_row, sizeof habit);
    habit = (uint16_t)(habit > tile->drains ? habit - tile->drains : 0);
    memcpy(row + format->habit_row, &habit, sizeof habit);
    memcpy(row + format->outside_row, &outside, sizeof outside);
}

static inline void tiles_scatter_moves(const tocsin__format *format, tocsin__tile_head *tile,
                                       uint32_t k, const char *row)
{
    for (uint32_t i = 0; i < format->move_count; i++) {
        const tocsin__move *move = &format->moves[i];
        char *to = (char *)tocsin__tile_column(tile, move->place) + (size_t)k * move->size;

        if (move->is_real) {
            double value;
            float kept;

            memcpy(&value, row + move->row, sizeof value);
            kept = (float)value;
            memcpy(to, &kept, sizeof kept);
        } else {
            tiles_copy(to, row + move->row, move->size);
        }
    }
}

/* Of columns in units of an element: lane k's. */
#define TILES_AT(tile, place, type) ((type *)tocsin__tile_column((tile), (place)))

/* How long the block under way has taken, from its `begin`; and back.  While no step is known, the
 * column holds the time itself, as a float. */
static int64_t tiles_elapsed(const tocsin__tail_state *tail, int64_t time, uint32_t begin)
{
    if (tail->step > 0) {
        const uint32_t shift = tocsin__tail_shift(tail);

        return (int64_t)((uint64_t)((uint32_t)tocsin__tail_units(time, shift) - begin) << shift);
    }

    float elapsed;

    memcpy(&elapsed, &begin, sizeof elapsed);
    return elapsed > 0 && elapsed < 9e18f ? (int64_t)elapsed : 0;
}

static uint32_t tiles_begin(const tocsin__tail_state *tail, int64_t time)
{
    if (tail->step > 0) {
        const uint32_t shift = tocsin__tail_shift(tail);

        return (uint32_t)(tocsin__tail_units(time, shift) - ((uint64_t)tail->elapsed >> shift));
    }

    const float elapsed = (float)tail->elapsed;
    uint32_t begin;

    memcpy(&begin, &elapsed, sizeof begin);
    return begin;
}

void tocsin__tile_gather_calibrator(const tocsin__format *format, const tocsin_spec *spec,
                                    tocsin__tile_head *tile, uint32_t k, void *row)
{
    const tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    tocsin__tail_state *tail = tocsin__state_of(spec->calibrate, row);

    tocsin__tail_unpack(tocsin__tile_record(format, tile, k), spec->context.tier_count, tail);
    tail->maximum = (double)TILES_AT(tile, format->maximum, float)[k];
    tail->limit[0] = (double)TILES_AT(tile, format->bar, float)[k];
    tail->body = (double)tocsin__tail_coarse_of(TILES_AT(tile, format->body, uint16_t)[k]);
    tail->slope = (double)tocsin__tail_coarse_of(TILES_AT(tile, format->slope, uint16_t)[k]);
    tail->points = tail->length - (TILES_AT(tile, format->end, uint32_t)[k] - more->ticks);
    tail->elapsed = 0;
    if (!(more->fresh >> k & 1))
        tail->elapsed = tiles_elapsed(tail, tocsin__tile_time(format, tile, k),
                                      TILES_AT(tile, format->begin, uint32_t)[k]);
}

/* The calibrator's columns, and what the tile knows of when its blocks end. */
void tocsin__tile_scatter_calibrator(const tocsin__format *format, const tocsin_spec *spec,
                                     tocsin__tile_head *tile, uint32_t k, const void *row)
{
    const tocsin__tail_state *tail = tocsin__const_state_of(spec->calibrate, row);
    tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    const uint32_t left = tail->length - tail->points;
    const double gap = tocsin__tail_gap(tail);

    TILES_AT(tile, format->maximum, float)[k] = (float)tail->maximum;
    TILES_AT(tile, format->bar, float)[k] = (float)tail->limit[0];
    TILES_AT(tile, format->body, uint16_t)[k] = tocsin__tail_coarse_code(tail->body);
    TILES_AT(tile, format->slope, uint16_t)[k] = tocsin__tail_coarse_code(tail->slope);
    TILES_AT(tile, format->end, uint32_t)[k] = more->ticks + left;
    TILES_AT(tile, format->begin, uint32_t)[k] =
        tiles_begin(tail, tocsin__tile_time(format, tile, k));
    tocsin__tail_pack(tail, spec->context.tier_count, tocsin__tile_record(format, tile, k));
    if (more->fresh >> k & 1)       /* no kernel takes it before it is scattered again */
        return;
    more->gap = gap < more->gap ? gap : more->gap;
    more->until = left < more->until ? left : more->until;
}

void tocsin__tile_gather_detector(const tocsin__format *format, tocsin__tile_head *tile,
                                  uint32_t k, void *row)
{
    tiles_gather_drained(format, tile, k, row);
    if (format->model_time) {
        const int64_t learnt = tocsin__tile_time(format, tile, k);

        memcpy((char *)row + format->model_time, &learnt, sizeof learnt);
    }
}

void tocsin__tile_gather(const tocsin__format *format, const tocsin_spec *spec,
                         tocsin__tile_head *tile, uint32_t k, const tocsin__clock_state *clock,
                         void *row)
{
    tocsin__clock_state *own = tocsin__state_of(spec->clock, row);
    tocsin__gaps_state *gaps = tocsin__state_of(spec->gaps, row);

    *own = *clock;
    gaps->missing = 0;
    if (format->more) {
        own->has_learnt = (uint16_t)(~tocsin__tile_more_of(format, tile)->fresh >> k & 1);
        own->learnt = own->has_learnt ? tocsin__tile_time(format, tile, k) : 0;
    } else {
        own->has_learnt = own->points > 0;
        own->learnt = own->has_learnt ? own->time : 0;
    }
    tiles_gather_drained(format, tile, k, row);
    if (format->model_time)
        memcpy((char *)row + format->model_time, &own->learnt, sizeof own->learnt);
    if (format->bar)
        tocsin__tile_gather_calibrator(format, spec, tile, k, row);
    if (spec->alarm)
        tocsin__alarm_unpack(spec->alarm->constants,
                             tocsin__tile_record(format, tile, k) + format->record_alarm,
                             tocsin__state_of(spec->alarm, row));
}

/* Lane k was learnt at `time`. */
static void tiles_set_time(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                           int64_t time)
{
    tocsin__tile_more *more = tocsin__tile_more_of(format, tile);
    const uint64_t bit = UINT64_C(1) << k;

    more->fresh &= ~bit;
    more->pending &= ~bit;
    if (tocsin__tile_time(format, tile, k) != time) {
        tocsin__tile_part(format, tile);
        tocsin__tile_times(format, tile)[k] = time;
    }
}

/* Or never: its time stays that of adding. */
static void tiles_set_fresh(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k)
{
    tocsin__tile_part(format, tile);
    tocsin__tile_more_of(format, tile)->fresh |= UINT64_C(1) << k;
}

/* The detector's columns, and what the tile knows of its habits. */
static void tiles_scatter_detector(const tocsin__format *format, tocsin__tile_head *tile,
                                   uint32_t k, const void *row)
{
    tocsin__tile_drain(format, tile);
    tile->most = 0;
    tiles_scatter_moves(format, tile, k, row);
    if (format->habit && (TILES_AT(tile, format->habit, uint16_t)[k] |
                          TILES_AT(tile, format->outside, uint16_t)[k]) != 0)
        tile->flags &= ~(uint32_t)TOCSIN__TILE_CALM;
}

void tocsin__tile_scatter_learnt(const tocsin__format *format, tocsin__tile_head *tile, uint32_t k,
                                 int64_t time, const void *row)
{
    tiles_set_time(format, tile, k, time);
    tiles_scatter_detector(format, tile, k, row);
}

void tocsin__tile_scatter(const tocsin__format *format, const tocsin_spec *spec,
                          tocsin__tile_head *tile, uint32_t k, const void *row)
{
    const tocsin__clock_state *clock = tocsin__const_state_of(spec->clock, row);
    const uint64_t bit = UINT64_C(1) << k;

    if (format->more && clock->has_learnt)
        tiles_set_time(format, tile, k, clock->learnt);
    else if (format->more)
        tiles_set_fresh(format, tile, k);
    tiles_scatter_detector(format, tile, k, row);
    if (format->bar)
        tocsin__tile_scatter_calibrator(format, spec, tile, k, row);
    if (spec->alarm) {
        const void *alarm = tocsin__const_state_of(spec->alarm, row);

        tocsin__alarm_pack(spec->alarm->constants, alarm,
                           tocsin__tile_record(format, tile, k) + format->record_alarm);
        if (tocsin__alarm_is_at_rest(spec->alarm->constants, alarm))
            tile->busy &= ~bit;
        else
            tile->busy |= bit;
    }
}

/* ---- Arrays ------------------------------------------------------------------------ */

static void tiles_copy_arrays(const tocsin__format *format, const tocsin_spec *spec,
                              tocsin__tile_head *tile, uint32_t k, char *row, int to_row)
{
    const tocsin__compiled_stage *stage = spec->detect;
    tocsin__arrays arrays;

    tocsin__tile_arrays(format, tile, k, &arrays);
    for (uint32_t a = 0; a < TOCSIN__MAX_ARRAYS; a++) {
        const uint32_t length = stage->shape.length[a];
        float *there = arrays.base[a];

        if (length == 0)
            continue;

        float *here = (float *)(void *)(row + stage->state_offset +
                                        tocsin__layout_array(&stage->stage->layout, &stage->shape,
                                                             a));

        for (size_t i = 0; i < length; i++)
            if (to_row)
                here[i] = there[i * arrays.stride];
            else
                there[i * arrays.stride] = here[i];
    }
}

void tocsin__tile_gather_arrays(const tocsin__format *format, const tocsin_spec *spec,
                                tocsin__tile_head *tile, uint32_t k, void *row)
{
    tiles_copy_arrays(format, spec, tile, k, row, 1);
}

void tocsin__tile_scatter_arrays(const tocsin__format *format, const tocsin_spec *spec,
                                 tocsin__tile_head *tile, uint32_t k, const void *row)
{
    tiles_copy_arrays(format, spec, tile, k, (char *)(uintptr_t)row, 0);
}
