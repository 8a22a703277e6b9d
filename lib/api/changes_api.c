/* changes_api.c - the public function of tocsin/changes.h: check the arguments, resolve the options'
 * defaults, leave out what is no number and count it back in.
 */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../gate/changes.h"

#define CHANGES_API_PERMUTATIONS 999u
#define CHANGES_API_SEGMENT 5u
#define CHANGES_API_ALPHA 0.05

/* 0 for options out of bounds. */
static int changes_api_options(tocsin_changes_options *resolved,
                               const tocsin_changes_options *given)
{
    memset(resolved, 0, sizeof *resolved);
    if (given) {
        if (!tocsin__info_fits(given, sizeof *given))
            return 0;
        *resolved = *given;
    }
    if (resolved->permutations == 0)
        resolved->permutations = CHANGES_API_PERMUTATIONS;
    if (resolved->min_segment == 0)
        resolved->min_segment = CHANGES_API_SEGMENT;
    if (resolved->alpha == 0)
        resolved->alpha = CHANGES_API_ALPHA;
    return resolved->permutations >= 99 && resolved->permutations <= 99999 &&
           resolved->min_segment >= 2 && resolved->min_segment <= 65536 &&
           resolved->block <= 65536 && resolved->alpha > 0 && resolved->alpha <= 0.5 &&
           resolved->min_effect >= 0;
}

/* Indexes among the values that are numbers become those among all of them.  An end goes right behind
 * its last number. */
static void changes_api_count_back(tocsin_change *found, size_t count, const double *values,
                                   uint64_t n)
{
    uint64_t number = 0;
    size_t begun = 0, ended = 0, from = 0;

    for (uint64_t i = 0; i < n; i++) {
        if (!tocsin__is_finite(values[i]))
            continue;
        for (; begun < count && found[begun].index == number; begun++)
            found[begun].index = i;
        for (; from < count && found[from].from == number; from++)
            found[from].from = i;
        number++;
        for (; ended < count && found[ended].to == number; ended++)
            found[ended].to = i + 1;
    }
}

int tocsin_changes_find(tocsin_change *changes, size_t change_size, uint64_t capacity,
                        uint64_t *count, const double *values, uint64_t n,
                        const tocsin_changes_options *options, const tocsin_allocator *allocator)
{
    tocsin_changes_options resolved;
    tocsin_allocator copy;
    tocsin_change *found;
    double *numbers;
    void *block;
    size_t size, finite = 0, most, have;

    if (!count || (!changes && capacity > 0) || change_size < TOCSIN_CHANGE_MIN_SIZE ||
        (!values && n > 0) || n > TOCSIN_CHANGES_VALUES_MAX ||
        !changes_api_options(&resolved, options) ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;

    most = (size_t)n / resolved.min_segment;
    size = most * sizeof *found + (size_t)n * sizeof *numbers +
           tocsin__changes_scratch((size_t)n, most);
    block = tocsin__alloc(&copy, size, 8);
    if (!block)
        return TOCSIN_ERROR_MEMORY;
    found = block;
    numbers = (double *)(void *)(found + most);
    for (uint64_t i = 0; i < n; i++)
        if (tocsin__is_finite(values[i]))
            numbers[finite++] = values[i];
    have = tocsin__changes(found, most, numbers, finite, &resolved, numbers + n);
    changes_api_count_back(found, have, values, n);
    *count = have;
    for (size_t i = 0; i < have && i < capacity; i++) {
        char *to = (char *)changes + i * change_size;

        memset(to, 0, change_size);
        memcpy(to, &found[i], change_size < sizeof *found ? change_size : sizeof *found);
    }
    tocsin__free(&copy, block, size);
    return have <= capacity ? TOCSIN_OK : TOCSIN_ERROR_SPACE;
}
