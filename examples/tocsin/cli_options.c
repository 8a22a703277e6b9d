/* cli_options.c - the command line, with popt: see cli_options.h. */
#include "cli_options.h"

#include <popt.h>
#include <stdlib.h>
#include <string.h>

#include "cli_zone.h"
#include "tocsin.h"

/* What popt fills in before it is checked. */
typedef struct {
    char *input, *columns, *time_unit, *keys, *counter, *timezone, *max_series;
    char *format, *fail_on, *budgets;
    char *slack, **windows, **excluded;
    char *shift_only, *invalid;
    char *worse, *alpha, *min_effect, *min_segment, *permutations, *block, *seed;
} options_words;

/* What popt tells us of when it meets it. */
enum { OPTIONS_HELP = 1 };

static _Noreturn void options_wrong(const char *what, const char *word, const char *expected,
                                    const char *suggestion)
{
    if (suggestion)
        cli_die(CLI_USAGE, "%s: '%s' is not %s; did you mean '%s'?", what, word, expected,
                suggestion);
    cli_die(CLI_USAGE, "%s: '%s' is not %s", what, word, expected);
}

/* The index of a word among those accepted. */
static int options_choice(const char *option, const char *word, const char *const *words)
{
    cli_buffer expected = {NULL, 0, 0};

    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            cli_buffer_free(&expected);
            return i;
        }
        cli_buffer_print(&expected, "%s%s", i == 0 ? "one of " : ", ", words[i]);
    }
    options_wrong(option, word, expected.at, cli_closest(cli_text_of(word), words));
}

/* Split a list at its commas; "\," is a comma inside an item.  Items are NUL-terminated. */
static size_t options_list(const char *option, const char *list, cli_text *items, size_t capacity)
{
    size_t count = 0;
    char *at = cli_copy(cli_text_of(list));

    for (char *begin = at;; at++) {
        if (*at == '\\' && at[1] == ',') {
            memmove(at, at + 1, strlen(at));
            continue;
        }
        if (*at != ',' && *at != '\0')
            continue;
        if (at == begin)
            cli_die(CLI_USAGE, "%s: an empty name in '%s'", option, list);
        if (count == capacity)
            cli_die(CLI_USAGE, "%s: more than %zu names in '%s'", option, capacity, list);
        items[count++] = (cli_text){begin, (size_t)(at - begin)};
        if (*at == '\0')
            return count;
        *at = '\0';
        begin = at + 1;
    }
}

/* A whole number within bounds. */
static uint64_t options_whole(const char *option, const char *word, uint64_t least, uint64_t most)
{
    cli_number number;

    if (cli_parse_number(cli_text_of(word), &number) != CLI_NUMBER || !number.is_count ||
        number.count < least || number.count > most)
        cli_die(CLI_USAGE, "%s: '%s' is not a whole number from %llu to %llu", option, word,
                (unsigned long long)least, (unsigned long long)most);
    return number.count;
}

/* "5%" or "0.05", above 0 and at most `most`. */
static double options_fraction(const char *option, const char *word, double most)
{
    cli_text text = cli_text_trim(cli_text_of(word));
    const int is_percent = cli_text_ends_with(text, "%");
    cli_number number;

    text.length -= (size_t)is_percent;
    if (cli_parse_number(text, &number) != CLI_NUMBER ||
        !(number.value > 0 && number.value / (is_percent ? 100 : 1) <= most))
        cli_die(CLI_USAGE, "%s: '%s' is not a fraction above 0 and at most %g, such as 5%% or 0.05",
                option, word, most);
    return number.value / (is_percent ? 100 : 1);
}

/* One of the two times of "FROM..TO". */
static int64_t options_time(const char *option, const char *window, cli_text text,
                            cli_time_unit unit)
{
    int64_t time;

    if (cli_parse_time(cli_text_trim(text), unit, &time) != 1)
        options_wrong(option, window, "two timestamps such as "
                      "2026-03-01T02:00..2026-03-01T04:30", NULL);
    return time;
}

