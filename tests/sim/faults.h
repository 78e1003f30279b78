/*
 * faults.h - what may go wrong in a world, where a worker may die, and which rare things must have
 * been seen. Names are in faults.c.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdint.h>

/* ---- faults and marks ------------------------------------------------------------------------ */

/* Chances in a million, drawn per seed; 0: this class is off. The table with names is in faults.c.
 */
enum fault {
    FAULT_REFUSE = 0,
    FAULT_RESET_BEFORE,
    FAULT_RESET_AFTER,
    FAULT_HANG_BEFORE,
    FAULT_HANG_AFTER,
    FAULT_500_BEFORE,
    FAULT_500_AFTER,
    FAULT_500_CACHED,
    FAULT_GARBAGE,
    FAULT_LATE_EFFECT,
    FAULT_LATE_ARRIVAL,
    FAULT_DOOR, /* 401, 429: refused before the key is looked at */
    FAULT_MISMATCH,
    FAULT_DECLINE_SOFT,
    FAULT_DECLINE_HARD,
    FAULT_FAILED, /* 422, recorded under the key */
    FAULT_PENDING,
    FAULT_ACTION,
    FAULT_PAYER_AWAY, /* who is asked to act never does */
    FAULT_LIE,        /* lookup or repeat says what is not so, before the settling time */
    FAULT_ADAPTER_REFUSES,
    FAULT_DECIDED_ANEW,  /* a payment's rules decide anew before each further attempt ... */
    FAULT_RULES_DECLINE, /* ... and name nobody, or decline it */
    FAULT_ROLLBACK,
    FAULT_COMMIT_UNKNOWN,
    FAULT_COMMIT_LATE,
    FAULT_PROBE_AWAY,
    FAULT_REPLY_LOST,
    FAULT_CLIENT_REPEATS,
    FAULT_CLIENT_PARALLEL,
    FAULT_CLIENT_OTHER_BODY,
    FAULT_CLIENT_NEW_KEY,
    FAULT_CANCEL,
    FAULT_CANCEL_ASKED,  /* while the payer may act */
    FAULT_UNCLAIMED,     /* a pending payout says another reason */
    FAULT_SERIALIZATION, /* the store gives a transaction up at its end */
    FAULT_POISON,        /* a provider's text that the store does not take */
    FAULT_CLAIM_LOST,    /* claimed, and the answer of the claim is lost */
    FAULT_OPERATIONS,    /* merchants capture, void and refund */
    FAULT_LATE_SUCCESS,  /* a provider breaks its word: what it has declined is paid all the same */
    FAULT_HOLD_ENDS,     /* a provider ends a hold when its time is over ... */
    FAULT_HOLD_EARLY,    /* ... or before that */
    FAULT_HOLD_LATE,     /* ... or long after it */
    FAULT_PERSON,        /* people decide cases */
    FAULT_PERSON_EARLY,  /* ... while the truth may still change */
    FAULT_REVERSAL_REFUSED, /* a provider does not give back what came late */
    FAULT_PERSON_TWICE,     /* ... two at once */
    FAULT_PERSON_LIES,      /* ... not as it is */
    FAULT_HINT_LOST,        /* a webhook never comes */
    FAULT_HINT_REPEATED,    /* ... or several times */
    FAULT_CRASH_POINT,      /* a worker dies at one of the named points */
    FAULT_PAUSE_POINT,      /* ... or stops there for a while */
    /* Drawn as events at the beginning: these are on or off. */
    FAULT_CRASH,
    FAULT_CRASH_HOST,
    FAULT_PAUSE,
    FAULT_CLOCK,
    FAULT_STORE_AWAY,
    FAULT_FAILOVER,    /* a replica takes over; it may lack what was not acknowledged */
    FAULT_STORE_CRASH, /* the store starts again without what was not flushed */
    FAULT_PROVIDER_AWAY,
    FAULT_COUNT,
};

extern const char *const fault_names[FAULT_COUNT];

