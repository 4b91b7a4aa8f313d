/* SPDX-License-Identifier: MIT */
/* The version of tare, stated once: the build reads it from here. */
#ifndef TARE_VERSION_H
#define TARE_VERSION_H

#define TARE_VERSION_MAJOR 0
#define TARE_VERSION_MINOR 1
#define TARE_VERSION_PATCH 0
#define TARE_VERSION "0.1.0"

#endif /* TARE_VERSION_H */
