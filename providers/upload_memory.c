#include "providers/upload_memory.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

#ifdef __SANITIZE_ADDRESS__
#define HAS_REGION false /* errors would hide in blocks that are used again */
#else
#define HAS_REGION true
#endif

enum {
    SLACK = 64, /* libcurl may add a terminator */
};

struct block { /* while it is free */
    struct block *next;
};

static struct {
    size_t size_min; /* of what is taken for a buffer */
    size_t size_max;
    size_t block_size;
    char *base; /* NULL: there is no region, all is malloc's */
    char *fresh;
    char *end;
    struct block *free;
} region;

static bool is_ours(const void *at)
{
    return region.base != NULL && (const char *)at >= region.base && (const char *)at < region.end;
}

static void *take_block(void)
{
    struct block *block = region.free;
    if (block != NULL) {
        region.free = block->next;
        return block;
    }
    if (region.fresh == region.end)
        return NULL;
    char *at = region.fresh;
    region.fresh += region.block_size;
    return at;
}

static void *memory_take(size_t size)
{
    void *at = NULL;
    if (region.base != NULL && size >= region.size_min && size <= region.size_max)
        at = take_block();
    return at != NULL ? at : malloc(size);
}

static void memory_free(void *at)
{
    if (!is_ours(at)) {
        free(at);
        return;
    }
    struct block *block = at;
    block->next = region.free;
    region.free = block;
}

static void *memory_resize(void *at, size_t size)
{
    if (!is_ours(at))
        return realloc(at, size);
    void *larger = malloc(size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, at, size < region.size_max ? size : region.size_max);
    memory_free(at);
    return larger;
}

/* Never a block: those are not zeroed. */
static void *memory_zeroed(size_t count, size_t size)
{
    return calloc(count, size);
}

static char *memory_copy(const char *text)
{
    return strdup(text);
}

static void reserve(size_t buffer_size, size_t count)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    region.size_min = buffer_size;
    region.size_max = buffer_size + SLACK;
    region.block_size = (region.size_max + page - 1) / page * page;
    const size_t len = region.block_size * count;
    void *base =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return; /* it works without, too */
    region.base = base;
    region.fresh = base;
    region.end = region.base + len;
}

void upload_memory_init(size_t buffer_size, size_t count)
{
    if (HAS_REGION && region.base == NULL)
        reserve(buffer_size, count);
    CHECK(curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_take, memory_free, memory_resize,
                               memory_copy, memory_zeroed) == CURLE_OK);
}
