/* histories.h - one run among many. */
#ifndef TOCSIN__HISTORIES_H
#define TOCSIN__HISTORIES_H

#include "../core/common.h"
#include "tocsin/gate.h"

typedef struct tocsin__history {
    const double *values;       /* runs * metrics */
    const double *run;          /* the new one */
    const int8_t *worse;        /* NULL: either direction everywhere */
    size_t runs, metrics;
} tocsin__history;

/* `strangeness`: room for runs + 1 numbers.  The verdict comes cleared. */
void tocsin__history_judge(const tocsin__history *history, double alpha, double *strangeness,
                           tocsin_history_verdict *verdict);

#endif
