/*
 * list.h - what all lists share (private to gateway/api).
 */
#ifndef API_LIST_H
#define API_LIST_H

#include "api/call.h"

/* {"object":"list",...}: print puts one object into an empty buffer. Ends the call. */
void api_reply_list(struct api_call *call, struct str url, bool has_more, size_t count,
                    void (*print)(struct api_call *call, size_t index, const void *ctx,
                                  struct buf *out),
                    const void *ctx);
/* A moment of the query, wall clock in microseconds; false: it says none. The tables have checked it. */
bool api_query_moment(struct api_call *call, const char *name, int64_t *wall_us);
/* The same for those who take 0 for none. */
int64_t api_query_time(struct api_call *call, const char *name);

#endif
