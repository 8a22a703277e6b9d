/* cli_watch.c - see cli_watch.h. */
#include "cli_watch.h"

#include <math.h>
#include <stdlib.h>

/* Nothing but lack of memory can go wrong with a compiled spec and a complete verdict. */
static void watch_check(int status)
{
    if (status < 0)
        cli_die(CLI_BAD_INPUT, "%s (%s)", tocsin_status_text(status), tocsin_status_name(status));
}

/* A counter's rate is what a verdict of this says its value is; how it is judged does not
 * matter. */
#define WATCH_RATE "counter | ewma | raw"

void cli_watch_maintain(cli_watch *watch, const cli_options *options)
{
    watch->windows = options->windows;
    watch->window_count = options->window_count;
}

void cli_watch_start(cli_watch *watch, const cli_series *series)
{
    watch->detectors = cli_grow(watch->detectors, &watch->capacity, series->number + 1,
                                sizeof(tocsin_detector *));
    watch_check(tocsin_detector_create(&watch->detectors[series->number],
                                       series->is_counter ? watch->specs.counter
                                                          : watch->specs.gauge,
                                       NULL));
}

/* A detector has one window at a time, so it is told of each when its time has come, and of those that
 * overlap as of one. */
static void watch_maintain(cli_watch *watch, tocsin_detector *detector, int64_t time)
{
    const cli_window *first = NULL;
    uint32_t marks = 0;

    for (size_t i = 0; i < watch->window_count && time != TOCSIN_TIME_NONE; i++) {
        const cli_window *window = &watch->windows[i];

        if (time < window->begin || time > window->end)
            continue;
        first = first ? first : window;
        marks |= window->marks;
    }
    if (first)
        watch_check(tocsin_detector_mark(detector, TOCSIN_MARK_MAINTENANCE, marks, first->begin,
                                         time));
}

size_t cli_watch_exclude(cli_watch *watch, size_t count)
{
    size_t undone = 0;

    for (size_t i = 0; i < count; i++) {
        int is_undone = 0;

        for (size_t k = 0; k < watch->window_count; k++) {
            const cli_window *window = &watch->windows[k];

            if (!window->is_past)
                continue;
            const int status = tocsin_detector_exclude(watch->detectors[i], NULL, window->begin,
                                                       window->end);

            is_undone |= status == TOCSIN_INFO_PARTIAL;
            if (status == TOCSIN_ERROR_UNSUPPORTED)
                cli_die(CLI_USAGE, "--exclude: without a calibrator nothing that is in the state can "
                                   "be undone; leave out 'raw'");
        }
        undone += (size_t)is_undone;
    }
    return undone;
}

tocsin_self_check cli_watch_check(const cli_watch *watch, size_t count)
{
    tocsin_self_check sum = {.struct_size = sizeof sum}, check = sum;

    for (size_t i = 0; i < count; i++)
        if (tocsin_detector_self_check(watch->detectors[i], &check) == TOCSIN_OK)
            tocsin_self_check_add(&sum, &check);
    return sum;
}

const char *cli_watch_finding(const tocsin_self_check *check)
{
    switch (check->finding) {
    case TOCSIN_RATE_KEPT: return "kept";
    case TOCSIN_RATE_BELOW: return "below";
    case TOCSIN_RATE_ABOVE: return "above";
    default: return "unknown";
    }
}

tocsin_detector *cli_watch_rate(cli_watch *watch, const cli_series *series, size_t column,
                                int wanted)
{
    const size_t at = series->number * series->reader->metric_count + column;

    if (at >= watch->rate_count && !wanted)
        return NULL;
    while (at >= watch->rate_count) {
        watch->rates = cli_grow(watch->rates, &watch->rate_capacity, watch->rate_count + 1,
                                sizeof(tocsin_detector *));
        watch->rates[watch->rate_count++] = NULL;
    }
    if (!watch->rates[at] && wanted) {
        if (!watch->rate)
            watch->rate = cli_spec_compile(WATCH_RATE);
        watch_check(tocsin_detector_create(&watch->rates[at], watch->rate, NULL));
    }
    return watch->rates[at];
}

