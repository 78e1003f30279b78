#include "dashboard/status_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"

#define PAGE_ID "turnpike"

/* clang-format off */
static const char *const status_words[COMPONENT_STATUS_COUNT] = {
    [COMPONENT_OPERATIONAL]    = "operational",
    [COMPONENT_MAINTENANCE]    = "under_maintenance",
    [COMPONENT_DEGRADED]       = "degraded_performance",
    [COMPONENT_PARTIAL_OUTAGE] = "partial_outage",
    [COMPONENT_MAJOR_OUTAGE]   = "major_outage",
};

enum indicator { ALL_WELL, IN_MAINTENANCE, MINOR, MAJOR, CRITICAL, INDICATOR_COUNT };

static const struct {
    const char *word;
    const char *description;
} indicators[INDICATOR_COUNT] = {
    [ALL_WELL]       = {"none",        "All Systems Operational"},
    [IN_MAINTENANCE] = {"maintenance", "Service Under Maintenance"},
    [MINOR]          = {"minor",       "Minor Service Outage"},
    [MAJOR]          = {"major",       "Partial System Outage"},
    [CRITICAL]       = {"critical",    "Major System Outage"},
};
/* clang-format on */

/* ---- what is counted --------------------------------------------------------------------------- */

static struct status_provider *provider_of(struct status_page *page, struct str name)
{
    size_t at = 0;
    while (at < page->provider_count && str_compare(str_of(page->provider[at].name), name) < 0)
        at++;
    if (at < page->provider_count && str_eq(str_of(page->provider[at].name), name))
        return &page->provider[at];
    if (page->provider_count == STATUS_PAGE_PROVIDER_MAX || name.len >= STATUS_PAGE_NAME_SIZE)
        return NULL;
    memmove(&page->provider[at + 1], &page->provider[at],
            (page->provider_count - at) * sizeof(page->provider[0]));
    page->provider_count++;
    page->provider[at] = (struct status_provider){.healthy = 0};
    memcpy(page->provider[at].name, name.at, name.len);
    return &page->provider[at];
}

void status_page_add_account(struct status_page *page, struct str provider, const char *state)
{
    struct status_provider *to = provider_of(page, provider);
    if (to == NULL)
        return;
    if (strcmp(state, "healthy") == 0)
        to->healthy++;
    else if (strcmp(state, "degraded") == 0)
        to->degraded++;
    else if (strcmp(state, "down") == 0 || strcmp(state, "unusable") == 0)
        to->down++;
    else
        to->held++;
}

enum component_status status_page_provider(const struct status_provider *provider)
{
    if (provider->down > 0)
        return provider->healthy + provider->degraded > 0 ? COMPONENT_PARTIAL_OUTAGE
                                                          : COMPONENT_MAJOR_OUTAGE;
    if (provider->degraded > 0)
        return COMPONENT_DEGRADED;
    return provider->healthy > 0 ? COMPONENT_OPERATIONAL : COMPONENT_MAINTENANCE;
}

/* A provider that is away is not the whole: others take its payments. */
static enum indicator indicator_of(const struct status_page *page)
{
    static const enum indicator of_provider[COMPONENT_STATUS_COUNT] = {
        [COMPONENT_MAINTENANCE] = IN_MAINTENANCE,
        [COMPONENT_DEGRADED] = MINOR,
        [COMPONENT_PARTIAL_OUTAGE] = MINOR,
        [COMPONENT_MAJOR_OUTAGE] = MAJOR,
    };
    static const enum indicator of_own[COMPONENT_STATUS_COUNT] = {
        [COMPONENT_MAINTENANCE] = IN_MAINTENANCE,
        [COMPONENT_DEGRADED] = MINOR,
        [COMPONENT_PARTIAL_OUTAGE] = MAJOR,
        [COMPONENT_MAJOR_OUTAGE] = CRITICAL,
    };
    enum indicator worst = of_own[page->api];
    if (of_own[page->ledger] > worst)
        worst = of_own[page->ledger];
    for (size_t i = 0; i < page->provider_count; i++) {
        enum indicator one = of_provider[status_page_provider(&page->provider[i])];
        if (one > worst)
            worst = one;
    }
    return worst;
}

/* ---- what is printed --------------------------------------------------------------------------- */

static void put_page(const struct status_page *page, struct str url, struct json_out *out)
{
    char text[CLOCK_TEXT_SIZE];
    json_key(out, "page");
    json_begin_object(out);
    json_put_cstr(out, "id", PAGE_ID);
    json_put_cstr(out, "name", "Turnpike");
    json_put_str(out, "url", url);
    json_put_cstr(out, "time_zone", "Etc/UTC");
    json_put_str(out, "updated_at", clock_format_ms(page->now_us, text));
    json_end_object(out);
}

static void put_status(const struct status_page *page, struct json_out *out)
{
    enum indicator indicator = indicator_of(page);
    json_key(out, "status");
    json_begin_object(out);
    json_put_cstr(out, "indicator", indicators[indicator].word);
    json_put_cstr(out, "description", indicators[indicator].description);
    json_end_object(out);
}

struct component { /* borrowed */
    const char *id;
    const char *name;
    const char *description;
    enum component_status status;
};

static void put_component(const struct status_page *page, const struct component *component,
                          int64_t position, struct json_out *out)
{
    char text[CLOCK_TEXT_SIZE];
    json_begin_object(out);
    json_put_cstr(out, "id", component->id);
    json_put_cstr(out, "name", component->name);
    json_put_cstr(out, "status", status_words[component->status]);
    json_put_null(out, "created_at");
    json_put_str(out, "updated_at", clock_format_ms(page->now_us, text));
    json_put_int(out, "position", position);
    json_put_cstr(out, "description", component->description);
    json_put_bool(out, "showcase", true);
    json_put_null(out, "start_date");
    json_put_null(out, "group_id");
    json_put_cstr(out, "page_id", PAGE_ID);
    json_put_bool(out, "group", false);
    json_put_bool(out, "only_show_if_degraded", false);
    json_end_object(out);
}

static void put_components(const struct status_page *page, struct json_out *out)
{
    const struct component own[] = {
        {"api", "API", "Takes payments and payouts.", page->api},
        {"ledger", "Ledger", "Without it nothing is charged.", page->ledger},
    };
    json_key(out, "components");
    json_begin_array(out);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        put_component(page, &own[i], (int64_t)i + 1, out);
    for (size_t i = 0; i < page->provider_count; i++) {
        const struct status_provider *provider = &page->provider[i];
        char id[STATUS_PAGE_NAME_SIZE + 16];
        (void)snprintf(id, sizeof(id), "provider-%s", provider->name);
        put_component(
            page,
            &(struct component){id, provider->name, "A provider.", status_page_provider(provider)},
            (int64_t)(ARRAY_LEN(own) + i + 1), out);
    }
    json_end_array(out);
}

static void put_nothing(struct json_out *out, const char *key)
{
    json_key(out, key);
    json_begin_array(out);
    json_end_array(out);
}

void status_page_print(const struct status_page *page, enum status_page_part part, struct str url,
                       struct json_out *out)
{
    json_begin_object(out);
    put_page(page, url, out);
    if (part != STATUS_PAGE_COMPONENTS)
        put_status(page, out);
    if (part != STATUS_PAGE_STATUS)
        put_components(page, out);
    if (part == STATUS_PAGE_SUMMARY) {
        put_nothing(out, "incidents");
        put_nothing(out, "scheduled_maintenances");
    }
    json_end_object(out);
}
