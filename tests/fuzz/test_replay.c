/* The fuzzers' targets as an ordinary test: over the seeds, over seeds damaged at random, and over the
 * files given as arguments (what a fuzzer found: `test_replay crash-1234`).
 *
 * With `--seeds DIRECTORY` it writes the seeds to DIRECTORY/spec, /snapshot, /push, /shard,
 * /forest and /gate, for run.sh.
 */
#include <stdio.h>

#include "../support/banks.h"
#include "../support/crc32c.h"
#include "../support/rng.h"
#include "../support/shards.h"
#include "../support/specs.h"
#include "../support/states.h"
#include "../support/suite.h"

#define FUZZ_REPLAY
#include "fuzz_forest.c"
#include "fuzz_gate.c"
#include "fuzz_push.c"
#include "fuzz_shard.c"
#include "fuzz_snapshot.c"
#include "fuzz_spec.c"

typedef int (*target)(const uint8_t *data, size_t size);

static const struct {
    const char *name;
    target run;
    void (*repair)(unsigned char *bytes, size_t size);   /* so that not all fail at a checksum */
    size_t damaged;     /* per seed; a gate works out its bets, which takes most of a millisecond */
} targets[] = {
    {"spec", fuzz_spec, crc32c_repair, 400},
    {"snapshot", fuzz_snapshot, crc32c_repair, 400},
    {"push", fuzz_push, crc32c_repair, 400},
    {"shard", fuzz_shard, shard_repair, 400},
    {"forest", fuzz_forest, crc32c_repair, 400},
    {"gate", fuzz_gate, crc32c_repair, 20},
};

#define TARGETS ((int)(sizeof targets / sizeof targets[0]))

typedef struct seed {
    size_t size;
    uint8_t *bytes;
} seed;

static seed seed_of(const void *bytes, size_t size)
{
    seed s;

    s.size = size;
    s.bytes = malloc(size ? size : 1);
    require(s.bytes != NULL, "the test itself is out of memory");
    memcpy(s.bytes, bytes, size);
    return s;
}

static seed push_seed(const char *text, uint64_t number)
{
    rng r = rng_seeded(number);
    uint8_t bytes[SPECS_TEXT + 1 + 256];
    size_t length = strlen(text);

    memcpy(bytes, text, length);
    bytes[length++] = '\n';
    for (size_t i = 0; i < 256; i++)
        bytes[length++] = (uint8_t)rng_u64(&r);
    return seed_of(bytes, length);
}

static seed snapshot_seed(const char *text)
{
    tocsin_spec *spec = specs_compile(text);
    tocsin_detector *detector = specs_detector(spec);
    rng r = rng_seeded(4);
    snapshot s;
    seed result;

    for (size_t i = 0; i < 200; i++)
        tocsin_detector_push(detector, TOCSIN_TIME_NONE, rng_normal(&r), TOCSIN_LEARN_AND_SCORE,
                             NULL, 0);
    s = snapshot_of(detector);
    result = seed_of(s.bytes, s.size);
    snapshot_free(&s);
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    return result;
}

/* A few series, one of them gone, with a clock of their own or a shared one; of two classes. */
static seed shard_seed(const char *text, uint64_t number)
{
    tocsin_spec *spec = specs_compile(text);
    tocsin_bank_options options = banks_options();
    double values[5] = {0};
    tocsin_bank *bank;
    rng r = rng_seeded(number);
    shard s;
    seed result;

    options.clock = (uint32_t)(number % 2);
    options.max_classes = 2;
    bank = banks_create(spec, &options);
    for (uint64_t i = 0; i < 5; i++)
        require(tocsin_bank_add_to(bank, banks_id(i), i % 2, NULL) == TOCSIN_OK, "not added");
    for (int64_t i = 0; i < 50; i++) {
        const tocsin_tick tick = banks_tick(bank, i * TOCSIN_MINUTE, values);

        tocsin_bank_tick(bank, &tick);
        for (size_t k = 0; k < 5; k++)
            values[k] = rng_normal(&r);
    }
    tocsin_bank_remove(bank, 2);
    s = shard_of(bank, NULL);
    result = seed_of(s.bytes, s.size);
    shard_free(&s);
    tocsin_bank_free(bank);
    tocsin_spec_free(spec);
    return result;
}

/* A few small trees: of one metric or several, cut one at a time or together, shallow or deep. */
static seed forest_seed(uint64_t number)
{
    enum { ROWS = 12, COLUMNS = 3 };
    const tocsin_forest_options options = {
        sizeof options, 1 + (uint32_t)(number % 3), ROWS, number % 5 == 0 ? 11 : 0, number,
        1 + (uint32_t)(number % 3), 0};
    double value[ROWS][COLUMNS];
    uint8_t bytes[4096];
    tocsin_forest *forest;
    tocsin_matrix matrix;
    rng r = rng_seeded(number);
    size_t size;

    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        value[k / COLUMNS][k % COLUMNS] = rng_normal(&r) * (double)(1 << 2 * (k / COLUMNS));
    memset(&matrix, 0, sizeof matrix);
    matrix.struct_size = sizeof matrix;
    matrix.rows = ROWS;
    matrix.columns = 1 + number % COLUMNS;
    matrix.row_stride = COLUMNS;
    matrix.column_stride = 1;
    matrix.values = value;
    require(tocsin_forest_fit(&forest, &options, &matrix, NULL) == TOCSIN_OK, "no forest");
    require(tocsin_forest_save(forest, bytes, sizeof bytes, &size) == TOCSIN_OK, "no snapshot");
    tocsin_forest_free(forest);
    return seed_of(bytes, size);
}

