/* read_rows.c - rows out of an input that has a line per metric.
 *
 * What --column names are the series as they would be called otherwise: a metric, or the cells of
 * the key columns joined by '/'.  The points of one time make a row; it is whole when another time
 * begins, or, where the input has no times, when a metric comes again.  A metric that sent nothing
 * is missing from the row.
 *
 * This is a format around another one: the reader inside reads the lines.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

typedef struct rows_state {
    cli_reader *inside;
    cli_map columns;
    unsigned char *is_in;       /* the row that is being gathered has a value of the column */
    unsigned char *came;        /* ever */
    size_t gathered;
    int64_t time;
    cli_buffer time_text, name;
    int label;
    cli_point next;             /* read already, and of the next row */
    size_t next_column;
    int has_next;
} rows_state;

/* Which column a point is of; SIZE_MAX: of none. */
static size_t rows_column(rows_state *rows, const cli_point *point)
{
    const size_t column = cli_map_find(&rows->columns, point->metric);

    if (column != SIZE_MAX || rows->inside->key_count == 0)
        return column;
    rows->name.length = 0;
    for (size_t i = 0; i < rows->inside->key_count; i++) {
        cli_buffer_add(&rows->name, "/", i > 0);
        cli_buffer_add(&rows->name, point->keys[i].at, point->keys[i].length);
    }
    return cli_map_find(&rows->columns, (cli_text){rows->name.at, rows->name.length});
}

static void rows_start(cli_reader *reader, rows_state *rows)
{
    for (size_t i = 0; i < reader->metric_count; i++)
        reader->row[i] = (cli_number){.value = NAN};
    memset(rows->is_in, 0, reader->metric_count);
    rows->gathered = 0;
    rows->label = -1;
}

/* Put the point that was read into the row. */
static void rows_take(cli_reader *reader, rows_state *rows)
{
    if (rows->gathered++ == 0) {
        rows->time = rows->next.time;
        rows->time_text.length = 0;
        cli_buffer_add(&rows->time_text, rows->next.time_text.at, rows->next.time_text.length);
    }
    reader->row[rows->next_column] = rows->next.number;
    if (!rows->came[rows->next_column] && reader->options->counter == CLI_COUNTER_AUTO &&
        rows->inside->format->kind &&
        rows->inside->format->kind(rows->inside, &rows->next) == CLI_KIND_COUNTER)
        reader->is_counter[rows->next_column] = 1;
    rows->is_in[rows->next_column] = rows->came[rows->next_column] = 1;
    if (rows->next.label > rows->label)
        rows->label = rows->next.label;
    rows->has_next = 0;
}

static int rows_next(cli_reader *reader, cli_point *point)
{
    rows_state *rows = reader->state;

    rows_start(reader, rows);
    for (;;) {
        while (!rows->has_next && rows->inside->format->next(rows->inside, &rows->next)) {
            rows->next_column = rows_column(rows, &rows->next);
            rows->has_next = rows->next_column != SIZE_MAX;
        }
        if (!rows->has_next ||
            (rows->gathered > 0 &&
             (rows->next.time != rows->time || rows->is_in[rows->next_column])))
            break;
        rows_take(reader, rows);
    }
    if (rows->gathered == 0)
        return 0;
    *point = (cli_point){.time = rows->time,
                         .time_text = {rows->time_text.at, rows->time_text.length},
                         .number = {.value = NAN},
                         .numbers = reader->row,
                         .metric = reader->metrics[0],
                         .label = rows->label};
    return 1;
}

static void rows_close(cli_reader *reader)
{
    rows_state *rows = reader->state;

    for (size_t i = 0; i < reader->metric_count; i++) {
        if (!rows->came[i])
            cli_note("the input has no points of '%s' (--column)", reader->metrics[i].at);
    }
    cli_reader_close(rows->inside);
    reader->source = NULL;
    cli_map_free(&rows->columns);
    cli_buffer_free(&rows->time_text);
    cli_buffer_free(&rows->name);
    free(rows->is_in);
    free(rows->came);
    free(rows);
}

static const cli_format rows_format = {"rows", 1, NULL, rows_next, NULL, rows_close};

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
    rows->is_in = cli_alloc(count);
    rows->came = cli_alloc(count);
    memset(rows->came, 0, count);
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
    return reader;
}
