/* kernels.c - which instance of the kernels is in use.
 *
 * Every instance that the compiler could make is in the library; the processor is asked which of
 * them it can run, the last of those is the best, and it is in use unless another one
 * was forced.  A wide instance also needs the operating system to save its registers: CPUID says
 * whether XGETBV may be asked, and that says which are saved.
 *
 * The choice is the library's one mutable global.  It is made when first needed, by any thread:
 * all would choose alike, so that the pointer alone is atomic and nothing is ordered by it.
 */
#include "kernels.h"

#include <stdatomic.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

#define KERNELS_OSXSAVE (1u << 27)      /* leaf 1, ecx */
#define KERNELS_AVX (1u << 28)
#define KERNELS_AVX2 (1u << 5)          /* leaf 7, ebx */
/* F, DQ, BW, VL; BMI2 */
#define KERNELS_AVX512 ((1u << 16) | (1u << 17) | (1u << 30) | (1u << 31) | (1u << 8))
#define KERNELS_SAVED_256 0x6u          /* XCR0: xmm, ymm */
#define KERNELS_SAVED_512 0xe6u         /* and masks and zmm, the lower and the upper */

/* What the processor can run: bit 0 AVX2, bit 1 AVX-512. */
static uint32_t kernels_wide(void)
{
    unsigned a, b, c, d, saved, upper;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & KERNELS_OSXSAVE) || !(c & KERNELS_AVX))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(upper) : "c"(0));
    (void)upper;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        (saved & KERNELS_SAVED_256) != KERNELS_SAVED_256 || !(b & KERNELS_AVX2))
        return 0;
    return (b & KERNELS_AVX512) == KERNELS_AVX512 &&
                   (saved & KERNELS_SAVED_512) == KERNELS_SAVED_512
               ? 3
               : 1;
}
#endif

void tocsin__tile_settle(tocsin__tile_head *head, uint16_t *habit, uint16_t *outside)
{
    const uint16_t drains = head->drains, kept = drains == 0 ? UINT16_MAX : 0;
    uint16_t most = 0;

    for (size_t k = 0; k < TOCSIN__LANES; k++) {
        const uint16_t drained = (uint16_t)(habit[k] - (habit[k] < drains ? habit[k] : drains));
        const uint16_t left = outside[k] & kept;
        const uint16_t larger = drained > left ? drained : left;

        habit[k] = drained;
        outside[k] = left;
        most = larger > most ? larger : most;
    }
    head->drains = 0;
    head->most = most;
}

/* The best first. */
static const tocsin__kernels *const kernels_all[] = {
#if defined(__x86_64__) || defined(__i386__)
    &tocsin__kernels_avx512,
    &tocsin__kernels_avx2,
    &tocsin__kernels_sse2,
#elif defined(__aarch64__)
    &tocsin__kernels_neon,
#endif
    &tocsin__kernels_scalar,
};

/* How many of them, at the beginning, this processor cannot run. */
static size_t kernels_beyond(void)
{
#if defined(__x86_64__) || defined(__i386__)
    const uint32_t wide = kernels_wide();

    return wide == 3 ? 0 : wide == 1 ? 1 : 2;
#else
    return 0;
#endif
}

static _Atomic(const tocsin__kernels *) kernels_chosen;

size_t tocsin__kernels_count(void)
{
    return TOCSIN__COUNT(kernels_all) - kernels_beyond();
}

const tocsin__kernels *tocsin__kernels_at(size_t index)
{
    return kernels_all[TOCSIN__COUNT(kernels_all) - 1 - index];
}

const tocsin__kernels *tocsin__kernels_in_use(void)
{
    const tocsin__kernels *chosen = atomic_load_explicit(&kernels_chosen, memory_order_relaxed);

    if (TOCSIN__RARELY(!chosen)) {
        chosen = kernels_all[kernels_beyond()];
        atomic_store_explicit(&kernels_chosen, chosen, memory_order_relaxed);
    }
    return chosen;
}

void tocsin__kernels_use(const tocsin__kernels *kernels)
{
    atomic_store_explicit(&kernels_chosen, kernels, memory_order_relaxed);
}
