/* kernel_api.c - the public functions of tocsin/kernel.h: the kernels by name.
 */
#include "../num/kernels.h"
#include "tocsin/kernel.h"

size_t tocsin_kernel_count(void)
{
    return tocsin__kernels_count();
}

const char *tocsin_kernel_name(size_t index)
{
    return index < tocsin__kernels_count() ? tocsin__kernels_at(index)->name : NULL;
}

const char *tocsin_kernel_in_use(void)
{
    return tocsin__kernels_in_use()->name;
}

int tocsin_kernel_force(const char *name)
{
    const size_t count = tocsin__kernels_count();

    if (!name) {
        tocsin__kernels_use(NULL);
        return TOCSIN_OK;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(tocsin__kernels_at(i)->name, name) == 0) {
            tocsin__kernels_use(tocsin__kernels_at(i));
            return TOCSIN_OK;
        }
    return TOCSIN_ERROR_ARGUMENT;
}
