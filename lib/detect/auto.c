/* auto.c - the detector for people who do not want to choose.
 *
 * No single statistic finds everything: a spike in a one-minute series shows in the step from one
 * value to the next, a lasting shift in a mean over some of them, a livelier time in a mean of sizes.
 * So there are seven channels, and each is measured against its own history: the most surprising
 * one speaks, and its name is the reason.
 *
 * Model
 * -----
 * A level and a deviation with exponential weights (half-life 2000 points; arithmetic ones at the
 * start); what lies more than 4 deviations out is learnt as if it lay there, and the deviation has
 * floors (residual.h).  One of them is a share of the largest residual remembered, the reach: what
 * has burst to 500 has no scale of its own while it rests at 0, and ripples of 0.1 are no news.
 * Unlike elsewhere the reach takes residuals as they come, but a sentinel of 1e9 for half a day must
 * not make the detector blind: each point raises it fourfold at most, only the first 16 points of
 * what is strange do, and 200 deviations are all that is remembered unless the series mostly rests.
 * It fades over 8 windows of points that move.  About the level two profiles, in civil time (UTC
 * unless the clock has a `timezone`): 48 half hours of the day, read with linear interpolation, and
 * on what they leave 168 hours of the week.  Each slot's mean is shrunk by n / (n + 3), of the week
 * by n / (n + 2), n its visits.  A profile counts only while it pays: the day's while the mean
 * absolute residual with it is less than 0.95 of that without, the week's while both together save
 * another tenth.
 * Each half hour also has a mean absolute residual and a mean absolute step of its own, as a
 * multiple of the common one and shrunk to 1 by n / (n + 5), so that a night is not judged by the
 * day's noise.  What seasons leave is forgotten no more slowly than seasons are: the deviation
 * must not lag behind what was learnt.  With steps of a quarter of an hour and more a profile takes
 * weeks to be known; until a half hour was met 30 times, what was left lately counts three times
 * as much as in a plain mean.
 *
 *     z = (x - level - season) / deviation of that half hour
 *
 * A period nobody knows of is looked for, too, in what those seasons leave: a job every 90 minutes,
 * a cron every four hours, seven points.  80 bins hold a mean over a step each.  Whenever they are
 * full, their autocorrelation r is searched for a lag p with a peak r(p) that comes back at 2p; its
 * later peaks make p finer, and of all within its error the roundest is taken, for periods are made
 * by people.  Where there is none, of the later half each two bins become one, until they are some
 * hours long and the search begins again.  The bins' memory then serves a profile of it, of 64 slots
 * or one per step, whichever is fewer.  It is on trial for eight periods: only if from the third on
 * it predicts what comes with less than 0.8 of the mean absolute residual from a mean over two
 * periods it counts, and no longer than it stays below 0.92.  Each value is predicted before it is
 * learnt, so noise gains nothing.  In the first four days what is a part of a day, down to a
 * twelfth, is left to the day's profile, and where that counts, so is what is no longer than an
 * hour: its half hours, not all seen yet, look like a period.  When the use of the other seasons
 * changes, or what is usual is begun anew, it must prove itself again.
 *
 * Channels, each >= 0 and in deviations of its own past:
 *
 *     residual    |z|                                                 spike, drop, season
 *     step        |x_t - x_{t-1}|                                     spike, drop
 *     departure   |z - mean of z over 60 points|                      spike, drop
 *     short-mean  |mean of z over 3 points|                           level
 *     long-mean   |mean of z over 30 points|                          level
 *     record      1.5 times the excess over the largest value so far  spike, drop
 *     unrest      mean over 15 points of the larger of the first two  variance
 *
 * Means of z take it limited to +-6.  Deviations of channels are exponentially weighted root mean
 * squares, winsorised at 4, and are at least what they would be were z white noise.
 *
 * Relearning
 * ----------
 * A series may change for good: its level, its scale, the phase of its season.  The clock that tells
 * such a change from an incident runs while |z| > 2, and a sixth as fast backwards while it is not.
 * When it has run for `relearn`, a day, what was seen since it started is what is usual now: level
 * and deviations are set to those of that time, the season is kept if it still pays there and begun
 * anew otherwise, and all means are plain ones again until they are as long as weights last.  Until
 * then not even an outage is normal: after `hold`, half a day, what is strange is learnt at a tenth
 * of the pace.  Neither happens before the series is known for 14 times `relearn`: a first weekend is
 * no incident.
 *
 * Kinds
 * -----
 * `kind` says what the metric is to the people who are called for it: the scale on which its noise
 * is alike at all levels, and whether a drop is worth a call.
 *
 *     any          as it is       rises and drops
 *     latency      logarithm      rises           what is not > 0 counts as the least seen
 *     errors       square root    rises           counts or rates of what should not be
 *     traffic      square root    rises and drops
 *     saturation   as it is       rises           shares of what there is: memory, queues
 *     counter      square root    rises and drops of the rate: counter | auto kind=counter
 *
 * Floors are the metric's on each scale, and so are what is expected, its deviation and the band,
 * which is not symmetric then.  A drop that is not called for is learnt like a rise.  Two tiers are
 * the alarm's: auto kind=latency | tail | alarm ticket=1/day budget=1/month.
 *
 * Bars (state/bars.h) learn how high each channel reaches per block of 100 points, and per 200; four
 * times as long for long-mean, whose values are alike for a while.  With e, the smaller of
 * both excesses, the statistic is
 *
 *     exp(1.1 + 0.46 e) - 1           where e >= 0,
 *     2 f / top                       below, where nobody is interested and a logarithm saved.
 *
 * All channels so have one scale, which can be read as deviations: a usual block's maximum reads 2,
 * and 1.1 and 0.46 are where bars begin, so that at first a channel reads about what it is.  The
 * calibrator turns it into a rate.
 *
 * References: Roberts 1959; Finch 2009; Brutlag 2000 on deviations per slot; Gumbel 1958; James and
 * Stein 1961 on shrinkage.
 *
 * Cost: five square roots and a dozen divisions per point; logarithms only above a bar; a search
 * of 2,900 multiplications after 60 to 80 bins.  2,280 bytes per series, 320 less without the
 * search for a period.
 *
 * How it fails.  An unknown period is found only if it is longer than three steps, shows in 80
 * bins and keeps its phase: one that is not round drifts from its profile and is given up.  Of
 * several only one is found; none longer than four days, unless steps are.  A season of a week
 * that changes takes weeks to be learnt anew.  An outage of more than `relearn` is what is usual,
 * and its end an incident.  A record is broken by a trend again and again, until the bar has
 * learnt it.  Profiles are floats: beyond +-1e38 they are limited.
 */
#include "../state/bars.h"
#include "residual.h"

enum {
    AUTO_KIND,
    AUTO_HALF_LIFE,
    AUTO_SEASON,
    AUTO_SEASON_MEMORY,
    AUTO_HOLD,
    AUTO_RELEARN,
    AUTO_CLIP,
    AUTO_FLOOR,
    AUTO_FLOOR_RELATIVE,
    AUTO_FLOOR_HISTORY,
    AUTO_WARMUP
};

static const tocsin__param auto_params[] = {
    {"kind", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "any", 0, 0,
     "any|latency|errors|traffic|saturation|counter",
     "what the metric is: on which scale it is told, and whether a drop is one"},
    {"half-life", TOCSIN_TYPE_SPAN, 1, 0, 0, "", "2000p", 1e-3, 3.2e9, "",
     "time, or points, after which a value counts half for level and deviations"},
    {"season", TOCSIN_TYPE_CHOICE, 1, 1, 0, "", "auto", 0, 0, "auto|off|calendar",
     "which seasons are looked for: calendar: a day and a week; auto: also one nobody knows of"},
    {"season-memory", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "7d", 86400, 3.2e9, "",
     "time after which a day counts half for the season, a week after as many weeks"},
    {"hold", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "12h", 0, 3.2e9, "",
     "how long what is strange is learnt like anything; then at a tenth of the pace"},
    {"relearn", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "1d", 60, 3.2e9, "",
     "how long what is strange must last to be what is usual; known for 14 times as long"},
    {"clip", TOCSIN_TYPE_NUMBER, 1, 0, 0, "deviations", "4", 1, 1e6, "",
     "what lies farther out is learnt as if it lay there"},
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",
     "the deviation is never taken for less"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the level", "0.1%", 0, 1, "",
     "nor for less than this share of the level"},
    {"floor-history", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the largest residual", "0.5%", 0, 1, "",
     "nor for less than this share of the largest residual remembered"},
    {"warmup", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "32", 16, 65535, "",
     "points before the first verdict"},
};

enum { AUTO_SEASON_AUTO, AUTO_SEASON_OFF, AUTO_SEASON_CALENDAR };

/* The scale a model works on. */
enum { AUTO_PLAIN, AUTO_ROOT, AUTO_LOG };

