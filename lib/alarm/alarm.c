/* alarm.c - when to ring.
 *
 * The calibrator says how often a series in order would show something like this.  The
 * alarm knows how often somebody is willing to be called: its *budget*, a rate.  A point
 * rarer than that is an exceedance, and exceedances become episodes:
 *
 *     start    n of the last m points exceed, and no exceedance came within the dead time before
 *     ongoing  until it clears
 *     clear    nothing came near the limit for as long as `clear` says
 *
 * Budgets count clusters: exceedances closer together than the dead time (`cooldown`, by
 * default 1/24 of the budget's return period) are one event, and one event rings once.  An
 * exceedance in the dead time carries the flag COOLING, prolongs it, and rings in two cases
 * only.  Its return period is ten times that of everything in the cluster before: whatever
 * is rarer than ten budgets comes, in a series in order, at a tenth of the budget's rate,
 * so that this exception spends at most a tenth of it, and the failure after the glitch is
 * not slept through.  Or it is ten budgets, and a tenth of the dead time has passed without
 * an exceedance: an outage that comes back after it was over rings again, one that flaps
 * does not.
 *
 * One good sample does not clear an alarm, and hovering about the limit does not make it
 * flap: a point counts as quiet only if its return period is shorter than the budget's by
 * the factor 10^hysteresis.
 *
 * Two tiers: with `ticket` set there is a second, more frequent budget.  Each tier has its
 * own window and dead time, hence keeps its own promise.  An episode that began as a
 * ticket and grows into a page rings again: transition START, tier PAGE, `since`
 * unchanged.
 *
 * `threshold` takes the score itself instead of a budget; the dead time then follows from
 * the return period which the threshold means.  Behind `raw` it is the only way to ring: a raw
 * statistic has no rate, so there is no cluster either, and the dead time is as long as `cooldown`
 * says (auto: none) after an alarm, whatever happens meanwhile.
 *
 * Statistically odd is not always worth a call: `direction`, `min-deviation` and
 * `min-relative` keep a point from counting as an exceedance (flag TRIVIAL for the latter
 * two).
 *
 * Absence is the clock's finding and rings at once, as loud as the alarm can, until
 * anything comes from the sender.  A mark that mutes starts nothing and clears what is on.
 * A point without a score leaves the alarm as it is.
 *
 * Precision.  When something last exceeded is kept to 1/4096 of the dead time, counted from the
 * episode's start, and the peak of a cluster to 12 binary digits, rounded upwards: 4 and 2 bytes
 * hold them in a bank.  With a threshold there is no dead time to measure in, and times are exact.
 *
 * Cost: a few comparisons; two multiplications where a minimum is asked for; an exponential
 * per point while an alarm is on, for the return period.
 */
#include "alarm.h"

#include "../num/mathx.h"

enum {
    ALARM_BUDGET,
    ALARM_TICKET,
    ALARM_THRESHOLD,
    ALARM_N,
    ALARM_M,
    ALARM_CLEAR,
    ALARM_HYSTERESIS,
    ALARM_COOLDOWN,
    ALARM_DIRECTION,
    ALARM_MIN_DEVIATION,
    ALARM_MIN_RELATIVE
};

