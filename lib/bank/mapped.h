/* mapped.h - a bank whose tiles live in memory that outlives the process. */
#ifndef TOCSIN__MAPPED_H
#define TOCSIN__MAPPED_H

#include "bank.h"

/* Bytes of memory for so many tiles; 0 where no memory is that large, or the options are none that
 * a mapped bank can have. */
uint64_t tocsin__mapped_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                             uint32_t tiles);

/* Make a bank in the memory, or open the one that is there. */
int tocsin__mapped_create(tocsin_bank **out, const tocsin_spec *spec,
                          const tocsin_bank_options *options, const tocsin_allocator *allocator,
                          void *memory, uint64_t size, tocsin_bank_recovery *recovery);

/* The bank is being freed; the memory keeps what it is.  NULL is fine. */
void tocsin__mapped_free(tocsin_bank *bank);

/* TOCSIN_TILE_* of a tile that has slots. */
int tocsin__mapped_condition(const tocsin_bank *bank, uint32_t tile);

/* ---- Hooks: only for banks that are mapped -------------------------------------
 *
 * Whatever changes a series first logs what it is going to change, then changes it, and then
 * commits.  A kill in between takes it back at the next opening. */

/* Slots or the list of free ones have changed. */
void tocsin__mapped_note_slots(tocsin_bank *bank);

/* The clock or the newest time has changed. */
void tocsin__mapped_save(tocsin_bank *bank);

/* A round begins: a tick, or a push; and it ends. */
void tocsin__mapped_begin(tocsin_bank *bank);
void tocsin__mapped_end(tocsin_bank *bank);

/* The tiles that a kernel may be given at once. */
uint32_t tocsin__mapped_run(const tocsin_bank *bank);

/* Log what a kernel, and whatever comes before it, changes in a run of tiles. */
void tocsin__mapped_log_run(const tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                            uint32_t count);

/* Of such a tile, log what comes after the kernel: `others` get their point one by one. */
void tocsin__mapped_log_rest(const tocsin_bank *bank, tocsin__lane *lane, uint32_t tile,
                             uint64_t others);

/* Log so many series of a tile, from `first` on, just before they are pushed, when they are about
 * to be read anyway.  The tile's first part comes first. */
#define TOCSIN__MAPPED_PART 8
void tocsin__mapped_log_part(const tocsin_bank *bank, tocsin__lane *lane, uint32_t tile,
                             uint32_t first);

/* These tiles have had the round's points. */
void tocsin__mapped_commit(const tocsin_bank *bank, tocsin__lane *lane, uint32_t first,
                           uint32_t count);

/* The same of some slots; TOCSIN_SLOT_NONE stands for none. */
void tocsin__mapped_log_slots(const tocsin_bank *bank, tocsin__lane *lane, const uint32_t *slots,
                              size_t count);
void tocsin__mapped_commit_slots(const tocsin_bank *bank, tocsin__lane *lane,
                                 const uint32_t *slots, size_t count);

/* The same of up to 64 series whose detectors' columns stand in a scratch tile, place i's in
 * lane i: `places` are their tiles' addresses plus their lanes, `has_counts`: the counts too. */
void tocsin__mapped_log_batch(const tocsin_bank *bank, tocsin__lane *lane,
                              const tocsin__tile_head *scratch, const uintptr_t *places,
                              uint32_t count, int has_counts);
void tocsin__mapped_commit_batch(const tocsin_bank *bank, tocsin__lane *lane,
                                 const uintptr_t *places, uint32_t count);

/* Between rounds: one series is changed, and has been. */
void tocsin__mapped_guard(tocsin_bank *bank, uint32_t slot);
void tocsin__mapped_done(tocsin_bank *bank);

#endif
