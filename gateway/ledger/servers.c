#include "ledger/servers.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

enum {
    OPTION_MAX = 64, /* that a connection string may set; libpq 15 knows 41 */
    PART_SIZE = 256, /* of one host: a socket's path has 107 bytes at most, a name 253 */
};

struct servers {
    const char *conninfo;      /* borrowed */
    PQconninfoOption *options; /* owned; NULL: libpq shall say what is wrong with it */
    unsigned count;
    unsigned turn;
};

static bool is_list(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

static unsigned count_parts(const char *text)
{
    unsigned count = 1;
    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

/* Part `turn` of a list; of a list of one, that one: a port may be of all hosts. */
static const char *part_of(const char *text, unsigned turn, char out[PART_SIZE])
{
    struct str rest = str_of(text);
    struct str part = rest;
    if (count_parts(text) > 1) {
        for (unsigned i = 0; i <= turn; i++)
            part = str_cut(&rest, ',');
    }
    return str_copy_to(part, out, PART_SIZE) ? out : text;
}

struct servers *servers_new(const char *conninfo)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    CHECK(servers != NULL);
    servers->conninfo = conninfo;
    servers->options = PQconninfoParse(conninfo, NULL);
    servers->count = 1;
    for (const PQconninfoOption *o = servers->options; o != NULL && o->keyword != NULL; o++) {
        if (o->val != NULL && is_list(o->keyword) && count_parts(o->val) > servers->count)
            servers->count = count_parts(o->val);
    }
    return servers;
}

void servers_free(struct servers **servers)
{
    if (*servers == NULL)
        return;
    PQconninfoFree((*servers)->options);
    free(*servers);
    *servers = NULL;
}

PGconn *servers_connect(const struct servers *servers)
{
    PGconn *conn = NULL;
    if (servers->options == NULL || servers->count == 1) {
        conn = PQconnectStart(servers->conninfo);
        CHECK(conn != NULL);
        return conn;
    }
    const char *keywords[OPTION_MAX + 1] = {NULL};
    const char *values[OPTION_MAX + 1] = {NULL};
    char parts[3][PART_SIZE];
    unsigned part_count = 0;
    unsigned count = 0;
    for (const PQconninfoOption *o = servers->options; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        CHECK(count < OPTION_MAX);
        keywords[count] = o->keyword;
        values[count] = o->val;
        if (is_list(o->keyword))
            values[count] = part_of(o->val, servers->turn, parts[part_count++]);
        count++;
    }
    conn = PQconnectStartParams(keywords, values, 0);
    CHECK(conn != NULL);
    return conn;
}

bool servers_pass(struct servers *servers)
{
    servers->turn = (servers->turn + 1) % servers->count;
    return servers->turn == 0;
}
