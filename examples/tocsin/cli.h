/* cli.h - what every file of the command line shares: exit codes, messages,
 * memory, numbers.
 *
 * A command line program may end at any time, so whatever cannot go on says why
 * and exits on the spot: nothing here returns an error through ten callers.
 * Files are only ever replaced at the very end, by rename, so such an exit
 * overwrites nothing.
 */
#ifndef CLI_H
#define CLI_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, the same for every command. */
enum {
    CLI_GOOD = 0,
    CLI_FOUND = 1,      /* --fail-on alarm, and there was one */
    CLI_UNDECIDED = 2,  /* --fail-on alarm, and no point could have rung one yet */
    CLI_NO_DATA = 3,    /* the input holds no points */
    CLI_USAGE = 64,     /* the command line is wrong */
    CLI_BAD_INPUT = 65  /* a file cannot be read, understood or written */
};

#if defined(__GNUC__)
#define CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CLI_PRINTF(text, first)
#endif

/* A piece of text inside somebody else's buffer; not NUL-terminated. */
typedef struct cli_text {
    const char *at;
    size_t length;
} cli_text;

/* The text of a NUL-terminated string. */
cli_text cli_text_of(const char *string);
int cli_text_is(cli_text text, const char *string);
int cli_text_equal(cli_text a, cli_text b);
int cli_text_ends_with(cli_text text, const char *suffix);
cli_text cli_text_trim(cli_text text);

/* ---- Messages ------------------------------------------------------------ */

/* "tocsin: ..." on stderr, and exit. */
_Noreturn void cli_die(int code, const char *format, ...) CLI_PRINTF(2, 3);

/* "tocsin: ..." on stderr. */
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);

/* Flush standard output; if it cannot be written, say so and end at once. */
void cli_flush_output(void);

/* The word of `words` (NULL-terminated) that `word` was probably meant to be, or NULL. */
const char *cli_closest(cli_text word, const char *const *words);

/* ---- Memory: what cannot be had ends the program ------------------------- */

void *cli_alloc(size_t size);
void *cli_realloc(void *ptr, size_t size);
char *cli_copy(cli_text text);

/* Room for `need` elements: `array` grown by doubling. */
void *cli_grow(void *array, size_t *capacity, size_t need, size_t element_size);

/* A text that grows. */
typedef struct cli_buffer {
    char *at;
    size_t length, capacity;
} cli_buffer;

void cli_buffer_add(cli_buffer *buffer, const void *bytes, size_t length);
void cli_buffer_print(cli_buffer *buffer, const char *format, ...) CLI_PRINTF(2, 3);
void cli_buffer_free(cli_buffer *buffer);

/* ---- Numbers ------------------------------------------------------------- */

/* A number as an input file wrote it. */
typedef struct cli_number {
    double value;       /* NaN: missing */
    uint64_t count;     /* the same exactly, where is_count */
    int is_count;       /* a whole number >= 0 that fits 64 bits */
} cli_number;

enum { CLI_NOT_A_NUMBER = 0, CLI_NUMBER = 1, CLI_MISSING = 2 };

/* Read decimal text, independent of the locale and correctly rounded.  Empty cells and the
 * usual words for "nothing" (nan, na, n/a, null, none, -) are CLI_MISSING. */
int cli_parse_number(cli_text text, cli_number *number);

#define CLI_NUMBER_TEXT 32

/* The shortest text that reads back to the same double; empty for NaN, "inf" and "-inf" for
 * the infinities.  Returns its length. */
size_t cli_format_number(double value, char text[CLI_NUMBER_TEXT]);

/* For people: "1,234,567". */
const char *cli_count_text(uint64_t count, char text[CLI_NUMBER_TEXT]);

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4), to be continued over several pieces: start
 * with 0. */
uint32_t cli_crc32c(uint32_t crc, const void *bytes, size_t size);

/* ---- Ending -------------------------------------------------------------- */

/* Set by SIGINT and SIGTERM: read no further, save, say the summary. */
int cli_stop_requested(void);
void cli_catch_signals(void);

#endif
