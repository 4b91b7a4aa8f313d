/* SPDX-License-Identifier: MIT */
/* Timers whose names were not meant well: what a terminal, a CSV reader or a JSON reader would stumble over. */
#include <tare/tare.h>

TARE_MODULE("odd");
TARE_TIMER_NAMED(escape, "red \033[31m bell \a");
TARE_TIMER_NAMED(bytes, "not \xff\xfe utf-8");
TARE_TIMER_NAMED(newline, "two\nlines");
TARE_TIMER_NAMED(comma, "a,b \"quoted\" | =1+1");
TARE_TIMER_NAMED(letters, "größe λ 名前");
TARE_TIMER_NAMED(reversed, "user\u202etxt.exe");

int main(void)
{
    {
        TARE_SCOPE(escape);
    }
    {
        TARE_SCOPE(bytes);
    }
    {
        TARE_SCOPE(newline);
    }
    {
        TARE_SCOPE(comma);
    }
    {
        TARE_SCOPE(letters);
    }
    {
        TARE_SCOPE(reversed);
    }
    return 0;
}
