/*
 * orchestrate_bugs.h - the teeth of the simulator: bugs that are compiled into the core a second time
 * (ORCHESTRATE_BUGS), to prove that tests/sim would find each. In production HAS_BUG is false.
 *
 * A bug is the smallest change that makes a rule of orchestrate.h untrue. docs/teeth.md lists them.
 */
#ifndef PAYMENT_ORCHESTRATE_BUGS_H
#define PAYMENT_ORCHESTRATE_BUGS_H

/* clang-format off */
#define ORCHESTRATE_BUG_LIST(X) \
    X(FAILOVER_ON_TIMEOUT,        "failover_on_timeout",        "a money send without answer counts as failed") \
    X(FAILOVER_ON_HARD,           "failover_on_hard",           "a hard decline is tried elsewhere") \
    X(FAILOVER_AFTER_CANCEL,      "failover_after_cancel",      "another provider is tried after the merchant's cancel") \
    X(UNCLEAR_IS_FAILED,          "unclear_is_failed",          "an answer that says nothing counts as failed") \
    X(AGAIN_AFTER_UNKNOWN,        "again_after_unknown",        "an unknown send is followed by another of the same attempt") \
    X(AGAIN_FOR_EVER,             "again_for_ever",             "a passing failure is tried again without limit") \
    X(TOO_MANY_ATTEMPTS,          "too_many_attempts",          "the limit of attempts is not looked at") \
    X(TRIED_AGAIN,                "tried_again",                "a later decision may name who was tried before") \
    X(DECIDED_AFTER_UNKNOWN,      "decided_after_unknown",      "a later decision goes on although the outcome is unknown") \
    X(BOUND_RAISED,               "bound_raised",               "a later decision allows more attempts than the first one") \
    X(MISMATCH_IGNORED,           "mismatch_ignored",           "an approval of another amount is believed") \
    X(PENDING_IS_APPROVED,        "pending_is_approved",        "accepted for later counts as paid") \
    X(PENDING_IS_POSTED,          "pending_is_posted",          "what is pending is booked") \
    X(SOFT_DECLINE_FORGOTTEN,     "soft_decline_forgotten",     "a payment declined before its last attempt ends failed") \
    X(ANSWER_NOT_STORED,          "answer_not_stored",          "a final answer is not kept under its key") \
    X(UNKNOWN_NOT_PARKED,         "unknown_not_parked",         "nobody looks at an unknown attempt again") \
    X(REPLY_BEFORE_COMMIT,        "reply_before_commit",        "the client hears the end before it is durable") \
    X(DEADLINE_SAYS_FINAL,        "deadline_says_final",        "who has waited long enough is told an end") \
    X(SEND_AFTER_CANCEL,          "send_after_cancel",          "a committed send leaves although it was canceled") \
    X(COMMIT_UNKNOWN_IS_FAILURE,  "commit_unknown_is_failure",  "an unknown commit counts as rolled back") \
    X(COMMIT_UNKNOWN_IS_SUCCESS,  "commit_unknown_is_success",  "an unknown commit counts as durable") \
    X(PROBE_AWAY_IS_FAILURE,      "probe_away_is_failure",      "who cannot ask for a commit's fate takes it as rolled back") \
    X(FENCED_GOES_ON,             "fenced_goes_on",             "who lost the attempt to another goes on") \
    X(FINAL_DECLINE_ON_REPLAY,    "final_decline_on_replay",    "settling times are ignored") \
    X(SETTLE_FORGETS_PROVIDER,    "settle_forgets_provider",    "the provider's settling time is ignored") \
    X(SETTLE_FORGETS_WINDOW,      "settle_forgets_window",      "a send may leave and arrive later than is counted") \
    X(ANNOUNCED_FORGOTTEN,        "announced_forgotten",        "earlier repeats do not put off the settling time") \
    X(LOST_FORGOTTEN,             "lost_forgotten",             "an answer that was lost is forgotten once it pends") \
    X(SENT_IS_NOT_SENT,           "sent_is_not_sent",           "what a dead worker may have sent counts as never sent") \
    X(REPEAT_UNANNOUNCED,         "repeat_unannounced",         "a repeat leaves without a row") \
    X(REPEAT_WITHOUT_KEY,         "repeat_without_key",         "where keys protect from nothing, a charge is repeated") \
    X(REPEAT_AFTER_KEY,           "repeat_after_key",           "a key is repeated after its end") \
    X(KEY_FROM_LAST_SEND,         "key_from_last_send",         "a key's life is counted from the last use of it") \
    X(REPEAT_CANCELED,            "repeat_canceled",            "repeats go on after the merchant's cancel") \
    X(CANCEL_UNCONFIRMED,         "cancel_unconfirmed",         "whatever answers a cancel, the attempt has failed") \
    X(CONTINUE_TWICE,             "continue_twice",             "the payer's consent is used again while a send of it is open") \
    X(GIVE_UP_EARLY,              "give_up_early",              "too late for the payer: failed, whatever is still open") \
    X(DOOR_IS_PROOF,              "door_is_proof",              "a refusal at the door tells what became of the key") \
    X(DUPLICATE_IS_PROOF,         "duplicate_is_proof",         "a refused repeat is believed where known keys are refused") \
    X(NOT_FOUND_WHILE_PENDING,    "not_found_while_pending",    "not found ends what was seen to be pending") \
    X(RESUMED_SILENCE_IS_FAILED,  "resumed_silence_is_failed",  "a look without answer ends the attempt as failed") \
    X(RESUMED_UNKNOWN_IS_FAILED,  "resumed_unknown_is_failed",  "a look that says nothing ends the attempt as failed") \
    X(RESUMED_PENDING_IS_APPROVED,"resumed_pending_is_approved","a look that says pending ends it as paid") \
    X(RESUMED_MISMATCH,           "resumed_mismatch",           "a look believes an approval of another amount") \
    X(NOT_POSTED,                 "not_posted",                 "what a look finds approved is not booked") \
    X(RECHECK_AT_THE_DOOR,        "recheck_at_the_door",        "a refusal at the door, of a second look, ends a hold") \
    X(HOLD_NOT_WATCHED,           "hold_not_watched",           "nobody looks again when a hold should have run out") \
    X(LATE_HOLD_NOT_WATCHED,      "late_hold_not_watched",      "... of a hold that came late, and that a person has accepted") \
    X(HOLD_GIVEN_UP,              "hold_given_up",              "a hold is forgotten after a few looks that say nothing") \
    X(HOLD_IN_USE_FORGOTTEN,      "hold_in_use_forgotten",      "a hold that ends while it is captured is not looked at again") \
    X(HOLD_ENDS_BY_SILENCE,       "hold_ends_by_silence",       "a second look without answer ends a hold") \
    X(TOLD_ASKED_AGAIN,           "told_asked_again",           "a hold that a person has confirmed is in review again") \
    X(TOLD_NOT_POSTED,            "told_not_posted",            "what a person says was charged is not booked") \
    X(RESERVE_KEPT,               "reserve_kept",               "what was kept for a reversal stays so when a person accepts the charge") \
    X(LATE_SALE_FREED,            "late_sale_freed",            "a late charge that a person accepts may be refunded of the payment's own") \
    X(RESERVE_FREED_EARLY,        "reserve_freed_early",        "... is free when he wants it reversed once more") \
    X(REVERSAL_REFUSED_IS_DONE,   "reversal_refused_is_done",   "a reversal that was refused counts as made") \
    X(REVERSAL_FOR_EVER,          "reversal_for_ever",          "a reversal is never given up") \
    X(NEVER_REVIEW,               "never_review",               "what nobody can be asked about is never shown to a person") \
    X(REVIEW_AT_ONCE,             "review_at_once",             "a person is asked what the provider would have told")
/* clang-format on */

enum orchestrate_bug {
    BUG_NONE = 0,
#define X(id, name, what) BUG_##id,
    ORCHESTRATE_BUG_LIST(X)
#undef X
        BUG_COUNT,
};

#ifdef ORCHESTRATE_BUGS
extern enum orchestrate_bug orchestrate_bug;
#define HAS_BUG(bug) (orchestrate_bug == (bug))
#else
#define HAS_BUG(bug) false
#endif

#endif
