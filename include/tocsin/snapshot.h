/* tocsin/snapshot.h - save, load, inspect and compare a detector's state.
 *
 * A snapshot is a block of bytes, the same on every platform: little-endian,
 * versioned, checksummed, with the spec inside, resolved to its last parameter
 * and revision.  Saving, loading and pushing on gives the same bits as pushing
 * on.  Snapshots of every release load in every later one.  Loading is all or
 * nothing: hostile bytes give a status and leave the detector as it was.
 *
 * The format
 * ----------
 *     header   "TOCS" u16 format version, u16 oldest version that can read it,
 *              u32 total bytes, u32 kind (1: detector,
 *              2: bank, 3: forest), u32 record count
 *     record   u16 type, u16 flags (1: critical), u32 bytes, payload
 *     ...
 *     trailer  u32 CRC-32C of everything before it
 *
 * A reader skips a record it does not know unless it is critical.  The first
 * record is the spec's full text, the second how many points there were and the
 * last one's time; then comes one record per stage with the stage's name, its
 * revision, its parameters as typed values and its fields, each by name, type
 * and count.  Fields a newer release has added are absent in an old snapshot and
 * keep their initial value; fields it no longer has are skipped.
 */
#ifndef TOCSIN_SNAPSHOT_H
#define TOCSIN_SNAPSHOT_H

#include "base.h"
#include "spec.h"
#include "detector.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The snapshot format this release writes. */
#define TOCSIN_SNAPSHOT_FORMAT 1

/** Save a detector.
 *  @param detector  the detector; saving does not change it
 *  @param buffer   receives the snapshot; may be NULL if size is 0
 *  @param size     the buffer's bytes
 *  @param needed   may be NULL; receives the snapshot's bytes, also on TOCSIN_ERROR_SPACE
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  detector is NULL, or buffer is NULL and size is not 0
 *  @retval TOCSIN_ERROR_SPACE     the buffer is too small; nothing was written
 *  The size depends on the spec alone, so one question is enough.  No allocation. */
TOCSIN_API int tocsin_detector_save(const tocsin_detector *detector, void *buffer, size_t size,
                                    size_t *needed);

/** Load a snapshot into a detector of the same stages, revisions and
 *  state-shaping parameters.  Where other parameters differ (a budget, say), the
 *  detector's own are used from now on.  The alarm is part of the state: one that was
 *  on goes on, and does not start again.
 *  @param detector  the detector whose state is replaced; a failure leaves it as it was
 *  @param snapshot  the bytes; they need no alignment
 *  @param size      how many
 *  @param error  may be NULL; filled in on failure, `offset` in bytes of the snapshot
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_INFO_RESPECIFIED  loaded; parameters that do not shape the state differ
 *  @retval TOCSIN_ERROR_ARGUMENT    a NULL, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_FORMAT      not a snapshot, cut off, malformed, or a value out of bounds
 *  @retval TOCSIN_ERROR_CHECKSUM    damaged
 *  @retval TOCSIN_ERROR_VERSION     written by a release too new
 *  @retval TOCSIN_ERROR_MISMATCH    of another pipe
 *  No allocation. */
TOCSIN_API int tocsin_detector_load(tocsin_detector *detector, const void *snapshot, size_t size,
                                    tocsin_error *error);

/** What a snapshot says of itself. */
typedef struct tocsin_snapshot_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_snapshot_info) */
    uint32_t format;        /**< the format it is written in */
    uint64_t size;          /**< its bytes */
    uint64_t points;        /**< points the detector had accepted */
    int64_t time;           /**< the last point's time; TOCSIN_TIME_NONE if there was none */
    uint64_t spec_length;   /**< bytes of its spec's text, which is not NUL-terminated */
    const char *spec_text;  /**< that text, inside the snapshot */
} tocsin_snapshot_info;

/** Look into a snapshot without a detector.
 *  @param snapshot  the bytes; they need no alignment
 *  @param size      how many
 *  @param info      filled in; its text points into the snapshot
 *  @param error     may be NULL; filled in on failure, `offset` in bytes of the snapshot
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size that is unknown
 *  @retval TOCSIN_ERROR_FORMAT    as tocsin_detector_load()
 *  @retval TOCSIN_ERROR_CHECKSUM  as tocsin_detector_load()
 *  @retval TOCSIN_ERROR_VERSION   as tocsin_detector_load() */
TOCSIN_API int tocsin_snapshot_peek(const void *snapshot, size_t size, tocsin_snapshot_info *info,
                                    tocsin_error *error);

/** Compile the spec inside a snapshot, so that a state file can be opened knowing nothing else.
 *  @retval the statuses of tocsin_snapshot_peek() and tocsin_spec_compile() */
TOCSIN_API int tocsin_snapshot_spec(tocsin_spec **out, const void *snapshot, size_t size,
                                    const tocsin_allocator *allocator, tocsin_error *error);

/** Compare two detectors field by field.
 *  @param a      a detector
 *  @param b      another, or the same
 *  @param error  may be NULL; where they differ, `word` names the first field ("ewma.mean")
 *  @retval TOCSIN_OK              the same stages in the same state, bit for bit
 *  @retval TOCSIN_INFO_DIFFERENT  they differ
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL */
TOCSIN_API int tocsin_detector_compare(const tocsin_detector *a, const tocsin_detector *b,
                                       tocsin_error *error);

#ifdef __cplusplus
}
#endif
#endif
