/* Any bytes as a shard: against its own spec, into a bank of that spec, and into one that has series
 * and another clock.  What loads must save to something that loads to the same, and take points.  (Built
 * by run.sh, the library skips the checksums.) */
#include "targets.h"

static unsigned char *write_shard(const tocsin_bank *bank, size_t piece, size_t *size)
{
    tocsin_shard_writer *writer;
    unsigned char *bytes = NULL;
    size_t written;

    *size = 0;
    if (tocsin_shard_writer_create(&writer, bank, NULL, NULL) < 0)
        return NULL;
    do {
        unsigned char *longer = realloc(bytes, *size + piece);

        if (!longer)
            break;
        bytes = longer;
        fuzz_check(tocsin_shard_writer_next(writer, bytes + *size, piece, &written) == TOCSIN_OK);
        *size += written;
    } while (written > 0);
    tocsin_shard_writer_free(writer);
    return bytes;
}

static int read_shard(tocsin_bank *bank, const uint8_t *data, size_t size, size_t piece,
                      uint32_t present, uint32_t slots)
{
    tocsin_shard_options options = {sizeof options, 0, 0, 0};
    tocsin_shard_progress progress;
    tocsin_shard_reader *reader;
    int status;

    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    options.present = present;
    options.slots = slots;
    if (tocsin_shard_reader_create(&reader, bank, &options, NULL) < 0)
        return TOCSIN_ERROR_MEMORY;
    for (size_t at = 0; at < size; at += piece)
        tocsin_shard_reader_feed(reader, data + at, size - at < piece ? size - at : piece, NULL);
    status = tocsin_shard_reader_finish(reader, NULL);
    fuzz_check(tocsin_shard_reader_progress(reader, &progress) == TOCSIN_OK);
    fuzz_check(progress.bytes <= size && (status < 0 || progress.bytes == size));
    fuzz_check(status < 0 || progress.added + progress.replaced + progress.kept == progress.series);
    tocsin_shard_reader_free(reader);
    return status;
}

/* New series of every class there is, so that whatever its pool says becomes a state. */
static void join_classes(tocsin_bank *bank)
{
    uint64_t ids[4];
    tocsin_classes_info info;

    info.struct_size = sizeof info;
    fuzz_check(tocsin_bank_classes(bank, &info, ids, 4) == TOCSIN_OK && info.classes <= 3);
    for (size_t i = 0; i < info.classes; i++)
        tocsin_bank_add_to(bank, 1000 + i, ids[i], NULL);
}

static void use_bank(tocsin_bank *bank)
{
    static const double values[] = {1, 2, 1e308, -1e308, 0, 5e-324, 3};
    const size_t metrics = tocsin_spec_metrics(tocsin_bank_spec(bank));
    double *row = malloc((tocsin_bank_slots(bank) + 1) * metrics * sizeof *row);
    tocsin_tick tick;

    memset(&tick, 0, sizeof tick);
    tick.struct_size = sizeof tick;
    tick.count = tocsin_bank_slots(bank);
    tick.values = row;
    for (size_t i = 0; i < sizeof values / sizeof values[0] && row; i++) {
        for (size_t slot = 0; slot < tick.count * metrics; slot++)
            row[slot] = values[(i + slot) % (sizeof values / sizeof values[0])];
        tick.time = i < 6 ? (int64_t)(1800000000 + i) * TOCSIN_SECOND : INT64_MAX;
        tocsin_bank_tick(bank, &tick);
    }
    free(row);
}

static void load_shard(const tocsin_spec *spec, uint32_t clock, const uint8_t *data, size_t size)
{
    tocsin_bank_options options;
    tocsin_bank *bank, *copy;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.max_series = 500;
    options.max_classes = (uint32_t)(size % 4);
    options.clock = clock;
    if (tocsin_bank_create(&bank, spec, &options, NULL) < 0)
        return;
    if (tocsin_bank_create(&copy, spec, &options, NULL) < 0) {
        tocsin_bank_free(bank);
        return;
    }
    if (read_shard(bank, data, size, 1 + size % 100, TOCSIN_PRESENT_REFUSE, TOCSIN_SLOTS_KEPT) >= 0) {
        size_t saved_size, again_size;
        unsigned char *saved = write_shard(bank, 1000, &saved_size), *again;

        fuzz_check(!saved || read_shard(copy, saved, saved_size, 77, TOCSIN_PRESENT_REFUSE,
                                        TOCSIN_SLOTS_KEPT) == TOCSIN_OK);
        again = write_shard(copy, 1000, &again_size);
        fuzz_check(!saved || !again ||
                   (saved_size == again_size && memcmp(saved, again, saved_size) == 0));
        free(again);
        free(saved);
    }
    read_shard(bank, data, size, 4096, TOCSIN_PRESENT_NEWER, TOCSIN_SLOTS_NEW);
    join_classes(bank);
    use_bank(bank);
    tocsin_bank_free(copy);
    tocsin_bank_free(bank);
}

static int fuzz_shard(const uint8_t *data, size_t size)
{
    tocsin_spec *spec;

    read_shard(NULL, data, size, 512, TOCSIN_PRESENT_REFUSE, TOCSIN_SLOTS_NEW);
    if (tocsin_shard_spec(&spec, data, size, NULL, NULL) == TOCSIN_OK) {
        if (tocsin_spec_state_size(spec) <= FUZZ_LARGEST_STATE / 64) {
            load_shard(spec, TOCSIN_CLOCK_OWN, data, size);
            load_shard(spec, TOCSIN_CLOCK_SHARED, data, size);
        }
        tocsin_spec_free(spec);
    }
    return 0;
}

FUZZ_ENTRY(fuzz_shard)
