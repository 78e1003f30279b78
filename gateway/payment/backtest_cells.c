#include "payment/backtest_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mix.h"

#define DAY_US (INT64_C(86400) * CLOCK_SECOND_US)

static const struct mix_seed seed = {{UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377)}};

static void *zeros(size_t count, size_t size)
{
    void *at = calloc(count + 1, size);
    CHECK(at != NULL);
    return at;
}

/* ---- merchants and accounts ------------------------------------------------------------------- */

static struct house *find_house(struct run *run, const struct uuid *merchant_id)
{
    for (size_t i = run->house_count; i-- > 0;) { /* accounts come merchant by merchant */
        if (uuid_eq(&run->house[i].merchant_id, merchant_id))
            return &run->house[i];
    }
    struct house *house = &run->house[run->house_count++];
    house->merchant_id = *merchant_id;
    (void)id_format(ID_MERCHANT, merchant_id, house->text);
    return house;
}

static bool find_side(struct run *run, const struct backtest_account *account, uint8_t *side,
                      struct error *err)
{
    char label[BACKTEST_LABEL_SIZE];
    struct backtest *out = run->out;
    if (run->input->by_account)
        (void)snprintf(label, sizeof(label), STR_FMT ":" STR_FMT, STR_ARG(account->provider),
                       STR_ARG(account->name));
    else
        (void)snprintf(label, sizeof(label), STR_FMT, STR_ARG(account->provider));
    size_t at = 0;
    while (at < out->side_count && strcmp(out->side[at].label, label) != 0)
        at++;
    if (at == BACKTEST_SIDE_MAX - 1)
        return fail(err, ERROR_BUSY, "cannot compare more than %d providers or accounts",
                    BACKTEST_SIDE_MAX - 1);
    if (at == out->side_count)
        memcpy(out->side[out->side_count++].label, label, sizeof(label));
    *side = (uint8_t)at;
    return true;
}

static bool take_accounts(struct run *run, struct error *err)
{
    const struct backtest_input *input = run->input;
    run->house = zeros(input->account_count, sizeof(*run->house));
    run->side = zeros(input->account_count, sizeof(*run->side));
    run->rate = zeros(input->account_count, sizeof(*run->rate));
    run->was = zeros(input->account_count, sizeof(struct month *));
    run->now = zeros(input->account_count, sizeof(struct month *));
    for (uint32_t i = 0; i < input->account_count; i++) {
        const struct backtest_account *account = &input->account[i];
        struct house *house = find_house(run, &account->merchant_id);
        if (house->count == ROUTE_CANDIDATE_MAX)
            return fail(err, ERROR_BUSY, "cannot compare: %s has more than %d accounts",
                        house->text, ROUTE_CANDIDATE_MAX);
        house->past[house->count] = UINT32_MAX;
        house->account[house->count++] = i;
        if (!find_side(run, account, &run->side[i], err))
            return false;
        if (account->cost != NULL && cost_volume(account->cost).is_asked) {
            run->was[i] = zeros(1, sizeof(struct month));
            run->now[i] = zeros(1, sizeof(struct month));
        }
    }
    (void)snprintf(run->out->side[run->out->side_count++].label, BACKTEST_LABEL_SIZE, "nobody");
    return true;
}

static bool is_house_account(const void *owner, uint32_t index, const void *key)
{
    const struct run *run = owner;
    return uuid_eq(&run->input->account[index].account_id, key);
}

static void find_places(struct run *run)
{
    const struct past *past = run->input->past;
    struct finder accounts = {0};
    uint32_t at = 0;
    run->seat = zeros(past_account_count(past), sizeof(*run->seat));
    for (uint32_t h = 0; h < run->house_count; h++) {
        for (size_t slot = 0; slot < run->house[h].count; slot++) {
            uint32_t account = run->house[h].account[slot];
            const struct uuid *id = &run->input->account[account].account_id;
            finder_add(&accounts, mix_bytes(&seed, id, sizeof(*id)), account);
        }
    }
    for (uint32_t i = 0; i < past_account_count(past); i++) {
        const struct uuid *id = &past_account(past, i)->account_id;
        run->seat[i].slot = SLOT_NONE;
        if (!finder_find(&accounts, mix_bytes(&seed, id, sizeof(*id)), is_house_account, run, id,
                         &at))
            continue;
        struct house *house = find_house(run, &run->input->account[at].merchant_id);
        for (size_t slot = 0; slot < house->count; slot++) {
            if (house->account[slot] == at) {
                run->seat[i] = (struct seat){(uint32_t)(house - run->house), (uint8_t)slot};
                house->past[slot] = i;
            }
        }
    }
    finder_release(&accounts);
}

/* ---- comparable payments ---------------------------------------------------------------------- */

static bool is_cell(const void *owner, uint32_t index, const void *key)
{
    return memcmp(&((const struct run *)owner)->cell[index], key, offsetof(struct cell, count)) ==
           0;
}

