#!/usr/bin/env python3
"""holt_winters_statsmodels.py > holt_winters_statsmodels.h

What statsmodels' ExponentialSmoothing predicts, with fixed parameters and a given initial
state: the damped trend, which R's HoltWinters() has not.

statsmodels revises the season by gamma (y - l[t-1] - phi b[t-1] - s), holt-winters by
gamma (y - l[t] - s), as R does; the two agree where statsmodels' gamma is (1 - alpha) times
the other.  Its multiplicative season is another model, so it is not compared.
"""
import numpy as np
import statsmodels
from statsmodels.tsa.holtwinters import ExponentialSmoothing


def rows(values):
    values = [float(v).hex() for v in values]
    return '\n'.join('    ' + ', '.join(values[i:i + 4]) + ',' for i in range(0, len(values), 4))


def case(name, period, count, alpha, beta, gamma, phi, seed):
    r = np.random.default_rng(seed)
    i = np.arange(count)
    x = 30 + 0.3 * i ** 0.8 + r.normal(size=count)
    if period:
        x += 4 * np.sin(2 * np.pi * i / period)
    season = np.round(r.normal(size=period), 3) if period else None
    level, trend = 31.25, 0.5
    start = {'initial_level': level, 'initial_trend': trend}
    fixed = {'smoothing_level': alpha, 'smoothing_trend': beta, 'damping_trend': phi}
    if period:
        start['initial_seasonal'] = season
        fixed['smoothing_seasonal'] = gamma * (1 - alpha)
    model = ExponentialSmoothing(x, trend='add', damped_trend=True,
                                 seasonal='add' if period else None, seasonal_periods=period or None,
                                 initialization_method='known', **start)
    fitted = model.fit(optimized=False, **fixed).fittedvalues
    print(f'static const double {name}_value[] = {{\n{rows(x)}\n}};')
    print(f'static const double {name}_expected[] = {{\n{rows(fitted)}\n}};')
    spec = f'phi={phi} alpha={alpha} beta={beta}'
    if period:
        print(f'static const double {name}_season[] = {{\n{rows(season)}\n}};')
        spec = f'season={period}p {spec} gamma={gamma}'
    print()
    return (f'    {{"{name}", "{spec}", {period}, {count}, {level.hex()}, {trend.hex()},\n'
            f'     {name}_value, {name}_expected, {name + "_season" if period else "NULL"}}},')


print(f'/* holt_winters_statsmodels.h - made by holt_winters_statsmodels.py with statsmodels '
      f'{statsmodels.__version__} */\n')
cases = [case('sm_damped', 12, 150, 0.3, 0.1, 0.25, 0.9, 1),
         case('sm_damped_slow', 24, 200, 0.05, 0.02, 0.5, 0.98, 2),
         case('sm_damped_holt', 0, 120, 0.5, 0.2, 0, 0.85, 3)]
print('static const reference_case sm_cases[] = {')
print('\n'.join(cases))
print('};')
