/* tocsin/shard.h - save, load, split and merge banks.
 *
 * A *shard* is the snapshot of a bank, or of some of its series, as a stream of bytes: the
 * same on every platform, little-endian, versioned, checksummed, with the spec inside.  It is
 * written and read in pieces of any size, and neither needs memory for more than some of the
 * series: a bank that fills the machine can be saved on that machine.
 *
 *     FILE *file = fopen("bank.shard", "wb");
 *     tocsin_shard_writer *writer;
 *     char piece[65536];
 *     size_t size;
 *
 *     if (!file || tocsin_shard_writer_create(&writer, bank, NULL, NULL) < 0) return 1;
 *     do {
 *         if (tocsin_shard_writer_next(writer, piece, sizeof piece, &size) < 0) return 1;
 *         if (fwrite(piece, 1, size, file) < size) return 1;
 *     } while (size > 0);
 *     tocsin_shard_writer_free(writer);
 *     if (fclose(file) != 0) return 1;
 *
 * and back, into a bank that is empty or already has series:
 *
 *     FILE *file = fopen("bank.shard", "rb");
 *     tocsin_shard_reader *reader;
 *     tocsin_error error = {0};
 *     char piece[65536];
 *     size_t size;
 *
 *     error.struct_size = sizeof error;
 *     if (!file || tocsin_shard_reader_create(&reader, bank, NULL, NULL) < 0) return 1;
 *     while ((size = fread(piece, 1, sizeof piece, file)) > 0)
 *         if (tocsin_shard_reader_feed(reader, piece, size, NULL) < 0) break;
 *     if (tocsin_shard_reader_finish(reader, &error) < 0) puts(error.message);
 *     tocsin_shard_reader_free(reader);
 *     fclose(file);
 *
 * Saving, loading and pushing on gives the same bits as pushing on.  The same bank gives
 * the same bytes.
 *
 * Whoever has only the shard makes the bank from it:
 *
 *     tocsin_shard_info info;
 *     tocsin_spec *spec;
 *     tocsin_bank_options options = {0};
 *     tocsin_bank *loaded;
 *     static char head[TOCSIN_SHARD_PEEK];
 *     FILE *file = fopen("bank.shard", "rb");
 *     size_t size = file ? fread(head, 1, sizeof head, file) : 0;
 *
 *     info.struct_size = sizeof info;
 *     options.struct_size = sizeof options;
 *     if (tocsin_shard_peek(head, size, &info, NULL) < 0) return 1;
 *     if (tocsin_shard_spec(&spec, head, size, NULL, NULL) < 0) return 1;
 *     options.clock = info.clock;
 *     options.ids = info.ids;
 *     if (tocsin_bank_create(&loaded, spec, &options, NULL) < 0) return 1;
 *     if (tocsin_bank_reserve(loaded, info.series) < 0) return 1;
 *
 * A writer, a reader and their bank are one object to threads: one thread at a time.
 *
 * Splitting and merging
 * ---------------------
 * A selection names some of a bank's series: ids in a range, or one of n parts by a hash of
 * the id.  Writing a selection and then tocsin_bank_remove_selected() splits a bank; reading a
 * shard into a bank that has series merges them.  Where both have a series of the same id,
 * the reader does what it was told to: refuse, keep the bank's, take the shard's, or take
 * whichever saw the later point.
 *
 * Classes
 * -------
 * A shard has all classes of its bank (tocsin/bank.h), whatever is selected: what a class knows
 * cannot be divided, and a new series of it may come wherever some of the old ones went.  Each
 * series says which class it belongs to and what it has taught already, so that it goes on
 * teaching where it stopped.
 *
 * Where the bank knows a class already, the shard's takes its place if its `history` is longer
 * (tocsin_class_info); if those are alike, if more series have `left` it; if those are alike too,
 * if it was active later; else the bank's stays.  Nothing is added up: parts of a bank that was
 * split would count twice what they learnt together.  Where there are `max_classes` already, the
 * class without series that was idle for longest goes, be it one of the bank's or the shard's.
 * Into a bank that knows no classes the series come without theirs.  None of this is a failure:
 * series matter more, and tocsin_shard_reader_progress() counts what was lost.  A series that was
 * there before keeps its class if the shard's is not to be had.
 *
 * tocsin_bank_remove_selected() teaches nothing: the series have not ended but moved, and will
 * teach where they live on.  To end series use tocsin_bank_remove().
 *
 * A bank that was saved whole and loaded with TOCSIN_SLOTS_KEPT into a new bank of the same options
 * is the same bank: series that are added later get the same slots and start with the same bits.
 *
 * What is all or nothing, and what is not
 * ---------------------------------------
 * A shard is a sequence of records, most of them a few hundred series, each with a
 * checksum of all that came before it.  Each record is taken whole or not at all, and a series
 * that was taken is sound.  The shard as a whole is not: nothing that streams can
 * know of damage that has not come yet.  If a stream breaks off, is damaged, or is refused half
 * way, the series that were taken stay, and tocsin_shard_reader_progress() tells how many.
 * For all or nothing let a reader with `check` read the shard first: it checks everything,
 * also against the bank, and changes nothing.
 *
 * The format
 * ----------
 *     header   as in tocsin/snapshot.h: kind 2, bytes and record count 0
 *     record   u16 type, u16 flags (1: critical), u32 bytes, payload,
 *              u32 CRC-32C of the header and all records up to here but for these checksums
 *     ...
 *
 *     type 1   spec, first: its full text
 *          2   bank, second: u32 flags (1: series have ids; 2: they share a clock), u32 slots,
 *              u64 series in this shard, i64 time of the bank's newest value
 *          3   stage, one each: as in a detector's snapshot, but of the fields only name, type
 *              and count
 *          4   clock, if it is shared: the fields of the clock
 *          5   series: runs of u32 slot / 64, u64 which of those 64 slots, and for each of
 *              them in ascending order a series: u64 id if series have ids; a bit per field,
 *              rounded up to bytes; those fields whose bit is set.  Field 0 is i64 the time of
 *              the last value, and left out where it is that of the last point; the others
 *              are left out where they are as in the series before, or for a record's first
 *              series as in a new one
 *          6   counts: u64 added, removed, evicted, refused, then tocsin_bank_counts from
 *              `rounds` on; only if everything is selected
 *          7   end: u64 series
 *          8   pools, if the bank knows classes: u64 without, displaced, u32 places ever in use,
 *              slot that taught last, points since (all 0 unless everything is selected); for
 *              each stage u16 bytes, and of its pool's fields name, type and count
 *          9   classes, before all series: u16 place, ascending, u64 class_id, i64 time, u64 left;
 *              a bit per field of all pools, rounded up to bytes; those fields whose bit is set.
 *              The others are as in a new class
 *          10  members, right before the record of series that it is about: for each of them u8 0:
 *              no class; 1: that of the last one here that has one; 2: u64 class_id follows; and
 *              unless 0, u16 what it has taught
 *
 *          11  free slots, after all series, only if everything is selected: u32 slots, in the
 *              order in which they will be taken
 *
 * All but 6 and those from 8 on are critical.  A record of series holds at most 1024, and at most
 * 65536 bytes unless it is a single series; the others have at most 65536 bytes.
 */
