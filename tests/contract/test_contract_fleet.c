/* A fleet of banks against a naive array of single detectors, bit for bit: random sequences of
 * everything that can be done to banks.
 *
 * Series are added, found, removed, evicted; they get dense ticks, whole, in ranges and in parts,
 * and sparse points by id and by slot, early, late, twice and of nobody; they are marked, copied
 * out and in; banks are written to shards and go on as what was read from them, are split and are
 * merged again, all with one kernel after the other.  The naive side is one detector per series and
 * a few sums.  After each step it says what the bank must have said: scores, verdicts, alarm bits,
 * the list of alarms, the counts, who lives where, and the states themselves.
 *
 * With -DFLEET_SEEDS=n as many sequences of each pipe are run instead of one: tests/soak.sh. */
#include <math.h>

#include "../support/banks.h"
#include "../support/shards.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#ifndef FLEET_SEEDS
#define FLEET_SEEDS 1
#endif

#define MOST 1536               /* slots of a bank */
#define MOST_PARTS 4
#define TILES (MOST / TOCSIN_BANK_TILE)
#define LANES 3
#define PUSHED 700              /* points of a sparse push */
#define UNTOUCHED 12345.5

/* ---- The naive side ---------------------------------------------------------------- */

/* A series: a detector, and when it had what. */
typedef struct member {
    tocsin_detector *detector;  /* NULL: nobody lives there */
    uint64_t id;
    double level;
    int64_t active;             /* since when it is idle */
    int64_t last, learnt;       /* TOCSIN_TIME_NONE: not yet */
    int is_strange;             /* it had a value that was, and may be worth a look */
} member;

/* A bank, and what it should be. */
typedef struct part {
    tocsin_bank *bank;
    tocsin_detector *newborn;   /* what a series is that comes now */
    member *member;             /* by slot */
    uint32_t slots, series;
    int64_t latest;
    uint64_t added, removed, evicted, refused;
    tocsin_bank_counts last, total;
    tocsin_alarm *rung;         /* alarms of the round */
    size_t rung_count, rung_capacity;
    uint32_t absent;            /* how many fell silent in it */
    tocsin_alarm first_absent;
} part;

typedef struct pipe {
    const char *text;
    uint32_t clock;
    uint32_t in_columns;        /* it has kernels */
} pipe;

typedef struct fleet {
    const pipe *pipe;
    tocsin_spec *spec;
    tocsin_bank_options options;
    tocsin_detector *copy;
    part part[MOST_PARTS];
    uint32_t parts;
    uint32_t population;        /* series there are about */
    int is_still;
    size_t step;
    int64_t now;
    uint64_t next_id;
    size_t missing_at;          /* where in a snapshot the count of missing values is; 0: exact */
    int compares_states;
    rng r;
    /* What has happened at all: a sequence without alarms would show little. */
    uint64_t points, started, evictions, reloads, splits, merges, copies, marks;
} fleet;

static size_t fleet_below(fleet *f, size_t bound)
{
    return rng_below(&f->r, bound);
}

