/* boxes.h - bounding boxes of points whose coordinates are 16-bit integers.
 *
 * All of it is whole numbers: however sums are put together, they are the same.
 */
#ifndef TOCSIN__BOXES_H
#define TOCSIN__BOXES_H

#include "../core/common.h"

#if defined(__SSE2__)
#include <emmintrin.h>

#define TOCSIN__BOX_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define TOCSIN__BOX_STORE(p, x) _mm_storeu_si128((__m128i *)(void *)(p), (x))

/* SSE2 subtracts down to zero, but has no minimum and no maximum of these. */
static TOCSIN__INLINE __m128i tocsin__box_min(__m128i a, __m128i b)
{
    return _mm_sub_epi16(a, _mm_subs_epu16(a, b));
}

static TOCSIN__INLINE __m128i tocsin__box_max(__m128i a, __m128i b)
{
    return _mm_add_epi16(a, _mm_subs_epu16(b, a));
}

static TOCSIN__INLINE __m128i tocsin__box_widen_sum(__m128i sum, __m128i x)
{
    const __m128i zero = _mm_setzero_si128();

    return _mm_add_epi32(sum, _mm_add_epi32(_mm_unpacklo_epi16(x, zero),
                                            _mm_unpackhi_epi16(x, zero)));
}

static TOCSIN__INLINE uint32_t tocsin__box_sum(__m128i wide)
{
    wide = _mm_add_epi32(wide, _mm_shuffle_epi32(wide, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(wide, _mm_shuffle_epi32(wide, 0xb1)));
}
#endif

/* Coordinates that will be needed soon.  Inline whatever happens: GCC takes a function that only
 * prefetches for one without effect, and leaves calls to it out. */
static TOCSIN__INLINE void tocsin__box_prefetch(const uint16_t *first, uint32_t count)
{
#if defined(__GNUC__)
    for (uint32_t i = 0; i < count; i += 32)
        __builtin_prefetch(first + i);
    __builtin_prefetch(first + count - 1);
#else
    (void)first;
    (void)count;
#endif
}

/* How far a coordinate lies outside of a box. */
static TOCSIN__INLINE uint32_t tocsin__box_out(uint16_t low, uint16_t high, uint16_t x)
{
    return x > high ? (uint32_t)(x - high) : x < low ? (uint32_t)(low - x) : 0;
}

/* How far a point lies outside of a box, summed over the coordinates. */
static TOCSIN__INLINE uint32_t tocsin__box_excess(const uint16_t *low, const uint16_t *high,
                                                  const uint16_t *point, uint32_t count)
{
    uint32_t sum = 0, i = 0;

#if defined(__SSE2__)
    if (count >= 4) {
        __m128i wide = _mm_setzero_si128();

        for (; i + 8 <= count; i += 8) {
            const __m128i x = TOCSIN__BOX_LOAD(point + i);

            wide = tocsin__box_widen_sum(
                wide, _mm_or_si128(_mm_subs_epu16(x, TOCSIN__BOX_LOAD(high + i)),
                                   _mm_subs_epu16(TOCSIN__BOX_LOAD(low + i), x)));
        }
        if (i + 4 <= count) {
            const __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)(point + i));
            const __m128i l = _mm_loadl_epi64((const __m128i *)(const void *)(low + i));
            const __m128i h = _mm_loadl_epi64((const __m128i *)(const void *)(high + i));

            wide = tocsin__box_widen_sum(
                wide, _mm_or_si128(_mm_subs_epu16(x, h), _mm_subs_epu16(l, x)));
            i += 4;
        }
        sum = tocsin__box_sum(wide);
    }
#endif
    for (; i < count; i++)
        sum += tocsin__box_out(low[i], high[i], point[i]);
    return sum;
}

/* Make a box the one around two others; one of them may be itself, or a point as its lows and its
 * highs.  *length becomes that of its sides.  Returns whether it has changed. */
static TOCSIN__INLINE int tocsin__box_join(uint16_t *low, uint16_t *high, const uint16_t *low_a,
                                           const uint16_t *high_a, const uint16_t *low_b,
                                           const uint16_t *high_b, uint32_t count,
                                           uint32_t *length)
{
    uint32_t sum = 0, i = 0, changes = 0;

#if defined(__SSE2__)
    if (count >= 8) {
        __m128i wide = _mm_setzero_si128(), change = wide;

        for (; i + 8 <= count; i += 8) {
            const __m128i l = tocsin__box_min(TOCSIN__BOX_LOAD(low_a + i),
                                              TOCSIN__BOX_LOAD(low_b + i));
            const __m128i h = tocsin__box_max(TOCSIN__BOX_LOAD(high_a + i),
                                              TOCSIN__BOX_LOAD(high_b + i));

            change = _mm_or_si128(change,
                                  _mm_or_si128(_mm_xor_si128(l, TOCSIN__BOX_LOAD(low + i)),
                                               _mm_xor_si128(h, TOCSIN__BOX_LOAD(high + i))));
            wide = tocsin__box_widen_sum(wide, _mm_sub_epi16(h, l));
            TOCSIN__BOX_STORE(low + i, l);
            TOCSIN__BOX_STORE(high + i, h);
        }
        sum = tocsin__box_sum(wide);
        changes = _mm_movemask_epi8(_mm_cmpeq_epi8(change, _mm_setzero_si128())) != 0xffff;
    }
#endif
    for (; i < count; i++) {
        const uint16_t l = low_a[i] < low_b[i] ? low_a[i] : low_b[i];
        const uint16_t h = high_a[i] > high_b[i] ? high_a[i] : high_b[i];

        changes |= (uint32_t)(low[i] ^ l) | (uint32_t)(high[i] ^ h);
        low[i] = l;
        high[i] = h;
        sum += (uint32_t)(h - l);
    }
    *length = sum;
    return changes != 0;
}

#endif
