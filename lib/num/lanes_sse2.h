/* lanes_sse2.h - the operations of lanes.h for any x86 that tocsin runs on: two series at a
 * time.  Masks are vectors of all ones or zeros.
 */
#ifndef TOCSIN__LANES_SSE2_H
#define TOCSIN__LANES_SSE2_H

#include <emmintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE sse2

typedef __m128d lane_f64;
typedef __m128d lane_mask;

enum { lane_width = 2 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return _mm_set1_pd(x);
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return _mm_loadu_pd(p);
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return _mm_set_pd(p[1], p[0]);
}

static TOCSIN__INLINE lane_f64 lane_load_u16(const uint16_t *p)
{
    return _mm_cvtepi32_pd(_mm_set_epi32(0, 0, p[1], p[0]));
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    return _mm_set_pd(p[1], p[0]);
}

static TOCSIN__INLINE lane_f64 lane_load_i64(const int64_t *p)
{
    return _mm_set_pd((double)p[1], (double)p[0]);
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm_storeu_pd(p, v);
}

static TOCSIN__INLINE void lane_store_f32(float *p, lane_f64 v)
{
    _mm_storel_pi((__m64 *)(void *)p, _mm_cvtpd_ps(v));
}

static TOCSIN__INLINE void lane_store_u16(uint16_t *p, lane_f64 v)
{
    const __m128i words = _mm_cvttpd_epi32(v);

    p[0] = (uint16_t)_mm_extract_epi16(words, 0);
    p[1] = (uint16_t)_mm_extract_epi16(words, 2);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    const __m128i wide = _mm_castpd_si128(_mm_add_pd(v, _mm_set1_pd(4503599627370496.0)));

    _mm_storel_epi64((__m128i *)(void *)p, _mm_shuffle_epi32(wide, _MM_SHUFFLE(3, 1, 2, 0)));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return _mm_add_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return _mm_sub_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return _mm_mul_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return _mm_div_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return _mm_sqrt_pd(a);
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return _mm_andnot_pd(_mm_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return _mm_xor_pd(_mm_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return _mm_max_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return _mm_min_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return _mm_cmplt_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return _mm_cmple_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return _mm_cmpgt_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return _mm_cmpge_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_eq(lane_f64 a, lane_f64 b)
{
    return _mm_cmpeq_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return _mm_cmpunord_pd(a, a);
}

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return _mm_and_pd(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return _mm_or_pd(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return _mm_andnot_pd(n, m);
}

static TOCSIN__INLINE int lane_any(lane_mask m)
{
    return _mm_movemask_pd(m) != 0;
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return (uint32_t)_mm_movemask_pd(m);
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const __m128i bit = _mm_set_epi32(2, 2, 1, 1);
    const __m128i all = _mm_set1_epi32((int)bits);

    return _mm_castsi128_pd(_mm_cmpeq_epi32(_mm_and_si128(all, bit), bit));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    return _mm_or_pd(_mm_and_pd(m, a), _mm_andnot_pd(m, b));
}

static TOCSIN__INLINE void lane_store_where(double *p, lane_mask m, lane_f64 v)
{
    lane_store(p, lane_blend(m, v, lane_load(p)));
}

static TOCSIN__INLINE void lane_store_f32_where(float *p, lane_mask m, lane_f64 v)
{
    lane_store_f32(p, lane_blend(m, v, lane_load_f32(p)));
}

static TOCSIN__INLINE void lane_store_u16_where(uint16_t *p, lane_mask m, lane_f64 v)
{
    lane_store_u16(p, lane_blend(m, v, lane_load_u16(p)));
}

static TOCSIN__INLINE void lane_store_u32_where(uint32_t *p, lane_mask m, lane_f64 v)
{
    lane_store_u32(p, lane_blend(m, v, lane_load_u32(p)));
}

#endif
