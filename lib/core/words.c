/* words.c - comparing words, and guessing which one was meant.
 *
 * The distance between two words is the least number of letters left out, put
 * in, replaced, or swapped with their neighbour (restricted Damerau-Levenshtein,
 * also called optimal string alignment: Damerau 1964; no part of a word is edited
 * twice).  Upper case counts as lower case.  A candidate is near enough at one
 * edit for every three letters typed; the beginning of a candidate, of two
 * letters or more, is always near enough, but any closer word beats it.
 *
 * Cost: the product of the two lengths, each at most TOCSIN__WORD_MAX; it is paid only
 * for a spec that is wrong.
 */
#include "words.h"

int tocsin__word_is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

const char *tocsin__word_at(const char *list, size_t index, size_t *length)
{
    for (const char *word = list; *word != '\0'; index--) {
        const char *end = word;

        while (*end != '\0' && *end != '|')
            end++;
        if (index == 0) {
            *length = (size_t)(end - word);
            return word;
        }
        word = *end == '|' ? end + 1 : end;
    }
    return NULL;
}

int tocsin__word_index(const char *list, const char *text, size_t length)
{
    const char *word;
    size_t word_length;

    for (size_t i = 0; (word = tocsin__word_at(list, i, &word_length)) != NULL; i++)
        if (word_length == length && memcmp(word, text, length) == 0)
            return (int)i;
    return -1;
}

static char words_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t words_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Both lengths at most TOCSIN__WORD_MAX. */
static uint32_t words_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    /* The rows of the table for two letters of `a` back, one back, and this one. */
    uint32_t rows[3][TOCSIN__WORD_MAX + 1];
    uint32_t *two_back = rows[0], *back = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        back[j] = (uint32_t)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= b_length; j++) {
            const char x = words_lower(a[i - 1]), y = words_lower(b[j - 1]);

            row[j] = words_min(back[j - 1] + (x != y), words_min(back[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == words_lower(b[j - 2]) && y == words_lower(a[i - 2]))
                row[j] = words_min(row[j], two_back[j - 2] + 1);
        }
        uint32_t *const reused = two_back;
        two_back = back;
        back = row;
        row = reused;
    }
    return back[b_length];
}

static int words_begins(const char *word, size_t length, const char *beginning, size_t count)
{
    if (count > length)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (words_lower(word[i]) != words_lower(beginning[i]))
            return 0;
    return 1;
}

void tocsin__guess_start(tocsin__guess *guess, const char *typed, size_t length)
{
    guess->typed = typed;
    guess->typed_length = length;
    guess->best = NULL;
    guess->best_length = 0;
    guess->distance = length < 2 ? 1 : (uint32_t)((length + 2) / 3) + 1;
}

int tocsin__guess_try(tocsin__guess *guess, const char *candidate, size_t length)
{
    if (guess->typed_length > TOCSIN__WORD_MAX || length > TOCSIN__WORD_MAX)
        return 0;

    uint32_t distance = words_distance(guess->typed, guess->typed_length, candidate, length);
    if (!guess->best && guess->typed_length >= 2 && distance >= guess->distance &&
        words_begins(candidate, length, guess->typed, guess->typed_length))
        distance = guess->distance - 1;
    if (distance >= guess->distance || distance >= length)
        return 0;
    guess->best = candidate;
    guess->best_length = length;
    guess->distance = distance;
    return 1;
}

/* ---- The words of a spec ---------------------------------------------------- */

static int words_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void tocsin__skip_space(tocsin__reader *reader)
{
    while (reader->at < reader->length) {
        if (reader->text[reader->at] == '#')
            while (reader->at < reader->length && reader->text[reader->at] != '\n')
                reader->at++;
        else if (words_is_space(reader->text[reader->at]))
            reader->at++;
        else
            return;
    }
}

tocsin__word tocsin__next_word(tocsin__reader *reader)
{
    tocsin__skip_space(reader);

    const size_t start = reader->at;
    while (reader->at < reader->length && !words_is_space(reader->text[reader->at]) &&
           reader->text[reader->at] != '|' && reader->text[reader->at] != '#')
        reader->at++;
    return (tocsin__word){reader->text + start, reader->at - start};
}

tocsin__word tocsin__split_word(tocsin__word word, char separator,
                                     tocsin__word *rest)
{
    size_t length = 0;

    while (length < word.length && word.text[length] != separator)
        length++;
    *rest = length == word.length
                ? (tocsin__word){NULL, 0}
                : (tocsin__word){word.text + length + 1, word.length - length - 1};
    return (tocsin__word){word.text, length};
}
