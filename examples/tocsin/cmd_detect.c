/* cmd_detect.c - `tocsin detect`: judge every point of an input as it comes. */
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_file.h"
#include "cli_report.h"
#include "cli_state.h"
#include "cli_watch.h"
#include "cli_writer.h"

/* What the summary needs of a series. */
typedef struct detect_series {
    unsigned char is_on;    /* its alarm, after the last point */
    unsigned char heard;    /* at least one point could have rung */
} detect_series;

typedef struct detect_run {
    cli_feed feed;
    cli_watch watch;
    cli_totals totals;
    detect_series *series;
    size_t series_capacity;
    size_t series_known;
    const cli_writer *writer;
    cli_report *report;
    int tells_shares;       /* in every row, not only where an alarm starts */
    int is_resumed;         /* series came out of --state */
    int was_on;             /* an alarm was on at some point of this run */
} detect_run;

static detect_series *detect_of(detect_run *run, const cli_series *series)
{
    while (run->series_known <= series->number) {
        run->series = cli_grow(run->series, &run->series_capacity, run->series_known + 1,
                               sizeof *run->series);
        run->series[run->series_known++] = (detect_series){0, 0};
    }
    return &run->series[series->number];
}

static void detect_count(detect_run *run, const cli_series *series, const tocsin_verdict *verdict)
{
    detect_series *known = detect_of(run, series);

    known->is_on = verdict->alarm == TOCSIN_ALARM_ON;
    if (!(verdict->flags & (TOCSIN_FLAG_WARMING | TOCSIN_FLAG_MISSING | TOCSIN_FLAG_LATE |
                            TOCSIN_FLAG_REPEATED | TOCSIN_FLAG_SHORT_HISTORY)))
        known->heard = 1;
    run->was_on |= known->is_on;
    if (verdict->transition == TOCSIN_TRANSITION_START) {
        run->totals.starts++;
        run->totals.pages += verdict->tier == TOCSIN_TIER_PAGE;
        run->totals.tickets += verdict->tier == TOCSIN_TIER_TICKET;
    }
}

static void detect_start(void *user, const cli_series *series)
{
    cli_watch_start(&((detect_run *)user)->watch, series);
}

static void detect_point(void *user, const cli_series *series, const cli_point *point)
{
    detect_run *run = user;
    tocsin_verdict verdict;
    cli_row row = {series, point, &verdict, NULL, NULL};

    cli_watch_point(&run->watch, series, point, &verdict);
    row.values = cli_watch_row(&run->watch, series);
    if (run->tells_shares || verdict.transition == TOCSIN_TRANSITION_START)
        row.blame = cli_watch_blame(&run->watch, series);
    run->totals.points++;
    run->totals.missing += (verdict.flags & TOCSIN_FLAG_MISSING) != 0;
    run->totals.late += (verdict.flags & TOCSIN_FLAG_LATE) != 0;
    run->totals.repeated += (verdict.flags & TOCSIN_FLAG_REPEATED) != 0;
    detect_count(run, series, &verdict);
    run->writer->row(run->feed.reader, &row);
    if (run->report)
        cli_report_point(run->report, &row);
}

static void detect_beyond(void *user, const cli_point *point)
{
    detect_run *run = user;
    const cli_row row = {NULL, point, NULL, NULL, NULL};

    run->writer->row(run->feed.reader, &row);
}

static void detect_silence(void *user, const cli_series *series, int64_t now)
{
    detect_run *run = user;
    tocsin_verdict verdict;

    cli_watch_silence(&run->watch, series, now, &verdict);
    detect_count(run, series, &verdict);
    run->writer->silence(run->feed.reader, series, &verdict);
    if (run->report)
        cli_report_silence(run->report, series, &verdict);
}

