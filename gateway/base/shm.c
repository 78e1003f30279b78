#include "base/shm.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CACHE_LINE = 64,
};

bool shm_open_segment(struct shm *shm, size_t size, struct error *err)
{
    *shm = (struct shm){0};
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return fail(err, ERROR_IO, "cannot map a shared segment of %zu bytes: %s", size,
                    strerror(errno));
    *shm = (struct shm){.at = at, .size = size};
    return true;
}

void shm_close(struct shm *shm)
{
    if (shm->at != NULL)
        CHECK(munmap(shm->at, shm->size) == 0);
    *shm = (struct shm){0};
}

void *shm_carve(struct shm *shm, size_t size)
{
    CHECK(shm->at != NULL);
    CHECK(size > 0);
    size_t from = (shm->used + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
    CHECK(from <= shm->size && size <= shm->size - from);
    shm->used = from + size;
    return shm->at + from;
}
