/* gate_output.c - a gate's verdict as a table, as JSON and as JUnit's XML: see gate_result.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_writer.h"
#include "gate_result.h"

/* ---- Table ------------------------------------------------------------------- */

/* "+12.3 %", or what it is not. */
static const char *output_percent(double effect, char text[CLI_NUMBER_TEXT])
{
    if (!isfinite(effect))
        snprintf(text, CLI_NUMBER_TEXT, "?");
    else
        snprintf(text, CLI_NUMBER_TEXT, "%+.1f %%", 100 * effect);
    return text;
}

void gate_write_table(const gate_result *result)
{
    for (size_t m = 0; m < result->metric_count; m++) {
        const gate_metric_result *metric = &result->metrics[m];
        const tocsin_gate_verdict *v = &metric->verdict;
        char effect[CLI_NUMBER_TEXT], low[CLI_NUMBER_TEXT], high[CLI_NUMBER_TEXT];
        char baseline[CLI_NUMBER_TEXT], candidate[CLI_NUMBER_TEXT];

        printf("%-20s  %-10s %s  [%s, %s]  p %.2g  %s + %s%s\n", metric->name,
               tocsin_outcome_name(v->outcome), output_percent(v->effect, effect),
               v->effect_low > -1 ? output_percent(v->effect_low, low) : "?",
               output_percent(v->effect_high, high), v->p,
               cli_count_text(v->baseline_units, baseline),
               cli_count_text(v->candidate_units, candidate),
               metric->is_blamed ? "  <- to blame" : "");
    }
    puts(result->sentence);
}

/* ---- JSON -------------------------------------------------------------------- */

void gate_add_number(cli_buffer *out, const char *name, double value)
{
    char text[CLI_NUMBER_TEXT];

    if (isfinite(value))
        cli_format_number(value, text);
    cli_buffer_print(out, ",\"%s\":%s", name, isfinite(value) ? text : "null");
}

static void output_add_verdict(cli_buffer *out, const tocsin_gate_verdict *v, const char *sentence)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {
        {TOCSIN_GATE_NOT_RANDOMISED, "not randomised"}, {TOCSIN_GATE_TURNS, "round-robin"},
        {TOCSIN_GATE_BUDGET_SPENT, "budget spent"},     {TOCSIN_GATE_IGNORED, "ignored"},
        {TOCSIN_GATE_FULL, "full"},                     {TOCSIN_GATE_FEW_PODS, "few pods"},
        {TOCSIN_GATE_INTERPOLATED, "interpolated"},
    };
    int first = 1;

    cli_buffer_print(out, "\"outcome\":\"%s\",\"sentence\":", tocsin_outcome_name(v->outcome));
    cli_add_json(out, cli_text_of(sentence));
    cli_buffer_print(out, ",\"flags\":[");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (v->flags & flags[i].flag) {
            cli_buffer_print(out, "%s\"%s\"", first ? "" : ",", flags[i].name);
            first = 0;
        }
    cli_buffer_print(out, "]");
    gate_add_number(out, "log_e", v->log_e);
    gate_add_number(out, "p", v->p);
    gate_add_number(out, "log_e_pass", v->log_e_pass);
    gate_add_number(out, "effect", v->effect);
    gate_add_number(out, "effect_low", v->effect_low > -1 ? v->effect_low : -INFINITY);
    gate_add_number(out, "effect_high", v->effect_high);
    gate_add_number(out, "ruled_out", v->ruled_out);
    cli_buffer_print(out, ",\"baseline_units\":%" PRIu64 ",\"candidate_units\":%" PRIu64,
                     v->baseline_units, v->candidate_units);
    if (v->needed == UINT64_MAX)
        cli_buffer_print(out, ",\"needed\":null");
    else
        cli_buffer_print(out, ",\"needed\":%" PRIu64, v->needed);
}