static int fleet_is_shared(const fleet *f)
{
    return f->pipe->clock == TOCSIN_CLOCK_SHARED;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Rounds ------------------------------------------------------------------------ */

static void round_begin(part *p)
{
    memset(&p->last, 0, sizeof p->last);
    p->last.rounds = 1;
    p->rung_count = 0;
    p->absent = 0;
}

static void round_ring(part *p, uint32_t slot, const tocsin_verdict *verdict)
{
    tocsin_alarm alarm;

    memset(&alarm, 0, sizeof alarm);
    alarm.id = p->member[slot].id;
    alarm.slot = slot;
    alarm.series = 1;
    alarm.verdict = *verdict;
    p->last.started++;
    if (verdict->reason == TOCSIN_REASON_ABSENCE) {
        p->last.absences++;
        if (p->absent++ == 0 || slot < p->first_absent.slot)
            p->first_absent = alarm;
        return;
    }
    if (p->rung_count == p->rung_capacity) {
        p->rung_capacity = 2 * p->rung_capacity + 16;
        p->rung = realloc(p->rung, p->rung_capacity * sizeof *p->rung);
        require(p->rung != NULL, "the test itself is out of memory");
    }
    p->rung[p->rung_count++] = alarm;
}

/* What a detector has said of a point, into the sums. */
static void round_note(fleet *f, part *p, uint32_t slot, int is_silence, int status,
                       const tocsin_verdict *verdict)
{
    member *m = &p->member[slot];
    const int is_learnt = (verdict->flags & (TOCSIN_FLAG_MISSING | TOCSIN_FLAG_HELD)) == 0;

    f->points++;
    if (status == TOCSIN_INFO_IGNORED) {
        if (verdict->flags & TOCSIN_FLAG_REPEATED)
            p->last.repeated++;
        else
            p->last.late++;
    } else if (is_silence) {
        p->last.silent++;
    } else {
        p->last.points++;
        m->last = verdict->time;
        if (is_learnt)
            m->learnt = verdict->time;
        if (verdict->flags & TOCSIN_FLAG_MISSING) {
            p->last.missing++;
        } else {
            m->active = verdict->time;
            p->latest = later(p->latest, verdict->time);
        }
    }
    if (verdict->transition == TOCSIN_TRANSITION_START)
        round_ring(p, slot, verdict);
    else if (verdict->transition == TOCSIN_TRANSITION_CLEAR)
        p->last.cleared++;
}

/* Pages first, then the higher score, then the lower slot, then the earlier time. */
static int by_loudness(const void *left, const void *right)
{
    const tocsin_alarm *a = left, *b = right;

    if (a->verdict.tier != b->verdict.tier)
        return a->verdict.tier > b->verdict.tier ? -1 : 1;
    if (a->verdict.score != b->verdict.score)
        return a->verdict.score > b->verdict.score ? -1 : 1;
    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    return a->verdict.time < b->verdict.time ? -1 : 1;
}

static void part_check_info(const fleet *f, const part *p)
{
    const tocsin_bank_info info = banks_info(p->bank);

    require(info.slots == p->slots && info.series == p->series && info.capacity >= p->series &&
                info.max_series == f->options.max_series,
            "%u slots, %u series", info.slots, (unsigned)info.series);
    require(info.added == p->added && info.removed == p->removed &&
                info.evicted == p->evicted && info.refused == p->refused,
            "added %u removed %u evicted %u refused %u", (unsigned)info.added,
            (unsigned)info.removed, (unsigned)info.evicted, (unsigned)info.refused);
    require(info.time == p->latest, "%s: step %zu: the newest value is of %lld, not %lld",
            f->pipe->text, f->step, (long long)info.time, (long long)p->latest);
}

static void assert_same_counts(const fleet *f, const tocsin_bank_counts *ours,
                               tocsin_bank_counts expected)
{
    expected.struct_size = sizeof expected;
    require(memcmp(ours, &expected, sizeof expected) == 0,
            "%s: step %zu: points %u %u missing %u %u late %u %u repeated %u %u unknown %u %u "
            "started %u %u suppressed %u %u cleared %u %u",
            f->pipe->text, f->step, (unsigned)ours->points, (unsigned)expected.points,
            (unsigned)ours->missing, (unsigned)expected.missing, (unsigned)ours->late,
            (unsigned)expected.late, (unsigned)ours->repeated, (unsigned)expected.repeated,
            (unsigned)ours->unknown, (unsigned)expected.unknown, (unsigned)ours->started,
            (unsigned)expected.started, (unsigned)ours->suppressed, (unsigned)expected.suppressed,
            (unsigned)ours->cleared, (unsigned)expected.cleared);
}

/* Add the counts of a round to those of all. */
static void counts_add(tocsin_bank_counts *to, const tocsin_bank_counts *of)
{
    to->rounds += of->rounds;
    to->points += of->points;
    to->missing += of->missing;
    to->silent += of->silent;
    to->late += of->late;
    to->repeated += of->repeated;
    to->unknown += of->unknown;
    to->started += of->started;
    to->absences += of->absences;
    to->suppressed += of->suppressed;
    to->cleared += of->cleared;
}

static void round_end(fleet *f, part *p)
{
    const size_t most = f->options.alarms_per_round;
    const size_t listed = p->rung_count < most ? p->rung_count : most;
    const size_t first = p->absent > 0;
    static tocsin_alarm alarms[128];
    tocsin_bank_counts total;

    p->last.suppressed = p->rung_count - listed;
    f->started += p->last.started;
    counts_add(&p->total, &p->last);

    const tocsin_bank_counts last = banks_last(p->bank);

    assert_same_counts(f, &last, p->last);
    total.struct_size = sizeof total;
    require(tocsin_bank_total(p->bank, &total) == TOCSIN_OK, "no total");
    assert_same_counts(f, &total, p->total);

    if (p->rung_count)
        qsort(p->rung, p->rung_count, sizeof *p->rung, by_loudness);
    require(tocsin_bank_alarms(p->bank, alarms, sizeof alarms[0], 128) == first + listed,
            "another number of alarms");
    if (first) {
        p->first_absent.series = p->absent;
        require(memcmp(&alarms[0], &p->first_absent, sizeof alarms[0]) == 0, "other absences");
    }
    require(listed == 0 || memcmp(alarms + first, p->rung, listed * sizeof alarms[0]) == 0,
            "%s: step %zu: other alarms, or in another order", f->pipe->text, f->step);
    part_check_info(f, p);
}

/* ---- States ------------------------------------------------------------------------ */

/* A series of a shared clock does not count its missing values: where that number is in a
 * snapshot, found as the only difference between two of which one has had one. */
static size_t find_missing(const tocsin_spec *spec)
{
    tocsin_detector *a = specs_detector(spec), *b = specs_detector(spec);
    snapshot of_a, of_b;
    size_t at = 0;

    tocsin_detector_push(a, TOCSIN_MINUTE, NAN, TOCSIN_LEARN_AND_SCORE, NULL, 0);
    tocsin_detector_push(b, TOCSIN_MINUTE, 1, TOCSIN_HOLD, NULL, 0);
    of_a = snapshot_of(a);
    of_b = snapshot_of(b);
    while (at < of_a.size && of_a.bytes[at] == of_b.bytes[at])
        at++;
    require(at > 0 && at + 12 <= of_a.size && of_a.bytes[at] == 1 && of_b.bytes[at] == 0 &&
                memcmp(of_a.bytes + at + 8, of_b.bytes + at + 8, of_a.size - 4 - at - 8) == 0,
            "one missing value makes another difference");
    snapshot_free(&of_a);
    snapshot_free(&of_b);
    tocsin_detector_free(a);
    tocsin_detector_free(b);
    return at;
}

/* But for the count of missing values, which is at that place. */
static int states_are_same(const tocsin_detector *a, const tocsin_detector *b, size_t missing_at)
{
    snapshot ours = snapshot_of(a), theirs = snapshot_of(b);
    int is_same;

    memset(ours.bytes + missing_at, 0, 8);
    memset(theirs.bytes + missing_at, 0, 8);
    is_same = memcmp(ours.bytes, theirs.bytes, ours.size - 4) == 0;
    snapshot_free(&ours);
    snapshot_free(&theirs);
    return is_same;
}

static const char *states_difference(const tocsin_detector *a, const tocsin_detector *b)
{
    static tocsin_error error;

    error = states_error();
    tocsin_detector_compare(a, b, &error);
    return error.message;
}

static void part_check_state(const fleet *f, const part *p, uint32_t slot, int compares)
{
    const member *m = &p->member[slot];
    const int status = tocsin_bank_copy_out(p->bank, slot, f->copy);
    uint64_t id = 0;

    if (!m->detector) {
        require(status == TOCSIN_ERROR_RANGE, "there is somebody in slot %u", slot);
        return;
    }
    require(status == TOCSIN_OK, "not copied out");
    require(tocsin_bank_id(p->bank, slot, &id) == TOCSIN_OK && id == m->id &&
                tocsin_bank_find(p->bank, id) == slot,
            "another id in slot %u", slot);
    if (!compares || !f->compares_states)
        return;
    if (f->missing_at == 0) {
        assert_same_state(m->detector, f->copy, f->pipe->text);
        return;
    }

    require(states_are_same(f->copy, m->detector, f->missing_at),
            "%s: step %zu slot %u: states differ, not only: %s", f->pipe->text, f->step, slot,
            states_difference(f->copy, m->detector));
}

/* Who lives where, and of some what they have become. */
static void part_check_all(fleet *f, const part *p)
{
    const uint32_t every = 1 + p->slots / 16, first = (uint32_t)fleet_below(f, every);

    part_check_info(f, p);
    for (uint32_t slot = 0; slot < p->slots; slot++)
        part_check_state(f, p, slot, slot % every == first);
}

/* One at random, and one that is worth a look. */
static void part_check_some(fleet *f, part *p)
{
    const uint32_t start = (uint32_t)fleet_below(f, p->slots);

    part_check_state(f, p, start, 1);
    for (uint32_t i = 0; i < p->slots; i++) {
        member *m = &p->member[(start + i) % p->slots];

        if (m->detector && m->is_strange) {
            part_check_state(f, p, (start + i) % p->slots, 1);
            m->is_strange = fleet_below(f, 4) != 0;
            return;
        }
    }
}

/* ---- Parts ------------------------------------------------------------------------- */

/* An empty bank beside its empty array; `like` knows what a newborn is, or is NULL. */
static part part_new(const fleet *f, const part *like)
{
    part p;

    memset(&p, 0, sizeof p);
    p.bank = banks_create(f->spec, &f->options);
    if (!like)
        p.newborn = specs_detector(f->spec);
    else
        require(tocsin_detector_clone(&p.newborn, like->newborn, NULL) == TOCSIN_OK, "no clone");
    p.member = calloc(MOST, sizeof *p.member);
    require(p.member != NULL, "the test itself is out of memory");
    p.latest = TOCSIN_TIME_NONE;
    return p;
}

/* Members that have moved elsewhere have left no detector behind. */
static void part_free(part *p)
{
    for (uint32_t slot = 0; slot < p->slots; slot++)
        tocsin_detector_free(p->member[slot].detector);
    tocsin_detector_free(p->newborn);
    tocsin_bank_free(p->bank);
    free(p->member);
    free(p->rung);
}

static void part_drop(part *p, uint32_t slot)
{
    tocsin_detector_free(p->member[slot].detector);
    p->member[slot].detector = NULL;
    p->series--;
}

/* Where a series of that id lives; MOST: nowhere. */
static uint32_t part_find(const part *p, uint64_t id)
{
    for (uint32_t slot = 0; slot < p->slots; slot++)
        if (p->member[slot].detector && p->member[slot].id == id)
            return slot;
    return MOST;
}

/* A slot with a series in it; MOST if there is none. */
static uint32_t part_somebody(fleet *f, const part *p)
{
    const uint32_t start = p->slots ? (uint32_t)fleet_below(f, p->slots) : 0;

    for (uint32_t i = 0; i < p->slots; i++)
        if (p->member[(start + i) % p->slots].detector)
            return (start + i) % p->slots;
    return MOST;
}

/* ---- Series come and go ------------------------------------------------------------ */

/* A full bank has made room: somebody who has been idle for longest is gone. */
static void part_note_eviction(fleet *f, part *p)
{
    int64_t longest = INT64_MAX;
    uint32_t gone = MOST;

    for (uint32_t slot = 0; slot < p->slots; slot++) {
        const member *m = &p->member[slot];

        if (!m->detector)
            continue;
        if (m->active < longest)
            longest = m->active;
        if (tocsin_bank_find(p->bank, m->id) == TOCSIN_SLOT_NONE) {
            require(gone == MOST, "more than one was evicted");
            gone = slot;
        }
    }
    require(gone != MOST, "nobody was evicted");
    require(p->member[gone].active == longest,
            "%s: step %zu: slot %u was evicted, which has not been idle for longest",
            f->pipe->text, f->step, gone);
    part_drop(p, gone);
    p->evicted++;
    f->evictions++;
}

/* An id that is new to the bank. */
static void part_add_id(fleet *f, part *p, uint64_t id)
{
    uint32_t slot = TOCSIN_SLOT_NONE;
    const int status = tocsin_bank_add(p->bank, id, &slot);

    if (p->series == f->options.max_series) {
        if (f->options.when_full == TOCSIN_FULL_REFUSE) {
            require(status == TOCSIN_ERROR_SPACE, "one too many");
            p->refused++;
            return;
        }
        part_note_eviction(f, p);
    }
    require(status == TOCSIN_OK && slot < MOST, "not added");
    require(slot < p->slots ? !p->member[slot].detector
                            : slot == p->slots && p->series == p->slots,
            "slot %u is not free, or not the next", slot);

    member *m = &p->member[slot];

    memset(m, 0, sizeof *m);
    require(tocsin_detector_clone(&m->detector, p->newborn, NULL) == TOCSIN_OK, "no clone");
    m->id = id;
    m->level = 100 * rng_normal(&f->r);
    m->active = p->latest;
    m->last = m->learnt = TOCSIN_TIME_NONE;
    if (slot == p->slots)
        p->slots++;
    p->series++;
    p->added++;
}

/* Mostly a new series, sometimes one that is there. */
static void part_add(fleet *f, part *p)
{
    const uint32_t known = fleet_below(f, 20) == 0 ? part_somebody(f, p) : MOST;

    if (known == MOST)
        part_add_id(f, p, banks_id(f->next_id++));
    else
        require(banks_add(p->bank, p->member[known].id) == known, "found elsewhere");
}

static void part_remove(fleet *f, part *p)
{
    const uint32_t slot = (uint32_t)fleet_below(f, p->slots + 2);
    const int is_there = slot < p->slots && p->member[slot].detector;

    require(tocsin_bank_remove(p->bank, slot) == (is_there ? TOCSIN_OK : TOCSIN_ERROR_RANGE),
            "removing slot %u", slot);
    if (is_there) {
        require(tocsin_bank_find(p->bank, p->member[slot].id) == TOCSIN_SLOT_NONE, "still there");
        part_drop(p, slot);
        p->removed++;
    }
}

static void part_evict(fleet *f, part *p)
{
    const int64_t since = f->now - (int64_t)fleet_below(f, 40) * TOCSIN_MINUTE;
    uint64_t count = 0, expected = 0;

    require(tocsin_bank_evict(p->bank, since, &count) == TOCSIN_OK, "not evicted");
    for (uint32_t slot = 0; slot < p->slots; slot++)
        if (p->member[slot].detector && p->member[slot].active < since) {
            part_drop(p, slot);
            expected++;
        }
    require(count == expected, "%s: step %zu: %u evicted instead of %u", f->pipe->text, f->step,
            (unsigned)count, (unsigned)expected);
    p->evicted += expected;
    f->evictions += expected;
}

/* ---- Values ------------------------------------------------------------------------ */

/* Mostly calm, so that tiles are even and full most of the time; every now and then anything.  In
 * a fleet that is still, whole tiles cross nothing for long, and what is sparse then does. */
static double member_value(fleet *f, member *m, int is_sparse)
{
    const int is_wild = !f->is_still && f->step % 250 >= 215;
    const size_t calm = !f->is_still ? 1500 : is_sparse ? 500 : 50000;
    const size_t what = fleet_below(f, is_wild ? 30 : calm);

    m->level += 0.05 * rng_normal(&f->r);
    m->is_strange |= what < 9;
    switch (what) {
    case 0: case 1:
        return NAN;
    case 2:
        return fleet_below(f, 2) ? INFINITY : -INFINITY;
    case 3:
        return 1e200;
    case 4:
        return -3e150;
    case 5:
        return 5e-324;
    case 6:
        return m->level + 40;
    case 7:
        m->level += 30;
        return m->level;
    case 8:
        return m->level - 1e6;
    default:
        return m->id % 11 == 3 ? 7.5
                               : m->level + (f->is_still ? rng_uniform(&f->r) : rng_normal(&f->r));
    }
}

static int random_mode(fleet *f)
{
    return fleet_below(f, 20) ? TOCSIN_LEARN_AND_SCORE : (int)fleet_below(f, 4);
}

/* ---- Dense ------------------------------------------------------------------------- */

/* A tick's arrays, and which tiles' entries should have been written. */
typedef struct dense {
    tocsin_tick tick;
    double values[MOST], scores[MOST];
    float floats[MOST];
    uint64_t counts[MOST], alarms[TILES];
    tocsin_verdict verdicts[MOST];
    uint8_t is_covered[TILES], has_values[TILES], has_scores[TILES], has_alarms[TILES],
        has_verdicts[TILES];
    uint8_t is_pushed[MOST];
} dense;

static const void *dense_values(const dense *d, uint32_t begin)
{
    switch (d->tick.value_type) {
    case TOCSIN_VALUES_DOUBLE: return d->values + begin;
    case TOCSIN_VALUES_FLOAT: return d->floats + begin;
    default: return d->counts + begin;
    }
}

static void dense_fill(fleet *f, const part *p, dense *d)
{
    for (uint32_t slot = 0; slot < p->slots; slot++) {
        member nobody = {0};
        member *m = p->member[slot].detector ? &p->member[slot] : &nobody;
        const double value = member_value(f, m, 0);

        d->values[slot] = value;
        d->floats[slot] = (float)value;
        d->counts[slot] = (UINT64_C(1) << 58) * (slot % 2) + f->step * 1000 + slot;
        d->scores[slot] = UNTOUCHED;
    }
    memset(d->alarms, 0xa5, sizeof d->alarms);
    memset(d->verdicts, 0xa5, sizeof d->verdicts);
    memset(d->is_covered, 0, sizeof d->is_covered);
    memset(d->has_values, 0, sizeof d->has_values);
    memset(d->has_scores, 0, sizeof d->has_scores);
    memset(d->has_alarms, 0, sizeof d->has_alarms);
    memset(d->has_verdicts, 0, sizeof d->has_verdicts);
    memset(d->is_pushed, 0, sizeof d->is_pushed);
}

/* Tiles that a range has covered. */
static void dense_cover(const part *p, dense *d, uint32_t begin, uint32_t end)
{
    (void)p;
    for (uint32_t tile = begin / 64; tile < (end + 63) / 64; tile++) {
        d->is_covered[tile] = 1;
        d->has_values[tile] = d->tick.values != NULL;
        d->has_scores[tile] = d->tick.scores != NULL;
        d->has_alarms[tile] = d->tick.alarms != NULL;
        d->has_verdicts[tile] = d->tick.verdicts != NULL;
    }
}

/* Memory of exactly that size, so that a step too far is found out. */
static void *exactly(size_t size)
{
    void *memory = malloc(size + (size == 0));

    require(memory != NULL, "the test itself is out of memory");
    return memory;
}

/* A part of a tick, in arrays of its own. */
static void dense_part(fleet *f, part *p, dense *d, uint32_t begin, uint32_t end)
{
    const size_t n = end - begin, words = (n + 63) / 64;
    const size_t size = d->tick.value_type == TOCSIN_VALUES_FLOAT ? 4 : 8;
    const int wants_scores = fleet_below(f, 4) != 0, wants_alarms = fleet_below(f, 3) != 0;
    void *values = exactly(n * size);
    double *scores = exactly(n * sizeof *scores);
    uint64_t *alarms = exactly(words * sizeof *alarms);

    memcpy(values, dense_values(d, begin), n * size);
    require(tocsin_bank_tick_part(p->bank, (uint32_t)fleet_below(f, LANES), begin, end, values,
                                  wants_scores ? scores : NULL,
                                  wants_alarms ? alarms : NULL) == TOCSIN_OK,
            "no part");
    if (wants_scores)
        memcpy(d->scores + begin, scores, n * sizeof *scores);
    if (wants_alarms)
        memcpy(d->alarms + begin / 64, alarms, words * sizeof *alarms);
    for (uint32_t tile = begin / 64; tile < (end + 63) / 64; tile++) {
        d->is_covered[tile] = d->has_values[tile] = 1;
        d->has_scores[tile] = (uint8_t)wants_scores;
        d->has_alarms[tile] = (uint8_t)wants_alarms;
    }
    free(values);
    free(scores);
    free(alarms);
}

/* The tick in ranges and parts, in any order; some tiles are left out. */
static void dense_in_pieces(fleet *f, part *p, dense *d, int only_parts)
{
    const uint32_t tiles = (p->slots + 63) / 64;
    uint32_t order[TILES], length[TILES], count = 0;

    for (uint32_t tile = 0; tile < tiles; tile += length[count - 1]) {
        order[count] = tile;
        length[count++] = 1 + (uint32_t)fleet_below(f, tiles - tile);
    }
    for (; count > 0; count--) {
        const size_t pick = fleet_below(f, count);
        const uint32_t begin = order[pick] * 64;
        const uint32_t end = begin + length[pick] * 64 < p->slots ? begin + length[pick] * 64
                                                                  : p->slots;

        order[pick] = order[count - 1];
        length[pick] = length[count - 1];
        if (fleet_below(f, 6) == 0)
            continue;
        if (only_parts || fleet_below(f, 3) == 0) {
            dense_part(f, p, d, begin, end);
        } else {
            require(tocsin_bank_tick_range(p->bank, (uint32_t)fleet_below(f, LANES), begin,
                                           end) == TOCSIN_OK, "no range");
            dense_cover(p, d, begin, end);
        }
    }
}

/* The naive side of a slot that a range has covered. */
static void dense_check_slot(fleet *f, part *p, const dense *d, uint32_t slot)
{
    const tocsin_tick *tick = &d->tick;
    const uint32_t tile = slot / 64;
    tocsin_detector *detector = p->member[slot].detector;
    tocsin_verdict verdict;
    int is_silence = !d->has_values[tile], status;

    if (!detector) {
        require(!d->has_scores[tile] || isnan(d->scores[slot]), "nobody has a score");
        require(!d->has_alarms[tile] || !(d->alarms[tile] >> slot % 64 & 1), "nobody rings");
        return;
    }
    if (tick->value_type == TOCSIN_VALUES_U64 && !is_silence) {
        status = tocsin_detector_push_u64(detector, tick->time, d->counts[slot], tick->mode,
                                          &verdict, sizeof verdict);
    } else {
        const double value = tick->value_type == TOCSIN_VALUES_FLOAT ? (double)d->floats[slot]
                                                                     : d->values[slot];

        is_silence |= isnan(value) && tick->nan_means == TOCSIN_NAN_SILENCE;
        status = is_silence ? tocsin_detector_tick(detector, tick->time, &verdict, sizeof verdict)
                            : tocsin_detector_push(detector, tick->time, value, tick->mode,
                                                   &verdict, sizeof verdict);
    }
    round_note(f, p, slot, is_silence, status, &verdict);
    if (d->has_scores[tile])
        require(double_bits(d->scores[slot]) == double_bits(verdict.score),
                "%s: step %zu slot %u: score %.17g, expected %.17g", f->pipe->text, f->step, slot,
                d->scores[slot], verdict.score);
    if (d->has_alarms[tile])
        require((int)(d->alarms[tile] >> slot % 64 & 1) == (verdict.alarm == TOCSIN_ALARM_ON),
                "%s: step %zu slot %u: alarm bit", f->pipe->text, f->step, slot);
    if (d->has_verdicts[tile])
        assert_same_verdict(&d->verdicts[slot], &verdict, f->pipe->text);
}

/* A shared tick goes by for those who had nothing. */
static void part_miss(fleet *f, part *p, uint32_t slot, const tocsin_tick *tick)
{
    tocsin_verdict verdict;
    const int status = tocsin_detector_push(p->member[slot].detector, tick->time, NAN, tick->mode,
                                            &verdict, sizeof verdict);

    round_note(f, p, slot, 0, status, &verdict);
}

static void dense_check(fleet *f, part *p, const dense *d)
{
    for (uint32_t slot = 0; slot < p->slots; slot++) {
        const uint32_t tile = slot / 64;

        if (d->is_covered[tile])
            dense_check_slot(f, p, d, slot);
        else if (fleet_is_shared(f) && p->member[slot].detector && !d->is_pushed[slot])
            part_miss(f, p, slot, &d->tick);
        if (!d->has_scores[tile])
            require(d->scores[slot] == UNTOUCHED, "a score nobody wanted");
        if (!d->has_alarms[tile])
            require(d->alarms[tile] == UINT64_C(0xa5a5a5a5a5a5a5a5), "bits nobody wanted");
        else if (slot == p->slots - 1 && slot % 64 < 63)
            require(d->alarms[tile] >> (slot % 64 + 1) == 0, "bits beyond the last slot");
    }
    if (fleet_is_shared(f))
        require(tocsin_detector_push(p->newborn, d->tick.time, NAN, d->tick.mode, NULL, 0) ==
                    TOCSIN_OK, "the tick is late");
}

/* While a tick is under way nothing else may be done. */
static void part_try_within(fleet *f, part *p)
{
    tocsin_shard_writer *writer = NULL;
    tocsin_bank_counts counts;
    tocsin_alarm alarm;
    uint32_t slot;

    counts.struct_size = sizeof counts;
    require(tocsin_bank_add(p->bank, 1, &slot) == TOCSIN_ERROR_CONFLICT &&
                tocsin_bank_remove(p->bank, 0) == TOCSIN_ERROR_CONFLICT &&
                tocsin_bank_evict(p->bank, f->now, NULL) == TOCSIN_ERROR_CONFLICT &&
                tocsin_bank_reserve(p->bank, 1) == TOCSIN_ERROR_CONFLICT &&
                tocsin_bank_last(p->bank, &counts) == TOCSIN_ERROR_CONFLICT &&
                tocsin_bank_alarms(p->bank, &alarm, sizeof alarm, 1) == 0 &&
                tocsin_bank_mark(p->bank, NULL, 0, TOCSIN_MARK_DEPLOY, 0, 0, 0) ==
                    TOCSIN_ERROR_CONFLICT &&
                tocsin_shard_writer_create(&writer, p->bank, NULL, NULL) ==
                    TOCSIN_ERROR_CONFLICT,
            "something could be done within a tick");
}

static void part_dense(fleet *f, part *p, int64_t time, int mode)
{
    static dense d;
    tocsin_tick *tick = &d.tick;

    dense_fill(f, p, &d);
    *tick = banks_tick(p->bank, time, NULL);
    tick->mode = mode;
    tick->value_type = fleet_below(f, 12) == 0 ? TOCSIN_VALUES_U64 : (uint32_t)fleet_below(f, 2);
    tick->values = dense_values(&d, 0);
    tick->scores = fleet_below(f, 6) ? d.scores : NULL;
    tick->alarms = fleet_below(f, 6) ? d.alarms : NULL;
    tick->verdicts = fleet_below(f, 8) ? NULL : d.verdicts;
    if (!fleet_is_shared(f) && time != TOCSIN_TIME_NONE) {
        if (fleet_below(f, 8) == 0)
            tick->nan_means = TOCSIN_NAN_SILENCE;
        if (fleet_below(f, 8) == 0)
            tick->values = NULL;
    }
    round_begin(p);
    if (fleet_below(f, 2)) {
        require(tocsin_bank_tick(p->bank, tick) == TOCSIN_OK, "no tick");
        dense_cover(p, &d, 0, p->slots);
    } else {
        require(tocsin_bank_tick_begin(p->bank, tick) == TOCSIN_OK, "no tick");
        dense_in_pieces(f, p, &d, 0);
        if (fleet_below(f, 8) == 0)
            part_try_within(f, p);
        require(tocsin_bank_tick_end(p->bank) == TOCSIN_OK, "no end");
    }
    dense_check(f, p, &d);
    round_end(f, p);
}

/* ---- Sparse ------------------------------------------------------------------------ */

/* Points, and whose they are: MOST is nobody's. */
typedef struct sparse {
    tocsin_point points[PUSHED];
    uint32_t slots[PUSHED];
    double scores[PUSHED];
    tocsin_verdict verdicts[PUSHED];
    size_t count;
    int by_id, mode;
    int wants_scores, wants_verdicts;
} sparse;

static void sparse_fill(fleet *f, part *p, sparse *s)
{
    static const size_t most[] = {3, 70, PUSHED};

    s->count = fleet_below(f, most[fleet_below(f, 3)]);
    s->by_id = (int)fleet_below(f, 2);
    s->mode = random_mode(f);
    s->wants_scores = fleet_below(f, 4) != 0;
    s->wants_verdicts = fleet_below(f, 4) == 0;
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t slot = fleet_below(f, 40) ? part_somebody(f, p) : MOST;

        s->slots[i] = slot;
        if (slot == MOST) {
            const uint32_t hole = (uint32_t)fleet_below(f, p->slots + 3);
            const int is_free = hole >= p->slots || !p->member[hole].detector;

            s->points[i].key = s->by_id || !is_free ? UINT64_MAX - fleet_below(f, 9) : hole;
            s->points[i].value = 1;
        } else {
            s->points[i].key = s->by_id ? p->member[slot].id : slot;
            s->points[i].value = member_value(f, &p->member[slot], 1);
        }
        s->points[i].time = f->now + (int64_t)fleet_below(f, 3) * TOCSIN_MINUTE;
        switch (fleet_below(f, 20)) {
        case 0: s->points[i].time = TOCSIN_TIME_NONE; break;
        case 1: s->points[i].time -= 5 * TOCSIN_MINUTE; break;
        case 2: s->points[i].time += (int64_t)fleet_below(f, 5) * TOCSIN_SECOND; break;
        }
    }
}

