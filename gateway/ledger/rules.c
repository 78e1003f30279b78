#include "ledger/rules.h"

#include <string.h>

#include "ledger/call.h"
#include "ledger/change.h"
#include "ledger/count.h"

static enum rules_arm arm_find(struct str name)
{
    enum rules_arm arm = RULES_ARM_LIVE;
    while (arm < RULES_ARM_COUNT && !str_eq(str_of(rules_arm_name(arm)), name))
        arm++;
    CHECK(arm < RULES_ARM_COUNT);
    return arm;
}

/* ---- writing ---- */

static struct str bytes_of(const uint8_t hash[32])
{
    return (struct str){(const char *)hash, 32};
}

void rules_put(struct store *store, const struct rules_version *version, store_count_fn done,
               void *ctx)
{
    struct call *call = count_new(store, SQL_RULE_PUT, done, ctx);
    params_uuid(&call->params, &version->merchant_id);
    params_time(&call->params, version->created_us);
    params_bytea(&call->params, bytes_of(version->hash));
    params_text(&call->params, version->author);
    params_text(&call->params, version->comment);
    params_text(&call->params, version->text);
    call_submit(call);
}

static void put_version(struct params *params, int32_t version)
{
    if (version == 0)
        params_null(params);
    else
        params_int4(params, version);
}

void rules_move(struct store *store, const struct uuid *merchant_id, const struct rules_move *move,
                directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_RULE_MOVE, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_int4(params, move->number);
    params_text(params, str_of(rules_kind_name(move->kind)));
    put_version(params, move->version);
    put_version(params, move->former);
    params_int4(params, move->percent_millionths);
    params_time(params, move->created_us);
    params_text(params, move->author);
    params_text(params, move->reason);
    params_text(params, move->approver);
    params_text(params, move->bounds_json.len > 0 ? move->bounds_json : STR("{}"));
    call_submit(call);
}

void rules_approval(struct store *store, const struct uuid *merchant_id, bool required,
                    directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_RULE_APPROVAL, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_bool(params, required);
    call_submit(call);
}

void rules_tally(struct store *store, const struct uuid *merchant_id, int32_t number,
                 enum rules_arm arm, const struct rules_tally *tally, directory_done_fn done,
                 void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_RULE_TALLY, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_int4(params, number);
    params_text(params, str_of(rules_arm_name(arm)));
    params_int8(params, tally->approved);
    params_int8(params, tally->declined);
    params_int8(params, tally->unknown);
    params_int8(params, tally->fee_count);
    params_int8(params, tally->fee_sum);
    params_int8(params, tally->fee_squares);
    call_submit(call);
}

void rules_look(struct store *store, const struct uuid *merchant_id, int32_t number, int32_t look,
                store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_RULE_LOOK, done, ctx);
    params_uuid(&call->params, merchant_id);
    params_int4(&call->params, number);
    params_int4(&call->params, look);
    call_submit(call);
}

/* ---- reading ---- */

struct rules_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    bool is_list; /* nothing is an answer, too */
    size_t count;
    struct rules_version *versions; /* in the arena, as the others */
    struct rules_move *moves;
    struct rules_force *force;
    struct rules_tally tally[RULES_ARM_COUNT];
    rules_versions_fn versions_done; /* one of them */
    rules_moves_fn moves_done;
    rules_force_fn force_done;
    rules_tallies_fn tallies_done;
    void *ctx;
};

static void take_versions(struct rules_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    read->versions = ARENA_ARRAY(arena, struct rules_version, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->versions[row] = (struct rules_version){
            .merchant_id = read->merchant_id,
            .version = column_int4(res, row, 0),
            .created_us = column_time(res, row, 2),
            .author = column_copy(res, row, 3, arena),
            .comment = column_copy(res, row, 4, arena),
            .text = column_copy(res, row, 5, arena),
        };
        column_digest(res, row, 1, read->versions[row].hash);
    }
}

static void take_moves(struct rules_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    read->moves = ARENA_ARRAY(arena, struct rules_move, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->moves[row] = (struct rules_move){
            .number = column_int4(res, row, 0),
            .kind = rules_kind_find(column_text(res, row, 1)),
            .version = column_int4(res, row, 2),
            .former = column_int4(res, row, 3),
            .percent_millionths = column_int4(res, row, 4),
            .created_us = column_time(res, row, 5),
            .author = column_copy(res, row, 6, arena),
            .reason = column_copy(res, row, 7, arena),
            .bounds_json = column_copy(res, row, 8, arena),
        };
    }
}

