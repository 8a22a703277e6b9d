/* bytes.c - the checksum over bytes.
 *
 * CRC-32C: the Castagnoli polynomial 0x1EDC6F41, reflected, initial value and
 * final complement all ones, as in iSCSI (RFC 3720, appendix B.4).  It finds
 * every burst of up to 32 wrong bits and all errors of up to 5 bits in blocks of
 * the size snapshots have.  Four bits at a time: the table is 64 bytes and
 * guests do not spend a kilobyte of cache on a checksum; some 3 ns a byte, and a
 * snapshot is a few kilobytes.
 *
 * A bank's is gigabytes.  There the register is taken over eight bytes at once: it is
 * linear, so what sixteen nibbles leave in it is the sum of what each would leave
 * by itself with zeros behind it (Kounavis and Berry, "A systematic approach to
 * building high performance software-based CRC generators", ISCC 2005: "slicing").
 * The tables for that are derived from the small one when a stream is opened.
 */
#include "bytes.h"

/* Entry i: the nibble i run through four steps of the shift register. */
static const uint32_t bytes_crc_nibble[16] = {
    UINT32_C(0x00000000), UINT32_C(0x105ec76f), UINT32_C(0x20bd8ede), UINT32_C(0x30e349b1),
    UINT32_C(0x417b1dbc), UINT32_C(0x5125dad3), UINT32_C(0x61c69362), UINT32_C(0x7198540d),
    UINT32_C(0x82f63b78), UINT32_C(0x92a8fc17), UINT32_C(0xa24bb5a6), UINT32_C(0xb21572c9),
    UINT32_C(0xc38d26c4), UINT32_C(0xd3d3e1ab), UINT32_C(0xe330a81a), UINT32_C(0xf36e6f75),
};

/* The register, four bits on. */
static inline uint32_t bytes_crc_step(uint32_t crc)
{
    return crc >> 4 ^ bytes_crc_nibble[crc & 15];
}

uint32_t tocsin__crc32c(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_C(0xffffffff);

    for (size_t i = 0; i < size; i++)
        crc = bytes_crc_step(bytes_crc_step(crc ^ bytes[i]));
    return ~crc;
}

void tocsin__crc_tables_init(tocsin__crc_tables *tables)
{
    memcpy(tables->entry[0], bytes_crc_nibble, sizeof bytes_crc_nibble);
    for (size_t behind = 1; behind < 16; behind++)
        for (size_t nibble = 0; nibble < 16; nibble++)
            tables->entry[behind][nibble] = bytes_crc_step(tables->entry[behind - 1][nibble]);
}

/* What the lowest byte leaves in the register with so many nibbles behind it. */
static inline uint32_t bytes_crc_behind(const tocsin__crc_tables *tables, size_t behind,
                                        uint64_t byte)
{
    return tables->entry[behind + 1][byte & 15] ^ tables->entry[behind][byte >> 4 & 15];
}

uint32_t tocsin__crc32c_more(const tocsin__crc_tables *tables, uint32_t crc, const uint8_t *bytes,
                             size_t size)
{
    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        const uint64_t block = tocsin__get64(bytes) ^ crc;

        crc = bytes_crc_behind(tables, 14, block) ^ bytes_crc_behind(tables, 12, block >> 8) ^
              bytes_crc_behind(tables, 10, block >> 16) ^ bytes_crc_behind(tables, 8, block >> 24) ^
              bytes_crc_behind(tables, 6, block >> 32) ^ bytes_crc_behind(tables, 4, block >> 40) ^
              bytes_crc_behind(tables, 2, block >> 48) ^ bytes_crc_behind(tables, 0, block >> 56);
    }
    for (; size > 0; size--, bytes++)
        crc = bytes_crc_step(bytes_crc_step(crc ^ *bytes));
    return ~crc;
}
