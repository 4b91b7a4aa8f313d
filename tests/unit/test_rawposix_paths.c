/* SPDX-License-Identifier: MIT */
/*
 * suites/syscalls/layers/rawposix.h: paths. No call on any path touches what lies beside the root, by openat2() and by
 * components; also while another thread renames directories and links under the feet of who is on the way.
 */
#include "cage_calls.h"

#include <pthread.h>
#include <sys/syscall.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static int by_components(void **state)
{
    rawposix__without_openat2(true);
    return cage_test_set_up(state);
}

static int as_it_is(void **state)
{
    rawposix__without_openat2(false);
    return cage_test_set_up(state);
}

static int64_t read_all(struct cage *cage, int64_t fd, char *text, size_t size)
{
    int64_t got = call(cage, LIND_READ, (uint64_t)fd, area(2), size - 1);
    if (got >= 0) {
        memcpy(text, area_at(cage, 2), (size_t)got);
        text[got] = '\0';
    }
    return got;
}

/* What `path` says, as the cage sees it. */
static void assert_says(struct cage *cage, const char *path, const char *expected)
{
    char text[100] = "";
    int64_t fd = open_in(cage, path, 0);
    assert_true(fd >= 0);
    assert_true(read_all(cage, fd, text, sizeof text) >= 0);
    assert_string_equal(text, expected);
    assert_int_equal(close_in(cage, fd), 0);
}

/* All calls that take one path, or two; paths that follow links and that do not. */
static void try_everything(struct cage *cage, const char *path)
{
    for (int at = 0; at < 2; at++) {
        uint64_t base = ARG(LIND_AT_ROOT);
        if (at == 1) {
            int64_t fd = open_in(cage, "/", LIND_O_DIRECTORY);
            assert_true(fd >= 0);
            base = (uint64_t)fd;
        }
        uint64_t size = strlen(path);
        text_in(cage, 1, path);
        text_in(cage, 3, "own");
        int64_t fd;
        const uint32_t flags[] = {0,
                                  1,
                                  LIND_O_CREAT | 2,
                                  LIND_O_CREAT | LIND_O_EXCL | 2,
                                  LIND_O_TRUNC | 1,
                                  LIND_O_DIRECTORY,
                                  LIND_O_NOFOLLOW};
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
            fd = call(cage, LIND_PATH_OPEN, base, area(1), size, flags[i], 0666);
            char text[16] = "";
            if (fd >= 0) {
                read_all(cage, fd, text, sizeof text);
                assert_null(strstr(text, "host"));
                close_in(cage, fd);
            }
        }
        memset(area_at(cage, 2), 0, 64);
        call(cage, LIND_PATH_READLINK, base, area(1), size, area(2), 64);
        call(cage, LIND_PATH_UTIMENS, base, area(1), size, 1, 1, 0);
        call(cage, LIND_PATH_UTIMENS, base, area(1), size, 1, 1, LIND_AT_SYMLINK_NOFOLLOW);
        call(cage, LIND_PATH_LINK, base, area(1), size, base, area(3), 3);
        call(cage, LIND_PATH_UNLINK, base, area(3), 3);
        call(cage, LIND_PATH_LINK, base, area(3), 3, base, area(1), size);
        call(cage, LIND_PATH_SYMLINK, area(3), 3, base, area(1), size);
        call(cage, LIND_PATH_MKDIR, base, area(1), size, 0777);
        call(cage, LIND_PATH_RMDIR, base, area(1), size);
        call(cage, LIND_PATH_UNLINK, base, area(1), size);
        close_in(cage, open_in(cage, "own", LIND_O_CREAT | 1));
        text_in(cage, 1, path);
        text_in(cage, 3, "own");
        call(cage, LIND_PATH_RENAME, base, area(3), 3, base, area(1), size);
        call(cage, LIND_PATH_RENAME, base, area(1), size, base, area(3), 3);
        text_in(cage, 3, "own");
        call(cage, LIND_PATH_UNLINK, base, area(3), 3);
        if (at == 1) {
            close_in(cage, (int64_t)base);
        }
    }
}

