#include "dashboard/site.h"

#include <string.h>

#include "base/message.h"
#include "dashboard/assets.h"
#include "dashboard/problems.h"

enum {
    PROBLEM_BYTES_MAX = 4096,
    HEADER_MAX = 8,
};

#define PAGE      "/dashboard/index.html"
#define REFERENCE "/dashboard/docs.html"

/*
 * The pages load their own files and ask their own host; nothing else, nothing inline, and no text
 * is ever taken for markup.
 */
static const struct http_header policy[] = {
    {STR_INIT("Content-Security-Policy"),
     STR_INIT(
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
         "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'; trusted-types 'none'")},
    {STR_INIT("Referrer-Policy"), STR_INIT("no-referrer")},
    {STR_INIT("X-Frame-Options"), STR_INIT("DENY")},
    {STR_INIT("Cross-Origin-Opener-Policy"), STR_INIT("same-origin")},
    {STR_INIT("Cache-Control"), STR_INIT("no-cache")},
    {STR_INIT("Vary"), STR_INIT("Accept-Encoding, Accept")},
};

static bool is_below(struct str path, struct str folder)
{
    return str_starts(path, folder) && (path.len == folder.len || path.at[folder.len] == '/');
}

bool site_takes(const struct http_exchange *x)
{
    struct str path = http_request(x)->path;
    return str_eq(path, STR("/")) || str_eq(path, STR("/docs")) ||
           is_below(path, STR("/dashboard")) || problems_takes(path);
}

void site_refuse(struct http_exchange *x, enum message message, struct str detail)
{
    const struct http_header allow = {STR("Allow"), STR("GET, HEAD")};
    struct buf body;
    buf_init(&body, PROBLEM_BYTES_MAX);
    message_print(message, detail, STR_NONE, STR_NONE, str_of(http_request_id(x)), &body);
    http_reply(x, &(struct http_response){
                      .status = message_entry(message)->status,
                      .content_type = STR("application/problem+json"),
                      .body = buf_str(&body),
                      .headers = &allow,
                      .header_count = message == MESSAGE_METHOD_NOT_ALLOWED,
                  });
    buf_release(&body);
}

/* "q=0", "q=0.000": not at all (RFC 9110 section 12.4.2). */
static bool is_refused(struct str weight)
{
    for (size_t i = 2; i < weight.len; i++) {
        if (weight.at[i] != '0' && weight.at[i] != '.') {
            return false;
        }
    }
    return str_starts(weight, STR("q="));
}

/* RFC 9110 section 12.5.3. */
static bool takes_gzip(const struct http_exchange *x)
{
    struct str list = http_header(x, "Accept-Encoding");
    while (list.len > 0) {
        struct str item = str_cut(&list, ',');
        struct str name = str_trim(str_cut(&item, ';'));
        if (str_eq_nocase(name, STR("gzip"))) {
            return !is_refused(str_trim(item));
        }
    }
    return false;
}

static bool has_it(const struct http_exchange *x, const struct asset *asset)
{
    struct str list = http_header(x, "If-None-Match");
    return str_find(list, str_of(asset->etag), 0) != SIZE_MAX;
}

static void reply_asset(struct http_exchange *x, const struct asset *asset)
{
    struct http_header headers[HEADER_MAX];
    size_t count = ARRAY_LEN(policy);
    bool is_kept = has_it(x, asset);
    bool is_packed = !is_kept && takes_gzip(x);
    memcpy(headers, policy, sizeof(policy));
    headers[count++] = (struct http_header){STR("ETag"), str_of(asset->etag)};
    if (is_packed) {
        headers[count++] = (struct http_header){STR("Content-Encoding"), STR("gzip")};
    }
    CHECK(count <= HEADER_MAX);
    http_reply(x, &(struct http_response){
                      .status = is_kept ? 304 : 200,
                      .content_type = is_kept ? STR_NONE : str_of(asset->content_type),
                      .body = is_kept     ? STR_NONE
                              : is_packed ? asset->gzip
                                          : asset->body,
                      .headers = headers,
                      .header_count = count,
                  });
}

void site_reply(struct http_exchange *x, struct str content_type, struct str body)
{
    http_reply(x, &(struct http_response){.status = 200,
                                          .content_type = content_type,
                                          .body = body,
                                          .headers = policy,
                                          .header_count = ARRAY_LEN(policy)});
}

static void reply_home(struct http_exchange *x)
{
    const struct http_header to = {STR("Location"), STR("/dashboard")};
    http_reply(x, &(struct http_response){.status = 302, .headers = &to, .header_count = 1});
}

void site_handle(struct http_exchange *x)
{
    const struct http_request *req = http_request(x);
    bool is_reference = str_eq(req->path, STR("/docs"));
    bool is_page = !is_reference && str_find(req->path, STR("."), 0) == SIZE_MAX;
    struct asset asset;
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        site_refuse(x, MESSAGE_METHOD_NOT_ALLOWED, STR("pages are only read"));
    } else if (problems_takes(req->path)) {
        problems_show(x);
    } else if (req->path.len == 1) {
        http_set_route(x, "/");
        reply_home(x);
    } else if (asset_find(is_reference ? STR(REFERENCE)
                          : is_page    ? STR(PAGE)
                                       : req->path,
                          &asset)) {
        http_set_route(x, is_reference ? "/docs" : is_page ? "/dashboard" : "/dashboard/{file}");
        reply_asset(x, &asset);
    } else {
        http_set_route(x, "/dashboard/{file}");
        site_refuse(x, MESSAGE_NOT_FOUND, STR("the dashboard has no such file"));
    }
}
