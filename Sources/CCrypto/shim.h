#ifndef CCRYPTO_SHIM_H
#define CCRYPTO_SHIM_H

// libcrypto of OpenSSL 3: digests, MACs, key derivation, ciphers, randomness.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

// HKDF is reached through an array of named parameters that point to the caller's memory. Swift's temporary pointers
// end with the call that they are made for, so the array is built here.
static inline int ccrypto_hkdf_sha256(
    const unsigned char *key, size_t key_count, const unsigned char *salt, size_t salt_count,
    const unsigned char *info, size_t info_count, unsigned char *output, size_t output_count) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[5], *next = parameters;
    *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_count);
    if (salt_count > 0) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_count);
    if (info_count > 0) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_count);
    *next = OSSL_PARAM_construct_end();

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    int done = context == NULL ? 0 : EVP_KDF_derive(context, output, output_count, parameters);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

#endif
