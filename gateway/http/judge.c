#include "http/judge.h"

#include <llhttp.h>

struct hearing {
    llhttp_t llhttp; /* first: callbacks get its address */
    struct judgement *out;
    bool complete;
};

static struct hearing *hearing_of(llhttp_t *llhttp)
{
    return (struct hearing *)(void *)llhttp;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    hearing_of(llhttp)->out->target = (struct str){at, len};
    return 0;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    (void)at;
    hearing_of(llhttp)->out->name_bytes += len;
    return 0;
}

static int on_header_field_complete(llhttp_t *llhttp)
{
    hearing_of(llhttp)->out->header_count++;
    return 0;
}

/* Pausing keeps llhttp away from the body, which is none of its business here. */
static int on_headers_complete(llhttp_t *llhttp)
{
    hearing_of(llhttp)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_headers_complete = on_headers_complete,
};

bool judge_head(struct str head, struct judgement *out)
{
    struct hearing hearing = {.out = out};
    *out = (struct judgement){.header_count = 0};
    llhttp_init(&hearing.llhttp, HTTP_REQUEST, &settings);
    llhttp_errno_t result = llhttp_execute(&hearing.llhttp, head.at, head.len);
    if (result != HPE_PAUSED || !hearing.complete) {
        return false;
    }
    /* It pauses on the last byte of the head or behind it; anywhere else it saw another end than
     * we. */
    const char *paused = llhttp_get_error_pos(&hearing.llhttp);
    if (paused != head.at + head.len && paused != head.at + head.len - 1) {
        return false;
    }
    out->method = str_of(llhttp_method_name((llhttp_method_t)llhttp_get_method(&hearing.llhttp)));
    out->content_length = hearing.llhttp.content_length;
    return true;
}
