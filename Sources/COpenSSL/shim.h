#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

// libssl of OpenSSL 3, with what it needs of libcrypto: TLS over memory, certificates, keys in PEM.
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

// Much of libssl is macros over SSL_ctrl, SSL_CTX_ctrl and callback_ctrl, with casts that Swift does not import.
static inline int copenssl_ctx_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) == 1 && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

static inline void copenssl_ctx_set_session_cache_off(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// The library tells of each session and keeps none itself.
static inline void copenssl_ctx_on_new_session(
    SSL_CTX *context, int (*callback)(SSL *session, SSL_SESSION *resumable)) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, callback);
}

typedef int (*copenssl_ticket_key_callback)(
    SSL *session, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals);

static inline void copenssl_ctx_on_ticket_key(
    SSL_CTX *context, copenssl_ticket_key_callback callback, void *argument) {
    SSL_CTX_set_ex_data(context, 0, argument);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

static inline size_t copenssl_ticket_iv_bytes(void) { return (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()); }

// Both keys have 32 bytes. AES-256-CBC and HMAC-SHA-256, as RFC 5077 recommends.
static inline int copenssl_use_ticket_key(
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const void *cipher_key, const void *mac_key, const unsigned char *iv,
    int seals) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
        EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, (const unsigned char *)cipher_key, iv, seals) == 1;
}

static inline void copenssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return SSL_set_tlsext_host_name(session, name) == 1;
}

typedef int (*copenssl_server_name_callback)(SSL *session, int *alert, void *argument);

static inline void copenssl_ctx_on_server_name(
    SSL_CTX *context, copenssl_server_name_callback callback, void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline uint64_t copenssl_options(void) {
    return SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE;
}
static inline uint64_t copenssl_option_no_ticket(void) { return SSL_OP_NO_TICKET; }

// The type-safe stacks are macros too.
static inline STACK_OF(X509) *copenssl_chain_new(void) { return sk_X509_new_null(); }
static inline int copenssl_chain_push(STACK_OF(X509) *chain, X509 *certificate) {
    return sk_X509_push(chain, certificate) > 0;
}
static inline void copenssl_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }
static inline int copenssl_chain_count(const STACK_OF(X509) *chain) { return chain == NULL ? 0 : sk_X509_num(chain); }
static inline X509 *copenssl_chain_get(const STACK_OF(X509) *chain, int index) { return sk_X509_value(chain, index); }

// RFC 4514, with UTF-8 left readable.
static inline unsigned long copenssl_name_flags(void) {
    return XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
}

static inline GENERAL_NAMES *copenssl_alternative_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int copenssl_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

// The type of the name (GEN_DNS, GEN_URI, …) and, for the types that are strings, its bytes.
static inline int copenssl_names_get(
    const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
    int type = -1;
    void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), &type);
    *bytes = NULL;
    *count = 0;
    if (type == GEN_DNS || type == GEN_URI || type == GEN_EMAIL || type == GEN_IPADD) {
        *bytes = ASN1_STRING_get0_data((const ASN1_STRING *)value);
        *count = ASN1_STRING_length((const ASN1_STRING *)value);
    }
    return type;
}

static inline int copenssl_reason(unsigned long code) { return ERR_GET_REASON(code); }

// libssl numbers the alerts that it receives from SSL_AD_REASON_OFFSET upwards.
static inline int copenssl_reason_alert_no_application_protocol(void) {
    return SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL;
}

static inline _Bool copenssl_is_end_of_pem(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

// An encrypted key would make libcrypto ask for a password on the terminal; this answers "none".
static inline int copenssl_no_password(char *buffer, int size, int writing, void *argument) {
    (void)buffer; (void)size; (void)writing; (void)argument;
    return -1;
}
static inline EVP_PKEY *copenssl_read_private_key(BIO *source) {
    return PEM_read_bio_PrivateKey(source, NULL, copenssl_no_password, NULL);
}

#endif
