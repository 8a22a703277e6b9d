/* cli_zone.c - a time zone's rule by the zone's name.
 *
 * The tz database has a file for each zone, and since 2005 each ends with the rule by which its
 * clocks go on, between two newlines (RFC 9636, section 3.3).  Of the past it holds more, which a
 * detector of today does not ask for.
 */
#include "cli_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tocsin.h"

#define ZONE_LOCAL "/etc/localtime"
#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { ZONE_FILE = 1 << 20 };       /* bytes; the largest have three thousand */

static int zone_is_rule(const char *text)
{
    const tocsin_setting setting = {.struct_size = sizeof setting,
                                    .value_count = 1,
                                    .stage = "clock",
                                    .parameter = "timezone",
                                    .text = text};
    tocsin_spec *base, *spec;
    int status;

    if (tocsin_spec_compile(&base, "", TOCSIN_NUL_TERMINATED, NULL, NULL) < 0)
        cli_die(CLI_BAD_INPUT, "out of memory");
    status = tocsin_spec_derive(&spec, base, &setting, 1, NULL, NULL);
    if (status == TOCSIN_OK)
        tocsin_spec_free(spec);
    tocsin_spec_free(base);
    return status == TOCSIN_OK;
}

/* A zone's file below the database's folder, and nothing else. */
static char *zone_path(const char *name)
{
    const char *folder = getenv("TZDIR");
    cli_buffer path = {NULL, 0, 0};

    if (strcmp(name, "local") == 0)
        return cli_copy(cli_text_of(ZONE_LOCAL));
    if (name[0] == '\0' || name[0] == '/' || name[0] == '.' || strstr(name, "/."))
        return NULL;
    cli_buffer_print(&path, "%s/%s", folder && folder[0] ? folder : ZONE_FOLDER, name);
    return path.at;
}

/* The last line of a file of the database; NULL: it is none, or has no rule. */
static char *zone_last_line(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes, *line = NULL;
    size_t length;

    if (!file)
        return NULL;
    bytes = cli_alloc(ZONE_FILE);
    length = fread(bytes, 1, ZONE_FILE - 1, file);
    fclose(file);
    if (length > 44 && memcmp(bytes, "TZif", 4) == 0 && bytes[4] >= '2' &&
        bytes[length - 1] == '\n') {
        bytes[--length] = '\0';
        for (size_t i = length; i > 0 && !line; i--) {
            if (bytes[i - 1] == '\n')
                line = cli_copy((cli_text){bytes + i, length - i});
        }
    }
    free(bytes);
    return line;
}

char *cli_zone_rule(const char *name)
{
    char *path, *rule;

    if (zone_is_rule(name))
        return cli_copy(cli_text_of(name));
    path = zone_path(name);
    rule = path ? zone_last_line(path) : NULL;
    if (!rule || !zone_is_rule(rule))
        cli_die(CLI_USAGE, "--timezone: '%s' is no zone's name%s%s, and no rule such as "
                           "CET-1CEST,M3.5.0,M10.5.0/3",
                name, path ? ": no zone is in " : "", path ? path : "");
    free(path);
    return rule;
}
