/* fields.c - saving, loading and comparing any state, over its table.
 *
 * An encoded state is a sequence of fields that describe themselves:
 *
 *     u8   length of the name, then the name
 *     u8   type on disk: 1 f64, 2 f32, 3 i64, 4 u64, 5 u32, 6 u16, 7 u8
 *     u32  how many elements
 *     the elements, little-endian
 *
 * Many states of one layout need the names but once: a table of the heads, without elements,
 * says what stands in which order, and each state is then its elements alone.  An entry is one
 * row of such a table.
 *
 * A REAL is an f64 or an f32, as the state's precision says; nothing is lost, for
 * a state of mixed precision holds only values a float can hold.
 *
 * The bytes may come from anybody.  A field is matched by name, must have the
 * type and count the state has, may come once, and each of its elements must lie within
 * the table's bounds.  Unknown fields are skipped: a newer release may have written
 * them.  Every read is preceded by a check that the bytes are there.
 *
 * Cost: linear in the bytes; no allocation.
 */
#include "fields.h"

#include "bytes.h"

/* Types on disk: pinned for good. */
enum {
    FIELDS_F64 = 1,
    FIELDS_F32 = 2,
    FIELDS_I64 = 3,
    FIELDS_U64 = 4,
    FIELDS_U32 = 5,
    FIELDS_U16 = 6,
    FIELDS_U8 = 7
};

static const uint8_t fields_disk_size[] = {0, 8, 4, 8, 8, 4, 2, 1};

/* More fields than any state has; a set of them is kept as bits. */
#define FIELDS_MAX 256

/* ---- Layout ---------------------------------------------------------------- */

static uint8_t fields_disk_type(const tocsin__field *field, const tocsin__shape *shape)
{
    switch (field->type) {
    case TOCSIN__REAL: return shape->precision == TOCSIN__MIXED ? FIELDS_F32 : FIELDS_F64;
    case TOCSIN__I64: return FIELDS_I64;
    case TOCSIN__U64: return FIELDS_U64;
    case TOCSIN__U32: return FIELDS_U32;
    case TOCSIN__U16: return FIELDS_U16;
    case TOCSIN__U8: return FIELDS_U8;
    default: return FIELDS_F64;
    }
}

/* Bytes of one element in memory: a REAL outside an array is always a double. */
static size_t fields_element_size(const tocsin__field *field, const tocsin__shape *shape)
{
    if (field->type == TOCSIN__REAL && !field->is_array)
        return sizeof(double);
    return fields_disk_size[fields_disk_type(field, shape)];
}

static uint32_t fields_count(const tocsin__field *field, const tocsin__shape *shape)
{
    return field->is_array ? shape->length[field->array] : field->count;
}

static size_t fields_bytes(const tocsin__field *field, const tocsin__shape *shape)
{
    return fields_element_size(field, shape) * fields_count(field, shape);
}

static size_t fields_round_up(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Where the array of that number begins, or, if there is none, where the state ends. */
static size_t fields_array_offset(const tocsin__layout *layout, const tocsin__shape *shape,
                                  uint32_t array)
{
    size_t offset = fields_round_up(layout->size);

    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *const field = &layout->fields[i];

        if (!field->is_array)
            continue;
        if (field->array == array)
            return offset;
        offset += fields_round_up(fields_bytes(field, shape));
    }
    return offset;
}

size_t tocsin__layout_size(const tocsin__layout *layout, const tocsin__shape *shape)
{
    return fields_array_offset(layout, shape, TOCSIN__MAX_ARRAYS);
}

size_t tocsin__layout_array(const tocsin__layout *layout, const tocsin__shape *shape,
                            uint32_t array)
{
    return fields_array_offset(layout, shape, array);
}

static size_t fields_offset(const tocsin__layout *layout, const tocsin__shape *shape,
                            const tocsin__field *field)
{
    return field->is_array ? fields_array_offset(layout, shape, field->array) : field->offset;
}

/* ---- Encoding -------------------------------------------------------------- */

/* Field number `index` as this release writes it. */
static tocsin__entry fields_entry(const tocsin__layout *layout, const tocsin__shape *shape,
                                  size_t index)
{
    const tocsin__field *const field = &layout->fields[index];
    tocsin__entry entry;

    memset(&entry, 0, sizeof entry);
    entry.field = field;
    entry.offset = fields_offset(layout, shape, field);
    entry.bytes = fields_bytes(field, shape);
    entry.count = fields_count(field, shape);
    entry.disk_type = fields_disk_type(field, shape);
    entry.disk_size = fields_disk_size[entry.disk_type];
    entry.memory_size = (uint8_t)fields_element_size(field, shape);
    return entry;
}

