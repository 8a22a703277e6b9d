/* text.h - bounded text building, without stdio and its locale. */
#ifndef TOCSIN__TEXT_H
#define TOCSIN__TEXT_H

#include "common.h"

/* A text under construction.  It never overflows: what does not fit is counted
 * but not written, so one pass over a NULL buffer measures. */
typedef struct tocsin__text {
    char *at;           /* the buffer, or NULL */
    size_t size;        /* its bytes */
    size_t length;      /* of the text so far, the NUL not counted, also beyond size */
} tocsin__text;

void tocsin__text_start(tocsin__text *text, char *buffer, size_t size);  /* leaves an empty text */
void tocsin__text_add(tocsin__text *text, const char *words);
void tocsin__text_add_n(tocsin__text *text, const char *words, size_t length);
void tocsin__text_add_integer(tocsin__text *text, int64_t number);

/* At most `digits` significant digits, trailing zeros dropped: for people. */
void tocsin__text_add_number(tocsin__text *text, double number, int digits);

#endif
