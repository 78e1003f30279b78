/*
 * screen.h - what people see: colours where a terminal is, nothing that steers it otherwise.
 *
 * Colours are used on a terminal alone, and not with NO_COLOR (any text) or TERM=dumb. Progress goes to
 * standard error, on a terminal alone, and is wiped before the next line. Texts that come from anywhere but this
 * program lose control characters, and those that turn the direction of writing: a terminal obeys
 * nobody's data.
 */
#ifndef PROCESS_SCREEN_H
#define PROCESS_SCREEN_H

#include <stdint.h>
#include <stdio.h>

#include "base/str.h"

enum tone {
    TONE_NONE = 0,
    TONE_GOOD,
    TONE_BAD,
    TONE_CARE, /* somebody, or something, is awaited */
    TONE_FAINT,
    TONE_STRONG,
    TONE_COUNT,
};

/* May what goes to this file have colours? */
bool screen_has_colour(FILE *out);
/* By the words that the gateway uses for states, statuses and outcomes. */
enum tone screen_tone(struct str word);

/* `text` as it may be shown: at most text.len bytes into out; returns how many. */
size_t screen_clean(struct str text, char *out);
size_t screen_width(struct str text); /* in characters */
/* Cleaned; with colours when has_colour. */
void screen_add(struct buf *out, bool has_colour, enum tone tone, struct str text);

/* "1200 payments": over what stood there before; nothing unless standard error is a terminal. */
void screen_progress(uint64_t count, const char *what);
void screen_progress_end(void);

#endif
