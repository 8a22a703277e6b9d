/* cli_reader.h - the one interface of all input formats: points, one at a time.
 *
 * A format is a row of functions.  `open` looks at the beginning of the input
 * and fills in the names of the key columns; `next` reads one point.  Whatever
 * is malformed ends the program with file, line and what was expected.
 */
#ifndef CLI_READER_H
#define CLI_READER_H

#include "cli_labels.h"
#include "cli_map.h"
#include "cli_options.h"
#include "cli_source.h"

/* What a reader knows about a series' kind. */
enum { CLI_KIND_UNKNOWN, CLI_KIND_GAUGE, CLI_KIND_COUNTER };

/* One point.  Its texts are valid until the next one is read. */
typedef struct cli_point {
    int64_t time;           /* TOCSIN_TIME_NONE where the input has none */
    cli_text time_text;     /* as the input has it */
    cli_number number;
    const cli_number *numbers;  /* of a row, reader->metric_count; else NULL, and `number` it is */
    cli_text metric;        /* the metric's, field's or value column's name */
    cli_text keys[CLI_MAX_KEYS];    /* what tells the series from others: reader->key_count texts */
    int label;              /* the label column's cell: 1 during an incident; -1: there is none */
} cli_point;

typedef struct cli_reader cli_reader;

typedef struct cli_format {
    const char *name;
    int has_rows;           /* a line may hold several columns */
    void (*open)(cli_reader *reader);
    int (*next)(cli_reader *reader, cli_point *point);  /* 1, or 0 at the end of the input */
    int (*kind)(cli_reader *reader, const cli_point *point);    /* NULL: always unknown */
    void (*close)(cli_reader *reader);
} cli_format;

extern const cli_format cli_format_csv, cli_format_jsonl, cli_format_openmetrics, cli_format_influx;

struct cli_reader {
    const cli_format *format;
    const cli_options *options;
    cli_source *source;
    void *state;                        /* the format's own */
    cli_text key_names[CLI_MAX_KEYS];
    size_t key_count;
    cli_text *metrics;                  /* the columns of a row, or the one column; a format whose */
    size_t metric_count;                /* metrics have names of their own has none */
    unsigned char *is_counter;          /* of a row: the column is to be turned into a rate */
    cli_number *row;
    unsigned char asked[CLI_MAX_KEYS];  /* a key that was looked for among labels, */
    unsigned char found[CLI_MAX_KEYS];  /* and was there at least once */
    cli_map passed_over;                /* what --column left out, while it has taken nothing */
    int has_metric;                     /* it has taken one */
    int64_t last_time;                  /* what last_time_text means */
    size_t last_time_length;
    char last_time_text[64];
};

/* Open a file or "-" and tell its format, or take the one that was asked for. */
cli_reader *cli_reader_open(const char *path, const cli_options *options);
void cli_reader_close(cli_reader *reader);

/* A reader of rows around one of single values: see read_rows.c. */
cli_reader *cli_rows_around(cli_reader *inside);

/* ---- For the formats ------------------------------------------------------ */

/* Set a point's time from its text; an empty text is no timestamp. */
void cli_reader_time(cli_reader *reader, cli_point *point, cli_text text);

/* Set a point's number from its text. */
void cli_reader_number(cli_reader *reader, cli_point *point, cli_text text);

/* The columns' names, once they are chosen. */
void cli_reader_metrics(cli_reader *reader, const cli_text *names, const size_t *columns,
                        size_t count);

/* Set value number `index` of a point, which is of as many as there are columns. */
void cli_reader_value(cli_reader *reader, cli_point *point, size_t index, cli_text text);

/* The label that key column `index` asks for; empty where the sample has none. */
cli_text cli_reader_label(cli_reader *reader, size_t index, const cli_labels *labels);

/* Whether --column wants this metric; those it does not are remembered, to suggest one. */
int cli_reader_wants(cli_reader *reader, cli_text metric);

/* Which columns of a table are what. */
typedef struct cli_columns {
    size_t time, label;                 /* SIZE_MAX: there is none */
    size_t keys[CLI_MAX_KEYS];
    size_t values[CLI_MAX_COLUMNS];
    size_t value_count;                 /* at least 1 */
} cli_columns;

/* Choose among named columns by the options and by a first row; what cannot be told ends the
 * program and lists the columns there are. */
void cli_columns_choose(cli_columns *columns, const cli_reader *reader, const cli_text *names,
                        const cli_text *cells, size_t count);

/* Whether a label column is wanted: to backtest, and no file of labels is given. */
int cli_reader_uses_labels(const cli_reader *reader);

/* "0", "1", "true", "false" and any other number: 0, 1; -1: none of these. */
int cli_parse_label(cli_text text);

/* Every row of a CSV source, its header included, until `row` gives 0; errors as those of a reader. */
void cli_csv_source_rows(cli_source *source, int (*row)(void *user, const cli_source *source,
                                                        const cli_text *cells, size_t count),
                         void *user);

/* Every row of a small CSV file. */
void cli_csv_rows(const char *path, int (*row)(void *user, const cli_source *source,
                                               const cli_text *cells, size_t count),
                  void *user);

#endif
