#include "faults.h"

#include <stdio.h>

#include "base/error.h"

/* clang-format off */
const char *const fault_names[FAULT_COUNT] = {
    [FAULT_REFUSE]            = "refuse",
    [FAULT_RESET_BEFORE]      = "reset_before",
    [FAULT_RESET_AFTER]       = "reset_after",
    [FAULT_HANG_BEFORE]       = "hang_before",
    [FAULT_HANG_AFTER]        = "hang_after",
    [FAULT_500_BEFORE]        = "500_before",
    [FAULT_500_AFTER]         = "500_after",
    [FAULT_500_CACHED]        = "500_cached",
    [FAULT_GARBAGE]           = "garbage",
    [FAULT_LATE_EFFECT]       = "late_effect",
    [FAULT_LATE_ARRIVAL]      = "late_arrival",
    [FAULT_DOOR]              = "door",
    [FAULT_MISMATCH]          = "mismatch",
    [FAULT_DECLINE_SOFT]      = "decline_soft",
    [FAULT_DECLINE_HARD]      = "decline_hard",
    [FAULT_FAILED]            = "failed",
    [FAULT_PENDING]           = "pending",
    [FAULT_ACTION]            = "action",
    [FAULT_PAYER_AWAY]        = "payer_away",
    [FAULT_LIE]               = "lie",
    [FAULT_ADAPTER_REFUSES]   = "adapter_refuses",
    [FAULT_ROLLBACK]          = "rollback",
    [FAULT_COMMIT_UNKNOWN]    = "commit_unknown",
    [FAULT_COMMIT_LATE]       = "commit_late",
    [FAULT_PROBE_AWAY]        = "probe_away",
    [FAULT_REPLY_LOST]        = "reply_lost",
    [FAULT_CLIENT_REPEATS]    = "client_repeats",
    [FAULT_CLIENT_PARALLEL]   = "client_parallel",
    [FAULT_CLIENT_OTHER_BODY] = "client_other_body",
    [FAULT_CLIENT_NEW_KEY]    = "client_new_key",
    [FAULT_CANCEL]            = "cancel",
    [FAULT_CANCEL_ASKED]      = "cancel_asked",
    [FAULT_UNCLAIMED]         = "unclaimed",
    [FAULT_SERIALIZATION]     = "serialization",
    [FAULT_POISON]            = "poison",
    [FAULT_CLAIM_LOST]        = "claim_lost",
    [FAULT_OPERATIONS]        = "operations",
    [FAULT_LATE_SUCCESS]      = "late_success",
    [FAULT_HOLD_ENDS]         = "hold_ends",
    [FAULT_HOLD_EARLY]        = "hold_early",
    [FAULT_HOLD_LATE]         = "hold_late",
    [FAULT_HINT_LOST]         = "hint_lost",
    [FAULT_HINT_REPEATED]     = "hint_repeated",
    [FAULT_CRASH_POINT]       = "crash_point",
    [FAULT_PAUSE_POINT]       = "pause_point",
    [FAULT_CRASH]             = "crash",
    [FAULT_CRASH_HOST]        = "crash_host",
    [FAULT_PAUSE]             = "pause",
    [FAULT_CLOCK]             = "clock",
    [FAULT_STORE_AWAY]        = "store_away",
    [FAULT_FAILOVER]          = "failover",
    [FAULT_STORE_CRASH]       = "store_crash",
    [FAULT_PROVIDER_AWAY]     = "provider_away",
};

