/* tocsin/spec.h - the one line of text that says what to do with a series.
 *
 * The same line serves the C API, configuration files, the command line,
 * bindings and snapshots.
 *
 * Grammar
 * -------
 *     spec       =  stage { "|" stage }
 *     stage      =  name [ "@" revision ] { name "=" value }
 *     value      =  item { "," item }
 *     item       =  number | fraction | duration | points | rate | word | zone
 *     number     =  12   -0.5   1e6   inf
 *     fraction   =  0.05   5%
 *     duration   =  30s   5m   1.5h   1h30m   7d   250ms       (ns us ms s m h d w)
 *     points     =  12p                                        a count of samples
 *     rate       =  1/week   3/day   2/h   10/12h   0.5/month   per second minute hour day week
 *                                                              month (30d) year (365d) or duration
 *     word       =  skip   auto   mixed
 *     zone       =  CET-1CEST,M3.5.0,M10.5.0/3   <+0530>-5:30     a rule as POSIX has it in TZ
 *
 * Words are separated by spaces, tabs or newlines; names are lower case with
 * hyphens; a `#` begins a comment that runs to the end of the line.
 *
 * Stages come in the order in which a point flows through them.  Those with a
 * default role (`clock`, `gaps`, `auto`, `tail`, `alarm`) are put in where the
 * text leaves them out; `raw` in the place of `tail` ends the pipe early, and
 * the score is then the detector's raw statistic, for which only an alarm with a
 * threshold can be named: `raw | alarm threshold=5 cooldown=12h`.  The empty text
 * is a valid spec: all defaults.
 *
 * `name@2` pins a stage's revision: when a later release improves a model in a
 * way that changes its output, the text keeps meaning what it meant.
 * tocsin_spec_text() writes every revision out.
 *
 * tocsin never clamps: a value outside its bounds is an error that names them.
 */
#ifndef TOCSIN_SPEC_H
#define TOCSIN_SPEC_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A compiled spec: immutable, shared by any number of detectors and threads.
 *  It must outlive everything that was created from it. */
typedef struct tocsin_spec tocsin_spec;

/** The forms a parameter's value can take. */
enum {
    TOCSIN_VALUE_NONE = 0,      /**< not set, and there is no default */
    TOCSIN_VALUE_NUMBER = 1,    /**< `number`: a plain number or a fraction */
    TOCSIN_VALUE_DURATION = 2,  /**< `duration`: nanoseconds */
    TOCSIN_VALUE_POINTS = 3,    /**< `number`: a count of samples */
    TOCSIN_VALUE_RATE = 4,      /**< `duration`: nanoseconds per event */
    TOCSIN_VALUE_CHOICE = 5,    /**< `number`: index into the parameter's choices */
    TOCSIN_VALUE_AUTO = 6,      /**< the word `auto`: the library decides, see the parameter's
                                     text */
    TOCSIN_VALUE_ZONE = 7       /**< `duration`: what stands between two commas of a time zone's
                                     rule, packed; made by text alone */
};

/** One typed value of one parameter; which field holds it depends on `form`. */
typedef struct tocsin_value {
    uint32_t form;          /**< TOCSIN_VALUE_* */
    uint32_t reserved;      /**< 0 */
    double number;          /**< a number, a fraction (0.05 for 5%), a count or an index */
    int64_t duration;       /**< nanoseconds */
} tocsin_value;

/** A typed assignment to one parameter, for tocsin_spec_derive(). */
typedef struct tocsin_setting {
    uint32_t struct_size;       /**< sizeof(tocsin_setting) */
    uint32_t value_count;       /**< how many values (1 unless the parameter is a list) */
    const char *stage;          /**< "ewma" */
    const char *parameter;      /**< "half-life" */
    const tocsin_value *values; /**< value_count of them; NULL: take `text` instead */
    const char *text;           /**< the value as a spec would write it, "2h"; used where values is
                                     NULL */
} tocsin_setting;

/** Compile a text.
 *
 *  @param out     receives the spec; NULL on failure
 *  @param text    the spec, see the grammar above
 *  @param length  its bytes, at most 65535, or TOCSIN_NUL_TERMINATED
 *  @param allocator  may be NULL (malloc)
 *  @param error   may be NULL; filled in on failure with offset, word, what was
 *                 expected and a suggestion
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  out or text is NULL, the text is too long, the allocator is
 *                                 malformed, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_SYNTAX    the text does not follow the grammar
 *  @retval TOCSIN_ERROR_NAME      an unknown stage, revision, parameter or choice
 *  @retval TOCSIN_ERROR_RANGE     a value out of bounds
 *  @retval TOCSIN_ERROR_CONFLICT  stages out of order or given twice, parameters that exclude
 *                                 each other
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *
 *  Linear in the text's length; one allocation.  Thread-safe. */
