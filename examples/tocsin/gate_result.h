/* gate_result.h - what a gate said, for people, for machines, and on a page. */
#ifndef GATE_RESULT_H
#define GATE_RESULT_H

#include "cli_options.h"
#include "tocsin.h"

/* The evidence after so many rows. */
typedef struct gate_look {
    uint64_t rows;
    int64_t time;           /* TOCSIN_TIME_NONE: none */
} gate_look;

typedef struct gate_metric_result {
    const char *name;
    uint32_t kind;
    int32_t worse;
    tocsin_gate_verdict verdict;
    char *sentence;
    int is_blamed;
    double *log_e, *log_e_pass;     /* at each look */
    size_t log_e_capacity, log_e_pass_capacity;
} gate_metric_result;

typedef struct gate_result {
    const tocsin_gate *gate;
    char *spec;
    const char *input;
    tocsin_gate_verdict verdict;
    char *sentence;
    uint64_t rows, ignored;
    gate_metric_result *metrics;
    size_t metric_count;
    gate_look *looks;
    size_t look_count, look_capacity;
    int code;               /* what the program will exit with */
} gate_result;

/* One line per metric and the sentence; a JSON object; JUnit's XML. */
void gate_write_table(const gate_result *result);
void gate_write_json(const gate_result *result);
void gate_write_junit(const gate_result *result);

/* A self-contained HTML page. */
void gate_write_report(const gate_result *result, const char *path);

/* The result as a JSON object, for its file or inside the page. */
void gate_add_json(cli_buffer *out, const gate_result *result);

/* `, "name": number`, or null for what JSON has no number for. */
void gate_add_number(cli_buffer *out, const char *name, double value);

/* `tocsin gate --plan`: how long until a decision?  Gives the exit code. */
int gate_print_plan(const cli_options *options, const tocsin_gate_spec *spec);

#endif
