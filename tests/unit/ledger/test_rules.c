/* Rule sets: versions stay what they are, moves say what is in force, and of two at once one wins. */
#include "base/crypto.h"
#include "ledger/rules.h"
#include "tests/unit/ledger/fixture.h"

struct answer {
    struct fixture *f;
    enum store_find found;
    struct error why;
    size_t count;
    struct rules_version version[8];
    struct rules_move move[16];
    struct rules_force force[6];
    struct rules_tally live, canary;
};

static void done(void *ctx, enum store_find found, const struct error *why)
{
    struct answer *answer = ctx;
    answer->found = found;
    answer->why = *why;
    fixture_answered(answer->f);
}

static void versions_done(void *ctx, enum store_find found, const struct rules_version *versions,
                          size_t count, const struct error *why)
{
    struct answer *answer = ctx;
    assert_true(count <= ARRAY_LEN(answer->version));
    answer->count = count;
    for (size_t i = 0; i < count; i++)
        answer->version[i] = versions[i];
    done(ctx, found, why);
}

static void moves_done(void *ctx, enum store_find found, const struct rules_move *moves,
                       size_t count, const struct error *why)
{
    struct answer *answer = ctx;
    assert_true(count <= ARRAY_LEN(answer->move));
    answer->count = count;
    for (size_t i = 0; i < count; i++)
        answer->move[i] = moves[i];
    done(ctx, found, why);
}

static void force_done(void *ctx, enum store_find found, const struct rules_force *force,
                       size_t count, const struct error *why)
{
    struct answer *answer = ctx;
    assert_true(count <= ARRAY_LEN(answer->force));
    answer->count = count;
    for (size_t i = 0; i < count; i++)
        answer->force[i] = force[i];
    done(ctx, found, why);
}

static void tallies_done(void *ctx, enum store_find found, const struct rules_tally *live,
                         const struct rules_tally *canary, const struct error *why)
{
    struct answer *answer = ctx;
    answer->live = *live;
    answer->canary = *canary;
    done(ctx, found, why);
}

static int64_t put(struct fixture *f, const struct uuid *merchant_id, const char *text)
{
    struct number number = {.f = f};
    struct rules_version version = {
        .merchant_id = *merchant_id,
        .text = str_of(text),
        .author = STR("key_ada"),
        .comment = STR("why"),
        .created_us = 1800000000 * CLOCK_SECOND_US,
    };
    crypto_sha256(version.text, version.hash);
    f->waiting_for++;
    rules_put(f->store, &version, number_done, &number);
    fixture_wait(f);
    return number.found == STORE_FOUND ? number.count : -1;
}

static struct answer move(struct fixture *f, const struct uuid *merchant_id,
                          const struct rules_move *move)
{
    struct answer answer = {.f = f};
    f->waiting_for++;
    rules_move(f->store, merchant_id, move, done, &answer);
    fixture_wait(f);
    return answer;
}

static struct rules_move make(int32_t number, enum rules_kind kind, int32_t version)
{
    return (struct rules_move){
        .number = number,
        .kind = kind,
        .version = version,
        .created_us = (1800000000 + number) * CLOCK_SECOND_US,
        .author = STR("key_ada"),
        .reason = STR("because"),
    };
}

static void moves_to(struct fixture *f, const struct uuid *merchant_id, int32_t number,
                     enum rules_kind kind, int32_t version)
{
    struct rules_move next = make(number, kind, version);
    next.percent_millionths = kind == RULES_CANARY ? 50000 : 0;
    assert_int_equal(move(f, merchant_id, &next).found, STORE_FOUND);
}

static struct answer force_of(struct fixture *f, const struct uuid *merchant_id,
                              struct arena *arena)
{
    struct answer answer = {.f = f};
    f->waiting_for++;
    rules_in_force(f->store, merchant_id, arena, force_done, &answer);
    fixture_wait(f);
    assert_int_equal(answer.found, STORE_FOUND);
    return answer;
}

static int32_t version_of(const struct answer *answer, const struct uuid *whose, enum rules_arm arm)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->force[i].arm == arm && uuid_eq(&answer->force[i].merchant_id, whose))
            return answer->force[i].version;
    }
    return 0;
}

static int64_t directory_now(struct fixture *f)
{
    struct number number = {.f = f};
    f->waiting_for++;
    directory_version(f->store, number_done, &number);
    return number_wait(&number);
}

