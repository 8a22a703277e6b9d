/* plans.h - a gate's decisions on simulated rollouts. */
#ifndef TOCSIN__PLANS_H
#define TOCSIN__PLANS_H

#include "gate.h"

/* Whether rollouts of all of the spec's metrics can be simulated. */
int tocsin__plan_is_possible(const tocsin_gate_spec *spec);

/* The rollout is resolved, the plan comes cleared; the gate is used up. */
void tocsin__plan(tocsin_gate *gate, const tocsin_rollout *rollout, tocsin_plan *plan);

#endif
