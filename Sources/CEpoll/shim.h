#pragma once
/* The Glibc module leaves these headers out. */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Which module the kinds of sockets belong to depends on what else is imported. */
static const int cepoll_socket_stream = SOCK_STREAM;

/* EAI_NODATA of glibc, which its header has for GNU sources only. */
static const int cepoll_no_data = -5;

/* Starts a detached thread. pthread_attr_t belongs to no module that Swift could import it from. */
static inline int cepoll_start_thread(void *(*run)(void *), void *argument, size_t stack_bytes) {
    pthread_t thread;
    pthread_attr_t attributes;
    int status = pthread_attr_init(&attributes);
    if (status != 0) return status;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    status = pthread_create(&thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return status;
}

/* Milliseconds of a clock that is never set and stands still while the machine sleeps: which module timespec belongs to
   depends on what else is imported. */
static inline int64_t cepoll_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
