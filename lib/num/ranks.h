/* ranks.h - the ranks of a dozen numbers among the same few bounds. */
#ifndef TOCSIN__RANKS_H
#define TOCSIN__RANKS_H

#include "../core/common.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TOCSIN__RANKED 12

/* How many of the bounds are below each value.  All are compared: a search would guess wrong at
 * every second branch. */
static inline void tocsin__ranks(const int32_t *bounds, size_t count,
                                 const int32_t values[TOCSIN__RANKED],
                                 uint32_t ranks[TOCSIN__RANKED])
{
#if defined(__SSE2__)
    const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)values);
    const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(values + 4));
    const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(values + 8));
    __m128i below_a = _mm_setzero_si128(), below_b = below_a, below_c = below_a;

    for (size_t j = 0; j < count; j++) {
        const __m128i bound = _mm_set1_epi32(bounds[j]);

        below_a = _mm_sub_epi32(below_a, _mm_cmpgt_epi32(a, bound));
        below_b = _mm_sub_epi32(below_b, _mm_cmpgt_epi32(b, bound));
        below_c = _mm_sub_epi32(below_c, _mm_cmpgt_epi32(c, bound));
    }
    _mm_storeu_si128((__m128i *)(void *)ranks, below_a);
    _mm_storeu_si128((__m128i *)(void *)(ranks + 4), below_b);
    _mm_storeu_si128((__m128i *)(void *)(ranks + 8), below_c);
#else
    for (size_t k = 0; k < TOCSIN__RANKED; k++) {
        ranks[k] = 0;
        for (size_t j = 0; j < count; j++)
            ranks[k] += bounds[j] < values[k];
    }
#endif
}

#endif
