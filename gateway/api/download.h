/*
 * download.h - a file as an answer, piece by piece (private to gateway/api).
 */
#ifndef API_DOWNLOAD_H
#define API_DOWNLOAD_H

#include "api/call.h"

/* False: so many files are being sent that the call was answered. */
bool download_has_room(struct api_call *call);
/* Ends the call with what fd has from now on, `size` bytes; fd is the download's. */
void download_start(struct api_call *call, int fd, uint64_t size, struct str type);
/* Those whose client is not yet known to be gone. */
void downloads_free(struct api *api);

#endif
