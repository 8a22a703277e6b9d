/* mathx.h - the few transcendental functions the models need, the same bits on
 * every platform.
 *
 * libm's log and exp differ between C libraries, and between processors under
 * one of them.  These use only IEEE + - * / sqrt and integer operations in a fixed order.
 * Errors are stated per function, against the exact value, in units in the last
 * place; special values follow C11 annex F.
 */
#ifndef TOCSIN__MATHX_H
#define TOCSIN__MATHX_H

#include <math.h>

#include "../core/common.h"

double tocsin__log(double x);
double tocsin__log2(double x);
double tocsin__log10(double x);
double tocsin__log1p(double x);
double tocsin__exp(double x);
double tocsin__exp2(double x);
double tocsin__expm1(double x);
double tocsin__pow(double x, double y);     /* x >= 0 */
double tocsin__erfc(double x);
double tocsin__normal_tail(double z);       /* P(Z > z) */
double tocsin__normal_quantile(double p);   /* z with P(Z <= z) = p, 0 < p < 1 */

/* IEEE: correctly rounded.  Inline, because it is a single instruction. */
static inline double tocsin__sqrt(double x)
{
    return sqrt(x);
}

static inline double tocsin__abs(double x)
{
    return fabs(x);
}

static inline double tocsin__min(double a, double b)
{
    return a < b ? a : b;
}

static inline double tocsin__max(double a, double b)
{
    return a > b ? a : b;
}

static inline double tocsin__clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
