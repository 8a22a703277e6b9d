/* Print the kernels that this processor can run, in one line; the one in use must be the last. */
#include <stdio.h>
#include <string.h>

#include "tocsin.h"

int main(void)
{
    const size_t count = tocsin_kernel_count();

    for (size_t i = 0; i < count; i++)
        printf("%s%s", i ? " " : "", tocsin_kernel_name(i));
    putchar('\n');
    return strcmp(tocsin_kernel_in_use(), tocsin_kernel_name(count - 1)) != 0;
}
