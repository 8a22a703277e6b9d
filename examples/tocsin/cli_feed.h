/* cli_feed.h - an input as events of series: a point came, a series went silent.
 *
 * The feed reads points, tells their series apart and keeps the input's clock:
 * the latest time of any point.  Time passes for all series together, so when
 * one of them sends nothing for longer than the spec's `clock absence=` while
 * others do, the feed says so.  It looks once per timestamp, when the next one
 * begins and all its rows are known to be in; a pause of the whole input is
 * nobody's silence.
 */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "cli_reader.h"

typedef struct cli_series {
    size_t number;          /* 0, 1, 2 ... in order of arrival */
    cli_text key;           /* its key cells, joined */
    char *name;             /* for people */
    const cli_reader *reader;
    int is_counter;
    int is_silent;          /* its silence has been told and no point has come since */
    int64_t last_time;      /* TOCSIN_TIME_NONE: no point with a time yet */
} cli_series;

/* What somebody does with the events. */
typedef struct cli_visitor {
    void *user;
    void (*start)(void *user, const cli_series *series);        /* a new series */
    void (*point)(void *user, const cli_series *series, const cli_point *point);
    void (*beyond)(void *user, const cli_point *point);         /* past --max-series; or NULL */
    void (*silence)(void *user, const cli_series *series, int64_t now);
} cli_visitor;

typedef struct cli_deadline {
    int64_t time;
    size_t number;
} cli_deadline;

typedef struct cli_feed {
    const cli_options *options;
    cli_reader *reader;
    cli_map map;
    cli_series **series;
    size_t series_capacity;
    cli_buffer key;
    int64_t absence;        /* nanoseconds; 0: silence is nothing to tell */
    int64_t clock;          /* the latest time of any point; TOCSIN_TIME_NONE before the first */
    cli_deadline *deadlines;    /* a heap, the earliest first */
    size_t deadline_count, deadline_capacity;
    uint64_t rows;
    uint64_t beyond_rows;   /* of series past --max-series */
} cli_feed;

void cli_feed_open(cli_feed *feed, const cli_options *options, int64_t absence);

/* Read the input to its end, or until a signal asks to stop. */
void cli_feed_run(cli_feed *feed, const cli_visitor *visitor);
void cli_feed_close(cli_feed *feed);

size_t cli_feed_count(const cli_feed *feed);

/* A series that a state file knows. */
cli_series *cli_feed_restore(cli_feed *feed, cli_text key);

/* Its silence will be told when it is due. */
void cli_feed_expect(cli_feed *feed, const cli_series *series);

/* Cell number `index` of a series' key. */
cli_text cli_series_key(const cli_series *series, size_t index);

#endif
