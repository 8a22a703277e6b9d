/* rates.c - errors and other events: bets on the arm of each.
 *
 * Model.  While units are split by the share rho, an event - a failure, an order - happens in the
 * candidate with probability theta = rho r / (1 - rho + rho r), where r is how many times as
 * frequent it is there.  Whatever makes events more or less frequent in both arms cancels.
 *
 * Formula.  Against "at most r": bets that the odds are e^d times those of theta, a likelihood
 * ratio of e^d / (1 + theta (e^d - 1)) for an event in the candidate and of 1 / (the same) for one
 * in the baseline, for several d > 0; against "at least r" with d < 0.  If the true ratio is
 * smaller (greater), the mean is below 1, so all ratios beyond r are refuted with it.
 *
 * A share that is not known is told by the units S among which the events happened: for the true
 * rho, so is
 *
 *     E_share(rho) = [B(S + 1/2) / B(1/2)] / [(1 - rho)^S_0 rho^S_1]
 *
 * an e-process, and the mean of the two is one, of which half the larger is a part.  The least of
 * it over all rho is no more than that of the true one.  E_share grows away from S's own share, the
 * bet shrinks on one side of it: the least is where the two meet.
 *
 * Reference.  Lindon & Malek, 2011.03567, whose mixture these bets replace: being one-sided, they
 * need fewer events.
 *
 * Cost.  A logarithm for each bet; some 50 bets' worth where the share is not known.
 *
 * How it fails.  Events that come in bursts are one event, not many: with unit=request a client
 * that retries a failing request a hundred times counts as a hundred failures.
 */
#include "gate.h"

const double tocsin__rate_bets[TOCSIN__RATE_BETS] = {.04, .09, .18, .32, .5, .75, 1.2, 2.2};
const double tocsin__rate_weights[TOCSIN__RATE_BETS] = {.125, .125, .125, .125,
                                                        .125, .125, .125, .125};
const double tocsin__guard_bets[TOCSIN__GUARD_BETS] = {.6, 1, 1.6};
const double tocsin__guard_weights[TOCSIN__GUARD_BETS] = {.25, .5, .25};

static const tocsin__field rates_fields[] = {
    TOCSIN__TALLY_FIELDS(tocsin__rate_state),
    TOCSIN__FIELD(tocsin__rate_state, events, U64, 0, TOCSIN__COUNT_MAX),
    TOCSIN__FIELD(tocsin__rate_state, earlier, U64, 0, TOCSIN__COUNT_MAX),
    TOCSIN__ARRAY("evidence", I64, 0, -TOCSIN__EVIDENCE_MAX, TOCSIN__EVIDENCE_MAX),
};
const tocsin__layout tocsin__rate_layout = {sizeof(tocsin__rate_state), rates_fields,
                                            TOCSIN__COUNT(rates_fields)};

static double rates_bet(const tocsin__split *split, double share, double ratio, double d)
{
    const double theta = share * ratio / (1 - share + share * ratio);
    const double all = (double)split->events[0] + (double)split->events[1];

    return d * (double)split->events[1] - all * tocsin__log1p(theta * tocsin__expm1(d));
}

/* log E_share, but for the part that does not depend on the share. */
static double rates_share(const tocsin__split *split, double share)
{
    return -(double)split->units[0] * tocsin__log1p(-share) -
           (double)split->units[1] * tocsin__log(share);
}

/* The least over all shares of half the larger of the two e-processes. */
static double rates_least(const tocsin__split *split, double ratio, double d, double beta)
{
    const double all = (double)split->units[0] + (double)split->units[1];
    const double seen = ((double)split->units[1] + .5) / (all + 1);
    /* A bet that the candidate has more loses as its share grows, for then more is expected. */
    double near = seen, far = d > 0 ? 1 - 1e-12 : 1e-12;

    if (rates_bet(split, near, ratio, d) <= beta + rates_share(split, near))
        return beta + rates_share(split, near) - 0.69314718055994531;
    for (int i = 0; i < 50 && tocsin__abs(far - near) > 1e-13; i++) {
        const double middle = (near + far) / 2;

        if (rates_bet(split, middle, ratio, d) > beta + rates_share(split, middle))
            near = middle;
        else
            far = middle;
    }
    return rates_bet(split, far, ratio, d) - 0.69314718055994531;
}

void tocsin__rates_log_e(const tocsin__split *split, double shift, int is_up, const double *bets,
                         size_t count, double *log_e)
{
    const double ratio = tocsin__exp(shift);
    const double beta = split->share > 0
                            ? 0
                            : tocsin__log_beta((double)split->units[0] + .5,
                                               (double)split->units[1] + .5) -
                                  tocsin__log_beta(.5, .5);

    for (size_t j = 0; j < count; j++) {
        const double d = is_up ? bets[j] : -bets[j];

        log_e[j] = split->share > 0 ? rates_bet(split, split->share, ratio, d)
                                    : rates_least(split, ratio, d, beta);
    }
}
