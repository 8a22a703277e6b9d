/* tocsin/detector.h - one series: push points, read verdicts.
 *
 * A detector is one series' state and the compiled spec that says what to do
 * with it.  Points are pushed in order of time; each gives a verdict at once,
 * made from what came before it and never from what comes after.
 *
 * What a verdict does not hide: while a model or its calibration is warming up,
 * while a value is missing, when nothing came at all, the verdict says so in
 * its flags and `score` is NaN.  In every other case `score` is a number >= 0.
 *
 * Cost: a push takes constant time and never allocates.
 */
#ifndef TOCSIN_DETECTOR_H
#define TOCSIN_DETECTOR_H

#include "base.h"
#include "spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One series' state and the spec that says what to do with it.  Opaque. */
typedef struct tocsin_detector tocsin_detector;

/** The most raw statistics ("channels") a detector can emit for one point. */
#define TOCSIN_CHANNELS 8

/* ---- What a verdict says ------------------------------------------------ */

/** Flags: why there is no score, or what is special about this point. */
enum {
    TOCSIN_FLAG_WARMING = 1 << 0,      /**< no score yet: the model or its calibration is still
                                            learning */
    TOCSIN_FLAG_MISSING = 1 << 1,      /**< no score: the value is NaN or infinite, a counter has no
                                            rate here (its first reading, or one across a reset), or
                                            nothing came (a tick) */
    TOCSIN_FLAG_LATE = 1 << 2,         /**< no score: older than a point already seen; counted, not
                                            learnt. A tick: before the last point */
    TOCSIN_FLAG_REPEATED = 1 << 3,     /**< no score: same time as the last point; counted, not
                                            learnt again */
    TOCSIN_FLAG_FILLED = 1 << 4,       /**< the value was missing and has been filled in (`gaps
                                            missing=hold|expected`) */
    TOCSIN_FLAG_RESET = 1 << 5,        /**< the counter started anew; what that means for the rate:
                                            `counter reset=` */
    TOCSIN_FLAG_WRAPPED = 1 << 6,      /**< the counter passed its maximum; the rate allows for
                                            it */
    TOCSIN_FLAG_GAP = 1 << 7,          /**< much more time than usual has passed since the last
                                            point */
    TOCSIN_FLAG_ABSENT = 1 << 8,       /**< nothing has come for longer than `clock absence=` */
    TOCSIN_FLAG_EXTRAPOLATED = 1 << 9, /**< rarer than anything in the history: the score comes from
                                            the tail fit */
    TOCSIN_FLAG_FLOORED = 1 << 10,     /**< the deviation is at its floor: the series hardly
                                            moves */
    TOCSIN_FLAG_MUTED = 1 << 11,       /**< a mark mutes the alarm at this time */
    TOCSIN_FLAG_HELD = 1 << 12,        /**< nothing was learnt from this point: the mode or a mark
                                            says so */
    TOCSIN_FLAG_COOLING = 1 << 13,     /**< would have started an alarm, but the last one was too
                                            recent */
    TOCSIN_FLAG_TRIVIAL = 1 << 14,     /**< rare, but below the minimum deviation that was asked
                                            for */
    TOCSIN_FLAG_SHORT_HISTORY = 1 << 15, /**< scored, but the history is too short for the budget to
                                              ring */
    TOCSIN_FLAG_UNSCORED = 1 << 16     /**< no score: the mode asked for none (TOCSIN_LEARN_ONLY,
                                            TOCSIN_HOLD) */
};

/** The alarm's state and what this point changed about it. */
enum {
    TOCSIN_ALARM_OFF = 0,
    TOCSIN_ALARM_ON = 1
};
enum {
    TOCSIN_TRANSITION_NONE = 0,
    TOCSIN_TRANSITION_START = 1,    /**< ring now */
    TOCSIN_TRANSITION_ONGOING = 2,  /**< still on */
    TOCSIN_TRANSITION_CLEAR = 3     /**< over: the alarm went off with this point */
};

