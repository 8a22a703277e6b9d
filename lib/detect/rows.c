/* rows.c - many metrics on one scale, lags, and three views: see rows.h. */
#include "rows.h"

#define ROWS_DEVIATION 1.25331413731550025  /* sqrt(pi/2): standard / mean deviation */
#define ROWS_CLIP 8.0
#define ROWS_RELATIVE 0.005
#define ROWS_HISTORY 0.01
#define ROWS_LINEAR 4.0                     /* deviations up to which codes are */
#define ROWS_FADE_LIVES 16.0
#define ROWS_LN2 0.693147180559945309
#define ROWS_LEAST 1e-30                    /* smaller deviations count as none */
#define ROWS_CHANGE_MAX 80.0                /* mean changes */
#define ROWS_STEADY 0.4                     /* times 1/sqrt(metrics): see rows.h */
#define ROWS_BEGINNING 16.0                 /* points that the forest's first spread counts for */
#define ROWS_FOREST_STEADY 0.05             /* of its own unit */

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
    rows->steady = ROWS_STEADY / tocsin__sqrt(rows->metrics);
    shape->length[TOCSIN__ROWS_CENTRE] = 2 * rows->metrics;
    shape->length[TOCSIN__ROWS_SPREAD] = 3 * rows->metrics;
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

void tocsin__rows_init(const tocsin__rows *rows, void *state)
{
    uint16_t *recent = tocsin__rows_array(rows, state, TOCSIN__ROWS_RECENT);

    ((tocsin__rows_views *)state)->spread[TOCSIN__ROWS_FOREST] = 1;
    for (uint32_t i = 0; i < rows->codes - rows->metrics; i++)
        recent[i] = TOCSIN__CODE_CENTRE;
}

/* ---- A metric -------------------------------------------------------------------
 *
 * The two arrays of numbers as they are used. */

typedef struct {
    double mean, last;
} rows_centre;

typedef struct {
    double residual;            /* mean absolute one */
    double reach;
    double change;              /* mean absolute one */
} rows_spread;

typedef struct {
    const rows_centre *centre;
    const rows_spread *spread;
    const uint16_t *seen;
} rows_metrics;

static inline rows_metrics rows_metrics_of(const tocsin__rows *rows, const void *state)
{
    const rows_metrics metrics = {
        tocsin__rows_const_array(rows, state, TOCSIN__ROWS_CENTRE),
        tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SPREAD),
        tocsin__rows_const_array(rows, state, TOCSIN__ROWS_SEEN),
    };

    return metrics;
}

