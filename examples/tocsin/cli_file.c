/* cli_file.c - files replaced in one step: see cli_file.h. */
#include "cli_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory a path lies in; to be freed. */
static char *file_directory(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return cli_copy(cli_text_of("."));
    return cli_copy((cli_text){path, slash == path ? 1 : (size_t)(slash - path)});
}

/* Where a symbolic link leads, so that the link stays one; to be freed. */
static char *file_resolve(const char *path)
{
    char *resolved = realpath(path, NULL);

    return resolved ? resolved : cli_copy(cli_text_of(path));
}

void cli_file_check_writable(const char *path)
{
    char *resolved = file_resolve(path);
    char *directory = file_directory(resolved);
    struct stat status;
    const int exists = stat(resolved, &status) == 0;

    if (exists && !S_ISREG(status.st_mode))
        cli_die(CLI_BAD_INPUT, "%s: is no regular file, it cannot be replaced", path);
    if ((exists && access(resolved, W_OK) != 0) || access(directory, W_OK | X_OK) != 0)
        cli_die(CLI_BAD_INPUT, "%s: cannot be written: %s", path, strerror(errno));
    free(directory);
    free(resolved);
}

int cli_file_is_same(const char *path, const char *other)
{
    struct stat a, b;
    const int has_a = stat(path, &a) == 0;
    const int has_b = (strcmp(other, "-") == 0 ? fstat(STDIN_FILENO, &b) : stat(other, &b)) == 0;

    if (has_a && has_b)
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    return !has_a && !has_b && strcmp(path, other) == 0;
}

void cli_file_begin(cli_file *file, const char *path)
{
    cli_buffer name = {NULL, 0, 0};

    file->path = file_resolve(path);
    cli_buffer_print(&name, "%s.XXXXXX", file->path);
    file->temporary = name.at;
    const int handle = mkstemp(file->temporary);

    file->stream = handle < 0 ? NULL : fdopen(handle, "wb");
    if (!file->stream)
        cli_die(CLI_BAD_INPUT, "%s: cannot be written: %s", path, strerror(errno));
}

static _Noreturn void file_fail(const cli_file *file)
{
    const int error = errno;

    unlink(file->temporary);
    cli_die(CLI_BAD_INPUT, "%s: cannot be written: %s; it is as it was", file->path,
            strerror(error));
}

void cli_file_commit(cli_file *file)
{
    if (ferror(file->stream) || fflush(file->stream) != 0)
        file_fail(file);
    struct stat status;
    const mode_t mask = umask(0);

    umask(mask);
    const mode_t mode =
        stat(file->path, &status) == 0 ? status.st_mode & 07777 : (mode_t)0666 & ~mask;

    if (fchmod(fileno(file->stream), mode) != 0 || fsync(fileno(file->stream)) != 0)
        file_fail(file);
    if (fclose(file->stream) != 0 || rename(file->temporary, file->path) != 0)
        file_fail(file);
    /* The rename itself lasts once the directory is on the disk; where that cannot be asked
     * for, the file is still one or the other. */
    char *directory = file_directory(file->path);
    const int handle = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (handle >= 0) {
        (void)fsync(handle);
        close(handle);
    }
    free(directory);
    free(file->path);
    free(file->temporary);
}
