/* bytes.c - the checksum over bytes.
 *
 * CRC-32C: the Castagnoli polynomial 0x1EDC6F41, reflected, initial value and
 * final complement all ones, as in iSCSI (RFC 3720, appendix B.4).  It finds
 * every burst of up to 32 wrong bits and all errors of up to 5 bits in blocks of
 * the size snapshots have.  Four bits at a time: the table is 64 bytes and
 * guests do not spend a kilobyte of cache on a checksum; some 3 ns a byte, and a
 * snapshot is a few kilobytes.
 */
#include "bytes.h"

uint32_t tocsin__crc32c(const uint8_t *bytes, size_t size)
{
    /* Entry i: the nibble i run through four steps of the shift register. */
    static const uint32_t table[16] = {
        UINT32_C(0x00000000), UINT32_C(0x105ec76f), UINT32_C(0x20bd8ede), UINT32_C(0x30e349b1),
        UINT32_C(0x417b1dbc), UINT32_C(0x5125dad3), UINT32_C(0x61c69362), UINT32_C(0x7198540d),
        UINT32_C(0x82f63b78), UINT32_C(0x92a8fc17), UINT32_C(0xa24bb5a6), UINT32_C(0xb21572c9),
        UINT32_C(0xc38d26c4), UINT32_C(0xd3d3e1ab), UINT32_C(0xe330a81a), UINT32_C(0xf36e6f75),
    };
    uint32_t crc = UINT32_C(0xffffffff);

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
