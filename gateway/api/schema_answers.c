/* What answers look like. Members are written type by type; "?" means that it may be null. */
#include "api/schema.h"

/* clang-format off */
static const struct member payment[] = {
    {"id",              "string",   "pay_..."},
    {"object",          "string",   "`payment`"},
    {"status",          "string",   "processing, requires_action, authorized, succeeded, declined, failed, canceled or review"},
    {"amount",          "integer",  "In minor units."},
    {"currency",        "string",   "ISO 4217."},
    {"amount_authorized", "integer", "What was held at first, but for what was let go since."},
    {"authorized_until", "time",    "Only with status authorized, where it is known: the provider holds it until then."},
    {"amount_captured", "integer",  "What was charged."},
    {"amount_refunded", "integer",  "What was given back."},
    {"capture",         "string",   "automatic or manual"},
    {"reference",       "string?",  "Your own id."},
    {"method",          "object",   "Its type; tokens are never shown."},
    {"customer",        "object?",  "As sent; null: erased."},
    {"metadata",        "object?",  "As sent; null: erased."},
    {"provider",        "string?",  "Of the attempt that decides what the payment is."},
    {"failure",         "object?",  "Why it was declined or failed: reason, and the provider's code; detail, where your routing rules declined it."},
    {"next_action",     "object",   "Only with status requires_action: `type` (redirect), `url` where the payer must go, `expires` until when."},
    {"attempts",        "[]Attempt", "Every try, in order."},
    {"decision",        "object?",  "Why these providers, in this order: rule, candidates, expected fees, health."},
    {"created",         "time",     "RFC 3339."},
    {"erased",          "time",     "Only once its personal data were erased: since then they are null."},
    {"archived",        "time",     "Only once it was archived: since then its attempts, decision and provider are not here."},
    {"livemode",        "boolean",  "False on test keys."},
};
static const struct member operation[] = {
    {"id",        "string",    "cap_..., voi_..., ref_... or rea_..."},
    {"object",    "string",    "`capture`, `void`, `refund` or `reauthorize`"},
    {"payment",   "string",    "pay_...: what it acts on."},
    {"status",    "string",    "processing, succeeded, declined, failed, canceled or review"},
    {"amount",    "integer",   "In minor units."},
    {"amount_refunded", "integer?", "Of a capture: what was given back of it so far; null on others."},
    {"currency",  "string",    "ISO 4217."},
    {"reference", "string?",   "Your own id."},
    {"reason",    "string?",   "As sent."},
    {"metadata",  "object?",   "As sent; null: erased."},
    {"provider",  "string?",   "Where the payment is."},
    {"failure",   "object?",   "Why it was declined or failed: reason, and the provider's code."},
    {"attempts",  "[]Attempt", "Every try, in order."},
    {"created",   "time",      "RFC 3339."},
    {"erased",          "time",     "Only once its personal data were erased: since then they are null."},
    {"archived",        "time",     "Only once it was archived: since then its attempts, decision and provider are not here."},
    {"livemode",  "boolean",   "False on test keys."},
};
static const struct member rule_version[] = {
    {"object",   "string",  "`rule_version`"},
    {"merchant", "string?", "Whose; null: the house's."},
    {"version",  "integer", "From 1, in order."},
    {"hash",     "string",  "SHA-256 of the text, as decisions name it."},
    {"author",   "string",  "Id of the key, `cli:` and the user, or `file`: the gateway's rules_file."},
    {"comment",  "string",  "As sent."},
    {"created",  "time",    "RFC 3339."},
    {"text",     "string",  "The rule set; not in lists."},
    {"findings", "[]object", "Only when it was just kept: warnings, with line, column, text and remedy."},
};
static const struct member rule_move[] = {
    {"number",  "integer",  "From 1, in order."},
    {"kind",    "string",   "proposed, approved, published, canary, canary_stopped, shadow, shadow_stopped or rolled_back"},
    {"version", "integer?", "Null: none: the house's set decides, or the gateway's rules_file."},
    {"former",  "integer?", "Live until then."},
    {"percent", "string",   "Only of canaries: of the payments."},
    {"author",  "string",   "As of versions; `monitor`: by itself."},
    {"reason",  "string",   "As sent; of a canary that stopped itself: why, in numbers."},
    {"stop",    "object",   "Of canaries: success_drop and cost_rise in millionths, after_payments."},
    {"created", "time",     "RFC 3339."},
};
static const struct member rules[] = {
    {"object",   "string",     "`rules`"},
    {"merchant", "string?",    "Whose; null: the house's."},
    {"live",     "integer?",   "The version that decides; null: the house's set, or the gateway's rules_file."},
    {"canary",   "object?",    "The move that began it."},
    {"shadow",   "object?",    "The move that began it."},
    {"proposal", "object?",    "What waits for another key."},
    {"trial",    "object",     "Only while a canary runs: what attempts came to under the live set and under the canary, and how often that was judged."},
    {"versions", "[]RuleVersion", "Newest first, without texts."},
    {"moves",    "[]RuleMove", "Newest first."},
};
static const struct member rule_diff[] = {
    {"object",  "string",  "`rule_diff`"},
    {"from",    "integer", "The version in the address."},
    {"to",      "integer", "The other one."},
    {"added",   "integer", "Lines."},
    {"removed", "integer", "Lines."},
    {"diff",    "string",  "Lines with `-`, `+` or a space before them."},
};
static const struct member rule_check[] = {
    {"object",   "string",  "`rule_check`"},
    {"valid",    "boolean", "There is no error."},
    {"errors",   "integer", "How many."},
    {"warnings", "integer", "How many."},
    {"findings", "[]object", "Each with severity, line, column, end_line, end_column, text and remedy."},
};
static const struct member routing_explanation[] = {
    {"object",   "string",   "`routing_explanation`"},
    {"provider", "string?",  "Who would be asked first; null: nobody."},
    {"account",  "string?",  "Its account, by name."},
    {"problem",  "object?",  "Of nobody: code, status and detail that would be answered."},
    {"facts",    "object",   "What rules see of the payment; what is empty is left out."},
    {"rules",    "[]RuleExplained", "In order, up to the one that matched: the last."},
    {"skipped",  "integer",  "Rules before the first that is told."},
    {"refusals", "[]object", "provider, account, detail: what adapters cannot express, and why."},
    {"decision", "object",   "As it is stored with a payment: rule, order, draw, each candidate with fee and health, kept or dropped and why."},
    {"canary_set", "object", "Only while a canary runs, and of the live set: what the canary would do: version, rule_set, rule, candidates, differs."},
    {"livemode", "boolean",  "False on test keys."},
};
static const struct member rule_explained[] = {
    {"rule",       "string",   "Its name."},
    {"line",       "integer",  "Of the rule set."},
    {"matched",    "boolean",  "It decides."},
    {"conditions", "[]object", "condition, holds, saw: what the payment has instead; null: not known."},
    {"conditions_skipped", "integer", "Only when there are more than are told."},
    {"does",       "string?",  "Of the one that matched: its actions; null: too long to tell."},
};
static const struct member backtest[] = {
    {"id",       "string",  "bkt_..."},
    {"object",   "string",  "`backtest_request`"},
    {"merchant", "string?", "Whose rule set it is, and whose payments; null: the house's, and everybody's."},
    {"version",  "integer", "Of the rule set."},
    {"status",   "string",  "queued, running, done or failed"},
    {"since",    "time",    "Payments made then or later,"},
    {"until",    "time",    "and before then."},
    {"author",   "string",  "Id of the key that asked for it."},
    {"created",  "time",    "RFC 3339."},
    {"started",  "time?",   "When it was begun first."},
    {"ended",    "time?",   "Results are kept for 30 days from then, the newest 100 of a merchant."},
    {"reason",   "string?", "Why it failed."},
    {"result",   "object?", "When it is done: what `turnpike routes backtest --json` prints."},
};
static const struct member rules_approval_answer[] = {
    {"object",   "string",  "`rules_approval`"},
    {"merchant", "string",  "mer_..."},
    {"required", "boolean", "What one key publishes waits for another."},
};
static const struct member attempt[] = {
    {"id",                 "string",  "att_..."},
    {"provider",           "string",  "Name of the provider."},
    {"account",            "string",  "acc_..."},
    {"operation",          "string",  "sale, authorize, capture, void, refund, reauthorize or payout"},
    {"status",             "string",  "processing, approved, pending, requires_action, declined, failed or unknown"},
    {"reason",             "string?", "Ours, stable: insufficient_funds, connect_refused, ..."},
    {"code",               "string?", "The provider's own."},
    {"decline",            "string",  "Only when declined: soft or hard."},
    {"advice",             "string",  "Only when declined: retry_later, update_card, authenticate, other_method or do_not_retry."},
    {"advice_code",        "string?", "Only when declined: the network's own advice code, where the provider passes it on."},
    {"retry_after_hours",  "integer", "Only when declined, and the network says so."},
    {"provider_reference", "string?", "The provider's id of the money movement."},
    {"expected_fee",       "integer?", "By the account's fee table, in minor units."},
    {"fee",                "integer?", "As the provider stated it."},
    {"started",            "time",    "RFC 3339."},
    {"ended",              "time?",   "RFC 3339."},
    {"decision",           "object",  "Only when a further attempt was decided anew: as the payment's."},
};
#define LIST_OF(name)                                                                              \
    {"object", "string", "`list`"}, {"url", "string", "Where the list is."},                       \
    {"has_more", "boolean", "There are more behind the last one."}, {"data", "[]" name, ""}
