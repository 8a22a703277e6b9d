/* cli_specs.c - specs: see cli_specs.h. */
#include "cli_specs.h"

#include <stdlib.h>
#include <string.h>

/* The line of a spec with the word at fault underlined:
 *
 *     ewma seson=1d
 *          ^~~~~
 */
void cli_spec_show(const char *text, const tocsin_error *error)
{
    const size_t length = strlen(text);
    const size_t offset = error->offset < length ? error->offset : length;
    size_t begin = offset, end = offset;

    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    while (end < length && text[end] != '\n')
        end++;
    fprintf(stderr, "    %.*s\n    ", (int)(end - begin), text + begin);
    for (size_t i = begin; i < offset; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            fputc(text[i] == '\t' ? '\t' : ' ', stderr);
    }
    fputc('^', stderr);
    for (size_t i = 1; i < error->length && offset + i < end; i++) {
        if (((unsigned char)text[offset + i] & 0xc0) != 0x80)
            fputc('~', stderr);
    }
    fputc('\n', stderr);
}

tocsin_spec *cli_spec_compile(const char *text)
{
    tocsin_error error = {.struct_size = sizeof error};
    tocsin_spec *spec;
    const int status = tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);

    if (status == TOCSIN_ERROR_MEMORY)
        cli_die(CLI_BAD_INPUT, "out of memory");
    if (status < 0) {
        cli_note("the spec is wrong: %s", error.message[0] ? error.message
                                                           : tocsin_status_text(status));
        cli_spec_show(text, &error);
        exit(CLI_USAGE);
    }
    return spec;
}

char *cli_spec_text(const tocsin_spec *spec, int style)
{
    size_t needed = 0;

    tocsin_spec_text(spec, style, NULL, 0, &needed);
    char *text = cli_alloc(needed);

    if (tocsin_spec_text(spec, style, text, needed, NULL) < 0)
        text[0] = '\0';
    return text;
}

int cli_spec_has(const tocsin_spec *spec, const char *stage)
{
    for (size_t i = 0; i < tocsin_spec_stage_count(spec); i++) {
        if (strcmp(tocsin_spec_stage_name(spec, i), stage) == 0)
            return 1;
    }
    return 0;
}

/* The canonical text with `counter` put in behind the clock. */
static tocsin_spec *specs_counting(tocsin_spec *gauge)
{
    char *text = cli_spec_text(gauge, TOCSIN_TEXT_SHORT);
    const char *behind = text;
    cli_buffer counting = {NULL, 0, 0};

    if (strcmp(tocsin_spec_stage_name(gauge, 0), "clock") == 0) {
        const char *bar = strchr(text, '|');

        behind = bar ? bar + 1 : text + strlen(text);
    }
    cli_buffer_add(&counting, text, (size_t)(behind - text));
    cli_buffer_print(&counting, " counter | %s", behind);
    tocsin_spec *spec = cli_spec_compile(counting.at);

    cli_buffer_free(&counting);
    free(text);
    return spec;
}

static int specs_takes_rows(const char *stage)
{
    tocsin_parameter_info parameter;
    size_t index;

    memset(&parameter, 0, sizeof parameter);
    parameter.struct_size = sizeof parameter;
    if (tocsin_catalog_find(stage, &index) != TOCSIN_OK)
        return 0;
    for (size_t i = 0; tocsin_catalog_parameter(index, i, &parameter) == TOCSIN_OK; i++) {
        if (strcmp(parameter.name, "metrics") == 0)
            return 1;
    }
    return 0;
}

/* The same spec with one parameter set anew; `option`: who asks for it. */
static tocsin_spec *specs_derive(const tocsin_spec *base, const char *stage, const char *parameter,
                                 const char *text, const char *option)
{
    tocsin_error error = {.struct_size = sizeof error};
    const tocsin_setting setting = {.struct_size = sizeof setting,
                                    .value_count = 1,
                                    .stage = stage,
                                    .parameter = parameter,
                                    .text = text};
    tocsin_spec *spec;
    const int status = tocsin_spec_derive(&spec, base, &setting, 1, NULL, &error);

    if (status < 0)
        cli_die(CLI_USAGE, "%s %s: %s", option, text,
                error.message[0] ? error.message : tocsin_status_text(status));
    return spec;
}

/* And in the place of the one before it. */
static void specs_set(tocsin_spec **spec, const char *stage, const char *parameter,
                      const char *text, const char *option)
{
    tocsin_spec *base = *spec;

    *spec = specs_derive(base, stage, parameter, text, option);
    tocsin_spec_free(base);
}

/* For rows of so many columns. */
static void specs_set_rows(tocsin_spec **spec, size_t columns)
{
    char number[CLI_NUMBER_TEXT];

    snprintf(number, sizeof number, "%zu", columns);
    for (size_t i = 0; i < tocsin_spec_stage_count(*spec); i++) {
        const char *stage = tocsin_spec_stage_name(*spec, i);

        if (specs_takes_rows(stage)) {
            specs_set(spec, stage, "metrics", number, "rows of so many --column");
            return;
        }
    }
    cli_die(CLI_USAGE, "--column names %zu columns, and the spec's detector judges single values; "
                       "rcforest, hstrees and iforest judge rows (--spec rcforest)",
            columns);
}

void cli_specs_compile(cli_specs *specs, const char *text, const cli_options *options)
{
    const size_t columns = options->column_count;

    specs->gauge = cli_spec_compile(text);
    if (options->timezone)
        specs_set(&specs->gauge, "clock", "timezone", options->timezone, "--timezone");
    if (columns > 1 && tocsin_spec_metrics(specs->gauge) == 1)
        specs_set_rows(&specs->gauge, columns);
    const size_t metrics = tocsin_spec_metrics(specs->gauge);

    if (metrics > 1 && metrics != columns)
        cli_die(CLI_USAGE, "the spec is of rows with %zu metrics, and --column names %zu columns",
                metrics, columns);
    specs->counter = metrics > 1 || cli_spec_has(specs->gauge, "counter")
                         ? specs->gauge
                         : specs_counting(specs->gauge);
}

void cli_specs_with_budget(cli_specs *specs, const cli_specs *base, const char *budget)
{
    specs->gauge = specs_derive(base->gauge, "alarm", "budget", budget, "--budget");
    specs->counter = base->counter == base->gauge
                         ? specs->gauge
                         : specs_derive(base->counter, "alarm", "budget", budget, "--budget");
}

void cli_specs_free(cli_specs *specs)
{
    if (specs->counter != specs->gauge)
        tocsin_spec_free(specs->counter);
    tocsin_spec_free(specs->gauge);
}

int64_t cli_spec_absence(const tocsin_spec *spec)
{
    tocsin_value value;
    size_t count = 0;

    if (tocsin_spec_get(spec, "clock", "absence", &value, 1, &count) < 0 || count == 0 ||
        value.form != TOCSIN_VALUE_DURATION)
        return 0;
    return value.duration;
}
