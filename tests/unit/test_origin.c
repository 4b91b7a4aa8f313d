/* SPDX-License-Identifier: MIT */
/*
 * Where a result belongs: tare_origin_read() in scratch repositories of git, what a measurement itself keeps of them
 * (record/git.h), and links (record/ci.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* The above are what cmocka.h needs. */
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history/extract.h"
#include "record/ci.h"
#include "record/environment.h"
#include "record/git.h"

static char root[64]; /* a new one for each test */
static char message[256];

/* Whether the lines of shell went well, in the folder of the test; `commit TIME TEXT` makes a commit. */
static bool shell(const char *lines)
{
    char *script = NULL;
    assert_true(asprintf(&script,
                         "cd '%s' && exec >>log 2>&1 && set -e\n"
                         "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1\n"
                         "export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org\n"
                         "export GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org\n"
                         "commit() { GIT_COMMITTER_DATE=\"$1 +0100\" GIT_AUTHOR_DATE=\"$1 +0100\" "
                         "git commit -q --allow-empty -m \"$2\"; }\n%s",
                         root, lines) >= 0);
    int status = system(script); /* NOLINT(cert-env33-c): the test's own lines */
    free(script);
    return status == 0;
}

static void must_shell(const char *lines)
{
    if (!shell(lines)) {
        fail_msg("failed: %s", lines);
    }
}

static void need_git(void)
{
    if (!shell("git init -q -b trunk scratch && git -C scratch symbolic-ref HEAD")) {
        print_message("skipped: no git, or none that makes a repository here\n");
        skip();
    }
}

static const char *folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    static const char *const variables[] = {"GITHUB_HEAD_REF",   "GITHUB_REF_TYPE",
                                            "GITHUB_REF_NAME",   "GITHUB_SERVER_URL",
                                            "GITHUB_REPOSITORY", "GITHUB_RUN_ID",
                                            "CI_JOB_URL",        "CI_PROJECT_URL",
                                            "CI_COMMIT_BRANCH",  "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
    snprintf(root, sizeof root, "/tmp/tare-origin.XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command); /* NOLINT(cert-env33-c) */
}

static void outside_of_a_work_tree_all_is_unknown(void **state)
{
    (void)state;
    struct tare_origin origin;
    assert_int_equal(tare_origin_read(root, NULL, &origin, message, sizeof message), 0);
    assert_null(origin.project);
    assert_null(origin.branch);
    assert_null(origin.link);
    assert_false(origin.has_commit);
    assert_int_equal(origin.dirty, -1);
    tare_origin_release(&origin);
    assert_int_equal(tare_origin_read(root, "HEAD", &origin, message, sizeof message), -EINVAL);
    assert_string_equal(message, "there is no commit 'HEAD': name one that git knows");
}

static void a_repository_without_commits_has_a_project(void **state)
{
    (void)state;
    struct tare_origin origin;
    need_git();
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.project, "scratch");
    assert_false(origin.has_commit);
    tare_origin_release(&origin);
}

static void commits_are_described(void **state)
{
    (void)state;
    struct tare_origin origin;
    char *first = NULL;
    need_git();
    must_shell(
        "cd scratch; echo one >file; git add file\n"
        "commit 1700000000 first; commit 1700000060 second\n"
        "git checkout -q -b side; commit 1700000070 aside; commit 1700000080 'aside again'\n"
        "git checkout -q trunk; commit 1700000090 third\n"
        "GIT_COMMITTER_DATE='1700000100 +0000' git merge -q --no-ff -m 'a merge' side; echo x >untracked");

    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_true(origin.has_commit);
    assert_string_equal(origin.branch, "trunk");
    assert_int_equal(origin.dirty, 0);
    assert_int_equal(strlen(origin.commit.id), 40);
    assert_int_equal(strlen(origin.commit.parents), 81);
    assert_int_equal(origin.commit.time_s, 1700000100);
    assert_string_equal(origin.commit.subject, "a merge");
    assert_int_equal(origin.commit.ordinal, 4); /* of the line of first parents */
    assert_null(origin.commit.link);
    tare_origin_release(&origin);

    assert_int_equal(tare_origin_read(folder("scratch"), "trunk~3", &origin, message, sizeof message), 0);
    assert_string_equal(origin.commit.parents, "");
    assert_string_equal(origin.commit.subject, "first");
    assert_int_equal(origin.commit.time_s, 1700000000);
    assert_int_equal(origin.commit.ordinal, 1);
    assert_null(origin.branch); /* it is not what is checked out */
    assert_int_equal(origin.dirty, -1);
    first = strdup(origin.commit.id);
    tare_origin_release(&origin);
    assert_int_equal(tare_origin_read(folder("scratch"), first, &origin, message, sizeof message), 0);
    assert_string_equal(origin.commit.id, first);
    tare_origin_release(&origin);
    free(first);

    must_shell("echo two >scratch/file");
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_int_equal(origin.dirty, 1);
    tare_origin_release(&origin);
}

