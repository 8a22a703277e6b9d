/* cli_options.h - the command line, checked and in one struct. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli_time.h"
#include "tocsin.h"

#define CLI_MAX_KEYS 16
#define CLI_MAX_COLUMNS 1024        /* of a row: as many metrics as a detector takes */
#define CLI_MAX_BUDGETS 16
#define CLI_MAX_TRIALS 64           /* specs by budgets */
#define CLI_MAX_WINDOWS 1000
#define CLI_MAX_WORSE 256

typedef enum { CLI_INPUT_AUTO, CLI_INPUT_CSV, CLI_INPUT_JSONL, CLI_INPUT_OPENMETRICS,
               CLI_INPUT_INFLUX } cli_input;
typedef enum { CLI_OUTPUT_TABLE, CLI_OUTPUT_CSV, CLI_OUTPUT_JSON, CLI_OUTPUT_INFLUX } cli_output;
typedef enum { CLI_COUNTER_AUTO, CLI_COUNTER_ALWAYS, CLI_COUNTER_NEVER } cli_counter_rule;
typedef enum { CLI_DETECT, CLI_BACKTEST, CLI_EXPLAIN, CLI_CATALOG, CLI_CHANGES,
               CLI_GATE, CLI_RUN } cli_command;
typedef enum { GATE_TELL, GATE_CSV, GATE_JSONL, GATE_PROMETHEUS } gate_format;
typedef enum { GATE_TABLE, GATE_JSON, GATE_JUNIT } gate_output;

/* A time of maintenance, both ends included, ns. */
typedef struct cli_window {
    int64_t begin, end;
    uint32_t marks;                 /* TOCSIN_MARK_MUTE and TOCSIN_MARK_NO_LEARN */
    int is_past;                    /* what was learnt of it already is to be undone */
} cli_window;

typedef struct cli_options {
    cli_command command;
    /* What goes in. */
    const char *path;               /* the operand: a file or "-"; explain: also a spec; or NULL */
    const char **specs;             /* as they were given; NULL: none was */
    size_t spec_count;
    const char *spec;               /* the first, or "" */
    cli_input input;
    cli_text columns[CLI_MAX_COLUMNS];
    size_t column_count;            /* 0: find out; several: of a row */
    const char *time;               /* NULL: find out */
    cli_time_unit time_unit;
    cli_text keys[CLI_MAX_KEYS];
    size_t key_count;
    cli_counter_rule counter;
    char *timezone;                 /* a rule; NULL: days are those of UTC, or of the spec */
    size_t max_series;
    cli_window *windows;            /* of maintenance, in no order */
    size_t window_count;
    /* detect */
    cli_output output;
    int no_header;
    const char *state;
    int take_state_over;
    const char *report;
    int fail_on_alarm;
    /* backtest */
    cli_text budgets[CLI_MAX_BUDGETS];
    size_t budget_count;
    const char *label;
    const char *labels;
    int64_t slack;
    /* changes */
    tocsin_changes_options changes;
    /* run; its alpha is changes.alpha */
    cli_text worse[CLI_MAX_WORSE];
    size_t worse_count;
    /* gate */
    const char *gate;
    const char **metrics;
    size_t metric_count;
    gate_format gate_format;
    gate_output gate_output;
    int metric_any;                 /* whatever a row's metric is called, it is the only one */
    int follow;
    int shift_only, invalid;        /* the exit codes of these outcomes */
    const char *plan;
} cli_options;

/* Read the arguments that follow a command's name.  A wrong one is told and ends the program
 * with 64, --help with 0.  Texts stay valid as long as the program runs. */
void cli_options_read(cli_options *options, cli_command command, int count, const char **arguments);

#endif
