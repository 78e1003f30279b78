#include "dashboard/assets.h"

/* The linker's symbols of the files; sizes are differences of addresses. */
#define ASSET(name, file)                                                                          \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global asset_" #name "\n"                                                            \
            ".global asset_" #name "_end\n"                                                        \
            "asset_" #name ":\n"                                                                   \
            ".incbin \"gateway/dashboard/" file "\"\n"                                             \
            "asset_" #name "_end:\n"                                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char asset_##name[] __attribute__((visibility("hidden")));                        \
    extern const char asset_##name##_end[] __attribute__((visibility("hidden")))

ASSET(html, "dashboard.html");
ASSET(js, "dashboard.js");
ASSET(css, "dashboard.css");
ASSET(levels, "levels.html");
ASSET(levels_js, "levels.js");

const struct asset *asset_find(struct str path)
{
    /* clang-format off */
    static struct asset assets[] = {
        {"/dashboard",               "text/html; charset=utf-8",       {asset_html, 0}},
        {"/dashboard/dashboard.js",  "text/javascript; charset=utf-8", {asset_js, 0}},
        {"/dashboard/dashboard.css", "text/css; charset=utf-8",        {asset_css, 0}},
        {"/dashboard/levels",        "text/html; charset=utf-8",       {asset_levels, 0}},
        {"/dashboard/levels.js",     "text/javascript; charset=utf-8", {asset_levels_js, 0}},
    };
    /* clang-format on */
    const char *const ends[] = {asset_html_end, asset_js_end, asset_css_end, asset_levels_end,
                                asset_levels_js_end};
    for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
        if (str_eq(path, str_of(assets[i].path))) {
            assets[i].body.len = (size_t)(ends[i] - assets[i].body.at);
            return &assets[i];
        }
    }
    return NULL;
}
