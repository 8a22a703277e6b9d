/* tocsin/gate.h - the release gate: is this release worse than what it replaces?
 *
 * A release goes out to a share of the requests, the *candidate*, beside what it replaces, the
 * *baseline*.  A gate takes what both measure, in order of arrival, and may be asked at any moment
 * and as often as one likes: worse, not worse by more than a margin, or not known yet.  The
 * promised error rate holds for all these looks together.
 *
 *     tocsin_gate_spec *spec;
 *     tocsin_gate *gate;
 *     tocsin_gate_verdict verdict;
 *
 *     memset(&verdict, 0, sizeof verdict);
 *     verdict.struct_size = sizeof verdict;
 *     tocsin_gate_spec_compile(&spec, "unit=request share=50% alpha=1%"
 *                                     " | latency name=checkout margin=10%"
 *                                     " | errors name=5xx margin=50%",
 *                              TOCSIN_NUL_TERMINATED, NULL, NULL);
 *     tocsin_gate_create(&gate, spec, NULL);
 *     tocsin_gate_observe(gate, 0, TOCSIN_ARM_CANDIDATE, TOCSIN_TIME_NONE, 0, 31.5);
 *     tocsin_gate_count(gate, 1, TOCSIN_ARM_CANDIDATE, TOCSIN_TIME_NONE, 2, 950);
 *     tocsin_gate_judge(gate, &verdict);
 *     tocsin_gate_free(gate);
 *     tocsin_gate_spec_free(spec);
 *
 * The spec
 * --------
 * One line in the grammar of spec.h: the gate's own parameters, then the metrics, each after a
 * "|".  Metrics are numbered from 0 in the order of the text.
 *
 *     unit=        request | session | pod.  No default: what was assigned to an arm independently
 *                  of everything else.  Wrong units are the main risk: see "Units" below.
 *     share=       the candidate's declared share of the units, 50%.  Default: `constant`, which
 *                  says that it is not known but does not change; decisions then take more
 *                  requests, and no sample-ratio check against a declared share is possible.
 *     alpha=       the promised error rate, 1%
 *     routing=     random | round-robin | sticky | before-after; see "Conditions"
 *     budget=      how long the gate may take, 30m; by default there is no limit.  Counted from the
 *                  first observation's time to the last one's
 *     ramp=        no | yes: the share will be changed, by tocsin_gate_ramp()
 *     sessions=    how many sessions to remember, for unit=session: 1000000
 *     pods=        how many pods there can be, for unit=pod: 64
 *
 * The kinds of metrics and what they take:
 *
 *     latency      positive values of any unit, one for each request; infinity is a timeout
 *     histogram    the same as counts in buckets
 *     errors       failures among requests
 *     count        events that ought to be split as the traffic is (orders); needs a known share
 *     gauge        readings of a level: processor time, memory
 *
 *     name=          up to 63 letters, digits and .:/_-; default: the kind
 *     worse=         up | down: which direction is harm.  Default: up
 *     margin=        the relative change that would be harm, 10%: of a latency's typical value, an
 *                    error ratio, a rate or a level.  With worse=down at most 90%
 *     tail_margin=   latency and histogram: how much more often than the baseline the candidate may
 *                    exceed high quantiles.  100%, the default, allows 1.2 times as many beyond
 *                    q90, 1.5 times beyond q99, 1.75 times beyond q99.5 and, with tail=q999, twice as
 *                    many beyond q99.9; other values scale what is above 1
 *     tail=          q99 | q995 | q999 | none: how deep the tail is guarded.  Default: q995.  `none`
 *                    never passes, it gives "shift only"; see "What a pass does not say"
 *     block=         gauge: the length of the blocks that are compared, 30s; longer than what the
 *                    reading depends on from its own past
 *
 * The verdict
 * -----------
 * Each metric has an *e-value* against "the candidate is not worse": a bettor's wealth that began
 * at 1 and, were that so, would exceed 1/a ever with a chance of at most a (Ville's inequality).
 * That is why one may look at any time.  Its logarithm is `log_e`; `p` is exp(-log_e), at most 1.
 *
 *   fail        some metric's e-value reached (metrics / alpha): it is worse
 *   pass        for every metric a change of the margin or more is ruled out, and so is, for
 *               latencies, more of the tail than its guards allow
 *   shift only  as pass, but not all tails are guarded or ruled out: the typical value is in
 *               order, but a few much slower requests might be hidden
 *   undecided   none of these yet; `needed` says how many more units it takes at this rate
 *   invalid     the arms' units do not have the declared share: something else is wrong, and no
 *               comparison of such arms means anything
 *   no data     some metric has nothing from one of the arms
 *
 * A pass needs evidence; silence never passes.  A gate keeps no memory of what it said: act on the
 * first decision, which is what the promise is about.
 *
 * What is promised: if the candidate is not worse, "fail" is ever said with a chance of at most
 * alpha; if it is worse by the margin or more (or its tail beyond a guard), "pass" is ever said
 * with a chance of at most alpha.  `invalid` is wrong with a chance of at most .001.
 *
 * What a pass does not say
 * -----------------------
 * A guard compares how many requests are beyond a quantile, not how far.  Having passed with the
 * default tail=q995, what is ruled out is three quarters of a half percent of further requests
 * beyond q99.5 (one in 270); fewer of them than that may have become slower by any factor.  It takes
 * a hundred or so requests beyond a quantile to guard it, so that the depth of the guard decides how
 * long a pass takes: with tail=q999, which leaves one in 1000, three times as long.  Requests that
 * time out count as beyond every quantile.  That a fail may come from anything, however deep, is not
 * limited by this.
 *
 * How latencies are judged, and why this is valid
 * -----------------------------------------------
 * Before looking at which arm an observation belongs to, the gate looks at its value, and bets on
 * the arm: after a slow one on the candidate, a little.  If the candidate is like the baseline, and
 * units are routed independently, then an arm is a toss of a coin with the share's odds, whatever
 * the value and all that went before: the coin was tossed before the value came to be.  No bet at
 * fair odds can win against this, so the wealth is a martingale - with any law of latency, any
 * season, any dependence between requests.  How slow "slow" is, is read off running quantiles of
 * both arms together, which depend on the past alone.  Many bets are held at once, from faint
 * shifts of everything to a handful of huge outliers; the e-value is their average.
 *
 * A confidence sequence for the shift inverts this: if the candidate's values are the baseline's
 * times 1 + d, then after dividing them by it the arms are alike, and bets cannot win.  Every d
 * of a grid at which they do win is ruled out.
 *
 * Error and other counts bet on the arm of each event; gauges compare differences of blocks in
 * time; pods are permuted.  See Shekhar & Ramdas, "Nonparametric two-sample testing by betting"
 * (2021); Lindon & Malek, "Anytime-valid inference for multinomial count data" (2020); Wang &
 * Ramdas, "Anytime-valid t-tests" (2023); Howard & Ramdas, "Sequential estimation of quantiles"
 * (2022); Wang & Ramdas, "False discovery rate control with e-values" (2020).
 *
 * Conditions
 * ----------
 * - Units are assigned to arms independently of each other and of what they will measure.
 * - The share is as declared, or the same throughout (`constant`); between calls of
 *   tocsin_gate_ramp() it does not change.
 * - routing=round-robin: turns are no coin.  It is accepted, and said in the verdict: it holds only
 *   if nothing in the traffic has a period that shares a factor with the cycle.
 * - routing=sticky, where a user stays on an arm: needs unit=session or unit=pod.
 * - routing=before-after: the arms come one after the other, so that whatever else changed in
 *   between counts as the candidate's doing.  The verdict is marked and describes what was
 *   measured; it promises nothing.
 *
 * Units
 * -----
 * Requests of one user or one pod resemble each other.  If users are assigned to arms, not
 * requests, then each request counts as evidence that is not there, and a gate without change
 * fails far more often than alpha.  So:
 *
 *   unit=request   each request is routed on its own, and pods do not differ
 *   unit=session   `unit` is a session or user; only its first observation of each metric counts.
 *                  Should more come than sessions= says, new ones may be passed over: this costs
 *                  evidence, and nothing else
 *   unit=pod       `unit` is a pod or host.  Pods' means are compared by a permutation test at
 *                  8 looks, when the number of observations doubles.  With few pods it cannot
 *                  reach a verdict, and says how many it would take (`needed`, in pods)
 *
 * Whether pods differ can be seen beforehand: call half of the baseline's pods, drawn at random, the
 * candidate, and give what they measured before the rollout to a gate with unit=request.  If it
 * fails, they do.  It may take several such halves to see it.
 *
 * Merging and snapshots
 * ---------------------
 * A gate can be fed on many machines and merged.  What is merged are counts, sums of integers:
 * any order gives the same verdict to the bit.  See tocsin_gate_merge().
 *
 * Memory and threads
 * ------------------
 * A gate is one block, of a size known from its spec: about 1.2 KB for each latency, 9 KB for all
 * together.  Observing never allocates.  One gate, one thread at a time; specs are shared.
 */
