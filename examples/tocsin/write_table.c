/* write_table.c - for people: a line per alarm that starts or clears, and a
 * summary.  Colours only on a terminal, and not if NO_COLOR is set to anything.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli_writer.h"

static int table_has_colour(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");

    return isatty(fileno(stream)) && !(no_colour && no_colour[0]);
}

void cli_print_alarm(FILE *stream, const cli_series *series, const tocsin_verdict *verdict,
                     const cli_blame *blame)
{
    static int known, colour;
    const int is_start = verdict->transition == TOCSIN_TRANSITION_START;
    const char *paint = !is_start                              ? "\033[32m"
                        : verdict->tier == TOCSIN_TIER_PAGE ? "\033[1;31m"
                                                            : "\033[1;33m";
    char time[CLI_TIME_TEXT];
    cli_buffer sentence = {NULL, 0, 0};

    if (!known) {
        colour = table_has_colour(stream);
        known = 1;
    }
    cli_add_sentence(&sentence, series, verdict, blame);
    fprintf(stream, "%s  %s%-5s  %-6s%s  %s\n", cli_format_time(verdict->time, time),
            colour ? paint : "", is_start ? "start" : "clear",
            is_start ? tocsin_tier_name(verdict->tier) : "", colour ? "\033[0m" : "",
            sentence.length ? sentence.at : series->name);
    cli_buffer_free(&sentence);
}

static void table_begin(const cli_reader *reader, const cli_options *options)
{
    (void)reader;
    (void)options;
}

static void table_row(const cli_reader *reader, const cli_row *row)
{
    (void)reader;
    if (row->series && (row->verdict->transition == TOCSIN_TRANSITION_START ||
                        row->verdict->transition == TOCSIN_TRANSITION_CLEAR))
        cli_print_alarm(stdout, row->series, row->verdict, row->blame);
}

static void table_silence(const cli_reader *reader, const cli_series *series,
                          const tocsin_verdict *verdict)
{
    (void)reader;
    if (verdict->transition == TOCSIN_TRANSITION_START)
        cli_print_alarm(stdout, series, verdict, NULL);
}

static void table_count(uint64_t count, const char *one, const char *several)
{
    char text[CLI_NUMBER_TEXT];

    printf("%s %s", cli_count_text(count, text), count == 1 ? one : several);
}

static void table_end(const cli_totals *totals)
{
    table_count(totals->series, "series", "series");
    fputs(", ", stdout);
    table_count(totals->points, "point", "points");
    fputs(": ", stdout);
    table_count(totals->starts, "alarm", "alarms");
    if (totals->pages && totals->tickets) {
        fputs(" (", stdout);
        table_count(totals->pages, "page", "pages");
        fputs(", ", stdout);
        table_count(totals->tickets, "ticket", "tickets");
        fputs(")", stdout);
    }
    if (totals->still_on) {
        fputs(", ", stdout);
        table_count(totals->still_on, "still on", "still on");
    }
    fputs(". ", stdout);
    table_count(totals->missing, "point was missing, ", "points were missing, ");
    table_count(totals->late + totals->repeated, "late or repeated.", "late or repeated.");
    if (totals->unheard) {
        fputs(" ", stdout);
        table_count(totals->unheard, "series has", "series have");
        fputs(" too little history to ring yet.", stdout);
    }
    if (totals->beyond) {
        fputs(" ", stdout);
        table_count(totals->beyond, "row", "rows");
        fputs(" beyond --max-series ignored.", stdout);
    }
    fputs(totals->stopped ? " Stopped by a signal.\n" : "\n", stdout);
}

const cli_writer cli_writer_table = {table_begin, table_row, table_silence, table_end};
