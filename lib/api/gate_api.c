/* gate_api.c - the public functions of tocsin/gate.h: check the arguments, and hand errors out. */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../gate/gate.h"
#include "../gate/histories.h"
#include "../gate/plans.h"
#include "../snapshot/gates.h"

/* ---- Specs ------------------------------------------------------------------ */

/* Hand an error out to a caller who may not want it. */
static int gate_api_fail(tocsin_error *to, tocsin_error *error)
{
    const int status = error->status;

    if (to) {
        error->struct_size = to->struct_size;
        memcpy(to, error, sizeof *error);
    }
    return status;
}

int tocsin_gate_spec_compile(tocsin_gate_spec **out, const char *text, size_t length,
                             const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_allocator copy;
    tocsin_error why = {0};

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!text || (error && !tocsin__info_fits(error, sizeof *error)) ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    if (length == TOCSIN_NUL_TERMINATED)
        length = strlen(text);
    if (length > TOCSIN__GATE_TEXT_MAX)
        return TOCSIN_ERROR_ARGUMENT;
    const int status = tocsin__gate_spec_compile(out, text, length, &copy, &why);
    return status < 0 ? gate_api_fail(error, &why) : status;
}

void tocsin_gate_spec_free(tocsin_gate_spec *spec)
{
    if (spec) {
        const tocsin_allocator allocator = spec->allocator;

        tocsin__free(&allocator, spec, spec->bytes);
    }
}

int tocsin_gate_spec_text(const tocsin_gate_spec *spec, char *text, size_t size, size_t *needed)
{
    tocsin__text written;

    if (!spec || (!text && size > 0))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__text_start(&written, NULL, 0);
    tocsin__gate_spec_write(spec, &written);
    if (needed)
        *needed = written.length + 1;
    if (written.length + 1 > size)
        return TOCSIN_ERROR_SPACE;
    tocsin__text_start(&written, text, size);
    tocsin__gate_spec_write(spec, &written);
    return TOCSIN_OK;
}

size_t tocsin_gate_metric_count(const tocsin_gate_spec *spec)
{
    return spec ? spec->metric_count : 0;
}

int tocsin_gate_metric(const tocsin_gate_spec *spec, size_t index, tocsin_metric_info *info)
{
    if (!spec || !info || !tocsin__info_fits(info, sizeof *info) || index >= spec->metric_count)
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__info_clear(info, sizeof *info);
    info->kind = spec->metrics[index].kind;
    info->worse = spec->metrics[index].worse;
    info->margin = spec->metrics[index].margin;
    info->name = spec->metrics[index].name;
    return TOCSIN_OK;
}

int tocsin_gate_metric_find(const tocsin_gate_spec *spec, const char *name, size_t length,
                            uint32_t *index)
{
    if (!spec || !name || !index)
        return TOCSIN_ERROR_ARGUMENT;
    if (length == TOCSIN_NUL_TERMINATED)
        length = strlen(name);
    for (uint32_t i = 0; i < spec->metric_count; i++)
        if (strlen(spec->metrics[i].name) == length &&
            memcmp(spec->metrics[i].name, name, length) == 0) {
            *index = i;
            return TOCSIN_OK;
        }
    return TOCSIN_ERROR_NAME;
}

/* ---- Gates ------------------------------------------------------------------- */

enum { GATE_API_ALIGNMENT = 64 };

size_t tocsin_gate_size(const tocsin_gate_spec *spec)
{
    return spec ? spec->gate_bytes : 0;
}

size_t tocsin_gate_alignment(void)
{
    return GATE_API_ALIGNMENT;
}

static tocsin_gate *gate_api_begin(const tocsin_gate_spec *spec, void *memory)
{
    tocsin_gate *const gate = memory;

    memset(gate, 0, sizeof *gate);
    gate->spec = spec;
    tocsin__gate_init(gate);
    return gate;
}

int tocsin_gate_create(tocsin_gate **out, const tocsin_gate_spec *spec,
                       const tocsin_allocator *allocator)
{
    tocsin_allocator copy;
    void *memory;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec || tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    memory = tocsin__alloc(&copy, spec->gate_bytes, GATE_API_ALIGNMENT);
    if (!memory)
        return TOCSIN_ERROR_MEMORY;
    *out = gate_api_begin(spec, memory);
    (*out)->allocator = copy;
    (*out)->is_owned = 1;
    return TOCSIN_OK;
}

int tocsin_gate_create_in(tocsin_gate **out, const tocsin_gate_spec *spec, void *memory,
                          size_t size)
{
    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!spec || !memory)
        return TOCSIN_ERROR_ARGUMENT;
    if ((uintptr_t)memory % GATE_API_ALIGNMENT != 0)
        return TOCSIN_ERROR_ALIGNMENT;
    if (size < spec->gate_bytes)
        return TOCSIN_ERROR_SPACE;
    *out = gate_api_begin(spec, memory);
    return TOCSIN_OK;
}

