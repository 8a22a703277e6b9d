/* one_stage.h - a pipe's detector by itself: its state can be set field by field, and
 * points reach it without the stages around it.
 */
#ifndef TOCSIN_TEST_ONE_STAGE_H
#define TOCSIN_TEST_ONE_STAGE_H

#include <check.h>
#include <stdlib.h>

#include "pipeline/compiled.h"
#include "tocsin.h"

typedef struct one_stage {
    tocsin_spec *spec;
    const tocsin__compiled_stage *detect;
    void *state;
    tocsin__reading reading;    /* of the last point */
    int64_t last;
    int has_last;
} one_stage;

static inline one_stage one_stage_open(const char *text)
{
    one_stage one;
    tocsin_error error;

    memset(&one, 0, sizeof one);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    ck_assert_msg(tocsin_spec_compile(&one.spec, text, TOCSIN_NUL_TERMINATED, NULL, &error) == 0,
                  "%s: %s", text, error.message);
    one.detect = one.spec->detect;
    one.state = calloc(1, one.detect->state_size);
    ck_assert_ptr_nonnull(one.state);
    if (one.detect->stage->init)
        one.detect->stage->init(one.detect->constants, one.state);
    return one;
}

static inline void one_stage_close(one_stage *one)
{
    free(one->state);
    tocsin_spec_free(one->spec);
}

/* Score and learn one point; NaN is passed over, as the pipe does. */
static inline void one_stage_push(one_stage *one, int64_t time, double value)
{
    const tocsin__stage *stage = one->detect->stage;
    tocsin__point point;

    memset(&one->reading, 0, sizeof one->reading);
    if (value != value)
        return;
    memset(&point, 0, sizeof point);
    point.time = time;
    point.elapsed = one->has_last ? time - one->last : 0;
    point.value = value;
    stage->score(one->detect->constants, one->state, NULL, &point, &one->reading);
    stage->learn(one->detect->constants, one->state, NULL, &point, &one->reading);
    one->last = time;
    one->has_last = 1;
}

static inline const tocsin__field *one_stage_field(const one_stage *one, const char *name)
{
    const tocsin__layout *layout = &one->detect->stage->layout;

    for (size_t i = 0; i < layout->field_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0)
            return &layout->fields[i];
    ck_abort_msg("the state has no field '%s'", name);
    return NULL;
}

static inline void one_stage_set(one_stage *one, const char *name, double value)
{
    const tocsin__field *field = one_stage_field(one, name);
    char *at = (char *)one->state + field->offset;

    ck_assert(!field->is_array);
    switch (field->type) {
    case TOCSIN__I64:
        *(int64_t *)(void *)at = (int64_t)value;
        break;
    case TOCSIN__U32:
        *(uint32_t *)(void *)at = (uint32_t)value;
        break;
    default:
        ck_assert(field->type == TOCSIN__F64 || field->type == TOCSIN__REAL);
        *(double *)(void *)at = value;
    }
}

static inline double one_stage_get(const one_stage *one, const char *name)
{
    const tocsin__field *field = one_stage_field(one, name);
    const char *at = (const char *)one->state + field->offset;

    switch (field->type) {
    case TOCSIN__I64:
        return (double)*(const int64_t *)(const void *)at;
    case TOCSIN__U32:
        return *(const uint32_t *)(const void *)at;
    default:
        return *(const double *)(const void *)at;
    }
}

static inline void one_stage_set_slot(one_stage *one, const char *name, size_t slot, double value)
{
    const tocsin__field *field = one_stage_field(one, name);
    const tocsin__shape *shape = &one->detect->shape;

    ck_assert(field->is_array && slot < shape->length[field->array]);
    tocsin__array_store(shape->precision,
                        (char *)one->state + tocsin__layout_array(&one->detect->stage->layout,
                                                                  shape, field->array),
                        slot, value);
}

/* |a - b| is at most so much of the larger, or of `scale`. */
#define assert_near(a, b, scale, tolerance, where)                                             \
    do {                                                                                       \
        const double a_ = (a), b_ = (b), scale_ = (scale);                                     \
        const double size_ = a_ > scale_ ? a_ : -a_ > scale_ ? -a_ : scale_;                   \
        const double gap_ = a_ > b_ ? a_ - b_ : b_ - a_;                                       \
        ck_assert_msg(gap_ <= (tolerance) * size_, "%s, point %zu: %s is %.17g, not %.17g",    \
                      (where), point_index, #a, a_, b_);                                       \
    } while (0)

#endif
