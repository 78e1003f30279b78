#include "ledger/value.h"

#include <endian.h>
#include <string.h>

/* 2000-01-01T00:00:00Z in microseconds since 1970. */
#define EPOCH_2000_US INT64_C(946684800000000)

void params_init(struct params *params)
{
    memset(params, 0, sizeof(*params));
    buf_init(&params->bytes, PARAMS_BYTES_MAX);
}

void params_release(struct params *params)
{
    buf_release(&params->bytes);
}

void params_clear(struct params *params)
{
    buf_clear(&params->bytes);
    params->count = 0;
}

static void add_int4(struct params *params, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    buf_add(&params->bytes, &wire, sizeof(wire));
}

static void add_int8(struct params *params, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    buf_add(&params->bytes, &wire, sizeof(wire));
}

static void param_begin(struct params *params)
{
    CHECK(params->count < PARAMS_MAX);
    params->offset[params->count] = params->bytes.len;
}

static void param_end(struct params *params)
{
    CHECK(buf_is_ok(&params->bytes));
    params->length[params->count] = (int)(params->bytes.len - params->offset[params->count]);
    params->count++;
}

void params_uuid(struct params *params, const struct uuid *id)
{
    param_begin(params);
    buf_add(&params->bytes, id->byte, sizeof(id->byte));
    param_end(params);
}

void params_int8(struct params *params, int64_t value)
{
    param_begin(params);
    add_int8(params, value);
    param_end(params);
}

void params_int4(struct params *params, int32_t value)
{
    param_begin(params);
    add_int4(params, value);
    param_end(params);
}

void params_bool(struct params *params, bool value)
{
    param_begin(params);
    buf_add_char(&params->bytes, value ? 1 : 0);
    param_end(params);
}

void params_time(struct params *params, int64_t wall_us)
{
    param_begin(params);
    add_int8(params, wall_us - EPOCH_2000_US);
    param_end(params);
}

void params_text(struct params *params, struct str text)
{
    param_begin(params);
    buf_add_str(&params->bytes, text);
    param_end(params);
}

void params_bytea(struct params *params, struct str bytes)
{
    params_text(params, bytes);
}

void params_null(struct params *params)
{
    param_begin(params);
    params->length[params->count++] = -1;
}

void params_array_begin(struct params *params, enum value_type type, size_t count)
{
    param_begin(params);
    params->array_at = params->bytes.len;
    params->is_null_seen = false;
    add_int4(params, count > 0 ? 1 : 0);
    add_int4(params, 0);
    add_int4(params, (int32_t)type);
    if (count > 0) {
        add_int4(params, (int32_t)count);
        add_int4(params, 1);
    }
}

void params_array_end(struct params *params)
{
    if (params->is_null_seen && buf_is_ok(&params->bytes)) {
        uint32_t yes = htobe32(1);
        memcpy(params->bytes.at + params->array_at + 4, &yes, sizeof(yes));
    }
    param_end(params);
}

void params_put_uuid(struct params *params, const struct uuid *id)
{
    add_int4(params, sizeof(id->byte));
    buf_add(&params->bytes, id->byte, sizeof(id->byte));
}

void params_put_int8(struct params *params, int64_t value)
{
    add_int4(params, 8);
    add_int8(params, value);
}

void params_put_int4(struct params *params, int32_t value)
{
    add_int4(params, 4);
    add_int4(params, value);
}

void params_put_bool(struct params *params, bool value)
{
    add_int4(params, 1);
    buf_add_char(&params->bytes, value ? 1 : 0);
}

void params_put_time(struct params *params, int64_t wall_us)
{
    params_put_int8(params, wall_us - EPOCH_2000_US);
}

void params_put_bytes(struct params *params, struct str bytes)
{
    CHECK(bytes.len <= INT32_MAX);
    add_int4(params, (int32_t)bytes.len);
    buf_add_str(&params->bytes, bytes);
}

void params_put_null(struct params *params)
{
    params->is_null_seen = true;
    add_int4(params, -1);
}

/* ---- results ------------------------------------------------------------------------------- */

/* What the database sends is checked against what the statement should give, before it is read. */
static const char *column_bytes(const PGresult *res, int row, int column, int size)
{
    if (PQgetisnull(res, row, column))
        return NULL;
    CHECK(PQfformat(res, column) == 1);
    CHECK(PQgetlength(res, row, column) == size);
    return PQgetvalue(res, row, column);
}

struct uuid column_uuid(const PGresult *res, int row, int column)
{
    struct uuid id = {{0}};
    const char *bytes = column_bytes(res, row, column, sizeof(id.byte));
    if (bytes != NULL)
        memcpy(id.byte, bytes, sizeof(id.byte));
    return id;
}

int64_t column_int8(const PGresult *res, int row, int column)
{
    uint64_t wire = 0;
    const char *bytes = column_bytes(res, row, column, sizeof(wire));
    if (bytes != NULL)
        memcpy(&wire, bytes, sizeof(wire));
    return (int64_t)be64toh(wire);
}

int32_t column_int4(const PGresult *res, int row, int column)
{
    uint32_t wire = 0;
    const char *bytes = column_bytes(res, row, column, sizeof(wire));
    if (bytes != NULL)
        memcpy(&wire, bytes, sizeof(wire));
    return (int32_t)be32toh(wire);
}

bool column_bool(const PGresult *res, int row, int column)
{
    const char *bytes = column_bytes(res, row, column, 1);
    return bytes != NULL && bytes[0] != 0;
}

int64_t column_time(const PGresult *res, int row, int column)
{
    if (PQgetisnull(res, row, column))
        return 0;
    return column_int8(res, row, column) + EPOCH_2000_US;
}

bool column_is_null(const PGresult *res, int row, int column)
{
    return PQgetisnull(res, row, column) != 0;
}

void column_digest(const PGresult *res, int row, int column, uint8_t out[32])
{
    memset(out, 0, 32);
    if (PQgetlength(res, row, column) == 32)
        memcpy(out, PQgetvalue(res, row, column), 32);
}

struct str column_text(const PGresult *res, int row, int column)
{
    if (PQgetisnull(res, row, column))
        return STR_NONE;
    return (struct str){PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column)};
}

struct str column_copy(const PGresult *res, int row, int column, struct arena *arena)
{
    return arena_str(arena, column_text(res, row, column));
}

void params_int8_column(struct params *params, const void *rows, size_t row_size, size_t offset,
                        size_t count)
{
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        memcpy(&value, (const char *)rows + i * row_size + offset, sizeof(value));
        params_put_int8(params, value);
    }
    params_array_end(params);
}
