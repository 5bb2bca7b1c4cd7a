/* SPDX-License-Identifier: Apache-2.0 */
/* core/http: redirects, Expect, early answers, cut lines, credentials, TLS.
 * The other side is tests/unit/http_server.py; what it has seen of a request
 * is part of every expectation. */

#include <config.h>

#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/http/http.h"
#include "core/plugin/options.h"
#include "core/tls/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/http_server.h"

/* "Basic " and this: user loader, passwords "old" and "new". */
#define OLD "bG9hZGVyOm9sZA=="
#define NEW "bG9hZGVyOm5ldw=="

static char *folder;
static struct http_server *server;

/* ------------------------------------------------------------ surroundings */

static const struct ezcdc_sealed sealed_password = { .option = "password" };

struct world {
  struct http_services services;
  struct tls_services tls_services;
  struct tls_parameters *tls;
  struct http_client *client;
  struct error error;
  int interrupt;
  const char *password;
  int opened; /* how often the password was */
  struct text audited;
  struct text warned;
  struct text negotiated;
  char body[4096]; /* of the answer */
  struct ezcdc_http_response response;
};

static int
open_sealed (void *context, const struct ezcdc_sealed *sealed,
             const char *reason, ezcdc_secret_function function,
             void *function_context, struct error *error)
{
  struct world *world = context;

  assert_ptr_equal (sealed, &sealed_password);
  assert_string_equal (reason, "load");
  world->opened++;
  if (world->password == NULL)
    return error_set (error, EZCDC_E_CREDENTIAL, "credential_unreadable");
  return function (function_context, world->password,
                   strlen (world->password));
}

/* Appends to one of the world's texts; requests may run side by side. */
__attribute__ ((format (printf, 2, 3))) static void
note (struct text *text, const char *format, ...)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  va_list args;

  pthread_mutex_lock (&lock);
  va_start (args, format);
  text_vprintf (text, format, args);
  va_end (args);
  pthread_mutex_unlock (&lock);
}

static int
audit (void *context, const char *action, const char *resource,
       const char *outcome, const char *detail, struct error *error)
{
  struct world *world = context;

  (void) error;
  note (&world->audited, "%s %s %s %s\n", action, resource, outcome, detail);
  return EZCDC_OK;
}

static int
audit_tls (void *context, const char *action, const char *outcome,
           const char *detail, struct error *error)
{
  return audit (context, action, "sink", outcome, detail, error);
}

static void
warn (void *context, const char *message)
{
  struct world *world = context;

  note (&world->warned, "%s\n", message);
}

static void
negotiated (void *context, const char *peer, const char *version,
            const char *cipher, const void *certificate, size_t length)
{
  struct world *world = context;

  assert_int_equal (version != NULL, certificate != NULL && length > 100);
  note (&world->negotiated, "%s %s %s\n",
        strchr (peer, ':') == NULL ? "?" : "peer",
        version == NULL ? "clear" : version, cipher == NULL ? "-" : "cipher");
}

enum {
  PLAINTEXT = 1, /* load_plaintext = allow */
  DISABLED = 2,  /* ssl_enabled = no */
  TLS13 = 4,
  CLIENT_CERT = 8,
  WITH_CRL = 16,
  INTERRUPTED = 32,
};

static struct tls_pem
pem_path (const char *name)
{
  return (struct tls_pem){ OPTION_PEM_PATH, folder_path (folder, name) };
}

static void
load_tls (struct world *world, const char *mode, int flags)
{
  struct tls_settings settings = {
    .section = "sink",
    .mode = mode,
    .enabled = (flags & DISABLED) == 0,
    .minimum_version = (flags & TLS13) != 0 ? "TLSv1.3" : "TLSv1.2",
  };

  if (strcmp (mode, "require") != 0)
    settings.root_cert = pem_path ("right-ca.pem");
  if ((flags & CLIENT_CERT) != 0) {
    settings.client_cert = pem_path ("client.pem");
    settings.client_key = pem_path ("client.key");
  }
  if ((flags & WITH_CRL) != 0)
    settings.crl = pem_path ("right-crl.pem");
  world->tls_services = (struct tls_services){
    .audit = audit_tls,
    .warn = warn,
    .context = world,
  };
  assert_int_equal (tls_parameters_load (&settings, &world->tls_services,
                                         &world->tls, &world->error),
                    EZCDC_OK);
  free ((void *) settings.root_cert.text);
  free ((void *) settings.client_cert.text);
  free ((void *) settings.client_key.text);
  free ((void *) settings.crl.text);
}

