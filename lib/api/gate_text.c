/* gate_text.c - a gate's verdict as one sentence, for whoever releases.
 *
 * The sentence says the outcome, then what was measured and how sure it is, then what is
 * missing.  No stdio, so that no locale can get at the numbers.
 */
#include "../core/info.h"
#include "../core/units.h"
#include "../gate/gate.h"

const char *tocsin_outcome_name(uint32_t outcome)
{
    static const char *const names[] = {"no data", "undecided", "pass",
                                        "shift only", "fail", "invalid"};

    return outcome < TOCSIN__COUNT(names) ? names[outcome] : "unknown";
}

/* "+9.1 %" */
static void gate_text_change(tocsin__text *text, double change)
{
    if (change > 0)
        tocsin__text_add(text, "+");
    tocsin__text_add_number(text, 100 * change, 3);
    tocsin__text_add(text, " %");
}

static void gate_text_name(tocsin__text *text, const tocsin__metric *metric)
{
    tocsin__text_add(text, "'");
    tocsin__text_add(text, metric->name);
    tocsin__text_add(text, "'");
}

static const char *gate_text_units(const tocsin_gate_spec *spec, const tocsin__metric *metric)
{
    static const char *const units[] = {"requests", "sessions", "pods"};

    if (metric->kind == TOCSIN_METRIC_GAUGE && !metric->is_pods)
        return "blocks";
    return metric->kind == TOCSIN_METRIC_COUNT ? "events" : units[spec->unit];
}

/* "measured +9.1 % (between +4 % and +20 %)" */
static void gate_text_effect(tocsin__text *text, const tocsin_gate_verdict *verdict)
{
    if (tocsin__is_nan(verdict->effect))
        return;
    tocsin__text_add(text, "; measured ");
    gate_text_change(text, verdict->effect);
    if (verdict->effect_low > -1 && verdict->effect_high <= DBL_MAX) {
        tocsin__text_add(text, " (between ");
        gate_text_change(text, verdict->effect_low);
        tocsin__text_add(text, " and ");
        gate_text_change(text, verdict->effect_high);
        tocsin__text_add(text, ")");
    } else if (verdict->effect_low > -1) {
        tocsin__text_add(text, " (at least ");
        gate_text_change(text, verdict->effect_low);
        tocsin__text_add(text, ")");
    } else if (verdict->effect_high <= DBL_MAX) {
        tocsin__text_add(text, " (at most ");
        gate_text_change(text, verdict->effect_high);
        tocsin__text_add(text, ")");
    }
}

static void gate_text_counts(tocsin__text *text, const tocsin_gate_spec *spec,
                             const tocsin__metric *metric, const tocsin_gate_verdict *verdict)
{
    tocsin__text_add(text, "; ");
    tocsin__text_add_integer(text, (int64_t)verdict->candidate_units);
    tocsin__text_add(text, " ");
    tocsin__text_add(text, gate_text_units(spec, metric));
    tocsin__text_add(text, " of the candidate, ");
    tocsin__text_add_integer(text, (int64_t)verdict->baseline_units);
    tocsin__text_add(text, " of the baseline");
}

static void gate_text_needed(tocsin__text *text, const tocsin_gate_spec *spec,
                             const tocsin__metric *metric, const tocsin_gate_verdict *verdict)
{
    if (verdict->flags & TOCSIN_GATE_FEW_PODS)
        tocsin__text_add(text, "; so few pods can never tell, it takes ");
    else if (verdict->needed != UINT64_MAX && verdict->needed > 0)
        tocsin__text_add(text, "; if it goes on like this, it takes ");
    else
        return;
    tocsin__text_add_integer(text, (int64_t)verdict->needed);
    tocsin__text_add(text, " more ");
    tocsin__text_add(text, gate_text_units(spec, metric));
}

