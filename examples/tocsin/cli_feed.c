/* cli_feed.c - points to series, and silence: see cli_feed.h.
 *
 * Deadlines are kept lazily: a point does not touch the heap, it only moves its
 * series' last time.  When a deadline comes up that has been overtaken, it is
 * put back where it now belongs, so a series costs one heap operation per
 * `absence` and not one per point.
 */
#include "cli_feed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tocsin.h"

/* Joins key cells; a cell that holds one is still told from others in practice. */
#define FEED_SEPARATOR '\x1f'

/* ---- Progress -------------------------------------------------------------- */

typedef struct feed_progress {
    int is_on;
    int is_shown;
    double begin, last;
} feed_progress;

static double feed_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A line on a terminal, from the third second on, four times a second. */
static void feed_show_progress(const cli_feed *feed, feed_progress *progress)
{
    const double now = feed_now();
    const double done = cli_source_progress(feed->reader->source);
    char rows[CLI_NUMBER_TEXT];

    if (now - progress->begin < 2 || now - progress->last < 0.25)
        return;
    progress->last = now;
    progress->is_shown = 1;
    fprintf(stderr, "\r%s rows, %.0f k/s", cli_count_text(feed->rows, rows),
            (double)feed->rows / (now - progress->begin) / 1e3);
    if (done >= 0)
        fprintf(stderr, ", %.0f %%", 100 * done);
    fputs("\033[K", stderr);
}

/* ---- Series ---------------------------------------------------------------- */

/* "cpu", or "cpu, memory" of rows; with keys "web-1/eu". */
static char *feed_name(const cli_feed *feed, cli_text key, cli_text metric)
{
    const cli_reader *reader = feed->reader;

    if (reader->key_count == 0 && reader->metric_count > 1) {
        cli_buffer list = {NULL, 0, 0};

        for (size_t i = 0; i < reader->metric_count; i++)
            cli_buffer_print(&list, "%s%s", i ? ", " : "", reader->metrics[i].at);
        return list.at;
    }
    if (reader->key_count == 0)
        return cli_copy(metric);
    char *name = cli_copy(key);

    for (size_t i = 0; i < key.length; i++) {
        if (name[i] == FEED_SEPARATOR)
            name[i] = '/';
    }
    return name;
}

static cli_series *feed_add(cli_feed *feed, cli_text key)
{
    const size_t number = cli_map_add(&feed->map, key);
    cli_series *series = cli_alloc(sizeof *series);

    memset(series, 0, sizeof *series);
    series->number = number;
    series->reader = feed->reader;
    series->key = (cli_text){feed->map.names[number], key.length};
    series->last_time = TOCSIN_TIME_NONE;
    feed->series =
        cli_grow(feed->series, &feed->series_capacity, number + 1, sizeof(cli_series *));
    feed->series[number] = series;
    return series;
}

static int feed_is_counter(const cli_feed *feed, const cli_point *point)
{
    cli_reader *reader = feed->reader;

    if (point->numbers)
        return 0;
    if (feed->options->counter != CLI_COUNTER_AUTO)
        return feed->options->counter == CLI_COUNTER_ALWAYS;
    const int kind = reader->format->kind ? reader->format->kind(reader, point) : CLI_KIND_UNKNOWN;

    if (kind != CLI_KIND_UNKNOWN)
        return kind == CLI_KIND_COUNTER;
    if (cli_text_ends_with(point->metric, "_total"))
        return 1;
    for (size_t i = 0; i < reader->key_count; i++) {
        if (cli_text_ends_with(point->keys[i], "_total"))
            return 1;
    }
    return 0;
}

/* The series of a point, or NULL if it is one too many. */
static cli_series *feed_series(cli_feed *feed, const cli_point *point, const cli_visitor *visitor)
{
    cli_text key = {"", 0};

    if (feed->reader->key_count == 1) {
        key = point->keys[0];
    } else if (feed->reader->key_count > 1) {
        feed->key.length = 0;
        for (size_t i = 0; i < feed->reader->key_count; i++) {
            const char separator = FEED_SEPARATOR;

            if (i > 0)
                cli_buffer_add(&feed->key, &separator, 1);
            cli_buffer_add(&feed->key, point->keys[i].at, point->keys[i].length);
        }
        key = (cli_text){feed->key.at, feed->key.length};
    }
    const size_t number = cli_map_find(&feed->map, key);

    if (number != SIZE_MAX) {
        cli_series *series = feed->series[number];

        if (!series->name)
            series->name = feed_name(feed, key, point->metric);
        return series;
    }
    if (feed->map.count >= feed->options->max_series) {
        if (feed->beyond_rows++ == 0)
            cli_note("more than %zu series; the rows of '%.*s' and of other new ones are ignored "
                     "(--max-series)",
                     feed->options->max_series, (int)key.length, key.at);
        return NULL;
    }
    cli_series *series = feed_add(feed, key);

    series->name = feed_name(feed, key, point->metric);
    series->is_counter = feed_is_counter(feed, point);
    visitor->start(visitor->user, series);
    return series;
}

