/*
 * GET /v1/ledger/...: a merchant's books for whoever has an API key: accounts, transfers, balances and statements.
 *
 * A merchant's and finance's keys see their own books, a test key those of the test twin; an operator names whose. A page is
 * JSON, or with `Accept: text/csv` the same rows as CSV; then the way to the next one is in the header Link.
 */
#include "api/books_print.h"
#include "api/list.h"
#include "api/tables.h"
#include "base/clock.h"
#include "http/negotiate.h"

#define CSV_TYPE "text/csv; charset=utf-8; header=present"

enum {
    LINK_BYTES_MAX = 8192,
};

struct asking { /* in the call's arena */
    struct api_call *call;
    enum books_kind kind;
    const char *path;
    struct str account; /* of a statement */
    int64_t as_of_us;   /* of balances */
    bool by_effect;     /* likewise */
    bool is_one;        /* a transfer by its id */
};

static const struct uuid uuid_last = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* ---- what is asked ------------------------------------------------------------------------------ */

static unsigned take_limit(struct api_call *call)
{
    struct str text;
    int64_t limit = 0;
    if (api_call_query(call, "limit", &text) && str_to_int64(text, &limit)) {
        return (unsigned)limit;
    }
    return TABLES_LIST_LIMIT;
}

static bool take_transfer(struct api_call *call, struct uuid *id)
{
    struct str text;
    struct error ignored;
    return api_call_query(call, "starting_after", &text) &&
           id_parse(ID_TRANSFER, text, id, &ignored);
}

static struct asking *asking_new(struct api_call *call, enum books_kind kind, const char *path)
{
    struct asking *asking = ARENA_NEW(&call->arena, struct asking);
    *asking = (struct asking){.call = call, .kind = kind, .path = path};
    return asking;
}

