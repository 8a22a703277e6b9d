/* classes.h - what the series of a class teach it, and what a new one starts with. */
#ifndef TOCSIN__CLASSES_H
#define TOCSIN__CLASSES_H

#include "../core/common.h"
#include "tocsin/bank.h"

/* The most classes a bank can know: an index is kept in 16 bits, and 0 is none. */
#define TOCSIN__CLASSES_MAX 65535u

/* What is known of a class.  Its pools, one after the other, follow. */
typedef struct tocsin__class {
    uint64_t id;
    int64_t active;                 /* the bank's time when a series last came or taught */
    uint64_t left;                  /* series that have left */
    uint32_t members;
    uint32_t is_used;               /* else the place is free */
} tocsin__class;

typedef struct tocsin__classes tocsin__classes;

/* Bytes of the classes of a bank with so many tiles; 0 if it knows none. */
uint64_t tocsin__classes_size(const tocsin_spec *spec, const tocsin_bank_options *options,
                              uint32_t tiles);

/* Are the options that concern classes sound? */
int tocsin__classes_options_fit(const tocsin_bank_options *options);

/* For a bank whose options are set: fills in bank->classes.  TOCSIN_ERROR_MEMORY. */
int tocsin__classes_create(tocsin_bank *bank);
void tocsin__classes_free(tocsin_bank *bank);

/* Room for the series of so many tiles, before they are there.  TOCSIN_ERROR_MEMORY. */
int tocsin__classes_reserve(tocsin_bank *bank, uint32_t tiles);

/* A series that has just been added joins a class and starts from its pool. */
void tocsin__classes_join(tocsin_bank *bank, uint32_t slot, uint64_t id);

/* The series in a slot is about to be removed: it teaches its class a last time. */
void tocsin__classes_leave(tocsin_bank *bank, uint32_t slot);

/* It lives on elsewhere: it has no class any more, and teaches nothing. */
void tocsin__classes_detach(tocsin_bank *bank, uint32_t slot);

/* A round is over, and its points are counted: some series teach their classes. */
void tocsin__classes_settle(tocsin_bank *bank);

/* Another state has been put into a slot: it is nothing to teach. */
void tocsin__classes_replaced(tocsin_bank *bank, uint32_t slot);

/* The index of a class, or of a series' class; TOCSIN_SLOT_NONE if there is none. */
uint32_t tocsin__classes_find(const tocsin_bank *bank, uint64_t id);
uint32_t tocsin__classes_of(const tocsin_bank *bank, uint32_t slot);

/* Forget a class; its series go on without one. */
void tocsin__classes_forget(tocsin_bank *bank, uint32_t index);

/* The class of that index, or NULL where none is.  There are no more than so many indices. */
const tocsin__class *tocsin__classes_at(const tocsin_bank *bank, uint32_t index);
uint32_t tocsin__classes_count(const tocsin_bank *bank);

/* The state in which a new series of the class would start, until the next call. */
const void *tocsin__classes_initial(const tocsin_bank *bank, uint32_t index);

/* Series that got no class because the table was full, and classes that made room. */
uint64_t tocsin__classes_without(const tocsin_bank *bank);
uint64_t tocsin__classes_displaced(const tocsin_bank *bank);

/* ---- Rows ---------------------------------------------------------------------
 *
 * For snapshots: a class as one block without pointers, a tocsin__class and then the pool
 * of each stage that has one, in the order of the pipe (stage->pool.size bytes, described by
 * stage->pool).  Whoever reads rows from outside checks them against these tables. */
size_t tocsin__classes_row_size(const tocsin_spec *spec);
void tocsin__classes_read(const tocsin_bank *bank, uint32_t index, void *row);

/* A class that was taught nothing yet: all zero but its pools. */
void tocsin__classes_row_init(const tocsin_spec *spec, void *row);

/* What becomes of a class that comes from elsewhere. */
enum {
    TOCSIN__CLASS_ADDED,            /* the bank did not know it */
    TOCSIN__CLASS_REPLACED,         /* it takes the place of what the bank knew; members stay */
    TOCSIN__CLASS_KEPT,             /* the bank knew as much */
    TOCSIN__CLASS_LOST              /* there is no room */
};

/* Take a row in, at that index if it is free; `check`: only say what would become of it.  Of two
 * rows of a class the one with the longer history stays; if those are alike, with more series that
 * have left; then the one that was active last; then the bank's.  Where there is no room, the
 * class without members that was idle for longest goes: one of the bank's or this one. */
int tocsin__classes_merge(tocsin_bank *bank, const void *row, uint32_t index, int check);

/* What a bank knows of its classes beside their rows. */
typedef struct tocsin__classes_numbers {
    uint64_t without, displaced;
    uint32_t count, hand, due, spare;
} tocsin__classes_numbers;

/* All zero for a bank without classes, which ignores what is put.  What was counted is added. */
void tocsin__classes_numbers_get(const tocsin_bank *bank, tocsin__classes_numbers *numbers);
void tocsin__classes_numbers_put(tocsin_bank *bank, const tocsin__classes_numbers *numbers);

/* How far a series has come in teaching, and a series put back into its class. */
uint16_t tocsin__classes_mark(const tocsin_bank *bank, uint32_t slot);
void tocsin__classes_assign(tocsin_bank *bank, uint32_t slot, uint32_t index, uint16_t mark);

#endif
