/* The catalog's rows: every stage's description, parameters and field table are sound.  The tables
 * are what saving, loading, documentation and the other tests stand on. */
#include <math.h>

#include "../support/inputs.h"
#include "../support/specs.h"
#include "../support/suite.h"
#include "pipeline/compiled.h"
#include "pipeline/pipeline.h"

#define for_each_stage(stage)                                                      \
    for (size_t index_ = 0; index_ < tocsin__catalog_count; index_++)              \
        for (const tocsin__stage *stage = tocsin__catalog[index_]; stage; stage = NULL)

static int is_name(const char *name)
{
    size_t i = 0;

    if (name[0] < 'a' || name[0] > 'z')
        return 0;
    for (; name[i]; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '-')
            return 0;
    return i <= 32 && name[i - 1] != '-';
}

/* A line for people: no newline, no full stop, begins in lower case like the others. */
static int is_summary(const char *text)
{
    const size_t length = strlen(text);

    return length >= 10 && length <= 120 && !strpbrk(text, "\n\t") && text[length - 1] != '.';
}

START_TEST(stages_are_described)
{
    for_each_stage (stage) {
        ck_assert_msg(is_name(stage->name), "'%s'", stage->name);
        ck_assert_msg(is_summary(stage->summary), "%s: '%s'", stage->name, stage->summary);
        ck_assert_ptr_nonnull(stage->reference);
        ck_assert_uint_ge(stage->oldest_revision, 1);
        ck_assert_uint_ge(stage->revision, stage->oldest_revision);
        ck_assert_uint_le(stage->kind, TOCSIN_STAGE_ALARM);
        ck_assert_uint_eq(stage->constants_size % 8, 0);
        for (size_t i = 0; i < index_; i++)
            ck_assert_str_ne(stage->name, tocsin__catalog[i]->name);
        if (index_ > 0)
            ck_assert_msg(stage->rank >= tocsin__catalog[index_ - 1]->rank,
                          "'%s' stands before its place in the pipe", stage->name);
    }
}
END_TEST

START_TEST(ranks_agree_with_kinds)
{
    static const uint8_t kind_of_rank[TOCSIN__RANKS] = {
        TOCSIN_STAGE_PREPARE, TOCSIN_STAGE_PREPARE,   TOCSIN_STAGE_PREPARE,
        TOCSIN_STAGE_DETECT,  TOCSIN_STAGE_CALIBRATE, TOCSIN_STAGE_ALARM,
    };
    size_t defaults[TOCSIN__RANKS] = {0};

    for_each_stage (stage) {
        ck_assert_uint_lt(stage->rank, TOCSIN__RANKS);
        ck_assert_uint_eq(stage->kind, kind_of_rank[stage->rank]);
        defaults[stage->rank] += stage->is_default;
    }
    for (size_t rank = 0; rank < TOCSIN__RANKS; rank++)
        ck_assert_uint_eq(defaults[rank], rank == TOCSIN__RANK_COUNTER ? 0 : 1);
}
END_TEST

START_TEST(stages_have_their_functions)
{
    for_each_stage (stage) {
        ck_assert(stage->resolve != NULL);
        ck_assert((stage->score != NULL) == (stage->kind == TOCSIN_STAGE_DETECT));
        ck_assert((stage->learn != NULL) == (stage->kind == TOCSIN_STAGE_DETECT));
        ck_assert((stage->push != NULL) == (stage->kind == TOCSIN_STAGE_DETECT));
        ck_assert((stage->push != NULL) == (stage->kind == TOCSIN_STAGE_DETECT));
        ck_assert((stage->rank_point != NULL) == (stage->kind == TOCSIN_STAGE_CALIBRATE));
        ck_assert((stage->learn_rank != NULL) == (stage->kind == TOCSIN_STAGE_CALIBRATE));
        ck_assert((stage->push_rank != NULL) == (stage->kind == TOCSIN_STAGE_CALIBRATE));
        ck_assert((stage->score_of != NULL) == (stage->kind == TOCSIN_STAGE_CALIBRATE));
        ck_assert((stage->decide != NULL) == (stage->kind == TOCSIN_STAGE_ALARM));
        ck_assert((stage->budgets != NULL) == (stage->kind == TOCSIN_STAGE_ALARM));
        if (stage->kind == TOCSIN_STAGE_DETECT) {
            ck_assert_uint_ge(stage->channel_count, 1);
            ck_assert_uint_le(stage->channel_count, TOCSIN_CHANNELS);
            for (size_t c = 0; c < stage->channel_count; c++)
                ck_assert_msg(is_name(stage->channel_names[c]), "%s", stage->name);
        }
    }
}
END_TEST

static double type_min(uint8_t type)
{
    switch (type) {
    case TOCSIN__I64: return -0x1p63;
    case TOCSIN__F64:
    case TOCSIN__REAL: return -DBL_MAX;
    default: return 0;
    }
}