#ifndef TOCSIN_GATE_H
#define TOCSIN_GATE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Specs ------------------------------------------------------------------ */

/** A compiled gate spec: immutable, shared by any number of gates and threads.  It must outlive
 *  them. */
typedef struct tocsin_gate_spec tocsin_gate_spec;

/** A gate: the state of one comparison.  Opaque. */
typedef struct tocsin_gate tocsin_gate;

/** The most metrics of a gate. */
#define TOCSIN_GATE_METRICS_MAX 4096

/** The arms. */
enum {
    TOCSIN_ARM_BASELINE = 0,    /**< what is being replaced */
    TOCSIN_ARM_CANDIDATE = 1    /**< the release */
};

/** The kinds of metrics. */
enum {
    TOCSIN_METRIC_LATENCY = 0,      /**< positive values */
    TOCSIN_METRIC_HISTOGRAM = 1,    /**< the same, as counts in buckets */
    TOCSIN_METRIC_ERRORS = 2,       /**< failures among requests */
    TOCSIN_METRIC_COUNT = 3,        /**< events */
    TOCSIN_METRIC_GAUGE = 4         /**< readings of a level */
};

/** Compile a text.
 *  @param out        receives the spec; NULL on failure
 *  @param text       see "The spec" above
 *  @param length     its bytes, at most 1048575, or TOCSIN_NUL_TERMINATED
 *  @param allocator  may be NULL (malloc)
 *  @param error      may be NULL; filled in on failure with offset, word, what was expected and a
 *                    suggestion
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  out or text is NULL, the text is too long, the allocator is
 *                                 malformed, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_SYNTAX    the text does not follow the grammar, or there is no unit= or no
 *                                 metric
 *  @retval TOCSIN_ERROR_NAME      an unknown kind, parameter or choice
 *  @retval TOCSIN_ERROR_RANGE     a value out of bounds, or too many metrics
 *  @retval TOCSIN_ERROR_CONFLICT  something given twice, two metrics of one name, or parameters
 *                                 that exclude each other
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  One allocation, 10 KB and half a KB for each metric.  Thread-safe.  Half a millisecond: the odds
 *  of all bets are computed here, and shared by the spec's gates. */
