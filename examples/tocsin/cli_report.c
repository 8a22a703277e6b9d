/* cli_report.c - collecting what the page shows, and writing it.
 *
 * However long the input is, a series keeps a bounded number of buckets: when
 * they are full, neighbours are joined and each holds twice as many points from
 * then on.  A bucket remembers its smallest and its largest value and when they
 * came, so a spike of one point is still there in a chart of a year.  All series
 * together share REPORT_BUCKETS, which bounds memory and page alike.
 *
 * The page itself is report.html, with uPlot put in at build time; here its data
 * is written as JSON.  Of rows, each column has a chart, and an alarm is shown in that of the
 * metric to blame.  Times are in milliseconds, each as the distance to the one
 * before it; numbers have six digits, more than any screen shows.
 */
#include "cli_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_file.h"
#include "cli_page.h"
#include "cli_specs.h"

#define REPORT_BUCKETS 60000        /* of all series together: a page of some 4 MB */
#define REPORT_SERIES_MOST 2000     /* of one series: a point per pixel */
#define REPORT_SERIES_LEAST 48
#define REPORT_DRAWN 1000           /* series in the page; those that rang come first */
#define REPORT_ALARMS 100           /* of one series */
#define REPORT_ALARMS_ALL 5000      /* of all series */

typedef struct report_bucket {
    int64_t min_time, max_time;
    double min, max;                /* min > max: every value was missing */
    double expected, lower, upper;  /* the last that were known */
    uint16_t after_gap, gap_inside;
} report_bucket;

typedef struct report_alarm {
    int64_t start, end;             /* TOCSIN_TIME_NONE: still on */
    int tier;
    const char *reason;
    char *sentence;
} report_alarm;

/* A chart: of a series, or of one column of its rows. */
typedef struct report_series {
    report_bucket *buckets;
    size_t bucket_count, bucket_capacity;
    uint64_t per_bucket, in_last;   /* points */
    uint64_t points, missing, alarm_count;
    report_alarm *alarms;
    size_t kept, kept_capacity;
    int has_open;                   /* the last alarm kept is on */
} report_series;

struct cli_report {
    const char *path;
    report_series *series;
    size_t series_count, series_capacity;
    size_t kept;                    /* alarms of all series */
    cli_buffer sentence;
};

/* ---- Collecting ------------------------------------------------------------ */

cli_report *cli_report_open(const char *path)
{
    cli_report *report = cli_alloc(sizeof *report);

    memset(report, 0, sizeof *report);
    report->path = path;
    return report;
}

static size_t report_width(const cli_reader *reader)
{
    return reader->metric_count > 1 ? reader->metric_count : 1;
}

static report_series *report_of(cli_report *report, const cli_series *series, size_t metric)
{
    const size_t width = report_width(series->reader);

    while (report->series_count < (series->number + 1) * width) {
        report->series = cli_grow(report->series, &report->series_capacity,
                                  report->series_count + 1, sizeof *report->series);
        memset(&report->series[report->series_count], 0, sizeof *report->series);
        report->series[report->series_count++].per_bucket = 1;
    }
    return &report->series[series->number * width + metric];
}

/* How many buckets a series may have among `series_count`; even. */
static size_t report_share(size_t series_count)
{
    const size_t share = REPORT_BUCKETS / series_count;

    return share > REPORT_SERIES_MOST    ? REPORT_SERIES_MOST
           : share < REPORT_SERIES_LEAST ? REPORT_SERIES_LEAST
                                         : share & ~(size_t)1;
}

static void report_join(report_bucket *into, const report_bucket *next)
{
    if (next->min <= next->max) {
        const int is_empty = into->min > into->max;

        if (is_empty || next->min < into->min) {
            into->min = next->min;
            into->min_time = next->min_time;
        }
        if (is_empty || next->max > into->max) {
            into->max = next->max;
            into->max_time = next->max_time;
        }
    }
    into->gap_inside |= next->after_gap | next->gap_inside;
    if (!isnan(next->expected))
        into->expected = next->expected;
    if (!isnan(next->lower))
        into->lower = next->lower;
    if (!isnan(next->upper))
        into->upper = next->upper;
}

static void report_halve(report_series *kept)
{
    const size_t half = (kept->bucket_count + 1) / 2;

    for (size_t i = 0; i < half; i++) {
        kept->buckets[i] = kept->buckets[2 * i];
        if (2 * i + 1 < kept->bucket_count)
            report_join(&kept->buckets[i], &kept->buckets[2 * i + 1]);
    }
    if (kept->bucket_count % 2 == 0)
        kept->in_last += kept->per_bucket;
    kept->bucket_count = half;
    kept->per_bucket *= 2;
}