static void sparse_push(part *p, sparse *s, int expected)
{
    const int status = (s->by_id ? tocsin_bank_push_ids : tocsin_bank_push_slots)(
        p->bank, s->points, s->count, s->mode, s->wants_scores ? s->scores : NULL,
        s->wants_verdicts ? s->verdicts : NULL, sizeof s->verdicts[0]);

    require(status == expected, "pushing says %s", tocsin_status_name(status));
}

static void sparse_check(const fleet *f, const sparse *s, size_t i, const tocsin_verdict *verdict)
{
    if (s->wants_scores)
        require(double_bits(s->scores[i]) == double_bits(verdict->score),
                "%s: step %zu: point %zu of slot %u: score %.17g, expected %.17g", f->pipe->text,
                f->step, i, s->slots[i], s->scores[i], verdict->score);
    if (s->wants_verdicts)
        assert_same_verdict(&s->verdicts[i], verdict, f->pipe->text);
}

/* What is said of a point that nothing comes of. */
static tocsin_verdict verdict_of_nobody(const fleet *f)
{
    tocsin_detector *nobody = specs_detector(f->spec);
    tocsin_verdict verdict;

    tocsin_detector_verdict(nobody, &verdict, sizeof verdict);
    tocsin_detector_free(nobody);
    return verdict;
}

