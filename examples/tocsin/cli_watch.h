/* cli_watch.h - a detector for every series of a feed. */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli_feed.h"
#include "cli_options.h"
#include "cli_specs.h"

/* One metric's part in what is odd about a row. */
typedef struct cli_blame {
    size_t metric;
    double share;                   /* 0..1; all together 1 */
    double normal;                  /* what would have been; NaN: not known */
} cli_blame;

typedef struct cli_watch {
    cli_specs specs;
    tocsin_detector **detectors;    /* by series number */
    size_t capacity;
    tocsin_share *shares;           /* of one row, metric by metric and lag by lag */
    size_t share_capacity;
    cli_blame *blame;
    double *row;                    /* as judged */
    tocsin_spec *rate;
    tocsin_detector **rates;        /* by series number and column; NULL: no counter */
    size_t rate_count, rate_capacity;
    const cli_window *windows;      /* of maintenance, and excluded ones */
    size_t window_count;
} cli_watch;

/* What the command line says of maintenance; `options` must outlive the watch. */
void cli_watch_maintain(cli_watch *watch, const cli_options *options);

/* Undo what the first `count` series have learnt of excluded windows, as far as that is possible; of
 * how many it was. */
size_t cli_watch_exclude(cli_watch *watch, size_t count);

/* What the first `count` series rang since they began, beside what their budgets promised;
 * TOCSIN_RATE_UNKNOWN: there is no budget, or nothing was watched yet. */
tocsin_self_check cli_watch_check(const cli_watch *watch, size_t count);

/* "kept", "below", "above" or "unknown". */
const char *cli_watch_finding(const tocsin_self_check *check);

/* A new series. */
void cli_watch_start(cli_watch *watch, const cli_series *series);

/* A point, or silence at `now`; the verdict is complete afterwards. */
void cli_watch_point(cli_watch *watch, const cli_series *series, const cli_point *point,
                     tocsin_verdict *verdict);
void cli_watch_silence(cli_watch *watch, const cli_series *series, int64_t now,
                       tocsin_verdict *verdict);

/* The values of the last row as they were judged, counters as rates; NULL where a point has one. */
const double *cli_watch_row(const cli_watch *watch, const cli_series *series);

/* What turns a column of a series' rows into a rate, made where `wanted`; else NULL if there is
 * none. */
tocsin_detector *cli_watch_rate(cli_watch *watch, const cli_series *series, size_t column,
                                int wanted);

/* Who made the last row of a series odd, the most to blame first; NULL where a point has one
 * value, or nothing was judged.  Valid until the next call. */
const cli_blame *cli_watch_blame(cli_watch *watch, const cli_series *series);

/* Frees the detectors of `count` series, and the specs. */
void cli_watch_close(cli_watch *watch, size_t count);

#endif
