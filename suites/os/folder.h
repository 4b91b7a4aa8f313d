/* SPDX-License-Identifier: MIT */
/*
 * The folder that benchmarks of files work in: FOLDER/tare-suite-os.UID, where FOLDER is $TARE_SUITE_DIR, else $TMPDIR,
 * else /tmp; on its file system they measure.
 *
 * Each block of a benchmark is a process of its own, and a directory of 10,000 entries takes longer to make than all that
 * is measured of it. So what takes long to make, and is only read or written over, is made once, stays for the processes
 * that follow, each of which looks whether it is as it should be, and goes when somebody says `os --clean`, as `tare suite`
 * does at its end. Nobody but its owner can enter it; who uses it holds a shared lock on it, and who clears it an exclusive
 * one; what is made gets its name when it is complete. So two runs at the same time are no harm to each other, and whoever
 * is killed leaves nothing that is not cleared away by the next --clean.
 */
#ifndef TARE_SUITES_OS_FOLDER_H
#define TARE_SUITES_OS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { FOLDER_BLOCK = 4096, FOLDER_BLOCKS = 4096 };

/*
 * These are for bodies of benchmarks, before their loop: they give what was asked for, or skip the benchmark with the
 * reason. The folder stays open and locked until folder_leave() or the end of the process.
 */

/* A descriptor of the folder itself, which is not the caller's to close. */
int folder_fd(void);

/* Into `path`: a directory with just so many empty files. */
void folder_list(unsigned entries, char *path, size_t size);

/*
 * Of a file of FOLDER_BLOCKS blocks of FOLDER_BLOCK bytes, each of which begins with its number, as a uint64_t; all of it
 * is in the page cache. Who writes to it writes blocks of that form. The caller's to close.
 */
int folder_data(void);

/* Of an empty directory of this process's own, for folder_work_end(). */
int folder_work(void);
void folder_work_end(int fd);

/* Those of the command line. */

/* Into `path`: where the folder is or would be. 0 or -ENAMETOOLONG. */
int folder_path(char *path, size_t size);
bool folder_in_use(void); /* by this process */
void folder_leave(void);
/* Removes it, with what the suite put there. 0, also where there is none; else the exit code, after saying why. */
int folder_clean(void);

#endif
