#include "payment/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/holds.h"
#include "payment/volumes.h"

/*
 *     request -> load the payment -> load what was done to it -> what does it act on, and may it?
 *          -> as any payment: open (with the guard of the limits) -> send -> close
 *
 * What is read here only explains a refusal and finds the provider's id; whether the sum is left is
 * decided by the limits, in the commit that opens the operation. Whatever is refused may have an
 * answer under its key all the same: the key is asked first.
 *
 * Providers refund a capture, not a payment: a refund is taken of one. Which one is chosen from what
 * is read, and that there is room is decided by that capture's own limits; who finds that others were
 * quicker reads again and chooses among what is left.
 */

enum {
    OPERATING_ARENA_MAX = 64 * 1024 * 1024,
    TARGET_BYTES_MAX = 8192,
    RETRY_HELD_S = 60,
    CHOOSE_ROUNDS_MAX = 64, /* each of them was lost to a refund that was opened */
    PARTS_SHOWN_MAX = 5,
};

struct operating { /* while it is read what the operation acts on */
    struct link link;
    struct drive *drive;
    struct arena arena; /* of the views */
    const struct store_payment_view *parent;
};

struct source { /* an approved movement that can be acted on */
    const struct store_attempt_view *attempt;
    struct str reference;
    int64_t left_minor;
    struct uuid capture_id; /* with limits of its own; zero: none */
};

struct refundable { /* of what a refund could be taken */
    struct source *sources;
    size_t count;
    int64_t most_minor; /* of one */
    int64_t left_minor; /* of all of them */
};

static void operating_free(struct operating *operating)
{
    list_remove(&operating->link);
    arena_release(&operating->arena);
    free(operating);
}

void driver_operate_release(struct payments *payments)
{
    struct link *next;
    for (struct link *at = payments->operating.next; at != &payments->operating; at = next) {
        next = at->next;
        operating_free(LIST_OWNER(at, struct operating, link));
    }
}

/* ---- what it acts on, as text ---- */

