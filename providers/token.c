#include "providers/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define BEARER "Authorization: Bearer "
#define BASIC  "Authorization: Basic "

enum {
    TOKEN_MARGIN_MS = 60000, /* not used in its last minute, or last tenth if that is less */
    TOKEN_ARENA_MAX = 65536,
};

struct token {
    struct link link; /* in its bucket, newest use first; alone when the account was forgotten */
    struct token_cache *cache;
    struct uuid account_id;
    const struct provider *provider;
    struct secret line; /* empty: none held */
    int64_t valid_until_us;
    int64_t generation;
    int64_t refused_generation;
    struct link waiters;
    struct http_transfer *fetch; /* NULL: none running */
    struct provider_request request;
    struct provider_account place; /* the account, at the host that gives tokens; while fetching */
    struct arena arena;            /* of the request, while fetching */
    bool is_forgotten;
};

struct token_cache {
    struct http_client *client; /* borrowed */
    struct engine_config config;
    int64_t generation;
    struct link bucket[TOKEN_BUCKET_COUNT];
    size_t bucket_size[TOKEN_BUCKET_COUNT];
    struct link forgotten; /* tokens whose fetch still runs */
};

static size_t bucket_of(const struct uuid *id)
{
    return id->byte[15]; /* the last bits of a UUIDv7 are random */
}

static struct token *find(struct token_cache *cache, const struct uuid *account_id)
{
    struct link *bucket = &cache->bucket[bucket_of(account_id)];

    for (struct link *at = bucket->next; at != bucket; at = at->next) {
        struct token *token = LIST_OWNER(at, struct token, link);
        if (uuid_eq(&token->account_id, account_id))
            return token;
    }
    return NULL;
}

static void free_token(struct token *token)
{
    CHECK(token->fetch == NULL);
    list_remove(&token->link);
    secret_release(&token->line);
    arena_release(&token->arena);
    free(token);
}

/* Take it out of its bucket. It dies at once, or when the fetch that others wait for is over. */
static void drop(struct token *token)
{
    token->cache->bucket_size[bucket_of(&token->account_id)]--;
    list_remove(&token->link);
    if (token->fetch == NULL) {
        free_token(token);
        return;
    }
    token->is_forgotten = true;
    list_add_last(&token->cache->forgotten, &token->link);
}

static struct token *add(struct token_cache *cache, const struct provider_account *account)
{
    const size_t index = bucket_of(&account->account_id);
    struct token *token = calloc(1, sizeof(*token));

    CHECK(token != NULL);
    if (cache->bucket_size[index] >= TOKEN_BUCKET_MAX)
        drop(LIST_OWNER(cache->bucket[index].prev, struct token, link));
    token->cache = cache;
    token->account_id = account->account_id;
    token->provider = account->provider;
    secret_init(&token->line);
    arena_init(&token->arena, TOKEN_ARENA_MAX);
    list_init(&token->waiters);
    list_init(&token->link);
    list_add_first(&cache->bucket[index], &token->link);
    cache->bucket_size[index]++;
    return token;
}

/* Put `prefix` before what `secret` holds, leaving no copy behind; false when it gets too long. */
static bool prepend(struct secret *secret, struct str prefix)
{
    char line[SECRET_MAX];

    if (secret->len + prefix.len > sizeof(line))
        return false;
    memcpy(line, prefix.at, prefix.len);
    memcpy(line + prefix.len, secret->at, secret->len);
    secret_set(secret, (struct str){line, prefix.len + secret->len});
    explicit_bzero(line, sizeof(line));
    return true;
}

/* NULL: the answer brought a token, which is now held. */
static const char *take_answer(struct token *token, const struct engine_result *result)
{
    char id[ID_TEXT_SIZE];
    struct error err = {.code = ERROR_UNAVAILABLE};
    int64_t lifetime_ms = 0;
    bool taken = false;

    if (result->end != ENGINE_ANSWERED)
        (void)fail(&err, ERROR_UNAVAILABLE, "cannot get token: %s", result->reason);
    else
        taken = token->provider->judge_token(&result->answer, &token->line, &lifetime_ms, &err);
    if (taken && !prepend(&token->line, STR(BEARER)))
        taken = fail(&err, ERROR_UNAVAILABLE, "cannot get token: it is too long");
    if (taken) {
        const int64_t tenth_ms = lifetime_ms / 10;
        const int64_t margin_ms = tenth_ms < TOKEN_MARGIN_MS ? tenth_ms : TOKEN_MARGIN_MS;
        token->valid_until_us = clock_mono_us() + (lifetime_ms - margin_ms) * CLOCK_MS_US;
        token->generation = ++token->cache->generation;
        return NULL;
    }
    secret_release(&token->line);
    log_warn("engine", "no token", LOG_CSTR("provider", token->provider->name),
             LOG_STR("account_id", id_format(ID_ACCOUNT, &token->account_id, id)),
             LOG_CSTR("error", err.text));
    return err.code == ERROR_DENIED ? "token_refused" : "token_unavailable";
}

