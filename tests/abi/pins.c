/* pins.c - the ABI, said once more.
 *
 * Nothing here runs: it compiles or it does not.  A released status, flag, offset or size never
 * changes; new ones are added at the end of their group.  abidiff compares functions and the
 * types they use; it does not see constants, which is why they stand here.
 */
#include <stddef.h>

#include "tocsin.h"

#define PIN(condition) _Static_assert(condition, #condition)
#define PIN_SIZE(type, bytes) PIN(sizeof(type) == (bytes))
#define PIN_OFFSET(type, field, bytes) PIN(offsetof(type, field) == (bytes))

/* ---- Constants ----------------------------------------------------------- */

PIN(TOCSIN_ABI == 0);

PIN(TOCSIN_OK == 0);
PIN(TOCSIN_ERROR_ARGUMENT == -1);
PIN(TOCSIN_ERROR_MEMORY == -2);
PIN(TOCSIN_ERROR_ALIGNMENT == -3);
PIN(TOCSIN_ERROR_SPACE == -4);
PIN(TOCSIN_ERROR_SYNTAX == -5);
PIN(TOCSIN_ERROR_NAME == -6);
PIN(TOCSIN_ERROR_RANGE == -7);
PIN(TOCSIN_ERROR_CONFLICT == -8);
PIN(TOCSIN_ERROR_FORMAT == -9);
PIN(TOCSIN_ERROR_CHECKSUM == -10);
PIN(TOCSIN_ERROR_VERSION == -11);
PIN(TOCSIN_ERROR_MISMATCH == -12);
PIN(TOCSIN_ERROR_UNSUPPORTED == -13);
PIN(TOCSIN_ERROR_TIME == -14);
PIN(TOCSIN_ERROR_WIDTH == -15);

PIN(TOCSIN_INFO_DIFFERENT == 1);
PIN(TOCSIN_INFO_RESPECIFIED == 2);
PIN(TOCSIN_INFO_IGNORED == 3);
PIN(TOCSIN_INFO_TORN == 4);
PIN(TOCSIN_INFO_PARTIAL == 5);

PIN(TOCSIN_NANOSECOND == 1);
PIN(TOCSIN_MICROSECOND == 1000);
PIN(TOCSIN_MILLISECOND == 1000000);
PIN(TOCSIN_SECOND == 1000000000);
PIN(TOCSIN_MINUTE == INT64_C(60000000000));
PIN(TOCSIN_HOUR == INT64_C(3600000000000));
PIN(TOCSIN_DAY == INT64_C(86400000000000));
PIN(TOCSIN_WEEK == INT64_C(604800000000000));

PIN(TOCSIN_TIME_NONE == INT64_MIN);
PIN(TOCSIN_NUL_TERMINATED == SIZE_MAX);

PIN(TOCSIN_VALUE_NONE == 0);
PIN(TOCSIN_VALUE_NUMBER == 1);
PIN(TOCSIN_VALUE_DURATION == 2);
PIN(TOCSIN_VALUE_POINTS == 3);
PIN(TOCSIN_VALUE_RATE == 4);
PIN(TOCSIN_VALUE_CHOICE == 5);
PIN(TOCSIN_VALUE_AUTO == 6);

PIN(TOCSIN_TEXT_SHORT == 0);
PIN(TOCSIN_TEXT_FULL == 1);

PIN(TOCSIN_STAGE_PREPARE == 0);
PIN(TOCSIN_STAGE_DETECT == 1);
PIN(TOCSIN_STAGE_CALIBRATE == 2);
PIN(TOCSIN_STAGE_ALARM == 3);

PIN(TOCSIN_TYPE_NUMBER == 0);
PIN(TOCSIN_TYPE_INTEGER == 1);
PIN(TOCSIN_TYPE_FRACTION == 2);
PIN(TOCSIN_TYPE_DURATION == 3);
PIN(TOCSIN_TYPE_SPAN == 4);
PIN(TOCSIN_TYPE_SMOOTHING == 5);
PIN(TOCSIN_TYPE_RATE == 6);
PIN(TOCSIN_TYPE_CHOICE == 7);

PIN(TOCSIN_CHANNELS == 8);

