/*
 * cost_table.h - a fee table in memory: what cost_table.c and cost_scope.c read and cost.c asks.
 * Private to these three.
 *
 *     scope.rate[currency] --> rates[n] --> rates[n + 1 ...]: its tiers
 *
 * Entries are found by currency, so that asking costs the same however long the table is.
 */
#ifndef ROUTER_COST_TABLE_H
#define ROUTER_COST_TABLE_H

#include "router/cost.h"
#include "router/document.h"

enum {
    COST_METHOD_MAX = 16,
    COST_METHOD_SIZE = 33,
    COST_TIER_MAX = 16, /* of one entry, beside itself */
    COST_RATE_MAX = UINT16_MAX,
    COST_CURRENCY_MAX = 192,
    COST_ZONE_SIZE = 48,
    COST_ENTRY_SIZE = 48,
};

struct rate {        /* an entry, or one of its tiers */
    int64_t percent; /* in millionths of the amount */
    int64_t fixed_minor;
    int64_t min_minor;
    int64_t max_minor;                 /* 0: no cap */
    int64_t step_minor;                /* fees are multiples of it */
    int64_t from_minor;                /* of a tier: from this volume on */
    const struct currency *amounts_in; /* of fixed, min and max; NULL: the payment's */
    uint16_t tier_count;               /* they follow it */
};

struct scope { /* the table itself, or what it says of one method, operation or event */
    bool known;
    bool is_event;                    /* what it does not say is nothing, not the table's */
    bool returns;                     /* a refund gives back something of the payment's fee */
    uint16_t fallback;                /* of currencies not listed; 0: none */
    uint16_t rate[COST_CURRENCY_MAX]; /* by currency_index(); 0: not listed */
    int64_t percent;                  /* of entries that give none; -1: not given */
    int64_t cross_border;             /* -1: not given */
    int64_t conversion;               /* -1: not given */
    int64_t returned_percent;         /* shares in millionths */
    int64_t returned_fixed;
    int64_t returned_surcharge;
    char entry[COST_ENTRY_SIZE]; /* "operations.payout" */
};

struct cost_table {
    char country[3]; /* empty: not given, nothing is cross-border */
    bool settles_all;
    bool settles[COST_CURRENCY_MAX]; /* by currency_index() */
    bool conversion_of_net;
    bool rounds_each;
    bool has_tiers;
    bool needs_rates;
    bool volume_is_previous;
    enum money_rounding rounding;
    const struct currency *volume_currency; /* NULL: each for itself */
    char zone[COST_ZONE_SIZE];
    struct scope base;
    struct scope operations[OPERATION_COUNT];
    struct scope events[COST_EVENT_COUNT];
    struct {
        char name[COST_METHOD_SIZE];
        struct scope scope;
    } methods[COST_METHOD_MAX];
    size_t method_count;
    struct rate *rates; /* owned; [0] is nobody's */
    size_t rate_count;
    size_t rate_room;
    char *text; /* owned; canonical */
    size_t text_len;
    uint8_t hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
};

struct cost_reader {
    struct document document;
    struct cost_table *table; /* borrowed */
};

/* What stands in a scope, its members known by cost_scope_takes. Operations, methods and events have
 * a path; the table itself has none. */
bool cost_scope_read(struct cost_reader *reader, const struct path *path, json_t *object,
                     struct scope *scope, struct error *err) MUST_USE;
bool cost_scope_takes(const struct scope *scope, const char *member);

#endif
