#include "tests/postings/life.h"

#include <string.h>

static uint64_t below(struct life *life, uint64_t bound)
{
    return rng_below(&life->rng, bound);
}

int64_t life_amount(struct rng *rng)
{
    switch (rng_below(rng, 6)) {
    case 0:
        return 1;
    case 1:
        return 1 + (int64_t)rng_below(rng, 100);
    case 2:
        return MONEY_AMOUNT_MAX - (int64_t)rng_below(rng, 3);
    case 3:
        return 1 + (int64_t)rng_below(rng, (uint64_t)MONEY_AMOUNT_MAX);
    default:
        return 1 + (int64_t)rng_below(rng, 1000000);
    }
}

/* Some are none: 0, not stated, and more than an amount can be. */
static int64_t draw_fee(struct life *life)
{
    static const int64_t odd[] = {0,         -1, INT64_MIN,       MONEY_AMOUNT_MAX + 1,
                                  INT64_MAX, 1,  MONEY_AMOUNT_MAX};
    return below(life, 4) == 0 ? odd[below(life, ARRAY_LEN(odd))] : 1 + (int64_t)below(life, 9999);
}

static int64_t draw_part(struct life *life, int64_t whole_minor)
{
    return below(life, 3) == 0 ? whole_minor : 1 + (int64_t)below(life, (uint64_t)whole_minor);
}

void life_begin(struct life *life, uint64_t seed, uint64_t number, bool is_told)
{
    size_t count;
    const struct currency *all = currency_all(&count);
    struct books *books = &life->books;
    *books = (struct books){.number = number, .seed = seed, .is_told = is_told};
    memset(life->payments, 0, sizeof(life->payments));
    life->paid_out = life->came_back = 0;
    rng_seed(&life->rng, seed * UINT64_C(0x9e3779b97f4a7c15) ^ number);
    books->currencies[0] = &all[number % count];
    books->currencies[1] = &all[(number + 1 + below(life, count - 1)) % count];
    for (size_t i = 0; i < BOOKS_PROVIDER_MAX; i++)
        books->provider_ids[i] = uuid_new();
    for (size_t i = 0; i < BOOKS_PAYMENT_MAX; i++)
        books->payment_ids[i] = uuid_new();
}

/* ---- booking ------------------------------------------------------------------------------------- */

static const struct posting_rule *find_rule(enum posting_event event, struct str leg)
{
    size_t count;
    const struct posting_rule *rules = posting_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].event == event && str_eq(rules[i].leg, leg))
            return &rules[i];
    }
    CHECK(false);
    return NULL;
}

static struct str account_of(struct life *life, enum chart_kind kind, int payment,
                             char out[CHART_ACCOUNT_SIZE])
{
    struct error err;
    size_t provider = (size_t)(payment < 0 ? 0 : payment) % BOOKS_PROVIDER_MAX;
    if (kind >= CHART_PROVIDER_PENDING && kind <= CHART_PROVIDER_TRANSIT)
        return chart_of_provider(kind, provider == 0 ? STR("paypal") : STR("payoneer"),
                                 &life->books.provider_ids[provider], out);
    if (kind != CHART_BANK && kind != CHART_USER)
        return chart_single(kind);
    CHECK(chart_of_name(kind, STR("main"), out, &err));
    return str_of(out);
}

static void count_event(struct life *life, enum posting_event event)
{
    life->event_count++;
    life->by_event[event]++;
}

void life_book(struct life *life, enum posting_event event, struct str leg, int payment,
               size_t currency, int64_t amount_minor, const struct uuid *pending_id,
               struct uuid *transfer_id)
{
    char debit[CHART_ACCOUNT_SIZE];
    char credit[CHART_ACCOUNT_SIZE];
    const struct posting_rule *rule = find_rule(event, leg);
    struct store_transfer transfer = {
        .transfer_id = uuid_new(),
        .state = rule->state,
        .debit_account = account_of(life, rule->debit, payment, debit),
        .credit_account = account_of(life, rule->credit, payment, credit),
        .amount_minor = amount_minor,
        .kind = rule->kind,
    };
    if (payment >= 0)
        transfer.payment_id = life->books.payment_ids[payment];
    if (pending_id != NULL)
        transfer.pending_id = *pending_id;
    memcpy(transfer.currency, life->books.currencies[currency]->code, sizeof(transfer.currency));
    if (transfer_id != NULL)
        *transfer_id = transfer.transfer_id;
    books_post(&life->books, &transfer);
}