/* "FROM..TO", and the words behind its "=" if it has any. */
static cli_window options_window(const char *option, const char *word, cli_time_unit unit,
                                 const char **behind)
{
    const char *const dots = strstr(word, "..");
    const char *const equals = dots ? strchr(dots, '=') : NULL;

    if (!dots)
        options_wrong(option, word, "of the form FROM..TO", NULL);
    *behind = equals ? equals + 1 : NULL;

    const cli_text from = {word, (size_t)(dots - word)};
    const cli_text to = {dots + 2, equals ? (size_t)(equals - dots - 2) : strlen(dots + 2)};
    const cli_window window = {options_time(option, word, from, unit),
                               options_time(option, word, to, unit), 0, 0};

    if (window.end < window.begin)
        cli_die(CLI_USAGE, "%s: '%s' ends before it begins", option, word);
    return window;
}

static void options_add_window(cli_options *options, size_t *capacity, const char *option,
                               cli_window window)
{
    if (options->window_count == CLI_MAX_WINDOWS)
        cli_die(CLI_USAGE, "%s: more than %d times", option, CLI_MAX_WINDOWS);
    options->windows = cli_grow(options->windows, capacity, options->window_count + 1,
                                sizeof *options->windows);
    options->windows[options->window_count++] = window;
}

static void options_windows(cli_options *options, const options_words *words)
{
    static const char *const ways[] = {"mute+hold", "mute", "hold", "note", NULL};
    static const uint32_t marks[] = {TOCSIN_MARK_MUTE | TOCSIN_MARK_NO_LEARN, TOCSIN_MARK_MUTE,
                                     TOCSIN_MARK_NO_LEARN, 0};
    size_t capacity = 0;
    const char *way;

    for (char **word = words->windows; word && *word; word++) {
        cli_window window = options_window("--maintenance", *word, options->time_unit, &way);

        window.marks = marks[way ? options_choice("--maintenance", way, ways) : 0];
        options_add_window(options, &capacity, "--maintenance", window);
    }
    for (char **word = words->excluded; word && *word; word++) {
        cli_window window = options_window("--exclude", *word, options->time_unit, &way);

        if (way)
            options_wrong("--exclude", *word, "of the form FROM..TO", NULL);
        window.marks = TOCSIN_MARK_NO_LEARN;
        window.is_past = 1;
        options_add_window(options, &capacity, "--exclude", window);
    }
}

static void options_check_changes(tocsin_changes_options *changes, const options_words *words)
{
    changes->struct_size = sizeof *changes;
    if (words->alpha)
        changes->alpha = options_fraction("--alpha", words->alpha, 0.5);
    if (words->min_effect)
        changes->min_effect = options_fraction("--min-effect", words->min_effect, 1e6);
    if (words->min_segment)
        changes->min_segment =
            (uint32_t)options_whole("--min-segment", words->min_segment, 2, 65536);
    if (words->permutations)
        changes->permutations =
            (uint32_t)options_whole("--permutations", words->permutations, 99, 99999);
    if (words->block)
        changes->block = (uint32_t)options_whole("--block", words->block, 1, 65536);
    if (words->seed)
        changes->seed = options_whole("--seed", words->seed, 0, UINT64_MAX);
}

static void options_check_gate(cli_options *options, const options_words *words)
{
    static const char *const inputs[] = {"auto", "csv", "jsonl", "prometheus", NULL};
    static const char *const formats[] = {"table", "json", "junit", NULL};
    static const char *const ends[] = {"pass", "fail", "undecided", NULL};

    if (words->input)
        options->gate_format = (gate_format)options_choice("--input", words->input, inputs);
    if (words->format)
        options->gate_output = (gate_output)options_choice("--format", words->format, formats);
    options->shift_only = options->invalid = CLI_UNDECIDED;
    if (words->shift_only)
        options->shift_only = options_choice("--shift-only", words->shift_only, ends);
    if (words->invalid)
        options->invalid = 1 + options_choice("--invalid", words->invalid, ends + 1);
    while (options->metrics && options->metrics[options->metric_count])
        options->metric_count++;
    if (!options->gate || options->metric_count == 0)
        cli_die(CLI_USAGE, "--gate and at least one --metric were expected, such as --gate "
                           "'unit=request share=50%%' --metric 'latency margin=10%%'");
}

