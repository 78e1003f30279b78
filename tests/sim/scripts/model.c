/* The side of the simulator: its own store.c and operation.c, without faults. */
#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

struct model {
    struct world world;
    uint64_t marks[MARK_AND_POINT_COUNT];
};

/* ---- text ---- */

void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);
    if (text->length + (size_t)length + 1 > text->room) {
        text->room = (text->length + (size_t)length + 1) * 2;
        text->at = realloc(text->at, text->room);
        CHECK(text->at != NULL);
    }
    va_start(args, format);
    (void)vsnprintf(text->at + text->length, text->room - text->length, format, args);
    va_end(args);
    text->length += (size_t)length;
}

void text_clear(struct text *text)
{
    text->length = 0;
    text_add(text, "%s", "");
}

void text_release(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void text_sort(struct text *text)
{
    size_t count = 0;
    struct text sorted = {0};
    char **lines = calloc(text->length + 1, sizeof(*lines));
    CHECK(lines != NULL);
    char *rest = NULL;
    for (char *line = strtok_r(text->at, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        lines[count++] = line;
    qsort(lines, count, sizeof(*lines), compare_lines);
    text_clear(&sorted);
    for (size_t i = 0; i < count; i++)
        text_add(&sorted, "%s\n", lines[i]);
    free(lines);
    text_release(text);
    *text = sorted;
}

/* ---- a world in which nothing happens by itself ---- */

void model_reset(struct model *model)
{
    struct world *w = &model->world;
    world_release(w);
    world_init(w, model->marks);
    w->free_flight = NONE;
    w->merchant_count = SCRIPT_MERCHANTS;
    w->provider_count = SCRIPT_PROVIDERS;
    w->worker_count = SCRIPT_WRITERS;
    w->host_count = 1;
    w->limits.lease_us = SCRIPT_LEASE_MS * MS;
    w->crash_every = w->crash_in = INT32_MAX;
    rng_seed(&w->rng, 1);
    for (uint32_t i = 0; i < SCRIPT_WRITERS; i++)
        worker_boot(w, i);
}

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof(*model));
    CHECK(model != NULL);
    model_reset(model);
    return model;
}

void model_free(struct model **model)
{
    world_release(&(*model)->world);
    free(*model);
    *model = NULL;
}

uint32_t model_count(const struct model *model)
{
    return model->world.payments.count;
}

uint32_t model_slot(struct model *model, const struct script_write *opening)
{
    struct world *w = &model->world;
    uint32_t order = vec_add(&w->orders);
    *ORDER(w, order) = (struct order){
        .merchant = opening->merchant,
        .local = opening->local,
        .amount = opening->amount,
        .has_reference = opening->has_reference,
        .operation = opening->operation,
        .parent = opening->parent,
        .reversal_of = opening->reversal_of,
    };
    uint32_t index = vec_add(&w->payments);
    struct payment_row *payment = PAYMENT(w, index);
    payment->merchant = opening->merchant;
    payment->order = order;
    payment->key = opening->key;
    payment->try_number = opening->try_number;
    payment->operation = opening->operation;
    payment->amount = opening->amount;
    payment->parent = opening->parent;
    payment->reversal_of = opening->reversal_of;
    payment->then = opening->then;
    payment->capture = opening->capture;
    payment->first_capture = payment->next_capture = NONE;
    for (int i = 0; i < ATTEMPT_MAX; i++)
        payment->attempt[i].first_outcome = payment->attempt[i].last_outcome = NONE;
    return index;
}

/* ---- writing ---- */

static uint32_t put_bundle(struct world *w, const struct script_write *write)
{
    w->now = write->now_us;
    uint32_t index = vec_add(&w->bundles);
    const struct worker *worker = &w->worker[write->writer];
    *BUNDLE(w, index) = (struct bundle){
        .flight = NONE,
        .worker = write->writer,
        .incarnation = worker->incarnation,
        .writer = worker->writer,
        .payment = write->payment,
        .next = NONE,
        .attempt_number = write->attempt_number,
        .provider = write->provider,
        .send_number = write->send_number,
        .moves_money = write->moves_money,
        .is_resumed = write->is_resumed,
        .now_us = write->now_us + EPOCH_US,
        .epoch = write->epoch,
        .event_number = write->event_number,
        .park_attempt = (uint8_t)((write->plan.has_outcome ? write->plan.outcome_attempt_number
                                                           : write->attempt_number) -
                                  1),
        .was_canceled = write->was_canceled,
        .hold_change = write->hold_change,
        .plan = write->plan,
    };
    BUNDLE(w, index)->plan.park_next_us += EPOCH_US;
    return index;
}

enum orchestrate_write model_write(struct model *model, const struct script_write *write)
{
    struct world *w = &model->world;
    uint32_t index = put_bundle(w, write);
    store_commit(w, index);
    w->heap.count = 0;
    return BUNDLE(w, index)->result;
}

bool model_has_reference(struct model *model, const struct script_write *write)
{
    return write->plan.opens_payment && write->has_reference &&
           *store_reference(&model->world, write->merchant, write->local, write->try_number) != 0;
}

bool model_write_lost(struct model *model, const struct script_write *writes, size_t count,
                      enum orchestrate_write *results)
{
    struct world *w = &model->world;
    uint32_t first = NONE;
    for (size_t i = count; i > 0; i--) {
        uint32_t index = put_bundle(w, &writes[i - 1]);
        BUNDLE(w, index)->answer_lost = true;
        BUNDLE(w, index)->next = first;
        first = index;
    }
    store_commit(w, first);
    w->heap.count = 0;
    size_t at = 0;
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next)
        results[at++] = store_fate(BUNDLE(w, i));
    return true;
}