#ifndef TOCSIN_SHARD_H
#define TOCSIN_SHARD_H

#include "base.h"
#include "spec.h"
#include "bank.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Selections ---------------------------------------------------------- */

/** How series are selected. */
enum {
    TOCSIN_SELECT_ALL = 0,      /**< every series */
    TOCSIN_SELECT_RANGE = 1,    /**< ids from `first` to `last`, both included */
    TOCSIN_SELECT_PART = 2      /**< part number `part` of `parts`, by a hash of the id */
};

/** Some of a bank's series.  In a bank without ids the slots stand in for them. */
typedef struct tocsin_selection {
    uint32_t struct_size;   /**< sizeof(tocsin_selection) */
    uint32_t kind;          /**< TOCSIN_SELECT_* */
    uint64_t first;         /**< RANGE */
    uint64_t last;          /**< RANGE: at least `first` */
    uint32_t part;          /**< PART: below `parts` */
    uint32_t parts;         /**< PART: at least 1 */
} tocsin_selection;

/** Does a selection hold a series of that id?
 *  @param selection  NULL: every series
 *  @param id         any number
 *  @return 1 if it does, 0 if it does not or the selection is malformed
 *
 *  The hash is the same in every release: z = id; z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
 *  z = (z ^ z >> 27) * 0x94d049bb133111eb; z = z ^ z >> 31; part = (z mod 2^32) * parts / 2^32. */