static struct str print_target(struct drive *drive)
{
    char id[UUID_TEXT_SIZE];
    struct buf text;
    struct json_out json;
    const struct drive_target *target = &drive->target;
    buf_init(&text, TARGET_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_object(&json);
    json_put_str(&json, "on", target->parent_ref);
    if (!uuid_is_zero(&target->attempt_id))
        json_put_str(&json, "reverses", uuid_format(&target->attempt_id, id));
    if (!uuid_is_zero(&target->capture_id))
        json_put_str(&json, "of", uuid_format(&target->capture_id, id));
    if (target->then != PAYMENT_NONE)
        json_put_cstr(&json, "then", payment_status_name(target->then));
    if (target->is_last || target->let_go_minor > 0)
        json_put_int(&json, "let_go", target->let_go_minor);
    if (target->is_reserved)
        json_put_bool(&json, "reserved", true);
    if (target->is_late)
        json_put_bool(&json, "late", true);
    if (target->reason.len > 0)
        json_put_str(&json, "reason", target->reason);
    json_end_object(&json);
    CHECK(buf_is_ok(&text));
    struct str kept = arena_str(&drive->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

bool drive_read_target(struct drive *drive)
{
    struct error err;
    struct drive_target *target = &drive->target;
    json_t *json =
        json_parse(drive->committed.payment.row.routing_json, &json_limits_default, &err);
    if (json == NULL)
        return false;
    target->parent_ref = arena_str(&drive->arena, json_text(json, "on"));
    target->reason = arena_str(&drive->arena, json_text(json, "reason"));
    target->then = payment_status_find(json_text(json, "then"));
    target->is_last = json_object_get(json, "let_go") != NULL;
    target->is_reserved = json_is_true(json_object_get(json, "reserved"));
    target->is_late = json_is_true(json_object_get(json, "late"));
    target->let_go_minor = json_integer_value(json_object_get(json, "let_go"));
    struct str reverses = json_text(json, "reverses");
    struct str of = json_text(json, "of");
    bool is_read = (reverses.len == 0 || uuid_parse(reverses, &target->attempt_id, &err)) &&
                   (of.len == 0 || uuid_parse(of, &target->capture_id, &err));
    json_decref(json);
    return is_read;
}

static struct str target_of(const struct store_payment_view *operation, struct arena *arena)
{
    struct error ignored;
    json_t *json = json_parse(operation->row.routing_json, &json_limits_default, &ignored);
    struct str on = json != NULL ? arena_str(arena, json_text(json, "on")) : STR_NONE;
    json_decref(json);
    return on;
}

/* ---- refusals ---- */

static bool refuse(struct drive *drive, enum message problem, struct str detail)
{
    drive->problem = problem;
    drive->problem_detail = detail;
    return false;
}

static bool refuse_status(struct drive *drive, const struct store_payment_view *parent)
{
    return refuse(drive, MESSAGE_CONFLICT,
                  arena_printf(&drive->arena, "cannot %s a payment whose status is \"%s\"",
                               operation_name(drive->operation),
                               payment_status_name(parent->status)));
}

static bool refuse_amount(struct drive *drive, int64_t asked_minor, int64_t left_minor)
{
    return refuse(drive, MESSAGE_OVER_LIMIT,
                  arena_printf(&drive->arena, "cannot %s %lld: %lld is left",
                               operation_name(drive->operation), (long long)asked_minor,
                               (long long)left_minor));
}

/* ---- what was approved, and what is left of it ---- */

static const struct store_outcome *approval(const struct store_attempt_view *attempt)
{
    for (size_t i = attempt->outcome_count; i > 0; i--) {
        if (attempt->outcomes[i - 1].outcome == OUTCOME_APPROVED)
            return &attempt->outcomes[i - 1];
    }
    return NULL;
}

/*
 * The approved attempt: the given one, else the newest: it is what the payment came to. What was
 * approved of those before it came late, perhaps before it was approved itself: it is taken back
 * (reversal.h), and no merchant's to act on.
 */
static const struct store_attempt_view *approved_attempt(const struct store_payment_view *view,
                                                         const struct uuid *attempt_id)
{
    for (size_t i = view->attempt_count; i > 0; i--) {
        const struct store_attempt_view *attempt = &view->attempts[i - 1];
        if (uuid_is_zero(attempt_id) || uuid_eq(&attempt->row.attempt_id, attempt_id))
            return approval(attempt) != NULL ? attempt : NULL;
    }
    return NULL;
}

static bool has_come_to_nothing(const struct store_payment_view *operation)
{
    return operation->status == PAYMENT_FAILED || operation->status == PAYMENT_DECLINED ||
           operation->status == PAYMENT_CANCELED;
}

static int64_t refunded_from(const struct store_payment_view *operations, size_t count,
                             struct str reference, struct arena *arena)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_payment_view *refund = &operations[i];
        if (refund->row.operation == OPERATION_REFUND && !has_come_to_nothing(refund) &&
            str_eq(target_of(refund, arena), reference))
            sum += refund->row.amount_minor;
    }
    return sum;
}

/* Of an approved movement; captures made before they had limits of their own have none. */
static void add_source(struct operating *operating, struct refundable *all,
                       const struct store_payment_view *operations, size_t count,
                       const struct store_attempt_view *attempt,
                       const struct store_payment_view *capture)
{
    const struct store_outcome *outcome = approval(attempt);
    if (outcome == NULL)
        return;
    struct source source = {.attempt = attempt, .reference = outcome->reference};
    if (capture != NULL && capture->captured > 0) {
        source.left_minor = capture->captured - capture->refunded - capture->refund_open;
        source.capture_id = capture->row.payment_id;
    } else {
        source.left_minor = attempt->row.amount_minor -
                            refunded_from(operations, count, outcome->reference, &operating->arena);
    }
    if (source.left_minor <= 0)
        return;
    all->sources[all->count++] = source;
    all->left_minor += source.left_minor;
    if (source.left_minor > all->most_minor)
        all->most_minor = source.left_minor;
}

static void find_refundable(struct operating *operating,
                            const struct store_payment_view *operations, size_t count,
                            struct refundable *all)
{
    const struct store_payment_view *parent = operating->parent;
    const struct uuid any = {{0}};
    const struct uuid *asked_id = &operating->drive->asked.capture_id;
    const struct store_attempt_view *sale = approved_attempt(parent, &any);
    *all = (struct refundable){.sources = ARENA_ARRAY(&operating->arena, struct source, count + 1)};
    if (sale != NULL && sale->row.operation == OPERATION_SALE && uuid_is_zero(asked_id))
        add_source(operating, all, operations, count, sale, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct store_payment_view *capture = &operations[i];
        bool is_meant = uuid_is_zero(asked_id) || uuid_eq(asked_id, &capture->row.payment_id);
        if (capture->row.operation == OPERATION_CAPTURE && capture->attempt_count > 0 && is_meant)
            add_source(operating, all, operations, count, &capture->attempts[0], capture);
    }
}

/*
 * The one that fits best, so that the larger ones are kept for larger refunds; of equal ones the
 * newest, which is first. NULL: none has so much left.
 */
static const struct source *choose(const struct refundable *all, int64_t amount_minor)
{
    const struct source *best = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct source *source = &all->sources[i];
        if (source->left_minor >= amount_minor &&
            (best == NULL || source->left_minor < best->left_minor))
            best = source;
    }
    return best;
}

