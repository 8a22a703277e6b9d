/* spec.c - the grammar: text to compiled pipe and back.
 *
 * A spec is compiled in three steps.
 *
 *   reading     The text becomes a draft: for each rank of the pipe at most one
 *               stage, its revision and its parameters' values, and beside each of them where
 *               in the text it stood.  What the text says twice, in a wrong order or
 *               with a word nobody knows is found here, at the word.
 *   completing  Ranks left empty get their default stage, parameters left out
 *               their default value.  After `raw` there is no alarm.
 *   resolving   One block of memory is taken for the spec, all values and all
 *               constants; then each stage, in order, checks its values against each other and
 *               derives its constants and the shape of its state.  A stage's complaint
 *               is put at the word in the text that caused it.
 *
 * Deriving a spec from another is the same with another first step: the base's values
 * become the draft, and settings are written over them.  Where a text has
 * offsets, settings have an index.
 *
 * A value counts as given only where it differs from the default.  So what a spec means
 * depends on its values alone, and two specs are equal exactly if their full
 * texts are.
 *
 * Cost: linear in the text, plus the distance of one unknown word to every name in
 * the catalog; one allocation; 20 KB of stack.
 */
#include "compile.h"

#include "../core/alloc.h"
#include "../core/units.h"
#include "../core/words.h"
#include "values.h"

/* The calibrator that ends the pipe, unless an alarm is named: nothing is budgeted behind it. */
#define SPEC_PIPE_END "raw"

/* Where in the text something stood, or the index of the setting it came from. */
typedef struct spec_place {
    uint32_t offset;
    uint32_t length;        /* 0: nowhere, it is a default */
} spec_place;

typedef struct spec_stage {
    const tocsin__stage *stage;     /* NULL: the rank is empty */
    uint32_t revision;
    spec_place place;               /* of the name */
    tocsin__values values[TOCSIN__MAX_PARAMS];
    spec_place param_places[TOCSIN__MAX_PARAMS];    /* of name=value */
} spec_stage;

typedef struct spec_draft {
    const char *text;               /* NULL: places are indices of settings */
    const tocsin_setting *settings;
    size_t setting_size;            /* their stride, for newer callers have longer ones */
    tocsin_error *error;
    spec_stage ranks[TOCSIN__RANKS];
} spec_draft;

/* ---- Complaints ------------------------------------------------------------ */

static void spec_start_message(tocsin__text *text, tocsin_error *error)
{
    tocsin__text_start(text, error->message, sizeof error->message);
}

static void spec_quote(tocsin__text *text, const char *word)
{
    tocsin__text_add(text, "'");
    tocsin__text_add(text, word);
    tocsin__text_add(text, "'");
}

/* A list of names, as far as a message has room. */
static void spec_add_name(tocsin__text *text, const char *name, int is_first)
{
    const size_t room_for_the_rest = 8;

    if (text->length + strlen(name) + room_for_the_rest >= text->size) {
        if (text->length < text->size && text->at[text->length - 1] != '.')
            tocsin__text_add(text, " ...");
        return;
    }
    tocsin__text_add(text, is_first ? " " : ", ");
    tocsin__text_add(text, name);
}

static void spec_suggest(tocsin_error *error, tocsin__text *message, const char *suggestion)
{
    tocsin__text text;

    tocsin__text_start(&text, error->suggestion, sizeof error->suggestion);
    tocsin__text_add(&text, suggestion);
    tocsin__text_add(message, "; did you mean ");
    spec_quote(message, suggestion);
    tocsin__text_add(message, "?");
}

/* ---- Words ----------------------------------------------------------------- */

static spec_place spec_place_of(const spec_draft *draft, tocsin__word word)
{
    return (spec_place){(uint32_t)(word.text - draft->text), (uint32_t)word.length};
}

static int spec_fail_at(const spec_draft *draft, int status, tocsin__word word)
{
    tocsin__error_at(draft->error, status, (size_t)(word.text - draft->text), word.text,
                     word.length);
    return status;
}

/* ---- Stages ---------------------------------------------------------------- */

static int spec_find_param(const tocsin__stage *stage, const char *name, size_t length)
{
    for (size_t i = 0; i < stage->param_count; i++)
        if (tocsin__word_is(name, length, stage->params[i].name))
            return (int)i;
    return -1;
}

/* The stage that has a parameter of that name: one already in the pipe before others, then one that
 * will be put in. */
