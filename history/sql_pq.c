/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL, and what speaks its protocol, as the store's engine.
 *
 * Values travel in binary form, as parameters, so that nothing in them is ever SQL. Statements are not
 * prepared under names, which poolers between us and the server do not keep apart. Rows come one by one
 * (single-row mode): a history does not have to fit into memory twice. The server is not trusted with more
 * than its rows: kinds, sizes and texts are checked, and its messages are shown in one line, without the
 * password.
 */
#include "history/sql.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/store.h"

#if TARE_HAVE_PQ

#include <libpq-fe.h>

#define FUNCTIONS(X)                                                                                           \
    X(clear)                                                                                                   \
    X(cmdStatus)                                                                                               \
    X(cmdTuples)                                                                                               \
    X(connectdbParams)                                                                                         \
    X(conninfoFree)                                                                                            \
    X(conninfoParse)                                                                                           \
    X(errorMessage)                                                                                            \
    X(fformat)                                                                                                 \
    X(finish)                                                                                                  \
    X(ftype)                                                                                                   \
    X(getResult)                                                                                               \
    X(getisnull)                                                                                               \
    X(getlength)                                                                                               \
    X(getvalue)                                                                                                \
    X(nfields)                                                                                                 \
    X(parameterStatus)                                                                                         \
    X(pass)                                                                                                    \
    X(reset)                                                                                                   \
    X(resultErrorField)                                                                                        \
    X(resultStatus)                                                                                            \
    X(sendQueryParams)                                                                                         \
    X(setNoticeProcessor)                                                                                      \
    X(setSingleRowMode)                                                                                        \
    X(status)

/*
 * libpq is loaded when it is asked for: it brings thirty libraries along, which take longer to load than a result to
 * add.
 */
static struct {
#define X(name) __typeof__(&PQ##name) name;
    FUNCTIONS(X)
#undef X
} libpq;

/* NULL: `why` says what is missing. Functions are read as data, as POSIX has it for dlsym. */
static void *load_new(char *why, size_t size)
{
    void *opened = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    const char *problem = opened == NULL ? dlerror() : NULL;
#define X(name)                                                                                                \
    if (problem == NULL) {                                                                                     \
        void *found = dlsym(opened, "PQ" #name);                                                               \
        memcpy(&libpq.name, &found, sizeof found);                                                             \
        problem = found == NULL ? dlerror() : NULL;                                                            \
    }
    FUNCTIONS(X)
#undef X
    if (problem != NULL) {
        tare__sql_line(why, size, problem);
        if (opened != NULL) {
            dlclose(opened);
        }
        return NULL;
    }
    return opened;
}

/* False: `why` says what is missing. */
static bool load(char *why, size_t size)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* each thread may have a store of its own */
    static void *library;
    pthread_mutex_lock(&mutex);
    bool loaded = library != NULL || (library = load_new(why, size)) != NULL;
    pthread_mutex_unlock(&mutex);
    return loaded;
}

enum {
    WHOLE = 20, /* OIDs of types, which are part of the protocol: int8, text, bytea */
    TEXT = 25,
    BYTES = 17,
    PARAMETERS = 1024,
};

struct pq {
    struct tare__sql sql; /* first */
    PGconn *connection;
    PGresult *rows; /* the row that is looked at */
    bool under_way; /* results of a statement are to be fetched */
    char *password; /* never shown */
};

static struct pq *pq_of(struct tare__sql *sql)
{
    return (struct pq *)sql;
}

/* Errors */

/* A message of libpq or the server in one line, with stars for the password. */
static void one_line(const struct pq *pq, const char *message, char *line, size_t size)
{
    tare__sql_line(line, size, message);
    size_t length = pq->password != NULL ? strlen(pq->password) : 0;
    for (char *at = line; length > 0 && (at = strstr(at, pq->password)) != NULL; at += length) {
        memset(at, '*', length);
    }
}

static int unreachable(struct pq *pq)
{
    char line[400];
    one_line(pq, libpq.errorMessage(pq->connection), line, sizeof line);
    return tare__sql_fail(&pq->sql, -ECONNREFUSED, "cannot reach the history '%s': %s", pq->sql.name, line);
}

