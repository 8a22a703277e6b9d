/* cli_map.c - text to number: see cli_map.h.
 *
 * Open addressing with linear probing, at most half full.  Inputs with many
 * series name them in the same order again and again, so the entry after the
 * one found last is compared first: most look-ups compute no hash at all.
 */
#include "cli_map.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, its high bits mixed in. */
static uint32_t map_hash(cli_text name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

static int map_is(const cli_map *map, size_t number, cli_text name)
{
    return cli_text_equal((cli_text){map->names[number], map->lengths[number]}, name);
}

size_t cli_map_find(cli_map *map, cli_text name)
{
    if (map->count == 0)
        return SIZE_MAX;
    if (map->guess >= map->count)
        map->guess = 0;
    if (map_is(map, map->guess, name))
        return map->guess++;
    const uint32_t hash = map_hash(name);

    for (size_t slot = hash;; slot++) {
        const uint32_t entry = map->slots[slot & (map->slot_count - 1)];

        if (entry == 0)
            return SIZE_MAX;
        if (map->hashes[entry - 1] == hash && map_is(map, entry - 1, name)) {
            map->guess = entry;
            return entry - 1;
        }
    }
}

static void map_place(cli_map *map, size_t number)
{
    size_t slot = map->hashes[number];

    while (map->slots[slot & (map->slot_count - 1)] != 0)
        slot++;
    map->slots[slot & (map->slot_count - 1)] = (uint32_t)number + 1;
}

size_t cli_map_add(cli_map *map, cli_text name)
{
    const size_t number = map->count;

    if (number >= UINT32_MAX - 1)
        cli_die(CLI_BAD_INPUT, "too many names (%zu)", number);
    map->names = cli_grow(map->names, &map->names_capacity, number + 1, sizeof *map->names);
    map->lengths = cli_grow(map->lengths, &map->lengths_capacity, number + 1, sizeof *map->lengths);
    map->hashes = cli_grow(map->hashes, &map->hashes_capacity, number + 1, sizeof *map->hashes);
    map->names[number] = cli_copy(name);
    map->lengths[number] = name.length;
    map->hashes[number] = map_hash(name);
    map->count++;
    if (2 * map->count > map->slot_count) {
        map->slot_count = map->slot_count ? 2 * map->slot_count : 64;
        map->slots = cli_realloc(map->slots, map->slot_count * sizeof *map->slots);
        memset(map->slots, 0, map->slot_count * sizeof *map->slots);
        for (size_t i = 0; i < number; i++)
            map_place(map, i);
    }
    map_place(map, number);
    return number;
}

void cli_map_free(cli_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->names[i]);
    free(map->names);
    free(map->lengths);
    free(map->hashes);
    free(map->slots);
    memset(map, 0, sizeof *map);
}