/* By posting_make, as the driver calls it. Returns what was booked as a fee. */
static int64_t post(struct life *life, enum operation operation, enum posting_phase phase,
                    int payment, const struct uuid *attempt_id, int64_t amount_minor)
{
    size_t provider = (size_t)(payment < 0 ? 0 : payment) % BOOKS_PROVIDER_MAX;
    struct posting_rows rows;
    struct posting posting = {
        .phase = phase,
        .attempt_id = *attempt_id,
        .account_id = life->books.provider_ids[provider],
        .provider = provider == 0 ? STR("paypal") : STR("payoneer"),
        .operation = operation,
        .amount_minor = amount_minor,
        .fee_minor = draw_fee(life),
    };
    memcpy(posting.currency, life->books.currencies[0]->code, sizeof(posting.currency));
    if (payment >= 0)
        posting.payment_id = life->books.payment_ids[payment];
    posting_make(&posting, &rows);
    for (size_t i = 0; i < rows.count; i++)
        books_post(&life->books, &rows.transfers[i]);
    count_event(life, posting_event_of(operation, phase));
    bool has_fee =
        operation == OPERATION_SALE || operation == OPERATION_PAYOUT ||
        (operation == OPERATION_CAPTURE && (phase == POSTING_CLOSE || phase == POSTING_LATE));
    if (!has_fee || posting.fee_minor < 1 || posting.fee_minor > MONEY_AMOUNT_MAX)
        return 0;
    books_want(&life->books, 0,
               operation == OPERATION_PAYOUT ? CHART_FEES_PAYOUT : CHART_FEES_PAYMENT,
               CHART_PROVIDER_PENDING, posting.fee_minor);
    return posting.fee_minor;
}

/* As SQL_HOLDS does it: what holds is voided, and another holds the rest. */
static void release(struct life *life, enum posting_event event, int payment,
                    struct life_hold *hold, int64_t taken_minor)
{
    int64_t before_minor = hold->amount_minor;
    struct uuid held_by = hold->transfer_id;
    if (before_minor == 0)
        return; /* nothing is held: nothing is done */
    life_book(life, event, STR("release"), payment, 0, before_minor, &held_by, NULL);
    hold->amount_minor = taken_minor < before_minor ? before_minor - taken_minor : 0;
    books_want_open(&life->books, 0, CHART_PROVIDER_PENDING, CHART_SALES,
                    hold->amount_minor - before_minor);
    if (hold->amount_minor > 0)
        life_book(life, event, STR("rest"), payment, 0, hold->amount_minor, NULL,
                  &hold->transfer_id);
}

/* ---- payments ------------------------------------------------------------------------------------ */

static void sell(struct life *life, int at, bool is_late)
{
    struct life_payment *payment = &life->payments[at];
    struct uuid attempt_id = uuid_new();
    int64_t minor = life_amount(&life->rng);
    payment->authorized += minor;
    payment->captured += minor;
    books_want(&life->books, 0, CHART_PROVIDER_PENDING, CHART_SALES, minor);
    payment->fees +=
        post(life, OPERATION_SALE, is_late ? POSTING_LATE : POSTING_WHOLE, at, &attempt_id, minor);
}

static void authorize(struct life *life, int at, bool is_late)
{
    struct life_payment *payment = &life->payments[at];
    struct life_hold *hold = is_late ? &payment->late : &payment->hold;
    *hold = (struct life_hold){uuid_new(), life_amount(&life->rng)};
    if (!is_late)
        payment->authorized += hold->amount_minor;
    books_want_open(&life->books, 0, CHART_PROVIDER_PENDING, CHART_SALES, hold->amount_minor);
    (void)post(life, OPERATION_AUTHORIZE, is_late ? POSTING_LATE : POSTING_WHOLE, at,
               &hold->transfer_id, hold->amount_minor);
}

static bool begin(struct life *life, int at)
{
    struct life_payment *payment = &life->payments[at];
    bool is_sale = below(life, 2) == 0;
    if (payment->has_begun) { /* an attempt that was given up was approved after all */
        if (below(life, 3) != 0 || (!is_sale && payment->late.amount_minor > 0))
            return false;
        if (is_sale)
            sell(life, at, true);
        else
            authorize(life, at, true);
        return true;
    }
    payment->has_begun = true;
    if (is_sale)
        sell(life, at, false);
    else
        authorize(life, at, false);
    return true;
}

