/*
 * A script: steps drawn from the seed, each played on both sides and compared. What a step writes is
 * what the holder of a payment could write next by what he has read, or what he should not.
 */
#include "play.h"

#include <stdio.h>
#include <string.h>

enum step_kind {
    STEP_OF_ONE = 0,
    STEP_OF_SEVERAL,
    STEP_OF_LOST,
    STEP_CLAIMS,
    STEP_CANCELS,
    STEP_TAKES_OVER,
    STEP_READS,
    STEP_WAITS,
};

static const struct {
    enum step_kind kind;
    unsigned weight;
} weights[] = {
    {STEP_OF_ONE, 52}, {STEP_OF_SEVERAL, 14}, {STEP_OF_LOST, 1}, {STEP_CLAIMS, 14},
    {STEP_CANCELS, 8}, {STEP_TAKES_OVER, 3},  {STEP_READS, 6},   {STEP_WAITS, 5},
};

static const char *const result_names[WRITE_RESULT_COUNT] = {
    [WRITE_COMMITTED] = "committed",
    [WRITE_KEY_TAKEN] = "key taken",
    [WRITE_REFERENCE_TAKEN] = "reference taken",
    [WRITE_LIMIT_EXCEEDED] = "limit exceeded",
    [WRITE_FENCED] = "fenced",
    [WRITE_ROLLED_BACK] = "rolled back",
    [WRITE_UNAVAILABLE] = "unavailable",
    [WRITE_UNKNOWN] = "unknown",
};

/* ---- telling ---- */

static void print_write(const struct script_write *write, char *out, size_t size)
{
    const struct orchestrate_write_plan *plan = &write->plan;
    char outcome[64] = "";
    char event[64] = "";
    char names[64] = "";
    if (plan->opens_payment)
        (void)snprintf(names, sizeof(names), " of merchant %u, key %u.%u, %s %u.%u",
                       write->merchant, write->local, write->key,
                       write->has_reference ? "reference" : "no reference", write->local,
                       write->try_number);
    if (plan->has_outcome)
        (void)snprintf(outcome, sizeof(outcome), " outcome %u.%d %s", plan->outcome_attempt_number,
                       plan->outcome_number, outcome_name(plan->outcome));
    if (plan->has_event)
        (void)snprintf(event, sizeof(event), " event %d %s", write->event_number,
                       payment_status_name(plan->status));
    (void)snprintf(
        out, size, "writer %u, payment %u (%s of %lld%s): attempt %u%s%s%s%s%s%s%s%s%s%s%s%s",
        write->writer, write->payment, operation_name(write->operation), (long long)write->amount,
        write->reversal_of > 0 ? ", a reversal" : "", write->attempt_number,
        plan->opens_payment ? " opens payment" : "", names,
        plan->opens_attempt ? " opens attempt" : "", plan->opens_send ? " opens send" : "", outcome,
        event, plan->posts_transfers ? " posts" : "", plan->stores_answer ? " answers" : "",
        plan->parks ? " parks" : "", plan->unparks ? " unparks" : "",
        plan->ends_hold ? " ends hold" : "", plan->review != REVIEW_NONE ? " review" : "");
}

static void tell_write(const struct play *play, const struct script_write *write,
                       enum orchestrate_write result)
{
    char text[400];
    if (!play->script->tells)
        return;
    print_write(write, text, sizeof(text));
    printf("%4zu  %s, epoch %lld: %s\n", play->at, text, (long long)write->epoch,
           result_names[result]);
}

static bool differ_write(struct play *play, const struct script_write *write,
                         enum orchestrate_write model, enum orchestrate_write ledger)
{
    char text[400];
    print_write(write, text, sizeof(text));
    (void)snprintf(play->what, play->size, "step %zu: %s: the model says %s, PostgreSQL %s",
                   play->at, text, result_names[model], result_names[ledger]);
    return false;
}

/* The first line that only one of them has. */
static bool differ_text(struct play *play, const char *of)
{
    const char *model = play->model_text.at;
    const char *ledger = play->ledger_text.at;
    while (*model != '\0' || *ledger != '\0') {
        size_t a = strcspn(model, "\n");
        size_t b = strcspn(ledger, "\n");
        if (a != b || memcmp(model, ledger, a) != 0) {
            (void)snprintf(play->what, play->size,
                           "%s: the model has \"%.*s\", PostgreSQL \"%.*s\"", of, (int)a, model,
                           (int)b, ledger);
            return false;
        }
        model += a + (model[a] == '\n');
        ledger += b + (ledger[b] == '\n');
    }
    return true;
}