TOCSIN_API int tocsin_gate_spec_compile(tocsin_gate_spec **out, const char *text, size_t length,
                                        const tocsin_allocator *allocator, tocsin_error *error);

/** Free a spec.  NULL is fine.  No gate created from it may be in use. */
TOCSIN_API void tocsin_gate_spec_free(tocsin_gate_spec *spec);

/** Write the spec back as canonical text, with every parameter that has a value.  Two specs are
 *  equal exactly if their texts are.
 *  @param spec    the spec
 *  @param text    buffer; receives a NUL-terminated text.  May be NULL if size is 0
 *  @param size    the buffer's bytes
 *  @param needed  may be NULL; receives the bytes needed including the NUL, also on
 *                 TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  spec is NULL, or text is NULL and size is not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written */
TOCSIN_API int tocsin_gate_spec_text(const tocsin_gate_spec *spec, char *text, size_t size,
                                     size_t *needed);

/** What one metric of a spec is. */
typedef struct tocsin_metric_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_metric_info) */
    uint32_t kind;          /**< TOCSIN_METRIC_* */
    int32_t worse;          /**< +1: up is worse; -1: down is */
    uint32_t reserved;      /**< 0 */
    double margin;          /**< the relative change that would be harm, .1 for 10% */
    const char *name;       /**< NUL-terminated, as long as the spec lives */
} tocsin_metric_info;

/** How many metrics there are.  0 if spec is NULL. */
TOCSIN_API size_t tocsin_gate_metric_count(const tocsin_gate_spec *spec);

/** Describe a metric.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a struct_size that is unknown, or index past the end */
TOCSIN_API int tocsin_gate_metric(const tocsin_gate_spec *spec, size_t index,
                                  tocsin_metric_info *info);

/** Find a metric by its name.
 *  @param spec    the spec
 *  @param name    bytes; need not be NUL-terminated
 *  @param length  how many, or TOCSIN_NUL_TERMINATED
 *  @param index   receives its number
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_NAME      there is none */
TOCSIN_API int tocsin_gate_metric_find(const tocsin_gate_spec *spec, const char *name,
                                       size_t length, uint32_t *index);

/* ---- Gates ------------------------------------------------------------------- */

/** Bytes of memory that tocsin_gate_create_in() needs.  0 if spec is NULL.  A tenth of a KB, and for
 *  each metric: a latency 1.2 KB, a histogram 1.9, errors or a count 0.1, a gauge 0.4; with ramp=yes
 *  10 KB more, and for each metric but gauges 1.3 to 1.6; pods and sessions as many as there can be. */
TOCSIN_API size_t tocsin_gate_size(const tocsin_gate_spec *spec);

/** The alignment of that memory: a power of two, at most 64. */
TOCSIN_API size_t tocsin_gate_alignment(void);

/** Create a gate.
 *  @param out        receives the gate; NULL on failure
 *  @param spec       shared; must outlive the gate
 *  @param allocator  may be NULL (malloc)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a malformed allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  One allocation of tocsin_gate_size(spec) bytes. */
TOCSIN_API int tocsin_gate_create(tocsin_gate **out, const tocsin_gate_spec *spec,
                                  const tocsin_allocator *allocator);

