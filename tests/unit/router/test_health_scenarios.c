/*
 * test_health_scenarios.c - outage, brown-out, flapping and slow recovery in virtual time: payments
 * come, are routed to two accounts, fail over where nothing was done, and the calls are counted.
 *
 * The promise: off a dead provider within 20 calls or 5 seconds, back within 30 seconds of its
 * recovery, and at most 1.1 provider calls per payment over everything.
 */
#include "health_world.h"

#include <stdlib.h>

#include "base/rng.h"

enum {
    PER_SECOND = 25, /* payments */
    CALL_MAX = 4096,
    SECOND_MAX = 1200,
    SEEDS = 8,
};

struct behaviour { /* of the first account at a moment */
    enum health_event event;
    int64_t latency_us;
};
typedef struct behaviour (*behave_fn)(int64_t at_us, struct rng *rng);

struct call_out {
    int64_t sent_us;
    int64_t done_us;
    enum health_event event;
    unsigned account;
    unsigned tries; /* of its payment, this one included */
};

struct scene {
    struct world *world;
    struct health_entry *entry[2];
    struct route_candidate candidate[2];
    struct rule_set *rules;
    struct rng rng;
    behave_fn behave;
    int64_t start_us;
    struct call_out out[CALL_MAX];
    size_t out_count;
    uint64_t payments;
    uint64_t calls;
    unsigned
        first[SECOND_MAX]; /* payments of that second whose first call was the first account's */
    unsigned came[SECOND_MAX];
};

static struct scene scene;

static void scene_begin(struct world *world, behave_fn behave, uint64_t seed)
{
    memset(&scene, 0, sizeof(scene));
    scene.world = world;
    scene.behave = behave;
    rng_seed(&scene.rng, seed);
    scene.rules = rules_of("default { use paypal, payoneer }");
    scene.start_us = world->now_us;
    for (unsigned i = 0; i < 2; i++) {
        struct uuid id = account_of(1000 + (unsigned)seed * 2 + i);
        scene.entry[i] = health_find(world->health, &id);
        scene.candidate[i] = candidate_of(i == 0 ? "paypal" : "payoneer", "main");
        scene.candidate[i].account_id = id;
    }
}

static int64_t now_s(void)
{
    return (scene.world->now_us - scene.start_us) / S;
}

static void send(unsigned account, unsigned tries)
{
    int64_t now_us = scene.world->now_us;
    struct behaviour is = {HEALTH_SUCCESS, 40 * MS + (int64_t)rng_below(&scene.rng, 40 * MS)};
    if (account == 0) {
        is = scene.behave(now_us - scene.start_us, &scene.rng);
    }
    assert_true(scene.out_count < CALL_MAX);
    scene.out[scene.out_count++] =
        (struct call_out){now_us, now_us + is.latency_us, is.event, account, tries};
    scene.calls++;
    health_sent(scene.entry[account], now_us);
}

/* As the driver does it: a probe that another took meanwhile is passed over. */
static int choose(void)
{
    struct route_decision decision;
    struct route_facts facts = facts_of("EUR", 1000);
    int64_t now_us = scene.world->now_us;
    for (unsigned i = 0; i < 2; i++) {
        health_read_for(scene.world->health, scene.entry[i], OPERATION_SALE,
                        currency_find(STR("EUR")), now_us, &scene.candidate[i].health);
    }
    route_decide(scene.rules, &facts, scene.candidate, 2, rng_next(&scene.rng), &decision);
    for (size_t i = 0; i < decision.kept_count; i++) {
        const struct route_verdict *verdict = &decision.verdict[i];
        struct health_entry *entry = scene.entry[verdict->candidate];
        if (!verdict->probe || health_take_probe(scene.world->health, entry, now_us) ||
            i + 1 == decision.kept_count) {
            return verdict->candidate;
        }
    }
    return -1;
}

static void pay(void)
{
    int account = choose();
    scene.payments++;
    scene.came[now_s()]++;
    if (account >= 0) {
        scene.first[now_s()] += account == 0;
        send((unsigned)account, 1);
    }
}

/* What surely did nothing goes on at the other account; what was lost waits for proof. */
static void answer_one(size_t index)
{
    struct call_out done = scene.out[index];
    scene.out[index] = scene.out[--scene.out_count];
    int64_t now_us = scene.world->now_us;
    struct str reason = done.event == HEALTH_SUCCESS ? STR_NONE : STR("connect_refused");
    health_answered(scene.world->health, scene.entry[done.account], done.event,
                    now_us - done.sent_us, reason, now_us, wall_us + now_us);
    health_outcome(scene.world->health, scene.entry[done.account], OPERATION_SALE,
                   currency_find(STR("EUR")),
                   done.event == HEALTH_SUCCESS ? OUTCOME_APPROVED
                   : done.event == HEALTH_LOST  ? OUTCOME_UNKNOWN
                                                : OUTCOME_FAILED,
                   now_us);
    bool is_sure = done.event == HEALTH_NOT_SENT || done.event == HEALTH_ERROR;
    if (is_sure && done.tries == 1) {
        send(1 - done.account, 2);
    }
}

static void run_until(int64_t end_s)
{
    struct world *world = scene.world;
    while (now_s() < end_s) {
        world->now_us += 5 * MS;
        for (size_t i = scene.out_count; i > 0; i--) {
            if (scene.out[i - 1].done_us <= world->now_us) {
                answer_one(i - 1);
            }
        }
        if (rng_below(&scene.rng, 1000) < (uint64_t)PER_SECOND * 5 && now_s() < end_s) {
            pay();
        }
    }
}

