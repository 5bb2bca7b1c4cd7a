/* SPDX-License-Identifier: Apache-2.0 */
/* Makes CAs, certificates, keys and revocation lists for tests, as PEM files
 * in a folder. Every function fails the test if it cannot do its work. */

#ifndef EZCDC_TESTS_CERTIFICATES_H
#define EZCDC_TESTS_CERTIFICATES_H

/* A new folder under $TMPDIR; the caller frees the name. */
char *folder_make (void);
/* With everything in it. */
void folder_remove (char *folder);
/* FOLDER/NAME; the caller frees it. */
char *folder_path (const char *folder, const char *name);
/* The content of a file as a string that the caller frees. */
char *file_read (const char *path);
void file_write (const char *path, const char *text);

/* NAME-ca.pem and NAME-ca.key: a CA of that name. */
void certificate_make_ca (const char *folder, const char *name);

/* NAME.pem and NAME.key, signed by CA. alternatives as in OpenSSL's
 * configuration ("DNS:localhost,IP:127.0.0.1"); valid from days ago on, for
 * so many days. */
void certificate_make (const char *folder, const char *ca, const char *name,
                       const char *alternatives, int begin_days, int days);

/* CA-crl.pem, which revokes the certificate NAME.pem (NULL: none); due for
 * renewal in so many days. */
void certificate_make_crl (const char *folder, const char *ca,
                           const char *name, int days);

/* NAME-encrypted.key: the key of NAME under a passphrase. */
void certificate_encrypt_key (const char *folder, const char *name);

#endif
