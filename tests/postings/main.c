/*
 * main.c - random lives of a merchant's money, booked by the table of posting.c.
 *
 *     make postings [COUNT=10000000 SEED=1 PART=i/n] [CASE=number]
 *
 * Payments with captures in parts, voids, ends, reauthorizations, refunds, late successes and their
 * reversals, payouts and what comes back, fees, disputes, conversions, settlements and corrections, in
 * every currency of ISO 4217, with amounts up to the largest. After every event: debits are credits in
 * every currency; every balance is what it should be, by an account that knows nothing of the table; no
 * sum leaves int64; what is pending is ended once, by its like; the parts of a payment are the whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/postings/life.h"

enum {
    STEP_MIN = 4,
    STEP_SPREAD = 60,
};

/* As many of the largest amounts as int64 has room for, into one account; the next is refused. */
static void fill_accounts(void)
{
    size_t count;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        int64_t sum = 0;
        books_wide exact = 0;
        int64_t most = INT64_MAX / MONEY_AMOUNT_MAX;
        struct posting_rows rows;
        struct posting posting = {
            .attempt_id = uuid_new(),
            .account_id = uuid_new(),
            .provider = STR("paypal"),
            .operation = OPERATION_SALE,
            .amount_minor = MONEY_AMOUNT_MAX,
        };
        memcpy(posting.currency, all[i].code, sizeof(posting.currency));
        for (int64_t n = 0; n < most; n++) {
            posting_make(&posting, &rows);
            CHECK(rows.count == 1 && strcmp(rows.transfers[0].currency, all[i].code) == 0);
            CHECK(money_add(sum, rows.transfers[0].amount_minor, &sum));
            exact += rows.transfers[0].amount_minor;
        }
        CHECK(most >= 9000 && exact == sum);
        CHECK(!money_add(sum, MONEY_AMOUNT_MAX, &sum) && exact == sum);
    }
}

static void live(struct life *life, uint64_t seed, uint64_t number, bool is_told)
{
    life_begin(life, seed, number, is_told);
    uint64_t steps = STEP_MIN + rng_below(&life->rng, STEP_SPREAD);
    for (uint64_t i = 0; i < steps; i++) {
        if (!life_step(life))
            continue;
        life_check(life);
    }
    life_end(life);
}

static uint64_t number_of(const char *text, const char *what)
{
    int64_t value;
    if (!str_to_int64(str_of(text), &value) || value < 0) {
        (void)fprintf(stderr, "postings: %s is not a number: %s\n", what, text);
        exit(2);
    }
    return (uint64_t)value;
}

int main(int argc, char **argv)
{
    static struct life life;
    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr, "usage: postings SEED COUNT PART PARTS [CASE]\n");
        return 2;
    }
    uint64_t seed = number_of(argv[1], "SEED");
    uint64_t count = number_of(argv[2], "COUNT");
    uint64_t part = number_of(argv[3], "PART");
    uint64_t parts = number_of(argv[4], "PART");
    if (part < 1 || part > parts) {
        (void)fprintf(stderr, "postings: PART is i/n with i from 1 to n\n");
        return 2;
    }
    if (argc == 6) {
        live(&life, seed, number_of(argv[5], "CASE"), true);
        return 0;
    }
    uint64_t lives = 0;
    uint64_t rows = 0;
    fill_accounts();
    for (uint64_t number = part - 1; number < count; number += parts, lives++) {
        live(&life, seed, number, false);
        rows += life.books.row_count;
        if (lives % 1000000 == 999999)
            (void)fprintf(stderr, "postings: %" PRIu64 " of %" PRIu64 "\n", lives + 1,
                          count / parts);
    }
    for (int event = POSTING_NOTHING + 1; event < POSTING_EVENT_COUNT; event++) {
        /* Entries between any accounts are as corrections are. */
        if (life.by_event[event] == 0 && event != POSTING_ENTRY && lives >= 10000) {
            (void)printf("postings: " STR_FMT " never happened\n",
                         STR_ARG(posting_event_name((enum posting_event)event)));
            return 1;
        }
    }
    size_t currencies;
    (void)currency_all(&currencies);
    (void)printf("postings: %" PRIu64 " sequences from seed %" PRIu64 " (part %" PRIu64 "/%" PRIu64
                 "): %" PRIu64 " events, %" PRIu64
                 " transfers in %zu currencies: balanced after every one,"
                 " nothing overflows, parts are the whole\n",
                 lives, seed, part, parts, life.event_count, rows, currencies);
    return 0;
}
