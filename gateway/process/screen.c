#include "process/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_progress;

/* clang-format off */
static const char *const codes[TONE_COUNT] = {
    [TONE_NONE] = "", [TONE_GOOD] = "32", [TONE_BAD] = "31", [TONE_CARE] = "33", [TONE_FAINT] = "2", [TONE_STRONG] = "1",
};
static const struct {
    const char *word;
    enum tone tone;
} words[] = {
    {"healthy", TONE_GOOD},   {"closed", TONE_GOOD},     {"succeeded", TONE_GOOD}, {"authorized", TONE_GOOD},
    {"approved", TONE_GOOD},  {"delivered", TONE_GOOD},  {"posted", TONE_GOOD},    {"open", TONE_CARE},
    {"degraded", TONE_CARE},  {"half_open", TONE_CARE},  {"drained", TONE_CARE},   {"maintenance", TONE_CARE},
    {"processing", TONE_CARE}, {"pending", TONE_CARE},   {"review", TONE_CARE},    {"unknown", TONE_CARE},
    {"requires_action", TONE_CARE}, {"requires_approval", TONE_CARE}, {"scheduled", TONE_CARE}, {"unclaimed", TONE_CARE},
    {"waiting", TONE_CARE},   {"sending", TONE_CARE},    {"reversing", TONE_CARE}, {"down", TONE_BAD},
    {"disabled", TONE_BAD},   {"unusable", TONE_BAD},    {"declined", TONE_BAD},   {"declined_soft", TONE_BAD},
    {"declined_hard", TONE_BAD}, {"failed", TONE_BAD},   {"rejected", TONE_BAD},   {"returned", TONE_BAD},
};
/* clang-format on */

bool screen_has_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fileno(out)) == 1 && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

enum tone screen_tone(struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(word, str_of(words[i].word))) {
            return words[i].tone;
        }
    }
    return TONE_NONE;
}

/* U+0085 and its like, and those that turn the direction: U+200E, F, U+202A to E, U+2066 to 9. */
static bool is_unshown(struct str text, size_t at, size_t size)
{
    const unsigned char *c = (const unsigned char *)text.at + at;
    if (size == 1) {
        return c[0] < ' ' || c[0] == 0x7f;
    }
    if (size == 2) {
        return c[0] == 0xc2 && c[1] < 0xa0;
    }
    if (size != 3 || c[0] != 0xe2) {
        return false;
    }
    return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

size_t screen_clean(struct str text, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t size = str_utf8_size(text, at);
        if (size == 0 || is_unshown(text, at, size)) {
            out[len++] = '.';
            at += size > 0 ? size : 1;
            continue;
        }
        memcpy(out + len, text.at + at, size);
        len += size;
        at += size;
    }
    return len;
}

size_t screen_width(struct str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++) {
        width += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    }
    return width;
}

void screen_add(struct buf *out, bool has_colour, enum tone tone, struct str text)
{
    bool is_painted = has_colour && tone != TONE_NONE;
    if (is_painted) {
        buf_printf(out, "\x1b[%sm", codes[tone]);
    }
    char *at = text.len > 0 ? buf_extend(out, text.len) : NULL;
    if (at != NULL) {
        out->len -= text.len - screen_clean(text, at);
    }
    if (is_painted) {
        buf_add_str(out, STR("\x1b[0m"));
    }
}

void screen_progress(uint64_t count, const char *what)
{
    if (isatty(STDERR_FILENO) == 1) {
        has_progress = true;
        (void)fprintf(stderr, "\r\x1b[K%" PRIu64 " %s ...", count, what);
        (void)fflush(stderr);
    }
}

void screen_progress_end(void)
{
    if (has_progress) {
        has_progress = false;
        (void)fputs("\r\x1b[K", stderr);
        (void)fflush(stderr);
    }
}
