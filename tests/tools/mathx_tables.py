#!/usr/bin/env python3
"""Derive what lib/num/mathx.c and its test are made of.

    mathx_tables.py tables    > lib/num/mathx_tables.h
    mathx_tables.py reference > tests/unit/mathx_reference.h

`tables` computes the tables and polynomial coefficients: tables are rounded from 60 digits,
polynomials interpolate at Chebyshev nodes, which is within a small factor of the minimax
error, and are as short as the error wanted allows.  `reference` computes, to 60 digits and
then rounded, the values that the test holds each function against.  Needs mpmath.
"""
import random
import struct
import sys

from mpmath import mp, mpf

mp.dps = 60


def bits_of(x):
    return struct.unpack('<Q', struct.pack('<d', x))[0]


def nearest(x):
    """The double nearest to an mpf, subnormals included."""
    x = mpf(x)
    if x == 0 or mp.isinf(x) or mp.isnan(x):
        return float(x)
    magnitude = mp.floor(mp.log(abs(x), 2))
    unit = mpf(2) ** (max(magnitude, -1022) - 52)
    try:
        return float(mp.nint(x / unit) * unit)
    except OverflowError:
        return float('inf') if x > 0 else float('-inf')


def literal(x):
    return float(x).hex()


# ---- tables -------------------------------------------------------------------------------

def chebyshev(f, low, high, degree):
    """Coefficients in (x - middle) of the interpolant at Chebyshev nodes."""
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    n = degree + 1
    nodes = [mp.cos(mp.pi * (k + mpf(1) / 2) / n) for k in range(n)]
    values = [f(middle + half * t) for t in nodes]
    series = [2 / mpf(n) * sum(v * mp.cos(j * mp.pi * (k + mpf(1) / 2) / n)
                               for k, v in enumerate(values)) for j in range(n)]
    series[0] /= 2
    previous, current = [mpf(1)], [mpf(0), mpf(1)]
    total = [mpf(0)] * n
    for j in range(n):
        term = previous if j == 0 else current
        if j >= 2:
            following = [mpf(0)] + [2 * c for c in current]
            for i, c in enumerate(previous):
                following[i] -= c
            previous, current = current, following
            term = current
        for i, c in enumerate(term):
            total[i] += series[j] * c
    return [c / half ** i for i, c in enumerate(total)]


def fit(f, low, high, wanted):
    """The shortest such polynomial whose relative error is at most `wanted`."""
    middle = (mpf(low) + high) / 2
    for degree in range(3, 40):
        coefficients = chebyshev(f, low, high, degree)
        worst = mpf(0)
        for k in range(101):
            x = mpf(low) + (mpf(high) - low) * k / 100
            value = mp.polyval(coefficients[::-1], x - middle)
            worst = max(worst, abs(value / f(x) - 1))
        if worst <= wanted:
            return coefficients
    raise SystemExit('no polynomial is good enough')