static void report_add(report_series *kept, size_t share, const tocsin_verdict *verdict)
{
    const int is_missing = !isfinite(verdict->value);
    const report_bucket point = {
        verdict->time,     verdict->time,  is_missing ? 1 : verdict->value,
        is_missing ? 0 : verdict->value,   verdict->expected,
        verdict->lower,    verdict->upper, (verdict->flags & TOCSIN_FLAG_GAP) != 0, 0,
    };

    kept->points++;
    kept->missing += (verdict->flags & TOCSIN_FLAG_MISSING) != 0;

    while (kept->bucket_count >= share && kept->in_last >= kept->per_bucket)
        report_halve(kept);
    if (kept->bucket_count > 0 && kept->in_last < kept->per_bucket) {
        report_join(&kept->buckets[kept->bucket_count - 1], &point);
        kept->in_last++;
        return;
    }
    kept->buckets = cli_grow(kept->buckets, &kept->bucket_capacity, kept->bucket_count + 1,
                             sizeof *kept->buckets);
    kept->buckets[kept->bucket_count++] = point;
    kept->in_last = 1;
}

static char *report_sentence(cli_report *report, const cli_series *series,
                             const tocsin_verdict *verdict, const cli_blame *blame)
{
    report->sentence.length = 0;
    cli_add_sentence(&report->sentence, series, verdict, blame);
    return cli_copy((cli_text){report->sentence.at, report->sentence.length});
}

static void report_alarm_change(cli_report *report, const cli_series *series,
                                const tocsin_verdict *verdict, const cli_blame *blame)
{
    report_series *kept = report_of(report, series, verdict->metric);

    /* Where it rings already is where it goes on. */
    for (size_t i = 0; i < report_width(series->reader); i++) {
        if (report_of(report, series, i)->has_open)
            kept = report_of(report, series, i);
    }
    if (verdict->transition == TOCSIN_TRANSITION_CLEAR && kept->has_open) {
        kept->alarms[kept->kept - 1].end = verdict->time;
        kept->has_open = 0;
    }
    if (verdict->transition != TOCSIN_TRANSITION_START)
        return;
    kept->alarm_count++;
    if (kept->has_open) {       /* a ticket has become a page */
        report_alarm *alarm = &kept->alarms[kept->kept - 1];

        alarm->tier = verdict->tier;
        free(alarm->sentence);
        alarm->sentence = report_sentence(report, series, verdict, blame);
        return;
    }
    if (kept->kept >= REPORT_ALARMS || report->kept >= REPORT_ALARMS_ALL)
        return;
    kept->alarms =
        cli_grow(kept->alarms, &kept->kept_capacity, kept->kept + 1, sizeof *kept->alarms);
    kept->alarms[kept->kept++] = (report_alarm){
        verdict->time, TOCSIN_TIME_NONE, verdict->tier, cli_verdict_reason(verdict),
        report_sentence(report, series, verdict, blame)};
    kept->has_open = 1;
    report->kept++;
}

void cli_report_point(cli_report *report, const cli_row *row)
{
    const cli_series *series = row->series;
    tocsin_verdict verdict = *row->verdict;

    if (verdict.flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED))
        return;
    report_of(report, series, 0);

    const size_t share = report_share(report->series_count);

    if (!row->values)
        report_add(report_of(report, series, 0), share, &verdict);
    else {
        /* What was expected is known of the one to blame alone, so it makes no line. */
        verdict.expected = verdict.lower = verdict.upper = NAN;
        for (size_t i = 0; i < series->reader->metric_count; i++) {
            verdict.value = row->values[i];
            verdict.flags = row->verdict->flags & ~TOCSIN_FLAG_MISSING;
            if (!isfinite(verdict.value))
                verdict.flags |= TOCSIN_FLAG_MISSING;
            report_add(report_of(report, series, i), share, &verdict);
        }
    }
    report_alarm_change(report, series, row->verdict, row->blame);
}

void cli_report_silence(cli_report *report, const cli_series *series,
                        const tocsin_verdict *verdict)
{
    report_alarm_change(report, series, verdict, NULL);
}

/* ---- Writing --------------------------------------------------------------- */

static void report_add_number(cli_buffer *out, double value)
{
    if (isfinite(value))
        cli_buffer_print(out, "%.6g", value);
    else
        cli_buffer_add(out, "null", 4);
}

