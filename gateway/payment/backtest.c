#include "payment/backtest_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- where it would go ------------------------------------------------------------------------ */

static size_t nobody(const struct run *run)
{
    return run->out->side_count - 1;
}

static size_t side_of(const struct run *run, const struct house *house, uint8_t slot)
{
    return run->side[house->account[slot]];
}

static int64_t millionths(const struct chances *chances, size_t at)
{
    return (int64_t)(chances->share[at] * MILLION / chances->sum);
}

static struct backtest_day *find_day(struct run *run, int64_t at_us)
{
    struct backtest *out = run->out;
    int64_t first = run->input->since_us / run->day_us;
    size_t at = (size_t)(at_us / run->day_us - first);
    CHECK(at < BACKTEST_DAY_MAX);
    for (; out->day_count <= at; out->day_count++)
        out->day[out->day_count].begins_us = (first + (int64_t)out->day_count) * run->day_us;
    return &out->day[at];
}

static void add_shares(struct run *run, const struct past_payment *payment,
                       const struct house *house, uint8_t slot)
{
    struct backtest *out = run->out;
    const struct chances *chances = &run->chances;
    struct backtest_day *day = find_day(run, payment->created_us);
    size_t was = side_of(run, house, slot);
    day->payments++;
    day->was[was]++;
    out->side[was].was++;
    for (size_t i = 0; i < chances->count; i++) {
        size_t side = side_of(run, house, chances->slot[i]);
        out->side[side].now_millionths += millionths(chances, i);
        day->now_millionths[side] += millionths(chances, i);
    }
    if (chances->count == 0) {
        out->side[nobody(run)].now_millionths += MILLION;
        day->now_millionths[nobody(run)] += MILLION;
        out->declined += run->decision.declined.len > 0;
        out->nobody += run->decision.declined.len == 0;
    }
}

/* By the draw that was recorded: a split that stays as it is changes nothing. */
static void add_change(struct run *run, const struct past_payment *payment,
                       const struct house *house, uint8_t slot)
{
    const struct route_decision *decision = &run->decision;
    bool is_kept = decision->kept_count > 0;
    size_t was = side_of(run, house, slot);
    size_t now = is_kept ? side_of(run, house, decision->verdict[0].candidate) : nobody(run);
    struct backtest_change *change = &run->out->change[was][now];
    if (change->payments < BACKTEST_EXAMPLE_MAX)
        change->example[change->payments] = payment->payment_id;
    change->payments++;
    run->out->changed += !is_kept || decision->verdict[0].candidate != slot;
}

/* ---- what would come of it -------------------------------------------------------------------- */

/* Payments that were chosen for together: of one key of a split. */
static uint64_t group_of(const struct past_payment *payment)
{
    uint64_t id = 0;
    memcpy(&id, payment->payment_id.byte + 8, sizeof(id));
    return payment->split_bits != 0 ? payment->split_bits : id;
}

static void add_was(struct run *run, const struct past_payment *payment, size_t side)
{
    uint64_t group = group_of(payment);
    bool is_first = payment->first == OUTCOME_APPROVED;
    if (outcome_is_final((enum outcome)payment->first)) {
        estimate_add(&run->was_first, group, 1, is_first);
        estimate_add(&run->side_was[side], group, 1, is_first);
    } else {
        run->out->undecided++;
    }
    if (outcome_is_final((enum outcome)payment->final))
        estimate_add(&run->was_paid, group, 1, payment->final == OUTCOME_APPROVED);
}

static void add_weight(struct run *run, const struct past_payment *payment, size_t side,
                       double weight)
{
    uint64_t group = group_of(payment);
    bool is_first = payment->first == OUTCOME_APPROVED;
    if (outcome_is_final((enum outcome)payment->first)) {
        estimate_add(&run->now_first, group, weight, is_first);
        estimate_add(&run->side_now[side], group, weight, is_first);
    }
    if (outcome_is_final((enum outcome)payment->final))
        estimate_add(&run->now_paid, group, weight, payment->final == OUTCOME_APPROVED);
}

/* A payment that nobody would take fails for certain. */
static void add_nobody(struct run *run, const struct past_payment *payment)
{
    estimate_add(&run->now_first, group_of(payment), 1, false);
    estimate_add(&run->now_paid, group_of(payment), 1, false);
}

static void add_now(struct run *run, const struct past_payment *payment, const struct house *house,
                    uint8_t slot, const struct cell *cell)
{
    const struct chances *chances = &run->chances;
    if (chances->count == 0) {
        add_nobody(run, payment);
        return;
    }
    for (size_t i = 0; i < chances->count; i++) {
        uint8_t to = chances->slot[i];
        size_t side = side_of(run, house, to);
        if (cell == NULL ? to != slot : cell->count[to] == 0) {
            run->unknown += millionths(chances, i);
            run->out->side[side].unknown_millionths += millionths(chances, i);
        } else if (to == slot) {
            double wanted = (double)chances->share[i] / (double)chances->sum;
            double was = cell == NULL ? 1 : (double)cell->count[slot] / (double)cell->sum;
            add_weight(run, payment, side, wanted / was);
        }
    }
}

/* ---- all -------------------------------------------------------------------------------------- */

static void look_at(struct run *run, size_t index)
{
    const struct past_payment *payment = past_payment(run->input->past, index);
    bool is_before = payment->created_us < run->input->since_us;
    bool is_sent = payment->attempts > 0 && payment->operation != OPERATION_NONE;
    uint8_t slot = is_sent ? run->seat[payment->account].slot : (uint8_t)SLOT_NONE;
    if (slot == SLOT_NONE) {
        run->out->skipped += !is_before;
        return;
    }
    const struct house *house = &run->house[run->seat[payment->account].house];
    if (!is_before) {
        run->out->payments++;
        run_decide(run, payment, house);
        add_shares(run, payment, house, slot);
        add_change(run, payment, house, slot);
        add_was(run, payment, side_of(run, house, slot));
        add_now(run, payment, house, slot, run_cell(run, index));
        run_add_fees(run, payment, house, slot);
    }
    run_add_volume(run, payment, house, slot, run_cell(run, index), !is_before);
}

static void end(struct run *run)
{
    struct backtest *out = run->out;
    run_end_fees(run);
    out->unknown_millionths = (int64_t)run->unknown;
    out->was_first = estimate_read(&run->was_first);
    out->was_paid = estimate_read(&run->was_paid);
    out->now_first = estimate_read(&run->now_first);
    out->now_paid = estimate_read(&run->now_paid);
    for (size_t i = 0; i < out->side_count; i++) {
        out->side[i].was_success = estimate_read(&run->side_was[i]);
        out->side[i].now_success = estimate_read(&run->side_now[i]);
    }
}

bool backtest_run(const struct backtest_input *input, struct backtest *backtest, struct error *err)
{
    struct run *run = calloc(1, sizeof(*run));
    CHECK(run != NULL);
    memset(backtest, 0, sizeof(*backtest));
    run->input = input;
    run->out = backtest;
    bool ok = run_prepare(run, err);
    if (ok) {
        for (size_t i = 0; i < past_count(input->past); i++)
            look_at(run, i);
        end(run);
    }
    run_release(run);
    free(run);
    return ok;
}

void backtest_bounds(const struct backtest *backtest, double *low, double *high)
{
    double all = (double)backtest->payments;
    double unknown = all > 0 ? (double)backtest->unknown_millionths / MILLION / all : 1;
    const struct estimate *known = &backtest->now_first;
    *low = known->is_known ? (1 - unknown) * known->low : 0;
    *high = known->is_known ? (1 - unknown) * known->high + unknown : 1;
}