static const tocsin__stage *spec_owner(const spec_draft *draft, const char *name, size_t length)
{
    const tocsin__stage *owner = NULL;

    for (size_t i = 0; i < tocsin__catalog_count; i++) {
        const tocsin__stage *const stage = tocsin__catalog[i];

        if (spec_find_param(stage, name, length) < 0)
            continue;
        if (draft->ranks[stage->rank].stage == stage)
            return stage;
        if (!owner || (stage->is_default && !draft->ranks[stage->rank].stage))
            owner = stage;
    }
    return owner;
}

static int spec_missing_stage(const spec_draft *draft, tocsin__word gap)
{
    tocsin__text text;

    spec_fail_at(draft, TOCSIN_ERROR_SYNTAX, gap);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, "a stage's name is missing here, such as 'ewma'");
    return TOCSIN_ERROR_SYNTAX;
}

/* "season=1d" where a stage's name belongs. */
static int spec_misplaced_param(const spec_draft *draft, tocsin__word word, tocsin__word name)
{
    const tocsin__stage *const owner = spec_owner(draft, name.text, name.length);
    tocsin__text text;

    spec_fail_at(draft, TOCSIN_ERROR_SYNTAX, word);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, "a stage's name must come before ");
    spec_quote(&text, draft->error->word);
    if (owner)
        spec_suggest(draft->error, &text, owner->name);
    return TOCSIN_ERROR_SYNTAX;
}

static int spec_unknown_stage(const spec_draft *draft, tocsin__word name)
{
    tocsin__guess guess;
    tocsin__text text;
    const char *best = NULL;

    tocsin__guess_start(&guess, name.text, name.length);
    for (size_t i = 0; i < tocsin__catalog_count; i++)
        if (tocsin__guess_try(&guess, tocsin__catalog[i]->name, strlen(tocsin__catalog[i]->name)))
            best = tocsin__catalog[i]->name;

    spec_fail_at(draft, TOCSIN_ERROR_NAME, name);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, "there is no stage ");
    spec_quote(&text, draft->error->word);
    if (best) {
        spec_suggest(draft->error, &text, best);
    } else {
        tocsin__text_add(&text, "; the stages are");
        for (size_t i = 0; i < tocsin__catalog_count; i++)
            spec_add_name(&text, tocsin__catalog[i]->name, i == 0);
    }
    return TOCSIN_ERROR_NAME;
}

static int spec_read_revision(const spec_draft *draft, const tocsin__stage *stage,
                              tocsin__word word, uint32_t *revision)
{
    const uint32_t largest = 1000000;
    uint32_t number = 0;
    size_t read = 0;
    tocsin__text text;

    for (; read < word.length && word.text[read] >= '0' && word.text[read] <= '9'; read++)
        if (number < largest)
            number = number * 10 + (uint32_t)(word.text[read] - '0');
    if (read == word.length && read > 0 && number >= stage->oldest_revision &&
        number <= stage->revision) {
        *revision = number;
        return TOCSIN_OK;
    }

    const int status = read == word.length && read > 0 ? TOCSIN_ERROR_NAME : TOCSIN_ERROR_SYNTAX;
    spec_fail_at(draft, status, word);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, stage->name);
    tocsin__text_add(&text, " has ");
    if (stage->oldest_revision == stage->revision) {
        tocsin__text_add(&text, "only revision ");
    } else {
        tocsin__text_add(&text, "revisions ");
        tocsin__text_add_integer(&text, stage->oldest_revision);
        tocsin__text_add(&text, " to ");
    }
    tocsin__text_add_integer(&text, stage->revision);
    if (word.length > 0) {
        tocsin__text_add(&text, ", not ");
        spec_quote(&text, draft->error->word);
    }
    return status;
}

/* "clock | counter | gaps | a detector | tail or raw | alarm". */
static void spec_add_order(tocsin__text *text)
{
    const tocsin__stage *before = NULL;

    for (size_t i = 0; i < tocsin__catalog_count; i++) {
        const tocsin__stage *const stage = tocsin__catalog[i];
        const int is_detector = stage->kind == TOCSIN_STAGE_DETECT;

        if (before && before->rank == stage->rank && is_detector)
            continue;
        tocsin__text_add(text, !before ? " " : before->rank == stage->rank ? " or " : " | ");
        tocsin__text_add(text, is_detector ? "a detector" : stage->name);
        before = stage;
    }
}

