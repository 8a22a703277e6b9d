/* ids.h - from a series' id to its slot. */
#ifndef TOCSIN__IDS_H
#define TOCSIN__IDS_H

#include "../core/common.h"
#include "tocsin/bank.h"

#define TOCSIN__IDS_CELLS 5

/* Cells, in use from the first one on, that fill a cache line. */
typedef struct tocsin__ids_line {
    uint64_t id[TOCSIN__IDS_CELLS];
    uint32_t slot[TOCSIN__IDS_CELLS];   /* TOCSIN_SLOT_NONE: the cell is empty */
    uint32_t reserved;
} tocsin__ids_line;

/* A hash table in lines that somebody else allocates.  It never fills up: there is room for fewer
 * ids than it has cells. */
typedef struct tocsin__ids {
    tocsin__ids_line *lines;
    uint32_t count;             /* of lines; 0: it is empty */
    uint32_t reserved;
    uint64_t seed;
} tocsin__ids;

/* Lines for so many ids, at most TOCSIN_BANK_SERIES_MAX. */
uint32_t tocsin__ids_lines(uint32_t series);

/* Start with these lines, all of whose cells become empty. */
void tocsin__ids_init(tocsin__ids *ids, tocsin__ids_line *lines, uint32_t count, uint64_t seed);

/* The line at which the search for an id begins. */
static inline uint32_t tocsin__ids_home(const tocsin__ids *ids, uint64_t id)
{
    uint64_t z = id + ids->seed * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (uint32_t)((z >> 32) * ids->count >> 32);
}

static inline uint32_t tocsin__ids_next(const tocsin__ids *ids, uint32_t line)
{
    return line + 1 == ids->count ? 0 : line + 1;
}

/* Search one line: the slot, or TOCSIN_SLOT_NONE. */
static inline uint32_t tocsin__ids_find_in(const tocsin__ids_line *line, uint64_t id)
{
    uint32_t slot = TOCSIN_SLOT_NONE;

    /* Without a branch, as which cell it is can't be guessed: all others, also empty ones that
     * remember the id, are all ones. */
    for (int k = 0; k < TOCSIN__IDS_CELLS; k++)
        slot &= line->slot[k] | (uint32_t)-(int32_t)(line->id[k] != id);
    return slot;
}

/* Does a search that has not found its id there end there? */
static inline int tocsin__ids_ends_in(const tocsin__ids_line *line)
{
    return line->slot[TOCSIN__IDS_CELLS - 1] == TOCSIN_SLOT_NONE;
}

/* Search from a home: the slot, or TOCSIN_SLOT_NONE. */
static inline uint32_t tocsin__ids_find_from(const tocsin__ids *ids, uint32_t home, uint64_t id)
{
    for (uint32_t at = home;; at = tocsin__ids_next(ids, at)) {
        const tocsin__ids_line *line = &ids->lines[at];
        const uint32_t slot = tocsin__ids_find_in(line, id);

        if (slot != TOCSIN_SLOT_NONE || tocsin__ids_ends_in(line))
            return slot;
    }
}

static inline uint32_t tocsin__ids_find(const tocsin__ids *ids, uint64_t id)
{
    return ids->count ? tocsin__ids_find_from(ids, tocsin__ids_home(ids, id), id)
                      : TOCSIN_SLOT_NONE;
}

/* Add an id that is not there. */
void tocsin__ids_add(tocsin__ids *ids, uint64_t id, uint32_t slot);

/* Remove an id that is there. */
void tocsin__ids_remove(tocsin__ids *ids, uint64_t id);

#endif
