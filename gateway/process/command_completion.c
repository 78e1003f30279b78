/*
 * turnpike completion bash, and the manual page: printed from the tables of commands, so that neither lags.
 *
 * What may follow a command is read out of its usage: "--name" are options, a word in small letters
 * between "|" at its beginning is a verb.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "process/command.h"
#include "process/command_table.h"

enum {
    WORDS_BYTES_MAX = 65536,
};

struct completion {
    const char *noun;
    const char *verb; /* NULL: of the noun itself */
    struct buf words;
};

static bool is_small(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static void add_word(struct buf *words, struct str word)
{
    struct str rest = buf_str(words);
    while (rest.len > 0) {
        if (str_eq(str_cut(&rest, ' '), word)) {
            return;
        }
    }
    buf_add_str(words, word);
    buf_add_char(words, ' ');
}

static void add_options(struct buf *words, struct str usage)
{
    for (size_t at = 0; (at = str_find(usage, STR("--"), at)) != SIZE_MAX;) {
        size_t end = at + 2;
        while (end < usage.len && is_small(usage.at[end])) {
            end++;
        }
        if (end > at + 2) {
            add_word(words, str_sub(usage, at, end - at));
        }
        at = end;
    }
}

/* "up" and "status" of "[up | status] ...", "plan" of "[--in-force] | plan DIR". */
static void add_verbs(struct buf *words, struct str usage)
{
    while (usage.len > 0) {
        struct str part = str_trim(str_cut(&usage, '|'));
        if (str_starts(part, STR("["))) {
            part = str_sub(part, 1, part.len);
        }
        size_t end = 0;
        while (end < part.len && is_small(part.at[end])) {
            end++;
        }
        bool is_word = end > 0 && part.at[0] != '-' &&
                       (end == part.len || part.at[end] == ' ' || part.at[end] == ']');
        if (is_word) {
            add_word(words, str_sub(part, 0, end));
        }
    }
}

static void collect(void *ctx, const char *noun, const char *verb, const char *usage,
                    const char *help)
{
    struct completion *wanted = ctx;
    (void)help;
    if (strcmp(noun, wanted->noun) != 0) {
        return;
    }
    if (wanted->verb == NULL && verb != NULL) {
        add_word(&wanted->words, str_of(verb));
    } else if (wanted->verb == NULL) {
        add_verbs(&wanted->words, str_of(usage));
        add_options(&wanted->words, str_of(usage));
    } else if (verb != NULL && strcmp(verb, wanted->verb) == 0) {
        add_options(&wanted->words, str_of(usage));
    }
}

static void print_case(const char *noun, const char *verb)
{
    struct completion wanted = {.noun = noun, .verb = verb};
    buf_init(&wanted.words, WORDS_BYTES_MAX);
    command_rows(collect, &wanted);
    (void)printf("    \"%s%s%s\") words=\"" STR_FMT "--help\" ;;\n", noun, verb != NULL ? " " : "",
                 verb != NULL ? verb : "", STR_ARG(buf_str(&wanted.words)));
    buf_release(&wanted.words);
}

static void print_verb(void *ctx, const char *noun, const char *verb, const char *usage,
                       const char *help)
{
    (void)ctx;
    (void)usage;
    (void)help;
    if (verb != NULL) {
        print_case(noun, verb);
    }
}

static void print_bash(void)
{
    size_t count = 0;
    const struct command *commands = command_all(&count);
    (void)puts("_turnpike() {\n"
               "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
               "    case \"$COMP_CWORD\" in\n"
               "    1) key= ;;\n"
               "    2) key=${COMP_WORDS[1]} ;;\n"
               "    *) key=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" ;;\n"
               "    esac\n"
               "    case ${COMP_WORDS[COMP_CWORD-1]} in\n"
               "    --*file | --config | --ca | --position | --output | --folder)\n"
               "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
               "        return ;;\n"
               "    esac\n"
               "    case $key in");
    (void)printf("    \"\") words=\"");
    for (size_t i = 0; i < count; i++) {
        (void)printf("%s ", commands[i].name);
    }
    (void)puts("help version\" ;;\n    help) words=\"$(turnpike help | sed -n 's/^  \\([a-z]*\\) "
               ".*/\\1/p')\" ;;");
    command_rows(print_verb, NULL);
    for (size_t i = 0; i < count; i++) {
        print_case(commands[i].name, NULL);
    }
    /* Of a command without verbs the options go on behind its first word. */
    for (size_t i = 0; i < count; i++) {
        struct completion wanted = {.noun = commands[i].name};
        buf_init(&wanted.words, WORDS_BYTES_MAX);
        command_rows(collect, &wanted);
        (void)printf("    \"%s \"*) words=\"" STR_FMT "--help\" ;;\n", commands[i].name,
                     STR_ARG(buf_str(&wanted.words)));
        buf_release(&wanted.words);
    }
    (void)puts("    esac\n"
               "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
               "    [ \"${#COMPREPLY[@]}\" -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
               "}\n"
               "complete -o filenames -F _turnpike turnpike");
}

int command_completion(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "bash") != 0) {
        (void)fprintf(stderr,
                      "turnpike: completion: say for which shell: turnpike completion bash\n");
        return 2;
    }
    print_bash();
    return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- turnpike(1) ----------------------------------------------------------------------------- */