/** Tiers: how loud. */
enum {
    TOCSIN_TIER_NONE = 0,
    TOCSIN_TIER_TICKET = 1,         /**< somebody should look today */
    TOCSIN_TIER_PAGE = 2            /**< somebody should look now */
};

/** Reasons: what is unusual. */
enum {
    TOCSIN_REASON_NONE = 0,
    TOCSIN_REASON_SPIKE = 1,        /**< one value far above what was expected */
    TOCSIN_REASON_DROP = 2,         /**< one value far below */
    TOCSIN_REASON_LEVEL = 3,        /**< the level has moved */
    TOCSIN_REASON_TREND = 4,        /**< the slope has changed */
    TOCSIN_REASON_SEASON = 5,       /**< usual at another time, not at this one */
    TOCSIN_REASON_VARIANCE = 6,     /**< the spread has changed */
    TOCSIN_REASON_SHAPE = 7,        /**< the course of the last points is unlike the history */
    TOCSIN_REASON_COMBINATION = 8,  /**< each metric is usual, their combination is not */
    TOCSIN_REASON_ABSENCE = 9       /**< nothing came */
};

/** What the detector says of one point.  New fields are only ever appended:
 *  calls take the size the caller knows and fill in no more. */
typedef struct tocsin_verdict {
    int64_t time;           /**< the point's time, the clock's where it came without one;
                                 nanoseconds */
    double value;           /**< the value judged: as given, a counter's rate, or what filled a
                                 gap */
    double score;           /**< -log10 of the expected exceedance clusters per point; >= 0, or NaN
                                 (see flags) */
    double period;          /**< return period, seconds: a healthy series shows this once in so
                                 long; NaN with score */
    double raw;             /**< the detector's raw statistic (deviations, for most); NaN while the
                                 model is warming and for a point that is not judged; so are the
                                 next two */
    double expected;        /**< the value that was expected */
    double deviation;       /**< the usual size of value - expected, not less than its floor */
    double confidence;      /**< the detector's own trust in the verdict, 0..1: warm-up, gaps and
                                 short history lower it; 0 for a point that is not judged */
    uint32_t flags;         /**< TOCSIN_FLAG_* */
    uint8_t alarm;          /**< TOCSIN_ALARM_* after this point */
    uint8_t transition;     /**< TOCSIN_TRANSITION_* */
    uint8_t tier;           /**< TOCSIN_TIER_*: the loudest tier of the episode that is on; NONE
                                 while off */
    uint8_t reason;         /**< TOCSIN_REASON_*: what is most unusual; NONE where the score is
                                 below 1 */
    int8_t direction;       /**< +1 above what was expected, -1 below, 0 neither */
    uint8_t channel;        /**< index of the statistic that speaks; its name: tocsin_explanation */
    uint16_t metric;        /**< of several metrics, the one to blame: `value`, `expected`, `deviation`
                                 and `direction` are its; else 0 */
    uint8_t reserved[4];    /**< 0 */
    int64_t since;          /**< when the episode that is on, or has just cleared, started;
                                 TOCSIN_TIME_NONE */
    double lower;           /**< a value below this would exceed the budget, the more frequent one
                                 of two; -inf: none would; NaN: no limit yet, or none at all
                                 (`raw`) */
    double upper;           /**< the same above. What else the alarm asks for (n of m, direction,
                                 dead time, minima) is not in them */
} tocsin_verdict;

/** The part of a verdict that every release knows; verdict_size must be at least this. */
#define TOCSIN_VERDICT_MIN_SIZE 104

/* ---- Life ---------------------------------------------------------------- */

/** Create a detector for one series.
 *  @param out        receives the detector; NULL on failure
 *  @param spec       shared; must outlive the detector
 *  @param allocator  may be NULL (malloc)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a malformed allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  One allocation of tocsin_spec_detector_size(spec) bytes. */
TOCSIN_API int tocsin_detector_create(tocsin_detector **out, const tocsin_spec *spec,
                                      const tocsin_allocator *allocator);