static uint32_t find_cell(struct run *run, const struct cell *key)
{
    uint32_t at = 0;
    uint64_t hash = mix_bytes(&seed, key, offsetof(struct cell, count));
    if (finder_find(&run->cells, hash, is_cell, run, key, &at))
        return at;
    if (run->cell_count == run->cell_room) {
        run->cell_room = run->cell_room == 0 ? 256 : run->cell_room * 2;
        run->cell = realloc(run->cell, run->cell_room * sizeof(*run->cell));
        CHECK(run->cell != NULL);
    }
    at = (uint32_t)run->cell_count++;
    run->cell[at] = *key;
    finder_add(&run->cells, hash, at);
    return at;
}

/* Whoever was down got nothing for a while, whatever the shares say. */
static uint16_t find_down(const struct run *run, const struct past_payment *payment)
{
    static_assert(ROUTE_CANDIDATE_MAX <= 16, "a bit each");
    const struct house *house = &run->house[run->seat[payment->account].house];
    struct health_view health;
    unsigned down = 0;
    for (size_t slot = 0; slot < house->count; slot++) {
        hours_read(run->hours, house->past[slot], payment->created_us, &health);
        down |= (unsigned)(health.state == HEALTH_OPEN) << slot;
    }
    return (uint16_t)down;
}

static uint32_t cell_of(struct run *run, const struct past_payment *payment)
{
    struct cell key;
    memset(&key, 0, sizeof(key)); /* padding too: it is compared whole */
    key.house = run->seat[payment->account].house;
    key.rule = payment->rule;
    key.method = payment->method;
    key.routing = payment->routing;
    key.currency = payment->currency;
    key.operation = payment->operation;
    key.down = find_down(run, payment);
    return find_cell(run, &key);
}

static void find_cells(struct run *run)
{
    const struct past *past = run->input->past;
    run->cell_of = zeros(past_count(past), sizeof(*run->cell_of));
    for (size_t i = 0; i < past_count(past); i++) {
        const struct past_payment *payment = past_payment(past, i);
        if (payment->attempts == 0 || payment->created_us < run->input->since_us ||
            run->seat[payment->account].slot == SLOT_NONE)
            continue;
        const struct seat *seat = &run->seat[payment->account];
        struct rate *rate = &run->rate[run->house[seat->house].account[seat->slot]];
        bool is_decided = outcome_is_final((enum outcome)payment->first);
        bool is_approved = payment->first == OUTCOME_APPROVED;
        rate->decided += is_decided;
        rate->approved += is_approved;
        run->failed += is_decided && !is_approved;
        run->recovered += is_decided && !is_approved && payment->final == OUTCOME_APPROVED;
        if (!payment->is_split)
            continue;
        uint32_t at = cell_of(run, payment);
        run->cell[at].sum++;
        run->cell[at].count[seat->slot]++;
        run->cell[at].decided[seat->slot] += is_decided;
        run->cell[at].approved[seat->slot] += is_approved;
        run->cell_of[i] = at + 1;
    }
}

const struct cell *run_cell(const struct run *run, size_t payment)
{
    return run->cell_of[payment] == 0 ? NULL : &run->cell[run->cell_of[payment] - 1];
}

/* ---- all -------------------------------------------------------------------------------------- */

static void find_rules(struct run *run)
{
    for (uint32_t i = 0; i < rule_set_rule_count(run->input->rules); i++) {
        const char *name = rule_set_rule_name(run->input->rules, i).at;
        finder_add(&run->rules, mix_bytes(&seed, &name, sizeof(name)), i);
    }
}

static void divide_days(struct run *run)
{
    const struct past *past = run->input->past;
    size_t count = past_count(past);
    run->day_us = DAY_US;
    int64_t first = run->input->since_us / DAY_US;
    int64_t last = count > 0 ? past_payment(past, count - 1)->created_us / DAY_US : first;
    if (last - first >= BACKTEST_DAY_MAX)
        run->day_us = DAY_US * ((last - first) / BACKTEST_DAY_MAX + 1);
}

bool run_prepare(struct run *run, struct error *err)
{
    size_t count = 0;
    run->currency = currency_all(&count);
    CHECK(count <= BACKTEST_CURRENCY_MAX);
    if (!take_accounts(run, err))
        return false;
    find_places(run);
    run->hours = hours_new(run->input->past);
    find_cells(run);
    find_rules(run);
    divide_days(run);
    return true;
}

void run_release(struct run *run)
{
    for (size_t i = 0; i < run->input->account_count && run->was != NULL; i++) {
        free(run->was[i]);
        free(run->now[i]);
    }
    free(run->was);
    free(run->now);
    free(run->house);
    free(run->side);
    free(run->rate);
    free(run->seat);
    free(run->cell_of);
    free(run->cell);
    finder_release(&run->cells);
    finder_release(&run->rules);
    if (run->hours != NULL)
        hours_free(&run->hours);
}
