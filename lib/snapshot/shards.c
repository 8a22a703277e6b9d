/* shards.c - what writing and reading shards have in common.
 *
 * A shard is to a bank what a snapshot is to a detector, and is made of the same records.
 * The difference is size.  A bank may be larger than what memory is left, so a shard is a
 * stream: each record has a checksum, and a reader takes it when it has all of it.  The
 * checksum covers everything before it too, so that records cannot be left out, doubled,
 * exchanged or put in from another shard.  Earlier checksums are not part of what it covers:
 * the register of a CRC that runs over its own value is left in the same state whatever came
 * before, and the chain would be broken at each link.
 *
 * A state says what its fields are called, how wide they are and how many elements they have.
 * In a shard the stages' records say that once, and a series has the values alone, of those
 * fields that differ from the series before.  Series that tick together have the same clock,
 * and most of them no mark, no gap and no alarm; what is left is little more than the model.
 *
 * Classes come before the series, which name theirs by its id.  Older releases pass over all
 * of that, and whoever has the series without their classes has sound series.
 *
 * Selecting by hash.  Parts are cut from the lower half of the mixed id.  The bank's table of ids
 * is indexed by the upper half of the same mix (ids.c), and were parts cut from that, the ids
 * of a part would all have their home in the same stretch of the table.
 *
 * How it fails.  With statuses; see tocsin/shard.h for what is taken and what is not.
 */
#include "shards.h"

#include "../core/info.h"

static int shards_table_add(tocsin__shard_table *table, const tocsin__layout *layout,
                            const tocsin__shape *shape, size_t offset, const uint8_t *bytes,
                            size_t size, size_t *at, const char **name)
{
    tocsin__entry *entries = table->entry + table->count;
    size_t count = 0;
    const int status = tocsin__layout_match(layout, shape, bytes, size, entries,
                                            TOCSIN__SHARD_ENTRIES - table->count, &count, at, name);

    if (status != TOCSIN_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        entries[i].offset += offset;
        table->bytes += tocsin__entry_size(&entries[i]);
    }
    table->count += count;
    return TOCSIN_OK;
}

int tocsin__shard_table_add(tocsin__shard_table *table, const tocsin__compiled_stage *compiled,
                            const uint8_t *bytes, size_t size, size_t *at, const char **name)
{
    const int status = shards_table_add(table, &compiled->stage->layout, &compiled->shape,
                                        compiled->state_offset, bytes, size, at, name);

    if (status == TOCSIN_OK && compiled->stage->rank == TOCSIN__RANK_CLOCK)
        table->clock_count = table->count;
    return status;
}

int tocsin__shard_table_add_pool(tocsin__shard_table *table, const tocsin__stage *stage,
                                 size_t offset, const uint8_t *bytes, size_t size, size_t *at,
                                 const char **name)
{
    static const tocsin__shape no_arrays = {TOCSIN__DOUBLE, {0, 0, 0, 0}};

    return shards_table_add(table, &stage->pool, &no_arrays, offset, bytes, size, at, name);
}

/* ---- Counts -------------------------------------------------------------------------- */

#define SHARDS_OWN_COUNTS 4

static const size_t shards_totals_at = offsetof(tocsin_bank_counts, rounds);

void tocsin__shard_counts_get(const tocsin_bank *bank, uint64_t *numbers)
{
    numbers[0] = bank->added;
    numbers[1] = bank->removed;
    numbers[2] = bank->evicted;
    numbers[3] = bank->refused;
    memcpy(numbers + SHARDS_OWN_COUNTS, (const char *)&bank->total + shards_totals_at,
           sizeof bank->total - shards_totals_at);
}

void tocsin__shard_counts_put(tocsin_bank *bank, const uint64_t *numbers)
{
    bank->added = numbers[0];
    bank->removed = numbers[1];
    bank->evicted = numbers[2];
    bank->refused = numbers[3];
    memcpy((char *)&bank->total + shards_totals_at, numbers + SHARDS_OWN_COUNTS,
           sizeof bank->total - shards_totals_at);
}

/* ---- Selections ------------------------------------------------------------------------ */

int tocsin__selection_is_sound(const tocsin_selection *selection)
{
    if (!selection)
        return 1;
    if (!tocsin__info_fits(selection, sizeof *selection))
        return 0;
    switch (selection->kind) {
    case TOCSIN_SELECT_ALL: return 1;
    case TOCSIN_SELECT_RANGE: return selection->first <= selection->last;
    case TOCSIN_SELECT_PART: return selection->part < selection->parts;
    default: return 0;
    }
}

static uint32_t shards_part(uint64_t id, uint32_t parts)
{
    uint64_t z = id;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)((z & UINT32_MAX) * parts >> 32);
}

int tocsin__selection_holds(const tocsin_selection *selection, uint64_t id)
{
    if (!selection || selection->kind == TOCSIN_SELECT_ALL)
        return 1;
    if (selection->kind == TOCSIN_SELECT_RANGE)
        return id >= selection->first && id <= selection->last;
    return shards_part(id, selection->parts) == selection->part;
}
