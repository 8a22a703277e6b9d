/* forests.c - isolation forests to bytes and back.
 *
 * What.  The container is that of detectors (snapshot.c): header, records, checksum, little-endian,
 * of kind 3.  All of its records are critical:
 *
 *     type 16   u64 seed  u32 trees  u32 sample  u32 depth  u32 columns  u32 mix  u32 0  u64 cuts
 *     type 17   per column: f64 scale  f64 shift, as values are standardised (kernels.h)
 *     type 18   the trees, each node before those below it and left before right:
 *                   cut     u16 column  f32 threshold, and of each further metric it goes through
 *                           u16 column  f32 weight
 *                   leaf    u16 65535  u16 rows - 1
 *     type 19   or, of a line (forest.h): u16 column  u16 0  u32 thresholds  f32 each, ascending
 *               u32 the sum of depths below the first and from each on, in 256ths
 *
 * Trees are stored as they were planned, not as they are laid out: layouts may change.
 *
 * All or nothing.  Trees are read twice, the first time to check every byte and to count; only then
 * memory is asked for, as much as what is there needs.  A tree's leaves must share out all of
 * the sample's rows and its cuts respect the depth, so that forged trees are trees.  Few cuts can
 * make a tree deep, whose heap is large: for any forest there is a limit to that.
 *
 * Cost.  Linear in the bytes: of a hundred trees of 256 points some 40 KB.
 *
 * How it fails.  With a status and the offset of the offending byte.  A forest altered together
 * with its checksum may score nonsense, but never crashes.
 */
#include "forests.h"

#include "../core/bytes.h"
#include "records.h"

enum {
    FORESTS_TYPE_HEAD = 16,
    FORESTS_TYPE_VIEWS = 17,
    FORESTS_TYPE_TREES = 18,
    FORESTS_TYPE_LINE = 19,
    FORESTS_RECORDS = 3,

    FORESTS_HEAD = 40,              /* payload bytes */
    FORESTS_VIEW = 16,              /* bytes of each */
    FORESTS_LEAF = 4,
    FORESTS_METRIC = 6,             /* of each metric of a cut */
    FORESTS_LINE = 8,               /* before the thresholds */
    FORESTS_IS_LEAF = 65535
};

/* Beyond all sums that weights of at most 1 can come to. */
#define FORESTS_THRESHOLD_MAX 0x1p110f
#define FORESTS_SCALE_BITS_MAX 1000

static void forests_put_float(uint8_t *out, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    tocsin__put32(out, bits);
}

