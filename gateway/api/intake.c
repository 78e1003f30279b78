#include "api/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/card.h"
#include "api/payout_check.h"
#include "api/payouts.h"
#include "api/rows.h"
#include "api/tables.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "payment/hash.h"
#include "payment/idempotency.h"
#include "payment/order_request.h"

enum {
    /* Sealed rows and errors. A CSV row has few bytes of its own and the names of all columns. */
    BATCH_BYTES_MAX = 32 * 1024 * 1024,
    KEPT_BYTES_MAX = 2 * BATCH_BYTES_MAX, /* the header, one row too many, and the answer, too */
    CURRENCY_MAX = 256,
    PROBLEM_BYTES_MAX = 65536,
    STORE_ROUNDS_MAX = 3,
};

static_assert((int)ROW_BYTES_MAX <= (int)ORDER_REQUEST_BYTES_MAX, "a row can be sealed");

struct known_reference { /* in the arena */
    struct str text;
    int32_t row;
    UT_hash_handle hh;
};

struct total { /* of one currency */
    const struct currency *currency;
    int64_t count;
    int64_t amount_minor;
    int64_t largest_minor;
};

struct intake {
    struct api_call *call; /* borrowed; it owns this */
    struct loop_timer timer;
    struct rows rows;
    struct arena kept; /* until the answer */
    struct arena row;  /* of one row */
    struct str key;
    bool is_rejecting; /* on_invalid */
    uint8_t chain[SHA256_SIZE];
    struct known_reference *references; /* hash; its entries live in kept */
    struct order *orders;               /* owned */
    size_t order_count;
    struct order_error *errors; /* owned */
    size_t error_count;
    size_t room; /* of both */
    struct total totals[CURRENCY_MAX];
    size_t total_count;
    struct order_batch batch;
    struct store_answer answer;
    struct order_bundle bundle;
    unsigned rounds;
};

void intake_free(struct intake **intake_at)
{
    struct intake *intake = *intake_at;
    if (intake == NULL) {
        return;
    }
    *intake_at = NULL;
    intake->call->api->intake_count--;
    HASH_CLEAR(hh, intake->references);
    loop_timer_release(&intake->timer);
    arena_release(&intake->row);
    arena_release(&intake->kept);
    free(intake->orders);
    free(intake->errors);
    free(intake);
}

static void refuse(struct intake *intake, const struct field_problem *problem)
{
    api_call_problem(intake->call, problem->message, str_of(problem->detail),
                     str_of(problem->param));
}

/* ---- one row --------------------------------------------------------------------------------- */

static void make_room(struct intake *intake)
{
    if (intake->order_count < intake->room && intake->error_count < intake->room) {
        return;
    }
    intake->room = intake->room == 0 ? 64 : intake->room * 2;
    intake->orders = realloc(intake->orders, intake->room * sizeof(*intake->orders));
    intake->errors = realloc(intake->errors, intake->room * sizeof(*intake->errors));
    CHECK(intake->orders != NULL && intake->errors != NULL);
}

/* Of a row that is refused: only if it is what a reference may be, and no card number. */
static struct str sound_reference(struct intake *intake, const json_t *row)
{
    struct field_problem ignored;
    struct str text = json_text(row, "reference");
    const struct field *field = field_find(&payout_fields, STR("reference"));
    bool is_sound = text.len > 0 && field_check_text(field, text, &ignored);
    return is_sound ? arena_str(&intake->kept, text) : STR_NONE;
}

