/*
 * posting.h - double entry: what every event means for the books, as rows of `transfers`.
 *
 * One table says it: event by event, leg by leg, which kind of account is debited, which is credited,
 * and whether the money moves (posted), is set aside (pending), or is no longer (voided).
 * docs/ledger.md shows it (make docs-tables), the ledger has it as `entry_kinds`, and posting_make
 * books from it.
 *
 *     capture     asked for: capture_open -----> done: capture_close, of what was set aside
 *     refund              (pending)       -----> surely not done: capture_drop
 *                                                ... and done after all: capture_late, on its own
 *     authorize   set aside until a capture, a void, its end, or another authorization releases it;
 *                 what is not taken then is set aside again (store.h, struct store_hold)
 *
 * The transfer of an authorization, and the pending one of a capture or refund, has its attempt's id:
 * so it can be named without having been read. A transfer that is pending is ended once, by another one
 * that names it. What nobody but a person can know (a dispute, a settlement, money that came back) is in
 * the same table, and entered by people.
 *
 * One account per provider account, named by its id, so that what a provider owes can be compared with
 * what it pays out. Every row has one debit and one credit: the books balance by construction (P5).
 */
#ifndef LEDGER_POSTING_H
#define LEDGER_POSTING_H

#include "ledger/chart.h"
#include "ledger/store.h"

enum posting_event {
    POSTING_NOTHING = 0,
    POSTING_SALE,
    POSTING_SALE_LATE,
    POSTING_AUTHORIZE,
    POSTING_AUTHORIZE_LATE,
    POSTING_CAPTURE_OPEN,
    POSTING_CAPTURE_CLOSE,
    POSTING_CAPTURE_DROP,
    POSTING_CAPTURE_LATE,
    POSTING_VOID,
    POSTING_EXPIRE,
    POSTING_REAUTHORIZE,
    POSTING_REFUND_OPEN,
    POSTING_REFUND_CLOSE,
    POSTING_REFUND_DROP,
    POSTING_REFUND_LATE,
    POSTING_PAYOUT,
    POSTING_PAYOUT_RETURN,
    POSTING_FEE,
    POSTING_CONVERSION,
    POSTING_DISPUTE_OPENED,
    POSTING_DISPUTE_WON,
    POSTING_DISPUTE_LOST,
    POSTING_SETTLEMENT_AVAILABLE,
    POSTING_SETTLEMENT_SENT,
    POSTING_SETTLEMENT_ARRIVED,
    POSTING_DEPOSIT_UNMATCHED,
    POSTING_DEPOSIT_MATCHED,
    POSTING_PAYABLE_DUE,
    POSTING_PAYABLE_PAID,
    POSTING_CORRECTION,
    POSTING_ENTRY,
    POSTING_EVENT_COUNT,
};

enum posting_by {
    POSTING_BY_GATEWAY = 0, /* posting_make */
    POSTING_BY_STORE,       /* with the change of the hold, in the same commit: SQL_HOLDS */
    POSTING_BY_PERSON,      /* entered; later also from what providers state */
};

enum posting_link {
    POSTING_ALONE = 0,
    POSTING_OPENS,    /* has the id of its attempt, by which it is ended */
    POSTING_ENDS,     /* the one that has the id of its attempt */
    POSTING_RELEASES, /* the one that holds the authorization */
};

struct posting_rule {
    enum posting_event event;
    struct str leg;         /* "gross", "fee", "hold", "release", "rest", ... */
    enum chart_kind debit;  /* CHART_NONE: any account; of a correction, the swapped one's */
    enum chart_kind credit; /* likewise */
    struct str kind;        /* of the transfer: "payment", "fee"; never renamed */
    enum transfer_state state;
    enum posting_link link;
    enum posting_by by;
    struct str meaning;
};

/* The table, in the order of events. */
const struct posting_rule *posting_rules(size_t *count);
/* "capture_open": never renamed. */
struct str posting_event_name(enum posting_event event);
/* "gateway", "person": who books it, as the ledger says it. */
struct str posting_by_name(enum posting_by by);

enum posting_phase {
    POSTING_WHOLE = 0, /* approved: sale, authorize, payout */
    POSTING_OPEN,      /* capture, refund: asked for */
    POSTING_CLOSE,     /* ... approved */
    POSTING_DROP,      /* ... surely not done */
    POSTING_LATE, /* ... approved, after it had been dropped; of a sale or an authorization: after
                          its payment had ended, gone on or been canceled */
};

struct posting { /* what was approved, or asked for; borrowed */
    enum posting_phase phase;
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    struct str provider;
    enum operation operation;
    int64_t amount_minor; /* > 0 */
    char currency[4];
    int64_t fee_minor; /* stated by the provider, else expected; 0 or less: none is booked */
    int64_t created_us;
};

struct posting_rows { /* rows point into it: not to be copied */
    struct store_transfer transfers[2];
    size_t count;
    char pending[CHART_ACCOUNT_SIZE]; /* the provider's account */
};

/* Which event that is. A phase that the operation does not have is a bug. */
enum posting_event posting_event_of(enum operation operation, enum posting_phase phase);
/* New transfer ids are drawn where none is given above; everything else follows from `posting`. Of a
 * void and a reauthorization there is nothing: the store books what is held. */
void posting_make(const struct posting *posting, struct posting_rows *rows);

#endif
