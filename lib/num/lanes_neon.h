/* lanes_neon.h - the operations of lanes.h for AArch64: four series at a time.  Masks are vectors
 * of all ones or zeros.  The processor's own maximum would give NaN where one side is.
 */
#ifndef TOCSIN__LANES_NEON_H
#define TOCSIN__LANES_NEON_H

#include <arm_neon.h>

#include "lanes.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE neon

typedef struct {
    float64x2_t low, high;
} lane_f64;

typedef float32x4_t lane_f32;
typedef uint32x4_t lane_mask;

enum { lane_width = 4, lane_bundle = 1 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return (lane_f64){vdupq_n_f64(x), vdupq_n_f64(x)};
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return (lane_f64){vld1q_f64(p), vld1q_f64(p + 2)};
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    const float32x4_t all = vld1q_f32(p);

    return (lane_f64){vcvt_f64_f32(vget_low_f32(all)), vcvt_high_f64_f32(all)};
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    const uint32x4_t all = vld1q_u32(p);

    return (lane_f64){vcvtq_f64_u64(vmovl_u32(vget_low_u32(all))),
                      vcvtq_f64_u64(vmovl_u32(vget_high_u32(all)))};
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    vst1q_f64(p, v.low);
    vst1q_f64(p + 2, v.high);
}

