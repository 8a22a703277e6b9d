/* read_rows.c - rows out of an input that has a line per metric.
 *
 * What --column names are metrics: by the name that the format gives them, by the cells of one of the
 * key columns, or by those of all of them joined by '/'; the first point that has one of the names
 * says which.  The other key columns tell the series of rows apart: hosts, say.
 *
 * The points of one series and time make a row.  It is whole when all metrics came, when the
 * series' next time begins, or a metric comes again, and at the end of the input.  A metric that
 * sent nothing is missing from it.
 *
 * This is a format around another one: the reader inside reads the lines.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

/* Where a point's metric stands: one of the key columns, or */
enum { ROWS_IN_METRIC = CLI_MAX_KEYS, ROWS_IN_ALL_KEYS, ROWS_UNKNOWN };

/* The row of a series that is being gathered. */
typedef struct rows_row {
    cli_number *numbers;
    unsigned char *is_in;
    size_t gathered;        /* 0: there is none */
    int64_t time;
    cli_buffer time_text;
    int label;
    size_t key_length[CLI_MAX_KEYS];    /* of the cells that make the series' name in the map */
} rows_row;

typedef struct rows_state {
    cli_reader *inside;
    cli_map columns;
    unsigned char *came;        /* a point of the column, ever */
    cli_text *source;           /* without --key: the one series that the column is of */
    size_t metric_in;
    cli_map series;
    rows_row *rows;             /* of each series */
    size_t rows_capacity;
    cli_buffer name;
    cli_point next;             /* read already, and in no row yet */
    size_t next_column;
    int has_next;
    size_t flushed;             /* at the end: series whose last row is out */
} rows_state;

static cli_text rows_joined(rows_state *rows, const cli_point *point, size_t but, char separator,
                            size_t *length)
{
    rows->name.length = 0;
    for (size_t i = 0, n = 0; i < rows->inside->key_count; i++) {
        if (i == but)
            continue;
        cli_buffer_add(&rows->name, &separator, n > 0);
        cli_buffer_add(&rows->name, point->keys[i].at, point->keys[i].length);
        if (length)
            length[n] = point->keys[i].length;
        n++;
    }
    return (cli_text){rows->name.at ? rows->name.at : "", rows->name.length};
}

static size_t rows_column_in(rows_state *rows, const cli_point *point, size_t where)
{
    return cli_map_find(&rows->columns, where < CLI_MAX_KEYS ? point->keys[where]
                                        : where == ROWS_IN_METRIC
                                            ? point->metric
                                            : rows_joined(rows, point, SIZE_MAX, '/', NULL));
}

/* Which column a point is of; SIZE_MAX: of none. */
static size_t rows_column(rows_state *rows, const cli_point *point)
{
    const size_t keys = rows->inside->key_count;
    size_t column;

    if (rows->metric_in != ROWS_UNKNOWN)
        return rows_column_in(rows, point, rows->metric_in);
    column = rows_column_in(rows, point, rows->metric_in = ROWS_IN_METRIC);
    for (size_t i = 0; i < keys && column != SIZE_MAX; i++) {
        if (point->keys[i].at == point->metric.at)      /* it was asked for as a key as well */
            rows->metric_in = i;
    }
    for (size_t i = 0; i < keys && column == SIZE_MAX; i++)
        column = rows_column_in(rows, point, rows->metric_in = i);
    if (keys > 1 && column == SIZE_MAX)
        column = rows_column_in(rows, point, rows->metric_in = ROWS_IN_ALL_KEYS);
    if (column == SIZE_MAX)
        rows->metric_in = ROWS_UNKNOWN;
    return column;
}

/* Without --key all rows are of one series, so each column must be. */
static void rows_check_source(rows_state *rows)
{
    const cli_text name = rows->next.keys[0];
    cli_text *source = &rows->source[rows->next_column];

    if (rows->inside->options->key_count > 0 || rows->inside->key_count == 0)
        return;
    if (!source->at)
        *source = (cli_text){cli_copy(name), name.length};
    else if (!cli_text_equal(*source, name))
        cli_source_bad(rows->inside->source,
                       "--column: %.*s and %.*s are two series; --key says which labels or tags "
                       "tell rows apart",
                       (int)source->length, source->at, (int)name.length, name.at);
}

/* Read on to a point of one of the columns; 0 at the end. */
static int rows_read(rows_state *rows)
{
    while (!rows->has_next && rows->inside->format->next(rows->inside, &rows->next)) {
        rows->next_column = rows_column(rows, &rows->next);
        rows->has_next = rows->next_column != SIZE_MAX;
        if (rows->has_next)
            rows_check_source(rows);
    }
    return rows->has_next;
}

/* The series of the point that was read. */
static size_t rows_series(cli_reader *reader, rows_state *rows)
{
    size_t length[CLI_MAX_KEYS];
    const size_t but = reader->key_count > 0 ? rows->metric_in : SIZE_MAX;
    const cli_text name = reader->key_count > 0
                              ? rows_joined(rows, &rows->next, but, '\x1f', length)
                              : cli_text_of("");
    size_t number = cli_map_find(&rows->series, name);

    if (number != SIZE_MAX)
        return number;
    number = cli_map_add(&rows->series, name);
    rows->rows = cli_grow(rows->rows, &rows->rows_capacity, number + 1, sizeof *rows->rows);
    memset(&rows->rows[number], 0, sizeof *rows->rows);
    rows->rows[number].numbers = cli_alloc(reader->metric_count * sizeof(cli_number));
    rows->rows[number].is_in = cli_alloc(reader->metric_count);
    memcpy(rows->rows[number].key_length, length, reader->key_count * sizeof *length);
    return number;
}

