/* spectral.c - spectral residual: what stands out of the last points as a spot out of a picture.
 *
 * Model
 * -----
 * Of the last 128 values, the newest included, less their mean, and 5 copies of an estimate of
 * the one to come in the place of the oldest five, F is the discrete Fourier transform.  What is
 * usual in a spectrum is what its neighbourhood is like:
 *
 *     log A = log |F|        S = |inverse transform of F exp(-mean of log A over 3 frequencies)|
 *
 * The amplitude is flattened and the phase kept, which leaves what is new: S, the saliency, is high
 * where the series does something that it does not do elsewhere in the window.  The estimate knows
 * nothing of the newest value: it is the one 5 points back, carried on by five times the mean slope
 * that leads to the last value but one from the five before that.  It puts the newest point inside
 * the window, where the saliency tells best.  The statistic, channel 0 "saliency", is
 *
 *     max(0, S_newest - M) / (M + 0.009),        M the mean of S over the 21 points before
 *
 * told before the point is learnt.  0.009 is a tenth of what S is in white noise, 1/sqrt(128), and
 * keeps a series that has stood still from calling its first ripple infinitely strange.
 *
 * `expected` is the mean of the 21 points before and `deviation` their standard deviation; the
 * saliency has no limits that could be told as values.
 *
 * The transform has a fixed size, a power of two, and its own sines and cosines, halved from a
 * right angle by square roots: the same bits everywhere.
 *
 * Reference: Ren et al. 2019 (time series anomaly detection service at Microsoft); Hou and Zhang
 * 2007, where the idea comes from.
 *
 * Cost: two transforms of 128 points, 128 logarithms and exponentials, some five microseconds per
 * point: fifty times what others cost.  1,040 bytes.
 *
 * How it fails.  It knows 128 points and no more: a season longer than that is unknown to it, and
 * what happens once an hour in minutes' data stands out each hour.  A level that moved is told at
 * once, and never again.
 */
#include "level.h"

enum { SPECTRAL_FLOOR, SPECTRAL_FLOOR_RELATIVE };

static const tocsin__param spectral_params[] = {
    {"floor", TOCSIN_TYPE_NUMBER, 1, 0, 0, "the metric's", "0", 0, 1e150, "",
     "changes of this size are no signal"},
    {"floor-relative", TOCSIN_TYPE_FRACTION, 1, 0, 0, "of the mean", "0.1%", 0, 1, "",
     "nor are those of this share of the window's mean"},
};

#define SPECTRAL_SIZE 128u          /* a power of two */
#define SPECTRAL_BITS 7u
#define SPECTRAL_AHEAD 5u           /* copies of the estimate, and points it looks back */
#define SPECTRAL_BEFORE 21u         /* points the newest one is compared with */
#define SPECTRAL_STILL 0.009
#define SPECTRAL_ROOT 11.313708498984761    /* sqrt(128) */

typedef struct {
    double cosine[SPECTRAL_SIZE / 2], sine[SPECTRAL_SIZE / 2];  /* of 2 pi k / 128 */
    double floor, floor_relative;
} spectral_constants;

typedef struct {
    double value[SPECTRAL_SIZE];    /* a ring */
    uint32_t count;                 /* points learnt, up to the window's length */
    uint32_t next;                  /* where the next one goes */
    uint64_t spare;
} spectral_state;

static const tocsin__field spectral_fields[] = {
    TOCSIN__FIELD(spectral_state, value, F64, -TOCSIN__VALUE_MAX, TOCSIN__VALUE_MAX),
    TOCSIN__FIELD(spectral_state, count, U32, 0, SPECTRAL_SIZE),
    TOCSIN__FIELD(spectral_state, next, U32, 0, SPECTRAL_SIZE - 1),
    TOCSIN__FIELD(spectral_state, spare, U64, 0, 0),
};

/* Every angle is the sum of one of half as many and half the step between those. */
static void spectral_angles(spectral_constants *k)
{
    double cosine = 0, sine = 1;    /* of the step: a quarter of the circle */

    k->cosine[0] = 1;
    k->sine[0] = 0;
    for (uint32_t gap = SPECTRAL_SIZE / 4; gap >= 1; gap /= 2) {
        for (uint32_t at = gap; at < SPECTRAL_SIZE / 2; at += 2 * gap) {
            const double c = k->cosine[at - gap], s = k->sine[at - gap];

            k->cosine[at] = c * cosine - s * sine;
            k->sine[at] = s * cosine + c * sine;
        }
        sine /= tocsin__sqrt(2 * (1 + cosine));
        cosine = tocsin__sqrt((1 + cosine) / 2);
    }
}

