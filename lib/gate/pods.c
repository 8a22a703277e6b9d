/* pods.c - few units: a permutation test of pods, looked at eight times.
 *
 * Model.  Pods differ: one host is slower than another, whatever runs on it.  If the release does
 * nothing, then which of the pods are the candidate's is a draw from all ways to choose as many,
 * and the difference between the arms' means of pods is one of as many draws.  Pods that came
 * between two looks are exchanged with each other only.
 *
 * Test.  1000 choices, the first of them the one that was made, the others drawn from a generator
 * that is seeded by the choice's number: the same at every look.  There are 8 looks, at a number of
 * observations that doubles.  At look j those choices with the largest difference are marked, until
 * alpha j/8 of all have been marked at this look or before.  The test rejects when the one that was
 * made is marked: as one of 1000 that are alike it is among the alpha * 1000 that ever are with a
 * chance of at most alpha.  Where it ties with others, they go first.
 *
 * Machines.  What pods measured adds up in any order; what a look sees, and which pods count as new
 * to it, depends on when it is.  So merging does not look: whoever merges looks when a round of
 * it is complete.
 *
 * Statistics.  Of latencies (and gauges) the mean logarithm of each pod, against no change and,
 * after dividing the candidate's pods by it, against the margin; and the fractions beyond q90, q99
 * and q99.5 against their guards' ratios.  Of errors the failure rate.
 *
 * Reference.  Permutation tests: Pitman (1937); spending alpha over looks: Lan & DeMets,
 * Biometrika 70 (1983).
 *
 * Cost.  A binary search for each observation; 1000 sums over the pods at each of 8 looks.
 *
 * How it fails.  With n pods, m of them the candidate's, no p-value can be below 1 over the ways to
 * choose m of n: 10 against 1 never decide at 5 %.  Pods that were not chosen at random (all new
 * ones on new hosts) differ by their hosts.
 */
#include "gate.h"

#define PODS_FIRST_LOOK 512         /* observations */
#define PODS_FIRST_LOOK_OF_GAUGES 128
#define PODS_UNIT 1048576.0         /* of sums of logarithms */
#define PODS_Q90 12                 /* the first level beyond it */
#define PODS_Q99 15
#define PODS_Q995 16

enum { PODS_HARM, PODS_MARGIN, PODS_GUARD90, PODS_GUARD99, PODS_GUARD995 };

static const tocsin__field pods_fields[] = {
    TOCSIN__TALLY_FIELDS(tocsin__pod_state),
    TOCSIN__LEVELS_FIELDS(tocsin__pod_state),
    TOCSIN__FIELD(tocsin__pod_state, start, U32, 0, TOCSIN__COUNT_MAX),
    TOCSIN__FIELD(tocsin__pod_state, next_look, U64, 0, 1e15),
    TOCSIN__FIELD(tocsin__pod_state, looks, U32, 0, TOCSIN__POD_LOOKS),
    TOCSIN__FIELD(tocsin__pod_state, pods, U32, 0, TOCSIN__PODS_MAX),
    TOCSIN__FIELD(tocsin__pod_state, p, U32, 0, TOCSIN__PERMUTATIONS),
    TOCSIN__FIELD(tocsin__pod_state, crossed, U8, 0, 255),
    TOCSIN__FIELD(tocsin__pod_state, reserved, U8, 0, 0),
    TOCSIN__ARRAY("pod_ids", U64, TOCSIN__POD_IDS, 0, 18446744073709551616.0),
    TOCSIN__ARRAY("pod_counts", U64, TOCSIN__POD_COUNTS, 0, TOCSIN__COUNT_MAX),
    TOCSIN__ARRAY("pod_sums", I64, TOCSIN__POD_VALUES, -4e18, 4e18),
    TOCSIN__ARRAY("pod_marks", U32, TOCSIN__POD_MARKS, 0, 2 * TOCSIN__POD_LOOKS + 1),
};
const tocsin__layout tocsin__pod_layout = {sizeof(tocsin__pod_state), pods_fields,
                                           TOCSIN__COUNT(pods_fields)};

