/* lanes.h - the operations that kernels are written over.
 *
 * A template (ewma_template.h, holt_template.h) treats `lane_width` series at once and knows no
 * instruction set: it is written over the names below, which stand for another function in
 * each instance.  lane_add is lane_add_avx512 after lanes_avx512.h, lane_add_sse2 after
 * lanes_sse2.h, and so forth, so that all instances fit in one translation unit.  What a template
 * defines gets its name by LANES_NAME() likewise.
 *
 * Types:       lane_f64            lane_width doubles
 *              lane_mask           one truth value for each
 * Constant:    lane_width          1, 2, 4 or 8; divides TOCSIN__LANES
 *
 * Load:        lane_set(x)         x in each lane
 *              lane_load(p)        from double; all pointers need only their element's alignment
 *              lane_load_f32(p)    from float, exactly
 *              lane_load_u16(p) lane_load_u32(p)
 *                                  from integers, exactly
 *              lane_load_i64(p)    from int64_t, rounded to nearest, as (double) does
 * Store:       lane_store(p, v)    to double
 *              lane_store_f32(p, v)
 *                                  to float, rounded to nearest, as (float) does
 *              lane_store_u16(p, v) lane_store_u32(p, v)
 *                                  to integers; v holds integers in their range
 *              lane_store_where(p, mask, v), lane_store_f32_where, lane_store_u16_where,
 *              lane_store_u32_where
 *                                  the same where the mask is true; elsewhere memory keeps what it
 *                                  has (but may be written with that)
 * Arithmetic:  lane_add lane_sub lane_mul lane_div lane_sqrt
 *              lane_abs(a) lane_negate(a)
 *                                  the sign bit cleared, or inverted
 *              lane_max(a, b)      a > b ? a : b, also for NaN and zeros of either sign
 *              lane_min(a, b)      a < b ? a : b
 * Comparison:  lane_lt lane_le lane_gt lane_ge lane_eq
 *                                  of (a, b), false where one is NaN
 *              lane_is_nan(a)
 * Masks:       lane_and(m, n) lane_or(m, n)
 *              lane_and_not(m, n)  m and not n
 *              lane_any(m)         an int: is one true
 *              lane_bits(m)        a uint32_t: bit i is lane i, higher ones 0
 *              lane_where(bits)    the mask of the lowest lane_width bits
 *              lane_blend(m, a, b) m ? a : b
 *
 * What a masked lane computes is thrown away: it may be NaN or infinite, and costs nothing.
 */
#ifndef TOCSIN__LANES_H
#define TOCSIN__LANES_H

#include "../core/common.h"

#define LANES_JOIN_NOW(name, instance) name##_##instance
#define LANES_JOIN(name, instance) LANES_JOIN_NOW(name, instance)
#define LANES_NAME(name) LANES_JOIN(name, LANES_INSTANCE)

#define lane_f64 LANES_NAME(lane_f64)
#define lane_mask LANES_NAME(lane_mask)
#define lane_width LANES_NAME(lane_width)

#define lane_set LANES_NAME(lane_set)
#define lane_load LANES_NAME(lane_load)
#define lane_load_f32 LANES_NAME(lane_load_f32)
#define lane_load_u16 LANES_NAME(lane_load_u16)
#define lane_load_u32 LANES_NAME(lane_load_u32)
#define lane_load_i64 LANES_NAME(lane_load_i64)

#define lane_store LANES_NAME(lane_store)
#define lane_store_f32 LANES_NAME(lane_store_f32)
#define lane_store_u16 LANES_NAME(lane_store_u16)
#define lane_store_u32 LANES_NAME(lane_store_u32)
#define lane_store_where LANES_NAME(lane_store_where)
#define lane_store_f32_where LANES_NAME(lane_store_f32_where)
#define lane_store_u16_where LANES_NAME(lane_store_u16_where)
#define lane_store_u32_where LANES_NAME(lane_store_u32_where)

#define lane_add LANES_NAME(lane_add)
#define lane_sub LANES_NAME(lane_sub)
#define lane_mul LANES_NAME(lane_mul)
#define lane_div LANES_NAME(lane_div)
#define lane_sqrt LANES_NAME(lane_sqrt)
#define lane_abs LANES_NAME(lane_abs)
#define lane_negate LANES_NAME(lane_negate)
#define lane_max LANES_NAME(lane_max)
#define lane_min LANES_NAME(lane_min)

#define lane_lt LANES_NAME(lane_lt)
#define lane_le LANES_NAME(lane_le)
#define lane_gt LANES_NAME(lane_gt)
#define lane_ge LANES_NAME(lane_ge)
#define lane_eq LANES_NAME(lane_eq)
#define lane_is_nan LANES_NAME(lane_is_nan)

#define lane_and LANES_NAME(lane_and)
#define lane_or LANES_NAME(lane_or)
#define lane_and_not LANES_NAME(lane_and_not)
#define lane_any LANES_NAME(lane_any)
#define lane_bits LANES_NAME(lane_bits)
#define lane_where LANES_NAME(lane_where)
#define lane_blend LANES_NAME(lane_blend)

#endif
