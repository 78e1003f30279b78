/*
 * chart.h - the chart of accounts: which accounts there are, and what an account's name says.
 *
 *     provider:paypal:acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B:pending
 *     --------------- the pattern of its kind, a word between < and > filled in ---------------
 *
 * An account is a name in a transfer, made by the first transfer that names it; its kind, and so its
 * number, type and normal side, follow from the name alone. The table here is the one that
 * docs/ledger.md shows (make docs-tables) and that the ledger has as `account_kinds`; the function
 * account_kind(text) of the ledger says of every name what chart_find says (tests/unit/ledger).
 *
 *     <provider>  1 to 64 of a-z, 0-9 and _                     paypal_payouts
 *     <account>   an account's id as the API shows it           acc_ and 26 digits
 *     <name>      1 to 63 of a-z, 0-9 and -, no - in front       main, payroll-2026
 */
#ifndef LEDGER_CHART_H
#define LEDGER_CHART_H

#include "base/id.h"

enum {
    CHART_PROVIDER_MAX = 64, /* bytes of a provider's name */
    CHART_NAME_MAX = 63,     /* of the name of a bank or of a person's account */
    CHART_ACCOUNT_SIZE = 160,
};

enum chart_kind {
    CHART_NONE = 0,
    CHART_PROVIDER_PENDING,
    CHART_PROVIDER_AVAILABLE,
    CHART_PROVIDER_TRANSIT,
    CHART_BANK,
    CHART_PAYABLE,
    CHART_SUSPENSE,
    CHART_SALES,
    CHART_REFUNDS,
    CHART_FX_GAIN,
    CHART_PAYOUTS,
    CHART_FEES_PAYMENT,
    CHART_FEES_PAYOUT,
    CHART_FEES_REFUND,
    CHART_FEES_DISPUTE,
    CHART_FEES_DECLINE,
    CHART_FEES_CONVERSION,
    CHART_FEES_OTHER,
    CHART_DISPUTES,
    CHART_FX_LOSS,
    CHART_USER,
    CHART_COUNT,
};

struct chart_row {
    struct str kind; /* "provider_pending": never renamed */
    int32_t number;
    struct str pattern; /* "provider:<provider>:<account>:pending" */
    struct str type;   /* asset, liability, equity, income, expense; empty: whoever opens it says */
    struct str normal; /* debit, credit: the side on which it grows; empty: likewise */
    struct str meaning;
};

/* Of a kind, but CHART_NONE. */
const struct chart_row *chart_get(enum chart_kind kind);
/* The kind of that name in the table ("sales"); CHART_NONE when there is none. */
enum chart_kind chart_kind_of(struct str kind);
/* The kind of an account by its name; CHART_NONE when no kind has such names. */
enum chart_kind chart_find(struct str account);

/* The account of a kind that has but one ("merchant:sales"). */
struct str chart_single(enum chart_kind kind);
/* One of a provider account: pending, available, transit. */
struct str chart_of_provider(enum chart_kind kind, struct str provider,
                             const struct uuid *account_id, char out[CHART_ACCOUNT_SIZE]);
/* One that a person has named: bank, user. ERROR_INVALID when it cannot be a name. */
bool chart_of_name(enum chart_kind kind, struct str name, char out[CHART_ACCOUNT_SIZE],
                   struct error *err) MUST_USE;

#endif
