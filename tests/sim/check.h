/*
 * check.h - what the checker demands of a world at rest.
 *
 *     I1   charged once     per payment at most one attempt ends with money, never more than asked for;
 *                           per order, too, though its client used several keys
 *     I2   told succeeded   then the books have the amount, and the ledger has it
 *     I3   told failed      or declined: then the books have nothing, and the ledger has nothing
 *     I4   intents          every send and repeat had its row committed before it left
 *     I5   ledger           transfers are appended and balance; per merchant they equal the books; what
 *                           they hold of a payment, and of each authorization that came late, is what
 *                           its limits leave
 *     I6   amounts          captured <= authorized, refunded <= captured, by books and by ledger; of a
 *                           hold that has ended nothing more, and none is given up that has not
 *     I7   answers          one key, one answer; what a client is told is stored
 *     I8   merchants        nobody is told of, or charged through, what is another merchant's
 *     I9   proof            an attempt is failed over, ended or approved only with proof; nothing new
 *                           begins after a cancel
 *     I10  limits           no more attempts, no more sends than allowed; whom its own decision names,
 *                           nobody twice, and nobody after a decision that names nobody
 *     I11  late success     what is paid after it was declined is in the ledger, and given back, once
 *     I12  people           what a person decided is in the ledger, once, with an event that says who; if
 *                           he was honest, the rest holds as ever
 *     L1   liveness         once faults stop, every payment ends or is in review within its bound, and
 *                           nobody is in review who could have been asked about; so is the end of
 *                           every hold whose provider can be asked; where people decide, every case
 *
 * The text of a violation begins with the name.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "sim.h"

/* check_hold.c */
/* What the books have of an attempt. A hold that has ended, and that nobody knew of, is nothing. */
int64_t check_net(const struct world *w, uint32_t payment, uint8_t at);
bool check_was_approved(const struct world *w, const struct attempt_row *attempt);
/* What transfers hold of each payment: into its sums. */
void check_add_held(struct world *w);
void check_hold(struct world *w, uint32_t payment);
/* ... of capture `payment`: it came in time. */
void check_hold_operation(struct world *w, uint32_t payment);

/* check_person.c */
/* The case in which a person said what this attempt came to; NULL: none did. */
const struct review_row *check_decided(const struct world *w, const struct attempt_row *attempt);
void check_people(struct world *w);

/* check_proof.c */
/* The outcome row that ended an attempt; NULL: none. */
const struct outcome_row *check_final_row(const struct world *w, const struct attempt_row *attempt);
void check_intents(struct world *w, uint32_t payment, uint8_t at);
/* Attempt `at` was followed by another: it must have been surely without effect at that time. */
void check_failover(struct world *w, uint32_t payment, uint8_t at);
/* The last attempt of a payment that was called declined, failed or canceled. */
void check_end(struct world *w, uint32_t payment, uint8_t at);
/* Never a charge that begins after the merchant's cancel. */
void check_cancel(struct world *w, uint32_t payment);

#endif