static const struct member payout[] = {
    {"id",               "string",   "pyt_..."},
    {"object",           "string",   "`payout`"},
    {"status",           "string",   "requires_approval, scheduled, processing, unclaimed, succeeded, declined, failed, returned, canceled, rejected or review"},
    {"amount",           "integer",  "In minor units."},
    {"currency",         "string",   "ISO 4217."},
    {"reference",        "string?",  "Your own id."},
    {"cancel_requested", "boolean",  "It was asked back; the provider has not yet said what came of it."},
    {"beneficiary",      "object?",  "type, name, country, iban_last4: what may be shown; null: erased."},
    {"metadata",         "object?",  "As sent; null: erased."},
    {"provider",         "string?",  "Of the attempt that decides what the payout is."},
    {"failure",          "object?",  "Why it did not pay: reason, and the provider's code."},
    {"attempts",         "[]Attempt", "Every try, in order."},
    {"decision",         "object?",  "Why these providers, in this order."},
    {"created",          "time",     "RFC 3339."},
    {"erased",          "time",     "Only once its personal data were erased: since then they are null."},
    {"livemode",         "boolean",  "False on test keys."},
    {"batch",            "string?",  "bat_...; of payouts that waited (an approval, a batch), as those below."},
    {"row",              "integer?", "In its batch."},
    {"tries",            "integer",  "Payments made for it: another follows one of which surely nothing left."},
    {"waiting",          "object?",  "Only when scheduled: why it waits, and until when at least."},
    {"approval",         "object?",  "What it exceeds (currency, limit, amount, largest), and requested_by (key_...)."},
    {"decisions",        "[]object", "approve, reject, cancel: key, role, at."},
};
static const struct member payout_batch[] = {
    {"id",        "string",   "bat_..."},
    {"object",    "string",   "`payout_batch`"},
    {"status",    "string",   "requires_approval, processing, completed, rejected or canceled"},
    {"reference", "string?",  "Your own id."},
    {"rows",      "integer",  "All that were sent."},
    {"valid",     "integer",  "Of them that are, or were, to be paid."},
    {"invalid",   "integer",  "Of them that were refused."},
    {"counts",    "object?",  "Rows by status; null in a list."},
    {"reasons",   "object?",  "By status, then by reason: {\"failed\": {\"no_route\": 3}}; null in a list."},
    {"totals",    "[]object", "By currency: rows and amount, and of them open_, paid_ and unpaid_."},
    {"approval",  "object?",  "What it exceeds, and requested_by (key_...)."},
    {"decisions", "[]object", "approve, reject, cancel: key, role, at."},
    {"created",   "time",     "RFC 3339."},
    {"livemode",  "boolean",  "False on test keys."},
};
static const struct member payout_batch_row[] = {
    {"object",    "string",    "`payout_batch_row`"},
    {"row",       "integer",   "From 1, as sent."},
    {"reference", "string?",   "Your own id."},
    {"status",    "string",    "The payout's; `invalid` when the row was refused."},
    {"payout",    "object?",   "The payout; null when the row was refused."},
    {"errors",    "[]RowError?", "What is wrong with the row; null when it was taken."},
};
static const struct member row_error[] = {
    {"code",   "string", "Stable: as of a problem."},
    {"param",  "string", "The member it is about."},
    {"detail", "string", "What would be right."},
};
static const struct member registration_link[] = {
    {"object",   "string", "`registration_link`"},
    {"payee_id", "string", "Your own id of the payee."},
    {"provider", "string", "Name of the provider."},
    {"account",  "string", "acc_..."},
    {"url",      "string", "Send the payee there."},
};
static const struct member payee[] = {
    {"object",             "string",  "`payee`"},
    {"payee_id",           "string",  "Your own id of the payee."},
    {"provider",           "string",  "Name of the provider."},
    {"account",            "string",  "acc_..."},
    {"status",             "string",  "pending, active, inactive or unknown"},
    {"provider_reference", "string?", "The provider's id of the payee's account."},
    {"currency",           "string?", "In which the payee is paid out."},
};
static const struct member review[] = {
    {"id",               "string",   "rev_..."},
    {"object",           "string",   "`review`"},
    {"kind",             "string",   "unknown_too_long, pending_too_long, amount_mismatch, late_success, reversal_failed, provider_refund, hold_overdue or other"},
    {"state",            "string",   "open: waits for a person; reversing: the gateway is at it; resolved"},
    {"choices",          "[]string", "Outcomes that may be answered to it; empty unless it is open."},
    {"merchant",         "string",   "mer_..."},
    {"payment",          "string",   "What it is about: pay_..., pyt_..., or an operation: cap_..., voi_..., ref_..., rea_..."},
    {"attempt",          "string",   "att_...: also the reference and key that the provider was given."},
    {"operation",        "string",   "sale, authorize, capture, void, refund, reauthorize or payout"},
    {"provider",         "string",   "Name of the provider."},
    {"account",          "string",   "acc_..."},
    {"provider_reference", "string?", "The provider's id of the money movement, if one is known."},
    {"amount",           "integer",  "As sent, in minor units."},
    {"currency",         "string",   "ISO 4217."},
    {"answered",         "object?",  "Of a mismatch: amount and currency that the provider spoke of."},
    {"detail",           "string?",  "What was said last, in a word."},
    {"reversals_failed", "integer",  "Tries to reverse it that surely did not work."},
    {"next_reversal",    "time?",    "When it is tried again."},
    {"opened",           "time",     "RFC 3339."},
    {"age_seconds",      "integer",  "Since then."},
    {"resolution",       "object?",  "outcome, reason, evidence, by (key_...; null: the gateway, by proof or reversal), at."},
    {"livemode",         "boolean",  "False on test keys."},
    {"of",               "object",   "Only of one case: the payment's status and amounts, and every attempt with its sends and answers."},
};
static const struct member unresolved[] = {
    {"id",          "string",   "att_..."},
    {"object",      "string",   "`unresolved`"},
    {"merchant",    "string",   "mer_..."},
    {"payment",     "string",   "pay_..., pyt_..., or an operation: cap_..., voi_..., ref_..., rea_..."},
    {"operation",   "string",   "sale, authorize, capture, void, refund, reauthorize or payout"},
    {"provider",    "string",   "Name of the provider."},
    {"account",     "string",   "acc_..."},
    {"amount",      "integer",  "In minor units."},
    {"currency",    "string",   "ISO 4217."},
    {"status",      "string",   "unknown: money may have moved; pending, requires_action: the provider has it; processing: taken over, nothing was recorded"},
    {"reason",      "string?",  "Of the last look."},
    {"since",       "time",     "RFC 3339."},
    {"age_seconds", "integer",  "Since then."},
    {"looks",       "integer",  "So far."},
    {"next_look",   "time",     "RFC 3339."},
    {"is_looked_at", "boolean", "At this moment."},
    {"cancel_requested", "boolean", "The merchant wants it back."},
    {"livemode",    "boolean",  "False on test keys."},
};
static const struct member audit_entry[] = {
    {"id",         "string",  "aud_..."},
    {"object",     "string",  "`audit_entry`"},
    {"created",    "time",    "When it was recorded: before it was done."},
    {"ended",      "time?",   "When it was answered; null: it is under way, or nobody knows."},
    {"role",       "string",  "operator, finance, merchant (a backend's key at the sign-in of people), system (the command line) or nobody (no valid key)."},
    {"actor",      "string?", "key_..., or `cli:` and who ran the command; null: nobody."},
    {"by_session", "boolean", "By the cookie of a session, not by the key itself."},
    {"merchant",   "string?", "mer_...: whose data; null: the house's."},
    {"action",     "string",  "An operationId of this document, or a command."},
    {"subject",    "string?", "What was acted on."},
    {"data",       "object",  "What was asked for: amounts, choices, reasons; never keys or personal data."},
    {"outcome",    "string",  "done, refused (nothing came of it), failed (of a command) or unknown."},
    {"status",     "integer?", "Of the answer; of a command its exit status."},
    {"code",       "string?", "Of the problem, when it was refused."},
    {"result",     "string?", "The id of what came of it."},
    {"result_status", "string?", "The status of that, when it was answered."},
    {"address",    "string?", "Where it came from."},
    {"request_id", "string?", "req_...; null of commands."},
    {"unrecorded", "integer", "Refused acts before this one, at the same worker, that have no entry: there were too many."},
};
static const struct member audit_entry_list[] = {LIST_OF("AuditEntry")};
static const struct member review_list[] = {LIST_OF("Review")};
static const struct member unresolved_list[] = {LIST_OF("Unresolved")};
static const struct member event[] = {
    {"id",        "string",  "evt_..."},
    {"object",    "string",  "`event`"},
    {"type",      "string",  "What happened: payment.succeeded, ... (the documentation lists all)."},
    {"created",   "time",    "RFC 3339."},
    {"payment",   "string",  "pay_...; absent on events of payouts."},
    {"payout",    "string",  "pyt_...; only on events of payouts."},
    {"operation", "string",  "cap_..., voi_..., ref_..., rea_...; only on an operation's own events: those of its payment follow, in the payment's order."},
    {"status",    "string",  "Of the payment or payout, from then on."},
    {"number",    "integer", "Its place among the payment's events, from 1."},
    {"attempt",   "string?", "att_...; null: it is about the payment as a whole."},
    {"amount",    "integer", "Of the payment, in minor units."},
    {"currency",  "string",  "ISO 4217."},
    {"reference", "string?", "Your own id of the payment."},
    {"data",      "object",  "What else is known; may be empty."},
    {"livemode",  "boolean", "False on test keys."},
};
static const struct member history_entry[] = {
    {"entry",     "string",  "created, operation, attempt, send, outcome or status; by it the other members."},
    {"operation_id", "string", "cap_..., voi_..., ref_..., rea_...: of an operation on the payment, and of all its attempts."},
    {"kind",      "string",  "operation: capture, void, refund or reauthorize."},
    {"at",        "time",    "RFC 3339."},
    {"actor",     "string",  "merchant, key_... of an operator who did it for the merchant, gateway, or the provider by its name."},
    {"attempt",   "string?", "att_..."},
    {"provider",  "string",  "Of the attempt."},
    {"account",   "string",  "attempt: acc_..."},
    {"operation", "string",  "attempt: sale, authorize, ..."},
    {"amount",    "integer", "created, attempt: in minor units."},
    {"currency",  "string",  "created, attempt: ISO 4217."},
    {"reference", "string?", "created: your own id."},
    {"send",      "integer?", "send, outcome: which of the attempt's sends."},
    {"step",      "string",  "send: what is asked for."},
    {"moves_money", "boolean", "send: it may move money."},
    {"not_after", "time",    "send: it leaves until then, or never."},
    {"outcome",   "string",  "outcome: none, approved, pending, requires_action, declined_soft, declined_hard, failed or unknown."},
    {"reason",    "string?", "outcome, status: ours, stable."},
    {"code",      "string?", "outcome: the provider's own."},
    {"provider_reference", "string?", "outcome: the provider's id of the money movement."},
    {"left",      "boolean", "outcome: the request may have reached the provider."},
    {"http_status", "integer?", "outcome: of the provider's answer."},
    {"elapsed_ms", "integer", "outcome: how long the call took."},
    {"id",        "string",  "status: evt_..."},
    {"type",      "string",  "status: of the event."},
    {"status",    "string",  "status: the payment's from then on."},
    {"number",    "integer", "attempt, status: from 1."},
    {"data",      "object",  "status: what else is known."},
};
static const struct member event_list[] = {LIST_OF("Event")};
static const struct member payment_history[] = {LIST_OF("HistoryEntry")};
static const struct member payment_list[] = {LIST_OF("Payment")};
static const struct member operation_list[] = {LIST_OF("Operation")};
static const struct member payout_list[] = {LIST_OF("Payout")};
static const struct member payout_batch_list[] = {LIST_OF("PayoutBatch")};
static const struct member payout_batch_row_list[] = {LIST_OF("PayoutBatchRow")};
static const struct member provider_list[] = {LIST_OF("ProviderState")};
static const struct member merchant_list[] = {LIST_OF("Merchant")};
static const struct member account_list[] = {LIST_OF("Account")};
static const struct member key_list[] = {LIST_OF("Key")};
static const struct member provider_state[] = {
    {"account",      "string",  "acc_..."},
    {"merchant",     "string",  "mer_...: whose."},
    {"provider",     "string",  "Name of the provider."},
    {"name",         "string",  "The account's."},
    {"state",        "string",  "healthy, degraded, down, disabled, drained, maintenance or unusable"},
    {"success_rate", "number",  "0 to 1, of the calls in the window; a decline is a success of the provider."},
    {"calls",        "integer", "In the window."},
    {"failures",     "integer", "In the window."},
    {"in_flight",    "integer", "Calls without answer yet."},
    {"latency_ms",   "object",  "p50, p95, p99 of the last minutes; usual_p95, and slow_above: a p95 above it is a brown-out."},
    {"slow",         "boolean", "A brown-out: far slower than usual; behind accounts that are well."},
    {"outcomes",     "object",  "Of payments in the last hour: approved, declined, unknown, failed, success_rate; decisions that put it first in the last five minutes."},
    {"success",      "object",  "Payments that ended and those of them that were approved: minute (this and the whole one before), quarter (15 minutes), hour."},
    {"breaker",      "object",  "state (closed, half_open, open), why, retry_at, flapping (0: not), openings (newest first: at, why, pause_ms), failures that led to the last (at, why, after_ms)."},
    {"hold",         "object?", "state (disabled, drained, maintenance), reason, author, until."},
    {"other_hosts",  "object?", "says: what another gateway sees; age_ms: how old that is."},
    {"expected_fee", "object?", "Of 100.00: of_amount, currency, fee in minor units."},
    {"last_error",   "object?", "reason, at."},
    {"problem",      "string?", "Why the account cannot be used."},
};
static const struct member provider_series[] = {
    {"object",  "string",   "`provider_series`"},
    {"account", "string",   "acc_..."},
    {"span",    "string",   "As asked."},
    {"step_s",  "integer",  "Seconds of an interval."},
    {"data",    "[]object", "Oldest first, none missing: at, when it begins; payments that ended: approved, declined, failed, unknown; latency_ms p50, p95, p99: means of the minutes' own, null where nothing was asked; open_minutes, slow_minutes: with an open breaker, with a brown-out."},
};
static const struct member currency[] = {
    {"object",   "string",  "`currency`"},
    {"code",     "string",  "ISO 4217."},
    {"exponent", "integer", "Digits behind the point: 2 of EUR, 0 of JPY, 3 of KWD."},
};
static const struct member currency_list[] = {LIST_OF("Currency")};
static const struct member service_levels[] = {
    {"object", "string",   "`service_levels`"},
    {"month",  "string",   "2026-11; UTC, by when an attempt began."},
    {"data",   "[]object", "By account: merchant, account, provider, name; attempts; approved, declined, failed, still_unknown as known now; unknown: the first answer said nothing; success_rate, unknown_rate, availability (of minutes_asked, those answered); latency_ms p50, p95, p99 of first answers; cost by currency: expected, booked, in minor units."},
};
static const struct member process[] = {
    {"object",    "string",   "`process`"},
    {"from",      "time",     "Of what began then or later."},
    {"to",        "time",     "And before."},
    {"processes", "[]object", "By kind (payment, payout, capture, void, refund, reauthorize): begun, ended, completed, declined, failed, canceled, open; completion_rate: completed of ended; active_ms, waiting_ms, cycle_ms: p50, p95, p99 of those that have ended."},
    {"steps",     "[]object", "By step (route, sale, authorize, capture, void, refund, reauthorize, payout): begun, ended, errors; error_rate: errors of ended."},
    {"stuck",     "[]object", "What waits for too long now, oldest first, 500 at most: merchant, payment (or payout, operation), attempt, kind, place (provider, recovery, review), provider, reason, since."},
    {"resources", "object?",  "Operators: what this gateway uses now: workers; payments_in_flight of payments_in_flight_max; database_connected: workers that can write the ledger; loop_lag_ms p50, p95, p99 since the start; providers: calls in flight of each."},
};
static const struct member routing_earned[] = {
    {"object", "string",   "`routing_earned`"},
    {"since",  "time",     "From then on, by when the first attempt began."},
    {"until",  "time",     "Now."},
    {"data",   "[]object", "By merchant and currency: merchant, currency, payments, approved_at_once; recovered: payments that a later attempt at another account brought in, their amount and expected_fees; fees: of payments approved at once for which the decision kept several accounts with known fees, how much the chosen one was below_dearest and below_average of them, and above_cheapest. Minor units."},
};
static const struct member account_state[] = {
    {"account",  "string",  "acc_..."},
    {"object",   "string",  "`account_state`"},
    {"provider", "string",  "Name of the provider."},
    {"name",     "string",  "The account's."},
    {"state",    "string",  "open, maintenance, drained or disabled: now."},
    {"reason",   "string?", "Why."},
    {"author",   "string?", "Who: a name, if one was given, and the key."},
    {"until",    "time?",   "It ends by itself; null: when somebody ends it."},
    {"holds",    "[]object", "The newest hundred, ended ones too: id, state, reason, author, from, until, weekly, active, created, ended, ended_by."},
};
static const struct member merchant[] = {
    {"id",            "string",  "mer_..., the live one."},
    {"object",        "string",  "`merchant`"},
    {"name",          "string",  "Unique."},
    {"country",       "string?", "ISO 3166-1 alpha-2."},
    {"test_id",       "string",  "mer_..., its twin for test keys: money of the two never mixes."},
    {"client_keys",      "[]string", "SHA-256 of the public keys of the only clients that its keys work for; empty: any client."},
    {"test_client_keys", "[]string", "The same for the twin's keys."},
    {"disabled",      "boolean", "Its keys are refused."},
    {"test_disabled", "boolean", "The twin's keys are refused."},
    {"limits",        "object",  "rate, burst, in_flight_max of the live merchant; 0: as the gateway's settings say."},
    {"test_limits",   "object",  "Those of the twin."},
    {"payout_limits",      "object", "By currency: above, a second key must approve payouts."},
    {"test_payout_limits", "object", "The twin's."},
    {"created",       "time",    "RFC 3339."},
};
static const struct member account[] = {
    {"id",         "string",  "acc_..."},
    {"object",     "string",  "`account`"},
    {"merchant",   "string",  "mer_..."},
    {"provider",   "string",  "Name of the provider."},
    {"name",       "string",  "Unique among the merchant's accounts at the provider."},
    {"base_url",   "string",  "Address of the provider's API."},
    {"secret",     "string",  "Where the credentials are; never the credentials."},
    {"settings",   "object",  "Of the adapter."},
    {"fees",       "object",  "The fee table; {}: unknown."},
    {"currencies", "[]string", "Empty: all that the provider takes."},
    {"methods",    "[]string", "Empty: all."},
    {"amount_max", "integer", "0: no limit."},
    {"disabled",   "boolean", "No new payments are sent there."},
    {"problem",    "string?", "Why the account cannot be used by this gateway."},
    {"created",    "time",    "RFC 3339."},
};
static const struct member account_test[] = {
    {"account",     "string",  "acc_..."},
    {"object",      "string",  "`account_test`"},
    {"provider",    "string",  "Name of the provider."},
    {"base_url",    "string",  "What was called."},
    {"ok",          "boolean", "The provider took the credentials."},
    {"reason",      "string",  "ok, or why not."},
    {"detail",      "string?", "The provider's code, or what is wrong with the account."},
    {"http_status", "integer?", "Of its answer."},
    {"latency_ms",  "number?", "Of the call, without fetching a token."},
};
#define KEY_MEMBERS                                                                                \
    {"id", "string", "key_..."}, {"object", "string", "`key`"},                                    \
    {"role", "string", "merchant, finance or operator"},                                           \
    {"merchant", "string?", "mer_...; null: an operator of the house."},                           \
    {"livemode", "boolean", "False on test keys."},                                                \
    {"hint", "string", "First and last characters."},                                              \
    {"active", "boolean", "Neither disabled nor expired."}, {"created", "time", "RFC 3339."},      \
    {"expires", "time?", "RFC 3339."}, {"disabled", "time?", "From then on it is refused."}
