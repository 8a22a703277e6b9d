/* ways.h - ways down eight trees abreast: what each level of them displaces.
 *
 * A node of some mass parts it between its children.  On a way that goes to one of them, the
 * other's share is displaced: other / (own + 1), the point on its way counted with its own.  Of a
 * way is kept the largest of these so far, as a fraction: whole numbers, so that comparisons are
 * exact and cost no division.
 */
#ifndef TOCSIN__WAYS_H
#define TOCSIN__WAYS_H

#include "../core/common.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TOCSIN__WAYS 8u

/* A level of each way. */
typedef struct tocsin__ways_level {
    uint16_t node[TOCSIN__WAYS];
    uint16_t mass[TOCSIN__WAYS];    /* at most 2^14 */
    uint16_t over[TOCSIN__WAYS];    /* the largest displacement above it: over / under */
    uint16_t under[TOCSIN__WAYS];
} tocsin__ways_level;

/* How the nodes of a level part their mass: the left child's, and which child is next. */
typedef struct tocsin__ways_turn {
    uint16_t left[TOCSIN__WAYS];
    uint16_t goes_right[TOCSIN__WAYS];  /* 0 or 0xffff */
} tocsin__ways_turn;

/* A level down, whose nodes are there already: their mass, and the largest displacement above them.
 * To *depth is added 1 where the level before was no leaf; nodes below `leaves` are.  Returns
 * whether any way goes on. */
static TOCSIN__INLINE int tocsin__ways_down(const tocsin__ways_level *from,
                                            const tocsin__ways_turn *turn, uint16_t leaves,
                                            uint16_t *depth, tocsin__ways_level *to)
{
#if defined(__SSE2__)
#define WAYS_LOAD(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define WAYS_STORE(p, x) _mm_storeu_si128((__m128i *)(void *)(p), (x))
#define WAYS_BLEND(where, x, y) _mm_or_si128(_mm_and_si128(where, x), _mm_andnot_si128(where, y))
    const __m128i zero = _mm_setzero_si128(), last_leaf = _mm_set1_epi16((short)(leaves - 1));
    const __m128i mass = WAYS_LOAD(from->mass), left = WAYS_LOAD(turn->left);
    const __m128i own = WAYS_BLEND(WAYS_LOAD(turn->goes_right), _mm_sub_epi16(mass, left), left);
    const __m128i over = _mm_sub_epi16(mass, own);
    const __m128i under = _mm_sub_epi16(own, _mm_set1_epi16(-1));
    const __m128i most_over = WAYS_LOAD(from->over), most_under = WAYS_LOAD(from->under);
    /* over * most_under - most_over * under */
    const __m128i minus = _mm_sub_epi16(zero, under);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(over, most_over),
                                       _mm_unpacklo_epi16(most_under, minus));
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(over, most_over),
                                        _mm_unpackhi_epi16(most_under, minus));
    const __m128i is_more = _mm_packs_epi32(_mm_cmpgt_epi32(low, zero),
                                            _mm_cmpgt_epi32(high, zero));

    WAYS_STORE(to->mass, own);
    WAYS_STORE(to->over, WAYS_BLEND(is_more, over, most_over));
    WAYS_STORE(to->under, WAYS_BLEND(is_more, under, most_under));
    WAYS_STORE(depth, _mm_sub_epi16(WAYS_LOAD(depth),
                                    _mm_cmpgt_epi16(WAYS_LOAD(from->node), last_leaf)));
    return _mm_movemask_epi8(_mm_cmpgt_epi16(WAYS_LOAD(to->node), last_leaf)) != 0;
#undef WAYS_LOAD
#undef WAYS_STORE
#undef WAYS_BLEND
#else
    int goes_on = 0;

    for (uint32_t j = 0; j < TOCSIN__WAYS; j++) {
        const uint16_t right = (uint16_t)(from->mass[j] - turn->left[j]);
        const uint16_t own = turn->goes_right[j] ? right : turn->left[j];
        const uint16_t over = (uint16_t)(from->mass[j] - own), under = (uint16_t)(own + 1);
        const int is_more = (uint32_t)over * from->under[j] > (uint32_t)from->over[j] * under;

        to->mass[j] = own;
        to->over[j] = is_more ? over : from->over[j];
        to->under[j] = is_more ? under : from->under[j];
        depth[j] = (uint16_t)(depth[j] + (from->node[j] >= leaves));
        goes_on |= to->node[j] >= leaves;
    }
    return goes_on;
#endif
}

#endif