/** Create a gate in memory of the caller's, who frees it after the last call.
 *  tocsin_gate_free() is allowed on it and does nothing.
 *  @param out     receives the gate; NULL on failure
 *  @param spec    shared; must outlive the gate
 *  @param memory  tocsin_gate_size(spec) bytes, aligned to tocsin_gate_alignment()
 *  @param size    the memory's bytes; more than needed is fine
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT   a NULL
 *  @retval TOCSIN_ERROR_ALIGNMENT  memory is misaligned
 *  @retval TOCSIN_ERROR_SPACE      size is too small */
TOCSIN_API int tocsin_gate_create_in(tocsin_gate **out, const tocsin_gate_spec *spec, void *memory,
                                     size_t size);

/** Forget everything.  Nothing happens if gate is NULL. */
TOCSIN_API void tocsin_gate_reset(tocsin_gate *gate);

/** Free a gate.  NULL is fine. */
TOCSIN_API void tocsin_gate_free(tocsin_gate *gate);

/** The spec it was created from, or NULL if gate is NULL. */
TOCSIN_API const tocsin_gate_spec *tocsin_gate_spec_of(const tocsin_gate *gate);

/* ---- Observing --------------------------------------------------------------
 *
 * In order of arrival, as far as it is known: both arms mixed as they came.  An order that depends
 * on the arm (all of one first) is what no comparison survives.  Where only totals of an interval
 * are known, there are tocsin_gate_count() and tocsin_gate_buckets().
 *
 * What is no measurement (NaN, a negative latency, a gauge's reading of a time gone by) changes
 * nothing but a count: TOCSIN_INFO_IGNORED.  A gate that had to ignore more than 1 % of an arm does
 * not pass.
 */

/** Observe one value.
 *  @param gate    the gate
 *  @param metric  its number
 *  @param arm     TOCSIN_ARM_*
 *  @param time    of the observation; TOCSIN_TIME_NONE where there is none.  Gauges need one
 *  @param unit    identifies the session or pod; not looked at with unit=request
 *  @param value   latency: at least 0, infinity for a timeout; errors: 1 for a failure, 0 for a
 *                 request in order; count: a whole number of events; gauge: any number
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED        not a value of such a metric; of a session that was counted;
 *                                     of one pod more than there can be; or the gate is full: it
 *                                     holds 2^32 - 1 observations of a metric
 *  @retval TOCSIN_ERROR_ARGUMENT      gate is NULL, or no such metric or arm
 *  @retval TOCSIN_ERROR_TIME          a gauge's reading without a time
 *  @retval TOCSIN_ERROR_UNSUPPORTED   a histogram takes buckets only
 *  Constant time, some 30 ns for a latency.  No allocation. */
TOCSIN_API int tocsin_gate_observe(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                                   uint64_t unit, double value);

/** One observation of many. */
typedef struct tocsin_observation {
    uint32_t metric;        /**< its number */
    uint32_t arm;           /**< TOCSIN_ARM_* */
    int64_t time;           /**< or TOCSIN_TIME_NONE */
    uint64_t unit;          /**< session or pod */
    double value;           /**< as for tocsin_gate_observe() */
} tocsin_observation;

/** Observe many values in order.
 *  @param gate          the gate
 *  @param observations  `count` of them
 *  @param count         how many
 *  @param done          may be NULL; receives how many were taken before the first error
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED  all were looked at, and some ignored
 *  @retval the errors of tocsin_gate_observe(), at the first observation that has one; what
 *          stood before it was taken */
TOCSIN_API int tocsin_gate_observe_n(tocsin_gate *gate, const tocsin_observation *observations,
                                     size_t count, size_t *done);

/** Observe counts of an interval: increases, not totals (see tocsin_counter_read()).
 *  @param gate    the gate
 *  @param metric  one of kind errors or count
 *  @param arm     TOCSIN_ARM_*
 *  @param time    the interval's end, or TOCSIN_TIME_NONE
 *  @param events  failures, or events
 *  @param of      the requests among which they happened; of a count: 0
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED       more failures than requests, or the gate is full
 *  @retval TOCSIN_ERROR_ARGUMENT     gate is NULL, or no such metric or arm
 *  @retval TOCSIN_ERROR_UNSUPPORTED  a metric of another kind, or unit=session or unit=pod, which
 *                                    need to know of each request whose it is */
TOCSIN_API int tocsin_gate_count(tocsin_gate *gate, uint32_t metric, uint32_t arm, int64_t time,
                                 uint64_t events, uint64_t of);

/** The most buckets of a histogram. */
#define TOCSIN_GATE_BUCKETS_MAX 64

