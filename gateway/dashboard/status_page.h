/*
 * status_page.h - how the gateway does, in the shape that programs know from hosted status pages.
 *
 *     summary     page, status, components, incidents, scheduled_maintenances
 *     status      page, status
 *     components  page, components
 *
 * Components are the API, the ledger and each provider by its name: never an account, a merchant or
 * a reason, because what is shown here may be copied to a public page. Pure: the caller says how all
 * of them do. The gateway keeps no incidents, so those two lists are there and empty.
 */
#ifndef DASHBOARD_STATUS_PAGE_H
#define DASHBOARD_STATUS_PAGE_H

#include "base/json.h"

enum component_status { /* the worse the higher, but for maintenance, which somebody wants */
                        COMPONENT_OPERATIONAL = 0,
                        COMPONENT_MAINTENANCE,
                        COMPONENT_DEGRADED,
                        COMPONENT_PARTIAL_OUTAGE,
                        COMPONENT_MAJOR_OUTAGE,
                        COMPONENT_STATUS_COUNT,
};

enum status_page_part { STATUS_PAGE_SUMMARY, STATUS_PAGE_STATUS, STATUS_PAGE_COMPONENTS };

enum {
    STATUS_PAGE_PROVIDER_MAX = 32, /* more are left out */
    STATUS_PAGE_NAME_SIZE = 64,
};

struct status_provider {
    char name[STATUS_PAGE_NAME_SIZE];
    unsigned healthy; /* accounts, by how they do */
    unsigned degraded;
    unsigned down;
    unsigned held; /* disabled, drained or in maintenance */
};

struct status_page {
    enum component_status api;
    enum component_status ledger;
    struct status_provider provider[STATUS_PAGE_PROVIDER_MAX]; /* by name */
    size_t provider_count;
    int64_t now_us; /* wall clock: when all this was looked at */
};

/* Count an account of a provider in, by what board_state calls it ("healthy", "down", ...). */
void status_page_add_account(struct status_page *page, struct str provider, const char *state);
/*
 * Of all the accounts of a provider. Held ones do not count unless all are: maintenance. None of the
 * others answers: a major outage; some do not: a partial one; some are degraded: degraded.
 */
enum component_status status_page_provider(const struct status_provider *provider);
/* One JSON object; url is of the page itself, empty: none. */
void status_page_print(const struct status_page *page, enum status_page_part part, struct str url,
                       struct json_out *out);

#endif
