/* rows.c - many metrics on one scale, and lags: see rows.h. */
#include "rows.h"

#define ROWS_DEVIATION 1.25331413731550025  /* sqrt(pi/2): standard / mean deviation */
#define ROWS_CLIP 8.0
#define ROWS_RELATIVE 0.005
#define ROWS_HISTORY 0.01
#define ROWS_LINEAR 4.0                     /* deviations up to which codes are */
#define ROWS_FADE_LIVES 16.0
#define ROWS_LN2 0.693147180559945309
#define ROWS_LEAST 1e-30                    /* smaller deviations count as none */

int tocsin__rows_resolve(const tocsin__values *values, const tocsin__context *context,
                         tocsin__rows *rows, tocsin__shape *shape, tocsin__complaint *complaint)
{
    const tocsin_value *half_life = &values[TOCSIN__ROWS_HALF_LIFE].item[0];

    rows->metrics = (uint32_t)values[TOCSIN__ROWS_METRICS].item[0].number;
    rows->lags = (uint32_t)values[TOCSIN__ROWS_SHINGLE].item[0].number;
    rows->codes = rows->metrics * rows->lags;
    if (rows->codes > TOCSIN__ROW_CODES_MAX)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, TOCSIN__ROWS_SHINGLE,
                                "metrics times shingle is more than 1024");
    if (half_life->form == TOCSIN_VALUE_POINTS) {
        rows->half_life = half_life->number;
    } else {
        if (context->step <= 0)
            return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, TOCSIN__ROWS_HALF_LIFE,
                                    "a half-life in time needs clock step=; or give points: 2000p");
        rows->half_life = (double)half_life->duration / (double)context->step;
    }
    rows->half_life = tocsin__max(rows->half_life, 1);
    rows->gain = -tocsin__expm1(-ROWS_LN2 / rows->half_life);
    rows->fade = rows->gain / ROWS_FADE_LIVES;
    shape->length[TOCSIN__ROWS_CENTRE] = rows->metrics;
    shape->length[TOCSIN__ROWS_SPREAD] = 2 * rows->metrics;
    shape->length[TOCSIN__ROWS_SEEN] = rows->metrics;
    shape->length[TOCSIN__ROWS_RECENT] = rows->codes - rows->metrics;
    return TOCSIN_OK;
}

void tocsin__rows_place(tocsin__rows *rows, const tocsin__layout *layout,
                        const tocsin__shape *shape)
{
    for (uint32_t i = 0; i < TOCSIN__MAX_ARRAYS; i++)
        rows->array[i] = tocsin__layout_array(layout, shape, i);
}

/* The deviation, with its floors; 0: the metric has never moved. */
static inline double rows_deviation(double centre, const double *spread)
{
    const double deviation =
        tocsin__max(ROWS_DEVIATION * spread[0],
                    tocsin__max(ROWS_HISTORY * spread[1],
                                spread[1] > 0 ? ROWS_RELATIVE * tocsin__abs(centre) : 0));

    return deviation < ROWS_LEAST ? 0 : deviation;
}

/* Deviations as codes count them: linear, then logarithmic. */
static inline double rows_bend(double z)
{
    const double size = tocsin__abs(z);

    if (size <= ROWS_LINEAR)
        return z;

    const double bent = ROWS_LINEAR * (1 + tocsin__log(tocsin__min(size, 1e6) / ROWS_LINEAR));

    return z < 0 ? -tocsin__min(bent, 16) : tocsin__min(bent, 16);
}

static double rows_unbend(double u)
{
    const double size = tocsin__abs(u);

    if (size <= ROWS_LINEAR)
        return u;
    return (u < 0 ? -ROWS_LINEAR : ROWS_LINEAR) * tocsin__exp(size / ROWS_LINEAR - 1);
}

static inline uint16_t rows_code(double residual, double deviation)
{
    const double z = deviation > 0 ? residual / deviation
                                   : (residual > 0) - (residual < 0);

    return (uint16_t)(TOCSIN__CODE_CENTRE + 0.5 + TOCSIN__CODE_DEVIATION * rows_bend(z));
}

/* What the verdict says, if it is about that metric. */
static void rows_read(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                      uint32_t metric, tocsin__reading *reading)
{
    const double *centre = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_CENTRE);
    const double *spread = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SPREAD);
    const double d = tocsin__metric_of(point, metric) - centre[metric];

    reading->metric = metric;
    reading->expected = centre[metric];
    reading->deviation = rows_deviation(centre[metric], spread + (size_t)2 * metric);
    reading->direction = (d > 0) - (d < 0);
    if (rows->metrics > 1 && tocsin__abs(d) < 3 * reading->deviation)
        reading->reason[0] = TOCSIN_REASON_COMBINATION;
    else if (rows->lags > 1 && tocsin__abs(d) < 3 * reading->deviation)
        reading->reason[0] = TOCSIN_REASON_SHAPE;
    else
        reading->reason[0] = reading->direction < 0 ? TOCSIN_REASON_DROP : TOCSIN_REASON_SPIKE;
}

