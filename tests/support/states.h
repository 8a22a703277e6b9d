/* states.h - equality of detectors and verdicts, and snapshots as values. */
#ifndef TOCSIN_TEST_STATES_H
#define TOCSIN_TEST_STATES_H

#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tocsin.h"

static inline tocsin_error states_error(void)
{
    tocsin_error error;

    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    return error;
}

#define assert_same_state(a, b, where)                                                         \
    do {                                                                                       \
        tocsin_error error_ = states_error();                                                  \
        const int status_ = tocsin_detector_compare((a), (b), &error_);                        \
        require(status_ == TOCSIN_OK, "%s: states differ: %s", (where), error_.message);       \
    } while (0)

/* Verdicts have no padding, so equal bytes are equal verdicts, NaN and -0 included. */
#define assert_same_verdict(a, b, where)                                                       \
    require(memcmp((a), (b), sizeof(tocsin_verdict)) == 0,                                     \
            "%s: verdicts differ: score %.17g and %.17g, flags %#x and %#x", (where),          \
            (a)->score, (b)->score, (a)->flags, (b)->flags)

typedef struct snapshot {
    size_t size;
    unsigned char *bytes;
} snapshot;

static inline snapshot snapshot_of(const tocsin_detector *detector)
{
    snapshot s;

    require(tocsin_detector_save(detector, NULL, 0, &s.size) == TOCSIN_ERROR_SPACE, "no size");
    s.bytes = malloc(s.size);
    require(s.bytes && tocsin_detector_save(detector, s.bytes, s.size, NULL) == TOCSIN_OK,
            "no snapshot");
    return s;
}

/* Loading takes time in proportion to the size, so damaging every bit takes its square: of large
 * snapshots and shards every third bit or byte is damaged, or every fifth ...; and a third of these
 * where instructions cost more than one (suite.h).  The stride is odd, so that each bit of a byte
 * has its turn. */
static inline size_t damage_stride(size_t size)
{
    const size_t stride = 1 + 2 * (size / 2048);

    return suite_is_short() ? 3 * stride : stride;
}

static inline void snapshot_free(snapshot *s)
{
    free(s->bytes);
}

#endif