/* ---- writing ---- */

/*
 * One statement opens the payments of a batch, and asks for their references before it takes keys: who
 * is told that his reference is taken comes before who takes the same key in the same batch.
 */
static void put_refused_first(struct play *play, const struct script_write *writes, size_t count,
                              const enum orchestrate_write *results, size_t *order)
{
    size_t sorted[SCRIPT_BATCH_MAX];
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            bool is_first = results[order[i]] == WRITE_REFERENCE_TAKEN &&
                            model_has_reference(play->model, &writes[order[i]]);
            if (is_first == (pass == 0))
                sorted[at++] = order[i];
        }
    }
    memcpy(order, sorted, count * sizeof(*order));
}

static bool write_several(struct play *play, const struct script_write *writes,
                          struct holder *const *by, size_t count)
{
    enum orchestrate_write results[SCRIPT_BATCH_MAX];
    size_t order[SCRIPT_BATCH_MAX];
    ledger_write(writes, count, results, order);
    put_refused_first(play, writes, count, results, order);
    for (size_t i = 0; i < count; i++) {
        const struct script_write *write = &writes[order[i]];
        enum orchestrate_write result = model_write(play->model, write);
        play->tally->writes++;
        play->tally->results[result]++;
        tell_write(play, write, result);
        if (result != results[order[i]])
            return differ_write(play, write, result, results[order[i]]);
        holder_told(play, by[order[i]], write, result);
    }
    return true;
}

static bool write_lost(struct play *play, const struct script_write *writes,
                       struct holder *const *by, size_t count)
{
    enum orchestrate_write results[SCRIPT_BATCH_MAX];
    enum orchestrate_write expected[SCRIPT_BATCH_MAX];
    enum script_cut cut = step_draw(play, 2) == 0 ? SCRIPT_CUT_LOST : SCRIPT_CUT_KEPT;
    ledger_write_cut(writes, count, cut, results);
    if (cut == SCRIPT_CUT_KEPT)
        model_write_lost(play->model, writes, count, expected);
    for (size_t i = 0; i < count; i++) {
        if (cut == SCRIPT_CUT_LOST)
            expected[i] = WRITE_ROLLED_BACK;
        play->tally->lost++;
        tell_write(play, &writes[i], expected[i]);
        if (expected[i] != results[i])
            return differ_write(play, &writes[i], expected[i], results[i]);
        holder_told(play, by[i], &writes[i], expected[i]);
    }
    return true;
}

static uint32_t root_of(const struct script_write *write)
{
    return write->parent != SCRIPT_NOBODY ? write->parent : write->payment;
}

/*
 * Side by side in one transaction: of one payment only operations, which its limits keep apart. In one
 * whose answer is lost nothing that is kept apart.
 */
static bool fits(const struct script_write *writes, size_t count, const struct script_write *next,
                 bool is_lost)
{
    for (size_t i = 0; i < count; i++) {
        bool are_operations = writes[i].parent != SCRIPT_NOBODY && next->parent != SCRIPT_NOBODY &&
                              writes[i].payment != next->payment && !is_lost;
        if (is_lost && writes[i].plan.opens_payment && next->plan.opens_payment &&
            writes[i].merchant == next->merchant && writes[i].local == next->local)
            return false;
        if (root_of(&writes[i]) == root_of(next) && !are_operations)
            return false;
    }
    return true;
}

static bool step_writes(struct play *play, size_t most, bool is_lost)
{
    struct script_write writes[SCRIPT_BATCH_MAX];
    struct holder *by[SCRIPT_BATCH_MAX];
    uint8_t writer = (uint8_t)step_draw(play, SCRIPT_WRITERS);
    size_t count = 0;
    for (size_t i = 0; i < most; i++) {
        struct holder *holder = &play->holders[writer][step_draw(play, HOLDER_MAX)];
        bool is_there = false;
        for (size_t at = 0; at < count; at++)
            is_there = is_there || by[at] == holder;
        if (is_there || model_count(play->model) >= SCRIPT_PAYMENT_MAX)
            continue;
        if (!holder_next(play, holder, writer, &writes[count]) ||
            (is_lost && holder->is_used && writes[count].plan.opens_payment) ||
            !fits(writes, count, &writes[count], is_lost))
            continue;
        by[count++] = holder;
    }
    if (count == 0)
        return true;
    return is_lost ? write_lost(play, writes, by, count) : write_several(play, writes, by, count);
}