TOCSIN_API int tocsin_selection_holds(const tocsin_selection *selection, uint64_t id);

/** Remove the selected series from a bank: after they were written, that is a split.
 *  @param bank       the bank
 *  @param selection  NULL: every series
 *  @param count      may be NULL; receives how many were removed
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  bank is NULL, or the selection is malformed
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way
 *  Linear in the number of slots.  They count as removed, but teach their classes nothing and do
 *  not count as having left them. */
TOCSIN_API int tocsin_bank_remove_selected(tocsin_bank *bank, const tocsin_selection *selection,
                                           uint64_t *count);

/* ---- Writing ------------------------------------------------------------- */

/** A shard that is being written.  Opaque. */
typedef struct tocsin_shard_writer tocsin_shard_writer;

/** Begin to write a shard.
 *  @param out        receives the writer; NULL on failure
 *  @param bank       must outlive the writer, which only reads it
 *  @param selection  which series; copied; NULL: every series
 *  @param allocator  may be NULL (malloc); all that the writer will ever need is allocated here:
 *                    some 100 KB and a few states, whatever the bank holds
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, a malformed selection or allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way
 *  Linear in the number of slots where not every series is selected. */
TOCSIN_API int tocsin_shard_writer_create(tocsin_shard_writer **out, const tocsin_bank *bank,
                                          const tocsin_selection *selection,
                                          const tocsin_allocator *allocator);

/** Write the shard's next bytes.
 *  @param writer   the writer
 *  @param buffer   receives them
 *  @param size     how many there is room for, at least 1
 *  @param written  receives how many there were; fewer than `size` only at the shard's end, after
 *                  which there are 0
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or size is 0
 *  @retval TOCSIN_ERROR_CONFLICT  the bank has changed since the writer was created, or a tick is
 *                                 under way; nothing was written, and what was is worthless
 *  No allocation.  Anything may be done to the bank once the last byte is written. */
TOCSIN_API int tocsin_shard_writer_next(tocsin_shard_writer *writer, void *buffer, size_t size,
                                        size_t *written);

/** Free a writer.  NULL is fine. */
TOCSIN_API void tocsin_shard_writer_free(tocsin_shard_writer *writer);

/* ---- Reading ------------------------------------------------------------- */

/** What a reader does with a series of an id that the bank has already. */
enum {
    TOCSIN_PRESENT_REFUSE = 0,  /**< the reading ends with TOCSIN_ERROR_CONFLICT */
    TOCSIN_PRESENT_KEEP = 1,    /**< the bank's series stays as it is */
    TOCSIN_PRESENT_REPLACE = 2, /**< the shard's takes its place */
    TOCSIN_PRESENT_NEWER = 3    /**< the one with the later last point; the bank's if they are
                                     alike */
};

/** Which slots a shard's series get. */
enum {
    TOCSIN_SLOTS_NEW = 0,       /**< those that tocsin_bank_add() would give them, in the order of
                                     the slots they had */
    TOCSIN_SLOTS_KEPT = 1       /**< those they had: only in a bank that never had a series.  Slots
                                     between them are free; they are taken in the order they would
                                     have been, or from part of a bank the lowest first */
};

