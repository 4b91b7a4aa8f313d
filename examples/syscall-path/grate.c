/* SPDX-License-Identifier: MIT */
/*
 * A call that passes a grate runs through threei twice: from the cage to the grate, and from within the
 * grate's handler to the host, as a call that the grate makes for the cage. So threei::make_syscall is
 * entered again while it is still open, which the table shows as twice the calls in one and the same time.
 */
#include "grate.h"

#include <errno.h>
#include <stddef.h>

#include <tare/tare.h>

#include "rawposix.h"
#include "threei.h"

TARE_MODULE("grate");
TARE_TIMER(forward);

static unsigned buffer_count;
static unsigned buffers_taken;               /* changed atomically */
static _Thread_local unsigned buffer_number; /* from 1; 0: this thread has none yet */

/*
 * The address, in the grate's memory, of this thread's buffer. Returns -ENOBUFS if there are more threads
 * than said.
 */
static int64_t own_buffer(void)
{
    if (buffer_number == 0) {
        buffer_number = __atomic_add_fetch(&buffers_taken, 1, __ATOMIC_RELAXED);
    }
    if (buffer_number > buffer_count) {
        return -ENOBUFS;
    }
    return (int64_t)(buffer_number - 1) * GRATE_BUFFER_BYTES;
}

/* The same call, made by the grate for the same cage. */
static struct threei_call forwarded(uint64_t grate, const struct threei_call *call)
{
    struct threei_call onward = *call;
    onward.caller = grate;
    return onward;
}

static int64_t forward_plain(uint64_t grate, const struct threei_call *call)
{
    TARE_SCOPE(forward);
    struct threei_call onward = forwarded(grate, call);
    return threei_make_syscall(&onward);
}

/* For read and write: (fd, address, size). */
static int64_t forward_data(uint64_t grate, const struct threei_call *call)
{
    TARE_SCOPE(forward);
    int64_t buffer = own_buffer();
    if (buffer < 0) {
        return buffer;
    }
    struct threei_call onward = forwarded(grate, call);
    onward.args[1] = (uint64_t)buffer;
    onward.args[2] = call->args[2] < GRATE_BUFFER_BYTES ? call->args[2] : GRATE_BUFFER_BYTES;
    if (call->number == CALL_WRITE) {
        int error =
            threei_copy_data_between_cages(grate, onward.args[1], call->caller, call->args[1], onward.args[2]);
        if (error != 0) {
            return error;
        }
    }
    int64_t result = threei_make_syscall(&onward);
    if (call->number == CALL_READ && result > 0) {
        int error = threei_copy_data_between_cages(call->caller, call->args[1], grate, onward.args[1],
                                                   (uint64_t)result);
        if (error != 0) {
            return error;
        }
    }
    return result;
}

int grate_create(uint64_t grate, unsigned threads)
{
    int error = threei_cage_create(grate, (size_t)threads * GRATE_BUFFER_BYTES);
    if (error != 0) {
        return error;
    }
    buffer_count = threads;
    return rawposix_serve(grate);
}

int grate_guard(uint64_t grate, uint64_t cage)
{
    static const struct {
        uint64_t number;
        threei_handler *handler;
    } guarded[] = {
        {CALL_READ, forward_data}, {CALL_WRITE, forward_data},    {CALL_CLOSE, forward_plain},
        {CALL_DUP, forward_plain}, {CALL_GETEUID, forward_plain},
    };
    for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++) {
        int error = threei_register_handler(cage, guarded[i].number, guarded[i].handler, grate);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}
