/* tocsin/bank.h - many series with one spec.
 *
 * A bank holds the states of many series side by side and scores all of them in
 * one call.  Each of its series gives, bit for bit, the verdicts that a detector
 * of its own would give.
 *
 * Slots and ids
 * -------------
 * A series lives in a *slot*, a small number that stays its own until it is
 * removed; the slots of removed series are given to later ones.  Whoever knows
 * the slots addresses series by them, and lays out arrays of values by them.
 * Whoever does not has a 64-bit *id* for each series, a hash of its labels say,
 * and the bank finds the slot.
 *
 * Two ways for points
 * -------------------
 * *Dense*: at each tick an array holds one value per slot.
 *
 *     tocsin_tick tick;
 *
 *     memset(&tick, 0, sizeof tick);
 *     tick.struct_size = sizeof tick;
 *     tick.time = time;
 *     tick.values = values;
 *     tick.count = tocsin_bank_slots(bank);
 *     tick.scores = scores;
 *     tocsin_bank_tick(bank, &tick);
 *
 * *Sparse*: points come in any order, each with the id or the slot of its series
 * and a time of its own.
 *
 *     tocsin_bank_push_ids(bank, points, count, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
 *
 * Both may be mixed.  A tick without values says that time has passed and nothing
 * came, from anybody: that is how absence is found in a bank that is fed sparsely.
 *
 * Whose time
 * ----------
 * With TOCSIN_CLOCK_OWN, the default, each series has a clock of its own, as a detector has.
 *
 * Where all series are sampled together, by a scrape or by a collector's round, one clock
 * does for all: TOCSIN_CLOCK_SHARED.  A tick then is a moment of every series; one without a
 * value has missed it, and one that is added later counts as having missed all ticks before.  Its
 * verdicts are those of a detector that was pushed a NaN at each tick it missed.  Such a bank
 * takes less memory (half as much for `ewma | tail | alarm`), and for the specs that have a kernel
 * (`ewma` and the additive `holt-winters` with state=mixed, followed by `raw` or by `tail` with or
 * without an `alarm` that has a budget, without `counter` and with `gaps missing=skip`) its ticks
 * are about ten times as fast. See kernel.h.  The empty spec is not among them: `auto`, the default
 * detector, has no kernel and takes 2.5 KB more per series.  Name `ewma` where that counts.
 *
 * A shared tick gets its values as an array, or, begun without one, by pushes:
 *
 *     tocsin_tick tick;
 *
 *     memset(&tick, 0, sizeof tick);
 *     tick.struct_size = sizeof tick;
 *     tick.time = time;
 *     tocsin_bank_tick_begin(bank, &tick);
 *     tocsin_bank_push_ids(bank, points, count, TOCSIN_LEARN_AND_SCORE, NULL, NULL, 0);
 *     tocsin_bank_tick_end(bank);
 *
 * where the points' times are the tick's, or TOCSIN_TIME_NONE; one of another time is refused as
 * late, the second one of a series as repeated.  What such a bank does not do: points outside
 * of ticks, silence (TOCSIN_NAN_SILENCE), marks for some of the series, and counting for each
 * series how many of its values were missing; it counts them for all.
 *
 * Rounds and the list of alarms
 * -----------------------------
 * A tick is a *round*, and so is a sparse push.  After a round tocsin_bank_alarms()
 * lists the alarms that started in it: pages before tickets, the most surprising
 * first, and no more than `alarms_per_round`.  When a whole rack fails, an operator needs
 * the worst few and a number: the others are counted as suppressed.  They are on all
 * the same, and say so in their verdicts.  Series that fell silent make up one entry,
 * first in the list, whatever their number.
 *
 *     tocsin_alarm alarms[100];
 *     size_t listed = tocsin_bank_alarms(bank, alarms, sizeof alarms[0], 100);
 *
 *     for (size_t i = 0; i < listed; i++)
 *         if (alarms[i].verdict.tier == TOCSIN_TIER_PAGE) ring();
 *
 * Threads
 * -------
 * A bank is one handle: one thread at a time.  The exception is
 * tocsin_bank_tick_range(): between tocsin_bank_tick_begin() and
 * tocsin_bank_tick_end() any number of threads may call it, on disjoint ranges and
 * with different lanes.  However a tick is cut into ranges, and whoever takes
 * which, the results are the same.
 *
 * Memory
 * ------
 * tocsin_bank_size() tells a bank's bytes before it is created, to the byte.  Only
 * tocsin_bank_create(), tocsin_bank_reserve() and tocsin_bank_add() allocate; after a
 * reserve, adding up to that number does not.  Slots never move while series are
 * added or removed.
 */
