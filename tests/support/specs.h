/* specs.h - the specs that the contract tests run, made by walking the catalog.
 *
 * Every stage alone, and every stage with every parameter at its smallest value,
 * at its largest, at its default and at each of its choices; some pipes that people
 * would write; and random pipes with many parameters set at once.  A stage that is
 * added to the catalog is in here the same day.
 */
#ifndef TOCSIN_TEST_SPECS_H
#define TOCSIN_TEST_SPECS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "suite.h"
#include "tocsin.h"

#define SPECS_TEXT 512
#define SPECS_CANDIDATES 24
#define SPECS_LARGEST_STATE ((size_t)256 * 1024)
#define SPECS_LARGEST_FOREST ((size_t)2 * 1024)    /* all of it is worked on, point by point */

/* Values of one parameter, as a spec would write them. */
typedef struct specs_values {
    size_t count;
    char text[SPECS_CANDIDATES][64];
} specs_values;

static inline void specs_add_value(specs_values *values, const char *format, double number)
{
    require(values->count < SPECS_CANDIDATES, "too many candidates");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(values->text[values->count], sizeof values->text[0], format, number);
#pragma GCC diagnostic pop
    values->count++;
}

static inline void specs_add_word(specs_values *values, const char *word, size_t length)
{
    require(values->count < SPECS_CANDIDATES, "too many candidates");
    snprintf(values->text[values->count++], sizeof values->text[0], "%.*s", (int)length, word);
}

/* Candidates for a parameter: its bounds, its default, its choices and each form it may
 * take.  Bounds that depend on other parameters may still be refused. */
static inline specs_values specs_candidates(const tocsin_parameter_info *info)
{
    specs_values values;
    const char *word = info->choices;

    memset(&values, 0, sizeof values);
    if (info->default_text[0])
        specs_add_word(&values, info->default_text, strlen(info->default_text));
    while (*word) {
        const size_t length = strcspn(word, "|");

        specs_add_word(&values, word, length);
        word += length + (word[length] == '|');
    }
    switch (info->type) {
    case TOCSIN_TYPE_NUMBER:
    case TOCSIN_TYPE_FRACTION:
        specs_add_value(&values, "%.17g", info->min);
        specs_add_value(&values, "%.17g", info->max);
        break;
    case TOCSIN_TYPE_INTEGER:
        specs_add_value(&values, "%.0f", info->min);
        specs_add_value(&values, "%.0f", info->max);
        break;
    case TOCSIN_TYPE_DURATION:
        specs_add_value(&values, "%.0fns", info->min * 1e9);
        specs_add_value(&values, "%.0fns", info->max * 1e9);
        specs_add_word(&values, "1h30m", 5);
        break;
    case TOCSIN_TYPE_SPAN:
        specs_add_value(&values, "%.0fns", info->min * 1e9);
        specs_add_value(&values, "%.0fns", info->max * 1e9);
        specs_add_word(&values, "1h", 2);
        specs_add_word(&values, "12p", 3);
        break;
    case TOCSIN_TYPE_SMOOTHING:
        specs_add_word(&values, "0.1", 3);
        specs_add_word(&values, "1", 1);
        specs_add_word(&values, "2h", 2);
        specs_add_word(&values, "200p", 4);
        break;
    case TOCSIN_TYPE_RATE:
        specs_add_value(&values, "1/%.0fns", 1e9 / info->max);
        specs_add_value(&values, "1/%.0fns", 1e9 / info->min);
        specs_add_word(&values, "10/1h", 5);
        break;
    case TOCSIN_TYPE_ZONE:
        specs_add_word(&values, "NST3:30NDT,M3.2.0,M11.1.0", 25);
        return values;
    }
    if (info->max_count > 1) {
        specs_add_word(&values, "1h,1d", 5);
        specs_add_word(&values, "1/week,1/day", 12);
    }
    return values;
}

typedef struct specs {
    size_t count, capacity;
    char (*text)[SPECS_TEXT];
} specs;

/* Does a stage have trees? */
static inline int specs_is_forest(const tocsin_spec *spec)
{
    size_t count;
    tocsin_value value;

    for (size_t i = 0; i < tocsin_spec_stage_count(spec); i++)
        if (tocsin_spec_get(spec, tocsin_spec_stage_name(spec, i), "trees", &value, 1, &count) ==
            TOCSIN_OK)
            return 1;
    return 0;
}

