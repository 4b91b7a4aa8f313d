/* SPDX-License-Identifier: MIT */
/*
 * SQLite as the store's engine.
 *
 * The file is in WAL mode, so that those who read are not in the way of those who write, with
 * synchronous=FULL: each commit is on the disk before it is acknowledged, so neither a kill nor, where the
 * disk does what it says, a power loss takes one back. On file systems of a network, where the WAL's shared
 * memory is not shared, the file has a rollback journal instead: there a power loss may take the newest
 * commit back.
 *
 * Pages are of 4 KiB: of 1, 2, 4 and 8 KiB that takes the least room at nearly all numbers of points in a result, and
 * a large one is written in a quarter of the pieces (docs/history-store.md).
 *
 * The file may come from anywhere: triggers and views in it do nothing, and sizes in its pages are checked.
 */
#include "history/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "history/store.h"

enum { STATEMENTS = 24, PAGE_SIZE = 4096 };

struct sqlite {
    struct tare__sql sql; /* first */
    sqlite3 *db;
    sqlite3_stmt *current;
    int reason; /* errno behind the last step: SQLite does not always keep what a write said */
    struct {
        char *text;
        sqlite3_stmt *statement;
    } kept[STATEMENTS]; /* prepared once */
    size_t kept_next;   /* the one that goes for a new one */
};

static struct sqlite *sqlite_of(struct tare__sql *sql)
{
    return (struct sqlite *)sql;
}

/* Errors */

static int no_room(struct tare__sql *sql)
{
    return tare__sql_fail(sql, -ENOSPC, "there is no room left for the history '%s': nothing was changed",
                          sql->name);
}

static int damaged(struct tare__sql *sql, const char *why)
{
    return tare__sql_damaged(sql, "the history '%s' is damaged (%s): restore it from a copy", sql->name, why);
}

static int failed(struct sqlite *lite, int code)
{
    struct tare__sql *sql = &lite->sql;
    int reason = lite->db != NULL ? sqlite3_system_errno(lite->db) : 0;
    reason = reason != 0 ? reason : lite->reason;
    const char *message = lite->db != NULL ? sqlite3_errmsg(lite->db) : sqlite3_errstr(code);
    bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (code == SQLITE_BUSY_SNAPSHOT) {
            return -EAGAIN;
        }
        return tare__sql_fail(sql, -EBUSY,
                              "the history '%s' was locked by others for more than %g s: try again", sql->name,
                              sql->wait_ms / 1e3);
    case SQLITE_FULL:
        return no_room(sql);
    case SQLITE_NOTADB:
        return tare__sql_fail(sql, -EINVAL, "'%s' is not a history: not a database of SQLite", sql->name);
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
    case SQLITE_ERROR: /* a table or column that is not there */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_AUTH:
        return damaged(sql, message);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return tare__sql_fail(sql, -EACCES, "the history '%s' may only be read: %s", sql->name, message);
    case SQLITE_NOMEM:
        return tare__sql_fail(sql, -ENOMEM, "no memory");
    case SQLITE_TOOBIG:
        return tare__sql_fail(sql, -E2BIG, "a result is larger than the history '%s' can keep", sql->name);
    case SQLITE_CANTOPEN:
        if (full) {
            return no_room(sql);
        }
        return tare__sql_fail(sql, reason == EACCES || reason == EPERM || reason == EROFS ? -EACCES : -EIO,
                              "cannot open the history '%s': %s", sql->name,
                              reason != 0 ? strerror(reason) : message);
    default:
        if (full) {
            return no_room(sql);
        }
        return tare__sql_fail(sql, -EIO, "cannot read or write the history '%s': %s%s%s", sql->name, message,
                              reason != 0 ? ": " : "", reason != 0 ? strerror(reason) : "");
    }
}

/* Statements */

static int prepare(struct sqlite *lite, const char *text, sqlite3_stmt **statement)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        if (lite->kept[i].text != NULL && strcmp(lite->kept[i].text, text) == 0) {
            *statement = lite->kept[i].statement;
            return 0;
        }
    }
    char *kept = strdup(text), *own = tare__sql_translate(text, true);
    if (kept == NULL || own == NULL) {
        free(kept);
        free(own);
        return tare__sql_fail(&lite->sql, -ENOMEM, "no memory");
    }
    int code = sqlite3_prepare_v3(lite->db, own, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    free(own);
    if (code != SQLITE_OK) {
        free(kept);
        return failed(lite, code);
    }
    size_t at = lite->kept_next++ % STATEMENTS;
    sqlite3_finalize(lite->kept[at].statement);
    free(lite->kept[at].text);
    lite->kept[at].text = kept;
    lite->kept[at].statement = *statement;
    return 0;
}