static const struct member key[] = {KEY_MEMBERS};
static const struct member session[] = {
    {"object",        "string",   "`session`"},
    {"role",          "string",   "operator or finance"},
    {"key",           "string",   "key_...: the key that signed in."},
    {"merchant",      "string?",  "mer_...: whose it is; null: an operator of the house."},
    {"merchant_name", "string?",  "Of that merchant."},
    {"livemode",      "boolean?", "Of that merchant."},
    {"created",       "time",     "RFC 3339."},
    {"expires",       "time",     "It ends then, whatever happens; or before, by sign-out or with its key."},
};
static const struct member new_key[] = {
    KEY_MEMBERS,
    {"key",            "string", "The key itself: shown this once."},
    {"replaces",       "string", "Only after a rotation: the old key."},
    {"replaced_until", "time",   "Only after a rotation: the old key is valid until then."},
};
#define ENDPOINT_MEMBERS                                                                           \
    {"id", "string", "whe_..."}, {"object", "string", "`webhook_endpoint`"},                       \
    {"url", "string", "Where events are sent."}, {"description", "string", ""},                    \
    {"event_types", "[]string", "Types that it is told of; `*` stands for any text."},             \
    {"enabled", "boolean", "False: events are kept as `skipped`."},                                \
    {"disabled", "time?", "RFC 3339."},                                                            \
    {"disabled_reason", "string?", "merchant: by you; gone: it answered 410."},                    \
    {"failing_since", "time?", "No try has succeeded since."},                                     \
    {"failures", "integer", "Tries that failed in a row."},                                        \
    {"public_keys", "[]object", "Valid Ed25519 keys (whpk_...), newest first: key, created, expires."}, \
    {"created", "time", "RFC 3339."}, {"livemode", "boolean", "False on test keys."}
