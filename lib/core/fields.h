/* fields.h - one table describes a state.
 *
 * A stage's state is a plain C struct without pointers, optionally followed by
 * arrays whose lengths the spec decides (the slots of a season, say).  Beside the
 * struct stands a table with a row for each of its members.  Saving, loading,
 * comparing and dumping are each written once, over the table; the table also
 * bounds every value that is read from outside, so that a hostile snapshot can
 * never become an index out of range.
 *
 *     typedef struct { double mean, variance; uint32_t count, spare; } state;
 *     static const tocsin__field fields[] = {
 *         TOCSIN__FIELD(state, mean, F64, -DBL_MAX, DBL_MAX),
 *         TOCSIN__FIELD(state, variance, REAL, 0, DBL_MAX),
 *         TOCSIN__FIELD(state, count, U32, 0, UINT32_MAX),
 *         TOCSIN__FIELD(state, spare, U32, 0, 0),
 *         TOCSIN__ARRAY("season", REAL, 0, -DBL_MAX, DBL_MAX),
 *     };
 *
 * The rows stand in the order of the struct and cover every byte of it: holes
 * are named fields.  A test checks that for each stage.
 *
 * A member of type REAL is computed as a double and kept at the precision the
 * spec's `state=` asks for: as a double, or rounded to float after each update
 * (tocsin__keep).  A row holds it as a double either way; snapshots and tiles
 * store what the precision needs.
 *
 * Arrays follow the struct in the table's order, each at a multiple of 8 bytes.
 * Array elements of type REAL are stored as double (state=double) or float
 * (state=mixed); stages reach them through tocsin__array_load and _store.
 * They need not follow the struct at all times: a tocsin__arrays says where they are instead.
 */
#ifndef TOCSIN__FIELDS_H
#define TOCSIN__FIELDS_H

#include <float.h>

#include "common.h"

typedef enum {
    TOCSIN__F64,
    TOCSIN__REAL,   /* F64 or F32, as the precision says */
    TOCSIN__I64,
    TOCSIN__U64,
    TOCSIN__U32,
    TOCSIN__U16,
    TOCSIN__U8
} tocsin__type;

/* Precision of REAL fields: the parameter `state=double|mixed`. */
enum { TOCSIN__DOUBLE = 0, TOCSIN__MIXED = 1 };

#define TOCSIN__MAX_ARRAYS 8

typedef struct tocsin__field {
    const char *name;
    uint8_t type;       /* tocsin__type */
    uint8_t is_array;   /* follows the struct; its length is shape->length[array] */
    uint8_t array;
    uint8_t nan_allowed;
    uint32_t offset;    /* in the struct; arrays: 0 */
    uint32_t count;     /* elements; arrays: 0 */
    double min, max;    /* bounds of loaded values; for 64-bit integers as far as a double tells */
} tocsin__field;