static void versions_are_numbered_and_stay(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct uuid one = uuid_new();
    struct uuid other = uuid_new();
    fixture_open(&f);
    arena_init(&arena, 1 << 20);
    assert_int_equal(put(&f, &one, "otherwise { by cost }"), 1);
    assert_int_equal(put(&f, &one, "otherwise { use paypal }"), 2);
    assert_int_equal(put(&f, &one, "otherwise { by cost }"), -1); /* it is there */
    assert_int_equal(put(&f, &other, "otherwise { by cost }"), 1);
    struct answer answer = {.f = &f};
    f.waiting_for++;
    rules_load(f.store, &one, 2, &arena, versions_done, &answer);
    fixture_wait(&f);
    assert_int_equal(answer.count, 1);
    assert_true(str_eq(answer.version[0].text, STR("otherwise { use paypal }")));
    assert_true(str_eq(answer.version[0].author, STR("key_ada")));
    f.waiting_for++;
    rules_find(f.store, &other, answer.version[0].hash, &arena, versions_done, &answer);
    fixture_wait(&f);
    assert_int_equal(answer.found, STORE_ABSENT); /* of another merchant */
    f.waiting_for++;
    rules_list(f.store, &one, &arena, versions_done, &answer);
    fixture_wait(&f);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.version[0].version, 2);
    arena_release(&arena);
    fixture_close(&f);
}

static void the_last_moves_say_what_is_in_force(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct uuid one = uuid_new();
    struct uuid house = {{0}};
    fixture_open(&f);
    arena_init(&arena, 1 << 20);
    assert_int_equal(put(&f, &one, "otherwise { by cost }"), 1);
    assert_int_equal(put(&f, &one, "otherwise { use paypal }"), 2);
    assert_int_equal(put(&f, &house, "otherwise { by success }"), 1);
    assert_int_equal(force_of(&f, &one, &arena).count, 0);
    int64_t before = directory_now(&f);
    moves_to(&f, &house, 1, RULES_PUBLISHED, 1);
    assert_true(directory_now(&f) > before);
    moves_to(&f, &one, 1, RULES_PUBLISHED, 1);
    moves_to(&f, &one, 2, RULES_CANARY, 2);
    moves_to(&f, &one, 3, RULES_SHADOW, 2);
    struct answer now = force_of(&f, &one, &arena);
    assert_int_equal(version_of(&now, &house, RULES_ARM_LIVE), 1);
    assert_int_equal(version_of(&now, &one, RULES_ARM_LIVE), 1);
    assert_int_equal(version_of(&now, &one, RULES_ARM_CANARY), 2);
    assert_int_equal(version_of(&now, &one, RULES_ARM_SHADOW), 2);
    moves_to(&f, &one, 4, RULES_CANARY_STOPPED, 2);
    moves_to(&f, &one, 5, RULES_SHADOW_STOPPED, 2);
    now = force_of(&f, &one, &arena);
    assert_int_equal(now.count, 2); /* the two live ones */
    moves_to(&f, &one, 6, RULES_CANARY, 2);
    moves_to(&f, &one, 7, RULES_PUBLISHED, 2);
    now = force_of(&f, &one, &arena);
    assert_int_equal(version_of(&now, &one, RULES_ARM_LIVE), 2);
    assert_int_equal(version_of(&now, &one, RULES_ARM_CANARY), 0); /* it became the live one */
    moves_to(&f, &one, 8, RULES_ROLLED_BACK, 0);
    now = force_of(&f, &one, &arena);
    assert_int_equal(version_of(&now, &one, RULES_ARM_LIVE), 0);
    assert_int_equal(version_of(&now, &house, RULES_ARM_LIVE), 1);
    arena_release(&arena);
    fixture_close(&f);
}