PIN(TOCSIN_FLAG_WARMING == 1 << 0);
PIN(TOCSIN_FLAG_MISSING == 1 << 1);
PIN(TOCSIN_FLAG_LATE == 1 << 2);
PIN(TOCSIN_FLAG_REPEATED == 1 << 3);
PIN(TOCSIN_FLAG_FILLED == 1 << 4);
PIN(TOCSIN_FLAG_RESET == 1 << 5);
PIN(TOCSIN_FLAG_WRAPPED == 1 << 6);
PIN(TOCSIN_FLAG_GAP == 1 << 7);
PIN(TOCSIN_FLAG_ABSENT == 1 << 8);
PIN(TOCSIN_FLAG_EXTRAPOLATED == 1 << 9);
PIN(TOCSIN_FLAG_FLOORED == 1 << 10);
PIN(TOCSIN_FLAG_MUTED == 1 << 11);
PIN(TOCSIN_FLAG_HELD == 1 << 12);
PIN(TOCSIN_FLAG_COOLING == 1 << 13);
PIN(TOCSIN_FLAG_TRIVIAL == 1 << 14);
PIN(TOCSIN_FLAG_SHORT_HISTORY == 1 << 15);
PIN(TOCSIN_FLAG_UNSCORED == 1 << 16);

PIN(TOCSIN_ALARM_OFF == 0);
PIN(TOCSIN_ALARM_ON == 1);

PIN(TOCSIN_TRANSITION_NONE == 0);
PIN(TOCSIN_TRANSITION_START == 1);
PIN(TOCSIN_TRANSITION_ONGOING == 2);
PIN(TOCSIN_TRANSITION_CLEAR == 3);

PIN(TOCSIN_TIER_NONE == 0);
PIN(TOCSIN_TIER_TICKET == 1);
PIN(TOCSIN_TIER_PAGE == 2);

PIN(TOCSIN_REASON_NONE == 0);
PIN(TOCSIN_REASON_SPIKE == 1);
PIN(TOCSIN_REASON_DROP == 2);
PIN(TOCSIN_REASON_LEVEL == 3);
PIN(TOCSIN_REASON_TREND == 4);
PIN(TOCSIN_REASON_SEASON == 5);
PIN(TOCSIN_REASON_VARIANCE == 6);
PIN(TOCSIN_REASON_SHAPE == 7);
PIN(TOCSIN_REASON_COMBINATION == 8);
PIN(TOCSIN_REASON_ABSENCE == 9);

PIN(TOCSIN_VERDICT_MIN_SIZE == 104);

PIN(TOCSIN_LEARN_AND_SCORE == 0);

PIN(TOCSIN_SCORE_ONLY == 1);

PIN(TOCSIN_LEARN_ONLY == 2);

PIN(TOCSIN_HOLD == 3);

PIN(TOCSIN_RATE_UNKNOWN == 0);
PIN(TOCSIN_RATE_KEPT == 1);
PIN(TOCSIN_RATE_BELOW == 2);
PIN(TOCSIN_RATE_ABOVE == 3);

PIN(TOCSIN_MARK_DEPLOY == 1);
PIN(TOCSIN_MARK_CONFIG == 2);
PIN(TOCSIN_MARK_MAINTENANCE == 3);
PIN(TOCSIN_MARK_MUTE == 1);
PIN(TOCSIN_MARK_NO_LEARN == 2);

PIN(TOCSIN_SLOT_NONE == UINT32_MAX);
PIN(TOCSIN_BANK_SERIES_MAX == 2147483584u);
PIN(TOCSIN_BANK_TILE == 64);
PIN(TOCSIN_FULL_REFUSE == 0);
PIN(TOCSIN_FULL_EVICT == 1);
PIN(TOCSIN_VALUES_DOUBLE == 0);
PIN(TOCSIN_VALUES_FLOAT == 1);
PIN(TOCSIN_VALUES_U64 == 2);
PIN(TOCSIN_NAN_MISSING == 0);
PIN(TOCSIN_NAN_SILENCE == 1);
PIN(TOCSIN_ALARM_MIN_SIZE == 120);

PIN(TOCSIN_SNAPSHOT_FORMAT == 1);

PIN(TOCSIN_SELECT_ALL == 0);
PIN(TOCSIN_SELECT_RANGE == 1);
PIN(TOCSIN_SELECT_PART == 2);
PIN(TOCSIN_PRESENT_REFUSE == 0);
PIN(TOCSIN_PRESENT_KEEP == 1);
PIN(TOCSIN_PRESENT_REPLACE == 2);
PIN(TOCSIN_PRESENT_NEWER == 3);
PIN(TOCSIN_SLOTS_NEW == 0);
PIN(TOCSIN_SLOTS_KEPT == 1);
PIN(TOCSIN_SHARD_PEEK == 131200);

/* ---- Structs without pointers: the same on every machine ------------------ */

