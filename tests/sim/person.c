/*
 * People who decide cases. Whoever takes one up looks at the provider's books, and says later what
 * he saw; meanwhile the truth may change, another may decide the same case, and who was asked to
 * note it may die. He looks again until it is decided. What his answer leads to is the core's word
 * (payment/ruling.h); here it is carried out as decide.c does.
 *
 *     opened --minutes--> look at the books --> asked --> case and attempt read --> note or tell
 *        ^                     |                                                       |
 *        +------ later --------+ nothing can be said yet          one commit, fenced by the case
 *
 * Some lie. Then nothing is demanded but that the ledger says what was said, and by whom.
 */
#include "sim.h"

enum {
    RULING_BITS = 4, /* of what travels with SIM_DECIDE: worker, ruling, lie */
    LIE_BIT = 1 << 12,
};

static void look_later(struct world *w, uint32_t index)
{
    world_push(w, w->now + between(w, 20 * SEC, 1200 * SEC), SIM_PERSON, index,
               (uint32_t)REVIEW(w, index)->epoch);
}

static bool can_be_reversed(enum operation operation)
{
    return operation == OPERATION_SALE || operation == OPERATION_AUTHORIZE;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void call_person(struct world *w, uint32_t index)
{
    int64_t longest = rng_below(&w->rng, 3) == 0 ? 3600 * SEC : 20 * SEC;
    if (happens(w, FAULT_PERSON))
        world_push(w, w->now + between(w, 100 * MS, longest), SIM_PERSON, index,
                   (uint32_t)REVIEW(w, index)->epoch);
}

static uint32_t find_case(const struct world *w, const struct attempt_row *attempt,
                          enum review_kind kind)
{
    for (uint32_t i = attempt->cases; i != 0; i = REVIEW(w, i - 1)->next)
        if (REVIEW(w, i - 1)->kind == kind)
            return i - 1;
    return NONE;
}

/*
 * He has answered this: that it was charged, and of another amount if that was seen by then. Whether
 * it is still held, long after its time, is another question.
 */
static bool has_said(const struct world *w, const struct attempt_row *attempt,
                     const struct review_row *review, enum operation operation)
{
    bool is_told = false;
    unsigned differ_count = 0;
    if (!payment_ruling_fits(RULING_CHARGED, review->kind, operation))
        return false;
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next) {
        const struct outcome_row *outcome = OUTCOME(w, i);
        is_told = is_told || (outcome->is_told && outcome->outcome == OUTCOME_APPROVED);
        differ_count += outcome->is_mismatch;
    }
    bool was_decided =
        review->resolved_by == RESOLVED_BY_PERSON && review->ruling == RULING_CHARGED;
    bool is_news = review->kind == REVIEW_AMOUNT_MISMATCH && differ_count == 1; /* this one */
    return was_decided || (is_told && !is_news);
}

void person_open(struct world *w, uint32_t payment, uint8_t at, enum review_kind kind)
{
    struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    enum operation operation = PAYMENT(w, payment)->operation;
    uint32_t index = find_case(w, attempt, kind);
    bool is_late = kind == REVIEW_LATE_SUCCESS;
    if (index != NONE && (REVIEW(w, index)->state != REVIEW_RESOLVED || is_late))
        return;
    if (index == NONE) {
        index = vec_add(&w->reviews);
        *REVIEW(w, index) = (struct review_row){
            .next = attempt->cases, .payment = payment, .attempt = at, .kind = kind};
        attempt->cases = index + 1;
    } else {
        REVIEW(w, index)->epoch++;
        mark(w, MARK_CASE_OPENED_AGAIN);
    }
    struct review_row *review = REVIEW(w, index);
    review->was_confirmed = review->was_confirmed || has_said(w, attempt, review, operation);
    review->state = is_late && can_be_reversed(operation) ? REVIEW_REVERSING : REVIEW_OPEN;
    review->opened_at = w->now;
    review->resolved_by = RESOLVED_BY_NOBODY;
    review->verdicts = 0;
    if (review->state == REVIEW_OPEN)
        call_person(w, index);
}

void person_prove(struct world *w, uint32_t payment, uint8_t at)
{
    for (uint32_t i = PAYMENT(w, payment)->attempt[at].cases; i != 0; i = REVIEW(w, i - 1)->next) {
        struct review_row *review = REVIEW(w, i - 1);
        bool is_ignorance = review->kind == REVIEW_UNKNOWN_TOO_LONG ||
                            review->kind == REVIEW_PENDING_TOO_LONG ||
                            review->kind == REVIEW_AMOUNT_MISMATCH;
        if (!is_ignorance || review->state != REVIEW_OPEN)
            continue;
        review->state = REVIEW_RESOLVED;
        review->resolved_by = RESOLVED_BY_PROOF;
    }
}