static struct world *
world_new (const char *mode, int flags)
{
  struct world *world = calloc (1, sizeof *world);

  assert_non_null (world);
  world->password = "old";
  world->services = (struct http_services){
    .open_sealed = open_sealed,
    .audit = audit,
    .warn = warn,
    .tls_peer = negotiated,
    .context = world,
  };
  world->interrupt = eventfd ((flags & INTERRUPTED) != 0,
                              EFD_CLOEXEC | EFD_NONBLOCK);
  load_tls (world, mode, flags);
  assert_int_equal (http_client_new (
                      &(struct http_client_settings){
                        .section = "sink",
                        .tls = world->tls,
                        .plaintext_allowed = (flags & PLAINTEXT) != 0,
                        .interrupt_descriptor = world->interrupt,
                      },
                      &world->services, &world->client, &world->error),
                    EZCDC_OK);
  return world;
}

static void
world_free (struct world *world)
{
  http_client_free (world->client);
  tls_parameters_free (world->tls);
  close (world->interrupt);
  text_free (&world->audited);
  text_free (&world->warned);
  text_free (&world->negotiated);
  free (world);
}

/* ----------------------------------------------------------------- requests */

static char *
url_of (const char *scheme, const char *listener, const char *path)
{
  char *url = NULL;

  assert_true (asprintf (&url, "%s://localhost:%d%s", scheme,
                         http_server_port (server, listener), path)
               > 0);
  return url;
}

static int
perform_request (struct world *world, struct ezcdc_http_request *request)
{
  request->size = sizeof *request;
  if (request->method == NULL)
    request->method = "PUT";
  if (request->timeout_ms == 0)
    request->timeout_ms = 20000;
  world->error = (struct error){ 0 };
  world->response = (struct ezcdc_http_response){
    .size = sizeof world->response,
    .body = world->body,
    .capacity = sizeof world->body,
    .body_sent = 77,
  };
  memset (world->body, '?', sizeof world->body);
  return http_client_perform (world->client, request, &world->response,
                              &world->error);
}

/* PUT with a body of five bytes, Expect, user and password. */
static int
perform_url (struct world *world, const char *url)
{
  return perform_request (world, &(struct ezcdc_http_request){
                                   .flags = EZCDC_HTTP_EXPECT,
                                   .url = url,
                                   .user = "loader",
                                   .password = &sealed_password,
                                   .body = "abcde",
                                   .body_length = 5,
                                 });
}

static int
perform (struct world *world, const char *scheme, const char *listener,
         const char *path)
{
  char *url = url_of (scheme, listener, path);
  int result = perform_url (world, url);

  free (url);
  return result;
}