static float forests_get_float(const uint8_t *bytes)
{
    const uint32_t bits = tocsin__get32(bytes);
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void forests_put_double(uint8_t *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    tocsin__put64(out, bits);
}

static double forests_get_double(const uint8_t *bytes)
{
    const uint64_t bits = tocsin__get64(bytes);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Writing ------------------------------------------------------------------------ */

static uint32_t forests_line_thresholds(const tocsin_forest *forest)
{
    return forest->used > 0 ? forest->metrics->count : 0;
}

/* Bytes of the record that says what the trees are. */
static uint64_t forests_body(const tocsin_forest *forest)
{
    if (forest->shape == TOCSIN__FOREST_LINE)
        return FORESTS_LINE + 8 * (uint64_t)forests_line_thresholds(forest) + 4;
    return forest->cuts * FORESTS_METRIC * forest->mix +
           (forest->cuts + forest->trees) * FORESTS_LEAF;
}

uint64_t tocsin__forest_size(const tocsin_forest *forest)
{
    return TOCSIN__RECORD_HEADER + FORESTS_RECORDS * TOCSIN__RECORD_HEAD + FORESTS_HEAD +
           (uint64_t)forest->columns * FORESTS_VIEW + forests_body(forest) +
           TOCSIN__RECORD_TRAILER;
}

static uint8_t *forests_put_line(uint8_t *out, const tocsin_forest *forest)
{
    const uint32_t count = forests_line_thresholds(forest);

    tocsin__put16(out, (uint16_t)(count > 0 ? forest->metrics->column : 0));
    tocsin__put16(out + 2, 0);
    tocsin__put32(out + 4, count);
    out += FORESTS_LINE;
    for (uint32_t k = 0; k < count; k++, out += 4)
        forests_put_float(out, forest->metrics->threshold[k]);
    for (uint32_t k = 0; k <= count; k++, out += 4)
        tocsin__put32(out, forest->sums[k]);
    return out;
}

/* A node and what is below; *leaf is the number of the next leaf.  Recursion is as deep as the
 * tree. */
static uint8_t *forests_put_node(uint8_t *out, const tocsin_forest *forest, uint32_t tree,
                                 uint32_t node, size_t *leaf)
{
    float weight[TOCSIN__FOREST_MIX_MAX] = {0};
    uint32_t column[TOCSIN__FOREST_MIX_MAX];

    if (!tocsin__forest_is_cut(forest, tree, node)) {
        tocsin__put16(out, FORESTS_IS_LEAF);
        tocsin__put16(out + 2, forest->counts[(*leaf)++]);
        return out + FORESTS_LEAF;
    }

    const float threshold = tocsin__forest_cut_at(forest, tree, node, weight, column);

    for (uint32_t k = 0; k < forest->mix; k++, out += FORESTS_METRIC) {
        tocsin__put16(out, (uint16_t)column[k]);
        forests_put_float(out + 2, k == 0 ? threshold : weight[k - 1]);
    }
    out = forests_put_node(out, forest, tree, 2 * node, leaf);
    return forests_put_node(out, forest, tree, 2 * node + 1, leaf);
}

void tocsin__forest_write(const tocsin_forest *forest, uint8_t *out, size_t size)
{
    const int is_line = forest->shape == TOCSIN__FOREST_LINE;
    uint8_t *at = tocsin__record_put_header(out, (uint32_t)size, TOCSIN__RECORD_OF_FOREST,
                                            FORESTS_RECORDS);
    size_t leaf = 0;

    at = tocsin__record_put(at, FORESTS_TYPE_HEAD, TOCSIN__RECORD_CRITICAL, FORESTS_HEAD);
    tocsin__put64(at, forest->seed);
    tocsin__put32(at + 8, forest->trees);
    tocsin__put32(at + 12, forest->sample);
    tocsin__put32(at + 16, forest->depth);
    tocsin__put32(at + 20, forest->columns);
    tocsin__put32(at + 24, forest->mix);
    tocsin__put32(at + 28, 0);
    tocsin__put64(at + 32, forest->cuts);
    at += FORESTS_HEAD;

    at = tocsin__record_put(at, FORESTS_TYPE_VIEWS, TOCSIN__RECORD_CRITICAL,
                            (size_t)forest->columns * FORESTS_VIEW);
    for (uint32_t f = 0; f < forest->columns; f++, at += FORESTS_VIEW) {
        forests_put_double(at, forest->views[f].scale);
        forests_put_double(at + 8, forest->views[f].shift);
    }

    at = tocsin__record_put(at, is_line ? FORESTS_TYPE_LINE : FORESTS_TYPE_TREES,
                            TOCSIN__RECORD_CRITICAL, (size_t)forests_body(forest));
    if (is_line)
        at = forests_put_line(at, forest);
    for (uint32_t tree = 0; !is_line && tree < forest->trees; tree++)
        at = forests_put_node(at, forest, tree, 1, &leaf);
    tocsin__put32(at, tocsin__crc32c(0, out, (size_t)(at - out)));
}

/* ---- Reading ------------------------------------------------------------------------ */

/* What is being read; with a plan that has no memory yet, it is only checked. */
typedef struct forests_reader {
    tocsin__forest_plan plan;
    tocsin__record head, views, body;
    uint64_t cuts;                  /* as the head says */
    tocsin__span trees;             /* what is left of them */
    uint64_t seen;                  /* cuts so far */
    uint32_t deepest;
    tocsin_error *error;
} forests_reader;

/* The three records, in their order, and whatever later releases put behind them. */
static int forests_take_records(forests_reader *reader, const uint8_t *bytes, size_t size)
{
    tocsin__record *const record[FORESTS_RECORDS] = {&reader->head, &reader->views, &reader->body};
    tocsin__span records = tocsin__record_all(bytes, size);
    const uint32_t count = tocsin__get32(bytes + 16);

    for (uint32_t i = 0; i < count; i++) {
        const size_t start = records.at;
        tocsin__record next;

        if (!tocsin__record_take(&records, &next))
            return tocsin__malformed(reader->error, start,
                                     "a record reaches beyond the snapshot's end");
        if (i >= FORESTS_RECORDS) {
            if (next.flags & TOCSIN__RECORD_CRITICAL)
                return tocsin__refuse(reader->error, TOCSIN_ERROR_VERSION, start,
                                      TOCSIN__RECORD_HEAD,
                                      "the snapshot has a record that this release does not know "
                                      "but must");
            continue;
        }
        if (next.type != FORESTS_TYPE_HEAD + i &&
            !(i + 1 == FORESTS_RECORDS && next.type == FORESTS_TYPE_LINE))
            return tocsin__malformed(reader->error, start, "a record is not where it must be");
        *record[i] = next;
    }
    if (count < FORESTS_RECORDS)
        return tocsin__malformed(reader->error, 16, "the snapshot of a forest has three records");
    if (records.at != records.end)
        return tocsin__malformed(reader->error, records.at,
                                 "there are bytes after the last record");
    return TOCSIN_OK;
}

static int forests_is_between(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static int forests_read_head(forests_reader *reader)
{
    tocsin__forest_plan *const plan = &reader->plan;
    const size_t start = reader->head.payload.at;
    const uint8_t *const head = tocsin__take(&reader->head.payload, FORESTS_HEAD);

    if (!head)
        return tocsin__malformed(reader->error, start, "the forest's head is cut off");
    plan->seed = tocsin__get64(head);
    plan->trees = tocsin__get32(head + 8);
    plan->sample = tocsin__get32(head + 12);
    plan->depth = tocsin__get32(head + 16);
    plan->columns = tocsin__get32(head + 20);
    plan->mix = tocsin__get32(head + 24);
    reader->cuts = tocsin__get64(head + 32);
    if (!forests_is_between(plan->trees, 1, TOCSIN__FOREST_TREES_MAX) ||
        !forests_is_between(plan->sample, 1, TOCSIN__FOREST_SAMPLE_MAX) ||
        !forests_is_between(plan->depth, 1, TOCSIN__FOREST_DEPTH_MAX) ||
        !forests_is_between(plan->columns, 1, (uint32_t)TOCSIN_FOREST_COLUMNS_MAX) ||
        !forests_is_between(plan->mix, 1, TOCSIN__FOREST_MIX_MAX) ||
        plan->mix > plan->columns || tocsin__get32(head + 28) != 0 ||
        reader->cuts > (uint64_t)plan->trees * (plan->sample - 1))
        return tocsin__malformed(reader->error, start,
                                 "the forest's head has a value that cannot be");
    if (reader->views.payload.end - reader->views.payload.at !=
        (size_t)plan->columns * FORESTS_VIEW)
        return tocsin__malformed(reader->error, reader->views.payload.at,
                                 "the forest has not a view for each column");
    return TOCSIN_OK;
}

/* A power of two, not so large or small that anything overflows, and a finite number. */
static int forests_is_view(double scale, double shift)
{
    uint64_t bits;

    memcpy(&bits, &scale, sizeof bits);
    return (bits & (UINT64_MAX >> 12)) == 0 && bits >> 52 >= 1023 - FORESTS_SCALE_BITS_MAX &&
           bits >> 52 <= 1023 + FORESTS_SCALE_BITS_MAX && tocsin__is_finite(shift);
}

static int forests_read_views(forests_reader *reader)
{
    for (uint32_t f = 0; f < reader->plan.columns; f++) {
        const size_t start = reader->views.payload.at;
        const uint8_t *const view = tocsin__take(&reader->views.payload, FORESTS_VIEW);
        const double scale = forests_get_double(view), shift = forests_get_double(view + 8);

        if (!forests_is_view(scale, shift))
            return tocsin__malformed(reader->error, start, "a column's view cannot be");
        if (reader->plan.block) {
            reader->plan.views[f].scale = scale;
            reader->plan.views[f].shift = shift;
        }
    }
    return TOCSIN_OK;
}

static int forests_is_threshold(float value)
{
    return value >= -FORESTS_THRESHOLD_MAX && value <= FORESTS_THRESHOLD_MAX;
}

static int forests_read_cut(forests_reader *reader, uint32_t tree, uint32_t node)
{
    tocsin__forest_plan *const plan = &reader->plan;
    const size_t start = reader->trees.at;
    const uint8_t *const cut = tocsin__take(&reader->trees, (size_t)FORESTS_METRIC * plan->mix);
    const float threshold = cut ? forests_get_float(cut + 2) : 0;
    uint32_t number = 0;

    if (!cut)
        return tocsin__malformed(reader->error, start, "a tree is cut off");
    if (!forests_is_threshold(threshold))
        return tocsin__malformed(reader->error, start + 2, "a threshold cannot be");
    if (plan->block)
        number = tocsin__forest_plan_cut(plan, tree, node, tocsin__get16(cut), threshold);
    for (uint32_t k = 0; k < plan->mix; k++) {
        const uint16_t column = tocsin__get16(cut + FORESTS_METRIC * k);
        const float weight = k > 0 ? forests_get_float(cut + FORESTS_METRIC * k + 2) : 1;

        if (column >= plan->columns || !(weight >= -1 && weight <= 1))
            return tocsin__malformed(reader->error, start + FORESTS_METRIC * k,
                                     "a cut goes through a metric that there is not, or has a "
                                     "weight that cannot be");
        if (plan->block && plan->mix > 1) {
            plan->columns_of[(size_t)number * plan->mix + k] = column;
            if (k > 0)
                plan->weights[(size_t)number * (plan->mix - 1) + k - 1] = weight;
        }
    }
    return TOCSIN_OK;
}

/* A node and what is below: *rows receives the rows of its leaves.  Recursion is as deep as the
 * depth allows. */
static int forests_read_node(forests_reader *reader, uint32_t tree, uint32_t node, uint32_t level,
                             uint64_t *rows)
{
    tocsin__forest_plan *const plan = &reader->plan;
    const size_t start = reader->trees.at;
    const uint8_t *const what = tocsin__take(&reader->trees, FORESTS_LEAF);
    uint64_t left = 0, right = 0;
    int status;

    if (!what)
        return tocsin__malformed(reader->error, start, "a tree is cut off");
    if (tocsin__get16(what) == FORESTS_IS_LEAF) {
        *rows = (uint64_t)tocsin__get16(what + 2) + 1;
        if (*rows > plan->sample)
            return tocsin__malformed(reader->error, start, "a leaf has more rows than the sample");
        if (plan->block)
            tocsin__forest_plan_leaf(plan, tree, node, level, (uint32_t)*rows);
        return TOCSIN_OK;
    }
    if (level == plan->depth || reader->seen == reader->cuts)
        return tocsin__malformed(reader->error, start, "there is a cut too many");
    reader->trees.at = start;
    reader->seen++;
    if (level + 1 > reader->deepest)
        reader->deepest = level + 1;
    status = forests_read_cut(reader, tree, node);
    if (status == TOCSIN_OK)
        status = forests_read_node(reader, tree, 2 * node, level + 1, &left);
    if (status == TOCSIN_OK)
        status = forests_read_node(reader, tree, 2 * node + 1, level + 1, &right);
    *rows = left + right;
    return status;
}

static int forests_read_trees(forests_reader *reader)
{
    reader->trees = reader->body.payload;
    reader->seen = 0;
    for (uint32_t tree = 0; tree < reader->plan.trees; tree++) {
        const size_t start = reader->trees.at;
        uint64_t rows = 0;
        const int status = forests_read_node(reader, tree, 1, 0, &rows);

        if (status < 0)
            return status;
        if (rows != reader->plan.sample)
            return tocsin__malformed(reader->error, start,
                                     "a tree's leaves do not share out the sample");
    }
    if (reader->trees.at != reader->trees.end || reader->seen != reader->cuts)
        return tocsin__malformed(reader->error, reader->trees.at,
                                 "there is something behind the last tree");
    return TOCSIN_OK;
}

/* A line's payload: what stands before its thresholds is checked. */
static int forests_check_line(const forests_reader *reader, uint32_t *count)
{
    const tocsin__span body = reader->body.payload;
    const uint8_t *const line = body.bytes + body.at;
    const size_t size = body.end - body.at;
    float before = 0;

    if (size < FORESTS_LINE + 4)
        return tocsin__malformed(reader->error, body.at, "the line is cut off");
    *count = tocsin__get32(line + 4);
    if (tocsin__get16(line) >= reader->plan.columns || tocsin__get16(line + 2) != 0 ||
        *count >= UINT16_MAX || *count > reader->cuts ||
        size != FORESTS_LINE + 8 * (size_t)*count + 4)
        return tocsin__malformed(reader->error, body.at, "the line has a value that cannot be");
    for (uint32_t k = 0; k < *count; k++) {
        const float threshold = forests_get_float(line + FORESTS_LINE + 4 * (size_t)k);

        if (!forests_is_threshold(threshold) || (k > 0 && !(threshold > before)))
            return tocsin__malformed(reader->error, body.at + FORESTS_LINE + 4 * (size_t)k,
                                     "the line's thresholds do not ascend");
        before = threshold;
    }
    return TOCSIN_OK;
}

static void forests_read_line(forests_reader *reader, uint32_t count)
{
    const uint8_t *const line = reader->body.payload.bytes + reader->body.payload.at;
    uint32_t *const sums = reader->plan.sums;

    for (uint32_t k = 0; k < count; k++)
        tocsin__forest_plan_cut(&reader->plan, 0, 1, tocsin__get16(line),
                                forests_get_float(line + FORESTS_LINE + 4 * (size_t)k));
    for (uint32_t k = 0; k <= count; k++)
        sums[k] = tocsin__get32(line + FORESTS_LINE + 4 * ((size_t)count + k));
}

int tocsin__forest_read(tocsin_forest **out, const uint8_t *bytes, size_t size,
                        const tocsin_allocator *allocator, tocsin_error *error)
{
    forests_reader reader;
    uint32_t line = 0;
    int status;

    memset(&reader, 0, sizeof reader);
    reader.error = error;
    status = tocsin__record_open(bytes, size, TOCSIN__RECORD_OF_FOREST, error);
    if (status == TOCSIN_OK)
        status = forests_take_records(&reader, bytes, size);
    if (status == TOCSIN_OK)
        status = forests_read_head(&reader);
    if (status < 0)
        return status;

    const forests_reader start = reader;
    const int is_line = reader.body.type == FORESTS_TYPE_LINE;

    status = forests_read_views(&reader);
    if (status == TOCSIN_OK)
        status = is_line ? forests_check_line(&reader, &line) : forests_read_trees(&reader);
    if (status < 0)
        return status;

    const uint32_t deepest = reader.deepest;

    if (!tocsin__forest_fits(reader.plan.trees, deepest, reader.plan.mix))
        return tocsin__malformed(error, start.head.payload.at,
                                 "the trees are deeper than so many can be");
    reader = start;
    reader.plan.heap_depth = deepest < TOCSIN__FOREST_DEPTH ? TOCSIN__FOREST_DEPTH : deepest;
    reader.plan.cut_most = is_line ? line : (size_t)reader.cuts;
    reader.plan.is_line = (uint32_t)is_line;
    reader.plan.line_cuts = reader.cuts;
    if (tocsin__forest_plan_start(&reader.plan, allocator) < 0)
        return tocsin__refuse(error, TOCSIN_ERROR_MEMORY, 0, 0, "there is no memory for it");
    forests_read_views(&reader);
    if (is_line)
        forests_read_line(&reader, line);
    else
        forests_read_trees(&reader);
    status = tocsin__forest_assemble(out, &reader.plan, allocator);
    tocsin__forest_plan_free(&reader.plan, allocator);
    return status < 0 ? tocsin__refuse(error, status, 0, 0, "there is no memory for it") : status;
}
