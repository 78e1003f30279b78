#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/redo_internal.h"

struct key {
    struct uuid merchant_id;
    struct str key;
};

struct redo_keys {
    struct key *key; /* owned; sorted */
    size_t count;
    size_t room;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *first = a;
    const struct key *second = b;
    int order = uuid_compare(&first->merchant_id, &second->merchant_id);
    return order != 0 ? order : str_compare(first->key, second->key);
}

/* ---- arrays (value.h) ------------------------------------------------------------------------ */

struct array {
    struct str rest;
    uint32_t count;
};

static uint32_t take_int4(struct str *rest)
{
    uint32_t wire = 0;
    if (rest->len >= sizeof(wire))
        memcpy(&wire, rest->at, sizeof(wire));
    *rest = str_sub(*rest, sizeof(wire), SIZE_MAX);
    return be32toh(wire);
}

static struct array array_of(const struct journal_statement *statement, unsigned index)
{
    struct array array = {STR_NONE, 0};
    if (index >= statement->count || statement->length[index] < 12)
        return array;
    array.rest = (struct str){statement->value[index], (size_t)statement->length[index]};
    uint32_t dimensions = take_int4(&array.rest);
    (void)take_int4(&array.rest);
    (void)take_int4(&array.rest);
    if (dimensions == 1) {
        array.count = take_int4(&array.rest);
        (void)take_int4(&array.rest);
    }
    return array;
}

static struct str array_next(struct array *array)
{
    uint32_t len = take_int4(&array->rest);
    if (len == UINT32_MAX)
        return STR_NONE;
    struct str element = str_sub(array->rest, 0, len);
    array->rest = str_sub(array->rest, len, SIZE_MAX);
    return element;
}

static struct uuid uuid_from(struct str bytes)
{
    struct uuid id = {{0}};
    if (bytes.len == sizeof(id.byte))
        memcpy(id.byte, bytes.at, sizeof(id.byte));
    return id;
}

/* ---- the keys of a job ----------------------------------------------------------------------- */

typedef bool (*key_fn)(void *ctx, const struct key *key, const struct uuid *payment_id);

/* False as soon as fn says so. The parameters are those of SQL_OPEN and SQL_ORDER_KEY. */
static bool each_key(const struct redo_job *job, key_fn fn, void *ctx)
{
    struct str rest = job->statements;
    struct journal_statement statement;
    bool goes_on = true;
    while (goes_on && journal_statement_next(&rest, &statement)) {
        if (statement.sql == SQL_OPEN) {
            struct array merchants = array_of(&statement, 0);
            struct array keys = array_of(&statement, 1);
            struct array payments = array_of(&statement, 3);
            for (uint32_t i = 0; goes_on && i < keys.count; i++) {
                struct key key = {uuid_from(array_next(&merchants)), array_next(&keys)};
                struct uuid payment_id = uuid_from(array_next(&payments));
                goes_on = fn(ctx, &key, &payment_id);
            }
        } else if (statement.sql == SQL_ORDER_KEY && statement.count >= 4) {
            struct str part[4];
            for (unsigned i = 0; i < ARRAY_LEN(part); i++)
                part[i] = statement.length[i] < 0
                              ? STR_NONE
                              : (struct str){statement.value[i], (size_t)statement.length[i]};
            struct key key = {uuid_from(part[0]), part[1]};
            struct uuid payment_id = uuid_from(part[3]);
            goes_on = fn(ctx, &key, &payment_id);
        }
    }
    return goes_on;
}

struct collecting {
    struct redo_keys *keys;
    const struct redo_job *job;
};

struct asking {
    const struct redo_keys *keys;
};

static bool has_won(const struct redo_job *job, const struct uuid *payment_id)
{
    for (size_t i = 0; i < job->won_count; i++) {
        if (uuid_eq(&job->won[i], payment_id))
            return true;
    }
    return false;
}

static bool collect(void *ctx, const struct key *key, const struct uuid *payment_id)
{
    const struct collecting *collecting = ctx;
    struct redo_keys *keys = collecting->keys;
    if (!has_won(collecting->job, payment_id))
        return true;
    if (keys->count == keys->room) {
        keys->room = keys->room == 0 ? 1024 : keys->room * 2;
        keys->key = realloc(keys->key, keys->room * sizeof(*keys->key));
        CHECK(keys->key != NULL);
    }
    keys->key[keys->count++] = *key;
    return true;
}

struct redo_keys *redo_keys_new(const struct journals *journals)
{
    struct redo_keys *keys = calloc(1, sizeof(*keys));
    CHECK(keys != NULL);
    for (size_t i = 0; i < journals->job_count; i++) {
        struct collecting collecting = {keys, &journals->job[i]};
        if (journals->job[i].fate == REDO_COMMITTED && journals->job[i].won_count > 0)
            (void)each_key(&journals->job[i], collect, &collecting);
    }
    if (keys->count > 0)
        qsort(keys->key, keys->count, sizeof(*keys->key), compare_keys);
    return keys;
}

void redo_keys_free(struct redo_keys **keys)
{
    if (*keys == NULL)
        return;
    free((*keys)->key);
    free(*keys);
    *keys = NULL;
}

static bool is_unknown(void *ctx, const struct key *key, const struct uuid *payment_id UNUSED)
{
    const struct redo_keys *keys = ((const struct asking *)ctx)->keys;
    return keys->count == 0 ||
           bsearch(key, keys->key, keys->count, sizeof(*keys->key), compare_keys) == NULL;
}

bool redo_keys_has(const struct redo_keys *keys, const struct redo_job *job)
{
    struct asking asking = {keys};
    return !each_key(job, is_unknown, &asking);
}
