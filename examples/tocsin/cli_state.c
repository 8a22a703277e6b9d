/* cli_state.c - all series in one file: see cli_state.h. */
#include "cli_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli_file.h"

#define STATE_MAGIC "TOCSTATE"
#define STATE_VERSION 1
#define STATE_HEADER 16

enum { STATE_COUNTER = 1, STATE_SILENT = 2 };

/* ---- Writing --------------------------------------------------------------- */

static void state_put(cli_buffer *out, uint64_t value, size_t size)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
    cli_buffer_add(out, bytes, size);
}

static void state_put_text(cli_buffer *out, cli_text text)
{
    state_put(out, text.length, 4);
    cli_buffer_add(out, text.at, text.length);
}

static void state_put_keys(cli_buffer *out, const cli_reader *reader)
{
    cli_buffer names = {NULL, 0, 0};

    for (size_t i = 0; i < reader->key_count; i++) {
        cli_buffer_add(&names, ",", i > 0);
        cli_buffer_add(&names, reader->key_names[i].at, reader->key_names[i].length);
    }
    if (reader->metric_count > 1) {
        for (size_t i = 0; i < reader->metric_count; i++)
            cli_buffer_print(&names, "%s%s", i ? ", " : " rows of ", reader->metrics[i].at);
    }
    state_put_text(out, (cli_text){names.at, names.length});
    cli_buffer_free(&names);
}

static void state_put_detector(cli_buffer *out, const cli_series *series,
                               const tocsin_detector *detector)
{
    size_t size = 0;

    tocsin_detector_save(detector, NULL, 0, &size);
    state_put(out, size, 4);
    out->at = cli_grow(out->at, &out->capacity, out->length + size + 1, 1);
    const int status = tocsin_detector_save(detector, out->at + out->length, size, NULL);

    if (status < 0)
        cli_die(CLI_BAD_INPUT, "the state of '%s' cannot be saved: %s", series->name,
                tocsin_status_text(status));
    out->length += size;
}

/* Of rows the detector is followed by what turns counters into rates, column by column. */
static void state_put_series(cli_buffer *out, const cli_series *series, cli_watch *watch)
{
    state_put_text(out, series->key);
    state_put_text(out, cli_text_of(series->name ? series->name : ""));
    state_put(out, (uint64_t)series->last_time, 8);
    state_put(out,
              (series->is_counter ? STATE_COUNTER : 0) | (series->is_silent ? STATE_SILENT : 0), 4);
    state_put_detector(out, series, watch->detectors[series->number]);
    for (size_t i = 0; series->reader->metric_count > 1 && i < series->reader->metric_count; i++) {
        const tocsin_detector *rate = cli_watch_rate(watch, series, i, 0);

        if (rate)
            state_put_detector(out, series, rate);
        else
            state_put(out, 0, 4);
    }
}

/* Series by series, so that the file costs no second copy of all states in memory.  The
 * checksum stands before what it covers and is put in last. */
void cli_state_save(const char *path, const cli_feed *feed, cli_watch *watch)
{
    cli_buffer piece = {NULL, 0, 0};
    cli_file file;
    uint32_t crc = 0;
    char *spec = cli_spec_text(watch->specs.gauge, TOCSIN_TEXT_FULL);

    cli_file_begin(&file, path);
    state_put(&piece, 0, STATE_HEADER / 2);
    state_put(&piece, 0, STATE_HEADER / 2);
    fwrite(piece.at, 1, piece.length, file.stream);
    piece.length = 0;
    state_put_text(&piece, cli_text_of(spec));
    state_put_keys(&piece, feed->reader);
    state_put(&piece, (uint64_t)feed->clock, 8);
    state_put(&piece, cli_feed_count(feed), 8);
    for (size_t i = 0;; i++) {
        crc = cli_crc32c(crc, piece.at, piece.length);
        fwrite(piece.at, 1, piece.length, file.stream);
        piece.length = 0;
        if (i == cli_feed_count(feed))
            break;
        state_put_series(&piece, feed->series[i], watch);
    }
    cli_buffer_add(&piece, STATE_MAGIC, 8);
    state_put(&piece, STATE_VERSION, 4);
    state_put(&piece, crc, 4);
    rewind(file.stream);
    fwrite(piece.at, 1, piece.length, file.stream);
    cli_file_commit(&file);
    cli_buffer_free(&piece);
    free(spec);
}

/* ---- Reading --------------------------------------------------------------- */

typedef struct state_input {
    const char *path;
    cli_text rest;
} state_input;

static _Noreturn void state_damaged(const char *path, const char *what)
{
    cli_die(CLI_BAD_INPUT,
            "%s: %s; the file was left as it is (another --state, or removing it, starts anew)",
            path, what);
}

static uint64_t state_get(state_input *in, size_t size)
{
    uint64_t value = 0;

    if (in->rest.length < size)
        state_damaged(in->path, "this state file is cut off");
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)(unsigned char)in->rest.at[i] << 8 * i;
    in->rest.at += size;
    in->rest.length -= size;
    return value;
}

