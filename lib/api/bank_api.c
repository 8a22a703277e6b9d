/* bank_api.c - the public functions of tocsin/bank.h: check the arguments, call the bank, hand
 * out as much as the caller has room for.
 */
#include "../bank/bank.h"
#include "../bank/classes.h"
#include "../bank/mapped.h"
#include "../core/alloc.h"
#include "../core/info.h"
#include "../prepare/prepare.h"
#include "detector_handle.h"

/* ---- Life ---------------------------------------------------------------------- */

int tocsin_bank_create(tocsin_bank **out, const tocsin_spec *spec,
                       const tocsin_bank_options *options, const tocsin_allocator *allocator)
{
    tocsin_bank_options resolved;
    tocsin_allocator copy;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec || tocsin__bank_options(&resolved, options) != TOCSIN_OK ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    return tocsin__bank_create(out, spec, &resolved, &copy);
}

uint64_t tocsin_bank_mapped_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                                 uint64_t series)
{
    tocsin_bank_options resolved;

    if (!spec || tocsin__bank_options(&resolved, options) != TOCSIN_OK ||
        series > resolved.max_series)
        return 0;
    return tocsin__mapped_size(spec, &resolved,
                               series ? (uint32_t)((series - 1) / TOCSIN_BANK_TILE + 1) : 1);
}

int tocsin_bank_create_mapped(tocsin_bank **out, const tocsin_spec *spec,
                              const tocsin_bank_options *options,
                              const tocsin_allocator *allocator, void *memory, uint64_t size,
                              tocsin_bank_recovery *recovery)
{
    tocsin_bank_options resolved;
    tocsin_bank_recovery found;
    tocsin_allocator copy;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec || !memory || tocsin__bank_options(&resolved, options) != TOCSIN_OK ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK ||
        (recovery && !tocsin__info_fits(recovery, sizeof *recovery)))
        return TOCSIN_ERROR_ARGUMENT;
    memset(&found, 0, sizeof found);
    found.time = TOCSIN_TIME_NONE;

    const int status =
        tocsin__mapped_create(out, spec, &resolved, &copy, memory, size, &found);

    if (status >= 0 && recovery) {
        found.struct_size = recovery->struct_size;
        *recovery = found;
    }
    return status;
}

int tocsin_bank_tile_condition(const tocsin_bank *bank, uint32_t tile)
{
    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if ((uint64_t)tile * TOCSIN_BANK_TILE >= bank->slots)
        return TOCSIN_ERROR_RANGE;
    return tocsin__mapped_condition(bank, tile);
}

void tocsin_bank_free(tocsin_bank *bank)
{
    if (bank)
        tocsin__bank_free(bank);
}

const tocsin_spec *tocsin_bank_spec(const tocsin_bank *bank)
{
    return bank ? bank->spec : NULL;
}

uint64_t tocsin_bank_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                          uint64_t series)
{
    tocsin_bank_options resolved;

    if (!spec || tocsin__bank_options(&resolved, options) != TOCSIN_OK ||
        series > resolved.max_series)
        return 0;
    return tocsin__bank_size(spec, &resolved, (uint32_t)series);
}

size_t tocsin_bank_series_size(const tocsin_spec *spec, const tocsin_bank_options *given)
{
    tocsin_bank_options options;
    tocsin__format format;

    if (!spec || tocsin__bank_options(&options, given) != TOCSIN_OK)
        return 0;
    tocsin__format_init(&format, spec, &options);

    /* Its part of the tile, two of a table's lines for seven ids, and less than a byte, rounded up. */
    return (tocsin__format_bytes(&format) + TOCSIN_BANK_TILE - 1) / TOCSIN_BANK_TILE +
           (options.ids == TOCSIN_IDS_KEPT ? 2 * sizeof(tocsin__ids_line) / 7 + 1 : 0) + 1;
}

/* ---- Series -------------------------------------------------------------------- */

int tocsin_bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot)
{
    uint32_t ignored;

    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    return tocsin__bank_add(bank, id, slot ? slot : &ignored);
}

uint32_t tocsin_bank_find(const tocsin_bank *bank, uint64_t id)
{
    return bank && bank->format.ids ? tocsin__ids_find(&bank->ids, id) : TOCSIN_SLOT_NONE;
}

int tocsin_bank_id(const tocsin_bank *bank, uint32_t slot, uint64_t *id)
{
    if (!bank || !id)
        return TOCSIN_ERROR_ARGUMENT;
    if (!tocsin__bank_has(bank, slot))
        return TOCSIN_ERROR_RANGE;
    *id = tocsin__bank_key(bank, slot);
    return TOCSIN_OK;
}

