/* ids.h - from a series' id to its slot. */
#ifndef TOCSIN__IDS_H
#define TOCSIN__IDS_H

#include "../core/common.h"
#include "tocsin/bank.h"

/* Twelve bytes, without the hole that a 64-bit member would bring. */
typedef struct tocsin__id_cell {
    uint32_t low, high;         /* the id */
    uint32_t slot;              /* TOCSIN_SLOT_NONE: the cell is empty */
} tocsin__id_cell;

/* A hash table in cells that somebody else allocates.  It never fills up: there is
 * room for fewer ids than it has cells. */
typedef struct tocsin__ids {
    tocsin__id_cell *cells;
    uint32_t capacity;          /* cells */
    uint32_t reserved;
    uint64_t seed;
} tocsin__ids;

/* Cells for so many ids, at most TOCSIN_BANK_SERIES_MAX. */
uint32_t tocsin__ids_capacity(uint32_t series);

/* Start with these cells, all empty. */
void tocsin__ids_init(tocsin__ids *ids, tocsin__id_cell *cells, uint32_t capacity, uint64_t seed);

/* The cell at which the search for an id begins. */
uint32_t tocsin__ids_home(const tocsin__ids *ids, uint64_t id);

/* Search from a home: the slot, or TOCSIN_SLOT_NONE. */
uint32_t tocsin__ids_find_from(const tocsin__ids *ids, uint32_t home, uint64_t id);

/* Add an id that is not there. */
void tocsin__ids_add(tocsin__ids *ids, uint64_t id, uint32_t slot);

/* Remove an id that is there. */
void tocsin__ids_remove(tocsin__ids *ids, uint64_t id);

static inline uint32_t tocsin__ids_find(const tocsin__ids *ids, uint64_t id)
{
    return ids->capacity ? tocsin__ids_find_from(ids, tocsin__ids_home(ids, id), id)
                         : TOCSIN_SLOT_NONE;
}

#endif
