/* stage_alone.h - a detector of rows without the pipe around it: its constants and its state, for
 * tests that include its source file and look inside.
 *
 *     STAGE_ALONE(forest, rcforest)       struct forest; forest_new(), forest_push(), forest_free()
 */
#ifndef TOCSIN_TEST_STAGE_ALONE_H
#define TOCSIN_TEST_STAGE_ALONE_H

#include "../../lib/pipeline/compiled.h"
#include "specs.h"

#define STAGE_ALONE(name, stage)                                        \
    typedef struct name {                                               \
        tocsin_spec *spec;                                              \
        const stage##_constants *k;                                     \
        stage##_state *s;                                               \
        tocsin__point point;                                            \
        tocsin__reading reading;                                        \
    } name;                                                             \
                                                                        \
    static name name##_new(const char *text)                            \
    {                                                                   \
        name alone;                                                     \
                                                                        \
        memset(&alone, 0, sizeof alone);                                \
        alone.spec = specs_compile(text);                               \
        alone.k = alone.spec->detect->constants;                        \
        alone.s = calloc(1, alone.spec->detect->state_size);            \
        require(alone.s != NULL, "the test itself is out of memory");   \
        stage##_init(alone.k, alone.s);                                 \
        return alone;                                                   \
    }                                                                   \
                                                                        \
    static void name##_free(name *alone)                                \
    {                                                                   \
        free(alone->s);                                                 \
        tocsin_spec_free(alone->spec);                                  \
    }                                                                   \
                                                                        \
    static void name##_push(name *alone, const double *row)             \
    {                                                                   \
        alone->point.row = alone->k->rows.metrics > 1 ? row : NULL;     \
        alone->point.value = row[0];                                    \
        alone->reading.flags = 0;                                       \
        stage##_push(alone->k, alone->s, NULL, &alone->point, &alone->reading); \
    }

#endif
