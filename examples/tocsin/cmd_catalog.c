/* cmd_catalog.c - `tocsin catalog`: every stage and parameter a spec may name. */
#include <math.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_writer.h"

static const char *const catalog_kinds[] = {"prepare", "detect", "calibrate", "alarm"};
static const char *const catalog_types[] = {"number",    "integer", "fraction", "duration",
                                            "span",      "smoothing", "rate",   "choice",
                                            "zone"};

static const char *catalog_word(const char *const *words, size_t count, uint32_t index)
{
    return index < count ? words[index] : "other";
}

#define CATALOG_WORD(words, index) catalog_word(words, sizeof words / sizeof words[0], index)

/* Bounds in the unit a spec would be written in. */
static void catalog_add_bound(cli_buffer *out, const tocsin_parameter_info *parameter, double bound)
{
    char text[CLI_NUMBER_TEXT];

    if (parameter->type == TOCSIN_TYPE_DURATION || parameter->type == TOCSIN_TYPE_SPAN)
        cli_buffer_print(out, "%s", cli_duration_text(bound, text));
    else
        cli_buffer_print(out, "%.6g%s", bound, parameter->type == TOCSIN_TYPE_RATE ? "/s" : "");
}

static void catalog_print_parameter(const tocsin_parameter_info *parameter)
{
    cli_buffer accepted = {NULL, 0, 0};

    if (parameter->type == TOCSIN_TYPE_ZONE) {
        cli_buffer_print(&accepted, "a zone's rule, such as CET-1CEST,M3.5.0,M10.5.0/3");
    } else if (parameter->type != TOCSIN_TYPE_CHOICE) {
        cli_buffer_print(&accepted, "%s ", CATALOG_WORD(catalog_types, parameter->type));
        catalog_add_bound(&accepted, parameter, parameter->min);
        cli_buffer_print(&accepted, " .. ");
        catalog_add_bound(&accepted, parameter, parameter->max);
        if (parameter->unit[0])
            cli_buffer_print(&accepted, ", %s", parameter->unit);
        if (parameter->choices[0])
            cli_buffer_print(&accepted, ", or %s", parameter->choices);
    } else {
        cli_buffer_print(&accepted, "%s", parameter->choices);
    }
    if (parameter->max_count > 1 && parameter->type != TOCSIN_TYPE_ZONE)
        cli_buffer_print(&accepted, ", up to %u", (unsigned)parameter->max_count);
    printf("  %-15s %s\n  %-15s %s; default: %s%s\n", parameter->name, parameter->summary, "",
           accepted.at, parameter->default_text[0] ? parameter->default_text : "none",
           parameter->shapes_state ? "; shapes the state" : "");
    cli_buffer_free(&accepted);
}

static void catalog_print_stage(size_t index, const tocsin_stage_info *stage, int in_detail)
{
    if (!in_detail) {
        printf("%-10s %-14s %s\n", CATALOG_WORD(catalog_kinds, stage->kind), stage->name,
               stage->summary);
        return;
    }
    printf("%s@%u  (%s%s)\n  %s\n", stage->name, (unsigned)stage->revision,
           CATALOG_WORD(catalog_kinds, stage->kind), stage->is_default ? ", default" : "",
           stage->summary);
    if (stage->reference[0])
        printf("  after %s\n", stage->reference);
    printf("  %llu bytes a series, %llu points to warm up\n", (unsigned long long)stage->state_size,
           (unsigned long long)stage->warmup);
    for (size_t i = 0; i < stage->parameter_count; i++) {
        tocsin_parameter_info parameter = {.struct_size = sizeof parameter};

        if (tocsin_catalog_parameter(index, i, &parameter) == TOCSIN_OK)
            catalog_print_parameter(&parameter);
    }
    putchar('\n');
}

static void catalog_add_text(cli_buffer *out, const char *name, const char *text)
{
    cli_buffer_print(out, ",\"%s\":", name);
    cli_add_json(out, cli_text_of(text));
}

