/* lanes_avx512.h - the operations of lanes.h for x86 with AVX-512 F, DQ, BW and VL: eight
 * series at a time, masks in registers of their own.
 */
#ifndef TOCSIN__LANES_AVX512_H
#define TOCSIN__LANES_AVX512_H

#include <immintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE avx512

typedef __m512d lane_f64;
typedef __mmask8 lane_mask;

enum { lane_width = 8 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return _mm512_set1_pd(x);
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return _mm512_loadu_pd(p);
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(p));
}

static TOCSIN__INLINE lane_f64 lane_load_u16(const uint16_t *p)
{
    const __m128i words = _mm_loadu_si128((const __m128i *)(const void *)p);

    return _mm512_cvtepi32_pd(_mm256_cvtepu16_epi32(words));
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    return _mm512_cvtepu32_pd(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static TOCSIN__INLINE lane_f64 lane_load_i64(const int64_t *p)
{
    return _mm512_cvtepi64_pd(_mm512_loadu_si512(p));
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm512_storeu_pd(p, v);
}

static TOCSIN__INLINE void lane_store_f32(float *p, lane_f64 v)
{
    _mm256_storeu_ps(p, _mm512_cvtpd_ps(v));
}

static TOCSIN__INLINE void lane_store_u16(uint16_t *p, lane_f64 v)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtepi32_epi16(_mm512_cvttpd_epi32(v)));
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvttpd_epu32(v));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return _mm512_add_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return _mm512_sub_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return _mm512_mul_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return _mm512_div_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return _mm512_sqrt_pd(a);
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return _mm512_xor_pd(_mm512_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return _mm512_max_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return _mm512_min_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ);
}

static TOCSIN__INLINE lane_mask lane_eq(lane_f64 a, lane_f64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return _mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q);
}

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return (lane_mask)(m & n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return (lane_mask)(m | n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return (lane_mask)(m & ~n);
}

static TOCSIN__INLINE int lane_any(lane_mask m)
{
    return m != 0;
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return m;
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    return (lane_mask)bits;
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    return _mm512_mask_blend_pd(m, b, a);
}

static TOCSIN__INLINE void lane_store_where(double *p, lane_mask m, lane_f64 v)
{
    _mm512_mask_storeu_pd(p, m, v);
}

static TOCSIN__INLINE void lane_store_f32_where(float *p, lane_mask m, lane_f64 v)
{
    _mm256_mask_storeu_ps(p, m, _mm512_cvtpd_ps(v));
}

static TOCSIN__INLINE void lane_store_u16_where(uint16_t *p, lane_mask m, lane_f64 v)
{
    _mm_mask_storeu_epi16(p, m, _mm256_cvtepi32_epi16(_mm512_cvttpd_epi32(v)));
}

static TOCSIN__INLINE void lane_store_u32_where(uint32_t *p, lane_mask m, lane_f64 v)
{
    _mm256_mask_storeu_epi32(p, m, _mm512_cvttpd_epu32(v));
}

#endif
