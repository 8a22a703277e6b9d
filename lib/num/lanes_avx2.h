/* lanes_avx2.h - the operations of lanes.h for x86 with AVX2: eight series at a time.  Masks are
 * vectors of all ones or zeros.
 */
#ifndef TOCSIN__LANES_AVX2_H
#define TOCSIN__LANES_AVX2_H

#include <immintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE avx2

typedef struct {
    __m256d low, high;
} lane_f64;

typedef __m256 lane_f32;
typedef __m256 lane_mask;

enum { lane_width = 8, lane_bundle = 1 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return (lane_f64){_mm256_set1_pd(x), _mm256_set1_pd(x)};
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return (lane_f64){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)};
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return (lane_f64){_mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p + 4))};
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    /* An integer below 2^32 in the low bits of 2^52 is that number plus 2^52. */
    const __m256i narrow = _mm256_loadu_si256((const __m256i *)(const void *)p);
    const __m256d two_52 = _mm256_set1_pd(4503599627370496.0);
    const __m256i low = _mm256_cvtepu32_epi64(_mm256_castsi256_si128(narrow));
    const __m256i high = _mm256_cvtepu32_epi64(_mm256_extracti128_si256(narrow, 1));

    return (lane_f64){_mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(low), two_52), two_52),
                      _mm256_sub_pd(_mm256_or_pd(_mm256_castsi256_pd(high), two_52), two_52)};
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm256_storeu_pd(p, v.low);
    _mm256_storeu_pd(p + 4, v.high);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    const __m256d two_52 = _mm256_set1_pd(4503599627370496.0);
    const __m256 low = _mm256_castpd_ps(_mm256_add_pd(v.low, two_52));
    const __m256 high = _mm256_castpd_ps(_mm256_add_pd(v.high, two_52));
    const __m256 mixed = _mm256_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0));
    const __m256d ordered = _mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0));

    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_castpd_si256(ordered));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_sub_pd(a.low, b.low), _mm256_sub_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_div_pd(a.low, b.low), _mm256_div_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return (lane_f64){_mm256_sqrt_pd(a.low), _mm256_sqrt_pd(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return (lane_f64){_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.low),
                      _mm256_andnot_pd(_mm256_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return (lane_f64){_mm256_xor_pd(_mm256_set1_pd(-0.0), a.low),
                      _mm256_xor_pd(_mm256_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_max_pd(a.low, b.low), _mm256_max_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm256_min_pd(a.low, b.low), _mm256_min_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_mask lane_join(__m256d low, __m256d high)
{
    const __m256 mixed = _mm256_shuffle_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high),
                                           _MM_SHUFFLE(2, 0, 2, 0));

    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0)));
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm256_cmp_pd(a.low, b.low, _CMP_LT_OQ),
                     _mm256_cmp_pd(a.high, b.high, _CMP_LT_OQ));
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm256_cmp_pd(a.low, b.low, _CMP_LE_OQ),
                     _mm256_cmp_pd(a.high, b.high, _CMP_LE_OQ));
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm256_cmp_pd(a.low, b.low, _CMP_GT_OQ),
                     _mm256_cmp_pd(a.high, b.high, _CMP_GT_OQ));
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm256_cmp_pd(a.low, b.low, _CMP_GE_OQ),
                     _mm256_cmp_pd(a.high, b.high, _CMP_GE_OQ));
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return lane_join(_mm256_cmp_pd(a.low, a.low, _CMP_UNORD_Q),
                     _mm256_cmp_pd(a.high, a.high, _CMP_UNORD_Q));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    const __m256i all = _mm256_castps_si256(m);
    const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(all));
    const __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(all, 1));

    return (lane_f64){_mm256_blendv_pd(b.low, a.low, _mm256_castsi256_pd(low)),
                      _mm256_blendv_pd(b.high, a.high, _mm256_castsi256_pd(high))};
}

/* ---- Floats ------------------------------------------------------------------ */