static void keep_error(struct intake *intake, const json_t *row,
                       const struct field_problem *problem)
{
    struct buf text;
    struct json_out json;
    const char *code = message_entry(problem->message)->code;
    make_room(intake);
    buf_init(&text, PROBLEM_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_array(&json);
    json_begin_object(&json);
    json_put_cstr(&json, "code", code);
    json_put_cstr(&json, "param", problem->param);
    json_put_cstr(&json, "detail", problem->detail);
    json_end_object(&json);
    json_end_array(&json);
    CHECK(buf_is_ok(&text));
    intake->errors[intake->error_count++] = (struct order_error){
        .row_number = (int32_t)intake->rows.count,
        .reference = row != NULL ? sound_reference(intake, row) : STR_NONE,
        .code = str_of(code),
        .errors_json = arena_str(&intake->kept, buf_str(&text)),
    };
    buf_release(&text);
}

/* False: an earlier row has the reference. */
static bool take_reference(struct intake *intake, struct str reference,
                           struct field_problem *problem)
{
    struct known_reference *known = NULL;
    if (reference.len == 0) {
        return true;
    }
    HASH_FIND(hh, intake->references, reference.at, reference.len, known);
    if (known != NULL) {
        return field_fail(problem, MESSAGE_REFERENCE_TAKEN, STR("reference"),
                          "row %d of this batch has the same reference", (int)known->row);
    }
    known = ARENA_NEW(&intake->kept, struct known_reference);
    known->text = reference;
    known->row = (int32_t)intake->rows.count;
    HASH_ADD_KEYPTR(hh, intake->references, known->text.at, known->text.len, known);
    return true;
}

/* False: the total of a currency would be beyond what can be added up. */
static bool add_total(struct intake *intake, const struct order *order,
                      const struct currency *currency, struct field_problem *problem)
{
    struct total *total = NULL;
    for (size_t i = 0; i < intake->total_count && total == NULL; i++) {
        total = intake->totals[i].currency == currency ? &intake->totals[i] : NULL;
    }
    if (total == NULL) {
        CHECK(intake->total_count < CURRENCY_MAX); /* there are fewer currencies */
        total = &intake->totals[intake->total_count++];
        *total = (struct total){.currency = currency};
    }
    if (!money_add(total->amount_minor, order->amount_minor, &total->amount_minor)) {
        return field_fail(problem, MESSAGE_INVALID_AMOUNT, STR("amount"),
                          "the batch's total in %s is too large", currency->code);
    }
    total->count++;
    if (order->amount_minor > total->largest_minor) {
        total->largest_minor = order->amount_minor;
    }
    return true;
}

static bool keep_order(struct intake *intake, const json_t *row, struct field_problem *problem)
{
    const struct merchant *merchant = intake->call->caller.merchant;
    const struct currency *currency = currency_find(json_text(row, "currency"));
    struct str reference = arena_str(&intake->kept, json_text(row, "reference"));
    make_room(intake);
    struct order *order = &intake->orders[intake->order_count];
    *order = (struct order){
        .merchant_id = merchant->merchant_id,
        .order_id = uuid_new(),
        .row_number = (int32_t)intake->rows.count,
        .livemode = merchant->livemode,
        .amount_minor = json_integer_value(json_object_get(row, "amount")),
        .reference = reference,
        .created_by = intake->call->caller.key_id,
    };
    memcpy(order->currency, currency->code, sizeof(order->currency));
    if (!order_request_seal(intake->call->api->parts.seal_key, &order->merchant_id,
                            &order->order_id, row, &intake->kept, &order->request_sealed)) {
        return field_fail(problem, MESSAGE_INVALID_MEMBER, STR_NONE, "the row is too large");
    }
    if (!take_reference(intake, reference, problem) ||
        !add_total(intake, order, currency, problem)) {
        return false;
    }
    intake->order_count++;
    return true;
}

/*
 * The digest of all rows so far and of this one: as it was sent, before the checks write it plain.
 * What has no canonical form (other cells than the header's, too large a one) is known by its text;
 * no canonical form begins with a NUL.
 */
static void add_to_chain(struct intake *intake, const json_t *row)
{
    struct buf text;
    buf_init(&text, ROW_BYTES_MAX * 2 + SHA256_SIZE);
    buf_add(&text, intake->chain, SHA256_SIZE);
    if (row == NULL || !json_canonical(row, &text)) {
        buf_clear(&text);
        buf_add(&text, intake->chain, SHA256_SIZE);
        buf_add_char(&text, '\0');
        buf_add_str(&text, intake->rows.raw);
    }
    CHECK(buf_is_ok(&text));
    crypto_sha256(buf_str(&text), intake->chain);
    buf_release(&text);
}

static void take_row(struct intake *intake, json_t *row)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    add_to_chain(intake, row);
    if (!field_check(&payout_fields, row, &problem) || !payout_check(row, &problem) ||
        !keep_order(intake, row, &problem)) {
        keep_error(intake, row, &problem);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool needs_approval(const struct intake *intake, const struct total *total)
{
    int64_t limit = merchant_payout_limit(intake->call->caller.merchant, total->currency);
    return limit > 0 && (total->amount_minor > limit || total->largest_minor > limit);
}

/* [{"currency","limit","amount","largest"}] of each currency that is above its limit. */
static struct str print_exceeded(struct intake *intake)
{
    struct buf text;
    struct json_out json;
    buf_init(&text, PROBLEM_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_array(&json);
    for (size_t i = 0; i < intake->total_count; i++) {
        const struct total *total = &intake->totals[i];
        if (!needs_approval(intake, total)) {
            continue;
        }
        json_begin_object(&json);
        json_put_cstr(&json, "currency", total->currency->code);
        json_put_int(&json, "limit",
                     merchant_payout_limit(intake->call->caller.merchant, total->currency));
        json_put_int(&json, "amount", total->amount_minor);
        json_put_int(&json, "largest", total->largest_minor);
        json_end_object(&json);
    }
    json_end_array(&json);
    struct str kept = arena_str(&intake->kept, buf_str(&text));
    buf_release(&text);
    return kept;
}

static struct str print_totals(struct intake *intake)
{
    struct buf text;
    struct json_out json;
    buf_init(&text, PROBLEM_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_array(&json);
    for (size_t i = 0; i < intake->total_count; i++) {
        json_begin_object(&json);
        json_put_cstr(&json, "currency", intake->totals[i].currency->code);
        json_put_int(&json, "rows", intake->totals[i].count);
        json_put_int(&json, "amount", intake->totals[i].amount_minor);
        json_end_object(&json);
    }
    json_end_array(&json);
    struct str kept = arena_str(&intake->kept, buf_str(&text));
    buf_release(&text);
    return kept;
}

/* As it is counted later: refused rows by the code of their first error. */
static size_t count_invalid(const struct intake *intake, struct batch_count counts[MESSAGE_COUNT])
{
    size_t used = 0;
    for (size_t i = 0; i < intake->error_count; i++) {
        size_t at = 0;
        while (at < used && !str_eq(counts[at].reason, intake->errors[i].code)) {
            at++;
        }
        if (at == used) {
            counts[used++] = (struct batch_count){.reason = intake->errors[i].code};
        }
        counts[at].count++;
    }
    return used;
}

static struct str print_batch(struct intake *intake)
{
    struct batch_count counts[CURRENCY_MAX];
    struct batch_count invalid[MESSAGE_COUNT];
    struct batch_view view = {.batch = intake->batch, .counts = counts, .invalid = invalid};
    struct buf text;
    bool needs = intake->batch.state == ORDER_REQUIRES_APPROVAL;
    for (size_t i = 0; i < intake->total_count; i++) {
        const struct total *total = &intake->totals[i];
        struct batch_count *count = &counts[view.count_count++];
        *count = (struct batch_count){
            .status = needs ? STR("requires_approval") : STR("scheduled"),
            .count = total->count,
            .amount_minor = total->amount_minor,
        };
        memcpy(count->currency, total->currency->code, sizeof(count->currency));
    }
    view.invalid_count = count_invalid(intake, invalid);
    buf_init(&text, PRESENT_BYTES_MAX);
    order_present_batch(&view, &text);
    CHECK(buf_is_ok(&text));
    struct str kept = arena_str(&intake->kept, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void make_batch(struct intake *intake, struct str reference)
{
    const struct merchant *merchant = intake->call->caller.merchant;
    struct str exceeded = print_exceeded(intake);
    intake->batch = (struct order_batch){
        .merchant_id = merchant->merchant_id,
        .batch_id = uuid_new(),
        .created_us = clock_wall_us(),
        .livemode = merchant->livemode,
        .reference = arena_str(&intake->kept, reference),
        .row_count = (int32_t)intake->rows.count,
        .invalid_count = (int32_t)intake->error_count,
        .totals_json = print_totals(intake),
        .approval_json = exceeded,
        .state = exceeded.len > 2 ? ORDER_REQUIRES_APPROVAL : ORDER_QUEUED,
        .created_by = intake->call->caller.key_id,
    };
    for (size_t i = 0; i < intake->order_count; i++) {
        struct order *order = &intake->orders[i];
        order->batch_id = intake->batch.batch_id;
        order->created_us = intake->batch.created_us;
        order->approval_json = STR("[]"); /* the batch's */
        order->state = intake->batch.state;
        order->payment_id = order->order_id;
    }
}

static void make_answer(struct intake *intake)
{
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_BATCH, &intake->batch.batch_id, id);
    intake->answer = (struct store_answer){
        .merchant_id = intake->batch.merchant_id,
        .key = intake->key,
        .status = intake->batch.state == ORDER_REQUIRES_APPROVAL ? 202 : 201,
        .content_type = STR("application/json"),
        .location = arena_printf(&intake->kept, "/v1/payout-batches/%s", id),
        .body = print_batch(intake),
        .created_us = intake->batch.created_us,
    };
}

static void store(struct intake *intake);

static void key_loaded(void *ctx, enum store_find found, const struct store_key_view *key,
                       const struct error *why)
{
    struct intake *intake = ctx;
    struct api_call *call = intake->call;
    (void)why;
    if (found == STORE_ABSENT && call->ticket.is_repeat) {
        api_call_no_repeat(call);
    } else if (found == STORE_ABSENT && intake->rounds++ < STORE_ROUNDS_MAX) {
        store(intake);                 /* whoever had it has rolled it back */
    } else if (found != STORE_FOUND) { /* it may stand for this very batch */
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
    } else if (memcmp(key->fingerprint, intake->bundle.fingerprint, SHA256_SIZE) != 0 ||
               !key->has_answer) {
        api_call_problem(call, MESSAGE_KEY_REUSED, STR_NONE, STR_NONE);
    } else {
        api_call_replay(call, &key->answer);
    }
}

static void look_up_key(struct intake *intake)
{
    struct api_call *call = intake->call;
    store_load_key(call->api->parts.store, &intake->batch.merchant_id, intake->key, &call->arena,
                   key_loaded, intake);
}

static void stored(void *ctx, enum store_result result, const struct error *why)
{
    struct intake *intake = ctx;
    struct api_call *call = intake->call;
    (void)why;
    if (result == STORE_COMMITTED) {
        struct payment_reply reply = {
            .status = intake->answer.status,
            .content_type = intake->answer.content_type,
            .body = intake->answer.body,
            .location = intake->answer.location,
        };
        admission_note_opened(call->api->parts.admission, &intake->batch.merchant_id, intake->key);
        api_wake_orders(call);
        api_call_reply_created(call, &reply);
    } else if (result == STORE_KEY_TAKEN) {
        look_up_key(intake);
    } else if (intake->rounds == 0 &&
               (result == STORE_ROLLED_BACK || result == STORE_UNAVAILABLE)) {
        api_call_unavailable(call);
    } else { /* or the key was seen taken */
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
    }
}

static void store(struct intake *intake)
{
    order_store_start(intake->call->api->parts.store, &intake->bundle, stored, intake);
}

/* What was asked for: method, path, head, and every row. */
static bool put_fingerprint(struct intake *intake, const json_t *head)
{
    struct buf text;
    buf_init(&text, ROW_BYTES_MAX);
    buf_add_str(&text, STR("POST\n"));
    buf_add_str(&text, http_request(intake->call->x)->path);
    buf_add_char(&text, '\n');
    bool is_done = json_canonical(head, &text);
    buf_add_char(&text, '\n');
    buf_add(&text, intake->chain, SHA256_SIZE);
    is_done = is_done && buf_is_ok(&text);
    crypto_sha256(buf_str(&text), intake->bundle.fingerprint);
    buf_release(&text);
    return is_done;
}

/* 422 with the first wrong rows, each by its number. */
static void refuse_rows(struct intake *intake)
{
    struct api_call *call = intake->call;
    struct buf text;
    struct buf body;
    buf_init(&text, PROBLEM_BYTES_MAX);
    buf_init(&body, CALL_BODY_MAX);
    message_print(MESSAGE_INVALID_ROWS,
                  arena_printf(&call->arena, "%zu of %zu rows are wrong", intake->error_count,
                               intake->rows.count),
                  STR("payouts"), STR_NONE, str_of(http_request_id(call->x)), &text);
    buf_add_str(&body, str_sub(buf_str(&text), 0, text.len - 1)); /* its brace comes last */
    buf_add_str(&body, STR(",\"errors\":["));
    for (size_t i = 0; i < intake->error_count && i < INTAKE_TOLD_MAX; i++) {
        const struct order_error *error = &intake->errors[i];
        /* [{...}] of one error: the row's number goes into its object. */
        buf_printf(&body, "%s{\"row\":%d,", i > 0 ? "," : "", (int)error->row_number);
        buf_add_str(&body, str_sub(error->errors_json, 2, error->errors_json.len - 3));
    }
    buf_add_str(&body, STR("]}"));
    api_call_reply(call, message_entry(MESSAGE_INVALID_ROWS)->status,
                   STR("application/problem+json"), buf_str(&body));
    buf_release(&body);
    buf_release(&text);
}

/* The head of a CSV batch is its query. */
static void put_query(struct intake *intake, json_t *head)
{
    struct str text;
    static const char *const names[] = {"reference", "on_invalid"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (api_call_query(intake->call, names[i], &text)) {
            CHECK(json_object_set_new(head, names[i], json_stringn(text.at, text.len)) == 0);
        }
    }
    CHECK(json_object_set_new(head, "payouts", json_array()) == 0);
}

static bool check_head(struct intake *intake, json_t *head, struct field_problem *problem)
{
    if (!field_check(&payout_batch_fields, head, problem)) {
        return false;
    }
    return intake->rows.count > 0 ||
           field_fail(problem, MESSAGE_INVALID_MEMBER, STR("payouts"),
                      "payouts must be a list of 1 to %d objects", TABLES_ROW_MAX);
}

static void finish(struct intake *intake)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    json_t *head = rows_head(&intake->rows, &intake->row, &problem);
    if (head != NULL && intake->rows.is_csv) {
        put_query(intake, head);
    }
    if (head == NULL || !check_head(intake, head, &problem)) {
        json_decref(head);
        refuse(intake, &problem);
        return;
    }
    if (intake->error_count > 0 && str_eq(json_text(head, "on_invalid"), STR("reject"))) {
        json_decref(head);
        refuse_rows(intake);
        return;
    }
    CHECK(put_fingerprint(intake, head)); /* a head of three members */
    make_batch(intake, json_text(head, "reference"));
    json_decref(head);
    make_answer(intake);
    struct order_bundle *bundle = &intake->bundle;
    bundle->merchant_id = intake->batch.merchant_id;
    bundle->key = intake->key;
    bundle->holder_id = intake->batch.batch_id;
    bundle->created_us = intake->batch.created_us;
    bundle->batch = &intake->batch;
    bundle->orders = intake->orders;
    bundle->order_count = intake->order_count;
    bundle->errors = intake->errors;
    bundle->error_count = intake->error_count;
    bundle->answer = &intake->answer;
    if (intake->call->ticket.is_repeat) {
        look_up_key(intake);
    } else {
        store(intake);
    }
}

/* ---- slices ---------------------------------------------------------------------------------- */

/* False: there is nothing more to read; the call may be gone. */
static bool read_row(struct intake *intake)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    json_t *row = NULL;
    arena_reset(&intake->row);
    enum rows_next next = rows_next(&intake->rows, &intake->row, &row, &problem);
    if (next == ROWS_MALFORMED) {
        refuse(intake, &problem);
        return false;
    }
    if (next == ROWS_END) {
        finish(intake);
        return false;
    }
    if (intake->rows.count > TABLES_ROW_MAX) {
        json_decref(row);
        (void)field_fail(&problem, MESSAGE_INVALID_MEMBER, STR("payouts"),
                         "payouts must be a list of 1 to %d objects", TABLES_ROW_MAX);
        refuse(intake, &problem);
        return false;
    }
    if (intake->kept.used > BATCH_BYTES_MAX) {
        json_decref(row);
        (void)field_fail(&problem, MESSAGE_INVALID_MEMBER, STR("payouts"),
                         "the rows, with the names of their members, take more than %d bytes; send "
                         "them as several batches",
                         BATCH_BYTES_MAX);
        refuse(intake, &problem);
        return false;
    }
    if (next == ROWS_ROW) {
        take_row(intake, row);
    } else {
        add_to_chain(intake, row);
        keep_error(intake, NULL, &problem);
    }
    json_decref(row);
    return true;
}

static void slice_run(void *ctx)
{
    struct intake *intake = ctx;
    int64_t end_us = clock_mono_us() + INTAKE_SLICE_US;
    while (read_row(intake)) {
        if (clock_mono_us() >= end_us) {
            loop_timer_start(&intake->timer, 0);
            return;
        }
    }
}

/* ---- the start ------------------------------------------------------------------------------- */

static bool is_csv(struct str content_type)
{
    struct str rest = content_type;
    return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("text/csv"));
}

/* False: the call was answered. */
static bool take_type(struct api_call *call, bool *csv)
{
    struct str type = http_header(call->x, "Content-Type");
    struct str ignored;
    *csv = is_csv(type);
    if (!*csv && !body_is_json(type)) {
        api_call_problem(call, MESSAGE_UNSUPPORTED_MEDIA_TYPE,
                         STR("send the batch as application/json or text/csv, in UTF-8"), STR_NONE);
        return false;
    }
    bool has_query =
        api_call_query(call, "reference", &ignored) || api_call_query(call, "on_invalid", &ignored);
    if (!*csv && has_query) {
        api_call_problem(call, MESSAGE_CURSOR_MALFORMED,
                         STR("with application/json, reference and on_invalid are members of the "
                             "body"),
                         STR("reference"));
        return false;
    }
    return true;
}

void intake_start(struct api_call *call)
{
    bool csv = false;
    struct str key;
    struct field_problem problem = {.message = MESSAGE_NONE};
    if (!take_type(call, &csv) || !api_call_key(call, &key)) {
        return;
    }
    if (call->api->intake_count >= INTAKE_COUNT_MAX) {
        api_call_problem(call, MESSAGE_OVERLOADED,
                         STR("other batches are being taken in; try again"), STR_NONE);
        return;
    }
    struct intake *intake = calloc(1, sizeof(*intake));
    CHECK(intake != NULL);
    call->intake = intake;
    call->api->intake_count++;
    intake->call = call;
    intake->key = key;
    arena_init(&intake->kept, KEPT_BYTES_MAX);
    arena_init(&intake->row, ROWS_ARENA_MAX);
    loop_timer_init(&intake->timer, call->api->parts.loop, slice_run, intake);
    rows_init(&intake->rows, http_request(call->x)->body, csv, &payout_fields, "payouts");
    if (csv && !rows_read_header(&intake->rows, &intake->kept, &problem)) {
        refuse(intake, &problem);
        return;
    }
    loop_timer_start(&intake->timer, 0);
}
