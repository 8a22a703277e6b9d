/* gaps.c - missing values.
 *
 * NaN means: the sender lives and has no value.  An infinity is treated as NaN.
 * Three policies.  `skip` says so and moves on: nothing is scored, nothing is
 * learnt, and the time that passes counts towards the next point's decay.
 * `hold` puts the last value in its place, for metrics that are sent on change.
 * `expected` puts the model's own expectation there, for consumers that need an
 * unbroken line; such a point scores 0 and is not learnt, because a model that
 * learns from itself grows sure of nothing.
 *
 * A value beyond +-1e150 is taken for 1e150: no model can square what lies farther out.
 *
 * Filling stops after `limit` points in a row: a line made up for longer would
 * hide an outage.
 */
#include "prepare.h"

enum { GAPS_MISSING, GAPS_LIMIT };

static const tocsin__param gaps_params[] = {
    {"missing", TOCSIN_TYPE_CHOICE, 1, 0, 0, "", "skip", 0, 0, "skip|hold|expected",
     "what stands in for a missing value: nothing, the last value, or the expected one"},
    {"limit", TOCSIN_TYPE_INTEGER, 1, 0, 0, "points", "10", 1, 1e9, "",
     "the most missing values in a row that are filled"},
};

static const tocsin__field gaps_fields[] = {
    TOCSIN__FIELD_NAN(tocsin__gaps_state, previous, F64, -DBL_MAX, DBL_MAX),
    TOCSIN__FIELD(tocsin__gaps_state, missing, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__gaps_state, run, U32, 0, 1e9 + 1),
    TOCSIN__FIELD(tocsin__gaps_state, spare, U32, 0, 0),
};

static int gaps_resolve(const tocsin__values *values, const tocsin__context *context,
                        void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    tocsin__gaps_constants *k = constants;

    (void)shape;
    k->policy = (uint32_t)values[GAPS_MISSING].item[0].number;
    if (context->metrics > 1 && k->policy != TOCSIN__GAPS_SKIP)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, GAPS_MISSING,
                                "points with several metrics are judged by those that are there: "
                                "leave missing at skip");
    k->limit = (uint32_t)values[GAPS_LIMIT].item[0].number;
    return TOCSIN_OK;
}

static void gaps_init(const void *constants, void *state)
{
    (void)constants;
    ((tocsin__gaps_state *)state)->previous = tocsin__nan();
}

void tocsin__gaps_fill(const tocsin__gaps_constants *k, tocsin__gaps_state *gaps,
                       tocsin__point *point)
{
    if (tocsin__is_finite(point->value)) {
        point->given = point->value;
        point->is_limited = 1;
        point->value = point->value < 0 ? -TOCSIN__VALUE_MAX : TOCSIN__VALUE_MAX;
        if (k->policy != TOCSIN__GAPS_SKIP) {
            gaps->previous = point->value;
            gaps->run = 0;
        }
        return;
    }
    point->value = tocsin__nan();
    gaps->missing++;
    if (k->policy == TOCSIN__GAPS_SKIP)
        return;
    if (gaps->run <= k->limit)
        gaps->run++;
    if (gaps->run > k->limit)
        return;
    if (k->policy == TOCSIN__GAPS_HOLD && !tocsin__is_nan(gaps->previous)) {
        point->value = gaps->previous;
        point->flags |= TOCSIN_FLAG_FILLED;
    } else if (k->policy == TOCSIN__GAPS_EXPECTED) {
        point->fill_expected = 1;
    }
}

static void gaps_explain(const void *constants, const void *state, const tocsin__reading *reading,
                         tocsin_explanation *explanation)
{
    (void)constants;
    (void)reading;
    explanation->missing = ((const tocsin__gaps_state *)state)->missing;
}

const tocsin__stage tocsin__stage_gaps = {
    .name = "gaps",
    .summary = "says what stands in for a missing value",
    .reference = "",
    .kind = TOCSIN_STAGE_PREPARE,
    .rank = TOCSIN__RANK_GAPS,
    .is_default = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = gaps_params,
    .param_count = TOCSIN__COUNT(gaps_params),
    .constants_size = sizeof(tocsin__gaps_constants),
    .layout = {sizeof(tocsin__gaps_state), gaps_fields, TOCSIN__COUNT(gaps_fields)},
    .resolve = gaps_resolve,
    .init = gaps_init,
    .explain = gaps_explain,
};
