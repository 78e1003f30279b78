/*
 * bugs.h - teeth outside the core: rules that the driver, the engine and the store keep in production,
 * broken in what stands for them here. docs/teeth.md lists them with those of the core.
 */
#ifndef SIM_BUGS_H
#define SIM_BUGS_H

#include <stdbool.h>

/* clang-format off */
#define SIM_BUG_LIST(X) \
    X(KEY_WITHOUT_MERCHANT,       "key_without_merchant",       "keys are looked up without the merchant") \
    X(REFERENCE_WITHOUT_MERCHANT, "reference_without_merchant", "references are looked up without the merchant") \
    X(ACCOUNT_OF_OTHERS,          "account_of_others",          "a look uses another merchant's account") \
    X(FINGERPRINT_IGNORED,        "fingerprint_ignored",        "another body under a key gets the answer of the first") \
    X(NEXT_TRY_EARLY,             "next_try_early",             "a reference is tried again before its last try has ended") \
    X(ACKNOWLEDGED_UNDURABLE,     "acknowledged_undurable",     "a transaction that may be lost is acknowledged") \
    X(PROBE_DOES_NOT_WAIT,        "probe_does_not_wait",        "a commit that still runs counts as rolled back") \
    X(OUTCOME_WITHOUT_FENCE,      "outcome_without_fence",      "two may write the same outcome number of an attempt") \
    X(WINDOW_NOT_KEPT,            "window_not_kept",            "a send leaves after its time") \
    X(LIMITS_UNGUARDED,           "limits_unguarded",           "captures and refunds are not compared with what is left") \
    X(OPEN_CAPTURE_FORGOTTEN,     "open_capture_forgotten",     "what is asked for and not decided may be captured again") \
    X(OPEN_REFUND_FORGOTTEN,      "open_refund_forgotten",      "what is asked for and not decided may be refunded again") \
    X(CAPTURE_UNGUARDED,          "capture_unguarded",          "refunds are compared with what the payment has left, not with their capture") \
    X(UNKNOWN_GIVEN_BACK,         "unknown_given_back",         "the sum of an unknown operation is free again") \
    X(HOLD_END_UNGUARDED,         "hold_end_unguarded",         "a hold ends although a capture of it is under way") \
    X(LATE_HOLD_MIXED,            "late_hold_mixed",            "what is held by an authorization that came late is what its payment holds") \
    X(NOTE_UNHEARD,               "note_unheard",               "a case is decided without an event that says who and why") \
    X(ENGINE_SENDS_AGAIN,         "engine_sends_again",         "a broken connection is tried again below the engine") \
    X(LEFT_BY_ERROR_CODE,         "left_by_error_code",         "a reset connection counts as nothing sent")
/* clang-format on */

enum sim_bug {
    SIM_BUG_NONE = 0,
#define X(id, name, what) SIM_BUG_##id,
    SIM_BUG_LIST(X)
#undef X
        SIM_BUG_COUNT,
};

/* Set once, before any world is played. */
extern enum sim_bug sim_bug;

static inline bool has_bug(enum sim_bug bug)
{
    return sim_bug == bug;
}

#endif
