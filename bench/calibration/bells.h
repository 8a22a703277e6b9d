/* bells.h - what rings: a detector, or chance. */
#ifndef CALIBRATION_BELLS_H
#define CALIBRATION_BELLS_H

#include "kinds.h"
#include "tocsin.h"

/* Says what is wrong on standard error, and ends the program with status 64. */
void die(const char *what, const char *detail);

/* The spec with an alarm of that budget behind it, for points of this kind; `text` may be the word
 * `random`. */
tocsin_spec *bell_spec(const char *text, const kind *k, const char *budget);

/* Seconds per alarm that the budget allows. */
double bell_period(const tocsin_spec *spec);

typedef struct {
    tocsin_detector *detector;      /* NULL: rings at random */
    double chance;                  /* per point */
    rng rng;
} bell;

bell bell_make(const char *text, const tocsin_spec *spec, double step, uint64_t seed);
bell bell_copy(bell *original);
void bell_free(bell *b);

/* Whether a point rings it. */
int bell_push_row(bell *b, double t, const double *row, size_t metrics);
int bell_push(bell *b, double t, double value);

#endif