/* ---- everything else ---- */

static bool step_claims(struct play *play)
{
    struct script_claim claims[SCRIPT_CLAIM_MAX];
    uint8_t writer = (uint8_t)step_draw(play, SCRIPT_WRITERS);
    bool is_all = step_draw(play, 2) == 0;
    unsigned limit = is_all ? SCRIPT_CLAIM_MAX : 1 + (unsigned)step_draw(play, 4);
    size_t due = model_due(play->model, play->now_us);
    size_t count = ledger_claim(writer, play->now_us, limit, claims);
    play->tally->claims += count;
    if (count > limit || (is_all ? count != due : (count == 0) != (due == 0))) {
        (void)snprintf(play->what, play->size,
                       "step %zu: the model has %zu due, PostgreSQL gave %zu of at most %u",
                       play->at, due, count, limit);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct script_claim claim = claims[i];
        bool is_there = model_claim(play->model, play->now_us, &claim);
        if (!is_there || claim.epoch != claims[i].epoch || claim.tries != claims[i].tries ||
            claim.is_canceled != claims[i].is_canceled ||
            claim.is_recheck != claims[i].is_recheck) {
            (void)snprintf(
                play->what, play->size,
                "step %zu: claim of %u.%u: the model says %s, epoch %lld, tries %d%s%s, "
                "PostgreSQL epoch %lld, tries %d%s%s",
                play->at, claim.payment, claim.attempt + 1U, is_there ? "due" : "not due",
                (long long)claim.epoch, claim.tries, claim.is_canceled ? ", canceled" : "",
                claim.is_recheck ? ", recheck" : "", (long long)claims[i].epoch, claims[i].tries,
                claims[i].is_canceled ? ", canceled" : "", claims[i].is_recheck ? ", recheck" : "");
            return false;
        }
        if (play->script->tells)
            printf("%4zu  writer %u claims %u.%u, epoch %lld%s\n", play->at, writer, claim.payment,
                   claim.attempt + 1U, (long long)claim.epoch, claim.is_recheck ? ", recheck" : "");
        holder_resume(play, writer, &claim);
    }
    return true;
}

/* The newest attempt of some payment, or what somebody has claimed. */
static bool draw_attempt(struct play *play, uint32_t *payment, uint8_t *attempt,
                         struct model_view *view)
{
    uint8_t writer = (uint8_t)step_draw(play, SCRIPT_WRITERS);
    uint32_t count = model_count(play->model);
    if (count == 0)
        return false;
    *payment = (uint32_t)step_draw(play, count);
    size_t first = step_draw(play, HOLDER_MAX);
    bool is_claimed = step_draw(play, 3) > 0;
    for (size_t i = 0; is_claimed && i < HOLDER_MAX; i++) {
        const struct holder *holder = &play->holders[writer][(first + i) % HOLDER_MAX];
        if (!holder->is_used || !holder->is_resumed || holder->was_canceled)
            continue;
        *payment = holder->payment;
        *attempt = holder->attempt;
        model_view(play->model, *payment, *attempt, view);
        return true;
    }
    model_view(play->model, *payment, 0, view);
    *attempt = (uint8_t)(view->attempt_count - 1);
    return view->exists;
}

static bool step_cancels(struct play *play)
{
    uint32_t payment;
    uint8_t attempt;
    struct model_view view;
    if (!draw_attempt(play, &payment, &attempt, &view))
        return true;
    bool ledger = ledger_cancel(payment, view.merchant, attempt, play->now_us);
    bool model = model_cancel(play->model, payment, attempt, play->now_us);
    play->tally->cancels += model;
    if (play->script->tells)
        printf("%4zu  cancel of %u.%u: %s\n", play->at, payment, attempt + 1U,
               model ? "noted" : "not parked");
    if (model == ledger)
        return true;
    (void)snprintf(play->what, play->size, "step %zu: cancel of %u.%u: the model %s, PostgreSQL %s",
                   play->at, payment, attempt + 1U, model ? "notes it" : "does not",
                   ledger ? "notes it" : "does not");
    return false;
}