/* Add the text if it compiles, its points are single values (what rows are, test_contract_rows.c
 * tests) and its state is not so large that the tests would crawl.
 * A candidate may be out of bounds beside the others, but never be unknown or malformed. */
static inline void specs_add(specs *list, const char *text)
{
    tocsin_error error;
    tocsin_spec *spec;
    int status;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    status = tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);
    if (status < 0) {
        require(status == TOCSIN_ERROR_RANGE || status == TOCSIN_ERROR_CONFLICT ||
                          (status == TOCSIN_ERROR_SYNTAX && strchr(text, ',')),
                      "%s: %s: %s", text, tocsin_status_name(status), error.message);
        return;
    }
    if (tocsin_spec_metrics(spec) == 1 &&
        tocsin_spec_state_size(spec) <= (specs_is_forest(spec) ? SPECS_LARGEST_FOREST
                                                               : SPECS_LARGEST_STATE)) {
        if (list->count == list->capacity) {
            list->capacity = list->capacity ? 2 * list->capacity : 64;
            list->text = realloc(list->text, list->capacity * sizeof *list->text);
            require(list->text != NULL, "the test itself is out of memory");
        }
        snprintf(list->text[list->count++], SPECS_TEXT, "%s", text);
    }
    tocsin_spec_free(spec);
}

/* The catalog, asked once: describing a stage means compiling it. */
#define SPECS_STAGES 64
#define SPECS_PARAMETERS 32

static inline tocsin_stage_info specs_stage(size_t stage)
{
    static tocsin_stage_info known[SPECS_STAGES];

    require(stage < SPECS_STAGES, "more stages than expected");
    if (known[stage].struct_size == 0) {
        known[stage].struct_size = sizeof known[stage];
        require(tocsin_catalog_stage(stage, &known[stage]) == TOCSIN_OK, "no stage %zu", stage);
    }
    return known[stage];
}

static inline tocsin_parameter_info specs_parameter(size_t stage, size_t parameter)
{
    static tocsin_parameter_info known[SPECS_STAGES][SPECS_PARAMETERS];
    tocsin_parameter_info *info;

    require(stage < SPECS_STAGES && parameter < SPECS_PARAMETERS, "more parameters than expected");
    info = &known[stage][parameter];
    if (info->struct_size == 0) {
        info->struct_size = sizeof *info;
        require(tocsin_catalog_parameter(stage, parameter, info) == TOCSIN_OK,
                "no parameter %zu of stage %zu", parameter, stage);
    }
    return *info;
}

/* What makes a forest large, and how large it is in tests: large enough to be one. */
static const char *const specs_sizes[][2] = {{"trees", "2"}, {"sample", "8"}, {"depth", "3"}};

#define SPECS_SIZES (sizeof specs_sizes / sizeof specs_sizes[0])

/* The index of a parameter that makes a forest large, or SPECS_SIZES. */
static inline size_t specs_size(const char *parameter)
{
    size_t i = 0;

    while (i < SPECS_SIZES && strcmp(specs_sizes[i][0], parameter) != 0)
        i++;
    return i;
}

/* A stage by name, but a small one, with all that makes it large but for one parameter. */
static inline void specs_small(size_t stage, const char *but, char text[SPECS_TEXT])
{
    const tocsin_stage_info info = specs_stage(stage);
    size_t length = (size_t)snprintf(text, SPECS_TEXT, "%s", info.name);

    for (size_t p = 0; p < info.parameter_count; p++) {
        const size_t i = specs_size(specs_parameter(stage, p).name);

        if (i < SPECS_SIZES && strcmp(specs_sizes[i][0], but) != 0)
            length += (size_t)snprintf(text + length, SPECS_TEXT - length, " %s=%s",
                                       specs_sizes[i][0], specs_sizes[i][1]);
    }
}

static inline void specs_add_each_stage(specs *list)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        const tocsin_stage_info stage = specs_stage(s);
        const size_t before = list->count;
        char text[SPECS_TEXT];

        specs_small(s, "", text);
        specs_add(list, text);
        require(list->count == before + 1, "'%s' does not compile by itself", stage.name);
    }
}

static inline void specs_add_each_value(specs *list)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        const tocsin_stage_info stage = specs_stage(s);

        for (size_t p = 0; p < stage.parameter_count; p++) {
            const tocsin_parameter_info parameter = specs_parameter(s, p);
            const specs_values values = specs_candidates(&parameter);

            for (size_t v = 0; v < values.count; v++) {
                char text[SPECS_TEXT];
                size_t length;

                specs_small(s, parameter.name, text);
                length = strlen(text);
                snprintf(text + length, sizeof text - length, " %s=%s", parameter.name,
                         values.text[v]);
                specs_add(list, text);
            }
        }
    }
}