static const tocsin__param alarm_params[] = {
    {"budget", TOCSIN_TYPE_RATE, 1, 0, 0, "", "1/week", 1e-9, 1e3, "",
     "false alarms a series in order may cause: the page tier"},
    {"ticket", TOCSIN_TYPE_RATE, 1, 0, 0, "", "", 1e-9, 1e3, "",
     "a second, more frequent budget: the ticket tier"},
    {"threshold", TOCSIN_TYPE_NUMBER, 1, 0, 0, "", "", 0, 300, "",
     "ring at scores above this, instead of by a budget"},
    {"n", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "1", 1, 32, "",
     "points of the last m that must exceed to ring"},
    {"m", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "", 1, 32, "",
     "points that n is counted in; n if not given"},
    {"clear", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "5p", 0, 1e9, "",
     "quiet it takes to clear an alarm"},
    {"hysteresis", TOCSIN_TYPE_NUMBER, 1, 0, 0, "decades", "0.5", 0, 10, "",
     "how far below the limit, as a score, a point must be to count as quiet"},
    {"cooldown", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "auto", 0, 1e9, "auto",
     "dead time after an exceedance; auto: 1/24 of the budget's return period"},
    {"direction", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "both", 0, 0, "both|up|down",
     "ring for values above what is expected, below, or both"},
    {"min-deviation", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e300, "",
     "smallest distance from what is expected that rings"},
    {"min-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the expected value", "0", 0, 1e6, "",
     "the same, as a part of the expected value"},
};

enum { ALARM_BOTH, ALARM_UP, ALARM_DOWN };

#define ALARM_CLUSTER 24            /* dead times in a return period */
#define ALARM_BREAKTHROUGH 1.0      /* decades beyond the cluster's peak: rings even now */
#define ALARM_RELAPSE 1.0           /* decades beyond the budget: rings again ... */
#define ALARM_RESPITE 0.1           /* ... after this part of the dead time */
#define ALARM_UNITS 4096            /* in a dead time, at least */
#define ALARM_PEAK_MIN 0.015625     /* 2^-6 */
#define ALARM_PEAK_MAX 1000.0
#define ALARM_EPISODES_MAX UINT16_MAX
#define ALARM_EXACT UINT32_MAX

typedef struct {
    double period[2];               /* of the tiers, seconds; ascending */
    double cooldown[2];             /* of the tiers, ns; negative: from the threshold */
    double threshold;
    double hysteresis;
    double nearness;                /* 10^-hysteresis */
    double min_deviation, min_relative;
    int64_t clear_time;             /* ns; 0: clear_points counts */
    uint32_t clear_points;
    uint32_t by_threshold;
    uint32_t tiers;                 /* at least 1 */
    uint32_t n, window;             /* window: the bits of m points */
    uint32_t direction;
    uint32_t shift[2];              /* of the tiers: exceedances are timed in units of 2^shift ns, or
                                       are ALARM_EXACT */
} alarm_constants;

typedef struct {
    int64_t since;                  /* the episode's start; TOCSIN_TIME_NONE before the first */
    int64_t unquiet;                /* last point that was not quiet, if clear is a time */
    int64_t exceeded[2];            /* last exceedance of each tier; TOCSIN_TIME_NONE: none yet */
    double peak[2];                 /* highest score in each tier's cluster of exceedances */
    uint32_t alarms;                /* episodes started */
    uint32_t window[2];             /* the last points of each tier, newest in bit 0; 1: exceeds */
    uint32_t quiet;                 /* quiet points in a row, while it is on and clear is points */
    uint8_t tier;                   /* TOCSIN_TIER_* of the episode that is on */
    uint8_t is_absence;
    uint8_t spare[6];
} alarm_state;

