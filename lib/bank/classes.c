/* classes.c - classes of series: a new one starts from its class's pool and teaches it.
 *
 * Where series live hours, none of them ever sees what a budget of one alarm a week is about.
 * Together they do: a thousand pods of one workload live six weeks per hour.  So a series may
 * belong to a class (a workload and a metric, say), and the class has a pool of what its series
 * have in common.
 *
 * Model
 * -----
 * Partial pooling, as hydrologists do it between rivers: the sites of a homogeneous region share
 * the law of their block maxima once each site's own scale is divided out (regional frequency
 * analysis: Dalrymple 1960; Hosking and Wallis 1997).  A detector's statistic is
 * standardised by its nature, so the calibrator's block maxima go into one pool as they are.  What
 * does differ between series, level and deviation, is shrunk towards the class as far as its
 * members are alike (empirical Bayes: Robbins 1956; Efron and Morris 1975).
 *
 * What a pool holds is a stage's own affair, in the stage's own file: stage.h has the hooks, and a
 * stage without them starts afresh.  This file knows who belongs where, when it is time to teach,
 * and how many classes there is room for.
 *
 * When.  A series teaches when it leaves, whether removed or evicted, and now and then in between:
 * after each round a hand goes round the slots, by one slot per 251 points of the round, so
 * that series that live long are not silent and teaching costs a part of scoring whatever the
 * size of a round.  Both happen while nothing else does, in an order that only the calls decide:
 * the same calls give the same bits, whatever threads and ranges a tick had.
 *
 * What was taught once is not taught again: the calibrator says how far a state has come, as a
 * mark of 16 bits, which is kept beside the index of the class in the 32 bits that a bank with
 * classes spends on each slot.
 *
 * Full.  There is a fixed number of classes, all allocated when the bank is created.  When they
 * are used up, the class without members that has been idle for longest makes room.  If all have
 * members the series has no class, which is counted.
 *
 * Two pools of one class.  Where banks are merged the pool with the longer history stays, whole.
 * Adding them up would be right only if they had been taught by different series, and nobody can
 * know: the parts of a bank that was split all began with the same pool.
 *
 * Cost: a copy of the state per series that comes, teaches or leaves.  Starting from a pool and
 * ending one of its blocks take some microseconds (a sort of at most 256 numbers).
 *
 * How it fails.  A class whose members have nothing in common gives them the average of
 * what they are: the budget then holds for the class and not for each of its series.  And what
 * all members do at the same moment is one event that the pool takes for many.
 */
#include "classes.h"

#include "../core/alloc.h"
#include "bank.h"

#define CLASSES_VISIT 251u          /* points of a round per series that teaches after it; a prime,
                                       so that visits are in step with nothing */
#define CLASSES_NONE 0u

struct tocsin__classes {
    tocsin__ids ids;                /* from a class's id to its index */
    uint32_t *words;                /* by slot: index + 1, and from bit 16 on the mark */
    uint32_t tiles;                 /* that there are words for */
    uint32_t count;                 /* classes ever in use */
    uint32_t hand;                  /* the next slot to teach */
    uint32_t due;                   /* points that the hand has not moved for yet */
    uint64_t without, displaced;
    char *rows;
    void *state;                    /* scratch: a series' */
    tocsin__class *row;             /* scratch: a class */
};

/* ---- Sizes ------------------------------------------------------------------- */

static size_t classes_pools_size(const tocsin_spec *spec)
{
    size_t size = 0;

    for (size_t i = 0; i < spec->stage_count; i++)
        size += spec->stages[i].stage->pool.size;
    return size;
}

size_t tocsin__classes_row_size(const tocsin_spec *spec)
{
    return sizeof(tocsin__class) + classes_pools_size(spec);
}

static size_t classes_round_up(size_t size)
{
    return (size + (TOCSIN__CACHE_LINE - 1)) / TOCSIN__CACHE_LINE * TOCSIN__CACHE_LINE;
}

static size_t classes_ids_size(const tocsin_bank_options *options)
{
    return classes_round_up(tocsin__ids_lines(options->max_classes) * sizeof(tocsin__ids_line));
}

static size_t classes_head_size(void)
{
    return classes_round_up(sizeof(tocsin__classes));
}

