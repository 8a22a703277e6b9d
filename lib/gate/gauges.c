/* gauges.c - levels such as memory or processor time: differences of blocks in time.
 *
 * Model.  Readings follow each other too closely to be evidence one by one.  Time is cut into
 * blocks; in each, both arms' readings are averaged, and a block with readings of both is one
 * observation (b, c).  What changes over time in both arms cancels in the difference.  Blocks
 * longer than the memory of the readings make the differences d = c - r b independent, nearly
 * normal, with a mean of 0 if the candidate's level is r times the baseline's.
 *
 * Formula.  Their spread is not known.  With the prior 1/sigma for it, and for mean/sigma a half
 * normal law of variance 1/g, g = 4, on the side that is bet on, the wealth after n blocks is
 *
 *     E = sqrt(g / (n + g)) (Q / S)^(n/2) 2 P(T <= t),   Q = sum d^2,  S = Q - (sum d)^2 / (n + g),
 *     t = (sum d) / sqrt(n + g) / sqrt(S / n),           T of Student's law with n degrees,
 *
 * a martingale if the mean is 0, for any spread; it falls with the mean, so it refutes all that
 * lies on the other side.  T's law is taken as normal at t (1 - 1/4n) / sqrt(1 + t^2/2n).  Before
 * there are 30 blocks it says nothing.
 *
 * Reference.  Wang & Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means
 * with unknown variance", 2310.03722; the approximation: Abramowitz & Stegun 26.7.8.
 *
 * Machines.  Each machine's wealth is its own; what is merged is its logarithm.
 *
 * Cost.  An addition for each reading; a handful of sums for each block, over the whole grid.
 *
 * How it fails.  Blocks shorter than the memory of the readings depend on each other, and the
 * promise does not hold; nor does it with a few huge outliers in 30 blocks.  With clocks that
 * disagree by more than a block the arms are never compared: undecided.
 */
#include "gate.h"

#define GAUGES_BLOCKS 30
#define GAUGES_PRIOR 4.0

/* Beyond this a square would overflow, and no gauge reads so. */
#define GAUGES_LARGEST 1e100
#define GAUGES_SUM_MAX 1e120            /* of as many as can be counted, and far more */
#define GAUGES_MOMENT_MAX 1e220         /* of squares */

enum { GAUGES_B, GAUGES_C, GAUGES_BB, GAUGES_CC, GAUGES_BC };

static const tocsin__field gauges_fields[] = {
    TOCSIN__TALLY_FIELDS(tocsin__gauge_state),
    TOCSIN__FIELD(tocsin__gauge_state, block, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__gauge_state, readings, U64, 0, TOCSIN__COUNT_MAX),
    TOCSIN__FIELD(tocsin__gauge_state, sum, F64, -GAUGES_SUM_MAX, GAUGES_SUM_MAX),
    TOCSIN__FIELD(tocsin__gauge_state, origin, F64, -GAUGES_LARGEST, GAUGES_LARGEST),
    TOCSIN__FIELD(tocsin__gauge_state, moments, F64, -GAUGES_MOMENT_MAX, GAUGES_MOMENT_MAX),
    TOCSIN__FIELD(tocsin__gauge_state, merged, I64, -TOCSIN__EVIDENCE_MAX, TOCSIN__EVIDENCE_MAX),
};
const tocsin__layout tocsin__gauge_layout = {sizeof(tocsin__gauge_state), gauges_fields,
                                             TOCSIN__COUNT(gauges_fields)};

/* Of an arm's readings in the block, which has some: no larger than they are, even if rounded. */
static double gauges_mean(const tocsin__gauge_state *state, uint32_t arm)
{
    return tocsin__clamp(state->sum[arm] / (double)state->readings[arm], -GAUGES_LARGEST,
                         GAUGES_LARGEST);
}

static void gauges_close_block(tocsin__gauge_state *state)
{
    if (state->readings[0] > 0 && state->readings[1] > 0) {
        const double b = gauges_mean(state, 0), c = gauges_mean(state, 1);

        if (state->tally.units[0] == 0) {
            state->origin[0] = b;
            state->origin[1] = c;
        }
        const double from_b = b - state->origin[0], from_c = c - state->origin[1];
        state->moments[GAUGES_B] += from_b;
        state->moments[GAUGES_C] += from_c;
        state->moments[GAUGES_BB] += from_b * from_b;
        state->moments[GAUGES_CC] += from_c * from_c;
        state->moments[GAUGES_BC] += from_b * from_c;
        state->tally.units[0]++;
        state->tally.units[1]++;
    }
    state->readings[0] = state->readings[1] = 0;
    state->sum[0] = state->sum[1] = 0;
}

