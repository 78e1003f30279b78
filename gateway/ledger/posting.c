#include "ledger/posting.h"

#include <string.h>

#define T(literal) STR_INIT(literal)
#define PENDING    CHART_PROVIDER_PENDING
#define AVAILABLE  CHART_PROVIDER_AVAILABLE
#define TRANSIT    CHART_PROVIDER_TRANSIT
#define BY_STORE   POSTING_BY_STORE
#define BY_PERSON  POSTING_BY_PERSON

/* clang-format off */
#define POSTED(event_, leg_, debit_, credit_, kind_, by_, meaning_) \
    {POSTING_##event_, T(leg_), debit_, credit_, T(kind_), TRANSFER_POSTED, POSTING_ALONE, by_, T(meaning_)}
#define LINKED(event_, leg_, debit_, credit_, kind_, state_, link_, meaning_) \
    {POSTING_##event_, T(leg_), debit_, credit_, T(kind_), TRANSFER_##state_, POSTING_##link_, POSTING_BY_GATEWAY, T(meaning_)}
#define HELD(event_, leg_, state_, link_, meaning_) \
    {POSTING_##event_, T(leg_), PENDING, CHART_SALES, T("authorization"), TRANSFER_##state_, POSTING_##link_, BY_STORE, T(meaning_)}

static const struct posting_rule rules[] = {
    POSTED(SALE,            "gross", PENDING, CHART_SALES, "payment", 0, "A sale was approved: the provider owes it."),
    POSTED(SALE,            "fee",   CHART_FEES_PAYMENT, PENDING, "fee", 0, "Its fee, which the provider keeps."),
    POSTED(SALE_LATE,       "gross", PENDING, CHART_SALES, "payment", 0, "A late success: approved after its payment had ended, gone on or been canceled. It is reversed by a refund."),
    POSTED(SALE_LATE,       "fee",   CHART_FEES_PAYMENT, PENDING, "fee", 0, "Its fee: the reversal does not bring it back."),
    LINKED(AUTHORIZE,       "hold",  PENDING, CHART_SALES, "authorization", PENDING, OPENS, "The sum is held until it is captured, voided or expires."),
    LINKED(AUTHORIZE_LATE,  "hold",  PENDING, CHART_SALES, "authorization", PENDING, OPENS, "A late success: held beside what its payment holds. It is reversed by a void."),
    LINKED(CAPTURE_OPEN,    "gross", PENDING, CHART_SALES, "payment", PENDING, OPENS, "A capture was asked for."),
    LINKED(CAPTURE_CLOSE,   "gross", PENDING, CHART_SALES, "payment", POSTED, ENDS, "It was done: the provider owes it."),
    POSTED(CAPTURE_CLOSE,   "fee",   CHART_FEES_PAYMENT, PENDING, "fee", 0, "Its fee."),
    HELD  (CAPTURE_CLOSE,   "release", VOIDED, RELEASES, "What was held, is held no longer,"),
    HELD  (CAPTURE_CLOSE,   "rest",  PENDING, ALONE, "but for what was not captured and is not let go."),
    LINKED(CAPTURE_DROP,    "gross", PENDING, CHART_SALES, "payment", VOIDED, ENDS, "It was surely not done."),
    POSTED(CAPTURE_LATE,    "gross", PENDING, CHART_SALES, "payment", 0, "A late success: it was done after all."),
    POSTED(CAPTURE_LATE,    "fee",   CHART_FEES_PAYMENT, PENDING, "fee", 0, "Its fee."),
    HELD  (CAPTURE_LATE,    "release", VOIDED, RELEASES, "What was held, is held no longer,"),
    HELD  (CAPTURE_LATE,    "rest",  PENDING, ALONE, "but for what was not captured."),
    HELD  (VOID,            "release", VOIDED, RELEASES, "An authorization was given up, or a late one was reversed:"),
    HELD  (VOID,            "rest",  PENDING, ALONE, "what others are capturing of it stays held."),
    HELD  (EXPIRE,          "release", VOIDED, RELEASES, "An authorization ended by itself."),
    HELD  (REAUTHORIZE,     "release", VOIDED, RELEASES, "Another authorization took the place of one:"),
    HELD  (REAUTHORIZE,     "rest",  PENDING, ALONE, "what it holds."),
    LINKED(REFUND_OPEN,     "gross", CHART_REFUNDS, PENDING, "refund", PENDING, OPENS, "A refund, or the reversal of a late success, was asked for."),
    LINKED(REFUND_CLOSE,    "gross", CHART_REFUNDS, PENDING, "refund", POSTED, ENDS, "It was done: the provider owes that much less."),
    LINKED(REFUND_DROP,     "gross", CHART_REFUNDS, PENDING, "refund", VOIDED, ENDS, "It was surely not done."),
    POSTED(REFUND_LATE,     "gross", CHART_REFUNDS, PENDING, "refund", 0, "A late success: it was done after all."),
    POSTED(PAYOUT,          "gross", CHART_PAYOUTS, PENDING, "payout", 0, "A payout was paid. One that was never paid, and so came back before (unclaimed, refused), books nothing."),
    POSTED(PAYOUT,          "fee",   CHART_FEES_PAYOUT, PENDING, "fee", 0, "Its fee."),
    POSTED(PAYOUT_RETURN,   "gross", PENDING, CHART_PAYOUTS, "payout_return", BY_PERSON, "A payout that was paid has come back to the provider."),
    POSTED(PAYOUT_RETURN,   "fee",   PENDING, CHART_FEES_PAYOUT, "fee_return", BY_PERSON, "What the provider gave back of its fee."),
    POSTED(FEE,             "payment", CHART_FEES_PAYMENT, PENDING, "fee", BY_PERSON, "A fee of payments that is not booked with them."),
    POSTED(FEE,             "payout", CHART_FEES_PAYOUT, PENDING, "fee", BY_PERSON, "... of payouts."),
    POSTED(FEE,             "refund", CHART_FEES_REFUND, PENDING, "fee", BY_PERSON, "... of refunds."),
    POSTED(FEE,             "dispute", CHART_FEES_DISPUTE, PENDING, "fee", BY_PERSON, "... of disputes."),
    POSTED(FEE,             "decline", CHART_FEES_DECLINE, PENDING, "fee", BY_PERSON, "... of declined attempts."),
    POSTED(FEE,             "conversion", CHART_FEES_CONVERSION, PENDING, "fee", BY_PERSON, "... of conversions."),
    POSTED(FEE,             "other", CHART_FEES_OTHER, PENDING, "fee", BY_PERSON, "... of anything else."),
    POSTED(CONVERSION,      "sold",  CHART_FX_LOSS, AVAILABLE, "conversion", BY_PERSON, "The provider changed money into another currency: what left, in the one that was sold."),
    POSTED(CONVERSION,      "bought", AVAILABLE, CHART_FX_GAIN, "conversion", BY_PERSON, "What came, in the one that was bought. At the day's rate fx:gain less fx:loss is what it brought."),
    POSTED(CONVERSION,      "fee",   CHART_FEES_CONVERSION, AVAILABLE, "fee", BY_PERSON, "Its fee."),
    POSTED(DISPUTE_OPENED,  "gross", CHART_DISPUTES, PENDING, "dispute", BY_PERSON, "A customer disputes a payment: the provider takes it back."),
    POSTED(DISPUTE_OPENED,  "fee",   CHART_FEES_DISPUTE, PENDING, "fee", BY_PERSON, "Its fee."),
    POSTED(DISPUTE_WON,     "gross", PENDING, CHART_DISPUTES, "dispute_won", BY_PERSON, "It was won: the provider gives the money back,"),
    POSTED(DISPUTE_WON,     "fee",   PENDING, CHART_FEES_DISPUTE, "fee_return", BY_PERSON, "and what it gives back of its fee."),
    POSTED(DISPUTE_LOST,    "fee",   CHART_FEES_DISPUTE, PENDING, "fee", BY_PERSON, "It was lost: what was taken stays taken; what losing costs, if anything."),
    POSTED(SETTLEMENT_AVAILABLE, "gross", AVAILABLE, PENDING, "settlement", BY_PERSON, "What the provider owes may be paid out."),
    POSTED(SETTLEMENT_SENT, "gross", TRANSIT, AVAILABLE, "settlement", BY_PERSON, "The provider has sent it to the bank."),
    POSTED(SETTLEMENT_SENT, "fee",   CHART_FEES_OTHER, AVAILABLE, "fee", BY_PERSON, "What it took for that."),
    POSTED(SETTLEMENT_ARRIVED, "gross", CHART_BANK, TRANSIT, "settlement", BY_PERSON, "The bank has it."),
    POSTED(DEPOSIT_UNMATCHED, "gross", CHART_BANK, CHART_SUSPENSE, "deposit", BY_PERSON, "The bank has money of which nobody knows yet what it is."),
    POSTED(DEPOSIT_MATCHED, "gross", CHART_SUSPENSE, TRANSIT, "deposit", BY_PERSON, "It is known: it was what a provider had sent."),
    POSTED(PAYABLE_DUE,     "gross", CHART_SALES, CHART_PAYABLE, "payable", BY_PERSON, "A part of the sales is owed to others."),
    POSTED(PAYABLE_PAID,    "gross", CHART_PAYABLE, CHART_BANK, "payable", BY_PERSON, "It was paid from the bank."),
    POSTED(CORRECTION,      "reversal", CHART_NONE, CHART_NONE, "correction", BY_PERSON, "A transfer was wrong: the same sum, debited where it was credited and credited where it was debited,"),
    POSTED(CORRECTION,      "anew",  CHART_NONE, CHART_NONE, "correction", BY_PERSON, "and, if something had to be booked, what it should have been."),
    POSTED(ENTRY,           "gross", CHART_NONE, CHART_NONE, "entry", BY_PERSON, "Anything else, between any two accounts."),
};

static const struct str event_names[POSTING_EVENT_COUNT] = {
    [POSTING_SALE] = T("sale"),
    [POSTING_SALE_LATE] = T("sale_late"),
    [POSTING_AUTHORIZE] = T("authorize"),
    [POSTING_AUTHORIZE_LATE] = T("authorize_late"),
    [POSTING_CAPTURE_OPEN] = T("capture_open"),
    [POSTING_CAPTURE_CLOSE] = T("capture_close"),
    [POSTING_CAPTURE_DROP] = T("capture_drop"),
    [POSTING_CAPTURE_LATE] = T("capture_late"),
    [POSTING_VOID] = T("void"),
    [POSTING_EXPIRE] = T("expire"),
    [POSTING_REAUTHORIZE] = T("reauthorize"),
    [POSTING_REFUND_OPEN] = T("refund_open"),
    [POSTING_REFUND_CLOSE] = T("refund_close"),
    [POSTING_REFUND_DROP] = T("refund_drop"),
    [POSTING_REFUND_LATE] = T("refund_late"),
    [POSTING_PAYOUT] = T("payout"),
    [POSTING_PAYOUT_RETURN] = T("payout_return"),
    [POSTING_FEE] = T("fee"),
    [POSTING_CONVERSION] = T("conversion"),
    [POSTING_DISPUTE_OPENED] = T("dispute_opened"),
    [POSTING_DISPUTE_WON] = T("dispute_won"),
    [POSTING_DISPUTE_LOST] = T("dispute_lost"),
    [POSTING_SETTLEMENT_AVAILABLE] = T("settlement_available"),
    [POSTING_SETTLEMENT_SENT] = T("settlement_sent"),
    [POSTING_SETTLEMENT_ARRIVED] = T("settlement_arrived"),
    [POSTING_DEPOSIT_UNMATCHED] = T("deposit_unmatched"),
    [POSTING_DEPOSIT_MATCHED] = T("deposit_matched"),
    [POSTING_PAYABLE_DUE] = T("payable_due"),
    [POSTING_PAYABLE_PAID] = T("payable_paid"),
    [POSTING_CORRECTION] = T("correction"),
    [POSTING_ENTRY] = T("entry"),
};

/* The rows of a void and a reauthorization are the store's: it alone knows what is held. */
static const enum posting_event events[OPERATION_COUNT][POSTING_LATE + 1] = {
    [OPERATION_SALE]        = {[POSTING_WHOLE] = POSTING_SALE, [POSTING_LATE] = POSTING_SALE_LATE},
    [OPERATION_AUTHORIZE]   = {[POSTING_WHOLE] = POSTING_AUTHORIZE, [POSTING_LATE] = POSTING_AUTHORIZE_LATE},
    [OPERATION_CAPTURE]     = {[POSTING_OPEN] = POSTING_CAPTURE_OPEN, [POSTING_CLOSE] = POSTING_CAPTURE_CLOSE,
                               [POSTING_DROP] = POSTING_CAPTURE_DROP, [POSTING_LATE] = POSTING_CAPTURE_LATE},
    [OPERATION_VOID]        = {[POSTING_WHOLE] = POSTING_VOID},
    [OPERATION_REFUND]      = {[POSTING_OPEN] = POSTING_REFUND_OPEN, [POSTING_CLOSE] = POSTING_REFUND_CLOSE,
                               [POSTING_DROP] = POSTING_REFUND_DROP, [POSTING_LATE] = POSTING_REFUND_LATE},
    [OPERATION_PAYOUT]      = {[POSTING_WHOLE] = POSTING_PAYOUT, [POSTING_LATE] = POSTING_PAYOUT},
    [OPERATION_REAUTHORIZE] = {[POSTING_WHOLE] = POSTING_REAUTHORIZE},
};
/* clang-format on */

static struct str account_of(enum chart_kind kind, struct str pending)
{
    return kind == CHART_PROVIDER_PENDING ? pending : chart_single(kind);
}

static void add(const struct posting *posting, const struct posting_rule *rule,
                int64_t amount_minor, struct posting_rows *rows)
{
    struct str pending = str_of(rows->pending);
    CHECK(rows->count < ARRAY_LEN(rows->transfers));
    struct store_transfer *transfer = &rows->transfers[rows->count++];
    *transfer = (struct store_transfer){
        .merchant_id = posting->merchant_id,
        .transfer_id = rule->link == POSTING_OPENS ? posting->attempt_id : uuid_new(),
        .payment_id = posting->payment_id,
        .attempt_id = posting->attempt_id,
        .state = rule->state,
        .debit_account = account_of(rule->debit, pending),
        .credit_account = account_of(rule->credit, pending),
        .amount_minor = amount_minor,
        .kind = rule->kind,
        .created_us = posting->created_us,
    };
    if (rule->link == POSTING_ENDS)
        transfer->pending_id = posting->attempt_id;
    memcpy(transfer->currency, posting->currency, sizeof(transfer->currency));
}

const struct posting_rule *posting_rules(size_t *count)
{
    *count = ARRAY_LEN(rules);
    return rules;
}

struct str posting_event_name(enum posting_event event)
{
    CHECK(event > POSTING_NOTHING && event < POSTING_EVENT_COUNT);
    return event_names[event];
}

struct str posting_by_name(enum posting_by by)
{
    return by == POSTING_BY_PERSON ? STR("person") : STR("gateway");
}

enum posting_event posting_event_of(enum operation operation, enum posting_phase phase)
{
    CHECK(operation > OPERATION_NONE && operation < OPERATION_COUNT);
    CHECK(phase >= POSTING_WHOLE && phase <= POSTING_LATE);
    CHECK(events[operation][phase] != POSTING_NOTHING);
    return events[operation][phase];
}

void posting_make(const struct posting *posting, struct posting_rows *rows)
{
    enum posting_event event = posting_event_of(posting->operation, posting->phase);
    CHECK(posting->amount_minor > 0);
    bool is_fee = posting->fee_minor > 0 && posting->fee_minor <= MONEY_AMOUNT_MAX;
    rows->count = 0;
    (void)chart_of_provider(CHART_PROVIDER_PENDING, posting->provider, &posting->account_id,
                            rows->pending);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct posting_rule *rule = &rules[i];
        if (rule->event != event || rule->by != POSTING_BY_GATEWAY)
            continue;
        if (!str_eq(rule->kind, STR("fee")))
            add(posting, rule, posting->amount_minor, rows);
        else if (is_fee)
            add(posting, rule, posting->fee_minor, rows);
    }
}