#define TOCSIN__FIELD(state, member, type_, min_, max_)                                     \
    { #member, TOCSIN__##type_, 0, 0, 0, (uint32_t)offsetof(state, member),                 \
      (uint32_t)(sizeof(((state *)0)->member) / TOCSIN__ELEMENT_SIZE_##type_), (min_), (max_) }
/* The same for a member that may hold NaN ("nothing yet"). */
#define TOCSIN__FIELD_NAN(state, member, type_, min_, max_)                                 \
    { #member, TOCSIN__##type_, 0, 0, 1, (uint32_t)offsetof(state, member),                 \
      (uint32_t)(sizeof(((state *)0)->member) / TOCSIN__ELEMENT_SIZE_##type_), (min_), (max_) }
#define TOCSIN__ARRAY(name_, type_, array_, min_, max_) \
    { name_, TOCSIN__##type_, 1, (array_), 0, 0, 0, (min_), (max_) }

#define TOCSIN__ELEMENT_SIZE_F64 8
#define TOCSIN__ELEMENT_SIZE_REAL 8
#define TOCSIN__ELEMENT_SIZE_I64 8
#define TOCSIN__ELEMENT_SIZE_U64 8
#define TOCSIN__ELEMENT_SIZE_U32 4
#define TOCSIN__ELEMENT_SIZE_U16 2
#define TOCSIN__ELEMENT_SIZE_U8 1

/* What the spec decides about a state: how REAL is kept, how long the arrays are. */
typedef struct tocsin__shape {
    uint32_t precision;                     /* TOCSIN__DOUBLE or TOCSIN__MIXED */
    uint32_t length[TOCSIN__MAX_ARRAYS];
} tocsin__shape;

/* A state type: the struct's size and the table. */
typedef struct tocsin__layout {
    size_t size;                            /* sizeof the struct, a multiple of 8 */
    const tocsin__field *fields;
    size_t field_count;
} tocsin__layout;

/* Bytes of a state with its arrays; a multiple of 8. */
size_t tocsin__layout_size(const tocsin__layout *layout, const tocsin__shape *shape);

/* Offset of array number `array` in such a state. */
size_t tocsin__layout_array(const tocsin__layout *layout, const tocsin__shape *shape,
                            uint32_t array);

/* Bytes of the state when encoded (field names, types, counts and values), little-endian. */
size_t tocsin__layout_encoded_size(const tocsin__layout *layout, const tocsin__shape *shape);

/* Encode: writes exactly that many bytes. */
void tocsin__layout_encode(const tocsin__layout *layout, const tocsin__shape *shape,
                           const void *state, uint8_t *out);

/* Decode into a state that holds its initial values.  Fields absent from the
 * bytes keep them, fields unknown here are skipped.  On failure fills in *at
 * (offset in `bytes`) and *name (the field, or NULL) and returns
 * TOCSIN_ERROR_FORMAT or TOCSIN_ERROR_MISMATCH; the state is then undefined:
 * callers decode into a copy, or check first (state == NULL: only check). */
int tocsin__layout_decode(const tocsin__layout *layout, const tocsin__shape *shape, void *state,
                          const uint8_t *bytes, size_t size, size_t *at, const char **name);

/* ---- Many states of one layout: the names once ----------------------------------
 *
 * One field as it stands in encoded bytes. */
typedef struct tocsin__entry {
    const tocsin__field *field;     /* NULL: unknown to this release; there to be skipped */
    size_t offset, bytes;           /* in the state */
    uint32_t count;
    uint8_t disk_type, disk_size;   /* of an element */
    uint8_t memory_size;            /* of one in the state */
    uint8_t reserved;
} tocsin__entry;

/* Bytes of an entry's elements when encoded; they may be more than a hostile table's reader has. */
static inline uint64_t tocsin__entry_size(const tocsin__entry *entry)
{
    return (uint64_t)entry->count * entry->disk_size;
}

/* A table of the fields' names, types and counts; the values are left to the entries. */
size_t tocsin__layout_table_size(const tocsin__layout *layout);
void tocsin__layout_table(const tocsin__layout *layout, const tocsin__shape *shape, uint8_t *out);

/* Read a table: its entries, at most `capacity`.  On failure as tocsin__layout_decode(). */
int tocsin__layout_match(const tocsin__layout *layout, const tocsin__shape *shape,
                         const uint8_t *bytes, size_t size, tocsin__entry *entries,
                         size_t capacity, size_t *count, size_t *at, const char **name);

/* Write an entry's elements: tocsin__entry_size() bytes. */
void tocsin__entry_encode(const tocsin__entry *entry, const void *state, uint8_t *out);

/* Read them, of a field that is known; state == NULL: only check.  On failure returns
 * TOCSIN_ERROR_FORMAT, and *at is the offset in `bytes`. */
int tocsin__entry_decode(const tocsin__entry *entry, void *state, const uint8_t *bytes, size_t *at);

/* May the field's elements have this value? */
static inline int tocsin__field_holds(const tocsin__field *field, double value)
{
    return value != value ? field->nan_allowed : value >= field->min && value <= field->max;
}

/* Is every value of a state, with its arrays or without, one that its field may have? */
int tocsin__layout_holds(const tocsin__layout *layout, const tocsin__shape *shape,
                         const void *state, int with_arrays);

/* The first field in which two states differ in a bit, or NULL. */
const char *tocsin__layout_compare(const tocsin__layout *layout, const tocsin__shape *shape,
                                   const void *a, const void *b);

/* Where the arrays of one state are, if not behind its struct: element i of array a stands
 * i * stride elements after base[a].  The stride is 1 in a row, and the number of series in a tile
 * where the same element of all of them stands together.  The pointers are not const, for they
 * serve both sides of a stage; its `score` side writes nothing. */
typedef struct tocsin__arrays {
    void *base[TOCSIN__MAX_ARRAYS];
    size_t stride;                          /* elements */
} tocsin__arrays;

/* Keep a REAL at the state's precision. */
static inline double tocsin__keep(uint32_t precision, double value)
{
    return precision == TOCSIN__MIXED ? (double)(float)value : value;
}

static inline double tocsin__array_load(uint32_t precision, const void *array, size_t index)
{
    return precision == TOCSIN__MIXED ? (double)((const float *)array)[index]
                                      : ((const double *)array)[index];
}

static inline void tocsin__array_store(uint32_t precision, void *array, size_t index, double value)
{
    if (precision == TOCSIN__MIXED)
        ((float *)array)[index] = (float)value;
    else
        ((double *)array)[index] = value;
}

#endif