tocsin__pod_array tocsin__pods_of(const tocsin__metric *metric, void *state)
{
    char *const base = state;
    const tocsin__shape *const shape = &metric->shape;
    const tocsin__layout *const layout = metric->layout;
    tocsin__pod_array pods;

    pods.id = (uint64_t *)(void *)(base + tocsin__layout_array(layout, shape, TOCSIN__POD_IDS));
    pods.count =
        (uint64_t *)(void *)(base + tocsin__layout_array(layout, shape, TOCSIN__POD_COUNTS));
    pods.sums =
        (int64_t *)(void *)(base + tocsin__layout_array(layout, shape, TOCSIN__POD_VALUES));
    pods.mark =
        (uint32_t *)(void *)(base + tocsin__layout_array(layout, shape, TOCSIN__POD_MARKS));
    pods.capacity = shape->length[TOCSIN__POD_IDS];
    return pods;
}

/* ---- The pods ------------------------------------------------------------------------ */

static int pods_is_before(const tocsin__pod_array *pods, uint32_t at, uint64_t id, uint32_t arm)
{
    return pods->id[at] < id || (pods->id[at] == id && (pods->mark[at] & 1) < arm);
}

/* Pods stand in order, or they would not be found and there would seem to be room for them again. */
void tocsin__pods_settle(tocsin__pod_state *state, const tocsin__metric *metric)
{
    const tocsin__pod_array pods = tocsin__pods_of(metric, state);
    uint32_t sound = 0;

    while (sound < state->pods && sound < pods.capacity &&
           (sound == 0 ||
            pods_is_before(&pods, sound - 1, pods.id[sound], pods.mark[sound] & 1)))
        sound++;
    state->pods = sound;
}

/* Where a pod is; it is added if it is not there.  The capacity if there is no room. */
static uint32_t pods_find(tocsin__pod_state *state, const tocsin__pod_array *pods, uint64_t id,
                          uint32_t arm)
{
    uint32_t low = 0, high = state->pods;

    while (low < high) {
        const uint32_t middle = (low + high) / 2;

        if (pods_is_before(pods, middle, id, arm))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < state->pods && pods->id[low] == id && (pods->mark[low] & 1) == arm)
        return low;
    if (state->pods == pods->capacity)
        return pods->capacity;

    const size_t behind = state->pods - low;
    memmove(pods->id + low + 1, pods->id + low, behind * sizeof *pods->id);
    memmove(pods->count + low + 1, pods->count + low, behind * sizeof *pods->count);
    memmove(pods->mark + low + 1, pods->mark + low, behind * sizeof *pods->mark);
    memmove(pods->sums + TOCSIN__POD_SUMS * (low + 1), pods->sums + TOCSIN__POD_SUMS * low,
            TOCSIN__POD_SUMS * behind * sizeof *pods->sums);
    pods->id[low] = id;
    pods->count[low] = 0;
    pods->mark[low] = arm + 2 * state->looks;
    memset(pods->sums + TOCSIN__POD_SUMS * low, 0, TOCSIN__POD_SUMS * sizeof *pods->sums);
    state->pods++;
    return low;
}

/* ---- Looks --------------------------------------------------------------------------- */

/* A pod's statistic for a test, as if the change it asks about were taken back. */
static double pods_statistic(const tocsin__pod_array *pods, uint32_t at,
                             const tocsin__metric *metric, uint32_t test)
{
    const int64_t *const sums = pods->sums + TOCSIN__POD_SUMS * at;
    const double count = (double)pods->count[at];
    const int is_candidate = pods->mark[at] & 1;
    const double margin = metric->shift[TOCSIN__EFFECT_MARGIN];
    double value = (double)sums[test < PODS_GUARD90 ? 0 : test - PODS_MARGIN] / count;

    if (test >= PODS_GUARD90)
        return is_candidate ? value / metric->guard[test - PODS_GUARD90] : value;
    value /= PODS_UNIT;
    if (metric->kind == TOCSIN_METRIC_ERRORS)
        return metric->worse * (test == PODS_HARM || !is_candidate
                                    ? value
                                    : value / tocsin__exp(metric->worse * margin));
    return test == PODS_HARM || !is_candidate ? value : value - margin;
}

