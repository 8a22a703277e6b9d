/* cli_incidents.c - see cli_incidents.h. */
#include "cli_incidents.h"

#include <stdlib.h>
#include <string.h>

#include "tocsin.h"

static cli_incident *incidents_add(cli_incidents *incidents, cli_text name, cli_text series,
                                   int64_t start, int64_t end)
{
    incidents->items = cli_grow(incidents->items, &incidents->capacity, incidents->count + 1,
                                sizeof *incidents->items);
    cli_incident *incident = &incidents->items[incidents->count++];

    *incident = (cli_incident){cli_copy(name), start, end, cli_copy(series), SIZE_MAX, {0}};
    for (size_t i = 0; i < CLI_MAX_TRIALS; i++)
        incident->found[i] = TOCSIN_TIME_NONE;
    return incident;
}

/* ---- A label file ---------------------------------------------------------- */

typedef struct incidents_input {
    cli_incidents *incidents;
    cli_time_unit unit;
    size_t columns[4];      /* incident, start, end, series */
    size_t column_count;
    int has_header;
} incidents_input;

static void incidents_header(incidents_input *in, const cli_source *source, const cli_text *cells,
                             size_t count)
{
    static const char *const names[] = {"incident", "start", "end", "series"};

    for (size_t k = 0; k < 4; k++) {
        in->columns[k] = SIZE_MAX;
        for (size_t i = 0; i < count; i++) {
            if (cli_text_is(cells[i], names[k]))
                in->columns[k] = i;
        }
        if (in->columns[k] == SIZE_MAX && k < 3)
            cli_source_bad(source, "there is no column '%s'; a header with incident,start,end and "
                                   "perhaps series was expected",
                           names[k]);
    }
    in->column_count = count;
    in->has_header = 1;
}

static int64_t incidents_time(const cli_source *source, cli_text cell, cli_time_unit unit)
{
    int64_t time;

    if (cli_parse_time(cell, unit, &time) != 1)
        cli_source_bad(source, "'%.*s' is not a timestamp",
                       cell.length > 40 ? 40 : (int)cell.length, cell.at);
    return time;
}

static int incidents_row(void *user, const cli_source *source, const cli_text *cells,
                         size_t count)
{
    incidents_input *in = user;

    if (!in->has_header) {
        incidents_header(in, source, cells, count);
        return 1;
    }
    if (count != in->column_count)
        cli_source_bad(source, "this row has %zu cells; %zu were expected, as in the header", count,
                       in->column_count);
    const int64_t start = incidents_time(source, cells[in->columns[1]], in->unit);
    const int64_t end = incidents_time(source, cells[in->columns[2]], in->unit);

    if (end < start)
        cli_source_bad(source, "the incident ends before it starts");
    incidents_add(in->incidents, cells[in->columns[0]],
                  in->columns[3] == SIZE_MAX ? (cli_text){"", 0} : cells[in->columns[3]], start,
                  end);
    return 1;
}

void cli_incidents_read(cli_incidents *incidents, const char *path, cli_time_unit unit)
{
    incidents_input in = {incidents, unit, {0}, 0, 0};

    cli_csv_rows(path, incidents_row, &in);
    if (!in.has_header)
        cli_die(CLI_BAD_INPUT, "%s:1: is empty; a header with incident,start,end was expected",
                path);
}

/* ---- A label column -------------------------------------------------------- */

void cli_incidents_label(cli_incidents *incidents, const cli_series *series, int64_t time,
                         int label)
{
    while (incidents->open_count <= series->number) {
        incidents->open = cli_grow(incidents->open, &incidents->open_capacity,
                                   incidents->open_count + 1, sizeof *incidents->open);
        incidents->open[incidents->open_count++] = 0;
    }
    size_t *open = &incidents->open[series->number];

    if (!label) {
        *open = 0;
        return;
    }
    if (*open > 0) {
        if (time > incidents->items[*open - 1].end)
            incidents->items[*open - 1].end = time;
        return;
    }
    char name[CLI_NUMBER_TEXT];

    snprintf(name, sizeof name, "%zu", incidents->count + 1);
    incidents_add(incidents, cli_text_of(name), cli_text_of(series->name), time, time)->number =
        series->number;
    *open = incidents->count;
}

/* ---- Alarms ---------------------------------------------------------------- */

static int incidents_concerns(const cli_incident *incident, const cli_series *series)
{
    if (incident->number != SIZE_MAX)
        return incident->number == series->number;
    if (incident->series[0] == '\0')
        return 1;
    for (const char *name = incident->series;; name++) {
        const size_t length = strcspn(name, ";");

        if (cli_text_is((cli_text){name, length}, series->name))
            return 1;
        name += length;
        if (*name == '\0')
            return 0;
    }
}

int cli_incidents_concern(const cli_incident *incident, const cli_feed *feed)
{
    for (size_t i = 0; i < cli_feed_count(feed); i++) {
        if (incidents_concerns(incident, feed->series[i]))
            return 1;
    }
    return 0;
}

int cli_incidents_alarm(cli_incidents *incidents, const cli_series *series, int64_t time,
                        size_t trial)
{
    int kind = CLI_ALARM_FALSE;

    for (size_t i = 0; i < incidents->count; i++) {
        cli_incident *incident = &incidents->items[i];

        if (time < incident->start ||
            (time > incident->end &&
             (uint64_t)time - (uint64_t)incident->end > (uint64_t)incidents->slack))
            continue;
        if (!incidents_concerns(incident, series)) {
            if (kind == CLI_ALARM_FALSE && incident->number == SIZE_MAX)
                kind = CLI_ALARM_BESIDE;
            continue;
        }
        kind = CLI_ALARM_TRUE;
        if (incident->found[trial] == TOCSIN_TIME_NONE || time < incident->found[trial])
            incident->found[trial] = time;
    }
    return kind;
}

void cli_incidents_free(cli_incidents *incidents)
{
    for (size_t i = 0; i < incidents->count; i++) {
        free(incidents->items[i].name);
        free(incidents->items[i].series);
    }
    free(incidents->items);
    free(incidents->open);
}