void tocsin_gate_reset(tocsin_gate *gate)
{
    if (gate)
        tocsin__gate_init(gate);
}

void tocsin_gate_free(tocsin_gate *gate)
{
    if (gate && gate->is_owned) {
        const tocsin_allocator allocator = gate->allocator;

        tocsin__free(&allocator, gate, gate->spec->gate_bytes);
    }
}

const tocsin_gate_spec *tocsin_gate_spec_of(const tocsin_gate *gate)
{
    return gate ? gate->spec : NULL;
}

/* ---- Observing ----------------------------------------------------------------- */

static int gate_api_is_target(const tocsin_gate *gate, uint32_t metric, uint32_t arm)
{
    return gate && metric < gate->spec->metric_count && arm <= TOCSIN_ARM_CANDIDATE;
}

int tocsin_gate_observe(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                        uint64_t unit, double value)
{
    if (!gate_api_is_target(gate, metric, arm))
        return TOCSIN_ERROR_ARGUMENT;
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    if (m->kind == TOCSIN_METRIC_HISTOGRAM)
        return TOCSIN_ERROR_UNSUPPORTED;
    if (m->kind == TOCSIN_METRIC_GAUGE && !m->is_pods && time == TOCSIN_TIME_NONE)
        return TOCSIN_ERROR_TIME;
    return tocsin__gate_observe(gate, metric, arm, time, unit, value);
}

int tocsin_gate_observe_n(tocsin_gate *gate, const tocsin_observation *observations, size_t count,
                          size_t *done)
{
    int result = TOCSIN_OK;
    size_t i = 0;

    if (done)
        *done = 0;
    if (!gate || (!observations && count > 0))
        return TOCSIN_ERROR_ARGUMENT;
    for (; i < count; i++) {
        const tocsin_observation *const o = &observations[i];
        const int status =
            tocsin_gate_observe(gate, o->metric, o->arm, o->time, o->unit, o->value);

        if (status != TOCSIN_OK)
            result = status;
        if (status < 0)
            break;
    }
    if (done)
        *done = i;
    return result;
}

int tocsin_gate_count(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                      uint64_t events, uint64_t of)
{
    if (!gate_api_is_target(gate, metric, arm))
        return TOCSIN_ERROR_ARGUMENT;
    const uint32_t kind = gate->spec->metrics[metric].kind;
    if ((kind != TOCSIN_METRIC_ERRORS && kind != TOCSIN_METRIC_COUNT) ||
        gate->spec->unit != TOCSIN__UNIT_REQUEST)
        return TOCSIN_ERROR_UNSUPPORTED;
    return tocsin__gate_count(gate, metric, arm, time, events, of);
}

int tocsin_gate_buckets(tocsin_gate *gate, uint32_t metric, int64_t time, const double *bounds,
                        const uint64_t *baseline, const uint64_t *candidate, size_t buckets)
{
    const uint64_t *const counts[2] = {baseline, candidate};

    if (!gate_api_is_target(gate, metric, 0) || !bounds || !baseline || !candidate ||
        !tocsin__bounds_hold(bounds, buckets) || !(bounds[buckets - 1] > DBL_MAX))
        return TOCSIN_ERROR_ARGUMENT;
    if (gate->spec->metrics[metric].kind != TOCSIN_METRIC_HISTOGRAM)
        return TOCSIN_ERROR_UNSUPPORTED;
    return tocsin__gate_buckets(gate, metric, time, bounds, counts, buckets);
}

int tocsin_counter_read(tocsin_counter *counter, uint64_t total, uint64_t *increase)
{
    if (!counter || !increase || !tocsin__info_fits(counter, sizeof *counter))
        return TOCSIN_ERROR_ARGUMENT;
    const int is_first = counter->readings == 0, is_reset = !is_first && total < counter->total;
    *increase = is_first ? 0 : is_reset ? total : total - counter->total;
    counter->resets += (uint32_t)is_reset;
    counter->readings++;
    counter->total = total;
    return is_first ? TOCSIN_INFO_IGNORED : TOCSIN_OK;
}

int tocsin_gate_ramp(tocsin_gate *gate, double share)
{
    if (!gate)
        return TOCSIN_ERROR_ARGUMENT;
    if (!(share == 0 || (share >= .0001 && share <= .9999)))
        return TOCSIN_ERROR_RANGE;
    if (!gate->spec->ramps)
        return TOCSIN_ERROR_UNSUPPORTED;
    for (uint32_t i = 0; i < gate->spec->metric_count; i++)
        if (gate->spec->metrics[i].kind == TOCSIN_METRIC_COUNT && share == 0)
            return TOCSIN_ERROR_UNSUPPORTED;
    tocsin__gate_ramp(gate, share);
    return TOCSIN_OK;
}