/* A bucket is a point, or two if it holds a smallest and a largest value; a gap before it is a
 * point without values. */
typedef enum {
    REPORT_TIME,
    REPORT_VALUE,
    REPORT_EXPECTED,
    REPORT_LOWER,
    REPORT_UPPER
} report_column;

/* One cell and a comma; a time as the distance to the one before. */
static void report_add_cell(cli_buffer *out, report_column column, int64_t time, double value,
                            int64_t *before)
{
    if (column == REPORT_TIME) {
        cli_buffer_print(out, "%lld", (long long)(time / TOCSIN_MILLISECOND - *before));
        *before = time / TOCSIN_MILLISECOND;
    } else {
        report_add_number(out, value);
    }
    cli_buffer_add(out, ",", 1);
}

static void report_add_column(cli_buffer *out, const report_series *kept, report_column column)
{
    int64_t before = 0;
    const size_t begin = out->length;

    for (size_t i = 0; i < kept->bucket_count; i++) {
        const report_bucket *bucket = &kept->buckets[i];
        const int is_empty = bucket->min > bucket->max;
        const int is_pair = !is_empty && bucket->min_time != bucket->max_time;
        const int min_first = bucket->min_time <= bucket->max_time;

        for (int part = 0; part <= is_pair; part++) {
            const int is_min = min_first == (part == 0);
            const int64_t time = is_min ? bucket->min_time : bucket->max_time;

            if (part == 0 ? bucket->after_gap : bucket->gap_inside)
                report_add_cell(out, column, time - TOCSIN_MILLISECOND, NAN, &before);
            report_add_cell(out, column, time,
                            column == REPORT_EXPECTED ? bucket->expected
                            : column == REPORT_LOWER  ? bucket->lower
                            : column == REPORT_UPPER  ? bucket->upper
                            : is_empty                ? NAN
                            : is_min                  ? bucket->min
                                                      : bucket->max,
                            &before);
        }
    }
    if (out->length > begin)
        out->length--;      /* the last comma */
}

static void report_add_alarms(cli_buffer *out, const report_series *kept)
{
    for (size_t i = 0; i < kept->kept; i++) {
        const report_alarm *alarm = &kept->alarms[i];

        cli_buffer_print(out, "%s{\"start\":%lld,\"end\":", i ? "," : "",
                         (long long)(alarm->start / TOCSIN_MILLISECOND));
        if (alarm->end == TOCSIN_TIME_NONE)
            cli_buffer_add(out, "null", 4);
        else
            cli_buffer_print(out, "%lld", (long long)(alarm->end / TOCSIN_MILLISECOND));
        cli_buffer_print(out, ",\"tier\":\"%s\",\"reason\":\"%s\",\"text\":",
                         tocsin_tier_name(alarm->tier), alarm->reason);
        cli_add_json(out, cli_text_of(alarm->sentence));
        cli_buffer_add(out, "}", 1);
    }
}

static void report_add_series(cli_buffer *out, const cli_series *series, size_t metric,
                              const report_series *kept)
{
    const cli_reader *reader = series->reader;
    static const char *const columns[] = {"t", "v", "e", "l", "u"};

    cli_buffer_print(out, "{\"name\":");
    if (reader->metric_count > 1 && reader->key_count > 0) {
        cli_buffer name = {NULL, 0, 0};

        cli_buffer_print(&name, "%s/%s", series->name ? series->name : "",
                         reader->metrics[metric].at);
        cli_add_json(out, (cli_text){name.at, name.length});
        cli_buffer_free(&name);
    } else if (reader->metric_count > 1) {
        cli_add_json(out, reader->metrics[metric]);
    } else {
        cli_add_json(out, cli_text_of(series->name ? series->name : ""));
    }
    cli_buffer_print(out, ",\"rate\":%d,\"points\":%llu,\"missing\":%llu,\"alarms\":%llu",
                     series->is_counter, (unsigned long long)kept->points,
                     (unsigned long long)kept->missing, (unsigned long long)kept->alarm_count);
    for (int column = REPORT_TIME; column <= REPORT_UPPER; column++) {
        cli_buffer_print(out, ",\"%s\":[", columns[column]);
        report_add_column(out, kept, (report_column)column);
        cli_buffer_add(out, "]", 1);
    }
    cli_buffer_print(out, ",\"episodes\":[");
    report_add_alarms(out, kept);
    cli_buffer_add(out, "]}", 2);
}