static void options_check(cli_options *options, const options_words *words)
{
    static const char *const inputs[] = {"auto", "csv", "jsonl", "openmetrics", "influx", NULL};
    static const char *const units[] = {"auto", "s", "ms", "us", "ns", NULL};
    static const char *const counters[] = {"auto", "always", "never", NULL};
    static const char *const formats[] = {"table", "csv", "json", "influx", NULL};
    static const char *const short_formats[] = {"table", "json", NULL};
    static const char *const events[] = {"alarm", "never", NULL};

    if (words->time_unit)
        options->time_unit =
            (cli_time_unit)options_choice("--time-unit", words->time_unit, units);
    if (options->command == CLI_GATE) {
        options_check_gate(options, words);
        return;
    }
    if (words->input)
        options->input = (cli_input)options_choice("--input", words->input, inputs);
    if (words->counter)
        options->counter =
            (cli_counter_rule)options_choice("--counter", words->counter, counters);
    if (words->format && options->command == CLI_DETECT)
        options->output = (cli_output)options_choice("--format", words->format, formats);
    else if (words->format && options_choice("--format", words->format, short_formats))
        options->output = CLI_OUTPUT_JSON;
    if (words->fail_on)
        options->fail_on_alarm = !options_choice("--fail-on", words->fail_on, events);
    if (words->keys)
        options->key_count = options_list("--key", words->keys, options->keys, CLI_MAX_KEYS);
    if (words->columns)
        options->column_count =
            options_list("--column", words->columns, options->columns, CLI_MAX_COLUMNS);
    if (options->column_count > 1 &&
        (options->command == CLI_CHANGES || options->command == CLI_RUN))
        cli_die(CLI_USAGE, "--column: a history is of one column; '%s' names %zu", words->columns,
                options->column_count);
    while (options->specs && options->specs[options->spec_count])
        options->spec_count++;
    options->spec = options->spec_count > 0 ? options->specs[0] : "";
    if (options->spec_count > 1 && options->command != CLI_BACKTEST)
        cli_die(CLI_USAGE, "--spec: one at a time, but '%s' follows '%s'; backtest compares several",
                options->specs[1], options->specs[0]);
    if (words->budgets)
        options->budget_count =
            options_list("--budget", words->budgets, options->budgets, CLI_MAX_BUDGETS);
    if (words->worse)
        options->worse_count =
            options_list("--worse", words->worse, options->worse, CLI_MAX_WORSE);
    if (words->slack && !cli_parse_duration(cli_text_of(words->slack), &options->slack))
        options_wrong("--slack", words->slack, "a duration such as 30s or 5m", NULL);
    options_windows(options, words);
    if (words->timezone)
        options->timezone = cli_zone_rule(words->timezone);
    if (words->max_series)
        options->max_series =
            (size_t)options_whole("--max-series", words->max_series, 1, 100000000);
    options_check_changes(&options->changes, words);
}

static void options_free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static void options_free_words(options_words *words)
{
    free(words->input);
    free(words->columns);
    free(words->time_unit);
    free(words->keys);
    free(words->counter);
    free(words->timezone);
    free(words->max_series);
    options_free_list(words->windows);
    options_free_list(words->excluded);
    free(words->format);
    free(words->fail_on);
    free(words->budgets);
    free(words->slack);
    free(words->shift_only);
    free(words->invalid);
    free(words->worse);
    free(words->alpha);
    free(words->min_effect);
    free(words->min_segment);
    free(words->permutations);
    free(words->block);
    free(words->seed);
}

