#pragma once
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* What OpenSSL has as macros, which Swift does not see. */

/* No compression (CRIME), no handshake within a connection, no tickets: every connection has keys of its own. */
static inline void cssl_harden(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline long cssl_set_version_min(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}
static inline long cssl_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline long cssl_set_certificate_bytes_max(SSL_CTX *context, long count) {
    return SSL_CTX_set_max_cert_list(context, count);
}
static inline long cssl_set_groups(SSL_CTX *context, const char *groups) {
    return SSL_CTX_set1_groups_list(context, groups);
}
static inline long cssl_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline long cssl_set_server_name(SSL *ssl, const char *name) { return SSL_set_tlsext_host_name(ssl, name); }
static inline void cssl_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void cssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline int cssl_reason(unsigned long code) { return ERR_GET_REASON(code); }
