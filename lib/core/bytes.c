/* bytes.c - the checksum over bytes.
 *
 * CRC-32C: the Castagnoli polynomial 0x1EDC6F41, reflected, initial value and
 * final complement all ones, as in iSCSI (RFC 3720, appendix B.4).  It finds
 * every burst of up to 32 wrong bits and all errors of up to 5 bits in blocks of
 * the size snapshots have.
 *
 * The register is taken over eight bytes at once: it is linear, so what sixteen nibbles leave in
 * it is the sum of what each would leave by itself with zeros behind it (Kounavis and Berry, "A
 * systematic approach to building high performance software-based CRC generators", ISCC 2005:
 * "slicing").  By nibbles the tables are a kilobyte, where bytes would take eight: guests do not
 * spend a quarter of a cache on a checksum.
 */
#include "bytes.h"

/* A nibble's remainder is the sum of its bits' remainders. */
#define BYTES_CRC_ROW(a, b, c, d)                                                           \
    {                                                                                       \
        0u, a, b, a ^ b, c, a ^ c, b ^ c, a ^ b ^ c, d, a ^ d, b ^ d, a ^ b ^ d, c ^ d,     \
            a ^ c ^ d, b ^ c ^ d, a ^ b ^ c ^ d                                             \
    }

/* Row p: the bits 1, 2, 4 and 8 of the register run through p + 1 times four steps of it, which is
 * what a nibble leaves with p nibbles behind it. */
static const uint32_t bytes_crc[16][16] = {
    BYTES_CRC_ROW(0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
    BYTES_CRC_ROW(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf),
    BYTES_CRC_ROW(0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
    BYTES_CRC_ROW(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8),
    BYTES_CRC_ROW(0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
    BYTES_CRC_ROW(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5),
    BYTES_CRC_ROW(0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
    BYTES_CRC_ROW(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6),
    BYTES_CRC_ROW(0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
    BYTES_CRC_ROW(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91),
    BYTES_CRC_ROW(0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
    BYTES_CRC_ROW(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f),
    BYTES_CRC_ROW(0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
    BYTES_CRC_ROW(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53),
    BYTES_CRC_ROW(0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
    BYTES_CRC_ROW(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da),
};

/* What the lowest byte leaves in the register with so many nibbles behind it. */
static inline uint32_t bytes_crc_behind(size_t behind, uint64_t byte)
{
    return bytes_crc[behind + 1][byte & 15] ^ bytes_crc[behind][byte >> 4 & 15];
}

uint32_t tocsin__crc32c(uint32_t crc, const uint8_t *bytes, size_t size)
{
    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        const uint64_t block = tocsin__get64(bytes) ^ crc;

        crc = bytes_crc_behind(14, block) ^ bytes_crc_behind(12, block >> 8) ^
              bytes_crc_behind(10, block >> 16) ^ bytes_crc_behind(8, block >> 24) ^
              bytes_crc_behind(6, block >> 32) ^ bytes_crc_behind(4, block >> 40) ^
              bytes_crc_behind(2, block >> 48) ^ bytes_crc_behind(0, block >> 56);
    }
    for (; size > 0; size--, bytes++)
        crc = crc >> 8 ^ bytes_crc_behind(0, crc ^ *bytes);
    return ~crc;
}
