#include "payment/driver.h"

#include "base/json.h"
#include "payment/present.h"

struct str drive_add_expiry(struct drive *drive, struct str facts_json, int64_t expires_us)
{
    CHECK(expires_us > 0);
    struct str rest = str_sub(facts_json, 1, facts_json.len);
    if (!str_starts(facts_json, STR("{")))
        rest = STR("}");
    return arena_printf(&drive->arena, "{\"" PRESENT_EXPIRES "\":\"%lld\"%s" STR_FMT,
                        (long long)expires_us, rest.len > 1 ? "," : "", STR_ARG(rest));
}

int64_t drive_read_expiry(const struct store_attempt_view *attempt)
{
    int64_t expires_us = 0;
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        const struct store_outcome *outcome = &attempt->outcomes[i];
        struct error ignored;
        if (outcome->outcome != OUTCOME_REQUIRES_ACTION)
            continue;
        json_t *facts = json_parse(outcome->facts_json, &json_limits_default, &ignored);
        int64_t found_us = facts != NULL ? present_expires_us(facts) : 0;
        if (found_us > 0)
            expires_us = found_us;
        json_decref(facts);
    }
    return expires_us;
}
