/* snapshot_api.c - the public functions of tocsin/snapshot.h: check the
 * arguments, unwrap the handle, fill in the caller's error.
 */
#include "../core/info.h"
#include "../core/text.h"
#include "../snapshot/snapshot.h"
#include "detector_handle.h"

/* Hand an error out to a caller who may not want it. */
static int snapshot_api_fail(tocsin_error *to, const tocsin_error *error)
{
    if (to) {
        const uint32_t struct_size = to->struct_size;

        *to = *error;
        to->struct_size = struct_size;
    }
    return error->status;
}

static int snapshot_api_bad_error(const tocsin_error *error)
{
    return error && !tocsin__info_fits(error, sizeof *error);
}

int tocsin_detector_save(const tocsin_detector *detector, void *buffer, size_t size, size_t *needed)
{
    if (!detector || (!buffer && size > 0))
        return TOCSIN_ERROR_ARGUMENT;

    const size_t bytes = tocsin__snapshot_size(detector->spec);

    if (needed)
        *needed = bytes;
    if (size < bytes)
        return TOCSIN_ERROR_SPACE;
    tocsin__snapshot_write(detector->spec, tocsin__detector_const_state(detector), buffer, bytes);
    return TOCSIN_OK;
}

int tocsin_detector_load(tocsin_detector *detector, const void *snapshot, size_t size,
                         tocsin_error *error)
{
    if (!detector || !snapshot || snapshot_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;

    tocsin__snapshot opened;
    tocsin_error why = {0};
    int status = tocsin__snapshot_open(&opened, snapshot, size, &why);

    if (status >= 0)
        status = tocsin__snapshot_read(&opened, detector->spec, tocsin__detector_state(detector),
                                       &why);
    if (status < 0)
        return snapshot_api_fail(error, &why);
    tocsin__detector_forget(detector);
    return status;
}

int tocsin_snapshot_peek(const void *snapshot, size_t size, tocsin_snapshot_info *info,
                         tocsin_error *error)
{
    if (!snapshot || !info || !tocsin__info_fits(info, sizeof *info) ||
        snapshot_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;

    tocsin__snapshot opened;
    tocsin_error why = {0};

    if (tocsin__snapshot_open(&opened, snapshot, size, &why) < 0)
        return snapshot_api_fail(error, &why);
    info->format = opened.format;
    info->size = opened.size;
    info->points = opened.points;
    info->time = opened.time;
    info->spec_length = opened.spec_length;
    info->spec_text = opened.spec_text;
    return TOCSIN_OK;
}

int tocsin_snapshot_spec(tocsin_spec **out, const void *snapshot, size_t size,
                         const tocsin_allocator *allocator, tocsin_error *error)
{
    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!snapshot || snapshot_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;

    tocsin__snapshot opened;
    tocsin_error why = {0};

    if (tocsin__snapshot_open(&opened, snapshot, size, &why) < 0)
        return snapshot_api_fail(error, &why);
    why.struct_size = sizeof why;
    if (tocsin_spec_compile(out, opened.spec_text, opened.spec_length, allocator, &why) < 0) {
        /* The caller has the snapshot, not the text: make the offset one in it. */
        why.offset += (uint32_t)(opened.spec_text - (const char *)snapshot);
        return snapshot_api_fail(error, &why);
    }
    return TOCSIN_OK;
}

static int snapshot_api_differ(tocsin_error *error, const char *stage, const char *field)
{
    tocsin_error what = {0};
    tocsin__text text;

    what.status = TOCSIN_INFO_DIFFERENT;
    tocsin__text_start(&text, what.word, sizeof what.word);
    tocsin__text_add(&text, stage);
    if (field) {
        tocsin__text_add(&text, ".");
        tocsin__text_add(&text, field);
    }
    tocsin__text_start(&text, what.message, sizeof what.message);
    tocsin__text_add(&text, "the detectors differ in '");
    tocsin__text_add(&text, what.word);
    tocsin__text_add(&text, "'");
    return snapshot_api_fail(error, &what);
}

int tocsin_detector_compare(const tocsin_detector *a, const tocsin_detector *b, tocsin_error *error)
{
    if (!a || !b || snapshot_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;

    const size_t a_count = a->spec->stage_count, b_count = b->spec->stage_count;

    for (size_t i = 0; i < a_count && i < b_count; i++) {
        const tocsin__compiled_stage *ours = &a->spec->stages[i], *theirs = &b->spec->stages[i];
        const tocsin__stage *stage = ours->stage;

        if (stage != theirs->stage || ours->revision != theirs->revision ||
            memcmp(&ours->shape, &theirs->shape, sizeof ours->shape) != 0)
            return snapshot_api_differ(error, stage->name, NULL);

        const char *field = tocsin__layout_compare(
            &stage->layout, &ours->shape,
            tocsin__const_state_of(ours, tocsin__detector_const_state(a)),
            tocsin__const_state_of(theirs, tocsin__detector_const_state(b)));

        if (field)
            return snapshot_api_differ(error, stage->name, field);
    }
    if (a_count > b_count)
        return snapshot_api_differ(error, a->spec->stages[b_count].stage->name, NULL);
    if (b_count > a_count)
        return snapshot_api_differ(error, b->spec->stages[a_count].stage->name, NULL);
    return TOCSIN_OK;
}
