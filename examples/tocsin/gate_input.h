/* gate_input.h - what both arms measured, from any of the formats, as rows in order of time.
 *
 *     CSV         a header with `arm` and `value`; if there are any: `time`, `metric`, `unit` (session or
 *                 pod), `of` (the requests of a count of errors), `le` (a histogram's bucket)
 *     NDJSON      objects with these fields
 *     Prometheus  what /api/v1/query_range answers: a matrix whose series have the label `arm`, and
 *                 `metric`, or else their name; `le`; `pod`, `instance` or `session`
 *
 * Counters, Prometheus' and those with `le`, are totals as they were read; increases are taken here.
 */
#ifndef GATE_INPUT_H
#define GATE_INPUT_H

#include "cli_options.h"
#include "cli_source.h"

typedef struct gate_row {
    int64_t time;           /* TOCSIN_TIME_NONE: none */
    cli_text metric;        /* NULL: the only one */
    cli_text arm;
    cli_text unit;          /* "": none */
    cli_text le;            /* of a histogram's bucket; NULL: none */
    cli_text series;        /* what tells one counter from another, beside the above */
    cli_number value;
    cli_number of;
    int has_of;
    int is_total;           /* a counter's reading */
} gate_row;

/* Gives 0 to read no further. */
typedef int (*gate_take)(void *user, const cli_source *source, const gate_row *row);

/* Read the options' input to its end, until `take` has enough, or a signal. */
void gate_input_read(const cli_options *options, gate_take take, void *user);

#endif
