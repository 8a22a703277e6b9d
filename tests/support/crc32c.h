/* crc32c.h - CRC-32C from its polynomial: the oracle beside the library's, and what an attacker would
 * use to make a forged snapshot pass. */
#ifndef TOCSIN_TEST_CRC32C_H
#define TOCSIN_TEST_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of bytes that follow others whose checksum is `crc`. */
static inline uint32_t crc32c_after(uint32_t before, const unsigned char *bytes, size_t size)
{
    static uint32_t table[256];
    uint32_t crc = ~before;

    if (table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            table[i] = i;
            for (int bit = 0; bit < 8; bit++)
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0x82f63b78) : 0);
        }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static inline uint32_t crc32c(const unsigned char *bytes, size_t size)
{
    return crc32c_after(0, bytes, size);
}

/* Make the checksum at a snapshot's end right again. */
static inline void crc32c_repair(unsigned char *snapshot, size_t size)
{
    const uint32_t crc = crc32c(snapshot, size - 4);

    for (int i = 0; i < 4; i++)
        snapshot[size - 4 + (size_t)i] = (unsigned char)(crc >> 8 * i);
}

#endif