static const char *const mark_names[MARK_COUNT] = {
    [MARK_FAILOVER_NOT_SENT]    = "failover_not_sent",
    [MARK_FAILOVER_SOFT]        = "failover_soft",
    [MARK_FAILOVER_SESSION]     = "failover_session",
    [MARK_ADAPTER_REFUSED]      = "adapter_refused",
    [MARK_AGAIN]                = "again",
    [MARK_UNKNOWN]              = "unknown",
    [MARK_ENGINE_EXPIRED]       = "engine_expired",
    [MARK_LATE_ARRIVAL]         = "late_arrival",
    [MARK_LATE_EFFECT]          = "late_effect",
    [MARK_REPEAT_APPROVED]      = "repeat_approved",
    [MARK_REPEAT_EXECUTED]      = "repeat_executed",
    [MARK_REPEAT_DECLINED]      = "repeat_declined",
    [MARK_REPEAT_LIED]          = "repeat_lied",
    [MARK_REPEAT_DOOR]          = "repeat_door",
    [MARK_DUPLICATE]            = "duplicate",
    [MARK_REPEAT_REFUSED]       = "repeat_refused",
    [MARK_LOOKUP_APPROVED]      = "lookup_approved",
    [MARK_LOOKUP_NOT_FOUND]     = "lookup_not_found",
    [MARK_LOOKUP_LIED]          = "lookup_lied",
    [MARK_PUT_BACK_EARLY]       = "put_back_early",
    [MARK_PENDING_NOT_FOUND]    = "pending_not_found",
    [MARK_PENDING_APPROVED]     = "pending_approved",
    [MARK_PENDING_DECLINED]     = "pending_declined",
    [MARK_ACTION]               = "requires_action",
    [MARK_REVIEW_MISMATCH]      = "review_mismatch",
    [MARK_REVIEW_TIME]          = "review_time",
    [MARK_COMMIT_LOST]          = "commit_lost",
    [MARK_COMMIT_KEPT]          = "commit_kept",
    [MARK_COMMIT_LATE]          = "commit_late",
    [MARK_COMMIT_AFTER_DEATH]   = "commit_after_death",
    [MARK_PROBE_AWAY]           = "probe_away",
    [MARK_REWRITTEN]            = "rewritten",
    [MARK_FENCED]               = "fenced",
    [MARK_ZOMBIE_FENCED]        = "zombie_fenced",
    [MARK_ZOMBIE_WROTE]         = "zombie_wrote",
    [MARK_CRASH_WORKER]         = "crash_worker",
    [MARK_CRASH_HOST]           = "crash_host",
    [MARK_ADOPTED_UNSENT]       = "adopted_unsent",
    [MARK_ADOPTED_SENT]         = "adopted_sent",
    [MARK_ADOPTED_SESSION]      = "adopted_session",
    [MARK_ADOPTED_REPEAT]       = "adopted_repeat",
    [MARK_TAKEN_OUT]            = "taken_out",
    [MARK_KEY_REPLAYED]         = "key_replayed",
    [MARK_KEY_CONFLICT]         = "key_conflict",
    [MARK_KEY_PROCESSING]       = "key_processing",
    [MARK_KEY_OTHER_BODY]       = "key_other_body",
    [MARK_REFERENCE_TAKEN]      = "reference_taken",
    [MARK_NEXT_TRY]             = "next_try",
    [MARK_UNAVAILABLE]          = "unavailable",
    [MARK_DEADLINE_SENDING]     = "deadline_sending",
    [MARK_DEADLINE_WRITING]     = "deadline_writing",
    [MARK_FINAL_AFTER_DEADLINE] = "final_after_deadline",
    [MARK_CANCELED]             = "canceled",
    [MARK_CANCEL_NOTED]         = "cancel_noted",
    [MARK_CANCEL_UNHEARD]       = "cancel_unheard",
    [MARK_CANCEL_IN_HAND]       = "cancel_in_hand",
    [MARK_CANCEL_CONFIRMED]     = "cancel_confirmed",
    [MARK_CANCEL_TOO_LATE]      = "cancel_too_late",
    [MARK_CANCEL_LOST]          = "cancel_lost",
    [MARK_PAYOUT_PAID]          = "payout_paid",
    [MARK_PAYOUT_RETURNED]      = "payout_returned",
    [MARK_PAYOUT_NEWS]          = "payout_news",
    [MARK_ADOPTED_FENCED]       = "adopted_fenced",
    [MARK_SERIALIZATION]        = "serialization",
    [MARK_POISON_SUSPECTED]     = "poison_suspected",
    [MARK_CLAIM_LOST]           = "claim_lost",
    [MARK_FAILOVER]             = "failover",
    [MARK_FAILOVER_KEPT]        = "failover_kept",
    [MARK_FAILOVER_LOST]        = "failover_lost",
    [MARK_FAILOVER_ACK_LOST]    = "failover_ack_lost",
    [MARK_STORE_CRASH]          = "store_crash",
    [MARK_STORE_CRASH_LOST]     = "store_crash_lost",
    [MARK_CAPTURED]             = "captured",
    [MARK_VOIDED]               = "voided",
    [MARK_REFUNDED]             = "refunded",
    [MARK_OPERATION_GIVEN_BACK] = "operation_given_back",
    [MARK_LIMIT_EXCEEDED]       = "limit_exceeded",
    [MARK_ROOM_TAKEN]           = "room_taken",
    [MARK_LIMIT_WHILE_OPEN]     = "limit_while_open",
    [MARK_LATE_SUCCESS]         = "late_success",
    [MARK_CANCELED_TAKEN_BACK]  = "canceled_taken_back",
    [MARK_LATE_POSTED]          = "late_posted",
    [MARK_LATE_REVERSED]        = "late_reversed",
    [MARK_HOLD_ENDED]           = "hold_ended",
    [MARK_HOLD_EARLY]           = "hold_early",
    [MARK_HOLD_LATE]            = "hold_late",
    [MARK_HOLD_UNSEEN]          = "hold_unseen",
    [MARK_HOLD_KNOWN]           = "hold_known",
    [MARK_HOLD_IN_USE]          = "hold_in_use",
    [MARK_HOLD_WATCHED]         = "hold_watched",
    [MARK_HOLD_USED_UP]         = "hold_used_up",
    [MARK_HOLD_RACED]           = "hold_raced",
    [MARK_CAPTURE_AFTER_HOLD]   = "capture_after_hold",
    [MARK_HINT_LOST]            = "hint_lost",
    [MARK_HINT_REPEATED]        = "hint_repeated",
    [MARK_HINT_EARLIER]         = "hint_earlier",
    [MARK_HINT_IN_HAND]         = "hint_in_hand",
    [MARK_HINT_BEFORE_ANSWER]   = "hint_before_answer",
    [MARK_HINT_RECHECK]         = "hint_recheck",
    [MARK_KEY_OF_OTHERS]        = "key_of_others",
    [MARK_PAYER_CONSENT]        = "payer_consent",
    [MARK_PAYER_CONTINUED]      = "payer_continued",
    [MARK_PAYER_REPEATED]       = "payer_repeated",
    [MARK_PAYER_ASKED_AGAIN]    = "payer_asked_again",
    [MARK_PAYER_LATE]           = "payer_late",
    [MARK_PAYER_CANCELED]       = "payer_canceled",
    [MARK_PAYER_FENCED]         = "payer_fenced",
};
/* clang-format on */