/* Put the point that was read into its series' row. */
static void rows_take(cli_reader *reader, rows_state *rows, rows_row *row)
{
    const size_t column = rows->next_column;

    if (row->gathered++ == 0) {
        for (size_t i = 0; i < reader->metric_count; i++)
            row->numbers[i] = (cli_number){.value = NAN};
        memset(row->is_in, 0, reader->metric_count);
        row->label = -1;
        row->time = rows->next.time;
        row->time_text.length = 0;
        cli_buffer_add(&row->time_text, rows->next.time_text.at, rows->next.time_text.length);
    }
    row->numbers[column] = rows->next.number;
    if (!rows->came[column] && reader->options->counter == CLI_COUNTER_AUTO &&
        rows->inside->format->kind &&
        rows->inside->format->kind(rows->inside, &rows->next) == CLI_KIND_COUNTER)
        reader->is_counter[column] = 1;
    row->is_in[column] = rows->came[column] = 1;
    if (rows->next.label > row->label)
        row->label = rows->next.label;
    rows->has_next = 0;
}

/* A row is whole: as a point. */
static int rows_give(cli_reader *reader, rows_state *rows, size_t series, cli_point *point)
{
    rows_row *row = &rows->rows[series];
    const char *key = rows->series.names[series];

    row->gathered = 0;
    *point = (cli_point){.time = row->time,
                         .time_text = {row->time_text.at, row->time_text.length},
                         .number = {.value = NAN},
                         .numbers = row->numbers,
                         .metric = reader->metrics[0],
                         .label = row->label};
    for (size_t i = 0; i < reader->key_count; i++) {
        point->keys[i] = (cli_text){key, row->key_length[i]};
        key += row->key_length[i] + 1;
    }
    return 1;
}

static int rows_next(cli_reader *reader, cli_point *point)
{
    rows_state *rows = reader->state;

    while (rows_read(rows)) {
        const size_t series = rows_series(reader, rows);
        rows_row *row = &rows->rows[series];

        if (row->gathered > 0 &&
            (rows->next.time != row->time || row->is_in[rows->next_column]))
            return rows_give(reader, rows, series, point);
        rows_take(reader, rows, row);
        if (row->gathered == reader->metric_count)
            return rows_give(reader, rows, series, point);
    }
    for (; rows->flushed < rows->series.count; rows->flushed++) {
        if (rows->rows[rows->flushed].gathered > 0)
            return rows_give(reader, rows, rows->flushed, point);
    }
    return 0;
}

static void rows_close(cli_reader *reader)
{
    rows_state *rows = reader->state;

    for (size_t i = 0; i < reader->metric_count; i++) {
        if (!rows->came[i])
            cli_note("the input has no points of '%s' (--column)", reader->metrics[i].at);
        free((void *)(uintptr_t)rows->source[i].at);
    }
    for (size_t i = 0; i < rows->series.count; i++) {
        free(rows->rows[i].numbers);
        free(rows->rows[i].is_in);
        cli_buffer_free(&rows->rows[i].time_text);
    }
    free(rows->rows);
    cli_reader_close(rows->inside);
    reader->source = NULL;
    cli_map_free(&rows->columns);
    cli_map_free(&rows->series);
    cli_buffer_free(&rows->name);
    free(rows->source);
    free(rows->came);
    free(rows);
}

static const cli_format rows_format = {"rows", 1, NULL, rows_next, NULL, rows_close};

/* The key columns that tell rows apart: all but the metrics' names. */
static void rows_name_keys(cli_reader *reader, const rows_state *rows)
{
    const cli_reader *inside = rows->inside;

    if (inside->options->key_count == 0 || rows->metric_in >= ROWS_IN_ALL_KEYS)
        return;
    for (size_t i = 0; i < inside->key_count; i++) {
        if (i != rows->metric_in)
            reader->key_names[reader->key_count++] = inside->key_names[i];
    }
}

cli_reader *cli_rows_around(cli_reader *inside)
{
    cli_reader *reader = cli_alloc(sizeof *reader);
    rows_state *rows = cli_alloc(sizeof *rows);
    const size_t count = inside->options->column_count;

    memset(reader, 0, sizeof *reader);
    memset(rows, 0, sizeof *rows);
    reader->format = &rows_format;
    reader->options = inside->options;
    reader->source = inside->source;
    reader->state = rows;
    rows->inside = inside;
    rows->metric_in = ROWS_UNKNOWN;
    rows->came = cli_alloc(count);
    memset(rows->came, 0, count);
    rows->source = cli_alloc(count * sizeof *rows->source);
    memset(rows->source, 0, count * sizeof *rows->source);
    for (size_t i = 0; i < count; i++) {
        const cli_text name = inside->options->columns[i];

        if (cli_map_find(&rows->columns, name) != SIZE_MAX)
            cli_die(CLI_USAGE, "--column: '%s' stands there twice", name.at);
        cli_map_add(&rows->columns, name);
    }
    size_t *order = cli_alloc(count * sizeof *order);

    for (size_t i = 0; i < count; i++)
        order[i] = i;
    cli_reader_metrics(reader, inside->options->columns, order, count);
    free(order);
    rows_read(rows);
    rows_name_keys(reader, rows);
    return reader;
}