static const tocsin__field alarm_fields[] = {
    TOCSIN__FIELD(alarm_state, since, I64, -1e19, 1e19),
    TOCSIN__FIELD(alarm_state, unquiet, I64, -1e19, 1e19),
    TOCSIN__FIELD(alarm_state, exceeded[0], I64, -1e19, 1e19),
    TOCSIN__FIELD(alarm_state, exceeded[1], I64, -1e19, 1e19),
    TOCSIN__FIELD(alarm_state, peak[0], REAL, 0, 1e38),
    TOCSIN__FIELD(alarm_state, peak[1], REAL, 0, 1e38),
    TOCSIN__FIELD(alarm_state, alarms, U32, 0, ALARM_EPISODES_MAX),
    TOCSIN__FIELD(alarm_state, window[0], U32, 0, UINT32_MAX),
    TOCSIN__FIELD(alarm_state, window[1], U32, 0, UINT32_MAX),
    TOCSIN__FIELD(alarm_state, quiet, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(alarm_state, tier, U8, 0, TOCSIN_TIER_PAGE),
    TOCSIN__FIELD(alarm_state, is_absence, U8, 0, 1),
    TOCSIN__FIELD(alarm_state, spare, U8, 0, 0),
};

/* ---- Parameters ------------------------------------------------------------ */

static int alarm_by_threshold(const tocsin__values *values)
{
    return values[ALARM_THRESHOLD].count > 0 && !values[ALARM_BUDGET].is_given &&
           values[ALARM_TICKET].count == 0;
}

static void alarm_budgets(const tocsin__values *values, tocsin__context *context)
{
    const tocsin_value *cooldown = &values[ALARM_COOLDOWN].item[0];

    context->tier_count = 0;
    context->threshold = 0;
    if (alarm_by_threshold(values)) {
        context->threshold = values[ALARM_THRESHOLD].item[0].number;
    } else {
        if (values[ALARM_TICKET].count > 0)
            context->period[context->tier_count++] = values[ALARM_TICKET].item[0].duration;
        context->period[context->tier_count++] = values[ALARM_BUDGET].item[0].duration;
    }
    context->cooldown = 0;
    if (cooldown->form == TOCSIN_VALUE_DURATION)
        context->cooldown = cooldown->duration;
    else if (context->tier_count > 0)
        context->cooldown = context->period[0] / ALARM_CLUSTER;
}

/* Units, of 2^this ns, in which a dead time is counted. */
static uint32_t alarm_shift(double cooldown)
{
    uint32_t shift = 0;

    while (cooldown >= 2 * (double)ALARM_UNITS && shift < 50) {
        cooldown /= 2;
        shift++;
    }
    return shift;
}

static int alarm_resolve(const tocsin__values *values, const tocsin__context *context,
                         void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    alarm_constants *k = constants;
    const tocsin_value *clear = &values[ALARM_CLEAR].item[0];
    const tocsin_value *cooldown = &values[ALARM_COOLDOWN].item[0];

    shape->precision = TOCSIN__MIXED;
    if (values[ALARM_THRESHOLD].count > 0 && !alarm_by_threshold(values))
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, ALARM_THRESHOLD,
                                "a threshold and a budget exclude each other: give one of them");
    if (context->is_raw && !alarm_by_threshold(values))
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, ALARM_BUDGET,
                                "behind raw there is no rate to budget: give a threshold, as in "
                                "raw | alarm threshold=5 cooldown=12h");
    if (values[ALARM_TICKET].count > 0 &&
        values[ALARM_TICKET].item[0].duration >= values[ALARM_BUDGET].item[0].duration)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, ALARM_TICKET,
                                "a ticket must be allowed more often than a page: "
                                "ticket=1/day budget=1/week");

    const double n = values[ALARM_N].item[0].number;
    const double m = values[ALARM_M].count > 0 ? values[ALARM_M].item[0].number : n;

    if (n > m)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, ALARM_N,
                                "n of the last m points: n is at most m");

    k->by_threshold = (uint32_t)alarm_by_threshold(values);
    k->tiers = values[ALARM_TICKET].count > 0 ? 2 : 1;
    if (k->tiers == 2)
        k->period[0] = (double)values[ALARM_TICKET].item[0].duration * 1e-9;
    k->period[k->tiers - 1] = (double)values[ALARM_BUDGET].item[0].duration * 1e-9;
    for (uint32_t t = 0; t < k->tiers; t++) {
        k->cooldown[t] = k->period[t] * (1e9 / ALARM_CLUSTER);
        if (k->by_threshold)
            k->cooldown[t] = -1;
        if (cooldown->form == TOCSIN_VALUE_DURATION)
            k->cooldown[t] = (double)cooldown->duration;
        k->shift[t] = k->by_threshold ? ALARM_EXACT : alarm_shift(k->cooldown[t]);
    }
    if (k->by_threshold)
        k->threshold = values[ALARM_THRESHOLD].item[0].number;
    k->hysteresis = values[ALARM_HYSTERESIS].item[0].number;
    k->nearness = tocsin__pow(10, -k->hysteresis);
    k->n = (uint32_t)n;
    k->window = UINT32_MAX >> (32 - (uint32_t)m);
    if (clear->form == TOCSIN_VALUE_POINTS)
        k->clear_points = (uint32_t)clear->number;
    else
        k->clear_time = clear->duration;
    k->direction = (uint32_t)values[ALARM_DIRECTION].item[0].number;
    k->min_deviation = values[ALARM_MIN_DEVIATION].item[0].number;
    k->min_relative = values[ALARM_MIN_RELATIVE].item[0].number;
    return TOCSIN_OK;
}