static cli_text state_get_text(state_input *in)
{
    const size_t length = (size_t)state_get(in, 4);
    const cli_text text = {in->rest.at, length};

    if (in->rest.length < length)
        state_damaged(in->path, "this state file is cut off");
    in->rest.at += length;
    in->rest.length -= length;
    return text;
}

/* The whole file if it begins as a state file does; 0: there is none. */
static int state_read_file(const char *path, cli_buffer *bytes)
{
    char block[65536];
    FILE *stream = fopen(path, "rb");
    size_t count;

    if (!stream && errno == ENOENT)
        return 0;
    if (!stream)
        state_damaged(path, strerror(errno));
    while ((count = fread(block, 1, sizeof block, stream)) > 0) {
        cli_buffer_add(bytes, block, count);
        if (bytes->length < STATE_HEADER || memcmp(bytes->at, STATE_MAGIC, 8) != 0)
            state_damaged(path, "is not a state file of tocsin");
    }
    if (ferror(stream))
        state_damaged(path, strerror(errno));
    if (bytes->length == 0)
        state_damaged(path, "is empty, a state file of tocsin was expected");
    fclose(stream);
    return 1;
}

static void state_check_spec(const char *path, cli_text saved, const tocsin_spec *spec,
                             int take_over)
{
    char *given = cli_spec_text(spec, TOCSIN_TEXT_FULL);

    if (!cli_text_is(saved, given) && !take_over)
        cli_die(CLI_BAD_INPUT,
                "%s: was written with another spec; the file was left as it is\n"
                "    the file's: %.*s\n    this one's: %s\n"
                "Give the file's spec, or another file; --take-over goes on with this one where "
                "the stages are the same.",
                path, (int)saved.length, saved.at, given);
    free(given);
}

static void state_load_detector(const state_input *in, const cli_series *series,
                                tocsin_detector *detector, cli_text snapshot)
{
    tocsin_error error = {.struct_size = sizeof error};

    if (tocsin_detector_load(detector, snapshot.at, snapshot.length, &error) < 0)
        cli_die(CLI_BAD_INPUT,
                "%s: the state of '%s' cannot be used: %s; the file was left as it is", in->path,
                series->name, error.message);
}

static void state_load_series(state_input *in, cli_feed *feed, cli_watch *watch)
{
    const cli_text key = state_get_text(in);
    const cli_text name = state_get_text(in);
    const int64_t last_time = (int64_t)state_get(in, 8);
    const uint64_t flags = state_get(in, 4);
    const cli_text snapshot = state_get_text(in);
    cli_series *series = cli_feed_restore(feed, key);

    if (!series)
        state_damaged(in->path, "this state file names a series twice");
    series->name = cli_copy(name);
    series->last_time = last_time;
    series->is_counter = (flags & STATE_COUNTER) != 0;
    series->is_silent = (flags & STATE_SILENT) != 0;
    cli_watch_start(watch, series);
    state_load_detector(in, series, watch->detectors[series->number], snapshot);
    for (size_t i = 0; series->reader->metric_count > 1 && i < series->reader->metric_count; i++) {
        const cli_text rate = state_get_text(in);

        if (rate.length > 0)
            state_load_detector(in, series, cli_watch_rate(watch, series, i, 1), rate);
    }
    if (!series->is_silent)
        cli_feed_expect(feed, series);
}

void cli_state_load(const char *path, cli_feed *feed, cli_watch *watch, int take_over)
{
    cli_buffer bytes = {NULL, 0, 0}, keys = {NULL, 0, 0};

    if (!state_read_file(path, &bytes))
        return;
    state_input in = {path, {bytes.at + 8, bytes.length - 8}};

    if (state_get(&in, 4) != STATE_VERSION)
        state_damaged(path, "was written by a newer tocsin");
    if (state_get(&in, 4) != cli_crc32c(0, in.rest.at, in.rest.length))
        state_damaged(path, "is damaged: its checksum does not match");
    state_check_spec(path, state_get_text(&in), watch->specs.gauge, take_over);
    state_put_keys(&keys, feed->reader);
    const cli_text saved_keys = state_get_text(&in);

    if (!cli_text_equal(saved_keys, (cli_text){keys.at + 4, keys.length - 4}))
        cli_die(CLI_BAD_INPUT,
                "%s: its series are told apart by '%.*s', but those of the input by '%.*s'; the "
                "file was left as it is",
                path, (int)saved_keys.length, saved_keys.at, (int)keys.length - 4, keys.at + 4);
    feed->clock = (int64_t)state_get(&in, 8);
    for (uint64_t left = state_get(&in, 8); left > 0; left--)
        state_load_series(&in, feed, watch);
    if (in.rest.length > 0)
        state_damaged(path, "has bytes behind its end");
    cli_buffer_free(&bytes);
    cli_buffer_free(&keys);
}