static TOCSIN__INLINE void lane_store_u32(uint32_t *p, lane_f64 v)
{
    const uint32x2_t low = vmovn_u64(vcvtq_u64_f64(v.low));

    vst1q_u32(p, vcombine_u32(low, vmovn_u64(vcvtq_u64_f64(v.high))));
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vaddq_f64(a.low, b.low), vaddq_f64(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vsubq_f64(a.low, b.low), vsubq_f64(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vmulq_f64(a.low, b.low), vmulq_f64(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vdivq_f64(a.low, b.low), vdivq_f64(a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return (lane_f64){vsqrtq_f64(a.low), vsqrtq_f64(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return (lane_f64){vabsq_f64(a.low), vabsq_f64(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return (lane_f64){vnegq_f64(a.low), vnegq_f64(a.high)};
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vbslq_f64(vcgtq_f64(a.low, b.low), a.low, b.low),
                      vbslq_f64(vcgtq_f64(a.high, b.high), a.high, b.high)};
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return (lane_f64){vbslq_f64(vcltq_f64(a.low, b.low), a.low, b.low),
                      vbslq_f64(vcltq_f64(a.high, b.high), a.high, b.high)};
}

static TOCSIN__INLINE lane_mask lane_join(uint64x2_t low, uint64x2_t high)
{
    return vcombine_u32(vmovn_u64(low), vmovn_u64(high));
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return lane_join(vcltq_f64(a.low, b.low), vcltq_f64(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return lane_join(vcleq_f64(a.low, b.low), vcleq_f64(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return lane_join(vcgtq_f64(a.low, b.low), vcgtq_f64(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return lane_join(vcgeq_f64(a.low, b.low), vcgeq_f64(a.high, b.high));
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return lane_join(veorq_u64(vceqq_f64(a.low, a.low), vdupq_n_u64(UINT64_MAX)),
                     veorq_u64(vceqq_f64(a.high, a.high), vdupq_n_u64(UINT64_MAX)));
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    const int32x4_t all = vreinterpretq_s32_u32(m);
    const uint64x2_t low = vreinterpretq_u64_s64(vmovl_s32(vget_low_s32(all)));
    const uint64x2_t high = vreinterpretq_u64_s64(vmovl_s32(vget_high_s32(all)));

    return (lane_f64){vbslq_f64(low, a.low, b.low), vbslq_f64(high, a.high, b.high)};
}

/* ---- Floats ------------------------------------------------------------------ */

static TOCSIN__INLINE lane_f32 lane_setf(float x)
{
    return vdupq_n_f32(x);
}

static TOCSIN__INLINE lane_f32 lane_loadf(const float *p)
{
    return vld1q_f32(p);
}

static TOCSIN__INLINE lane_f32 lane_loadf_u16(const uint16_t *p)
{
    return vcvtq_f32_u32(vmovl_u16(vld1_u16(p)));
}

static TOCSIN__INLINE void lane_storef(float *p, lane_f32 v)
{
    vst1q_f32(p, v);
}

static TOCSIN__INLINE void lane_storef_u16(uint16_t *p, lane_f32 v)
{
    vst1_u16(p, vmovn_u32(vcvtq_u32_f32(v)));
}

static TOCSIN__INLINE lane_f32 lane_narrow(lane_f64 v)
{
    return vcombine_f32(vcvt_f32_f64(v.low), vcvt_f32_f64(v.high));
}

static TOCSIN__INLINE lane_f64 lane_widen(lane_f32 v)
{
    return (lane_f64){vcvt_f64_f32(vget_low_f32(v)), vcvt_high_f64_f32(v)};
}

static TOCSIN__INLINE lane_f32 lane_addf(lane_f32 a, lane_f32 b)
{
    return vaddq_f32(a, b);
}

static TOCSIN__INLINE lane_f32 lane_subf(lane_f32 a, lane_f32 b)
{
    return vsubq_f32(a, b);
}

static TOCSIN__INLINE lane_f32 lane_mulf(lane_f32 a, lane_f32 b)
{
    return vmulq_f32(a, b);
}

static TOCSIN__INLINE lane_f32 lane_divf(lane_f32 a, lane_f32 b)
{
    return vdivq_f32(a, b);
}

static TOCSIN__INLINE lane_f32 lane_sqrtf(lane_f32 a)
{
    return vsqrtq_f32(a);
}

static TOCSIN__INLINE lane_f32 lane_absf(lane_f32 a)
{
    return vabsq_f32(a);
}

static TOCSIN__INLINE lane_f32 lane_maxf(lane_f32 a, lane_f32 b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static TOCSIN__INLINE lane_f32 lane_minf(lane_f32 a, lane_f32 b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

/* The least and the largest of all lanes. */
static TOCSIN__INLINE float lane_leastf(lane_f32 v)
{
    return vminvq_f32(v);
}

static TOCSIN__INLINE float lane_largestf(lane_f32 v)
{
    return vmaxvq_f32(v);
}

static TOCSIN__INLINE lane_mask lane_ltf(lane_f32 a, lane_f32 b)
{
    return vcltq_f32(a, b);
}

static TOCSIN__INLINE lane_mask lane_lef(lane_f32 a, lane_f32 b)
{
    return vcleq_f32(a, b);
}

static TOCSIN__INLINE lane_mask lane_gtf(lane_f32 a, lane_f32 b)
{
    return vcgtq_f32(a, b);
}

static TOCSIN__INLINE lane_mask lane_gef(lane_f32 a, lane_f32 b)
{
    return vcgeq_f32(a, b);
}

static TOCSIN__INLINE lane_mask lane_eqf(lane_f32 a, lane_f32 b)
{
    return vceqq_f32(a, b);
}

static TOCSIN__INLINE lane_mask lane_is_nanf(lane_f32 a)
{
    return vmvnq_u32(vceqq_f32(a, a));
}

static TOCSIN__INLINE lane_f32 lane_blendf(lane_mask m, lane_f32 a, lane_f32 b)
{
    return vbslq_f32(m, a, b);
}

/* ---- Masks ------------------------------------------------------------------- */

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return vandq_u32(m, n);
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return vorrq_u32(m, n);
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return vbicq_u32(m, n);
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    const uint32_t bit[4] = {1, 2, 4, 8};

    return vaddvq_u32(vandq_u32(m, vld1q_u32(bit)));
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    const uint32_t bit[4] = {1, 2, 4, 8};

    return vtstq_u32(vdupq_n_u32(bits), vld1q_u32(bit));
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
