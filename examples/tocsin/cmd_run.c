/* cmd_run.c - `tocsin run`: is the last run of a job like the good ones before it?  Each series is a
 * metric, its last value the new run's, those before it the history; see tocsin_history_judge().
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_histories.h"
#include "cli_writer.h"

#define RUN_HISTORY_MAX 65535u
#define RUN_ALPHA 0.01

/* Side by side, as the library takes them: all runs, the new one last; and what is worse. */
typedef struct run_table {
    double *values;
    int8_t *worse;
    size_t runs, metrics;       /* runs before the new one */
    double alpha;
    tocsin_history_verdict verdict;
} run_table;

/* "up", or "tests=down": for all metrics or for one. */
static void run_read_worse(run_table *table, const cli_options *options,
                           const cli_histories *histories)
{
    static const char *const words[] = {"down", "either", "up", NULL};

    for (size_t i = 0; i < options->worse_count; i++) {
        const char *item = options->worse[i].at, *equals = strrchr(item, '=');
        const char *word = equals ? equals + 1 : item;
        int worse = 0, is_known = !equals;

        while (words[worse] && strcmp(words[worse], word) != 0)
            worse++;
        if (!words[worse])
            cli_die(CLI_USAGE, "--worse: '%s' is not one of up, down, either", word);
        for (size_t m = 0; m < table->metrics; m++) {
            const cli_text name = {item, equals ? (size_t)(equals - item) : 0};

            if (equals && !cli_text_is(name, histories->feed.series[m]->name))
                continue;
            table->worse[m] = (int8_t)(worse - 1);
            is_known = 1;
        }
        if (!is_known)
            cli_die(CLI_USAGE, "--worse: there is no metric '%.*s'", (int)(equals - item), item);
    }
}

static void run_fill(run_table *table, const cli_options *options, const cli_histories *histories)
{
    const size_t count = histories->series[0].count;

    table->metrics = histories->count;
    table->runs = count - 1;
    table->alpha = options->changes.alpha > 0 ? options->changes.alpha : RUN_ALPHA;
    if (table->metrics > TOCSIN_GATE_METRICS_MAX)
        cli_die(CLI_BAD_INPUT, "%zu metrics, and a run may have %d", table->metrics,
                TOCSIN_GATE_METRICS_MAX);
    table->values = cli_alloc(count * table->metrics * sizeof *table->values);
    table->worse = cli_alloc(table->metrics * sizeof *table->worse);
    memset(table->worse, 0, table->metrics * sizeof *table->worse);
    for (size_t m = 0; m < table->metrics; m++) {
        if (histories->series[m].count != count)
            cli_die(CLI_BAD_INPUT,
                    "%s: '%s' has %zu values and '%s' has %zu; each run has one of every metric, "
                    "'nan' where it is missing",
                    options->path, histories->feed.series[0]->name, count,
                    histories->feed.series[m]->name, histories->series[m].count);
        for (size_t i = 0; i < count; i++)
            table->values[i * table->metrics + m] = histories->series[m].values[i];
    }
    run_read_worse(table, options, histories);
}

static void run_print_object(const run_table *table, const char *name)
{
    cli_buffer out = {NULL, 0, 0};

    cli_buffer_print(&out, "{\"outcome\":\"%s\",\"p\":%.6g,\"alpha\":%.6g,\"runs\":%" PRIu32
                           ",\"metric\":", tocsin_outcome_name(table->verdict.outcome),
                     table->verdict.p, table->alpha, table->verdict.runs);
    cli_add_json(&out, cli_text_of(name));
    cli_buffer_print(&out, ",\"metric_p\":%.6g}", table->verdict.metric_p);
    puts(out.at);
    cli_buffer_free(&out);
}

static void run_print_sentence(const run_table *table, const char *name)
{
    const tocsin_history_verdict *verdict = &table->verdict;

    if (verdict->outcome == TOCSIN_OUTCOME_NO_DATA)
        puts("no data: the last run has no values, or there is none before it");
    else if (verdict->outcome == TOCSIN_OUTCOME_UNDECIDED)
        printf("undecided: %" PRIu32 " runs cannot tell at %g %%, it takes %.0f; '%s' is the "
               "strangest metric (p %.3g)\n",
               verdict->runs, 100 * table->alpha, ceil(1 / table->alpha) - 1, name,
               verdict->metric_p);
    else
        printf("%s: the last run is %s the %" PRIu32 " before it, p %.3g; '%s' is the strangest "
               "metric (p %.3g)\n",
               tocsin_outcome_name(verdict->outcome),
               verdict->outcome == TOCSIN_OUTCOME_FAIL ? "unlike" : "like", verdict->runs,
               verdict->p, name, verdict->metric_p);
}

static int run_exit_code(const run_table *table)
{
    switch (table->verdict.outcome) {
    case TOCSIN_OUTCOME_PASS:
        return CLI_GOOD;
    case TOCSIN_OUTCOME_FAIL:
        return CLI_FOUND;
    case TOCSIN_OUTCOME_NO_DATA:
        return CLI_NO_DATA;
    default:
        return CLI_UNDECIDED;
    }
}

static int run_judge(const cli_options *options, const cli_histories *histories)
{
    run_table table = {.verdict = {.struct_size = sizeof table.verdict}};

    run_fill(&table, options, histories);

    double *ranks = cli_alloc((table.runs + 1) * sizeof *ranks);

    if (tocsin_history_judge(table.values, table.runs, table.metrics,
                             table.values + table.runs * table.metrics, table.worse, table.alpha,
                             ranks, &table.verdict) != TOCSIN_OK)
        cli_die(CLI_BAD_INPUT, "the history cannot be judged");

    const char *name = histories->feed.series[table.verdict.metric]->name;

    if (options->output == CLI_OUTPUT_JSON)
        run_print_object(&table, name);
    else
        run_print_sentence(&table, name);
    free(ranks);
    free(table.values);
    free(table.worse);
    return run_exit_code(&table);
}

int cmd_run(const cli_options *options)
{
    cli_histories histories;
    int code = CLI_NO_DATA;

    cli_histories_read(&histories, options, RUN_HISTORY_MAX + 1u);
    if (histories.count == 0)
        cli_note("no data: the input holds no points");
    else
        code = run_judge(options, &histories);
    cli_histories_free(&histories);
    return code;
}