/** Observe an interval of a histogram: both arms at once, for which bucket counts as slow must not
 *  depend on which arm was read first.  The counts are increases, and each bucket's own, not those
 *  of all buckets below it.
 *  @param gate       the gate
 *  @param metric     one of kind histogram
 *  @param time       the interval's end, or TOCSIN_TIME_NONE
 *  @param bounds     the buckets' upper bounds, ascending, more than 0; the last one is infinity
 *  @param baseline   a count for each bucket
 *  @param candidate  a count for each bucket
 *  @param buckets    2 .. TOCSIN_GATE_BUCKETS_MAX
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED       the gate is full
 *  @retval TOCSIN_ERROR_ARGUMENT     a NULL, no such metric, or bounds that are none
 *  @retval TOCSIN_ERROR_MISMATCH     other bounds than at first: nothing was taken
 *  @retval TOCSIN_ERROR_UNSUPPORTED  a metric of another kind, or another unit than request
 *  The first interval with counts only says how slow slow is; bets begin with the second. */
TOCSIN_API int tocsin_gate_buckets(tocsin_gate *gate, uint32_t metric, int64_t time,
                                   const double *bounds, const uint64_t *baseline,
                                   const uint64_t *candidate, size_t buckets);

/** A counter of a process, as it was read last.  One for each counter that is read; zero it, set
 *  its size. */
typedef struct tocsin_counter {
    uint32_t struct_size;   /**< sizeof(tocsin_counter) */
    uint32_t resets;        /**< how often it began anew */
    uint64_t readings;      /**< how often it was read */
    uint64_t total;         /**< what it said last */
} tocsin_counter;

/** Turn a counter's total into its increase.  A total below the last one says that the process
 *  began anew: the increase is then what it has counted since.
 *  @param counter   the counter
 *  @param total     what it says now
 *  @param increase  receives what it counted since the last reading; 0 at the first
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED    the first reading
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size that is unknown */
TOCSIN_API int tocsin_counter_read(tocsin_counter *counter, uint64_t total, uint64_t *increase);

/** From now on the candidate's share is another one.
 *  @param gate   the gate
 *  @param share  between 0 and 1, both excluded; 0: not known, but the same from now on
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT     gate is NULL
 *  @retval TOCSIN_ERROR_RANGE        the share is out of bounds
 *  @retval TOCSIN_ERROR_UNSUPPORTED  the spec does not say ramp=yes; it has a metric of kind count,
 *                                    which needs the share; or unit=pod
 *  The evidence stays; what comes is judged by the new share. */
TOCSIN_API int tocsin_gate_ramp(tocsin_gate *gate, double share);

/* ---- The verdict --------------------------------------------------------------- */

/** What a gate can say. */
enum {
    TOCSIN_OUTCOME_NO_DATA = 0,     /**< nothing from one of the arms */
    TOCSIN_OUTCOME_UNDECIDED = 1,   /**< not known yet */
    TOCSIN_OUTCOME_PASS = 2,        /**< harm is ruled out */
    TOCSIN_OUTCOME_SHIFT_ONLY = 3,  /**< a shift is ruled out, a worse tail is not */
    TOCSIN_OUTCOME_FAIL = 4,        /**< worse */
    TOCSIN_OUTCOME_INVALID = 5      /**< the arms are not what was declared */
};

/** What else there is to know of a verdict. */
enum {
    TOCSIN_GATE_NOT_RANDOMISED = 1u << 0,   /**< before-after: a description, without promise */
    TOCSIN_GATE_TURNS = 1u << 1,            /**< round-robin: see "Conditions" */
    TOCSIN_GATE_BUDGET_SPENT = 1u << 2,     /**< the budget's time is over */
    TOCSIN_GATE_IGNORED = 1u << 3,          /**< more than 1 % of an arm's observations were no
                                                 measurements: no pass */
    TOCSIN_GATE_FULL = 1u << 4,             /**< it takes no more observations */
    TOCSIN_GATE_FEW_PODS = 1u << 5,         /**< with so few pods no verdict can come */
    TOCSIN_GATE_INTERPOLATED = 1u << 6      /**< histogram: how much is ruled out takes values to be
                                                 spread evenly, in logarithms, over their bucket */
};