static void expect_seen (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

static void
expect_seen (const char *format, ...)
{
  char *line = NULL;
  va_list args;

  va_start (args, format);
  assert_true (vasprintf (&line, format, args) > 0);
  va_end (args);
  assert_string_equal (http_server_next (server), line);
  free (line);
}

/* That the server has seen nothing else up to here. */
static void
expect_nothing_seen (void)
{
  struct world *fence = world_new ("verify-full", 0);
  char *url = url_of ("http", "other", "/ok");
  int result = perform_request (fence, &(struct ezcdc_http_request){
                                         .method = "GET",
                                         .url = url,
                                       });

  assert_int_equal (result, EZCDC_OK);
  assert_contains (http_server_next (server), "other GET /ok auth=- ");
  free (url);
  world_free (fence);
}

static void
expect_ok (const struct world *world, int result)
{
  assert_string_equal (world->error.text, "");
  assert_int_equal (result, EZCDC_OK);
}

static void
expect_answer (const struct world *world, uint32_t status, const char *body,
               uint32_t body_sent)
{
  assert_int_equal (world->response.status, status);
  assert_string_equal (world->response.body, body);
  assert_int_equal (world->response.length, strlen (body));
  assert_int_equal (world->response.body_sent, body_sent);
  assert_int_equal (world->response.truncated, 0);
}

static void
expect_failure (const struct world *world, int result, int code,
                const char *words, uint32_t body_sent)
{
  assert_contains (world->error.text, words);
  assert_int_equal (result, code);
  assert_int_equal (world->error.code, code);
  assert_int_equal (world->response.status, 0);
  assert_int_equal (world->response.length, 0);
  assert_string_equal (world->response.body, "");
  assert_int_equal (world->response.body_sent, body_sent);
  assert_null (strstr (world->error.text, OLD));
}

/* -------------------------------------------------------------------- tests */

static void
test_put_and_keep_alive (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  for (int i = 0; i < 3; i++) {
    expect_ok (world, perform (world, "https", "tls", "/ok"));
    expect_answer (world, 200, "done 495", 1);
  }
  const char *first = http_server_next (server);
  char *copy = strdup (first);

  assert_contains (copy, "tls PUT /ok auth=Basic " OLD " body=5 connection=");
  expect_seen ("%s", copy);
  expect_seen ("%s", copy);
  free (copy);
  /* One connection, one opening, nothing weakened. */
  assert_string_equal (text_string (&world->negotiated),
                       "peer TLSv1.3 cipher\n");
  assert_int_equal (world->opened, 1);
  assert_string_equal (text_string (&world->audited), "");
  assert_string_equal (text_string (&world->warned), "");
  world_free (world);
}

static void
test_headers (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  struct ezcdc_http_header headers[] = {
    { "label", "ezcdc_1" },
    { "empty", "" },
    { "format", "json" },
  };
  char *url = url_of ("https", "tls", "/show-headers");

  (void) state;
  assert_int_equal (perform_request (world,
                                     &(struct ezcdc_http_request){
                                       .method = "POST",
                                       .url = url,
                                       .headers = headers,
                                       .header_count = 3,
                                     }),
                    EZCDC_OK);
  assert_contains (http_server_next (server), "tls POST /show-headers auth=-");
  assert_contains (world->body, "content-length: 0\n");
  assert_contains (world->body, "\nempty: \nformat: json\nhost: localhost:");
  assert_contains (world->body, "\nlabel: ezcdc_1\nuser-agent: ezcdc/");
  assert_null (strstr (world->body, "expect"));
  assert_int_equal (world->response.body_sent, 0);
  assert_int_equal (world->opened, 0);
  free (url);
  world_free (world);
}

static void
test_redirect_is_followed (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  char *path = NULL;

  (void) state;
  assert_true (asprintf (&path, "/redirect/307/https://u:p@localhost:%d/ok",
                         http_server_port (server, "old"))
               > 0);
  assert_int_equal (
    http_client_allow (world->client, "LocalHost.",
                       (uint32_t) http_server_port (server, "old"),
                       &world->error),
    EZCDC_OK);
  expect_ok (world, perform (world, "https", "tls", path));
  expect_answer (world, 200, "done 495", 1);
  /* The first one has not got the body, both have got the credential. */
  assert_contains (http_server_next (server), " auth=Basic " OLD " body=0 ");
  assert_contains (http_server_next (server),
                   "old PUT /ok auth=Basic " OLD " body=5 ");
  assert_int_equal (world->opened, 1);
  free (path);
  world_free (world);
}

static void
test_redirect_to_itself_and_relative (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/redirect/308//ok"));
  expect_answer (world, 200, "done 495", 1);
  http_server_next (server);
  assert_contains (http_server_next (server),
                   "tls PUT /ok auth=Basic " OLD " body=5 ");
  world_free (world);
}

/* A server that reads the body before it redirects gets it twice. */
static void
test_redirect_after_body (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_ok (world,
             perform (world, "https", "tls", "/redirect-after-body/307//ok"));
  expect_answer (world, 200, "done 495", 1);
  assert_contains (http_server_next (server), " body=5 ");
  assert_contains (http_server_next (server),
                   "tls PUT /ok auth=Basic " OLD " body=5 ");
  world_free (world);
}

static void
test_redirect_to_a_stranger (void **state)
{
  struct world *world = world_new ("verify-full", PLAINTEXT);
  int result;

  (void) state;
  /* 192.0.2.0/24 is for documentation: nothing is there. */
  result = perform (world, "https", "tls",
                    "/redirect/307/https://192.0.2.1:1/ok");
  expect_failure (world, result, EZCDC_E_CONFIG,
                  "neither configured nor announced", 0);
  assert_contains (text_string (&world->audited),
                   "sink.redirect_refused 192.0.2.1:1 denied {\"from\":"
                   "\"https://localhost:");
  assert_contains (http_server_next (server), "tls PUT /redirect/307/");
  /* So is another port of the host that is configured. */
  result = perform (world, "https", "tls",
                    "/redirect/307/https://localhost:1/ok");
  expect_failure (world, result, EZCDC_E_CONFIG,
                  "neither configured nor announced", 0);
  assert_contains (http_server_next (server), "tls PUT /redirect/307/");
  expect_nothing_seen ();
  world_free (world);
}

/* Another port of this machine is a stranger, too, unless the cluster has
 * announced it, under whatever name of this machine. */
static void
test_redirect_on_loopback (void **state)
{
  struct world *world = world_new ("verify-full", PLAINTEXT);
  char *path = NULL;
  int result;

  (void) state;
  assert_true (asprintf (&path, "/redirect/307/http://127.0.0.9:%d/ok",
                         http_server_port (server, "other"))
               > 0);
  result = perform (world, "http", "plain", path);
  expect_failure (world, result, EZCDC_E_CONFIG,
                  "neither configured nor announced", 0);
  assert_contains (http_server_next (server), "plain PUT /redirect");
  assert_int_equal (
    http_client_allow (world->client, "127.0.0.1",
                       (uint32_t) http_server_port (server, "other"),
                       &world->error),
    EZCDC_OK);
  expect_ok (world, perform (world, "http", "plain", path));
  expect_answer (world, 200, "done 495", 1);
  assert_contains (http_server_next (server), "plain PUT /redirect");
  assert_contains (http_server_next (server), "other PUT /ok ");
  free (path);
  world_free (world);
}

static void
test_redirect_leaves_tls (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  char *path = NULL;
  int result;

  (void) state;
  assert_true (asprintf (&path, "/redirect/307/http://localhost:%d/ok",
                         http_server_port (server, "plain"))
               > 0);
  assert_int_equal (
    http_client_allow (world->client, "localhost",
                       (uint32_t) http_server_port (server, "plain"),
                       &world->error),
    EZCDC_OK);
  result = perform (world, "https", "tls", path);
  expect_failure (world, result, EZCDC_E_CONFIG, "it leaves TLS", 0);
  assert_contains (world->error.text, "load_plaintext = allow");
  assert_contains (text_string (&world->audited), "sink.redirect_refused ");
  assert_contains (http_server_next (server), "tls PUT /redirect");
  expect_nothing_seen ();
  world_free (world);

  world = world_new ("verify-full", PLAINTEXT);
  assert_int_equal (
    http_client_allow (world->client, "localhost",
                       (uint32_t) http_server_port (server, "plain"),
                       &world->error),
    EZCDC_OK);
  expect_ok (world, perform (world, "https", "tls", path));
  expect_answer (world, 200, "done 495", 1);
  assert_contains (text_string (&world->audited), "tls.weakened localhost:");
  assert_contains (text_string (&world->warned), "in the clear");
  assert_contains (http_server_next (server), "tls PUT /redirect");
  assert_contains (http_server_next (server), "plain PUT /ok auth=Basic " OLD);
  free (path);
  world_free (world);
}

static void
test_redirect_loop (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  char *path = strdup ("/ok");
  int result;

  (void) state;
  for (int redirects = 1; redirects <= 5; redirects++) {
    char *longer = NULL;

    assert_true (asprintf (&longer, "/redirect/307/%s", path) > 0);
    free (path);
    path = longer;
    result = perform (world, "https", "tls", path);
    if (redirects <= 4)
      assert_int_equal (result, EZCDC_OK);
    else
      expect_failure (world, result, EZCDC_E_UNAVAILABLE,
                      "more than 4 redirects", 0);
    for (int i = 0; i < redirects; i++)
      assert_contains (http_server_next (server), "tls PUT /redirect");
    if (redirects <= 4)
      assert_contains (http_server_next (server), "tls PUT /ok");
  }
  expect_nothing_seen ();
  free (path);
  world_free (world);
}

static void
test_bad_locations (void **state)
{
  static const struct {
    const char *path;
    int code;
    const char *words;
  } cases[] = {
    { "/no-location", EZCDC_E_UNAVAILABLE, "does not say where" },
    { "/redirect/307/ftp://localhost/x", EZCDC_E_CONFIG,
      "neither https nor http" },
    { "/redirect/307/file:///etc/passwd", EZCDC_E_CONFIG, "is refused" },
    { "/redirect/307/https://localhost:99999/x", EZCDC_E_CONFIG,
      "is refused" },
    { "/redirect/307/https://", EZCDC_E_CONFIG, "is refused" },
  };
  struct world *world = world_new ("verify-full", PLAINTEXT);

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int result = perform (world, "https", "tls", cases[i].path);

    expect_failure (world, result, cases[i].code, cases[i].words, 0);
    assert_contains (http_server_next (server), " body=0 ");
  }
  expect_nothing_seen ();
  world_free (world);
}

