/* Payoneer Mass Payouts v4: payees and their registration. */
#include "providers/sandbox/payoneer_payouts.h"

static struct str session_id(struct call *call, struct str payee_id)
{
    return arena_printf(call->arena, "payee\x1f" STR_FMT "\x1f" STR_FMT, STR_ARG(call->account),
                        STR_ARG(payee_id));
}

static struct book_session *find(struct call *call, struct str payee_id)
{
    return books_find_session(call->books, session_id(call, payee_id));
}

enum payoneer_payee payoneer_payee(struct call *call, struct str payee_id)
{
    const struct book_session *session = find(call, payee_id);
    if (session) {
        return session->state == SESSION_APPROVED  ? PAYONEER_PAYEE_ACTIVE
               : session->state == SESSION_CREATED ? PAYONEER_PAYEE_PENDING
                                                   : PAYONEER_PAYEE_UNKNOWN;
    }
    enum payout_plan plan = payout_plan_of(SANDBOX_PAYONEER_PAYOUTS, payee_id);
    return plan == PAYOUT_PAYEE_PENDING    ? PAYONEER_PAYEE_PENDING
           : plan == PAYOUT_PAYEE_INACTIVE ? PAYONEER_PAYEE_INACTIVE
           : plan == PAYOUT_PAYEE_UNKNOWN  ? PAYONEER_PAYEE_UNKNOWN
                                           : PAYONEER_PAYEE_ACTIVE;
}

struct book_session *payoneer_payee_session(struct call *call, struct str payee_id)
{
    struct book_session *session = find(call, payee_id);
    if (!session) {
        session = books_add_session(call->books, session_id(call, payee_id), 1);
        session->provider = SANDBOX_PAYONEER_PAYOUTS;
        session->account = books_keep(call->books, call->account);
        session->token = books_keep(call->books, payee_id);
        session->created_us = call->now_us;
    }
    if (session->state != SESSION_CREATED && session->state != SESSION_APPROVED) {
        session->state = SESSION_CREATED;
        session->updated_us = call->now_us;
        books_note_session(call->books, session);
    }
    return session;
}

/* ---- registration ---------------------------------------------------------------------------- */

static struct str token_name(struct call *call, struct str token)
{
    return arena_printf(call->arena, "payoneer_registration\x1f" STR_FMT, STR_ARG(token));
}

void payoneer_payee_link(struct call *call)
{
    struct payoneer_problems problems = {.count = 0};
    struct json_out out;
    if (!payoneer_payout_parse(call)) {
        return;
    }
    struct str payee_id = json_text(call->json, "payee_id");
    if (payee_id.len == 0) {
        problems.problem[problems.count++] =
            (struct payoneer_problem){STR("payee_id"), STR_NONE, "is required"};
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER,
                              "The request is missing a required parameter", &problems);
        return;
    }
    struct book_session *session = payoneer_payee_session(call, payee_id);
    struct str token = call_random(call, STR("0123456789abcdef"), 32);
    session->return_url = books_keep(call->books, json_text(call->json, "redirect_url"));
    session->name = books_keep(call->books, json_path_text(call->json, "payee.contact.first_name"));
    session->brand = books_keep(call->books, json_path_text(call->json, "payee.contact.last_name"));
    session->email = books_keep(call->books, json_path_text(call->json, "payee.contact.email"));
    session->integration = books_keep(call->books, json_path_text(call->json, "payee.type"));
    session->country = books_keep(call->books, json_path_text(call->json, "payee.address.country"));
    session->updated_us = call->now_us;
    books_note_session(call->books, session);
    books_add_key(call->books, token_name(call, token), session->id, call->now_us);
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    json_put_str(&out, "registration_link",
                 arena_printf(call->arena, STR_FMT "/registration/" STR_FMT, STR_ARG(call->origin),
                              STR_ARG(token)));
    json_put_str(&out, "token", token);
    json_end_object(&out);
    json_end_object(&out);
}

/* The payee registers: what waited for that goes on. */
void payoneer_payee_register(struct call *call)
{
    const struct book_key *key = books_find_key(call->books, token_name(call, call->param[0]));
    if (!key) {
        payoneer_payout_error(call, 404, 0, "No such registration", NULL);
        return;
    }
    struct book_session *session = books_find_session(call->books, key->object);
    if (session->state == SESSION_CREATED) {
        session->state = SESSION_APPROVED;
        session->updated_us = call->now_us;
        books_note_session(call->books, session);
        for (struct book_entry *entry = session->first; entry; entry = entry->next_in_session) {
            if (entry->state == BOOK_PAYEE_PENDING && entry->plan == PAYOUT_PAYEE_PENDING) {
                payouts_set(call->payouts, entry, BOOK_PENDING, NULL, call->now_us);
                payouts_plan(call->payouts, entry, PAYOUT_PAID,
                             call->now_us + call->settings->payout_ms * 1000);
            }
        }
    }
    call_send_payer_on(call, session->return_url);
}