/* Nothing has changed beside the root. */
static void assert_untouched(const struct cage_test *test, const struct stat *before)
{
    struct stat stat, folder;
    char text[16] = "";
    int fd = openat(test->folder_fd, "secret", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text - 1), 5);
    assert_string_equal(text, "host\n");
    assert_int_equal(fstat(fd, &stat), 0);
    close(fd);
    assert_int_equal(stat.st_ino, before->st_ino);
    assert_int_equal(stat.st_nlink, 1);
    assert_int_equal(stat.st_mtim.tv_sec, before->st_mtim.tv_sec);
    assert_int_equal(stat.st_mtim.tv_nsec, before->st_mtim.tv_nsec);
    /* And there is nothing more. */
    assert_int_equal(fstat(test->folder_fd, &folder), 0);
    int copy = openat(test->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fdopendir(copy);
    assert_non_null(entries);
    int count = 0;
    while (readdir(entries) != NULL) {
        count++;
    }
    closedir(entries);
    assert_int_equal(count, 4); /* ".", "..", "secret", "root" */
}

static void make_link(struct cage *cage, const char *target, const char *path)
{
    text_in(cage, 2, target);
    assert_int_equal(call(cage, LIND_SYMLINK, area(2), text_in(cage, 1, path)), 0);
}

static void nothing_leads_out(void **state)
{
    struct cage_test *test = *state;
    struct cage *cage = test->cage;
    struct stat before;
    assert_int_equal(fstatat(test->folder_fd, "secret", &before, 0), 0);
    char absolute[100];
    snprintf(absolute, sizeof absolute, "%s/secret", test->folder);

    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "dir"), 0755), 0);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "dir/dir"), 0755), 0);
    make_link(cage, absolute, "absolute");
    make_link(cage, "../secret", "up");
    make_link(cage, "..", "parent");
    make_link(cage, "/..", "root-parent");
    make_link(cage, "../../../../../../../../../..", "far");
    make_link(cage, "up", "chain1");
    make_link(cage, "dir/../chain1", "chain2");
    make_link(cage, "../chain2", "dir/chain3");
    make_link(cage, "dir/chain3", "chain4");
    make_link(cage, "loop", "loop");
    make_link(cage, "../../secret", "dir/up");
    make_link(cage, test->folder, "folder");
    make_link(cage, "/proc/self/root", "magic");
    char deep[200];
    snprintf(deep, sizeof deep, "far/%s", absolute + 1);
    const char *paths[] = {
        "../secret",
        "/../secret",
        "/..",
        "..",
        "../",
        "/../../../../../secret",
        "dir/../../secret",
        "dir/dir/../../../secret",
        "./.././../secret",
        "//..//secret",
        absolute,
        "absolute",
        "absolute/",
        "up",
        "up/",
        "parent",
        "parent/secret",
        "parent/..",
        "parent/.",
        "root-parent/secret",
        "chain1",
        "chain2",
        "chain4",
        "chain4/",
        "dir/chain3",
        "dir/up",
        "loop",
        "loop/secret",
        "folder",
        "folder/secret",
        "magic/etc/passwd",
        deep,
        "dir/../parent/root/../secret",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        try_everything(cage, paths[i]);
        assert_untouched(test, &before);
    }
}

