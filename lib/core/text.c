/* text.c - bounded text building, without stdio and its locale.
 *
 * The length always counts the whole text; the buffer holds as much of its
 * beginning as fits, always NUL-terminated.  So the same code measures (over a
 * NULL buffer), writes, and cuts off.
 */
#include "text.h"

#include "decimal.h"

void tocsin__text_start(tocsin__text *text, char *buffer, size_t size)
{
    text->at = buffer;
    text->size = buffer ? size : 0;
    text->length = 0;
    if (text->size > 0)
        text->at[0] = '\0';
}

void tocsin__text_add_n(tocsin__text *text, const char *words, size_t length)
{
    if (text->length < text->size) {
        const size_t room = text->size - text->length - 1;
        const size_t taken = length < room ? length : room;

        memcpy(text->at + text->length, words, taken);
        text->at[text->length + taken] = '\0';
    }
    text->length += length;
}

void tocsin__text_add(tocsin__text *text, const char *words)
{
    tocsin__text_add_n(text, words, strlen(words));
}

void tocsin__text_add_integer(tocsin__text *text, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    /* Unsigned, for INT64_MIN has no positive counterpart. */
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    tocsin__text_add_n(text, digits + at, sizeof digits - at);
}

void tocsin__text_add_number(tocsin__text *text, double number, int digits)
{
    char words[TOCSIN__DECIMAL_TEXT];
    const int most = TOCSIN__DECIMAL_DIGITS;

    tocsin__decimal_write(number, digits < 1 ? 1 : digits > most ? most : digits, words);
    tocsin__text_add(text, words);
}
