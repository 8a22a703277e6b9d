/* cli_base.c - messages, memory, numbers and signals: see cli.h. */
#include "cli.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- Text ---------------------------------------------------------------- */

cli_text cli_text_of(const char *string)
{
    return (cli_text){string, strlen(string)};
}

int cli_text_is(cli_text text, const char *string)
{
    return text.length == strlen(string) && memcmp(text.at, string, text.length) == 0;
}

int cli_text_equal(cli_text a, cli_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

int cli_text_ends_with(cli_text text, const char *suffix)
{
    const size_t length = strlen(suffix);

    return text.length >= length && memcmp(text.at + text.length - length, suffix, length) == 0;
}

cli_text cli_text_trim(cli_text text)
{
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* ---- Messages ------------------------------------------------------------ */

static void base_say(const char *format, va_list arguments)
{
    fflush(stdout);
    fputs("tocsin: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void cli_die(int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    base_say(format, arguments);
    va_end(arguments);
    exit(code);
}

void cli_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    base_say(format, arguments);
    va_end(arguments);
}

void cli_flush_output(void)
{
    const int failed = fflush(stdout) != 0;

    if (!failed && !ferror(stdout))
        return;
    fprintf(stderr, "tocsin: standard output cannot be written%s%s\n", failed ? ": " : "",
            failed ? strerror(errno) : "");
    _exit(CLI_BAD_INPUT);
}

/* Levenshtein's distance, letters' case aside; texts longer than a name are far from any. */
static size_t base_distance(cli_text a, cli_text b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];

    if (a.length > LONGEST || b.length > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 0; i < a.length; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b.length; j++) {
            const int same = (a.at[i] | 32) == (b.at[j] | 32);
            size_t best = diagonal + (same ? 0 : 1);

            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (diagonal + 1 < best)
                best = diagonal + 1;
            row[j + 1] = best;
        }
    }
    return row[b.length];
}

const char *cli_closest(cli_text word, const char *const *words)
{
    const char *closest = NULL;
    size_t least = 1 + word.length / 3;

    for (; *words; words++) {
        const size_t distance = base_distance(word, cli_text_of(*words));

        if (distance < least || (distance == least && !closest)) {
            least = distance;
            closest = *words;
        }
    }
    return closest;
}

/* ---- Memory -------------------------------------------------------------- */

void *cli_alloc(size_t size)
{
    return cli_realloc(NULL, size);
}

void *cli_realloc(void *ptr, size_t size)
{
    ptr = realloc(ptr, size ? size : 1);
    if (!ptr)
        cli_die(CLI_BAD_INPUT, "out of memory (%zu bytes were asked for)", size);
    return ptr;
}

char *cli_copy(cli_text text)
{
    char *copy = cli_alloc(text.length + 1);

    if (text.length)
        memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return copy;
}

void *cli_grow(void *array, size_t *capacity, size_t need, size_t element_size)
{
    if (need <= *capacity)
        return array;
    size_t larger = *capacity ? *capacity : 16;

    while (larger < need)
        larger *= 2;
    *capacity = larger;
    return cli_realloc(array, larger * element_size);
}

void cli_buffer_add(cli_buffer *buffer, const void *bytes, size_t length)
{
    buffer->at = cli_grow(buffer->at, &buffer->capacity, buffer->length + length + 1, 1);
    if (length)
        memcpy(buffer->at + buffer->length, bytes, length);
    buffer->length += length;
    buffer->at[buffer->length] = '\0';
}

void cli_buffer_print(cli_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);

    va_end(arguments);
    if (length > 0) {
        buffer->at =
            cli_grow(buffer->at, &buffer->capacity, buffer->length + (size_t)length + 1, 1);
        vsnprintf(buffer->at + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

void cli_buffer_free(cli_buffer *buffer)
{
    free(buffer->at);
    *buffer = (cli_buffer){NULL, 0, 0};
}

/* ---- Numbers ------------------------------------------------------------- */

/* The powers of ten that a double holds exactly. */
static const double base_tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#define BASE_EXACT (UINT64_C(1) << 53)

static int base_is_word(cli_text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.at, word, text.length) == 0;
}

static int base_parse_word(cli_text text, cli_number *number)
{
    static const char *const missing[] = {"nan", "na", "n/a", "null", "none", "-", "+nan", "-nan"};
    static const char *const infinite[] = {"inf", "+inf", "infinity", "+infinity"};

    number->is_count = 0;
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        if (base_is_word(text, missing[i])) {
            number->value = NAN;
            return CLI_MISSING;
        }
    }
    for (size_t i = 0; i < sizeof infinite / sizeof infinite[0]; i++) {
        if (base_is_word(text, infinite[i])) {
            number->value = INFINITY;
            return CLI_NUMBER;
        }
    }
    if (base_is_word(text, "-inf") || base_is_word(text, "-infinity")) {
        number->value = -INFINITY;
        return CLI_NUMBER;
    }
    return CLI_NOT_A_NUMBER;
}

/* What the short way below cannot read: exponents and many digits. */
static int base_parse_slowly(cli_text text, cli_number *number)
{
    char copy[512];
    char *end;

    if (text.length >= sizeof copy)
        return CLI_NOT_A_NUMBER;
    for (size_t i = 0; i < text.length; i++) {
        if (!strchr("0123456789+-.eE", text.at[i]))
            return base_parse_word(text, number);
    }
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    number->value = strtod(copy, &end);
    number->is_count = 0;
    return *end == '\0' ? CLI_NUMBER : base_parse_word(text, number);
}

