/* bytes.h - little-endian bytes and the checksum over them. */
#ifndef TOCSIN__BYTES_H
#define TOCSIN__BYTES_H

#include "common.h"

static inline void tocsin__put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void tocsin__put32(uint8_t *p, uint32_t v)
{
    tocsin__put16(p, (uint16_t)v);
    tocsin__put16(p + 2, (uint16_t)(v >> 16));
}

static inline void tocsin__put64(uint8_t *p, uint64_t v)
{
    tocsin__put32(p, (uint32_t)v);
    tocsin__put32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t tocsin__get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t tocsin__get32(const uint8_t *p)
{
    return (uint32_t)tocsin__get16(p) | (uint32_t)tocsin__get16(p + 2) << 16;
}

static inline uint64_t tocsin__get64(const uint8_t *p)
{
    return (uint64_t)tocsin__get32(p) | (uint64_t)tocsin__get32(p + 4) << 32;
}

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4) of a stream of which `crc` is the checksum so far, 0
 * at its beginning. */
uint32_t tocsin__crc32c(uint32_t crc, const uint8_t *bytes, size_t size);

#endif
