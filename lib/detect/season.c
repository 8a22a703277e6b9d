/* season.c - what is usual at this time of the day and of the week.
 *
 * Holt-Winters remembers one value per step of the season; here each half hour of the day and each
 * hour of the week has a mean, drawn towards nothing as long as it is one of few points, and a
 * spread of its own.  So a profile of seconds costs no more than one of hours, and points may come
 * at any time.
 *
 * Model
 * -----
 * A value is a level, that of the time of the day and that of the hour of the week:
 *
 *     x = level + day[48] + week[168] + noise
 *
 * Days and weeks are those of civil time, which is UTC unless the clock has a `timezone`.  A slot
 * is visited once a day, or a week.  A visit is learnt when it is over, so that a value is never
 * predicted from its own: its mean goes in with the gain that makes all points weigh the same, and
 * never less than 1 - 2^(-1d/memory).  A slot that has seen n points counts n / (n + shrinkage) of
 * its mean (James and Stein 1961), the day's with linear interpolation between the middles of two
 * slots that have been visited.
 *
 * The profile of the day is used while the mean absolute residual with it is less than 0.95 of that
 * without; the week's while both together save another tenth.  Both means are of forecasts, so a
 * series without a season is not given one.
 *
 * Each half hour has a mean absolute residual too; with its share of the common one, drawn
 * towards 1 by n / (n + 5) and at least 1/2, call it s,
 *
 *     deviation = s sqrt(variance)
 *
 * where the variance is that of residuals over their s.  The statistic, channel 0 "deviation", is
 * |x - expected| / deviation, told before x is learnt.
 *
 * The level's recursion, gains and precision are in level.h, floors and winsorising in residual.h.
 * The level follows what the profiles leave.  Forecasts are flat but for the profiles.
 *
 * References: Brutlag 2000 (deviations per slot); James and Stein 1961.
 *
 * Cost: two square roots and some ten divisions per point. 1,624 bytes, with state=double 2,680.
 *
 * How it fails.  A period that is neither a day nor a week is noise to it, and so are holidays and,
 * without a `timezone`, the hour that summer time moves.  A day must have passed before it knows any, a week before it
 * knows that Sunday is another day.
 */
#include "level.h"

enum { SEASON_HALF_LIFE, SEASON_PROFILE, SEASON_MEMORY, SEASON_SHRINKAGE, SEASON_LEVEL };

static const tocsin__param season_params[] = {
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "500p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half for the level and the deviation"},
    {"profile", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "week", 0, 0, "day|week",
     "half hours of the day only, or hours of the week too"},
    {"memory", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "7d", 86400, 3.2e9, "",
     "time after which a day counts half for its slot, a week after as many weeks"},
    {"shrinkage", TOCSIN_TYPE_NUMBER, 1, 0, 0, "points", "3", 0, 1e6, "",
     "points after which a slot's mean counts half; 0: it counts at once"},
    TOCSIN__LEVEL_PARAMS("32"),
};

enum { SEASON_OF_DAY, SEASON_OF_WEEK };
enum { SEASON_MEANS, SEASON_SPREADS, SEASON_ARRAYS };

#define SEASON_DAY_SLOTS 48u
#define SEASON_WEEK_SLOTS 168u
#define SEASON_SLOTS (SEASON_DAY_SLOTS + SEASON_WEEK_SLOTS)
#define SEASON_DAY_SLOT (TOCSIN_DAY / SEASON_DAY_SLOTS)
#define SEASON_WEEK_SLOT TOCSIN_HOUR
#define SEASON_DAY_PAYS 0.95        /* of the mean absolute residual without it */
#define SEASON_WEEK_PAYS 0.9
#define SEASON_SPREAD_SHRINKAGE 5.0 /* points */
#define SEASON_SPREAD_MIN 0.5       /* of the common one */
#define SEASON_POINTS_MAX 1e9       /* of a visit, for its mean */

typedef struct {
    tocsin__level_rules level;
    double gain;            /* of a visit */
    double shrinkage;
    uint64_t array[SEASON_ARRAYS];      /* offsets in the state */
    uint32_t profile;
    uint32_t spare;
    tocsin__zone zone;
} season_constants;

/* A visit under way. */
typedef struct {
    int64_t number;         /* slots since the epoch */
    double mean;            /* of what the slot will learn */
    double size;            /* mean |residual| */
    double points;
} season_visit;