static double type_max(uint8_t type)
{
    switch (type) {
    case TOCSIN__I64: return 0x1p63;
    case TOCSIN__U64: return 0x1p64;
    case TOCSIN__U32: return 0x1p32 - 1;
    case TOCSIN__U16: return 0x1p16 - 1;
    case TOCSIN__U8: return 0x1p8 - 1;
    default: return INFINITY;
    }
}

static size_t element_size(uint8_t type)
{
    static const size_t size[] = {8, 8, 8, 8, 4, 2, 1};

    return size[type];
}

/* The rows stand in the order of the struct, and leave out not a byte of it: a byte without a row
 * would be lost by a snapshot and unseen by a comparison. */
START_TEST(fields_cover_every_byte)
{
    for_each_stage (stage) {
        const tocsin__layout *layout = &stage->layout;
        size_t offset = 0, arrays = 0;

        ck_assert_uint_eq(layout->size % 8, 0);
        ck_assert_uint_le(layout->field_count, 256);
        for (size_t i = 0; i < layout->field_count; i++) {
            const tocsin__field *field = &layout->fields[i];

            if (field->is_array) {
                ck_assert_msg(field->array == arrays++, "%s.%s", stage->name, field->name);
                continue;
            }
            ck_assert_msg(arrays == 0, "%s.%s comes after an array", stage->name, field->name);
            ck_assert_msg(field->offset == offset, "%s.%s is at %u, its row at %zu", stage->name,
                          field->name, field->offset, offset);
            ck_assert_msg(field->count >= 1, "%s.%s is empty", stage->name, field->name);
            offset += field->count * element_size(field->type);
        }
        ck_assert_msg(offset == layout->size, "%s: %zu bytes have rows, of %zu", stage->name,
                      offset, layout->size);
        ck_assert_uint_le(arrays, TOCSIN__MAX_ARRAYS);
    }
}
END_TEST

START_TEST(fields_have_names_and_bounds)
{
    for_each_stage (stage) {
        for (size_t i = 0; i < stage->layout.field_count; i++) {
            const tocsin__field *field = &stage->layout.fields[i];

            ck_assert_uint_le(field->type, TOCSIN__U8);
            ck_assert_uint_ge(strlen(field->name), 1);
            ck_assert_uint_le(strlen(field->name), 32);
            ck_assert_msg(field->min <= field->max, "%s.%s", stage->name, field->name);
            ck_assert(!field->nan_allowed || field->type == TOCSIN__F64 ||
                      field->type == TOCSIN__REAL);
            if (field->type != TOCSIN__F64 && field->type != TOCSIN__REAL) {
                /* Bounds beyond a 64-bit type are how a row says "all of it". */
                const double slack = field->type == TOCSIN__I64 || field->type == TOCSIN__U64
                                         ? 1.1 : 1;

                ck_assert_msg(field->min >= slack * type_min(field->type) &&
                                  field->max <= slack * type_max(field->type),
                              "%s.%s has bounds its type cannot hold", stage->name, field->name);
            }
            for (size_t k = 0; k < i; k++)
                ck_assert_str_ne(field->name, stage->layout.fields[k].name);
        }
    }
}
END_TEST

START_TEST(parameters_are_described)
{
    for_each_stage (stage) {
        for (size_t i = 0; i < stage->param_count; i++) {
            const tocsin__param *param = &stage->params[i];
            const int is_choice = param->type == TOCSIN_TYPE_CHOICE;

            ck_assert_msg(is_name(param->name), "%s %s", stage->name, param->name);
            ck_assert_msg(is_summary(param->summary), "%s %s: '%s'", stage->name, param->name,
                          param->summary);
            ck_assert_uint_le(param->type, TOCSIN_TYPE_ZONE);
            ck_assert_uint_ge(param->max_count, 1);
            ck_assert_uint_le(param->max_count, TOCSIN__MAX_LIST);
            ck_assert_uint_le(param->shapes_state, 1);
            ck_assert_msg(param->min <= param->max, "%s %s", stage->name, param->name);
            ck_assert_msg(is_choice ? param->choices[0] != '\0'
                                    : strcmp(param->choices, "") == 0 ||
                                          strcmp(param->choices, "auto") == 0,
                          "%s %s has the choices '%s'", stage->name, param->name, param->choices);
            /* Times are int64 nanoseconds: a bound beyond them could never be reached. */
            if (param->type == TOCSIN_TYPE_DURATION || param->type == TOCSIN_TYPE_SPAN)
                ck_assert_msg(param->max * 1e9 < 0x1p63, "%s %s", stage->name, param->name);
            if (param->type == TOCSIN_TYPE_RATE)
                ck_assert_msg(1e9 / param->min < 0x1p63 && 1e9 / param->max >= 1, "%s %s",
                              stage->name, param->name);
            for (size_t k = 0; k < i; k++)
                ck_assert_str_ne(param->name, stage->params[k].name);
        }
    }
}
END_TEST

