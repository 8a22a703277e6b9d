/* catalog.c - the table of every stage there is.
 *
 * A stage lives in a file of its own and is one constant there; this is the only
 * place that lists them.  The order is that of the pipe, and within a rank that
 * of a reader's interest; it is what tocsin_catalog_stage() counts by, so a new
 * stage of a rank goes behind the others of it.
 */
#include "../core/words.h"
#include "stage.h"

const tocsin__stage *const tocsin__catalog[] = {
    &tocsin__stage_clock,
    &tocsin__stage_counter,
    &tocsin__stage_gaps,

    &tocsin__stage_ewma,
    &tocsin__stage_holt_winters,
    &tocsin__stage_focus,
    &tocsin__stage_spot,
    &tocsin__stage_hstrees,
    &tocsin__stage_rcforest,
    &tocsin__stage_iforest,
    &tocsin__stage_cusum,
    &tocsin__stage_page_hinkley,
    &tocsin__stage_auto,
    &tocsin__stage_robust,
    &tocsin__stage_counts,
    &tocsin__stage_season,
    &tocsin__stage_spectral,

    &tocsin__stage_tail,
    &tocsin__stage_raw,

    &tocsin__stage_alarm,
};

const size_t tocsin__catalog_count = TOCSIN__COUNT(tocsin__catalog);

const tocsin__stage *tocsin__find_stage(const char *name, size_t length)
{
    for (size_t i = 0; i < tocsin__catalog_count; i++)
        if (tocsin__word_is(name, length, tocsin__catalog[i]->name))
            return tocsin__catalog[i];
    return NULL;
}