/* What is set aside: onto the sales, or back from them. */
static void want_aside(struct life *life, enum operation operation, int64_t minor)
{
    if (operation == OPERATION_CAPTURE)
        books_want_open(&life->books, 0, CHART_PROVIDER_PENDING, CHART_SALES, minor);
    else
        books_want_open(&life->books, 0, CHART_REFUNDS, CHART_PROVIDER_PENDING, minor);
}

static bool open_operation(struct life *life, int at, enum operation operation)
{
    struct life_payment *payment = &life->payments[at];
    bool is_capture = operation == OPERATION_CAPTURE;
    int64_t left = is_capture ? payment->hold.amount_minor - payment->capture_open
                              : payment->captured - payment->refunded - payment->refund_open;
    if (left <= 0 || payment->operation_count == LIFE_OPERATION_MAX)
        return false;
    struct life_operation *made = &payment->operations[payment->operation_count++];
    *made = (struct life_operation){uuid_new(), operation, draw_part(life, left), true, false};
    if (made->amount_minor > MONEY_AMOUNT_MAX)
        made->amount_minor = MONEY_AMOUNT_MAX;
    *(is_capture ? &payment->capture_open : &payment->refund_open) += made->amount_minor;
    want_aside(life, operation, made->amount_minor);
    (void)post(life, operation, POSTING_OPEN, at, &made->attempt_id, made->amount_minor);
    return true;
}

static void do_operation(struct life *life, int at, struct life_operation *operation,
                         enum posting_phase phase)
{
    struct life_payment *payment = &life->payments[at];
    int64_t minor = operation->amount_minor;
    int64_t fee = post(life, operation->operation, phase, at, &operation->attempt_id, minor);
    if (operation->operation == OPERATION_REFUND) {
        payment->refunded += minor;
        books_want(&life->books, 0, CHART_REFUNDS, CHART_PROVIDER_PENDING, minor);
        return;
    }
    payment->captured += minor;
    payment->fees += fee;
    books_want(&life->books, 0, CHART_PROVIDER_PENDING, CHART_SALES, minor);
    /* The last capture lets go of what is left, unless others want it. */
    int64_t left = payment->hold.amount_minor - minor - payment->capture_open;
    int64_t let_go = phase == POSTING_CLOSE && left > 0 && below(life, 4) == 0 ? left : 0;
    payment->let_go += let_go;
    release(life, phase == POSTING_LATE ? POSTING_CAPTURE_LATE : POSTING_CAPTURE_CLOSE, at,
            &payment->hold, minor + let_go);
}

static bool move_operation(struct life *life, int at)
{
    struct life_payment *payment = &life->payments[at];
    if (payment->operation_count == 0)
        return false;
    struct life_operation *operation = &payment->operations[below(life, payment->operation_count)];
    bool is_capture = operation->operation == OPERATION_CAPTURE;
    int64_t *open = is_capture ? &payment->capture_open : &payment->refund_open;
    int64_t minor = operation->amount_minor;
    if (operation->is_open) {
        operation->is_open = false;
        operation->is_dropped = below(life, 3) == 0;
        *open -= minor;
        want_aside(life, operation->operation, -minor);
        if (operation->is_dropped)
            (void)post(life, operation->operation, POSTING_DROP, at, &operation->attempt_id, minor);
        else
            do_operation(life, at, operation, POSTING_CLOSE);
        return true;
    }
    int64_t left = is_capture ? payment->hold.amount_minor - payment->capture_open
                              : payment->captured - payment->refunded - payment->refund_open;
    if (!operation->is_dropped || minor > left)
        return false; /* the limits refuse it: a person decides */
    operation->is_dropped = false;
    do_operation(life, at, operation, POSTING_LATE);
    return true;
}

