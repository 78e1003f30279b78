/*
 * replayed.c - decisions made again from their own records: random files and payments, each
 * decision printed as it is stored, and made again from that text and what a payments row has.
 *
 *     make router-replay [PAIRS=100000 SEED=1]
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "payment/replay.h"

enum {
    PAYMENTS = 100, /* per file */
    RULES_MAX = 12,
    BYTES_MAX = 1 << 20,
};

struct scene {
    struct rule_set *rules;
    struct gen_tables tables;
};

static const struct rule_set *find_rules(void *ctx, const struct uuid *merchant UNUSED,
                                         const uint8_t hash[32])
{
    struct scene *scene = ctx;
    return memcmp(rule_set_hash(scene->rules), hash, 32) == 0 ? scene->rules : NULL;
}

static const struct cost_table *find_fees(void *ctx, const struct uuid *merchant UNUSED,
                                          const uint8_t hash[32])
{
    struct scene *scene = ctx;
    for (size_t i = 0; i < GEN_PEERS; i++) {
        const struct cost_table *table = scene->tables.cost[i];
        if (table != NULL && memcmp(cost_table_hash(table), hash, 32) == 0)
            return table;
    }
    return NULL;
}

static const struct rates *find_rates(void *ctx, const uint8_t hash[32])
{
    struct scene *scene = ctx;
    return memcmp(rates_hash(scene->tables.rates), hash, 32) == 0 ? scene->tables.rates : NULL;
}

static void print_metadata(const struct route_facts *facts, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    for (size_t i = 0; i < facts->metadata_count; i++) {
        bool is_again = false;
        for (size_t k = 0; k < i; k++)
            is_again = is_again || str_eq(facts->metadata[k].name, facts->metadata[i].name);
        if (!is_again) { /* of equal names the first counts, and a JSON object has one */
            char name[64];
            (void)str_copy_to(facts->metadata[i].name, name, sizeof(name));
            json_put_str(&json, name, facts->metadata[i].value);
        }
    }
    json_end_object(&json);
}

/* What the decision record has beside the router's own: facts that the payments row lacks. */
static void add_facts(const struct route_facts *facts, struct buf *record)
{
    CHECK(record->len > 0 && record->at[record->len - 1] == '}');
    record->len--;
    struct json_out json;
    buf_add_str(record, STR(",\"facts\":"));
    json_out_init(&json, record);
    json_begin_object(&json);
    json_put_str(&json, "card_brand", facts->card_brand);
    json_put_str(&json, "card_country", facts->card_country);
    json_put_str(&json, "bin", facts->bin);
    json_put_str(&json, "beneficiary_country", facts->beneficiary_country);
    json_put_str(&json, "previous_decline", facts->previous_decline);
    json_put_str(&json, "previous_reason", facts->previous_reason);
    json_end_object(&json);
    buf_add_char(record, '}');
}

static uint64_t replay_file(uint64_t seed, struct scene *scene)
{
    struct rng rng;
    struct buf text;
    struct buf record;
    struct buf metadata;
    struct buf why;
    struct error err = {.text = ""};
    uint64_t different = 0;
    buf_init(&text, BYTES_MAX);
    buf_init(&record, BYTES_MAX);
    buf_init(&metadata, BYTES_MAX);
    buf_init(&why, BYTES_MAX);
    rng_seed(&rng, seed);
    gen_rules(&rng, RULES_MAX, &text);
    scene->rules = rule_set_new(buf_str(&text), gen_providers, GEN_PEERS, &err);
    CHECK(scene->rules != NULL);
    struct replay_sources sources = {find_rules, find_fees, find_rates, scene};
    for (size_t i = 0; i < PAYMENTS; i++) {
        struct gen_payment payment;
        struct route_decision decision;
        char merchant[ID_TEXT_SIZE];
        gen_payment(&rng, &scene->tables, &payment);
        payment.facts.merchant = id_format(ID_MERCHANT, &(struct uuid){.byte = {0}}, merchant);
        route_decide(scene->rules, &payment.facts, payment.candidate, GEN_PEERS, rng_next(&rng),
                     &decision);
        buf_clear(&record);
        buf_clear(&metadata);
        buf_clear(&why);
        route_decision_print(&decision, payment.candidate, &record);
        add_facts(&payment.facts, &record);
        print_metadata(&payment.facts, &metadata);
        struct history_row row = {
            .created_us = payment.facts.now_us,
            .amount_minor = payment.facts.amount_minor,
            .number = payment.facts.attempt,
            .operation = payment.facts.operation,
            .currency = str_of(payment.facts.currency->code),
            .reference = payment.facts.reference,
            .method = payment.facts.method,
            .country = payment.facts.country,
            .metadata_json = buf_str(&metadata),
            .decision_json = buf_str(&record),
        };
        if (replay_decision(&row, &sources, &why) != REPLAY_SAME && different++ == 0)
            (void)fprintf(stderr, STR_FMT "\n" STR_FMT "\nseed %" PRIu64 ": " STR_FMT "\n",
                          STR_ARG(buf_str(&text)), STR_ARG(buf_str(&record)), seed,
                          STR_ARG(buf_str(&why)));
    }
    rule_set_free(&scene->rules);
    buf_release(&text);
    buf_release(&record);
    buf_release(&metadata);
    buf_release(&why);
    return different;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t pairs = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    struct scene scene = {.rules = NULL};
    uint64_t different = 0;
    uint64_t done = 0;
    gen_tables_init(&scene.tables);
    for (; done < pairs && different == 0; done += PAYMENTS)
        different = replay_file(seed++, &scene);
    gen_tables_release(&scene.tables);
    if (different > 0)
        (void)fprintf(stderr, "run it alone: make router-replay SEED=%" PRIu64 " PAIRS=%d\n",
                      seed - 1, PAYMENTS);
    else
        printf("router-replay: %" PRIu64 " decisions made again from their records: identical\n",
               done);
    return different > 0;
}
