/* cmd_explain.c - `tocsin explain`: what a spec means, parameter by parameter,
 * and for data why each alarm rang and how the last point was seen.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli_commands.h"
#include "cli_watch.h"
#include "cli_writer.h"

/* More series than this are explained by their alarms alone. */
#define EXPLAIN_LAST_POINTS 20
#define EXPLAIN_BLAMED 10         /* metrics of a row */

typedef struct explain_run {
    cli_feed feed;
    cli_watch watch;
    uint64_t alarms;
} explain_run;

/* ---- Specs ----------------------------------------------------------------- */

/* One parameter's value, cut out of the full canonical text "stage@1 name=value ... | ...". */
static cli_text explain_value(const char *text, const char *stage, const char *parameter)
{
    const size_t stage_length = strlen(stage), name_length = strlen(parameter);
    int inside = 0;

    for (const char *word = text; *word;) {
        const size_t length = strcspn(word, " ");

        if (length > stage_length && memcmp(word, stage, stage_length) == 0 &&
            word[stage_length] == '@')
            inside = 1;
        else if (*word == '|')
            inside = 0;
        else if (inside && length > name_length && memcmp(word, parameter, name_length) == 0 &&
                 word[name_length] == '=')
            return (cli_text){word + name_length + 1, length - name_length - 1};
        word += length;
        word += strspn(word, " ");
    }
    return (cli_text){NULL, 0};
}

/* The full text of a spec that says no more than a stage's name. */
static char *explain_usual(const char *name)
{
    tocsin_spec *spec = cli_spec_compile(name);
    char *text = cli_spec_text(spec, TOCSIN_TEXT_FULL);

    tocsin_spec_free(spec);
    return text;
}

static void explain_stage(const char *full_text, const char *name)
{
    tocsin_stage_info stage = {.struct_size = sizeof stage};
    size_t index;

    if (tocsin_catalog_find(name, &index) != TOCSIN_OK ||
        tocsin_catalog_stage(index, &stage) != TOCSIN_OK)
        return;
    char *usual_text = explain_usual(name);

    printf("\n%s: %s\n", name, stage.summary);
    for (size_t i = 0; i < stage.parameter_count; i++) {
        tocsin_parameter_info parameter = {.struct_size = sizeof parameter};

        if (tocsin_catalog_parameter(index, i, &parameter) != TOCSIN_OK)
            continue;
        const cli_text value = explain_value(full_text, name, parameter.name);

        if (!value.at) {
            printf("    %-14s = %-9s %s\n", parameter.name, "(not set)", parameter.summary);
            continue;
        }
        const int is_default =
            cli_text_equal(value, explain_value(usual_text, name, parameter.name));

        printf("    %-14s = %-9.*s %s%s%s%s\n", parameter.name, (int)value.length, value.at,
               parameter.summary, is_default ? "" : " (default: ",
               is_default                  ? ""
               : parameter.default_text[0] ? parameter.default_text
                                           : "none",
               is_default ? "" : ")");
    }
    free(usual_text);
}

static void explain_spec(const tocsin_spec *spec)
{
    char *short_text = cli_spec_text(spec, TOCSIN_TEXT_SHORT);
    char *full_text = cli_spec_text(spec, TOCSIN_TEXT_FULL);

    printf("spec:       %s\nin full:    %s\nper series: %zu bytes, %zu points to warm up\n",
           short_text, full_text, tocsin_spec_state_size(spec), tocsin_spec_warmup(spec));
    for (size_t i = 0; i < tocsin_spec_stage_count(spec); i++)
        explain_stage(full_text, tocsin_spec_stage_name(spec, i));
    free(short_text);
    free(full_text);
}

/* ---- Data ------------------------------------------------------------------ */

static void explain_number(const char *name, double value, const char *unit)
{
    if (!isnan(value))
        printf("    %-11s %.6g%s%s\n", name, value, unit[0] ? " " : "", unit);
}

static void explain_duration(const char *name, double seconds)
{
    char text[CLI_NUMBER_TEXT];

    if (!isnan(seconds))
        printf("    %-11s %s\n", name, cli_duration_text(seconds, text));
}

static void explain_state(const tocsin_verdict *verdict, const tocsin_explanation *e,
                          const tocsin_self_check *check)
{
    explain_number("expected", verdict->expected, "");
    explain_number("deviation", verdict->deviation, "");
    if (!isnan(verdict->lower) && !isnan(verdict->upper))
        printf("    %-11s below %.6g or above %.6g\n", "would ring", verdict->lower,
               verdict->upper);
    explain_number("level", e->level, "");
    explain_number("trend", e->trend, "per step");
    explain_number("season", e->season, "");
    explain_duration("period", e->period);
    explain_number("floor", e->floor, "(the least deviation)");
    explain_number("confidence", verdict->confidence, "");
    for (uint32_t i = 0; i < e->channel_count && i < TOCSIN_CHANNELS; i++) {
        if (isnan(e->channels[i].value))
            continue;
        printf("    %-11s %s %.4g", "statistic", e->channels[i].name, e->channels[i].value);
        if (!isnan(e->channels[i].score))
            printf(", score %.3g", e->channels[i].score);
        if (i == verdict->channel && e->channel_count > 1)
            printf("  <- the one that speaks");
        putchar('\n');
    }
    explain_number("limit", e->limit, "(the statistic that rings)");
    explain_duration("budget", e->budget);
    explain_duration("history", e->history);
    explain_duration("step", e->step);
    if (e->alarms > 0 && e->observed_rate > 0) {
        printf("    %-11s %llu", "alarms", (unsigned long long)e->alarms);
        char text[CLI_NUMBER_TEXT];

        printf(", one in %s\n", cli_duration_text(1 / e->observed_rate, text));
    }
    if (check->finding != TOCSIN_RATE_UNKNOWN)
        printf("    %-11s %.2f times as many alarms as promised (95 %%: %.2f..%.2f)\n", "self-check",
               check->ratio, check->lower, check->upper);
    printf("    %-11s %llu, of them %llu missing; %llu late, %llu repeated, %llu counter resets\n",
           "points", (unsigned long long)e->points, (unsigned long long)e->missing,
           (unsigned long long)e->late, (unsigned long long)e->repeated,
           (unsigned long long)e->resets);
}

