/* cli_file.h - whole files: read at once, replaced at once. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "cli.h"

/* A file that is being written beside the one it will replace. */
typedef struct cli_file {
    FILE *stream;
    char *path, *temporary;
} cli_file;

/* End the program now if `path` could not be written later. */
void cli_file_check_writable(const char *path);

/* Whether two names lead to one file; `other` may be "-", standard input. */
int cli_file_is_same(const char *path, const char *other);

/* Begin a temporary file in the same directory. */
void cli_file_begin(cli_file *file, const char *path);

/* Write it through to the disk and put it in the place of `path` in one step.  Until then, and
 * if anything fails, what was there stays as it was. */
void cli_file_commit(cli_file *file);

#endif
