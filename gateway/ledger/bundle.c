#include "ledger/bundle.h"

#include <stdlib.h>
#include <string.h>

/* The structs hold nothing but numbers and struct str: these are where the texts are. */
#define TEXT(type, member) offsetof(struct type, member)

static const size_t payment_texts[] = {
    TEXT(store_payment, reference),     TEXT(store_payment, method_type),
    TEXT(store_payment, country),       TEXT(store_payment, customer_json),
    TEXT(store_payment, metadata_json), TEXT(store_payment, routing_json),
    TEXT(store_payment, tokens_sealed), TEXT(store_payment, key),
};
static const size_t attempt_texts[] = {
    TEXT(store_attempt, provider),
    TEXT(store_attempt, decision_json),
    TEXT(store_attempt, step),
};
static const size_t send_texts[] = {
    TEXT(store_send, step),
    TEXT(store_send, adapter_version),
    TEXT(store_send, provider_key),
    TEXT(store_send, body_sealed),
};
static const size_t outcome_texts[] = {
    TEXT(store_outcome, code),       TEXT(store_outcome, reason),   TEXT(store_outcome, reference),
    TEXT(store_outcome, facts_json), TEXT(store_outcome, debug_id),
};
static const size_t transfer_texts[] = {
    TEXT(store_transfer, debit_account),
    TEXT(store_transfer, credit_account),
    TEXT(store_transfer, kind),
};
static const size_t event_texts[] = {
    TEXT(store_event, type),
    TEXT(store_event, data_json),
    TEXT(store_event, step),
};
static const size_t limits_texts[] = {
    TEXT(store_limits, hold_reference),
    TEXT(store_limits, acts_on),
};
static const size_t answer_texts[] = {
    TEXT(store_final, body),
};
static const size_t parent_texts[] = {
    TEXT(store_parent, type),
    TEXT(store_parent, data_json),
};
static const size_t park_texts[] = {
    TEXT(store_park, provider),
    TEXT(store_park, reason),
};
static const size_t review_texts[] = {
    TEXT(store_review, provider),
    TEXT(store_review, reference),
    TEXT(store_review, detail),
};
static const size_t verdict_texts[] = {
    TEXT(store_verdict, outcome),
    TEXT(store_verdict, reason),
    TEXT(store_verdict, evidence),
};

static void *copy_rows(struct arena *arena, const void *rows, size_t size, size_t count,
                       const size_t *texts, size_t text_count)
{
    if (rows == NULL || count == 0)
        return NULL;
    char *copy = arena_alloc(arena, size * count);
    memcpy(copy, rows, size * count);
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < text_count; t++) {
            struct str *text = (struct str *)(void *)(copy + i * size + texts[t]);
            *text = arena_str(arena, *text);
        }
    }
    return copy;
}

#define COPY(row, count, texts)                                                                    \
    copy_rows(arena, txn->row, sizeof(*txn->row), (count), (texts), ARRAY_LEN(texts))
#define COPY_PLAIN(row) copy_rows(arena, txn->row, sizeof(*txn->row), 1, NULL, 0)

static void copy_txn(struct bundle *bundle, const struct store_txn *txn)
{
    struct arena *arena = &bundle->arena;
    bundle->txn = (struct store_txn){
        .name = txn->name,
        .payment = COPY(payment, 1, payment_texts),
        .attempt = COPY(attempt, 1, attempt_texts),
        .send = COPY(send, 1, send_texts),
        .outcome = COPY(outcome, 1, outcome_texts),
        .transfers = COPY(transfers, txn->transfer_count, transfer_texts),
        .transfer_count = txn->transfer_count,
        .events = COPY(events, txn->event_count, event_texts),
        .event_count = txn->event_count,
        .budgets =
            copy_rows(arena, txn->budgets, sizeof(*txn->budgets), txn->budget_count, NULL, 0),
        .budget_count = txn->budget_count,
        .limits = COPY(limits, 1, limits_texts),
        .room = COPY(room, 1, limits_texts),
        .parent = COPY(parent, 1, parent_texts),
        .hold = COPY_PLAIN(hold),
        .answer = COPY(answer, 1, answer_texts),
        .park = COPY(park, 1, park_texts),
        .unpark = COPY_PLAIN(unpark),
        .review = COPY(review, 1, review_texts),
        .verdict = COPY(verdict, 1, verdict_texts),
        .proof = COPY_PLAIN(proof),
    };
}