static bool step_takes_over(struct play *play)
{
    uint8_t dead = (uint8_t)step_draw(play, SCRIPT_WRITERS);
    unsigned model = 0;
    play->is_dead[dead] = true;
    unsigned ledger = ledger_adopt(dead, play->now_us);
    for (uint8_t i = 0; i < SCRIPT_WRITERS; i++)
        if (play->is_dead[i])
            model += model_adopt(play->model, i, play->now_us);
    play->tally->takeovers += model;
    if (play->script->tells)
        printf("%4zu  writer %u is taken over: %u attempts\n", play->at, dead, model);
    if (model == ledger)
        return true;
    (void)snprintf(play->what, play->size,
                   "step %zu: of writer %u the model takes %u attempts over, PostgreSQL %u",
                   play->at, dead, model, ledger);
    return false;
}

static bool step_reads(struct play *play)
{
    uint32_t count = model_count(play->model);
    char of[64];
    if (count == 0)
        return true;
    uint32_t payment = (uint32_t)step_draw(play, count);
    struct model_view view;
    model_view(play->model, payment, 0, &view);
    ledger_read(payment, view.merchant, &play->ledger_text);
    model_read(play->model, payment, &play->model_text);
    play->tally->reads++;
    (void)snprintf(of, sizeof(of), "step %zu: reading payment %u", play->at, payment);
    return differ_text(play, of);
}

static enum step_kind draw_kind(struct play *play)
{
    unsigned total = 0;
    for (size_t i = 0; i < ARRAY_LEN(weights); i++)
        total += weights[i].weight;
    unsigned drawn = (unsigned)step_draw(play, total);
    size_t i = 0;
    while (drawn >= weights[i].weight)
        drawn -= weights[i++].weight;
    return weights[i].kind;
}

static bool play_step(struct play *play)
{
    play->now_us += 1 + (int64_t)step_draw(play, 20000);
    switch (draw_kind(play)) {
    case STEP_OF_ONE:
        return step_writes(play, 1, false);
    case STEP_OF_SEVERAL:
        return step_writes(play, SCRIPT_BATCH_MAX, false);
    case STEP_OF_LOST:
        return step_writes(play, 1 + step_draw(play, SCRIPT_BATCH_MAX), true);
    case STEP_CLAIMS:
        return step_claims(play);
    case STEP_CANCELS:
        return step_cancels(play);
    case STEP_TAKES_OVER:
        return step_takes_over(play);
    case STEP_READS:
        return step_reads(play);
    case STEP_WAITS:
        play->now_us += (int64_t)step_draw(play, (SCRIPT_LEASE_MS + 10000) * 1000ULL);
        return true;
    }
    CHECK(false);
}

static bool compare_end(struct play *play)
{
    model_dump(play->model, &play->model_text);
    ledger_dump(&play->ledger_text);
    if (!differ_text(play, "at the end"))
        return false;
    text_clear(&play->ledger_text);
    ledger_audit(&play->ledger_text);
    (void)snprintf(play->what, play->size, "%.*s", (int)strcspn(play->ledger_text.at, "\n"),
                   play->ledger_text.at);
    return play->ledger_text.length == 0;
}

bool script_play(struct model *model, const struct script *script, struct script_tally *tally,
                 char *what, size_t size)
{
    static struct play play;
    memset(&play, 0, sizeof(play));
    play.model = model;
    play.script = script;
    play.tally = tally;
    play.what = what;
    play.size = size;
    model_reset(model);
    ledger_reset();
    bool is_same = true;
    for (size_t i = 0; is_same && i < script->step_count; i++) {
        if (script->left_out[i])
            continue;
        play.at = i;
        rng_seed(&play.rng, script->seed * 0x9e3779b97f4a7c15u + i);
        is_same = play_step(&play);
    }
    is_same = is_same && compare_end(&play);
    text_release(&play.model_text);
    text_release(&play.ledger_text);
    return is_same;
}
