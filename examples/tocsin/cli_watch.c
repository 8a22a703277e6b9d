/* cli_watch.c - see cli_watch.h. */
#include "cli_watch.h"

#include <stdlib.h>

/* Nothing but lack of memory can go wrong with a compiled spec and a complete verdict. */
static void watch_check(int status)
{
    if (status < 0)
        cli_die(CLI_BAD_INPUT, "%s (%s)", tocsin_status_text(status), tocsin_status_name(status));
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

void cli_watch_point(cli_watch *watch, const cli_series *series, const cli_point *point,
                     tocsin_verdict *verdict)
{
    tocsin_detector *detector = watch->detectors[series->number];
    const cli_number *number = &point->number;

    if (series->is_counter && number->is_count)
        watch_check(tocsin_detector_push_u64(detector, point->time, number->count,
                                             TOCSIN_LEARN_AND_SCORE, verdict, sizeof *verdict));
    else
        watch_check(tocsin_detector_push(detector, point->time, number->value,
                                         TOCSIN_LEARN_AND_SCORE, verdict, sizeof *verdict));
}

void cli_watch_silence(cli_watch *watch, const cli_series *series, int64_t now,
                       tocsin_verdict *verdict)
{
    watch_check(tocsin_detector_tick(watch->detectors[series->number], now, verdict,
                                     sizeof *verdict));
}

void cli_watch_close(cli_watch *watch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tocsin_detector_free(watch->detectors[i]);
    free(watch->detectors);
    cli_specs_free(&watch->specs);
}
