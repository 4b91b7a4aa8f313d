/* SPDX-License-Identifier: MIT */
/* What `tare stat` found, as a table, as CSV or as Markdown. */
#ifndef TARE_VIEW_STAT_H
#define TARE_VIEW_STAT_H

#include <stdio.h>

#include "view/view.h"

/* Of a result that has a `stat`; TARE_FORMAT_TABLE, _CSV or _MARKDOWN. Returns 0, -ENOMEM, or -EIO. */
int tare_view_stat(const struct tare_result *result, const struct tare_view_options *options,
                   enum tare_format format, FILE *out);

#endif