#ifndef TOCSIN_BANK_H
#define TOCSIN_BANK_H

#include "base.h"
#include "spec.h"
#include "detector.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Many series with one spec.  Opaque. */
typedef struct tocsin_bank tocsin_bank;

/** No slot. */
#define TOCSIN_SLOT_NONE ((uint32_t)4294967295)

/** The most series a bank can hold. */
#define TOCSIN_BANK_SERIES_MAX ((uint32_t)2147483584)

/** The ranges of a tick begin and end at multiples of this. */
#define TOCSIN_BANK_TILE 64

/** What tocsin_bank_add() does when the bank holds `max_series`. */
enum {
    TOCSIN_FULL_REFUSE = 0,     /**< it fails with TOCSIN_ERROR_SPACE, and the refusal is counted */
    TOCSIN_FULL_EVICT = 1       /**< the series that has had no value for longest makes room;
                                     needs ids */
};

/** Whose time it is. */
enum {
    TOCSIN_CLOCK_OWN = 0,       /**< each series' own: points come when they come */
    TOCSIN_CLOCK_SHARED = 1     /**< the bank's: points come at ticks, at one time for all */
};

/** Whether series have ids. */
enum {
    TOCSIN_IDS_KEPT = 0,        /**< each has one, and is found by it */
    TOCSIN_IDS_NONE = 1         /**< slots only: 24 to 40 bytes per series less */
};

/** How a bank is made.  Zero means the default throughout. */
typedef struct tocsin_bank_options {
    uint32_t struct_size;       /**< sizeof(tocsin_bank_options) */
    uint32_t when_full;         /**< TOCSIN_FULL_* */
    uint64_t max_series;        /**< a hard limit, at most TOCSIN_BANK_SERIES_MAX; default: that */
    uint32_t alarms_per_round;  /**< alarms listed per round, at most 65536; default: 100 */
    uint32_t lanes;             /**< threads that may work on a tick at once, at most 1024;
                                     default: 1 */
    uint64_t seed;              /**< of the ids' hash: a secret number where strangers choose the
                                     ids */
    uint32_t clock;             /**< TOCSIN_CLOCK_* */
    uint32_t ids;               /**< TOCSIN_IDS_* */
    uint32_t max_classes;       /**< classes it can know, at most 65535; default: none */
    uint32_t reserved;          /**< 0 */
} tocsin_bank_options;

/* ---- Life ---------------------------------------------------------------- */

/** Create a bank without series.
 *  @param out        receives the bank; NULL on failure
 *  @param spec       shared; must outlive the bank
 *  @param options    may be NULL: all defaults
 *  @param allocator  may be NULL (malloc)
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, an option out of bounds, or a malformed allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed */
TOCSIN_API int tocsin_bank_create(tocsin_bank **out, const tocsin_spec *spec,
                                  const tocsin_bank_options *options,
                                  const tocsin_allocator *allocator);

/** Free a bank.  NULL is fine. */
TOCSIN_API void tocsin_bank_free(tocsin_bank *bank);

/** The spec the bank was created from; NULL for NULL. */
TOCSIN_API const tocsin_spec *tocsin_bank_spec(const tocsin_bank *bank);

/** Bytes that a bank asks of its allocator to be created and then, by tocsin_bank_reserve(), to
 *  have room for `series`.
 *  @param spec     the spec
 *  @param options  may be NULL
 *  @param series   how many
 *  @return the bytes; 0 if spec is NULL, an option out of bounds, or series more than
 *          `max_series` */
TOCSIN_API uint64_t tocsin_bank_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                                     uint64_t series);

/** Bytes that each further series takes, in a large bank: its state, its id and the way
 *  to it.
 *  @param spec     the spec
 *  @param options  may be NULL
 *  @return the bytes, rounded up; 0 if spec is NULL or an option out of bounds */
TOCSIN_API size_t tocsin_bank_series_size(const tocsin_spec *spec,
                                          const tocsin_bank_options *options);

/* ---- Series -------------------------------------------------------------- */

/** Find a series, or add it: a new one starts in the state of a new detector.
 *  @param bank  the bank
 *  @param id    any number; ignored by a bank without ids, where each call adds a series
 *  @param slot  may be NULL; receives the series' slot
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL
 *  @retval TOCSIN_ERROR_SPACE     it would be one more than `max_series`, with TOCSIN_FULL_REFUSE
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way
 *  Constant time but for growing and evicting, which now and then are linear in the number of
 *  slots. */