typedef struct {
    tocsin__level level;
    double bare;            /* mean |residual| without a profile ... */
    double with_day;        /* ... with the day's ... */
    double with_week;       /* ... and with the week's too */
    double common;          /* mean |residual| as it was told */
    int64_t time;           /* of the last point learnt */
    season_visit visit[2];  /* of the day's slots, of the week's */
    uint16_t seen[SEASON_SLOTS];    /* points, by the slots */
} season_state;

#define SEASON_VISIT_FIELDS(i)                                                                  \
    TOCSIN__FIELD(season_state, visit[i].number, I64, -9.3e18, 9.3e18),                         \
    TOCSIN__FIELD(season_state, visit[i].mean, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),     \
    TOCSIN__FIELD(season_state, visit[i].size, F64, 0, 1e151),                                  \
    TOCSIN__FIELD(season_state, visit[i].points, F64, 0, SEASON_POINTS_MAX)

static const tocsin__field season_fields[] = {
    TOCSIN__LEVEL_FIELDS(season_state, level),
    TOCSIN__FIELD(season_state, bare, F64, 0, 1e151),
    TOCSIN__FIELD(season_state, with_day, F64, 0, 1e151),
    TOCSIN__FIELD(season_state, with_week, F64, 0, 1e151),
    TOCSIN__FIELD(season_state, common, F64, 0, 1e151),
    TOCSIN__FIELD(season_state, time, I64, -9.3e18, 9.3e18),
    SEASON_VISIT_FIELDS(0),
    SEASON_VISIT_FIELDS(1),
    TOCSIN__FIELD(season_state, seen, U16, 0, UINT16_MAX),
    TOCSIN__ARRAY("means", REAL, SEASON_MEANS, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__ARRAY("spreads", REAL, SEASON_SPREADS, 0, 1e151),
};

static const tocsin__layout season_layout = {sizeof(season_state), season_fields,
                                             TOCSIN__COUNT(season_fields)};

static int season_resolve(const tocsin__values *values, const tocsin__context *context,
                          void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    season_constants *k = constants;
    const double memory = (double)values[SEASON_MEMORY].item[0].duration;

    (void)complaint;
    tocsin__level_resolve(&k->level, values + SEASON_LEVEL,
                          tocsin__level_half_life(&k->level, &values[SEASON_HALF_LIFE].item[0],
                                                  context));
    k->gain = -tocsin__expm1(-TOCSIN__LN2 * ((double)TOCSIN_DAY / memory));
    k->shrinkage = values[SEASON_SHRINKAGE].item[0].number;
    k->profile = (uint32_t)values[SEASON_PROFILE].item[0].number;
    k->zone = context->zone;
    shape->precision = k->level.precision;
    shape->length[SEASON_MEANS] = SEASON_SLOTS;
    shape->length[SEASON_SPREADS] = SEASON_DAY_SLOTS;
    for (uint32_t i = 0; i < SEASON_ARRAYS; i++)
        k->array[i] = tocsin__layout_array(&season_layout, shape, i);
    return TOCSIN_OK;
}

static size_t season_warmup(const void *constants)
{
    return ((const season_constants *)constants)->level.warmup;
}

/* ---- The profiles -------------------------------------------------------------- */

/* They stand behind the struct always: no kernel keeps this detector in columns. */
static void *season_array(const season_constants *k, const season_state *s, uint32_t array)
{
    return (char *)(uintptr_t)s + k->array[array];
}

/* Slots since the epoch. */
static int64_t season_number(int64_t time, int64_t slot)
{
    return time / slot - (time % slot < 0);
}

/* The slot's place in its profile. */
static uint32_t season_slot(int64_t number, uint32_t slots)
{
    const int64_t rest = number % (int64_t)slots;

    return (uint32_t)(rest < 0 ? rest + (int64_t)slots : rest);
}

/* What a slot, counted through both profiles, adds. */
static double season_mean(const season_constants *k, const season_state *s, uint32_t slot)
{
    const double seen = s->seen[slot];

    if (seen == 0)
        return 0;
    return tocsin__array_load(k->level.precision, season_array(k, s, SEASON_MEANS), slot) *
           (seen / (seen + k->shrinkage));
}

/* All there is to say of a time. */
typedef struct {
    int64_t civil;          /* that time by the clock on the wall */
    double day, week;       /* what the profiles say */
    double season;          /* what of it is used */
    double share;           /* of this half hour's spread in the common one */
} season_view;

static season_view season_look(const season_constants *k, const season_state *s, int64_t moment)
{
    const int64_t time = tocsin__zone_civil(&k->zone, moment);
    const int64_t number = season_number(time, SEASON_DAY_SLOT);
    const uint32_t slot = season_slot(number, SEASON_DAY_SLOTS);
    const int64_t since = time % SEASON_DAY_SLOT;
    const double within = (double)(since < 0 ? since + SEASON_DAY_SLOT : since);
    const double aside = within / (double)SEASON_DAY_SLOT - 0.5;    /* from its middle, in slots */
    const uint32_t next = (slot + (aside < 0 ? SEASON_DAY_SLOTS - 1 : 1)) % SEASON_DAY_SLOTS;
    const double seen = s->seen[slot];
    season_view view;

    view.civil = time;
    view.day = season_mean(k, s, slot);
    if (s->seen[slot] > 0 && s->seen[next] > 0)
        view.day += tocsin__abs(aside) * (season_mean(k, s, next) - view.day);
    view.week = 0;
    if (k->profile == SEASON_OF_WEEK)
        view.week = season_mean(
            k, s, SEASON_DAY_SLOTS +
                      season_slot(season_number(time, SEASON_WEEK_SLOT), SEASON_WEEK_SLOTS));

    view.season = 0;
    if (k->profile == SEASON_OF_WEEK &&
        s->with_week < SEASON_WEEK_PAYS * tocsin__min(s->bare, s->with_day))
        view.season = view.day + view.week;
    else if (s->with_day < SEASON_DAY_PAYS * s->bare)
        view.season = view.day;

    view.share = 1;
    if (s->common > TOCSIN__DEVIATION_MIN) {
        const double spread =
            tocsin__array_load(k->level.precision, season_array(k, s, SEASON_SPREADS), slot);

        view.share = tocsin__max(SEASON_SPREAD_MIN,
                                 1 + seen / (seen + SEASON_SPREAD_SHRINKAGE) *
                                         (spread / s->common - 1));
    }
    return view;
}

/* A visit is over: its slot learns its mean, and of the day's its size. */
static void season_end_visit(const season_constants *k, season_state *s, uint32_t profile)
{
    const season_visit *visit = &s->visit[profile];
    const uint32_t slot =
        profile == SEASON_OF_DAY
            ? season_slot(visit->number, SEASON_DAY_SLOTS)
            : SEASON_DAY_SLOTS + season_slot(visit->number, SEASON_WEEK_SLOTS);
    const uint32_t precision = k->level.precision;
    void *means = season_array(k, s, SEASON_MEANS), *spreads = season_array(k, s, SEASON_SPREADS);

    const double seen = tocsin__min(s->seen[slot] + visit->points, UINT16_MAX);
    const double gain = tocsin__max(tocsin__min(visit->points / seen, 1), k->gain);
    const double mean = tocsin__array_load(precision, means, slot);

    tocsin__array_store(precision, means, slot,
                        tocsin__residual_round(precision, mean + gain * (visit->mean - mean)));
    s->seen[slot] = (uint16_t)seen;
    if (profile == SEASON_OF_DAY) {
        const double spread = tocsin__array_load(precision, spreads, slot);

        tocsin__array_store(
            precision, spreads, slot,
            tocsin__residual_round(precision, spread + gain * (visit->size - spread)));
    }
}

/* A point is part of a visit. */
static void season_visit_learn(const season_constants *k, season_state *s, uint32_t profile,
                               int64_t number, double value, double size)
{
    season_visit *visit = &s->visit[profile];

    if (visit->points > 0 && visit->number != number) {
        season_end_visit(k, s, profile);
        visit->points = 0;
    }
    if (visit->points == 0)
        visit->mean = visit->size = 0;
    visit->number = number;
    visit->points = tocsin__min(visit->points + 1, SEASON_POINTS_MAX);
    visit->mean += (value - visit->mean) / visit->points;
    visit->size += (size - visit->size) / visit->points;
}

/* ---- Points ---------------------------------------------------------------------- */

static void season_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, tocsin__reading *reading)
{
    const season_constants *k = constants;
    const season_state *s = state;

    (void)arrays;
    if (s->level.count < k->level.warmup) {
        tocsin__level_warming(reading, 1);
        return;
    }

    const season_view view = season_look(k, s, point->time);
    const double expected = tocsin__bounded(s->level.mean + view.season);
    const double surprise = point->value - expected;
    const double deviation = view.share * tocsin__level_deviation(&k->level, &s->level);

    tocsin__residual_read(&k->level.residual, surprise, expected,
                          tocsin__residual_round(k->level.precision, deviation), s->level.reach,
                          reading);
    if (tocsin__abs(point->value - s->level.mean) < 0.5 * tocsin__abs(surprise))
        reading->reason[0] = TOCSIN_REASON_SEASON;      /* usual, but at another time */
    reading->confidence =
        tocsin__level_confidence(&k->level, s->level.count, point->elapsed);
}

