/*
 * Canaries, as a worker sees them:
 *
 *     count -> (each second) live and canary added in the ledger -> sums read -> look due?
 *          -> this look is ours? -> judged -> stopped by a move
 */
#include "payment/rulebook_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
    TRIAL_MAX = 4096, /* that are remembered */
    TRIAL_ARENA_MAX = 8 * 1024 * 1024,
    WHY_MAX = 512,
};

static void trial_free(struct rulebook_trial *trial)
{
    HASH_DEL(trial->book->trials, trial);
    arena_release(&trial->arena);
    free(trial);
}

static struct rulebook_trial *find_trial(struct rulebook *book, const struct uuid *owner,
                                         int32_t number)
{
    struct rulebook_trial *trial = NULL;
    struct rulebook_trial wanted = {.key = {.owner = *owner, .number = number}};
    HASH_FIND(hh, book->trials, &wanted.key, sizeof(wanted.key), trial);
    return trial;
}

void rulebook_watch(struct rulebook *book, const struct rules_force *canary)
{
    if (find_trial(book, &canary->merchant_id, canary->number) != NULL)
        return;
    if (book->trials != NULL && HASH_COUNT(book->trials) >= TRIAL_MAX && !book->trials->is_busy)
        trial_free(book->trials); /* the oldest */
    struct rulebook_trial *trial = calloc(1, sizeof(*trial));
    CHECK(trial != NULL);
    trial->book = book;
    trial->key.owner = canary->merchant_id;
    trial->key.number = canary->number;
    trial->version = canary->version;
    trial->bounds = canary_bounds_read(canary->bounds_json);
    arena_init(&trial->arena, TRIAL_ARENA_MAX);
    HASH_ADD(hh, book->trials, key, sizeof(trial->key), trial);
}

void rulebook_count(struct rulebook *book, const struct rulebook_count *count)
{
    if (count->canary_number == 0 || count->arm == RULES_ARM_SHADOW)
        return;
    struct rulebook_trial *trial = find_trial(book, &count->canary_of, count->canary_number);
    if (trial == NULL)
        return;
    canary_add(&trial->counted[count->arm], count->is_approved, count->is_unknown, count->fee_minor,
               count->amount_minor);
    trial->is_dirty = true;
}

/* ---- stopping ---- */

static void stopped(void *ctx, enum store_find found, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    char id[ID_TEXT_SIZE];
    trial->is_busy = false;
    if (found != STORE_FOUND) { /* somebody moved at this moment, or the ledger is away */
        log_warn("rulebook", "cannot stop a canary; will try again", LOG_CSTR("error", why->text));
        return;
    }
    trial->is_over = true;
    metrics_count(METRIC_CANARIES_STOPPED, 1, str_of(canary_verdict_name(trial->verdict)));
    log_error("rulebook", "a canary has stopped itself",
              LOG_STR("merchant", id_format(ID_MERCHANT, &trial->key.owner, id)),
              LOG_INT("version", trial->version), LOG_STR("reason", trial->why));
}

static void moves_read(void *ctx, enum store_find found, const struct rules_move *moves,
                       size_t count, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    const struct rules_move *running = rules_running(moves, count, RULES_ARM_CANARY);
    if (found != STORE_FOUND) {
        stopped(ctx, found, why);
        return;
    }
    if (running == NULL || running->number != trial->key.number) { /* it is over already */
        trial->is_over = true;
        trial->is_busy = false;
        return;
    }
    struct rules_move move = {
        .number = rules_last_number(moves, count) + 1,
        .kind = RULES_CANARY_STOPPED,
        .version = trial->version,
        .former = rules_live_version(moves, count),
        .percent_millionths = running->percent_millionths,
        .created_us = clock_wall_us(),
        .author = STR("monitor"),
        .reason = trial->why,
        .bounds_json = running->bounds_json,
    };
    rules_move(trial->book->parts.store, &trial->key.owner, &move, stopped, trial);
}

/* ---- looking ---- */

