/* verdicts.h - what every verdict must keep, whatever the spec and the input. */
#ifndef TOCSIN_TEST_VERDICTS_H
#define TOCSIN_TEST_VERDICTS_H

#include <check.h>
#include <math.h>
#include <string.h>

#include "suite.h"
#include "tocsin.h"

/* The flags that each explain why there is no score. */
#define VERDICT_NO_SCORE                                                                  \
    (TOCSIN_FLAG_WARMING | TOCSIN_FLAG_MISSING | TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED | \
     TOCSIN_FLAG_UNSCORED)

#define VERDICT_FLAGS (2 * (unsigned)TOCSIN_FLAG_UNSCORED - 1)

/* Where a check is made, for its message. */
typedef struct verdict_context {
    const char *spec;
    const char *input;
    size_t index;
} verdict_context;

#define verdict_check(condition, context)                                                    \
    require(condition, "%s, not so for '%s' on %s at point %zu", #condition, (context)->spec, \
            (context)->input, (context)->index)

static inline int verdict_nan_is_canonical(double value)
{
    return !isnan(value) || double_bits(value) == UINT64_C(0x7ff8000000000000);
}

/* What must hold within one verdict. */
static inline void verdict_check_fields(const tocsin_verdict *v, const verdict_context *c)
{
    static const uint8_t zeroes[sizeof v->reserved];
    const int has_score = !isnan(v->score);

    verdict_check(verdict_nan_is_canonical(v->score), c);
    verdict_check(verdict_nan_is_canonical(v->period), c);
    verdict_check(verdict_nan_is_canonical(v->raw), c);
    verdict_check(verdict_nan_is_canonical(v->expected), c);
    verdict_check(verdict_nan_is_canonical(v->deviation), c);
    verdict_check(verdict_nan_is_canonical(v->lower), c);
    verdict_check(verdict_nan_is_canonical(v->upper), c);

    verdict_check((v->flags & ~VERDICT_FLAGS) == 0, c);
    verdict_check(has_score == !(v->flags & VERDICT_NO_SCORE), c);
    verdict_check(!has_score || v->score >= 0, c);
    verdict_check(isnan(v->period) || (has_score && v->period > 0), c);
    verdict_check(!has_score || !isnan(v->value), c);
    verdict_check(!has_score || !isnan(v->raw), c);
    verdict_check(isnan(v->raw) || v->raw >= 0, c);
    verdict_check(isnan(v->deviation) || v->deviation >= 0, c);
    verdict_check(v->confidence >= 0 && v->confidence <= 1, c);

    verdict_check(isnan(v->lower) == isnan(v->upper), c);
    verdict_check(isnan(v->lower) || v->lower <= v->upper, c);
    verdict_check(isnan(v->lower) || isnan(v->expected) || v->lower <= v->expected, c);
    verdict_check(isnan(v->upper) || isnan(v->expected) || v->expected <= v->upper, c);

    verdict_check(v->alarm <= TOCSIN_ALARM_ON, c);
    verdict_check(v->transition <= TOCSIN_TRANSITION_CLEAR, c);
    verdict_check(v->tier <= TOCSIN_TIER_PAGE, c);
    verdict_check(v->reason <= TOCSIN_REASON_ABSENCE, c);
    verdict_check(v->direction >= -1 && v->direction <= 1, c);
    verdict_check(v->channel < TOCSIN_CHANNELS, c);
    verdict_check(memcmp(v->reserved, zeroes, sizeof zeroes) == 0, c);
    verdict_check(!(has_score && v->score < 1) || v->reason == TOCSIN_REASON_NONE, c);

    verdict_check((v->alarm == TOCSIN_ALARM_ON) == (v->tier != TOCSIN_TIER_NONE), c);
    verdict_check((v->since != TOCSIN_TIME_NONE) ==
                      (v->alarm == TOCSIN_ALARM_ON || v->transition == TOCSIN_TRANSITION_CLEAR),
                  c);
}

/* What must hold between a verdict and the one before it.  A point that is ignored leaves the
 * alarm as it was. */
static inline void verdict_check_sequence(const tocsin_verdict *before, const tocsin_verdict *v,
                                          int status, const verdict_context *c)
{
    const int was_on = before->alarm == TOCSIN_ALARM_ON;
    const int is_on = v->alarm == TOCSIN_ALARM_ON;

    if (status == TOCSIN_INFO_IGNORED) {
        verdict_check(v->flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED), c);
        verdict_check(was_on == is_on, c);
        verdict_check(v->transition == TOCSIN_TRANSITION_NONE ||
                          v->transition == TOCSIN_TRANSITION_ONGOING, c);
        return;
    }
    verdict_check(!(v->flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED)), c);
    /* An alarm starts once; growing from a ticket into a page starts it again. */
    verdict_check((v->transition == TOCSIN_TRANSITION_START) == (v->tier > before->tier), c);
    verdict_check((v->transition == TOCSIN_TRANSITION_ONGOING) ==
                      (was_on && is_on && v->tier == before->tier), c);
    verdict_check((v->transition == TOCSIN_TRANSITION_CLEAR) == (was_on && !is_on), c);
    verdict_check(!(was_on && is_on) || v->tier >= before->tier, c);
    verdict_check(!was_on || v->since == before->since, c);
    verdict_check(was_on || !is_on || v->since == v->time, c);
    verdict_check(v->transition != TOCSIN_TRANSITION_START || !(v->flags & TOCSIN_FLAG_MUTED), c);
}

#endif