/** How a shard is read.  Zero means the default throughout. */
typedef struct tocsin_shard_options {
    uint32_t struct_size;       /**< sizeof(tocsin_shard_options) */
    uint32_t present;           /**< TOCSIN_PRESENT_*; where there are no ids, none is present */
    uint32_t slots;             /**< TOCSIN_SLOTS_* */
    uint32_t check;             /**< 1: only look; the bank stays as it is.  An id that comes again
                                     in another record is only found when the first is taken */
} tocsin_shard_options;

/** A shard that is being read.  Opaque. */
typedef struct tocsin_shard_reader tocsin_shard_reader;

/** Begin to read a shard into a bank.
 *
 *  The reader needs some 60 KB, three states, twice the largest record, and with TOCSIN_SLOTS_KEPT
 *  up to 8 bytes per free slot.
 *
 *  The bank grows as series come, never by what a shard announces, and never beyond its
 *  `max_series`; nothing is evicted for a shard.  Whoever trusts a shard calls
 *  tocsin_bank_reserve() for the series that tocsin_shard_peek() tells, and the bank grows once.
 *
 *  @param out        receives the reader; NULL on failure
 *  @param bank       must outlive the reader; NULL: only check, against the shard's own spec
 *  @param options    may be NULL: all defaults
 *  @param allocator  may be NULL (malloc): for the reader, not for the bank
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, an option out of bounds, or a malformed allocator
 *  @retval TOCSIN_ERROR_MEMORY    the allocator failed
 *  @retval TOCSIN_ERROR_CONFLICT  a tick is under way, or TOCSIN_SLOTS_KEPT and the bank has
 *                                 slots */
TOCSIN_API int tocsin_shard_reader_create(tocsin_shard_reader **out, tocsin_bank *bank,
                                          const tocsin_shard_options *options,
                                          const tocsin_allocator *allocator);

/** Read the shard's next bytes, and take the series that are complete with them.
 *  @param reader  the reader
 *  @param bytes   they need no alignment; may be NULL if size is 0
 *  @param size    how many
 *  @param error   may be NULL; filled in on failure, `offset` in bytes of the shard, at most
 *                 UINT32_MAX
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_FORMAT    no shard, malformed, a value out of bounds, or bytes behind its
 *                                 end
 *  @retval TOCSIN_ERROR_CHECKSUM  damaged
 *  @retval TOCSIN_ERROR_VERSION   written by a release too new
 *  @retval TOCSIN_ERROR_MISMATCH  of another pipe, with another clock, or without ids where the
 *                                 bank has them
 *  @retval TOCSIN_ERROR_CONFLICT  an id is there already (TOCSIN_PRESENT_REFUSE), a slot was
 *                                 given away meanwhile (TOCSIN_SLOTS_KEPT), or a tick is under way
 *  @retval TOCSIN_ERROR_SPACE     more series, or a higher slot, than `max_series` allows
 *  @retval TOCSIN_ERROR_MEMORY    an allocator failed
 *  @retval the statuses of tocsin_spec_compile(), of a shard that is read without a bank
 *
 *  A failure is final: the reader says the same from then on.  Only where a tick was under
 *  way it has taken nothing, and may be fed the same bytes again.  The records before the
 *  one at fault have been taken. */
TOCSIN_API int tocsin_shard_reader_feed(tocsin_shard_reader *reader, const void *bytes,
                                        size_t size, tocsin_error *error);

/** Say that there are no more bytes.
 *  @param reader  the reader
 *  @param error   may be NULL; filled in on failure
 *  @retval TOCSIN_OK                the shard was complete
 *  @retval TOCSIN_INFO_RESPECIFIED  likewise; parameters that do not shape the state differ, and
 *                                   the bank's own are used
 *  @retval TOCSIN_ERROR_ARGUMENT    reader is NULL, or the error's struct_size is unknown
 *  @retval TOCSIN_ERROR_FORMAT      the shard was cut off
 *  @retval the failure that tocsin_shard_reader_feed() has returned before */
