/* tocsin/kernel.h - which instruction set scores the series of a bank, and points by a forest.
 *
 * The recursions that banks run over many series at once are compiled for several
 * instruction sets; such an instance is called a *kernel*.  At run time the best one that the
 * processor can run is taken: nobody has to choose.  Every kernel gives the same bits, and
 * so does a detector, which uses none.
 *
 *     "scalar"    plain C; everywhere
 *     "sse2"      x86
 *     "avx2"      x86
 *     "avx512"    x86 with AVX-512 F, DQ, BW and VL
 *     "neon"      AArch64
 *
 * Tests and benchmarks list the kernels and force each in turn:
 *
 *     for (size_t i = 0; i < tocsin_kernel_count(); i++) {
 *         tocsin_kernel_force(tocsin_kernel_name(i));
 *         printf("with %s\n", tocsin_kernel_in_use());
 *     }
 *     tocsin_kernel_force(NULL);
 *
 * Which kernel is in use is the library's only global.  All functions here may be called by
 * any thread at any time, also while others score: whoever has begun a tick's range ends it with
 * the kernel that was in use when it began.  All take constant time and none allocates.
 */
#ifndef TOCSIN_KERNEL_H
#define TOCSIN_KERNEL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How many kernels this processor can run; at least 1. */
TOCSIN_API size_t tocsin_kernel_count(void);

/** A kernel's name.  They stand in ascending order: the last is the best.
 *  @param index  0 .. tocsin_kernel_count() - 1
 *  @return static text; NULL if there is no such kernel */
TOCSIN_API const char *tocsin_kernel_name(size_t index);

/** The name of the kernel in use; static text. */
TOCSIN_API const char *tocsin_kernel_in_use(void);

/** Use this kernel from now on, in the whole process.
 *  @param name  one of tocsin_kernel_name(); may be NULL: the best one again
 *  @retval TOCSIN_OK
 *  @retval TOCSIN_ERROR_ARGUMENT  there is no kernel of that name, or this processor cannot run
 *                                 it; the one in use stays */
TOCSIN_API int tocsin_kernel_force(const char *name);

#ifdef __cplusplus
}
#endif

#endif