static const struct member webhook_endpoint[] = {ENDPOINT_MEMBERS};
static const struct member new_webhook_endpoint[] = {
    ENDPOINT_MEMBERS,
    {"secret",         "string", "whsec_...: shown this once."},
    {"replaced_until", "time",   "Only after a rotation: the former secrets sign as well until then."},
};
static const struct member deleted_webhook_endpoint[] = {
    {"id", "string", "whe_..."}, {"object", "string", "`webhook_endpoint`"}, {"deleted", "boolean", "True."},
};
static const struct member webhook_endpoint_list[] = {LIST_OF("WebhookEndpoint")};
static const struct member webhook_delivery[] = {
    {"id",              "string",   "dlv_...: event and endpoint."},
    {"object",          "string",   "`webhook_delivery`"},
    {"endpoint",        "string",   "whe_..."},
    {"event",           "string",   "evt_...: the webhook-id."},
    {"type",            "string",   "Of the event."},
    {"status",          "string",   "waiting, sending, delivered, failed or skipped"},
    {"try_count",       "integer",  "Tries begun."},
    {"response_status", "integer?", "HTTP status of the last try; null: no answer."},
    {"error",           "string?",  "Why the last try failed: redirect, status, timeout, connect_failed, address_forbidden, ..."},
    {"tries",           "[]object", "The newest 50: number, response_status, error, elapsed_ms, ended."},
    {"created",         "time",     "Of the event. RFC 3339."},
    {"next_try",        "time?",    "RFC 3339."},
    {"ended",           "time?",    "RFC 3339."},
};
static const struct member webhook_delivery_list[] = {LIST_OF("WebhookDelivery")};
static const struct member webhook_replay_started[] = {
    {"object",   "string",  "`webhook_replay`"},
    {"count",    "integer", "Deliveries that are made again; 10,000 at a time."},
    {"has_more", "boolean", "There may be more: ask again."},
};
static const struct member problem[] = {
    {"type",       "string",  "Address of the page about the code, relative to what was asked."},
    {"title",      "string",  "What the code means."},
    {"status",     "integer", "The HTTP status."},
    {"detail",     "string",  "What is wrong here, and what would be right."},
    {"code",       "string",  "Stable: decide by this."},
    {"param",      "string",  "The member, query parameter or header it is about."},
    {"retryable",  "boolean", "The same request under the same key may succeed later."},
    {"next_step",  "string",  "What to do now."},
    {"payment_id", "string",  "The payment it is about."},
    {"request_id", "string",  "Tell it to support."},
    {"errors",     "[]object", "Only with invalid_rows: row, code, param, detail of the first wrong rows."},
    {"findings",   "[]object", "Only with invalid_rules: what is wrong with the rule set, with line and column."},
};