PIN_SIZE(tocsin_error, 368);
PIN_OFFSET(tocsin_error, struct_size, 0);
PIN_OFFSET(tocsin_error, status, 4);
PIN_OFFSET(tocsin_error, offset, 8);
PIN_OFFSET(tocsin_error, length, 12);
PIN_OFFSET(tocsin_error, word, 16);
PIN_OFFSET(tocsin_error, suggestion, 64);
PIN_OFFSET(tocsin_error, message, 112);

PIN_SIZE(tocsin_value, 24);
PIN_OFFSET(tocsin_value, form, 0);
PIN_OFFSET(tocsin_value, reserved, 4);
PIN_OFFSET(tocsin_value, number, 8);
PIN_OFFSET(tocsin_value, duration, 16);

PIN_SIZE(tocsin_verdict, 104);
PIN_OFFSET(tocsin_verdict, time, 0);
PIN_OFFSET(tocsin_verdict, value, 8);
PIN_OFFSET(tocsin_verdict, score, 16);
PIN_OFFSET(tocsin_verdict, period, 24);
PIN_OFFSET(tocsin_verdict, raw, 32);
PIN_OFFSET(tocsin_verdict, expected, 40);
PIN_OFFSET(tocsin_verdict, deviation, 48);
PIN_OFFSET(tocsin_verdict, confidence, 56);
PIN_OFFSET(tocsin_verdict, flags, 64);
PIN_OFFSET(tocsin_verdict, alarm, 68);
PIN_OFFSET(tocsin_verdict, transition, 69);
PIN_OFFSET(tocsin_verdict, tier, 70);
PIN_OFFSET(tocsin_verdict, reason, 71);
PIN_OFFSET(tocsin_verdict, direction, 72);
PIN_OFFSET(tocsin_verdict, channel, 73);
PIN_OFFSET(tocsin_verdict, metric, 74);
PIN_OFFSET(tocsin_verdict, reserved, 76);
PIN_OFFSET(tocsin_verdict, since, 80);
PIN_OFFSET(tocsin_verdict, lower, 88);
PIN_OFFSET(tocsin_verdict, upper, 96);

PIN_SIZE(tocsin_share, 24);
PIN_OFFSET(tocsin_share, metric, 0);
PIN_OFFSET(tocsin_share, lag, 4);
PIN_OFFSET(tocsin_share, value, 8);
PIN_OFFSET(tocsin_share, normal, 16);

PIN_SIZE(tocsin_forecast, 32);
PIN_OFFSET(tocsin_forecast, time, 0);
PIN_OFFSET(tocsin_forecast, expected, 8);
PIN_OFFSET(tocsin_forecast, lower, 16);
PIN_OFFSET(tocsin_forecast, upper, 24);

PIN_SIZE(tocsin_bank_options, 48);
PIN_OFFSET(tocsin_bank_options, struct_size, 0);
PIN_OFFSET(tocsin_bank_options, when_full, 4);
PIN_OFFSET(tocsin_bank_options, max_series, 8);
PIN_OFFSET(tocsin_bank_options, alarms_per_round, 16);
PIN_OFFSET(tocsin_bank_options, lanes, 20);
PIN_OFFSET(tocsin_bank_options, seed, 24);
PIN_OFFSET(tocsin_bank_options, clock, 32);
PIN_OFFSET(tocsin_bank_options, ids, 36);
PIN_OFFSET(tocsin_bank_options, max_classes, 40);
PIN_OFFSET(tocsin_bank_options, reserved, 44);

PIN_SIZE(tocsin_class_info, 64);
PIN_OFFSET(tocsin_class_info, struct_size, 0);
PIN_OFFSET(tocsin_class_info, members, 4);
PIN_OFFSET(tocsin_class_info, class_id, 8);
PIN_OFFSET(tocsin_class_info, left, 16);
PIN_OFFSET(tocsin_class_info, time, 24);
PIN_OFFSET(tocsin_class_info, history, 32);
PIN_OFFSET(tocsin_class_info, step, 40);
PIN_OFFSET(tocsin_class_info, limit, 48);
PIN_OFFSET(tocsin_class_info, level, 56);

PIN_SIZE(tocsin_classes_info, 32);
PIN_OFFSET(tocsin_classes_info, struct_size, 0);
PIN_OFFSET(tocsin_classes_info, max_classes, 4);
PIN_OFFSET(tocsin_classes_info, classes, 8);
PIN_OFFSET(tocsin_classes_info, displaced, 16);
PIN_OFFSET(tocsin_classes_info, without, 24);

