/* SPDX-License-Identifier: MIT */
/*
 * What both engines share: values, rows that are checked before anybody sees them, transactions that are run
 * again where an engine could not order them.
 */
#include "history/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "history/store.h"
#include "result/utf8.h"

struct tare__sql_value tare__sql_whole(int64_t whole)
{
    return (struct tare__sql_value){.type = whole == TARE_HISTORY_UNKNOWN ? TARE__SQL_NULL : TARE__SQL_WHOLE,
                                    .whole = whole};
}

struct tare__sql_value tare__sql_text(const char *text)
{
    if (text == NULL) {
        return (struct tare__sql_value){.type = TARE__SQL_NULL};
    }
    return (struct tare__sql_value){.type = TARE__SQL_TEXT, .bytes = text, .size = strlen(text)};
}

struct tare__sql_value tare__sql_bytes(const void *bytes, size_t size)
{
    if (bytes == NULL) {
        return (struct tare__sql_value){.type = TARE__SQL_NULL};
    }
    return (struct tare__sql_value){.type = TARE__SQL_BYTES, .bytes = bytes, .size = size};
}

static bool is_url(const char *where)
{
    return strncasecmp(where, "postgresql://", 13) == 0 || strncasecmp(where, "postgres://", 11) == 0;
}

int tare__sql_open(const char *where, int flags, struct tare__sql **sql)
{
    return is_url(where) ? tare__pq_open(where, flags, sql) : tare__sqlite_open(where, flags, sql);
}

int tare__sql_init(struct tare__sql *sql, const struct tare__sql_driver *driver, const char *name)
{
    sql->driver = driver;
    sql->wait_ms = TARE__SQL_WAIT_MS;
    sql->name = strdup(name);
    return sql->name == NULL ? -ENOMEM : 0;
}

void tare__sql_close(struct tare__sql *sql)
{
    if (sql == NULL) {
        return;
    }
    char *name = sql->name;
    sql->driver->close(sql);
    free(name);
}

const char *tare__sql_message(const struct tare__sql *sql)
{
    return sql->message;
}

const char *tare__sql_name(const struct tare__sql *sql)
{
    return sql->name;
}

const char *tare__sql_engine(const struct tare__sql *sql)
{
    return sql->driver->engine;
}

void tare__sql_wait(struct tare__sql *sql, int wait_ms)
{
    sql->wait_ms = wait_ms;
    sql->driver->wait(sql, wait_ms);
}

void tare__sql_line(char *line, size_t size, const char *message)
{
    size_t length = 0;
    while (*message == ' ' || *message == '\n') {
        message++;
    }
    for (; *message != '\0' && *message != '\n' && length + 5 < size;) {
        uint32_t point;
        size_t taken = tare__utf8_decode(message, &point);
        if (taken == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            line[length++] = '?';
            message += taken == 0 ? 1 : taken;
            continue;
        }
        memcpy(line + length, message, taken);
        length += taken;
        message += taken;
    }
    line[length] = '\0';
}

static void set_message(struct tare__sql *sql, const char *format, va_list arguments)
{
    char text[sizeof sql->message];
    vsnprintf(text, sizeof text, format, arguments);
    tare__sql_line(sql->message, sizeof sql->message, text);
}

int tare__sql_fail(struct tare__sql *sql, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(sql, format, arguments);
    va_end(arguments);
    sql->damaged = false;
    return error;
}

int tare__sql_damaged(struct tare__sql *sql, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_message(sql, format, arguments);
    va_end(arguments);
    sql->damaged = true;
    return -EINVAL;
}

char *tare__sql_translate(const char *text, bool sqlite)
{
    static const struct {
        const char *token, *sqlite, *other;
    } tokens[] = {
        {"{BYTES}", "BLOB", "BYTEA"},
        {"{BY KEY}", "WITHOUT ROWID", ""},
        {"{SHARED}", "", "FOR SHARE"},
        {"{LOCKED}", "", "FOR UPDATE"},
    };
    char *out = malloc(2 * strlen(text) + 1); /* what takes a token's place is less than twice as long */
    if (out == NULL) {
        return NULL;
    }
    size_t length = 0;
    while (*text != '\0') {
        const char *instead = NULL;
        if (*text == '{') {
            for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
                size_t size = strlen(tokens[i].token);
                if (strncmp(text, tokens[i].token, size) == 0) {
                    instead = sqlite ? tokens[i].sqlite : tokens[i].other;
                    text += size;
                    break;
                }
            }
        }
        if (instead != NULL) {
            size_t size = strlen(instead);
            memcpy(out + length, instead, size);
            length += size;
        } else {
            out[length++] = *text++;
        }
    }
    out[length] = '\0';
    return out;
}

/* Statements */

int tare__sql_run(struct tare__sql *sql, const char *text, const struct tare__sql_value *values, size_t count,
                  int64_t *changed)
{
    if (sql->busy) {
        return tare__sql_fail(sql, -EINVAL, "a statement was begun amid the rows of another");
    }
    sql->column_count = 0;
    sql->changed = 0;
    sql->rolled_back = false;
    int result = sql->driver->start(sql, text, values, count);
    if (result == 0) {
        do {
            result = sql->driver->step(sql);
        } while (result == 1);
        sql->driver->end(sql);
    }
    if (result == 0 && changed != NULL) {
        *changed = sql->changed;
    }
    return result;
}

