/* words.h - comparing words, and guessing which one was meant. */
#ifndef TOCSIN__WORDS_H
#define TOCSIN__WORDS_H

#include "common.h"

#define TOCSIN__WORD_MAX 48     /* longer words are not guessed at */

/* Is [text, text+length) the NUL-terminated word? */
int tocsin__word_is(const char *text, size_t length, const char *word);

/* The position of a word in a list like "skip|hold|expected", or -1. */
int tocsin__word_index(const char *list, const char *text, size_t length);

/* The word at a position of such a list, and its length; NULL past the end. */
const char *tocsin__word_at(const char *list, size_t index, size_t *length);

/* A search for the candidate nearest to a word somebody wrote. */
typedef struct tocsin__guess {
    const char *typed;
    size_t typed_length;
    const char *best;           /* the nearest candidate so far; NULL: none is near enough */
    size_t best_length;
    uint32_t distance;          /* of the best one; at first, the largest that will do, plus one */
} tocsin__guess;

void tocsin__guess_start(tocsin__guess *guess, const char *typed, size_t length);
/* 1: it is nearer than all before. */
int tocsin__guess_try(tocsin__guess *guess, const char *candidate, size_t length);

/* ---- The words of a spec ---------------------------------------------------- */

typedef struct tocsin__reader {
    const char *text;
    size_t length;
    size_t at;
} tocsin__reader;

typedef struct tocsin__word {
    const char *text;
    size_t length;
} tocsin__word;

/* Past spaces, line ends and comments. */
void tocsin__skip_space(tocsin__reader *reader);

/* The next word of a stage; an empty one at a '|' and at the end. */
tocsin__word tocsin__next_word(tocsin__reader *reader);

/* The part of a word before the first `separator`; what follows it goes to `rest`,
 * whose text is NULL if there is no separator. */
tocsin__word tocsin__split_word(tocsin__word word, char separator,
                                     tocsin__word *rest);

#endif