static void take_force(struct rules_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    read->force = ARENA_ARRAY(arena, struct rules_force, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->force[row] = (struct rules_force){
            .merchant_id = column_uuid(res, row, 0),
            .arm = arm_find(column_text(res, row, 1)),
            .number = column_int4(res, row, 2),
            .version = column_int4(res, row, 3),
            .percent_millionths = column_int4(res, row, 5),
            .since_us = column_time(res, row, 6),
            .bounds_json = column_copy(res, row, 7, arena),
            .former = column_int4(res, row, 8),
        };
        column_digest(res, row, 4, read->force[row].hash);
    }
}

static void take_tallies(struct rules_read *read, const PGresult *res)
{
    for (int row = 0; row < PQntuples(res); row++) {
        read->tally[arm_find(column_text(res, row, 0))] = (struct rules_tally){
            .approved = column_int8(res, row, 1),
            .declined = column_int8(res, row, 2),
            .unknown = column_int8(res, row, 3),
            .fee_count = column_int8(res, row, 4),
            .fee_sum = column_int8(res, row, 5),
            .fee_squares = column_int8(res, row, 6),
            .looks = column_int4(res, row, 7),
        };
    }
}

static void read_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct rules_read *read = LIST_OWNER(job, struct rules_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    if (sql == SQL_RULE_MOVES)
        take_moves(read, res);
    else if (sql == SQL_RULE_FORCE)
        take_force(read, res);
    else if (sql == SQL_RULE_TALLIES)
        take_tallies(read, res);
    else
        take_versions(read, res);
}

static void read_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct rules_read *read = LIST_OWNER(job, struct rules_read, call.request.job);
    bool is_done = end == PG_DONE;
    size_t count = is_done ? read->count : 0;
    enum store_find found = !is_done                       ? STORE_FAILED
                            : count == 0 && !read->is_list ? STORE_ABSENT
                                                           : STORE_FOUND;
    if (read->versions_done != NULL)
        read->versions_done(read->ctx, found, read->versions, count, &why->err);
    else if (read->moves_done != NULL)
        read->moves_done(read->ctx, found, read->moves, count, &why->err);
    else if (read->force_done != NULL)
        read->force_done(read->ctx, found, read->force, count, &why->err);
    else
        read->tallies_done(read->ctx, found, &read->tally[RULES_ARM_LIVE],
                           &read->tally[RULES_ARM_CANARY], &why->err);
    call_free(&read->call);
}

static struct rules_read *read_new(struct store *store, const struct uuid *merchant_id,
                                   struct arena *arena, enum sql sql, void *ctx)
{
    struct rules_read *read = call_new(store, sizeof(*read), SQL_READER, read_result, read_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->is_list = sql != SQL_RULE_LOAD && sql != SQL_RULE_FIND;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    call_add(&read->call, sql);
    return read;
}

void rules_load(struct store *store, const struct uuid *merchant_id, int32_t version,
                struct arena *arena, rules_versions_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, arena, SQL_RULE_LOAD, ctx);
    read->versions_done = done;
    params_int4(&read->call.params, version);
    call_submit(&read->call);
}

void rules_find(struct store *store, const struct uuid *merchant_id, const uint8_t hash[32],
                struct arena *arena, rules_versions_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, arena, SQL_RULE_FIND, ctx);
    read->versions_done = done;
    params_bytea(&read->call.params, bytes_of(hash));
    call_submit(&read->call);
}

void rules_list(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                rules_versions_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, arena, SQL_RULE_LIST, ctx);
    read->versions_done = done;
    params_int8(&read->call.params, RULES_LIST_MAX);
    call_submit(&read->call);
}

void rules_moves(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                 rules_moves_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, arena, SQL_RULE_MOVES, ctx);
    read->moves_done = done;
    params_int8(&read->call.params, RULES_MOVE_MAX);
    call_submit(&read->call);
}

void rules_in_force(struct store *store, const struct uuid *merchant_id, struct arena *arena,
                    rules_force_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, arena, SQL_RULE_FORCE, ctx);
    read->force_done = done;
    call_submit(&read->call);
}

void rules_tallies(struct store *store, const struct uuid *merchant_id, int32_t number,
                   rules_tallies_fn done, void *ctx)
{
    struct rules_read *read = read_new(store, merchant_id, NULL, SQL_RULE_TALLIES, ctx);
    read->tallies_done = done;
    params_int4(&read->call.params, number);
    call_submit(&read->call);
}