/* Rare things that the default run must have seen. The table with names is in faults.c. */
enum mark {
    MARK_FAILOVER_NOT_SENT = 0,
    MARK_FAILOVER_SOFT,
    MARK_FAILOVER_SESSION,
    MARK_ADAPTER_REFUSED,
    MARK_DECIDED_ANEW,
    MARK_DECIDED_OTHER, /* for somebody whom the first decision had not named */
    MARK_DECIDED_TRIED, /* ... whom it named first was tried before, and is passed over */
    MARK_DECIDED_NOBODY,
    MARK_DECIDED_SHORTER, /* fewer attempts than before */
    MARK_RULES_DECLINED,
    MARK_RULES_DECLINED_RESUMED, /* ... and whoever took it over said so, too */
    MARK_AGAIN,
    MARK_UNKNOWN,
    MARK_ENGINE_EXPIRED,
    MARK_LATE_ARRIVAL,
    MARK_LATE_EFFECT,
    MARK_REPEAT_APPROVED,
    MARK_REPEAT_EXECUTED,
    MARK_REPEAT_DECLINED,
    MARK_REPEAT_LIED,
    MARK_REPEAT_DOOR,
    MARK_DUPLICATE,
    MARK_REPEAT_REFUSED, /* by a provider that knows the key, for what the first send did */
    MARK_LOOKUP_APPROVED,
    MARK_LOOKUP_NOT_FOUND,
    MARK_LOOKUP_LIED,
    MARK_PUT_BACK_EARLY,
    MARK_PENDING_NOT_FOUND,
    MARK_PENDING_APPROVED,
    MARK_PENDING_DECLINED,
    MARK_ACTION,
    MARK_REVIEW_MISMATCH,
    MARK_REVIEW_TIME,
    MARK_COMMIT_LOST,
    MARK_COMMIT_KEPT,
    MARK_COMMIT_LATE,
    MARK_COMMIT_AFTER_DEATH,
    MARK_PROBE_AWAY,
    MARK_REWRITTEN,
    MARK_FENCED,
    MARK_ZOMBIE_FENCED,
    MARK_ZOMBIE_WROTE,
    MARK_CRASH_WORKER,
    MARK_CRASH_HOST,
    MARK_ADOPTED_UNSENT,
    MARK_ADOPTED_SENT,
    MARK_ADOPTED_SESSION,
    MARK_ADOPTED_REPEAT,
    MARK_TAKEN_OUT,
    MARK_KEY_REPLAYED,
    MARK_KEY_CONFLICT,
    MARK_KEY_PROCESSING,
    MARK_KEY_OTHER_BODY,
    MARK_REFERENCE_TAKEN,
    MARK_NEXT_TRY,
    MARK_UNAVAILABLE,
    MARK_DEADLINE_SENDING,
    MARK_DEADLINE_WRITING,
    MARK_FINAL_AFTER_DEADLINE,
    MARK_CANCELED,
    MARK_CANCEL_NOTED,
    MARK_CANCEL_UNHEARD, /* whoever held the claim did not know of it yet */
    MARK_CANCEL_IN_HAND,
    MARK_CANCEL_CONFIRMED,
    MARK_CANCEL_TOO_LATE,
    MARK_CANCEL_LOST,
    MARK_PAYOUT_PAID,
    MARK_PAYOUT_RETURNED,
    MARK_PAYOUT_NEWS,
    MARK_ADOPTED_FENCED,
    MARK_SERIALIZATION,
    MARK_POISON_SUSPECTED,
    MARK_CLAIM_LOST,
    MARK_FAILOVER,
    MARK_FAILOVER_KEPT, /* not acknowledged, and there after all */
    MARK_FAILOVER_LOST,
    MARK_FAILOVER_ACK_LOST, /* durable, acknowledged, and nobody heard it */
    MARK_STORE_CRASH,
    MARK_STORE_CRASH_LOST,
    MARK_CAPTURED,
    MARK_VOIDED,
    MARK_REFUNDED,
    MARK_OPERATION_GIVEN_BACK, /* surely not done: the sum is free again */
    MARK_LIMIT_EXCEEDED,
    MARK_ROOM_TAKEN,       /* ... of the capture that was chosen: another refund was quicker */
    MARK_LIMIT_WHILE_OPEN, /* ... only because another operation is not decided */
    MARK_LATE_SUCCESS,
    MARK_LATE_POSTED,
    MARK_CANCELED_TAKEN_BACK,
    MARK_LATE_REVERSED,
    MARK_HOLD_ENDED,
    MARK_HOLD_EARLY,
    MARK_HOLD_LATE,
    MARK_HOLD_UNSEEN, /* it ended before we knew that there was one */
    MARK_HOLD_KNOWN,
    MARK_LATE_HOLD_KNOWN,
    MARK_HOLD_IN_USE,        /* its end was not noted: an operation came between */
    MARK_HOLD_WATCHED,       /* it should have ended, and has not */
    MARK_HOLD_USED_UP,       /* due, and nobody needs to be asked */
    MARK_HOLD_RACED,         /* a capture is on its way when it ends */
    MARK_CAPTURE_AFTER_HOLD, /* ... or comes too late, and is refused */
    MARK_CASE_CHARGED,
    MARK_CASE_NOT_CHARGED,
    MARK_CASE_ACCEPTED,
    MARK_CASE_REVERSE,
    MARK_CASE_LIE,
    MARK_CASE_EARLY,     /* said while the truth could still change ... */
    MARK_CASE_OVERTAKEN, /* ... and it has */
    MARK_CASE_TWICE,
    MARK_CASE_DECIDED_BEFORE,
    MARK_CASE_FENCED,
    MARK_CASE_OPENED_AGAIN,
    MARK_REVERSAL_GIVEN_UP,
    MARK_RESERVE_FREED,
    MARK_HINT_LOST,
    MARK_HINT_REPEATED,
    MARK_HINT_EARLIER,       /* an attempt is looked at earlier than it would be */
    MARK_HINT_IN_HAND,       /* somebody has it at this moment */
    MARK_HINT_BEFORE_ANSWER, /* it comes before our own answer */
    MARK_HINT_RECHECK,       /* of what is final */
    MARK_KEY_OF_OTHERS,      /* another merchant has this key, too */
    MARK_PAYER_CONSENT,
    MARK_PAYER_CONTINUED,
    MARK_PAYER_REPEATED,
    MARK_PAYER_ASKED_AGAIN,
    MARK_PAYER_LATE,
    MARK_PAYER_CANCELED,
    MARK_PAYER_FENCED,
    MARK_COUNT,
};

