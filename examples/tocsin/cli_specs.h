/* cli_specs.h - the spec from the command line, and its twin for counters. */
#ifndef CLI_SPECS_H
#define CLI_SPECS_H

#include "cli_options.h"
#include "tocsin.h"

/* The same pipe twice: as given, and with a `counter` stage for series that count.  Where the
 * given one has such a stage already, both are the same spec. */
typedef struct cli_specs {
    tocsin_spec *gauge, *counter;
} cli_specs;

/* Compile; a text that is wrong is shown with a caret under the word at fault, exit 64. */
tocsin_spec *cli_spec_compile(const char *text);

/* Show a wrong text on stderr, with the word at fault underlined. */
void cli_spec_show(const char *text, const tocsin_error *error);

/* With the options' time zone, and for points of so many columns as they say: a detector of rows need
 * not be told `metrics=`.  What does not fit together ends the program. */
void cli_specs_compile(cli_specs *specs, const char *text, const cli_options *options);

/* The same with another budget.  `budget` is a rate as a spec would write it. */
void cli_specs_with_budget(cli_specs *specs, const cli_specs *base, const char *budget);
void cli_specs_free(cli_specs *specs);

/* The canonical text; to be freed. */
char *cli_spec_text(const tocsin_spec *spec, int style);

/* Nanoseconds of `clock absence=`, 0 where silence never rings. */
int64_t cli_spec_absence(const tocsin_spec *spec);

int cli_spec_has(const tocsin_spec *spec, const char *stage);

#endif