/* ---- one kind of operation each: false, and the refusal is in the drive ---- */

/* How it can be asked for instead: the largest parts first. */
static bool refuse_spanning(struct drive *drive, struct refundable *all, int64_t amount_minor)
{
    struct buf text;
    buf_init(&text, TARGET_BYTES_MAX);
    buf_printf(&text,
               "cannot refund %lld at once: it was captured in parts, and of one of them at most "
               "%lld is left; refund it in parts, each with an Idempotency-Key of its own:",
               (long long)amount_minor, (long long)all->most_minor);
    size_t shown = 0;
    for (int64_t rest = amount_minor; rest > 0 && shown < PARTS_SHOWN_MAX; shown++) {
        struct source *largest = &all->sources[0];
        for (size_t i = 1; i < all->count; i++) {
            if (all->sources[i].left_minor > largest->left_minor)
                largest = &all->sources[i];
        }
        int64_t part = largest->left_minor < rest ? largest->left_minor : rest;
        if (part == 0)
            break;
        buf_printf(&text, "%s %lld", shown == 0 ? "" : ",", (long long)part);
        largest->left_minor = 0;
        rest -= part;
        if (rest > 0 && shown + 1 == PARTS_SHOWN_MAX)
            buf_add_str(&text, STR(", ..."));
    }
    struct str detail = arena_str(&drive->arena, buf_str(&text));
    buf_release(&text);
    return refuse(drive, MESSAGE_SPANS_CAPTURES, detail);
}

static bool plan_refund(struct operating *operating, const struct store_payment_view *operations,
                        size_t count, struct source *source, int64_t *amount_minor)
{
    struct drive *drive = operating->drive;
    const struct store_payment_view *parent = operating->parent;
    int64_t left_minor = parent->captured - parent->refunded - parent->refund_open;
    bool is_paid = parent->status == PAYMENT_SUCCEEDED || parent->status == PAYMENT_AUTHORIZED;
    struct refundable all;
    if (parent->captured == 0 || !is_paid) /* charged late: it is being given back */
        return refuse_status(drive, parent);
    find_refundable(operating, operations, count, &all);
    if (!uuid_is_zero(&drive->asked.capture_id) && all.left_minor < left_minor)
        left_minor = all.left_minor;
    *amount_minor = drive->asked.amount_minor == 0 ? left_minor : drive->asked.amount_minor;
    if (*amount_minor > left_minor || left_minor <= 0)
        return refuse_amount(drive, *amount_minor, left_minor);
    const struct source *chosen = choose(&all, *amount_minor);
    if (chosen == NULL)
        return refuse_spanning(drive, &all, *amount_minor);
    *source = *chosen;
    return true;
}

static bool plan_capture(struct operating *operating, struct source *source, int64_t *amount_minor)
{
    struct drive *drive = operating->drive;
    const struct store_payment_view *parent = operating->parent;
    int64_t left_minor = parent->authorized - parent->captured - parent->capture_open;
    bool is_void = drive->operation == OPERATION_VOID;
    if (parent->status != PAYMENT_AUTHORIZED || source->attempt == NULL ||
        source->attempt->row.operation != OPERATION_AUTHORIZE)
        return refuse_status(drive, parent);
    bool takes_all = is_void || drive->operation == OPERATION_REAUTHORIZE;
    if (takes_all && parent->capture_open > 0)
        return refuse(drive, MESSAGE_CONFLICT,
                      arena_printf(&drive->arena,
                                   "cannot %s it while a capture, void or reauthorization of it is "
                                   "under way",
                                   operation_name(drive->operation)));
    *amount_minor = drive->asked.amount_minor == 0 ? left_minor : drive->asked.amount_minor;
    if (*amount_minor > left_minor || left_minor <= 0)
        return refuse_amount(drive, *amount_minor, left_minor);
    if (drive->target.is_last || drive->operation == OPERATION_REAUTHORIZE)
        drive->target.let_go_minor = left_minor - *amount_minor;
    return true;
}