/* What an absolute path and a link mean inside. */
static void the_root_is_the_root(void **state)
{
    struct cage_test *test = *state;
    struct cage *cage = test->cage;
    int root = openat(test->folder_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_file(root, "secret", "cage\n");
    close(root);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "/dir"), 0755), 0);
    make_link(cage, "/secret", "dir/absolute");
    make_link(cage, "../../../secret", "dir/up");
    make_link(cage, "/dir", "/dir/to-dir");
    const char *same[] = {"secret",
                          "/secret",
                          "../secret",
                          "/../../secret",
                          "dir/../secret",
                          "dir/../../secret",
                          "//secret",
                          "./dir/.././secret",
                          "dir/absolute",
                          "dir/up",
                          "dir/to-dir/up",
                          "/dir/to-dir/../secret",
                          "dir/to-dir/to-dir/absolute"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_says(cage, same[i], "cage\n");
    }
    struct lind_stat *stat = area_at(cage, 4);
    assert_int_equal(call(cage, LIND_STAT, text_in(cage, 1, "dir/up"), area(4)), 0);
    assert_int_equal(stat->size_bytes, 5);
    assert_int_equal(stat->mode & S_IFMT, S_IFREG);
    assert_int_equal(call(cage, LIND_LSTAT, text_in(cage, 1, "dir/up"), area(4)), 0);
    assert_int_equal(stat->mode & S_IFMT, S_IFLNK);
    assert_int_equal(call(cage, LIND_LSTAT, text_in(cage, 1, "dir/to-dir/"), area(4)), 0);
    assert_int_equal(stat->mode & S_IFMT, S_IFDIR);
    assert_int_equal(call(cage, LIND_READLINK, text_in(cage, 1, "dir/up"), area(4), 100), 15);
    assert_memory_equal(stat, "../../../secret", 15);
    assert_int_equal(call(cage, LIND_READLINK, text_in(cage, 1, "dir/up"), area(4), 3), 3);
    assert_int_equal(call(cage, LIND_READLINK, text_in(cage, 1, "secret"), area(4), 100), -EINVAL);
    assert_int_equal(call(cage, LIND_READLINK, text_in(cage, 1, "none"), area(4), 100), -ENOENT);
    assert_int_equal(call(cage, LIND_STAT, text_in(cage, 1, "secret/"), area(4)), -ENOTDIR);
    assert_int_equal(call(cage, LIND_STAT, text_in(cage, 1, "secret/x"), area(4)), -ENOTDIR);
    assert_int_equal(call(cage, LIND_STAT, text_in(cage, 1, ""), area(4)), -ENOENT);
    assert_int_equal(open_in(cage, "dir/up", LIND_O_NOFOLLOW), -ELOOP);
    assert_int_equal(open_in(cage, "secret", LIND_O_DIRECTORY), -ENOTDIR);
    assert_int_equal(open_in(cage, "dir/new/", LIND_O_CREAT | 1), -EISDIR);
    make_link(cage, "/dir/made", "dangling");
    assert_int_equal(open_in(cage, "dangling", LIND_O_CREAT | LIND_O_EXCL | 1), -EEXIST);
    assert_int_equal(close_in(cage, open_in(cage, "dangling", LIND_O_CREAT | 1)),
                     0); /* makes what it leads to */
    assert_says(cage, "dir/made", "");
}

/* What O_CREAT opens if it is there, and what it makes if it is not. */
static void what_is_there_is_opened_and_the_rest_made(void **state)
{
    struct cage_test *test = *state;
    struct cage *cage = test->cage;
    text_in(cage, 2, "text");
    int64_t fd = open_in(cage, "file", LIND_O_CREAT | 2);
    assert_int_equal(call(cage, LIND_WRITE, (uint64_t)fd, area(2), 4), 4);
    assert_int_equal(close_in(cage, fd), 0);
    assert_int_equal(close_in(cage, open_in(cage, "file", LIND_O_CREAT)), 0);
    assert_says(cage, "file", "text");
    fd = open_in(cage, "file", LIND_O_CREAT | LIND_O_APPEND | 1);
    assert_int_equal(call(cage, LIND_WRITE, (uint64_t)fd, text_in(cage, 2, "more"), 4), 4);
    assert_int_equal(close_in(cage, fd), 0);
    assert_says(cage, "file", "textmore");
    assert_int_equal(close_in(cage, open_in(cage, "file", LIND_O_CREAT | LIND_O_TRUNC | 1)), 0);
    assert_says(cage, "file", "");
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "dir"), 0755), 0);
    assert_int_equal(open_in(cage, "dir", LIND_O_CREAT), -EISDIR);
    assert_int_equal(open_in(cage, "dir", 1), -EISDIR);
    assert_int_equal(open_in(cage, "file/", LIND_O_CREAT | 1) < 0, 1);
    assert_int_equal(open_in(cage, "none/file", LIND_O_CREAT | 1), -ENOENT);
    assert_int_equal(open_in(cage, "file", LIND_O_CREAT | LIND_O_EXCL | 1), -EEXIST);

    /* A link that leads to nothing, by more of them, from where they lie. */
    make_link(cage, "dir/second", "first");
    make_link(cage, "../third", "dir/second");
    make_link(cage, "/dir/made", "third");
    assert_int_equal(open_in(cage, "first", LIND_O_CREAT | LIND_O_NOFOLLOW | 1), -ELOOP);
    assert_int_equal(close_in(cage, open_in(cage, "first", LIND_O_CREAT | 1)), 0);
    assert_says(cage, "dir/made", "");
    make_link(cage, "loop", "loop");
    assert_int_equal(open_in(cage, "loop", LIND_O_CREAT | 1), -ELOOP);
    make_link(cage, "none/there", "nowhere");
    assert_int_equal(open_in(cage, "nowhere", LIND_O_CREAT | 1), -ENOENT);
    make_link(cage, "../../beside", "out"); /* the root is the root */
    assert_int_equal(close_in(cage, open_in(cage, "out", LIND_O_CREAT | 1)), 0);
    assert_says(cage, "beside", "");
    assert_int_equal(faccessat(test->folder_fd, "beside", F_OK, 0), -1);
    make_link(cage, "../new", "dir/up");
    uint64_t at = (uint64_t)open_in(cage, "dir", LIND_O_DIRECTORY);
    assert_int_equal(call(cage, LIND_PATH_OPEN, at, text_in(cage, 1, "up"), 2, LIND_O_CREAT | 1, 0644), -EPERM);

    /* A pipe with a name is no device. */
    int root = openat(test->folder_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
    close(root);
    assert_int_equal(open_in(cage, "fifo", LIND_O_NONBLOCK | 1), -ENXIO);
    assert_int_equal(close_in(cage, open_in(cage, "fifo", LIND_O_NONBLOCK)), 0);
}

