/* gate_plan.c - `tocsin gate --plan`: tocsin_gate_plan() of what the command line says, and requests
 * as time. */
#include <inttypes.h>
#include <string.h>

#include "gate_result.h"

typedef struct {
    tocsin_rollout rollout;
    double rps;
} plan_words;

/* "rps=200 share=10% effect=10%". */
static plan_words plan_read(const char *text)
{
    static const char *const names[] = {"rps", "share", "effect", "sigma", "errors", NULL};
    plan_words words = {.rollout = {.struct_size = sizeof words.rollout, .effect = 0.1}};
    double *const values[] = {&words.rps, &words.rollout.share, &words.rollout.effect,
                              &words.rollout.sigma, &words.rollout.errors};

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
    return words;
}

static void plan_print_count(const char *which, uint64_t requests, double rps)
{
    char count[CLI_NUMBER_TEXT], duration[CLI_NUMBER_TEXT];

    if (requests == UINT64_MAX)
        printf("  %s never", which);
    else
        printf("  %s %s requests, %s", which, cli_count_text(requests, count),
               cli_duration_text((double)requests / rps, duration));
}

static void plan_print_line(const char *what, uint64_t median, uint64_t most, double rps)
{
    printf("%-44s", what);
    plan_print_count("median", median, rps);
    plan_print_count("90 %", most, rps);
    putchar('\n');
}

int gate_print_plan(const cli_options *options, const tocsin_gate_spec *spec)
{
    const plan_words words = plan_read(options->plan);
    tocsin_plan plan = {.struct_size = sizeof plan};
    char what[64];

    switch (tocsin_gate_plan(spec, &words.rollout, &plan, NULL)) {
    case TOCSIN_OK:
        break;
    case TOCSIN_ERROR_UNSUPPORTED:
        cli_die(CLI_USAGE, "--plan knows latency and errors, and unit=request or session");
    case TOCSIN_ERROR_MEMORY:
        cli_die(CLI_BAD_INPUT, "out of memory");
    default:
        cli_die(CLI_USAGE, "--plan: share and errors are below 1, effect is at most 100, sigma at "
                           "most 10");
    }
    snprintf(what, sizeof what, "worse by %.3g %%: fails after", 100 * words.rollout.effect);
    plan_print_line(what, plan.fail_median, plan.fail_most, words.rps);
    plan_print_line("no change: passes after", plan.pass_median, plan.pass_most, words.rps);
    return CLI_GOOD;
}