/** Create a detector in memory of the caller's, who frees that memory after the
 *  last call.  tocsin_detector_free() is allowed on it and does nothing.
 *  @param out     receives the detector, which begins inside the memory; NULL on failure
 *  @param spec    shared; must outlive the detector
 *  @param memory  tocsin_spec_detector_size(spec) bytes, aligned to
 *                 tocsin_spec_detector_alignment(spec)
 *  @param size    the memory's bytes; more than needed is fine
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT   a NULL
 *  @retval TOCSIN_ERROR_ALIGNMENT  memory is misaligned
 *  @retval TOCSIN_ERROR_SPACE      size is too small */
TOCSIN_API int tocsin_detector_create_in(tocsin_detector **out, const tocsin_spec *spec,
                                         void *memory, size_t size);

/** Create a copy in the same state, of the same spec.
 *  @param out        receives the copy; NULL on failure
 *  @param detector   the original, wherever its memory came from
 *  @param allocator  the copy's, may be NULL (malloc)
 *  @retval the statuses of tocsin_detector_create() */
TOCSIN_API int tocsin_detector_clone(tocsin_detector **out, const tocsin_detector *detector,
                                     const tocsin_allocator *allocator);

/** Back to the state of a new detector.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  detector is NULL */
TOCSIN_API int tocsin_detector_reset(tocsin_detector *detector);

/** Free a detector.  NULL is fine. */
TOCSIN_API void tocsin_detector_free(tocsin_detector *detector);

/** The spec the detector was created from; NULL for NULL. */
TOCSIN_API const tocsin_spec *tocsin_detector_spec(const tocsin_detector *detector);

/* ---- Points -------------------------------------------------------------- */

/** What to do with a point. */
enum {
    TOCSIN_LEARN_AND_SCORE = 0,
    TOCSIN_SCORE_ONLY = 1,      /**< judge it and ring as always, learn nothing: a known incident, a
                                     replay */
    TOCSIN_LEARN_ONLY = 2,      /**< learn it, give no score and start nothing: history being
                                     loaded */
    TOCSIN_HOLD = 3             /**< neither; time passes, the model does not move. In the last two
                                     an alarm that is on stays on */
};

/** Push one point.
 *
 *  A NaN or infinite value is a missing one.  A point older than the last is
 *  late, one at the same time is repeated: both are counted, flagged and change
 *  nothing else.
 *
 *  @param detector  the detector
 *  @param time      nanoseconds since the Unix epoch, or TOCSIN_TIME_NONE
 *  @param value     in the metric's unit
 *  @param mode      TOCSIN_LEARN_AND_SCORE ...
 *  @param verdict   may be NULL
 *  @param verdict_size  sizeof(tocsin_verdict); ignored if verdict is NULL
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED     late or repeated
 *  @retval TOCSIN_ERROR_ARGUMENT   detector is NULL, an unknown mode, or verdict_size is too small
 *  @retval TOCSIN_ERROR_WIDTH      the spec has several metrics: tocsin_detector_push_row()
 *  Errors change nothing and write no verdict. */
TOCSIN_API int tocsin_detector_push(tocsin_detector *detector, int64_t time, double value, int mode,
                                    tocsin_verdict *verdict, size_t verdict_size);

/** Push one reading of a counter as an exact integer: above 2^53 a double would
 *  lose its last digits.  Without a `counter` stage it is the same as pushing
 *  (double)value.
 *  @retval the statuses of tocsin_detector_push() */
TOCSIN_API int tocsin_detector_push_u64(tocsin_detector *detector, int64_t time, uint64_t value,
                                        int mode, tocsin_verdict *verdict, size_t verdict_size);