PIN_SIZE(tocsin_point, 24);
PIN_OFFSET(tocsin_point, key, 0);
PIN_OFFSET(tocsin_point, time, 8);
PIN_OFFSET(tocsin_point, value, 16);

PIN_SIZE(tocsin_alarm, 120);
PIN_OFFSET(tocsin_alarm, id, 0);
PIN_OFFSET(tocsin_alarm, slot, 8);
PIN_OFFSET(tocsin_alarm, series, 12);
PIN_OFFSET(tocsin_alarm, verdict, 16);

PIN_SIZE(tocsin_bank_counts, 96);
PIN_OFFSET(tocsin_bank_counts, struct_size, 0);
PIN_OFFSET(tocsin_bank_counts, reserved, 4);
PIN_OFFSET(tocsin_bank_counts, rounds, 8);
PIN_OFFSET(tocsin_bank_counts, points, 16);
PIN_OFFSET(tocsin_bank_counts, missing, 24);
PIN_OFFSET(tocsin_bank_counts, silent, 32);
PIN_OFFSET(tocsin_bank_counts, late, 40);
PIN_OFFSET(tocsin_bank_counts, repeated, 48);
PIN_OFFSET(tocsin_bank_counts, unknown, 56);
PIN_OFFSET(tocsin_bank_counts, started, 64);
PIN_OFFSET(tocsin_bank_counts, absences, 72);
PIN_OFFSET(tocsin_bank_counts, suppressed, 80);
PIN_OFFSET(tocsin_bank_counts, cleared, 88);

PIN_SIZE(tocsin_bank_info, 80);
PIN_OFFSET(tocsin_bank_info, struct_size, 0);
PIN_OFFSET(tocsin_bank_info, slots, 4);
PIN_OFFSET(tocsin_bank_info, series, 8);
PIN_OFFSET(tocsin_bank_info, capacity, 16);
PIN_OFFSET(tocsin_bank_info, max_series, 24);
PIN_OFFSET(tocsin_bank_info, bytes, 32);
PIN_OFFSET(tocsin_bank_info, added, 40);
PIN_OFFSET(tocsin_bank_info, removed, 48);
PIN_OFFSET(tocsin_bank_info, evicted, 56);
PIN_OFFSET(tocsin_bank_info, refused, 64);
PIN_OFFSET(tocsin_bank_info, time, 72);

PIN_SIZE(tocsin_selection, 32);
PIN_OFFSET(tocsin_selection, struct_size, 0);
PIN_OFFSET(tocsin_selection, kind, 4);
PIN_OFFSET(tocsin_selection, first, 8);
PIN_OFFSET(tocsin_selection, last, 16);
PIN_OFFSET(tocsin_selection, part, 24);
PIN_OFFSET(tocsin_selection, parts, 28);

PIN_SIZE(tocsin_shard_options, 16);
PIN_OFFSET(tocsin_shard_options, struct_size, 0);
PIN_OFFSET(tocsin_shard_options, present, 4);
PIN_OFFSET(tocsin_shard_options, slots, 8);
PIN_OFFSET(tocsin_shard_options, check, 12);

PIN_SIZE(tocsin_shard_progress, 88);
PIN_OFFSET(tocsin_shard_progress, struct_size, 0);
PIN_OFFSET(tocsin_shard_progress, is_complete, 4);
PIN_OFFSET(tocsin_shard_progress, bytes, 8);
PIN_OFFSET(tocsin_shard_progress, series, 16);
PIN_OFFSET(tocsin_shard_progress, added, 24);
PIN_OFFSET(tocsin_shard_progress, replaced, 32);
PIN_OFFSET(tocsin_shard_progress, kept, 40);
PIN_OFFSET(tocsin_shard_progress, classes_added, 48);
PIN_OFFSET(tocsin_shard_progress, classes_replaced, 56);
PIN_OFFSET(tocsin_shard_progress, classes_kept, 64);
PIN_OFFSET(tocsin_shard_progress, classes_lost, 72);
PIN_OFFSET(tocsin_shard_progress, classless, 80);

/* ---- Structs with pointers, on 64-bit machines ---------------------------- */

#if UINTPTR_MAX == UINT64_MAX

PIN_SIZE(tocsin_allocator, 32);
PIN_OFFSET(tocsin_allocator, struct_size, 0);
PIN_OFFSET(tocsin_allocator, reserved, 4);
PIN_OFFSET(tocsin_allocator, user, 8);
PIN_OFFSET(tocsin_allocator, alloc, 16);
PIN_OFFSET(tocsin_allocator, free, 24);

