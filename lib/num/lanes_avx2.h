/* lanes_avx2.h - the operations of lanes.h for x86 with AVX2: four series at a time.  Masks are
 * vectors of all ones or zeros.
 */
#ifndef TOCSIN__LANES_AVX2_H
#define TOCSIN__LANES_AVX2_H

#include <immintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE avx2

typedef __m256d lane_f64;
typedef __m256d lane_mask;

enum { lane_width = 4 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return _mm256_set1_pd(x);
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return _mm256_loadu_pd(p);
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(p));
}

static TOCSIN__INLINE lane_f64 lane_load_u16(const uint16_t *p)
{
    const __m128i words = _mm_loadl_epi64((const __m128i *)(const void *)p);

    return _mm256_cvtepi32_pd(_mm_cvtepu16_epi32(words));
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    /* An integer below 2^32 in the low bits of 2^52 is that number plus 2^52. */
    const __m256i wide = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)p));
    const __m256d two_52 = _mm256_set1_pd(4503599627370496.0);

    return _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(wide), two_52), two_52);
}

static TOCSIN__INLINE lane_f64 lane_load_i64(const int64_t *p)
{
    return _mm256_set_pd((double)p[3], (double)p[2], (double)p[1], (double)p[0]);
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm256_storeu_pd(p, v);
}

static TOCSIN__INLINE void lane_store_f32(float *p, lane_f64 v)
{
    _mm_storeu_ps(p, _mm256_cvtpd_ps(v));
}

static TOCSIN__INLINE void lane_store_u16(uint16_t *p, lane_f64 v)
{
    const __m128i words = _mm256_cvttpd_epi32(v);

    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi32(words, words));
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    const __m256i wide =
        _mm256_castpd_si256(_mm256_add_pd(v, _mm256_set1_pd(4503599627370496.0)));
    const __m256i low =
        _mm256_permutevar8x32_epi32(wide, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));

    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(low));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return _mm256_add_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return _mm256_sub_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return _mm256_mul_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return _mm256_div_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return _mm256_sqrt_pd(a);
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return _mm256_xor_pd(_mm256_set1_pd(-0.0), a);
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return _mm256_max_pd(a, b);
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return _mm256_min_pd(a, b);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_GT_OQ);
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_GE_OQ);
}

static TOCSIN__INLINE lane_mask lane_eq(lane_f64 a, lane_f64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return _mm256_cmp_pd(a, a, _CMP_UNORD_Q);
}

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return _mm256_and_pd(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return _mm256_or_pd(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return _mm256_andnot_pd(n, m);
}

static TOCSIN__INLINE int lane_any(lane_mask m)
{
    return _mm256_movemask_pd(m) != 0;
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return (uint32_t)_mm256_movemask_pd(m);
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i all = _mm256_set1_epi64x((int64_t)bits);

    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(all, bit), bit));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    return _mm256_blendv_pd(b, a, m);
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