/*
 * Whether nothing is left of a payment once this approval is taken back. What is held beside the
 * payment's own hold, because it came late, is no part of it (driver_hold.c); a late charge is.
 */
static bool takes_all(const struct store_payment_view *parent,
                      const struct store_attempt_view *attempt)
{
    if (attempt->row.operation == OPERATION_AUTHORIZE)
        return attempt == &parent->attempts[parent->attempt_count - 1];
    size_t approved_count = 0;
    for (size_t i = 0; i < parent->attempt_count; i++)
        approved_count += approval(&parent->attempts[i]) != NULL;
    return approved_count == 1;
}

/* Takes one approval back, whatever the payment has come to. */
static bool plan_reversal(struct operating *operating, const struct source *source,
                          int64_t *amount_minor)
{
    struct drive *drive = operating->drive;
    const struct store_payment_view *parent = operating->parent;
    if (source->attempt == NULL)
        return refuse(drive, MESSAGE_CONFLICT, STR("that attempt was not approved"));
    bool is_held = source->attempt->row.operation == OPERATION_AUTHORIZE;
    if (is_held != (drive->operation == OPERATION_VOID))
        return refuse(drive, MESSAGE_CONFLICT,
                      is_held ? STR("it is authorized: void it") : STR("it is paid: refund it"));
    bool is_there = parent->status == PAYMENT_SUCCEEDED || parent->status == PAYMENT_AUTHORIZED;
    drive->target.then =
        is_there && takes_all(parent, source->attempt) ? PAYMENT_CANCELED : PAYMENT_PROCESSING;
    const struct store_late *late = &source->attempt->late;
    if (late->exists && late->held_minor == 0)
        return refuse(drive, MESSAGE_CONFLICT, STR("nothing of it is held any more"));
    *amount_minor = late->exists ? late->held_minor : source->attempt->row.amount_minor;
    drive->target.is_late = late->exists;
    const struct store_outcome *outcome = approval(source->attempt);
    drive->target.is_reserved = outcome != NULL && drive_is_reserved(outcome);
    return true;
}

/* ---- from there on it is a payment like others ---- */

/* Of a capture, and of a refund if the fee table speaks of refunds; -1: not known, or money back. */
static int64_t expected_fee(struct drive *drive, const struct merchant_account *account,
                            const struct source *source)
{
    const struct store_payment *row = &drive->committed.payment.row;
    const struct payments_parts *parts = &drive->payments->parts;
    bool is_known = account->cost != NULL && (drive->operation == OPERATION_CAPTURE ||
                                              (drive->operation == OPERATION_REFUND &&
                                               cost_table_names(account->cost, OPERATION_REFUND)));
    if (!is_known)
        return -1;
    int64_t fee_minor = -1;
    struct cost_facts facts = {
        .operation = drive->operation,
        .amount_minor = row->amount_minor,
        .currency = drive->currency,
        .country = row->country,
        .method = row->method_type,
        .month_volume_minor =
            volumes_read(parts->volumes, account, drive->currency, clock_wall_us()),
        .rates = parts->rates,
        .paid_minor = source->attempt->row.amount_minor,
    };
    return cost_expected(account->cost, &facts, &fee_minor) && fee_minor >= 0 ? fee_minor : -1;
}

