/* gate_plan.c - `tocsin gate --plan`: how long until a decision?
 *
 * The gate itself is run on simulated rollouts: lognormal latencies, `sigma` their standard deviation in
 * logarithms, errors at a rate.  Once the candidate is worse by `effect`, until the gate fails; once
 * it is the same, until it passes.  What is told are the median and the 90th percentile of PLAN_RUNS.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gate_result.h"

#define PLAN_RUNS 40
#define PLAN_REQUESTS 2000000u

typedef struct {
    double rps, share, effect, sigma, errors;
} plan_words;

/* SplitMix64 (Steele, Lea and Flood 2014): the same plan for the same words. */
static double plan_uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double plan_normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(plan_uniform(state)));

    return radius * cos(6.283185307179586 * plan_uniform(state));
}

/* "rps=200 share=10% effect=10%". */
static plan_words plan_read(const char *text)
{
    static const char *const names[] = {"rps", "share", "effect", "sigma", "errors", NULL};
    plan_words words = {0, 0.5, 0.1, 1, 0.001};
    double *const values[] = {&words.rps, &words.share, &words.effect, &words.sigma, &words.errors};

    for (const char *at = text + strspn(text, " "); *at;) {
        const size_t length = strcspn(at, " ");
        const char *equals = memchr(at, '=', length);
        const cli_text name = {at, equals ? (size_t)(equals - at) : length};
        cli_text value = {equals ? equals + 1 : at, equals ? length - name.length - 1 : 0};
        const int is_percent = cli_text_ends_with(value, "%");
        cli_number number;
        size_t which = 0;

        while (names[which] && !cli_text_is(name, names[which]))
            which++;
        if (!names[which])
            cli_die(CLI_USAGE, "--plan: '%.*s' is not one of rps=, share=, effect=, sigma=, errors=",
                    (int)length, at);
        value.length -= (size_t)is_percent;
        if (!equals || cli_parse_number(value, &number) != CLI_NUMBER ||
            !(number.value > 0 && number.value < 1e12))
            cli_die(CLI_USAGE, "--plan: '%.*s' is no positive number", (int)length, at);
        *values[which] = is_percent ? number.value / 100 : number.value;
        at += length;
        at += strspn(at, " ");
    }
    if (!(words.rps > 0))
        cli_die(CLI_USAGE, "--plan: how many requests a second? rps=200");
    if (!(words.share < 1) || !(words.errors < 1) || !(words.sigma <= 10))
        cli_die(CLI_USAGE, "--plan: share and errors are below 1, sigma is at most 10");
    return words;
}

/* Requests until the outcome; PLAN_REQUESTS if it did not come. */
static uint32_t plan_run(const tocsin_gate_spec *spec, const plan_words *words, double effect,
                         uint32_t wanted, uint64_t seed)
{
    const size_t metrics = tocsin_gate_metric_count(spec);
    tocsin_gate *gate;
    uint64_t state = seed;
    uint32_t n = 0, next = 64;

    if (tocsin_gate_create(&gate, spec, NULL) != TOCSIN_OK)
        cli_die(CLI_BAD_INPUT, "out of memory");
    for (; n < PLAN_REQUESTS; n++) {
        const uint32_t arm = plan_uniform(&state) < words->share;
        const double factor = arm ? 1 + effect : 1;

        for (uint32_t m = 0; m < metrics; m++) {
            tocsin_metric_info info = {.struct_size = sizeof info};

            tocsin_gate_metric(spec, m, &info);
            const double harm = info.worse < 0 ? 1 / factor : factor;
            const double value = info.kind == TOCSIN_METRIC_ERRORS
                                     ? plan_uniform(&state) < words->errors * harm
                                     : exp(words->sigma * plan_normal(&state)) * harm;

            tocsin_gate_observe(gate, m, arm, TOCSIN_TIME_NONE, n, value);
        }
        if (n >= next) {
            tocsin_gate_verdict verdict = {.struct_size = sizeof verdict};

            next = n + 1 + n / 50;
            tocsin_gate_judge(gate, &verdict);
            if (verdict.outcome == wanted)
                break;
        }
    }
    tocsin_gate_free(gate);
    return n;
}

static int plan_order(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void plan_say(const plan_words *words, const char *what, uint32_t *requests)
{
    const int marks[] = {PLAN_RUNS / 2, PLAN_RUNS * 9 / 10};
    static const char *const names[] = {"median", "90 %"};

    qsort(requests, PLAN_RUNS, sizeof *requests, plan_order);
    printf("%-44s", what);
    for (int i = 0; i < 2; i++) {
        const uint32_t n = requests[marks[i]];
        char count[CLI_NUMBER_TEXT], duration[CLI_NUMBER_TEXT];

        if (n >= PLAN_REQUESTS)
            printf("  %s more than %s requests", names[i], cli_count_text(PLAN_REQUESTS, count));
        else
            printf("  %s %s requests, %s", names[i], cli_count_text(n, count),
                   cli_duration_text(n / words->rps, duration));
    }
    putchar('\n');
}

int gate_plan(const cli_options *options, const tocsin_gate_spec *spec)
{
    const plan_words words = plan_read(options->plan);
    uint32_t requests[PLAN_RUNS];
    char what[128];

    for (size_t m = 0; m < tocsin_gate_metric_count(spec); m++) {
        tocsin_metric_info info = {.struct_size = sizeof info};

        tocsin_gate_metric(spec, m, &info);
        if (info.kind != TOCSIN_METRIC_LATENCY && info.kind != TOCSIN_METRIC_ERRORS)
            cli_die(CLI_USAGE, "--plan knows latency and errors; '%s' is neither", info.name);
    }
    for (uint64_t run = 0; run < PLAN_RUNS; run++)
        requests[run] = plan_run(spec, &words, words.effect, TOCSIN_OUTCOME_FAIL, run * 2 + 1);
    snprintf(what, sizeof what, "worse by %.3g %%: fails after", 100 * words.effect);
    plan_say(&words, what, requests);
    for (uint64_t run = 0; run < PLAN_RUNS; run++)
        requests[run] = plan_run(spec, &words, 0, TOCSIN_OUTCOME_PASS, run * 2 + 2);
    plan_say(&words, "no change: passes after", requests);
    return CLI_GOOD;
}
