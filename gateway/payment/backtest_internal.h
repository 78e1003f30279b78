/* backtest_internal.h - one run of a backtest (private to backtest*.c). */
#ifndef PAYMENT_BACKTEST_INTERNAL_H
#define PAYMENT_BACKTEST_INTERNAL_H

#include "ledger/finder.h"
#include "payment/backtest.h"
#include "payment/backtest_hours.h"
#include "router/volume.h"

enum {
    SLOT_NONE = 0xFF,
    MILLION = 1000000,
};

__extension__ typedef __int128 big;

struct house { /* a merchant */
    struct uuid merchant_id;
    char text[ID_TEXT_SIZE];
    uint32_t account[ROUTE_CANDIDATE_MAX]; /* into input->account; candidates are in this order */
    uint32_t past[ROUTE_CANDIDATE_MAX];    /* into past_account(); UINT32_MAX: it has no past */
    size_t count;
};

struct seat { /* where an account of the past is now */
    uint32_t house;
    uint8_t slot; /* SLOT_NONE: it is gone */
};

struct cell { /* payments that chance alone told apart */
    uint32_t house;
    uint32_t rule;
    uint32_t method;
    uint32_t routing;
    uint16_t currency;
    uint16_t down; /* bits of the accounts that were, within the hour */
    uint8_t operation;
    uint32_t count[ROUTE_CANDIDATE_MAX]; /* from here on it is no key */
    uint32_t sum;
    uint32_t decided[ROUTE_CANDIDATE_MAX]; /* of count: first attempts that are final */
    uint32_t approved[ROUTE_CANDIDATE_MAX];
};

struct rate { /* of an account, in all of the past */
    int64_t decided;
    int64_t approved;
};

struct month { /* how much an account has taken, by currency or in one */
    int32_t number;
    int64_t minor[VOLUME_COUNT];
    int64_t before[VOLUME_COUNT];
};

struct chances { /* of the accounts to be first */
    uint8_t slot[ROUTE_CANDIDATE_MAX];
    uint64_t share[ROUTE_CANDIDATE_MAX];
    size_t count; /* 0: nobody */
    uint64_t sum;
};

struct run {
    const struct backtest_input *input;
    struct backtest *out;
    const struct currency *currency; /* all of them */
    struct hours *hours;
    struct house *house; /* owned */
    size_t house_count;
    struct seat *seat; /* owned; of each past_account() */
    uint8_t *side;     /* owned; of each input account */
    struct rate *rate; /* owned; likewise */
    uint32_t *cell_of; /* owned; of each payment: index + 1; 0: no split chose */
    struct cell *cell; /* owned */
    size_t cell_count;
    size_t cell_room;
    struct finder cells;
    struct finder rules; /* by the address of their names */
    int64_t failed;      /* payments that their first account did not approve */
    int64_t recovered;   /* of them: approved by another */
    struct month **was;  /* owned; of input accounts whose fees have tiers, else NULL */
    struct month **now;  /* owned; likewise */
    big fee_now[BACKTEST_CURRENCY_MAX]; /* millionths; by currency_index() */
    struct backtest_fees fee[BACKTEST_CURRENCY_MAX];
    struct estimate_sums was_first, was_paid, now_first, now_paid;
    struct estimate_sums side_was[BACKTEST_SIDE_MAX], side_now[BACKTEST_SIDE_MAX];
    big unknown; /* millionths */
    int64_t day_us;
    /* of the payment at hand */
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    struct route_pair metadata[ROUTE_METADATA_MAX];
    struct route_decision decision;
    struct chances chances;
};

/* backtest_cells.c: who is who, and which payments are comparable */
bool run_prepare(struct run *run, struct error *err) MUST_USE;
void run_release(struct run *run);
const struct cell *run_cell(const struct run *run, size_t payment);

/* backtest_choice.c: what the rules do with a payment */
void run_decide(struct run *run, const struct past_payment *payment, const struct house *house);

/* backtest_fees.c: what it costs, by the volume that there would be */
int64_t run_volume(struct month **months, const struct run *run, uint32_t account, size_t currency,
                   int64_t at_us);
void run_add_fees(struct run *run, const struct past_payment *payment, const struct house *house,
                  uint8_t slot);
/* The payment's money counts where it went; and where it would have gone, as likely as it would have
 * succeeded there. */
void run_add_volume(struct run *run, const struct past_payment *payment, const struct house *house,
                    uint8_t slot, const struct cell *cell, bool is_decided);
void run_end_fees(struct run *run);

#endif
