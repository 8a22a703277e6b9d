/* alarm.h - what banks ask the alarm without giving it a point. */
#ifndef TOCSIN__ALARM_H
#define TOCSIN__ALARM_H

#include "../pipeline/stage.h"

/* Nothing is on and nothing is counted: a point that exceeds no limit changes nothing. */
int tocsin__alarm_is_at_rest(const void *constants, const void *state);

/* A state packed: what a spec with budgets makes use of, and in no more bytes than that takes. */
size_t tocsin__alarm_record_size(const void *constants);
void tocsin__alarm_pack(const void *constants, const void *state, uint8_t *record);
void tocsin__alarm_unpack(const void *constants, const uint8_t *record, void *state);

#endif