static void fetch_done(void *ctx, const struct engine_result *result)
{
    struct token *token = ctx;
    const char *failure = take_answer(token, result);

    token->fetch = NULL;
    arena_reset(&token->arena);
    while (!list_is_empty(&token->waiters)) {
        struct token_wait *wait =
            LIST_OWNER(list_take_first(&token->waiters), struct token_wait, link);
        wait->done(wait->ctx, failure, secret_expose(&token->line), token->generation);
    }
    if (token->is_forgotten)
        free_token(token);
}

void token_basic_line(const struct provider_account *account, struct secret *line)
{
    const struct str password = secret_expose(&account->password);
    char pair[SECRET_MAX];
    struct buf text;

    CHECK(account->user.len + 1 + password.len <= sizeof(pair));
    memcpy(pair, account->user.at, account->user.len);
    pair[account->user.len] = ':';
    if (password.len > 0)
        memcpy(pair + account->user.len + 1, password.at, password.len);
    buf_init(&text, SECRET_MAX);
    CHECK(buf_extend(&text, SECRET_MAX) !=
          NULL); /* once, so that growing leaves no copies behind */
    buf_clear(&text);
    buf_add_str(&text, STR(BASIC));
    crypto_base64((struct str){pair, account->user.len + 1 + password.len}, &text);
    CHECK(buf_is_ok(&text));
    secret_set(line, buf_str(&text));
    explicit_bzero(pair, sizeof(pair));
    explicit_bzero(text.at, text.len);
    buf_release(&text);
}

static void fetch(struct token *token, const struct provider_account *account)
{
    const struct engine_config *config = &token->cache->config;
    struct secret basic;

    token->provider->build_token(account, &token->arena, &token->request);
    CHECK(token->request.basic_auth);
    token->place = *account;
    if (token->provider->find_token_url != NULL)
        token->provider->find_token_url(account, token->place.base_url);
    secret_init(&basic);
    token_basic_line(account, &basic);
    const struct http_call call = {
        .account = &token->place,
        .request = &token->request,
        .authorization = secret_expose(&basic),
        .connect_ms = config->connect_ms < config->token_ms ? config->connect_ms : config->token_ms,
        .answer_ms = config->token_ms,
        .not_after_us = INT64_MAX,
        .not_after_wall_us = INT64_MAX,
    };
    token->fetch = http_client_start(token->cache->client, &call, fetch_done, token);
    secret_release(&basic);
}

bool token_cache_get(struct token_cache *cache, const struct provider_account *account,
                     struct token_wait *wait, struct str *line, int64_t *generation)
{
    struct token *token = find(cache, &account->account_id);

    if (token == NULL)
        token = add(cache, account);
    if (token->fetch == NULL && token->line.len > 0 && clock_mono_us() < token->valid_until_us) {
        list_remove(&token->link);
        list_add_first(&cache->bucket[bucket_of(&token->account_id)], &token->link);
        *line = secret_expose(&token->line);
        *generation = token->generation;
        return true;
    }
    list_add_last(&token->waiters, &wait->link);
    if (token->fetch == NULL)
        fetch(token, account);
    return false;
}

void token_wait_init(struct token_wait *wait, token_done_fn done, void *ctx)
{
    list_init(&wait->link);
    wait->done = done;
    wait->ctx = ctx;
}

void token_wait_cancel(struct token_wait *wait)
{
    list_remove(&wait->link);
}

void token_cache_refuse(struct token_cache *cache, const struct uuid *account_id,
                        int64_t generation)
{
    struct token *token = find(cache, account_id);

    if (token != NULL && generation > token->refused_generation)
        token->refused_generation = generation;
}

void token_cache_forget_refused(struct token_cache *cache, const struct uuid *account_id)
{
    struct token *token = find(cache, account_id);

    if (token != NULL && token->fetch == NULL && token->generation <= token->refused_generation)
        secret_release(&token->line);
}

void token_cache_forget(struct token_cache *cache, const struct uuid *account_id)
{
    struct token *token = find(cache, account_id);

    if (token != NULL)
        drop(token);
}

struct token_cache *token_cache_new(struct http_client *client, const struct engine_config *config)
{
    struct token_cache *cache = calloc(1, sizeof(*cache));

    CHECK(cache != NULL);
    cache->client = client;
    cache->config = *config;
    list_init(&cache->forgotten);
    for (size_t i = 0; i < TOKEN_BUCKET_COUNT; i++)
        list_init(&cache->bucket[i]);
    return cache;
}

static void free_list(struct link *tokens)
{
    while (!list_is_empty(tokens)) {
        struct token *token = LIST_OWNER(list_take_first(tokens), struct token, link);
        while (!list_is_empty(&token->waiters))
            (void)list_take_first(&token->waiters);
        if (token->fetch != NULL)
            http_client_cancel(token->fetch);
        token->fetch = NULL;
        free_token(token);
    }
}

void token_cache_free(struct token_cache **cache)
{
    if (*cache == NULL)
        return;
    for (size_t i = 0; i < TOKEN_BUCKET_COUNT; i++)
        free_list(&(*cache)->bucket[i]);
    free_list(&(*cache)->forgotten);
    free(*cache);
    *cache = NULL;
}