PIN_SIZE(tocsin_setting, 40);
PIN_OFFSET(tocsin_setting, struct_size, 0);
PIN_OFFSET(tocsin_setting, value_count, 4);
PIN_OFFSET(tocsin_setting, stage, 8);
PIN_OFFSET(tocsin_setting, parameter, 16);
PIN_OFFSET(tocsin_setting, values, 24);
PIN_OFFSET(tocsin_setting, text, 32);

PIN_SIZE(tocsin_stage_info, 64);
PIN_OFFSET(tocsin_stage_info, struct_size, 0);
PIN_OFFSET(tocsin_stage_info, kind, 4);
PIN_OFFSET(tocsin_stage_info, revision, 8);
PIN_OFFSET(tocsin_stage_info, oldest_revision, 12);
PIN_OFFSET(tocsin_stage_info, parameter_count, 16);
PIN_OFFSET(tocsin_stage_info, is_default, 20);
PIN_OFFSET(tocsin_stage_info, state_size, 24);
PIN_OFFSET(tocsin_stage_info, warmup, 32);
PIN_OFFSET(tocsin_stage_info, name, 40);
PIN_OFFSET(tocsin_stage_info, summary, 48);
PIN_OFFSET(tocsin_stage_info, reference, 56);

PIN_SIZE(tocsin_parameter_info, 72);
PIN_OFFSET(tocsin_parameter_info, struct_size, 0);
PIN_OFFSET(tocsin_parameter_info, type, 4);
PIN_OFFSET(tocsin_parameter_info, max_count, 8);
PIN_OFFSET(tocsin_parameter_info, shapes_state, 12);
PIN_OFFSET(tocsin_parameter_info, min, 16);
PIN_OFFSET(tocsin_parameter_info, max, 24);
PIN_OFFSET(tocsin_parameter_info, name, 32);
PIN_OFFSET(tocsin_parameter_info, unit, 40);
PIN_OFFSET(tocsin_parameter_info, default_text, 48);
PIN_OFFSET(tocsin_parameter_info, choices, 56);
PIN_OFFSET(tocsin_parameter_info, summary, 64);

PIN_SIZE(tocsin_channel, 24);
PIN_OFFSET(tocsin_channel, name, 0);
PIN_OFFSET(tocsin_channel, value, 8);
PIN_OFFSET(tocsin_channel, score, 16);

PIN_SIZE(tocsin_self_check, 56);
PIN_OFFSET(tocsin_self_check, struct_size, 0);
PIN_OFFSET(tocsin_self_check, finding, 4);
PIN_OFFSET(tocsin_self_check, alarms, 8);
PIN_OFFSET(tocsin_self_check, watched, 16);
PIN_OFFSET(tocsin_self_check, promised, 24);
PIN_OFFSET(tocsin_self_check, ratio, 32);
PIN_OFFSET(tocsin_self_check, lower, 40);
PIN_OFFSET(tocsin_self_check, upper, 48);

PIN_SIZE(tocsin_explanation, 344);
PIN_OFFSET(tocsin_explanation, struct_size, 0);
PIN_OFFSET(tocsin_explanation, channel_count, 4);
PIN_OFFSET(tocsin_explanation, level, 8);
PIN_OFFSET(tocsin_explanation, trend, 16);
PIN_OFFSET(tocsin_explanation, season, 24);
PIN_OFFSET(tocsin_explanation, floor, 32);
PIN_OFFSET(tocsin_explanation, limit, 40);
PIN_OFFSET(tocsin_explanation, budget, 48);
PIN_OFFSET(tocsin_explanation, history, 56);
PIN_OFFSET(tocsin_explanation, step, 64);
PIN_OFFSET(tocsin_explanation, observed_rate, 72);
PIN_OFFSET(tocsin_explanation, points, 80);
PIN_OFFSET(tocsin_explanation, missing, 88);
PIN_OFFSET(tocsin_explanation, late, 96);
PIN_OFFSET(tocsin_explanation, repeated, 104);
PIN_OFFSET(tocsin_explanation, resets, 112);
PIN_OFFSET(tocsin_explanation, alarms, 120);
PIN_OFFSET(tocsin_explanation, mark_time, 128);
PIN_OFFSET(tocsin_explanation, mark_kind, 136);
PIN_OFFSET(tocsin_explanation, channels, 144);
PIN_OFFSET(tocsin_explanation, period, 336);

