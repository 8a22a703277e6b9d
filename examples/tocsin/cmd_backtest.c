/* cmd_backtest.c - `tocsin backtest`: what would have rung, by each spec at each budget; and
 * where it is known what happened, how well.
 *
 * A trial is one spec at one budget.  Each watches the whole input with detectors of its own, all
 * in one pass.  With labels,
 *
 *     precision = true / (true + false alarms)
 *     recall    = incidents found / incidents
 *     F1        = their harmonic mean
 *     delay     = from an incident's start to the first alarm that found it
 *
 * What a series in order was promised stands beside what was observed, as a multiple of it and with
 * the interval that chance leaves (tocsin_self_check): of a healthy history both are alike.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_incidents.h"
#include "cli_watch.h"
#include "cli_writer.h"

#define BACKTEST_SERIES_SHOWN 30

typedef struct backtest_trial {
    char *budget;
    size_t spec;            /* the how-manieth of --spec */
    char *name;             /* of a column: the budget, behind the spec's number if there are several */
    cli_watch watch;
    uint64_t alarms;
    uint64_t kinds[3];      /* by CLI_ALARM_* */
    uint64_t *by_series;    /* alarms */
} backtest_trial;

typedef struct backtest_run {
    cli_feed feed;
    cli_incidents incidents;
    int has_labels;
    backtest_trial trials[CLI_MAX_TRIALS];
    size_t trial_count;
    const char **specs;
    size_t spec_count;
    int64_t *begins, *ends; /* of each series, ns */
    size_t capacity;
    uint64_t points;
} backtest_run;

/* ---- The pass -------------------------------------------------------------- */

static void backtest_start(void *user, const cli_series *series)
{
    backtest_run *run = user;
    const size_t before = run->capacity;

    run->begins = cli_grow(run->begins, &run->capacity, series->number + 1, sizeof *run->begins);
    if (run->capacity != before) {
        run->ends = cli_realloc(run->ends, run->capacity * sizeof *run->ends);
        for (size_t i = 0; i < run->trial_count; i++)
            run->trials[i].by_series = cli_realloc(
                run->trials[i].by_series, run->capacity * sizeof *run->trials[i].by_series);
    }
    run->begins[series->number] = run->ends[series->number] = TOCSIN_TIME_NONE;
    for (size_t i = 0; i < run->trial_count; i++) {
        run->trials[i].by_series[series->number] = 0;
        cli_watch_start(&run->trials[i].watch, series);
    }
}

static void backtest_judge(backtest_run *run, size_t trial, const cli_series *series,
                           const tocsin_verdict *verdict)
{
    if (verdict->transition != TOCSIN_TRANSITION_START)
        return;
    run->trials[trial].alarms++;
    run->trials[trial].by_series[series->number]++;
    if (run->has_labels)
        run->trials[trial].kinds[cli_incidents_alarm(&run->incidents, series, verdict->time,
                                                      trial)]++;
}

static void backtest_point(void *user, const cli_series *series, const cli_point *point)
{
    backtest_run *run = user;
    tocsin_verdict verdict;

    run->points++;
    for (size_t i = 0; i < run->trial_count; i++) {
        cli_watch_point(&run->trials[i].watch, series, point, &verdict);
        if (i == 0 && point->label >= 0) {
            run->has_labels = 1;
            cli_incidents_label(&run->incidents, series, verdict.time, point->label);
        }
        backtest_judge(run, i, series, &verdict);
    }
    if (verdict.flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED))
        return;
    if (run->begins[series->number] == TOCSIN_TIME_NONE)
        run->begins[series->number] = verdict.time;
    run->ends[series->number] = verdict.time;
}

static void backtest_silence(void *user, const cli_series *series, int64_t now)
{
    backtest_run *run = user;
    tocsin_verdict verdict;

    for (size_t i = 0; i < run->trial_count; i++) {
        cli_watch_silence(&run->trials[i].watch, series, now, &verdict);
        backtest_judge(run, i, series, &verdict);
    }
}

/* ---- What came out --------------------------------------------------------- */

/* The first and the last point of all series; first > last: there is none. */
static void backtest_limits(const backtest_run *run, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = INT64_MIN;
    for (size_t i = 0; i < cli_feed_count(&run->feed); i++) {
        if (run->begins[i] == TOCSIN_TIME_NONE)
            continue;
        *first = run->begins[i] < *first ? run->begins[i] : *first;
        *last = run->ends[i] > *last ? run->ends[i] : *last;
    }
}