/* What people would write, and what makes an alarm ring within a short test. */
static inline void specs_add_common(specs *list)
{
    static const char *const texts[] = {
        "",
        "ewma | raw",
        "holt-winters | raw",
        "counter | ewma | tail | alarm budget=1/day",
        "ewma half-life=20p | tail | alarm budget=1/1h",
        "ewma half-life=20p state=double | tail | alarm budget=1/1h",
        "clock step=5m absence=30m | gaps missing=hold | ewma | tail | alarm budget=1/1h",
        "clock absence=5m | gaps missing=expected | ewma",
        "holt-winters season=24p | tail | alarm budget=1/1h",
        "holt-winters season=24p state=double | tail | alarm budget=1/1h",
        "holt-winters season=12p,48p | tail | alarm budget=1/2h",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        specs_add(list, texts[i]);
}

/* A pipe with one detector, and each of its parameters set with probability 1/3. */
static inline void specs_random_text(rng *r, char text[SPECS_TEXT])
{
    const size_t stages = tocsin_catalog_stage_count();
    size_t detectors = 0, chosen, length = 0;

    for (size_t s = 0; s < stages; s++)
        detectors += specs_stage(s).kind == TOCSIN_STAGE_DETECT;
    chosen = rng_below(r, detectors);
    text[0] = '\0';
    for (uint32_t kind = TOCSIN_STAGE_PREPARE; kind <= TOCSIN_STAGE_ALARM; kind++) {
        int has_calibrator = 0;

        for (size_t s = 0; s < stages; s++) {
            const tocsin_stage_info stage = specs_stage(s);
            char small[SPECS_TEXT];

            if (stage.kind != kind)
                continue;
            if (kind == TOCSIN_STAGE_DETECT ? chosen-- != 0 : rng_below(r, 3) == 0)
                continue;
            if (kind == TOCSIN_STAGE_CALIBRATE && has_calibrator++)
                continue;
            specs_small(s, "", small);
            length += (size_t)snprintf(text + length, SPECS_TEXT - length, "%s%s",
                                       length ? " | " : "", small);
            for (size_t p = 0; p < stage.parameter_count; p++) {
                const tocsin_parameter_info parameter = specs_parameter(s, p);
                const specs_values values = specs_candidates(&parameter);

                if (values.count == 0 || rng_below(r, 3) != 0 || length + 128 > SPECS_TEXT ||
                    specs_size(parameter.name) < SPECS_SIZES)
                    continue;
                length += (size_t)snprintf(text + length, SPECS_TEXT - length, " %s=%s",
                                           parameter.name, values.text[rng_below(r, values.count)]);
            }
        }
    }
}

/* Random pipes until so many have compiled. */
static inline void specs_add_random(specs *list, uint64_t seed, size_t count)
{
    const size_t wanted = list->count + count;
    rng r = rng_seeded(seed);

    for (size_t tries = 0; list->count < wanted; tries++) {
        char text[SPECS_TEXT];

        require(tries < 200 * count, "random specs hardly ever compile");
        specs_random_text(&r, text);
        specs_add(list, text);
    }
}

static inline specs specs_all(void)
{
    specs list;

    memset(&list, 0, sizeof list);
    specs_add_each_stage(&list);
    specs_add_each_value(&list);
    specs_add_common(&list);
    specs_add_random(&list, 1, 40);
    return list;
}

/* Fewer: what the slower tests run over. */
static inline specs specs_few(void)
{
    specs list;

    memset(&list, 0, sizeof list);
    specs_add_each_stage(&list);
    specs_add_common(&list);
    specs_add_random(&list, 2, 10);
    return list;
}

static inline void specs_free(specs *list)
{
    free(list->text);
}

static inline tocsin_spec *specs_compile(const char *text)
{
    tocsin_spec *spec;
    tocsin_error error;
    int status;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    status = tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);
    require(status == TOCSIN_OK, "%s: %s", text, error.message);
    return spec;
}

static inline tocsin_detector *specs_detector(const tocsin_spec *spec)
{
    tocsin_detector *detector;

    require(tocsin_detector_create(&detector, spec, NULL) == TOCSIN_OK, "no detector");
    return detector;
}

#endif
