/* read_csv.c - comma, semicolon or tab separated values, with libcsv.
 *
 * Quotes, CRLF, a byte order mark and newlines inside quotes are as in RFC
 * 4180.  The separator is told by the first line, and so is whether that line is
 * a header: it is one unless one of its cells is a number or a date.  Columns
 * without a header are called 1, 2, 3 ...
 *
 * libcsv gets one line at a time, so that an error is known by its line and a
 * quote that is never closed cannot swallow the rest of the file.
 */
#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

typedef struct csv_reader_state {
    struct csv_parser parser;
    cli_source *source;
    cli_buffer bytes;           /* the record's cells, one after the other */
    size_t *ends;               /* where each cell ends in `bytes` */
    size_t ends_capacity;
    cli_text *cells;
    size_t cells_capacity;
    size_t cell_count;
    int is_complete;            /* a record has just ended */
    int has_waiting;            /* the first record is data and has not been handed out */
    char separator;
    cli_columns columns;
    size_t column_count;
} csv_reader_state;

static int csv_is_newline(unsigned char c)
{
    return c == '\n';
}

static void csv_on_cell(void *cell, size_t length, void *user)
{
    csv_reader_state *csv = user;

    csv->ends = cli_grow(csv->ends, &csv->ends_capacity, csv->cell_count + 1, sizeof *csv->ends);
    if (csv->bytes.length + length > CLI_LINE_MAX)
        cli_source_bad(csv->source, "this row is longer than %zu bytes; is a quote left open?",
                       CLI_LINE_MAX);
    cli_buffer_add(&csv->bytes, cell, length);
    csv->ends[csv->cell_count++] = csv->bytes.length;
}

static void csv_on_record(int terminator, void *user)
{
    (void)terminator;
    ((csv_reader_state *)user)->is_complete = 1;
}

/* Read a record into csv->cells; 0 at the end of the input. */
static int csv_read_record(csv_reader_state *csv)
{
    size_t taken = 0;
    uint64_t first_line = 0;
    cli_text line;

    csv->bytes.length = 0;
    csv->cell_count = 0;
    csv->is_complete = 0;
    while (!csv->is_complete) {
        if (!cli_source_line(csv->source, &line)) {
            if (first_line)
                cli_source_bad(csv->source,
                               "the input ends inside a quoted cell; the quote opened in line %llu "
                               "is never closed",
                               (unsigned long long)first_line);
            return 0;
        }
        taken += line.length;
        if (taken > CLI_LINE_MAX)
            cli_source_bad(csv->source,
                           "the row that begins in line %llu is longer than %zu bytes; is a quote "
                           "left open?",
                           (unsigned long long)first_line, CLI_LINE_MAX);
        if (csv_parse(&csv->parser, line.at, line.length, csv_on_cell, csv_on_record, csv) !=
                line.length ||
            csv_parse(&csv->parser, "\n", 1, csv_on_cell, csv_on_record, csv) != 1)
            cli_source_bad(csv->source,
                           "a quote inside a cell; cells with quotes must be quoted and their "
                           "quotes doubled");
        if (!first_line && (csv->is_complete || csv->cell_count > 0 || line.length > 0))
            first_line = cli_source_line_number(csv->source);
    }
    csv->cells =
        cli_grow(csv->cells, &csv->cells_capacity, csv->cell_count + 1, sizeof *csv->cells);
    size_t begin = 0;

    for (size_t i = 0; i < csv->cell_count; i++) {
        csv->cells[i] = (cli_text){csv->bytes.at + begin, csv->ends[i] - begin};
        begin = csv->ends[i];
    }
    return 1;
}

/* Tab if there is one, else the more frequent of ; and , outside quotes. */
static char csv_tell_separator(cli_text line)
{
    size_t tabs = 0, semicolons = 0, commas = 0;
    int quoted = 0;

    for (size_t i = 0; i < line.length && line.at[i] != '\n'; i++) {
        if (line.at[i] == '"')
            quoted = !quoted;
        else if (!quoted) {
            tabs += line.at[i] == '\t';
            semicolons += line.at[i] == ';';
            commas += line.at[i] == ',';
        }
    }
    return tabs ? '\t' : semicolons && semicolons >= commas ? ';' : ',';
}

static int csv_is_header(const csv_reader_state *csv, cli_time_unit unit)
{
    for (size_t i = 0; i < csv->cell_count; i++) {
        cli_number number;
        int64_t ns;

        if (cli_parse_number(csv->cells[i], &number) == CLI_NUMBER ||
            cli_parse_time(csv->cells[i], unit, &ns) == 1)
            return 0;
    }
    return 1;
}

