/*
 * bundle.h - the rows of a WRITE, as gateway/payment/driver_write.c and driver_operation.c fill them
 * in. A second time, since those cannot be had without a driver in flight; what they say of limits,
 * parents and holds stands in the same order here.
 */
#ifndef SIM_SCRIPTS_BUNDLE_H
#define SIM_SCRIPTS_BUNDLE_H

#include "ledger/posting.h"
#include "ledger/store.h"
#include "script.h"

struct script_bundle {
    struct store_txn txn;
    struct store_payment payment;
    struct store_attempt attempt;
    struct store_send send;
    struct store_outcome outcome;
    struct store_event event;
    struct store_limits limits, room;
    struct store_parent parent;
    struct store_hold hold;
    struct store_final answer;
    struct store_park park;
    struct store_unpark unpark;
    struct store_review review;
    struct posting_rows posted;
    char key[32];
    char reference[32];
    char provider[16];
};

/* Names of things are numbers of the script in disguise; `run` keeps one run's merchants its own. */
struct uuid bundle_merchant(uint32_t run, uint8_t merchant);
struct uuid bundle_payment(uint32_t payment);
struct uuid bundle_attempt(uint32_t payment, unsigned number);
uint32_t bundle_slot(const struct uuid *id);
uint8_t bundle_attempt_index(const struct uuid *attempt_id);

void bundle_make(const struct script_write *write, uint32_t run, int64_t base_us,
                 struct script_bundle *rows);

#endif
