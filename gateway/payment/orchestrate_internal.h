/*
 * orchestrate_internal.h - what the files of the core share, and nobody else includes.
 *
 *     orchestrate.c          the step, the life of a WRITE, the client's deadline
 *     orchestrate_fresh.c    a new payment: prepare, send, judge, switch, close
 *     orchestrate_order.c    who is tried, and who is next
 *     orchestrate_resume.c   an attempt taken over: one look, then end, review or put back
 *     orchestrate_payer.c    ... that waits for its payer: goes on, or ends with nothing moved
 *     orchestrate_attempt.c  the state of an attempt: rebuilt from rows, and THE RULE
 */
#ifndef PAYMENT_ORCHESTRATE_INTERNAL_H
#define PAYMENT_ORCHESTRATE_INTERNAL_H

#include "payment/orchestrate.h"
#include "payment/orchestrate_bugs.h"

/* ---- orchestrate.c ------------------------------------------------------------------------- */

/* The only assignment of o->phase; CHECKs the table of transitions. */
void orchestrate_enter(struct orchestrate *o, enum orchestrate_phase phase);
/* Ask for o->pending to be committed, in `phase`. */
void orchestrate_write(struct orchestrate *o, enum orchestrate_phase phase, int64_t now_us,
                       struct orchestrate_action *action);
void orchestrate_end(struct orchestrate *o, enum orchestrate_reply reply,
                     struct orchestrate_action *action);
/* Put the outcome of the current attempt into o->pending, under the next number. */
void orchestrate_put_outcome(struct orchestrate *o, uint8_t send_number, enum outcome outcome,
                             bool left);
/* The provider says until when it holds what it has approved. */
void orchestrate_note_hold_end(struct orchestrate *o, const struct orchestrate_answer *answer,
                               int64_t now_us);
/* Into o->pending, of an authorization that was approved: look again when it has run out. */
void orchestrate_watch_hold(struct orchestrate *o, enum outcome outcome, int64_t now_us);
/* The payment's status when its last attempt ends so. */
enum payment_status orchestrate_status(const struct orchestrate *o, enum outcome outcome);

/* o->pending asks the payer to act: until when. The first answer decides, later ones keep it. */
void orchestrate_put_expiry(struct orchestrate *o, int64_t now_us);

/* ---- orchestrate_fresh.c ------------------------------------------------------------------- */

void orchestrate_fresh_begin(struct orchestrate *o, struct orchestrate_action *action);
/* Ask the driver to build the next send of the current attempt; o->pending is what it goes into. */
void orchestrate_prepare(struct orchestrate *o, enum orchestrate_phase for_phase,
                         struct orchestrate_action *action);
void orchestrate_fresh_prepared(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action);
/* OPENING, RECORDING or SWITCHING was committed. */
void orchestrate_fresh_committed(struct orchestrate *o, int64_t now_us,
                                 struct orchestrate_action *action);
/* SWITCHING was refused: the card must not be tried again now. The payment ends declined. */
void orchestrate_fresh_refused(struct orchestrate *o, int64_t now_us,
                               struct orchestrate_action *action);
void orchestrate_fresh_answered(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action);

/* ---- orchestrate_order.c ------------------------------------------------------------------- */

/* Somebody is left to be tried, or to be decided about, and the limit of attempts allows it. */
bool orchestrate_has_next(const struct orchestrate *o);
/* A new attempt, of the next in order. CHECKs that there is one. */
void orchestrate_begin_attempt(struct orchestrate *o);

/* ---- orchestrate_resume.c ------------------------------------------------------------------ */

void orchestrate_resume_begin(struct orchestrate *o, int64_t now_us,
                              struct orchestrate_action *action);
/* A repeat may leave now: not canceled, provider and key allow it. */
bool orchestrate_may_repeat(const struct orchestrate *o, int64_t now_us);
void orchestrate_resume_announced(struct orchestrate *o, int64_t now_us,
                                  struct orchestrate_action *action);
void orchestrate_resume_answered(struct orchestrate *o, const struct orchestrate_event *event,
                                 struct orchestrate_action *action);

/* The ways a look ends. Back with a later time, or to review after the bound. */
void orchestrate_resume_put_back(struct orchestrate *o, int64_t not_before_us, int64_t now_us,
                                 struct orchestrate_action *action);
/* Nothing moved, and nothing will: FAILED, for a cause of our own. */
void orchestrate_resume_give_up(struct orchestrate *o, enum orchestrate_cause cause, int64_t now_us,
                                struct orchestrate_action *action);
/* The end of a hold was refused: an operation came between. o->pending becomes another look. */
void orchestrate_hold_in_use(struct orchestrate *o, int64_t now_us);
/* When everything that may have left by now has surely taken effect, or never will. */
int64_t orchestrate_settled_at(const struct orchestrate *o);

/* ---- orchestrate_payer.c ------------------------------------------------------------------- */

/* The time for the payer to act is over. */
bool orchestrate_payer_is_late(const struct orchestrate *o, int64_t now_us);
/* A send may follow the payer's consent: nobody wants it back, and there is time. */
bool orchestrate_payer_may_continue(const struct orchestrate *o, int64_t now_us);
/* The answer is of an attempt that waits for its payer, and decides what comes now. */
bool orchestrate_payer_answered(struct orchestrate *o, const struct orchestrate_answer *answer,
                                int64_t now_us, struct orchestrate_action *action);
void orchestrate_payer_prepared(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action);
void orchestrate_payer_committed(struct orchestrate *o, int64_t now_us,
                                 struct orchestrate_action *action);

/* ---- orchestrate_attempt.c ----------------------------------------------------------------- */

void orchestrate_move(struct orchestrate_attempt *attempt, enum attempt_event event);
/* The event that an outcome is for an attempt. */
enum attempt_event orchestrate_attempt_event(enum outcome outcome);
/* Number of the last send that moves money; 0: none. */
uint8_t orchestrate_last_money_send(const struct orchestrate_attempt *attempt);
/* Some send that moves money may have left and has no definite answer. */
bool orchestrate_money_is_open(const struct orchestrate_attempt *attempt);
/* The last send that moves money went on with the payer's consent, and has no answer of its own. */
bool orchestrate_continuation_is_open(const struct orchestrate_attempt *attempt);
/* The first send under the key of the last one that moves money. CHECKs that there is one. */
const struct orchestrate_send_state *
orchestrate_first_of_key(const struct orchestrate_attempt *attempt);
/* Rebuilt: whatever was sent has been answered, or is with the provider; nothing is on its way. */
bool orchestrate_money_has_arrived(const struct orchestrate_attempt *attempt);
/* Nothing that was sent can have moved money. */
bool orchestrate_money_cannot_have_moved(const struct orchestrate_attempt *attempt);

#endif
