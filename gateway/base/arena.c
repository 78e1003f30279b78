#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_FIRST = 3072, /* with its head: what nearly all requests need */
    BLOCK_MAX = 65536,
    ALIGNMENT = alignof(max_align_t),
};

struct arena_block {
    struct arena_block *older; /* owned */
    size_t size;               /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
}

static void free_until(struct arena *arena, const struct arena_block *last)
{
    while (arena->blocks != last) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->older;
        arena->used -= block->size;
        free(block);
    }
}

void arena_release(struct arena *arena)
{
    free_until(arena, NULL);
    CHECK(arena->used == 0);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->blocks;
    while (first != NULL && first->older != NULL)
        first = first->older;
    free_until(arena, first);
    if (first != NULL)
        first->used = 0;
}

/* A block that holds at least `size`; twice the last one, but within the limit. */
static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t wanted = BLOCK_FIRST - sizeof(struct arena_block);
    if (arena->blocks != NULL)
        wanted = arena->blocks->size < BLOCK_MAX / 2 ? arena->blocks->size * 2 : BLOCK_MAX;
    if (wanted < size)
        wanted = size;
    size_t left = arena->limit - arena->used;
    CHECK(size <= left);
    if (wanted > left)
        wanted = left;
    struct arena_block *block = malloc(sizeof(*block) + wanted);
    CHECK(block != NULL);
    block->older = arena->blocks;
    block->size = wanted;
    block->used = 0;
    arena->blocks = block;
    arena->used += wanted;
    return block;
}

/* Bytes without the zeros: for copies, which overwrite all of them. */
static char *take(struct arena *arena, size_t size)
{
    CHECK(size <= arena->limit);
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (rounded == 0)
        rounded = ALIGNMENT;
    struct arena_block *block = arena->blocks;
    if (block == NULL || rounded > block->size - block->used)
        block = add_block(arena, rounded);
    char *at = block->data + block->used;
    block->used += rounded;
    return at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    char *at = take(arena, size);
    memset(at, 0, size);
    return at;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *at = take(arena, s.len);
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    return (struct str){at, s.len};
}

char *arena_cstr(struct arena *arena, struct str s)
{
    CHECK(s.len < SIZE_MAX);
    char *at = take(arena, s.len + 1);
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    at[s.len] = '\0';
    return at;
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(length >= 0);
    size_t len = (size_t)length;
    if (len < sizeof(text))
        return arena_str(arena, (struct str){text, len});
    char *at = take(arena, len + 1);
    va_start(args, format);
    length = vsnprintf(at, len + 1, format, args);
    va_end(args);
    CHECK(length >= 0 && (size_t)length == len);
    return (struct str){at, len};
}
