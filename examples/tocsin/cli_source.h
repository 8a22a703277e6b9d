/* cli_source.h - a file or a pipe, line by line, in constant memory. */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "cli.h"

/* The longest line, or quoted record of several lines, that is read: 1 MiB. */
#define CLI_LINE_MAX ((size_t)1 << 20)

typedef struct cli_source cli_source;

/* Open a file, or standard input for "-". */
cli_source *cli_source_open(const char *path);
void cli_source_close(cli_source *source);

/* The beginning of the input, at least its first line if there is one, without reading on. */
cli_text cli_source_peek(cli_source *source);

/* Leave out the first `count` bytes of what peek has shown. */
void cli_source_skip(cli_source *source, size_t count);

/* The next line without its end (LF or CRLF); valid until the next call.  0 at the end of the
 * input.  A line that is too long or holds a NUL byte ends the program. */
int cli_source_line(cli_source *source, cli_text *line);

/* At the end of a file wait for more of it, until a signal asks to stop.  If another file takes its
 * place, or it is cut off, go on with the first line of what is there then. */
void cli_source_follow(cli_source *source);

/* All that is left, whatever its lines. */
void cli_source_rest(cli_source *source, cli_buffer *text);

/* The number of the line read last, from 1. */
uint64_t cli_source_line_number(const cli_source *source);

/* How much of the input has been read, 0..1; negative if its size is not known. */
double cli_source_progress(const cli_source *source);

/* "tocsin: FILE:LINE: ...", exit 65. */
_Noreturn void cli_source_bad(const cli_source *source, const char *format, ...) CLI_PRINTF(2, 3);

#endif