static void season_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                         const tocsin__point *point, const tocsin__reading *reading)
{
    const season_constants *k = constants;
    season_state *s = state;
    tocsin__level *level = &s->level;
    const uint32_t precision = k->level.precision;
    const double n = (double)level->count + 1;

    (void)arrays;
    if (level->count == 0)
        level->mean = point->value;

    const season_view view = season_look(k, s, point->time);
    const double d = tocsin__residual_winsorise(
        &k->level.residual, point->value - tocsin__bounded(level->mean + view.season),
        reading->deviation, &level->habit, &level->outside);
    const double size = tocsin__residual_round(precision, tocsin__abs(d));
    const double residual = tocsin__bounded(view.season + d);
    const double after_day = tocsin__bounded(residual - view.day);
    double g = tocsin__level_gain(&k->level, point->elapsed);

    if (n * g < 1) {
        g = 1 / n;
        level->count = (uint16_t)(level->count + (level->count < UINT16_MAX));
    } else if (level->count < k->level.warmup) {
        level->count = (uint16_t)(level->count + 1u);
    }
    level->mean = tocsin__bounded(level->mean + g * d);
    level->variance = tocsin__level_next_variance(
        &k->level, level->variance, g, tocsin__residual_round(precision, size / view.share));
    level->reach = n > 1 ? tocsin__residual_reach(&k->level.residual, level->reach, size) : 0;

    s->bare += g * (tocsin__abs(residual) - s->bare);
    s->with_day += g * (tocsin__abs(after_day) - s->with_day);
    s->with_week += g * (tocsin__abs(after_day - view.week) - s->with_week);
    s->common += g * (size - s->common);
    season_visit_learn(k, s, SEASON_OF_DAY, season_number(view.civil, SEASON_DAY_SLOT), residual,
                       size);
    if (k->profile == SEASON_OF_WEEK)
        season_visit_learn(k, s, SEASON_OF_WEEK, season_number(view.civil, SEASON_WEEK_SLOT),
                           after_day, size);
    s->time = point->time;
}

