/* SPDX-License-Identifier: MIT */
/* For tests of what must not depend on the locale. */
#ifndef TARE_TESTS_COMMA_LOCALE_H
#define TARE_TESTS_COMMA_LOCALE_H

#include <stdbool.h>

/*
 * Switches this program to a locale with a decimal comma: an installed one, or one made with localedef(1) for
 * the occasion. False if there is neither. comma_locale_end() goes back to "C".
 */
bool comma_locale_begin(void);
void comma_locale_end(void);

#endif
