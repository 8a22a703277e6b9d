/* finds.h - the opposite question: is what goes wrong found? */
#ifndef CALIBRATION_FINDS_H
#define CALIBRATION_FINDS_H

#include "bells.h"

/* A spec in front of a kind of series of one metric. */
typedef struct {
    const char *text;           /* as the user wrote it */
    const tocsin_spec *spec;
    const kind *kind;
    const char *budget, *step_text;
    double step;
    uint64_t seed;
} trial;

/* A table of what is found, printed as Markdown. */
typedef struct {
    const char *head;
    int (*row)(const trial *t);     /* prints one; whether enough is found */
} find_table;

extern const find_table find_incidents, find_changes;

/* The share found of spikes of 8 standard deviations, before an outage of a day and 1, 3 and 28
 * days after it. */
#define FIND_TIMES 4

void find_around_outage(const trial *t, double share[FIND_TIMES]);

#endif