/* Other redirects are answers like any other. */
static void
test_other_redirects_are_answers (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/redirect/302//ok"));
  expect_answer (world, 302, "this way", 0);
  http_server_next (server);
  expect_nothing_seen ();
  world_free (world);
}

static void
test_plain_http (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  int result = perform_url (world, "http://192.0.2.1:8030/api");

  (void) state;
  expect_failure (world, result, EZCDC_E_CONFIG, "sink.load_plaintext = allow",
                  0);
  assert_int_equal (world->opened, 0);

  /* This machine is no network: a warning and a record, once. */
  for (int i = 0; i < 2; i++) {
    expect_ok (world, perform (world, "http", "plain", "/ok"));
    assert_contains (http_server_next (server), "plain PUT /ok auth=Basic");
  }
  assert_contains (text_string (&world->audited), "tls.weakened localhost:");
  assert_contains (text_string (&world->audited),
                   "{\"option\":\"load_url\",\"value\":\"http\",\"loopback\":"
                   "true}\n");
  assert_ptr_equal (strchr (text_string (&world->audited), '\n'),
                    strrchr (text_string (&world->audited), '\n'));
  assert_string_equal (text_string (&world->negotiated), "peer clear -\n");
  world_free (world);

  /* ssl_enabled = no has said it already. */
  world = world_new ("verify-full", DISABLED);
  expect_ok (world, perform (world, "http", "plain", "/ok"));
  http_server_next (server);
  assert_contains (text_string (&world->audited),
                   "tls.weakened sink success {\"option\":\"ssl_enabled\"");
  assert_null (strstr (text_string (&world->audited), "load_"));
  world_free (world);
}