/* Calls under one of several gate specs, or a gate's snapshot. */
static seed gate_seed(uint64_t number)
{
    static const char *const texts[] = {
        "unit=request share=50% ramp=yes | latency tail=q999 | errors worse=down",
        "unit=session sessions=1000 | latency worse=down | gauge block=1s | errors",
        "unit=pod pods=8 | latency | errors | gauge",
        "unit=request share=10% routing=round-robin | histogram | count"};
    const char *const text = texts[number / 2 % 4];
    tocsin_gate_spec *spec;
    tocsin_gate *gate;
    uint8_t *bytes;
    size_t size;
    rng r = rng_seeded(number);
    seed result;

    if (number % 2 == 0)
        return push_seed(text, number);
    require(tocsin_gate_spec_compile(&spec, text, TOCSIN_NUL_TERMINATED, NULL, NULL) == TOCSIN_OK &&
            tocsin_gate_create(&gate, spec, NULL) == TOCSIN_OK, "no gate of %s", text);
    for (int i = 0; i < 600; i++)
        tocsin_gate_observe(gate, (uint32_t)(i % 2), (uint32_t)rng_below(&r, 2), i * TOCSIN_SECOND,
                            rng_below(&r, 6), (double)rng_below(&r, 2));
    tocsin_gate_save(gate, NULL, 0, &size);
    bytes = malloc(size);
    require(bytes && tocsin_gate_save(gate, bytes, size, NULL) == TOCSIN_OK, "not saved");
    result = seed_of(bytes, size);
    free(bytes);
    tocsin_gate_free(gate);
    tocsin_gate_spec_free(spec);
    return result;
}

static seed make_seed(int kind, const char *text, uint64_t number)
{
    switch (kind) {
    case 0: return seed_of(text, strlen(text));
    case 1: return snapshot_seed(text);
    case 3: return shard_seed(text, number);
    case 4: return forest_seed(number);
    case 5: return gate_seed(number);
    default: return push_seed(text, number);
    }
}

/* The same bytes in a block of exactly their size, so that reading past the end is seen. */
static void run_tight(target run_target, const uint8_t *bytes, size_t size)
{
    seed s = seed_of(bytes, size);

    run_target(s.bytes, s.size);
    free(s.bytes);
}

static void run_damaged(int kind, const seed *s, rng *r)
{
    uint8_t *bytes = malloc(s->size + 1);
    size_t size = s->size;

    require(bytes != NULL, "the test itself is out of memory");
    memcpy(bytes, s->bytes, s->size);
    for (size_t damages = 1 + rng_below(r, 4); damages > 0 && size > 0; damages--)
        bytes[rng_below(r, size)] = (uint8_t)rng_u64(r);
    if (rng_below(r, 8) == 0)
        size = rng_below(r, size + 1);
    if (size >= 24)
        targets[kind].repair(bytes, size);
    run_tight(targets[kind].run, bytes, size);
    free(bytes);
}

START_TEST(seeds_and_damaged_seeds)
{
    specs list = specs_few();
    rng r = rng_seeded(5);

    for (size_t i = 0; i < list.count; i++) {
        seed s = make_seed(_i, list.text[i], i);

        run_tight(targets[_i].run, s.bytes, s.size);
        for (size_t k = 0; k < targets[_i].damaged; k++)
            run_damaged(_i, &s, &r);
        free(s.bytes);
    }
    specs_free(&list);
}
END_TEST

static int write_seeds(const char *directory)
{
    specs list = specs_few();

    for (int kind = 0; kind < TARGETS; kind++)
        for (size_t i = 0; i < list.count; i++) {
            seed s = make_seed(kind, list.text[i], i);
            char path[4096];
            FILE *file;

            snprintf(path, sizeof path, "%s/%s/seed-%zu", directory, targets[kind].name, i);
            file = fopen(path, "wb");
            if (!file || fwrite(s.bytes, 1, s.size, file) != s.size || fclose(file) != 0) {
                perror(path);
                return EXIT_FAILURE;
            }
            free(s.bytes);
        }
    specs_free(&list);
    return EXIT_SUCCESS;
}

/* Every target over one file. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);
    size_t size;

    if (!file || !bytes) {
        perror(path);
        return EXIT_FAILURE;
    }
    size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    for (int kind = 0; kind < TARGETS; kind++)
        run_tight(targets[kind].run, bytes, size);
    free(bytes);
    return EXIT_SUCCESS;
}

static Suite *suite(void)
{
    Suite *s = suite_create("replay");

    tcase_add_loop_test(suite_case(s, "targets"), seeds_and_damaged_seeds, 0, TARGETS);
    return s;
}

int main(int argc, char **argv)
{
    int result = EXIT_SUCCESS;

    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_seeds(argv[2]);
    if (argc == 1)
        return suite_run(suite());
    for (int i = 1; i < argc && result == EXIT_SUCCESS; i++)
        result = replay(argv[i]);
    return result;
}
