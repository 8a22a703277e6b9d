/* read_openmetrics.c - OpenMetrics 1.0 and the older Prometheus text format.
 *
 *     # TYPE http_requests counter
 *     http_requests_total{code="200",method="get"} 1027 1795360922.5 # {id="x"} 1
 *     # EOF
 *
 * One sample a line.  OpenMetrics writes seconds, Prometheus milliseconds: a
 * timestamp's size tells.  A sample without one is a regular step after the one
 * before it.  An exemplar after the value is passed over, and so is `# EOF`:
 * scrapes written one after the other are one input.
 *
 * Without --key each set of labels is a series of its own, called as the sample
 * is, with its labels sorted.  With --key the labels named there (`__name__` is
 * the metric) tell the series.
 */
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

/* More families than this are no longer remembered; their series are told by name. */
#define OPENMETRICS_FAMILIES 65536

typedef struct openmetrics_state {
    cli_map families;
    char *kinds;                /* by family: counter, histogram, summary, u(nknown), or g */
    size_t kinds_capacity;
    cli_labels labels;          /* values as written without --key, else without escapes */
    cli_buffer plain;           /* what unescaping needs */
    cli_buffer series;
} openmetrics_state;

static void openmetrics_skip_blanks(cli_text *line)
{
    while (line->length > 0 && (line->at[0] == ' ' || line->at[0] == '\t')) {
        line->at++;
        line->length--;
    }
}

/* The characters up to the next blank. */
static cli_text openmetrics_word(cli_text *line)
{
    cli_text word = {line->at, 0};

    openmetrics_skip_blanks(line);
    word.at = line->at;
    while (word.length < line->length && word.at[word.length] != ' ' &&
           word.at[word.length] != '\t')
        word.length++;
    line->at += word.length;
    line->length -= word.length;
    return word;
}

static int openmetrics_is_name(char c, int first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && ((c >= '0' && c <= '9') || c == '.'));
}

static cli_text openmetrics_name(cli_text *line)
{
    cli_text name = {line->at, 0};

    while (name.length < line->length && openmetrics_is_name(name.at[name.length], !name.length))
        name.length++;
    line->at += name.length;
    line->length -= name.length;
    return name;
}

/* "# TYPE name kind"; every other comment says nothing we need. */
static void openmetrics_comment(openmetrics_state *state, cli_text line)
{
    line.at++;
    line.length--;
    if (!cli_text_is(openmetrics_word(&line), "TYPE"))
        return;
    const cli_text name = openmetrics_word(&line), kind = openmetrics_word(&line);
    size_t family = cli_map_find(&state->families, name);

    if (family == SIZE_MAX) {
        if (state->families.count >= OPENMETRICS_FAMILIES)
            return;
        family = cli_map_add(&state->families, name);
    }
    state->kinds = cli_grow(state->kinds, &state->kinds_capacity, family + 1, 1);
    state->kinds[family] = cli_text_is(kind, "counter")     ? 'c'
                           : cli_text_is(kind, "histogram") ? 'h'
                           : cli_text_is(kind, "summary")   ? 's'
                           : cli_text_is(kind, "unknown") || cli_text_is(kind, "untyped") ? 'u'
                                                                                          : 'g';
}

static void openmetrics_labels(cli_reader *reader, cli_text *line)
{
    openmetrics_state *state = reader->state;

    cli_unescape_begin(&state->plain, *line);
    line->at++;
    line->length--;
    for (;;) {
        openmetrics_skip_blanks(line);
        if (line->length > 0 && line->at[0] == '}')
            break;
        const cli_text name = openmetrics_name(line);

        openmetrics_skip_blanks(line);
        if (name.length == 0 || line->length < 2 || line->at[0] != '=')
            cli_source_bad(reader->source, "a label name and = were expected at '%.*s'",
                           line->length > 20 ? 20 : (int)line->length, line->at);
        line->at++;
        line->length--;
        openmetrics_skip_blanks(line);
        if (line->length == 0 || line->at[0] != '"')
            cli_source_bad(reader->source, "the value of label '%.*s' must be quoted",
                           (int)name.length, name.at);
        cli_text value = {line->at + 1, 0};

        while (value.length + 1 < line->length && value.at[value.length] != '"')
            value.length += value.at[value.length] == '\\' ? 2 : 1;
        if (value.length + 1 >= line->length)
            cli_source_bad(reader->source, "the value of label '%.*s' has no closing quote",
                           (int)name.length, name.at);
        line->at += value.length + 2;
        line->length -= value.length + 2;
        if (reader->options->key_count > 0)
            value = cli_unescape(&state->plain, value, "\\\"n");
        if (!cli_labels_add(&state->labels, name, value))
            cli_source_bad(reader->source, "more than %d labels", CLI_MAX_LABELS);
        openmetrics_skip_blanks(line);
        if (line->length > 0 && line->at[0] == ',') {
            line->at++;
            line->length--;
        } else if (line->length == 0 || line->at[0] != '}') {
            cli_source_bad(reader->source, "a comma or } was expected after label '%.*s'",
                           (int)name.length, name.at);
        }
    }
    line->at++;
    line->length--;
}