static int failed(struct pq *pq, const PGresult *result)
{
    struct tare__sql *sql = &pq->sql;
    const char *state = result != NULL ? libpq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result != NULL ? libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (state == NULL || strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0) {
        char line[400];
        one_line(pq, primary != NULL ? primary : libpq.errorMessage(pq->connection), line, sizeof line);
        return tare__sql_fail(sql, -ECONNREFUSED, "the connection to the history '%s' is lost: %s", sql->name,
                              line);
    }
    char line[400];
    one_line(pq, primary != NULL ? primary : "no reason given", line, sizeof line);
    /* Serialisation failures, deadlocks; tables that others make at this moment. */
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 || strcmp(state, "23505") == 0 ||
        strcmp(state, "42P07") == 0 || strcmp(state, "42701") == 0) {
        tare__sql_fail(sql, -EAGAIN, "the history '%s': %s", sql->name, line);
        return -EAGAIN;
    }
    if (strcmp(state, "55P03") == 0 || strcmp(state, "57014") == 0) {
        return tare__sql_fail(sql, -EBUSY,
                              "the history '%s' was locked by others for more than %g s: try again", sql->name,
                              sql->wait_ms / 1e3);
    }
    if (strcmp(state, "53100") == 0) {
        return tare__sql_fail(sql, -ENOSPC, "there is no room left for the history '%s': nothing was changed",
                              sql->name);
    }
    if (strcmp(state, "53200") == 0) {
        return tare__sql_fail(sql, -ENOMEM, "the server of the history '%s' has no memory", sql->name);
    }
    if (strcmp(state, "42501") == 0 || strcmp(state, "25006") == 0 || strncmp(state, "28", 2) == 0) {
        return tare__sql_fail(sql, -EACCES, "the history '%s' does not allow it: %s", sql->name, line);
    }
    if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0 || strcmp(state, "42804") == 0) {
        return tare__sql_damaged(sql, "the history '%s' is damaged (%s): restore it from a copy", sql->name,
                                 line);
    }
    return tare__sql_fail(sql, -EIO, "the server of the history '%s' refuses: %s (%s)", sql->name, line, state);
}

/* Statements */

struct parameters {
    Oid types[PARAMETERS];
    const char *values[PARAMETERS];
    int sizes[PARAMETERS];
    int formats[PARAMETERS];
    unsigned char whole[PARAMETERS][8];
};

static int send(struct pq *pq, const char *text, const struct tare__sql_value *values, size_t count)
{
    struct parameters *p = count <= PARAMETERS ? malloc(sizeof *p) : NULL;
    char *own = tare__sql_translate(text, false);
    if (p == NULL || own == NULL) {
        free(p);
        free(own);
        return tare__sql_fail(&pq->sql, -ENOMEM, "no memory");
    }
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        /* A NULL's type is left to the server, which knows the column. */
        p->types[i] = values[i].type == TARE__SQL_WHOLE   ? WHOLE
                      : values[i].type == TARE__SQL_TEXT  ? TEXT
                      : values[i].type == TARE__SQL_BYTES ? BYTES
                                                          : 0;
        p->formats[i] = 1;
        p->values[i] = values[i].bytes;
        if (values[i].size > (size_t)1 << 29) {
            result = tare__sql_fail(&pq->sql, -E2BIG, "a result is larger than the history '%s' can keep",
                                    pq->sql.name);
        }
        p->sizes[i] = (int)values[i].size;
        if (values[i].type == TARE__SQL_WHOLE) {
            for (int byte = 0; byte < 8; byte++) {
                p->whole[i][byte] = (unsigned char)((uint64_t)values[i].whole >> (56 - 8 * byte));
            }
            p->values[i] = (const char *)p->whole[i];
            p->sizes[i] = 8;
        } else if (values[i].type == TARE__SQL_NULL) {
            p->values[i] = NULL;
        }
    }
    if (result == 0 && libpq.sendQueryParams(pq->connection, own, (int)count, p->types, p->values, p->sizes,
                                             p->formats, 1) != 1) {
        result = failed(pq, NULL);
    }
    free(p);
    free(own);
    return result;
}

static void drop_rows(struct pq *pq)
{
    libpq.clear(pq->rows);
    pq->rows = NULL;
}

static void end(struct tare__sql *sql)
{
    struct pq *pq = pq_of(sql);
    drop_rows(pq);
    while (pq->under_way) {
        PGresult *rest = libpq.getResult(pq->connection);
        ExecStatusType status = libpq.resultStatus(rest);
        if (rest == NULL) {
            pq->under_way = false;
        } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            /* Not asked for, and not to be got out of: a server that is none. */
            libpq.clear(rest);
            libpq.reset(pq->connection);
            pq->under_way = false;
            break;
        }
        libpq.clear(rest);
    }
}

static int start(struct tare__sql *sql, const char *text, const struct tare__sql_value *values, size_t count)
{
    struct pq *pq = pq_of(sql);
    int result = send(pq, text, values, count);
    if (result == 0) {
        pq->under_way = true;
        libpq.setSingleRowMode(pq->connection);
    }
    return result;
}

