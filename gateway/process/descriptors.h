/*
 * descriptors.h - enough file descriptors for what is configured.
 *
 * The limit of the process is raised to what its connections need. What the system does not grant is
 * an error that names the setting and the remedy; only the default of http_connection_count_max
 * gives way by itself, so that the gateway starts anywhere.
 */
#ifndef PROCESS_DESCRIPTORS_H
#define PROCESS_DESCRIPTORS_H

#include "process/config.h"

enum {
    OPS_CONNECTION_MAX = 256,
};

/* Raise the limit of this process; *connection_count_max is what a worker may then accept. */
bool descriptors_raise(const struct config *config, size_t *connection_count_max,
                       struct error *err) MUST_USE;

#endif
