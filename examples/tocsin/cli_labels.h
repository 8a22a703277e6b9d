/* cli_labels.h - the labels or tags of a sample: sorted, so that a series is the
 * same series in whatever order its labels are written.
 */
#ifndef CLI_LABELS_H
#define CLI_LABELS_H

#include "cli.h"

#define CLI_MAX_LABELS 64

typedef struct cli_label {
    cli_text name;
    cli_text value;
} cli_label;

typedef struct cli_labels {
    cli_label items[CLI_MAX_LABELS];
    size_t count;
} cli_labels;

/* 1, or 0 if there are too many. */
int cli_labels_add(cli_labels *labels, cli_text name, cli_text value);

void cli_labels_sort(cli_labels *labels);

/* The value of a label; its `at` is NULL if there is none of that name. */
cli_text cli_labels_get(const cli_labels *labels, cli_text name);

/* `text` without its backslashes before the characters `escaped`, where an escaped n stands for a
 * newline.  The result is part of `text` or of `space`, which must have the room: it does not
 * grow, so that earlier results stay valid. */
cli_text cli_unescape(cli_buffer *space, cli_text text, const char *escaped);

/* Room in `space` for all that a line may hold; what was there is gone. */
void cli_unescape_begin(cli_buffer *space, cli_text line);

#endif
