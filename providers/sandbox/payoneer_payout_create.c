/* Payoneer Mass Payouts v4: new payouts, all of them or none. */
#include "providers/sandbox/payoneer_payouts.h"

#include "base/clock.h"
#include "providers/sandbox/raw.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    REFERENCE_MAX = 60,
    PAYEE_MAX = 100,
    TEXT_MAX = 1000,
};

struct row { /* borrowed from the body's JSON */
    struct str reference;
    struct str payee_id;
    int64_t minor;
    int64_t fee_minor;
    const struct currency *currency;
    int64_t date_us; /* 0: at once */
    enum payoneer_payee payee;
    enum payout_plan plan;
};

struct request {
    const char *member; /* "Payments", or "payments" */
    const json_t *list;
    size_t count;
    struct row *rows; /* owned */
    struct table references;
    struct payoneer_problems problems;
    const char *description; /* of the error */
};

static struct str key_name(struct call *call, struct str reference)
{
    return arena_printf(call->arena, "payoneer_payouts\x1f" STR_FMT "\x1f" STR_FMT,
                        STR_ARG(call->account), STR_ARG(reference));
}

struct book_entry *payoneer_payout_find(struct call *call, struct str reference)
{
    const struct book_key *key = books_find_key(call->books, key_name(call, reference));
    return key ? books_find_entry(call->books, key->object) : NULL;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void blame(struct call *call, struct request *request, size_t at, const char *member,
                  struct str value, const char *message)
{
    struct payoneer_problems *problems = &request->problems;
    if (problems->count < PAYONEER_PAYOUT_PROBLEM_MAX) {
        problems->problem[problems->count++] = (struct payoneer_problem){
            arena_printf(call->arena, "%s[%zu].%s", request->member, at, member), value, message};
    }
}

/* A text that must be there, and not be too long. */
static struct str read_text(struct call *call, struct request *request, size_t at,
                            const char *member, size_t most)
{
    struct str text = json_text(json_array_get(request->list, at), member);
    if (text.len == 0) {
        blame(call, request, at, member, STR_NONE, "is required");
        request->description = "The request is missing a required parameter";
    } else if (text.len > most) {
        blame(call, request, at, member, text, "is too long");
    }
    return text;
}

/* A JSON number, or the same as a string. */
static void read_amount(struct call *call, struct request *request, size_t at)
{
    struct row *row = &request->rows[at];
    struct str path = arena_printf(call->arena, "%s.%zu.amount", request->member, at);
    struct str text = raw_json_find(call->req->body, arena_cstr(call->arena, path));
    struct str number = text;
    if (number.len >= 2 && number.at[0] == '"') {
        number = str_sub(number, 1, number.len - 2);
    }
    if (text.len == 0) {
        blame(call, request, at, "amount", STR_NONE, "is required");
        request->description = "The request is missing a required parameter";
    } else if (!raw_money(number, row->currency->exponent, &row->minor) || row->minor <= 0 ||
               row->minor > MONEY_AMOUNT_MAX) {
        blame(call, request, at, "amount", number,
              "must be a number above 0 with the decimals of its currency");
    } else {
        bool done = money_scale(row->minor, PAYONEER_PAYOUT_FEE_PER_10000, 10000, MONEY_HALF_UP,
                                &row->fee_minor);
        CHECK(done);
    }
}

static void read_currency(struct call *call, struct request *request, size_t at)
{
    struct row *row = &request->rows[at];
    const json_t *json = json_array_get(request->list, at);
    struct str code = json_text(json, "currency");
    row->currency = call->settings->program_currency;
    if (json_object_get(json, "currency") && !json_is_null(json_object_get(json, "currency"))) {
        row->currency = currency_find(code);
    }
    if (!row->currency) {
        blame(call, request, at, "currency", code, "is not a supported currency");
    }
}

static void read_date(struct call *call, struct request *request, size_t at)
{
    struct error err;
    struct str text = json_text(json_array_get(request->list, at), "payout_date");
    if (text.len > 0 && !clock_parse(text, &request->rows[at].date_us, &err)) {
        blame(call, request, at, "payout_date", text, "is not a date");
    }
}

static void read_payee(struct call *call, struct request *request, size_t at)
{
    struct row *row = &request->rows[at];
    row->payee_id = read_text(call, request, at, "payee_id", PAYEE_MAX);
    if (row->payee_id.len == 0) {
        return;
    }
    row->payee = payoneer_payee(call, row->payee_id);
    row->plan = payout_plan_of(SANDBOX_PAYONEER_PAYOUTS, row->payee_id);
    if (row->payee == PAYONEER_PAYEE_UNKNOWN) {
        blame(call, request, at, "payee_id", row->payee_id, "Payee does not exist");
    } else if (row->payee == PAYONEER_PAYEE_INACTIVE) {
        blame(call, request, at, "payee_id", row->payee_id, "Payee is inactive");
    }
}

static void read_reference(struct call *call, struct request *request, size_t at)
{
    struct row *row = &request->rows[at];
    row->reference = read_text(call, request, at, "client_reference_id", REFERENCE_MAX);
    struct book_entry *known =
        row->reference.len > 0 ? payoneer_payout_find(call, row->reference) : NULL;
    if (known || table_find(&request->references, row->reference)) {
        blame(call, request, at, "client_reference_id", row->reference,
              "Payment with this client_reference_id already exists");
        request->description = "Payment with this client_reference_id already exists";
    }
    if (known) {
        known->request_count++;
        books_note_entry(call->books, known);
    } else if (row->reference.len > 0) {
        table_put(&request->references, row->reference, row);
    }
}

static bool read_rows(struct call *call, struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        if (!json_is_object(json_array_get(request->list, i))) {
            blame(call, request, i, "client_reference_id", STR_NONE, "is required");
            continue;
        }
        read_reference(call, request, i);
        read_payee(call, request, i);
        read_currency(call, request, i);
        if (request->rows[i].currency) {
            read_amount(call, request, i);
        }
        (void)read_text(call, request, i, "description", TEXT_MAX);
        read_date(call, request, i);
    }
    return request->problems.count == 0;
}

