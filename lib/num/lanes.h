/* lanes.h - the operations that kernels are written over.
 *
 * A template (ewma_template.h, holt_template.h ...) treats `lane_width` series at once and knows no
 * instruction set: it is written over the names below, which stand for another function in
 * each instance.  lane_add is lane_add_avx512 after lanes_avx512.h, lane_add_sse2 after
 * lanes_sse2.h, and so forth, so that all instances fit in one translation unit.  What a template
 * defines gets its name by LANES_NAME() likewise.
 *
 * Types:       lane_f64            lane_width doubles, in two registers
 *              lane_f32            as many floats, in one
 *              lane_mask           one truth value for each
 * Constants:   lane_width          1, 4, 8 or 16; divides TOCSIN__LANES
 *              lane_bundle         of so many groups' numbers registers hold what a kernel works on
 *                                  at a time: 1, 2 or 4
 *
 * Operations on floats have the names of those on doubles and an f, as in C.  So that all
 * processors agree each is rounded to float by itself.
 *
 * Load:        lane_set(x) lane_setf
 *                                  x in each lane
 *              lane_load(p) lane_loadf
 *                                  all pointers need only their element's alignment
 *              lane_load_f32(p) lane_load_u32 lane_loadf_u16
 *                                  from floats and integers, exactly
 * Store:       lane_store(p, v) lane_storef
 *              lane_store_u32(p, v) lane_storef_u16
 *                                  to integers; v holds integers in their range
 *              lane_store_where(p, mask, v) lane_storef_where lane_store_u32_where
 *                                  the same where the mask is true; elsewhere memory keeps what it
 *                                  has (but may be written with that)
 * Conversion:  lane_narrow(v)      to floats, rounded to nearest, beyond their range infinite
 *              lane_widen(v)       to doubles
 * Arithmetic:  lane_add lane_sub lane_mul lane_div lane_sqrt and for floats
 *              lane_abs(a) lane_absf lane_negate(a)
 *                                  the sign bit cleared, or inverted
 *              lane_max(a, b) lane_maxf
 *                                  a > b ? a : b, also for NaN and zeros of either sign
 *              lane_min(a, b) lane_minf
 *                                  a < b ? a : b
 *              lane_leastf(a) lane_largestf(a)
 *                                  of all lanes; of zeros either
 * Comparison:  lane_lt lane_le lane_gt lane_ge and for floats, lane_eqf
 *                                  of (a, b), false where one is NaN
 *              lane_is_nan(a) lane_is_nanf
 * Masks:       lane_and(m, n) lane_or(m, n)
 *              lane_and_not(m, n)  m and not n
 *              lane_bits(m)        a uint32_t: bit i is lane i, higher ones 0
 *              lane_where(bits)    the mask of the lowest lane_width bits
 *              lane_blend(m, a, b) lane_blendf
 *                                  m ? a : b
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
#define lane_f32 LANES_NAME(lane_f32)
#define lane_mask LANES_NAME(lane_mask)
#define lane_width LANES_NAME(lane_width)
#define lane_bundle LANES_NAME(lane_bundle)

#define lane_set LANES_NAME(lane_set)
#define lane_load LANES_NAME(lane_load)
#define lane_load_f32 LANES_NAME(lane_load_f32)
#define lane_load_u32 LANES_NAME(lane_load_u32)
#define lane_store LANES_NAME(lane_store)
#define lane_store_u32 LANES_NAME(lane_store_u32)
#define lane_store_where LANES_NAME(lane_store_where)
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

#define lane_join LANES_NAME(lane_join)
#define lane_lt LANES_NAME(lane_lt)
#define lane_le LANES_NAME(lane_le)
#define lane_gt LANES_NAME(lane_gt)
#define lane_ge LANES_NAME(lane_ge)
#define lane_is_nan LANES_NAME(lane_is_nan)
#define lane_blend LANES_NAME(lane_blend)

#define lane_setf LANES_NAME(lane_setf)
#define lane_loadf LANES_NAME(lane_loadf)
#define lane_loadf_u16 LANES_NAME(lane_loadf_u16)
#define lane_storef LANES_NAME(lane_storef)
#define lane_storef_u16 LANES_NAME(lane_storef_u16)
#define lane_storef_where LANES_NAME(lane_storef_where)
#define lane_narrow LANES_NAME(lane_narrow)
#define lane_widen LANES_NAME(lane_widen)

#define lane_addf LANES_NAME(lane_addf)
#define lane_subf LANES_NAME(lane_subf)
#define lane_mulf LANES_NAME(lane_mulf)
#define lane_divf LANES_NAME(lane_divf)
#define lane_sqrtf LANES_NAME(lane_sqrtf)
#define lane_absf LANES_NAME(lane_absf)
#define lane_maxf LANES_NAME(lane_maxf)
#define lane_minf LANES_NAME(lane_minf)
#define lane_leastf LANES_NAME(lane_leastf)
#define lane_largestf LANES_NAME(lane_largestf)

#define lane_ltf LANES_NAME(lane_ltf)
#define lane_lef LANES_NAME(lane_lef)
#define lane_gtf LANES_NAME(lane_gtf)
#define lane_gef LANES_NAME(lane_gef)
#define lane_eqf LANES_NAME(lane_eqf)
#define lane_is_nanf LANES_NAME(lane_is_nanf)
#define lane_blendf LANES_NAME(lane_blendf)

#define lane_and LANES_NAME(lane_and)
#define lane_or LANES_NAME(lane_or)
#define lane_and_not LANES_NAME(lane_and_not)
#define lane_bits LANES_NAME(lane_bits)
#define lane_where LANES_NAME(lane_where)

/* Before a loop over a bundle, whose variables are to be registers. */
#if defined(__clang__)
#define LANES_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define LANES_UNROLL _Pragma("GCC unroll 4")
#else
#define LANES_UNROLL
#endif

/* Tiles before the one that is worked on whose memory is asked for: enough of them that it has come
 * by then, and few enough that it is still in the first cache. */
#define LANES_AHEAD 4
#define LANES_LINE 64

/* Ask for memory that is needed soon: line by line in its order, so that the processor sees where
 * this leads and asks for more by itself. */
#if defined(__GNUC__)
#define LANES_ASK(memory, size, is_written)                              \
    for (size_t lanes_at = 0; lanes_at < (size); lanes_at += LANES_LINE) \
    __builtin_prefetch((const char *)(memory) + lanes_at, (is_written), 3)
#else
#define LANES_ASK(memory, size, is_written) ((void)(memory), (void)(size))
#endif

static TOCSIN__INLINE void lanes_ask(const void *memory, size_t size)
{
    LANES_ASK(memory, size, 0);
}

static TOCSIN__INLINE void lanes_ask_to_write(const void *memory, size_t size)
{
    LANES_ASK(memory, size, 1);
}

#endif
