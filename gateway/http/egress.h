/*
 * egress.h - where the gateway may be sent by somebody else's address.
 *
 * Whoever can make us call an address of their choice can make us call our own network. So what
 * counts is the address that a socket is about to be connected to, after every name was resolved:
 * egress_may_connect is asked there (CURLOPT_OPENSOCKETFUNCTION), for each address of each try. A name
 * that resolved to something else a moment ago gains nothing by that.
 *
 *     IPv4   everything but what is reserved: this network, private, shared (CGNAT), loopback,
 *            link-local, protocol assignments, documentation, benchmarks, relays, multicast, the
 *            future's and broadcast
 *     IPv6   of 2000::/3 alone, less Teredo and its neighbours, documentation, 6to4; what carries an
 *            IPv4 address (mapped, NAT64, ISATAP) is judged by that
 *
 * Networks that the operator allows are exempt. egress_check_url refuses at once what could never be
 * called, so that who registers it is told; it protects nothing by itself.
 */
#ifndef HTTP_EGRESS_H
#define HTTP_EGRESS_H

#include "http/address.h"

enum {
    EGRESS_URL_MAX = 2000,
    EGRESS_PORT_MIN = 1024, /* and 443; 80 for http */
};

struct egress_rules {
    struct address_list allowed; /* networks that are exempt */
    bool http_allowed;           /* without TLS: for tests on one's own machine */
};

/* False: no socket may be connected to it. Of other families than IPv4 and IPv6: always. */
bool egress_may_connect(const struct sockaddr_storage *to, const struct address_list *allowed);

/* ERROR_INVALID: what is wrong with it, without repeating it. */
bool egress_check_url(struct str url, const struct egress_rules *rules, struct error *err) MUST_USE;

#endif