/* A reversal has ended: it worked, or a person must look. */
void person_reversed(struct world *w, const struct order *order, bool worked)
{
    const struct attempt_row *attempt = &PAYMENT(w, order->parent)->attempt[order->reversal_of - 1];
    for (uint32_t i = attempt->cases; i != 0; i = REVIEW(w, i - 1)->next) {
        struct review_row *review = REVIEW(w, i - 1);
        if (review->state != REVIEW_REVERSING)
            continue;
        review->epoch++;
        review->state = worked ? REVIEW_RESOLVED : REVIEW_OPEN;
        review->resolved_by = worked ? RESOLVED_BY_REVERSAL : RESOLVED_BY_NOBODY;
        review->reversal = (uint32_t)(order - ORDER(w, 0));
        if (worked)
            continue;
        mark(w, MARK_REVERSAL_GIVEN_UP);
        review->kind = REVIEW_REVERSAL_FAILED;
        review->verdicts = 0;
        call_person(w, i - 1);
    }
}

/* ---- what a person sees ---------------------------------------------------------------------- */

/* Nobody waits for who was asked to act any more: the provider closes it when he asks. */
static void close_at_provider(struct book *book)
{
    book->state = BOOK_DONE;
    book->outcome = OUTCOME_FAILED;
}

/* Money that may still move, and of which he says what he sees: it has not. */
static bool says_early(struct world *w, const struct review_row *review)
{
    const struct payment_row *payment = PAYMENT(w, review->payment);
    bool is_heard = w->provider[payment->attempt[review->attempt].provider].can_lookup;
    return happens(w, FAULT_PERSON_EARLY) && can_be_reversed(payment->operation) && is_heard &&
           rng_chance(&w->rng, w->chance[FAULT_PERSON_EARLY]);
}

static enum payment_ruling see_charge(struct world *w, const struct review_row *review)
{
    struct book *book = BOOK(w, book_index(review->payment, review->attempt));
    const struct attempt_row *attempt = &PAYMENT(w, review->payment)->attempt[review->attempt];
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        if (OUTCOME(w, i)->outcome == OUTCOME_APPROVED)
            return RULING_CHARGED; /* he reads the ledger, too */
    if (book->state == BOOK_ASKED || book->state == BOOK_CONSENT)
        close_at_provider(book);
    if (book->state == BOOK_WORKING || book->state == BOOK_PENDING) {
        if (!says_early(w, review))
            return RULING_NONE;
        mark(w, MARK_CASE_EARLY);
        return RULING_NOT_CHARGED;
    }
    return book->net > 0 && !hold_is_gone(book) ? RULING_CHARGED : RULING_NOT_CHARGED;
}

static enum payment_ruling see_late(struct world *w, const struct review_row *review)
{
    bool may_reverse =
        payment_ruling_fits(RULING_REVERSE, review->kind, PAYMENT(w, review->payment)->operation) &&
        review->kind == REVIEW_REVERSAL_FAILED && ORDER(w, review->reversal)->key + 1 < KEY_MAX;
    return may_reverse && rng_below(&w->rng, 2) == 0 ? RULING_REVERSE : RULING_ACCEPTED;
}

static bool lies(struct world *w, const struct review_row *review, enum payment_ruling ruling)
{
    bool is_word = ruling == RULING_CHARGED || ruling == RULING_NOT_CHARGED;
    return is_word && happens(w, FAULT_PERSON_LIES) &&
           can_be_reversed(PAYMENT(w, review->payment)->operation) &&
           rng_chance(&w->rng, w->chance[FAULT_PERSON_LIES]);
}

static void submit(struct world *w, uint32_t index, enum payment_ruling ruling, bool is_lie,
                   int64_t at)
{
    uint32_t worker = (uint32_t)rng_below(&w->rng, w->worker_count);
    world_push_x(w, at, SIM_DECIDE, index, 0,
                 (uint16_t)(worker | (uint32_t)ruling << RULING_BITS | (is_lie ? LIE_BIT : 0)));
}

void person_look(struct world *w, uint32_t index, uint32_t epoch)
{
    const struct review_row *review = REVIEW(w, index);
    if (review->state != REVIEW_OPEN || (uint32_t)review->epoch != epoch)
        return;
    bool is_word =
        payment_ruling_fits(RULING_CHARGED, review->kind, PAYMENT(w, review->payment)->operation);
    enum payment_ruling ruling = is_word ? see_charge(w, review) : see_late(w, review);
    look_later(w, index);
    if (ruling == RULING_NONE)
        return;
    bool is_lie = lies(w, review, ruling);
    if (is_lie)
        ruling = ruling == RULING_CHARGED ? RULING_NOT_CHARGED : RULING_CHARGED;
    world_trace(w, "payment %u: a person says %d of attempt %u%s", review->payment, (int)ruling,
                review->attempt + 1U, is_lie ? ", and lies" : "");
    int64_t longest = rng_below(&w->rng, 2) == 0 ? 50 * MS : 60 * SEC;
    int64_t at = w->now + between(w, 0, longest);
    submit(w, index, ruling, is_lie, at);
    if (!happens(w, FAULT_PERSON_TWICE) || rng_below(&w->rng, 3) != 0)
        return;
    mark(w, MARK_CASE_TWICE);
    int64_t apart = rng_below(&w->rng, 2) == 0 ? 4 * MS : 10 * SEC;
    /* Two draws of one call would come in the order that a compiler likes. */
    int64_t then = at + between(w, 0, apart);
    submit(w, index, is_word ? ruling : see_late(w, review), is_lie, then);
}

