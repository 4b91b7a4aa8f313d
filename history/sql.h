/* SPDX-License-Identifier: MIT */
/*
 * One SQL for SQLite and PostgreSQL: what the store needs of an engine, and no more. Private to the store
 * (history/store*.c, history/schema.c).
 *
 * Statements are written once, for both. Parameters are $1, $2, ...; what the engines write differently
 * stands in braces: {BYTES} is the type of bytes, {BY KEY} makes a table of SQLite one without a hidden key,
 * and {SHARED} and {LOCKED} behind a SELECT keep the rows that it read from being changed until the
 * transaction ends. (A writing transaction of SQLite has the whole file to itself.)
 *
 * Rows come one at a time, and are not trusted: tare__sql_query() says what each column has to be, and a row
 * that is otherwise ends it with -EINVAL. One statement at a time: nothing else may be asked while rows are
 * read.
 *
 * Functions return 0 or -errno, as history/store.h says, with one line in tare__sql_message().
 */
#ifndef TARE_HISTORY_SQL_H
#define TARE_HISTORY_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history/model.h"

enum tare__sql_type { TARE__SQL_NULL, TARE__SQL_WHOLE, TARE__SQL_TEXT, TARE__SQL_BYTES };

/* A parameter. It points to what the caller keeps until the statement was run. */
struct tare__sql_value {
    enum tare__sql_type type;
    int64_t whole;
    const void *bytes;
    size_t size;
};

/* TARE_HISTORY_UNKNOWN and NULL are stored as NULL. */
struct tare__sql_value tare__sql_whole(int64_t whole);
struct tare__sql_value tare__sql_text(const char *text);
struct tare__sql_value tare__sql_bytes(const void *bytes, size_t size);

enum {
    TARE__SQL_COLUMNS = 24,        /* of a row, at most */
    TARE__SQL_TEXT_MAX = 16 << 20, /* bytes of a text that is read */
    TARE__SQL_WAIT_MS = 30000,     /* for others who have it locked, unless tare__sql_wait() says otherwise */
};

struct tare__sql;

/* `flags` of tare_store_open(). *sql is set also on failure, for its message; NULL without memory. */
int tare__sql_open(const char *where, int flags, struct tare__sql **sql);
void tare__sql_close(struct tare__sql *sql);
const char *tare__sql_message(const struct tare__sql *sql);
const char *tare__sql_name(const struct tare__sql *sql);
const char *tare__sql_engine(const struct tare__sql *sql);
/* How long is waited for others, at most. */
void tare__sql_wait(struct tare__sql *sql, int wait_ms);

/* Says what is wrong, and returns `error`. */
int tare__sql_fail(struct tare__sql *sql, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of what is damaged: -EINVAL, and sql->damaged until the next failure. */
int tare__sql_damaged(struct tare__sql *sql, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A statement without rows; *changed (may be NULL): how many rows it inserted, updated or deleted. */
int tare__sql_run(struct tare__sql *sql, const char *text, const struct tare__sql_value *values, size_t count,
                  int64_t *changed);

/*
 * A statement with rows. `columns` has a letter for each: w whole number, t text, b bytes; capital: it may be
 * NULL. Then tare__sql_next() returns 1 with a row, 0 behind the last, or -errno, and after 0 and -errno it
 * is over; tare__sql_end() leaves it earlier. What a getter returns is there until the next call.
 */
int tare__sql_query(struct tare__sql *sql, const char *columns, const char *text,
                    const struct tare__sql_value *values, size_t count);
int tare__sql_next(struct tare__sql *sql);
void tare__sql_end(struct tare__sql *sql);
int64_t tare__sql_get_whole(const struct tare__sql *sql, int column);    /* TARE_HISTORY_UNKNOWN for NULL */
const char *tare__sql_get_text(const struct tare__sql *sql, int column); /* ends with NUL; NULL for NULL */
const void *tare__sql_get_bytes(const struct tare__sql *sql, int column, size_t *size); /* NULL for NULL */

/*
 * Runs `body` in a transaction; it is rolled back when that returns an error. A writing one has the newest
 * state to itself, or waits for those who write the same rows; where the engine asks for it, the body is run
 * again. A reading one sees one state.
 */
typedef int tare__sql_body(struct tare__sql *sql, void *data);
int tare__sql_transaction(struct tare__sql *sql, bool write, tare__sql_body *body, void *data);

/* Whether there is a table of this name; *other: there are tables, but this one is not among them. */
int tare__sql_has_table(struct tare__sql *sql, const char *name, bool *has, bool *other);

/* Gives back what deleted rows took, where the engine does not do so by itself. */
void tare__sql_shrink(struct tare__sql *sql);
/* What the engine itself finds wrong, a line each. */
int tare__sql_check(struct tare__sql *sql, void (*found)(void *data, const char *what), void *data,
                    size_t *wrong);

/* For the engines, sql_sqlite.c and sql_pq.c. */

struct tare__sql_driver {
    const char *engine;
    void (*close)(struct tare__sql *sql);
    void (*wait)(struct tare__sql *sql, int wait_ms);
    int (*start)(struct tare__sql *sql, const char *text, const struct tare__sql_value *values, size_t count);
    /*
     * 1 with a row: its columns are in sql->row; 0 with sql->changed; -errno; -EAGAIN: run the transaction
     * again
     */
    int (*step)(struct tare__sql *sql);
    void (*end)(struct tare__sql *sql);
    const char *begin_write, *begin_read;
    int (*has_table)(struct tare__sql *sql, const char *name, bool *has, bool *other);
    void (*shrink)(struct tare__sql *sql);
    int (*check)(struct tare__sql *sql, void (*found)(void *data, const char *what), void *data, size_t *wrong);
};

struct tare__sql_column {
    enum tare__sql_type type;
    int64_t whole;
    const void *bytes; /* NUL behind the last */
    size_t size;
};

struct tare__sql {
    const struct tare__sql_driver *driver;
    char *name;
    char message[1024];
    int wait_ms;
    bool busy;        /* a statement with rows is not at its end */
    bool rolled_back; /* by the statement that was run last */
    bool damaged;     /* the message is about damage */
    int64_t changed;
    const char *columns;
    int column_count;
    struct tare__sql_column row[TARE__SQL_COLUMNS];
};

/* UTF-8 without a NUL, and not too long. */
bool tare__sql_is_text(const void *bytes, size_t size);
/* Fills what they share. The engine's structure begins with struct tare__sql. */
int tare__sql_init(struct tare__sql *sql, const struct tare__sql_driver *driver, const char *name);
/* `text` with what is in braces replaced; malloc'ed, NULL without memory. */
char *tare__sql_translate(const char *text, bool sqlite);
/* The first line of an engine's message, without what would not be one line on a terminal. */
void tare__sql_line(char *line, size_t size, const char *message);

int tare__sqlite_open(const char *where, int flags, struct tare__sql **sql);
int tare__pq_open(const char *where, int flags, struct tare__sql **sql);

#endif