static uint64_t classes_block_size(const tocsin_spec *spec, const tocsin_bank_options *options)
{
    return classes_head_size() + classes_ids_size(options) + classes_round_up(spec->state_size) +
           (options->max_classes + UINT64_C(1)) * tocsin__classes_row_size(spec);
}

static uint64_t classes_words_size(uint32_t tiles)
{
    return (uint64_t)tiles * TOCSIN_BANK_TILE * sizeof(uint32_t);
}

uint64_t tocsin__classes_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                              uint32_t tiles)
{
    return options->max_classes ? classes_block_size(spec, options) + classes_words_size(tiles)
                                : 0;
}

/* ---- Life -------------------------------------------------------------------- */

int tocsin__classes_options_fit(const tocsin_bank_options *options)
{
    return options->max_classes <= TOCSIN__CLASSES_MAX && options->reserved == 0;
}

int tocsin__classes_create(tocsin_bank *bank)
{
    const tocsin_bank_options *options = &bank->options;

    if (options->max_classes == 0)
        return TOCSIN_OK;

    const uint64_t size = classes_block_size(bank->spec, options);
    char *block = size <= SIZE_MAX ? tocsin__alloc(&bank->allocator, (size_t)size,
                                                   TOCSIN__CACHE_LINE)
                                   : NULL;

    if (!block)
        return TOCSIN_ERROR_MEMORY;

    tocsin__classes *classes = (tocsin__classes *)(void *)block;
    tocsin__ids_line *lines = (tocsin__ids_line *)(void *)(block + classes_head_size());

    memset(classes, 0, sizeof *classes);
    tocsin__ids_init(&classes->ids, lines, tocsin__ids_lines(options->max_classes),
                     options->seed);
    classes->state = (char *)lines + classes_ids_size(options);
    classes->rows = (char *)classes->state + classes_round_up(bank->spec->state_size);
    classes->row = (tocsin__class *)(void *)(classes->rows + options->max_classes *
                                             tocsin__classes_row_size(bank->spec));
    bank->classes = classes;
    bank->bytes += (size_t)size;
    return TOCSIN_OK;
}

void tocsin__classes_free(tocsin_bank *bank)
{
    tocsin__classes *classes = bank->classes;

    if (!classes)
        return;
    tocsin__free(&bank->allocator, classes->words, (size_t)classes_words_size(classes->tiles));
    tocsin__free(&bank->allocator, classes,
                 (size_t)classes_block_size(bank->spec, &bank->options));
    bank->classes = NULL;
}

int tocsin__classes_reserve(tocsin_bank *bank, uint32_t tiles)
{
    tocsin__classes *classes = bank->classes;

    if (!classes || tiles <= classes->tiles)
        return TOCSIN_OK;

    const uint64_t before = classes_words_size(classes->tiles), after = classes_words_size(tiles);
    uint32_t *words = after <= SIZE_MAX ? tocsin__alloc(&bank->allocator, (size_t)after,
                                                        TOCSIN__CACHE_LINE)
                                        : NULL;

    if (!words)
        return TOCSIN_ERROR_MEMORY;
    memset(words, 0, (size_t)after);
    if (before)
        memcpy(words, classes->words, (size_t)before);
    tocsin__free(&bank->allocator, classes->words, (size_t)before);
    classes->words = words;
    classes->tiles = tiles;
    bank->bytes += (size_t)(after - before);
    return TOCSIN_OK;
}

/* ---- Words and rows ------------------------------------------------------------ */

static tocsin__class *classes_row(const tocsin_bank *bank, uint32_t index)
{
    return (tocsin__class *)(void *)(bank->classes->rows +
                                     index * tocsin__classes_row_size(bank->spec));
}

static uint32_t classes_word(const tocsin_bank *bank, uint32_t slot)
{
    return bank->classes ? bank->classes->words[slot] : CLASSES_NONE;
}

static void classes_write(tocsin_bank *bank, uint32_t slot, uint32_t index, uint16_t mark)
{
    bank->classes->words[slot] = (index + 1) | (uint32_t)mark << 16;
}

uint32_t tocsin__classes_of(const tocsin_bank *bank, uint32_t slot)
{
    const uint32_t number = classes_word(bank, slot) & 0xffff;

    return number == CLASSES_NONE ? TOCSIN_SLOT_NONE : number - 1;
}

