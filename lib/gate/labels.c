/* labels.c - bets on which arm an observation belongs to, from its level.
 *
 * Model.  Given the past and the value, an observation belongs to the candidate with the share's
 * probability rho, if the arms are alike: the arm was drawn before the value came to be, and on its
 * own.  A bettor who sees the level l of the value first puts the odds at e^u(l) times rho's.  It
 * is the likelihood ratio of the arm under those odds,
 *
 *     candidate   e^u / (1 + rho (e^u - 1))          baseline   1 / (1 + rho (e^u - 1))
 *
 * by which the wealth is multiplied, and its mean is 1.
 *
 * Bets.  On a shift: u = lambda z - c, where z is the normal quantile of the level's middle; on
 * the tail: d - c beyond a quantile and -c below; on timeouts likewise.  c is such that the
 * bettor's own share of candidates agrees with rho to first order: sum_l pi_l (e^u - 1)/(1 + rho (e^u - 1))
 * = 0, pi_l the level's probability.  All are held side by side, and the wealth is their weighted
 * mean.
 *
 * When it is read.  A level's observations all multiply by the same two numbers, so counts per
 * level and arm are all there is to keep: log E = sum_l [cand_l u_l - (cand_l + base_l)
 * ln(1 + rho (e^u_l - 1))].  It is the same in any order, and of several machines the sum.
 *
 * A share that is not known, but constant, makes E the least over all rho: no more than that of
 * the true one.  log E is convex in rho; Newton's method finds where, kept within bounds by
 * bisection.
 *
 * Reference.  Shekhar & Ramdas, "Nonparametric two-sample testing by betting", 2112.09162;
 * normal scores: van der Waerden (1952).
 *
 * Cost.  19 multiplications for each bet with a known share; some ten times 19 divisions without.
 *
 * How it fails.  If the arm depends on the value or on the past; see the header.
 */
#include "gate.h"

/* Shifts, together LABELS_SHIFTS; then the tail, and timeouts.  Most on what is looked for most, a
 * tenth of a deviation; neighbours are a factor of two apart, for a bet of half or twice the right
 * size still wins half as fast or so. */
#define LABELS_SHIFTS .69
#define LABELS_SHIFT(weight) ((weight) / LABELS_SHIFTS)
const double tocsin__step_weights[TOCSIN__STEPS] = {
    LABELS_SHIFT(.04), LABELS_SHIFT(.08), LABELS_SHIFT(.15), LABELS_SHIFT(.19),
    LABELS_SHIFT(.12), LABELS_SHIFT(.06), LABELS_SHIFT(.03), LABELS_SHIFT(.02)};
const double tocsin__harm_weights[TOCSIN__HARM_BETS] = {
    .04, .08, .15, .19, .12, .06, .03, .02,
    .02, .01, .02, .02, .02, .03, .02, .03, .02, .03, .02,
    .01, .03, .03};

static const double labels_lambda[TOCSIN__STEPS] = {.015, .03, .06, .12, .24, .48, .96, 2};

/* From a level on, d.  Beyond a quantile tau it takes about 40 / ((1 - tau) d^2) units to win: what
 * would take more than some hundred thousand is left out. */
typedef struct labels_beyond {
    uint32_t level;
    double d;
} labels_beyond;

static const labels_beyond labels_tail[TOCSIN__HARM_BETS - TOCSIN__STEPS] = {
    {12, .4},                               /* .9 */
    {14, .4}, {14, .7}, {14, 1.8},          /* .975 */
    {15, .5}, {15, 1},                      /* .99 */
    {16, .6}, {16, 1.2},                    /* .995 */
    {17, .7}, {17, 1.5}, {17, 2.5},         /* .999 */
    {TOCSIN__TIMEOUT, .6}, {TOCSIN__TIMEOUT, 1.2}, {TOCSIN__TIMEOUT, 2.2}};

#define LABELS_TIMEOUTS .0005       /* as likely as a timeout is taken to be */
#define LABELS_SOME_SHARE .5        /* what bets are centred for if the share is not known */

static double labels_probability(uint32_t level)
{
    if (level == TOCSIN__TIMEOUT)
        return LABELS_TIMEOUTS;
    return (level == TOCSIN__TAUS ? 1 - LABELS_TIMEOUTS : tocsin__tau[level]) -
           (level == 0 ? 0 : tocsin__tau[level - 1]);
}

