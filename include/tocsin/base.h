/* tocsin/base.h - what every other header builds on: statuses, errors,
 * allocators and time.
 */
#ifndef TOCSIN_BASE_H
#define TOCSIN_BASE_H

#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statuses -----------------------------------------------------------
 *
 * The numbers are pinned for good: a status keeps its meaning in every later
 * release, and new ones are only added.  Negative is an error, 0 is success,
 * positive is a success with something to tell.
 */
enum {
    TOCSIN_OK = 0,

    TOCSIN_ERROR_ARGUMENT = -1,    /**< a NULL, a size or an option that makes no sense */
    TOCSIN_ERROR_MEMORY = -2,      /**< the allocator returned NULL */
    TOCSIN_ERROR_ALIGNMENT = -3,   /**< caller-provided memory is misaligned */
    TOCSIN_ERROR_SPACE = -4,       /**< the caller's buffer or memory is too small */
    TOCSIN_ERROR_SYNTAX = -5,      /**< a spec that does not follow the grammar */
    TOCSIN_ERROR_NAME = -6,        /**< no stage, parameter or choice of that name */
    TOCSIN_ERROR_RANGE = -7,       /**< a value outside its documented bounds */
    TOCSIN_ERROR_CONFLICT = -8,    /**< values or stages that exclude each other */
    TOCSIN_ERROR_FORMAT = -9,      /**< not a snapshot, or one that is cut off or malformed */
    TOCSIN_ERROR_CHECKSUM = -10,   /**< a snapshot whose checksum does not match its bytes */
    TOCSIN_ERROR_VERSION = -11,    /**< written by a newer release that says old ones must not read
                                        it */
    TOCSIN_ERROR_MISMATCH = -12,   /**< a snapshot or detector of another spec */
    TOCSIN_ERROR_UNSUPPORTED = -13,/**< this model cannot do what was asked */
    TOCSIN_ERROR_TIME = -14,       /**< TOCSIN_TIME_NONE where a time is needed, or an interval that
                                        ends before it begins */
    TOCSIN_ERROR_WIDTH = -15,      /**< a point with more or fewer values than the spec has
                                        metrics */

    TOCSIN_INFO_DIFFERENT = 1,     /**< a comparison: the two are not equal */
    TOCSIN_INFO_RESPECIFIED = 2,   /**< a load: parameters that do not shape the state differ; the
                                        detector's own are used */
    TOCSIN_INFO_IGNORED = 3,       /**< nothing came of it: a late or repeated point, a tick of the
                                        past, a forecast while warming */
    TOCSIN_INFO_TORN = 4,          /**< a bank in mapped memory: some of it was damaged, and those
                                        series start anew; a snapshot: so does a stage whose state
                                        does not fit together */
    TOCSIN_INFO_PARTIAL = 5        /**< an exclusion: some of it was undone, or more than was asked;
                                        see tocsin_detector_exclude() */
};

/** The name of a status, "TOCSIN_ERROR_SPACE"; "TOCSIN_UNKNOWN" for a number that is none.
 *  Static text, never NULL.  Thread-safe. */
TOCSIN_API const char *tocsin_status_name(int status);

/** What a status means, as half a sentence: "the caller's buffer is too small".
 *  Static text, never NULL.  Thread-safe. */
TOCSIN_API const char *tocsin_status_text(int status);

/* ---- Errors that need more than a number --------------------------------
 *
 * A spec or a snapshot is text or bytes somebody wrote; when it is wrong the
 * caller wants to know where.  Functions that read one take an optional
 * tocsin_error and fill it in when, and only when, they fail.
 */
/** What is wrong with a text or with bytes, and where. */
typedef struct tocsin_error {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_error) */
    int32_t status;         /**< the status that is returned too */
    uint32_t offset;        /**< where, in bytes from the start of the text or snapshot */
    uint32_t length;        /**< how many bytes there are at fault; 0 where something is missing */
    char word[48];          /**< the word at fault, cut to fit; may be empty */
    char suggestion[48];    /**< a word that would have been right, or empty */
    char message[256];      /**< one sentence: what is wrong, what was expected, did you mean */
} tocsin_error;

/* ---- Allocators ---------------------------------------------------------
 *
 * Every constructor takes an optional allocator; NULL means malloc and free.
 * The struct is copied, so it need not outlive the call; `user` must outlive
 * the object.  `alloc` returns memory of at least `size` bytes, aligned to
 * `align` (a power of two, at most 64), or NULL; `free` gets the size that was
 * asked for.  They are called only by functions that create, add to, or free an
 * object, on the thread that called those.
 */
/** Where an object's memory comes from and goes to. */
typedef struct tocsin_allocator {
    uint32_t struct_size;   /**< sizeof(tocsin_allocator) */
    uint32_t reserved;      /**< 0 */
    void *user;             /**< handed to both functions */
    void *(*alloc)(void *user, size_t size, size_t align);  /**< NULL on failure */
    void (*free)(void *user, void *ptr, size_t size);       /**< ptr is never NULL */
} tocsin_allocator;

/* ---- Time ---------------------------------------------------------------
 *
 * Times are int64_t nanoseconds since the Unix epoch, as in OpenTelemetry.
 * Durations are int64_t nanoseconds too.  A point that has no time carries
 * TOCSIN_TIME_NONE and is taken to come one nominal step (`clock step=`, else a
 * minute) after the one before it, the first at 0.  Give a series' points times
 * throughout or not at all: what has counted from 0 knows nothing of today, and
 * silence (tocsin_detector_tick) can only be told of points with times.
 */
#define TOCSIN_TIME_NONE INT64_MIN              /**< no time: see above */
#define TOCSIN_NANOSECOND ((int64_t)1)          /**< the unit of all times */
#define TOCSIN_MICROSECOND ((int64_t)1000)      /**< a millionth of a second */
#define TOCSIN_MILLISECOND ((int64_t)1000000)   /**< a thousandth of a second */
#define TOCSIN_SECOND ((int64_t)1000000000)     /**< a second */
#define TOCSIN_MINUTE (60 * TOCSIN_SECOND)      /**< 60 seconds */
#define TOCSIN_HOUR (3600 * TOCSIN_SECOND)      /**< 60 minutes */
#define TOCSIN_DAY (86400 * TOCSIN_SECOND)      /**< 24 hours, whatever the calendar says */
#define TOCSIN_WEEK (604800 * TOCSIN_SECOND)    /**< 7 days */

/** As a text's length: the text ends at its NUL. */
#define TOCSIN_NUL_TERMINATED ((size_t)-1)

#ifdef __cplusplus
}
#endif
#endif