uint16_t tocsin__classes_mark(const tocsin_bank *bank, uint32_t slot)
{
    return (uint16_t)(classes_word(bank, slot) >> 16);
}

uint32_t tocsin__classes_find(const tocsin_bank *bank, uint64_t id)
{
    return bank->classes ? tocsin__ids_find(&bank->classes->ids, id) : TOCSIN_SLOT_NONE;
}

uint32_t tocsin__classes_count(const tocsin_bank *bank)
{
    return bank->classes ? bank->classes->count : 0;
}

const tocsin__class *tocsin__classes_at(const tocsin_bank *bank, uint32_t index)
{
    const tocsin__class *row = classes_row(bank, index);

    return row->is_used ? row : NULL;
}

uint64_t tocsin__classes_without(const tocsin_bank *bank)
{
    return bank->classes ? bank->classes->without : 0;
}

uint64_t tocsin__classes_displaced(const tocsin_bank *bank)
{
    return bank->classes ? bank->classes->displaced : 0;
}

/* ---- Stages -------------------------------------------------------------------- */

static uint16_t classes_mark_of(const tocsin_spec *spec, const void *state)
{
    const tocsin__compiled_stage *calibrate = spec->calibrate;

    return calibrate && calibrate->stage->pool_mark
               ? calibrate->stage->pool_mark(calibrate->constants,
                                             tocsin__const_state_of(calibrate, state))
               : 0;
}

static void classes_start(const tocsin_spec *spec, const tocsin__class *row, void *state)
{
    const char *pool = (const char *)(row + 1);

    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (stage->stage->pool_start)
            stage->stage->pool_start(stage->constants, pool, tocsin__state_of(stage, state));
        pool += stage->stage->pool.size;
    }
}

/* The series in the slot, which has a class, teaches it. */
static void classes_teach(tocsin_bank *bank, uint32_t slot, int leaves)
{
    const tocsin_spec *spec = bank->spec;
    const uint32_t index = tocsin__classes_of(bank, slot);
    const uint16_t mark = tocsin__classes_mark(bank, slot);
    tocsin__class *row = classes_row(bank, index);
    char *pool = (char *)(row + 1);
    void *state = bank->classes->state;

    tocsin__bank_read(bank, slot, state);
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (stage->stage->pool_teach)
            stage->stage->pool_teach(stage->constants, pool, tocsin__const_state_of(stage, state),
                                     mark, bank->latest, leaves);
        pool += stage->stage->pool.size;
    }
    row->active = bank->latest;
    classes_write(bank, slot, index, classes_mark_of(spec, state));
}

/* ---- Classes ------------------------------------------------------------------- */

static void classes_drop(tocsin_bank *bank, uint32_t index)
{
    tocsin__class *row = classes_row(bank, index);

    tocsin__ids_remove(&bank->classes->ids, row->id);
    row->is_used = 0;
}

/* As many places were in use: those that are new are free. */
static void classes_open(tocsin_bank *bank, uint32_t count)
{
    tocsin__classes *classes = bank->classes;

    for (; classes->count < count; classes->count++)
        classes_row(bank, classes->count)->is_used = 0;
}

/* The first place that was never in use, or else one that is free again, or else that of the class
 * without members that has been idle for longest; TOCSIN_SLOT_NONE if all have members. */
static uint32_t classes_place(const tocsin_bank *bank)
{
    const tocsin__classes *classes = bank->classes;
    uint32_t idle = TOCSIN_SLOT_NONE;

    if (classes->count < bank->options.max_classes)
        return classes->count;
    for (uint32_t i = 0; i < classes->count; i++) {
        const tocsin__class *row = classes_row(bank, i);

        if (!row->is_used)
            return i;
        if (row->members == 0 &&
            (idle == TOCSIN_SLOT_NONE || row->active < classes_row(bank, idle)->active))
            idle = i;
    }
    return idle;
}

static int classes_is_taken(const tocsin_bank *bank, uint32_t index)
{
    return index < bank->classes->count && classes_row(bank, index)->is_used;
}

