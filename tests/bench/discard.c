/* SPDX-License-Identifier: Apache-2.0 */
/* The target of the measurements: frontend and backend of a StarRocks that
 * reads every Stream Load, throws it away and says that it succeeded. It costs
 * as little as it can, so that what is measured is the sender.
 *
 *   discard CERTIFICATE KEY
 *
 * prints "plain PORT" and "tls PORT", both on 127.0.0.1, and ends when its
 * standard input does. */

#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define HEAD_MAX 65536
#define PIECE (1024 * 1024)

struct listener {
  int descriptor;
  SSL_CTX *tls; /* NULL: plain */
};

struct connection {
  int descriptor;
  SSL *tls;     /* NULL: plain */
  char *buffer; /* PIECE bytes */
  size_t begin; /* what was read and not used yet */
  size_t end;
};

static void
die (const char *what)
{
  perror (what);
  exit (1);
}

/* -------------------------------------------------------------- connections */

static ssize_t
receive (struct connection *connection, char *to, size_t size)
{
  if (connection->tls == NULL)
    return read (connection->descriptor, to, size);
  return SSL_read (connection->tls, to, (int) size);
}

static bool
send_all (struct connection *connection, const char *data, size_t length)
{
  while (length > 0) {
    ssize_t sent = connection->tls == NULL
                     ? write (connection->descriptor, data, length)
                     : (ssize_t) SSL_write (connection->tls, data,
                                            (int) length);

    if (sent <= 0)
      return false;
    data += sent;
    length -= (size_t) sent;
  }
  return true;
}

/* More bytes behind those that are there; false at the end. */
static bool
fill (struct connection *connection)
{
  ssize_t got;

  if (connection->begin == connection->end)
    connection->begin = connection->end = 0;
  if (connection->end == PIECE) {
    if (connection->begin == 0)
      return false;
    connection->end -= connection->begin;
    memmove (connection->buffer, connection->buffer + connection->begin,
             connection->end);
    connection->begin = 0;
  }
  got = receive (connection, connection->buffer + connection->end,
                 PIECE - connection->end);
  if (got <= 0)
    return false;
  connection->end += (size_t) got;
  return true;
}

/* The length of the headers with the empty line; 0 at the end. */
static size_t
read_head (struct connection *connection)
{
  for (;;) {
    const char *begin = connection->buffer + connection->begin;
    size_t length = connection->end - connection->begin;
    const char *end = memmem (begin, length, "\r\n\r\n", 4);

    if (end != NULL)
      return (size_t) (end - begin) + 4;
    if (length > HEAD_MAX || !fill (connection))
      return 0;
  }
}

static bool
skip (struct connection *connection, uint64_t length)
{
  while (length > 0) {
    size_t there = connection->end - connection->begin;

    if (there == 0) {
      if (!fill (connection))
        return false;
      continue;
    }
    if (there > length)
      there = (size_t) length;
    connection->begin += there;
    length -= there;
  }
  return true;
}

/* A line of a chunked body, without its end, as a number. */
static bool
read_chunk_length (struct connection *connection, uint64_t *ret_length)
{
  for (;;) {
    char *begin = connection->buffer + connection->begin;
    char *end = memmem (begin, connection->end - connection->begin, "\r\n", 2);

    if (end != NULL) {
      *ret_length = strtoull (begin, NULL, 16);
      connection->begin += (size_t) (end - begin) + 2;
      return true;
    }
    if (!fill (connection))
      return false;
  }
}

static bool
skip_chunks (struct connection *connection)
{
  uint64_t length;

  do {
    if (!read_chunk_length (connection, &length)
        || !skip (connection, length + 2))
      return false;
  } while (length > 0);
  return true;
}

/* ----------------------------------------------------------------- requests */

struct request {
  bool is_load;
  bool expects;
  bool is_chunked;
  uint64_t length;
  char label[128];
};

static const char *
find_header (const char *head, const char *name)
{
  const char *found = strcasestr (head, name);

  return found == NULL ? NULL : found + strlen (name);
}

/* head has a NUL at its end. */
static void
parse_head (const char *head, struct request *request)
{
  const char *value;

  *request = (struct request){ .is_load = strncmp (head, "PUT ", 4) == 0 };
  request->expects = strcasestr (head, "\r\nexpect: 100-continue") != NULL;
  request->is_chunked = strcasestr (head, "\r\ntransfer-encoding: chunked")
                        != NULL;
  value = find_header (head, "\r\ncontent-length:");
  if (value != NULL)
    request->length = strtoull (value, NULL, 10);
  value = find_header (head, "\r\nlabel: ");
  if (value != NULL)
    snprintf (request->label, sizeof request->label, "%.*s",
              (int) strcspn (value, "\r\n"), value);
}

