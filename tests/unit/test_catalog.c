/* test_catalog.c - every row of the catalog, held against the rules that the rows stand for. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "../../lib/core/words.h"
#include "../../lib/pipeline/compile.h"
#include "../../lib/pipeline/values.h"
#include "../support/suite.h"
#include "tocsin.h"

static tocsin_stage_info stage_info(size_t index)
{
    tocsin_stage_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_catalog_stage(index, &info), TOCSIN_OK);
    return info;
}

static tocsin_parameter_info parameter_info(size_t stage, size_t index)
{
    tocsin_parameter_info info;

    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    ck_assert_int_eq(tocsin_catalog_parameter(stage, index, &info), TOCSIN_OK);
    return info;
}

/* "holt-winters": what the grammar takes for a name. */
static int is_name(const char *name)
{
    if (!islower((unsigned char)name[0]))
        return 0;
    for (const char *c = name; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
            return 0;
    return strlen(name) < TOCSIN__WORD_MAX;
}

/* One line for a table: short, no full stop, no line break. */
static int is_summary(const char *summary)
{
    const size_t length = strlen(summary);

    return length > 0 && length <= 120 && summary[length - 1] != '.' && !strchr(summary, '\n');
}

/* ---- Stages ---------------------------------------------------------------- */

START_TEST(stages_have_their_names_kinds_and_texts)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        const tocsin_stage_info info = stage_info(s);
        size_t found = 999;

        ck_assert_msg(is_name(info.name), "'%s' is no name", info.name);
        ck_assert_msg(is_summary(info.summary), "%s: '%s'", info.name, info.summary);
        ck_assert_ptr_nonnull(info.reference);
        ck_assert_uint_le(info.kind, TOCSIN_STAGE_ALARM);
        ck_assert_uint_ge(info.oldest_revision, 1);
        ck_assert_uint_ge(info.revision, info.oldest_revision);
        ck_assert_int_eq(tocsin_catalog_find(info.name, &found), TOCSIN_OK);
        ck_assert_uint_eq(found, s);
    }
}
END_TEST

START_TEST(stages_stand_in_the_order_of_the_pipe_with_at_most_one_default_a_rank)
{
    uint32_t defaults[TOCSIN__RANKS] = {0};
    uint8_t rank = 0, kind = 0;

    for (size_t s = 0; s < tocsin__catalog_count; s++) {
        const tocsin__stage *const stage = tocsin__catalog[s];

        ck_assert_uint_lt(stage->rank, TOCSIN__RANKS);
        ck_assert_uint_ge(stage->rank, rank);
        ck_assert_uint_ge(stage->kind, kind);
        ck_assert_int_eq(stage->rank == TOCSIN__RANK_DETECT, stage->kind == TOCSIN_STAGE_DETECT);
        ck_assert_int_eq(stage->rank == TOCSIN__RANK_CALIBRATE,
                         stage->kind == TOCSIN_STAGE_CALIBRATE);
        ck_assert_int_eq(stage->rank == TOCSIN__RANK_ALARM, stage->kind == TOCSIN_STAGE_ALARM);
        rank = stage->rank;
        kind = stage->kind;
        defaults[rank] += stage->is_default;
    }
    for (size_t r = 0; r < TOCSIN__RANKS; r++)
        ck_assert_uint_eq(defaults[r], r == TOCSIN__RANK_COUNTER ? 0 : 1);
}
END_TEST

START_TEST(stages_have_the_functions_of_their_kind)
{
    for (size_t s = 0; s < tocsin__catalog_count; s++) {
        const tocsin__stage *const stage = tocsin__catalog[s];

        ck_assert(stage->resolve != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_DETECT, stage->score != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_DETECT, stage->learn != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_CALIBRATE, stage->rank_point != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_CALIBRATE, stage->learn_rank != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_CALIBRATE, stage->score_of != NULL);
        ck_assert_int_eq(stage->kind == TOCSIN_STAGE_ALARM, stage->decide != NULL);
        if (stage->kind == TOCSIN_STAGE_DETECT) {
            ck_assert_uint_ge(stage->channel_count, 1);
            ck_assert_uint_le(stage->channel_count, TOCSIN_CHANNELS);
            for (size_t c = 0; c < stage->channel_count; c++)
                ck_assert_msg(is_name(stage->channel_names[c]), "'%s'", stage->channel_names[c]);
        }
        ck_assert_uint_le(stage->param_count, TOCSIN__MAX_PARAMS);
        ck_assert_uint_le(stage->constants_size, TOCSIN__MAX_CONSTANTS);
        ck_assert_uint_eq(stage->constants_size % 8, 0);
    }
}
END_TEST

