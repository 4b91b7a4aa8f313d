/* SPDX-License-Identifier: MIT */
/* Between record/symbols_file.c and record/binary_sections.c, which find the same files in the same places. */
#if defined(TARE_HAVE_LIBELF) && TARE_HAVE_LIBELF

#include "record/symbols_debug_file.h"

#include <stdlib.h>

#include "record/binary_parts.h"

_Static_assert((int)TARE__BUILD_ID_TEXT == (int)TARE_BUILD_ID_TEXT, "the same text");

static struct tare__file borrowed(const struct tare__elf_file *file)
{
    return (struct tare__file){.fd = file->fd, .size = file->size, .elf = file->elf, .borrowed = true};
}

void tare__elf_build_id(const struct tare__elf_file *file, char text[TARE__BUILD_ID_TEXT])
{
    struct tare__file own = borrowed(file);
    tare__build_id(&own, text);
}

int tare__elf_debug_file(const struct tare__elf_file *file, const char *path, const char *build_id,
                         const char *directory, char **found)
{
    struct tare__file own = borrowed(file);
    struct tare_debug_info info = {0};
    int failed = tare__find_debug_file(&own, path, build_id, directory, &info);
    *found = info.path;
    free(info.link_name);
    free(info.problem);
    return failed;
}

#else

typedef int tare__symbols_debug_file_needs_libelf; /* a file must not be empty */

#endif
