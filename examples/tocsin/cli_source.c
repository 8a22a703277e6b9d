/* cli_source.c - lines: see cli_source.h.
 *
 * One buffer of a longest line and a block; lines are handed out in place.
 * Before a read, which may wait, standard output is flushed: whoever is
 * downstream sees every verdict that is due, yet nothing is flushed more often
 * than once per block, and a full disk ends the run there and then.
 *
 * A followed file may be rotated: renamed, with another in its place, or cut off and written anew.
 * Both are looked for when it has ended, the first twice, for a writer may have put a last line
 * into the old file just before.
 */
#include "cli_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOURCE_BLOCK ((size_t)1 << 18)

struct cli_source {
    const char *name;
    int file;
    int at_end;
    int follows;
    int is_replaced;        /* another file stood in its place when it had ended */
    uint64_t line_number;
    uint64_t size;          /* of a regular file; 0: not known */
    uint64_t taken;         /* bytes read so far */
    size_t begin, end;      /* what is in the buffer and not yet handed out */
    size_t searched;        /* this much of it is known to hold no end of a line */
    char buffer[CLI_LINE_MAX + SOURCE_BLOCK];
};

cli_source *cli_source_open(const char *path)
{
    const int is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    const int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (file < 0)
        cli_die(CLI_BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    const int known = fstat(file, &status) == 0;

    if (known && S_ISDIR(status.st_mode))
        cli_die(CLI_BAD_INPUT, "%s: is a directory, a file was expected", name);
    cli_source *source = cli_alloc(sizeof *source);

    source->name = name;
    source->file = file;
    source->size = known && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    source->at_end = 0;
    source->follows = source->is_replaced = 0;
    source->line_number = 0;
    source->taken = 0;
    source->begin = source->end = source->searched = 0;
    return source;
}

void cli_source_close(cli_source *source)
{
    if (!source)
        return;
    if (source->file != STDIN_FILENO)
        close(source->file);
    free(source);
}

/* From the first line of a file, which is not what came before. */
static void source_begin_anew(cli_source *source)
{
    if (source->begin < source->end)
        cli_note("%s: begins anew; the half line at its end is left out", source->name);
    source->begin = source->end = source->searched = 0;
    source->taken = source->line_number = 0;
    source->is_replaced = 0;
}

/* At the end of a followed file: is there reason to read at once? */
static int source_is_rotated(cli_source *source)
{
    struct stat own, there;

    if (fstat(source->file, &own) < 0)
        return 0;
    if ((uint64_t)own.st_size < source->taken) {
        if (lseek(source->file, 0, SEEK_SET) < 0)
            return 0;
        source_begin_anew(source);
        return 1;
    }
    if (source->file == STDIN_FILENO || stat(source->name, &there) < 0 ||
        (own.st_dev == there.st_dev && own.st_ino == there.st_ino) || !S_ISREG(there.st_mode))
        return 0;
    if (!source->is_replaced) {
        source->is_replaced = 1;
        return 1;
    }
    const int file = open(source->name, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return 0;
    close(source->file);
    source->file = file;
    source_begin_anew(source);
    return 1;
}

/* Read one block more; 0 at the end of the input or when a signal asked to stop. */
static int source_fill(cli_source *source)
{
    if (source->at_end)
        return 0;
    if (source->begin > 0) {
        memmove(source->buffer, source->buffer + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    cli_flush_output();
    for (;;) {
        if (cli_stop_requested()) {
            /* A line that is only half here is not one. */
            source->at_end = 1;
            source->begin = source->end;
            source->searched = 0;
            return 0;
        }
        const size_t room = sizeof source->buffer - source->end;
        const ssize_t count = read(source->file, source->buffer + source->end,
                                   room < SOURCE_BLOCK ? room : SOURCE_BLOCK);

        if (count > 0) {
            source->end += (size_t)count;
            source->taken += (uint64_t)count;
            return 1;
        }
        if (count == 0 && source->follows) {
            if (source_is_rotated(source))
                continue;
            const struct timespec pause = {0, 100000000};

            nanosleep(&pause, NULL);
            continue;
        }
        if (count == 0) {
            source->at_end = 1;
            return 0;
        }
        if (errno != EINTR)
            cli_source_bad(source, "cannot be read: %s", strerror(errno));
    }
}

/* The end of the first line, or NULL as long as there is none. */
static const char *source_newline(cli_source *source)
{
    const char *const at = source->buffer + source->begin;
    const size_t length = source->end - source->begin, searched = source->searched;

    source->searched = length;

    const char *newline = length > searched ? memchr(at + searched, '\n', length - searched) : NULL;

    if (newline)
        source->searched = (size_t)(newline - at);
    return newline;
}

cli_text cli_source_peek(cli_source *source)
{
    while (!source_newline(source) && source->end - source->begin < CLI_LINE_MAX)
        if (!source_fill(source))
            break;
    return (cli_text){source->buffer + source->begin, source->end - source->begin};
}

void cli_source_skip(cli_source *source, size_t count)
{
    source->begin += count;
    source->searched = 0;
}

int cli_source_line(cli_source *source, cli_text *line)
{
    const char *newline;

    while (!(newline = source_newline(source))) {
        if (source->end - source->begin > CLI_LINE_MAX) {
            source->line_number++;
            cli_source_bad(source,
                           "this line is longer than %zu bytes; lines of text, one row each, "
                           "were expected",
                           CLI_LINE_MAX);
        }
        if (!source_fill(source))
            break;
    }
    line->at = source->buffer + source->begin;
    line->length = newline ? (size_t)(newline - line->at) : source->end - source->begin;
    if (!newline && line->length == 0)
        return 0;
    source->begin += line->length + (newline ? 1 : 0);
    source->searched = 0;
    source->line_number++;
    if (line->length > 0 && line->at[line->length - 1] == '\r')
        line->length--;
    if (memchr(line->at, '\0', line->length))
        cli_source_bad(source,
                       "holds a NUL byte; text was expected, this looks like a binary file");
    return 1;
}

void cli_source_follow(cli_source *source)
{
    struct stat status;

    source->follows = fstat(source->file, &status) == 0 && S_ISREG(status.st_mode);
}

void cli_source_rest(cli_source *source, cli_buffer *text)
{
    source->line_number++;
    do {
        cli_buffer_add(text, source->buffer + source->begin, source->end - source->begin);
        source->begin = source->end;
        source->searched = 0;
    } while (source_fill(source));
}

uint64_t cli_source_line_number(const cli_source *source)
{
    return source->line_number;
}

double cli_source_progress(const cli_source *source)
{
    if (source->size == 0)
        return -1;
    const uint64_t waiting = source->end - source->begin;

    return (double)(source->taken - waiting) / (double)source->size;
}

void cli_source_bad(const cli_source *source, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "tocsin: %s:%llu: ", source->name,
            (unsigned long long)(source->line_number ? source->line_number : 1));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(CLI_BAD_INPUT);
}
