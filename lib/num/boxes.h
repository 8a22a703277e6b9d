/* boxes.h - bounding boxes of points whose coordinates are 16-bit integers. */
#ifndef TOCSIN__BOXES_H
#define TOCSIN__BOXES_H

#include "../core/common.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* How far a point lies outside of a box, summed over the coordinates.  Whole numbers: however they
 * are summed, the sum is the same. */
static inline uint32_t tocsin__box_excess(const uint16_t *low, const uint16_t *high,
                                          const uint16_t *point, uint32_t count)
{
    uint32_t sum = 0, i = 0;

#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    __m128i wide = zero;
    uint32_t part[4];

    for (; i + 8 <= count; i += 8) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(point + i));
        const __m128i l = _mm_loadu_si128((const __m128i *)(const void *)(low + i));
        const __m128i h = _mm_loadu_si128((const __m128i *)(const void *)(high + i));
        const __m128i out = _mm_or_si128(_mm_subs_epu16(x, h), _mm_subs_epu16(l, x));

        wide = _mm_add_epi32(wide, _mm_add_epi32(_mm_unpacklo_epi16(out, zero),
                                                 _mm_unpackhi_epi16(out, zero)));
    }
    if (i > 0) {
        _mm_storeu_si128((__m128i *)(void *)part, wide);
        sum = part[0] + part[1] + part[2] + part[3];
    }
#endif
    for (; i < count; i++)
        sum += point[i] > high[i] ? (uint32_t)(point[i] - high[i])
                                  : point[i] < low[i] ? (uint32_t)(low[i] - point[i]) : 0;
    return sum;
}

#endif