int tocsin_bank_remove(tocsin_bank *bank, uint32_t slot)
{
    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    if (!tocsin__bank_has(bank, slot))
        return TOCSIN_ERROR_RANGE;
    tocsin__bank_remove(bank, slot);
    bank->removed++;
    return TOCSIN_OK;
}

int tocsin_bank_evict(tocsin_bank *bank, int64_t since, uint64_t *count)
{
    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if (since == TOCSIN_TIME_NONE)
        return TOCSIN_ERROR_TIME;
    if (bank->is_ticking || !bank->format.times)
        return TOCSIN_ERROR_CONFLICT;

    const uint64_t evicted = tocsin__bank_evict(bank, since);

    if (count)
        *count = evicted;
    return TOCSIN_OK;
}

int tocsin_bank_reserve(tocsin_bank *bank, uint64_t series)
{
    if (!bank || series > bank->options.max_series)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    return tocsin__bank_reserve(bank, (uint32_t)series);
}

uint32_t tocsin_bank_slots(const tocsin_bank *bank)
{
    return bank ? bank->slots : 0;
}

/* ---- Dense --------------------------------------------------------------------- */

static int bank_api_bad_points(int mode, const void *verdicts, uint64_t verdict_size)
{
    return mode < TOCSIN_LEARN_AND_SCORE || mode > TOCSIN_HOLD ||
           (verdicts && (verdict_size < TOCSIN_VERDICT_MIN_SIZE || verdict_size > SIZE_MAX));
}

int tocsin_bank_tick_begin(tocsin_bank *bank, const tocsin_tick *tick)
{
    if (!bank || !tick || !tocsin__info_fits(tick, sizeof *tick) ||
        bank_api_bad_points(tick->mode, tick->verdicts, tick->verdict_size) ||
        tick->value_type > TOCSIN_VALUES_U64 || tick->nan_means > TOCSIN_NAN_SILENCE)
        return TOCSIN_ERROR_ARGUMENT;

    const int has_arrays = tick->values || tick->scores || tick->alarms || tick->verdicts;

    if (tick->count != bank->slots && (has_arrays || tick->count != 0))
        return TOCSIN_ERROR_ARGUMENT;
    if (tocsin__bank_is_shared(bank)) {
        if (tick->nan_means == TOCSIN_NAN_SILENCE)
            return TOCSIN_ERROR_CONFLICT;
        if (!tick->values && has_arrays)
            return TOCSIN_ERROR_ARGUMENT;
    } else if (tick->time == TOCSIN_TIME_NONE &&
               (!tick->values || tick->nan_means == TOCSIN_NAN_SILENCE)) {
        return TOCSIN_ERROR_TIME;
    }
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    return tocsin__rounds_begin(bank, tick);
}

static int bank_api_bad_range(const tocsin_bank *bank, uint32_t lane, uint32_t begin,
                              uint32_t end)
{
    return !bank || lane >= bank->options.lanes || begin > end || end > bank->slots ||
           begin % TOCSIN_BANK_TILE != 0 || (end % TOCSIN_BANK_TILE != 0 && end != bank->slots);
}

int tocsin_bank_tick_range(tocsin_bank *bank, uint32_t lane, uint32_t begin, uint32_t end)
{
    if (bank_api_bad_range(bank, lane, begin, end))
        return TOCSIN_ERROR_ARGUMENT;
    if (!bank->is_ticking || bank->is_pushed)
        return TOCSIN_ERROR_CONFLICT;
    tocsin__rounds_range(bank, tocsin__fleet_lane(bank, lane), &bank->tick, 0,
                         begin / TOCSIN_BANK_TILE,
                         end / TOCSIN_BANK_TILE + (end % TOCSIN_BANK_TILE != 0));
    return TOCSIN_OK;
}

