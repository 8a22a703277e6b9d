/* cli_labels.c - see cli_labels.h. */
#include "cli_labels.h"

#include <string.h>

int cli_labels_add(cli_labels *labels, cli_text name, cli_text value)
{
    if (labels->count == CLI_MAX_LABELS)
        return 0;
    labels->items[labels->count++] = (cli_label){name, value};
    return 1;
}

static int labels_order(cli_text a, cli_text b)
{
    const size_t common = a.length < b.length ? a.length : b.length;
    const int order = common ? memcmp(a.at, b.at, common) : 0;

    return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Insertion: they are few, and sorted already in nearly every input. */
void cli_labels_sort(cli_labels *labels)
{
    for (size_t i = 1; i < labels->count; i++) {
        const cli_label label = labels->items[i];
        size_t at = i;

        for (; at > 0 && labels_order(labels->items[at - 1].name, label.name) > 0; at--)
            labels->items[at] = labels->items[at - 1];
        labels->items[at] = label;
    }
}

cli_text cli_labels_get(const cli_labels *labels, cli_text name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (cli_text_equal(labels->items[i].name, name))
            return labels->items[i].value;
    }
    return (cli_text){NULL, 0};
}

void cli_unescape_begin(cli_buffer *space, cli_text line)
{
    space->length = 0;
    space->at = cli_grow(space->at, &space->capacity, line.length + 1, 1);
}

cli_text cli_unescape(cli_buffer *space, cli_text text, const char *escaped)
{
    if (text.length == 0 || !memchr(text.at, '\\', text.length))
        return text;
    cli_text plain = {space->at + space->length, 0};

    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if (c == '\\' && i + 1 < text.length && strchr(escaped, text.at[i + 1])) {
            c = text.at[++i];
            c = c == 'n' ? '\n' : c;
        }
        space->at[space->length++] = c;
        plain.length++;
    }
    return plain;
}
