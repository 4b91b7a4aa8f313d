/* SPDX-License-Identifier: MIT */
/*
 * Threads: each counts in memory of its own, so timing adds no line that they would fight over, and the
 * report adds the threads up. Here the lock is what they wait for, and the distribution tells it: most
 * `deposit`s are short, the slow ones (p99, max) are those that found the lock taken.
 */
#include <pthread.h>
#include <stdio.h>

#include <tare/tare.h>

TARE_MODULE("threads");
TARE_TIMER(deposit);
TARE_TIMER(locked); /* the part of deposit in which the lock is held */

enum { THREADS = 4, DEPOSITS = 20000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long balance;

static void deposit(long amount)
{
    TARE_SCOPE(deposit);
    pthread_mutex_lock(&lock);
    {
        TARE_SCOPE(locked); /* ends with this inner block, before the lock is given back */
        balance += amount;
    }
    pthread_mutex_unlock(&lock);
}

static void *work(void *argument)
{
    for (int i = 0; i < DEPOSITS; i++) {
        deposit(1);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    int started = 0;
    while (started < THREADS && pthread_create(&threads[started], NULL, work, NULL) == 0) {
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%d threads made the balance %ld\n", started, balance);
    return started == THREADS && balance == (long)THREADS * DEPOSITS ? 0 : 1;
}