/* Each series has its own clock. */
static void part_sparse_own(fleet *f, part *p)
{
    static sparse s;
    static tocsin_verdict verdict[PUSHED];
    const tocsin_verdict nobody = verdict_of_nobody(f);
    int expected = TOCSIN_OK;

    sparse_fill(f, p, &s);
    round_begin(p);
    for (size_t i = 0; i < s.count; i++) {
        const uint32_t slot = s.slots[i];
        int status = TOCSIN_INFO_IGNORED;

        verdict[i] = nobody;
        if (slot == MOST) {
            p->last.unknown++;
        } else {
            status = tocsin_detector_push(p->member[slot].detector, s.points[i].time,
                                          s.points[i].value, s.mode, &verdict[i],
                                          sizeof verdict[i]);
            round_note(f, p, slot, 0, status, &verdict[i]);
        }
        if (status != TOCSIN_OK)
            expected = status;
    }
    sparse_push(p, &s, expected);
    for (size_t i = 0; i < s.count; i++)
        sparse_check(f, &s, i, &verdict[i]);
    round_end(f, p);
}

/* One push of a shared tick. */
static void sparse_within(fleet *f, part *p, dense *d)
{
    static sparse s;
    static tocsin_verdict verdict[PUSHED];
    const tocsin_verdict nobody = verdict_of_nobody(f);
    int expected = TOCSIN_OK;

    sparse_fill(f, p, &s);
    for (size_t i = 0; i < s.count; i++) {
        const uint32_t slot = s.slots[i];
        const int is_late = fleet_below(f, 60) == 0;

        s.points[i].time = is_late                ? f->now - 1 - (int64_t)fleet_below(f, 99)
                           : fleet_below(f, 2) != 0 ? TOCSIN_TIME_NONE
                                                  : d->tick.time;
        verdict[i] = nobody;
        if (slot == MOST) {
            p->last.unknown++;
        } else if (is_late) {
            p->last.late++;
        } else if (d->is_pushed[slot]) {
            p->last.repeated++;
        } else {
            const int status = tocsin_detector_push(p->member[slot].detector, d->tick.time,
                                                    s.points[i].value, s.mode, &verdict[i],
                                                    sizeof verdict[i]);

            require(status == TOCSIN_OK, "the tick is late");
            d->is_pushed[slot] = 1;
            round_note(f, p, slot, 0, status, &verdict[i]);
            continue;
        }
        expected = TOCSIN_INFO_IGNORED;
    }
    sparse_push(p, &s, expected);
    for (size_t i = 0; i < s.count; i++)
        sparse_check(f, &s, i, &verdict[i]);
}

