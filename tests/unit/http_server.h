/* SPDX-License-Identifier: Apache-2.0 */
/* Starts tests/unit/http_server.py and reads what it has seen. */

#ifndef EZCDC_TESTS_HTTP_SERVER_H
#define EZCDC_TESTS_HTTP_SERVER_H

struct http_server;

/* NULL if there is no Python. folder has the certificates. */
struct http_server *http_server_start (const char *folder);
void http_server_stop (struct http_server *server);

/* The port of a listener. */
int http_server_port (const struct http_server *server, const char *listener);

/* The next request that the server has seen, without a newline; valid until
 * the next call. Fails the test if none comes within 20 s. */
const char *http_server_next (struct http_server *server);

#endif
