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

/* False: the call was answered. */
static bool take_merchant(struct api_call *call, struct uuid *merchant_id)
{
    const struct merchant *own = call->caller.merchant;
    struct str text;
    struct error ignored;
    bool is_named = api_call_query(call, "merchant", &text) &&
                    id_parse(ID_MERCHANT, text, merchant_id, &ignored);
    if (own == NULL && !is_named) {
        api_call_problem(call, MESSAGE_MISSING_MEMBER,
                         STR("an operator's key says whose books are meant: merchant=mer_..."),
                         STR("merchant"));
        return false;
    }
    if (own != NULL && is_named && !uuid_eq(merchant_id, &own->merchant_id)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("this key sees no such merchant"),
                         STR("merchant"));
        return false;
    }
    if (own != NULL) {
        *merchant_id = own->merchant_id;
    }
    return true;
}

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

/* The first type that we know counts; JSON if it names none. */
static bool wants_csv(const struct api_call *call)
{
    struct str accept = http_header(call->x, "Accept");
    size_t csv = str_find(accept, STR("text/csv"), 0);
    return csv < accept.len && csv < str_find(accept, STR("json"), 0);
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
    api_call_reply(asking->call, 200, STR("text/csv; charset=utf-8; header=present"),
                   buf_str(&body));
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

void ledger_accounts_list(struct api_call *call)
{
    struct uuid merchant_id;
    struct str kind = STR_NONE;
    struct str after = STR_NONE;
    if (!take_merchant(call, &merchant_id)) {
        return;
    }
    (void)api_call_query(call, "kind", &kind);
    (void)api_call_query(call, "starting_after", &after);
    books_accounts(call->api->parts.store, &merchant_id, kind, after, take_limit(call),
                   &call->arena, came, asking_new(call, BOOKS_ACCOUNTS, "/v1/ledger/accounts"));
}

void ledger_transfers_list(struct api_call *call)
{
    struct uuid merchant_id;
    struct str text;
    struct error ignored;
    struct books_filter filter = {.before = uuid_last, .limit = take_limit(call)};
    int64_t from_us = api_query_time(call, "created_from");
    int64_t to_us = api_query_time(call, "created_to");
    if (!take_merchant(call, &merchant_id)) {
        return;
    }
    if (from_us > 0) {
        filter.since = uuid_first(from_us);
    }
    if (to_us > 0) {
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
    books_transfers(call->api->parts.store, &merchant_id, &filter, &call->arena, came,
                    asking_new(call, BOOKS_TRANSFERS, "/v1/ledger/transfers"));
}

void ledger_transfers_show(struct api_call *call)
{
    struct uuid merchant_id;
    struct error ignored;
    struct books_filter filter = {.limit = 1};
    if (!take_merchant(call, &merchant_id)) {
        return;
    }
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
    books_transfers(call->api->parts.store, &merchant_id, &filter, &call->arena, came, asking);
}

void ledger_balances_show(struct api_call *call)
{
    struct uuid merchant_id;
    struct str basis;
    if (!take_merchant(call, &merchant_id)) {
        return;
    }
    int64_t as_of_us = api_query_time(call, "as_of");
    struct asking *asking = asking_new(call, BOOKS_BALANCES, "/v1/ledger/trial-balance");
    asking->as_of_us = as_of_us > 0 ? as_of_us : clock_wall_us();
    asking->by_effect = api_call_query(call, "basis", &basis) && str_eq(basis, STR("effective"));
    books_balances(call->api->parts.store, &merchant_id, as_of_us, asking->by_effect, &call->arena,
                   came, asking);
}

void ledger_statements_list(struct api_call *call)
{
    struct uuid merchant_id;
    struct uuid after = {{0}};
    struct str account;
    if (!take_merchant(call, &merchant_id)) {
        return;
    }
    if (!api_call_query(call, "account", &account)) {
        api_call_problem(call, MESSAGE_MISSING_MEMBER,
                         STR("say which account: account=merchant:sales; /v1/ledger/accounts has "
                             "them"),
                         STR("account"));
        return;
    }
    int64_t from_us = api_query_time(call, "from");
    int64_t to_us = api_query_time(call, "to");
    to_us = to_us > 0 ? to_us : clock_wall_us();
    from_us = from_us > 0 ? from_us : 1;
    if (from_us > to_us) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED, STR("to is before from"), STR("to"));
        return;
    }
    (void)take_transfer(call, &after);
    struct asking *asking = asking_new(call, BOOKS_LINES, "/v1/ledger/statements");
    asking->account = arena_str(&call->arena, account);
    books_statement(call->api->parts.store, &merchant_id, account, from_us, to_us, &after,
                    take_limit(call), &call->arena, came, asking);
}
