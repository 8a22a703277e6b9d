/* cli_histories.h - an input as whole histories, series by series. */
#ifndef CLI_HISTORIES_H
#define CLI_HISTORIES_H

#include "cli_feed.h"

/* Of one series, all there is. */
typedef struct cli_history {
    double *values;
    char **times;               /* as the input has them; "" where it has none */
    size_t count, values_capacity, times_capacity;
} cli_history;

typedef struct cli_histories {
    cli_feed feed;              /* feed.series[i] is the series of series[i] */
    cli_history *series;
    size_t count, capacity;
    uint64_t most;              /* values of one of them */
} cli_histories;

/* Read the input to its end.  One history longer than `most` ends the program with 65. */
void cli_histories_read(cli_histories *histories, const cli_options *options, uint64_t most);
void cli_histories_free(cli_histories *histories);

#endif
