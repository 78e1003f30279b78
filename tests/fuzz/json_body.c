/*
 * Fuzz the JSON bodies that merchants and operators send. The first octet chooses the table, the
 * rest is the body. What is accepted must hold together; its canonical form must be stable, or two
 * equal requests would differ under one idempotency key; and no refusal may be without a reason.
 *
 *     make fuzz FUZZ=json_body
 */
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/tables.h"
#include "base/money.h"
#include "payment/idempotency.h"

static void check_problem(const struct field_problem *problem)
{
    CHECK(problem->message != MESSAGE_NONE);
    CHECK(memchr(problem->param, '\0', sizeof(problem->param)) != NULL);
    CHECK(memchr(problem->detail, '\0', sizeof(problem->detail)) != NULL);
    CHECK(problem->detail[0] != '\0');
}

static void check_canonical(const json_t *body)
{
    static const struct json_limits wide = {
        .depth_max = 64, .member_count_max = 8192, .string_bytes_max = 65536};
    struct buf first;
    struct buf second;
    struct error err;

    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    CHECK(json_canonical(body, &first));
    json_t *again = json_parse(buf_str(&first), &wide, &err);
    CHECK(again != NULL);
    CHECK(json_canonical(again, &second));
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
    json_decref(again);
    buf_release(&second);
    buf_release(&first);
}

static void check_payment(const json_t *body)
{
    const json_t *amount = json_object_get(body, "amount");
    size_t at;
    size_t len;

    CHECK(json_is_integer(amount));
    CHECK(json_integer_value(amount) >= 1 && json_integer_value(amount) <= MONEY_AMOUNT_MAX);
    CHECK(currency_find(json_text(body, "currency")) != NULL);
    CHECK(json_is_object(json_object_get(body, "method")));
    CHECK(!crypto_find_card_number(json_text(body, "reference"), &at, &len));
    CHECK(!crypto_find_card_number(json_text(body, "description"), &at, &len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    uint8_t print[SHA256_SIZE];
    uint8_t print_again[SHA256_SIZE];
    struct arena arena;
    struct error err;

    if (size < 1)
        return 0;
    const struct field_set *set = field_sets[data[0] % field_set_count];
    char *exact = malloc(size); /* its own block: reading too far is seen */
    CHECK(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    arena_init(&arena, 1 << 22);
    json_t *body = body_parse((struct str){exact, size - 1}, false, &arena, &problem);
    if (body == NULL) {
        check_problem(&problem);
    } else if (!field_check(set, body, &problem)) {
        check_problem(&problem);
    } else {
        check_canonical(body);
        if (set == &payment_fields)
            check_payment(body);
        if (idempotency_fingerprint(STR("POST"), STR("/v1/payments"), body, print, &err)) {
            CHECK(
                idempotency_fingerprint(STR("POST"), STR("/v1/payments"), body, print_again, &err));
            CHECK(memcmp(print, print_again, sizeof(print)) == 0);
        }
    }
    json_decref(body);
    arena_release(&arena);
    free(exact);
    return 0;
}
