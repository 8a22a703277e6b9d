/* cli_incidents.h - what really happened: labelled incidents, and which of them
 * an alarm has found.
 */
#ifndef CLI_INCIDENTS_H
#define CLI_INCIDENTS_H

#include "cli_feed.h"

typedef struct cli_incident {
    char *name;
    int64_t start, end;         /* both belong to it */
    char *series;               /* names joined by ';'; empty: every series */
    size_t number;              /* from a label column: this series alone; else SIZE_MAX */
    int64_t found[CLI_MAX_TRIALS];      /* first alarm of each trial; TOCSIN_TIME_NONE: none */
} cli_incident;

typedef struct cli_incidents {
    cli_incident *items;
    size_t count, capacity;
    int64_t slack;              /* an alarm so long after an end still counts */
    size_t *open;               /* of a label column: the last incident of each series, + 1 */
    size_t open_count, open_capacity;
} cli_incidents;

/* Read a file with the columns incident,start,end[,series]. */
void cli_incidents_read(cli_incidents *incidents, const char *path, cli_time_unit unit);

/* A point of a labelled input: 1 during an incident. */
void cli_incidents_label(cli_incidents *incidents, const cli_series *series, int64_t time,
                         int label);

/* What an alarm was. */
enum { CLI_ALARM_FALSE, CLI_ALARM_BESIDE, CLI_ALARM_TRUE };

/* An alarm of trial number `trial` starts.  TRUE: in an incident, on one of its series;
 * BESIDE: in an incident, on another series, which may well feel it too; FALSE: in none. */
int cli_incidents_alarm(cli_incidents *incidents, const cli_series *series, int64_t time,
                        size_t trial);

/* Whether an incident concerns any series of the input. */
int cli_incidents_concern(const cli_incident *incident, const cli_feed *feed);

void cli_incidents_free(cli_incidents *incidents);

#endif
