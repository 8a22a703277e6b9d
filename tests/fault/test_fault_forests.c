/* Snapshots of forests that were cut off, damaged or forged: each gets a status and no forest, or one
 * that can be lived with. */
#include <math.h>

#include "../support/crc32c.h"
#include "../support/rng.h"
#include "../support/suite.h"
#include "tocsin.h"

enum { ROWS = 12, COLUMNS = 3, SHAPES = 5 };

typedef struct victim {
    double value[ROWS][COLUMNS];
    unsigned char *original, *forged;
    size_t size;
} victim;

static tocsin_matrix matrix_of(const victim *v, size_t columns)
{
    tocsin_matrix matrix;

    memset(&matrix, 0, sizeof matrix);
    matrix.struct_size = sizeof matrix;
    matrix.rows = ROWS;
    matrix.columns = columns;
    matrix.row_stride = COLUMNS;
    matrix.column_stride = 1;
    matrix.values = v->value;
    return matrix;
}

/* One of each kind that the format tells apart: several metrics, one of three that varies, cuts through
 * two and three metrics, and deep trees. */
static victim victim_create(int shape)
{
    static const tocsin_forest_options options[SHAPES] = {
        {sizeof options[0], 3, 8, 0, 1, 1, 0},  {sizeof options[0], 3, 8, 0, 2, 1, 0},
        {sizeof options[0], 2, 6, 0, 3, 2, 0},  {sizeof options[0], 2, 6, 0, 4, 3, 0},
        {sizeof options[0], 1, 12, 11, 5, 1, 0},
    };
    rng random = rng_seeded((uint64_t)shape + 1);
    tocsin_forest *forest;
    victim v;

    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            v.value[r][c] = shape == 1 && c != 1 ? 4
                            : shape == 4         ? ldexp(1, -(int)(r * (c + 1)))
                                                 : rng_normal(&random);
    const tocsin_matrix matrix = matrix_of(&v, COLUMNS);

    ck_assert_int_eq(tocsin_forest_fit(&forest, &options[shape], &matrix, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_save(forest, NULL, 0, &v.size), TOCSIN_ERROR_SPACE);
    v.original = malloc(v.size);
    v.forged = malloc(v.size);
    require(v.original && v.forged, "the test itself is out of memory");
    ck_assert_int_eq(tocsin_forest_save(forest, v.original, v.size, NULL), TOCSIN_OK);
    memcpy(v.forged, v.original, v.size);
    tocsin_forest_free(forest);
    return v;
}

static void victim_free(victim *v)
{
    free(v->original);
    free(v->forged);
}

/* Whatever it says, it can be asked everything, and saved and loaded again. */
static void live_with(const victim *v, tocsin_forest *forest)
{
    tocsin_forest_info info = {.struct_size = sizeof info};
    double scores[ROWS], again[ROWS], strange[ROWS][COLUMNS], parts[ROWS * COLUMNS];
    tocsin_matrix matrix = matrix_of(v, COLUMNS);
    tocsin_forest *copy;
    unsigned char *bytes;
    size_t size;

    ck_assert_int_eq(tocsin_forest_describe(forest, &info), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_save(forest, NULL, 0, &size), TOCSIN_ERROR_SPACE);
    bytes = malloc(size);
    ck_assert_int_eq(tocsin_forest_save(forest, bytes, size, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_load(&copy, bytes, size, NULL, NULL), TOCSIN_OK);
    free(bytes);
    if (info.columns == COLUMNS) {
        for (size_t k = 0; k < ROWS * COLUMNS; k++) {
            static const double values[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324, 0};

            strange[k / COLUMNS][k % COLUMNS] = values[k % (sizeof values / sizeof values[0])];
        }
        for (int i = 0; i < 2; i++) {
            matrix.values = i ? (const void *)strange : (const void *)v->value;
            ck_assert_int_eq(tocsin_forest_score(forest, &matrix, scores), TOCSIN_OK);
            ck_assert_int_eq(tocsin_forest_score(copy, &matrix, again), TOCSIN_OK);
            ck_assert_int_eq(tocsin_forest_explain(forest, &matrix, parts), TOCSIN_OK);
            for (size_t r = 0; r < ROWS; r++)
                require(scores[r] >= 0 && scores[r] <= 1 && scores[r] == again[r],
                        "a score of %g, and of %g after a snapshot", scores[r], again[r]);
        }
    }
    tocsin_forest_free(copy);
}

/* Load bytes from a block of exactly their size. */
static int load(const victim *v, const unsigned char *bytes, size_t size, const char *where)
{
    unsigned char *const block = malloc(size ? size : 1);
    tocsin_forest *forest = (tocsin_forest *)(void *)block;
    tocsin_error error;

    require(block != NULL, "the test itself is out of memory");
    memcpy(block, bytes, size);
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    const int status = tocsin_forest_load(&forest, block, size, NULL, &error);

    if (status < 0) {
        require(!forest, "%s has a status and a forest", where);
        require(error.status == status && error.message[0], "%s has no error", where);
        require(error.offset <= size, "the error of %s is outside of it", where);
    } else {
        live_with(v, forest);
        tocsin_forest_free(forest);
    }
    free(block);
    return status;
}

START_TEST(cut_off_at_every_length)
{
    victim v = victim_create(_i);

    for (size_t size = 0; size < v.size; size++) {
        int status = load(&v, v.original, size, "a cut-off snapshot");

        require(status == TOCSIN_ERROR_FORMAT, "%zu bytes: %s", size, tocsin_status_name(status));
        if (size < 24)
            continue;
        memcpy(v.forged, v.original, v.size);
        for (int i = 0; i < 4; i++)
            v.forged[8 + i] = (unsigned char)(size >> 8 * i);
        crc32c_repair(v.forged, size);
        status = load(&v, v.forged, size, "a cut-off and repaired snapshot");
        require(status < 0, "%zu bytes were accepted", size);
    }
    victim_free(&v);
}
END_TEST

START_TEST(every_bit_flipped)
{
    victim v = victim_create(_i);

    for (size_t bit = 0; bit < 8 * v.size; bit++) {
        int status;

        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        status = load(&v, v.forged, v.size, "a damaged snapshot");
        require(status < 0, "bit %zu: accepted", bit);
        require(bit < 8 * 20 || status == TOCSIN_ERROR_CHECKSUM, "bit %zu: %s", bit,
                tocsin_status_name(status));
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    victim_free(&v);
}
END_TEST

START_TEST(every_bit_flipped_and_repaired)
{
    victim v = victim_create(_i);
    size_t accepted = 0;

    for (size_t bit = 0; bit < 8 * (v.size - 4); bit++) {
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        crc32c_repair(v.forged, v.size);
        accepted += load(&v, v.forged, v.size, "a forged snapshot") == TOCSIN_OK;
        v.forged[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    /* The seed alone can be anything. */
    require(accepted >= 64, "only %zu forgeries were tried on a forest", accepted);
    victim_free(&v);
}
END_TEST

START_TEST(hostile_words_and_repaired)
{
    static const uint64_t words[] = {
        0, 1, UINT64_MAX, INT64_MAX, (uint64_t)1 << 63, UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7f7fffff7f7fffff), UINT64_C(0x0000ffff0000ffff), UINT64_C(0x00100000ffffffff),
    };
    victim v = victim_create(_i);

    for (size_t at = 0; at + 8 <= v.size - 4; at++) {
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            for (size_t i = 0; i < 8; i++)
                v.forged[at + i] = (unsigned char)(words[w] >> 8 * i);
            crc32c_repair(v.forged, v.size);
            load(&v, v.forged, v.size, "a forged snapshot");
        }
        memcpy(v.forged, v.original, v.size);
    }
    victim_free(&v);
}
END_TEST

START_TEST(random_bytes_and_repaired)
{
    victim v = victim_create(_i);
    rng random = rng_seeded(12);

    for (size_t round = 0; round < 1500; round++) {
        const size_t count = 1 + rng_below(&random, 6);

        for (size_t i = 0; i < count; i++)
            v.forged[rng_below(&random, v.size)] = (unsigned char)rng_u64(&random);
        crc32c_repair(v.forged, v.size);
        load(&v, v.forged, v.size, "a forged snapshot");
        memcpy(v.forged, v.original, v.size);
    }
    victim_free(&v);
}
END_TEST

static void put32(unsigned char *out, size_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

static size_t get32(const unsigned char *bytes)
{
    return bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
}

/* A forest's only tree many times: the snapshot that says so, and its bytes. */
static unsigned char *multiply(const unsigned char *one, size_t size, size_t trees, size_t *bytes)
{
    /* A header of 20 bytes, records of the head, the views and the trees, a checksum. */
    const size_t head = 20 + 8, views = head + get32(one + head - 4) + 8;
    const size_t body = views + get32(one + views - 4) + 8, tree = size - 4 - body;
    unsigned char *const many = malloc(body + trees * tree + 4);

    require(many != NULL && get32(one + body - 4) == tree, "the snapshot is laid out otherwise");
    *bytes = body + trees * tree + 4;
    memcpy(many, one, body);
    for (size_t k = 0; k < trees; k++)
        memcpy(many + body + k * tree, one + body, tree);
    put32(many + 8, *bytes);
    put32(many + head + 8, trees);
    put32(many + head + 32, trees * get32(one + head + 32));
    put32(many + body - 4, trees * tree);
    crc32c_repair(many, *bytes);
    return many;
}

/* A tree as deep as can be of few cuts is a small snapshot and a large heap: thousands of them are
 * refused. */
START_TEST(many_deep_trees)
{
    enum { DEEP = 24 };
    const tocsin_forest_options options = {sizeof options, 1, DEEP, 16, 0, 1, 0};
    double value[DEEP][2], scores[2][DEEP];
    const tocsin_matrix matrix = {
        .struct_size = sizeof matrix, .rows = DEEP, .columns = 2, .values = value};
    tocsin_error error = {.struct_size = sizeof error};
    unsigned char one[4096], *many;
    tocsin_forest *forest;
    size_t size, bytes;

    for (size_t r = 0; r < DEEP; r++) {
        value[r][0] = ldexp(1, -5 * (int)r);
        value[r][1] = ldexp(-1, -5 * (int)r);
    }
    ck_assert_int_eq(tocsin_forest_fit(&forest, &options, &matrix, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_score(forest, &matrix, scores[0]), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_save(forest, one, sizeof one, &size), TOCSIN_OK);
    tocsin_forest_free(forest);

    many = multiply(one, size, 4, &bytes);
    ck_assert_int_eq(tocsin_forest_load(&forest, many, bytes, NULL, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_score(forest, &matrix, scores[1]), TOCSIN_OK);
    ck_assert_mem_eq(scores[0], scores[1], sizeof scores[0]);
    tocsin_forest_free(forest);
    free(many);
    many = multiply(one, size, 4096, &bytes);
    ck_assert_int_eq(tocsin_forest_load(&forest, many, bytes, NULL, &error), TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "deeper than so many can be"));
    free(many);
}
END_TEST

/* A detector's snapshot is no forest, and a forest's no detector. */
START_TEST(other_kinds_are_named)
{
    victim v = victim_create(0);
    tocsin_error error = {.struct_size = sizeof error};
    unsigned char bytes[4096];
    tocsin_detector *detector;
    tocsin_forest *forest;
    tocsin_spec *spec;
    size_t size;

    ck_assert_int_eq(tocsin_spec_compile(&spec, "ewma", TOCSIN_NUL_TERMINATED, NULL, NULL),
                     TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_create(&detector, spec, NULL), TOCSIN_OK);
    ck_assert_int_eq(tocsin_detector_load(detector, v.original, v.size, &error),
                     TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "a forest, not of a detector"));
    ck_assert_int_eq(tocsin_detector_save(detector, bytes, sizeof bytes, &size), TOCSIN_OK);
    ck_assert_int_eq(tocsin_forest_load(&forest, bytes, size, NULL, &error), TOCSIN_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.message, "a detector, not of a forest"));
    tocsin_detector_free(detector);
    tocsin_spec_free(spec);
    victim_free(&v);
}
END_TEST

static Suite *suite(void)
{
    Suite *const s = suite_create("fault_forests");
    TCase *const tcase = suite_case(s, "bytes");

    tcase_add_loop_test(tcase, cut_off_at_every_length, 0, SHAPES);
    tcase_add_loop_test(tcase, every_bit_flipped, 0, SHAPES);
    tcase_add_loop_test(tcase, every_bit_flipped_and_repaired, 0, SHAPES);
    tcase_add_loop_test(tcase, hostile_words_and_repaired, 0, SHAPES);
    tcase_add_loop_test(tcase, random_bytes_and_repaired, 0, SHAPES);
    tcase_add_test(tcase, many_deep_trees);
    tcase_add_test(tcase, other_kinds_are_named);
    return s;
}

TOCSIN_TEST_MAIN(suite)