#define PAGE_OF(name)                                                                              \
    {"object", "string", "`list`"}, {"url", "string", ""}, {"has_more", "boolean", "There may be more."}, \
    {"next", "string?", "Ask with `starting_after` for what is behind it; a page may be short, or empty, and have one."}, \
    {"data", "[]" name, ""}
static const struct member ledger_account[] = {
    {"id",             "string",   "The account and its currency."},
    {"object",         "string",   "`ledger_account`"},
    {"account",        "string",   "As transfers name it."},
    {"number",         "integer?", "Its own number: 11000001 is the first of 1100."},
    {"kind",           "string?",  "Of the chart of accounts."},
    {"type",           "string?",  "asset, liability, equity, income or expense"},
    {"normal_side",    "string?",  "debit or credit: the side on which it grows."},
    {"title",          "string?",  "What it is for."},
    {"currency",       "string?",  "ISO 4217; null: opened by a person, and never used."},
    {"debit",          "integer",  "Posted, in minor units."},
    {"credit",         "integer",  "Posted, in minor units."},
    {"balance",        "integer",  "Debits less credits: below 0 on an account that grows by credits."},
    {"pending_debit",  "integer",  "Reserved, and neither posted nor voided yet."},
    {"pending_credit", "integer",  "Likewise."},
};
static const struct member ledger_account_list[] = {PAGE_OF("LedgerAccount")};
static const struct member transfer[] = {
    {"id",             "string",  "trf_..."},
    {"object",         "string",  "`transfer`"},
    {"state",          "string",  "posted: it counts; pending: reserved; voided: the pending one is let go, nothing moved"},
    {"kind",           "string",  "payment, fee, authorization, refund, payout, ..."},
    {"amount",         "integer", "In minor units."},
    {"currency",       "string",  "ISO 4217."},
    {"debit_account",  "string",  "The account that is debited."},
    {"credit_account", "string",  "The account that is credited."},
    {"payment",        "string?", "pay_... or pyt_...; null: entered by a person for none."},
    {"operation",      "string?", "cap_..., ref_..., voi_... or rea_...: which operation on the payment."},
    {"attempt",        "string?", "The attempt that caused it; null: entered by a person."},
    {"pending",        "string?", "The pending transfer that this one posts or voids."},
    {"created",        "time",    "When it was recorded. RFC 3339."},
    {"effective",      "time",    "Since when it counts."},
};
static const struct member transfer_list[] = {PAGE_OF("Transfer")};
static const struct member trial_balance[] = {
    {"object", "string",   "`trial_balance`"},
    {"as_of",  "time",     "What was booked before then."},
    {"basis",  "string",   "recorded or effective"},
    {"totals", "[]object", "Debit and credit by currency: they are equal."},
    {"data",   "[]TrialBalanceRow", "By account and currency."},
};
static const struct member trial_balance_row[] = {
    {"account",        "string",   "The account."},
    {"currency",       "string",   "ISO 4217."},
    {"debit",          "integer",  "Posted, in minor units."},
    {"credit",         "integer",  "Posted, in minor units."},
    {"balance",        "integer",  "Debits less credits."},
    {"pending_debit",  "integer?", "Reserved, and neither posted nor voided yet; null with `as_of` or `basis=effective`."},
    {"pending_credit", "integer?", "Likewise."},
};
static const struct member statement[] = {
    PAGE_OF("StatementLine"),
    {"account", "string", "Whose movements."},
};
static const struct member statement_line[] = {
    {"object",          "string",   "`statement_line`"},
    {"line",            "string",   "opening (first page, by currency), movement, or closing (last page)"},
    {"transfer",        "string?",  "trf_..."},
    {"payment",         "string?",  "pay_... or pyt_..."},
    {"operation",       "string?",  "Which operation on the payment."},
    {"kind",            "string?",  "Of the transfer."},
    {"counter_account", "string?",  "The other side."},
    {"currency",        "string",   "ISO 4217."},
    {"debit",           "integer?", "In minor units."},
    {"credit",          "integer?", "In minor units."},
    {"balance",         "integer",  "Debits less credits after it, in its currency."},
    {"created",         "time?",    "When it was recorded; of opening and closing: their moment."},
    {"effective",       "time?",    "Since when it counts."},
};

