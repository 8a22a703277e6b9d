/* lanes_scalar.h - the operations of lanes.h one series at a time, in plain C: for processors
 * that have no instance of their own, and what the others are held against.
 */
#ifndef TOCSIN__LANES_SCALAR_H
#define TOCSIN__LANES_SCALAR_H

#include "lanes.h"
#include "mathx.h"

#undef LANES_INSTANCE
#define LANES_INSTANCE scalar

typedef double lane_f64;
typedef float lane_f32;
typedef uint32_t lane_mask;

enum { lane_width = 1, lane_bundle = 1 };

static TOCSIN__INLINE lane_f64 lane_set(double x)
{
    return x;
}

static TOCSIN__INLINE lane_f64 lane_load(const double *p)
{
    return *p;
}

static TOCSIN__INLINE lane_f64 lane_load_f32(const float *p)
{
    return *p;
}

static TOCSIN__INLINE lane_f64 lane_load_u32(const uint32_t *p)
{
    return *p;
}

static TOCSIN__INLINE void lane_store(double *p, lane_f64 v)
{
    *p = v;
}

static TOCSIN__INLINE lane_f64 lane_add(lane_f64 a, lane_f64 b)
{
    return a + b;
}

static TOCSIN__INLINE lane_f64 lane_sub(lane_f64 a, lane_f64 b)
{
    return a - b;
}

static TOCSIN__INLINE lane_f64 lane_mul(lane_f64 a, lane_f64 b)
{
    return a * b;
}

static TOCSIN__INLINE lane_f64 lane_div(lane_f64 a, lane_f64 b)
{
    return a / b;
}

static TOCSIN__INLINE lane_f64 lane_sqrt(lane_f64 a)
{
    return tocsin__sqrt(a);
}

static TOCSIN__INLINE lane_f64 lane_abs(lane_f64 a)
{
    return tocsin__abs(a);
}

static TOCSIN__INLINE lane_f64 lane_negate(lane_f64 a)
{
    return -a;
}

static TOCSIN__INLINE lane_f64 lane_max(lane_f64 a, lane_f64 b)
{
    return tocsin__max(a, b);
}

static TOCSIN__INLINE lane_f64 lane_min(lane_f64 a, lane_f64 b)
{
    return tocsin__min(a, b);
}

static TOCSIN__INLINE lane_mask lane_lt(lane_f64 a, lane_f64 b)
{
    return a < b;
}

static TOCSIN__INLINE lane_mask lane_le(lane_f64 a, lane_f64 b)
{
    return a <= b;
}

static TOCSIN__INLINE lane_mask lane_gt(lane_f64 a, lane_f64 b)
{
    return a > b;
}

static TOCSIN__INLINE lane_mask lane_ge(lane_f64 a, lane_f64 b)
{
    return a >= b;
}

static TOCSIN__INLINE lane_mask lane_is_nan(lane_f64 a)
{
    return a != a;
}

static TOCSIN__INLINE lane_f64 lane_blend(lane_mask m, lane_f64 a, lane_f64 b)
{
    return m ? a : b;
}

/* ---- Floats ------------------------------------------------------------------
 *
 * The casts say where a processor that computes wider must round; for these operations rounding
 * twice, to double and to float, is rounding once. */

static TOCSIN__INLINE lane_f32 lane_setf(float x)
{
    return x;
}

static TOCSIN__INLINE lane_f32 lane_loadf(const float *p)
{
    return *p;
}

static TOCSIN__INLINE lane_f32 lane_loadf_u16(const uint16_t *p)
{
    return *p;
}

static TOCSIN__INLINE void lane_storef(float *p, lane_f32 v)
{
    *p = v;
}

static TOCSIN__INLINE void lane_storef_u16(uint16_t *p, lane_f32 v)
{
    *p = (uint16_t)v;
}

static TOCSIN__INLINE lane_f32 lane_narrow(lane_f64 v)
{
    return (float)v;
}

static TOCSIN__INLINE lane_f64 lane_widen(lane_f32 v)
{
    return v;
}

static TOCSIN__INLINE lane_f32 lane_addf(lane_f32 a, lane_f32 b)
{
    return (float)(a + b);
}

static TOCSIN__INLINE lane_f32 lane_subf(lane_f32 a, lane_f32 b)
{
    return (float)(a - b);
}

static TOCSIN__INLINE lane_f32 lane_mulf(lane_f32 a, lane_f32 b)
{
    return (float)(a * b);
}

static TOCSIN__INLINE lane_f32 lane_divf(lane_f32 a, lane_f32 b)
{
    return (float)(a / b);
}

static TOCSIN__INLINE lane_f32 lane_sqrtf(lane_f32 a)
{
    /* Out of a compiler's sight, which would take it for sqrtf: the library asks for sqrt alone. */
    const volatile double wide = a;

    return (float)tocsin__sqrt(wide);
}

static TOCSIN__INLINE lane_f32 lane_absf(lane_f32 a)
{
    return (float)tocsin__abs(a);
}

static TOCSIN__INLINE lane_f32 lane_maxf(lane_f32 a, lane_f32 b)
{
    return a > b ? a : b;
}

static TOCSIN__INLINE lane_f32 lane_minf(lane_f32 a, lane_f32 b)
{
    return a < b ? a : b;
}

/* The least and the largest of all lanes. */
static TOCSIN__INLINE float lane_leastf(lane_f32 v)
{
    return v;
}

static TOCSIN__INLINE float lane_largestf(lane_f32 v)
{
    return v;
}

static TOCSIN__INLINE lane_mask lane_ltf(lane_f32 a, lane_f32 b)
{
    return a < b;
}

static TOCSIN__INLINE lane_mask lane_lef(lane_f32 a, lane_f32 b)
{
    return a <= b;
}

static TOCSIN__INLINE lane_mask lane_gtf(lane_f32 a, lane_f32 b)
{
    return a > b;
}

static TOCSIN__INLINE lane_mask lane_gef(lane_f32 a, lane_f32 b)
{
    return a >= b;
}

static TOCSIN__INLINE lane_mask lane_eqf(lane_f32 a, lane_f32 b)
{
    return a == b;
}

static TOCSIN__INLINE lane_mask lane_is_nanf(lane_f32 a)
{
    return a != a;
}

static TOCSIN__INLINE lane_f32 lane_blendf(lane_mask m, lane_f32 a, lane_f32 b)
{
    return m ? a : b;
}

/* ---- Masks ------------------------------------------------------------------- */

static TOCSIN__INLINE lane_mask lane_and(lane_mask m, lane_mask n)
{
    return m & n;
}

static TOCSIN__INLINE lane_mask lane_or(lane_mask m, lane_mask n)
{
    return m | n;
}

static TOCSIN__INLINE lane_mask lane_and_not(lane_mask m, lane_mask n)
{
    return m & ~n;
}

static TOCSIN__INLINE uint32_t lane_bits(lane_mask m)
{
    return m;
}

static TOCSIN__INLINE lane_mask lane_where(uint32_t bits)
{
    return bits & 1;
}

/* ---- Where a mask is true ---------------------------------------------------- */

static TOCSIN__INLINE void lane_store_where(double *p, lane_mask m, lane_f64 v)
{
    if (m)
        *p = v;
}

static TOCSIN__INLINE void lane_storef_where(float *p, lane_mask m, lane_f32 v)
{
    if (m)
        *p = v;
}

static TOCSIN__INLINE void lane_store_u32_where(uint32_t *p, lane_mask m, lane_f64 v)
{
    if (m)
        *p = (uint32_t)v;
}

#endif
