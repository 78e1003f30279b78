#include "process/descriptors.h"

#include <sys/resource.h>

#include "base/log.h"

enum {
    OTHERS_MAX = 128,            /* files, sockets to listen on, PostgreSQL, the event loop */
    CONNECTION_COUNT_LEAST = 64, /* fewer are no service */
};

/* Besides the clients of the API. */
static size_t count_others(const struct config *config)
{
    return OTHERS_MAX + OPS_CONNECTION_MAX + config->engine.in_flight_max +
           config->engine.connections_per_host_max + config->store.writer_connections +
           config->store.reader_connections;
}

/* The highest limit up to `wanted` that can be had; a privileged process may go beyond the hard one. */
static size_t raise_to(size_t wanted)
{
    struct rlimit now;
    CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
    if (now.rlim_cur >= wanted) {
        return wanted;
    }
    if (now.rlim_max < wanted) {
        struct rlimit higher = {.rlim_cur = wanted, .rlim_max = wanted};
        if (setrlimit(RLIMIT_NOFILE, &higher) == 0) {
            return wanted;
        }
        wanted = now.rlim_max;
    }
    struct rlimit raised = {.rlim_cur = wanted, .rlim_max = now.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? wanted : now.rlim_cur;
}

bool descriptors_raise(const struct config *config, size_t *connection_count_max, struct error *err)
{
    size_t others = count_others(config);
    size_t wanted = others + config->http.connection_count_max;
    size_t granted = raise_to(wanted);
    bool is_default = config->http.connection_count_max == http_limits_default.connection_count_max;
    *connection_count_max = config->http.connection_count_max;
    if (granted >= wanted) {
        return true;
    }
    size_t left = granted > others ? granted - others : 0;
    if (is_default && left < granted / 2) {
        left = granted / 2; /* a client and a provider for each payment */
    }
    if (left < CONNECTION_COUNT_LEAST) {
        return fail(
            err, ERROR_INVALID,
            "the system grants %zu file descriptors, of which %zu are for other things than "
            "clients; raise the limit (ulimit -Hn, LimitNOFILE= of the service) to %zu, or "
            "lower provider_in_flight_max and provider_connections_per_host_max",
            granted, others, wanted);
    }
    if (!is_default) {
        return fail(err, ERROR_INVALID,
                    "http_connection_count_max = %zu needs %zu file descriptors, the system grants "
                    "%zu; raise the limit (ulimit -Hn, LimitNOFILE= of the service), or set it to "
                    "at most %zu",
                    config->http.connection_count_max, wanted, granted, left);
    }
    *connection_count_max = left;
    log_warn("process", "fewer file descriptors than the default limits want",
             LOG_INT("wanted", (int64_t)wanted), LOG_INT("granted", (int64_t)granted),
             LOG_INT("http_connection_count_max", (int64_t)left));
    return true;
}