typedef struct report_rank {
    uint64_t alarms;
    size_t number;
} report_rank;

/* Those that rang most first, then as they came. */
static int report_order(const void *left, const void *right)
{
    const report_rank *a = left, *b = right;

    if (a->alarms != b->alarms)
        return a->alarms < b->alarms ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

static void report_add_check(cli_buffer *out, const tocsin_self_check *check)
{
    if (check->finding == TOCSIN_RATE_UNKNOWN) {
        cli_buffer_print(out, "null");
        return;
    }
    cli_buffer_print(out, "{\"finding\":\"%s\",\"alarms\":%llu,\"watched\":%.0f,\"promised\":",
                     cli_watch_finding(check), (unsigned long long)check->alarms, check->watched);
    report_add_number(out, check->promised);
    cli_buffer_print(out, ",\"lower\":");
    report_add_number(out, check->lower);
    cli_buffer_print(out, ",\"upper\":");
    report_add_number(out, check->upper);
    cli_buffer_print(out, "}");
}

static void report_add_data(cli_report *report, FILE *stream, const cli_feed *feed,
                            const cli_totals *totals, const tocsin_spec *spec,
                            const tocsin_self_check *check)
{
    cli_buffer out = {NULL, 0, 0};
    report_rank *ranks = cli_alloc((report->series_count + 1) * sizeof *ranks);
    char *short_text = cli_spec_text(spec, TOCSIN_TEXT_SHORT);
    char *full_text = cli_spec_text(spec, TOCSIN_TEXT_FULL);
    const size_t width = report_width(feed->reader);
    size_t drawn = 0;

    for (size_t i = 0; i < report->series_count; i++)
        ranks[i] = (report_rank){report->series[i].alarm_count, i};
    qsort(ranks, report->series_count, sizeof *ranks, report_order);
    cli_buffer_print(&out, "{\"input\":");
    cli_add_json(&out, cli_text_of(strcmp(feed->options->path, "-") == 0 ? "standard input"
                                                                         : feed->options->path));
    cli_buffer_print(&out, ",\"spec\":");
    cli_add_json(&out, cli_text_of(feed->options->spec[0] ? feed->options->spec : short_text));
    cli_buffer_print(&out, ",\"fullSpec\":");
    cli_add_json(&out, cli_text_of(full_text));
    cli_buffer_print(&out,
                     ",\"version\":\"%s\",\"points\":%llu,\"seriesCount\":%zu,\"alarms\":%llu,"
                     "\"missing\":%llu,\"late\":%llu,\"unheard\":%llu,\"check\":",
                     tocsin_version_string(), (unsigned long long)totals->points, totals->series,
                     (unsigned long long)totals->starts, (unsigned long long)totals->missing,
                     (unsigned long long)(totals->late + totals->repeated),
                     (unsigned long long)totals->unheard);
    report_add_check(&out, check);
    cli_buffer_print(&out, ",\"series\":[");
    for (size_t i = 0; i < report->series_count && drawn < REPORT_DRAWN; i++) {
        if (drawn++ > 0)
            cli_buffer_add(&out, ",", 1);
        report_add_series(&out, feed->series[ranks[i].number / width], ranks[i].number % width,
                          &report->series[ranks[i].number]);
        fwrite(out.at, 1, out.length, stream);
        out.length = 0;
    }
    cli_buffer_print(&out, "]}");
    fwrite(out.at, 1, out.length, stream);
    cli_buffer_free(&out);
    free(short_text);
    free(full_text);
    free(ranks);
}

void cli_report_close(cli_report *report, const cli_feed *feed, const cli_totals *totals,
                      const tocsin_spec *spec, const tocsin_self_check *check)
{
    cli_file file;

    if (cli_page_chart_size == 0)
        cli_note("%s: this tocsin was built without uPlot (npm could not fetch it), so the charts "
                 "are plain pictures",
                 report->path);
    cli_file_begin(&file, report->path);
    fwrite(cli_page_head, 1, cli_page_head_size, file.stream);
    report_add_data(report, file.stream, feed, totals, spec, check);
    fwrite(cli_page_tail, 1, cli_page_tail_size, file.stream);
    cli_file_commit(&file);
    for (size_t i = 0; i < report->series_count; i++) {
        for (size_t k = 0; k < report->series[i].kept; k++)
            free(report->series[i].alarms[k].sentence);
        free(report->series[i].alarms);
        free(report->series[i].buckets);
    }
    free(report->series);
    cli_buffer_free(&report->sentence);
    free(report);
}