TOCSIN_API int tocsin_shard_reader_finish(tocsin_shard_reader *reader, tocsin_error *error);

/** How far a reader has come. */
typedef struct tocsin_shard_progress {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_shard_progress) */
    uint32_t is_complete;   /**< 1: the end was read */
    uint64_t bytes;         /**< bytes of the records that were taken */
    uint64_t series;        /**< series that the shard has announced */
    uint64_t added;         /**< series added (with `check` and without a bank: that would be) */
    uint64_t replaced;      /**< series of the bank that the shard's took the place of */
    uint64_t kept;          /**< series of the shard that were left out for the bank's */
    uint64_t classes_added; /**< classes that the bank did not know (with `check` and where there
                                 is no room for all: each as if it came alone) */
    uint64_t classes_replaced;  /**< classes of the bank that the shard knows more of */
    uint64_t classes_kept;  /**< classes of the bank that the shard knows no more of */
    uint64_t classes_lost;  /**< classes there was no room for */
    uint64_t classless;     /**< series taken whose class the bank does not know then (with `check`:
                                 only if it knows none) */
} tocsin_shard_progress;

/** Ask how far a reader has come, also after a failure.
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size this library does not know */
TOCSIN_API int tocsin_shard_reader_progress(const tocsin_shard_reader *reader,
                                            tocsin_shard_progress *progress);

/** Free a reader; what it has taken stays in the bank.  NULL is fine. */
TOCSIN_API void tocsin_shard_reader_free(tocsin_shard_reader *reader);

/* ---- Looking ------------------------------------------------------------- */

/** So many of a shard's first bytes are always enough for tocsin_shard_peek(). */
#define TOCSIN_SHARD_PEEK 131200

/** What a shard says of itself. */
typedef struct tocsin_shard_info {
    uint32_t struct_size;   /**< set by the caller: sizeof(tocsin_shard_info) */
    uint32_t format;        /**< the snapshot format it is written in */
    uint64_t series;        /**< series it has */
    int64_t time;           /**< time of the bank's newest value; TOCSIN_TIME_NONE: none */
    uint32_t slots;         /**< the bank's tocsin_bank_slots() */
    uint32_t ids;           /**< TOCSIN_IDS_KEPT or TOCSIN_IDS_NONE */
    uint32_t clock;         /**< TOCSIN_CLOCK_OWN or TOCSIN_CLOCK_SHARED */
    uint32_t reserved;      /**< 0 */
    uint64_t spec_length;   /**< bytes of its spec's text, which is not NUL-terminated */
    const char *spec_text;  /**< that text, inside the bytes */
} tocsin_shard_info;

/** Look at the head of a shard.
 *  @param bytes  the shard's first bytes, or all of it; they need no alignment
 *  @param size   how many; TOCSIN_SHARD_PEEK are always enough, and mostly a kilobyte is
 *  @param info   filled in; its text points into the bytes
 *  @param error  may be NULL; filled in on failure, `offset` in bytes of the shard
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  a NULL, or a struct_size that is unknown
 *  @retval TOCSIN_ERROR_FORMAT    no shard, malformed, or fewer bytes than its head has
 *  @retval TOCSIN_ERROR_CHECKSUM  the head is damaged
 *  @retval TOCSIN_ERROR_VERSION   written by a release too new */
TOCSIN_API int tocsin_shard_peek(const void *bytes, size_t size, tocsin_shard_info *info,
                                 tocsin_error *error);

/** Compile the spec in the head of a shard, so that a bank can be made for it.
 *  @retval the statuses of tocsin_shard_peek() and tocsin_spec_compile() */
TOCSIN_API int tocsin_shard_spec(tocsin_spec **out, const void *bytes, size_t size,
                                 const tocsin_allocator *allocator, tocsin_error *error);

#ifdef __cplusplus
}
#endif
#endif