/* scdoc reads some characters as marks. */
static void print_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("_*\\#~`[<>|", *text) != NULL) {
            (void)fputc('\\', stdout);
        }
        (void)fputc(*text, stdout);
    }
}

static void print_row(void *ctx, const char *noun, const char *verb, const char *usage,
                      const char *help)
{
    (void)ctx;
    (void)printf("*turnpike %s%s%s* ", noun, verb != NULL ? " " : "", verb != NULL ? verb : "");
    print_plain(usage);
    (void)printf("\n");
    if (help[0] != '\0') {
        (void)printf("\t");
        print_plain(help);
        (void)printf("\n");
    }
    (void)printf("\n");
}

void command_manual(FILE *out)
{
    CHECK(out == stdout);
    (void)puts(
        "turnpike(1)\n\n"
        "# NAME\n\nturnpike - payment orchestration gateway\n\n"
        "# SYNOPSIS\n\n*turnpike* _COMMAND_ ...\n\n"
        "# DESCRIPTION\n\n"
        "One program: the gateway (*turnpike serve*), its administration, and what developers and\n"
        "operators ask a running gateway. *providers*, *payments*, *payouts*, *events*, *listen* "
        "and\n"
        "*trigger* speak to the API with a key, from anywhere; *merchants*, *accounts*, *keys* and "
        "most\n"
        "others to the database of the configuration (*turnpike.conf*(5)); *ledger* to the "
        "database\n"
        "as finance staff.\n\n"
        "# COMMANDS\n");
    command_rows(print_row, NULL);
    (void)puts(
        "# EXIT STATUS\n\n"
        "*0*\n\tDone.\n\n*1*\n\tNot done: refused, or not found. One line on standard error says "
        "what, and the remedy.\n\n"
        "*2*\n\tThe command line is wrong; nothing was asked.\n\n"
        "*3*\n\tNothing is wrong, but something differs or is pending (*migrate status*, *routes "
        "replay*, *config plan*).\n\n"
        "*4*\n\tThe gateway did not answer, or is busy: try again.\n\n"
        "# ENVIRONMENT\n\n"
        "*TURNPIKE_URL*, *TURNPIKE_KEY_FILE*, *TURNPIKE_CA_FILE*\n"
        "\tWhat --url, --key-file and --ca say, for commands that speak to the API.\n\n"
        "*NO_COLOR*\n\tNo colours, if it is not empty.\n\n"
        "*PGHOST*, *PGSERVICE*, ...\n\tThe database of *turnpike ledger*, as for *psql*(1).\n\n"
        "# FILES\n\n"
        "_turnpike.conf_\n\tThe configuration: *turnpike.conf*(5).\n\n"
        "# SEE ALSO\n\n*turnpike.conf*(5)");
}
