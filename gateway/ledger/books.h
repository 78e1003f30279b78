/*
 * books.h - one merchant's books, page by page, for whoever has only an API key.
 *
 * What a finance login sees through schema finance is read here of the merchant that the caller names, by the same functions
 * of the database. Each read is one statement of bounded work on a reader's connection: a page of transfers looks at no more
 * than BOOKS_LOOK_MAX of them, whatever is asked for, and says where to go on.
 */
#ifndef LEDGER_BOOKS_H
#define LEDGER_BOOKS_H

#include "ledger/store.h"

enum {
    BOOKS_LOOK_MAX = 20000, /* transfers, for one page */
};

struct book_account { /* in one currency */
    struct str id;    /* the account and its currency; pages go on after it */
    struct str account;
    struct str currency; /* empty: opened by a person, and never used */
    int64_t number;      /* 0: none */
    struct str kind;
    struct str type;
    struct str normal; /* debit, credit */
    struct str title;
    int64_t debit_minor;
    int64_t credit_minor;
    int64_t pending_debit_minor;
    int64_t pending_credit_minor;
};

struct book_cause {            /* what a transfer is of */
    struct uuid payment_id;    /* zero: of none */
    struct str payment_kind;   /* payment, payout */
    struct uuid operation_id;  /* zero: of the payment itself */
    struct str operation_kind; /* capture, void, refund, reauthorize */
};

struct book_transfer {
    struct uuid transfer_id;
    struct book_cause of;
    struct uuid attempt_id; /* zero: none */
    struct uuid pending_id; /* zero: none */
    int64_t created_us;
    int64_t effective_us;
    int64_t amount_minor;
    struct str state;
    struct str kind;
    struct str debit_account;
    struct str credit_account;
    struct str currency;
};

struct book_balance {
    struct str account;
    struct str currency;
    int64_t debit_minor;
    int64_t credit_minor;
    bool has_pending; /* of now: of moments gone by it is not known what was reserved */
    int64_t pending_debit_minor;
    int64_t pending_credit_minor;
};

struct book_line {   /* of a statement */
    struct str line; /* opening, movement, closing */
    int64_t created_us;
    int64_t effective_us;
    struct uuid transfer_id;
    struct book_cause of;
    struct str kind;
    struct str counter_account;
    struct str currency;
    int64_t debit_minor; /* of a movement: this or the other is 0 */
    int64_t credit_minor;
    int64_t balance_minor; /* after it */
};

struct books { /* in the arena: of one kind, as was asked for */
    struct book_account *accounts;
    struct book_transfer *transfers;
    struct book_balance *balances;
    struct book_line *lines;
    size_t count;
    bool has_more;
    struct uuid next; /* of transfers and lines: the next page is behind it */
};

struct books_filter {   /* borrowed; what is empty, zero or 0 asks for nothing */
    struct uuid since;  /* transfers from this id */
    struct uuid before; /* ... and below this one */
    struct uuid payment_id;
    struct str account;
    struct str kind;
    struct str state;
    unsigned limit;
};

typedef void (*books_fn)(void *ctx, enum store_find found, const struct books *books,
                         const struct error *why);
/* Those of a kind (empty: all) behind an id (empty: from the first), in the order of ids, with balances of now. */
void books_accounts(struct store *store, const struct uuid *merchant_id, struct str kind,
                    struct str after, unsigned limit, struct arena *arena, books_fn done,
                    void *ctx);
/* Newest first. There may be more although there are fewer than limit: next says where. */
void books_transfers(struct store *store, const struct uuid *merchant_id,
                     const struct books_filter *filter, struct arena *arena, books_fn done,
                     void *ctx);
/* By account: all that is posted, and what is reserved; or with as_of_us (NULL: without) what was posted
 * before then, by_effect: what counts before then. */
void books_balances(struct store *store, const struct uuid *merchant_id, const int64_t *as_of_us,
                    bool by_effect, struct arena *arena, books_fn done, void *ctx);
/* Of an account, oldest first: `opening` with the first page, `closing` with the last. */
void books_statement(struct store *store, const struct uuid *merchant_id, struct str account,
                     int64_t from_us, int64_t to_us, const struct uuid *after, unsigned limit,
                     struct arena *arena, books_fn done, void *ctx);

#endif
