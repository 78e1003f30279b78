#include "payment/backtest_internal.h"

#include <string.h>

#include "base/zone.h"

/* ---- volume ----------------------------------------------------------------------------------- */

static int32_t month_of(int64_t at_us)
{
    struct zone_moment moment;
    zone_read(NULL, at_us, &moment);
    return moment.year * 12 + moment.month - 1;
}

/* Months pass as payments do. */
static void turn(struct month *month, int64_t at_us)
{
    int32_t number = month_of(at_us);
    if (number == month->number)
        return;
    if (number == month->number + 1)
        memcpy(month->before, month->minor, sizeof(month->before));
    else
        memset(month->before, 0, sizeof(month->before));
    memset(month->minor, 0, sizeof(month->minor));
    month->number = number;
}

int64_t run_volume(struct month **months, const struct run *run, uint32_t account, size_t currency,
                   int64_t at_us)
{
    struct month *month = months[account];
    if (month == NULL)
        return 0;
    struct cost_volume asked = cost_volume(run->input->account[account].cost);
    size_t at = asked.currency != NULL ? VOLUME_TOTAL : currency;
    turn(month, at_us);
    return asked.is_of_previous ? month->before[at] : month->minor[at];
}

static void add(struct run *run, struct month **months, uint32_t account,
                const struct past_payment *payment, int64_t minor)
{
    struct month *month = months[account];
    if (month == NULL)
        return;
    struct cost_volume asked = cost_volume(run->input->account[account].cost);
    size_t at = payment->currency;
    turn(month, payment->created_us);
    if (asked.currency != NULL) {
        at = VOLUME_TOTAL;
        const struct currency *from = &run->currency[payment->currency];
        if (from != asked.currency &&
            (run->input->rates == NULL ||
             !rates_convert(run->input->rates, minor, from, asked.currency, &minor)))
            return;
    }
    month->minor[at] += minor;
}

/* How likely it is to be approved there, in millionths. */
static int64_t expect(const struct run *run, const struct past_payment *payment,
                      const struct house *house, uint8_t slot, const struct cell *cell, uint8_t to)
{
    const struct rate *rate = &run->rate[house->account[to]];
    if (cell != NULL && cell->decided[to] > 0)
        return (int64_t)cell->approved[to] * MILLION / cell->decided[to];
    if (to == slot)
        return payment->first == OUTCOME_APPROVED ? MILLION : 0;
    return rate->decided > 0 ? rate->approved * MILLION / rate->decided : MILLION;
}

static void add_now(struct run *run, const struct past_payment *payment, const struct house *house,
                    uint8_t to, big millionths)
{
    add(run, run->now, house->account[to], payment,
        (int64_t)((big)payment->amount_minor * millionths / MILLION));
}

/* What the first declines, failover brings to the next in order as often as it ever did. */
static void add_recovered(struct run *run, const struct past_payment *payment,
                          const struct house *house, size_t first, big millionths)
{
    const struct chances *chances = &run->chances;
    const struct route_decision *decision = &run->decision;
    if (chances->count == 1 && decision->kept_count > 1)
        add_now(run, payment, house, decision->verdict[1].candidate, millionths);
    for (size_t i = 0; i < chances->count; i++) {
        if (i != first)
            add_now(run, payment, house, chances->slot[i],
                    millionths * (big)chances->share[i] /
                        (big)(chances->sum - chances->share[first]));
    }
}

static void add_expected(struct run *run, const struct past_payment *payment,
                         const struct house *house, uint8_t slot, const struct cell *cell)
{
    const struct chances *chances = &run->chances;
    int64_t recovers = run->failed > 0 ? run->recovered * MILLION / run->failed : 0;
    for (size_t i = 0; i < chances->count; i++) {
        int64_t success = expect(run, payment, house, slot, cell, chances->slot[i]);
        big share = (big)chances->share[i] * MILLION / (big)chances->sum;
        add_now(run, payment, house, chances->slot[i], share * success / MILLION);
        add_recovered(run, payment, house, i,
                      share * (MILLION - success) / MILLION * recovers / MILLION);
    }
}

void run_add_volume(struct run *run, const struct past_payment *payment, const struct house *house,
                    uint8_t slot, const struct cell *cell, bool is_decided)
{
    if (payment->final == OUTCOME_APPROVED && run->seat[payment->paid].slot != SLOT_NONE) {
        uint32_t paid = house->account[run->seat[payment->paid].slot];
        add(run, run->was, paid, payment, payment->amount_minor);
        if (!is_decided)
            add(run, run->now, paid, payment, payment->amount_minor);
    }
    if (is_decided)
        add_expected(run, payment, house, slot, cell);
}

/* ---- fees ------------------------------------------------------------------------------------- */

static bool find_was(struct run *run, const struct past_payment *payment, const struct house *house,
                     uint8_t slot, int64_t *fee_minor)
{
    const struct past *past = run->input->past;
    uint32_t account = house->account[slot];
    struct cost_facts facts = {
        .operation = (enum operation)payment->operation,
        .amount_minor = payment->amount_minor,
        .currency = &run->currency[payment->currency],
        .country = past_word(past, payment->country),
        .method = past_word(past, payment->method),
        .rates = run->input->rates,
        .month_volume_minor =
            run_volume(run->was, run, account, payment->currency, payment->created_us),
    };
    const struct cost_table *cost = run->input->account[account].cost;
    return cost != NULL && cost_expected(cost, &facts, fee_minor);
}

/* In millionths of a minor unit: of a split, each by its share. */
static bool find_now(const struct run *run, big *millionths)
{
    const struct chances *chances = &run->chances;
    big sum = 0;
    for (size_t i = 0; i < chances->count; i++) {
        const struct route_verdict *verdict = run->decision.verdict;
        while (verdict->candidate != chances->slot[i])
            verdict++;
        if (!verdict->fee_known)
            return false;
        sum += (big)verdict->expected_fee_minor * MILLION * (big)chances->share[i];
    }
    if (chances->count == 0)
        return false;
    *millionths = sum / (big)chances->sum;
    return true;
}

void run_add_fees(struct run *run, const struct past_payment *payment, const struct house *house,
                  uint8_t slot)
{
    int64_t was_minor = 0;
    big now = 0;
    struct backtest_fees *fees = &run->fee[payment->currency];
    if (!find_was(run, payment, house, slot, &was_minor) || !find_now(run, &now)) {
        fees->unknown++;
        return;
    }
    fees->payments++;
    fees->amount_minor += payment->amount_minor;
    fees->was_minor += was_minor;
    run->fee_now[payment->currency] += now;
}

void run_end_fees(struct run *run)
{
    struct backtest *out = run->out;
    for (size_t i = 0; i < BACKTEST_CURRENCY_MAX; i++) {
        struct backtest_fees *fees = &run->fee[i];
        if (fees->payments == 0 && fees->unknown == 0)
            continue;
        big now = run->fee_now[i];
        fees->currency = &run->currency[i];
        fees->now_minor = (int64_t)((now + (now < 0 ? -MILLION / 2 : MILLION / 2)) / MILLION);
        out->fees[out->fees_count++] = *fees;
    }
}
