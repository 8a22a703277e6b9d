/* histories.c - one run among many: does this build look like the good ones before it?
 *
 * Model.  Runs that are exchangeable: a good new run is as likely to be at any place among the
 * good ones as at any other.  For each metric, a run's rank p is how large a part of all runs,
 * itself included, is at least as far out in the direction that is worse (either: twice the
 * smaller one).  A run's strangeness is its smallest rank over the metrics; of runs that are the
 * farthest out of all, each in another metric or direction, the one is stranger that is more of the
 * metric's standard deviations from its mean: less than half a rank is taken off for it, so it never
 * counts for more than the ranks do.  The combined p is how
 * large a part of all runs, the new one included, is at least as strange - all judged alike, each
 * within all n + 1, so that it is uniform if the runs are exchangeable, whatever the metrics'
 * laws and dependence.
 *
 * Reference.  Vovk, Gammerman & Shafer, "Algorithmic learning in a random world" (2005).
 *
 * Cost.  The square of the number of runs, for each metric.
 *
 * How it fails.  A history of n runs cannot say less than 1 / (n + 1): for alpha = 1 % it takes
 * 99 runs, and with fewer it says so.  Runs that drift, a suite that grows, are not exchangeable;
 * give it what is recent.
 */
#include "histories.h"

#include "../num/mathx.h"

/* The value of run `i`; the new one comes after the history. */
static double histories_value(const tocsin__history *history, size_t i, size_t metric)
{
    return i < history->runs ? history->values[i * history->metrics + metric]
                             : history->run[metric];
}

/* The strangeness of one run in one metric, and its rank; 1 where it has no value. */
static double histories_strangeness(const tocsin__history *history, size_t i, size_t metric,
                                    double *rank)
{
    const double own = histories_value(history, i, metric);
    const int worse = history->worse ? history->worse[metric] : 0;
    double above = 0, below = 0, all = 0, sum = 0, squares = 0, offset, variance, deviations;

    *rank = 1;
    if (tocsin__is_nan(own))
        return 1;
    for (size_t other = 0; other <= history->runs; other++) {
        const double value = histories_value(history, other, metric);

        if (tocsin__is_nan(value))
            continue;
        above += value >= own;
        below += value <= own;
        sum += value - own;
        squares += (value - own) * (value - own);
        all++;
    }
    *rank = worse > 0 ? above / all
            : worse < 0 ? below / all
                        : tocsin__min(1, 2 * tocsin__min(above, below) / all);
    offset = sum / all;
    variance = squares / all - offset * offset;
    if (!(variance > 0) || !tocsin__is_finite(variance))
        return *rank;
    deviations = tocsin__abs(offset) / tocsin__sqrt(variance);
    return *rank - 0.5 * deviations / (1 + deviations) / (double)(history->runs + 1);
}

void tocsin__history_judge(const tocsin__history *history, double alpha, double *strangeness,
                           tocsin_history_verdict *verdict)
{
    const size_t last = history->runs;
    size_t with_values = 0, at_least = 0;
    int has_value = 0;

    verdict->metric_p = 1;
    for (size_t i = 0; i <= last; i++) {
        int is_there = 0;

        strangeness[i] = 1;
        for (size_t m = 0; m < history->metrics; m++) {
            double rank;
            const double strange = histories_strangeness(history, i, m, &rank);

            is_there |= !tocsin__is_nan(histories_value(history, i, m));
            if (strange >= strangeness[i])
                continue;
            strangeness[i] = strange;
            if (i == last) {
                verdict->metric_p = rank;
                verdict->metric = (uint32_t)m;
            }
        }
        if (i < last)
            with_values += (size_t)is_there;
        else
            has_value = is_there;
    }
    for (size_t i = 0; i <= last; i++)
        at_least += strangeness[i] <= strangeness[last];

    verdict->runs = (uint32_t)with_values;
    verdict->p = (double)at_least / (double)(last + 1);
    verdict->outcome = !has_value || with_values == 0   ? TOCSIN_OUTCOME_NO_DATA
                       : verdict->p <= alpha             ? TOCSIN_OUTCOME_FAIL
                       : 1 / (double)(with_values + 1) > alpha ? TOCSIN_OUTCOME_UNDECIDED
                                                                : TOCSIN_OUTCOME_PASS;
}
