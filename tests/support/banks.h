/* banks.h - banks as tests make and drive them. */
#ifndef TOCSIN_TEST_BANKS_H
#define TOCSIN_TEST_BANKS_H

#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "suite.h"
#include "tocsin.h"

static inline tocsin_bank_options banks_options(void)
{
    tocsin_bank_options options;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

static inline tocsin_bank *banks_create(const tocsin_spec *spec,
                                        const tocsin_bank_options *options)
{
    tocsin_bank *bank;

    require(tocsin_bank_create(&bank, spec, options, NULL) == TOCSIN_OK, "no bank");
    return bank;
}

/* An id that looks like a hash. */
static inline uint64_t banks_id(uint64_t number)
{
    rng r = rng_seeded(number);

    return rng_u64(&r);
}

static inline uint32_t banks_add(tocsin_bank *bank, uint64_t id)
{
    uint32_t slot = TOCSIN_SLOT_NONE;

    require(tocsin_bank_add(bank, id, &slot) == TOCSIN_OK, "not added");
    return slot;
}

static inline tocsin_tick banks_tick(const tocsin_bank *bank, int64_t time, const double *values)
{
    tocsin_tick tick;

    memset(&tick, 0, sizeof tick);
    tick.struct_size = sizeof tick;
    tick.time = time;
    tick.values = values;
    tick.count = tocsin_bank_slots(bank);
    tick.verdict_size = sizeof(tocsin_verdict);
    return tick;
}

/* A tick cut into ranges of random lengths, in a random order, on random lanes. */
static inline void banks_tick_in_parts(tocsin_bank *bank, const tocsin_tick *tick, uint32_t lanes,
                                       rng *r)
{
    const uint32_t slots = tocsin_bank_slots(bank);
    const uint32_t tiles = (slots + TOCSIN_BANK_TILE - 1) / TOCSIN_BANK_TILE;
    uint32_t first[64], length[64], count = 0;

    for (uint32_t tile = 0; tile < tiles; count++) {
        require(count < 64, "too many ranges");
        first[count] = tile;
        length[count] = 1 + (uint32_t)rng_below(r, tiles - tile);
        tile += length[count];
    }
    require(tocsin_bank_tick_begin(bank, tick) == TOCSIN_OK, "no tick");
    for (; count > 0; count--) {
        const size_t pick = rng_below(r, count);
        const uint32_t begin = first[pick] * TOCSIN_BANK_TILE;
        const uint32_t end = begin + length[pick] * TOCSIN_BANK_TILE;

        require(tocsin_bank_tick_range(bank, (uint32_t)rng_below(r, lanes), begin,
                                       end < slots ? end : slots) == TOCSIN_OK, "no range");
        first[pick] = first[count - 1];
        length[pick] = length[count - 1];
    }
    require(tocsin_bank_tick_end(bank) == TOCSIN_OK, "no end");
}

static inline tocsin_bank_info banks_info(const tocsin_bank *bank)
{
    tocsin_bank_info info;

    info.struct_size = sizeof info;
    require(tocsin_bank_describe(bank, &info) == TOCSIN_OK, "no info");
    return info;
}

static inline tocsin_bank_counts banks_last(const tocsin_bank *bank)
{
    tocsin_bank_counts counts;

    counts.struct_size = sizeof counts;
    require(tocsin_bank_last(bank, &counts) == TOCSIN_OK, "no counts");
    return counts;
}

#endif