/* A shared tick of pushes; those who get none may get a part. */
static void part_sparse_shared(fleet *f, part *p, int64_t time, int mode)
{
    static dense d;
    const size_t pushes = fleet_below(f, 4);

    dense_fill(f, p, &d);
    d.tick = banks_tick(p->bank, time, NULL);
    d.tick.mode = mode;
    d.tick.value_type = (uint32_t)fleet_below(f, 2);
    if (fleet_below(f, 2))
        d.tick.count = 0;
    round_begin(p);
    require(tocsin_bank_tick_begin(p->bank, &d.tick) == TOCSIN_OK, "no tick");
    for (size_t i = 0; i < pushes; i++)
        sparse_within(f, p, &d);
    if (pushes == 0)
        dense_in_pieces(f, p, &d, 1);
    if (fleet_below(f, 8) == 0)
        part_try_within(f, p);
    require(tocsin_bank_tick_end(p->bank) == TOCSIN_OK, "no end");
    dense_check(f, p, &d);
    round_end(f, p);
}

/* ---- Ticks ------------------------------------------------------------------------- */

/* Time goes on; now and then far. */
static void fleet_go_on(fleet *f)
{
    f->now += TOCSIN_MINUTE;
    if (fleet_below(f, 60) == 0)
        f->now += (int64_t)fleet_below(f, fleet_below(f, 4) ? 20 : 400) * TOCSIN_MINUTE / 4;
}

/* A shared clock: all parts see the same ticks, so that they can be merged again. */
static void fleet_tick_shared(fleet *f, int is_sparse)
{
    const int mode = random_mode(f);

    if (f->now > 0 && fleet_below(f, 30) == 0) {
        part *p = &f->part[fleet_below(f, f->parts)];
        const tocsin_tick tick = banks_tick(p->bank, f->now - (int64_t)fleet_below(f, 2), NULL);

        require(tocsin_bank_tick(p->bank, &tick) == TOCSIN_ERROR_TIME, "a late tick");
        part_check_info(f, p);
    }
    fleet_go_on(f);
    for (uint32_t i = 0; i < f->parts; i++)
        if (is_sparse)
            part_sparse_shared(f, &f->part[i], f->now, mode);
        else
            part_dense(f, &f->part[i], f->now, mode);
}

static void fleet_tick_own(fleet *f, int is_sparse)
{
    part *p = &f->part[fleet_below(f, f->parts)];
    int64_t time;

    if (fleet_below(f, f->parts) == 0)
        fleet_go_on(f);
    time = f->now;
    if (is_sparse) {
        part_sparse_own(f, p);
        return;
    }
    switch (fleet_below(f, 20)) {
    case 0: time = TOCSIN_TIME_NONE; break;
    case 1: time -= 2 * TOCSIN_MINUTE; break;
    }
    part_dense(f, p, time, random_mode(f));
}

static void fleet_tick(fleet *f, int is_sparse)
{
    (fleet_is_shared(f) ? fleet_tick_shared : fleet_tick_own)(f, is_sparse);
}

/* ---- Marks and copies -------------------------------------------------------------- */

static void member_mark(member *m, int kind, uint32_t options, int64_t begin, int64_t end)
{
    if (m->detector)
        require(tocsin_detector_mark(m->detector, kind, options, begin, end) == TOCSIN_OK,
                "not marked");
}