int tare__sql_query(struct tare__sql *sql, const char *columns, const char *text,
                    const struct tare__sql_value *values, size_t count)
{
    if (sql->busy) {
        return tare__sql_fail(sql, -EINVAL, "a statement was begun amid the rows of another");
    }
    sql->columns = columns;
    sql->column_count = (int)strlen(columns);
    int result = sql->driver->start(sql, text, values, count);
    sql->busy = result == 0;
    return result;
}

bool tare__sql_is_text(const void *bytes, size_t size)
{
    if (size > TARE__SQL_TEXT_MAX || memchr(bytes, '\0', size) != NULL) {
        return false;
    }
    const unsigned char *at = bytes, *end = at + size;
    while (at < end) {
        uint32_t point;
        size_t taken = *at < 0x80 ? 1 : tare__utf8_decode((const char *)at, &point);
        if (taken == 0) {
            return false;
        }
        at += taken;
    }
    return true;
}

static bool as_expected(const struct tare__sql_column *column, char expected)
{
    if (column->type == TARE__SQL_NULL) {
        return expected >= 'A' && expected <= 'Z';
    }
    switch (expected | 0x20) {
    case 'w':
        return column->type == TARE__SQL_WHOLE && column->whole != TARE_HISTORY_UNKNOWN;
    case 't':
        return column->type == TARE__SQL_TEXT && tare__sql_is_text(column->bytes, column->size);
    default:
        return column->type == TARE__SQL_BYTES;
    }
}

int tare__sql_next(struct tare__sql *sql)
{
    if (!sql->busy) {
        return 0;
    }
    int result = sql->driver->step(sql);
    if (result == 1) {
        for (int i = 0; i < sql->column_count; i++) {
            if (!as_expected(&sql->row[i], sql->columns[i])) {
                result = tare__sql_damaged(sql,
                                           "the history '%s' is damaged: a value is not of the kind that it "
                                           "has to be; restore it from a copy",
                                           sql->name);
                break;
            }
        }
    }
    if (result != 1) {
        sql->driver->end(sql);
        sql->busy = false;
    }
    return result;
}

void tare__sql_end(struct tare__sql *sql)
{
    if (sql->busy) {
        sql->driver->end(sql);
        sql->busy = false;
    }
}

int64_t tare__sql_get_whole(const struct tare__sql *sql, int column)
{
    return sql->row[column].type == TARE__SQL_WHOLE ? sql->row[column].whole : TARE_HISTORY_UNKNOWN;
}

const char *tare__sql_get_text(const struct tare__sql *sql, int column)
{
    return sql->row[column].type == TARE__SQL_TEXT ? sql->row[column].bytes : NULL;
}

const void *tare__sql_get_bytes(const struct tare__sql *sql, int column, size_t *size)
{
    *size = 0;
    if (sql->row[column].type != TARE__SQL_BYTES) {
        return NULL;
    }
    *size = sql->row[column].size;
    return sql->row[column].bytes;
}

/* Transactions */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Longer each time, and never the same as another who was refused at the same moment. */
static void back_off(unsigned attempt)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t most_us = INT64_C(2000) << (attempt < 8 ? attempt : 8);
    int64_t wait_us = most_us / 2 + now.tv_nsec / 1000 % (most_us / 2);
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    nanosleep(&wait, NULL);
}

static int once(struct tare__sql *sql, bool write, tare__sql_body *body, void *data)
{
    int result = tare__sql_run(sql, write ? sql->driver->begin_write : sql->driver->begin_read, NULL, 0, NULL);
    if (result != 0) {
        return result;
    }
    result = body(sql, data);
    tare__sql_end(sql);
    if (result == 0) {
        result = tare__sql_run(sql, "COMMIT", NULL, 0, NULL);
        if (result == 0 && sql->rolled_back) {
            return tare__sql_fail(sql, -EIO, "the history '%s' took nothing of this: try again", sql->name);
        }
    }
    if (result != 0) {
        /* What rolling back has to say is of less use than why. */
        char message[sizeof sql->message];
        memcpy(message, sql->message, sizeof message);
        tare__sql_run(sql, "ROLLBACK", NULL, 0, NULL);
        memcpy(sql->message, message, sizeof message);
    }
    return result;
}

int tare__sql_transaction(struct tare__sql *sql, bool write, tare__sql_body *body, void *data)
{
    int64_t until = now_ms() + sql->wait_ms;
    for (unsigned attempt = 0;; attempt++) {
        int result = once(sql, write, body, data);
        if (result != -EAGAIN) {
            return result;
        }
        if (now_ms() >= until) {
            return tare__sql_fail(
                sql, -EBUSY, "others write to '%s' at once, and this could not be put between them: try again",
                sql->name);
        }
        back_off(attempt);
    }
}

int tare__sql_has_table(struct tare__sql *sql, const char *name, bool *has, bool *other)
{
    return sql->driver->has_table(sql, name, has, other);
}

void tare__sql_shrink(struct tare__sql *sql)
{
    sql->driver->shrink(sql);
}

int tare__sql_check(struct tare__sql *sql, void (*found)(void *data, const char *what), void *data,
                    size_t *wrong)
{
    return sql->driver->check(sql, found, data, wrong);
}