/* A stage whose rank is taken, or that comes after one of a later rank. */
static int spec_check_order(const spec_draft *draft, const tocsin__stage *stage, tocsin__word name)
{
    const tocsin__stage *later = NULL;
    tocsin__text text;

    for (size_t rank = TOCSIN__RANKS; rank-- > stage->rank;)
        if (draft->ranks[rank].stage)
            later = draft->ranks[rank].stage;
    if (!later)
        return TOCSIN_OK;

    spec_fail_at(draft, TOCSIN_ERROR_CONFLICT, name);
    spec_start_message(&text, draft->error);
    spec_quote(&text, stage->name);
    if (later == stage) {
        tocsin__text_add(&text, " is given twice");
    } else if (later->rank == stage->rank) {
        tocsin__text_add(&text, " and ");
        spec_quote(&text, later->name);
        tocsin__text_add(&text, " exclude each other: a pipe has one ");
        tocsin__text_add(&text, stage->kind == TOCSIN_STAGE_DETECT      ? "detector"
                                : stage->kind == TOCSIN_STAGE_CALIBRATE ? "calibrator"
                                                                        : "stage of their kind");
    } else {
        tocsin__text_add(&text, " must come before ");
        spec_quote(&text, later->name);
        tocsin__text_add(&text, "; the order is");
        spec_add_order(&text);
    }
    return TOCSIN_ERROR_CONFLICT;
}

/* ---- Parameters ------------------------------------------------------------ */

/* A word without '='. */
static int spec_stray_word(const spec_draft *draft, const tocsin__stage *stage, tocsin__word word)
{
    const tocsin_error *const error = draft->error;
    tocsin__text text;
    char better[sizeof error->word + 2];

    spec_fail_at(draft, TOCSIN_ERROR_SYNTAX, word);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, "expected parameter=value or '|' after ");
    spec_quote(&text, stage->name);
    tocsin__text_add(&text, ", not ");
    spec_quote(&text, error->word);

    tocsin__text suggestion;
    tocsin__text_start(&suggestion, better, sizeof better);
    tocsin__word ignored;
    const tocsin__word name = tocsin__split_word(word, '@', &ignored);
    if (tocsin__find_stage(name.text, name.length)) {
        tocsin__text_add(&suggestion, "| ");
        tocsin__text_add(&suggestion, error->word);
        spec_suggest(draft->error, &text, better);
    } else if (spec_find_param(stage, word.text, word.length) >= 0) {
        tocsin__text_add(&suggestion, error->word);
        tocsin__text_add(&suggestion, "=");
        spec_suggest(draft->error, &text, better);
    } else if (word.text[0] == '=') {
        tocsin__text_add(&text, "; no spaces around '='");
    }
    return TOCSIN_ERROR_SYNTAX;
}

/* The parameter nearest to a word, among all of one stage. */
static const char *spec_nearest_param(tocsin__guess *guess, const tocsin__stage *stage)
{
    const char *best = NULL;

    for (size_t i = 0; i < stage->param_count; i++)
        if (tocsin__guess_try(guess, stage->params[i].name, strlen(stage->params[i].name)))
            best = stage->params[i].name;
    return best;
}

/* "ewma has no parameter 'seson'", for a place already marked in `error`. */
static int spec_unknown_param(const spec_draft *draft, const tocsin__stage *stage, const char *name,
                              size_t length)
{
    const tocsin__stage *const owner = spec_owner(draft, name, length);
    tocsin__guess guess;
    tocsin__text text;

    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, stage->name);
    tocsin__text_add(&text, " has no parameter ");
    spec_quote(&text, draft->error->word);
    if (owner) {
        tocsin__text_add(&text, "; it belongs to ");
        spec_quote(&text, owner->name);
        return TOCSIN_ERROR_NAME;
    }

    tocsin__guess_start(&guess, name, length);
    const char *nearest = spec_nearest_param(&guess, stage);
    if (nearest) {
        spec_suggest(draft->error, &text, nearest);
        return TOCSIN_ERROR_NAME;
    }
    const tocsin__stage *other = NULL;
    for (size_t i = 0; i < tocsin__catalog_count; i++) {
        const char *const nearer = spec_nearest_param(&guess, tocsin__catalog[i]);

        if (nearer) {
            nearest = nearer;
            other = tocsin__catalog[i];
        }
    }
    if (nearest) {
        spec_suggest(draft->error, &text, nearest);
        tocsin__text_add(&text, " That belongs to ");
        spec_quote(&text, other->name);
    } else if (stage->param_count == 0) {
        tocsin__text_add(&text, "; it has none");
    } else {
        tocsin__text_add(&text, "; it has");
        for (size_t i = 0; i < stage->param_count; i++)
            spec_add_name(&text, stage->params[i].name, i == 0);
    }
    return TOCSIN_ERROR_NAME;
}