/** A verdict, of one metric or of the whole gate. */
typedef struct tocsin_gate_verdict {
    uint32_t struct_size;       /**< set by the caller: sizeof(tocsin_gate_verdict) */
    uint32_t outcome;           /**< TOCSIN_OUTCOME_* */
    uint32_t flags;             /**< TOCSIN_GATE_* */
    uint32_t metric;            /**< the metric these figures are of; of the whole gate the one that
                                     decides, or that is in the way of a decision */
    uint32_t metrics;           /**< how many metrics the error rate is shared among */
    uint32_t blamed;            /**< how many metrics tocsin_gate_blame() would list */
    double alpha;               /**< the promised error rate */
    double log_e;               /**< natural logarithm of the e-value against "not worse" */
    double p;                   /**< the same as an anytime-valid p-value of this metric */
    double log_e_pass;          /**< of the weakest of the tests a pass needs: each against harm of
                                     its margin, to reach log(1 / alpha) */
    double log_e_share;         /**< against the declared share; NaN where there is none */
    double effect;              /**< estimate: the candidate's relative change, .1 for +10%; NaN:
                                     none yet */
    double effect_low;          /**< its confidence sequence at 1 - alpha; -1: no bound yet */
    double effect_high;         /**< infinity: no bound yet */
    double ruled_out;           /**< the smallest harm that is ruled out at alpha, as a positive
                                     relative change in the worse direction; infinity: none yet */
    uint64_t baseline_units;    /**< requests, sessions, pods or blocks that count as evidence */
    uint64_t candidate_units;   /**< the same of the candidate */
    uint64_t baseline_ignored;  /**< observations that were no measurements */
    uint64_t candidate_ignored; /**< the same of the candidate */
    uint64_t needed;            /**< further units, of both arms together, until a decision if all
                                     goes on like this; 0: decided; UINT64_MAX: cannot be told */
    int64_t elapsed;            /**< from the first observation's time to the last one's; 0 without
                                     times */
} tocsin_gate_verdict;

/** The gate's verdict.
 *  @param gate     the gate, which is not changed
 *  @param verdict  filled in
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size that is unknown
 *  Some microseconds for each metric with a known share, some hundred with share=constant. */
TOCSIN_API int tocsin_gate_judge(const tocsin_gate *gate, tocsin_gate_verdict *verdict);

/** The verdict on one metric, with alpha shared among all of the gate's.
 *  @param gate     the gate, which is not changed
 *  @param metric   its number
 *  @param verdict  filled in
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a struct_size that is unknown, or no such metric */
TOCSIN_API int tocsin_gate_judge_metric(const tocsin_gate *gate, uint32_t metric,
                                        tocsin_gate_verdict *verdict);

/** The metrics to blame: those that are worse, where an expected share of at most alpha of the
 *  list is listed wrongly (e-BH).  With hundreds of metrics it lists more than those that each fail
 *  the gate on their own.
 *  @param gate      the gate, which is not changed
 *  @param metrics   receives their numbers, the strongest evidence first; may be NULL if capacity
 *                   is 0
 *  @param capacity  how many numbers there is room for
 *  @param count     receives how many there are
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_SPACE     more than capacity: the first ones are written, and count */
TOCSIN_API int tocsin_gate_blame(const tocsin_gate *gate, uint32_t *metrics, size_t capacity,
                                 size_t *count);

/** The evidence about one size of the change. */
typedef struct tocsin_gate_effect {
    double effect;          /**< the candidate's relative change */
    double log_e_less;      /**< evidence that it is more than this: against "at most this" */
    double log_e_more;      /**< evidence that it is less than this: against "at least this" */
} tocsin_gate_effect;

/** The evidence over the grid of changes that the confidence sequence is made of, ascending.
 *  @param gate      the gate, which is not changed
 *  @param metric    its number
 *  @param effects   receives up to `capacity`; may be NULL if that is 0
 *  @param capacity  how many there is room for
 *  @param count     receives how many there are; 0 for unit=pod
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or no such metric
 *  @retval TOCSIN_ERROR_SPACE     more than capacity: the first ones are written, and count */
TOCSIN_API int tocsin_gate_effects(const tocsin_gate *gate, uint32_t metric,
                                   tocsin_gate_effect *effects, size_t capacity, size_t *count);

/** How often each arm exceeds a quantile of both together. */
typedef struct tocsin_gate_level {
    double quantile;            /**< .99 */
    double value;               /**< its present estimate, in the latency's unit */
    double baseline;            /**< the fraction of the baseline's observations beyond it */
    double baseline_low;        /**< their 1 - alpha confidence bands, uniform over time and */
    double baseline_high;       /**< quantiles */
    double candidate;           /**< the same of the candidate */
    double candidate_low;       /**< its band's lower end */
    double candidate_high;      /**< its band's upper end */
} tocsin_gate_level;

/** What moved: the tail's fractions at every level, for plots.  Of kinds latency and histogram.
 *  "Beyond" is above, with worse=down below.
 *  @param gate      the gate, which is not changed
 *  @param metric    its number
 *  @param levels    receives up to `capacity`; may be NULL if that is 0
 *  @param capacity  how many there is room for
 *  @param count     receives how many there are; 0 before the first 16 observations
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT     a NULL, or no such metric
 *  @retval TOCSIN_ERROR_UNSUPPORTED  a metric of another kind, or unit=pod
 *  @retval TOCSIN_ERROR_SPACE        more than capacity: the first ones are written, and count */
TOCSIN_API int tocsin_gate_levels(const tocsin_gate *gate, uint32_t metric,
                                  tocsin_gate_level *levels, size_t capacity, size_t *count);

