/*
 * explain_house.h - a merchant made of a list of accounts, for explanations without a gateway: no
 * credentials, no health but what the list says.
 *
 *     [{"provider": "paypal", "name": "main", "fees": {...}, "currencies": ["EUR"],
 *       "methods": ["card"], "amount_max": 0, "disabled": false,
 *       "health": {"state": "open", "success_per_million": 950000, "p95_ms": 120, "slow": false}}]
 *
 * As `turnpike accounts list --json` prints it, and `health` as decisions have it.
 */
#ifndef PROCESS_EXPLAIN_HOUSE_H
#define PROCESS_EXPLAIN_HOUSE_H

#include "base/json.h"
#include "payment/merchant.h"

struct explain_house {
    struct merchant merchant;
    struct health_view told[MERCHANT_ACCOUNT_MAX];
    struct arena arena;
};

void explain_house_init(struct explain_house *house);
void explain_house_release(struct explain_house *house);
/* One account "main" of each provider, without fees. */
void explain_house_fill(struct explain_house *house);
/* A list of accounts, or an object with such a list as `data`. */
bool explain_house_read(struct explain_house *house, const json_t *list,
                        struct error *err) MUST_USE;

#endif