size_t tocsin__layout_table_size(const tocsin__layout *layout)
{
    size_t size = 0;

    for (size_t i = 0; i < layout->field_count; i++)
        size += 1 + strlen(layout->fields[i].name) + 1 + 4;
    return size;
}

size_t tocsin__layout_encoded_size(const tocsin__layout *layout, const tocsin__shape *shape)
{
    size_t size = tocsin__layout_table_size(layout);

    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__entry entry = fields_entry(layout, shape, i);

        size += (size_t)tocsin__entry_size(&entry);
    }
    return size;
}

/* One element from memory to disk.  `is_double`: a REAL outside an array. */
static void fields_put(uint8_t *out, uint8_t disk_type, int is_double, const unsigned char *element)
{
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;

    switch (disk_type) {
    case FIELDS_F32:
        if (is_double) {
            double wide;
            float narrow;

            memcpy(&wide, element, sizeof wide);
            narrow = (float)wide;
            memcpy(&u32, &narrow, sizeof u32);
        } else {
            memcpy(&u32, element, sizeof u32);
        }
        tocsin__put32(out, u32);
        break;
    case FIELDS_U32:
        memcpy(&u32, element, sizeof u32);
        tocsin__put32(out, u32);
        break;
    case FIELDS_U16:
        memcpy(&u16, element, sizeof u16);
        tocsin__put16(out, u16);
        break;
    case FIELDS_U8:
        *out = *element;
        break;
    default:
        memcpy(&u64, element, sizeof u64);
        tocsin__put64(out, u64);
        break;
    }
}

static uint8_t *fields_put_head(uint8_t *out, const tocsin__entry *entry)
{
    const size_t name_length = strlen(entry->field->name);

    *out++ = (uint8_t)name_length;
    memcpy(out, entry->field->name, name_length);
    out += name_length;
    *out++ = entry->disk_type;
    tocsin__put32(out, entry->count);
    return out + 4;
}

void tocsin__entry_encode(const tocsin__entry *entry, const void *state, uint8_t *out)
{
    const unsigned char *element = (const unsigned char *)state + entry->offset;

    if (entry->disk_type == FIELDS_F32 && entry->field->is_array) {     /* most of a season */
        for (size_t k = 0; k < entry->count; k++) {
            uint32_t u32;

            memcpy(&u32, element + 4 * k, sizeof u32);
            tocsin__put32(out + 4 * k, u32);
        }
        return;
    }
    for (uint32_t k = 0; k < entry->count; k++) {
        fields_put(out, entry->disk_type, !entry->field->is_array, element);
        out += entry->disk_size;
        element += entry->memory_size;
    }
}

void tocsin__layout_encode(const tocsin__layout *layout, const tocsin__shape *shape,
                           const void *state, uint8_t *out)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__entry entry = fields_entry(layout, shape, i);

        out = fields_put_head(out, &entry);
        tocsin__entry_encode(&entry, state, out);
        out += (size_t)tocsin__entry_size(&entry);
    }
}

void tocsin__layout_table(const tocsin__layout *layout, const tocsin__shape *shape, uint8_t *out)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__entry entry = fields_entry(layout, shape, i);

        out = fields_put_head(out, &entry);
    }
}

/* ---- Decoding -------------------------------------------------------------- */

/* One element from disk, as the double its bounds are checked against. */
static double fields_get(const uint8_t *bytes, uint8_t disk_type)
{
    double f64;
    float f32;
    uint64_t u64;
    uint32_t u32;

    switch (disk_type) {
    case FIELDS_F64:
        u64 = tocsin__get64(bytes);
        memcpy(&f64, &u64, sizeof f64);
        return f64;
    case FIELDS_F32:
        u32 = tocsin__get32(bytes);
        memcpy(&f32, &u32, sizeof f32);
        return f32;
    case FIELDS_I64: {
        int64_t i64;

        u64 = tocsin__get64(bytes);
        memcpy(&i64, &u64, sizeof i64);
        return (double)i64;
    }
    case FIELDS_U64: return (double)tocsin__get64(bytes);
    case FIELDS_U32: return tocsin__get32(bytes);
    case FIELDS_U16: return tocsin__get16(bytes);
    default: return *bytes;
    }
}