static int spectral_resolve(const tocsin__values *values, const tocsin__context *context,
                            void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    spectral_constants *k = constants;

    (void)context;
    (void)complaint;
    spectral_angles(k);
    k->floor = values[SPECTRAL_FLOOR].item[0].number;
    k->floor_relative = values[SPECTRAL_FLOOR_RELATIVE].item[0].number;
    shape->precision = TOCSIN__DOUBLE;
    return TOCSIN_OK;
}

static size_t spectral_warmup(const void *constants)
{
    (void)constants;
    return SPECTRAL_SIZE - 1;
}

/* In place, by decimation in time (Cooley and Tukey 1965); the inverse is without 1/128. */
static void spectral_transform(const spectral_constants *k, double *real, double *imaginary,
                               int is_inverse)
{
    for (uint32_t i = 0; i < SPECTRAL_SIZE; i++) {
        uint32_t j = 0;

        for (uint32_t bit = 0; bit < SPECTRAL_BITS; bit++)
            j |= (i >> bit & 1u) << (SPECTRAL_BITS - 1 - bit);
        if (j > i) {
            const double r = real[i], m = imaginary[i];

            real[i] = real[j];
            imaginary[i] = imaginary[j];
            real[j] = r;
            imaginary[j] = m;
        }
    }
    for (uint32_t half = 1; half < SPECTRAL_SIZE; half *= 2) {
        for (uint32_t i = 0; i < half; i++) {
            const uint32_t angle = i * (SPECTRAL_SIZE / 2 / half);
            const double c = k->cosine[angle], s = is_inverse ? k->sine[angle] : -k->sine[angle];

            for (uint32_t a = i; a < SPECTRAL_SIZE; a += 2 * half) {
                const uint32_t b = a + half;
                const double r = real[b] * c - imaginary[b] * s;
                const double m = real[b] * s + imaginary[b] * c;

                real[b] = real[a] - r;
                imaginary[b] = imaginary[a] - m;
                real[a] += r;
                imaginary[a] += m;
            }
        }
    }
}

/* The statistic of the newest of the values in order, oldest first; of those the first five are
 * not looked at. */
static double spectral_saliency(const spectral_constants *k, const double *value)
{
    const uint32_t newest = SPECTRAL_SIZE - 1 - SPECTRAL_AHEAD;
    const double *shown = value + SPECTRAL_AHEAD;       /* shown[newest] is the newest */
    double real[SPECTRAL_SIZE], imaginary[SPECTRAL_SIZE], log_size[SPECTRAL_SIZE];
    double mean = 0, slope = 0, before = 0;    /* slope: of five points */

    for (uint32_t i = 1; i <= SPECTRAL_AHEAD; i++)
        slope += (shown[newest - 1] - shown[newest - 1 - i]) / i;

    const double ahead = tocsin__bounded(shown[newest - SPECTRAL_AHEAD] + slope);

    for (uint32_t i = 0; i < SPECTRAL_SIZE; i++) {
        real[i] = i <= newest ? shown[i] : ahead;
        imaginary[i] = 0;
        mean += real[i] / SPECTRAL_SIZE;
    }
    for (uint32_t i = 0; i < SPECTRAL_SIZE; i++)
        real[i] -= mean;
    spectral_transform(k, real, imaginary, 0);

    const double floor =
        tocsin__max(tocsin__max(k->floor, k->floor_relative * tocsin__abs(mean)),
                    TOCSIN__DEVIATION_MIN) * SPECTRAL_ROOT;

    for (uint32_t i = 0; i < SPECTRAL_SIZE; i++)
        log_size[i] = 0.5 * tocsin__log(real[i] * real[i] + imaginary[i] * imaginary[i] +
                                        floor * floor);
    for (uint32_t i = 0; i < SPECTRAL_SIZE; i++) {
        const double around = log_size[(i + SPECTRAL_SIZE - 1) % SPECTRAL_SIZE] + log_size[i] +
                              log_size[(i + 1) % SPECTRAL_SIZE];
        const double flat = tocsin__exp(-around / 3);

        real[i] *= flat;
        imaginary[i] *= flat;
    }
    spectral_transform(k, real, imaginary, 1);
    for (uint32_t i = newest - SPECTRAL_BEFORE; i <= newest; i++) {
        real[i] = tocsin__sqrt(real[i] * real[i] + imaginary[i] * imaginary[i]) / SPECTRAL_SIZE;
        if (i < newest)
            before += real[i] / SPECTRAL_BEFORE;
    }
    return tocsin__min(tocsin__max(0, real[newest] - before) / (before + SPECTRAL_STILL),
                       TOCSIN__STATISTIC_MAX);
}