static void scene_end(void)
{
    double per_payment = (double)scene.calls / (double)scene.payments;
    print_message("%u payments, %.4f calls per payment\n", (unsigned)scene.payments, per_payment);
    assert_true(scene.calls * 10 <= scene.payments * 11);
    rule_set_free(&scene.rules);
}

static unsigned count(const unsigned *seconds, int64_t from_s, int64_t to_s)
{
    unsigned sum = 0;
    for (int64_t s = from_s; s < to_s; s++) {
        sum += seconds[s];
    }
    return sum;
}

/* Most of what comes goes to the first account in these seconds. */
static void expect_back(int64_t from_s, int64_t to_s)
{
    unsigned came = count(scene.came, from_s, to_s);
    unsigned first = count(scene.first, from_s, to_s);
    if (first * 10 < came * 9) {
        fail_msg("only %u of %u from second %d on", first, came, (int)from_s);
    }
}

/* Hardly anything goes there: probes. */
static void expect_off(int64_t from_s, int64_t to_s)
{
    unsigned came = count(scene.came, from_s, to_s);
    unsigned first = count(scene.first, from_s, to_s);
    if (first * 20 > came) {
        fail_msg("still %u of %u from second %d on", first, came, (int)from_s);
    }
}

static bool is_down(int64_t at_us, int64_t from_s, int64_t to_s)
{
    return at_us >= from_s * S && at_us < to_s * S;
}

static struct behaviour well(struct rng *rng)
{
    return (struct behaviour){HEALTH_SUCCESS, 50 * MS + (int64_t)rng_below(rng, 50 * MS)};
}

static struct behaviour refuses(int64_t at_us, struct rng *rng)
{
    return is_down(at_us, 60, 180) ? (struct behaviour){HEALTH_NOT_SENT, 2 * MS} : well(rng);
}

static struct behaviour swallows(int64_t at_us, struct rng *rng)
{
    return is_down(at_us, 60, 180) ? (struct behaviour){HEALTH_LOST, 20 * (int64_t)S} : well(rng);
}

static void outage(struct world *world, behave_fn behave, uint64_t seed)
{
    scene_begin(world, behave, seed);
    run_until(60);
    expect_back(5, 60);
    run_until(65);
    unsigned in_5_s = count(scene.first, 60, 65);
    assert_int_equal(look(world).state, HEALTH_CLOSED); /* the world's own account: not touched */
    run_until(180);
    expect_off(65, 180);
    unsigned in_outage = count(scene.first, 60, 180);
    if (behave == refuses) {
        assert_true(in_5_s <= 20);
        assert_true(in_outage <= 20 + 24); /* and a probe each five seconds */
    }
    run_until(300);
    expect_back(210, 300);
    scene_end();
}

static void an_outage_moves_traffic_at_once_and_recovery_brings_it_back(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        outage(*state, refuses, seed);
        outage(*state, swallows, 100 + seed);
    }
}

static struct behaviour slow(int64_t at_us, struct rng *rng)
{
    struct behaviour is = well(rng);
    if (is_down(at_us, 120, 300)) {
        is.latency_us = 2 * S + (int64_t)rng_below(rng, 2 * (int64_t)S);
    }
    return is;
}

static void a_brown_out_moves_traffic_and_its_end_brings_it_back(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct health_history history;
        scene_begin(*state, slow, seed);
        run_until(120);
        expect_back(5, 120);
        run_until(300);
        expect_off(126, 300);
        health_read_history(scene.world->health, scene.entry[0], scene.world->now_us, &history);
        assert_true(history.opening_count > 0);
        assert_int_equal(strncmp(history.opening[0].text, "slow: p95 ", 10), 0);
        run_until(420);
        expect_back(330, 420);
        scene_end();
    }
}

/* Ten seconds up, ten down, for five minutes. */
static struct behaviour flaps(int64_t at_us, struct rng *rng)
{
    bool down = is_down(at_us, 60, 360) && at_us / (10 * (int64_t)S) % 2 == 0;
    return down ? (struct behaviour){HEALTH_ERROR, 30 * MS} : well(rng);
}

static void flapping_costs_few_calls_and_ends_with_the_flapping(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        scene_begin(*state, flaps, seed);
        run_until(360);
        unsigned lost_calls = (unsigned)(scene.calls - scene.payments);
        print_message("%u calls failed while it flapped\n", lost_calls);
        assert_true(lost_calls * 100 < 3 * count(scene.came, 60, 360)); /* 1.03 even then */
        run_until(480);
        expect_back(390, 480);
        scene_end();
    }
}

/* Dead for a minute; then four of five calls fail, and fewer and fewer for the next minute. */
static struct behaviour recovers(int64_t at_us, struct rng *rng)
{
    if (is_down(at_us, 60, 120)) {
        return (struct behaviour){HEALTH_NOT_SENT, 2 * MS};
    }
    int64_t failing =
        at_us < 120 * (int64_t)S ? 0 : 80 - (at_us - 120 * (int64_t)S) * 80 / (60 * (int64_t)S);
    bool fails = failing > 0 && (int64_t)rng_below(rng, 100) < failing;
    return fails ? (struct behaviour){HEALTH_ERROR, 100 * MS} : well(rng);
}

static void a_slow_recovery_is_followed_slowly(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        scene_begin(*state, recovers, seed);
        run_until(330);
        expect_off(65, 120);
        expect_back(210, 330);
        scene_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_outage_moves_traffic_at_once_and_recovery_brings_it_back),
        TEST(a_brown_out_moves_traffic_and_its_end_brings_it_back),
        TEST(flapping_costs_few_calls_and_ends_with_the_flapping),
        TEST(a_slow_recovery_is_followed_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