static bool find_account(struct drive *drive, const struct source *source)
{
    const struct merchant_account *account =
        drive_find_account(drive->merchant, &source->attempt->row.account_id);
    if (account == NULL || !account->usable)
        return refuse(drive, MESSAGE_CONFLICT,
                      STR("the provider account that has it cannot be used any more"));
    struct hold hold;
    bool is_reversal = !uuid_is_zero(&drive->target.attempt_id); /* money is to be given back */
    if (!is_reversal && holds_now(account->row.holds, clock_wall_us(), &hold) &&
        hold.kind == HOLD_DISABLED) {
        drive->retry_after_s = RETRY_HELD_S;
        return refuse(drive, MESSAGE_NO_HEALTHY_PROVIDER,
                      STR("the provider account that has it is switched off for now"));
    }
    uint32_t operations = account->account.provider->capability.operations;
    if ((operations >> drive->operation & 1) == 0)
        return refuse(drive, MESSAGE_CONFLICT,
                      arena_printf(&drive->arena, STR_FMT " cannot %s",
                                   STR_ARG(source->attempt->row.provider),
                                   operation_name(drive->operation)));
    if (admission_is_busy(drive->payments->parts.admission, &account->account)) {
        drive->retry_after_s = 1;
        return refuse(drive, MESSAGE_OVERLOADED, STR_NONE);
    }
    drive->candidate[0] = (struct drive_candidate){
        .account = account, .expected_fee_minor = expected_fee(drive, account, source)};
    drive->candidate_count = 1;
    admission_sit(drive->payments->parts.admission, &account->account, &drive->seat);
    return true;
}

static bool make_row(struct drive *drive, const struct store_payment_view *parent,
                     const struct source *source, int64_t amount_minor)
{
    struct store_payment *row = &drive->committed.payment.row;
    drive->currency = currency_find(str_of(parent->row.currency));
    if (drive->currency == NULL)
        return refuse(drive, MESSAGE_CONFLICT, STR("its currency is no longer known"));
    if (source->reference.len == 0)
        return refuse(drive, MESSAGE_CONFLICT, STR("its provider has named no id to act on"));
    row->amount_minor = amount_minor;
    memcpy(row->currency, parent->row.currency, sizeof(row->currency));
    row->method_type = arena_str(&drive->arena, parent->row.method_type);
    row->country = arena_str(&drive->arena, parent->row.country);
    drive->target.parent_ref = arena_str(&drive->arena, source->reference);
    drive->target.capture_id = source->capture_id;
    row->routing_json = print_target(drive);
    return true;
}

static bool plan(struct operating *operating, const struct store_payment_view *operations,
                 size_t count)
{
    struct drive *drive = operating->drive;
    struct source source = {0};
    int64_t amount_minor = 0;
    bool is_reversal = !uuid_is_zero(&drive->target.attempt_id);
    source.attempt = approved_attempt(operating->parent, &drive->target.attempt_id);
    const struct store_outcome *outcome = source.attempt != NULL ? approval(source.attempt) : NULL;
    if (outcome != NULL)
        source.reference = outcome->reference;
    if (source.attempt != NULL &&
        drive_find_hold(operating->parent, source.attempt, &source.reference))
        drive->target.acts_on = arena_str(&drive->arena, source.reference);
    bool may = is_reversal ? plan_reversal(operating, &source, &amount_minor)
               : drive->operation == OPERATION_REFUND
                   ? plan_refund(operating, operations, count, &source, &amount_minor)
                   : plan_capture(operating, &source, &amount_minor);
    return may && make_row(drive, operating->parent, &source, amount_minor) &&
           find_account(drive, &source);
}

static void operations_loaded(void *ctx, enum store_find found,
                              const struct store_payment_view *operations, size_t count,
                              bool has_more, const struct error *why)
{
    struct operating *operating = ctx;
    struct drive *drive = operating->drive;
    (void)why;
    bool may = false;
    if (found != STORE_FOUND)
        (void)refuse(drive, MESSAGE_UNAVAILABLE, STR_NONE);
    else if (has_more)
        (void)refuse(drive, MESSAGE_CONFLICT, STR("too many operations on this payment"));
    else
        may = plan(operating, operations, count);
    operating_free(operating);
    if (!may) {
        drive_answer_key(drive); /* the same key has the same answer */
        return;
    }
    if (drive->done == NULL) { /* told to repeat the key: nothing is begun behind its back */
        drive_free(drive);
        return;
    }
    drive_begin(drive);
}

static void parent_loaded(void *ctx, enum store_find found, const struct store_payment_view *parent,
                          const struct error *why)
{
    struct operating *operating = ctx;
    struct drive *drive = operating->drive;
    (void)why;
    if (found == STORE_FOUND && parent->row.archived_us == 0) {
        operating->parent = parent;
        store_list_operations(drive->payments->parts.store, &parent->row.merchant_id,
                              &parent->row.payment_id, STORE_ANY, false, &operating->arena,
                              operations_loaded, operating);
        return;
    }
    if (found == STORE_FOUND)
        (void)refuse(drive, MESSAGE_ARCHIVED, STR("nothing was done"));
    else if (found == STORE_ABSENT)
        (void)refuse(drive, MESSAGE_NOT_FOUND, STR("there is no such payment"));
    else
        (void)refuse(drive, MESSAGE_UNAVAILABLE, STR_NONE);
    operating_free(operating);
    drive_answer_key(drive);
}

