/* SPDX-License-Identifier: MIT */
/* The three definitions of a benchmark that is placed (place.h). */
#ifndef TARE_SUITES_OS_PLACE_ABOUT_H
#define TARE_SUITES_OS_PLACE_ABOUT_H

#define PLACED_CASES(name, what, left_out)                                                                     \
    {.bench = name "_same", .about = what ": on one processor", .slow = left_out},                             \
        {.bench = name "_other", .about = what ": on two processors", .slow = left_out},                       \
    {                                                                                                          \
        .bench = name "_free", .about = what ": where the kernel puts them", .slow = left_out                  \
    }

#endif