static bool end_hold(struct life *life, int at)
{
    struct life_payment *payment = &life->payments[at];
    int64_t held = payment->hold.amount_minor;
    int64_t free_minor = held - payment->capture_open;
    if (payment->late.amount_minor > 0 && below(life, 2) == 0) { /* its reversal, or its end */
        bool is_void = below(life, 2) == 0;
        count_event(life, is_void ? POSTING_VOID : POSTING_EXPIRE);
        release(life, is_void ? POSTING_VOID : POSTING_EXPIRE, at, &payment->late, INT64_MAX);
        return true;
    }
    if (free_minor <= 0)
        return false;
    switch (below(life, 3)) {
    case 0:
        count_event(life, POSTING_VOID);
        payment->let_go += free_minor;
        release(life, POSTING_VOID, at, &payment->hold, free_minor);
        return true;
    case 1:
        if (payment->capture_open > 0)
            return false;
        count_event(life, POSTING_EXPIRE);
        payment->let_go += held;
        release(life, POSTING_EXPIRE, at, &payment->hold, STORE_HOLD_ALL);
        return true;
    default:
        if (payment->capture_open > 0)
            return false;
        free_minor = (int64_t)below(life, (uint64_t)held); /* the new one is of less, or as much */
        count_event(life, POSTING_REAUTHORIZE);
        payment->let_go += free_minor;
        release(life, POSTING_REAUTHORIZE, at, &payment->hold, free_minor);
        return true;
    }
}

static void pay_out(struct life *life)
{
    struct uuid attempt_id = uuid_new();
    int64_t minor = life_amount(&life->rng);
    books_want(&life->books, 0, CHART_PAYOUTS, CHART_PROVIDER_PENDING, minor);
    (void)post(life, OPERATION_PAYOUT, below(life, 8) == 0 ? POSTING_LATE : POSTING_WHOLE, -1,
               &attempt_id, minor);
    life->paid_out += minor;
}

bool life_step(struct life *life)
{
    int at = (int)below(life, BOOKS_PAYMENT_MAX);
    switch (below(life, 10)) {
    case 0:
    case 1:
        return begin(life, at);
    case 2:
    case 3:
        return open_operation(life, at, OPERATION_CAPTURE);
    case 4:
        return open_operation(life, at, OPERATION_REFUND);
    case 5:
    case 6:
        return move_operation(life, at);
    case 7:
        return end_hold(life, at);
    case 8:
        pay_out(life);
        return true;
    default:
        return life_enter(life);
    }
}

void life_end(struct life *life)
{
    for (int at = 0; at < BOOKS_PAYMENT_MAX; at++) {
        struct life_payment *payment = &life->payments[at];
        for (size_t i = 0; i < payment->operation_count; i++) {
            struct life_operation *operation = &payment->operations[i];
            if (!operation->is_open)
                continue;
            operation->is_open = false;
            want_aside(life, operation->operation, -operation->amount_minor);
            *(operation->operation == OPERATION_CAPTURE ? &payment->capture_open
                                                        : &payment->refund_open) -=
                operation->amount_minor;
            do_operation(life, at, operation, POSTING_CLOSE);
            life_check(life);
        }
        payment->let_go += payment->hold.amount_minor;
        release(life, POSTING_EXPIRE, at, &payment->hold, STORE_HOLD_ALL);
        release(life, POSTING_EXPIRE, at, &payment->late, STORE_HOLD_ALL);
    }
    life_check(life);
    if (life->books.open_count != 0)
        books_fail(&life->books, "%zu rows are pending at the end", life->books.open_count);
}

void life_check(const struct life *life)
{
    const struct books *books = &life->books;
    books_check(books);
    for (int at = 0; at < BOOKS_PAYMENT_MAX; at++) {
        const struct life_payment *p = &life->payments[at];
        const struct books_want *paid = &books->paid[at];
        if (p->captured + p->let_go + p->hold.amount_minor != p->authorized ||
            p->capture_open > p->hold.amount_minor)
            books_fail(books, "payment %d: its parts are not the whole", at);
        if (p->refunded + p->refund_open > p->captured || p->captured > p->authorized)
            books_fail(books, "payment %d: more is given back than was taken", at);
        if (paid->posted != p->captured - p->refunded - p->fees + p->entered)
            books_fail(books,
                       "payment %d: the provider owes what was not captured, less refunds and fees",
                       at);
        if (paid->open !=
            p->hold.amount_minor + p->late.amount_minor + p->capture_open - p->refund_open)
            books_fail(books, "payment %d: what is set aside is not held or under way", at);
    }
    if (life->came_back > life->paid_out)
        books_fail(books, "more came back than was paid out");
}
