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
    return (cli_text){"", 0};
}