TOCSIN_API int tocsin_bank_add(tocsin_bank *bank, uint64_t id, uint32_t *slot);

/** The slot of a series; TOCSIN_SLOT_NONE if there is none of that id, if the bank keeps no ids
 *  or is NULL. */
TOCSIN_API uint32_t tocsin_bank_find(const tocsin_bank *bank, uint64_t id);

/** The id of the series in a slot; where no ids are kept, the slot.
 *  @param bank  the bank
 *  @param slot  a slot
 *  @param id    receives the id
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_RANGE     no series lives in that slot */
TOCSIN_API int tocsin_bank_id(const tocsin_bank *bank, uint32_t slot, uint64_t *id);

/** Remove a series.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL
 *  @retval TOCSIN_ERROR_RANGE     no series lives in that slot
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_remove(tocsin_bank *bank, uint32_t slot);

/** Evict every series that has had no value since a time.  One that never had any counts
 *  from the newest time the bank knew when it was added.
 *  @param bank   the bank
 *  @param since  nanoseconds since the Unix epoch; series with a value at or after it stay
 *  @param count  may be NULL; receives how many were evicted
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL
 *  @retval TOCSIN_ERROR_TIME      since is TOCSIN_TIME_NONE
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way, or the bank has a shared clock and no ids
 *                                 and does not know
 *  Linear in the number of slots. */
TOCSIN_API int tocsin_bank_evict(tocsin_bank *bank, int64_t since, uint64_t *count);

/** Make room, so that adding up to `series` in all allocates nothing.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL, or series is more than `max_series`
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_reserve(tocsin_bank *bank, uint64_t series);

/** One more than the highest slot that was ever in use: the length of a tick's arrays.
 *  0 for NULL. */
TOCSIN_API uint32_t tocsin_bank_slots(const tocsin_bank *bank);

/* ---- Classes --------------------------------------------------------------
 *
 * Where series live hours - the pods of a workload, say - none of them ever learns by itself what
 * is rare at one alarm a week.  A bank with `max_classes` knows classes, each by a 64-bit number
 * that the caller makes of what the series have in common: workload and metric.  A new series of a
 * class starts with what the others have learnt: the calibrator knows how high the statistic
 * reaches in this class, so that there is a limit from the first point that is scored, and the
 * detector begins at the class's level and deviation as far as its series are alike in them.  From
 * then on it is a series like any other, and learns for itself.
 *
 * A series teaches its class when it is removed or evicted, and now and then while it lives.  A
 * class forgets: it looks back over a return period of the alarm's most frequent budget, and at
 * least a day.
 *
 * All memory for classes is taken when the bank is created, less than a kilobyte for each of
 * `max_classes`, and 4 bytes per series as the bank grows.  tocsin_bank_size() counts both.
 * Shards carry classes (tocsin/shard.h); copies of a single series, tocsin_bank_copy_out(), do
 * not. */

/** Find a series, or add it to a class: tocsin_bank_add(), but a new series starts from the class's
 *  pool.  A class that is not known yet comes into being.  Where the bank knows `max_classes`
 *  already, the class without series in which nothing has happened for longest is forgotten; if all
 *  have series, the new one has no class, which tocsin_bank_classes() counts.
 *  @param bank      the bank, with `max_classes`
 *  @param id        any number; a series that is there already keeps the class it has
 *  @param class_id  any number
 *  @param slot      may be NULL; receives the series' slot
 *  @retval the statuses of tocsin_bank_add(); TOCSIN_ERROR_ARGUMENT also without `max_classes`
 *  The time of tocsin_bank_add() and some microseconds; finding room for a class is linear in their
 *  number. */
TOCSIN_API int tocsin_bank_add_to(tocsin_bank *bank, uint64_t id, uint64_t class_id,
                                  uint32_t *slot);

/** The class of the series in a slot.
 *  @param bank      the bank
 *  @param slot      a slot
 *  @param class_id  receives the class's number
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED    the series has no class; class_id is unchanged
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_RANGE     no series lives in that slot */
TOCSIN_API int tocsin_bank_class_of(const tocsin_bank *bank, uint32_t slot, uint64_t *class_id);

/** What is known of a class. */
typedef struct tocsin_class_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_class_info) */
    uint32_t members;       /**< series that belong to it */
    uint64_t class_id;      /**< its number */
    uint64_t left;          /**< series that have been removed or evicted */
    int64_t time;           /**< the bank's time when a series last joined or taught it;
                                 TOCSIN_TIME_NONE: before the first point */
    double history;         /**< what it has been taught, all series together, seconds; 0: nothing
                                 yet, or by this pipe never anything */
    double step;            /**< their mean time between points, seconds; NaN: not known yet */
    double limit;           /**< the raw statistic above which a new series rings, of two tiers the
                                 ticket; NaN: not yet, or no calibration */
    double level;           /**< the level at which a new series starts; NaN: at its own */
} tocsin_class_info;