/* A row in a place, which may be that of another class. */
static void classes_settle_in(tocsin_bank *bank, uint32_t index, const void *row)
{
    tocsin__class *here = classes_row(bank, index);

    if (classes_is_taken(bank, index)) {
        classes_drop(bank, index);
        bank->classes->displaced++;
    }
    classes_open(bank, index + 1);
    memcpy(here, row, tocsin__classes_row_size(bank->spec));
    here->members = 0;
    here->is_used = 1;
    tocsin__ids_add(&bank->classes->ids, here->id, index);
}

/* The class of that id, which may be new. */
static uint32_t classes_enter(tocsin_bank *bank, uint64_t id)
{
    uint32_t index = tocsin__classes_find(bank, id);

    if (index != TOCSIN_SLOT_NONE)
        return index;
    index = classes_place(bank);
    if (index == TOCSIN_SLOT_NONE)
        return index;

    tocsin__class *row = bank->classes->row;

    tocsin__classes_row_init(bank->spec, row);
    row->id = id;
    classes_settle_in(bank, index, row);
    return index;
}

void tocsin__classes_forget(tocsin_bank *bank, uint32_t index)
{
    if (classes_row(bank, index)->members)
        for (uint32_t slot = 0; slot < bank->slots; slot++)
            if (tocsin__classes_of(bank, slot) == index)
                bank->classes->words[slot] = CLASSES_NONE;
    classes_drop(bank, index);
    bank->changes++;
}

const void *tocsin__classes_initial(const tocsin_bank *bank, uint32_t index)
{
    void *state = bank->classes->state;

    tocsin__pipeline_init(bank->spec, state);
    classes_start(bank->spec, classes_row(bank, index), state);
    return state;
}

/* ---- Members ------------------------------------------------------------------- */

void tocsin__classes_join(tocsin_bank *bank, uint32_t slot, uint64_t id)
{
    void *state = bank->classes->state;
    const uint32_t index = classes_enter(bank, id);

    if (index == TOCSIN_SLOT_NONE) {
        bank->classes->without++;
        return;
    }

    tocsin__class *row = classes_row(bank, index);
    const int64_t active = tocsin__bank_active(bank, slot);
    const uint32_t idle_count = bank->idle_count;

    row->members++;
    row->active = bank->latest;
    tocsin__bank_read(bank, slot, state);
    classes_start(bank->spec, row, state);
    tocsin__bank_restore(bank, slot, state, active);
    bank->idle_count = idle_count;      /* it is as old as before */
    classes_write(bank, slot, index, classes_mark_of(bank->spec, state));
}

void tocsin__classes_leave(tocsin_bank *bank, uint32_t slot)
{
    const uint32_t index = tocsin__classes_of(bank, slot);

    if (index == TOCSIN_SLOT_NONE)
        return;
    classes_teach(bank, slot, 1);
    classes_row(bank, index)->members--;
    classes_row(bank, index)->left++;
    bank->classes->words[slot] = CLASSES_NONE;
}

void tocsin__classes_detach(tocsin_bank *bank, uint32_t slot)
{
    const uint32_t index = tocsin__classes_of(bank, slot);

    if (index == TOCSIN_SLOT_NONE)
        return;
    classes_row(bank, index)->members--;
    bank->classes->words[slot] = CLASSES_NONE;
}

void tocsin__classes_settle(tocsin_bank *bank)
{
    tocsin__classes *classes = bank->classes;

    if (!classes || classes->count == 0)
        return;

    const uint64_t due = classes->due + bank->last.points;
    uint64_t visits = due / CLASSES_VISIT;

    classes->due = (uint32_t)(due % CLASSES_VISIT);
    for (visits = visits < bank->slots ? visits : bank->slots; visits > 0; visits--) {
        classes->hand = classes->hand + 1 < bank->slots ? classes->hand + 1 : 0;
        if (tocsin__classes_of(bank, classes->hand) != TOCSIN_SLOT_NONE)
            classes_teach(bank, classes->hand, 0);
    }
}

void tocsin__classes_replaced(tocsin_bank *bank, uint32_t slot)
{
    const uint32_t index = tocsin__classes_of(bank, slot);

    if (index == TOCSIN_SLOT_NONE)
        return;
    tocsin__bank_read(bank, slot, bank->classes->state);
    classes_write(bank, slot, index, classes_mark_of(bank->spec, bank->classes->state));
}

/* ---- Rows ------------------------------------------------------------------------ */

void tocsin__classes_read(const tocsin_bank *bank, uint32_t index, void *row)
{
    memcpy(row, classes_row(bank, index), tocsin__classes_row_size(bank->spec));
}