/* ---- the queue ---- */

static bool is_due(const struct park_row *park, int64_t now_us)
{
    return park->exists && park->next_us <= now_us + EPOCH_US &&
           park->lease_until_us <= now_us + EPOCH_US;
}

size_t model_due(struct model *model, int64_t now_us)
{
    size_t count = 0;
    for (uint32_t i = 0; i < model->world.payments.count; i++)
        for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
            count += is_due(&PAYMENT(&model->world, i)->attempt[at].park, now_us);
    return count;
}

bool model_claim(struct model *model, int64_t now_us, struct script_claim *claim)
{
    struct world *w = &model->world;
    if (claim->payment >= w->payments.count || claim->attempt >= ATTEMPT_MAX)
        return false;
    const struct park_row *park = &PAYMENT(w, claim->payment)->attempt[claim->attempt].park;
    if (!is_due(park, now_us))
        return false;
    w->now = now_us;
    store_take(w, claim->payment, claim->attempt);
    w->heap.count = 0;
    claim->epoch = park->epoch;
    claim->tries = park->tries;
    claim->is_canceled = park->was_canceled;
    claim->is_recheck = park->is_recheck;
    return true;
}

bool model_cancel(struct model *model, uint32_t payment, uint8_t attempt, int64_t now_us)
{
    model->world.now = now_us;
    bool was_parked = store_want_back(&model->world, payment, attempt);
    model->world.heap.count = 0;
    return was_parked;
}

unsigned model_adopt(struct model *model, uint8_t writer, int64_t now_us)
{
    struct world *w = &model->world;
    unsigned count = 0;
    w->now = now_us;
    for (uint32_t i = 0; i < w->payments.count; i++) {
        for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
            if (!store_may_adopt(w, i, at, w->worker[writer].writer))
                continue;
            store_park(w, i, at, false);
            count++;
        }
    }
    w->heap.count = 0;
    return count;
}

/* ---- reading ---- */

static void view_attempts(const struct world *w, const struct payment_row *row, uint8_t attempt,
                          struct model_view *view)
{
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        if (row->attempt[at].exists)
            view->attempt_count = (uint8_t)(at + 1);
        for (uint32_t i = row->attempt[at].first_outcome; i != NONE; i = OUTCOME(w, i)->next)
            if (OUTCOME(w, i)->outcome == OUTCOME_APPROVED)
                view->approved_count++;
    }
    const struct attempt_row *at = &row->attempt[attempt];
    for (int i = 0; i < ORCHESTRATE_SEND_MAX && at->send[i].exists; i++)
        view->send_count = (uint8_t)(i + 1);
    for (uint32_t i = at->first_outcome; i != NONE; i = OUTCOME(w, i)->next) {
        if (OUTCOME(w, i)->number > view->outcome_count)
            view->outcome_count = OUTCOME(w, i)->number;
        view->was_approved = view->was_approved || OUTCOME(w, i)->outcome == OUTCOME_APPROVED;
    }
    view->provider = at->provider;
    view->is_late = at->is_late;
    view->late_held = at->late.authorized;
    view->late_open = at->late.capture_open;
    view->has_final_outcome = at->has_final_outcome;
    view->is_parked = at->park.exists;
}

void model_view(struct model *model, uint32_t payment, uint8_t attempt, struct model_view *view)
{
    const struct world *w = &model->world;
    const struct payment_row *row = PAYMENT(w, payment);
    *view = (struct model_view){
        .exists = row->exists,
        .merchant = row->merchant,
        .operation = row->operation,
        .amount = row->amount,
        .parent = row->parent,
        .capture = row->capture,
        .reversal_of = row->reversal_of,
        .event_count = row->event_count,
        .status = row->shown,
        .has_answer = row->has_answer,
        .authorized = row->limits.authorized,
        .captured = row->limits.captured,
        .capture_open = row->limits.capture_open,
        .refunded = row->limits.refunded,
        .refund_open = row->limits.refund_open,
    };
    view_attempts(w, row, attempt, view);
}

static void dump_limits(uint32_t payment, unsigned number, const struct limits_row *l,
                        struct text *to)
{
    text_add(to,
             "limits %u.%u: %lld authorized, %lld captured, %lld open, %lld refunded, %lld open\n",
             payment, number, (long long)l->authorized, (long long)l->captured,
             (long long)l->capture_open, (long long)l->refunded, (long long)l->refund_open);
}

