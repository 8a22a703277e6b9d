/* info.h - the contract of public structs that begin with `uint32_t struct_size`.
 *
 * The caller sets struct_size to the size its headers knew.  A caller compiled
 * against later headers has a longer struct: that is fine as long as the bytes
 * this library does not know are zero, for then they ask for nothing.
 */
#ifndef TOCSIN__INFO_H
#define TOCSIN__INFO_H

#include "common.h"

/* Can a struct of the caller's serve as one of `known` bytes? */
static inline int tocsin__info_fits(const void *given, size_t known)
{
    uint32_t size;

    memcpy(&size, given, sizeof size);
    if (size < known || size > 65536)
        return 0;
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)given)[i] != 0)
            return 0;
    return 1;
}

/* Zero the known part of a struct that is about to be filled in, but for its size. */
static inline void tocsin__info_clear(void *given, size_t known)
{
    memset((char *)given + sizeof(uint32_t), 0, known - sizeof(uint32_t));
}

#endif
