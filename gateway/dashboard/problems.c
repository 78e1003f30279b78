#include "dashboard/problems.h"

#include "base/json.h"
#include "base/message.h"
#include "dashboard/site.h"
#include "http/negotiate.h"
#include "http/refusal.h"

enum {
    PAGE_BYTES_MAX = 256 * 1024,
};

struct problem { /* of either table */
    struct str code;
    int status;
    struct str title;
    struct str detail; /* may be empty */
    bool retryable;
    enum effect effect;
    struct str next_step;
};

/* Of all codes, the tables one behind the other; one that both have comes twice. False: there is none of this number. */
static bool find_number(size_t number, struct problem *problem)
{
    size_t i = number + 1; /* the first entry of each table is none */
    if (i < MESSAGE_COUNT) {
        const struct message_entry *entry = message_entry((enum message)i);
        *problem = (struct problem){.code = str_of(entry->code),
                                    .status = entry->status,
                                    .title = str_of(entry->title),
                                    .retryable = entry->retryable,
                                    .effect = entry->effect,
                                    .next_step = str_of(entry->next_step)};
        return true;
    }
    i -= MESSAGE_COUNT - 1;
    if (i >= REFUSAL_COUNT) {
        return false;
    }
    const struct refusal_reason *reason = refusal_reason((enum refusal)i);
    *problem = (struct problem){.code = reason->code,
                                .status = reason->status,
                                .title = http_status_phrase(reason->status),
                                .detail = reason->detail,
                                .retryable = refusal_is_retryable(reason),
                                .next_step = refusal_next_step(reason)};
    return true;
}

/* Its number, or SIZE_MAX. */
static size_t find_code(struct str code, struct problem *problem)
{
    for (size_t i = 0; find_number(i, problem); i++) {
        if (str_eq(problem->code, code)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Each code once, from `number` on. */
static bool find_next(size_t *number, struct problem *problem)
{
    struct problem first;
    for (; find_number(*number, problem); ++*number) {
        if (find_code(problem->code, &first) == *number) {
            ++*number;
            return true;
        }
    }
    return false;
}

static const char *effect_name(enum effect effect)
{
    return effect == EFFECT_NONE ? "none" : "unknown";
}

static struct str effect_text(enum effect effect)
{
    return effect == EFFECT_NONE
               ? STR("This request did nothing: no money has moved by it.")
               : STR("It is not known here: the request, or the first one under its key, may have "
                     "done what it asks for.");
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void put_problem(struct json_out *out, const struct problem *problem)
{
    char type[MESSAGE_TYPE_SIZE];
    json_begin_object(out);
    json_put_str(out, "type", message_type(problem->code, type));
    json_put_str(out, "code", problem->code);
    json_put_int(out, "status", problem->status);
    json_put_str(out, "title", problem->title);
    json_put_bool(out, "retryable", problem->retryable);
    json_put_cstr(out, "effect", effect_name(problem->effect));
    json_put_str(out, "next_step", problem->next_step);
    json_end_object(out);
}

static void print_json(const struct problem *one, struct buf *out)
{
    struct json_out json;
    struct problem problem;
    json_out_init(&json, out);
    if (one != NULL) {
        put_problem(&json, one);
        return;
    }
    json_begin_object(&json);
    json_put_cstr(&json, "object", "list");
    json_key(&json, "data");
    json_begin_array(&json);
    for (size_t number = 0; find_next(&number, &problem);) {
        put_problem(&json, &problem);
    }
    json_end_array(&json);
    json_end_object(&json);
}

/* ---- HTML --------------------------------------------------------------------------------------- */

static void add_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '<':
            buf_add_str(out, STR("&lt;"));
            break;
        case '&':
            buf_add_str(out, STR("&amp;"));
            break;
        default:
            buf_add_char(out, text.at[i]);
        }
    }
}

static void begin_page(struct buf *out, struct str title)
{
    buf_add_str(out, STR("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
                         "name=\"viewport\" "
                         "content=\"width=device-width\"><title>"));
    add_text(out, title);
    buf_add_str(out, STR(" - Turnpike</title><link rel=\"stylesheet\" "
                         "href=\"/dashboard/style.css\"><link rel=\"icon\" "
                         "href=\"/dashboard/icon.svg\"></head><body><main class=\"page\">"));
}

static void add_fact(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "<div><dt>%s</dt><dd>", name);
    add_text(out, value);
    buf_add_str(out, STR("</dd></div>"));
}