/** Look at a class.
 *  @param bank      the bank
 *  @param class_id  the class's number
 *  @param info      filled in
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know
 *  @retval TOCSIN_ERROR_RANGE     the bank knows no such class
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_class_describe(const tocsin_bank *bank, uint64_t class_id,
                                          tocsin_class_info *info);

/** Forget a class: its series go on without one, and the next that joins it founds it anew.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL
 *  @retval TOCSIN_ERROR_RANGE     the bank knows no such class
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way
 *  Linear in the number of slots. */
TOCSIN_API int tocsin_bank_class_forget(tocsin_bank *bank, uint64_t class_id);

/** What a bank's classes are. */
typedef struct tocsin_classes_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_classes_info) */
    uint32_t max_classes;   /**< classes it can know */
    uint64_t classes;       /**< classes it knows */
    uint64_t displaced;     /**< classes that were forgotten to make room for others */
    uint64_t without;       /**< series that got no class because there was no room for it */
} tocsin_classes_info;

/** Look at a bank's classes.
 *  @param bank      the bank
 *  @param info      filled in; may be NULL
 *  @param ids       receives the numbers of up to `capacity` classes, oldest place first; may be
 *                   NULL if capacity is 0
 *  @param capacity  how many numbers there is room for
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL, ids is NULL, or a struct_size this library does not
 *                                 know
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_classes(const tocsin_bank *bank, tocsin_classes_info *info,
                                   uint64_t *ids, size_t capacity);

/* ---- Dense: ticks -------------------------------------------------------- */

/** What a tick's values are. */
enum {
    TOCSIN_VALUES_DOUBLE = 0,
    TOCSIN_VALUES_FLOAT = 1,
    TOCSIN_VALUES_U64 = 2       /**< exact counts, as tocsin_detector_push_u64() takes them */
};

/** What a NaN among a tick's values means. */
enum {
    TOCSIN_NAN_MISSING = 0,     /**< a point without a value, as tocsin_detector_push() takes it */
    TOCSIN_NAN_SILENCE = 1      /**< nothing came, as tocsin_detector_tick() says it */
};

/** One value for each slot, and what shall come of it.  Entries of slots without a series are
 *  not read; what is written for them is NaN, no alarm, and a verdict that says nothing. */
typedef struct tocsin_tick {
    uint32_t struct_size;   /**< sizeof(tocsin_tick) */
    int32_t mode;           /**< TOCSIN_LEARN_AND_SCORE ... */
    int64_t time;           /**< of all the points; may be TOCSIN_TIME_NONE where no silence is
                                 told */
    uint64_t count;         /**< the arrays' length, tocsin_bank_slots(); may be 0 where there are
                                 no arrays */
    uint64_t verdict_size;  /**< the stride of `verdicts`: sizeof(tocsin_verdict) */
    uint32_t value_type;    /**< TOCSIN_VALUES_* */
    uint32_t nan_means;     /**< TOCSIN_NAN_* */
    const void *values;     /**< by slot; of a spec with several metrics slot s has its values from
                                 s * tocsin_spec_metrics() on; NULL: nothing came from anybody; with a shared clock:
                                 points are pushed, and there are no arrays */
    double *scores;         /**< by slot; may be NULL */
    uint64_t *alarms;       /**< may be NULL; bit s % 64 of word s / 64: the alarm of slot s is
                                 on */
    tocsin_verdict *verdicts;   /**< may be NULL; slot s is written at byte s * verdict_size */
} tocsin_tick;

/** Push one tick.  The same as tocsin_bank_tick_begin(), tocsin_bank_tick_range() on
 *  everything and tocsin_bank_tick_end().
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, an unknown mode or type, a count that is not the number
 *                                 of slots, or a verdict_size too small
 *  @retval TOCSIN_ERROR_TIME      silence at TOCSIN_TIME_NONE; with a shared clock: it is not later
 *                                 than the last tick
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way; silence where the clock is shared
 *  Errors change nothing. */
TOCSIN_API int tocsin_bank_tick(tocsin_bank *bank, const tocsin_tick *tick);

/** Begin a tick.  The struct is copied; the arrays stay in use until the tick's end.  Until
 *  then no series can be added, removed or replaced.
 *  @retval the statuses of tocsin_bank_tick() */