int cli_parse_number(cli_text text, cli_number *number)
{
    text = cli_text_trim(text);
    if (text.length == 0) {
        number->value = NAN;
        number->is_count = 0;
        return CLI_MISSING;
    }
    const char *at = text.at, *const end = text.at + text.length;
    const int negative = *at == '-';
    uint64_t digits = 0;
    size_t digit_count = 0, decimals = 0;

    if (*at == '-' || *at == '+')
        at++;
    for (; at < end && *at >= '0' && *at <= '9'; at++, digit_count++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    const int is_whole = at == end;

    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, digit_count++, decimals++)
            digits = digits * 10 + (uint64_t)(*at - '0');
    }
    if (at < end || digit_count == 0 || digit_count > 19)
        return base_parse_slowly(text, number);
    number->count = digits;
    number->is_count = is_whole && !negative;
    if (digits > BASE_EXACT && decimals > 0) {
        const int is_count = number->is_count;
        const int parsed = base_parse_slowly(text, number);

        number->is_count = is_count;
        return parsed;
    }
    /* One correctly rounded operation on two exact doubles. */
    number->value = decimals ? (double)digits / base_tens[decimals] : (double)digits;
    if (negative)
        number->value = -number->value;
    return CLI_NUMBER;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 base_wide;

static const uint64_t base_whole_tens[] = {
    1,         10,         100,         1000,        10000,      100000,
    1000000,   10000000,   100000000,   1000000000,  10000000000};

/* digits / 10^decimals as text, without trailing zeros. */
static size_t base_put_decimal(uint64_t digits, int decimals, int negative, char *text)
{
    char reversed[CLI_NUMBER_TEXT];
    int count = 0;
    size_t length = 0;

    for (; decimals > 0 && digits % 10 == 0; decimals--)
        digits /= 10;
    do {
        reversed[count++] = (char)('0' + digits % 10);
        digits /= 10;
        if (decimals > 0 && count == decimals)
            reversed[count++] = '.';
    } while (digits > 0 || (decimals > 0 && count < decimals + 2));
    if (negative)
        text[length++] = '-';
    while (count > 0)
        text[length++] = reversed[--count];
    text[length] = '\0';
    return length;
}

/* The shortest text in exact integers, for the magnitudes that metrics have; 0 outside them.
 *
 * With value = m 2^-shift and 17 digits before the point of value 10^k, everything is a multiple of
 * 2^-shift: exact = m 10^k is the value, its neighbours are 10^k away, and a decimal reads back
 * as the value if it is less than half of that away from it.  Below a power of two the
 * neighbour is only half as far. */
static size_t base_format_exactly(double value, char *text)
{
    const double magnitude = fabs(value);
    int exponent, first = -4;

    if (!(magnitude >= 1e-4 && magnitude < 1e15))
        return 0;
    while (first < 0 ? magnitude >= 1 / base_tens[-first - 1] : magnitude >= base_tens[first + 1])
        first++;
    const uint64_t m = (uint64_t)ldexp(frexp(magnitude, &exponent), 53);
    const int shift = 53 - exponent, k = 16 - first;
    const base_wide power = (base_wide)base_whole_tens[k / 2] * base_whole_tens[k - k / 2];
    const base_wide exact = m * power, low = exact & (((base_wide)1 << shift) - 1);
    const uint64_t whole = (uint64_t)(exact >> shift);

    for (int digits = 15;; digits++) {
        const uint64_t unit = base_whole_tens[17 - digits];
        const base_wide rest = ((base_wide)(whole % unit) << shift) + low;
        const base_wide half = ((base_wide)unit << shift) / 2;
        uint64_t rounded = whole / unit;

        rounded += rest > half || (rest == half && (rounded & 1));
        const base_wide read = (base_wide)rounded * unit << shift;
        const base_wide distance = read > exact ? read - exact : exact - read;
        const int narrow = read < exact && m == (uint64_t)1 << 52;

        if (digits == 17 || (narrow ? 4 : 2) * distance < power)
            return base_put_decimal(rounded, digits - 1 - first, value < 0, text);
    }
}
#else
static size_t base_format_exactly(double value, char *text)
{
    (void)value;
    (void)text;
    return 0;
}
#endif

size_t cli_format_number(double value, char text[CLI_NUMBER_TEXT])
{
    if (isnan(value)) {
        text[0] = '\0';
        return 0;
    }
    if (isinf(value))
        return (size_t)sprintf(text, value < 0 ? "-inf" : "inf");
    size_t length = base_format_exactly(value, text);

    /* Any text of 15 digits survives being a double, unless that is too small to have as many. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; length == 0; digits++) {
        const int written = snprintf(text, CLI_NUMBER_TEXT, "%.*g", digits, value);

        if (digits == 17 || strtod(text, NULL) == value)
            length = (size_t)written;
    }
    return length;
}

const char *cli_count_text(uint64_t count, char text[CLI_NUMBER_TEXT])
{
    char digits[CLI_NUMBER_TEXT];
    const size_t length =
        (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

uint32_t cli_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    static uint32_t table[256];
    const uint8_t *at = bytes;

    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t remainder = i;

            for (int bit = 0; bit < 8; bit++)
                remainder = remainder >> 1 ^ (remainder & 1 ? UINT32_C(0x82f63b78) : 0);
            table[i] = remainder;
        }
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ at[i]) & 0xff];
    return ~crc;
}

/* ---- Signals ------------------------------------------------------------- */

static volatile sig_atomic_t base_stop;

static void base_on_signal(int number)
{
    (void)number;
    base_stop = 1;
}

int cli_stop_requested(void)
{
    return base_stop;
}

void cli_catch_signals(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = base_on_signal;
    action.sa_flags = (int)SA_RESETHAND;    /* a second one ends the program at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Whoever reads our output may stop reading: then we stop quietly, whatever was set. */
    signal(SIGPIPE, SIG_DFL);
}