/* Weeks that all series together were watched, and hours from the first point to the last. */
static void backtest_spans(const backtest_run *run, double *series_weeks, double *hours)
{
    int64_t first, last;

    *series_weeks = 0;
    for (size_t i = 0; i < cli_feed_count(&run->feed); i++) {
        if (run->begins[i] != TOCSIN_TIME_NONE)
            *series_weeks += ((double)run->ends[i] - (double)run->begins[i]) / (double)TOCSIN_WEEK;
    }
    backtest_limits(run, &first, &last);
    *hours = first < last ? ((double)last - (double)first) / (double)TOCSIN_HOUR : 0;
}

/* Labels that fit nothing are more likely a mistake than incidents that were missed. */
static void backtest_check_labels(const backtest_run *run)
{
    size_t strangers = 0, outside = 0;
    int64_t first, last;

    backtest_limits(run, &first, &last);
    for (size_t i = 0; i < run->incidents.count; i++) {
        const cli_incident *incident = &run->incidents.items[i];

        strangers += !cli_incidents_concern(incident, &run->feed);
        outside += incident->end < first || incident->start > last;
    }
    if (strangers > 0)
        cli_note("%zu of %zu incidents name no series of the input", strangers,
                 run->incidents.count);
    if (outside > 0)
        cli_note("%zu of %zu incidents lie before or after the input", outside,
                 run->incidents.count);
}

typedef struct backtest_score {
    size_t found;
    double precision, recall, f1;
    double delay;           /* the median, seconds; NaN: none was found */
} backtest_score;

/* Seconds from an incident's start to the alarm that found it; as a time this may overflow. */
static double backtest_delay(const cli_incident *incident, size_t trial)
{
    return (double)((uint64_t)incident->found[trial] - (uint64_t)incident->start) / 1e9;
}