static void what_is_no_one_commit_is_refused(void **state)
{
    (void)state;
    static const char *const revisions[] = {"nothing",      "",          "--all", "^HEAD",
                                            "HEAD~1..HEAD", "HEAD:file", "HEAD^@"};
    need_git();
    must_shell("cd scratch; echo one >file; git add file; commit 1700000000 first; commit 1700000060 second");
    for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; i++) {
        struct tare_origin origin;
        char expected[128];
        snprintf(expected, sizeof expected, "there is no commit '%s': name one that git knows", revisions[i]);
        int result = tare_origin_read(folder("scratch"), revisions[i], &origin, message, sizeof message);
        if (result != -EINVAL || strcmp(message, expected) != 0 || origin.has_commit) {
            fail_msg("'%s': %d, %s", revisions[i], result, message);
        }
    }
}

static void files_may_be_called_as_revisions(void **state)
{
    (void)state;
    struct tare_origin origin;
    struct tare__git_state git;
    need_git();
    must_shell("cd scratch; echo one >HEAD; echo two >trunk; git add HEAD trunk; commit 1700000000 first");
    assert_int_equal(tare__git_state(folder("scratch"), 20000, &git), 0);
    assert_string_equal(git.head.subject, "first");
    tare__git_state_release(&git);
    static const char *const revisions[] = {NULL, "HEAD", "trunk"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tare_origin_read(folder("scratch"), revisions[i], &origin, message, sizeof message),
                         0);
        assert_string_equal(origin.commit.subject, "first");
        assert_string_equal(origin.branch, "trunk");
        assert_int_equal(origin.commit.ordinal, 1);
        tare_origin_release(&origin);
    }
}

static void what_is_not_wanted_is_not_asked(void **state)
{
    (void)state;
    struct tare_origin origin;
    need_git();
    must_shell("cd scratch; mkdir deep; echo one >deep/file; git add deep; commit 1700000000 first");
    assert_int_equal(tare_origin_find(folder("scratch/deep"), NULL, 0, &origin, message, sizeof message), 0);
    assert_true(origin.has_commit && origin.is_head && !origin.shallow);
    assert_string_equal(origin.up, "../");
    assert_string_equal(origin.project, "scratch");
    assert_string_equal(origin.branch, "trunk");
    assert_null(origin.commit.subject);
    assert_int_equal(origin.commit.ordinal, TARE_HISTORY_UNKNOWN);
    assert_int_equal(origin.dirty, -1);
    assert_int_equal(tare_origin_more(folder("scratch"), TARE_ORIGIN_DIRTY | TARE_ORIGIN_DETAILS, &origin), 0);
    assert_string_equal(origin.commit.subject, "first");
    assert_int_equal(origin.dirty, 0);
    assert_int_equal(origin.commit.ordinal, TARE_HISTORY_UNKNOWN);
    assert_int_equal(tare_origin_more(folder("scratch"), TARE_ORIGIN_ALL, &origin), 0);
    assert_int_equal(origin.commit.ordinal, 1);
    tare_origin_release(&origin);
    /* A repository without files. */
    must_shell("git clone -q --bare scratch bare");
    assert_int_equal(tare_origin_read(folder("bare"), NULL, &origin, message, sizeof message), 0);
    assert_null(origin.up);
    assert_string_equal(origin.commit.subject, "first");
    assert_int_equal(origin.commit.ordinal, 1);
    tare_origin_release(&origin);
}

