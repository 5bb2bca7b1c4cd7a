/* SPDX-License-Identifier: Apache-2.0 */
/* core/tls/client_key: the key is there for a handshake that needs it, and for
 * nothing else. Client and server of this test speak by memory. */

#include <config.h>

#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "core/tls/client_key.h"
#include "tests/unit/certificates.h"

/* More than any handshake takes. */
#define STEPS_MAX 10

static char *folder;

/* ------------------------------------------------------------ surroundings */

struct side {
  SSL_CTX *context;
  SSL *ssl;
  int result; /* of its last step */
};

struct pair {
  struct side client;
  struct side server;
  struct ezcdc_tls tls;
  bool key_in_handshake; /* when the server looked at the certificate */
};

enum {
  DOES_NOT_ASK = 1,
  UNKNOWN_SERVER = 2,
  WRONG_KEY = 4,
  NO_FILES = 8,
};

static void
use_files (SSL_CTX *context, const char *certificate, const char *key)
{
  char *certificate_path = folder_path (folder, certificate);
  char *key_path = folder_path (folder, key);

  assert_int_equal (
    SSL_CTX_use_certificate_chain_file (context, certificate_path), 1);
  assert_int_equal (
    SSL_CTX_use_PrivateKey_file (context, key_path, SSL_FILETYPE_PEM), 1);
  free (certificate_path);
  free (key_path);
}

static void
trust (SSL_CTX *context, const char *authority)
{
  char *path = folder_path (folder, authority);

  assert_int_equal (SSL_CTX_load_verify_file (context, path), 1);
  free (path);
}

/* The server looks at the client's certificate: with TLS 1.2 in the middle of
 * the client's handshake. */
static int
look_at_certificate (int good, X509_STORE_CTX *store)
{
  const SSL *server = X509_STORE_CTX_get_ex_data (
    store, SSL_get_ex_data_X509_STORE_CTX_idx ());
  struct pair *pair = SSL_get_app_data (server);

  pair->key_in_handshake = SSL_get_privatekey (pair->client.ssl) != NULL;
  return good;
}

static void
side_begin (struct side *side, const SSL_METHOD *method, int version)
{
  side->context = SSL_CTX_new (method);
  assert_non_null (side->context);
  SSL_CTX_set_min_proto_version (side->context, version);
  SSL_CTX_set_max_proto_version (side->context, version);
}

static void
pair_begin (struct pair *pair, int version, int flags)
{
  BIO *client, *server;

  *pair = (struct pair){
    .tls = {
      .client_cert = folder_path (
        folder, (flags & NO_FILES) != 0 ? "missing.pem" : "client.pem"),
      .client_key = folder_path (
        folder, (flags & WRONG_KEY) != 0 ? "server.key" : "client.key"),
    },
  };
  side_begin (&pair->server, TLS_server_method (), version);
  use_files (pair->server.context, "server.pem", "server.key");
  trust (pair->server.context, "one-ca.pem");
  if ((flags & DOES_NOT_ASK) == 0)
    SSL_CTX_set_verify (pair->server.context,
                        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                        look_at_certificate);
  side_begin (&pair->client, TLS_client_method (), version);
  trust (pair->client.context,
         (flags & UNKNOWN_SERVER) != 0 ? "two-ca.pem" : "one-ca.pem");
  SSL_CTX_set_verify (pair->client.context, SSL_VERIFY_PEER, NULL);
  client_key_prepare (pair->client.context, &pair->tls);

  pair->client.ssl = SSL_new (pair->client.context);
  pair->server.ssl = SSL_new (pair->server.context);
  SSL_set_app_data (pair->server.ssl, pair);
  assert_int_equal (BIO_new_bio_pair (&client, 0, &server, 0), 1);
  SSL_set_bio (pair->client.ssl, client, client);
  SSL_set_bio (pair->server.ssl, server, server);
  SSL_set_connect_state (pair->client.ssl);
  SSL_set_accept_state (pair->server.ssl);
}

static void
pair_end (struct pair *pair)
{
  SSL_free (pair->client.ssl);
  SSL_free (pair->server.ssl);
  SSL_CTX_free (pair->client.context);
  SSL_CTX_free (pair->server.context);
  free ((void *) pair->tls.client_cert);
  free ((void *) pair->tls.client_key);
  ERR_clear_error ();
}

/* Whether the side can go no further, for good. */
static bool
has_failed (const struct side *side)
{
  return side->result != 1
         && SSL_get_error (side->ssl, side->result) != SSL_ERROR_WANT_READ;
}

/* Until both sides have finished, or one has failed. */
static void
shake_hands (struct pair *pair)
{
  for (int i = 0; i < STEPS_MAX; i++) {
    ERR_clear_error ();
    pair->client.result = SSL_do_handshake (pair->client.ssl);
    if (has_failed (&pair->client))
      return;
    pair->server.result = SSL_do_handshake (pair->server.ssl);
    if (has_failed (&pair->server))
      return;
    if (pair->client.result == 1 && pair->server.result == 1)
      return;
  }
}

