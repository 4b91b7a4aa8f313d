/* SPDX-License-Identifier: MIT */
/*
 * tare-serve, which `tare serve` becomes: the live page, its API and metrics over HTTP, and pushing. What is
 * served stands in serve/; here is what the options say, the token, and the end by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/history.h"
#include "cli/serve.h"
#include "serve/serve.h"

struct serve {
    struct tare_serve_options options;
    struct tare_push_options push;
    const char *token_file, *auth_file;
    const char **hosts;
    const char *push_option; /* one that is nothing without --push */
    const char *history[4];  /* what makes the data of /history: path, argv, NULL */
    char *history_program;
    char *token, *auth, *push_folder;
    bool token_made;
};

static int take_host(struct serve *serve, const char *value)
{
    if (!tare_serve_is_host(value)) {
        error("'%s' is no host: give a name, or an address, without a port", value);
        return EXIT_TROUBLE;
    }
    const char **hosts = reallocarray(serve->hosts, serve->options.host_count + 1, sizeof(*hosts));
    if (hosts == NULL) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    serve->options.hosts = serve->hosts = hosts;
    hosts[serve->options.host_count++] = value;
    return 0;
}

/* Where it is goes by the environment, which only our user sees: there may be a password in it. */
static int take_history(struct serve *serve, const char *where)
{
    if (!TARE_HAVE_SQLITE || !TARE_HAVE_ZLIB) {
        error("this tare keeps no history: it was built without %s",
              !TARE_HAVE_SQLITE ? "SQLite (libsqlite3-dev)" : "zlib (zlib1g-dev)");
        return EXIT_TROUBLE;
    }
    if (where != NULL && setenv("TARE_DB", where, 1) != 0) {
        error("out of memory");
        return EXIT_TROUBLE;
    }
    where = where != NULL ? where : getenv("TARE_DB");
    if (where != NULL && *where != '\0' && !history_is_url(where) && access(where, F_OK) != 0) {
        warning("there is no history '%s' yet: /history says so until there is", where);
    }
    free(serve->history_program);
    /* It lies beside us. */
    serve->history_program = tool_path(".", "tare-history");
    if (serve->history_program == NULL) {
        return EXIT_TROUBLE;
    }
    const char *const command[] = {serve->history_program, "html", "--data", NULL};
    memcpy(serve->history, command, sizeof(command));
    serve->options.history = serve->history;
    return 0;
}

static int take_option(void *data, int id, const char *value)
{
    struct serve *serve = data;
    double mib;
    switch (id) {
    case OPTION_LISTEN:
        serve->options.listen = value;
        return 0;
    case OPTION_ALLOW_REMOTE:
        serve->options.allow_remote = true;
        return 0;
    case OPTION_TOKEN_FILE:
        serve->token_file = value;
        return 0;
    case OPTION_ANY_USER:
        serve->options.any_user = true;
        return 0;
    case OPTION_HOST:
        return take_host(serve, value);
    case OPTION_TIMERS:
        if (!tare_serve_timers(value, &serve->options.timer_histograms)) {
            error("unknown type '%s' of timers: one of summary, histogram", value);
            return EXIT_TROUBLE;
        }
        return 0;
    case OPTION_SERVE_HISTORY:
        return take_history(serve, value);
    case OPTION_INTERVAL:
        return parse_number("--interval", value, false, 0.02, 60, &serve->options.interval_s) ? 0
                                                                                              : EXIT_TROUBLE;
    case OPTION_WINDOW:
        return parse_number("--window", value, false, 0.1, 3600, &serve->options.window_s) ? 0 : EXIT_TROUBLE;
    case OPTION_PUSH:
        serve->push.url = value;
        return 0;
    case OPTION_PUSH_ASK:
        serve->push_option = "--push-ask";
        serve->push.ask_url = value;
        return 0;
    case OPTION_PUSH_AUTH:
        serve->push_option = "--push-auth";
        serve->auth_file = value;
        return 0;
    case OPTION_PUSH_INTERVAL:
        serve->push_option = "--push-interval";
        return parse_number("--push-interval", value, false, 0.1, 3600, &serve->push.interval_s) ? 0
                                                                                                 : EXIT_TROUBLE;
    case OPTION_PUSH_DIR:
        serve->push_option = "--push-dir";
        serve->push.folder = value;
        return 0;
    case OPTION_PUSH_SIZE:
    default:
        serve->push_option = "--push-size";
        if (!parse_number("--push-size", value, false, 1, 1 << 20, &mib)) {
            return EXIT_TROUBLE;
        }
        serve->push.spool_bytes = (uint64_t)(mib * (1 << 20));
        return 0;
    }
}

/* The first line of the file, which is to be ours alone. NULL after an error was printed, about `what`. */
static char *read_secret(const char *file, const char *what)
{
    char text[1024];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t size = fd >= 0 && fstat(fd, &st) == 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (size < 0) {
        error("cannot read the %s in '%s': %s", what, file, strerror(errno));
    } else if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        error("others may read the %s in '%s': chmod 600 it", what, file);
        size = -1;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (size < 0) {
        return NULL;
    }
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    char *secret = strdup(text);
    if (secret == NULL) {
        error("out of memory");
    }
    return secret;
}