/* Candidate's mean of pods minus the baseline's under one choice; number 0 is the one made. */
static double pods_difference(const tocsin__pod_state *state, const tocsin__pod_array *pods,
                              const double *statistic, uint32_t choice)
{
    double sums[2] = {0, 0}, counts[2] = {0, 0};

    for (uint32_t cohort = 0; cohort <= state->looks; cohort++) {
        uint64_t z = ((uint64_t)choice << 8 | cohort) * UINT64_C(0x9e3779b97f4a7c15);
        uint32_t left = 0, candidates = 0;

        for (uint32_t i = 0; i < state->pods; i++)
            if (pods->mark[i] >> 1 == cohort && pods->count[i] > 0) {
                left++;
                candidates += pods->mark[i] & 1;
            }
        for (uint32_t i = 0; i < state->pods && left > 0; i++) {
            uint32_t arm = pods->mark[i] & 1;

            if (pods->mark[i] >> 1 != cohort || pods->count[i] == 0)
                continue;
            if (choice > 0) {
                z += UINT64_C(0x9e3779b97f4a7c15);
                uint64_t x = z;
                x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
                x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
                x ^= x >> 31;
                arm = (x >> 32) * left >> 32 < candidates;
            }
            candidates -= arm;
            left--;
            sums[arm] += statistic[i];
            counts[arm]++;
        }
    }
    return counts[0] > 0 && counts[1] > 0 ? sums[1] / counts[1] - sums[0] / counts[0] : 0;
}

static int pods_has_crossed(const tocsin__pod_state *state, uint32_t test, uint32_t choice)
{
    const uint32_t bit = test * TOCSIN__PERMUTATIONS + choice;

    return state->crossed[bit / 8] >> bit % 8 & 1;
}