/** Push one point that has several metrics, a *row*: what a spec expects whose detector was given
 *  `metrics=`.  A value that is NaN or infinite is missing; a row is judged by what it has, and is
 *  missing itself where it has nothing.  The verdict is about the metric to blame: see
 *  tocsin_verdict.metric and tocsin_detector_shares().
 *
 *  Takes up to 80 KB of stack with `rcforest` and 24 KB with `hstrees` and `iforest`, for threads
 *  that are given little of it.
 *  @param detector  the detector
 *  @param time      nanoseconds since the Unix epoch, or TOCSIN_TIME_NONE
 *  @param values    one of each metric
 *  @param count     how many: tocsin_spec_metrics(); where that is 1, this is the same as
 *                   tocsin_detector_push()
 *  @param mode      TOCSIN_LEARN_AND_SCORE ...
 *  @param verdict   may be NULL
 *  @param verdict_size  sizeof(tocsin_verdict); ignored if verdict is NULL
 *  @retval the statuses of tocsin_detector_push(); TOCSIN_ERROR_WIDTH: count is another */
TOCSIN_API int tocsin_detector_push_row(tocsin_detector *detector, int64_t time,
                                        const double *values, size_t count, int mode,
                                        tocsin_verdict *verdict, size_t verdict_size);

/** Push one row and get its score alone: the short way when no verdict is needed.  Shares of the
 *  statistic are worked out only where the score is at least 1.
 *  @param detector  the detector
 *  @param time      nanoseconds since the Unix epoch, or TOCSIN_TIME_NONE
 *  @param values    one of each metric
 *  @param count     how many: tocsin_spec_metrics()
 *  @param mode      TOCSIN_LEARN_AND_SCORE ...
 *  @param score     receives what tocsin_verdict.score would be
 *  @retval the statuses of tocsin_detector_push_row() */
TOCSIN_API int tocsin_detector_score_row(tocsin_detector *detector, int64_t time,
                                         const double *values, size_t count, int mode,
                                         double *score);

/** Push several points; the same as pushing them one by one.
 *  @param detector  the detector
 *  @param count     how many points
 *  @param times     count of them, or NULL for TOCSIN_TIME_NONE throughout
 *  @param values    count of them
 *  @param mode      TOCSIN_LEARN_AND_SCORE ..., for all of them
 *  @param verdicts  may be NULL; entry i is written at byte offset i * verdict_size
 *  @param verdict_size  the stride: sizeof(tocsin_verdict)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED     at least one was late or repeated
 *  @retval TOCSIN_ERROR_ARGUMENT   as tocsin_detector_push(); nothing was pushed
 *  @retval TOCSIN_ERROR_WIDTH      the spec has several metrics: tocsin_detector_push_rows() */
TOCSIN_API int tocsin_detector_push_n(tocsin_detector *detector, size_t count,
                                      const int64_t *times, const double *values, int mode,
                                      tocsin_verdict *verdicts, size_t verdict_size);

/** Push several rows; the same as tocsin_detector_push_row() one by one.
 *  @param detector  the detector
 *  @param count     how many rows
 *  @param times     count of them, or NULL for TOCSIN_TIME_NONE throughout
 *  @param values    count * metrics of them, row by row
 *  @param metrics   values per row: tocsin_spec_metrics()
 *  @param mode      TOCSIN_LEARN_AND_SCORE ..., for all of them
 *  @param verdicts  may be NULL; entry i is written at byte offset i * verdict_size
 *  @param verdict_size  the stride: sizeof(tocsin_verdict)
 *  @retval the statuses of tocsin_detector_push_n(); TOCSIN_ERROR_WIDTH: metrics is another */
TOCSIN_API int tocsin_detector_push_rows(tocsin_detector *detector, size_t count,
                                         const int64_t *times, const double *values,
                                         size_t metrics, int mode, tocsin_verdict *verdicts,
                                         size_t verdict_size);

/** Push one point and get its score alone: the short way when no verdict is needed.
 *  @param detector  the detector
 *  @param time      nanoseconds since the Unix epoch, or TOCSIN_TIME_NONE
 *  @param value     in the metric's unit
 *  @param mode      TOCSIN_LEARN_AND_SCORE ...
 *  @param score     receives what tocsin_verdict.score would be
 *  @retval the statuses of tocsin_detector_push() */
