/* sessions.c - which sessions have been counted.
 *
 * Model.  A Bloom filter: six bits for each pair of session and metric.  A session whose bits are
 * all set has been seen, or looks as if it had.  The second passes a session over that was never
 * counted; as this depends on its number alone, and not on its arm or values, it costs evidence and
 * nothing else.  No session is ever counted twice.  With 16 bits for each, one in a thousand is
 * passed over when as many came as were expected.
 *
 * Reference.  Bloom, CACM 13 (1970); Kirsch & Mitzenmacher (2006) on two hashes for all.
 *
 * Cost.  Six reads at random places.
 *
 * How it fails.  When many more sessions come than expected, nearly all are passed over, and the
 * gate learns no more.
 */
#include "gate.h"

#define SESSIONS_HASHES 6

static uint64_t sessions_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int tocsin__session_is_new(uint64_t *filter, size_t words, uint32_t metric, uint64_t session)
{
    const uint64_t bits = (uint64_t)words * 64;
    uint64_t at = sessions_mix(session + UINT64_C(0x9e3779b97f4a7c15) * (metric + UINT64_C(1)));
    const uint64_t step = sessions_mix(at) | 1;
    int is_new = 0;

    for (int i = 0; i < SESSIONS_HASHES; i++, at += step) {
        const uint64_t bit = at % bits;
        uint64_t *const word = &filter[bit / 64];

        is_new |= !(*word >> bit % 64 & 1);
        *word |= UINT64_C(1) << bit % 64;
    }
    return is_new;
}
