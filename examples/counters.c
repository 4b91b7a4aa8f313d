/* SPDX-License-Identifier: MIT */
/*
 * Other things than time: two threads serve requests, and say how many, how large, for whom, and what they are
 * doing. Run it as `tare run ./counters`; or as `./counters 60 &`, for 60 s, and then `tare top counters`.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tare/tare.h>

TARE_MODULE("counters");
TARE_COUNTER(requests);                                  /* counters.requests: a sum that only grows */
TARE_COUNTER_NAMED(sent, "sent_bytes_total", "bytes");   /* with a unit, and a name of its own */
TARE_GAUGE(temperature, "celsius");                      /* a value; unknown until it is set */
TARE_HISTOGRAM(size, "bytes");                           /* how large answers are: p50, p99 */
TARE_STATE(worker, "waiting", "serving");                /* what each thread does, and for how long */
TARE_TOPK(clients, 64, "requests", "", "Who asks most"); /* the heaviest 64 of any number */
enum { WAITING, SERVING };

enum { REQUESTS = 5000 };

static void serve(unsigned number)
{
    unsigned client = number % 10 < 6 ? 7 : number; /* client 7 asks for six of ten */
    unsigned size = 100 + number % 900;
    TARE_ENTER(worker, SERVING);
    TARE_ADD(requests, 1);
    TARE_ADD(sent, size);
    TARE_RECORD(size, size);
    TARE_HIT(clients, client, 1);
    TARE_ENTER(worker, WAITING);
}

static void *work(void *first)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        serve(*(unsigned *)first + 2 * i);
    }
    TARE_LEAVE(worker);
    return NULL;
}

int main(int argc, char **argv)
{
    time_t end = argc > 1 ? time(NULL) + atoi(argv[1]) : 0;
    unsigned rounds = 0;
    do {
        pthread_t threads[2];
        unsigned first[2] = {0, 1};
        for (int i = 0; i < 2; i++) {
            if (pthread_create(&threads[i], NULL, work, &first[i]) != 0) {
                fputs("counters: no thread\n", stderr);
                return 1;
            }
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        rounds++;
        nanosleep(&(struct timespec){0, end != 0 ? 10000000 : 0}, NULL);
    } while (time(NULL) < end);
    printf("%u requests were served\n", rounds * 2 * REQUESTS);
    return 0;
}