/*
 * Where a worker may die: between every two effects, by name. A WRITE and a SEND have four points
 * each; what kind of WRITE or SEND it is makes the rest of the name: "switch_committed",
 * "repeat_arrived".
 */
enum crash_part {
    CRASH_ASKED = 0, /* the core asked for it; nothing was done */
    CRASH_SENT,      /* the transaction is on its way; the request is on the wire */
    CRASH_DONE,      /* committed; arrived */
    CRASH_ANSWERED,  /* the answer is here, and the core has not heard it */
    CRASH_PART_COUNT,
};

enum crash_write {
    CRASH_OPEN = 0,
    CRASH_RECORD,
    CRASH_SWITCH,
    CRASH_CLOSE,
    CRASH_ANNOUNCE,
    CRASH_RESOLVE, /* the end of a look */
    CRASH_HOLD,    /* the end of a hold */
    CRASH_TELL,    /* the end of an attempt, by a person's word */
    CRASH_NOTE,    /* a case is decided, and no money moves */
    CRASH_WRITE_COUNT,
};

enum crash_send {
    CRASH_SESSION = 0,
    CRASH_CHARGE,
    CRASH_REPEAT,
    CRASH_LOOKUP,
    CRASH_CANCEL,
    CRASH_SEND_COUNT,
};

enum crash_point { /* then the writes by part, then the sends by part */
                   CRASH_REPLY_BEFORE = 0,
                   CRASH_REPLY_AFTER,
                   CRASH_CLAIMED,
                   CRASH_LOADED,
                   CRASH_PROBE_ASKED,
                   CRASH_PROBE_ANSWERED,
                   CRASH_CASE_READ,
                   CRASH_FIRST_WRITE,
                   CRASH_FIRST_SEND = CRASH_FIRST_WRITE + CRASH_WRITE_COUNT * CRASH_PART_COUNT,
                   CRASH_POINT_COUNT = CRASH_FIRST_SEND + CRASH_SEND_COUNT * CRASH_PART_COUNT,
};

/* A mark per crash point follows those of the enum. */
#define MARK_AND_POINT_COUNT ((int)MARK_COUNT + (int)CRASH_POINT_COUNT)

enum { MARK_NAME_MAX = 40 };
/* Writes the name of mark or point number `i` to out[MARK_NAME_MAX] and returns it. */
const char *mark_name(int i, char *out);

#endif
