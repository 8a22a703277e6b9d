/* cli_zone.h - a time zone's rule by the zone's name. */
#ifndef CLI_ZONE_H
#define CLI_ZONE_H

/* The rule, as POSIX writes it in TZ, of what --timezone names: the rule itself, a zone of this
 * system's tz database such as Europe/Berlin, or "local", the zone of this machine.  To be freed;
 * what is neither ends the program. */
char *cli_zone_rule(const char *name);

#endif