static const struct member ledger_export[] = {
    {"id",       "string",  "exp_..."},
    {"object",   "string",  "`ledger_export`"},
    {"state",    "string",  "waiting, making, made, failed, or expired: the file was removed"},
    {"what",     "string",  "As it was asked for."},
    {"account",  "string?", "Only what names it; null: all."},
    {"from",     "time",    "Inclusive. RFC 3339."},
    {"to",       "time",    "Exclusive."},
    {"reached",  "time?",   "How far the making has come between the two."},
    {"rows",     "integer", "So far."},
    {"bytes",    "integer", "So far; some kinds say it at their end."},
    {"sha256",   "string?", "Of the file, hexadecimal."},
    {"error",    "string?", "Why the last try failed; while it waits, it is tried again."},
    {"asked_by", "string",  "The key."},
    {"created",  "time",    "When it was asked for."},
    {"begun",    "time?",   "When the last try began."},
    {"made",     "time?",   "Since when its file can be fetched."},
    {"expires",  "time?",   "When the file is removed."},
};
static const struct member ledger_export_list[] = {
    {"object", "string", "`list`"}, {"url", "string", ""}, {"has_more", "boolean", ""}, {"data", "[]LedgerExport", ""},
};

#define ANSWER(name, help, members) {name, help, members, ARRAY_LEN(members)}
static const struct answer answers[] = {
    ANSWER("Payment",       "A payment, its attempts and the routing decision.", payment),
    ANSWER("Attempt",       "One try at one provider.", attempt),
    ANSWER("PaymentList",   "Newest first.", payment_list),
    ANSWER("Event",         "Something that happened to a payment or payout.", event),
    ANSWER("EventList",     "Newest first.", event_list),
    ANSWER("HistoryEntry",  "One row of the ledger about a payment.", history_entry),
    ANSWER("PaymentHistory", "Oldest first, whole.", payment_history),
    ANSWER("Operation",     "A capture, void, refund or reauthorization, and its attempts.", operation),
    ANSWER("OperationList", "Newest first.", operation_list),
    ANSWER("Payout",        "A payout, its attempts and the routing decision.", payout),
    ANSWER("PayoutList",    "Newest first.", payout_list),
    ANSWER("PayoutBatch",   "Payouts that were sent together, and how they are doing.", payout_batch),
    ANSWER("PayoutBatchList", "Newest first.", payout_batch_list),
    ANSWER("PayoutBatchRow", "One row of a batch.", payout_batch_row),
    ANSWER("PayoutBatchRowList", "By their numbers.", payout_batch_row_list),
    ANSWER("RowError",      "Why a row was refused.", row_error),
    ANSWER("RegistrationLink", "Where a payee registers.", registration_link),
    ANSWER("Payee",         "Somebody who is paid by a provider.", payee),
    ANSWER("Review",        "What a person must look at, or had to.", review),
    ANSWER("ReviewList",    "Newest first.", review_list),
    ANSWER("AuditEntry",    "What a person did, and what came of it.", audit_entry),
    ANSWER("AuditEntryList", "Newest first.", audit_entry_list),
    ANSWER("Unresolved",    "An attempt that waits for proof.", unresolved),
    ANSWER("UnresolvedList", "Oldest first.", unresolved_list),
    ANSWER("ProviderState", "How one provider account is doing.", provider_state),
    ANSWER("Process", "How payments proceed.", process),
    ANSWER("ServiceLevels", "What provider accounts did in a month.", service_levels),
    ANSWER("RuleVersion",   "A rule set, as it was written.", rule_version),
    ANSWER("Rules",         "Which rule sets are in force, and what became of all of them.", rules),
    ANSWER("RuleMove",      "One step in the life of a rule set.", rule_move),
    ANSWER("RuleDiff",      "Two versions, line by line.", rule_diff),
    ANSWER("RuleCheck",     "What is wrong with a rule set.", rule_check),
    ANSWER("RoutingExplanation", "What would be done with a payment or payout, and why.", routing_explanation),
    ANSWER("RuleExplained", "A rule, and what of it held.", rule_explained),
    ANSWER("Backtest",      "A backtest that was asked for, and what it says.", backtest),
    ANSWER("RulesApproval", "Four eyes, or not.", rules_approval_answer),
    ANSWER("RoutingEarned", "What routing earned.", routing_earned),
    ANSWER("AccountState",  "What holds a provider account back.", account_state),
    ANSWER("ProviderList",  "Provider accounts.", provider_list),
    ANSWER("ProviderSeries", "A provider account over time.", provider_series),
    ANSWER("Currency",      "How its amounts are written.", currency),
    ANSWER("CurrencyList",  "By code.", currency_list),
    ANSWER("Merchant",      "A live merchant and its test twin.", merchant),
    ANSWER("MerchantList",  "Merchants by name.", merchant_list),
    ANSWER("Account",       "An account of a merchant at a provider.", account),
    ANSWER("AccountList",   "Accounts.", account_list),
    ANSWER("AccountTest",   "What a harmless real call came to.", account_test),
    ANSWER("Key",           "An API key, without its text.", key),
    ANSWER("Session",       "A person who is signed in.", session),
    ANSWER("NewKey",        "A new API key with its text.", new_key),
    ANSWER("KeyList",       "Keys, oldest first.", key_list),
    ANSWER("WebhookEndpoint", "An address that is told of events.", webhook_endpoint),
    ANSWER("NewWebhookEndpoint", "The same with its secret.", new_webhook_endpoint),
    ANSWER("DeletedWebhookEndpoint", "It is no more.", deleted_webhook_endpoint),
    ANSWER("WebhookEndpointList", "Oldest first.", webhook_endpoint_list),
    ANSWER("WebhookDelivery", "One event for one endpoint.", webhook_delivery),
    ANSWER("WebhookDeliveryList", "Newest first.", webhook_delivery_list),
    ANSWER("WebhookReplayStarted", "How many are made again.", webhook_replay_started),
    ANSWER("LedgerAccount", "An account of the books, in one currency.", ledger_account),
    ANSWER("LedgerAccountList", "By id.", ledger_account_list),
    ANSWER("Transfer",      "It debits one account and credits another by the same amount; it is never changed.", transfer),
    ANSWER("TransferList",  "Newest first.", transfer_list),
    ANSWER("TrialBalance",  "What every account comes to.", trial_balance),
    ANSWER("TrialBalanceRow", "One account in one currency.", trial_balance_row),
    ANSWER("Statement",     "Oldest first.", statement),
    ANSWER("StatementLine", "One line of a statement.", statement_line),
    ANSWER("LedgerExport",  "An export of the books; its file is at `/content` behind its path.", ledger_export),
    ANSWER("LedgerExportList", "Newest first.", ledger_export_list),
    ANSWER("Problem",       "RFC 9457.", problem),
};
/* clang-format on */

const struct answer *schema_answer_table(size_t *count)
{
    *count = ARRAY_LEN(answers);
    return answers;
}
