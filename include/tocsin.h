/* tocsin - streaming anomaly detection for metric time series.
 *
 * tocsin watches a series as it streams by and says, point by point, how
 * unusual each point is, why, and whether to ring the alarm.  This header pulls
 * in the whole public interface.  Reading it, and then the headers in the order
 * of the table, is meant to be enough to use the library well.
 *
 * A first program
 * ---------------
 *     tocsin_spec *spec;
 *     tocsin_detector *detector;
 *     tocsin_verdict verdict;
 *
 *     if (tocsin_spec_compile(&spec, "ewma | tail | alarm budget=1/week",
 *                             TOCSIN_NUL_TERMINATED, NULL, NULL) < 0) return 1;
 *     if (tocsin_detector_create(&detector, spec, NULL) < 0) return 1;
 *     while (next_point(&time, &value)) {
 *         tocsin_detector_push(detector, time, value, TOCSIN_LEARN_AND_SCORE,
 *                              &verdict, sizeof verdict);
 *         if (verdict.transition == TOCSIN_TRANSITION_START) ring();
 *     }
 *     tocsin_detector_free(detector);
 *     tocsin_spec_free(spec);
 *
 * The headers
 * -----------
 *     tocsin/version.h    which release and which ABI this is
 *     tocsin/base.h       statuses, errors, allocators, time
 *     tocsin/spec.h       the one line of text that says what to do
 *     tocsin/catalog.h    every stage and parameter a spec may name
 *     tocsin/detector.h   one series: push points, read verdicts
 *     tocsin/bank.h       many series with one spec: ticks, sparse points, fleets of alarms
 *     tocsin/kernel.h     which instruction set scores a bank
 *     tocsin/snapshot.h   save, load, inspect and compare a detector's state
 *     tocsin/shard.h      save, load, split and merge banks
 *     tocsin/forest.h     points with several metrics: isolation forests
 *     tocsin/changes.h    change points of a whole history
 *     tocsin/gate.h       is this release worse than what it replaces?
 *
 * How a point flows
 * -----------------
 * A point flows one way through four kinds of stages, and a stage never reaches
 * back:
 *
 *     prepare  ->  detect  ->  calibrate  ->  alarm
 *
 * *prepare* knows clocks, counters and gaps; *detect* holds a model and emits
 * raw statistics; *calibrate* turns them into one rarity with a unit; *alarm*
 * knows budgets, hysteresis and cool-down.  A spec names the stages:
 *
 *     counter | holt-winters season=1d | tail | alarm budget=1/week
 *
 * and whatever it leaves out takes its default.
 *
 * One scale
 * ---------
 * Whatever the detector, a verdict's `score` is -log10 of the number of
 * exceedance clusters at least this extreme that are expected per point while
 * nothing is wrong, and at least 0.  Its `period` is the same as a time: how
 * often a series in order would show something like this.  So one sets a budget
 * ("one false alarm a week"), never a threshold in the metric's own unit.
 *
 * Conventions
 * -----------
 * Names.  Functions are tocsin_object_verb(), types tocsin_noun, constants
 * TOCSIN_GROUP_NAME.
 *
 * Results.  A function that can fail returns an int status: TOCSIN_OK is 0,
 * errors are negative, positive values are information about a success.  A call
 * that fails has changed nothing, except where its comment says otherwise.
 *
 * Arguments.  Out-parameters come first and are written on success; a
 * constructor that fails stores NULL.  Pointers must not be NULL unless the
 * comment says "may be NULL"; a NULL elsewhere gives TOCSIN_ERROR_ARGUMENT.
 * Strings are UTF-8 and NUL-terminated unless they come with a length.
 *
 * Memory.  Every constructor takes an optional allocator, or there is a variant
 * that works in memory the caller provides, of a size and alignment that are
 * known beforehand.  Scoring never allocates, locks or makes a system call.
 * Every free function accepts NULL.
 *
 * Threads.  One handle, one thread at a time; different handles freely in
 * parallel.  A compiled spec is immutable and may be shared by any number of
 * detectors and threads.  The library starts no threads and has no locks.
 *
 * Guest manners.  The library reads no environment, locale, clock or file,
 * prints nothing and never aborts.  It assumes the default floating-point
 * environment (round to nearest, no flush to zero) and leaves it untouched.
 *
 * Determinism.  The same spec and the same input give the same bits on every
 * platform: only IEEE + - * / sqrt and integers are used, transcendental
 * functions are the library's own, and nothing is contracted or reassociated.
 */
#ifndef TOCSIN_H
#define TOCSIN_H

#include "tocsin/version.h"
#include "tocsin/base.h"
#include "tocsin/spec.h"
#include "tocsin/catalog.h"
#include "tocsin/detector.h"
#include "tocsin/bank.h"
#include "tocsin/kernel.h"
#include "tocsin/snapshot.h"
#include "tocsin/shard.h"
#include "tocsin/forest.h"
#include "tocsin/changes.h"
#include "tocsin/gate.h"

#endif
