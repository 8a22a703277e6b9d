/* units.h - text to typed values and back: numbers, durations, points, rates.
 *
 * Reads and writes the same on every platform and in every locale; a number's
 * text is the shortest that reads back to the same bits.
 */
#ifndef TOCSIN__UNITS_H
#define TOCSIN__UNITS_H

#include "common.h"

/* A double from decimal text, correctly rounded, locale-independent.  Accepts
 * what strtod accepts in the C locale but for hexadecimal, nan and surrounding
 * space; "inf" is accepted.  1: the whole of [text, text+length) was read. */
int tocsin__parse_number(const char *text, size_t length, double *value);

/* "1h30m", "250ms", "1.5d" -> nanoseconds; negative durations are refused. */
int tocsin__parse_duration(const char *text, size_t length, int64_t *duration);

/* "12p" -> 12. */
int tocsin__parse_points(const char *text, size_t length, double *points);

/* "1/week", "3/1h" -> nanoseconds per event. */
int tocsin__parse_rate(const char *text, size_t length, int64_t *per_event);

/* Writers: NUL-terminated, never more than TOCSIN__UNIT_TEXT bytes; return the length. */
#define TOCSIN__UNIT_TEXT 48
size_t tocsin__format_number(double value, char text[TOCSIN__UNIT_TEXT]);
size_t tocsin__format_duration(int64_t duration, char text[TOCSIN__UNIT_TEXT]);
size_t tocsin__format_rate(int64_t per_event, char text[TOCSIN__UNIT_TEXT]);

#endif
