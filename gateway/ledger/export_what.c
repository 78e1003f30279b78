#include "ledger/export_what.h"

#include <assert.h>

#include "base/error.h"

#define CSV "text/csv; charset=utf-8; header=present"

const char *const export_what_names[] = {"csv",     "jsonl",         "hledger",
                                         "ledger",  "beancount",     "attempts-csv",
                                         "camt053", "trial-balance", NULL};

/* clang-format off */
static const struct kind {
    enum export_what what;
    const char *suffix;
    const char *type; /* of a file over HTTP */
    bool takes_account;
} kinds[] = { /* in the order of the names */
    {EXPORT_WHAT_JOURNAL,       "csv",       CSV,                         true},
    {EXPORT_WHAT_JOURNAL,       "jsonl",     "application/jsonl",         true},
    {EXPORT_WHAT_JOURNAL,       "hledger",   "text/plain; charset=utf-8", true},
    {EXPORT_WHAT_JOURNAL,       "ledger",    "text/plain; charset=utf-8", true},
    {EXPORT_WHAT_JOURNAL,       "beancount", "text/plain; charset=utf-8", true},
    {EXPORT_WHAT_ATTEMPTS,      "csv",       CSV,                         false},
    {EXPORT_WHAT_CAMT,          "xml",       "application/xml",           true},
    {EXPORT_WHAT_TRIAL_BALANCE, "csv",       CSV,                         false},
};
/* clang-format on */

static_assert(ARRAY_LEN(kinds) + 1 == ARRAY_LEN(export_what_names), "each name has its kind");

static const struct kind *find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(name, str_of(export_what_names[i])))
            return &kinds[i];
    }
    return NULL;
}

static const struct kind *get(struct str name)
{
    const struct kind *kind = find(name);
    CHECK(kind != NULL);
    return kind;
}

enum export_what export_what_find(struct str name)
{
    const struct kind *kind = find(name);
    return kind != NULL ? kind->what : EXPORT_WHAT_NONE;
}

const char *export_what_suffix(struct str name)
{
    return get(name)->suffix;
}

struct str export_what_type(struct str name)
{
    return str_of(get(name)->type);
}

bool export_what_takes_account(struct str name)
{
    return get(name)->takes_account;
}

bool export_what_needs_account(struct str name)
{
    return get(name)->what == EXPORT_WHAT_CAMT;
}
