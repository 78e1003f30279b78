/*
 * token.h - bearer tokens of the accounts, one each, fetched once for all who wait.
 *
 *     none --get--> fetching --answer--> held --near its end, or forgotten--> none
 *                       |
 *                    refused: all who waited are told, the next get tries again
 *
 * A token is kept as the header line it is used in. It is never logged.
 */
#ifndef PROVIDERS_TOKEN_H
#define PROVIDERS_TOKEN_H

#include "base/list.h"
#include "providers/http_client.h"

enum {
    TOKEN_BUCKET_COUNT = 256,
    TOKEN_BUCKET_MAX = 64, /* accounts in one bucket; beyond it the longest unused is dropped */
};

struct token_cache;

/*
 * failure: NULL when the token is there, as line and generation (see token_cache_get); else
 * "token_refused" or "token_unavailable". It must not start another get.
 */
typedef void (*token_done_fn)(void *ctx, const char *failure, struct str line, int64_t generation);

/* One who waits; lives in its owner's struct. */
struct token_wait {
    struct link link;
    token_done_fn done;
    void *ctx;
};

struct token_cache *token_cache_new(struct http_client *client, const struct engine_config *config);
void token_cache_free(struct token_cache **cache); /* who waits is not told */

/*
 * True: *line ("Authorization: Bearer ...") is borrowed until the next call, *generation names this
 * token. False: wait->done will be called once, never before this returns.
 */
bool token_cache_get(struct token_cache *cache, const struct provider_account *account,
                     struct token_wait *wait, struct str *line, int64_t *generation);
void token_wait_init(struct token_wait *wait, token_done_fn done, void *ctx);
void token_wait_cancel(struct token_wait *wait);
/* The provider answered 401 to the token of this generation. */
void token_cache_refuse(struct token_cache *cache, const struct uuid *account_id,
                        int64_t generation);
/* Drop the token if it is one that was refused: a newer one survives. */
void token_cache_forget_refused(struct token_cache *cache, const struct uuid *account_id);
/* Drop whatever is known of the account; a fetch that runs serves who waits and is not kept. */
void token_cache_forget(struct token_cache *cache, const struct uuid *account_id);

/* "Authorization: Basic ..." from the account's user and password. */
void token_basic_line(const struct provider_account *account, struct secret *line);

#endif
