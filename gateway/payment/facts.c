#include "payment/facts.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/holds.h"
#include "payment/testmethod.h"
#include "payment/volumes.h"

enum operation facts_operation(const struct payment_request *request)
{
    if (request->is_payout)
        return OPERATION_PAYOUT;
    return request->capture_automatic ? OPERATION_SALE : OPERATION_AUTHORIZE;
}

struct str facts_country(const struct payment_request *request)
{
    bool is_told = request->country.len > 0 || !request->is_payout;
    return is_told ? request->country : request->beneficiary->country;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static struct str find_name(const struct payment_request *request, struct str name)
{
    for (size_t i = 0; i < request->token_count; i++) {
        if (str_eq(request->token[i].provider, name))
            return request->token[i].token;
    }
    return STR_NONE;
}

/* By the provider's name, else by its family's. */
static struct str find_token(const struct payment_request *request,
                             const struct merchant_account *account)
{
    const struct provider *provider = account->account.provider;
    if (testmethod_is(request->method_type))
        return testmethod_token(request->test_outcome);
    struct str token = find_name(request, account->row.provider);
    if (token.len == 0 && provider != NULL && provider->family != NULL)
        token = find_name(request, str_of(provider->family));
    return token;
}

/*
 * An account that pays out is no candidate for a payment, nor the reverse: not even one that is
 * dropped, or every decision would name them all.
 */
static bool is_of_kind(const struct merchant_account *account, bool is_payout)
{
    const uint32_t pays_out = 1U << OPERATION_PAYOUT;
    const struct provider *provider = account->account.provider;
    if (provider == NULL) /* nobody knows: it is dropped as unusable */
        return true;
    uint32_t operations = provider->capability.operations;
    return (operations & (is_payout ? pays_out : ~pays_out)) != 0;
}

static bool takes_method(const struct merchant_account *account, struct str method)
{
    if (testmethod_is(method) || str_is_empty(str_trim(account->row.methods)))
        return true;
    struct str rest = account->row.methods;
    while (rest.len > 0) {
        if (str_eq(str_cut(&rest, ' '), method))
            return true;
    }
    return false;
}

/* The smaller of two limits where 0 is none. */
static int64_t smaller_limit(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

int64_t facts_rest_left_us(const struct rests *rests, const struct provider_account *account)
{
    return rests == NULL ? 0 : rests_left_us(rests, &account->account_id, clock_mono_us());
}

bool facts_is_busy(struct admission *admission, const struct rests *rests,
                   const struct provider_account *account)
{
    return admission_is_busy(admission, account) || facts_rest_left_us(rests, account) > 0;
}

static void set_hold(struct route_candidate *candidate, struct str holds, int64_t wall_us)
{
    struct hold hold;
    if (holds.len == 0 || !holds_now(holds, wall_us, &hold))
        return;
    candidate->disabled = candidate->disabled || hold.kind == HOLD_DISABLED;
    candidate->drained = hold.kind == HOLD_DRAINED;
    candidate->in_maintenance = hold.kind == HOLD_MAINTENANCE;
}

/* Of an account that nobody watches, as off the command line, nothing bad is known. */
static void set_health(const struct facts_source *source, const struct merchant_account *account,
                       const struct route_facts *payment, int64_t now_us,
                       struct health_view *health)
{
    if (source->told != NULL)
        *health = source->told[account - source->merchant->account];
    else if (source->parts->health == NULL || account->health == NULL)
        *health = (struct health_view){
            .state = HEALTH_CLOSED, .success_per_million = 1000000, .may_try = true};
    else
        health_read_for(source->parts->health, account->health, payment->operation,
                        payment->currency, now_us, health);
}

static void add_candidate(const struct facts_source *source, struct facts *facts,
                          const struct merchant_account *account, int64_t now_us)
{
    const struct payments_parts *parts = source->parts;
    const struct payment_request *request = source->request;
    const struct route_facts *payment = &facts->payment;
    const struct provider *provider = account->account.provider;
    size_t index = facts->count++;
    struct route_candidate *candidate = &facts->candidate[index];
    facts->account[index] = account;
    facts->token[index] = find_token(request, account);
    *candidate = (struct route_candidate){
        .account_id = account->account.account_id,
        .provider = account->row.provider,
        .account_name = account->row.name,
        .disabled = account->row.disabled || !account->usable,
        .has_token = facts->token[index].len > 0 ||
                     (request->asks_payer && provider != NULL && provider->capability.asks_payer),
        .cost = account->cost,
        .month_volume_minor = /* counted now, whatever moment is asked about */
        volumes_read(parts->volumes, account, payment->currency, clock_wall_us()),
        .amount_max_minor = account->row.amount_max_minor,
    };
    if (provider == NULL)
        return; /* unusable: disabled already */
    candidate->takes_currency = merchant_account_takes(account, payment->currency);
    candidate->takes_operation = (provider->capability.operations >> payment->operation & 1) != 0;
    candidate->takes_method = request->is_payout || takes_method(account, request->method_type);
    candidate->amount_max_minor =
        smaller_limit(account->row.amount_max_minor, provider->capability.amount_max_minor);
    set_hold(candidate, account->row.holds, source->wall_us);
    set_health(source, account, payment, now_us, &candidate->health);
    candidate->is_busy = facts_is_busy(parts->admission, source->rests, &account->account);
}

/* ---- the payment ----------------------------------------------------------------------------- */

void facts_lay_out(const struct facts_source *source, struct facts *facts)
{
    const struct payment_request *request = source->request;
    struct route_facts *payment = &facts->payment;
    *payment = (struct route_facts){
        .operation = facts_operation(request),
        .amount_minor = request->amount_minor,
        .currency = request->currency,
        .method = request->method_type,
        .country = facts_country(request),
        .merchant = id_format(ID_MERCHANT, &source->merchant->merchant_id, facts->merchant),
        .reference = request->reference,
        .customer = request->customer_id,
        .card_brand = request->card_brand,
        .card_country = request->card_country,
        .bin = request->card_bin,
        .beneficiary_country =
            request->beneficiary != NULL ? request->beneficiary->country : STR_NONE,
        .attempt = 1,
        .metadata = request->metadata,
        .metadata_count = request->metadata_count,
        .only_count = request->only_count,
        .never_count = request->never_count,
        .now_us = source->at_us,
        .rates = source->parts->rates,
    };
    if (source->before != NULL) {
        payment->attempt = source->before->attempt;
        payment->previous_decline = source->before->decline;
        payment->previous_reason = source->before->reason;
    }
    memcpy(payment->only, request->only, sizeof(payment->only));
    memcpy(payment->never, request->never, sizeof(payment->never));
    facts->count = 0;
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < source->merchant->account_count; i++) {
        if (is_of_kind(&source->merchant->account[i], request->is_payout))
            add_candidate(source, facts, &source->merchant->account[i], now_us);
    }
}