static void
test_early_answer (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/early"));
  expect_answer (world, 200, "label already exists", 0);
  assert_contains (http_server_next (server),
                   "tls PUT /early auth=Basic " OLD " body=0 ");
  /* That line is not used again. */
  expect_ok (world, perform (world, "https", "tls", "/ok"));
  assert_contains (http_server_next (server), "tls PUT /ok ");
  assert_string_equal (text_string (&world->negotiated),
                       "peer TLSv1.3 cipher\npeer TLSv1.3 cipher\n");
  world_free (world);
}

static void
test_answer_amid_the_body (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  size_t length = 64 * 1024 * 1024;
  char *body = calloc (1, length);
  char *url = url_of ("https", "tls", "/early-amid");
  struct ezcdc_http_request request = {
    .flags = EZCDC_HTTP_EXPECT,
    .url = url,
    .body = body,
    .body_length = length,
  };
  int result;

  (void) state;
  assert_non_null (body);
  result = perform_request (world, &request);
  assert_string_equal (world->error.text, "");
  assert_int_equal (result, EZCDC_OK);
  expect_answer (world, 200, "bad row", 1);
  assert_contains (http_server_next (server), "tls PUT /early-amid ");
  free (url);
  free (body);
  world_free (world);
}

static void
test_cut_connections (void **state)
{
  static const struct {
    const char *path;
    int body_sent;
  } cases[] = {
    { "/cut-before", 0 },
    { "/cut-amid", 1 },
    { "/cut-after", 1 },
    { "/cut-answer", 1 },
  };
  struct world *world = world_new ("verify-full", 0);
  size_t length = 16 * 1024 * 1024;
  char *body = calloc (1, length);

  (void) state;
  assert_non_null (body);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *url = url_of ("https", "tls", cases[i].path);
    int result = perform_request (world, &(struct ezcdc_http_request){
                                           .flags = EZCDC_HTTP_EXPECT,
                                           .url = url,
                                           .body = body,
                                           .body_length = length,
                                         });

    expect_failure (world, result, EZCDC_E_UNAVAILABLE, cases[i].path,
                    (uint32_t) cases[i].body_sent);
    assert_contains (http_server_next (server), cases[i].path);
    free (url);
  }
  expect_nothing_seen ();
  free (body);
  world_free (world);
}

static void
test_closed_idle_connection (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/then-close"));
  assert_contains (http_server_next (server), "/then-close");
  expect_ok (world, perform (world, "https", "tls", "/ok"));
  expect_answer (world, 200, "done 495", 1);
  assert_contains (http_server_next (server), "tls PUT /ok ");
  world_free (world);
}

static void
test_nobody_there (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  int result = perform_url (world, "https://localhost:1/x");

  (void) state;
  expect_failure (world, result, EZCDC_E_UNAVAILABLE,
                  "PUT https://localhost:1/x: ", 0);
  result = perform_url (world, "https://no-such-host.invalid/x?secret=1");
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "no-such-host.invalid",
                  0);
  assert_null (strstr (world->error.text, "secret"));
  world_free (world);
}

static void
test_timeout (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  char *url = url_of ("https", "tls", "/never");
  int result = perform_request (world, &(struct ezcdc_http_request){
                                         .url = url,
                                         .body = "abc",
                                         .body_length = 3,
                                         .timeout_ms = 300,
                                       });

  (void) state;
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "timed out", 1);
  assert_contains (http_server_next (server), "/never");
  free (url);
  world_free (world);
}

static void *
interrupt_when_seen (void *context)
{
  struct world *world = context;
  uint64_t one = 1;

  assert_contains (http_server_next (server), "/stall");
  assert_int_equal (write (world->interrupt, &one, sizeof one), sizeof one);
  return NULL;
}