static int fields_is_within(const tocsin__field *field, double value)
{
    if (tocsin__is_nan(value))
        return field->nan_allowed;
    return value >= field->min && value <= field->max;
}

/* One element from disk to memory. */
static void fields_store(unsigned char *element, uint8_t disk_type, int is_double,
                         const uint8_t *bytes)
{
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;

    switch (disk_type) {
    case FIELDS_F32:
        if (is_double) {
            const double wide = fields_get(bytes, disk_type);

            memcpy(element, &wide, sizeof wide);
            break;
        }
        u32 = tocsin__get32(bytes);
        memcpy(element, &u32, sizeof u32);
        break;
    case FIELDS_U32:
        u32 = tocsin__get32(bytes);
        memcpy(element, &u32, sizeof u32);
        break;
    case FIELDS_U16:
        u16 = tocsin__get16(bytes);
        memcpy(element, &u16, sizeof u16);
        break;
    case FIELDS_U8:
        *element = *bytes;
        break;
    default:
        u64 = tocsin__get64(bytes);
        memcpy(element, &u64, sizeof u64);
        break;
    }
}

/* The index of the field of that name, or field_count. */
static size_t fields_find(const tocsin__layout *layout, const uint8_t *name, size_t length)
{
    size_t i = 0;

    while (i < layout->field_count && !(strlen(layout->fields[i].name) == length &&
                                        memcmp(layout->fields[i].name, name, length) == 0))
        i++;
    return i;
}

/* The fields that have come, as bits by index. */
typedef struct fields_set {
    uint8_t bits[FIELDS_MAX / 8];
} fields_set;

/* Take a field's head: name, type and count.  *index is the field of that name, or field_count. */
static int fields_take_head(const tocsin__layout *layout, const uint8_t *bytes, size_t size,
                            size_t *cursor, tocsin__entry *entry, size_t *index, const char **name)
{
    const size_t name_length = bytes[*cursor];

    *name = NULL;
    if (size - *cursor < 1 + name_length + 1 + 4)
        return TOCSIN_ERROR_FORMAT;

    const uint8_t *const name_bytes = bytes + *cursor + 1;

    *index = fields_find(layout, name_bytes, name_length);
    *cursor += 1 + name_length + 1 + 4;
    if (*index < layout->field_count)
        *name = layout->fields[*index].name;
    memset(entry, 0, sizeof *entry);
    entry->disk_type = name_bytes[name_length];
    entry->count = tocsin__get32(name_bytes + name_length + 1);
    if (entry->disk_type == 0 || entry->disk_type >= TOCSIN__COUNT(fields_disk_size))
        return TOCSIN_ERROR_FORMAT;
    entry->disk_size = fields_disk_size[entry->disk_type];
    return TOCSIN_OK;
}

/* A field that is known may come once, and must be what the state has. */
static int fields_admit(const tocsin__layout *layout, const tocsin__shape *shape, size_t index,
                        fields_set *seen, tocsin__entry *entry)
{
    if (index == layout->field_count)
        return TOCSIN_OK;

    const tocsin__entry ours = fields_entry(layout, shape, index);

    if (seen->bits[index / 8] >> index % 8 & 1)
        return TOCSIN_ERROR_FORMAT;
    seen->bits[index / 8] |= (uint8_t)(1u << index % 8);
    if (entry->disk_type != ours.disk_type || entry->count != ours.count)
        return TOCSIN_ERROR_MISMATCH;
    *entry = ours;
    return TOCSIN_OK;
}

int tocsin__entry_decode(const tocsin__entry *entry, void *state, const uint8_t *bytes, size_t *at)
{
    const tocsin__field *const field = entry->field;
    unsigned char *const element = state ? (unsigned char *)state + entry->offset : NULL;

    if (entry->disk_type == FIELDS_F32 && field->is_array) {
        for (size_t k = 0; k < entry->count; k++) {
            const uint32_t u32 = tocsin__get32(bytes + 4 * k);
            float f32;

            memcpy(&f32, &u32, sizeof f32);
            *at = 4 * k;
            if (!fields_is_within(field, (double)f32))
                return TOCSIN_ERROR_FORMAT;
            if (element)
                memcpy(element + 4 * k, &u32, sizeof u32);
        }
        return TOCSIN_OK;
    }
    for (uint32_t k = 0; k < entry->count; k++) {
        *at = k * (size_t)entry->disk_size;
        if (!fields_is_within(field, fields_get(bytes + *at, entry->disk_type)))
            return TOCSIN_ERROR_FORMAT;
        if (element)
            fields_store(element + k * (size_t)entry->memory_size, entry->disk_type,
                         !field->is_array, bytes + *at);
    }
    return TOCSIN_OK;
}