/* JSON also for those who want neither. */
static bool wants_csv(const struct api_call *call)
{
    static const struct str types[] = {STR_INIT("application/json"), STR_INIT(CSV_TYPE)};
    return negotiate_type(http_header(call->x, "Accept"), types, ARRAY_LEN(types)) == 1;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static struct str next_of(const struct asking *asking, const struct books *books)
{
    char id[ID_TEXT_SIZE];
    struct arena *arena = &asking->call->arena;
    if (!books->has_more) {
        return STR_NONE;
    }
    return asking->kind == BOOKS_ACCOUNTS
               ? books->accounts[books->count - 1].id
               : arena_str(arena, id_format(ID_TRANSFER, &books->next, id));
}

static void add_encoded(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool is_safe = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || c == ':';
        if (is_safe) {
            buf_add_char(out, text.at[i]);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}

/* The same request from there on (RFC 8288). */
static void add_link(const struct asking *asking, struct str next)
{
    struct api_call *call = asking->call;
    struct str rest = http_request(call->x)->query;
    struct buf link;
    buf_init(&link, LINK_BYTES_MAX);
    buf_printf(&link, "<%s?", asking->path);
    while (rest.len > 0) {
        struct str pair = str_cut(&rest, '&');
        if (!str_starts(pair, STR("starting_after="))) {
            buf_add_str(&link, pair);
            buf_add_char(&link, '&');
        }
    }
    buf_add_str(&link, STR("starting_after="));
    add_encoded(next, &link);
    buf_add_str(&link, STR(">; rel=\"next\""));
    if (buf_is_ok(&link)) {
        api_call_add_header(call, "Link", buf_str(&link));
    }
    buf_release(&link);
}

static void put_totals(const struct books *books, struct json_out *json)
{
    json_key(json, "totals");
    json_begin_array(json);
    for (size_t i = 0; i < books->count; i++) {
        struct str currency = books->balances[i].currency;
        int64_t debit = 0;
        int64_t credit = 0;
        bool is_first = true;
        for (size_t k = 0; k < books->count; k++) {
            const struct book_balance *row = &books->balances[k];
            is_first = is_first && !(k < i && str_eq(row->currency, currency));
            if (str_eq(row->currency, currency)) {
                CHECK(!__builtin_add_overflow(debit, row->debit_minor, &debit));
                CHECK(!__builtin_add_overflow(credit, row->credit_minor, &credit));
            }
        }
        if (is_first) {
            json_begin_object(json);
            json_put_str(json, "currency", currency);
            json_put_int(json, "debit", debit);
            json_put_int(json, "credit", credit);
            json_end_object(json);
        }
    }
    json_end_array(json);
}

static void put_head(const struct asking *asking, const struct books *books, struct str next,
                     struct json_out *json)
{
    char time[CLOCK_TEXT_SIZE];
    if (asking->kind == BOOKS_BALANCES) {
        json_put_cstr(json, "object", "trial_balance");
        json_put_str(json, "as_of", clock_format_ms(asking->as_of_us, time));
        json_put_cstr(json, "basis", asking->by_effect ? "effective" : "recorded");
        put_totals(books, json);
        return;
    }
    json_put_cstr(json, "object", "list");
    json_put_cstr(json, "url", asking->path);
    json_put_bool(json, "has_more", books->has_more);
    if (str_is_empty(next)) {
        json_put_null(json, "next");
    } else {
        json_put_str(json, "next", next);
    }
    if (asking->kind == BOOKS_LINES) {
        json_put_str(json, "account", asking->account);
    }
}

static void reply_json(const struct asking *asking, const struct books *books, struct str next)
{
    struct buf body;
    struct json_out json;
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    put_head(asking, books, next, &json);
    json_key(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < books->count; i++) {
        books_print_json(asking->kind, books, i, &json);
    }
    json_end_array(&json);
    json_end_object(&json);
    api_call_reply_json(asking->call, 200, &body);
    buf_release(&body);
}

static void reply_csv(const struct asking *asking, const struct books *books)
{
    struct buf body;
    buf_init(&body, CALL_BODY_MAX);
    books_print_csv(asking->kind, books, &body);
    CHECK(buf_is_ok(&body));
    api_call_reply(asking->call, 200, STR(CSV_TYPE), buf_str(&body));
    buf_release(&body);
}

static void reply_one(const struct asking *asking, const struct books *books)
{
    struct buf body;
    struct json_out json;
    if (books->count == 0) {
        api_call_problem(asking->call, MESSAGE_NOT_FOUND, STR("there is no such transfer"),
                         STR_NONE);
        return;
    }
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    books_print_json(asking->kind, books, 0, &json);
    api_call_reply_json(asking->call, 200, &body);
    buf_release(&body);
}

static void came(void *ctx, enum store_find found, const struct books *books,
                 const struct error *why)
{
    struct asking *asking = ctx;
    struct api_call *call = asking->call;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    if (asking->is_one) {
        reply_one(asking, books);
        return;
    }
    struct str next = next_of(asking, books);
    api_call_add_header(call, "Vary", STR("Accept"));
    if (!wants_csv(call)) {
        reply_json(asking, books, next);
        return;
    }
    if (!str_is_empty(next)) {
        add_link(asking, next);
    }
    reply_csv(asking, books);
}

/* ---- requests ----------------------------------------------------------------------------------- */

static void accounts_list(struct api_call *call)
{
    struct str kind = STR_NONE;
    struct str after = STR_NONE;
    (void)api_call_query(call, "kind", &kind);
    (void)api_call_query(call, "starting_after", &after);
    books_accounts(call->api->parts.store, &call->caller.merchant->merchant_id, kind, after,
                   take_limit(call), &call->arena, came,
                   asking_new(call, BOOKS_ACCOUNTS, "/v1/ledger/accounts"));
}

static void transfers_list(struct api_call *call)
{
    struct str text;
    struct error ignored;
    struct books_filter filter = {.before = uuid_last, .limit = take_limit(call)};
    int64_t from_us, to_us;
    if (api_query_moment(call, "created_from", &from_us)) {
        filter.since = uuid_first(from_us);
    }
    if (api_query_moment(call, "created_to", &to_us)) {
        filter.before = uuid_first(to_us);
    }
    struct uuid after;
    if (take_transfer(call, &after) && uuid_compare(&after, &filter.before) < 0) {
        filter.before = after;
    }
    if (api_call_query(call, "payment", &text) &&
        !id_parse(ID_PAYMENT, text, &filter.payment_id, &ignored) &&
        !id_parse(ID_PAYOUT, text, &filter.payment_id, &ignored)) {
        filter.payment_id = (struct uuid){{0}}; /* the table has checked it */
    }
    (void)api_call_query(call, "account", &filter.account);
    (void)api_call_query(call, "kind", &filter.kind);
    (void)api_call_query(call, "state", &filter.state);
    books_transfers(call->api->parts.store, &call->caller.merchant->merchant_id, &filter,
                    &call->arena, came, asking_new(call, BOOKS_TRANSFERS, "/v1/ledger/transfers"));
}

static void transfers_show(struct api_call *call)
{
    struct error ignored;
    struct books_filter filter = {.limit = 1};
    struct asking *asking = asking_new(call, BOOKS_TRANSFERS, "/v1/ledger/transfers");
    asking->is_one = true;
    if (!id_parse(ID_TRANSFER, call->params.value[0], &filter.since, &ignored) ||
        uuid_eq(&filter.since, &uuid_last)) {
        reply_one(asking, &(struct books){.count = 0});
        return;
    }
    filter.before = filter.since; /* and the id behind it */
    for (size_t i = sizeof(filter.before.byte); i-- > 0 && ++filter.before.byte[i] == 0;) {
    }
    books_transfers(call->api->parts.store, &call->caller.merchant->merchant_id, &filter,
                    &call->arena, came, asking);
}

static void balances_show(struct api_call *call)
{
    struct str basis;
    struct asking *asking = asking_new(call, BOOKS_BALANCES, "/v1/ledger/trial-balance");
    bool is_of_then = api_query_moment(call, "as_of", &asking->as_of_us);
    if (!is_of_then) {
        asking->as_of_us = clock_wall_us();
    }
    asking->by_effect = api_call_query(call, "basis", &basis) && str_eq(basis, STR("effective"));
    books_balances(call->api->parts.store, &call->caller.merchant->merchant_id,
                   is_of_then || asking->by_effect ? &asking->as_of_us : NULL, asking->by_effect,
                   &call->arena, came, asking);
}

static void refuse_query(struct api_call *call, const char *detail, const char *param)
{
    api_call_problem(call, MESSAGE_CURSOR_MALFORMED, str_of(detail), str_of(param));
}

static void statements_list(struct api_call *call)
{
    struct uuid after = {{0}};
    struct str account;
    int64_t from_us = 0; /* nothing is older */
    int64_t to_us = clock_wall_us();
    if (!api_call_query(call, "account", &account)) {
        refuse_query(call,
                     "say which account: account=merchant:sales; /v1/ledger/accounts has them",
                     "account");
        return;
    }
    bool has_from = api_query_moment(call, "from", &from_us);
    bool has_to = api_query_moment(call, "to", &to_us);
    if (!has_from && from_us > to_us) {
        from_us = to_us;
    }
    if (!has_to && from_us > to_us) {
        to_us = from_us;
    }
    if (from_us > to_us) {
        refuse_query(call, "to is before from", "to");
        return;
    }
    struct uuid end = uuid_first(to_us);
    if (take_transfer(call, &after) && uuid_compare(&after, &end) > 0) {
        refuse_query(call, "that transfer is not of this statement: it is behind its end",
                     "starting_after");
        return;
    }
    struct asking *asking = asking_new(call, BOOKS_LINES, "/v1/ledger/statements");
    asking->account = arena_str(&call->arena, account);
    books_statement(call->api->parts.store, &call->caller.merchant->merchant_id, account, from_us,
                    to_us, &after, take_limit(call), &call->arena, came, asking);
}

void ledger_accounts_list(struct api_call *call)
{
    api_call_whose(call, accounts_list);
}

void ledger_transfers_list(struct api_call *call)
{
    api_call_whose(call, transfers_list);
}

void ledger_transfers_show(struct api_call *call)
{
    api_call_whose(call, transfers_show);
}

void ledger_balances_show(struct api_call *call)
{
    api_call_whose(call, balances_show);
}

void ledger_statements_list(struct api_call *call)
{
    api_call_whose(call, statements_list);
}