int tocsin__gauge_observe(tocsin__gauge_state *state, const tocsin__metric *metric, uint32_t arm,
                          int64_t time, double value)
{
    const int64_t block = time / metric->block - (time % metric->block < 0);

    if (!(value >= -GAUGES_LARGEST && value <= GAUGES_LARGEST))
        return 0;
    if (state->readings[0] + state->readings[1] > 0 || state->tally.units[0] > 0) {
        if (block < state->block)
            return 0;
        if (block > state->block)
            gauges_close_block(state);
    }
    state->block = block;
    state->readings[arm]++;
    state->sum[arm] += value;
    return 1;
}

/* log E for differences with this sum and sum of squares, against a mean of at most 0. */
static double gauges_log_e(double n, double sum, double squares)
{
    const double rest = squares - sum * sum / (n + GAUGES_PRIOR);

    if (!(rest > 0) || !(squares > 0))
        return 0;
    const double t = sum / tocsin__sqrt(n + GAUGES_PRIOR) / tocsin__sqrt(rest / n);
    const double z = t * (1 - 1 / (4 * n)) / tocsin__sqrt(1 + t * t / (2 * n));
    const double tail = tocsin__max(tocsin__normal_tail(-z), DBL_MIN);

    return tocsin__log(GAUGES_PRIOR / (n + GAUGES_PRIOR)) / 2 +
           n / 2 * tocsin__log(squares / rest) + tocsin__log(2 * tail);
}

void tocsin__gauge_own(const tocsin__gauge_state *state, const tocsin__metric *metric,
                       int64_t own[TOCSIN__GAUGE_EVIDENCE])
{
    const double n = (double)state->tally.units[0];
    /* With worse=down it is the baseline that must not be higher. */
    const int up = metric->worse > 0;
    const double *const m = state->moments;
    const double of = up ? m[GAUGES_B] : m[GAUGES_C], is = up ? m[GAUGES_C] : m[GAUGES_B];
    const double of_of = up ? m[GAUGES_BB] : m[GAUGES_CC], is_is = up ? m[GAUGES_CC] : m[GAUGES_BB];

    memset(own, 0, TOCSIN__GAUGE_EVIDENCE * sizeof *own);
    if (state->tally.units[0] < GAUGES_BLOCKS)
        return;
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        const double r = tocsin__exp(metric->shift[k]);
        const double offset = up ? state->origin[1] - r * state->origin[0]
                                 : state->origin[0] - r * state->origin[1];
        const double about = is - r * of;
        const double sum = about + n * offset;
        const double squares = is_is - 2 * r * m[GAUGES_BC] + r * r * of_of + 2 * offset * about +
                               n * offset * offset;

        own[k] = tocsin__evidence_round(gauges_log_e(n, sum, squares));
        own[TOCSIN__EFFECTS + k] = tocsin__evidence_round(gauges_log_e(n, -sum, squares));
        if (squares > 0)
            own[2 * TOCSIN__EFFECTS + k] =
                tocsin__evidence_round(sum / tocsin__sqrt(squares));
    }
}

void tocsin__gauge_evidence(const tocsin__gauge_state *state, const tocsin__metric *metric,
                            tocsin__evidence *evidence)
{
    int64_t own[TOCSIN__GAUGE_EVIDENCE];
    double statistic[TOCSIN__EFFECTS];
    int is_known = 0;

    tocsin__gauge_own(state, metric, own);
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        const size_t more = TOCSIN__EFFECTS + k, where = 2 * TOCSIN__EFFECTS + k;

        evidence->less[k] =
            tocsin__evidence_log(tocsin__evidence_add(own[k], state->merged[k]));
        evidence->more[k] =
            tocsin__evidence_log(tocsin__evidence_add(own[more], state->merged[more]));
        statistic[k] =
            tocsin__evidence_log(tocsin__evidence_add(own[where], state->merged[where]));
        is_known |= statistic[k] != 0;
    }
    evidence->harm = evidence->less[TOCSIN__EFFECT_NONE];
    evidence->shift =
        is_known ? tocsin__effect_where(metric->shift, statistic) : tocsin__nan();
}