static int spec_given_twice(const spec_draft *draft, const tocsin__param *param)
{
    tocsin__text text;

    draft->error->status = TOCSIN_ERROR_CONFLICT;
    spec_start_message(&text, draft->error);
    spec_quote(&text, param->name);
    tocsin__text_add(&text, " is given twice");
    return TOCSIN_ERROR_CONFLICT;
}

static int spec_read_param(spec_draft *draft, spec_stage *target, tocsin__word word)
{
    const tocsin__stage *const stage = target->stage;
    tocsin__word value;
    const tocsin__word name = tocsin__split_word(word, '=', &value);

    if (!value.text || name.length == 0)
        return spec_stray_word(draft, stage, word);
    const int index = spec_find_param(stage, name.text, name.length);
    if (index < 0) {
        spec_fail_at(draft, TOCSIN_ERROR_NAME, name);
        return spec_unknown_param(draft, stage, name.text, name.length);
    }
    if (target->param_places[index].length > 0) {
        spec_fail_at(draft, TOCSIN_ERROR_CONFLICT, word);
        return spec_given_twice(draft, &stage->params[index]);
    }

    const int status = tocsin__values_parse(&stage->params[index], value.text, value.length,
                                            &target->values[index], draft->error);
    if (status < 0)
        draft->error->offset += (uint32_t)(value.text - draft->text);
    target->param_places[index] = spec_place_of(draft, word);
    return status;
}

/* ---- Reading --------------------------------------------------------------- */

/* One stage with its parameters, up to the '|' or the end. */
static int spec_read_stage(spec_draft *draft, tocsin__reader *reader)
{
    const tocsin__word word = tocsin__next_word(reader);
    tocsin__word revision, value;
    const tocsin__word name = tocsin__split_word(word, '@', &revision);
    int status;

    if (name.length == 0)
        return spec_missing_stage(draft, name);
    const tocsin__word before_value = tocsin__split_word(word, '=', &value);
    if (value.text)
        return spec_misplaced_param(draft, word, before_value);
    const tocsin__stage *const stage = tocsin__find_stage(name.text, name.length);
    if (!stage)
        return spec_unknown_stage(draft, name);
    if ((status = spec_check_order(draft, stage, name)) < 0)
        return status;

    spec_stage *const target = &draft->ranks[stage->rank];
    target->stage = stage;
    target->revision = stage->revision;
    target->place = spec_place_of(draft, name);
    if (revision.text) {
        status = spec_read_revision(draft, stage, revision, &target->revision);
        if (status < 0)
            return status;
    }
    for (;;) {
        const tocsin__word param = tocsin__next_word(reader);

        if (param.length == 0)
            return TOCSIN_OK;
        status = spec_read_param(draft, target, param);
        if (status < 0)
            return status;
    }
}

static int spec_read_text(spec_draft *draft, size_t length)
{
    tocsin__reader reader = {draft->text, length, 0};

    tocsin__skip_space(&reader);
    if (reader.at == length)
        return TOCSIN_OK;
    for (;;) {
        const int status = spec_read_stage(draft, &reader);

        if (status < 0 || reader.at == length)
            return status;
        reader.at++;        /* the '|' that ended the stage */
    }
}

static int spec_unknown_in_pipe(const spec_draft *draft, size_t index, const char *name)
{
    tocsin__guess guess;
    tocsin__text text;
    const char *best = NULL;

    tocsin__error_at(draft->error, TOCSIN_ERROR_NAME, index, name, strlen(name));
    tocsin__guess_start(&guess, name, strlen(name));
    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++) {
        const tocsin__stage *const stage = draft->ranks[rank].stage;

        if (stage && tocsin__guess_try(&guess, stage->name, strlen(stage->name)))
            best = stage->name;
    }
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, "the pipe has no stage ");
    spec_quote(&text, draft->error->word);
    if (best)
        spec_suggest(draft->error, &text, best);
    return TOCSIN_ERROR_NAME;
}