static void
test_interrupt (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  size_t length = 64 * 1024 * 1024;
  char *body = calloc (1, length);
  char *url = url_of ("https", "tls", "/stall");
  pthread_t thread;
  int result;

  (void) state;
  assert_non_null (body);
  assert_int_equal (pthread_create (&thread, NULL, interrupt_when_seen, world),
                    0);
  result = perform_request (world, &(struct ezcdc_http_request){
                                     .flags = EZCDC_HTTP_EXPECT,
                                     .url = url,
                                     .body = body,
                                     .body_length = length,
                                   });
  pthread_join (thread, NULL);
  expect_failure (world, result, EZCDC_E_STOPPED, "interrupted", 1);
  free (url);
  free (body);
  world_free (world);

  world = world_new ("verify-full", INTERRUPTED);
  result = perform (world, "https", "tls", "/ok");
  expect_failure (world, result, EZCDC_E_STOPPED, "interrupted", 0);
  expect_nothing_seen ();
  world_free (world);
}

static void
test_rotated_password (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  int result;

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/password/" OLD));
  expect_answer (world, 200, "welcome", 1);
  http_server_next (server);

  world->password = "new";
  expect_ok (world, perform (world, "https", "tls", "/password/" NEW));
  expect_answer (world, 200, "welcome", 1);
  assert_contains (http_server_next (server), "auth=Basic " OLD);
  assert_contains (http_server_next (server), "auth=Basic " NEW);
  assert_int_equal (world->opened, 2);

  /* Once is enough: a wrong password is not tried again and again. */
  expect_ok (world, perform (world, "https", "tls", "/password/x"));
  expect_answer (world, 401, "who?", 1);
  assert_contains (http_server_next (server), "auth=Basic " NEW);
  assert_contains (http_server_next (server), "auth=Basic " NEW);
  assert_int_equal (world->opened, 3);
  world_free (world);

  world = world_new ("verify-full", 0);
  expect_ok (world, perform (world, "https", "tls", "/password/x"));
  expect_answer (world, 401, "who?", 1);
  assert_contains (http_server_next (server), "auth=Basic " OLD);
  assert_int_equal (world->opened, 1);
  expect_nothing_seen ();
  world_free (world);

  world = world_new ("verify-full", 0);
  world->password = NULL;
  result = perform (world, "https", "tls", "/ok");
  expect_failure (world, result, EZCDC_E_CREDENTIAL, "credential_unreadable",
                  0);
  expect_nothing_seen ();
  world_free (world);
}

static void
test_tls_refusals (void **state)
{
  static const struct {
    const char *mode;
    int flags;
    const char *listener;
    const char *words; /* NULL: it works */
  } cases[] = {
    { "verify-full", 0, "wrong-ca", "certificate" },
    { "verify-full", 0, "wrong-host", "localhost" },
    { "verify-full", 0, "expired", "expired" },
    { "verify-full", WITH_CRL, "revoked", "revoked" },
    { "verify-full", WITH_CRL, "tls", NULL },
    { "verify-full", TLS13, "old", "protocol version" },
    { "verify-full", TLS13, "tls", NULL },
    { "verify-full", 0, "plain", "wrong version number" },
    { "verify-full", 0, "mutual", "certificate required" },
    { "verify-full", CLIENT_CERT, "mutual", NULL },
    { "verify-ca", 0, "wrong-ca", "certificate" },
    { "verify-ca", 0, "expired", "expired" },
    { "verify-ca", 0, "wrong-host", NULL },
    { "require", 0, "wrong-ca", NULL },
    { "require", 0, "expired", NULL },
    { "prefer", 0, "wrong-ca", NULL },
    { "verify-full", DISABLED, "wrong-ca", NULL },
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct world *world = world_new (cases[i].mode, cases[i].flags);
    int result = perform (world, "https", cases[i].listener, "/ok");

    print_message ("# %s %d %s: %s\n", cases[i].mode, cases[i].flags,
                   cases[i].listener, world->error.text);
    if (cases[i].words != NULL)
      expect_failure (world, result, EZCDC_E_CONFIG, cases[i].words, 0);
    else {
      assert_int_equal (result, EZCDC_OK);
      expect_answer (world, 200, "done 495", 1);
      assert_contains (http_server_next (server), " PUT /ok auth=Basic ");
    }
    world_free (world);
  }
  expect_nothing_seen ();
}

/* A session from before a reload is not used again. */
static void
test_tls_reload (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  char *right = folder_path (folder, "right-ca.pem");
  char *wrong = folder_path (folder, "wrong-ca.pem");
  char *good = file_read (right);
  char *bad = file_read (wrong);
  int result;

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/ok"));
  http_server_next (server);
  file_write (right, bad);
  expect_ok (world, tls_parameters_reload (world->tls, &world->error));
  result = perform (world, "https", "tls", "/ok");
  expect_failure (world, result, EZCDC_E_CONFIG, "certificate", 0);
  world->error = (struct error){ 0 };
  file_write (right, good);
  expect_ok (world, tls_parameters_reload (world->tls, &world->error));
  expect_ok (world, perform (world, "https", "tls", "/ok"));
  http_server_next (server);
  expect_nothing_seen ();
  free (right);
  free (wrong);
  free (good);
  free (bad);
  world_free (world);
}