/* From a descriptor of a directory no path leads out of that, as WASI has it. */
static void a_directory_is_not_left(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "dir"), 0755), 0);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "dir/inner"), 0755), 0);
    assert_int_equal(close_in(cage, open_in(cage, "outer", LIND_O_CREAT | 1)), 0);
    assert_int_equal(close_in(cage, open_in(cage, "dir/file", LIND_O_CREAT | 1)), 0);
    make_link(cage, "/outer", "dir/absolute");
    make_link(cage, "../outer", "dir/up");
    make_link(cage, "inner/../file", "dir/fine");
    uint64_t at = (uint64_t)open_in(cage, "dir", LIND_O_DIRECTORY);
    const struct {
        const char *path;
        int result;
    } cases[] = {
        {"file", 0},
        {"./file", 0},
        {"inner/../file", 0},
        {"fine", 0},
        {".", 0},
        {"..", -EPERM},
        {"../outer", -EPERM},
        {"/outer", -EPERM},
        {"/", -EPERM},
        {"inner/../../outer", -EPERM},
        {"absolute", -EPERM},
        {"up", -EPERM},
        {"../dir/file", -EPERM},
        {"none", -ENOENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text_in(cage, 1, cases[i].path);
        assert_int_equal(call(cage, LIND_PATH_STAT, at, area(1), strlen(cases[i].path), area(4), 0),
                         cases[i].result);
    }
    text_in(cage, 1, "fileXYZ"); /* a path has a length, and no NUL */
    assert_int_equal(call(cage, LIND_PATH_STAT, at, area(1), 4, area(4), 0), 0);
    assert_int_equal(call(cage, LIND_PATH_STAT, at, area(1), 8, area(4), 0), -EINVAL); /* a NUL inside */
    assert_int_equal(call(cage, LIND_PATH_STAT, at, area(1), 0, area(4), 0), -ENOENT);
    assert_int_equal(call(cage, LIND_PATH_STAT, at, area(1), 4, area(4), 1), -EINVAL);
    assert_int_equal(call(cage, LIND_PATH_STAT, 99, area(1), 4, area(4), 0), -EBADF);
    assert_int_equal(call(cage, LIND_PATH_MKDIR, at, text_in(cage, 1, "../made"), 7, 0755), -EPERM);
    assert_int_equal(
        call(cage, LIND_PATH_RENAME, at, text_in(cage, 1, "file"), 4, at, text_in(cage, 3, "../x"), 4), -EPERM);
    assert_int_equal(call(cage, LIND_PATH_RENAME, at, area(1), 4, at, text_in(cage, 3, "inner/x"), 7), 0);
}

