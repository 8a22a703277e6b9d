/* cli_watch.h - a detector for every series of a feed. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli_feed.h"
#include "cli_specs.h"

typedef struct cli_watch {
    cli_specs specs;
    tocsin_detector **detectors;    /* by series number */
    size_t capacity;
} cli_watch;

/* A new series. */
void cli_watch_start(cli_watch *watch, const cli_series *series);

/* A point, or silence at `now`; the verdict is complete afterwards. */
void cli_watch_point(cli_watch *watch, const cli_series *series, const cli_point *point,
                     tocsin_verdict *verdict);
void cli_watch_silence(cli_watch *watch, const cli_series *series, int64_t now,
                       tocsin_verdict *verdict);

/* Frees the detectors of `count` series, and the specs. */
void cli_watch_close(cli_watch *watch, size_t count);

#endif