/* ---- money ----------------------------------------------------------------------------------- */

static bool is_covered(struct call *call, const struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct row *row = &request->rows[i];
        int64_t out =
            payouts_sum(call->payouts, SANDBOX_PAYONEER_PAYOUTS, call->account, row->currency);
        for (size_t j = 0; j <= i; j++) {
            const struct row *before = &request->rows[j];
            out += before->currency == row->currency ? before->minor + before->fee_minor : 0;
        }
        if (row->plan == PAYOUT_INSUFFICIENT || out > call->settings->payout_balance_minor) {
            return false;
        }
    }
    return call->forced != SCENARIO_SOFT;
}

/* ---- effect ---------------------------------------------------------------------------------- */

static void add_payout(struct call *call, const struct request *request, size_t at)
{
    struct books *books = call->books;
    const struct row *row = &request->rows[at];
    const json_t *json = json_array_get(request->list, at);
    bool waits = row->payee == PAYONEER_PAYEE_PENDING;
    struct book_session *payee = waits ? payoneer_payee_session(call, row->payee_id) : NULL;
    struct str id = arena_printf(call->arena, "16%08lld", (long long)books->log_count + 1);
    struct book_entry *entry = books_add_entry(books, id, payee);
    enum payout_plan plan = call->forced == SCENARIO_HARD       ? PAYOUT_DEACTIVATED
                            : waits                             ? PAYOUT_PAYEE_PENDING
                            : row->plan == PAYOUT_PAYEE_PENDING ? PAYOUT_PAID
                                                                : row->plan;
    int64_t due_us = call->now_us + call->settings->payout_ms * 1000;
    entry->provider = SANDBOX_PAYONEER_PAYOUTS;
    entry->account = books_keep(books, call->account);
    entry->kind = BOOK_PAYOUT;
    entry->reference = books_keep(books, row->reference);
    entry->invoice = books_keep(books, json_text(json, "group_id"));
    entry->amount_minor = row->minor;
    entry->currency = row->currency;
    entry->fee_minor = row->fee_minor;
    entry->created_us = call->now_us;
    entry->updated_us = call->now_us;
    entry->key = entry->reference;
    entry->note = books_keep(books, json_text(json, "description"));
    entry->receiver = books_keep(books, row->payee_id);
    entry->final = row->date_us > due_us; /* scheduled */
    payouts_begin(call->payouts, entry, waits ? BOOK_PAYEE_PENDING : BOOK_PENDING, plan,
                  row->date_us > due_us ? row->date_us : due_us);
    books_add_key(books, key_name(call, row->reference), entry->id, call->now_us);
}

static void create(struct call *call, struct request *request)
{
    struct json_out out;
    if (!read_rows(call, request)) {
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER,
                              request->description ? request->description : "Invalid payout data",
                              &request->problems);
        return;
    }
    if (!is_covered(call, request)) {
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER, "Insufficient funds", NULL);
        return;
    }
    for (size_t i = 0; i < request->count; i++) {
        add_payout(call, request, i);
    }
    payoneer_payout_begin(call, 201, &out);
    json_cstr(&out, "Payments Created");
    json_end_object(&out);
}

void payoneer_payout_create(struct call *call)
{
    struct request request = {.member = "Payments"};
    if (!payoneer_payout_parse(call)) {
        return;
    }
    request.list = json_object_get(call->json, "Payments");
    if (!request.list) {
        request.member = "payments";
        request.list = json_object_get(call->json, "payments");
    }
    request.count = json_array_size(request.list);
    if (request.count == 0 || request.count > PAYONEER_PAYOUT_BATCH_MAX) {
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER,
                              request.count == 0 ? "The request is missing a required parameter"
                                                 : "There are more than 500 payments",
                              NULL);
        return;
    }
    table_init(&request.references);
    request.rows = calloc(request.count, sizeof(*request.rows));
    CHECK(request.rows);
    create(call, &request);
    free(request.rows);
    table_release(&request.references);
}
