/* calibration.c - does the alarm keep its promise?
 *
 * Series in which nothing is wrong, of sixteen kinds (kinds.c), are pushed through a spec; every alarm
 * that starts is a false one, and their rate is set beside the budget.  1.00 is a promise
 * kept to the letter, 2.00 twice as many alarms as promised.  Whether it finds anything is asked in
 * finds.c.
 *
 *     calibration [--spec S] [--budget 1/day,1/week] [--step 1m,5m] [--types gaussian,...]
 *                 [--rows] [--years 10] [--weeks 13] [--seed 1] [--power] [--incidents] [--changes]
 *                 [--json FILE] [--list]
 *
 * --spec is a pipe up to its alarm stage, which this program appends, or the word `random`: a bell
 * that knows nothing of the series and rings at random, as often as promised.  --years is the
 * history per type, in series of --weeks each.  --power also asks the opposite: are spikes of 8
 * standard deviations found, by themselves and after an outage of a day?
 *
 * --incidents prints another table: of what should be found, how much is.  Forty series of a type
 * (default: gaussian, seasonal) are in order for eight weeks; then a spike of 8 standard deviations
 * of the noise, a shift of the level by 3, a drop to zero and a tripled variance are tried at five
 * moments of the ninth week, each on a copy of the detector, at a budget of 1/month.
 *
 * --changes prints a third: of what comes to stay, after those eight weeks.  The level shifts by 10
 * standard deviations of the noise, everything grows to three times its distance from the mean, or
 * the day begins six hours late.  Is it found within a day?  How often does it ring in the week after
 * that day?  And of spikes of 10 standard deviations of the noise as it is by then, how many are
 * found on the day after that week?
 *
 * --rows takes, in place of those sixteen, kinds of points with several metrics, for a detector of
 * rows: `--spec 'iforest | tail' --rows`.
 *
 * Exit: 0 every cell keeps the promise (at most twice; at least half for continuous types), 95 % of
 * each kind of incident, change and spike are found, and 95 % of series ring at most three times
 * in the week after a change; 1 some cell does not, 64 usage.
 */
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finds.h"

enum { EXIT_KEPT = 0, EXIT_BROKEN = 1, EXIT_USAGE = 64 };

enum { LIST_MAX = 32 };

/* ---- The table of rates ------------------------------------------------------------------ */

typedef struct {
    double all, first, later;   /* observed / promised */
    double above_four;          /* share of series above four times the budget */
    double error;               /* standard error of `all` if alarms were independent */
    uint64_t alarms;
    double spikes[FIND_TIMES];  /* share found */
} cell;

typedef struct {
    const char *spec;
    double years;
    double weeks;
    uint64_t seed;
    int power;
    const find_table *table;    /* NULL: of rates */
} options;

static void measure_promise(const options *o, const tocsin_spec *spec, const kind *k, double step,
                            cell *c)
{
    const double length = o->weeks * week, period = bell_period(spec);
    const size_t members = (size_t)(o->years * 365.25 * day / length + 0.5);
    double first = 0, later = 0;
    size_t above = 0;

    for (size_t i = 0; i < members; i++) {
        bell b = bell_make(o->spec, spec, step, o->seed + i);
        series s;
        double alarms = 0;

        series_start(&s, k, step, o->seed, i);
        for (double t = 0; t < length; t += step) {
            double row[METRICS_MAX];

            series_next(&s, k, s.phase + t, row);
            if (!bell_push_row(&b, s.phase + t, row, k->metrics))
                continue;
            alarms++;
            if (t < week)
                first++;
            else
                later++;
        }
        above += alarms > 4 * length / period;
        bell_free(&b);
    }

    const double n = (double)members;

    c->alarms = (uint64_t)(first + later);
    c->all = (first + later) / (n * length / period);
    c->first = first / (n * week / period);
    c->later = later / (n * (length - week) / period);
    c->error = sqrt(first + later) / (n * length / period);
    c->above_four = (double)above / n;
}

static int is_kept(const kind *k, const cell *c)
{
    return c->all <= 2 && (!k->is_continuous || c->all >= 0.5);
}

static void json_cell(FILE *json, int is_first, const kind *k, const char *budget,
                      const char *step, const cell *c, int power)
{
    fprintf(json,
            "%s\n    {\"type\": \"%s\", \"budget\": \"%s\", \"step\": \"%s\", \"all\": %.4f, "
            "\"first_week\": %.4f, \"later\": %.4f, \"error\": %.4f, \"above_four\": %.4f, "
            "\"alarms\": %llu",
            is_first ? "" : ",", k->name, budget, step, c->all, c->first, c->later, c->error,
            c->above_four, (unsigned long long)c->alarms);
    if (power)
        fprintf(json, ", \"spikes\": [%.4f, %.4f, %.4f, %.4f]", c->spikes[0], c->spikes[1],
                c->spikes[2], c->spikes[3]);
    fputc('}', json);
}

static void print_rates_head(int power)
{
    printf("| type | budget | step | observed / promised | +- | first week | later |"
           " series > 4x |%s\n|---|---|---|---|---|---|---|---|%s\n",
           power ? " spikes found | 1 d after an outage | 3 d | 28 d |" : "",
           power ? "---|---|---|---|" : "");
}

static void print_rates(const trial *t, const cell *c, int power)
{
    printf("| %s | %s | %s | %.2f%s | %.2f | %.2f | %.2f | %.0f %% |", t->kind->name, t->budget,
           t->step_text, c->all, is_kept(t->kind, c) ? "" : " (!)", c->error, c->first, c->later,
           100 * c->above_four);
    for (int i = 0; power && i < FIND_TIMES; i++)
        printf(" %.2f |", c->spikes[i]);
    putchar('\n');
    fflush(stdout);
}