static int bind(sqlite3_stmt *statement, int at, const struct tare__sql_value *value)
{
    switch (value->type) {
    case TARE__SQL_WHOLE:
        return sqlite3_bind_int64(statement, at, value->whole);
    case TARE__SQL_TEXT:
        return sqlite3_bind_text64(statement, at, value->bytes, value->size, SQLITE_STATIC, SQLITE_UTF8);
    case TARE__SQL_BYTES:
        return sqlite3_bind_blob64(statement, at, value->bytes, value->size, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

static int start(struct tare__sql *sql, const char *text, const struct tare__sql_value *values, size_t count)
{
    struct sqlite *lite = sqlite_of(sql);
    sqlite3_stmt *statement = NULL;
    int result = prepare(lite, text, &statement);
    if (result != 0) {
        return result;
    }
    for (size_t i = 0; i < count; i++) {
        char name[32]; /* '$' and 20 digits */
        snprintf(name, sizeof name, "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(statement, name);
        int code = at == 0 ? SQLITE_OK : bind(statement, at, &values[i]);
        if (code != SQLITE_OK) {
            result = failed(lite, code);
            sqlite3_clear_bindings(statement);
            return result;
        }
    }
    lite->current = statement;
    return 0;
}

static int step(struct tare__sql *sql)
{
    struct sqlite *lite = sqlite_of(sql);
    errno = 0;
    int code = sqlite3_step(lite->current);
    lite->reason = errno;
    if (code == SQLITE_DONE) {
        sql->changed = sqlite3_changes64(lite->db);
        return 0;
    }
    if (code != SQLITE_ROW) {
        return failed(lite, code);
    }
    int columns = sqlite3_column_count(lite->current);
    for (int i = 0; i < sql->column_count; i++) {
        struct tare__sql_column *column = &sql->row[i];
        *column = (struct tare__sql_column){.bytes = ""};
        switch (i < columns ? sqlite3_column_type(lite->current, i) : SQLITE_FLOAT) {
        case SQLITE_NULL:
            break;
        case SQLITE_INTEGER:
            column->type = TARE__SQL_WHOLE;
            column->whole = sqlite3_column_int64(lite->current, i);
            break;
        case SQLITE_TEXT:
            column->type = TARE__SQL_TEXT;
            column->bytes = sqlite3_column_text(lite->current, i);
            column->size = (size_t)sqlite3_column_bytes(lite->current, i);
            break;
        case SQLITE_BLOB:
            column->type = TARE__SQL_BYTES;
            column->size = (size_t)sqlite3_column_bytes(lite->current, i);
            column->bytes = column->size > 0 ? sqlite3_column_blob(lite->current, i) : "";
            break;
        default:
            return damaged(sql, "a number that is not whole");
        }
        if (column->bytes == NULL) { /* it could not be read, or there was no memory for it */
            int error = sqlite3_errcode(lite->db);
            return failed(lite, error == SQLITE_ROW || error == SQLITE_OK ? SQLITE_NOMEM : error);
        }
    }
    return 1;
}

static void end(struct tare__sql *sql)
{
    struct sqlite *lite = sqlite_of(sql);
    sqlite3_reset(lite->current);
    sqlite3_clear_bindings(lite->current);
    lite->current = NULL;
}

static void close_sqlite(struct tare__sql *sql)
{
    struct sqlite *lite = sqlite_of(sql);
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(lite->kept[i].statement);
        free(lite->kept[i].text);
    }
    sqlite3_close_v2(lite->db);
    free(lite);
}

static void wait_for_others(struct tare__sql *sql, int wait_ms)
{
    sqlite3_busy_timeout(sqlite_of(sql)->db, wait_ms);
}

/* Of a statement that gives one number. */
static int number(struct tare__sql *sql, const char *text, int64_t *value)
{
    *value = 0;
    int result = tare__sql_query(sql, "w", text, NULL, 0);
    if (result == 0) {
        result = tare__sql_next(sql);
        if (result == 1) {
            *value = tare__sql_get_whole(sql, 0);
            result = 0;
        }
        tare__sql_end(sql);
    }
    return result;
}

static int has_table(struct tare__sql *sql, const char *name, bool *has, bool *other)
{
    *has = *other = false;
    int result = tare__sql_query(sql, "T", "SELECT name FROM sqlite_master WHERE type = 'table'", NULL, 0);
    if (result != 0) {
        return result;
    }
    bool any = false;
    while ((result = tare__sql_next(sql)) == 1) {
        const char *table = tare__sql_get_text(sql, 0);
        any = true;
        *has |= table != NULL && strcmp(table, name) == 0;
    }
    *other = any && !*has;
    return result;
}

static void shrink(struct tare__sql *sql)
{
    struct sqlite *lite = sqlite_of(sql);
    /* Piece by piece: what is moved stands in the WAL as well, and the disk may be nearly full. */
    int64_t before = INT64_MAX, left;
    while (number(sql, "PRAGMA freelist_count", &left) == 0 && left > 0 && left < before) {
        before = left;
        sqlite3_exec(lite->db, "PRAGMA incremental_vacuum(500)", NULL, NULL, NULL);
        sqlite3_exec(lite->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    }
}

static int check(struct tare__sql *sql, void (*found)(void *data, const char *what), void *data, size_t *wrong)
{
    struct sqlite *lite = sqlite_of(sql);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(lite->db, "PRAGMA integrity_check(20)", -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (text != NULL && strcmp(text, "ok") != 0) {
            char line[300];
            tare__sql_line(line, sizeof line, text);
            found(data, line);
            ++*wrong;
        }
    }
    int result = code == SQLITE_DONE ? 0 : failed(lite, code);
    sqlite3_finalize(statement);
    if (result == -EINVAL) { /* so damaged that it cannot even be checked: that was what was asked */
        found(data, tare__sql_message(sql));
        ++*wrong;
        return 0;
    }
    return result;
}

static const struct tare__sql_driver driver = {
    .engine = "sqlite",
    .close = close_sqlite,
    .wait = wait_for_others,
    .start = start,
    .step = step,
    .end = end,
    .begin_write = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN",
    .has_table = has_table,
    .shrink = shrink,
    .check = check,
};

/* Opening */

/*
 * File systems of a network, and those of which it is not known: processes on two machines may have the file
 * open.
 */
static bool is_shared_by_machines(const char *path)
{
    static const uint32_t types[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x65735546, /* FUSE: sshfs and others */
        0x01021997, /* 9p */
        0x00c36400, /* Ceph */
        0x0bd00bd0, /* Lustre */
        0x47504653, /* GPFS */
        0x5346414f, /* AFS */
        0x6b414653, /* kAFS */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
        0x19830326, /* BeeGFS */
        0x786f4256, /* VirtualBox's shared folders */
    };
    struct statfs fs;
    if (statfs(path, &fs) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((uint32_t)fs.f_type == types[i]) {
            return true;
        }
    }
    return false;
}

/*
 * The journal's mode is the file's. That it could not be changed, as others have it open, is no harm: all
 * modes are right.
 */
static void choose_journal(struct sqlite *lite, const char *path)
{
    const char *wanted = is_shared_by_machines(path) ? "delete" : "wal";
    char text[64];
    snprintf(text, sizeof text, "PRAGMA journal_mode = %s", wanted);
    for (int tries = 0; tries < 50; tries++) {
        sqlite3_stmt *statement = NULL;
        bool is_so = false;
        if (sqlite3_prepare_v2(lite->db, "PRAGMA journal_mode", -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW) {
            const char *mode = (const char *)sqlite3_column_text(statement, 0);
            is_so = mode != NULL && strcmp(mode, wanted) == 0;
        }
        sqlite3_finalize(statement);
        /* SQLite does not wait for others here. */
        if (is_so || (sqlite3_exec(lite->db, text, NULL, NULL, NULL) & 0xff) != SQLITE_BUSY) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static int connect_to(struct sqlite *lite, const char *path, int flags)
{
    sqlite3_close_v2(lite->db);
    lite->db = NULL;
    int code = sqlite3_open_v2(path, &lite->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK) {
        return code;
    }
    sqlite3_busy_timeout(lite->db, lite->sql.wait_ms);
    sqlite3_db_config(lite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(lite->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(lite->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(lite->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_exec(lite->db,
                 "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;"
                 "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216",
                 NULL, NULL, NULL);
    return sqlite3_exec(lite->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
}

/* Whether somebody has it open to write, or was killed who had. */
static bool has_wal(const char *path)
{
    char wal[PATH_MAX];
    struct stat about;
    return snprintf(wal, sizeof wal, "%s-wal", path) >= (int)sizeof wal ||
           (stat(wal, &about) == 0 && about.st_size > 0);
}

static int connect_immutable(struct sqlite *lite, const char *path)
{
    char *url = malloc(3 * strlen(path) + 32);
    if (url == NULL) {
        return SQLITE_NOMEM;
    }
    char *at = stpcpy(url, "file:");
    for (const char *c = path; *c != '\0'; c++) {
        at += strchr("?#%", *c) != NULL ? sprintf(at, "%%%02X", (unsigned char)*c) : sprintf(at, "%c", *c);
    }
    strcpy(at, "?immutable=1");
    int code = connect_to(lite, url, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    free(url);
    return code;
}

/* The file's bytes, in memory of SQLite's own; NULL if they cannot be read, or are not of one moment. */
static unsigned char *bytes_of_file(const char *path, size_t *size)
{
    struct stat before, after;
    unsigned char *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && fstat(fd, &before) == 0 && before.st_size >= 100 && !has_wal(path);
    *size = 0;
    if (whole) {
        bytes = sqlite3_malloc64((sqlite3_uint64)before.st_size);
        ssize_t got = 1;
        while (bytes != NULL && got > 0 && *size < (size_t)before.st_size) {
            got = read(fd, bytes + *size, (size_t)before.st_size - *size);
            *size += got > 0 ? (size_t)got : 0;
        }
        whole = bytes != NULL && *size == (size_t)before.st_size && fstat(fd, &after) == 0 && !has_wal(path) &&
                after.st_size == before.st_size && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
                after.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!whole) {
        sqlite3_free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/*
 * A copy in memory, where neither the WAL's shared memory nor a lock can be made: as nobody had it open to write, and
 * nothing changed meanwhile, it is of one moment. `code` is why it could not be opened otherwise.
 */
static int connect_copy(struct sqlite *lite, const char *path, int code)
{
    enum { WRITE_VERSION = 18, READ_VERSION = 19, ROLLBACK = 1 }; /* bytes of the file's head */
    size_t size;
    unsigned char *bytes = NULL;
    for (int tries = 0; tries < 50 && (bytes = bytes_of_file(path, &size)) == NULL; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    if (bytes == NULL) {
        return code;
    }
    bytes[WRITE_VERSION] = bytes[READ_VERSION] = ROLLBACK; /* there is no WAL in memory */
    code = connect_to(lite, ":memory:", SQLITE_OPEN_READWRITE);
    if (code != SQLITE_OK) {
        sqlite3_free(bytes);
        return code;
    }
    code = sqlite3_deserialize(lite->db, "main", bytes, (sqlite3_int64)size, (sqlite3_int64)size,
                               SQLITE_DESERIALIZE_READONLY | SQLITE_DESERIALIZE_FREEONCLOSE);
    return code == SQLITE_OK ? sqlite3_exec(lite->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL)
                             : code;
}

/* No lock, no WAL and no shared memory could be made: for want of a right, or of room on the disk. */
static bool cannot_be_shared(struct sqlite *lite, int code)
{
    int reason = lite->db != NULL ? sqlite3_system_errno(lite->db) : 0;
    switch (code & 0xff) {
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_FULL:
        return true;
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_SHMSIZE || reason == ENOSPC || reason == EDQUOT;
    default:
        return false;
    }
}

/*
 * For reading. With the right to write it is opened for writing, and nothing is written: else the WAL of
 * somebody who was killed could not be taken over, and our own would be left behind. On a file system that is
 * mounted to be read alone nobody else writes; elsewhere somebody may, with rights that we have not.
 */
static int connect_for_reading(struct sqlite *lite, const char *path)
{
    int code = connect_to(lite, path, SQLITE_OPEN_READWRITE);
    if (code == SQLITE_OK) {
        sqlite3_exec(lite->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
        return code;
    }
    if (!cannot_be_shared(lite, code)) {
        return code;
    }
    code = connect_to(lite, path, SQLITE_OPEN_READONLY);
    if (code == SQLITE_OK || !cannot_be_shared(lite, code)) {
        return code;
    }
    struct statvfs fs;
    if (statvfs(path, &fs) == 0 && fs.f_flag & ST_RDONLY) {
        return has_wal(path) ? code : connect_immutable(lite, path);
    }
    return connect_copy(lite, path, code);
}

static int make_folder(struct tare__sql *sql, const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) {
        return 0;
    }
    *slash = '\0';
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) {
        return 0;
    }
    int reason = errno;
    return tare__sql_fail(sql, reason == EROFS || reason == EPERM ? -EACCES : -reason,
                          "cannot make the folder '%s' for the history: %s", folder, strerror(reason));
}

static int look(struct tare__sql *sql, const char *path, bool create)
{
    struct stat about;
    if (stat(path, &about) == 0) {
        return S_ISREG(about.st_mode)
                   ? 0
                   : tare__sql_fail(sql, -EINVAL, "'%s' is not a history: it is a %s", sql->name,
                                    S_ISDIR(about.st_mode) ? "folder" : "special file");
    }
    int reason = errno;
    if (reason == ENOENT || reason == ENOTDIR) {
        return create ? make_folder(sql, path)
                      : tare__sql_fail(sql, -ENOENT, "there is no history '%s': 'tare history add' makes one",
                                       sql->name);
    }
    return tare__sql_fail(sql, reason == EACCES ? -EACCES : -EIO, "cannot open the history '%s': %s", sql->name,
                          strerror(reason));
}

static int open_file(struct sqlite *lite, const char *path, int flags)
{
    struct tare__sql *sql = &lite->sql;
    int result = look(sql, path, flags & TARE_STORE_CREATE);
    if (result != 0) {
        return result;
    }
    if (flags == TARE_STORE_READ) {
        int code = connect_for_reading(lite, path);
        return code == SQLITE_OK ? 0 : failed(lite, code);
    }
    int code =
        connect_to(lite, path, SQLITE_OPEN_READWRITE | (flags & TARE_STORE_CREATE ? SQLITE_OPEN_CREATE : 0));
    if (code != SQLITE_OK) {
        return failed(lite, code);
    }
    if (sqlite3_db_readonly(lite->db, "main") == 1) {
        return tare__sql_fail(sql, -EACCES, "the history '%s' may only be read", sql->name);
    }
    int64_t pages;
    result = number(sql, "PRAGMA page_count", &pages);
    if (result != 0) {
        return result;
    }
    bool ours = pages == 0, other;
    if (pages == 0) {
        char text[100];
        snprintf(text, sizeof text, "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL", PAGE_SIZE);
        sqlite3_exec(lite->db, text, NULL, NULL, NULL);
        if (!(flags & TARE_STORE_CREATE)) {
            return 0;
        }
    } else {
        result = has_table(sql, "tare_meta", &ours, &other);
    }
    if (result == 0 && ours) {
        choose_journal(lite, path);
    }
    return result;
}

int tare__sqlite_open(const char *where, int flags, struct tare__sql **sql)
{
    *sql = NULL;
    struct sqlite *lite = calloc(1, sizeof *lite);
    if (lite == NULL || tare__sql_init(&lite->sql, &driver, where) != 0) {
        free(lite);
        return -ENOMEM;
    }
    *sql = &lite->sql;
    if (*where == '\0') {
        return tare__sql_fail(*sql, -EINVAL, "the history has no name");
    }
    const char *scheme = strstr(where, "://");
    if (scheme != NULL) { /* the rest may hold a password */
        free(lite->sql.name);
        lite->sql.name = strndup(where, (size_t)(scheme - where));
        if (lite->sql.name == NULL) {
            lite->sql.name = strdup("");
        }
        return tare__sql_fail(
            *sql, -EINVAL, "a history is a file or on a server of PostgreSQL (postgresql://...), not of '%.*s'",
            (int)(scheme - where), where);
    }
    /* Names that SQLite would take for something else begin with ':' or "file:". */
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", *where == '/' ? "" : "./", where) >= (int)sizeof path - 16) {
        return tare__sql_fail(*sql, -EINVAL, "the history's name is too long");
    }
    return open_file(lite, path, flags);
}