static void directories_change(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "/a/"), 07777), 0);
    struct lind_stat *stat = area_at(cage, 4);
    assert_int_equal(call(cage, LIND_STAT, area(1), area(4)), 0);
    assert_int_equal(stat->mode & 07000, 0); /* a cage makes nothing set-user-ID */
    assert_int_equal(call(cage, LIND_MKDIR, area(1), 0755), -EEXIST);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "none/a"), 0755), -ENOENT);
    assert_int_equal(call(cage, LIND_MKDIR, text_in(cage, 1, "/"), 0755), -EEXIST);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "/")) < 0, 1);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "a/..")), -ENOTEMPTY);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "a/.")), -EINVAL);
    assert_int_equal(close_in(cage, open_in(cage, "a/file", LIND_O_CREAT | 1)), 0);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "a")), -ENOTEMPTY);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "a/file")), -ENOTDIR);
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a")), -EISDIR);
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a/file/")), -ENOTDIR);
    assert_int_equal(call(cage, LIND_LINK, text_in(cage, 1, "a/file"), text_in(cage, 3, "b")), 0);
    assert_int_equal(call(cage, LIND_LINK, area(1), area(3)), -EEXIST);
    assert_int_equal(call(cage, LIND_STAT, area(3), area(4)), 0);
    assert_int_equal(stat->links, 2);
    assert_int_equal(call(cage, LIND_RENAME, area(3), text_in(cage, 1, "a/c")), 0);
    assert_int_equal(call(cage, LIND_RENAME, text_in(cage, 1, "a"), text_in(cage, 3, "a/inside")), -EINVAL);
    assert_int_equal(call(cage, LIND_RENAME, text_in(cage, 1, ".."), text_in(cage, 3, "x")), -EBUSY);
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a/c")), 0);
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a/c")), -ENOENT);
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a/file")), 0);
    assert_int_equal(call(cage, LIND_RMDIR, text_in(cage, 1, "a/")), 0);
    make_link(cage, "b", "a");
    assert_int_equal(call(cage, LIND_UNLINK, text_in(cage, 1, "a")), 0);
    assert_int_equal(call(cage, LIND_SYMLINK, text_in(cage, 1, ""), text_in(cage, 3, "x")), -ENOENT);
}

static void paths_have_an_end(void **state)
{
    struct cage *cage = ((struct cage_test *)*state)->cage;
    char *path = area_at(cage, 1);
    memset(path, '/', 5000);
    path[5000] = '\0';
    assert_int_equal(call(cage, LIND_STAT, area(1), area(4)), -ENAMETOOLONG);
    path[LIND_PATH_MAX - 1] = '\0';
    assert_int_equal(call(cage, LIND_STAT, area(1), area(4)), 0);
    memset(path, 'x', 300);
    path[300] = '\0';
    assert_int_equal(call(cage, LIND_STAT, area(1), area(4)), -ENAMETOOLONG);
    assert_int_equal(call(cage, LIND_MKDIR, area(1), 0755), -ENAMETOOLONG);
    /* A path that reaches the end of the memory, with and without a NUL. */
    uint64_t last = CAGE_BYTES - 4;
    memcpy(cage->memory + last, "/.//", 4);
    assert_int_equal(call(cage, LIND_STAT, last, area(4)), -EFAULT);
    cage->memory[CAGE_BYTES - 1] = '\0';
    assert_int_equal(call(cage, LIND_STAT, last, area(4)), 0);
    assert_int_equal(call(cage, LIND_STAT, CAGE_BYTES, area(4)), -EFAULT);
    assert_int_equal(call(cage, LIND_PATH_STAT, ARG(LIND_AT_ROOT), last, 5, area(4), 0), -EFAULT);
    assert_int_equal(call(cage, LIND_PATH_STAT, ARG(LIND_AT_ROOT), 0, LIND_PATH_MAX, area(4), 0),
                     -ENAMETOOLONG);
    assert_int_equal(call(cage, LIND_PATH_STAT, ARG(LIND_AT_ROOT), 1, UINT64_MAX, area(4), 0), -EFAULT);
}

