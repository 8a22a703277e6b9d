/* ids.c - from a series' id to its slot.
 *
 * A hash table with open addressing and linear probing: a search begins at the id's
 * home cell and goes on to the next cell until it meets the id or an empty cell, so
 * that most searches touch one cache line.  At most three cells in four are in use; a
 * search then takes 2.5 cells on average where the id is there and 8.5 where it is not.
 *
 * An id is mixed by the finalizer of SplitMix64, a bijection in which each bit of the
 * id changes each bit of the result with probability 1/2, and the home is the product of
 * the result's upper half and the number of cells, shifted down: no division, and
 * the table may have any number of cells rather than a power of two.
 *
 * Removing an id leaves no tombstone.  The cells behind the hole are moved up into it,
 * those of them that a search would otherwise no longer reach (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4, algorithm R), so churn does not wear
 * the table out.
 *
 * How it fails.  Whoever knows the seed can choose ids that share a home, and then
 * each search is linear in their number.  Where strangers choose the ids, the seed has
 * to be a secret.
 *
 * Reference: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014.
 */
#include "ids.h"

uint32_t tocsin__ids_capacity(uint32_t series)
{
    return series ? series + series / 3 + 1 : 0;
}

void tocsin__ids_init(tocsin__ids *ids, tocsin__id_cell *cells, uint32_t capacity, uint64_t seed)
{
    ids->cells = cells;
    ids->capacity = capacity;
    ids->reserved = 0;
    ids->seed = seed;
    for (uint32_t i = 0; i < capacity; i++) {
        cells[i].low = cells[i].high = 0;
        cells[i].slot = TOCSIN_SLOT_NONE;
    }
}

uint32_t tocsin__ids_home(const tocsin__ids *ids, uint64_t id)
{
    uint64_t z = id + ids->seed * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * ids->capacity >> 32);
}

static inline uint32_t ids_next(const tocsin__ids *ids, uint32_t at)
{
    return at + 1 == ids->capacity ? 0 : at + 1;
}

static inline int ids_is(const tocsin__id_cell *cell, uint64_t id)
{
    return ((cell->low ^ (uint32_t)id) | (cell->high ^ (uint32_t)(id >> 32))) == 0;
}

uint32_t tocsin__ids_find_from(const tocsin__ids *ids, uint32_t home, uint64_t id)
{
    uint32_t at = home;

    /* Of an empty cell too the slot is the answer, so most searches make one comparison. */
    while (!ids_is(&ids->cells[at], id) && ids->cells[at].slot != TOCSIN_SLOT_NONE)
        at = ids_next(ids, at);
    return ids->cells[at].slot;
}

void tocsin__ids_add(tocsin__ids *ids, uint64_t id, uint32_t slot)
{
    uint32_t at = tocsin__ids_home(ids, id);

    while (ids->cells[at].slot != TOCSIN_SLOT_NONE)
        at = ids_next(ids, at);
    ids->cells[at].low = (uint32_t)id;
    ids->cells[at].high = (uint32_t)(id >> 32);
    ids->cells[at].slot = slot;
}

/* How many steps a search goes from one cell to another. */
static inline uint32_t ids_distance(const tocsin__ids *ids, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : ids->capacity - from + to;
}

void tocsin__ids_remove(tocsin__ids *ids, uint64_t id)
{
    uint32_t hole = tocsin__ids_home(ids, id);

    while (!ids_is(&ids->cells[hole], id) || ids->cells[hole].slot == TOCSIN_SLOT_NONE)
        hole = ids_next(ids, hole);
    for (uint32_t at = ids_next(ids, hole); ids->cells[at].slot != TOCSIN_SLOT_NONE;
         at = ids_next(ids, at)) {
        const tocsin__id_cell *cell = &ids->cells[at];
        const uint32_t home =
            tocsin__ids_home(ids, (uint64_t)cell->high << 32 | (uint64_t)cell->low);

        if (ids_distance(ids, home, at) >= ids_distance(ids, hole, at)) {
            ids->cells[hole] = *cell;
            hole = at;
        }
    }
    ids->cells[hole].slot = TOCSIN_SLOT_NONE;
}
