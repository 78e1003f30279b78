/*
 * books.h - what the sandbox's providers know: sessions (orders, lists), entries (money movements),
 * idempotency keys and who is told by webhook, in memory and in an append-only journal.
 *
 *     handler changes objects, notes each (books_note_*) --> books_commit: one line, one write(2)
 *                                                                --> only then the answer leaves
 *
 * One line is one request's whole change, so a line torn by kill -9 takes the whole change with it,
 * and nobody was told of it; at the next start it is cut off. There is no fsync: the process may
 * die at any point, the machine may not. Objects live in one arena until books_reset; nothing is
 * freed alone.
 */
#ifndef SANDBOX_BOOKS_H
#define SANDBOX_BOOKS_H

#include "base/arena.h"
#include "base/money.h"
#include "providers/sandbox/record.h"
#include "providers/sandbox/table.h"
#include "providers/sandbox/words.h"

enum {
    BOOKS_UNIT_MAX = 10, /* purchase units of an order */
    BOOKS_LINE_MAX = 128 << 20,
};

struct book_entry {
    int64_t seq;   /* 1, 2, ... in order of first appearance */
    struct str id; /* the provider's */
    int provider;  /* enum sandbox_provider */
    struct str account;
    int kind;             /* enum book_kind */
    int state;            /* enum book_state */
    struct str code;      /* processor response code, reason */
    struct str reference; /* PayPal custom_id, Payoneer transactionId: our attempt */
    struct str invoice;   /* our payment */
    struct str parent;    /* entry it acts on */
    struct str session;   /* order or list */
    int64_t unit;         /* index of the purchase unit */
    int64_t amount_minor; /* ISO 4217 minor units */
    const struct currency *currency;
    int64_t fee_minor;
    int64_t captured_minor; /* hold */
    int64_t refunded_minor; /* charge */
    bool final; /* nothing more can be captured after this capture; a payout: scheduled */
    int64_t created_us;
    int64_t updated_us;
    struct str key;        /* idempotency key it was made under */
    int64_t request_count; /* requests that arrived for it: the first and its repeats */
    struct str note;       /* note_to_payer, a payout's note */
    /* payouts */
    struct str receiver;      /* e-mail address, phone number, account, payee */
    struct str receiver_type; /* PayPal: "EMAIL", ... */
    struct str wallet;        /* PayPal's recipient_wallet */
    struct str purpose;       /* PayPal */
    int plan;                 /* enum payout_plan: what becomes of it */
    int64_t step;             /* steps of the plan that were done */
    int64_t due_us;           /* of the next step; 0: none */
    struct str reason;        /* in place of the plan's first code; empty: none */
    /* in memory */
    struct book_entry *next_in_session;   /* borrowed, as are the others */
    struct book_entry *next_by_reference; /* older one with the same reference */
    struct book_entry *next_by_invoice;
    bool indexed;
    bool noted;
    int told_state; /* that the webhooks know of */
};

struct book_unit {           /* of an order; a list, a batch of payouts, a payee have one */
    struct str reference_id; /* purchase unit's name; "default" */
    struct str custom_id;
    struct str invoice_id;
    struct str soft_descriptor;
    int64_t amount_minor;
    const struct currency *currency;
    struct str json; /* the unit as the client sent it, compact, without the last '}'; of a batch
                        of payouts its header, whole */
};

struct book_session {
    struct str id;
    int provider; /* enum sandbox_provider */
    struct str account;
    int state; /* enum session_state */
    bool authorize;
    bool payout;       /* Payoneer: direction PAYOUT; a batch of payouts */
    int source;        /* enum source_kind */
    struct str token;  /* vault id, account id */
    struct str name;   /* card holder */
    struct str digits; /* last four */
    struct str brand;
    struct str expiry;
    struct str email;
    struct str return_url;
    struct str cancel_url;
    struct str reference;        /* Payoneer payment.reference */
    struct str integration;      /* Payoneer */
    struct str country;          /* Payoneer */
    struct str used_by;          /* entry id of the charge that used a list */
    struct str notification_url; /* Payoneer: where its charges are told of */
    int64_t created_us;
    int64_t updated_us;
    int64_t due_us; /* batch of payouts: when it will have been worked off */
    bool noted;     /* in memory */
    int told_state; /* in memory; as an entry's */
    size_t unit_count;
    struct book_unit *units;
    struct book_entry *first; /* borrowed; entries in order */
    struct book_entry *last;
};