static void some_files_are_not_for_cages(void **state)
{
    (void)state;
    struct cage *cage = cage_with_memory(0);
    assert_int_equal(rawposix_set_root(cage, "/"), 0);
    assert_int_equal(open_in(cage, "/proc/self/mem", 2), -EACCES);
    assert_int_equal(open_in(cage, "/proc/self/maps", 0), -EACCES);
    int64_t fd = open_in(cage, "/dev/null", 1);
    assert_true(fd >= 0 || fd == -ENOENT);
    /* Judged before it is opened, which would do something: without a terminal it would be -ENXIO. */
    fd = open_in(cage, "/dev/tty", 0);
    assert_true(fd == -EACCES || fd == -ENOENT);
    assert_int_equal(open_in(cage, "/dev/tty", LIND_O_CREAT | 2), fd);
    fd = open_in(cage, "/dev/ptmx", 2);
    assert_true(fd == -EACCES || fd == -ENOENT);
    const uint32_t none[] = {3, 040000 /* O_DIRECT */, 020200000 /* O_TMPFILE */, 010000000 /* O_PATH */,
                             1U << 31};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(open_in(cage, "/dev/null", none[i]), -EINVAL);
    }
    cage_end(cage);
}

/*
 * Races: another process swaps a directory for a link to what lies beside the root, and moves a directory out from under
 * a ".."; nothing of the host may be seen meanwhile.
 */
struct race {
    int root;
    bool done; /* atomic */
};

static void *swap(void *argument)
{
    struct race *race = argument;
    while (!__atomic_load_n(&race->done, __ATOMIC_ACQUIRE)) {
        syscall(SYS_renameat2, race->root, "dir", race->root, "link", RENAME_EXCHANGE);
        renameat(race->root, "a/b", race->root, "b");
        renameat(race->root, "b", race->root, "a/b");
    }
    return NULL;
}

static void races_lead_nowhere(void **state)
{
    struct cage_test *test = *state;
    struct cage *cage = test->cage;
    struct stat before;
    assert_int_equal(fstatat(test->folder_fd, "secret", &before, 0), 0);
    struct race race = {.root = openat(test->folder_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    assert_int_equal(mkdirat(race.root, "dir", 0755), 0);
    assert_int_equal(mkdirat(race.root, "a", 0755), 0);
    assert_int_equal(mkdirat(race.root, "a/b", 0755), 0);
    write_file(race.root, "dir/secret", "cage\n");
    assert_int_equal(symlinkat("..", race.root, "link"), 0);
    assert_int_equal(symlinkat(test->folder, race.root, "dir/out"), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, swap, &race), 0);
    const char *paths[] = {"dir/secret",     "link/secret",         "a/b/../../secret",
                           "b/../../secret", "a/b/../../../secret", "dir/out/secret"};
    int read_count = 0;
    for (int i = 0; i < 3000; i++) {
        for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++) {
            int64_t fd = open_in(cage, paths[j], 0);
            if (fd >= 0) {
                char text[16] = "";
                read_all(cage, fd, text, sizeof text);
                assert_string_equal(text, "cage\n");
                close_in(cage, fd);
                read_count++;
            }
            call(cage, LIND_UNLINK, text_in(cage, 1, j % 2 == 0 ? "link/root" : "a/b/../../secret"));
        }
    }
    __atomic_store_n(&race.done, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    close(race.root);
    assert_true(read_count > 0);
    assert_untouched(test, &before);
}

int main(void)
{
#define BOTH(name)                                                                                             \
    {#name, name, as_it_is, cage_test_tear_down, NULL},                                                        \
    {                                                                                                          \
#name " by components", name, by_components, cage_test_tear_down, NULL                                 \
    }
    const struct CMUnitTest tests[] = {
        BOTH(nothing_leads_out),       BOTH(the_root_is_the_root),
        BOTH(a_directory_is_not_left), BOTH(directories_change),
        BOTH(paths_have_an_end),       BOTH(some_files_are_not_for_cages),
        BOTH(races_lead_nowhere),      BOTH(what_is_there_is_opened_and_the_rest_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
