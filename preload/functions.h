/* SPDX-License-Identifier: MIT */
/*
 * The table of functions that `tare run --functions` makes (record/functions.c) and libtare-functions.so
 * reads in the program: which files were built so that their functions can be timed, what these are called,
 * and which of them were chosen. It lies in a memfd that all processes of the run share; its address is in
 * the environment.
 *
 *     header | modules | functions, those of a module together, ascending by address | strings
 *
 * Strings end with NUL and are named by their offset in the strings, whose first is the empty one. The file is
 * ours alone: it has no life beyond one run of one build of tare.
 */
#ifndef TARE_PRELOAD_FUNCTIONS_H
#define TARE_PRELOAD_FUNCTIONS_H

#include <stdint.h>

#define TARE_FUNCTIONS_VARIABLE "TARE_FUNCTIONS"
#define TARE_FUNCTIONS_MAGIC UINT64_C(0x31736e6f69746366) /* "fctions1" */

/* How a file's functions say that they are entered. */
enum tare_functions_style {
    TARE_HOOK_NONE,
    TARE_HOOK_CYG,    /* -finstrument-functions: __cyg_profile_func_enter and _exit */
    TARE_HOOK_MCOUNT, /* -pg: mcount, behind the setting up of a frame pointer */
    TARE_HOOK_FENTRY, /* -pg -mfentry: __fentry__, before anything else */
    TARE_HOOK_PADS,   /* -fpatchable-function-entry: room for a call of __fentry__ */
    TARE_HOOK_STYLES,
};

struct tare_functions_header {
    uint64_t magic;
    uint64_t size; /* bytes, all of it */
    uint32_t module_count;
    uint32_t function_count;
    uint32_t strings_offset;
    uint32_t style; /* enum tare_functions_style: that by which the costs are calibrated */
    /* Written by the processes, added up: */
    uint32_t attached;    /* modules that were found in a process */
    uint32_t patched;     /* functions whose pads were made calls */
    uint32_t unpatchable; /* chosen functions whose pads were too short, or not as they should be */
    uint32_t in_use;      /* chosen functions whose pads other threads might have been in */
    int32_t error;        /* the last of what kept a module from being attached: errno; 0: nothing */
    uint64_t lost;        /* calls not timed: too deep, or begun where another thread or stack went on */
};

struct tare_functions_module {
    uint64_t device, inode; /* of the file */
    uint32_t name;          /* as the timers' module */
    uint32_t style;
    uint32_t first, count; /* its functions */
    uint64_t pads_address; /* of the section __patchable_function_entries, as linked; 0: none */
    uint64_t pads_size;    /* bytes */
};

struct tare_functions_entry {
    uint64_t address; /* as linked */
    uint32_t size;    /* bytes */
    uint32_t name;    /* as the timer's name */
    uint32_t file;    /* "": unknown */
    uint32_t line;    /* 0: unknown */
    uint32_t chosen;  /* 1: it becomes a timer */
    uint32_t reserved;
};

#endif