static const struct {
    uint32_t scale;
    double drop;            /* what a drop counts beside a rise */
} auto_kinds[] = {
    {AUTO_PLAIN, 1},        /* any */
    {AUTO_LOG, 0},          /* latency */
    {AUTO_ROOT, 0},         /* errors */
    {AUTO_ROOT, 1},         /* traffic */
    {AUTO_PLAIN, 0},        /* saturation */
    {AUTO_ROOT, 1},         /* counter */
};

/* Channels. */
enum {
    AUTO_RESIDUAL,
    AUTO_STEP,
    AUTO_DEPARTURE,
    AUTO_SHORT_MEAN,
    AUTO_LONG_MEAN,
    AUTO_RECORD,
    AUTO_UNREST,
    AUTO_CHANNELS,
    AUTO_NOTE = AUTO_CHANNELS
};

static const char *const auto_channels[AUTO_CHANNELS] = {
    "residual", "step", "departure", "short-mean", "long-mean", "record", "unrest",
};

/* The channels' deviations that are remembered. */
enum { AUTO_OF_STEP, AUTO_OF_DEPARTURE, AUTO_OF_SHORT, AUTO_OF_LONG, AUTO_SCALES };

#define AUTO_DAY_SLOTS 48
#define AUTO_WEEK_SLOTS 168
#define AUTO_DAY_SHRINKAGE 3.0      /* visits at which a slot's mean counts half */
#define AUTO_WEEK_SHRINKAGE 2.0
#define AUTO_LIVELY_SHRINKAGE 5.0
#define AUTO_DAY_PAYS 0.95          /* of the mean absolute residual without it */
#define AUTO_WEEK_PAYS 0.9
#define AUTO_LIVELY_MIN 0.5
#define AUTO_LIVELY_MAX 64.0
#define AUTO_RATIO_MIN (1.0 / 256)  /* of those that are remembered, ... */
#define AUTO_RATIO_BITS (119u << 23)    /* ... as a float's bits; see auto_ratio_code() */
#define AUTO_RATIO_ONE 32768u       /* codes: of 1, and of AUTO_LIVELY_MAX */
#define AUTO_RATIO_MAX 57344u
#define AUTO_TO_STANDARD 1.2533     /* sqrt(pi/2): standard / mean deviation */
#define AUTO_LN2 0.693147180559945309
#define AUTO_SIZE_GAIN_MAX 0.01     /* of what seasons leave, but for a young series */
#define AUTO_SETTLED 30u            /* visits after which a slot is known */
#define AUTO_SETTLING 3.0           /* times a plain mean's gain, until then, ... */
#define AUTO_SETTLING_MAX 0.02
#define AUTO_SLOW_STEP (900 * (double)TOCSIN_SECOND)    /* ... if slots are met twice a day at most */
#define AUTO_STEP_MEMORY 50.0       /* points, of the mean time between them */
#define AUTO_STEP_GAP 4.0           /* steps a gap counts as */
#define AUTO_UNKNOWN_MEMORY 3000.0  /* points, where the step is not known */
#define AUTO_BEGIN 16u              /* points before a channel is measured */
#define AUTO_YOUNG 8u               /* points that are not winsorised */
#define AUTO_TRUST 4.0              /* confidence is full after so many warm-ups */

/* An unknown period. */
#define AUTO_BINS 80u               /* of a search, in the place of the profile's slots */
#define AUTO_PERIOD_SLOTS 64u
#define AUTO_LAG_MIN 3u             /* bins */
#define AUTO_LAG_MAX (AUTO_BINS / 3)
#define AUTO_LAG_AGAIN (2 * AUTO_LAG_MAX)
#define AUTO_PEAK 0.3               /* of r(p) + r(2p) / 2, at least */
#define AUTO_FUNDAMENTAL 0.8        /* of the best peak, at which a shorter period is taken */
#define AUTO_BIN_MAX (4.0 * (double)TOCSIN_HOUR)
#define AUTO_BIN_GAP 8.0            /* bins without a point that end a search */
#define AUTO_KNOWN_WIDTH 0.03       /* as near a day or a week it is one */
#define AUTO_DAY_PARTS 12.5         /* longer parts of a day are its profile's to find at first: ... */
#define AUTO_DAY_LEARNT 4.0         /* for so many days */
#define AUTO_DAY_SLOT_TWICE (2.5 / AUTO_DAY_SLOTS)  /* and an hour or less, where that counts */
#define AUTO_PERIOD_MEMORY 16.0     /* periods, of the profile */
#define AUTO_GAIN_MEMORY 8.0        /* periods, of what it gains ... */
#define AUTO_GAIN_POINTS 256.0      /* ... and points, at least */
#define AUTO_PERIOD_LEARNT 2.0      /* periods after which a gain is measured */
#define AUTO_PERIOD_HOPELESS 4.0    /* after which there must be one */
#define AUTO_PERIOD_TRIAL 8.0       /* after which it must be so much */
#define AUTO_PERIOD_POINTS 64.0     /* measured before either */
#define AUTO_PERIOD_PAYS 0.8
#define AUTO_PERIOD_DROPPED 0.92

#define AUTO_Z_MAX 6.0             /* of a mean's share */
#define AUTO_DEPARTURE_SPAN 60.0    /* points */
#define AUTO_SHORT_SPAN 3.0
#define AUTO_LONG_SPAN 30.0
#define AUTO_UNREST_GAIN (AUTO_LN2 / 15.0)
#define AUTO_UNREST_MAX 6.0
#define AUTO_RECORD_WEIGHT 1.5
#define AUTO_WINSOR 4.0
#define AUTO_FAR 1e3                /* z that is as good as any */

/* The reach. */
#define AUTO_REACH_MAX 200.0        /* deviations that are remembered, at most, ... */
#define AUTO_REACH_OF_BURSTS 1e4    /* ... of a series that mostly rests: ... */
#define AUTO_MOSTLY_RESTS 0.5       /* ... mean |residual|, in deviations */
#define AUTO_REACH_GROWTH 4.0       /* of what is remembered, by a point, ... */
#define AUTO_REACH_NEWS 16u         /* ... if it is not later in what is strange */
#define AUTO_REACH_WINDOWS 8.0      /* over which it fades, ... */
#define AUTO_RESTS 0.3              /* ... while points move by so many deviations */
#define AUTO_REACH_LEARNT 1e-3      /* of it: what learning takes for the deviation, at least */

/* The least variances of channels: what they are where z is white noise. */
#define AUTO_LEAST_DEPARTURE 1.0
#define AUTO_LEAST_SHORT 0.2
#define AUTO_LEAST_LONG 0.0169

#define AUTO_STRANGE 2.0            /* |z| of what may be a new normal */
#define AUTO_STRANGE_MAX 1e19       /* ns */
#define AUTO_DOUBT (1.0 / 6)        /* of its time, that other points take away */
#define AUTO_NEW_POINTS 16.0        /* of a new normal, at least */
#define AUTO_KNOWN 14.0             /* of that time, before which nothing is held or begun anew */
#define AUTO_HELD 0.1               /* of the gain while learning is held */

#define AUTO_BLOCK 100u             /* points */
#define AUTO_LONG_BLOCKS 4u         /* so many of them for long-mean */
#define AUTO_READING_AT_BAR 1.1     /* log(1 + statistic) at e = 0, and per e */
#define AUTO_READING_SLOPE 0.46
#define AUTO_AT_BAR 2.0041660239464331      /* exp(1.1) - 1 */

/* What a channel's excess is worth beside the others'. */
static const double auto_weight[AUTO_CHANNELS] = {1, 1, 1, 1, 1, 1, 0.7};
static const double auto_offset[AUTO_CHANNELS] = {0.1, 0, 0.2, 0, 0, 0, 0};

/* The arrays, in the order of the field table. */
enum { AUTO_PROFILE, AUTO_LIVELY, AUTO_BARS, AUTO_PEAKS, AUTO_EASE, AUTO_PERIOD, AUTO_ARRAYS };

#define AUTO_PROFILE_FLOATS (AUTO_DAY_SLOTS + AUTO_WEEK_SLOTS)  /* means: of the day, of the week */
#define AUTO_LIVELY_RATIOS (2 * AUTO_DAY_SLOTS) /* of the day: |residual|, |step| / the common ones */
#define AUTO_BARS_FLOATS (2 * AUTO_CHANNELS * TOCSIN__BAR_FLOATS)
#define AUTO_PEAKS_FLOATS (2 * AUTO_LANES)    /* of the block under way; of its pair's first block */
#define AUTO_LANES 8u               /* channels with one that is always 0: whole registers */

