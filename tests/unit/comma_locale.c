/* SPDX-License-Identifier: MIT */
/*
 * A locale with a decimal comma, found or made: a machine for building has often none but C installed.
 */
#include "tests/unit/comma_locale.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_comma(void)
{
    char text[16];
    snprintf(text, sizeof text, "%.1f", 1.5);
    return strcmp(text, "1,5") == 0;
}

static bool use_installed(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                        "fr_FR.utf8",  "de_DE",      "nl_NL.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL && has_comma()) {
            return true;
        }
    }
    return false;
}

/* Made in a folder that is gone again before this returns: setlocale() has mapped what it needs by then. */
static bool use_made(void)
{
    char folder[] = "/tmp/tare-locale-XXXXXX";
    char command[256];
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    int made = system(command);
    setenv("LOCPATH", folder, 1);
    bool used = made == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL && has_comma();
    unsetenv("LOCPATH");
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) {
        fprintf(stderr, "cannot remove '%s'\n", folder);
    }
    return used;
}

bool comma_locale_begin(void)
{
    if (use_installed() || use_made()) {
        return true;
    }
    setlocale(LC_ALL, "C");
    return false;
}

void comma_locale_end(void)
{
    setlocale(LC_ALL, "C");
}