static int64_t read_whole(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

static int fill_row(struct pq *pq)
{
    struct tare__sql *sql = &pq->sql;
    for (int i = 0; i < sql->column_count; i++) {
        struct tare__sql_column *column = &sql->row[i];
        *column = (struct tare__sql_column){.bytes = ""};
        if (i >= libpq.nfields(pq->rows) || libpq.fformat(pq->rows, i) != 1) {
            return tare__sql_fail(sql, -EINVAL, "the server of the history '%s' answers something else",
                                  sql->name);
        }
        if (libpq.getisnull(pq->rows, 0, i)) {
            continue;
        }
        const char *bytes = libpq.getvalue(pq->rows, 0, i);
        int size = libpq.getlength(pq->rows, 0, i);
        Oid type = libpq.ftype(pq->rows, i);
        column->size = (size_t)size;
        column->bytes = bytes;
        if (type == WHOLE && size == 8) {
            column->type = TARE__SQL_WHOLE;
            column->whole = read_whole((const unsigned char *)bytes);
        } else if (type == TEXT) {
            column->type = TARE__SQL_TEXT;
        } else if (type == BYTES) {
            column->type = TARE__SQL_BYTES;
        } else {
            return tare__sql_damaged(sql, "the history '%s' is damaged: a column has another type", sql->name);
        }
    }
    return 1;
}

static int step(struct tare__sql *sql)
{
    struct pq *pq = pq_of(sql);
    drop_rows(pq);
    pq->rows = libpq.getResult(pq->connection);
    if (pq->rows == NULL) {
        pq->under_way = false;
        return libpq.status(pq->connection) == CONNECTION_OK ? 0 : failed(pq, NULL);
    }
    switch (libpq.resultStatus(pq->rows)) {
    case PGRES_SINGLE_TUPLE:
        return fill_row(pq);
    case PGRES_TUPLES_OK: /* behind the last row */
    case PGRES_COMMAND_OK:
        sql->changed = strtoll(libpq.cmdTuples(pq->rows), NULL, 10);
        sql->rolled_back = strcmp(libpq.cmdStatus(pq->rows), "ROLLBACK") == 0;
        return 0;
    default:
        return failed(pq, pq->rows);
    }
}

static void close_pq(struct tare__sql *sql)
{
    struct pq *pq = pq_of(sql);
    drop_rows(pq);
    libpq.finish(pq->connection);
    free(pq->password);
    free(pq);
}

static void wait_for_others(struct tare__sql *sql, int wait_ms)
{
    /* Servers that do not have the setting wait for as long as they do. */
    char text[64];
    snprintf(text, sizeof text, "SET lock_timeout = %d", wait_ms > 0 ? wait_ms : 1);
    tare__sql_run(sql, text, NULL, 0, NULL);
    sql->message[0] = '\0';
}

static int has_table(struct tare__sql *sql, const char *name, bool *has, bool *other)
{
    /* Where an unqualified name is looked for; other tables in a database of many are nobody's business. */
    *has = *other = false;
    int result = tare__sql_query(sql, "w",
                                 "SELECT CAST(count(*) AS BIGINT) FROM information_schema.tables "
                                 "WHERE table_name = $1 AND table_schema = current_schema()",
                                 (struct tare__sql_value[]){tare__sql_text(name)}, 1);
    if (result == 0) {
        while ((result = tare__sql_next(sql)) == 1) {
            *has = tare__sql_get_whole(sql, 0) > 0;
        }
    }
    return result;
}

static void shrink(struct tare__sql *sql)
{
    (void)sql; /* autovacuum does */
}

static int check(struct tare__sql *sql, void (*found)(void *data, const char *what), void *data, size_t *wrong)
{
    (void)sql; /* the server checks its pages itself, if it was told to (initdb --data-checksums) */
    (void)found;
    (void)data;
    (void)wrong;
    return 0;
}

static const struct tare__sql_driver driver = {
    .engine = "postgresql",
    .close = close_pq,
    .wait = wait_for_others,
    .start = start,
    .step = step,
    .end = end,
    .begin_write = "BEGIN",
    .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .has_table = has_table,
    .shrink = shrink,
    .check = check,
};

/* Opening */

enum { OPTIONS = 80 };

struct options {
    const char *names[OPTIONS];
    const char *values[OPTIONS];
    size_t count;
};

static void add_option(struct options *options, const char *name, const char *value)
{
    if (options->count + 1 < OPTIONS) {
        options->names[options->count] = name;
        options->values[options->count++] = value;
    }
}

static const char *given(const PQconninfoOption *parsed, const char *name)
{
    for (const PQconninfoOption *option = parsed; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, name) == 0 && option->val != NULL && option->val[0] != '\0') {
            return option->val;
        }
    }
    return NULL;
}