static const tocsin_setting *spec_setting(const spec_draft *draft, size_t index)
{
    return (const void *)((const char *)draft->settings + index * draft->setting_size);
}

static int spec_apply_setting(spec_draft *draft, size_t index)
{
    const tocsin_setting *const setting = spec_setting(draft, index);
    const char *const name = setting->parameter;
    spec_stage *target = NULL;
    int status;

    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++)
        if (draft->ranks[rank].stage && strcmp(draft->ranks[rank].stage->name, setting->stage) == 0)
            target = &draft->ranks[rank];
    if (!target)
        return spec_unknown_in_pipe(draft, index, setting->stage);

    tocsin__error_at(draft->error, TOCSIN_ERROR_NAME, index, name, strlen(name));
    const int found = spec_find_param(target->stage, name, strlen(name));
    if (found < 0)
        return spec_unknown_param(draft, target->stage, name, strlen(name));
    const tocsin__param *const param = &target->stage->params[found];
    if (target->param_places[found].length > 0)
        return spec_given_twice(draft, param);

    tocsin__values *const values = &target->values[found];
    if (setting->values)
        status = tocsin__values_set(param, setting->values, setting->value_count, values,
                                    draft->error);
    else
        status = tocsin__values_parse(param, setting->text, strlen(setting->text), values,
                                      draft->error);
    draft->error->offset = (uint32_t)index;
    target->param_places[found] = (spec_place){(uint32_t)index, 1};
    if (target->place.length == 0)
        target->place = target->param_places[found];
    return status;
}

/* ---- Completing ------------------------------------------------------------ */

/* Whether nothing turns the detector's statistic into a rate. */
static int spec_is_raw(const spec_draft *draft)
{
    const tocsin__stage *const calibrator = draft->ranks[TOCSIN__RANK_CALIBRATE].stage;

    return calibrator && strcmp(calibrator->name, SPEC_PIPE_END) == 0;
}

static void spec_complete(spec_draft *draft)
{
    for (size_t i = 0; i < tocsin__catalog_count; i++) {
        const tocsin__stage *const stage = tocsin__catalog[i];
        spec_stage *const target = &draft->ranks[stage->rank];

        if (!stage->is_default || target->stage)
            continue;
        if (stage->rank > TOCSIN__RANK_CALIBRATE && spec_is_raw(draft))
            continue;
        target->stage = stage;
        target->revision = stage->revision;
    }

    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++) {
        spec_stage *const target = &draft->ranks[rank];

        for (size_t i = 0; target->stage && i < target->stage->param_count; i++) {
            tocsin__values fallback;

            tocsin__values_default(&target->stage->params[i], &fallback);
            if (target->values[i].count == 0)
                target->values[i] = fallback;
            target->values[i].is_given = !tocsin__values_equal(&target->values[i], &fallback);
        }
    }
}

/* ---- Resolving ------------------------------------------------------------- */

static const tocsin__values *spec_values_of(const tocsin__stage *stage,
                                            const tocsin__values *values, const char *name)
{
    const int index = spec_find_param(stage, name, strlen(name));

    return index < 0 ? NULL : &values[index];
}

/* The time between points, as a stage's parameter `step` gives it; 0 if it does not. */
static int64_t spec_step_of(const spec_stage *from)
{
    const tocsin__values *const step =
        from->stage ? spec_values_of(from->stage, from->values, "step") : NULL;

    return step && step->is_given && step->item[0].form == TOCSIN_VALUE_DURATION
               ? step->item[0].duration
               : 0;
}

/* A stage's parameter that counts something; 1 if it has none of that name. */
static uint32_t spec_count_of(const spec_stage *from, const char *name)
{
    const tocsin__values *const count =
        from->stage ? spec_values_of(from->stage, from->values, name) : NULL;

    return count && count->count ? (uint32_t)count->item[0].number : 1;
}

/* The zone that the clock's rule makes; UTC where it makes none, of which the clock complains. */
static void spec_zone_of(const spec_stage *from, tocsin__zone *zone)
{
    const tocsin__values *const rule =
        from->stage ? spec_values_of(from->stage, from->values, "timezone") : NULL;

    if (!rule || tocsin__values_zone(rule, zone))
        memset(zone, 0, sizeof *zone);
}

