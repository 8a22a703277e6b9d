/* cmd_gate.c - `tocsin gate`: is this release worse than what it replaces?
 *
 * Rows go to the gate as they come.  What Prometheus exports are totals: they become increases, and
 * those of one moment are taken together, both arms at once, when the next one begins: at another
 * time or, where rows have none, with the second reading of a counter.  A moment in which a counter
 * could not be read, or was missing, lasts until all can: what it counted meanwhile would otherwise
 * be held against another time's requests, or be taken for nothing.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_file.h"
#include "cli_map.h"
#include "cli_specs.h"
#include "gate_input.h"
#include "gate_result.h"

/* Looks come every 1/32 more rows; a stream is also judged after as many rows at the latest, so that
 * after hours it does not take many minutes to be noticed that it is decided. */
#define GATE_LOOK_FIRST 64
#define GATE_LOOK_SHARE 32
#define GATE_JUDGE_ROWS 2048

/* The increases of one moment; by arm, baseline before candidate. */
typedef struct gate_bucket {
    double bound;
    uint64_t below[2];              /* cumulative, as Prometheus counts */
    char is_known[2], is_read[2];   /* ever, and in this moment */
} gate_bucket;

typedef struct gate_moment {
    int is_open;
    int is_torn;                    /* something could not be read */
    uint64_t events[2], of[2];
    size_t bucket_count;
    gate_bucket buckets[TOCSIN_GATE_BUCKETS_MAX];
} gate_moment;

typedef struct gate_counter {
    tocsin_counter counter;
    uint64_t moment;                /* in which it was read last */
} gate_counter;

typedef struct gate_run {
    const cli_options *options;
    tocsin_gate_spec *spec;
    tocsin_gate *gate;
    gate_result result;
    gate_moment *moments;           /* per metric */
    cli_map counter_names;
    gate_counter *counters;
    size_t counter_capacity;
    uint64_t moment;                /* the number of the one that is open, from 1 */
    cli_buffer key;
    int64_t time;                   /* of the moment that is open */
    const cli_source *source;
    uint64_t next_look, next_judgement;
    int is_decided;                 /* what has come since does not count */
} gate_run;

/* ---- Specs -------------------------------------------------------------------- */

static char *gate_spec_text(const cli_options *options)
{
    cli_buffer text = {NULL, 0, 0};

    cli_buffer_print(&text, "%s", options->gate ? options->gate : "");
    for (size_t i = 0; i < options->metric_count; i++)
        cli_buffer_print(&text, "%s%s", text.length > 0 ? " | " : "", options->metrics[i]);
    return text.at;
}

static tocsin_gate_spec *gate_spec_compile(const char *text)
{
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_gate_spec *spec;
    const int status = tocsin_gate_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);

    if (status == TOCSIN_ERROR_MEMORY)
        cli_die(CLI_BAD_INPUT, "out of memory");
    if (status < 0) {
        cli_note("the gate's spec is wrong: %s",
                 error.message[0] ? error.message : tocsin_status_text(status));
        cli_spec_show(text, &error);
        exit(CLI_USAGE);
    }
    return spec;
}

/* ---- Rows ---------------------------------------------------------------------- */

static uint32_t gate_arm(const cli_source *source, cli_text arm)
{
    static const char *const words[] = {"baseline", "candidate", "stable", "canary", NULL};

    for (uint32_t i = 0; words[i]; i++)
        if (cli_text_is(arm, words[i]))
            return i % 2 ? TOCSIN_ARM_CANDIDATE : TOCSIN_ARM_BASELINE;
    const char *meant = cli_closest(arm, words);

    cli_source_bad(source, "'%.*s' is no arm; baseline or candidate was expected%s%s%s",
                   arm.length > 40 ? 40 : (int)arm.length, arm.at, meant ? "; did you mean '" : "",
                   meant ? meant : "", meant ? "'?" : "");
}