int tocsin_bank_tick_part(tocsin_bank *bank, uint32_t lane, uint32_t begin, uint32_t end,
                          const void *values, double *scores, uint64_t *alarms)
{
    if (bank_api_bad_range(bank, lane, begin, end) || (!values && begin != end))
        return TOCSIN_ERROR_ARGUMENT;
    if (!bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    tocsin_tick part = bank->tick;

    part.values = values;
    part.scores = scores;
    part.alarms = alarms;
    part.verdicts = NULL;
    tocsin__rounds_range(bank, tocsin__fleet_lane(bank, lane), &part, begin,
                         begin / TOCSIN_BANK_TILE,
                         end / TOCSIN_BANK_TILE + (end % TOCSIN_BANK_TILE != 0));
    return TOCSIN_OK;
}

int tocsin_bank_tick_end(tocsin_bank *bank)
{
    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if (!bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    tocsin__rounds_end(bank);
    tocsin__fleet_settle(bank);
    return TOCSIN_OK;
}

int tocsin_bank_tick(tocsin_bank *bank, const tocsin_tick *tick)
{
    const int status = tocsin_bank_tick_begin(bank, tick);

    if (status != TOCSIN_OK)
        return status;
    if (!bank->is_pushed)
        tocsin_bank_tick_range(bank, 0, 0, bank->slots);
    return tocsin_bank_tick_end(bank);
}

/* ---- Sparse -------------------------------------------------------------------- */

static int bank_api_push(tocsin_bank *bank, const tocsin_point *points, size_t count, int by_id,
                         int mode, const tocsin__sparse_out *out)
{
    if (!bank || (count && !points) || bank_api_bad_points(mode, out->verdicts, out->verdict_size))
        return TOCSIN_ERROR_ARGUMENT;
    if (!out->rows && bank->spec->metrics != 1)
        return TOCSIN_ERROR_WIDTH;

    const uint32_t is_own_round = !bank->is_ticking;

    if ((tocsin__bank_is_shared(bank) && !(bank->is_ticking && bank->is_pushed)) ||
        (by_id && !bank->format.ids))
        return TOCSIN_ERROR_CONFLICT;
    if (is_own_round) {
        tocsin__fleet_start(bank);
        if (bank->mapped)
            tocsin__mapped_begin(bank);
    }

    const int status = tocsin__rounds_push(bank, tocsin__fleet_lane(bank, 0), points, count, by_id,
                                           mode, out);

    if (is_own_round)
        tocsin__fleet_settle(bank);
    return status;
}

int tocsin_bank_push_ids(tocsin_bank *bank, const tocsin_point *points, size_t count, int mode,
                         double *scores, tocsin_verdict *verdicts, size_t verdict_size)
{
    const tocsin__sparse_out out = {NULL, scores, verdicts, verdict_size};

    return bank_api_push(bank, points, count, 1, mode, &out);
}

int tocsin_bank_push_slots(tocsin_bank *bank, const tocsin_point *points, size_t count, int mode,
                           double *scores, tocsin_verdict *verdicts, size_t verdict_size)
{
    const tocsin__sparse_out out = {NULL, scores, verdicts, verdict_size};

    return bank_api_push(bank, points, count, 0, mode, &out);
}

static int bank_api_push_rows(tocsin_bank *bank, const tocsin_point *points, const double *rows,
                              size_t metrics, size_t count, int by_id, int mode,
                              const tocsin__sparse_out *out)
{
    if (!bank || (count && !rows))
        return TOCSIN_ERROR_ARGUMENT;
    if (metrics != bank->spec->metrics)
        return TOCSIN_ERROR_WIDTH;
    return bank_api_push(bank, points, count, by_id, mode, out);
}

int tocsin_bank_push_rows_ids(tocsin_bank *bank, const tocsin_point *points, const double *rows,
                              size_t metrics, size_t count, int mode, double *scores,
                              tocsin_verdict *verdicts, size_t verdict_size)
{
    const tocsin__sparse_out out = {rows, scores, verdicts, verdict_size};

    return bank_api_push_rows(bank, points, rows, metrics, count, 1, mode, &out);
}

int tocsin_bank_push_rows_slots(tocsin_bank *bank, const tocsin_point *points,
                                const double *rows, size_t metrics, size_t count, int mode,
                                double *scores, tocsin_verdict *verdicts, size_t verdict_size)
{
    const tocsin__sparse_out out = {rows, scores, verdicts, verdict_size};

    return bank_api_push_rows(bank, points, rows, metrics, count, 0, mode, &out);
}

/* ---- Marks --------------------------------------------------------------------- */

/* Of a bank whose series have clocks of their own. */
static tocsin__clock_state *bank_api_clock(const tocsin_bank *bank, uint32_t slot)
{
    return tocsin__state_of(bank->spec->clock,
                            tocsin__tile_row(&bank->format, tocsin__bank_tile(bank, slot),
                                             slot % TOCSIN_BANK_TILE));
}

static void bank_api_mark(tocsin_bank *bank, uint32_t slot, int kind, uint32_t options,
                          int64_t begin, int64_t end)
{
    if (bank->mapped)
        tocsin__mapped_guard(bank, slot);
    tocsin__clock_mark(bank_api_clock(bank, slot), kind, options, begin, end);
    if (bank->mapped)
        tocsin__mapped_done(bank);
}

int tocsin_bank_mark(tocsin_bank *bank, const uint32_t *slots, size_t count, int kind,
                     uint32_t options, int64_t begin, int64_t end)
{
    if (!bank || kind < TOCSIN_MARK_DEPLOY || kind > TOCSIN_MARK_MAINTENANCE ||
        (options & ~(uint32_t)(TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN)))
        return TOCSIN_ERROR_ARGUMENT;
    if (begin == TOCSIN_TIME_NONE || (options && end != TOCSIN_TIME_NONE && end < begin))
        return TOCSIN_ERROR_TIME;
    if (bank->is_ticking || (slots && tocsin__bank_is_shared(bank)))
        return TOCSIN_ERROR_CONFLICT;

    if (tocsin__bank_is_shared(bank)) {
        bank->changes++;
        tocsin__clock_mark(&bank->clock, kind, options, begin, end);
        if (bank->mapped)
            tocsin__mapped_save(bank);
    } else if (slots) {
        for (size_t i = 0; i < count; i++)
            if (!tocsin__bank_has(bank, slots[i]))
                return TOCSIN_ERROR_RANGE;
        bank->changes++;
        for (size_t i = 0; i < count; i++)
            bank_api_mark(bank, slots[i], kind, options, begin, end);
    } else {
        bank->changes++;
        for (uint32_t slot = 0; slot < bank->slots; slot++)
            if (tocsin__bank_has(bank, slot))
                bank_api_mark(bank, slot, kind, options, begin, end);
    }
    return TOCSIN_OK;
}

/* ---- One series out of many ------------------------------------------------------ */

static int bank_api_bad_copy(const tocsin_bank *bank, uint32_t slot,
                             const tocsin_detector *detector)
{
    if (!bank || !detector)
        return TOCSIN_ERROR_ARGUMENT;
    if (!tocsin__bank_has(bank, slot))
        return TOCSIN_ERROR_RANGE;
    if (!tocsin__spec_is_same(bank->spec, detector->spec))
        return TOCSIN_ERROR_MISMATCH;
    return bank->is_ticking ? TOCSIN_ERROR_CONFLICT : TOCSIN_OK;
}

int tocsin_bank_copy_out(const tocsin_bank *bank, uint32_t slot, tocsin_detector *detector)
{
    const int status = bank_api_bad_copy(bank, slot, detector);

    if (status != TOCSIN_OK)
        return status;
    tocsin__bank_read(bank, slot, tocsin__detector_state(detector));
    tocsin__detector_forget(detector);
    return TOCSIN_OK;
}

int tocsin_bank_copy_in(tocsin_bank *bank, uint32_t slot, const tocsin_detector *detector)
{
    const int status = bank_api_bad_copy(bank, slot, detector);

    if (status != TOCSIN_OK)
        return status;
    tocsin__bank_put(bank, slot, tocsin__detector_const_state(detector));
    tocsin__classes_replaced(bank, slot);
    return TOCSIN_OK;
}

/* ---- What a round has brought ----------------------------------------------------- */

size_t tocsin_bank_alarms(const tocsin_bank *bank, tocsin_alarm *alarms, size_t alarm_size,
                          size_t capacity)
{
    size_t count = 0;

    if (!bank || !alarms || alarm_size < TOCSIN_ALARM_MIN_SIZE || bank->is_ticking)
        return 0;
    for (; count < capacity; count++) {
        const tocsin_alarm *alarm = tocsin__fleet_alarm(bank, count);

        if (!alarm)
            break;
        tocsin__bank_hand_out(alarm, sizeof *alarm, (char *)alarms + count * alarm_size,
                              alarm_size);
    }
    return count;
}

static int bank_api_counts(const tocsin_bank *bank, const tocsin_bank_counts *from,
                           tocsin_bank_counts *to)
{
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    const uint32_t struct_size = to->struct_size;

    *to = *from;
    to->struct_size = struct_size;
    return TOCSIN_OK;
}

int tocsin_bank_last(const tocsin_bank *bank, tocsin_bank_counts *counts)
{
    return bank && counts && tocsin__info_fits(counts, sizeof *counts)
               ? bank_api_counts(bank, &bank->last, counts)
               : TOCSIN_ERROR_ARGUMENT;
}

int tocsin_bank_total(const tocsin_bank *bank, tocsin_bank_counts *counts)
{
    return bank && counts && tocsin__info_fits(counts, sizeof *counts)
               ? bank_api_counts(bank, &bank->total, counts)
               : TOCSIN_ERROR_ARGUMENT;
}

int tocsin_bank_describe(const tocsin_bank *bank, tocsin_bank_info *info)
{
    if (!bank || !info || !tocsin__info_fits(info, sizeof *info))
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    tocsin__info_clear(info, sizeof *info);
    info->slots = bank->slots;
    info->series = bank->series;
    info->capacity = tocsin__bank_capacity(bank);
    info->max_series = bank->options.max_series;
    info->bytes = bank->bytes;
    info->added = bank->added;
    info->removed = bank->removed;
    info->evicted = bank->evicted;
    info->refused = bank->refused;
    info->time = bank->latest;
    return TOCSIN_OK;
}
