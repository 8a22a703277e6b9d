/* tocsin_all.c - the whole library in one file.
 *
 * This is how tocsin is vendored and how bindings build it, with no configure step:
 *
 *     cc -std=c11 -O2 -Iinclude -c lib/tocsin_all.c
 *
 * The files stand in the order of the layers, lowest first, as in meson.build.
 *
 * With -DTOCSIN_NAMESPACE=prefix_ every symbol that the linker sees gets the prefix, so
 * that two copies, of two releases even, live in one program: tocsin/namespace.h renames
 * the public functions, tocsin_all_names.h what the library's files share among themselves.
 */
#ifdef TOCSIN_NAMESPACE
#include "tocsin/namespace.h"
#include "tocsin_all_names.h"
#endif

#include "core/status.c"
#include "core/alloc.c"
#include "core/bytes.c"
#include "core/decimal.c"
#include "core/units.c"
#include "core/zone.c"
#include "core/text.c"
#include "core/words.c"
#include "core/fields.c"

#include "num/mathx.c"
#include "num/negbinomial.c"
#include "num/poisson.c"
#include "num/kernels_scalar.c"
#include "num/kernels_sse2.c"
#include "num/kernels_avx2.c"
#include "num/kernels_avx512.c"
#include "num/kernels_neon.c"
#include "num/kernels.c"

#include "state/bars.c"
#include "state/maxima.c"
#include "state/quartiles.c"

#include "prepare/clock.c"
#include "prepare/counter.c"
#include "prepare/gaps.c"

#include "detect/auto.c"
#include "detect/ewma.c"
#include "detect/holt_winters.c"
#include "detect/focus.c"
#include "detect/spot.c"
#include "detect/rows.c"
#include "detect/hstrees.c"
#include "detect/rcforest.c"
#include "detect/iforest.c"
#include "detect/cusum.c"
#include "detect/robust.c"
#include "detect/counts.c"
#include "detect/season.c"
#include "detect/spectral.c"

#include "calibrate/tail.c"
#include "calibrate/raw.c"

#include "alarm/alarm.c"

#include "pipeline/catalog.c"
#include "pipeline/values.c"
#include "pipeline/spec.c"
#include "pipeline/pipeline.c"

#include "bank/ids.c"
#include "bank/tiles.c"
#include "bank/bank.c"
#include "bank/classes.c"
#include "bank/mapped.c"
#include "bank/fleet.c"
#include "bank/columns.c"
#include "bank/pushes.c"
#include "bank/rounds.c"

#include "forest/assemble.c"
#include "forest/explain.c"
#include "forest/grow.c"
#include "forest/judge.c"

#include "gate/changes.c"
#include "gate/gate_spec.c"
#include "gate/levels.c"
#include "gate/labels.c"
#include "gate/shares.c"
#include "gate/rates.c"
#include "gate/latencies.c"
#include "gate/gauges.c"
#include "gate/pods.c"
#include "gate/sessions.c"
#include "gate/histories.c"
#include "gate/gate.c"
#include "gate/plans.c"

#include "snapshot/forests.c"
#include "snapshot/records.c"
#include "snapshot/snapshot.c"
#include "snapshot/gates.c"
#include "snapshot/shards.c"
#include "snapshot/shard_writer.c"
#include "snapshot/shard_reader.c"

#include "api/version.c"
#include "api/catalog_api.c"
#include "api/spec_api.c"
#include "api/detector_api.c"
#include "api/bank_api.c"
#include "api/class_api.c"
#include "api/self_check_api.c"
#include "api/kernel_api.c"
#include "api/verdict_text.c"
#include "api/snapshot_api.c"
#include "api/shard_api.c"
#include "api/forest_api.c"
#include "api/changes_api.c"
#include "api/gate_api.c"
#include "api/gate_text.c"