/* JSON has no infinity; null is no bound. */
static void catalog_add_number(cli_buffer *out, const char *name, double number)
{
    char text[CLI_NUMBER_TEXT];

    cli_format_number(number, text);
    cli_buffer_print(out, ",\"%s\":%s", name, isfinite(number) ? text : "null");
}

static void catalog_print_json(size_t index, const tocsin_stage_info *stage)
{
    cli_buffer out = {NULL, 0, 0};

    cli_buffer_print(&out, "{\"name\":");
    cli_add_json(&out, cli_text_of(stage->name));
    catalog_add_text(&out, "kind", CATALOG_WORD(catalog_kinds, stage->kind));
    catalog_add_text(&out, "summary", stage->summary);
    catalog_add_text(&out, "reference", stage->reference);
    cli_buffer_print(&out,
                     ",\"revision\":%u,\"oldest_revision\":%u,\"default\":%s,\"state_bytes\":%llu,"
                     "\"warmup\":%llu,\"parameters\":[",
                     (unsigned)stage->revision, (unsigned)stage->oldest_revision,
                     stage->is_default ? "true" : "false", (unsigned long long)stage->state_size,
                     (unsigned long long)stage->warmup);
    for (size_t i = 0; i < stage->parameter_count; i++) {
        tocsin_parameter_info parameter = {.struct_size = sizeof parameter};

        if (tocsin_catalog_parameter(index, i, &parameter) != TOCSIN_OK)
            continue;
        cli_buffer_print(&out, "%s{\"name\":", i ? "," : "");
        cli_add_json(&out, cli_text_of(parameter.name));
        catalog_add_text(&out, "type", CATALOG_WORD(catalog_types, parameter.type));
        catalog_add_text(&out, "unit", parameter.unit);
        catalog_add_text(&out, "default", parameter.default_text);
        catalog_add_text(&out, "choices", parameter.choices);
        catalog_add_text(&out, "summary", parameter.summary);
        catalog_add_number(&out, "min", parameter.min);
        catalog_add_number(&out, "max", parameter.max);
        cli_buffer_print(&out, ",\"max_count\":%u,\"shapes_state\":%s}",
                         (unsigned)parameter.max_count, parameter.shapes_state ? "true" : "false");
    }
    cli_buffer_print(&out, "]}\n");
    fwrite(out.at, 1, out.length, stdout);
    cli_buffer_free(&out);
}

/* The stage that was meant, for a name that is none. */
static _Noreturn void catalog_unknown(const char *name)
{
    const char *names[65];
    size_t count = 0;

    for (size_t i = 0; i < tocsin_catalog_stage_count() && count < 64; i++) {
        tocsin_stage_info stage = {.struct_size = sizeof stage};

        if (tocsin_catalog_stage(i, &stage) == TOCSIN_OK)
            names[count++] = stage.name;
    }
    names[count] = NULL;
    const char *meant = cli_closest(cli_text_of(name), names);

    cli_die(CLI_USAGE, "there is no stage '%s'%s%s%s ('tocsin catalog' lists them)", name,
            meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

int cmd_catalog(const cli_options *options)
{
    size_t wanted = SIZE_MAX;

    if (options->path && tocsin_catalog_find(options->path, &wanted) != TOCSIN_OK)
        catalog_unknown(options->path);
    for (size_t i = 0; i < tocsin_catalog_stage_count(); i++) {
        tocsin_stage_info stage = {.struct_size = sizeof stage};

        if (tocsin_catalog_stage(i, &stage) != TOCSIN_OK || (wanted != SIZE_MAX && wanted != i))
            continue;
        if (options->output == CLI_OUTPUT_JSON)
            catalog_print_json(i, &stage);
        else
            catalog_print_stage(i, &stage, wanted == i);
    }
    if (options->output == CLI_OUTPUT_TABLE && wanted == SIZE_MAX)
        puts("\n'tocsin catalog STAGE' tells a stage's parameters.");
    return CLI_GOOD;
}
