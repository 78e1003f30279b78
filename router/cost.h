/*
 * cost.h - what a provider will probably charge, from a fee table that is data
 * (config/fees/<name>.json; docs/fees.md has every member).
 *
 *     fee = (percent of the amount + fixed, within min and max)     of the tier of the month's volume
 *         + cross_border_percent of it, when the payer's country is known and not the account's
 *         + conversion_percent of it, when the account does not settle in this currency
 *         - what the provider gives back of a payment's fee, when it is refunded
 *
 *     operations.payout --+
 *     methods.card -------+--> currencies.EUR, else default --> tiers --> parts --> rounded sum
 *     the table itself ---+    (the first that covers the currency)
 *     events.decline ----------^ (of what happens to a payment: only if the table has it, else 0)
 *
 * The sum is exact (router/exact.h) and rounded once, to a minor unit of the payment's currency or to
 * the `decimals` that the provider charges in; or each part of it, where the provider does it so. The
 * table says how (half_up, half_even, up, down). Percentages have at most four decimals and are kept in
 * millionths (3.49 % = 34900); amounts are decimal text in major units.
 *
 * A table is immutable and known by the hash of its canonical text: with it, and with the rates and
 * the volume that were given, a fee can be computed again (P6). Nothing is allocated, and no floating
 * point is used, when a fee is asked for.
 */
#ifndef ROUTER_COST_H
#define ROUTER_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/money.h"
#include "base/terms.h"
#include "router/exact.h"
#include "router/rates.h"

struct cost_table;

enum cost_event {                   /* what happens to a payment beside its operations */
                  COST_CHARGED = 0, /* the operation itself, done */
                  COST_DECLINE,     /* "decline" */
                  COST_EXPIRY,      /* "expiry": an authorization that was never captured */
                  COST_DISPUTE,     /* "dispute": opened with the provider */
                  COST_CHARGEBACK,  /* "chargeback": by the card's bank */
                  COST_EVENT_COUNT,
};

struct cost_facts {
    enum operation operation;
    enum cost_event event; /* not COST_CHARGED: `operation` means nothing */
    int64_t amount_minor;
    const struct currency *currency;
    struct str country; /* payer's; empty: taken as domestic */
    struct str method;
    int64_t month_volume_minor; /* before this one; in the currency that cost_volume() names */
    const struct rates *rates;  /* NULL: none */
    int64_t paid_minor;         /* of a refund: the payment's amount; 0: it is given back whole */
};

enum cost_part {
    COST_PERCENT = 0,        /* "percent" */
    COST_FIXED,              /* "fixed" */
    COST_MINIMUM,            /* "minimum": added up to it */
    COST_MAXIMUM,            /* "maximum": taken off down to it, below 0 */
    COST_CROSS_BORDER,       /* "cross_border" */
    COST_CONVERSION,         /* "conversion" */
    COST_RETURNED_PERCENT,   /* "returned_percent": of the payment's fee, below 0 */
    COST_RETURNED_FIXED,     /* "returned_fixed" */
    COST_RETURNED_SURCHARGE, /* "returned_surcharge" */
    COST_ROUNDING,           /* "rounding": from the sum of all above to the fee */
    COST_PART_COUNT,
};

struct cost_explained {
    int64_t fee_minor; /* may be below 0: more is given back than taken */
    exact part[COST_PART_COUNT];
    const char *entry;    /* which entry gave it: "operations.payout", "" = the table itself */
    bool is_default;      /* its default, not an entry of the currency */
    int64_t percent;      /* millionths; of the tier */
    int64_t cross_border; /* likewise; 0: none was due */
    int64_t conversion;
    int64_t tier_from_minor; /* 0: the first */
    int64_t step_minor;      /* fees are multiples of it */
    enum money_rounding rounding;
};

struct cost_volume { /* which volume a table's tiers ask for */
    bool is_asked;
    bool is_of_previous;             /* the month before, not this one */
    const struct currency *currency; /* all currencies in this one; NULL: each for itself */
    const char *zone; /* where the month begins: "UTC", "America/New_York"; borrowed */
};

/*
 * From JSON text; NULL with *err naming the member that is wrong; *line is where it stands (0: not
 * known; may be NULL). Immutable afterwards.
 */
struct cost_table *cost_table_new(struct str json, struct error *err) MUST_USE;
struct cost_table *cost_table_read(struct str json, unsigned *line, struct error *err) MUST_USE;
void cost_table_free(struct cost_table **table);
struct str cost_table_text(const struct cost_table *table);     /* canonical; borrowed */
const uint8_t *cost_table_hash(const struct cost_table *table); /* SHA-256 of that, 32 bytes */
const char *cost_table_hex(const struct cost_table *table);     /* the same, 64 digits */
/* True when some amount of it is in another currency than the payment: fees then need rates. */
bool cost_table_needs_rates(const struct cost_table *table);
/* True when the table has an entry of its own for this operation. */
bool cost_table_names(const struct cost_table *table, enum operation operation);
struct cost_volume cost_volume(const struct cost_table *table);

/*
 * False when it is not known: the table says nothing of this currency and has no default, or an
 * amount is in a currency that has no rate. Below 0 when a refund gives back more than it costs.
 */
bool cost_expected(const struct cost_table *table, const struct cost_facts *facts,
                   int64_t *fee_minor);
/* The same, part by part. */
bool cost_explain(const struct cost_table *table, const struct cost_facts *facts,
                  struct cost_explained *explained);
const char *cost_part_name(enum cost_part part);
const char *cost_event_name(enum cost_event event); /* "" for COST_CHARGED */
enum cost_event cost_event_find(struct str name);   /* COST_EVENT_COUNT when unknown */

#endif
