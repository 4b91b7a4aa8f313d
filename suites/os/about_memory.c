/* SPDX-License-Identifier: MIT */
/* What the benchmarks of memory.c do. */
#include "suites/os/os.h"

static const struct suite_case cases[] = {
    {.bench = "mem_fault_anonymous",
     .about = "the first write to a page, one behind the other of 16 MiB: the fault, and a page of zeros"},
    {.bench = "mem_page_cached",
     .about =
         "the first write to a page, one of 32 that were given back: from the processor's list of free ones"},
    {.bench = "mem_fault_file",
     .about = "the first read in each 64 KiB of a mapped file: the fault, which maps what is cached around it"},
    {.bench = "mem_cow",
     .about = "the first write to a page that a forked process shares: the fault, and the copy"},
    {.bench = "mem_map",
     .about = "mmap() of so many bytes of anonymous memory, and munmap(); no page is touched"},
    {.bench = "mem_map_touch", .about = "mmap() of so many bytes, a write to each page, and munmap()"},
    {.bench = "mem_protect", .about = "mprotect() of a page in use to read-only, and mprotect() back"},
    {.bench = "mem_release", .about = "a page in use is given back: madvise(), MADV_DONTNEED"},
    {.bench = "mem_shootdown",
     .about = "mem_release while another processor executes a thread of the process, and has to be told"},
};

const struct suite_group os_memory = {
    .name = "Memory",
    .about = "pages of the base size: huge ones are switched off",
    .cases = cases,
    .count = sizeof(cases) / sizeof(cases[0]),
};
