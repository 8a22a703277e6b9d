/* zone.h - civil time: what clocks on walls show, by a rule. */
#ifndef TOCSIN__ZONE_H
#define TOCSIN__ZONE_H

#include "common.h"

/* A day of the year and a time of that day at which clocks are changed. */
typedef struct tocsin__zone_day {
    uint8_t form;           /* 'M', 'J' or '0': see zone.c */
    uint8_t month, week;    /* M: 1 .. 12, 1 .. 5 */
    uint8_t spare;
    uint16_t day;           /* M: of the week, 0 is Sunday; else of the year */
    uint16_t reserved;
    int32_t at;             /* seconds after midnight, by the clock that is about to be changed */
} tocsin__zone_day;

/* All zeroes: UTC. */
typedef struct tocsin__zone {
    int32_t standard, summer;       /* seconds east of Greenwich */
    uint32_t has_summer;
    uint32_t reserved;
    tocsin__zone_day begin, end;    /* of summer time */
} tocsin__zone;

/* A rule is written in up to three parts with commas between them; each is a number >= 0. */
#define TOCSIN__ZONE_PARTS 3
#define TOCSIN__ZONE_TEXT 48        /* a part's text and a NUL */

/* 1: the text is a part of a rule. */
int tocsin__zone_read(const char *text, size_t length, int64_t *part);

/* 1: the number is one that tocsin__zone_read() gives. */
int tocsin__zone_is_part(int64_t part);

/* Write a part; returns the length. */
size_t tocsin__zone_write(int64_t part, char text[TOCSIN__ZONE_TEXT]);

/* The zone of a rule's parts; NULL, or why they are none. */
const char *tocsin__zone_join(const int64_t *parts, size_t count, tocsin__zone *zone);

/* Nanoseconds that civil time is ahead of UTC. */
int64_t tocsin__zone_ahead(const tocsin__zone *zone, int64_t time);

/* The civil time of a moment, counted as UTC is.  In autumn an hour comes twice. */
static inline int64_t tocsin__zone_civil(const tocsin__zone *zone, int64_t time)
{
    const int64_t edge = (int64_t)200000 * TOCSIN_SECOND;   /* nobody is so far ahead or behind */

    if (zone->standard == 0 && !zone->has_summer)
        return time;
    if (time > INT64_MAX - edge || time < INT64_MIN + edge)
        return time;
    return time + tocsin__zone_ahead(zone, time);
}

#endif
