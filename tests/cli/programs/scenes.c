/* SPDX-License-Identifier: MIT */
/*
 * A program that ends, waits, dies or forks as its first argument tells it, so that tests of the command can be
 * exact about what was counted: each scene says beside its name how many scopes of which timers it leaves
 * behind.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tare/tare.h>

TARE_MODULE("scenes");
TARE_TIMER(step);
TARE_TIMER(outer_step);
TARE_TIMER(line);
TARE_TIMER(never);

static volatile sig_atomic_t last_signal, interrupts;

static void note_signal(int number)
{
    last_signal = number;
    interrupts += number == SIGINT;
}

static void steps(int count)
{
    for (int i = 0; i < count; i++) {
        TARE_SCOPE(step);
    }
}

static void say(const char *text)
{
    puts(text);
    fflush(stdout);
}

/* exit CODE: 3 steps */
static int scene_exit(const char *argument)
{
    steps(3);
    return atoi(argument);
}

/* die SIGNAL: 5 steps, and one more under way */
static int scene_die(const char *argument)
{
    steps(5);
    TARE_SCOPE(step);
    raise(atoi(argument));
    return 0;
}

/*
 * wait: 2 steps, "ready", then "got N" for SIGUSR1, SIGUSR2 and SIGINT, until SIGTERM or SIGQUIT; exits with 9
 */
static int scene_wait(const char *argument)
{
    (void)argument;
    const struct timespec moment = {0, 100000000};
    sigset_t set, before, interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    const int handled[] = {SIGUSR1, SIGUSR2, SIGINT, SIGTERM, SIGQUIT};
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
        sigaddset(&set, handled[i]);
        sigaction(handled[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, &before);
    steps(2);
    say("ready");
    while (last_signal != SIGTERM && last_signal != SIGQUIT) {
        sigsuspend(&before);
        if (last_signal == SIGINT && sigtimedwait(&interrupt, NULL, &moment) == SIGINT) {
            interrupts++; /* the same once more: whoever sends one waits for our answer before the next */
        }
        printf("got %d\n", (int)last_signal);
        fflush(stdout);
    }
    printf("SIGINT came %d times\n", (int)interrupts);
    return 9;
}

/* sleep: 2 steps, "ready", then nothing until a signal ends it */
static int scene_sleep(const char *argument)
{
    (void)argument;
    steps(2);
    say("ready");
    while (pause() < 0) {
    }
    return 0;
}

/* stubborn: as sleep, but SIGTERM is ignored */
static int scene_stubborn(const char *argument)
{
    signal(SIGTERM, SIG_IGN);
    return scene_sleep(argument);
}

/* spin: "ready", then a step in an outer_step, again and again, until SIGTERM */
static int scene_spin(const char *argument)
{
    (void)argument;
    signal(SIGTERM, note_signal);
    say("ready");
    while (last_signal == 0) {
        TARE_SCOPE(outer_step);
        steps(1);
    }
    return 0;
}

/* lines: a line for each line of standard input, which it copies */
static int scene_lines(const char *argument)
{
    (void)argument;
    char text[256];
    while (fgets(text, sizeof(text), stdin) != NULL) {
        TARE_SCOPE(line);
        fputs(text, stdout);
    }
    return 0;
}

/* children N: N processes with 4 steps each, of which the first kills itself; 1 step in the parent */
static int scene_children(const char *argument)
{
    int count = atoi(argument);
    steps(1);
    for (int i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("scenes: fork");
            return 1;
        }
        if (pid == 0) {
            steps(4);
            if (i == 0) {
                raise(SIGKILL);
            }
            exit(0);
        }
    }
    while (wait(NULL) > 0 || errno == EINTR) {
    }
    return 0;
}

/* idle: no step */
static int scene_idle(const char *argument)
{
    (void)argument;
    {
        tare_span span = TARE_BEGIN(never);
        TARE_DROP(span);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*play)(const char *argument);
    } scenes[] = {
        {"exit", scene_exit},   {"die", scene_die},           {"wait", scene_wait},
        {"sleep", scene_sleep}, {"stubborn", scene_stubborn}, {"spin", scene_spin},
        {"lines", scene_lines}, {"children", scene_children}, {"idle", scene_idle},
    };
    alarm(120); /* nobody forgets it for ever */
    for (size_t i = 0; argc > 1 && i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        if (strcmp(argv[1], scenes[i].name) == 0) {
            return scenes[i].play(argc > 2 ? argv[2] : "0");
        }
    }
    fputs("usage: scenes exit|die|wait|sleep|stubborn|spin|lines|children|idle [ARGUMENT]\n", stderr);
    return 2;
}