static void print_page(const struct problem *problem, struct buf *out)
{
    begin_page(out, problem->code);
    buf_printf(out, "<p><a href=\"%s\">All errors</a></p><h1><code>", MESSAGE_PAGES);
    add_text(out, problem->code);
    buf_add_str(out, STR("</code></h1><p>"));
    add_text(out, problem->title);
    buf_add_str(out, STR(".</p>"));
    if (!str_is_empty(problem->detail)) {
        buf_add_str(out, STR("<p>"));
        add_text(out, problem->detail);
        buf_add_str(out, STR("</p>"));
    }
    buf_printf(out, "<dl class=\"facts\"><div><dt>HTTP status</dt><dd>%d ", problem->status);
    add_text(out, http_status_phrase(problem->status));
    buf_add_str(out, STR("</dd></div>"));
    add_fact(out, "What was done", effect_text(problem->effect));
    add_fact(out, "Repeat it?",
             problem->retryable
                 ? STR("Yes: the same request under the same Idempotency-Key may succeed later.")
                 : STR("No: the same request would be refused again."));
    add_fact(out, "What to do", problem->next_step);
    buf_add_str(out, STR("</dl></main></body></html>\n"));
}

static void print_list(struct buf *out)
{
    struct problem problem;
    begin_page(out, STR("Errors"));
    buf_add_str(out, STR("<h1>Errors</h1><p>Every <code>code</code> that a problem document (RFC "
                         "9457) may carry.</p>"
                         "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Status</th><th "
                         "scope=\"col\">Code"
                         "</th><th scope=\"col\">Meaning</th><th scope=\"col\">Repeat</th><th "
                         "scope=\"col\">What to do"
                         "</th></tr></thead><tbody>"));
    for (size_t number = 0; find_next(&number, &problem);) {
        char type[MESSAGE_TYPE_SIZE];
        buf_printf(out, "<tr><td>%d</td><th scope=\"row\"><a href=\"" STR_FMT "\"><code>",
                   problem.status, STR_ARG(message_type(problem.code, type)));
        add_text(out, problem.code);
        buf_add_str(out, STR("</code></a></th><td>"));
        add_text(out, str_is_empty(problem.detail) ? problem.title : problem.detail);
        buf_printf(out, "</td><td>%s</td><td>", problem.retryable ? "yes" : "no");
        add_text(out, problem.next_step);
        buf_add_str(out, STR("</td></tr>"));
    }
    buf_add_str(out, STR("</tbody></table></div></main></body></html>\n"));
}

/* ---- asked for ---------------------------------------------------------------------------------- */

bool problems_takes(struct str path)
{
    static const struct str folder = STR_INIT(MESSAGE_PAGES);
    return str_starts(path, folder) && (path.len == folder.len || path.at[folder.len] == '/');
}

void problems_show(struct http_exchange *x)
{
    static const struct str types[] = {STR_INIT("text/html; charset=utf-8"),
                                       STR_INIT("application/json")};
    struct str code = str_sub(http_request(x)->path, sizeof(MESSAGE_PAGES), SIZE_MAX);
    bool is_list = str_is_empty(code);
    bool wants_json = negotiate_type(http_header(x, "Accept"), types, ARRAY_LEN(types)) == 1;
    struct problem problem;
    struct buf body;
    http_set_route(x, is_list ? "/problems" : "/problems/{code}");
    if (!is_list && find_code(code, &problem) == SIZE_MAX) {
        site_refuse(x, MESSAGE_NOT_FOUND, STR("there is no error of this code: see /problems"));
        return;
    }
    buf_init(&body, PAGE_BYTES_MAX);
    if (wants_json) {
        print_json(is_list ? NULL : &problem, &body);
    } else if (is_list) {
        print_list(&body);
    } else {
        print_page(&problem, &body);
    }
    CHECK(buf_is_ok(&body));
    site_reply(x, types[wants_json], buf_str(&body));
    buf_release(&body);
}
