/*
 * hooks.h - what the two halves of webhooks to merchants share (private to gateway/api).
 */
#ifndef API_HOOKS_H
#define API_HOOKS_H

#include "api/call.h"
#include "ledger/hooks.h"

/* The endpoint of the path. False: the call was answered. */
bool hooks_take_endpoint(struct api_call *call, struct uuid *endpoint_id);
void hooks_reply_absent(struct api_call *call);

#endif
