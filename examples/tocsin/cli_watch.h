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
    const cli_window *windows;      /* of maintenance: nothing rings, nothing is learnt */
    size_t window_count;
} cli_watch;

/* What the command line says of maintenance; `options` must outlive the watch. */
void cli_watch_maintain(cli_watch *watch, const cli_options *options);

/* A new series. */
void cli_watch_start(cli_watch *watch, const cli_series *series);

/* A point, or silence at `now`; the verdict is complete afterwards. */
void cli_watch_point(cli_watch *watch, const cli_series *series, const cli_point *point,
                     tocsin_verdict *verdict);
void cli_watch_silence(cli_watch *watch, const cli_series *series, int64_t now,
                       tocsin_verdict *verdict);

/* Who made the last row of a series odd, the most to blame first; NULL where a point has one
 * value, or nothing was judged.  Valid until the next call. */
const cli_blame *cli_watch_blame(cli_watch *watch, const cli_series *series);

/* Frees the detectors of `count` series, and the specs. */
void cli_watch_close(cli_watch *watch, size_t count);

#endif
