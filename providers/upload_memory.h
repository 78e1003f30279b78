/*
 * upload_memory.h - room for libcurl's upload buffers, of which most is never used.
 *
 *     reserved addresses:  | block | block | block | ...      a block begins on a page of its own;
 *                            ^^                                only pages that were written are real
 *
 * libcurl keeps a buffer of at least 16 kB with every transfer to copy a request into before it is
 * sent over TLS. Our requests have about one kilobyte, and malloc hands out memory that others have
 * written all over: it all counts. Blocks of this region cost the page or two that are used. All
 * else that libcurl asks for is malloc's, and so are buffers beyond the region's end.
 */
#ifndef PROVIDERS_UPLOAD_MEMORY_H
#define PROVIDERS_UPLOAD_MEMORY_H

#include <stddef.h>

/*
 * curl_global_init with this memory behind it: buffers of `buffer_size` bytes (and a few more) come
 * from room for `count` of them. The region is reserved once and stays; only one thread may send.
 */
void upload_memory_init(size_t buffer_size, size_t count);

#endif
