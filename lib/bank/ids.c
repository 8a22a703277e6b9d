/* ids.c - from a series' id to its slot.
 *
 * A hash table with open addressing and linear probing, by cache lines of five cells: a search
 * compares all cells of the id's home line at once, and goes on to the next line only if it meets
 * neither the id nor an empty cell.  At most seven cells in ten are in use; a search for an id that
 * is there then touches 1.1 lines on average (Knuth, The Art of Computer Programming, volume 3,
 * section 6.4, on buckets).
 *
 * An id is mixed by the finalizer of SplitMix64, a bijection in which each bit of the
 * id changes each bit of the result with probability 1/2, and the home is the product of
 * the result's upper half and the number of lines, shifted down: no division, and
 * the table may have any number of lines rather than a power of two.
 *
 * Removing an id leaves no tombstone.  The cells behind the hole are moved up into it,
 * those of them that a search would otherwise no longer reach (section 6.4, algorithm R), so
 * churn does not wear the table out.
 *
 * How it fails.  Whoever knows the seed can choose ids that share a home, and then
 * each search is linear in their number.  Where strangers choose the ids, the seed has
 * to be a secret.
 *
 * Reference: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
 * OOPSLA 2014.
 */
#include "ids.h"

uint32_t tocsin__ids_lines(uint32_t series)
{
    return series ? series / 7 * 2 + 2 : 0;
}

void tocsin__ids_init(tocsin__ids *ids, tocsin__ids_line *lines, uint32_t count, uint64_t seed)
{
    ids->lines = lines;
    ids->count = count;
    ids->reserved = 0;
    ids->seed = seed;
    if (count)
        memset(lines, 0, count * sizeof *lines);
    for (uint32_t i = 0; i < count; i++)
        for (int k = 0; k < TOCSIN__IDS_CELLS; k++)
            lines[i].slot[k] = TOCSIN_SLOT_NONE;
}

/* A cell, counted through all lines. */
typedef struct ids_cell {
    uint32_t line;
    int k;
} ids_cell;

static ids_cell ids_next(const tocsin__ids *ids, ids_cell at)
{
    if (++at.k == TOCSIN__IDS_CELLS) {
        at.k = 0;
        at.line = tocsin__ids_next(ids, at.line);
    }
    return at;
}

static int ids_is_empty(const tocsin__ids *ids, ids_cell at)
{
    return ids->lines[at.line].slot[at.k] == TOCSIN_SLOT_NONE;
}

static void ids_put(tocsin__ids *ids, ids_cell at, uint64_t id, uint32_t slot)
{
    ids->lines[at.line].id[at.k] = id;
    ids->lines[at.line].slot[at.k] = slot;
}

void tocsin__ids_add(tocsin__ids *ids, uint64_t id, uint32_t slot)
{
    ids_cell at = {tocsin__ids_home(ids, id), 0};

    while (!ids_is_empty(ids, at))
        at = ids_next(ids, at);
    ids_put(ids, at, id, slot);
}

/* How many steps a search goes from one line to another. */
static uint32_t ids_distance(const tocsin__ids *ids, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : ids->count - from + to;
}

void tocsin__ids_remove(tocsin__ids *ids, uint64_t id)
{
    ids_cell hole = {tocsin__ids_home(ids, id), 0};

    while (ids->lines[hole.line].id[hole.k] != id || ids_is_empty(ids, hole))
        hole = ids_next(ids, hole);
    for (ids_cell at = ids_next(ids, hole); !ids_is_empty(ids, at); at = ids_next(ids, at)) {
        const uint64_t moved = ids->lines[at.line].id[at.k];
        const uint32_t home = tocsin__ids_home(ids, moved);

        /* The hole is no nearer to where it stands than its home is. */
        if (ids_distance(ids, home, at.line) >= ids_distance(ids, hole.line, at.line)) {
            ids_put(ids, hole, moved, ids->lines[at.line].slot[at.k]);
            hole = at;
        }
    }
    ids->lines[hole.line].slot[hole.k] = TOCSIN_SLOT_NONE;
}
