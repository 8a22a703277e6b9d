/* cli_verdict.c - the words that all output formats use: see cli_writer.h. */
#include <string.h>

#include "cli_writer.h"

const char *cli_verdict_state(const tocsin_verdict *verdict)
{
    if (verdict->flags & (TOCSIN_FLAG_LATE | TOCSIN_FLAG_REPEATED))
        return "missing";
    if (verdict->transition != TOCSIN_TRANSITION_NONE)
        return tocsin_transition_name(verdict->transition);
    if (verdict->flags & TOCSIN_FLAG_MISSING)
        return "missing";
    return verdict->flags & TOCSIN_FLAG_WARMING ? "warming" : "ok";
}

const char *cli_verdict_reason(const tocsin_verdict *verdict)
{
    if (verdict->flags & TOCSIN_FLAG_LATE)
        return "late";
    if (verdict->flags & TOCSIN_FLAG_REPEATED)
        return "repeated";
    return verdict->reason == TOCSIN_REASON_NONE ? "" : tocsin_reason_name(verdict->reason);
}

const char *cli_verdict_metric(const cli_series *series, const tocsin_verdict *verdict)
{
    return series->reader->metric_count > 1 ? series->reader->metrics[verdict->metric].at : NULL;
}

/* "disk 61 %, cpu 22 %": the first few that matter. */
static void verdict_add_blame(cli_buffer *text, const cli_series *series, const cli_blame *blame)
{
    const size_t count = series->reader->metric_count;

    cli_buffer_print(text, " What is odd about the row:");
    for (size_t i = 0; i < count && i < 5 && (i == 0 || blame[i].share >= 0.05); i++)
        cli_buffer_print(text, "%s %s %.0f %%", i ? "," : "",
                         series->reader->metrics[blame[i].metric].at, 100 * blame[i].share);
    cli_buffer_print(text, ".");
}

void cli_add_sentence(cli_buffer *text, const cli_series *series, const tocsin_verdict *verdict,
                      const cli_blame *blame)
{
    const char *metric = verdict->reason == TOCSIN_REASON_ABSENCE
                             ? NULL
                             : cli_verdict_metric(series, verdict);
    cli_buffer name = {NULL, 0, 0};
    size_t needed = 0;

    if (metric && series->reader->key_count > 0)
        cli_buffer_print(&name, "%s/%s", series->name, metric);
    else
        cli_buffer_print(&name, "%s", metric ? metric : series->name);
    tocsin_verdict_text(verdict, sizeof *verdict, name.at, NULL, 0, &needed);
    text->at = cli_grow(text->at, &text->capacity, text->length + needed + 1, 1);
    if (needed > 0 && tocsin_verdict_text(verdict, sizeof *verdict, name.at,
                                          text->at + text->length, needed, NULL) == TOCSIN_OK)
        text->length += needed - 1;
    if (blame && verdict->transition == TOCSIN_TRANSITION_START)
        verdict_add_blame(text, series, blame);
    cli_buffer_free(&name);
}

void cli_add_csv(cli_buffer *text, cli_text cell)
{
    int plain = 1;

    for (size_t i = 0; i < cell.length && plain; i++)
        plain = !strchr(",\"\r\n", cell.at[i]);
    if (plain && (cell.length == 0 || (cell.at[0] != ' ' && cell.at[cell.length - 1] != ' '))) {
        cli_buffer_add(text, cell.at, cell.length);
        return;
    }
    cli_buffer_add(text, "\"", 1);
    for (size_t i = 0; i < cell.length; i++)
        cli_buffer_add(text, cell.at[i] == '"' ? "\"\"" : cell.at + i, cell.at[i] == '"' ? 2 : 1);
    cli_buffer_add(text, "\"", 1);
}

/* Bytes of the UTF-8 character at the beginning of a text that is not empty; 0: there is none. */
static size_t verdict_utf8(cli_text text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    const size_t length = at[0] < 0x80                    ? 1
                          : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                          : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                          : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                          : 0;

    if (length == 0 || length > text.length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    /* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))
        return 0;
    return length;
}

void cli_add_json(cli_buffer *text, cli_text string)
{
    cli_buffer_add(text, "\"", 1);
    for (size_t i = 0; i < string.length;) {
        const unsigned char c = (unsigned char)string.at[i];
        const size_t length = verdict_utf8((cli_text){string.at + i, string.length - i});

        if (length == 0)
            cli_buffer_print(text, "\\ufffd");
        else if (c == '"' || c == '\\')
            cli_buffer_print(text, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || c == '<')     /* '<': these texts go into pages too */
            cli_buffer_print(text, "\\u%04x", c);
        else
            cli_buffer_add(text, string.at + i, length);
        i += length ? length : 1;
    }
    cli_buffer_add(text, "\"", 1);
}