static void csv_start(csv_reader_state *csv, cli_source *source)
{
    const cli_text beginning = cli_source_peek(source);

    memset(csv, 0, sizeof *csv);
    csv->source = source;
    csv->separator = csv_tell_separator(beginning);
    if (csv_init(&csv->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        cli_die(CLI_BAD_INPUT, "out of memory");
    csv_set_delim(&csv->parser, (unsigned char)csv->separator);
    csv_set_term_func(&csv->parser, csv_is_newline);
    if (beginning.length >= 3 && memcmp(beginning.at, "\xef\xbb\xbf", 3) == 0)
        cli_source_skip(source, 3);
}

static void csv_stop(csv_reader_state *csv)
{
    csv_free(&csv->parser);
    cli_buffer_free(&csv->bytes);
    free(csv->ends);
    free(csv->cells);
}

void cli_csv_source_rows(cli_source *source, int (*row)(void *user, const cli_source *source,
                                                        const cli_text *cells, size_t count),
                         void *user)
{
    csv_reader_state csv;

    csv_start(&csv, source);
    while (csv_read_record(&csv) && row(user, source, csv.cells, csv.cell_count))
        continue;
    csv_stop(&csv);
}

void cli_csv_rows(const char *path, int (*row)(void *user, const cli_source *source,
                                               const cli_text *cells, size_t count),
                  void *user)
{
    cli_source *source = cli_source_open(path);

    cli_csv_source_rows(source, row, user);
    cli_source_close(source);
}

static void csv_open(cli_reader *reader)
{
    csv_reader_state *csv = cli_alloc(sizeof *csv);

    reader->state = csv;
    csv_start(csv, reader->source);
    if (!csv_read_record(csv))
        return;

    /* The names must outlive the record they stand in. */
    const int has_header = csv_is_header(csv, reader->options->time_unit);
    cli_text *names = cli_alloc((csv->cell_count + 1) * sizeof *names);

    csv->column_count = csv->cell_count;
    for (size_t i = 0; i < csv->column_count; i++) {
        char number[CLI_NUMBER_TEXT];

        snprintf(number, sizeof number, "%zu", i + 1);
        const cli_text name = has_header ? cli_text_trim(csv->cells[i]) : cli_text_of(number);

        names[i] = (cli_text){cli_copy(name), name.length};
    }
    csv->has_waiting = has_header ? csv_read_record(csv) : 1;
    if (csv->has_waiting && csv->cell_count == csv->column_count) {
        cli_columns_choose(&csv->columns, reader, names, csv->cells, csv->column_count);
        const cli_text only = cli_text_of("value");

        if (has_header || csv->columns.value_count > 1)
            cli_reader_metrics(reader, names, csv->columns.values, csv->columns.value_count);
        else
            cli_reader_metrics(reader, &only, &(size_t){0}, 1);
    }
    for (size_t i = 0; i < csv->column_count; i++)
        free((void *)(uintptr_t)names[i].at);
    free(names);
}

/* In files separated by semicolons the decimal mark may be a comma. */
static cli_text csv_number_cell(csv_reader_state *csv, cli_text cell)
{
    char *comma = cell.length ? memchr(cell.at, ',', cell.length) : NULL;

    if (comma && csv->separator == ';' && !memchr(cell.at, '.', cell.length))
        *comma = '.';
    return cell;
}

static int csv_next(cli_reader *reader, cli_point *point)
{
    csv_reader_state *csv = reader->state;
    const cli_columns *columns = &csv->columns;

    if (!csv->has_waiting && (csv->column_count == 0 || !csv_read_record(csv)))
        return 0;
    csv->has_waiting = 0;
    if (csv->cell_count != csv->column_count)
        cli_source_bad(reader->source,
                       "this row has %zu cell%s; %zu were expected, as in the first row",
                       csv->cell_count, csv->cell_count == 1 ? "" : "s", csv->column_count);
    if (columns->time == SIZE_MAX) {
        cli_reader_time(reader, point, (cli_text){NULL, 0});
    } else {
        cli_reader_time(reader, point, csv->cells[columns->time]);
        if (point->time_text.length == 0)
            cli_source_bad(reader->source, "the timestamp is empty");
    }
    for (size_t i = 0; i < columns->value_count; i++)
        cli_reader_value(reader, point, i, csv_number_cell(csv, csv->cells[columns->values[i]]));
    for (size_t i = 0; i < reader->key_count; i++)
        point->keys[i] = csv->cells[columns->keys[i]];
    point->label = -1;
    if (columns->label != SIZE_MAX && cli_reader_uses_labels(reader)) {
        const cli_text cell = csv->cells[columns->label];

        point->label = cli_parse_label(cell);
        if (point->label < 0)
            cli_source_bad(reader->source, "the label '%.*s' is neither 0 nor 1",
                           cell.length > 40 ? 40 : (int)cell.length, cell.at);
    }
    return 1;
}

static void csv_close(cli_reader *reader)
{
    csv_reader_state *csv = reader->state;

    csv_stop(csv);
    free(csv);
}

const cli_format cli_format_csv = {"csv", 1, csv_open, csv_next, NULL, csv_close};