static void judge(struct rulebook_trial *trial)
{
    struct buf why;
    buf_init(&why, WHY_MAX);
    trial->verdict = canary_judge(&trial->bounds, &trial->sum[RULES_ARM_LIVE],
                                  &trial->sum[RULES_ARM_CANARY], trial->look, &why);
    if (trial->verdict == CANARY_GOES_ON) {
        trial->is_busy = false;
    } else {
        arena_release(&trial->arena);
        arena_init(&trial->arena, TRIAL_ARENA_MAX);
        trial->why = arena_str(&trial->arena, buf_str(&why));
        rules_moves(trial->book->parts.store, &trial->key.owner, &trial->arena, moves_read, trial);
    }
    buf_release(&why);
}

static void looked(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    (void)why;
    if (found == STORE_FOUND && count == 1) {
        judge(trial);
        return;
    }
    trial->is_busy = false;
    trial->is_dirty = trial->is_dirty || found == STORE_FAILED;
}

static void sums_read(void *ctx, enum store_find found, const struct rules_tally *live,
                      const struct rules_tally *canary, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    (void)why;
    int32_t due = 0;
    if (found == STORE_FOUND) {
        trial->sum[RULES_ARM_LIVE] = *live;
        trial->sum[RULES_ARM_CANARY] = *canary;
        due = canary_look(&trial->bounds, canary->approved + canary->declined);
    }
    if (found == STORE_FAILED || due <= canary->looks) {
        trial->is_busy = false;
        trial->is_dirty = trial->is_dirty || found == STORE_FAILED;
        return;
    }
    trial->look = due;
    rules_look(trial->book->parts.store, &trial->key.owner, trial->key.number, due, looked, trial);
}

/* ---- adding up ---- */

static void add(struct rulebook_trial *trial, enum rules_arm arm, directory_done_fn done)
{
    struct rules_tally tally = trial->counted[arm];
    struct error none = {.code = ERROR_NONE};
    memset(&trial->counted[arm], 0, sizeof(trial->counted[arm]));
    if (tally.approved + tally.declined + tally.unknown == 0)
        done(trial, STORE_FOUND, &none);
    else
        rules_tally(trial->book->parts.store, &trial->key.owner, trial->key.number, arm, &tally,
                    done, trial);
}

/* What the ledger did not take is lost: it is a sample, and adding it twice would be worse. */
static void canary_added(void *ctx, enum store_find found, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    if (found == STORE_FAILED)
        log_warn("rulebook", "a canary's numbers were not kept", LOG_CSTR("error", why->text));
    rules_tallies(trial->book->parts.store, &trial->key.owner, trial->key.number, sums_read, trial);
}

static void live_added(void *ctx, enum store_find found, const struct error *why)
{
    struct rulebook_trial *trial = ctx;
    if (found == STORE_FAILED)
        log_warn("rulebook", "a canary's numbers were not kept", LOG_CSTR("error", why->text));
    add(trial, RULES_ARM_CANARY, canary_added);
}

void rulebook_flush(void *ctx)
{
    struct rulebook *book = ctx;
    for (struct rulebook_trial *trial = book->trials; trial != NULL; trial = trial->hh.next) {
        bool must_stop = trial->verdict != CANARY_GOES_ON; /* it did not work the last time */
        if (trial->is_busy || trial->is_over || !(trial->is_dirty || must_stop))
            continue;
        trial->is_busy = true;
        trial->is_dirty = false;
        if (must_stop)
            rules_moves(book->parts.store, &trial->key.owner, &trial->arena, moves_read, trial);
        else
            add(trial, RULES_ARM_LIVE, live_added);
    }
    loop_timer_start(&book->flush, CLOCK_SECOND_US);
}

void rulebook_release_trials(struct rulebook *book)
{
    struct rulebook_trial *trial = book->trials;
    struct rulebook_trial *next = NULL;
    HASH_CLEAR(hh, book->trials); /* frees the table only; its entries stay linked */
    for (; trial != NULL; trial = next) {
        next = trial->hh.next;
        arena_release(&trial->arena);
        free(trial);
    }
}