TOCSIN_API int tocsin_detector_score(tocsin_detector *detector, int64_t time, double value,
                                     int mode, double *score);

/** Say that time has passed and nothing came.  Not the same as NaN: a NaN was
 *  sent by somebody who is alive.  When nothing has come for longer than
 *  `clock absence=`, the alarm rings with the reason ABSENCE and stays on until
 *  the next point comes, be it NaN; that point clears it and is not judged by the
 *  alarm.  A series that has never sent anything is waited for from its first tick
 *  on.  The points must have times, of the same clock as the ticks.
 *  @param detector  the detector
 *  @param time  now, as seen by whoever drives the detector, never before the last tick;
 *               nanoseconds since the Unix epoch
 *  @param verdict  may be NULL
 *  @param verdict_size  sizeof(tocsin_verdict); ignored if verdict is NULL
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED    time is before the last point, or the first tick if none has come
 *  @retval TOCSIN_ERROR_ARGUMENT  as tocsin_detector_push()
 *  @retval TOCSIN_ERROR_TIME      time is TOCSIN_TIME_NONE */
TOCSIN_API int tocsin_detector_tick(tocsin_detector *detector, int64_t time,
                                    tocsin_verdict *verdict, size_t verdict_size);

/* ---- Marks --------------------------------------------------------------- */

/** Kinds of marks. */
enum {
    TOCSIN_MARK_DEPLOY = 1,
    TOCSIN_MARK_CONFIG = 2,
    TOCSIN_MARK_MAINTENANCE = 3
};

/** What holds until the mark's end; 0: the mark is only remembered, for explanations. */
enum {
    TOCSIN_MARK_MUTE = 1 << 0,      /**< no alarm starts; one that is on clears */
    TOCSIN_MARK_NO_LEARN = 1 << 1   /**< nothing is learnt */
};

/** Tell of a deploy, a configuration change or maintenance.
 *
 *  Without options a mark is a moment, remembered for explanations, and `end` is
 *  ignored.  With options it opens a window from `begin` to `end`, both
 *  included, that replaces an earlier window of any kind, for there is one at a
 *  time; with TOCSIN_TIME_NONE as `end` it stays open until a mark of the same kind
 *  without options closes it at its own `begin`.  What a window does, it does to
 *  points and ticks whose time lies in it.
 *  @param detector  the detector
 *  @param kind      TOCSIN_MARK_DEPLOY ...
 *  @param options   TOCSIN_MARK_MUTE and TOCSIN_MARK_NO_LEARN, or'ed, or 0
 *  @param begin     nanoseconds since the Unix epoch
 *  @param end       the same, or TOCSIN_TIME_NONE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  detector is NULL, or an unknown kind or option
 *  @retval TOCSIN_ERROR_TIME      begin is TOCSIN_TIME_NONE, or a window's end is before it */
TOCSIN_API int tocsin_detector_mark(tocsin_detector *detector, int kind, uint32_t options,
                                    int64_t begin, int64_t end);