static void part_mark(fleet *f, part *p, int kind, uint32_t options, int64_t begin, int64_t end)
{
    uint32_t slots[5], count = (uint32_t)fleet_below(f, 5);

    for (uint32_t i = 0; i < count; i++)
        slots[i] = part_somebody(f, p);
    if (!fleet_is_shared(f) && p->series > 0 && fleet_below(f, 2)) {
        require(tocsin_bank_mark(p->bank, slots, count, kind, options, begin, end) == TOCSIN_OK,
                "not marked");
        for (uint32_t i = 0; i < count; i++)
            member_mark(&p->member[slots[i]], kind, options, begin, end);
        return;
    }
    require(tocsin_bank_mark(p->bank, NULL, 0, kind, options, begin, end) == TOCSIN_OK,
            "not marked");
    for (uint32_t slot = 0; slot < p->slots; slot++)
        member_mark(&p->member[slot], kind, options, begin, end);
    if (fleet_is_shared(f))
        tocsin_detector_mark(p->newborn, kind, options, begin, end);
}

static void fleet_mark(fleet *f)
{
    const int kind = 1 + (int)fleet_below(f, TOCSIN_MARK_MAINTENANCE);
    const uint32_t options = (uint32_t)fleet_below(f, 4);
    const int64_t begin = f->now + ((int64_t)fleet_below(f, 5) - 2) * TOCSIN_MINUTE;
    const int64_t end = fleet_below(f, 6) == 0
                            ? TOCSIN_TIME_NONE
                            : begin + (int64_t)fleet_below(f, 8) * TOCSIN_MINUTE;

    f->marks++;
    if (!fleet_is_shared(f))
        part_mark(f, &f->part[fleet_below(f, f->parts)], kind, options, begin, end);
    else
        for (uint32_t i = 0; i < f->parts; i++)
            part_mark(f, &f->part[i], kind, options, begin, end);
    if (options && end == TOCSIN_TIME_NONE && fleet_below(f, 4)) {      /* and it ends some time */
        f->marks++;
        if (fleet_is_shared(f))
            for (uint32_t i = 0; i < f->parts; i++)
                part_mark(f, &f->part[i], kind, 0, f->now + 3 * TOCSIN_MINUTE, TOCSIN_TIME_NONE);
    }
}

/* A series becomes a copy of another one, of this part or another. */
static void fleet_copy(fleet *f)
{
    const part *from = &f->part[fleet_below(f, f->parts)];
    part *to = &f->part[fleet_below(f, f->parts)];
    const uint32_t one = part_somebody(f, from), other = part_somebody(f, to);
    member *m;
    int64_t active;

    if (one == MOST || other == MOST)
        return;
    m = &to->member[other];
    require(tocsin_bank_copy_out(from->bank, one, f->copy) == TOCSIN_OK, "not copied out");
    require(tocsin_bank_copy_in(to->bank, other, f->copy) == TOCSIN_OK, "not copied in");
    if (m != &from->member[one]) {
        tocsin_detector_free(m->detector);
        require(tocsin_detector_clone(&m->detector, from->member[one].detector, NULL) == TOCSIN_OK,
                "no clone");
        m->last = from->member[one].last;
        m->learnt = from->member[one].learnt;
    }
    active = fleet_is_shared(f) ? m->learnt : m->last;
    m->active = active == TOCSIN_TIME_NONE ? to->latest : active;
    to->latest = later(to->latest, m->active);
    f->copies++;
}

/* ---- Shards ------------------------------------------------------------------------ */

static size_t random_piece(fleet *f)
{
    static const size_t most[] = {3, 100, 5000, 200000};

    return 1 + fleet_below(f, most[fleet_below(f, 4)]);
}

/* Pieces of a few bytes only of what is short. */
static shard fleet_write(fleet *f, const tocsin_bank *bank, const tocsin_selection *selection)
{
    const size_t piece = random_piece(f);

    return shard_in_pieces(bank, selection,
                           tocsin_bank_slots(bank) > 200 && piece < 64 ? 4096 : piece);
}

static int fleet_read(fleet *f, const shard *s, tocsin_bank *bank,
                      const tocsin_shard_options *options, tocsin_shard_progress *progress)
{
    const size_t piece = random_piece(f);

    return shard_read_in_pieces(s->bytes, s->size, bank, options,
                                s->size > 20000 && piece < 64 ? 4096 : piece, progress, NULL);
}

/* A member moves from one array to where its id now lives. */
static void member_move(part *to, member *from)
{
    const uint32_t slot = tocsin_bank_find(to->bank, from->id);

    require(slot < MOST && !to->member[slot].detector, "read into no free slot");
    to->member[slot] = *from;
    from->detector = NULL;
    to->series++;
    to->slots = slot + 1 > to->slots ? slot + 1 : to->slots;
}

/* A bank is written, and what is read takes its place. */
static void fleet_reload(fleet *f, part *p)
{
    const int keeps_slots = fleet_below(f, 2) != 0;
    const shard s = fleet_write(f, p->bank, NULL);
    tocsin_shard_options options = shard_options();
    part q = part_new(f, p);

    options.slots = keeps_slots ? TOCSIN_SLOTS_KEPT : TOCSIN_SLOTS_NEW;
    if (fleet_below(f, 3) == 0)
        require(tocsin_bank_reserve(q.bank, p->series) == TOCSIN_OK, "no room");
    require(fleet_read(f, &s, q.bank, &options, NULL) == TOCSIN_OK, "not read");
    for (uint32_t slot = 0; slot < p->slots; slot++)
        if (p->member[slot].detector) {
            require(tocsin_bank_find(q.bank, p->member[slot].id) ==
                        (keeps_slots ? slot : q.series), "read into another slot");
            member_move(&q, &p->member[slot]);
        }
    if (keeps_slots)
        q.slots = p->slots;
    q.latest = p->latest;
    q.added = p->added;
    q.removed = p->removed;
    q.evicted = p->evicted;
    q.refused = p->refused;
    q.total = p->total;
    /* Whoever comes next gets the slot that it would have had. */
    for (int i = 0; keeps_slots && i < 3 && q.series < f->options.max_series &&
                    q.slots < MOST - 1; i++) {
        const uint64_t id = banks_id(f->next_id++);

        part_add_id(f, &q, id);
        require(banks_add(p->bank, id) == tocsin_bank_find(q.bank, id), "given another slot");
    }
    part_free(p);
    *p = q;
    free(s.bytes);
    part_check_all(f, p);
    f->reloads++;
}

/* A bank becomes several: by hash or by a range of ids, and either all are new or the first
 * stays what is left of it. */
static void fleet_split(fleet *f, part *p)
{
    const uint32_t room = MOST_PARTS - f->parts;
    const int by_range = fleet_below(f, 2) != 0;
    const uint32_t count = by_range ? 2 : 2 + (uint32_t)fleet_below(f, room);
    const uint64_t border = UINT64_MAX / 8 * (1 + fleet_below(f, 7));
    const int keeps_first = fleet_below(f, 2) != 0;

    for (uint32_t k = keeps_first; k < count; k++) {
        const tocsin_selection selection =
            by_range ? (k ? shard_range(border + 1, UINT64_MAX) : shard_range(0, border))
                     : shard_part(k, count);
        const shard s = fleet_write(f, p->bank, &selection);
        part q = part_new(f, p);
        uint32_t moved = 0;
        uint64_t removed = 0;

        require(fleet_read(f, &s, q.bank, NULL, NULL) == TOCSIN_OK, "not read");
        for (uint32_t slot = 0; slot < p->slots; slot++) {
            member *m = &p->member[slot];

            if (m->detector && tocsin_selection_holds(&selection, m->id)) {
                member_move(&q, m);
                p->series--;
                moved++;
            }
        }
        require(tocsin_bank_remove_selected(p->bank, &selection, &removed) == TOCSIN_OK &&
                    removed == moved, "others were removed than written");
        p->removed += removed;
        q.added = moved;
        q.latest = p->latest;
        part_check_all(f, &q);
        free(s.bytes);
        if (k == 0) {       /* takes p's place at the end; p stays to be written from */
            f->part[f->parts++] = q;
            continue;
        }
        require(f->parts < MOST_PARTS + (size_t)keeps_first || k == count - 1, "too many parts");
        if (f->parts < MOST_PARTS) {
            f->part[f->parts++] = q;
        } else {            /* the last one, where p was */
            part_free(p);
            *p = q;
            f->splits++;
            return;
        }
    }
    part_check_all(f, p);
    f->splits++;
}