/* For people, and without secrets: postgresql://user@host:port/database, of what the URL says. */
static char *name_of(const PQconninfoOption *parsed)
{
    const char *user = given(parsed, "user"), *host = given(parsed, "host"), *port = given(parsed, "port");
    const char *database = given(parsed, "dbname");
    char *name = NULL;
    if (asprintf(&name, "postgresql://%s%s%s%s%s%s%s", user != NULL ? user : "", user != NULL ? "@" : "",
                 host != NULL ? host : "", port != NULL ? ":" : "", port != NULL ? port : "",
                 database != NULL ? "/" : "", database != NULL ? database : "") < 0) {
        return NULL;
    }
    return name;
}

static void be_quiet(void *data, const char *message)
{
    (void)data;
    (void)message;
}

static int connect_by(struct pq *pq, const PQconninfoOption *parsed)
{
    struct options options = {0};
    for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++) {
        if (option->val != NULL && option->val[0] != '\0') {
            add_option(&options, option->keyword, option->val);
        }
    }
    if (given(parsed, "connect_timeout") == NULL && getenv("PGCONNECT_TIMEOUT") == NULL) {
        add_option(&options, "connect_timeout", "10");
    }
    if (given(parsed, "tcp_user_timeout") == NULL) {
        add_option(&options, "tcp_user_timeout", "30000");
    }
    add_option(&options, "fallback_application_name", "tare");
    add_option(&options, "client_encoding", "UTF8");
    pq->connection = libpq.connectdbParams(options.names, options.values, 0);
    if (pq->connection == NULL) {
        return tare__sql_fail(&pq->sql, -ENOMEM, "no memory");
    }
    /* It may have come from PGPASSWORD or a file of passwords. */
    const char *password = libpq.pass(pq->connection);
    if (password != NULL && password[0] != '\0') {
        free(pq->password);
        pq->password = strdup(password);
        if (pq->password == NULL) {
            return tare__sql_fail(&pq->sql, -ENOMEM, "no memory");
        }
    }
    if (libpq.status(pq->connection) != CONNECTION_OK) {
        return unreachable(pq);
    }
    libpq.setNoticeProcessor(pq->connection, be_quiet, NULL);
    if (strcmp(libpq.parameterStatus(pq->connection, "client_encoding") != NULL
                   ? libpq.parameterStatus(pq->connection, "client_encoding")
                   : "UTF8",
               "UTF8") != 0) {
        return tare__sql_fail(&pq->sql, -EINVAL, "the server of the history '%s' does not speak UTF-8",
                              pq->sql.name);
    }
    wait_for_others(&pq->sql, pq->sql.wait_ms);
    return 0;
}

int tare__pq_open(const char *where, int flags, struct tare__sql **sql)
{
    (void)flags; /* rights are the server's matter */
    *sql = NULL;
    struct pq *pq = calloc(1, sizeof *pq);
    if (pq == NULL || tare__sql_init(&pq->sql, &driver, "postgresql://...") != 0) {
        free(pq);
        return -ENOMEM;
    }
    *sql = &pq->sql;
    char why[200];
    if (!load(why, sizeof why)) {
        return tare__sql_fail(*sql, -ENOTSUP, "cannot load libpq, which histories on a server need: %s", why);
    }
    /* libpq's own message repeats the URL, with the password that may be in it. */
    PQconninfoOption *parsed = libpq.conninfoParse(where, NULL);
    if (parsed == NULL) {
        return tare__sql_fail(
            *sql, -EINVAL,
            "the history's URL cannot be read: postgresql://USER@HOST:PORT/DATABASE is expected, "
            "with %%XX for what is special in a part of it");
    }
    char *name = name_of(parsed);
    const char *password = given(parsed, "password");
    pq->password = password != NULL ? strdup(password) : NULL;
    int result = -ENOMEM;
    if (name != NULL && (password == NULL || pq->password != NULL)) {
        free(pq->sql.name);
        pq->sql.name = name;
        name = NULL;
        result = connect_by(pq, parsed);
    } else {
        tare__sql_fail(*sql, -ENOMEM, "no memory");
    }
    free(name);
    libpq.conninfoFree(parsed);
    return result;
}

#else

static void close_none(struct tare__sql *sql)
{
    free(sql);
}

static const struct tare__sql_driver driver = {.engine = "postgresql", .close = close_none};

int tare__pq_open(const char *where, int flags, struct tare__sql **sql)
{
    (void)where;
    (void)flags;
    *sql = calloc(1, sizeof **sql);
    if (*sql == NULL) {
        return -ENOMEM;
    }
    if (tare__sql_init(*sql, &driver, "postgresql://...") != 0) {
        free(*sql);
        *sql = NULL;
        return -ENOMEM;
    }
    return tare__sql_fail(*sql, -ENOTSUP,
                          "this tare was built without libpq: a history is in a file of SQLite alone");
}

#endif