TOCSIN_API int tocsin_bank_tick_begin(tocsin_bank *bank, const tocsin_tick *tick);

/** Push the tick's points of the slots begin <= slot < end.  Slots that no range covers get
 *  no point (have missed the tick, where the clock is shared), and nothing is written for them;
 *  those that two ranges cover get it twice.
 *  @param bank   the bank
 *  @param lane   which of the `lanes`; no two calls at the same time may share one
 *  @param begin  a multiple of TOCSIN_BANK_TILE
 *  @param end    likewise, or the number of slots
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL, no such lane, or a range that is not as described
 *  @retval TOCSIN_ERROR_CONFLICT  no tick is under way, or one whose points are pushed */
TOCSIN_API int tocsin_bank_tick_range(tocsin_bank *bank, uint32_t lane, uint32_t begin,
                                      uint32_t end);

/** Push points of the slots begin <= slot < end, as tocsin_bank_tick_range() does, out of arrays
 *  that hold these slots' entries only: so a tick's values need not all be in memory at once.
 *  The tick may have been begun without values; then, with clocks of their own, slots that get
 *  neither a part nor a range have no point.
 *  @param bank    the bank
 *  @param lane    as for tocsin_bank_tick_range()
 *  @param begin   likewise
 *  @param end     likewise
 *  @param values  of the tick's value_type; the first is that of slot `begin`
 *  @param scores  may be NULL; likewise
 *  @param alarms  may be NULL; likewise, a word for 64 slots
 *  @retval the statuses of tocsin_bank_tick_range(); TOCSIN_ERROR_ARGUMENT also if values is NULL */
TOCSIN_API int tocsin_bank_tick_part(tocsin_bank *bank, uint32_t lane, uint32_t begin,
                                     uint32_t end, const void *values, double *scores,
                                     uint64_t *alarms);

/** End a tick: settle the list of its alarms and its counts.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL
 *  @retval TOCSIN_ERROR_CONFLICT  no tick is under way */
TOCSIN_API int tocsin_bank_tick_end(tocsin_bank *bank);

/* ---- Sparse: points in any order ------------------------------------------ */

/** A point of some series. */
typedef struct tocsin_point {
    uint64_t key;           /**< the series' id, or its slot */
    int64_t time;           /**< nanoseconds since the Unix epoch, or TOCSIN_TIME_NONE */
    double value;           /**< NaN: missing */
} tocsin_point;

/** Push points by the ids of their series.  A point of an id that no series has is counted as
 *  unknown, and nothing comes of it.  Several points of one series are pushed in the
 *  order in which they stand.
 *
 *  Between tocsin_bank_tick_begin() and tocsin_bank_tick_end() the points belong to the
 *  tick's round; no range may be under way at the same time.
 *
 *  @param bank      the bank
 *  @param points    count of them
 *  @param count     how many
 *  @param mode      TOCSIN_LEARN_AND_SCORE ..., for all of them
 *  @param scores    may be NULL; count of them, NaN where the id is unknown
 *  @param verdicts  may be NULL; entry i is written at byte offset i * verdict_size
 *  @param verdict_size  the stride: sizeof(tocsin_verdict); ignored if verdicts is NULL
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_IGNORED     at least one was late, repeated or of an unknown id
 *  @retval TOCSIN_ERROR_ARGUMENT   a NULL, an unknown mode, or verdict_size is too small;
 *                                  nothing was pushed
 *  @retval TOCSIN_ERROR_CONFLICT   the clock is shared, and no tick is under way whose points are
 *                                  pushed; or ids, where none are kept
 *  @retval TOCSIN_ERROR_WIDTH      the spec has several metrics: tocsin_bank_push_rows_ids() */
TOCSIN_API int tocsin_bank_push_ids(tocsin_bank *bank, const tocsin_point *points, size_t count,
                                    int mode, double *scores, tocsin_verdict *verdicts,
                                    size_t verdict_size);

/** The same by slots: faster, where the slots are known.
 *  @retval the statuses of tocsin_bank_push_ids() */
TOCSIN_API int tocsin_bank_push_slots(tocsin_bank *bank, const tocsin_point *points, size_t count,
                                      int mode, double *scores, tocsin_verdict *verdicts,
                                      size_t verdict_size);

