#include "dashboard/assets.h"

struct linked { /* sizes are differences of addresses, which only the linker knows */
    const char *path;
    const char *content_type;
    const char *etag;
    const char *at, *end;
    const char *gzip, *gzip_end;
};

#include "web_table.inc"

bool asset_find(struct str path, struct asset *asset)
{
    for (size_t i = 0; i < ARRAY_LEN(linked); i++) {
        const struct linked *file = &linked[i];
        if (str_eq(path, str_of(file->path))) {
            *asset = (struct asset){
                .path = file->path,
                .content_type = file->content_type,
                .etag = file->etag,
                .body = {file->at, (size_t)(file->end - file->at)},
                .gzip = {file->gzip, (size_t)(file->gzip_end - file->gzip)},
            };
            return true;
        }
    }
    return false;
}
