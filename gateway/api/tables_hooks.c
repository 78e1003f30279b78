/* The field tables of webhook endpoints and deliveries. */
#include "api/tables.h"

#include "base/event_type.h"
#include "http/egress.h"
#include "ledger/hooks.h"

static const char *const states[] = {"waiting", "sending", "delivered", "failed", "skipped", NULL};
static const char *const final_states[] = {"failed", "skipped", "delivered", NULL};

#define SET(table) .fields = table, .count = ARRAY_LEN(table)
#define URL_HINT                                                                                   \
    "must be an address that begins with https://, of at most 2000 characters, without user and "  \
    "fragment"

/* clang-format off */
static const struct field endpoint_table[] = {
    {"url",         FIELD_STRING, .required = true, .least = 9, .most = EGRESS_URL_MAX, .form = &form_token, .hint = URL_HINT,
     .example = "\"https://shop.example.com/turnpike\"", .help = "Where events are sent: https, port 443 or one from 1024 on, a public address."},
    {"event_types", FIELD_LIST, .most = TABLES_EVENT_TYPE_MAX, .item_most = HOOK_TYPE_MAX, .form = &form_event_types, .example = "[\"payment.*\", \"payout.succeeded\"]",
     .help = "Types to be told of; `payment.*` is all that begin so, `*` all. Left out: all."},
    {"description", FIELD_STRING, .most = 200, .example = "\"the shop's order service\""},
    {"enabled",     FIELD_BOOL, .help = "False: events are kept as `skipped`, to be replayed later. True unless told."},
};
const struct field_set hook_fields = {"WebhookEndpointRequest", "An address that is told of events.", SET(endpoint_table)};

static const struct field change_table[] = {
    {"url",         FIELD_STRING, .least = 9, .most = EGRESS_URL_MAX, .form = &form_token, .hint = URL_HINT},
    {"event_types", FIELD_LIST, .most = TABLES_EVENT_TYPE_MAX, .item_most = HOOK_TYPE_MAX, .form = &form_event_types, .help = "Replaces all. Empty: all types."},
    {"description", FIELD_STRING, .most = 200},
    {"enabled",     FIELD_BOOL, .help = "True also forgets former failures; what was skipped meanwhile can be replayed."},
};
const struct field_set hook_change_fields = {"WebhookEndpointChange", "What is to be changed; members left out stay.", SET(change_table), .has_any = true};

static const struct field rotate_table[] = {
    {"grace_hours", FIELD_INTEGER, .least = 0, .most = TABLES_GRACE_HOURS_MAX, .help = "The old secrets sign as well for so long; 24 unless told."},
};
const struct field_set hook_rotate_fields = {"WebhookRotation", "New secrets in the place of the old ones.", SET(rotate_table), .is_optional = true};

static const struct field replay_table[] = {
    {"from",   FIELD_STRING, .required = true, .least = 10, .most = 40, .form = &form_time, .example = "\"2026-11-20T00:00:00Z\"", .help = "RFC 3339; of the event, inclusive."},
    {"to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive. Left out: until now."},
    {"status", FIELD_STRING, .words = final_states, .help = "Of the deliveries. Left out: `failed` and `skipped`."},
};
const struct field_set hook_replay_fields = {"WebhookReplay", "Which deliveries are to be made again.", SET(replay_table)};

static const struct field delivery_query_table[] = {
    OF_MERCHANT,
    {"limit",          FIELD_INTEGER, .least = 1, .most = TABLES_LIST_LIMIT_MAX, .help = "Deliveries in one page; 10 unless told."},
    {"starting_after", FIELD_STRING, .least = 56, .most = 56, .form = &form_delivery_id, .help = "The last id of the page before."},
    {"created_from",   FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; of the event, inclusive."},
    {"created_to",     FIELD_STRING, .least = 10, .most = 40, .form = &form_time, .help = "RFC 3339; exclusive."},
    {"status",         FIELD_STRING, .words = states},
    {"type",           FIELD_STRING, .least = 1, .most = HOOK_TYPE_MAX, .form = &form_token, .help = "Of the event, exactly."},
};
const struct field_set delivery_query = {"WebhookDeliveryQuery", "", SET(delivery_query_table)};
/* clang-format on */