static void dump_attempt(const struct world *w, uint32_t payment, uint8_t at, struct text *to)
{
    const struct attempt_row *row = &PAYMENT(w, payment)->attempt[at];
    const struct park_row *park = &row->park;
    text_add(to, "attempt %u.%u: provider %u, writer %u\n", payment, at + 1U, row->provider,
             row->writer);
    if (row->is_late)
        dump_limits(payment, at + 1U, &row->late, to);
    for (int i = 0; i < ORCHESTRATE_SEND_MAX; i++)
        if (row->send[i].exists)
            text_add(to, "send %u.%u.%d: %s\n", payment, at + 1U, i + 1,
                     row->send[i].moves_money ? "moves money" : "moves nothing");
    for (uint32_t i = row->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        text_add(to, "outcome %u.%u.%d: send %d, %s%s\n", payment, at + 1U, OUTCOME(w, i)->number,
                 OUTCOME(w, i)->send_number, outcome_name(OUTCOME(w, i)->outcome),
                 OUTCOME(w, i)->left ? ", left" : "");
    if (park->exists)
        text_add(to, "unresolved %u.%u: epoch %lld, tries %d, next %lld, lease %lld%s%s\n", payment,
                 at + 1U, (long long)park->epoch, park->tries,
                 (long long)(park->next_us - EPOCH_US),
                 park->lease_until_us == 0 ? -1LL : (long long)(park->lease_until_us - EPOCH_US),
                 park->is_canceled ? ", canceled" : "", park->is_recheck ? ", recheck" : "");
}

static void dump_payment(const struct world *w, uint32_t index, struct text *to)
{
    const struct payment_row *row = PAYMENT(w, index);
    const struct order *order = ORDER(w, row->order);
    text_add(to, "payment %u: merchant %u, %s of %lld, key %u.%u", index, row->merchant,
             operation_name(row->operation), (long long)row->amount, order->local, row->key);
    if (order->has_reference)
        text_add(to, ", reference %u.%u", order->local, row->try_number);
    if (row->parent != NONE)
        text_add(to, ", on %u", row->parent);
    text_add(to, "\n");
    text_add(to, "events %u: %d, %s\n", index, row->event_count, payment_status_name(row->shown));
    if (row->has_answer)
        text_add(to, "answer %u\n", index);
    bool has_limits = (row->parent == NONE && row->operation != OPERATION_PAYOUT &&
                       row->posted + row->late_posted > 0) ||
                      (row->operation == OPERATION_CAPTURE && row->posted > 0);
    if (has_limits)
        dump_limits(index, 0, &row->limits, to);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (row->attempt[at].exists)
            dump_attempt(w, index, at, to);
}

static void dump_transfers(const struct world *w, uint32_t payment, bool is_rest, struct text *to)
{
    static const char *const names[] = {"posted", "pending", "voided"};
    for (int state = 0; state < 3; state++) {
        int64_t in = 0;
        int64_t out = 0;
        unsigned count = 0;
        for (uint32_t i = 0; i < w->transfers.count; i++) {
            const struct transfer_row *row = TRANSFER(w, i);
            if (row->payment != payment || (int)row->state != state || row->is_rest != is_rest)
                continue;
            count++;
            *(row->debit < PROVIDER_MAX ? &in : &out) += row->amount;
        }
        if (count > 0)
            text_add(to, "%s %u: %u %s, %lld in, %lld out\n", is_rest ? "held" : "transfers",
                     payment, count, names[state], (long long)in, (long long)out);
    }
}

void model_read(struct model *model, uint32_t payment, struct text *to)
{
    const struct world *w = &model->world;
    const struct payment_row *row = PAYMENT(w, payment);
    text_clear(to);
    if (!row->exists) {
        text_add(to, "absent\n");
        return;
    }
    text_add(to, "%s, %d events, %lld %lld %lld %lld %lld\n", payment_status_name(row->shown),
             row->event_count, (long long)row->limits.authorized, (long long)row->limits.captured,
             (long long)row->limits.capture_open, (long long)row->limits.refunded,
             (long long)row->limits.refund_open);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        struct model_view view;
        if (!row->attempt[at].exists)
            continue;
        model_view((struct model *)model, payment, at, &view);
        text_add(to, "attempt %u: %u sends, outcomes up to %d%s%s", at + 1U, view.send_count,
                 view.outcome_count, view.is_parked ? ", parked" : "",
                 view.is_parked && row->attempt[at].park.is_canceled ? ", canceled" : "");
        if (view.is_late)
            text_add(to, ", late: %lld %lld", (long long)view.late_held, (long long)view.late_open);
        text_add(to, "\n");
    }
}

void model_dump(struct model *model, struct text *to)
{
    const struct world *w = &model->world;
    text_clear(to);
    for (uint32_t i = 0; i < w->payments.count; i++) {
        if (!PAYMENT(w, i)->exists)
            continue;
        dump_payment(w, i, to);
        dump_transfers(w, i, false, to);
        dump_transfers(w, i, true, to);
    }
    text_sort(to);
}