struct bundle *bundle_new(const struct store_txn *txn, store_done_fn done, void *ctx)
{
    CHECK(txn->transfer_count <= STORE_TRANSFER_MAX);
    CHECK(txn->event_count <= STORE_EVENT_MAX);
    CHECK(txn->budget_count <= STORE_BUDGET_MAX);
    CHECK(txn->limits != NULL || /* their lock */
          (txn->parent == NULL && txn->hold == NULL && txn->room == NULL));
    struct bundle *bundle = calloc(1, sizeof(*bundle));
    CHECK(bundle != NULL);
    list_init(&bundle->link);
    arena_init(&bundle->arena, BUNDLE_BYTES_MAX);
    copy_txn(bundle, txn);
    bundle->done = done;
    bundle->ctx = ctx;
    const struct store_payment *payment = bundle->txn.payment;
    if (payment != NULL) {
        bundle->ticket.merchant_id = payment->merchant_id;
        CHECK(bundle->txn.attempt != NULL);
        bundle->ticket.payment_id = payment->payment_id;
        bundle->ticket.attempt_id = bundle->txn.attempt->attempt_id;
        CHECK(str_copy_to(payment->key, bundle->ticket.key, sizeof(bundle->ticket.key)));
    }
    return bundle;
}

void bundle_free(struct bundle *bundle)
{
    list_remove(&bundle->link);
    arena_release(&bundle->arena);
    free(bundle);
}

void bundle_end(struct bundle *bundle, enum store_result result, const struct error *why)
{
    list_remove(&bundle->link);
    bundle->done(bundle->ctx, result, &bundle->ticket, why);
    bundle_free(bundle);
}

const struct uuid *bundle_first_event(const struct bundle *bundle)
{
    const struct store_txn *txn = &bundle->txn;
    const struct uuid *first = NULL;
    for (size_t i = 0; i < txn->event_count; i++) {
        if (first == NULL || uuid_compare(&txn->events[i].event_id, first) < 0)
            first = &txn->events[i].event_id;
    }
    if (txn->parent != NULL && (first == NULL || uuid_compare(&txn->parent->event_id, first) < 0))
        first = &txn->parent->event_id;
    return first;
}

static const struct uuid *parked_attempt(const struct bundle *bundle)
{
    if (bundle->txn.park != NULL)
        return &bundle->txn.park->attempt_id;
    return bundle->txn.unpark != NULL ? &bundle->txn.unpark->attempt_id : NULL;
}

static bool shares_budget(const struct store_txn *a, const struct store_txn *b)
{
    for (size_t i = 0; i < a->budget_count; i++) {
        for (size_t at = 0; at < b->budget_count; at++) {
            if (memcmp(a->budgets[i].token_hash, b->budgets[at].token_hash, 32) == 0)
                return true;
        }
    }
    return false;
}

bool bundle_has_conflict(const struct bundle *a, const struct bundle *b)
{
    if (shares_budget(&a->txn, &b->txn))
        return true;
    const struct store_limits *limits = a->txn.limits;
    if (limits != NULL && b->txn.limits != NULL &&
        uuid_eq(&limits->payment_id, &b->txn.limits->payment_id))
        return true;
    const struct uuid *attempt_a = parked_attempt(a);
    const struct uuid *attempt_b = parked_attempt(b);
    return attempt_a != NULL && attempt_b != NULL && uuid_eq(attempt_a, attempt_b);
}