static void openmetrics_keys(cli_reader *reader, cli_point *point)
{
    openmetrics_state *state = reader->state;

    cli_labels_sort(&state->labels);
    if (reader->options->key_count > 0) {
        for (size_t i = 0; i < reader->key_count; i++)
            point->keys[i] = cli_text_is(reader->key_names[i], "__name__")
                                 ? point->metric
                                 : cli_reader_label(reader, i, &state->labels);
        return;
    }
    if (state->labels.count == 0) {
        point->keys[0] = point->metric;
        return;
    }
    state->series.length = 0;
    cli_buffer_add(&state->series, point->metric.at, point->metric.length);
    for (size_t i = 0; i < state->labels.count; i++) {
        const cli_label *label = &state->labels.items[i];

        cli_buffer_add(&state->series, i == 0 ? "{" : ",", 1);
        cli_buffer_add(&state->series, label->name.at, label->name.length);
        cli_buffer_add(&state->series, "=\"", 2);
        cli_buffer_add(&state->series, label->value.at, label->value.length);
        cli_buffer_add(&state->series, "\"", 1);
    }
    cli_buffer_add(&state->series, "}", 1);
    point->keys[0] = (cli_text){state->series.at, state->series.length};
}

static void openmetrics_open(cli_reader *reader)
{
    reader->state = cli_alloc(sizeof(openmetrics_state));
    memset(reader->state, 0, sizeof(openmetrics_state));
    if (reader->key_count == 0) {
        reader->key_names[0] = cli_text_of("series");
        reader->key_count = 1;
    }
}

static int openmetrics_next(cli_reader *reader, cli_point *point)
{
    openmetrics_state *state = reader->state;
    cli_text line;

    while (cli_source_line(reader->source, &line)) {
        openmetrics_skip_blanks(&line);
        if (line.length == 0)
            continue;
        if (line.at[0] == '#') {
            openmetrics_comment(state, line);
            continue;
        }
        point->metric = openmetrics_name(&line);
        if (point->metric.length == 0)
            cli_source_bad(reader->source, "a metric's name was expected at '%.*s'",
                           line.length > 20 ? 20 : (int)line.length, line.at);
        state->labels.count = 0;
        if (line.length > 0 && line.at[0] == '{')
            openmetrics_labels(reader, &line);
        if (line.length == 0 || (line.at[0] != ' ' && line.at[0] != '\t'))
            cli_source_bad(reader->source, "a blank and a value were expected after '%.*s'",
                           (int)point->metric.length, point->metric.at);
        cli_text value = openmetrics_word(&line);
        cli_text time = openmetrics_word(&line);

        if (value.length == 0 || value.at[0] == '#')
            cli_source_bad(reader->source, "a value was expected after '%.*s'",
                           (int)point->metric.length, point->metric.at);
        if (time.length > 0 && time.at[0] == '#')
            time.length = line.length = 0;
        openmetrics_skip_blanks(&line);
        if (line.length > 0 && line.at[0] != '#')
            cli_source_bad(reader->source, "'%.*s' follows the timestamp; the end of the line was "
                                           "expected",
                           line.length > 20 ? 20 : (int)line.length, line.at);
        if (!cli_reader_wants(reader, point->metric))
            continue;
        cli_reader_number(reader, point, value);
        cli_reader_time(reader, point, time);
        openmetrics_keys(reader, point);
        point->label = -1;
        return 1;
    }
    return 0;
}

/* The family of a sample is its name, or its name without the suffix its kind gives it. */
static int openmetrics_kind(cli_reader *reader, const cli_point *point)
{
    static const struct {
        const char *suffix, *counters;
    } suffixes[] = {{"", "c"}, {"_total", "c"}, {"_bucket", "h"}, {"_count", "hs"}, {"_sum", "hs"}};
    openmetrics_state *state = reader->state;

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        cli_text family = point->metric;

        if (!cli_text_ends_with(family, suffixes[i].suffix))
            continue;
        family.length -= strlen(suffixes[i].suffix);
        const size_t number = cli_map_find(&state->families, family);

        if (number == SIZE_MAX || state->kinds[number] == 'u')
            continue;
        return strchr(suffixes[i].counters, state->kinds[number]) ? CLI_KIND_COUNTER
                                                                   : CLI_KIND_GAUGE;
    }
    return CLI_KIND_UNKNOWN;
}

static void openmetrics_close(cli_reader *reader)
{
    openmetrics_state *state = reader->state;

    cli_map_free(&state->families);
    cli_buffer_free(&state->series);
    cli_buffer_free(&state->plain);
    free(state->kinds);
    free(state);
}

const cli_format cli_format_openmetrics = {"openmetrics", 0, openmetrics_open, openmetrics_next,
                                           openmetrics_kind, openmetrics_close};
