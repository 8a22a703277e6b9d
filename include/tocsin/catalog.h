/* tocsin/catalog.h - every stage and parameter a spec may name.
 *
 * The catalog is data: help texts, documentation, bindings' signatures and the
 * library's own contract tests are generated from it or walk over it.  A new
 * detector or parameter is a new row and never changes this interface.
 *
 * All of it is static and immutable; every function here is thread-safe.
 */
#ifndef TOCSIN_CATALOG_H
#define TOCSIN_CATALOG_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The kinds of stages, in the order a point flows. */
enum {
    TOCSIN_STAGE_PREPARE = 0,   /**< clocks, counters, gaps */
    TOCSIN_STAGE_DETECT = 1,    /**< models; exactly one in a pipe */
    TOCSIN_STAGE_CALIBRATE = 2, /**< raw statistics into a rarity */
    TOCSIN_STAGE_ALARM = 3      /**< budgets, hysteresis, cool-down */
};

/** What a parameter accepts. */
enum {
    TOCSIN_TYPE_NUMBER = 0,     /**< a plain number, in `unit` */
    TOCSIN_TYPE_INTEGER = 1,    /**< a whole number */
    TOCSIN_TYPE_FRACTION = 2,   /**< 0.05 or 5% */
    TOCSIN_TYPE_DURATION = 3,   /**< 5m */
    TOCSIN_TYPE_SPAN = 4,       /**< 5m or 12p */
    TOCSIN_TYPE_SMOOTHING = 5,  /**< 0.1 per step, or a half-life: 2h or 200p */
    TOCSIN_TYPE_RATE = 6,       /**< 1/week */
    TOCSIN_TYPE_CHOICE = 7,     /**< one of the words in `choices` */
    TOCSIN_TYPE_ZONE = 8        /**< a time zone's rule: CET-1CEST,M3.5.0,M10.5.0/3 */
};

/** One stage.  Texts are static and never NULL. */
typedef struct tocsin_stage_info {
    uint32_t struct_size;       /**< set by the caller: sizeof(tocsin_stage_info) */
    uint32_t kind;              /**< TOCSIN_STAGE_* */
    uint32_t revision;          /**< the newest revision, which a spec without `@` gets */
    uint32_t oldest_revision;   /**< the oldest revision that can still be pinned */
    uint32_t parameter_count;   /**< how many parameters it takes */
    uint32_t is_default;        /**< 1: put in where a spec leaves its place empty */
    uint64_t state_size;        /**< bytes per series with every parameter at its default */
    uint64_t warmup;            /**< points without a score with every parameter at its default */
    const char *name;           /**< "holt-winters" */
    const char *summary;        /**< one line */
    const char *reference;      /**< the paper or standard; may be empty */
} tocsin_stage_info;

/** One parameter of a stage.  Texts are static and never NULL. */
typedef struct tocsin_parameter_info {
    uint32_t struct_size;       /**< set by the caller: sizeof(tocsin_parameter_info) */
    uint32_t type;              /**< TOCSIN_TYPE_* */
    uint32_t max_count;         /**< 1, or how many items a list may have */
    uint32_t shapes_state;      /**< 1: changes the state's layout, so snapshots with another value
                                     do not fit */
    double min;                 /**< smallest value accepted; durations in seconds, rates in events
                                     per second, spans in seconds or points as they are given; of a
                                     smoothing the weight, while a half-life need only be more than
                                     0 */
    double max;                 /**< largest value accepted, likewise */
    const char *name;           /**< "half-life" */
    const char *unit;           /**< "deviations"; may be empty */
    const char *default_text;   /**< as a spec would write it; empty where there is none */
    const char *choices;        /**< "skip|hold|expected"; words like "auto" that are accepted
                                     beside a typed value; or empty */
    const char *summary;        /**< one line */
} tocsin_parameter_info;

/** How many stages there are. */
TOCSIN_API size_t tocsin_catalog_stage_count(void);

/** Describe the stage at `index`.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  info is NULL, its struct_size unknown, or index past the end */
TOCSIN_API int tocsin_catalog_stage(size_t index, tocsin_stage_info *info);

/** Describe parameter `index` of the stage at `stage`.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  as above */
TOCSIN_API int tocsin_catalog_parameter(size_t stage, size_t index, tocsin_parameter_info *info);

/** Find a stage by name.
 *  @param name   without a revision: "holt-winters"
 *  @param index  receives its index
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL
 *  @retval TOCSIN_ERROR_NAME      there is none */
TOCSIN_API int tocsin_catalog_find(const char *name, size_t *index);

#ifdef __cplusplus
}
#endif
#endif