/* What stages may know of each other, before any of them is resolved. */
static void spec_make_context(const spec_draft *draft, tocsin__context *context)
{
    const spec_stage *const alarm = &draft->ranks[TOCSIN__RANK_ALARM];

    memset(context, 0, sizeof *context);
    if (alarm->stage && alarm->stage->budgets)
        alarm->stage->budgets(alarm->values, context);
    context->is_raw = (uint32_t)spec_is_raw(draft);
    context->metrics = spec_count_of(&draft->ranks[TOCSIN__RANK_DETECT], "metrics");
    context->step = spec_step_of(&draft->ranks[TOCSIN__RANK_DETECT]);
    if (context->step == 0)
        context->step = spec_step_of(&draft->ranks[TOCSIN__RANK_CLOCK]);
    spec_zone_of(&draft->ranks[TOCSIN__RANK_CLOCK], &context->zone);
}

/* A stage's complaint, put where in the text, or at which setting, its cause is. */
static int spec_complain(const spec_draft *draft, const spec_stage *stage,
                         const tocsin__complaint *complaint)
{
    spec_place place = stage->place;
    const char *word = "";
    tocsin__text text;

    if (complaint->param < stage->stage->param_count &&
        stage->param_places[complaint->param].length > 0)
        place = stage->param_places[complaint->param];
    if (draft->text) {
        word = draft->text + place.offset;
    } else if (place.length > 0) {
        word = spec_setting(draft, place.offset)->parameter;
        place.length = (uint32_t)strlen(word);
    }
    tocsin__error_at(draft->error, complaint->status, place.offset, word, place.length);
    spec_start_message(&text, draft->error);
    tocsin__text_add(&text, complaint->message);
    return complaint->status;
}

static size_t spec_round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static int spec_resolve_stage(const spec_draft *draft, const spec_stage *from, tocsin_spec *spec,
                              tocsin__compiled_stage *to, void *constants)
{
    const tocsin__stage *const stage = from->stage;
    tocsin__complaint complaint = {0};

    to->stage = stage;
    to->revision = from->revision;
    to->constants = constants;
    const int status = stage->resolve(spec->values + to->value_index, &spec->context, constants,
                                      &to->shape, &complaint);
    if (status < 0) {
        complaint.status = status;
        return spec_complain(draft, from, &complaint);
    }
    to->state_offset = spec->state_size;
    to->state_size = tocsin__layout_size(&stage->layout, &to->shape);
    spec->state_size += to->state_size;
    /* A stage warms up on what the one before it says once that is warm. */
    spec->warmup += stage->warmup ? stage->warmup(constants) : 0;
    return TOCSIN_OK;
}

static int spec_build(tocsin_spec **out, spec_draft *draft, const tocsin_allocator *allocator)
{
    size_t value_count = 0, constants_size = 0;
    tocsin__text text;

    spec_complete(draft);
    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++) {
        const tocsin__stage *const stage = draft->ranks[rank].stage;

        value_count += stage ? stage->param_count : 0;
        constants_size += stage ? spec_round_up(stage->constants_size) : 0;
    }
    const size_t values_at = spec_round_up(sizeof(tocsin_spec));
    const size_t constants_at = values_at + spec_round_up(value_count * sizeof(tocsin__values));
    const size_t block_size = constants_at + constants_size;
    tocsin_spec *const spec = tocsin__alloc(allocator, block_size, 16);
    if (!spec) {
        tocsin__error_at(draft->error, TOCSIN_ERROR_MEMORY, 0, "", 0);
        spec_start_message(&text, draft->error);
        tocsin__text_add(&text, "the allocator has no memory for the spec");
        return TOCSIN_ERROR_MEMORY;
    }

    memset(spec, 0, block_size);
    spec->allocator = *allocator;
    spec->block_size = block_size;
    spec->values = (tocsin__values *)(void *)((char *)spec + values_at);
    spec_make_context(draft, &spec->context);

    const tocsin__compiled_stage **const roles[TOCSIN__RANKS] = {
        [TOCSIN__RANK_CLOCK] = &spec->clock,         [TOCSIN__RANK_COUNTER] = &spec->counter,
        [TOCSIN__RANK_GAPS] = &spec->gaps,           [TOCSIN__RANK_DETECT] = &spec->detect,
        [TOCSIN__RANK_CALIBRATE] = &spec->calibrate, [TOCSIN__RANK_ALARM] = &spec->alarm,
    };
    char *constants = (char *)spec + constants_at;
    uint32_t value_index = 0;
    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++) {
        const spec_stage *const from = &draft->ranks[rank];
        tocsin__compiled_stage *const to = &spec->stages[spec->stage_count];

        if (!from->stage)
            continue;
        to->value_index = value_index;
        memcpy(spec->values + value_index, from->values,
               from->stage->param_count * sizeof from->values[0]);
        const int status = spec_resolve_stage(draft, from, spec, to, constants);
        if (status < 0) {
            tocsin__free(allocator, spec, block_size);
            return status;
        }
        *roles[rank] = to;
        spec->stage_count++;
        value_index += (uint32_t)from->stage->param_count;
        constants += spec_round_up(from->stage->constants_size);
    }
    spec->metrics = spec->context.metrics;
    if (spec->detect->stage->share)
        spec->share_count =
            spec->metrics * (spec_count_of(&draft->ranks[TOCSIN__RANK_DETECT], "shingle") + 1);
    *out = spec;
    return TOCSIN_OK;
}

