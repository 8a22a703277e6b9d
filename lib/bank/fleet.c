/* fleet.c - a round's alarms: the loudest of them, in order, and a count of the rest.
 *
 * When a switch fails, ten thousand series ring at once.  What an operator needs then
 * is the worst few and the number: so a round lists at most K alarms, and counts what it
 * leaves out as suppressed.  Silence is worse: absent series have no score to be
 * ranked by and usually a common cause, so they are one entry, with their number.
 *
 * The order is total: pages before tickets, then the higher score, then the lower
 * slot, then the earlier time.  The K first of a round are therefore the same
 * whoever found them in what order: each lane keeps the K loudest that it has met, in a
 * heap whose root is the least of them, and the K loudest of all are among these.
 * At the round's end they are put into the first lane's heap, which is then sorted in
 * place by taking its root away again and again (Williams' heapsort).
 *
 * Memory: K alarms of 120 bytes per lane, whatever the number of series.  Cost: a
 * comparison per alarm that starts, log2 K of them for one that is listed.
 */
#include "bank.h"
#include "classes.h"
#include "mapped.h"

/* A lane and its list. */
static size_t fleet_list_size(const tocsin_bank_options *options)
{
    const size_t size =
        sizeof(tocsin__lane) + (size_t)options->alarms_per_round * sizeof(tocsin_alarm);

    return (size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

/* Room for a point of several metrics. */
static size_t fleet_values_size(const tocsin_spec *spec)
{
    const size_t size = spec->metrics > 1 ? spec->metrics * sizeof(double) : 0;

    return (size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

/* With its scratch memory. */
static size_t fleet_lane_size(const tocsin_bank_options *options, const tocsin__format *format,
                              const tocsin_spec *spec)
{
    return fleet_list_size(options) + tocsin__bank_row_size(spec) + fleet_values_size(spec) +
           (format->kind == TOCSIN__NO_KERNEL ? 0 : 2 * (format->tile_size + format->cold_size));
}

uint64_t tocsin__fleet_size(const tocsin_bank_options *options, const tocsin__format *format,
                            const tocsin_spec *spec)
{
    return (uint64_t)options->lanes * fleet_lane_size(options, format, spec);
}

tocsin__lane *tocsin__fleet_lane(tocsin_bank *bank, uint32_t lane)
{
    return (tocsin__lane *)(void *)((char *)bank + TOCSIN__BANK_HEAD_SIZE +
                                    tocsin__bank_row_size(bank->spec) +
                                    lane * fleet_lane_size(&bank->options, &bank->format,
                                                           bank->spec));
}

static tocsin_alarm *fleet_heap(tocsin__lane *lane)
{
    return (tocsin_alarm *)(void *)(lane + 1);
}

/* ---- The order ------------------------------------------------------------------ */

/* Does a stand before b in the list? */
static int fleet_is_louder(const tocsin_alarm *a, const tocsin_alarm *b)
{
    if (a->verdict.tier != b->verdict.tier)
        return a->verdict.tier > b->verdict.tier;
    if (a->verdict.score != b->verdict.score)
        return a->verdict.score > b->verdict.score;
    if (a->slot != b->slot)
        return a->slot < b->slot;
    return a->verdict.time < b->verdict.time;
}

/* ---- The heap: no alarm is louder than those below it ----------------------------- */

static void fleet_swap(tocsin_alarm *a, tocsin_alarm *b)
{
    const tocsin_alarm kept = *a;

    *a = *b;
    *b = kept;
}

static void fleet_rise(tocsin_alarm *heap, size_t at)
{
    while (at > 0 && fleet_is_louder(&heap[(at - 1) / 2], &heap[at])) {
        fleet_swap(&heap[(at - 1) / 2], &heap[at]);
        at = (at - 1) / 2;
    }
}

static void fleet_sink(tocsin_alarm *heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (fleet_is_louder(&heap[least], &heap[child]))
                least = child;
        if (least == at)
            return;
        fleet_swap(&heap[at], &heap[least]);
        at = least;
    }
}

static void fleet_offer(const tocsin_bank *bank, tocsin__lane *lane, const tocsin_alarm *alarm)
{
    tocsin_alarm *heap = fleet_heap(lane);

    if (lane->listed < bank->options.alarms_per_round) {
        heap[lane->listed] = *alarm;
        fleet_rise(heap, lane->listed++);
    } else if (fleet_is_louder(alarm, &heap[0])) {
        heap[0] = *alarm;
        fleet_sink(heap, lane->listed, 0);
    }
}

/* Absences as one: the lowest slot stands for all. */
static void fleet_join_absent(tocsin__lane *lane, const tocsin_alarm *absent)
{
    const uint32_t series = lane->absent.series + absent->series;

    if (lane->absent.series == 0 || absent->slot < lane->absent.slot)
        lane->absent = *absent;
    lane->absent.series = series;
}

/* ---- A round ------------------------------------------------------------------------ */

void tocsin__fleet_init(tocsin_bank *bank)
{
    for (uint32_t i = 0; i < bank->options.lanes; i++) {
        tocsin__lane *lane = tocsin__fleet_lane(bank, i);

        lane->row = (char *)lane + fleet_list_size(&bank->options);
        memcpy(lane->row, tocsin__bank_initial(bank), bank->spec->state_size);
        lane->values = (double *)(void *)((char *)lane->row + tocsin__bank_row_size(bank->spec));
        lane->undo = NULL;
        for (size_t b = 0; b < 2; b++) {
            const size_t size = bank->format.tile_size + bank->format.cold_size;
            char *tile = (char *)lane->values + fleet_values_size(bank->spec) + b * size;

            lane->tile[b] = NULL;
            if (tocsin__bank_is_in_columns(bank)) {
                lane->tile[b] = (tocsin__tile_head *)(void *)tile;
                memset(tile, 0, size);
                tocsin__tile_place(&bank->format, lane->tile[b], 0, 1);
            }
        }
    }
    tocsin__fleet_start(bank);
}

void tocsin__fleet_start(tocsin_bank *bank)
{
    for (uint32_t i = 0; i < bank->options.lanes; i++) {
        tocsin__lane *lane = tocsin__fleet_lane(bank, i);

        memset(&lane->counts, 0, sizeof lane->counts);
        lane->latest = TOCSIN_TIME_NONE;
        lane->listed = 0;
        lane->has_gone_back = 0;
        lane->absent.series = 0;
    }
}

void tocsin__fleet_ring(const tocsin_bank *bank, tocsin__lane *lane, uint32_t slot,
                        const tocsin__outcome *outcome)
{
    tocsin_alarm alarm;

    alarm.id = tocsin__bank_key(bank, slot);
    alarm.slot = slot;
    alarm.series = 1;
    tocsin__outcome_verdict(bank->spec, outcome, &alarm.verdict, sizeof alarm.verdict);
    lane->counts.started++;
    if (alarm.verdict.reason == TOCSIN_REASON_ABSENCE) {
        lane->counts.absences++;
        fleet_join_absent(lane, &alarm);
    } else {
        fleet_offer(bank, lane, &alarm);
    }
}

static void fleet_add_counts(tocsin_bank_counts *to, const tocsin_bank_counts *counts)
{
    to->rounds += counts->rounds;
    to->points += counts->points;
    to->missing += counts->missing;
    to->silent += counts->silent;
    to->late += counts->late;
    to->repeated += counts->repeated;
    to->unknown += counts->unknown;
    to->started += counts->started;
    to->absences += counts->absences;
    to->suppressed += counts->suppressed;
    to->cleared += counts->cleared;
}

void tocsin__fleet_settle(tocsin_bank *bank)
{
    tocsin__lane *all = tocsin__fleet_lane(bank, 0);
    tocsin_alarm *heap = fleet_heap(all);

    for (uint32_t i = 1; i < bank->options.lanes; i++) {
        tocsin__lane *lane = tocsin__fleet_lane(bank, i);

        for (uint32_t k = 0; k < lane->listed; k++)
            fleet_offer(bank, all, &fleet_heap(lane)[k]);
        if (lane->absent.series)
            fleet_join_absent(all, &lane->absent);
        if (lane->latest > all->latest)
            all->latest = lane->latest;
        all->has_gone_back |= lane->has_gone_back;
        fleet_add_counts(&all->counts, &lane->counts);
    }
    for (size_t left = all->listed; left > 1; left--) {
        fleet_swap(&heap[0], &heap[left - 1]);
        fleet_sink(heap, left - 1, 0);
    }

    bank->last = all->counts;
    bank->last.rounds = 1;
    bank->last.suppressed = bank->last.started - bank->last.absences - all->listed;
    fleet_add_counts(&bank->total, &bank->last);
    bank->changes++;
    if (all->has_gone_back)         /* somebody may be idle for longer than any candidate */
        bank->idle_count = 0;
    if (all->latest > bank->latest)
        bank->latest = all->latest;
    tocsin__classes_settle(bank);
    if (bank->mapped)
        tocsin__mapped_end(bank);
}

const tocsin_alarm *tocsin__fleet_alarm(const tocsin_bank *bank, size_t i)
{
    tocsin__lane *all = tocsin__fleet_lane((tocsin_bank *)(uintptr_t)bank, 0);
    const tocsin_alarm *list = fleet_heap(all);

    if (all->absent.series) {
        if (i == 0)
            return &all->absent;
        i--;
    }
    return i < all->listed ? &list[i] : NULL;
}