static void alarm_init(const void *constants, void *state)
{
    alarm_state *s = state;

    (void)constants;
    s->since = s->unquiet = TOCSIN_TIME_NONE;
    s->exceeded[0] = s->exceeded[1] = TOCSIN_TIME_NONE;
}

/* ---- Deciding -------------------------------------------------------------- */

/* Nanoseconds from one time to a later one; times span more than an int64 of difference. */
static double alarm_between(int64_t from, int64_t to)
{
    return (double)to - (double)from;
}

static uint32_t alarm_bits(uint32_t word)
{
    uint32_t bits = 0;

    for (; word; word &= word - 1)
        bits++;
    return bits;
}

/* The tier that index t stands for: the last one pages. */
static uint8_t alarm_tier(const alarm_constants *k, uint32_t t)
{
    return t + 1 == k->tiers ? TOCSIN_TIER_PAGE : TOCSIN_TIER_TICKET;
}

/* Which tiers this point exceeds, filters applied. */
static uint32_t alarm_exceeds(const alarm_constants *k, const tocsin__point *point,
                              const tocsin__reading *reading, const tocsin__rarity *rarity,
                              tocsin__decision *decision)
{
    const double distance = tocsin__abs(point->value - reading->expected);

    const uint32_t exceeds =
        k->by_threshold ? (uint32_t)(rarity->score > k->threshold) : rarity->exceeds;

    if (exceeds == 0)
        return 0;
    if ((k->direction == ALARM_UP && reading->direction < 0) ||
        (k->direction == ALARM_DOWN && reading->direction > 0))
        return 0;
    if (distance < k->min_deviation ||
        distance < k->min_relative * tocsin__abs(reading->expected)) {
        decision->flags |= TOCSIN_FLAG_TRIVIAL;
        return 0;
    }
    return exceeds;
}

/* Whether a point is too near the limit of the tier that is on to count as quiet. */
static int alarm_is_near(const alarm_constants *k, const alarm_state *s,
                         const tocsin__rarity *rarity)
{
    if (k->by_threshold)
        return rarity->score > k->threshold - k->hysteresis;

    const uint32_t t = s->tier == TOCSIN_TIER_TICKET ? 0 : k->tiers - 1;

    return tocsin__period(rarity) > k->period[t] * k->nearness;
}

/* Whether a point lies so many decades beyond the limit of a tier. */
static int alarm_is_beyond(const alarm_constants *k, uint32_t t, double decades,
                           const tocsin__rarity *rarity)
{
    if (k->by_threshold)
        return rarity->score >= k->threshold + decades;
    return tocsin__period(rarity) >= k->period[t] * tocsin__pow(10, decades);
}

/* How many units the time of an exceedance is after the episode's start. */
static int32_t alarm_units_after(uint32_t shift, int64_t since, int64_t time)
{
    const int is_later = time >= since;
    const uint64_t apart = is_later ? (uint64_t)time - (uint64_t)since
                                    : (uint64_t)since - (uint64_t)time;
    const int32_t units = apart >> shift < INT32_MAX ? (int32_t)(apart >> shift) : INT32_MAX;

    return is_later ? units : -units;
}

