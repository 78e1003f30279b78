#include "providers/sandbox/payouts.h"

#include <stdlib.h>
#include <string.h>

#define UNCLAIMED_LIFE_US (INT64_C(30) * 86400 * 1000000)

enum {
    SUM_NAME_MAX = 512,
};

struct sum {
    struct str name;
    int64_t minor;
};

/* ---- sums ------------------------------------------------------------------------------------ */

static bool holds_money(int state)
{
    return state == BOOK_PENDING || state == BOOK_PAYEE_PENDING || state == BOOK_UNCLAIMED ||
           state == BOOK_ON_HOLD || state == BOOK_COMPLETED;
}

static struct str sum_name(enum sandbox_provider provider, struct str account,
                           const struct currency *currency, struct buf *name)
{
    buf_printf(name, "%s\x1f" STR_FMT "\x1f%s", sandbox_provider_names[provider], STR_ARG(account),
               currency->code);
    return buf_str(name);
}

static struct sum *get_sum(struct payouts *payouts, const struct book_entry *entry)
{
    struct buf buf;
    buf_init(&buf, SUM_NAME_MAX);
    struct str name =
        sum_name((enum sandbox_provider)entry->provider, entry->account, entry->currency, &buf);
    struct sum *sum = table_find(&payouts->sums, name);
    if (!sum) {
        sum = ARENA_NEW(&payouts->arena, struct sum);
        sum->name = arena_str(&payouts->arena, name);
        table_put(&payouts->sums, sum->name, sum);
    }
    buf_release(&buf);
    return sum;
}

int64_t payouts_sum(const struct payouts *payouts, enum sandbox_provider provider,
                    struct str account, const struct currency *currency)
{
    struct buf buf;
    buf_init(&buf, SUM_NAME_MAX);
    const struct sum *sum = table_find(&payouts->sums, sum_name(provider, account, currency, &buf));
    buf_release(&buf);
    return sum ? sum->minor : 0;
}

static void set_state(struct payouts *payouts, struct book_entry *entry, enum book_state state)
{
    int64_t minor = entry->amount_minor + entry->fee_minor;
    int change = (holds_money((int)state) ? 1 : 0) - (holds_money(entry->state) ? 1 : 0);
    if (change != 0) {
        get_sum(payouts, entry)->minor += change * minor;
    }
    entry->state = (int)state;
    if (state == BOOK_FAILED || state == BOOK_BLOCKED || state == BOOK_CANCELED) {
        entry->fee_minor = 0;
    }
}

/* ---- due times: a binary heap ---------------------------------------------------------------- */

static void sift_up(struct payouts *payouts, size_t at)
{
    struct payout_due moved = payouts->heap[at];
    while (at > 0 && payouts->heap[(at - 1) / 2].due_us > moved.due_us) {
        payouts->heap[at] = payouts->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    payouts->heap[at] = moved;
}

static void sift_down(struct payouts *payouts, size_t at)
{
    struct payout_due moved = payouts->heap[at];
    for (size_t child = 2 * at + 1; child < payouts->count; child = 2 * at + 1) {
        if (child + 1 < payouts->count &&
            payouts->heap[child + 1].due_us < payouts->heap[child].due_us) {
            child++;
        }
        if (payouts->heap[child].due_us >= moved.due_us) {
            break;
        }
        payouts->heap[at] = payouts->heap[child];
        at = child;
    }
    payouts->heap[at] = moved;
}

static void push(struct payouts *payouts, struct book_entry *entry)
{
    if (payouts->count == payouts->capacity) {
        payouts->capacity = payouts->capacity ? payouts->capacity * 2 : 256;
        payouts->heap = realloc(payouts->heap, payouts->capacity * sizeof(*payouts->heap));
        CHECK(payouts->heap);
    }
    payouts->heap[payouts->count++] = (struct payout_due){entry->due_us, entry};
    sift_up(payouts, payouts->count - 1);
}

static struct payout_due pop(struct payouts *payouts)
{
    struct payout_due first = payouts->heap[0];
    payouts->heap[0] = payouts->heap[--payouts->count];
    if (payouts->count > 0) {
        sift_down(payouts, 0);
    }
    return first;
}

/* The next step is due then; at the plan's end nothing is. */
static void schedule(struct payouts *payouts, struct book_entry *entry, int64_t due_us)
{
    const struct payout_step *step = payout_step((enum payout_plan)entry->plan, entry->step);
    entry->due_us = step ? due_us : 0;
    if (step) {
        push(payouts, entry);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

void payouts_open(struct payouts *payouts, struct books *books)
{
    memset(payouts, 0, sizeof(*payouts));
    payouts->books = books;
    arena_init(&payouts->arena, SIZE_MAX / 2);
    table_init(&payouts->sums);
    for (size_t i = 0; i < books->log_count; i++) {
        struct book_entry *entry = books->log[i];
        if (entry->plan == PAYOUT_PLAN_NONE) {
            continue;
        }
        if (entry->due_us != 0) {
            push(payouts, entry);
        }
        if (holds_money(entry->state)) {
            get_sum(payouts, entry)->minor += entry->amount_minor + entry->fee_minor;
        }
    }
}

void payouts_close(struct payouts *payouts)
{
    free(payouts->heap);
    table_release(&payouts->sums);
    arena_release(&payouts->arena);
    memset(payouts, 0, sizeof(*payouts));
}

void payouts_begin(struct payouts *payouts, struct book_entry *entry, enum book_state state,
                   enum payout_plan plan, int64_t due_us)
{
    entry->state = BOOK_STATE_NONE;
    set_state(payouts, entry, state);
    payouts_plan(payouts, entry, plan, due_us);
}

void payouts_plan(struct payouts *payouts, struct book_entry *entry, enum payout_plan plan,
                  int64_t due_us)
{
    entry->plan = (int)plan;
    entry->step = 0;
    schedule(payouts, entry, due_us);
    books_note_entry(payouts->books, entry);
}

void payouts_set(struct payouts *payouts, struct book_entry *entry, enum book_state state,
                 const char *code, int64_t now_us)
{
    set_state(payouts, entry, state);
    if (code) {
        entry->code = books_keep(payouts->books, str_of(code));
    }
    entry->due_us = 0;
    entry->updated_us = now_us;
    books_note_entry(payouts->books, entry);
}

static void take_step(struct payouts *payouts, struct book_entry *entry, int64_t step_us)
{
    const struct payout_step *step = payout_step((enum payout_plan)entry->plan, entry->step);
    int64_t at_us = entry->due_us;
    CHECK(step);
    set_state(payouts, entry, step->state);
    if (entry->step == 0 && entry->reason.len > 0) {
        entry->code = entry->reason;
    } else if (step->code) {
        entry->code = str_of(step->code);
    }
    entry->step++;
    entry->updated_us = at_us;
    const struct payout_step *next = payout_step((enum payout_plan)entry->plan, entry->step);
    schedule(payouts, entry, at_us + (next && next->is_slow ? UNCLAIMED_LIFE_US : step_us));
    books_note_entry(payouts->books, entry);
}

size_t payouts_ripen(struct payouts *payouts, int64_t now_us, int64_t step_us, size_t most)
{
    size_t taken = 0;
    while (taken < most && payouts->count > 0 && payouts->heap[0].due_us <= now_us) {
        struct payout_due due = pop(payouts);
        if (due.entry->due_us == due.due_us) {
            take_step(payouts, due.entry, step_us);
            taken++;
        }
    }
    return taken;
}