static void
expect_connected (struct pair *pair)
{
  assert_int_equal (pair->client.result, 1);
  assert_int_equal (pair->server.result, 1);
}

static void
expect_no_key (const struct pair *pair)
{
  assert_null (SSL_get_privatekey (pair->client.ssl));
  assert_null (SSL_CTX_get0_privatekey (pair->client.context));
}

static void
send_byte (const struct side *from, const struct side *to)
{
  char byte = 'x';

  assert_int_equal (SSL_write (from->ssl, &byte, 1), 1);
  byte = 0;
  assert_int_equal (SSL_read (to->ssl, &byte, 1), 1);
  assert_int_equal (byte, 'x');
}

/* -------------------------------------------------------------------- tests */

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void
test_a_server_that_asks (void **state)
{
  (void) state;
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;

    pair_begin (&pair, versions[i], 0);
    expect_no_key (&pair);
    shake_hands (&pair);
    expect_connected (&pair);
    assert_non_null (SSL_get0_peer_certificate (pair.server.ssl));
    expect_no_key (&pair);
    /* Or the line above would say nothing. With TLS 1.3 the client has
     * finished when its certificate arrives. */
    assert_int_equal (pair.key_in_handshake, versions[i] == TLS1_2_VERSION);
    send_byte (&pair.client, &pair.server);
    send_byte (&pair.server, &pair.client);
    expect_no_key (&pair);
    pair_end (&pair);
  }
}

/* Files that are not there would be noticed. */
static void
test_no_server_that_asks (void **state)
{
  (void) state;
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;

    pair_begin (&pair, versions[i], DOES_NOT_ASK | NO_FILES);
    shake_hands (&pair);
    expect_connected (&pair);
    pair_end (&pair);

    pair_begin (&pair, versions[i], NO_FILES);
    shake_hands (&pair);
    assert_int_equal (pair.client.result, -1);
    pair_end (&pair);
  }
}

static void
test_a_server_that_is_unknown (void **state)
{
  (void) state;
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;

    pair_begin (&pair, versions[i], UNKNOWN_SERVER | NO_FILES);
    shake_hands (&pair);
    assert_int_equal (pair.client.result, -1);
    assert_int_equal (ERR_GET_REASON (ERR_peek_error ()),
                      SSL_R_CERTIFICATE_VERIFY_FAILED);
    pair_end (&pair);
  }
}

/* A reload may come between the one file and the other. */
static void
test_a_key_of_another_certificate (void **state)
{
  struct pair pair;

  (void) state;
  pair_begin (&pair, TLS1_3_VERSION, WRONG_KEY);
  shake_hands (&pair);
  assert_int_equal (pair.client.result, -1);
  assert_int_equal (ERR_GET_REASON (ERR_peek_error ()),
                    X509_R_KEY_VALUES_MISMATCH);
  pair_end (&pair);
}

/* Whether the client's certificate has arrived, and both sides go on. */
static bool
has_shown (const struct pair *pair)
{
  return SSL_get0_peer_certificate (pair->server.ssl) != NULL
         && !SSL_in_init (pair->client.ssl) && !SSL_in_init (pair->server.ssl);
}

/* Some servers ask when they know what is wanted of them. */
static void
test_a_server_that_asks_later (void **state)
{
  struct pair pair;
  char byte;

  (void) state;
  pair_begin (&pair, TLS1_2_VERSION, DOES_NOT_ASK);
  shake_hands (&pair);
  expect_connected (&pair);
  assert_null (SSL_get0_peer_certificate (pair.server.ssl));
  SSL_set_verify (pair.server.ssl,
                  SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                  look_at_certificate);
  SSL_set_options (pair.server.ssl,
                   SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  assert_int_equal (SSL_renegotiate (pair.server.ssl), 1);
  assert_int_equal (SSL_do_handshake (pair.server.ssl), 1);
  for (int i = 0; i < STEPS_MAX && !has_shown (&pair); i++) {
    assert_true (SSL_read (pair.client.ssl, &byte, 1) <= 0);
    assert_true (SSL_read (pair.server.ssl, &byte, 1) <= 0);
  }
  assert_true (has_shown (&pair));
  assert_true (pair.key_in_handshake);
  expect_no_key (&pair);
  send_byte (&pair.client, &pair.server);
  pair_end (&pair);
}

/* ---------------------------------------------------------------- set-up */

static int
set_up (void **state)
{
  (void) state;
  folder = folder_make ();
  certificate_make_ca (folder, "one");
  certificate_make_ca (folder, "two");
  certificate_make (folder, "one", "server", "DNS:localhost", 0, 10);
  certificate_make (folder, "one", "client", NULL, 0, 10);
  return 0;
}

static int
tear_down (void **state)
{
  (void) state;
  folder_remove (folder);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_a_server_that_asks),
    cmocka_unit_test (test_no_server_that_asks),
    cmocka_unit_test (test_a_server_that_is_unknown),
    cmocka_unit_test (test_a_key_of_another_certificate),
    cmocka_unit_test (test_a_server_that_asks_later),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
