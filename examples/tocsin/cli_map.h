/* cli_map.h - a table from text to the numbers 0, 1, 2 ... in order of arrival. */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include "cli.h"

typedef struct cli_map {
    char **names;           /* NUL-terminated copies, by number */
    size_t *lengths;
    uint32_t *hashes;
    size_t count;
    size_t names_capacity, lengths_capacity, hashes_capacity;
    uint32_t *slots;        /* number + 1, 0 for a free slot; open addressing */
    size_t slot_count;      /* a power of two */
    size_t guess;           /* the number that followed the one found last, the time before */
} cli_map;

/* The number of a name, or SIZE_MAX. */
size_t cli_map_find(cli_map *map, cli_text name);

/* Add a name that is not in the table yet. */
size_t cli_map_add(cli_map *map, cli_text name);

void cli_map_free(cli_map *map);

#endif
