/* cli_report.h - one self-contained HTML page: charts of value, expectation and
 * alarm band, and the list of alarms.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli_writer.h"

typedef struct cli_report cli_report;

/* Ends the program now if the page could not be written later. */
cli_report *cli_report_open(const char *path);

void cli_report_point(cli_report *report, const cli_row *row);
void cli_report_silence(cli_report *report, const cli_series *series,
                        const tocsin_verdict *verdict);

/* Write the page and free the report.  `check`: what was promised beside what rang. */
void cli_report_close(cli_report *report, const cli_feed *feed, const cli_totals *totals,
                      const tocsin_spec *spec, const tocsin_self_check *check);

#endif