static TOCSIN__INLINE lane_f32 lane_setf(float x)
{
    return _mm256_set1_ps(x);
}

static TOCSIN__INLINE lane_f32 lane_loadf(const float *p)
{
    return _mm256_loadu_ps(p);
}

static TOCSIN__INLINE lane_f32 lane_loadf_u16(const uint16_t *p)
{
    const __m128i words = _mm_loadu_si128((const __m128i *)(const void *)p);

    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(words));
}

static TOCSIN__INLINE void lane_storef(float *p, lane_f32 v)
{
    _mm256_storeu_ps(p, v);
}

static TOCSIN__INLINE void lane_storef_u16(uint16_t *p, lane_f32 v)
{
    const __m256i wide = _mm256_cvttps_epi32(v);

    _mm_storeu_si128((__m128i *)(void *)p, _mm_packus_epi32(_mm256_castsi256_si128(wide),
                                                            _mm256_extracti128_si256(wide, 1)));
}

static TOCSIN__INLINE lane_f32 lane_narrow(lane_f64 v)
{
    const __m256 low = _mm256_castps128_ps256(_mm256_cvtpd_ps(v.low));

    return _mm256_insertf128_ps(low, _mm256_cvtpd_ps(v.high), 1);
}

static TOCSIN__INLINE lane_f64 lane_widen(lane_f32 v)
{
    return (lane_f64){_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
                      _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))};
}

static TOCSIN__INLINE lane_f32 lane_addf(lane_f32 a, lane_f32 b)
{
    return _mm256_add_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_subf(lane_f32 a, lane_f32 b)
{
    return _mm256_sub_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_mulf(lane_f32 a, lane_f32 b)
{
    return _mm256_mul_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_divf(lane_f32 a, lane_f32 b)
{
    return _mm256_div_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_sqrtf(lane_f32 a)
{
    return _mm256_sqrt_ps(a);
}

static TOCSIN__INLINE lane_f32 lane_absf(lane_f32 a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static TOCSIN__INLINE lane_f32 lane_maxf(lane_f32 a, lane_f32 b)
{
    return _mm256_max_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_minf(lane_f32 a, lane_f32 b)
{
    return _mm256_min_ps(a, b);
}

/* The least and the largest of all lanes. */
static TOCSIN__INLINE float lane_leastf(lane_f32 v)
{
    __m128 least = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    least = _mm_min_ps(least, _mm_shuffle_ps(least, least, 0x4e));
    return _mm_cvtss_f32(_mm_min_ps(least, _mm_shuffle_ps(least, least, 0xb1)));
}

static TOCSIN__INLINE float lane_largestf(lane_f32 v)
{
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    most = _mm_max_ps(most, _mm_shuffle_ps(most, most, 0x4e));
    return _mm_cvtss_f32(_mm_max_ps(most, _mm_shuffle_ps(most, most, 0xb1)));
}

static TOCSIN__INLINE lane_mask lane_ltf(lane_f32 a, lane_f32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static TOCSIN__INLINE lane_mask lane_lef(lane_f32 a, lane_f32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_LE_OQ);
}

static TOCSIN__INLINE lane_mask lane_gtf(lane_f32 a, lane_f32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}

static TOCSIN__INLINE lane_mask lane_gef(lane_f32 a, lane_f32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_GE_OQ);
}

static TOCSIN__INLINE lane_mask lane_eqf(lane_f32 a, lane_f32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}

static TOCSIN__INLINE lane_mask lane_is_nanf(lane_f32 a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

static TOCSIN__INLINE lane_f32 lane_blendf(lane_mask m, lane_f32 a, lane_f32 b)
{
    return _mm256_blendv_ps(b, a, m);
}

/* ---- Masks ------------------------------------------------------------------- */

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return _mm256_and_ps(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return _mm256_or_ps(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return _mm256_andnot_ps(n, m);
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return (uint32_t)_mm256_movemask_ps(m);
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i all = _mm256_set1_epi32((int)bits);

    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(all, bit), bit));
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
