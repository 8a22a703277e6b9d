/* shard_api.c - the public functions of tocsin/shard.h: check the arguments, call the writer or
 * the reader, fill in the caller's error.
 */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../snapshot/shards.h"

/* Hand an error out to a caller who may not want it. */
static int shard_api_fail(tocsin_error *to, const tocsin_error *error)
{
    if (to) {
        const uint32_t struct_size = to->struct_size;

        *to = *error;
        to->struct_size = struct_size;
    }
    return error->status;
}

static int shard_api_bad_error(const tocsin_error *error)
{
    return error && !tocsin__info_fits(error, sizeof *error);
}

/* ---- Selections ---------------------------------------------------------------- */

int tocsin_selection_holds(const tocsin_selection *selection, uint64_t id)
{
    return tocsin__selection_is_sound(selection) && tocsin__selection_holds(selection, id);
}

int tocsin_bank_remove_selected(tocsin_bank *bank, const tocsin_selection *selection,
                                uint64_t *count)
{
    uint64_t removed = 0;

    if (!bank || !tocsin__selection_is_sound(selection))
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    for (uint32_t slot = 0; slot < bank->slots; slot++)
        if (tocsin__bank_has(bank, slot) &&
            tocsin__selection_holds(selection, tocsin__bank_key(bank, slot))) {
            tocsin__classes_detach(bank, slot);     /* it has moved: it teaches where it lives on */
            tocsin__bank_remove(bank, slot);
            removed++;
        }
    bank->removed += removed;
    if (count)
        *count = removed;
    return TOCSIN_OK;
}

/* ---- Writing ------------------------------------------------------------------- */

int tocsin_shard_writer_create(tocsin_shard_writer **out, const tocsin_bank *bank,
                               const tocsin_selection *selection,
                               const tocsin_allocator *allocator)
{
    tocsin_allocator copy;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!bank || !tocsin__selection_is_sound(selection) ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    return tocsin__shard_writer_create(out, bank, selection, &copy);
}

int tocsin_shard_writer_next(tocsin_shard_writer *writer, void *buffer, size_t size,
                             size_t *written)
{
    if (!writer || !buffer || size == 0 || !written)
        return TOCSIN_ERROR_ARGUMENT;
    *written = 0;
    return tocsin__shard_writer_next(writer, buffer, size, written);
}

void tocsin_shard_writer_free(tocsin_shard_writer *writer)
{
    if (writer)
        tocsin__shard_writer_free(writer);
}

/* ---- Reading ------------------------------------------------------------------- */

static int shard_api_bad_options(const tocsin_shard_options *options)
{
    return options && (!tocsin__info_fits(options, sizeof *options) ||
                       options->present > TOCSIN_PRESENT_NEWER ||
                       options->slots > TOCSIN_SLOTS_KEPT || options->check > 1);
}

int tocsin_shard_reader_create(tocsin_shard_reader **out, tocsin_bank *bank,
                               const tocsin_shard_options *options,
                               const tocsin_allocator *allocator)
{
    tocsin_allocator copy;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (shard_api_bad_options(options) || tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank && (bank->is_ticking ||
                 (options && options->slots == TOCSIN_SLOTS_KEPT && bank->slots > 0)))
        return TOCSIN_ERROR_CONFLICT;
    return tocsin__shard_reader_create(out, bank, options, &copy);
}

int tocsin_shard_reader_feed(tocsin_shard_reader *reader, const void *bytes, size_t size,
                             tocsin_error *error)
{
    tocsin_error why = {0};

    if (!reader || (!bytes && size > 0) || shard_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;
    if (tocsin__shard_reader_feed(reader, bytes, size, &why) < 0)
        return shard_api_fail(error, &why);
    return TOCSIN_OK;
}

int tocsin_shard_reader_finish(tocsin_shard_reader *reader, tocsin_error *error)
{
    tocsin_error why = {0};

    if (!reader || shard_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;

    const int status = tocsin__shard_reader_finish(reader, &why);

    return status < 0 ? shard_api_fail(error, &why) : status;
}

int tocsin_shard_reader_progress(const tocsin_shard_reader *reader,
                                 tocsin_shard_progress *progress)
{
    if (!reader || !progress || !tocsin__info_fits(progress, sizeof *progress))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__shard_reader_progress(reader, progress);
    return TOCSIN_OK;
}

void tocsin_shard_reader_free(tocsin_shard_reader *reader)
{
    if (reader)
        tocsin__shard_reader_free(reader);
}

/* ---- Looking ------------------------------------------------------------------- */

int tocsin_shard_peek(const void *bytes, size_t size, tocsin_shard_info *info, tocsin_error *error)
{
    tocsin_error why = {0};

    if (!bytes || !info || !tocsin__info_fits(info, sizeof *info) || shard_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;
    if (tocsin__shard_peek(bytes, size, info, &why) < 0)
        return shard_api_fail(error, &why);
    return TOCSIN_OK;
}

int tocsin_shard_spec(tocsin_spec **out, const void *bytes, size_t size,
                      const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_shard_info info = {0};
    tocsin_error why = {0};

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!bytes || shard_api_bad_error(error))
        return TOCSIN_ERROR_ARGUMENT;
    if (tocsin__shard_peek(bytes, size, &info, &why) < 0)
        return shard_api_fail(error, &why);
    why.struct_size = sizeof why;
    if (tocsin_spec_compile(out, info.spec_text, (size_t)info.spec_length, allocator, &why) < 0) {
        /* The caller has the shard, not the text: make the offset one in it. */
        why.offset += (uint32_t)(info.spec_text - (const char *)bytes);
        return shard_api_fail(error, &why);
    }
    return TOCSIN_OK;
}