def print_array(name, values, comment, per_line=3):
    print('/* %s */' % comment)
    print('static const double %s[%d] = {' % (name, len(values)))
    for i in range(0, len(values), per_line):
        print('    ' + ', '.join(literal(v) for v in values[i:i + per_line]) + ',')
    print('};\n')


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def tables():
    print('/* mathx_tables.h - the numbers in mathx.c; made by tests/tools/mathx_tables.py. */')
    print('#ifndef TOCSIN__MATHX_TABLES_H\n#define TOCSIN__MATHX_TABLES_H\n')
    ln2 = mp.log(2)

    # log: 1.m in 128 intervals; those from 53 on are halved, so that log x is small about 1.
    unit = mpf(2) ** -42
    flat = []
    for i in range(128):
        scale = 2 if i >= 53 else 1
        centre = (1 + (i + mpf(1) / 2) / 128) / scale
        inverse = mp.nint(2 ** 11 / centre) / 2 ** 11
        if i in (0, 127):
            inverse = mpf(1)
        value = -mp.log(inverse)
        high = mp.nint(value / unit) * unit
        flat += [float(inverse / scale), float(high), nearest(value - high)]
    print_array('mathx_log_table', flat,
                'per interval of the mantissa: r = 1/c to 12 bits, log c = -log(r) in two parts')
    high = mp.nint(ln2 / unit) * unit
    print('#define MATHX_LN2_HIGH %s' % literal(float(high)))
    print('#define MATHX_LN2_LOW %s' % literal(nearest(ln2 - high)))
    for name, value in (('LOG2E', 1 / ln2), ('LOG10E', 1 / mp.log(10)), ('LOG10_2', mp.log(2, 10))):
        first = nearest(value)
        print('#define MATHX_%s_HIGH %s' % (name, literal(first)))
        print('#define MATHX_%s_LOW %s' % (name, literal(nearest(value - mpf(first)))))
    for name, value in (('LN2', ln2), ('SQRT_HALF', mp.sqrt(mpf(1) / 2)),
                        ('SQRT_TWO_PI', mp.sqrt(2 * mp.pi))):
        print('#define MATHX_%s %s' % (name, literal(nearest(value))))
    print()

    # exp: 2^(j/128), and the step ln2/128 in two parts, the first short enough for exact products.
    flat = []
    for j in range(128):
        value = mpf(2) ** (mpf(j) / 128)
        first = nearest(value)
        flat += [first, nearest((value - mpf(first)) / value)]
    print_array('mathx_exp_table', flat, '2^(j/128), and what its rounding lost, relative to it', 4)
    step = ln2 / 128
    unit = mpf(2) ** -41
    high = mp.nint(step / unit) * unit
    print('#define MATHX_EXP_STEP_HIGH %s' % literal(float(high)))
    print('#define MATHX_EXP_STEP_LOW %s' % literal(nearest(step - high)))
    print('#define MATHX_EXP_STEP_INVERSE %s\n' % literal(nearest(1 / step)))

    # erf(x) = x P(x^2) below 3/4.
    def erf_over_x(t):
        return 2 / mp.sqrt(mp.pi) if t == 0 else mp.erf(mp.sqrt(t)) / mp.sqrt(t)
    middle = mpf(9) / 32
    coefficients = fit(erf_over_x, 0, 2 * middle, mpf(2) ** -57)
    print('#define MATHX_ERF_MIDDLE %s' % literal(float(middle)))
    print_array('mathx_erf', [nearest(c) for c in coefficients],
                'erf(x)/x for 0 <= x <= 3/4, in powers of x^2 - middle')

    # erfcx(x) = exp(x^2) erfc(x): by halves from 3/4 to 23/4, then in 1/x^2.
    rows, degree = [], 0
    for i in range(10):
        low = mpf(3) / 4 + mpf(i) / 2
        rows.append(fit(erfcx, low, low + mpf(1) / 2, mpf(2) ** -57))
        degree = max(degree, len(rows[-1]))
    rows = [[nearest(c) for c in row] + [0.0] * (degree - len(row)) for row in rows]
    print('#define MATHX_ERFCX_TERMS %d' % degree)
    print_array('mathx_erfcx', sum(rows, []),
                'exp(x^2) erfc(x) on [3/4 + i/2, 5/4 + i/2), in powers of x - (1 + i/2)')
    low = mpf(10) ** -8
    high = (mpf(4) / 23) ** 2
    def far(t):
        x = 1 / mp.sqrt(t)
        return erfcx(x) * x
    coefficients = fit(far, low, high, mpf(2) ** -57)
    print('#define MATHX_ERFCX_FAR_MIDDLE %s' % literal(nearest((low + high) / 2)))
    print_array('mathx_erfcx_far', [nearest(c) for c in coefficients],
                'x exp(x^2) erfc(x) for x >= 23/4, in powers of 1/x^2 - middle')

    # A first guess of the normal quantile, with s = sqrt(-2 log p):
    # z = s - (a0 + a1 s)/(1 + b1 s + b2 s^2).
    samples = []
    for k in range(60):
        p = mpf(10) ** (-(mpf('0.39') + mpf(k) ** 2 / 59 ** 2 * 300))
        s = mp.sqrt(-2 * mp.log(p))
        z = mp.findroot(lambda z: mp.log(mp.erfc(z / mp.sqrt(2)) / 2) - mp.log(p),
                        s - mp.log(s + 1) / s if s > 1 else mpf('0.2'))
        samples.append((s, s - z))
    a = mp.matrix(len(samples), 4)
    b = mp.matrix(len(samples), 1)
    for row, (s, gap) in enumerate(samples):
        a[row, 0], a[row, 1], a[row, 2], a[row, 3] = 1, s, -s * gap, -s * s * gap
        b[row] = gap
    solution = mp.lu_solve(a, b)
    print_array('mathx_quantile_guess', [nearest(c) for c in solution],
                'a0, a1, b1, b2 of the normal quantile\'s first guess')
    print('#endif')


# ---- reference ----------------------------------------------------------------------------

def log1p(x):
    with mp.workdps(400):
        return +mp.log(1 + mpf(x))


def expm1(x):
    with mp.workdps(400):
        return +(mp.exp(mpf(x)) - 1)


def quantile(p):
    """By bisection and Newton in the tail's logarithm."""
    p = mpf(p)
    with mp.workdps(80):
        if p == mpf(1) / 2:
            return mpf(0)
        tail = min(p, 1 - p)
        low, high = mpf(0), mpf(45)
        for _ in range(300):
            middle = (low + high) / 2
            if mp.erfc(middle / mp.sqrt(2)) / 2 > tail:
                low = middle
            else:
                high = middle
        return -low if p < mpf(1) / 2 else low