/* ---- what is known of a payee ---------------------------------------------------------------- */

static struct str account_id(struct call *call, struct str payee_id)
{
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < payee_id.len; i++) {
        sum = (sum ^ (uint8_t)payee_id.at[i]) * 16777619U;
    }
    return arena_printf(call->arena, "5%06u", (unsigned)(sum % 1000000));
}

/* False: answered, there is no such payee. */
static bool look_up(struct call *call, enum payoneer_payee *payee)
{
    *payee = payoneer_payee(call, call->param[1]);
    if (*payee == PAYONEER_PAYEE_UNKNOWN) {
        payoneer_payout_error(call, 404, 0, "Payee not found", NULL);
    }
    return *payee != PAYONEER_PAYEE_UNKNOWN;
}

static void put_registration(struct call *call, struct json_out *out)
{
    const struct book_session *session = find(call, call->param[1]);
    payoneer_payout_put_time(out, "registration_date",
                             session ? session->updated_us : INT64_C(1767225600000000));
}

void payoneer_payee_status(struct call *call)
{
    enum payoneer_payee payee;
    struct json_out out;
    if (!look_up(call, &payee)) {
        return;
    }
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    if (payee != PAYONEER_PAYEE_PENDING) {
        json_put_str(&out, "account_id", account_id(call, call->param[1]));
    }
    json_key(&out, "status");
    json_begin_object(&out);
    json_put_int(&out, "type",
                 payee == PAYONEER_PAYEE_ACTIVE     ? 1
                 : payee == PAYONEER_PAYEE_INACTIVE ? 99
                                                    : 0);
    json_put_cstr(&out, "description",
                  payee == PAYONEER_PAYEE_ACTIVE     ? "Active"
                  : payee == PAYONEER_PAYEE_INACTIVE ? "Inactive"
                                                     : "Pending");
    json_end_object(&out);
    if (payee == PAYONEER_PAYEE_PENDING) {
        json_put_null(&out, "registration_date");
        json_put_null(&out, "payout_method");
    } else {
        put_registration(call, &out);
        json_key(&out, "payout_method");
        json_begin_object(&out);
        json_put_cstr(&out, "type", "BANK");
        json_put_cstr(&out, "currency", call->settings->program_currency->code);
        json_end_object(&out);
    }
    json_end_object(&out);
    json_end_object(&out);
}

static void put_text(struct json_out *out, const char *name, struct str value,
                     const char *otherwise)
{
    json_put_str(out, name, value.len > 0 ? value : str_of(otherwise));
}

void payoneer_payee_details(struct call *call)
{
    static const struct book_session nobody = {.unit_count = 0};
    enum payoneer_payee payee;
    struct json_out out;
    if (!look_up(call, &payee)) {
        return;
    }
    const struct book_session *found = find(call, call->param[1]);
    const struct book_session *session = found ? found : &nobody;
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    json_put_str(&out, "account_id", account_id(call, call->param[1]));
    put_text(&out, "type", session->integration, "INDIVIDUAL");
    json_key(&out, "contact");
    json_begin_object(&out);
    put_text(&out, "first_name", session->name, "Pat");
    put_text(&out, "last_name", session->brand, "Payee");
    put_text(&out, "email", session->email, "pat.payee@example.com");
    json_end_object(&out);
    json_key(&out, "address");
    json_begin_object(&out);
    put_text(&out, "country", session->country, "US");
    json_end_object(&out);
    json_end_object(&out);
    json_end_object(&out);
}

void payoneer_payee_delete(struct call *call)
{
    enum payoneer_payee payee;
    struct json_out out;
    if (!look_up(call, &payee)) {
        return;
    }
    struct book_session *session = payoneer_payee_session(call, call->param[1]);
    session->state = SESSION_CANCELED;
    session->updated_us = call->now_us;
    books_note_session(call->books, session);
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    json_put_str(&out, "payee_id", call->param[1]);
    json_end_object(&out);
    json_end_object(&out);
}