void cli_options_read(cli_options *options, cli_command command, int count, const char **arguments)
{
    options_words words = {0};

    memset(options, 0, sizeof *options);
    options->command = command;
    options->max_series = 100000;

    /* Histories have none of these: theirs begins with the row behind them. */
    enum { SPEC_ROWS = 4 };
    const struct poptOption input_table[] = {
        {"maintenance", 'm', POPT_ARG_ARGV, &words.windows, 0,
         "nothing rings and nothing is learnt between these times; =mute: it is learnt, =hold: it "
         "rings, =note: both, and explain tells of it; as often as needed",
         "FROM..TO[=WAY]"},
        {"exclude", 'x', POPT_ARG_ARGV, &words.excluded, 0,
         "nothing is learnt between these times, and the limits of a --state forget what was; as "
         "often as needed",
         "FROM..TO"},
        {"spec", 's', POPT_ARG_ARGV, &options->specs, 0,
         "what to do with each series (default: auto | tail | alarm); backtest: as often as there "
         "are specs to compare",
         "SPEC"},
        {"timezone", 'z', POPT_ARG_STRING, &words.timezone, 0,
         "whose clocks days and weeks go by: a zone such as Europe/Berlin, local, or a rule as "
         "POSIX has it in TZ (default: UTC)",
         "ZONE"},
        {"input", 'i', POPT_ARG_STRING, &words.input, 0,
         "format of the input: csv, jsonl, openmetrics, influx (default: told by its content)",
         "FORMAT"},
        {"column", 'c', POPT_ARG_STRING, &words.columns, 0,
         "the value's column, field or metric (default: value, or the only numeric one); several "
         "columns or fields make rows, for a detector that takes them",
         "NAME,..."},
        {"time", 't', POPT_ARG_STRING, &options->time, 0,
         "the timestamp's column or field (default: timestamp, time, ts, date ...)", "NAME"},
        {"time-unit", 0, POPT_ARG_STRING, &words.time_unit, 0,
         "what a bare number counts: s, ms, us, ns (default: told by its size)", "UNIT"},
        {"key", 'k', POPT_ARG_STRING, &words.keys, 0,
         "columns, fields, labels or tags that tell one series from another", "NAME,..."},
        {"counter", 0, POPT_ARG_STRING, &words.counter, 0,
         "which series are counters, to be turned into rates: auto (by TYPE or a name that ends "
         "in _total), always, never",
         "RULE"},
        {"max-series", 0, POPT_ARG_STRING, &words.max_series, 0,
         "watch at most so many series and ignore later ones (default: 100000)", "N"},
        POPT_TABLEEND};
    const struct poptOption detect_table[] = {
        {"format", 'f', POPT_ARG_STRING, &words.format, 0,
         "table: alarms and a summary; csv, json, influx: a line per input row", "FORMAT"},
        {"no-header", 0, POPT_ARG_NONE, &options->no_header, 0, "csv without its header line",
         NULL},
        {"state", 'S', POPT_ARG_STRING, &options->state, 0,
         "go on from this file if it exists, and save to it at the end", "FILE"},
        {"take-over", 0, POPT_ARG_NONE, &options->take_state_over, 0,
         "take a state over although parameters that do not shape it (a budget, say) differ", NULL},
        {"report", 'r', POPT_ARG_STRING, &options->report, 0,
         "write one self-contained HTML page with charts and alarms", "FILE.html"},
        {"fail-on", 0, POPT_ARG_STRING, &words.fail_on, 0,
         "alarm: exit with 1 if an alarm was on, with 2 if none could have been", "EVENT"},
        POPT_TABLEEND};
    const struct poptOption backtest_table[] = {
        {"format", 'f', POPT_ARG_STRING, &words.format, 0, "table or json", "FORMAT"},
        {"budget", 'b', POPT_ARG_STRING, &words.budgets, 0,
         "the budgets to try (default: 1/day,1/4d,1/week,1/month)", "RATE,..."},
        {"labels", 'l', POPT_ARG_STRING, &options->labels, 0,
         "known incidents: CSV with the columns incident,start,end[,series]", "FILE"},
        {"label", 0, POPT_ARG_STRING, &options->label, 0,
         "column that is 1 during an incident (default: label, anomaly, is_anomaly)", "NAME"},
        {"slack", 0, POPT_ARG_STRING, &words.slack, 0,
         "an alarm so long after an incident's end still counts as finding it (default: 0)",
         "DURATION"},
        POPT_TABLEEND};
    const struct poptOption catalog_table[] = {
        {"format", 'f', POPT_ARG_STRING, &words.format, 0, "table or json", "FORMAT"},
        POPT_TABLEEND};
    const struct poptOption changes_table[] = {
        {"format", 'f', POPT_ARG_STRING, &words.format, 0,
         "table or json, an object per change", "FORMAT"},
        {"alpha", 'a', POPT_ARG_STRING, &words.alpha, 0,
         "chance of a change where there is none (default: 5%)", "FRACTION"},
        {"min-effect", 0, POPT_ARG_STRING, &words.min_effect, 0,
         "leave out changes by less than this, such as 2% (default: none)", "FRACTION"},
        {"min-segment", 0, POPT_ARG_STRING, &words.min_segment, 0,
         "values that make a level (default: 5)", "N"},
        {"permutations", 0, POPT_ARG_STRING, &words.permutations, 0,
         "permutations of the test (default: 999)", "N"},
        {"block", 0, POPT_ARG_STRING, &words.block, 0,
         "values that are permuted together; 1: they are independent (default: as the history's "
         "autocorrelation asks)",
         "N"},
        {"seed", 0, POPT_ARG_STRING, &words.seed, 0, "of the permutations (default: 0)", "N"},
        POPT_TABLEEND};
    const struct poptOption run_table[] = {
        {"format", 'f', POPT_ARG_STRING, &words.format, 0, "table or json", "FORMAT"},
        {"alpha", 'a', POPT_ARG_STRING, &words.alpha, 0,
         "chance of failing a good run (default: 1%)", "FRACTION"},
        {"worse", 'w', POPT_ARG_STRING, &words.worse, 0,
         "up, down or either, the default, for all metrics, or for one: 'up,tests=down'",
         "WORD,..."},
        POPT_TABLEEND};
    const struct poptOption gate_table[] = {
        {"gate", 'g', POPT_ARG_STRING, &options->gate, 0,
         "unit=, share=, alpha= and what else tocsin/gate.h tells of: 'unit=request share=50%'",
         "SPEC"},
        {"metric", 'm', POPT_ARG_ARGV, &options->metrics, 0,
         "a metric; as often as there are metrics: 'latency name=checkout worse=up margin=10%'",
         "SPEC"},
        {"input", 'i', POPT_ARG_STRING, &words.input, 0,
         "format of the input: csv, jsonl, prometheus (default: told by its content)", "FORMAT"},
        {"time-unit", 0, POPT_ARG_STRING, &words.time_unit, 0,
         "what a bare number counts: s, ms, us, ns (default: told by its size)", "UNIT"},
        {"any-name", 0, POPT_ARG_NONE, &options->metric_any, 0,
         "with one metric: take every row for it, whatever its name", NULL},
        {"follow", 'F', POPT_ARG_NONE, &options->follow, 0,
         "judge while rows come, wait for more of a file, and stop at the first decision", NULL},
        {"format", 'f', POPT_ARG_STRING, &words.format, 0, "table, json or junit", "FORMAT"},
        {"report", 'r', POPT_ARG_STRING, &options->report, 0,
         "write one self-contained HTML page with the verdict and its evidence", "FILE.html"},
        {"shift-only", 0, POPT_ARG_STRING, &words.shift_only, 0,
         "what 'shift only' ends as: pass, fail, undecided (default: undecided)", "END"},
        {"invalid", 0, POPT_ARG_STRING, &words.invalid, 0,
         "what 'invalid' ends as: fail, undecided (default: undecided)", "END"},
        {"plan", 0, POPT_ARG_STRING, &options->plan, 0,
         "no input: tell how long a decision will take; 'rps=200 share=50% effect=10%', and sigma= "
         "(latencies' deviation in logarithms: 1), errors= (their rate: 0.1%)",
         "WORDS"},
        POPT_TABLEEND};
    const struct poptOption help_table[] = {
        {"help", 'h', POPT_ARG_NONE, NULL, OPTIONS_HELP, "list these options", NULL},
        POPT_TABLEEND};
    static const char *const names[] = {"tocsin detect", "tocsin backtest", "tocsin explain",
                                        "tocsin catalog", "tocsin changes", "tocsin gate",
                                        "tocsin run"};
    static const char *const operands[] = {"[OPTION...] FILE|-", "[OPTION...] FILE|-",
                                           "[OPTION...] SPEC|FILE|-", "[OPTION...] [STAGE]",
                                           "[OPTION...] FILE|-",
                                           "--gate SPEC --metric SPEC... [OPTION...] FILE|-",
                                           "[OPTION...] FILE|-"};
    static const char *const headings[] = {"Output:", "Budgets and labels:", "", "Output:",
                                           "Changes:", "The gate:", "The run:"};
    const struct poptOption *const own[] = {detect_table, backtest_table, NULL, catalog_table,
                                            changes_table, gate_table, run_table};
    struct poptOption table[4];     /* popt's own help would be -? instead of -h */
    size_t rows = 0;
    const int has_no_spec = command == CLI_CHANGES || command == CLI_RUN;

    if (command != CLI_CATALOG && command != CLI_GATE)
        table[rows++] = (struct poptOption){NULL, '\0', POPT_ARG_INCLUDE_TABLE,
                                            (void *)(uintptr_t)(input_table +
                                                                (has_no_spec ? SPEC_ROWS : 0)),
                                            0, "Input:", NULL};
    if (own[command])
        table[rows++] = (struct poptOption){NULL, '\0', POPT_ARG_INCLUDE_TABLE,
                                            (void *)(uintptr_t)own[command], 0, headings[command],
                                            NULL};
    table[rows++] = (struct poptOption){NULL, '\0', POPT_ARG_INCLUDE_TABLE,
                                        (void *)(uintptr_t)help_table, 0, "Help:", NULL};
    table[rows] = (struct poptOption)POPT_TABLEEND;
    arguments[0] = names[command];

    poptContext context = poptGetContext("tocsin", count, arguments, table, 0);
    int result;

    poptSetOtherOptionHelp(context, operands[command]);
    while ((result = poptGetNextOpt(context)) > 0) {
        if (result == OPTIONS_HELP) {
            poptPrintHelp(context, stdout, 0);
            exit(CLI_GOOD);
        }
    }
    if (result < -1)
        cli_die(CLI_USAGE, "%s: %s\nTry '%s --help'.",
                poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(result),
                names[command]);
    options_check(options, &words);

    const char *operand = poptGetArg(context);

    if (operand)
        options->path = cli_copy(cli_text_of(operand));
    if (poptPeekArg(context))
        cli_die(CLI_USAGE, "one %s at a time, but '%s' follows '%s'",
                command == CLI_CATALOG ? "stage" : "file", poptPeekArg(context), operand);
    if (!operand && command != CLI_EXPLAIN && command != CLI_CATALOG && !options->plan)
        cli_die(CLI_USAGE,
                "no input: a file, or - for standard input, was expected\nTry '%s --help'.",
                names[command]);
    poptFreeContext(context);
    options_free_words(&words);
}
