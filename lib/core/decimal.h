/* decimal.h - doubles to decimal digits and back, exactly.
 *
 * The C library's strtod and printf follow the process's locale and differ in
 * their last digit between C libraries; these do neither.
 */
#ifndef TOCSIN__DECIMAL_H
#define TOCSIN__DECIMAL_H

#include "common.h"

#define TOCSIN__DECIMAL_DIGITS 17   /* enough for every double */
#define TOCSIN__DECIMAL_TEXT 32     /* bytes tocsin__decimal_write needs at most, with the NUL */

/* The double nearest to the decimal number text times 10^scale, ties to even.
 * The text is [+-] digits [. digits] [(e|E) [+-] digits], or inf or infinity in any case.
 * 1: all of [text, text+length) was read.  Too large a number gives infinity, as IEEE has it. */
int tocsin__decimal_parse(const char *text, size_t length, int scale, double *value);

/* The first `count` significant digits (1..17) of a finite value > 0, correctly rounded, ties to
 * even, and the power of ten of the first one.  No NUL. */
void tocsin__decimal_digits(double value, int count, char digits[TOCSIN__DECIMAL_DIGITS],
                            int *exponent);

/* The same as text: "120", "0.05", "1.5e-7"; trailing zeros dropped, no exponent from 1e-4 to
 * below 1e16.  Any double goes: "0", "-0", "inf", "-inf", "nan".  NUL-terminated; returns the
 * length. */
size_t tocsin__decimal_write(double value, int count, char text[TOCSIN__DECIMAL_TEXT]);

/* The shortest text that reads back to the same bits. */
size_t tocsin__decimal_write_shortest(double value, char text[TOCSIN__DECIMAL_TEXT]);

#endif
