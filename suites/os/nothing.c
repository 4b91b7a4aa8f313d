/* SPDX-License-Identifier: MIT */
/* The smallest program that C's start-up code runs: what is left is what it takes to start one. */
int main(void)
{
    return 0;
}
