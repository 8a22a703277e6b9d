/* status.c - the names and meanings of statuses.
 *
 * One table, a row per number of tocsin/base.h.  The numbers are pinned for good
 * and dense, so a status is its own index: errors count down from zero,
 * information counts up.
 */
#include "common.h"

typedef struct status_row {
    const char *name;
    const char *text;
} status_row;

static const status_row status_errors[] = {
    {"TOCSIN_OK", "success"},
    {"TOCSIN_ERROR_ARGUMENT", "an argument is NULL, of a wrong size, or makes no sense"},
    {"TOCSIN_ERROR_MEMORY", "the allocator has no memory to give"},
    {"TOCSIN_ERROR_ALIGNMENT", "the caller's memory is misaligned"},
    {"TOCSIN_ERROR_SPACE", "the caller's buffer or memory is too small"},
    {"TOCSIN_ERROR_SYNTAX", "the spec does not follow the grammar"},
    {"TOCSIN_ERROR_NAME", "there is no stage, revision, parameter or choice of that name"},
    {"TOCSIN_ERROR_RANGE", "a value is outside its bounds"},
    {"TOCSIN_ERROR_CONFLICT", "values or stages exclude each other"},
    {"TOCSIN_ERROR_FORMAT", "the bytes are no snapshot, or one that is cut off or malformed"},
    {"TOCSIN_ERROR_CHECKSUM", "the snapshot is damaged: its checksum does not match"},
    {"TOCSIN_ERROR_VERSION", "the snapshot was written by a release too new for this one"},
    {"TOCSIN_ERROR_MISMATCH", "the snapshot or detector belongs to another spec"},
    {"TOCSIN_ERROR_UNSUPPORTED", "this model cannot do what was asked"},
    {"TOCSIN_ERROR_TIME", "a time is needed and missing, or an interval ends before it begins"},
    {"TOCSIN_ERROR_WIDTH", "a point has more or fewer values than the spec has metrics"},
};

static const status_row status_infos[] = {
    {"TOCSIN_OK", "success"},
    {"TOCSIN_INFO_DIFFERENT", "the two are not equal"},
    {"TOCSIN_INFO_RESPECIFIED", "loaded, and the detector's own parameters are used from now on"},
    {"TOCSIN_INFO_IGNORED", "nothing came of it: late or repeated, or too early to forecast"},
    {"TOCSIN_INFO_TORN", "opened, but some series were damaged and start anew"},
    {"TOCSIN_INFO_PARTIAL", "done in part, or more than was asked had to be forgotten"},
};

static const status_row status_unknown = {"TOCSIN_UNKNOWN", "a status this release does not know"};

static const status_row *status_find(int status)
{
    if (status >= 0 && (size_t)status < TOCSIN__COUNT(status_infos))
        return &status_infos[status];
    if (status < 0 && status > -(int)TOCSIN__COUNT(status_errors))
        return &status_errors[-status];
    return &status_unknown;
}

const char *tocsin_status_name(int status)
{
    return status_find(status)->name;
}

const char *tocsin_status_text(int status)
{
    return status_find(status)->text;
}
