/* catalog_api.c - the public functions of tocsin/catalog.h: the catalog's rows in
 * public structs.
 */
#include "../core/info.h"
#include "../pipeline/compile.h"

static const char *catalog_api_text(const char *text)
{
    return text ? text : "";
}

size_t tocsin_catalog_stage_count(void)
{
    return tocsin__catalog_count;
}

int tocsin_catalog_stage(size_t index, tocsin_stage_info *info)
{
    size_t state_size, warmup;

    if (!info || !tocsin__info_fits(info, sizeof *info) || index >= tocsin__catalog_count)
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin__stage *const stage = tocsin__catalog[index];

    tocsin__stage_measure(stage, &state_size, &warmup);
    tocsin__info_clear(info, sizeof *info);
    info->kind = stage->kind;
    info->revision = stage->revision;
    info->oldest_revision = stage->oldest_revision;
    info->parameter_count = (uint32_t)stage->param_count;
    info->is_default = stage->is_default;
    info->state_size = state_size;
    info->warmup = warmup;
    info->name = stage->name;
    info->summary = catalog_api_text(stage->summary);
    info->reference = catalog_api_text(stage->reference);
    return TOCSIN_OK;
}

int tocsin_catalog_parameter(size_t stage, size_t index, tocsin_parameter_info *info)
{
    if (!info || !tocsin__info_fits(info, sizeof *info) || stage >= tocsin__catalog_count ||
        index >= tocsin__catalog[stage]->param_count)
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin__param *const param = &tocsin__catalog[stage]->params[index];

    tocsin__info_clear(info, sizeof *info);
    info->type = param->type;
    info->max_count = param->max_count;
    info->shapes_state = param->shapes_state;
    info->min = param->min;
    info->max = param->max;
    info->name = param->name;
    info->unit = catalog_api_text(param->unit);
    info->default_text = catalog_api_text(param->fallback);
    info->choices = catalog_api_text(param->choices);
    info->summary = catalog_api_text(param->summary);
    return TOCSIN_OK;
}

int tocsin_catalog_find(const char *name, size_t *index)
{
    if (!name || !index)
        return TOCSIN_ERROR_ARGUMENT;

    const tocsin__stage *const stage = tocsin__find_stage(name, strlen(name));

    for (size_t i = 0; i < tocsin__catalog_count; i++)
        if (tocsin__catalog[i] == stage) {
            *index = i;
            return TOCSIN_OK;
        }
    return TOCSIN_ERROR_NAME;
}
