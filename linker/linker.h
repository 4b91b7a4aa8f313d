/* SPDX-License-Identifier: MIT */
/*
 * What record/relink.c and tare-ld say to each other. tare-ld stands in for the linker while a project's own
 * build command remakes an executable: it puts object files into another order and becomes the real linker.
 * Compilers look for the linker in the folders of COMPILER_PATH first (gcc's collect2 and clang alike), so the
 * project needs no option for it. What it shall do comes in the environment; without that it only passes on.
 *
 * The program stays the same but for what the order of object files decides: of several weak definitions, and
 * of the copies of a COMDAT group (inline functions and templates of C++, which each file compiles with its own
 * options), the first one is linked; of several members of an archive that define the same symbol, the first
 * one too; and initializers without a priority run in that order.
 */
#ifndef TARE_LINKER_LINKER_H
#define TARE_LINKER_LINKER_H

/* The executable to relink: its folder resolved, absolute. Other links are passed on as they are. */
#define TARE_LD_TARGET "TARE_LD_TARGET"
/*
 * 0: as the build has it. 1, 2 ...: the first, the second ... of the orders that the seed gives, all different.
 */
#define TARE_LD_ORDER "TARE_LD_ORDER"
#define TARE_LD_SEED "TARE_LD_SEED"
/* A folder for what the linker reads in the place of something else; emptied by the one who gave it. */
#define TARE_LD_FOLDER "TARE_LD_FOLDER"
/* A file that the giver holds with flock(2): when nobody does, he is gone, and every link is passed on. */
#define TARE_LD_LOCK "TARE_LD_LOCK"
/*
 * A file to which each link of an executable appends a line:
 *
 *     WHAT ITEMS ORDERS LINKER OUTPUT
 *
 * WHAT: "other" (not the target), "usual" (the target, order 0), "order" (the target, in another one), "none"
 * (the target, which has no order of this number: it is linked as usual). ITEMS: object files, archive members
 * and function sections whose order can be changed; ORDERS: how many orders they have, 2^64 - 1 for more; both
 * 0 for "other". LINKER: "bfd", "gold", "lld", "mold" or "-". OUTPUT: its path, resolved as TARE_LD_TARGET is,
 * to the end of the line.
 */
#define TARE_LD_LOG "TARE_LD_LOG"

/* The names under which compilers look for linkers: what stands between the braces of an initializer. */
#define TARE_LD_NAMES "ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold"

#endif
