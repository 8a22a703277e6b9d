/* tocsin/namespace.h - every public function under another name.
 *
 * Included by version.h where TOCSIN_NAMESPACE is defined, and never directly: with
 * -DTOCSIN_NAMESPACE=prefix_ a vendored copy's tocsin_x becomes prefix_tocsin_x for the
 * linker, while sources go on calling tocsin_x.
 *
 * Written by tests/tools/check_symbols.py --write; a test keeps it in step with the
 * headers.
 */
#ifndef TOCSIN_NAMESPACE_H
#define TOCSIN_NAMESPACE_H

#define TOCSIN_NAMESPACE_JOIN_(prefix, name) prefix##name
#define TOCSIN_NAMESPACE_JOIN(prefix, name) TOCSIN_NAMESPACE_JOIN_(prefix, name)

#define tocsin_version TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_version)
#define tocsin_version_string TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_version_string)
#define tocsin_abi TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_abi)
#define tocsin_status_name TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_status_name)
#define tocsin_status_text TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_status_text)
#define tocsin_spec_compile TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_compile)
#define tocsin_spec_derive TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_derive)
#define tocsin_spec_free TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_free)
#define tocsin_spec_text TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_text)
#define tocsin_spec_stage_count TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_stage_count)
#define tocsin_spec_stage_name TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_stage_name)
#define tocsin_spec_get TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_get)
#define tocsin_spec_detector_size TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_detector_size)
#define tocsin_spec_detector_alignment TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_detector_alignment)
#define tocsin_spec_state_size TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_state_size)
#define tocsin_spec_warmup TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_spec_warmup)
#define tocsin_catalog_stage_count TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_catalog_stage_count)
#define tocsin_catalog_stage TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_catalog_stage)
#define tocsin_catalog_parameter TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_catalog_parameter)
#define tocsin_catalog_find TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_catalog_find)
#define tocsin_detector_create TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_create)
#define tocsin_detector_create_in TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_create_in)
#define tocsin_detector_clone TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_clone)
#define tocsin_detector_reset TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_reset)
#define tocsin_detector_free TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_free)
#define tocsin_detector_spec TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_spec)
#define tocsin_detector_push TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_push)
#define tocsin_detector_push_u64 TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_push_u64)
#define tocsin_detector_push_n TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_push_n)
#define tocsin_detector_score TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_score)
#define tocsin_detector_tick TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_tick)
#define tocsin_detector_mark TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_mark)
#define tocsin_detector_explain TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_explain)
#define tocsin_detector_forecast TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_forecast)
#define tocsin_verdict_text TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_verdict_text)
#define tocsin_reason_name TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_reason_name)
#define tocsin_transition_name TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_transition_name)
#define tocsin_tier_name TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_tier_name)
#define tocsin_detector_save TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_save)
#define tocsin_detector_load TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_load)
#define tocsin_snapshot_peek TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_snapshot_peek)
#define tocsin_snapshot_spec TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_snapshot_spec)
#define tocsin_detector_compare TOCSIN_NAMESPACE_JOIN(TOCSIN_NAMESPACE, tocsin_detector_compare)

#endif
