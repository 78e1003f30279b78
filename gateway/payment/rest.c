#include "payment/rest.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "payment/hash.h"

enum {
    REST_FIRST_MS = 1000,
    REST_MAX_MS = 60 * 1000,
    RETRY_AFTER_MAX_MS = 3600 * 1000,
    TRY_MS = 30 * 1000, /* the one's answer is waited for so long */
    AGAIN_MS = 1000,    /* meanwhile the others look again after this */
    COUNT_MAX = 4096,
};

struct rest {
    struct uuid account_id;
    int64_t until_us;
    int64_t try_until_us; /* the one is on its way; 0: nobody is */
    int64_t rest_ms;
    UT_hash_handle hh;
};

struct rests {
    struct rest *by_account; /* hash */
    size_t count;
};

struct rests *rests_new(void)
{
    struct rests *rests = calloc(1, sizeof(*rests));
    CHECK(rests != NULL);
    return rests;
}

static void forget(struct rests *rests, struct rest *rest)
{
    /* The analyzer does not see that uthash unlinks it from its neighbours. */
    HASH_DEL(rests->by_account, rest); /* NOLINT(clang-analyzer-unix.Malloc) */
    free(rest);
    rests->count--;
}

void rests_free(struct rests **rests)
{
    if (*rests == NULL)
        return;
    struct rest *rest = NULL;
    struct rest *next = NULL;
    HASH_ITER(hh, (*rests)->by_account, rest, next)
    {
        forget(*rests, rest);
    }
    free(*rests);
    *rests = NULL;
}

static struct rest *find(const struct rests *rests, const struct uuid *account_id)
{
    struct rest *rest = NULL;
    HASH_FIND(hh, rests->by_account, account_id, sizeof(*account_id), rest);
    return rest;
}

/* Those whose rest is over long ago make room; NULL: there is none. */
static struct rest *add(struct rests *rests, const struct uuid *account_id, int64_t now_us)
{
    struct rest *rest = NULL;
    struct rest *next = NULL;
    if (rests->count >= COUNT_MAX) {
        HASH_ITER(hh, rests->by_account, rest, next)
        {
            if (rest->until_us + TRY_MS * CLOCK_MS_US < now_us)
                forget(rests, rest);
        }
    }
    if (rests->count >= COUNT_MAX)
        return NULL;
    rest = calloc(1, sizeof(*rest));
    CHECK(rest != NULL);
    rest->account_id = *account_id;
    /* As above. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_ADD(hh, rests->by_account, account_id, sizeof(rest->account_id), rest);
    rests->count++;
    return rest;
}

void rests_turned_away(struct rests *rests, const struct uuid *account_id, int64_t retry_after_ms,
                       int64_t now_us)
{
    struct rest *rest = find(rests, account_id);
    if (rest == NULL)
        rest = add(rests, account_id, now_us);
    if (rest == NULL)
        return;
    if (now_us >= rest->until_us) { /* a new round: what was on its way before is of the old one */
        rest->rest_ms = rest->rest_ms == 0 ? REST_FIRST_MS : rest->rest_ms * 2;
        if (rest->rest_ms > REST_MAX_MS)
            rest->rest_ms = REST_MAX_MS;
    }
    int64_t ms = retry_after_ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : retry_after_ms;
    int64_t until_us = now_us + (ms > rest->rest_ms ? ms : rest->rest_ms) * CLOCK_MS_US;
    if (until_us > rest->until_us)
        rest->until_us = until_us;
    rest->try_until_us = 0;
}

void rests_was_taken(struct rests *rests, const struct uuid *account_id, int64_t now_us)
{
    struct rest *rest = find(rests, account_id);
    if (rest != NULL && now_us >= rest->until_us)
        forget(rests, rest);
}

int64_t rests_left_us(const struct rests *rests, const struct uuid *account_id, int64_t now_us)
{
    const struct rest *rest = find(rests, account_id);
    if (rest == NULL)
        return 0;
    if (now_us < rest->until_us)
        return rest->until_us - now_us;
    return now_us < rest->try_until_us ? AGAIN_MS * CLOCK_MS_US : 0;
}

void rests_try(struct rests *rests, const struct uuid *account_id, int64_t now_us)
{
    struct rest *rest = find(rests, account_id);
    if (rest != NULL)
        rest->try_until_us = now_us + TRY_MS * CLOCK_MS_US;
}

size_t rests_count(const struct rests *rests)
{
    return rests->count;
}