typedef struct {
    tocsin__residual_rules rules;
    double gain;            /* per point */
    double rate;            /* per ns; 0: per point */
    double day_rate;        /* of a slot's gain, per ns of step */
    double week_rate;
    double step;            /* nominal, ns; 0: nobody said */
    double trust;           /* confidence per point */
    double hold, relearn;   /* ns */
    double drop;            /* what a drop counts beside a rise */
    double size_rate;       /* of the gain of what seasons leave, per ns of step, at least */
    double floor_learnt;    /* share of the reach, for learning */
    double reach_fade;      /* per point */
    uint32_t scale;
    uint32_t spare;
    uint32_t season;
    uint32_t warmup;
    uint64_t array[AUTO_ARRAYS];    /* offsets in the state */
    tocsin__zone zone;
} auto_constants;

typedef struct {
    double level;
    double variance;
    double reach;                   /* largest |residual| remembered */
    double step;                    /* mean time between points, ns; 0: not known */
    double bare;                    /* mean |residual| without a season ... */
    double with_day;                /* ... with the day's ... */
    double with_week;               /* ... and with the week's too */
    double stride;                  /* mean |step| */
    double last;                    /* value */
    double lowest, highest;         /* values so far */
    double slow_mean;               /* of z: departure's */
    double short_mean, long_mean;
    double unrest;
    double scale[AUTO_SCALES];      /* variances */
    double strange;                 /* ns for which the series has been unlike itself; and since then */
    double new_level, new_size;     /* mean of what the season leaves, mean distance from it */
    double new_bare_level, new_bare;    /* the same of all */
    double bin_width;               /* ns; 0: no search has begun */
    double bin_at;                  /* ns since the bin under way began */
    double bin_sum;                 /* of its points */
    double period;                  /* ns; 0: none known, bins are filled */
    double phase;                   /* of the last point learnt, ns */
    double cycles;                  /* periods since it was found */
    double recent;                  /* mean over some periods of what the other seasons leave ... */
    double off_recent;              /* ... mean distance from it ... */
    double off_profile;             /* ... and from it and the profile */
    double with_period;             /* mean |residual| with the profile */
    uint32_t bin_points;
    uint32_t bins;                  /* filled */
    uint32_t slots;                 /* of the period's profile */
    uint16_t counts_period;         /* it has proved itself */
    uint16_t basis;                 /* the other seasons in use meanwhile */
    uint32_t new_count;             /* points of it */
    uint32_t age;                   /* points since what is usual now began */
    uint32_t count;                 /* points learnt */
    uint32_t blocks[2];             /* ended: the bars', and long-mean's */
    uint16_t block[2];              /* points in those under way */
    uint16_t day_visits[AUTO_DAY_SLOTS];
    uint8_t week_visits[AUTO_WEEK_SLOTS];
} auto_state;

#define AUTO_NS_MAX 4e19            /* ns, of times between points and multiples of them */
#define AUTO_UNIT(member, min, max) TOCSIN__FIELD(auto_state, member, F64, min, max)
#define AUTO_VALUE(member) AUTO_UNIT(member, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX)
#define AUTO_SIZE(member) AUTO_UNIT(member, 0, 1e151)

