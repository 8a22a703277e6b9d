/* gate_report.c - the gate's page: the verdict in one sentence, the evidence as it grew, and what each
 * metric's quantiles did.  gate.html is the page; here its data are written.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_file.h"
#include "cli_page.h"
#include "cli_writer.h"
#include "gate_result.h"

#define REPORT_LEVELS 64

static void report_add_list(cli_buffer *out, const char *name, const double *values, size_t count)
{
    char text[CLI_NUMBER_TEXT];

    cli_buffer_print(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]))
            snprintf(text, sizeof text, "%.5g", values[i]);
        cli_buffer_print(out, "%s%s", i ? "," : "", isfinite(values[i]) ? text : "null");
    }
    cli_buffer_print(out, "]");
}

static void report_add_levels(cli_buffer *out, const gate_result *result, uint32_t metric)
{
    tocsin_gate_level levels[REPORT_LEVELS];
    size_t count = 0;

    cli_buffer_print(out, ",\"levels\":[");
    if (tocsin_gate_levels(result->gate, metric, levels, REPORT_LEVELS, &count) == TOCSIN_OK)
        for (size_t i = 0; i < count; i++) {
            cli_buffer_print(out, "%s{\"q\":%.6g", i ? "," : "", levels[i].quantile);
            gate_add_number(out, "value", levels[i].value);
            gate_add_number(out, "b", levels[i].baseline);
            gate_add_number(out, "bl", levels[i].baseline_low);
            gate_add_number(out, "bh", levels[i].baseline_high);
            gate_add_number(out, "c", levels[i].candidate);
            gate_add_number(out, "cl", levels[i].candidate_low);
            gate_add_number(out, "ch", levels[i].candidate_high);
            cli_buffer_print(out, "}");
        }
    cli_buffer_print(out, "]");
}

static void report_add_data(cli_buffer *out, const gate_result *result)
{
    cli_buffer_print(out, "{\"version\":\"%s\",\"input\":", tocsin_version_string());
    cli_add_json(out, cli_text_of(result->input));
    cli_buffer_print(out, ",\"verdict\":");
    gate_add_json(out, result);
    cli_buffer_print(out, ",\"rows\":[");
    for (size_t i = 0; i < result->look_count; i++)
        cli_buffer_print(out, "%s%" PRIu64, i ? "," : "", result->looks[i].rows);
    cli_buffer_print(out, "],\"times\":[");
    for (size_t i = 0; i < result->look_count; i++) {
        if (result->looks[i].time == TOCSIN_TIME_NONE)
            cli_buffer_print(out, "%snull", i ? "," : "");
        else
            cli_buffer_print(out, "%s%.3f", i ? "," : "", (double)result->looks[i].time / 1e9);
    }
    cli_buffer_print(out, "],\"traces\":[");
    for (uint32_t m = 0; m < result->metric_count; m++) {
        cli_buffer_print(out, "%s{\"name\":", m ? "," : "");
        cli_add_json(out, cli_text_of(result->metrics[m].name));
        report_add_list(out, "fail", result->metrics[m].log_e, result->look_count);
        report_add_list(out, "pass", result->metrics[m].log_e_pass, result->look_count);
        report_add_levels(out, result, m);
        cli_buffer_print(out, "}");
    }
    cli_buffer_print(out, "]}");
}

void gate_write_report(const gate_result *result, const char *path)
{
    cli_buffer out = {NULL, 0, 0};
    cli_file file;

    if (cli_page_chart_size == 0)
        cli_note("%s: this tocsin was built without uPlot (npm could not fetch it), so the charts "
                 "are plain pictures",
                 path);
    report_add_data(&out, result);
    cli_file_begin(&file, path);
    fwrite(gate_page_head, 1, gate_page_head_size, file.stream);
    fwrite(out.at, 1, out.length, file.stream);
    fwrite(gate_page_tail, 1, gate_page_tail_size, file.stream);
    cli_file_commit(&file);
    cli_buffer_free(&out);
}