/* ---- The verdict ------------------------------------------------------------------- */

int tocsin_gate_judge(const tocsin_gate *gate, tocsin_gate_verdict *verdict)
{
    if (!gate || !verdict || !tocsin__info_fits(verdict, sizeof *verdict))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__info_clear(verdict, sizeof *verdict);
    tocsin__gate_judge(gate, verdict);
    return TOCSIN_OK;
}

int tocsin_gate_judge_metric(const tocsin_gate *gate, uint32_t metric,
                             tocsin_gate_verdict *verdict)
{
    if (!gate_api_is_target(gate, metric, 0) || !verdict ||
        !tocsin__info_fits(verdict, sizeof *verdict))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__info_clear(verdict, sizeof *verdict);
    tocsin__gate_judge_metric(gate, metric, verdict);
    return TOCSIN_OK;
}

int tocsin_gate_blame(const tocsin_gate *gate, uint32_t *metrics, size_t capacity, size_t *count)
{
    if (!gate || !count || (!metrics && capacity > 0))
        return TOCSIN_ERROR_ARGUMENT;
    *count = tocsin__gate_blame(gate, metrics, capacity);
    return *count > capacity ? TOCSIN_ERROR_SPACE : TOCSIN_OK;
}

int tocsin_gate_effects(const tocsin_gate *gate, uint32_t metric, tocsin_gate_effect *effects,
                        size_t capacity, size_t *count)
{
    tocsin__evidence evidence;

    if (!gate_api_is_target(gate, metric, 0) || !count || (!effects && capacity > 0))
        return TOCSIN_ERROR_ARGUMENT;
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    *count = m->is_pods ? 0 : TOCSIN__EFFECTS;
    tocsin__gate_evidence(gate, metric, &evidence);
    for (size_t i = 0; i < *count && i < capacity; i++) {
        /* Ascending in the metric's own direction. */
        const size_t k = m->worse > 0 ? i : TOCSIN__EFFECTS - 1 - i;

        effects[i].effect = tocsin__expm1(m->worse * m->shift[k]);
        effects[i].log_e_less = m->worse > 0 ? evidence.less[k] : evidence.more[k];
        effects[i].log_e_more = m->worse > 0 ? evidence.more[k] : evidence.less[k];
    }
    return *count > capacity ? TOCSIN_ERROR_SPACE : TOCSIN_OK;
}

int tocsin_gate_levels(const tocsin_gate *gate, uint32_t metric, tocsin_gate_level *levels,
                       size_t capacity, size_t *count)
{
    if (!gate_api_is_target(gate, metric, 0) || !count || (!levels && capacity > 0))
        return TOCSIN_ERROR_ARGUMENT;
    const tocsin__metric *const m = &gate->spec->metrics[metric];
    if (m->is_pods ||
        (m->kind != TOCSIN_METRIC_LATENCY && m->kind != TOCSIN_METRIC_HISTOGRAM))
        return TOCSIN_ERROR_UNSUPPORTED;
    *count = tocsin__gate_levels(gate, metric, levels, capacity);
    return *count > capacity ? TOCSIN_ERROR_SPACE : TOCSIN_OK;
}

/* ---- Machines ------------------------------------------------------------------------ */

/* Equal specs: compared part by part, as they are written. */
static int gate_api_specs_equal(const tocsin_gate_spec *a, const tocsin_gate_spec *b)
{
    if (a == b)
        return 1;
    if (a->metric_count != b->metric_count)
        return 0;
    for (uint32_t part = 0; part <= a->metric_count; part++) {
        char one[TOCSIN__GATE_PIECE], other[TOCSIN__GATE_PIECE];
        tocsin__text text;

        tocsin__text_start(&text, one, sizeof one);
        tocsin__gate_spec_write_part(a, part, &text);
        tocsin__text_start(&text, other, sizeof other);
        tocsin__gate_spec_write_part(b, part, &text);
        if (strcmp(one, other) != 0)
            return 0;
    }
    return 1;
}

int tocsin_gate_merge(tocsin_gate *gate, const tocsin_gate *from)
{
    if (!gate || !from || gate == from)
        return TOCSIN_ERROR_ARGUMENT;
    const double share = tocsin__gate_head_of(gate)->share;
    const double other = tocsin__gate_head_of(from)->share;
    if (!gate_api_specs_equal(gate->spec, from->spec) || share < other || share > other)
        return TOCSIN_ERROR_MISMATCH;
    return tocsin__gate_merge(gate, from);
}

int tocsin_gate_look(tocsin_gate *gate)
{
    if (!gate)
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__gate_look(gate);
    return TOCSIN_OK;
}

