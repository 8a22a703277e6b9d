/* targets.h - what the fuzzers' targets share.
 *
 * Each file fuzz_*.c is a program for libFuzzer or AFL++, which call its entry point; test_replay.c
 * includes them all and calls them itself.
 */
#ifndef TOCSIN_TEST_FUZZ_TARGETS_H
#define TOCSIN_TEST_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tocsin.h"

#ifdef FUZZ_REPLAY
#define FUZZ_ENTRY(target)
#else
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#define FUZZ_ENTRY(target)                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)    \
    {                                                               \
        return target(data, size);                                  \
    }
#endif

/* A promise that is broken ends the run as a crash would. */
#define fuzz_check(condition) ((condition) ? (void)0 : abort())

/* States beyond this only cost a fuzzer time. */
#define FUZZ_LARGEST_STATE ((size_t)1 << 20)

/* ---- Arguments of calls, from the bytes -------------------------------------- */

typedef struct feed {
    const uint8_t *at;
    size_t left;
} feed;

static inline uint64_t take(feed *f, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes && f->left > 0; i++) {
        value = value << 8 | *f->at++;
        f->left--;
    }
    return value;
}

static inline double take_double(feed *f)
{
    const uint64_t bits = take(f, 8);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
