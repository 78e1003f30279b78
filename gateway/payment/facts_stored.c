#include "payment/facts.h"

static size_t read_names(const json_t *names, struct str out[ROUTE_CANDIDATE_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(names) && count < ROUTE_CANDIDATE_MAX; i++) {
        const json_t *name = json_array_get(names, i);
        if (json_is_string(name))
            out[count++] = (struct str){json_string_value(name), json_string_length(name)};
    }
    return count;
}

void facts_take_stored(json_t *metadata, const json_t *routing, const json_t *given,
                       struct route_pair pairs[ROUTE_METADATA_MAX], struct route_facts *facts)
{
    facts->card_brand = json_text(given, "card_brand");
    facts->card_country = json_text(given, "card_country");
    facts->bin = json_text(given, "bin");
    facts->beneficiary_country = json_text(given, "beneficiary_country");
    facts->previous_decline = json_text(given, "previous_decline");
    facts->previous_reason = json_text(given, "previous_reason");
    facts->only_count = read_names(json_object_get(routing, "only"), facts->only);
    facts->never_count = read_names(json_object_get(routing, "never"), facts->never);
    facts->metadata = pairs;
    facts->metadata_count = 0;
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(metadata, name, value)
    {
        if (facts->metadata_count < ROUTE_METADATA_MAX && json_is_string(value))
            pairs[facts->metadata_count++] = (struct route_pair){
                str_of(name), {json_string_value(value), json_string_length(value)}};
    }
}