/* ---- public ---- */

static void take_request(struct drive *drive, const struct payment_operate_request *request)
{
    struct arena *arena = &drive->arena;
    struct store_payment *row = &drive->committed.payment.row;
    drive->request_id = arena_str(arena, str_of(request->request_id));
    drive->description = arena_str(arena, request->reason);
    drive->operation = request->operation;
    drive->given_id = request->given_id;
    drive->target.attempt_id = request->attempt_id;
    drive->asked = (struct drive_asked){request->capture_id, request->amount_minor};
    drive->target.reason = drive->description;
    drive->target.is_last = request->is_last && request->operation == OPERATION_CAPTURE;
    drive_view_init(drive, 1);
    *row = (struct store_payment){
        .merchant_id = drive->merchant->merchant_id,
        .operation = request->operation,
        .parent_id = request->payment_id,
        .created_us = drive->started_us,
        .livemode = drive->merchant->livemode,
        .reference = arena_str(arena, request->reference),
        .key = arena_str(arena, request->key),
        .customer_json = STR("{}"),
        .metadata_json =
            request->metadata_json.len > 0 ? arena_str(arena, request->metadata_json) : STR("{}"),
        .routing_json = STR("{}"),
        .writer_id = drive->payments->parts.writer_id,
    };
    memcpy(row->fingerprint, request->fingerprint, sizeof(row->fingerprint));
    drive_open_view(drive, 1);
    drive_name_key(drive, request->key);
}

static void load_parent(struct drive *drive)
{
    struct operating *operating = calloc(1, sizeof(*operating));
    CHECK(operating != NULL);
    operating->drive = drive;
    arena_init(&operating->arena, OPERATING_ARENA_MAX);
    list_add_last(&drive->payments->operating, &operating->link);
    store_load_payment(drive->payments->parts.store, &drive->merchant->merchant_id,
                       &drive->committed.payment.row.parent_id, STORE_PAYMENTS, &operating->arena,
                       parent_loaded, operating);
}

bool drive_choose_again(struct drive *drive)
{
    if (!drive->plan.opens_payment || uuid_is_zero(&drive->target.capture_id))
        return false;
    if (drive->done == NULL) { /* told to repeat the key */
        drive_free(drive);
        return true;
    }
    drive_return_probes(drive);
    admission_stand(drive->payments->parts.admission, &drive->seat);
    drive->candidate_count = 0;
    drive->target.capture_id = (struct uuid){{0}};
    drive_open_view(drive, drive->committed.payment.row.try_number);
    if (++drive->choose_rounds > CHOOSE_ROUNDS_MAX) {
        drive->retry_after_s = 1;
        (void)refuse(drive, MESSAGE_OVERLOADED, STR("others are being refunded at the same time"));
        drive_answer_key(drive);
        return true;
    }
    load_parent(drive);
    return true;
}

void payment_operate_start(struct payments *payments, struct merchant *merchant,
                           const struct payment_operate_request *request, payment_done_fn done,
                           void *ctx)
{
    CHECK(operation_is_follow_up(request->operation));
    CHECK(request->amount_minor >= 0 && request->amount_minor <= MONEY_AMOUNT_MAX);
    CHECK(request->key.len > 0 && request->key.len <= 255);
    bool is_full = !request->is_repeat && payments->in_hand_count >= payments->config.in_flight_max;
    struct drive *drive = drive_new(payments, merchant);
    drive->done = done;
    drive->ctx = ctx;
    take_request(drive, request);
    if (is_full) {
        drive->problem = MESSAGE_OVERLOADED;
        drive->retry_after_s = 1;
        drive_refuse_soon(drive);
        return;
    }
    if (drive_refuse_repeat(drive))
        return;
    drive_wait_for_deadline(drive);
    if (request->is_repeat) {
        drive->problem = MESSAGE_OVERLOADED;
        drive->retry_after_s = 1;
        drive_answer_key(drive);
        return;
    }
    load_parent(drive);
}