PIN_SIZE(tocsin_tick, 72);
PIN_OFFSET(tocsin_tick, struct_size, 0);
PIN_OFFSET(tocsin_tick, mode, 4);
PIN_OFFSET(tocsin_tick, time, 8);
PIN_OFFSET(tocsin_tick, count, 16);
PIN_OFFSET(tocsin_tick, verdict_size, 24);
PIN_OFFSET(tocsin_tick, value_type, 32);
PIN_OFFSET(tocsin_tick, nan_means, 36);
PIN_OFFSET(tocsin_tick, values, 40);
PIN_OFFSET(tocsin_tick, scores, 48);
PIN_OFFSET(tocsin_tick, alarms, 56);
PIN_OFFSET(tocsin_tick, verdicts, 64);

PIN_SIZE(tocsin_snapshot_info, 48);
PIN_OFFSET(tocsin_snapshot_info, struct_size, 0);
PIN_OFFSET(tocsin_snapshot_info, format, 4);
PIN_OFFSET(tocsin_snapshot_info, size, 8);
PIN_OFFSET(tocsin_snapshot_info, points, 16);
PIN_OFFSET(tocsin_snapshot_info, time, 24);
PIN_OFFSET(tocsin_snapshot_info, spec_length, 32);
PIN_OFFSET(tocsin_snapshot_info, spec_text, 40);

PIN(TOCSIN_TILE_WHOLE == 0);
PIN(TOCSIN_TILE_AHEAD == 1);
PIN(TOCSIN_TILE_TORN == 2);

PIN(TOCSIN_ROUND_NONE == 0);
PIN(TOCSIN_ROUND_TICK == 1);
PIN(TOCSIN_ROUND_PUSH == 2);

PIN_SIZE(tocsin_bank_recovery, 56);
PIN_OFFSET(tocsin_bank_recovery, struct_size, 0);
PIN_OFFSET(tocsin_bank_recovery, is_new, 4);
PIN_OFFSET(tocsin_bank_recovery, interrupted, 8);
PIN_OFFSET(tocsin_bank_recovery, reserved, 12);
PIN_OFFSET(tocsin_bank_recovery, time, 16);
PIN_OFFSET(tocsin_bank_recovery, whole, 24);
PIN_OFFSET(tocsin_bank_recovery, ahead, 32);
PIN_OFFSET(tocsin_bank_recovery, torn, 40);
PIN_OFFSET(tocsin_bank_recovery, restarted, 48);

PIN_SIZE(tocsin_shard_info, 56);
PIN_OFFSET(tocsin_shard_info, struct_size, 0);
PIN_OFFSET(tocsin_shard_info, format, 4);
PIN_OFFSET(tocsin_shard_info, series, 8);
PIN_OFFSET(tocsin_shard_info, time, 16);
PIN_OFFSET(tocsin_shard_info, slots, 24);
PIN_OFFSET(tocsin_shard_info, ids, 28);
PIN_OFFSET(tocsin_shard_info, clock, 32);
PIN_OFFSET(tocsin_shard_info, reserved, 36);
PIN_OFFSET(tocsin_shard_info, spec_length, 40);
PIN_OFFSET(tocsin_shard_info, spec_text, 48);

PIN_SIZE(tocsin_matrix, 48);
PIN_OFFSET(tocsin_matrix, struct_size, 0);
PIN_OFFSET(tocsin_matrix, value_type, 4);
PIN_OFFSET(tocsin_matrix, rows, 8);
PIN_OFFSET(tocsin_matrix, columns, 16);
PIN_OFFSET(tocsin_matrix, row_stride, 24);
PIN_OFFSET(tocsin_matrix, column_stride, 32);
PIN_OFFSET(tocsin_matrix, values, 40);

PIN_SIZE(tocsin_metric_info, 32);
PIN_OFFSET(tocsin_metric_info, struct_size, 0);
PIN_OFFSET(tocsin_metric_info, kind, 4);
PIN_OFFSET(tocsin_metric_info, worse, 8);
PIN_OFFSET(tocsin_metric_info, reserved, 12);
PIN_OFFSET(tocsin_metric_info, margin, 16);
PIN_OFFSET(tocsin_metric_info, name, 24);

#endif

PIN(TOCSIN_FOREST_COLUMNS_MAX == 65535);
PIN(TOCSIN_FOREST_ROWS_MAX == 4294967295);

PIN_SIZE(tocsin_forest_options, 32);
PIN_OFFSET(tocsin_forest_options, struct_size, 0);
PIN_OFFSET(tocsin_forest_options, trees, 4);
PIN_OFFSET(tocsin_forest_options, sample, 8);
PIN_OFFSET(tocsin_forest_options, depth, 12);
PIN_OFFSET(tocsin_forest_options, seed, 16);
PIN_OFFSET(tocsin_forest_options, mix, 24);
PIN_OFFSET(tocsin_forest_options, reserved, 28);