void tocsin__classes_row_init(const tocsin_spec *spec, void *row)
{
    char *pool = (char *)row + sizeof(tocsin__class);

    memset(row, 0, tocsin__classes_row_size(spec));
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *stage = &spec->stages[i];

        if (stage->stage->pool_init)
            stage->stage->pool_init(stage->constants, pool);
        pool += stage->stage->pool.size;
    }
}

/* What a pool says of a new member's past: the time it was taught, if that is known. */
static double classes_history(const tocsin_bank *bank, const tocsin__class *row)
{
    const tocsin__compiled_stage *calibrate = bank->spec->calibrate;
    void *state = bank->classes->state;
    tocsin_explanation said;
    tocsin__outcome nobody;

    memset(&said, 0, sizeof said);
    if (calibrate && calibrate->stage->explain) {
        tocsin__outcome_init(&nobody);
        tocsin__pipeline_init(bank->spec, state);
        classes_start(bank->spec, row, state);
        calibrate->stage->explain(calibrate->constants, tocsin__const_state_of(calibrate, state),
                                  &nobody.reading, &said);
    }
    return said.history;
}

/* Of two rows of one class, does the given one know more? */
static int classes_knows_more(const tocsin_bank *bank, const tocsin__class *given,
                              const tocsin__class *here)
{
    const double theirs = classes_history(bank, given), ours = classes_history(bank, here);

    if (theirs > ours || theirs < ours)
        return theirs > ours;
    return given->left != here->left ? given->left > here->left : given->active > here->active;
}

int tocsin__classes_merge(tocsin_bank *bank, const void *row, uint32_t index, int check)
{
    const tocsin__class *given = row;

    if (!bank->classes)
        return TOCSIN__CLASS_LOST;

    const uint32_t known = tocsin__classes_find(bank, given->id);

    if (known != TOCSIN_SLOT_NONE) {
        tocsin__class *here = classes_row(bank, known);
        const int is_better = classes_knows_more(bank, given, here);
        const uint32_t members = here->members;
        const int64_t active = given->active > here->active ? given->active : here->active;

        if (check)
            return is_better ? TOCSIN__CLASS_REPLACED : TOCSIN__CLASS_KEPT;
        if (is_better)
            memcpy(here, row, tocsin__classes_row_size(bank->spec));
        here->members = members;
        here->is_used = 1;
        here->active = active;
        return is_better ? TOCSIN__CLASS_REPLACED : TOCSIN__CLASS_KEPT;
    }
    if (index >= bank->options.max_classes || classes_is_taken(bank, index))
        index = classes_place(bank);
    if (index == TOCSIN_SLOT_NONE ||
        (classes_is_taken(bank, index) && classes_row(bank, index)->active >= given->active))
        return TOCSIN__CLASS_LOST;
    if (!check)
        classes_settle_in(bank, index, row);
    return TOCSIN__CLASS_ADDED;
}

void tocsin__classes_numbers_get(const tocsin_bank *bank, tocsin__classes_numbers *numbers)
{
    const tocsin__classes *classes = bank->classes;

    memset(numbers, 0, sizeof *numbers);
    if (!classes)
        return;
    numbers->without = classes->without;
    numbers->displaced = classes->displaced;
    numbers->count = classes->count;
    numbers->hand = classes->hand;
    numbers->due = classes->due;
}

void tocsin__classes_numbers_put(tocsin_bank *bank, const tocsin__classes_numbers *numbers)
{
    const uint32_t most = bank->options.max_classes;
    tocsin__classes *classes = bank->classes;

    if (!classes)
        return;
    classes->without += numbers->without;
    classes->displaced += numbers->displaced;
    classes->hand = numbers->hand;
    classes->due = numbers->due % CLASSES_VISIT;
    classes_open(bank, numbers->count < most ? numbers->count : most);
}

void tocsin__classes_assign(tocsin_bank *bank, uint32_t slot, uint32_t index, uint16_t mark)
{
    const uint32_t before = tocsin__classes_of(bank, slot);

    if (before != TOCSIN_SLOT_NONE)
        classes_row(bank, before)->members--;
    classes_row(bank, index)->members++;
    classes_write(bank, slot, index, mark);
}
