/* cli_time.h - timestamps as people and programs write them. */
#ifndef CLI_TIME_H
#define CLI_TIME_H

#include "cli.h"

/* What a bare number counts since the epoch; AUTO tells by its size. */
typedef enum {
    CLI_UNIT_AUTO,
    CLI_UNIT_SECONDS,
    CLI_UNIT_MILLISECONDS,
    CLI_UNIT_MICROSECONDS,
    CLI_UNIT_NANOSECONDS
} cli_time_unit;

/* Read a timestamp: ISO 8601 / RFC 3339 with or without a zone (UTC where there is none), with
 * 'T' or a space, or a number since the Unix epoch.  1: *ns is set; 0: not a timestamp; -1: one
 * outside the years 1678..2261. */
int cli_parse_time(cli_text text, cli_time_unit unit, int64_t *ns);

/* Whether text has the form of a date (rather than a number). */
int cli_looks_like_date(cli_text text);

/* "5m", "1h30m", "90s", a bare number of seconds: 1 and nanoseconds, or 0. */
int cli_parse_duration(cli_text text, int64_t *ns);

/* "2026-03-01T12:04:00Z", with as many decimals as are needed. */
#define CLI_TIME_TEXT 40
const char *cli_format_time(int64_t ns, char text[CLI_TIME_TEXT]);

/* For people: "2.5 h", "3 d". */
const char *cli_duration_text(double seconds, char text[CLI_NUMBER_TEXT]);

#endif