/* The full text of a spec, to be freed. */
static char *full_text(const tocsin_spec *spec)
{
    size_t needed;
    char *text;

    ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, NULL, 0, &needed),
                     TOCSIN_ERROR_SPACE);
    text = malloc(needed);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_FULL, text, needed, &needed), TOCSIN_OK);
    ck_assert_uint_eq(needed, strlen(text) + 1);
    return text;
}

/* Writing a default out changes nothing. */
START_TEST(defaults_are_what_they_say)
{
    for_each_stage (stage) {
        tocsin_spec *plain = specs_compile(stage->name);
        char *expected = full_text(plain);

        for (size_t i = 0; i < stage->param_count; i++) {
            char text[SPECS_TEXT], *given;
            tocsin_spec *spec;

            if (!stage->params[i].fallback[0])
                continue;
            snprintf(text, sizeof text, "%s %s=%s", stage->name, stage->params[i].name,
                     stage->params[i].fallback);
            spec = specs_compile(text);
            given = full_text(spec);
            ck_assert_str_eq(given, expected);
            free(given);
            tocsin_spec_free(spec);
        }
        free(expected);
        tocsin_spec_free(plain);
    }
}
END_TEST

static void assert_refused(const char *text, const char *value)
{
    tocsin_error error;
    tocsin_spec *spec;
    int status;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    status = tocsin_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, &error);
    ck_assert_msg(status == TOCSIN_ERROR_RANGE, "'%s' gives %s", text, tocsin_status_name(status));
    ck_assert_ptr_null(spec);
    ck_assert_int_eq(error.status, TOCSIN_ERROR_RANGE);
    ck_assert_str_eq(error.word, value);
    ck_assert_mem_eq(text + error.offset, value, strlen(value));
    ck_assert_str_ne(error.message, "");
}

/* Just outside of its bounds, each number is refused, and the error points at it. */
START_TEST(bounds_are_kept)
{
    for_each_stage (stage) {
        for (size_t i = 0; i < stage->param_count; i++) {
            const tocsin__param *param = &stage->params[i];
            const double outside[2] = {nextafter(param->min, -INFINITY),
                                       nextafter(param->max, INFINITY)};

            if (param->type > TOCSIN_TYPE_FRACTION)
                continue;
            for (size_t k = 0; k < 2; k++) {
                char value[48], text[SPECS_TEXT];

                if (isinf(outside[k]))
                    continue;
                if (param->type == TOCSIN_TYPE_INTEGER)
                    snprintf(value, sizeof value, "%.0f", k ? param->max + 1 : param->min - 1);
                else
                    snprintf(value, sizeof value, "%.17g", outside[k]);
                snprintf(text, sizeof text, "%s %s=%s", stage->name, param->name, value);
                assert_refused(text, value);
            }
        }
    }
}
END_TEST

/* Canonical text compiles to the same spec, in both styles. */
START_TEST(texts_come_back)
{
    specs list = specs_all();

    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]), *again;
        char *expected = full_text(spec), *text, shorter[4 * SPECS_TEXT];

        ck_assert_int_eq(tocsin_spec_text(spec, TOCSIN_TEXT_SHORT, shorter, sizeof shorter, NULL),
                         TOCSIN_OK);
        for (int style = TOCSIN_TEXT_SHORT; style <= TOCSIN_TEXT_FULL; style++) {
            again = specs_compile(style == TOCSIN_TEXT_SHORT ? shorter : expected);
            text = full_text(again);
            ck_assert_str_eq(text, expected);
            ck_assert_uint_eq(tocsin_spec_state_size(again), tocsin_spec_state_size(spec));
            free(text);
            tocsin_spec_free(again);
        }
        free(expected);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* The public view of the catalog is the catalog. */
START_TEST(public_rows_agree)
{
    ck_assert_uint_eq(tocsin_catalog_stage_count(), tocsin__catalog_count);
    for_each_stage (stage) {
        const tocsin_stage_info info = specs_stage(index_);
        size_t found;

        ck_assert_str_eq(info.name, stage->name);
        ck_assert_uint_eq(info.kind, stage->kind);
        ck_assert_uint_eq(info.parameter_count, stage->param_count);
        ck_assert_uint_eq(info.is_default, stage->is_default);
        ck_assert_int_eq(tocsin_catalog_find(stage->name, &found), TOCSIN_OK);
        ck_assert_uint_eq(found, index_);
        for (size_t i = 0; i < stage->param_count; i++) {
            const tocsin_parameter_info parameter = specs_parameter(index_, i);

            ck_assert_str_eq(parameter.name, stage->params[i].name);
            ck_assert_str_eq(parameter.default_text, stage->params[i].fallback);
            ck_assert_uint_eq(parameter.type, stage->params[i].type);
        }
    }
}
END_TEST