static int64_t alarm_units_time(uint32_t shift, int64_t since, int32_t units)
{
    const uint64_t apart = (uint64_t)(units < 0 ? -(int64_t)units : units) << shift;

    return (int64_t)(units < 0 ? (uint64_t)since - apart : (uint64_t)since + apart);
}

/* An exceedance is timed. */
static void alarm_time(const alarm_constants *k, alarm_state *s, uint32_t t, int64_t time)
{
    s->exceeded[t] = time;
    if (k->shift[t] != ALARM_EXACT && time != TOCSIN_TIME_NONE && s->since != TOCSIN_TIME_NONE)
        s->exceeded[t] = alarm_units_time(k->shift[t], s->since,
                                          alarm_units_after(k->shift[t], s->since, time));
}

static void alarm_start(const alarm_constants *k, alarm_state *s, uint8_t tier, int64_t time,
                        tocsin__decision *decision)
{
    if (s->tier == TOCSIN_TIER_NONE) {
        s->since = time;
        for (uint32_t t = 0; t < k->tiers; t++)
            alarm_time(k, s, t, s->exceeded[t]);
        s->alarms += s->alarms < ALARM_EPISODES_MAX;
    }
    s->tier = tier;
    if (k->clear_time > 0)
        s->unquiet = time;
    s->quiet = 0;
    decision->transition = TOCSIN_TRANSITION_START;
}

static void alarm_clear(alarm_state *s, tocsin__decision *decision)
{
    s->tier = TOCSIN_TIER_NONE;
    s->is_absence = 0;
    s->quiet = 0;
    s->window[0] = s->window[1] = 0;
    decision->transition = TOCSIN_TRANSITION_CLEAR;
}

/* Nothing has come for too long. */
static void alarm_absence(const alarm_constants *k, alarm_state *s, int64_t time,
                          tocsin__decision *decision)
{
    decision->reason = TOCSIN_REASON_ABSENCE;
    if (s->is_absence)
        return;
    s->is_absence = 1;
    if (s->tier != TOCSIN_TIER_PAGE)
        alarm_start(k, s, TOCSIN_TIER_PAGE, time, decision);
}

/* A cluster's peak in 16 bits: 12 digits of a float, and of its exponent what lies between least and
 * most; 0: there was none. */
#define ALARM_PEAK_DROPPED 11       /* digits */
#define ALARM_PEAK_BASE ((UINT32_C(121) << 12) - 1)

static uint16_t alarm_peak_code(double score)
{
    const double bounded = tocsin__clamp(score, ALARM_PEAK_MIN, ALARM_PEAK_MAX);
    const float narrow = (float)bounded;
    uint32_t bits;

    if (!(score > 0))
        return 0;
    memcpy(&bits, &narrow, sizeof bits);
    bits += (double)narrow < bounded;
    bits += (UINT32_C(1) << ALARM_PEAK_DROPPED) - 1;
    return (uint16_t)((bits >> ALARM_PEAK_DROPPED) - ALARM_PEAK_BASE);
}

static double alarm_peak_of(uint16_t code)
{
    const uint32_t bits = (code + ALARM_PEAK_BASE) << ALARM_PEAK_DROPPED;
    float peak;

    memcpy(&peak, &bits, sizeof peak);
    return code ? (double)peak : 0;
}

