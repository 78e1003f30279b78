/*
 * backtest.h - what another rule set would have done with the payments of the past, what that would
 * have cost, and how many would have succeeded, as far as the past can tell.
 *
 *     payments of the past --> each decided anew, in the order of time
 *                                |
 *        chances of each account to be first (a split: by its shares; else one has all)
 *                                |
 *        +-----------------------+------------------------+
 *     shares, changes       fees, exact              success (estimate.h)
 *                                                    of payments whose new account was, by the draw
 *                                                    of a split, also tried for comparable ones;
 *                                                    unknown for the others
 *
 * Comparable are payments of one merchant that the same rule of the same rule set split, with the
 * same operation, currency, method and wishes of the merchant, while the same accounts were down: among
 * them chance alone chose. What
 * share each account had among them is its propensity. A payment that no split chose for tells only
 * of the account that it went to.
 *
 * Accounts, fee tables and rates are those of now; how accounts did is taken from the past itself: the
 * success, latency and decisions of the hour before, and an account of whose answers half failed
 * within the hour is open (docs/backtest.md has what this leaves out). Money is exact; of a split, each
 * account's fee counts by its share.
 */
#ifndef PAYMENT_BACKTEST_H
#define PAYMENT_BACKTEST_H

#include "base/money.h"
#include "ledger/past.h"
#include "payment/estimate.h"
#include "router/router.h"

enum {
    BACKTEST_SIDE_MAX = 33,   /* providers, or accounts of one merchant; the last: nobody */
    BACKTEST_EXAMPLE_MAX = 3, /* payments named for each change */
    BACKTEST_CURRENCY_MAX = 192,
    BACKTEST_DAY_MAX = 400,
    BACKTEST_LABEL_SIZE = 96,
};

struct backtest_account { /* borrowed; as it is now */
    struct uuid merchant_id;
    struct uuid account_id;
    struct str provider;
    struct str name;
    struct str methods;        /* "card wallet"; empty: all */
    uint64_t currency_bits[4]; /* by currency_index() */
    uint32_t operations;       /* bits */
    int64_t amount_max_minor;  /* 0: none */
    bool disabled;
    bool drained;
    const struct cost_table *cost; /* NULL: unknown */
};

struct backtest_input { /* borrowed */
    const struct past *past;
    const struct backtest_account *account;
    size_t account_count;
    const struct rule_set *rules;
    const struct rates *rates; /* NULL: none */
    int64_t since_us;          /* what was before counts for the volume of tiers only */
    bool by_account;           /* name sides provider:account, not provider */
};

struct backtest_change {
    int64_t payments;
    struct uuid example[BACKTEST_EXAMPLE_MAX];
};

struct backtest_side { /* a provider, an account, or nobody */
    char label[BACKTEST_LABEL_SIZE];
    int64_t was;                 /* payments that went there first */
    int64_t now_millionths;      /* payments that would, in millionths: splits by their shares */
    struct estimate was_success; /* of first attempts there */
    struct estimate now_success; /* the same under the new rules */
    int64_t unknown_millionths;  /* payments of now_millionths without a comparable one */
};

struct backtest_fees { /* of one currency; payments of which both are known */
    const struct currency *currency;
    int64_t payments;
    int64_t amount_minor;
    int64_t was_minor;
    int64_t now_minor;
    int64_t unknown; /* payments of which one is not */
};

struct backtest_day {
    int64_t begins_us;
    int64_t payments;
    int64_t was[BACKTEST_SIDE_MAX];
    int64_t now_millionths[BACKTEST_SIDE_MAX];
};

struct backtest {
    int64_t payments;  /* looked at */
    int64_t skipped;   /* never sent anywhere, or at an account that is gone */
    int64_t undecided; /* whose first attempt is not final */
    int64_t changed;   /* that would go elsewhere first */
    int64_t declined;  /* by a rule */
    int64_t nobody;    /* that no account would take */
    struct backtest_side side[BACKTEST_SIDE_MAX];
    size_t side_count;                                                   /* the last is nobody */
    struct backtest_change change[BACKTEST_SIDE_MAX][BACKTEST_SIDE_MAX]; /* [was][now] */
    struct backtest_fees fees[BACKTEST_CURRENCY_MAX];
    size_t fees_count;
    struct backtest_day day[BACKTEST_DAY_MAX];
    size_t day_count;
    struct estimate was_first;  /* first attempts that were approved */
    struct estimate was_paid;   /* payments that succeeded, by failover too */
    struct estimate now_first;  /* of the payments that something is known of */
    struct estimate now_paid;   /* likewise; as if failover depended on the first account alone */
    int64_t unknown_millionths; /* payments of which nothing is known */
};

/* False with *err: more providers or accounts than there are sides. */
bool backtest_run(const struct backtest_input *input, struct backtest *backtest,
                  struct error *err) MUST_USE;
/* Known part and unknown part together: nothing narrower can be said of all payments. */
void backtest_bounds(const struct backtest *backtest, double *low, double *high);

/* One JSON object; a table for people; a page by itself, with plots. `about`: a line that says of what. */
void backtest_print_json(const struct backtest *backtest, struct buf *out);
void backtest_print_text(const struct backtest *backtest, struct str about, struct buf *out);
void backtest_print_page(const struct backtest *backtest, struct str about, struct buf *out);

#endif
