/* harness.h - what the benchmarks share: options, clocks, interleaved measuring, lines of
 * results, memory, and values that no branch predictor knows.
 *
 * A benchmark is a list of *ways* of doing some work.  They are measured turn by turn -
 * each once, then each again, and so on - so that a machine that slows down for a while slows
 * all of them down.  What is told is the median of each, and as a ratio of two the median
 * over the turns, each ratio being of neighbours in time.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- Options ---------------------------------------------------------------- */

/* Options that every benchmark understands. */
typedef struct bench_options {
    const char *program;
    const char *only;       /* comma-separated parts of names; NULL: everything */
    FILE *json;             /* NULL: no lines of JSON */
    int is_quick;           /* a look, not a measurement */
    size_t turns;
    size_t threads;         /* how many there are to use */
} bench_options;

/* An option of one benchmark alone.  `take` returns 0 for an argument it does not like. */
typedef struct bench_option {
    const char *name;       /* "--points" */
    const char *argument;   /* for the usage: "N" */
    int (*take)(const char *argument);
} bench_option;

/* Read the command line; wrong usage ends the program with 64, as does --help with 0.
 * `own` ends with a row of NULLs and may be NULL. */
bench_options bench_begin(int argc, char **argv, const bench_option *own);

/* Close what bench_begin() opened; the program's exit status. */
int bench_end(const bench_options *options);

/* Is it among what shall be measured? */
int bench_is_wanted(const bench_options *options, const char *name);

/* Numbers as people write them: 4096, 10k, 16M, 1G.  0 for anything else, and for zero. */
uint64_t bench_number(const char *text);

/* Say what is wrong and end with status 1. */
_Noreturn void bench_fail(const char *format, ...)
#if defined __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Fail unless the library's status is one of success. */
void bench_check(int status, const char *what);

/* ---- Measuring --------------------------------------------------------------- */

/* Processor time of this thread, and time as it goes by, ns. */
double bench_cpu_ns(void);
double bench_wall_ns(void);

/* One way of doing the work. */
typedef struct bench_way {
    double (*run)(void *context, size_t times);     /* do it so many times; the ns that took */
    void *context;
    double points;          /* that one time is for */
    double ns;              /* out: median per point */
    double *turns;          /* out: each turn's, per point */
    size_t times;           /* out: how often it was done per turn */
} bench_way;

/* Measure all of them; to be given back with bench_ways_free(). */
void bench_measure(const bench_options *options, bench_way *ways, size_t count);

/* The median of a's time in b's times. */
double bench_ratio(const bench_options *options, const bench_way *a, const bench_way *b);

void bench_ways_free(bench_way *ways, size_t count);

/* Sorts. */
double bench_median(double *values, size_t count);

/* Keeps a result from being optimised away. */
void bench_keep(double value);

/* ---- Results ------------------------------------------------------------------ */

typedef struct bench_line {
    const char *name;       /* "bank/ewma/tick" */
    const char *spec;       /* NULL: none */
    const char *kernel;     /* NULL: none */
    size_t n;               /* series */
    double ns;              /* per point */
    double twin_ns;         /* the bandwidth twin's; 0: there is none */
    double twin_ratio;      /* twin / measured: 1 is as fast as memory allows */
    double plain_ratio;     /* measured / plain `ewma`, same run; 0: not measured */
    double bytes;           /* per series */
    const char *clock;      /* "cpu" or "wall" */
} bench_line;

/* Print a line of the table, and write one of JSON if that was asked for. */
void bench_print(const bench_options *options, const bench_line *line);

/* ---- Memory -------------------------------------------------------------------- */

/* Zeroed, touched, and aligned to 64 bytes; on huge pages if it is large, where the system has
 * them.  Fails where there is none. */
void *bench_memory(size_t size);
void bench_release(void *memory, size_t size);

/* Bytes that a benchmark may take: most of what is free. */
uint64_t bench_memory_free(void);

/* ---- Values --------------------------------------------------------------------- */

/* Marsaglia's xorshift: the same numbers in every run. */
uint64_t bench_random(void);

/* A standard Gaussian. */
double bench_gaussian(void);

#endif