/* A point with a score. */
static void alarm_scored(const alarm_constants *k, alarm_state *s, const tocsin__point *point,
                         const tocsin__reading *reading, const tocsin__rarity *rarity,
                         tocsin__decision *decision)
{
    const uint32_t exceeds = alarm_exceeds(k, point, reading, rarity, decision);

    if (exceeds == 0 && s->tier == TOCSIN_TIER_NONE && (s->window[0] | s->window[1]) == 0)
        return;

    for (uint32_t t = 0; t < k->tiers; t++) {
        const int is_new = (exceeds >> t & 1u) != 0;
        const uint8_t tier = alarm_tier(k, t);

        s->window[t] = (s->window[t] << 1 | (uint32_t)is_new) & k->window;
        if (!is_new)
            continue;

        double cooldown = k->cooldown[t];

        if (cooldown < 0)
            cooldown = tocsin__is_nan(rarity->step)
                           ? 0
                           : rarity->step * tocsin__pow(10, k->threshold) * (1e9 / ALARM_CLUSTER);

        const double passed = alarm_between(s->exceeded[t], point->time);
        const int has_rate = !tocsin__is_nan(rarity->step);
        const int cools = s->exceeded[t] != TOCSIN_TIME_NONE && passed < cooldown;
        const int breaks = has_rate && (rarity->score >= s->peak[t] + ALARM_BREAKTHROUGH ||
                                        (passed >= ALARM_RESPITE * cooldown &&
                                         alarm_is_beyond(k, t, ALARM_RELAPSE, rarity)));
        const int rings = alarm_bits(s->window[t]) >= k->n;

        if (tier > s->tier && rings) {
            if (!cools || breaks)
                alarm_start(k, s, tier, point->time, decision);
            else
                decision->flags |= TOCSIN_FLAG_COOLING;
        }
        if (has_rate ? rings || cools : rings && !cools) {
            const double peak = alarm_peak_of(alarm_peak_code(rarity->score));

            s->peak[t] = cools ? tocsin__max(s->peak[t], peak) : peak;
            alarm_time(k, s, t, point->time);
        }
    }

    if (s->tier == TOCSIN_TIER_NONE || decision->transition == TOCSIN_TRANSITION_START)
        return;
    if (exceeds != 0 || alarm_is_near(k, s, rarity)) {
        if (k->clear_time > 0)
            s->unquiet = point->time;
        s->quiet = 0;
        return;
    }
    if (k->clear_time > 0 ? alarm_between(s->unquiet, point->time) >= (double)k->clear_time
                          : ++s->quiet >= k->clear_points)
        alarm_clear(s, decision);
}

/* Nothing is on, nothing exceeds, nothing is counted: most points of most series. */
static inline int alarm_is_concerned(const alarm_constants *k, const alarm_state *s,
                                     const tocsin__point *point, const tocsin__rarity *rarity)
{
    return (point->flags & (TOCSIN_FLAG_MUTED | TOCSIN_FLAG_ABSENT)) != 0 || rarity->exceeds != 0 ||
           (s->tier | s->is_absence) != 0 || (s->window[0] | s->window[1]) != 0 ||
           k->by_threshold != 0;
}

int tocsin__alarm_is_at_rest(const void *constants, const void *state)
{
    const alarm_constants *k = constants;
    const alarm_state *s = state;

    return (s->tier | s->is_absence) == 0 && (s->window[0] | s->window[1]) == 0 &&
           k->by_threshold == 0;
}

static void alarm_decide(const void *constants, void *state, const tocsin__point *point,
                         const tocsin__reading *reading, const tocsin__rarity *rarity,
                         tocsin__decision *decision)
{
    const alarm_constants *k = constants;
    alarm_state *s = state;
    const uint8_t tier_before = s->tier;

    tocsin__decide_nothing(decision);
    if (!alarm_is_concerned(k, s, point, rarity))
        return;
    if (point->flags & TOCSIN_FLAG_MUTED) {
        if (s->tier != TOCSIN_TIER_NONE)
            alarm_clear(s, decision);
    } else if (point->flags & TOCSIN_FLAG_ABSENT) {
        alarm_absence(k, s, point->time, decision);
    } else if (s->is_absence && !point->is_tick &&
               !(point->flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED))) {
        alarm_clear(s, decision);
    } else if (!tocsin__is_nan(rarity->score)) {
        alarm_scored(k, s, point, reading, rarity, decision);
    }

    if (s->tier != TOCSIN_TIER_NONE && decision->transition == TOCSIN_TRANSITION_NONE)
        decision->transition = TOCSIN_TRANSITION_ONGOING;
    decision->alarm = s->tier != TOCSIN_TIER_NONE ? TOCSIN_ALARM_ON : TOCSIN_ALARM_OFF;
    decision->tier = s->tier;
    decision->since = s->tier != TOCSIN_TIER_NONE || tier_before != TOCSIN_TIER_NONE
                          ? s->since
                          : TOCSIN_TIME_NONE;
}