static int backtest_order(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static backtest_score backtest_rate(const backtest_run *run, size_t trial)
{
    const backtest_trial *of = &run->trials[trial];
    const double alarms = (double)(of->kinds[CLI_ALARM_TRUE] + of->kinds[CLI_ALARM_FALSE]);
    backtest_score score = {0, NAN, NAN, NAN, NAN};
    double *delays = cli_alloc((run->incidents.count + 1) * sizeof *delays);

    for (size_t i = 0; i < run->incidents.count; i++) {
        const cli_incident *incident = &run->incidents.items[i];

        if (incident->found[trial] != TOCSIN_TIME_NONE)
            delays[score.found++] = backtest_delay(incident, trial);
    }
    qsort(delays, score.found, sizeof *delays, backtest_order);
    if (score.found > 0)
        score.delay = (delays[(score.found - 1) / 2] + delays[score.found / 2]) / 2;
    if (alarms > 0)
        score.precision = (double)of->kinds[CLI_ALARM_TRUE] / alarms;
    if (run->incidents.count > 0)
        score.recall = (double)score.found / (double)run->incidents.count;
    if (score.precision + score.recall > 0)
        score.f1 = 2 * score.precision * score.recall / (score.precision + score.recall);
    free(delays);
    return score;
}

/* ---- The table ------------------------------------------------------------- */

/* A number in a column, or a dash. */
static void backtest_cell(double value, int width, int digits)
{
    if (isnan(value))
        printf(" %*s", width, "-");
    else
        printf(" %*.*f", width, digits, value);
}

/* Alarms per series and week that a budget allows. */
static double backtest_promised(const backtest_trial *trial)
{
    tocsin_value values[2];
    size_t count = 0;
    double promised = 0;

    if (tocsin_spec_get(trial->watch.specs.gauge, "alarm", "budget", values, 2, &count) < 0)
        return NAN;
    for (size_t i = 0; i < count; i++)
        promised = fmax(promised, (double)TOCSIN_WEEK / (double)values[i].duration);
    return promised;
}

/* "1.2 (0.4..2.9)" */
static void backtest_print_check(const tocsin_self_check *check)
{
    char text[64] = "-";

    if (check->finding != TOCSIN_RATE_UNKNOWN)
        snprintf(text, sizeof text, "%.2f (%.2f..%.2f)%s", check->ratio, check->lower,
                 check->upper, check->finding == TOCSIN_RATE_KEPT ? "" : "!");
    printf(" %20s", text);
}

static void backtest_print_trials(const backtest_run *run, double series_weeks, double hours)
{
    if (run->spec_count > 1)
        putchar('\n');
    for (size_t i = 0; i < run->spec_count && run->spec_count > 1; i++)
        printf("%2zu  %s\n", i + 1, run->specs[i]);
    printf("\n%-12s %8s %15s %8s %20s", run->spec_count > 1 ? "spec, budget" : "budget", "alarms",
           "per series-week", "promised", "times (95 %)");
    if (run->has_labels)
        printf(" %9s %6s %6s %8s %9s %6s %6s %12s", "found", "true", "false", "false/h",
               "precision", "recall", "F1", "median delay");
    putchar('\n');
    for (size_t i = 0; i < run->trial_count; i++) {
        const backtest_trial *trial = &run->trials[i];
        const tocsin_self_check check =
            cli_watch_check(&trial->watch, cli_feed_count(&run->feed));

        printf("%-12s %8llu", trial->name, (unsigned long long)trial->alarms);
        backtest_cell(series_weeks > 0 ? (double)trial->alarms / series_weeks : NAN, 15, 3);
        backtest_cell(backtest_promised(trial), 8, 3);
        backtest_print_check(&check);
        if (run->has_labels) {
            const backtest_score score = backtest_rate(run, i);
            char found[48], delay[CLI_NUMBER_TEXT];

            snprintf(found, sizeof found, "%zu of %zu", score.found, run->incidents.count);
            printf(" %9s %6llu %6llu", found, (unsigned long long)trial->kinds[CLI_ALARM_TRUE],
                   (unsigned long long)trial->kinds[CLI_ALARM_FALSE]);
            backtest_cell(hours > 0 ? (double)trial->kinds[CLI_ALARM_FALSE] / hours : NAN, 8, 2);
            backtest_cell(score.precision, 9, 2);
            backtest_cell(score.recall, 6, 2);
            backtest_cell(score.f1, 6, 2);
            printf(" %12s", isnan(score.delay) ? "-" : cli_duration_text(score.delay, delay));
        }
        putchar('\n');
    }
}

static void backtest_print_head(const backtest_run *run, const char *first)
{
    printf("\n%-40s", first);
    for (size_t i = 0; i < run->trial_count; i++)
        printf(" %10s", run->trials[i].name);
    putchar('\n');
}

static void backtest_print_incidents(const backtest_run *run)
{
    backtest_print_head(run, "incident, and when it was found");
    for (size_t k = 0; k < run->incidents.count; k++) {
        const cli_incident *incident = &run->incidents.items[k];

        if (k == BACKTEST_SERIES_SHOWN) {
            printf("and %zu more\n", run->incidents.count - k);
            break;
        }
        char time[CLI_TIME_TEXT];
        cli_buffer name = {NULL, 0, 0};
        const int64_t second = incident->start / TOCSIN_SECOND * TOCSIN_SECOND;

        cli_buffer_print(&name, "%s  %s", cli_format_time(second, time), incident->name);
        printf("%-40.40s", name.at);
        cli_buffer_free(&name);
        for (size_t i = 0; i < run->trial_count; i++) {
            char after[CLI_NUMBER_TEXT];

            printf(" %10s",
                   incident->found[i] == TOCSIN_TIME_NONE
                       ? "-"
                       : cli_duration_text(backtest_delay(incident, i), after));
        }
        putchar('\n');
    }
}

static void backtest_print_series(const backtest_run *run)
{
    size_t shown = 0, quiet = 0;

    backtest_print_head(run, "series, and its alarms");
    for (size_t k = 0; k < cli_feed_count(&run->feed); k++) {
        uint64_t alarms = 0;

        for (size_t i = 0; i < run->trial_count; i++)
            alarms += run->trials[i].by_series[k];
        if (alarms == 0 || shown == BACKTEST_SERIES_SHOWN) {
            quiet++;
            continue;
        }
        shown++;
        printf("%-40.40s", run->feed.series[k]->name);
        for (size_t i = 0; i < run->trial_count; i++)
            printf(" %10llu", (unsigned long long)run->trials[i].by_series[k]);
        putchar('\n');
    }
    if (quiet > 0)
        printf("%zu %sseries %s\n", quiet, shown ? "other " : "",
               shown == BACKTEST_SERIES_SHOWN ? "not shown" : "never rang");
}

static void backtest_print(const backtest_run *run)
{
    double series_weeks, hours;
    char points[CLI_NUMBER_TEXT], span[CLI_NUMBER_TEXT];

    backtest_spans(run, &series_weeks, &hours);
    printf("%zu series, %s points, %s\n", cli_feed_count(&run->feed),
           cli_count_text(run->points, points), cli_duration_text(hours * 3600, span));
    backtest_print_trials(run, series_weeks, hours);
    if (run->has_labels && run->incidents.count > 0)
        backtest_print_incidents(run);
    if (cli_feed_count(&run->feed) > 1)
        backtest_print_series(run);
}

/* ---- JSON ------------------------------------------------------------------ */

static void backtest_add_number(cli_buffer *out, const char *name, double value)
{
    char text[CLI_NUMBER_TEXT];

    cli_format_number(value, text);
    cli_buffer_print(out, ",\"%s\":%s", name, isfinite(value) ? text : "null");
}

static void backtest_add_trial(cli_buffer *out, const backtest_run *run, size_t index,
                                double series_weeks, double hours)
{
    const backtest_trial *trial = &run->trials[index];
    const tocsin_self_check check =
        cli_watch_check(&trial->watch, cli_feed_count(&run->feed));

    cli_buffer_print(out, "%s{\"spec\":", index ? "," : "");
    cli_add_json(out, cli_text_of(run->specs[trial->spec]));
    cli_buffer_print(out, ",\"budget\":");
    cli_add_json(out, cli_text_of(trial->budget));
    cli_buffer_print(out, ",\"alarms\":%llu", (unsigned long long)trial->alarms);
    backtest_add_number(out, "alarms_per_series_week",
                        series_weeks > 0 ? (double)trial->alarms / series_weeks : NAN);
    backtest_add_number(out, "promised_per_series_week", backtest_promised(trial));
    backtest_add_number(out, "times_promised", check.ratio);
    backtest_add_number(out, "times_promised_lower", check.lower);
    backtest_add_number(out, "times_promised_upper", check.upper);
    cli_buffer_print(out, ",\"promise\":\"%s\"", cli_watch_finding(&check));
    if (run->has_labels) {
        const backtest_score score = backtest_rate(run, index);
        const double false_alarms = (double)trial->kinds[CLI_ALARM_FALSE];

        cli_buffer_print(out, ",\"found\":%zu,\"incidents\":%zu", score.found,
                         run->incidents.count);
        backtest_add_number(out, "true_alarms", (double)trial->kinds[CLI_ALARM_TRUE]);
        backtest_add_number(out, "alarms_beside", (double)trial->kinds[CLI_ALARM_BESIDE]);
        backtest_add_number(out, "false_alarms", false_alarms);
        backtest_add_number(out, "false_alarms_per_hour", hours > 0 ? false_alarms / hours : NAN);
        backtest_add_number(out, "precision", score.precision);
        backtest_add_number(out, "recall", score.recall);
        backtest_add_number(out, "f1", score.f1);
        backtest_add_number(out, "median_delay_seconds", score.delay);
        cli_buffer_print(out, ",\"found_incidents\":[");
        const char *comma = "";

        for (size_t i = 0; i < run->incidents.count; i++) {
            if (run->incidents.items[i].found[index] == TOCSIN_TIME_NONE)
                continue;
            cli_buffer_print(out, "%s", comma);
            cli_add_json(out, cli_text_of(run->incidents.items[i].name));
            comma = ",";
        }
        cli_buffer_print(out, "]");
    }
    cli_buffer_print(out, ",\"by_series\":{");
    const char *comma = "";

    for (size_t k = 0; k < cli_feed_count(&run->feed); k++) {
        if (trial->by_series[k] == 0)
            continue;
        cli_buffer_print(out, "%s", comma);
        cli_add_json(out, cli_text_of(run->feed.series[k]->name));
        cli_buffer_print(out, ":%llu", (unsigned long long)trial->by_series[k]);
        comma = ",";
    }
    cli_buffer_print(out, "}}");
}

static void backtest_print_json(const backtest_run *run)
{
    cli_buffer out = {NULL, 0, 0};
    double series_weeks, hours;

    backtest_spans(run, &series_weeks, &hours);
    cli_buffer_print(&out, "{\"series\":%zu,\"points\":%llu", cli_feed_count(&run->feed),
                     (unsigned long long)run->points);
    backtest_add_number(&out, "hours", hours);
    backtest_add_number(&out, "series_weeks", series_weeks);
    cli_buffer_print(&out, ",\"budgets\":[");
    for (size_t i = 0; i < run->trial_count; i++)
        backtest_add_trial(&out, run, i, series_weeks, hours);
    cli_buffer_print(&out, "]}\n");
    fwrite(out.at, 1, out.length, stdout);
    cli_buffer_free(&out);
}

/* ---- The command ----------------------------------------------------------- */

/* One spec at every budget. */
static void backtest_prepare_spec(backtest_run *run, const cli_options *options, size_t spec)
{
    static const char *const usual[] = {"1/day", "1/4d", "1/week", "1/month"};
    const size_t count = options->budget_count ? options->budget_count : 4;
    cli_specs base;

    cli_specs_compile(&base, run->specs[spec], options);
    for (size_t i = 0; i < count; i++) {
        backtest_trial *trial = &run->trials[run->trial_count++];
        cli_buffer name = {NULL, 0, 0};

        trial->spec = spec;
        trial->budget =
            cli_copy(options->budget_count ? options->budgets[i] : cli_text_of(usual[i]));
        if (run->spec_count > 1)
            cli_buffer_print(&name, "%zu ", spec + 1);
        cli_buffer_print(&name, "%s", trial->budget);
        trial->name = name.at;
        cli_specs_with_budget(&trial->watch.specs, &base, trial->budget);
        cli_watch_maintain(&trial->watch, options);
    }
    cli_specs_free(&base);
}

static void backtest_prepare(backtest_run *run, const cli_options *options)
{
    static const char *usual = "";
    const size_t budgets = options->budget_count ? options->budget_count : 4;

    run->specs = options->spec_count ? options->specs : &usual;
    run->spec_count = options->spec_count ? options->spec_count : 1;
    if (run->spec_count * budgets > CLI_MAX_TRIALS)
        cli_die(CLI_USAGE, "%zu specs at %zu budgets are more than %d", run->spec_count, budgets,
                CLI_MAX_TRIALS);
    for (size_t i = 0; i < run->spec_count; i++)
        backtest_prepare_spec(run, options, i);
    run->incidents.slack = options->slack;
    if (options->labels) {
        cli_incidents_read(&run->incidents, options->labels, options->time_unit);
        run->has_labels = 1;
    }
}

/* The shortest silence that rings by any of the specs; 0: it never does. */
static int64_t backtest_absence(const backtest_run *run)
{
    int64_t shortest = 0;

    for (size_t i = 0; i < run->trial_count; i++) {
        const int64_t absence = cli_spec_absence(run->trials[i].watch.specs.gauge);

        if (absence > 0 && (shortest == 0 || absence < shortest))
            shortest = absence;
    }
    return shortest;
}

int cmd_backtest(const cli_options *options)
{
    backtest_run run;
    const cli_visitor visitor = {&run, backtest_start, backtest_point, NULL, backtest_silence};

    memset(&run, 0, sizeof run);
    backtest_prepare(&run, options);
    cli_feed_open(&run.feed, options, backtest_absence(&run));
    cli_feed_run(&run.feed, &visitor);
    const int code = run.feed.rows == 0 ? CLI_NO_DATA : CLI_GOOD;

    if (code == CLI_NO_DATA)
        cli_note("no data: the input holds no points");
    else if (options->output == CLI_OUTPUT_JSON)
        backtest_print_json(&run);
    else
        backtest_print(&run);
    if (code != CLI_NO_DATA)
        backtest_check_labels(&run);
    for (size_t i = 0; i < run.trial_count; i++) {
        cli_watch_close(&run.trials[i].watch, cli_feed_count(&run.feed));
        free(run.trials[i].name);
        free(run.trials[i].budget);
        free(run.trials[i].by_series);
    }
    free(run.begins);
    free(run.ends);
    cli_incidents_free(&run.incidents);
    cli_feed_close(&run.feed);
    return code;
}