/** Undo what was learnt between two times: an incident that should not have been taken for usual.
 *  Who knows beforehand opens a window (tocsin_detector_mark(), TOCSIN_MARK_NO_LEARN); this is for
 *  who learns of it afterwards.
 *
 *  A model of constant size cannot unlearn.  With an earlier copy of the detector, taken when an
 *  alarm started, say, or every hour, it need not:
 *
 *      extern tocsin_detector *copy;
 *      extern int64_t begin, end;
 *
 *      if (tocsin_detector_exclude(detector, copy, begin, end) == TOCSIN_INFO_PARTIAL)
 *          puts("what came since the incident is to be learnt again");
 *
 *  Detector and calibrator are then again what they were, and the series goes on from there as
 *  if nothing had been learnt since; clock, counters and alarm stay as they are.
 *  Without a copy the calibrator alone forgets: the interval no longer raises the limit, while the
 *  model keeps what it took from it until its half-life has passed.  Its blocks are placed in time
 *  by their number and the mean step, to half a block (an eighth of the budget's return period at
 *  most); where points were missing or not learnt since, they lie earlier than it takes them to.
 *  A bank's series: tocsin_bank_copy_out(), this, tocsin_bank_copy_in().
 *  @param detector  the detector
 *  @param before    made by tocsin_detector_clone() of this detector, and has learnt no point of the
 *                   interval or later; may be NULL
 *  @param from      nanoseconds since the Unix epoch
 *  @param to        likewise; both belong to the interval
 *  @retval TOCSIN_OK                 undone
 *  @retval TOCSIN_INFO_PARTIAL       with `before`: so is all that came after `to`; without: the
 *                                    calibrator has forgotten, the model has not
 *  @retval TOCSIN_INFO_IGNORED       nothing of the interval was learnt, or is still known
 *  @retval TOCSIN_ERROR_ARGUMENT     detector is NULL
 *  @retval TOCSIN_ERROR_TIME         a TOCSIN_TIME_NONE, an interval that ends before it begins, or
 *                                    `before` was taken too late
 *  @retval TOCSIN_ERROR_MISMATCH     `before` is of another spec
 *  @retval TOCSIN_ERROR_UNSUPPORTED  without `before`: behind `raw` there is nothing that could
 *                                    forget
 *  Errors change nothing. */
TOCSIN_API int tocsin_detector_exclude(tocsin_detector *detector, const tocsin_detector *before,
                                       int64_t from, int64_t to);

/* ---- Explanations -------------------------------------------------------- */

/** One of a detector's raw statistics at the last point. */
typedef struct tocsin_channel {
    const char *name;       /**< "deviation"; static */
    double value;           /**< the raw statistic; NaN if it had nothing to say */
    double score;           /**< what this channel alone would score; NaN while warming */
} tocsin_channel;

/** Why the last verdict is what it is, and what the detector holds for usual. */
typedef struct tocsin_explanation {
    uint32_t struct_size;       /**< set by the caller: sizeof(tocsin_explanation) */
    uint32_t channel_count;     /**< how many of `channels` are filled in */
    double level;               /**< the model's level after the point; NaN where it has none */
    double trend;               /**< change per step; NaN where it has none */
    double season;              /**< the seasonal part at the last point; NaN where it has none */
    double floor;               /**< the deviation's floor at the last point */
    double limit;               /**< the raw statistic at which the alarm rings, of two tiers the
                                     ticket; +inf: never; NaN: not yet, or no calibration */
    double budget;              /**< the return period it rings at, seconds, likewise; NaN without a
                                     budget */
    double history;             /**< how much the calibration has seen, seconds */
    double step;                /**< the mean time between points lately, seconds; NaN: not known
                                     yet */
    double observed_rate;       /**< alarms started per second of history, absences included:
                                     self-check beside 1/budget */
    uint64_t points;            /**< points accepted */
    uint64_t missing;           /**< of those, missing */
    uint64_t late;              /**< points refused as late */
    uint64_t repeated;          /**< points refused as repeated */
    uint64_t resets;            /**< counter resets */
    uint64_t alarms;            /**< alarms started, counted up to 65,535 */
    int64_t mark_time;          /**< the last mark's begin; TOCSIN_TIME_NONE if there was none */
    int64_t mark_kind;          /**< TOCSIN_MARK_*, or 0 */
    tocsin_channel channels[TOCSIN_CHANNELS];   /**< the detector's raw statistics */
    double period;              /**< the season that `auto` found besides a day and a week, seconds;
                                     NaN: none */
} tocsin_explanation;

/** The verdict on the last point that was pushed through this handle, or ticked, once more.  A
 *  handle that was just created or loaded has none: it is then all NaN with the flag WARMING.
 *  @param detector  the detector; unchanged
 *  @param verdict   receives the verdict
 *  @param verdict_size  sizeof(tocsin_verdict)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or verdict_size is too small */
