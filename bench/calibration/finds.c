/* finds.c - see finds.h.  Whatever goes wrong does so in copies of the bell and of the series, which
 * themselves stay in order. */
#include "finds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERIES = 40 };           /* of a kind, but around outages */

#define ENOUGH 0.95
#define PACE (97 * 60)          /* spikes are tried at all times of a day */

/* The standard deviation of a kind's values around what a short memory would expect is not one
 * number; if the kind does not say, it is that of the values over a week, or of the steps where
 * values have none, and at least 1 % of the mean, for constants. */
static double spread(const trial *t)
{
    const kind *k = t->kind;
    series s;
    double n = 0, mean = 0, m2 = 0, previous = 0;

    series_start(&s, k, t->step, t->seed + 1, 0);
    for (double at = 0; at < week; at += t->step) {
        const double value = k->make(&s, at), x = k->is_adrift ? value - previous : value;
        const double d = x - mean;

        previous = value;
        if (at == 0)
            continue;
        mean += d / ++n;
        m2 += d * (x - mean);
    }
    return fmax(sqrt(m2 / n), 0.01 * fabs(mean));
}

static double noise_of(const trial *t)
{
    return t->kind->noise > 0 ? t->kind->noise : spread(t);
}

/* Whether a spike rings. */
static int is_found(bell *b, double t, double value)
{
    bell copy = bell_copy(b);
    const int found = bell_push(&copy, t, value);

    bell_free(&copy);
    return found;
}

/* ---- Spikes around an outage ------------------------------------------------------------------
 *
 * Four weeks in order, an outage of a day (the value drops to far below anything seen), four
 * weeks more.  Spikes are tried in the week before the outage, and in the days that begin 1, 3 and
 * 28 days after it. */

void find_around_outage(const trial *t, double share[FIND_TIMES])
{
    const double outage = 28 * day, end = outage + 30.5 * day;
    const double height = 8 * spread(t);
    double tried[FIND_TIMES] = {0}, found[FIND_TIMES] = {0};

    for (size_t i = 0; i < 8; i++) {
        bell b = bell_make(t->text, t->spec, t->step, t->seed + 2 + i);
        series s;
        double next = outage - week;

        series_start(&s, t->kind, t->step, t->seed + 2, i);
        for (double at = 0; at < end; at += t->step) {
            const double value = t->kind->make(&s, s.phase + at);
            const int is_out = at >= outage && at < outage + day;
            const double after = at - outage - day;

            if (at >= next) {
                const int slot = at < outage                            ? 0
                                 : after >= 1 * day && after < 2 * day   ? 1
                                 : after >= 3 * day && after < 4 * day   ? 2
                                 : after >= 28 * day && after < 29 * day ? 3
                                                                         : -1;

                next += PACE;
                if (slot >= 0) {
                    tried[slot]++;
                    found[slot] += is_found(&b, s.phase + at, value + height);
                }
            }
            bell_push(&b, s.phase + at, is_out ? value - 5 * height : value);
        }
        bell_free(&b);
    }
    for (int slot = 0; slot < FIND_TIMES; slot++)
        share[slot] = found[slot] / tried[slot];
}

/* ---- Tables ------------------------------------------------------------------------------------ */

/* What a row begins with. */
static void print_trial(const trial *t)
{
    fputs("| `", stdout);
    for (const char *c = t->text; *c; c++) {
        if (*c == '|')
            putchar('\\');
        putchar(*c);
    }
    printf("` | %s | %s | %s |", t->kind->name, t->budget, t->step_text);
}

/* A share, marked if it is not enough; whether it is. */
static int print_share(double share)
{
    const int is_enough = share >= ENOUGH;

    printf(" %.2f%s |", share, is_enough ? "" : " (!)");
    return is_enough;
}

static void print_end(void)
{
    putchar('\n');
    fflush(stdout);
}

/* ---- Incidents: what passes ----------------------------------------------------------------------- */

enum { SPIKE, SHIFT, DROP, VARIANCE, INCIDENTS };

#define MOMENTS 5               /* of each series at which incidents are tried */

/* How long each may take to be found: a spike is a point, a drop lasts an hour, and what stays is
 * to be found within a day; at coarse steps some points at least. */
static double incident_length(int incident, double step)
{
    switch (incident) {
    case SPIKE: return step;
    case DROP: return fmax(3600, 10 * step);
    default: return fmax(day, 200 * step);
    }
}

static double incident_value(int incident, double value, double noise, rng *r)
{
    switch (incident) {
    case SPIKE: return value + 8 * noise;
    case SHIFT: return value + 3 * noise;
    case DROP: return 0;
    default: return value + sqrt(2) * noise * rng_normal(r);
    }
}

/* Whether an incident that begins then rings. */
static int incident_rings(int incident, const trial *t, bell *b, series s, double at, double noise)
{
    const double end = at + incident_length(incident, s.step) - s.step / 2;
    bell copy = bell_copy(b);
    rng r = {.state = s.rng.state ^ (uint64_t)incident};
    int found = 0;

    for (; at < end && !found; at += s.step)
        found = bell_push(&copy, s.phase + at,
                          incident_value(incident, t->kind->make(&s, s.phase + at), noise, &r));
    bell_free(&copy);
    return found;
}