int tocsin__spec_compile(tocsin_spec **out, const char *text, size_t length,
                         const tocsin_allocator *allocator, tocsin_error *error)
{
    spec_draft draft = {.text = text, .error = error};
    const int status = spec_read_text(&draft, length);

    return status < 0 ? status : spec_build(out, &draft, allocator);
}

int tocsin__spec_derive(tocsin_spec **out, const tocsin_spec *base, const tocsin_setting *settings,
                        size_t count, const tocsin_allocator *allocator, tocsin_error *error)
{
    spec_draft draft = {.settings = settings, .error = error};

    if (count > 0)
        draft.setting_size = settings->struct_size;
    for (size_t i = 0; i < base->stage_count; i++) {
        const tocsin__compiled_stage *const from = &base->stages[i];
        spec_stage *const to = &draft.ranks[from->stage->rank];

        to->stage = from->stage;
        to->revision = from->revision;
        memcpy(to->values, base->values + from->value_index,
               from->stage->param_count * sizeof to->values[0]);
    }
    int status = TOCSIN_OK;
    for (size_t i = 0; i < count && status == TOCSIN_OK; i++)
        status = spec_apply_setting(&draft, i);
    if (status == TOCSIN_OK)
        status = spec_build(out, &draft, allocator);
    if (status < 0)
        error->length = 0;      /* there is no text it could be a part of */
    return status;
}

void tocsin__stage_measure(const tocsin__stage *stage, size_t *state_size, size_t *warmup)
{
    union {
        double number;
        int64_t integer;
        void *pointer;
        unsigned char bytes[TOCSIN__MAX_CONSTANTS];
    } constants;
    spec_draft draft = {.text = ""};
    tocsin__context context;
    tocsin__shape shape = {0};
    tocsin__complaint complaint = {0};

    draft.ranks[stage->rank].stage = stage;
    spec_complete(&draft);
    spec_make_context(&draft, &context);
    memset(&constants, 0, sizeof constants);
    *state_size = *warmup = 0;
    if (stage->constants_size > sizeof constants ||
        stage->resolve(draft.ranks[stage->rank].values, &context, &constants, &shape,
                       &complaint) < 0)
        return;
    *state_size = tocsin__layout_size(&stage->layout, &shape);
    *warmup = stage->warmup ? stage->warmup(&constants) : 0;
}

/* ---- Writing --------------------------------------------------------------- */

void tocsin__spec_write(const tocsin_spec *spec, int style, tocsin__text *text)
{
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *const compiled = &spec->stages[i];
        const tocsin__stage *const stage = compiled->stage;

        if (i > 0)
            tocsin__text_add(text, " | ");
        tocsin__text_add(text, stage->name);
        tocsin__text_add(text, "@");
        tocsin__text_add_integer(text, compiled->revision);
        for (size_t p = 0; p < stage->param_count; p++) {
            const tocsin__values *const values = &spec->values[compiled->value_index + p];

            if (values->count == 0 || (style == TOCSIN_TEXT_SHORT && !values->is_given))
                continue;
            tocsin__text_add(text, " ");
            tocsin__text_add(text, stage->params[p].name);
            tocsin__text_add(text, "=");
            tocsin__values_write(&stage->params[p], values, text);
        }
    }
}

const tocsin__values *tocsin__spec_values(const tocsin_spec *spec, const char *stage,
                                          const char *parameter)
{
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *const compiled = &spec->stages[i];

        if (strcmp(compiled->stage->name, stage) == 0)
            return spec_values_of(compiled->stage, spec->values + compiled->value_index, parameter);
    }
    return NULL;
}
