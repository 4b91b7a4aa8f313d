/* SPDX-License-Identifier: MIT */
/*
 * What the usual services for continuous integration say of a job, in variables of its environment: GitHub Actions
 * (GITHUB_...; Gitea and Forgejo set the same) and GitLab CI (CI_...). URLs are http or https, without a user or
 * password in them. Reads the environment: not while another thread changes it.
 */
#ifndef TARE_RECORD_CI_H
#define TARE_RECORD_CI_H

#include <stdbool.h>

/*
 * Each sets what it is about to malloc'ed text, NULL: unknown, and returns 0 or -ENOMEM.
 *
 * The branch that is built, of a merge request its own: GITHUB_HEAD_REF, GITHUB_REF_NAME (unless it is a tag),
 * CI_MERGE_REQUEST_SOURCE_BRANCH_NAME, CI_COMMIT_BRANCH.
 */
int tare__ci_branch(char **branch);

/* A page about the job: GITHUB_SERVER_URL/GITHUB_REPOSITORY/actions/runs/GITHUB_RUN_ID, CI_JOB_URL. */
int tare__ci_job_link(char **link);

/*
 * A page about a commit. `remote`: the URL that git has for origin, which says where and, if its host is called like
 * GitHub, GitLab, Bitbucket or Codeberg, or is the one that the variables name, in which way; NULL: the variables
 * alone. `id` is hexadecimal.
 */
int tare__ci_commit_link(const char *remote, const char *id, char **link);

/* The last part of a remote's URL or path, without ".git": what the project is called. */
int tare__ci_project(const char *remote, char **project);

/* Whether it is a URL as above, of 2,000 bytes at most, and without blanks, quotes, angle brackets and controls. */
bool tare__is_link(const char *text);

#endif
