/* values.h - the values of one parameter: read, checked, set, compared, written.
 *
 * What fails is told in a tocsin_error.  Its offset and length are in bytes of the
 * value's own text; its struct_size is not touched.
 */
#ifndef TOCSIN__VALUES_H
#define TOCSIN__VALUES_H

#include "../core/text.h"
#include "stage.h"

/* Read "1d,1w".  On failure `values` is undefined. */
int tocsin__values_parse(const tocsin__param *param, const char *text, size_t length,
                         tocsin__values *values, tocsin_error *error);

/* Take typed values from a caller, with the same checks. */
int tocsin__values_set(const tocsin__param *param, const tocsin_value *items, size_t count,
                       tocsin__values *values, tocsin_error *error);

/* The default; no values where there is none.  A catalog row's default is always right. */
void tocsin__values_default(const tocsin__param *param, tocsin__values *values);

/* The same values, however they came to be. */
int tocsin__values_equal(const tocsin__values *a, const tocsin__values *b);

/* Write them as a spec would. */
void tocsin__values_write(const tocsin__param *param, const tocsin__values *values,
                          tocsin__text *text);

/* Report: `status`, and where.  The word is copied as far as it fits, bytes that are
 * no printable ASCII as '?'. */
void tocsin__error_at(tocsin_error *error, int status, size_t offset, const char *word,
                      size_t length);

#endif
