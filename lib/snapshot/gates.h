/* gates.h - a gate's state to bytes and back. */
#ifndef TOCSIN__GATES_H
#define TOCSIN__GATES_H

#include "../gate/gate.h"

/* Bytes of a snapshot; they depend on the spec alone. */
size_t tocsin__gate_snapshot_size(const tocsin_gate_spec *spec);

/* Write a snapshot of exactly that size. */
void tocsin__gate_snapshot_write(const tocsin_gate *gate, uint8_t *out, size_t size);

/* The spec's text, inside the bytes. */
int tocsin__gate_snapshot_text(const uint8_t *bytes, size_t size, const char **text,
                               size_t *length, tocsin_error *error);

/* Load; on failure fills in `error` but for its struct_size, and the gate is untouched. */
int tocsin__gate_snapshot_read(tocsin_gate *gate, const uint8_t *bytes, size_t size,
                               tocsin_error *error);

#endif