/** "pass", "shift only" ...; "unknown" for a number that is none.  Static. */
TOCSIN_API const char *tocsin_outcome_name(uint32_t outcome);

/** Say a verdict in one sentence.
 *  @param gate     the gate it is of, for the metric's name
 *  @param verdict  from tocsin_gate_judge() or tocsin_gate_judge_metric()
 *  @param text     buffer; receives a NUL-terminated text.  May be NULL if size is 0
 *  @param size     the buffer's bytes
 *  @param needed   may be NULL; receives the bytes needed including the NUL, also on
 *                  TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a verdict of no such gate, or text is NULL and size is
 *                                 not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written */
TOCSIN_API int tocsin_gate_text(const tocsin_gate *gate, const tocsin_gate_verdict *verdict,
                                char *text, size_t size, size_t *needed);

/* ---- Machines ------------------------------------------------------------------ */

/** Add what another gate has seen.  Both must have equal specs, and the share that is in force must
 *  be the same.  With share=constant it must have been the same on all machines too; where it was
 *  not, call tocsin_gate_ramp(gate, 0) on each before merging.
 *
 *  The usual way: each machine saves its gate every minute; a collector begins with a fresh gate,
 *  merges all of them, and judges.  Any order gives the same bits, in the verdict and in what
 *  tocsin_gate_save() writes.  Running quantiles are not merged: each machine has its own, and
 *  the collector's stay as they were.  A session that several machines saw counts on each of
 *  them: route a session to one.
 *
 *  With unit=pod what a look saw is part of the state, and merging does not look.  The collector
 *  lives on; every so often the machines send what is new, each beginning anew with
 *  tocsin_gate_reset(), and when all of a round are merged, tocsin_gate_look() looks.  Within a
 *  round any order gives the same bits.
 *  @param gate  receives
 *  @param from  is not changed; not the same gate
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or the same gate
 *  @retval TOCSIN_ERROR_MISMATCH  another spec, another share, or a histogram's other bounds
 *  @retval TOCSIN_ERROR_RANGE     together too many observations or pods
 *  A failure changes nothing. */
TOCSIN_API int tocsin_gate_merge(tocsin_gate *gate, const tocsin_gate *from);

/** Compare the pods, if the time of a look has come (see "Units"): to be called when a round of
 *  merging is complete.  Observing looks by itself.  With other units there is nothing to do.
 *  @param gate  the gate
 *  @retval TOCSIN_OK              whether or not it looked
 *  @retval TOCSIN_ERROR_ARGUMENT  gate is NULL
 *  At a look 1000 sums over the pods for each test, milliseconds; else constant time.  No
 *  allocation. */
TOCSIN_API int tocsin_gate_look(tocsin_gate *gate);

/** Save a gate.
 *  @param gate    the gate; saving does not change it
 *  @param buffer  receives the snapshot; may be NULL if size is 0
 *  @param size    the buffer's bytes
 *  @param needed  may be NULL; receives the snapshot's bytes, also on TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  gate is NULL, or buffer is NULL and size is not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written
 *  The size depends on the spec alone.  No allocation. */
TOCSIN_API int tocsin_gate_save(const tocsin_gate *gate, void *buffer, size_t size,
                                size_t *needed);

/** Load a snapshot into a gate of an equal spec.
 *  @param gate      the gate whose state is replaced; a failure leaves it as it was
 *  @param snapshot  the bytes; they need no alignment
 *  @param size      how many
 *  @param error     may be NULL; filled in on failure, `offset` in bytes of the snapshot
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_FORMAT    not a gate's snapshot, cut off, malformed, or a value out of
 *                                 bounds
 *  @retval TOCSIN_ERROR_CHECKSUM  damaged
 *  @retval TOCSIN_ERROR_VERSION   written by a release too new
 *  @retval TOCSIN_ERROR_MISMATCH  of another spec
 *  No allocation. */
TOCSIN_API int tocsin_gate_load(tocsin_gate *gate, const void *snapshot, size_t size,
                                tocsin_error *error);

/** Compile the spec inside a snapshot.
 *  @retval the statuses of tocsin_gate_load() and tocsin_gate_spec_compile() */
TOCSIN_API int tocsin_gate_snapshot_spec(tocsin_gate_spec **out, const void *snapshot, size_t size,
                                         const tocsin_allocator *allocator, tocsin_error *error);

/* ---- Planning ----------------------------------------------------------------------
 *
 *     tocsin_rollout rollout;
 *     tocsin_plan plan;
 *
 *     memset(&rollout, 0, sizeof rollout);
 *     rollout.struct_size = sizeof rollout;
 *     rollout.effect = 0.1;
 *     memset(&plan, 0, sizeof plan);
 *     plan.struct_size = sizeof plan;
 *     if (tocsin_gate_plan(spec, &rollout, &plan, NULL) == TOCSIN_OK)
 *         printf("%.0f seconds at 200 requests a second\n", (double)plan.fail_median / 200);
 */

