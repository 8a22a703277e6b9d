/* cli_histories.c - an input as whole histories: see cli_histories.h. */
#include "cli_histories.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void histories_start(void *user, const cli_series *series)
{
    cli_histories *histories = user;

    histories->series = cli_grow(histories->series, &histories->capacity, series->number + 1,
                                 sizeof *histories->series);
    while (histories->count <= series->number)
        histories->series[histories->count++] = (cli_history){NULL, NULL, 0, 0, 0};
}

static void histories_point(void *user, const cli_series *series, const cli_point *point)
{
    cli_histories *histories = user;
    cli_history *history = &histories->series[series->number];

    if (history->count == histories->most)
        cli_source_bad(histories->feed.reader->source,
                       "'%s' has more than %" PRIu64 " values, which is as long as a history may be",
                       series->name, histories->most);
    history->values = cli_grow(history->values, &history->values_capacity, history->count + 1,
                               sizeof *history->values);
    history->times = cli_grow(history->times, &history->times_capacity, history->count + 1,
                              sizeof *history->times);
    history->values[history->count] = point->number.value;
    history->times[history->count++] = cli_copy(point->time_text);
}

static void histories_silence(void *user, const cli_series *series, int64_t now)
{
    (void)user;
    (void)series;
    (void)now;
}

void cli_histories_read(cli_histories *histories, const cli_options *options, uint64_t most)
{
    const cli_visitor visitor = {histories, histories_start, histories_point, NULL,
                                 histories_silence};

    memset(histories, 0, sizeof *histories);
    histories->most = most;
    cli_feed_open(&histories->feed, options, 0);
    cli_feed_run(&histories->feed, &visitor);
}

void cli_histories_free(cli_histories *histories)
{
    for (size_t i = 0; i < histories->count; i++) {
        for (size_t k = 0; k < histories->series[i].count; k++)
            free(histories->series[i].times[k]);
        free(histories->series[i].values);
        free(histories->series[i].times);
    }
    free(histories->series);
    cli_feed_close(&histories->feed);
}
