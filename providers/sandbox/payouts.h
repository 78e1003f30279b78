/*
 * payouts.h - time and money of payouts: which step is due, and what an account has paid out.
 *
 *     pending --due--> what the plan says --due--> ... (payout_plan.h)
 *
 * Nothing runs by a timer: whoever asks the sandbox anything first lets everything that is due
 * happen (core_ripen), so that nobody ever sees a state of the past. Both the due times and the
 * sums are rebuilt from the books at the start.
 */
#ifndef SANDBOX_PAYOUTS_H
#define SANDBOX_PAYOUTS_H

#include "providers/sandbox/books.h"
#include "providers/sandbox/payout_plan.h"

struct payout_due { /* out of date when the entry's own due_us says something else */
    int64_t due_us;
    struct book_entry *entry; /* borrowed */
};

struct payouts {
    struct books *books;     /* borrowed */
    struct payout_due *heap; /* owned; the earliest first */
    size_t count;
    size_t capacity;
    struct arena arena;
    struct table sums; /* by provider, account and currency */
};

void payouts_open(struct payouts *payouts, struct books *books); /* with what the books say */
void payouts_close(struct payouts *payouts);

/* A new entry: everything but state, code and plan is filled in. Noted. */
void payouts_begin(struct payouts *payouts, struct book_entry *entry, enum book_state state,
                   enum payout_plan plan, int64_t due_us);
/* Another plan from now on. Noted. */
void payouts_plan(struct payouts *payouts, struct book_entry *entry, enum payout_plan plan,
                  int64_t due_us);
/* From now on in this state, without a plan; code NULL: as before. Noted. */
void payouts_set(struct payouts *payouts, struct book_entry *entry, enum book_state state,
                 const char *code, int64_t now_us);
/* Take at most `most` steps that are due, the next one of each payout step_us later; returns how
 * many were taken. What they changed is noted. */
size_t payouts_ripen(struct payouts *payouts, int64_t now_us, int64_t step_us, size_t most);

/* What the account has paid out or set aside in that currency, fees included. */
int64_t payouts_sum(const struct payouts *payouts, enum sandbox_provider provider,
                    struct str account, const struct currency *currency);

#endif
