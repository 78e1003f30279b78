/*
 * unpack.c - stored answers made readable, for suites that look for something in all of a database: a line of
 * hexadecimal digits in, the text that was packed out (pack.h). What was never packed comes out as it is; what
 * is sealed stays unreadable.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/pack.h"

enum {
    LINE_MAX_BYTES = 8 << 20,
};

int main(void)
{
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct arena arena;
        struct buf bytes;
        struct error err;
        struct str text = STR_NONE;
        arena_init(&arena, LINE_MAX_BYTES);
        buf_init(&bytes, LINE_MAX_BYTES);
        struct str rest = str_of(line);
        struct str digits = str_cut(&rest, '\n');
        if (digits.len > 0 && !crypto_unhex(digits, &bytes))
            return 1;
        if (!unpack(buf_str(&bytes), LINE_MAX_BYTES, &arena, &text, &err))
            text = buf_str(&bytes);
        (void)fwrite(text.at, 1, text.len, stdout);
        (void)putchar('\n');
        buf_release(&bytes);
        arena_release(&arena);
    }
    return ferror(stdin) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