/* ---- as decide.c does ------------------------------------------------------------------------ */

static struct ruling_attempt read_attempt(const struct world *w, const struct review_row *review)
{
    const struct attempt_row *attempt = &PAYMENT(w, review->payment)->attempt[review->attempt];
    struct ruling_attempt read = {.is_final = attempt->has_final_outcome};
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        read.is_approved = read.is_approved || OUTCOME(w, i)->outcome == OUTCOME_APPROVED;
    read.is_reserved = read.is_approved && attempt->is_reserved;
    const struct payment_row *payment = PAYMENT(w, review->payment);
    read.is_own = review->attempt == last_attempt(payment) &&
                  (payment->shown == PAYMENT_SUCCEEDED || payment->shown == PAYMENT_AUTHORIZED);
    return read;
}

uint32_t person_worker(uint16_t x)
{
    return x & ((1U << RULING_BITS) - 1);
}

void person_decide(struct world *w, uint32_t index, uint16_t x)
{
    const struct review_row *review = REVIEW(w, index);
    enum payment_ruling ruling = (enum payment_ruling)((x & (LIE_BIT - 1)) >> RULING_BITS);
    uint32_t worker = person_worker(x);
    struct ruling_case about = {.state = review->state,
                                .kind = review->kind,
                                .operation = PAYMENT(w, review->payment)->operation};
    if (!w->worker[worker].is_alive || store_is_down(w))
        return; /* he looks at it again */
    if (crash_worker(w, worker, CRASH_CASE_READ))
        return;
    if (ruling_hear(&about, ruling, false) != RULING_GO_ON) {
        mark(w, MARK_CASE_DECIDED_BEFORE);
        return;
    }
    struct ruling_attempt attempt = read_attempt(w, review);
    struct told_case told = {.review = index + 1, .ruling = ruling};
    told.epoch = (uint32_t)review->epoch;
    told.is_lie = (x & LIE_BIT) != 0;
    told.frees = ruling_frees_reserve(&about, ruling, &attempt);
    told.looks_again = ruling_looks_again(&about, ruling);
    enum ruling_step next = ruling_weigh(ruling, &attempt);
    if (next == RULING_TELL)
        worker_tell(w, worker, &told);
    else if (next == RULING_NOTE)
        worker_note(w, worker, &told);
}

/* ---- in the commit --------------------------------------------------------------------------- */

bool person_may_decide(const struct world *w, const struct told_case *told)
{
    const struct review_row *review = REVIEW(w, told->review - 1);
    return review->state == REVIEW_OPEN && (uint32_t)review->epoch == told->epoch;
}

static void free_reserve(struct world *w, struct payment_row *payment, uint8_t at)
{
    struct limits_row *limits = hold_limits(payment, at);
    if (!payment->attempt[at].is_late)
        payment->reserved -= payment->amount;
    if (payment->operation == OPERATION_SALE)
        limits->refund_open -= payment->amount;
    else
        limits->capture_open -= payment->amount;
    limits->decided_at = limits->freed_at = w->now;
}

static void note_ruling(struct world *w, const struct told_case *told)
{
    static const enum mark marks[RULING_COUNT] = {
        [RULING_CHARGED] = MARK_CASE_CHARGED,
        [RULING_NOT_CHARGED] = MARK_CASE_NOT_CHARGED,
        [RULING_ACCEPTED] = MARK_CASE_ACCEPTED,
        [RULING_REVERSE] = MARK_CASE_REVERSE,
    };
    mark(w, marks[told->ruling]);
    if (told->is_lie)
        mark(w, MARK_CASE_LIE);
}

void person_apply(struct world *w, const struct told_case *told)
{
    struct review_row *review = REVIEW(w, told->review - 1);
    struct payment_row *payment = PAYMENT(w, review->payment);
    note_ruling(w, told);
    world_trace(w, "payment %u: case of attempt %u decided: %d", review->payment,
                review->attempt + 1U, (int)told->ruling);
    review->verdicts++;
    review->epoch++;
    review->state = ruling_after(told->ruling);
    review->resolved_by = RESOLVED_BY_PERSON;
    review->ruling = told->ruling;
    review->is_lie = told->is_lie;
    review->decided_at = w->now;
    review->event_number = payment->event_count;
    if (told->is_lie) {
        payment->is_lied = true;
        provider_say_again(w, book_index(review->payment, review->attempt));
    }
    if (told->frees) {
        mark(w, MARK_RESERVE_FREED);
        free_reserve(w, payment, review->attempt);
    }
    if (told->looks_again && !payment->attempt[review->attempt].park.exists)
        store_park(w, review->payment, review->attempt, true);
    if (review->state == REVIEW_REVERSING) {
        struct order *order = ORDER(w, review->reversal);
        order->is_done = order->key + 1 >= KEY_MAX;
        if (order->is_done) /* no key is left here: it is his again */
            person_reversed(w, order, false);
        else
            client_next_key(w, review->reversal);
    }
}