int tocsin_gate_save(const tocsin_gate *gate, void *buffer, size_t size, size_t *needed)
{
    if (!gate || (!buffer && size > 0))
        return TOCSIN_ERROR_ARGUMENT;
    const size_t bytes = tocsin__gate_snapshot_size(gate->spec);
    if (needed)
        *needed = bytes;
    if (bytes > size)
        return TOCSIN_ERROR_SPACE;
    tocsin__gate_snapshot_write(gate, buffer, bytes);
    return TOCSIN_OK;
}

int tocsin_gate_load(tocsin_gate *gate, const void *snapshot, size_t size, tocsin_error *error)
{
    tocsin_error why = {0};

    if (!gate || !snapshot || (error && !tocsin__info_fits(error, sizeof *error)))
        return TOCSIN_ERROR_ARGUMENT;
    const int status = tocsin__gate_snapshot_read(gate, snapshot, size, &why);
    return status < 0 ? gate_api_fail(error, &why) : status;
}

int tocsin_gate_snapshot_spec(tocsin_gate_spec **out, const void *snapshot, size_t size,
                              const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_error why = {0};
    const char *text;
    size_t length;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!snapshot || (error && !tocsin__info_fits(error, sizeof *error)))
        return TOCSIN_ERROR_ARGUMENT;
    if (tocsin__gate_snapshot_text(snapshot, size, &text, &length, &why) < 0)
        return gate_api_fail(error, &why);
    return tocsin_gate_spec_compile(out, text, length, allocator, error);
}

/* ---- Planning ------------------------------------------------------------------------ */

#define GATE_API_RUNS 40u
#define GATE_API_REQUESTS 2000000u
#define GATE_API_REQUESTS_MAX 1000000000u

/* 0 for a rollout out of bounds. */
static int gate_api_rollout(tocsin_rollout *resolved, const tocsin_rollout *given,
                            const tocsin_gate_spec *spec)
{
    memset(resolved, 0, sizeof *resolved);
    if (given) {
        if (!tocsin__info_fits(given, sizeof *given))
            return 0;
        *resolved = *given;
    }
    if (resolved->runs == 0)
        resolved->runs = GATE_API_RUNS;
    if (resolved->requests_max == 0)
        resolved->requests_max = GATE_API_REQUESTS;
    if (resolved->share == 0)
        resolved->share = spec->share > 0 ? spec->share : 0.5;
    if (resolved->effect == 0)
        resolved->effect = 0.1;
    if (resolved->sigma == 0)
        resolved->sigma = 1;
    if (resolved->errors == 0)
        resolved->errors = 0.001;
    return resolved->runs <= TOCSIN_ROLLOUT_RUNS_MAX &&
           resolved->requests_max <= GATE_API_REQUESTS_MAX && resolved->share > 0 &&
           resolved->share < 1 && resolved->effect > 0 && resolved->effect <= 100 &&
           resolved->sigma > 0 && resolved->sigma <= 10 && resolved->errors > 0 &&
           resolved->errors < 1;
}

int tocsin_gate_plan(const tocsin_gate_spec *spec, const tocsin_rollout *rollout, tocsin_plan *plan,
                     const tocsin_allocator *allocator)
{
    tocsin_rollout resolved;
    tocsin_gate *gate;

    if (!spec || !plan || !tocsin__info_fits(plan, sizeof *plan) ||
        !gate_api_rollout(&resolved, rollout, spec))
        return TOCSIN_ERROR_ARGUMENT;
    if (!tocsin__plan_is_possible(spec))
        return TOCSIN_ERROR_UNSUPPORTED;
    const int status = tocsin_gate_create(&gate, spec, allocator);
    if (status < 0)
        return status;
    tocsin__info_clear(plan, sizeof *plan);
    tocsin__plan(gate, &resolved, plan);
    tocsin_gate_free(gate);
    return TOCSIN_OK;
}

/* ---- One run against a history ----------------------------------------------------- */

int tocsin_history_judge(const double *history, size_t runs, size_t metrics, const double *run,
                         const int8_t *worse, double alpha, double *ranks,
                         tocsin_history_verdict *verdict)
{
    const tocsin__history given = {history, run, worse, runs, metrics};

    if ((!history && runs > 0) || !run || !ranks || !verdict ||
        !tocsin__info_fits(verdict, sizeof *verdict) || runs > 65535 || metrics == 0 ||
        metrics > TOCSIN_GATE_METRICS_MAX || !(alpha > 0 && alpha < 1))
        return TOCSIN_ERROR_ARGUMENT;
    for (size_t m = 0; worse && m < metrics; m++)
        if (worse[m] < -1 || worse[m] > 1)
            return TOCSIN_ERROR_ARGUMENT;
    tocsin__info_clear(verdict, sizeof *verdict);
    tocsin__history_judge(&given, alpha, ranks, verdict);
    return TOCSIN_OK;
}