static void spectral_score(const void *constants, const void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, tocsin__reading *reading)
{
    const spectral_constants *k = constants;
    const spectral_state *s = state;
    double value[SPECTRAL_SIZE], mean = 0, variance = 0;

    (void)arrays;
    if (s->count < SPECTRAL_SIZE - 1) {
        tocsin__level_warming(reading, 1);
        return;
    }
    for (uint32_t i = 1; i < SPECTRAL_SIZE; i++)
        value[i - 1] = s->value[(s->next + i) % SPECTRAL_SIZE];
    value[SPECTRAL_SIZE - 1] = point->value;
    for (uint32_t i = 1; i <= SPECTRAL_BEFORE; i++)
        mean += value[SPECTRAL_SIZE - 1 - i] / SPECTRAL_BEFORE;
    for (uint32_t i = 1; i <= SPECTRAL_BEFORE; i++) {
        const double d = value[SPECTRAL_SIZE - 1 - i] - mean;

        variance += d * d / SPECTRAL_BEFORE;
    }
    reading->channel[0] = spectral_saliency(k, value);
    reading->reason[0] = (uint8_t)(TOCSIN_REASON_SPIKE + (point->value < mean));   /* or a drop */
    reading->direction = (point->value > mean) - (point->value < mean);
    reading->expected = mean;
    reading->deviation =
        tocsin__max(tocsin__sqrt(variance),
                    tocsin__max(k->floor, k->floor_relative * tocsin__abs(mean)));
    reading->confidence = 1;
}

static void spectral_learn(const void *constants, void *state, const tocsin__arrays *arrays,
                           const tocsin__point *point, const tocsin__reading *reading)
{
    spectral_state *s = state;

    (void)constants;
    (void)arrays;
    (void)reading;
    s->value[s->next] = point->value;
    s->next = (s->next + 1) % SPECTRAL_SIZE;
    s->count += s->count < SPECTRAL_SIZE;
}

static void spectral_push(const void *constants, void *state, const tocsin__arrays *arrays,
                          const tocsin__point *point, tocsin__reading *reading)
{
    spectral_score(constants, state, arrays, point, reading);
    spectral_learn(constants, state, arrays, point, reading);
}

/* No value by itself reads a limit. */
static void spectral_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                          double limit, double *lower, double *upper)
{
    (void)constants;
    (void)reading;
    (void)channel;
    (void)limit;
    *lower = *upper = tocsin__nan();
}

static void spectral_explain(const void *constants, const void *state,
                             const tocsin__reading *reading, tocsin_explanation *explanation)
{
    const spectral_constants *k = constants;

    (void)state;
    explanation->level = reading->expected;
    explanation->trend = explanation->season = tocsin__nan();
    explanation->floor =
        tocsin__max(k->floor, tocsin__is_nan(reading->expected)
                                  ? 0
                                  : k->floor_relative * tocsin__abs(reading->expected));
}

static const char *const spectral_channels[] = {"saliency"};

const tocsin__stage tocsin__stage_spectral = {
    .name = "spectral",
    .summary = "spectral residual: what stands out of the last 128 points",
    .reference = "Ren et al. 2019",
    .kind = TOCSIN_STAGE_DETECT,
    .rank = TOCSIN__RANK_DETECT,
    .channel_count = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = spectral_params,
    .param_count = TOCSIN__COUNT(spectral_params),
    .constants_size = sizeof(spectral_constants),
    .layout = {sizeof(spectral_state), spectral_fields, TOCSIN__COUNT(spectral_fields)},
    .resolve = spectral_resolve,
    .warmup = spectral_warmup,
    .explain = spectral_explain,
    .channel_names = spectral_channels,
    .score = spectral_score,
    .learn = spectral_learn,
    .push = spectral_push,
    .band = spectral_band,
};
