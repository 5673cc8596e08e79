#pragma once
/*
 * libesmtp with callbacks of fixed arguments, and what it needs of OpenSSL and of the socket that it keeps to itself.
 *
 * Its own events are variadic, which only C can define. Sessions belong to the thread that runs them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <auth-client.h> /* before libesmtp.h, which declares smtp_auth_set_context only then */
#include <libesmtp.h>

/* What an event says: its number, the number of the mail (from 1; 0: of the session), and the code of the reply. */
typedef void (*cesmtp_event_t)(void *context, int event, long mail, int code);

struct cesmtp_events {
    void *context;
    cesmtp_event_t event;
    /* Whether OpenSSL has checked the certificate and the name in it, or nothing checks them. */
    int is_checked;
};

static inline void cesmtp_on_event(smtp_session_t session, int event, void *argument, ...) {
    /* One for every line of a mail. */
    if (event == SMTP_EV_MESSAGEDATA) return;
    struct cesmtp_events *events = argument;
    long mail = 0;
    int code = 0;
    int *accepted = NULL;
    va_list list;
    va_start(list, argument);
    switch (event) {
    case SMTP_EV_MAILSTATUS: {
        (void)va_arg(list, const char *);
        smtp_message_t message = va_arg(list, smtp_message_t);
        mail = (long)(intptr_t)smtp_message_get_application_data(message);
        code = smtp_reverse_path_status(message)->code;
        break;
    }
    case SMTP_EV_RCPTSTATUS: {
        (void)va_arg(list, const char *);
        smtp_recipient_t recipient = va_arg(list, smtp_recipient_t);
        mail = (long)(intptr_t)smtp_recipient_get_application_data(recipient);
        code = smtp_recipient_status(recipient)->code;
        break;
    }
    case SMTP_EV_MESSAGESENT: {
        smtp_message_t message = va_arg(list, smtp_message_t);
        mail = (long)(intptr_t)smtp_message_get_application_data(message);
        code = smtp_message_transfer_status(message)->code;
        break;
    }
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
        (void)va_arg(list, long);
        accepted = va_arg(list, int *);
        break;
    case SMTP_EV_NO_PEER_CERTIFICATE:
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
        accepted = va_arg(list, int *);
        break;
    default: break;
    }
    va_end(list);
    /* libesmtp compares the certificate with the name it was given, which may be an address. */
    if (accepted && events->is_checked) *accepted = 1;
    events->event(events->context, event, mail, code);
}

static inline int cesmtp_set_events(smtp_session_t session, struct cesmtp_events *events) {
    return smtp_set_eventcb(session, cesmtp_on_event, events);
}

static inline void cesmtp_number_mail(smtp_message_t message, smtp_recipient_t recipient, long number) {
    smtp_message_set_application_data_release(message, (void *)(intptr_t)number, NULL);
    smtp_recipient_set_application_data_release(recipient, (void *)(intptr_t)number, NULL);
}

/* In milliseconds, at least 1000. */
static inline void cesmtp_set_timeout(smtp_session_t session, int which, long milliseconds) {
    smtp_set_timeout(session, which | Timeout_OVERRIDE_RFC2822_MINIMUM, milliseconds);
}

/* TLS */

/* Names the relay in the handshake, which libesmtp does not. */
static inline void cesmtp_on_handshake(const SSL *ssl, int where, int result) {
    (void)result;
    if (!(where & SSL_CB_HANDSHAKE_START)) return;
    const char *name = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (name) SSL_set_tlsext_host_name((SSL *)ssl, name);
}

/*
 * What every session with one relay needs for TLS 1.2; with 1.3, libesmtp 1.1 fails about half of the sessions that
 * authenticate.
 *
 * name, address: what the certificate has to name, one of both; neither: it is not checked. Both live as long as the context.
 * authorities: a file of certificates; NULL: those of the system.
 * Returns NULL when the file cannot be read.
 */
static inline SSL_CTX *cesmtp_tls(const char *name, const char *address, const char *authorities) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    int is_good = 1;
    if (name || address) {
        is_good = authorities ? SSL_CTX_load_verify_locations(context, authorities, NULL)
                              : SSL_CTX_set_default_verify_paths(context);
        X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
        if (name) {
            X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            is_good = is_good && X509_VERIFY_PARAM_set1_host(parameters, name, 0);
        } else {
            is_good = is_good && X509_VERIFY_PARAM_set1_ip_asc(parameters, address);
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (name) {
        SSL_CTX_set_app_data(context, (void *)name);
        SSL_CTX_set_info_callback(context, cesmtp_on_handshake);
    }
    if (is_good) return context;
    SSL_CTX_free(context);
    return NULL;
}

/* Credentials */

struct cesmtp_login {
    const char *user;
    const char *password;
};

static inline int cesmtp_answer(auth_client_request_t request, char **result, int fields, void *argument) {
    const struct cesmtp_login *login = argument;
    for (int index = 0; index < fields; index++) {
        if (request[index].flags & AUTH_PASS) result[index] = (char *)login->password;
        else if (request[index].flags & AUTH_USER) result[index] = (char *)login->user;
        else result[index] = NULL;
    }
    return 1;
}

/* PLAIN, LOGIN and CRAM-MD5. login lives as long as the context. */
static inline auth_context_t cesmtp_credentials(struct cesmtp_login *login) {
    auth_context_t context = auth_create_context();
    if (!context) return NULL;
    auth_set_mechanism_flags(context, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(context, cesmtp_answer, login);
    return context;
}

/* Threads */

/* On the calling thread a write to what is closed is an error, and no signal. */
static inline void cesmtp_block_broken_pipes(void) {
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, NULL);
}

/* The socket */

/*
 * Finds the sockets of the process with this port at their other end that are not closed on exec, and has them closed on
 * exec, so that none is found twice. Called before libesmtp connects it sees to those of others, and called after that it
 * finds the one of the session: libesmtp makes its socket without that flag, and does not say which it is.
 *
 * The caller sees to it that one session connects at a time. Should others have connected meanwhile, none is taken.
 *
 * Returns -1 when there is not exactly one.
 */
static inline int cesmtp_take_socket(int port) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return -1;
    int found = -1, count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        int descriptor = atoi(entry->d_name);
        int flags = fcntl(descriptor, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC)) continue;
        union {
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
            struct sockaddr_storage storage;
        } peer;
        socklen_t length = sizeof peer;
        if (getpeername(descriptor, &peer.any, &length) != 0) continue;
        int peer_port = peer.any.sa_family == AF_INET    ? ntohs(peer.v4.sin_port)
                        : peer.any.sa_family == AF_INET6 ? ntohs(peer.v6.sin6_port)
                                                         : 0;
        if (peer_port != port) continue;
        fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
        found = descriptor;
        count++;
    }
    closedir(folder);
    return count == 1 ? found : -1;
}
