/* SPDX-License-Identifier: MIT */
/*
 * A span is a scope that is ended by hand: where the work begins in one function and ends in another, or on
 * another thread. It can also say how many bytes were moved in it, and it can be dropped, when what it
 * measured turns out not to count.
 */
#include <stdio.h>
#include <string.h>

#include <tare/tare.h>

TARE_MODULE("span");
TARE_TIMER(request);

/* A request carries its span along, from where it arrives to where it is answered. */
struct request {
    tare_span span;
    size_t size;
    char body[4096];
};

static void request_arrive(struct request *request, size_t size)
{
    request->span = TARE_BEGIN(request);
    request->size = size;
    memset(request->body, 'x', size);
}

static size_t request_answer(struct request *request)
{
    size_t sent = 0;
    for (size_t i = 0; i < request->size; i++) {
        sent += request->body[i] == 'x';
    }
    if (sent == 0) {
        TARE_DROP(request->span); /* an empty request is not one: leave it out of the figures */
        return 0;
    }
    TARE_BYTES(request->span, sent);
    TARE_END(request->span);
    return sent;
}

int main(void)
{
    static struct request request;
    size_t sent = 0;
    for (size_t i = 0; i < 10000; i++) {
        request_arrive(&request, i % sizeof(request.body));
        sent += request_answer(&request);
    }
    printf("answered %zu bytes\n", sent);
    return sent == 18406648 ? 0 : 1;
}
