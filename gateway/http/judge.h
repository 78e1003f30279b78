/*
 * judge.h - the second judge of a request head: llhttp, kept apart from our own parser.
 *
 * Our parser reads a head by our own, narrower rules; llhttp (Node's parser, strict mode) reads the
 * same bytes. A request is served only when both accept it and both read the same thing out of it.
 * Two parsers written apart rarely have the same hole, and what two parsers read differently is a
 * smuggled request.
 *
 * llhttp.h names enumerators like ours (HTTP_GET): only judge.c may see it.
 */
#ifndef HTTP_JUDGE_H
#define HTTP_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct judgement {
    struct str method; /* static */
    struct str target; /* borrowed from the head */
    size_t header_count;
    size_t name_bytes;       /* sum of the lengths of all header names */
    uint64_t content_length; /* 0 when there is none */
};

/* True when llhttp accepts `head` (up to and with the empty line) as one whole request head. */
bool judge_head(struct str head, struct judgement *out) MUST_USE;

#endif