/** Push points that have several metrics, by the ids of their series: see
 *  tocsin_detector_push_row().
 *  @param bank      the bank
 *  @param points    count of them; their `value` is not read
 *  @param rows      count * metrics values, point after point
 *  @param metrics   tocsin_spec_metrics()
 *  @param count     how many
 *  @param mode      TOCSIN_LEARN_AND_SCORE ..., for all of them
 *  @param scores    as for tocsin_bank_push_ids()
 *  @param verdicts  likewise
 *  @param verdict_size  likewise
 *  @retval the statuses of tocsin_bank_push_ids(); TOCSIN_ERROR_WIDTH: metrics is another number */
TOCSIN_API int tocsin_bank_push_rows_ids(tocsin_bank *bank, const tocsin_point *points,
                                         const double *rows, size_t metrics, size_t count,
                                         int mode, double *scores, tocsin_verdict *verdicts,
                                         size_t verdict_size);

/** The same by slots.
 *  @retval the statuses of tocsin_bank_push_rows_ids() */
TOCSIN_API int tocsin_bank_push_rows_slots(tocsin_bank *bank, const tocsin_point *points,
                                           const double *rows, size_t metrics, size_t count,
                                           int mode, double *scores, tocsin_verdict *verdicts,
                                           size_t verdict_size);

/* ---- Marks --------------------------------------------------------------- */

/** Tell series of a deploy, a configuration change or maintenance, as tocsin_detector_mark().
 *  @param bank     the bank
 *  @param slots    whom; NULL: every series, and count is ignored
 *  @param count    how many slots
 *  @param kind     TOCSIN_MARK_*
 *  @param options  TOCSIN_MARK_MUTE, TOCSIN_MARK_NO_LEARN, both or 0
 *  @param begin    nanoseconds since the Unix epoch
 *  @param end      likewise, or TOCSIN_TIME_NONE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL, or an unknown kind or option
 *  @retval TOCSIN_ERROR_TIME      begin is TOCSIN_TIME_NONE, or a window's end is before it
 *  @retval TOCSIN_ERROR_RANGE     no series lives in one of the slots; nobody was told
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way, or slots are named where the clock is
 *                                 shared */
TOCSIN_API int tocsin_bank_mark(tocsin_bank *bank, const uint32_t *slots, size_t count, int kind,
                                uint32_t options, int64_t begin, int64_t end);

/* ---- One series out of many ----------------------------------------------- */

/** Copy a series' state into a detector, which can then explain, forecast, save and compare it,
 *  or try a point on it.  As after tocsin_detector_load(), it has no last point.
 *  @param bank      the bank
 *  @param slot      the series' slot
 *  @param detector  of an equal spec: the same stages, revisions and parameters
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_RANGE     no series lives in that slot
 *  @retval TOCSIN_ERROR_MISMATCH  the detector's spec is another
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_copy_out(const tocsin_bank *bank, uint32_t slot,
                                    tocsin_detector *detector);

/** Copy a detector's state into a series: one that was loaded from a snapshot, or comes from
 *  another bank.
 *  @retval the statuses of tocsin_bank_copy_out() */
TOCSIN_API int tocsin_bank_copy_in(tocsin_bank *bank, uint32_t slot,
                                   const tocsin_detector *detector);

/* ---- What a round has brought ---------------------------------------------- */

/** An alarm that started. */
typedef struct tocsin_alarm {
    uint64_t id;            /**< the series' id */
    uint32_t slot;          /**< its slot */
    uint32_t series;        /**< 1; for absence: how many series fell silent, this one being the
                                 one in the lowest slot */
    tocsin_verdict verdict; /**< what was said of the point that started it */
} tocsin_alarm;

/** The part of an alarm that every release knows; alarm_size must be at least this. */
#define TOCSIN_ALARM_MIN_SIZE 120

/** List the alarms that started in the last round, loudest first: absences as one entry,
 *  then pages by falling score, then tickets.  Equal ones stand in the order of their slots.
 *  @param bank        the bank
 *  @param alarms      entry i is written at byte offset i * alarm_size; may be NULL if capacity
 *                     is 0
 *  @param alarm_size  the stride: sizeof(tocsin_alarm)
 *  @param capacity    how many entries there is room for; one more than `alarms_per_round` is
 *                     always enough
 *  @return how many entries were written; 0 while a tick is under way, for a NULL, or if
 *          alarm_size is too small */
TOCSIN_API size_t tocsin_bank_alarms(const tocsin_bank *bank, tocsin_alarm *alarms,
                                     size_t alarm_size, size_t capacity);

