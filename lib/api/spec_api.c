/* spec_api.c - the public functions of tocsin/spec.h: check the arguments, and hand
 * errors out.
 */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../pipeline/compile.h"

/* Hand an error out to a caller who may not want it. */
static int spec_api_fail(tocsin_error *to, tocsin_error *error)
{
    const int status = error->status;

    if (to) {
        error->struct_size = to->struct_size;
        memcpy(to, error, sizeof *error);
    }
    return status;
}

/* An argument that is wrong in itself; `what` says which. */
static int spec_api_refuse(tocsin_error *to, size_t offset, const char *what)
{
    tocsin_error error = {0};
    tocsin__text text;

    error.status = TOCSIN_ERROR_ARGUMENT;
    error.offset = (uint32_t)offset;
    tocsin__text_start(&text, error.message, sizeof error.message);
    tocsin__text_add(&text, what);
    return spec_api_fail(to, &error);
}

int tocsin_spec_compile(tocsin_spec **out, const char *text, size_t length,
                        const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_allocator copy;
    tocsin_error why = {0};

    if (out)
        *out = NULL;
    if (error && !tocsin__info_fits(error, sizeof *error))
        return TOCSIN_ERROR_ARGUMENT;
    if (!out || !text)
        return spec_api_refuse(error, 0, out ? "text is NULL" : "out is NULL");
    if (tocsin__allocator_init(&copy, allocator) < 0)
        return spec_api_refuse(error, 0, "the allocator is malformed");
    if (length == TOCSIN_NUL_TERMINATED)
        length = strlen(text);
    if (length > TOCSIN__SPEC_MAX)
        return spec_api_refuse(error, TOCSIN__SPEC_MAX, "the text is longer than 65535 bytes");
    return tocsin__spec_compile(out, text, length, &copy, &why) < 0 ? spec_api_fail(error, &why)
                                                                    : TOCSIN_OK;
}

static const char *spec_api_bad_setting(const tocsin_setting *setting, uint32_t struct_size)
{
    if (setting->struct_size != struct_size || !tocsin__info_fits(setting, sizeof *setting))
        return "the setting's struct_size is unknown or not that of the others";
    if (!setting->stage || !setting->parameter)
        return "the setting names no stage or no parameter";
    if (!setting->values && !setting->text)
        return "the setting has neither values nor a text";
    if (setting->values && setting->value_count == 0)
        return "the setting has a value_count of 0";
    return NULL;
}

int tocsin_spec_derive(tocsin_spec **out, const tocsin_spec *base, const tocsin_setting *settings,
                       size_t count, const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_allocator copy;
    tocsin_error why = {0};

    if (out)
        *out = NULL;
    if (error && !tocsin__info_fits(error, sizeof *error))
        return TOCSIN_ERROR_ARGUMENT;
    if (!out || !base || (!settings && count > 0))
        return spec_api_refuse(error, 0, "out, base or settings is NULL");
    if (tocsin__allocator_init(&copy, allocator) < 0)
        return spec_api_refuse(error, 0, "the allocator is malformed");
    for (size_t i = 0; i < count; i++) {
        const void *const setting = (const char *)settings + i * settings->struct_size;
        const char *const what = spec_api_bad_setting(setting, settings->struct_size);

        if (what)
            return spec_api_refuse(error, i, what);
    }
    return tocsin__spec_derive(out, base, settings, count, &copy, &why) < 0
               ? spec_api_fail(error, &why)
               : TOCSIN_OK;
}

void tocsin_spec_free(tocsin_spec *spec)
{
    if (spec) {
        const tocsin_allocator allocator = spec->allocator;

        tocsin__free(&allocator, spec, spec->block_size);
    }
}

int tocsin_spec_text(const tocsin_spec *spec, int style, char *text, size_t size, size_t *needed)
{
    tocsin__text out;

    if (!spec || (!text && size > 0) || (style != TOCSIN_TEXT_SHORT && style != TOCSIN_TEXT_FULL))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__text_start(&out, NULL, 0);
    tocsin__spec_write(spec, style, &out);
    if (needed)
        *needed = out.length + 1;
    if (out.length >= size)
        return TOCSIN_ERROR_SPACE;
    tocsin__text_start(&out, text, size);
    tocsin__spec_write(spec, style, &out);
    return TOCSIN_OK;
}

size_t tocsin_spec_stage_count(const tocsin_spec *spec)
{
    return spec ? spec->stage_count : 0;
}

const char *tocsin_spec_stage_name(const tocsin_spec *spec, size_t index)
{
    return spec && index < spec->stage_count ? spec->stages[index].stage->name : NULL;
}

int tocsin_spec_get(const tocsin_spec *spec, const char *stage, const char *parameter,
                    tocsin_value *values, size_t capacity, size_t *count)
{
    if (!spec || !stage || !parameter || (!values && capacity > 0) || !count)
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin__values *const found = tocsin__spec_values(spec, stage, parameter);

    if (!found)
        return TOCSIN_ERROR_NAME;
    for (size_t i = 0; i < found->count && i < capacity; i++)
        values[i] = found->item[i];
    *count = found->count;
    return found->count > capacity ? TOCSIN_ERROR_SPACE : TOCSIN_OK;
}

size_t tocsin_spec_state_size(const tocsin_spec *spec)
{
    return spec ? spec->state_size : 0;
}

uint32_t tocsin_spec_metrics(const tocsin_spec *spec)
{
    return spec ? spec->metrics : 0;
}

size_t tocsin_spec_warmup(const tocsin_spec *spec)
{
    return spec ? spec->warmup : 0;
}
