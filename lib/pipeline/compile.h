/* compile.h - specs: text to compiled pipe and back.
 *
 * The public functions of tocsin/spec.h without their argument checks.  Here an
 * allocator is always complete, and an error always wanted: on failure all of
 * it but struct_size is filled in.
 */
#ifndef TOCSIN__COMPILE_H
#define TOCSIN__COMPILE_H

#include "../core/text.h"
#include "compiled.h"

/* The longest text, in bytes. */
#define TOCSIN__SPEC_MAX 65535

int tocsin__spec_compile(tocsin_spec **out, const char *text, size_t length,
                         const tocsin_allocator *allocator, tocsin_error *error);

/* Every setting is complete: stage and parameter, and values or a text.  They lie
 * settings->struct_size bytes apart. */
int tocsin__spec_derive(tocsin_spec **out, const tocsin_spec *base, const tocsin_setting *settings,
                        size_t count, const tocsin_allocator *allocator, tocsin_error *error);

/* Canonical text.  style: TOCSIN_TEXT_* */
void tocsin__spec_write(const tocsin_spec *spec, int style, tocsin__text *text);

/* A parameter's values; NULL if there is no such stage or parameter. */
const tocsin__values *tocsin__spec_values(const tocsin_spec *spec, const char *stage,
                                          const char *parameter);

/* The largest constants any stage may have: tocsin__stage_measure keeps them on the stack. */
#define TOCSIN__MAX_CONSTANTS 2048

/* Bytes of state and points of warm-up with every parameter at its default. */
void tocsin__stage_measure(const tocsin__stage *stage, size_t *state_size, size_t *warmup);

#endif