/* The c of the essay, for log odds h. */
static double labels_centre(const double h[TOCSIN__CELLS], double share)
{
    double low = -8, high = 8;

    for (int i = 0; i < 60; i++) {
        const double c = (low + high) / 2;
        double sum = 0;

        for (uint32_t l = 0; l < TOCSIN__CELLS; l++) {
            const double gain = tocsin__expm1(h[l] - c);

            sum += labels_probability(l) * gain / (1 + share * gain);
        }
        if (sum > 0)
            low = c;
        else
            high = c;
    }
    return (low + high) / 2;
}

static void labels_bet(tocsin__bets *bets, size_t bet, const double h[TOCSIN__CELLS])
{
    const int is_known = bets->share > 0;
    const double c = labels_centre(h, is_known ? bets->share : LABELS_SOME_SHARE);

    for (uint32_t l = 0; l < TOCSIN__CELLS; l++) {
        const double gain = tocsin__expm1(h[l] - c);

        bets->log_odds[bet][l] = h[l] - c;
        bets->stake[bet][l] = is_known ? tocsin__log1p(bets->share * gain) : gain;
    }
}

void tocsin__bets_init(tocsin__bets *bets, double share)
{
    memset(bets, 0, sizeof *bets);
    bets->share = share;
    for (size_t j = 0; j < TOCSIN__STEPS; j++) {
        double up[TOCSIN__CELLS], down[TOCSIN__CELLS];

        for (uint32_t l = 0; l < TOCSIN__CELLS; l++) {
            up[l] = labels_lambda[j] * tocsin__level_z[l];
            down[l] = -up[l];
        }
        labels_bet(bets, j, up);
        labels_bet(bets, TOCSIN__HARM_BETS + j, down);
    }
    for (size_t i = 0; i < TOCSIN__COUNT(labels_tail); i++) {
        double beyond[TOCSIN__CELLS];

        for (uint32_t l = 0; l < TOCSIN__CELLS; l++)
            beyond[l] = l >= labels_tail[i].level ? labels_tail[i].d : 0;
        labels_bet(bets, TOCSIN__STEPS + i, beyond);
    }
}

/* The least over all shares. */
static double labels_least(const double *log_odds, const double *gain, const double *candidate,
                           const double *all)
{
    double low = 0, high = 1, units = 0, candidates = 0, sum = 0, rho;

    for (size_t l = 0; l < TOCSIN__CELLS; l++) {
        candidates += candidate[l];
        units += all[l];
    }
    if (units <= 0)
        return 0;
    rho = tocsin__clamp(candidates / units, 1e-6, 1 - 1e-6);
    for (int i = 0; i < 100; i++) {
        double slope = 0, curvature = 0;

        for (size_t l = 0; l < TOCSIN__CELLS; l++) {
            const double pull = gain[l] / (1 + rho * gain[l]);

            slope -= all[l] * pull;
            curvature += all[l] * pull * pull;
        }
        if (slope > 0)
            high = rho;
        else
            low = rho;
        const double newton = curvature > 0 ? rho - slope / curvature : rho;
        const double next = newton > low && newton < high ? newton : (low + high) / 2;
        const double moved = tocsin__abs(next - rho);
        rho = next;
        if (moved < 1e-9)
            break;
    }
    for (size_t l = 0; l < TOCSIN__CELLS; l++)
        if (all[l] > 0)
            sum += candidate[l] * log_odds[l] - all[l] * tocsin__log1p(rho * gain[l]);
    return sum;
}

double tocsin__bet_log_e(const tocsin__bets *bets, size_t bet,
                         const double candidate[TOCSIN__CELL_LANES],
                         const double all[TOCSIN__CELL_LANES])
{
    const double *const log_odds = bets->log_odds[bet], *const stake = bets->stake[bet];
    double sum[4] = {0, 0, 0, 0};

    if (bets->share <= 0)
        return labels_least(log_odds, stake, candidate, all);
    for (size_t l = 0; l < TOCSIN__CELL_LANES; l += 4)
        for (size_t i = 0; i < 4; i++)
            sum[i] += candidate[l + i] * log_odds[l + i] - all[l + i] * stake[l + i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double tocsin__mix(const double *logs, const double *weights, size_t count)
{
    double largest = logs[0], sum = 0;

    for (size_t i = 1; i < count; i++)
        largest = tocsin__max(largest, logs[i]);
    for (size_t i = 0; i < count; i++)
        sum += weights[i] * tocsin__exp(logs[i] - largest);
    return largest + tocsin__log(sum);
}
