/* clock.c - the first stage of every pipe: time.
 *
 * Points come when they come: at regular steps or not, sometimes late, sometimes
 * twice, sometimes without a time at all.  The clock lets through what is newer
 * than everything before it and counts what is not, so that no stage behind it
 * ever sees time stand still or go back, and no point is learnt twice.
 *
 * It measures the mean step (an arithmetic mean that becomes an exponential one
 * after 100 points), flags pauses that are long beside it, knows when silence
 * becomes absence, and keeps the last mark and the last window: a deploy is a
 * moment, maintenance an interval of time, and neither is more than that.
 *
 * Cost: a dozen operations per point, one division.
 */
#include "clock_state.h"

#include "../num/mathx.h"

enum { CLOCK_STEP, CLOCK_GAP, CLOCK_ABSENCE };

static const tocsin__param clock_params[] = {
    {"step", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "1m", 1e-9, 3.2e9, "",
     "time between points that come without one"},
    {"gap", TOCSIN_TYPE_NUMBER, 1, 0, 0, "mean steps", "3", 1.5, 1e9, "",
     "a pause longer than this is flagged as a gap"},
    {"absence", TOCSIN_TYPE_DURATION, 1, 0, 0, "", "", 1e-9, 3.2e9, "",
     "silence longer than this, as told by tick, rings; not set: silence never rings"},
};

typedef struct {
    int64_t step;
    int64_t absence;    /* 0: never */
    double gap;
} clock_constants;

static const tocsin__field clock_fields[] = {
    TOCSIN__FIELD(tocsin__clock, time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, learnt, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, alive, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, step, F64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock, points, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock, late, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock, repeated, U64, 0, 2e19),
    TOCSIN__FIELD(tocsin__clock, mark_time, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, window_begin, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, window_end, I64, -9.3e18, 9.3e18),
    TOCSIN__FIELD(tocsin__clock, mark_kind, U32, 0, TOCSIN_MARK_MAINTENANCE),
    TOCSIN__FIELD(tocsin__clock, window_kind, U32, 0, TOCSIN_MARK_MAINTENANCE),
    TOCSIN__FIELD(tocsin__clock, window_options, U32, 0, TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN),
    TOCSIN__FIELD(tocsin__clock, has_learnt, U16, 0, 1),
    TOCSIN__FIELD(tocsin__clock, has_life, U16, 0, 1),
};

/* The mean step forgets after so many points. */
#define CLOCK_MEMORY 100.0

static int clock_resolve(const tocsin__values *values, const tocsin__context *context,
                         void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    clock_constants *k = constants;

    (void)shape;
    (void)complaint;
    k->step = context->step > 0 ? context->step : values[CLOCK_STEP].item[0].duration;
    k->gap = values[CLOCK_GAP].item[0].number;
    k->absence = values[CLOCK_ABSENCE].count ? values[CLOCK_ABSENCE].item[0].duration : 0;
    return TOCSIN_OK;
}

/* later - earlier, and never an overflow. */
static int64_t clock_between(int64_t earlier, int64_t later)
{
    const uint64_t difference = (uint64_t)later - (uint64_t)earlier;

    return difference > INT64_MAX ? INT64_MAX : (int64_t)difference;
}

static int clock_prepare(const void *constants, void *state, tocsin__point *point)
{
    const clock_constants *k = constants;
    tocsin__clock *clock = state;

    if (point->time == TOCSIN_TIME_NONE) {
        if (clock->points == 0)
            point->time = 0;
        else if (clock->time > INT64_MAX - k->step)
            point->time = INT64_MAX;
        else
            point->time = clock->time + k->step;
    }
    if (clock->points > 0) {
        if (point->time <= clock->time) {
            if (point->time < clock->time) {
                clock->late++;
                point->flags |= TOCSIN_FLAG_LATE;
            } else {
                clock->repeated++;
                point->flags |= TOCSIN_FLAG_REPEATED;
            }
            return TOCSIN_INFO_IGNORED;
        }
        const double step = (double)clock_between(clock->time, point->time);
        const double n = (double)clock->points;

        if (n >= 2 && step > k->gap * clock->step)
            point->flags |= TOCSIN_FLAG_GAP;
        clock->step += (step - clock->step) / tocsin__min(n, CLOCK_MEMORY);
    }
    point->elapsed = clock->has_learnt ? clock_between(clock->learnt, point->time) : 0;
    point->flags |= tocsin__clock_mark_flags(clock, point->time);
    clock->time = point->time;
    clock->alive = point->time;
    clock->has_life = 1;
    clock->points++;
    return TOCSIN_OK;
}

int tocsin__clock_tick(const void *constants, tocsin__clock *clock, int64_t now)
{
    const clock_constants *k = constants;

    if (!clock->has_life) {     /* nothing ever came: the waiting begins now */
        clock->alive = now;
        clock->has_life = 1;
    }
    return k->absence > 0 && now > clock->alive && clock_between(clock->alive, now) > k->absence;
}

void tocsin__clock_mark(tocsin__clock *clock, int kind, uint32_t options, int64_t begin,
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

uint32_t tocsin__clock_mark_flags(const tocsin__clock *clock, int64_t time)
{
    if (clock->window_options == 0 || time < clock->window_begin)
        return 0;
    if (clock->window_end != TOCSIN_TIME_NONE && time > clock->window_end)
        return 0;
    return (clock->window_options & TOCSIN_MARK_MUTE ? TOCSIN_FLAG_MUTED : 0u) |
           (clock->window_options & TOCSIN_MARK_NO_LEARN ? TOCSIN_FLAG_HELD : 0u);
}

static void clock_explain(const void *constants, const void *state, const tocsin__reading *reading,
                          tocsin_explanation *explanation)
{
    const tocsin__clock *clock = state;

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
    .constants_size = sizeof(clock_constants),
    .layout = {sizeof(tocsin__clock), clock_fields, TOCSIN__COUNT(clock_fields)},
    .resolve = clock_resolve,
    .prepare = clock_prepare,
    .explain = clock_explain,
};
