/* class_api.c - the public functions of tocsin/bank.h that concern classes: check the arguments,
 * call the bank.
 */
#include "../bank/bank.h"
#include "../bank/classes.h"
#include "../core/info.h"

int tocsin_bank_add_to(tocsin_bank *bank, uint64_t id, uint64_t class_id, uint32_t *slot)
{
    uint32_t found;

    if (!bank || !bank->classes)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    const uint64_t added = bank->added;
    const int status = tocsin__bank_add(bank, id, &found);

    if (status != TOCSIN_OK)
        return status;
    if (bank->added != added)
        tocsin__classes_join(bank, found, class_id);
    if (slot)
        *slot = found;
    return TOCSIN_OK;
}

int tocsin_bank_class_of(const tocsin_bank *bank, uint32_t slot, uint64_t *class_id)
{
    if (!bank || !class_id)
        return TOCSIN_ERROR_ARGUMENT;
    if (!tocsin__bank_has(bank, slot))
        return TOCSIN_ERROR_RANGE;

    const uint32_t index = tocsin__classes_of(bank, slot);

    if (index == TOCSIN_SLOT_NONE)
        return TOCSIN_INFO_IGNORED;
    *class_id = tocsin__classes_at(bank, index)->id;
    return TOCSIN_OK;
}

/* What a series that starts now would know. */
static void class_api_look(const tocsin_bank *bank, uint32_t index, tocsin_explanation *said)
{
    const tocsin_spec *spec = bank->spec;
    const tocsin__compiled_stage *stages[] = {spec->detect, spec->calibrate};
    const void *state = tocsin__classes_initial(bank, index);
    tocsin__outcome nobody;

    tocsin__outcome_init(&nobody);
    memset(said, 0, sizeof *said);
    said->level = said->limit = said->step = tocsin__nan();
    for (size_t i = 0; i < TOCSIN__COUNT(stages); i++)
        if (stages[i] && stages[i]->stage->explain)
            stages[i]->stage->explain(stages[i]->constants,
                                      tocsin__const_state_of(stages[i], state), &nobody.reading,
                                      said);
}

int tocsin_bank_class_describe(const tocsin_bank *bank, uint64_t class_id, tocsin_class_info *info)
{
    tocsin_explanation said;

    if (!bank || !info || !tocsin__info_fits(info, sizeof *info))
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    const uint32_t index = tocsin__classes_find(bank, class_id);

    if (index == TOCSIN_SLOT_NONE)
        return TOCSIN_ERROR_RANGE;

    const tocsin__class *row = tocsin__classes_at(bank, index);

    class_api_look(bank, index, &said);
    tocsin__info_clear(info, sizeof *info);
    info->members = row->members;
    info->class_id = row->id;
    info->left = row->left;
    info->time = row->active;
    info->history = said.history;
    info->step = said.step > 0 ? said.step : tocsin__nan();
    info->limit = said.limit;
    info->level = said.level;
    return TOCSIN_OK;
}

int tocsin_bank_class_forget(tocsin_bank *bank, uint64_t class_id)
{
    if (!bank)
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;

    const uint32_t index = tocsin__classes_find(bank, class_id);

    if (index == TOCSIN_SLOT_NONE)
        return TOCSIN_ERROR_RANGE;
    tocsin__classes_forget(bank, index);
    return TOCSIN_OK;
}

int tocsin_bank_classes(const tocsin_bank *bank, tocsin_classes_info *info, uint64_t *ids,
                        size_t capacity)
{
    const uint32_t count = bank ? tocsin__classes_count(bank) : 0;
    uint64_t known = 0;

    if (!bank || (capacity && !ids) || (info && !tocsin__info_fits(info, sizeof *info)))
        return TOCSIN_ERROR_ARGUMENT;
    if (bank->is_ticking)
        return TOCSIN_ERROR_CONFLICT;
    for (uint32_t i = 0; i < count; i++) {
        const tocsin__class *row = tocsin__classes_at(bank, i);

        if (!row)
            continue;
        if (known < capacity)
            ids[known] = row->id;
        known++;
    }
    if (info) {
        tocsin__info_clear(info, sizeof *info);
        info->max_classes = bank->options.max_classes;
        info->classes = known;
        info->displaced = tocsin__classes_displaced(bank);
        info->without = tocsin__classes_without(bank);
    }
    return TOCSIN_OK;
}