/** What happened to points and alarms: a bank's self-observation. */
typedef struct tocsin_bank_counts {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_bank_counts) */
    uint32_t reserved;      /**< 0 */
    uint64_t rounds;        /**< ticks and sparse pushes */
    uint64_t points;        /**< points accepted */
    uint64_t missing;       /**< of those, without a value to judge */
    uint64_t silent;        /**< times that nothing came from a series */
    uint64_t late;          /**< points and silences refused as late */
    uint64_t repeated;      /**< points refused as repeated */
    uint64_t unknown;       /**< points of an id or a slot without a series */
    uint64_t started;       /**< alarms started, absences included */
    uint64_t absences;      /**< of those, because nothing came */
    uint64_t suppressed;    /**< of those, left out of the list by `alarms_per_round` */
    uint64_t cleared;       /**< alarms cleared */
} tocsin_bank_counts;

/** What happened in the last round.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_last(const tocsin_bank *bank, tocsin_bank_counts *counts);

/** What happened in all rounds so far.
 *  @retval the statuses of tocsin_bank_last() */
TOCSIN_API int tocsin_bank_total(const tocsin_bank *bank, tocsin_bank_counts *counts);

/** Do a bank's series, taken together, ring as often as their budget promises?  See
 *  tocsin_self_check: many series say soon what one says in months.  Its figures are
 *  tocsin_bank_total()'s: alarms but for absences, and as the time watched the points that had a
 *  value, each for the mean step of the series that the bank holds now.  What a bank of
 *  hosts that fail together rings for is not independent: the interval is then too narrow.
 *  @param bank   the bank; unchanged
 *  @param check  receives the finding
 *  @retval the statuses of tocsin_detector_self_check()
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way
 *  Linear in the number of series, or constant where they share a clock. */
TOCSIN_API int tocsin_bank_self_check(const tocsin_bank *bank, tocsin_self_check *check);

/** What a bank holds. */
typedef struct tocsin_bank_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_bank_info) */
    uint32_t slots;         /**< tocsin_bank_slots() */
    uint64_t series;        /**< series it holds */
    uint64_t capacity;      /**< series it has room for without allocating */
    uint64_t max_series;    /**< series it may hold */
    uint64_t bytes;         /**< bytes it has from its allocator */
    uint64_t added;         /**< series added so far */
    uint64_t removed;       /**< series removed by tocsin_bank_remove() */
    uint64_t evicted;       /**< series evicted, by either way */
    uint64_t refused;       /**< series refused because the bank was full */
    int64_t time;           /**< time of the newest value of any series; TOCSIN_TIME_NONE: none
                                 yet */
} tocsin_bank_info;

/** Look at a bank.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way */
TOCSIN_API int tocsin_bank_describe(const tocsin_bank *bank, tocsin_bank_info *info);

/* ---- Banks in mapped memory -------------------------------------------------
 *
 * A bank can live in memory that the caller gives: in a file that he has mapped, say, so that it
 * is still there when the process is gone.  However that ends, by kill -9 or in the middle of a
 * tick, whoever maps the file again finds the bank as the last round left it, or with the round
 * that was under way for a part of its tiles, and is told for which: never with a state between
 * the two.
 *
 *     extern void *map_file(uint64_t size);
 *     tocsin_bank_recovery recovery;
 *     tocsin_bank *mapped;
 *     tocsin_spec *spec;
 *
 *     tocsin_spec_compile(&spec, "ewma | tail | alarm", TOCSIN_NUL_TERMINATED, NULL, NULL);
 *     uint64_t size = tocsin_bank_mapped_size(spec, NULL, 1000000);
 *     void *memory = map_file(size);
 *     memset(&recovery, 0, sizeof recovery);
 *     recovery.struct_size = sizeof recovery;
 *     int status = tocsin_bank_create_mapped(&mapped, spec, NULL, NULL, memory, size, &recovery);
 *
 * where map_file() opens a file, gives it that size with ftruncate() and maps it with mmap() and
 * MAP_SHARED.
 *
 * The library makes no system call; the memory is the caller's to map, to keep from being mapped
 * twice at a time, and to unmap after tocsin_bank_free().  What holds for the death of a process
 * does not hold for a power failure: then a file system writes what pages it likes, and only a
 * snapshot, or an msync() between rounds, is a safe thing.
 *
 * Such a bank works as any other does, and gives the same bits.  Its capacity is fixed by its
 * memory.  It has no classes.  What a round is about to change it copies first, which takes some of
 * a tick's time: see bench/README.md. */

/** What became of a tile of 64 slots. */
enum {
    TOCSIN_TILE_WHOLE = 0,      /**< as before the round that was interrupted */
    TOCSIN_TILE_AHEAD = 1,      /**< has had that round's points; of a push, some of them */
    TOCSIN_TILE_TORN = 2        /**< was damaged: some of its series start anew */
};

