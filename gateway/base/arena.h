/*
 * arena.h - memory that dies together.
 *
 * A request owns an arena; whatever belongs to the request is allocated there and never freed
 * alone. Out of memory, or past the limit given at init, an allocation aborts the worker: sizes are
 * bounded before (body limits, counts), so reaching the limit is a bug.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* owned; newest first */
    size_t used;                /* bytes in all blocks */
    size_t limit;
};

void arena_init(struct arena *arena, size_t limit);
void arena_release(struct arena *arena);
void arena_reset(struct arena *arena); /* forget all, keep the first block */
/* Zeroed, aligned for any type, never NULL. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
struct str arena_str(struct arena *arena, struct str s); /* copy */
char *arena_cstr(struct arena *arena, struct str s);     /* terminated copy */
struct str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

#endif
