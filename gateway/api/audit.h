/*
 * audit.h - every act of a person is recorded before it is done, and what came of it before it is told (docs/audit.md).
 *
 *     begin -> audit_call -> row committed -> handler -> api_call_reply -> audit_reply -> row committed -> answer
 *
 * A person is whoever comes with an operator's or a finance key, or with a session; an act is whatever is not a GET or a
 * HEAD, and well-formed. What is refused for its key leaves a row, too, so far as there is room: AUDIT_REFUSED_BURST at
 * once, then one in AUDIT_REFUSED_EACH_S; the next row says how many have none. Backends' calls cost nothing.
 */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include "api/call.h"

enum {
    AUDIT_REFUSED_BURST = 30, /* of a worker */
    AUDIT_REFUSED_EACH_S = 10,
};

/* Go on with `then` once the call is recorded, at once if there is nothing to record; or the call was answered (503). */
void audit_call(struct api_call *call, api_call_fn then);
/* The call is going to be refused for what its key is, or is not: nothing will be done. */
void audit_refuse(struct api_call *call, enum message problem);
/* True: the answer was taken, and will be told once it is recorded. */
bool audit_reply(struct api_call *call, int status, struct str content_type,
                 struct str body) MUST_USE;
void audit_free(struct audit_pending **pending);

#endif
