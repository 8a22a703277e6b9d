/* lanes_sse2.h - the operations of lanes.h for any x86 that tocsin runs on: four series at a
 * time.  Masks are vectors of all ones or zeros.
 */
#ifndef TOCSIN__LANES_SSE2_H
#define TOCSIN__LANES_SSE2_H

#include <emmintrin.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE sse2

typedef struct {
    __m128d low, high;
} lane_f64;

typedef __m128 lane_f32;
typedef __m128 lane_mask;

enum { lane_width = 4, lane_bundle = 1 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return (lane_f64){_mm_set1_pd(x), _mm_set1_pd(x)};
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return (lane_f64){_mm_loadu_pd(p), _mm_loadu_pd(p + 2)};
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    const __m128 all = _mm_loadu_ps(p);

    return (lane_f64){_mm_cvtps_pd(all), _mm_cvtps_pd(_mm_movehl_ps(all, all))};
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    return (lane_f64){_mm_set_pd(p[1], p[0]), _mm_set_pd(p[3], p[2])};
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    _mm_storeu_pd(p, v.low);
    _mm_storeu_pd(p + 2, v.high);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    const __m128d two_52 = _mm_set1_pd(4503599627370496.0);
    const __m128 low = _mm_castpd_ps(_mm_add_pd(v.low, two_52));
    const __m128 high = _mm_castpd_ps(_mm_add_pd(v.high, two_52));

    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0))));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_add_pd(a.low, b.low), _mm_add_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_sub_pd(a.low, b.low), _mm_sub_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_mul_pd(a.low, b.low), _mm_mul_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_div_pd(a.low, b.low), _mm_div_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return (lane_f64){_mm_sqrt_pd(a.low), _mm_sqrt_pd(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return (lane_f64){_mm_andnot_pd(_mm_set1_pd(-0.0), a.low),
                      _mm_andnot_pd(_mm_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return (lane_f64){_mm_xor_pd(_mm_set1_pd(-0.0), a.low), _mm_xor_pd(_mm_set1_pd(-0.0), a.high)};
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_max_pd(a.low, b.low), _mm_max_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return (lane_f64){_mm_min_pd(a.low, b.low), _mm_min_pd(a.high, b.high)};
}

static TOCSIN__INLINE lane_mask lane_join(__m128d low, __m128d high)
{
    return _mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), _MM_SHUFFLE(2, 0, 2, 0));
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm_cmplt_pd(a.low, b.low), _mm_cmplt_pd(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm_cmple_pd(a.low, b.low), _mm_cmple_pd(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm_cmpgt_pd(a.low, b.low), _mm_cmpgt_pd(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return lane_join(_mm_cmpge_pd(a.low, b.low), _mm_cmpge_pd(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return lane_join(_mm_cmpunord_pd(a.low, a.low), _mm_cmpunord_pd(a.high, a.high));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    const __m128d low = _mm_castps_pd(_mm_unpacklo_ps(m, m));
    const __m128d high = _mm_castps_pd(_mm_unpackhi_ps(m, m));

    return (lane_f64){_mm_or_pd(_mm_and_pd(low, a.low), _mm_andnot_pd(low, b.low)),
                      _mm_or_pd(_mm_and_pd(high, a.high), _mm_andnot_pd(high, b.high))};
}

/* ---- Floats ------------------------------------------------------------------ */

static TOCSIN__INLINE lane_f32 lane_setf(float x)
{
    return _mm_set1_ps(x);
}

static TOCSIN__INLINE lane_f32 lane_loadf(const float *p)
{
    return _mm_loadu_ps(p);
}

static TOCSIN__INLINE lane_f32 lane_loadf_u16(const uint16_t *p)
{
    const __m128i words = _mm_loadl_epi64((const __m128i *)(const void *)p);

    return _mm_cvtepi32_ps(_mm_unpacklo_epi16(words, _mm_setzero_si128()));
}

static TOCSIN__INLINE void lane_storef(float *p, lane_f32 v)
{
    _mm_storeu_ps(p, v);
}

static TOCSIN__INLINE void lane_storef_u16(uint16_t *p, lane_f32 v)
{
    /* Packing takes numbers for signed: what it is given has the sign that the word will have. */
    const __m128i wide = _mm_srai_epi32(_mm_slli_epi32(_mm_cvttps_epi32(v), 16), 16);

    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi32(wide, wide));
}

static TOCSIN__INLINE lane_f32 lane_narrow(lane_f64 v)
{
    return _mm_movelh_ps(_mm_cvtpd_ps(v.low), _mm_cvtpd_ps(v.high));
}

static TOCSIN__INLINE lane_f64 lane_widen(lane_f32 v)
{
    return (lane_f64){_mm_cvtps_pd(v), _mm_cvtps_pd(_mm_movehl_ps(v, v))};
}

static TOCSIN__INLINE lane_f32 lane_addf(lane_f32 a, lane_f32 b)
{
    return _mm_add_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_subf(lane_f32 a, lane_f32 b)
{
    return _mm_sub_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_mulf(lane_f32 a, lane_f32 b)
{
    return _mm_mul_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_divf(lane_f32 a, lane_f32 b)
{
    return _mm_div_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_sqrtf(lane_f32 a)
{
    return _mm_sqrt_ps(a);
}

static TOCSIN__INLINE lane_f32 lane_absf(lane_f32 a)
{
    return _mm_andnot_ps(_mm_set1_ps(-0.0f), a);
}

static TOCSIN__INLINE lane_f32 lane_maxf(lane_f32 a, lane_f32 b)
{
    return _mm_max_ps(a, b);
}

static TOCSIN__INLINE lane_f32 lane_minf(lane_f32 a, lane_f32 b)
{
    return _mm_min_ps(a, b);
}

/* The least and the largest of all lanes. */
static TOCSIN__INLINE float lane_leastf(lane_f32 v)
{
    v = _mm_min_ps(v, _mm_shuffle_ps(v, v, 0x4e));
    return _mm_cvtss_f32(_mm_min_ps(v, _mm_shuffle_ps(v, v, 0xb1)));
}

static TOCSIN__INLINE float lane_largestf(lane_f32 v)
{
    v = _mm_max_ps(v, _mm_shuffle_ps(v, v, 0x4e));
    return _mm_cvtss_f32(_mm_max_ps(v, _mm_shuffle_ps(v, v, 0xb1)));
}

static TOCSIN__INLINE lane_mask lane_ltf(lane_f32 a, lane_f32 b)
{
    return _mm_cmplt_ps(a, b);
}

static TOCSIN__INLINE lane_mask lane_lef(lane_f32 a, lane_f32 b)
{
    return _mm_cmple_ps(a, b);
}

static TOCSIN__INLINE lane_mask lane_gtf(lane_f32 a, lane_f32 b)
{
    return _mm_cmpgt_ps(a, b);
}

static TOCSIN__INLINE lane_mask lane_gef(lane_f32 a, lane_f32 b)
{
    return _mm_cmpge_ps(a, b);
}

static TOCSIN__INLINE lane_mask lane_eqf(lane_f32 a, lane_f32 b)
{
    return _mm_cmpeq_ps(a, b);
}

static TOCSIN__INLINE lane_mask lane_is_nanf(lane_f32 a)
{
    return _mm_cmpunord_ps(a, a);
}

static TOCSIN__INLINE lane_f32 lane_blendf(lane_mask m, lane_f32 a, lane_f32 b)
{
    return _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b));
}

/* ---- Masks ------------------------------------------------------------------- */

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return _mm_and_ps(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return _mm_or_ps(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return _mm_andnot_ps(n, m);
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return (uint32_t)_mm_movemask_ps(m);
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const __m128i bit = _mm_setr_epi32(1, 2, 4, 8);
    const __m128i all = _mm_set1_epi32((int)bits);

    return _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_and_si128(all, bit), bit));
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