/* The deviation, with its floors; 0: the metric has never moved. */
static inline double rows_deviation(double centre, const rows_spread *spread)
{
    const double deviation =
        tocsin__max(ROWS_DEVIATION * spread->residual,
                    tocsin__max(ROWS_HISTORY * spread->reach,
                                spread->reach > 0 ? ROWS_RELATIVE * tocsin__abs(centre) : 0));

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

/* |x_t - x_(t-1)| in units of its mean; the first ripple of what stood still is one. */
static inline double rows_change(const rows_metrics *metrics, uint32_t m, double value)
{
    const double change = tocsin__abs(value - metrics->centre[m].last);
    const double usual = metrics->spread[m].change;

    if (tocsin__is_nan(value) || metrics->seen[m] == 0)
        return 0;
    return usual >= ROWS_LEAST ? tocsin__min(change / usual, ROWS_CHANGE_MAX) : change > 0;
}

static inline uint32_t rows_distance(uint16_t code)
{
    return code < TOCSIN__CODE_CENTRE ? TOCSIN__CODE_CENTRE - code : code - TOCSIN__CODE_CENTRE;
}

/* ---- What is said ------------------------------------------------------------------ */

/* What the verdict says, if it is about that metric and that view speaks. */
static void rows_read(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                      uint32_t metric, uint32_t view, tocsin__reading *reading)
{
    const rows_metrics metrics = rows_metrics_of(rows, state);
    const rows_centre *centre = &metrics.centre[metric];
    const rows_spread *spread = &metrics.spread[metric];
    const int is_change = view == TOCSIN__ROWS_CHANGE;
    uint8_t reason;

    reading->metric = metric;
    reading->expected = is_change ? centre->last : centre->mean;
    reading->deviation = is_change ? ROWS_DEVIATION * spread->change
                                   : rows_deviation(centre->mean, spread);

    const double d = tocsin__metric_of(point, metric) - reading->expected;

    reading->direction = (d > 0) - (d < 0);
    if (rows->metrics > 1 && tocsin__abs(d) < 3 * reading->deviation)
        reason = TOCSIN_REASON_COMBINATION;
    else if (rows->lags > 1 && tocsin__abs(d) < 3 * reading->deviation)
        reason = TOCSIN_REASON_SHAPE;
    else
        reason = reading->direction < 0 ? TOCSIN_REASON_DROP : TOCSIN_REASON_SPIKE;
    for (uint32_t v = 0; v < TOCSIN__ROWS_VIEWS; v++)
        reading->reason[v] = reason;
}

void tocsin__rows_code(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                       uint16_t *codes)
{
    const rows_metrics metrics = rows_metrics_of(rows, state);

    for (uint32_t m = 0; m < rows->metrics; m++) {
        const double value = tocsin__metric_of(point, m), mean = metrics.centre[m].mean;

        codes[m] = TOCSIN__CODE_CENTRE;
        if (!tocsin__is_nan(value) && metrics.seen[m] > 0)
            codes[m] = rows_code(value - mean, rows_deviation(mean, &metrics.spread[m]));
    }
    memcpy(codes + rows->metrics, tocsin__rows_const_array(rows, state, TOCSIN__ROWS_RECENT),
           (rows->codes - rows->metrics) * sizeof *codes);
}

/* A view's note to `learn`, behind the channels: what it found. */
static inline double *rows_found(tocsin__reading *reading, uint32_t view)
{
    return &reading->channel[TOCSIN__ROWS_VIEWS + view];
}

/* What a view's residuals are measured by. */
static inline double rows_spread_of(const tocsin__rows *rows, const tocsin__rows_views *views,
                                    uint32_t view)
{
    return tocsin__max(views->spread[view],
                       view == TOCSIN__ROWS_FOREST ? ROWS_FOREST_STEADY : rows->steady);
}

static inline double rows_channel(const tocsin__rows *rows, const tocsin__rows_views *views,
                                  uint32_t view, double found)
{
    const double more = tocsin__max(0, found - views->usual[view]);

    if (rows->metrics == 1)
        return view == TOCSIN__ROWS_FOREST ? more : 0;
    return more / rows_spread_of(rows, views, view);
}

void tocsin__rows_judge(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double found, tocsin__reading *reading)
{
    const rows_metrics metrics = rows_metrics_of(rows, state);
    const tocsin__rows_views *views = state;
    uint32_t farthest = 0, most = 0, distances = 0;
    int is_first = 1;
    double changes = 0;

    for (uint32_t m = 0; m < rows->metrics; m++) {
        const double value = tocsin__metric_of(point, m);
        const uint32_t distance = rows_distance(codes[m]);

        if (tocsin__is_nan(value))
            continue;
        changes += rows_change(&metrics, m, value);
        distances += distance;
        if (distance > most || is_first) {
            most = distance;
            farthest = m;
            is_first = 0;
        }
    }
    *rows_found(reading, TOCSIN__ROWS_FOREST) = found;
    *rows_found(reading, TOCSIN__ROWS_DISTANCE) =
        distances / (TOCSIN__CODE_DEVIATION * rows->metrics);
    *rows_found(reading, TOCSIN__ROWS_CHANGE) = changes / rows->metrics;
    if (tocsin__is_nan(found)) {
        reading->flags |= TOCSIN_FLAG_WARMING;
        reading->expected = reading->deviation = tocsin__nan();
        reading->confidence = 0;
        for (uint32_t v = 0; v < TOCSIN__ROWS_VIEWS; v++) {
            reading->channel[v] = tocsin__nan();
            reading->reason[v] = TOCSIN_REASON_NONE;
        }
        return;
    }
    for (uint32_t v = 0; v < TOCSIN__ROWS_VIEWS; v++)
        reading->channel[v] = rows_channel(rows, views, v, *rows_found(reading, v));
    rows_read(rows, state, point, farthest, TOCSIN__ROWS_FOREST, reading);
}

/* What was found teaches what is usually found; NaN teaches nothing. */
static void rows_get_used(const tocsin__rows *rows, tocsin__rows_views *views, uint32_t view,
                          double found)
{
    if (tocsin__is_nan(found))
        return;

    const double before = view == TOCSIN__ROWS_FOREST ? ROWS_BEGINNING : 0;
    const uint32_t judged = views->judged[view];
    const double residual = tocsin__abs(found - views->usual[view]);
    const double most = ROWS_CLIP * rows_spread_of(rows, views, view);

    if (judged > 0)
        views->spread[view] += tocsin__max(rows->gain, 1 / (judged + before)) *
                               (tocsin__min(residual, most) - views->spread[view]);
    views->usual[view] += tocsin__max(rows->gain, 1 / (judged + 1.0)) * (found - views->usual[view]);
    views->judged[view] += judged < UINT32_MAX;
}

void tocsin__rows_learn(const tocsin__rows *rows, void *state, const tocsin__point *point,
                        const uint16_t *codes, const tocsin__reading *reading)
{
    rows_centre *centres = tocsin__rows_array(rows, state, TOCSIN__ROWS_CENTRE);
    rows_spread *spreads = tocsin__rows_array(rows, state, TOCSIN__ROWS_SPREAD);
    uint16_t *seen = tocsin__rows_array(rows, state, TOCSIN__ROWS_SEEN);
    uint16_t *recent = tocsin__rows_array(rows, state, TOCSIN__ROWS_RECENT);

    for (uint32_t v = 0; v < TOCSIN__ROWS_VIEWS; v++)
        rows_get_used(rows, state, v, reading->channel[TOCSIN__ROWS_VIEWS + v]);
    for (uint32_t m = 0; m < rows->metrics; m++) {
        const double value = tocsin__metric_of(point, m);
        rows_centre *const centre = &centres[m];
        rows_spread *const spread = &spreads[m];

        if (tocsin__is_nan(value))
            continue;
        if (seen[m] == 0) {
            centre->mean = centre->last = value;
            seen[m] = 1;
            continue;
        }

        const double deviation = rows_deviation(centre->mean, spread);
        const double limit = deviation > 0 ? ROWS_CLIP * deviation : 2 * TOCSIN__VALUE_MAX;
        const double d = tocsin__clamp(value - centre->mean, -limit, limit);
        const double size = tocsin__abs(d), change = tocsin__abs(value - centre->last);
        const double g = tocsin__max(rows->gain, 1 / (seen[m] + 1.0));
        const double most = spread->change >= ROWS_LEAST ? ROWS_CHANGE_MAX * spread->change
                                                         : 2 * TOCSIN__VALUE_MAX;

        centre->mean += g * d;
        centre->last = value;
        spread->residual += g * (size - spread->residual);
        spread->reach = size > spread->reach ? size : spread->reach - rows->fade * spread->reach;
        spread->change += tocsin__max(rows->gain, 1.0 / seen[m]) *
                          (tocsin__min(change, most) - spread->change);
        seen[m] = (uint16_t)(seen[m] + (seen[m] < UINT16_MAX));
    }
    if (rows->lags > 1) {
        memmove(recent + rows->metrics, recent,
                (rows->codes - 2 * rows->metrics) * sizeof *recent);
        memcpy(recent, codes, rows->metrics * sizeof *recent);
    }
}

/* ---- Who is to blame ---------------------------------------------------------------- */

/* The parts of a view other than the forest's: it looks at the metrics alone, not at lags. */
static void rows_view_parts(const tocsin__rows *rows, const void *state,
                            const tocsin__point *point, const uint16_t *codes, uint32_t view,
                            double *parts)
{
    const rows_metrics metrics = rows_metrics_of(rows, state);

    for (uint32_t i = 0; i < rows->codes; i++)
        parts[i] = 0;
    for (uint32_t m = 0; m < rows->metrics; m++)
        parts[m] = view == TOCSIN__ROWS_DISTANCE
                       ? rows_distance(codes[m])
                       : rows_change(&metrics, m, tocsin__metric_of(point, m));
}

void tocsin__rows_share(const tocsin__rows *rows, const void *state, const tocsin__point *point,
                        const uint16_t *codes, double *parts, const uint16_t *normal,
                        tocsin__reading *reading)
{
    const rows_metrics metrics = rows_metrics_of(rows, state);
    double sum = 0, most = -1;
    uint32_t blamed = reading->metric, view;
    const double statistic = tocsin__speaker(reading, TOCSIN__ROWS_VIEWS, &view);

    if (view != TOCSIN__ROWS_FOREST)
        rows_view_parts(rows, state, point, codes, view, parts);
    for (uint32_t i = 0; i < rows->codes; i++)
        sum += parts[i];
    if (!(sum > 0)) {               /* nothing stands out: all alike, by how far out they are */
        for (uint32_t i = 0; i < rows->codes; i++) {
            parts[i] = 1 + rows_distance(codes[i]);
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
    rows_read(rows, state, point, blamed, view, reading);
    if (!point->shares)
        return;
    memcpy(point->shares, parts, rows->codes * sizeof *parts);
    for (uint32_t m = 0; m < rows->metrics; m++) {
        const rows_centre *centre = &metrics.centre[m];
        const int32_t from = normal ? (int32_t)normal[m] - TOCSIN__CODE_CENTRE : 0;
        const double deviation = rows_deviation(centre->mean, &metrics.spread[m]);
        const double nearest = view == TOCSIN__ROWS_CHANGE
                                   ? centre->last
                                   : centre->mean +
                                         deviation * rows_unbend(from / TOCSIN__CODE_DEVIATION);

        point->shares[rows->codes + m] = metrics.seen[m] > 0 ? nearest : tocsin__nan();
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
