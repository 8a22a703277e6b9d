/* gates.h - gates as tests make and judge them. */
#ifndef TOCSIN_TEST_GATES_H
#define TOCSIN_TEST_GATES_H

#include <string.h>

#include "suite.h"
#include "tocsin.h"

static inline tocsin_gate *gates_create(const tocsin_gate_spec *spec)
{
    tocsin_gate *gate;

    require(tocsin_gate_create(&gate, spec, NULL) == TOCSIN_OK, "no gate");
    return gate;
}

static inline tocsin_gate_verdict gates_judge(const tocsin_gate *gate)
{
    tocsin_gate_verdict verdict;

    memset(&verdict, 0, sizeof verdict);
    verdict.struct_size = sizeof verdict;
    require(tocsin_gate_judge(gate, &verdict) == TOCSIN_OK, "no verdict");
    return verdict;
}

#endif
