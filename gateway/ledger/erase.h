/*
 * erase.h - personal data taken out of the ledger, payment by payment.
 *
 *     find (by reference, or page by page) -> erase: lock, look for what is open, read its answers,
 *                                             write what is left of everything, and the record
 *
 * What belongs to a payment (its operations, attempts, sends, answers, messages of providers) and
 * the record of its erasure are one transaction: whoever dies leaves it whole or done. The books,
 * their seals and the keys that keep anybody from being charged twice are not touched. Which columns
 * those are, is written in the migration (erase_rows and its neighbours) and in docs/erasure.md.
 *
 * Blocking: for the command line, never for a worker. It needs the gateway's role.
 */
#ifndef LEDGER_ERASE_H
#define LEDGER_ERASE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"

enum {
    ERASE_PAGE_MAX = 1000, /* subjects of one look */
};

struct erase; /* a connection */

/* NULL with *err: the database cannot be reached, or has no erasures. */
struct erase *erase_open(const char *conninfo, struct error *err) MUST_USE;
void erase_close(struct erase **erase);

/* The other one of a merchant and its test twin. False: there is no such merchant, or an error. */
bool erase_find_twin(struct erase *erase, const struct uuid *merchant_id, struct uuid *twin_id,
                     struct error *err) MUST_USE;

struct erase_subject {  /* what is erased at once */
    struct uuid id;     /* the payment; the payout as shown: its order, if it has one */
    struct uuid row_id; /* the row that was found: its seal is bound to it */
    bool is_payout;
    bool is_order;       /* sealed is the request of an order, else tokens */
    struct str customer; /* JSON; empty: none */
    struct str sealed;   /* of payouts and orders; empty: none */
};

/*
 * The next payments and payouts (is_order: orders that have not begun) of a merchant, by row_id
 * after *after, that were not erased; in arena. Fewer than ERASE_PAGE_MAX: there are no more.
 */
bool erase_page(struct erase *erase, const struct uuid *merchant_id, bool is_order,
                const struct uuid *after, struct arena *arena, struct erase_subject **subjects,
                size_t *count, struct error *err) MUST_USE;
/* All that carry this reference, whatever its try; of an operation the payment that it is on. */
bool erase_find_reference(struct erase *erase, const struct uuid *merchant_id, struct str reference,
                          struct arena *arena, struct erase_subject **subjects, size_t *count,
                          struct error *err) MUST_USE;

/* What is left of a stored answer (packed, as it is stored), in arena. */
typedef bool (*erase_redact_fn)(struct str stored, int64_t erased_us, struct arena *arena,
                                struct str *left, struct error *err);

struct erase_asked {
    struct uuid merchant_id;
    struct uuid erasure_id;
    int64_t erased_us;
    const char *named; /* "payment", "payout", "reference", "customer" */
    const char *author;
    const char *reason;
    const uint8_t *customer_hash; /* 32 bytes; NULL: no customer was named */
    bool is_dry;                  /* all of it, and then rolled back */
    erase_redact_fn redact;
};

enum erase_result {
    ERASE_DONE,
    ERASE_NOTHING, /* it was erased before */
    ERASE_ABSENT,  /* there is no such payment or payout of this merchant */
    ERASE_REFUSED, /* something of it is open: told says what */
};

/* One subject. told: the counts as JSON, or why it was refused; in arena. False: nothing was done. */
bool erase_run(struct erase *erase, const struct erase_asked *asked, const struct uuid *id,
               struct arena *arena, enum erase_result *result, struct str *told,
               struct error *err) MUST_USE;

#endif