static int incidents_row(const trial *t)
{
    const double noise = noise_of(t);
    const double begin = 8 * week, pace = floor(week / MOMENTS / t->step) * t->step;
    double found[INCIDENTS] = {0};
    int is_enough = 1;

    for (size_t i = 0; i < SERIES; i++) {
        bell b = bell_make(t->text, t->spec, t->step, t->seed + 3 + i);
        series s;
        double next = begin;

        series_start(&s, t->kind, t->step, t->seed + 3, i);
        for (double at = 0; at < begin + MOMENTS * pace; at += t->step) {
            if (at >= next) {
                for (int incident = 0; incident < INCIDENTS; incident++)
                    found[incident] += incident_rings(incident, t, &b, s, at, noise);
                next += pace;
            }
            bell_push(&b, s.phase + at, t->kind->make(&s, s.phase + at));
        }
        bell_free(&b);
    }
    print_trial(t);
    for (int incident = 0; incident < INCIDENTS; incident++)
        is_enough &= print_share(found[incident] / (SERIES * MOMENTS));
    print_end();
    return is_enough;
}

const find_table find_incidents = {
    "| spec | type | budget | step | spike of 8 | shift of 3 | drop to zero | tripled variance |\n"
    "|---|---|---|---|---|---|---|---|",
    incidents_row
};

/* ---- Changes: what stays ---------------------------------------------------------------------------- */

enum { LEVEL, SCALE, PHASE, CHANGES };

#define RINGS_AT_MOST 3

static const char *const change_names[CHANGES] = {"level + 10", "scale x 3", "day 6 h late"};

/* What becomes of a change, summed over the series. */
typedef struct {
    double found;               /* on its first day */
    double calm;                /* no more than that many alarms start in the week after it */
    double rings;               /* so many do */
    double spikes;              /* the share found on the day after that week */
} learnt;

/* The value at t of a series with that mean and noise, after a change. */
static double changed_value(int change, const kind *k, series *s, double t, double mean,
                            double noise)
{
    switch (change) {
    case LEVEL: return k->make(s, t) + 10 * noise;
    case SCALE: return mean + 3 * (k->make(s, t) - mean);
    default: return k->make(s, t - day / 4);
    }
}

static void add_change(int change, const trial *t, bell *b, series s, double at, double mean,
                       double noise, learnt *sum)
{
    const double first_day = at + day, first_week = first_day + week, end = first_week + day;
    const double height = (change == SCALE ? 3 : 1) * 10 * noise;
    double next = first_week, tried = 0, hit = 0;
    bell copy = bell_copy(b);
    int found = 0, rings = 0;

    for (; at < end; at += s.step) {
        const double value = changed_value(change, t->kind, &s, s.phase + at, mean, noise);

        if (at >= next) {
            next += PACE;
            tried++;
            hit += is_found(&copy, s.phase + at, value + height);
        }
        if (!bell_push(&copy, s.phase + at, value))
            continue;
        found |= at < first_day;
        rings += at >= first_day && at < first_week;
    }
    bell_free(&copy);
    sum->found += found;
    sum->calm += rings <= RINGS_AT_MOST;
    sum->rings += rings;
    sum->spikes += hit / tried;
}

static int changes_row(const trial *t)
{
    const double noise = noise_of(t), begin = 8 * week;
    learnt sum[CHANGES];
    int is_enough = 1;

    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < SERIES; i++) {
        bell b = bell_make(t->text, t->spec, t->step, t->seed + 4 + i);
        series s;
        double total = 0, count = 0;

        series_start(&s, t->kind, t->step, t->seed + 4, i);
        for (double at = 0; at < begin; at += t->step, count++) {
            const double value = t->kind->make(&s, s.phase + at);

            total += value;
            bell_push(&b, s.phase + at, value);
        }
        for (int c = 0; c < CHANGES; c++)
            if (c != PHASE || t->kind->has_day)
                add_change(c, t, &b, s, begin, total / count, noise, &sum[c]);
        bell_free(&b);
    }
    for (int c = 0; c < CHANGES; c++) {
        if (c == PHASE && !t->kind->has_day)
            continue;
        print_trial(t);
        printf(" %s |", change_names[c]);
        is_enough &= print_share(sum[c].found / SERIES);
        is_enough &= print_share(sum[c].calm / SERIES);
        printf(" %.2f |", sum[c].rings / SERIES);
        is_enough &= print_share(sum[c].spikes / SERIES);
        print_end();
    }
    return is_enough;
}

const find_table find_changes = {
    "| spec | type | budget | step | change | found that day | at most 3 alarms in the week after |"
    " alarms in it | spikes of 10 found then |\n|---|---|---|---|---|---|---|---|---|",
    changes_row
};
