/* test_openapi.c - the document is whole: every route, every table, every problem, no dead
 * reference. */
#include "support.h"

#include <ctype.h>
#include <stdio.h>

#include "api/call.h"

static json_t *document(void)
{
    static json_t *parsed;
    static const struct json_limits limits = {
        .depth_max = 64, .member_count_max = 1 << 20, .string_bytes_max = 1 << 16};
    struct error err;
    struct buf text;
    if (parsed != NULL)
        return parsed;
    buf_init(&text, 4 << 20);
    api_print_openapi(&text);
    assert_true(buf_is_ok(&text));
    parsed = json_parse(buf_str(&text), &limits, &err);
    if (parsed == NULL)
        fail_test("%s", err.text);
    buf_release(&text);
    return parsed;
}

static json_t *at(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL)
        fail_test("no member %s", name);
    return value;
}

static void every_route_is_in_it(void **state UNUSED)
{
    json_t *paths = at(document(), "paths");
    for (size_t i = 0; i < api_endpoint_count; i++) {
        const struct endpoint *endpoint = &api_endpoints[i];
        char method[16] = "";
        const char *name = http_method_name(endpoint->method);
        for (size_t c = 0; name[c] != '\0'; c++)
            method[c] = (char)tolower((unsigned char)name[c]);
        json_t *operation = at(at(paths, endpoint->path), method);
        assert_string_equal(json_string_value(at(operation, "operationId")), endpoint->name);
        assert_true(json_object_size(at(operation, "responses")) > 0);
        bool takes_body = endpoint->body != NULL && endpoint->body != &no_fields;
        assert_int_equal(json_object_get(operation, "requestBody") != NULL, takes_body);
    }
}

static void operation_ids_are_unique_and_paths_begin_at_the_root(void **state UNUSED)
{
    for (size_t i = 0; i < api_endpoint_count; i++) {
        assert_true(api_endpoints[i].path[0] == '/');
        assert_non_null(api_endpoints[i].query);
        assert_non_null(api_endpoints[i].fn);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(api_endpoints[i].name, api_endpoints[k].name);
        if (api_endpoints[i].admin != ADMIN_NONE) {
            bool is_of_rules = api_endpoints[i].fn == rules_handle; /* merchants have their own */
            assert_int_equal(api_endpoints[i].roles,
                             is_of_rules ? ROLE_OPERATOR | ROLE_MERCHANT : ROLE_OPERATOR);
            const struct field_set *body = api_endpoints[i].body;
            if (api_endpoints[i].admin != ADMIN_RULES_DIFF) /* it takes its query */
                assert_ptr_equal(body != NULL ? body : &no_fields,
                                 admin_fields(api_endpoints[i].admin));
        }
    }
}

static void every_administration_has_a_route(void **state UNUSED)
{
    for (int admin = ADMIN_NONE + 1; admin < ADMIN_OPERATION_COUNT; admin++) {
        size_t count = 0;
        for (size_t i = 0; i < api_endpoint_count; i++)
            count += (int)api_endpoints[i].admin == admin;
        assert_int_equal(count, 1);
    }
}

/* Walk the whole document; resolve every $ref. */
static void check_references(json_t *root, json_t *value)
{
    json_t *stack[4096];
    size_t depth = 0;
    size_t references = 0;
    stack[depth++] = value;
    while (depth > 0) {
        json_t *now = stack[--depth];
        for (size_t i = 0; i < json_array_size(now); i++)
            stack[depth++] = json_array_get(now, i);
        for (void *it = json_object_iter(now); it; it = json_object_iter_next(now, it)) {
            json_t *member = json_object_iter_value(it);
            assert_true(depth < ARRAY_LEN(stack) - 1);
            stack[depth++] = member;
            if (strcmp(json_object_iter_key(it), "$ref") != 0)
                continue;
            references++;
            struct str rest = str_of(json_string_value(member));
            assert_true(str_starts(rest, STR("#/")));
            (void)str_cut(&rest, '/');
            json_t *target = root;
            while (rest.len > 0) {
                struct str step = str_cut(&rest, '/');
                target = json_object_getn(target, step.at, step.len);
                if (target == NULL)
                    fail_test("dead reference %s", json_string_value(member));
            }
        }
    }
    assert_true(references > 50);
}

static void no_reference_is_dead(void **state UNUSED)
{
    check_references(document(), document());
}

static void every_table_is_a_schema_with_its_bounds(void **state UNUSED)
{
    json_t *schemas = at(at(document(), "components"), "schemas");
    for (size_t s = 0; s < field_set_count; s++) {
        json_t *schema = at(schemas, field_sets[s]->name);
        assert_true(json_is_false(at(schema, "additionalProperties")));
        json_t *properties = at(schema, "properties");
        assert_int_equal(json_object_size(properties), field_sets[s]->count);
        for (size_t i = 0; i < field_sets[s]->count; i++) {
            const struct field *field = &field_sets[s]->fields[i];
            json_t *property = at(properties, field->name);
            if (field->type == FIELD_INTEGER) {
                assert_int_equal(json_integer_value(at(property, "minimum")), field->least);
                assert_int_equal(json_integer_value(at(property, "maximum")), field->most);
            }
            if (field->type == FIELD_STRING && field->words == NULL)
                assert_int_equal(json_integer_value(at(property, "maxLength")), field->most);
        }
    }
    json_t *amount = at(at(at(schemas, "PaymentRequest"), "properties"), "amount");
    assert_int_equal(json_integer_value(at(amount, "maximum")), MONEY_AMOUNT_MAX);
}

static void every_problem_is_an_example_under_its_status(void **state UNUSED)
{
    json_t *responses = at(at(document(), "components"), "responses");
    int last = 0;
    for (int i = MESSAGE_NONE + 1; i < MESSAGE_COUNT; i++) {
        const struct message_entry *entry = message_entry((enum message)i);
        char name[32];
        assert_true(entry->status >= last); /* the printer relies on the order */
        last = entry->status;
        (void)snprintf(name, sizeof(name), "Problem%d", entry->status);
        json_t *content = at(at(at(responses, name), "content"), "application/problem+json");
        json_t *example = at(at(at(content, "examples"), entry->code), "value");
        assert_string_equal(json_string_value(at(example, "code")), entry->code);
        assert_int_equal(json_integer_value(at(example, "status")), entry->status);
    }
}

static void creating_a_payment_needs_a_key_and_a_bearer(void **state UNUSED)
{
    json_t *post = at(at(at(document(), "paths"), "/v1/payments"), "post");
    json_t *parameter = json_array_get(at(post, "parameters"), 0);
    assert_string_equal(json_string_value(at(parameter, "$ref")),
                        "#/components/parameters/IdempotencyKey");
    assert_int_equal(json_array_size(at(post, "security")), 1);
    json_t *open = at(at(at(document(), "paths"), "/openapi.json"), "get");
    assert_int_equal(json_array_size(at(open, "security")), 0);
}

static int release(void **state UNUSED)
{
    json_decref(document());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_in_it),
        cmocka_unit_test(operation_ids_are_unique_and_paths_begin_at_the_root),
        cmocka_unit_test(every_administration_has_a_route),
        cmocka_unit_test(no_reference_is_dead),
        cmocka_unit_test(every_table_is_a_schema_with_its_bounds),
        cmocka_unit_test(every_problem_is_an_example_under_its_status),
        cmocka_unit_test(creating_a_payment_needs_a_key_and_a_bearer),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