/* Between the first and the last part's tick their clocks differ: then they cannot be merged. */
static void fleet_merge_too_early(fleet *f)
{
    part *to = &f->part[0], *from = &f->part[f->parts - 1];
    tocsin_shard_options options = shard_options();

    options.present = TOCSIN_PRESENT_KEEP;
    fleet_go_on(f);
    for (uint32_t i = 0; i < f->parts; i++) {
        if (i == f->parts - 1) {
            const shard s = fleet_write(f, from->bank, NULL);

            require(to->series == 0 ||
                        fleet_read(f, &s, to->bank, &options, NULL) == TOCSIN_ERROR_MISMATCH,
                    "merged at different times");
            free(s.bytes);
        }
        part_dense(f, &f->part[i], f->now, TOCSIN_LEARN_AND_SCORE);
    }
}

/* A bank takes in another one.  Where both have a series, the policy says whose it is. */
static void fleet_merge(fleet *f)
{
    const uint32_t i = (uint32_t)fleet_below(f, f->parts);
    const uint32_t j = (i + 1 + (uint32_t)fleet_below(f, f->parts - 1)) % f->parts;
    part *to = &f->part[i], *from = &f->part[j];
    const int was_fresh = to->slots == 0;
    tocsin_shard_options options = shard_options();
    tocsin_shard_progress progress;
    uint64_t both = 0, replaced = 0;
    shard s;
    int expected = TOCSIN_OK;

    for (uint32_t slot = 0; slot < from->slots; slot++)
        both += from->member[slot].detector && part_find(to, from->member[slot].id) != MOST;
    s = fleet_write(f, from->bank, NULL);
    options.present = (uint32_t)fleet_below(f, 4);
    options.check = 1;
    if (options.present == TOCSIN_PRESENT_REFUSE && both > 0)
        expected = TOCSIN_ERROR_CONFLICT;
    if (to->series + from->series - both > f->options.max_series)
        expected = expected ? 1 : TOCSIN_ERROR_SPACE;       /* 1: one of the two */

    const int status = fleet_read(f, &s, to->bank, &options, &progress);

    require(status == expected || (expected == 1 && status < 0), "checked: %s",
            tocsin_status_name(status));
    part_check_info(f, to);
    if (status < 0) {
        free(s.bytes);
        return;
    }

    options.check = 0;
    require(fleet_read(f, &s, to->bank, &options, &progress) == TOCSIN_OK, "not merged");
    free(s.bytes);
    require(progress.series == from->series && progress.added == from->series - both &&
                progress.kept + progress.replaced == both, "another progress");
    for (uint32_t slot = 0; slot < from->slots; slot++) {
        member *theirs = &from->member[slot];
        const uint32_t here = theirs->detector ? part_find(to, theirs->id) : MOST;

        if (!theirs->detector)
            continue;
        if (here == MOST) {
            member_move(to, theirs);
            to->added++;
        } else if (options.present == TOCSIN_PRESENT_REPLACE ||
                   (options.present == TOCSIN_PRESENT_NEWER && !fleet_is_shared(f) &&
                    theirs->last > to->member[here].last)) {
            tocsin_detector_free(to->member[here].detector);
            to->member[here] = *theirs;
            theirs->detector = NULL;
            replaced++;
        }
    }
    require(progress.replaced == replaced, "%u replaced instead of %u",
            (unsigned)progress.replaced, (unsigned)replaced);
    if (was_fresh) {
        to->added = from->added;
        to->removed = from->removed;
        to->evicted = from->evicted;
        to->refused = from->refused;
        to->total = from->total;
    }
    to->latest = later(to->latest, from->latest);
    part_check_all(f, to);
    part_free(from);
    *from = f->part[--f->parts];
    f->merges++;
}

/* The same series in two parts, which go on differently. */
static void fleet_double(fleet *f)
{
    const part *from = &f->part[fleet_below(f, f->parts)];
    part *to = &f->part[fleet_below(f, f->parts)];
    const uint32_t slot = part_somebody(f, from);

    if (slot == MOST || part_find(to, from->member[slot].id) != MOST ||
        to->series == f->options.max_series)
        return;
    part_add_id(f, to, from->member[slot].id);
}

/* ---- Sequences --------------------------------------------------------------------- */

static void fleet_step(fleet *f)
{
    part *p = &f->part[fleet_below(f, f->parts)];
    const uint64_t what = fleet_below(f, 100);

    if (what < 60 || (f->is_still && what >= 75 && fleet_below(f, 10))) {
        fleet_tick(f, 0);
    } else if (what < 75) {
        fleet_tick(f, 1);
    } else if (what < 82) {
        const size_t count = 1 + fleet_below(f, p->series < f->population / f->parts ? 20 : 2);

        for (size_t i = 0; i < count && p->slots < MOST - 1; i++)
            part_add(f, p);
    } else if (what < 86) {
        for (size_t i = fleet_below(f, 4); i > 0; i--)
            part_remove(f, p);
    } else if (what < 88) {
        part_evict(f, p);
    } else if (what < 90) {
        fleet_mark(f);
    } else if (what < 92) {
        fleet_copy(f);
    } else if (what < 94) {
        fleet_reload(f, p);
    } else if (what < 96) {
        if (f->parts < MOST_PARTS)
            fleet_split(f, p);
    } else if (what < 98) {
        if (f->parts > 1 && fleet_is_shared(f) && fleet_below(f, 4) == 0)
            fleet_merge_too_early(f);
        if (f->parts > 1)
            fleet_merge(f);
    } else if (what < 99) {
        fleet_double(f);
    } else {
        require(tocsin_bank_reserve(p->bank, fleet_below(f, f->options.max_series)) == TOCSIN_OK,
                "no room");
    }
    p = &f->part[fleet_below(f, f->parts)];
    if (p->slots > 0)
        part_check_some(f, p);
}

static void fleet_start(fleet *f, const pipe *k, uint32_t population, int is_still,
                        uint64_t seed)
{
    memset(f, 0, sizeof *f);
    f->pipe = k;
    f->r = rng_seeded(seed);
    f->spec = specs_compile(k->text);
    f->copy = specs_detector(f->spec);
    f->population = population;
    f->is_still = is_still;
    f->options = banks_options();
    f->options.clock = k->clock;
    f->options.lanes = LANES;
    f->options.alarms_per_round = 1 + (uint32_t)fleet_below(f, 6);
    f->options.when_full = (uint32_t)fleet_below(f, 2);
    f->options.max_series = population + (fleet_below(f, 3) ? 2 : MOST - population - 8);
    f->options.seed = rng_u64(&f->r);
    f->compares_states = 1;
    if (k->clock == TOCSIN_CLOCK_SHARED) {
        f->compares_states = strstr(k->text, "gaps") == NULL;
        f->missing_at = f->compares_states ? find_missing(f->spec) : 0;
    }
    f->part[f->parts++] = part_new(f, NULL);
    if (fleet_below(f, 2))
        require(tocsin_bank_reserve(f->part[0].bank, population) == TOCSIN_OK, "no room");
    for (uint32_t i = 0; i < population; i++)
        part_add(f, &f->part[0]);
}

static void fleet_end(fleet *f)
{
    for (uint32_t i = 0; i < f->parts; i++) {
        part_check_all(f, &f->part[i]);
        part_free(&f->part[i]);
    }
    tocsin_detector_free(f->copy);
    tocsin_spec_free(f->spec);
}

/* With one kernel, or with NULL now with one and now with another; what has
 * happened is added up. */
static void fleet_run(fleet *sum, const pipe *k, const char *kernel, uint32_t population,
                      int is_still, size_t steps, uint64_t seed)
{
    static fleet held;
    fleet *f = &held;

    fleet_start(f, k, population, is_still, seed);
    tocsin_kernel_force(kernel);
    for (f->step = 0; f->step < steps; f->step++) {
        if (!kernel && f->step % 8 == 0)
            tocsin_kernel_force(tocsin_kernel_name(fleet_below(f, tocsin_kernel_count())));
        fleet_step(f);
    }
    fleet_end(f);
    tocsin_kernel_force(NULL);
    sum->points += f->points;
    sum->started += f->started;
    sum->evictions += f->evictions;
    sum->reloads += f->reloads;
    sum->splits += f->splits;
    sum->merges += f->merges;
    sum->copies += f->copies;
    sum->marks += f->marks;
}