void gate_add_json(cli_buffer *out, const gate_result *result)
{
    const tocsin_gate_verdict *v = &result->verdict;

    cli_buffer_print(out, "{");
    output_add_verdict(out, v, result->sentence);
    gate_add_number(out, "alpha", v->alpha);
    gate_add_number(out, "log_e_share", v->log_e_share);
    gate_add_number(out, "elapsed", (double)v->elapsed / 1e9);
    cli_buffer_print(out, ",\"exit_code\":%d,\"rows\":%" PRIu64 ",\"ignored\":%" PRIu64
                          ",\"deciding\":",
                     result->code, result->rows, result->ignored);
    cli_add_json(out, cli_text_of(v->metric < result->metric_count
                                      ? result->metrics[v->metric].name
                                      : ""));
    cli_buffer_print(out, ",\"gate\":");
    cli_add_json(out, cli_text_of(result->spec));
    cli_buffer_print(out, ",\"metrics\":[");
    for (size_t m = 0; m < result->metric_count; m++) {
        const gate_metric_result *metric = &result->metrics[m];

        cli_buffer_print(out, "%s{\"name\":", m ? "," : "");
        cli_add_json(out, cli_text_of(metric->name));
        cli_buffer_print(out, ",\"blamed\":%s,", metric->is_blamed ? "true" : "false");
        output_add_verdict(out, &metric->verdict, metric->sentence);
        cli_buffer_print(out, "}");
    }
    cli_buffer_print(out, "]}");
}

void gate_write_json(const gate_result *result)
{
    cli_buffer out = {NULL, 0, 0};

    gate_add_json(&out, result);
    puts(out.at);
    cli_buffer_free(&out);
}

/* ---- JUnit ------------------------------------------------------------------- */

/* Text for XML, inside and outside of attributes; control characters are not allowed at all. */
static void output_add_xml(cli_buffer *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            cli_buffer_print(out, "&lt;");
            break;
        case '>':
            cli_buffer_print(out, "&gt;");
            break;
        case '&':
            cli_buffer_print(out, "&amp;");
            break;
        case '"':
            cli_buffer_print(out, "&quot;");
            break;
        default:
            cli_buffer_add(out, (unsigned char)*text < 32 ? " " : text, 1);
        }
    }
}

static void output_add_case(cli_buffer *out, const char *name, const tocsin_gate_verdict *v,
                            const char *sentence)
{
    static const char *const elements[] = {
        [TOCSIN_OUTCOME_NO_DATA] = "error",      [TOCSIN_OUTCOME_UNDECIDED] = "skipped",
        [TOCSIN_OUTCOME_PASS] = NULL,            [TOCSIN_OUTCOME_SHIFT_ONLY] = "skipped",
        [TOCSIN_OUTCOME_FAIL] = "failure",       [TOCSIN_OUTCOME_INVALID] = "error",
    };
    const char *element = v->outcome <= TOCSIN_OUTCOME_INVALID ? elements[v->outcome] : "error";

    cli_buffer_print(out, "  <testcase classname=\"tocsin.gate\" name=\"");
    output_add_xml(out, name);
    if (!element) {
        cli_buffer_print(out, "\"><system-out>");
        output_add_xml(out, sentence);
        cli_buffer_print(out, "</system-out></testcase>\n");
        return;
    }
    cli_buffer_print(out, "\"><%s message=\"", element);
    output_add_xml(out, sentence);
    cli_buffer_print(out, "\"/></testcase>\n");
}

void gate_write_junit(const gate_result *result)
{
    size_t failures = 0, errors = 0, skipped = 0;
    cli_buffer out = {NULL, 0, 0};

    for (size_t m = 0; m <= result->metric_count; m++) {
        const uint32_t outcome = m < result->metric_count ? result->metrics[m].verdict.outcome
                                                          : result->verdict.outcome;

        failures += outcome == TOCSIN_OUTCOME_FAIL;
        errors += outcome == TOCSIN_OUTCOME_INVALID || outcome == TOCSIN_OUTCOME_NO_DATA;
        skipped += outcome == TOCSIN_OUTCOME_UNDECIDED || outcome == TOCSIN_OUTCOME_SHIFT_ONLY;
    }
    cli_buffer_print(&out,
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<testsuite name=\"tocsin gate\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
                     "skipped=\"%zu\">\n",
                     result->metric_count + 1, failures, errors, skipped);
    for (size_t m = 0; m < result->metric_count; m++)
        output_add_case(&out, result->metrics[m].name, &result->metrics[m].verdict,
                        result->metrics[m].sentence);
    output_add_case(&out, "release", &result->verdict, result->sentence);
    cli_buffer_print(&out, "</testsuite>");
    puts(out.at);
    cli_buffer_free(&out);
}
