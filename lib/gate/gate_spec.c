/* gate_spec.c - the gate's grammar: text to compiled spec and back.
 *
 * A gate spec is the gate's own parameters and then metrics, each after a '|': a kind and its
 * parameters.  Words, values and their complaints are those of every other spec (words.h,
 * values.h); a metric's name is the one parameter that is free text.  Each kind has a row of which
 * parameters it takes.
 *
 * When all is read, the grid of changes, the guards and the layout of the gate's memory follow.
 *
 * Cost: linear in the text, but for metrics' names, which are compared with each other; one
 * allocation.
 */
#include "../core/alloc.h"
#include "../core/words.h"
#include "gate.h"

const double tocsin__effect_multiples[TOCSIN__EFFECTS] = {-1, -.5, 0, .25, .5,
                                                          .75, 1, 1.5, 2, 4};

enum { GATE_UNIT, GATE_SHARE, GATE_ALPHA, GATE_ROUTING, GATE_BUDGET, GATE_RAMP, GATE_SESSIONS,
       GATE_PODS };

static const tocsin__param gate_params[TOCSIN__GATE_PARAMS] = {
    {"unit", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "", 0, 0, "request|session|pod",
     "what was assigned to an arm on its own"},
    {"share", TOCSIN_TYPE_FRACTION, 1, 1, 0, "", "constant", .0001, .9999, "constant",
     "the candidate's share of the units"},
    {"alpha", TOCSIN_TYPE_FRACTION, 1, 1, 0, "", "1%", 1e-6, .2, "", "the promised error rate"},
    {"routing", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "random", 0, 0,
     "random|round-robin|sticky|before-after", "how units come to their arm"},
    {"budget", TOCSIN_TYPE_DURATION, 1, 1, 0, "", "", 1, 1e9, "", "how long the gate may take"},
    {"ramp", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "no", 0, 0, "no|yes", "the share will be changed"},
    {"sessions", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "1000000", 1000, 100000000, "",
     "how many sessions to remember"},
    {"pods", TOCSIN_TYPE_INTEGER, 1, 1, 0, "", "64", 2, TOCSIN__PODS_MAX, "",
     "how many pods there can be"},
};

enum { GATE_WORSE, GATE_MARGIN, GATE_TAIL_MARGIN, GATE_TAIL, GATE_BLOCK };

static const tocsin__param gate_metric_params[TOCSIN__METRIC_PARAMS] = {
    {"worse", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "up", 0, 0, "up|down", "which direction is harm"},
    {"margin", TOCSIN_TYPE_FRACTION, 1, 1, 0, "", "10%", .001, 10, "",
     "the relative change that would be harm"},
    {"tail_margin", TOCSIN_TYPE_FRACTION, 1, 1, 0, "", "100%", .01, 10, "",
     "how much more of the tail would be harm"},
    {"tail", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "q995", 0, 0, "q99|q995|q999|none",
     "how deep the tail is guarded"},
    {"block", TOCSIN_TYPE_DURATION, 1, 1, 0, "", "30s", .001, 1e6, "",
     "the length of the blocks that are compared"},
};

/* The most a metric with worse=down can lose. */
#define GATE_LARGEST_FALL .9

#define GATE_TAKES(parameter) (1u << (parameter))

typedef struct gate_kind {
    const char *name;
    uint32_t takes;                 /* bits of gate_metric_params */
    uint32_t evidence;              /* accumulators, with ramp=yes */
    const tocsin__layout *layout;
} gate_kind;

/* By TOCSIN_METRIC_*. */
static const gate_kind gate_kinds[] = {
    {"latency",
     GATE_TAKES(GATE_WORSE) | GATE_TAKES(GATE_MARGIN) | GATE_TAKES(GATE_TAIL_MARGIN) |
         GATE_TAKES(GATE_TAIL),
     TOCSIN__LATENCY_EVIDENCE, &tocsin__latency_layout},
    {"histogram",
     GATE_TAKES(GATE_WORSE) | GATE_TAKES(GATE_MARGIN) | GATE_TAKES(GATE_TAIL_MARGIN) |
         GATE_TAKES(GATE_TAIL),
     TOCSIN__LATENCY_EVIDENCE, &tocsin__histogram_layout},
    {"errors", GATE_TAKES(GATE_WORSE) | GATE_TAKES(GATE_MARGIN), TOCSIN__RATE_EVIDENCE,
     &tocsin__rate_layout},
    {"count", GATE_TAKES(GATE_WORSE) | GATE_TAKES(GATE_MARGIN), TOCSIN__RATE_EVIDENCE,
     &tocsin__rate_layout},
    {"gauge", GATE_TAKES(GATE_WORSE) | GATE_TAKES(GATE_MARGIN) | GATE_TAKES(GATE_BLOCK), 0,
     &tocsin__gauge_layout},
};