static const char *const point_names[CRASH_FIRST_WRITE] = {
    [CRASH_REPLY_BEFORE] = "reply_before", [CRASH_REPLY_AFTER] = "reply_after",
    [CRASH_CLAIMED] = "claimed",           [CRASH_LOADED] = "loaded",
    [CRASH_PROBE_ASKED] = "probe_asked",   [CRASH_PROBE_ANSWERED] = "probe_answered",
};

static const char *const write_names[CRASH_WRITE_COUNT] = {
    [CRASH_OPEN] = "open",   [CRASH_RECORD] = "record",     [CRASH_SWITCH] = "switch",
    [CRASH_CLOSE] = "close", [CRASH_ANNOUNCE] = "announce", [CRASH_RESOLVE] = "resolve",
    [CRASH_HOLD] = "hold",
};

static const char *const send_names[CRASH_SEND_COUNT] = {
    [CRASH_SESSION] = "session", [CRASH_CHARGE] = "charge", [CRASH_REPEAT] = "repeat",
    [CRASH_LOOKUP] = "lookup",   [CRASH_CANCEL] = "cancel",
};

static const char *const write_parts[CRASH_PART_COUNT] = {"asked", "sent", "committed", "answered"};
static const char *const send_parts[CRASH_PART_COUNT] = {"begun", "left", "arrived", "answered"};

const char *mark_name(int i, char *out)
{
    CHECK(i >= 0);
    CHECK(i < MARK_AND_POINT_COUNT);
    int point = i - (int)MARK_COUNT;
    int at = point - (int)CRASH_FIRST_WRITE;
    int sends = point - (int)CRASH_FIRST_SEND;
    if (point < 0)
        snprintf(out, MARK_NAME_MAX, "%s", mark_names[i]);
    else if (at < 0)
        snprintf(out, MARK_NAME_MAX, "crash_at_%s", point_names[point]);
    else if (sends < 0)
        snprintf(out, MARK_NAME_MAX, "crash_at_%s_%s", write_names[at / CRASH_PART_COUNT],
                 write_parts[at % CRASH_PART_COUNT]);
    else
        snprintf(out, MARK_NAME_MAX, "crash_at_%s_%s", send_names[sends / CRASH_PART_COUNT],
                 send_parts[sends % CRASH_PART_COUNT]);
    return out;
}
