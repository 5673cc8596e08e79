/*
 * Mails per second of a bare loop over libesmtp: threads that run one session after the other, of some mails each.
 *
 *     bare_mail PORT THREADS MAILS_OF_A_SESSION SECONDS BYTES_OF_A_BODY
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <auth-client.h> /* libesmtp.h needs what stands before it */
#include <libesmtp.h>

static char server[32], *mail;
static int each, seconds;
static _Atomic long sent;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void *sessions(void *argument) {
    double end = now() + seconds;
    while (now() < end) {
        smtp_session_t session = smtp_create_session();
        smtp_set_server(session, server);
        for (int number = 0; number < each; number++) {
            smtp_message_t message = smtp_add_message(session);
            smtp_set_reverse_path(message, "bench@example.com");
            smtp_set_message_str(message, mail);
            smtp_add_recipient(message, "reader@example.com");
        }
        if (!smtp_start_session(session)) {
            char text[128];
            fprintf(stderr, "%s\n", smtp_strerror(smtp_errno(), text, sizeof text));
            exit(1);
        }
        smtp_destroy_session(session);
        sent += each;
    }
    return argument;
}

int main(int count, char **words) {
    if (count != 6) return 64;
    int threads = atoi(words[2]), bytes = atoi(words[5]);
    each = atoi(words[3]), seconds = atoi(words[4]);
    snprintf(server, sizeof server, "127.0.0.1:%s", words[1]);
    const char *head = "From: bench@example.com\r\nTo: reader@example.com\r\nSubject: bench\r\n\r\n";
    mail = calloc(1, strlen(head) + bytes + 3);
    strcpy(mail, head);
    for (int at = 0; at < bytes; at++) strcat(mail + strlen(head) + at, at % 72 == 71 ? "\n" : "x");
    strcat(mail, "\r\n");
    auth_client_init();
    double begun = now();
    pthread_t running[threads];
    for (int number = 0; number < threads; number++) pthread_create(&running[number], NULL, sessions, NULL);
    for (int number = 0; number < threads; number++) pthread_join(running[number], NULL);
    printf("%.1f\n", sent / (now() - begun));
    return 0;
}
