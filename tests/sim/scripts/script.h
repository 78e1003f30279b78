/*
 * script.h - the same script of transactions against the simulator's store and a real PostgreSQL.
 *
 *     seed -> script (steps: numbers only) -> play.c: what the holder of a payment would write next
 *                                               |                        |
 *                                     model.c: tests/sim/store.c   ledger.c: gateway/ledger, PostgreSQL
 *                                               |                        |
 *                                               +---- must be equal -----+   results, claims, reads, rows
 *
 * The simulator proves the core against a model of the store; this proves the model. A script is
 * what several writers do to a few payments of several merchants, wrong things among it: keys and
 * references that are taken, sums that are too large, what another has done meanwhile, the same
 * again, a writer that was taken over and goes on. Each step is derived from what its holder has
 * read, so that any part of a script is a script: a failing one is made smaller by leaving steps out.
 *
 * The two sides see struct script_write, a WRITE of the core as the driver has it in hand; model.c
 * makes the simulator's bundle of it, ledger.c the rows that driver_write.c and driver_operation.c
 * make. Nothing here shares a header with both.
 */
#ifndef SIM_SCRIPTS_SCRIPT_H
#define SIM_SCRIPTS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "payment/orchestrate.h"

enum {
    SCRIPT_STEP_MAX = 400,
    SCRIPT_BATCH_MAX = 6,
    SCRIPT_CLAIM_MAX = 256,
    SCRIPT_MERCHANTS = 3,
    SCRIPT_PROVIDERS = 3,
    SCRIPT_WRITERS = 2,
    SCRIPT_PAYMENT_MAX = 1024,
    SCRIPT_LEASE_MS = 60000,
};
#define SCRIPT_NOBODY UINT32_MAX

struct script_write {
    uint32_t payment; /* slot */
    uint8_t writer;
    uint8_t merchant;
    uint8_t provider;
    uint8_t attempt_number, send_number;
    bool moves_money;
    int64_t now_us; /* since the script began */
    struct orchestrate_write_plan plan;
    /* of the payment, as it is opened: */
    enum operation operation;
    int64_t amount;
    uint32_t parent;          /* or SCRIPT_NOBODY */
    uint32_t capture;         /* of which a refund is taken; or SCRIPT_NOBODY */
    uint8_t reversal_of;      /* attempt of the parent, from 1; 0: none */
    enum payment_status then; /* of the parent, once a reversal is done */
    uint8_t local, key, try_number;
    bool has_reference;
    /* what the holder had read: */
    bool is_resumed;
    int64_t epoch;
    bool was_canceled;
    int32_t event_number;
    enum payment_status status;
    bool was_given_back;
    int64_t hold_change; /* captured less authorized */
    bool of_late;        /* it gives back, or ends, an authorization that came late */
};

struct script_claim {
    uint32_t payment;
    uint8_t attempt; /* index */
    int64_t epoch;
    int32_t tries;
    bool is_canceled, is_recheck;
};

enum script_cut { SCRIPT_CUT_NONE = 0, SCRIPT_CUT_KEPT, SCRIPT_CUT_LOST };

struct text { /* a state, a line for each row; ends with a zero */
    char *at; /* owned */
    size_t length, room;
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text);
void text_release(struct text *text);
/* Lines in their order, so that two states can be compared line by line. */
void text_sort(struct text *text);

/* ---- the model (model.c) ---- */

struct model;
struct model *model_new(void);
void model_free(struct model **model);
void model_reset(struct model *model);
/* A slot for a payment that is to be opened. */
uint32_t model_slot(struct model *model, const struct script_write *opening);
enum orchestrate_write model_write(struct model *model, const struct script_write *write);
/* Its reference has a payment already. */
bool model_has_reference(struct model *model, const struct script_write *write);
/* The same for a batch whose answer is lost though it was kept: all of it, or nothing. */
bool model_write_lost(struct model *model, const struct script_write *writes, size_t count,
                      enum orchestrate_write *results);
/* What is due; then what was claimed of it. False: that could not be claimed. */
size_t model_due(struct model *model, int64_t now_us);
bool model_claim(struct model *model, int64_t now_us, struct script_claim *claim);
bool model_cancel(struct model *model, uint32_t payment, uint8_t attempt, int64_t now_us);
unsigned model_adopt(struct model *model, uint8_t writer, int64_t now_us);
void model_read(struct model *model, uint32_t payment, struct text *to);
void model_dump(struct model *model, struct text *to);

struct model_view { /* what somebody who loads a payment gets to see */
    bool exists;
    uint8_t merchant, provider;
    enum operation operation;
    int64_t amount;
    uint32_t parent, capture;
    uint8_t reversal_of;
    bool was_approved; /* attempt `at` */
    bool is_late;      /* ... which came late, and has limits of its own: so much of it is ... */
    int64_t late_held, late_open;
    uint8_t attempt_count;
    uint8_t send_count; /* of attempt `at` */
    int16_t outcome_count;
    bool has_final_outcome;
    bool is_parked;
    uint8_t approved_count;
    int32_t event_count;
    enum payment_status status;
    bool has_answer;
    int64_t authorized, captured, capture_open, refunded, refund_open;
};
void model_view(struct model *model, uint32_t payment, uint8_t attempt, struct model_view *view);
uint32_t model_count(const struct model *model);

/* ---- PostgreSQL (ledger.c) ---- */

bool ledger_start(void);
void ledger_stop(void);
/* Empty tables, living writers. */
void ledger_reset(void);
/* results[i] of writes[i]; order: as they were decided. All of one writer. */
void ledger_write(const struct script_write *writes, size_t count, enum orchestrate_write *results,
                  size_t *order);
/* The answer is cut off, then the fate asked for. */
void ledger_write_cut(const struct script_write *writes, size_t count, enum script_cut cut,
                      enum orchestrate_write *results);
size_t ledger_claim(uint8_t writer, int64_t now_us, unsigned limit, struct script_claim *claims);
bool ledger_cancel(uint32_t payment, uint8_t merchant, uint8_t attempt, int64_t now_us);
unsigned ledger_adopt(uint8_t dead, int64_t now_us);
void ledger_read(uint32_t payment, uint8_t merchant, struct text *to);
void ledger_dump(struct text *to);
/* Promises of the tables among themselves; what is broken is added. */
void ledger_audit(struct text *to);

/* ---- a script (play.c) ---- */

struct script {
    uint64_t seed;
    size_t step_count;
    bool left_out[SCRIPT_STEP_MAX];
    bool tells; /* step by step */
};
struct script_tally {
    uint64_t writes, results[WRITE_RESULT_COUNT], claims, cancels, takeovers, reads, lost;
};
/* False: the two differ, and `what` says how. */
bool script_play(struct model *model, const struct script *script, struct script_tally *tally,
                 char *what, size_t size);

#endif