static void
test_answers_of_any_size (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  int result;

  (void) state;
  expect_ok (world, perform (world, "https", "tls", "/large/5000"));
  http_server_next (server);
  assert_int_equal (world->response.length, sizeof world->body - 1);
  assert_int_equal (world->response.truncated, 1);
  assert_int_equal (strlen (world->body), sizeof world->body - 1);
  expect_ok (world, perform (world, "https", "tls", "/large/4095"));
  http_server_next (server);
  assert_int_equal (world->response.length, 4095);
  assert_int_equal (world->response.truncated, 0);

  result = perform (world, "https", "tls", "/large/40000000");
  http_server_next (server);
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "larger than", 1);
  expect_ok (world, perform (world, "https", "tls", "/headers/50"));
  http_server_next (server);
  result = perform (world, "https", "tls", "/headers/200");
  http_server_next (server);
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "larger than", 1);
  result = perform (world, "https", "tls", "/long-line/header");
  http_server_next (server);
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "larger than", 1);
  result = perform (world, "https", "tls", "/long-line/trailer");
  http_server_next (server);
  expect_failure (world, result, EZCDC_E_UNAVAILABLE, "larger than", 1);
  world_free (world);
}

static void
test_improper_requests (void **state)
{
  static const struct ezcdc_http_header injected = { "label", "x\r\nHost: y" };
  static const struct ezcdc_http_header named = { "a b", "x" };
  static const struct ezcdc_http_header reserved = { "authorization",
                                                     "Basic x" };
  char *url = url_of ("https", "tls", "/ok");
  struct ezcdc_http_request cases[] = {
    { .url = url, .method = "PUT x" },
    { .url = url, .method = "" },
    { .url = url, .headers = &injected, .header_count = 1 },
    { .url = url, .headers = &named, .header_count = 1 },
    { .url = url, .headers = &reserved, .header_count = 1 },
    { .url = url, .user = "a:b" },
    { .url = url, .user = "a\nb" },
    { .url = url, .flags = 2 },
    { .url = url, .body_length = 1 },
    { .url = NULL },
  };
  static const char *const urls[] = {
    "https://user:password@localhost/x",
    "https://localhost/x#y",
    "ftp://localhost/x",
    "localhost",
    "https://local host/x",
    "https://localhost:0/x",
    "https://localhost/\r\nx",
  };
  struct world *world = world_new ("verify-full", PLAINTEXT);

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect_failure (world, perform_request (world, &cases[i]), EZCDC_E_BUG, "",
                    0);
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    expect_failure (world, perform_url (world, urls[i]), EZCDC_E_CONFIG, "",
                    0);
    assert_null (strstr (world->error.text, "password@"));
  }
  expect_nothing_seen ();
  free (url);
  world_free (world);
}

static void
expect_scrubbed (struct world *world, const char *text, const char *expected)
{
  char copy[200];

  snprintf (copy, sizeof copy, "%s", text);
  http_client_scrub (world->client, copy);
  assert_string_equal (copy, expected);
}

/* What a server was told is not told on. */
static void
test_scrub (void **state)
{
  struct world *world = world_new ("verify-full", 0);

  (void) state;
  expect_scrubbed (world, "nothing was sent: opensesame", /* nor known */
                   "nothing was sent: opensesame");
  world->password = "opensesame!";
  expect_ok (world, perform (world, "https", "tls", "/ok"));
  assert_contains (http_server_next (server), "tls PUT /ok ");
  expect_scrubbed (world, "", "");
  expect_scrubbed (world, "ope opensesam? opensesame!opensesame!",
                   "ope *********? **********************");
  expect_scrubbed (world, "opensesa opens", "******** opens");
  expect_scrubbed (world, "loader:opensesame!", "loader:***********");
  /* loader:opensesame!, whole and cut off. */
  expect_scrubbed (world, "Basic bG9hZGVyOm9wZW5zZXNhbWUh/",
                   "Basic ************************/");
  expect_scrubbed (world, "Basic bG9hZGVyOm9wZW5?", "Basic ***************?");
  world_free (world);
}

