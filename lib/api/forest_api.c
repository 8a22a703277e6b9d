/* forest_api.c - the public functions of tocsin/forest.h: check the arguments, resolve the
 * options' defaults and the matrix's strides.
 */
#include "../core/alloc.h"
#include "../core/info.h"
#include "../snapshot/forests.h"

#define FOREST_TREES 100u
#define FOREST_SAMPLE 256u

/* 0 for a matrix out of bounds. */
static int forest_api_matrix(tocsin__matrix *matrix, const tocsin_matrix *given)
{
    if (!given || !tocsin__info_fits(given, sizeof *given) ||
        given->value_type > TOCSIN_VALUES_FLOAT || given->rows > TOCSIN_FOREST_ROWS_MAX ||
        given->columns == 0 || given->columns > TOCSIN_FOREST_COLUMNS_MAX ||
        (given->rows > 0 && !given->values))
        return 0;
    matrix->values = given->values;
    matrix->is_float = given->value_type == TOCSIN_VALUES_FLOAT;
    matrix->row_stride = given->row_stride;
    matrix->column_stride = given->column_stride;
    if (matrix->row_stride == 0 && matrix->column_stride == 0) {
        matrix->row_stride = (int64_t)given->columns;
        matrix->column_stride = 1;
    }
    return 1;
}

/* 0 for options out of bounds. */
static int forest_api_options(tocsin_forest_options *resolved, const tocsin_forest_options *given)
{
    memset(resolved, 0, sizeof *resolved);
    if (given) {
        if (!tocsin__info_fits(given, sizeof *given) || given->trees > TOCSIN__FOREST_TREES_MAX ||
            given->sample == 1 || given->sample > TOCSIN__FOREST_SAMPLE_MAX ||
            given->depth > TOCSIN__FOREST_DEPTH_MAX || given->mix > TOCSIN__FOREST_MIX_MAX ||
            given->reserved != 0)
            return 0;
        *resolved = *given;
    }
    if (resolved->trees == 0)
        resolved->trees = FOREST_TREES;
    if (resolved->sample == 0)
        resolved->sample = FOREST_SAMPLE;
    if (resolved->mix == 0)
        resolved->mix = 1;
    if (resolved->depth == 0)
        while (1u << resolved->depth < resolved->sample)
            resolved->depth++;
    return 1;
}

int tocsin_forest_fit(tocsin_forest **out, const tocsin_forest_options *options,
                      const tocsin_matrix *matrix, const tocsin_allocator *allocator)
{
    tocsin_forest_options resolved;
    tocsin__matrix values;
    tocsin_allocator copy;

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!forest_api_options(&resolved, options) || !forest_api_matrix(&values, matrix) ||
        matrix->rows == 0 || tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;
    if (resolved.mix > matrix->columns)
        resolved.mix = (uint32_t)matrix->columns;
    if (!tocsin__forest_fits(resolved.trees, resolved.depth, resolved.mix))
        return TOCSIN_ERROR_ARGUMENT;
    return tocsin__forest_fit(out, &resolved, &values, matrix->rows, (uint32_t)matrix->columns,
                              &copy);
}

void tocsin_forest_free(tocsin_forest *forest)
{
    if (forest) {
        const tocsin_allocator allocator = forest->allocator;

        tocsin__free(&allocator, forest, forest->bytes);
    }
}

static int forest_api_judge(const tocsin_forest *forest, const tocsin_matrix *matrix, int is_depth,
                            double *out)
{
    tocsin__matrix values;

    if (!forest || !forest_api_matrix(&values, matrix) || (matrix->rows > 0 && !out))
        return TOCSIN_ERROR_ARGUMENT;
    if (matrix->columns != forest->columns)
        return TOCSIN_ERROR_MISMATCH;
    tocsin__forest_judge(forest, &values, matrix->rows, is_depth, out);
    return TOCSIN_OK;
}

int tocsin_forest_score(const tocsin_forest *forest, const tocsin_matrix *matrix, double *scores)
{
    return forest_api_judge(forest, matrix, 0, scores);
}

int tocsin_forest_depth(const tocsin_forest *forest, const tocsin_matrix *matrix, double *depths)
{
    return forest_api_judge(forest, matrix, 1, depths);
}

int tocsin_forest_explain(const tocsin_forest *forest, const tocsin_matrix *matrix,
                          double *contributions)
{
    tocsin__matrix values;

    if (!forest || !forest_api_matrix(&values, matrix) || (matrix->rows > 0 && !contributions))
        return TOCSIN_ERROR_ARGUMENT;
    if (matrix->columns != forest->columns)
        return TOCSIN_ERROR_MISMATCH;
    for (uint64_t row = 0; row < matrix->rows; row++)
        tocsin__forest_explain(forest, &values, row, contributions + row * forest->columns);
    return TOCSIN_OK;
}

int tocsin_forest_save(const tocsin_forest *forest, void *buffer, size_t size, size_t *needed)
{
    if (!forest || (!buffer && size > 0))
        return TOCSIN_ERROR_ARGUMENT;

    const uint64_t bytes = tocsin__forest_size(forest);

    if (bytes > UINT32_MAX)
        return TOCSIN_ERROR_UNSUPPORTED;
    if (needed)
        *needed = (size_t)bytes;
    if (size < bytes)
        return TOCSIN_ERROR_SPACE;
    tocsin__forest_write(forest, buffer, (size_t)bytes);
    return TOCSIN_OK;
}

int tocsin_forest_load(tocsin_forest **out, const void *snapshot, size_t size,
                       const tocsin_allocator *allocator, tocsin_error *error)
{
    tocsin_allocator copy;
    tocsin_error why = {0};

    if (!out)
        return TOCSIN_ERROR_ARGUMENT;
    *out = NULL;
    if (!snapshot || (error && !tocsin__info_fits(error, sizeof *error)) ||
        tocsin__allocator_init(&copy, allocator) != TOCSIN_OK)
        return TOCSIN_ERROR_ARGUMENT;

    const int status = tocsin__forest_read(out, snapshot, size, &copy, &why);

    if (status < 0 && error) {
        why.struct_size = error->struct_size;
        *error = why;
    }
    return status;
}

int tocsin_forest_describe(const tocsin_forest *forest, tocsin_forest_info *info)
{
    if (!forest || !info || !tocsin__info_fits(info, sizeof *info))
        return TOCSIN_ERROR_ARGUMENT;
    tocsin__info_clear(info, sizeof *info);
    info->trees = forest->trees;
    info->sample = forest->sample;
    info->depth = forest->depth;
    info->seed = forest->seed;
    info->columns = forest->columns;
    info->used = forest->used;
    info->cuts = forest->cuts;
    info->bytes = forest->bytes;
    info->expected_depth = forest->expected_depth;
    info->mix = forest->mix;
    return TOCSIN_OK;
}