/* Every byte of a state's struct belongs to exactly one field, in the struct's order. */
START_TEST(fields_cover_their_state)
{
    static const size_t sizes[] = {8, 8, 8, 8, 4, 2, 1};

    for (size_t s = 0; s < tocsin__catalog_count; s++) {
        const tocsin__stage *const stage = tocsin__catalog[s];
        const tocsin__layout *const layout = &stage->layout;
        size_t covered = 0;
        uint32_t arrays = 0;

        ck_assert_uint_eq(layout->size % 8, 0);
        ck_assert_uint_le(layout->field_count, 256);
        for (size_t f = 0; f < layout->field_count; f++) {
            const tocsin__field *const field = &layout->fields[f];

            ck_assert_uint_lt(strlen(field->name), 48);
            ck_assert_uint_le(field->type, TOCSIN__U8);
            ck_assert_msg(field->min <= field->max, "%s.%s", stage->name, field->name);
            for (size_t other = 0; other < f; other++)
                ck_assert_str_ne(field->name, layout->fields[other].name);
            if (field->is_array) {
                ck_assert_uint_eq(field->array, arrays++);
                ck_assert_uint_le(arrays, TOCSIN__MAX_ARRAYS);
                continue;
            }
            ck_assert_msg(arrays == 0, "%s.%s stands behind an array", stage->name, field->name);
            ck_assert_msg(field->offset == covered, "%s.%s is at %u, %zu bytes are covered",
                          stage->name, field->name, field->offset, covered);
            covered += field->count * sizes[field->type];
        }
        ck_assert_msg(covered == layout->size, "%s covers %zu of %zu bytes", stage->name, covered,
                      layout->size);
    }
}
END_TEST

START_TEST(sizes_and_warm_ups_are_those_of_the_stage_alone)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++) {
        const tocsin_stage_info info = stage_info(s);
        tocsin_spec *spec;

        ck_assert_int_eq(tocsin_spec_compile(&spec, info.name, TOCSIN_NUL_TERMINATED, NULL, NULL),
                         TOCSIN_OK);
        for (size_t i = 0; i < spec->stage_count; i++)
            if (strcmp(spec->stages[i].stage->name, info.name) == 0)
                ck_assert_uint_eq(info.state_size, spec->stages[i].state_size);
        ck_assert_uint_le(info.warmup, tocsin_spec_warmup(spec));
        if (info.kind == TOCSIN_STAGE_DETECT)
            ck_assert_uint_gt(info.warmup, 0);
        tocsin_spec_free(spec);
    }
}
END_TEST

/* ---- Parameters ------------------------------------------------------------ */

START_TEST(parameters_have_their_names_types_and_texts)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++)
        for (size_t p = 0; p < stage_info(s).parameter_count; p++) {
            const tocsin_parameter_info info = parameter_info(s, p);

            ck_assert_msg(is_name(info.name), "'%s' is no name", info.name);
            ck_assert_msg(is_summary(info.summary), "%s: '%s'", info.name, info.summary);
            ck_assert_uint_le(info.type, TOCSIN_TYPE_ZONE);
            ck_assert_uint_ge(info.max_count, 1);
            ck_assert_uint_le(info.max_count, TOCSIN__MAX_LIST);
            ck_assert_uint_le(info.shapes_state, 1);
            ck_assert_ptr_nonnull(info.unit);
            ck_assert_ptr_nonnull(info.choices);
            ck_assert_msg(info.min <= info.max, "%s", info.name);
            ck_assert_msg(info.type != TOCSIN_TYPE_CHOICE || info.choices[0] != '\0',
                          "%s has no choices", info.name);
            if (info.type != TOCSIN_TYPE_CHOICE)
                ck_assert_msg(info.choices[0] == '\0' || strcmp(info.choices, "auto") == 0, "%s",
                              info.name);
            for (size_t other = 0; other < p; other++)
                ck_assert_str_ne(info.name, parameter_info(s, other).name);
        }
}
END_TEST

