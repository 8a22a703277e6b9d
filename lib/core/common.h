/* common.h - what every file of the library includes first: compiler checks and
 * the few macros that have no better home.
 */
#ifndef TOCSIN__COMMON_H
#define TOCSIN__COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tocsin/base.h"

/* Same input, same bits: that needs IEEE doubles evaluated as doubles, no
 * contraction of a*b+c into an fma, and no licence to reassociate.  (Not setting
 * errno makes sqrt a single instruction; it changes no result.) */
#if defined(__FAST_MATH__)
#error "tocsin must not be compiled with -ffast-math: its scores would depend on the compiler"
#endif
/* 1 (s390x) widens floats only. */
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 1 && \
    __FLT_EVAL_METHOD__ != 16
#error "tocsin needs doubles evaluated as doubles: on i686 compile with -msse2 -mfpmath=sse"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
/* GCC 12 for x86 loses the rounding to float when it vectorises two neighbouring stores of
 * `mixed ? (double)(float)x : x` (fields.h, tocsin__keep), so it may not join stores. */
#pragma GCC optimize("-ffp-contract=off", "-fno-math-errno", "-fno-tree-slp-vectorize")
#endif

/* What hardly ever happens is kept out of the way of what happens per point. */
#if defined(__GNUC__)
#define TOCSIN__RARELY(condition) __builtin_expect(!!(condition), 0)
#define TOCSIN__APART __attribute__((noinline))
#define TOCSIN__INLINE inline __attribute__((always_inline))
#else
#define TOCSIN__RARELY(condition) (condition)
#define TOCSIN__APART
#define TOCSIN__INLINE inline
#endif

/* Before a loop of eight, or of many, steps that do not depend on each other. */
#if defined(__clang__)
#define TOCSIN__UNROLL_8 _Pragma("clang loop unroll_count(8)")
#elif defined(__GNUC__)
#define TOCSIN__UNROLL_8 _Pragma("GCC unroll 8")
#else
#define TOCSIN__UNROLL_8
#endif

#define TOCSIN__COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The one NaN verdicts carry: quiet, positive, no payload. */
static inline double tocsin__nan(void)
{
    const uint64_t bits = UINT64_C(0x7ff8000000000000);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double tocsin__infinity(void)
{
    const uint64_t bits = UINT64_C(0x7ff0000000000000);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* False for NaN and both infinities, without libm or a call. */
static inline int tocsin__is_finite(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (bits & UINT64_C(0x7ff0000000000000)) != UINT64_C(0x7ff0000000000000);
}

static inline int tocsin__is_nan(double value)
{
    return value != value;
}

#endif