TOCSIN_API int tocsin_spec_compile(tocsin_spec **out, const char *text, size_t length,
                                   const tocsin_allocator *allocator, tocsin_error *error);

/** Compile a copy of `base` with some parameters set anew: the typed way to
 *  write a spec, for bindings and programs that would otherwise print numbers
 *  only to have them parsed.  The stage must be one of base's.  In an error,
 *  `offset` is the index of the setting at fault.  TOCSIN_ERROR_ARGUMENT is also
 *  a value of a form that its parameter does not take, TOCSIN_ERROR_CONFLICT also
 *  a parameter set twice.
 *
 *  @retval the statuses of tocsin_spec_compile() */
TOCSIN_API int tocsin_spec_derive(tocsin_spec **out, const tocsin_spec *base,
                                  const tocsin_setting *settings, size_t count,
                                  const tocsin_allocator *allocator, tocsin_error *error);

/** Free a spec.  NULL is fine.  Detectors and banks created from it are freed before it: they
 *  read it until then. */
TOCSIN_API void tocsin_spec_free(tocsin_spec *spec);

/** Styles of tocsin_spec_text(). */
enum {
    TOCSIN_TEXT_SHORT = 0,  /**< every stage with its revision, and the parameters that are not at
                                 their default */
    TOCSIN_TEXT_FULL = 1    /**< every stage with its revision, and every parameter that has a
                                 value */
};

/** Write the spec back as canonical text.  Compiling that text gives an equal
 *  spec; two specs are equal exactly if their full texts are.
 *
 *  @param spec    the spec
 *  @param style   TOCSIN_TEXT_*
 *  @param text    buffer; receives a NUL-terminated text.  May be NULL if size is 0
 *  @param size    the buffer's bytes
 *  @param needed  may be NULL; receives the bytes needed including the NUL, also on
 *                 TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  spec is NULL, an unknown style, or text is NULL and size is not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written */
TOCSIN_API int tocsin_spec_text(const tocsin_spec *spec, int style, char *text, size_t size,
                                size_t *needed);

/** How many stages the pipe has, those put in by default included.  0 if spec is NULL. */
TOCSIN_API size_t tocsin_spec_stage_count(const tocsin_spec *spec);

/** The name of a stage of the pipe ("ewma"), or NULL if there is none at that index
 *  or spec is NULL.  The text is static. */
TOCSIN_API const char *tocsin_spec_stage_name(const tocsin_spec *spec, size_t index);

/** Read the resolved values of one parameter.
 *
 *  @param spec       the spec
 *  @param stage      a stage of its pipe: "ewma"
 *  @param parameter  one of that stage's parameters: "half-life"
 *  @param values     receives up to `capacity` values; may be NULL if that is 0
 *  @param capacity   how many values there is room for
 *  @param count      receives how many values the parameter has; 0: not set, and no default
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_NAME      the pipe has no such stage, or the stage no such parameter
 *  @retval TOCSIN_ERROR_SPACE     more values than capacity; the first ones are written, and
 *                               count */
TOCSIN_API int tocsin_spec_get(const tocsin_spec *spec, const char *stage, const char *parameter,
                               tocsin_value *values, size_t capacity, size_t *count);

/** Bytes of caller-provided memory that tocsin_detector_create_in() needs.  0 if spec is NULL. */
TOCSIN_API size_t tocsin_spec_detector_size(const tocsin_spec *spec);

/** The alignment of that memory: a power of two, at most 64.  The same for every spec. */
TOCSIN_API size_t tocsin_spec_detector_alignment(const tocsin_spec *spec);

/** Bytes of one series' state, the part that grows with the number of series.
 *  0 if spec is NULL. */
TOCSIN_API size_t tocsin_spec_state_size(const tocsin_spec *spec);

/** How many values a point has: what the detector's `metrics=` says, else 1.  Where it is more
 *  than 1, points are rows: tocsin_detector_push_row().  0 if spec is NULL. */
TOCSIN_API uint32_t tocsin_spec_metrics(const tocsin_spec *spec);

/** Points without a score at the beginning, if none is missing: the stages' warm-ups,
 *  one after the other; fewer where a budget's return period is only a few steps.
 *  Budgets may ask for more history, in time, before they ring (TOCSIN_FLAG_SHORT_HISTORY).
 *  0 if spec is NULL. */
TOCSIN_API size_t tocsin_spec_warmup(const tocsin_spec *spec);

#ifdef __cplusplus
}
#endif
#endif