static void pods_cross(tocsin__pod_state *state, uint32_t test, uint32_t choice)
{
    const uint32_t bit = test * TOCSIN__PERMUTATIONS + choice;

    state->crossed[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void pods_test(tocsin__pod_state *state, const tocsin__pod_array *pods,
                      const tocsin__metric *metric, uint32_t test, double alpha)
{
    double statistic[TOCSIN__PODS_MAX], difference[TOCSIN__PERMUTATIONS];
    const double share = alpha * state->looks / TOCSIN__POD_LOOKS;
    const uint32_t allowed = (uint32_t)(share * TOCSIN__PERMUTATIONS + 1e-9);
    uint32_t marked = 0, at_least = 0;

    for (uint32_t i = 0; i < state->pods; i++)
        statistic[i] = pods->count[i] > 0 ? pods_statistic(pods, i, metric, test) : 0;
    for (uint32_t b = 0; b < TOCSIN__PERMUTATIONS; b++) {
        const double up = pods_difference(state, pods, statistic, b);

        difference[b] = test == PODS_HARM ? up : -up;
        at_least += difference[b] >= difference[0];
        marked += (uint32_t)pods_has_crossed(state, test, b);
    }
    if (state->p[test] == 0 || at_least < state->p[test])
        state->p[test] = at_least;
    for (; marked < allowed; marked++) {
        uint32_t largest = TOCSIN__PERMUTATIONS;

        /* From the last to the first, so that the choice that was made comes last of equals. */
        for (uint32_t b = TOCSIN__PERMUTATIONS; b-- > 0;)
            if (!pods_has_crossed(state, test, b) &&
                (largest == TOCSIN__PERMUTATIONS || difference[b] > difference[largest]))
                largest = b;
        pods_cross(state, test, largest);
    }
}

void tocsin__pod_look(tocsin__pod_state *state, const tocsin__metric *metric, double alpha_harm,
                      double alpha)
{
    const tocsin__pod_array pods = tocsin__pods_of(metric, state);
    const uint64_t first = metric->kind == TOCSIN_METRIC_GAUGE ? PODS_FIRST_LOOK_OF_GAUGES
                                                               : PODS_FIRST_LOOK;

    if (state->next_look == 0)
        state->next_look = first;
    while (state->looks < TOCSIN__POD_LOOKS &&
           tocsin__tally_all(&state->tally) >= state->next_look) {
        const uint32_t tests = metric->kind == TOCSIN_METRIC_LATENCY ? TOCSIN__POD_TESTS
                                                                     : PODS_GUARD90;
        state->looks++;
        state->next_look *= 2;
        for (uint32_t test = 0; test < tests; test++)
            pods_test(state, &pods, metric, test, test == PODS_HARM ? alpha_harm : alpha);
    }
}

/* ---- Observations ---------------------------------------------------------------------- */

/* As many values as a gate holds, of any size, stay below: what is cut off can only come from
 * a snapshot that was made up. */
static int64_t pods_add(int64_t a, int64_t b)
{
    const int64_t most = INT64_C(4000000000000000000);
    const int64_t sum = a + b;

    return sum > most ? most : sum < -most ? -most : sum;
}

int tocsin__pod_observe(tocsin__pod_state *state, const tocsin__metric *metric, uint32_t arm,
                        uint64_t id, double value, double alpha_harm, double alpha)
{
    const tocsin__pod_array pods = tocsin__pods_of(metric, state);
    const int is_timeout = value > DBL_MAX;
    uint32_t level = 0;
    double v = value;

    if (metric->kind == TOCSIN_METRIC_ERRORS) {
        if (value != 0 && value != 1)
            return 0;
    } else {
        if ((metric->kind == TOCSIN_METRIC_GAUGE && (!(value > 0) || is_timeout)) ||
            !tocsin__latency_log(is_timeout ? 1 : value, metric->worse, &v))
            return 0;
    }
    const uint32_t at = pods_find(state, &pods, id, arm);
    if (at == pods.capacity)
        return 0;

    if (metric->kind == TOCSIN_METRIC_LATENCY) {
        tocsin__levels *const levels = &state->levels;
        const int is_ranked = levels->seen >= TOCSIN__START;

        if (is_timeout) {
            if (!is_ranked)
                return 1;
            /* It ranks highest; as a value it counts as just beyond the highest quantile. */
            v = levels->q[TOCSIN__TAUS - 1] * TOCSIN__LOG_UNIT + 2 * levels->scale;
            level = TOCSIN__LEVELS;
        } else {
            const int32_t value_level = tocsin__fixed_log(v);

            if (is_ranked)
                level = tocsin__levels_find(levels->q, value_level);
            tocsin__levels_learn(levels, state->start, value_level, level);
        }
    }
    int64_t *const sums = pods.sums + TOCSIN__POD_SUMS * at;
    sums[0] = pods_add(sums[0], (int64_t)(v * PODS_UNIT));
    sums[1] += level >= PODS_Q90;
    sums[2] += level >= PODS_Q99;
    sums[3] += level >= PODS_Q995;
    pods.count[at]++;
    state->tally.units[arm]++;
    tocsin__pod_look(state, metric, alpha_harm, alpha);
    return 1;
}

int tocsin__pods_fit(const tocsin__pod_state *state, const tocsin__pod_state *from,
                     const tocsin__metric *metric)
{
    /* Only read. */
    const tocsin__pod_array pods = tocsin__pods_of(metric, (void *)(uintptr_t)state);
    const tocsin__pod_array added = tocsin__pods_of(metric, (void *)(uintptr_t)from);
    uint32_t both = 0, i = 0, j = 0;

    while (i < state->pods && j < from->pods) {
        const uint32_t arm = added.mark[j] & 1;

        if (pods_is_before(&pods, i, added.id[j], arm)) {
            i++;
        } else {
            both += pods.id[i] == added.id[j] && (pods.mark[i] & 1) == arm;
            j++;
        }
    }
    return state->pods + from->pods - both <= pods.capacity;
}

void tocsin__pod_merge(tocsin__pod_state *state, const tocsin__metric *metric,
                       const tocsin__pod_state *from)
{
    const tocsin__pod_array pods = tocsin__pods_of(metric, state);
    const tocsin__pod_array added = tocsin__pods_of(metric, (void *)(uintptr_t)from);

    for (uint32_t j = 0; j < from->pods; j++) {
        const uint32_t at = pods_find(state, &pods, added.id[j], added.mark[j] & 1);

        pods.count[at] += added.count[j];
        for (uint32_t s = 0; s < TOCSIN__POD_SUMS; s++)
            pods.sums[TOCSIN__POD_SUMS * at + s] =
                pods_add(pods.sums[TOCSIN__POD_SUMS * at + s],
                         added.sums[TOCSIN__POD_SUMS * j + s]);
    }
    for (size_t arm = 0; arm < 2; arm++) {
        state->tally.units[arm] += from->tally.units[arm];
        tocsin__tally_ignore(&state->tally, arm, from->tally.ignored[arm]);
    }
}

/* ---- Evidence -------------------------------------------------------------------------- */

/* ln of the ways to choose m of n. */
static double pods_log_choices(uint32_t n, uint32_t m)
{
    return -tocsin__log((double)n + 1) -
           tocsin__log_beta((double)(n - m) + 1, (double)m + 1);
}

static double pods_verdict(const tocsin__pod_state *state, uint32_t test, double alpha)
{
    return pods_has_crossed(state, test, 0) ? -tocsin__log(alpha) : 0;
}

void tocsin__pod_evidence(const tocsin__pod_state *state, const tocsin__metric *metric,
                          double alpha_harm, double alpha, tocsin__evidence *evidence)
{
    const tocsin__pod_array pods = tocsin__pods_of(metric, (void *)(uintptr_t)state);
    const double strictest = tocsin__min(alpha_harm, alpha);
    double mean[2] = {0, 0};
    uint32_t count[2] = {0, 0};

    for (uint32_t i = 0; i < state->pods; i++) {
        const uint32_t arm = pods.mark[i] & 1;

        if (pods.count[i] == 0)
            continue;
        mean[arm] += pods_statistic(&pods, i, metric, PODS_HARM);
        count[arm]++;
    }
    evidence->units[0] = count[0];
    evidence->units[1] = count[1];
    for (size_t k = 0; k < TOCSIN__EFFECTS; k++) {
        evidence->less[k] = k <= TOCSIN__EFFECT_NONE ? pods_verdict(state, PODS_HARM, alpha_harm)
                                                     : 0;
        evidence->more[k] = k >= TOCSIN__EFFECT_MARGIN ? pods_verdict(state, PODS_MARGIN, alpha)
                                                       : 0;
    }
    evidence->harm = evidence->less[TOCSIN__EFFECT_NONE];
    evidence->guard[0] = pods_verdict(state, PODS_GUARD90, alpha);
    evidence->guard[1] = pods_verdict(state, PODS_GUARD99, alpha);
    evidence->guard[2] = pods_verdict(state, PODS_GUARD995, alpha);
    evidence->guard[3] = 0;
    evidence->pod_p = state->p[PODS_HARM] == 0
                          ? 1
                          : tocsin__min(1, TOCSIN__POD_LOOKS * (double)state->p[PODS_HARM] /
                                               TOCSIN__PERMUTATIONS);

    if (count[0] > 0 && count[1] > 0) {
        uint32_t n = count[0] + count[1], m = count[1];

        if (metric->kind == TOCSIN_METRIC_ERRORS)
            evidence->shift = mean[0] != 0 && mean[1] != 0
                                  ? metric->worse * tocsin__log(mean[1] / count[1] /
                                                                (mean[0] / count[0]))
                                  : tocsin__nan();
        else
            evidence->shift = mean[1] / count[1] - mean[0] / count[0];
        /* Add pods to the smaller arm until a choice can be rare enough. */
        while (n < 2 * TOCSIN__PODS_MAX && pods_log_choices(n, m) < -tocsin__log(strictest)) {
            n++;
            m += m < n - m;
        }
        evidence->needed_pods = n - count[0] - count[1];
        evidence->few_pods = evidence->needed_pods > 0;
    }
}
