/* self_check_api.c - does the alarm keep its promise here?
 *
 * A budget is a rate that a series in order may ring at.  Beside it stands what was observed: alarms
 * over the time that was watched, and the interval in which the true rate lies with 95 %
 * confidence if alarms come independently (num/poisson.c).  A promise that lies outside of it was
 * not kept, or something has been wrong.
 */
#include "../bank/bank.h"
#include "../core/info.h"
#include "../num/poisson.h"
#include "detector_handle.h"

/* What alarms and promise say together. */
static int self_check_find(tocsin_self_check *check)
{
    check->ratio = check->lower = check->upper = tocsin__nan();
    check->finding = TOCSIN_RATE_UNKNOWN;
    if (!(check->promised > 0))
        return TOCSIN_INFO_IGNORED;
    tocsin__poisson_interval(check->alarms, &check->lower, &check->upper);
    check->ratio = (double)check->alarms / check->promised;
    check->lower /= check->promised;
    check->upper /= check->promised;
    check->finding = check->lower > 1   ? TOCSIN_RATE_ABOVE
                     : check->upper < 1 ? TOCSIN_RATE_BELOW
                                        : TOCSIN_RATE_KEPT;
    return TOCSIN_OK;
}

static int self_check_watched(const tocsin_spec *spec, uint64_t alarms, double watched,
                              tocsin_self_check *check)
{
    tocsin__info_clear(check, sizeof *check);
    if (!spec->alarm || spec->context.tier_count == 0)
        return TOCSIN_ERROR_UNSUPPORTED;
    check->alarms = alarms;
    check->watched = watched;
    check->promised = watched / ((double)spec->context.period[0] * 1e-9);
    return self_check_find(check);
}

int tocsin_self_check_add(tocsin_self_check *sum, const tocsin_self_check *check)
{
    if (!sum || !check || !tocsin__info_fits(sum, sizeof *sum) ||
        !tocsin__info_fits(check, sizeof *check))
        return TOCSIN_ERROR_ARGUMENT;
    sum->alarms += check->alarms;
    sum->watched += check->watched;
    sum->promised += check->promised;
    return self_check_find(sum);
}

int tocsin_detector_self_check(const tocsin_detector *detector, tocsin_self_check *check)
{
    if (!detector || !check || !tocsin__info_fits(check, sizeof *check))
        return TOCSIN_ERROR_ARGUMENT;

    tocsin_explanation explanation;

    explanation.struct_size = sizeof explanation;
    tocsin_detector_explain(detector, &explanation);
    return self_check_watched(detector->spec, explanation.alarms,
                              tocsin__is_nan(explanation.history) ? 0 : explanation.history,
                              check);
}

/* The mean step of the series, seconds. */
static double self_check_step(const tocsin_bank *bank)
{
    double sum = 0, series = 0;

    if (tocsin__bank_is_shared(bank))
        return bank->clock.step * 1e-9;
    for (uint32_t slot = 0; slot < bank->slots; slot++) {
        if (!tocsin__bank_has(bank, slot))
            continue;

        const tocsin__clock_state *clock =
            tocsin__const_state_of(bank->spec->clock,
                                   tocsin__tile_row(&bank->format, tocsin__bank_tile(bank, slot),
                                                    slot % TOCSIN_BANK_TILE));

        if (clock->points < 2)
            continue;
        sum += clock->step * 1e-9;
        series++;
    }
    return series > 0 ? sum / series : 0;
}

int tocsin_bank_self_check(const tocsin_bank *bank, tocsin_self_check *check)
{
    if (!bank || !check || !tocsin__info_fits(check, sizeof *check))
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    const tocsin_bank_counts *total = &bank->total;

    return self_check_watched(bank->spec, total->started - total->absences,
                              (double)(total->points - total->missing) * self_check_step(bank),
                              check);
}