PIN_SIZE(tocsin_forest_info, 72);
PIN_OFFSET(tocsin_forest_info, struct_size, 0);
PIN_OFFSET(tocsin_forest_info, trees, 4);
PIN_OFFSET(tocsin_forest_info, sample, 8);
PIN_OFFSET(tocsin_forest_info, depth, 12);
PIN_OFFSET(tocsin_forest_info, seed, 16);
PIN_OFFSET(tocsin_forest_info, columns, 24);
PIN_OFFSET(tocsin_forest_info, used, 32);
PIN_OFFSET(tocsin_forest_info, cuts, 40);
PIN_OFFSET(tocsin_forest_info, bytes, 48);
PIN_OFFSET(tocsin_forest_info, expected_depth, 56);
PIN_OFFSET(tocsin_forest_info, mix, 64);
PIN_OFFSET(tocsin_forest_info, reserved, 68);

PIN(TOCSIN_CHANGES_VALUES_MAX == 1048576);
PIN(TOCSIN_CHANGE_MIN_SIZE == 96);

PIN_SIZE(tocsin_changes_options, 40);
PIN_OFFSET(tocsin_changes_options, struct_size, 0);
PIN_OFFSET(tocsin_changes_options, permutations, 4);
PIN_OFFSET(tocsin_changes_options, min_segment, 8);
PIN_OFFSET(tocsin_changes_options, block, 12);
PIN_OFFSET(tocsin_changes_options, alpha, 16);
PIN_OFFSET(tocsin_changes_options, min_effect, 24);
PIN_OFFSET(tocsin_changes_options, seed, 32);

PIN_SIZE(tocsin_change, 96);
PIN_OFFSET(tocsin_change, index, 0);
PIN_OFFSET(tocsin_change, from, 8);
PIN_OFFSET(tocsin_change, to, 16);
PIN_OFFSET(tocsin_change, p, 24);
PIN_OFFSET(tocsin_change, statistic, 32);
PIN_OFFSET(tocsin_change, before, 40);
PIN_OFFSET(tocsin_change, after, 48);
PIN_OFFSET(tocsin_change, shift, 56);
PIN_OFFSET(tocsin_change, shift_lower, 64);
PIN_OFFSET(tocsin_change, shift_upper, 72);
PIN_OFFSET(tocsin_change, effect, 80);
PIN_OFFSET(tocsin_change, autocorrelation, 88);

PIN(TOCSIN_GATE_METRICS_MAX == 4096);
PIN(TOCSIN_GATE_BUCKETS_MAX == 64);
PIN(TOCSIN_ARM_BASELINE == 0);
PIN(TOCSIN_ARM_CANDIDATE == 1);
PIN(TOCSIN_METRIC_LATENCY == 0);
PIN(TOCSIN_METRIC_HISTOGRAM == 1);
PIN(TOCSIN_METRIC_ERRORS == 2);
PIN(TOCSIN_METRIC_COUNT == 3);
PIN(TOCSIN_METRIC_GAUGE == 4);
PIN(TOCSIN_OUTCOME_NO_DATA == 0);
PIN(TOCSIN_OUTCOME_UNDECIDED == 1);
PIN(TOCSIN_OUTCOME_PASS == 2);
PIN(TOCSIN_OUTCOME_SHIFT_ONLY == 3);
PIN(TOCSIN_OUTCOME_FAIL == 4);
PIN(TOCSIN_OUTCOME_INVALID == 5);
PIN(TOCSIN_GATE_NOT_RANDOMISED == 1 << 0);
PIN(TOCSIN_GATE_TURNS == 1 << 1);
PIN(TOCSIN_GATE_BUDGET_SPENT == 1 << 2);
PIN(TOCSIN_GATE_IGNORED == 1 << 3);
PIN(TOCSIN_GATE_FULL == 1 << 4);
PIN(TOCSIN_GATE_FEW_PODS == 1 << 5);
PIN(TOCSIN_GATE_INTERPOLATED == 1 << 6);

PIN_SIZE(tocsin_observation, 32);
PIN_OFFSET(tocsin_observation, metric, 0);
PIN_OFFSET(tocsin_observation, arm, 4);
PIN_OFFSET(tocsin_observation, time, 8);
PIN_OFFSET(tocsin_observation, unit, 16);
PIN_OFFSET(tocsin_observation, value, 24);