typedef struct gate_reader {
    tocsin__reader words;
    tocsin_gate_spec *spec;
    tocsin_error *error;
} gate_reader;

/* ---- Complaints ------------------------------------------------------------------ */

static int gate_refuse(const gate_reader *reader, int status, tocsin__word word,
                       const char *before, const char *after)
{
    tocsin__text text;

    tocsin__error_at(reader->error, status, (size_t)(word.text - reader->words.text), word.text,
                     word.length);
    tocsin__text_start(&text, reader->error->message, sizeof reader->error->message);
    tocsin__text_add(&text, before);
    if (word.length > 0) {
        tocsin__text_add(&text, "'");
        tocsin__text_add(&text, reader->error->word);
        tocsin__text_add(&text, "'");
    }
    tocsin__text_add(&text, after);
    return status;
}

static int gate_refuse_here(const gate_reader *reader, int status, const char *message)
{
    const tocsin__word here = {reader->words.text + reader->words.at, 0};

    return gate_refuse(reader, status, here, message, "");
}

/* Add "; did you mean" to a complaint. */
static int gate_suggest(const gate_reader *reader, const tocsin__guess *guess)
{
    tocsin_error *const error = reader->error;
    tocsin__text text;

    if (!guess->best)
        return error->status;
    tocsin__text_start(&text, error->suggestion, sizeof error->suggestion);
    tocsin__text_add_n(&text, guess->best, guess->best_length);
    text = (tocsin__text){error->message, sizeof error->message, strlen(error->message)};
    tocsin__text_add(&text, "; did you mean '");
    tocsin__text_add(&text, error->suggestion);
    tocsin__text_add(&text, "'?");
    return error->status;
}

static int gate_unknown_parameter(const gate_reader *reader, tocsin__word name, const char *of,
                                  const tocsin__param *params, size_t count, uint32_t takes,
                                  int is_metric)
{
    tocsin__guess guess;

    gate_refuse(reader, TOCSIN_ERROR_NAME, name, "there is no parameter ", of);
    tocsin__guess_start(&guess, name.text, name.length);
    for (size_t i = 0; i < count; i++)
        if (takes >> i & 1)
            tocsin__guess_try(&guess, params[i].name, strlen(params[i].name));
    if (is_metric)
        tocsin__guess_try(&guess, "name", 4);
    return gate_suggest(reader, &guess);
}

/* ---- Parameters ------------------------------------------------------------------ */

/* One word, name=value, into its place in `values`. */
static int gate_read_parameter(const gate_reader *reader, tocsin__word name, tocsin__word value,
                               const tocsin__param *params, size_t count, uint32_t takes,
                               const char *of, int is_metric, tocsin__values *values)
{
    for (size_t i = 0; i < count; i++) {
        if (!(takes >> i & 1) || !tocsin__word_is(name.text, name.length, params[i].name))
            continue;
        if (values[i].is_given)
            return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, name, "", " is given twice");
        const int status = tocsin__values_parse(&params[i], value.text, value.length, &values[i],
                                                reader->error);
        if (status < 0)
            reader->error->offset += (uint32_t)(value.text - reader->words.text);
        values[i].is_given = 1;
        return status;
    }
    return gate_unknown_parameter(reader, name, of, params, count, takes, is_metric);
}

static int gate_is_name(tocsin__word word)
{
    if (word.length == 0 || word.length >= TOCSIN__METRIC_NAME)
        return 0;
    for (size_t i = 0; i < word.length; i++) {
        const char c = word.text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == ':' || c == '/' || c == '_' || c == '-'))
            return 0;
    }
    return 1;
}

static int gate_read_name(const gate_reader *reader, tocsin__word value, tocsin__metric *metric)
{
    if (metric->name[0] != '\0')
        return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, value, "a second name, ", "");
    if (!gate_is_name(value))
        return gate_refuse(reader, TOCSIN_ERROR_SYNTAX, value, "",
                           " is no name: 1 to 63 letters, digits and .:/_-");
    memcpy(metric->name, value.text, value.length);
    metric->name[value.length] = '\0';
    return TOCSIN_OK;
}