static void explain_sentence(const cli_series *series, const tocsin_verdict *verdict)
{
    cli_buffer sentence = {NULL, 0, 0};

    cli_add_sentence(&sentence, series, verdict, NULL);
    printf("\n%s\n", sentence.length ? sentence.at : series->name);
    cli_buffer_free(&sentence);
}

/* Who made a row odd. */
static void explain_blame(const cli_series *series, const cli_blame *blame)
{
    for (size_t i = 0; blame && i < series->reader->metric_count && i < EXPLAIN_BLAMED; i++) {
        printf("    %-11s %5.1f %%  %s", "share", 100 * blame[i].share,
               series->reader->metrics[blame[i].metric].at);
        if (!isnan(blame[i].normal))
            printf(" (%.6g would be usual)", blame[i].normal);
        putchar('\n');
    }
}

/* What was said last of a series, and why. */
static void explain_last(cli_watch *watch, const cli_series *series, int with_sentence)
{
    const tocsin_detector *detector = watch->detectors[series->number];
    tocsin_explanation explanation;
    tocsin_self_check check = {.struct_size = sizeof check};
    tocsin_verdict verdict;

    memset(&explanation, 0, sizeof explanation);
    explanation.struct_size = sizeof explanation;
    if (tocsin_detector_verdict(detector, &verdict, sizeof verdict) != TOCSIN_OK ||
        tocsin_detector_explain(detector, &explanation) != TOCSIN_OK)
        return;
    if (with_sentence)
        explain_sentence(series, &verdict);
    explain_blame(series, cli_watch_blame(watch, series));
    tocsin_detector_self_check(detector, &check);
    explain_state(&verdict, &explanation, &check);
}

static void explain_start(void *user, const cli_series *series)
{
    cli_watch_start(&((explain_run *)user)->watch, series);
}

static void explain_alarm(explain_run *run, const cli_series *series,
                          const tocsin_verdict *verdict)
{
    if (verdict->transition != TOCSIN_TRANSITION_START)
        return;
    run->alarms++;
    explain_sentence(series, verdict);
    explain_last(&run->watch, series, 0);
}

static void explain_point(void *user, const cli_series *series, const cli_point *point)
{
    explain_run *run = user;
    tocsin_verdict verdict;

    cli_watch_point(&run->watch, series, point, &verdict);
    explain_alarm(run, series, &verdict);
}

static void explain_silence(void *user, const cli_series *series, int64_t now)
{
    explain_run *run = user;
    tocsin_verdict verdict;

    cli_watch_silence(&run->watch, series, now, &verdict);
    explain_alarm(run, series, &verdict);
}

static int explain_data(const cli_options *options)
{
    explain_run run;
    const cli_visitor visitor = {&run, explain_start, explain_point, NULL, explain_silence};

    memset(&run, 0, sizeof run);
    cli_specs_compile(&run.watch.specs, options->spec, options);
    cli_watch_maintain(&run.watch, options);
    cli_feed_open(&run.feed, options, cli_spec_absence(run.watch.specs.gauge));
    explain_spec(run.watch.specs.gauge);
    printf("\n---- Alarms\n");
    cli_feed_run(&run.feed, &visitor);
    if (run.alarms == 0)
        printf("\nNone rang.\n");
    const size_t count = cli_feed_count(&run.feed);

    printf("\n---- The last point of each series\n");
    for (size_t i = 0; i < count && i < EXPLAIN_LAST_POINTS; i++)
        explain_last(&run.watch, run.feed.series[i], 1);
    if (count > EXPLAIN_LAST_POINTS)
        printf("\nand %zu series more\n", count - EXPLAIN_LAST_POINTS);
    const int code = run.feed.rows == 0 ? CLI_NO_DATA : CLI_GOOD;

    if (code == CLI_NO_DATA)
        cli_note("no data: the input holds no points");
    cli_watch_close(&run.watch, count);
    cli_feed_close(&run.feed);
    return code;
}

/* One word with a slash or a dot: no spec looks like that. */
static int explain_names_file(const char *operand)
{
    return !strpbrk(operand, " \t\n|=@") && strpbrk(operand, "/.");
}

/* An operand is a file if there is one of that name, and a spec otherwise. */
int cmd_explain(const cli_options *options)
{
    struct stat status;
    const int is_file =
        options->path && (strcmp(options->path, "-") == 0 || stat(options->path, &status) == 0);

    if (is_file)
        return explain_data(options);
    if (options->path && (options->spec_count > 0 || explain_names_file(options->path)))
        cli_die(CLI_BAD_INPUT, "%s: there is no such file", options->path);
    tocsin_spec *spec = cli_spec_compile(options->path ? options->path : options->spec);

    explain_spec(spec);
    tocsin_spec_free(spec);
    return CLI_GOOD;
}
