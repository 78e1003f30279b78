#include "tests/bench/load/load.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void give_up(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench-load: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static const char *text(const json_t *object, const char *name, const char *otherwise)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL || json_is_null(value))
        return otherwise;
    if (!json_is_string(value))
        give_up("\"%s\" must be a string", name);
    return json_string_value(value);
}

static double number(const json_t *object, const char *name, double otherwise)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL || json_is_null(value))
        return otherwise;
    if (!json_is_number(value) || json_number_value(value) < 0)
        give_up("\"%s\" must be a number of at least 0", name);
    return json_number_value(value);
}

static void read_lines(struct load_class *class, const char *file)
{
    FILE *in = fopen(file, "re");
    char *line = NULL;
    size_t room = 0;
    size_t lines_room = 0;
    ssize_t len;
    if (in == NULL)
        give_up("cannot read %s", file);
    while ((len = getline(&line, &room, in)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (class->line_count == lines_room) {
            lines_room = lines_room == 0 ? 1024 : lines_room * 2;
            class->lines = reallocarray(class->lines, lines_room, sizeof(*class->lines));
            if (class->lines == NULL)
                give_up("out of memory");
        }
        class->lines[class->line_count++] = strdup(line);
    }
    free(line);
    (void)fclose(in);
    if (class->line_count == 0)
        give_up("%s is empty", file);
}

static void load_class(struct load_class *class, const json_t *json)
{
    *class = (struct load_class){
        .name = text(json, "name", "payments"),
        .method = text(json, "method", "POST"),
        .path = text(json, "path", NULL),
        .headers = text(json, "headers", ""),
        .body = text(json, "body", ""),
        .keyed = json_is_true(json_object_get(json, "keyed")),
        .share = number(json, "share", 1),
        .connection_count = (size_t)number(json, "connections", 1),
    };
    class->initial_count = (size_t)number(json, "initial", (double)class->connection_count);
    if (class->initial_count > class->connection_count)
        class->initial_count = class->connection_count;
    const char *file = text(json, "lines_file", NULL);
    if (file != NULL)
        read_lines(class, file);
    if ((class->path == NULL) == (file == NULL))
        give_up("class %s: name either \"path\" or \"lines_file\"", class->name);
    if (class->connection_count == 0)
        give_up("class %s: it needs connections", class->name);
}

void spec_load(struct load_spec *spec, const char *file)
{
    json_error_t err;
    json_t *json =
        strcmp(file, "-") == 0 ? json_loadf(stdin, 0, &err) : json_load_file(file, 0, &err);
    if (json == NULL)
        give_up("%s: %s", file, err.text);
    *spec = (struct load_spec){
        .json = json,
        .host = text(json, "host", "127.0.0.1"),
        .port = (int)number(json, "port", 8443),
        .ca_file = text(json, "ca", NULL),
        .log_file = text(json, "log", NULL),
        .database = text(json, "database", NULL),
        .rate = number(json, "rate", 0),
        .warmup_us = (int64_t)(number(json, "warmup", 1) * 1e6),
        .window_us = (int64_t)(number(json, "seconds", 5) * 1e6),
        .drain_us = (int64_t)(number(json, "drain", 30) * 1e6),
        .seed = (uint64_t)number(json, "seed", 1),
    };
    size_t index;
    const json_t *value;
    const char *name;
    json_array_foreach(json_object_get(json, "classes"), index, value)
    {
        if (spec->class_count == CLASS_MAX)
            give_up("more than %d classes", CLASS_MAX);
        load_class(&spec->class[spec->class_count++], value);
    }
    json_object_foreach(json_object_get(json, "groups"), name, value)
    {
        if (spec->group_count == GROUP_MAX)
            give_up("more than %d groups", GROUP_MAX);
        spec->group[spec->group_count++] =
            (struct load_group){.name = name, .pid = (int)json_integer_value(value)};
    }
    if (spec->window_us / 1000000 >= SECOND_MAX)
        give_up("\"seconds\" must be below %d", SECOND_MAX);
}

void spec_release(struct load_spec *spec)
{
    for (size_t i = 0; i < spec->class_count; i++) {
        for (size_t n = 0; n < spec->class[i].line_count; n++)
            free(spec->class[i].lines[n]);
        free(spec->class[i].lines);
    }
    json_decref(spec->json);
}
