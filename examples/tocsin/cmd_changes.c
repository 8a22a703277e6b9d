/* cmd_changes.c - `tocsin changes`: where a history's level moved for good, series by series. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_histories.h"
#include "cli_writer.h"

typedef struct changes_run {
    cli_histories histories;
    const cli_options *options;
    uint64_t changed, changes, judged;
} changes_run;

/* Relative to the level before, in percent; a plain number where that is 0. */
static void changes_add_effect(cli_buffer *line, const tocsin_change *c)
{
    const double unit = c->before != 0 ? fabs(c->before) / 100 : 1;

    cli_buffer_print(line, "%+.3g%s (%+.3g .. %+.3g)", c->shift / unit, c->before != 0 ? " %" : "",
                     c->shift_lower / unit, c->shift_upper / unit);
}

static void changes_print_row(const char *name, const char *time, const tocsin_change *c)
{
    cli_buffer line = {NULL, 0, 0};

    if (time[0])
        cli_buffer_print(&line, "%-20s  ", time);
    cli_buffer_print(&line, "%-24s value %-6" PRIu64 " %.6g -> %.6g  ", name, c->index + 1,
                     c->before, c->after);
    changes_add_effect(&line, c);
    cli_buffer_print(&line, "  p %.3g", c->p);
    puts(line.at);
    cli_buffer_free(&line);
}

static void changes_add_number(cli_buffer *out, const char *name, double value)
{
    char text[CLI_NUMBER_TEXT];

    if (isfinite(value))
        cli_format_number(value, text);
    cli_buffer_print(out, ",\"%s\":%s", name, isfinite(value) ? text : "null");
}

static void changes_print_object(const char *name, const char *time, const tocsin_change *c)
{
    cli_buffer out = {NULL, 0, 0};

    cli_buffer_print(&out, "{\"series\":");
    cli_add_json(&out, cli_text_of(name));
    cli_buffer_print(&out, ",\"index\":%" PRIu64 ",\"time\":", c->index);
    if (time[0])
        cli_add_json(&out, cli_text_of(time));
    else
        cli_buffer_print(&out, "null");
    cli_buffer_print(&out, ",\"from\":%" PRIu64 ",\"to\":%" PRIu64, c->from, c->to);
    changes_add_number(&out, "p", c->p);
    changes_add_number(&out, "before", c->before);
    changes_add_number(&out, "after", c->after);
    changes_add_number(&out, "shift", c->shift);
    changes_add_number(&out, "shift_lower", c->shift_lower);
    changes_add_number(&out, "shift_upper", c->shift_upper);
    changes_add_number(&out, "effect", c->effect);
    changes_add_number(&out, "autocorrelation", c->autocorrelation);
    cli_buffer_print(&out, "}");
    puts(out.at);
    cli_buffer_free(&out);
}

static void changes_judge(changes_run *run, const cli_series *series)
{
    const cli_history *history = &run->histories.series[series->number];
    const tocsin_changes_options *options = &run->options->changes;
    const uint32_t segment = options->min_segment ? options->min_segment : 5;
    tocsin_change *changes = cli_alloc((history->count / 2 + 1) * sizeof *changes);
    uint64_t count = 0, finite = 0;

    for (size_t i = 0; i < history->count; i++)
        finite += isfinite(history->values[i]) != 0;
    run->judged += finite >= 2 * (uint64_t)segment;
    if (tocsin_changes_find(changes, sizeof *changes, history->count / 2 + 1, &count,
                            history->values, history->count, options, NULL) != TOCSIN_OK)
        cli_die(CLI_BAD_INPUT, "out of memory");
    run->changes += count;
    run->changed += count > 0;
    for (uint64_t i = 0; i < count; i++) {
        const char *time = history->times[changes[i].index];

        if (run->options->output == CLI_OUTPUT_JSON)
            changes_print_object(series->name, time, &changes[i]);
        else
            changes_print_row(series->name, time, &changes[i]);
    }
    free(changes);
}

static int changes_exit_code(const changes_run *run)
{
    if (run->histories.feed.rows == 0)
        return CLI_NO_DATA;
    if (run->changes > 0)
        return CLI_FOUND;
    return run->judged > 0 ? CLI_GOOD : CLI_UNDECIDED;
}

int cmd_changes(const cli_options *options)
{
    changes_run run;

    memset(&run, 0, sizeof run);
    run.options = options;
    cli_histories_read(&run.histories, options, TOCSIN_CHANGES_VALUES_MAX);

    const size_t count = run.histories.count;

    for (size_t i = 0; i < count; i++)
        changes_judge(&run, run.histories.feed.series[i]);
    if (run.histories.feed.rows == 0)
        cli_note("no data: the input holds no points");
    else if (options->output == CLI_OUTPUT_TABLE)
        printf("%" PRIu64 " of %zu series changed, %" PRIu64 " change%s%s\n", run.changed, count,
               run.changes, run.changes == 1 ? "" : "s",
               run.judged > 0 ? "" : "; too few values to tell");

    const int code = changes_exit_code(&run);

    cli_histories_free(&run.histories);
    return code;
}