cli_series *cli_feed_restore(cli_feed *feed, cli_text key)
{
    return cli_map_find(&feed->map, key) == SIZE_MAX ? feed_add(feed, key) : NULL;
}

size_t cli_feed_count(const cli_feed *feed)
{
    return feed->map.count;
}

cli_text cli_series_key(const cli_series *series, size_t index)
{
    cli_text rest = series->key;

    for (;;) {
        const char *end = rest.length ? memchr(rest.at, FEED_SEPARATOR, rest.length) : NULL;

        if (index-- == 0)
            return (cli_text){rest.at, end ? (size_t)(end - rest.at) : rest.length};
        if (!end)
            return (cli_text){"", 0};
        rest.length -= (size_t)(end + 1 - rest.at);
        rest.at = end + 1;
    }
}

/* ---- Silence --------------------------------------------------------------- */

static int feed_is_before(cli_deadline a, cli_deadline b)
{
    return a.time < b.time || (a.time == b.time && a.number < b.number);
}

/* Put the heap's first entry where it belongs. */
static void feed_sink(cli_feed *feed)
{
    cli_deadline *heap = feed->deadlines;
    const cli_deadline moved = heap[0];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= feed->deadline_count)
            break;
        if (child + 1 < feed->deadline_count && feed_is_before(heap[child + 1], heap[child]))
            child++;
        if (!feed_is_before(heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static int64_t feed_due(const cli_feed *feed, const cli_series *series)
{
    return series->last_time > INT64_MAX - feed->absence ? INT64_MAX
                                                         : series->last_time + feed->absence;
}

void cli_feed_expect(cli_feed *feed, const cli_series *series)
{
    if (feed->absence == 0 || series->last_time == TOCSIN_TIME_NONE)
        return;
    const cli_deadline added = {feed_due(feed, series), series->number};

    feed->deadlines = cli_grow(feed->deadlines, &feed->deadline_capacity, feed->deadline_count + 1,
                               sizeof *feed->deadlines);
    size_t at = feed->deadline_count++;

    for (; at > 0 && feed_is_before(added, feed->deadlines[(at - 1) / 2]); at = (at - 1) / 2)
        feed->deadlines[at] = feed->deadlines[(at - 1) / 2];
    feed->deadlines[at] = added;
}

/* Tell of every series that has been silent for too long at `now`. */
static void feed_tell_silence(cli_feed *feed, int64_t now, const cli_visitor *visitor)
{
    while (feed->deadline_count > 0 && feed->deadlines[0].time < now) {
        cli_series *series = feed->series[feed->deadlines[0].number];
        const int64_t due = feed_due(feed, series);

        if (due != feed->deadlines[0].time) {
            feed->deadlines[0].time = due;
        } else {
            series->is_silent = 1;
            visitor->silence(visitor->user, series, now);
            feed->deadlines[0] = feed->deadlines[--feed->deadline_count];
        }
        if (feed->deadline_count > 0)
            feed_sink(feed);
    }
}

/* ---- The loop -------------------------------------------------------------- */

void cli_feed_open(cli_feed *feed, const cli_options *options, int64_t absence)
{
    memset(feed, 0, sizeof *feed);
    feed->options = options;
    feed->absence = absence;
    feed->clock = TOCSIN_TIME_NONE;
    feed->reader = cli_reader_open(options->path, options);
}

void cli_feed_run(cli_feed *feed, const cli_visitor *visitor)
{
    feed_progress progress = {isatty(STDERR_FILENO) && !isatty(STDIN_FILENO), 0, feed_now(), 0};
    cli_point point;

    memset(&point, 0, sizeof point);
    while (!cli_stop_requested() && feed->reader->format->next(feed->reader, &point)) {
        feed->rows++;
        if (progress.is_on && (feed->rows & 0xffff) == 0)
            feed_show_progress(feed, &progress);
        cli_series *series = feed_series(feed, &point, visitor);

        if (!series) {
            if (visitor->beyond)
                visitor->beyond(visitor->user, &point);
            continue;
        }
        if (point.time != TOCSIN_TIME_NONE && point.time > feed->clock) {
            feed_tell_silence(feed, feed->clock, visitor);
            feed->clock = point.time;
        }
        visitor->point(visitor->user, series, &point);
        if (point.time > series->last_time) {
            const int is_expected = series->last_time != TOCSIN_TIME_NONE && !series->is_silent;

            series->last_time = point.time;
            series->is_silent = 0;
            if (!is_expected)
                cli_feed_expect(feed, series);
        }
    }
    if (progress.is_shown)
        fputs("\r\033[K", stderr);
}

void cli_feed_close(cli_feed *feed)
{
    for (size_t i = 0; i < feed->map.count; i++) {
        free(feed->series[i]->name);
        free(feed->series[i]);
    }
    free(feed->series);
    free(feed->deadlines);
    cli_buffer_free(&feed->key);
    cli_map_free(&feed->map);
    cli_reader_close(feed->reader);
}
