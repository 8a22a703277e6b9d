/* raw.c - no calibration: the score is the detector's own statistic.
 *
 * For those who have a calibration of their own, and for looking at a model by itself. The
 * largest channel speaks.  A raw statistic has no unit of rarity, so there is no return
 * period and nothing an alarm's budget could mean: the pipe ends here, unless an alarm with a
 * threshold on the statistic itself is named.
 */
#include "../num/mathx.h"
#include "../pipeline/stage.h"

static int raw_resolve(const tocsin__values *values, const tocsin__context *context,
                       void *constants, tocsin__shape *shape, tocsin__complaint *complaint)
{
    (void)values;
    (void)context;
    (void)constants;
    (void)shape;
    (void)complaint;
    return TOCSIN_OK;
}

static inline void raw_rank(const void *constants, const void *state, const tocsin__point *point,
                            const tocsin__reading *reading, uint32_t channel_count,
                            tocsin__rarity *rarity)
{
    const double largest = tocsin__speaker(reading, channel_count, &rarity->channel);

    (void)constants;
    (void)state;
    (void)point;
    rarity->score = tocsin__is_nan(largest) ? tocsin__nan() : tocsin__min(largest, DBL_MAX);
    rarity->limit[0] = rarity->limit[1] = tocsin__nan();
    rarity->step = tocsin__nan();
    rarity->exceeds = 0;
    if (tocsin__is_nan(largest))
        rarity->flags |= TOCSIN_FLAG_WARMING;
}

static void raw_learn(const void *constants, void *state, const tocsin__point *point,
                      const tocsin__reading *reading, uint32_t channel_count,
                      const tocsin__rarity *rarity)
{
    (void)constants;
    (void)state;
    (void)point;
    (void)reading;
    (void)channel_count;
    (void)rarity;
}

static void raw_push(const void *constants, void *state, const tocsin__point *point,
                     const tocsin__reading *reading, uint32_t channel_count,
                     tocsin__rarity *rarity)
{
    raw_rank(constants, state, point, reading, channel_count, rarity);
}

static double raw_score_of(const void *constants, const void *state, uint32_t channel,
                           double value)
{
    (void)constants;
    (void)state;
    (void)channel;
    return tocsin__is_nan(value) ? tocsin__nan() : tocsin__min(value, DBL_MAX);
}

const tocsin__stage tocsin__stage_raw = {
    .name = "raw",
    .summary = "passes the detector's statistic on as the score and ends the pipe",
    .reference = "",
    .kind = TOCSIN_STAGE_CALIBRATE,
    .rank = TOCSIN__RANK_CALIBRATE,
    .revision = 1,
    .oldest_revision = 1,
    .resolve = raw_resolve,
    .rank_point = raw_rank,
    .learn_rank = raw_learn,
    .push_rank = raw_push,
    .score_of = raw_score_of,
};
