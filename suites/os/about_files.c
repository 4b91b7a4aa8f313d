/* SPDX-License-Identifier: MIT */
/* What the benchmarks of files.c do. */
#include "suites/os/os.h"

static const struct suite_case cases[] = {
    {.bench = "file_list",
     .about = "open, read to its end, and close a directory of so many empty files; names alone, no stat()"},
    {.bench = "file_create_unlink",
     .about = "open() of a new file in an empty directory, close() and unlink()"},
    {.bench = "file_rename", .about = "rename() of an empty file within its directory, to a free name"},
    {.bench = "file_read",
     .about = "pread() of 4 KiB that are in the page cache, one block of 16 MiB behind the other"},
    {.bench = "file_read_random",
     .about = "pread() of 4 KiB that are in the page cache, blocks of 16 MiB in random order"},
    {.bench = "file_write",
     .about =
         "pwrite() of 4 KiB over what is there, into the page cache, one block of 16 MiB behind the other"},
    {.bench = "file_write_random",
     .about = "pwrite() of 4 KiB over what is there, into the page cache, blocks of 16 MiB in random order"},
    {.bench = "file_write_fsync",
     .about = "pwrite() as in file_write, and fsync(): on the disk, as far as that says so"},
    {.bench = "file_write_random_fsync", .about = "pwrite() as in file_write_random, and fsync()"},
};

const struct suite_group os_files = {
    .name = "Files",
    .about = "names and blocks, on the file system of TARE_SUITE_DIR, else of TMPDIR, else of /tmp",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