struct book_key {
    struct str name;   /* provider, account, call and key, separated by U+001F */
    struct str object; /* id of the session or entry it made */
    int64_t at_us;
};

enum { BOOKS_HOOK_MAX = 256 };

struct book_hook {      /* who is told by webhook */
    struct str id;      /* PayPal's webhook id */
    int provider;       /* enum sandbox_provider */
    bool is_whole;      /* of all APIs of the provider's family, as an application at PayPal is */
    struct str account; /* client id, merchant code; empty: every one */
    struct str url;     /* "{event}" in it stands for the event's name */
    struct str secret;  /* Payoneer Mass Payouts: of the HMAC */
    struct str events;  /* names, separated by a space; empty: all */
    struct str ca;      /* PEM that its certificate must chain to; empty: the sandbox's own */
    int64_t created_us;
    bool removed;
    bool noted; /* in memory */
};

struct books_noted { /* objects that the request has changed */
    void **at;       /* owned; borrowed pointers */
    size_t count;
    size_t capacity;
};

struct books {
    struct arena arena;
    struct table sessions;
    struct table entries;
    struct table keys;
    struct book_entry **log; /* owned; by seq */
    size_t log_count;
    size_t log_capacity;
    int fd;      /* -1: memory only */
    bool broken; /* a write failed: memory and file differ, nothing may be answered any more */
    struct table by_reference; /* newest entry with that reference */
    struct table by_invoice;
    struct buf line;
    struct books_noted noted_entries;
    struct books_noted noted_sessions;
    struct books_noted noted_keys;
    struct books_noted noted_hooks;
    struct book_hook *hooks[BOOKS_HOOK_MAX]; /* removed ones too, until their place is needed */
    size_t hook_count;
};

/* Replay file (made when absent; NULL: memory only); a torn last line is cut off. */
bool books_open(struct books *books, const char *file, struct error *err) MUST_USE;
void books_close(struct books *books);
bool books_reset(struct books *books, struct error *err) MUST_USE; /* forget all, empty the file */

/* New objects: zeroed, named (id is copied), in their table, noted. */
struct book_session *books_add_session(struct books *books, struct str id, size_t unit_count);
struct book_entry *books_add_entry(struct books *books, struct str id,
                                   struct book_session *session);
void books_add_key(struct books *books, struct str name, struct str object, int64_t now_us);

/* NULL when there are BOOKS_HOOK_MAX already. */
struct book_hook *books_add_hook(struct books *books, struct str id);
struct book_hook *books_find_hook(const struct books *books, struct str id); /* removed: NULL */

struct book_session *books_find_session(const struct books *books, struct str id);
struct book_entry *books_find_entry(const struct books *books, struct str id);
struct book_key *books_find_key(const struct books *books, struct str name);
/* The newest of the committed entries with that reference, our invoice; next_by_* leads to older
 * ones. */
struct book_entry *books_find_reference(const struct books *books, struct str reference);
struct book_entry *books_find_invoice(const struct books *books, struct str invoice);
struct str books_keep(struct books *books, struct str s); /* copy that lives as long as the books */

/* This object was changed by the request. */
void books_note_session(struct books *books, struct book_session *session);
void books_note_entry(struct books *books, struct book_entry *entry);
void books_note_hook(struct books *books, struct book_hook *hook);
/* Write what was noted, if anything. ERROR_IO: the books are broken from then on. */
bool books_commit(struct books *books, struct error *err) MUST_USE;

/* For the journal's replay: an object before it is filled; its place in the books; the index of its
 * reference and invoice, which never change once committed. */
struct book_session *books_new_session(struct books *books, size_t unit_count);
void books_put_entry(struct books *books, struct book_entry *entry, struct book_session *session);
void books_index_entry(struct books *books, struct book_entry *entry);
bool books_put_hook(struct books *books, struct book_hook *hook) MUST_USE; /* false: all taken */

#endif