static void alarm_explain(const void *constants, const void *state, const tocsin__reading *reading,
                          tocsin_explanation *explanation)
{
    const alarm_constants *k = constants;
    const alarm_state *s = state;

    (void)reading;
    explanation->budget = k->by_threshold ? tocsin__nan() : k->period[0];
    explanation->alarms = s->alarms;
    explanation->observed_rate =
        explanation->history > 0 ? (double)s->alarms / explanation->history : tocsin__nan();
}

/* ---- Packed ----------------------------------------------------------------
 *
 *     since       8 bytes
 *     unquiet     8, if clear is a time
 *     exceeded    4 for each tier, in units after since; the smallest number: none yet
 *     peak        2 for each tier
 *     alarms      2
 *     bits        each tier's window, as many as are counted; 2 for the episode; of quiet as many as
 *                 counting to clear takes
 */
#define ALARM_NONE_YET INT32_MIN
#define ALARM_EPISODE_BITS 2
#define ALARM_ABSENCE 3u            /* an episode of the page tier that began with absence */

static uint32_t alarm_width(uint32_t most)
{
    uint32_t width = 0;

    while (width < 32 && most >> width)
        width++;
    return width;
}

static uint32_t alarm_window_width(const alarm_constants *k)
{
    return alarm_width(k->window);
}

static uint32_t alarm_quiet_width(const alarm_constants *k)
{
    return k->clear_time > 0 ? 0 : alarm_width(k->clear_points);
}

size_t tocsin__alarm_record_size(const void *constants)
{
    const alarm_constants *k = constants;
    const uint32_t bits =
        k->tiers * alarm_window_width(k) + ALARM_EPISODE_BITS + alarm_quiet_width(k);

    return sizeof(int64_t) * (k->clear_time > 0 ? 2 : 1) +
           k->tiers * (sizeof(int32_t) + sizeof(uint16_t)) + sizeof(uint16_t) + (bits + 7) / 8;
}

/* Bits one behind the other, the lowest of each byte first. */
typedef struct {
    uint8_t *at;
    uint32_t used;
} alarm_bit_writer;

static void alarm_put_bits(alarm_bit_writer *w, uint32_t value, uint32_t width)
{
    while (width > 0) {
        const uint32_t part = 8 - w->used < width ? 8 - w->used : width;
        const uint32_t low = value & ((1u << part) - 1);

        *w->at = (uint8_t)((w->used ? *w->at : 0) | low << w->used);
        value >>= part;
        width -= part;
        w->used += part;
        w->at += w->used / 8;
        w->used %= 8;
    }
}

typedef struct {
    const uint8_t *at;
    uint32_t used;
} alarm_bit_reader;

static uint32_t alarm_get_bits(alarm_bit_reader *r, uint32_t width)
{
    uint32_t value = 0;

    for (uint32_t done = 0; done < width;) {
        const uint32_t part = 8 - r->used < width - done ? 8 - r->used : width - done;

        value |= (((uint32_t)*r->at >> r->used) & ((1u << part) - 1)) << done;
        done += part;
        r->used += part;
        r->at += r->used / 8;
        r->used %= 8;
    }
    return value;
}

