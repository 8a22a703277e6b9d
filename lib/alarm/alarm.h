/* alarm.h - what banks ask the alarm without giving it a point. */
#ifndef TOCSIN__ALARM_H
#define TOCSIN__ALARM_H

#include "../pipeline/stage.h"

/* Nothing is on and nothing is counted: a point that exceeds no limit changes nothing. */
int tocsin__alarm_is_at_rest(const void *constants, const void *state);

#endif