PIN_SIZE(tocsin_counter, 24);
PIN_OFFSET(tocsin_counter, struct_size, 0);
PIN_OFFSET(tocsin_counter, resets, 4);
PIN_OFFSET(tocsin_counter, readings, 8);
PIN_OFFSET(tocsin_counter, total, 16);

PIN_SIZE(tocsin_gate_verdict, 144);
PIN_OFFSET(tocsin_gate_verdict, struct_size, 0);
PIN_OFFSET(tocsin_gate_verdict, outcome, 4);
PIN_OFFSET(tocsin_gate_verdict, flags, 8);
PIN_OFFSET(tocsin_gate_verdict, metric, 12);
PIN_OFFSET(tocsin_gate_verdict, metrics, 16);
PIN_OFFSET(tocsin_gate_verdict, blamed, 20);
PIN_OFFSET(tocsin_gate_verdict, alpha, 24);
PIN_OFFSET(tocsin_gate_verdict, log_e, 32);
PIN_OFFSET(tocsin_gate_verdict, p, 40);
PIN_OFFSET(tocsin_gate_verdict, log_e_pass, 48);
PIN_OFFSET(tocsin_gate_verdict, log_e_share, 56);
PIN_OFFSET(tocsin_gate_verdict, effect, 64);
PIN_OFFSET(tocsin_gate_verdict, effect_low, 72);
PIN_OFFSET(tocsin_gate_verdict, effect_high, 80);
PIN_OFFSET(tocsin_gate_verdict, ruled_out, 88);
PIN_OFFSET(tocsin_gate_verdict, baseline_units, 96);
PIN_OFFSET(tocsin_gate_verdict, candidate_units, 104);
PIN_OFFSET(tocsin_gate_verdict, baseline_ignored, 112);
PIN_OFFSET(tocsin_gate_verdict, candidate_ignored, 120);
PIN_OFFSET(tocsin_gate_verdict, needed, 128);
PIN_OFFSET(tocsin_gate_verdict, elapsed, 136);

PIN_SIZE(tocsin_gate_effect, 24);
PIN_OFFSET(tocsin_gate_effect, effect, 0);
PIN_OFFSET(tocsin_gate_effect, log_e_less, 8);
PIN_OFFSET(tocsin_gate_effect, log_e_more, 16);

PIN_SIZE(tocsin_gate_level, 64);
PIN_OFFSET(tocsin_gate_level, quantile, 0);
PIN_OFFSET(tocsin_gate_level, value, 8);
PIN_OFFSET(tocsin_gate_level, baseline, 16);
PIN_OFFSET(tocsin_gate_level, baseline_low, 24);
PIN_OFFSET(tocsin_gate_level, baseline_high, 32);
PIN_OFFSET(tocsin_gate_level, candidate, 40);
PIN_OFFSET(tocsin_gate_level, candidate_low, 48);
PIN_OFFSET(tocsin_gate_level, candidate_high, 56);

PIN(TOCSIN_ROLLOUT_RUNS_MAX == 256);

PIN_SIZE(tocsin_rollout, 56);
PIN_OFFSET(tocsin_rollout, struct_size, 0);
PIN_OFFSET(tocsin_rollout, runs, 4);
PIN_OFFSET(tocsin_rollout, requests_max, 8);
PIN_OFFSET(tocsin_rollout, share, 16);
PIN_OFFSET(tocsin_rollout, effect, 24);
PIN_OFFSET(tocsin_rollout, sigma, 32);
PIN_OFFSET(tocsin_rollout, errors, 40);
PIN_OFFSET(tocsin_rollout, seed, 48);

PIN_SIZE(tocsin_plan, 48);
PIN_OFFSET(tocsin_plan, struct_size, 0);
PIN_OFFSET(tocsin_plan, runs, 4);
PIN_OFFSET(tocsin_plan, failed, 8);
PIN_OFFSET(tocsin_plan, passed, 12);
PIN_OFFSET(tocsin_plan, fail_median, 16);
PIN_OFFSET(tocsin_plan, fail_most, 24);
PIN_OFFSET(tocsin_plan, pass_median, 32);
PIN_OFFSET(tocsin_plan, pass_most, 40);

PIN_SIZE(tocsin_history_verdict, 32);
PIN_OFFSET(tocsin_history_verdict, struct_size, 0);
PIN_OFFSET(tocsin_history_verdict, outcome, 4);
PIN_OFFSET(tocsin_history_verdict, metric, 8);
PIN_OFFSET(tocsin_history_verdict, runs, 12);
PIN_OFFSET(tocsin_history_verdict, p, 16);
PIN_OFFSET(tocsin_history_verdict, metric_p, 24);