TOCSIN_API int tocsin_detector_verdict(const tocsin_detector *detector, tocsin_verdict *verdict,
                                       size_t verdict_size);

/** Explain the last verdict: see tocsin_detector_verdict().  Where there is none, the channels
 *  are NaN and the rest is filled in.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know */
TOCSIN_API int tocsin_detector_explain(const tocsin_detector *detector,
                                       tocsin_explanation *explanation);

/* ---- Self-check ----------------------------------------------------------
 *
 * `alarm budget=1/week` promises that a series in order rings once a week.  The self-check sets
 * beside it what was observed.  One alarm more or less says little, so there is an interval: the
 * true rate lies between `lower` and `upper` times the promised one with 95 % confidence, if alarms
 * come independently of each other.  Only a promise outside of it is a finding:
 *
 *     tocsin_self_check check;
 *
 *     check.struct_size = sizeof check;
 *     if (tocsin_detector_self_check(detector, &check) == TOCSIN_OK &&
 *         check.finding == TOCSIN_RATE_ABOVE)
 *         printf("rings %.1f times as often as promised\n", check.ratio);
 *
 * ABOVE means that the series was not in order so much of the time, or that the model does not fit
 * it; BELOW is usual while the history is shorter than the budget's return period, because limits
 * are then drawn with caution.  Twelve alarms where 6 were promised are ABOVE, and so are four where
 * one was; none where four were promised is BELOW.
 */

/** What a self-check finds. */
enum {
    TOCSIN_RATE_UNKNOWN = 0,        /**< nothing was watched yet */
    TOCSIN_RATE_KEPT = 1,           /**< the promised rate lies within the interval */
    TOCSIN_RATE_BELOW = 2,          /**< fewer alarms than promised, by more than chance */
    TOCSIN_RATE_ABOVE = 3           /**< more alarms than promised, by more than chance */
};

/** Alarms observed beside alarms promised. */
typedef struct tocsin_self_check {
    uint32_t struct_size;           /**< set by the caller: sizeof(tocsin_self_check) */
    int32_t finding;                /**< TOCSIN_RATE_* */
    uint64_t alarms;                /**< alarms started; of two tiers, of either */
    double watched;                 /**< time over which they did, of all series together, seconds */
    double promised;                /**< alarms the budget allows in that time; of two tiers, the
                                         ticket's */
    double ratio;                   /**< alarms / promised; NaN: nothing was watched yet */
    double lower;                   /**< the 95 % interval of that ratio; NaN likewise */
    double upper;                   /**< its upper end */
} tocsin_self_check;

/** Does a detector ring as often as its budget promises?  The time watched is the calibrator's
 *  history: what it learnt since the detector's warm-up, pauses counted for 8 steps at most; of a
 *  series that began from a class's pool, that pool's history too.  Alarms for absence count, and
 *  all are counted up to 65,535.
 *  @param detector  the detector; unchanged
 *  @param check     receives the finding
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED       nothing was watched yet
 *  @retval TOCSIN_ERROR_ARGUMENT     a NULL, or a struct_size this library does not know
 *  @retval TOCSIN_ERROR_UNSUPPORTED  the spec has no alarm, or none with a budget */
TOCSIN_API int tocsin_detector_self_check(const tocsin_detector *detector,
                                          tocsin_self_check *check);

/** Add a self-check to another: of several detectors, banks or machines together.
 *  @param sum    alarms, watched and promised grow by those of `check`, and the rest follows from
 *                them; begin with a struct that is zero but for struct_size
 *  @param check  what is added
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED    nothing was watched yet, by any of them
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know */
TOCSIN_API int tocsin_self_check_add(tocsin_self_check *sum, const tocsin_self_check *check);

/** One metric's part in the last point's statistic, at one lag. */
typedef struct tocsin_share {
    uint32_t metric;        /**< index in the row */
    uint32_t lag;           /**< 0: of the point itself; n: of the n-th one before it */
    double value;           /**< its part of the statistic, tocsin_verdict.raw, at least 0: together
                                 they make up all of it */
    double normal;          /**< at lag 0 what would have been normal for the metric: its value in the
                                 nearest point the model holds for usual, at the middle of those, or
                                 in the last point where the change is strange; else NaN */
} tocsin_share;