def random_double(r, low, high):
    """Uniform in the exponent between two magnitudes."""
    return float(mp.exp(mpf(r.uniform(float(mp.log(low)), float(mp.log(high))))))


def reference():
    r = random.Random(1)
    positive = ([random_double(r, 5e-324, 1.7e308) for _ in range(120)] +
                [r.uniform(0.5, 2) for _ in range(120)] +
                [1 + s * 2.0 ** -k for k in range(1, 53, 2) for s in (1, -1)] +
                [1 + s * random_double(r, 1e-9, 1e-2) for _ in range(30) for s in (1, -1)] +
                [2.0 ** k for k in range(-1074, 1024, 97)] +
                [10.0 ** k for k in range(-300, 309, 38)] +
                [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308])
    signed = ([s * random_double(r, 1e-300, 700) for _ in range(60) for s in (1, -1)] +
              [r.uniform(-1, 1) for _ in range(120)] + [r.uniform(-700, 700) for _ in range(100)] +
              [r.uniform(-745, -708) for _ in range(20)] + [709.78, -745.1, 0.5, -0.5, 1.0, -1.0])
    powers = ([(random_double(r, 1e-300, 1e300), r.uniform(-1, 1)) for _ in range(80)] +
              [(r.uniform(0.5, 2), r.uniform(-900, 900)) for _ in range(80)] +
              [(1 + r.uniform(-1e-6, 1e-6), r.uniform(-1e8, 1e8)) for _ in range(60)] +
              [(float(b), float(e)) for b in (2, 3, 10) for e in (-3, 2, 5, 22)] +
              [(0.5, 1073.5), (2.0, -1070.25), (1e200, 1.5), (1e-5, 63.9)])
    gauss = ([r.uniform(-6, 6) for _ in range(140)] + [r.uniform(0, 26.5) for _ in range(120)] +
             [s * random_double(r, 1e-300, 1) for _ in range(30) for s in (1, -1)] +
             [0.75 + k / 2 for k in range(0, 12)])
    tails = [z * 1.4 for z in gauss]
    chances = ([r.uniform(0, 1) for _ in range(140)] +
               [random_double(r, 1e-300, 0.5) for _ in range(100)] +
               [0.5 + s * random_double(r, 1e-16, 0.4) for _ in range(50) for s in (1, -1)] +
               [1 - random_double(r, 1e-15, 0.1) for _ in range(30)] +
               [0.5, 0.25, 0.75, 0.025, 0.975])
    chances = [p for p in chances if 0 < p < 1]
    half = mpf(1) / 2
    functions = (
        ('log', positive, lambda x: mp.log(mpf(x))),
        ('log2', positive, lambda x: mp.log(mpf(x)) / mp.log(2)),
        ('log10', positive, lambda x: mp.log(mpf(x)) / mp.log(10)),
        ('log1p', [x for x in signed if x > -1] + positive[:100], log1p),
        ('exp', signed, lambda x: mp.exp(mpf(x))),
        ('exp2', signed + [k / 128 for k in range(-300, 300, 17)] + [-1074.0, 1023.5, -1050.3],
         lambda x: mpf(2) ** mpf(x)),
        ('expm1', signed, expm1),
        ('erfc', gauss, lambda x: mp.erfc(mpf(x))),
        ('normal_tail', tails, lambda x: mp.erfc(mpf(x) * mp.sqrt(half)) / 2),
        ('normal_quantile', chances, quantile),
    )
    print('/* mathx_reference.h - exact values, rounded; made by tests/tools/mathx_tables.py.\n'
          ' * Each row is an argument (two for pow), the value rounded to a double, and the rest:\n'
          ' * value = double + rest, so that errors below half a unit in the last place can be\n'
          ' * told. */')
    print('#ifndef TOCSIN_TEST_MATHX_REFERENCE_H\n#define TOCSIN_TEST_MATHX_REFERENCE_H\n')
    for name, arguments, f in functions:
        print('static const double reference_%s[][3] = {' % name)
        for x in arguments:
            value = f(x)
            first = nearest(value)
            if first in (0.0, float('inf'), float('-inf')) and value != 0:
                continue
            rest = nearest(value - mpf(first))
            print('    {%s, %s, %s},' % (literal(x), literal(first), literal(rest)))
        print('};\n')
    print('static const double reference_pow[][4] = {')
    for x, y in powers:
        value = mp.exp(mpf(y) * mp.log(mpf(x)))
        first = nearest(value)
        if first in (0.0, float('inf')):
            continue
        print('    {%s, %s, %s, %s},' % (literal(x), literal(y), literal(first),
                                        literal(nearest(value - mpf(first)))))
    print('};\n\n#endif')


if __name__ == '__main__':
    mode = sys.argv[1] if len(sys.argv) == 2 else ''
    if mode == 'tables':
        tables()
    elif mode == 'reference':
        reference()
    else:
        sys.exit(__doc__)