/* What --push-auth has. False after an error was printed. */
static bool find_auth(struct serve *serve)
{
    if (serve->push.url == NULL && serve->push_option != NULL) {
        error("'%s' is for pushing: give --push, too", serve->push_option);
        return false;
    }
    if (serve->auth_file == NULL) {
        return true;
    }
    serve->auth = read_secret(serve->auth_file, "credentials");
    if (serve->auth != NULL && *serve->auth == '\0') {
        error("there are no credentials in '%s': its first line is user:password, or a token",
              serve->auth_file);
        return false;
    }
    serve->push.auth = serve->auth;
    return serve->auth != NULL;
}

/* From the file, the environment, or made up where one is needed. False after an error was printed. */
static bool find_token(struct serve *serve)
{
    const char *given = getenv("TARE_TOKEN");
    if (serve->token_file != NULL) {
        serve->token = read_secret(serve->token_file, "token");
        if (serve->token == NULL) {
            return false;
        }
    } else if (given != NULL) {
        serve->token = strdup(given);
    } else if (serve->options.allow_remote) {
        serve->token = malloc(44);
        int failure = serve->token != NULL ? tare_serve_make_token(serve->token) : -ENOMEM;
        if (failure != 0) {
            error("cannot make a token: %s", strerror(-failure));
            return false;
        }
        serve->token_made = true;
    } else {
        return true;
    }
    if (serve->token == NULL || !tare_serve_is_token(serve->token)) {
        error("the token in '%s' is none: it has 16 to 256 characters, of A-Z a-z 0-9 . _ ~ + / = -",
              serve->token_file != NULL ? serve->token_file : "TARE_TOKEN");
        return false;
    }
    serve->options.token = serve->token;
    return true;
}

/* Where the spool is unless --push-dir says so. False after an error was printed. */
static bool find_push_folder(struct serve *serve)
{
    if (serve->push.url == NULL || serve->push.folder != NULL) {
        return true;
    }
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int size = -1;
    if (state != NULL &&
        *state == '/') { /* others are to be ignored, says the XDG base directory specification */
        size = asprintf(&serve->push_folder, "%s/tare/push", state);
    } else if (home != NULL && *home != '\0') {
        size = asprintf(&serve->push_folder, "%s/.local/state/tare/push", home);
    } else {
        error("neither XDG_STATE_HOME nor HOME is set: give --push-dir");
        return false;
    }
    serve->push.folder = size >= 0 ? serve->push_folder : NULL;
    if (size < 0) {
        serve->push_folder = NULL;
        error("out of memory");
    }
    return size >= 0;
}

static bool take_operand(struct serve *serve, const char *operand)
{
    if (strspn(operand, "0123456789") != strlen(operand)) {
        serve->options.name = operand;
        return true;
    }
    unsigned long pid;
    if (!parse_count("a process id", operand, 1, INT32_MAX, &pid)) {
        return false;
    }
    serve->options.pid = (pid_t)pid;
    return true;
}

static void say_line(void *data, const char *line)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    (void)data;
    char *text = printable(line);
    pthread_mutex_lock(&one_at_a_time);
    warning("%s", text != NULL ? text : line);
    pthread_mutex_unlock(&one_at_a_time);
    free(text);
}

static int serve_until(struct serve *serve, int signals)
{
    char message[512] = "";
    struct tare_serve *server;
    if (tare_serve_open(&server, &serve->options, message, sizeof(message)) != 0) {
        error("%s", message);
        return EXIT_TROUBLE;
    }
    fprintf(stderr, "listening on %s\n", tare_serve_url(server));
    if (serve->token_made) {
        fprintf(stderr, "open %s?token=%s\n", tare_serve_url(server), serve->token);
    }
    fflush(stderr);
    int failure = tare_serve_run(server, signals, message, sizeof(message));
    tare_serve_close(server);
    if (failure != 0) {
        error("%s", message);
    }
    return failure == 0 ? EXIT_FINE : EXIT_TROUBLE;
}

static int serve(int argc, char **argv)
{
    struct serve serving = {
        .options = {.listen = "127.0.0.1:9469", .interval_s = 0.25, .window_s = 1, .say = say_line},
        .push = {.interval_s = 5},
    };
    int exit_code = EXIT_TROUBLE;
    int operand = options_parse(&command_serve, argc, argv, take_option, &serving, &exit_code);
    if (operand < 0) {
        free(serving.hosts);
        free(serving.history_program);
        return exit_code;
    }
    exit_code = EXIT_TROUBLE;
    if (argc - operand > 1) {
        error("'%s' is one too many: tare serve takes one PID or NAME, or none for all", argv[operand + 1]);
        free(serving.hosts);
        free(serving.history_program);
        return EXIT_TROUBLE;
    }
    bool fine = (operand == argc || take_operand(&serving, argv[operand])) && find_auth(&serving) &&
                find_token(&serving) && find_push_folder(&serving);
    if (fine && serving.push.url != NULL && !tare_push_supported()) {
        error("this tare cannot push: it was built without libcurl (libcurl4-gnutls-dev)");
        fine = false;
    }
    /*
     * Blocked, and read in the server's loop; what a client that has gone leaves behind is no signal's
     * business.
     */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = fine ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
    if (fine && signals < 0) {
        error("cannot wait for signals: %s", strerror(errno));
    }
    if (fine && signals >= 0) {
        serving.options.push = serving.push.url != NULL ? &serving.push : NULL;
        exit_code = serve_until(&serving, signals);
        close(signals);
    }
    free(serving.token);
    free(serving.auth);
    free(serving.push_folder);
    free(serving.hosts);
    free(serving.history_program);
    return exit_code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    return history_find_passwords(argc, argv) ? serve(argc, argv) : EXIT_TROUBLE;
}