/** What each metric and, with `shingle=`, each lag of it has contributed to the last point's
 *  statistic: who is to blame.  For detectors that take rows.
 *  @param detector  the detector
 *  @param shares    entry i is written at byte offset i * share_size; metric by metric at lag 0,
 *                   then at lag 1 and so on; may be NULL if capacity is 0
 *  @param share_size  the stride: sizeof(tocsin_share)
 *  @param capacity  how many entries there is room for
 *  @param count     receives how many there are
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED       the last point was not judged, or tocsin_detector_score_row()
 *                                    found nothing strange about it: all NaN
 *  @retval TOCSIN_ERROR_ARGUMENT     a NULL, or a share_size too small
 *  @retval TOCSIN_ERROR_SPACE        more entries than capacity; the first ones are written, and
 *                                    count
 *  @retval TOCSIN_ERROR_UNSUPPORTED  a detector of single values */
TOCSIN_API int tocsin_detector_shares(const tocsin_detector *detector, tocsin_share *shares,
                                      size_t share_size, size_t capacity, size_t *count);

/** One forecast. */
typedef struct tocsin_forecast {
    int64_t time;           /**< when */
    double expected;        /**< the mean forecast */
    double lower;           /**< the interval's lower end; it widens with the distance as the model
                                 says */
    double upper;           /**< the interval's upper end */
} tocsin_forecast;

/** Forecast the points 1..count mean steps after the last one, whether or not that one
 *  had a value or was learnt.
 *  @param detector   the detector
 *  @param count      how many points
 *  @param coverage   the interval's nominal coverage, 0 < coverage < 1: 0.95
 *  @param forecasts  count of them
 *  @param forecast_size  the stride: sizeof(tocsin_forecast)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED        the model is still warming, or time ends before: NaN there
 *  @retval TOCSIN_ERROR_ARGUMENT      a NULL, a coverage out of range, a forecast_size too small
 *  @retval TOCSIN_ERROR_UNSUPPORTED   this model does not forecast
 *  Linear in count. */
TOCSIN_API int tocsin_detector_forecast(const tocsin_detector *detector, size_t count,
                                        double coverage, tocsin_forecast *forecasts,
                                        size_t forecast_size);

/** Say a verdict as one sentence:
 *  'latency_ms was 812 at 2026-03-01 12:04:00, 6.1 deviations above the expected 230:
 *  a spike like this comes once in 9 months. The alarm started (page).'
 *
 *  @param verdict  as a push has written it
 *  @param verdict_size  sizeof(tocsin_verdict)
 *  @param name    the metric's name; may be NULL ("the value")
 *  @param text    buffer; receives a NUL-terminated UTF-8 text.  May be NULL if size is 0
 *  @param size    the buffer's bytes
 *  @param needed  may be NULL; receives the bytes needed including the NUL, also on
 *                 TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  verdict is NULL, verdict_size too small, or text is NULL and size
 *                                not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written */
TOCSIN_API int tocsin_verdict_text(const tocsin_verdict *verdict, size_t verdict_size,
                                   const char *name, char *text, size_t size, size_t *needed);

/** The name of a reason: "spike"; "unknown" for a number that is none.
 *  Static text, never NULL.  Thread-safe. */
TOCSIN_API const char *tocsin_reason_name(int reason);

/** The name of a transition: "start"; "unknown" for a number that is none.
 *  Static text, never NULL.  Thread-safe. */
TOCSIN_API const char *tocsin_transition_name(int transition);

/** The name of a tier: "page"; "unknown" for a number that is none.
 *  Static text, never NULL.  Thread-safe. */
TOCSIN_API const char *tocsin_tier_name(int tier);

#ifdef __cplusplus
}
#endif
#endif