void tocsin__rows_code(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                       uint16_t *codes, tocsin__reading *reading)
{
    const double *centre = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_CENTRE);
    const double *spread = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SPREAD);
    const uint16_t *seen = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SEEN);
    uint32_t farthest = 0;
    int32_t distance = -1;

    for (uint32_t m = 0; m < rows->metrics; m++) {
        const double value = tocsin__metric_of(point, m);

        codes[m] = TOCSIN__CODE_CENTRE;
        if (tocsin__is_nan(value))
            continue;
        if (seen[m] > 0)
            codes[m] = rows_code(value - centre[m], rows_deviation(centre[m], spread + 2 * m));

        const int32_t from = (int32_t)codes[m] - TOCSIN__CODE_CENTRE;
        const int32_t size = from < 0 ? -from : from;

        if (size > distance) {
            distance = size;
            farthest = m;
        }
    }
    memcpy(codes + rows->metrics, tocsin__rows_const_array(rows, state, TOCSIN__ROWS_RECENT),
           (rows->codes - rows->metrics) * sizeof *codes);
    rows_read(rows, state, point, farthest, reading);
}

void tocsin__rows_learn(const tocsin__rows *rows, void *state, const tocsin__point *point,
                        const uint16_t *codes)
{
    double *centre = tocsin__rows_array(rows, state, TOCSIN__ROWS_CENTRE);
    double *spread = tocsin__rows_array(rows, state, TOCSIN__ROWS_SPREAD);
    uint16_t *seen = tocsin__rows_array(rows, state, TOCSIN__ROWS_SEEN);
    uint16_t *recent = tocsin__rows_array(rows, state, TOCSIN__ROWS_RECENT);

    for (uint32_t m = 0; m < rows->metrics; m++) {
        const double value = tocsin__metric_of(point, m);

        if (tocsin__is_nan(value))
            continue;
        if (seen[m] == 0) {
            centre[m] = value;
            seen[m] = 1;
            continue;
        }

        double *const s = spread + (size_t)2 * m;
        const double deviation = rows_deviation(centre[m], s);
        const double limit = deviation > 0 ? ROWS_CLIP * deviation : 2 * TOCSIN__VALUE_MAX;
        const double d = tocsin__clamp(value - centre[m], -limit, limit);
        const double size = tocsin__abs(d);
        const double g = tocsin__max(rows->gain, 1 / (seen[m] + 1.0));

        centre[m] += g * d;
        s[0] += g * (size - s[0]);
        s[1] = size > s[1] ? size : s[1] - rows->fade * s[1];
        seen[m] = (uint16_t)(seen[m] + (seen[m] < UINT16_MAX));
    }
    if (rows->lags > 1) {
        memmove(recent + rows->metrics, recent,
                (rows->codes - 2 * rows->metrics) * sizeof *recent);
        memcpy(recent, codes, rows->metrics * sizeof *recent);
    }
}

void tocsin__rows_share(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double *parts, const uint16_t *normal,
                        tocsin__reading *reading)
{
    const double *centre = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_CENTRE);
    const double *spread = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SPREAD);
    const uint16_t *seen = tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SEEN);
    const double statistic = reading->channel[0];
    double sum = 0, most = -1;
    uint32_t blamed = reading->metric;

    for (uint32_t i = 0; i < rows->codes; i++)
        sum += parts[i];
    if (!(sum > 0)) {               /* nothing stands out: all alike, by how far out they are */
        for (uint32_t i = 0; i < rows->codes; i++) {
            const int32_t from = (int32_t)codes[i] - TOCSIN__CODE_CENTRE;

            parts[i] = 1 + (from < 0 ? -from : from);
            sum += parts[i];
        }
    }
    for (uint32_t i = 0; i < rows->codes; i++)
        parts[i] *= statistic / sum;
    for (uint32_t m = 0; m < rows->metrics; m++) {
        double part = 0;

        for (uint32_t lag = 0; lag < rows->lags; lag++)
            part += parts[lag * rows->metrics + m];
        if (part > most && !tocsin__is_nan(tocsin__metric_of(point, m))) {
            most = part;
            blamed = m;
        }
    }
    rows_read(rows, state, point, blamed, reading);
    if (!point->shares)
        return;
    memcpy(point->shares, parts, rows->codes * sizeof *parts);
    for (uint32_t m = 0; m < rows->metrics; m++) {
        const int32_t from = normal ? (int32_t)normal[m] - TOCSIN__CODE_CENTRE : 0;
        const double deviation = rows_deviation(centre[m], spread + (size_t)2 * m);

        point->shares[rows->codes + m] =
            seen[m] > 0 ? centre[m] + deviation * rows_unbend(from / TOCSIN__CODE_DEVIATION)
                        : tocsin__nan();
    }
}

void tocsin__rows_band(const void *constants, const tocsin__reading *reading, uint32_t channel,
                       double limit, double *lower, double *upper)
{
    (void)constants;
    (void)reading;
    (void)channel;
    (void)limit;
    *lower = *upper = tocsin__nan();
}
