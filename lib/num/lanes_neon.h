/* lanes_neon.h - the operations of lanes.h for AArch64: two series at a time.  Masks are vectors
 * of all ones or zeros.  The processor's own maximum would give NaN where one side is.
 */
#ifndef TOCSIN__LANES_NEON_H
#define TOCSIN__LANES_NEON_H

#include <arm_neon.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE neon

typedef float64x2_t lane_f64;
typedef uint64x2_t lane_mask;

enum { lane_width = 2 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return vdupq_n_f64(x);
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return vld1q_f64(p);
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return vcvt_f64_f32(vld1_f32(p));
}

static TOCSIN__INLINE lane_f64 lane_load_u16(const uint16_t *p)
{
    const double value[2] = {p[0], p[1]};

    return vld1q_f64(value);
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    return vcvtq_f64_u64(vmovl_u32(vld1_u32(p)));
}

static TOCSIN__INLINE lane_f64 lane_load_i64(const int64_t *p)
{
    return vcvtq_f64_s64(vld1q_s64(p));
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    vst1q_f64(p, v);
}

static TOCSIN__INLINE void lane_store_f32(float *p, lane_f64 v)
{
    vst1_f32(p, vcvt_f32_f64(v));
}

static TOCSIN__INLINE void lane_store_u16(uint16_t *p, lane_f64 v)
{
    p[0] = (uint16_t)vgetq_lane_f64(v, 0);
    p[1] = (uint16_t)vgetq_lane_f64(v, 1);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    vst1_u32(p, vmovn_u64(vcvtq_u64_f64(v)));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return vaddq_f64(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return vsubq_f64(a, b);
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return vmulq_f64(a, b);
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return vdivq_f64(a, b);
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return vsqrtq_f64(a);
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return vabsq_f64(a);
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return vnegq_f64(a);
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return vbslq_f64(vcgtq_f64(a, b), a, b);
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return vbslq_f64(vcltq_f64(a, b), a, b);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return vcltq_f64(a, b);
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return vcleq_f64(a, b);
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return vcgtq_f64(a, b);
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return vcgeq_f64(a, b);
}

static TOCSIN__INLINE lane_mask lane_eq(lane_f64 a, lane_f64 b)
{
    return vceqq_f64(a, b);
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return vbicq_u64(vdupq_n_u64(UINT64_MAX), vceqq_f64(a, a));
}

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return vandq_u64(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return vorrq_u64(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return vbicq_u64(m, n);
}

static TOCSIN__INLINE int lane_any(lane_mask m)
{
    return (vgetq_lane_u64(m, 0) | vgetq_lane_u64(m, 1)) != 0;
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return (uint32_t)((vgetq_lane_u64(m, 0) & 1) | (vgetq_lane_u64(m, 1) & 2));
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const uint64_t bit[2] = {1, 2};

    return vtstq_u64(vdupq_n_u64(bits), vld1q_u64(bit));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    return vbslq_f64(m, a, b);
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
