/* counter.c - cumulative counters into rates.
 *
 * A counter only grows: requests served, bytes sent, seconds of processor time.
 * What is worth watching is how fast.  The rate is the difference from the
 * previous reading over the time between the two, so a missing reading costs
 * resolution and not a spike.  Readings pushed as integers are subtracted as
 * integers, exact over all 64 bits.
 *
 * A reading below the previous one means the counter was reset (its process
 * started anew) or wrapped round at the end of 32 or 64 bits.  It is taken for a
 * wrap if that gives a rate of at most 8 times the last one, else for a reset.
 * Across a reset no rate is known - part of the step lies before it, unseen - and
 * so the default calls the point missing; `reset=zero` counts from zero instead,
 * as Prometheus' rate() does.
 */
#include "prepare.h"

enum { COUNTER_PER, COUNTER_WRAP, COUNTER_RESET };

static const tocsin__param counter_params[] = {
    {"per", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "1s", 1e-9, 3.2e9, "", "the rate's unit of time"},
    {"wrap", TOCSIN_TYPE_CHOICE, 1, 0, 0, "bits", "auto", 0, 0, "auto|none|32|64",
     "where the counter wraps round; auto: at whichever of 32 and 64 bits is plausible"},
    {"reset", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "missing", 0, 0, "missing|zero",
     "the rate across a reset: missing, or counted from zero"},
};

enum { COUNTER_WRAP_AUTO, COUNTER_WRAP_NONE, COUNTER_WRAP_32, COUNTER_WRAP_64 };

typedef struct {
    double per;             /* ns */
    uint32_t wrap;
    uint32_t from_zero;
} counter_constants;

typedef struct {
    uint64_t count;         /* the previous reading, where is_count ... */
    double value;           /* ... and as a double */
    double rate;            /* the last rate, NaN before the first */
    int64_t time;           /* of the previous reading */
    uint64_t resets;
    uint32_t has_reading;
    uint32_t is_count;
} counter_state;

static const tocsin__field counter_fields[] = {
    TOCSIN__FIELD(counter_state, count, U64, 0, 2e19),
    TOCSIN__FIELD(counter_state, value, F64, -DBL_MAX, DBL_MAX),
    TOCSIN__FIELD_NAN(counter_state, rate, F64, -DBL_MAX, DBL_MAX),
    TOCSIN__FIELD(counter_state, time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(counter_state, resets, U64, 0, 2e19),
    TOCSIN__FIELD(counter_state, has_reading, U32, 0, 1),
    TOCSIN__FIELD(counter_state, is_count, U32, 0, 1),
};

#define COUNTER_PLAUSIBLE 8.0
#define COUNTER_2_32 4294967296.0
#define COUNTER_2_64 18446744073709551616.0

static int counter_resolve(const tocsin__values *values, const tocsin__context *context,
                           void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    counter_constants *k = constants;

    (void)shape;
    if (context->metrics > 1)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, COUNTER_PER,
                                "counter takes one metric, and the detector has several");
    k->per = (double)values[COUNTER_PER].item[0].duration;
    k->wrap = (uint32_t)values[COUNTER_WRAP].item[0].number;
    k->from_zero = values[COUNTER_RESET].item[0].number != 0;
    return TOCSIN_OK;
}

static void counter_init(const void *constants, void *state)
{
    (void)constants;
    ((counter_state *)state)->rate = tocsin__nan();
}

/* How far the counter went if it wrapped at `bits`; negative if it cannot have. */
static double counter_wrapped(const counter_state *s, const tocsin__point *point, double modulus)
{
    if (s->is_count && point->is_count) {   /* unsigned arithmetic wraps by itself */
        if (modulus == COUNTER_2_64)
            return (double)(point->count - s->count);
        return s->count <= UINT32_MAX ? (double)(uint32_t)(point->count - s->count) : -1;
    }
    if (s->value >= modulus || point->value < 0)
        return -1;
    return (modulus - s->value) + point->value;
}

/* The increase behind a reading that is below the previous one: by a wrap, or
 * NaN for a reset. */
static double counter_decreased(const counter_constants *k, const counter_state *s,
                                const tocsin__point *point, double elapsed)
{
    if (k->wrap == COUNTER_WRAP_32 || k->wrap == COUNTER_WRAP_AUTO) {
        const double increase = counter_wrapped(s, point, COUNTER_2_32);

        if (increase >= 0 && increase / elapsed <= COUNTER_PLAUSIBLE * s->rate)
            return increase;
    }
    if (k->wrap == COUNTER_WRAP_64 || k->wrap == COUNTER_WRAP_AUTO) {
        const double increase = counter_wrapped(s, point, COUNTER_2_64);

        if (increase >= 0 && increase / elapsed <= COUNTER_PLAUSIBLE * s->rate)
            return increase;
    }
    return tocsin__nan();
}

void tocsin__counter_convert(const void *constants, void *state, tocsin__point *point)
{
    const counter_constants *k = constants;
    counter_state *s = state;

    if (!tocsin__is_finite(point->value)) {
        point->value = tocsin__nan();
        return;
    }

    double rate = tocsin__nan();

    if (s->has_reading) {
        /* Unsigned: the difference of two int64 times need not fit one. */
        const double elapsed = (double)((uint64_t)point->time - (uint64_t)s->time) / k->per;
        const int exact = s->is_count && point->is_count;
        const int grew = exact ? point->count >= s->count : point->value >= s->value;
        double increase;

        if (grew) {
            increase = exact ? (double)(point->count - s->count) : point->value - s->value;
        } else {
            increase = counter_decreased(k, s, point, elapsed);
            if (increase >= 0) {
                point->flags |= TOCSIN_FLAG_WRAPPED;
            } else {
                point->flags |= TOCSIN_FLAG_RESET;
                s->resets++;
                if (k->from_zero && point->value >= 0)
                    increase = point->value;
            }
        }
        rate = increase / elapsed;
        if (!tocsin__is_finite(rate))
            rate = tocsin__nan();
    }
    s->count = point->count;
    s->is_count = point->is_count;
    s->value = point->value;
    s->time = point->time;
    s->has_reading = 1;
    if (!tocsin__is_nan(rate))
        s->rate = rate;
    point->value = rate;
}

static void counter_explain(const void *constants, const void *state,
                            const tocsin__reading *reading, tocsin_explanation *explanation)
{
    (void)constants;
    (void)reading;
    explanation->resets = ((const counter_state *)state)->resets;
}

const tocsin__stage tocsin__stage_counter = {
    .name = "counter",
    .summary = "turns a cumulative counter into a rate, through resets and wraps",
    .reference = "OpenMetrics 1.0, section on counters",
    .kind = TOCSIN_STAGE_PREPARE,
    .rank = TOCSIN__RANK_COUNTER,
    .revision = 1,
    .oldest_revision = 1,
    .params = counter_params,
    .param_count = TOCSIN__COUNT(counter_params),
    .constants_size = sizeof(counter_constants),
    .layout = {sizeof(counter_state), counter_fields, TOCSIN__COUNT(counter_fields)},
    .resolve = counter_resolve,
    .init = counter_init,
    .explain = counter_explain,
};