/* Whether the input looks like many series written as one. */
static void detect_hint(const detect_run *run)
{
    const cli_totals *totals = &run->totals;

    if (totals->series == 1 && totals->points > 20 &&
        3 * (totals->repeated + totals->late) > totals->points)
        cli_note("%llu of %llu points repeat a time or come late; %s",
                 (unsigned long long)(totals->repeated + totals->late),
                 (unsigned long long)totals->points,
                 run->is_resumed ? "are they already in the --state?"
                                 : "if the input holds several series, --key says which column "
                                   "tells them apart");
}

static int detect_exit_code(const detect_run *run, const cli_options *options)
{
    if (run->feed.rows == 0)
        return CLI_NO_DATA;
    if (!options->fail_on_alarm)
        return CLI_GOOD;
    if (run->was_on)
        return CLI_FOUND;
    return run->totals.unheard == run->totals.series ? CLI_UNDECIDED : CLI_GOOD;
}

/* Nothing is written over the input, nor the page over the state. */
static void detect_check_files(const cli_options *options)
{
    const char *const written[] = {options->state, options->report};
    static const char *const names[] = {"--state", "--report"};

    for (size_t i = 0; i < 2; i++) {
        if (!written[i])
            continue;
        if (cli_file_is_same(written[i], options->path))
            cli_die(CLI_USAGE, "%s: '%s' is the input, it would be overwritten", names[i],
                    written[i]);
        cli_file_check_writable(written[i]);
    }
    if (options->state && options->report && cli_file_is_same(options->state, options->report))
        cli_die(CLI_USAGE, "--state and --report name the same file, '%s'", options->state);
}

/* What the state had learnt before it was told better. */
static void detect_exclude(detect_run *run)
{
    const size_t count = cli_feed_count(&run->feed);
    const size_t undone = cli_watch_exclude(&run->watch, count);

    if (undone > 0)
        cli_note("--exclude: the limits of %zu of %zu series have forgotten what they had learnt; their "
                 "models take their half-lives", undone, count);
}

int cmd_detect(const cli_options *options)
{
    static const cli_writer *const writers[] = {&cli_writer_table, &cli_writer_csv,
                                                &cli_writer_json, &cli_writer_influx};
    detect_run run;
    const cli_visitor visitor = {&run, detect_start, detect_point, detect_beyond, detect_silence};

    memset(&run, 0, sizeof run);
    run.writer = writers[options->output];
    run.tells_shares = options->output == CLI_OUTPUT_JSON;
    cli_specs_compile(&run.watch.specs, options->spec, options);
    cli_watch_maintain(&run.watch, options);
    detect_check_files(options);
    if (options->report)
        run.report = cli_report_open(options->report);
    cli_feed_open(&run.feed, options, cli_spec_absence(run.watch.specs.gauge));
    if (options->state)
        cli_state_load(options->state, &run.feed, &run.watch, options->take_state_over);
    run.is_resumed = cli_feed_count(&run.feed) > 0;
    detect_exclude(&run);

    run.writer->begin(run.feed.reader, options);
    cli_feed_run(&run.feed, &visitor);
    run.totals.series = cli_feed_count(&run.feed);
    run.totals.beyond = run.feed.beyond_rows;
    run.totals.stopped = cli_stop_requested();
    run.totals.unheard = run.totals.series - run.series_known;
    for (size_t i = 0; i < run.series_known; i++) {
        run.totals.still_on += run.series[i].is_on;
        run.totals.unheard += !run.series[i].heard;
    }
    run.writer->end(&run.totals);
    detect_hint(&run);
    if (run.feed.rows == 0)
        cli_note("no data: the input holds no points");
    cli_flush_output();
    if (run.report) {
        const tocsin_self_check check = cli_watch_check(&run.watch, run.totals.series);

        cli_report_close(run.report, &run.feed, &run.totals, run.watch.specs.gauge, &check);
    }
    if (options->state)
        cli_state_save(options->state, &run.feed, &run.watch);

    const int code = detect_exit_code(&run, options);

    cli_watch_close(&run.watch, run.totals.series);
    cli_feed_close(&run.feed);
    free(run.series);
    return code;
}
