/* What is wrong with an address that somebody wants us to call. */
#include "http/egress.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>

static const char *const own_names[] = {"localhost", "local", "internal", "home.arpa"};

struct parts { /* owned: libcurl's copies */
    char *scheme;
    char *host;
    char *port;
    char *zone;
};

static void release(struct parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
    curl_free(parts->zone);
}

/* By the parser of who will call it: no second opinion of what is the host. */
static bool parse(const char *url, struct parts *parts, struct error *err)
{
    CURLU *handle = curl_url();
    CHECK(handle != NULL);
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    bool ok = code == CURLUE_OK &&
              curl_url_get(handle, CURLUPART_SCHEME, &parts->scheme, 0) == CURLUE_OK &&
              curl_url_get(handle, CURLUPART_HOST, &parts->host, 0) == CURLUE_OK &&
              curl_url_get(handle, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (ok)
        (void)curl_url_get(handle, CURLUPART_ZONEID, &parts->zone, 0);
    curl_url_cleanup(handle);
    if (code == CURLUE_USER_NOT_ALLOWED)
        return fail(err, ERROR_INVALID, "must not name a user");
    return ok || fail(err, ERROR_INVALID, "must be an address like https://example.com/hooks");
}

static bool is_number(struct str label)
{
    size_t digits = 0;
    for (size_t i = 0; i < label.len; i++)
        digits += label.at[i] >= '0' && label.at[i] <= '9';
    return label.len > 0 && digits == label.len;
}

static struct str last_label(struct str host)
{
    size_t dot = SIZE_MAX;
    for (size_t at = str_find_char(host, '.', 0); at != SIZE_MAX;
         at = str_find_char(host, '.', at + 1))
        dot = at;
    return dot == SIZE_MAX ? host : str_sub(host, dot + 1, SIZE_MAX);
}

/* `name`, or something below it. */
static bool is_within(struct str host, struct str name)
{
    return str_eq_nocase(host, name) ||
           (host.len > name.len && host.at[host.len - name.len - 1] == '.' &&
            str_eq_nocase(str_sub(host, host.len - name.len, SIZE_MAX), name));
}

static bool check_name(struct str host, const struct egress_rules *rules, struct error *err)
{
    if (host.len == 0 || str_ends(host, STR(".")) || is_number(last_label(host)))
        return fail(err, ERROR_INVALID, "must name a host like example.com");
    if (rules->allowed.count > 0) /* on premise: its names are the operator's */
        return true;
    for (size_t i = 0; i < ARRAY_LEN(own_names); i++) {
        if (is_within(host, str_of(own_names[i])))
            return fail(err, ERROR_INVALID, "must not name a host of a private network");
    }
    return str_find_char(host, '.', 0) != SIZE_MAX ||
           fail(err, ERROR_INVALID, "must name a host with its whole name, like example.com");
}

static bool check_host(struct str host, const struct egress_rules *rules, struct error *err)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_storage to = {.ss_family = AF_UNSPEC};
    bool is_bracketed = host.len > 2 && host.at[0] == '[';
    struct str bare = is_bracketed ? str_sub(host, 1, host.len - 2) : host;
    if (str_copy_to(bare, text, sizeof(text))) {
        if (!is_bracketed &&
            inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)&to)->sin_addr) == 1)
            to.ss_family = AF_INET;
        else if (is_bracketed &&
                 inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&to)->sin6_addr) == 1)
            to.ss_family = AF_INET6;
    }
    if (to.ss_family == AF_UNSPEC)
        return is_bracketed ? fail(err, ERROR_INVALID, "must name a host like example.com")
                            : check_name(host, rules, err);
    return egress_may_connect(&to, &rules->allowed) ||
           fail(err, ERROR_INVALID, "must not be an address of a private or reserved network");
}

static bool check_port(const struct parts *parts, struct error *err)
{
    int64_t port = 0;
    bool is_https = str_eq(str_of(parts->scheme), STR("https"));
    bool ok = str_to_int64(str_of(parts->port), &port) &&
              (port == (is_https ? 443 : 80) || (port >= EGRESS_PORT_MIN && port <= 65535));
    return ok || fail(err, ERROR_INVALID, "must have port 443 or one from %d on", EGRESS_PORT_MIN);
}

/* Signs that parsers of addresses are known to read in several ways. */
static bool check_signs(struct str url, struct error *err)
{
    size_t from = str_find(url, STR("://"), 0);
    if (from == SIZE_MAX)
        return fail(err, ERROR_INVALID, "must begin with https://");
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] <= ' ' || url.at[i] > '~' || url.at[i] == '\\' || url.at[i] == '#')
            return fail(err, ERROR_INVALID,
                        "must be visible ASCII, without backslash and fragment");
    }
    for (size_t i = from + 3; i < url.len && strchr("/?", url.at[i]) == NULL; i++) {
        if (strchr("%@", url.at[i]) != NULL)
            return fail(err, ERROR_INVALID, "must not have %% or @ in its host");
    }
    return true;
}

bool egress_check_url(struct str url, const struct egress_rules *rules, struct error *err)
{
    char text[EGRESS_URL_MAX + 1];
    struct parts parts = {NULL, NULL, NULL, NULL};
    if (!str_copy_to(url, text, sizeof(text)) || url.len == 0)
        return fail(err, ERROR_INVALID, "must have 1 to %d characters", EGRESS_URL_MAX);
    bool ok = check_signs(url, err) && parse(text, &parts, err);
    struct str scheme = str_of(parts.scheme);
    if (ok && !str_eq(scheme, STR("https")) &&
        !(rules->http_allowed && str_eq(scheme, STR("http"))))
        ok = fail(err, ERROR_INVALID, "must begin with https://");
    if (ok && parts.zone != NULL)
        ok = fail(err, ERROR_INVALID, "must not name a network interface");
    ok = ok && check_host(str_of(parts.host), rules, err) && check_port(&parts, err);
    release(&parts);
    return ok;
}
