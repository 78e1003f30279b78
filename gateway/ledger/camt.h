/*
 * camt.h - an account as a bank would state it: ISO 20022 camt.053.001.08, for accounting software.
 *
 *     camt_begin -> ( camt_statement -> camt_entry (each) -> camt_statement_end ) each currency -> camt_end
 *
 * Pure: rows go in, text is appended to a buf that the caller empties whenever it likes; memory for one
 * row, however many there are.
 *
 * A bank writes its statement from its own side: what it owes us more is CRDT. So debits of our books are
 * CRDT here and credits DBIT, of whatever account, and a balance is CRDT when debits are more.
 * The entries are judged as they are written: a statement whose entries do not lead from its opening to
 * its closing balance is an error, and never a file.
 *
 * The format holds 18 digits for an amount, and 35 characters for a name: longer references are cut there
 * and stand whole in RmtInf, longer names of accounts get an id of their own (camt_account_id) and stand
 * whole in AddtlStmtInf. Characters that XML cannot hold become U+FFFD.
 */
#ifndef LEDGER_CAMT_H
#define LEDGER_CAMT_H

#include "ledger/export.h"
#include "ledger/sums.h"

enum {
    CAMT_ACCOUNT_MAX = 34, /* characters of Acct/Id/Othr/Id */
    CAMT_ACCOUNT_SIZE = CAMT_ACCOUNT_MAX + 1,
    CAMT_TEXT_MAX = 35, /* ... of most texts */
};

struct camt_scope { /* borrowed */
    struct str merchant;
    struct uuid merchant_id;
    struct str account;
    int64_t made_us;
    int64_t from_us; /* INT64_MIN: from the beginning */
    int64_t to_us;   /* before this; later than made_us: up to then */
};

struct camt {        /* owned by the caller */
    struct buf *out; /* borrowed */
    struct camt_scope scope;
    const struct currency *currency; /* of the statement under way */
    struct sum written;              /* up to the last entry, the opening with it */
    struct sum closing;
};

void camt_begin(struct camt *c, const struct camt_scope *scope, struct buf *out);
/* Of one currency. False: a balance has more digits than the format holds. */
bool camt_statement(struct camt *c, const struct currency *currency, const struct sum *opening,
                    const struct sum *closing, struct error *err) MUST_USE;
/* A posted movement of the account in the statement's currency. False: it cannot be counted. */
bool camt_entry(struct camt *c, const struct export_row *row, struct error *err) MUST_USE;
/* False: the entries do not come to what the books say. */
bool camt_statement_end(struct camt *c, struct error *err) MUST_USE;
void camt_end(struct camt *c);

/*
 * A name that the format can hold, and no other account of the merchant has: short names as they are,
 * an account of a provider as acc_...:PND, :AVL or :TRN, others by their begin and a part of their SHA-256.
 */
struct str camt_account_id(struct str account, char out[CAMT_ACCOUNT_SIZE]);
/* As text of XML, of so many characters at most. False: some were left out. */
bool camt_text(struct str text, size_t char_max, struct buf *out);

#endif