static bool
answer (struct connection *connection, const struct request *request)
{
  char body[512];
  char head[128];

  if (request->is_load)
    snprintf (body, sizeof body,
              "{\"TxnId\":1,\"Label\":\"%s\",\"Status\":\"Success\","
              "\"Message\":\"OK\",\"NumberFilteredRows\":0,"
              "\"NumberUnselectedRows\":0}",
              request->label);
  else
    snprintf (body, sizeof body,
              "{\"state\":\"VISIBLE\",\"status\":\"OK\",\"msg\":\"Success\"}");
  snprintf (head, sizeof head,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n",
            strlen (body));
  return send_all (connection, head, strlen (head))
         && send_all (connection, body, strlen (body));
}

static bool
serve_request (struct connection *connection)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  size_t length = read_head (connection);
  struct request request;
  char *head = connection->buffer + connection->begin;

  if (length == 0)
    return false;
  head = connection->buffer + connection->begin;
  head[length - 1] = '\0';
  parse_head (head, &request);
  connection->begin += length;
  if (request.expects && !send_all (connection, go_on, sizeof go_on - 1))
    return false;
  if (request.is_chunked ? !skip_chunks (connection)
                         : !skip (connection, request.length))
    return false;
  return answer (connection, &request);
}

static void *
serve (void *context)
{
  struct connection *connection = context;

  if (connection->tls == NULL || SSL_accept (connection->tls) == 1)
    while (serve_request (connection))
      ;
  SSL_free (connection->tls);
  close (connection->descriptor);
  free (connection->buffer);
  free (connection);
  return NULL;
}

/* ---------------------------------------------------------------- listeners */

static void
start_serving (const struct listener *listener, int descriptor)
{
  struct connection *connection = calloc (1, sizeof *connection);
  pthread_t thread;

  if (connection == NULL)
    die ("connection");
  connection->descriptor = descriptor;
  connection->buffer = malloc (PIECE);
  if (connection->buffer == NULL)
    die ("buffer");
  setsockopt (descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  if (listener->tls != NULL) {
    connection->tls = SSL_new (listener->tls);
    SSL_set_fd (connection->tls, descriptor);
    SSL_set_read_ahead (connection->tls, 1);
  }
  if (pthread_create (&thread, NULL, serve, connection) != 0)
    die ("thread");
  pthread_detach (thread);
}

static void *
accept_all (void *context)
{
  const struct listener *listener = context;

  for (;;) {
    int descriptor = accept4 (listener->descriptor, NULL, NULL, SOCK_CLOEXEC);

    if (descriptor < 0)
      die ("accept");
    start_serving (listener, descriptor);
  }
  return NULL;
}

static void
listen_here (struct listener *listener, const char *name)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_addr = { htonl (INADDR_LOOPBACK) },
  };
  socklen_t length = sizeof address;
  pthread_t thread;

  listener->descriptor = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener->descriptor < 0
      || bind (listener->descriptor, (struct sockaddr *) &address, length) < 0
      || listen (listener->descriptor, 64) < 0
      || getsockname (listener->descriptor, (struct sockaddr *) &address,
                      &length)
           < 0)
    die ("listen");
  printf ("%s %d\n", name, ntohs (address.sin_port));
  if (pthread_create (&thread, NULL, accept_all, listener) != 0)
    die ("thread");
  pthread_detach (thread);
}

static SSL_CTX *
load_tls (const char *certificate, const char *key)
{
  SSL_CTX *tls = SSL_CTX_new (TLS_server_method ());

  if (tls == NULL || SSL_CTX_use_certificate_chain_file (tls, certificate) != 1
      || SSL_CTX_use_PrivateKey_file (tls, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp (stderr);
    exit (1);
  }
  return tls;
}

int
main (int argc, char **argv)
{
  static struct listener plain;
  static struct listener tls;
  char ignored[256];

  if (argc != 3) {
    fputs ("usage: discard CERTIFICATE KEY\n", stderr);
    return 2;
  }
  signal (SIGPIPE, SIG_IGN);
  tls.tls = load_tls (argv[1], argv[2]);
  listen_here (&plain, "plain");
  listen_here (&tls, "tls");
  fflush (stdout);
  while (read (STDIN_FILENO, ignored, sizeof ignored) > 0)
    ;
  return 0;
}