void tocsin__alarm_pack(const void *constants, const void *state, uint8_t *record)
{
    const alarm_constants *k = constants;
    const alarm_state *s = state;
    const uint16_t alarms = (uint16_t)s->alarms;
    alarm_bit_writer bits;

    memcpy(record, &s->since, sizeof s->since);
    record += sizeof s->since;
    if (k->clear_time > 0) {
        memcpy(record, &s->unquiet, sizeof s->unquiet);
        record += sizeof s->unquiet;
    }
    for (uint32_t t = 0; t < k->tiers; t++) {
        const int32_t units = s->exceeded[t] == TOCSIN_TIME_NONE
                                  ? ALARM_NONE_YET
                                  : alarm_units_after(k->shift[t], s->since, s->exceeded[t]);
        const uint16_t peak = alarm_peak_code(s->peak[t]);

        memcpy(record, &units, sizeof units);
        memcpy(record + sizeof units, &peak, sizeof peak);
        record += sizeof units + sizeof peak;
    }
    memcpy(record, &alarms, sizeof alarms);
    bits.at = record + sizeof alarms;
    bits.used = 0;
    for (uint32_t t = 0; t < k->tiers; t++)
        alarm_put_bits(&bits, s->window[t], alarm_window_width(k));
    alarm_put_bits(&bits, s->is_absence ? ALARM_ABSENCE : s->tier, ALARM_EPISODE_BITS);
    alarm_put_bits(&bits, s->quiet, alarm_quiet_width(k));
}

void tocsin__alarm_unpack(const void *constants, const uint8_t *record, void *state)
{
    const alarm_constants *k = constants;
    alarm_state *s = state;
    alarm_bit_reader bits;
    uint16_t alarms;
    uint32_t episode;

    alarm_init(k, s);
    memcpy(&s->since, record, sizeof s->since);
    record += sizeof s->since;
    if (k->clear_time > 0) {
        memcpy(&s->unquiet, record, sizeof s->unquiet);
        record += sizeof s->unquiet;
    }
    for (uint32_t t = 0; t < k->tiers; t++) {
        int32_t units;
        uint16_t peak;

        memcpy(&units, record, sizeof units);
        memcpy(&peak, record + sizeof units, sizeof peak);
        if (units != ALARM_NONE_YET)
            s->exceeded[t] = alarm_units_time(k->shift[t], s->since, units);
        s->peak[t] = alarm_peak_of(peak);
        record += sizeof units + sizeof peak;
    }
    memcpy(&alarms, record, sizeof alarms);
    s->alarms = alarms;
    bits.at = record + sizeof alarms;
    bits.used = 0;
    for (uint32_t t = 0; t < k->tiers; t++)
        s->window[t] = alarm_get_bits(&bits, alarm_window_width(k));
    episode = alarm_get_bits(&bits, ALARM_EPISODE_BITS);
    s->tier = (uint8_t)(episode == ALARM_ABSENCE ? TOCSIN_TIER_PAGE : episode);
    s->is_absence = episode == ALARM_ABSENCE;
    s->quiet = alarm_get_bits(&bits, alarm_quiet_width(k));
}

const tocsin__stage tocsin__stage_alarm = {
    .name = "alarm",
    .summary = "decides when to ring: budgets, n of m, hysteresis, dead time",
    .reference = "",
    .kind = TOCSIN_STAGE_ALARM,
    .rank = TOCSIN__RANK_ALARM,
    .is_default = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = alarm_params,
    .param_count = TOCSIN__COUNT(alarm_params),
    .constants_size = sizeof(alarm_constants),
    .layout = {sizeof(alarm_state), alarm_fields, TOCSIN__COUNT(alarm_fields)},
    .resolve = alarm_resolve,
    .init = alarm_init,
    .explain = alarm_explain,
    .budgets = alarm_budgets,
    .decide = alarm_decide,
};