/** The most rollouts of a plan, of each kind. */
#define TOCSIN_ROLLOUT_RUNS_MAX 256

/** What the rollouts to be simulated are like.  Zero means the default throughout. */
typedef struct tocsin_rollout {
    uint32_t struct_size;   /**< sizeof(tocsin_rollout) */
    uint32_t runs;          /**< of each kind, 1 .. TOCSIN_ROLLOUT_RUNS_MAX; default: 40 */
    uint64_t requests_max;  /**< a rollout ends after so many, up to 1e9; default: 2,000,000 */
    double share;           /**< the candidate's of the requests, between 0 and 1; default: the spec's,
                                 0.5 where it has none */
    double effect;          /**< by how much a worse candidate is worse, all metrics alike, above 0, up
                                 to 100: 0.1, the default, is 10 % */
    double sigma;           /**< the standard deviation of the latencies' logarithms, above 0, up to
                                 10; default: 1 */
    double errors;          /**< the baseline's error rate, between 0 and 1; default: 0.001 */
    uint64_t seed;          /**< any number */
} tocsin_rollout;

/** How long a gate takes.  New fields are only ever appended. */
typedef struct tocsin_plan {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_plan) */
    uint32_t runs;          /**< of each kind */
    uint32_t failed;        /**< of the rollouts with a worse candidate, those that failed */
    uint32_t passed;        /**< of the rollouts without a change, those that passed; where a metric
                                 says tail=none, those that were "shift only" */
    uint64_t fail_median;   /**< requests of both arms until half of the worse ones failed, */
    uint64_t fail_most;     /**< and until nine in ten did; UINT64_MAX: so many never did */
    uint64_t pass_median;   /**< the same until rollouts without a change */
    uint64_t pass_most;     /**< passed */
} tocsin_plan;

/** How long will a decision take?  Runs the gate on simulated rollouts: lognormal latencies, errors
 *  at random, a candidate that is worse by the effect, and one that is the same.  A rollout ends with the
 *  gate's first decision.
 *  @param spec       latency and errors; unit=request or session
 *  @param rollout    may be NULL: all defaults
 *  @param plan       filled in
 *  @param allocator  may be NULL (malloc); one gate, which is returned
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT     a NULL, a struct_size that is unknown, or a number out of bounds
 *  @retval TOCSIN_ERROR_UNSUPPORTED  a metric of another kind, or unit=pod
 *  @retval TOCSIN_ERROR_MEMORY       the allocator failed
 *  Deterministic.  Some 100 ns for each request, metric and rollout: seconds, where decisions take
 *  hundreds of thousands of requests. */
TOCSIN_API int tocsin_gate_plan(const tocsin_gate_spec *spec, const tocsin_rollout *rollout,
                                tocsin_plan *plan, const tocsin_allocator *allocator);

/* ---- One run against a history ---------------------------------------------------- */

/** How one run compares with a history of good ones. */
typedef struct tocsin_history_verdict {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_history_verdict) */
    uint32_t outcome;       /**< TOCSIN_OUTCOME_FAIL: unlike the good runs; _PASS: as usual;
                                 _UNDECIDED: the history is too short for alpha; _NO_DATA */
    uint32_t metric;        /**< the strangest metric */
    uint32_t runs;          /**< runs of the history that could be used */
    double p;               /**< how often a run of the same kind is at least this strange; never
                                 below 1 / (runs + 1) */
    double metric_p;        /**< the same of the strangest metric alone */
} tocsin_history_verdict;

/** Does a run (a build, a job, a deployment) look like the good ones before it?  Durations, counts
 *  of tests, sizes.  Conformal: if the runs are exchangeable, a fail has a chance of at most alpha,
 *  whatever their law and however the metrics depend on each other.
 *  @param history  runs * metrics values, a run's side by side; a NaN is missing
 *  @param runs     at most 65535
 *  @param metrics  1 .. TOCSIN_GATE_METRICS_MAX
 *  @param run      the new one: a value for each metric
 *  @param worse    for each metric +1 (more is worse), -1, or 0 (either); NULL: all 0
 *  @param alpha    the chance of failing a good run, between 0 and 1
 *  @param ranks    the caller's memory for runs + 1 numbers
 *  @param verdict  filled in
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a struct_size that is unknown, or a number out of bounds
 *  The square of the runs times the metrics.  No allocation. */
TOCSIN_API int tocsin_history_judge(const double *history, size_t runs, size_t metrics,
                                    const double *run, const int8_t *worse, double alpha,
                                    double *ranks, tocsin_history_verdict *verdict);

#ifdef __cplusplus
}
#endif
#endif