#define SHARED TOCSIN_CLOCK_SHARED
#define OWN TOCSIN_CLOCK_OWN

static const pipe pipes[] = {
    {"ewma half-life=5p warmup=5 | raw", SHARED, 1},
    {"ewma half-life=40m clip=1 | raw", SHARED, 1},
    {"ewma clip=inf floor-relative=0 floor-history=0 half-life=20p | raw", SHARED, 1},
    {"ewma half-life=20p warmup=4 | tail", SHARED, 1},
    {"ewma half-life=20p warmup=4 | tail | alarm budget=1/10m clear=3p", SHARED, 1},
    {"clock step=1m | ewma half-life=30m | tail | alarm ticket=1/5m budget=1/20m n=2 m=3", SHARED,
     1},
    {"holt-winters season=20m step=1m warmup=10 gamma=0.3 | tail | alarm budget=1/10m", SHARED, 1},
    {"holt-winters season=20m,40m step=2m alpha=0.1 | raw", SHARED, 1},
    {"ewma state=double | raw", SHARED, 0},
    {"ewma half-life=20p warmup=5 | tail | alarm threshold=2 clear=2p", SHARED, 0},
    {"gaps missing=hold limit=3 | ewma half-life=20p | tail | alarm budget=1/10m", SHARED, 0},
    {"ewma half-life=20p | raw", OWN, 0},
    {"ewma half-life=20p warmup=4 | tail | alarm budget=1/10m n=2 m=3 clear=3p", OWN, 0},
    {"clock absence=4m | ewma half-life=10p warmup=5 | tail | alarm threshold=2 clear=2p", OWN, 0},
    {"gaps missing=expected | holt-winters season=20m step=1m gamma=0.3 | tail | alarm "
     "threshold=1.5", OWN, 0},
    {"counter | ewma half-life=30p | raw", OWN, 0},
};

/* Short sequences and long ones, small fleets and large ones. */
static void pipe_run(fleet *sum, const pipe *k, uint64_t seed)
{
    /* As many sequences wherever this runs: where there are few kernels, each has more of them. */
    const size_t kernels = tocsin_kernel_count();

    if (k->in_columns)
        for (size_t i = 0; i < (kernels > 4 ? kernels : 4); i++) {
            const char *kernel = tocsin_kernel_name(i % kernels);

            fleet_run(sum, k, kernel, 5, 0, 100, seed + 10 * i);
            fleet_run(sum, k, kernel, 140, 0, 120, seed + 10 * i + 1);
        }
    for (int i = 0; i < 6; i++)
        fleet_run(sum, k, NULL, 20, i % 2, 300, seed + 1000 + (uint64_t)i);
    fleet_run(sum, k, NULL, 100, 1, 500, seed + 1500);
    fleet_run(sum, k, NULL, 150, 0, 500, seed + 2000);
    fleet_run(sum, k, NULL, 1100, 0, 24, seed + 3000);
}

START_TEST(fleets_say_what_detectors_say)
{
    const pipe *k = &pipes[_i];
    const int has_alarms = strstr(k->text, "alarm") != NULL;
    fleet sum;

    memset(&sum, 0, sizeof sum);
    for (uint64_t seed = 0; seed < FLEET_SEEDS; seed++)
        pipe_run(&sum, k, 1 + 100000 * (uint64_t)_i + 10000000 * seed);
    require(sum.points > 50000 && sum.evictions > 0 && sum.reloads > 4 && sum.splits > 4 &&
                sum.merges > 4 && sum.copies > 4 && sum.marks > 4 &&
                (!has_alarms || sum.started > 3),
            "%s: %u points, %u alarms, %u evictions, %u reloads, %u splits, %u merges, %u copies, "
            "%u marks", k->text, (unsigned)sum.points, (unsigned)sum.started,
            (unsigned)sum.evictions, (unsigned)sum.reloads, (unsigned)sum.splits,
            (unsigned)sum.merges, (unsigned)sum.copies, (unsigned)sum.marks);
}
END_TEST

/* Values of series with clocks of their own come in any order between series.  One that was the
 * next to go has a value that is older than the others', and still is. */
START_TEST(who_is_idle_for_longest_is_known_after_an_older_value)
{
    tocsin_spec *spec = specs_compile("ewma | raw");
    tocsin_bank_options options = banks_options();
    tocsin_point points[4];
    tocsin_bank *bank;

    options.max_series = 4;
    options.when_full = TOCSIN_FULL_EVICT;
    bank = banks_create(spec, &options);
    memset(points, 0, sizeof points);
    for (uint64_t id = 1; id <= 4; id++) {
        banks_add(bank, id);
        points[id - 1].key = id;
        points[id - 1].time = (int64_t)(10 * id) * TOCSIN_MINUTE;
    }
    require(tocsin_bank_push_ids(bank, points, 4, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0) ==
                TOCSIN_OK, "not pushed");
    banks_add(bank, 5);
    require(tocsin_bank_find(bank, 1) == TOCSIN_SLOT_NONE, "1 had no value for longest");
    points[0].key = 2;
    points[0].time = 25 * TOCSIN_MINUTE;
    require(tocsin_bank_push_ids(bank, points, 1, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0) ==
                TOCSIN_OK, "not pushed");
    banks_add(bank, 6);
    require(tocsin_bank_find(bank, 3) != TOCSIN_SLOT_NONE &&
                tocsin_bank_find(bank, 2) == TOCSIN_SLOT_NONE,
            "2 had none since minute 25, 3 since minute 30");
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

/* Banks keep when a calibrator's block ends, and since when it has been under way in 32 bits, in units
 * that grow with the block.  At times that are no multiples of any unit; with values missing, also at
 * the ticks that would have ended a block. */
START_TEST(blocks_end_when_they_do_of_single_series)
{
    static const double missing[] = {0, 0.02, 0.3};
    tocsin_spec *spec = specs_compile("ewma half-life=20p warmup=4 | tail");
    tocsin_detector *single[2], *copy = specs_detector(spec);
    tocsin_bank_options options = banks_options();
    const size_t missing_at = find_missing(spec);
    int64_t time = TOCSIN_DAY;
    rng r = rng_seeded(41 + (uint64_t)_i);
    tocsin_bank *bank;

    options.clock = TOCSIN_CLOCK_SHARED;
    bank = banks_create(spec, &options);
    for (uint32_t slot = 0; slot < 2; slot++) {
        banks_add(bank, slot);
        single[slot] = specs_detector(spec);
    }
    for (size_t i = 0; i < 3000; i++) {
        double values[2];
        tocsin_tick tick;

        for (uint32_t slot = 0; slot < 2; slot++)
            values[slot] = rng_uniform(&r) < missing[_i] ? NAN : rng_normal(&r);
        time += TOCSIN_MINUTE + (int64_t)(rng_uniform(&r) * 1e9);
        tick = banks_tick(bank, time, values);
        require(tocsin_bank_tick(bank, &tick) == TOCSIN_OK, "tick %zu", i);
        for (uint32_t slot = 0; slot < 2; slot++) {
            require(tocsin_detector_push(single[slot], time, values[slot], TOCSIN_LEARN_AND_SCORE,
                                         NULL, 0) == TOCSIN_OK &&
                        tocsin_bank_copy_out(bank, slot, copy) == TOCSIN_OK,
                    "tick %zu", i);
            require(states_are_same(copy, single[slot], missing_at),
                    "tick %zu slot %u: states differ, not only: %s", i, slot,
                    states_difference(copy, single[slot]));
        }
    }
    for (uint32_t slot = 0; slot < 2; slot++)
        tocsin_detector_free(single[slot]);
    tocsin_detector_free(copy);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("contract_fleet");
    TCase *tcase = suite_case(s, "sequences");

    tcase_add_test(tcase, who_is_idle_for_longest_is_known_after_an_older_value);
    tcase_add_loop_test(tcase, blocks_end_when_they_do_of_single_series, 0, 3);
    tcase_add_loop_test(tcase, fleets_say_what_detectors_say, 0, sizeof pipes / sizeof pipes[0]);
    if (FLEET_SEEDS > 1)
        tcase_set_timeout(tcase, 0);
    return s;
}

TOCSIN_TEST_MAIN(suite)