int tocsin__layout_decode(const tocsin__layout *layout, const tocsin__shape *shape, void *state,
                          const uint8_t *bytes, size_t size, size_t *at, const char **name)
{
    fields_set seen = {{0}};
    size_t cursor = 0, index = 0;

    while (cursor < size) {
        tocsin__entry entry;

        *at = cursor;
        if (fields_take_head(layout, bytes, size, &cursor, &entry, &index, name) != TOCSIN_OK ||
            entry.count > (size - cursor) / entry.disk_size)
            return TOCSIN_ERROR_FORMAT;

        const size_t values = cursor;
        const int status = fields_admit(layout, shape, index, &seen, &entry);

        cursor += (size_t)tocsin__entry_size(&entry);
        if (status != TOCSIN_OK)
            return status;
        if (entry.field && tocsin__entry_decode(&entry, state, bytes + values, at) != TOCSIN_OK) {
            *at += values;
            return TOCSIN_ERROR_FORMAT;
        }
    }
    return TOCSIN_OK;
}

int tocsin__layout_match(const tocsin__layout *layout, const tocsin__shape *shape,
                         const uint8_t *bytes, size_t size, tocsin__entry *entries,
                         size_t capacity, size_t *count, size_t *at, const char **name)
{
    fields_set seen = {{0}};
    size_t cursor = 0, index = 0;

    for (*count = 0; cursor < size; ++*count) {
        tocsin__entry entry;

        *at = cursor;
        int status = fields_take_head(layout, bytes, size, &cursor, &entry, &index, name);

        if (status == TOCSIN_OK)
            status = *count < capacity ? fields_admit(layout, shape, index, &seen, &entry)
                                       : TOCSIN_ERROR_FORMAT;
        if (status != TOCSIN_OK)
            return status;
        entries[*count] = entry;
    }
    return TOCSIN_OK;
}

/* ---- Checking in memory ---------------------------------------------------- */

/* One element of a state, as the double its bounds are checked against. */
static double fields_look(const unsigned char *element, uint8_t disk_type, int is_double)
{
    double f64;
    float f32;
    int64_t i64;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;

    if (is_double)
        disk_type = FIELDS_F64;
    switch (disk_type) {
    case FIELDS_F64:
        memcpy(&f64, element, sizeof f64);
        return f64;
    case FIELDS_F32:
        memcpy(&f32, element, sizeof f32);
        return (double)f32;
    case FIELDS_I64:
        memcpy(&i64, element, sizeof i64);
        return (double)i64;
    case FIELDS_U64:
        memcpy(&u64, element, sizeof u64);
        return (double)u64;
    case FIELDS_U32:
        memcpy(&u32, element, sizeof u32);
        return u32;
    case FIELDS_U16:
        memcpy(&u16, element, sizeof u16);
        return u16;
    default:
        return *element;
    }
}

int tocsin__layout_holds(const tocsin__layout *layout, const tocsin__shape *shape,
                         const void *state, int with_arrays)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *const field = &layout->fields[i];
        const int is_double = field->type == TOCSIN__REAL && !field->is_array;
        const uint8_t disk_type = fields_disk_type(field, shape);
        const size_t size = fields_element_size(field, shape);
        const uint32_t count = fields_count(field, shape);

        if (field->is_array && !with_arrays)
            continue;

        const unsigned char *element =
            (const unsigned char *)state + fields_offset(layout, shape, field);

        for (uint32_t k = 0; k < count; k++, element += size)
            if (!tocsin__field_holds(field, fields_look(element, disk_type, is_double)))
                return 0;
    }
    return 1;
}

/* ---- Comparing ------------------------------------------------------------- */

const char *tocsin__layout_compare(const tocsin__layout *layout, const tocsin__shape *shape,
                                   const void *a, const void *b)
{
    for (size_t i = 0; i < layout->field_count; i++) {
        const tocsin__field *const field = &layout->fields[i];
        const size_t offset = fields_offset(layout, shape, field);

        if (memcmp((const unsigned char *)a + offset, (const unsigned char *)b + offset,
                   fields_bytes(field, shape)) != 0)
            return field->name;
    }
    return NULL;
}