static void season_push(const void *constants, void *state, const tocsin__arrays *arrays,
                        const tocsin__point *point, tocsin__reading *reading)
{
    season_score(constants, state, arrays, point, reading);
    season_learn(constants, state, arrays, point, reading);
}

/* The time of a forecast, which may lie beyond the end of time. */
static int64_t season_ahead(int64_t time, int64_t since, int64_t step, uint64_t steps)
{
    const double at = (double)time + (double)since + (double)step * (double)steps;

    if (at > 9.2e18)
        return time;
    return time + since + step * (int64_t)steps;
}

static int season_forecast(const void *constants, const void *state, int64_t since, int64_t step,
                           uint64_t steps, double *expected, double *deviation)
{
    const season_constants *k = constants;
    const season_state *s = state;

    if (!tocsin__level_forecast(&k->level, &s->level, since, step, steps, expected, deviation))
        return 0;

    const season_view view = season_look(k, s, season_ahead(s->time, since, step, steps));

    *expected = tocsin__bounded(*expected + view.season);
    *deviation *= view.share;
    return 1;
}

static void season_explain(const void *constants, const void *state,
                           const tocsin__reading *reading, tocsin_explanation *explanation)
{
    const season_constants *k = constants;
    const season_state *s = state;

    (void)reading;
    tocsin__level_explain(&k->level, &s->level, explanation);
    if (s->level.count)
        explanation->season = season_look(k, s, s->time).season;
}

static const char *const season_channels[] = {"deviation"};

const tocsin__stage tocsin__stage_season = {
    .name = "season",
    .summary = "what is usual at this time of the day and hour of the week, and how much it varies",
    .reference = "Brutlag 2000; James & Stein 1961",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = season_params,
    .param_count = TOCSIN__COUNT(season_params),
    .constants_size = sizeof(season_constants),
    .layout = {sizeof(season_state), season_fields, TOCSIN__COUNT(season_fields)},
    .resolve = season_resolve,
    .warmup = season_warmup,
    .explain = season_explain,
    .channel_names = season_channels,
    .score = season_score,
    .learn = season_learn,
    .push = season_push,
    .forecast = season_forecast,
};