static int gate_read_assignment(const gate_reader *reader, tocsin__word word, tocsin__word *name,
                                tocsin__word *value)
{
    *name = tocsin__split_word(word, '=', value);
    if (value->text && name->length > 0)
        return TOCSIN_OK;
    return gate_refuse(reader, TOCSIN_ERROR_SYNTAX, word, "expected parameter=value, not ", "");
}

static void gate_complete(const tocsin__param *params, size_t count, uint32_t takes,
                          tocsin__values *values)
{
    for (size_t i = 0; i < count; i++)
        if ((takes >> i & 1) && !values[i].is_given)
            tocsin__values_default(&params[i], &values[i]);
}

/* ---- What follows from the parameters ---------------------------------------------- */

static int gate_choice(const tocsin__values *values)
{
    return (int)values->item[0].number;
}

static int gate_settle_gate(const gate_reader *reader)
{
    tocsin_gate_spec *const spec = reader->spec;
    const tocsin__values *const values = spec->values;

    gate_complete(gate_params, TOCSIN__GATE_PARAMS, UINT32_MAX, spec->values);
    if (values[GATE_UNIT].count == 0)
        return gate_refuse_here(reader, TOCSIN_ERROR_SYNTAX,
                                "unit= is missing: say what is assigned to an arm on its own, "
                                "unit=request, unit=session or unit=pod");
    spec->unit = (uint32_t)gate_choice(&values[GATE_UNIT]);
    spec->routing = (uint32_t)gate_choice(&values[GATE_ROUTING]);
    spec->share = values[GATE_SHARE].item[0].form == TOCSIN_VALUE_NUMBER
                      ? values[GATE_SHARE].item[0].number
                      : 0;
    spec->alpha = values[GATE_ALPHA].item[0].number;
    spec->ramps = (uint32_t)gate_choice(&values[GATE_RAMP]);
    spec->budget = values[GATE_BUDGET].count > 0 ? values[GATE_BUDGET].item[0].duration : 0;
    spec->sessions = (uint32_t)values[GATE_SESSIONS].item[0].number;
    spec->pods = (uint32_t)values[GATE_PODS].item[0].number;

    if (spec->routing == TOCSIN__ROUTED_STICKY && spec->unit == TOCSIN__UNIT_REQUEST)
        return gate_refuse_here(reader, TOCSIN_ERROR_CONFLICT,
                                "with routing=sticky requests are not assigned on their own; "
                                "unit=session or unit=pod");
    if (spec->routing == TOCSIN__ROUTED_BEFORE && spec->share > 0)
        return gate_refuse_here(reader, TOCSIN_ERROR_CONFLICT,
                                "with routing=before-after there is no share; leave share= out");
    if (spec->ramps && spec->unit == TOCSIN__UNIT_POD)
        return gate_refuse_here(reader, TOCSIN_ERROR_CONFLICT,
                                "with unit=pod the share plays no part; leave ramp= out");
    return TOCSIN_OK;
}

