/* cli_writer.h - the one interface of all output formats. */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include "cli_watch.h"
#include "tocsin.h"

/* One input row and what was made of it. */
typedef struct cli_row {
    const cli_series *series;       /* NULL: one too many, see --max-series */
    const cli_point *point;
    const tocsin_verdict *verdict;
    const cli_blame *blame;         /* of rows that could be judged; else NULL */
    const double *values;           /* of rows, as judged; else NULL */
} cli_row;

/* What the summary says. */
typedef struct cli_totals {
    uint64_t points, missing, late, repeated, beyond;
    uint64_t starts, pages, tickets;
    uint64_t still_on;              /* series whose alarm is on at the end */
    uint64_t unheard;               /* series none of whose points could have rung yet */
    size_t series;
    int stopped;                    /* by a signal */
} cli_totals;

typedef struct cli_writer {
    void (*begin)(const cli_reader *reader, const cli_options *options);
    void (*row)(const cli_reader *reader, const cli_row *row);
    /* A series went silent; there is no input row. */
    void (*silence)(const cli_reader *reader, const cli_series *series,
                    const tocsin_verdict *verdict);
    void (*end)(const cli_totals *totals);
} cli_writer;

extern const cli_writer cli_writer_table, cli_writer_csv, cli_writer_json, cli_writer_influx;

/* ok, warming, missing, start, ongoing or clear. */
const char *cli_verdict_state(const tocsin_verdict *verdict);

/* spike, drop ... absence; late and repeated for points that were not judged; or "". */
const char *cli_verdict_reason(const tocsin_verdict *verdict);

/* The metric of a row that the verdict is about; NULL where points have one value. */
const char *cli_verdict_metric(const cli_series *series, const tocsin_verdict *verdict);

/* The verdict as one sentence, appended; who is to blame, where that is known, as another. */
void cli_add_sentence(cli_buffer *text, const cli_series *series, const tocsin_verdict *verdict,
                      const cli_blame *blame);

/* Append a text quoted for CSV, where that is needed, or for JSON. */
void cli_add_csv(cli_buffer *text, cli_text cell);
void cli_add_json(cli_buffer *text, cli_text string);

/* The table's line for an alarm, on any stream: csv tells of silence on stderr with it. */
void cli_print_alarm(FILE *stream, const cli_series *series, const tocsin_verdict *verdict,
                     const cli_blame *blame);

#endif
