/*
 * paypal_issues.h - PayPal's issue codes as a table, sorted by name.
 *
 * Names and statuses are those of PayPal's published OpenAPI documents; PayPal-Mock-Response may
 * ask for any of them.
 */
#ifndef SANDBOX_PAYPAL_ISSUES_H
#define SANDBOX_PAYPAL_ISSUES_H

#include "base/str.h"

struct paypal_issue {
    struct str name;
    int status;
    const char *description; /* NULL: none is published */
};
extern const struct paypal_issue paypal_issues[];
extern const size_t paypal_issue_count;

#endif