static uint32_t gate_metric(const gate_run *run, cli_text name)
{
    const char *names[64];
    size_t count = 0;
    uint32_t index = 0;

    if (run->result.metric_count == 1 && (!name.at || run->options->metric_any))
        return 0;
    if (!name.at)
        cli_source_bad(run->source, "there is no metric's name, and the gate has %zu metrics",
                       run->result.metric_count);
    name = cli_text_trim(name);
    if (tocsin_gate_metric_find(run->spec, name.at, name.length, &index) == TOCSIN_OK)
        return index;
    for (; count < 63 && count < run->result.metric_count; count++)
        names[count] = run->result.metrics[count].name;
    names[count] = NULL;
    const char *meant = cli_closest(name, names);

    cli_source_bad(run->source, "the gate has no metric '%.*s'%s%s%s",
                   name.length > 63 ? 63 : (int)name.length, name.at,
                   meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

/* FNV-1a. */
static uint64_t gate_unit(cli_text text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* A status of the gate's; what cannot go on ends the program. */
static void gate_check(gate_run *run, int status)
{
    if (status == TOCSIN_INFO_IGNORED)
        run->result.ignored++;
    if (status == TOCSIN_ERROR_TIME)
        cli_source_bad(run->source, "a gauge's reading needs a time");
    if (status == TOCSIN_ERROR_MISMATCH)
        cli_source_bad(run->source, "the histogram's buckets are not what they were at first");
    if (status < 0)
        cli_source_bad(run->source, "the gate cannot take this: %s", tocsin_status_text(status));
}

/* The counter that a row reads, from its metric, arm, series and bucket. */
static gate_counter *gate_counter_of(gate_run *run, uint32_t metric, uint32_t arm,
                                     const gate_row *row)
{
    run->key.length = 0;
    cli_buffer_print(&run->key, "%" PRIu32 "/%" PRIu32 "/%d/", metric, arm, row->has_of);
    cli_buffer_add(&run->key, row->series.at, row->series.length);
    cli_buffer_print(&run->key, "/");
    cli_buffer_add(&run->key, row->le.at, row->le.length);
    const cli_text key = {run->key.at, run->key.length};
    size_t number = cli_map_find(&run->counter_names, key);

    if (number == SIZE_MAX) {
        number = cli_map_add(&run->counter_names, key);
        run->counters =
            cli_grow(run->counters, &run->counter_capacity, number + 1, sizeof *run->counters);
        memset(&run->counters[number], 0, sizeof run->counters[number]);
        run->counters[number].counter.struct_size = sizeof run->counters[number].counter;
    }
    return &run->counters[number];
}

/* What it has counted since it was read last; 0: this is no total. */
static int gate_increase(gate_counter *counter, const cli_number *total, uint64_t *increase)
{
    *increase = 0;
    if (!(total->value >= 0 && total->value < 0x1p63))
        return 0;
    tocsin_counter_read(&counter->counter,
                        total->is_count ? total->count : (uint64_t)total->value, increase);
    return 1;
}

/* The bucket of an upper bound, in its place among the others. */
static gate_bucket *gate_bucket_of(gate_run *run, gate_moment *moment, cli_text le)
{
    cli_number bound;
    size_t at = 0;

    if (cli_parse_number(le, &bound) != CLI_NUMBER || !(bound.value > 0))
        cli_source_bad(run->source, "'%.*s' is not a bucket's upper bound",
                       le.length > 40 ? 40 : (int)le.length, le.at);
    while (at < moment->bucket_count && moment->buckets[at].bound < bound.value)
        at++;

    gate_bucket *const bucket = &moment->buckets[at];

    if (at < moment->bucket_count && bucket->bound == bound.value)
        return bucket;
    if (moment->bucket_count == TOCSIN_GATE_BUCKETS_MAX)
        cli_source_bad(run->source, "a histogram has at most %d buckets", TOCSIN_GATE_BUCKETS_MAX);
    memmove(bucket + 1, bucket, (moment->bucket_count++ - at) * sizeof *bucket);
    memset(bucket, 0, sizeof *bucket);
    bucket->bound = bound.value;
    return bucket;
}

/* Has every arm that was read all of its buckets?  One that it never had is another histogram's. */
static int gate_has_all_buckets(const gate_run *run, const gate_moment *moment)
{
    static const char *const arms[] = {"baseline", "candidate"};
    int has_all = 1;

    if (moment->bucket_count < 2 || !isinf(moment->buckets[moment->bucket_count - 1].bound))
        cli_source_bad(run->source, "a histogram needs a bucket le=+Inf and at least one other");
    for (int arm = 0; arm < 2; arm++) {
        size_t read = 0;

        for (size_t i = 0; i < moment->bucket_count; i++)
            read += moment->buckets[i].is_read[arm] != 0;
        for (size_t i = 0; i < moment->bucket_count && read > 0; i++)
            if (!moment->buckets[i].is_known[arm])
                cli_source_bad(run->source,
                               "the %s has no bucket le=%g, and the %s has; both need the same buckets",
                               arms[arm], moment->buckets[i].bound, arms[!arm]);
        has_all &= read == 0 || read == moment->bucket_count;
    }
    return has_all;
}

static void gate_flush_buckets(gate_run *run, uint32_t metric, gate_moment *moment)
{
    uint64_t own[2][TOCSIN_GATE_BUCKETS_MAX];
    double bound[TOCSIN_GATE_BUCKETS_MAX];

    for (size_t i = 0; i < moment->bucket_count; i++) {
        gate_bucket *const bucket = &moment->buckets[i];

        bound[i] = bucket->bound;
        for (int arm = 0; arm < 2; arm++) {
            const uint64_t below = i > 0 ? bucket[-1].below[arm] : 0;

            /* Buckets are read one after the other, so a later one may know of less. */
            own[arm][i] = bucket->below[arm] > below ? bucket->below[arm] - below : 0;
        }
    }
    gate_check(run, tocsin_gate_buckets(run->gate, metric, run->time, bound, own[0], own[1],
                                        moment->bucket_count));
    for (size_t i = 0; i < moment->bucket_count; i++)
        memset(moment->buckets[i].below, 0, sizeof moment->buckets[i].below);
}

/* Is all there that makes the moment whole?  What is read next begins another one, or mends this. */
static int gate_is_whole(const gate_run *run, uint32_t metric, gate_moment *moment)
{
    int is_whole = !moment->is_torn;

    if (run->result.metrics[metric].kind == TOCSIN_METRIC_HISTOGRAM)
        is_whole &= gate_has_all_buckets(run, moment);
    moment->is_torn = 0;
    for (size_t i = 0; i < moment->bucket_count; i++)
        memset(moment->buckets[i].is_read, 0, sizeof moment->buckets[i].is_read);
    return is_whole;
}

/* The moment is over. */
static void gate_flush(gate_run *run)
{
    run->moment++;
    for (uint32_t m = 0; m < run->result.metric_count; m++) {
        gate_moment *moment = &run->moments[m];

        if (!moment->is_open || !gate_is_whole(run, m, moment))
            continue;
        moment->is_open = 0;
        if (run->result.metrics[m].kind == TOCSIN_METRIC_HISTOGRAM) {
            gate_flush_buckets(run, m, moment);
            continue;
        }
        for (uint32_t arm = 0; arm < 2; arm++) {
            const int is_count = run->result.metrics[m].kind == TOCSIN_METRIC_COUNT;

            if (moment->events[arm] > 0 || moment->of[arm] > 0)
                gate_check(run, tocsin_gate_count(run->gate, m, arm, run->time,
                                                  moment->events[arm],
                                                  is_count ? 0 : moment->of[arm]));
            moment->events[arm] = moment->of[arm] = 0;
        }
    }
}

/* A counter's reading: it waits for the others of its moment. */
static void gate_take_total(gate_run *run, uint32_t metric, uint32_t arm, const gate_row *row)
{
    gate_moment *moment = &run->moments[metric];
    gate_counter *counter = gate_counter_of(run, metric, arm, row);

    if (row->time == TOCSIN_TIME_NONE && counter->moment == run->moment)
        gate_flush(run);
    counter->moment = run->moment;

    uint64_t increase;

    moment->is_open = 1;
    if (!gate_increase(counter, &row->value, &increase)) {
        moment->is_torn = 1;
        run->result.ignored++;
    }
    if (run->result.metrics[metric].kind == TOCSIN_METRIC_HISTOGRAM) {
        if (!row->le.at)
            cli_source_bad(run->source, "a histogram's rows need a bucket's bound, `le`");

        gate_bucket *const bucket = gate_bucket_of(run, moment, row->le);

        bucket->below[arm] += increase;
        bucket->is_known[arm] = bucket->is_read[arm] = 1;
    } else if (row->has_of) {
        moment->of[arm] += increase;
    } else {
        moment->events[arm] += increase;
    }
}

static void gate_look_at(gate_run *run, int64_t time)
{
    gate_result *result = &run->result;
    const size_t look = result->look_count++;

    result->looks =
        cli_grow(result->looks, &result->look_capacity, look + 1, sizeof *result->looks);
    result->looks[look] = (gate_look){result->rows, time};
    for (uint32_t m = 0; m < result->metric_count; m++) {
        gate_metric_result *metric = &result->metrics[m];
        tocsin_gate_verdict verdict = {.struct_size = sizeof verdict};

        tocsin_gate_judge_metric(run->gate, m, &verdict);
        metric->log_e = cli_grow(metric->log_e, &metric->log_e_capacity, look + 1,
                                 sizeof *metric->log_e);
        metric->log_e_pass = cli_grow(metric->log_e_pass, &metric->log_e_pass_capacity, look + 1,
                                      sizeof *metric->log_e_pass);
        metric->log_e[look] = verdict.log_e;
        metric->log_e_pass[look] = verdict.log_e_pass;
    }
}

/* Whether a stream has told enough. */
static int gate_decide(gate_run *run)
{
    tocsin_gate_verdict verdict = {.struct_size = sizeof verdict};

    tocsin_gate_judge(run->gate, &verdict);
    run->is_decided = verdict.outcome == TOCSIN_OUTCOME_PASS ||
                      verdict.outcome == TOCSIN_OUTCOME_FAIL ||
                      verdict.outcome == TOCSIN_OUTCOME_INVALID ||
                      (verdict.flags & TOCSIN_GATE_BUDGET_SPENT);
    return run->is_decided;
}

/* What the page shows, and whether a followed stream has told enough. */
static int gate_goes_on(gate_run *run)
{
    const uint64_t rows = run->result.rows, more = 1 + rows / GATE_LOOK_SHARE;

    if (run->options->report && rows >= run->next_look) {
        run->next_look = rows + more;
        gate_look_at(run, run->time);
    }
    if (!run->options->follow || rows < run->next_judgement)
        return 1;
    run->next_judgement = rows + (more < GATE_JUDGE_ROWS ? more : GATE_JUDGE_ROWS);
    return !gate_decide(run);
}

static int gate_take_row(void *user, const cli_source *source, const gate_row *row)
{
    gate_run *run = user;

    run->source = source;
    const uint32_t arm = gate_arm(source, row->arm), metric = gate_metric(run, row->metric);
    const uint32_t kind = run->result.metrics[metric].kind;
    const uint64_t unit = gate_unit(row->unit);

    if (row->time != run->time) {
        gate_flush(run);
        run->time = row->time;
    }
    run->result.rows++;
    if (row->le.at && cli_text_trim(row->le).length > 0 && kind != TOCSIN_METRIC_HISTOGRAM)
        cli_source_bad(source, "`le` makes this a histogram's bucket, and '%s' is none; say --metric "
                               "'histogram ...'",
                       run->result.metrics[metric].name);
    if (kind == TOCSIN_METRIC_HISTOGRAM ||
        (row->is_total && (kind == TOCSIN_METRIC_ERRORS || kind == TOCSIN_METRIC_COUNT))) {
        gate_take_total(run, metric, arm, row);
    } else if (kind == TOCSIN_METRIC_ERRORS && row->has_of) {
        if (!row->value.is_count || !row->of.is_count)
            cli_source_bad(source, "errors and their requests are whole numbers");
        gate_check(run, tocsin_gate_count(run->gate, metric, arm, row->time, row->value.count,
                                          row->of.count));
    } else {
        gate_check(run, tocsin_gate_observe(run->gate, metric, arm, row->time, unit,
                                            row->value.value));
    }
    return gate_goes_on(run);
}

/* ---- The verdict ------------------------------------------------------------------ */

static char *gate_sentence(const tocsin_gate *gate, const tocsin_gate_verdict *verdict)
{
    size_t needed = 0;

    tocsin_gate_text(gate, verdict, NULL, 0, &needed);
    char *text = cli_alloc(needed + 1);

    text[0] = '\0';
    tocsin_gate_text(gate, verdict, text, needed, NULL);
    return text;
}

static int gate_exit_code(const gate_run *run)
{
    switch (run->result.verdict.outcome) {
    case TOCSIN_OUTCOME_PASS:
        return CLI_GOOD;
    case TOCSIN_OUTCOME_FAIL:
        return CLI_FOUND;
    case TOCSIN_OUTCOME_NO_DATA:
        return CLI_NO_DATA;
    case TOCSIN_OUTCOME_SHIFT_ONLY:
        return run->options->shift_only;
    case TOCSIN_OUTCOME_INVALID:
        return run->options->invalid;
    default:
        return CLI_UNDECIDED;
    }
}

static void gate_judge(gate_run *run)
{
    gate_result *result = &run->result;
    uint32_t *blamed = cli_alloc((result->metric_count + 1) * sizeof *blamed);
    size_t blamed_count = 0;

    result->verdict.struct_size = sizeof result->verdict;
    tocsin_gate_judge(run->gate, &result->verdict);
    result->sentence = gate_sentence(run->gate, &result->verdict);
    tocsin_gate_blame(run->gate, blamed, result->metric_count, &blamed_count);
    for (uint32_t m = 0; m < result->metric_count; m++) {
        gate_metric_result *metric = &result->metrics[m];

        metric->verdict.struct_size = sizeof metric->verdict;
        tocsin_gate_judge_metric(run->gate, m, &metric->verdict);
        metric->sentence = gate_sentence(run->gate, &metric->verdict);
    }
    for (size_t i = 0; i < blamed_count && i < result->metric_count; i++)
        result->metrics[blamed[i]].is_blamed = 1;
    free(blamed);
    result->code = gate_exit_code(run);
}

static void gate_open(gate_run *run, const cli_options *options)
{
    gate_result *result = &run->result;

    memset(run, 0, sizeof *run);
    run->options = options;
    run->time = TOCSIN_TIME_NONE;
    run->moment = 1;
    run->next_look = run->next_judgement = GATE_LOOK_FIRST;
    result->spec = gate_spec_text(options);
    run->spec = gate_spec_compile(result->spec);
    result->input = !options->path || strcmp(options->path, "-") == 0 ? "standard input"
                                                                       : options->path;
    result->metric_count = tocsin_gate_metric_count(run->spec);
    result->metrics = cli_alloc(result->metric_count * sizeof *result->metrics);
    memset(result->metrics, 0, result->metric_count * sizeof *result->metrics);
    run->moments = cli_alloc(result->metric_count * sizeof *run->moments);
    memset(run->moments, 0, result->metric_count * sizeof *run->moments);
    for (size_t m = 0; m < result->metric_count; m++) {
        tocsin_metric_info info = {.struct_size = sizeof info};

        tocsin_gate_metric(run->spec, m, &info);
        result->metrics[m].name = info.name;
        result->metrics[m].kind = info.kind;
        result->metrics[m].worse = info.worse;
    }
    if (tocsin_gate_create(&run->gate, run->spec, NULL) != TOCSIN_OK)
        cli_die(CLI_BAD_INPUT, "out of memory");
    result->gate = run->gate;
}

static void gate_close(gate_run *run)
{
    gate_result *result = &run->result;

    for (size_t m = 0; m < result->metric_count; m++) {
        free(result->metrics[m].sentence);
        free(result->metrics[m].log_e);
        free(result->metrics[m].log_e_pass);
    }
    free(result->metrics);
    free(result->looks);
    free(result->sentence);
    free(result->spec);
    free(run->moments);
    free(run->counters);
    cli_map_free(&run->counter_names);
    cli_buffer_free(&run->key);
    tocsin_gate_free(run->gate);
    tocsin_gate_spec_free(run->spec);
}

int cmd_gate(const cli_options *options)
{
    static void (*const writers[])(const gate_result *) = {gate_write_table, gate_write_json,
                                                           gate_write_junit};
    gate_run run;
    int code;

    gate_open(&run, options);
    if (options->plan) {
        code = gate_print_plan(options, run.spec);
        gate_close(&run);
        return code;
    }
    if (options->report) {
        if (cli_file_is_same(options->report, options->path))
            cli_die(CLI_USAGE, "--report: '%s' is the input, it would be overwritten",
                    options->report);
        cli_file_check_writable(options->report);
    }
    gate_input_read(options, gate_take_row, &run);
    /* A moment that was interrupted may hold one arm's counters without the other's. */
    if (!run.is_decided && !cli_stop_requested())
        gate_flush(&run);
    if (options->report)
        gate_look_at(&run, run.time);
    gate_judge(&run);
    writers[options->gate_output](&run.result);
    if (run.result.ignored > 0)
        cli_note("%" PRIu64 " of %" PRIu64 " rows were no measurements and were ignored",
                 run.result.ignored, run.result.rows);
    cli_flush_output();
    if (options->report)
        gate_write_report(&run.result, options->report);
    code = run.result.code;
    gate_close(&run);
    return code;
}