/* A cell; whether it keeps the promise. */
static int rates_row(const options *o, const trial *t, FILE *json, int is_first)
{
    cell c = {0};

    measure_promise(o, t->spec, t->kind, t->step, &c);
    if (o->power)
        find_around_outage(t, c.spikes);
    print_rates(t, &c, o->power);
    if (json)
        json_cell(json, is_first, t->kind, t->budget, t->step_text, &c, o->power);
    return is_kept(t->kind, &c);
}

/* ---- The command line -------------------------------------------------------------------- */

/* Seconds of "1m", "5m", "10s", "1h". */
static double parse_step(const char *text)
{
    char *end;
    const double number = strtod(text, &end);
    const double unit = strcmp(end, "s") == 0   ? 1
                        : strcmp(end, "m") == 0 ? 60
                        : strcmp(end, "h") == 0 ? 3600
                                                : 0;

    if (!(number * unit > 0))
        die("not a step", text);
    return number * unit;
}

/* Splits a list at its commas, in place. */
static size_t split(char *text, const char **item, size_t capacity)
{
    size_t count = 0;

    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (count == capacity)
            die("too many items", word);
        item[count++] = word;
    }
    return count;
}

static void usage(FILE *to)
{
    fputs("usage: calibration [--spec S] [--budget LIST] [--step LIST] [--types LIST] [--rows]\n"
          "                   [--years N] [--weeks N] [--seed N] [--power] [--incidents] [--changes]\n"
          "                   [--json FILE] [--list] [--help]\n",
          to);
}

static const kind *kind_named(const char *name)
{
    for (size_t i = 0; i < kind_count; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    die("no such type", name);
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"spec", required_argument, NULL, 's'},  {"budget", required_argument, NULL, 'b'},
        {"step", required_argument, NULL, 't'},  {"types", required_argument, NULL, 'k'},
        {"years", required_argument, NULL, 'y'}, {"weeks", required_argument, NULL, 'w'},
        {"seed", required_argument, NULL, 'r'},  {"power", no_argument, NULL, 'p'},
        {"json", required_argument, NULL, 'j'},  {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},        {"incidents", no_argument, NULL, 'i'},
        {"rows", no_argument, NULL, 'm'},        {"changes", no_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    options o = {.spec = "auto | tail", .years = 10, .weeks = 13, .seed = 1};
    char default_budgets[] = "1/day,1/week", default_steps[] = "1m,5m";
    char month[] = "1/month", default_finds[] = "gaussian,seasonal";
    char *budget_list = NULL, *step_list = default_steps, *type_list = NULL;
    const char *budget[8], *step[8], *type[LIST_MAX], *json_path = NULL;
    FILE *json = NULL;
    int broken = 0, cells = 0, rows = 0;

    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;)
        switch (option) {
        case 's': o.spec = optarg; break;
        case 'b': budget_list = optarg; break;
        case 't': step_list = optarg; break;
        case 'k': type_list = optarg; break;
        case 'y': o.years = strtod(optarg, NULL); break;
        case 'w': o.weeks = strtod(optarg, NULL); break;
        case 'r': o.seed = strtoull(optarg, NULL, 10); break;
        case 'p': o.power = 1; break;
        case 'i': o.table = &find_incidents; break;
        case 'c': o.table = &find_changes; break;
        case 'm': rows = 1; break;
        case 'j': json_path = optarg; break;
        case 'l':
            for (size_t i = 0; i < kind_count; i++)
                puts(kinds[i].name);
            return EXIT_KEPT;
        case 'h': usage(stdout); return EXIT_KEPT;
        default: usage(stderr); return EXIT_USAGE;
        }
    if (optind < argc || !(o.years > 0) || !(o.weeks > 1)) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!budget_list)
        budget_list = o.table ? month : default_budgets;
    if (o.table && !type_list)
        type_list = default_finds;
    if (o.table && json_path)
        die("--json is for the table of rates", NULL);

    const size_t budgets = split(budget_list, budget, 8), steps = split(step_list, step, 8);
    size_t types = 0;

    if (type_list) {
        types = split(type_list, type, LIST_MAX);
    } else {
        for (size_t i = 0; i < kind_count; i++)
            if ((kinds[i].make_row != NULL) == rows)
                type[types++] = kinds[i].name;
    }
    if (json_path) {
        json = fopen(json_path, "w");
        if (!json)
            die("cannot write", json_path);
        fprintf(json, "{\n  \"spec\": \"%s\", \"years\": %g, \"weeks\": %g, \"seed\": %llu,\n"
                      "  \"cells\": [",
                o.spec, o.years, o.weeks, (unsigned long long)o.seed);
    }

    if (o.table)
        puts(o.table->head);
    else
        print_rates_head(o.power);
    for (size_t i = 0; i < types; i++) {
        const kind *k = kind_named(type[i]);

        if (k->make_row && (o.power || o.table))
            die("only rates are for several metrics, not", k->name);
        for (size_t b = 0; b < budgets; b++)
            for (size_t s = 0; s < steps; s++) {
                tocsin_spec *spec = bell_spec(o.spec, k, budget[b]);
                const trial t = {o.spec, spec, k, budget[b], step[s], parse_step(step[s]), o.seed};

                broken += !(o.table ? o.table->row(&t) : rates_row(&o, &t, json, cells == 0));
                cells++;
                tocsin_spec_free(spec);
            }
    }
    if (json) {
        fprintf(json, "\n  ]\n}\n");
        if (fclose(json) != 0)
            die("cannot write", json_path);
    }
    fprintf(stderr, "%d of %d %s\n", cells - broken, cells,
            o.table ? "find enough" : "cells keep the promise");
    return broken ? EXIT_BROKEN : EXIT_KEPT;
}