static void watch_push(tocsin_detector *detector, int is_counter, int64_t time,
                       const cli_number *number, tocsin_verdict *verdict)
{
    watch_check(is_counter && number->is_count
                    ? tocsin_detector_push_u64(detector, time, number->count,
                                               TOCSIN_LEARN_AND_SCORE, verdict, sizeof *verdict)
                    : tocsin_detector_push(detector, time, number->value, TOCSIN_LEARN_AND_SCORE,
                                           verdict, sizeof *verdict));
}

static void watch_push_row(cli_watch *watch, const cli_series *series, const cli_point *point,
                           tocsin_verdict *verdict)
{
    const cli_reader *reader = series->reader;

    if (!watch->row)
        watch->row = cli_alloc(reader->metric_count * sizeof *watch->row);
    for (size_t i = 0; i < reader->metric_count; i++) {
        watch->row[i] = point->numbers[i].value;
        if (!reader->is_counter[i])
            continue;
        watch_push(cli_watch_rate(watch, series, i, 1), 1, point->time, &point->numbers[i],
                   verdict);
        watch->row[i] = verdict->value;
    }
    watch_check(tocsin_detector_push_row(watch->detectors[series->number], point->time, watch->row,
                                         reader->metric_count, TOCSIN_LEARN_AND_SCORE, verdict,
                                         sizeof *verdict));
}

const double *cli_watch_row(const cli_watch *watch, const cli_series *series)
{
    return series->reader->metric_count > 1 ? watch->row : NULL;
}

void cli_watch_point(cli_watch *watch, const cli_series *series, const cli_point *point,
                     tocsin_verdict *verdict)
{
    tocsin_detector *detector = watch->detectors[series->number];

    watch_maintain(watch, detector, point->time);
    if (point->numbers)
        watch_push_row(watch, series, point, verdict);
    else
        watch_push(detector, series->is_counter, point->time, &point->number, verdict);
}

void cli_watch_silence(cli_watch *watch, const cli_series *series, int64_t now,
                       tocsin_verdict *verdict)
{
    watch_maintain(watch, watch->detectors[series->number], now);
    watch_check(tocsin_detector_tick(watch->detectors[series->number], now, verdict,
                                     sizeof *verdict));
}

static int watch_order(const void *left, const void *right)
{
    const cli_blame *a = left, *b = right;

    if (a->share != b->share)
        return a->share < b->share ? 1 : -1;
    return (a->metric > b->metric) - (a->metric < b->metric);
}

const cli_blame *cli_watch_blame(cli_watch *watch, const cli_series *series)
{
    const tocsin_detector *detector = watch->detectors[series->number];
    const size_t metrics = series->reader->metric_count;
    size_t count = 0;
    double sum = 0;

    if (metrics < 2 ||
        tocsin_detector_shares(detector, NULL, sizeof *watch->shares, 0, &count) !=
            TOCSIN_ERROR_SPACE)
        return NULL;
    watch->shares = cli_grow(watch->shares, &watch->share_capacity, count, sizeof *watch->shares);
    if (tocsin_detector_shares(detector, watch->shares, sizeof *watch->shares, count, &count) !=
        TOCSIN_OK)
        return NULL;
    if (!watch->blame)
        watch->blame = cli_alloc(metrics * sizeof *watch->blame);
    for (size_t i = 0; i < metrics; i++)
        watch->blame[i] = (cli_blame){i, 0, NAN};
    for (size_t i = 0; i < count; i++) {
        const tocsin_share *share = &watch->shares[i];

        watch->blame[share->metric].share += share->value;
        sum += share->value;
        if (share->lag == 0)
            watch->blame[share->metric].normal = share->normal;
    }
    if (!(sum > 0))
        return NULL;
    for (size_t i = 0; i < metrics; i++)
        watch->blame[i].share /= sum;
    qsort(watch->blame, metrics, sizeof *watch->blame, watch_order);
    return watch->blame;
}

void cli_watch_close(cli_watch *watch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tocsin_detector_free(watch->detectors[i]);
    for (size_t i = 0; i < watch->rate_count; i++)
        tocsin_detector_free(watch->rates[i]);
    free(watch->rates);
    free(watch->row);
    tocsin_spec_free(watch->rate);
    free(watch->detectors);
    free(watch->shares);
    free(watch->blame);
    cli_specs_free(&watch->specs);
}