static int gate_settle_metric(const gate_reader *reader, tocsin__metric *metric,
                              tocsin__word place)
{
    static const double guards[TOCSIN__GUARDS] = {.2, .5, .75, 1};
    static const uint32_t depths[] = {2, 3, 4, 0};
    const tocsin_gate_spec *const spec = reader->spec;
    const gate_kind *const kind = &gate_kinds[metric->kind];
    const int has_tail = (kind->takes & GATE_TAKES(GATE_TAIL)) != 0;

    gate_complete(gate_metric_params, TOCSIN__METRIC_PARAMS, kind->takes, metric->values);
    if (metric->name[0] == '\0')
        memcpy(metric->name, kind->name, strlen(kind->name) + 1);
    metric->worse = gate_choice(&metric->values[GATE_WORSE]) == 0 ? 1 : -1;
    metric->margin = metric->values[GATE_MARGIN].item[0].number;
    if (metric->worse < 0 && metric->margin > GATE_LARGEST_FALL)
        return gate_refuse(reader, TOCSIN_ERROR_RANGE, place, "",
                           ": with worse=down margin must be at most 90%");
    if (metric->kind == TOCSIN_METRIC_COUNT && spec->share <= 0)
        return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, place, "",
                           " needs a known share, share=50%: events alone do not tell it");
    if (spec->unit == TOCSIN__UNIT_POD && metric->kind == TOCSIN_METRIC_COUNT)
        return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, place, "",
                           " cannot be judged by pods; give it as errors among requests");
    if (spec->unit != TOCSIN__UNIT_REQUEST && metric->kind == TOCSIN_METRIC_HISTOGRAM)
        return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, place, "",
                           " needs unit=request: buckets do not tell whose requests they count");

    const double margin = metric->worse > 0 ? tocsin__log1p(metric->margin)
                                            : -tocsin__log1p(-metric->margin);
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++)
        metric->shift[k] = tocsin__effect_multiples[k] * margin;
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++)
        metric->step[k] = tocsin__fixed_log(metric->shift[k]);
    for (size_t g = 0; g < TOCSIN__GUARDS; g++)
        metric->guard[g] =
            has_tail ? 1 + guards[g] * metric->values[GATE_TAIL_MARGIN].item[0].number : 2;
    metric->guards = has_tail ? depths[gate_choice(&metric->values[GATE_TAIL])] : 0;
    metric->block = metric->values[GATE_BLOCK].count > 0
                        ? metric->values[GATE_BLOCK].item[0].duration
                        : 1;

    metric->layout = kind->layout;
    metric->shape.precision = TOCSIN__DOUBLE;
    metric->shape.length[0] = spec->ramps ? kind->evidence : 0;
    metric->is_pods = spec->unit == TOCSIN__UNIT_POD;
    if (metric->is_pods) {
        if (metric->guards > TOCSIN__POD_TESTS - 2)
            return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, place, "",
                               ": with unit=pod the tail can be guarded to q995");
        metric->layout = &tocsin__pod_layout;
        metric->shape.length[TOCSIN__POD_IDS] = spec->pods;
        metric->shape.length[TOCSIN__POD_COUNTS] = spec->pods;
        metric->shape.length[TOCSIN__POD_VALUES] = spec->pods * TOCSIN__POD_SUMS;
        metric->shape.length[TOCSIN__POD_MARKS] = spec->pods;
    }
    return TOCSIN_OK;
}

/* ---- Reading ------------------------------------------------------------------------ */

static int gate_read_kind(const gate_reader *reader, tocsin__word word, uint32_t *kind)
{
    tocsin__guess guess;

    tocsin__guess_start(&guess, word.text, word.length);
    for (uint32_t i = 0; i < TOCSIN__COUNT(gate_kinds); i++) {
        if (tocsin__word_is(word.text, word.length, gate_kinds[i].name)) {
            *kind = i;
            return TOCSIN_OK;
        }
        tocsin__guess_try(&guess, gate_kinds[i].name, strlen(gate_kinds[i].name));
    }
    if (word.length == 0)
        return gate_refuse(reader, TOCSIN_ERROR_SYNTAX, word,
                           "a metric is missing here, such as 'latency'", "");
    gate_refuse(reader, TOCSIN_ERROR_NAME, word, "there is no kind of metric ",
                ": latency, histogram, errors, count, gauge");
    return gate_suggest(reader, &guess);
}

static int gate_read_metric(gate_reader *reader, tocsin__metric *metric)
{
    const tocsin__word place = tocsin__next_word(&reader->words);
    int status = gate_read_kind(reader, place, &metric->kind);

    while (status >= 0) {
        const tocsin__word word = tocsin__next_word(&reader->words);
        tocsin__word name, value;

        if (word.length == 0)
            break;
        status = gate_read_assignment(reader, word, &name, &value);
        if (status >= 0)
            status = tocsin__word_is(name.text, name.length, "name")
                         ? gate_read_name(reader, value, metric)
                         : gate_read_parameter(reader, name, value, gate_metric_params,
                                               TOCSIN__METRIC_PARAMS,
                                               gate_kinds[metric->kind].takes,
                                               " of such a metric", 1, metric->values);
    }
    if (status >= 0)
        status = gate_settle_metric(reader, metric, place);
    for (const tocsin__metric *other = reader->spec->metrics; status >= 0 && other < metric;
         other++)
        if (strcmp(other->name, metric->name) == 0)
            return gate_refuse(reader, TOCSIN_ERROR_CONFLICT, place, "",
                               ": another metric has this name; give it one, name=...");
    return status;
}