static void gate_text_write(tocsin__text *text, const tocsin_gate *gate,
                            const tocsin_gate_verdict *verdict)
{
    const tocsin_gate_spec *const spec = gate->spec;
    const tocsin__metric *const metric = &spec->metrics[verdict->metric];
    const char *const worse = metric->worse > 0 ? "higher" : "lower";
    const int bets_on_tails = !metric->is_pods && (metric->kind == TOCSIN_METRIC_LATENCY ||
                                                   metric->kind == TOCSIN_METRIC_HISTOGRAM);

    tocsin__text_add(text, tocsin_outcome_name(verdict->outcome));
    tocsin__text_add(text, ": ");
    switch (verdict->outcome) {
    case TOCSIN_OUTCOME_FAIL:
        gate_text_name(text, metric);
        tocsin__text_add(text, " is ");
        tocsin__text_add(text, worse);
        tocsin__text_add(text, bets_on_tails ? " or its tail worse" : "");
        tocsin__text_add(text, " in the candidate, p = ");
        tocsin__text_add_number(text, verdict->p, 2);
        if (verdict->blamed > 1) {
            tocsin__text_add(text, ", one of ");
            tocsin__text_add_integer(text, verdict->blamed);
            tocsin__text_add(text, " metrics to blame");
        }
        gate_text_effect(text, verdict);
        break;
    case TOCSIN_OUTCOME_PASS:
    case TOCSIN_OUTCOME_SHIFT_ONLY:
        tocsin__text_add(text, verdict->metrics > 1 ? "no metric is" : "it is not");
        tocsin__text_add(text, " worse by its margin or more");
        if (verdict->outcome == TOCSIN_OUTCOME_SHIFT_ONLY)
            tocsin__text_add(text, ", but a few much slower requests are not ruled out");
        tocsin__text_add(text, "; ");
        gate_text_name(text, metric);
        tocsin__text_add(text, " is less than ");
        tocsin__text_add_number(text, 100 * verdict->ruled_out, 3);
        tocsin__text_add(text, " % ");
        tocsin__text_add(text, worse);
        gate_text_effect(text, verdict);
        break;
    case TOCSIN_OUTCOME_INVALID:
        tocsin__text_add(text, "the units are not split between the arms as declared, so that "
                               "comparing them means nothing; see to the routing first");
        break;
    case TOCSIN_OUTCOME_NO_DATA:
        gate_text_name(text, metric);
        tocsin__text_add(text, verdict->baseline_units > 0    ? " has nothing from the candidate"
                               : verdict->candidate_units > 0 ? " has nothing from the baseline"
                                                              : " has no measurements");
        break;
    default:
        gate_text_name(text, metric);
        tocsin__text_add(text, " may be worse by its margin, or not");
        gate_text_effect(text, verdict);
        gate_text_needed(text, spec, metric, verdict);
        break;
    }
    gate_text_counts(text, spec, metric, verdict);
    if (verdict->flags & TOCSIN_GATE_BUDGET_SPENT)
        tocsin__text_add(text, "; the time is over");
    if (verdict->flags & TOCSIN_GATE_IGNORED)
        tocsin__text_add(text, "; too much of what came was no measurement");
    if (verdict->flags & TOCSIN_GATE_NOT_RANDOMISED)
        tocsin__text_add(text, "; not randomised: whatever else changed in between is in it");
    tocsin__text_add(text, ".");
}

int tocsin_gate_text(const tocsin_gate *gate, const tocsin_gate_verdict *verdict, char *text,
                     size_t size, size_t *needed)
{
    tocsin__text written;

    if (!gate || !verdict || !tocsin__info_fits(verdict, sizeof *verdict) ||
        verdict->metric >= gate->spec->metric_count || (!text && size > 0))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__text_start(&written, NULL, 0);
    gate_text_write(&written, gate, verdict);
    if (needed)
        *needed = written.length + 1;
    if (written.length + 1 > size)
        return TOCSIN_ERROR_SPACE;
    tocsin__text_start(&written, text, size);
    gate_text_write(&written, gate, verdict);
    return TOCSIN_OK;
}