START_TEST(choices_are_words_and_none_comes_twice)
{
    for (size_t s = 0; s < tocsin_catalog_stage_count(); s++)
        for (size_t p = 0; p < stage_info(s).parameter_count; p++) {
            const tocsin_parameter_info info = parameter_info(s, p);
            const char *word;
            size_t length;

            for (size_t i = 0; (word = tocsin__word_at(info.choices, i, &length)) != NULL; i++) {
                ck_assert_uint_gt(length, 0);
                ck_assert_int_eq(tocsin__word_index(info.choices, word, length), (int)i);
                for (size_t c = 0; c < length; c++)
                    ck_assert(islower((unsigned char)word[c]) || isdigit((unsigned char)word[c]) ||
                              word[c] == '-');
            }
        }
}
END_TEST

/* A default is written as the library itself would write it, and is within its own bounds. */
START_TEST(defaults_are_valid)
{
    for (size_t s = 0; s < tocsin__catalog_count; s++)
        for (size_t p = 0; p < tocsin__catalog[s]->param_count; p++) {
            const tocsin__param *const param = &tocsin__catalog[s]->params[p];
            tocsin__values values;
            tocsin_error error;

            memset(&error, 0, sizeof error);
            if (param->fallback[0] == '\0')
                continue;
            ck_assert_msg(tocsin__values_parse(param, param->fallback, strlen(param->fallback),
                                               &values, &error) == TOCSIN_OK,
                          "%s: %s", param->name, error.message);
        }
}
END_TEST

/* ---- The functions --------------------------------------------------------- */

START_TEST(wrong_arguments_are_refused)
{
    const size_t stages = tocsin_catalog_stage_count();
    tocsin_stage_info stage;
    tocsin_parameter_info parameter;
    size_t index = 0;

    memset(&stage, 0, sizeof stage);
    memset(&parameter, 0, sizeof parameter);
    ck_assert_int_eq(tocsin_catalog_stage(0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_stage(0, &stage), TOCSIN_ERROR_ARGUMENT);
    stage.struct_size = sizeof stage - 1;
    ck_assert_int_eq(tocsin_catalog_stage(0, &stage), TOCSIN_ERROR_ARGUMENT);
    stage.struct_size = sizeof stage;
    ck_assert_int_eq(tocsin_catalog_stage(stages, &stage), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_stage((size_t)-1, &stage), TOCSIN_ERROR_ARGUMENT);

    ck_assert_int_eq(tocsin_catalog_parameter(0, 0, NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_parameter(0, 0, &parameter), TOCSIN_ERROR_ARGUMENT);
    parameter.struct_size = sizeof parameter;
    ck_assert_int_eq(tocsin_catalog_parameter(stages, 0, &parameter), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_parameter(0, stage_info(0).parameter_count, &parameter),
                     TOCSIN_ERROR_ARGUMENT);

    ck_assert_int_eq(tocsin_catalog_find(NULL, &index), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_find("ewma", NULL), TOCSIN_ERROR_ARGUMENT);
    ck_assert_int_eq(tocsin_catalog_find("ewm", &index), TOCSIN_ERROR_NAME);
    ck_assert_int_eq(tocsin_catalog_find("", &index), TOCSIN_ERROR_NAME);
}
END_TEST

START_TEST(longer_structs_of_newer_callers_are_filled_as_far_as_known)
{
    struct {
        tocsin_stage_info known;
        uint64_t unknown;
    } newer;

    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    ck_assert_int_eq(tocsin_catalog_stage(0, &newer.known), TOCSIN_OK);
    ck_assert_str_eq(newer.known.name, stage_info(0).name);
    ck_assert_uint_eq(newer.known.struct_size, sizeof newer);
    ck_assert(newer.unknown == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("catalog");
    TCase *stages = suite_case(s, "stages");
    TCase *parameters = suite_case(s, "parameters");
    TCase *functions = suite_case(s, "functions");

    tcase_add_test(stages, stages_have_their_names_kinds_and_texts);
    tcase_add_test(stages, stages_stand_in_the_order_of_the_pipe_with_at_most_one_default_a_rank);
    tcase_add_test(stages, stages_have_the_functions_of_their_kind);
    tcase_add_test(stages, fields_cover_their_state);
    tcase_add_test(stages, sizes_and_warm_ups_are_those_of_the_stage_alone);
    tcase_add_test(parameters, parameters_have_their_names_types_and_texts);
    tcase_add_test(parameters, choices_are_words_and_none_comes_twice);
    tcase_add_test(parameters, defaults_are_valid);
    tcase_add_test(functions, wrong_arguments_are_refused);
    tcase_add_test(functions, longer_structs_of_newer_callers_are_filled_as_far_as_known);
    return s;
}

TOCSIN_TEST_MAIN(suite)