static void of_two_who_move_at_once_one_wins(void **state)
{
    (void)state;
    struct fixture f;
    struct arena arena;
    struct uuid one = uuid_new();
    fixture_open(&f);
    arena_init(&arena, 1 << 20);
    assert_int_equal(put(&f, &one, "otherwise { by cost }"), 1);
    struct rules_move first = make(1, RULES_PROPOSED, 1);
    assert_int_equal(move(&f, &one, &first).found, STORE_FOUND);
    struct answer second = move(&f, &one, &first);
    assert_int_equal(second.found, STORE_ABSENT);
    assert_int_equal(second.why.code, ERROR_CONFLICT);
    struct rules_move unknown = make(2, RULES_PUBLISHED, 7);
    assert_int_equal(move(&f, &one, &unknown).found, STORE_ABSENT);
    struct rules_move both = make(2, RULES_PUBLISHED, 1);
    both.approver = STR("key_grace");
    assert_int_equal(move(&f, &one, &both).found, STORE_FOUND);
    struct answer all = {.f = &f};
    f.waiting_for++;
    rules_moves(f.store, &one, &arena, moves_done, &all);
    fixture_wait(&f);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.move[0].kind, RULES_PUBLISHED);
    assert_true(str_eq(all.move[0].author, STR("key_ada")));
    assert_int_equal(all.move[1].kind, RULES_APPROVED);
    assert_true(str_eq(all.move[1].author, STR("key_grace")));
    assert_int_equal(rules_last_number(all.move, all.count), 3);
    assert_null(rules_proposal(all.move, all.count));
    assert_non_null(rules_proposal(&all.move[2], 1));
    arena_release(&arena);
    fixture_close(&f);
}

static void what_workers_count_adds_up_and_one_looks(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid one = uuid_new();
    struct rules_tally some = {.approved = 3,
                               .declined = 2,
                               .unknown = 1,
                               .fee_count = 3,
                               .fee_sum = 90,
                               .fee_squares = 9};
    fixture_open(&f);
    assert_int_equal(put(&f, &one, "otherwise { by cost }"), 1);
    moves_to(&f, &one, 1, RULES_CANARY, 1);
    struct answer answer = {.f = &f};
    for (int i = 0; i < 2; i++) {
        f.waiting_for++;
        rules_tally(f.store, &one, 1, RULES_ARM_CANARY, &some, done, &answer);
        fixture_wait(&f);
        assert_int_equal(answer.found, STORE_FOUND);
    }
    for (int i = 0; i < 2; i++) {
        struct number number = {.f = &f};
        f.waiting_for++;
        rules_look(f.store, &one, 1, 4, number_done, &number);
        assert_int_equal(number_wait(&number), i == 0 ? 1 : 0);
    }
    f.waiting_for++;
    rules_tallies(f.store, &one, 1, tallies_done, &answer);
    fixture_wait(&f);
    assert_int_equal(answer.canary.approved, 6);
    assert_int_equal(answer.canary.fee_sum, 180);
    assert_int_equal(answer.canary.looks, 4);
    assert_int_equal(answer.live.approved, 0);
    fixture_close(&f);
}

/* Newest last here, as one writes it down. */
static int32_t former(const struct rules_move *moves, size_t count)
{
    struct rules_move newest_first[16];
    for (size_t i = 0; i < count; i++)
        newest_first[i] = moves[count - 1 - i];
    return rules_former_version(newest_first, count);
}

static void rolling_back_goes_down_the_publications(void **state)
{
    (void)state;
    const struct rules_move moves[] = {
        make(1, RULES_PUBLISHED, 1), make(2, RULES_PUBLISHED, 2),   make(3, RULES_CANARY, 4),
        make(4, RULES_PUBLISHED, 3), make(5, RULES_ROLLED_BACK, 2), make(6, RULES_ROLLED_BACK, 1),
        make(7, RULES_PUBLISHED, 3), make(8, RULES_ROLLED_BACK, 1), make(9, RULES_ROLLED_BACK, 0),
    };
    assert_int_equal(former(moves, 1), 0);
    assert_int_equal(former(moves, 2), 1);
    assert_int_equal(former(moves, 4), 2);
    assert_int_equal(former(moves, 5), 1);
    assert_int_equal(former(moves, 6), 0);
    assert_int_equal(former(moves, 7), 1);
    assert_int_equal(former(moves, 8), 0);
    assert_int_equal(former(moves, 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(versions_are_numbered_and_stay, fixture_new_database),
        cmocka_unit_test_setup(the_last_moves_say_what_is_in_force, fixture_new_database),
        cmocka_unit_test_setup(of_two_who_move_at_once_one_wins, fixture_new_database),
        cmocka_unit_test_setup(what_workers_count_adds_up_and_one_looks, fixture_new_database),
        cmocka_unit_test(rolling_back_goes_down_the_publications),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