/* A detector's push is its score and then its learn, bit for bit, whatever comes. */
START_TEST(push_is_score_then_learn)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 12);
    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]);
        const tocsin__compiled_stage *detect = spec->detect;
        void *pushed = malloc(spec->state_size), *learnt = malloc(spec->state_size);
        int64_t last = 0;

        require(pushed && learnt, "the test itself is out of memory");
        tocsin__pipeline_init(spec, pushed);
        tocsin__pipeline_init(spec, learnt);
        for (size_t k = 0; k < INPUT_POINTS; k++) {
            tocsin__reading a, b;
            tocsin__point point;

            if (!isfinite(in.value[k]) || (k > 0 && in.time[k] <= last))
                continue;
            memset(&a, 0, sizeof a);
            memset(&b, 0, sizeof b);
            memset(&point, 0, sizeof point);
            point.time = in.time[k];
            point.value = in.value[k];
            point.elapsed = k > 0 && in.time[k] / 4 - last / 4 < INT64_MAX / 4 ? in.time[k] - last : 0;
            last = in.time[k];
            detect->stage->push(detect->constants, tocsin__state_of(detect, pushed), NULL, &point,
                                &a);
            detect->stage->score(detect->constants, tocsin__state_of(detect, learnt), NULL, &point,
                                 &b);
            detect->stage->learn(detect->constants, tocsin__state_of(detect, learnt), NULL, &point,
                                 &b);
            require(memcmp(&a, &b, sizeof a) == 0, "'%s' on %s: readings differ at %zu",
                    list.text[i], in.name, k);
            require(memcmp(pushed, learnt, spec->state_size) == 0,
                    "'%s' on %s: states differ at %zu", list.text[i], in.name, k);
        }
        free(learnt);
        free(pushed);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

/* A REAL of a mixed state holds nothing that a float cannot: else a snapshot would lose it. */
static void assert_kept(const tocsin_spec *spec, const char *text, const void *state)
{
    for (size_t i = 0; i < spec->stage_count; i++) {
        const tocsin__compiled_stage *compiled = &spec->stages[i];
        const tocsin__layout *layout = &compiled->stage->layout;

        for (size_t f = 0; f < layout->field_count; f++) {
            const tocsin__field *field = &layout->fields[f];

            if (field->type != TOCSIN__REAL || field->is_array ||
                compiled->shape.precision != TOCSIN__MIXED)
                continue;
            for (uint32_t e = 0; e < field->count; e++) {
                volatile float narrow;
                double value;

                memcpy(&value, (const char *)tocsin__const_state_of(compiled, state) +
                                   field->offset + 8 * e, sizeof value);
                narrow = (float)value;
                require(isnan(value) || (double)narrow == value, "'%s': %s.%s is %a", text,
                        compiled->stage->name, field->name, value);
            }
        }
    }
}

START_TEST(mixed_states_hold_floats)
{
    specs list = specs_few();
    input in;

    input_make(&in, _i, 13);
    for (size_t i = 0; i < list.count; i++) {
        tocsin_spec *spec = specs_compile(list.text[i]);
        tocsin__outcome outcome;
        void *state = malloc(spec->state_size);

        require(state != NULL, "the test itself is out of memory");
        memset(&outcome, 0, sizeof outcome);
        tocsin__pipeline_init(spec, state);
        for (size_t k = 0; k < INPUT_POINTS; k++) {
            outcome.point.time = in.time[k];
            outcome.point.value = in.value[k];
            tocsin__pipeline_push(spec, state, NULL, TOCSIN_LEARN_AND_SCORE, &outcome);
            assert_kept(spec, list.text[i], state);
        }
        free(state);
        tocsin_spec_free(spec);
    }
    specs_free(&list);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tables");
    TCase *tcase = suite_case(s, "tables");

    tcase_add_test(tcase, stages_are_described);
    tcase_add_test(tcase, ranks_agree_with_kinds);
    tcase_add_test(tcase, stages_have_their_functions);
    tcase_add_test(tcase, fields_cover_every_byte);
    tcase_add_test(tcase, fields_have_names_and_bounds);
    tcase_add_test(tcase, parameters_are_described);
    tcase_add_test(tcase, defaults_are_what_they_say);
    tcase_add_test(tcase, bounds_are_kept);
    tcase_add_test(tcase, texts_come_back);
    tcase_add_test(tcase, public_rows_agree);
    tcase_add_loop_test(tcase, push_is_score_then_learn, 0, INPUT_KINDS);
    tcase_add_loop_test(tcase, mixed_states_hold_floats, 0, INPUT_KINDS);
    return s;
}

TOCSIN_TEST_MAIN(suite)
