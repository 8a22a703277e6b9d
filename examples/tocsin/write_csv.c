/* write_csv.c - one row per input row, keys first:
 *
 *     [key,...,]timestamp,value,score,expected,lower,upper,state,reason[,metric]
 *
 * Of rows of several columns, the value and what is said of it are those of the metric to blame.
 * The timestamp is the input's own text, numbers are the shortest that read
 * back the same, and what is not known is empty.  Silence has no input row, so
 * it is told on stderr.
 */
#include <string.h>

#include "cli_writer.h"

static cli_buffer csv_line;

static void csv_begin(const cli_reader *reader, const cli_options *options)
{
    if (options->no_header)
        return;
    csv_line.length = 0;
    for (size_t i = 0; i < reader->key_count; i++) {
        cli_add_csv(&csv_line, reader->key_names[i]);
        cli_buffer_add(&csv_line, ",", 1);
    }
    cli_buffer_print(&csv_line, "timestamp,value,score,expected,lower,upper,state,reason%s\n",
                     reader->metric_count > 1 ? ",metric" : "");
    fwrite(csv_line.at, 1, csv_line.length, stdout);
}

static void csv_add_number(double value)
{
    char text[CLI_NUMBER_TEXT + 1];
    const size_t length = cli_format_number(value, text);

    text[length] = ',';
    cli_buffer_add(&csv_line, text, length + 1);
}

static void csv_row(const cli_reader *reader, const cli_row *row)
{
    const tocsin_verdict *verdict = row->verdict;

    csv_line.length = 0;
    for (size_t i = 0; i < reader->key_count; i++) {
        cli_add_csv(&csv_line, row->point->keys[i]);
        cli_buffer_add(&csv_line, ",", 1);
    }
    cli_add_csv(&csv_line, row->point->time_text);
    cli_buffer_add(&csv_line, ",", 1);
    if (!row->series) {
        csv_add_number(row->point->number.value);
        cli_buffer_print(&csv_line, ",,,,missing,max-series%s\n",
                         reader->metric_count > 1 ? "," : "");
    } else {
        const char *state = cli_verdict_state(verdict), *reason = cli_verdict_reason(verdict);
        const char *metric = cli_verdict_metric(row->series, verdict);

        csv_add_number(verdict->value);
        csv_add_number(verdict->score);
        csv_add_number(verdict->expected);
        csv_add_number(verdict->lower);
        csv_add_number(verdict->upper);
        cli_buffer_add(&csv_line, state, strlen(state));
        cli_buffer_add(&csv_line, ",", 1);
        cli_buffer_add(&csv_line, reason, strlen(reason));
        if (metric) {
            cli_buffer_add(&csv_line, ",", 1);
            cli_add_csv(&csv_line, cli_text_of(metric));
        }
        cli_buffer_add(&csv_line, "\n", 1);
    }
    fwrite(csv_line.at, 1, csv_line.length, stdout);
}

static void csv_silence(const cli_reader *reader, const cli_series *series,
                        const tocsin_verdict *verdict)
{
    (void)reader;
    if (verdict->transition == TOCSIN_TRANSITION_START)
        cli_print_alarm(stderr, series, verdict, NULL);
}

static void csv_end(const cli_totals *totals)
{
    (void)totals;
    cli_buffer_free(&csv_line);
}

const cli_writer cli_writer_csv = {csv_begin, csv_row, csv_silence, csv_end};