static int gate_read(gate_reader *reader, size_t capacity)
{
    tocsin_gate_spec *const spec = reader->spec;
    int status = TOCSIN_OK;

    while (status >= 0) {
        const tocsin__word word = tocsin__next_word(&reader->words);
        tocsin__word name, value;

        if (word.length == 0)
            break;
        status = gate_read_assignment(reader, word, &name, &value);
        if (status >= 0)
            status = gate_read_parameter(reader, name, value, gate_params, TOCSIN__GATE_PARAMS,
                                         UINT32_MAX, " of a gate", 0, spec->values);
    }
    if (status >= 0)
        status = gate_settle_gate(reader);
    while (status >= 0 && reader->words.at < reader->words.length) {
        reader->words.at++;     /* the bar */
        if (spec->metric_count == capacity)
            return gate_refuse_here(reader, TOCSIN_ERROR_RANGE, "there are too many metrics");
        status = gate_read_metric(reader, &spec->metrics[spec->metric_count]);
        spec->metric_count++;
    }
    if (status >= 0 && spec->metric_count == 0)
        return gate_refuse_here(reader, TOCSIN_ERROR_SYNTAX,
                                "a metric is missing, such as '| latency margin=10%'");
    return status;
}

static void gate_lay_out(tocsin_gate_spec *spec)
{
    const size_t align = 64;
    size_t at = (tocsin__gate_own_size(spec) + align - 1) / align * align;

    spec->shape.precision = TOCSIN__DOUBLE;
    spec->shape.length[0] = spec->unit == TOCSIN__UNIT_SESSION
                                ? spec->sessions / 64 * TOCSIN__SESSION_BITS + TOCSIN__SESSION_BITS
                                : 0;
    spec->head_offset = at;
    at += tocsin__layout_size(&tocsin__gate_layout, &spec->shape);
    for (uint32_t i = 0; i < spec->metric_count; i++) {
        tocsin__metric *const metric = &spec->metrics[i];

        metric->offset = at;
        at += tocsin__layout_size(metric->layout, &metric->shape);
    }
    spec->gate_bytes = (at + align - 1) / align * align;
}

int tocsin__gate_spec_compile(tocsin_gate_spec **out, const char *text, size_t length,
                              const tocsin_allocator *allocator, tocsin_error *error)
{
    gate_reader reader = {{text, length, 0}, NULL, error};
    size_t bars = 0, bytes;
    int status;

    /* Bars in comments make the block larger than need be, and nothing else. */
    for (size_t i = 0; i < length; i++)
        bars += text[i] == '|';
    if (bars > TOCSIN_GATE_METRICS_MAX)
        bars = TOCSIN_GATE_METRICS_MAX;
    bytes = sizeof(tocsin_gate_spec) + sizeof(tocsin__bets) + bars * sizeof(tocsin__metric);
    reader.spec = tocsin__alloc(allocator, bytes, 16);
    if (!reader.spec) {
        tocsin__error_at(error, TOCSIN_ERROR_MEMORY, 0, "", 0);
        return TOCSIN_ERROR_MEMORY;
    }
    memset(reader.spec, 0, bytes);
    reader.spec->allocator = *allocator;
    reader.spec->bytes = bytes;
    reader.spec->bets = (tocsin__bets *)(void *)(reader.spec + 1);
    reader.spec->metrics = (tocsin__metric *)(void *)(reader.spec->bets + 1);
    status = gate_read(&reader, bars);
    if (status < 0) {
        tocsin__free(allocator, reader.spec, bytes);
        return status;
    }
    gate_lay_out(reader.spec);
    tocsin__bets_init(reader.spec->bets, reader.spec->share);
    *out = reader.spec;
    return TOCSIN_OK;
}

/* ---- Writing --------------------------------------------------------------------------- */

static void gate_write_values(const tocsin__param *params, size_t count,
                              const tocsin__values *values, const char *before,
                              tocsin__text *text)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].count == 0)
            continue;
        tocsin__text_add(text, before);
        tocsin__text_add(text, params[i].name);
        tocsin__text_add(text, "=");
        tocsin__values_write(&params[i], &values[i], text);
        before = " ";
    }
}

void tocsin__gate_spec_write_part(const tocsin_gate_spec *spec, uint32_t part, tocsin__text *text)
{
    if (part == 0) {
        gate_write_values(gate_params, TOCSIN__GATE_PARAMS, spec->values, "", text);
        return;
    }
    const tocsin__metric *const metric = &spec->metrics[part - 1];

    tocsin__text_add(text, " | ");
    tocsin__text_add(text, gate_kinds[metric->kind].name);
    tocsin__text_add(text, " name=");
    tocsin__text_add(text, metric->name);
    gate_write_values(gate_metric_params, TOCSIN__METRIC_PARAMS, metric->values, " ", text);
}

void tocsin__gate_spec_write(const tocsin_gate_spec *spec, tocsin__text *text)
{
    for (uint32_t part = 0; part <= spec->metric_count; part++)
        tocsin__gate_spec_write_part(spec, part, text);
}
