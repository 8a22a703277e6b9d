/* lanes_avx512.h - the operations of lanes.h for x86 with AVX-512 F, DQ, BW and VL: sixteen
 * series at a time, masks in registers of their own.
 */
#ifndef TOCSIN__LANES_AVX512_H
#define TOCSIN__LANES_AVX512_H

#include <immintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE avx512

typedef struct {
    __m512d low, high;
} lane_f64;

typedef __m512 lane_f32;
typedef __mmask16 lane_mask;

enum { lane_width = 16, lane_bundle = 4 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return (lane_f64){_mm512_set1_pd(x), _mm512_set1_pd(x)};
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return (lane_f64){_mm512_loadu_pd(p), _mm512_loadu_pd(p + 8)};
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return (lane_f64){_mm512_cvtps_pd(_mm256_loadu_ps(p)),
                      _mm512_cvtps_pd(_mm256_loadu_ps(p + 8))};
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 8));

    return (lane_f64){_mm512_cvtepu32_pd(low), _mm512_cvtepu32_pd(high)};
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm512_storeu_pd(p, v.low);
    _mm512_storeu_pd(p + 8, v.high);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvttpd_epu32(v.low));
    _mm256_storeu_si256((__m256i *)(void *)(p + 8), _mm512_cvttpd_epu32(v.high));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_sub_pd(a.low, b.low), _mm512_sub_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_div_pd(a.low, b.low), _mm512_div_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return (lane_f64){_mm512_sqrt_pd(a.low), _mm512_sqrt_pd(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return (lane_f64){_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.low),
                      _mm512_andnot_pd(_mm512_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return (lane_f64){_mm512_xor_pd(_mm512_set1_pd(-0.0), a.low),
                      _mm512_xor_pd(_mm512_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_max_pd(a.low, b.low), _mm512_max_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm512_min_pd(a.low, b.low), _mm512_min_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_mask lane_join(__mmask8 low, __mmask8 high)
{
    return _mm512_kunpackb(high, low);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm512_cmp_pd_mask(a.low, b.low, _CMP_LT_OQ),
                     _mm512_cmp_pd_mask(a.high, b.high, _CMP_LT_OQ));
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm512_cmp_pd_mask(a.low, b.low, _CMP_LE_OQ),
                     _mm512_cmp_pd_mask(a.high, b.high, _CMP_LE_OQ));
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm512_cmp_pd_mask(a.low, b.low, _CMP_GT_OQ),
                     _mm512_cmp_pd_mask(a.high, b.high, _CMP_GT_OQ));
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm512_cmp_pd_mask(a.low, b.low, _CMP_GE_OQ),
                     _mm512_cmp_pd_mask(a.high, b.high, _CMP_GE_OQ));
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return lane_join(_mm512_cmp_pd_mask(a.low, a.low, _CMP_UNORD_Q),
                     _mm512_cmp_pd_mask(a.high, a.high, _CMP_UNORD_Q));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    const __mmask8 low = (__mmask8)m, high = (__mmask8)(m >> 8);

    return (lane_f64){_mm512_mask_blend_pd(low, b.low, a.low),
                      _mm512_mask_blend_pd(high, b.high, a.high)};
}

/* ---- Floats ------------------------------------------------------------------ */

static TOCSIN__INLINE lane_f32 lane_setf(float x)
{
    return _mm512_set1_ps(x);
}

static TOCSIN__INLINE lane_f32 lane_loadf(const float *p)
{
    return _mm512_loadu_ps(p);
}

static TOCSIN__INLINE lane_f32 lane_loadf_u16(const uint16_t *p)
{
    const __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)p);

    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(words));
}

static TOCSIN__INLINE void lane_storef(float *p, lane_f32 v)
{
    _mm512_storeu_ps(p, v);
}

static TOCSIN__INLINE void lane_storef_u16(uint16_t *p, lane_f32 v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_cvttps_epi32(v)));
}

static TOCSIN__INLINE lane_f32 lane_narrow(lane_f64 v)
{
    const __m512 low = _mm512_castps256_ps512(_mm512_cvtpd_ps(v.low));

    return _mm512_insertf32x8(low, _mm512_cvtpd_ps(v.high), 1);
}

static TOCSIN__INLINE lane_f64 lane_widen(lane_f32 v)
{
    return (lane_f64){_mm512_cvtps_pd(_mm512_castps512_ps256(v)),
                      _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1))};
}

static TOCSIN__INLINE lane_f32 lane_addf(lane_f32 a, lane_f32 b)
{
    return _mm512_add_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_subf(lane_f32 a, lane_f32 b)
{
    return _mm512_sub_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_mulf(lane_f32 a, lane_f32 b)
{
    return _mm512_mul_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_divf(lane_f32 a, lane_f32 b)
{
    return _mm512_div_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_sqrtf(lane_f32 a)
{
    return _mm512_sqrt_ps(a);
}

static TOCSIN__INLINE lane_f32 lane_absf(lane_f32 a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}

static TOCSIN__INLINE lane_f32 lane_maxf(lane_f32 a, lane_f32 b)
{
    return _mm512_max_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_minf(lane_f32 a, lane_f32 b)
{
    return _mm512_min_ps(a, b);
}

/* The least and the largest of all lanes. */
static TOCSIN__INLINE float lane_leastf(lane_f32 v)
{
    return _mm512_reduce_min_ps(v);
}

static TOCSIN__INLINE float lane_largestf(lane_f32 v)
{
    return _mm512_reduce_max_ps(v);
}

static TOCSIN__INLINE lane_mask lane_ltf(lane_f32 a, lane_f32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static TOCSIN__INLINE lane_mask lane_lef(lane_f32 a, lane_f32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}

static TOCSIN__INLINE lane_mask lane_gtf(lane_f32 a, lane_f32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

static TOCSIN__INLINE lane_mask lane_gef(lane_f32 a, lane_f32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

static TOCSIN__INLINE lane_mask lane_eqf(lane_f32 a, lane_f32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

static TOCSIN__INLINE lane_mask lane_is_nanf(lane_f32 a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

static TOCSIN__INLINE lane_f32 lane_blendf(lane_mask m, lane_f32 a, lane_f32 b)
{
    return _mm512_mask_blend_ps(m, b, a);
}

/* ---- Masks ------------------------------------------------------------------- */

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

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return m;
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    return (lane_mask)bits;
}

/* ---- Where a mask is true ---------------------------------------------------- */

static TOCSIN__INLINE void lane_store_where(double *p, lane_mask m, lane_f64 v)
{
    lane_store(p, lane_blend(m, v, lane_load(p)));
}

static TOCSIN__INLINE void lane_storef_where(float *p, lane_mask m, lane_f32 v)
{
    lane_storef(p, lane_blendf(m, v, lane_loadf(p)));
}

static TOCSIN__INLINE void lane_store_u32_where(uint32_t *p, lane_mask m, lane_f64 v)
{
    lane_store_u32(p, lane_blend(m, v, lane_load_u32(p)));
}

#endif
