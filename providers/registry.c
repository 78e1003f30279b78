#include "providers/provider.h"

#include "providers/adapter.h"
#include "providers/payoneer.h"
#include "providers/payoneer_payouts.h"
#include "providers/paypal.h"
#include "providers/paypal_payouts.h"

static const struct provider *const providers[] = {
    &provider_paypal,
    &provider_payoneer,
    &provider_paypal_payouts,
    &provider_payoneer_payouts,
};

const struct provider *provider_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        if (str_eq(name, str_of(providers[i]->name)))
            return providers[i];
    }
    return NULL;
}

const struct provider *const *provider_all(size_t *count)
{
    *count = ARRAY_LEN(providers);
    return providers;
}

bool provider_takes_currency(const struct provider *provider, const struct currency *currency)
{
    return adapter_has_word(provider->capability.currency_codes, str_of(currency->code));
}
