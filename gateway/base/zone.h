/*
 * zone.h - what a clock on a wall shows in a time zone: the tz database, read once by name.
 *
 * A zone is the TZif file of the system's tz database (Debian: tzdata; RFC 9636), all of it in
 * memory: transitions as they are listed, and after the last one the rule in the file's footer.
 * Asking takes no system call and no memory. Between two equal hours in autumn and in the missing
 * hour in spring there is nothing to decide: the question starts from an instant, not from a wall.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
    ZONE_NAME_MAX = 64,
    ZONE_FILE_BYTES_MAX = 65536,
};

struct zone; /* immutable, in the arena it was loaded into */

struct zone_moment {
    int32_t year;
    uint8_t month;   /* 1 to 12 */
    uint8_t day;     /* 1 to 31 */
    uint8_t weekday; /* 1 (Monday) to 7 */
    uint16_t minute; /* of the day, 0 to 1439 */
};

/*
 * The zone of an IANA name such as "Europe/Berlin"; NULL with ERROR_INVALID when the name is no
 * zone of this system's database, or ERROR_IO when its file cannot be read.
 */
const struct zone *zone_load(struct str name, struct arena *arena, struct error *err) MUST_USE;
/* The same from the bytes of a TZif file; they are copied. */
const struct zone *zone_parse(struct str bytes, struct arena *arena, struct error *err) MUST_USE;
/* Seconds to add to UTC at `at_s` (seconds since 1970); NULL is UTC. */
int32_t zone_offset_s(const struct zone *zone, int64_t at_s);
/* What the wall shows at `at_us` (wall clock microseconds); NULL is UTC. */
void zone_read(const struct zone *zone, int64_t at_us, struct zone_moment *moment);

#endif
