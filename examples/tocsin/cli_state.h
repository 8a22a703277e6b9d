/* cli_state.h - the state of all series in one file.
 *
 * Little-endian:
 *
 *     bytes 8     "TOCSTATE"
 *     u32         version of this layout, 1
 *     u32         CRC-32C of everything that follows
 *     text        the spec, in full canonical text         (text: u32 length, bytes)
 *     text        the key columns, joined by commas
 *     i64         the input's clock: the latest time seen
 *     u64         number of series, and for each:
 *         text    its key     text its name
 *         i64     time of its last point
 *         u32     1: a counter; 2: silent
 *         text    the detector's snapshot, see tocsin/snapshot.h
 */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include "cli_watch.h"

/* Fill an empty feed and watch from a file.  A file that does not exist leaves them empty; one
 * that cannot be read, is damaged or was written for another spec ends the program with 65.
 * `take_over`: parameters that do not shape the state may differ. */
void cli_state_load(const char *path, cli_feed *feed, cli_watch *watch, int take_over);

/* Replace the file in one step. */
void cli_state_save(const char *path, const cli_feed *feed, cli_watch *watch);

#endif
