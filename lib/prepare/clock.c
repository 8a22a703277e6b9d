/* clock.c - the first stage of every pipe: time.
 *
 * Points come when they come: at regular steps or not, sometimes late, sometimes
 * twice, sometimes without a time at all.  The clock lets through what is newer
 * than everything before it and counts what is not, so that no stage behind it
 * ever sees time stand still or go back, and no point is learnt twice.
 *
 * It measures the mean step (an arithmetic mean that becomes an exponential one
 * after 100 points), flags pauses that are long beside it and counts them for no
 * more than the longest that is not, knows when silence becomes absence, says what the
 * clock on the wall shows (core/zone.c), by which seasons go, and keeps
 * the last mark and the last window: a deploy is a moment, maintenance an interval
 * of time, and neither is more than that.
 *
 * Cost: a dozen operations per point, one division.
 */
#include "prepare.h"

enum { CLOCK_STEP, CLOCK_GAP, CLOCK_ABSENCE, CLOCK_TIMEZONE };

static const tocsin__param clock_params[] = {
    {"step", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "", 1e-9, 3.2e9, "",
     "nominal time between points, for those without a time; not set: as measured, at first 1m"},
    {"gap", TOCSIN_TYPE_NUMBER, 1, 0, 0, "mean steps", "3", 1.5, 1e9, "",
     "a pause longer than this is flagged as a gap"},
    {"absence", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "", 1e-9, 3.2e9, "",
     "silence longer than this, as told by tick, rings; not set: silence never rings"},
    {"timezone", TOCSIN_TYPE_ZONE, TOCSIN__ZONE_PARTS, 0, 0, "", "", 0, 0, "",
     "the rule of the clocks that people live by, for the days and weeks of seasons; not set: UTC"},
};

static const tocsin__field clock_fields[] = {
    TOCSIN__FIELD(tocsin__clock_state, time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, learnt, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, waiting, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, step, F64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock_state, points, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock_state, late, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock_state, repeated, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock_state, mark_time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, window_begin, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, window_end, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock_state, mark_kind, U32, 0, TOCSIN_MARK_MAINTENANCE),
    TOCSIN__FIELD(tocsin__clock_state, window_kind, U32, 0, TOCSIN_MARK_MAINTENANCE),
    TOCSIN__FIELD(tocsin__clock_state, window_options, U32, 0,
                  TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN),
    TOCSIN__FIELD(tocsin__clock_state, has_learnt, U16, 0, 1),
    TOCSIN__FIELD(tocsin__clock_state, is_waiting, U16, 0, 1),
};

static int clock_resolve(const tocsin__values *values, const tocsin__context *context,
                         void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    tocsin__clock_constants *k = constants;
    tocsin__zone zone;
    const char *wrong = tocsin__values_zone(&values[CLOCK_TIMEZONE], &zone);

    (void)shape;
    if (wrong)
        return tocsin__complain(complaint, TOCSIN_ERROR_CONFLICT, CLOCK_TIMEZONE, wrong);
    k->step = context->step > 0 ? context->step : TOCSIN_MINUTE;
    k->is_nominal = context->step > 0;
    k->gap = values[CLOCK_GAP].item[0].number;
    k->absence = values[CLOCK_ABSENCE].count ? values[CLOCK_ABSENCE].item[0].duration : 0;
    return TOCSIN_OK;
}

int tocsin__clock_tick(const tocsin__clock_constants *k, tocsin__clock_state *clock, int64_t now,
                       int *absent)
{
    int64_t alive = clock->time;

    if (clock->points == 0) {       /* nothing ever came: the waiting begins with the first tick */
        if (!clock->is_waiting) {
            clock->waiting = now;
            clock->is_waiting = 1;
        }
        alive = clock->waiting;
    }
    if (now < alive)
        return TOCSIN_INFO_IGNORED;
    *absent = k->absence > 0 && tocsin__time_between(alive, now) > k->absence;
    return TOCSIN_OK;
}

void tocsin__clock_mark(tocsin__clock_state *clock, int kind, uint32_t options, int64_t begin,
                        int64_t end)
{
    clock->mark_kind = (uint32_t)kind;
    clock->mark_time = begin;
    if (options) {
        clock->window_kind = (uint32_t)kind;
        clock->window_options = options;
        clock->window_begin = begin;
        clock->window_end = end;
    } else if (clock->window_kind == (uint32_t)kind && clock->window_end == TOCSIN_TIME_NONE) {
        clock->window_end = begin;
    }
}

static void clock_explain(const void *constants, const void *state, const tocsin__reading *reading,
                          tocsin_explanation *explanation)
{
    const tocsin__clock_state *clock = state;

    (void)constants;
    (void)reading;
    explanation->points = clock->points;
    explanation->late = clock->late;
    explanation->repeated = clock->repeated;
    explanation->step = clock->points > 1 ? clock->step / 1e9 : tocsin__nan();
    explanation->mark_kind = clock->mark_kind;
    explanation->mark_time = clock->mark_kind ? clock->mark_time : TOCSIN_TIME_NONE;
}

const tocsin__stage tocsin__stage_clock = {
    .name = "clock",
    .summary = "orders points in time, measures their step, knows absence",
    .reference = "",
    .kind = TOCSIN_STAGE_PREPARE,
    .rank = TOCSIN__RANK_CLOCK,
    .is_default = 1,
    .revision = 1,
    .oldest_revision = 1,
    .params = clock_params,
    .param_count = TOCSIN__COUNT(clock_params),
    .constants_size = sizeof(tocsin__clock_constants),
    .layout = {sizeof(tocsin__clock_state), clock_fields, TOCSIN__COUNT(clock_fields)},
    .resolve = clock_resolve,
    .explain = clock_explain,
};
