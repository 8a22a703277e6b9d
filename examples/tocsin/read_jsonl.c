/* read_jsonl.c - JSON lines: an object per line, with json-c.
 *
 * json-c keeps what others lose: the digits of an integer beyond 2^53 and a
 * decimal's own text, so that a timestamp of nanoseconds and a large counter
 * stay exact and are echoed as they came.  A field inside an object is named with
 * a dot: host.name.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli_reader.h"

typedef struct jsonl_state {
    json_tokener *tokener;
    json_object *line;          /* the object whose texts are handed out */
    json_object *waiting;       /* the first one, read to know the fields */
    char *time, *label;         /* fields; NULL: there is none */
    char *keys[CLI_MAX_KEYS];
} jsonl_state;

/* The fields of the first object, with those of objects inside it. */
typedef struct jsonl_fields {
    cli_text *names, *cells;
    size_t count, names_capacity, cells_capacity;
} jsonl_fields;

/* The next line that is not blank, as an object, or NULL at the end. */
static json_object *jsonl_read(cli_reader *reader)
{
    jsonl_state *jsonl = reader->state;
    cli_text line;

    do {
        if (!cli_source_line(reader->source, &line))
            return NULL;
        line = cli_text_trim(line);
        if (line.length >= 3 && memcmp(line.at, "\xef\xbb\xbf", 3) == 0) {
            line.at += 3;
            line.length -= 3;
        }
    } while (line.length == 0);

    json_tokener_reset(jsonl->tokener);
    json_object *object = json_tokener_parse_ex(jsonl->tokener, line.at, (int)line.length);
    const enum json_tokener_error error = json_tokener_get_error(jsonl->tokener);

    if (error == json_tokener_continue)
        cli_source_bad(reader->source,
                       "the line ends inside its JSON; a whole object per line was expected");
    if (error != json_tokener_success)
        cli_source_bad(reader->source, "column %zu: not JSON (%s); an object per line was expected",
                       json_tokener_get_parse_end(jsonl->tokener) + 1,
                       json_tokener_error_desc(error));
    if (!json_object_is_type(object, json_type_object))
        cli_source_bad(reader->source, "JSON, but no object; an object per line was expected");
    return object;
}

/* A field by its name, or by the names of objects and a field joined by dots. */
static json_object *jsonl_find(json_object *object, const char *name)
{
    json_object *field;

    if (json_object_object_get_ex(object, name, &field))
        return field;
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
        char *outer = cli_copy((cli_text){name, (size_t)(dot - name)});
        const int found = json_object_object_get_ex(object, outer, &field);

        free(outer);
        if (found && json_object_is_type(field, json_type_object) &&
            (field = jsonl_find(field, dot + 1)) != NULL)
            return field;
    }
    return NULL;
}

/* A scalar as text: numbers by their own digits, null as nothing. */
static cli_text jsonl_cell(json_object *field)
{
    switch (json_object_get_type(field)) {
    case json_type_string:
        return (cli_text){json_object_get_string(field), (size_t)json_object_get_string_len(field)};
    case json_type_null:
        return (cli_text){"", 0};
    default:
        return cli_text_of(json_object_to_json_string_ext(field, JSON_C_TO_STRING_PLAIN));
    }
}

static void jsonl_collect(jsonl_fields *fields, json_object *object, const char *prefix)
{
    json_object_object_foreach(object, name, field)
    {
        cli_buffer path = {NULL, 0, 0};

        cli_buffer_print(&path, "%s%s%s", prefix, *prefix ? "." : "", name);
        if (json_object_is_type(field, json_type_object)) {
            jsonl_collect(fields, field, path.at);
            cli_buffer_free(&path);
            continue;
        }
        const size_t count = fields->count + 1;

        fields->names =
            cli_grow(fields->names, &fields->names_capacity, count, sizeof *fields->names);
        fields->cells =
            cli_grow(fields->cells, &fields->cells_capacity, count, sizeof *fields->cells);
        fields->names[fields->count] = (cli_text){path.at, path.length};
        fields->cells[fields->count++] = jsonl_cell(field);
    }
}

static void jsonl_open(cli_reader *reader)
{
    jsonl_state *jsonl = cli_alloc(sizeof *jsonl);
    jsonl_fields fields = {0};
    cli_columns columns;

    memset(jsonl, 0, sizeof *jsonl);
    reader->state = jsonl;
    jsonl->tokener = json_tokener_new();
    if (!jsonl->tokener)
        cli_die(CLI_BAD_INPUT, "out of memory");
    json_tokener_set_flags(jsonl->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    jsonl->waiting = jsonl_read(reader);
    if (!jsonl->waiting)
        return;
    jsonl_collect(&fields, jsonl->waiting, "");
    cli_columns_choose(&columns, reader, fields.names, fields.cells, fields.count);
    cli_reader_metrics(reader, fields.names, columns.values, columns.value_count);
    if (columns.time != SIZE_MAX)
        jsonl->time = cli_copy(fields.names[columns.time]);
    if (columns.label != SIZE_MAX)
        jsonl->label = cli_copy(fields.names[columns.label]);
    for (size_t i = 0; i < reader->key_count; i++)
        jsonl->keys[i] = cli_copy(fields.names[columns.keys[i]]);
    for (size_t i = 0; i < fields.count; i++)
        free((void *)(uintptr_t)fields.names[i].at);
    free(fields.names);
    free(fields.cells);
}

static int jsonl_next(cli_reader *reader, cli_point *point)
{
    jsonl_state *jsonl = reader->state;

    json_object_put(jsonl->line);
    jsonl->line = jsonl->waiting ? jsonl->waiting : jsonl_read(reader);
    jsonl->waiting = NULL;
    if (!jsonl->line)
        return 0;
    if (jsonl->time) {
        cli_reader_time(reader, point, jsonl_cell(jsonl_find(jsonl->line, jsonl->time)));
        if (point->time_text.length == 0)
            cli_source_bad(reader->source, "the object has no field '%s', a timestamp was expected",
                           jsonl->time);
    } else {
        cli_reader_time(reader, point, (cli_text){NULL, 0});
    }
    for (size_t i = 0; i < reader->metric_count; i++) {
        const char *name = reader->metrics[i].at;
        json_object *value = jsonl_find(jsonl->line, name);

        if (json_object_is_type(value, json_type_array) ||
            json_object_is_type(value, json_type_object))
            cli_source_bad(reader->source, "the field '%s' is no number", name);
        cli_reader_value(reader, point, i, jsonl_cell(value));
    }
    for (size_t i = 0; i < reader->key_count; i++)
        point->keys[i] = jsonl_cell(jsonl_find(jsonl->line, jsonl->keys[i]));
    point->label = -1;
    if (jsonl->label && cli_reader_uses_labels(reader)) {
        point->label = cli_parse_label(jsonl_cell(jsonl_find(jsonl->line, jsonl->label)));
        if (point->label < 0)
            cli_source_bad(reader->source, "the label '%s' is neither 0 nor 1", jsonl->label);
    }
    return 1;
}

static void jsonl_close(cli_reader *reader)
{
    jsonl_state *jsonl = reader->state;

    json_object_put(jsonl->line);
    json_object_put(jsonl->waiting);
    json_tokener_free(jsonl->tokener);
    free(jsonl->time);
    free(jsonl->label);
    for (size_t i = 0; i < reader->key_count; i++)
        free(jsonl->keys[i]);
    free(jsonl);
}

const cli_format cli_format_jsonl = {"jsonl", 1, jsonl_open, jsonl_next, NULL, jsonl_close};