static void
test_allowed_places (void **state)
{
  struct world *world = world_new ("verify-full", 0);
  struct error error = { 0 };

  (void) state;
  assert_int_equal (http_client_allow (world->client, "be1", 8040, &error),
                    EZCDC_OK);
  assert_int_equal (http_client_allow (world->client, "[::1]", 8040, &error),
                    EZCDC_OK);
  assert_int_equal (http_client_allow (world->client, "", 8040, &error),
                    EZCDC_E_CONFIG);
  assert_int_equal (http_client_allow (world->client, "be1", 0, &error),
                    EZCDC_E_CONFIG);
  assert_int_equal (http_client_allow (world->client, "be1", 65536, &error),
                    EZCDC_E_CONFIG);
  world_free (world);
}

/* --------------------------------------------------------------- threads */

struct load {
  struct world *world;
  char *url;
};

static void *
send_loads (void *context)
{
  const struct load *load = context;

  for (int i = 0; i < 10; i++) {
    struct error error = { 0 };
    char body[100];
    struct ezcdc_http_response response = {
      .size = sizeof response,
      .body = body,
      .capacity = sizeof body,
    };
    struct ezcdc_http_request request = {
      .size = sizeof request,
      .method = "PUT",
      .url = load->url,
      .user = "loader",
      .password = &sealed_password,
      .body = "abcde",
      .body_length = 5,
      .timeout_ms = 20000,
    };

    assert_int_equal (
      http_client_perform (load->world->client, &request, &response, &error),
      EZCDC_OK);
    assert_string_equal (body, "done 495");
  }
  return NULL;
}

static void
test_threads (void **state)
{
  struct load load = { world_new ("verify-full", 0),
                       url_of ("http", "plain", "/ok") };
  pthread_t threads[4];

  (void) state;
  for (int i = 0; i < 4; i++)
    assert_int_equal (pthread_create (&threads[i], NULL, send_loads, &load),
                      0);
  for (int i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
  for (int i = 0; i < 40; i++)
    assert_contains (http_server_next (server),
                     "plain PUT /ok auth=Basic " OLD " body=5 ");
  assert_int_equal (load.world->opened, 1);
  free (load.url);
  world_free (load.world);
}

/* ---------------------------------------------------------------- set-up */

static int
set_up (void **state)
{
  struct error error = { 0 };

  (void) state;
  signal (SIGPIPE, SIG_IGN);
  folder = folder_make ();
  certificate_make_ca (folder, "right");
  certificate_make_ca (folder, "wrong");
  certificate_make (folder, "right", "good", "DNS:localhost", 0, 10);
  certificate_make (folder, "right", "wrong-host", "DNS:example.com", 0, 10);
  certificate_make (folder, "right", "expired", "DNS:localhost", -20, 10);
  certificate_make (folder, "right", "revoked", "DNS:localhost", 0, 10);
  certificate_make (folder, "wrong", "stranger", "DNS:localhost", 0, 10);
  certificate_make (folder, "right", "client", NULL, 0, 10);
  certificate_make_crl (folder, "right", "revoked", 10);
  server = http_server_start (folder);
  if (server == NULL) {
    puts ("1..0 # SKIP no python3");
    exit (0);
  }
  return http_start (&error);
}

static int
tear_down (void **state)
{
  (void) state;
  http_server_stop (server);
  folder_remove (folder);
  return 0;
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (test_put_and_keep_alive),
    cmocka_unit_test (test_headers),
    cmocka_unit_test (test_redirect_is_followed),
    cmocka_unit_test (test_redirect_to_itself_and_relative),
    cmocka_unit_test (test_redirect_after_body),
    cmocka_unit_test (test_redirect_to_a_stranger),
    cmocka_unit_test (test_redirect_on_loopback),
    cmocka_unit_test (test_redirect_leaves_tls),
    cmocka_unit_test (test_redirect_loop),
    cmocka_unit_test (test_bad_locations),
    cmocka_unit_test (test_other_redirects_are_answers),
    cmocka_unit_test (test_plain_http),
    cmocka_unit_test (test_early_answer),
    cmocka_unit_test (test_answer_amid_the_body),
    cmocka_unit_test (test_cut_connections),
    cmocka_unit_test (test_closed_idle_connection),
    cmocka_unit_test (test_nobody_there),
    cmocka_unit_test (test_timeout),
    cmocka_unit_test (test_interrupt),
    cmocka_unit_test (test_rotated_password),
    cmocka_unit_test (test_tls_refusals),
    cmocka_unit_test (test_tls_reload),
    cmocka_unit_test (test_answers_of_any_size),
    cmocka_unit_test (test_improper_requests),
    cmocka_unit_test (test_scrub),
    cmocka_unit_test (test_allowed_places),
    cmocka_unit_test (test_threads),
  };

  return cmocka_run_group_tests (tests, set_up, tear_down);
}