static const tocsin__field auto_fields[] = {
    AUTO_VALUE(level),
    AUTO_UNIT(variance, 0, 1e301),
    AUTO_SIZE(reach),
    AUTO_UNIT(step, 0, 2e19),
    AUTO_SIZE(bare),
    AUTO_SIZE(with_day),
    AUTO_SIZE(with_week),
    AUTO_SIZE(stride),
    AUTO_VALUE(last),
    AUTO_VALUE(lowest),
    AUTO_VALUE(highest),
    AUTO_UNIT(slow_mean, -100, 100),
    AUTO_UNIT(short_mean, -100, 100),
    AUTO_UNIT(long_mean, -100, 100),
    AUTO_UNIT(unrest, 0, 100),
    AUTO_UNIT(scale, 0, 1e303),
    AUTO_UNIT(strange, 0, AUTO_STRANGE_MAX),
    AUTO_VALUE(new_level),
    AUTO_SIZE(new_size),
    AUTO_VALUE(new_bare_level),
    AUTO_SIZE(new_bare),
    AUTO_UNIT(bin_width, 0, AUTO_NS_MAX),
    AUTO_UNIT(bin_at, 0, AUTO_NS_MAX),
    AUTO_UNIT(bin_sum, -1e18, 1e18),
    AUTO_UNIT(period, 0, AUTO_NS_MAX),
    AUTO_UNIT(phase, 0, AUTO_NS_MAX),
    AUTO_UNIT(cycles, 0, 1e300),
    AUTO_UNIT(recent, -1e151, 1e151),
    AUTO_SIZE(off_recent),
    AUTO_SIZE(off_profile),
    AUTO_SIZE(with_period),
    TOCSIN__FIELD(auto_state, bin_points, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(auto_state, bins, U32, 0, AUTO_BINS - 1),
    TOCSIN__FIELD(auto_state, slots, U32, 0, AUTO_PERIOD_SLOTS),
    TOCSIN__FIELD(auto_state, counts_period, U16, 0, 1),
    TOCSIN__FIELD(auto_state, basis, U16, 0, 3),
    TOCSIN__FIELD(auto_state, new_count, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(auto_state, age, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(auto_state, count, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(auto_state, blocks, U32, 0, UINT32_MAX),
    TOCSIN__FIELD(auto_state, block, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(auto_state, day_visits, U16, 0, UINT16_MAX),
    TOCSIN__FIELD(auto_state, week_visits, U8, 0, UINT8_MAX),
    TOCSIN__ARRAY("profile", REAL, AUTO_PROFILE, -TOCSIN__REAL_MAX, TOCSIN__REAL_MAX),
    TOCSIN__ARRAY("lively", U16, AUTO_LIVELY, 0, AUTO_RATIO_MAX),
    TOCSIN__ARRAY("bars", REAL, AUTO_BARS, 0, 1e6),
    TOCSIN__ARRAY("peaks", REAL, AUTO_PEAKS, 0, TOCSIN__BAR_STATISTIC_MAX),
    TOCSIN__ARRAY("ease", REAL, AUTO_EASE, 0, 1e6),
    TOCSIN__ARRAY("recurring", REAL, AUTO_PERIOD, -TOCSIN__REAL_MAX, TOCSIN__REAL_MAX),
};

static const tocsin__layout auto_layout = {sizeof(auto_state), auto_fields,
                                           TOCSIN__COUNT(auto_fields)};

/* ---- Parameters ------------------------------------------------------------ */

static int auto_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    auto_constants *k = constants;
    const tocsin_value *half_life = &values[AUTO_HALF_LIFE].item[0];
    const double season_memory = (double)values[AUTO_SEASON_MEMORY].item[0].duration;
    double memory = AUTO_UNKNOWN_MEMORY;

    (void)complaint;
    k->scale = auto_kinds[(size_t)values[AUTO_KIND].item[0].number].scale;
    k->drop = auto_kinds[(size_t)values[AUTO_KIND].item[0].number].drop;
    k->step = (double)context->step;
    k->zone = context->zone;
    if (half_life->form == TOCSIN_VALUE_POINTS) {
        k->gain = -tocsin__expm1(-AUTO_LN2 / half_life->number);
        memory = 1 / k->gain;
    } else {
        k->rate = AUTO_LN2 / (double)half_life->duration;
        if (context->step > 0)
            memory = 1 / (k->rate * (double)context->step);
    }
    /* A slot takes one in so many points, so a point weighs so much more in it. */
    k->day_rate = AUTO_LN2 * AUTO_DAY_SLOTS / season_memory;
    k->week_rate = AUTO_LN2 * AUTO_WEEK_SLOTS / (7 * season_memory);
    k->size_rate = AUTO_LN2 / season_memory;
    k->season = (uint32_t)values[AUTO_SEASON].item[0].number;
    k->warmup = (uint32_t)values[AUTO_WARMUP].item[0].number;
    k->hold = (double)values[AUTO_HOLD].item[0].duration;
    k->relearn = (double)values[AUTO_RELEARN].item[0].duration;
    k->trust = 1 / (AUTO_TRUST * k->warmup);
    tocsin__residual_rules_init(&k->rules, values[AUTO_CLIP].item[0].number,
                                values[AUTO_FLOOR].item[0].number,
                                values[AUTO_FLOOR_RELATIVE].item[0].number,
                                values[AUTO_FLOOR_HISTORY].item[0].number, memory, TOCSIN__DOUBLE);
    k->floor_learnt = tocsin__min(k->rules.floor_history, AUTO_REACH_LEARNT);
    k->reach_fade = k->rules.per_window / AUTO_REACH_WINDOWS;
    shape->precision = TOCSIN__MIXED;
    shape->length[AUTO_PROFILE] = AUTO_PROFILE_FLOATS;
    shape->length[AUTO_LIVELY] = AUTO_LIVELY_RATIOS;
    shape->length[AUTO_BARS] = AUTO_BARS_FLOATS;
    shape->length[AUTO_PEAKS] = AUTO_PEAKS_FLOATS;
    shape->length[AUTO_EASE] = AUTO_LANES;
    shape->length[AUTO_PERIOD] = k->season == AUTO_SEASON_AUTO ? AUTO_BINS : 0;
    for (uint32_t i = 0; i < AUTO_ARRAYS; i++)
        k->array[i] = tocsin__layout_array(&auto_layout, shape, i);
    return TOCSIN_OK;
}

static size_t auto_warmup(const void *constants)
{
    return ((const auto_constants *)constants)->warmup;
}

/* ---- The state's arrays ------------------------------------------------------ */

/* They stand behind the struct always: no kernel keeps this detector in columns. */
static inline float *auto_floats(const auto_constants *k, const auto_state *s, uint32_t array)
{
    return (float *)(void *)((char *)(uintptr_t)s + k->array[array]);
}

static inline uint16_t *auto_lively(const auto_constants *k, const auto_state *s)
{
    return (uint16_t *)(void *)((char *)(uintptr_t)s + k->array[AUTO_LIVELY]);
}

/* A ratio is remembered in 16 bits: a float's four lowest bits of exponent, from 2^-8 on, and
 * twelve of its fraction. */
static inline double auto_ratio_of(uint16_t code)
{
    const uint32_t bits = AUTO_RATIO_BITS + ((uint32_t)code << 11);
    float ratio;

    memcpy(&ratio, &bits, sizeof ratio);
    return (double)ratio;
}

/* Means move by less than that: they are rounded up as often as the rest asks for, by a sequence
 * that fills the range between two codes evenly (Weyl 1916). */
static inline uint16_t auto_ratio_code(double ratio, uint32_t count)
{
    const float rounded = (float)tocsin__clamp(ratio, AUTO_RATIO_MIN, AUTO_LIVELY_MAX);
    uint32_t bits;

    memcpy(&bits, &rounded, sizeof bits);
    return (uint16_t)((bits - AUTO_RATIO_BITS + (count * 0x9E3779B9u >> 21)) >> 11);
}

/* A channel's two bars stand side by side. */
static inline tocsin__bar *auto_bars(const auto_constants *k, const auto_state *s)
{
    return (tocsin__bar *)(void *)auto_floats(k, s, AUTO_BARS);
}

/* What a channel's statistic is multiplied by to be read, up to the higher of its bars. */
static void auto_ease(const auto_constants *k, const auto_state *s, uint32_t channel)
{
    const tocsin__bar *bars = &auto_bars(k, s)[2 * channel];

    auto_floats(k, s, AUTO_EASE)[channel] =
        (float)(AUTO_AT_BAR / tocsin__bar_statistic(&bars[bars[1].mean > bars[0].mean], 0));
}

static void auto_init(const void *constants, void *state)
{
    const auto_constants *k = constants;
    uint16_t *lively = auto_lively(k, state);
    tocsin__bar *bars = auto_bars(k, state);

    for (size_t i = 0; i < AUTO_LIVELY_RATIOS; i++)
        lively[i] = AUTO_RATIO_ONE;
    for (uint32_t c = 0; c < AUTO_CHANNELS; c++) {
        tocsin__bar_init(&bars[2 * c]);
        tocsin__bar_init(&bars[2 * c + 1]);
        auto_ease(k, state, c);
    }
}

/* ---- The scale ------------------------------------------------------------------ */

/* A point's value on the model's scale.  What has no logarithm stands for the least there was. */
static inline double auto_value(const auto_constants *k, const auto_state *s, double value)
{
    if (k->scale == AUTO_PLAIN)
        return value;
    if (k->scale == AUTO_ROOT)
        return tocsin__sqrt(tocsin__max(value, 0));
    return value > 0 ? tocsin__log(value) : s->lowest;
}

/* And back. */
static double auto_metric(const auto_constants *k, double value)
{
    if (k->scale == AUTO_PLAIN)
        return value;
    if (k->scale == AUTO_ROOT)
        return tocsin__max(value, 0) * tocsin__max(value, 0);
    return tocsin__min(tocsin__exp(value), TOCSIN__VALUE_MAX);
}

/* How many of the metric's units one unit of the scale is near a value. */
static double auto_unit(const auto_constants *k, double value)
{
    if (k->scale == AUTO_PLAIN)
        return 1;
    return tocsin__max(k->scale == AUTO_ROOT ? 2 * value : auto_metric(k, value),
                       TOCSIN__DEVIATION_MIN);
}

/* The deviation's floor on the scale, with that share of the reach; the others are the metric's. */
static inline double auto_floor(const auto_constants *k, const auto_state *s, double of_reach)
{
    const double share = k->scale == AUTO_PLAIN  ? tocsin__abs(s->level)
                         : k->scale == AUTO_ROOT ? tocsin__abs(s->level) / 2
                                                 : 1;
    double floor = k->rules.floor;

    if (k->scale != AUTO_PLAIN && floor > 0)
        floor = tocsin__min(floor / auto_unit(k, s->level), TOCSIN__VALUE_MAX);
    return tocsin__max(tocsin__max(floor, k->rules.floor_relative * share), of_reach * s->reach);
}

/* ---- Looking at a point -------------------------------------------------------- */

/* All there is to say of a point before it is learnt. */
typedef struct {
    double value;                   /* on the model's scale */
    double gain, size_gain, held;
    double residual;                /* from the level */
    double deviation;               /* the level's ... */
    double sigma, floor;            /* ... no less than for learning; for reading */
    double after_day, after_week;   /* residuals that the profiles leave */
    double season;                  /* what the profiles in use add to the level */
    double surprise;                /* the residual that is left */
    double common;                  /* mean size of such a one */
    double spread;                  /* standard deviation it is told in */
    double z, limited;              /* and told in it; within +-AUTO_Z_MAX */
    double step, common_step;       /* in the value's unit; as if at a usual time of the day */
    double slow_mean, short_mean, long_mean, unrest;
    double size[AUTO_SCALES];       /* of the channels with deviations of their own ... */
    double variance[AUTO_SCALES];   /* ... and these, squared, no less than their floors */
    double step_deviation;
    double statistic[AUTO_LANES];
    uint32_t day_slot, week_slot;
    uint32_t uses_day, uses_week, uses_period, is_floored, is_known;
    double before_period;           /* residual that day and week leave, where they count */
    double phase;                   /* of the period, ns */
    double recurring;               /* what its profile says */
    uint32_t period_slot;
} auto_view;

/* Time since the last multiple of a period. */
static int64_t auto_phase(int64_t time, int64_t period)
{
    const int64_t rest = time % period;

    return rest < 0 ? rest + period : rest;
}

/* What both profiles say of a civil time. */
static inline void auto_look_at_season(const auto_constants *k, const auto_state *s, int64_t time,
                                       auto_view *view)
{
    const float *profile = auto_floats(k, s, AUTO_PROFILE);
    const int64_t of_week = auto_phase(time, TOCSIN_WEEK);
    const double at = (double)(of_week % TOCSIN_DAY) * (AUTO_DAY_SLOTS / (double)TOCSIN_DAY);
    const uint32_t slot = (uint32_t)at;
    const double aside = at - slot - 0.5;       /* from the slot's middle, in slots */
    const uint32_t next = aside < 0 ? (slot > 0 ? slot - 1 : AUTO_DAY_SLOTS - 1)
                                    : (slot + 1 < AUTO_DAY_SLOTS ? slot + 1 : 0);
    double day = (double)profile[slot];

    view->day_slot = slot;
    view->week_slot = (uint32_t)(of_week / TOCSIN_HOUR);
    if (s->day_visits[slot] > 0 && s->day_visits[next] > 0)
        day += tocsin__abs(aside) * ((double)profile[next] - day);

    const double week = (double)profile[AUTO_DAY_SLOTS + view->week_slot];

    view->after_day = view->residual - day;
    view->after_week = view->after_day - week;
    view->uses_day = s->count >= AUTO_BEGIN && s->with_day < AUTO_DAY_PAYS * s->bare;
    view->uses_week = s->count >= AUTO_BEGIN &&
                      s->with_week < AUTO_WEEK_PAYS * tocsin__min(s->bare, s->with_day);
    view->season = view->uses_week ? day + week : view->uses_day ? day : 0;
}

/* Where in the period a point lies, and what is usual there. */
static inline void auto_look_at_period(const auto_constants *k, const auto_state *s,
                                       const tocsin__point *point, auto_view *view)
{
    const double since = s->phase + (double)point->elapsed;
    const double whole = (double)(int64_t)tocsin__min(since / s->period, 9e18);
    const double phase = tocsin__clamp(since - whole * s->period, 0, s->period);
    const uint32_t slot = (uint32_t)(phase / s->period * s->slots);

    view->phase = phase;
    view->period_slot = slot < s->slots ? slot : s->slots - 1;
    view->recurring = (double)auto_floats(k, s, AUTO_PERIOD)[view->period_slot];
    view->uses_period =
        s->counts_period && s->basis == (view->uses_day | view->uses_week << 1);
}

/* A snapshot's word is not taken for it that there is a period. */
static inline int auto_has_period(const auto_constants *k, const auto_state *s)
{
    return k->season == AUTO_SEASON_AUTO && s->period >= 1 && s->slots > 0;
}

static inline void auto_look(const auto_constants *k, const auto_state *s,
                             const tocsin__point *point, auto_view *view)
{
    const double value = auto_value(k, s, point->value);
    const uint32_t n = s->age + (s->age < UINT32_MAX);
    const double share = 1.0 / n;               /* of a plain mean, as at the start */
    const uint16_t *lively = auto_lively(k, s);
    double gain = k->gain, livelier = 1, calmer_step = 1;
    double *f = view->statistic;

    view->value = value;
    if (k->rate != 0)
        gain = -tocsin__expm1(-tocsin__min((double)point->elapsed * k->rate, AUTO_LN2));
    view->is_known = s->age * s->step > AUTO_KNOWN * k->relearn;
    view->held = view->is_known && s->strange > k->hold ? AUTO_HELD : 1;
    view->gain = s->count == 0 ? 1 : view->held * tocsin__max(gain, share);
    view->size_gain = tocsin__max(
        view->gain, view->held * tocsin__min(AUTO_SIZE_GAIN_MAX, k->size_rate * s->step));

    /* The level and what it leaves. */
    view->residual = s->count > 0 ? value - s->level : 0;
    view->deviation = tocsin__sqrt(s->variance);
    view->floor = auto_floor(k, s, k->rules.floor_history);
    view->sigma = tocsin__max(view->deviation, auto_floor(k, s, k->floor_learnt));
    view->is_floored = !(view->sigma > view->floor) || view->sigma < TOCSIN__DEVIATION_MIN;
    if (view->sigma < TOCSIN__DEVIATION_MIN)
        view->sigma = tocsin__max(tocsin__abs(view->residual), TOCSIN__DEVIATION_MIN);

    /* The season and what it leaves. */
    view->day_slot = view->week_slot = view->uses_day = view->uses_week = 0;
    view->after_day = view->after_week = view->residual;
    view->season = 0;
    view->common = s->bare;
    if (k->season != AUTO_SEASON_OFF) {
        auto_look_at_season(k, s, tocsin__zone_civil(&k->zone, point->time), view);
        if (view->uses_day || view->uses_week) {
            view->common = view->uses_week ? s->with_week : s->with_day;
            livelier = tocsin__max(AUTO_LIVELY_MIN, auto_ratio_of(lively[view->day_slot]));
            calmer_step =
                1 / tocsin__max(AUTO_LIVELY_MIN,
                                auto_ratio_of(lively[AUTO_DAY_SLOTS + view->day_slot]));
        }
    }
    view->before_period = view->residual - view->season;
    view->uses_period = 0;
    if (TOCSIN__RARELY(auto_has_period(k, s))) {
        auto_look_at_period(k, s, point, view);
        if (view->uses_period) {
            view->season += view->recurring;
            view->common = s->with_period;
        }
    }
    view->surprise = view->residual - view->season;
    view->spread = tocsin__max(AUTO_TO_STANDARD * view->common * livelier, view->floor);
    if (view->spread < TOCSIN__DEVIATION_MIN)
        view->spread = tocsin__max(tocsin__abs(view->surprise), TOCSIN__DEVIATION_MIN);
    view->z = view->surprise / view->spread;
    view->limited = tocsin__clamp(view->z, -AUTO_Z_MAX, AUTO_Z_MAX);

    /* The channels with deviations of their own. */
    view->step = s->count > 0 ? value - s->last : 0;
    view->common_step = view->step * calmer_step;
    view->slow_mean = s->slow_mean + (view->limited - s->slow_mean) *
                                         tocsin__max(share, 1 / AUTO_DEPARTURE_SPAN);
    view->short_mean = s->short_mean + (view->limited - s->short_mean) * (1 / AUTO_SHORT_SPAN);
    view->long_mean = s->long_mean + (view->limited - s->long_mean) *
                                         tocsin__max(share, 1 / AUTO_LONG_SPAN);
    view->size[AUTO_OF_STEP] = tocsin__abs(view->common_step);
    view->size[AUTO_OF_DEPARTURE] =
        tocsin__abs(tocsin__clamp(view->z, -AUTO_FAR, AUTO_FAR) - s->slow_mean);
    view->size[AUTO_OF_SHORT] = tocsin__abs(view->short_mean);
    view->size[AUTO_OF_LONG] = tocsin__abs(view->long_mean);

    double least = tocsin__max(view->floor, TOCSIN__DEVIATION_MIN);

    if (s->scale[AUTO_OF_STEP] < TOCSIN__DEVIATION_MIN * TOCSIN__DEVIATION_MIN)
        least = tocsin__max(least, view->size[AUTO_OF_STEP]);

    const double least_variance[AUTO_SCALES] = {least * least, AUTO_LEAST_DEPARTURE,
                                                AUTO_LEAST_SHORT, AUTO_LEAST_LONG};
    const double towards[AUTO_SCALES] = {view->step, view->z - s->slow_mean, view->short_mean,
                                         view->long_mean};
    double deviation[AUTO_SCALES];

    for (uint32_t i = 0; i < AUTO_SCALES; i++) {
        view->variance[i] = tocsin__max(s->scale[i], least_variance[i]);
        deviation[i] = tocsin__sqrt(view->variance[i]);
        f[AUTO_STEP + i] = view->size[i] * (towards[i] < 0 ? k->drop : 1) / deviation[i];
    }
    view->step_deviation = deviation[AUTO_OF_STEP];

    /* The others. */
    f[AUTO_RESIDUAL] = tocsin__max(view->z, -view->z * k->drop);
    f[AUTO_RECORD] = 0;
    if (s->count > 0 && (value > s->highest || value < s->lowest))
        f[AUTO_RECORD] = AUTO_RECORD_WEIGHT *
                         tocsin__max(value - s->highest, (s->lowest - value) * k->drop) /
                         tocsin__max(view->sigma, view->floor);
    view->unrest =
        s->unrest + (tocsin__min(tocsin__max(f[AUTO_RESIDUAL], f[AUTO_STEP]), AUTO_UNREST_MAX) -
                     s->unrest) *
                        tocsin__max(share, AUTO_UNREST_GAIN);
    f[AUTO_UNREST] = view->unrest;
    for (uint32_t c = AUTO_CHANNELS; c < AUTO_LANES; c++)
        f[c] = 0;
    for (uint32_t c = 0; c < AUTO_LANES; c++)
        f[c] = tocsin__min(f[c], TOCSIN__BAR_STATISTIC_MAX);
}

/* ---- Scoring --------------------------------------------------------------- */

/* What a channel reads beyond its bars. */
static TOCSIN__APART double auto_read_beyond(const tocsin__bar *bars, uint32_t channel, double f)
{
    const double u = tocsin__log(1 + f);
    const double excess = tocsin__min(tocsin__bar_excess(&bars[0], u),
                                      tocsin__bar_excess(&bars[1], u));

    return tocsin__exp(AUTO_READING_AT_BAR +
                       AUTO_READING_SLOPE *
                           tocsin__max(0, auto_weight[channel] * excess - auto_offset[channel])) -
           1;
}

/* A note to auto_band: the residual's higher bar, two floats in the place of a double. */
static inline void auto_note_bar(const tocsin__bar *bars, tocsin__reading *reading)
{
    memcpy(&reading->channel[AUTO_NOTE], &bars[bars[1].mean > bars[0].mean], sizeof *bars);
}

static inline uint8_t auto_spike_or_drop(double towards)
{
    return towards < 0 ? TOCSIN_REASON_DROP : TOCSIN_REASON_SPIKE;
}

static TOCSIN__APART void auto_say_nothing(tocsin__reading *reading)
{
    reading->flags |= TOCSIN_FLAG_WARMING;
    for (uint32_t c = 0; c < AUTO_CHANNELS; c++) {
        reading->channel[c] = tocsin__nan();
        reading->reason[c] = TOCSIN_REASON_NONE;
    }
    reading->expected = reading->deviation = tocsin__nan();
    reading->confidence = 0;
}

static inline void auto_say(const auto_constants *k, const auto_state *s, const auto_view *view,
                            tocsin__reading *reading)
{
    const tocsin__bar *bars = auto_bars(k, s);
    const float *ease = auto_floats(k, s, AUTO_EASE);
    double usual[AUTO_LANES];
    uint32_t speaker;

    if (s->count < k->warmup) {
        auto_say_nothing(reading);
        return;
    }
    for (uint32_t c = 0; c < AUTO_LANES; c++)
        usual[c] = view->statistic[c] * (double)ease[c];
    for (uint32_t c = 0; c < AUTO_CHANNELS; c++)
        reading->channel[c] = TOCSIN__RARELY(usual[c] > AUTO_AT_BAR)
                                  ? auto_read_beyond(&bars[2 * c], c, view->statistic[c])
                                  : usual[c];
    auto_note_bar(&bars[2 * AUTO_RESIDUAL], reading);

    /* Usual without the season, hence at another time. */
    const int is_season = tocsin__abs(view->residual) < 0.5 * tocsin__abs(view->surprise);
    const double departure = view->z - s->slow_mean;

    reading->reason[AUTO_RESIDUAL] =
        is_season ? (uint8_t)TOCSIN_REASON_SEASON : auto_spike_or_drop(view->surprise);
    reading->reason[AUTO_STEP] = auto_spike_or_drop(view->step);
    reading->reason[AUTO_DEPARTURE] = auto_spike_or_drop(departure);
    reading->reason[AUTO_SHORT_MEAN] = TOCSIN_REASON_LEVEL;
    reading->reason[AUTO_LONG_MEAN] = TOCSIN_REASON_LEVEL;
    reading->reason[AUTO_RECORD] = auto_spike_or_drop(view->value - s->highest);
    reading->reason[AUTO_UNREST] = TOCSIN_REASON_VARIANCE;

    const double towards[AUTO_CHANNELS] = {
        view->surprise,  view->step,     departure, view->short_mean,
        view->long_mean, view->surprise, view->surprise,
    };

    tocsin__speaker(reading, AUTO_CHANNELS, &speaker);
    reading->direction = (towards[speaker] > 0) - (towards[speaker] < 0);
    reading->expected = auto_metric(k, s->level + view->season);
    reading->deviation = view->spread * auto_unit(k, s->level + view->season);
    reading->confidence = tocsin__min(1, s->count * k->trust);
    if (view->is_floored)
        reading->flags |= TOCSIN_FLAG_FLOORED;
}

/* Where the residual alone would read the limit, whichever channel spoke: what the others read depends
 * on more than the value. */
static void auto_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                      double limit, double *lower, double *upper)
{
    const auto_constants *k = constants;
    tocsin__bar bar;
    double f;

    (void)channel;
    memcpy(&bar, &reading->channel[AUTO_NOTE], sizeof bar);
    if (limit > AUTO_AT_BAR)
        f = tocsin__bar_statistic(
            &bar, (tocsin__log(1 + limit) - AUTO_READING_AT_BAR) / AUTO_READING_SLOPE);
    else
        f = limit / AUTO_AT_BAR * tocsin__bar_statistic(&bar, 0);
    const double expected = k->scale == AUTO_PLAIN  ? reading->expected
                            : k->scale == AUTO_ROOT ? tocsin__sqrt(reading->expected)
                                                    : tocsin__log(reading->expected);
    const double reach = f * (reading->deviation / auto_unit(k, expected));

    *lower = k->drop > 0 ? auto_metric(k, expected - reach) : -tocsin__infinity();
    *upper = auto_metric(k, expected + reach);
}

static void auto_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, tocsin__reading *reading)
{
    auto_view view;

    (void)arrays;
    auto_look(constants, state, point, &view);
    auto_say(constants, state, &view, reading);
}

/* ---- Learning -------------------------------------------------------------- */

static inline float auto_moved(float mean, double gain, double value)
{
    return tocsin__residual_narrow((double)mean + gain * (value - (double)mean));
}

/* Move a mean of a size over what is common, of which it cannot be more than so often. */
static inline void auto_learn_ratio(uint16_t *code, double gain, double size, double common,
                                    uint32_t count)
{
    const double mean = auto_ratio_of(*code);

    if (common > TOCSIN__DEVIATION_MIN)
        *code = auto_ratio_code(
            mean + gain * (tocsin__min(size / common, AUTO_LIVELY_MAX) - mean), count);
}

/* The gain of what profiles leave.  What they leave while they are not known yet says little of what
 * they will, and where a slot is met about once a day that is so for weeks. */
static inline double auto_settling(const auto_state *s, const auto_view *view, uint16_t visits,
                                   double step)
{
    if (visits >= AUTO_SETTLED || step < AUTO_SLOW_STEP)
        return view->size_gain;
    return tocsin__max(view->size_gain,
                       view->held * tocsin__min(AUTO_SETTLING_MAX, AUTO_SETTLING / s->age));
}

/* Learn the time of the day and of the week. */
static inline void auto_learn_season(const auto_constants *k, auto_state *s, const auto_view *view,
                                     double step)
{
    float *profile = auto_floats(k, s, AUTO_PROFILE);
    uint16_t *lively = &auto_lively(k, s)[view->day_slot];
    float *day = &profile[view->day_slot], *week = &profile[AUTO_DAY_SLOTS + view->week_slot];
    uint16_t *day_visits = &s->day_visits[view->day_slot];
    uint8_t *week_visits = &s->week_visits[view->week_slot];
    const double wide = AUTO_WINSOR * view->sigma;
    const int is_settled =
        view->is_known && (view->uses_day || view->uses_week) && !view->uses_period;
    const double limit = is_settled ? AUTO_WINSOR * view->spread : wide;
    const double after_day = tocsin__clamp(view->after_day, -limit, limit);
    const double after_week = tocsin__clamp(view->after_week, -limit, limit);
    const double stride = tocsin__min(tocsin__abs(view->step), AUTO_WINSOR * view->step_deviation);

    *day_visits = (uint16_t)(*day_visits + (*day_visits < UINT16_MAX));
    *week_visits = (uint8_t)(*week_visits + (*week_visits < UINT8_MAX));

    const double day_rate = tocsin__min(1, k->day_rate * step);
    const double week_rate = tocsin__min(1, k->week_rate * step);
    const double of_day =
        view->held * tocsin__max(1.0 / (*day_visits + AUTO_DAY_SHRINKAGE), day_rate);
    const double of_week = tocsin__max(1.0 / (*week_visits + AUTO_WEEK_SHRINKAGE), week_rate);
    const double of_lively =
        view->held * tocsin__max(1.0 / (*day_visits + AUTO_LIVELY_SHRINKAGE), day_rate);
    const double size = tocsin__abs(view->uses_week ? after_week : after_day);
    const double common = view->uses_week ? s->with_week : s->with_day;

    *day = auto_moved(
        *day, of_day,
        (double)*day + tocsin__clamp(view->residual - (double)*day, -limit, limit));
    *week = auto_moved(*week, of_week, tocsin__clamp(view->after_day, -wide, wide));
    auto_learn_ratio(&lively[0], of_lively, size, common, s->count);
    auto_learn_ratio(&lively[AUTO_DAY_SLOTS], of_lively, stride, s->stride, s->count);
    s->stride += view->gain * (stride - s->stride);

    const double settling = auto_settling(s, view, *day_visits, step);

    s->with_day += settling * (tocsin__abs(after_day) - s->with_day);
    s->with_week += settling * (tocsin__abs(after_week) - s->with_week);
}

/* ---- An unknown period ------------------------------------------------------ */

/* Look for one in new bins. */
static void auto_search(auto_state *s, double bin_width)
{
    s->period = 0;
    s->counts_period = 0;
    s->bin_width = bin_width;
    s->bin_at = bin_width / 2;
    s->bin_sum = 0;
    s->bin_points = s->bins = 0;
}

/* And then in longer ones, up to some hours; the shortest may be longer than that. */
static void auto_search_on(auto_state *s)
{
    const double next = 2 * s->bin_width;

    auto_search(s, next <= AUTO_BIN_MAX ? next : s->step);
}

/* There is none in these bins: of the later half, each two become one.  The earlier half may be
 * from before the series was known. */
static void auto_fold(auto_state *s, float *bins)
{
    if (2 * s->bin_width > AUTO_BIN_MAX) {
        auto_search_on(s);
        return;
    }
    for (uint32_t i = 0; i < AUTO_BINS / 4; i++)
        bins[i] = (bins[AUTO_BINS / 2 + 2 * i] + bins[AUTO_BINS / 2 + 2 * i + 1]) / 2;
    s->bins = AUTO_BINS / 4;
    s->bin_width *= 2;
}

/* Let a profile begin to prove that the period is one. */
static void auto_try_period(const auto_constants *k, auto_state *s, uint32_t basis)
{
    memset(auto_floats(k, s, AUTO_PERIOD), 0, AUTO_BINS * sizeof(float));
    s->counts_period = 0;
    s->basis = (uint16_t)basis;
    s->cycles = 0;
    s->recent = s->off_recent = s->off_profile = s->with_period = 0;
}

/* The roundest time between two. */
static double auto_roundest(double from, double to, double step)
{
    static const uint32_t seconds[] = {86400, 43200, 21600, 14400, 7200, 3600, 1800, 900, 600,
                                       300,   120,   60,    30,    15,   10,   5,    2,   1};

    for (size_t i = 0; i <= TOCSIN__COUNT(seconds); i++) {
        const double unit =
            i < TOCSIN__COUNT(seconds) ? seconds[i] * (double)TOCSIN_SECOND : step;
        const double multiple = unit * (double)(int64_t)tocsin__min(to / unit, 9e18);

        if (multiple >= from && multiple >= unit)
            return multiple;
    }
    return (from + to) / 2;
}

/* The bins' autocorrelation at lags up to a last one. */
static void auto_correlate(const float *bins, double *r)
{
    double off[AUTO_BINS], mean = 0;

    r[0] = 0;
    for (uint32_t i = 0; i < AUTO_BINS; i++)
        mean += (double)bins[i] / AUTO_BINS;
    for (uint32_t i = 0; i < AUTO_BINS; i++) {
        off[i] = (double)bins[i] - mean;
        r[0] += off[i] * off[i];
    }
    for (uint32_t lag = 1; lag <= AUTO_LAG_AGAIN + 2; lag++) {
        double sum = 0;

        for (uint32_t i = 0; i + lag < AUTO_BINS; i++)
            sum += off[i] * off[i + lag];
        r[lag] = sum * AUTO_BINS / ((AUTO_BINS - lag) * tocsin__max(r[0], 1e-30));
    }
}

/* A lag of the first peak that is nearly the highest and comes back; 0: none. */
static uint32_t auto_peak(const double *r)
{
    double best = AUTO_PEAK;

    for (int pass = 0; pass < 2; pass++) {
        double lowest = r[1];

        for (uint32_t lag = 2; lag <= AUTO_LAG_MAX; lag++) {
            const double height = r[lag] + r[2 * lag] / 2;

            lowest = tocsin__min(lowest, r[lag]);
            if (lag < AUTO_LAG_MIN || r[lag] < r[lag - 1] || r[lag] < r[lag + 1] ||
                r[2 * lag] < AUTO_PEAK / 2 || r[lag] - lowest < AUTO_PEAK)
                continue;
            if (pass == 0 && height > best)
                best = height;
            if (pass == 1 && height >= AUTO_FUNDAMENTAL * best)
                return lag;
        }
    }
    return 0;
}

/* A peak comes again at multiples of its lag, where it says more finely what the lag is: the
 * summits of the parabolas through them, as far as there are any.  *times is the last multiple. */
static double auto_refine(const double *r, uint32_t peak, uint32_t *times)
{
    double lag = peak;

    for (*times = 1; *times < AUTO_LAG_AGAIN / AUTO_LAG_MIN && (*times + 1) * lag < AUTO_LAG_AGAIN;
         (*times)++) {
        const uint32_t about = (uint32_t)((*times + 1) * lag + 0.5);
        const uint32_t at = about - (r[about - 1] > r[about]) + (r[about + 1] > r[about]);
        const double bend = 2 * r[at] - r[at - 1] - r[at + 1];

        if (r[at] < r[at - 1] || r[at] < r[at + 1] || !(bend > 0))
            break;
        lag = (at + (r[at + 1] - r[at - 1]) / (2 * bend)) / (*times + 1);
    }
    return lag;
}

/* The bins are full: is there a period in them? */
static TOCSIN__APART void auto_end_search(const auto_constants *k, auto_state *s, uint32_t basis)
{
    float *bins = auto_floats(k, s, AUTO_PERIOD);
    double r[AUTO_LAG_AGAIN + 3];
    uint32_t times;

    auto_correlate(bins, r);

    const uint32_t peak = auto_peak(r);

    if (peak == 0) {
        auto_fold(s, bins);
        return;
    }

    const double lag = auto_refine(r, peak, &times);
    const double within = 0.5 / times;
    const double period = auto_roundest((lag - within) * s->bin_width,
                                        (lag + within) * s->bin_width, s->step);
    const double days = period / (double)TOCSIN_DAY;
    const double parts = tocsin__min(1 / tocsin__max(days, 1e-9), 1e6);
    const double aside = parts - (double)(uint32_t)(parts + 0.5);
    const int is_of_a_day = tocsin__abs(aside) < AUTO_KNOWN_WIDTH && parts < AUTO_DAY_PARTS;

    const int is_for_the_day = s->age * s->step < AUTO_DAY_LEARNT * (double)TOCSIN_DAY &&
                               (is_of_a_day || (basis != 0 && days < AUTO_DAY_SLOT_TWICE));

    if (tocsin__abs(days - 1) < AUTO_KNOWN_WIDTH || tocsin__abs(days / 7 - 1) < AUTO_KNOWN_WIDTH ||
        is_for_the_day || period < 2 * s->step) {
        auto_fold(s, bins);
        return;
    }
    s->period = tocsin__min(period, AUTO_NS_MAX);
    s->slots = (uint32_t)tocsin__clamp(period / s->step + 0.5, 2, AUTO_PERIOD_SLOTS);
    s->phase = s->period / s->slots / 2;
    auto_try_period(k, s, basis);
}

/* Fill the bins. */
static inline void auto_learn_bins(const auto_constants *k, auto_state *s, const auto_view *view,
                                   double elapsed, uint32_t basis)
{
    s->bin_at = tocsin__min(s->bin_at + elapsed, AUTO_NS_MAX);
    if (!(s->bin_at < AUTO_BIN_GAP * s->bin_width))
        auto_search(s, tocsin__max(s->bin_width, s->step));
    while (s->bin_at >= s->bin_width) {
        float *bin = &auto_floats(k, s, AUTO_PERIOD)[s->bins];

        s->bin_at -= s->bin_width;
        *bin = s->bin_points > 0 ? (float)(s->bin_sum / s->bin_points)
               : s->bins > 0     ? bin[-1]
                                 : 0;
        s->bin_sum = 0;
        s->bin_points = 0;
        if (++s->bins == AUTO_BINS) {
            s->bins = 0;
            auto_end_search(k, s, basis);
            if (s->period > 0)
                return;
        }
    }
    s->bin_sum += view->limited;
    s->bin_points += s->bin_points < UINT32_MAX;
}

/* Learn the period's profile and what it gains. */
static inline void auto_learn_profile(const auto_constants *k, auto_state *s,
                                      const auto_view *view, double elapsed)
{
    float *usual = &auto_floats(k, s, AUTO_PERIOD)[view->period_slot];
    const double limit = AUTO_WINSOR * view->sigma;
    const double x = tocsin__clamp(view->before_period, -limit, limit);
    const double off = x - s->recent, left = off - view->recurring;
    const double points = tocsin__max(1, s->period / tocsin__max(s->step, 1));
    const double in_slot = points / s->slots;
    const double measured = (s->cycles - AUTO_PERIOD_LEARNT) * points;

    if (measured >= 0) {
        const double share = view->held *
                             tocsin__max(1 / (measured + 1),
                                         1 / tocsin__max(AUTO_GAIN_MEMORY * points,
                                                         AUTO_GAIN_POINTS));
        const double spread = s->counts_period ? AUTO_WINSOR * view->spread : limit;

        s->off_recent += share * (tocsin__abs(off) - s->off_recent);
        s->off_profile += share * (tocsin__abs(left) - s->off_profile);
        s->with_period += share * (tocsin__min(tocsin__abs(x - view->recurring), spread) -
                                   s->with_period);
    }
    s->recent += view->held * tocsin__max(1 / (s->cycles * points + 1), 0.5 / points) * off;
    *usual = auto_moved(*usual,
                        view->held * tocsin__max(1 / (s->cycles * in_slot + 1),
                                                 1 / (AUTO_PERIOD_MEMORY * in_slot)),
                        (double)*usual + tocsin__clamp(left, -limit, limit));
    s->phase = view->phase;
    s->cycles = tocsin__min(s->cycles + elapsed / s->period, 1e300);

    if (measured < AUTO_PERIOD_POINTS || s->cycles < AUTO_PERIOD_HOPELESS)
        return;
    if (s->counts_period) {
        if (s->off_profile > AUTO_PERIOD_DROPPED * s->off_recent)
            auto_search(s, s->step);
    } else if (!(s->off_profile < s->off_recent)) {
        auto_search_on(s);
    } else if (s->cycles >= AUTO_PERIOD_TRIAL) {
        if (s->off_profile < AUTO_PERIOD_PAYS * s->off_recent)
            s->counts_period = 1;
        else
            auto_search_on(s);
    }
}

static inline void auto_learn_period(const auto_constants *k, auto_state *s, const auto_view *view,
                                     double elapsed)
{
    const uint32_t basis = view->uses_day | view->uses_week << 1;

    if (k->season != AUTO_SEASON_AUTO || !(s->step >= 1) || s->count < AUTO_BEGIN)
        return;
    if (!auto_has_period(k, s)) {
        auto_learn_bins(k, s, view, elapsed, basis);
    } else if (basis != s->basis) {
        s->phase = view->phase;
        auto_try_period(k, s, basis);
    } else {
        auto_learn_profile(k, s, view, elapsed);
    }
}

/* The largest residual remembered. */
static inline void auto_learn_reach(const auto_constants *k, auto_state *s, const auto_view *view,
                                    double learnt)
{
    const int mostly_rests = s->bare < AUTO_MOSTLY_RESTS * view->deviation;
    const double most = (mostly_rests ? AUTO_REACH_OF_BURSTS : AUTO_REACH_MAX) * view->deviation;
    const double size = tocsin__abs(view->residual);
    const int is_news = s->strange == 0 || s->new_count <= AUTO_REACH_NEWS;
    const double seen =
        is_news ? tocsin__min(tocsin__min(size, most), AUTO_REACH_GROWTH * s->reach) : 0;

    if (k->rules.floor_history == 0)    /* nobody asks */
        return;
    if (tocsin__max(seen, learnt) > s->reach)
        s->reach = tocsin__max(seen, learnt);
    else if (size > AUTO_RESTS * view->deviation || size > TOCSIN__REST * s->reach)
        s->reach -= k->reach_fade * s->reach;
}

/* A block of the bars is over, and with every second one a block of the longer bars.  Long-mean
 * has blocks of its own. */
static TOCSIN__APART void auto_end_block(const auto_constants *k, auto_state *s, uint32_t is_long)
{
    tocsin__bar *bars = auto_bars(k, s);
    float *highest = auto_floats(k, s, AUTO_PEAKS), *first = highest + AUTO_LANES;
    const uint32_t blocks = s->blocks[is_long];

    for (uint32_t c = 0; c < AUTO_CHANNELS; c++) {
        if ((c == AUTO_LONG_MEAN) != is_long)
            continue;
        tocsin__bar_end_block(&bars[2 * c], (double)highest[c], blocks);
        if (blocks % 2 == 1)
            tocsin__bar_end_block(&bars[2 * c + 1],
                                  (double)(highest[c] > first[c] ? highest[c] : first[c]),
                                  blocks / 2);
        first[c] = highest[c];
        highest[c] = 0;
        auto_ease(k, s, c);
    }
    s->blocks[is_long] += s->blocks[is_long] < UINT32_MAX;
    s->block[is_long] = 0;
}

/* Let the bars see the channels. */
static inline void auto_learn_bars(const auto_constants *k, auto_state *s, const auto_view *view)
{
    float *highest = auto_floats(k, s, AUTO_PEAKS);

    for (uint32_t c = 0; c < AUTO_LANES; c++) {
        const float seen = (float)view->statistic[c];

        highest[c] = seen > highest[c] ? seen : highest[c];
    }
    if (++s->block[0] >= AUTO_BLOCK)
        auto_end_block(k, s, 0);
    if (++s->block[1] >= AUTO_LONG_BLOCKS * AUTO_BLOCK)
        auto_end_block(k, s, 1);
}

/* What has been strange for long is what is usual now. */
static TOCSIN__APART void auto_begin_anew(const auto_constants *k, auto_state *s)
{
    const double bare = tocsin__max(s->new_bare, s->new_size);
    const int keeps_season = s->new_size < AUTO_DAY_PAYS * s->new_bare;

    s->level = keeps_season ? s->new_level : s->new_bare_level;
    s->bare = bare;
    s->variance = AUTO_TO_STANDARD * AUTO_TO_STANDARD * bare * bare;
    s->with_day = s->with_week = keeps_season ? s->new_size : s->new_bare;
    if (!keeps_season) {
        memset(s->day_visits, 0, sizeof s->day_visits);
        memset(s->week_visits, 0, sizeof s->week_visits);
        memset(auto_floats(k, s, AUTO_PROFILE), 0, AUTO_PROFILE_FLOATS * sizeof(float));
    }
    auto_search(s, s->step);
    s->short_mean = s->long_mean = s->slow_mean = 0;
    s->age = s->new_count;
    s->strange = 0;
}

/* Is the series unlike itself, and since when? */
static inline void auto_learn_strangeness(const auto_constants *k, auto_state *s,
                                          const auto_view *view)
{
    const int is_strange = tocsin__abs(view->z) > AUTO_STRANGE;

    if (s->strange == 0) {
        if (!is_strange)
            return;
        s->new_count = 0;
    }
    s->strange += is_strange ? s->step : -AUTO_DOUBT * s->step;
    s->strange = tocsin__min(s->strange, AUTO_STRANGE_MAX);
    if (!(s->strange > 0)) {
        s->strange = 0;
        return;
    }
    s->new_count += s->new_count < UINT32_MAX;

    const double share = 1.0 / s->new_count;
    const double after = view->value - view->season;

    if (s->new_count == 1) {
        s->new_level = after;
        s->new_bare_level = view->value;
        s->new_size = s->new_bare = 0;
    } else {
        s->new_size += share * (tocsin__abs(after - s->new_level) - s->new_size);
        s->new_bare += share * (tocsin__abs(view->value - s->new_bare_level) - s->new_bare);
        s->new_level += share * (after - s->new_level);
        s->new_bare_level += share * (view->value - s->new_bare_level);
    }
    if (view->is_known && s->strange > k->relearn && s->strange > AUTO_NEW_POINTS * s->step)
        auto_begin_anew(k, s);
}

static inline void auto_learn_view(const auto_constants *k, auto_state *s,
                                   const tocsin__point *point, const auto_view *view)
{
    const double value = view->value;
    double d = view->residual;

    if (s->count == 0) {
        s->level = s->last = s->lowest = s->highest = value;
        s->step = k->step;
        s->count = s->age = 1;
        return;
    }
    if (s->count >= AUTO_YOUNG)
        d = tocsin__clamp(d, -k->rules.clip * view->sigma, k->rules.clip * view->sigma);

    if (point->elapsed > 0) {
        const double elapsed = (double)point->elapsed;
        const double share = s->count < AUTO_STEP_MEMORY ? 1.0 / s->count : 1 / AUTO_STEP_MEMORY;

        if (s->step > 0)
            s->step += (tocsin__min(elapsed, AUTO_STEP_GAP * s->step) - s->step) * share;
        else
            s->step = elapsed;
    }
    s->count += s->count < UINT32_MAX;
    s->age += s->age < UINT32_MAX;

    for (uint32_t i = 0; i < AUTO_SCALES; i++) {
        const double variance = view->variance[i];
        const double square = tocsin__min(view->size[i] * view->size[i],
                                          AUTO_WINSOR * AUTO_WINSOR * variance);

        s->scale[i] = variance + view->gain * (square - variance);
    }
    s->slow_mean = view->slow_mean;
    s->short_mean = view->short_mean;
    s->long_mean = view->long_mean;
    s->unrest = view->unrest;
    if (s->count > AUTO_BEGIN)
        auto_learn_bars(k, s, view);

    if (k->season != AUTO_SEASON_OFF) {
        auto_learn_season(k, s, view, s->step);
        auto_learn_period(k, s, view, (double)point->elapsed);
    }
    s->bare += view->size_gain * (tocsin__abs(d) - s->bare);
    s->level += view->gain * d;
    s->variance += view->gain * ((1 - view->gain) * (d * d) - s->variance);
    auto_learn_reach(k, s, view, tocsin__abs(d));
    s->lowest = tocsin__min(s->lowest, value);
    s->highest = tocsin__max(s->highest, value);
    s->last = value;
    auto_learn_strangeness(k, s, view);
}

static void auto_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                       const tocsin__point *point, const tocsin__reading *reading)
{
    auto_view view;

    (void)arrays;
    (void)reading;
    auto_look(constants, state, point, &view);
    auto_learn_view(constants, state, point, &view);
}

static void auto_push(const void *constants, void *state, const tocsin__arrays *arrays,
                      const tocsin__point *point, tocsin__reading *reading)
{
    auto_view view;

    (void)arrays;
    auto_look(constants, state, point, &view);
    auto_say(constants, state, &view, reading);
    auto_learn_view(constants, state, point, &view);
}

static void auto_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    const auto_constants *k = constants;
    const auto_state *s = state;

    explanation->level = s->count ? auto_metric(k, s->level) : tocsin__nan();
    explanation->trend = tocsin__nan();
    explanation->season = k->season != AUTO_SEASON_OFF
                              ? reading->expected - auto_metric(k, s->level)
                              : tocsin__nan();
    if (auto_has_period(k, s) && s->counts_period)
        explanation->period = s->period / (double)TOCSIN_SECOND;
    explanation->floor = auto_floor(k, s, k->rules.floor_history) * auto_unit(k, s->level);
}

const tocsin__stage tocsin__stage_auto = {
    .name = "auto",
    .summary = "seven channels, each measured against its own history; finds its seasons",
    .reference = "Roberts 1959; Brutlag 2000; Gumbel 1958",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = AUTO_CHANNELS,
    .is_default = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = auto_params,
    .param_count = TOCSIN__COUNT(auto_params),
    .constants_size = sizeof(auto_constants),
    .layout = {sizeof(auto_state), auto_fields, TOCSIN__COUNT(auto_fields)},
    .resolve = auto_resolve,
    .warmup = auto_warmup,
    .init = auto_init,
    .explain = auto_explain,
    .channel_names = auto_channels,
    .score = auto_score,
    .learn = auto_learn,
    .push = auto_push,
    .band = auto_band,
};