static void a_repository_that_git_will_not_have_is_not_none(void **state)
{
    (void)state;
    struct tare_origin origin;
    char why[256];
    need_git();
    must_shell("mkdir none; cd scratch; mkdir deep; echo one >file; git add file; commit 1700000000 first");
    assert_false(tare__git_refuses(folder("scratch"), 20000, why, sizeof why));
    assert_false(tare__git_refuses(folder("none"), 20000, why, sizeof why));
    setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1", 1); /* git's own means for its own tests */
    bool refused = tare__git_refuses(folder("scratch/deep"), 20000, why, sizeof why);
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    unsetenv("GIT_TEST_ASSUME_DIFFERENT_OWNER");
    bool unknown = !origin.has_commit;
    tare_origin_release(&origin);
    if (!unknown) {
        print_message("skipped: this git takes repositories of anybody\n");
        skip();
    }
    assert_true(refused);
    assert_non_null(strstr(why, "ownership"));
    must_shell("echo 'gitdir: /nowhere/at/all' >none/.git");
    assert_true(tare__git_refuses(folder("none"), 20000, why, sizeof why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
}

static void hostile_text_is_cleaned(void **state)
{
    (void)state;
    struct tare_origin origin;
    need_git();
    /* As an object, since git commit makes what is no UTF-8 some. */
    must_shell("cd scratch; tree=$(git mktree </dev/null)\n"
               "printf 'tree %s\\nauthor n <n> 1700000000 +0000\\ncommitter n <n> 1700000000 +0000\\n\\n"
               "a \\033[31mred\\033[0m \\377 <b>\\n\\nbody\\n' $tree >object\n"
               "git update-ref refs/heads/trunk $(git hash-object -t commit -w --literally object)");
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.commit.subject, "a ?[31mred?[0m ? <b>");
    assert_int_equal(origin.commit.time_s, 1700000000);
    tare_origin_release(&origin);
    must_shell("cd scratch; git commit -q --allow-empty -m \"$(printf '%0999d' 7)\"");
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_int_equal(strlen(origin.commit.subject), 256);
    tare_origin_release(&origin);
}

static void forged_times_are_unknown(void **state)
{
    (void)state;
    struct tare__git_commit_details details;
    static const char id[] = "commit 0123456789012345678901234567890123456789\n\n";
    static const struct {
        const char *time;
        int64_t expected;
    } cases[] = {{"9223372036854775807", INT64_MIN}, {"-9223372036854775808", INT64_MIN},
                 {"9223372036854775808", INT64_MIN}, {"1000000000001", INT64_MIN},
                 {"1000000000000", 1000000000000},   {"-5", -5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s%s\nsubject\n", id, cases[i].time);
        assert_int_equal(tare__git_details_read(text, &details), 0);
        assert_non_null(details.id);
        assert_int_equal(details.time_s, cases[i].expected);
        tare__git_details_release(&details);
    }
}

static void a_shallow_clone_knows_no_ordinal(void **state)
{
    (void)state;
    struct tare_origin origin;
    char *lines;
    need_git();
    must_shell("cd scratch; commit 1700000000 first; commit 1700000060 second");
    assert_true(asprintf(&lines, "git clone -q --depth 1 'file://%s/scratch' shallow", root) >= 0);
    must_shell(lines);
    free(lines);
    assert_int_equal(tare_origin_read(folder("shallow"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.project, "scratch"); /* of its origin */
    assert_string_equal(origin.commit.subject, "second");
    assert_int_equal(origin.commit.ordinal, TARE_HISTORY_UNKNOWN);
    assert_null(origin.commit.link); /* a file of this machine is no page */
    tare_origin_release(&origin);
}

static void tokens_of_remotes_are_not_kept(void **state)
{
    (void)state;
    struct tare_origin origin;
    char expected[128];
    need_git();
    must_shell("cd scratch; commit 1700000000 first\n"
               "git remote add origin 'https://x-access-token:ghs_se@cret@github.com/acme/engine.git'");
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.project, "engine");
    snprintf(expected, sizeof expected, "https://github.com/acme/engine/commit/%s", origin.commit.id);
    assert_string_equal(origin.commit.link, expected);
    tare_origin_release(&origin);
}

static void ci_says_branch_and_job(void **state)
{
    (void)state;
    struct tare_origin origin;
    need_git();
    must_shell("cd scratch; commit 1700000000 first");
    setenv("GITHUB_SERVER_URL", "https://github.com", 1);
    setenv("GITHUB_REPOSITORY", "acme/engine", 1);
    setenv("GITHUB_RUN_ID", "123", 1);
    setenv("GITHUB_REF_NAME", "12/merge", 1);
    setenv("GITHUB_HEAD_REF", "wip/ring", 1);
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.branch, "trunk"); /* one is checked out */
    assert_string_equal(origin.link, "https://github.com/acme/engine/actions/runs/123");
    tare_origin_release(&origin);

    must_shell("cd scratch; git checkout -q --detach");
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.branch, "wip/ring");
    assert_non_null(origin.commit.link);
    tare_origin_release(&origin);
    unsetenv("GITHUB_HEAD_REF");
    setenv("GITHUB_REF_NAME", "v1.0", 1);
    setenv("GITHUB_REF_TYPE", "tag", 1);
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_null(origin.branch);
    tare_origin_release(&origin);

    static const char *const github[] = {"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID",
                                         "GITHUB_REF_NAME", "GITHUB_REF_TYPE"};
    for (size_t i = 0; i < sizeof github / sizeof github[0]; i++) {
        unsetenv(github[i]);
    }
    setenv("CI_JOB_URL", "https://user:word@gitlab.example.org/acme/engine/-/jobs/7", 1);
    setenv("CI_COMMIT_BRANCH", "trunk", 1);
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.branch, "trunk");
    assert_null(origin.link); /* with a password in it, it is none */
    tare_origin_release(&origin);
    setenv("CI_JOB_URL", "https://gitlab.example.org/acme/engine/-/jobs/7", 1);
    setenv("CI_PROJECT_URL", "https://gitlab.example.org/acme/engine", 1);
    setenv("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "wip/ring", 1);
    assert_int_equal(tare_origin_read(folder("scratch"), NULL, &origin, message, sizeof message), 0);
    assert_string_equal(origin.branch, "wip/ring");
    assert_string_equal(origin.link, "https://gitlab.example.org/acme/engine/-/jobs/7");
    assert_ptr_equal(strstr(origin.commit.link, "https://gitlab.example.org/acme/engine/-/commit/"),
                     origin.commit.link);
    tare_origin_release(&origin);
}

/* What a measurement keeps. */
static void a_result_says_where_it_belongs(void **state)
{
    (void)state;
    struct tare_environment environment;
    need_git();
    must_shell("cd scratch; echo one >file; git add file; commit 1700000000 first; commit 1700000060 second; "
               "echo two >file");
    assert_int_equal(tare_environment_read(&environment, folder("scratch")), 0);
    assert_int_equal(strlen(environment.commit), 40);
    assert_int_equal(strlen(environment.commit_parents), 40);
    assert_true(environment.commit_time_s == 1700000060);
    assert_string_equal(environment.commit_subject, "second");
    assert_string_equal(environment.branch, "trunk");
    assert_int_equal(environment.commit_dirty, 1);
    assert_null(environment.job_link);
    tare_environment_release(&environment);

    must_shell("cd scratch; git checkout -q -f --detach");
    setenv("CI_JOB_URL", "https://gitlab.example.org/acme/engine/-/jobs/7", 1);
    setenv("CI_COMMIT_BRANCH", "trunk", 1);
    assert_int_equal(tare_environment_read(&environment, folder("scratch")), 0);
    assert_string_equal(environment.branch, "trunk");
    assert_string_equal(environment.job_link, "https://gitlab.example.org/acme/engine/-/jobs/7");
    assert_int_equal(environment.commit_dirty, 0);
    tare_environment_release(&environment);
}

#define ID "0123456789012345678901234567890123456789"

static void details_that_are_odd(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool id, parents, time;
    } cases[] = {
        {"", false, false, false},
        {"commit ", false, false, false},
        {"commit " ID, false, false, false},
        {"commit " ID "\n", true, false, false},
        {"commit " ID "\n\n", true, true, false},
        {"commit " ID "\n" ID " \n1\nx", true, false, false},
        {"commit " ID "\n" ID "\n99999999999999999999\nx", true, true, false},
        {"commit " ID "\n" ID "\n12\n", true, true, true},
        {"commit " ID "\n" ID " " ID "\n12\nx\n", true, true, true},
        {"commit -" ID "\n\n12\nx\n", false, false, false},
        {"fatal: bad object\n", false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tare__git_commit_details details;
        assert_int_equal(tare__git_details_read(cases[i].text, &details), 0);
        if ((details.id != NULL) != cases[i].id || (details.parents != NULL) != cases[i].parents ||
            (details.time_s == 12) != cases[i].time) {
            fail_msg("%s", cases[i].text);
        }
        tare__git_details_release(&details);
    }
}

static void links_of_commits(void **state)
{
    (void)state;
    static const struct {
        const char *remote, *link, *project;
    } cases[] = {
        {"https://github.com/acme/engine.git", "https://github.com/acme/engine/commit/", "engine"},
        {"https://github.com/acme/engine/", "https://github.com/acme/engine/commit/", "engine"},
        {"git@github.com:acme/engine.git", "https://github.com/acme/engine/commit/", "engine"},
        {"ssh://git@gitlab.com:22/acme/sub/engine.git", "https://gitlab.com/acme/sub/engine/-/commit/",
         "engine"},
        {"http://gitlab.example.org:8080/a/b.c.git", "http://gitlab.example.org:8080/a/b.c/-/commit/", "b.c"},
        {"https://u:p@code.github.example.org/a/b", "https://code.github.example.org/a/b/commit/", "b"},
        {"https://bitbucket.org/a/b", "https://bitbucket.org/a/b/commits/", "b"},
        {"https://codeberg.org/a/b", "https://codeberg.org/a/b/commit/", "b"},
        {"https://example.org/a/b", NULL, "b"},
        {"https://notgithub.com/a/b", NULL, "b"},
        {"https://github.com/a b/c", NULL, "c"},
        {"https://github.com/a\"onload=/c", NULL, "c"},
        {"https://github.com", NULL, NULL},
        {"/srv/git/github.com/engine.git", NULL, "engine"},
        {"../engine", NULL, "engine"},
        {"file:///srv/github/engine", NULL, "engine"},
        {"javascript:alert(1)//github.com", NULL, "github.com"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[128], *link, *project;
        snprintf(expected, sizeof expected, "%s" ID, cases[i].link != NULL ? cases[i].link : "");
        assert_int_equal(tare__ci_commit_link(cases[i].remote, ID, &link), 0);
        assert_int_equal(tare__ci_project(cases[i].remote, &project), 0);
        if ((cases[i].link == NULL) != (link == NULL) || (link != NULL && strcmp(link, expected) != 0)) {
            fail_msg("%s: %s", cases[i].remote, link != NULL ? link : "none");
        }
        if ((cases[i].project == NULL) != (project == NULL) ||
            (project != NULL && strcmp(project, cases[i].project) != 0)) {
            fail_msg("%s: %s", cases[i].remote, project != NULL ? project : "none");
        }
        free(link);
        free(project);
    }
}

static void only_plain_urls_are_links(void **state)
{
    (void)state;
    static const char *const links[] = {"https://example.org/a?b=c#d", "http://e:80/",
                                        "HTTPS://example.org/@me"};
    static const char *const others[] = {"",
                                         "https://",
                                         "https:///x",
                                         "ftp://example.org/",
                                         "javascript:alert(1)",
                                         "//example.org/",
                                         "https://a b/",
                                         "https://u@example.org/",
                                         "https://u:p@example.org/",
                                         "https://example.org/\"",
                                         "https://example.org/<",
                                         "https://example.org/\xc3\xa9",
                                         "https://example.org/\n"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        assert_true(tare__is_link(links[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (tare__is_link(others[i])) {
            fail_msg("%s", others[i]);
        }
    }
    assert_false(tare__is_link(NULL));
    char *large = calloc(1, 4096);
    assert_non_null(large);
    memset(large, 'x', 4095);
    memcpy(large, "https://", 8);
    assert_false(tare__is_link(large));
    free(large);
}

#define IN_ITS_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ITS_FOLDER(outside_of_a_work_tree_all_is_unknown),
        IN_ITS_FOLDER(a_repository_without_commits_has_a_project),
        IN_ITS_FOLDER(commits_are_described),
        IN_ITS_FOLDER(what_is_no_one_commit_is_refused),
        IN_ITS_FOLDER(files_may_be_called_as_revisions),
        IN_ITS_FOLDER(what_is_not_wanted_is_not_asked),
        IN_ITS_FOLDER(a_repository_that_git_will_not_have_is_not_none),
        IN_ITS_FOLDER(hostile_text_is_cleaned),
        IN_ITS_FOLDER(forged_times_are_unknown),
        IN_ITS_FOLDER(a_shallow_clone_knows_no_ordinal),
        IN_ITS_FOLDER(tokens_of_remotes_are_not_kept),
        IN_ITS_FOLDER(ci_says_branch_and_job),
        IN_ITS_FOLDER(a_result_says_where_it_belongs),
        IN_ITS_FOLDER(details_that_are_odd),
        IN_ITS_FOLDER(links_of_commits),
        IN_ITS_FOLDER(only_plain_urls_are_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