/** What kind of round was interrupted. */
enum {
    TOCSIN_ROUND_NONE = 0,
    TOCSIN_ROUND_TICK = 1,
    TOCSIN_ROUND_PUSH = 2       /**< outside of a tick */
};

/** What was found in mapped memory. */
typedef struct tocsin_bank_recovery {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_bank_recovery) */
    uint32_t is_new;        /**< 1: there was no bank, and one was made */
    uint32_t interrupted;   /**< TOCSIN_ROUND_* */
    uint32_t reserved;      /**< 0 */
    int64_t time;           /**< of the tick that was; TOCSIN_TIME_NONE: none, or it had none */
    uint64_t whole;         /**< tiles that are TOCSIN_TILE_WHOLE */
    uint64_t ahead;         /**< tiles that are TOCSIN_TILE_AHEAD */
    uint64_t torn;          /**< tiles that are TOCSIN_TILE_TORN */
    uint64_t restarted;     /**< series that were damaged and start anew */
} tocsin_bank_recovery;

/** Bytes of memory that a mapped bank takes.
 *  @param spec     the spec
 *  @param options  may be NULL
 *  @param series   for how many
 *  @return the bytes; 0 if spec is NULL, an option out of bounds or `max_classes` not 0, series
 *          more than `max_series`, or a bank of that spec cannot be mapped */
TOCSIN_API uint64_t tocsin_bank_mapped_size(const tocsin_spec *spec,
                                            const tocsin_bank_options *options, uint64_t series);

/** Open the bank that is in the memory, or make one where there is nothing but zeros.
 *
 *  A tick that was interrupted is over.  Where the clock is shared it has happened: series
 *  that had no point have missed it, and a second tick of that time is late.  With clocks of their
 *  own, series of tiles that are whole have not seen it; the caller may give them their points
 *  (tocsin_bank_tick_range()), or push everything once more, where what was learnt already is
 *  refused as repeated or late.  Its alarms are lost, and its points are not counted.
 *
 *  A bank may be opened under other limits, seeds and alarms_per_round than it was made with.
 *
 *  @param out        receives the bank; NULL on failure
 *  @param spec       shared; must outlive the bank
 *  @param options    may be NULL
 *  @param allocator  may be NULL; for all but the series, 8 bytes and with ids 1400 per tile
 *  @param memory     aligned to 64 bytes; in use until the bank is freed, which leaves a bank in
 *                    it
 *  @param size       bytes of it; what is left over beyond whole tiles is not used
 *  @param recovery   may be NULL; filled in on success
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_TORN           some tiles were damaged: see recovery
 *  @retval TOCSIN_ERROR_ARGUMENT      a NULL, an option out of bounds, a malformed allocator, or a
 *                                     struct_size this library does not know
 *  @retval TOCSIN_ERROR_ALIGNMENT     memory is not aligned
 *  @retval TOCSIN_ERROR_SPACE         size does not suffice for 64 series
 *  @retval TOCSIN_ERROR_MEMORY        the allocator failed
 *  @retval TOCSIN_ERROR_UNSUPPORTED   `max_classes` is not 0, or series so large cannot be mapped
 *  @retval TOCSIN_ERROR_FORMAT        the memory holds something else, a part of a bank, or one
 *                                     that is damaged beyond its tiles
 *  @retval TOCSIN_ERROR_CHECKSUM      likewise: a sum is wrong
 *  @retval TOCSIN_ERROR_VERSION       it was made by a release, or on a machine, that lays it out
 *                                     differently: use snapshots between these
 *  @retval TOCSIN_ERROR_MISMATCH      it is of another spec, `clock`, `ids` or `lanes`
 *  After TOCSIN_ERROR_VERSION and _MISMATCH the memory is as it was.  Linear in the states' bytes. */
TOCSIN_API int tocsin_bank_create_mapped(tocsin_bank **out, const tocsin_spec *spec,
                                         const tocsin_bank_options *options,
                                         const tocsin_allocator *allocator, void *memory,
                                         uint64_t size, tocsin_bank_recovery *recovery);

/** What became of a tile, until the next round begins.
 *  @param bank  the bank
 *  @param tile  a slot's number / TOCSIN_BANK_TILE
 *  @return TOCSIN_TILE_*; TOCSIN_ERROR_ARGUMENT if bank is NULL, TOCSIN_ERROR_RANGE if no slot of
 *          the tile was ever in use */
TOCSIN_API int tocsin_bank_tile_condition(const tocsin_bank *bank, uint32_t tile);

#ifdef __cplusplus
}
#endif
#endif
